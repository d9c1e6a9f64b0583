"""Bundles of a bridge as a trace needs them: which one a port belongs to, what leaves there, which mirrors look at it.

A bundle is a row of the Port table: one port, or a bond of several. Follows output_normal() of ofproto-dpif-xlate,
asked without sending: a bond is left as it is, though Open vSwitch gives a free bucket to a member when it is asked.
"""

from __future__ import annotations

from vswitch.explain import datapath_actions as dp
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.port_vlans import PortVlans, port_vlans

if TYPE_CHECKING:
    from vswitch.explain.datapath_actions import Words
    from vswitch.ovsdb.rows import Row
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.port import Port

TPID = 0x8100
LOCAL = 0xFFFE
RESERVED_PORT = "dropping packet received on port {}, which is reserved exclusively for mirroring"


class TracedMirror(NamedTuple):
    """A mirror: its number in the bridge and those of all with its destination, where it sends and what it selects."""

    same: frozenset[int]
    output: str | None  # name of a bundle; None: `vlan` is where it sends
    vlan: int
    snaplen: int  # 0: whole frames
    vlans: frozenset[int]  # that it selects; empty: all
    sources: frozenset[str]
    destinations: frozenset[str]


class Bundles:
    """The bundles of a bridge that have ports, in the order of their making."""

    def __init__(self, bridge: Bridge) -> None:
        self.bridge = bridge
        members = bridge.bundle_ports()
        self.rows: dict[str, Row] = {row.name: row for row in bridge.row.rows("ports")}
        self.ports: dict[str, list[Port]] = {
            name: members[number]
            for name, number in bridge.bundles.items()
            if members.get(number) and name in self.rows
        }
        reserved = set(bridge.mirror_outputs.values())
        self.mirror_outputs = {name for name in self.ports if bridge.bundles[name] in reserved}

    def of(self, port: Port | None) -> str:
        """The bundle of a port; empty if it has none."""
        return next((name for name, ports in self.ports.items() if port in ports), "")

    def with_ofport(self, ofport: int) -> str:
        """The bundle of an OpenFlow port; empty if there is none."""
        return next((name for name, ports in self.ports.items() if any(port.ofport == ofport for port in ports)), "")

    def vlans(self, name: str) -> PortVlans:
        """The bundle's VLAN settings."""
        return port_vlans(self.rows[name])

    def is_floodable(self, name: str) -> bool:
        """True if no port of it is no-flood."""
        return not any("no-flood" in port.config for port in self.ports[name])

    def number(self, name: str) -> int:
        """The datapath's number for it."""
        return self.bridge.bundles[name]

    def output(self, name: str, tags: int, key: Words) -> tuple[int, int] | None:
        """OpenFlow port and tags of a frame that leaves here and has `tags` in the bridge; None: no member sends."""
        left = leaving(self.vlans(name), tags)
        if name not in self.bridge.bonds:
            return self.ports[name][0].ofport, left
        datapath = self.bridge.node.datapath
        member = datapath.bond_choice(self.bridge.number, self.number(name), dp.get(key, "dl_src"), left & 0xFFF)
        return None if member is None else (self.bridge.node.ports_by_number[member].ofport, left)

    def mirrors(self) -> dict[int, TracedMirror]:
        """By their number, which is the order in which they are served."""
        found = {}
        for row in self.bridge.row.rows("mirrors"):
            index = self.bridge.mirrors.get(row.uuid)
            if index is None:
                continue
            output = row.row("output_port")
            vlan, snaplen = row["output_vlan"], row["snaplen"]
            everything = frozenset(self.rows) if row["select_all"] else None
            found[index] = TracedMirror(
                frozenset(), output.name if output is not None else None, vlan if isinstance(vlan, int) else 0,
                snaplen if isinstance(snaplen, int) else 0,
                frozenset(vid for vid in row.datum("select_vlan") if isinstance(vid, int)),
                everything or _names(row, "select_src_port"), everything or _names(row, "select_dst_port"),
            )  # fmt: skip
        to = {index: (mirror.output, mirror.vlan if mirror.output is None else 0) for index, mirror in found.items()}
        return {
            index: found[index]._replace(same=frozenset(other for other in to if to[other] == to[index]))
            for index in sorted(found)
        }


def _names(row: Row, column: str) -> frozenset[str]:
    return frozenset(port.name for port in row.rows(column))


# VLAN modes (datapath/vlan.pxd), on tags as one number: the outermost tag in the low 32 bits.


def admits(port: PortVlans, vid: int) -> bool:
    """True if a frame with this VID may come in (input_vid_is_valid())."""
    if port.vlan_mode == "access":
        return vid == 0
    if port.vlan_mode == "dot1q-tunnel":
        return port.cvlans is None or vid in port.cvlans
    return (vid == 0 and port.vlan_mode != "trunk") or port.trunks is None or vid in port.trunks


def why_not(name: str, port: PortVlans, vid: int) -> str:
    """What Open vSwitch says of a frame that is not admitted."""
    if port.vlan_mode == "access":
        return f"dropping VLAN {vid} tagged packet received on port {name} configured as VLAN {port.tag} access port"
    if port.vlan_mode == "dot1q-tunnel":
        return f"dropping VLAN {vid} packet received on dot1q-tunnel port {name} that excludes this VLAN"
    return f"dropping VLAN {vid} packet received on port {name} not configured for trunking VLAN {vid}"


def entering(port: PortVlans, tags: int) -> int:
    """The tags that a frame has within the bridge."""
    if port.vlan_mode == "trunk":
        return tags
    outer = tags & 0xFFFFFFFF
    if port.vlan_mode == "dot1q-tunnel":
        return outer << 32 | port.qinq_ethtype << 16 | port.tag
    if port.vlan_mode != "access" and tags & 0xFFF:
        return tags
    outer = outer & ~0xFFF | port.tag if outer else TPID << 16 | port.tag
    return outer | (0 if port.vlan_mode == "access" else tags >> 32 << 32)


def carries(port: PortVlans, tags: int) -> bool:
    """True if a frame with these tags in the bridge leaves at the port."""
    vid, inner = tags & 0xFFF, tags >> 32 & 0xFFF
    if port.vlan_mode == "access":
        return vid == port.tag and inner == 0
    if port.vlan_mode == "dot1q-tunnel":
        return vid == port.tag and (port.cvlans is None or inner in port.cvlans)
    return port.trunks is None or vid in port.trunks


def leaving(port: PortVlans, tags: int) -> int:
    """The tags that it leaves with."""
    if port.vlan_mode == "access":
        return 0
    if port.vlan_mode == "dot1q-tunnel" or (port.vlan_mode == "native-untagged" and tags & 0xFFF == port.tag):
        tags >>= 32
    # A tag with VID 0 and PCP 0 vanishes.
    return tags if tags & 0xFFFF else 0
