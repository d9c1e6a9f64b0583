"""What a router is configured with: interfaces, routes, rules, neighbours and address translation.

Plain data, in text as people write it: addresses ``"10.0.1.1/24"``, MACs ``"fa:16:3e:00:00:01"``. `Router` (router.pyx)
reads it once; what is wrong is a ConfigError that names the key.
"""

from __future__ import annotations

import ipaddress

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vswitch.devices.router_advertisements import RaSubnet

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address
    Cidr = ipaddress.IPv4Network | ipaddress.IPv6Network

MAIN_TABLE = 254
LOCAL_TABLE = 255  # what Linux calls it; holds the router's own addresses, and is asked first
MAX_TABLE = 2**32 - 1
MAIN_PRIORITY = 32766  # of the rule that asks the main table, as Linux has it
MIN_MTU, MAX_MTU = 68, 65535


class RouterInterface(NamedTuple):
    """An interface, which is also the device's port of that name.

    Parameters
    ----------
    addresses : sequence of str
        With prefix length; the first of a family in a subnet is what the router speaks from. An IPv6 link-local address
        is made of the MAC, as Linux does it, unless one is given.
    mtu : int
        Largest packet, 68 to 65535 bytes.
    proxy_arp : bool
        Answer ARP for every address that the router has a route to behind another interface.
    is_up : bool
    """

    name: str
    mac: str
    addresses: Sequence[str] = ()
    mtu: int = 1500
    proxy_arp: bool = False
    is_up: bool = True


class RouterRoute(NamedTuple):
    """A static route; `via` or `interface` or both. `source` is what the router speaks from there, if anything."""

    to: str
    via: str = ""
    interface: str = ""
    table: int = MAIN_TABLE
    source: str = ""


class RouterRule(NamedTuple):
    """Which table is asked for what packets, in order of `priority`, the smallest first; the main one at 32766."""

    priority: int
    table: int
    from_: str = ""
    to: str = ""
    interface: str = ""


class RouterNeighbor(NamedTuple):
    """A neighbour that is known for ever."""

    interface: str
    address: str
    mac: str


class RouterNat(NamedTuple):
    """Address translation as the L3 agent sets it up with iptables.

    Parameters
    ----------
    gateway : str
        The interface to the outside: qg-…, or rfp-… of a distributed router.
    source : str
        What leaves at the gateway comes from this address; empty: it keeps its own.
    floating_ips : mapping of str to str
        External address → internal one, one to one, in both directions. The gateway has the external ones as
        addresses of its own, as the agent adds them there ...
    is_distributed : bool
        ... except here: somebody else is asked for them and sends on what is for them, and only what comes in at the
        gateway is translated for them.
    """

    gateway: str
    source: str = ""
    floating_ips: Mapping[str, str] = {}
    is_distributed: bool = False


class RouterRadvd(NamedTuple):
    """Router advertisements (router_advertisements.py): IPv6 subnets by name of the interface, intervals in seconds."""

    subnets: Mapping[str, Sequence[RaSubnet]]
    min_rtr_adv_interval: int = 30
    max_rtr_adv_interval: int = 100


class RouterVrrp(NamedTuple):
    """The router is one of several, of which one routes (vrrp.pyx); the values are Neutron's.

    Parameters
    ----------
    interface : str
        To the others; its first IPv4 address is what the router speaks from.
    address : str
        What advertisements hold.
    is_master : bool
        It is the master from the beginning; otherwise a backup, until it has heard of none for long enough.
    """

    interface: str
    vrid: int = 1
    priority: int = 50
    interval_s: int = 2
    address: str = "169.254.0.1"
    announce_delay_s: int = 60
    is_master: bool = False


class RouterConfig(NamedTuple):
    """All of it.

    Parameters
    ----------
    radvd : RouterRadvd or None
        What is advertised, at interfaces that are up.
    announces : bool
        Gratuitous ARP and unsolicited neighbour advertisements for all addresses when the router comes up.
    """

    interfaces: Sequence[RouterInterface]
    routes: Sequence[RouterRoute] = ()
    rules: Sequence[RouterRule] = ()
    neighbors: Sequence[RouterNeighbor] = ()
    nat: RouterNat | None = None
    announces: bool = False
    radvd: RouterRadvd | None = None
    vrrp: RouterVrrp | None = None


def all_addresses(config: RouterConfig, interface: RouterInterface) -> list[str]:
    """Of an interface; floating IPs are addresses of the gateway, except a distributed router's."""
    addresses = list(interface.addresses)
    nat = config.nat
    if nat is not None and nat.gateway == interface.name and not nat.is_distributed:
        own = {interface_address(text, "addresses").ip for text in addresses}
        addresses += [f"{text}/32" for text in nat.floating_ips if address(text, "nat") not in own]
    return addresses


COMMANDS = (
    "ip link set INTERFACE up|down, ip neigh replace ADDRESS lladdr MAC dev INTERFACE, "
    "ip neigh del ADDRESS dev INTERFACE"
)


