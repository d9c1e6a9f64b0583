"""Addresses, ports and the like, in place, with checksums kept as right or wrong as they were.

Checksums are updated incrementally (RFC 1624): one that was wrong stays wrong by the same amount, a UDP checksum of 0
("none") stays 0, and one that becomes 0 is sent as 0xffff. IPv6 addresses do not touch transport checksums of first
fragments, nor does a destination that a routing header will replace.

The rules are those of packet_set_*() in OVS's lib/packets.c.
"""
from libc.stdint cimport uint16_t, uint64_t

from vswitch.datapath.commit cimport ND_EDIT_EXTENSIONS, ND_EDIT_SLL, ND_EDIT_TARGET, ND_EDIT_TLL
from vswitch.wire.byteorder cimport load_be16, load_be32, load_be64, load_mac, store_be16, store_be32, store_be64, store_mac
from vswitch.wire.checksum cimport (
    checksum_add, checksum_finish, checksum_pseudo_ipv6, checksum_update16, checksum_update32, crc32c,
)
from vswitch.wire.icmp cimport ICMP_CHECKSUM, ICMP_CODE, ICMP_TYPE
from vswitch.wire.icmp6 cimport (
    ICMP6_CHECKSUM, ICMP6_DATA, ICMP6_LEN, ND_LEN, ND_OPT_LEN_MIN, ND_OPT_LENGTH, ND_OPT_MAC, ND_OPT_SOURCE_LINKADDR,
    ND_OPT_TARGET_LINKADDR, ND_OPT_TYPE, ND_TARGET,
)
from vswitch.wire.ipv4 cimport (
    IP_PROTO_AH, IP_PROTO_DSTOPTS, IP_PROTO_FRAGMENT, IP_PROTO_HOPOPTS, IP_PROTO_ICMP6, IP_PROTO_ROUTING,
    IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP, IPV4_CHECKSUM, IPV4_DST, IPV4_PROTO, IPV4_SRC, IPV4_TOS, IPV4_TTL,
)
from vswitch.wire.ipv6 cimport (
    IPV6_DST, IPV6_FRAG_LEN, IPV6_FRAG_MF, IPV6_FRAG_OFFSET_MASK, IPV6_HOP_LIMIT, IPV6_LEN, IPV6_SRC, ipv6_ah_len,
    ipv6_ext_len, ipv6_ext_next_header, ipv6_frag_offlg, ipv6_next_header,
)
from vswitch.wire.sctp cimport SCTP_CHECKSUM, SCTP_DST, SCTP_LEN, SCTP_SRC
from vswitch.wire.tcp cimport TCP_CHECKSUM, TCP_DST, TCP_LEN, TCP_SRC, tcp_header_len
from vswitch.wire.udp cimport UDP_CHECKSUM, UDP_DST, UDP_LEN, UDP_SRC


cdef inline size_t l4_size(size_t n_bytes, const frame_layout* found) noexcept nogil:
    """Bytes of the transport layer, padding behind the packet not counted."""
    return n_bytes - found.l4_ofs - found.l2_pad if n_bytes >= <size_t>found.l4_ofs + found.l2_pad else 0


cdef inline void update32(uint8_t* checksum, uint32_t old, uint32_t new) noexcept nogil:
    store_be16(checksum, checksum_update32(load_be16(checksum), old, new))


cdef inline void update16(uint8_t* checksum, uint16_t old, uint16_t new) noexcept nogil:
    store_be16(checksum, checksum_update16(load_be16(checksum), old, new))


# IPv4.

