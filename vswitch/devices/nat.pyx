"""Address translation of a router.

What
====
What the L3 agent's iptables rules make of a packet (neutron/agent/l3), on Linux's connection tracking:

* Before routing, a new connection to a floating IP gets the address behind it as its destination (DNAT).
* After routing, a new connection *from* an address with a floating IP gets that as its source (SNAT), if it concerns the gateway or
  was just translated; otherwise one that leaves at the gateway gets the router's external address. So does one that was
  for a floating IP but came from inside (hairpin): else its answers would take another way.
* Neither is done for what neither comes in nor leaves at the gateway, and was for no floating IP.
* Of a distributed router (dvr_local_router.py) only what comes in at the gateway is for a floating IP. What machines inside send
  to one goes on to the namespace behind the gateway, which sends it back if it is this router's.
* Packets of a known connection become what its first packet became, and answers the contrary. ICMP errors go by the packet
  that they quote.

How it works
============
*Ports* as Linux chooses them: the packet's own if nobody else has it with the same peer; otherwise another one of the same
kind (1 to 511, 600 to 1023, or 1024 to 65535), the next free one behind it. (Linux begins at a random one; Neutron's rules say
--random-fully if iptables can, which a replay does not do.) With one address for one address only the address changes, and the
port only if it is taken. Identifiers of ICMP echoes are treated as ports, 0 to 65535.

*A connection is kept* when its packet leaves: one that is dropped by the router leaves nothing behind. (A packet that waits for
its neighbour has left, so to speak.)

*What never concerns the gateway*, from one subnet to another, is not tracked: nothing would ever be translated, so nobody can
tell. That is the common case, and costs nothing.

Fragments have no ports: packets come here whole (reassembly.pyx).

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.capture.record cimport frame
from vswitch.datapath.fate cimport (
    DROP_IP_INVALID, DROP_NAT_EXHAUSTED, DROP_UNKNOWN_TRUNCATED, FATE_CONSUMED,
)
from vswitch.devices.ipv4_forward cimport ipv4_deliver, ipv4_forward
from vswitch.devices.nat_rewrite cimport translation
from vswitch.devices.router_notes cimport (
    NOTE_DNAT, NOTE_ERROR_OF_CONNECTION, NOTE_KNOWN_CONNECTION, NOTE_NEW_CONNECTION, NOTE_SNAT, take_note,
)
from vswitch.devices.router_state cimport NO_INTERFACE, destination, in_subnet, nat_state
from vswitch.devices.routing cimport routing_find
from vswitch.tables.connections cimport (
    CONNECTION_DNAT, CONNECTION_SNAT, connection, connection_may_begin, connection_packet, connection_tuple,
    connections_add, connections_find, connections_is_free, connections_prefetch_chain, connections_prefetch_entry,
    connections_remove, tuple_invert,
)
from vswitch.wire.address_words cimport map_ipv4
from vswitch.wire.byteorder cimport load_be16
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_IPV4, eth_dst, eth_type
from vswitch.wire.icmp cimport (
    ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_LEN, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, icmp_code, icmp_fits, icmp_id,
    icmp_type,
)
from vswitch.wire.ipv4 cimport (
    IP_PROTO_ICMP, IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP, IPV4_FRAG_OFFSET_MASK, IPV4_LEN, ipv4_dst,
    ipv4_fits, ipv4_frag, ipv4_header_len, ipv4_proto, ipv4_src,
)
from vswitch.wire.tcp cimport TCP_CTL, tcp_flags

cdef enum:
    ICMP_PARAMETER_PROBLEM = 12
    N_TRIED_MAX = 65536


cdef enum tuple_kind:
    TUPLE_FOUND = 0
    TUPLE_ERROR = 1                 # an ICMP error
    TUPLE_TRUNCATED = 2
    TUPLE_INVALID = 3


cdef uint32_t nat_receive(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    cdef connection_tuple t
    cdef connection* c
    cdef uint32_t direction = 0
    cdef uint32_t kind
    kind = tuple_of_packet(ip, caplen, n_bytes, &t)
    if kind == TUPLE_TRUNCATED:
        return DROP_UNKNOWN_TRUNCATED
    if kind == TUPLE_INVALID:
        return DROP_IP_INVALID
    if kind == TUPLE_ERROR:
        return receive_error(r, port, ip, caplen, n_bytes)
    c = connections_find(r.connections, &t, r.device.now_ns, &direction)
    if c == NULL:
        return begin(r, port, ip, caplen, n_bytes, &t)
    take_note(r.notes, NOTE_KNOWN_CONNECTION, port, NULL, NULL, direction)
    return translate(r, port, ip, caplen, n_bytes, c, direction)


cdef void nat_foresee(router* r, const frame* frames, int n) noexcept nogil:
    """A connection is found where memory was not looked at for long: so the waits of a burst are made one."""
    cdef uint64_t hashes[FORESEEN_MAX]
    cdef connection_tuple t
    cdef const uint8_t* data
    cdef int i, n_found = 0
    for i in range(min(n, <int>FORESEEN_MAX)):
        data = frames[i].data
        if (frames[i].caplen < ETH_LEN + IPV4_LEN + ICMP_LEN or eth_type(data) != ETH_TYPE_IPV4
                or ipv4_header_len(data + ETH_LEN) != IPV4_LEN or not concerns(r, data)):
            continue
        if tuple_of_packet(data + ETH_LEN, frames[i].caplen - ETH_LEN, frames[i].caplen - ETH_LEN, &t) == TUPLE_FOUND:
            hashes[n_found] = connections_prefetch_chain(r.connections, &t)
            n_found += 1
    for i in range(n_found):
        connections_prefetch_entry(r.connections, hashes[i])


cdef inline bint concerns(const router* r, const uint8_t* data) noexcept nogil:
    """The frame is for one of the router's MACs, and not for a subnet inside."""
    cdef uint64_t dst[2]
    cdef uint64_t mac = eth_dst(data)
    cdef uint32_t i, j
    cdef bint is_ours = False
    map_ipv4(ipv4_dst(data + ETH_LEN), dst)
    for i in range(r.n_interfaces):
        is_ours |= r.interfaces[i].mac == mac
        for j in range(r.interfaces[i].n_addresses if i != r.nat.gateway else 0):
            if in_subnet(&r.interfaces[i].addresses[j], dst):
                return False
    return is_ours


