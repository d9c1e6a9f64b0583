"""The switch of a physical network: what joins more than two NICs, or filters their VLANs."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.cloud import PhysicalWire
from vswitch.neutron.rules.names import DEVICE

BRIDGE = "switch"


def port_names(wire: PhysicalWire) -> list[str]:
    """The switch's ports: by the host behind, or by its NIC, too, where a host has two; numbers where that is long."""
    hosts = [host.name for host, _ in wire.nics]
    names = [host.name if hosts.count(host.name) == 1 else f"{host.name}-{nic.name}" for host, nic in wire.nics]
    if any(not DEVICE.fullmatch(name) or name == BRIDGE for name in names):
        return [f"port{i}" for i in range(1, len(names) + 1)]
    return names


def commands(wire: PhysicalWire) -> Iterator[str]:
    """Lines of an OVS script: one bridge that learns, with a port for each NIC."""
    rows = [f"add-br {BRIDGE}"]
    for name, (_, nic) in zip(port_names(wire), wire.nics, strict=True):
        trunks = f" trunks={','.join(map(str, nic.trunks))}" if nic.trunks else ""
        rows.append(f"add-port {BRIDGE} {name}{trunks}")
    yield "ovs-vsctl -- " + " -- ".join(rows)
