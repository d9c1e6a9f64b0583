"""What NORMAL would do with a frame now: the rules of datapath/normal.pyx, asked without learning or sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vswitch.explain import datapath_actions as dp
from vswitch.explain.trace_bundles import LOCAL, RESERVED_PORT, admits, carries, entering, why_not

if TYPE_CHECKING:
    from vswitch.explain.trace_bundles import Bundles
    from vswitch.switch.port import Port

RESERVED = range(0x0180C2000000, 0x0180C2000010)  # addresses of IEEE 802.1D that are not forwarded
_BROADCAST = 0xFFFFFFFFFFFF


class Verdict(NamedTuple):
    """How the remark is made (detail or warning), the remark, (OpenFlow port, tags) of each output, what is learned.

    `error` is what Open vSwitch says before.
    """

    how: str
    remark: str
    outputs: list[tuple[int, int]]
    learned: str = ""
    error: str = ""


def normal_outputs(bundles: Bundles, in_port: Port | None, key: dict[int, int], has_frame: bool) -> Verdict:
    """What NORMAL does with the frame of `key`, come in at `in_port`."""
    bridge = bundles.bridge
    owner = bundles.of(in_port)
    if not owner or in_port is None:
        return Verdict("warning", "no input bundle, dropping", [])
    if owner in bundles.mirror_outputs:
        text = RESERVED_PORT.format(owner) if has_frame else ""
        return Verdict("warning", "input port is mirror output port, dropping", [], error=text)
    settings = bundles.vlans(owner)
    outer = dp.get(key, "vlan_tci") & 0xFFFF
    vid = outer & 0xFFF if outer & 0x1000 else 0
    if not admits(settings, vid):
        return Verdict("warning", "disallowed VLAN VID for this input port, dropping", [],
                       error=why_not(owner, settings, vid))  # fmt: skip
    dl_dst = dp.get(key, "dl_dst")
    if dl_dst in RESERVED and bridge.row.map("other_config").get("forward-bpdu") != "true":
        return Verdict("detail", "packet has reserved destination MAC, dropping", [])
    tags = entering(settings, dp.tags(key))
    vlan = tags & 0xFFF
    if owner in bridge.bonds:
        refusal = _bond_refuses(bundles, owner, in_port, key, vlan)
        if refusal:
            return Verdict("detail", refusal, [])
    news = _news(bundles, owner, dp.get(key, "dl_src"), vlan)
    learned = bridge.fdb_entry(vlan, dl_dst)
    if learned is not None:
        name = bundles.with_ofport(learned.ofport)
        if name in bundles.mirror_outputs:
            return Verdict("warning", "learned port is a mirror port, dropping", [], news)
        if name == owner:
            return Verdict("detail", "learned port is input port, dropping", [], news)
        to = bundles.output(name, tags, key)
        return Verdict("detail", "forwarding to learned port", [to] if to is not None else [], news)
    outputs = [
        bundles.output(name, tags, key)
        for name in bundles.ports
        if name != owner and name not in bundles.mirror_outputs and bundles.is_floodable(name)
        and carries(bundles.vlans(name), tags)
    ]  # fmt: skip
    sent = sorted((output for output in outputs if output is not None), key=lambda output: output[0] == LOCAL)
    return Verdict("detail", "no learned MAC for destination, flooding", sent, news)


def _bond_refuses(bundles: Bundles, owner: str, in_port: Port, key: dict[int, int], vlan: int) -> str:
    """Why a frame may not come in at a member of a bond (bond_check_admissibility()); empty if it may."""
    bridge = bundles.bridge
    admitted = bridge.node.datapath.bond_admits(
        bridge.number, bundles.number(owner), in_port.number, dp.get(key, "dl_dst")
    )
    if admitted is not None:
        return "" if admitted else "bonding refused admissibility, dropping"
    known = bridge.fdb_entry(vlan, dp.get(key, "dl_src"))
    if known is None or bundles.with_ofport(known.ofport) == owner or _is_gratuitous_arp(key):
        return ""
    return "SLB bond thinks this packet looped back, dropping"


def _is_gratuitous_arp(key: dict[int, int]) -> bool:
    if dp.get(key, "dl_type") != dp.ARP or dp.get(key, "dl_dst") != _BROADCAST:
        return False
    op = dp.get(key, "nw_proto")
    return op == 2 or (op == 1 and dp.get(key, "nw_src") == dp.get(key, "nw_dst"))


def _news(bundles: Bundles, owner: str, mac: int, vlan: int) -> str:
    """What the frame would teach, if that is new."""
    known = bundles.bridge.fdb_entry(vlan, mac)
    if mac >> 40 & 1 or (known is not None and bundles.with_ofport(known.ofport) == owner):
        return ""
    return f"learned that {mac.to_bytes(6).hex(':')} is on port {owner} in VLAN {vlan}"
