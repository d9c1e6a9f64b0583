"""Flow keys and matches as text."""
from vswitch.tables.flow_key cimport flow_key

# The text of a match: `flow` has the values, `mask` says which of their bits count. `port_name` is None (numbers) or gives a
# port's name, `options` the texts of options of tunnels, which keys do not name.
cdef str flow_format_match(const flow_key* flow, const flow_key* mask, object port_name, list options)
