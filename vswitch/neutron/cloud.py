"""A cloud as Neutron knows it: networks, subnets, routers, ports, and the hosts whose agents build them.

Attributes have the names of Neutron's API (``provider:network_type`` is `Network.network_type`, ``binding:host_id``
is `Port.host`) and of its configuration files (`Host.config`). Objects refer to each other directly; who reads a file
has looked names and ids up. Nothing here knows of files, bridges or flows: setups/cloud_file.py fills a `Cloud`, the
agents in this folder read it.

Source: Networking API v2.0 (docs.openstack.org/api-ref/network/v2), neutron.conf, ml2_conf.ini, openvswitch_agent.ini,
l3_agent.ini and dhcp_agent.ini.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Cidr = IPv4Network | IPv6Network
Option = str | int | float | bool | list[str] | dict[str, str]

TUNNEL_TYPES = ("gre", "vxlan", "geneve")
"""Network types that have an overlay; the others are vlan, flat and local."""
PHYSICAL_TYPES = ("vlan", "flat")

OWNER_COMPUTE = "compute:nova"
OWNER_DHCP = "network:dhcp"
OWNER_ROUTER_INTERFACE = "network:router_interface"
OWNER_ROUTER_GATEWAY = "network:router_gateway"
OWNER_DVR_INTERFACE = "network:router_interface_distributed"
OWNER_DVR_SNAT = "network:router_centralized_snat"
OWNER_HA_INTERFACE = "network:ha_router_replicated_interface"
OWNER_HA_PORT = "network:router_ha_interface"
OWNER_FLOATING_IP = "network:floatingip"
OWNER_FIP_AGENT_GATEWAY = "network:floatingip_agent_gateway"
OWNER_SUBPORT = "trunk:subport"
ROUTER_OWNERS = (
    OWNER_ROUTER_INTERFACE, OWNER_ROUTER_GATEWAY, OWNER_DVR_INTERFACE, OWNER_DVR_SNAT, OWNER_HA_INTERFACE,
    OWNER_HA_PORT,
)  # fmt: skip
INTERFACE_OWNERS = (OWNER_ROUTER_INTERFACE, OWNER_HA_INTERFACE, OWNER_DVR_INTERFACE)
"""Of a router's ports inside."""
COMPUTE_OWNED = "compute:"
"""Begins the `device_owner` of machines' ports ..."""
NETWORK_OWNED = "network:"
"""... and of those that the cloud itself has; such a port is trusted (neutron_lib's net.py)."""


@dataclass(eq=False)
class QosPolicy:
    """Rules of a QoS policy; None: there is no such rule."""

    id: str
    name: str = ""
    egress_kbps: tuple[int, int] | None = None
    """max_kbps and max_burst_kbps of what a VM sends."""
    ingress_kbps: tuple[int, int] | None = None
    egress_kpps: tuple[int, int] | None = None
    """max_kpps and max_burst_kpps."""
    ingress_kpps: tuple[int, int] | None = None
    dscp_mark: int | None = None


@dataclass(eq=False)
class Network:
    """A network; `segmentation_id` is a VID, a VNI or a GRE key, None for flat and local ones."""

    id: str
    name: str
    network_type: str
    physical_network: str | None = None
    segmentation_id: int | None = None
    mtu: int = 1500
    port_security_enabled: bool = True
    admin_state_up: bool = True
    external: bool = False
    """router:external."""
    project_id: str = ""
    qos_policy: QosPolicy | None = None

    @property
    def is_tunnelled(self) -> bool:
        """True if its frames travel between hosts in tunnels."""
        return self.network_type in TUNNEL_TYPES

    @property
    def is_physical(self) -> bool:
        """True if its frames travel between hosts on a physical network, with its VLAN or none."""
        return self.network_type in PHYSICAL_TYPES


@dataclass(eq=False)
class Subnet:
    """A subnet; `host_routes` are pairs of destination and next hop, `allocation_pools` of first and last address."""

    id: str
    name: str
    network: Network
    cidr: Cidr
    gateway_ip: Address | None = None
    enable_dhcp: bool = True
    dns_nameservers: list[Address] = field(default_factory=list)
    host_routes: list[tuple[Cidr, Address]] = field(default_factory=list)
    allocation_pools: list[tuple[Address, Address]] = field(default_factory=list)
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None

    @property
    def ip_version(self) -> int:
        """4 or 6."""
        return self.cidr.version


@dataclass(eq=False)
class SecurityGroupRule:
    """What may pass; None: anything. At most one of `remote_ip_prefix` and `remote_group` is given."""

    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: Cidr | None = None
    remote_group: SecurityGroup | None = None


