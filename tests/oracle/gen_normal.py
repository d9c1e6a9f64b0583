#!/usr/bin/env python3
"""Random cases for bridges that only switch (NORMAL): gen_normal.py SEED [NUMBER] prints one as JSON.

Case NUMBER of a seed is always the same. A case has one to three themes (`THEMES`): the kinds of commands that its
set-up and its timeline are drawn from; the frames are those of `odd_frames`. `run.py` asks a real Open vSwitch.

What Open vSwitch leaves to chance is avoided: OpenFlow numbers are always requested, and ports, bridges and mirrors
are created one by one, for floods and copies leave in the order of creation. A name is used once only: the oracle
attaches its captures to names. Multicast flood and report ports are not deleted, for OVS keeps pointers to them. A
bridge with static addresses keeps its ageing time: after a change OVS shows their ages since the machine's start.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.oracle.gen_mirrors import add_mirror, change_mirror, del_mirror
from tests.oracle.odd_frames import HOSTS, VIDS, Frames

N_EVENTS = 70
FLAGS = ["flood", "no-flood", "forward", "no-forward", "receive", "no-receive", "receive-stp", "no-receive-stp",
         "up", "down", "packet-in", "no-packet-in"]  # fmt: skip


@dataclass
class Port:
    """A port of the case's picture of the switch."""

    name: str
    bridge: Bridge
    peer: str = ""  # of a patch port: the first one it had
    is_mcast_port: bool = False


@dataclass
class Bridge:
    """A bridge of it."""

    name: str
    ports: list[Port] = field(default_factory=list)
    mirrors: list[str] = field(default_factory=list)
    n_ofports: int = 0
    has_static: bool = False  # static entries and changes of the ageing time: OVS then shows ages since its start
    is_aged: bool = False


class Case:
    """A case while it grows."""

    def __init__(self, seed: int, number: int) -> None:
        self.rng = random.Random(f"{seed}/{number}")
        self.frames = Frames(self.rng)
        self.bridges: list[Bridge] = []
        self.lines: list[str] = []
        self.setup: list[str] = []
        self.trace: list[dict[str, Any]] = []
        self.time_s = 0.0
        self.n_names = 0
        self.themes = self.rng.sample(sorted(THEMES), self.rng.choice([1, 2, 2, 3]))
        self.commands: list[tuple[Callable[[Case], None], int]] = [
            command for theme in ["any", *self.themes] for command in (ANY if theme == "any" else THEMES[theme])
        ]
        self.make()
        self.case = {
            "id": f"normal-{seed}-{number}", "area": "normal", "title": ", ".join(self.themes),
            "setup": self.setup, "trace": self.trace, "options": {},
        }  # fmt: skip

    def maybe(self, probability: float) -> bool:
        return self.rng.random() < probability

    def name(self, prefix: str) -> str:
        self.n_names += 1
        return f"{prefix}{self.n_names}"

    def run(self, line: str) -> None:
        """Adds a command to what is being made, the set-up or the timeline."""
        self.lines.append(" ".join(line.split()))

    def make(self) -> None:
        self.lines = self.setup
        is_looped = "loops" in self.themes
        for _ in range(self.rng.choice([2, 2, 3]) if is_looped else self.rng.choice([1, 1, 2, 3])):
            add_bridge(self)
        for i in range(1, len(self.bridges)):
            for _ in range(self.rng.choice([1, 2, 3]) if is_looped else 1):
                link(self, self.bridges[i], self.rng.choice(self.bridges[:i]))
        if is_looped and len(self.bridges) == 3 and self.maybe(0.5):
            link(self, self.bridges[0], self.bridges[2])
        for _ in range(self.rng.randint(2, 8)):
            self.command()
        n_events = N_EVENTS // 3 if is_looped else N_EVENTS
        while len(self.trace) < n_events:
            self.event()

    def command(self) -> None:
        functions, weights = zip(*self.commands, strict=True)
        self.rng.choices(functions, weights)[0](self)

    def event(self) -> None:
        self.time_s = round(self.time_s + self.rng.choice([0] * 10 + [0.01, 0.5, 1, 3, 8, 16, 70]), 2)
        if self.maybe(0.22):
            self.lines = []
            self.command()
            self.trace += [{"t": self.time_s, "cmd": line} for line in self.lines]
            return
        port = self.input()
        draw = self.frames.multicast if "multicast" in self.themes and self.maybe(0.6) else self.frames.frame
        if "gratuitous" in self.themes and self.maybe(0.5):
            draw = self.frames.arp
        self.trace.append({"t": self.time_s, "port": port, "pkt": draw().hex()})

    # --------------------------------------------------------------------------------------------------- picking

    def input(self) -> str:
        """A device that frames can arrive at."""
        bridge = self.rng.choice(self.bridges)
        names = [port.name for port in bridge.ports if not port.peer]
        return bridge.name if not names or self.maybe(0.1) else self.rng.choice(names)

    def bridge(self) -> Bridge:
        return self.rng.choice(self.bridges)

    def port(self, bridge: Bridge | None = None) -> str:
        """Any port, LOCAL rarely."""
        bridge = bridge or self.bridge()
        if self.maybe(0.1) or not bridge.ports:
            return bridge.name
        return self.rng.choice(bridge.ports).name

    def vids(self, n_max: int = 2) -> str:
        return ",".join(map(str, self.rng.sample([*VIDS, 0], self.rng.randint(1, n_max))))

    def mac(self) -> str:
        return self.rng.choice(HOSTS).hex(":")

    def vlan_columns(self) -> str:
        """Settings of Port that replace all that were there."""
        vid = self.rng.choice([*VIDS, *VIDS, *VIDS, 0, 4095])
        trunks = self.rng.choice(["[]", self.vids(), self.vids(3)])
        mode = self.rng.choice(["none", "none", "none", "access", "trunk", "native-tagged", "native-untagged",
                                "native-untagged", "dot1q-tunnel", "dot1q-tunnel"])  # fmt: skip
        if mode == "none":
            return self.rng.choice([f"tag={vid} trunks=[] vlan_mode=[]", f"tag=[] trunks={trunks} vlan_mode=[]"])
        tag = "[]" if self.maybe(0.05) else vid
        cvlans = self.rng.choice(["[]", self.vids()]) if mode == "dot1q-tunnel" else "[]"
        return f"tag={tag} trunks={trunks} vlan_mode={mode} cvlans={cvlans}"

    def other_config(self, port: str) -> str:
        priority_tags = self.rng.choice(["if-nonzero", "always", "never", "true", "no"])
        return self.rng.choice([
            f"set Port {port} other_config:priority-tags={priority_tags}",
            f"set Port {port} other_config:qinq-ethtype={self.rng.choice(['802.1q', '802.1ad'])}",
            f"remove Port {port} other_config priority-tags",
            f"remove Port {port} other_config qinq-ethtype",
        ])  # fmt: skip


