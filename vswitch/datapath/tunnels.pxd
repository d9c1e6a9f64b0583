"""The tunnel ports of a datapath, and what they stand on: devices with addresses, routes, neighbours."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport port
from vswitch.datapath.tlv_map cimport tlv_map
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.neighbors cimport neighbor_table
from vswitch.tables.routes cimport route_table

cdef enum:
    TUNNEL_CLASSES = 12             # how specific a match is: key, remote address, local address
    LOCAL_CONFIGURED = 0            # of the local address ...
    LOCAL_ANY = 1
    LOCAL_FLOW = 2

cdef struct endpoint:               # what is listened for
    uint8_t kind
    uint16_t dst_port

cdef struct tunnel_set:
    port** buckets                  # hash table of tunnel ports by match, chained by next_tunnel
    uint32_t bucket_mask
    uint32_t n_of_class[12]         # TUNNEL_CLASSES
    endpoint* endpoints             # each once
    uint32_t n_endpoints
    port** devices                  # ports with an address, where tunnels end
    uint32_t n_devices
    uint64_t version                # grows with every change of ports and devices
    route_table* routes
    neighbor_table* neighbors
    port** all_ports                # of the datapath, by number
    uint32_t n_all_ports
    tlv_map** tlv_maps              # by number of the bridge; NULL: it has none
    uint32_t n_tlv_maps

cdef bint tunnel_set_build(tunnel_set* set) noexcept nogil
cdef void tunnel_set_free(tunnel_set* set) noexcept nogil
# The tunnel port that a decapsulated frame came in at, or NULL; `key` has the tunnel's fields.
cdef port* tunnels_find(const tunnel_set* set, const flow_key* key, const endpoint* e) noexcept nogil
# The endpoint that a frame is for, which is about to leave at a device; NULL: none.
cdef const endpoint* tunnels_endpoint(const tunnel_set* set, const flow_key* key) noexcept nogil

cdef inline const tlv_map* tunnel_set_tlv_map(const tunnel_set* set, uint32_t bridge) noexcept nogil:
    """The map of Geneve options of a bridge, or NULL."""
    return set.tlv_maps[bridge] if bridge < set.n_tlv_maps else NULL

cdef inline uint64_t tunnel_set_version(const tunnel_set* set) noexcept nogil:
    """Grows with every change of what the way of a tunnelled frame depends on."""
    return set.version + set.routes.version + set.neighbors.version

cdef inline void mapped_ipv4(uint32_t address, uint64_t* to) noexcept nogil:
    """::ffff:a.b.c.d; none for 0.0.0.0."""
    to[0] = 0
    to[1] = <uint64_t>0xFFFF00000000 | address if address else 0

cdef inline void ip_address(bint is_ipv4, uint32_t ipv4, const uint64_t* ipv6, uint64_t* to) noexcept nogil:
    if is_ipv4:
        mapped_ipv4(ipv4, to)
    else:
        to[0] = ipv6[0]
        to[1] = ipv6[1]

cdef inline void tunnel_source(const flow_key* key, uint64_t* to) noexcept nogil:
    """The tunnel's source address in a key (OVS flow_tnl_src())."""
    ip_address(key.tun_src != 0, key.tun_src, key.tun_ipv6_src, to)

cdef inline void tunnel_destination(const flow_key* key, uint64_t* to) noexcept nogil:
    ip_address(key.tun_dst != 0, key.tun_dst, key.tun_ipv6_dst, to)
