"""A frame enters a bridge: key, flow cache, program.

The order of checks is xlate_actions()'s for the first bridge and patch_port_output()'s for the others: at the
first one a frame counts for its flow before the port's own rules may drop it.
"""
from libc.stdint cimport uint32_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport PORT_NO_RECV, PORT_NO_RECV_STP, port
from vswitch.datapath.execute cimport clone_begin, clone_end, execute
from vswitch.datapath.execution cimport (
    MAX_ACTIONS_BYTES, MAX_DEPTH, MAX_RESUBMITS, METADATA_BYTES, NESTED_ACTION_BYTES, TUNNEL_BYTES, drop, execution,
    execution_begin, execution_deepen,
)
from vswitch.datapath.fate cimport (
    DROP_ETH_TRUNCATED, DROP_MIRROR_OUTPUT_PORT, DROP_PORT_NOT_RECEIVING, DROP_RECURSION_TOO_DEEP,
    DROP_TOO_MANY_ACTIONS, DROP_TOO_MANY_RESUBMITS, DROP_UNKNOWN_TRUNCATED,
)
from vswitch.datapath.flow_cache cimport (
    flow_cache, flow_cache_clear, flow_cache_insert, flow_cache_lookup, flow_cache_remove,
)
from vswitch.datapath.group cimport HASH_ALG_SYM_L4
from vswitch.datapath.normal cimport normal
from vswitch.datapath.odp_size cimport odp_size_commit
from vswitch.datapath.program cimport (
    op, program, program_is_current, program_list_add, program_list_bury, program_list_remove, program_list_retire,
    program_list_sweep, program_uncount_actions,
)
from vswitch.datapath.scratch cimport scratch_retag
from vswitch.datapath.tap cimport tap_frame
from vswitch.datapath.translate cimport translate
from vswitch.datapath.translate_hash cimport HASH_SYMMETRIC_L3L4, flow_hash, frame_rss, hash_2words
from vswitch.datapath.translation cimport frozen_state
from vswitch.datapath.vlan cimport tag_stack, tags_from_key, tags_inner
from vswitch.tables.flow_key cimport (
    DL_TYPE_NONE, FLOW_DEPTH_L2, FLOW_DEPTH_L4, flow_extract, flow_extract_l2, flow_key, flow_key_copy, frame_layout,
)
from vswitch.tables.flow_mask cimport flow_mask
from vswitch.wire.ethernet cimport ETH_LEN
from vswitch.wire.ipv4 cimport IP_ECN_CE, IP_ECN_MASK

cdef void frame_receive(execution* ex, port* in_port, const frame* f, program* p) noexcept nogil:
    """Takes `f`, received at `in_port`, through the switch. `p` is the program of its kind, or NULL."""
    if ex.programs.dead != NULL:
        program_list_sweep(ex.programs)     # none of them can be `p`
    in_port.rx_packets += 1
    in_port.rx_bytes += f.len
    execution_begin(ex, in_port, in_port.bridge, f.data, f.caplen, f.len, f.time_ns)
    if flow_extract_l2(f.data, f.caplen, ex.vlan_limit, &ex.key) < 0:
        drop(ex, DROP_UNKNOWN_TRUNCATED if f.caplen < f.len else DROP_ETH_TRUNCATED)
        return
    ex.key_depth = FLOW_DEPTH_L2
    if ex.has_metadata:
        memset(&ex.key, 0, METADATA_BYTES)
        memset(&ex.key.ct_nw_src, 0, TUNNEL_BYTES)
        ex.has_metadata = False
    ex.key.in_port = in_port.ofp_port
    ex.tags = ex.base_tags = ex.committed_tags = tags_from_key(ex.key.vlans)

    first_bridge(ex, p)


cdef void frame_receive_anew(execution* ex) noexcept nogil:
    """What was in a tunnel comes in at the tunnel's port; the key is filled."""
    if ex.key.tun_tos & IP_ECN_MASK == IP_ECN_CE:
        receive_congested(ex)
    else:
        first_bridge(ex, NULL)


