"""TCP header (RFC 9293 §3.1; the NS flag of RFC 3540 is counted among the flags, as OVS does).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +-------------------------------+-------------------------------+
    |          Source port          |       Destination port        |
    +-------------------------------+-------------------------------+
    |                        Sequence number                        |
    +---------------------------------------------------------------+
    |                    Acknowledgment number                      |
    +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
    |Offset | Res |N|C|E|U|A|P|R|S|F|            Window             |
    +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
    |           Checksum            |        Urgent pointer         |
    +-------------------------------+-------------------------------+
    |                   Options (0 to 40 bytes)                     |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be32, store_be16

cdef enum:
    TCP_SRC = 0                 # byte offsets from the start of the header
    TCP_DST = 2
    TCP_SEQ = 4
    TCP_ACK_NUMBER = 8
    TCP_CTL = 12
    TCP_WINDOW = 14
    TCP_CHECKSUM = 16
    TCP_URGENT = 18
    TCP_LEN = 20                # without options
    TCP_FLAGS_MASK = 0x0FFF     # nine flags and three reserved bits

cdef enum:
    TCP_FIN = 0x001
    TCP_SYN = 0x002
    TCP_RST = 0x004
    TCP_PSH = 0x008
    TCP_ACK = 0x010
    TCP_URG = 0x020
    TCP_ECE = 0x040
    TCP_CWR = 0x080
    TCP_NS = 0x100


cdef inline bint tcp_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a header without options. The accessors below rely on it."""
    return n_bytes >= TCP_LEN


cdef inline uint16_t tcp_src(const uint8_t* tcp) noexcept nogil:
    return load_be16(tcp + TCP_SRC)


cdef inline uint16_t tcp_dst(const uint8_t* tcp) noexcept nogil:
    return load_be16(tcp + TCP_DST)


cdef inline uint32_t tcp_seq(const uint8_t* tcp) noexcept nogil:
    return load_be32(tcp + TCP_SEQ)


cdef inline uint32_t tcp_ack(const uint8_t* tcp) noexcept nogil:
    return load_be32(tcp + TCP_ACK_NUMBER)


cdef inline size_t tcp_header_len(const uint8_t* tcp) noexcept nogil:
    """Bytes of the header with its options, 0 to 60; below TCP_LEN the header is broken."""
    return (tcp[TCP_CTL] >> 4) * 4


cdef inline uint16_t tcp_flags(const uint8_t* tcp) noexcept nogil:
    return load_be16(tcp + TCP_CTL) & TCP_FLAGS_MASK


cdef inline uint16_t tcp_window(const uint8_t* tcp) noexcept nogil:
    return load_be16(tcp + TCP_WINDOW)


cdef inline uint16_t tcp_checksum(const uint8_t* tcp) noexcept nogil:
    return load_be16(tcp + TCP_CHECKSUM)


cdef inline uint16_t tcp_urgent(const uint8_t* tcp) noexcept nogil:
    return load_be16(tcp + TCP_URGENT)


cdef inline void tcp_set_checksum(uint8_t* tcp, uint16_t checksum) noexcept nogil:
    store_be16(tcp + TCP_CHECKSUM, checksum)
