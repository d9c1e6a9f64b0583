"""A frame enters a bridge: key, flow cache, program.

The order of checks is xlate_actions()'s for the first bridge and patch_port_output()'s for the others: at the
first one a frame counts for its flow before the port's own rules may drop it.
"""
from libc.stdint cimport uint32_t
from libc.string cimport memset

from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport PORT_NO_RECV, PORT_NO_RECV_STP, bridge, port
from vswitch.datapath.execution cimport MAX_ACTIONS_BYTES, MAX_DEPTH, MAX_RESUBMITS, drop, execution, execution_begin
from vswitch.datapath.fate cimport (
    DROP_ETH_TRUNCATED, DROP_MIRROR_OUTPUT_PORT, DROP_PORT_NOT_RECEIVING, DROP_RECURSION_TOO_DEEP,
    DROP_TOO_MANY_ACTIONS, DROP_TOO_MANY_RESUBMITS, DROP_UNKNOWN_TRUNCATED,
)
from vswitch.datapath.flow_cache cimport flow_cache_clear, flow_cache_insert, flow_cache_lookup, flow_cache_remove
from vswitch.datapath.normal cimport normal
from vswitch.datapath.output cimport output_to_port
from vswitch.datapath.program cimport (
    OP_DROP, OP_NORMAL, OP_OUTPUT, OP_TAGS, program, program_is_current, program_list_add, program_list_remove, program_list_retire, program_list_sweep,
)
from vswitch.datapath.translate cimport translate, translate_args
from vswitch.datapath.vlan cimport tags_from_key
from vswitch.tables.flow_key cimport DL_TYPE_NONE, flow_extract_l2, flow_key


cdef void frame_receive(execution* ex, port* in_port, const frame* f) noexcept nogil:
    """Takes `f`, received at `in_port`, through the switch."""
    cdef program* p
    if ex.programs.dead != NULL:
        program_list_sweep(ex.programs)
    in_port.rx_packets += 1
    in_port.rx_bytes += f.len
    execution_begin(ex, in_port, in_port.bridge, f.data, f.caplen, f.len, f.time_ns)
    if flow_extract_l2(f.data, f.caplen, ex.vlan_limit, &ex.key) < 0:
        drop(ex, DROP_UNKNOWN_TRUNCATED if f.caplen < f.len else DROP_ETH_TRUNCATED)
        return
    ex.key.in_port = in_port.ofp_port
    ex.tags = ex.base_tags = ex.committed_tags = tags_from_key(ex.key.vlans)

    p = bridge_program(ex)
    if p == NULL:
        return
    ex.program = p.number
    if in_port.bundle != NULL and in_port.bundle.mirror_out:
        drop(ex, DROP_MIRROR_OUTPUT_PORT)
    elif in_port.config and not may_receive(ex, in_port):
        drop(ex, DROP_PORT_NOT_RECEIVING)
    else:
        if ex.bridge.has_mirrors and in_port.bundle != NULL and in_port.bundle.mirror_src:
            ex.mirror(ex, in_port.bundle, in_port.bundle.mirror_src)
        run(ex, p)


cdef void bridge_receive(execution* ex) noexcept nogil:
    """The frame enters `ex.bridge` at `ex.in_port`, the far end of a patch port."""
    cdef program* p
    if ex.in_port.config and not may_receive(ex, ex.in_port):
        drop(ex, DROP_PORT_NOT_RECEIVING)
        return
    if ex.depth >= MAX_DEPTH:
        drop(ex, DROP_RECURSION_TOO_DEEP)
    elif ex.n_resubmits >= MAX_RESUBMITS:
        drop(ex, DROP_TOO_MANY_RESUBMITS)
    elif ex.actions_bytes > MAX_ACTIONS_BYTES:
        drop(ex, DROP_TOO_MANY_ACTIONS)
    else:
        p = bridge_program(ex)
        if p != NULL:
            ex.depth += 1
            ex.n_resubmits += 1
            run(ex, p)
            ex.depth -= 1


cdef inline bint may_receive(const execution* ex, const port* in_port) noexcept nogil:
    """False if the port is no-receive (for spanning tree frames: no-receive-stp)."""
    cdef bint is_stp = ex.key.dl_dst == <unsigned long long>0x0180C2000000 and ex.key.dl_type == DL_TYPE_NONE
    return not in_port.config & (PORT_NO_RECV_STP if is_stp else PORT_NO_RECV)


cdef inline program* bridge_program(execution* ex) noexcept nogil:
    """The program for the frame's key in this bridge, from the cache or by translation; counts the frame for it."""
    cdef program* p = flow_cache_lookup(ex.bridge.cache, &ex.key)
    if p == NULL or (p.checked_version != ex.bridge.flows.version and not program_is_current(p, ex.bridge.flows)):
        p = translate_and_cache(ex, p)
        if p == NULL:
            return NULL
    p.n_packets += 1
    p.n_bytes += ex.len
    return p


cdef program* translate_and_cache(execution* ex, program* old) noexcept nogil:
    """Slow path. The tables changed since `old` was translated, or (NULL) the kind of frame is new."""
    cdef flow_key mask
    cdef translate_args args
    cdef program* p
    if old != NULL:
        flow_cache_remove(ex.bridge.cache, old)
        program_list_remove(ex.programs, old)
    elif ex.bridge.cache.n_megaflows >= ex.bridge.cache.max_megaflows:
        flow_cache_clear(ex.bridge.cache)
        program_list_retire(ex.programs, ex.bridge.number)
    memset(&args, 0, sizeof(args))
    p = translate(ex.bridge, &ex.key, &args, &mask)
    if p == NULL or not program_list_add(ex.programs, p):
        ex.out_of_memory = True
        return NULL
    flow_cache_insert(ex.bridge.cache, &ex.key, &mask, p)   # without memory it is translated again next time
    return p


cdef inline void run(execution* ex, const program* p) noexcept nogil:
    """Executes the operations of `p` on the frame."""
    cdef uint32_t i
    for i in range(p.n_ops):
        if p.ops[i].code == OP_NORMAL:
            normal(ex)
        elif p.ops[i].code == OP_OUTPUT:
            output_to_port(ex, <port*>p.ops[i].value)
        elif p.ops[i].code == OP_TAGS:
            ex.tags = p.ops[i].value
        elif p.ops[i].code == OP_DROP:
            drop(ex, p.ops[i].argument)
