"""Counting learn actions with `delete_learned`, as OVS's learned_cookies (ofproto.c).

For each pair of cookie and table that such an action writes to, the flows in their tables that have one are counted. A
pair whose count comes to zero is dead, and flows of that table with that cookie go, however they came there. A flow
that is replaced leaves before its successor comes, so whether a pair is dead is asked when the command is done. Only
actions of the list itself count, not those within clone() or write_actions(), as in OVS.

There are few pairs: they stand in an array.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport realloc

from vswitch.datapath.ofpact cimport OFPACT_LEARN, ofpact, ofpact_next, ofpact_payload

cdef enum:
    LEARN_DELETE_LEARNED = 2        # of an OFPACT_LEARN's argument
    LEARN_COOKIE = 3                # words of its payload
    LEARN_TABLE = 4


cdef const ofpact* next_learn(const flow* f, const ofpact* a) noexcept nogil:
    """The first such action from `a` on, or NULL."""
    cdef const ofpact* end = <const ofpact*>(<const char*>f.actions + f.n_actions_bytes)
    while a < end:
        if a.code == OFPACT_LEARN and a.arg & LEARN_DELETE_LEARNED:
            return a
        a = ofpact_next(a)
    return NULL


cdef bint learned_cookies_has_any(const flow* f) noexcept nogil:
    """True if flows go when this one is gone, perhaps."""
    return next_learn(f, f.actions) != NULL


cdef learned_cookie* find(openflow_tables* t, uint64_t cookie, uint64_t table) noexcept nogil:
    cdef uint32_t i
    for i in range(t.n_cookies):
        if t.cookies[i].cookie == cookie and t.cookies[i].table == table:
            return &t.cookies[i]
    return NULL


cdef bint learned_cookies_add(openflow_tables* t, const flow* f) noexcept nogil:
    """`f` comes to its table; False without memory."""
    cdef const ofpact* a = next_learn(f, f.actions)
    cdef const uint64_t* payload
    cdef learned_cookie* c
    cdef learned_cookie* grown
    while a != NULL:
        payload = ofpact_payload(a)
        c = find(t, payload[LEARN_COOKIE], payload[LEARN_TABLE])
        if c == NULL:
            grown = <learned_cookie*>realloc(t.cookies, (t.n_cookies + 1) * sizeof(learned_cookie))
            if grown == NULL:
                return False
            t.cookies = grown
            c = &t.cookies[t.n_cookies]
            c[0] = learned_cookie(cookie=payload[LEARN_COOKIE], table=<uint32_t>payload[LEARN_TABLE], n=0)
            t.n_cookies += 1
        c.n += 1
        a = next_learn(f, ofpact_next(a))
    return True


cdef void learned_cookies_remove(openflow_tables* t, const flow* f) noexcept nogil:
    """`f` leaves its table."""
    cdef const ofpact* a = next_learn(f, f.actions)
    cdef learned_cookie* c
    while a != NULL:
        c = find(t, ofpact_payload(a)[LEARN_COOKIE], ofpact_payload(a)[LEARN_TABLE])
        if c != NULL:
            c.n -= 1
            t.has_dead_cookies |= c.n == 0
        a = next_learn(f, ofpact_next(a))


cdef bint learned_cookies_take_dead(openflow_tables* t, learned_cookie* dead) noexcept nogil:
    """Hands out a dead pair and forgets it; False if there is none."""
    cdef uint32_t i
    if not t.has_dead_cookies:
        return False
    for i in range(t.n_cookies):
        if t.cookies[i].n == 0:
            dead[0] = t.cookies[i]
            t.n_cookies -= 1
            t.cookies[i] = t.cookies[t.n_cookies]
            return True
    t.has_dead_cookies = False
    return False


cdef void learned_cookies_forget_dead(openflow_tables* t) noexcept nogil:
    """What died did so because a command is taken back."""
    cdef learned_cookie dead
    while learned_cookies_take_dead(t, &dead):
        pass
