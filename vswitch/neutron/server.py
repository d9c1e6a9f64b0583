"""What neutron-server adds to what users ask for: segments, MTUs, addresses, ports of DHCP servers and routers.

`complete` fills a `Cloud` as its reader has left it. Objects that were given stay as they are; what is made here stands
before them in the cloud's order, since networks are served before machines start. Schedulers choose hosts in turn.

Source: neutron/db (l3_db.py, l3_dvr_db.py, l3_hamode_db.py, securitygroups_db.py, dhcp_rpc_base.py), neutron/scheduler.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from vswitch.neutron.addresses import (
    BASE_DVR_MAC,
    BASE_MAC,
    SLAAC_MODES,
    Addresses,
    Macs,
    default_pools,
    make_id,
)
from vswitch.neutron.agent.options import options_of
from vswitch.neutron.cloud import (
    INTERFACE_OWNERS,
    OWNER_DHCP,
    OWNER_DVR_INTERFACE,
    OWNER_DVR_SNAT,
    OWNER_FIP_AGENT_GATEWAY,
    OWNER_HA_INTERFACE,
    OWNER_HA_PORT,
    OWNER_ROUTER_GATEWAY,
    OWNER_ROUTER_INTERFACE,
    Address,
    Cloud,
    FixedIp,
    FloatingIp,
    Host,
    Network,
    Port,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from vswitch.neutron.segments import choose_mtus, choose_segments
from vswitch.neutron.wishes import CannotCompleteError, Wishes

DVR_MODES = ("dvr", "dvr_snat", "dvr_no_external")
FIP_MODES = ("dvr", "dvr_snat")  # of L3 agents that translate floating IPs of their host's machines
HA_CIDR = IPv4Network("169.254.192.0/18")  # neutron.conf l3_ha_net_cidr


def complete(cloud: Cloud, wishes: Wishes) -> None:
    """Add to `cloud` what the server makes.

    Raises
    ------
    CannotCompleteError
        There is no segment, address or agent left for something.
    """
    _Server(cloud, wishes).run()


class _Server:
    def __init__(self, cloud: Cloud, wishes: Wishes) -> None:
        self.cloud = cloud
        self.wishes = wishes
        self.made: list[Port] = []
        self.subnets = cloud.subnets_by_network()
        self.ports_of_device = cloud.ports_by_device()
        self.addresses = Addresses(cloud)
        self.macs = Macs(BASE_MAC, [port.mac_address for port in cloud.ports])
        self._n_ha_routers = 0

    def run(self) -> None:
        for interfaces in self.wishes.interfaces.values():
            for interface in interfaces:
                if interface.ip_address is not None:
                    self.addresses.take(interface.subnet, interface.ip_address)
        for gateway in self.wishes.gateways.values():
            for subnet, address in gateway.fixed_ips:
                if address is not None:
                    self.addresses.take(subnet, address)
        choose_segments(self.cloud, self.cloud.networks)
        choose_mtus(self.cloud, self.wishes.mtus)
        self._give_dvr_macs()
        self._schedule_routers()
        for i, network in enumerate(self.cloud.networks):
            self._make_dhcp_ports(network, i)
        for router in self.cloud.routers:
            self._make_router_ports(router)
        self.cloud.ports[:0] = self.made
        self._give_addresses()
        self._find_local_parts()
        self._associate_floating_ips()
        self._make_fip_gateways()
        self._give_groups()

    # Hosts.

    def _give_dvr_macs(self) -> None:
        taken = [host.dvr_mac_address for host in self.cloud.hosts if host.dvr_mac_address]
        macs = Macs(BASE_DVR_MAC, taken)
        for host in self.cloud.hosts:
            if host.config.get("enable_distributed_routing") and host.dvr_mac_address is None:
                host.dvr_mac_address = macs.next()

    def _schedule_routers(self) -> None:
        centre = [host for host in self.cloud.hosts if host.has_l3_agent and host.agent_mode in ("legacy", "dvr_snat")]
        for i, router in enumerate(self.wishes.unbound_routers):
            bound = [port.host for port in self.ports_of_device.get(router.id, []) if port.host is not None]
            hosts = list(dict.fromkeys(bound)) or self._in_turn(centre, i)
            if router.distributed:
                router.snat_host = next((host for host in hosts if host.agent_mode == "dvr_snat"), None)
                continue  # where its local parts are depends on the machines
            if not hosts:
                raise CannotCompleteError(
                    f"no host has an L3 agent for router {router.name}", router, hint="l3_agent: true at a host",
                )  # fmt: skip
            most = self.cloud.server.max_l3_agents_per_router or len(hosts)
            router.hosts = hosts[:most] if router.ha else hosts[:1]

    @staticmethod
    def _in_turn(hosts: list[Host], i: int) -> list[Host]:
        """All of them, beginning with the one whose turn it is."""
        first = i % len(hosts) if hosts else 0
        return hosts[first:] + hosts[:first]

    # Ports.

    def _make_dhcp_ports(self, network: Network, i: int) -> None:
        subnets = [subnet for subnet in self.subnets.get(network, []) if subnet.enable_dhcp]
        has_one = any(port.device_owner == OWNER_DHCP and port.network is network for port in self.cloud.ports)
        if not subnets or has_one:
            return
        agents = [host for host in self.cloud.hosts if host.has_dhcp_agent]
        for host in self._in_turn(agents, i)[: self.cloud.server.dhcp_agents_per_network]:
            device = f"dhcp{make_id('hosts', host.name)}-{network.id}"  # linux/dhcp.py get_dhcp_agent_device_id()
            self._make_port(network, OWNER_DHCP, device, host, [(subnet, None) for subnet in subnets])

    def _make_router_ports(self, router: Router) -> None:
        given = self.ports_of_device.get(router.id, [])
        host = router.snat_host if router.distributed else next(iter(router.hosts), None)
        self._make_gateway(router, given, host)
        on_subnet = {
            fixed.subnet for port in given if port.device_owner in INTERFACE_OWNERS for fixed in port.fixed_ips
        }
        for wish in self.wishes.interfaces.get(router, []):
            if wish.subnet in on_subnet or any(port.id == wish.port_id for port in given):
                continue
            gateway_ip = wish.subnet.gateway_ip
            address = wish.ip_address or gateway_ip
            if address is not None and wish.ip_address is None and not self.addresses.is_free(wish.subnet, address):
                raise CannotCompleteError(
                    f"{address}, the gateway of subnet {wish.subnet.name}, is in use", wish, hint="give its ip_address",
                )  # fmt: skip
            owner, at = OWNER_ROUTER_INTERFACE, host
            if router.distributed:
                owner, at = OWNER_DVR_INTERFACE, None
            elif router.ha:
                owner = OWNER_HA_INTERFACE
            port = self._make_port(
                wish.subnet.network, owner, router.id, at, [(wish.subnet, address)], port_id=wish.port_id
            )
            given = [*given, port]
        if router.distributed and router.gateway is not None and router.enable_snat and router.snat_host is not None:
            self._make_snat_ports(router, given)
        if router.ha:
            self._make_ha_ports(router, given)

    def _make_gateway(self, router: Router, given: list[Port], host: Host | None) -> None:
        wish = self.wishes.gateways.get(router)
        router.gateway = next((port for port in given if port.device_owner == OWNER_ROUTER_GATEWAY), None)
        if wish is None or router.gateway is not None:
            return
        fixed_ips = wish.fixed_ips
        if not fixed_ips:
            by_version = {subnet.ip_version: subnet for subnet in reversed(self.subnets.get(wish.network, []))}
            fixed_ips = [(by_version[version], None) for version in sorted(by_version)]
        if router.distributed and host is None:
            raise CannotCompleteError(
                f"no host has an L3 agent for the gateway of router {router.name}", router,
                hint="l3_agent: dvr_snat at a host",
            )  # fmt: skip
        router.gateway = self._make_port(wish.network, OWNER_ROUTER_GATEWAY, router.id, host, fixed_ips)

    def _make_snat_ports(self, router: Router, given: list[Port]) -> None:
        """One on each network with an interface (l3_dvr_db.py create_snat_intf_ports_if_not_exists())."""
        has_one = {port.network for port in given if port.device_owner == OWNER_DVR_SNAT}
        interfaces = [
            port for port in given if port.device_owner == OWNER_DVR_INTERFACE and port.network not in has_one
        ]
        for port in interfaces:
            subnets = [(subnet, None) for subnet in self._subnets_of(port)]
            self._make_port(port.network, OWNER_DVR_SNAT, router.id, router.snat_host, subnets)

    def _make_ha_ports(self, router: Router, given: list[Port]) -> None:
        if any(port.device_owner == OWNER_HA_PORT for port in given):
            return
        network, subnet = self._ha_network(router)
        self._n_ha_routers += 1
        router.ha_vr_id = self._n_ha_routers
        for host in router.hosts:
            self._make_port(network, OWNER_HA_PORT, router.id, host, [(subnet, None)], name="HA port tenant")

    def _ha_network(self, router: Router) -> tuple[Network, Subnet]:
        """The network of a project's VRRP; one for all, since projects are not told apart here."""
        name = "HA network tenant"
        for subnet in self.cloud.subnets:
            if subnet.network.name.startswith(name):
                return subnet.network, subnet
        interfaces = self.wishes.interfaces.get(router, [])
        like = interfaces[0].subnet.network if interfaces else self.cloud.networks[0]
        network = Network(
            make_id("networks", name), name, like.network_type, like.physical_network, mtu=like.mtu,
            port_security_enabled=False,
        )  # fmt: skip
        if network.network_type == "flat":  # one flat network is all that a physical one can have
            network.network_type = "vxlan"
            network.physical_network = None
        subnet = Subnet(make_id("subnets", name), "HA subnet tenant", network, HA_CIDR, enable_dhcp=False)
        subnet.allocation_pools = default_pools(subnet)
        self.cloud.networks.append(network)
        self.cloud.subnets.append(subnet)
        self.subnets[network] = [subnet]
        choose_segments(self.cloud, [network])
        return network, subnet

    def _make_port(
        self, network: Network, owner: str, device_id: str, host: Host | None,
        fixed_ips: Sequence[tuple[Subnet, Address | None]], *, name: str = "", port_id: str | None = None,
    ) -> Port:  # fmt: skip
        where = "/".join(str(subnet.id) for subnet, _ in fixed_ips) or network.id
        made_of = f"{owner}/{device_id}/{host.name if host is not None else ''}/{where}"
        port = Port(
            port_id or make_id("ports", made_of), network, self.macs.next(), name, device_owner=owner,
            device_id=device_id, host=host, port_security_enabled=False,
        )  # fmt: skip
        for subnet, wanted in fixed_ips:
            if wanted is not None:
                self.addresses.take(subnet, wanted)
            address = wanted or self.addresses.of_mac(subnet, port.mac_address)
            if address is None:
                raise CannotCompleteError(f"no address is left in subnet {subnet.name}", subnet, "allocation_pools")
            port.fixed_ips.append(FixedIp(subnet, address))
        self.made.append(port)
        return port

    @staticmethod
    def _subnets_of(port: Port) -> list[Subnet]:
        return [fixed.subnet for fixed in port.fixed_ips]

    def _give_addresses(self) -> None:
        for port in self.cloud.ports:
            if not port.mac_address:
                port.mac_address = self.macs.next()
        for port, wanted in self.wishes.addresses:
            for subnet in [wanted] if wanted is not None else self._chosen_subnets(port.network):
                address = self.addresses.of_mac(subnet, port.mac_address)
                if address is None:
                    raise CannotCompleteError(
                        f"no address is left in subnet {subnet.name} for port {port.name or port.id}", port, "fixed_ips"
                    )
                port.fixed_ips.append(FixedIp(subnet, address))

    def _chosen_subnets(self, network: Network) -> Iterator[Subnet]:
        """One of IPv4 and one of IPv6, and all where machines give themselves an address (ipam_backend_mixin.py)."""
        seen: set[int] = set()
        for subnet in self.subnets.get(network, []):
            if subnet.ipv6_address_mode in SLAAC_MODES:
                yield subnet
            elif subnet.ip_version not in seen:
                seen.add(subnet.ip_version)
                yield subnet

    # Floating IPs.

    def _associate_floating_ips(self) -> None:
        """Each with the router that leads from its port's subnet to its network (l3_db.py)."""
        legs: dict[str, set[Subnet]] = {}
        for port in self.cloud.ports:
            if port.device_owner in INTERFACE_OWNERS:
                legs.setdefault(port.device_id, set()).update(self._subnets_of(port))
        for floating, wanted in self.wishes.floating_ips:
            fixed = self._fixed_ip_of(floating)
            floating.fixed_ip_address = fixed.ip_address
            for router in [wanted] if wanted is not None else self.cloud.routers:
                is_outside = router.gateway is not None and router.gateway.network is floating.network
                if is_outside and fixed.subnet in legs.get(router.id, ()):
                    router.floating_ips.append(floating)
                    break
            else:
                raise CannotCompleteError(
                    f"no router leads from subnet {fixed.subnet.name} to network {floating.network.name}", floating,
                    "port_id", hint="it needs an interface on the one and a gateway on the other",
                )  # fmt: skip

    @staticmethod
    def _fixed_ip_of(floating: FloatingIp) -> FixedIp:
        port, wanted = floating.port, floating.fixed_ip_address
        assert port is not None
        for fixed in port.fixed_ips:
            if fixed.subnet.ip_version == 4 and wanted in (None, fixed.ip_address):
                return fixed
        addresses = ", ".join(str(fixed.ip_address) for fixed in port.fixed_ips) or "none"
        if wanted is None:
            raise CannotCompleteError(f"port {port.name or port.id} has no IPv4 address", floating, "port_id")
        raise CannotCompleteError(
            f"{wanted} is no address of port {port.name or port.id}", floating, "fixed_ip_address",
            hint=f"it has {addresses}",
        )  # fmt: skip

    # Distributed routers.

    def _find_local_parts(self) -> None:
        """A distributed router is where somebody whom it serves is on one of its subnets, and where its SNAT is."""
        served: dict[Subnet, set[Host]] = {}
        for port in self.cloud.ports:
            if port.host is not None and port.is_dvr_serviced:
                for fixed in port.fixed_ips:
                    served.setdefault(fixed.subnet, set()).add(port.host)
        ports_of = self.cloud.ports_by_device()
        for router in self.wishes.unbound_routers:
            if not router.distributed:
                continue
            hosts: set[Host] = {router.snat_host} if router.snat_host is not None else set()
            for port in ports_of.get(router.id, []):
                if port.device_owner == OWNER_DVR_INTERFACE:
                    for fixed in port.fixed_ips:
                        hosts |= served.get(fixed.subnet, set())
            router.hosts = [host for host in self.cloud.hosts if host in hosts and host.agent_mode in DVR_MODES]

    def _make_fip_gateways(self) -> None:
        """A port on the external network for each host with a floating IP of a distributed router.

        Hosts that are known not to reach that network have none; neutron-server would make one that cannot be bound.
        """
        has_one = {
            (port.network, port.host) for port in self.cloud.ports if port.device_owner == OWNER_FIP_AGENT_GATEWAY
        }
        self.made = []
        for router in self.cloud.routers:
            for floating in router.floating_ips if router.distributed else ():
                host = floating.port.host if floating.port is not None else None
                if host is None or host not in router.hosts or (floating.network, host) in has_one:
                    continue
                if host.agent_mode not in FIP_MODES or not _reaches(host, floating.network):
                    continue  # the router's centralised part has it
                has_one.add((floating.network, host))
                agent = make_id("l3 agents", host.name)
                subnets = [(subnet, None) for subnet in self._chosen_subnets(floating.network)]
                self._make_port(floating.network, OWNER_FIP_AGENT_GATEWAY, agent, host, subnets)
        self.cloud.ports += self.made

    # Security groups.

    def _give_groups(self) -> None:
        defaults = {}
        for port, project_id in self.wishes.default_groups:
            if project_id not in defaults:
                defaults[project_id] = self._default_group(project_id)
            port.security_groups.append(defaults[project_id])

    def _default_group(self, project_id: str) -> SecurityGroup:
        """All may go out, and what comes from members may come in (securitygroups_db.py)."""
        for group in self.cloud.security_groups:
            if group.name == "default" and group.project_id == project_id:
                return group
        group = SecurityGroup(make_id("security_groups", f"default/{project_id}"), "default", project_id=project_id)
        for ethertype in ("IPv4", "IPv6"):
            group.rules.append(SecurityGroupRule("egress", ethertype))
        for ethertype in ("IPv4", "IPv6"):
            group.rules.append(SecurityGroupRule("ingress", ethertype, remote_group=group))
        self.cloud.security_groups.append(group)
        return group


def _reaches(host: Host, network: Network) -> bool:
    """Whether a port of a network can be on a host, as far as the host's file says; without a word it can."""
    if not network.is_physical:
        return network.is_tunnelled
    if "bridge_mappings" in host.config:
        return network.physical_network in options_of(host.config).bridge_mappings
    return not host.nics or any(nic.physical_network == network.physical_network for nic in host.nics)
