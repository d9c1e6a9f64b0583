"""Programs: allocation, and the push of their counters to the flows they came from."""
from libc.stdlib cimport calloc, free, realloc


cdef program* program_new(uint32_t n_ops, uint32_t n_flows) noexcept nogil:
    """An empty program with room for `n_ops` operations and `n_flows` flows, or NULL."""
    cdef size_t n_bytes = sizeof(program) + n_flows * sizeof(flow*) + n_ops * sizeof(op)
    cdef program* p = <program*>calloc(1, n_bytes)
    if p != NULL:
        p.flows = <flow**>(p + 1)
        p.ops = <op*>(p.flows + n_flows)
        p.n_ops = n_ops
        p.n_flows = n_flows
    return p


cdef void program_free(program* p) noexcept nogil:
    free(p)


cdef void program_push_stats(program* p) noexcept nogil:
    """Adds what was counted since the last push to every flow that the program came from."""
    cdef uint32_t i
    for i in range(p.n_flows):
        p.flows[i].n_packets += p.n_packets
        p.flows[i].n_bytes += p.n_bytes
    p.n_packets = p.n_bytes = 0


cdef bint program_list_add(program_list* list, program* p) noexcept nogil:
    """Gives `p` its number and keeps it; False if memory ran out (`p` is then freed)."""
    cdef program** programs
    if list.n_programs == list.n_allocated:
        programs = <program**>realloc(list.programs, (list.n_allocated * 2 + 16) * sizeof(program*))
        if programs == NULL:
            program_free(p)
            return False
        list.programs = programs
        list.n_allocated = list.n_allocated * 2 + 16
    p.number = list.n_programs
    list.programs[list.n_programs] = p
    list.n_programs += 1
    return True


cdef void program_list_retire(program_list* list, uint32_t bridge) noexcept nogil:
    """Pushes the counters of a bridge's programs and lets go of its flows, which are about to change.

    The programs stay: rows of the ledger name them.
    """
    cdef uint32_t i
    for i in range(list.n_programs):
        if list.programs[i].bridge == bridge:
            program_push_stats(list.programs[i])
            list.programs[i].n_flows = 0


cdef void program_list_free(program_list* list) noexcept nogil:
    cdef uint32_t i
    for i in range(list.n_programs):
        program_free(list.programs[i])
    free(list.programs)
    list.programs = NULL
    list.n_programs = list.n_allocated = 0
