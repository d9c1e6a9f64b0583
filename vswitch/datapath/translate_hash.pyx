"""Hashes that decide where a frame goes: multipath, bundle, select groups.

The numbers are OVS's (flow_hash_*() of lib/flow.c, jhash_bytes(), multipath_algorithm()), so that a frame takes the same
link here as there. OVS hashes the bytes of its structs, which lie in network order: the words below are put together
the same way, as a little-endian machine reads them.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.datapath.translation cimport flow_is_ip, translation
from vswitch.tables.flow_key cimport FRAG_ANY, FRAG_LATER, LAYOUT_NONE, VLAN_PRESENT, flow_key, frame_layout
from vswitch.tables.ovs_hash cimport ovs_hash_add, ovs_hash_finish, swap32
from vswitch.wire.byteorder cimport store_be16, store_be32, store_be64
from vswitch.wire.dot1q cimport TCI_VID_MASK
from vswitch.wire.ethernet cimport ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP
from vswitch.wire.ipv6 cimport ipv6_next_header
from vswitch.wire.tcp cimport TCP_LEN, tcp_fits, tcp_header_len
from vswitch.wire.udp cimport udp_fits

cdef enum:
    SYMMETRIC_L4_BYTES = 32         # sizeof of the struct that OVS hashes, padding included
    SYMMETRIC_L3_BYTES = 20
    MULTIPATH_MODULO_N = 0
    MULTIPATH_HASH_THRESHOLD = 1
    MULTIPATH_HRW = 2
    MULTIPATH_ITER_HASH = 3


cdef inline uint32_t load_le32(const uint8_t* p) noexcept nogil:
    return p[0] | <uint32_t>p[1] << 8 | <uint32_t>p[2] << 16 | <uint32_t>p[3] << 24


cdef inline uint32_t partial_le32(const uint8_t* p, uint32_t n) noexcept nogil:
    """At most `n` bytes, the rest zero."""
    cdef uint32_t i
    cdef uint32_t word = 0
    for i in range(min(n, <uint32_t>4)):
        word |= <uint32_t>p[i] << (8 * i)
    return word


cdef inline uint32_t swap16(uint32_t x) noexcept nogil:
    return (x >> 8 & 0xFF) | (x & 0xFF) << 8


cdef inline uint32_t rotate(uint32_t x, int k) noexcept nogil:
    return x << k | x >> (32 - k)


cdef uint32_t jhash_bytes(const uint8_t* p, uint32_t n, uint32_t basis) noexcept nogil:
    """Bob Jenkins' lookup3 (public domain)."""
    cdef uint32_t a = <uint32_t>0xDEADBEEF + n + basis
    cdef uint32_t b = a
    cdef uint32_t c = a
    while n >= 12:
        a += load_le32(p)
        b += load_le32(p + 4)
        c += load_le32(p + 8)
        a -= c
        a ^= rotate(c, 4)
        c += b
        b -= a
        b ^= rotate(a, 6)
        a += c
        c -= b
        c ^= rotate(b, 8)
        b += a
        a -= c
        a ^= rotate(c, 16)
        c += b
        b -= a
        b ^= rotate(a, 19)
        a += c
        c -= b
        c ^= rotate(b, 4)
        b += a
        p += 12
        n -= 12
    if n:
        a += partial_le32(p, n)
        b += partial_le32(p + 4, n - 4) if n > 4 else 0
        c += partial_le32(p + 8, n - 8) if n > 8 else 0
        c = (c ^ b) - rotate(b, 14)
        a = (a ^ c) - rotate(c, 11)
        b = (b ^ a) - rotate(a, 25)
        c = (c ^ b) - rotate(b, 16)
        a = (a ^ c) - rotate(c, 4)
        b = (b ^ a) - rotate(a, 14)
        c = (c ^ b) - rotate(b, 24)
    return c


cdef uint32_t hash_bytes(const uint8_t* data, uint32_t n, uint32_t basis) noexcept nogil:
    """OVS hash_bytes()."""
    cdef uint32_t hash = basis
    cdef uint32_t left = n
    while left >= 4:
        hash = ovs_hash_add(hash, load_le32(data))
        data += 4
        left -= 4
    if left:
        hash = ovs_hash_add(hash, partial_le32(data, left))
    return ovs_hash_finish(hash, n)


