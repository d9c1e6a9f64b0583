"""Addresses that follow from others, and those that a port may use."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Network

from vswitch.neutron.addresses import eui64
from vswitch.neutron.cloud import Port

_LINK_LOCAL = IPv6Network("fe80::/64")


@lru_cache(maxsize=4096)
def link_local(mac: str) -> str:
    """The link-local address of a MAC (RFC 4291, appendix A).

    >>> link_local("fa:16:3e:01:01:01")
    'fe80::f816:3eff:fe01:101'
    """
    return str(eui64(_LINK_LOCAL, mac))


def macs_of(port: Port) -> list[str]:
    """MACs that a port may use: its own and those of its address pairs."""
    macs = [port.mac_address, *(pair.mac_address for pair in port.allowed_address_pairs if pair.mac_address)]
    return list(dict.fromkeys(macs))
