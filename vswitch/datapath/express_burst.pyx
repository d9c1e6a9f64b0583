"""Express entries of a burst of frames: found for all of them at a time, then taken one after the other.

As in burst.pyx: sets and entries of all frames are brought near before any of them is used.
"""
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from vswitch.datapath.burst cimport BURST, burst_prefetch, frame_prefetch
from vswitch.datapath.bridge cimport port
from vswitch.datapath.express cimport (
    express_begin, express_clear, express_find, express_has, express_place, express_set, nobody,
)
from vswitch.datapath.express_key cimport (
    EXPRESS_MIN_LEN, EXPRESS_PLAIN_WORDS, EXPRESS_TUNNEL, EXPRESS_WORDS, express_masks, has_plain_lengths, hash_words, is_plain,
    load_word, outer_checksum_fits, put_words, tunnel_inner_ofs,
)
from vswitch.datapath.fabric cimport NS_PER_MS
from vswitch.datapath.ledger cimport ledger_add_output
from vswitch.datapath.shortcut cimport END_HEADER, END_UDP, SHORTCUT_ANY_LEN, shortcut
from vswitch.datapath.shortcut_leave cimport shortcut_copy
from vswitch.datapath.source_ports cimport put_plain_tuple, source_ports
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.hash cimport hash_pair, prefetch
from vswitch.wire.byteorder cimport load_be16, store_be16, store_be32
from vswitch.wire.ethernet cimport ETH_LEN
from vswitch.wire.ipv4 cimport IP_ECN_MASK, IP_PROTO_TCP, IPV4_PROTO, IPV4_TOTAL_LEN

cdef extern from *:
    bint unlikely(bint condition) noexcept nogil        # every C file that Cython writes defines it

cdef enum:
    MAX_LEN = 0xFFFF                # bytes of a frame
    TUNNEL_HEADER_LEN = 8           # VXLAN's, and GRE's with a key


cdef int express_look_up(port** in_ports, const frame* frames, int n, uint64_t token, bint may_end,
                         express_burst* burst, const frame* after, int n_after) noexcept nogil:
    cdef const express_set* sets[BURST]
    cdef express* e
    cdef int n_missing = 0
    cdef bint any_udp = False
    cdef int i
    for i in range(n):
        if i < n_after:
            frame_prefetch(&after[i])
        sets[i] = find_set(in_ports[frames[i].input], &frames[i], may_end, &burst.keys[i])
    if n_after > n:
        burst_prefetch(after + n, n_after - n)
    for i in range(n):
        e = express_find(sets[i], burst.keys[i].hash, token) if sets[i] != NULL else NULL
        burst.entries[i] = e
        if e != NULL:
            prefetch(e)
            prefetch(e.header)
    for i in range(n):
        e = burst.entries[i]
        if e == NULL or not express_has(e, &burst.keys[i]):
            burst.entries[i] = NULL
            n_missing += 1
        elif e.end == END_UDP:
            put_plain_tuple(&burst.tuples, i, frames[i].data)
            any_udp = True
    if any_udp:
        source_ports(&burst.tuples, n, burst.src_ports)
    return n_missing


cdef void express_bring_near(port** in_ports, const frame* frames, int n) noexcept nogil:
    cdef const express_set* sets[BURST]
    cdef express* entries[BURST]
    cdef express_key keys[BURST]
    cdef const port* in_port
    cdef int i
    for i in range(n):
        in_port = in_ports[frames[i].input]
        if in_port != NULL:
            prefetch(in_port)
            prefetch(&in_port.express)
    for i in range(n):
        in_port = in_ports[frames[i].input]
        if in_port != NULL and in_port.express != NULL:
            prefetch(in_port.express)
            prefetch(&(<const express_table*>in_port.express).sets)
    for i in range(n):
        in_port = in_ports[frames[i].input]
        sets[i] = find_set(in_port, &frames[i], True, &keys[i]) if in_port != NULL else NULL
    for i in range(n):
        entries[i] = express_find(sets[i], keys[i].hash, sets[i].token) if sets[i] != NULL else NULL
        if entries[i] != NULL:
            prefetch(entries[i])
            prefetch(entries[i].header)
    for i in range(n):
        if entries[i] != NULL:
            prefetch(entries[i].out)
            prefetch(&entries[i].out.wire)


