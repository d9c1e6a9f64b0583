"""The network below the tunnels of a cloud: each host's bridge with its VTEP, and who is where.

The agent does not make it; the operator has. VTEPs know each other's MACs (a neighbour entry each), as hosts that have
talked do, so that no first packet waits for ARP.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from vswitch.neutron.agent.options import AgentOptions, options_of
from vswitch.neutron.cloud import Address, Cloud, Host, Nic
from vswitch.wire.addresses import mac_text

VTEP_MACS = 0x020000001000  # locally administered; the host's number is added
LONGEST_PREFIX = {4: 24, 6: 64}
UNDERLAY_BRIDGE = "br-phy"
"""The bridge below the tunnels where no NIC says another."""
DEFAULT_MTU = 1500


class Underlay:
    """What the hosts of a cloud have below their tunnels."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self._options = {host: options_of(host.config) for host in cloud.hosts}
        self._macs = {host: _mac_of(host, i) for i, host in enumerate(cloud.hosts, 1)}
        self.vteps: dict[Host, Address] = {}
        for host, options in self._options.items():
            if options.local_ip is not None and options.enable_tunneling:
                self.vteps[host] = options.local_ip
        self._plen = _common_prefix_len(list(self.vteps.values()))

    def bridge_of(self, host: Host) -> str | None:
        """Where the VTEP's address is; None: the host has no tunnels."""
        if host not in self.vteps:
            return None
        nic = next((nic for nic in host.nics if nic.physical_network is None), None)
        return nic.bridge if nic is not None else UNDERLAY_BRIDGE

    def commands(self, host: Host) -> Iterator[str]:
        """Lines of an OVS script: the bridge if it is none of the agent's, its address and its neighbours."""
        rows = list(self._rows(host))
        if rows:
            yield "ovs-vsctl -- " + " -- ".join(rows)
        bridge = self.bridge_of(host)
        if bridge is None:
            return
        yield f"ip addr add {self.vteps[host]}/{self._plen} dev {bridge}"
        for other, address in self.vteps.items():
            if other is not host and address.version == self.vteps[host].version:
                yield f"ovs-appctl tnl/neigh/set {bridge} {address} {self._macs[other]}"

    def _rows(self, host: Host) -> Iterator[str]:
        options = self._options[host]
        mapped = set(options.bridge_mappings.values())
        bridge = self.bridge_of(host)
        made: set[str] = set()
        for nic in host.nics:
            if nic.bridge not in mapped:
                if nic.bridge not in made:
                    made.add(nic.bridge)
                    yield f"add-br {nic.bridge}"
                yield f"add-port {nic.bridge} {nic.name}"
            yield f"set Interface {nic.name} mtu_request={self._mtu(nic, options)}"
        if bridge is not None and bridge not in made | mapped:
            yield f"add-br {bridge}"
        if bridge is not None:
            yield f'set Bridge {bridge} other_config:hwaddr="{self._macs[host]}"'

    def _mtu(self, nic: Nic, options: AgentOptions) -> int:
        server = self.cloud.server
        is_below_tunnels = nic.physical_network is None
        return (server.path_mtu if is_below_tunnels else 0) or server.global_physnet_mtu or DEFAULT_MTU


def _mac_of(host: Host, number: int) -> str:
    of_nic = next((nic.mac_address for nic in host.nics if nic.physical_network is None), None)
    return host.vtep_mac_address or of_nic or mac_text(VTEP_MACS + number)


def _common_prefix_len(addresses: list[Address]) -> int:
    """Of the smallest network that holds all VTEPs, but no longer than usual ones are."""
    if not addresses:
        return 0
    version = addresses[0].version
    found: IPv4Network | IPv6Network = ip_network(f"{addresses[0]}/{LONGEST_PREFIX[version]}", strict=False)
    while not all(address in found for address in addresses if address.version == version):
        found = found.supernet()
    return found.prefixlen
