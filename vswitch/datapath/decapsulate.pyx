"""Takes the headers of a tunnel off a frame: what lib/netdev-native-tnl.c checks, in its order.

OVS looks at the bytes behind the IP packet, too: a UDP checksum covers them, and they stay behind the frame inside.
"""
from libc.stdint cimport uint16_t, uint64_t
from libc.string cimport memset

from vswitch.datapath.tunnel cimport TUNNEL_CSUM, TUNNEL_GENEVE, TUNNEL_GRE, TUNNEL_KEY, TUNNEL_OAM
from vswitch.tables.flow_key cimport LAYOUT_NONE
from vswitch.wire.byteorder cimport load_be32
from vswitch.wire.checksum cimport checksum_add, checksum_finish, checksum_pseudo_ipv4, checksum_pseudo_ipv6
from vswitch.wire.ethernet cimport ETH_TYPE_MIN, ETH_TYPE_TEB
from vswitch.wire.geneve cimport (
    GENEVE_O, geneve_flags, geneve_header_len, geneve_proto, geneve_version, geneve_vni,
)
from vswitch.wire.gre cimport GRE_C, GRE_K, GRE_LEN, GRE_S, gre_flags, gre_header_len, gre_key, gre_proto
from vswitch.wire.ipv4 cimport (
    IP_PROTO_UDP, IPV4_LEN, ipv4_dst, ipv4_header_len, ipv4_src, ipv4_tos, ipv4_total_len, ipv4_ttl, ipv4_version,
)
from vswitch.wire.ipv6 cimport (
    ipv6_dst_hi, ipv6_dst_lo, ipv6_hop_limit, ipv6_next_header, ipv6_payload_len, ipv6_src_hi, ipv6_src_lo, ipv6_tclass,
    ipv6_version,
)
from vswitch.wire.udp cimport UDP_LEN, udp_checksum
from vswitch.wire.vxlan cimport VXLAN_FLAGS, VXLAN_LEN, VXLAN_VNI

cdef enum:
    VXLAN_WORD_I = 0x08000000       # first word of the header: the VNI is valid
    VXLAN_WORD_GPE = 0x04000000
    VXLAN_GPE_BITS = 0x350000FF     # version, GPE, OAM, next protocol
    VXLAN_GPE_OAM = 0x01000000
    VXLAN_GPE_IPV4 = 1              # next protocols that OVS knows (draft-ietf-nvo3-vxlan-gpe, section 3.2)
    VXLAN_GPE_ETHERNET = 3
    VXLAN_GPE_NSH = 4


cdef int decapsulate(const uint8_t* data, uint32_t caplen, uint32_t n_bytes, const frame_layout* layout,
                     const endpoint* e, flow_key* key) noexcept nogil:
    cdef uint32_t l4 = layout.l4_ofs
    cdef int inner
    memset(&key.tun_flags, 0, <size_t>(<char*>(key + 1) - <char*>&key.tun_flags))
    if layout.l3_ofs == LAYOUT_NONE or layout.l4_ofs == LAYOUT_NONE:
        return POP_INVALID
    inner = pop_ip(data, caplen, n_bytes, layout, key)
    if inner < 0:
        return inner
    if e.kind == TUNNEL_GRE:
        return pop_gre(data, caplen, n_bytes, l4, key)
    if n_bytes - l4 - layout.l2_pad < UDP_LEN + VXLAN_LEN:      # Geneve's is as long
        return POP_INVALID
    if caplen < l4 + UDP_LEN + VXLAN_LEN:
        return POP_TRUNCATED
    if not pop_udp(data, caplen, n_bytes, layout, key):
        return POP_INVALID
    if e.kind == TUNNEL_GENEVE:
        return pop_geneve(data, caplen, n_bytes, l4 + UDP_LEN, key)
    return pop_vxlan(data, l4 + UDP_LEN, key)


cdef int pop_ip(const uint8_t* data, uint32_t caplen, uint32_t n_bytes, const frame_layout* layout,
                flow_key* key) noexcept nogil:
    cdef const uint8_t* ip = data + layout.l3_ofs
    cdef size_t header_len
    if caplen <= layout.l3_ofs:
        return POP_TRUNCATED
    if ipv4_version(ip) == 4:
        header_len = ipv4_header_len(ip)
        if caplen < layout.l3_ofs + header_len:
            return POP_TRUNCATED
        if checksum_finish(checksum_add(0, ip, header_len)):
            return POP_INVALID
        if ipv4_total_len(ip) > n_bytes - layout.l3_ofs or header_len > IPV4_LEN:
            return POP_INVALID
        key.tun_src = ipv4_src(ip)
        key.tun_dst = ipv4_dst(ip)
        key.tun_tos = ipv4_tos(ip)
        key.tun_ttl = ipv4_ttl(ip)
        return 0
    if ipv6_version(ip) != 6:
        return POP_INVALID
    if caplen < layout.l4_ofs:
        return POP_TRUNCATED
    key.tun_ipv6_src[0] = ipv6_src_hi(ip)
    key.tun_ipv6_src[1] = ipv6_src_lo(ip)
    key.tun_ipv6_dst[0] = ipv6_dst_hi(ip)
    key.tun_ipv6_dst[1] = ipv6_dst_lo(ip)
    key.tun_tos = ipv6_tclass(ip)
    key.tun_ttl = ipv6_hop_limit(ip)
    return 0


