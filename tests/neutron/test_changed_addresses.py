"""A port gets other addresses while time goes on: who must know it, and what the machine hears."""

from __future__ import annotations

import pytest

import vswitch
from tests.devices.packets import UDP, eth, ip, udp
from tests.shared import need_module
from vswitch.errors import ConfigError
from vswitch.setups.cloud_file import parse_cloud

need_module("yaml")
need_module("jsonschema")

CLOUD = """\
networks: {blue: {subnets: [10.0.0.0/24]}, green: {subnets: [10.0.1.0/24]}}
ports:
  vm1: {network: blue, host: c1, mac_address: 'fa:16:3e:00:01:01', fixed_ips: [10.0.0.11]}
  vm2: {network: blue, host: c2, mac_address: 'fa:16:3e:00:01:02', fixed_ips: [10.0.0.12]}
  vm3: {network: green, host: c2, mac_address: 'fa:16:3e:00:01:03', fixed_ips: [10.0.1.13]}
agents: {dhcp_lease_duration: 120, l2_population: true, enable_distributed_routing: true, arp_responder: true}
routers: {r: {distributed: true, interfaces: [blue, green]}}
hosts:
  c1: {local_ip: 192.0.2.1, dhcp_agent: true}
  c2: {local_ip: 192.0.2.2}
devices: {vm1: {dhcp: true}, vm2: , vm3: {ping: [{to: 10.0.0.11, at: 5s}, {to: 10.0.0.77, at: 75s}]}}
timeline: [{at: 10s, set: vm1, fixed_ips: [10.0.0.77]}]
duration: 90s
"""


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> vswitch.Topology:
    path = tmp_path_factory.mktemp("cloud") / "cloud.yaml"
    path.write_text(CLOUD)
    topology = vswitch.load(path)
    topology.replay()
    return topology


def test_the_machine_gets_the_other_address_when_it_renews(replayed: vswitch.Topology) -> None:
    """The agent has released the lease, so dnsmasq refuses it at T1 (half of 120 s), and the client begins anew."""
    lines = [line for line in str(replayed.devices["vm1"].log).splitlines() if "DHCP" in line]
    server = "10.0.0.2"
    assert lines == [
        "0.000000 DHCPDISCOVER",
        f"0.000000 DHCPOFFER 10.0.0.11 from {server}",
        f"0.000000 DHCPREQUEST 10.0.0.11 to {server}",
        f"0.000000 DHCPACK 10.0.0.11/24 from {server}, lease 120 s",
        "60.000000 DHCPREQUEST 10.0.0.11 to 10.0.0.2",
        f"60.000000 DHCPNAK from {server}: lease not found",
        "60.000000 DHCPDISCOVER",
        f"60.000000 DHCPOFFER 10.0.0.77 from {server}",
        f"60.000000 DHCPREQUEST 10.0.0.77 to {server}",
        f"60.000000 DHCPACK 10.0.0.77/24 from {server}, lease 120 s",
    ]
    assert replayed.devices["vm1"].addresses == ["10.0.0.77/24"]


def test_the_files_of_dnsmasq(replayed: vswitch.Topology) -> None:
    lines = replayed.devices["qdhcp-blue"].config.hosts_file
    assert "fa:16:3e:00:01:01,host-10-0-0-77.openstacklocal,10.0.0.77" in lines
    assert not [line for line in lines if "10.0.0.11" in line]
    assert "fa:16:3e:00:01:02,host-10-0-0-12.openstacklocal,10.0.0.12" in lines


def test_distributed_routers_know_the_neighbour(replayed: vswitch.Topology) -> None:
    assert [line.split(" time ")[0] for line in str(replayed.devices["vm3"].log).splitlines() if "reply" in line] == [
        "5.000000 echo reply from 10.0.0.11 seq 1 ttl 63", "75.000000 echo reply from 10.0.0.77 seq 1 ttl 63",
    ]  # fmt: skip
    for host in ("c1", "c2"):
        router = replayed.devices[f"qrouter-r@{host}"]
        known = {str(n.address): n.mac for n in router.config.neighbors if n.mac == "fa:16:3e:00:01:01"}
        assert known == {"10.0.0.77": "fa:16:3e:00:01:01"}
        packet = ip("10.0.1.13", "10.0.0.11", UDP, udp("10.0.1.13", "10.0.0.11", 1, 2))
        green = router.config.interfaces[1]
        _, _, did = router.explain(green.name, eth(green.mac, "fa:16:3e:00:01:03", packet), 100 * 10**9)
        assert "asks for the MAC of 10.0.0.11, from 10.0.0.1" in did


def test_the_bridges(replayed: vswitch.Topology) -> None:
    """What the port may send, at its own host; who is asked for it, at the other one."""
    own = replayed.nodes["c1"].run("ovs-ofctl dump-flows br-int table=24")
    assert "arp_spa=10.0.0.77" in own
    assert "arp_spa=10.0.0.11" not in own
    other = replayed.nodes["c2"].run("ovs-ofctl dump-flows br-tun table=21")
    assert "arp_tpa=10.0.0.77" in other
    assert "arp_tpa=10.0.0.11" not in other


def test_an_address_of_a_floating_ip_cannot_go() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_cloud("""\
networks: {a: {subnets: [10.0.0.0/24]}, x: {router:external: true, subnets: [203.0.113.0/24]}}
routers: {r: {interfaces: [a], external_gateway_info: {network: x}}}
ports: {v: {network: a, host: c, fixed_ips: [10.0.0.9]}}
floating_ips: {203.0.113.50: {port: v}}
hosts: {c: {local_ip: 192.0.2.1, l3_agent: true}}
timeline: [{at: 1s, set: v, fixed_ips: [10.0.0.8]}]
""")
    assert caught.value.where == "cloud.yaml:6:40"
    assert caught.value.problem == "10.0.0.9 has the floating IP 203.0.113.50"


@pytest.mark.parametrize(("command", "problem"), [
    ("set nobody fixed_ips s1=10.0.0.5", "network n has no port nobody"),
    ("set p1 fixed_ips s9=10.0.0.5", "network n has no subnet s9"),
    ("set p1 fixed_ips s1=10.1.0.5", "10.1.0.5 is no address of 10.0.0.0/24"),
    ("set p1 fixed_ips 10.0.0.5", "a DHCP server cannot 'set p1 fixed_ips 10.0.0.5'"),
    ("set d1 fixed_ips s1=10.0.0.3", "the server's own addresses do not change"),
])  # fmt: skip
def test_commands_of_a_server_that_cannot_be(command: str, problem: str) -> None:
    from vswitch.devices.dhcp_agent import DhcpNetwork, DhcpPort, DhcpSubnet
    from vswitch.devices.qdhcp import DhcpNamespace

    ports = [
        DhcpPort("d1", "fa:16:3e:00:00:02", [("s1", "10.0.0.2")], "network:dhcp"),
        DhcpPort("p1", "fa:16:3e:00:00:05", [("s1", "10.0.0.5")]),
    ]
    server = DhcpNamespace("qdhcp", DhcpNetwork("n", [DhcpSubnet("s1", "10.0.0.0/24")], ports), "d1")
    with pytest.raises(ConfigError) as caught:
        server.run(command)
    assert caught.value.problem == problem
