"""Addresses that neutron-server would choose: MACs, IP addresses of a subnet's pools, ids.

The real server chooses MACs and ids at random, and addresses from a shuffled window of the pool; here everything is the
next free one, so that the same cloud always has the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from vswitch.neutron.cloud import Address, Cloud, Subnet
from vswitch.wire.addresses import mac_text

BASE_MAC = 0xFA163E000000  # neutron.conf base_mac
BASE_DVR_MAC = 0xFA163F000000  # neutron.conf dvr_base_mac
SLAAC_MODES = ("slaac", "dhcpv6-stateless")


def make_id(kind: str, name: str) -> str:
    """The id of an object that was given none: a UUID of its name.

    >>> make_id("networks", "blue")
    '10005b9d-549f-5969-98ad-6a7d0cc435d0'
    """
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind}/{name}"))


class Macs:
    """MACs from `base` on that are not taken."""

    def __init__(self, base: int, taken: Iterable[str]) -> None:
        self._last = base
        self._taken = set(taken)

    def next(self) -> str:
        """The next one."""
        while True:
            self._last += 1
            mac = mac_text(self._last)
            if mac not in self._taken:
                return mac


class Addresses:
    """Who has which address in which subnet, and the next free one."""

    def __init__(self, cloud: Cloud) -> None:
        self._taken: dict[int, set[Address]] = {}
        self._free: dict[int, Iterator[Address]] = {}
        for port in cloud.ports:
            for fixed in port.fixed_ips:
                self.take(fixed.subnet, fixed.ip_address)
        for floating in cloud.floating_ips:
            for subnet in cloud.subnets:
                if subnet.network is floating.network and floating.floating_ip_address in subnet.cidr:
                    self.take(subnet, floating.floating_ip_address)

    def take(self, subnet: Subnet, address: Address) -> None:
        """Say that `address` is in use."""
        self._taken.setdefault(id(subnet), set()).add(address)

    def is_free(self, subnet: Subnet, address: Address) -> bool:
        """True if nobody has it."""
        return address not in self._taken.get(id(subnet), ())

    def next(self, subnet: Subnet) -> Address | None:
        """Take the next free address of the pools; None if there is none left."""
        if id(subnet) not in self._free:
            self._free[id(subnet)] = _pool(subnet)
        for address in self._free[id(subnet)]:
            if self.is_free(subnet, address):
                self.take(subnet, address)
                return address
        return None

    def of_mac(self, subnet: Subnet, mac: str) -> Address | None:
        """The address that a machine gives itself (RFC 4862), or the next free one where there is no SLAAC."""
        if subnet.ipv6_address_mode in SLAAC_MODES and isinstance(subnet.cidr, IPv6Network):
            address = eui64(subnet.cidr, mac)
            self.take(subnet, address)
            return address
        return self.next(subnet)


def eui64(cidr: IPv6Network, mac: str) -> IPv6Address:
    """The address of a prefix and a MAC (RFC 4291, appendix A).

    >>> str(eui64(IPv6Network("2001:db8::/64"), "fa:16:3e:00:00:01"))
    '2001:db8::f816:3eff:fe00:1'
    """
    octets = bytes.fromhex(mac.replace(":", ""))
    identifier = bytes([octets[0] ^ 2, octets[1], octets[2], 0xFF, 0xFE, *octets[3:]])
    return cidr.network_address + int.from_bytes(identifier, "big")


def default_pools(subnet: Subnet) -> list[tuple[Address, Address]]:
    """All host addresses but the gateway's (ipam/utils.py generate_pools())."""
    cidr = subnet.cidr
    first, last = cidr.network_address, cidr.broadcast_address
    if cidr.version == 6:
        first = first + 1  # the subnet-router anycast address (RFC 4291, 2.6.1)
    elif cidr.prefixlen < 31:
        first, last = first + 1, last - 1
    gateway = subnet.gateway_ip
    if gateway is None or gateway not in cidr:
        return [(first, last)]
    pools = [(first, gateway - 1), (gateway + 1, last)]
    return [(low, high) for low, high in pools if int(low) <= int(high)]


def _pool(subnet: Subnet) -> Iterator[Address]:
    make = IPv4Address if subnet.ip_version == 4 else IPv6Address
    for first, last in subnet.allocation_pools:
        for number in range(int(first), int(last) + 1):
            address = make(number)
            if address != subnet.gateway_ip:
                yield address
