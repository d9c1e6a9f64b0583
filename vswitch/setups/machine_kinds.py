"""Kinds of devices in Python that a ``topology.yaml`` may name: emulated machines, DHCP servers, router advertisements.

devices:
  vm1:
    type: host
    port: host1/tap1
    mac: "fa:16:3e:00:00:05"
    dhcp: true
    pings: [{to: 10.0.0.6, count: 3}]      # without `at` as soon as it has an address
  qdhcp:
    type: dhcp                             # the attributes of Neutron's API
    port: host1/tap2
    dhcp_port: d1
    subnets: [{id: s1, cidr: 10.0.0.0/24, gateway_ip: 10.0.0.1}]
    ports:
      - {id: d1, mac_address: "fa:16:3e:00:00:02", device_owner: network:dhcp, fixed_ips: [{s1: 10.0.0.2}]}
      - {id: p1, mac_address: "fa:16:3e:00:00:05", fixed_ips: [{s1: 10.0.0.5}]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vswitch.errors import ConfigError
from vswitch.setups.device_kind import (
    ADDRESS,
    FLAG,
    MAC,
    MTU,
    PORT,
    PREFIX,
    TEXT,
    Built,
    DeviceKind,
    interface_plugs,
    key_path,
    mapping,
)
from vswitch.setups.durations import DURATION, bounded_ns
from vswitch.setups.schema_words import N_PINGS, PORT_NUMBER
from vswitch.setups.yaml_text import Path

SECONDS = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "description": "a number of seconds"}
RA_MODE = {
    "enum": ["slaac", "dhcpv6-stateful", "dhcpv6-stateless"],
    "description": "slaac, dhcpv6-stateful or dhcpv6-stateless",
}  # fmt: skip


def _list(items: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": items, "description": description}


ADDRESSES = _list(ADDRESS, "a list of IP addresses")
HOST_SCHEMA = mapping(
    "a machine: port, mac and, if wanted, addresses, gateways, routes, dhcp, ipv6, start, hostname, mtu, "
    "open_tcp_ports, open_udp_ports, careful, pings, connections, datagrams",
    ["type", "port", "mac"],
    type={"const": "host"},
    port=PORT,
    mac=MAC,
    addresses=_list({**TEXT, "description": "an address such as 10.0.0.5/24"}, "a list of addresses with prefixes"),
    gateways=_list(ADDRESS, "a list of default gateways, one of a family"),
    routes=_list(mapping("a route: to, via", ["to", "via"], to=PREFIX, via=ADDRESS), "a list of routes"),
    dhcp=FLAG,
    ipv6=FLAG,
    start=DURATION,
    hostname=TEXT,
    mtu=MTU,
    open_tcp_ports=_list(PORT_NUMBER, "a list of ports"),
    open_udp_ports=_list(PORT_NUMBER, "a list of ports"),
    careful={**FLAG, "description": "true: it looks with ARP if somebody has its DHCP address"},
    pings=_list(
        mapping(
            "a ping: to and, if wanted, count, at, interval, size, ttl, dont_fragment", ["to"],
            to=ADDRESS, at=DURATION, interval=DURATION, dont_fragment=FLAG,
            count=N_PINGS,
            size={"type": "integer", "minimum": 0, "maximum": 65507, "description": "a number of bytes, 0 to 65507"},
            ttl={"type": "integer", "minimum": 1, "maximum": 255, "description": "1 to 255"},
        ),
        "a list of pings: {to: 10.0.0.6, count: 3, at: 1s}",
    ),
    connections=_list(
        mapping("a TCP connection: to, port, at", ["to", "port"], to=ADDRESS, port=PORT_NUMBER, at=DURATION),
        "a list of TCP connections: {to: 10.0.0.6, port: 80}",
    ),
    datagrams=_list(
        mapping("a datagram: to, port, text, at", ["to", "port"], to=ADDRESS, port=PORT_NUMBER, at=DURATION,
                text={"type": "string", "description": "a text"}),
        "a list of UDP datagrams: {to: 10.0.0.6, port: 7, text: hello}",
    ),
)  # fmt: skip

DHCP_OPTIONS = {
    "dhcp_lease_duration": {**SECONDS, "minimum": -1, "description": "a number of seconds, or -1: for ever"},
    "dns_domain": {"type": "string", "description": "a domain"},
    "enable_isolated_metadata": FLAG,
    "force_metadata": FLAG,
    "dhcp_renewal_time": SECONDS,
    "dhcp_rebinding_time": SECONDS,
    "dhcp_broadcast_reply": FLAG,
}
DHCP_SCHEMA = mapping(
    f"a DHCP server: port, dhcp_port, subnets, ports and, if wanted, mtu, {', '.join(DHCP_OPTIONS)}",
    ["type", "port", "dhcp_port", "subnets", "ports"],
    type={"const": "dhcp"},
    port=PORT,
    dhcp_port={**TEXT, "description": "the id of the server's own port"},
    mtu=MTU,
    subnets=_list(
        mapping(
            "a subnet with the attributes of Neutron's API", ["id", "cidr"],
            id=TEXT, cidr=PREFIX, gateway_ip=ADDRESS, enable_dhcp=FLAG, dns_nameservers=ADDRESSES,
            host_routes=_list(
                mapping("a route: destination, nexthop", ["destination", "nexthop"], destination=PREFIX,
                        nexthop=ADDRESS),
                "a list of routes",
            ),
            ipv6_address_mode=RA_MODE, ipv6_ra_mode=RA_MODE,
        ),
        "a list of subnets",
    ),
    ports=_list(
        mapping(
            "a port with the attributes of Neutron's API", ["id", "mac_address"],
            id=TEXT, mac_address=MAC, device_owner=TEXT, hostname=TEXT,
            fixed_ips=_list(
                {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": ADDRESS,
                 "description": "an address of a subnet: {ID: 10.0.0.5}"},
                "a list of addresses: [{ID: 10.0.0.5}]",
            ),
            extra_dhcp_opts=_list(
                mapping(
                    "an option: opt_name, opt_value, ip_version", ["opt_name", "opt_value"],
                    opt_name={"type": ["string", "integer"]}, opt_value={"type": ["string", "integer"]},
                    ip_version={"enum": [4, 6], "description": "4 or 6"},
                ),
                "a list of options",
            ),
        ),
        "a list of ports",
    ),
    **DHCP_OPTIONS,
)  # fmt: skip

RADVD_SCHEMA = mapping(
    "router advertisements: interfaces and, if wanted, min_rtr_adv_interval, max_rtr_adv_interval, start",
    ["type", "interfaces"],
    type={"const": "radvd"},
    min_rtr_adv_interval={"type": "integer", "minimum": 3, "maximum": 1350, "description": "3 to 1350 seconds"},
    max_rtr_adv_interval={"type": "integer", "minimum": 4, "maximum": 1800, "description": "4 to 1800 seconds"},
    start=DURATION,
    interfaces={
        "type": "object",
        "minProperties": 1,
        "description": "a mapping of an interface's name to mac, port, mtu, subnets",
        "additionalProperties": mapping(
            "an interface: mac, port, subnets and, if wanted, mtu", ["mac", "port", "subnets"],
            mac=MAC, port=PORT, mtu=MTU,
            subnets=_list(
                mapping(
                    "a subnet: cidr and, if wanted, ipv6_ra_mode, dns_nameservers", ["cidr"],
                    cidr=PREFIX, ipv6_ra_mode=RA_MODE, dns_nameservers=ADDRESSES,
                ),
                "a list of subnets",
            ),
        ),
    },
)  # fmt: skip


def _time(value: Mapping[str, Any], key: str) -> int | None:
    return bounded_ns(value[key], key=key) if key in value else None


@contextmanager
def _at(place: str) -> Iterator[None]:
    """An error's key is below this place."""
    try:
        yield
    except ConfigError as error:
        error.key = f"{place}.{error.key}"
        raise