cdef void receive_congested(execution* ex) noexcept nogil:
    """The tunnel's header says that there was congestion: the packet is marked, or dropped, while it is translated.

    For this frame alone: no cached program looks at that mark, and programs of other frames must not be taken for it.
    """
    cdef translate_args args
    cdef program* p
    memset(&args, 0, sizeof(args))
    p = program_alone(ex, &args)
    if p == NULL:
        return
    if ex.in_port.is_open or passes_rules(ex, ex.in_port):
        execute(ex, p)
    else:
        program_uncount_actions(p, ex.counted_len)
    program_list_bury(ex.programs, p)


cdef inline void first_bridge(execution* ex, program* p) noexcept nogil:
    """The frame begins its way at `ex.in_port`. `p` is the program of its kind, or NULL."""
    cdef port* in_port = ex.in_port
    p = bridge_program(ex, p)
    if p == NULL:
        return
    ex.program = p.number
    if not in_port.is_open and not passes_rules(ex, in_port):
        program_uncount_actions(p, ex.counted_len)
        return
    if p.n_ops == 1 and p.has_normal:
        ex.op = p.ops
        normal(ex)
    else:
        execute(ex, p)


cdef bint passes_rules(execution* ex, port* in_port) noexcept nogil:
    """True if the frame may come in at `in_port`, the first on its way. Mirrors that select the port have then a copy."""
    if in_port.tap_in != NULL:
        tap_frame(ex, in_port.tap_in)
    if in_port.bundle != NULL and in_port.bundle.mirror_out:
        drop(ex, DROP_MIRROR_OUTPUT_PORT)
        return False
    if in_port.config and not may_receive(ex, in_port):
        drop(ex, DROP_PORT_NOT_RECEIVING)
        return False
    if ex.bridge.has_mirrors and in_port.bundle != NULL and in_port.bundle.mirror_src:
        ex.mirror(ex, in_port.bundle, in_port.bundle.mirror_src)
    return True


cdef void bridge_receive(execution* ex) noexcept nogil:
    """The frame enters `ex.bridge` at `ex.in_port`, the far end of a patch port."""
    cdef program* p
    cdef const op* outer = ex.op
    ex.op = NULL
    if ex.in_port.config and not may_receive(ex, ex.in_port):
        drop(ex, DROP_PORT_NOT_RECEIVING)
    elif ex.depth >= MAX_DEPTH:
        drop(ex, DROP_RECURSION_TOO_DEEP)
    elif ex.n_resubmits + ex.own_resubmits >= MAX_RESUBMITS:
        drop(ex, DROP_TOO_MANY_RESUBMITS)
    elif ex.actions_bytes > MAX_ACTIONS_BYTES:
        drop(ex, DROP_TOO_MANY_ACTIONS)
    elif ex.has_metadata:
        enter_without_metadata(ex)
    else:
        p = bridge_program(ex, NULL)
        if p != NULL:
            enter(ex, p)
    ex.op = outer


cdef void enter_without_metadata(execution* ex) noexcept nogil:
    """Registers and the like stay behind in the bridge that wrote them; marks go along."""
    cdef flow_key saved
    cdef program* p
    memcpy(&saved, &ex.key, METADATA_BYTES)
    memcpy(&saved.ct_nw_src, &ex.key.ct_nw_src, TUNNEL_BYTES)
    memset(&ex.key, 0, METADATA_BYTES)
    memset(&ex.key.ct_nw_src, 0, TUNNEL_BYTES)
    ex.key.in_port = saved.in_port
    ex.key.pkt_mark = saved.pkt_mark
    ex.key.skb_priority = saved.skb_priority
    p = bridge_program(ex, NULL)
    if p != NULL:
        enter(ex, p)
    memcpy(&ex.key, &saved, METADATA_BYTES)
    memcpy(&ex.key.ct_nw_src, &saved.ct_nw_src, TUNNEL_BYTES)
    ex.has_new_edits = ex.has_base


