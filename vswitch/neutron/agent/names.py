"""Names that the agents give to devices; Linux allows 15 characters."""

from __future__ import annotations

from base64 import b32encode
from hashlib import blake2b, sha1
from ipaddress import IPv4Address

from vswitch.neutron.cloud import (
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    OWNER_FIP_AGENT_GATEWAY,
    OWNER_HA_INTERFACE,
    OWNER_HA_PORT,
    OWNER_ROUTER_GATEWAY,
    OWNER_ROUTER_INTERFACE,
    Address,
    Port,
)

MAX_LENGTH = 15
VIF_LENGTH = 14
HASH_LENGTH = 6
TRUNK_BRIDGE = "tbr-"
"""Begins the name of a trunk's bridge."""
PREFIXES = {
    OWNER_ROUTER_INTERFACE: "qr-", OWNER_DVR_INTERFACE: "qr-", OWNER_HA_INTERFACE: "qr-", OWNER_ROUTER_GATEWAY: "qg-",
    OWNER_DVR_SNAT: "sg-", OWNER_HA_PORT: "ha-", OWNER_FIP_AGENT_GATEWAY: "fg-",
}  # fmt: skip


def device_name(port: Port) -> str:
    """The device of a port: ``tap`` for VMs and DHCP, else after what a router uses it for.

    Source: nova's get_vif_devname(), neutron/agent/linux/interface.py, neutron/agent/l3/.
    """
    return (PREFIXES.get(port.device_owner, "tap") + port.id)[:VIF_LENGTH]


def trunk_bridge(trunk_id: str) -> str:
    """The bridge of a trunk.

    >>> trunk_bridge("d9cf0ebe-855a-56ac-a565-7a53b5413f37")
    'tbr-d9cf0ebe-8'
    """
    return (TRUNK_BRIDGE + trunk_id)[: MAX_LENGTH - 1]


def trunk_patch(kind: str, side: str, port_id: str) -> str:
    """One end of the patch pair between trunk bridge (`side` t) and br-int (i) of a parent (`kind` t) or subport (s).

    >>> trunk_patch("s", "i", "abc2c805-e751-5dac-9dc9-2db6bb14488b")
    'spi-abc2c805-e7'
    """
    return f"{kind}p{side}-{port_id}"[:MAX_LENGTH]


def patch_name(bridge: str, prefix: str) -> str:
    """The patch port to or from a physical bridge; a long name ends in a hash (neutron_lib's plugins/utils.py).

    >>> patch_name("br-eth1", "int-")
    'int-br-eth1'
    """
    name = prefix + bridge
    if len(name) <= MAX_LENGTH:
        return name
    digest = sha1(bridge.encode(), usedforsecurity=False).hexdigest()
    return name[: MAX_LENGTH - HASH_LENGTH] + digest[:HASH_LENGTH]


def tunnel_name(network_type: str, remote: Address) -> str:
    """The tunnel to an address: its hexadecimal digits, or of an IPv6 address a hash (get_tunnel_hash()).

    >>> from ipaddress import ip_address
    >>> tunnel_name("vxlan", ip_address("192.168.50.2"))
    'vxlan-c0a83202'
    """
    if isinstance(remote, IPv4Address):
        return f"{network_type}-{int(remote):08x}"
    digest = b32encode(blake2b(str(remote).encode(), digest_size=20).digest()).decode()
    return f"{network_type}-{digest.lower()}"[:MAX_LENGTH]
