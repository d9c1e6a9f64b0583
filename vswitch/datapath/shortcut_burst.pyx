"""Shortcuts of a burst of frames: found for all of them at a time, then taken one by one.

As in burst.pyx: everything is brought near for all frames before anything is used, here the sets, the shortcuts, and where a
tunnel ends the same again for what is inside.
"""
from libc.stdint cimport uint8_t
from libc.string cimport memset

from vswitch.datapath.burst cimport BURST
from vswitch.datapath.flow_cache cimport flow_hash_add, flow_hash_finish
from vswitch.datapath.shortcut cimport (
    ANY_TUN_ID, END_UDP, SHORTCUT_WORDS, STEP_LEARN, STEP_PROGRAM, shortcut_count, shortcut_find, shortcut_has, shortcut_place,
    shortcut_refresh, shortcut_set, shortcut_table_widen,
)
from vswitch.datapath.shortcut_key cimport plain_hash, plain_key
from vswitch.datapath.shortcut_leave cimport shortcut_leave
from vswitch.datapath.shortcut_plan cimport shortcut_plan
from vswitch.datapath.translate_hash cimport frame_rss
from vswitch.datapath.tunnel_header cimport tunnel_header_pop
from vswitch.datapath.tunnel cimport TUNNEL_VXLAN, tunnel_source_port
from vswitch.tables.flow_key cimport (
    FLOW_DEPTH_L2, FLOW_DEPTH_L4, flow_extract, flow_extract_l2, flow_key, flow_key_set_in_port, frame_layout,
)
from vswitch.tables.hash cimport prefetch
from vswitch.wire.ethernet cimport ETH_LEN

cdef enum:
    SHORTCUT_LINES = sizeof(shortcut) // 64

cdef struct masked_key:             # the words of a frame's key that shortcuts look at
    shortcut_set* set
    uint64_t hash
    uint64_t words[12]              # SHORTCUT_WORDS


cdef inline void mask_key(const shortcut_table* table, const flow_key* key, masked_key* masked) noexcept nogil:
    cdef const uint64_t* words = <const uint64_t*>key
    cdef uint64_t hash = 0
    cdef uint64_t word
    cdef uint32_t i
    for i in range(table.n_words):
        word = words[table.words[i]] & table.masks[i]
        masked.words[i] = word
        hash = flow_hash_add(hash, word)
    masked.hash = flow_hash_finish(hash)


cdef inline void find_set(const shortcut_table* table, const flow_key* key, masked_key* masked) noexcept nogil:
    mask_key(table, key, masked)
    masked.set = &table.sets[masked.hash & table.set_mask]
    prefetch(masked.set)


cdef inline shortcut* find(const masked_key* masked) noexcept nogil:
    """Where the shortcut must be, on its way from memory."""
    cdef shortcut* j = shortcut_find(masked.set, masked.hash)
    cdef int line
    if j != NULL:
        for line in range(SHORTCUT_LINES):
            prefetch(<char*>j + 64 * line)
    return j


cdef inline bint is_right(const shortcut* j, const masked_key* masked, const shortcut_table* table,
                          uint64_t token) noexcept nogil:
    """True if the shortcut holds, and is this key's. What it will count at is then on its way from memory."""
    cdef uint32_t i
    if j.token != token or not shortcut_has(j, masked.words, table.n_words):
        return False
    for i in range(j.n_steps):
        if j.kinds[i] == STEP_PROGRAM or j.kinds[i] == STEP_LEARN:
            prefetch(j.steps[i])
    return True


cdef inline bint may_take_shortcut(const frame* f) noexcept nogil:
    """False for what no shortcut is for: cut frames, and those to groups."""
    return f.caplen == f.len and f.caplen >= ETH_LEN and not f.data[0] & 1


