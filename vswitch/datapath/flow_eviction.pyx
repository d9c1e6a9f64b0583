"""Eviction, as choose_rule_to_evict() of OVS's ofproto.c: what the database's Flow_Table rows ask for.

Only flows that time out can go, and only if the table's policy says so. They are grouped by some bits of their matches; of
the largest group (of equal ones OVS takes a random one) goes the flow of the lowest importance, and among those the one that
would expire first. OVS keeps heaps; here the flows of the bridge are walked twice, when a full table gets one more.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from vswitch.datapath.flow_expiry cimport flow_expiry_ms
from vswitch.datapath.flow_table cimport table_limit

cdef struct member:                 # a slot of the hash table of groups
    flow* f                         # one of the group; NULL: free
    uint32_t n


cdef bint flow_eviction_is_full(const openflow_tables* t, uint8_t table) noexcept nogil:
    """True if the table takes no more flows."""
    return t.tables[table].limit != NULL and t.tables[table].n_flows >= t.tables[table].limit.max_flows


cdef bint flow_eviction_is_over(const openflow_tables* t, uint8_t table) noexcept nogil:
    """True if it has more flows than that already."""
    return t.tables[table].limit != NULL and t.tables[table].n_flows > t.tables[table].limit.max_flows


cdef flow* flow_eviction_choose(openflow_tables* t, uint8_t table) noexcept nogil:
    """The flow that goes; NULL if none may, or without memory."""
    cdef const table_limit* limit = t.tables[table].limit
    cdef uint32_t n_slots = 1
    cdef member* slots
    cdef member* largest = NULL
    cdef member* slot
    cdef flow* best = NULL
    cdef uint32_t i
    if limit == NULL or not (limit.evicts or t.tables[table].evicts):
        return NULL
    while n_slots < 2 * t.tables[table].n_flows:
        n_slots *= 2
    slots = <member*>calloc(n_slots, sizeof(member))
    if slots == NULL:
        return NULL
    for i in range(t.n_flows):
        if may_go(t.flows[i], table):
            slot = find_group(slots, n_slots, limit, t.flows[i])
            slot.n += 1
            if largest == NULL or slot.n > largest.n:
                largest = slot
    for i in range(t.n_flows):
        if may_go(t.flows[i], table) and find_group(slots, n_slots, limit, t.flows[i]) == largest and (
                best == NULL or goes_before(t.flows[i], best)):
            best = t.flows[i]
    free(slots)
    return best


cdef inline bint may_go(const flow* f, uint8_t table) noexcept nogil:
    return f.table == table and (f.idle_timeout_s or f.hard_timeout_s)


cdef inline bint goes_before(const flow* a, const flow* b) noexcept nogil:
    if a.importance != b.importance:
        return a.importance < b.importance
    if flow_expiry_ms(a) != flow_expiry_ms(b):
        return flow_expiry_ms(a) < flow_expiry_ms(b)
    return a.number < b.number


cdef uint64_t group_bits(const flow* f, uint64_t piece) noexcept nogil:
    """What the match says of a piece (ofpact.pxd) of the key."""
    cdef uint32_t n_bits = <uint32_t>(piece & 0xFF)
    cdef uint32_t i
    for i in range(f.rule.n_words):
        if f.rule.words[i] == piece >> 16:
            return f.rule.values[i] >> (piece >> 8 & 0xFF) & (
                <uint64_t>-1 if n_bits >= 64 else (<uint64_t>1 << n_bits) - 1)
    return 0


cdef member* find_group(member* slots, uint32_t n_slots, const table_limit* limit, flow* f) noexcept nogil:
    cdef uint64_t hash = 0
    cdef uint32_t i, at
    for i in range(limit.n_pieces):
        hash = (hash ^ group_bits(f, limit.pieces[i])) * <uint64_t>0x9E3779B97F4A7C15
        hash ^= hash >> 32
    at = <uint32_t>hash & (n_slots - 1)
    while slots[at].f != NULL and not same_group(slots[at].f, f, limit):
        at = (at + 1) & (n_slots - 1)
    if slots[at].f == NULL:
        slots[at].f = f
    return &slots[at]


cdef bint same_group(const flow* a, const flow* b, const table_limit* limit) noexcept nogil:
    cdef uint32_t i
    for i in range(limit.n_pieces):
        if group_bits(a, limit.pieces[i]) != group_bits(b, limit.pieces[i]):
            return False
    return True
