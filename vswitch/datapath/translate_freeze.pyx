"""Limits of a walk, and freezing.

After pop_mpls the headers behind the label stack are unknown until the frame is parsed again. The walk then stops,
keeps what is left to do (`freeze_actions()`, at every level of nesting), and leaves an operation that parses the frame
and begins another walk there (`thaw()`). A select group may want that, too, to have the frame hashed. Follows "Freezing Translation" of ofproto-dpif-xlate.c.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy

from vswitch.datapath.action_set cimport action_set_write
from vswitch.datapath.execution cimport MAX_ACTIONS_BYTES, MAX_DEPTH, MAX_RESUBMITS
from vswitch.datapath.fate cimport DROP_RECURSION_TOO_DEEP, DROP_STACK_TOO_DEEP, DROP_TOO_MANY_ACTIONS, DROP_TOO_MANY_RESUBMITS
from vswitch.datapath.ofpact cimport (
    OFPACT_CONJUNCTION, OFPACT_CONTROLLER, OFPACT_DEC_MPLS_TTL, OFPACT_DEC_NSH_TTL, OFPACT_DEC_TTL, OFPACT_ENQUEUE,
    OFPACT_GOTO_TABLE, OFPACT_GROUP, OFPACT_NOTE, OFPACT_OUTPUT, OFPACT_OUTPUT_REG, OFPACT_OUTPUT_TRUNC, OFPACT_RESUBMIT,
    OFPACT_SET, OFPACT_SET_QUEUE, OFPACT_SET_VLAN_PCP, OFPACT_SET_VLAN_VID, OFPACT_UNROLL_XLATE, ofpact, ofpact_next, ofpact_payload,
)
from vswitch.datapath.program cimport OP_LIMIT, OP_RECIRC, op
from vswitch.datapath.translate_commit cimport translation_commit
from vswitch.datapath.translate_output cimport packet_in
from vswitch.datapath.translation cimport (
    ACTSET_UNSET, EVENT_ERROR, EVENT_RECIRC, EVENT_THAW, EVENT_TOO_MANY_ACTIONS, MAX_STACK_BYTES, NO_FLOW,
    byte_list_add, frozen_state, trace, translation, translation_add_op, translation_note_drop,
)
from vswitch.tables.flow_key cimport flow_key

cdef enum:
    OFPP_IN_PORT = 0xFFF8


cdef bint resources_left(translation* t) noexcept nogil:
    """False if the walk may not go deeper (OVS xlate_resubmit_resource_check()), with its consequence noted."""
    if t.depth + t.outer_depth >= MAX_DEPTH:
        give_up(t, DROP_RECURSION_TOO_DEEP)
    elif t.n_resubmits + t.outer_resubmits >= MAX_RESUBMITS:
        give_up(t, DROP_TOO_MANY_RESUBMITS)
    elif t.actions_bytes > MAX_ACTIONS_BYTES:
        # No error: what was done stands, but nothing more is. Usually only running the program tells.
        trace(t, EVENT_TOO_MANY_ACTIONS, 0)
        translation_note_drop(t, DROP_TOO_MANY_ACTIONS)
        t.exit = True
    elif t.stack_size >= MAX_STACK_BYTES:
        give_up(t, DROP_STACK_TOO_DEEP)
    else:
        add_limit(t)
        return True
    return False


cdef void add_limit(translation* t) noexcept nogil:
    """Has the limits looked at again when the program runs, if others could have used them up by then."""
    if t.n_outputs:
        translation_add_op(t, op(code=OP_LIMIT, n=0, argument=t.n_flows, value=<uint64_t><uint16_t>t.n_buckets << 32,
                                 mask=<uint64_t>t.n_resubmits << 32))


cdef void close_limits(translation* t, uint32_t first_op) noexcept nogil:
    """Here ends what a limit that was met after `first_op` would keep from happening."""
    cdef uint32_t i
    for i in range(first_op, t.n_ops):
        if t.ops[i].code == OP_LIMIT and not t.ops[i].n:
            t.ops[i].n = 1
            t.ops[i].value |= <uint64_t><uint16_t>t.n_buckets << 48 | (t.n_ops - i - 1)
            t.ops[i].mask |= <uint64_t>t.n_resubmits << 48 | t.n_flows


cdef void give_up(translation* t, uint32_t reason) noexcept nogil:
    trace(t, EVENT_ERROR, reason)
    translation_note_drop(t, reason)
    t.error = reason


cdef void freeze_if_mpls(translation* t, const ofpact* a) noexcept nogil:
    """Freezes the walk before `a`, unless `a` can do without the headers that MPLS hid (OVS recirc_for_mpls())."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef flow_key* key = NULL
    cdef uint64_t first_l3 = <size_t>&key.nw_src // 8
    cdef uint64_t first_after = <size_t>&key.ct_nw_src // 8
    cdef uint64_t i
    cdef bint is_l3 = False
    if t.exit or not t.was_mpls:
        return
    if (a.code == OFPACT_OUTPUT or a.code == OFPACT_OUTPUT_TRUNC or a.code == OFPACT_ENQUEUE
            or a.code == OFPACT_OUTPUT_REG or a.code == OFPACT_SET_VLAN_VID or a.code == OFPACT_SET_VLAN_PCP
            or a.code == OFPACT_SET_QUEUE or a.code == OFPACT_GROUP):
        return
    if a.code == OFPACT_SET:
        for i in range(payload[0]):
            if first_l3 <= payload[1 + 3 * i] < first_after:
                is_l3 = True
        if not is_l3:
            return
    t.exit = t.freezing = True


