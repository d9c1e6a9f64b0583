"""Networks, subnets, QoS policies and security groups of a ``cloud.yaml``."""

from __future__ import annotations

from ipaddress import IPv6Network

from vswitch.neutron.addresses import SLAAC_MODES, default_pools, make_id
from vswitch.neutron.cloud import (
    PHYSICAL_TYPES,
    Address,
    Cidr,
    Network,
    QosPolicy,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from vswitch.setups.cloud_reading import Reading
from vswitch.setups.cloud_values import Entry
from vswitch.setups.yaml_text import Path

DEFAULT_TYPE = "vxlan"
EXTERNAL_TYPE = "flat"  # of an external network, on a physical network that is called so:
EXTERNAL_PHYSICAL = "external"
PROTOCOLS_WITH_PORTS = ("tcp", "udp", "sctp", "dccp", "udplite", "6", "17", "132", "33", "136")
DSCP_MARKS = (0, *range(8, 41, 2), 46, 48, 56)  # neutron_lib constants VALID_DSCP_MARKS


def read_qos_policies(reading: Reading) -> None:
    """``qos_policies``."""
    for policy_id, name, entry in reading.objects("qos_policies"):
        policy = QosPolicy(policy_id, name)
        for rule in entry.mappings("rules"):
            _add_qos_rule(policy, rule)
        reading.cloud.qos_policies.append(policy)
        reading.add("qos_policies", policy, entry, policy_id, name)


def _add_qos_rule(policy: QosPolicy, rule: Entry) -> None:
    kind = rule.words["type"]
    direction = rule.name("direction") or "egress"
    if kind == "dscp_marking":
        mark = rule.number("dscp_mark")
        if mark not in DSCP_MARKS:
            raise rule.error(f"{mark} is no DSCP mark", "dscp_mark", hint=f"one of {', '.join(map(str, DSCP_MARKS))}")
        policy.dscp_mark = mark
        return
    unit = "kbps" if kind == "bandwidth_limit" else "kpps"
    rate = rule.number(f"max_{unit}")
    if not rate or rate < 0:
        raise rule.error(f"max_{unit} is missing" if rate is None else f"{rate} is no rate", f"max_{unit}")
    attribute = f"{direction}_{unit}"
    if getattr(policy, attribute) is not None:
        raise rule.error(f"a second {kind} rule for {direction}", "type")
    setattr(policy, attribute, (rate, rule.number(f"max_burst_{unit}") or 0))


def read_networks(reading: Reading) -> None:
    """``networks``, and the subnets that they have inside."""
    for network_id, name, entry in reading.objects("networks"):
        external = entry.flag("router:external", False)
        kind = entry.name("provider:network_type") or (EXTERNAL_TYPE if external else DEFAULT_TYPE)
        physical = entry.name("provider:physical_network")
        if kind == "flat" and external and physical is None:
            physical = EXTERNAL_PHYSICAL
        _check_provider(entry, kind, physical)
        network = Network(
            network_id, name or network_id, kind, physical, entry.number("provider:segmentation_id"),
            mtu=entry.number("mtu") or 0, port_security_enabled=entry.flag("port_security_enabled", True),
            admin_state_up=entry.flag("admin_state_up", True), external=external,
            project_id=entry.name("project_id") or "",
            qos_policy=reading.find_word("qos_policies", entry, "qos_policy_id"),
        )  # fmt: skip
        if not network.mtu:
            reading.wishes.mtus.append(network)
        reading.cloud.networks.append(network)
        reading.add("networks", network, entry, network_id, name, str(entry.path[-1]))


def _check_provider(entry: Entry, kind: str, physical: str | None) -> None:
    """Which attributes a network type has (ml2/drivers/type_*.py validate_provider_segment())."""
    if kind in PHYSICAL_TYPES:
        if physical is None:
            hint = "provider:physical_network: the name of one"
            raise entry.error(f"a {kind} network without a physical network", "provider:network_type", hint=hint)
    elif physical is not None:
        raise entry.error(f"a {kind} network has no physical network", "provider:physical_network")
    if kind in ("flat", "local") and entry.has("provider:segmentation_id"):
        raise entry.error(f"a {kind} network has no segmentation id", "provider:segmentation_id")


def read_subnets(reading: Reading) -> None:
    """``subnets``, and those that stand inside of their networks as CIDRs."""
    for subnet_id, name, entry in reading.objects("subnets"):
        network = reading.find_word("networks", entry, "network_id")
        if network is None:
            raise entry.error("network_id is missing", hint="the name of a network")
        cidr = entry.cidr("cidr")
        if cidr is None:
            raise entry.error("cidr is missing", hint="such as 10.0.0.0/24")
        subnet = _subnet(entry, subnet_id, name or subnet_id, network, cidr)
        reading.cloud.subnets.append(subnet)
        reading.add("subnets", subnet, entry, subnet_id, name, str(entry.path[-1]))
    for network in reading.cloud.networks:
        at = reading.entry_of(network)
        if at is not None:
            for path, item in at.items("subnets"):
                _read_inner_subnet(reading, network, at, path, str(item))


def _read_inner_subnet(reading: Reading, network: Network, entry: Entry, path: Path, item: str) -> None:
    if "/" not in item:
        subnet = reading.find("subnets", item, path)
        if subnet.network is not network:
            raise reading.text.error(f"subnet {item} is of network {subnet.network.name}", path)
        return
    cidr = entry.parse_cidr(item, path)
    name = f"{network.name}-{cidr}"
    inner = Entry(reading.text, path, {}, {})
    subnet = _subnet(inner, make_id("subnets", name), name, network, cidr)
    reading.cloud.subnets.append(subnet)
    reading.add("subnets", subnet, inner, subnet.id, name, str(cidr), network.name)  # what says which one


def _subnet(entry: Entry, subnet_id: str, name: str, network: Network, cidr: Cidr) -> Subnet:
    if entry.has("ip_version") and entry.words["ip_version"] != cidr.version:
        raise entry.error(f"{cidr} is not of IPv{entry.words['ip_version']}", "ip_version")
    gateway = entry.address("gateway_ip")
    if gateway is None and not entry.is_null("gateway_ip"):
        gateway = cidr.network_address + 1
    ra_mode, address_mode = entry.name("ipv6_ra_mode"), entry.name("ipv6_address_mode")
    for word, mode in (("ipv6_ra_mode", ra_mode), ("ipv6_address_mode", address_mode)):
        if mode is not None and not isinstance(cidr, IPv6Network):
            raise entry.error(f"{cidr} is not of IPv6", word)
    if ra_mode is not None and address_mode is not None and ra_mode != address_mode:
        raise entry.error("ipv6_ra_mode and ipv6_address_mode must be equal where both are given", "ipv6_address_mode")
    if address_mode in SLAAC_MODES and cidr.prefixlen != 64:
        raise entry.error(f"{address_mode} needs a prefix of 64 bits", "cidr")
    subnet = Subnet(
        subnet_id, name, network, cidr, gateway,
        # Nobody serves addresses outside: what is there is not the cloud's.
        enable_dhcp=entry.flag("enable_dhcp", not network.external),
        dns_nameservers=[entry.parse_address(item, path) for path, item in entry.items("dns_nameservers")],
        host_routes=read_routes(entry, "host_routes"),
        ipv6_ra_mode=ra_mode, ipv6_address_mode=address_mode,
    )  # fmt: skip
    subnet.allocation_pools = [_pool(entry, path, item) for path, item in entry.items("allocation_pools")]
    if not subnet.allocation_pools:
        subnet.allocation_pools = default_pools(subnet)
    return subnet


def _route(route: Entry) -> tuple[Cidr, Address]:
    destination, nexthop = route.cidr("destination"), route.address("nexthop")
    if destination is None or nexthop is None:
        raise route.error("a route is destination and nexthop")
    if destination.version != nexthop.version:
        raise route.error(f"{nexthop} is not of IPv{destination.version}", "nexthop")
    return destination, nexthop


def read_routes(entry: Entry, word: str) -> list[tuple[Cidr, Address]]:
    """A list of {destination, nexthop}."""
    return [_route(route) for route in entry.mappings(word)]


def _pool(entry: Entry, path: Path, item: object) -> tuple[Address, Address]:
    start, end = (item.get("start"), item.get("end")) if isinstance(item, dict) else str(item).partition("-")[::2]
    first, last = entry.parse_address(start, path), entry.parse_address(end, path)
    if first.version != last.version or int(first) > int(last):
        raise entry.text.error(f"{first} to {last} is no pool", path, hint="start comes before end")
    return first, last


def read_security_groups(reading: Reading) -> None:
    """``security_groups``; rules may name groups that stand later."""
    found = []
    for group_id, name, entry in reading.objects("security_groups"):
        group = SecurityGroup(
            group_id, name or group_id, stateful=entry.flag("stateful", True),
            project_id=entry.name("project_id") or "",
        )  # fmt: skip
        reading.cloud.security_groups.append(group)
        reading.add("security_groups", group, entry, group_id, name, str(entry.path[-1]))
        found.append((group, entry))
    for group, entry in found:
        group.rules = [_rule(reading, rule) for rule in entry.mappings("rules")]


def _rule(reading: Reading, entry: Entry) -> SecurityGroupRule:
    prefix = None
    if entry.has("remote_ip_prefix"):
        prefix = entry.parse_cidr(entry.words["remote_ip_prefix"], entry.path_of("remote_ip_prefix"), may_be_host=True)
    ethertype = entry.name("ethertype") or (f"IPv{prefix.version}" if prefix is not None else "IPv4")
    rule = SecurityGroupRule(
        entry.words["direction"], ethertype, (entry.name("protocol") or "").lower() or None,
        entry.number("port_range_min"), entry.number("port_range_max"), prefix,
        reading.find_word("security_groups", entry, "remote_group_id"),
    )  # fmt: skip
    if rule.protocol == "any":
        rule.protocol = None
    _check_rule(entry, rule)
    return rule


def _check_rule(entry: Entry, rule: SecurityGroupRule) -> None:
    """As securitygroups_db.py does."""
    if rule.remote_ip_prefix is not None and rule.remote_group is not None:
        raise entry.error("a rule has a prefix or a group, not both", "remote_group_id")
    if rule.remote_ip_prefix is not None and f"IPv{rule.remote_ip_prefix.version}" != rule.ethertype:
        raise entry.error(f"{rule.remote_ip_prefix} is not of {rule.ethertype}", "remote_ip_prefix")
    low, high = rule.port_range_min, rule.port_range_max
    if low is None and high is None:
        return
    if rule.protocol is None:
        raise entry.error("ports without a protocol", "port_range_min", hint="protocol: tcp, for one")
    is_icmp = rule.protocol in ("icmp", "icmpv6", "ipv6-icmp", "1", "58")
    most = 255 if is_icmp else 65535
    for word, value in (("port_range_min", low), ("port_range_max", high)):
        if value is not None and not 0 <= value <= most:
            hint = "ICMP has type and code there" if is_icmp else ""
            raise entry.error(f"{value} is not in 0..{most}", word, hint=hint)
    if is_icmp:
        if low is None:
            raise entry.error("an ICMP code without a type", "port_range_max")
    elif rule.protocol in PROTOCOLS_WITH_PORTS and low is not None and high is not None and low > high:
        raise entry.error(f"{low} is after {high}", "port_range_min")

