"""Bonds: where frames leave and may come in, failover, and what is announced then. Every row is what Open vSwitch did.

A table is a set-up and steps: the time, a frame ``port source>destination tags`` or a command, and what left, in the
notation of `tests.switch.frames` with ``!a`` behind the learning packet (RARP) of host a. ``grat`` makes the frame a
gratuitous ARP and ``big`` one of 40,000 bytes; ``down p1`` takes p1's link away. Members are p1 and p2; p3 and p4 are
ordinary ports. What OVS leaves to chance is settled: the active member by ``bond-primary`` or ``set-active-member``,
the order in which members get buckets by taking p2's link away and giving it back.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.shared import need_oracle
from tests.switch.frames import frame, mac, tag, tags_of
from vswitch import Node
from vswitch.capture import CaptureReader, PcapWriter
from vswitch.datapath.columns import OWN_FRAME
from vswitch.errors import CommandError, ConfigError
from vswitch.switch.replay import replay

SET_UP = """
ovs-vsctl add-br br0 -- set bridge br0 other_config:mac-aging-time=15
ovs-vsctl add-port br0 p3 -- set Interface p3 type=dummy ofport_request=3
ovs-vsctl add-port br0 p4 -- set Interface p4 type=dummy ofport_request=4
ovs-vsctl add-bond br0 bond0 p1 p2 {} -- set Interface p1 type=dummy ofport_request=1 \
    -- set Interface p2 type=dummy ofport_request=2
down p2
up p2
ovs-appctl bond/set-active-member bond0 p1
"""

TABLES = {
    "active-backup": ("", """
        1     p3 a>*        | p1:- p4:-
        1     p1 b>*        | p3:- p4:-
        1     p2 c>*        |
        1     p2 c>b        |
        1     p3 a>b        | p1:-
        2     down p1       | p2:-!a
        2     p3 a>b        | p2:-
        2     p1 b>a        |
        2     p2 b>a        | p3:-
        3     up p1         |
        3     p3 a>b        | p2:-
        4     p4 d>*        | p2:- p3:-
        4     down p2       | p1:-!a p1:-!d
        4     p3 a>b        | p1:-
        5     down p1       |
        5     p3 a>b        |
        5     p1 b>a        |
        6     up p2         | p2:-!d p2:-!a
        """),
    "primary": ("other_config:bond-primary=p2", """
        1     p3 a>*        | p2:- p4:-
        2     down p2       | p1:-!a
        3     p3 a>*        | p1:- p4:-
        4     up p2         | p2:-!a
        5     p3 a>*        | p2:- p4:-
        5     ovs-appctl bond/set-active-member bond0 p1 | p2:-!a
        5     p3 a>*        | p2:- p4:-
        6     ovs-vsctl set Port bond0 other_config:bond-primary=p1 | p1:-!a
        6     p3 a>*        | p1:- p4:-
        """),
    "delays": ("bond_updelay=3000 bond_downdelay=2000", """
        1     p3 a>*        | p1:- p4:-
        2     down p1       |
        3     p3 a>*        | p1:- p4:-
        3.5   up p1         |
        6     p3 a>*        | p1:- p4:-
        7     down p1       |
        9     p3 a>*        | p2:-!a p2:- p4:-
        10    up p1         |
        11    down p2       |
        12.99 p3 a>*        | p2:- p4:-
        13    p3 a>*        | p1:-!a p1:- p4:-
        14    down p1       |
        17    p3 a>*        | p4:-
        18    up p2         | p2:-!a
        18    p3 a>*        | p2:- p4:-
        """),
    "tagged": ("tag=10", """
        1     ovs-vsctl set port p3 tag=10 |
        1     p3 a>*        | p1:- p4:10
        1     p4 d>* 20     |
        1     ovs-appctl fdb/add br0 p4 30 02:00:00:00:00:65 |
        1     p1 b>*        | p3:- p4:10
        2     down p1       | p2:10!a p2:20!d p2:30!e
        3     ovs-appctl bond/set-active-member bond0 p2 |
        4     ovs-appctl bond/disable-member bond0 p2 | p2:10!a p2:20!d p2:30!e
        20    p3 c>*        | p2:- p4:10
        20    up p1         |
        20    ovs-appctl bond/set-active-member bond0 p1 | p1:30!e p1:10!c
        21    ovs-vsctl del-bond-iface bond0 p1 |
        21    p3 c>*        | p2:- p4:10
        """),
    "patch": ("", """
        1     p3 a>*        | p1:- p4:-
        1     ovs-vsctl add-br br1 -- add-port br1 q1 -- set Interface q1 type=patch options:peer=q0 \
