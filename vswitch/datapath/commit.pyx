"""Lazy edits, committed: what the flow key says and the bytes do not say yet is written to a copy of the frame.

Programs edit the key (OP_KEY) and note which groups of fields they touched. Nobody looks at the bytes until the
frame leaves, so an edit that is taken back costs nothing, and a frame that is not edited is never copied. The order of
groups and what is written are those of OVS's commit_odp_actions() and odp_execute_actions(): only fields that differ
are written, with their checksums updated.

VLAN tags are not among the edits: they stay in `ex.tags` until output. The bytes keep the tags that they came with
(`ex.base_tags`), so offsets in `ex.layout` hold.
"""
from libc.stdint cimport uint16_t
from libc.string cimport memmove

from vswitch.datapath.edit_ip cimport edit_icmp, edit_ipv4, edit_ipv6, edit_l4, edit_nd
from vswitch.datapath.program cimport (
    EDIT_ARP, EDIT_ETH, EDIT_ICMP, EDIT_IPV4, EDIT_IPV6, EDIT_L4, EDIT_MPLS, EDIT_ND, EDIT_NSH,
)
from vswitch.datapath.scratch cimport scratch_reserve, scratch_resize, scratch_writable
from vswitch.tables.flow_key cimport FLOW_MAX_MPLS_LABELS, LAYOUT_NONE
from vswitch.wire.arp cimport (
    ARP_OPCODE, ARP_SHA, ARP_SPA, ARP_THA, ARP_TPA, arp_fits, arp_is_ethernet_ipv4, arp_opcode,
)
from vswitch.wire.byteorder cimport load_be16, load_be32, store_be16, store_be32, store_mac
from vswitch.wire.dot1q cimport DOT1Q_LEN, dot1q_is_tpid
from vswitch.wire.ethernet cimport (
    ETH_TYPE, ETH_TYPE_ARP, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST, ETH_TYPE_NSH, eth_dst, eth_set_dst, eth_set_src, eth_src,
)
from vswitch.wire.mpls cimport MPLS_BOS, MPLS_LEN
from vswitch.wire.nsh cimport (
    NSH_CONTEXT, NSH_LEN_MD1, NSH_MD_TYPE1, NSH_PATH, nsh_fits, nsh_mdtype, nsh_set_flags_and_ttl,
)


cdef void commit_edits(execution* ex) noexcept nogil:
    """Writes every dirty group."""
    cdef uint8_t* data = scratch_writable(ex)
    cdef uint32_t dirty = ex.dirty
    cdef bint mpls_first = dirty & EDIT_MPLS and not is_mpls(ex.key.dl_type)
    ex.dirty = 0
    ex.touched |= dirty
    if data == NULL:
        return
    if dirty & EDIT_ETH:
        if eth_dst(data) != ex.key.dl_dst:
            eth_set_dst(data, ex.key.dl_dst)
        if eth_src(data) != ex.key.dl_src:
            eth_set_src(data, ex.key.dl_src)
    if mpls_first:
        commit_mpls(ex)
    if not ex.is_misparsed:
        commit_packet(ex, dirty)
    if dirty & EDIT_MPLS and not mpls_first:
        commit_mpls(ex)
    if dirty & EDIT_NSH and ex.key.dl_type == ETH_TYPE_NSH:
        commit_nsh(ex)


cdef void commit_packet(execution* ex, uint32_t dirty) noexcept nogil:
    """ARP, or IP and what it carries."""
    if dirty & EDIT_ARP and ex.key.dl_type == ETH_TYPE_ARP and ex.key.nw_proto:     # OVS leaves RARP alone
        commit_arp(ex)
    # An IP header that did not fit, or contradicts itself, has no offset behind it.
    if ex.layout.l4_ofs != LAYOUT_NONE and ex.key.nw_proto:
        if dirty & EDIT_IPV4:
            edit_ipv4(ex.scratch, ex.caplen, &ex.layout, &ex.key)
        if dirty & EDIT_IPV6:
            edit_ipv6(ex.scratch, ex.caplen, &ex.layout, &ex.key)
        if dirty & EDIT_ND:
            edit_nd(ex.scratch, ex.caplen, &ex.layout, &ex.key, ex.nd_edits)
        if dirty & EDIT_L4:
            edit_l4(ex.scratch, ex.caplen, &ex.layout, &ex.key)
        if dirty & EDIT_ICMP:
            edit_icmp(ex.scratch, ex.caplen, &ex.layout, &ex.key)


cdef void commit_nsh(execution* ex) noexcept nogil:
    """OVS odp_set_nsh(): what the header is about stays."""
    cdef uint8_t* nsh = ex.scratch + ex.layout.l3_ofs
    cdef int i
    if ex.layout.l3_ofs > ex.caplen or not nsh_fits(ex.caplen - ex.layout.l3_ofs):
        return
    nsh_set_flags_and_ttl(nsh, ex.key.nsh_flags, ex.key.nsh_ttl)
    store_be32(nsh + NSH_PATH, ex.key.nsh_path_hdr)
    if nsh_mdtype(nsh) == NSH_MD_TYPE1 and ex.caplen - ex.layout.l3_ofs >= NSH_LEN_MD1:
        for i in range(4):
            store_be32(nsh + NSH_CONTEXT + 4 * i, ex.key.nsh_context[i])


