"""Flow-mods: what becomes of a bridge's flows when OpenFlow adds, modifies and deletes (OVS ofproto.c).

* An add replaces the flow with the same match and priority. The new one is new (its duration starts at 0); it takes the
  counters along unless `reset_counts` is set, and the time of last use always.
* A modify gives other actions to all flows that the match covers (strict: to the one with that match and priority).
  Timeouts, importance, flags and the time of creation stay; hard timeouts count anew. If there is none, it adds,
  unless it chose by cookie or would leave the cookie as it is (as modifies of OpenFlow 1.2 and later do).
* A cookie that is all ones means "leave it".
* With the last flow that has a learn action with delete_learned for a cookie and a table, the flows of that cookie in that
  table go, too.

A flow that is replaced or modified becomes another struct, so that what went before can be put back: with a log
(openflow_tables.log), every removal and every addition is noted, and flow_mod_rollback() goes back over it.
"""
from libc.stdlib cimport free, realloc

from vswitch.datapath.flow_eviction cimport flow_eviction_choose, flow_eviction_is_full, flow_eviction_is_over
from vswitch.datapath.flow_removed cimport REMOVED_DELETE, REMOVED_EVICTION, note_flow_removed
from vswitch.datapath.flow_table cimport (
    FLOW_CHECK_OVERLAP, FLOW_RESET_COUNTS, N_TABLES, TABLE_ALL, flow_inherit, flow_new, flow_ref, flow_unref, learned_cookie,
    tables_find, tables_insert, tables_remove, undo_entry, undo_log,
)
from vswitch.datapath.learned_cookies cimport learned_cookies_forget_dead, learned_cookies_take_dead
from vswitch.datapath.ofpact cimport (
    OFPACT_CLONE, OFPACT_CONTROLLER, OFPACT_ENQUEUE, OFPACT_GROUP, OFPACT_OUTPUT, OFPACT_WRITE_ACTIONS, ofpact_next,
    ofpact_payload,
)
from vswitch.tables.classifier cimport classifier_overlaps
from vswitch.tables.subtable cimport cls_rule

cdef extern from "<stdint.h>":
    const uint64_t KEEP_COOKIE "UINT64_MAX"


cdef flow_mod_status flow_mod_apply(openflow_tables* t, const flow_mod* fm, uint64_t now_ns, flow_list* added,
                                    flow_list* removed) noexcept nogil:
    """Carries out `fm`; notes the flows that are new (or changed) and those that are gone (a reference is held)."""
    cdef flow_list found
    cdef flow_mod_status status = FLOW_MOD_OK
    cdef bint strict = fm.command == FLOW_MODIFY_STRICT or fm.command == FLOW_DELETE_STRICT
    cdef uint32_t i
    if fm.command == FLOW_ADD:
        status = add(t, fm, now_ns, added, removed)
        flow_mod_forget_learned(t, now_ns, removed)
        return status
    if fm.table != TABLE_ALL and fm.table >= N_TABLES:
        return FLOW_MOD_BAD_TABLE
    found = flow_list(flows=NULL, n=0, n_allocated=0)
    if not flow_mod_collect(t, fm, strict, &found):
        free(found.flows)
        return FLOW_MOD_NO_MEMORY
    if fm.command == FLOW_DELETE or fm.command == FLOW_DELETE_STRICT:
        for i in range(found.n):
            note_flow_removed(t, found.flows[i], fm.delete_reason, now_ns)
            if not take_out(t, found.flows[i], removed):
                status = FLOW_MOD_NO_MEMORY
    elif found.n:
        for i in range(found.n):
            status = modify(t, fm, found.flows[i], now_ns, added, removed)
            if status != FLOW_MOD_OK:
                break
    elif fm.cookie_mask == 0 and fm.new_cookie != KEEP_COOKIE:
        status = add(t, fm, now_ns, added, removed)
    free(found.flows)
    flow_mod_forget_learned(t, now_ns, removed)
    return status


