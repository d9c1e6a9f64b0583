"""The multicast database (mdb) of one bridge: which bundles asked for which group, and where multicast routers are.

Learned, aged and evicted as OVS's mcast-snooping; read `mcast_table.pyx` for the algorithm and `mcast_snooping.pxd` for
what fills and asks it. Groups are IPv6 addresses as two words, most significant first; IPv4 groups are mapped
(::ffff:239.1.1.1). Times are whole seconds of capture time.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t

cdef enum:
    MCAST_AGEING_TIME_S = 300       # OVS MCAST_ENTRY_DEFAULT_IDLE_TIME; 15 to 3600
    MCAST_ROUTER_TIME_S = 180       # OVS MCAST_MROUTER_PORT_IDLE_TIME
    MCAST_TABLE_SIZE = 2048         # OVS MCAST_DEFAULT_MAX_ENTRIES; 10 to 1,000,000

cdef struct mcast_member:           # a bundle that asked for a group
    uint32_t bundle
    uint32_t used_s                 # second of its last report

cdef struct mcast_group:
    uint64_t address[2]
    uint16_t vlan
    mcast_member* members           # least recently reported first; can be empty for a while
    uint32_t n_members
    uint32_t n_allocated
    mcast_group* next               # in its hash bucket
    mcast_group* older              # by last report from any bundle
    mcast_group* newer

cdef struct mcast_router:           # a bundle on which a querier was seen
    uint32_t bundle
    uint32_t used_s
    uint16_t vlan

cdef struct mcast_ports:            # bundles that an operator chose
    uint32_t* bundles
    uint32_t n
    uint32_t n_allocated

cdef struct mcast_table:
    mcast_group** buckets           # power of two
    uint64_t bucket_mask
    mcast_group* oldest
    mcast_group* newest
    uint32_t n_groups
    uint32_t max_groups
    uint32_t ageing_time_s
    uint32_t now_s                  # set by mcast_table_run()
    mcast_router* routers           # least recently seen first
    uint32_t n_routers
    uint32_t n_routers_allocated
    mcast_ports flood_ports         # mcast-snooping-flood: get all multicast
    mcast_ports report_ports        # mcast-snooping-flood-reports: get all reports
    bint flood_unregistered         # unless mcast-snooping-disable-flood-unregistered
    uint64_t n_refused              # not learned for want of memory; no counterpart in OVS

cdef mcast_table* mcast_table_new() except NULL
cdef void mcast_table_free(mcast_table* table) noexcept nogil

# The group of `address` in `vlan`, or NULL.
cdef mcast_group* mcast_table_find(const mcast_table* table, const uint64_t* address, uint16_t vlan) noexcept nogil
cdef bint mcast_ports_have(const mcast_ports* ports, uint32_t bundle) noexcept nogil

# What reports, leaves and queries do.
cdef void mcast_table_join(mcast_table* table, const uint64_t* address, uint16_t vlan, uint32_t bundle) noexcept nogil
cdef void mcast_table_leave(mcast_table* table, const uint64_t* address, uint16_t vlan, uint32_t bundle) noexcept nogil
cdef void mcast_table_add_router(mcast_table* table, uint16_t vlan, uint32_t bundle) noexcept nogil

# Once per second of capture time, after any of the three above and after a change of configuration: moves `now_s`
# on (never back) and removes what is due, empty or too much (OVS mcast_snooping_run()).
cdef void mcast_table_run(mcast_table* table, uint32_t now_s) noexcept nogil

# The operator's commands. The set_* of ports return False only if there is no memory.
cdef void mcast_table_flush(mcast_table* table) noexcept nogil          # mdb/flush: groups and routers
cdef void mcast_table_flush_bundle(mcast_table* table, uint32_t bundle) noexcept nogil
cdef void mcast_table_set_ageing_time(mcast_table* table, uint32_t ageing_time_s) noexcept nogil
cdef void mcast_table_set_max_groups(mcast_table* table, uint32_t max_groups) noexcept nogil
cdef bint mcast_table_set_flood_port(mcast_table* table, uint32_t bundle, bint is_flood_port) noexcept nogil
cdef bint mcast_table_set_report_port(mcast_table* table, uint32_t bundle, bint is_report_port) noexcept nogil

cdef struct mcast_entry:            # one line of mdb/show
    uint64_t address[2]             # unspecified for a router ("querier")
    uint32_t bundle
    uint32_t age_s
    uint16_t vlan
    bint is_router
# Writes up to `n` entries in the order of mdb/show; returns how many there are.
cdef uint32_t mcast_table_dump(const mcast_table* table, mcast_entry* entries, uint32_t n) noexcept nogil
