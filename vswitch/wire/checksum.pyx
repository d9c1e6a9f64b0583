"""The Internet checksum and CRC32c.

What: the ones' complement sum of 16-bit words that IPv4, TCP, UDP, ICMP and IGMP carry, and the CRC of SCTP.

How it works: ones' complement addition does not care how words are grouped, so 32 bits are added at a time into 64,
where 2^32 additions fit, and carries are folded in once at the end. Changing a field needs no pass over the packet:
RFC 1624's equation 3 takes the old word out and puts the new one in.

CRC32c goes through one table of 256 entries, a byte at a time: SCTP frames whose ports are rewritten are rare, and the
larger tables of faster methods would push others out of the cache.

Thread-safety: no state but the table, which is filled when the module is imported.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from vswitch.wire.byteorder cimport load_be16, load_be32

cdef enum:
    CRC32C_POLYNOMIAL = 0x82F63B78      # reflected (RFC 9260, appendix A)

cdef uint32_t[256] crc32c_table


cdef uint64_t checksum_add(uint64_t total, const uint8_t* data, size_t n_bytes) noexcept nogil:
    cdef const uint8_t* end = data + (n_bytes & ~<size_t>3)
    while data != end:
        total += load_be32(data)
        data += 4
    if n_bytes & 2:
        total += load_be16(data)
        data += 2
    if n_bytes & 1:
        total += <uint32_t>data[0] << 8      # as if a zero byte followed
    return total


cdef uint32_t crc32c(const uint8_t* data, size_t n_bytes) noexcept nogil:
    cdef uint32_t crc = 0xFFFFFFFF
    cdef size_t i
    for i in range(n_bytes):
        crc = crc32c_table[(crc ^ data[i]) & 0xFF] ^ (crc >> 8)
    crc = ~crc
    # The CRC is sent least significant byte first.
    return crc >> 24 | (crc >> 8 & 0xFF00) | (crc << 8 & 0xFF0000) | crc << 24


cdef void fill_crc32c_table() noexcept nogil:
    cdef uint32_t i, crc
    cdef int bit
    for i in range(256):
        crc = i
        for bit in range(8):
            crc = crc >> 1 ^ CRC32C_POLYNOMIAL if crc & 1 else crc >> 1
        crc32c_table[i] = crc


fill_crc32c_table()


def internet_checksum(const uint8_t[::1] octets not None, unsigned long long initial=0):
    """The Internet checksum of a header or packet whose checksum field is zero (RFC 1071).

    Parameters
    ----------
    octets : buffer of bytes
        What to sum up; an odd length counts as if a zero byte followed.
    initial : int
        A sum to start from, such as that of a pseudo-header; below 2**48.

    Returns
    -------
    int
        The 16-bit value that goes into the header; 0 if `octets` hold a correct checksum already.

    Examples
    --------
    >>> hex(internet_checksum(bytes.fromhex("45000073000040004011 0000 c0a80001c0a800c7")))
    '0xb861'
    """
    if not octets.shape[0]:
        return checksum_finish(initial)
    return checksum_finish(checksum_add(initial, &octets[0], <size_t>octets.shape[0]))


def updated_checksum(unsigned int checksum, unsigned int old, unsigned int new):
    """The checksum after a 32-bit word of what it covers changed from `old` to `new` (RFC 1624, equation 3)."""
    return checksum_update32(<uint16_t>checksum, old, new)


def sctp_checksum(const uint8_t[::1] octets not None):
    """CRC32c of an SCTP packet whose checksum field is zero, as the header's big-endian word holds it (RFC 9260 §6.8)."""
    if not octets.shape[0]:
        return crc32c(NULL, 0)
    return crc32c(&octets[0], <size_t>octets.shape[0])
