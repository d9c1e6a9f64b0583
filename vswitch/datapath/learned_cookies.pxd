"""Which learned flows go when the flows that learned them are gone: `delete_learned`."""
from vswitch.datapath.flow_table cimport flow, learned_cookie, openflow_tables

cdef bint learned_cookies_has_any(const flow* f) noexcept nogil
cdef bint learned_cookies_add(openflow_tables* t, const flow* f) noexcept nogil
cdef void learned_cookies_remove(openflow_tables* t, const flow* f) noexcept nogil
cdef bint learned_cookies_take_dead(openflow_tables* t, learned_cookie* dead) noexcept nogil
cdef void learned_cookies_forget_dead(openflow_tables* t) noexcept nogil
