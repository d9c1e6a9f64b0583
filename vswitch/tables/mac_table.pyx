"""The MAC table (fdb) of one bridge.

What
====
A dictionary from (VLAN, MAC) to the bundle (port or bond) where that address was last seen. NORMAL asks it twice per
frame: `mac_table_learn` for the source, `mac_table_lookup` for the destination. Entries that are silent for
the ageing time go. When the table is full, a new address takes the place of the least recently used entry of the
bundle that has the most entries, so that a station which floods the table with invented addresses evicts
its own and not other ports' (OVS calls it fairness). Every answer, counter and order of `fdb/show` is that of OVS 3.1's
lib/mac-learning.c, ties included.

Design goal
===========
A frame from a known station costs one probe and no write. OVS gets away with a list whose head is the least recently
used entry, because its datapath hides most frames from the table; we consult the table for every frame, and relinking
a list node means writing to three cache lines. So nothing here is linked.

How it works
============
*Hot.* Open addressing with linear probing: `slots`, 16 bytes each, at most half full. A slot holds all that a
frame needs: key, bundle and the second of the last refresh. OVS refreshes an entry only if its age in whole
seconds is above 0, its bundle changed or the frame is a gratuitous ARP; for all other frames `learn` compares and
returns. The hash is one 64 x 64 bit multiplication, folded, so that MACs and VLANs which count up side by side
(as numbered stations do) do not meet. A deleted slot is filled by shifting the run behind it back; there are no
tombstones.

*Cold.* `lru_entry`, an array parallel to the slots: a recency stamp (a counter; a refresh takes the next number), the
gratuitous ARP lock and the entry's places in the two heaps. It is touched once per entry and second.

*Recency.* Two kinds of binary min-heap of stamps: one of all dynamic entries, for expiry; one per bundle, for eviction.
They are lazy: a refresh does not touch them, so an item's stamp can be older than its entry's, never newer. When an
item at the top turns out stale it takes its entry's stamp and sinks; the first top that is not stale is the least
recently used entry, exactly. A refresh is paid for at most once, when its item next reaches the top: O(log n).
Each item also keeps the second of its stamp. If the top's is not yet due then nothing is, and `run` is done
without a look at any entry, which is the rule.

*Fairness.* `usage_heap` orders the bundles by their number of entries.

*Ageing.* An entry is due when `used_s` + ageing time <= `now_s`. The sum is not stored: OVS, which stores it, shifts
all of them when the ageing time changes.

Static entries
==============
They take part in a bundle's eviction (OVS evicts them too, and forgets to take them off its count of static entries,
as do we), but neither age nor move. OVS marks them by an expiry time of INT_MAX, which a change of the ageing time
shifts like any other: such an entry is no longer static, it can be moved and flushed, and while it is the least
recently used one nothing behind it expires. Setting the old ageing time makes it static again. We mark a static entry
by `used_s` + ageing time == MAC_EXPIRES_STATIC, so all of this follows without a line of code but one: which entries
are in the heap of dynamic ones is decided again when the ageing time changes.

Prices
======
A slot table at most half full: 40 bytes of slots and cold halves per slot, 80 to 160 per entry, 32 more in the heaps
(their peak is kept). The hash has no secret, since a replay must give the same bytes every time: a capture made to
collide is slow, not wrong.

When memory is short
====================
All room is reserved before anything is changed. If that fails the address is not learned, `n_refused` counts it and
its frames flood; what was known stays.

Thread-safety
=============
None: one thread at a time per table. Look-ups alone may run side by side.
"""
from libc.stdint cimport INT32_MAX
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memcmp, memcpy, memset
from posix.stdlib cimport posix_memalign

from vswitch.tables.hash cimport hash_mix
from vswitch.tables.lru_heap cimport (
    LRU_ABSENT, LRU_ALL, LRU_BUNDLE, lru_entry, lru_heap, lru_heap_add, lru_heap_remove, lru_heap_reserve, lru_heap_top,
    lru_item)
from vswitch.tables.usage_heap cimport (
    usage_heap, usage_heap_decrement, usage_heap_free, usage_heap_fullest, usage_heap_increment, usage_heap_reserve)

cdef enum:
    N_SLOTS_MIN = 64                # grows on demand
    SLOTS_PER_ENTRY = 4             # at least: most probes end at once, so the branch behind them is foreseen
    CACHE_LINE = 64

