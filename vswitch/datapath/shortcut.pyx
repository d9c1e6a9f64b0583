"""Shortcuts: all that frames of one kind meet on their way over several bridges, remembered.

What it is
----------
A VM's frame goes through br-int, br-tun, a tunnel and the bridge underneath. On each it is looked up, its program runs,
addresses are learned and looked up, ports and flows count. Where no rule has anything special to say, all that comes to
the same for every frame of its kind: the same counters, the same addresses kept alive, one copy at one port, behind the
same header. A *shortcut* is the list of these effects. It is the idea of OVS's `xlate_cache`, and of VPP's rewrite
strings, for a switch that otherwise decides `NORMAL` anew for every frame.

How it works
------------
A frame that finds no shortcut goes the long way. If nothing has changed by that, and the same kind comes again, its way is
planned (`shortcut_plan.pyx`): an account of the programs and tables that it meets, which reads and changes nothing, and
gives up at the first thing that is not plain. What the plan looked at of the frame is the shortcut's key; a bridge's
shortcuts have one mask, which grows (`shortcut_table_widen`), and are found by a hash over it, for a burst at a time
(`shortcut_burst.pyx`).

A shortcut that ends in a tunnel leads to a second one, which begins at the tunnel's port and has the tunnel's fields in its
key.

Plain frames that have taken their shortcuts are known by their bytes from then on (`express.pyx`), and need none of this.

Why it is right
---------------
*Token.* Every table that a plan reads has a version: flows, caches (what was removed), MAC tables, routes, neighbours,
tunnels. Their sum, the datapath's token, stands in the shortcut, and it runs only while that is the same. Configuration
changes between runs only, and what was changed makes other tokens. So pointers in a shortcut are good when they are used.

*What is left to the frame* is looked at each time: the outer headers of what comes out of a tunnel, lengths, the hash of
the five-tuple for the source port, whether a neighbour's time is up. If anything is amiss, the frame goes the long way.

*What is plain*: whole frames without tags, of unicast, over ports without rules or taps, through programs without
edits of headers, to one port in the end. Floods, groups, meters, bonds, mirrors, IPv6 below the tunnel, Geneve's options,
checksums and sequence numbers in tunnels go the long way.

Price
-----
A third of a kilobyte for each kind of frame, at most 65,536 a bridge and as many that have lost their place; a plan costs about as much as two frames on the long way.
A bridge that keeps learning new addresses has no shortcuts meanwhile. Bridges without patch ports, tunnels and addresses
have none at all, and pay nothing.

Thread-safety: none; one thread at a time, as all of the datapath.
"""
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset
from posix.stdlib cimport posix_memalign

from vswitch.datapath.fabric cimport NS_PER_MS
from vswitch.datapath.flow_cache cimport flow_hash_add, flow_hash_finish, signature_tag
from vswitch.datapath.program cimport program
from vswitch.tables.arena cimport arena_clear, arena_take
from vswitch.tables.flow_key cimport FLOW_DEPTH_L2
from vswitch.tables.flow_mask cimport FLOW_KEY_WORDS, flow_word_depth
from vswitch.tables.mac_table cimport MAC_MASK, mac_slot, mac_table, mac_table_learn_slowly

cdef enum:
    CACHE_LINE = 64
    MIN_SETS = 64
    MAX_SETS = 1 << 14
    LOAD = 2                        # shortcuts a set, on the average, at most
    MAX_ORPHANS = 1 << 16


cdef shortcut_table* shortcut_table_new() noexcept nogil:
    """A table whose shortcuts look at nothing yet, or NULL."""
    cdef shortcut_table* table = <shortcut_table*>calloc(1, sizeof(shortcut_table))
    if table != NULL:
        table.depth = FLOW_DEPTH_L2
    return table


cdef void shortcut_table_free(shortcut_table* table) noexcept nogil:
    if table != NULL:
        forget(table)
        free(table)


cdef void forget(shortcut_table* table) noexcept nogil:
    """All shortcuts go."""
    free(table.sets)
    table.sets = NULL
    table.set_mask = table.n_shortcuts = table.n_displaced = table.n_orphans = 0
    table.n_forgotten += 1
    arena_clear(&table.memory)


cdef bint shortcut_table_widen(shortcut_table* table, const flow_key* mask) noexcept nogil:
    cdef uint64_t* own = <uint64_t*>&table.mask
    cdef const uint64_t* wanted = <const uint64_t*>mask
    cdef uint32_t i
    cdef bint is_new = False
    for i in range(FLOW_KEY_WORDS):
        is_new = is_new or wanted[i] & ~own[i] != 0
        own[i] |= wanted[i]
    if not is_new:
        return False
    forget(table)
    table.n_words = 0
    for i in range(FLOW_KEY_WORDS):
        if own[i] == 0:
            continue
        if table.n_words < SHORTCUT_WORDS:
            table.words[table.n_words] = i
            table.masks[table.n_words] = own[i]
        table.n_words += 1
        table.depth = max(table.depth, flow_word_depth(i))
    return True