cdef uint32_t flow_hash(const flow_key* key, uint32_t fields, uint32_t basis) noexcept nogil:
    """Of the fields of one of the kinds `hash_fields` (OVS flow_hash_fields())."""
    cdef uint8_t raw[16]
    if fields == HASH_ETH_SRC:
        store_be64(raw, key.dl_src << 16)
        return jhash_bytes(raw, 6, basis)
    if fields == HASH_SYMMETRIC_L4:
        return symmetric_l4(key, basis)
    if fields == HASH_SYMMETRIC_L3L4 or fields == HASH_SYMMETRIC_L3L4_UDP:
        return symmetric_l3l4(key, basis, fields == HASH_SYMMETRIC_L3L4_UDP)
    if fields == HASH_SYMMETRIC_L3:
        return symmetric_l3(key, basis)
    if key.dl_type == ETH_TYPE_IPV4:
        store_be32(raw, key.nw_src if fields == HASH_NW_SRC else key.nw_dst)
        return jhash_bytes(raw, 4, basis)
    if key.dl_type == ETH_TYPE_IPV6:
        store_be64(raw, key.ipv6_src[0] if fields == HASH_NW_SRC else key.ipv6_dst[0])
        store_be64(raw + 8, key.ipv6_src[1] if fields == HASH_NW_SRC else key.ipv6_dst[1])
        return jhash_bytes(raw, 16, basis)
    return basis


cdef void store_addresses(uint8_t* to, const flow_key* key) noexcept nogil:
    """Source xor destination, in the first 4 or all 16 bytes."""
    if key.dl_type == ETH_TYPE_IPV4:
        store_be32(to, key.nw_src ^ key.nw_dst)
    elif key.dl_type == ETH_TYPE_IPV6:
        store_be64(to, key.ipv6_src[0] ^ key.ipv6_dst[0])
        store_be64(to + 8, key.ipv6_src[1] ^ key.ipv6_dst[1])


cdef inline uint16_t vlans_xor(const flow_key* key) noexcept nogil:
    return (key.vlans[0].tci ^ key.vlans[1].tci) & TCI_VID_MASK


cdef uint32_t symmetric_l4(const flow_key* key, uint32_t basis) noexcept nogil:
    """UDP ports are left out: they need not be the same in both directions."""
    cdef uint8_t raw[40]
    cdef uint64_t macs = key.dl_src ^ key.dl_dst
    memset(raw, 0, sizeof(raw))
    store_addresses(raw, key)
    store_be16(raw + 16, key.dl_type)
    store_be16(raw + 18, vlans_xor(key))
    store_be64(raw + 22, macs << 16)
    if key.dl_type == ETH_TYPE_IPV4 or key.dl_type == ETH_TYPE_IPV6:
        raw[28] = key.nw_proto
        if key.nw_proto == IP_PROTO_TCP or key.nw_proto == IP_PROTO_SCTP:
            store_be16(raw + 20, key.tp_src ^ key.tp_dst)
    return jhash_bytes(raw, SYMMETRIC_L4_BYTES, basis)


cdef uint32_t symmetric_l3(const flow_key* key, uint32_t basis) noexcept nogil:
    cdef uint8_t raw[20]            # SYMMETRIC_L3_BYTES
    memset(raw, 0, sizeof(raw))
    store_addresses(raw, key)
    store_be16(raw + 16, key.dl_type)
    return jhash_bytes(raw, SYMMETRIC_L3_BYTES, basis)


cdef uint32_t symmetric_l2(const flow_key* key, uint32_t basis) noexcept nogil:
    cdef uint8_t raw[12]
    cdef uint32_t hash
    memset(raw, 0, sizeof(raw))
    store_be16(raw, key.dl_type)
    store_be16(raw + 2, vlans_xor(key))
    store_be64(raw + 4, (key.dl_src ^ key.dl_dst) << 16)
    hash = ovs_hash_add(basis, load_le32(raw))
    hash = ovs_hash_add(hash, load_le32(raw + 4))
    return ovs_hash_finish(ovs_hash_add(hash, load_le32(raw + 8)), basis)


cdef inline uint32_t add_ipv6_word(uint32_t hash, uint64_t word) noexcept nogil:
    return ovs_hash_add(ovs_hash_add(hash, swap32(<uint32_t>(word >> 32))), swap32(<uint32_t>word))