cdef inline const express_set* find_set(const port* in_port, const frame* f, bint may_end, express_key* key) noexcept nogil:
    """Where the entry of a frame must be, on its way from memory; NULL: it has none. The key is filled if it may be plain."""
    cdef const express_table* table = <const express_table*>in_port.express
    cdef const express_set* set
    cdef const uint8_t* data = f.data
    cdef uint32_t inner_ofs
    if (table == NULL or f.caplen != f.len or f.caplen - EXPRESS_MIN_LEN > <uint32_t>(MAX_LEN - EXPRESS_MIN_LEN)
            or not has_plain_lengths(data, f.caplen)):
        key.n_words = 0
        return NULL
    inner_ofs = tunnel_inner_ofs(data, table.vxlan_port) if table.may_end else 0
    if inner_ofs == 0:
        put_words(data, &table.plain, <uint16_t>in_port.number, key.words)
        key.hash = hash_words(key.words)
        key.n_words = EXPRESS_PLAIN_WORDS
    elif may_end and may_be_plain(data, f.caplen, inner_ofs):
        put_tunnel_words(data, table, <uint16_t>in_port.number, inner_ofs, key)
    else:
        key.n_words = 0
        return NULL
    if table.sets == NULL:
        return NULL
    set = &table.sets[key.hash & table.set_mask]
    prefetch(set)
    return set


cdef inline bint may_be_plain(const uint8_t* data, uint32_t n_bytes, uint32_t inner_ofs) noexcept nogil:
    """False if what is in a tunnel that may end is not plain, or the tunnel's header is wrong."""
    return (n_bytes >= inner_ofs + EXPRESS_MIN_LEN and ETH_LEN + load_be16(data + ETH_LEN + IPV4_TOTAL_LEN) >= inner_ofs
            and outer_checksum_fits(data) and has_plain_lengths(data + inner_ofs, n_bytes - inner_ofs))


cdef inline void put_tunnel_words(const uint8_t* data, const express_table* table, uint16_t in_port, uint32_t inner_ofs,
                                  express_key* key) noexcept nogil:
    """The words of a frame in which a tunnel may end, and of what is in it."""
    cdef const uint8_t* inner = data + inner_ofs
    cdef uint64_t* words = key.words
    put_words(data, &table.outer, in_port | EXPRESS_TUNNEL, words)
    words[4] = load_word(inner - TUNNEL_HEADER_LEN)
    put_words(inner, &table.inner, 0, words + 5)
    key.hash = hash_pair(hash_words(words) ^ words[4], hash_words(words + 5))
    key.n_words = EXPRESS_WORDS


cdef int express_run(execution* ex, const frame* frames, int first, int n, uint64_t offset_ns, int64_t* latest_ns,
                     int64_t limit_ns, const express_burst* burst, express_list* pending) noexcept nogil:
    cdef int64_t latest = latest_ns[0]
    cdef uint64_t limit_ms = <uint64_t>limit_ns // NS_PER_MS
    cdef bint is_recorded = ex.ledger != NULL
    cdef int64_t clock_ns
    cdef express* e
    cdef const frame* f = &frames[first]
    cdef int i = first
    while i < n:
        e = burst.entries[i]
        clock_ns = <int64_t>(f.time_ns - offset_ns)
        if unlikely(e == NULL or clock_ns < latest or clock_ns >= limit_ns or f.len > e.max_len):
            break
        if unlikely(e.n_packets == 0):
            if e.neighbor.expires_ms <= limit_ms:
                break
            express_begin(e, pending)
        latest = clock_ns
        e.n_packets += 1
        e.n_bytes += f.len
        e.clock_ns = clock_ns
        if unlikely(is_recorded):
            ex.program = e.outer.program
            ledger_add_output(ex.ledger, e.out.number, f.len - e.inner_ofs + e.n_added, False)
        shortcut_copy(ex, e.out, e.end, e.n_added, e.header, &burst.src_ports[i], &e.tag, f.data + e.inner_ofs,
                      f.len - e.inner_ofs, f.time_ns)
        i += 1
        f += 1
    latest_ns[0] = latest
    return i


