"""Groups and meters by number, and which hash a select group goes by.

A select group without a method is hashed as OVS's datapath would (dp_hash): `hash_map` spreads up to 256 values of the
hash over the buckets in proportion to their weights, by Webster's method, as group_setup_dp_hash_table() of
ofproto-dpif does, so that a frame meets the same bucket here as there. Groups whose weights need more values than
that go by the highest random weight instead.

A group or meter is replaced whole. Programs hold references, so what they still point at outlives its table.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memmove

from vswitch.datapath.flow_table cimport GROUP_SELECT, group_unref, meter_unref, ports_note_change

cdef enum:
    SELECTION_NONE = 0
    SELECTION_DP_HASH = 1
    MIN_HASH_VALUES = 16
    MAX_HASH_VALUES = 256           # OVS MAX_SELECT_GROUP_HASH_VALUES


cdef void group_choose_hash(group* g, uint32_t first, uint32_t n) noexcept nogil:
    """Settles `hash_map`, which leads to `n` buckets from `first` on, and what goes with it (OVS group_set_selection_method())."""
    free(g.hash_map)
    g.hash_map = NULL
    if g.type != GROUP_SELECT or g.selection > SELECTION_DP_HASH or not make_hash_map(g, first, n):
        return
    if g.selection == SELECTION_NONE:
        g.hash_alg = HASH_ALG_SYM_L4
        g.hash_basis = 0
    else:
        g.hash_alg = HASH_ALG_SYM_L4 if g.selection_param >> 32 == HASH_ALG_SYM_L4 else HASH_ALG_L4
        g.hash_basis = <uint32_t>g.selection_param


cdef bint make_hash_map(group* g, uint32_t first, uint32_t n) noexcept nogil:
    cdef uint64_t total = 0
    cdef uint64_t n_values = MIN_HASH_VALUES
    cdef uint32_t smallest = 0
    cdef uint32_t i, hash, winner
    cdef double* values
    cdef uint32_t* divisors
    for i in range(first, first + n):
        if g.buckets[i].weight and (smallest == 0 or g.buckets[i].weight < smallest):
            smallest = g.buckets[i].weight
        total += g.buckets[i].weight
    if total == 0:
        return False
    while n_values < (total + smallest - 1) // smallest:
        n_values *= 2
    if n_values > MAX_HASH_VALUES:
        return False
    values = <double*>calloc(n, sizeof(double) + sizeof(uint32_t))
    g.hash_map = <uint16_t*>calloc(n_values, sizeof(uint16_t))
    if values == NULL or g.hash_map == NULL:
        free(values)
        free(g.hash_map)
        g.hash_map = NULL
        return False
    divisors = <uint32_t*>(values + n)
    for i in range(n):
        values[i] = g.buckets[first + i].weight
        divisors[i] = 1
    for hash in range(<uint32_t>n_values):
        winner = 0
        for i in range(1, n):
            if values[i] > values[winner]:
                winner = i
        divisors[winner] += 2
        values[winner] = <double>g.buckets[first + winner].weight / divisors[winner]
        g.hash_map[hash] = <uint16_t>(first + winner)
    g.hash_mask = <uint32_t>n_values - 1
    free(values)
    return True


cdef inline uint32_t group_position(const openflow_tables* t, uint32_t id) noexcept nogil:
    cdef uint32_t i = 0
    while i < t.n_groups and t.groups[i].id < id:
        i += 1
    return i


cdef inline uint32_t meter_position(const openflow_tables* t, uint32_t id) noexcept nogil:
    cdef uint32_t i = 0
    while i < t.n_meters and t.meters[i].id < id:
        i += 1
    return i


cdef void groups_note_change(openflow_tables* t) noexcept nogil:
    t.version += 1
    t.groups_version = t.version


cdef bint groups_put(openflow_tables* t, group* g) noexcept nogil:
    """Adds a group, in the place of one with the same number."""
    cdef uint32_t at = group_position(t, g.id)
    cdef group** grown
    if at < t.n_groups and t.groups[at].id == g.id:
        t.groups[at].is_removed = True
        group_unref(t.groups[at])
    else:
        grown = <group**>realloc(t.groups, (t.n_groups + 1) * sizeof(group*))
        if grown == NULL:
            return False
        t.groups = grown
        memmove(&grown[at + 1], &grown[at], (t.n_groups - at) * sizeof(group*))
        t.n_groups += 1
    t.groups[at] = g
    groups_note_change(t)
    return True


cdef bint groups_remove(openflow_tables* t, uint32_t id) noexcept nogil:
    cdef uint32_t at = group_position(t, id)
    if at == t.n_groups or t.groups[at].id != id:
        return False
    t.groups[at].is_removed = True
    group_unref(t.groups[at])
    t.n_groups -= 1
    memmove(&t.groups[at], &t.groups[at + 1], (t.n_groups - at) * sizeof(group*))
    groups_note_change(t)
    return True


cdef bint meters_put(openflow_tables* t, meter* m) noexcept nogil:
    """Adds a meter, in the place of one with the same number."""
    cdef uint32_t at = meter_position(t, m.id)
    cdef meter** grown
    if at < t.n_meters and t.meters[at].id == m.id:
        t.meters[at].is_removed = True
        meter_unref(t.meters[at])
    else:
        grown = <meter**>realloc(t.meters, (t.n_meters + 1) * sizeof(meter*))
        if grown == NULL:
            return False
        t.meters = grown
        memmove(&grown[at + 1], &grown[at], (t.n_meters - at) * sizeof(meter*))
        t.n_meters += 1
    t.meters[at] = m
    ports_note_change(t)
    return True


cdef bint meters_remove(openflow_tables* t, uint32_t id) noexcept nogil:
    cdef uint32_t at = meter_position(t, id)
    if at == t.n_meters or t.meters[at].id != id:
        return False
    t.meters[at].is_removed = True
    meter_unref(t.meters[at])
    t.n_meters -= 1
    memmove(&t.meters[at], &t.meters[at + 1], (t.n_meters - at) * sizeof(meter*))
    ports_note_change(t)
    return True
