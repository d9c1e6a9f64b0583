"""ARP of a router (RFC 826), with the rules of Linux's arp_process().

A request is answered if it asks for an address of the interface where it came in (Neutron sets arp_ignore=1), or with proxy
ARP for one to which a route leads through another interface. Who asks is learned; who is asked for is not. An answer, or a
gratuitous ARP, changes who is known already, but nobody is learned from it (arp_accept=0). Requests come from an address
in the neighbour's subnet (arp_announce=2).

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from vswitch.datapath.device cimport device_send
from vswitch.datapath.fate cimport DROP_NOT_FOR_DEVICE, FATE_CONSUMED
from vswitch.devices.neighbors cimport neighbor_update
from vswitch.devices.router_notes cimport (
    NOTE_ARP_ANSWERED, NOTE_ARP_LEARNED, NOTE_ARP_NOT_OURS, NOTE_NEIGHBOR_ASKED, take_note,
)
from vswitch.devices.router_state cimport (
    NO_INTERFACE, destination, interface, interface_has, subnet_source,
)
from vswitch.devices.routing cimport routing_find, routing_is_local
from vswitch.wire.address_words cimport map_ipv4
from vswitch.wire.arp cimport (
    ARP_LEN, ARP_OP_REPLY, ARP_OP_REQUEST, arp_fits, arp_is_ethernet_ipv4, arp_opcode, arp_sha, arp_spa, arp_store, arp_tpa,
)
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_ARP, eth_dst, eth_src, eth_store, mac_is_broadcast, mac_is_multicast

cdef uint64_t BROADCAST = 0xFFFFFFFFFFFF


cdef uint32_t arp_receive(router* r, uint32_t port, const uint8_t* frame, uint32_t n_bytes) noexcept nogil:
    cdef const uint8_t* arp = frame + ETH_LEN
    cdef const interface* at = &r.interfaces[port]
    cdef uint64_t sender[2]
    cdef uint64_t target[2]
    cdef uint64_t sha
    cdef uint32_t op
    cdef bint is_gratuitous, is_asked
    if not arp_fits(n_bytes - ETH_LEN) or not arp_is_ethernet_ipv4(arp):
        return DROP_NOT_FOR_DEVICE
    op = arp_opcode(arp)
    sha = arp_sha(arp)
    map_ipv4(arp_spa(arp), sender)
    map_ipv4(arp_tpa(arp), target)
    if op not in (ARP_OP_REQUEST, ARP_OP_REPLY) or mac_is_multicast(sha) or is_no_unicast(arp_tpa(arp)):
        return DROP_NOT_FOR_DEVICE
    if routing_is_local(r, sender):
        return DROP_NOT_FOR_DEVICE  # somebody has an address of ours; Linux does not give in, and says nothing
    if op == ARP_OP_REQUEST:
        is_asked = interface_has(at, target)
        if arp_spa(arp) == 0:       # somebody looks whether an address is free (RFC 5227)
            if not is_asked:
                return not_ours(r, port, target)
            answer(r, port, arp)
            return FATE_CONSUMED
        if is_asked or (at.proxy_arp and is_behind(r, port, sender, target)):
            learn(r, port, sender, sha, False, True)
            answer(r, port, arp)
            return FATE_CONSUMED
    is_gratuitous = arp_spa(arp) == arp_tpa(arp)
    if op == ARP_OP_REPLY:
        # Only what was sent to us alone is an answer to a question of ours.
        learn(r, port, sender, sha, not mac_is_multicast(eth_dst(frame)), False, is_gratuitous)
        return FATE_CONSUMED
    if is_gratuitous:
        learn(r, port, sender, sha, False, False, True)
        return FATE_CONSUMED
    return not_ours(r, port, target)


cdef uint32_t not_ours(router* r, uint32_t port, const uint64_t* target) noexcept nogil:
    take_note(r.notes, NOTE_ARP_NOT_OURS, port, target, NULL, 0)
    return DROP_NOT_FOR_DEVICE


cdef inline void learn(router* r, uint32_t port, const uint64_t* sender, uint64_t sha, bint is_solicited, bint makes,
                       bint is_override=False) noexcept nogil:
    take_note(r.notes, NOTE_ARP_LEARNED, port, sender, NULL, sha)
    neighbor_update(r, port, sender, sha, is_solicited, makes, is_override)


cdef inline bint is_no_unicast(uint32_t address) noexcept nogil:
    """Loopback, multicast and the like, which nobody may ask for."""
    return address >> 24 == 127 or address >> 28 >= 14


cdef bint is_behind(router* r, uint32_t port, const uint64_t* sender, const uint64_t* target) noexcept nogil:
    cdef const destination* d = routing_find(r, port, sender, target)
    return not d.is_local and d.interface != NO_INTERFACE and d.interface != port


cdef void answer(router* r, uint32_t port, const uint8_t* request) noexcept nogil:
    cdef uint64_t to_address[2]
    cdef uint64_t own[2]
    map_ipv4(arp_tpa(request), own)
    map_ipv4(arp_spa(request), to_address)
    take_note(r.notes, NOTE_ARP_ANSWERED, port, own, to_address, r.interfaces[port].mac)
    send(r, port, arp_sha(request), ARP_OP_REPLY, arp_tpa(request), arp_sha(request), arp_spa(request))


cdef void arp_solicit(router* r, const neighbor_entry* n, bint is_unicast) noexcept nogil:
    cdef uint64_t source[2]
    source[0] = source[1] = 0
    subnet_source(&r.interfaces[n.interface], n.address, source)
    take_note(r.notes, NOTE_NEIGHBOR_ASKED, n.interface, n.address, source, 0)
    send(r, n.interface, n.mac if is_unicast else BROADCAST, ARP_OP_REQUEST, <uint32_t>source[1], 0, <uint32_t>n.address[1])


cdef void arp_announce(router* r, uint32_t interface, uint32_t address) noexcept nogil:
    send(r, interface, BROADCAST, ARP_OP_REQUEST, address, BROADCAST, address)


cdef void send(router* r, uint32_t port, uint64_t dst, uint16_t op, uint32_t spa, uint64_t tha, uint32_t tpa) noexcept nogil:
    """A frame to MAC `dst`, from the interface's own."""
    cdef uint64_t mac = r.interfaces[port].mac
    cdef uint8_t* to = device_send(r.device, port, ETH_LEN + ARP_LEN, ETH_LEN + ARP_LEN)
    if to != NULL:
        eth_store(to, dst, mac, ETH_TYPE_ARP)
        arp_store(to + ETH_LEN, op, mac, spa, tha, tpa)
