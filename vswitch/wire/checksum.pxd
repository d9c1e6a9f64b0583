"""The Internet checksum, whole and incrementally, and SCTP's CRC32c (RFC 1071; RFC 1624 §3; RFC 9260 appendix A).

A running sum is a `uint64_t` that starts at 0; only the last piece that is added may have an odd length.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

# Adds bytes to a running sum.
cdef uint64_t checksum_add(uint64_t total, const uint8_t* data, size_t n_bytes) noexcept nogil

# CRC32c of SCTP in the byte order of the wire: stored with store_be32() it is what the header holds.
cdef uint32_t crc32c(const uint8_t* data, size_t n_bytes) noexcept nogil


cdef inline uint16_t checksum_finish(uint64_t total) noexcept nogil:
    """What goes into the header. UDP sends 0xffff where this is 0 (RFC 768)."""
    total = <uint32_t>total + (total >> 32)
    total = <uint32_t>total + (total >> 32)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return <uint16_t>~total


cdef inline uint16_t checksum_update16(uint16_t checksum, uint16_t old, uint16_t new) noexcept nogil:
    """The checksum after a 16-bit word changed (RFC 1624, equation 3, which never turns 0x0000 into 0xffff)."""
    return checksum_finish(<uint64_t>(<uint16_t>~checksum) + <uint16_t>~old + new)


cdef inline uint16_t checksum_finish16(uint16_t sum, uint16_t word) noexcept nogil:
    """The checksum of words whose sum is `sum` (the complement of their checksum), and of one more."""
    cdef uint32_t total = <uint32_t>sum + word
    return <uint16_t>~(total + (total >> 16))


cdef inline uint16_t checksum_update32(uint16_t checksum, uint32_t old, uint32_t new) noexcept nogil:
    # Two steps and not one sum: the two zeros of ones' complement come out as OVS's do.
    checksum = checksum_update16(checksum, <uint16_t>(old >> 16), <uint16_t>(new >> 16))
    return checksum_update16(checksum, <uint16_t>old, <uint16_t>new)


cdef inline uint64_t checksum_pseudo_ipv4(uint32_t src, uint32_t dst, uint8_t proto, uint16_t length) noexcept nogil:
    """Running sum of the pseudo-header of TCP and UDP over IPv4 (RFC 9293 §3.1)."""
    return <uint64_t>src + dst + proto + length


cdef inline uint64_t checksum_pseudo_ipv6(const uint64_t* src, const uint64_t* dst, uint8_t proto,
                                          uint32_t length) noexcept nogil:
    """Running sum of the pseudo-header over IPv6 (RFC 8200 §8.1); addresses as in a flow key."""
    return ((src[0] >> 32) + <uint32_t>src[0] + (src[1] >> 32) + <uint32_t>src[1]
            + (dst[0] >> 32) + <uint32_t>dst[0] + (dst[1] >> 32) + <uint32_t>dst[1]
            + proto + length)
