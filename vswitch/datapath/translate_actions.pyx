"""The walk along a list of actions (OVS do_xlate_actions()).

Each action is handled by the part of translation that knows its family; here is what ends a list, what nests lists,
and what runs a list on a copy of the frame.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from vswitch.datapath.action_set cimport action_set_clear, action_set_execute, action_set_write
from vswitch.datapath.fate cimport DROP_ACTION_UNSUPPORTED, DROP_FLOW_ACTION
from vswitch.datapath.flow_table cimport TABLE_PORTS, meter, meter_find
from vswitch.datapath.ofpact cimport (
    OFPACT_BUNDLE, OFPACT_CHECK_PKT_LARGER, OFPACT_CLEAR_ACTIONS, OFPACT_CLONE, OFPACT_CONJUNCTION, OFPACT_CONTROLLER,
    OFPACT_CT, OFPACT_CT_CLEAR, OFPACT_DECAP, OFPACT_DEC_MPLS_TTL, OFPACT_DEC_NSH_TTL, OFPACT_DEC_TTL, OFPACT_ENCAP,
    OFPACT_ENQUEUE, OFPACT_EXIT, OFPACT_FIN_TIMEOUT, OFPACT_GOTO_TABLE, OFPACT_GROUP, OFPACT_LEARN, OFPACT_METER,
    OFPACT_MOVE, OFPACT_MULTIPATH, OFPACT_NAT, OFPACT_OUTPUT, OFPACT_OUTPUT_REG, OFPACT_OUTPUT_TRUNC, OFPACT_POP_MPLS,
    OFPACT_POP_QUEUE, OFPACT_POP_VLAN, OFPACT_PUSH_MPLS, OFPACT_PUSH_VLAN, OFPACT_RESUBMIT, OFPACT_SAMPLE, OFPACT_SET,
    OFPACT_SET_MPLS_LABEL, OFPACT_SET_MPLS_TC, OFPACT_SET_MPLS_TTL, OFPACT_SET_QUEUE, OFPACT_SET_VLAN_PCP,
    OFPACT_SET_VLAN_VID, OFPACT_STACK_POP, OFPACT_STACK_PUSH, OFPACT_UNROLL_XLATE, OFPACT_WRITE_ACTIONS,
    OFPACT_WRITE_METADATA, ofpact, ofpact_n_words, ofpact_next, ofpact_payload,
)
from vswitch.datapath.program cimport (
    OP_CLONE, OP_FIN_TIMEOUT, OP_IF_LARGER, OP_METER, OP_SAMPLE, OP_SKIP, op,
)
from vswitch.datapath.translate_commit cimport translation_commit
from vswitch.datapath.translate_encap cimport decap, encap
from vswitch.datapath.translate_fields cimport (
    delete_option, mark_option, move_field, pieces_load, set_fields, stack_pop, stack_push,
)
from vswitch.datapath.translate_freeze cimport close_limits, finish_freezing, freeze_actions, freeze_if_mpls
from vswitch.datapath.translate_group cimport group_action
from vswitch.datapath.translate_hash cimport flow_hash, hash_unwildcard, multipath_link
from vswitch.datapath.translate_learn cimport learn
from vswitch.datapath.translate_output cimport (
    bundle_action, enqueue, output, output_reg, output_truncated, packet_in,
)
from vswitch.datapath.translate_tags cimport (
    dec_mpls_ttl, dec_nsh_ttl, dec_ttl, pop_mpls, pop_vlan, push_mpls, push_vlan, set_mpls, set_vlan_pcp, set_vlan_vid,
)
from vswitch.datapath.translation cimport (
    EVENT_ACTION, EVENT_CONJUNCTION, EVENT_NO_ACTIONS, EVENT_UNROLL, EVENT_UNSUPPORTED, byte_list, byte_list_copy,
    byte_list_free, event_list, record, trace, translation, translation_add_op, translation_consult, translation_note_drop,
)
from vswitch.tables.flow_key cimport flow_key

cdef enum:
    OFPP_IN_PORT = 0xFFF8
    CURRENT_TABLE = 255


cdef void walk_actions(translation* t, const ofpact* actions, uint32_t n_bytes, bint is_last_list,
                       bint in_bucket) noexcept nogil:
    """Does a list of actions; `is_last_list` says that nothing follows it in the walk."""
    cdef const ofpact* a = actions
    cdef const ofpact* next
    cdef const ofpact* end = <const ofpact*>(<const char*>actions + n_bytes)
    cdef bint is_last
    if n_bytes == 0:
        trace(t, EVENT_NO_ACTIONS, 0)
        translation_note_drop(t, DROP_FLOW_ACTION)
        return
    while a < end and not t.error:
        next = ofpact_next(a)
        if t.was_mpls:
            freeze_if_mpls(t, a)
        if t.exit:
            if t.freezing:
                freeze_actions(t, a, end)
            return
        if t.events != NULL:
            record(t, EVENT_ACTION, <uint64_t>(<const char*>a - <const char*>actions), a, a.len)
        is_last = is_last_list and next >= end and t.action_set.n == 0
        if a.code == OFPACT_RESUBMIT:
            resubmit(t, a, is_last)
            a = next
            continue
        if a.code == OFPACT_GOTO_TABLE:
            t.look_up(t, t.flow.in_port, <uint8_t>a.arg, True, True, False, is_last)
            a = next
            continue
        if a.code == OFPACT_CHECK_PKT_LARGER:
            # Both branches walk the rest of the list.
            branch_on_length(t, a, next, <uint32_t>(<const char*>end - <const char*>next))
            return
        if not walk_action(t, a, is_last, in_bucket):
            return
        if t.freezing and not t.error:
            # An action that is done is not done again; one that could not be done yet is.
            freeze_actions(t, next if t.pause != NULL or a.code == OFPACT_DECAP else a, end)
            return
        a = next


cdef bint walk_action(translation* t, const ofpact* a, bint is_last, bint in_bucket) noexcept nogil:
    """Does one action; False if it ends the list that it stands in."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint16_t code = a.code
    if code == OFPACT_OUTPUT:
        output(t, a.arg, <uint16_t>payload[0] if ofpact_n_words(a) else 0, True, in_bucket)
    elif code == OFPACT_SET:
        set_fields(t, a)
    elif code == OFPACT_MOVE:
        move_field(t, a)
    elif code == OFPACT_WRITE_METADATA:
        t.need.metadata |= payload[1]
        t.flow.metadata = t.flow.metadata & ~payload[1] | payload[0] & payload[1]
    elif code == OFPACT_GROUP:
        return group_action(t, a.arg, is_last)
    elif code < OFPACT_SET:
        walk_output(t, a, in_bucket)
    elif code == OFPACT_DEC_TTL:
        return not dec_ttl(t, a)
    elif code == OFPACT_DEC_MPLS_TTL:
        return not dec_mpls_ttl(t)
    elif code == OFPACT_DEC_NSH_TTL:
        return not dec_nsh_ttl(t)
    elif code < OFPACT_RESUBMIT:
        walk_edit(t, a)
    else:
        walk_control(t, a, is_last)
    return True


