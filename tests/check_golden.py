#!/usr/bin/env python3
"""Replay what the real Neutron agent's bridges did with frames, and compare: check_golden.py DIR...

A folder is one of `golden/neutron` beside this repository: the rows of the database (`Bridge.json`, `Port.json`,
`Interface.json`), the flows of each bridge, and `packets/packets.json` with frames, where they came in and what came
out. A node is built from rows and flows; the frames are sent through it in their order. Outputs must be equal byte for
byte, and so must the forwarding databases and the flows that `learn` made.

A second node is built as a user's cloud is: `model.json` becomes a cloud, our agent builds its host. Flow tables,
meters and rows must be equal to the real agent's when it has started (`initial/`) and when all ports are wired, and the
same frames must come out of it. Its differences are marked "agent". One line is printed per folder:

    03-vxlan: same, 14 frames
    01-vlan: DIFFERENT
      frame 3 (vm1 ping), port vm2: expected 1 frame(s), got 0
      agent, br-int: no flow priority=1,table=60 actions=NORMAL
    07-ovsfw: tables same; frames unsupported: conntrack

and the totals. The exit status is 1 if a folder is different, 2 if one cannot be read.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import vswitch
from tests import golden_agent
from tests.golden_agent import UNDERLAY, UPLINK, vtep_mac
from vswitch.errors import VSwitchError

Json = dict[str, Any]

MAX_SHOWN = 8  # differences printed of one folder
VXLAN_PORT, GENEVE_PORT = 4789, 6081
STEP_S = 0.01  # between two frames; far from every timeout

# Columns of rows that make a difference for frames; `ofport` is asked for, so that flows mean the same ports.
COLUMNS = {
    "Bridge": ("fail_mode", "flood_vlans", "mcast_snooping_enable", "other_config"),
    "Port": ("cvlans", "other_config", "protected", "tag", "trunks", "vlan_mode"),
    "Interface": ("mtu_request", "options", "type"),
}

VIF = re.compile(r"^  (\S+): net=.* mac=(\S+) ips=(\S+) .*vif=(\S+)", re.MULTILINE)
REMOTE_VM = re.compile(r"((?:[0-9a-f]{2}:){5}[0-9a-f]{2}) \(([0-9.]+), on ([0-9a-f.:]+), (\w+)\)")
METER = re.compile(r"^(meter=\d+ .*bands=)\n((?:type=.*\n)+)", re.MULTILINE)
NETWORK = re.compile(r"^  (\w+): (vxlan|gre|geneve) .*seg=(\d+)", re.MULTILINE)


class UnsupportedError(Exception):
    """The folder needs what the switch cannot do yet; ``str()`` says what."""


# ----------------------------------------------------------------------------------------------- building a node


def build(folder: Path) -> vswitch.Node:
    """A node with the bridges, ports, settings and flows that `folder` shows."""
    tables = {name: {row["_uuid"][1]: row for row in json.loads((folder / f"{name}.json").read_text())}
              for name in COLUMNS}  # fmt: skip
    node = vswitch.Node()
    bridges = sorted(tables["Bridge"].values(), key=lambda row: str(row["name"]))
    for bridge in bridges:
        node.run(f"ovs-vsctl add-br {bridge['name']} -- set Bridge {bridge['name']} {settings('Bridge', bridge)}")
    for bridge in bridges:
        ports = {row["name"]: row for row in (tables["Port"][uuid] for uuid in members(bridge["ports"]))}
        interfaces = {name: tables["Interface"][members(port["interfaces"])[0]] for name, port in ports.items()}
        for name, interface in sorted(interfaces.items(), key=lambda item: int(item[1]["ofport"])):
            port = ports[name]
            if name != bridge["name"]:
                node.run(
                    f"ovs-vsctl add-port {bridge['name']} {name} -- set Port {name} {settings('Port', port)}"
                    f" -- set Interface {name} ofport_request={interface['ofport']} {settings('Interface', interface)}"
                )
    for bridge in bridges:
        flows = (folder / f"{bridge['name']}.flows.txt").read_text()
        if re.search(r"\bct\(", flows):
            raise UnsupportedError("conntrack")
        for meter in METER.findall((folder / f"{bridge['name']}.groups-meters.txt").read_text()):
            node.run(f"ovs-ofctl -O OpenFlow13 add-meter {bridge['name']} '{','.join(' '.join(meter).split())}'")
        node.run(f"ovs-ofctl del-flows {bridge['name']}")
        node.run(f"ovs-ofctl -O OpenFlow14 add-flows {bridge['name']} -", flows)
    if any(bridge["name"] == UNDERLAY for bridge in bridges):
        build_underlay(folder, node)
    return node


def build_underlay(folder: Path, node: vswitch.Node) -> None:
    """Give the bridge below the tunnels its address, and the neighbours theirs."""
    model = json.loads((folder / "model.json").read_text())
    own = model["local_ip"]
    node.run(f"ovs-vsctl set Bridge {UNDERLAY} other_config:hwaddr={json.dumps(vtep_mac(own))}")
    length = 24 if ip_address(own).version == 4 else 64
    node.run(f"ip addr add {own}/{length} dev {UNDERLAY}")  # a local route: the tunnels name it as local_ip
    told = [address for by_address in model["l2pop_remote_fdb"].values() for address in by_address]
    for address in {*told, *(address for addresses in model["remote_vteps"].values() for address in addresses)}:
        node.run(f"ovs-appctl tnl/neigh/set {UNDERLAY} {address} {vtep_mac(address)}")


def members(value: Any) -> list[Any]:
    """The members of an OVSDB set; one member stands for itself. UUIDs lose their mark."""
    items = value[1] if isinstance(value, list) and value[0] == "set" else [value]
    return [item[1] if isinstance(item, list) and item[0] == "uuid" else item for item in items]


def settings(table: str, row: Json) -> str:
    """The columns of a row that count, as `ovs-vsctl set` takes them."""
    words = ["external_ids:golden=true"]  # so that there is something to set
    for column in COLUMNS[table]:
        value = row[column]
        if isinstance(value, list) and value[0] == "map":
            words += [f"{column}:{key}={json.dumps(item)}" for key, item in value[1]]
        elif values := members(value):
            words.append(f"{column}={','.join(json.dumps(item) for item in values if item != '')}")
    return " ".join(f"'{word}'" for word in words if not word.endswith("="))


# --------------------------------------------------------------------------------------------- frames before frames


def learning_frames(folder: Path) -> Iterator[bytes]:
    """What came from remote machines before the dump, a broadcast each: their addresses had been learned by then."""
    scenario = (folder / "scenario.txt").read_text()
    model = json.loads((folder / "model.json").read_text())
    vxlan_port = int(model["agent_config_overrides"].get("AGENT", {}).get("vxlan_udp_port", VXLAN_PORT))
    networks = {name: (kind, int(segment)) for name, kind, segment in NETWORK.findall(scenario)}
    for mac, address, vtep, network in REMOTE_VM.findall(scenario):
        kind, segment = networks[network]
        port = vxlan_port if kind == "vxlan" else GENEVE_PORT
        yield outer(kind, segment, (vtep, model["local_ip"]), port, gratuitous_arp(mac, address))


def gratuitous_arp(mac: str, address: str) -> bytes:
    source, ip = octets(mac, ":", 16), octets(address, ".", 10)
    arp = bytes.fromhex("0001080006040001") + source + ip + bytes(6) + ip
    return b"\xff" * 6 + source + b"\x08\x06" + arp


def outer(kind: str, segment: int, vteps: tuple[str, str], port: int, frame: bytes) -> bytes:
    """A frame in a tunnel, from one VTEP to the other; `port` is of UDP."""
    if kind == "gre":
        protocol, payload = 47, bytes.fromhex("20006558") + segment.to_bytes(4, "big") + frame
    else:
        header = bytes.fromhex("08000000" if kind == "vxlan" else "00006558") + (segment << 8).to_bytes(4, "big")
        n_bytes = 8 + len(header) + len(frame)
        ports = (50000).to_bytes(2, "big") + port.to_bytes(2, "big")
        protocol, payload = 17, ports + n_bytes.to_bytes(2, "big") + bytes(2) + header + frame
    addresses = b"".join(ip_address(vtep).packed for vtep in vteps)
    macs = b"".join(octets(vtep_mac(vtep), ":", 16) for vtep in reversed(vteps))
    if len(addresses) > 8:
        ip = bytes.fromhex("60000000") + len(payload).to_bytes(2, "big") + bytes([protocol, 64]) + addresses
        return macs + b"\x86\xdd" + ip + payload
    start = b"\x45\x00" + (20 + len(payload)).to_bytes(2, "big") + bytes.fromhex("00004000") + bytes([64, protocol])
    ip = start + checksum(start + addresses).to_bytes(2, "big") + addresses
    return macs + b"\x08\x00" + ip + payload


def octets(text: str, separator: str, base: int) -> bytes:
    return bytes(int(part, base) for part in text.split(separator))


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2))
    return ~(total % 0xFFFF) & 0xFFFF  # a header's sum is never zero


# ----------------------------------------------------------------------------------------------------- comparing


def compare(folder: Path) -> tuple[int, list[str]]:
    """How many frames were sent, and what differed, a line each; on a node of the rows and flows that were dumped."""
    node = build(folder)
    now_s = send_learning(folder, node)
    return replay(folder, node, now_s)


def compare_agent(folder: Path, *, with_frames: bool = True) -> list[str]:
    """What differed on the node that our agent builds, a line each."""
    node = vswitch.Node()
    agent, differences = golden_agent.start(folder, node)
    golden_agent.run(node, agent.wire_first_ports())
    now_s = send_learning(folder, node)
    differences += golden_agent.compare_wired(folder, node)
    if with_frames:
        differences += replay(folder, node, now_s)[1]
    return differences


def send_learning(folder: Path, node: vswitch.Node) -> float:
    """Send what came before the dump; returns the time afterwards."""
    now_s = STEP_S
    for frame in learning_frames(folder):
        node.send(UPLINK, frame, time=now_s)
        now_s += STEP_S
    return now_s


def replay(folder: Path, node: vswitch.Node, now_s: float) -> tuple[int, list[str]]:
    """Send the frames of a folder through a node, from a time on."""
    packets = json.loads((folder / "packets" / "packets.json").read_text())
    interfaces = {name: vif for name, _, _, vif in VIF.findall((folder / "scenario.txt").read_text())}
    names = {vif: name for name, vif in interfaces.items()}
    differences: list[str] = []
    seen = {packet["in_port"] for packet in packets} | {out["port"] for packet in packets for out in packet["out"]}
    for packet in packets:
        port = packet["in_port"]
        sent = node.send(interfaces.get(port, port), bytes.fromhex(packet["in_frame"]), time=now_s)
        now_s += STEP_S
        got: dict[str, list[str]] = {}
        for interface, frame in sent:
            name = names.get(interface, interface)
            if name in seen or name in names.values():  # the frames of other devices were not kept
                got.setdefault(name, []).append(bytes(frame).hex())
        want: dict[str, list[str]] = {}
        for out in packet["out"]:
            want.setdefault(out["port"], []).append(out["frame"])
        differences += compare_outputs(f"frame {packet['n']} ({packet['what']})", want, got)
    return len(packets), [*differences, *compare_state(folder, node)]


def compare_outputs(place: str, want: dict[str, list[str]], got: dict[str, list[str]]) -> Iterator[str]:
    for port in sorted(want.keys() | got.keys()):
        wanted, ours = sorted(want.get(port, [])), sorted(got.get(port, []))
        if len(wanted) != len(ours):
            yield f"{place}, port {port}: expected {len(wanted)} frame(s), got {len(ours)}"
        for a, b in zip(wanted, ours, strict=False):
            if a != b:
                yield f"{place}, port {port}:\n    expected {a}\n    got      {b}"


def compare_state(folder: Path, node: vswitch.Node) -> Iterator[str]:
    """Forwarding databases, and the flows of a table, after the frames."""
    for path in sorted((folder / "packets").glob("*.fdb-after.txt")):
        bridge = path.name.removesuffix(".fdb-after.txt")
        want = {tuple(line.split()) for line in path.read_text().splitlines()[1:]}
        got = {tuple(line.split()[:3]) for line in node.run(f"ovs-appctl fdb/show {bridge}").splitlines()[1:]}
        yield from (f"{bridge}: not learned: {' '.join(entry)}" for entry in sorted(want - got))
        yield from (f"{bridge}: learned: {' '.join(entry)}" for entry in sorted(got - want))
    for path in sorted((folder / "packets").glob("*.table*-after.txt")):
        bridge, table = path.name.removesuffix("-after.txt").split(".table")
        yield from golden_agent.compare_dump(path, node, bridge, f"table={table}")


def judge(folder: Path) -> tuple[str, str, list[str]]:
    """The verdict on a folder, a line that says it, and what differed."""
    has_frames = (folder / "packets" / "packets.json").exists()
    differences: list[str] = []
    text, verdict = "tables same; no frames", "same"
    if has_frames:
        try:
            n_frames, differences = compare(folder)
            text = f"same, {n_frames} frames"
        except UnsupportedError as error:
            text, verdict, has_frames = f"tables same; frames unsupported: {error}", "unsupported", False
    of_agent = compare_agent(folder, with_frames=has_frames)
    differences = [*differences, *(f"agent, {difference}" for difference in of_agent)]
    return ("DIFFERENT", "DIFFERENT", differences) if differences else (verdict, text, [])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    totals = dict.fromkeys(("same", "DIFFERENT", "unsupported"), 0)
    status = 0
    for folder in options.folders:
        try:
            verdict, text, differences = judge(folder)
        except (OSError, ValueError, KeyError, VSwitchError) as error:
            print(f"{folder}: {error!r}", file=sys.stderr)
            status = 2
            continue
        totals[verdict] += 1
        print(f"{folder.name}: {text}")
        for difference in differences[:MAX_SHOWN]:
            print(f"  {difference}")
    print(", ".join(f"{number} {verdict}" for verdict, number in totals.items()))
    return status or int(totals["DIFFERENT"] > 0)


if __name__ == "__main__":
    sys.exit(main())
