"""Routes of the underlay: (mark, destination) → device, gateway and source address, as OVS's lib/ovs-router.

Read `routes.pyx` for the rules. Addresses are two words, the most significant first, IPv4 as ``::ffff:a.b.c.d``;
(0, 0) is none. Prefix lengths count from the 128 bits' start, so an IPv4 /24 is 120.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef enum:
    ROUTE_NO_DEVICE = 0xFFFFFFFF    # of a route to a name that is no port (any more)
    ROUTE_MAX_PLEN = 128
    ROUTE_USER = 32                 # what is added to the prefix length of an operator's route: its priority
    ROUTE_LOCAL = 64                # ... of an address of the node's own

cdef struct route:
    uint64_t dst[2]                 # masked
    uint64_t gateway[2]             # (0, 0): the destination is on the link
    uint64_t source[2]              # what is sent there comes from this address, unless another is asked for
    uint64_t turn                   # order of arrival; a route that replaces another takes its turn
    uint32_t mark                   # packet mark that it is for
    uint32_t device                 # number of a port in Datapath, or ROUTE_NO_DEVICE
    uint32_t name                   # number that the caller gives to the device's name
    uint8_t plen                    # prefix length, 0 to ROUTE_MAX_PLEN
    uint8_t priority                # the highest of all that match wins
    bint is_local                   # the destination is the node's own address
    bint is_cached                  # from the system's own table and not from the operator

cdef struct route_table:
    route* routes                   # by prefix length, destination, mark; then the highest priority first
    uint32_t n
    uint32_t n_allocated
    uint32_t starts[130]            # routes of prefix length i are starts[i] up to starts[i + 1]
    uint64_t last_turn
    uint64_t version                # grows with every change

cdef route_table* routes_new() except NULL
cdef void routes_free(route_table* table) noexcept nogil

# The way to `dst` for frames with packet mark `mark`; False: there is none, or `src` is no address of the node.
# `src` goes in as the wanted source or (0, 0), and comes out as the source to use.
cdef bint routes_lookup(const route_table* table, uint32_t mark, const uint64_t* dst, uint64_t* src,
                        uint64_t* gateway, uint32_t* device) noexcept nogil
cdef const route* routes_find(const route_table* table, uint32_t mark, const uint64_t* dst) noexcept nogil

# `r` gives destination (masked here), plen, mark, priority and what they lead to; a route with the same first four
# is replaced. False if memory is short.
cdef bint routes_add(route_table* table, const route* r) noexcept nogil
cdef bint routes_del(route_table* table, uint32_t mark, const uint64_t* dst, uint8_t plen, uint8_t priority) noexcept nogil
cdef void routes_flush_cached(route_table* table) noexcept nogil
# The device of that name is now the port of that number, or ROUTE_NO_DEVICE.
cdef void routes_set_device(route_table* table, uint32_t name, uint32_t device) noexcept nogil
# The order of ovs/route/show: an array of `n` indices of `routes`, which the caller frees; NULL if memory is short.
cdef uint32_t* routes_order(const route_table* table) noexcept nogil


cdef inline uint64_t route_mask(uint32_t plen, uint32_t word) noexcept nogil:
    """One word (0 or 1) of the mask of a prefix length."""
    cdef uint32_t bits = plen if plen < 64 else 64
    if word:
        bits = plen - bits
    return <uint64_t>0 if bits == 0 else ~<uint64_t>0 << (64 - bits)