cdef void flow_mod_forget_learned(openflow_tables* t, uint64_t now_ns, flow_list* removed) noexcept nogil:
    """Takes the flows out that nobody learns any more; those may have learned others. `removed` as in take_out()."""
    cdef learned_cookie dead
    cdef uint32_t i
    while learned_cookies_take_dead(t, &dead):
        i = 0
        while i < t.n_flows:
            if t.flows[i].table == dead.table and t.flows[i].cookie == dead.cookie:
                note_flow_removed(t, t.flows[i], REMOVED_DELETE, now_ns)
                if not take_out(t, t.flows[i], removed):        # the last flow takes its place
                    return
            else:
                i += 1


cdef flow_mod_status add(openflow_tables* t, const flow_mod* fm, uint64_t now_ns, flow_list* added,
                         flow_list* removed) noexcept nogil:
    cdef uint8_t table = 0 if fm.table == TABLE_ALL else fm.table
    cdef flow* old
    cdef flow* new
    cdef flow* victim = NULL
    if table >= N_TABLES - 1:
        return FLOW_MOD_READ_ONLY if table == N_TABLES - 1 else FLOW_MOD_BAD_TABLE      # 254 is OVS's own
    old = tables_find(t, table, fm.words, fm.values, fm.masks, fm.n_words, fm.priority)
    if (old == NULL and fm.flags & FLOW_CHECK_OVERLAP and t.tables[table].n_flows
            and classifier_overlaps(t.tables[table].cls, fm.words, fm.values, fm.masks, fm.n_words, fm.priority)):
        return FLOW_MOD_OVERLAP
    if old == NULL and flow_eviction_is_full(t, table):
        victim = flow_eviction_choose(t, table)
        if victim == NULL:
            return FLOW_MOD_TABLE_FULL
    new = flow_new(fm.n_words, fm.words, fm.values, fm.masks, fm.priority, fm.actions, fm.n_actions_bytes)
    if new == NULL:
        return FLOW_MOD_NO_MEMORY
    new.table = table
    new.flags = fm.flags
    new.idle_timeout_s = fm.idle_timeout_s
    new.hard_timeout_s = fm.hard_timeout_s
    new.importance = fm.importance
    new.cookie = fm.new_cookie
    new.created_ns = new.modified_ns = new.used_ns = now_ns
    if old != NULL:
        if fm.new_cookie == KEEP_COOKIE:
            new.cookie = old.cookie
        if not inherit(new, old, fm.flags):
            flow_unref(new)
            return FLOW_MOD_NO_MEMORY
    if victim != NULL:
        note_flow_removed(t, victim, REMOVED_EVICTION, now_ns)
        if not take_out(t, victim, removed):
            flow_unref(new)
            return FLOW_MOD_NO_MEMORY
    return replace(t, old, new, 0, added, removed)


cdef bint flow_mod_evict_excess(openflow_tables* t, uint8_t table, uint64_t now_ns, flow_list* removed) noexcept nogil:
    """Takes flows out, as far as they may go, until the table has no more than its limit. False without memory."""
    cdef flow* victim
    while flow_eviction_is_over(t, table):
        victim = flow_eviction_choose(t, table)
        if victim == NULL:
            break
        note_flow_removed(t, victim, REMOVED_EVICTION, now_ns)
        if not take_out(t, victim, removed):
            return False
    flow_mod_forget_learned(t, now_ns, removed)
    return True


