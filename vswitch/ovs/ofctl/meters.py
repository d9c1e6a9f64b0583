"""Meters: add-meter, mod-meter, del-meter(s), dump-meter(s), meter-stats, meter-features."""

from __future__ import annotations

from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.flow import duration_text
from vswitch.openflow.meters import ADD, DELETE, MODIFY, SHOW, Meter, format_stats, parse_meter
from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Refusal, SwitchRefusal
from vswitch.switch.meter_table import ALL_METERS, MAX_BANDS
from vswitch.switch.protocols import BridgeLike

_COMMAND_WORDS = {ADD: "ADD", MODIFY: "MOD", DELETE: "DEL"}
_MAX_METERS = 1 << 18  # dpif-netdev's MAX_METERS


def add_meter(session: Session) -> str:
    """Add a meter."""
    return _change(session, ADD)


def mod_meter(session: Session) -> str:
    """Replace a meter."""
    return _change(session, MODIFY)


def del_meters(session: Session) -> str:
    """Delete a meter, or all; the flows that use it go, too."""
    return _change(session, DELETE)


def _change(session: Session, command: str) -> str:
    bridge, meter = _named(session, command)
    try:
        bridge.meters.modify(meter)
    except OpenFlowError as error:
        raise SwitchRefusal(
            session.header("OFPT_ERROR", 2) + f"{error.code}\n"
            + session.header("OFPT_METER_MOD", 2) + f"{_COMMAND_WORDS[command]} {meter.format()}"
        ) from None
    return ""


def dump_meters(session: Session) -> str:
    """The meters of a bridge."""
    bridge, wanted = _named(session, SHOW)
    texts = {meter.meter_id: meter.format() for meter in bridge.meters.all()}
    return _reply(session, "OFPST_METER_CONFIG", wanted.meter_id, texts)


def meter_stats(session: Session) -> str:
    """Their counters."""
    bridge, wanted = _named(session, SHOW)
    texts = {
        stats.meter_id: format_stats(
            stats.meter_id, flow_count=stats.n_flows, packets=stats.n_packets, n_bytes=stats.n_bytes,
            duration=duration_text(stats.duration_ns), bands=stats.bands,
        )
        for stats in bridge.meters.statistics()
    }  # fmt: skip
    return _reply(session, "OFPST_METER", wanted.meter_id, texts)


def meter_features(session: Session) -> str:
    """What meters can do."""
    session.negotiate(session.open(), protocols.OF13_UP)
    text = session.header("OFPST_METER_FEATURES reply", 2, space="\n")
    text += f"max_meter:{_MAX_METERS} max_bands:{MAX_BANDS} max_color:0\n"
    return text + "band_types: drop\ncapabilities: kbps pktps burst stats\n"


def _named(session: Session, command: str) -> tuple[BridgeLike, Meter]:
    """The bridge, and the meter of the second argument: all of them if there is none."""
    meter = Meter(command, ALL_METERS)
    if len(session.arguments) > 1:
        text = session.arguments[1]
        try:
            meter = parse_meter(text, command)
        except FlowSyntaxError as error:
            raise Refusal(error.problem, word=text) from None
    bridge = session.open()
    session.negotiate(bridge, protocols.OF13_UP)
    return bridge, meter


def _reply(session: Session, message: str, wanted: int, texts: dict[int, str]) -> str:
    if wanted == ALL_METERS:
        return session.header(f"{message} reply", 2, space="\n") + "\n".join(texts.values())
    if wanted in texts:
        return session.header(f"{message} reply", 2, space="\n") + texts[wanted]
    # The tool prints an error of the switch as it prints any other answer.
    error = session.header("OFPT_ERROR", 2) + "OFPMMFC_UNKNOWN_METER\n"
    return error + session.header(f"{message} request", 2) + f"meter={wanted}\n"
