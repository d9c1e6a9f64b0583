"""Routes of the underlay.

What
====
A tunnel's outer packet leaves by the route to its remote end. A route leads from a prefix and a packet mark to a
device, a gateway (or the link itself) and the address to send from. Every answer is that of OVS 3.1's
lib/ovs-router.c, which keeps its routes in a classifier.

How it works
============
*Priority, not length.* A route's priority is its prefix length, to which 32 is added if the operator gave it and 64 if
the destination is an address of the node itself. So an operator's 10.0.0.0/24 (96 + 24 + 32) wins against the system's
10.0.0.7/32 (96 + 32), and only the node's own addresses win against the operator. Of equal priorities the longer prefix wins.

*Marks.* A route is for one packet mark and no other; there is no fallback to mark 0.

*Source.* A route is given its source address when it is made (datapath/underlay); the address may be gone since. A
tunnel that wants a source of its own gets it only if the best route to that address is a local one.

*The table* is an array sorted by prefix length, destination and mark. A look-up is one binary search for each length
that occurs, from the longest on. Routes are looked up once for a kind of frame, not once a frame, and tables are
short; changes move memory about.

*Order of a dump.* OVS shows lengths by their highest priority, and within a length in order of arrival.

Thread-safety
=============
None: one thread at a time per table. Look-ups alone may run side by side.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, qsort, realloc
from libc.string cimport memmove


cdef route_table* routes_new() except NULL:
    """A table without routes."""
    cdef route_table* table = <route_table*>calloc(1, sizeof(route_table))
    if table == NULL:
        raise MemoryError("no memory for a routing table")
    return table


cdef void routes_free(route_table* table) noexcept nogil:
    if table != NULL:
        free(table.routes)
        free(table)


cdef bint routes_lookup(const route_table* table, uint32_t mark, const uint64_t* dst, uint64_t* src,
                        uint64_t* gateway, uint32_t* device) noexcept nogil:
    cdef const route* r
    cdef bint wants_source = src[0] or src[1]
    if wants_source:
        r = routes_find(table, mark, src)
        if r == NULL or not r.is_local:
            return False
    r = routes_find(table, mark, dst)
    if r == NULL:
        return False
    gateway[0] = r.gateway[0]
    gateway[1] = r.gateway[1]
    device[0] = r.device
    if not wants_source:
        src[0] = r.source[0]
        src[1] = r.source[1]
    return True


cdef const route* routes_find(const route_table* table, uint32_t mark, const uint64_t* dst) noexcept nogil:
    """The route with the highest priority, or NULL."""
    cdef const route* best = NULL
    cdef const route* r
    cdef uint64_t masked[2]
    cdef uint32_t at
    cdef int plen
    for plen in range(ROUTE_MAX_PLEN, -1, -1):
        if table.starts[plen] == table.starts[plen + 1]:
            continue
        if best != NULL and best.priority >= plen + ROUTE_LOCAL:
            break
        masked[0] = dst[0] & route_mask(<uint32_t>plen, 0)
        masked[1] = dst[1] & route_mask(<uint32_t>plen, 1)
        at = first_at(table, <uint32_t>plen, masked, mark, 255)
        if at == table.starts[plen + 1]:
            continue
        r = &table.routes[at]
        if (r.dst[0] == masked[0] and r.dst[1] == masked[1] and r.mark == mark
                and (best == NULL or r.priority > best.priority)):
            best = r
    return best


cdef bint routes_add(route_table* table, const route* r) noexcept nogil:
    cdef route* grown
    cdef uint64_t masked[2]
    cdef uint32_t at, i
    cdef uint64_t turn
    masked[0] = r.dst[0] & route_mask(r.plen, 0)
    masked[1] = r.dst[1] & route_mask(r.plen, 1)
    at = first_at(table, r.plen, masked, r.mark, r.priority)
    if is_at(table, at, r.plen, masked, r.mark, r.priority):
        turn = table.routes[at].turn
    else:
        if table.n == table.n_allocated:
            grown = <route*>realloc(table.routes, (2 * table.n + 8) * sizeof(route))
            if grown == NULL:
                return False
            table.routes = grown
            table.n_allocated = 2 * table.n + 8
        memmove(&table.routes[at + 1], &table.routes[at], (table.n - at) * sizeof(route))
        table.n += 1
        for i in range(<uint32_t>r.plen + 1, ROUTE_MAX_PLEN + 2):
            table.starts[i] += 1
        table.last_turn += 1
        turn = table.last_turn
    table.routes[at] = r[0]
    table.routes[at].dst[0] = masked[0]
    table.routes[at].dst[1] = masked[1]
    table.routes[at].turn = turn
    table.version += 1
    return True


cdef bint routes_del(route_table* table, uint32_t mark, const uint64_t* dst, uint8_t plen, uint8_t priority) noexcept nogil:
    """True if there was such a route."""
    cdef uint64_t masked[2]
    cdef uint32_t at
    masked[0] = dst[0] & route_mask(plen, 0)
    masked[1] = dst[1] & route_mask(plen, 1)
    at = first_at(table, plen, masked, mark, priority)
    if not is_at(table, at, plen, masked, mark, priority):
        return False
    remove_at(table, at)
    return True


cdef void routes_flush_cached(route_table* table) noexcept nogil:
    """Forgets what came from the system's own table."""
    cdef uint32_t i
    for i in range(table.n, 0, -1):
        if table.routes[i - 1].is_cached:
            remove_at(table, i - 1)


