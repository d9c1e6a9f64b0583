"""What a frame's headers say, as the flow key that tables match on.

Extraction walks the headers once, front to back, and writes each field where `flow_key.pxd` puts it. There is no
state and no allocation; the frame is only read, and only inside its length.

Design goal: the answer of OVS's `miniflow_extract`, on every frame, at the price of the layers that are needed.
A pipeline that looks at addresses and tags alone pays for two loads and a compare (`flow_extract_l2`, in the
`.pxd`, so that it is inlined into the caller's loop); `depth` says where to stop otherwise. Key and mask then agree on
what was never written: groups below the depth are left as they were, and nobody may look at them.

The rules that are easy to get wrong, all of them OVS's:

* A tag or a header that does not fit is as if it were not there, but an IP header with wrong lengths hides itself
  too: no address is taken from it.
* IP lengths rule, not the frame's: bytes behind the packet's end are padding and never read as a header.
* An IPv6 packet whose chain of extension headers breaks off keeps its addresses and nothing else.
* Later fragments have no transport header. IPv6 ones report protocol 44, IPv4 ones that of the packet.
* Versions and checksums are not looked at, ICMP and ICMPv6 are parsed over either IP, and an ARP opcode above
  255 reads as 0.
* A neighbour discovery packet that gives the same option twice has no target and no addresses, but keeps the type
  of its first option.

Thread-safety: the functions have no state. A `FlowKey` never changes once it is made.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memset

from vswitch.wire.arp cimport (
    arp_fits, arp_is_ethernet_ipv4, arp_opcode, arp_sha, arp_spa, arp_tha, arp_tpa)
from vswitch.wire.ethernet cimport (
    ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST, ETH_TYPE_NSH, ETH_TYPE_RARP)
from vswitch.wire.icmp cimport icmp_code, icmp_fits, icmp_type
from vswitch.wire.icmp6 cimport (
    ND_OPT_LEN_MIN, ND_OPT_SOURCE_LINKADDR, ND_OPT_TARGET_LINKADDR, ND_LEN, icmp6_code, icmp6_data, icmp6_fits,
    icmp6_is_nd, icmp6_type, nd_fits, nd_opt_fits, nd_opt_len, nd_opt_mac, nd_opt_type, nd_target_hi, nd_target_lo,
)
from vswitch.wire.igmp cimport igmp_code, igmp_fits, igmp_group, igmp_type
from vswitch.wire.ipv4 cimport (
    IP_PROTO_AH, IP_PROTO_DSTOPTS, IP_PROTO_FRAGMENT, IP_PROTO_HOPOPTS, IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_IGMP,
    IP_PROTO_ROUTING, IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP, IPV4_FRAG_OFFSET_MASK, IPV4_LEN, IPV4_MF, ipv4_dst,
    ipv4_fits, ipv4_frag, ipv4_header_len, ipv4_proto, ipv4_src, ipv4_tos, ipv4_total_len, ipv4_ttl)
from vswitch.wire.ipv6 cimport (
    IPV6_FRAG_LEN, IPV6_FRAG_OFFSET_MASK, IPV6_LEN, ipv6_ah_len, ipv6_dst_hi, ipv6_dst_lo, ipv6_ext_fits,
    ipv6_ext_len, ipv6_ext_next_header, ipv6_fits, ipv6_flow_label, ipv6_frag_offlg, ipv6_hop_limit,
    ipv6_next_header, ipv6_payload_len, ipv6_src_hi, ipv6_src_lo, ipv6_tclass)
from vswitch.wire.mpls cimport MPLS_BOS, MPLS_LEN, mpls_fits, mpls_lse
from vswitch.wire.nsh cimport (
    NSH_LEN, NSH_LEN_MD1, NSH_MD_TYPE1, NSH_MD_TYPE2, nsh_context, nsh_fits, nsh_flags, nsh_header_len, nsh_mdtype,
    nsh_next_proto, nsh_path, nsh_ttl, nsh_version)
from vswitch.wire.sctp cimport sctp_dst, sctp_fits, sctp_src
from vswitch.wire.tcp cimport TCP_LEN, tcp_dst, tcp_fits, tcp_flags, tcp_header_len, tcp_src
from vswitch.wire.udp cimport udp_dst, udp_fits, udp_src

cdef enum:
    L2_PAD_MAX = 0xFFFF             # OVS takes an IP packet with more padding than that for a broken one


cdef bint flow_extract(const uint8_t* frame, size_t n_bytes, int vlan_limit, flow_depth depth,
                       flow_key* key, frame_layout* layout) noexcept nogil:
    cdef int l2_len = flow_extract_l2(frame, n_bytes, vlan_limit, key)
    cdef size_t ofs, header_len
    cdef size_t n_payload = 0
    layout.l2_5_ofs = layout.l3_ofs = layout.l4_ofs = LAYOUT_NONE
    layout.l2_pad = 0
    layout.n_vlans = (key.vlans[0].tci != 0) + (key.vlans[1].tci != 0)
    if depth >= FLOW_DEPTH_L3:
        flow_key_clear_l3(key)
    if depth >= FLOW_DEPTH_L4:
        flow_key_clear_l4(key)
    if l2_len < 0:
        return False

    ofs = <size_t>l2_len
    if key.dl_type == ETH_TYPE_MPLS or key.dl_type == ETH_TYPE_MPLS_MCAST:
        layout.l2_5_ofs = layout_offset(ofs)
        if depth >= FLOW_DEPTH_L3:
            ofs += extract_mpls(frame + ofs, n_bytes - ofs, key)
            layout.l3_ofs = layout_offset(ofs)
        return True
    layout.l3_ofs = layout_offset(ofs)
    if depth < FLOW_DEPTH_L3:
        return True

    if key.dl_type == ETH_TYPE_IPV4:
        header_len = extract_ipv4(frame + ofs, n_bytes - ofs, key, &n_payload, layout)
    elif key.dl_type == ETH_TYPE_IPV6:
        header_len = extract_ipv6(frame + ofs, n_bytes - ofs, key, &n_payload, layout)
    else:
        if key.dl_type == ETH_TYPE_ARP or key.dl_type == ETH_TYPE_RARP:
            extract_arp(frame + ofs, n_bytes - ofs, depth, key)
        elif key.dl_type == ETH_TYPE_NSH and depth >= FLOW_DEPTH_L4:
            extract_nsh(frame + ofs, n_bytes - ofs, key)
        return True
    if header_len == 0:
        return True
    ofs += header_len
    layout.l4_ofs = layout_offset(ofs)
    if depth >= FLOW_DEPTH_L4 and not key.nw_frag & FRAG_LATER:
        extract_transport(frame + ofs, n_payload, key)
    return True


cdef inline uint16_t layout_offset(size_t ofs) noexcept nogil:
    # OVS lets the number wrap; a header that we cannot point at is better not edited.
    return <uint16_t>ofs if ofs < LAYOUT_NONE else LAYOUT_NONE


cdef size_t extract_mpls(const uint8_t* stack, size_t n_bytes, flow_key* key) noexcept nogil:
    """Stores the outermost entries; returns the length of the whole stack, which ends at its bottom or the frame's."""
    cdef size_t ofs = 0
    cdef int n = 0
    cdef uint32_t lse
    while mpls_fits(n_bytes - ofs):
        lse = mpls_lse(stack + ofs)
        ofs += MPLS_LEN
        if n < FLOW_MAX_MPLS_LABELS:
            key.mpls_lse[n] = lse
            n += 1
        if lse & MPLS_BOS:
            break
    return ofs


