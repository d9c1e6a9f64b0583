"""The operations of a program, one after the other, on one frame.

Edits change the key only; commit.pyx makes bytes of them before somebody looks. An operation that is not an edit leaves
the key, the tags and the input port as it found them. What a program needs to know of the frame was decided when it was
translated: there is no condition here but on the frame's length, on meters, and on limits.

*Ghosts.* OVS translates a frame completely, and learns and counts as it does so, before its datapath sends anything. So
when a meter drops a frame, in the branch of check_pkt_larger that is not taken, and when the first bridge gives up, the
operations run all the same, with `is_ghost` set: nothing leaves, no meter is asked, but addresses and flows are
learned, and bridges behind patch ports are entered.

*Limits.* Before a look-up that follows an output stands OP_LIMIT. If it finds that OVS would look nothing up any more, what
follows is muted: only edits of the key are done, because later operations were translated for a frame that has them.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from vswitch.capture.writer cimport capture_writer
from vswitch.datapath.bridge cimport bridge, port
from vswitch.datapath.commit cimport ND_EDIT_EXTENSIONS, ND_EDIT_SLL, ND_EDIT_TARGET, ND_EDIT_TLL, commit
from vswitch.datapath.drop_places cimport SITE_BITS
from vswitch.datapath.encap cimport new_header, pop_ethernet, pop_header, push_header
from vswitch.datapath.execution cimport (
    CHECK_LEN_ACTION_BYTES, MAX_ACTIONS_BYTES, MAX_RESUBMITS, METER_ACTION_BYTES, NESTED_ACTION_BYTES,
    RECIRC_ACTION_BYTES, SNAPLEN_MAX, drop, execution,
)
from vswitch.datapath.fate cimport DROP_METER, DROP_TOO_MANY_ACTIONS, DROP_TOO_MANY_RESUBMITS, FATE_CONSUMED
from vswitch.datapath.flow_expiry cimport flow_reduce_timeouts
from vswitch.datapath.flow_learn cimport flow_table_learn, learned_flow
from vswitch.datapath.flow_table cimport flow, flow_count, meter
from vswitch.datapath.ledger cimport ledger_rows
from vswitch.datapath.meter cimport meter_admits
from vswitch.datapath.normal cimport normal
from vswitch.datapath.odp_size cimport odp_size_commit, odp_size_keep_base
from vswitch.datapath.output cimport output_to_controller, output_to_port
from vswitch.datapath.misparsed cimport may_misparse, misparse
from vswitch.datapath.packet_in cimport packet_in, packet_in_add, packet_in_spec
from vswitch.datapath.program cimport (
    EDIT_MPLS, EDIT_ND, OP_CLONE, OP_COMMIT, OP_CONTROLLER, OP_DROP, OP_FIN_TIMEOUT, OP_IF_LARGER, OP_IN_PORT, OP_KEY, OP_LEARN,
    OP_LIMIT, OP_METER, OP_MPLS, OP_NORMAL, OP_OUTPUT, OP_POP_ETH, OP_POP_HEADER, OP_PUSH_HEADER, OP_RECIRC, OP_TAGS, bucket_stats_add, op,
)
from vswitch.datapath.vlan cimport tag_count, tag_stack
from vswitch.wire.dot1q cimport DOT1Q_LEN

cdef enum:
    TCP_FIN = 0x001
    TCP_RST = 0x004

cdef port controller                            # all zero: where packet-ins are said to leave


cdef void execute(execution* ex, program* p) noexcept nogil:
    """Runs `p` on the frame. The caller has counted it."""
    cdef program* caller = ex.running
    cdef uint32_t i
    for i in range(p.n_timed):
        stamp(ex, p)
        break
    if p.error and ex.depth == 0:
        # OVS gives up the whole frame when its first bridge errs; what it learned and counted on the way stands.
        ex.op = &p.ops[p.n_ops - 1]     # OP_DROP
        drop(ex, p.error)
        ex.is_ghost = True
    ex.running = p
    run_ops(ex, p.ops, p.n_ops)
    ex.running = caller
    ex.mute_end = NULL


cdef void stamp(execution* ex, program* p) noexcept nogil:
    """Flows that time out were used now."""
    cdef uint32_t i
    for i in range(p.n_flows):
        if p.flows[i].idle_timeout_s:
            p.flows[i].used_ns = ex.clock_ns


cdef void run_ops(execution* ex, const op* ops, uint32_t n_ops) noexcept nogil:
    cdef const op* o = ops
    cdef const op* end = ops + n_ops
    while o < end:
        if ex.mute_end != NULL:
            if o < ex.mute_end:
                o = after_muted(ex, o)
                continue
            ex.mute_end = NULL
        if o.code == OP_OUTPUT:
            ex.op = o
            output(ex, o)
        elif o.code == OP_KEY:
            set_key(ex, o)
        elif o.code == OP_NORMAL:
            commit(ex)
            ex.op = o
            ex.depth += o.n
            ex.own_resubmits = <uint32_t>(o.mask >> SITE_BITS)
            normal(ex)
            ex.depth -= o.n
        elif o.code == OP_TAGS:
            ex.tags = o.value
        elif o.code == OP_DROP:
            ex.op = o
            drop(ex, o.argument)
        elif o.code == OP_LEARN:
            flow_table_learn(ex.bridge.flows, <learned_flow*>o.value, ex.clock_ns)
        elif o.code == OP_CONTROLLER:
            send_to_controller(ex, <const packet_in_spec*>o.value)
        elif o.code == OP_METER:
            ex.actions_bytes += METER_ACTION_BYTES
            if not ex.is_ghost and not meter_admits(<meter*>o.value, ex.clock_ns, wire_len(ex, ex.committed_tags)):
                ex.op = o
                drop(ex, DROP_METER)
                ex.is_ghost = True
        elif o.code == OP_LIMIT:
            check_limits(ex, o)
        elif o.code == OP_IF_LARGER:
            o = run_branches(ex, o)
        elif o.code == OP_IN_PORT:
            set_in_port(ex, <port*>o.value)
        elif o.code == OP_COMMIT:
            commit(ex)
        elif o.code == OP_MPLS:
            ex.dirty |= EDIT_MPLS
        elif o.code == OP_PUSH_HEADER:
            push_header(ex, <const new_header*>o.value)
        elif o.code == OP_POP_HEADER:
            pop_header(ex, o.argument)
        elif o.code == OP_POP_ETH:
            pop_ethernet(ex)
        elif o.code == OP_FIN_TIMEOUT:
            # Of neighbour discovery OVS takes the type of an option, 1 if it is the sender's MAC, for these flags.
            if ex.key.tcp_flags & (TCP_FIN | TCP_RST):
                flow_reduce_timeouts(ex.bridge.flows, <flow*>o.value, <uint16_t>(o.argument >> 16), <uint16_t>o.argument)
        elif o.code == OP_RECIRC:
            odp_size_commit(ex)
            ex.actions_bytes += RECIRC_ACTION_BYTES
            if not ex.is_ghost:
                commit(ex)
                ex.resume(ex, <const void*>o.value)
        elif o.code == OP_CLONE:
            odp_size_commit(ex)
            run_clone(ex, o + 1, <uint32_t>o.value)
            o += o.value
        o += 1


cdef const op* after_muted(execution* ex, const op* o) noexcept nogil:
    """Does of an operation what those behind the muted ones rely on; returns the next one."""
    if o.code == OP_KEY:
        set_key(ex, o)
    elif o.code == OP_TAGS:
        ex.tags = o.value
    elif o.code == OP_IN_PORT:
        set_in_port(ex, <port*>o.value)
    elif o.code == OP_MPLS:
        ex.dirty |= EDIT_MPLS
    elif o.code == OP_CLONE:
        return o + 1 + o.value
    elif o.code == OP_IF_LARGER:
        return o + o.value + 1 + o[o.value].value
    return o + 1


cdef void check_limits(execution* ex, const op* o) noexcept nogil:
    """Ends the list of actions, or (over the number of look-ups) the bridge's part, as OVS would before a look-up."""
    cdef program* p = ex.running
    cdef uint32_t here = <uint16_t>(o.mask >> 32)
    cdef uint32_t end, end_bucket, i
    ex.op = NULL
    if ex.n_resubmits + here >= MAX_RESUBMITS:
        drop(ex, DROP_TOO_MANY_RESUBMITS)
        ex.mute_end = p.ops + p.n_ops
        ex.n_resubmits -= p.n_resubmits - here
        end = p.n_flows
        end_bucket = p.n_buckets
    elif ex.actions_bytes > MAX_ACTIONS_BYTES:
        drop(ex, DROP_TOO_MANY_ACTIONS)
        ex.mute_end = o + 1 + <uint32_t>o.value
        ex.n_resubmits -= <uint32_t>(o.mask >> 48) - here
        end = <uint32_t>o.mask
        end_bucket = <uint32_t>(o.value >> 48)
    else:
        return
    # The frame was counted for all flows and groups of the program.
    for i in range(o.argument, end):
        flow_count(p.flows[i], <uint64_t>-1, -<uint64_t>ex.counted_len, 0)
    for i in range(<uint16_t>(o.value >> 32), end_bucket):
        bucket_stats_add(&p.buckets[i], <uint64_t>-1, -<uint64_t>ex.counted_len)