cdef uint32_t symmetric_l3l4(const flow_key* key, uint32_t basis, bint with_udp) noexcept nogil:
    cdef uint32_t hash = basis
    if key.dl_type == ETH_TYPE_IPV4:
        hash = ovs_hash_add(hash, swap32(key.nw_src ^ key.nw_dst))
    elif key.dl_type == ETH_TYPE_IPV6:
        hash = add_ipv6_word(hash, key.ipv6_src[0] ^ key.ipv6_dst[0])
        hash = add_ipv6_word(hash, key.ipv6_src[1] ^ key.ipv6_dst[1])
    else:
        return symmetric_l2(key, basis)
    hash = ovs_hash_add(hash, key.nw_proto)
    if not key.nw_frag & (FRAG_ANY | FRAG_LATER) and (
            key.nw_proto == IP_PROTO_TCP or key.nw_proto == IP_PROTO_SCTP
            or (with_udp and key.nw_proto == IP_PROTO_UDP)):
        hash = ovs_hash_add(hash, swap16(key.tp_src ^ key.tp_dst))
    return ovs_hash_finish(hash, basis)


cdef uint32_t flow_hash_5tuple(const flow_key* key, uint32_t basis) noexcept nogil:
    """OVS flow_hash_5tuple()."""
    return hash_5tuple(key, basis, key.nw_proto)


cdef uint32_t frame_rss(const flow_key* key, const uint8_t* data, uint32_t caplen, const frame_layout* layout) noexcept nogil:
    """The hash that OVS keeps with a frame when it is parsed first, in place of one from a device.

    Of TCP and UDP behind extension headers of IPv6 it hashes the first of these for the protocol
    (dp_packet_update_rss_hash_ipv6_tcp_udp()).
    """
    cdef const uint8_t* l4 = data + layout.l4_ofs
    cdef uint32_t n_bytes
    if (key.dl_type == ETH_TYPE_IPV6 and not key.nw_frag & FRAG_LATER and layout.l3_ofs != LAYOUT_NONE
            and layout.l4_ofs != LAYOUT_NONE and <uint32_t>layout.l4_ofs + layout.l2_pad <= caplen):
        n_bytes = caplen - layout.l4_ofs - layout.l2_pad
        if (key.nw_proto == IP_PROTO_UDP and udp_fits(n_bytes)
                or key.nw_proto == IP_PROTO_TCP and tcp_fits(n_bytes) and TCP_LEN <= tcp_header_len(l4) <= n_bytes):
            return hash_5tuple(key, 0, ipv6_next_header(data + layout.l3_ofs))
    return flow_hash_5tuple(key, 0)


cdef uint32_t hash_5tuple(const flow_key* key, uint32_t basis, uint32_t protocol) noexcept nogil:
    cdef uint32_t hash = basis
    if key.dl_type == ETH_TYPE_IPV6:
        hash = add_ipv6_word(add_ipv6_word(hash, key.ipv6_src[0]), key.ipv6_src[1])
        hash = add_ipv6_word(add_ipv6_word(hash, key.ipv6_dst[0]), key.ipv6_dst[1])
    elif key.dl_type == ETH_TYPE_IPV4 or key.dl_type == ETH_TYPE_ARP:
        hash = ovs_hash_add(ovs_hash_add(hash, swap32(key.nw_src)), swap32(key.nw_dst))
    else:
        return ovs_hash_finish(hash, 42)
    hash = ovs_hash_add(hash, protocol)
    if (key.nw_proto == IP_PROTO_TCP or key.nw_proto == IP_PROTO_UDP or key.nw_proto == IP_PROTO_SCTP
            or key.nw_proto == IP_PROTO_ICMP or key.nw_proto == IP_PROTO_ICMP6):
        hash = ovs_hash_add(hash, swap16(key.tp_src) | swap16(key.tp_dst) << 16)
    return ovs_hash_finish(hash, 42)


cdef void unwildcard_addresses(translation* t, bint src, bint dst) noexcept nogil:
    t.need.dl_type = 0xFFFF
    if t.flow.dl_type == ETH_TYPE_IPV4:
        if src:
            t.wc.nw_src = 0xFFFFFFFF
        if dst:
            t.wc.nw_dst = 0xFFFFFFFF
    elif t.flow.dl_type == ETH_TYPE_IPV6:
        if src:
            t.wc.ipv6_src[0] = t.wc.ipv6_src[1] = <uint64_t>-1
        if dst:
            t.wc.ipv6_dst[0] = t.wc.ipv6_dst[1] = <uint64_t>-1


