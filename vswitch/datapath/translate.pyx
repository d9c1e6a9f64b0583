"""Translation: walks a bridge's flow tables for one key and leaves a program.

What it looked at is reported as a mask, so that the program can serve every key that agrees there; the flows it
hit stay with the program, so that counters can be pushed to them and a frame can be explained without a second
walk. NORMAL is not decided here but left to the program (see normal.pyx).
"""
from libc.stdint cimport uint16_t
from libc.string cimport memset

from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.fate cimport DROP_FLOW_ACTION, DROP_TABLE_MISS
from vswitch.datapath.flow_table cimport FLOW_NORMAL, flow, flow_table_lookup
from vswitch.datapath.program cimport OP_DROP, OP_NORMAL, op, program, program_new
from vswitch.tables.flow_key cimport flow_key


cdef program* translate(const bridge* br, const flow_key* key, flow_key* mask) noexcept nogil:
    """The program for `key` in `br`, and in `mask` the bits of the key that it depends on; NULL without memory."""
    cdef flow* hit = flow_table_lookup(br.flows)
    cdef program* p = program_new(1, 1 if hit != NULL else 0)
    memset(mask, 0, sizeof(flow_key))
    if p == NULL:
        return NULL
    p.bridge = br.number
    p.tables_version = br.flows.version
    if hit == NULL:
        p.ops[0] = op(code=OP_DROP, argument=DROP_TABLE_MISS)
        return p
    p.flows[0] = hit
    if hit.action == FLOW_NORMAL:
        p.ops[0] = op(code=OP_NORMAL, argument=0)
    else:
        p.ops[0] = op(code=OP_DROP, argument=DROP_FLOW_ACTION)
    return p