cdef inline size_t extract_ipv4(const uint8_t* ip, size_t n_bytes, flow_key* key, size_t* n_payload,
                                frame_layout* layout) noexcept nogil:
    """Returns the header's length and that of its payload, or 0 if the lengths contradict each other."""
    cdef size_t header_len, total_len
    cdef uint16_t frag
    if not ipv4_fits(n_bytes):
        return 0
    header_len = ipv4_header_len(ip)
    total_len = ipv4_total_len(ip)
    if (header_len < IPV4_LEN or total_len < header_len or total_len > n_bytes
            or n_bytes - total_len > L2_PAD_MAX):
        return 0
    layout.l2_pad = <uint16_t>(n_bytes - total_len)
    key.nw_src = ipv4_src(ip)
    key.nw_dst = ipv4_dst(ip)
    key.nw_tos = ipv4_tos(ip)
    key.nw_ttl = ipv4_ttl(ip)
    key.nw_proto = ipv4_proto(ip)
    frag = ipv4_frag(ip)
    if frag & (IPV4_MF | IPV4_FRAG_OFFSET_MASK):
        key.nw_frag = FRAG_ANY | FRAG_LATER if frag & IPV4_FRAG_OFFSET_MASK else FRAG_ANY
    n_payload[0] = total_len - header_len
    return header_len