# ---------------------------------------------------------------------------------------------- bridges and ports


def add_bridge(case: Case) -> None:
    bridge = Bridge(case.name("br"))
    case.bridges.append(bridge)
    case.run(f"ovs-vsctl add-br {bridge.name}")
    for _ in range(case.rng.randint(2, 5)):
        add_port(case, bridge)


def add_port(case: Case, bridge: Bridge | None = None) -> None:
    bridge = bridge or case.bridge()
    bridge.n_ofports += 1
    port = Port(case.name("p"), bridge)
    bridge.ports.append(port)
    kind = case.rng.choice(["dummy", "dummy", "internal"])
    mtu = ""
    if "mtu" in case.themes and case.maybe(0.5):
        # The device takes 68 and more. An internal one then keeps what it had from the bridge's others, not 1500.
        mtu = f" mtu_request={case.rng.choice([68, 100, 576, 1500] + [60] * (kind == 'dummy'))}"
    columns = case.vlan_columns() if case.maybe(0.5) else ""
    case.run(
        f"ovs-vsctl add-port {bridge.name} {port.name} {columns} -- set Interface {port.name} "
        f"type={kind} ofport_request={bridge.n_ofports}{mtu}"
    )


def link(case: Case, a: Bridge, b: Bridge) -> None:
    """Two patch ports."""
    names = [case.name("x"), case.name("x")]
    for bridge, name, peer in ((a, names[0], names[1]), (b, names[1], names[0])):
        bridge.n_ofports += 1
        bridge.ports.append(Port(name, bridge, peer=peer))
        columns = case.vlan_columns() if case.maybe(0.15) else ""
        case.run(
            f"ovs-vsctl add-port {bridge.name} {name} {columns} -- set Interface {name} type=patch "
            f"options:peer={peer} ofport_request={bridge.n_ofports}"
        )


def del_port(case: Case) -> None:
    bridge = case.bridge()
    ports = [port for port in bridge.ports if not port.is_mcast_port]
    if len(ports) > 1:
        port = case.rng.choice(ports)
        bridge.ports.remove(port)
        case.run(f"ovs-vsctl del-port {bridge.name} {port.name}")


def del_bridge(case: Case) -> None:
    if len(case.bridges) > 1 and not any(port.is_mcast_port for port in case.bridges[-1].ports):
        case.run(f"ovs-vsctl del-br {case.bridges.pop().name}")


def another_bridge(case: Case) -> None:
    if len(case.bridges) < 4:
        add_bridge(case)
        if case.maybe(0.7):
            link(case, case.bridges[-1], case.rng.choice(case.bridges[:-1]))


