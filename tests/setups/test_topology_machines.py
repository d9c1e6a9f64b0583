"""Emulated machines, DHCP servers and router advertisements in a topology.yaml."""

from __future__ import annotations

import re
import textwrap

import pytest

from tests.shared import CHECKOUT
from vswitch import load
from vswitch.errors import ConfigError

TEXT = """\
nodes:
  n:
    setup: |
      ovs-vsctl add-br br0
      ovs-vsctl add-port br0 vm1
      ovs-vsctl add-port br0 vm2
      ovs-vsctl add-port br0 dh
      ovs-vsctl add-port br0 qr
devices:
  vm1:
    type: host
    port: n/vm1
    mac: "fa:16:3e:00:00:05"
    dhcp: true
    ipv6: true
    start: 500ms
    hostname: vm1
    pings: [{to: 10.0.0.6, count: 3, interval: 10ms, size: 100}, {to: "fd00:3::6", at: 5s}]
    connections: [{to: 10.0.0.6, port: 22}, {to: 10.0.0.6, port: 23}]
    datagrams: [{to: 10.0.0.6, port: 7, text: hello, at: 6s}]
  vm2:
    type: host
    port: n/vm2
    mac: "fa:16:3e:00:00:06"
    addresses: [10.0.0.6/24, "fd00:3::6/64"]
    gateways: [10.0.0.1]
    routes: [{to: 10.1.0.0/16, via: 10.0.0.9}]
    mtu: 1450
    open_tcp_ports: [22]
    open_udp_ports: [7]
  qdhcp:
    type: dhcp
    port: n/dh
    dhcp_port: d
    mtu: 1450
    dhcp_lease_duration: 600
    dns_domain: example.org
    subnets:
      - {id: s, cidr: 10.0.0.0/24, gateway_ip: 10.0.0.1, dns_nameservers: [10.0.0.53],
         host_routes: [{destination: 10.1.0.0/16, nexthop: 10.0.0.9}]}
    ports:
      - {id: d, mac_address: "fa:16:3e:00:00:02", device_owner: "network:dhcp", fixed_ips: [{s: 10.0.0.2}]}
      - {id: p, mac_address: "fa:16:3e:00:00:05", fixed_ips: [{s: 10.0.0.5}],
         extra_dhcp_opts: [{opt_name: 42, opt_value: 10.0.0.42}]}
  radvd:
    type: radvd
    max_rtr_adv_interval: 60
    interfaces:
      qr-1: {mac: "fa:16:3e:00:00:01", port: n/qr, subnets: [{cidr: "fd00:3::/64", ipv6_ra_mode: slaac}]}
duration: 10s
"""


def read(tmp_path, text: str = TEXT):
    (tmp_path / "topology.yaml").write_text(text)
    return load(str(tmp_path))


def test_all_of_them_play_their_parts(tmp_path):
    topology = read(tmp_path)
    result = topology.replay(out=tmp_path / "out")
    vm1, vm2 = topology.devices["vm1"], topology.devices["vm2"]
    texts = [line.text for line in vm1.log]
    assert "DHCPACK 10.0.0.5/24 from 10.0.0.2, lease 600 s" in texts
    assert vm1.addresses == ["10.0.0.5/24", "fe80::f816:3eff:fe00:5/64", "fd00:3::f816:3eff:fe00:5/128"]
    assert sum("echo reply from 10.0.0.6" in text for text in texts) == 3
    assert sum("echo reply from fd00:3::6" in text for text in texts) == 1
    assert "connection to 10.0.0.6 port 22: connected" in texts
    assert "connection to 10.0.0.6 port 23: refused" in texts
    assert "datagram from 10.0.0.6 port 7, 5 bytes" in texts
    assert vm2.routes == ["0.0.0.0/0 via 10.0.0.1", "10.1.0.0/16 via 10.0.0.9"]
    assert vm2.stack.mtu == 1450
    assert "DHCPACK 10.0.0.5 fa:16:3e:00:00:05 host-10-0-0-5" in topology.devices["qdhcp"].log
    assert "tag:port-p,42,10.0.0.42" in topology.devices["qdhcp"].config.options_file
    assert len(topology.devices["radvd"].log) >= 1
    assert sorted(path.name for path in (tmp_path / "out" / "devices").iterdir()) == [
        "qdhcp.txt", "radvd.txt", "vm1.txt", "vm2.txt",
    ]  # fmt: skip
    assert (tmp_path / "out" / "devices" / "vm1.txt").read_text() == f"{vm1.log}\n"
    assert result.frames_in == result.delivered + result.consumed + sum(result.dropped.values())


def test_the_page_on_devices_is_true(tmp_path):
    page = (CHECKOUT / "docs" / "devices.md").read_text()
    topology = read(tmp_path, re.search(r"```yaml\n(.*?)```", page, re.DOTALL)[1])
    topology.replay(out=tmp_path / "out")
    told = re.search(r"leaves `out/devices/vm1.txt`:\n\n(.*?)\n\n", page, re.DOTALL)[1]
    assert (tmp_path / "out" / "devices" / "vm1.txt").read_text() == textwrap.dedent(told) + "\n"
    names = {"topology": topology}
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1].replace("print(ping)", "ping"), names)
    assert str(names["ping"]).startswith("3 packets transmitted, 3 received")


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("type: host\n    port: n/vm1", "type: hots\n    port: n/vm1", 11, "hots"),
        ("port: n/vm1", "port: n/vm9", 12, "vm9"),
        ('mac: "fa:16:3e:00:00:05"', 'mac: "fa:16:3e:00:05"', 13, "is not a MAC address"),
        ("start: 500ms", "start: 500", 16, "500"),
        ("start: 500ms", "start: 9999999999999s", 16, "is too long"),
        ("interval: 10ms", "interval: 9999999999999s", 18, "is too long"),
        ("pings: [{to: 10.0.0.6", "pings: [{to: vm2", 18, "'vm2' is not an IP address"),
        ("size: 100", "size: big", 18, "big"),
        ("connections: [{to: 10.0.0.6, port: 22", "connections: [{to: 10.0.0.6, port: 0", 19, "0"),
        ("[10.0.0.6/24", "[10.0.0.6/44", 25, "is not an address with prefix length"),
        ("via: 10.0.0.9}", "via: 10.0.0}", 27, "is not an IP address"),
        ("to: 10.1.0.0/16", "to: 10.1.0.1/16", 27, "is not a prefix"),
        ("dhcp_lease_duration: 600", "dhcp_lease_duration: 5000000000", 36, "5000000000"),
        ("dhcp_port: d", "dhcp_port: e", 32, "has no port e"),
        ("{s: 10.0.0.2}", "{t: 10.0.0.2}", 32, "has no subnet t"),
        ("ipv6_ra_mode: slaac", "ipv6_ra_mode: slack", 49, "slack"),
        ("opt_name: 42", "opt_name: forty-two", 32, "no option 'forty-two'"),
    ],
)
def test_what_is_wrong_has_a_place(tmp_path, old, new, line, problem):
    assert old in TEXT
    with pytest.raises(ConfigError, match=problem) as caught:
        read(tmp_path, TEXT.replace(old, new, 1))
    assert caught.value.line == line
