"""Floating IPs of a distributed router: what is on the wires outside, which namespaces route a packet, who translates.

What is expected here is written by hand, from Neutron's guide to DVR and the sources of the L3 agent.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address
from pathlib import Path

import pytest

import vswitch
from tests.devices.packets import ICMP, UDP, eth, icmp, ip, udp
from tests.shared import need_module
from vswitch.capture import CaptureReader
from vswitch.neutron.fip_namespace import FipNamespaces
from vswitch.neutron.node_facts import read_facts
from vswitch.neutron.show import node_text
from vswitch.setups.cloud_file import parse_cloud

need_module("yaml")
need_module("jsonschema")

CLOUD = """\
networks:
  blue: {provider:segmentation_id: 1001, subnets: [10.0.1.0/24]}
  green: {provider:segmentation_id: 1002, subnets: [10.0.2.0/24]}
  public: {router:external: true, subnets: [203.0.113.0/24]}
routers:
  r: {distributed: true, interfaces: [blue, green], external_gateway_info: {network: public, external_fixed_ips: [203.0.113.2]}}
ports:
  vm1: {network: blue, host: c1, mac_address: 'fa:16:3e:00:01:01', fixed_ips: [10.0.1.11]}
  vm2: {network: green, host: c1, mac_address: 'fa:16:3e:00:01:02', fixed_ips: [10.0.2.12]}
  vm3: {network: green, host: c2, mac_address: 'fa:16:3e:00:01:03', fixed_ips: [10.0.2.13]}
  bare: {network: blue, host: c1, mac_address: 'fa:16:3e:00:01:04', fixed_ips: [10.0.1.14]}
  far: {network: blue, host: c3, mac_address: 'fa:16:3e:00:01:05', fixed_ips: [10.0.1.15]}
  cut: {network: blue, host: c4, mac_address: 'fa:16:3e:00:01:06', fixed_ips: [10.0.1.16]}
  web: {network: public, host: outside, mac_address: 'fa:16:3e:00:01:10', fixed_ips: [203.0.113.10]}
floating_ips:
  203.0.113.101: {port: vm1}
  203.0.113.102: {port: vm2}
  203.0.113.103: {port: vm3}
  203.0.113.105: {port: far}
  203.0.113.106: {port: cut}
agents: {l2_population: true}
hosts:
  c1: {local_ip: 192.0.2.1, enable_distributed_routing: true, l3_agent: dvr}
  c2: {local_ip: 192.0.2.2, enable_distributed_routing: true, l3_agent: dvr}
  c3: {local_ip: 192.0.2.3, enable_distributed_routing: true, l3_agent: dvr_no_external}
  c4: {local_ip: 192.0.2.4, enable_distributed_routing: true, l3_agent: dvr, bridge_mappings: {}}
  n1: {local_ip: 192.0.2.5, enable_distributed_routing: true, l3_agent: dvr_snat, bridge_mappings: {external: br-ex}, nics: {eth2: external}}
  outside: {bridge_mappings: {external: br-ex}, nics: {eth2: external}}
"""  # noqa: E501
MACHINES = """\
devices: {vm1: {ping: %s}, vm2: {ping: %s}, vm3: {ping: %s}, bare: {ping: %s}, far: , cut: {ping: %s}, web: {ping: %s}}
"""
QUIET = MACHINES % (("[]",) * 6)
ADDRESS = {
    "vm1": "10.0.1.11", "vm2": "10.0.2.12", "vm3": "10.0.2.13", "bare": "10.0.1.14", "cut": "10.0.1.16",
    "web": "203.0.113.10",
}  # fmt: skip
WEB = "fa:16:3e:00:01:10"
MAC = {"vm1": "fa:16:3e:00:01:01", "vm2": "fa:16:3e:00:01:02", "vm3": "fa:16:3e:00:01:03", "bare": "fa:16:3e:00:01:04",
       "cut": "fa:16:3e:00:01:06", "web": WEB}  # fmt: skip
Q1, Q2, Q3, Q4 = (f"qrouter-r@c{n}" for n in (1, 2, 3, 4))
F1, F2, SNAT = "fip-public@c1", "fip-public@c2", "snat-r@n1"


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory):
    def loaded(text: str) -> vswitch.Topology:
        path = tmp_path_factory.mktemp("cloud") / "cloud.yaml"
        path.write_text(text)
        return vswitch.load(path)

    return loaded


@pytest.fixture(scope="module")
def quiet(load) -> vswitch.Topology:
    return load(CLOUD + QUIET)


def mac_of(topology: vswitch.Topology, device: str, port: str) -> str:
    """The MAC of a router's interface whose name begins so."""
    return next(at.mac for at in topology.devices[device].config.interfaces if at.name.startswith(port))


