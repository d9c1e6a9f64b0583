"""What the bridges of a node say of Neutron's networks: read back from rows and flows, whoever wrote them.

Nothing is taken from a cloud's description here, so this works for a node that was loaded from a dump or from a script,
and `check` can hold it against what should be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from vswitch.neutron.agent.names import TRUNK_BRIDGE
from vswitch.neutron.agent.tables import (
    ARP_SPOOF,
    FLOOD_TO_TUN,
    LOCAL_SWITCHING,
    TUN_TO_LV,
    UCAST_TO_TUN,
)
from vswitch.neutron.flow_words import FlowWords, flow_words
from vswitch.switch.ip_addresses import ip_text

if TYPE_CHECKING:
    from vswitch.ovs.node import Node
    from vswitch.ovsdb.rows import Row
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.port import Port

DEFAULT_MTU = 1500  # of a NIC that was given none
INT_BRIDGE = "br-int"
TUN_BRIDGE = "br-tun"

if TYPE_CHECKING:
    Plug = tuple[str, Port]
    """A node, and a port of it that a wire is plugged into."""


@dataclass
class IntPort:
    """A port of br-int that stands for a port of Neutron's, or could.

    `tag` None: it has none yet. `net_uuid`, `network_type`, `physical_network` and `segmentation_id` are what the agent
    wrote beside it; "" if it did not.
    """

    name: str
    ofport: int
    tag: int | None
    mac: str = ""
    iface_id: str = ""
    net_uuid: str = ""
    network_type: str = ""
    physical_network: str = ""
    segmentation_id: int | None = None
    other_tag: int | None = None
    """other_config:tag, where the agent keeps it over a restart of Open vSwitch."""
    addresses: list[str] = field(default_factory=list)
    """IPv4 addresses that port security lets it use, as far as flows say so."""


class Tunnel(NamedTuple):
    name: str
    ofport: int
    type: str
    local_ip: str
    remote_ip: str


class Provider(NamedTuple):
    """How a physical bridge is joined to br-int."""

    bridge: str
    int_port: str
    """The patch port on br-int."""
    phy_port: str
    uplinks: list[str]
    """Ports of it that lead out of the node."""


class Flood(NamedTuple):
    """Where broadcasts of a local VLAN go in tunnels."""

    tun_id: int | None
    ports: list[int]
    text: str


class Unicast(NamedTuple):
    tun_id: int | None
    port: int
    is_learned: bool
    text: str


@dataclass
class NodeFacts:
    """What one node says.

    `provider_out` maps bridge and local VLAN to the VID outside (None: untagged), `provider_in` bridge and VID to the
    local VLAN; `tunnel_in` type and key to the local VLAN.
    """

    name: str
    node: Node
    ports: list[IntPort] = field(default_factory=list)
    tunnels: list[Tunnel] = field(default_factory=list)
    providers: list[Provider] = field(default_factory=list)
    provider_out: dict[tuple[str, int], int | None] = field(default_factory=dict)
    provider_in: dict[tuple[str, int | None], int] = field(default_factory=dict)
    tunnel_in: dict[tuple[str, int], int] = field(default_factory=dict)
    flood: dict[int, Flood] = field(default_factory=dict)
    unicast: dict[tuple[int, str], Unicast] = field(default_factory=dict)

    @cached_property
    def local_ips(self) -> set[str]:
        """Addresses that its tunnels start at: those that they name, or all of the node's if they name none."""
        named = {tunnel.local_ip for tunnel in self.tunnels if tunnel.local_ip}
        if named:
            return named
        underlay = self.node.underlay
        devices = [port for port in self.node.ports() if not port.is_patch and not port.is_tunnel]
        return {ip_text(address) for port in devices for address in underlay.all_addresses(port)}

    def tunnel(self, ofport: int) -> Tunnel | None:
        """The tunnel with that number on br-tun."""
        return next((tunnel for tunnel in self.tunnels if tunnel.ofport == ofport), None)

    def tunnels_to(self, addresses: set[str]) -> list[Tunnel]:
        """Tunnels that end at one of the addresses."""
        return [tunnel for tunnel in self.tunnels if tunnel.remote_ip in addresses]

    def segments(self) -> dict[int, tuple[str, str, int | None]]:
        """By local VLAN: network type, bridge ("" of tunnels) and segment, as the flows have it."""
        found: dict[int, tuple[str, str, int | None]] = {}
        for (bridge, vlan), vid in self.provider_out.items():
            found[vlan] = ("flat" if vid is None else "vlan", bridge, vid)
        for (kind, key), vlan in self.tunnel_in.items():
            found[vlan] = (kind, "", key)
        return dict(sorted(found.items()))

    @property
    def is_neutron(self) -> bool:
        """There is a br-int."""
        return self.node.bridge(INT_BRIDGE) is not None


