"""Connections, as Linux's nf_conntrack keeps them.

What
====
One entry for both directions of a conversation: the tuple of packets that go the way of the first one, and the tuple of
those that come back, as each arrives. Without translation the second is the first turned around; with it, it says what
the other side sees. So a packet of either direction is found by what it carries, and what it becomes is the other
tuple turned around. Any packet of no connection may begin one.

How it works
============
*The table* is an array of entries, in pages that stay where they are, and hash chains: each entry is in two of them, one for
each direction. Zones are part of a tuple, so two zones never meet.

*Timeouts* are Linux's: by protocol, and for TCP by state. An entry that has timed out is not found any more; it is taken away
when it is met, or by the hand that looks at two entries for each new one. So there are never more of them than of those
that live, and a look-up does nothing but look. A table that is full gives up timed out entries first, then the
first of a few that are not assured (Linux: early_drop), and then refuses.

*TCP* has the states and transitions of Linux's table, without its windows (as with nf_conntrack_tcp_be_liberal=1): a packet whose
flags do not fit is not of the connection's making, and changes nothing. A connection that is met in its middle is taken up.

*UDP* stays for 30 seconds, or 120 once it has gone both ways for more than two seconds. ICMP echoes stay for 30 seconds,
everything else for ten minutes.

*NAT's question*, whether a tuple is free, is a look-up among all tuples.

Thread-safety: none: one thread at a time per table. Even a look-up may take entries away.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from vswitch.tables.hash cimport hash_pair, prefetch
from vswitch.wire.address_words cimport address_of_words, words_of_address
from vswitch.wire.icmp cimport ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST
from vswitch.wire.icmp6 cimport ICMP6_ECHO_REPLY, ICMP6_ECHO_REQUEST
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_TCP, IP_PROTO_UDP
from vswitch.wire.tcp cimport TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN

from collections import namedtuple

cdef extern from "<stdlib.h>":
    void* aligned_alloc(size_t alignment, size_t n_bytes) noexcept nogil

cdef enum:
    PAGE_BITS = 8
    PAGE_LEN = 1 << PAGE_BITS       # entries
    N_BUCKETS_MIN = 256
    BUCKETS_PER_ENTRY = 4           # each entry is in two chains; every step of a chain is a wait for memory
    CACHE_LINE = 64
    N_LOOKED_AT = 2                 # by the hand, for each new entry
    N_TRIED = 8                     # for one to be given up early
    FREE = 0xFFFF

cdef uint64_t SECOND_NS = 1000000000
cdef uint64_t UDP_STREAM_NS = 2 * SECOND_NS

cdef uint64_t[10] TCP_TIMEOUTS_S = [         # by tcp_state (Linux: nf_conntrack_proto_tcp.c)
    0, 120, 60, 432000, 120, 60, 30, 120, 10, 120,
]
cdef enum:
    UDP_TIMEOUT_S = 30
    UDP_STREAM_TIMEOUT_S = 120
    ICMP_TIMEOUT_S = 30
    GENERIC_TIMEOUT_S = 600

cdef enum tcp_event:                # what a packet's flags come to
    EVENT_SYN = 0
    EVENT_SYNACK = 1
    EVENT_FIN = 2
    EVENT_ACK = 3
    EVENT_RST = 4
    EVENT_NONE = 5

cdef enum:                          # beside states, what a transition may say
    IGNORED = 10                    # perhaps of another connection; the state stays
    INVALID = 11

# Where a packet leads: direction, event, state before (Linux: tcp_conntracks).
cdef uint8_t[2][6][10] TRANSITIONS = [
    [
        # NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2
        [TCP_SYN_SENT, TCP_SYN_SENT, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, TCP_SYN_SENT, TCP_SYN_SENT,
         TCP_SYN_SENT2],
        [INVALID, INVALID, TCP_SYN_RECV, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, TCP_SYN_RECV],
        [INVALID, INVALID, TCP_FIN_WAIT, TCP_FIN_WAIT, TCP_LAST_ACK, TCP_LAST_ACK, TCP_LAST_ACK, TCP_TIME_WAIT,
         TCP_CLOSE, INVALID],
        [TCP_ESTABLISHED, INVALID, TCP_ESTABLISHED, TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_CLOSE_WAIT, TCP_TIME_WAIT,
         TCP_TIME_WAIT, TCP_CLOSE, INVALID],
        [INVALID, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE],
        [INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID],
    ],
    [
        [INVALID, TCP_SYN_SENT2, INVALID, INVALID, INVALID, INVALID, INVALID, TCP_SYN_SENT, INVALID, TCP_SYN_SENT2],
        [INVALID, TCP_SYN_RECV, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, IGNORED, TCP_SYN_RECV],
        [INVALID, INVALID, TCP_FIN_WAIT, TCP_FIN_WAIT, TCP_LAST_ACK, TCP_LAST_ACK, TCP_LAST_ACK, TCP_TIME_WAIT,
         TCP_CLOSE, INVALID],
        [INVALID, IGNORED, TCP_SYN_RECV, TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_CLOSE_WAIT, TCP_TIME_WAIT,
         TCP_TIME_WAIT, TCP_CLOSE, IGNORED],
        [INVALID, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE, TCP_CLOSE],
        [INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID, INVALID],
    ],
]


# Look-ups.

cdef inline uint64_t tuple_hash(const connection_tuple* t) noexcept nogil:
    return hash_pair(
        hash_pair(t.src[1] ^ t.dst[0] << 1, t.dst[1] ^ t.src[0] << 1),
        <uint64_t>t.src_port << 48 | <uint64_t>t.dst_port << 32 | <uint32_t>t.zone << 8 | t.proto)


cdef inline bint tuple_equals(const connection_tuple* a, const connection_tuple* b) noexcept nogil:
    return (a.src[1] == b.src[1] and a.dst[1] == b.dst[1] and a.src_port == b.src_port and a.dst_port == b.dst_port
            and a.proto == b.proto and a.zone == b.zone and a.src[0] == b.src[0] and a.dst[0] == b.dst[0])


cdef inline connection* entry(const connection_table* table, uint32_t number) noexcept nogil:
    return &table.pages[(number - 1) >> PAGE_BITS][(number - 1) & (PAGE_LEN - 1)]


cdef connection* connections_find(connection_table* table, const connection_tuple* t, uint64_t now_ns,
                                  uint32_t* direction) noexcept nogil:
    cdef uint32_t at = table.buckets[tuple_hash(t) & table.bucket_mask]
    cdef connection* c
    while at:
        c = entry(table, at >> 1)
        if tuple_equals(&c.tuples[at & 1], t):
            if c.expires_ns <= now_ns:
                table.n_expired += 1
                connections_remove(table, c)
                return NULL
            direction[0] = at & 1
            return c
        at = c.next[at & 1]
    return NULL


cdef uint64_t connections_prefetch_chain(const connection_table* table, const connection_tuple* t) noexcept nogil:
    cdef uint64_t hash = tuple_hash(t)
    prefetch(&table.buckets[hash & table.bucket_mask])
    return hash


cdef void connections_prefetch_entry(const connection_table* table, uint64_t hash) noexcept nogil:
    cdef uint32_t at = table.buckets[hash & table.bucket_mask]
    cdef const char* c
    if at:
        c = <const char*>entry(table, at >> 1)
        prefetch(c)
        prefetch(c + CACHE_LINE)
        prefetch(c + 2 * CACHE_LINE)


cdef bint connections_is_free(connection_table* table, const connection_tuple* t, uint64_t now_ns) noexcept nogil:
    cdef uint32_t direction
    return connections_find(table, t, now_ns, &direction) == NULL


cdef bint tuple_invert(const connection_tuple* t, connection_tuple* inverse) noexcept nogil:
    inverse[0] = t[0]
    inverse.src[0] = t.dst[0]
    inverse.src[1] = t.dst[1]
    inverse.dst[0] = t.src[0]
    inverse.dst[1] = t.src[1]
    if t.proto == IP_PROTO_ICMP:
        if t.dst_port == ICMP_ECHO_REQUEST << 8:
            inverse.dst_port = ICMP_ECHO_REPLY << 8
        elif t.dst_port == ICMP_ECHO_REPLY << 8:
            inverse.dst_port = ICMP_ECHO_REQUEST << 8
        else:
            return False
    elif t.proto == IP_PROTO_ICMP6:
        if t.dst_port == ICMP6_ECHO_REQUEST << 8:
            inverse.dst_port = ICMP6_ECHO_REPLY << 8
        elif t.dst_port == ICMP6_ECHO_REPLY << 8:
            inverse.dst_port = ICMP6_ECHO_REQUEST << 8
        else:
            return False
    else:
        inverse.src_port = t.dst_port
        inverse.dst_port = t.src_port
    return True


# Packets.

cdef bint connection_packet(connection* c, uint32_t direction, uint32_t tcp_flags, uint32_t n_bytes,
                            uint64_t now_ns) noexcept nogil:
    cdef uint32_t state = c.state
    if direction:
        c.flags |= CONNECTION_SEEN_REPLY
    if c.tuples[0].proto == IP_PROTO_TCP:
        state = TRANSITIONS[direction][event_of(tcp_flags)][c.state]
        if state == INVALID:
            return False
        if state != IGNORED:
            tcp_change(c, state, tcp_flags)
    elif (c.tuples[0].proto == IP_PROTO_UDP and c.flags & CONNECTION_SEEN_REPLY
            and now_ns - c.created_ns > UDP_STREAM_NS):
        c.flags |= CONNECTION_STREAM | CONNECTION_ASSURED
    c.n_packets[direction] += 1
    c.n_bytes[direction] += n_bytes
    if state != IGNORED:
        c.expires_ns = now_ns + connection_timeout_ns(c)
    if c.flags & CONNECTION_CLOSING and not c.flags & CONNECTION_SEEN_REPLY:
        c.expires_ns = now_ns       # refused before anybody answered: at an end
    return True


cdef bint connection_may_begin(const connection_tuple* t, uint32_t tcp_flags) noexcept nogil:
    return t.proto != IP_PROTO_TCP or TRANSITIONS[0][event_of(tcp_flags)][<int>TCP_NONE] < IGNORED


cdef inline uint32_t event_of(uint32_t tcp_flags) noexcept nogil:
    if tcp_flags & TCP_RST:
        return EVENT_RST
    if tcp_flags & TCP_SYN:
        return EVENT_SYNACK if tcp_flags & TCP_ACK else EVENT_SYN
    if tcp_flags & TCP_FIN:
        return EVENT_FIN
    return EVENT_ACK if tcp_flags & TCP_ACK else EVENT_NONE


cdef inline void tcp_change(connection* c, uint32_t state, uint32_t tcp_flags) noexcept nogil:
    if state == TCP_SYN_SENT and c.state > TCP_SYN_SENT:
        c.flags = c.flags & (CONNECTION_SNAT | CONNECTION_DNAT)     # the ports are used again
    if state == TCP_CLOSE and tcp_flags & TCP_RST:
        c.flags |= CONNECTION_CLOSING
    if state == TCP_ESTABLISHED and c.flags & CONNECTION_SEEN_REPLY:
        c.flags |= CONNECTION_ASSURED
    c.state = <uint8_t>state


cdef uint64_t connection_timeout_ns(const connection* c) noexcept nogil:
    cdef uint32_t proto = c.tuples[0].proto
    if proto == IP_PROTO_TCP:
        return TCP_TIMEOUTS_S[c.state] * SECOND_NS
    if proto == IP_PROTO_UDP:
        return (<uint64_t>UDP_STREAM_TIMEOUT_S if c.flags & CONNECTION_STREAM else <uint64_t>UDP_TIMEOUT_S) * SECOND_NS
    if proto == IP_PROTO_ICMP or proto == IP_PROTO_ICMP6:
        return <uint64_t>ICMP_TIMEOUT_S * SECOND_NS
    return <uint64_t>GENERIC_TIMEOUT_S * SECOND_NS


# Entries.

cdef connection_table* connections_new(uint32_t max) except NULL:
    """A table for at most `max` connections."""
    cdef connection_table* table = <connection_table*>calloc(1, sizeof(connection_table))
    if table == NULL:
        raise MemoryError("no memory for a table of connections")
    table.buckets = <uint32_t*>calloc(N_BUCKETS_MIN, sizeof(uint32_t))
    if table.buckets == NULL:
        free(table)
        raise MemoryError("no memory for a table of connections")
    table.bucket_mask = N_BUCKETS_MIN - 1
    table.max = max
    return table


cdef void connections_free(connection_table* table) noexcept nogil:
    cdef uint32_t i
    if table != NULL:
        for i in range(table.n_pages):
            free(table.pages[i])
        free(table.pages)
        free(table.buckets)
        free(table)


cdef connection* connections_add(connection_table* table, const connection_tuple* original, const connection_tuple* answer,
                                 uint64_t now_ns) noexcept nogil:
    cdef connection* c
    cdef uint32_t i
    for i in range(N_LOOKED_AT):
        look_at_next(table, now_ns)
    if (table.n >= table.max and not make_room(table, original, now_ns)) or not has_free(table):
        table.n_refused += 1
        return NULL
    if BUCKETS_PER_ENTRY * table.n > table.bucket_mask:
        grow_buckets(table)
    c = entry(table, table.first_free)
    i = table.first_free
    table.first_free = c.next[0]
    memset(c, 0, sizeof(connection))
    c.number = i
    c.tuples[0] = original[0]
    c.tuples[1] = answer[0]
    c.created_ns = now_ns
    c.expires_ns = now_ns + max(connection_timeout_ns(c), SECOND_NS)
    table.n += 1
    link(table, c, 1)
    link(table, c, 0)               # found first, if both are the same
    return c


cdef inline void link(connection_table* table, connection* c, uint32_t direction) noexcept nogil:
    cdef uint32_t* bucket = &table.buckets[tuple_hash(&c.tuples[direction]) & table.bucket_mask]
    c.next[direction] = bucket[0]
    bucket[0] = c.number << 1 | direction


cdef inline void unlink(connection_table* table, const connection* c, uint32_t direction) noexcept nogil:
    cdef uint32_t wanted = c.number << 1 | direction
    cdef uint32_t* at = &table.buckets[tuple_hash(&c.tuples[direction]) & table.bucket_mask]
    while at[0] != wanted:
        at = &entry(table, at[0] >> 1).next[at[0] & 1]
    at[0] = c.next[direction]


cdef void connections_remove(connection_table* table, connection* c) noexcept nogil:
    unlink(table, c, 0)
    unlink(table, c, 1)
    c.flags = FREE
    c.next[0] = table.first_free
    table.first_free = c.number
    table.n -= 1


cdef void connections_flush(connection_table* table) noexcept nogil:
    """Forgets all."""
    cdef uint32_t number
    for number in range(1, table.n_numbers + 1):
        if entry(table, number).flags != FREE:
            connections_remove(table, entry(table, number))


cdef connection* connections_next(connection_table* table, uint32_t number, uint64_t now_ns) noexcept nogil:
    cdef connection* c
    while number < table.n_numbers:
        number += 1
        c = entry(table, number)
        if c.flags != FREE and c.expires_ns > now_ns:
            return c
    return NULL


cdef bint has_free(connection_table* table) noexcept nogil:
    """Sees to a free entry; False without memory."""
    cdef connection** pages
    cdef connection* page
    cdef uint32_t i
    if table.first_free:
        return True
    pages = <connection**>realloc(table.pages, (table.n_pages + 1) * sizeof(connection*))
    if pages == NULL:
        return False
    table.pages = pages
    page = <connection*>aligned_alloc(CACHE_LINE, PAGE_LEN * sizeof(connection))
    if page == NULL:
        return False
    memset(page, 0, PAGE_LEN * sizeof(connection))
    pages[table.n_pages] = page
    table.n_pages += 1
    for i in range(PAGE_LEN, 0, -1):
        page[i - 1].number = table.n_numbers + i
        page[i - 1].flags = FREE
        page[i - 1].next[0] = table.first_free
        table.first_free = page[i - 1].number
    table.n_numbers += PAGE_LEN
    return True


cdef void look_at_next(connection_table* table, uint64_t now_ns) noexcept nogil:
    """The hand goes on by one entry, and takes it away if it has timed out."""
    cdef connection* c
    if table.n_numbers == 0:
        return
    table.hand = table.hand + 1 if table.hand < table.n_numbers else 1
    c = entry(table, table.hand)
    if c.flags != FREE and c.expires_ns <= now_ns:
        table.n_expired += 1
        connections_remove(table, c)


cdef bint make_room(connection_table* table, const connection_tuple* t, uint64_t now_ns) noexcept nogil:
    """The table is full: whoever has timed out goes, or else the first of a few that are not assured."""
    cdef uint32_t before = table.n
    cdef uint32_t i, j, at
    cdef connection* c
    for i in range(table.n_numbers):
        look_at_next(table, now_ns)
        if table.n < before:
            return True
    at = <uint32_t>tuple_hash(t)
    for i in range(N_TRIED):
        j = table.buckets[(at + i) & table.bucket_mask]
        while j:
            c = entry(table, j >> 1)
            if not c.flags & CONNECTION_ASSURED:
                table.n_evicted += 1
                connections_remove(table, c)
                return True
            j = c.next[j & 1]
    return False


cdef void grow_buckets(connection_table* table) noexcept nogil:
    """Twice as many; without memory chains grow longer instead."""
    cdef uint32_t n = 2 * (table.bucket_mask + 1)
    cdef uint32_t* grown = <uint32_t*>calloc(n, sizeof(uint32_t))
    cdef uint32_t number
    cdef connection* c
    if grown == NULL:
        return
    free(table.buckets)
    table.buckets = grown
    table.bucket_mask = n - 1
    for number in range(1, table.n_numbers + 1):
        c = entry(table, number)
        if c.flags != FREE:
            link(table, c, 1)
            link(table, c, 0)


# For Python.

Tuple = namedtuple("Tuple", ["src", "dst", "proto", "src_port", "dst_port", "zone"], defaults=[0, 0, 0])
"""Of packets of one direction: addresses as integers of 128 bits, IPv4 mapped; ports, or identifier and type of ICMP."""

_STATES = ("NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
           "SYN_SENT2")


cdef int tuple_of(object value, connection_tuple* t) except -1:
    memset(t, 0, sizeof(connection_tuple))
    words_of_address(value.src, t.src)
    words_of_address(value.dst, t.dst)
    t.proto = value.proto
    t.src_port = value.src_port
    t.dst_port = value.dst_port
    t.zone = value.zone
    return 0


cdef object value_of(const connection_tuple* t):
    return Tuple(address_of_words(t.src), address_of_words(t.dst), t.proto, t.src_port, t.dst_port, t.zone)


cdef object row_of(const connection* c):
    return {
        "original": value_of(&c.tuples[0]), "answer": value_of(&c.tuples[1]),
        "state": _STATES[c.state] if c.tuples[0].proto == IP_PROTO_TCP else "",
        "seen_reply": bool(c.flags & CONNECTION_SEEN_REPLY), "assured": bool(c.flags & CONNECTION_ASSURED),
        "snat": bool(c.flags & CONNECTION_SNAT), "dnat": bool(c.flags & CONNECTION_DNAT),
        "expires_ns": c.expires_ns, "packets": (c.n_packets[0], c.n_packets[1]), "bytes": (c.n_bytes[0], c.n_bytes[1]),
    }


cdef list connection_rows(connection_table* table, uint64_t now_ns):
    """All connections, as dicts, in the order of their numbers."""
    cdef connection* c = connections_next(table, 0, now_ns)
    cdef list found = []
    while c != NULL:
        found.append(row_of(c))
        c = connections_next(table, c.number, now_ns)
    return found


cdef class ConnectionTable:
    """A table of connections for Python, as tests and tools use it.

    Parameters
    ----------
    max_connections : int
    """

    def __cinit__(self, uint32_t max_connections=CONNECTIONS_MAX):
        self.table = connections_new(max_connections)

    def __dealloc__(self):
        connections_free(self.table)

    def packet(self, value, uint64_t now_ns, *, uint32_t tcp_flags=0, uint32_t n_bytes=0, answer=None):
        """A packet with tuple `value` (a `Tuple`): its connection is found, or begun.

        Parameters
        ----------
        answer : Tuple or None
            What answers carry if the packet begins a connection; None: the tuple turned around.

        Returns
        -------
        str
            ``"new"``, ``"original"`` or ``"answer"`` by its direction, ``"invalid"`` if it does not fit its connection or
            could begin none, ``"refused"`` if there is no room or one of the tuples is taken.
        """
        cdef connection_tuple t
        cdef connection_tuple inverse
        cdef connection* c
        cdef uint32_t direction = 0
        tuple_of(value, &t)
        c = connections_find(self.table, &t, now_ns, &direction)
        if c != NULL:
            if not connection_packet(c, direction, tcp_flags, n_bytes, now_ns):
                return "invalid"
            return "answer" if direction else "original"
        if not tuple_invert(&t, &inverse):
            return "invalid"
        if answer is not None:
            tuple_of(answer, &inverse)
        if not connections_is_free(self.table, &inverse, now_ns):
            return "refused"
        if not connection_may_begin(&t, tcp_flags):
            return "invalid"
        c = connections_add(self.table, &t, &inverse, now_ns)
        if c == NULL:
            return "refused"
        connection_packet(c, 0, tcp_flags, n_bytes, now_ns)
        return "new"

    def rows(self, uint64_t now_ns):
        """All connections, as dicts, in the order of their numbers."""
        return connection_rows(self.table, now_ns)

    def flush(self):
        """Forgets all."""
        connections_flush(self.table)

    @property
    def n_evicted(self):
        """Connections that were given up for a new one."""
        return self.table.n_evicted

    def __len__(self):
        return self.table.n
