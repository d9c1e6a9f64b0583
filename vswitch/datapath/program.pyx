"""Programs: allocation, their list, and the push of their counters to the flows they came from.

A program holds references to its flows and groups, so they outlive their tables as long as frames may still be counted.
A program that is out of date is replaced, and freed when no frame is under way.
"""
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from vswitch.datapath.flow_learn cimport learned_flow, learned_flow_free
from vswitch.datapath.flow_table cimport TABLE_GROUPS, TABLE_PORTS, flow_count, flow_unref, group_unref, meter, meter_unref
from vswitch.tables.arena cimport arena_give, arena_take

cdef enum:
    GONE = 0xFFFFFFFF


cdef size_t program_bytes(uint32_t n_ops, uint32_t n_flows, uint32_t n_buckets, uint32_t n_lookups,
                          uint16_t n_consulted) noexcept nogil:
    return (sizeof(program) + n_ops * sizeof(op) + n_flows * sizeof(flow*) + n_buckets * sizeof(bucket_stats)
            + (n_lookups + n_consulted) * sizeof(uint16_t))


cdef program* program_new(openflow_tables* owner, uint32_t n_ops, uint32_t n_flows, uint32_t n_buckets, uint32_t n_lookups,
                          uint16_t n_consulted) noexcept nogil:
    """An empty program with room for so much, in one block of memory, or NULL."""
    cdef program* p = <program*>arena_take(&owner.programs, program_bytes(n_ops, n_flows, n_buckets, n_lookups, n_consulted))
    if p != NULL:
        memset(p, 0, sizeof(program))
        p.owner = owner
        p.ops = <op*>(p + 1)
        p.flows = <flow**>(p.ops + n_ops)
        p.buckets = <bucket_stats*>(p.flows + n_flows)
        p.lookups = <uint16_t*>(p.buckets + n_buckets)
        p.n_ops = n_ops
        p.n_flows = n_flows
        p.n_buckets = n_buckets
        p.n_lookups = n_lookups
        p.n_consulted = n_consulted
    return p


cdef void program_free(program* p) noexcept nogil:
    """Frees a program with what its operations own, and lets go of its flows."""
    cdef uint32_t i
    for i in range(p.n_ops):
        if p.ops[i].code == OP_LEARN:
            learned_flow_free(<learned_flow*>p.ops[i].value)
        elif p.ops[i].code == OP_CONTROLLER or p.ops[i].code == OP_RECIRC or p.ops[i].code == OP_PUSH_HEADER:
            free(<void*>p.ops[i].value)
        elif p.ops[i].code == OP_METER:
            meter_unref(<meter*>p.ops[i].value)
    for i in range(p.n_flows):
        flow_unref(p.flows[i])
    for i in range(p.n_buckets):
        group_unref(p.buckets[i].owner)
    arena_give(&p.owner.programs, p, program_bytes(p.n_ops, p.n_flows, p.n_buckets, p.n_lookups, p.n_consulted))


cdef void program_push_stats(program* p) noexcept nogil:
    """Adds what was counted since the last push to every flow, table and group that the program came from."""
    cdef uint32_t i
    if p.n_packets == 0:
        return
    for i in range(p.n_flows):
        flow_count(p.flows[i], p.n_packets, p.n_bytes, p.used_ns)
    for i in range(p.n_lookups):
        if p.lookups[i] & LOOKUP_MISSED:
            p.owner.tables[p.lookups[i] & 0xFF].n_missed += p.n_packets
        else:
            p.owner.tables[p.lookups[i]].n_matched += p.n_packets
    for i in range(p.n_buckets):
        bucket_stats_add(&p.buckets[i], p.n_packets, p.n_bytes)
    p.n_packets = p.n_bytes = 0


cdef void program_uncount_actions(program* p, uint64_t n_bytes) noexcept nogil:
    """A frame of `n_bytes` that was counted got no further than the first look-up."""
    cdef uint32_t i, first
    for i in range(1, p.n_flows):
        flow_count(p.flows[i], <uint64_t>-1, -n_bytes, 0)
    for i in range(p.n_buckets):
        bucket_stats_add(&p.buckets[i], <uint64_t>-1, -n_bytes)
    first = 0
    while first < p.n_lookups and p.lookups[first] & LOOKUP_MISSED:
        first += 1
    for i in range(first + 1, p.n_lookups):
        if p.lookups[i] & LOOKUP_MISSED:
            p.owner.tables[p.lookups[i] & 0xFF].n_missed -= 1
        else:
            p.owner.tables[p.lookups[i]].n_matched -= 1