cdef flow_mod_status modify(openflow_tables* t, const flow_mod* fm, flow* old, uint64_t now_ns, flow_list* added,
                            flow_list* removed) noexcept nogil:
    cdef flow* new = flow_new(old.rule.n_words, old.rule.words, old.rule.values, old.rule.masks, old.rule.priority,
                              fm.actions, fm.n_actions_bytes)
    if new == NULL:
        return FLOW_MOD_NO_MEMORY
    new.table = old.table
    new.flags = old.flags
    new.idle_timeout_s = old.idle_timeout_s
    new.hard_timeout_s = old.hard_timeout_s
    new.importance = old.importance
    new.created_ns = old.created_ns
    new.modified_ns = now_ns
    new.cookie = old.cookie
    if fm.modify_cookie and fm.new_cookie != KEEP_COOKIE:
        new.cookie = fm.new_cookie
    if not inherit(new, old, fm.flags):
        flow_unref(new)
        return FLOW_MOD_NO_MEMORY
    return replace(t, old, new, old.number, added, removed)


cdef inline bint inherit(flow* new, flow* old, uint16_t flags) noexcept nogil:
    """The time of last use always, counters unless they are to be reset."""
    new.used_ns = old.used_ns
    return flags & FLOW_RESET_COUNTS or flow_inherit(new, old)


cdef flow_mod_status replace(openflow_tables* t, flow* old, flow* new, uint32_t number, flow_list* added,
                             flow_list* removed) noexcept nogil:
    """Puts `new` in the place of `old` (NULL: there is none); `number` (0: the next) is its name.

    In this order, as OVS does: a subtable that lost its last rule in between would come back in another place.
    """
    if not tables_insert(t, new):
        flow_unref(new)
        return FLOW_MOD_NO_MEMORY
    if old != NULL and not take_out(t, old, removed if number == 0 else NULL):
        tables_remove(t, new)
        return FLOW_MOD_NO_MEMORY
    if number:
        new.number = number
    if (added != NULL and not flow_list_add(added, new)) or not note(t, new, True):
        return FLOW_MOD_NO_MEMORY
    return FLOW_MOD_OK


cdef bint take_out(openflow_tables* t, flow* f, flow_list* removed) noexcept nogil:
    """Removes `f` from its table. `removed` (unless NULL) and the log hold a reference each."""
    if not note(t, f, False):
        return False
    if removed != NULL:
        if not flow_list_add(removed, f):
            return False
        flow_ref(f)
    tables_remove(t, f)
    return True


cdef bint flow_list_add(flow_list* list, flow* f) noexcept nogil:
    cdef flow** grown
    if list.n == list.n_allocated:
        grown = <flow**>realloc(list.flows, (list.n_allocated * 2 + 8) * sizeof(flow*))
        if grown == NULL:
            return False
        list.flows = grown
        list.n_allocated = list.n_allocated * 2 + 8
    list.flows[list.n] = f
    list.n += 1
    return True


# Which flows a command means.

cdef bint flow_mod_collect(openflow_tables* t, const flow_mod* fm, bint strict, flow_list* found) noexcept nogil:
    """Appends the flows that `fm` means to `found`, in no order; False without memory."""
    cdef uint32_t i
    cdef flow* f
    if strict:
        for i in range(N_TABLES):
            if fm.table != TABLE_ALL and i != fm.table:
                continue
            f = tables_find(t, <uint8_t>i, fm.words, fm.values, fm.masks, fm.n_words, fm.priority)
            if f != NULL and meets(f, fm) and not flow_list_add(found, f):
                return False
        return True
    for i in range(t.n_flows):
        f = t.flows[i]
        if meets(f, fm) and is_covered(&f.rule, fm) and not flow_list_add(found, f):
            return False
    return True


cdef inline bint meets(const flow* f, const flow_mod* fm) noexcept nogil:
    """True if table, cookie and outputs are as `fm` wants them."""
    if fm.table != TABLE_ALL and f.table != fm.table:
        return False
    if (f.cookie ^ fm.cookie) & fm.cookie_mask:
        return False
    if fm.out_port == PORT_ANY and fm.out_group == GROUP_ANY:
        return True
    return flow_outputs_to(f.actions, f.n_actions_bytes, fm.out_port, fm.out_group)


