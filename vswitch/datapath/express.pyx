"""Express entries: shortcuts of plain frames, found by the frames' bytes and counted later.

What it is
----------
A shortcut (shortcut.pyx) is found by its flow key and leaves a dozen counters behind. Most frames are plain (express_key.pxd),
and then neither is needed: an *express entry* is found by some words of the frame's headers as they stand, and counts in
itself. Where a tunnel ends it stands for two shortcuts, of what is outside and of what is inside. A frame then reads two cache
lines that are its own.

How it works
------------
An entry begins when a frame that is plain has taken its shortcut for want of one. The words that it is found by are masked with
what the bridge's shortcuts look at. Two frames with the same words have the same key, as far as that matters, so they have the
same shortcut. Whatever the words leave out is looked at each time: lengths, and the checksum of a header that ends.

Entries are kept as shortcuts are, in sets of four with tags.

Counting late
-------------
An entry has the sums of its frames since they were last counted, and when the last one came. `express_count()` gives them to
programs, ports and tables. It runs before anybody could look: before any frame goes the long way, before time does anything,
and before the run returns. Sums do not mind who comes first. Of times the latest counts, which is right as long as the clock
does not go back: a frame that is older than one before it is counted at once, and whatever waits, before it.

Addresses are the exception: which was seen first is what makes the order of a MAC table. So the first frame that comes since
counting refreshes them at once; a second one in the same second would change nothing, and the next second begins with counting.

Why it is right
---------------
An entry holds as long as its shortcuts do: in one state of the datapath, whose token stands in its set. When a
bridge's shortcuts are forgotten all express entries go along; a shortcut that only loses its place stays in memory for those
that know it.

Neighbours: an entry's own must live on at the end of the second in any case, and where a tunnel ends all must. Otherwise the
shortcut decides, which knows to the millisecond.

Thread-safety: none; one thread at a time, as all of the datapath.
"""
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset
from posix.stdlib cimport posix_memalign

from vswitch.datapath.express_key cimport EXPRESS_PLAIN_WORDS, EXPRESS_WORDS
from vswitch.datapath.shortcut cimport shortcut_count, shortcut_refresh
from vswitch.tables.arena cimport arena_clear, arena_take

cdef enum:
    CACHE_LINE = 64
    MIN_SETS = 64
    MAX_SETS = 1 << 14

cdef extern from "<stdint.h>":
    const uint64_t NEVER "UINT64_MAX"

nobody.expires_ms = NEVER


cdef express_table* express_table_new() noexcept nogil:
    """A table without entries, or NULL."""
    return <express_table*>calloc(1, sizeof(express_table))


cdef void express_table_free(express_table* table) noexcept nogil:
    if table != NULL:
        express_clear(table)
        free(table)


cdef void express_clear(express_table* table) noexcept nogil:
    free(table.sets)
    table.sets = NULL
    table.set_mask = table.n_entries = 0
    arena_clear(&table.memory)


cdef express* express_place(express_table* table, const express_key* key, uint64_t token,
                            express_list* pending) noexcept nogil:
    cdef express_set* set
    cdef express* e
    cdef uint32_t i, at = EXPRESS_WAYS
    cdef uint32_t tag = express_tag(key.hash)
    if table.sets == NULL and not grow(table):
        return NULL
    set = &table.sets[key.hash & table.set_mask]
    if set.token != token:
        memset(set.tags, 0, sizeof(set.tags))
        set.token = token
    for i in range(EXPRESS_WAYS):
        if set.tags[i] == 0:
            at = min(at, i)
        elif set.tags[i] == tag and express_has(set.entries[i], key):
            return NULL
    if table.n_entries > table.set_mask and table.set_mask + 1 < MAX_SETS:
        express_count(pending, True)
        return express_place(table, key, token, pending) if grow(table) else NULL
    if at == EXPRESS_WAYS:
        table.n_displaced += 1
        at = idle_way(set, table.n_displaced)
        if at == EXPRESS_WAYS:
            return NULL
    if set.entries[at] == NULL:
        set.entries[at] = <express*>arena_take(&table.memory, sizeof(express))
        if set.entries[at] == NULL:
            return NULL
        table.n_entries += 1
    e = set.entries[at]
    set.tags[at] = tag
    memset(e, 0, sizeof(express))
    memcpy(e.words, key.words, sizeof(e.words))
    if key.n_words == EXPRESS_WORDS:
        memcpy(e.header, &key.words[EXPRESS_PLAIN_WORDS], (EXPRESS_WORDS - EXPRESS_PLAIN_WORDS) * sizeof(uint64_t))
    return e


cdef inline uint32_t idle_way(const express_set* set, uint32_t first) noexcept nogil:
    """One whose entry has nothing to be counted, from any on; EXPRESS_WAYS: all are in use."""
    cdef uint32_t i
    for i in range(first, first + EXPRESS_WAYS):
        if set.entries[i % EXPRESS_WAYS].n_packets == 0:
            return i % EXPRESS_WAYS
    return EXPRESS_WAYS


cdef bint grow(express_table* table) noexcept nogil:
    """Room for four times as many, all of it empty: the entries come again with their frames. False without memory."""
    cdef uint32_t n = (table.set_mask + 1) * 4 if table.sets != NULL else MIN_SETS
    cdef void* sets = NULL
    if posix_memalign(&sets, CACHE_LINE, n * sizeof(express_set)) != 0:
        return False
    memset(sets, 0, n * sizeof(express_set))
    express_clear(table)
    table.sets = <express_set*>sets
    table.set_mask = n - 1
    return True


cdef void express_begin(express* e, express_list* pending) noexcept nogil:
    shortcut_refresh(e.outer)
    if e.inner != NULL:
        shortcut_refresh(e.inner)
    e.next = pending.first
    pending.first = e


cdef void express_count(express_list* pending, bint is_late) noexcept nogil:
    cdef express* e = pending.first
    pending.first = NULL
    while e != NULL:
        count(e, pending.neighbors.aging_ms, is_late)
        e.n_packets = 0
        e.n_bytes = 0
        e = e.next


cdef inline void count(const express* e, uint64_t aging_ms, bint is_late) noexcept nogil:
    cdef uint64_t n_bytes = e.n_bytes
    cdef uint64_t n = e.n_packets
    e.in_port.rx_packets += n
    e.in_port.rx_bytes += n_bytes
    shortcut_count(e.outer, n, n_bytes, e.clock_ns, aging_ms, is_late)
    if e.inner != NULL:
        n_bytes -= n * e.inner_ofs
        e.outer.out.rx_packets += n
        e.outer.out.rx_bytes += n_bytes
        shortcut_count(e.inner, n, n_bytes, e.clock_ns, aging_ms, is_late)
    e.out.tx_packets += n
    e.out.tx_bytes += n_bytes + n * e.n_added
