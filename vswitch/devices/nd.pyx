"""Neighbour discovery of a router (RFC 4861 section 7), with the rules of Linux's ndisc.c.

A solicitation is answered if it asks for an address of the interface where it came in; who asks is learned by its option.
Who asks from the unspecified address looks whether the address is free, and the answer goes to all nodes. An advertisement
changes who is known already. Questions about packets on their way come from the interface's link-local address.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from vswitch.datapath.device cimport device_send
from vswitch.datapath.fate cimport DROP_IP_INVALID, DROP_NOT_FOR_DEVICE, FATE_CONSUMED
from vswitch.devices.icmp6 cimport is_link_local, load_address, own_destination
from vswitch.devices.neighbors cimport neighbor_send, neighbor_update
from vswitch.devices.router_notes cimport (
    NOTE_ARP_ANSWERED, NOTE_ARP_LEARNED, NOTE_ARP_NOT_OURS, NOTE_NEIGHBOR_ASKED, take_note,
)
from vswitch.devices.router_state cimport destination, interface, interface_has, subnet_source
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_IPV6, eth_store
from vswitch.wire.icmp6 cimport (
    ICMP6_NEIGHBOR_ADVERT, ICMP6_NEIGHBOR_SOLICIT, ND_LEN, ND_OPT_SOURCE_LINKADDR, ND_OPT_TARGET_LINKADDR, ND_TARGET,
    icmp6_code, icmp6_data, icmp6_type, nd_fits, nd_opt_fits, nd_opt_len, nd_opt_mac, nd_opt_type,
)
from vswitch.wire.ipv6 cimport IPV6_DST, IPV6_LEN, IPV6_SRC, ipv6_hop_limit
from vswitch.wire.nd_packet cimport ND_HOP_LIMIT, ND_PACKET_LEN, ipv6_group_mac, nd_packet_store, nd_solicited_node

cdef uint32_t FLAG_ROUTER = 0x80000000
cdef uint32_t FLAG_SOLICITED = 0x40000000
cdef uint32_t FLAG_OVERRIDE = 0x20000000
cdef uint64_t[2] ALL_NODES = [0xFF02000000000000, 1]


cdef uint32_t nd_receive(router* r, uint32_t port, const uint8_t* ip, uint32_t n_bytes) noexcept nogil:
    cdef const uint8_t* message = ip + IPV6_LEN
    cdef const interface* at = &r.interfaces[port]
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef uint64_t target[2]
    cdef uint64_t mac
    cdef bint is_probe
    if (ipv6_hop_limit(ip) != ND_HOP_LIMIT or not nd_fits(n_bytes - IPV6_LEN) or icmp6_code(message) != 0):
        return DROP_IP_INVALID
    load_address(ip + IPV6_SRC, src)
    load_address(message + ND_TARGET, target)
    if target[0] >> 56 == 0xFF or not option_mac(message, n_bytes - IPV6_LEN, &mac):
        return DROP_IP_INVALID
    if icmp6_type(message) == ICMP6_NEIGHBOR_ADVERT:
        if mac and not interface_has(at, target):
            take_note(r.notes, NOTE_ARP_LEARNED, port, target, NULL, mac)
            neighbor_update(r, port, target, mac, icmp6_data(message) & FLAG_SOLICITED != 0, False,
                            icmp6_data(message) & FLAG_OVERRIDE != 0)
        return FATE_CONSUMED
    if not interface_has(at, target):
        take_note(r.notes, NOTE_ARP_NOT_OURS, port, target, NULL, 0)
        return DROP_NOT_FOR_DEVICE
    is_probe = not src[0] | src[1]
    if mac and not is_probe:
        take_note(r.notes, NOTE_ARP_LEARNED, port, src, NULL, mac)
        neighbor_update(r, port, src, mac, False, True, True)
    load_address(ip + IPV6_DST, dst)
    return answer(r, port, src, target, is_probe, dst[0] >> 56 == 0xFF)


cdef bint option_mac(const uint8_t* message, uint32_t n_bytes, uint64_t* mac) noexcept nogil:
    """The link-layer address of the options, or 0; False: they are broken."""
    cdef uint32_t at = ND_LEN
    cdef uint8_t wanted = (ND_OPT_SOURCE_LINKADDR if icmp6_type(message) == ICMP6_NEIGHBOR_SOLICIT
                           else ND_OPT_TARGET_LINKADDR)
    mac[0] = 0
    while at < n_bytes:
        if not nd_opt_fits(n_bytes - at) or nd_opt_len(message + at) == 0 or nd_opt_len(message + at) > n_bytes - at:
            return False
        if nd_opt_type(message + at) == wanted:
            mac[0] = nd_opt_mac(message + at)
        at += <uint32_t>nd_opt_len(message + at)
    return True


cdef uint32_t answer(router* r, uint32_t port, const uint64_t* asker, const uint64_t* target, bint is_probe,
                     bint has_option) noexcept nogil:
    """Who asked a group does not know our MAC, and hears it; who asked us alone does."""
    cdef uint32_t n_bytes = ND_PACKET_LEN if has_option else IPV6_LEN + ND_LEN
    cdef uint64_t mac = r.interfaces[port].mac
    cdef const uint64_t* heard_by = asker
    cdef destination* to
    cdef uint8_t* room
    cdef uint32_t reason
    take_note(r.notes, NOTE_ARP_ANSWERED, port, target, asker, mac)
    if is_probe:
        heard_by = &ALL_NODES[0]
        has_option = True
        room = room_for(r, port, ipv6_group_mac(ALL_NODES))
    else:
        to = own_destination(r, port, target, asker)
        if to == NULL:
            return FATE_CONSUMED
        room = neighbor_send(r, to, ETH_TYPE_IPV6, n_bytes, n_bytes, &reason)
    if room != NULL:
        nd_packet_store(room, target, heard_by, ICMP6_NEIGHBOR_ADVERT,
                      FLAG_ROUTER | (FLAG_OVERRIDE if has_option else 0) | (0 if is_probe else FLAG_SOLICITED), target,
                      ND_OPT_TARGET_LINKADDR if has_option else 0, mac)
    return FATE_CONSUMED


cdef uint8_t* room_for(router* r, uint32_t port, uint64_t mac) noexcept nogil:
    """Room for a message with an option, to a MAC that is known."""
    cdef uint8_t* to = device_send(r.device, port, ETH_LEN + ND_PACKET_LEN, ETH_LEN + ND_PACKET_LEN)
    if to == NULL:
        return NULL
    eth_store(to, mac, r.interfaces[port].mac, ETH_TYPE_IPV6)
    return to + ETH_LEN


cdef void nd_solicit(router* r, const neighbor_entry* n, bint is_unicast) noexcept nogil:
    cdef const interface* at = &r.interfaces[n.interface]
    cdef uint64_t source[2]
    cdef uint64_t group[2]
    cdef const uint64_t* heard_by = &n.address[0]
    cdef uint64_t mac = n.mac
    cdef uint8_t* room
    cdef uint32_t i
    source[0] = source[1] = 0
    for i in range(at.n_addresses):
        if is_link_local(at.addresses[i].address):
            source[0] = at.addresses[i].address[0]
            source[1] = at.addresses[i].address[1]
            break
    else:
        if not subnet_source(at, n.address, source):
            return
    take_note(r.notes, NOTE_NEIGHBOR_ASKED, n.interface, n.address, source, 0)
    if not is_unicast:
        nd_solicited_node(n.address, group)
        heard_by = group
        mac = ipv6_group_mac(group)
    room = room_for(r, n.interface, mac)
    if room != NULL:
        nd_packet_store(room, source, heard_by, ICMP6_NEIGHBOR_SOLICIT, 0, n.address, ND_OPT_SOURCE_LINKADDR, at.mac)


cdef void nd_announce(router* r, uint32_t interface, const uint64_t* address) noexcept nogil:
    cdef uint8_t* room = room_for(r, interface, ipv6_group_mac(ALL_NODES))
    if room != NULL:
        nd_packet_store(room, address, ALL_NODES, ICMP6_NEIGHBOR_ADVERT, FLAG_ROUTER | FLAG_OVERRIDE, address,
                      ND_OPT_TARGET_LINKADDR, r.interfaces[interface].mac)
