"""Learning, as ofproto_flow_mod_learn() does it.

If the flow that this action learned last time is still in its table, its hard timeout just starts anew: a pointer and
a time stamp. Otherwise it is a strict modify, unless `limit` flows with its cookie are in the table already: a flow of the
same match and priority gets the actions and the cookie and keeps the rest, its timeouts and its age among it; if there
is none, it is added.
"""
from libc.stdlib cimport free
from libc.string cimport memcmp

from vswitch.datapath.flow_expiry cimport flow_expiry_note
from vswitch.datapath.flow_mod cimport (
    FLOW_MODIFY_STRICT, FLOW_MOD_OK, GROUP_ANY, PORT_ANY, flow_mod, flow_mod_apply,
)
from vswitch.datapath.flow_table cimport N_TABLES, flow_ref, flow_unref, tables_find

cdef extern from "<stdint.h>":
    const uint64_t KEEP_COOKIE "UINT64_MAX"


cdef bint flow_table_learn(openflow_tables* t, learned_flow* l, uint64_t now_ns) noexcept nogil:
    """Learns or refreshes the flow; False if the limit is reached or memory ran out."""
    cdef flow_mod fm
    cdef flow* f
    if is_learned(l):
        l.last.modified_ns = now_ns
        return True
    if not flow_table_can_learn(t, l):
        return False
    f = tables_find(t, l.table, l.words, l.values, l.masks, l.n_words, l.priority)
    if f == NULL and l.cookie == KEEP_COOKIE:
        return True                 # OVS adds no flow that would have to keep a cookie
    if f == NULL or not would_stay(f, l):
        fm = flow_mod(command=FLOW_MODIFY_STRICT, table=l.table, priority=l.priority, n_words=l.n_words, words=l.words,
                      values=l.values, masks=l.masks, cookie=0, cookie_mask=0, new_cookie=l.cookie, modify_cookie=True,
                      idle_timeout_s=l.idle_timeout_s, hard_timeout_s=l.hard_timeout_s, importance=0, flags=l.flags,
                      delete_reason=0, actions=l.actions, n_actions_bytes=l.n_actions_bytes, out_port=PORT_ANY, out_group=GROUP_ANY)
        if flow_mod_apply(t, &fm, now_ns, NULL, NULL) != FLOW_MOD_OK:
            return False
        f = tables_find(t, l.table, l.words, l.values, l.masks, l.n_words, l.priority)
        if f != NULL and f.number != t.last_number:
            t.last_number += 1
            f.number = t.last_number        # who knew what it did before must not take it for the same
        if f == NULL:
            return True             # it went with the flow that it took the place of (delete_learned)
    f.modified_ns = now_ns
    flow_expiry_note(t, f)
    if l.last != NULL:
        flow_unref(l.last)
    l.last = f
    flow_ref(f)
    return True


cdef inline bint is_learned(const learned_flow* l) noexcept nogil:
    """True if the flow that was learned last is there, and learning it again is within the limit."""
    return l.last != NULL and not l.last.is_removed and (l.limit == 0 or is_equal(l.last, l))


cdef inline bint is_equal(const flow* f, const learned_flow* l) noexcept nogil:
    """True if `f` is the flow that is to be learned; OVS then asks for no limit."""
    return (would_stay(f, l) and f.flags == l.flags and f.idle_timeout_s == l.idle_timeout_s
            and f.hard_timeout_s == l.hard_timeout_s and f.importance == 0)


cdef inline bint would_stay(const flow* f, const learned_flow* l) noexcept nogil:
    """True if modifying `f` would change nothing."""
    return (f.n_actions_bytes == l.n_actions_bytes and (f.cookie == l.cookie or l.cookie == KEEP_COOKIE)
            and memcmp(f.actions, l.actions, l.n_actions_bytes) == 0)


cdef bint flow_table_can_learn(openflow_tables* t, const learned_flow* l) noexcept nogil:
    """True unless the limit is reached: as many flows with the cookie are in the table already."""
    cdef uint32_t i, n = 0
    cdef const flow* f
    if l.table >= N_TABLES - 1:
        return False
    if l.limit == 0 or is_learned(l):
        return True
    f = tables_find(t, l.table, l.words, l.values, l.masks, l.n_words, l.priority)
    if f != NULL and is_equal(f, l):
        return True
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
