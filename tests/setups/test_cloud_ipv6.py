"""A cloud with IPv6: advertisements, DHCPv6 and SLAAC across hosts; options of the DHCP and L3 agents."""

from __future__ import annotations

import pytest

from vswitch import load
from vswitch.errors import ConfigError

SECOND_NS = 1_000_000_000
TEXT = """\
networks: {blue: {"provider:network_type": vxlan}, green: {"provider:network_type": vxlan}}
subnets:
  blue4: {network: blue, cidr: 10.0.0.0/24, dns_nameservers: [10.0.0.53]}
  blue6: {network: blue, cidr: "fd00:1::/64", ipv6_ra_mode: dhcpv6-stateful, ipv6_address_mode: dhcpv6-stateful}
  green6: {network: green, cidr: "fd00:2::/64", ipv6_ra_mode: slaac, ipv6_address_mode: slaac}
routers: {r1: {interfaces: [blue6, green6]}}
ports:
  vm1: {network: blue, host: compute1, extra_dhcp_opts: [{opt_name: ntp-server, opt_value: 10.0.0.9}]}
  vm2: {network: green, host: compute2}
devices: {vm1: {dhcp: true, ipv6: true}, vm2: {ipv6: true}}
agents: {dhcp_lease_duration: 600, dns_domain: example.org, enable_isolated_metadata: true, max_rtr_adv_interval: 60}
hosts:
  compute1: {local_ip: 192.0.2.1}
  compute2: {local_ip: 192.0.2.2}
  network1: {local_ip: 192.0.2.3, l3_agent: true, dhcp_agent: true, DEFAULT: {dhcp_renewal_time: 100}}
duration: 10s
"""


def read(tmp_path, text: str = TEXT):
    (tmp_path / "cloud.yaml").write_text(text)
    return load(str(tmp_path))


def test_machines_get_addresses_and_reach_each_other(tmp_path):
    topology = read(tmp_path)
    vm1, vm2 = topology.devices["vm1"], topology.devices["vm2"]
    topology.replay()
    assert [address.partition(":")[0] for address in vm1.addresses] == ["10.0.0.3/24", "fe80", "fd00"]
    assert "fd00:1::3/128" in vm1.addresses
    (slaac,) = (address for address in vm2.addresses if address.startswith("fd00"))
    assert slaac.startswith("fd00:2::f816:3eff:fe00")
    ping = vm1.ping(slaac.partition("/")[0], count=2, at_ns=None)
    topology.replay()
    assert [reply.ttl for reply in ping.replies] == [63, 63]
    lease = vm1.dhcp_client.lease
    assert (lease.lease_s, lease.t1_s, lease.t2_s, lease.domain) == (600, 100, 525, "example.org")
    # No router has the gateway of blue4: metadata is the DHCP agent's.
    assert "169.254.169.254/32 via 10.0.0.2" in vm1.routes
    assert f"router advertisement from fe80::f816:3eff:fe00:3, {3 * 60} s, managed" in vm1.log
    assert any("ntp-server,10.0.0.9" in line for line in topology.devices["qdhcp-blue"].config.options_file)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("dhcp_lease_duration: 600", "dhcp_lease_duration: -2", "-2 is not in -1"),
        ("max_rtr_adv_interval: 60", "max_rtr_adv_interval: 3", "3 is not in 4"),
        ("enable_isolated_metadata: true", "enable_isolated_metadata: perhaps", "neither true nor false"),
        ("{dhcp_renewal_time: 100}", "{local_ip: 192.0.2.9}", "unknown option local_ip"),
    ],
)
def test_wrong_options(tmp_path, old, new, problem):
    assert old in TEXT
    with pytest.raises(ConfigError, match=problem) as caught:
        read(tmp_path, TEXT.replace(old, new))
    assert caught.value.line in (11, 15)