cdef void commit_arp(execution* ex) noexcept nogil:
    cdef uint8_t* arp = ex.scratch + ex.layout.l3_ofs
    cdef uint16_t opcode
    if ex.layout.l3_ofs > ex.caplen or not arp_fits(ex.caplen - ex.layout.l3_ofs) or not arp_is_ethernet_ipv4(arp):
        return
    opcode = arp_opcode(arp)
    if (opcode if opcode <= 0xFF else 0) != ex.key.nw_proto:
        store_be16(arp + ARP_OPCODE, ex.key.nw_proto)
    store_mac(arp + ARP_SHA, ex.key.arp_sha)
    store_be32(arp + ARP_SPA, ex.key.nw_src)
    store_mac(arp + ARP_THA, ex.key.arp_tha)
    store_be32(arp + ARP_TPA, ex.key.nw_dst)


# MPLS (commit_mpls_action()).

cdef inline bint is_mpls(uint16_t type) noexcept nogil:
    return type == ETH_TYPE_MPLS or type == ETH_TYPE_MPLS_MCAST


cdef uint32_t count_labels(const uint32_t* stack) noexcept nogil:
    cdef uint32_t i, n = 0
    for i in range(FLOW_MAX_MPLS_LABELS):
        if stack[i] & MPLS_BOS:
            return i + 1
        n += stack[i] != 0
    return n


cdef void commit_mpls(execution* ex) noexcept nogil:
    """Pops and pushes until the frame's label stack is the key's."""
    cdef uint32_t base[4]
    cdef uint32_t i, n_base = 0, n_common = 0
    cdef uint32_t n_flow = count_labels(ex.key.mpls_lse) if is_mpls(ex.key.dl_type) else 0
    if ex.layout.l3_ofs == LAYOUT_NONE:
        return
    base[0] = base[1] = base[2] = base[3] = 0
    if ex.layout.l2_5_ofs != LAYOUT_NONE:
        for i in range(FLOW_MAX_MPLS_LABELS):
            if ex.layout.l2_5_ofs + (i + 1) * MPLS_LEN > ex.caplen:
                break
            base[i] = load_be32(ex.scratch + ex.layout.l2_5_ofs + i * MPLS_LEN)
            if base[i] & MPLS_BOS:
                break
        n_base = count_labels(base)
    while (n_common < n_base and n_common < n_flow
           and base[n_base - 1 - n_common] == ex.key.mpls_lse[n_flow - 1 - n_common]):
        n_common += 1
    while n_base > n_common:
        if n_base - 1 == n_common and n_flow > n_common:
            store_be32(ex.scratch + ex.layout.l2_5_ofs, ex.key.mpls_lse[n_flow - n_base])
            n_common += 1
        else:
            mpls_pop(ex, ETH_TYPE_MPLS if not is_mpls(ex.key.dl_type) and n_base > 1 else ex.key.dl_type)
            n_base -= 1
    while n_base < n_flow:
        mpls_push(ex, ex.key.dl_type, ex.key.mpls_lse[n_flow - n_base - 1])
        n_base += 1


cdef void set_ethertype(execution* ex, uint16_t type) noexcept nogil:
    """The Ethertype in front of the network layer or the label stack."""
    cdef uint32_t at = ex.layout.l2_5_ofs if ex.layout.l2_5_ofs != LAYOUT_NONE else ex.layout.l3_ofs
    store_be16(ex.scratch + (at - 2 if dot1q_is_tpid(load_be16(ex.scratch + ETH_TYPE)) else ETH_TYPE), type)


cdef void mpls_pop(execution* ex, uint16_t type) noexcept nogil:
    cdef uint32_t at = ex.layout.l2_5_ofs
    cdef bint is_last
    if at == LAYOUT_NONE or at + MPLS_LEN > ex.caplen:
        return
    is_last = (load_be32(ex.scratch + at) & MPLS_BOS) != 0
    set_ethertype(ex, type)
    memmove(ex.scratch + at, ex.scratch + at + MPLS_LEN, ex.caplen - at - MPLS_LEN)
    scratch_resize(ex, -<int>MPLS_LEN)
    if is_last:
        ex.layout.l2_5_ofs = LAYOUT_NONE


cdef void mpls_push(execution* ex, uint16_t type, uint32_t lse) noexcept nogil:
    cdef uint32_t at
    if ex.layout.l2_5_ofs == LAYOUT_NONE:
        ex.layout.l2_5_ofs = ex.layout.l3_ofs
    at = ex.layout.l2_5_ofs
    if at > ex.caplen or not scratch_reserve(ex, ex.caplen + MPLS_LEN):
        return
    set_ethertype(ex, type)
    memmove(ex.scratch + at + MPLS_LEN, ex.scratch + at, ex.caplen - at)
    store_be32(ex.scratch + at, lse)
    scratch_resize(ex, MPLS_LEN)