-- add-port br1 p7 -- set Interface p7 type=dummy ofport_request=7 |
        1     ovs-vsctl add-bond-iface bond0 q0 -- set Interface q0 type=patch options:peer=q1 |
        1     ovs-appctl bond/set-active-member bond0 q0 | p7:-!a
        1     p7 e>*        | p3:- p4:-
        1     p3 a>e        | p7:-
        """),
    "balance-slb": ("bond_mode=balance-slb", """
        1     p3 a>*        | p1:- p4:-
        1     p3 b>*        | p2:- p4:-
        1     p3 c>*        | p1:- p4:-
        1     p3 a>* 10     | p2:10 p4:10
        1     p3 b>* 10     | p1:10 p4:10
        1     p1 e>*        | p3:- p4:-
        1     p2 f>*        |
        1     p2 f>a        | p3:-
        1     p2 a>f        |
        1     p2 a>* grat   |
        1     p1 a>* grat   | p3:- p4:-
        1     p3 b>f        | p2:-
        1     p4 b>* grat   | p2:- p3:-
        2     p1 b>* grat   |
        6     p1 b>* grat   | p3:- p4:-
        6     p4 b>f        | p2:-
        7     p4 b>f        | p2:-
        8     down p1       | p2:-!c p2:10!a p2:10!b p2:-!b
        8     p3 a>*        | p2:- p4:-
        8     p3 c>*        | p2:- p4:-
        9     up p1         |
        9     p3 a>*        | p2:- p4:-
        9     ovs-appctl bond/migrate bond0 232 p1 |
        9     p3 a>*        | p1:- p4:-
        9     ovs-vsctl set port bond0 other_config:all-members-active=true |
        9     p1 g>*        | p3:- p4:-
        9     p2 h>*        | p3:- p4:-
        """),
    "native VLAN": ("bond_mode=balance-slb vlan_mode=native-untagged tag=10 other_config:bond-hash-basis=7", """
        1     ovs-vsctl set port p3 tag=10 |
        1     p3 a>*        | p1:- p4:10
        1     p3 b>*        | p2:- p4:10
        1     p4 a>* 10     | p1:- p3:-
        1     p4 a>* 20     | p1:20
        1     p4 b>* 20/3   | p2:20/3
        2     down p2       | p1:10!b p1:10!a p1:20!a p1:20!b
        """),
    "rebalance": ("bond_mode=balance-slb other_config:bond-rebalance-interval=5000", """
        1     p3 a>* big    | p1:- p4:-
        1     p3 a>* big    | p1:- p4:-
        1     p3 b>* big    | p2:- p4:-
        1     p3 c>* big    | p1:- p4:-
        1     p3 c>* big    | p1:- p4:-
        1     p3 c>* big    | p1:- p4:-
        1     p3 d>* big    | p2:- p4:-
        1     p3 e>* big    | p1:- p4:-
        2     p3 c>* big    | p1:- p4:-
        2     p3 e>* big    | p1:- p4:-
        5     p3 c>*        | p1:- p4:-
        7     p3 a>*        | p1:- p4:-
        7     p3 b>*        | p2:- p4:-
        7     p3 c>*        | p1:- p4:-
        7     p3 d>*        | p2:- p4:-
        7     p3 e>*        | p2:- p4:-
        """),
    "balance-tcp": ("bond_mode=balance-tcp", """
        1     p3 a>*        | p4:-
        1     p1 b>*        |
        1     p2 b>a        |
        2     down p1       |
        2     p3 a>*        | p4:-
        """),
}


def set_up_lines(settings: str) -> list[str]:
    return [command(line) for line in SET_UP.format(settings).strip().splitlines()]


def steps(table: str) -> list[tuple[float, str, str]]:
    """(time, action, what left) for each row."""
    rows = (line.strip().partition("|") for line in table.strip().splitlines())
    return [(float(left.split()[0]), left.split(None, 1)[1].strip(), right.strip()) for left, _, right in rows]


def command(action: str) -> str:
    """``down p1`` as OVS says it; other commands as they are."""
    word, *ports = action.split()
    return f"ovs-appctl netdev-dummy/set-admin-state {' '.join([*ports, word])}" if word in ("up", "down") else action


def frame_of(action: str) -> tuple[str, bytes] | None:
    """Port and bytes, or None for a command."""
    port, *words = action.split()
    if not words or ">" not in words[0]:
        return None
    hosts, kinds = words[0], words[1:]
    if "grat" in kinds:
        source = mac(hosts[0])
        arp = bytes.fromhex("0001080006040001") + source + b"\x0a\0\0\1" + bytes(6) + b"\x0a\0\0\1"
        return port, mac("*") + source + bytes.fromhex("0806") + arp
    if "big" in kinds:
        return port, frame(hosts) + bytes(39_940)
    return port, frame(hosts, kinds[0] if kinds else None)


def seen(outputs: list[tuple[str, bytes]]) -> str:
    """What left, by port; within a port in the order in which it left. The bridges' own ports are left out."""
    texts = []
    for port, data in outputs:
        tags = tags_of(data)
        at = 12 if tags == "-" else 12 + 4 * len(tags.split("+"))
        is_rarp = data[at : at + 2] == b"\x80\x35"
        if is_rarp:
            host = chr(data[11])
            vlan = b"" if tags == "-" else tag(tags)
            arp = bytes.fromhex("0001080006040003") + (mac(host) + bytes(4)) * 2
            assert data == mac("*") + mac(host) + vlan + b"\x80\x35" + arp
        texts.append(f"{port}:{tags}" + (f"!{host}" if is_rarp else ""))
    return " ".join(sorted((text for text in texts if not text.startswith("br")), key=lambda text: text.split(":")[0]))