cdef bint pop_udp(const uint8_t* data, uint32_t caplen, uint32_t n_bytes, const frame_layout* layout,
                  flow_key* key) noexcept nogil:
    """The checksum is right, or there is none."""
    cdef const uint8_t* ip = data + layout.l3_ofs
    cdef const uint8_t* udp = data + layout.l4_ofs
    cdef uint64_t total
    if udp_checksum(udp) == 0:
        return True
    if caplen == n_bytes:           # of a frame that was cut there is no telling
        if key.tun_dst or key.tun_src:
            total = checksum_pseudo_ipv4(key.tun_src, key.tun_dst, IP_PROTO_UDP,
                                         <uint16_t>(ipv4_total_len(ip) - ipv4_header_len(ip)))
        else:
            total = checksum_pseudo_ipv6(key.tun_ipv6_src, key.tun_ipv6_dst, ipv6_next_header(ip), ipv6_payload_len(ip))
        if checksum_finish(checksum_add(total, udp, n_bytes - layout.l4_ofs)):
            return False
    key.tun_flags |= TUNNEL_CSUM
    return True


cdef int pop_vxlan(const uint8_t* data, uint32_t ofs, flow_key* key) noexcept nogil:
    cdef uint32_t flags = load_be32(data + ofs + VXLAN_FLAGS)
    cdef uint32_t vni = load_be32(data + ofs + VXLAN_VNI)
    cdef uint32_t protocol = VXLAN_GPE_ETHERNET
    if flags & VXLAN_WORD_GPE:
        protocol = flags & 0xFF
        if flags & VXLAN_GPE_OAM or protocol < VXLAN_GPE_IPV4 or protocol > VXLAN_GPE_NSH:
            return POP_INVALID
        flags &= ~<uint32_t>VXLAN_GPE_BITS
    if flags != VXLAN_WORD_I or vni & 0xFF:
        return POP_INVALID
    key.tun_id = vni >> 8
    key.tun_flags |= TUNNEL_KEY
    return <int>(ofs + VXLAN_LEN) if protocol == VXLAN_GPE_ETHERNET else POP_NOT_ETHERNET


cdef int pop_gre(const uint8_t* data, uint32_t caplen, uint32_t n_bytes, uint32_t ofs, flow_key* key) noexcept nogil:
    cdef const uint8_t* gre = data + ofs
    cdef uint32_t header_len
    if n_bytes < ofs + GRE_LEN:
        return POP_INVALID
    if caplen < ofs + GRE_LEN:
        return POP_TRUNCATED
    if gre_flags(gre) & ~<uint16_t>(GRE_C | GRE_K | GRE_S):
        return POP_INVALID
    header_len = <uint32_t>gre_header_len(gre)
    if ofs + header_len > n_bytes:
        return POP_INVALID
    if caplen < ofs + header_len:
        return POP_TRUNCATED
    if gre_flags(gre) & GRE_C:
        if caplen == n_bytes and checksum_finish(checksum_add(0, gre, n_bytes - ofs)):
            return POP_INVALID
        key.tun_flags = TUNNEL_CSUM
    if gre_flags(gre) & GRE_K:
        key.tun_id = gre_key(gre)
        key.tun_flags |= TUNNEL_KEY
    if gre_proto(gre) != ETH_TYPE_TEB:
        return POP_NOT_ETHERNET if gre_proto(gre) >= ETH_TYPE_MIN else POP_INVALID
    return <int>(ofs + header_len)


cdef int pop_geneve(const uint8_t* data, uint32_t caplen, uint32_t n_bytes, uint32_t ofs, flow_key* key) noexcept nogil:
    cdef const uint8_t* geneve = data + ofs
    cdef uint32_t header_len = <uint32_t>geneve_header_len(geneve)
    if ofs + header_len > n_bytes:
        return POP_INVALID
    if caplen < ofs + header_len:
        return POP_TRUNCATED
    if geneve_version(geneve) != 0 or geneve_proto(geneve) != ETH_TYPE_TEB:
        return POP_INVALID
    if geneve_flags(geneve) & GENEVE_O:
        key.tun_flags |= TUNNEL_OAM
    key.tun_id = geneve_vni(geneve)
    key.tun_flags |= TUNNEL_KEY
    return <int>(ofs + header_len)
