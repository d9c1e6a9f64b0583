"""Addresses that follow from others."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address

_LINK_LOCAL = 0xFE80 << 112


@lru_cache(maxsize=4096)
def link_local(mac: str) -> str:
    """The link-local address of a MAC (RFC 4291, appendix A).

    >>> link_local("fa:16:3e:01:01:01")
    'fe80::f816:3eff:fe01:101'
    """
    octets = bytes.fromhex(mac.replace(":", ""))
    interface = bytes((octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]))
    return str(IPv6Address(_LINK_LOCAL | int.from_bytes(interface, "big")))
