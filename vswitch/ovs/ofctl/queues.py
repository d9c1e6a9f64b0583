"""Queues as OVS's userspace datapath answers for them: each port has number 0, of which nothing is counted."""

from __future__ import annotations

from vswitch.ovs.ofctl.session import Session, find_port, ordered_ports
from vswitch.ovs.outcome import Refusal, atoi
from vswitch.ovs.port_numbers import port_label
from vswitch.switch.protocols import BridgeLike

PORT_ANY = 0xFFFF
QUEUE_ALL = 0xFFFFFFFF
_MAX_PORT = 0xFF00  # OFPP_MAX: before OpenFlow 1.4, the queues of a port can be asked for below it


def queue_stats(session: Session) -> str:
    """The counters of queues: of a port or of all, of one number or of all."""
    bridge = session.open()
    port, xid = _port(session, bridge, "all")
    queue = _queue(session)
    wanted = [p.ofport for p in ordered_ports(bridge) if port in (PORT_ANY, p.ofport)]
    problem = "OFPQOFC_BAD_PORT" if not wanted else "OFPQOFC_BAD_QUEUE" if queue not in (0, QUEUE_ALL) else ""
    if problem:
        request = f"port={'ANY' if port == PORT_ANY else port_label(port)} queue={_queue_text(queue)}\n"
        return (
            session.header("OFPT_ERROR", xid) + f"{problem}\n" + session.header("OFPST_QUEUE request", xid) + request
        )
    lines = [f"  port {port_label(p)} queue 0: bytes=?, pkts=?, errors=?, duration=?\n" for p in wanted]
    return session.header("OFPST_QUEUE reply", xid) + f"{len(lines)} queues\n" + "".join(lines)


def queue_get_config(session: Session) -> str:
    """The settings of queues; OpenFlow 1.0 asks port by port."""
    bridge = session.open()
    port, xid = _port(session, bridge, "any")
    ports = [p.ofport for p in ordered_ports(bridge)]
    if port == PORT_ANY and session.version == 1:
        # Two connections, the list of ports, and a message each.
        asked = [ofport for ofport in ports if ofport < _MAX_PORT]
        return "".join(_config_10(session, ofport, 4 + i) for i, ofport in enumerate(asked))
    queue = _queue(session)
    if session.version >= 5:
        return _queue_desc(session, port, queue, ports, xid)
    if port != PORT_ANY and port >= _MAX_PORT:
        request = "***decode error: OFPQOFC_BAD_PORT***\n" + _hex_dump(session.version, port, xid)
        return _bad(session, "OFPT_QUEUE_GET_CONFIG_REQUEST", "OFPQOFC_BAD_PORT", request, xid)
    wanted = [ofport for ofport in ports if port in (PORT_ANY, ofport)]
    if not wanted:
        return _bad(session, "OFPT_QUEUE_GET_CONFIG_REQUEST", "OFPQOFC_BAD_PORT", f"port={port_label(port)}", xid)
    if session.version == 1:
        return _config_10(session, port, xid)
    head = session.header("OFPT_QUEUE_GET_CONFIG_REPLY", xid)
    return f"{head}port={'ANY' if port == PORT_ANY else port_label(port)}\n" + "queue 0:\n" * len(wanted)


def _queue_desc(session: Session, port: int, queue: int, ports: list[int], xid: int) -> str:
    wanted = [ofport for ofport in ports if port in (PORT_ANY, ofport)]
    problem = "OFPQOFC_BAD_PORT" if not wanted else "OFPQOFC_BAD_QUEUE" if queue not in (0, QUEUE_ALL) else ""
    if problem:
        request = f"port={'ANY' if port == PORT_ANY else port_label(port)}"
        request += f" queue={queue}" if queue != QUEUE_ALL else ""
        return _bad(session, "OFPST_QUEUE_DESC request", problem, request, xid)
    lines = "".join(f"port={port_label(ofport)}\nqueue 0:\n" for ofport in wanted)
    return session.header("OFPST_QUEUE_DESC reply", xid) + lines


def _config_10(session: Session, port: int, xid: int) -> str:
    return session.header("OFPT_QUEUE_GET_CONFIG_REPLY", xid) + f"port={port_label(port)}\nqueue 0:\n"


def _bad(session: Session, message: str, problem: str, request: str, xid: int) -> str:
    return session.header("OFPT_ERROR", xid) + f"{problem}\n" + session.header(message, xid) + f"{request}\n"


def _hex_dump(version: int, port: int, xid: int) -> str:
    """The request for a reserved port, which the tool cannot read either (ds_put_hex_dump())."""
    if version == 1:
        data = bytes.fromhex("0114000c") + xid.to_bytes(4) + port.to_bytes(2) + bytes(2)
    else:
        data = bytes([version]) + bytes.fromhex("160010") + xid.to_bytes(4) + (port | 0xFFFF0000).to_bytes(4) + bytes(4)
    words = data[:8].hex(" ") + "-" + data[8:].hex(" ")
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    return f"00000000  {words:<48}|{text:<16}|"


def _port(session: Session, bridge: BridgeLike, every: str) -> tuple[int, int]:
    """The port of the second argument, and the number of the transaction."""
    word = session.arguments[1] if len(session.arguments) > 1 else ""
    if not word or word.lower() == every:
        return PORT_ANY, 2
    port, by_name = find_port(bridge, word, by_name=session.accepts_names)
    if port is None:
        known = [port.name for port in bridge.ports()]
        raise Refusal(f"{bridge.name}: unknown port `{word}'", word=word, known=known)
    return port, 4 if by_name else 2


def _queue(session: Session) -> int:
    word = session.arguments[2] if len(session.arguments) > 2 else ""
    return QUEUE_ALL if not word or word.lower() == "all" else atoi(word) & 0xFFFFFFFF


def _queue_text(queue: int) -> str:
    return "ALL" if queue == QUEUE_ALL else str(queue)
