"""The multicast database (mdb) of one bridge.

What
====
Without it a switch floods multicast. With it, hosts that want a group say so (IGMP, MLD), the switch remembers the
bundles they are behind, and the group's frames go there alone: (VLAN, group) → members. Bundles on which a querier was
seen lead to multicast routers; these get all groups and all reports. Two kinds of bundle are chosen by the operator:
flood ports get all multicast, report ports all reports. Every answer is that of OVS 3.1's lib/mcast-snooping.c.

Design goal
===========
Look-ups are per frame, changes are per report: a few a second. So look-ups are a hash bucket and a row of members that
lie side by side, and changes may move memory about.

How it works
============
Groups are in hash buckets, and in a list from the one with the oldest last report to the newest. A group's members
are an array in the same order; a report moves its bundle to the end. Routers are such an array too.

*Eviction.* A new group in a full table takes the place of the oldest.

*Ageing.* A member is due when `used_s` + ageing time <= `now_s`, a router after 180 s. `run` looks at the oldest group
only: members that are due go, a group without members goes, and if it was neither the run is over. What follows
from this is OVS's behaviour and ours: a member that is due stays as long as a group before its own has nothing due,
and a group that was left by its last member, unless it is the oldest, stays for as long, and keeps its frames from
being flooded.

*No duplicates, nearly.* A report from a bundle that is a router in this VLAN or a flood port is not learned, as that
bundle gets the group anyway. But a bundle that becomes a router later is still a member, and gets frames twice until it
ages out. OVS sends them twice, and so do we.

*Leaving.* A bundle that is a report port has, as a rule, more hosts behind it than the one that left, so it does not
leave; it ages out.

When memory is short
====================
Memory is taken before anything is changed. If there is none the report is ignored and counted in `n_refused`.

Thread-safety
=============
None: one thread at a time per table. Look-ups alone may run side by side.
"""
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memmove

from vswitch.tables.hash cimport hash_mix

cdef enum:
    N_BUCKETS_MIN = 16
    AGEING_TIME_MIN_S = 15          # OVS normalize_idle_time()
    AGEING_TIME_MAX_S = 3600
    MAX_GROUPS_MIN = 10             # OVS mcast_snooping_set_max_entries()
    MAX_GROUPS_MAX = 1000000

# --- life

cdef mcast_table* mcast_table_new() except NULL:
    cdef mcast_table* table = <mcast_table*>calloc(1, sizeof(mcast_table))
    if table == NULL:
        raise MemoryError("no memory for a multicast table")
    table.buckets = <mcast_group**>calloc(N_BUCKETS_MIN, sizeof(mcast_group*))
    if table.buckets == NULL:
        free(table)
        raise MemoryError("no memory for a multicast table")
    table.bucket_mask = N_BUCKETS_MIN - 1
    table.max_groups = MCAST_TABLE_SIZE
    table.ageing_time_s = MCAST_AGEING_TIME_S
    table.flood_unregistered = True
    return table

cdef void mcast_table_free(mcast_table* table) noexcept nogil:
    if table == NULL:
        return
    mcast_table_flush(table)
    free(table.buckets)
    free(table.routers)
    free(table.flood_ports.bundles)
    free(table.report_ports.bundles)
    free(table)

# --- reports, leaves and queries

cdef void mcast_table_join(mcast_table* table, const uint64_t* address, uint16_t vlan, uint32_t bundle) noexcept nogil:
    cdef mcast_group* group
    if router_index(table, vlan, bundle) < table.n_routers or mcast_ports_have(&table.flood_ports, bundle):
        return
    group = mcast_table_find(table, address, vlan)
    if group == NULL:
        group = group_new(address, vlan)
        if group == NULL:
            table.n_refused += 1
            return
        if table.n_groups >= table.max_groups:
            remove_group(table, table.oldest)
        buckets_grow(table)
        add_group(table, group)
    elif not group_reserve(group):
        table.n_refused += 1
        return
    else:
        unlink_group(table, group)
    link_newest_group(table, group)
    remove_member(group, bundle)
    group.members[group.n_members].bundle = bundle
    group.members[group.n_members].used_s = table.now_s
    group.n_members += 1

cdef void mcast_table_leave(mcast_table* table, const uint64_t* address, uint16_t vlan, uint32_t bundle) noexcept nogil:
    cdef mcast_group* group
    if mcast_ports_have(&table.report_ports, bundle):
        return
    group = mcast_table_find(table, address, vlan)
    if group != NULL:
        remove_member(group, bundle)

cdef void mcast_table_add_router(mcast_table* table, uint16_t vlan, uint32_t bundle) noexcept nogil:
    cdef mcast_router* routers
    cdef uint32_t n, i = router_index(table, vlan, bundle)
    if mcast_ports_have(&table.flood_ports, bundle):
        return
    if i < table.n_routers:
        remove_routers(table, i, 1)
    elif table.n_routers == table.n_routers_allocated:
        n = 2 * table.n_routers_allocated + 4
        routers = <mcast_router*>realloc(table.routers, n * sizeof(mcast_router))
        if routers == NULL:
            table.n_refused += 1
            return
        table.routers = routers
        table.n_routers_allocated = n
    table.routers[table.n_routers].bundle = bundle
    table.routers[table.n_routers].vlan = vlan
    table.routers[table.n_routers].used_s = table.now_s
    table.n_routers += 1

