"""``ip`` of iproute2, as far as set-ups use it: addresses, routes and neighbours of the network below tunnels.

    ip addr   {add|replace|del} ADDRESS[/BITS] dev DEVICE        ip addr flush dev DEVICE
    ip route  {add|replace|del} {NETWORK|default} [via GATEWAY] [dev DEVICE]
    ip neigh  {add|replace|del} ADDRESS lladdr MAC dev DEVICE
    ip link   set [dev] DEVICE [up] [address MAC]

A device is a port that is no patch port and no tunnel, and it is up. Addresses and routes become what Open vSwitch
reads from the system's table (``Cached`` in ``ovs/route/show``). A neighbour becomes one of the bridge's
(``tnl/neigh/show``), where a real OVS would not read the system's but ask for itself.
"""

from __future__ import annotations

import re

from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.outcome import Outcome, Refusal, Unsupported
from vswitch.switch.ip_addresses import IPV4_MAPPED, is_ipv4, parse_ip, prefix_mask
from vswitch.switch.protocols import NodeLike
from vswitch.switch.underlay import SystemRoute

if TYPE_CHECKING:
    from vswitch.switch.port import Port

# Words of the four objects, each of which may be cut short as iproute2 takes it.
_OBJECTS = ("address", "addr", "link", "neighbor", "neighbour", "route")
_IGNORED = {"brd": 1, "broadcast": 1, "scope": 1, "label": 1, "nud": 1, "proto": 1, "metric": 1, "src": 1, "onlink": 0}
_MAC = r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}"  # a text: hardly a script needs it compiled


def run(node: NodeLike, words: list[str]) -> Outcome:
    """Run the command line `words`, without the leading ``ip``.

    Raises
    ------
    Unsupported
        It is none of the above.
    """
    try:
        _run(node, words)
    except Refusal as refusal:
        return Outcome(refusal.status, "", f"{refusal.message}\n", refusal.hint, refusal.word)
    return Outcome()


def _run(node: NodeLike, words: list[str]) -> None:
    rest = [word for word in words if word not in ("-4", "-6")]
    kind = next((name for name in _OBJECTS if rest and name.startswith(rest[0])), "")
    if len(rest) < 2 or not kind:
        raise Unsupported(f"ip {' '.join(words)} is not supported yet")
    verb, arguments = rest[1], rest[2:]
    known = {
        "addr": {
            "add": _addr_add, "replace": _addr_replace, "del": _addr_del, "delete": _addr_del, "flush": _addr_flush,
        },
        "route": {"add": _route_add, "replace": _route_replace, "del": _route_del, "delete": _route_del},
        "neigh": {"add": _neigh_add, "replace": _neigh_replace, "del": _neigh_del, "delete": _neigh_del},
        "link": {"set": _link_set},
    }
    commands = next(commands for name, commands in known.items() if kind.startswith(name))
    if verb not in commands:
        raise Unsupported(f"ip {kind} {verb} is not supported yet")
    commands[verb](node, arguments)


# ip addr


def _addr_add(node: NodeLike, arguments: list[str]) -> None:
    first, options = _parse(arguments, {"dev"})
    device = _device(node, options)
    if not node.underlay.add_address(device, *_prefix(first)):
        problem = "ipv6: address" if ":" in first else "ipv4: Address"
        raise Refusal(f"Error: {problem} already assigned.", status=2, word=first)


def _addr_replace(node: NodeLike, arguments: list[str]) -> None:
    first, options = _parse(arguments, {"dev"})
    node.underlay.add_address(_device(node, options), *_prefix(first))


def _addr_del(node: NodeLike, arguments: list[str]) -> None:
    first, options = _parse(arguments, {"dev"})
    if not node.underlay.del_address(_device(node, options), *_prefix(first)):
        problem = "ipv6: address" if ":" in first else "ipv4: Address"
        raise Refusal(f"Error: {problem} not found.", status=2, word=first)


def _addr_flush(node: NodeLike, arguments: list[str]) -> None:
    _, options = _parse(["", *arguments], {"dev"})
    device = _device(node, options)
    for address, plen in node.underlay.addresses(device):
        node.underlay.del_address(device, address, plen)


# ip route


def _route_add(node: NodeLike, arguments: list[str], *, replace: bool = False) -> None:
    first, options = _parse(arguments, {"dev", "via"})
    gateway = 0
    if "via" in options:
        gateway = _address(options["via"])
    dst, plen = (0, 0) if first == "default" else _prefix(first)
    if first == "default" and (is_ipv4(gateway) or not gateway):
        dst, plen = IPV4_MAPPED, 96
    if dst & ~prefix_mask(plen):
        raise Refusal("Error: Invalid prefix for given prefix length.", status=2, word=first)
    towards = node.underlay.device_towards(gateway) if gateway and "dev" not in options else None
    if gateway and towards is None and "dev" not in options:
        raise Refusal("Error: Nexthop has invalid gateway.", status=2, word=options["via"])
    if towards is None:
        towards = _device(node, options).name
    if not node.underlay.add_system_route(SystemRoute(dst, plen, towards, gateway), replace):
        raise Refusal("RTNETLINK answers: File exists", status=2, word=first)