cdef inline void output(execution* ex, const op* o) noexcept nogil:
    """Sends the frame as it is now, cut to `argument` bytes if that is not 0."""
    cdef port* out = <port*>o.value
    cdef uint32_t before
    cdef uint32_t snaplen = ex.mirror_snaplen       # of a mirror's copy in a tunnel
    if out.is_plain and not o.argument:
        output_to_port(ex, out)
        return
    before = wire_len(ex, ex.committed_tags)
    commit(ex)
    ex.depth += o.n
    ex.own_resubmits = <uint32_t>(o.mask >> SITE_BITS)
    if o.argument:
        # OVS cuts first and makes the pending edits after that: what they add or take changes the length.
        ex.mirror_snaplen = SNAPLEN_MAX
        ex.is_cut = True
        if before > o.argument:
            ex.mirror_snaplen = o.argument + wire_len(ex, ex.tags) - before
    output_to_port(ex, out)
    ex.mirror_snaplen = snaplen
    ex.is_cut = False
    ex.depth -= o.n


cdef inline uint32_t wire_len(const execution* ex, tag_stack tags) noexcept nogil:
    """Bytes of the frame with `tags` instead of those that its bytes begin with."""
    return ex.len + DOT1Q_LEN * (tag_count(tags) - tag_count(ex.base_tags))


