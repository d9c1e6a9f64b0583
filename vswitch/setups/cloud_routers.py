"""Routers of a ``cloud.yaml``."""

from __future__ import annotations

from vswitch.neutron.cloud import ROUTER_OWNERS, Router
from vswitch.neutron.wishes import Gateway, Interface
from vswitch.setups.cloud_networks import read_routes
from vswitch.setups.cloud_ports import read_fixed_ips
from vswitch.setups.cloud_reading import Reading
from vswitch.setups.cloud_values import Entry


def read_routers(reading: Reading) -> None:
    """``routers`` with their hosts; ports name them, so that their legs are read later."""
    server = reading.cloud.server
    for router_id, name, entry in reading.objects("routers"):
        router = Router(
            router_id, name or router_id, distributed=entry.flag("distributed", server.router_distributed),
            ha=entry.flag("ha", server.l3_ha), routes=read_routes(entry, "routes"),
            admin_state_up=entry.flag("admin_state_up", True),
        )  # fmt: skip
        reading.cloud.routers.append(router)
        reading.add("routers", router, entry, router_id, name, str(entry.path[-1]))
        for path, item in entry.items("hosts"):
            host = reading.find("hosts", item, path)
            if not host.has_l3_agent:
                raise reading.text.error(f"host {host.name} has no L3 agent", path, hint="l3_agent: true at the host")
            router.hosts.append(host)
        if router.hosts and router.distributed:
            router.snat_host = next((host for host in router.hosts if host.agent_mode == "dvr_snat"), None)
        if not router.hosts:
            reading.wishes.unbound_routers.append(router)


def read_legs(reading: Reading) -> None:
    """Gateways and interfaces of routers; ports have been read by now."""
    for router in reading.cloud.routers:
        entry = reading.entry_of(router)
        assert entry is not None
        _read_gateway(reading, router, entry)
        for path, item in entry.items("interfaces"):
            inner = entry.inner(path, item if isinstance(item, dict) else {"subnet_id": item})
            interface = _read_interface(reading, inner)
            reading.wishes.interfaces.setdefault(router, []).append(interface)
            reading.place(interface, inner)
    _adopt_ports(reading)


def _read_gateway(reading: Reading, router: Router, entry: Entry) -> None:
    info = entry.mapping("external_gateway_info")
    if info is None:
        return
    network = reading.find_word("networks", info, "network_id")
    if network is None:
        raise info.error("network_id is missing", hint="the name of an external network")
    if not network.external:
        hint = "router:external: true at the network"
        raise info.error(f"network {network.name} is not external", "network_id", hint=hint)
    router.enable_snat = info.flag("enable_snat", True)
    gateway = Gateway(network, list(read_fixed_ips(reading, info, "external_fixed_ips", network)))
    reading.wishes.gateways[router] = gateway
    reading.place(gateway, info)


def _read_interface(reading: Reading, entry: Entry) -> Interface:
    port_id = entry.name("port_id")
    address = entry.address("ip_address")
    subnet = reading.find_word("subnets", entry, "subnet_id")
    if subnet is None:
        known = reading.names("ports").get(port_id or "")
        if known is None:
            raise entry.error("subnet_id is missing", hint="the name of a subnet")
        port = reading.find("ports", port_id, entry.path_of("port_id"))
        if not port.fixed_ips:
            raise entry.error(f"port {port_id} has no fixed IP", "port_id")
        subnet, address = port.fixed_ips[0].subnet, port.fixed_ips[0].ip_address
    if address is None and subnet.gateway_ip is None:
        hint = "ip_address: ..., or gateway_ip at the subnet"
        raise entry.error(f"which address on subnet {subnet.name}? it has no gateway_ip", hint=hint)
    return Interface(subnet, address, port_id)


def _adopt_ports(reading: Reading) -> None:
    """Ports that routers name as their interfaces are theirs, whatever their ``device_id`` was."""
    for router, interfaces in reading.wishes.interfaces.items():
        for interface in interfaces:
            if interface.port_id in reading.names("ports"):
                entry = reading.entry_of(interface)
                assert entry is not None
                port = reading.find("ports", interface.port_id, entry.path_of("port_id"))
                if port.device_owner not in ROUTER_OWNERS:
                    hint = "device_owner: network:router_interface at the port"
                    raise entry.error(f"port {port.name or port.id} is of {port.device_owner}", "port_id", hint=hint)
                port.device_id = port.device_id or router.id