cdef void routes_set_device(route_table* table, uint32_t name, uint32_t device) noexcept nogil:
    cdef uint32_t i
    for i in range(table.n):
        if table.routes[i].name == name and table.routes[i].device != device:
            table.routes[i].device = device
            table.version += 1


cdef struct order_key:
    uint32_t priority               # the highest of its prefix length
    uint32_t index
    uint64_t turn


cdef uint32_t* routes_order(const route_table* table) noexcept nogil:
    cdef order_key* keys = <order_key*>malloc((table.n + 1) * sizeof(order_key))
    cdef uint32_t* order = <uint32_t*>malloc((table.n + 1) * sizeof(uint32_t))
    cdef uint32_t plen, i, highest
    if keys == NULL or order == NULL:
        free(keys)
        free(order)
        return NULL
    for plen in range(ROUTE_MAX_PLEN + 1):
        highest = 0
        for i in range(table.starts[plen], table.starts[plen + 1]):
            if table.routes[i].priority > highest:
                highest = table.routes[i].priority
        for i in range(table.starts[plen], table.starts[plen + 1]):
            keys[i].priority = highest
            keys[i].index = i
            keys[i].turn = table.routes[i].turn
    qsort(keys, table.n, sizeof(order_key), compare_keys)
    for i in range(table.n):
        order[i] = keys[i].index
    free(keys)
    return order


cdef int compare_keys(const void* a, const void* b) noexcept nogil:
    cdef const order_key* x = <const order_key*>a
    cdef const order_key* y = <const order_key*>b
    if x.priority != y.priority:
        return -1 if x.priority > y.priority else 1
    return -1 if x.turn < y.turn else 1


cdef uint32_t first_at(const route_table* table, uint32_t plen, const uint64_t* dst, uint32_t mark,
                       uint32_t priority) noexcept nogil:
    """Index of the first route of the length that does not come before these values; one past its last if all do."""
    cdef uint32_t low = table.starts[plen]
    cdef uint32_t high = table.starts[plen + 1]
    cdef uint32_t middle
    while low < high:
        middle = low + (high - low) // 2
        if is_before(&table.routes[middle], dst, mark, priority):
            low = middle + 1
        else:
            high = middle
    return low


cdef inline bint is_before(const route* r, const uint64_t* dst, uint32_t mark, uint32_t priority) noexcept nogil:
    if r.dst[0] != dst[0]:
        return r.dst[0] < dst[0]
    if r.dst[1] != dst[1]:
        return r.dst[1] < dst[1]
    if r.mark != mark:
        return r.mark < mark
    return r.priority > priority


cdef inline bint is_at(const route_table* table, uint32_t at, uint32_t plen, const uint64_t* dst, uint32_t mark,
                       uint32_t priority) noexcept nogil:
    cdef const route* r
    if at == table.starts[plen + 1]:
        return False
    r = &table.routes[at]
    return r.dst[0] == dst[0] and r.dst[1] == dst[1] and r.mark == mark and r.priority == priority


cdef void remove_at(route_table* table, uint32_t at) noexcept nogil:
    cdef uint32_t plen = table.routes[at].plen
    cdef uint32_t i
    memmove(&table.routes[at], &table.routes[at + 1], (table.n - at - 1) * sizeof(route))
    table.n -= 1
    for i in range(plen + 1, ROUTE_MAX_PLEN + 2):
        table.starts[i] -= 1
    table.version += 1
