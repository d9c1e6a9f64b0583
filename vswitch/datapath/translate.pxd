"""The walk through the flow tables."""
from libc.stdint cimport uint32_t
from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.program cimport program
from vswitch.datapath.translation cimport event_list, frozen_state
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.flow_mask cimport flow_mask

cdef struct translate_args:         # all zero for an ordinary walk
    uint32_t depth                  # what was spent already, of OVS's limits
    uint32_t n_resubmits
    const frozen_state* frozen      # go on here instead of in table 0; NULL
    event_list* events              # record the walk; NULL

# The program for `key`, extracted to its full depth, in `br`, and in `mask`, unless it is NULL, the bits of the key that it
# depends on. NULL without memory.
cdef program* translate(const bridge* br, const flow_key* key, const translate_args* args, flow_mask* mask) noexcept nogil