cdef inline uint32_t tuple_of_packet(const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, connection_tuple* t) noexcept nogil:
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef uint32_t room = n_bytes - header_len
    cdef uint32_t needed
    take_addresses(ip, t)
    if t.proto == IP_PROTO_TCP:
        needed = TCP_CTL + 2
    elif t.proto == IP_PROTO_UDP or t.proto == IP_PROTO_ICMP or t.proto == IP_PROTO_SCTP:
        needed = 8
    else:
        return TUPLE_FOUND
    if room < needed:
        return TUPLE_INVALID
    if caplen - header_len < needed:
        return TUPLE_TRUNCATED
    return TUPLE_FOUND if take_ports(ip + header_len, t) else TUPLE_ERROR


cdef inline void take_addresses(const uint8_t* ip, connection_tuple* t) noexcept nogil:
    memset(t, 0, sizeof(connection_tuple))
    map_ipv4(ipv4_src(ip), t.src)
    map_ipv4(ipv4_dst(ip), t.dst)
    t.proto = ipv4_proto(ip)


cdef inline bint take_ports(const uint8_t* l4, connection_tuple* t) noexcept nogil:
    """Of a protocol that has them, or what stands for them in ICMP; False: an ICMP error has none."""
    if t.proto != IP_PROTO_ICMP:
        t.src_port = load_be16(l4)
        t.dst_port = load_be16(l4 + 2)
        return True
    if is_error(icmp_type(l4)):
        return False
    t.src_port = icmp_id(l4)
    t.dst_port = <uint16_t>(icmp_type(l4) << 8 | icmp_code(l4))
    return True


cdef inline bint is_error(uint8_t type) noexcept nogil:
    return type in (ICMP_UNREACHABLE, ICMP_TIME_EXCEEDED, ICMP_PARAMETER_PROBLEM)


cdef inline uint32_t flags_of(const uint8_t* ip) noexcept nogil:
    return tcp_flags(ip + ipv4_header_len(ip)) if ipv4_proto(ip) == IP_PROTO_TCP else 0


cdef uint32_t translate(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes, connection* c,
                        uint32_t direction) noexcept nogil:
    """A packet of a known connection goes on, as the other tuple turned around."""
    cdef const connection_tuple* now = &c.tuples[direction]
    cdef const connection_tuple* then = &c.tuples[1 - direction]
    cdef translation t
    if not connection_packet(c, direction, flags_of(ip), n_bytes, r.device.now_ns):
        return send_on(r, port, ip, caplen, n_bytes, now.src, now.dst, NULL)
    memset(&t, 0, sizeof(t))
    t.packet.src = <uint32_t>now.src[1]
    t.packet.dst = <uint32_t>now.dst[1]
    t.packet.src_port = now.src_port
    t.packet.dst_port = now.dst_port
    t.packet.new_src = <uint32_t>then.dst[1]
    t.packet.new_dst = <uint32_t>then.src[1]
    if now.proto == IP_PROTO_ICMP:
        t.packet.new_src_port = then.src_port
        t.packet.new_dst_port = now.dst_port
    else:
        t.packet.new_src_port = then.dst_port
        t.packet.new_dst_port = then.src_port
    note_translation(r, port, now.src, now.dst, then.dst, then.src, &t)
    return send_on(r, port, ip, caplen, n_bytes, now.src, then.src, &t)


