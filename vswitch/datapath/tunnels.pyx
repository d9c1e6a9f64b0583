"""Which tunnel port is a frame for? (OVS ofproto/tunnel.c tnl_find(), lib/tnl-ports.c)

Two questions, as in OVS. A frame that is about to leave at a device, a port with an IP address: is it for one of the
tunnels that end here? Its destination must be a device's own MAC and address, untagged and no fragment, and protocol
and port those of some tunnel (`endpoint`). And once it is decapsulated: which of the tunnel ports of that kind is it
for? The most specific one: a configured key before `key=flow`, then a configured remote address before `flow`, then a
configured local address before any, before `flow`.
"""
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from vswitch.datapath.tunnel cimport TUNNEL_GRE, TUNNEL_OFF, tunnel
from vswitch.tables.flow_key cimport FRAG_ANY
from vswitch.tables.hash cimport hash_mix
from vswitch.wire.ethernet cimport ETH_TYPE_IPV4, ETH_TYPE_IPV6
from vswitch.wire.ipv4 cimport IP_PROTO_GRE, IP_PROTO_UDP

cdef struct tunnel_match:           # zeros where a class does not look
    uint32_t match_class
    uint8_t kind
    uint16_t dst_port
    uint64_t key
    uint64_t local[2]
    uint64_t remote[2]


cdef inline uint32_t class_of(bint key_is_flow, bint remote_is_flow, uint32_t local) noexcept nogil:
    return 6 * key_is_flow + 3 * remote_is_flow + local


cdef void match_of(const tunnel* t, tunnel_match* m) noexcept nogil:
    """What received frames of a tunnel port look like."""
    cdef uint32_t local = LOCAL_FLOW if t.local_is_flow else LOCAL_CONFIGURED if t.local[0] | t.local[1] else LOCAL_ANY
    memset(m, 0, sizeof(tunnel_match))
    m.match_class = class_of(t.in_key_is_flow, t.remote_is_flow, local)
    m.kind = t.kind
    m.dst_port = t.dst_port
    if not t.in_key_is_flow:
        m.key = t.in_key
    if local == LOCAL_CONFIGURED:
        m.local[0] = t.local[0]
        m.local[1] = t.local[1]
    if not t.remote_is_flow:
        m.remote[0] = t.remote[0]
        m.remote[1] = t.remote[1]


cdef inline uint64_t match_hash(const tunnel_match* m) noexcept nogil:
    cdef uint64_t hash = hash_mix(<uint64_t>m.match_class << 32 | <uint64_t>m.kind << 16 | m.dst_port)
    hash = hash_mix(hash ^ m.key)
    hash = hash_mix(hash ^ m.local[0] ^ m.local[1])
    return hash_mix(hash ^ m.remote[0] ^ m.remote[1])


cdef inline bint matches_equal(const tunnel_match* a, const tunnel_match* b) noexcept nogil:
    return (a.match_class == b.match_class and a.kind == b.kind and a.dst_port == b.dst_port and a.key == b.key
            and a.local[0] == b.local[0] and a.local[1] == b.local[1]
            and a.remote[0] == b.remote[0] and a.remote[1] == b.remote[1])


