"""The size of what OVS would encode (commit_odp_actions() of lib/odp-util.c).

OVS translates a frame, through all bridges, into one list of datapath actions in Netlink attributes. Where that list has
grown over 64 kB, nothing is looked up any more. A frame that patch ports multiply gets there, so the limit decides
which copies leave, and the size must be right to the byte.

Outputs, tags and the like have a fixed size. Edits are encoded when something looks at the frame, by comparing the
key with the one that the last edits led to, `ex.base` (OVS's base_flow). Going back through a patch port does not take
edits back: OVS encodes the old values anew at the next output. A key attribute is set with a mask, unless every
field in it changes. Fields that are set are taken to be set as a whole.

`base` is a copy from the moment of the frame's first edit; most frames never have one.
"""
from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memcmp, memcpy

from vswitch.datapath.execution cimport POP_VLAN_ACTION_BYTES, PUSH_VLAN_ACTION_BYTES
from vswitch.datapath.misparsed cimport commit_misparsed
from vswitch.datapath.vlan cimport tag_count, tag_difference
from vswitch.tables.flow_key cimport FLOW_MAX_MPLS_LABELS
from vswitch.wire.ethernet cimport (
    ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST,
)
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP
from vswitch.wire.mpls cimport MPLS_BOS

cdef enum:
    # Two headers of 4 bytes, and the key attribute once, or twice with its mask
    SET_HEADERS = 8
    ETH_KEY = 12
    IPV4_KEY = 12
    IPV6_KEY = 40
    ARP_KEY = 24
    ND_KEY = 28
    ND_EXTENSIONS_KEY = 8
    L4_KEY = 4
    ICMP_KEY = 4
    MPLS_KEY = 4
    MARK_KEY = 4
    POP_MPLS_BYTES = 8
    PUSH_MPLS_BYTES = 12


cdef void odp_size_keep_base(execution* ex) noexcept nogil:
    """The frame's first edit comes: keeps the headers as they are."""
    memcpy(&ex.base.dl_dst, &ex.key.dl_dst, <size_t>(<char*>&ex.key.ct_nw_src - <char*>&ex.key.dl_dst))
    ex.base.pkt_mark = 0
    ex.has_base = True


cdef inline uint32_t set_size(uint32_t n_bytes, bint is_whole) noexcept nogil:
    return SET_HEADERS + (n_bytes if is_whole else 2 * n_bytes)


cdef void odp_size_commit_headers(execution* ex) noexcept nogil:
    cdef flow_key* key = &ex.key
    cdef flow_key* base = &ex.base
    cdef bint was_mpls
    ex.has_new_edits = False
    if not ex.has_base:
        return
    if ex.is_misparsed:
        commit_misparsed(ex)
    was_mpls = is_mpls(base.dl_type)
    if base.dl_dst != key.dl_dst or base.dl_src != key.dl_src:
        ex.actions_bytes += set_size(ETH_KEY, base.dl_dst != key.dl_dst and base.dl_src != key.dl_src)
        base.dl_dst = key.dl_dst
        base.dl_src = key.dl_src
    if was_mpls and not is_mpls(key.dl_type):
        ex.actions_bytes += commit_mpls(base, key)
    if key.nw_proto:
        if base.dl_type == ETH_TYPE_IPV4:
            ex.actions_bytes += commit_ipv4(base, key)
        elif base.dl_type == ETH_TYPE_IPV6:
            ex.actions_bytes += commit_ipv6(base, key)
        elif base.dl_type == ETH_TYPE_ARP:
            ex.actions_bytes += commit_arp(base, key)
        if base.dl_type == ETH_TYPE_IPV4 or base.dl_type == ETH_TYPE_IPV6:
            ex.actions_bytes += commit_transport(base, key)
    if not was_mpls or is_mpls(key.dl_type):
        ex.actions_bytes += commit_mpls(base, key)
    if base.pkt_mark != key.pkt_mark:
        ex.actions_bytes += set_size(MARK_KEY, True)
        base.pkt_mark = key.pkt_mark


cdef uint32_t commit_ipv4(flow_key* base, const flow_key* key) noexcept nogil:
    """Protocol and fragment bits cannot be set, so the attribute is never set as a whole."""
    if (base.nw_src == key.nw_src and base.nw_dst == key.nw_dst and base.nw_tos == key.nw_tos
            and base.nw_ttl == key.nw_ttl):
        return 0
    base.nw_src = key.nw_src
    base.nw_dst = key.nw_dst
    base.nw_tos = key.nw_tos
    base.nw_ttl = key.nw_ttl
    return set_size(IPV4_KEY, False)


cdef uint32_t commit_ipv6(flow_key* base, const flow_key* key) noexcept nogil:
    cdef uint32_t n_bytes = 0
    if (memcmp(base.ipv6_src, key.ipv6_src, 16) or memcmp(base.ipv6_dst, key.ipv6_dst, 16)
            or base.ipv6_label != key.ipv6_label or base.nw_tos != key.nw_tos or base.nw_ttl != key.nw_ttl):
        memcpy(base.ipv6_src, key.ipv6_src, 16)
        memcpy(base.ipv6_dst, key.ipv6_dst, 16)
        base.ipv6_label = key.ipv6_label
        base.nw_tos = key.nw_tos
        base.nw_ttl = key.nw_ttl
        n_bytes = set_size(IPV6_KEY, False)
    if base.nw_proto == IP_PROTO_ICMP6:
        n_bytes += commit_nd(base, key)
    return n_bytes


