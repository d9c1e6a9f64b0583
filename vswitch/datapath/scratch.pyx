"""The copy of a frame that edits are written to, made when the first of them is."""
from libc.stdint cimport uint16_t, uint32_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memmove

from vswitch.datapath.frame_bytes cimport tags_to_change
from vswitch.datapath.vlan cimport tags_inner, tags_outer
from vswitch.tables.flow_key cimport LAYOUT_NONE
from vswitch.wire.byteorder cimport store_be32
from vswitch.wire.dot1q cimport DOT1Q_LEN
from vswitch.wire.ethernet cimport ETH_TYPE

cdef enum:
    SCRATCH_ROOM = 64               # bytes that pushes may add


cdef bint scratch_reserve(execution* ex, size_t n_bytes) noexcept nogil:
    """Makes room for a frame of `n_bytes` in `ex.scratch`; False if memory ran out."""
    cdef uint8_t* grown
    if n_bytes > ex.scratch_size:
        grown = <uint8_t*>realloc(ex.scratch, n_bytes + SCRATCH_ROOM)
        if grown == NULL:
            ex.out_of_memory = True
            return False
        if ex.is_scratch:
            ex.data = grown
        ex.scratch = grown
        ex.scratch_size = n_bytes + SCRATCH_ROOM
    return True


cdef uint8_t* scratch_writable(execution* ex) noexcept nogil:
    """The frame's bytes, to write to; NULL if memory ran out."""
    if not ex.is_scratch:
        if not scratch_reserve(ex, ex.caplen):
            return NULL
        memcpy(ex.scratch, ex.data, ex.caplen)
        ex.data = ex.scratch
        ex.is_scratch = True
    return ex.scratch


cdef void scratch_resize(execution* ex, int n_bytes) noexcept nogil:
    """So many bytes came or went in front of the network layer."""
    ex.caplen += n_bytes
    ex.len += n_bytes
    if ex.layout.l3_ofs != LAYOUT_NONE:
        ex.layout.l3_ofs = <uint16_t>(ex.layout.l3_ofs + n_bytes)
    if ex.layout.l4_ofs != LAYOUT_NONE:
        ex.layout.l4_ofs = <uint16_t>(ex.layout.l4_ofs + n_bytes)


cdef bint scratch_retag(execution* ex, tag_stack tags) noexcept nogil:
    """Makes the frame's bytes begin with `tags`, of which those that stay keep their bytes; False if memory ran out."""
    cdef uint32_t n_pop, n_push
    cdef uint8_t* data
    if tags == ex.base_tags and not ex.n_popped:
        return True
    tags_to_change(ex, tags, &n_pop, &n_push)
    if not scratch_reserve(ex, ex.caplen + n_push * DOT1Q_LEN):
        return False
    data = scratch_writable(ex)
    if data == NULL or not scratch_reserve(ex, ex.caplen + n_push * DOT1Q_LEN):
        return False
    data = ex.scratch
    memmove(data + ETH_TYPE + n_push * DOT1Q_LEN, data + ETH_TYPE + n_pop * DOT1Q_LEN,
            ex.caplen - ETH_TYPE - n_pop * DOT1Q_LEN)
    if n_push:
        store_be32(data + ETH_TYPE, tags_outer(tags))
    if n_push == 2:
        store_be32(data + ETH_TYPE + DOT1Q_LEN, tags_inner(tags))
    scratch_resize(ex, DOT1Q_LEN * <int>(n_push - n_pop))
    ex.base_tags = ex.committed_tags = tags
    ex.n_popped = 0
    return True
