"""Settings of a bridge that only OpenFlow knows: get-frags and set-frags."""

from __future__ import annotations

from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Refusal

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
