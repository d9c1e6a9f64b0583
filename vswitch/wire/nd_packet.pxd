"""A neighbour solicitation or advertisement as a whole IPv6 packet (RFC 4861 §4.3 and §4.4)."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.wire.byteorder cimport store_be16, store_be32, store_be64, store_mac
from vswitch.wire.checksum cimport checksum_add, checksum_finish, checksum_pseudo_ipv6
from vswitch.wire.icmp6 cimport (
    ICMP6_CODE, ICMP6_DATA, ICMP6_TYPE, ND_LEN, ND_OPT_LEN_MIN, ND_OPT_LENGTH, ND_OPT_MAC, ND_OPT_TYPE, ND_TARGET,
    icmp6_set_checksum,
)
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP6
from vswitch.wire.ipv6 cimport IPV6_DST, IPV6_LEN, IPV6_SRC, ipv6_store

cdef enum:
    ND_HOP_LIMIT = 255                                      # who has it was not routed (RFC 4861 §7.1)
    ND_PACKET_LEN = IPV6_LEN + ND_LEN + ND_OPT_LEN_MIN     # with an option

cdef extern from "<stdint.h>":
    const uint64_t MULTICAST_IPV6 "UINT64_C(0x333300000000)"    # then the last 32 bits of the group


cdef inline void nd_solicited_node(const uint64_t* target, uint64_t* group) noexcept nogil:
    """The group at which neighbours ask for `target` (RFC 4291 §2.7.1)."""
    group[0] = <uint64_t>0xFF02 << 48
    group[1] = <uint64_t>0x1FF000000 | (target[1] & 0xFFFFFF)


cdef inline uint64_t ipv6_group_mac(const uint64_t* group) noexcept nogil:
    """RFC 2464 §7."""
    return MULTICAST_IPV6 | <uint32_t>group[1]


cdef inline void nd_packet_store(uint8_t* ip, const uint64_t* src, const uint64_t* dst, uint8_t type, uint32_t flags,
                                 const uint64_t* target, uint8_t option, uint64_t mac) noexcept nogil:
    """Writes ND_PACKET_LEN bytes; without an `option`, whose address `mac` is, ND_OPT_LEN_MIN less."""
    cdef uint32_t n_bytes = ND_LEN + ND_OPT_LEN_MIN if option else ND_LEN
    cdef uint8_t* message = ip + IPV6_LEN
    ipv6_store(ip, 0, 0, <uint16_t>n_bytes, IP_PROTO_ICMP6, ND_HOP_LIMIT)
    store_be64(ip + IPV6_SRC, src[0])
    store_be64(ip + IPV6_SRC + 8, src[1])
    store_be64(ip + IPV6_DST, dst[0])
    store_be64(ip + IPV6_DST + 8, dst[1])
    message[ICMP6_TYPE] = type
    message[ICMP6_CODE] = 0
    icmp6_set_checksum(message, 0)
    store_be32(message + ICMP6_DATA, flags)
    store_be64(message + ND_TARGET, target[0])
    store_be64(message + ND_TARGET + 8, target[1])
    if option:
        message[ND_LEN + ND_OPT_TYPE] = option
        message[ND_LEN + ND_OPT_LENGTH] = 1
        store_mac(message + ND_LEN + ND_OPT_MAC, mac)
    icmp6_set_checksum(message, checksum_finish(checksum_add(
        checksum_pseudo_ipv6(src, dst, IP_PROTO_ICMP6, n_bytes), message, n_bytes)))
