"""The bytes of a frame as it would leave now.

Tags live in one word until here. Those at the front of the frame that stay are copied with it, innermost first as in OVS;
the others are passed over, and the new ones written instead.
"""
from libc.string cimport memcpy

from vswitch.datapath.vlan cimport tag_at, tag_difference, tags_outer
from vswitch.wire.byteorder cimport load_be16, store_be32
from vswitch.wire.dot1q cimport DOT1Q_LEN
from vswitch.wire.ethernet cimport ETH_TYPE


cdef void tags_to_change(const execution* ex, tag_stack tags, uint32_t* n_pop, uint32_t* n_push) noexcept nogil:
    tag_difference(ex.base_tags, tags, n_pop, n_push)
    if n_pop[0] < ex.n_popped:
        n_push[0] += ex.n_popped - n_pop[0]
        n_pop[0] = ex.n_popped


cdef void frame_shape_of(const execution* ex, frame_shape* shape) noexcept nogil:
    cdef uint32_t n_pop = 0, n_push = 0
    if ex.tags != ex.base_tags or ex.n_popped:
        tags_to_change(ex, ex.tags, &n_pop, &n_push)
    shape.n_pushed = <uint16_t>n_push
    shape.skip = ETH_TYPE + n_pop * DOT1Q_LEN
    shape.caplen = ex.caplen + n_push * DOT1Q_LEN - n_pop * DOT1Q_LEN
    shape.len = ex.len + n_push * DOT1Q_LEN - n_pop * DOT1Q_LEN
    shape.outer_type = <uint16_t>(tags_outer(ex.tags) >> 16) if n_push else load_be16(ex.data + shape.skip)


cdef void frame_bytes(const execution* ex, const frame_shape* shape, uint8_t* to, uint32_t n_bytes) noexcept nogil:
    cdef uint32_t head = ETH_TYPE + shape.n_pushed * DOT1Q_LEN
    cdef uint8_t tagged[20]         # addresses and at most two tags
    if shape.skip == head == ETH_TYPE:
        memcpy(to, ex.data, n_bytes)
        return
    memcpy(tagged, ex.data, ETH_TYPE)
    if shape.n_pushed:
        store_be32(tagged + ETH_TYPE, tag_at(ex.tags, 1))
    if shape.n_pushed == 2:
        store_be32(tagged + ETH_TYPE + DOT1Q_LEN, tag_at(ex.tags, 2))
    head = min(head, n_bytes)
    memcpy(to, tagged, head)
    memcpy(to + head, ex.data + shape.skip, n_bytes - head)