def routed(topology: vswitch.Topology, machine: str, packet: bytes) -> list[str]:
    """The namespaces that route a packet of a machine, and what comes of it, in order."""
    if machine != "web":
        number = 0 if ADDRESS[machine].startswith("10.0.1.") else 1
        host = {"vm3": "c2", "cut": "c4"}.get(machine, "c1")
        gateway = topology.devices[f"qrouter-r@{host}"].config.interfaces[number].mac
    elif ip_dst(packet) in ("203.0.113.105", "203.0.113.106"):
        gateway = mac_of(topology, "snat-r@n1", "qg-")
    else:
        gateway = mac_of(topology, "fip-public@c1", "fg-")
    frame = eth(gateway, MAC[machine], packet)
    journey = topology.explain(machine, frame)
    return [step.node for step in journey.steps if any(line.startswith("routed to") for line in step.did)]


def ip_dst(packet: bytes) -> str:
    return str(IPv4Address(packet[16:20]))


@pytest.mark.parametrize(("machine", "to", "there", "back", "ttl"), [
    ("vm1", "203.0.113.10", [Q1, F1], [F1, Q1], 62),
    ("vm3", "203.0.113.10", [Q2, F2], [F2, Q2], 62),
    ("bare", "203.0.113.10", [Q1, SNAT], [SNAT], 63),  # without a floating IP: over the network node
    ("cut", "203.0.113.10", [Q4, SNAT], [SNAT], 63),  # with one, on a host without a way to the outside
    ("vm1", "10.0.2.12", [Q1], [Q1], 63),  # within the router nothing is translated
    ("vm1", "10.0.2.13", [Q1], [Q2], 63),
    ("vm1", "203.0.113.102", [Q1, F1, Q1], [Q1, F1, Q1], 61),  # on the same host
    ("vm1", "203.0.113.101", [Q1, F1, Q1], [Q1, F1, Q1], 61),  # its own
    ("vm1", "203.0.113.103", [Q1, F1, F2, Q2], [Q2, F2, F1, Q1], 60),
    ("bare", "203.0.113.102", [Q1, SNAT, F1, Q1], [Q1, F1, SNAT], 61),
    ("bare", "203.0.113.103", [Q1, SNAT, F2, Q2], [Q2, F2, SNAT], 61),
    ("vm1", "203.0.113.105", [Q1, F1, SNAT], [Q3, SNAT, F1, Q1], 60),
    ("web", "203.0.113.101", [F1, Q1], [Q1, F1], 62),
    ("web", "203.0.113.105", [SNAT], [Q3, SNAT], 62),  # its host is dvr_no_external
    ("web", "203.0.113.106", [SNAT], [Q4, SNAT], 62),
])  # fmt: skip
def test_the_way_of_a_ping(
    quiet: vswitch.Topology, load, machine: str, to: str, there: list[str], back: list[str], ttl: int
) -> None:
    """By the trace, and in a replay; the TTL of the answer tells how often it was routed."""
    packet = ip(ADDRESS[machine], to, ICMP, icmp(8))
    assert routed(quiet, machine, packet) == there + back
    plans = ["[]"] * 6
    plans[["vm1", "vm2", "vm3", "bare", "cut", "web"].index(machine)] = f"[{{to: {to}, at: 1s}}]"
    topology = load(CLOUD + MACHINES % tuple(plans))
    result = topology.replay()
    assert str(topology.devices[machine].log).splitlines() == [
        f"1.000000 echo reply from {to} seq 1 ttl {ttl} time 0.000 ms"
    ]
    # A namespace that routes nothing of it hears at most questions that it does not answer.
    busy = {name for name, totals in result.devices.items() if totals.frames_out and "@" in name}
    assert busy == {*there, *back}
    assert result.frames_in == result.delivered + result.consumed + sum(result.dropped.values())


def said(frame: bytes) -> str:
    """A frame outside in words."""
    dst, src = frame[:6].hex(":"), frame[6:12].hex(":")
    if frame[12:14] == b"\x08\x06":
        op, sha, spa, _, tpa = struct.unpack("!6xH6s4s6s4s", frame[14:42])
        assert sha.hex(":") == src
        what = f"who has {IPv4Address(tpa)}? tell" if op == 1 else "I have"
        return f"{src} > {dst}: {what} {IPv4Address(spa)}"
    packet = frame[14:]
    assert frame[12:14] == b"\x08\x00"
    return f"{src} > {dst}: {IPv4Address(packet[12:16])} > {ip_dst(packet)} type {packet[20]} ttl {packet[8]}"


def frames(path: Path) -> list[str]:
    with CaptureReader(path) as reader:
        return [said(bytes(record.data)) for record in reader]


