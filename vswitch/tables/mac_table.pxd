"""The forwarding database of one bridge: (VLAN, MAC) → bundle, learned, aged and evicted as OVS's mac-learning.

Read `mac_table.pyx` for the algorithm. Times are whole seconds of capture time.
"""
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    AGEING_TIME_S = 300             # OVS MAC_ENTRY_DEFAULT_IDLE_TIME
    AGEING_TIME_MIN_S = 15
    AGEING_TIME_MAX_S = 3600
    MAC_TABLE_SIZE = 8192           # OVS MAC_DEFAULT_MAX
    MAC_TABLE_SIZE_MIN = 10
    MAC_TABLE_SIZE_MAX = 1000000
    GRAT_ARP_LOCK_S = 5             # OVS MAC_GRAT_ARP_LOCK_TIME

cdef enum:
    BUNDLE_NONE = 0xFFFFFFFF        # what a look-up that misses returns

cdef struct mac_slot:               # hot half of an entry: 16 bytes, four to a cache line
    uint64_t key                    # vlan << 48 | mac; MAC_SLOT_EMPTY if free
    uint32_t bundle                 # where the address was seen
    uint32_t used_s                 # second of the last refresh; MAC_STATIC for a static entry

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
    uint32_t n_static
    void* internals                 # recency, per-bundle usage: see mac_table.pyx

cdef mac_table* mac_table_new() except NULL
cdef void mac_table_free(mac_table* table) noexcept nogil

# Per frame. `mac` has 48 bits, most significant byte first on the wire.
cdef uint32_t mac_table_lookup(const mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil
cdef void mac_table_learn(mac_table* table, uint64_t mac, uint16_t vlan, uint32_t bundle,
                          bint is_gratuitous_arp, bint is_bond) noexcept nogil

# Once per second of capture time: moves `now_s` on and expires what is due (OVS mac_learning_run()).
cdef void mac_table_run(mac_table* table, uint32_t now_s) noexcept nogil

# The operator's commands.
cdef bint mac_table_add_static(mac_table* table, uint64_t mac, uint16_t vlan, uint32_t bundle) noexcept nogil
cdef bint mac_table_del_static(mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil
cdef bint mac_table_expire(mac_table* table, uint64_t mac, uint16_t vlan) noexcept nogil   # any entry; True if found
cdef void mac_table_flush(mac_table* table) noexcept nogil                  # static entries stay
cdef void mac_table_flush_bundle(mac_table* table, uint32_t bundle) noexcept nogil
cdef void mac_table_set_ageing_time(mac_table* table, uint32_t ageing_time_s) noexcept nogil
cdef void mac_table_set_max_entries(mac_table* table, uint32_t max_entries) noexcept nogil
cdef void mac_table_clear_statistics(mac_table* table) noexcept nogil

cdef struct mac_entry:              # one line of fdb/show
    uint64_t mac
    uint16_t vlan
    uint32_t bundle
    int32_t age_s                   # -1 for a static entry
# Writes up to `n` entries, least recently used first (the order of fdb/show); returns how many there are.
cdef uint32_t mac_table_dump(const mac_table* table, mac_entry* entries, uint32_t n) noexcept nogil
