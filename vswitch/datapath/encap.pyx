"""Pushes and pops of headers. Each ends with another look at the frame, so that the key is as translation expects it."""
from libc.stdint cimport uint16_t
from libc.string cimport memcpy, memmove, memset

from vswitch.datapath.scratch cimport scratch_reserve, scratch_retag, scratch_writable
from vswitch.datapath.vlan cimport tags_from_key
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, LAYOUT_NONE, flow_extract
from vswitch.wire.byteorder cimport load_be16, store_be16
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE, ETH_TYPE_NSH
from vswitch.wire.mpls cimport MPLS_LEN
from vswitch.wire.nsh cimport nsh_fits, nsh_header_len


cdef void push_header(execution* ex, const new_header* h) noexcept nogil:
    """A dummy Ethernet header and `h` in front of the frame, of which a dummy of its own goes."""
    cdef uint32_t start = 0 if h.is_ethernet else <uint32_t>ETH_LEN
    cdef uint8_t* data
    if not scratch_retag(ex, ex.tags) or not scratch_reserve(ex, ex.caplen + ETH_LEN + h.n_bytes):
        return
    data = scratch_writable(ex)
    if data == NULL or ex.caplen < start or not scratch_reserve(ex, ex.caplen + ETH_LEN + h.n_bytes):
        return
    data = ex.scratch
    memmove(data + ETH_LEN + h.n_bytes, data + start, ex.caplen - start)
    memset(data, 0, ETH_LEN)
    store_be16(data + ETH_TYPE, <uint16_t>h.packet_type)
    memcpy(data + ETH_LEN, h.data, h.n_bytes)
    ex.caplen += ETH_LEN + h.n_bytes - start
    ex.len += ETH_LEN + h.n_bytes - start
    look_again(ex, h.packet_type)


cdef void pop_header(execution* ex, uint32_t packet_type) noexcept nogil:
    """The NSH header, or the outermost label, goes; `packet_type` is what is left."""
    cdef uint32_t n, end
    if not scratch_retag(ex, ex.tags) or scratch_writable(ex) == NULL or ex.caplen < ETH_LEN:
        return
    n = MPLS_LEN
    if load_be16(ex.scratch + ETH_TYPE) == ETH_TYPE_NSH:
        n = <uint32_t>nsh_header_len(ex.scratch + ETH_LEN) if nsh_fits(ex.caplen - ETH_LEN) else 0
    if ETH_LEN + n > ex.caplen:
        return
    end = ETH_LEN + n
    if packet_type != 0:
        end = n                     # another dummy Ethernet header stays
        memmove(ex.scratch + ETH_LEN, ex.scratch + ETH_LEN + n, ex.caplen - ETH_LEN - n)
        store_be16(ex.scratch + ETH_TYPE, <uint16_t>packet_type)
    else:
        memmove(ex.scratch, ex.scratch + end, ex.caplen - end)
    ex.caplen -= end
    ex.len -= end
    look_again(ex, packet_type)


cdef void pop_ethernet(execution* ex) noexcept nogil:
    """The Ethernet header becomes a dummy of 14 bytes: without addresses, and without a SNAP header."""
    cdef uint32_t at
    if not scratch_retag(ex, ex.tags) or scratch_writable(ex) == NULL:
        return
    at = ex.layout.l2_5_ofs if ex.layout.l2_5_ofs != LAYOUT_NONE else ex.layout.l3_ofs
    if at != LAYOUT_NONE and ETH_LEN < at <= ex.caplen:
        memmove(ex.scratch + ETH_LEN, ex.scratch + at, ex.caplen - at)
        ex.caplen -= at - ETH_LEN
        ex.len -= at - ETH_LEN
    if ex.caplen >= ETH_LEN:
        memset(ex.scratch, 0, ETH_TYPE)
        store_be16(ex.scratch + ETH_TYPE, ex.key.dl_type)
    look_again(ex, <uint32_t>1 << 16 | ex.key.dl_type)


cdef void look_again(execution* ex, uint32_t packet_type) noexcept nogil:
    flow_extract(ex.data, ex.caplen, ex.vlan_limit, FLOW_DEPTH_L4, &ex.key, &ex.layout)
    ex.key.packet_type = packet_type
    ex.has_metadata = True
    ex.tags = ex.base_tags = ex.committed_tags = tags_from_key(ex.key.vlans)
    ex.n_popped = 0
    ex.dirty = 0