cdef int shortcuts_look_up(execution* ex, shortcut_table** tables, port** in_ports, const frame* frames, int n, uint64_t token,
                           shortcut_ahead* ahead) noexcept nogil:
    cdef masked_key masked[BURST]
    cdef frame_layout layouts[BURST]
    cdef flow_key plain             # only plain_key() writes here: all else stays zero
    cdef flow_key other
    cdef flow_key* key
    cdef const shortcut_table* table
    cdef int n_missing = 0
    cdef bint any_pops = False
    cdef int i
    memset(&plain, 0, sizeof(plain))
    memset(&other, 0, sizeof(other))
    for i in range(n):
        table = tables[in_ports[frames[i].input].bridge.number]
        ahead[i].outer = ahead[i].inner = NULL
        ahead[i].table = NULL
        if table == NULL or table.sets == NULL or not may_take_shortcut(&frames[i]):
            continue
        if plain_key(frames[i].data, frames[i].caplen, &plain, &layouts[i]):
            key = &plain
            if table.wants_rss:
                ahead[i].src_port = tunnel_source_port(plain_hash(frames[i].data))
        else:
            key = &other
            flow_extract(frames[i].data, frames[i].caplen, ex.vlan_limit, FLOW_DEPTH_L4, &other, &layouts[i])
            if other.vlans[0].tci:
                continue
            if table.wants_rss:
                ahead[i].src_port = tunnel_source_port(frame_rss(&other, frames[i].data, frames[i].caplen, &layouts[i]))
        flow_key_set_in_port(key, in_ports[frames[i].input].ofp_port)
        ahead[i].table = table
        ahead[i].n_forgotten = table.n_forgotten
        any_pops = any_pops or table.pops
        find_set(table, key, &masked[i])
    for i in range(n):
        if ahead[i].table != NULL:
            ahead[i].outer = find(&masked[i])
    for i in range(n):
        if ahead[i].outer == NULL or not is_right(ahead[i].outer, &masked[i], ahead[i].table, token):
            ahead[i].outer = NULL
            n_missing += 1
    if any_pops:
        n_missing += look_up_inner(ex, tables, frames, n, token, ahead, layouts, masked)
    return n_missing


cdef int look_up_inner(execution* ex, shortcut_table** tables, const frame* frames, int n, uint64_t token,
                       shortcut_ahead* ahead, const frame_layout* layouts, masked_key* masked) noexcept nogil:
    """The shortcuts of what is in tunnels; returns for how many frames there is none."""
    cdef const shortcut_table* table
    cdef flow_key key
    cdef int n_missing = 0
    cdef int i
    memset(&key, 0, sizeof(key))
    for i in range(n):
        if ahead[i].outer == NULL or not ahead[i].outer.pops:
            continue
        table = inner_key(ex, tables, ahead[i].outer, &frames[i], &layouts[i], &key, &ahead[i].inner_ofs, &ahead[i].src_port)
        if table == NULL or table.sets == NULL:
            ahead[i].outer = NULL
            n_missing += 1
            continue
        ahead[i].inner_table = table
        ahead[i].n_inner_forgotten = table.n_forgotten
        find_set(table, &key, &masked[i])
    for i in range(n):
        if ahead[i].outer != NULL and ahead[i].outer.pops:
            ahead[i].inner = find(&masked[i])
    for i in range(n):
        if ahead[i].outer == NULL or not ahead[i].outer.pops:
            continue
        if ahead[i].inner == NULL or not is_right(ahead[i].inner, &masked[i], ahead[i].inner_table, token):
            ahead[i].outer = NULL
            n_missing += 1
    return n_missing


cdef inline const shortcut_table* inner_key(execution* ex, shortcut_table** tables, const shortcut* outer, const frame* f,
                                           const frame_layout* layout, flow_key* key, uint32_t* ofs,
                                           uint16_t* src_port) noexcept nogil:
    """The key of what comes out of the tunnel in which `outer` ends; NULL if it must go the long way."""
    cdef const shortcut_table* table = tables[outer.out.bridge.number]
    cdef frame_layout inner_layout
    cdef int inner_ofs = tunnel_header_pop(f.data, f.len, layout, outer.pops, key)
    if inner_ofs < 0 or table == NULL or f.data[inner_ofs] & 1:
        return NULL
    if outer.tun_id != ANY_TUN_ID and outer.tun_id != key.tun_id:
        return NULL                 # another port's, perhaps
    if table.depth == FLOW_DEPTH_L2 and not table.wants_rss:
        flow_extract_l2(f.data + inner_ofs, f.len - inner_ofs, ex.vlan_limit, key)
    else:
        flow_extract(f.data + inner_ofs, f.len - inner_ofs, ex.vlan_limit, FLOW_DEPTH_L4, key, &inner_layout)
    if key.vlans[0].tci:
        return NULL
    flow_key_set_in_port(key, outer.out.ofp_port)
    ofs[0] = <uint32_t>inner_ofs
    if table.wants_rss:
        src_port[0] = tunnel_source_port(frame_rss(key, f.data + inner_ofs, f.len - inner_ofs, &inner_layout))
    return table


