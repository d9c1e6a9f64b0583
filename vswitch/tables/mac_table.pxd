"""The forwarding database of one bridge: (VLAN, MAC) → bundle, learned, aged and evicted as OVS's mac-learning.

Read `mac_table.pyx` for the algorithm. Times are whole seconds of capture time.
"""
from libc.stdint cimport int32_t, int64_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.hash cimport hash_mix, prefetch

cdef extern from "<stdint.h>":
    const uint64_t MAC_SLOT_EMPTY "UINT64_MAX"                  # key of a free slot; cannot be learned (multicast)
    const uint64_t MAC_MULTICAST "UINT64_C(0x010000000000)"     # the I/G bit
    const uint64_t MAC_MASK "UINT64_C(0xFFFFFFFFFFFF)"          # the 48 bits of a MAC in a key

cdef enum:
    AGEING_TIME_S = 300             # OVS MAC_ENTRY_DEFAULT_IDLE_TIME
    AGEING_TIME_MIN_S = 15
    AGEING_TIME_MAX_S = 3600
    MAC_TABLE_SIZE = 8192           # OVS MAC_DEFAULT_MAX
    MAC_TABLE_SIZE_MIN = 10
    MAC_TABLE_SIZE_MAX = 1000000
    GRAT_ARP_LOCK_S = 5             # OVS MAC_GRAT_ARP_LOCK_TIME
    MAC_BUNDLES_MAX = 1048576       # bundles are numbered from 0 within a bridge; larger numbers are refused

cdef enum:
    BUNDLE_NONE = 0xFFFFFFFF        # what a look-up that misses returns
    MAC_EXPIRES_STATIC = 0xFFFFFFFF # used_s + ageing_time_s of a static entry
    MAC_NOW_MAX_S = 0xFFFF0000      # the clock stops here (in 2106), well below any static entry's used_s

cdef struct mac_slot:               # hot half of an entry: 16 bytes, four to a cache line
    uint64_t key                    # vlan << 48 | mac; MAC_SLOT_EMPTY if free
    uint32_t bundle                 # where the address was seen; BUNDLE_NONE if free
    uint32_t used_s                 # second of the last refresh; static if used_s + ageing_time_s is MAC_EXPIRES_STATIC

cdef struct mac_table:
    mac_slot* slots                 # open addressing, linear probing, power of two
    uint64_t slot_mask              # number of slots - 1
    uint32_t n_entries
    uint32_t max_entries            # 10 to 1,000,000
    uint32_t ageing_time_s          # 15 to 3600
    uint32_t now_s                  # set by mac_table_run()
    const uint64_t* flood_vlans     # 4096 bits: VLANs that are never learned in; NULL for none
    uint64_t n_learned              # counters of fdb/stats-show
    uint64_t n_expired
    uint64_t n_evicted
    uint64_t n_moved
    uint64_t n_refused              # addresses not learned for want of memory; no counterpart in OVS
    uint32_t n_static               # as OVS counts: an evicted static entry is not taken off
    uint64_t version                # grows when an entry comes, goes, or moves to another bundle or slot
    void* internals                 # recency, per-bundle usage: see mac_table.pyx

cdef mac_table* mac_table_new() except NULL
cdef void mac_table_free(mac_table* table) noexcept nogil

# Per frame. `mac` has 48 bits, most significant byte first on the wire.

cdef inline uint64_t mac_table_key(uint64_t mac, uint16_t vlan) noexcept nogil:
    return <uint64_t>vlan << 48 | mac

