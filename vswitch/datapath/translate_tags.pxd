"""Actions on VLAN tags, MPLS labels and TTLs."""
from libc.stdint cimport uint32_t
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport translation

cdef void push_vlan(translation* t, uint32_t tpid) noexcept nogil
cdef void pop_vlan(translation* t) noexcept nogil
cdef void set_vlan_vid(translation* t, const ofpact* a) noexcept nogil
cdef void set_vlan_pcp(translation* t, const ofpact* a) noexcept nogil
cdef void push_mpls(translation* t, uint32_t eth_type) noexcept nogil
cdef uint32_t first_mpls_entry(translation* t) noexcept nogil
cdef void pop_mpls(translation* t, uint32_t eth_type) noexcept nogil
cdef void set_mpls(translation* t, uint32_t shift, uint32_t mask, uint32_t value) noexcept nogil
cdef bint dec_mpls_ttl(translation* t) noexcept nogil
cdef bint dec_ttl(translation* t, const ofpact* a) noexcept nogil
cdef bint dec_nsh_ttl(translation* t) noexcept nogil
