"""Where a packet goes.

What
====
As Linux decides it: an address of the router's own is asked for first, whatever the rules say; then each rule in its order
that the packet fulfils names a table, and the longest prefix there that holds the destination is the answer. A table without
one leaves it to the next rule. The last rule asks the main table.

How it works
============
All tables are one (tables/routes.pyx), with the table's number in place of a packet mark. Answers are kept in a cache with one
place for each hash; an answer counts as long as the routes have the same version. Without rules the destination alone decides,
otherwise source and input interface do, too.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint32_t, uint64_t

from vswitch.devices.router_notes cimport NOTE_TABLE, take_note
from vswitch.devices.router_state cimport (
    LOCAL_TABLE, MAIN_TABLE, NO_INTERFACE, ROUTE_CACHE_LEN, policy_rule,
)
from vswitch.tables.hash cimport hash_pair
from vswitch.tables.routes cimport ROUTE_NO_DEVICE, route, routes_find
from vswitch.wire.address_words cimport is_mapped_ipv4

cdef enum:
    IPV4_BITS_BEFORE = 96           # of a mapped address


cdef destination* routing_find(router* r, uint32_t in_interface, const uint64_t* src, const uint64_t* dst) noexcept nogil:
    cdef destination* d
    if r.n_rules == 0:
        d = &r.cache[hash_pair(dst[0], dst[1]) & (ROUTE_CACHE_LEN - 1)]
        if d.dst[1] != dst[1] or d.dst[0] != dst[0] or d.version != r.routes.version:
            look_up(r, d, in_interface, src, dst)
        return d
    d = &r.cache[hash_pair(dst[0] ^ src[1] << 24 ^ in_interface, dst[1] ^ src[0]) & (ROUTE_CACHE_LEN - 1)]
    if (d.dst[1] != dst[1] or d.dst[0] != dst[0] or d.version != r.routes.version or d.src[1] != src[1] or d.src[0] != src[0]
            or d.in_interface != in_interface or r.notes != NULL):
        look_up(r, d, in_interface, src, dst)
    return d


cdef void look_up(router* r, destination* d, uint32_t in_interface, const uint64_t* src, const uint64_t* dst) noexcept nogil:
    cdef const route* found = routes_find(r.routes, LOCAL_TABLE, dst)
    cdef const policy_rule* rule
    cdef uint32_t i
    d.dst[0] = dst[0]
    d.dst[1] = dst[1]
    d.src[0] = src[0]
    d.src[1] = src[1]
    d.in_interface = in_interface
    d.version = r.routes.version
    d.is_local = found != NULL
    d.neighbor = NO_INTERFACE
    for i in range(r.n_rules if found == NULL else 0):
        rule = &r.rules[i]
        if ((rule.interface != NO_INTERFACE and rule.interface != in_interface)
                or (src[0] ^ rule.src[0]) & rule.src_mask[0] or (src[1] ^ rule.src[1]) & rule.src_mask[1]
                or (dst[0] ^ rule.dst[0]) & rule.dst_mask[0] or (dst[1] ^ rule.dst[1]) & rule.dst_mask[1]):
            continue
        found = routes_find(r.routes, rule.table, dst)
        if found != NULL and is_mapped_ipv4(dst) and found.plen < IPV4_BITS_BEFORE:
            found = NULL            # ::/0 is no route of IPv4
        if found != NULL:
            if rule.table != MAIN_TABLE:
                take_note(r.notes, NOTE_TABLE, NO_INTERFACE, NULL, NULL, rule.table)
            break
    if found == NULL and r.n_rules == 0:
        found = routes_find(r.routes, MAIN_TABLE, dst)
    if found == NULL or found.device == ROUTE_NO_DEVICE or (is_mapped_ipv4(dst) and found.plen < IPV4_BITS_BEFORE):
        d.interface = NO_INTERFACE
        d.source[0] = d.source[1] = 0
        return
    d.interface = found.device
    d.source[0] = found.source[0]
    d.source[1] = found.source[1]
    if found.gateway[0] or found.gateway[1]:
        d.next_hop[0] = found.gateway[0]
        d.next_hop[1] = found.gateway[1]
    else:
        d.next_hop[0] = dst[0]
        d.next_hop[1] = dst[1]


cdef bint routing_is_local(const router* r, const uint64_t* address) noexcept nogil:
    return routes_find(r.routes, LOCAL_TABLE, address) != NULL