def after_command(config: RouterConfig, command: str) -> RouterConfig:
    """The configuration after ``ip link set [dev] INTERFACE up`` or ``down``, or a change of what is in `neighbors`.

    >>> config = RouterConfig([RouterInterface("qr-1", "fa:16:3e:00:00:01")])
    >>> after_command(config, "ip link set qr-1 down").interfaces[0].is_up
    False
    >>> config = after_command(config, "ip neigh replace 10.0.0.5 lladdr fa:16:3e:00:00:05 dev qr-1")
    >>> config.neighbors
    [RouterNeighbor(interface='qr-1', address='10.0.0.5', mac='fa:16:3e:00:00:05')]
    >>> after_command(config, "ip neigh del 10.0.0.5 dev qr-1").neighbors
    []
    """
    names = [interface.name for interface in config.interfaces]
    match command.split():
        case ["ip", "link", "set", "dev", name, ("up" | "down") as state]:
            return _after_link(config, names, command, name, state)
        case ["ip", "link", "set", name, ("up" | "down") as state]:
            return _after_link(config, names, command, name, state)
        case ["ip", "neigh", "replace", target, "lladdr", mac, "dev", name]:
            added = [RouterNeighbor(name, target, mac)]
            mac_number(mac, command)
        case ["ip", "neigh", "del", target, "dev", name]:
            added = []
        case _:
            raise ConfigError(f"a router cannot {command!r}", key=command, hint=COMMANDS)
    _check_interface(name, names, command)
    gone = name, address(target, command)
    kept = [n for n in config.neighbors if (n.interface, address(n.address, "neighbors")) != gone]
    return config._replace(neighbors=[*kept, *added])


def _after_link(config: RouterConfig, names: list[str], command: str, name: str, state: str) -> RouterConfig:
    _check_interface(name, names, command)
    return config._replace(interfaces=[
        interface._replace(is_up=state == "up") if interface.name == name else interface
        for interface in config.interfaces
    ])  # fmt: skip


def mac_number(text: str, key: str) -> int:
    """The 48-bit number of a unicast MAC."""
    parts = text.split(":")
    try:
        octets = [int(part, 16) for part in parts]
    except ValueError:
        octets = []
    if len(octets) != 6 or any(len(part) != 2 for part in parts) or octets[0] & 1:
        raise ConfigError(f"{text!r} is no MAC of an interface", key=key, hint="six octets, such as fa:16:3e:00:00:01")
    return int.from_bytes(bytes(octets), "big")


