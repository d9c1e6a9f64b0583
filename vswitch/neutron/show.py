"""What ``vswitch neutron show`` prints of a node: its networks with local VLAN and segment, ports, tunnels, routers.

Networks, ports and tunnels are read back from the bridges, so the text says what is, not what the cloud wants; names of
networks and machines come from the cloud, if there is one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vswitch.explain.columns import columns
from vswitch.neutron.agent.tables import DEAD_VLAN
from vswitch.neutron.cloud import OWNER_FIP_AGENT_GATEWAY, ROUTER_OWNERS
from vswitch.neutron.fip_namespace import FipNamespaces
from vswitch.neutron.l3_parts import namespace_name

if TYPE_CHECKING:
    from vswitch.neutron.cloud import Cloud, Network
    from vswitch.neutron.node_facts import IntPort, NodeFacts


def node_text(facts: NodeFacts, cloud: Cloud | None = None) -> str:
    """Everything of one node."""
    return nodes_text([facts], cloud)


def nodes_text(nodes: Iterable[NodeFacts], cloud: Cloud | None = None) -> str:
    """Everything of some nodes, one after the other."""
    namespaces = FipNamespaces(cloud) if cloud is not None else None
    return "\n".join(_node_text(facts, cloud, namespaces) for facts in nodes)


def _node_text(facts: NodeFacts, cloud: Cloud | None, namespaces: FipNamespaces | None) -> str:
    parts = [f"{facts.name}\n"]
    for title, rows in (
        ("local VLANs", list(_local_vlans(facts, cloud))),
        ("ports of br-int", list(_ports(facts, cloud))),
        ("physical networks", [["bridge", "patch to br-int", "NICs"], *_providers(facts)]),
        ("tunnels", [["port", "type", "from", "to", "floods for local VLANs"], *_tunnels(facts)]),
        ("routers", [["router", "port", "addresses", "network"], *_routers(facts, cloud)]),
        ("floating IPs", [
            ["floating IP", "of", "port", "router", "at", "translated in"], *_floating(facts, cloud, namespaces),
        ]),
    ):  # fmt: skip
        if len(rows) > 1:
            parts.append(f"  {title}\n{columns(rows, indent='    ')}")
    return "".join(parts)


def _local_vlans(facts: NodeFacts, cloud: Cloud | None) -> Iterator[list[str]]:
    yield ["local VLAN", "network", "type", "segment", "way out", "ports"]
    segments = facts.segments()
    tags = {port.tag for port in facts.ports if port.tag is not None}
    for vlan in sorted(segments.keys() | tags):
        kind, bridge, segment = segments.get(vlan, ("-", "", None))
        ports = [port for port in facts.ports if port.tag == vlan]
        network = _network(cloud, ports)
        yield [
            f"{vlan} (dead)" if vlan == DEAD_VLAN else str(vlan),
            network.name if network is not None else next((port.net_uuid for port in ports if port.net_uuid), "-"),
            kind if vlan in segments or network is None else network.network_type,
            "-" if segment is None else str(segment),
            bridge or ("br-tun" if vlan in segments else "-"),
            " ".join(port.name for port in ports) or "-",
        ]


def _network(cloud: Cloud | None, ports: list[IntPort]) -> Network | None:
    of_port = {port.id: port.network for port in cloud.ports} if cloud is not None else {}
    return next((of_port[port.iface_id] for port in ports if port.iface_id in of_port), None)


def _ports(facts: NodeFacts, cloud: Cloud | None) -> Iterator[list[str]]:
    known = {port.id: port for port in cloud.ports} if cloud is not None else {}
    yield ["port", "ofport", "tag", "mac", "name", "addresses"]
    for port in facts.ports:
        of_cloud = known.get(port.iface_id)
        addresses = [str(ip.ip_address) for ip in of_cloud.fixed_ips] if of_cloud is not None else port.addresses
        yield [
            port.name, str(port.ofport), "-" if port.tag is None else str(port.tag), port.mac or "-",
            (of_cloud.name if of_cloud is not None else "") or "-", " ".join(addresses) or "-",
        ]  # fmt: skip


def _providers(facts: NodeFacts) -> Iterator[list[str]]:
    for provider in facts.providers:
        yield [provider.bridge, f"{provider.int_port} = {provider.phy_port}", " ".join(provider.uplinks) or "-"]


def _tunnels(facts: NodeFacts) -> Iterator[list[str]]:
    for tunnel in facts.tunnels:
        vlans = [str(vlan) for vlan, flood in sorted(facts.flood.items()) if tunnel.ofport in flood.ports]
        yield [tunnel.name, tunnel.type, tunnel.local_ip or "-", tunnel.remote_ip, " ".join(vlans) or "-"]


def _routers(facts: NodeFacts, cloud: Cloud | None) -> Iterator[list[str]]:
    if cloud is None:
        return
    here = {port.iface_id: port for port in facts.ports}
    ports_of = cloud.ports_by_device()
    for router in cloud.routers:
        for port in ports_of.get(router.id, []):
            if port.device_owner in ROUTER_OWNERS and port.id in here:
                addresses = " ".join(str(ip.ip_address) for ip in port.fixed_ips)
                yield [router.name, here[port.id].name, addresses or "-", port.network.name]
    for port in cloud.ports:
        if port.device_owner == OWNER_FIP_AGENT_GATEWAY and port.id in here:
            addresses = " ".join(str(ip.ip_address) for ip in port.fixed_ips)
            yield ["(L3 agent)", here[port.id].name, addresses or "-", port.network.name]


def _floating(facts: NodeFacts, cloud: Cloud | None, namespaces: FipNamespaces | None) -> Iterator[list[str]]:
    """Those that are translated on this node."""
    if cloud is None or namespaces is None:
        return
    names = {port.iface_id: port.name for port in facts.ports}
    for router in cloud.routers:
        for floating in router.floating_ips:
            host, gateway, kind = namespaces.host_of(router, floating), router.gateway, "qrouter"
            if host is not None:
                gateway = namespaces.gateway(floating, host)
            elif router.distributed:
                host, kind = router.snat_host, "snat"
            else:
                host = next((host for host in router.hosts if host.name == facts.name), None)
            if floating.port is None or host is None or host.name != facts.name or gateway is None:
                continue
            yield [
                str(floating.floating_ip_address), str(floating.fixed_ip_address),
                floating.port.name or floating.port.id, router.name, names.get(gateway.id, "-"),
                namespace_name(router, host, kind),
            ]  # fmt: skip
