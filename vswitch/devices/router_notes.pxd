"""What a router says about a packet when somebody asks: one note for each thing that it decided.

Notes are taken only while a frame is explained; else the list is NULL, and a note costs one comparison.
"""
from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    MAX_NOTES = 32                  # of one frame

cdef enum note_kind:                # `a` and `b` are addresses, `n` a number
    NOTE_ARP_ANSWERED = 0           # for a, to b
    NOTE_ARP_LEARNED = 1            # a has MAC n
    NOTE_ARP_NOT_OURS = 2           # a
    NOTE_LOCAL = 3                  # the packet is for the router itself: a
    NOTE_ECHO_ANSWERED = 4          # to a
    NOTE_ROUTED = 5                 # to a by next hop b at the interface
    NOTE_NO_ROUTE = 6               # to a
    NOTE_TTL = 7                    # goes from n to n - 1
    NOTE_TTL_EXPIRED = 8
    NOTE_ICMP_SENT = 9              # type << 8 | code is n, to a
    NOTE_TOO_BIG = 10               # n bytes are over the MTU at the interface
    NOTE_FRAGMENTED = 11            # n pieces
    NOTE_NEIGHBOR_ASKED = 12        # for a at the interface
    NOTE_WAITS = 13                 # for a's MAC
    NOTE_RELEASED = 14              # n packets that waited for a
    NOTE_SNAT = 15                  # source a becomes b, port n >> 16 becomes n & 0xffff
    NOTE_DNAT = 16                  # destination likewise
    NOTE_NEW_CONNECTION = 17
    NOTE_KNOWN_CONNECTION = 18      # n: 0 in its first direction, 1: an answer
    NOTE_ERROR_OF_CONNECTION = 19   # an ICMP error about a packet of a known connection
    NOTE_TABLE = 20                 # a rule sent the look-up to table n
    NOTE_FRAGMENT_WAITS = 21        # for the rest of its packet
    NOTE_REASSEMBLED = 22           # a packet of n bytes

cdef struct note:
    uint32_t kind
    uint32_t interface
    uint64_t a[2]
    uint64_t b[2]
    uint64_t n

cdef struct note_list:
    uint32_t n
    note notes[32]                  # MAX_NOTES


cdef inline void take_note(note_list* notes, uint32_t kind, uint32_t interface, const uint64_t* a, const uint64_t* b,
                           uint64_t n) noexcept nogil:
    cdef note* o
    if notes == NULL or notes.n == MAX_NOTES:
        return
    o = &notes.notes[notes.n]
    o.kind = kind
    o.interface = interface
    o.a[0] = a[0] if a != NULL else 0
    o.a[1] = a[1] if a != NULL else 0
    o.b[0] = b[0] if b != NULL else 0
    o.b[1] = b[1] if b != NULL else 0
    o.n = n
    notes.n += 1