def test_frames_outside(load, tmp_path: Path) -> None:
    """What leaves the host's NIC comes from fg-…, whose own address asks; its MAC is that of floating IPs."""
    plans = ["[{to: 203.0.113.10, at: 1s}]", "[{to: 203.0.113.10, at: 2s}]", "[]", "[]", "[]", "[]"]
    topology = load(CLOUD + MACHINES % tuple(plans))
    fg = mac_of(topology, F1, "fg-")
    agent = "203.0.113.3"  # the first free one behind the router's
    result = topology.replay(out=tmp_path / "out")
    all_ = "ff:ff:ff:ff:ff:ff"
    assert frames(tmp_path / "out" / "c1" / "eth1.pcap") == [
        f"{fg} > {all_}: who has 203.0.113.10? tell {agent}",
        f"{fg} > {WEB}: 203.0.113.101 > 203.0.113.10 type 8 ttl 62",
        f"{fg} > {WEB}: I have 203.0.113.101",
        f"{fg} > {WEB}: 203.0.113.102 > 203.0.113.10 type 8 ttl 62",
        f"{fg} > {WEB}: I have 203.0.113.102",
    ]
    assert frames(tmp_path / "out" / "outside" / "eth2.pcap") == [
        f"{WEB} > {fg}: I have 203.0.113.10",
        f"{WEB} > {all_}: who has 203.0.113.101? tell 203.0.113.10",
        f"{WEB} > {fg}: 203.0.113.10 > 203.0.113.101 type 0 ttl 64",
        f"{WEB} > {all_}: who has 203.0.113.102? tell 203.0.113.10",
        f"{WEB} > {fg}: 203.0.113.10 > 203.0.113.102 type 0 ttl 64",
    ]
    assert frames(tmp_path / "out" / "n1" / "eth2.pcap") == []
    assert result.ports[f"{Q1}/rfp-{topology.cloud.routers[0].id[:10]}"].tx_frames == 2


def test_a_frame_and_its_causes(load) -> None:
    """The ledger, from the web server back to the machine, over the pair between the namespaces."""
    topology = load(CLOUD + MACHINES % ("[{to: 203.0.113.10, at: 1s}]", *["[]"] * 5))
    result = topology.replay()
    rows = [result.frame(number) for number in range(1, result.frames_in + 1)]
    router = topology.cloud.routers[0].id[:10]
    (row,) = [row for row in rows if row.in_port == f"{F1}/fpr-{router}"]
    assert row.fate == "DELIVERED"
    assert [output.split("/")[1][:3] for output in row.outputs] == ["fg-"]  # it asks for the MAC, and the packet waits
    before = rows[row.cause - 1]
    assert before.in_port.startswith(f"{Q1}/qr-")
    assert before.outputs == (f"{Q1}/rfp-{router}",)
    assert rows[before.cause - 1].in_port == f"c1/{topology.aliases['vm1'][1]}"


def test_who_translates(quiet: vswitch.Topology) -> None:
    assert [(port.host.name, port.fixed_ips[0].ip_address.compressed) for port in quiet.cloud.ports
            if port.device_owner == "network:floatingip_agent_gateway"] == [
        ("c1", "203.0.113.3"), ("c2", "203.0.113.4"),
    ]  # fmt: skip
    shown = {name: node_text(read_facts(name, quiet.nodes[name]), quiet.cloud).partition("  floating IPs\n")[2].split()
             for name in ("c1", "c2", "c3", "c4", "n1")}  # fmt: skip
    title = ["floating", "IP", "of", "port", "router", "at", "translated", "in"]
    fg1, fg2 = (next(p for p in quiet.devices[name].ports if p.startswith("fg-")) for name in (F1, F2))
    qg = next(p for p in quiet.devices[SNAT].ports if p.startswith("qg-"))
    assert shown == {
        "c1": [*title, "203.0.113.101", "10.0.1.11", "vm1", "r", fg1, Q1,
               "203.0.113.102", "10.0.2.12", "vm2", "r", fg1, Q1],
        "c2": [*title, "203.0.113.103", "10.0.2.13", "vm3", "r", fg2, Q2],
        "c3": [],
        "c4": [],
        "n1": [*title, "203.0.113.105", "10.0.1.15", "far", "r", qg, SNAT,
               "203.0.113.106", "10.0.1.16", "cut", "r", qg, SNAT],
    }  # fmt: skip