cdef shortcut* shortcut_place(shortcut_table* table, uint64_t hash, const uint64_t* words) noexcept nogil:
    cdef shortcut_set* set
    cdef shortcut* j
    cdef uint32_t i, at = SHORTCUT_WAYS
    if table.sets == NULL and not grow(table):
        return NULL
    set = &table.sets[hash & table.set_mask]
    for i in range(SHORTCUT_WAYS):
        if set.shortcuts[i] == NULL:
            at = min(at, i)
        elif set.tags[i] == signature_tag(hash) and shortcut_has(set.shortcuts[i], words, table.n_words):
            return set.shortcuts[i]
    if table.n_shortcuts > LOAD * table.set_mask and table.set_mask + 1 < MAX_SETS:
        return shortcut_place(table, hash, words) if grow(table) else NULL
    if at == SHORTCUT_WAYS:
        if table.n_orphans > MAX_ORPHANS:
            forget(table)
            return shortcut_place(table, hash, words)
        table.n_displaced += 1
        at = table.n_displaced % SHORTCUT_WAYS
        if set.shortcuts[at].token:
            set.shortcuts[at] = NULL
            table.n_orphans += 1
    if set.shortcuts[at] == NULL:
        j = <shortcut*>arena_take(&table.memory, sizeof(shortcut))
        if j == NULL:
            return NULL
        set.shortcuts[at] = j
        table.n_shortcuts += 1
    j = set.shortcuts[at]
    set.tags[at] = signature_tag(hash)
    memset(j, 0, sizeof(shortcut))
    memcpy(j.words, words, table.n_words * sizeof(uint64_t))
    return j


cdef inline uint64_t shortcut_hash(const uint64_t* words, uint32_t n_words) noexcept nogil:
    """As of the masked key (mask_key() in shortcut_burst.pyx)."""
    cdef uint64_t hash = 0
    cdef uint32_t i
    for i in range(n_words):
        hash = flow_hash_add(hash, words[i])
    return flow_hash_finish(hash)


cdef bint grow(shortcut_table* table) noexcept nogil:
    """Room for more, by a factor of four; False without memory. What finds no place any more is forgotten."""
    cdef uint32_t n = (table.set_mask + 1) * 4 if table.sets != NULL else MIN_SETS
    cdef uint32_t n_old = table.set_mask + 1 if table.sets != NULL else 0
    cdef void* sets = NULL
    cdef shortcut_set* old = table.sets
    cdef shortcut_set* set
    cdef uint32_t i, way, at
    cdef uint64_t hash
    if posix_memalign(&sets, CACHE_LINE, n * sizeof(shortcut_set)) != 0:
        return False
    memset(sets, 0, n * sizeof(shortcut_set))
    table.sets = <shortcut_set*>sets
    table.set_mask = n - 1
    for i in range(n_old):
        for way in range(SHORTCUT_WAYS):
            if old[i].shortcuts[way] == NULL:
                continue
            # Its old set is split in four, so there is room.
            hash = shortcut_hash(old[i].shortcuts[way].words, table.n_words)
            set = &table.sets[hash & table.set_mask]
            at = 0
            while set.shortcuts[at] != NULL:
                at += 1
            set.tags[at] = signature_tag(hash)
            set.shortcuts[at] = old[i].shortcuts[way]
    free(old)
    return True


cdef void shortcut_refresh(const shortcut* j) noexcept nogil:
    cdef const mac_slot* slot
    cdef mac_table* table
    cdef uint32_t i
    for i in range(j.n_steps):
        if j.kinds[i] == STEP_ADDRESS:
            slot = <const mac_slot*>j.steps[i]
            table = <mac_table*>j.steps[i + 1]
            if slot.used_s < table.now_s:
                mac_table_learn_slowly(table, slot.key & MAC_MASK, <uint16_t>(slot.key >> 48), slot.bundle, False, False)


cdef void shortcut_count(const shortcut* j, uint64_t n, uint64_t n_bytes, uint64_t clock_ns, uint64_t aging_ms,
                         bint is_late) noexcept nogil:
    cdef program* p
    cdef port* out
    cdef port* peer
    cdef uint32_t i
    for i in range(j.n_steps):
        if j.kinds[i] == STEP_PROGRAM:
            p = <program*>j.steps[i]
            p.n_packets += n
            p.n_bytes += n_bytes
            set_time(&p.used_ns, clock_ns, is_late)
        elif j.kinds[i] == STEP_PATCH:
            out = <port*>j.steps[i]
            peer = out.peer
            out.tx_packets += n
            out.tx_bytes += n_bytes
            peer.rx_packets += n
            peer.rx_bytes += n_bytes
        elif j.kinds[i] == STEP_LEARN:
            set_time(<uint64_t*>j.steps[i], clock_ns, is_late)
        elif j.kinds[i] == STEP_TUNNEL:
            # OVS counts at the tunnel's port twice: as what is sent there, and as what leaves the bridge underneath.
            out = <port*>j.steps[i]
            out.tx_packets += 2 * n
            out.tx_bytes += 2 * n_bytes + n * j.n_added
            n_bytes += n * j.n_added
    if j.neighbor != NULL:
        set_time(&j.neighbor.expires_ms, clock_ns // NS_PER_MS + aging_ms, is_late)


cdef inline void set_time(uint64_t* time, uint64_t value, bint is_late) noexcept nogil:
    if not is_late or <int64_t>(value - time[0]) > 0:       # a frame may be older than the first one, and so below 0
        time[0] = value