cdef void hash_unwildcard(translation* t, uint32_t fields) noexcept nogil:
    """What flow_hash() looks at (OVS flow_mask_hash_fields(); the hash of a frame that is not IP takes more)."""
    cdef uint16_t ports
    if fields == HASH_ETH_SRC:
        t.wc.dl_src = <uint64_t>0xFFFFFFFFFFFF
    elif fields == HASH_SYMMETRIC_L4:
        t.wc.dl_src = t.wc.dl_dst = <uint64_t>0xFFFFFFFFFFFF
        unwildcard_addresses(t, True, True)
        if flow_is_ip(t):
            t.wc.nw_proto = 0xFF
            if t.flow.nw_proto != IP_PROTO_UDP:
                ports = 0xFF if t.flow.nw_proto == IP_PROTO_ICMP else 0xFFFF
                t.wc.tp_src = t.wc.tp_dst = ports
        t.wc.vlans[0].tci |= TCI_VID_MASK | VLAN_PRESENT
        t.wc.vlans[1].tci |= TCI_VID_MASK | VLAN_PRESENT
    elif fields == HASH_SYMMETRIC_L3L4 or fields == HASH_SYMMETRIC_L3L4_UDP:
        unwildcard_addresses(t, True, True)
        if not flow_is_ip(t):
            t.need.dl_src = t.need.dl_dst = <uint64_t>0xFFFFFFFFFFFF
            t.need.vlans[0].tci = t.need.vlans[1].tci = 0xFFFF
            return
        t.wc.nw_proto = 0xFF
        t.need.nw_frag |= FRAG_ANY | FRAG_LATER
        if not t.flow.nw_frag & (FRAG_ANY | FRAG_LATER) and (
                t.flow.nw_proto == IP_PROTO_TCP or t.flow.nw_proto == IP_PROTO_SCTP
                or (t.flow.nw_proto == IP_PROTO_UDP and fields == HASH_SYMMETRIC_L3L4_UDP)):
            t.wc.tp_src = t.wc.tp_dst = 0xFFFF
    elif fields == HASH_SYMMETRIC_L3:
        unwildcard_addresses(t, True, True)
    else:
        unwildcard_addresses(t, fields == HASH_NW_SRC, fields == HASH_NW_DST)


cdef void hash_unwildcard_5tuple(translation* t) noexcept nogil:
    """What flow_hash_5tuple() looks at. OVS's datapath hashes there, which leaves nothing in its mask."""
    t.need.dl_type = t.need.tp_src = t.need.tp_dst = 0xFFFF
    t.need.nw_src = t.need.nw_dst = 0xFFFFFFFF
    t.need.ipv6_src[0] = t.need.ipv6_src[1] = t.need.ipv6_dst[0] = t.need.ipv6_dst[1] = <uint64_t>-1
    t.need.nw_proto = 0xFF


cdef uint16_t multipath_link(uint32_t hash, uint32_t algorithm, uint32_t n_links, uint32_t argument) noexcept nogil:
    """The link that `hash` falls on (OVS multipath_algorithm())."""
    if algorithm == MULTIPATH_MODULO_N:
        return <uint16_t>(hash % n_links)
    if algorithm == MULTIPATH_HASH_THRESHOLD:
        return 0 if n_links == 1 else <uint16_t>(hash // (<uint32_t>0xFFFFFFFF // n_links + 1))
    if algorithm == MULTIPATH_HRW and n_links <= 64:
        return highest_weight(hash, n_links)
    return iterated_hash(hash, n_links, 0 if algorithm == MULTIPATH_HRW else argument)


cdef uint16_t highest_weight(uint32_t hash, uint32_t n_links) noexcept nogil:
    cdef uint32_t weight, link
    cdef uint32_t best_weight = hash_2words(hash, 0)
    cdef uint16_t best = 0
    for link in range(1, n_links):
        weight = hash_2words(hash, link)
        if weight > best_weight:
            best_weight = weight
            best = <uint16_t>link
    return best


cdef uint16_t iterated_hash(uint32_t hash, uint32_t n_links, uint32_t modulo) noexcept nogil:
    cdef uint32_t link
    cdef uint32_t i = 0
    if modulo < n_links or modulo // 2 > n_links:
        modulo = n_links - 1
        modulo |= modulo >> 1
        modulo |= modulo >> 2
        modulo |= modulo >> 4
        modulo |= modulo >> 8
        modulo += 1
    while True:
        link = hash_2words(hash, i) % modulo
        i += 1
        if link < n_links:
            return <uint16_t>link