@dataclass(eq=False)
class SecurityGroup:
    id: str
    name: str
    rules: list[SecurityGroupRule] = field(default_factory=list)
    stateful: bool = True
    project_id: str = ""


@dataclass(eq=False)
class AddressPair:
    """An address that a port may use beside its own; `mac_address` None: the port's."""

    ip_address: Cidr
    mac_address: str | None = None


@dataclass(eq=False)
class FixedIp:
    subnet: Subnet
    ip_address: Address

    @property
    def with_prefixlen(self) -> str:
        """Such as 10.0.0.5/24."""
        return f"{self.ip_address}/{self.subnet.cidr.prefixlen}"


@dataclass(eq=False)
class Port:
    """A port. `device_owner` says whose it is, `device_id` which VM's or router's; `host` where it is bound."""

    id: str
    network: Network
    mac_address: str
    name: str = ""
    fixed_ips: list[FixedIp] = field(default_factory=list)
    device_owner: str = OWNER_COMPUTE
    device_id: str = ""
    host: Host | None = None
    admin_state_up: bool = True
    port_security_enabled: bool = True
    security_groups: list[SecurityGroup] = field(default_factory=list)
    allowed_address_pairs: list[AddressPair] = field(default_factory=list)
    qos_policy: QosPolicy | None = None
    extra_dhcp_opts: list[tuple[str, str, int]] = field(default_factory=list)
    """opt_name, opt_value and ip_version."""
    plug_at_ns: int = 0
    """When it is plugged into br-int; 0: before the first frame."""
    unplug_at_ns: int | None = None

    @property
    def is_of_machine(self) -> bool:
        """True for a port of nova's."""
        return self.device_owner.startswith(COMPUTE_OWNED)

    @property
    def is_dvr_serviced(self) -> bool:
        """True for the ports that distributed routers serve (neutron/common/utils.py, is_dvr_serviced())."""
        return self.is_of_machine or self.device_owner in (OWNER_SUBPORT, OWNER_DHCP)


@dataclass(eq=False)
class SubPort:
    port: Port
    segmentation_id: int
    """The VID that the VM uses for it."""


@dataclass(eq=False)
class Trunk:
    id: str
    name: str
    parent: Port
    sub_ports: list[SubPort] = field(default_factory=list)
    admin_state_up: bool = True


@dataclass(eq=False)
class FloatingIp:
    id: str
    network: Network
    floating_ip_address: Address
    port: Port | None = None
    """The port that it is associated with ..."""
    fixed_ip_address: Address | None = None
    """... and the one of its addresses."""


@dataclass(eq=False)
class Router:
    """A router; its ports are those of the cloud with its id as `device_id`."""

    id: str
    name: str
    gateway: Port | None = None
    """external_gateway_info: the port on the external network."""
    enable_snat: bool = True
    routes: list[tuple[Cidr, Address]] = field(default_factory=list)
    """Extra routes: destination and next hop."""
    distributed: bool = False
    ha: bool = False
    ha_vr_id: int = 1
    """Of an HA router: which of those on its HA network it is, 1 to 255."""
    admin_state_up: bool = True
    floating_ips: list[FloatingIp] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    """Where an L3 agent has it; for `ha` the first one is the master in the beginning, for `distributed` these are the
    hosts with its local part."""
    snat_host: Host | None = None
    """Of a distributed router: where its centralised part is (the ports of OWNER_DVR_SNAT, the gateway)."""


@dataclass(eq=False)
class Nic:
    """A cable's end at a host: the port `name` of `bridge`, a physical one or the one below the tunnels."""

    name: str
    bridge: str
    physical_network: str | None = None
    """None: the network that tunnels use."""
    mac_address: str | None = None
    trunks: list[int] = field(default_factory=list)
    """VLANs that the physical switch's port carries; empty: all."""


@dataclass(eq=False)
class Host:
    """A host and its agents; `config` has the options that differ from the defaults in agent/options.py, by name."""

    name: str
    config: Mapping[str, Option] = field(default_factory=dict)
    nics: list[Nic] = field(default_factory=list)
    dvr_mac_address: str | None = None
    """What a host with enable_distributed_routing got from neutron-server (dvr_base_mac)."""
    has_l3_agent: bool = False
    agent_mode: str = "legacy"
    """Of the L3 agent: legacy, dvr, dvr_snat or dvr_no_external."""
    has_dhcp_agent: bool = False
    starts_at_ns: int = 0
    """When its agents start; the others hear of it then."""
    vtep_mac_address: str | None = None
    """Of the bridge below the tunnels; None: one is made of the host's place in the cloud."""