cdef void mcast_table_run(mcast_table* table, uint32_t now_s) noexcept nogil:
    cdef uint32_t n = 0
    if now_s > table.now_s:
        table.now_s = now_s
    while table.oldest != NULL:
        if table.n_groups > table.max_groups:
            remove_group(table, table.oldest)
        elif not prune(table, table.oldest):
            break
    while n < table.n_routers and <uint64_t>table.routers[n].used_s + MCAST_ROUTER_TIME_S <= table.now_s:
        n += 1
    if n > 0:
        remove_routers(table, 0, n)

cdef bint prune(mcast_table* table, mcast_group* group) noexcept nogil:
    """Remove what is due in `group`, and itself if it has no members; False if there was nothing to remove."""
    cdef uint32_t n = 0
    while n < group.n_members and <uint64_t>group.members[n].used_s + table.ageing_time_s <= table.now_s:
        n += 1
    group.n_members -= n
    memmove(group.members, group.members + n, group.n_members * sizeof(mcast_member))
    if group.n_members == 0:
        remove_group(table, group)
        return True
    return n > 0

# --- the operator's commands

cdef void mcast_table_flush(mcast_table* table) noexcept nogil:
    while table.oldest != NULL:
        remove_group(table, table.oldest)
    table.n_routers = 0

cdef void mcast_table_flush_bundle(mcast_table* table, uint32_t bundle) noexcept nogil:
    cdef mcast_group* group = table.oldest
    cdef mcast_group* newer
    cdef uint32_t i = 0
    while group != NULL:
        newer = group.newer
        # A group that was empty before stays, as in OVS.
        if remove_member(group, bundle) and group.n_members == 0:
            remove_group(table, group)
        group = newer
    while i < table.n_routers:
        if table.routers[i].bundle == bundle:
            remove_routers(table, i, 1)
        else:
            i += 1

cdef void mcast_table_set_ageing_time(mcast_table* table, uint32_t ageing_time_s) noexcept nogil:
    table.ageing_time_s = min(max(ageing_time_s, <uint32_t>AGEING_TIME_MIN_S), <uint32_t>AGEING_TIME_MAX_S)

cdef void mcast_table_set_max_groups(mcast_table* table, uint32_t max_groups) noexcept nogil:
    table.max_groups = min(max(max_groups, <uint32_t>MAX_GROUPS_MIN), <uint32_t>MAX_GROUPS_MAX)

cdef bint mcast_table_set_flood_port(mcast_table* table, uint32_t bundle, bint is_flood_port) noexcept nogil:
    return ports_set(&table.flood_ports, bundle, is_flood_port)

cdef bint mcast_table_set_report_port(mcast_table* table, uint32_t bundle, bint is_report_port) noexcept nogil:
    return ports_set(&table.report_ports, bundle, is_report_port)

cdef uint32_t mcast_table_dump(const mcast_table* table, mcast_entry* entries, uint32_t n) noexcept nogil:
    cdef const mcast_group* group = table.oldest
    cdef uint32_t i, n_entries = 0
    while group != NULL:
        for i in range(group.n_members):
            if n_entries < n:
                entries[n_entries].address[0] = group.address[0]
                entries[n_entries].address[1] = group.address[1]
                entries[n_entries].bundle = group.members[i].bundle
                entries[n_entries].age_s = table.now_s - group.members[i].used_s
                entries[n_entries].vlan = group.vlan
                entries[n_entries].is_router = False
            n_entries += 1
        group = group.newer
    for i in range(table.n_routers):
        if n_entries < n:
            entries[n_entries].address[0] = entries[n_entries].address[1] = 0
            entries[n_entries].bundle = table.routers[i].bundle
            entries[n_entries].age_s = table.now_s - table.routers[i].used_s
            entries[n_entries].vlan = table.routers[i].vlan
            entries[n_entries].is_router = True
        n_entries += 1
    return n_entries

# --- groups

cdef inline mcast_group** bucket_of(const mcast_table* table, const uint64_t* address, uint16_t vlan) noexcept nogil:
    return &table.buckets[hash_mix(hash_mix(address[0] ^ vlan) ^ address[1]) & table.bucket_mask]

cdef mcast_group* mcast_table_find(const mcast_table* table, const uint64_t* address, uint16_t vlan) noexcept nogil:
    cdef mcast_group* group = bucket_of(table, address, vlan)[0]
    while group != NULL and (group.address[0] != address[0] or group.address[1] != address[1] or group.vlan != vlan):
        group = group.next
    return group

