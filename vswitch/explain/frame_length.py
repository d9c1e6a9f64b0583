"""How long a frame of a trace is, as far as that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vswitch.explain import datapath_actions as dp
from vswitch.explain.frame_of_key import frame_of_key

if TYPE_CHECKING:
    from vswitch.explain.datapath_actions import Words
    from vswitch.explain.trace_tunnels import Departure, Payload

ETH_LEN = 14
TAG_LEN = 4
_CTAG = 0x8100


def frame_length(words: Words, payload: Payload) -> int | None:
    """Bytes from the Ethernet header on, those of tunnels included; None: only fields of the frame are known."""
    inside = payload.inside
    if inside is not None:
        inner = frame_length(inside.words, inside.payload)
        n_tags = sum(bool(dp.tags(words) >> shift & 0xFFFFFFFF) for shift in (0, 32))
        return None if inner is None else inner + inside.header_len + n_tags * TAG_LEN
    return len(frame_of_key(dp.packet_fields(words), payload.data)) if payload.data else None


def over_mtu(departure: Departure) -> str:
    """Why a copy does not leave at a port with an MTU; "" if it does. A device does not count a tag."""
    port = departure.port
    length = frame_length(departure.words, departure.payload) if port.mtu else None
    tag = TAG_LEN if dp.tags(departure.words) >> 16 & 0xFFFF == _CTAG else 0
    if length is None or length <= port.mtu + ETH_LEN + tag:
        return ""
    return f"MTU_EXCEEDED: {length} bytes at {port.name}, whose MTU is {port.mtu}"
