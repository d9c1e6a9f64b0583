"""An IPv4 packet arrives at a router (RFC 1812 section 5.2.2; Linux's ip_rcv()).

Header and checksum are held to what they must be; what stands behind the packet in the frame is not looked at and not sent
on. Packets for many are not forwarded, nor are those that come from no host's address.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from vswitch.datapath.fate cimport DROP_IP_INVALID, DROP_NOT_FOR_DEVICE, DROP_UNKNOWN_TRUNCATED
from vswitch.devices.ipv4_forward cimport ipv4_deliver, ipv4_forward
from vswitch.devices.nat cimport nat_receive
from vswitch.devices.reassembly cimport reassembly_take
from vswitch.devices.router_state cimport destination, in_subnet, interface
from vswitch.devices.routing cimport routing_find
from vswitch.devices.vrrp cimport VRRP_GROUP, VRRP_PROTOCOL, vrrp_receive
from vswitch.wire.address_words cimport is_mapped_ipv4, map_ipv4
from vswitch.wire.checksum cimport checksum_add, checksum_finish
from vswitch.wire.ethernet cimport ETH_LEN
from vswitch.wire.ipv4 cimport (
    IPV4_FRAG_OFFSET_MASK, IPV4_LEN, IPV4_MF, ipv4_dst, ipv4_fits, ipv4_frag, ipv4_header_len, ipv4_proto, ipv4_src, ipv4_total_len, ipv4_version,
)


cdef uint32_t ipv4_receive(router* r, uint32_t port, const uint8_t* frame, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    cdef const uint8_t* ip = frame + ETH_LEN
    cdef uint32_t known = caplen - ETH_LEN
    cdef uint32_t header_len, total_len
    cdef uint64_t src[2]
    cdef uint64_t dst[2]
    cdef destination* to
    if not ipv4_fits(known):
        return DROP_UNKNOWN_TRUNCATED if caplen < n_bytes else DROP_IP_INVALID
    header_len = <uint32_t>ipv4_header_len(ip)
    total_len = ipv4_total_len(ip)
    if ipv4_version(ip) != 4 or header_len < IPV4_LEN or total_len < header_len or total_len > n_bytes - ETH_LEN:
        return DROP_IP_INVALID
    if header_len > known:
        return DROP_UNKNOWN_TRUNCATED
    if checksum_finish(checksum_add(0, ip, header_len)) != 0:
        return DROP_IP_INVALID
    known = min(known, total_len)
    if is_for_many(ipv4_dst(ip)):
        if r.vrrp.is_on and port == r.vrrp.interface and ipv4_dst(ip) == VRRP_GROUP and ipv4_proto(ip) == VRRP_PROTOCOL:
            return vrrp_receive(r, ip, known, total_len)
        return DROP_NOT_FOR_DEVICE
    map_ipv4(ipv4_src(ip), src)
    map_ipv4(ipv4_dst(ip), dst)
    if is_no_source(<uint32_t>src[1]):
        return DROP_IP_INVALID
    if is_broadcast_of(r, port, dst):
        return DROP_NOT_FOR_DEVICE
    to = routing_find(r, port, src, dst)
    if to.is_local or (r.nat.is_on and (port == r.nat.gateway or to.interface == r.nat.gateway)):
        if ipv4_frag(ip) & (IPV4_MF | IPV4_FRAG_OFFSET_MASK):
            return receive_fragment(r, port, ip, known, total_len)
        return receive_whole(r, port, ip, known, total_len)
    return ipv4_forward(r, port, to, ip, known, total_len, NULL)


cdef inline uint32_t receive_whole(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """A packet that concerns the gateway or the router itself."""
    return nat_receive(r, port, ip, caplen, n_bytes) if r.nat.is_on else ipv4_deliver(r, port, ip, caplen, n_bytes)


cdef uint32_t receive_fragment(router* r, uint32_t port, const uint8_t* ip, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """A part of such a packet."""
    cdef uint32_t reason, largest
    n_bytes = reassembly_take(r, ip, caplen, n_bytes, &largest, &reason)
    if n_bytes == 0:
        return reason
    r.fragment_limit = largest
    reason = receive_whole(r, port, r.assembled, n_bytes, n_bytes)
    r.fragment_limit = 0
    return reason


cdef inline bint is_for_many(uint32_t address) noexcept nogil:
    return address >> 28 >= 14 or address == 0


cdef inline bint is_no_source(uint32_t address) noexcept nogil:
    """Multicast, loopback or none."""
    return address >> 28 >= 14 or address >> 24 == 127 or address >> 24 == 0


cdef inline bint is_broadcast_of(const router* r, uint32_t port, const uint64_t* address) noexcept nogil:
    """The broadcast address of a subnet at the port; one of another port is not forwarded either, but nobody resolves it."""
    cdef const interface* at = &r.interfaces[port]
    cdef uint32_t i
    cdef uint32_t host
    for i in range(at.n_addresses):
        if not is_mapped_ipv4(at.addresses[i].address):
            continue
        host = ~<uint32_t>at.addresses[i].mask[1]
        if host > 1 and (<uint32_t>address[1] | host) == <uint32_t>address[1] and in_subnet(&at.addresses[i], address):
            return True
    return False
