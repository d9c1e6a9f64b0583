"""Ports, trunks and floating IPs of a ``cloud.yaml``."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from vswitch.neutron.cloud import (
    NETWORK_OWNED,
    OWNER_COMPUTE,
    OWNER_SUBPORT,
    ROUTER_OWNERS,
    Address,
    AddressPair,
    FixedIp,
    FloatingIp,
    Network,
    Port,
    Subnet,
    SubPort,
    Trunk,
)
from vswitch.setups.cloud_reading import Reading
from vswitch.setups.cloud_values import Entry
from vswitch.setups.yaml_text import Path

DEFAULT_GROUP = "default"
"""The security group that each project has; it need not be written down."""


def read_ports(reading: Reading) -> None:
    """``ports``, as far as they are told; what is not told becomes a wish."""
    for port_id, name, entry in reading.objects("ports"):
        network = reading.find_word("networks", entry, "network_id")
        if network is None:
            raise entry.error("network_id is missing", hint="the name of a network")
        owner = entry.name("device_owner") or OWNER_COMPUTE
        is_trusted = owner.startswith(NETWORK_OWNED)
        device = entry.name("device_id") or ""
        if owner in ROUTER_OWNERS and device:
            device = reading.find("routers", device, entry.path_of("device_id")).id
        port = Port(
            port_id, network, entry.mac("mac_address") or "", name, device_owner=owner, device_id=device,
            host=reading.find_word("hosts", entry, "binding:host_id"),
            admin_state_up=entry.flag("admin_state_up", True),
            port_security_enabled=entry.flag(
                "port_security_enabled", network.port_security_enabled and not is_trusted
            ),
            allowed_address_pairs=list(read_address_pairs(entry)),
            qos_policy=reading.find_word("qos_policies", entry, "qos_policy_id"),
            extra_dhcp_opts=[
                (str(option.words["opt_name"]), str(option.words["opt_value"]), option.number("ip_version") or 4)
                for option in entry.mappings("extra_dhcp_opts")
            ],
        )  # fmt: skip
        _read_plug_times(port, entry)
        reading.cloud.ports.append(port)
        reading.add("ports", port, entry, port_id, name, str(entry.path[-1]))
        _read_fixed_ips(reading, port, entry)
        if "security_group_ids" in entry.words:
            for path, item in entry.items("security_group_ids"):
                if item == DEFAULT_GROUP and DEFAULT_GROUP not in reading.names("security_groups"):
                    reading.wishes.default_groups.append((port, entry.name("project_id") or ""))
                else:
                    port.security_groups.append(reading.find("security_groups", item, path))
        elif port.port_security_enabled and not is_trusted:
            reading.wishes.default_groups.append((port, entry.name("project_id") or ""))


def _read_plug_times(port: Port, entry: Entry) -> None:
    port.plug_at_ns = entry.duration_ns("plug_at") or 0
    port.unplug_at_ns = entry.duration_ns("unplug_at")
    if port.unplug_at_ns is not None and port.unplug_at_ns <= port.plug_at_ns:
        raise entry.error("it is unplugged before it is plugged", "unplug_at")


def _read_fixed_ips(reading: Reading, port: Port, entry: Entry) -> None:
    if "fixed_ips" not in entry.words:
        reading.wishes.addresses.append((port, None))
        return
    for subnet, address in read_fixed_ips(reading, entry, "fixed_ips", port.network):
        if address is None:
            reading.wishes.addresses.append((port, subnet))
        else:
            port.fixed_ips.append(FixedIp(subnet, address))


def read_fixed_ips(
    reading: Reading, entry: Entry, word: str, network: Network
) -> Iterator[tuple[Subnet, Address | None]]:
    """Subnet and address of a list of fixed IPs; of an address alone, the subnet that holds it."""
    for path, item in entry.items(word):
        if not isinstance(item, dict):
            alone = entry.parse_address(item, path)
            yield _subnet_of(reading, network, alone, path), alone
            continue
        fixed = entry.inner(path, item)
        address = fixed.address("ip_address")
        subnet = reading.find_word("subnets", fixed, "subnet_id")
        if subnet is None and address is None:
            raise fixed.error("neither ip_address nor subnet_id")
        if subnet is None and address is not None:
            subnet = _subnet_of(reading, network, address, fixed.path_of("ip_address"))
        elif subnet.network is not network:
            raise fixed.error(f"subnet {subnet.name} is of network {subnet.network.name}", "subnet_id")
        yield subnet, address


def _subnet_of(reading: Reading, network: Network, address: Address, path: Path) -> Subnet:
    for subnet in reading.subnets_of(network):
        if address in subnet.cidr:
            return subnet
    raise reading.text.error(f"no subnet of network {network.name} holds {address}", path)


def read_address_pairs(entry: Entry) -> Iterator[AddressPair]:
    """``allowed_address_pairs``: mappings, or addresses alone."""
    for path, item in entry.items("allowed_address_pairs"):
        pair = entry.inner(path, item if isinstance(item, dict) else {"ip_address": item})
        at = pair.path_of("ip_address")
        yield AddressPair(pair.parse_cidr(pair.words["ip_address"], at, may_be_host=True), pair.mac("mac_address"))


def read_trunks(reading: Reading) -> None:
    """``trunks``: a parent and its subports, which are where the parent is."""
    for trunk_id, name, entry in reading.objects("trunks"):
        parent = reading.find_word("ports", entry, "port_id")
        if parent is None:
            raise entry.error("port_id is missing", hint="the parent: the name of a port")
        trunk = Trunk(trunk_id, name, parent, admin_state_up=entry.flag("admin_state_up", True))
        for sub in entry.mappings("sub_ports"):
            port = reading.find_word("ports", sub, "port_id")
            if port is None:
                raise sub.error("port_id is missing", hint="the name of a port")
            port.device_owner = OWNER_SUBPORT
            port.device_id = port.device_id or trunk_id
            if port.host is None:
                port.host = parent.host
            sub_port = SubPort(port, sub.number("segmentation_id") or 0)
            trunk.sub_ports.append(sub_port)
            reading.place(sub_port, sub)
        reading.cloud.trunks.append(trunk)
        reading.add("trunks", trunk, entry, trunk_id, name, str(entry.path[-1]))


def read_floating_ips(reading: Reading) -> None:
    """``floating_ips``; addresses that are not told are chosen later."""
    for floating_id, name, entry in reading.objects("floating_ips"):
        network = reading.find_word("networks", entry, "floating_network_id")
        address = entry.address("floating_ip_address") or _address_of_name(name)
        if network is None:
            network = _only_external(reading, entry)
        if address is None:
            raise entry.error("floating_ip_address is missing", hint=f"an address of network {network.name}")
        floating = FloatingIp(
            floating_id, network, address, reading.find_word("ports", entry, "port_id"),
            entry.address("fixed_ip_address"),
        )  # fmt: skip
        if floating.port is not None:
            router = reading.find_word("routers", entry, "router_id")
            reading.wishes.floating_ips.append((floating, router))
        elif floating.fixed_ip_address is not None:
            raise entry.error("fixed_ip_address without port_id", "fixed_ip_address")
        reading.cloud.floating_ips.append(floating)
        reading.add("floating_ips", floating, entry, floating_id, name, str(address))


def _address_of_name(name: str) -> Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _only_external(reading: Reading, entry: Entry) -> Network:
    external = [network for network in reading.cloud.networks if network.external]
    if len(external) != 1:
        hint = "floating_network_id: the name of one with router:external: true"
        raise entry.error("which external network?" if external else "there is no external network", hint=hint)
    return external[0]
