"""Flows of a bridge, kept by falling priority. See flow_table.pxd."""
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memmove


cdef flow_table* flow_table_new() except NULL:
    cdef flow_table* table = <flow_table*>calloc(1, sizeof(flow_table))
    if table == NULL:
        raise MemoryError
    table.version = 1
    return table


cdef void flow_table_free(flow_table* table) noexcept nogil:
    if table != NULL:
        flow_table_clear(table)
        free(table.flows)
        free(table)


cdef flow* flow_table_add(flow_table* table, uint32_t priority, uint32_t number, flow_action action) except NULL:
    """Adds a flow; one of the same priority is replaced, as OVS replaces a flow with the same match."""
    cdef uint32_t i = 0
    cdef flow** flows
    cdef flow* new
    while i < table.n_flows and table.flows[i].priority > priority:
        i += 1
    if i < table.n_flows and table.flows[i].priority == priority:
        new = table.flows[i]
    else:
        flows = <flow**>realloc(table.flows, (table.n_flows + 1) * sizeof(flow*))
        if flows == NULL:
            raise MemoryError
        table.flows = flows
        new = <flow*>calloc(1, sizeof(flow))
        if new == NULL:
            raise MemoryError
        memmove(&flows[i + 1], &flows[i], (table.n_flows - i) * sizeof(flow*))
        flows[i] = new
        table.n_flows += 1
    new[0] = flow(priority=priority, number=number, action=action, n_packets=0, n_bytes=0)
    table.version += 1
    return new


cdef void flow_table_clear(flow_table* table) noexcept nogil:
    cdef uint32_t i
    for i in range(table.n_flows):
        free(table.flows[i])
    table.n_flows = 0
    table.version += 1


cdef flow* flow_table_lookup(const flow_table* table) noexcept nogil:
    """The flow of highest priority that matches, or NULL."""
    return table.flows[0] if table.n_flows else NULL