cdef void express_enter(const express_key* key, port* in_port, const frame* f, const shortcut_ahead* ahead, uint64_t token,
                        express_list* pending) noexcept nogil:
    cdef express_table* table = <express_table*>in_port.express
    cdef shortcut* last = ahead.outer if ahead.inner == NULL else ahead.inner
    cdef uint32_t inner_ofs = tunnel_inner_ofs(f.data, table.vxlan_port) if key.n_words == EXPRESS_WORDS else 0
    cdef express* e
    if (not is_plain(f.data) or (is_tcp(f.data) and not table.has_tcp)
            or inner_ofs != (ahead.inner_ofs if ahead.inner != NULL else 0)):
        return
    if inner_ofs and (not is_plain(f.data + inner_ofs) or last.end >= END_HEADER
                      or (is_tcp(f.data + inner_ofs) and not table.has_inner_tcp)):
        return
    e = express_place(table, key, token, pending)
    if e == NULL:
        return
    e.in_port = in_port
    e.outer = ahead.outer
    e.inner = ahead.inner
    e.out = last.out
    e.tag = last.tag
    e.end = last.end
    e.n_added = last.n_added
    e.inner_ofs = <uint8_t>inner_ofs
    e.max_len = <uint16_t>min(last.max_len + inner_ofs, <uint32_t>SHORTCUT_ANY_LEN)
    e.neighbor = &nobody
    if last.end >= END_HEADER:
        e.neighbor = last.neighbor
        memcpy(e.header, last.header, sizeof(e.header))


cdef inline bint is_tcp(const uint8_t* frame) noexcept nogil:
    return frame[ETH_LEN + IPV4_PROTO] == IP_PROTO_TCP


cdef void express_aim(express_table* table, const shortcut_table* own, shortcut_table** tables, uint32_t n) noexcept nogil:
    """All entries go: they were found by less."""
    cdef flow_key outer = own.mask
    cdef flow_key inner
    cdef uint64_t* words = <uint64_t*>&inner
    cdef uint32_t i, j
    express_clear(table)
    memset(&inner, 0, sizeof(inner))
    for i in range(n):
        if tables[i] != NULL and tables[i].is_behind:
            for j in range(sizeof(flow_key) // sizeof(uint64_t)):
                words[j] |= (<const uint64_t*>&tables[i].mask)[j]
    outer.nw_tos |= inner.tun_tos | <uint8_t>IP_ECN_MASK
    outer.nw_ttl |= inner.tun_ttl
    outer.nw_src = outer.nw_dst = 0xFFFFFFFF
    table.may_end = own.pops
    table.vxlan_port = own.vxlan_port
    table.has_tcp = not own.mask.tcp_flags
    table.has_inner_tcp = not inner.tcp_flags
    aim(&own.mask, &table.plain)
    aim(&outer, &table.outer)
    aim(&inner, &table.inner)


cdef inline void aim(const flow_key* mask, express_masks* masks) noexcept nogil:
    """As load_word() sees the bytes. dl_dst, dl_src, dl_type and the protocol always count."""
    cdef uint8_t bytes[24]
    memset(bytes, 0xFF, 7)
    bytes[7] = mask.nw_tos
    bytes[8] = mask.nw_ttl
    bytes[9] = 0xFF
    bytes[10] = bytes[11] = 0       # the checksum
    store_be32(bytes + 12, mask.nw_src)
    store_be32(bytes + 16, mask.nw_dst)
    store_be16(bytes + 20, mask.tp_src)
    store_be16(bytes + 22, mask.tp_dst)
    memcpy(masks.words, bytes, sizeof(bytes))