cdef inline size_t extract_ipv6(const uint8_t* ip, size_t n_bytes, flow_key* key, size_t* n_payload,
                                frame_layout* layout) noexcept nogil:
    """Returns the length of the header with its extensions and that of the payload, or 0 if they do not fit."""
    cdef uint8_t proto = 0
    cdef uint8_t frag = 0
    cdef size_t payload_len, ext_len
    if not ipv6_fits(n_bytes):
        return 0
    payload_len = ipv6_payload_len(ip)
    if payload_len > n_bytes - IPV6_LEN or n_bytes - IPV6_LEN - payload_len > L2_PAD_MAX:
        return 0
    layout.l2_pad = <uint16_t>(n_bytes - IPV6_LEN - payload_len)
    key.ipv6_src[0] = ipv6_src_hi(ip)
    key.ipv6_src[1] = ipv6_src_lo(ip)
    key.ipv6_dst[0] = ipv6_dst_hi(ip)
    key.ipv6_dst[1] = ipv6_dst_lo(ip)
    proto = ipv6_next_header(ip)
    if not skip_ipv6_extensions(ip + IPV6_LEN, payload_len, &proto, &frag, &ext_len):
        return 0
    key.ipv6_label = ipv6_flow_label(ip)
    key.nw_tos = ipv6_tclass(ip)
    key.nw_ttl = ipv6_hop_limit(ip)
    key.nw_proto = proto
    key.nw_frag = frag
    n_payload[0] = payload_len - ext_len
    return IPV6_LEN + ext_len


cdef inline bint skip_ipv6_extensions(const uint8_t* ext, size_t n_bytes, uint8_t* proto, uint8_t* frag,
                                      size_t* ext_len) noexcept nogil:
    """Walks to the first header that is none of the known extensions; False if one does not fit in `n_bytes`.

    A later fragment ends the walk behind its fragment header.
    """
    cdef size_t ofs = 0
    cdef size_t n
    cdef uint8_t type
    cdef uint16_t offlg
    while True:
        type = proto[0]
        if (type != IP_PROTO_HOPOPTS and type != IP_PROTO_ROUTING and type != IP_PROTO_DSTOPTS
                and type != IP_PROTO_AH and type != IP_PROTO_FRAGMENT):
            break
        if not ipv6_ext_fits(n_bytes - ofs):
            return False
        proto[0] = ipv6_ext_next_header(ext + ofs)
        if type == IP_PROTO_FRAGMENT:
            offlg = ipv6_frag_offlg(ext + ofs)
            ofs += IPV6_FRAG_LEN
            # The reserved bits make a fragment too: OVS compares the whole field with zero.
            if offlg != 0:
                frag[0] = FRAG_ANY
                if offlg & IPV6_FRAG_OFFSET_MASK:
                    frag[0] = FRAG_ANY | FRAG_LATER
                    proto[0] = IP_PROTO_FRAGMENT
                    break
            continue
        n = ipv6_ah_len(ext + ofs) if type == IP_PROTO_AH else ipv6_ext_len(ext + ofs)
        if n > n_bytes - ofs:
            return False
        ofs += n
    ext_len[0] = ofs
    return True


cdef inline void extract_arp(const uint8_t* arp, size_t n_bytes, flow_depth depth, flow_key* key) noexcept nogil:
    if not arp_fits(n_bytes) or not arp_is_ethernet_ipv4(arp):
        return
    key.nw_src = arp_spa(arp)
    key.nw_dst = arp_tpa(arp)
    if arp_opcode(arp) <= 0xFF:
        key.nw_proto = <uint8_t>arp_opcode(arp)
    if depth >= FLOW_DEPTH_L4:
        key.arp_sha = arp_sha(arp)
        key.arp_tha = arp_tha(arp)