@dataclass(eq=False)
class PhysicalWire:
    """A physical network as cabled: what `nics` share. `is_switched`: by a learning switch; else all hear all."""

    name: str
    nics: list[tuple[Host, Nic]] = field(default_factory=list)
    latency_ns: int = 0
    is_switched: bool = False


@dataclass(eq=False)
class PortChange:
    """At `at_ns` the attributes in `new` (names of `Port`'s) of a port change; its agent sees it at its next poll."""

    at_ns: int
    port: Port
    new: dict[str, object]


@dataclass(eq=False)
class PlannedPing:
    """Echo requests that a machine sends; `at_ns` None: as soon as it has an address."""

    address: str
    count: int = 1
    at_ns: int | None = 0


@dataclass(eq=False)
class Machine:
    """An emulated machine behind a port; `dhcp`: it asks for its address instead of having it from the beginning."""

    port: Port
    dhcp: bool = False
    ipv6: bool = False
    pings: list[PlannedPing] = field(default_factory=list)
    open_tcp_ports: list[int] = field(default_factory=list)
    open_udp_ports: list[int] = field(default_factory=list)


@dataclass(eq=False)
class Failover:
    """At `at_ns` an HA router's instance at `host` becomes the master."""

    at_ns: int
    router: Router
    host: Host


@dataclass(eq=False)
class Server:
    """What neutron-server is told: neutron.conf and ml2_conf.ini. Ranges are of first and last; none: anything goes."""

    network_vlan_ranges: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """By physical network."""
    vni_ranges: list[tuple[int, int]] = field(default_factory=list)
    """Of VXLAN."""
    geneve_vni_ranges: list[tuple[int, int]] = field(default_factory=list)
    tunnel_id_ranges: list[tuple[int, int]] = field(default_factory=list)
    """Of GRE."""
    global_physnet_mtu: int = 1500
    path_mtu: int = 0
    """Of the network below the tunnels; 0: `global_physnet_mtu`."""
    router_distributed: bool = False
    l3_ha: bool = False
    max_l3_agents_per_router: int = 3
    """Of HA routers; 0: all."""
    dhcp_agents_per_network: int = 1


@dataclass(eq=False)
class Cloud:
    """Everything, in the order of creation: ports are plugged in theirs, which decides local VLANs."""

    networks: list[Network] = field(default_factory=list)
    subnets: list[Subnet] = field(default_factory=list)
    routers: list[Router] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    trunks: list[Trunk] = field(default_factory=list)
    security_groups: list[SecurityGroup] = field(default_factory=list)
    qos_policies: list[QosPolicy] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    floating_ips: list[FloatingIp] = field(default_factory=list)
    wires: list[PhysicalWire] = field(default_factory=list)
    changes: list[PortChange | Failover] = field(default_factory=list)
    machines: list[Machine] = field(default_factory=list)
    server: Server = field(default_factory=Server)

    def ports_by_host(self) -> dict[Host, list[Port]]:
        """Ports of each host: those bound to it, and those of routers that are on several hosts (distributed, HA)."""
        found: dict[Host, list[Port]] = {host: [] for host in self.hosts}
        routers = {router.id: router for router in self.routers if router.distributed or router.ha}
        for port in self.ports:
            hosts = [] if port.host is None else [port.host]
            router = routers.get(port.device_id)
            if router is not None and is_replicated(port, router):
                hosts += router.hosts
            for host in dict.fromkeys(hosts):
                found.setdefault(host, []).append(port)
        return found

    def address_changes(self) -> Iterator[tuple[PortChange, list[FixedIp]]]:
        """Changes of ports' fixed IPs in order of time, each with the new ones."""
        for change in self.changes:
            new = change.new.get("fixed_ips") if isinstance(change, PortChange) else None
            if isinstance(change, PortChange) and isinstance(new, list):
                yield change, new

    def ports_by_device(self) -> dict[str, list[Port]]:
        """Ports by their `device_id`: those of a machine, of a router."""
        found: dict[str, list[Port]] = {}
        for port in self.ports:
            found.setdefault(port.device_id, []).append(port)
        return found

    def subnets_by_network(self) -> dict[Network, list[Subnet]]:
        """Subnets of each network that has some."""
        found: dict[Network, list[Subnet]] = {}
        for subnet in self.subnets:
            found.setdefault(subnet.network, []).append(subnet)
        return found


def is_replicated(port: Port, router: Router) -> bool:
    """True for a port that is on all hosts of its router."""
    if router.distributed and port.device_owner == OWNER_DVR_INTERFACE:
        return True
    is_gateway = port.device_owner == OWNER_ROUTER_GATEWAY and not router.distributed
    return router.ha and (is_gateway or port.device_owner == OWNER_HA_INTERFACE)
