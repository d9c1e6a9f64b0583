"""Traces over nodes: every step is what the frame does there, and they end where a replay's copies end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shared import CHECKOUT
from tests.switch.frames import frame
from vswitch import Node, Topology, load
from vswitch.capture import CaptureReader, PcapWriter
from vswitch.cli.main import main
from vswitch.datapath.fate import FATES
from vswitch.explain import journey as journey_module
from vswitch.explain.journey import Journey
from vswitch.switch.topology import Wire

SCENARIOS = sorted(path.parent.name for path in CHECKOUT.glob("pcaps/*/topology.yaml"))
VXLAN = CHECKOUT / "pcaps" / "two-hosts-vxlan"


def first_frame(path: object) -> bytes:
    with CaptureReader(path) as reader:
        return bytes(next(iter(reader)).data)


def build(wires: list[Wire], hop_limit: int = 255, **nodes: str) -> Topology:
    made = {}
    for name, lines in nodes.items():
        made[name] = Node()
        for line in lines.strip().splitlines():
            made[name].run(line)
    return Topology("", made, wires=wires, hop_limit=hop_limit)


def ways(journey: Journey) -> list[tuple[str, int]]:
    return [(f"{step.node}/{step.port}", step.n_wires) for step in journey.steps]


def set_aside(ports: list[str], gone: set[str]) -> list[str]:
    return [port for port in ports if port not in gone]


@pytest.mark.parametrize("name", SCENARIOS)
def test_ends_where_a_replay_ends(name: str, tmp_path: Path) -> None:
    folder = CHECKOUT / "pcaps" / name
    for port, path in load(folder).inputs:
        data = first_frame(path)
        with PcapWriter(tmp_path / "one.pcap") as writer:
            writer.write(1_700_000_000_000_000_000, data)
        topology = load(folder)
        journey = topology.explain(port, data)
        result = topology.replay({port: tmp_path / "one.pcap"})
        assert len([step for step in journey.steps if step.is_wire]) == result.from_wires
        ends = [end for wire in topology.wires for end in wire.ends]
        on_wires = {f"{node}/{topology.nodes[node].port(name).name}" for node, name in ends}
        left = [name for n in range(1, result.frames_in + 1) for name in result.frame(n).outputs]
        assert sorted(output.port for output in journey.outputs) == sorted(set_aside(left, on_wires))


def test_the_outer_headers_are_those_of_the_replay() -> None:
    journey = load(VXLAN).explain("host1/vm1", first_frame(VXLAN / "in/host1/vm1.pcap"))
    sent = first_frame(CHECKOUT / "tests/golden/two-hosts-vxlan/host1/eth0.pcap")
    assert journey.steps[1].explanation is not None
    assert f"tp_src={int.from_bytes(sent[34:36])},tp_dst=4789" in journey.steps[1].explanation.flow
    outer = load(VXLAN).explain("host2/eth0", sent)
    assert [step.explanation for step in outer.steps] == [step.explanation for step in journey.steps[1:]]
    assert [output.port for output in outer.outputs] == ["host2/vm3", "host2/br-int"]


def test_its_text_has_a_trace_for_each_step() -> None:
    journey = load(VXLAN).explain("host1/vm1", first_frame(VXLAN / "in/host1/vm1.pcap"))
    text = str(journey)
    rule = "=" * 79
    heads = re.findall(f"{rule}\n(.*)\n{rule}\nFlow: ", text)
    assert heads == [
        "host1/vm1", "host2/eth0: over a wire from host1/eth0", "host2/vxlan-c0000201: out of a tunnel to host2/br-phy",
    ]  # fmt: skip
    assert text.endswith("\nOutputs: host1/br-int, host2/vm3, host2/br-int\n")
    for step in journey.steps:
        assert str(step.explanation) in text


def test_one_node_alone_prints_what_ofproto_trace_prints(tmp_path: Path) -> None:
    topology = load(CHECKOUT / "pcaps" / "compute-host")
    data = first_frame(CHECKOUT / "pcaps/compute-host/in/vm1.pcap")
    assert str(topology.explain("vm1", data)) == str(topology.node.explain("vm1", data))


SEGMENT = "ovs-vsctl add-br br0 -- add-port br0 eth0 -- add-port br0 vm -- set Port br0 tag=9"


def test_a_segment_has_a_walk_for_each_receiver_in_order_of_time() -> None:
    wires = [
        Wire((("a", "eth0"), ("b", "eth0"), ("c", "eth0")), 1500),
        Wire((("c", "vm"), ("d", "eth0")), 20_000_000),
    ]
    journey = build(wires, a=SEGMENT, b=SEGMENT, c=SEGMENT, d=SEGMENT).explain("a/vm", "arp")
    assert [(f"{step.node}/{step.port}", step.time_ns, step.cause) for step in journey.steps] == [
        ("a/vm", 0, None), ("b/eth0", 1500, 0), ("c/eth0", 1500, 0), ("d/eth0", 20_001_500, 2),
    ]  # fmt: skip
    assert [(output.port, output.time_ns) for output in journey.outputs] == [("b/vm", 1500), ("d/vm", 20_001_500)]
    assert "d/eth0: over a wire from c/vm, after 20.0015ms\n" in str(journey)
    assert str(journey).endswith("Outputs: b/vm (after 1.5us), d/vm (after 20.0015ms)\n")


LOOP = "ovs-vsctl add-br br0 -- set Port br0 tag=9 -- add-port br0 e1 -- add-port br0 e2 -- add-port br0 vm"
LOOP_WIRES = [Wire((("a", "e1"), ("b", "e1"))), Wire((("a", "e2"), ("b", "e2")))]


def test_a_loop_is_given_up_where_it_repeats_itself() -> None:
    journey = build(LOOP_WIRES, a=LOOP, b=LOOP).explain("a/vm", "arp")
    ends = [step for step in journey.steps if step.reason]
    assert [(step.node, step.port, step.n_wires) for step in ends] == [("b", "e1", 3), ("b", "e2", 3)]
    assert all("loop" in step.reason and "255" in step.reason and step.explanation is None for step in ends)


def test_the_hop_limit_ends_a_way() -> None:
    journey = build(LOOP_WIRES, 2, a=LOOP, b=LOOP).explain("a/vm", "arp")
    ends = [(step.node, step.n_wires, step.reason.split(":")[0]) for step in journey.steps if step.reason]
    assert ends == [("b", 3, "WIRE_LOOP"), ("b", 3, "WIRE_LOOP")]
    assert "WIRE_LOOP" in {name for name, _ in FATES.values()}


# A tunnel between two nodes, of any kind, over either IP.

UNDERLAY = """
ovs-vsctl add-br br-phy -- set Bridge br-phy other_config:hwaddr="02:00:00:00:10:0{own}" -- add-port br-phy eth0
ip addr add {local} dev br-phy
ip neigh add {remote} lladdr 02:00:00:00:10:0{far} dev br-phy
ovs-vsctl add-br br0 -- set-fail-mode br0 secure -- add-port br0 vm -- set Interface vm ofport_request=1
ovs-vsctl add-port br0 tun -- set Interface tun ofport_request=2 type={type} options:remote_ip={remote} {options}
"""
IPV4, IPV6 = ("192.0.2.1/24", "192.0.2.2/24"), ("2001:db8::1/64", "2001:db8::2/64")


def tunnelled(addresses: tuple[str, str], type: str, options: str, more_options: str | None = None) -> Topology:
    nodes = {}
    for name, own, far in (("a", 1, 2), ("b", 2, 1)):
        nodes[name] = UNDERLAY.format(
            own=own, far=far, local=addresses[own - 1], remote=addresses[far - 1].split("/")[0], type=type,
            options=options if own == 1 or more_options is None else more_options,
        )
    topology = build([Wire((("a", "eth0"), ("b", "eth0")))], **nodes)
    for node in topology.nodes.values():
        node.run("ovs-ofctl add-flow br0 'in_port=1,actions=load:7->NXM_NX_TUN_ID[],output:2'")
        node.run("ovs-ofctl add-flow br0 in_port=2,actions=output:1")
    return topology


@pytest.mark.parametrize("addresses", [IPV4, IPV6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize(
    ("type", "options", "flags"),
    [
        ("vxlan", "options:key=flow", "key"), ("vxlan", "options:key=7 options:csum=true options:exts=gpe", "csum|key"),
        ("geneve", "options:key=flow", "key"), ("gre", "options:key=7 options:seq=true options:csum=true", "csum|key"),
        ("gre", "", "0"),
    ],
)  # fmt: skip
def test_out_of_the_far_end(
    addresses: tuple[str, str], type: str, options: str, flags: str, tmp_path: Path
) -> None:
    topology = tunnelled(addresses, type, options)
    journey = topology.explain("a/vm", frame("x>y"))
    assert ways(journey) == [("a/vm", 0), ("b/eth0", 1), ("b/tun", 1)]
    assert [output.port for output in journey.outputs] == ["b/vm"]
    if addresses is IPV6 and type != "gre":
        flags = "csum|key"  # UDP over IPv6 has a checksum
    inner = journey.steps[2].explanation
    assert inner is not None
    assert f"tun_flags={flags},in_port=tun" in inner.flow
    # The same frame as bytes: what a replay puts on the wire is explained alike.
    with PcapWriter(tmp_path / "in.pcap") as writer:
        writer.write(1_700_000_000_000_000_000, frame("x>y"))
    topology.replay({"a/vm": tmp_path / "in.pcap"}, tmp_path / "out")
    fresh = tunnelled(addresses, type, options)
    outer = fresh.explain("b/eth0", first_frame(tmp_path / "out/a/eth0.pcap"))
    assert [step.explanation for step in outer.steps] == [step.explanation for step in journey.steps[1:]]


def test_options_of_geneve_mean_what_the_far_map_says() -> None:
    topology = tunnelled(IPV4, "geneve", "options:key=flow")
    for node, first, second in (("a", 0, 1), ("b", 5, 3)):
        mapping = f"{{class=1,type=1,len=4}}->tun_metadata{first},{{class=1,type=2,len=8}}->tun_metadata{second}"
        topology.nodes[node].run(f'ovs-ofctl add-tlv-map br0 "{mapping}"')
    topology.nodes["a"].run("ovs-ofctl add-flow br0 'in_port=1,actions=set_field:9->tun_metadata1,output:2'")
    topology.nodes["b"].run("ovs-ofctl add-flow br0 in_port=2,tun_metadata3=9,priority=40000,actions=output:1")
    journey = topology.explain("a/vm", "ip")
    assert journey.steps[2].explanation is not None
    assert "tun_metadata3=0x9," in journey.steps[2].explanation.flow
    assert "tun_metadata3=0x9,in_port=tun, priority 40000" in str(journey)


@pytest.mark.parametrize(
    ("near", "far", "start", "reason"),
    [
        ("options:key=7", "options:key=8", "a/vm", "TUNNEL_NO_PORT"),
        ("options:key=7", "options:key=7", "b/eth0", "not known"),
    ],
)
def test_why_nothing_comes_out(near: str, far: str, start: str, reason: str) -> None:
    topology = tunnelled(IPV4, "vxlan", near, far)
    flow = "udp,dl_dst=02:00:00:00:10:02,nw_dst=192.0.2.2,tp_dst=4789" if start == "b/eth0" else "ip"
    journey = topology.explain(start, flow)
    assert reason in journey.steps[-1].reason
    assert journey.outputs == []
    assert str(journey).endswith("Outputs: none\n")


def test_headers_that_are_wrong_end_at_the_tunnel() -> None:
    sent = bytearray(first_frame(CHECKOUT / "tests/golden/two-hosts-vxlan/host1/eth0.pcap"))
    sent[42] = 0  # VXLAN's flags: no VNI
    journey = load(VXLAN).explain("host2/eth0", bytes(sent))
    assert journey.steps[-1].reason.startswith("TUNNEL_INVALID")


def test_a_neighbour_that_nobody_knows_is_where_it_ends() -> None:
    topology = tunnelled(IPV4, "vxlan", "options:key=7")
    topology.nodes["a"].run("ip neigh del 192.0.2.2 dev br-phy")
    journey = topology.explain("a/vm", "ip")
    assert ways(journey) == [("a/vm", 0)]
    assert "neighbor cache miss for 192.0.2.2 on bridge br-phy, sending ARP request" in str(journey)


def test_nothing_is_learned_on_any_node() -> None:
    topology = load(VXLAN)
    data = first_frame(VXLAN / "in/host1/vm1.pcap")
    before = str(topology.explain("host1/vm1", data))
    assert str(topology.explain("host1/vm1", data)) == before
    for node in topology.nodes.values():
        assert node.run("ovs-appctl fdb/show br-int").count("\n") == 1
        assert "table=20, priority=1" not in node.run("ovs-ofctl dump-flows br-tun")


def trace(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["trace", *arguments])
    out, error = capsys.readouterr()
    return status, out, error


def test_the_verb_follows_a_frame_of_a_capture(capsys: pytest.CaptureFixture[str]) -> None:
    path = VXLAN / "in/host1/vm1.pcap"
    status, out, _ = trace(capsys, str(VXLAN), "--in", f"host1/vm1={path}", "--frame", "1")
    assert (status, out) == (0, str(load(VXLAN).explain("host1/vm1", first_frame(path))))
    status, out, _ = trace(capsys, str(VXLAN), "--in", f"vm1={path}", "--node", "host1")
    assert (status, out) == (0, str(load(VXLAN).explain("host1/vm1", first_frame(path))))


@pytest.mark.parametrize(
    "words", [["host1/vm1", "arp"], ["vm1", "arp"], ["host1/br-int", "in_port=vm1,arp"], ["host1/br-int/vm1", "arp"]]
)
def test_where_it_comes_in(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert trace(capsys, str(VXLAN), *words) == (0, str(load(VXLAN).explain("host1/vm1", "arp")), "")


def test_after_a_replay_tables_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    flow = "icmp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:03"
    _, before, _ = trace(capsys, str(VXLAN), "host1/vm1", flow)
    _, after, _ = trace(capsys, str(VXLAN), "host1/vm1", flow, "--after-replay")
    assert before.splitlines()[-1] == "Outputs: host1/br-int, host2/vm3, host2/br-int"
    assert after.splitlines()[-1] == "Outputs: host2/vm3"


@pytest.mark.parametrize(
    ("words", "problem", "hint"),
    [
        (["br-int", "ip"], "which bridge?", "name one of host1/br-int, host2/br-int before the flow"),
        (["host1/vmx", "ip"], "no port named vmx", "did you mean vm"),
        (["host9/vm1", "ip"], "no port named host9/vm1", 'did you mean "host1/vm1"'),
        (["host1/vm1", "nonsense"], "nonsense", ""),
        (["--in", "host1/vm1=pcaps/two-hosts-vxlan/in/host1/vm1.pcap", "--frame", "99"], "no frame 99", "it has 5"),
        (["--in", "host1/vm9=pcaps/two-hosts-vxlan/in/host1/vm1.pcap"], "no port named vm9", "did you mean vm"),
        (["--node", "host3"], "no node named host3", 'did you mean "host'),
        ([], "what shall be traced?", ""),
    ],
)
def test_what_is_wrong_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], problem: str, hint: str
) -> None:
    monkeypatch.chdir(CHECKOUT)
    status, out, error = trace(capsys, str(VXLAN), *words)
    assert (status, out) == (2, "")
    assert problem in error
    assert hint in error


def test_a_storm_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journey_module, "MAX_STEPS", 4)
    wires = [Wire(tuple((name, "eth0") for name in "abcdef"))]
    journey = build(wires, **dict.fromkeys("abcdef", SEGMENT)).explain("a/vm", "arp")
    assert (len(journey.steps), journey.is_cut) == (4, True)
    assert ">>>> over 4 steps: the rest is left out <<<<" in str(journey)


def test_a_tunnel_within_a_node_alone() -> None:
    """What is for the node's own address comes out again: another step, though there is no wire."""
    facts = {"own": 1, "far": 9, "local": "192.0.2.1/24", "remote": "192.0.2.9"}
    topology = build([], a=UNDERLAY.format(type="vxlan", options="options:key=7", **facts))
    topology.nodes["a"].run("ovs-ofctl add-flow br0 in_port=2,actions=output:1")
    sent = bytearray(first_frame(CHECKOUT / "tests/golden/two-hosts-vxlan/host1/eth0.pcap"))
    journey = topology.explain("a/eth0", "udp,dl_dst=02:00:00:00:10:01,nw_dst=192.0.2.1,tp_dst=4789")
    assert ways(journey) == [("a/eth0", 0)]
    assert "not known" in str(journey)
    sent[:6] = bytes.fromhex("020000001001")
    sent[26:34] = bytes([192, 0, 2, 9, 192, 0, 2, 1])
    sent[24:26] = ip_checksum(sent[14:34])
    sent[46:49] = (7).to_bytes(3)
    journey = topology.explain("a/eth0", bytes(sent))
    assert ways(journey) == [("a/eth0", 0), ("a/tun", 0)]
    assert [output.port for output in journey.outputs] == ["a/vm"]


