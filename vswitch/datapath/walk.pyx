"""One walk through a bridge's tables, as Python sees it: for explanations and tests. Nothing is sent, learned or counted."""
from libc.stdint cimport uint32_t
from libc.string cimport memset

from vswitch.datapath.bridge cimport bridge, port
from vswitch.datapath.drop_places cimport SITE_NONE, site_flow
from vswitch.datapath.flow_learn cimport learned_flow
from vswitch.datapath.flow_table cimport flow, meter
from vswitch.datapath.flows cimport Flows
from vswitch.datapath.packet_in cimport packet_in_spec
from vswitch.datapath.program cimport (
    LOOKUP_MISSED, OP_CLONE, OP_COMMIT, OP_CONTROLLER, OP_DROP, OP_FIN_TIMEOUT, OP_IF_LARGER, OP_IN_PORT, OP_KEY, OP_LEARN, OP_LIMIT, OP_METER,
    OP_MPLS, OP_NORMAL, OP_OUTPUT, OP_POP_ETH, OP_POP_HEADER, OP_PUSH_HEADER, OP_RECIRC, OP_SAMPLE, OP_SKIP, OP_TAGS, op, program, program_free,
)
from vswitch.datapath.translate cimport translate, translate_args
from vswitch.datapath.translation cimport (
    NO_FLOW, event, event_list, event_list_free, frozen_state,
)
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract, flow_key, flow_key_add_words, flow_key_words, frame_layout
from vswitch.tables.flow_mask cimport flow_mask
from vswitch.wire.dot1q cimport TPID_CTAG

OP_NAMES = {
    OP_NORMAL: "normal", OP_DROP: "drop", OP_OUTPUT: "output", OP_KEY: "key", OP_TAGS: "tags", OP_CONTROLLER: "controller",
    OP_LEARN: "learn", OP_METER: "meter", OP_SAMPLE: "sample", OP_IF_LARGER: "if_larger", OP_SKIP: "skip",
    OP_IN_PORT: "in_port", OP_RECIRC: "recirc", OP_FIN_TIMEOUT: "fin_timeout", OP_MPLS: "mpls", OP_CLONE: "clone",
    OP_COMMIT: "commit", OP_LIMIT: "limit", OP_PUSH_HEADER: "push_header", OP_POP_HEADER: "pop_header",
    OP_POP_ETH: "pop_eth",
}
"""Code of an operation → its name in `walk()`."""


cdef tuple op_tuple(const op* o):
    """(name, number, ...): numbers instead of pointers."""
    cdef packet_in_spec* spec
    cdef learned_flow* learned
    cdef frozen_state* state
    if o.code == OP_OUTPUT:
        return ("output", (<port*>o.value).ofp_port, o.argument)
    if o.code == OP_KEY:
        return ("key", o.argument, o.value, o.mask)
    if o.code == OP_IF_LARGER:
        return ("if_larger", o.value, o.argument)
    if o.code == OP_TAGS or o.code == OP_SKIP or o.code == OP_CLONE:
        return (OP_NAMES[o.code], o.value)
    if o.code == OP_CONTROLLER:
        spec = <packet_in_spec*>o.value
        return ("controller", spec.controller, spec.max_len, spec.reason, spec.cookie)
    if o.code == OP_LEARN:
        learned = <learned_flow*>o.value
        return ("learn", learned.table, learned.priority,
                {learned.words[i]: (learned.values[i], learned.masks[i]) for i in range(learned.n_words)},
                (<const char*>learned.actions)[:learned.n_actions_bytes])
    if o.code == OP_FIN_TIMEOUT:
        return ("fin_timeout", (<flow*>o.value).number, o.argument >> 16, o.argument & 0xFFFF)
    if o.code == OP_RECIRC:
        state = <frozen_state*>o.value
        return ("recirc", (<char*>state.data)[:state.n_actions_bytes], state.hash, state.hash_basis)
    return (OP_NAMES[o.code], o.argument)


cdef tuple event_tuple(const event_list* events, const event* e):
    return (e.kind, e.depth, e.table, None if e.flow == NO_FLOW else e.flow, e.op, e.argument,
            events.bytes.data[e.bytes:e.bytes + e.n_bytes])


cdef tuple drop_of(const program* p):
    """(table, flow number or None) of where the walk ended without output; None if something may leave."""
    cdef const op* last = &p.ops[p.n_ops - 1] if p.n_ops else NULL
    cdef flow* f
    if last == NULL or last.code != OP_DROP or last.mask == SITE_NONE:
        return None
    f = site_flow(last.mask)
    return (last.mask - 1, None) if f == NULL else (f.table, f.number)


def walk(Flows datapath, uint32_t bridge_number, bytes frame, uint32_t in_port, dict metadata=None, *,
         uint32_t depth=0, uint32_t n_resubmits=0):
    """What the tables of a bridge make of `frame`, come in at OpenFlow port `in_port`.

    Parameters
    ----------
    metadata : dict
        Index → word of the flow key, for what is not in the frame.
    depth, n_resubmits : int
        What was spent before, of OVS's limits.

    Returns
    -------
    dict
        ``ops``: tuples (name, ...); ``flows``: numbers of those that were hit; ``tables`` that were consulted; ``key``: the
        frame's, ``final``: it at the end; ``mask``: what the program depends on, and ``megaflow``: OVS's mask, all as {word: bits}; ``events``: tuples (kind, depth, table, flow number or None,
        operations so far, argument, bytes), see translation.pxd; ``error``; ``drop``: (table, flow number or None for a miss), or None.
    """
    cdef bridge* br = datapath._bridge(bridge_number)
    cdef flow_key key
    cdef flow_mask mask
    cdef frame_layout layout
    cdef translate_args args
    cdef event_list events
    cdef program* p
    cdef uint32_t i
    memset(&key, 0, sizeof(key))
    memset(&args, 0, sizeof(args))
    memset(&events, 0, sizeof(events))
    flow_extract(frame, len(frame), datapath.vlan_limit, FLOW_DEPTH_L4, &key, &layout)
    flow_key_add_words(&key, metadata or {})
    if key.vlans[0].tci and key.vlans[0].tpid == 0:
        key.vlans[0].tpid = TPID_CTAG       # a flow in words names no TPID (OVS flow_fix_vlan_tpid())
    key.in_port = in_port
    args.depth = depth
    args.n_resubmits = n_resubmits
    args.events = &events
    with nogil:
        p = translate(br, &key, &args, &mask)
    if p == NULL:
        event_list_free(&events)
        raise MemoryError
    try:
        return {
            "ops": [op_tuple(&p.ops[i]) for i in range(p.n_ops)],
            "flows": [p.flows[i].number for i in range(p.n_flows)],
            "tables": sorted({p.lookups[i] & ~LOOKUP_MISSED for i in range(p.n_lookups + p.n_consulted)}),
            "key": flow_key_words(&key),
            "mask": {mask.words[i]: mask.masks[i] for i in range(mask.n)},
            "megaflow": flow_key_words(&events.wc),
            "final": flow_key_words(&events.flow),
            "events": [event_tuple(&events, &events.events[i]) for i in range(events.n)],
            "error": p.error,
            "drop": drop_of(p),
        }
    finally:
        program_free(p)
        event_list_free(&events)
