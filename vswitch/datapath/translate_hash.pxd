"""OVS's hashes of a flow, and the choices that follow from them."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.translation cimport translation
from vswitch.tables.flow_key cimport flow_key, frame_layout
from vswitch.tables.ovs_hash cimport ovs_hash_add, ovs_hash_finish

cdef enum hash_fields:              # which fields multipath and bundle hash (NX_HASH_FIELDS_*)
    HASH_ETH_SRC = 0
    HASH_SYMMETRIC_L4 = 1
    HASH_SYMMETRIC_L3L4 = 2
    HASH_SYMMETRIC_L3L4_UDP = 3
    HASH_NW_SRC = 4
    HASH_NW_DST = 5
    HASH_SYMMETRIC_L3 = 6

cdef uint32_t flow_hash(const flow_key* key, uint32_t fields, uint32_t basis) noexcept nogil
cdef uint32_t frame_rss(const flow_key* key, const uint8_t* data, uint32_t caplen, const frame_layout* layout) noexcept nogil
cdef uint32_t flow_hash_5tuple(const flow_key* key, uint32_t basis) noexcept nogil
cdef void hash_unwildcard(translation* t, uint32_t fields) noexcept nogil
cdef void hash_unwildcard_5tuple(translation* t) noexcept nogil
cdef uint32_t hash_bytes(const uint8_t* data, uint32_t n, uint32_t basis) noexcept nogil
cdef uint16_t multipath_link(uint32_t hash, uint32_t algorithm, uint32_t n_links, uint32_t argument) noexcept nogil

cdef inline uint32_t hash_2words(uint32_t x, uint32_t y) noexcept nogil:
    return ovs_hash_finish(ovs_hash_add(ovs_hash_add(x, 0), y), 8)

cdef inline uint32_t hash_uint64(uint64_t x) noexcept nogil:
    return ovs_hash_finish(ovs_hash_add(ovs_hash_add(0, <uint32_t>x), <uint32_t>(x >> 32)), 8)