def address(text: str, key: str) -> Address:
    """An address without prefix length."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no IP address", key=key, hint="such as 10.0.0.1 or 2001:db8::1") from None


def interface_address(text: str, key: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface:
    """An address with prefix length, which must be there."""
    try:
        if "/" in text:
            return ipaddress.ip_interface(text)
    except ValueError:
        pass
    raise ConfigError(f"{text!r} is no address with prefix length", key=key, hint="such as 10.0.0.1/24")


def is_of_one_link(value: Address) -> bool:
    """True for a link-local address of IPv6, which several interfaces may have and which is in no table of routes.

    Linux treats those of IPv4 as any other.
    """
    return value.version == 6 and value.is_link_local


def cidr(text: str, key: str) -> Cidr:
    """A prefix; ``default`` is that of IPv4."""
    try:
        return ipaddress.ip_network("0.0.0.0/0" if text == "default" else text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no prefix: {error}", key=key, hint="such as 10.0.0.0/24 or ::/0") from None


def mapped(value: Address) -> int:
    """As tables have it: 128 bits, IPv4 as ``::ffff:a.b.c.d``.

    >>> hex(mapped(ipaddress.ip_address("10.0.0.1")))
    '0xffff0a000001'
    """
    return int(value) | (0xFFFF << 32 if value.version == 4 else 0)


def address_text(value: int) -> str:
    """Text of an address as tables have it."""
    is_ipv4 = value >> 32 == 0xFFFF
    return str(ipaddress.IPv4Address(value & 0xFFFFFFFF) if is_ipv4 else ipaddress.IPv6Address(value))


def mapped_prefix(value: Cidr) -> tuple[int, int]:
    """Address and length of a prefix among 128 bits."""
    return mapped(value.network_address), value.prefixlen + (96 if value.version == 4 else 0)


def link_local(mac: int) -> int:
    """The IPv6 link-local address of a MAC (RFC 4291 appendix A).

    >>> ipaddress.IPv6Address(link_local(0xFA163E000001))
    IPv6Address('fe80::f816:3eff:fe00:1')
    """
    return 0xFE80 << 112 | ((mac >> 24 ^ 0x020000) << 40 | 0xFFFE << 24 | mac & 0xFFFFFF)


def check_config(config: RouterConfig) -> None:
    """Refuse what cannot be, with the key where it stands.

    Raises
    ------
    ConfigError
    """
    names = [interface.name for interface in config.interfaces]
    owners: dict[int, str] = {}
    for i, interface in enumerate(config.interfaces):
        key = f"interfaces[{i}]"
        if not interface.name or "/" in interface.name or names.count(interface.name) > 1:
            raise ConfigError(
                f"an interface cannot be named {interface.name!r}", key=f"{key}.name", hint="once, without a slash"
            )
        mac_number(interface.mac, f"{key}.mac")
        if not MIN_MTU <= interface.mtu <= MAX_MTU:
            raise ConfigError(f"an MTU of {interface.mtu}", key=f"{key}.mtu", hint=f"{MIN_MTU} to {MAX_MTU}")
        for j, text in enumerate(interface.addresses):
            found = interface_address(text, f"{key}.addresses[{j}]")
            if found.is_multicast or found.is_unspecified:
                raise ConfigError(f"{text} is no address of an interface", key=f"{key}.addresses[{j}]")
            if not is_of_one_link(found) and owners.setdefault(mapped(found.ip), interface.name) != interface.name:
                raise ConfigError(f"{found.ip} is on {owners[mapped(found.ip)]} already", key=f"{key}.addresses[{j}]")
    _check_routes(config, names)
    for i, neighbor in enumerate(config.neighbors):
        _check_interface(neighbor.interface, names, f"neighbors[{i}].interface")
        address(neighbor.address, f"neighbors[{i}].address")
        mac_number(neighbor.mac, f"neighbors[{i}].mac")
    if config.nat is not None:
        _check_nat(config.nat, names)
    if config.vrrp is not None:
        _check_vrrp(config, config.vrrp, names)


def _check_routes(config: RouterConfig, names: Sequence[str]) -> None:
    for i, route in enumerate(config.routes):
        key = f"routes[{i}]"
        to = cidr(route.to, f"{key}.to")
        if not route.via and not route.interface:
            raise ConfigError(f"where does the route to {route.to} lead?", key=key, hint="via: or interface:")
        _check_table(route.table, f"{key}.table")
        for part in ("via", "source"):
            value = getattr(route, part)
            if value and address(value, f"{key}.{part}").version != to.version:
                raise ConfigError(f"{value} is not of the family of {route.to}", key=f"{key}.{part}")
        if route.interface:
            _check_interface(route.interface, names, f"{key}.interface")
        elif next_interface(config, route.via) is None:
            raise ConfigError(
                f"{route.via} is in no subnet of the router", key=f"{key}.via", hint="name the interface: interface:"
            )
    for i, rule in enumerate(config.rules):
        key = f"rules[{i}]"
        _check_table(rule.table, f"{key}.table")
        if not 0 < rule.priority < 2**32:
            raise ConfigError(f"a priority of {rule.priority}", key=f"{key}.priority", hint="1 to 4294967295")
        for part in ("from_", "to"):
            if getattr(rule, part):
                cidr(getattr(rule, part), f"{key}.{part.rstrip('_')}")
        if rule.interface:
            _check_interface(rule.interface, names, f"{key}.interface")


def _check_nat(nat: RouterNat, names: Sequence[str]) -> None:
    _check_interface(nat.gateway, names, "nat.gateway")
    internal: dict[Address, str] = {}
    for external, inside in nat.floating_ips.items():
        key = f"nat.floating_ips.{external}"
        for text in (external, inside):
            if address(text, key).version != 4:
                raise ConfigError(f"{text} is not IPv4, and nothing else is translated", key=key)
        other = internal.setdefault(address(inside, key), external)
        if other != external:
            raise ConfigError(f"{inside} has the floating IP {other} already", key=key)
    if nat.source and address(nat.source, "nat.source").version != 4:
        raise ConfigError(f"{nat.source} is not IPv4, and nothing else is translated", key="nat.source")


def _check_vrrp(config: RouterConfig, vrrp: RouterVrrp, names: Sequence[str]) -> None:
    _check_interface(vrrp.interface, names, "vrrp.interface")
    addresses = config.interfaces[names.index(vrrp.interface)].addresses
    if not any(interface_address(text, "addresses").version == 4 for text in addresses):
        raise ConfigError(f"{vrrp.interface} has no IPv4 address to speak from", key="vrrp.interface")
    if address(vrrp.address, "vrrp.address").version != 4:
        raise ConfigError(f"{vrrp.address} is not IPv4", key="vrrp.address")
    for part, most in (("vrid", 255), ("priority", 254), ("interval_s", 255)):
        if not 1 <= getattr(vrrp, part) <= most:
            raise ConfigError(f"a {part} of {getattr(vrrp, part)}", key=f"vrrp.{part}", hint=f"1 to {most}")


def _check_table(table: int, key: str) -> None:
    if not 0 < table <= MAX_TABLE or table == LOCAL_TABLE:
        raise ConfigError(f"a table {table}", key=key, hint=f"1 to {MAX_TABLE}, but not {LOCAL_TABLE}")


def _check_interface(name: str, names: Iterable[str], key: str) -> None:
    if name not in names:
        raise ConfigError(f"no interface named {name}", key=key, hint=f"there are {', '.join(names) or 'none'}")


def next_interface(config: RouterConfig, via: str) -> str | None:
    """The interface with a subnet that `via` is in."""
    wanted = address(via, "via")
    for interface in config.interfaces:
        for text in interface.addresses:
            if wanted in interface_address(text, "addresses").network:
                return interface.name
    return None
