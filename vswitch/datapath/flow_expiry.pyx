"""Idle and hard timeouts, by capture time.

A flow is alive at exactly `t + timeout` and gone a moment later (OVS rule_expire()); OVS counts in milliseconds, and so
do we. Hard timeouts count from the last change of the flow, idle ones from its last frame: programs stamp the flows
with a timeout at every run. `next_expiry_ns` is a bound, not a promise: a flow that was used meanwhile is looked at,
found alive, and gives the next bound. The walk over all flows happens at bounds only, so its price is spread over
the time between them.
"""
from libc.stdint cimport uint8_t, uint32_t

from vswitch.datapath.flow_mod cimport flow_list_add, flow_mod_forget_learned
from vswitch.datapath.flow_removed cimport REMOVED_HARD, REMOVED_IDLE, note_flow_removed
from vswitch.datapath.flow_table cimport flow_ref, tables_note_change, tables_remove

cdef extern from "<stdint.h>":
    const uint64_t NEVER "UINT64_MAX"

cdef enum:
    NS_PER_MS = 1000000
    MS_PER_S = 1000


cdef uint64_t flow_expiry_ms(const flow* f) noexcept nogil:
    """The first millisecond at which `f` is dead."""
    cdef uint64_t at = NEVER
    if f.hard_timeout_s:
        at = f.modified_ns // NS_PER_MS + f.hard_timeout_s * <uint64_t>MS_PER_S + 1
    if f.idle_timeout_s:
        at = min(at, f.used_ns // NS_PER_MS + f.idle_timeout_s * <uint64_t>MS_PER_S + 1)
    return at


cdef inline uint8_t expiry_reason(const flow* f, uint64_t now_ns) noexcept nogil:
    """Which of its timeouts is over; the hard one is looked at first (OVS rule_expire())."""
    if f.hard_timeout_s and f.modified_ns // NS_PER_MS + f.hard_timeout_s * <uint64_t>MS_PER_S < now_ns // NS_PER_MS:
        return REMOVED_HARD
    return REMOVED_IDLE


cdef void flow_expiry_note(openflow_tables* t, const flow* f) noexcept nogil:
    """A flow with a timeout is new, or has less time left than before."""
    if f.idle_timeout_s or f.hard_timeout_s:
        t.next_expiry_ns = min(t.next_expiry_ns, flow_expiry_ms(f) * NS_PER_MS)
        if t.next_event_ns != NULL and t.next_event_ns[0] > t.next_expiry_ns:
            t.next_event_ns[0] = t.next_expiry_ns


cdef bint flow_expire(openflow_tables* t, uint64_t now_ns, flow_list* removed) noexcept nogil:
    """Removes the flows whose time is over and works out when to look again; True if any went.

    `removed` (unless NULL) gets them, with a reference each.
    """
    cdef uint32_t i = 0
    cdef flow* f
    cdef bint any = False
    cdef uint64_t at
    t.next_expiry_ns = NEVER
    if t.n_timed == 0:
        return False
    while i < t.n_flows:
        f = t.flows[i]
        if not (f.idle_timeout_s or f.hard_timeout_s):
            i += 1
            continue
        at = flow_expiry_ms(f)
        if at <= now_ns // NS_PER_MS:
            if removed != NULL and flow_list_add(removed, f):
                flow_ref(f)
            note_flow_removed(t, f, expiry_reason(f, now_ns), now_ns)
            tables_remove(t, f)         # the last flow takes its place
            any = True
        else:
            t.next_expiry_ns = min(t.next_expiry_ns, at * NS_PER_MS)
            i += 1
    if any:
        flow_mod_forget_learned(t, now_ns, removed)
    return any


cdef void flow_reduce_timeouts(openflow_tables* t, flow* f, uint16_t idle_s, uint16_t hard_s) noexcept nogil:
    """fin_timeout: timeouts become at most these (0: as they are); a flow without one gets it."""
    cdef bint was_timed = (f.idle_timeout_s | f.hard_timeout_s) != 0
    cdef bint was_idle_timed = f.idle_timeout_s != 0
    if f.is_removed:
        return
    if idle_s and (f.idle_timeout_s == 0 or f.idle_timeout_s > idle_s):
        f.idle_timeout_s = idle_s
    if hard_s and (f.hard_timeout_s == 0 or f.hard_timeout_s > hard_s):
        f.hard_timeout_s = hard_s
    if not was_timed and f.idle_timeout_s | f.hard_timeout_s:
        t.n_timed += 1
    if not was_idle_timed and f.idle_timeout_s:
        tables_note_change(t, f.table)      # programs stamp only the flows that had an idle timeout when they were made
    flow_expiry_note(t, f)