def _route_replace(node: NodeLike, arguments: list[str]) -> None:
    _route_add(node, arguments, replace=True)


def _route_del(node: NodeLike, arguments: list[str]) -> None:
    first, options = _parse(arguments, {"dev", "via"})
    is_v6 = "via" in options and ":" in options["via"]
    dst, plen = _prefix(first) if first != "default" else (0, 0) if is_v6 else (IPV4_MAPPED, 96)
    if not node.underlay.del_system_route(dst, plen):
        raise Refusal("RTNETLINK answers: No such process", status=2, word=first)


# ip neigh


def _neigh_add(node: NodeLike, arguments: list[str], *, replace: bool = False) -> None:
    first, options = _parse(arguments, {"dev", "lladdr"})
    device, address = _device(node, options), _address(first)
    if "lladdr" not in options:
        raise Refusal("Error: No link layer address given.", status=2)
    mac = options["lladdr"]
    if not re.fullmatch(_MAC, mac):
        raise Refusal(f'"{mac}" is invalid lladdr.', word=mac)
    bridge = device.bridge.name
    if not replace and any((row[0], row[2]) == (address, bridge) for row in node.underlay.neighbors()):
        raise Refusal("RTNETLINK answers: File exists", status=2, word=first)
    node.underlay.set_neighbor(bridge, address, _mac(mac))


def _neigh_replace(node: NodeLike, arguments: list[str]) -> None:
    _neigh_add(node, arguments, replace=True)


def _neigh_del(node: NodeLike, arguments: list[str]) -> None:
    first, options = _parse(arguments, {"dev", "lladdr"})
    if not node.underlay.del_neighbor(_device(node, options).bridge.name, _address(first)):
        raise Refusal("RTNETLINK answers: No such file or directory", status=2, word=first)


# ip link


def _link_set(node: NodeLike, arguments: list[str]) -> None:
    words = arguments[1:] if arguments[:1] == ["dev"] else arguments
    if not words:
        raise Refusal('Not enough information: "dev" argument is required.')
    device = _device(node, {"dev": words[0]})
    words = words[1:]
    while words:
        if words[0] == "up":
            words = words[1:]
        elif words[0] == "address" and len(words) > 1 and re.fullmatch(_MAC, words[1]):
            node.underlay.set_link_address(device, _mac(words[1]))
            words = words[2:]
        else:
            raise Unsupported(f"ip link set {' '.join(words)} is not supported yet")


# Words.


def _parse(arguments: list[str], known: set[str]) -> tuple[str, dict[str, str]]:
    """What the command is about, and its options by name."""
    first, options = "", {}
    words = list(arguments)
    seen = False
    while words:
        word = words.pop(0)
        if word in known or _IGNORED.get(word):
            if not words:
                raise Refusal("Command line is not complete. Try option \"help\"", status=255, word=word)
            value = words.pop(0)
            if word in known:
                options[word] = value
        elif word not in _IGNORED:
            if word in ("to", "local") and not seen:
                continue
            if seen:
                raise Refusal(f'Error: either "to" is duplicate, or "{word}" is a garbage.', status=255, word=word)
            first, seen = word, True
    if not seen:
        raise Refusal("Command line is not complete. Try option \"help\"", status=255)
    return first, options


def _device(node: NodeLike, options: dict[str, str]) -> Port:
    if "dev" not in options:
        raise Refusal('Not enough information: "dev" argument is required.')
    device = node.underlay.device(options["dev"])
    if device is None:
        known = [port.name for bridge in node.bridges() for port in bridge.ports()]
        raise Refusal(f'Cannot find device "{options["dev"]}"', word=options["dev"], known=known)
    return device


def _address(text: str) -> int:
    address = parse_ip(text)
    if address is None:
        raise Refusal(f'Error: any valid address is expected rather than "{text}".', word=text)
    return address


def _prefix(text: str) -> tuple[int, int]:
    """Address and prefix length, both of 128 bits."""
    written, slash, bits = text.partition("/")
    address = parse_ip(written)
    width = 128 if ":" in written else 32
    if address is None or (slash and not (bits.isdecimal() and bits.isascii() and int(bits) <= width)):
        raise Refusal(f'Error: any valid prefix is expected rather than "{text}".', word=text)
    return address, (int(bits) if slash else width) + 128 - width


def _mac(text: str) -> int:
    return int.from_bytes(int(octet, 16) for octet in text.split(":"))