def _build_host(name: str, value: Mapping[str, Any]) -> Built:
    from vswitch.devices.host import Host

    host = Host(
        name, value["mac"], addresses=value.get("addresses", ()), gateways=value.get("gateways", ()),
        routes=[(route["to"], route["via"]) for route in value.get("routes", ())], dhcp=value.get("dhcp", False),
        ipv6=value.get("ipv6", False), start_ns=_time(value, "start") or 0, hostname=value.get("hostname", ""),
        mtu=value.get("mtu", 1500), open_tcp_ports=value.get("open_tcp_ports", ()),
        open_udp_ports=value.get("open_udp_ports", ()), is_careful=value.get("careful", False),
    )  # fmt: skip
    for i, ping in enumerate(value.get("pings", ())):
        more = {key: ping[key] for key in ("count", "size", "ttl", "dont_fragment") if key in ping}
        with _at(f"pings[{i}]"):
            interval_ns = _time(ping, "interval")
            more |= {} if interval_ns is None else {"interval_ns": interval_ns}
            host.ping(ping["to"], at_ns=_time(ping, "at"), **more)
    for i, connection in enumerate(value.get("connections", ())):
        with _at(f"connections[{i}]"):
            host.connect(connection["to"], connection["port"], at_ns=_time(connection, "at"))
    for i, datagram in enumerate(value.get("datagrams", ())):
        with _at(f"datagrams[{i}]"):
            text = datagram.get("text", "").encode()
            host.send_datagram(datagram["to"], datagram["port"], text, at_ns=_time(datagram, "at"))
    return Built(host, [(host.ports[0], value["port"], ("port",))])


