"""The action set of a frame, and the buckets of groups, which are action sets too.

Follows ofpacts_execute_action_set(): of each kind of action that has a slot the last one counts, edits keep their
order, and one final action (a group before an output) is left. Without a final action nothing is executed at all.
"""
from libc.stdint cimport uint32_t
from libc.string cimport memset

from vswitch.datapath.ofpact cimport (
    OFPACT_CT, OFPACT_CT_CLEAR, OFPACT_DECAP, OFPACT_DEC_MPLS_TTL, OFPACT_DEC_NSH_TTL, OFPACT_DEC_TTL, OFPACT_ENCAP,
    OFPACT_GROUP, OFPACT_MOVE, OFPACT_OUTPUT, OFPACT_POP_MPLS, OFPACT_POP_VLAN, OFPACT_PUSH_MPLS, OFPACT_PUSH_VLAN,
    OFPACT_RESUBMIT, OFPACT_SET, OFPACT_SET_MPLS_LABEL, OFPACT_SET_MPLS_TC, OFPACT_SET_MPLS_TTL, OFPACT_SET_QUEUE,
    OFPACT_SET_VLAN_PCP, OFPACT_SET_VLAN_VID, ofpact, ofpact_next,
)
from vswitch.datapath.translation cimport (
    ACTSET_UNSET, EVENT_ACTION_SET, EVENT_ACTION_SET_IS, EVENT_ACTION_SET_WAS, byte_list_add, byte_list_free, record, trace,
    translation,
)

cdef enum:
    N_SLOTS = 9


cdef int slot_of(const ofpact* a) noexcept nogil:
    """Where in the order an action that counts once is executed; -1 for others."""
    if a.code == OFPACT_POP_VLAN:
        return 0
    if a.code == OFPACT_POP_MPLS:
        return 1
    if a.code == OFPACT_DECAP:
        return 2
    if a.code == OFPACT_ENCAP:
        return 3
    if a.code == OFPACT_PUSH_MPLS:
        return 4
    if a.code == OFPACT_PUSH_VLAN:
        return 5
    if a.code == OFPACT_DEC_TTL:
        return 6
    if a.code == OFPACT_DEC_MPLS_TTL:
        return 7
    return 8 if a.code == OFPACT_DEC_NSH_TTL else -1


cdef int final_rank(const ofpact* a) noexcept nogil:
    """Of two final actions the one of higher rank is left; 0 for others."""
    if a.code == OFPACT_GROUP:
        return 5
    if a.code == OFPACT_OUTPUT:
        return 4
    if a.code == OFPACT_RESUBMIT:
        return 3
    if a.code == OFPACT_CT_CLEAR:
        return 2
    return 1 if a.code == OFPACT_CT else 0


cdef bint is_edit(const ofpact* a) noexcept nogil:
    return (a.code == OFPACT_SET or a.code == OFPACT_MOVE or a.code == OFPACT_SET_QUEUE
            or a.code == OFPACT_SET_VLAN_VID or a.code == OFPACT_SET_VLAN_PCP or a.code == OFPACT_SET_MPLS_LABEL
            or a.code == OFPACT_SET_MPLS_TC or a.code == OFPACT_SET_MPLS_TTL)


cdef bint action_set_to_list(const ofpact* actions, uint32_t n_bytes, byte_list* to) noexcept nogil:
    """Appends to `to` the list of actions that an action set means; False if memory ran out."""
    cdef const ofpact* slots[9]     # N_SLOTS
    cdef const ofpact* last = NULL
    cdef const ofpact* a = actions
    cdef const ofpact* end = <const ofpact*>(<const char*>actions + n_bytes)
    cdef int slot, rank
    cdef int last_rank = 0
    cdef bint fits = True
    memset(slots, 0, sizeof(slots))
    while a < end:
        slot = slot_of(a)
        rank = final_rank(a)
        if slot >= 0:
            slots[slot] = a
        elif rank and rank >= last_rank:
            last = a
            last_rank = rank
        a = ofpact_next(a)
    if last == NULL:
        return True
    for slot in range(N_SLOTS):
        if slots[slot] != NULL:
            fits &= byte_list_add(to, slots[slot], slots[slot].len)
    a = actions
    while a < end:
        if is_edit(a):
            fits &= byte_list_add(to, a, a.len)
        a = ofpact_next(a)
    return byte_list_add(to, last, last.len) and fits


cdef void action_set_write(translation* t, const ofpact* actions, uint32_t n_bytes) noexcept nogil:
    """write_actions. Keeps actset_output true: the set's output, unless it has a group."""
    cdef const ofpact* a = actions
    cdef const ofpact* end = <const ofpact*>(<const char*>actions + n_bytes)
    while a < end and not t.action_set_has_group:
        if a.code == OFPACT_OUTPUT:
            t.flow.actset_output = a.arg
        elif a.code == OFPACT_GROUP:
            t.flow.actset_output = ACTSET_UNSET
            t.action_set_has_group = True
        a = ofpact_next(a)
    if not byte_list_add(&t.action_set, actions, n_bytes):
        t.out_of_memory = True
    if t.events != NULL:
        record(t, EVENT_ACTION_SET_IS, 0, t.action_set.data, t.action_set.n)


cdef void action_set_clear(translation* t) noexcept nogil:
    if t.events != NULL:
        record(t, EVENT_ACTION_SET_WAS, 0, t.action_set.data, t.action_set.n)
    t.action_set.n = 0
    t.flow.actset_output = ACTSET_UNSET
    t.action_set_has_group = False


cdef void action_set_execute(translation* t) noexcept nogil:
    """The walk is complete: what the set holds is done, and the set is empty."""
    cdef byte_list actions
    memset(&actions, 0, sizeof(actions))
    if t.action_set.n == 0:
        return
    if not action_set_to_list(<const ofpact*>t.action_set.data, t.action_set.n, &actions):
        t.out_of_memory = True
    t.action_set.n = 0
    if actions.n:
        t.in_action_set = True
        trace(t, EVENT_ACTION_SET, 0)
        t.trace_depth += 1
        t.walk(t, <const ofpact*>actions.data, actions.n, True, False)
        t.trace_depth -= 1
        t.in_action_set = False
    byte_list_free(&actions)
