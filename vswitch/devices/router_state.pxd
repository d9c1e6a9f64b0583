"""A router as C structs: what all files of it work on. `Router` (router.pyx) owns them.

Addresses are two words, the most significant first, IPv4 as ``::ffff:a.b.c.d``; prefix lengths count from the 128 bits'
start. Interfaces have the numbers of the device's ports. Times are nanoseconds of the device's clock.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.device cimport device
from vswitch.devices.router_notes cimport note_list
from vswitch.tables.connections cimport connection_table
from vswitch.tables.routes cimport route_table
from vswitch.wire.address_words cimport is_mapped_ipv4

cdef enum:
    LOCAL_TABLE = 255
    MAIN_TABLE = 254
    ROUTE_CACHE_LEN = 1024          # entries, a power of two

cdef extern from "<stdint.h>":
    const uint32_t NO_INTERFACE "UINT32_MAX"

cdef struct interface_address:
    uint64_t address[2]
    uint64_t mask[2]

cdef struct interface:
    uint64_t mac
    uint32_t mtu
    uint32_t n_addresses
    interface_address* addresses    # as configured: the first of a family and subnet is the one to speak from
    bint is_up
    bint proxy_arp

cdef struct policy_rule:
    uint64_t src[2]
    uint64_t src_mask[2]
    uint64_t dst[2]
    uint64_t dst_mask[2]
    uint32_t interface              # where the packet came in; NO_INTERFACE: anywhere
    uint32_t table

cdef struct destination:            # what a look-up of routes finds
    uint64_t dst[2]                 # of the packet ...
    uint64_t src[2]                 # ... and, if there are rules, its source and where it came in
    uint64_t version                # of the routes; another one than theirs: to be looked up again
    uint32_t in_interface
    uint32_t interface              # where it leaves; NO_INTERFACE: nowhere, there is no route
    uint64_t next_hop[2]
    uint64_t source[2]              # to speak from, or (0, 0)
    uint32_t neighbor               # index of the next hop, once it was known; to be checked
    bint is_local                   # the router's own address

cdef enum neighbor_state:           # RFC 4861 section 7.3.2, and what Linux adds
    NEIGHBOR_NONE = 0               # a free slot
    NEIGHBOR_INCOMPLETE = 1
    NEIGHBOR_REACHABLE = 2
    NEIGHBOR_STALE = 3
    NEIGHBOR_DELAY = 4
    NEIGHBOR_PROBE = 5
    NEIGHBOR_FAILED = 6
    NEIGHBOR_PERMANENT = 7

cdef struct waiting_packet:         # its Ethernet header and bytes follow
    waiting_packet* next
    uint64_t cause                  # row in the ledger, as in wire_queue
    uint32_t n_hops
    uint32_t caplen                 # with the Ethernet header
    uint32_t len

cdef struct neighbor_entry:
    uint64_t address[2]
    uint64_t mac
    uint64_t confirmed_ns           # when it was last known to be reachable
    uint64_t updated_ns             # when its MAC was last set
    uint64_t timer_ns               # when its state is up for a change; NEVER
    uint32_t interface
    uint32_t next                   # of its hash bucket: index + 1; 0 ends it
    uint8_t state
    uint8_t n_probes
    uint32_t n_waiting_bytes
    waiting_packet* first           # packets for it, while nobody knows its MAC
    waiting_packet* last

cdef struct neighbor_cache:
    neighbor_entry* entries
    uint32_t n
    uint32_t n_allocated
    uint32_t* buckets
    uint32_t bucket_mask
    uint64_t next_timer_ns          # no timer of any is due before

cdef struct nat_state:
    bint is_on
    bint is_distributed             # floating IPs are translated only in what comes in at the gateway
    uint32_t gateway                # interface
    uint32_t source                 # 0: none
    uint32_t n_floating
    uint32_t* external              # floating IPs in order of the external address ...
    uint32_t* internal_of           # ... and what stands behind each
    uint32_t* internal              # in order of the internal address ...
    uint32_t* external_of

cdef enum vrrp_role:
    VRRP_BACKUP = 0
    VRRP_MASTER = 1
    VRRP_FAULT = 2                  # the interface to the others is down

cdef struct vrrp_state:
    bint is_on
    uint8_t state                   # vrrp_role
    uint32_t interface              # to the other routers
    uint32_t vrid
    uint32_t priority               # 1 to 254
    uint32_t own_address            # of that interface
    uint32_t address                # that stands in advertisements
    uint64_t interval_ns            # between advertisements
    uint64_t timer_ns               # master: of the next one; backup: when the master is taken for dead
    uint64_t announce_delay_ns      # from becoming the master to the second announcement
    uint64_t announce_ns            # when that is; NEVER

cdef struct fragment:               # its bytes follow; of the first one the IP header stands before them
    fragment* next                  # with a larger offset
    uint32_t offset                 # bytes
    uint32_t n_bytes
    uint32_t header_len

cdef struct fragmented_packet:
    fragmented_packet* next
    fragment* first
    uint32_t src
    uint32_t dst
    uint16_t id
    uint8_t proto
    uint32_t length                 # without the header; 0: not known yet
    uint32_t largest                # fragment, with its header
    bint must_not_be_fragmented     # DF was set
    uint64_t expires_ns

cdef struct router
ctypedef void (*neighbor_solicitor)(router* r, const neighbor_entry* n, bint is_unicast) noexcept nogil
ctypedef void (*neighbor_mourner)(router* r, uint32_t interface, const waiting_packet* packet) noexcept nogil

cdef struct router:
    device* device
    interface* interfaces
    uint32_t n_interfaces
    route_table* routes             # a route's mark is its table, its device an interface
    policy_rule* rules              # in order; those behind the look-up of local addresses
    uint32_t n_rules
    destination* cache              # ROUTE_CACHE_LEN
    destination on_link             # of a packet to a link-local address
    neighbor_cache neighbors
    neighbor_solicitor solicit      # asks for a neighbour's MAC
    neighbor_mourner mourn          # a packet is given up, for nobody answered
    connection_table* connections
    nat_state nat
    vrrp_state vrrp
    uint8_t* scratch                # room for a packet that is put together, 65535 bytes
    fragmented_packet* fragmented   # packets of which some fragments have come
    uint32_t n_fragment_bytes
    uint8_t* assembled              # the packet that was put together last
    uint32_t fragment_limit         # what is sent on now is cut to pieces of at most so many bytes; 0: to the MTU
    uint16_t next_id                # of IP packets that it makes itself
    uint64_t announce_ns            # when to announce its addresses; NEVER
    void* owner                     # the Router, which has the advertiser in Python
    uint64_t advertise_ns           # when the advertiser is to be woken; NEVER
    bint advertises                 # router solicitations are for the advertiser
    note_list* notes                # or NULL


cdef inline bint same_address(const uint64_t* a, const uint64_t* b) noexcept nogil:
    return a[0] == b[0] and a[1] == b[1]


cdef inline bint in_subnet(const interface_address* a, const uint64_t* address) noexcept nogil:
    return not ((a.address[0] ^ address[0]) & a.mask[0] or (a.address[1] ^ address[1]) & a.mask[1])


cdef inline bint interface_has(const interface* i, const uint64_t* address) noexcept nogil:
    cdef uint32_t j
    for j in range(i.n_addresses):
        if same_address(i.addresses[j].address, address):
            return True
    return False


cdef inline bint subnet_source(const interface* i, const uint64_t* peer, uint64_t* source) noexcept nogil:
    """The interface's address to speak from with `peer` (Linux's inet_select_addr()); False: it has none of the family."""
    cdef uint32_t j
    cdef bint found = False
    for j in range(i.n_addresses):
        if is_mapped_ipv4(i.addresses[j].address) != is_mapped_ipv4(peer):
            continue
        if in_subnet(&i.addresses[j], peer):
            source[0] = i.addresses[j].address[0]
            source[1] = i.addresses[j].address[1]
            return True
        if not found:
            source[0] = i.addresses[j].address[0]
            source[1] = i.addresses[j].address[1]
            found = True
    return found
