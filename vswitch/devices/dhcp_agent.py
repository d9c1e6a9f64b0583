"""What Neutron's DHCP agent tells dnsmasq about a network.

The agent writes two files and a command line: `host_lines` are the leases (``--dhcp-hostsfile``), `option_lines` the
options by subnet and port (``--dhcp-optsfile``), `command` is how dnsmasq is called. Our servers (dhcp_server.py,
dhcp6_server.py) read the same lines, so that a student can see what the agent would have written, and why a client gets
what it gets.

Source: neutron/agent/linux/dhcp.py (2025.2), option names of dhcp_agent.ini.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from vswitch.devices.dhcp_options import INFINITE, Option, read_option
from vswitch.devices.packets import ip_of, mac_of
from vswitch.errors import ConfigError

MIN_LEASE_S = 120  # what dnsmasq makes of less, be it configured or asked for by a client
METADATA_CIDR = "169.254.169.254/32"
OWNER_DHCP = "network:dhcp"
ROUTER_INTERFACES = (
    "network:router_interface", "network:ha_router_replicated_interface", "network:router_interface_distributed",
)  # fmt: skip
# Ports that get no line in the hosts file.
OWNERS_WITHOUT_LEASE = ("network:router_ha_interface", "network:floatingip", OWNER_DHCP, "network:distributed")
CLIENT_ID_NAMES = ("client-id", "61")
STATEFUL, STATELESS, SLAAC = "dhcpv6-stateful", "dhcpv6-stateless", "slaac"


@dataclass(frozen=True)
class DhcpSubnet:
    """A subnet with Neutron's attributes; addresses are text. `host_routes` are pairs of destination and next hop."""

    id: str
    cidr: str
    gateway_ip: str | None = None
    enable_dhcp: bool = True
    dns_nameservers: Sequence[str] = ()
    host_routes: Sequence[tuple[str, str]] = ()
    ipv6_address_mode: str | None = None
    ipv6_ra_mode: str | None = None

    @cached_property
    def prefix(self) -> IPv4Network | IPv6Network:
        return ip_network(self.cidr)

    @property
    def ip_version(self) -> int:
        return self.prefix.version

    @property
    def tag(self) -> str:
        """dnsmasq's tag for clients of this subnet."""
        return f"subnet-{self.id}"


@dataclass(frozen=True)
class DhcpPort:
    """A port of the network: `fixed_ips` are pairs of subnet id and address.

    `extra_dhcp_opts` are triples of opt_name, opt_value and ip_version; `hostname` overrides host-10-0-0-5.
    """

    id: str
    mac_address: str
    fixed_ips: Sequence[tuple[str, str]] = ()
    device_owner: str = "compute:nova"
    extra_dhcp_opts: Sequence[tuple[str, str, int]] = ()
    hostname: str = ""

    @property
    def tag(self) -> str:
        return f"port-{self.id}"

    @property
    def client_id(self) -> str:
        return next((value for name, value, _ in self.extra_dhcp_opts if str(name) in CLIENT_ID_NAMES), "")


@dataclass(frozen=True)
class DhcpNetwork:
    """A network as the agent sees it, with all its ports, those of routers and DHCP agents too."""

    id: str
    subnets: Sequence[DhcpSubnet]
    ports: Sequence[DhcpPort]
    mtu: int = 1500


def after_command(network: DhcpNetwork, command: str) -> DhcpNetwork:
    """The network after ``set PORT fixed_ips [SUBNET=ADDRESS ...]``: a port, by its id, has other addresses.

    Raises
    ------
    ConfigError
        It is another command, or there is no such port or subnet.

    >>> network = DhcpNetwork("n", [DhcpSubnet("s", "10.0.0.0/24")], [DhcpPort("p", "fa:16:3e:00:00:05")])
    >>> after_command(network, "set p fixed_ips s=10.0.0.7").ports[0].fixed_ips
    [('s', '10.0.0.7')]
    """
    words = command.split()
    pairs = [tuple(word.split("=", 1)) for word in words[3:]]
    if words[:1] != ["set"] or words[2:3] != ["fixed_ips"] or any(len(pair) != 2 for pair in pairs):
        hint = "set PORT fixed_ips SUBNET=ADDRESS ..."
        raise ConfigError(f"a DHCP server cannot {command!r}", key=command, hint=hint)
    if not any(port.id == words[1] for port in network.ports):
        raise ConfigError(f"network {network.id} has no port {words[1]}", key=command)
    subnets = {subnet.id: subnet for subnet in network.subnets}
    fixed_ips: list[tuple[str, str]] = []
    for subnet_id, text in pairs:
        if subnet_id not in subnets:
            raise ConfigError(f"network {network.id} has no subnet {subnet_id}", key=command)
        try:
            is_inside = ip_address(text) in subnets[subnet_id].prefix
        except ValueError:
            is_inside = False
        if not is_inside:
            raise ConfigError(f"{text} is no address of {subnets[subnet_id].cidr}", key=command)
        fixed_ips.append((subnet_id, text))
    ports = [replace(port, fixed_ips=fixed_ips) if port.id == words[1] else port for port in network.ports]
    return replace(network, ports=ports)


