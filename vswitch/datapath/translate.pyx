"""Translation: walks a bridge's flow tables for one key and leaves a program.

What it looked at is reported as a mask, so that the program can serve every key that agrees there; the flows it
hit stay with the program, so that counters can be pushed to them and a frame can be explained without a second
walk. NORMAL is not decided here but left to the program (see normal.pyx).
"""
from libc.string cimport memset

from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.fate cimport DROP_FLOW_ACTION, DROP_TABLE_MISS
from vswitch.datapath.flow_table cimport flow, flow_ref, tables_lookup
from vswitch.datapath.ofpact cimport OFPACT_OUTPUT
from vswitch.datapath.program cimport OP_DROP, OP_NORMAL, op, program, program_new
from vswitch.tables.flow_key cimport flow_key


cdef program* translate(const bridge* br, const flow_key* key, flow_key* mask) noexcept nogil:
    """The program for `key` in `br`, and in `mask` the bits of the key that it depends on; NULL without memory."""
    cdef flow* hit
    cdef program* p
    memset(mask, 0, sizeof(flow_key))
    hit = tables_lookup(br.flows, 0, key, mask)
    p = program_new(1, 1 if hit != NULL else 0, 1, 0)
    if p == NULL:
        return NULL
    p.bridge = br.number
    p.tables[0].table = 0
    p.tables[0].version = br.flows.tables[0].version
    p.checked_version = br.flows.version
    if hit == NULL:
        p.ops[0] = op(code=OP_DROP, n=0, argument=DROP_TABLE_MISS, value=0, mask=0)
        return p
    flow_ref(hit)
    p.flows[0] = hit
    if hit.n_actions_bytes and hit.actions.code == OFPACT_OUTPUT:
        p.ops[0] = op(code=OP_NORMAL, n=0, argument=0, value=0, mask=0)
    else:
        p.ops[0] = op(code=OP_DROP, n=0, argument=DROP_FLOW_ACTION, value=0, mask=0)
    return p