cdef uint32_t commit_nd(flow_key* base, const flow_key* key) noexcept nogil:
    cdef uint32_t n_bytes = 0
    cdef bint target = memcmp(base.nd_target, key.nd_target, 16) != 0
    cdef bint sll = base.arp_sha != key.arp_sha
    cdef bint tll = base.arp_tha != key.arp_tha
    if base.igmp_group_ip4 != key.igmp_group_ip4 or base.tcp_flags != key.tcp_flags:
        n_bytes = set_size(ND_EXTENSIONS_KEY, False)
        base.igmp_group_ip4 = key.igmp_group_ip4
        base.tcp_flags = key.tcp_flags
    if target or sll or tll:
        n_bytes += set_size(ND_KEY, target and sll and tll)
        memcpy(base.nd_target, key.nd_target, 16)
        base.arp_sha = key.arp_sha
        base.arp_tha = key.arp_tha
    return n_bytes


cdef uint32_t commit_arp(flow_key* base, const flow_key* key) noexcept nogil:
    cdef uint32_t n_changed = ((base.nw_src != key.nw_src) + (base.nw_dst != key.nw_dst)
                               + (base.nw_proto != key.nw_proto) + (base.arp_sha != key.arp_sha)
                               + (base.arp_tha != key.arp_tha))
    if n_changed == 0:
        return 0
    base.nw_src = key.nw_src
    base.nw_dst = key.nw_dst
    base.nw_proto = key.nw_proto
    base.arp_sha = key.arp_sha
    base.arp_tha = key.arp_tha
    return set_size(ARP_KEY, n_changed == 5)


cdef uint32_t commit_transport(flow_key* base, const flow_key* key) noexcept nogil:
    """Ports; type and code of ICMP."""
    cdef bint src = base.tp_src != key.tp_src
    cdef bint dst = base.tp_dst != key.tp_dst
    if not src and not dst:
        return 0
    if key.nw_proto == IP_PROTO_TCP or key.nw_proto == IP_PROTO_UDP or key.nw_proto == IP_PROTO_SCTP:
        base.tp_src = key.tp_src
        base.tp_dst = key.tp_dst
        return set_size(L4_KEY, src and dst)
    if key.nw_proto == (IP_PROTO_ICMP if key.dl_type == ETH_TYPE_IPV4 else IP_PROTO_ICMP6):
        base.tp_src = key.tp_src
        base.tp_dst = key.tp_dst
        return set_size(ICMP_KEY, True)
    return 0


cdef inline bint is_mpls(uint16_t type) noexcept nogil:
    return type == ETH_TYPE_MPLS or type == ETH_TYPE_MPLS_MCAST


cdef uint32_t count_labels(const flow_key* key) noexcept nogil:
    cdef uint32_t i, n = 0
    if not is_mpls(key.dl_type):
        return 0
    for i in range(FLOW_MAX_MPLS_LABELS):
        if key.mpls_lse[i] & MPLS_BOS:
            return i + 1
        n += key.mpls_lse[i] != 0
    return n


cdef uint32_t commit_mpls(flow_key* base, const flow_key* key) noexcept nogil:
    """Labels that differ are popped and pushed; the last of them to go is set if one comes in its place."""
    cdef uint32_t n_base = count_labels(base)
    cdef uint32_t n_key = count_labels(key)
    cdef uint32_t n_common = 0
    cdef uint32_t n_bytes = 0
    while (n_common < n_base and n_common < n_key
           and base.mpls_lse[n_base - 1 - n_common] == key.mpls_lse[n_key - 1 - n_common]):
        n_common += 1
    if n_base > n_common and n_key > n_common:
        n_bytes = set_size(MPLS_KEY, True) + (n_base - n_common - 1) * POP_MPLS_BYTES
        n_bytes += (n_key - n_common - 1) * PUSH_MPLS_BYTES
    else:
        n_bytes = (n_base - n_common) * POP_MPLS_BYTES + (n_key - n_common) * PUSH_MPLS_BYTES
    memcpy(base.mpls_lse, key.mpls_lse, sizeof(key.mpls_lse))
    if n_base or n_key:
        base.dl_type = key.dl_type
    return n_bytes


cdef void odp_size_commit_tags(execution* ex) noexcept nogil:
    """Tags are popped and pushed for this output. One that was popped comes back without its DEI bit later."""
    cdef uint32_t n_pop, n_push, n_kept
    tag_difference(ex.committed_tags, ex.tags, &n_pop, &n_push)
    ex.actions_bytes += n_pop * POP_VLAN_ACTION_BYTES + n_push * PUSH_VLAN_ACTION_BYTES
    # How deep into the frame's own tags this went: what is below them was never touched.
    n_kept = tag_count(ex.committed_tags) - n_pop
    if tag_count(ex.base_tags) > n_kept + ex.n_popped:
        ex.n_popped = tag_count(ex.base_tags) - n_kept
    ex.committed_tags = ex.tags
