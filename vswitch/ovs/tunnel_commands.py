"""The commands of ``ovs-appctl`` about tunnels and the network below them.

Texts are those of lib/ovs-router.c, lib/tnl-neigh-cache.c, lib/tnl-ports.c, lib/netdev-dummy.c and ofproto/tunnel.c.
"""

from __future__ import annotations

import re

from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.outcome import Refused
from vswitch.switch.ip_addresses import IPV4_MAPPED, ip_text, is_ipv4, parse_ip, prefix_mask
from vswitch.switch.protocols import NodeLike

if TYPE_CHECKING:
    from vswitch.switch.port import Port
    from vswitch.switch.tunnels import Tunnel

_OCTETS = r"\s*(\d+)\.\s*(\d+)\.\s*(\d+)\.\s*(\d+)"
# As texts, patterns cost nothing until they are used; re keeps them then.
_MARK = r"pkt_mark=\s*([+-]?(?:0[xX][0-9a-fA-F]+|[0-9]+))"
_MAC = r"\s*" + ":".join([r"\s*([0-9a-fA-F]{1,2})"] * 6)
_ADDRESS_WIDTH = 46  # INET6_ADDRSTRLEN
_MAX_AGING_S = 3600


# Routes.


def route_add(node: NodeLike, arguments: list[str]) -> str:
    prefix = _prefix(arguments[0])
    gateway = mark = 0
    if len(arguments) > 2:
        found = _mark(arguments[2])
        if found is None:
            gateway = _gateway(arguments[2], is_v4=is_ipv4(prefix[0]))
        mark = found or 0
    if len(arguments) > 3:
        mark = _need_mark(arguments[3])
    if not node.underlay.add_route(*prefix, arguments[1], gateway, mark):
        raise Refused("Error while inserting route.")
    return "OK\n"


def route_del(node: NodeLike, arguments: list[str]) -> str:
    prefix = _prefix(arguments[0])
    if not node.underlay.del_route(*prefix, _need_mark(arguments[1]) if len(arguments) > 1 else 0):
        raise Refused("Not found")
    return "OK\n"


def route_show(node: NodeLike, arguments: list[str]) -> str:
    text = "Route Table:\n"
    for dst, plen, mark, device, gateway, source, is_local, is_cached in node.underlay.routes():
        text += f"{'Cached' if is_cached or is_local else 'User'}: {ip_text(dst)}/{plen - 96 if is_ipv4(dst) else plen}"
        text += f" MARK {mark}" if mark else ""
        text += f" dev {device}"
        text += f" GW {ip_text(gateway)}" if gateway else ""
        text += f" SRC {ip_text(source)}{' local' if is_local else ''}\n"
    return text


def route_lookup(node: NodeLike, arguments: list[str]) -> str:
    dst, plen = _prefix(arguments[0])
    if plen != 128:
        raise Refused("Invalid parameters")
    found = node.underlay.lookup(dst, _need_mark(arguments[1]) if len(arguments) > 1 else 0)
    if found is None:
        raise Refused("Not found")
    source, gateway, device = found
    return f"src {ip_text(source)}\ngateway {ip_text(gateway)}\ndev {device}\n"


def _prefix(text: str) -> tuple[int, int]:
    """Address and prefix length, both of 128 bits."""
    try:
        address, mask = _scan_ipv4(text)
    except Refused:
        pass
    else:
        plen = mask.bit_count()
        if mask == 0xFFFFFFFF << 32 - plen & 0xFFFFFFFF:
            return IPV4_MAPPED | address, 96 + plen
    try:
        return _scan_ipv6(text)
    except Refused:
        raise Refused("Invalid parameters") from None


def _mark(text: str) -> int | None:
    match = re.match(_MARK, text, re.ASCII)
    if match is None:
        return None
    digits = match[1].lstrip("+-")
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits.startswith("0") else 10
    try:
        value = int(digits, base)
    except ValueError:  # 08: C stops at the digit that is none
        value = int(re.match("[0-7]*", digits)[0] or "0", 8)  # type: ignore[index]
    return (-value if match[1].startswith("-") else value) & 0xFFFFFFFF


def _need_mark(text: str) -> int:
    mark = _mark(text)
    if mark is None:
        raise Refused("Invalid pkt_mark")
    return mark


