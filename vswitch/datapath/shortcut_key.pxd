"""The key of the frames that are most: UDP and GRE over IPv4, without tags, options or fragments.

The same as flow_extract() makes of them, written word by word: what looks at words next would have to wait for halves.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.flow_key cimport flow_key, frame_layout
from vswitch.tables.ovs_hash cimport ovs_hash_add, ovs_hash_finish
from vswitch.wire.byteorder cimport load_be16, load_be32, load_be64
from vswitch.wire.ethernet cimport ETH_LEN, ETH_SRC, ETH_TYPE, ETH_TYPE_IPV4
from vswitch.wire.ipv4 cimport (
    IP_PROTO_GRE, IP_PROTO_UDP, IPV4_DST, IPV4_FRAG, IPV4_LEN, IPV4_PROTO, IPV4_SRC, IPV4_TOS, IPV4_TOTAL_LEN, IPV4_TTL,
)
from vswitch.wire.udp cimport UDP_LEN

cdef extern from *:
    """
    #if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define vswitch_word_of_halves(a, b) ((uint64_t)(a) << 32 | (uint32_t)(b))
    #define vswitch_word_of_quarters(a, b, c, d) \\
        ((uint64_t)(a) << 48 | (uint64_t)(b) << 32 | (uint64_t)(c) << 16 | (uint64_t)(d))
    #define vswitch_half_of_bytes(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
    #else
    #define vswitch_word_of_halves(a, b) ((uint64_t)(b) << 32 | (uint32_t)(a))
    #define vswitch_word_of_quarters(a, b, c, d) \\
        ((uint64_t)(d) << 48 | (uint64_t)(c) << 32 | (uint64_t)(b) << 16 | (uint64_t)(a))
    #define vswitch_half_of_bytes(a, b, c, d) ((uint32_t)(d) << 24 | (uint32_t)(c) << 16 | (uint32_t)(b) << 8 | (uint32_t)(a))
    #endif
    """
    # Words of a key whose members, in this order, are two of 32 bits, or four of 16.
    uint64_t word_of_halves "vswitch_word_of_halves" (uint32_t a, uint32_t b) noexcept nogil
    uint64_t word_of_quarters "vswitch_word_of_quarters" (uint16_t a, uint16_t b, uint16_t c, uint16_t d) noexcept nogil
    uint32_t half_of_bytes "vswitch_half_of_bytes" (uint8_t a, uint8_t b, uint8_t c, uint8_t d) noexcept nogil
    uint32_t swap32 "__builtin_bswap32" (uint32_t x) noexcept nogil

cdef enum:
    PLAIN_L4_OFS = ETH_LEN + IPV4_LEN
    PLAIN_LEN = PLAIN_L4_OFS + UDP_LEN
    PLAIN_VERSION = 0x45            # first byte of a header without options
    FRAGMENT = 0x3FFF               # "more fragments", and the offset
    HASH_END = 42                   # what OVS finishes the hash of a five-tuple with


cdef inline uint32_t word_at(const void* member) noexcept nogil:
    """Which word of a key a member is in, whose address in a key at 0 is given."""
    return <uint32_t>(<size_t>member // sizeof(uint64_t))


cdef inline bint plain_key(const uint8_t* frame, uint32_t n_bytes, flow_key* key, frame_layout* layout) noexcept nogil:
    """False for another kind of frame: nothing was written. All else of `key`'s headers must be zero, and stays so."""
    cdef const uint8_t* ip = frame + ETH_LEN
    cdef uint64_t* words = <uint64_t*>key
    cdef flow_key* at = NULL
    cdef uint32_t total_len
    cdef uint32_t ports
    if n_bytes < PLAIN_LEN or load_be16(frame + ETH_TYPE) != ETH_TYPE_IPV4 or ip[0] != PLAIN_VERSION:
        return False
    total_len = load_be16(ip + IPV4_TOTAL_LEN)
    if (load_be16(ip + IPV4_FRAG) & FRAGMENT or total_len < IPV4_LEN + UDP_LEN or total_len > n_bytes - ETH_LEN
            or n_bytes > 0xFFFF or (ip[IPV4_PROTO] != IP_PROTO_UDP and ip[IPV4_PROTO] != IP_PROTO_GRE)):
        return False
    ports = load_be32(ip + IPV4_LEN) if ip[IPV4_PROTO] == IP_PROTO_UDP else 0
    layout.l3_ofs = ETH_LEN
    layout.l4_ofs = PLAIN_L4_OFS
    layout.l2_pad = <uint16_t>(n_bytes - ETH_LEN - total_len)
    words[word_at(&at.dl_dst)] = load_be64(frame) >> 16
    words[word_at(&at.dl_src)] = load_be64(frame + ETH_SRC) >> 16
    words[word_at(&at.dl_type)] = word_of_quarters(ETH_TYPE_IPV4, 0, 0, 0)
    words[word_at(&at.nw_src)] = word_of_halves(load_be32(ip + IPV4_SRC), load_be32(ip + IPV4_DST))
    words[word_at(&at.ipv6_label)] = word_of_halves(0, half_of_bytes(0, ip[IPV4_TOS], ip[IPV4_TTL], ip[IPV4_PROTO]))
    words[word_at(&at.tcp_flags)] = word_of_quarters(0, <uint16_t>(ports >> 16), <uint16_t>ports, 0)
    return True


cdef inline uint32_t plain_hash(const uint8_t* frame) noexcept nogil:
    """frame_rss() of a frame with a plain key."""
    cdef const uint8_t* ip = frame + ETH_LEN
    cdef uint32_t hash = ovs_hash_add(0, swap32(load_be32(ip + IPV4_SRC)))
    hash = ovs_hash_add(hash, swap32(load_be32(ip + IPV4_DST)))
    hash = ovs_hash_add(hash, ip[IPV4_PROTO])
    if ip[IPV4_PROTO] == IP_PROTO_UDP:
        hash = ovs_hash_add(hash, swap32(load_be32(ip + IPV4_LEN)))
    return ovs_hash_finish(hash, HASH_END)
