"""Puts the headers of a tunnel in front of a frame: the build_header() and push_header() of lib/netdev-native-tnl.c.

Most of the headers is the same for every frame that goes the same way, and is built once (`encapsulation_build`). Lengths,
key, source port, sequence number and checksums come with each frame. The IPv4 checksum is that of the built header,
brought up to date with the length (RFC 1624), as OVS does it.
"""
from libc.string cimport memcmp, memcpy

from vswitch.datapath.tunnel cimport TUNNEL_CSUM, TUNNEL_DONT_FRAGMENT, TUNNEL_GRE, TUNNEL_OAM, TUNNEL_VXLAN
from vswitch.wire.address_words cimport is_mapped_ipv4
from vswitch.wire.byteorder cimport store_be16, store_be32, store_be64
from vswitch.wire.checksum cimport (
    checksum_add, checksum_finish, checksum_pseudo_ipv4, checksum_pseudo_ipv6, checksum_update16,
)
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_TEB, eth_store, eth_type
from vswitch.wire.geneve cimport GENEVE_C, GENEVE_LEN, GENEVE_O, GENEVE_VNI, geneve_header_len, geneve_store
from vswitch.wire.gre cimport GRE_C, GRE_FLAGS, GRE_K, GRE_LEN, GRE_OPTIONS, GRE_PROTO, GRE_S, gre_flags
from vswitch.wire.ipv4 cimport (
    IP_PROTO_GRE, IP_PROTO_UDP, IPV4_LEN, IPV4_TOTAL_LEN, ipv4_checksum, ipv4_dst, ipv4_set_checksum, ipv4_src, ipv4_store,
)
from vswitch.wire.ipv6 cimport (
    IPV6_DST, IPV6_LEN, IPV6_PAYLOAD_LEN, IPV6_SRC, ipv6_dst_hi, ipv6_dst_lo, ipv6_src_hi, ipv6_src_lo, ipv6_store,
)
from vswitch.wire.udp cimport (
    UDP_LEN, UDP_LENGTH, UDP_SRC, udp_checksum, udp_length, udp_set_checksum, udp_store,
)
from vswitch.wire.vxlan cimport VXLAN_LEN, VXLAN_VNI, vxlan_store

cdef enum:
    IP_DF = 0x4000
    CHECKSUM_WANTED = 0xFFFF        # of UDP in the built header, as in OVS: invisible to the sum
    VXLAN_GPE_ETHERNET = 0x0C000003 # first word: the VNI is valid, the next protocol as well; it is Ethernet


cdef void encapsulation_build(tunnel* t, const outer_headers* outer) noexcept nogil:
    cdef bint is_ipv4 = is_mapped_ipv4(outer.dst)
    cdef uint8_t proto = IP_PROTO_GRE if t.kind == TUNNEL_GRE else IP_PROTO_UDP
    cdef uint8_t* ip = t.header + ETH_LEN
    cdef uint8_t* l4
    eth_store(t.header, outer.dst_mac, outer.src_mac, ETH_TYPE_IPV4 if is_ipv4 else ETH_TYPE_IPV6)
    if is_ipv4:
        ipv4_store(ip, outer.tos, 0, 0, IP_DF if outer.flags & TUNNEL_DONT_FRAGMENT else 0, outer.ttl, proto,
                   <uint32_t>outer.src[1] if is_mapped_ipv4(outer.src) else 0, <uint32_t>outer.dst[1])
        ipv4_set_checksum(ip, checksum_finish(checksum_add(0, ip, IPV4_LEN)))
        l4 = ip + IPV4_LEN
    else:
        ipv6_store(ip, outer.tos, 0, 0, proto, outer.ttl)
        store_be64(ip + IPV6_SRC, outer.src[0])
        store_be64(ip + IPV6_SRC + 8, outer.src[1])
        store_be64(ip + IPV6_DST, outer.dst[0])
        store_be64(ip + IPV6_DST + 8, outer.dst[1])
        l4 = ip + IPV6_LEN
    if t.kind == TUNNEL_GRE:
        l4 += build_gre(t, l4, outer)
    else:
        udp_store(l4, 0, t.dst_port, 0)
        if not is_ipv4 or outer.flags & TUNNEL_CSUM:
            udp_set_checksum(l4, CHECKSUM_WANTED)
        l4 += UDP_LEN
        if t.kind == TUNNEL_VXLAN:
            vxlan_store(l4, 0)
            if t.has_gpe:
                store_be32(l4, VXLAN_GPE_ETHERNET)
            l4 += VXLAN_LEN
        else:
            geneve_store(l4, outer.n_options, (GENEVE_O if outer.flags & TUNNEL_OAM else 0)
                         | (GENEVE_C if outer.is_critical else 0), ETH_TYPE_TEB, 0)
            l4 += GENEVE_LEN
            if outer.n_options:
                memcpy(l4, outer.options, outer.n_options)
                l4 += outer.n_options
    t.header_len = <uint32_t>(l4 - t.header)