def _build_dhcp(name: str, value: Mapping[str, Any]) -> Built:
    from vswitch.devices.dhcp_agent import DhcpNetwork, DhcpOptions, DhcpPort, DhcpSubnet
    from vswitch.devices.qdhcp import DhcpNamespace

    subnets = [
        DhcpSubnet(**{
            **subnet, "host_routes": [(r["destination"], r["nexthop"]) for r in subnet.get("host_routes", ())],
        })
        for subnet in value["subnets"]
    ]  # fmt: skip
    ports = [
        DhcpPort(**{
            **port, "fixed_ips": [pair for fixed in port.get("fixed_ips", ()) for pair in fixed.items()],
            "extra_dhcp_opts": [(str(option["opt_name"]), str(option["opt_value"]), option.get("ip_version", 4))
                                for option in port.get("extra_dhcp_opts", ())],
        })
        for port in value["ports"]
    ]  # fmt: skip
    options = DhcpOptions(**{key: value[key] for key in DHCP_OPTIONS if key in value})
    network = DhcpNetwork(name, subnets, ports, value.get("mtu", 1500))
    device = DhcpNamespace(name, network, value["dhcp_port"], options)
    return Built(device, [(device.ports[0], value["port"], ("port",))])


def _build_radvd(name: str, value: Mapping[str, Any]) -> Built:
    from vswitch.devices.router_advertisements import RaInterface, RaSubnet, RouterAdvertisements

    interfaces = {}
    for port, at in value["interfaces"].items():
        subnets = [RaSubnet(**{"ipv6_ra_mode": None, **subnet}) for subnet in at["subnets"]]
        interfaces[port] = RaInterface(at["mac"], subnets, at.get("mtu", 1500))
    times = {key: value[key] for key in ("min_rtr_adv_interval", "max_rtr_adv_interval") if key in value}
    device = RouterAdvertisements(name, interfaces, start_ns=_time(value, "start") or 0, **times)
    return Built(device, interface_plugs(value["interfaces"]))


def _place(value: Mapping[str, Any], key: str) -> Path:
    """``routes[0].to`` as a path; what is no place in the device, such as the name of an option, is all of it."""
    path = key_path(key)
    return path if path and path[0] in value else ()


HOST = DeviceKind(HOST_SCHEMA, _build_host, _place)
DHCP = DeviceKind(DHCP_SCHEMA, _build_dhcp, _place)
RADVD = DeviceKind(RADVD_SCHEMA, _build_radvd, _place)