cdef bint is_covered(const cls_rule* rule, const flow_mod* fm) noexcept nogil:
    """True if every frame that `rule` matches is matched by `fm` (a loose match)."""
    cdef uint32_t i, j = 0
    for i in range(fm.n_words):
        while j < rule.n_words and rule.words[j] < fm.words[i]:
            j += 1
        if j == rule.n_words or rule.words[j] != fm.words[i]:
            return False
        if fm.masks[i] & ~rule.masks[j] or (rule.values[j] ^ fm.values[i]) & fm.masks[i]:
            return False
    return True


cdef bint flow_mod_meets_used_flow(openflow_tables* t, const flow_mod* fm) noexcept nogil:
    """True if `fm` may take a flow out of its table whose programs have counts for it."""
    cdef flow* f
    if fm.command != FLOW_ADD:
        return True
    f = tables_find(t, 0 if fm.table == TABLE_ALL else fm.table, fm.words, fm.values, fm.masks, fm.n_words, fm.priority)
    return f != NULL and f.refs > 1


cdef bint flow_outputs_to(const ofpact* actions, uint32_t n_bytes, uint16_t port, uint32_t group) noexcept nogil:
    """True if the actions output to `port` (unless PORT_ANY) and to `group` (unless GROUP_ANY)."""
    return (port == PORT_ANY or has_output(actions, n_bytes, False, port)) and (
        group == GROUP_ANY or has_output(actions, n_bytes, True, group))


cdef bint has_output(const ofpact* actions, uint32_t n_bytes, bint to_group, uint32_t number) noexcept nogil:
    cdef const ofpact* a = actions
    while <const char*>a < <const char*>actions + n_bytes:
        if to_group:
            if a.code == OFPACT_GROUP and a.arg == number:
                return True
        elif (a.code == OFPACT_OUTPUT or a.code == OFPACT_ENQUEUE) and a.arg == number:     # but none with max_len, in OVS
            return True
        elif a.code == OFPACT_CONTROLLER and number == 0xFFFD:
            return True
        if (a.code == OFPACT_WRITE_ACTIONS or a.code == OFPACT_CLONE) and has_output(
                <const ofpact*>ofpact_payload(a), a.len - sizeof(ofpact), to_group, number):
            return True
        a = ofpact_next(a)
    return False


# All or nothing.

cdef bint note(openflow_tables* t, flow* f, bint was_added) noexcept nogil:
    """Writes down a change, if there is a log."""
    cdef undo_log* log = t.log
    cdef undo_entry* grown
    if log == NULL:
        return True
    if log.n == log.n_allocated:
        grown = <undo_entry*>realloc(log.entries, (log.n_allocated * 2 + 16) * sizeof(undo_entry))
        if grown == NULL:
            return False
        log.entries = grown
        log.n_allocated = log.n_allocated * 2 + 16
    flow_ref(f)
    log.entries[log.n] = undo_entry(f=f, was_added=was_added)
    log.n += 1
    return True


cdef void flow_mod_rollback(openflow_tables* t) noexcept nogil:
    """Takes back what the log says, last change first, and ends it."""
    cdef undo_log* log = t.log
    cdef uint32_t i, number
    cdef flow* f
    t.log = NULL
    for i in range(log.n):
        f = log.entries[log.n - 1 - i].f
        if log.entries[log.n - 1 - i].was_added:
            if not f.is_removed:
                tables_remove(t, f)
        else:
            number = f.number
            flow_ref(f)
            f.is_removed = False
            if f.heir != NULL:
                f.heir.current = f
            if not tables_insert(t, f):
                flow_unref(f)
            f.number = number
    learned_cookies_forget_dead(t)
    free_entries(log)


cdef void undo_log_free(openflow_tables* t) noexcept nogil:
    """Ends the log: what was done stays."""
    cdef undo_log* log = t.log
    t.log = NULL
    if log != NULL:
        free_entries(log)


cdef void free_entries(undo_log* log) noexcept nogil:
    cdef uint32_t i
    for i in range(log.n):
        flow_unref(log.entries[i].f)
    free(log.entries)
    free(log)
