"""How many bytes OVS's datapath actions for a frame would take: what its limit of 64 kB looks at."""
from vswitch.datapath.execution cimport execution
from vswitch.tables.flow_key cimport flow_key

cdef void odp_size_commit_tags(execution* ex) noexcept nogil
cdef void odp_size_commit_headers(execution* ex) noexcept nogil
cdef void odp_size_keep_base(execution* ex) noexcept nogil

cdef inline void odp_size_commit(execution* ex) noexcept nogil:
    """Adds the edits that OVS would encode here; from here on OVS takes them for done."""
    if ex.has_new_edits:
        odp_size_commit_headers(ex)
    if ex.tags != ex.committed_tags:
        odp_size_commit_tags(ex)