cdef void enter(execution* ex, program* p) noexcept nogil:
    """Runs the program of a bridge behind a patch port; the key is afterwards as it was."""
    cdef flow_key saved
    cdef tag_stack tags = ex.tags
    cdef uint32_t own_resubmits = ex.own_resubmits
    cdef translate_args args
    cdef bint is_own = False
    if ex.depth + 1 + p.max_depth >= MAX_DEPTH or ex.n_resubmits + own_resubmits + p.n_resubmits >= MAX_RESUBMITS:
        # What is left of the limits may change what the walk does: one for this frame alone.
        p.n_packets -= 1
        p.n_bytes -= ex.counted_len
        memset(&args, 0, sizeof(args))
        args.depth = ex.depth + 1
        args.n_resubmits = ex.n_resubmits + own_resubmits + 1
        p = program_alone(ex, &args)
        if p == NULL:
            return
        is_own = True
    ex.depth += 1
    ex.n_resubmits += own_resubmits + 1
    ex.own_resubmits = 0
    if p.is_irreversible:
        execute_clone(ex, p)
    elif p.edits_key:
        flow_key_copy(&saved, &ex.key)
        execute(ex, p)
        flow_key_copy(&ex.key, &saved)
        ex.dirty |= ex.touched
        ex.has_new_edits = ex.has_base
    else:
        execute(ex, p)
    ex.tags = tags
    ex.depth -= 1
    ex.n_resubmits += p.n_resubmits - own_resubmits
    ex.own_resubmits = own_resubmits
    if is_own:
        program_list_bury(ex.programs, p)


cdef void execute_clone(execution* ex, program* p) noexcept nogil:
    """On a copy of the frame, because the first flow does what cannot be undone: with a meter, for instance."""
    cdef execution* saved
    cdef uint32_t before
    odp_size_commit(ex)
    saved = clone_begin(ex)
    if saved != NULL:
        before = ex.actions_bytes
        execute(ex, p)
        clone_end(ex, saved)
        ex.actions_bytes += NESTED_ACTION_BYTES if ex.actions_bytes != before else 0


cdef program* program_alone(execution* ex, const translate_args* args) noexcept nogil:
    """A program for this frame alone, which is counted for it; NULL without memory.

    The caller runs it, and hands it to program_list_bury().
    """
    cdef program* p
    execution_deepen(ex, FLOW_DEPTH_L4)
    p = translate(ex.bridge, &ex.key, args, NULL)
    if p == NULL:
        ex.out_of_memory = True
        return NULL
    p.n_packets = 1
    p.n_bytes = ex.counted_len
    p.used_ns = ex.clock_ns
    return p