@pytest.mark.parametrize("name", TABLES)
def test_table(name: str) -> None:
    settings, table = TABLES[name]
    node = Node()
    for line in set_up_lines(settings):
        node.run(line)
    node.take_outputs()
    for time_s, action, expected in steps(table):
        arriving = frame_of(action)
        if arriving is None:
            node.warp(round((time_s - node.time_s) * 1000))
            node.run(command(action))
            outputs = node.take_outputs()
        else:
            sent = node.send(*arriving, time=time_s)
            outputs = [*node.take_outputs(), *sent]
        assert seen(outputs) == expected, f"{time_s} {action}"


@pytest.mark.parametrize("name", ["active-backup", "delays", "balance-slb", "rebalance"])
def test_tables_are_what_ovs_does(name: str, tmp_path: Path) -> None:
    """The rows are not made up: a real Open vSwitch gives them (four tables, to save time)."""
    oracle_folder = str(need_oracle())
    if oracle_folder not in sys.path:
        sys.path.insert(0, oracle_folder)
    import oracle

    settings, table = TABLES[name]
    trace = []
    for time_s, action, _ in steps(table):
        arriving = frame_of(action)
        what = {"cmd": command(action)} if arriving is None else {"port": arriving[0], "pkt": arriving[1].hex()}
        trace.append({"t": time_s, **what})
    case = tmp_path / "case.json"
    case.write_text(json.dumps({"id": name, "setup": set_up_lines(settings), "trace": trace, "options": {}}))
    answer = oracle.run_case(oracle.load_case(str(case)))
    got = [
        seen([(port, bytes.fromhex(data)) for port, frames in event.get("out", {}).items() for data in frames])
        for event in answer["events"]
    ]
    assert got == [expected for _, _, expected in steps(table)]


def bond_node(settings: str = "") -> Node:
    node = Node()
    for line in set_up_lines(settings):
        node.run(line)
    return node


def test_learning_packets_count_as_the_bridges_own() -> None:
    """As in OVS: sent by the member, received by the bridge's own port, and in no flow."""
    node = bond_node()
    node.send("p3", frame("a>*"), time=1)
    node.run("ovs-appctl netdev-dummy/set-admin-state p1 down")
    assert [port for port, _ in node.take_outputs()] == ["p2"]
    assert node.take_outputs() == []
    assert (node.port("p2").counters["tx_packets"], node.port("p2").counters["tx_bytes"]) == (1, 42)
    assert (node.port("br0").counters["rx_packets"], node.port("br0").counters["rx_bytes"]) == (1, 42)
    assert [flow.n_packets for flow in node.bridges()[0].flow_stats()] == [1]