cdef inline void extract_transport(const uint8_t* l4, size_t n_bytes, flow_key* key) noexcept nogil:
    cdef uint8_t proto = key.nw_proto
    if proto == IP_PROTO_TCP:
        if tcp_fits(n_bytes) and tcp_header_len(l4) >= TCP_LEN and tcp_header_len(l4) <= n_bytes:
            key.tp_src = tcp_src(l4)
            key.tp_dst = tcp_dst(l4)
            key.tcp_flags = tcp_flags(l4)
    elif proto == IP_PROTO_UDP:
        if udp_fits(n_bytes):
            key.tp_src = udp_src(l4)
            key.tp_dst = udp_dst(l4)
    elif proto == IP_PROTO_SCTP:
        if sctp_fits(n_bytes):
            key.tp_src = sctp_src(l4)
            key.tp_dst = sctp_dst(l4)
    elif proto == IP_PROTO_ICMP:
        if icmp_fits(n_bytes):
            key.tp_src = icmp_type(l4)
            key.tp_dst = icmp_code(l4)
    elif proto == IP_PROTO_IGMP:
        if igmp_fits(n_bytes):
            key.tp_src = igmp_type(l4)
            key.tp_dst = igmp_code(l4)
            key.igmp_group_ip4 = igmp_group(l4)
    elif proto == IP_PROTO_ICMP6:
        if icmp6_fits(n_bytes):
            key.tp_src = icmp6_type(l4)
            key.tp_dst = icmp6_code(l4)
            if icmp6_is_nd(l4):
                extract_nd(l4, n_bytes, key)


cdef void extract_nd(const uint8_t* icmp6, size_t n_bytes, flow_key* key) noexcept nogil:
    """Target, link-layer addresses, and in the room of other fields the reserved word and the first option's type."""
    cdef const uint8_t* option
    cdef size_t ofs, n
    cdef uint64_t* mac
    key.igmp_group_ip4 = icmp6_data(icmp6)
    if not nd_fits(n_bytes):
        return
    key.nd_target[0] = nd_target_hi(icmp6)
    key.nd_target[1] = nd_target_lo(icmp6)
    ofs = ND_LEN
    while nd_opt_fits(n_bytes - ofs):
        option = icmp6 + ofs
        n = nd_opt_len(option)
        if n == 0 or n > n_bytes - ofs:
            return
        if n == ND_OPT_LEN_MIN and (nd_opt_type(option) == ND_OPT_SOURCE_LINKADDR
                                    or nd_opt_type(option) == ND_OPT_TARGET_LINKADDR):
            mac = &key.arp_sha if nd_opt_type(option) == ND_OPT_SOURCE_LINKADDR else &key.arp_tha
            if mac[0] != 0:                 # the same option twice
                key.nd_target[0] = key.nd_target[1] = 0
                key.arp_sha = key.arp_tha = 0
                return
            mac[0] = nd_opt_mac(option)
            if key.tcp_flags == 0:
                key.tcp_flags = nd_opt_type(option)
        ofs += n


cdef void extract_nsh(const uint8_t* nsh, size_t n_bytes, flow_key* key) noexcept nogil:
    cdef size_t header_len
    cdef int i
    if not nsh_fits(n_bytes):
        return
    header_len = nsh_header_len(nsh)
    if nsh_version(nsh) != 0 or header_len > n_bytes:
        return
    if nsh_mdtype(nsh) == NSH_MD_TYPE1 and header_len != NSH_LEN_MD1:
        return
    if nsh_mdtype(nsh) == NSH_MD_TYPE2 and header_len < NSH_LEN:
        return
    key.nsh_flags = nsh_flags(nsh)
    key.nsh_ttl = nsh_ttl(nsh)
    key.nsh_mdtype = nsh_mdtype(nsh)
    key.nsh_np = nsh_next_proto(nsh)
    key.nsh_path_hdr = nsh_path(nsh)
    if nsh_mdtype(nsh) == NSH_MD_TYPE1:
        for i in range(4):
            key.nsh_context[i] = nsh_context(nsh, i)


