"""What OpenFlow says of a bridge as a whole: get-frags, set-frags, dump-desc, probe; of IPFIX, that there is none."""

from __future__ import annotations

from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Refusal
from vswitch.ovs.version import OVS_VERSION

# What look-ups make of IP fragments. No switch of OVS's reassembles.
_FRAGS = {"normal": 0, "drop": 1, "reassemble": 2, "nx-match": 3}


def get_frags(session: Session) -> str:
    """What look-ups make of IP fragments."""
    mode = session.open().frag_handling
    return next(name for name, number in _FRAGS.items() if number == mode) + "\n"


def set_frags(session: Session) -> str:
    """Change that."""
    word = session.arguments[1]
    if word not in _FRAGS:
        raise Refusal(f"{word}: unknown fragment handling mode", word=word, known=_FRAGS)
    bridge = session.open()
    if word == "reassemble":
        name = session.arguments[0]
        raise Refusal(
            f"{name}: setting fragment handling mode failed (this switch probably doesn't support mode \"{word}\")",
            word=word,
        )
    bridge.frag_handling = _FRAGS[word]
    return ""


def dump_desc(session: Session) -> str:
    """Who made the switch; ours says what OVS says."""
    bridge = session.open()
    row = session.node.db.named("Bridge", bridge.name)
    config = row.map("other_config") if row is not None else {}
    return session.header("OFPST_DESC reply", 2, space="\n") + (
        f"Manufacturer: Nicira, Inc.\nHardware: Open vSwitch\nSoftware: {OVS_VERSION}\n"
        f"Serial Num: {config.get('dp-sn', 'None')}\nDP Description: {config.get('dp-desc', 'None')}\n"
    )


def probe(session: Session) -> str:
    """Is there a switch?"""
    session.open()
    return ""


def dump_ipfix_bridge(session: Session) -> str:
    """The counters of a bridge's IPFIX, which is not supported and so never configured."""
    return _not_configured(session, "NXST_IPFIX_BRIDGE request")


def dump_ipfix_flow(session: Session) -> str:
    """The same of flows' IPFIX."""
    return _not_configured(session, "NXST_IPFIX_FLOW request")


def _not_configured(session: Session, request: str) -> str:
    session.open()
    return session.header("OFPT_ERROR", 2) + "NXST_NOT_CONFIGURED\n" + session.header(request, 2, space="\n")
