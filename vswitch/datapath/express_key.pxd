"""What tells plain frames apart, taken from their bytes as they are: no field is looked for, no byte turned.

Plain is IPv4 without tags, options or fragments, with UDP, TCP or GRE in it: Ethernet's and IPv4's headers and the ports are
38 bytes that are always in the same place. Four words hold all that a flow can ask of them but lengths, identification and
checksums; in the place of the checksum stands the port where the frame came in:

    word 0   dl_dst, and the first two bytes of dl_src        byte 0 of the frame
    word 1   dl_src, dl_type, version, TOS                    byte 8
    word 2   TTL, protocol, (input port), nw_src              byte 22
    word 3   nw_dst, tp_src, tp_dst                           byte 30

Where a tunnel ends five more follow: word 4 is the header of VXLAN, or that of GRE with its key; words 5 to 8 are those of the
frame inside. Masks leave out what no shortcut of the bridge looks at.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy
from vswitch.datapath.shortcut_key cimport PLAIN_VERSION
from vswitch.tables.hash cimport hash_pair
from vswitch.tables.key_words cimport word_of_quarters
from vswitch.wire.byteorder cimport load_be16
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE, ETH_TYPE_IPV4
from vswitch.wire.ipv4 cimport (
    IP_PROTO_GRE, IP_PROTO_TCP, IP_PROTO_UDP, IPV4_FRAG, IPV4_FRAG_OFFSET_MASK, IPV4_LEN, IPV4_MF, IPV4_PROTO, IPV4_TOTAL_LEN,
    IPV4_TTL,
)
from vswitch.wire.tcp cimport TCP_LEN, tcp_header_len
from vswitch.wire.udp cimport UDP_CHECKSUM, UDP_DST, UDP_LEN

cdef enum:
    EXPRESS_WORDS = 9
    EXPRESS_PLAIN_WORDS = 4
    EXPRESS_MAX_PORT = 0x7FFF       # numbers of ports that fit ...
    EXPRESS_TUNNEL = 0x8000         # ... and the bit above says that a tunnel's words follow
    EXPRESS_MIN_LEN = 42            # bytes of a plain frame: the headers with UDP's, or with GRE's and its key
    VXLAN_INNER_OFS = 50
    GRE_INNER_OFS = 42

cdef struct express_masks:          # of words 1 to 3; all of word 0 counts
    uint64_t words[3]

cdef struct express_key:
    uint64_t words[9]               # EXPRESS_WORDS
    uint64_t hash
    uint32_t n_words                # 0: the frame is not plain, and nothing else is filled


cdef inline uint64_t load_word(const uint8_t* p) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, p, 8)
    return word


cdef inline bint has_plain_lengths(const uint8_t* frame, uint32_t n_bytes) noexcept nogil:
    """True if a plain frame of `n_bytes`, at least EXPRESS_MIN_LEN, holds its packet, that is no fragment, and a whole header
    of its protocol. Of a frame that is not plain the answer says nothing."""
    cdef const uint8_t* ip = frame + ETH_LEN
    cdef uint32_t total_len = load_be16(ip + IPV4_TOTAL_LEN)
    cdef uint32_t tcp_len
    if (total_len - (IPV4_LEN + UDP_LEN) > n_bytes - (ETH_LEN + IPV4_LEN + UDP_LEN)      # also if it is too short
            or load_be16(ip + IPV4_FRAG) & (IPV4_MF | IPV4_FRAG_OFFSET_MASK)):
        return False
    if ip[IPV4_PROTO] != IP_PROTO_TCP:
        return True
    if total_len < IPV4_LEN + TCP_LEN:
        return False
    tcp_len = tcp_header_len(ip + IPV4_LEN)
    return TCP_LEN <= tcp_len <= total_len - IPV4_LEN


cdef inline bint is_plain(const uint8_t* frame) noexcept nogil:
    """True if a frame whose has_plain_lengths() are right is plain. Whoever has the words of one that is, is so, too."""
    cdef uint8_t protocol = frame[ETH_LEN + IPV4_PROTO]
    return (load_be16(frame + ETH_TYPE) == ETH_TYPE_IPV4 and frame[ETH_LEN] == PLAIN_VERSION
            and (protocol == IP_PROTO_UDP or protocol == IP_PROTO_TCP or protocol == IP_PROTO_GRE))


cdef inline void put_words(const uint8_t* frame, const express_masks* masks, uint16_t in_port, uint64_t* words) noexcept nogil:
    words[0] = load_word(frame)
    words[1] = load_word(frame + 8) & masks.words[0]
    words[2] = load_word(frame + ETH_LEN + IPV4_TTL) & masks.words[1] | word_of_quarters(0, in_port, 0, 0)
    words[3] = load_word(frame + ETH_LEN + IPV4_TTL + 8) & masks.words[2]


cdef inline uint64_t hash_words(const uint64_t* words) noexcept nogil:
    return hash_pair(hash_pair(words[0], words[1]) ^ words[2], words[3])


cdef inline uint32_t tunnel_inner_ofs(const uint8_t* frame, uint32_t vxlan_port) noexcept nogil:
    """Where the frame in a plain frame begins if this is a tunnel's; 0: it is no VXLAN without a checksum, and no GRE."""
    cdef const uint8_t* l4 = frame + ETH_LEN + IPV4_LEN
    if frame[ETH_LEN + IPV4_PROTO] == IP_PROTO_UDP:
        return VXLAN_INNER_OFS if load_be16(l4 + UDP_DST) == vxlan_port and load_be16(l4 + UDP_CHECKSUM) == 0 else 0
    return GRE_INNER_OFS if frame[ETH_LEN + IPV4_PROTO] == IP_PROTO_GRE else 0


cdef inline bint outer_checksum_fits(const uint8_t* frame) noexcept nogil:
    """True if the IPv4 header's checksum is right, of a header without options."""
    cdef uint32_t quarters[5]
    cdef uint64_t total
    memcpy(quarters, frame + ETH_LEN, IPV4_LEN)
    total = <uint64_t>quarters[0] + quarters[1] + quarters[2] + quarters[3] + quarters[4]
    total = (total >> 32) + <uint32_t>total
    total = (total >> 16) + (total & 0xFFFF)
    total = (total >> 16) + (total & 0xFFFF)
    return (total >> 16) + (total & 0xFFFF) == 0xFFFF
