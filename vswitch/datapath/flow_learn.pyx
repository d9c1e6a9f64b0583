"""Learning, as ofproto_flow_mod_learn() does it.

If the flow that this action learned last time is still in its table, its hard timeout just starts anew: a pointer and
a time stamp. Otherwise it is added like any flow (one of the same match and priority is replaced, its counters kept),
unless `limit` flows with its cookie are in the table already.
"""
from libc.stdlib cimport free
from libc.string cimport memcmp

from vswitch.datapath.flow_expiry cimport flow_expiry_note
from vswitch.datapath.flow_mod cimport FLOW_ADD, FLOW_MOD_OK, GROUP_ANY, PORT_ANY, flow_mod, flow_mod_apply
from vswitch.datapath.flow_table cimport N_TABLES, flow_ref, flow_unref, tables_find


cdef bint flow_table_learn(openflow_tables* t, learned_flow* l, uint64_t now_ns) noexcept nogil:
    """Learns or refreshes the flow; False if the limit is reached or memory ran out."""
    cdef flow_mod fm
    cdef flow* f
    if l.last != NULL and not l.last.is_removed:
        l.last.modified_ns = now_ns
        return True
    if not flow_table_can_learn(t, l):
        return False
    f = tables_find(t, l.table, l.words, l.values, l.masks, l.n_words, l.priority)
    if f == NULL or not is_equal(f, l):
        fm = flow_mod(command=FLOW_ADD, table=l.table, priority=l.priority, n_words=l.n_words, words=l.words,
                      values=l.values, masks=l.masks, cookie=0, cookie_mask=0, new_cookie=l.cookie, modify_cookie=True,
                      idle_timeout_s=l.idle_timeout_s, hard_timeout_s=l.hard_timeout_s, importance=0, flags=l.flags,
                      actions=l.actions, n_actions_bytes=l.n_actions_bytes, out_port=PORT_ANY, out_group=GROUP_ANY)
        if flow_mod_apply(t, &fm, now_ns, NULL, NULL) != FLOW_MOD_OK:
            return False
        f = tables_find(t, l.table, l.words, l.values, l.masks, l.n_words, l.priority)
    f.modified_ns = now_ns
    flow_expiry_note(t, f)
    if l.last != NULL:
        flow_unref(l.last)
    l.last = f
    flow_ref(f)
    return True


cdef inline bint is_equal(const flow* f, const learned_flow* l) noexcept nogil:
    """True if replacing `f` would leave the same flow behind."""
    return (f.n_actions_bytes == l.n_actions_bytes and f.cookie == l.cookie and f.flags == l.flags
            and f.idle_timeout_s == l.idle_timeout_s and f.hard_timeout_s == l.hard_timeout_s and f.importance == 0
            and memcmp(f.actions, l.actions, l.n_actions_bytes) == 0)


cdef bint flow_table_can_learn(openflow_tables* t, const learned_flow* l) noexcept nogil:
    """True unless the limit is reached: as many flows with the cookie are in the table already."""
    cdef uint32_t i, n = 0
    if l.table >= N_TABLES - 1:
        return False
    if l.limit == 0 or (l.last != NULL and not l.last.is_removed):
        return True
    if tables_find(t, l.table, l.words, l.values, l.masks, l.n_words, l.priority) != NULL:
        return True                 # one is replaced, none added
    for i in range(t.n_flows):
        n += t.flows[i].table == l.table and t.flows[i].cookie == l.cookie
    return n < l.limit


cdef void learned_flow_free(learned_flow* l) noexcept nogil:
    if l != NULL:
        if l.last != NULL:
            flow_unref(l.last)
        if l.learner != NULL:
            flow_unref(l.learner)
        free(l)
