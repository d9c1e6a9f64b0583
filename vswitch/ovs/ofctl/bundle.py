"""bundle: flow-mods and group-mods of a file, all or none."""

from __future__ import annotations

from vswitch.openflow import protocols
from vswitch.openflow.flow import ANY_COMMAND, FlowMod
from vswitch.openflow.groups import Group
from vswitch.ovs.ofctl.files import lines_of
from vswitch.ovs.ofctl.flows import parse, send_flow
from vswitch.ovs.ofctl.groups import read_group, send_group
from vswitch.ovs.ofctl.session import Session
from vswitch.ovs.outcome import Refusal, Unsupported

_OPENFLOW_14 = 5


def bundle(session: Session) -> str:
    """Carry out the lines of a file: ``flow ...``, ``group ...``; all of them or none."""
    # Bundles need OpenFlow 1.3; without one that has them, 1.4 it is.
    session.allowed = {version for version in session.allowed if version > 3} or {_OPENFLOW_14}
    bridge = session.open()
    name = session.arguments[1]
    mods: list[FlowMod | Group] = []
    usable = protocols.OF13_UP
    for number, text in lines_of(session, name):
        where = f"{name}:{number}: "
        word, _, rest = text.lstrip().replace("\t", " ", 1).partition(" ")
        if word.startswith("flow"):
            mods.append(parse(session, bridge, rest, ANY_COMMAND, where=where))
        elif word.startswith("group"):
            mods.append(read_group(session, bridge, rest, None, where=where))
        elif word.startswith("packet-out"):
            raise Unsupported("packet-out in a bundle is not supported yet")
        else:
            raise Refusal(f"{where}Unsupported bundle message type: {word}", word=word)
        usable &= mods[-1].protocols
    session.negotiate(bridge, usable)
    groups = bridge.groups.save()
    bridge.begin_bundle()
    try:
        for mod in mods:
            if isinstance(mod, FlowMod):
                send_flow(session, bridge, mod)
            else:
                send_group(session, bridge, mod)
    except Refusal:
        bridge.rollback_bundle()
        bridge.groups.restore(groups)
        raise
    bridge.commit_bundle()
    return ""
