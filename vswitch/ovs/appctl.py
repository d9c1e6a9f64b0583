"""``ovs-appctl``: ask and tell the running switch; here, its forwarding databases and its clock.

Texts, messages and exit statuses are those of ovs-vswitchd of Open vSwitch 3.1; see ovs-vswitchd(8).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vswitch.errors import ConfigError, FlowSyntaxError, nearest
from vswitch.light_typing import NamedTuple
from vswitch.ovs.getopt import NO_ARGUMENT, OPTIONAL, REQUIRED, Option, getopt
from vswitch.ovs.late import late
from vswitch.ovs.outcome import Outcome, Refusal, Refused, Unsupported, atoi
from vswitch.ovs.port_numbers import port_label
from vswitch.ovs.version import OVS_VERSION
from vswitch.switch.protocols import BridgeLike, NodeLike
from vswitch.switch.texts import fdb_text

_OPTIONS = [
    Option("target", REQUIRED, "t"),
    Option("execute", NO_ARGUMENT, "e"),
    Option("help", NO_ARGUMENT, "h"),
    Option("option", NO_ARGUMENT, "o"),
    Option("version", NO_ARGUMENT, "V"),
    Option("timeout", REQUIRED, "T"),
    Option("verbose", OPTIONAL, "v"),
    Option("log-file", OPTIONAL),
]
_TARGET = "ovs-vswitchd"
_MAC = re.compile(r"[0-9a-fA-F]{1,2}(?::[0-9a-fA-F]{1,2}){5}")

# The families of commands that ovs-vswitchd has besides ours.
_FAMILIES = (
    "autoattach/", "bfd/", "bridge/", "cfm/", "coverage/", "dpctl/", "dpif-dummy/", "dpif-netdev/", "dpif/",
    "exit", "lacp/", "memory/", "netdev-dummy/", "odp-execute/", "ofproto/", "ovs/", "qos/", "revalidator/", "rstp/",
    "stp/", "tnl/", "upcall/", "vlog/",
)


class _Command(NamedTuple):
    usage: str | None  # None: an old name, which is not listed
    min_args: int
    max_args: int
    run: Callable[[NodeLike, list[str]], str]


def run(node: NodeLike, words: list[str]) -> Outcome:
    """Run the command line `words`, without the leading ``ovs-appctl``.

    Raises
    ------
    Unsupported
        The command is one of OVS's that this switch does not know.
    """
    try:
        options, rest = getopt(words, _OPTIONS)
        if options and _asks_for_version(options):
            return Outcome(0, f"ovs-appctl (Open vSwitch) {OVS_VERSION}\n")
        if not rest:
            raise Refusal("at least one non-option argument is required (use --help for help)")
    except Refusal as refusal:
        return Outcome(refusal.status, "", f"ovs-appctl: {refusal.message}\n", refusal.hint, refusal.word)
    name, *arguments = rest
    try:
        output = _answer(node, name, arguments)
    except Refused as refused:
        hint = nearest(name, _COMMANDS) if name not in _COMMANDS else ""
        problem = f"{refused}\novs-appctl: {_TARGET}: server returned an error\n"
        return Outcome(2, "", problem, hint, name if hint else "")
    return Outcome(0, output)


def _asks_for_version(options: list[tuple[str, str | None]]) -> bool:
    """Is it ``--version``? Raises for options that cannot be taken."""
    for name, argument in options:
        if name == "target" and argument != _TARGET:
            raise Unsupported(f"ovs-appctl --target={argument} is not supported yet")
        if name == "timeout" and not ((argument or "").isdecimal() and int(argument or "")):
            raise Refusal(f"value {argument} on -T or --timeout is invalid", word=argument or "")
        if name in ("help", "option"):
            raise Unsupported(f"ovs-appctl --{name} is not supported yet")
    return any(name == "version" for name, _ in options)


def _answer(node: NodeLike, name: str, arguments: list[str]) -> str:
    if name not in _COMMANDS:
        if name.startswith(_FAMILIES):
            raise Unsupported(f"ovs-appctl {name} is not supported yet")
        raise Refused(f'"{name}" is not a valid command (use "list-commands" to see a list of valid commands)')
    command = _COMMANDS[name]
    if len(arguments) < command.min_args:
        raise Refused(f'"{name}" command requires at least {command.min_args} arguments')
    if len(arguments) > command.max_args:
        raise Refused(f'"{name}" command takes at most {command.max_args} arguments')
    return command.run(node, arguments)


def _bridge(node: NodeLike, name: str) -> BridgeLike:
    bridge = node.bridge(name)
    if bridge is None:
        raise Refused("no such bridge")
    return bridge


def _bridges(node: NodeLike, arguments: list[str]) -> list[BridgeLike]:
    """The bridge of an optional argument, or all."""
    return [_bridge(node, arguments[0])] if arguments else list(node.bridges())


def _mac(text: str) -> int:
    if not _MAC.fullmatch(text):
        raise Refused("bad MAC address")
    octets = text if len(text) == 17 else ":".join(octet.zfill(2) for octet in text.split(":"))
    return int(octets.replace(":", ""), 16)


def format_mac(mac: int) -> str:
    """A MAC address in OVS's form."""
    return mac.to_bytes(6).hex(":")


