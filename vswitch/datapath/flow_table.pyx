"""Flows in their tables: memory, look-up, versions. See flow_table.pxd for the structs.

A flow is one block: the struct, its match's words, values and masks, its conjunctions, its actions. A flow that is
modified is another one, and programs may still have counts for the one before; all that replaced each other share a
`flow_heir`, which says where those go. All flows of a bridge stand in one array too, which is what dumps, wildcarded
commands and ageing walk.

A program that was translated before a change must not be run after it. Each table has a version, and so have the
groups and the ports of the bridge; the bridge's own version grows with each of them, so that the common case is
one compare.
"""
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy

from vswitch.datapath.learned_cookies cimport (
    learned_cookies_add, learned_cookies_has_any, learned_cookies_remove,
)
from vswitch.datapath.ofpact cimport OFPACT_CONJUNCTION, ofpact, ofpact_next, ofpact_payload
from vswitch.tables.arena cimport arena_clear
from vswitch.tables.classifier cimport classifier_find, classifier_free, classifier_insert, classifier_remove
from vswitch.tables.classifier_lookup cimport classifier_lookup
from vswitch.tables.flow_classifier cimport flow_classifier_new, flow_classifier_set_prefixes
from vswitch.tables.subtable cimport cls_conjunction

cdef extern from "<stdint.h>":
    const uint64_t NEVER "UINT64_MAX"


cdef openflow_tables* tables_new() except NULL:
    cdef openflow_tables* t = <openflow_tables*>calloc(1, sizeof(openflow_tables))
    if t == NULL:
        raise MemoryError
    t.version = 1
    t.next_expiry_ns = NEVER
    return t


cdef void tables_free(openflow_tables* t) noexcept nogil:
    cdef uint32_t i
    if t == NULL:
        return
    for i in range(t.n_flows):
        flow_unref(t.flows[i])
    for i in range(N_TABLES):
        classifier_free(t.tables[i].cls)
        free(t.tables[i].prefixes)
        free(t.tables[i].limit)
    for i in range(t.n_groups):
        group_unref(t.groups[i])
    for i in range(t.n_meters):
        meter_unref(t.meters[i])
    if t.removed != NULL:
        for i in range(t.removed.n):
            flow_unref(t.removed.entries[i].f)
        free(t.removed.entries)
        free(t.removed)
    free(t.flows)
    free(t.groups)
    free(t.meters)
    free(t.cookies)
    arena_clear(&t.programs)        # all of them are gone
    free(t)


cdef flow* tables_lookup(openflow_tables* t, uint8_t table, flow_key* key, flow_key* wc,
                        bint as_ovs) noexcept nogil:
    """The flow of `table` that matches `key`, or NULL; `key` is changed in between.

    Adds what the answer depends on to `wc`; with `as_ovs` exactly the bits that OVS would add.
    """
    if t.tables[table].n_flows == 0:
        return NULL
    return <flow*>classifier_lookup(t.tables[table].cls, <uint64_t*>key, <uint64_t*>wc, as_ovs)


cdef bint tables_insert(openflow_tables* t, flow* f) noexcept nogil:
    cdef flow** grown
    cdef flow_table* table = &t.tables[f.table]
    if t.n_flows == t.n_allocated:
        grown = <flow**>realloc(t.flows, (t.n_allocated * 2 + 8) * sizeof(flow*))
        if grown == NULL:
            return False
        t.flows = grown
        t.n_allocated = t.n_allocated * 2 + 8
    if table.cls == NULL:
        table.cls = flow_classifier_new()
        if table.cls == NULL:
            return False
        if table.prefixes != NULL:
            flow_classifier_set_prefixes(table.cls, table.prefixes, table.n_prefixes)
    if not classifier_insert(table.cls, &f.rule):
        return False
    t.last_number += 1
    f.number = t.last_number
    f.position = t.n_flows
    t.flows[t.n_flows] = f
    t.n_flows += 1
    table.n_flows += 1
    t.n_timed += (f.idle_timeout_s | f.hard_timeout_s) != 0
    f.deletes_learned = learned_cookies_has_any(f)
    if f.deletes_learned:
        learned_cookies_add(t, f)       # without memory nothing is deleted later
    tables_note_change(t, f.table)
    return True


cdef void tables_remove(openflow_tables* t, flow* f) noexcept nogil:
    cdef flow* last = t.flows[t.n_flows - 1]
    classifier_remove(t.tables[f.table].cls, &f.rule)
    t.flows[f.position] = last
    last.position = f.position
    t.n_flows -= 1
    t.tables[f.table].n_flows -= 1
    t.n_timed -= (f.idle_timeout_s | f.hard_timeout_s) != 0
    f.is_removed = True
    if f.deletes_learned:
        learned_cookies_remove(t, f)
    tables_note_change(t, f.table)
    flow_unref(f)


cdef flow* tables_find(const openflow_tables* t, uint8_t table, const uint16_t* words, const uint64_t* values,
                       const uint64_t* masks, uint32_t n_words, int32_t priority) noexcept nogil:
    """The flow of `table` with exactly this match and priority, or NULL."""
    if t.tables[table].n_flows == 0:
        return NULL
    return <flow*>classifier_find(t.tables[table].cls, words, values, masks, n_words, priority)