cdef void bucket_stats_add(bucket_stats* b, uint64_t n_packets, uint64_t n_bytes) noexcept nogil:
    cdef uint32_t i
    b.owner.n_packets += n_packets
    b.owner.n_bytes += n_bytes
    for i in range(b.owner.n_buckets):
        if b.bucket == GONE or b.bucket == i:
            b.owner.buckets[i].n_packets += n_packets
            b.owner.buckets[i].n_bytes += n_bytes


cdef bint program_is_current(program* p, const openflow_tables* t) noexcept nogil:
    """True if nothing that the walk consulted has changed since. To be asked if `checked_version` is not `t.version`.

    What changes takes the bridge's newest version: it has changed if that is newer than the one checked last.
    """
    cdef uint32_t i
    cdef uint16_t table
    cdef uint64_t version
    for i in range(p.n_lookups + p.n_consulted):
        table = p.lookups[i] & ~LOOKUP_MISSED
        if table == TABLE_GROUPS:
            version = t.groups_version
        elif table == TABLE_PORTS:
            version = t.ports_version
        else:
            version = t.tables[table].version
        if version > p.checked_version:
            return False
    p.checked_version = t.version
    return True


cdef bint program_list_add(program_list* list, program* p) noexcept nogil:
    """Gives `p` its number and keeps it; False if memory ran out (`p` is then freed)."""
    cdef program** programs
    cdef uint32_t* positions
    cdef uint32_t n
    if list.n_live == list.n_live_allocated:
        n = list.n_live_allocated * 2 + 16
        programs = <program**>realloc(list.programs, n * sizeof(program*))
        if programs == NULL:
            program_free(p)
            return False
        list.programs = programs
        list.n_live_allocated = n
    if list.n_programs == list.n_allocated:
        n = list.n_allocated * 2 + 16
        positions = <uint32_t*>realloc(list.positions, n * sizeof(uint32_t))
        if positions == NULL:
            program_free(p)
            return False
        list.positions = positions
        list.n_allocated = n
    p.number = list.n_programs
    list.n_programs += 1
    list.positions[p.number] = list.n_live
    list.programs[list.n_live] = p
    list.n_live += 1
    return True


cdef void program_list_remove(program_list* list, program* p) noexcept nogil:
    """Pushes the counters of `p`; program_list_sweep() frees it, for it may be running."""
    cdef uint32_t at = list.positions[p.number]
    list.n_live -= 1
    list.programs[at] = list.programs[list.n_live]
    list.positions[list.programs[at].number] = at
    list.positions[p.number] = GONE
    program_list_bury(list, p)


cdef void program_list_bury(program_list* list, program* p) noexcept nogil:
    """`p`, which the list does not hold (any more), is freed when no frame is under way: what it says of drops is read
    when the frame has ended."""
    program_push_stats(p)
    p.next_dead = list.dead
    list.dead = p


cdef void program_list_sweep(program_list* list) noexcept nogil:
    """Frees what was removed. No frame may be under way."""
    cdef program* p
    while list.dead != NULL:
        p = list.dead
        list.dead = p.next_dead
        program_push_stats(p)       # it may have been running when it was removed
        program_free(p)


cdef void program_list_push(program_list* list) noexcept nogil:
    """Pushes the counters of all programs."""
    cdef uint32_t i
    for i in range(list.n_live):
        program_push_stats(list.programs[i])


cdef void program_list_retire(program_list* list, uint32_t bridge) noexcept nogil:
    """Removes the programs of a bridge; its cache must not lead to them any more."""
    cdef uint32_t i = 0
    while i < list.n_live:
        if list.programs[i].bridge == bridge:
            program_list_remove(list, list.programs[i])
        else:
            i += 1


cdef void program_list_free(program_list* list) noexcept nogil:
    cdef uint32_t i
    program_list_sweep(list)
    for i in range(list.n_live):
        program_free(list.programs[i])
    free(list.programs)
    free(list.positions)
    memset(list, 0, sizeof(program_list))