cdef struct mac_internals:
    lru_entry* cold                 # cold halves, at the same index as the slots
    uint64_t last_stamp             # counts refreshes
    lru_heap all                    # all dynamic entries
    lru_heap* bundles               # by bundle number: its entries, static ones included
    usage_heap usage                # has room for as many bundles as `bundles`
    uint64_t flood_vlans[64]        # 4096 bits

# --- life

cdef mac_table* mac_table_new() except NULL:
    cdef mac_table* table = <mac_table*>calloc(1, sizeof(mac_table))
    if table == NULL:
        raise MemoryError("no memory for a MAC table")
    table.max_entries = MAC_TABLE_SIZE
    table.ageing_time_s = AGEING_TIME_S
    table.internals = calloc(1, sizeof(mac_internals))
    if table.internals == NULL or not slots_resize(table, N_SLOTS_MIN):
        mac_table_free(table)
        raise MemoryError("no memory for a MAC table")
    (<mac_internals*>table.internals).all.kind = LRU_ALL
    return table

cdef void mac_table_free(mac_table* table) noexcept nogil:
    cdef mac_internals* internals
    cdef uint32_t bundle
    if table == NULL:
        return
    internals = <mac_internals*>table.internals
    if internals != NULL:
        for bundle in range(internals.usage.n_bundles):
            free(internals.bundles[bundle].items)
        free(internals.bundles)
        free(internals.all.items)
        free(internals.cold)
        usage_heap_free(&internals.usage)
        free(internals)
    free(table.slots)
    free(table)

# --- learning

cdef void mac_table_learn_slowly(mac_table* table, uint64_t mac, uint16_t vlan, uint32_t bundle,
                                 bint is_gratuitous_arp, bint is_bond) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef mac_slot* slot
    cdef lru_entry* cold
    cdef bint found, is_locked, is_old
    if not mac_table_may_learn(table, mac, vlan):
        return
    slot = mac_table_probe(table, mac_table_key(mac, vlan))
    found = slot.key != MAC_SLOT_EMPTY
    is_locked = False
    if found:
        if is_static(table, slot):
            return
        is_locked = internals.cold[slot - table.slots].locked_until_s > table.now_s
        is_old = slot.used_s < table.now_s
        if not is_old:
            if is_gratuitous_arp and is_bond and is_locked:
                return
            if slot.bundle == bundle and (is_bond or not is_gratuitous_arp):
                return
    if not found or slot.bundle != bundle:
        if not reserve(table, bundle):
            table.n_refused += 1
            return
        slot = mac_table_probe(table, mac_table_key(mac, vlan))
    if found:
        refresh(table, slot, table.now_s)
    else:
        slot = insert(table, mac_table_key(mac, vlan), table.now_s)
        table.n_learned += 1
    cold = &internals.cold[slot - table.slots]
    if is_gratuitous_arp:
        # A bond can reflect a gratuitous ARP that another port sent; the lock keeps the reflection from being learned.
        if not is_bond:
            cold.locked_until_s = table.now_s + GRAT_ARP_LOCK_S
        elif is_locked:
            return
    if slot.bundle != bundle:
        table.n_moved += found
        set_bundle(table, slot, bundle)