cdef void shortcut_take(execution* ex, port* in_port, const frame* f, const shortcut_ahead* ahead) noexcept nogil:
    cdef const shortcut* j = ahead.outer
    cdef const uint8_t* data = f.data
    cdef uint32_t n_bytes = f.len
    in_port.rx_packets += 1
    in_port.rx_bytes += n_bytes
    ex.program = j.program
    count(ex, j, n_bytes)
    if j.pops:
        data += ahead.inner_ofs
        n_bytes -= ahead.inner_ofs
        j.out.rx_packets += 1
        j.out.rx_bytes += n_bytes
        j = ahead.inner
        count(ex, j, n_bytes)
    j.out.tx_packets += 1
    j.out.tx_bytes += n_bytes + j.n_added
    shortcut_leave(ex, j.out, j.end, j.n_added, j.header, &ahead.src_port, &j.tag, data, n_bytes, f.time_ns)


cdef inline void count(execution* ex, const shortcut* j, uint32_t n_bytes) noexcept nogil:
    shortcut_refresh(j)
    shortcut_count(j, 1, n_bytes, ex.clock_ns, ex.tunnels.neighbors.aging_ms, False)


cdef bint shortcut_note(execution* ex, shortcut_table** tables, port* in_port, const frame* f, uint64_t token) noexcept nogil:
    cdef flow_key key
    cdef frame_layout layout
    cdef shortcut* j
    cdef uint32_t ofs
    cdef uint16_t src_port
    cdef uint64_t n_before
    cdef bint is_new
    cdef shortcut_table* table = tables[in_port.bridge.number]
    if table == NULL or not may_take_shortcut(f):
        return False
    memset(&key, 0, sizeof(key))
    flow_extract(f.data, f.caplen, ex.vlan_limit, FLOW_DEPTH_L4, &key, &layout)
    if key.vlans[0].tci:
        return False
    flow_key_set_in_port(&key, in_port.ofp_port)
    n_before = table.n_forgotten
    j = note(ex, table, in_port, &key, False, f.data, f.len, token)
    is_new = table.n_forgotten != n_before
    if j == NULL or not j.pops:
        return is_new
    if not table.pops or (j.pops == TUNNEL_VXLAN and table.vxlan_port != key.tp_dst):
        table.pops = is_new = True
        table.vxlan_port = key.tp_dst if j.pops == TUNNEL_VXLAN else table.vxlan_port
    memset(&key, 0, sizeof(key))
    table = <shortcut_table*>inner_key(ex, tables, j, f, &layout, &key, &ofs, &src_port)
    if table == NULL:
        return is_new
    if not table.is_behind:
        table.is_behind = is_new = True
    n_before = table.n_forgotten
    note(ex, table, j.out, &key, True, f.data + ofs, f.len - ofs, token)
    return is_new or table.n_forgotten != n_before


cdef shortcut* note(execution* ex, shortcut_table* table, port* in_port, const flow_key* key, bint is_inner,
                   const uint8_t* data, uint32_t n_bytes, uint64_t token) noexcept nogil:
    """The shortcut of frames with this key, planned if it is the second of them in this state; NULL: there is none (yet)."""
    cdef masked_key masked
    cdef flow_key mask
    cdef shortcut* j
    if table.n_words > SHORTCUT_WORDS:
        return NULL
    mask_key(table, key, &masked)
    j = shortcut_place(table, masked.hash, masked.words)
    if j == NULL or j.token == token:
        return j
    j.token = 0
    if j.seen_token != token:
        j.seen_token = token
        return NULL
    if j.refused_token == token:
        return NULL
    if not shortcut_plan(ex, in_port, key, is_inner, data, n_bytes, j, &mask):
        j.refused_token = token
        return NULL
    if shortcut_table_widen(table, &mask):
        return NULL                 # `j` is gone, and comes again with the new mask
    if j.end == END_UDP:
        table.wants_rss = True
    j.token = token
    return j
