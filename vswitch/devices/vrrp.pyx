"""Which of several routers is the one that routes: VRRP, version 2 (RFC 3768), as keepalived does it for Neutron.

What
====
The routers of a group have the same addresses, but only one has them at a time. That one, the master, says every two seconds by
multicast that it is there, from its own address on the network between them. Who hears nothing for three times that and a
part of a second (the less, the higher its priority) becomes the master, says so, and tells everybody by gratuitous ARP and
advertisements where the addresses are now: five times at once, as keepalived does, and five times more a minute later.

A router that hears a master stays a backup, whatever its priority (nopreempt). Of two masters the one with the higher priority
stays, of equal ones that with the higher address. Neutron gives all of them priority 50. A router whose interface to the
others is down is no master.

A backup is deaf but for VRRP: it has no addresses.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from vswitch.datapath.device cimport NEVER, device_send
from vswitch.datapath.fate cimport DROP_IP_INVALID, DROP_NOT_FOR_DEVICE, DROP_UNKNOWN_TRUNCATED, FATE_CONSUMED
from vswitch.devices.arp cimport arp_announce
from vswitch.devices.nd cimport nd_announce
from vswitch.devices.router_state cimport VRRP_BACKUP, VRRP_FAULT, VRRP_MASTER, interface
from vswitch.wire.address_words cimport is_mapped_ipv4
from vswitch.wire.byteorder cimport store_be16, store_be32, store_be64
from vswitch.wire.checksum cimport checksum_add, checksum_finish
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_IPV4, eth_store
from vswitch.wire.ipv4 cimport IPV4_LEN, ipv4_header_len, ipv4_set_checksum, ipv4_src, ipv4_store, ipv4_ttl

cdef enum:
    VRRP_VERSION_TYPE = 0x21        # version 2, advertisement
    VRRP_LEN = 20                   # with one address, and authentication data of zeros
    VRRP_VRID = 1                   # byte offsets
    VRRP_PRIORITY = 2
    VRRP_COUNT = 3
    VRRP_AUTH_TYPE = 4
    VRRP_INTERVAL = 5
    VRRP_CHECKSUM = 6
    VRRP_ADDRESS = 8
    VRRP_TTL = 255
    VRRP_TOS = 0xC0
    N_ANNOUNCEMENTS = 5             # keepalived: garp_master_repeat

cdef uint64_t SECOND_NS = 1000000000
cdef uint64_t GROUP_MAC = 0x01005E000012


cdef inline uint64_t skew_ns(const router* r) noexcept nogil:
    return (256 - r.vrrp.priority) * SECOND_NS // 256


cdef void become(router* r, uint8_t state) noexcept nogil:
    r.vrrp.state = state
    r.vrrp.announce_ns = NEVER
    if state == VRRP_FAULT:
        r.vrrp.timer_ns = NEVER
    elif state == VRRP_BACKUP:
        r.vrrp.timer_ns = r.device.now_ns + 3 * r.vrrp.interval_ns + skew_ns(r)


cdef void vrrp_begin(router* r, bint is_master) noexcept nogil:
    """The router starts; the one that is said to be the master is it from the beginning."""
    if not r.interfaces[r.vrrp.interface].is_up:
        become(r, VRRP_FAULT)
    elif is_master:
        r.vrrp.state = VRRP_MASTER
        r.vrrp.timer_ns = r.device.now_ns
        r.vrrp.announce_ns = NEVER
    else:
        become(r, VRRP_BACKUP)


cdef void vrrp_link(router* r) noexcept nogil:
    if not r.interfaces[r.vrrp.interface].is_up:
        become(r, VRRP_FAULT)
    elif r.vrrp.state == VRRP_FAULT:
        become(r, VRRP_BACKUP)


cdef void vrrp_run(router* r) noexcept nogil:
    if r.device.now_ns >= r.vrrp.announce_ns:
        r.vrrp.announce_ns = NEVER
        announce_all(r)
    if r.device.now_ns < r.vrrp.timer_ns:
        return
    if r.vrrp.state == VRRP_BACKUP:
        r.vrrp.state = VRRP_MASTER
        advertise(r)
        announce_all(r)
        r.vrrp.announce_ns = r.device.now_ns + r.vrrp.announce_delay_ns
    else:
        advertise(r)
    r.vrrp.timer_ns = r.device.now_ns + r.vrrp.interval_ns


cdef void announce_all(router* r) noexcept nogil:
    """Where all addresses are now, but for those of the network between the routers."""
    cdef const interface* at
    cdef uint32_t i, j, n
    for n in range(N_ANNOUNCEMENTS):
        for i in range(r.n_interfaces):
            at = &r.interfaces[i]
            for j in range(at.n_addresses if at.is_up and i != r.vrrp.interface else 0):
                if is_mapped_ipv4(at.addresses[j].address):
                    arp_announce(r, i, <uint32_t>at.addresses[j].address[1])
                else:
                    nd_announce(r, i, at.addresses[j].address)


cdef void advertise(router* r) noexcept nogil:
    cdef uint32_t n_bytes = ETH_LEN + IPV4_LEN + VRRP_LEN
    cdef uint8_t* to = device_send(r.device, r.vrrp.interface, n_bytes, n_bytes)
    cdef uint8_t* ip
    cdef uint8_t* message
    if to == NULL:
        return
    ip = to + ETH_LEN
    message = ip + IPV4_LEN
    eth_store(to, GROUP_MAC, r.interfaces[r.vrrp.interface].mac, ETH_TYPE_IPV4)
    r.next_id += 1
    ipv4_store(ip, VRRP_TOS, IPV4_LEN + VRRP_LEN, r.next_id, 0, VRRP_TTL, VRRP_PROTOCOL, r.vrrp.own_address, VRRP_GROUP)
    ipv4_set_checksum(ip, checksum_finish(checksum_add(0, ip, IPV4_LEN)))
    message[0] = VRRP_VERSION_TYPE
    message[VRRP_VRID] = <uint8_t>r.vrrp.vrid
    message[VRRP_PRIORITY] = <uint8_t>r.vrrp.priority
    message[VRRP_COUNT] = 1
    message[VRRP_AUTH_TYPE] = 0
    message[VRRP_INTERVAL] = <uint8_t>(r.vrrp.interval_ns // SECOND_NS)
    store_be16(message + VRRP_CHECKSUM, 0)
    store_be32(message + VRRP_ADDRESS, r.vrrp.address)
    store_be64(message + VRRP_ADDRESS + 4, 0)
    store_be16(message + VRRP_CHECKSUM, checksum_finish(checksum_add(0, message, VRRP_LEN)))


cdef uint32_t vrrp_receive(router* r, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    cdef uint32_t header_len = <uint32_t>ipv4_header_len(ip)
    cdef const uint8_t* message = ip + header_len
    cdef uint32_t priority
    if caplen < n_bytes:
        return DROP_UNKNOWN_TRUNCATED
    if (n_bytes < header_len + VRRP_ADDRESS or message[0] != VRRP_VERSION_TYPE or ipv4_ttl(ip) != VRRP_TTL
            or checksum_finish(checksum_add(0, message, n_bytes - header_len)) != 0):
        return DROP_IP_INVALID
    if message[VRRP_VRID] != r.vrrp.vrid:
        return DROP_NOT_FOR_DEVICE
    priority = message[VRRP_PRIORITY]
    if r.vrrp.state == VRRP_BACKUP:
        become(r, VRRP_BACKUP)
        if priority == 0:           # the master goes of its own accord
            r.vrrp.timer_ns = r.device.now_ns + skew_ns(r)
    elif r.vrrp.state == VRRP_MASTER and (priority > r.vrrp.priority
                                          or (priority == r.vrrp.priority and ipv4_src(ip) > r.vrrp.own_address)):
        become(r, VRRP_BACKUP)
    return FATE_CONSUMED
