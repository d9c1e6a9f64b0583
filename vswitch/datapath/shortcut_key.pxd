"""The key of the frames that are most: UDP and GRE over IPv4, without tags, options or fragments.

The same as flow_extract() makes of them, written word by word: what looks at words next would have to wait for halves.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.flow_key cimport flow_key, frame_layout
from vswitch.tables.key_words cimport half_of_bytes, word_at, word_of_halves, word_of_quarters
from vswitch.tables.ovs_hash cimport ovs_hash_add, ovs_hash_finish, swap32
from vswitch.wire.byteorder cimport load_be16, load_be32, load_be64
from vswitch.wire.ethernet cimport ETH_LEN, ETH_SRC, ETH_TYPE, ETH_TYPE_IPV4
from vswitch.wire.ipv4 cimport (
    IP_PROTO_GRE, IP_PROTO_UDP, IPV4_DST, IPV4_FRAG, IPV4_FRAG_OFFSET_MASK, IPV4_LEN, IPV4_MF, IPV4_PROTO, IPV4_SRC, IPV4_TOS,
    IPV4_TOTAL_LEN, IPV4_TTL,
)
from vswitch.wire.udp cimport UDP_LEN

cdef enum:
    PLAIN_L4_OFS = ETH_LEN + IPV4_LEN
    PLAIN_LEN = PLAIN_L4_OFS + UDP_LEN
    PLAIN_VERSION = 0x45            # first byte of a header without options
    HASH_END = 42                   # what OVS finishes the hash of a five-tuple with


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
    if (load_be16(ip + IPV4_FRAG) & (IPV4_MF | IPV4_FRAG_OFFSET_MASK) or total_len < IPV4_LEN + UDP_LEN or total_len > n_bytes - ETH_LEN
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


cdef inline uint32_t plain_tuple_hash(uint32_t nw_src, uint32_t nw_dst, uint32_t nw_proto, uint32_t ports) noexcept nogil:
    """plain_hash() of a five-tuple; addresses and ports as they stand in the frame. No branch, for vectors (source_ports.pyx)."""
    cdef uint32_t hash = ovs_hash_add(ovs_hash_add(ovs_hash_add(0, nw_src), nw_dst), nw_proto)
    cdef uint32_t with_ports = ovs_hash_add(hash, ports)
    return ovs_hash_finish(hash if nw_proto == IP_PROTO_GRE else with_ports, HASH_END)


cdef inline uint32_t plain_hash(const uint8_t* frame) noexcept nogil:
    """frame_rss() of a frame with a plain key, or of such a one with TCP."""
    cdef const uint8_t* ip = frame + ETH_LEN
    return plain_tuple_hash(swap32(load_be32(ip + IPV4_SRC)), swap32(load_be32(ip + IPV4_DST)), ip[IPV4_PROTO],
                            swap32(load_be32(ip + IPV4_LEN)))
