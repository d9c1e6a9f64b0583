"""The network that tests/golden/dnsmasq/make.py had a real dnsmasq serve, in Neutron's words."""

from __future__ import annotations

from tests.shared import CHECKOUT, load_script
from vswitch.devices.dhcp_agent import DhcpNetwork, DhcpOptions, DhcpPort, DhcpSubnet
from vswitch.devices.qdhcp import DhcpNamespace

MAKER = load_script("tests/golden/dnsmasq/make.py")
HOSTS: str = MAKER.HOSTS
OPTIONS: str = MAKER.OPTS
SERVER_MAC: str = MAKER.SERVER_MAC
COMMAND = [
    word for word in MAKER.command(CHECKOUT) if word.startswith(("--dhcp-range", "--dhcp-option", "--domain"))
    and not word.startswith("--dhcp-optionsfile")
]  # fmt: skip

LONG_ROUTES = ",".join(f"172.16.{n}.0/24,10.0.0.{n}" for n in range(20))
LONG_OPTIONS = [
    ("classless-static-route", LONG_ROUTES, 4), ("domain-search", "one.example.org,two.example.org,example.net", 4),
    ("43", "01:02:03", 4),
    ("nis-domain", "a-name-of-a-domain-that-is-very-long-and-fills-the-room-in-the-packet.example.org", 4),
    ("ntp-server", "10.0.0.10,10.0.0.11", 4), ("bootfile-name", "pxelinux.0", 4), ("router", "10.0.0.254", 4),
    ("252", "http://wpad.example.org/wpad.dat", 4), ("default-ttl", "63", 4),
]  # fmt: skip
BOOT_OPTIONS = [
    ("bootfile-name", "pxelinux.0", 4), ("tftp-server", "10.0.0.9", 4), ("server-ip-address", "10.0.0.9", 4),
    ("42", "10.0.0.10", 4), ("tag:ipxe,67", "boot.ipxe", 4), ("tag:!ipxe,66", "10.0.0.8", 4),
]  # fmt: skip
SUBNETS = [
    DhcpSubnet("a", "10.0.0.0/24", "10.0.0.1", dns_nameservers=["8.8.8.8", "8.8.4.4"]),
    DhcpSubnet("b", "10.0.1.0/24", host_routes=[("192.168.0.0/16", "10.0.1.254")]),
    DhcpSubnet("six", "fd00:1::/64", "fd00:1::1", dns_nameservers=["2001:db8::53"], ipv6_address_mode="dhcpv6-stateful",
               ipv6_ra_mode="dhcpv6-stateful"),
    DhcpSubnet("less", "fd00:2::/64", "fd00:2::1", ipv6_address_mode="dhcpv6-stateless",
               ipv6_ra_mode="dhcpv6-stateless"),
]  # fmt: skip
PORTS = [
    DhcpPort("dhcp", SERVER_MAC, [("a", "10.0.0.2"), ("b", "10.0.1.2"), ("six", "fd00:1::2"), ("less", "fd00:2::2")],
             "network:dhcp"),
    DhcpPort("a", "fa:16:3e:00:00:05", [("a", "10.0.0.5")]),
    DhcpPort("b", "fa:16:3e:00:00:06", [("b", "10.0.1.6")]),
    DhcpPort("two", "fa:16:3e:00:00:07", [("a", "10.0.0.7"), ("b", "10.0.1.7")]),
    DhcpPort("opts", "fa:16:3e:00:00:08", [("a", "10.0.0.8")], extra_dhcp_opts=BOOT_OPTIONS),
    DhcpPort("long", "fa:16:3e:00:00:0c", [("a", "10.0.0.12")], extra_dhcp_opts=LONG_OPTIONS),
    DhcpPort("named", "fa:16:3e:00:00:0d", [("a", "10.0.0.13")], extra_dhcp_opts=[("client-id", "blue", 4)]),
    DhcpPort("six", "fa:16:3e:00:00:09", [("six", "fd00:1::9")]),
    DhcpPort("six2", "fa:16:3e:00:00:0a", [("six", "fd00:1::a"), ("six", "fd00:1::b")]),
    DhcpPort("dual", "fa:16:3e:00:00:0b", [("a", "10.0.0.11"), ("six", "fd00:1::c")]),
]  # fmt: skip
STATELESS_PORTS = [
    DhcpPort("dhcp", SERVER_MAC, [("a", "10.0.0.2"), ("less", "fd00:2::2")], "network:dhcp"),
    DhcpPort("lessopts", "fa:16:3e:00:00:08", [("a", "10.0.0.8"), ("less", "fd00:2::f816:3eff:fe00:8")],
             extra_dhcp_opts=[("sntp-server", "2001:db8::1", 6), ("bootfile-url", "tftp://[2001:db8::2]/x", 6),
                              ("ntp-server", "10.0.0.10", 4)]),
    DhcpPort("a", "fa:16:3e:00:00:05", [("a", "10.0.0.5"), ("less", "fd00:2::f816:3eff:fe00:5")]),
]  # fmt: skip
STATELESS_SUBNETS = [
    DhcpSubnet("a", "10.0.0.0/24", "10.0.0.1"),
    DhcpSubnet("less", "fd00:2::/64", "fd00:2::1", dns_nameservers=["2001:db8::53", "2001:db8::54"],
               ipv6_address_mode="dhcpv6-stateless", ipv6_ra_mode="dhcpv6-stateless"),
]  # fmt: skip
# The router of subnet a; it needs no lease in these tests, so its owner is one that gets none.
ROUTER = DhcpPort("router", "fa:16:3e:00:00:01", [("a", "10.0.0.1")], "network:router_interface")
OPTIONS_OF_AGENT = DhcpOptions(enable_isolated_metadata=True)


def namespace() -> DhcpNamespace:
    """The device that stands for that dnsmasq."""
    return DhcpNamespace("qdhcp", DhcpNetwork("net", SUBNETS, [*PORTS, ROUTER], mtu=1450), "dhcp", OPTIONS_OF_AGENT)


def stateless_namespace() -> DhcpNamespace:
    """The one for the second network of make.py."""
    return DhcpNamespace("qdhcp", DhcpNetwork("net2", STATELESS_SUBNETS, STATELESS_PORTS, mtu=1450), "dhcp")