cdef bint mac_table_is_grat_arp_locked(const mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil:
    cdef const mac_slot* slot = find(table, mac, vlan)
    return slot != NULL and (<mac_internals*>table.internals).cold[slot - table.slots].locked_until_s > table.now_s

cdef void mac_table_run(mac_table* table, uint32_t now_s) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef lru_heap* heap = &internals.all
    cdef const lru_item* top
    if now_s > <uint32_t>MAC_NOW_MAX_S:
        now_s = <uint32_t>MAC_NOW_MAX_S
    if now_s > table.now_s:
        table.now_s = now_s
    while heap.n > 0:
        if table.n_entries <= table.max_entries:
            # The second that the item remembers is a lower bound for every entry's. Not so with an entry that was
            # static: its second lies ahead, and whether it still does only the entry knows.
            top = &heap.items[0]
            if top.used_s <= table.now_s and not is_due(table, top.used_s):
                return
            top = lru_heap_top(heap, internals.cold)
            if not is_due(table, top.used_s):
                return
        else:
            top = lru_heap_top(heap, internals.cold)
        table.n_expired += 1
        remove(table, &table.slots[top.entry])

# --- the operator's commands

cdef bint mac_table_add_static(mac_table* table, uint64_t mac, uint16_t vlan, uint32_t bundle) noexcept nogil:
    cdef uint64_t key = mac_table_key(mac, vlan)
    cdef uint32_t used_s = static_used_s(table)
    cdef mac_slot* slot
    # Neither multicast nor flood VLANs are refused: OVS lists such an entry, though nothing ever finds it.
    if key == MAC_SLOT_EMPTY or not reserve(table, bundle):
        return False
    slot = mac_table_probe(table, key)
    if slot.key == MAC_SLOT_EMPTY:
        slot = insert(table, key, used_s)
        table.n_static += 1
    else:
        table.n_static += not is_static(table, slot)
        refresh(table, slot, used_s)
    update_membership(table, slot - table.slots)
    if slot.bundle != bundle:
        set_bundle(table, slot, bundle)
    return True

cdef bint mac_table_del_static(mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil:
    cdef mac_slot* slot = find(table, mac, vlan)
    if slot == NULL or not is_static(table, slot):
        return False
    remove(table, slot)
    table.n_static -= 1
    return True

cdef bint mac_table_expire(mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil:
    cdef mac_slot* slot = find(table, mac, vlan)
    if slot == NULL:
        return False
    remove(table, slot)
    return True

cdef void mac_table_flush(mac_table* table) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef lru_heap* heap = &internals.all
    # In order of recency as in OVS, because the order of removal settles later ties between equally full bundles.
    while heap.n > 0:
        remove(table, &table.slots[lru_heap_top(heap, internals.cold).entry])

cdef void mac_table_flush_bundle(mac_table* table, uint32_t bundle) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    if bundle < internals.usage.n_bundles:
        while internals.bundles[bundle].n > 0:
            remove(table, &table.slots[internals.bundles[bundle].items[0].entry])

cdef void mac_table_set_ageing_time(mac_table* table, uint32_t ageing_time_s) noexcept nogil:
    cdef uint64_t i
    table.ageing_time_s = min(max(ageing_time_s, <uint32_t>AGEING_TIME_MIN_S), <uint32_t>AGEING_TIME_MAX_S)
    for i in range(table.slot_mask + 1):
        if table.slots[i].key != MAC_SLOT_EMPTY:
            update_membership(table, i)

cdef void mac_table_set_max_entries(mac_table* table, uint32_t max_entries) noexcept nogil:
    table.max_entries = min(max(max_entries, <uint32_t>MAC_TABLE_SIZE_MIN), <uint32_t>MAC_TABLE_SIZE_MAX)

cdef void mac_table_clear_statistics(mac_table* table) noexcept nogil:
    table.n_learned = table.n_expired = table.n_evicted = table.n_moved = 0
    table.n_refused = 0

cdef bint mac_table_set_flood_vlans(mac_table* table, const uint64_t* flood_vlans) noexcept nogil:
    cdef uint64_t* own = (<mac_internals*>table.internals).flood_vlans
    cdef uint64_t none[64]
    memset(none, 0, sizeof(none))
    if flood_vlans == NULL:
        flood_vlans = none
    if memcmp(own, flood_vlans, sizeof(none)) == 0:
        return False
    memcpy(own, flood_vlans, sizeof(none))
    table.version += 1
    table.flood_vlans = own if memcmp(own, none, sizeof(none)) != 0 else NULL
    return True

cdef uint32_t mac_table_dump(const mac_table* table, mac_entry* entries, uint32_t n) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef lru_item* items
    cdef uint32_t i, n_items = 0
    if table.n_entries == 0:
        return 0
    items = <lru_item*>malloc(table.n_entries * sizeof(lru_item))
    if items == NULL:
        return 0
    for i in range(<uint32_t>table.slot_mask + 1):
        if table.slots[i].key != MAC_SLOT_EMPTY:
            items[n_items].stamp = internals.cold[i].stamp
            items[n_items].entry = i
            n_items += 1
    qsort(items, n_items, sizeof(lru_item), lru_item_compare)
    for i in range(min(n, n_items)):
        fill_entry(table, &table.slots[items[i].entry], &entries[i])
    free(items)
    return n_items

cdef bint mac_table_entry(const mac_table* table, uint64_t mac, uint16_t vlan, mac_entry* entry) noexcept nogil:
    cdef const mac_slot* slot = mac_table_probe(table, mac_table_key(mac, vlan))
    if slot.key == MAC_SLOT_EMPTY:
        return False
    fill_entry(table, slot, entry)
    return True

cdef void fill_entry(const mac_table* table, const mac_slot* slot, mac_entry* entry) noexcept nogil:
    entry.mac = slot.key & MAC_MASK
    entry.vlan = slot.key >> 48
    entry.bundle = slot.bundle
    entry.age_s = age_s(table, slot)

cdef int lru_item_compare(const void* a, const void* b) noexcept nogil:
    return -1 if (<const lru_item*>a).stamp < (<const lru_item*>b).stamp else 1

# --- entries

cdef inline uint32_t static_used_s(const mac_table* table) noexcept nogil:
    return <uint32_t>MAC_EXPIRES_STATIC - table.ageing_time_s

cdef inline bint is_static(const mac_table* table, const mac_slot* slot) noexcept nogil:
    return slot.used_s == static_used_s(table)

cdef inline bint is_due(const mac_table* table, uint32_t used_s) noexcept nogil:
    return <uint64_t>used_s + table.ageing_time_s <= table.now_s

cdef int32_t age_s(const mac_table* table, const mac_slot* slot) noexcept nogil:
    if is_static(table, slot):
        return -1
    if slot.used_s > <uint32_t>MAC_NOW_MAX_S:       # was static: as OVS, count from INT_MAX
        return <int32_t>(<int64_t>table.now_s - (<int64_t>slot.used_s - <int64_t>MAC_EXPIRES_STATIC + INT32_MAX))
    return <int32_t>(table.now_s - slot.used_s)

cdef mac_slot* find(const mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil:
    cdef mac_slot* slot = mac_table_probe(table, mac_table_key(mac, vlan))
    if slot.key == MAC_SLOT_EMPTY or not mac_table_may_learn(table, mac, vlan):
        return NULL
    return slot

cdef inline void refresh(mac_table* table, mac_slot* slot, uint32_t used_s) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    internals.last_stamp += 1
    internals.cold[slot - table.slots].stamp = internals.last_stamp
    internals.cold[slot - table.slots].used_s = slot.used_s = used_s

cdef mac_slot* insert(mac_table* table, uint64_t key, uint32_t used_s) noexcept nogil:
    """Add an entry without a bundle yet, after making room in a full table; the caller has reserved memory."""
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef mac_slot* slot
    cdef lru_entry* cold
    if table.n_entries >= table.max_entries:
        evict(table)
    slot = mac_table_probe(table, key)
    slot.key = key
    slot.bundle = BUNDLE_NONE
    cold = &internals.cold[slot - table.slots]
    cold.positions[LRU_BUNDLE] = cold.positions[LRU_ALL] = LRU_ABSENT
    cold.locked_until_s = 0
    refresh(table, slot, used_s)
    table.n_entries += 1
    update_membership(table, slot - table.slots)
    return slot

cdef void evict(mac_table* table) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef uint32_t bundle = usage_heap_fullest(&internals.usage)
    table.n_evicted += 1
    remove(table, &table.slots[lru_heap_top(&internals.bundles[bundle], internals.cold).entry])

cdef void set_bundle(mac_table* table, mac_slot* slot, uint32_t bundle) noexcept nogil:
    """Move an entry from its bundle, if it has one, to `bundle`, if that is not BUNDLE_NONE."""
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef uint32_t i = <uint32_t>(slot - table.slots)
    table.version += 1
    if slot.bundle != BUNDLE_NONE:
        lru_heap_remove(&internals.bundles[slot.bundle], internals.cold, i)
        usage_heap_decrement(&internals.usage, slot.bundle)
    if bundle != BUNDLE_NONE:
        usage_heap_increment(&internals.usage, bundle)
        lru_heap_add(&internals.bundles[bundle], internals.cold, i)
    slot.bundle = bundle

cdef void remove(mac_table* table, mac_slot* slot) noexcept nogil:
    """Delete the entry in `slot`. Other entries may move to other slots."""
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef uint64_t hole = slot - table.slots
    cdef uint64_t i = hole
    cdef uint64_t home
    set_bundle(table, slot, BUNDLE_NONE)
    if internals.cold[hole].positions[LRU_ALL] != LRU_ABSENT:
        lru_heap_remove(&internals.all, internals.cold, <uint32_t>hole)
    table.n_entries -= 1
    while True:
        i = (i + 1) & table.slot_mask
        if table.slots[i].key == MAC_SLOT_EMPTY:
            break
        home = hash_mix(table.slots[i].key) & table.slot_mask
        # An entry may move back into the hole unless that lies before its home, counted around the end of the array.
        if ((i - home) & table.slot_mask) >= ((i - hole) & table.slot_mask):
            table.slots[hole] = table.slots[i]
            internals.cold[hole] = internals.cold[i]
            tell_heaps(table, <uint32_t>hole)
            hole = i
    table.slots[hole].key = MAC_SLOT_EMPTY
    table.slots[hole].bundle = BUNDLE_NONE

# --- memory

cdef bint reserve(mac_table* table, uint32_t bundle) noexcept nogil:
    """Make room for one more entry of `bundle` everywhere; False, and nothing is lost, if there is none."""
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef lru_heap* bundles
    cdef uint32_t n_bundles
    if bundle >= <uint32_t>MAC_BUNDLES_MAX:
        return False
    if bundle >= internals.usage.n_bundles:
        n_bundles = 16
        while n_bundles <= bundle:
            n_bundles *= 2
        bundles = <lru_heap*>realloc(internals.bundles, n_bundles * sizeof(lru_heap))
        if bundles == NULL:
            return False
        internals.bundles = bundles
        memset(&bundles[internals.usage.n_bundles], 0, (n_bundles - internals.usage.n_bundles) * sizeof(lru_heap))
        if not usage_heap_reserve(&internals.usage, n_bundles):
            return False
    if not lru_heap_reserve(&internals.bundles[bundle], internals.bundles[bundle].n + 1):
        return False
    # Room for the static entries too: a change of the ageing time can make them dynamic.
    if not lru_heap_reserve(&internals.all, table.n_entries + 1):
        return False
    if SLOTS_PER_ENTRY * (<uint64_t>table.n_entries + 1) > table.slot_mask + 1:
        return slots_resize(table, 2 * (table.slot_mask + 1))
    return True

cdef bint slots_resize(mac_table* table, uint64_t n_slots) noexcept nogil:
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef mac_slot* old_slots = table.slots
    cdef uint64_t n_old_slots = table.slot_mask + 1 if old_slots != NULL else 0
    cdef lru_entry* cold = <lru_entry*>malloc(n_slots * sizeof(lru_entry))
    cdef void* slots = NULL
    cdef mac_slot* slot
    cdef uint64_t i
    if cold == NULL or posix_memalign(&slots, CACHE_LINE, n_slots * sizeof(mac_slot)) != 0:
        free(cold)
        return False
    memset(slots, 0xFF, n_slots * sizeof(mac_slot))     # key MAC_SLOT_EMPTY, bundle BUNDLE_NONE
    table.slots = <mac_slot*>slots
    table.slot_mask = n_slots - 1
    table.version += 1
    internals.cold, cold = cold, internals.cold
    for i in range(n_old_slots):
        if old_slots[i].key != MAC_SLOT_EMPTY:
            slot = mac_table_probe(table, old_slots[i].key)
            slot[0] = old_slots[i]
            internals.cold[slot - table.slots] = cold[i]
            tell_heaps(table, <uint32_t>(slot - table.slots))
    free(cold)
    free(old_slots)
    return True

# --- recency

cdef void tell_heaps(mac_table* table, uint32_t slot) noexcept nogil:
    """Tell both heaps that an entry is now in `slot`."""
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef lru_entry* cold = &internals.cold[slot]
    if cold.positions[LRU_BUNDLE] != LRU_ABSENT:
        internals.bundles[table.slots[slot].bundle].items[cold.positions[LRU_BUNDLE]].entry = slot
    if cold.positions[LRU_ALL] != LRU_ABSENT:
        internals.all.items[cold.positions[LRU_ALL]].entry = slot

cdef void update_membership(mac_table* table, uint32_t slot) noexcept nogil:
    """Put a dynamic entry into the heap of all dynamic entries, take a static one out."""
    cdef mac_internals* internals = <mac_internals*>table.internals
    cdef uint32_t position = internals.cold[slot].positions[LRU_ALL]
    if is_static(table, &table.slots[slot]):
        if position != LRU_ABSENT:
            lru_heap_remove(&internals.all, internals.cold, slot)
    elif position == LRU_ABSENT:
        lru_heap_add(&internals.all, internals.cold, slot)