def test_a_replay_writes_learning_packets(tmp_path: Path) -> None:
    """A delay that is over in the middle of a replay: the announcement is in the member's capture, and of no frame."""
    node = bond_node("bond_downdelay=1000")
    node.send("p3", frame("a>*"), time=0)
    node.run("ovs-appctl netdev-dummy/set-admin-state p1 down")
    with PcapWriter(str(tmp_path / "p3.pcap")) as writer:
        for time_s in (0, 0.5, 1.5, 1.7):
            writer.write(round((100 + time_s) * 10**9), frame("b>*"))
    result = replay(node, {"p3": str(tmp_path / "p3.pcap")}, tmp_path / "out")
    sent = [(round(record.time_ns / 1e9 - 100, 3), seen([("p2", record.data)])) for record in CaptureReader(
        str(tmp_path / "out" / "p2.pcap"))]
    assert sent == [(1.5, "p2:-!a"), (1.5, "p2:-!b"), (1.5, "p2:-"), (1.7, "p2:-")]
    assert node.take_outputs() == []
    assert [result.outputs["frame"][row] == OWN_FRAME for row in range(6, 9)] == [True, True, False]
    assert list(result.fates["first_output"]) == [0, 3, 8, 11]
    assert result.frames_out == 14


def test_a_call_fails_over_at_the_next_frame() -> None:
    """A change that no command made is seen before the next frame."""
    node = bond_node()
    node.send("p3", frame("a>*"))
    node.bridges()[0].port_mod("p1", "down", True)
    assert "p2" in {port for port, _ in node.send("p3", frame("a>*"))}
    assert [port for port, _ in node.take_outputs()] == ["p2"]


def test_fates() -> None:
    node = bond_node()
    node.send("p2", frame("a>*"))
    node.send("p1", frame("b>*"))
    for port in ("p1", "p2"):
        node.bridges()[0].port_mod(port, "down", True)
    node.send("p3", frame("c>b"))
    assert node.datapath.fates == {"DELIVERED": 1, "BOND_NOT_ADMISSIBLE": 1, "BOND_WITHOUT_MEMBER": 1}


SHOW = """\
---- bond0 ----
bond_mode: balance-slb
bond may use recirculation: no, Recirc-ID : -1
bond-hash-basis: 3
lb_output action: disabled, bond-id: -1
all members active: false
updelay: 0 ms
downdelay: 500 ms
next rebalance: 8800 ms
lacp_status: off
lacp_fallback_ab: false
active-backup primary: <none>
active member mac: {p1}(p1)

member p1: enabled
  active member
  downdelay expires in 300 ms
  may_enable: false
  hash 18: 39 kB load

member p2: enabled
  may_enable: true
  hash 226: 39 kB load

"""


def test_show() -> None:
    """Asked of Open vSwitch with the same commands; addresses apart."""
    node = bond_node("bond_mode=balance-slb other_config:bond-hash-basis=3")
    node.run("ovs-vsctl set Port bond0 bond_downdelay=500")
    for action in ("p3 a>* big", "p3 b>* big"):
        arriving = frame_of(action)
        assert arriving is not None
        node.send(*arriving, time=1)
    node.run("ovs-appctl netdev-dummy/set-admin-state p1 down")
    node.warp(200)
    address = node.run("ovs-vsctl get Port bond0 bond_active_slave").strip().strip('"')
    text = node.run("ovs-appctl bond/show bond0")
    assert address != "00:00:00:00:00:00"
    assert text == SHOW.format(p1=address)
    assert node.run("ovs-appctl bond/list") == "bond\ttype\trecircID\tmembers\nbond0\tbalance-slb\t1\tp1, p2\n"


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("bond/hash 02:00:00:00:00:01", "38"),
        ("bond/hash 02:00:00:00:00:01 10", "218"),
        ("bond/hash 02:00:00:00:00:01 10 4294967295", "11"),
        ("bond/hash 02:00:00:00:00:zz", "invalid mac"),
        ("bond/hash 02:00:00:00:00:01 x", "invalid vlan"),
        ("bond/hash 02:00:00:00:00:01 1 x", "invalid basis"),
        ("bond/show nix", "no such bond"),
        ("bond/set-active-member bond0 p3", "no such member"),
        ("bond/set-active-member bond0 p1", "no change"),
        ("bond/set-active-slave bond0 p2", "done"),
        ("bond/migrate bond0 1 p1", "not an SLB bond"),
        ("bond/enable-member bond0 p1", "enabled"),
        ("bond/disable-member bond0 p1", "disabled"),
        ("bond/nix", '"bond/nix" is not a valid command (use "list-commands" to see a list of valid commands)'),
    ],
)
def test_commands(line: str, answer: str) -> None:
    """Their words."""
    node = bond_node()
    try:
        text = node.run(f"ovs-appctl {line}")
    except CommandError as error:
        text = error.output
    assert text.splitlines()[0] == answer


def test_lacp_is_refused() -> None:
    """Not supported yet, and said so."""
    with pytest.raises((ConfigError, CommandError), match="lacp=active is not supported yet"):
        bond_node("lacp=active")