@dataclass(frozen=True)
class DhcpOptions:
    """The agent's options with their defaults; durations in seconds, 0: dnsmasq's own, lease -1: infinite."""

    dhcp_lease_duration: int = 86400
    dns_domain: str = "openstacklocal"
    enable_isolated_metadata: bool = False
    force_metadata: bool = False
    dhcp_renewal_time: int = 0
    dhcp_rebinding_time: int = 0
    dhcp_broadcast_reply: bool = False


@dataclass(frozen=True)
class HostEntry:
    """A line of the hosts file. `addresses` empty: options only; `is_ipv6_only` is the line's tag:dhcpv6."""

    mac: bytes
    addresses: tuple[bytes, ...] = ()
    hostname: str = ""
    domain: str = ""
    tag: str = ""
    client_id: bytes = b""
    is_ipv6_only: bool = False


@dataclass(frozen=True)
class AddressRange:
    """A ``--dhcp-range`` of static leases only; `length` is the prefix length, `lease_s` INFINITE for ever."""

    tag: str
    network: bytes
    length: int
    lease_s: int


@dataclass(frozen=True)
class DnsmasqConfig:
    """What dnsmasq is told: files as text lines, and what they mean."""

    hosts_file: tuple[str, ...]
    options_file: tuple[str, ...]
    command: tuple[str, ...]
    ranges: tuple[AddressRange, ...]
    hosts: tuple[HostEntry, ...] = field(repr=False)
    options4: tuple[Option, ...] = field(repr=False)
    options6: tuple[Option, ...] = field(repr=False)
    domain: str = ""
    is_broadcast_reply: bool = False


def dnsmasq_config(network: DhcpNetwork, own: DhcpPort, options: DhcpOptions | None = None) -> DnsmasqConfig:
    """What the agent whose port is `own` tells its dnsmasq about `network`.

    Raises
    ------
    ConfigError
        An address, a MAC address or one of `extra_dhcp_opts` is none.
    """
    options = options or DhcpOptions()
    try:
        hosts_file = tuple(host_lines(network, options))
        options_file = tuple(option_lines(network, own, options))
        # Options of the command line stand before those of the file.
        forced = [read_option("mtu", str(network.mtu), is_forced=True)] if network.mtu > 0 else []
        for name, value in (("T1", options.dhcp_renewal_time), ("T2", options.dhcp_rebinding_time)):
            forced += [read_option(name, f"{value}s", is_forced=True)] if value else []
        read = [read_option_line(line) for line in options_file]
        return DnsmasqConfig(
            hosts_file=hosts_file,
            options_file=options_file,
            command=tuple(command(network, options)),
            ranges=tuple(ranges(network, options)),
            hosts=tuple(read_host_line(line) for line in hosts_file),
            options4=(*forced, *(option for version, option in read if version == 4)),
            options6=tuple(option for version, option in read if version == 6),
            domain=options.dns_domain,
            is_broadcast_reply=options.dhcp_broadcast_reply,
        )
    except (ValueError, OSError) as problem:
        raise ConfigError(f"network {network.id}: {problem}", key=network.id) from None


def command(network: DhcpNetwork, options: DhcpOptions) -> list[str]:
    """How the agent calls dnsmasq; names of files without their folder."""
    lease = "infinite" if options.dhcp_lease_duration == -1 else f"{options.dhcp_lease_duration}s"
    words = [
        "dnsmasq", "--no-hosts", "--no-resolv", "--dhcp-hostsfile=host", "--addn-hosts=addn_hosts",
        "--dhcp-optsfile=opts", "--dhcp-leasefile=leases", "--dhcp-match=set:ipxe,175",
        "--dhcp-userclass=set:ipxe6,iPXE", "--local-service", "--bind-dynamic",
    ]  # fmt: skip
    n_leases = 0
    for subnet in served_subnets(network):
        prefix = subnet.prefix
        mask = prefix.netmask if prefix.version == 4 else prefix.prefixlen
        words.append(f"--dhcp-range=set:{subnet.tag},{prefix.network_address},static,{mask},{lease}")
        n_leases += prefix.num_addresses
    if network.mtu > 0:
        words.append(f"--dhcp-option-force=option:mtu,{network.mtu}")
    words.append(f"--dhcp-lease-max={min(n_leases, 1 << 24)}")
    if options.dhcp_renewal_time:
        words.append(f"--dhcp-option-force=option:T1,{options.dhcp_renewal_time}s")
    if options.dhcp_rebinding_time:
        words.append(f"--dhcp-option-force=option:T2,{options.dhcp_rebinding_time}s")
    words.append("--conf-file=/dev/null")
    if options.dns_domain:
        words.append(f"--domain={options.dns_domain}")
    if options.dhcp_broadcast_reply:
        words.append("--dhcp-broadcast")
    return words


