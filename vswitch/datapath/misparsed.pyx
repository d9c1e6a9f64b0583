"""Frames with more tags than are looked at, once they have been to the controller: what Open vSwitch 3.1 does to them.

With `vlan-limit=1` a frame may have two tags: one that it came with, and one that was pushed. The userspace action parses it
anew (flow_extract() in dpif-netdev.c), and of a frame in midst of its actions that moves the offsets: the network layer is said to
begin behind the first tag, and the transport layer nowhere. Addresses, TOS and TTL that are set later are written there, four bytes
too early: into the second tag, the Ethertype and the packet. Ports are not written at all.

The fields to write are those that were changed since OVS's last commit (`ex.base`), not those that differ from the bytes, which are
other ones; so they are written where OVS commits (odp_size.pyx), and not where bytes are wanted (commit.pyx).
"""
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcmp

from vswitch.datapath.edit_ip cimport edit_ipv4, edit_ipv6
from vswitch.datapath.scratch cimport scratch_retag, scratch_writable
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, LAYOUT_NONE, flow_extract, flow_key, frame_layout
from vswitch.wire.arp cimport ARP_LEN, ARP_OPCODE, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA
from vswitch.wire.byteorder cimport load_be32, load_be64, store_be16, store_be32, store_mac
from vswitch.wire.ethernet cimport ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6
from vswitch.wire.ipv4 cimport IP_DSCP_MASK, IP_ECN_MASK, IPV4_DST, IPV4_LEN, IPV4_SRC, IPV4_TOS, IPV4_TTL
from vswitch.wire.ipv6 cimport IPV6_DST, IPV6_HOP_LIMIT, IPV6_LEN, IPV6_SRC


cdef void misparse(execution* ex) noexcept nogil:
    cdef flow_key key
    if not scratch_retag(ex, ex.tags):
        return
    flow_extract(ex.data, ex.caplen, ex.vlan_limit, FLOW_DEPTH_L4, &key, &ex.layout)
    ex.is_misparsed = True


cdef void commit_misparsed(execution* ex) noexcept nogil:
    # Edits come before tags in a commit: the frame has those of the last one.
    if (ex.is_ghost or not ex.key.nw_proto or not scratch_retag(ex, ex.committed_tags)
            or scratch_writable(ex) == NULL):
        return
    if ex.key.dl_type == ETH_TYPE_ARP:
        set_arp(ex, &ex.base)
    elif ex.key.dl_type == ETH_TYPE_IPV4:
        set_ipv4(ex, &ex.base)
    elif ex.key.dl_type == ETH_TYPE_IPV6:
        set_ipv6(ex, &ex.base)


cdef inline bint has_room(const execution* ex, uint32_t n_bytes) noexcept nogil:
    return ex.layout.l3_ofs != LAYOUT_NONE and ex.layout.l3_ofs + n_bytes <= ex.caplen


cdef void set_arp(execution* ex, const flow_key* base) noexcept nogil:
    cdef uint8_t* arp = ex.scratch + ex.layout.l3_ofs
    if not has_room(ex, ARP_LEN):
        return
    if ex.key.nw_proto != base.nw_proto:
        store_be16(arp + ARP_OPCODE, ex.key.nw_proto)
    if ex.key.arp_sha != base.arp_sha:
        store_mac(arp + ARP_SHA, ex.key.arp_sha)
    if ex.key.nw_src != base.nw_src:
        store_be32(arp + ARP_SPA, ex.key.nw_src)
    if ex.key.arp_tha != base.arp_tha:
        store_mac(arp + ARP_THA, ex.key.arp_tha)
    if ex.key.nw_dst != base.nw_dst:
        store_be32(arp + ARP_TPA, ex.key.nw_dst)


cdef inline uint8_t tos(uint8_t new, uint8_t old, uint8_t there, uint8_t seen) noexcept nogil:
    """DSCP and ECN are set apart from each other, but for what the megaflow looks at."""
    cdef uint8_t mask = seen
    if new == old:
        return there
    if (new ^ old) & IP_DSCP_MASK:
        mask |= IP_DSCP_MASK
    if (new ^ old) & IP_ECN_MASK:
        mask |= IP_ECN_MASK
    return new & mask | there & ~mask


cdef void set_ipv4(execution* ex, const flow_key* base) noexcept nogil:
    """What was not changed is put as it stands there, and so stays."""
    cdef const uint8_t* ip = ex.scratch + ex.layout.l3_ofs
    cdef flow_key key = ex.key
    if not has_room(ex, IPV4_LEN):
        return
    if key.nw_src == base.nw_src:
        key.nw_src = load_be32(ip + IPV4_SRC)
    if key.nw_dst == base.nw_dst:
        key.nw_dst = load_be32(ip + IPV4_DST)
    key.nw_tos = tos(key.nw_tos, base.nw_tos, ip[IPV4_TOS], ex.seen_tos)
    if key.nw_ttl == base.nw_ttl:
        key.nw_ttl = ip[IPV4_TTL]
    edit_ipv4(ex.scratch, ex.caplen, &ex.layout, &key)


cdef void set_ipv6(execution* ex, const flow_key* base) noexcept nogil:
    """As set_ipv4()."""
    cdef const uint8_t* ip = ex.scratch + ex.layout.l3_ofs
    cdef frame_layout layout = ex.layout
    cdef flow_key key = ex.key
    if not has_room(ex, IPV6_LEN):
        return
    if memcmp(key.ipv6_src, base.ipv6_src, sizeof(key.ipv6_src)) == 0:
        key.ipv6_src[0] = load_be64(ip + IPV6_SRC)
        key.ipv6_src[1] = load_be64(ip + IPV6_SRC + 8)
    if memcmp(key.ipv6_dst, base.ipv6_dst, sizeof(key.ipv6_dst)) == 0:
        key.ipv6_dst[0] = load_be64(ip + IPV6_DST)
        key.ipv6_dst[1] = load_be64(ip + IPV6_DST + 8)
    key.nw_tos = tos(key.nw_tos, base.nw_tos, <uint8_t>(load_be32(ip) >> 20), ex.seen_tos)
    if key.ipv6_label == base.ipv6_label:
        key.ipv6_label = load_be32(ip) & 0xFFFFF
    if key.nw_ttl == base.nw_ttl:
        key.nw_ttl = ip[IPV6_HOP_LIMIT]
    layout.l4_ofs = layout.l3_ofs   # nothing behind it is looked at
    edit_ipv6(ex.scratch, ex.caplen, &layout, &key)