def _trace(node: NodeLike, arguments: list[str]) -> str:
    """ofproto/trace: [--names] BRIDGE FLOW [PACKET], with the packet in hexadecimal; nothing is changed by it."""
    from vswitch.explain.trace import explain_text  # and with it the language of flows

    words = [word for word in arguments if word not in ("--names", "--no-names", "-generate")]
    if len(words) < 2:
        raise Refused('"ofproto/trace" command requires at least 2 arguments')
    if any(word.startswith("--") for word in words):
        raise Unsupported("options of ofproto/trace but --names are not supported yet")
    if len(words) > 3:
        raise Refused("too many arguments")
    _bridge(node, words[0])
    try:
        return str(explain_text(node, words[0], " ".join(words[1:]), names="--names" in arguments))  # type: ignore[arg-type]
    except FlowSyntaxError as error:
        raise Refused(f"Bad openflow flow syntax: {error.problem}") from error
    except ConfigError as error:
        raise Refused(error.problem) from error


def _fdb_show(node: NodeLike, arguments: list[str]) -> str:
    return fdb_text(_bridge(node, arguments[0]).fdb())


def _fdb_add(node: NodeLike, arguments: list[str]) -> str:
    bridge_name, port_name, vlan_text, mac_text = arguments
    bridge = _bridge(node, bridge_name)
    mac = _mac(mac_text)
    vlan = atoi(vlan_text) & 0xFFFF
    port = bridge.port_named(port_name)
    if port is None:
        raise Refused("software error, odp port is present but no ofp port")
    text = ""
    old = bridge.fdb_entry(vlan, mac)
    if old is not None and (old.ofport != port.ofport or old.age_s is not None):
        kind = "static" if old.age_s is None else "dynamic"
        text = f"Overriding already existing {kind} entry on {port_label(old.ofport)}\n"
    bridge.fdb_add(port_name, vlan, mac)
    return text


def _fdb_del(node: NodeLike, arguments: list[str]) -> str:
    bridge = _bridge(node, arguments[0])
    mac = _mac(arguments[2])
    if not bridge.fdb_del(atoi(arguments[1]) & 0xFFFF, mac):
        raise Refused("could not find static mac entry")
    return ""


def _fdb_flush(node: NodeLike, arguments: list[str]) -> str:
    for bridge in _bridges(node, arguments):
        bridge.fdb_flush()
    return "table successfully flushed\n"