cdef mcast_group* group_new(const uint64_t* address, uint16_t vlan) noexcept nogil:
    """A group with room for a member, or NULL if there is no memory."""
    cdef mcast_group* group = <mcast_group*>calloc(1, sizeof(mcast_group))
    if group == NULL:
        return NULL
    group.address[0] = address[0]
    group.address[1] = address[1]
    group.vlan = vlan
    if not group_reserve(group):
        free(group)
        return NULL
    return group

cdef bint group_reserve(mcast_group* group) noexcept nogil:
    """Make room for one more member; False, and nothing is changed, if there is no memory."""
    cdef uint32_t n = 2 * group.n_allocated + 2
    cdef mcast_member* members
    if group.n_members < group.n_allocated:
        return True
    members = <mcast_member*>realloc(group.members, n * sizeof(mcast_member))
    if members == NULL:
        return False
    group.members = members
    group.n_allocated = n
    return True

cdef void buckets_grow(mcast_table* table) noexcept nogil:
    """Double the buckets if there are more groups than buckets. Without memory for it, look-ups only get slower."""
    cdef mcast_group* group = table.oldest
    cdef mcast_group** buckets
    if table.n_groups <= table.bucket_mask:
        return
    buckets = <mcast_group**>calloc(2 * (table.bucket_mask + 1), sizeof(mcast_group*))
    if buckets == NULL:
        return
    free(table.buckets)
    table.buckets = buckets
    table.bucket_mask = 2 * table.bucket_mask + 1
    while group != NULL:
        buckets = bucket_of(table, group.address, group.vlan)
        group.next = buckets[0]
        buckets[0] = group
        group = group.newer

cdef void add_group(mcast_table* table, mcast_group* group) noexcept nogil:
    cdef mcast_group** bucket = bucket_of(table, group.address, group.vlan)
    group.next = bucket[0]
    bucket[0] = group
    table.n_groups += 1

cdef void remove_group(mcast_table* table, mcast_group* group) noexcept nogil:
    cdef mcast_group** link = bucket_of(table, group.address, group.vlan)
    while link[0] != group:
        link = &link[0].next
    link[0] = group.next
    unlink_group(table, group)
    table.n_groups -= 1
    free(group.members)
    free(group)

cdef void link_newest_group(mcast_table* table, mcast_group* group) noexcept nogil:
    group.older = table.newest
    group.newer = NULL
    if table.newest != NULL:
        table.newest.newer = group
    else:
        table.oldest = group
    table.newest = group

cdef void unlink_group(mcast_table* table, mcast_group* group) noexcept nogil:
    if group.older != NULL:
        group.older.newer = group.newer
    else:
        table.oldest = group.newer
    if group.newer != NULL:
        group.newer.older = group.older
    else:
        table.newest = group.older

cdef bint remove_member(mcast_group* group, uint32_t bundle) noexcept nogil:
    cdef uint32_t i
    for i in range(group.n_members):
        if group.members[i].bundle == bundle:
            group.n_members -= 1
            memmove(group.members + i, group.members + i + 1, (group.n_members - i) * sizeof(mcast_member))
            return True
    return False

# --- routers and ports

cdef uint32_t router_index(const mcast_table* table, uint16_t vlan, uint32_t bundle) noexcept nogil:
    """Where the router on `bundle` in `vlan` is in `routers`; `n_routers` if it is not there."""
    cdef uint32_t i
    for i in range(table.n_routers):
        if table.routers[i].bundle == bundle and table.routers[i].vlan == vlan:
            return i
    return table.n_routers

cdef void remove_routers(mcast_table* table, uint32_t first, uint32_t n) noexcept nogil:
    table.n_routers -= n
    memmove(table.routers + first, table.routers + first + n, (table.n_routers - first) * sizeof(mcast_router))

cdef uint32_t port_index(const mcast_ports* ports, uint32_t bundle) noexcept nogil:
    cdef uint32_t i
    for i in range(ports.n):
        if ports.bundles[i] == bundle:
            return i
    return ports.n

cdef bint mcast_ports_have(const mcast_ports* ports, uint32_t bundle) noexcept nogil:
    return port_index(ports, bundle) < ports.n

cdef bint ports_set(mcast_ports* ports, uint32_t bundle, bint present) noexcept nogil:
    cdef uint32_t i = port_index(ports, bundle)
    cdef uint32_t n = 2 * ports.n_allocated + 4
    cdef uint32_t* bundles
    if present == (i < ports.n):
        return True
    if not present:
        ports.n -= 1
        memmove(ports.bundles + i, ports.bundles + i + 1, (ports.n - i) * sizeof(uint32_t))
        return True
    if ports.n == ports.n_allocated:
        bundles = <uint32_t*>realloc(ports.bundles, n * sizeof(uint32_t))
        if bundles == NULL:
            return False
        ports.bundles = bundles
        ports.n_allocated = n
    ports.bundles[ports.n] = bundle
    ports.n += 1
    return True
