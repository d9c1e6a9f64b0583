"""Ports as OpenFlow prints and changes them: show, dump-ports, dump-ports-desc, mod-port."""

from __future__ import annotations

from vswitch.ovs.ofctl.session import Session, find_port, ordered_ports
from vswitch.ovs.outcome import Refusal
from vswitch.ovs.port_numbers import port_label
from vswitch.switch.protocols import PORT_CONFIG, BridgeLike, PortLike
from vswitch.switch.texts import duration_text

_CONFIG_NAMES = {
    "down": "PORT_DOWN", "no-stp": "NO_STP", "no-receive": "NO_RECV", "no-receive-stp": "NO_RECV_STP",
    "no-flood": "NO_FLOOD", "no-forward": "NO_FWD", "no-packet-in": "NO_PACKET_IN",
}
_OPENFLOW11_CONFIG = ("down", "no-receive", "no-forward", "no-packet-in")  # the flags that OpenFlow 1.1 kept
_N_TABLES = 254
_CAPABILITIES = {
    1: "FLOW_STATS TABLE_STATS PORT_STATS QUEUE_STATS ARP_MATCH_IP",
    2: "FLOW_STATS TABLE_STATS PORT_STATS GROUP_STATS QUEUE_STATS ARP_MATCH_IP",
}
_LATER_CAPABILITIES = "FLOW_STATS TABLE_STATS PORT_STATS GROUP_STATS QUEUE_STATS"
_ACTIONS_10 = (
    "actions: output enqueue set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst "
    "mod_nw_tos mod_tp_src mod_tp_dst\n"
)


def show(session: Session) -> str:
    """Identity and ports of a bridge."""
    bridge = session.open()
    text = session.header("OFPT_FEATURES_REPLY", 2) + f"dpid:{bridge.datapath_id:016x}\n"
    text += f"n_tables:{_N_TABLES}, n_buffers:0\n"
    descriptions = "".join(_describe(session, port) for port in ordered_ports(bridge))
    text += f"capabilities: {_CAPABILITIES.get(session.version, _LATER_CAPABILITIES)}\n"
    if session.version == 1:
        text += _ACTIONS_10
    # From OpenFlow 1.3 on the ports come in a message of their own.
    if session.version >= 4:
        text += session.header("OFPST_PORT_DESC reply", 3, space="\n")
    text += descriptions
    xid = 5 if session.version >= 4 else 4
    return text + session.header("OFPT_GET_CONFIG_REPLY", xid) + "frags=normal miss_send_len=0\n"


def dump_ports_desc(session: Session) -> str:
    """The ports of a bridge; before OpenFlow 1.5 a switch cannot be asked for one."""
    bridge = session.open()
    ports = ordered_ports(bridge)
    xid = 2
    if len(session.arguments) > 1:
        wanted, by_name = _wanted_port(session, bridge)
        xid = 4 if by_name else 2
        if session.version >= 6:
            ports = [port for port in ports if port.ofport == wanted]
    return session.header("OFPST_PORT_DESC reply", xid, space="\n") + "".join(_describe(session, p) for p in ports)


def _describe(session: Session, port: PortLike) -> str:
    known = PORT_CONFIG if session.version == 1 else _OPENFLOW11_CONFIG
    config = " ".join(_CONFIG_NAMES[flag] for flag in known if flag in port.config) or "0"
    names = [flag.upper().replace("-", "_") for flag in ("link-down", "blocked") if flag in port.state]
    if session.version == 1 and "BLOCKED" in names:
        names.remove("BLOCKED")  # a state of spanning trees there
    if session.version > 1 and "LINK_DOWN" not in names:
        names.append("LIVE")
    return (
        f" {port_label(port.ofport)}({port.name}): addr:{port.hwaddr.to_bytes(6).hex(':')}\n"
        f"     config:     {config}\n     state:      {' '.join(names) or '0'}\n     speed: 0 Mbps now, 0 Mbps max\n"
    )


def dump_ports(session: Session) -> str:
    """The counters of a bridge's ports."""
    bridge = session.open()
    ports = ordered_ports(bridge)
    xid = 2
    if len(session.arguments) > 1:
        wanted, by_name = _wanted_port(session, bridge)
        xid = 4 if by_name else 2
        ports = [port for port in ports if port.ofport == wanted]
    text = session.header("OFPST_PORT reply", xid) + f"{len(ports)} ports\n"
    return text + "".join(_counters(session, port) for port in ports)


def _counters(session: Session, port: PortLike) -> str:
    def count(name: str) -> str:
        return str(port.counters.get(name, "?"))

    label = session.port_text(port)
    # Numbers are set in two columns, names just follow the space.
    label = f"{label:>2}" if label.isdecimal() else label if label == "LOCAL" else f" {label}"
    text = (
        f"  port {label}: rx pkts={count('rx_packets')}, bytes={count('rx_bytes')}, drop={count('rx_dropped')}, "
        f"errs={count('rx_errors')}, frame={count('rx_frame_err')}, over={count('rx_over_err')}, "
        f"crc={count('rx_crc_err')}\n"
        f"           tx pkts={count('tx_packets')}, bytes={count('tx_bytes')}, drop={count('tx_dropped')}, "
        f"errs={count('tx_errors')}, coll={count('collisions')}\n"
    )
    if session.version >= 4:
        text += f"           duration={duration_text(session.node.time_s)}\n"
    return text


def mod_port(session: Session) -> str:
    """Set or clear a flag of a port."""
    bridge = session.open()
    _, _, port_word, action = session.arguments[0], *session.arguments
    # By number or by name; reserved words such as LOCAL mean nothing here.
    by_number = port_word.isdecimal()
    wanted = int(port_word) if by_number else port_word
    port = next((port for port in bridge.ports() if wanted == (port.ofport if by_number else port.name)), None)
    if port is None:
        known = [port.name for port in bridge.ports()]
        raise Refusal(f"{bridge.name}: couldn't find port `{port_word}'", word=port_word, known=known)
    flag, value = _parse_action(action)
    if session.version == 1 or flag in _OPENFLOW11_CONFIG:
        bridge.port_mod(port.name, flag, value)
    return ""


def _parse_action(action: str) -> tuple[str, bool]:
    """The flag of `PORT_CONFIG` that an action is about, and the value it gives it."""
    word = action.lower()
    negated = word.startswith("no")
    word = word.removeprefix("no-") if word.startswith("no-") else word.removeprefix("no")
    if word in ("up", "down"):
        return "down", (word == "down") != negated
    if f"no-{word}" in PORT_CONFIG:
        return f"no-{word}", negated
    known = ["up", "down", *PORT_CONFIG, *(flag.removeprefix("no-") for flag in PORT_CONFIG)]
    raise Refusal(f"unknown mod-port command '{action}'", word=action, known=known)


def _wanted_port(session: Session, bridge: BridgeLike) -> tuple[int, bool]:
    word = session.arguments[1]
    wanted, by_name = find_port(bridge, word, by_name=session.accepts_names)
    if wanted is None:
        known = [port.name for port in bridge.ports()]
        raise Refusal(f"{bridge.name}: unknown port `{word}'", word=word, known=known)
    return wanted, by_name