def _fdb_stats_show(node: NodeLike, arguments: list[str]) -> str:
    counts = _bridge(node, arguments[0]).fdb_statistics()
    return (
        f'Statistics for bridge "{arguments[0]}":\n'
        f"  Current/maximum MAC entries in the table: {counts['current']}/{counts['maximum']}\n"
        f"  Current static MAC entries in the table : {counts['static']}\n"
        f"  Total number of learned MAC entries     : {counts['learned']}\n"
        f"  Total number of expired MAC entries     : {counts['expired']}\n"
        f"  Total number of evicted MAC entries     : {counts['evicted']}\n"
        f"  Total number of port moved MAC entries  : {counts['moved']}\n"
    )


def _fdb_stats_clear(node: NodeLike, arguments: list[str]) -> str:
    for bridge in _bridges(node, arguments):
        bridge.fdb_clear_statistics()
    return "statistics successfully cleared\n"


def _snoops(node: NodeLike, bridge: BridgeLike) -> bool:
    row = node.db.named("Bridge", bridge.name)
    return row is not None and row["mcast_snooping_enable"] is True


def _mdb_show(node: NodeLike, arguments: list[str]) -> str:
    bridge = _bridge(node, arguments[0])
    if not _snoops(node, bridge):
        raise Refused("multicast snooping is disabled")
    text = " port  VLAN  GROUP                Age\n"
    entries = bridge.mdb()
    for entry in entries:
        if entry.group:
            text += f"{port_label(entry.ofport):>5}  {entry.vlan:4}  {entry.group}         {entry.age_s:3}\n"
    for entry in entries:
        if not entry.group:
            text += f"{port_label(entry.ofport):>5}  {entry.vlan:4}  querier             {entry.age_s:3}\n"
    return text


def _mdb_flush(node: NodeLike, arguments: list[str]) -> str:
    for bridge in _bridges(node, arguments):
        if _snoops(node, bridge):
            bridge.mdb_flush()
        elif arguments:
            raise Refused("multicast snooping is disabled")
    return "table successfully flushed\n"


def _time_stop(node: NodeLike, arguments: list[str]) -> str:
    """Our clock moves with the frames and by time/warp only: it always stands."""
    return ""


def _time_warp(node: NodeLike, arguments: list[str]) -> str:
    total, step = (atoi(arguments[0]), atoi(arguments[-1])) if len(arguments) > 1 else (0, atoi(arguments[0]))
    if step <= 0 or total < 0:
        raise Refused("invalid MSECS")
    node.warp(total or step)
    return "warped\n"


def _set_admin_state(node: NodeLike, arguments: list[str]) -> str:
    state = arguments[-1].lower()
    if state not in ("up", "down"):
        raise Refused("Invalid Admin State")
    wanted = arguments[0] if len(arguments) > 1 else None
    n_set = 0
    for bridge in node.bridges():
        for port in bridge.ports():
            interface = node.db.named("Interface", port.name)
            is_device = interface is not None and interface["type"] in ("", "dummy", "internal", "system", "tap")
            if is_device and wanted in (None, port.name):
                bridge.port_mod(port.name, "down", state == "down")
                n_set += 1
    if wanted is not None and not n_set:
        raise Refused("Unknown Dummy Interface")
    return "OK\n"


def _bond(name: str) -> Callable[[NodeLike, list[str]], str]:
    return late("vswitch.ovs.bond_commands", name)


def _tunnel(name: str) -> Callable[[NodeLike, list[str]], str]:
    return late("vswitch.ovs.tunnel_commands", name)


def _ofproto_list(node: NodeLike, arguments: list[str]) -> str:
    return "".join(f"{bridge.name}\n" for bridge in node.bridges())


def _version(node: NodeLike, arguments: list[str]) -> str:
    return f"{_TARGET} (Open vSwitch) {OVS_VERSION}\n"


def _list_commands(node: NodeLike, arguments: list[str]) -> str:
    lines = (f"  {name:<23} {command.usage}\n" for name, command in sorted(_COMMANDS.items())
             if command.usage is not None)
    return "The available commands are:\n" + "".join(lines)


