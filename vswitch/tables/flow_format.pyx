"""Flow keys and matches as text, in the words and the order of OVS (`match_format`).

A match is two keys: the values, and the mask that says which of their bits count. A field whose mask is zero is not
printed; one that is masked in part is printed as ``value/mask``. An extracted flow is printed as a match on all that its
kind of frame has (`mask_for_packet`).

How: fields are asked for one after the other, and what is matched on is written into a buffer; dumps have thousands of
matches, and nothing of one is of use for the next. Only names of ports come from Python.

Thread-safety: no state.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.tables.field_text cimport (
    DECIMAL, HEX, HEX_2, HEX_4, HEX_5, HEX_8, HEX_ALWAYS, HEX_BARE, put_field, put_flags, put_hex_128, put_ipv4, put_ipv6,
    put_mac, put_masked, put_name, put_number, put_port, put_whole,
)
from vswitch.tables.flow_key cimport (
    FLOW_MAX_MPLS_LABELS, FLOW_MAX_VLANS, FLOW_N_REGS, FRAG_ANY, FRAG_LATER, VLAN_PRESENT, FlowKey, flow_key,
    flow_key_of_fields,
)
from vswitch.wire.ethernet cimport (
    ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST, ETH_TYPE_NSH, ETH_TYPE_RARP,
)
from vswitch.wire.icmp6 cimport ICMP6_NEIGHBOR_ADVERT, ICMP6_NEIGHBOR_SOLICIT
from vswitch.wire.ipv4 cimport (
    IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_IGMP, IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP,
)
from vswitch.wire.mpls cimport MPLS_BOS
from vswitch.wire.nsh cimport NSH_MD_TYPE1
from vswitch.wire.text_buffer cimport text_buffer, text_end, text_put, text_put_decimal, text_put_str, text_start, text_str

cdef extern from "<stdint.h>":
    const uint64_t UINT64_MAX

ALL_8, ALL_16, ALL_32, ALL_48, ALL_64, ALL_128 = ((1 << n) - 1 for n in (8, 16, 32, 48, 64, 128))

cdef enum:
    VLAN_VID = 0x0FFF
    VLAN_PCP = 0xE000
    MPLS_LABEL = 0xFFFFF000
    MPLS_TC = 0xE00
    MPLS_TTL = 0xFF
    NW_DSCP = 0xFC
    NW_ECN = 0x03
    TUN_FLAGS_MASK = 0xF
    TCP_FLAGS_MASK = 0xFFF
    UINT8_MASK = 0xFF
    UINT16_MASK = 0xFFFF
    UINT32_MASK = 0xFFFFFFFF

cdef uint64_t MAC_MASK = 0xFFFFFFFFFFFF

# Names of flags from bit 0 up.
cdef const char* TUN_FLAGS[4]
TUN_FLAGS[:] = [b"oam", b"df", b"csum", b"key"]
cdef const char* CT_STATES[8]
CT_STATES[:] = [b"new", b"est", b"rel", b"rpl", b"inv", b"trk", b"snat", b"dnat"]
cdef const char* TCP_FLAGS[12]
TCP_FLAGS[:] = [b"fin", b"syn", b"rst", b"psh", b"ack", b"urg", b"ece", b"cwr", b"ns", b"[200]", b"[400]", b"[800]"]


def format_flow(FlowKey key not None, port_name=None):
    """The text that OVS prints for an extracted flow (`flow_format`), as in ``ovs-ofctl parse-pcap``.

    Parameters
    ----------
    key : FlowKey
        What was extracted.
    port_name : callable, optional
        Turns a port number into a name; reserved ports have theirs anyway.
    """
    cdef flow_key mask
    mask_for_packet(&key.key, &mask)
    return flow_format_match(&key.key, &mask, port_name, None)


def format_match(flow, mask, port_name=None):
    """The text of a match, without priority and actions; empty for a match on everything.

    Parameters
    ----------
    flow, mask : mapping
        Values and masks by the names of `FlowKey.fields()`; what is not there is zero.
    port_name : callable, optional
        Turns a port number into a name.
    """
    cdef flow_key values, masks
    flow_key_of_fields(&values, flow)
    flow_key_of_fields(&masks, mask)
    return flow_format_match(&values, &masks, port_name, None)


cdef void mask_for_packet(const flow_key* flow, flow_key* mask) noexcept nogil:
    """All bits of the fields that a frame of this kind has; of the metadata, those that are not zero."""
    cdef int i
    cdef uint16_t dl_type = flow.dl_type
    memset(mask, 0, sizeof(flow_key))
    mask.skb_priority = UINT32_MASK if flow.skb_priority else 0
    mask.pkt_mark = UINT32_MASK if flow.pkt_mark else 0
    mask.dp_hash = UINT32_MASK if flow.dp_hash else 0
    mask.in_port = UINT32_MASK if flow.in_port else 0
    mask.recirc_id = UINT32_MASK if flow.recirc_id else 0
    mask.ct_mark = UINT32_MASK if flow.ct_mark else 0
    mask.metadata = UINT64_MAX if flow.metadata else 0
    mask.ct_state = UINT8_MASK if flow.ct_state else 0
    mask.ct_zone = UINT16_MASK if flow.ct_zone else 0
    if flow.ct_label[0] or flow.ct_label[1]:
        mask.ct_label[0] = mask.ct_label[1] = UINT64_MAX
    for i in range(FLOW_N_REGS):
        mask.regs[i] = UINT32_MASK if flow.regs[i] else 0
    mask.dl_dst = mask.dl_src = MAC_MASK
    mask.dl_type = UINT16_MASK
    # Tags that are there, and the first that is not: ``vlan_tci=0x0000`` says so.
    for i in range(FLOW_MAX_VLANS):
        mask.vlans[i].tpid = mask.vlans[i].tci = UINT16_MASK
        if not flow.vlans[i].tci:
            break
    if dl_type == ETH_TYPE_IPV4:
        mask.nw_src = mask.nw_dst = UINT32_MASK
    elif dl_type == ETH_TYPE_IPV6:
        mask.ipv6_src[0] = mask.ipv6_src[1] = mask.ipv6_dst[0] = mask.ipv6_dst[1] = UINT64_MAX
        mask.ipv6_label = UINT32_MASK
        if flow.nw_proto == IP_PROTO_ICMP6 and flow.tp_dst == 0 and flow.tp_src in (
                ICMP6_NEIGHBOR_SOLICIT, ICMP6_NEIGHBOR_ADVERT):
            mask.arp_sha = mask.arp_tha = MAC_MASK
            mask.nd_target[0] = mask.nd_target[1] = UINT64_MAX
    elif dl_type == ETH_TYPE_ARP or dl_type == ETH_TYPE_RARP:
        mask.nw_src = mask.nw_dst = UINT32_MASK
        mask.nw_proto = UINT8_MASK
        mask.arp_sha = mask.arp_tha = MAC_MASK
        return
    elif dl_type == ETH_TYPE_MPLS or dl_type == ETH_TYPE_MPLS_MCAST:
        for i in range(FLOW_MAX_MPLS_LABELS):       # down to the bottom of the stack
            mask.mpls_lse[i] = UINT32_MASK
            if flow.mpls_lse[i] & MPLS_BOS:
                break
        return
    elif dl_type == ETH_TYPE_NSH:
        mask.nsh_flags = mask.nsh_ttl = mask.nsh_mdtype = mask.nsh_np = UINT8_MASK
        mask.nsh_path_hdr = UINT32_MASK
        for i in range(4):
            mask.nsh_context[i] = UINT32_MASK
    else:
        return
    mask.nw_frag = FRAG_ANY | FRAG_LATER
    mask.nw_tos = mask.nw_ttl = mask.nw_proto = UINT8_MASK
    if not flow.nw_frag & FRAG_LATER and flow.nw_proto in (
            IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_SCTP, IP_PROTO_IGMP):
        mask.tp_src = mask.tp_dst = UINT16_MASK
        if flow.nw_proto == IP_PROTO_TCP:
            mask.tcp_flags = UINT16_MASK
        elif flow.nw_proto == IP_PROTO_IGMP:
            mask.igmp_group_ip4 = UINT32_MASK


cdef str flow_format_match(const flow_key* flow, const flow_key* mask, object port_name, list options):
    cdef text_buffer text
    text_start(&text)
    try:
        put_match(&text, flow, mask, port_name, options)
        return text_str(&text)
    finally:
        text_end(&text)


cdef int put_match(text_buffer* text, const flow_key* flow, const flow_key* mask, object port_name,
                   list options) except -1:
    cdef uint32_t dl_type = flow.dl_type, i
    cdef const char* type_word = NULL
    cdef const char* proto_word = NULL
    put_metadata(text, flow, mask, port_name)
    if flow.packet_type and mask.packet_type:
        put_name(text, b"packet_type=(")
        put_number(text, flow.packet_type >> 16, DECIMAL)
        text_put(text, b",")
        put_number(text, flow.packet_type & UINT16_MASK, HEX_ALWAYS)
        text_put(text, b")")
        if flow.packet_type >> 16 == 1:
            dl_type = flow.packet_type & UINT16_MASK
    if mask.dl_type:
        type_word = word_of_type(dl_type)
        if type_word != NULL and mask.nw_proto:
            proto_word = word_of_proto(dl_type, flow.nw_proto)
        if type_word != NULL:
            put_name(text, type_word if proto_word == NULL else proto_word)
    for i in range(FLOW_N_REGS):
        put_register(text, i, flow.regs[i], mask.regs[i])
    put_tunnel(text, flow, mask)
    if options is not None:
        for option in options:
            put_name(text, b"")
            text_put_str(text, option)
    put_field(text, b"metadata=", flow.metadata, mask.metadata, UINT64_MAX, HEX, HEX)
    if mask.in_port:
        put_port(text, b"in_port=", flow.in_port, port_name)
    put_vlans(text, flow, mask)
    put_mac(text, b"dl_src=", flow.dl_src, mask.dl_src)
    put_mac(text, b"dl_dst=", flow.dl_dst, mask.dl_dst)
    if mask.dl_type and type_word == NULL:
        put_name(text, b"dl_type=")
        put_number(text, dl_type, HEX_4)
    put_network(text, flow, mask, dl_type, proto_word != NULL)
    put_mpls(text, flow, mask)
    put_frag(text, flow, mask)
    put_transport(text, flow, mask, dl_type)
    return 0


cdef const char* word_of_type(uint32_t dl_type) noexcept nogil:
    if dl_type == ETH_TYPE_IPV4:
        return b"ip"
    if dl_type == ETH_TYPE_IPV6:
        return b"ipv6"
    if dl_type == ETH_TYPE_ARP:
        return b"arp"
    if dl_type == ETH_TYPE_RARP:
        return b"rarp"
    if dl_type == ETH_TYPE_MPLS:
        return b"mpls"
    return either(dl_type == ETH_TYPE_MPLS_MCAST, b"mplsm", NULL)


cdef const char* word_of_proto(uint32_t dl_type, uint8_t nw_proto) noexcept nogil:
    """The word that stands for dl_type and nw_proto together."""
    cdef bint is_ipv6 = dl_type == ETH_TYPE_IPV6
    if not is_ipv6 and dl_type != ETH_TYPE_IPV4:
        return NULL
    if nw_proto == IP_PROTO_TCP:
        return either(is_ipv6, b"tcp6", b"tcp")
    if nw_proto == IP_PROTO_UDP:
        return either(is_ipv6, b"udp6", b"udp")
    if nw_proto == IP_PROTO_SCTP:
        return either(is_ipv6, b"sctp6", b"sctp")
    if is_ipv6:
        return either(nw_proto == IP_PROTO_ICMP6, b"icmp6", NULL)
    return either(nw_proto == IP_PROTO_ICMP, b"icmp", NULL)


cdef inline const char* either(bint condition, const char* yes, const char* no) noexcept nogil:
    # As a conditional expression, literals would be Python's.
    return yes if condition else no


# Groups of fields, in the order in which they are printed.

cdef int put_metadata(text_buffer* text, const flow_key* flow, const flow_key* mask, object port_name) except -1:
    put_field(text, b"pkt_mark=", flow.pkt_mark, mask.pkt_mark, UINT32_MASK, HEX, HEX)
    put_field(text, b"recirc_id=", flow.recirc_id, mask.recirc_id, UINT32_MASK, HEX, HEX)
    put_field(text, b"dp_hash=", flow.dp_hash, mask.dp_hash, UINT32_MASK, HEX, HEX)
    put_whole(text, b"conj_id=", flow.conj_id, mask.conj_id, DECIMAL)
    put_whole(text, b"skb_priority=", flow.skb_priority, mask.skb_priority, HEX)
    if mask.actset_output:
        put_port(text, b"actset_output=", flow.actset_output, port_name)
    if mask.ct_state:
        put_name(text, b"ct_state=")
        put_flags(text, flow.ct_state, mask.ct_state, CT_STATES, 8)
    put_field(text, b"ct_zone=", flow.ct_zone, mask.ct_zone, UINT16_MASK, DECIMAL, HEX)
    put_field(text, b"ct_mark=", flow.ct_mark, mask.ct_mark, UINT32_MASK, HEX, HEX)
    put_label(text, flow, mask)
    put_ipv4(text, b"ct_nw_src=", flow.ct_nw_src, mask.ct_nw_src)
    put_ipv6(text, b"ct_ipv6_src=", flow.ct_ipv6_src, mask.ct_ipv6_src)
    put_ipv4(text, b"ct_nw_dst=", flow.ct_nw_dst, mask.ct_nw_dst)
    put_ipv6(text, b"ct_ipv6_dst=", flow.ct_ipv6_dst, mask.ct_ipv6_dst)
    if mask.ct_nw_proto:
        put_whole(text, b"ct_nw_proto=", flow.ct_nw_proto, mask.ct_nw_proto, DECIMAL)
        put_field(text, b"ct_tp_src=", flow.ct_tp_src, mask.ct_tp_src, UINT16_MASK, DECIMAL, HEX_ALWAYS)
        put_field(text, b"ct_tp_dst=", flow.ct_tp_dst, mask.ct_tp_dst, UINT16_MASK, DECIMAL, HEX_ALWAYS)
    return 0


cdef int put_label(text_buffer* text, const flow_key* flow, const flow_key* mask) except -1:
    if not (mask.ct_label[0] or mask.ct_label[1]):
        return 0
    put_name(text, b"ct_label=")
    put_hex_128(text, flow.ct_label)
    if mask.ct_label[0] & mask.ct_label[1] != UINT64_MAX:
        text_put(text, b"/")
        put_hex_128(text, mask.ct_label)
    return 0


cdef int put_register(text_buffer* text, uint32_t i, uint32_t value, uint32_t mask) except -1:
    if mask:
        put_name(text, b"reg")
        text_put_decimal(text, i)
        text_put(text, b"=")
        put_masked(text, value, mask, UINT32_MASK, HEX, HEX)
    return 0


cdef int put_tunnel(text_buffer* text, const flow_key* flow, const flow_key* mask) except -1:
    put_field(text, b"tun_id=", flow.tun_id, mask.tun_id, UINT64_MAX, HEX, HEX)
    put_ipv4(text, b"tun_src=", flow.tun_src, mask.tun_src)
    put_ipv4(text, b"tun_dst=", flow.tun_dst, mask.tun_dst)
    put_ipv6(text, b"tun_ipv6_src=", flow.tun_ipv6_src, mask.tun_ipv6_src)
    put_ipv6(text, b"tun_ipv6_dst=", flow.tun_ipv6_dst, mask.tun_ipv6_dst)
    put_field(text, b"tun_gbp_id=", flow.gbp_id, mask.gbp_id, UINT16_MASK, DECIMAL, HEX_ALWAYS)
    put_whole(text, b"tun_gbp_flags=", flow.gbp_flags, mask.gbp_flags, HEX)
    put_whole(text, b"tun_tos=", flow.tun_tos, mask.tun_tos, HEX_BARE)
    put_whole(text, b"tun_ttl=", flow.tun_ttl, mask.tun_ttl, DECIMAL)
    put_whole(text, b"tun_erspan_ver=", flow.erspan_ver, mask.erspan_ver, DECIMAL)
    if flow.erspan_ver == 1:
        put_whole(text, b"tun_erspan_idx=", flow.erspan_idx, mask.erspan_idx, HEX)
    elif flow.erspan_ver == 2:
        put_whole(text, b"tun_erspan_dir=", flow.erspan_dir, mask.erspan_dir, DECIMAL)
        put_whole(text, b"tun_erspan_hwid=", flow.erspan_hwid, mask.erspan_hwid, HEX)
    put_whole(text, b"gtpu_flags=", flow.gtpu_flags, mask.gtpu_flags, HEX)
    put_whole(text, b"gtpu_msgtype=", flow.gtpu_msgtype, mask.gtpu_msgtype, DECIMAL)
    if mask.tun_flags & TUN_FLAGS_MASK:
        put_name(text, b"tun_flags=")
        put_flags(text, flow.tun_flags & TUN_FLAGS_MASK, mask.tun_flags & TUN_FLAGS_MASK, TUN_FLAGS, 4)
    return 0


cdef int put_vlans(text_buffer* text, const flow_key* flow, const flow_key* mask) except -1:
    cdef int i
    cdef uint16_t tci, bits, vid, pcp
    for i in range(FLOW_MAX_VLANS):
        tci, bits = flow.vlans[i].tci, mask.vlans[i].tci
        if not bits:
            break
        vid, pcp = bits & VLAN_VID, bits & VLAN_PCP
        if bits & VLAN_PRESENT and tci & VLAN_PRESENT and (vid or pcp) and (
                vid == 0 or vid == VLAN_VID) and (pcp == 0 or pcp == VLAN_PCP):
            if vid:
                put_name(text, either(i == 0, b"dl_vlan=", b"dl_vlan1="))
                put_number(text, tci & VLAN_VID, DECIMAL)
            if pcp:
                put_name(text, either(i == 0, b"dl_vlan_pcp=", b"dl_vlan_pcp1="))
                put_number(text, tci >> 13, DECIMAL)
        else:
            put_field(text, either(i == 0, b"vlan_tci=", b"vlan_tci1="), tci, bits, UINT16_MASK, HEX_4, HEX_4)
    return 0


cdef int put_network(text_buffer* text, const flow_key* flow, const flow_key* mask, uint32_t dl_type,
                     bint is_proto_shown) except -1:
    cdef bint is_arp = dl_type == ETH_TYPE_ARP or dl_type == ETH_TYPE_RARP
    if dl_type == ETH_TYPE_IPV6:
        put_ipv6(text, b"ipv6_src=", flow.ipv6_src, mask.ipv6_src)
        put_ipv6(text, b"ipv6_dst=", flow.ipv6_dst, mask.ipv6_dst)
        put_field(text, b"ipv6_label=", flow.ipv6_label, mask.ipv6_label, UINT32_MASK, HEX_5, HEX_5)
    elif dl_type == ETH_TYPE_NSH:
        put_nsh(text, flow, mask)
    else:
        put_ipv4(text, either(is_arp, b"arp_spa=", b"nw_src="), flow.nw_src, mask.nw_src)
        put_ipv4(text, either(is_arp, b"arp_tpa=", b"nw_dst="), flow.nw_dst, mask.nw_dst)
    if not is_proto_shown:
        put_whole(text, either(is_arp, b"arp_op=", b"nw_proto="), flow.nw_proto, mask.nw_proto, DECIMAL)
    if is_arp:
        put_mac(text, b"arp_sha=", flow.arp_sha, mask.arp_sha)
        put_mac(text, b"arp_tha=", flow.arp_tha, mask.arp_tha)
    put_whole(text, b"nw_tos=", flow.nw_tos & NW_DSCP, mask.nw_tos & NW_DSCP, DECIMAL)
    put_whole(text, b"nw_ecn=", flow.nw_tos & NW_ECN, mask.nw_tos & NW_ECN, DECIMAL)
    put_whole(text, b"nw_ttl=", flow.nw_ttl, mask.nw_ttl, DECIMAL)
    return 0


cdef int put_nsh(text_buffer* text, const flow_key* flow, const flow_key* mask) except -1:
    cdef uint32_t i
    put_field(text, b"nsh_flags=", flow.nsh_flags, mask.nsh_flags, UINT8_MASK, DECIMAL, HEX_2)
    put_field(text, b"nsh_ttl=", flow.nsh_ttl, mask.nsh_ttl, UINT8_MASK, DECIMAL, HEX_2)
    put_field(text, b"nsh_mdtype=", flow.nsh_mdtype, mask.nsh_mdtype, UINT8_MASK, DECIMAL, HEX_2)
    put_field(text, b"nsh_np=", flow.nsh_np, mask.nsh_np, UINT8_MASK, DECIMAL, HEX_2)
    put_field(text, b"nsh_spi=", flow.nsh_path_hdr >> 8, mask.nsh_path_hdr >> 8, 0xFFFFFF, HEX_ALWAYS, HEX_ALWAYS)
    put_field(text, b"nsh_si=", flow.nsh_path_hdr & UINT8_MASK, mask.nsh_path_hdr & UINT8_MASK, UINT8_MASK, DECIMAL,
              HEX_2)
    if mask.nsh_mdtype == UINT8_MASK and flow.nsh_mdtype == NSH_MD_TYPE1:
        for i in range(4):
            if mask.nsh_context[i]:
                put_name(text, b"nsh_c")
                text_put_decimal(text, i + 1)
                text_put(text, b"=")
                put_masked(text, flow.nsh_context[i], mask.nsh_context[i], UINT32_MASK, HEX_ALWAYS, HEX_ALWAYS)
    return 0


cdef int put_mpls(text_buffer* text, const flow_key* flow, const flow_key* mask) except -1:
    cdef uint32_t i, lse = flow.mpls_lse[0], bits = mask.mpls_lse[0]
    put_whole(text, b"mpls_label=", lse >> 12, bits & MPLS_LABEL, DECIMAL)
    put_whole(text, b"mpls_tc=", lse >> 9 & 7, bits & MPLS_TC, DECIMAL)
    put_whole(text, b"mpls_ttl=", lse & MPLS_TTL, bits & MPLS_TTL, DECIMAL)
    put_whole(text, b"mpls_bos=", lse >> 8 & 1, bits & MPLS_BOS, DECIMAL)
    for i in range(1, FLOW_MAX_MPLS_LABELS):
        if mask.mpls_lse[i]:
            put_name(text, b"mpls_lse")
            text_put_decimal(text, i)
            text_put(text, b"=")
            put_masked(text, flow.mpls_lse[i], mask.mpls_lse[i], UINT32_MASK, DECIMAL, HEX_8)
    return 0


cdef int put_frag(text_buffer* text, const flow_key* flow, const flow_key* mask) except -1:
    cdef uint8_t bits = mask.nw_frag & (FRAG_ANY | FRAG_LATER)
    cdef bint is_any = flow.nw_frag & FRAG_ANY, is_later = flow.nw_frag & FRAG_LATER
    if not bits:
        return 0
    put_name(text, b"nw_frag=")
    if bits == FRAG_ANY:
        return text_put(text, either(is_any, b"yes", b"no"))
    if bits == FRAG_LATER:
        return text_put(text, either(is_later, b"later", b"not_later"))
    if is_later:
        return text_put(text, either(is_any, b"later", b"<error>"))
    return text_put(text, either(is_any, b"first", b"no"))


cdef int put_transport(text_buffer* text, const flow_key* flow, const flow_key* mask, uint32_t dl_type) except -1:
    cdef bint is_icmp6 = dl_type == ETH_TYPE_IPV6 and flow.nw_proto == IP_PROTO_ICMP6
    cdef bint is_icmp = is_icmp6 or (dl_type == ETH_TYPE_IPV4 and flow.nw_proto == IP_PROTO_ICMP)
    put_field(text, either(is_icmp, b"icmp_type=", b"tp_src="), flow.tp_src, mask.tp_src, UINT16_MASK, DECIMAL,
              HEX_ALWAYS)
    put_field(text, either(is_icmp, b"icmp_code=", b"tp_dst="), flow.tp_dst, mask.tp_dst, UINT16_MASK, DECIMAL,
              HEX_ALWAYS)
    if is_icmp6:
        put_ipv6(text, b"nd_target=", flow.nd_target, mask.nd_target)
        put_mac(text, b"nd_sll=", flow.arp_sha, mask.arp_sha)
        put_mac(text, b"nd_tll=", flow.arp_tha, mask.arp_tha)
        put_field(text, b"nd_reserved=", flow.igmp_group_ip4, mask.igmp_group_ip4, UINT32_MASK, DECIMAL, HEX_8)
        put_field(text, b"nd_options_type=", flow.tcp_flags, mask.tcp_flags, UINT16_MASK, DECIMAL, HEX_ALWAYS)
    if (dl_type == ETH_TYPE_IPV4 or dl_type == ETH_TYPE_IPV6) and flow.nw_proto == IP_PROTO_TCP and mask.tcp_flags:
        put_name(text, b"tcp_flags=")
        put_flags(text, flow.tcp_flags, mask.tcp_flags & TCP_FLAGS_MASK, TCP_FLAGS, 12)
    return 0