cdef dict flow_key_words(const flow_key* key):
    cdef const uint64_t* words = <const uint64_t*>key
    return {i: words[i] for i in range(<uint32_t>(sizeof(flow_key) // sizeof(uint64_t))) if words[i]}


cdef int flow_key_add_words(flow_key* key, dict words) except -1:
    cdef uint64_t* to = <uint64_t*>key
    for word, value in words.items():
        if not 0 <= word < sizeof(flow_key) // sizeof(uint64_t):
            raise ValueError(f"the flow key has no word {word}")
        to[<uint32_t>word] |= <uint64_t>value
    return 0


cdef int flow_key_of_fields(flow_key* key, object fields) except -1:
    cdef dict values
    memset(key, 0, sizeof(flow_key))
    values = key[0]
    for name, value in fields.items():
        if name in IN_HALVES:
            value = value >> 64, value & 0xFFFFFFFFFFFFFFFF
        elif name == "vlans":
            value = [{"tpid": tpid, "tci": tci} for tpid, tci in value]
        elif name == "mpls_lse":
            value = [*value, 0]         # the padding
        values[name] = value
    key[0] = values
    return 0


def _member_offsets():
    """Member of `flow_key` → its byte offset, for tables of fields that speak of bits of the key."""
    cdef flow_key key
    cdef char* start = <char*>&key
    return {
        "metadata": <char*>&key.metadata - start,
        "regs": <char*>&key.regs - start,
        "skb_priority": <char*>&key.skb_priority - start,
        "pkt_mark": <char*>&key.pkt_mark - start,
        "dp_hash": <char*>&key.dp_hash - start,
        "in_port": <char*>&key.in_port - start,
        "recirc_id": <char*>&key.recirc_id - start,
        "ct_state": <char*>&key.ct_state - start,
        "ct_nw_proto": <char*>&key.ct_nw_proto - start,
        "ct_zone": <char*>&key.ct_zone - start,
        "ct_mark": <char*>&key.ct_mark - start,
        "packet_type": <char*>&key.packet_type - start,
        "ct_label": <char*>&key.ct_label - start,
        "conj_id": <char*>&key.conj_id - start,
        "actset_output": <char*>&key.actset_output - start,
        "dl_dst": <char*>&key.dl_dst - start,
        "dl_src": <char*>&key.dl_src - start,
        "dl_type": <char*>&key.dl_type - start,
        "vlans": <char*>&key.vlans - start,
        "mpls_lse": <char*>&key.mpls_lse - start,
        "nw_src": <char*>&key.nw_src - start,
        "nw_dst": <char*>&key.nw_dst - start,
        "ipv6_src": <char*>&key.ipv6_src - start,
        "ipv6_dst": <char*>&key.ipv6_dst - start,
        "ipv6_label": <char*>&key.ipv6_label - start,
        "nw_frag": <char*>&key.nw_frag - start,
        "nw_tos": <char*>&key.nw_tos - start,
        "nw_ttl": <char*>&key.nw_ttl - start,
        "nw_proto": <char*>&key.nw_proto - start,
        "nd_target": <char*>&key.nd_target - start,
        "arp_sha": <char*>&key.arp_sha - start,
        "arp_tha": <char*>&key.arp_tha - start,
        "tcp_flags": <char*>&key.tcp_flags - start,
        "tp_src": <char*>&key.tp_src - start,
        "tp_dst": <char*>&key.tp_dst - start,
        "igmp_group_ip4": <char*>&key.igmp_group_ip4 - start,
        "nsh_flags": <char*>&key.nsh_flags - start,
        "nsh_ttl": <char*>&key.nsh_ttl - start,
        "nsh_mdtype": <char*>&key.nsh_mdtype - start,
        "nsh_np": <char*>&key.nsh_np - start,
        "nsh_path_hdr": <char*>&key.nsh_path_hdr - start,
        "nsh_context": <char*>&key.nsh_context - start,
        "ct_nw_src": <char*>&key.ct_nw_src - start,
        "ct_nw_dst": <char*>&key.ct_nw_dst - start,
        "ct_ipv6_src": <char*>&key.ct_ipv6_src - start,
        "ct_ipv6_dst": <char*>&key.ct_ipv6_dst - start,
        "ct_tp_src": <char*>&key.ct_tp_src - start,
        "ct_tp_dst": <char*>&key.ct_tp_dst - start,
        "tun_flags": <char*>&key.tun_flags - start,
        "tun_tos": <char*>&key.tun_tos - start,
        "tun_ttl": <char*>&key.tun_ttl - start,
        "tun_id": <char*>&key.tun_id - start,
        "tun_src": <char*>&key.tun_src - start,
        "tun_dst": <char*>&key.tun_dst - start,
        "tun_ipv6_src": <char*>&key.tun_ipv6_src - start,
        "tun_ipv6_dst": <char*>&key.tun_ipv6_dst - start,
        "gbp_id": <char*>&key.gbp_id - start,
        "gbp_flags": <char*>&key.gbp_flags - start,
        "erspan_ver": <char*>&key.erspan_ver - start,
        "erspan_idx": <char*>&key.erspan_idx - start,
        "erspan_dir": <char*>&key.erspan_dir - start,
        "erspan_hwid": <char*>&key.erspan_hwid - start,
        "gtpu_flags": <char*>&key.gtpu_flags - start,
        "gtpu_msgtype": <char*>&key.gtpu_msgtype - start,
        "tun_metadata_present": <char*>&key.tun_metadata_present - start,
        "tun_metadata": <char*>&key.tun_metadata - start,
    }


# 128 bits, the most significant word first.
cdef tuple IN_HALVES = ("ct_label", "ipv6_src", "ipv6_dst", "nd_target", "ct_ipv6_src", "ct_ipv6_dst", "tun_ipv6_src",
                        "tun_ipv6_dst")
FLOW_KEY_BYTES = sizeof(flow_key)
MEMBER_OFFSETS = _member_offsets()
"""Member of `flow_key` → its byte offset. All are little-endian in memory on the machines that we build for."""

DEPTHS = {"l2": FLOW_DEPTH_L2, "l3": FLOW_DEPTH_L3, "l4": FLOW_DEPTH_L4}


cdef flow_depth depth_of(name) except *:
    if name not in DEPTHS:
        raise ValueError(f"depth must be one of {', '.join(DEPTHS)}, not {name!r}")
    return DEPTHS[name]


def digest_frames(const uint8_t[::1] frames not None, Py_ssize_t frame_len, *, int vlan_limit=1, depth="l4"):
    """Extract many frames in one go and fold their keys into one number; what the benchmarks time.

    Parameters
    ----------
    frames : buffer of bytes
        Frames of `frame_len` bytes each, one behind the other.
    frame_len : int
        At least 1.
    vlan_limit, depth
        As for `FlowKey.from_frame`.

    Returns
    -------
    int
        Exclusive or of the first and the last field that `depth` fills, over all frames.
    """
    cdef flow_depth how_deep = depth_of(depth)
    cdef flow_key key
    cdef frame_layout layout
    cdef const uint8_t* frame = NULL
    cdef const uint8_t* end
    cdef uint64_t digest = 0
    if frame_len < 1:
        raise ValueError(f"frame_len must be at least 1, not {frame_len}")
    if not 0 <= vlan_limit <= FLOW_MAX_VLANS:
        raise ValueError(f"vlan_limit must be 0 to {FLOW_MAX_VLANS}, not {vlan_limit}")
    if frames.shape[0]:
        frame = &frames[0]
    end = frame + frames.shape[0] // frame_len * frame_len
    memset(&key, 0, sizeof(key))
    with nogil:
        while frame != end:
            if how_deep == FLOW_DEPTH_L2:
                flow_extract_l2(frame, <size_t>frame_len, vlan_limit, &key)
            else:
                flow_extract(frame, <size_t>frame_len, vlan_limit, how_deep, &key, &layout)
            frame += frame_len
            digest ^= key.dl_dst ^ key.dl_src ^ key.dl_type ^ key.vlans[0].tci ^ key.nw_proto ^ key.tp_dst
    return digest


cdef class FlowKey:
    """The fields that a flow can match, taken from one frame.

    Every field is an attribute with the name of OVS's `struct flow`: integers in host order, MAC addresses as
    48-bit, IPv6 addresses as 128-bit integers. ``FlowKey()`` has them all zero. `str()` is the text that OVS prints for such a flow.

    Examples
    --------
    >>> frame = bytes.fromhex("ffffffffffff00000a0000010806000108000604000100000a0000010a000001"
    ...                       "0000000000000a000002")
    >>> key = FlowKey.from_frame(frame, in_port=1)
    >>> hex(key.dl_type), key.nw_proto
    ('0x806', 1)
    >>> str(key)[:50] + "..."
    'arp,in_port=1,vlan_tci=0x0000,dl_src=00:00:0a:00:0...'

    Notes
    -----
    Thread-safety: a key never changes, so any number of threads may use it.
    """

    def __cinit__(self):
        self.found.l2_5_ofs = self.found.l3_ofs = self.found.l4_ofs = LAYOUT_NONE   # all else is zero already

    @staticmethod
    def from_frame(const uint8_t[::1] frame not None, int vlan_limit=1, unsigned int in_port=0, depth="l4"):
        """Extract the key of an Ethernet frame.

        Parameters
        ----------
        frame : buffer of bytes
            The frame without its FCS; any bytes will do, too few of them leave fields zero.
        vlan_limit : int
            Tags to strip into the key, 0 to 2 (where OVS is configured with 0, it means 2).
        in_port : int
            OpenFlow port number that the frame entered on.
        depth : str
            ``"l2"``, ``"l3"`` or ``"l4"``: how deep to parse; fields below it are zero.

        Raises
        ------
        ValueError
            `vlan_limit` or `depth` is out of range.
        """
        cdef FlowKey self
        cdef flow_depth how_deep
        cdef const uint8_t* data = NULL
        if not 0 <= vlan_limit <= FLOW_MAX_VLANS:
            raise ValueError(f"vlan_limit must be 0 to {FLOW_MAX_VLANS}, not {vlan_limit}")
        how_deep = depth_of(depth)
        self = FlowKey()
        if frame.shape[0]:
            data = &frame[0]
        flow_extract(data, <size_t>frame.shape[0], vlan_limit, how_deep, &self.key, &self.found)
        self.key.in_port = in_port
        return self

    def __str__(self):
        from vswitch.tables.flow_format import format_flow  # only who prints keys pays for loading it

        return format_flow(self)

    def __repr__(self):
        return f"<FlowKey {self}>"

    def __eq__(self, other):
        if not isinstance(other, FlowKey):
            return NotImplemented
        return memcmp(&self.key, &(<FlowKey>other).key, sizeof(self.key)) == 0

    def __hash__(self):
        return hash((<char*>&self.key)[:sizeof(self.key)])

    def __getattr__(self, name):
        try:
            return self.fields()[name]
        except KeyError:
            raise AttributeError(f"a flow key has no field {name!r}") from None

    def fields(self):
        """All fields by name, in the order of OVS's `struct flow`.

        Integers, but for tuples: `regs` (16), `vlans` (2 pairs of TPID and TCI, whose bit 0x1000 says that there is
        a tag), `mpls_lse` (3) and `nsh_context` (4).
        """
        cdef dict values = self.key
        for name in ("pad1", "pad2", "pad3", "pad4"):
            del values[name]
        for name in IN_HALVES:
            values[name] = values[name][0] << 64 | values[name][1]
        values["regs"] = tuple(values["regs"])
        values["vlans"] = tuple([(tag["tpid"], tag["tci"]) for tag in values["vlans"]])
        values["mpls_lse"] = tuple(values["mpls_lse"][:FLOW_MAX_MPLS_LABELS])
        values["nsh_context"] = tuple(values["nsh_context"])
        values["tun_metadata"] = tuple(values["tun_metadata"])
        return values

    def layout(self):
        """Where the headers were found, in bytes: `l2_5_ofs`, `l3_ofs`, `l4_ofs` (65535: not reached), `l2_pad`, and
        `n_vlans` tags before them."""
        return self.found