_COMMANDS = {
    "bond/disable-member": _Command("port member", 2, 2, _bond("bond_disable_member")),
    "bond/disable-slave": _Command(None, 2, 2, _bond("bond_disable_member")),
    "bond/enable-member": _Command("port member", 2, 2, _bond("bond_enable_member")),
    "bond/enable-slave": _Command(None, 2, 2, _bond("bond_enable_member")),
    "bond/hash": _Command("mac [vlan] [basis]", 1, 3, _bond("bond_hash")),
    "bond/list": _Command("", 0, 0, _bond("bond_list")),
    "bond/migrate": _Command("port hash member", 3, 3, _bond("bond_migrate")),
    "bond/set-active-member": _Command("port member", 2, 2, _bond("bond_set_active_member")),
    "bond/set-active-slave": _Command(None, 2, 2, _bond("bond_set_active_member")),
    "bond/show": _Command("[port]", 0, 1, _bond("bond_show")),
    "dpif/show": _Command("", 0, 0, _tunnel("dpif_show")),
    "fdb/add": _Command("bridge port vlan mac", 4, 4, _fdb_add),
    "fdb/del": _Command("bridge vlan mac", 3, 3, _fdb_del),
    "fdb/flush": _Command("[bridge]", 0, 1, _fdb_flush),
    "fdb/show": _Command("bridge", 1, 1, _fdb_show),
    "fdb/stats-clear": _Command("[bridge]", 0, 1, _fdb_stats_clear),
    "fdb/stats-show": _Command("bridge", 1, 1, _fdb_stats_show),
    "list-commands": _Command("", 0, 0, _list_commands),
    "mdb/flush": _Command("[bridge]", 0, 1, _mdb_flush),
    "ofproto/trace": _Command(
        "{[dp_name] odp_flow | bridge br_flow} [OPTIONS] [-generate|packet]", 1, 1 << 16, _trace
    ),
    "mdb/show": _Command("bridge", 1, 1, _mdb_show),
    "netdev-dummy/ip4addr": _Command("[netdev] ipaddr/mask-prefix-len", 2, 2, _tunnel("ip4addr")),
    "netdev-dummy/ip6addr": _Command("[netdev] ip6addr", 2, 2, _tunnel("ip6addr")),
    "netdev-dummy/set-admin-state": _Command("[netdev] up|down", 1, 2, _set_admin_state),
    "ofproto/list": _Command("", 0, 0, _ofproto_list),
    "ofproto/list-tunnels": _Command("", 0, 0, _tunnel("list_tunnels")),
    "ovs/route/add": _Command("ip_addr/prefix_len out_br_name [gw] [pkt_mark=mark]", 2, 4, _tunnel("route_add")),
    "ovs/route/del": _Command("ip_addr/prefix_len [pkt_mark=mark]", 1, 2, _tunnel("route_del")),
    "ovs/route/lookup": _Command("ip_addr [pkt_mark=mark]", 1, 2, _tunnel("route_lookup")),
    "ovs/route/show": _Command("", 0, 0, _tunnel("route_show")),
    "time/stop": _Command("", 0, 0, _time_stop),
    "time/warp": _Command("[large_msecs] msecs", 1, 2, _time_warp),
    **{
        f"tnl/{family}/{name}": command
        for family in ("arp", "neigh")
        for name, command in (
            ("aging", _Command("[SECS]", 0, 1, _tunnel("neigh_aging"))),
            ("flush", _Command("", 0, 0, _tunnel("neigh_flush"))),
            ("set", _Command("BRIDGE IP MAC", 3, 3, _tunnel("neigh_set"))),
            ("show", _Command("", 0, 0, _tunnel("neigh_show"))),
        )
    },
    "tnl/ports/show": _Command("-v", 0, 1, _tunnel("ports_show")),
    "version": _Command("", 0, 0, _version),
}