def served_subnets(network: DhcpNetwork) -> list[DhcpSubnet]:
    """Subnets with a range: those with DHCP, without IPv6 ones whose hosts make their addresses or above a /64."""
    return [s for s in network.subnets if s.enable_dhcp and (s.ip_version == 4 or _has_range6(s))]


def _has_range6(subnet: DhcpSubnet) -> bool:
    is_served = subnet.ipv6_address_mode in (STATEFUL, STATELESS)
    is_unset = not subnet.ipv6_address_mode and not subnet.ipv6_ra_mode
    return (is_served or is_unset) and subnet.prefix.prefixlen >= 64


def ranges(network: DhcpNetwork, options: DhcpOptions) -> Iterable[AddressRange]:
    """The ranges of the command line, read."""
    lease_s = INFINITE if options.dhcp_lease_duration == -1 else max(options.dhcp_lease_duration, MIN_LEASE_S)
    for subnet in served_subnets(network):
        yield AddressRange(subnet.tag, subnet.prefix.network_address.packed, subnet.prefix.prefixlen, lease_s)


def host_lines(network: DhcpNetwork, options: DhcpOptions) -> Iterable[str]:
    """The hosts file: one line for each address that may be leased."""
    subnets = {subnet.id: subnet for subnet in network.subnets}
    for port in network.ports:
        if port.device_owner in OWNERS_WITHOUT_LEASE:
            continue
        fixed = [(subnets[subnet_id], address) for subnet_id, address in port.fixed_ips if subnet_id in subnets]
        # Lines without an address come first: dnsmasq reads from the end and would take one for IPv4, too.
        fixed.sort(key=lambda pair: pair[0].ip_version == 6 and pair[0].ipv6_address_mode == STATELESS, reverse=True)
        for subnet, address in fixed:
            yield from _host_line(port, subnet, address, options)


def _host_line(port: DhcpPort, subnet: DhcpSubnet, address: str, options: DhcpOptions) -> Iterable[str]:
    version_tag = "tag:dhcpv6," if subnet.ip_version == 6 else ""
    extra = port.extra_dhcp_opts
    if subnet.ip_version == 6 and subnet.ipv6_address_mode in (SLAAC, STATELESS):
        if extra and subnet.ipv6_address_mode != SLAAC:
            yield f"{port.mac_address},{version_tag}set:{port.tag}"
        return
    if not subnet.enable_dhcp:
        return
    name = port.hostname or "host-" + address.replace(".", "-").replace(":", "-")
    if options.dns_domain and "." not in name:
        name += f".{options.dns_domain}"
    literal = f"[{address}]" if subnet.ip_version == 6 else address
    client_id = f"id:{port.client_id}," if port.client_id else ""
    wants_tag = extra and (not client_id or len(extra) > 1)
    yield f"{port.mac_address},{version_tag}{client_id}{name},{literal}" + (f",set:{port.tag}" if wants_tag else "")


def option_lines(network: DhcpNetwork, own: DhcpPort, options: DhcpOptions) -> Iterable[str]:
    """The options file: lines of each subnet, then those of each port."""
    subnets = [
        subnet for subnet in network.subnets
        if subnet.enable_dhcp and not (subnet.ip_version == 6 and subnet.ipv6_address_mode == SLAAC)
    ]  # fmt: skip
    for subnet in subnets:
        yield from _subnet_options(network, subnet, own, options)
    for port in network.ports:
        versions = {ip_address(address).version for _, address in port.fixed_ips}
        for name, value, version in port.extra_dhcp_opts:
            if str(name) not in CLIENT_ID_NAMES and version in versions:
                yield _option_line(version, port.tag, str(name), value)
    # With several agents, each names all of them; with one, dnsmasq names itself without being told to.
    for subnet in subnets:
        servers = [address for port in network.ports if port.device_owner == OWNER_DHCP
                   for subnet_id, address in port.fixed_ips if subnet_id == subnet.id]  # fmt: skip
        if not subnet.dns_nameservers and len(servers) > 1:
            yield _option_line(subnet.ip_version, subnet.tag, "dns-server", *_literals(subnet.ip_version, servers))