def change_ofport(case: Case) -> None:
    bridge = case.bridge()
    if bridge.ports:
        bridge.n_ofports += 1
        port = case.rng.choice(bridge.ports)
        if not port.is_mcast_port:
            case.run(f"ovs-vsctl set Interface {port.name} ofport_request={bridge.n_ofports}")


def repeer(case: Case) -> None:
    """A patch port looks for another peer (perhaps itself, which is refused, or none), and the peer may look back."""
    patches = [port for bridge in case.bridges for port in bridge.ports if port.peer]
    if not patches:
        return
    port, other = case.rng.choice(patches), case.rng.choice(patches)
    if case.maybe(0.3):
        case.run(f"ovs-vsctl set Interface {port.name} options:peer={case.rng.choice([other.name, 'nowhere'])}")
        return
    # One after the other: what OVS makes of two at once depends on the order in which it takes them up.
    for end, peer in ((port, other), (other, port)):
        case.run(f"ovs-vsctl set Interface {end.name} options:peer={peer.name}")


def set_vlans(case: Case) -> None:
    case.run(f"ovs-vsctl set Port {case.port()} {case.vlan_columns()}")


def set_other_config(case: Case) -> None:
    case.run(f"ovs-vsctl {case.other_config(case.port())}")


def set_vlan_limit(case: Case) -> None:
    case.run(f"ovs-vsctl set Open_vSwitch . other_config:vlan-limit={case.rng.choice([0, 1, 2, 2, 3])}")


def set_protected(case: Case) -> None:
    case.run(f"ovs-vsctl set Port {case.port()} protected={case.rng.choice(['true', 'true', 'false'])}")


def set_flag(case: Case) -> None:
    bridge = case.bridge()
    version = "" if case.maybe(0.85) else "-O OpenFlow13 "
    case.run(f"ovs-ofctl {version}mod-port {bridge.name} {case.port(bridge)} {case.rng.choice(FLAGS)}")


def set_mtu(case: Case) -> None:
    bridge = case.bridge()
    names = [port.name for port in bridge.ports if not port.peer]
    if names:
        mtu = case.rng.choice([68, 100, 576, 1500, 9000])
        case.run(f"ovs-vsctl set Interface {case.rng.choice(names)} mtu_request={mtu}")


# --------------------------------------------------------------------------------------------- MAC table and flows


def set_bridge(case: Case) -> None:
    bridge = case.bridge()
    if case.maybe(0.25) and not bridge.has_static:
        bridge.is_aged = True
        age = case.rng.choice([0, 1, 15, 16, 60, 3600, 5000, -1])
        case.run(f"ovs-vsctl set Bridge {bridge.name} other_config:mac-aging-time={age}")
        return
    case.run(f"ovs-vsctl set Bridge {bridge.name} " + case.rng.choice([
        f"other_config:mac-table-size={case.rng.choice([0, 1, 10, 11, 12, 5000])}",
        f"other_config:mac-table-size={case.rng.choice([10, 11, 12])}",
        f"flood_vlans={case.rng.choice(['[]', case.vids(), case.vids()])}",
        f"other_config:forward-bpdu={case.rng.choice(['true', 'true', 'false', 'yes'])}",
    ]))  # fmt: skip


def fdb(case: Case) -> None:
    bridge = case.bridge()
    if case.maybe(0.2) and not bridge.is_aged:
        bridge.has_static = True
        case.run(f"ovs-appctl fdb/add {bridge.name} {case.port(bridge)} {case.rng.choice([0, *VIDS])} {case.mac()}")
        return
    case.run("ovs-appctl fdb/" + case.rng.choice([
        f"del {bridge.name} {case.rng.choice([0, *VIDS])} {case.mac()}",
        f"flush {bridge.name}", "flush", f"show {bridge.name}", f"show {bridge.name}", f"stats-show {bridge.name}",
        f"stats-show {bridge.name}", f"stats-clear {bridge.name}",
    ]))  # fmt: skip


def fill_table(case: Case) -> None:
    """Many addresses from one or two ports: eviction takes from the port that has most."""
    bridge = case.bridge()
    names = [port.name for port in bridge.ports if not port.peer]
    if not names:
        return
    ports = case.rng.sample(names, min(len(names), case.rng.randint(1, 3)))
    first = case.rng.randrange(64)
    for i in range(case.rng.randint(4, 14)):
        source = bytes([2, 0, 0, 0, 1, first + i])
        case.trace.append({
            "t": case.time_s, "port": ports[i % len(ports)],
            "pkt": (HOSTS[0] + source + b"\x12\x34" + bytes(46)).hex(),
        })  # fmt: skip