cdef void walk_output(translation* t, const ofpact* a, bint in_bucket) noexcept nogil:
    cdef const uint64_t* payload = ofpact_payload(a)
    if a.code == OFPACT_OUTPUT_REG:
        output_reg(t, a, in_bucket)
    elif a.code == OFPACT_OUTPUT_TRUNC:
        output_truncated(t, a.arg, <uint32_t>payload[0])
    elif a.code == OFPACT_BUNDLE:
        bundle_action(t, a, in_bucket)
    elif a.code == OFPACT_ENQUEUE:
        enqueue(t, a, in_bucket)
    elif a.code == OFPACT_SET_QUEUE or a.code == OFPACT_POP_QUEUE:
        t.wc.skb_priority = 0xFFFFFFFF
    elif a.code == OFPACT_CONTROLLER:
        if payload[2]:
            # Only a controller could let the frame go on.
            t.pause = a
            t.exit = t.freezing = True
        else:
            packet_in(t, <uint16_t>payload[0], <uint8_t>payload[1], <uint16_t>a.arg, <uint32_t>payload[3],
                      <const uint8_t*>(payload + 5), <uint32_t>payload[4], False)


cdef void walk_edit(translation* t, const ofpact* a) noexcept nogil:
    cdef uint16_t code = a.code
    if code == OFPACT_STACK_PUSH:
        stack_push(t, a)
    elif code == OFPACT_STACK_POP:
        stack_pop(t, a)
    elif code == OFPACT_PUSH_VLAN:
        push_vlan(t, a.arg)
    elif code == OFPACT_POP_VLAN:
        pop_vlan(t)
    elif code == OFPACT_SET_VLAN_VID:
        set_vlan_vid(t, a)
    elif code == OFPACT_SET_VLAN_PCP:
        set_vlan_pcp(t, a)
    elif code == OFPACT_PUSH_MPLS:
        push_mpls(t, a.arg)
    elif code == OFPACT_POP_MPLS:
        pop_mpls(t, a.arg)
    elif code == OFPACT_SET_MPLS_LABEL:
        set_mpls(t, 12, 0xFFFFF, a.arg)
    elif code == OFPACT_SET_MPLS_TC:
        set_mpls(t, 9, 7, a.arg)
    elif code == OFPACT_SET_MPLS_TTL:
        set_mpls(t, 0, 0xFF, a.arg)
    elif code == OFPACT_ENCAP:
        encap(t, a)
    elif code == OFPACT_DECAP:
        decap(t, a)
    else:
        delete_option(t, a.arg)