cdef inline void mac_table_prefetch(const mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil:
    """Bring the slot of (`vlan`, `mac`) near; worth it some eight frames ahead when the table outgrows the L2 cache."""
    prefetch(&table.slots[hash_mix(mac_table_key(mac, vlan)) & table.slot_mask])

cdef inline mac_slot* mac_table_probe(const mac_table* table, uint64_t key) noexcept nogil:
    """The slot that holds `key`, or else the free slot where it belongs. There is always a free slot."""
    cdef uint64_t i = hash_mix(key) & table.slot_mask
    while table.slots[i].key != key and table.slots[i].key != MAC_SLOT_EMPTY:
        i = (i + 1) & table.slot_mask
    return &table.slots[i]

cdef inline bint mac_table_may_learn(const mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil:
    """True if `mac` is unicast and `vlan` is not a flood VLAN: only then is it learned or found."""
    if mac & MAC_MULTICAST:
        return False
    return table.flood_vlans == NULL or vlan > 4095 or not (table.flood_vlans[vlan >> 6] >> (vlan & 63)) & 1

cdef inline uint32_t mac_table_lookup(const mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil:
    """The bundle behind (`vlan`, `mac`), or BUNDLE_NONE."""
    cdef uint32_t bundle = mac_table_probe(table, mac_table_key(mac, vlan)).bundle
    # Asked after the probe, where the answer is nearly always yes: only a static entry can be one that
    # must not be found.
    if not mac_table_may_learn(table, mac, vlan):
        return BUNDLE_NONE
    return bundle

cdef void mac_table_learn_slowly(mac_table* table, uint64_t mac, uint16_t vlan, uint32_t bundle,
                                 bint is_gratuitous_arp, bint is_bond) noexcept nogil

cdef inline void mac_table_learn(mac_table* table, uint64_t mac, uint16_t vlan, uint32_t bundle,
                                 bint is_gratuitous_arp, bint is_bond) noexcept nogil:
    """Note that `mac` was seen in `vlan` on `bundle`. Nothing is written if it was seen there this very second."""
    cdef const mac_slot* slot = mac_table_probe(table, mac_table_key(mac, vlan))
    if (slot.used_s == table.now_s and slot.bundle == bundle and not is_gratuitous_arp
            and slot.key != MAC_SLOT_EMPTY):
        return
    mac_table_learn_slowly(table, mac, vlan, bundle, is_gratuitous_arp, is_bond)

# True while gratuitous ARP from a bond must not move the entry (NORMAL's admission of frames on SLB bonds asks).
cdef bint mac_table_is_grat_arp_locked(const mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil

# Once per second of capture time, and after a change of ageing time or size: moves `now_s` on (never back) and
# expires what is due (OVS mac_learning_run()).
cdef void mac_table_run(mac_table* table, uint32_t now_s) noexcept nogil

# The operator's commands. add_static returns False only if memory is short or an argument is out of range.
cdef bint mac_table_add_static(mac_table* table, uint64_t mac, uint16_t vlan, uint32_t bundle) noexcept nogil
cdef bint mac_table_del_static(mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil
cdef bint mac_table_expire(mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil   # any entry; True if found
cdef void mac_table_flush(mac_table* table) noexcept nogil                  # static entries stay
cdef void mac_table_flush_bundle(mac_table* table, uint32_t bundle) noexcept nogil      # static entries go too
cdef void mac_table_set_ageing_time(mac_table* table, uint32_t ageing_time_s) noexcept nogil
cdef void mac_table_set_max_entries(mac_table* table, uint32_t max_entries) noexcept nogil
cdef void mac_table_clear_statistics(mac_table* table) noexcept nogil
# Copies 64 words (NULL: no flood VLAN); True if the set changed, and then the caller flushes, as ofproto does.
cdef bint mac_table_set_flood_vlans(mac_table* table, const uint64_t* flood_vlans) noexcept nogil

cdef struct mac_entry:              # one line of fdb/show
    uint64_t mac
    uint16_t vlan
    uint32_t bundle
    int32_t age_s                   # -1 for a static entry
# The entry of an address, whatever it is; False if there is none.
cdef bint mac_table_entry(const mac_table* table, uint64_t mac, uint16_t vlan, mac_entry* entry) noexcept nogil
# Writes up to `n` entries, least recently used first (the order of fdb/show); returns how many there are,
# or 0 if there is no memory to sort them.
cdef uint32_t mac_table_dump(const mac_table* table, mac_entry* entries, uint32_t n) noexcept nogil
