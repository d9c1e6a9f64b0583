"""Routers, DHCP servers and machines of a ``cloud.yaml``: conversations from end to end, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

import vswitch
from tests.shared import need_module
from vswitch.errors import ConfigError
from vswitch.setups.cloud_file import parse_cloud

need_module("yaml")
need_module("jsonschema")

HOSTS = "hosts: {c1: {local_ip: 192.0.2.1}, c2: {local_ip: 192.0.2.2}}\n"
NET = "networks: {a: {subnets: [10.0.0.0/24]}}\n"
VM = "ports: {v: {network: a, host: c1}, w: {network: a}, d: {network: a, host: c1, device_owner: 'network:x'}}\n"


def load(tmp_path: Path, text: str) -> vswitch.Topology:
    (tmp_path / "cloud.yaml").write_text(text)
    return vswitch.load(tmp_path / "cloud.yaml")


def log(topology: vswitch.Topology, device: str) -> list[str]:
    return str(topology.devices[device].log).splitlines()


@pytest.mark.parametrize(("text", "place", "problem"), [
    ("devices: [x]\n", "4:11", "there is no port x"),
    ("devices: [v, v]\n", "4:14", "port v has a machine already"),
    ("devices: {w: }\n", "4:11", "port w is on no host"),
    ("devices: [d]\n", "4:11", "port d belongs to network:x"),
    ("devices: {v: {dhpc: true}}\n", "4:15", "unknown word dhpc"),
    ("devices: {v: {ping: [{to: 10.0.0}]}}\n", "4:27", "'10.0.0' is no IP address"),
    ("devices: {v: {ping: [{at: 1s}]}}\n", "4:22", "to is missing"),
    ("devices: {v: {ping: [{to: 10.0.0.3, at: 5}]}}\n", "4:41", "5 cannot stand here"),
    ("devices: {v: {ping: [{to: 10.0.0.3, count: 65536}]}}\n", "4:44", "65536 cannot stand here"),
    ("devices: {v: {tcp: [65536]}}\n", "4:21", "65536"),
    ("duration: 5\n", "4:11", "5 cannot stand here"),
])  # fmt: skip
def test_what_is_wrong_has_its_place(text: str, place: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_cloud(HOSTS + NET + VM + text)
    assert problem in caught.value.problem
    assert caught.value.where == f"cloud.yaml:{place}"


ROUTED = """\
networks:
  blue: {{provider:segmentation_id: 1001, subnets: [10.0.1.0/24]}}
  green: {{provider:segmentation_id: 1002, subnets: [10.0.2.0/24]}}
  public: {{router:external: true, subnets: [203.0.113.0/24]}}
routers:
  router1:
    {kind}
    interfaces: [blue, green]
    external_gateway_info: {{network: public, external_fixed_ips: [203.0.113.2]}}
ports:
  vm1: {{network: blue, host: compute1, fixed_ips: [10.0.1.11]}}
  vm2: {{network: green, host: compute2, fixed_ips: [10.0.2.12]}}
  web: {{network: public, host: outside, fixed_ips: [203.0.113.10]}}
agents: {{l2_population: true}}
hosts:
  compute1: {{local_ip: 192.0.2.1, {dvr}}}
  compute2: {{local_ip: 192.0.2.2, {dvr}}}
  network1: {{local_ip: 192.0.2.3, {network}, bridge_mappings: {{external: br-ex}}, nics: {{eth2: external}}}}
  outside: {{bridge_mappings: {{external: br-ex}}, nics: {{eth2: external}}}}
devices:
  vm1: {{ping: [{{to: 10.0.2.12, at: 1s}}, {{to: 203.0.113.10, at: 2s}}]}}
  vm2:
  web:
