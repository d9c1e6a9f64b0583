"""A frame as flows see it: what of it actions are checked against, and its text."""

from __future__ import annotations

from vswitch.openflow.match import Match
from vswitch.openflow.places import place
from vswitch.tables.flow_format import format_flow
from vswitch.tables.flow_key import FlowKey

_HEADERS = (
    (place("dl_type", 16), "dl_type"), (place("nw_proto", 8), "nw_proto"), (place("nw_frag", 8), "nw_frag"),
    (place("tp_src", 16), "tp_src"), (place("tp_dst", 16), "tp_dst"),
)  # fmt: skip
_TCI = place("vlans", 16, 2)


def frame_match(frame: bytes) -> Match:
    """A match on exactly this frame, as far as the checks of actions ask."""
    key = FlowKey.from_frame(frame, 2)
    match = Match()
    for where, name in _HEADERS:
        match.put(where, getattr(key, name), where[2])
    match.put(_TCI, key.vlans[0][1], 0xFFFF)
    return match


def frame_text(frame: bytes) -> str:
    """The flow that OVS prints for it."""
    return format_flow(FlowKey.from_frame(frame))
