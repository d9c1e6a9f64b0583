"""Neighbours of the underlay.

What
====
The MAC address of a tunnel's next hop, by bridge and IP address. The operator sets some (tnl/neigh/set), and frames that
enter a bridge with an address tell others. Every answer is that of OVS 3.1's lib/tnl-neigh-cache.c.

How it works
============
*Who is learned.* The sender of an ARP reply, or of a gratuitous ARP of any kind (sender and target address are equal),
and the target of a neighbour advertisement that carries its link-layer address. An address of zeros is not learned.
Whether a frame came in where it may be learned from is the datapath's question.

*Ageing.* An entry stays for 15 minutes after it was set, seen or asked for. The operator's age like all others. A
shorter time (tnl/neigh/aging) cuts down those that have longer, a longer one is for the future.

*Order.* OVS shows them in the order of a hash map with a random seed, another in every run. Ours is that of slots, of
which a new entry (and one with a new MAC is new) takes the first that is free.

*The table* is an array of slots, found by hash chains.

Thread-safety
=============
None: one thread at a time per table. A look-up writes, too.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc

from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.hash cimport hash_mix
from vswitch.wire.address_words cimport map_ipv4
from vswitch.wire.arp cimport ARP_OP_REPLY
from vswitch.wire.ethernet cimport ETH_TYPE_ARP, ETH_TYPE_IPV6
from vswitch.wire.icmp6 cimport ICMP6_NEIGHBOR_ADVERT
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP6

cdef extern from "<stdint.h>":
    const uint64_t NEVER "UINT64_MAX"

cdef enum:
    N_BUCKETS_MIN = 16


cdef neighbor_table* neighbors_new() except NULL:
    """A table without neighbours."""
    cdef neighbor_table* table = <neighbor_table*>calloc(1, sizeof(neighbor_table))
    if table == NULL:
        raise MemoryError("no memory for a table of neighbours")
    table.buckets = <uint32_t*>calloc(N_BUCKETS_MIN, sizeof(uint32_t))
    if table.buckets == NULL:
        free(table)
        raise MemoryError("no memory for a table of neighbours")
    table.bucket_mask = N_BUCKETS_MIN - 1
    table.aging_ms = NEIGHBOR_AGING_MS
    table.next_expiry_ms = NEVER
    return table


cdef void neighbors_free(neighbor_table* table) noexcept nogil:
    if table != NULL:
        free(table.slots)
        free(table.buckets)
        free(table)


cdef bint neighbors_lookup(neighbor_table* table, uint32_t bridge, const uint64_t* address, uint64_t now_ms,
                           uint64_t* mac) noexcept nogil:
    cdef neighbor* n = neighbors_find(table, bridge, address)
    if n == NULL or n.expires_ms <= now_ms:
        return False
    n.expires_ms = now_ms + table.aging_ms
    mac[0] = n.mac
    return True


cdef bint neighbors_set(neighbor_table* table, uint32_t bridge, const uint64_t* address, uint64_t mac,
                        uint64_t now_ms) noexcept nogil:
    cdef neighbor* n
    cdef uint32_t* bucket
    neighbors_run(table, now_ms)
    n = neighbors_find(table, bridge, address)
    if n != NULL and n.mac == mac:
        n.expires_ms = now_ms + table.aging_ms
        return True
    if n != NULL:
        forget(table, n)
    n = take_slot(table)
    if n == NULL:
        table.n_refused += 1
        return False
    n.address[0] = address[0]
    n.address[1] = address[1]
    n.mac = mac
    n.bridge = bridge
    n.expires_ms = now_ms + table.aging_ms
    n.is_used = True
    bucket = bucket_of(table, bridge, address)
    n.next = bucket[0]
    bucket[0] = <uint32_t>(n - table.slots) + 1
    table.next_expiry_ms = min(table.next_expiry_ms, n.expires_ms)
    table.version += 1
    return True


cdef void neighbors_snoop(neighbor_table* table, const flow_key* key, uint32_t bridge, uint64_t now_ms) noexcept nogil:
    cdef uint64_t address[2]
    if key.dl_type == ETH_TYPE_ARP:
        if (key.nw_proto == ARP_OP_REPLY or key.nw_src == key.nw_dst) and key.arp_sha:
            map_ipv4(key.nw_src, address)
            neighbors_set(table, bridge, address, key.arp_sha, now_ms)
    elif (key.dl_type == ETH_TYPE_IPV6 and key.nw_proto == IP_PROTO_ICMP6 and key.tp_src == ICMP6_NEIGHBOR_ADVERT
            and key.tp_dst == 0 and key.arp_tha):
        neighbors_set(table, bridge, key.nd_target, key.arp_tha, now_ms)


cdef void neighbors_run(neighbor_table* table, uint64_t now_ms) noexcept nogil:
    cdef uint32_t i
    cdef uint64_t next_ms = NEVER
    if now_ms < table.next_expiry_ms:
        return
    for i in range(table.n_slots):
        if not table.slots[i].is_used:
            continue
        if table.slots[i].expires_ms <= now_ms:
            forget(table, &table.slots[i])
        else:
            next_ms = min(next_ms, table.slots[i].expires_ms)
    table.next_expiry_ms = next_ms


cdef bint neighbors_delete(neighbor_table* table, uint32_t bridge, const uint64_t* address) noexcept nogil:
    """True if there was one."""
    cdef neighbor* n = neighbors_find(table, bridge, address)
    if n == NULL:
        return False
    forget(table, n)
    return True


cdef void neighbors_flush(neighbor_table* table) noexcept nogil:
    """Forgets all."""
    cdef uint32_t i
    for i in range(table.n_slots):
        if table.slots[i].is_used:
            forget(table, &table.slots[i])


cdef void neighbors_flush_bridge(neighbor_table* table, uint32_t bridge) noexcept nogil:
    """Forgets those of one bridge."""
    cdef uint32_t i
    for i in range(table.n_slots):
        if table.slots[i].is_used and table.slots[i].bridge == bridge:
            forget(table, &table.slots[i])


cdef void neighbors_rename(neighbor_table* table, uint32_t bridge, uint32_t new_bridge) noexcept nogil:
    """Those of `bridge` are now those of `new_bridge`, which must have none."""
    cdef uint32_t i
    cdef neighbor* n
    cdef uint32_t* bucket
    for i in range(table.n_slots):
        n = &table.slots[i]
        if n.is_used and n.bridge == bridge:
            unlink(table, n)
            n.bridge = new_bridge
            bucket = bucket_of(table, new_bridge, n.address)
            n.next = bucket[0]
            bucket[0] = i + 1
            table.version += 1


cdef void neighbors_set_aging(neighbor_table* table, uint64_t aging_ms, uint64_t now_ms) noexcept nogil:
    """How long entries stay from now on; those that have longer are cut down."""
    cdef uint32_t i
    table.aging_ms = aging_ms
    for i in range(table.n_slots):
        if table.slots[i].is_used and table.slots[i].expires_ms > now_ms + aging_ms:
            table.slots[i].expires_ms = now_ms + aging_ms
            table.next_expiry_ms = min(table.next_expiry_ms, now_ms + aging_ms)


cdef inline uint32_t* bucket_of(const neighbor_table* table, uint32_t bridge, const uint64_t* address) noexcept nogil:
    return &table.buckets[hash_mix(hash_mix(address[0] ^ bridge) ^ address[1]) & table.bucket_mask]


cdef neighbor* neighbors_find(const neighbor_table* table, uint32_t bridge, const uint64_t* address) noexcept nogil:
    cdef uint32_t at = bucket_of(table, bridge, address)[0]
    cdef neighbor* n
    while at:
        n = &table.slots[at - 1]
        if n.bridge == bridge and n.address[0] == address[0] and n.address[1] == address[1]:
            return n
        at = n.next
    return NULL


cdef void unlink(neighbor_table* table, const neighbor* n) noexcept nogil:
    """Takes it out of its hash chain."""
    cdef uint32_t number = <uint32_t>(n - table.slots) + 1
    cdef uint32_t* at = bucket_of(table, n.bridge, n.address)
    while at[0] != number:
        at = &table.slots[at[0] - 1].next
    at[0] = n.next


cdef void forget(neighbor_table* table, neighbor* n) noexcept nogil:
    unlink(table, n)
    n.is_used = False
    table.n -= 1
    table.first_free = min(table.first_free, <uint32_t>(n - table.slots))
    table.version += 1


cdef neighbor* take_slot(neighbor_table* table) noexcept nogil:
    """The first free slot, to be filled in and linked; NULL if there is no memory or no room."""
    cdef neighbor* grown
    cdef uint32_t n
    if table.n >= NEIGHBORS_MAX or (table.n > table.bucket_mask and not grow_buckets(table)):
        return NULL
    while table.first_free < table.n_slots and table.slots[table.first_free].is_used:
        table.first_free += 1
    if table.first_free == table.n_slots:
        if table.n_slots == table.n_allocated:
            n = 2 * table.n_allocated + 8
            grown = <neighbor*>realloc(table.slots, n * sizeof(neighbor))
            if grown == NULL:
                return NULL
            table.slots = grown
            table.n_allocated = n
        table.n_slots += 1
    table.n += 1
    return &table.slots[table.first_free]


cdef bint grow_buckets(neighbor_table* table) noexcept nogil:
    cdef uint32_t n = 2 * (table.bucket_mask + 1)
    cdef uint32_t* grown = <uint32_t*>calloc(n, sizeof(uint32_t))
    cdef uint32_t* bucket
    cdef uint32_t i
    if grown == NULL:
        return False
    free(table.buckets)
    table.buckets = grown
    table.bucket_mask = n - 1
    for i in range(table.n_slots):
        if table.slots[i].is_used:
            bucket = bucket_of(table, table.slots[i].bridge, table.slots[i].address)
            table.slots[i].next = bucket[0]
            bucket[0] = i + 1
    return True