cdef void edit_ipv4(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil:
    cdef uint8_t* ip = frame + found.l3_ofs
    if load_be32(ip + IPV4_SRC) != key.nw_src:
        set_ipv4_address(frame, n_bytes, found, ip + IPV4_SRC, key.nw_src)
    if load_be32(ip + IPV4_DST) != key.nw_dst:
        set_ipv4_address(frame, n_bytes, found, ip + IPV4_DST, key.nw_dst)
    if ip[IPV4_TOS] != key.nw_tos:
        update16(ip + IPV4_CHECKSUM, ip[IPV4_TOS], key.nw_tos)
        ip[IPV4_TOS] = key.nw_tos
    if ip[IPV4_TTL] != key.nw_ttl:
        update16(ip + IPV4_CHECKSUM, <uint16_t>(ip[IPV4_TTL] << 8), <uint16_t>(key.nw_ttl << 8))
        ip[IPV4_TTL] = key.nw_ttl


cdef void set_ipv4_address(uint8_t* frame, size_t n_bytes, const frame_layout* found, uint8_t* at,
                           uint32_t new) noexcept nogil:
    cdef uint8_t* ip = frame + found.l3_ofs
    cdef uint8_t* l4 = frame + found.l4_ofs
    cdef size_t size = l4_size(n_bytes, found)
    cdef uint32_t old = load_be32(at)
    if ip[IPV4_PROTO] == IP_PROTO_TCP and size >= TCP_LEN:
        update32(l4 + TCP_CHECKSUM, old, new)
    elif ip[IPV4_PROTO] == IP_PROTO_UDP and size >= UDP_LEN and load_be16(l4 + UDP_CHECKSUM):
        update32(l4 + UDP_CHECKSUM, old, new)
        if not load_be16(l4 + UDP_CHECKSUM):
            store_be16(l4 + UDP_CHECKSUM, 0xFFFF)
    update32(ip + IPV4_CHECKSUM, old, new)
    store_be32(at, new)


# IPv6.

cdef void edit_ipv6(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil:
    cdef uint8_t* ip = frame + found.l3_ofs
    cdef uint8_t proto = 0
    cdef bint updates = True
    cdef bint has_route = find_protocol(ip, <size_t>(found.l4_ofs - found.l3_ofs), &proto, &updates)
    cdef uint32_t word
    if load_be64(ip + IPV6_SRC) != key.ipv6_src[0] or load_be64(ip + IPV6_SRC + 8) != key.ipv6_src[1]:
        set_ipv6_address(frame, n_bytes, found, ip + IPV6_SRC, key.ipv6_src, proto, updates)
    if load_be64(ip + IPV6_DST) != key.ipv6_dst[0] or load_be64(ip + IPV6_DST + 8) != key.ipv6_dst[1]:
        set_ipv6_address(frame, n_bytes, found, ip + IPV6_DST, key.ipv6_dst, proto, updates and not has_route)
    word = load_be32(ip)
    store_be32(ip, (word & <uint32_t>0xF0000000) | <uint32_t>key.nw_tos << 20 | (key.ipv6_label & 0xFFFFF))
    ip[IPV6_HOP_LIMIT] = key.nw_ttl


cdef bint find_protocol(const uint8_t* ip, size_t n_bytes, uint8_t* proto, bint* updates) noexcept nogil:
    """The transport protocol; True if a routing header with segments left stands before it.

    `updates` becomes False where a fragment header says that the checksum is not all here.
    """
    cdef const uint8_t* at = ip + IPV6_LEN
    cdef size_t left = n_bytes - IPV6_LEN
    cdef size_t n
    cdef uint16_t offlg
    if n_bytes < IPV6_LEN:
        return False
    proto[0] = ipv6_next_header(ip)
    while (proto[0] == IP_PROTO_HOPOPTS or proto[0] == IP_PROTO_ROUTING or proto[0] == IP_PROTO_DSTOPTS
           or proto[0] == IP_PROTO_AH or proto[0] == IP_PROTO_FRAGMENT):
        if left < 8:
            return False
        if proto[0] == IP_PROTO_AH:
            n = ipv6_ah_len(at)
        elif proto[0] == IP_PROTO_FRAGMENT:
            offlg = ipv6_frag_offlg(at)
            updates[0] = (offlg & IPV6_FRAG_OFFSET_MASK) == 0 and (offlg & IPV6_FRAG_MF) != 0
            n = IPV6_FRAG_LEN
        elif proto[0] == IP_PROTO_ROUTING and at[3] > 0:
            return True
        else:
            n = ipv6_ext_len(at)
        proto[0] = ipv6_ext_next_header(at)
        if left < n:
            return False
        left -= n
        at += n
    return False


cdef void set_ipv6_address(uint8_t* frame, size_t n_bytes, const frame_layout* found, uint8_t* at,
                           const uint64_t* new, uint8_t proto, bint updates) noexcept nogil:
    cdef uint8_t* l4 = frame + found.l4_ofs
    cdef size_t size = l4_size(n_bytes, found)
    if updates:
        if proto == IP_PROTO_TCP and size >= TCP_LEN:
            update128(l4 + TCP_CHECKSUM, at, new)
        elif proto == IP_PROTO_UDP and size >= UDP_LEN and load_be16(l4 + UDP_CHECKSUM):
            update128(l4 + UDP_CHECKSUM, at, new)
            if not load_be16(l4 + UDP_CHECKSUM):
                store_be16(l4 + UDP_CHECKSUM, 0xFFFF)
        elif proto == IP_PROTO_ICMP6 and size >= ICMP6_LEN:
            update128(l4 + ICMP6_CHECKSUM, at, new)
    store_be64(at, new[0])
    store_be64(at + 8, new[1])


cdef void update128(uint8_t* checksum, const uint8_t* old, const uint64_t* new) noexcept nogil:
    update32(checksum, load_be32(old), <uint32_t>(new[0] >> 32))
    update32(checksum, load_be32(old + 4), <uint32_t>new[0])
    update32(checksum, load_be32(old + 8), <uint32_t>(new[1] >> 32))
    update32(checksum, load_be32(old + 12), <uint32_t>new[1])


# Transport.

cdef void edit_l4(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil:
    """Ports of TCP, UDP and SCTP."""
    cdef uint8_t* l4 = frame + found.l4_ofs
    cdef size_t size = l4_size(n_bytes, found)
    cdef uint32_t old, before
    if key.nw_proto == IP_PROTO_TCP:
        if size >= TCP_LEN and TCP_LEN <= tcp_header_len(l4) <= size:
            set_port(l4 + TCP_SRC, key.tp_src, l4 + TCP_CHECKSUM)
            set_port(l4 + TCP_DST, key.tp_dst, l4 + TCP_CHECKSUM)
    elif key.nw_proto == IP_PROTO_UDP and size >= UDP_LEN:
        if load_be16(l4 + UDP_CHECKSUM):
            set_port(l4 + UDP_SRC, key.tp_src, l4 + UDP_CHECKSUM)
            set_port(l4 + UDP_DST, key.tp_dst, l4 + UDP_CHECKSUM)
            if not load_be16(l4 + UDP_CHECKSUM):
                store_be16(l4 + UDP_CHECKSUM, 0xFFFF)
        else:
            store_be16(l4 + UDP_SRC, key.tp_src)
            store_be16(l4 + UDP_DST, key.tp_dst)
    elif key.nw_proto == IP_PROTO_SCTP and size >= SCTP_LEN:
        old = load_be32(l4 + SCTP_CHECKSUM)
        store_be32(l4 + SCTP_CHECKSUM, 0)
        before = crc32c(l4, size)
        store_be16(l4 + SCTP_SRC, key.tp_src)
        store_be16(l4 + SCTP_DST, key.tp_dst)
        store_be32(l4 + SCTP_CHECKSUM, old ^ before ^ crc32c(l4, size))


cdef inline void set_port(uint8_t* at, uint16_t new, uint8_t* checksum) noexcept nogil:
    if load_be16(at) != new:
        update16(checksum, load_be16(at), new)
        store_be16(at, new)


cdef void edit_icmp(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key) noexcept nogil:
    """Type and code of ICMP and ICMPv6, whose checksums are at the same place."""
    cdef uint8_t* icmp = frame + found.l4_ofs
    cdef uint16_t new = <uint16_t>((key.tp_src & 0xFF) << 8 | (key.tp_dst & 0xFF))
    if l4_size(n_bytes, found) < ICMP6_LEN or load_be16(icmp + ICMP_TYPE) == new:
        return
    update16(icmp + ICMP_CHECKSUM, load_be16(icmp + ICMP_TYPE), new)
    icmp[ICMP_TYPE] = <uint8_t>(new >> 8)
    icmp[ICMP_CODE] = <uint8_t>new


# Neighbour discovery.

cdef void edit_nd(uint8_t* frame, size_t n_bytes, const frame_layout* found, const flow_key* key,
                  uint32_t edits) noexcept nogil:
    """Target and link-layer addresses; of these OVS changes the first that it finds."""
    cdef uint8_t* nd = frame + found.l4_ofs
    cdef size_t left = l4_size(n_bytes, found)
    cdef uint8_t* option
    if edits == 0 or left < ND_LEN:
        return
    if edits & ND_EDIT_EXTENSIONS:
        edit_nd_extensions(frame, found, key, left)
    if edits & ND_EDIT_TARGET and (
            load_be64(nd + ND_TARGET) != key.nd_target[0] or load_be64(nd + ND_TARGET + 8) != key.nd_target[1]):
        update128(nd + ICMP6_CHECKSUM, nd + ND_TARGET, key.nd_target)
        store_be64(nd + ND_TARGET, key.nd_target[0])
        store_be64(nd + ND_TARGET + 8, key.nd_target[1])
    option = nd + ND_LEN
    left -= ND_LEN
    while left >= ND_OPT_LEN_MIN and option[ND_OPT_LENGTH]:
        if option[ND_OPT_LENGTH] == 1 and option[ND_OPT_TYPE] == ND_OPT_SOURCE_LINKADDR:
            if edits & ND_EDIT_SLL:
                set_nd_mac(nd, option + ND_OPT_MAC, key.arp_sha)
            break
        if option[ND_OPT_LENGTH] == 1 and option[ND_OPT_TYPE] == ND_OPT_TARGET_LINKADDR:
            if edits & ND_EDIT_TLL:
                set_nd_mac(nd, option + ND_OPT_MAC, key.arp_tha)
            break
        if <size_t>option[ND_OPT_LENGTH] * ND_OPT_LEN_MIN > left:
            break
        left -= <size_t>option[ND_OPT_LENGTH] * ND_OPT_LEN_MIN
        option += option[ND_OPT_LENGTH] * ND_OPT_LEN_MIN


cdef void set_nd_mac(uint8_t* nd, uint8_t* at, uint64_t mac) noexcept nogil:
    cdef int i
    if load_mac(at) == mac:
        return
    for i in range(3):
        update16(nd + ICMP6_CHECKSUM, load_be16(at + 2 * i), <uint16_t>(mac >> (32 - 16 * i)))
    store_mac(at, mac)


cdef void edit_nd_extensions(uint8_t* frame, const frame_layout* found, const flow_key* key, size_t size) noexcept nogil:
    """Reserved word and type of the first option; OVS computes the checksum anew."""
    cdef uint8_t* nd = frame + found.l4_ofs
    cdef uint8_t* ip = frame + found.l3_ofs
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    store_be32(nd + ICMP6_DATA, key.igmp_group_ip4)
    if size > ND_LEN:
        nd[ND_LEN + ND_OPT_TYPE] = <uint8_t>key.tcp_flags
    store_be16(nd + ICMP6_CHECKSUM, 0)
    src[0] = load_be64(ip + IPV6_SRC)
    src[1] = load_be64(ip + IPV6_SRC + 8)
    dst[0] = load_be64(ip + IPV6_DST)
    dst[1] = load_be64(ip + IPV6_DST + 8)
    store_be16(nd + ICMP6_CHECKSUM, checksum_finish(checksum_add(
        checksum_pseudo_ipv6(src, dst, ip[6], <uint32_t>load_be16(ip + 4)), nd, size)))