def _gateway(text: str, *, is_v4: bool) -> int:
    address = parse_ip(text)
    if address is None or (":" in text) == is_v4:
        raise Refused(f"Invalid pkt_mark or {'' if is_v4 else 'IPv6 '}gateway")
    return 0 if address == IPV4_MAPPED else address


# Neighbours.


def neigh_show(node: NodeLike, arguments: list[str]) -> str:
    text = f"{'IP':46}{'MAC':20}Bridge\n{'=' * 74}\n"
    for address, mac, bridge in node.underlay.neighbors():
        text += f"{ip_text(address):{_ADDRESS_WIDTH}}{mac.to_bytes(6).hex(':')}   {bridge}\n"
    return text


def neigh_set(node: NodeLike, arguments: list[str]) -> str:
    address = parse_ip(arguments[1])
    if address is None:
        raise Refused("bad IP address")
    mac = re.fullmatch(_MAC, arguments[2], re.ASCII)
    if mac is None:
        raise Refused("bad MAC address")
    value = int.from_bytes(int(octet, 16) for octet in mac.groups())
    node.underlay.set_neighbor(arguments[0], address, value)
    return "OK\n"


def neigh_flush(node: NodeLike, arguments: list[str]) -> str:
    node.underlay.flush_neighbors()
    return "OK\n"


def neigh_aging(node: NodeLike, arguments: list[str]) -> str:
    if not arguments:
        return f"{node.underlay.neighbor_aging_s}\n"
    match = re.match(r"\s*\+?([0-9]+)", arguments[0], re.ASCII)
    if match is None or not 0 < int(match[1]) <= _MAX_AGING_S:
        raise Refused("bad aging value")
    node.underlay.neighbor_aging_s = int(match[1])
    return "OK\n"


# Devices.


def ip4addr(node: NodeLike, arguments: list[str]) -> str:
    device = _device(node, arguments[0])
    address, mask = _scan_ipv4(arguments[1])
    node.underlay.set_address(device, IPV4_MAPPED | address, IPV4_MAPPED | mask)
    return "OK\n"


def ip6addr(node: NodeLike, arguments: list[str]) -> str:
    device = _device(node, arguments[0])
    address, plen = _scan_ipv6(arguments[1])
    node.underlay.set_address(device, address, prefix_mask(plen))
    return "OK\n"


def _device(node: NodeLike, name: str) -> Port:
    device = node.underlay.device(name)
    if device is None:
        raise Refused("Unknown Dummy Interface")
    return device


def _scan_ipv4(text: str) -> tuple[int, int]:
    """OVS ip_parse_masked(): address and mask of 32 bits."""
    match = re.match(rf"{_OCTETS}(?:/{_OCTETS}|/\s*([+-]?\d+))?", text, re.ASCII)
    if match is None:
        raise Refused(f"{text}: invalid IP address")
    address = int.from_bytes(int(octet) & 0xFF for octet in match.groups()[:4])
    mask = 0xFFFFFFFF
    if match[5] is not None:
        mask = int.from_bytes(int(octet) & 0xFF for octet in match.groups()[4:8])
    elif match[9] is not None:
        if not 0 <= int(match[9]) <= 32:
            raise Refused(f"{text}: IPv4 network prefix bits not between 0 and 32, inclusive")
        mask = 0xFFFFFFFF << 32 - int(match[9]) & 0xFFFFFFFF
    if match.end() != len(text):
        raise Refused(f"{text}: invalid IP address")
    return address, mask


def _scan_ipv6(text: str) -> tuple[int, int]:
    """OVS ipv6_parse_cidr(): address and prefix length."""
    match = re.match(r"\s*([0-9a-fA-F:.]{1,46})", text)
    address = parse_ip(match[1]) if match is not None and ":" in match[1] else None
    if match is None or address is None:
        raise Refused(f"{text}: invalid IPv6 address")
    rest = text[match.end() :]
    plen = 128
    if number := re.match(r"/\s*([+-]?\d+)", rest, re.ASCII):
        rest = rest[number.end() :]
        plen = int(number[1])
        if not 0 <= plen <= 128:
            raise Refused(f"{text}: IPv6 network prefix bits not between 0 and 128, inclusive")
    elif written := re.match(r"/\s*([0-9a-fA-F:.]{1,46})", rest):
        rest = rest[written.end() :]
        mask = parse_ip(written[1]) if ":" in written[1] else None
        if mask is None:
            raise Refused(f"{text}: Invalid IPv6 mask")
        plen = mask.bit_count()
        if mask != prefix_mask(plen):
            raise Refused(f"{text}: IPv6 CIDR network required")
    if rest:
        raise Refused(f"{text}: invalid IPv6 address")
    return address, plen