def test_rules_and_routes(quiet: vswitch.Topology) -> None:
    """As `ip rule` and `ip route` show them on a compute host."""
    local, fip = quiet.devices[Q1].config, quiet.devices[F1].config
    router = quiet.cloud.routers[0].id[:10]
    rfp, fpr, fg = f"rfp-{router}", f"fpr-{router}", fip.interfaces[0].name
    rules = sorted(local.rules, key=lambda rule: rule.priority)
    assert [(rule.priority, rule.from_, rule.table) for rule in rules] == [
        (32768, "10.0.1.11/32", 16), (32769, "10.0.2.12/32", 16),
        (0x0A000101, "10.0.1.0/24", 0x0A000101), (0x0A000201, "10.0.2.0/24", 0x0A000201),
    ]  # fmt: skip
    assert ("0.0.0.0/0", "169.254.64.1", rfp, 16) in [route[:4] for route in local.routes]
    assert [(rule.priority, rule.interface, rule.table) for rule in fip.rules] == [(0xA9FE4001, fpr, 0xA9FE4001)]
    assert [route[:4] for route in fip.routes] == [
        ("203.0.113.101/32", "169.254.64.0", fpr, 254), ("203.0.113.102/32", "169.254.64.0", fpr, 254),
        ("0.0.0.0/0", "203.0.113.1", fg, 0xA9FE4001),
    ]  # fmt: skip
    assert [(at.name, list(at.addresses), at.mtu, at.proxy_arp) for at in fip.interfaces] == [
        (fg, ["203.0.113.3/24"], 1500, True), (fpr, ["169.254.64.1/31"], 1500, False),
    ]  # fmt: skip
    mac = {at.name: at.mac for at in (*local.interfaces, *fip.interfaces)}
    assert (rfp, "169.254.64.1", mac[fpr]) in local.neighbors
    assert [tuple(neighbor) for neighbor in fip.neighbors] == [(fpr, "169.254.64.0", mac[rfp])]


@pytest.mark.parametrize(("packet", "answers"), [
    (ip("10.0.1.11", "203.0.113.10", UDP, udp("10.0.1.11", "203.0.113.10", 1, 2), ttl=2), ["169.254.64.1"]),
    (ip("10.0.1.11", "203.0.113.10", UDP, udp("10.0.1.11", "203.0.113.10", 1, 2), ttl=1), ["10.0.1.1"]),
])  # fmt: skip
def test_a_traceroute_sees_both_namespaces(load, packet: bytes, answers: list[str]) -> None:
    """The second hop of a distributed router is the address of the pair, as users wonder about (traceroute)."""
    topology = load(CLOUD + QUIET)
    frame = eth(mac_of(topology, Q1, "qr-"), "fa:16:3e:00:01:01", packet)
    journey = topology.explain("vm1", frame)
    errors = [line.split("from ")[1] for step in journey.steps for line in step.did if "time exceeded" in line]
    assert errors == answers
    assert "vm1" in {step.node for step in journey.steps[1:]}  # they come back to it


def test_two_routers_share_the_namespace_of_a_host() -> None:
    cloud = parse_cloud("""\
networks:
  a: {subnets: [10.0.1.0/24]}
  b: {subnets: [10.0.1.0/24]}
  x: {router:external: true}
subnets:
  outside: {network: x, cidr: 203.0.113.0/24, gateway_ip: 192.0.2.254, enable_dhcp: false}
  more: {network: x, cidr: 198.51.100.0/25, enable_dhcp: false}
routers:
  r: {distributed: true, interfaces: [a], external_gateway_info: {network: x}}
  s:
    distributed: true
    interfaces: [b]
    external_gateway_info: {network: x}
    routes: [{destination: 192.0.2.0/25, nexthop: 203.0.113.77}]
ports: {v: {network: a, host: c}, w: {network: b, host: c}}
floating_ips: {203.0.113.50: {port: v}, 203.0.113.51: {port: w}}
hosts:
  c: {local_ip: 192.0.2.1, enable_distributed_routing: true, l3_agent: dvr_snat}
""").cloud
    (placed,) = FipNamespaces(cloud).place()
    assert (placed.device.name, len(placed.plugs)) == ("fip-x", 1)
    assert [link.ends[0][0] for link in placed.links] == ["qrouter-r", "qrouter-s"]
    config = placed.device.config
    fg, first, second = (at.name for at in config.interfaces)
    assert [at.addresses[0] for at in config.interfaces[1:]] == ["169.254.64.1/31", "169.254.64.3/31"]
    assert [route[:4] for route in config.routes] == [
        ("192.0.2.254/32", "", fg, 254), ("198.51.100.0/25", "", fg, 254),
        ("203.0.113.50/32", "169.254.64.0", first, 254), ("0.0.0.0/0", "192.0.2.254", fg, 0xA9FE4001),
        ("203.0.113.51/32", "169.254.64.2", second, 254), ("0.0.0.0/0", "192.0.2.254", fg, 0xA9FE4003),
        ("192.0.2.0/25", "203.0.113.77", fg, 0xA9FE4003),
    ]  # fmt: skip