cdef void note_translation(router* r, uint32_t port, const uint64_t* src, const uint64_t* dst, const uint64_t* new_src,
                           const uint64_t* new_dst, const translation* t) noexcept nogil:
    if r.notes == NULL:
        return
    if t.packet.dst != t.packet.new_dst or t.packet.dst_port != t.packet.new_dst_port:
        take_note(r.notes, NOTE_DNAT, port, dst, new_dst, <uint64_t>t.packet.dst_port << 16 | t.packet.new_dst_port)
    if t.packet.src != t.packet.new_src or t.packet.src_port != t.packet.new_src_port:
        take_note(r.notes, NOTE_SNAT, port, src, new_src, <uint64_t>t.packet.src_port << 16 | t.packet.new_src_port)


cdef inline uint32_t send_on(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                             const uint64_t* src, const uint64_t* dst, const translation* t) noexcept nogil:
    """To where the packet goes with its destination after translation, `dst`.

    One that belongs to nothing goes on as it is, without `t` (Linux: INVALID; no rule of Neutron's drops it).
    """
    cdef destination* to = routing_find(r, port, src, dst)
    if to.is_local:
        return ipv4_deliver(r, port, ip, caplen, n_bytes)
    return ipv4_forward(r, port, to, ip, caplen, n_bytes, t)


# New connections.

cdef uint32_t begin(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes,
                    const connection_tuple* t) noexcept nogil:
    """A packet of no connection."""
    cdef const nat_state* nat = &r.nat
    cdef connection_tuple answer
    cdef connection* c
    cdef uint32_t address, fate
    cdef uint16_t flags = 0
    cdef uint64_t dst[2]
    cdef destination* to
    if not tuple_invert(t, &answer) or not connection_may_begin(t, flags_of(ip)):
        return send_on(r, port, ip, caplen, n_bytes, t.src, t.dst, NULL)
    dst[0] = t.dst[0]
    dst[1] = t.dst[1]
    address = 0
    if port == nat.gateway or not nat.is_distributed:
        address = floating(nat.external, nat.internal_of, nat.n_floating, <uint32_t>t.dst[1])
    if address:
        map_ipv4(address, dst)
        flags |= CONNECTION_DNAT
    to = routing_find(r, port, t.src, dst)
    if to.is_local:
        return ipv4_deliver(r, port, ip, caplen, n_bytes)
    if to.interface == NO_INTERFACE:
        return ipv4_forward(r, port, to, ip, caplen, n_bytes, NULL)
    answer.src[1] = dst[1]
    address = source_for(nat, t, port, to, flags)
    if address:
        map_ipv4(address, answer.dst)
        flags |= CONNECTION_SNAT
    elif not flags and port != nat.gateway and to.interface != nat.gateway:
        return ipv4_forward(r, port, to, ip, caplen, n_bytes, NULL)
    if not make_unique(r, &answer, flags):
        return DROP_NAT_EXHAUSTED
    c = connections_add(r.connections, t, &answer, r.device.now_ns)
    if c == NULL:
        return DROP_NAT_EXHAUSTED
    c.flags |= flags
    take_note(r.notes, NOTE_NEW_CONNECTION, port, NULL, NULL, 0)
    fate = translate(r, port, ip, caplen, n_bytes, c, 0)
    if fate != FATE_CONSUMED:
        connections_remove(r.connections, c)
    return fate


cdef uint32_t source_for(const nat_state* nat, const connection_tuple* t, uint32_t port, const destination* to,
                         uint32_t flags) noexcept nogil:
    """The source address that a new connection gets after routing; 0: it keeps its own."""
    cdef uint32_t address
    if port != nat.gateway and to.interface != nat.gateway and not flags & CONNECTION_DNAT:
        return 0
    address = floating(nat.internal, nat.external_of, nat.n_floating, <uint32_t>t.src[1])
    if address:
        return address
    if to.interface == nat.gateway:
        return nat.source
    return nat.source if flags & CONNECTION_DNAT and port != nat.gateway else 0


