"""Neighbours of the underlay: (bridge, IP address) → MAC, set, learned and aged as OVS's lib/tnl-neigh-cache.

Read `neighbors.pyx` for the rules. Addresses are two words, the most significant first, IPv4 as ``::ffff:a.b.c.d``.
Times are milliseconds of the switch's clock.
"""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.tables.flow_key cimport flow_key

cdef enum:
    NEIGHBOR_AGING_MS = 900000      # OVS NEIGH_ENTRY_DEFAULT_IDLE_TIME_MS
    NEIGHBOR_AGING_MAX_S = 3600     # OVS NEIGH_ENTRY_MAX_AGING_TIME_S
    NEIGHBORS_MAX = 1048576         # a flood of ARP replies is no reason to run out of memory; OVS has no limit

cdef struct neighbor:
    uint64_t address[2]
    uint64_t mac                    # 48 bits
    uint64_t expires_ms
    uint32_t bridge                 # number of a bridge in Datapath, or what the caller calls another name
    uint32_t next                   # of its hash bucket: index + 1; 0 ends it
    bint is_used                    # False: a free slot

cdef struct neighbor_table:
    neighbor* slots                 # a new one takes the first free slot: the order of tnl/neigh/show
    uint32_t n                      # in use
    uint32_t n_slots                # ... and free ones between them
    uint32_t n_allocated
    uint32_t first_free             # no slot before it is free
    uint32_t* buckets               # index + 1 of the first; 0: none
    uint32_t bucket_mask
    uint64_t aging_ms
    uint64_t next_expiry_ms         # nobody expires before
    uint64_t version                # grows when one comes, goes, or has another MAC
    uint64_t n_refused              # for want of memory or room; no counterpart in OVS

cdef neighbor_table* neighbors_new() except NULL
cdef void neighbors_free(neighbor_table* table) noexcept nogil

# False: unknown. Whoever is looked up stays for another `aging_ms`.
cdef bint neighbors_lookup(neighbor_table* table, uint32_t bridge, const uint64_t* address, uint64_t now_ms,
                           uint64_t* mac) noexcept nogil
# The entry, or NULL; it stays where it is until `version` grows.
cdef neighbor* neighbors_find(const neighbor_table* table, uint32_t bridge, const uint64_t* address) noexcept nogil
# False: no memory or no room.
cdef bint neighbors_set(neighbor_table* table, uint32_t bridge, const uint64_t* address, uint64_t mac,
                        uint64_t now_ms) noexcept nogil
# Learns from a frame that enters `bridge`, if it is an ARP reply, a gratuitous ARP or a neighbour advertisement.
cdef void neighbors_snoop(neighbor_table* table, const flow_key* key, uint32_t bridge, uint64_t now_ms) noexcept nogil

# Forgets whose time is up (OVS tnl_neigh_cache_run()); nothing is looked at before `next_expiry_ms`.
cdef void neighbors_run(neighbor_table* table, uint64_t now_ms) noexcept nogil
cdef bint neighbors_delete(neighbor_table* table, uint32_t bridge, const uint64_t* address) noexcept nogil
cdef void neighbors_flush(neighbor_table* table) noexcept nogil
cdef void neighbors_flush_bridge(neighbor_table* table, uint32_t bridge) noexcept nogil
cdef void neighbors_rename(neighbor_table* table, uint32_t bridge, uint32_t new_bridge) noexcept nogil
cdef void neighbors_set_aging(neighbor_table* table, uint64_t aging_ms, uint64_t now_ms) noexcept nogil
