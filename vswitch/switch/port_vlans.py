"""A Port row's VLAN columns, as ovs-vswitchd reads them (ovs-vswitchd.conf.db(5), table Port).

Follows port_configure() of bridge.c and the part of bundle_set() that fills in what the operator left out.
"""

from __future__ import annotations

from vswitch.light_typing import NamedTuple
from vswitch.ovsdb.rows import Row

VLAN_MODES = ("access", "trunk", "native-tagged", "native-untagged", "dot1q-tunnel")
"""Names of Port:vlan_mode; the position is the datapath's number for it (bridge.pxd)."""

PRIORITY_TAGS = ("never", "if-nonzero", "always")
"""Values of other_config:priority-tags; the position is the datapath's number for it."""

TPID_CTAG = 0x8100
TPID_STAG = 0x88A8
ALL_VLANS = frozenset(range(4096))


class PortVlans(NamedTuple):
    """What the datapath is told of a Port; None for a set of VLANs means all of them."""

    vlan_mode: str
    tag: int
    trunks: frozenset[int] | None
    cvlans: frozenset[int] | None
    qinq_ethtype: int
    priority_tags: str


def port_vlans(row: Row) -> PortVlans:
    """The VLAN settings of a Port row."""
    tag = row["tag"]
    trunks = _vlans(row, "trunks")
    other = row.map("other_config")
    mode = row.text("vlan_mode") or ("trunk" if tag is None else "access")
    vlan = tag if isinstance(tag, int) and mode != "trunk" else 0
    if mode in ("access", "dot1q-tunnel"):
        trunks = None
    elif mode.startswith("native-") and vlan and (trunks is None or vlan not in trunks or 0 in trunks):
        # A native VLAN is always trunked, and what carries it is not VLAN 0.
        trunks = ((ALL_VLANS if trunks is None else trunks) | {vlan}) - {0}
    priority = other.get("priority-tags", "")
    return PortVlans(
        vlan_mode=mode,
        tag=vlan,
        trunks=trunks,
        cvlans=_vlans(row, "cvlans") if mode == "dot1q-tunnel" else None,
        qinq_ethtype=TPID_CTAG if other.get("qinq-ethtype") == "802.1q" else TPID_STAG,
        priority_tags="if-nonzero" if priority == "true" else priority if priority in PRIORITY_TAGS else "never",
    )


def _vlans(row: Row, column: str) -> frozenset[int] | None:
    """A set of VLANs; an empty column means all."""
    vids = frozenset(vid for vid in row.datum(column) if isinstance(vid, int))
    return vids or None