# Tunnels.


def ports_show(node: NodeLike, arguments: list[str]) -> str:
    text = "Listening ports:\n"
    if arguments and arguments[0].lower() == "-v":
        for port, mac, address, version in node.underlay.listening_addresses():
            transport = f",udp(dst={port.tp_port})" if port.tp_port else ""
            text += (
                f"{port.name} ({port.dp_port}) : eth(dst={mac.to_bytes(6).hex(':')}),"
                f"eth_type({'0x0800' if version == 4 else '0x86dd'}),ipv{version}(dst={ip_text(address)},"
                f"proto={port.protocol},frag=no){transport}\n"
            )
        return text
    return text + "".join(
        f"{port.name} ({port.dp_port}) ref_cnt={port.n_tunnels}\n" for port in node.underlay.listening_ports()
    )


def list_tunnels(node: NodeLike, arguments: list[str]) -> str:
    return "".join(_tunnel_text(tunnel) for tunnel in node.underlay.tunnels())


def dpif_show(node: NodeLike, arguments: list[str]) -> str:
    """Ports by name, with their numbers in OpenFlow and in the datapath (dpif_show_backer() of ofproto-dpif.c).

    What was looked up and not found is in OVS what the datapath asked for; in ours, what had to be translated.
    """
    bridges = sorted(node.underlay.bridges(), key=lambda bridge: bridge.name.encode())
    types = {bridge.datapath_type: None for bridge in bridges}
    n_hit, n_missed = node.underlay.lookups()
    text = ""
    for type in types:
        text += f"{type}@ovs-{type}: hit:{n_hit} missed:{n_missed}\n"
        for bridge in (bridge for bridge in bridges if bridge.datapath_type == type):
            text += f"  {bridge.name}:\n"
            for port in sorted(bridge.ports, key=lambda port: port.name.encode()):
                options = ",".join(f" {key}={value}" for key, value in sorted(port.options.items()))
                number = "none" if port.dp_port is None else port.dp_port
                text += f"    {port.name} {port.ofport}/{number}: ({port.type}{':' if options else ''}{options})\n"
    return text


def _match_text(tunnel: Tunnel) -> str:
    """What a tunnel matches, as OVS words it (tnl_match_fmt())."""
    config = tunnel.config
    local = ip_text(config.local) if isinstance(config.local, int) else config.local or "::"
    remote = ip_text(config.remote) if isinstance(config.remote, int) else "flow"
    key = config.in_key if isinstance(config.in_key, str) else _sharp_hex(config.in_key or 0)
    return f"{local}->{remote}, key={key}, {config.packet_type}, dp port={tunnel.dp_port}"


def _tunnel_text(tunnel: Tunnel) -> str:
    """A line of ``ofproto/list-tunnels`` (tnl_port_format())."""
    config = tunnel.config
    text = f"port {tunnel.dp_port}: {tunnel.port.name} ({config.type}: {_match_text(tunnel)}"
    if config.out_key != config.in_key:
        out_key = "none" if config.out_key is None else config.out_key
        text += f", out_key={out_key if isinstance(out_key, str) else _sharp_hex(out_key)}"
    text += f", ttl={'inherit' if config.ttl_inherit else config.ttl}"
    if config.tos_inherit or config.tos:
        text += f", tos={'inherit' if config.tos_inherit else _sharp_hex(config.tos)}"
    if not config.dont_fragment:
        text += ", df=false"
    if config.csum:
        text += ", csum=true"
    return text + ")\n"


def _sharp_hex(value: int) -> str:
    """C's %#x, which writes zero without a prefix."""
    return hex(value) if value else "0"