cdef bint encapsulation_has_options(const tunnel* t, const outer_headers* outer) noexcept nogil:
    cdef const uint8_t* geneve = (
        t.header + ETH_LEN + (IPV4_LEN if eth_type(t.header) == ETH_TYPE_IPV4 else IPV6_LEN) + UDP_LEN)
    return (geneve_header_len(geneve) == GENEVE_LEN + outer.n_options
            and (outer.n_options == 0 or memcmp(geneve + GENEVE_LEN, outer.options, outer.n_options) == 0))


cdef inline uint32_t build_gre(tunnel* t, uint8_t* gre, const outer_headers* outer) noexcept nogil:
    """Checksum, key and sequence number are zero; returns the header's length."""
    cdef uint16_t flags = 0
    cdef uint32_t n = GRE_LEN
    if outer.flags & TUNNEL_CSUM:
        flags |= GRE_C
        store_be32(gre + n, 0)
        n += 4
    if t.has_out_key:
        flags |= GRE_K
        store_be32(gre + n, 0)
        n += 4
    if t.has_seq:
        flags |= GRE_S
        store_be32(gre + n, 0)
        n += 4
    store_be16(gre + GRE_FLAGS, flags)
    store_be16(gre + GRE_PROTO, ETH_TYPE_TEB)
    return n


cdef void encapsulate(tunnel* t, uint8_t* to, uint32_t n_inner, uint32_t inner_len, uint64_t tun_id,
                      uint16_t src_port) noexcept nogil:
    cdef uint8_t* ip = to + ETH_LEN
    cdef uint8_t* l4
    cdef uint32_t l4_len
    cdef uint16_t total_len
    cdef bint is_ipv4
    memcpy(to, t.header, t.header_len)
    is_ipv4 = eth_type(to) == ETH_TYPE_IPV4
    if is_ipv4:
        total_len = <uint16_t>(t.header_len - ETH_LEN + inner_len)
        store_be16(ip + IPV4_TOTAL_LEN, total_len)
        ipv4_set_checksum(ip, checksum_update16(ipv4_checksum(ip), 0, total_len))
        l4 = ip + IPV4_LEN
    else:
        store_be16(ip + IPV6_PAYLOAD_LEN, <uint16_t>(t.header_len - ETH_LEN - IPV6_LEN + inner_len))
        l4 = ip + IPV6_LEN
    l4_len = t.header_len - <uint32_t>(l4 - to) + n_inner
    if t.kind == TUNNEL_GRE:
        finish_gre(t, l4, l4_len, tun_id)
        return
    store_be16(l4 + UDP_SRC, src_port)
    store_be16(l4 + UDP_LENGTH, <uint16_t>(t.header_len - <uint32_t>(l4 - to) + inner_len))
    store_be32(l4 + UDP_LEN + (VXLAN_VNI if t.kind == TUNNEL_VXLAN else GENEVE_VNI), <uint32_t>(tun_id << 8))
    if udp_checksum(l4):
        finish_udp(ip, l4, l4_len, is_ipv4)


cdef void finish_gre(tunnel* t, uint8_t* gre, uint32_t n_bytes, uint64_t tun_id) noexcept nogil:
    cdef uint16_t flags = gre_flags(gre)
    cdef uint32_t ofs = GRE_OPTIONS + (4 if flags & GRE_C else 0)
    if flags & GRE_K:
        store_be32(gre + ofs, <uint32_t>tun_id)
        ofs += 4
    if flags & GRE_C:
        # OVS sums before it puts the sequence number there.
        store_be16(gre + GRE_OPTIONS, checksum_finish(checksum_add(0, gre, n_bytes)))
    if flags & GRE_S:
        store_be32(gre + ofs, t.seq)
        t.seq += 1


cdef void finish_udp(const uint8_t* ip, uint8_t* udp, uint32_t n_bytes, bint is_ipv4) noexcept nogil:
    """Sums what is there, with the value that marks that a checksum is wanted still in its place (OVS csum_continue())."""
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef uint64_t total
    cdef uint16_t checksum
    if is_ipv4:
        total = checksum_pseudo_ipv4(ipv4_src(ip), ipv4_dst(ip), IP_PROTO_UDP, udp_length(udp))
    else:
        src[0] = ipv6_src_hi(ip)
        src[1] = ipv6_src_lo(ip)
        dst[0] = ipv6_dst_hi(ip)
        dst[1] = ipv6_dst_lo(ip)
        total = checksum_pseudo_ipv6(src, dst, IP_PROTO_UDP, udp_length(udp))
    checksum = checksum_finish(checksum_add(total, udp, n_bytes))
    udp_set_checksum(udp, checksum if checksum else <uint16_t>0xFFFF)
