"""What NORMAL would do with a frame now: the rules of datapath/normal.pyx, asked without learning or sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vswitch.explain import datapath_actions as dp
from vswitch.switch.port_vlans import PortVlans, port_vlans

if TYPE_CHECKING:
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.port import Port

TPID = 0x8100
LOCAL = 0xFFFE
_RESERVED = range(0x0180C2000000, 0x0180C2000010)


class Verdict(NamedTuple):
    """How the remark is made (detail or warning), the remark, (OpenFlow port, tags) of each output, what is learned."""

    how: str
    remark: str
    outputs: list[tuple[int, int]]
    learned: str = ""


def normal_outputs(bridge: Bridge, in_port: Port | None, key: dict[int, int]) -> Verdict:
    """What NORMAL does with the frame of `key`, come in at `in_port`."""
    rows = {row.name: row for row in bridge.row.rows("ports")}
    members = bridge.bundle_ports()
    bundles = {name: [port.name for port in members.get(number, [])] for name, number in bridge.bundles.items()}
    owner = next((name for name, ports in bundles.items() if in_port is not None and in_port.name in ports), None)
    if owner is None or in_port is None:
        return Verdict("warning", "no input bundle, dropping", [])
    settings = port_vlans(rows[owner])
    outer = dp.get(key, "vlan_tci") & 0xFFFF
    vid = outer & 0xFFF if outer & 0x1000 else 0
    if not _admits(settings, vid):
        return Verdict("warning", "disallowed VLAN VID for this input port, dropping", [])
    dl_dst = dp.get(key, "dl_dst")
    if dl_dst in _RESERVED and bridge.row.map("other_config").get("forward-bpdu") != "true":
        return Verdict("detail", "packet has reserved destination MAC, dropping", [])
    tags = _entering(settings, dp.tags(key))
    vlan = tags & 0xFFF
    news = _news(bridge, owner, bundles, dp.get(key, "dl_src"), vlan)
    learned = next((entry for entry in bridge.fdb() if (entry.vlan, entry.mac) == (vlan, dl_dst)), None)
    if learned is not None:
        name = _bundle_of(bridge, bundles, learned.ofport)
        if name == owner:
            return Verdict("detail", "learned port is input port, dropping", [], news)
        to = [(learned.ofport, _leaving(port_vlans(rows[name]), tags))]
        return Verdict("detail", "forwarding to learned port", to, news)
    outputs = []
    for name, ports in bundles.items():
        if name == owner or name not in rows or not ports:
            continue
        out = port_vlans(rows[name])
        if _carries(out, tags) and not any("no-flood" in bridge.ports_by_name[port].config for port in ports):
            outputs.append((bridge.ports_by_name[ports[0]].ofport, _leaving(out, tags)))
    outputs.sort(key=lambda output: output[0] == LOCAL)
    return Verdict("detail", "no learned MAC for destination, flooding", outputs, news)


def _bundle_of(bridge: Bridge, bundles: dict[str, list[str]], ofport: int) -> str:
    return next(
        (name for name, ports in bundles.items() if any(bridge.ports_by_name[p].ofport == ofport for p in ports)), ""
    )


def _news(bridge: Bridge, owner: str, bundles: dict[str, list[str]], mac: int, vlan: int) -> str:
    """What the frame would teach, if that is new."""
    known = next((entry for entry in bridge.fdb() if (entry.vlan, entry.mac) == (vlan, mac)), None)
    if mac >> 40 & 1 or (known is not None and _bundle_of(bridge, bundles, known.ofport) == owner):
        return ""
    return f"learned that {mac.to_bytes(6).hex(':')} is on port {owner} in VLAN {vlan}"


def _admits(port: PortVlans, vid: int) -> bool:
    if port.vlan_mode == "access":
        return vid == 0
    if port.vlan_mode == "dot1q-tunnel":
        return port.cvlans is None or vid in port.cvlans
    return (vid == 0 and port.vlan_mode != "trunk") or port.trunks is None or vid in port.trunks


def _entering(port: PortVlans, tags: int) -> int:
    if port.vlan_mode == "trunk":
        return tags
    outer = tags & 0xFFFFFFFF
    if port.vlan_mode == "dot1q-tunnel":
        return outer << 32 | port.qinq_ethtype << 16 | port.tag
    if port.vlan_mode != "access" and tags & 0xFFF:
        return tags
    outer = outer & ~0xFFF | port.tag if outer else TPID << 16 | port.tag
    return outer | (0 if port.vlan_mode == "access" else tags >> 32 << 32)


def _carries(port: PortVlans, tags: int) -> bool:
    vid, inner = tags & 0xFFF, tags >> 32 & 0xFFF
    if port.vlan_mode == "access":
        return vid == port.tag and inner == 0
    if port.vlan_mode == "dot1q-tunnel":
        return vid == port.tag and (port.cvlans is None or inner in port.cvlans)
    return port.trunks is None or vid in port.trunks


def _leaving(port: PortVlans, tags: int) -> int:
    if port.vlan_mode == "access":
        return 0
    if port.vlan_mode == "dot1q-tunnel" or (port.vlan_mode == "native-untagged" and tags & 0xFFF == port.tag):
        tags >>= 32
    # A tag with VID 0 and PCP 0 vanishes.
    return tags if tags & 0xFFFF else 0
