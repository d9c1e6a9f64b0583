"""``topology.yaml``: what it builds, and where it is wrong."""

from __future__ import annotations

import textwrap

import pytest

from tests.switch.frames import frame
from vswitch import load
from vswitch.capture import PcapWriter
from vswitch.cli.main import main
from vswitch.errors import ConfigError
from vswitch.setups.durations import duration_ns
from vswitch.switch.inputs import Input
from vswitch.switch.topology import TimelineCommand, Wire

NODE = "[ovs-vsctl add-br br0, ovs-vsctl add-port br0 vm, ovs-vsctl add-port br0 eth]"
TWO = f"nodes:\n  a: {{setup: {NODE}}}\n  b: {{setup: {NODE}}}\n"


def write(tmp_path, text: str) -> str:
    path = tmp_path / "topology.yaml"
    path.write_text(textwrap.dedent(text))
    return str(path)


def capture(path, n: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with PcapWriter(path) as writer:
        for i in range(n):
            writer.write(1_700_000_000_000_000_000 + i * 1_000_000_000, frame("x>*"))


def test_everything_that_it_may_hold(tmp_path):
    (tmp_path / "c.ovs").write_text("ovs-vsctl add-br br0\novs-vsctl add-port br0 eth\n")
    capture(tmp_path / "captures" / "vm.pcap")
    path = write(tmp_path, """\
        # a comment
        nodes:
          a:
            setup: |
              ovs-vsctl add-br br0
              ovs-vsctl add-port br0 vm -- \\
                  add-port br0 eth
              ovs-ofctl add-flows br0 - <<EOF
              priority=7,arp,actions=drop
              EOF
          b: {setup: [ovs-vsctl add-br br0, "ovs-vsctl add-port br0 eth", ovs-vsctl add-port br0 eth2]}
          c: {setup: c.ovs}
        wires:
          - [a/eth, b/eth]
          - {segment: [b/br0/eth2, c/eth], latency: 1.5us}
        in: {a/vm: captures/vm.pcap}
        timeline:
          - {at: 2.5s, node: a, run: ovs-ofctl del-flows br0}
          - {at: 1ms, node: b, run: [ovs-appctl version, ovs-appctl fdb/flush]}
        hop_limit: 12
        """)  # fmt: skip
    topology = load(path)
    assert list(topology.nodes) == ["a", "b", "c"]
    assert [port.name for port in topology.nodes["a"].ports()] == ["br0", "vm", "eth"]
    assert "priority=7,arp" in topology.nodes["a"].bridge("br0").flows_text()
    assert topology.wires == [
        Wire((("a", "br0/eth"), ("b", "br0/eth"))),
        Wire((("b", "br0/eth2"), ("c", "br0/eth")), 1500),
    ]
    assert topology.inputs == [Input("a/vm", str(tmp_path / "captures" / "vm.pcap"))]
    assert topology.timeline == [
        TimelineCommand(2_500_000_000, "a", "ovs-ofctl del-flows br0", f"{path}:18:30"),
        TimelineCommand(1_000_000, "b", "ovs-appctl version", f"{path}:19:30"),
        TimelineCommand(1_000_000, "b", "ovs-appctl fdb/flush", f"{path}:19:50"),
    ]
    assert topology.hop_limit == 12


def test_a_folder_brings_captures_by_node(tmp_path):
    write(tmp_path, TWO + "wires:\n  - [a/eth, b/eth]\n")
    capture(tmp_path / "in" / "a" / "vm.pcap", 2)
    capture(tmp_path / "in" / "b" / "vm.pcap")
    topology = load(tmp_path)
    assert [port for port, _ in topology.inputs] == ["a/vm", "b/vm"]
    result = topology.replay()
    assert (result.frames_in, result.from_wires) == (6, 3)
    (tmp_path / "in" / "bb").mkdir()
    with pytest.raises(ConfigError, match="not a node's folder") as caught:
        load(tmp_path)
    assert 'did you mean "b"?' in caught.value.hint
    (tmp_path / "setup.ovs").write_text("")
    with pytest.raises(ConfigError, match=r"both setup.ovs and topology.yaml"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "place", "problem", "hint"),
    [
        ("", "1:1", "there is nothing in it", "a mapping with nodes"),
        ("nodes: [a]", "1:8", "a list cannot stand here", "a node's name to its setup"),
        ("nodes: {}", "1:8", "too few: 0", "a mapping of a node's name"),
        ("nodes:\n  a: {}\n", "2:6", "setup is missing", "the path of an OVS script"),
        ("nodes:\n  a: {setp: x}\n", "2:7", "unknown word setp", 'did you mean "setup"?'),
        ("nodes:\n  a: {setup: x.ovs, image: y}\n", "2:21", "unknown word image", "known here: setup"),
        ("nodes:\n  a: {setup: x.ovs}\n", "2:14", "there is no file x.ovs", "a path beside this file"),
        ("nodes:\n  a: {setup: 7}\n", "2:14", "7 cannot stand here", "a block (|) or a list"),
        ("nodes:\n  a: {setup: [7]}\n", "2:15", "7 cannot stand here", "a line of an OVS script"),
        ("nodes:\n  a/b: {setup: [ovs-vsctl add-br br0]}\n", "2:3", "a node cannot be named 'a/b'", "without a slash"),
        ("nodes:\n  a: {setup: x}\n  a: {setup: y}\n", "3:3", "a is given twice", ""),
        ("nodes:\n  a: {setup: [ovs-vsctl add-bridge br0]}\n", "2:25", "unknown command", "add-br"),
        ("nodes:\n  a:\n    setup: |\n\n      ovs-vsctl add-br b\n      ovs-vsctl ad-br c\n", "6:17", "", "add-br"),
        ("nodes: {a: {setup: [ovs-vsctl add-br b]}\n", "2:1", "expected ',' or '}'", ""),
        ("nodes:\n  a\x07: 1\n", "2:4", "no YAML: the character '\\x07'", ""),
        ("nodes:\n\ta: 1\n", "2:1", "cannot start any token", ""),
        (TWO + "wire: []\n", "4:1", "unknown word wire", 'did you mean "wires"?; known here: devices, duration'),
        (TWO + "wires: [[a/eth]]\n", "4:9", "too few: 1", "two ports"),
        (TWO + "wires: [[a/eth, b/eth, a/vm]]\n", "4:9", "too many: 3", "a segment"),
        (TWO + "wires: [[a/eth, eth]]\n", "4:17", "'eth' cannot stand here", "NODE/PORT"),
        (TWO + "wires: [a/eth]\n", "4:9", "'a/eth' cannot stand here", "two ports"),
        (TWO + "wires: [[a/eth, c/eth]]\n", "4:17", "no node named c", "there are a, b"),
        (TWO + "wires: [[a/eth, b/ethh]]\n", "4:17", "node b has no port ethh", '"eth"?; there are br0, eth, vm'),
        (TWO + "wires:\n  - [a/eth, b/eth]\n  - [a/vm, b/br0/eth]\n", "6:12", "b/br0/eth is on a wire", "is at 5:13"),
        (TWO + "wires: [[a/eth, a/eth]]\n", "4:17", "a/eth is on a wire already", "4:10"),
        (TWO + "wires: [{segment: [a/eth, b/eth], latency: 10}]\n", "4:44", "10 cannot stand here", "a time with"),
        (TWO + "wires: [{segment: [a/eth, b/eth], latency: -1us}]\n", "4:44", "'-1us' cannot stand here", "2.5s"),
        (TWO + "wires: [{latency: 1us}]\n", "4:9", "segment is missing", ""),
        (TWO + "wires: [{segment: [a/eth, b/eth], delay: 1us}]\n", "4:35", "unknown word delay", 'latency'),
        (TWO + "in: {a/vn: x.pcap}\n", "4:6", "node a has no port vn", 'did you mean "vm"?'),
        (TWO + "in: {vm: x.pcap}\n", "4:6", "vm names no port", "NODE/PORT"),
        (TWO + "in: {a/vm: x.pcap}\n", "4:12", "there is no file x.pcap", "beside"),
        (TWO + "timeline: [{at: 1s, node: c, run: x}]\n", "4:27", "no node named c", "there are a, b"),
        (TWO + "timeline: [{at: 1 s, node: a, run: x}]\n", "4:17", "'1 s' cannot stand here", "2.5s, 10ms"),
        (TWO + "timeline: [{at: 1s, run: x}]\n", "4:12", "node is missing", "at: a time since"),
        (TWO + "timeline: [{at: 1s, run: x, nod: a}]\n", "4:29", "unknown word nod", 'did you mean "node"?'),
        (TWO + "timeline: [{at: 9999999999s, node: a, run: x}]\n", "4:17", "9999999999s is too long", "1000000000s"),
        (TWO + "timeline: [{at: 1s, node: a, run: ovs-vsctk show}]\n", "4:35", "unknown command", '"ovs-vsctl"'),
        (TWO + "timeline: [{at: 1s, node: a, run: sudo tc qdisc}]\n", "4:35", "tc is not supported yet", "README"),
        (TWO + "timeline:\n  - {at: 1s, node: a, run: [ip link, ip 'x]}\n", "5:38", "never closed", ""),
        (TWO + "wires: [{segment: [a/eth, b/eth], latency: 1001s}]\n", "4:44", "1001s is too long", "at most 1000s"),
        (TWO + "hop_limit: 0\n", "4:12", "0 cannot stand here", "1 to 65534"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(tmp_path, text, place, problem, hint):
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert caught.value.where == f"{path}:{place}"
    assert problem in caught.value.problem
    assert hint in caught.value.hint


def test_a_node_alone_may_be_named(tmp_path):
    """Its captures and taps, as with several."""
    capture(tmp_path / "x.pcap")
    path = write(tmp_path, f"nodes:\n  a: {{setup: {NODE}}}\nin: {{a/vm: x.pcap}}\n")
    assert load(path).replay().frames_in == 1
    result = load(path).replay({"a/br0/eth": tmp_path / "x.pcap"}, tmp_path / "out", taps={"t": "a/vm"})
    assert result.ports["eth"].rx_frames == 1
    assert (tmp_path / "out" / "taps" / "t.pcap").stat().st_size > 24


@pytest.mark.parametrize(
    ("lines", "port", "kind"),
    [
        ("ovs-vsctl add-port br0 p -- set Interface p type=patch options:peer=q", "p", "a patch port"),
        ("ovs-vsctl add-port br0 t -- set Interface t type=vxlan options:remote_ip=10.0.0.1", "t", "a tunnel"),
    ],
)
def test_no_wire_at_a_port_without_a_cable(tmp_path, lines, port, kind):
    text = TWO.replace("ovs-vsctl add-port br0 vm, ", f'"{lines}", ', 1)
    path = write(tmp_path, text + f"wires:\n  - [b/vm, a/{port}]\n")
    with pytest.raises(ConfigError, match=f"a/{port} is {kind}, where no wire can be plugged in") as caught:
        load(path)
    assert caught.value.where == f"{path}:5:12"


@pytest.mark.parametrize(
    ("text", "ns"),
    [("0s", 0), ("200ns", 200), ("10us", 10_000), ("2.5s", 2_500_000_000), ("0.1ms", 100_000), ("0.1ns", 0)],
)
def test_durations(text, ns):
    assert duration_ns(text) == ns


def test_a_command_of_the_timeline_that_is_refused(tmp_path, capsys):
    path = write(tmp_path, TWO + "in: {a/vm: vm.pcap}\ntimeline:\n  - {at: 0s, node: a, run: ovs-vsctl del-br nope}\n")
    capture(tmp_path / "vm.pcap")
    assert main(["replay", path, "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith(f"vswitch: {path}:6:28: ovs-vsctl: no bridge named nope")
    assert not (tmp_path / "out").exists()


def test_commands_of_the_cli(tmp_path, capsys):
    path = write(tmp_path, TWO + "wires:\n  - [a/eth, b/eth]\n")
    capture(tmp_path / "vm.pcap")
    arguments = ["replay", path, "--in", f"a/vm={tmp_path}/vm.pcap", "--summary", "json"]
    assert (
        main([*arguments, "--out", str(tmp_path / "out"), "--tap", "t=b/eth", "--fates", str(tmp_path / "f.csv")]) == 0
    )
    assert '"from_wires": 1' in capsys.readouterr().out
    assert (tmp_path / "out" / "taps" / "t.pcap").stat().st_size == 24 + 16 + 60
    assert [line.split(",")[2] for line in (tmp_path / "f.csv").read_text().splitlines()] == [
        "in_port",
        "a/vm",
        "b/eth",
    ]
    assert main([*arguments, "--out", str(tmp_path / "ng"), "--format", "pcapng"]) == 0
    assert (tmp_path / "ng" / "b" / "ports.pcapng").exists()
    for tap, problem in (("t", "not NAME=POINT"), ("t=b/etc", "no port named etc")):
        assert main([*arguments, "--out", str(tmp_path / "out2"), "--tap", tap]) == 2
        assert problem in capsys.readouterr().err
    assert main([*arguments, "--in", f"eth={tmp_path}/vm.pcap"]) == 2
    assert "which node's eth?" in capsys.readouterr().err
    assert main(["flows", path, "b/br0"]) == 0
    assert main(["show", path, "a"]) == 0
    assert main(["trace", path, "arp"]) == 2
    assert "which bridge?" in capsys.readouterr().err
    assert main(["trace", path, "br0", "in_port=vm,arp", "--node", "b"]) == 0
    assert 'bridge("br0")' in capsys.readouterr().out
    assert main(["trace", path, "br0", "arp", "--node", "c"]) == 2
    assert "no node named c" in capsys.readouterr().err