def _subnet_options(
    network: DhcpNetwork, subnet: DhcpSubnet, own: DhcpPort, options: DhcpOptions
) -> Iterable[str]:  # fmt: skip
    version = subnet.ip_version
    if subnet.dns_nameservers:
        is_none = len(subnet.dns_nameservers) == 1 and int(ip_address(subnet.dns_nameservers[0])) == 0
        servers = [] if is_none else _literals(version, subnet.dns_nameservers)
        yield _option_line(version, subnet.tag, "dns-server", *servers)
    if version == 6:
        if options.dns_domain:
            yield _option_line(6, subnet.tag, "domain-search", options.dns_domain)
        return
    gateway = subnet.gateway_ip
    routes = []
    for destination, nexthop in subnet.host_routes:
        if destination == "0.0.0.0/0":
            gateway = gateway or nexthop
        else:
            routes.append(f"{destination},{nexthop}")
    if metadata := _metadata_address(network, subnet, own, gateway, options):
        routes.append(f"{METADATA_CIDR},{metadata}")
    for other in network.subnets:
        if other.ip_version == 4 and other.cidr != subnet.cidr:
            routes.insert(0, f"{other.cidr},0.0.0.0")
    if routes:
        # A client that takes these routes takes no other (RFC 3442), so the default one is among them.
        if gateway:
            routes.append(f"0.0.0.0/0,{gateway}")
        yield _option_line(4, subnet.tag, "classless-static-route", *routes)
        yield _option_line(4, subnet.tag, "249", *routes)
    yield _option_line(4, subnet.tag, "router", *([gateway] if gateway else []))


def _metadata_address(
    network: DhcpNetwork, subnet: DhcpSubnet, own: DhcpPort, gateway: str | None, options: DhcpOptions
) -> str | None:  # fmt: skip
    """Who answers at 169.254.169.254: the agent's own namespace on an isolated subnet, else the router."""
    is_isolated = is_isolated_subnet(network, subnet)
    if options.force_metadata or (is_isolated and options.enable_isolated_metadata):
        return next((address for subnet_id, address in own.fixed_ips if subnet_id == subnet.id), None)
    return None if is_isolated else gateway


def is_isolated_subnet(network: DhcpNetwork, subnet: DhcpSubnet) -> bool:
    """True if no router has the subnet's gateway address."""
    routers = [port for port in network.ports if port.device_owner in ROUTER_INTERFACES]
    return not any(tuple(pair) == (subnet.id, subnet.gateway_ip) for port in routers for pair in port.fixed_ips)


def _literals(version: int, addresses: Iterable[str]) -> list[str]:
    return [f"[{address}]" if version == 6 else address for address in addresses]


def _option_line(version: int, tag: str, name: str, *values: str) -> str:
    """A line of the options file; a name may bring a tag of its own, as in ``tag:ipxe,67``."""
    *own_tags, name = name.split(",")
    word = f"option6:{name}" if version == 6 else name if name.isdigit() else f"option:{name}"
    return ",".join([f"tag:{tag}", *own_tags, word, *values])


def read_option_line(line: str) -> tuple[int, Option]:
    """IP version and option of a line."""
    words = line.split(",")
    tags = []
    while words and words[0].startswith("tag:"):
        tags.append(words.pop(0)[4:])
    name, value = words[0], ",".join(words[1:])
    version = 6 if name.startswith("option6:") else 4
    option = read_option(name.rpartition(":")[2], value, tags=tuple(tags), version=version)
    return version, option


def read_host_line(line: str) -> HostEntry:
    """What a line of the hosts file says."""
    mac, *words = line.split(",")
    addresses = []
    hostname = tag = client_id = ""
    is_ipv6_only = False
    for word in words:
        if word.startswith("set:"):
            tag = word[4:]
        elif word.startswith("id:"):
            client_id = word[3:]
        elif word == "tag:dhcpv6":
            is_ipv6_only = True
        elif word.startswith("["):
            addresses.append(ip_of(word.strip("[]")))
        elif word.replace(".", "").isdigit():
            addresses.append(ip_of(word))
        else:
            hostname = word
    name, _, domain = hostname.partition(".")
    packed_id = bytes.fromhex(client_id.replace(":", "")) if ":" in client_id else client_id.encode()
    return HostEntry(mac_of(mac), tuple(addresses), name, domain, tag, packed_id, is_ipv6_only)


__all__ = [
    "AddressRange", "DhcpNetwork", "DhcpOptions", "DhcpPort", "DhcpSubnet", "DnsmasqConfig", "HostEntry",
    "dnsmasq_config", "is_isolated_subnet",
]  # fmt: skip