def fail_mode(case: Case) -> None:
    bridge = case.bridge().name
    case.run("ovs-vsctl " + case.rng.choice([
        f"set-fail-mode {bridge} secure", f"set-fail-mode {bridge} standalone", f"set-fail-mode {bridge} standalone",
        f"del-fail-mode {bridge}", f"set Bridge {bridge} fail_mode=[]",
    ]))  # fmt: skip


def flows(case: Case) -> None:
    bridge = case.bridge().name
    case.run("ovs-ofctl " + case.rng.choice([
        f"del-flows {bridge}", f"add-flow {bridge} actions=normal", f"add-flow {bridge} actions=NORMAL",
        f"add-flow {bridge} priority=0,actions=NORMAL", f"add-flow {bridge} priority=7,actions=drop",
        f"add-flow {bridge} table=0,priority=9,cookie=0x7,actions=normal",
        f"dump-flows {bridge}", f"-O OpenFlow13 dump-flows {bridge}", f"dump-aggregate {bridge}",
    ]))  # fmt: skip


def look(case: Case) -> None:
    bridge = case.bridge()
    case.run(case.rng.choice([
        f"ovs-appctl fdb/show {bridge.name}", f"ovs-ofctl --no-names dump-ports {bridge.name} {case.port(bridge)}",
        f"ovs-ofctl dump-flows {bridge.name}", f"ovs-vsctl get Port {case.port(bridge)} tag trunks vlan_mode",
        f"ovs-vsctl list-ports {bridge.name}", f"ovs-vsctl get Interface {case.port(bridge)} ofport",
        f"ovs-vsctl port-to-br {case.rng.choice(bridge.ports).name if bridge.ports else 'none'}",
    ]))  # fmt: skip


# ------------------------------------------------------------------------------------------------------ multicast


def snoop(case: Case) -> None:
    bridge = case.bridge()
    choice = case.rng.randrange(10)
    if choice < 4:
        case.run(f"ovs-vsctl set Bridge {bridge.name} mcast_snooping_enable={'true' if case.maybe(0.85) else 'false'}")
    elif choice < 6 and bridge.ports:
        port = case.rng.choice(bridge.ports)
        port.is_mcast_port = True
        key = case.rng.choice(["mcast-snooping-flood", "mcast-snooping-flood-reports"])
        case.run(f"ovs-vsctl set Port {port.name} other_config:{key}={case.rng.choice(['true', 'true', 'false'])}")
    elif choice < 8:
        case.run(f"ovs-vsctl set Bridge {bridge.name} other_config:" + case.rng.choice([
            f"mcast-snooping-aging-time={case.rng.choice([15, 20, 30, 300, 5])}",
            f"mcast-snooping-table-size={case.rng.choice([1, 10, 11, 12, 0])}",
            f"mcast-snooping-disable-flood-unregistered={case.rng.choice(['true', 'true', 'false'])}",
        ]))  # fmt: skip
    else:
        case.run(f"ovs-appctl mdb/{case.rng.choice([f'show {bridge.name}'] * 4 + [f'flush {bridge.name}', 'flush'])}")


def snoop_all(case: Case) -> None:
    for bridge in case.bridges:
        case.run(f"ovs-vsctl set Bridge {bridge.name} mcast_snooping_enable=true")


# Commands and how often they come.
ANY: list[tuple[Callable[[Case], None], int]] = [(look, 2), (set_vlans, 2)]
THEMES: dict[str, list[tuple[Callable[[Case], None], int]]] = {
    "mirrors": [(add_mirror, 7), (change_mirror, 6), (del_mirror, 2), (del_port, 1), (set_flag, 1)],
    "flags": [(set_flag, 12), (set_protected, 5), (set_bridge, 1)],
    "vlans": [(set_vlans, 6), (set_other_config, 6), (set_vlan_limit, 3)],
    "tables": [(set_bridge, 8), (fdb, 12), (fill_table, 6)],
    "gratuitous": [(set_bridge, 2), (fdb, 4)],
    "lifecycle": [(add_port, 4), (del_port, 5), (another_bridge, 2), (del_bridge, 2), (change_ofport, 3), (fdb, 2)],
    "flows": [(fail_mode, 6), (flows, 8)],
    "patches": [(repeer, 6), (del_port, 1), (set_flag, 2)],
    "loops": [(set_flag, 3), (set_vlans, 2), (fdb, 1)],
    "mtu": [(set_mtu, 4), (set_vlan_limit, 1)],
    "multicast": [(snoop, 10), (snoop_all, 3), (set_flag, 1), (set_bridge, 1)],
}


def make_case(seed: int, number: int) -> dict[str, Any]:
    """Case `number` of `seed` in the corpus's form, without an answer."""
    return Case(seed, number).case


if __name__ == "__main__":
    print(json.dumps(make_case(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0), indent=1))