"""


def test_a_router_in_one_place(tmp_path: Path) -> None:
    topology = load(tmp_path, ROUTED.format(kind="distributed: false", dvr="l3_agent: false", network="l3_agent: true"))
    assert [name for name in topology.devices if "router1" in name] == ["qrouter-router1"]
    result = topology.replay()
    assert log(topology, "vm1") == [
        "1.000000 echo reply from 10.0.2.12 seq 1 ttl 63 time 0.000 ms",
        "2.000000 echo reply from 203.0.113.10 seq 1 ttl 63 time 0.000 ms",
    ]
    assert result.nodes["network1"].frames_in > 0


def test_a_distributed_router(tmp_path: Path) -> None:
    """East-west traffic is routed where it begins; the answer where that begins; network1 sees none of it."""
    options = "enable_distributed_routing: true, l3_agent: {}"
    text = ROUTED.format(kind="distributed: true", dvr=options.format("dvr"), network=options.format("dvr_snat"))
    topology = load(tmp_path, text)
    assert sorted(name for name in topology.devices if "router1" in name) == [
        "qrouter-router1@compute1", "qrouter-router1@compute2", "qrouter-router1@network1", "snat-router1@network1",
    ]  # fmt: skip
    only_east_west = load(tmp_path, text.replace(", {to: 203.0.113.10, at: 2s}", ""))
    result = only_east_west.replay()
    assert log(only_east_west, "vm1") == ["1.000000 echo reply from 10.0.2.12 seq 1 ttl 63 time 0.000 ms"]
    routed = {name: totals.rx_frames for name, totals in result.ports.items() if name.startswith("qrouter")}
    assert sum(n for name, n in routed.items() if "@compute1" in name) == 2  # vm1's ARP request and its packet
    assert sum(n for name, n in routed.items() if "@network1" in name) == 0
    topology.replay()
    assert log(topology, "vm1")[1] == "2.000000 echo reply from 203.0.113.10 seq 1 ttl 63 time 0.000 ms"


def test_without_snat_the_outside_knows_no_way_back(tmp_path: Path) -> None:
    text = ROUTED.format(kind="distributed: false", dvr="l3_agent: false", network="l3_agent: true")
    text = text.replace("{network: public, external", "{network: public, enable_snat: false, external")
    topology = load(tmp_path, text)
    topology.replay()
    assert [line for line in log(topology, "vm1") if "reply from 203" in line] == []


def test_a_machine_asks_for_its_address_and_pings(tmp_path: Path) -> None:
    topology = load(tmp_path, """\
networks: {blue: {subnets: [10.0.0.0/24]}}
ports: {vm1: {network: blue, host: c1}, vm2: {network: blue, host: c2}}
hosts: {c1: {local_ip: 192.0.2.1, dhcp_agent: true}, c2: {local_ip: 192.0.2.2}}
devices: {vm1: {dhcp: true, ping: [{to: 10.0.0.4}]}, vm2: }
""")  # fmt: skip
    assert "qdhcp-blue" in topology.devices
    topology.replay()
    lines = log(topology, "vm1")
    assert any("10.0.0.3" in line for line in lines)  # its lease; 10.0.0.2 is the server's
    assert lines[-1].split(" ", 1)[1].startswith("echo reply from 10.0.0.4 seq 1 ttl 64")
    assert any("DHCPACK" in line for line in log(topology, "qdhcp-blue"))


def test_time_ends_by_itself_or_when_it_is_told_to(tmp_path: Path) -> None:
    text = HOSTS + NET + "ports: {v: {network: a, host: c1}, x: {network: a, host: c2}}\n"
    assert load(tmp_path, text + "devices: [v]\n").duration_ns == 0
    ping = "devices: {v: {ping: [{to: 10.0.0.3, at: 3s, count: 2}]}}\n"
    assert load(tmp_path, text + ping).duration_ns == (3 + 2 + 5) * 10**9
    assert load(tmp_path, text + ping + "duration: 4s\n").duration_ns == 4 * 10**9


def test_another_instance_of_an_ha_router_takes_over(tmp_path: Path) -> None:
    """The master loses its link at 10 s; 6.8 s after its last word, at 8 s, the backup has the addresses."""
    topology = load(tmp_path, """\
networks:
  blue: {provider:segmentation_id: 1001, subnets: [10.0.1.0/24]}
  green: {provider:segmentation_id: 1002, subnets: [10.0.2.0/24]}
routers: {router1: {ha: true, interfaces: [blue, green]}}
ports:
  vm1: {network: blue, host: compute1, fixed_ips: [10.0.1.11]}
  vm2: {network: green, host: compute1, fixed_ips: [10.0.2.12]}
hosts:
  compute1: {local_ip: 192.0.2.1}
  network1: {local_ip: 192.0.2.2, l3_agent: true}
  network2: {local_ip: 192.0.2.3, l3_agent: true}
devices: {vm1: {ping: [{to: 10.0.2.12, at: 1s, count: 30}]}, vm2: }
timeline: [{at: 10s, failover: router1, host: network2}]
duration: 32s
""")  # fmt: skip
    first, second = (topology.devices[f"qrouter-router1@network{n}"] for n in (1, 2))
    assert (first.role, second.role) == ("master", "backup")
    result = topology.replay()
    assert (first.role, second.role) == ("fault", "master")
    answers = [float(line.split()[0]) for line in log(topology, "vm1") if "echo reply" in line]
    outage = [time for time in range(1, 31) if not any(time <= answer < time + 0.5 for answer in answers)]
    assert outage == list(range(10, 15)), answers
    assert result.ports["qrouter-router1@network2/" + second.ports[0]].tx_frames > 0