cdef inline void set_key(execution* ex, const op* o) noexcept nogil:
    cdef uint64_t* word = <uint64_t*>&ex.key + o.argument
    if o.n or word == <uint64_t*>&ex.key.skb_priority:      # the word of the mark, too
        if not ex.has_base:
            odp_size_keep_base(ex)
        ex.has_new_edits = True
    word[0] = word[0] & ~o.mask | o.value
    ex.dirty |= o.n
    if (o.argument < <uint32_t>(<char*>&ex.key.dl_dst - <char*>&ex.key) // 8
            or o.argument >= <uint32_t>(<char*>&ex.key.ct_nw_src - <char*>&ex.key) // 8):
        ex.has_metadata = True
    if o.n & EDIT_ND:
        note_nd_edit(ex, word)


cdef void note_nd_edit(execution* ex, const uint64_t* word) noexcept nogil:
    """Which part of a neighbour discovery packet the word is: others must not be written, see edit_nd()."""
    if word == &ex.key.nd_target[0] or word == &ex.key.nd_target[1]:
        ex.nd_edits |= ND_EDIT_TARGET
    elif word == &ex.key.arp_sha:
        ex.nd_edits |= ND_EDIT_SLL
    elif word == &ex.key.arp_tha:
        ex.nd_edits |= ND_EDIT_TLL
    elif word == <uint64_t*>&ex.key.igmp_group_ip4 or word == <uint64_t*>&ex.key.tcp_flags:
        ex.nd_edits |= ND_EDIT_EXTENSIONS


cdef port nowhere                               # in_port of a frame that is said to come from no port


cdef void set_in_port(execution* ex, port* p) noexcept nogil:
    ex.in_port = p if p != NULL else &nowhere


cdef void send_to_controller(execution* ex, const packet_in_spec* spec) noexcept nogil:
    """Keeps the frame as it is now for Python."""
    cdef capture_writer* collect = ex.collect
    cdef ledger_rows* ledger = ex.ledger
    cdef packet_in* p
    commit(ex)
    drop(ex, FATE_CONSUMED)
    p = NULL if ex.packet_ins == NULL or ex.is_ghost else packet_in_add(ex.packet_ins, spec)
    if p != NULL:
        p.bridge = ex.bridge.number
        p.in_port = ex.key.in_port
        memcpy(p.metadata, &ex.key, sizeof(p.metadata))
        memcpy(p.tunnel, &ex.key.ct_nw_src, sizeof(p.tunnel))
    # As a mirror's copy: it is no output, and no row of the ledger.
    ex.collect = ex.packet_in_frames if p != NULL else NULL
    ex.ledger = NULL
    ex.mirroring += 1
    controller.bridge = ex.bridge
    output_to_controller(ex, &controller)
    ex.mirroring -= 1
    ex.collect = collect
    ex.ledger = ledger
    if may_misparse(ex):
        misparse(ex)


cdef const op* run_branches(execution* ex, const op* o) noexcept nogil:
    """check_pkt_larger: both branches, each on a copy, the one that is not taken as a ghost. Returns the last operation."""
    cdef const op* skip = o + o.value
    cdef bint is_larger = wire_len(ex, ex.tags) > o.argument
    odp_size_commit(ex)
    ex.actions_bytes += CHECK_LEN_ACTION_BYTES
    run_branch(ex, o + 1, <uint32_t>o.value - 1, is_larger)
    run_branch(ex, skip + 1, <uint32_t>skip.value, not is_larger)
    return skip + skip.value


cdef void run_branch(execution* ex, const op* ops, uint32_t n_ops, bint is_taken) noexcept nogil:
    cdef execution* saved = clone_begin(ex)
    ex.actions_bytes += NESTED_ACTION_BYTES
    if saved != NULL:
        ex.is_ghost = ex.is_ghost or not is_taken
        run_ops(ex, ops, n_ops)
        clone_end(ex, saved)


cdef void run_clone(execution* ex, const op* ops, uint32_t n_ops) noexcept nogil:
    cdef execution* saved = clone_begin(ex)
    cdef uint32_t before = ex.actions_bytes
    if saved != NULL:
        run_ops(ex, ops, n_ops)
        clone_end(ex, saved)
        ex.actions_bytes += NESTED_ACTION_BYTES if ex.actions_bytes != before else 0


cdef execution* clone_begin(execution* ex) noexcept nogil:
    """What comes until clone_end() works on a copy of the frame: its changes, and a meter's drop, end there.

    NULL without memory.
    """
    cdef execution* saved = <execution*>malloc(sizeof(execution) + ex.caplen)
    if saved == NULL:
        ex.out_of_memory = True
        return NULL
    saved[0] = ex[0]
    memcpy(<uint8_t*>(saved + 1), ex.data, ex.caplen)
    return saved


cdef void clone_end(execution* ex, execution* saved) noexcept nogil:
    cdef uint8_t* bytes = <uint8_t*>(saved + 1)
    ex.key = saved.key
    ex.tags = saved.tags
    ex.base_tags = saved.base_tags
    ex.committed_tags = saved.committed_tags
    ex.n_popped = saved.n_popped
    ex.in_port = saved.in_port
    ex.layout = saved.layout
    ex.is_misparsed = saved.is_misparsed
    ex.caplen = saved.caplen
    ex.len = saved.len
    ex.dirty = saved.dirty
    ex.nd_edits = saved.nd_edits
    ex.is_ghost = saved.is_ghost
    ex.has_base = saved.has_base
    ex.has_new_edits = saved.has_new_edits
    ex.base = saved.base
    ex.has_metadata = ex.has_metadata or saved.has_metadata
    ex.is_scratch = saved.is_scratch
    if saved.is_scratch:
        memcpy(ex.scratch, bytes, saved.caplen)
        ex.data = ex.scratch
    else:
        ex.data = saved.data
    free(saved)