cdef void frame_resume(execution* ex, const void* frozen) noexcept nogil:
    """The frame as it is now is parsed again, and the walk that stopped for that goes on (OVS recirculation)."""
    cdef flow_key saved = ex.key
    cdef flow_key base = ex.base
    cdef bint has_base = ex.has_base
    cdef uint32_t depth = ex.depth
    cdef uint32_t n_resubmits = ex.n_resubmits
    cdef uint32_t own_resubmits = ex.own_resubmits
    cdef uint32_t actions_bytes = ex.actions_bytes
    cdef uint32_t counted_len = ex.counted_len
    cdef bint is_pushed = ex.is_pushed
    cdef bint is_misparsed = ex.is_misparsed
    cdef int key_depth = ex.key_depth
    cdef frame_layout layout = ex.layout
    cdef tag_stack tags = ex.tags
    cdef translate_args args
    cdef program* p
    cdef const op* outer = ex.op
    cdef execution* whole = NULL
    if not scratch_retag(ex, ex.tags):
        return
    if ex.vlan_limit == 1 and tags_inner(ex.tags):
        # The inner tag is no tag any more, for what comes now. Whoever goes on afterwards needs the frame with both.
        whole = clone_begin(ex)
        if whole == NULL:
            return
    ex.counted_len = ex.len
    ex.is_pushed = ex.is_misparsed = False
    flow_extract(ex.data, ex.caplen, ex.vlan_limit, FLOW_DEPTH_L4, &ex.key, &ex.layout)
    ex.key_depth = FLOW_DEPTH_L4
    if whole != NULL:
        ex.tags = ex.base_tags = ex.committed_tags = tags_from_key(ex.key.vlans)
    if (<const frozen_state*>frozen).hash:
        ex.key.dp_hash = hash_for_group(ex, <const frozen_state*>frozen)
    memset(&args, 0, sizeof(args))
    args.frozen = <const frozen_state*>frozen
    p = program_alone(ex, &args)
    if p == NULL:
        free(whole)
        return
    if ex.key.packet_type:
        p.n_bytes -= ETH_LEN        # the dummy header, translate_encap.pyx
    # Another list of datapath actions, with limits of its own.
    ex.depth = ex.n_resubmits = ex.own_resubmits = ex.actions_bytes = 0
    ex.has_base = ex.has_new_edits = False
    execute(ex, p)
    program_list_bury(ex.programs, p)
    ex.op = outer
    ex.depth = depth
    ex.n_resubmits = n_resubmits
    ex.own_resubmits = own_resubmits
    ex.actions_bytes = actions_bytes
    ex.counted_len = counted_len
    ex.is_pushed = is_pushed
    ex.is_misparsed = is_misparsed
    ex.has_base = ex.has_new_edits = has_base
    ex.base = base
    ex.key = saved
    ex.key_depth = key_depth
    ex.tags = tags
    ex.layout.l2_pad = layout.l2_pad
    ex.dirty |= ex.touched
    if whole != NULL:
        clone_end(ex, whole)
        ex.key = saved
        ex.key_depth = key_depth


cdef uint32_t hash_for_group(execution* ex, const frozen_state* state) noexcept nogil:
    """OVS's OVS_ACTION_ATTR_HASH: of the frame as it is, or of the five-tuple that it came in with."""
    cdef flow_key key
    cdef frame_layout layout
    if state.hash - 1 == HASH_ALG_SYM_L4:
        return flow_hash(&ex.key, HASH_SYMMETRIC_L3L4, state.hash_basis)
    if not ex.has_rss:
        memset(&key, 0, sizeof(key))
        flow_extract(ex.received, ex.received_caplen, ex.vlan_limit, FLOW_DEPTH_L4, &key, &layout)
        ex.rss = frame_rss(&key, ex.received, ex.received_caplen, &layout)
        ex.has_rss = True
    return hash_2words(ex.rss, state.hash_basis)


cdef inline bint may_receive(const execution* ex, const port* in_port) noexcept nogil:
    """False if the port is no-receive (for spanning tree frames: no-receive-stp)."""
    cdef bint is_stp = ex.key.dl_dst == <unsigned long long>0x0180C2000000 and ex.key.dl_type == DL_TYPE_NONE
    return not in_port.config & (PORT_NO_RECV_STP if is_stp else PORT_NO_RECV)


cdef inline program* bridge_program(execution* ex, program* p) noexcept nogil:
    """The program for the frame's key in this bridge; counts the frame for it and brings the key to what it needs.

    It comes from the cache if it is not known already, or by translation.
    """
    cdef flow_cache* cache = ex.bridge.cache
    if p == NULL:
        execution_deepen(ex, cache.depth)
        p = flow_cache_lookup(cache, &ex.key)
    if p == NULL or (p.checked_version != ex.bridge.flows.version and not program_is_current(p, ex.bridge.flows)):
        execution_deepen(ex, FLOW_DEPTH_L4)
        p = translate_and_cache(ex, p)
        if p == NULL:
            return NULL
    p.n_packets += 1
    p.n_bytes += ex.counted_len
    p.used_ns = ex.clock_ns
    execution_deepen(ex, p.key_depth)
    return p


cdef program* translate_and_cache(execution* ex, program* old) noexcept nogil:
    """Slow path. The tables changed since `old` was translated, or (NULL) the kind of frame is new."""
    cdef flow_mask mask
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