cdef void put_unroll(translation* t) noexcept nogil:
    """Notes table and cookie, which messages to a controller name, before an action that may send one."""
    cdef ofpact unroll[2]
    if t.has_unroll and t.unroll_table == t.table and t.unroll_cookie == t.cookie:
        return
    unroll[0] = ofpact(code=OFPACT_UNROLL_XLATE, len=16, arg=t.table)
    memcpy(&unroll[1], &t.cookie, 8)
    if not byte_list_add(&t.frozen, unroll, 16):
        t.out_of_memory = True
    t.has_unroll = True
    t.unroll_table = t.table
    t.unroll_cookie = t.cookie


cdef void freeze_actions(translation* t, const ofpact* a, const ofpact* end) noexcept nogil:
    """Keeps `a` and what follows it for later (OVS freeze_unroll_actions())."""
    cdef ofpact resubmit[3]
    cdef uint64_t words[2]
    while a < end:
        if a.code == OFPACT_NOTE or a.code == OFPACT_CONJUNCTION:
            a = ofpact_next(a)
            continue
        if a.code == OFPACT_GOTO_TABLE:
            # An instruction; as an action it is a resubmit.
            resubmit[0] = ofpact(code=OFPACT_RESUBMIT, len=24, arg=OFPP_IN_PORT)
            words[0] = a.arg
            words[1] = 0
            memcpy(&resubmit[1], words, 16)
            if not byte_list_add(&t.frozen, resubmit, 24):
                t.out_of_memory = True
            a = ofpact_next(a)
            continue
        if (a.code == OFPACT_OUTPUT_REG or a.code == OFPACT_OUTPUT_TRUNC or a.code == OFPACT_GROUP
                or a.code == OFPACT_OUTPUT or a.code == OFPACT_CONTROLLER or a.code == OFPACT_DEC_MPLS_TTL
                or a.code == OFPACT_DEC_NSH_TTL or a.code == OFPACT_DEC_TTL
                or (a.code == OFPACT_RESUBMIT and ofpact_payload(a)[0] == 255)):
            put_unroll(t)
        if not byte_list_add(&t.frozen, a, a.len):
            t.out_of_memory = True
        a = ofpact_next(a)


cdef void finish_freezing(translation* t) noexcept nogil:
    """Leaves the operation that goes on with the frame, or sends it to a controller that may; then nothing is frozen."""
    cdef frozen_state* state
    cdef const uint64_t* payload
    cdef char* to
    translation_commit(t)
    if t.pause != NULL:
        payload = ofpact_payload(t.pause)
        packet_in(t, <uint16_t>payload[0], <unsigned char>payload[1], <uint16_t>t.pause.arg, <uint32_t>payload[3],
                  <const unsigned char*>(payload + 5), <uint32_t>payload[4], True)
    else:
        trace(t, EVENT_RECIRC, 0)
        state = <frozen_state*>malloc(sizeof(frozen_state) + t.frozen.n + t.action_set.n + t.stack.n)
        if state == NULL:
            t.out_of_memory = True
        else:
            state.table = 0
            state.conntracked = t.conntracked
            state.was_mpls = t.was_mpls
            state.is_packet_out = t.is_packet_out
            state.hash = t.freeze_hash
            state.hash_basis = t.freeze_hash_basis
            state.flow = t.rule.number if t.rule != NULL else NO_FLOW
            state.site = t.site
            state.n_actions_bytes = t.frozen.n
            state.n_set_bytes = t.action_set.n
            state.n_stack_bytes = t.stack.n
            state.stack_size = t.stack_size
            to = <char*>state.data
            if t.frozen.n:
                memcpy(to, t.frozen.data, t.frozen.n)
            if t.action_set.n:
                memcpy(to + t.frozen.n, t.action_set.data, t.action_set.n)
            if t.stack.n:
                memcpy(to + t.frozen.n + t.action_set.n, t.stack.data, t.stack.n)
            translation_add_op(t, op(code=OP_RECIRC, n=0, argument=0, value=<uint64_t>state, mask=t.site))
            t.n_outputs += 1
    t.freezing = False
    t.freeze_hash = 0
    t.pause = NULL
    t.frozen.n = 0
    t.has_unroll = False


cdef void thaw(translation* t, const frozen_state* state) noexcept nogil:
    """Takes up a frozen walk; its metadata is in the key, its actions are the caller's to walk."""
    cdef const char* set = <const char*>state.data + state.n_actions_bytes
    t.table = state.table
    t.site = state.site
    t.is_packet_out = state.is_packet_out
    t.conntracked = state.conntracked
    trace(t, EVENT_THAW, state.table)
    if not byte_list_add(&t.stack, set + state.n_set_bytes, state.n_stack_bytes):
        t.out_of_memory = True
    t.stack_size = state.stack_size
    if state.n_set_bytes:
        t.flow.actset_output = ACTSET_UNSET
        action_set_write(t, <const ofpact*>set, state.n_set_bytes)