cdef void walk_control(translation* t, const ofpact* a, bint is_last) noexcept nogil:
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint16_t code = a.code
    cdef meter* m
    if code == OFPACT_WRITE_ACTIONS:
        action_set_write(t, <const ofpact*>payload, a.len - 8)
    elif code == OFPACT_CLEAR_ACTIONS:
        action_set_clear(t)
    elif code == OFPACT_CLONE:
        clone_walk(t, <const ofpact*>payload, a.len - 8, is_last)
    elif code == OFPACT_EXIT:
        t.exit = True
    elif code == OFPACT_LEARN:
        learn(t, a)
    elif code == OFPACT_MULTIPATH:
        multipath(t, a)
    elif code == OFPACT_METER:
        translation_consult(t, TABLE_PORTS)
        m = meter_find(t.tables, a.arg)
        if m != NULL:
            translation_add_op(t, op(code=OP_METER, n=0, argument=a.arg, value=<uint64_t>m, mask=t.site))
    elif code == OFPACT_FIN_TIMEOUT:
        t.wc.nw_proto = 0xFF
        if t.rule != NULL:
            translation_add_op(t, op(code=OP_FIN_TIMEOUT, n=0, argument=<uint32_t>(payload[0] << 16 | payload[1]),
                                     value=<uint64_t>t.rule, mask=0))
    elif code == OFPACT_SAMPLE:
        translation_add_op(t, op(code=OP_SAMPLE, n=0, argument=<uint32_t>payload[0], value=<uint64_t>t.rule, mask=0))
    elif code == OFPACT_UNROLL_XLATE:
        t.table = <uint8_t>a.arg
        t.cookie = payload[0]
        trace(t, EVENT_UNROLL, payload[0])
    elif code == OFPACT_CONJUNCTION:
        trace(t, EVENT_CONJUNCTION, 0)
    elif code == OFPACT_CT or code == OFPACT_NAT or (code == OFPACT_CT_CLEAR and t.conntracked):
        unsupported(t)


cdef void unsupported(translation* t) noexcept nogil:
    """The flow language refuses such actions; should one come here, the frame is dropped and says why."""
    trace(t, EVENT_UNSUPPORTED, 0)
    translation_note_drop(t, DROP_ACTION_UNSUPPORTED)
    t.error = DROP_ACTION_UNSUPPORTED


cdef void resubmit(translation* t, const ofpact* a, bint is_last) noexcept nogil:
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint32_t in_port = t.flow.in_port if a.arg == OFPP_IN_PORT else a.arg
    cdef uint8_t table = t.table if payload[0] == CURRENT_TABLE else <uint8_t>payload[0]
    if in_port != t.flow.in_port:
        t.need.in_port = 0xFFFFFFFF
    t.look_up(t, in_port, table, False, False, ofpact_n_words(a) > 1 and payload[1] != 0, is_last)


cdef void multipath(translation* t, const ofpact* a) noexcept nogil:
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint32_t hash = flow_hash(&t.flow, <uint32_t>payload[0], <uint16_t>payload[1])
    hash_unwildcard(t, <uint32_t>payload[0])
    pieces_load(t, payload + 6, <uint32_t>payload[5],
                multipath_link(hash, <uint32_t>payload[2], <uint32_t>payload[3] + 1, <uint32_t>payload[4]))
    mark_option(t, a.arg)


cdef struct clone_state:            # what a list on a copy of the frame must leave as it was
    flow_key flow
    byte_list stack
    byte_list action_set
    uint32_t stack_size
    bint is_cloned


cdef clone_state* begin_clone(translation* t) noexcept nogil:
    """Sets the key, the stack and the action set aside; the walk goes on with copies. NULL without memory."""
    cdef clone_state* saved = <clone_state*>malloc(sizeof(clone_state))
    if saved == NULL:
        t.out_of_memory = True
        return NULL
    saved.flow = t.flow
    saved.stack = t.stack
    saved.action_set = t.action_set
    saved.stack_size = t.stack_size
    saved.is_cloned = t.is_cloned
    t.is_cloned = True
    if not (byte_list_copy(&t.stack, &saved.stack) and byte_list_copy(&t.action_set, &saved.action_set)):
        t.out_of_memory = True
    return saved


cdef void end_clone(translation* t, clone_state* saved) noexcept nogil:
    byte_list_free(&t.stack)
    byte_list_free(&t.action_set)
    t.flow = saved.flow
    t.stack = saved.stack
    t.action_set = saved.action_set
    t.stack_size = saved.stack_size
    t.is_cloned = saved.is_cloned
    free(saved)