def read_facts(name: str, node: Node) -> NodeFacts:
    """Read what a node's bridges say; a node without br-int says nothing."""
    facts = NodeFacts(name, node)
    int_bridge = node.bridge(INT_BRIDGE)
    if int_bridge is None:
        return facts
    facts.ports = list(_int_ports(int_bridge))
    facts.providers = list(_providers(node, int_bridge))
    _read_providers(facts, int_bridge)
    tun_bridge = node.bridge(TUN_BRIDGE)
    if tun_bridge is not None:
        facts.tunnels = [
            Tunnel(port.name, port.ofport, "gre" if port.type in ("gretap", "ip6gre") else port.type,
                   port.row.map("options").get("local_ip", ""), port.row.map("options").get("remote_ip", ""))
            for port in tun_bridge.ports() if port.is_tunnel
        ]  # fmt: skip
        _read_tunnels(facts, tun_bridge)
    return facts


def flows_of(bridge: Bridge) -> Iterator[FlowWords]:
    """All flows of a bridge."""
    return map(flow_words, bridge.flows())


def port_row(port: Port) -> Row:
    """The row of Port above a port's Interface."""
    return _port_rows(port.bridge)[port.name]


def _port_rows(bridge: Bridge) -> dict[str, Row]:
    """The rows of Port by the names of their interfaces."""
    return {interface.name: row for row in bridge.row.rows("ports") for interface in row.rows("interfaces")}


def cables_below(facts: NodeFacts, plugs: Iterable[Plug]) -> Iterator[Port]:
    """Those of a wire's ends that are below a node's tunnels: at bridges that lead to no physical network."""
    own = {provider.bridge for provider in facts.providers}
    for node, port in plugs:
        if facts.tunnels and node == facts.name and port.bridge.name not in own:
            yield port


def _int_ports(bridge: Bridge) -> Iterator[IntPort]:
    of_row = _port_rows(bridge)
    for port in bridge.ports():
        ids = port.row.map("external_ids")
        if port.is_patch or port.name == bridge.name:
            continue
        row = of_row[port.name]
        other = row.map("other_config")
        tag = row["tag"]
        yield IntPort(
            port.name, port.ofport, tag if isinstance(tag, int) else None, ids.get("attached-mac", "").lower(),
            ids.get("iface-id", ""), other.get("net_uuid", ""), other.get("network_type", ""),
            _text(other.get("physical_network")), _number(other.get("segmentation_id")), _number(other.get("tag")),
        )  # fmt: skip


def _text(text: str | None) -> str:
    return "" if text in (None, "None") else str(text)  # the agent writes Python's None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None


def _providers(node: Node, int_bridge: Bridge) -> Iterator[Provider]:
    for port in int_bridge.ports():
        peer_name = port.row.map("options").get("peer") if port.is_patch else None
        peer = next((peer for peer in node.ports() if peer.name == peer_name), None)
        if peer is None or peer.bridge.name == TUN_BRIDGE or peer.bridge is int_bridge:
            continue
        bridge = peer.bridge
        # A trunk's bridge hangs below br-int and has no way out.
        uplinks = [uplink.name for uplink in bridge.ports() if uplink.has_cable and uplink.name != bridge.name]
        if not bridge.name.startswith(TRUNK_BRIDGE):
            yield Provider(bridge.name, port.name, peer.name, uplinks)


def _read_providers(facts: NodeFacts, int_bridge: Bridge) -> None:
    bridge_of = {
        port.ofport: provider.bridge
        for provider in facts.providers for port in int_bridge.ports() if port.name == provider.int_port
    }  # fmt: skip
    for flow in flows_of(int_bridge):
        in_port = flow.number("in_port")
        if flow.table == ARP_SPOOF and "arp_spa" in flow.match:
            for port in facts.ports:
                if port.ofport == in_port:
                    port.addresses.append(flow.match["arp_spa"].partition("/")[0])
        if flow.table == LOCAL_SWITCHING and in_port in bridge_of and flow.set_vlan is not None:
            # An untagged frame is vlan_tci=0x0000/0x1fff there, and gets a tag first.
            facts.provider_in[bridge_of[in_port], flow.number("dl_vlan")] = flow.set_vlan
    for provider in facts.providers:
        bridge = facts.node.bridge(provider.bridge)
        assert bridge is not None
        phy_port = facts.node.port(provider.phy_port).ofport
        for flow in flows_of(bridge):
            if flow.number("in_port") == phy_port and flow.vlan is not None and "NORMAL" in flow.actions:
                facts.provider_out[provider.bridge, flow.vlan] = None if flow.strips_vlan else flow.set_vlan


def _read_tunnels(facts: NodeFacts, bridge: Bridge) -> None:
    type_of = {table: kind for kind, table in TUN_TO_LV.items()}
    for flow in flows_of(bridge):
        if flow.table in type_of:
            key = flow.number("tun_id")
            if key is not None and flow.set_vlan is not None:
                facts.tunnel_in[type_of[flow.table], key] = flow.set_vlan
        elif flow.table == FLOOD_TO_TUN and flow.vlan is not None and flow.outputs:
            facts.flood[flow.vlan] = Flood(flow.tun_id, flow.outputs, flow.text)
        elif flow.table == UCAST_TO_TUN and flow.vlan is not None and flow.outputs:
            mac = flow.match.get("dl_dst", "")
            facts.unicast[flow.vlan, mac] = Unicast(flow.tun_id, flow.outputs[0], flow.is_learned, flow.text)