cdef bint tunnel_set_build(tunnel_set* set) noexcept nogil:
    """Makes the look-up tables out of `all_ports`. False if memory ran out."""
    cdef tunnel_match m, other
    cdef port* p
    cdef port** at
    cdef uint32_t n_tunnels = 0, n_devices = 0, n_buckets = 4, i, j
    tunnel_set_free(set)
    set.version += 1
    for i in range(set.n_all_ports):
        p = set.all_ports[i]
        n_tunnels += p != NULL and p.tunnel != NULL
        n_devices += p != NULL and p.n_addresses != 0
    while n_buckets < 2 * n_tunnels:
        n_buckets *= 2
    set.devices = <port**>calloc(n_devices + 1, sizeof(port*))
    set.endpoints = <endpoint*>calloc(n_tunnels + 1, sizeof(endpoint))
    set.buckets = <port**>calloc(n_buckets, sizeof(port*))
    if set.devices == NULL or set.endpoints == NULL or set.buckets == NULL:
        tunnel_set_free(set)
        return False
    set.bucket_mask = n_buckets - 1
    for i in range(set.n_all_ports):
        p = set.all_ports[i]
        if p == NULL:
            continue
        if p.n_addresses:
            set.devices[set.n_devices] = p
            set.n_devices += 1
        if p.tunnel == NULL or p.tunnel.kind == TUNNEL_OFF:
            continue
        match_of(p.tunnel, &m)
        at = &set.buckets[match_hash(&m) & set.bucket_mask]
        while at[0] != NULL:
            match_of(at[0].tunnel, &other)
            if matches_equal(&m, &other):
                break
            at = &at[0].next_tunnel
        if at[0] != NULL:
            continue                # OVS refuses the second of two ports with the same match
        at[0] = p
        p.next_tunnel = NULL
        set.n_of_class[m.match_class] += 1
        for j in range(set.n_endpoints):
            if set.endpoints[j].kind == m.kind and set.endpoints[j].dst_port == m.dst_port:
                break
        else:
            set.endpoints[set.n_endpoints].kind = m.kind
            set.endpoints[set.n_endpoints].dst_port = m.dst_port
            set.n_endpoints += 1
    return True


cdef void tunnel_set_free(tunnel_set* set) noexcept nogil:
    """Forgets the look-up tables; routes and neighbours are the caller's."""
    free(set.buckets)
    free(set.endpoints)
    free(set.devices)
    set.buckets = set.devices = NULL
    set.endpoints = NULL
    set.n_endpoints = set.n_devices = set.bucket_mask = 0
    memset(set.n_of_class, 0, sizeof(set.n_of_class))


cdef port* tunnels_find(const tunnel_set* set, const flow_key* key, const endpoint* e) noexcept nogil:
    cdef tunnel_match m, other
    cdef uint32_t i
    cdef port* p
    for i in range(TUNNEL_CLASSES):
        if set.n_of_class[i] == 0:
            continue
        memset(&m, 0, sizeof(m))
        m.match_class = i
        m.kind = e.kind
        m.dst_port = e.dst_port
        if i < 6:
            m.key = key.tun_id
        if i % 3 == LOCAL_CONFIGURED:
            tunnel_destination(key, m.local)
        if i % 6 < 3:
            tunnel_source(key, m.remote)
        p = set.buckets[match_hash(&m) & set.bucket_mask]
        while p != NULL:
            match_of(p.tunnel, &other)
            if matches_equal(&m, &other):
                return p
            p = p.next_tunnel
    return NULL


cdef const endpoint* tunnels_endpoint(const tunnel_set* set, const flow_key* key) noexcept nogil:
    cdef uint64_t to[2]
    cdef uint32_t i
    cdef const endpoint* e
    if key.nw_frag & FRAG_ANY or key.vlans[0].tci:
        return NULL
    if key.dl_type == ETH_TYPE_IPV4:
        mapped_ipv4(key.nw_dst, to)
    elif key.dl_type == ETH_TYPE_IPV6:
        to[0] = key.ipv6_dst[0]
        to[1] = key.ipv6_dst[1]
    else:
        return NULL
    for i in range(set.n_endpoints):
        e = &set.endpoints[i]
        if e.kind == TUNNEL_GRE:
            if key.nw_proto == IP_PROTO_GRE and is_own(set, key.dl_dst, to):
                return e
        elif key.nw_proto == IP_PROTO_UDP and key.tp_dst == e.dst_port and is_own(set, key.dl_dst, to):
            return e
    return NULL


cdef bint is_own(const tunnel_set* set, uint64_t mac, const uint64_t* address) noexcept nogil:
    """True if a device has this MAC and this address."""
    cdef uint32_t i, j
    cdef const port* p
    for i in range(set.n_devices):
        p = set.devices[i]
        if p.mac != mac or not p.is_listening:
            continue
        for j in range(p.n_addresses):
            if p.addresses[j].address[0] == address[0] and p.addresses[j].address[1] == address[1]:
                return True
    return False