cdef void walk_to_end(translation* t, const ofpact* actions, uint32_t n_bytes, bint is_last) noexcept nogil:
    """A list with nothing behind it but the action set."""
    walk_actions(t, actions, n_bytes, is_last, False)
    if not t.freezing:
        action_set_execute(t)
    if t.freezing:
        finish_freezing(t)


cdef bint actions_are_reversible(const ofpact* actions, uint32_t n_bytes) noexcept nogil:
    """False if what the actions do to the frame cannot be undone, so that a clone needs a copy of it."""
    cdef const ofpact* a = actions
    cdef const ofpact* end = <const ofpact*>(<const char*>actions + n_bytes)
    while a < end:
        if (a.code == OFPACT_CT or a.code == OFPACT_METER or a.code == OFPACT_NAT or a.code == OFPACT_OUTPUT_TRUNC
                or a.code == OFPACT_ENCAP or a.code == OFPACT_DECAP or a.code == OFPACT_DEC_NSH_TTL):
            return False
        a = ofpact_next(a)
    return True


cdef void clone_walk(translation* t, const ofpact* actions, uint32_t n_bytes, bint is_last) noexcept nogil:
    """clone(): the actions work on a copy (OVS clone_xlate_actions())."""
    cdef clone_state* saved = begin_clone(t)
    cdef flow_key* run
    cdef uint32_t start
    cdef bint old_was_mpls, old_conntracked
    if saved == NULL:
        return
    if is_last or actions_are_reversible(actions, n_bytes):
        walk_to_end(t, actions, n_bytes, is_last)
        end_clone(t, saved)
        return
    translation_commit(t)
    run = <flow_key*>malloc(sizeof(flow_key))
    if run == NULL:
        t.out_of_memory = True
    else:
        run[0] = t.run
        old_was_mpls = t.was_mpls
        old_conntracked = t.conntracked
        start = t.n_ops
        translation_add_op(t, op(code=OP_CLONE, n=0, argument=0, value=0, mask=0))
        walk_to_end(t, actions, n_bytes, True)
        if start < t.n_ops:
            t.ops[start].value = t.n_ops - start - 1
        t.was_mpls = old_was_mpls
        t.conntracked = old_conntracked
        t.run = run[0]
        free(run)
    end_clone(t, saved)


cdef inline void load_quietly(translation* t, const uint64_t* piece, uint64_t value) noexcept nogil:
    cdef event_list* events = t.events
    t.events = NULL
    pieces_load(t, piece, 1, value)
    t.events = events


cdef void branch_on_length(translation* t, const ofpact* a, const ofpact* rest, uint32_t n_bytes) noexcept nogil:
    """check_pkt_larger(): the rest of the list, once with the bit set and once without (xlate_check_pkt_larger())."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef clone_state* saved
    cdef flow_key* old
    cdef uint32_t at_if, at_skip
    cdef bint old_was_mpls = t.was_mpls
    cdef bint old_conntracked = t.conntracked
    cdef bint old_exit
    translation_commit(t)
    saved = begin_clone(t)
    old = <flow_key*>malloc(sizeof(flow_key))
    if saved == NULL or old == NULL:
        t.out_of_memory = True
    else:
        old[0] = t.run
        at_if = t.n_ops
        translation_add_op(t, op(code=OP_IF_LARGER, n=0, argument=a.arg, value=0, mask=0))
        load_quietly(t, payload, 1)
        mark_option(t, <uint32_t>payload[1])
        walk_to_end(t, rest, n_bytes, True)
        close_limits(t, at_if)
        t.flow = saved.flow
        at_skip = t.n_ops
        translation_add_op(t, op(code=OP_SKIP, n=0, argument=0, value=0, mask=0))
        t.was_mpls = old_was_mpls
        t.conntracked = old_conntracked
        t.run = old[0]
        if t.out_of_memory or at_skip >= t.n_ops:
            t.out_of_memory = True
        else:
            t.ops[at_if].value = at_skip - at_if
        old_exit = t.exit
        t.exit = False
        load_quietly(t, payload, 0)
        mark_option(t, <uint32_t>payload[1])
        walk_to_end(t, rest, n_bytes, True)
        t.flow = saved.flow
        t.run = old[0]              # each branch works on a copy of the frame
        if not t.out_of_memory:
            close_limits(t, at_skip)
            t.ops[at_skip].value = t.n_ops - at_skip - 1
        t.was_mpls = old_was_mpls
        t.conntracked = old_conntracked
        t.exit = old_exit
    free(old)
    if saved != NULL:
        end_clone(t, saved)