cdef uint32_t floating(const uint32_t* addresses, const uint32_t* others, uint32_t n, uint32_t address) noexcept nogil:
    """What stands beside `address` in a sorted list; 0: it is not there."""
    cdef uint32_t low = 0
    cdef uint32_t high = n
    cdef uint32_t middle
    while low < high:
        middle = low + (high - low) // 2
        if addresses[middle] < address:
            low = middle + 1
        else:
            high = middle
    return others[low] if low < n and addresses[low] == address else 0


cdef bint make_unique(router* r, connection_tuple* answer, uint32_t flags) noexcept nogil:
    """Sees to a tuple of answers that no other connection has; False if there is none."""
    cdef uint16_t* port = &answer.src_port if answer.proto == IP_PROTO_ICMP else &answer.dst_port
    cdef uint32_t first = 1024, last = 65535, wanted = port[0]
    cdef uint32_t i, n
    if connections_is_free(r.connections, answer, r.device.now_ns):
        return True
    if not flags & CONNECTION_SNAT or answer.proto not in (IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_ICMP, IP_PROTO_SCTP):
        return False
    if answer.proto == IP_PROTO_ICMP:
        first = 0
    elif wanted < 512:
        first = 1
        last = 511
    elif wanted < 1024:
        first = 600
        last = 1023
    n = last - first + 1
    for i in range(1, n + 1):
        port[0] = <uint16_t>(first + (wanted + n - first + i) % n)
        if connections_is_free(r.connections, answer, r.device.now_ns):
            return True
    return False


# Errors.

cdef uint32_t receive_error(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """An ICMP error: it goes where the packet that it quotes came from."""
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef const uint8_t* quoted = ip + header_len + ICMP_LEN
    cdef uint32_t room = caplen - header_len - ICMP_LEN
    cdef uint32_t quoted_header_len
    cdef connection_tuple inner
    cdef connection_tuple inverse
    cdef const connection_tuple* before
    cdef connection* c
    cdef uint32_t direction = 0
    cdef bint snat, dnat
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef translation change
    map_ipv4(ipv4_src(ip), src)
    map_ipv4(ipv4_dst(ip), dst)
    if not ipv4_fits(room) or ipv4_header_len(quoted) < IPV4_LEN or ipv4_header_len(quoted) > room:
        return send_on(r, port, ip, caplen, n_bytes, src, dst, NULL)
    quoted_header_len = <uint32_t>ipv4_header_len(quoted)
    if not quoted_tuple(quoted, room - quoted_header_len, &inner) or not tuple_invert(&inner, &inverse):
        return send_on(r, port, ip, caplen, n_bytes, src, dst, NULL)
    # What is quoted left in the other direction: turned around it is a packet of the connection in this one.
    c = connections_find(r.connections, &inverse, r.device.now_ns, &direction)
    if c == NULL:
        return send_on(r, port, ip, caplen, n_bytes, src, dst, NULL)
    take_note(r.notes, NOTE_ERROR_OF_CONNECTION, port, NULL, NULL, direction)
    snat = c.flags & CONNECTION_SNAT != 0
    dnat = c.flags & CONNECTION_DNAT != 0
    before = &c.tuples[1 - direction]
    memset(&change, 0, sizeof(change))
    change.is_error = True
    change.packet.src = change.packet.new_src = <uint32_t>src[1]
    change.packet.dst = change.packet.new_dst = <uint32_t>dst[1]
    if snat if direction else dnat:
        change.packet.new_dst = <uint32_t>before.src[1]
    if dnat if direction else snat:
        change.packet.new_src = <uint32_t>before.dst[1]
    change.quoted.src = <uint32_t>inner.src[1]
    change.quoted.dst = <uint32_t>inner.dst[1]
    change.quoted.src_port = inner.src_port
    change.quoted.dst_port = inner.dst_port
    change.quoted.new_src = <uint32_t>before.src[1]
    change.quoted.new_dst = <uint32_t>before.dst[1]
    change.quoted.new_src_port = before.src_port
    change.quoted.new_dst_port = before.dst_port
    map_ipv4(change.packet.new_dst, dst)
    return send_on(r, port, ip, caplen, n_bytes, src, dst, &change)


cdef bint quoted_tuple(const uint8_t* ip, uint32_t room, connection_tuple* t) noexcept nogil:
    """The tuple of a packet of which `room` bytes behind its header are quoted: 8 are enough."""
    take_addresses(ip, t)
    if t.proto not in (IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_ICMP, IP_PROTO_SCTP):
        return True
    if room < ICMP_LEN or ipv4_frag(ip) & IPV4_FRAG_OFFSET_MASK:
        return False
    return take_ports(ip + ipv4_header_len(ip), t)
