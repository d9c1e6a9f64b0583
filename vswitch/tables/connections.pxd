"""Connections: five-tuple and zone, in both directions, → state, timeout, address translation, mark.

What Linux's nf_conntrack keeps, for a router's NAT now and for ct() later. Read `connections.pyx` for the rules. Addresses
are two words, the most significant first, IPv4 as ``::ffff:a.b.c.d``; ports in host order; times are nanoseconds of the
caller's clock, which never goes back.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    CONNECTIONS_MAX = 262144        # Linux: nf_conntrack_max on a machine of some size

cdef enum connection_flag:
    CONNECTION_SEEN_REPLY = 1 << 0  # a packet has come the other way
    CONNECTION_ASSURED = 1 << 1     # not to be given up for a new one
    CONNECTION_SNAT = 1 << 2        # the source of the first direction is translated
    CONNECTION_DNAT = 1 << 3        # ... its destination
    CONNECTION_CLOSING = 1 << 4     # TCP: a RST has been seen
    CONNECTION_STREAM = 1 << 5      # UDP: both ways for more than two seconds

cdef enum tcp_state:                # as in Linux, in whose order
    TCP_NONE = 0
    TCP_SYN_SENT = 1
    TCP_SYN_RECV = 2
    TCP_ESTABLISHED = 3
    TCP_FIN_WAIT = 4
    TCP_CLOSE_WAIT = 5
    TCP_LAST_ACK = 6
    TCP_TIME_WAIT = 7
    TCP_CLOSE = 8
    TCP_SYN_SENT2 = 9               # both sides open at once

cdef struct connection_tuple:       # of packets of one direction, as they arrive
    uint64_t src[2]
    uint64_t dst[2]
    uint16_t src_port               # ICMP: the identifier of an echo
    uint16_t dst_port               # ICMP: type << 8 | code
    uint8_t proto
    uint8_t pad
    uint16_t zone

cdef struct connection:             # 192 bytes: three cache lines, of which a packet needs all
    connection_tuple tuples[2]      # of the direction of the first packet, and of answers
    uint32_t next[2]                # of the hash chain of each: number; 0 ends it
    uint64_t expires_ns
    uint32_t number                 # of the entry, from 1
    uint16_t flags                  # connection_flag; 0xffff: a free entry, and next[0] leads to the next one
    uint8_t state                   # tcp_state
    uint8_t pad
    uint64_t created_ns
    uint64_t n_packets[2]           # by direction
    uint64_t n_bytes[2]
    uint64_t mark                   # for ct(): 32 bits are used
    uint64_t label[2]
    uint64_t pad2

cdef struct connection_table:
    connection** pages              # an entry stays where it is
    uint32_t n_pages
    uint32_t n                      # entries in use, timed out ones included
    uint32_t first_free             # number; 0: none
    uint32_t n_numbers              # given out
    uint32_t max
    uint32_t* buckets               # number << 1 | direction of the first; 0: none
    uint32_t bucket_mask
    uint32_t hand                   # where the search for timed out entries goes on
    uint64_t n_refused              # new connections without room
    uint64_t n_expired
    uint64_t n_evicted              # given up early

cdef connection_table* connections_new(uint32_t max) except NULL
cdef void connections_free(connection_table* table) noexcept nogil

# The connection of a packet with tuple `t`, and its direction (0: that of the first packet); NULL: a new one.
cdef connection* connections_find(connection_table* table, const connection_tuple* t, uint64_t now_ns,
                                  uint32_t* direction) noexcept nogil
# Brings near what a look-up of `t` will need, in two steps with time between them: the hash chain's head, which is
# noted by the hash that is returned, and then the first entry of the chain.
cdef uint64_t connections_prefetch_chain(const connection_table* table, const connection_tuple* t) noexcept nogil
cdef void connections_prefetch_entry(const connection_table* table, uint64_t hash) noexcept nogil
# True if no connection has `t` as one of its tuples.
cdef bint connections_is_free(connection_table* table, const connection_tuple* t, uint64_t now_ns) noexcept nogil
# A new one, whose tuples are free; NULL without memory or room. It has seen no packet yet.
cdef connection* connections_add(connection_table* table, const connection_tuple* original, const connection_tuple* answer,
                                 uint64_t now_ns) noexcept nogil
# False: TCP whose flags can begin no connection (Linux: INVALID).
cdef bint connection_may_begin(const connection_tuple* t, uint32_t tcp_flags) noexcept nogil
# A packet of the connection: state and timeout. `tcp_flags` of TCP, otherwise not looked at. False: TCP that does not
# fit the state, which changes nothing (Linux: INVALID).
cdef bint connection_packet(connection* c, uint32_t direction, uint32_t tcp_flags, uint32_t n_bytes,
                            uint64_t now_ns) noexcept nogil
cdef void connections_remove(connection_table* table, connection* c) noexcept nogil
cdef void connections_flush(connection_table* table) noexcept nogil
# The first entry with a number above `number` that has not timed out, or NULL.
cdef connection* connections_next(connection_table* table, uint32_t number, uint64_t now_ns) noexcept nogil
# How long the connection stays if nothing happens, by protocol and state.
cdef uint64_t connection_timeout_ns(const connection* c) noexcept nogil
# The tuple of answers to packets of tuple `t`, if nothing is translated; False: there are none to such ICMP.
cdef bint tuple_invert(const connection_tuple* t, connection_tuple* inverse) noexcept nogil

cdef list connection_rows(connection_table* table, uint64_t now_ns)

cdef class ConnectionTable:
    cdef connection_table* table
