"""The headers of most tunnels, taken off in one look: plain IPv4, VXLAN without a checksum or GRE with a key.

What is refused here is not wrong; decapsulate.pyx says what is.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.tunnel cimport TUNNEL_GRE, TUNNEL_KEY, TUNNEL_VXLAN
from vswitch.tables.flow_key cimport flow_key, frame_layout
from vswitch.tables.key_words cimport word_at, word_of_halves
from vswitch.wire.byteorder cimport load_be32
from vswitch.wire.checksum cimport checksum_finish
from vswitch.wire.ethernet cimport ETH_LEN
from vswitch.wire.ipv4 cimport IP_ECN_CE, IP_ECN_MASK, IPV4_LEN, ipv4_dst, ipv4_src, ipv4_tos, ipv4_total_len, ipv4_ttl
from vswitch.wire.udp cimport UDP_LEN, udp_checksum
from vswitch.wire.vxlan cimport VXLAN_LEN

cdef extern from *:
    """
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define vswitch_word_of_tunnel(flags, tos, ttl) ((uint64_t)(flags) << 48 | (uint64_t)(tos) << 40 | (uint64_t)(ttl) << 32)
    #else
    #define vswitch_word_of_tunnel(flags, tos, ttl) ((uint64_t)(ttl) << 24 | (uint64_t)(tos) << 16 | (uint64_t)(flags))
    #endif
    """
    # As one word, as which it is looked at next.
    uint64_t word_of_tunnel "vswitch_word_of_tunnel" (uint16_t flags, uint8_t tos, uint8_t ttl) noexcept nogil

cdef enum:
    TUNNEL_L4_OFS = ETH_LEN + IPV4_LEN
    VXLAN_PLAIN = 0x08000000        # first word: there is a VNI, and nothing else
    GRE_PLAIN = 0x20006558          # a key, and Ethernet inside
    GRE_WITH_KEY = 8                # bytes


cdef inline int tunnel_header_pop(const uint8_t* data, uint32_t n_bytes, const frame_layout* layout, uint8_t kind,
                                  flow_key* key) noexcept nogil:
    """Fills the tunnel's fields and returns where the frame inside begins; -1: not one of these, or something is amiss.

    All `n_bytes` of the frame are there, and it is IPv4.
    """
    cdef const uint8_t* ip = data + ETH_LEN
    cdef const uint8_t* l4 = data + TUNNEL_L4_OFS
    cdef uint64_t* words = <uint64_t*>key
    cdef flow_key* at = NULL
    cdef uint64_t total
    cdef int header_len
    if layout.l3_ofs != ETH_LEN or layout.l4_ofs != TUNNEL_L4_OFS or n_bytes < TUNNEL_L4_OFS + GRE_WITH_KEY:
        return -1
    total = <uint64_t>load_be32(ip) + load_be32(ip + 4) + load_be32(ip + 8) + load_be32(ip + 12) + load_be32(ip + 16)
    if checksum_finish(total) or ipv4_total_len(ip) > n_bytes - ETH_LEN or ipv4_tos(ip) & IP_ECN_MASK == IP_ECN_CE:
        return -1
    if kind == TUNNEL_GRE:
        header_len = TUNNEL_L4_OFS + GRE_WITH_KEY
        if load_be32(l4) != GRE_PLAIN:
            return -1
        key.tun_id = load_be32(l4 + 4)
    elif kind == TUNNEL_VXLAN:
        header_len = TUNNEL_L4_OFS + UDP_LEN + VXLAN_LEN
        if (n_bytes - layout.l2_pad < <uint32_t>header_len or udp_checksum(l4) or load_be32(l4 + UDP_LEN) != VXLAN_PLAIN
                or load_be32(l4 + UDP_LEN + 4) & 0xFF):
            return -1
        key.tun_id = load_be32(l4 + UDP_LEN + 4) >> 8
    else:
        return -1
    if n_bytes < <uint32_t>header_len + ETH_LEN:
        return -1
    words[word_at(&at.tun_flags)] = word_of_tunnel(TUNNEL_KEY, ipv4_tos(ip), ipv4_ttl(ip))
    words[word_at(&at.tun_src)] = word_of_halves(ipv4_src(ip), ipv4_dst(ip))
    return header_len