def ip_checksum(header: bytes) -> bytes:
    header = header[:10] + bytes(2) + header[12:]
    total = sum(int.from_bytes(header[i : i + 2]) for i in range(0, 20, 2))
    return (~(total % 0xFFFF) & 0xFFFF).to_bytes(2)


def test_what_is_cut_on_its_way_into_a_tunnel_is_followed(tmp_path):
    for host in (1, 2):
        (tmp_path / f"host{host}.ovs").write_text(
            "ovs-vsctl add-br br-int\n"
            "ovs-vsctl add-port br-int vm -- set Interface vm ofport_request=1\n"
            f"ovs-vsctl add-port br-int t -- set Interface t type=vxlan options:remote_ip=192.0.2.{3 - host}"
            " ofport_request=2\n"
            "ovs-ofctl add-flow br-int 'in_port=1,actions=output(port=2,max_len=60)'\n"
            f"ovs-vsctl add-br br-phy -- set Bridge br-phy other_config:hwaddr=02:00:00:00:10:0{host}\n"
            "ovs-vsctl add-port br-phy eth0\n"
            f"ip addr add 192.0.2.{host}/24 dev br-phy\n"
            f"ovs-appctl tnl/neigh/set br-phy 192.0.2.{3 - host} 02:00:00:00:10:0{3 - host}\n"
        )
    (tmp_path / "topology.yaml").write_text(
        "nodes: {host1: {setup: host1.ovs}, host2: {setup: host2.ovs}}\nwires: [[host1/eth0, host2/eth0]]\n"
    )
    topology = load(tmp_path)
    data = bytes.fromhex("020000000002 020000000001 1234") + bytes(range(100))
    journey = topology.explain("host1/vm", data)
    assert [f"{step.node}/{step.port}" for step in journey.steps] == ["host1/vm", "host2/eth0", "host2/t"]
    assert "host2/vm" in {output.port for output in journey.outputs}
    assert "recirc(0)" in str(journey.steps[0].explanation)