cdef void tables_note_change(openflow_tables* t, uint8_t table) noexcept nogil:
    """Programs that consulted `table` are out of date."""
    t.version += 1
    t.tables[table].version = t.version


cdef void ports_note_change(openflow_tables* t) noexcept nogil:
    """Programs that send to a port, or ask about one, are out of date."""
    t.version += 1
    t.ports_version = t.version


cdef flow* flow_new(uint32_t n_words, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                    int32_t priority, const ofpact* actions, uint32_t n_actions_bytes) noexcept nogil:
    cdef uint32_t n_conjunctions = count_conjunctions(actions, n_actions_bytes)
    cdef size_t n_bytes = (sizeof(flow) + n_words * 2 * sizeof(uint64_t) + n_actions_bytes
                           + n_conjunctions * sizeof(cls_conjunction) + (n_words * sizeof(uint16_t) + 7) // 8 * 8)
    cdef flow* f = <flow*>calloc(1, n_bytes)
    if f == NULL:
        return NULL
    f.refs = 1
    f.rule.priority = priority
    f.rule.n_words = <uint16_t>n_words
    f.rule.values = <uint64_t*>(f + 1)
    f.rule.masks = f.rule.values + n_words
    f.actions = <ofpact*>(f.rule.masks + n_words)
    f.rule.conjunctions = <cls_conjunction*>(<char*>f.actions + n_actions_bytes)
    f.rule.words = <uint16_t*>(f.rule.conjunctions + n_conjunctions)
    memcpy(f.rule.words, words, n_words * sizeof(uint16_t))
    memcpy(f.rule.values, values, n_words * sizeof(uint64_t))
    memcpy(f.rule.masks, masks, n_words * sizeof(uint64_t))
    memcpy(f.actions, actions, n_actions_bytes)
    f.n_actions_bytes = n_actions_bytes
    f.rule.n_conjunctions = <uint16_t>n_conjunctions
    fill_conjunctions(f)
    return f


cdef uint32_t count_conjunctions(const ofpact* actions, uint32_t n_bytes) noexcept nogil:
    cdef const ofpact* a = actions
    cdef uint32_t n = 0
    while <const char*>a < <const char*>actions + n_bytes:
        n += a.code == OFPACT_CONJUNCTION
        a = ofpact_next(a)
    return n


cdef void fill_conjunctions(flow* f) noexcept nogil:
    cdef const ofpact* a = f.actions
    cdef uint32_t n = 0
    while <const char*>a < <const char*>f.actions + f.n_actions_bytes:
        if a.code == OFPACT_CONJUNCTION:
            f.rule.conjunctions[n] = cls_conjunction(
                id=a.arg, clause=<uint8_t>ofpact_payload(a)[0], n_clauses=<uint8_t>ofpact_payload(a)[1])
            n += 1
        a = ofpact_next(a)


cdef bint flow_inherit(flow* new, flow* old) noexcept nogil:
    """`new` takes the counters of `old`, which it replaces, also what programs have still to push. False without memory."""
    cdef flow_heir* heir = old.heir
    if heir == NULL:
        heir = <flow_heir*>malloc(sizeof(flow_heir))
        if heir == NULL:
            return False
        heir.refs = 1
        old.heir = heir
    heir.refs += 1
    heir.current = new
    new.heir = heir
    new.n_packets = old.n_packets
    new.n_bytes = old.n_bytes
    return True


cdef void flow_count(flow* f, uint64_t n_packets, uint64_t n_bytes, uint64_t used_ns) noexcept nogil:
    """A program pushes what it has counted for `f`; who replaced it gets that (OVS rule_dpif.new_rule)."""
    if f.heir != NULL:
        f = f.heir.current
        if f == NULL:
            return
    f.n_packets += n_packets
    f.n_bytes += n_bytes
    f.used_ns = max(f.used_ns, used_ns)


cdef void flow_unref(flow* f) noexcept nogil:
    cdef flow_heir* heir = f.heir
    f.refs -= 1
    if f.refs:
        return
    if heir != NULL:
        if heir.current == f:
            heir.current = NULL
        heir.refs -= 1
        if heir.refs == 0:
            free(heir)
    free(f)


# Groups and meters.

cdef group* group_find(const openflow_tables* t, uint32_t id) noexcept nogil:
    cdef uint32_t low = 0, high = t.n_groups, middle
    while low < high:
        middle = (low + high) // 2
        if t.groups[middle].id < id:
            low = middle + 1
        else:
            high = middle
    return t.groups[low] if low < t.n_groups and t.groups[low].id == id else NULL


cdef void group_unref(group* g) noexcept nogil:
    cdef uint32_t i
    g.refs -= 1
    if g.refs == 0:
        for i in range(g.n_buckets):
            free(g.buckets[i].actions)
        free(g.buckets)
        free(g.fields)
        free(g.hash_map)
        free(g)


cdef meter* meter_find(const openflow_tables* t, uint32_t id) noexcept nogil:
    cdef uint32_t low = 0, high = t.n_meters, middle
    while low < high:
        middle = (low + high) // 2
        if t.meters[middle].id < id:
            low = middle + 1
        else:
            high = middle
    return t.meters[low] if low < t.n_meters and t.meters[low].id == id else NULL


cdef void meter_unref(meter* m) noexcept nogil:
    m.refs -= 1
    if m.refs == 0:
        free(m.bands)
        free(m)
