"""Asks a real dnsmasq, run as Neutron's DHCP agent runs it, and keeps its answers in `answers.json`.

    unshare -n python tests/golden/dnsmasq/make.py        as root, with dnsmasq-base installed

The namespace has one tap device in place of the agent's port. Each case is a list of frames that a client sends; what
comes back within a moment is kept as it is, so that `tests/devices/test_dnsmasq.py` can send the same to `DhcpServer`.
The files are what neutron/agent/linux/dhcp.py writes for the network that the test describes in Neutron's words.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import dpkt

HERE = Path(__file__).resolve().parent
SERVER_MAC = "fa:16:3e:00:00:02"
PORTS = {"a": "fa:16:3e:00:00:05", "b": "fa:16:3e:00:00:06", "two": "fa:16:3e:00:00:07", "opts": "fa:16:3e:00:00:08",
         "six": "fa:16:3e:00:00:09", "six2": "fa:16:3e:00:00:0a", "dual": "fa:16:3e:00:00:0b",
         "long": "fa:16:3e:00:00:0c", "named": "fa:16:3e:00:00:0d",
         "unknown": "fa:16:3e:00:00:99"}  # fmt: skip
HOSTS = """\
fa:16:3e:00:00:05,host-10-0-0-5.openstacklocal,10.0.0.5
fa:16:3e:00:00:06,host-10-0-1-6.openstacklocal,10.0.1.6
fa:16:3e:00:00:07,host-10-0-0-7.openstacklocal,10.0.0.7
fa:16:3e:00:00:07,host-10-0-1-7.openstacklocal,10.0.1.7
fa:16:3e:00:00:08,host-10-0-0-8.openstacklocal,10.0.0.8,set:port-opts
fa:16:3e:00:00:0c,host-10-0-0-12.openstacklocal,10.0.0.12,set:port-long
fa:16:3e:00:00:0d,id:blue,host-10-0-0-13.openstacklocal,10.0.0.13
fa:16:3e:00:00:09,tag:dhcpv6,host-fd00-1--9.openstacklocal,[fd00:1::9]
fa:16:3e:00:00:0a,tag:dhcpv6,host-fd00-1--a.openstacklocal,[fd00:1::a]
fa:16:3e:00:00:0a,tag:dhcpv6,host-fd00-1--b.openstacklocal,[fd00:1::b]
fa:16:3e:00:00:0b,host-10-0-0-11.openstacklocal,10.0.0.11
fa:16:3e:00:00:0b,tag:dhcpv6,host-fd00-1--c.openstacklocal,[fd00:1::c]
fa:16:3e:00:00:01,host-10-0-0-1.openstacklocal,10.0.0.1
"""
OPTS = """\
tag:subnet-a,option:dns-server,8.8.8.8,8.8.4.4
tag:subnet-a,option:classless-static-route,10.0.1.0/24,0.0.0.0,169.254.169.254/32,10.0.0.1,0.0.0.0/0,10.0.0.1
tag:subnet-a,249,10.0.1.0/24,0.0.0.0,169.254.169.254/32,10.0.0.1,0.0.0.0/0,10.0.0.1
tag:subnet-a,option:router,10.0.0.1
tag:subnet-b,option:classless-static-route,10.0.0.0/24,0.0.0.0,192.168.0.0/16,10.0.1.254,169.254.169.254/32,10.0.1.2
tag:subnet-b,249,10.0.0.0/24,0.0.0.0,192.168.0.0/16,10.0.1.254,169.254.169.254/32,10.0.1.2
tag:subnet-b,option:router
tag:subnet-six,option6:dns-server,[2001:db8::53]
tag:subnet-six,option6:domain-search,openstacklocal
tag:subnet-less,option6:domain-search,openstacklocal
tag:port-opts,option:bootfile-name,pxelinux.0
tag:port-opts,option:tftp-server,10.0.0.9
tag:port-opts,option:server-ip-address,10.0.0.9
tag:port-opts,42,10.0.0.10
tag:port-opts,tag:ipxe,67,boot.ipxe
tag:port-opts,tag:!ipxe,66,10.0.0.8
tag:port-long,option:classless-static-route,LONG
tag:port-long,option:domain-search,one.example.org,two.example.org,example.net
tag:port-long,43,01:02:03
tag:port-long,option:nis-domain,a-name-of-a-domain-that-is-very-long-and-fills-the-room-in-the-packet.example.org
tag:port-long,option:ntp-server,10.0.0.10,10.0.0.11
tag:port-long,option:bootfile-name,pxelinux.0
tag:port-long,option:router,10.0.0.254
tag:port-long,252,http://wpad.example.org/wpad.dat
tag:port-long,option:default-ttl,63
""".replace("LONG", ",".join(f"172.16.{i}.0/24,10.0.0.{i}" for i in range(20)))
ADDN_HOSTS = "".join(
    f"{address}\t{name}.openstacklocal {name}\n"
    for address, name in [("10.0.0.2", "host-10-0-0-2"), ("10.0.1.2", "host-10-0-1-2"), ("10.0.0.5", "host-10-0-0-5"),
                          ("10.0.1.6", "host-10-0-1-6"), ("10.0.0.7", "host-10-0-0-7"), ("10.0.1.7", "host-10-0-1-7"),
                          ("10.0.0.8", "host-10-0-0-8"), ("fd00:1::9", "host-fd00-1--9")]
)  # fmt: skip
ADDRESSES = ["10.0.0.2/24", "10.0.1.2/24", "fd00:1::2/64", "fd00:2::2/64"]
LEASES = "".join(f"0 {mac} {address} * *\n" for mac, address in [
    ("fa:16:3e:00:00:05", "10.0.0.5"),
    ("fa:16:3e:00:00:06", "10.0.1.6"), ("fa:16:3e:00:00:07", "10.0.0.7"), ("fa:16:3e:00:00:07", "10.0.1.7"),
    ("fa:16:3e:00:00:08", "10.0.0.8"), ("fa:16:3e:00:00:0b", "10.0.0.11"), ("fa:16:3e:00:00:0c", "10.0.0.12"),
    ("fa:16:3e:00:00:0d", "10.0.0.13"), ("fa:16:3e:00:00:01", "10.0.0.1"),
])  # fmt: skip


RANGES = {
    "subnet-a": "10.0.0.0,static,255.255.255.0", "subnet-b": "10.0.1.0,static,255.255.255.0",
    "subnet-six": "fd00:1::,static,64", "subnet-less": "fd00:2::,static,64",
}  # fmt: skip

# A second network: one subnet of IPv4, one of IPv6 whose hosts make their own addresses.
STATELESS_ADDRESSES = ["10.0.0.2/24", "fd00:2::2/64"]
STATELESS_HOSTS = """\
fa:16:3e:00:00:08,tag:dhcpv6,set:port-lessopts
fa:16:3e:00:00:08,host-10-0-0-8.openstacklocal,10.0.0.8,set:port-lessopts
fa:16:3e:00:00:05,host-10-0-0-5.openstacklocal,10.0.0.5
"""
STATELESS_OPTS = """\
tag:subnet-a,option:router,10.0.0.1
tag:subnet-less,option6:dns-server,[2001:db8::53],[2001:db8::54]
tag:subnet-less,option6:domain-search,openstacklocal
tag:port-lessopts,option6:sntp-server,2001:db8::1
tag:port-lessopts,option6:bootfile-url,tftp://[2001:db8::2]/x
tag:port-lessopts,option:ntp-server,10.0.0.10
"""
STATELESS_LEASES = "0 fa:16:3e:00:00:08 10.0.0.8 * *\n0 fa:16:3e:00:00:05 10.0.0.5 * *\n"


def command(folder: Path, subnets: tuple[str, ...] = tuple(RANGES)) -> list[str]:
    return [
        "dnsmasq", "--no-hosts", "--no-resolv", f"--pid-file={folder}/pid", f"--dhcp-hostsfile={folder}/host",
        f"--addn-hosts={folder}/addn_hosts", f"--dhcp-optsfile={folder}/opts", f"--dhcp-leasefile={folder}/leases",
        "--dhcp-match=set:ipxe,175", "--dhcp-userclass=set:ipxe6,iPXE", "--local-service", "--bind-dynamic",
        *(f"--dhcp-range=set:{name},{RANGES[name]},86400s" for name in subnets),
        "--dhcp-option-force=option:mtu,1450", "--dhcp-lease-max=16777216", "--conf-file=/dev/null",
        "--domain=openstacklocal", "--keep-in-foreground", f"--log-facility={folder}/log", "--log-dhcp", "--user=root",
    ]  # fmt: skip


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def ip(text: str) -> bytes:
    return bytes(map(int, text.split(".")))


LINUX = bytes([1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42])  # what dhclient of Debian asks for


def dhcp(port: str, kind: int | None, *, options: dict[int, bytes] | None = None, src: str = "0.0.0.0",
         dst: str = "255.255.255.255", ciaddr: str = "0.0.0.0", flags: int = 0, wanted: bytes | None = LINUX,
         to: str = "ff:ff:ff:ff:ff:ff", xid: int = 0x1234ABCD, giaddr: str = "0.0.0.0",
         sport: int = 68) -> bytes:  # fmt: skip
    """A client's frame: message `kind`, then `options` by code, then the parameter request list."""
    body = b"".join(bytes((code, len(value))) + value for code, value in (options or {}).items())
    listed = b"" if wanted is None else bytes((55, len(wanted))) + wanted
    message = struct.pack("!BBBBIHH4s4s4s4s16s192s4s", 1, 1, 6, 0, xid, 0, flags, ip(ciaddr), bytes(4), bytes(4),
                          ip(giaddr), mac(PORTS[port]), b"", bytes.fromhex("63825363"))  # fmt: skip
    message += (b"" if kind is None else bytes((53, 1, kind))) + body + listed + b"\xff"
    message += bytes(max(0, 300 - len(message)))
    packet = dpkt.ip.IP(src=ip(src), dst=ip(dst), p=17, ttl=64)
    packet.data = dpkt.udp.UDP(sport=sport, dport=67, data=message)
    packet.data.ulen = len(packet.data)
    packet.len = len(packet)
    return bytes(dpkt.ethernet.Ethernet(dst=mac(to), src=mac(PORTS[port]), type=0x0800, data=packet))


ALL = LINUX + bytes([40, 43, 67, 119, 252, 23])
DISCOVER, REQUEST, DECLINE, RELEASE, INFORM = 1, 3, 4, 7, 8
SELECT_A = {50: ip("10.0.0.5"), 54: ip("10.0.0.2")}


def link_local(port: str) -> bytes:
    m = mac(PORTS[port])
    return bytes.fromhex("fe80") + bytes(6) + bytes((m[0] ^ 2,)) + m[1:3] + b"\xff\xfe" + m[3:]


def option6(code: int, value: bytes = b"") -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def dhcp6(port: str, kind: int, *options: bytes, xid: int = 0xABCDEF) -> bytes:
    """A client's DHCPv6 frame to all servers, with its DUID-LL first."""
    body = struct.pack("!I", kind << 24 | xid) + option6(1, b"\0\3\0\1" + mac(PORTS[port])) + b"".join(options)
    packet = dpkt.ip6.IP6(src=link_local(port), dst=bytes.fromhex("ff020000000000000000000000010002"), nxt=17, hlim=1)
    packet.extension_hdrs = {}
    packet.all_extension_headers = []
    packet.data = dpkt.udp.UDP(sport=546, dport=547, data=body)
    packet.data.ulen = packet.plen = len(packet.data)
    return bytes(dpkt.ethernet.Ethernet(dst=mac("33:33:00:01:00:02"), src=mac(PORTS[port]), type=0x86DD, data=packet))


def ia_na(*addresses: str, iaid: int = 0x3E000009) -> bytes:
    import socket

    inner = b"".join(option6(5, socket.inet_pton(socket.AF_INET6, a) + bytes(8)) for a in addresses)
    return option6(3, struct.pack("!III", iaid, 0, 0) + inner)


SOLICIT, REQUEST6, CONFIRM, RENEW, REBIND, RELEASE6, DECLINE6, INFORMATION = 1, 3, 4, 5, 6, 8, 9, 11
ORO = option6(6, struct.pack("!5H", 23, 24, 31, 32, 39))
ELAPSED = option6(8, b"\0\0")
SERVER_DUID = option6(2, bytes.fromhex("00010001") + bytes(4) + mac(SERVER_MAC))  # the lease file gives it

# Cases run in this order, against one dnsmasq: leases last from one to the next.
CASES: dict[str, list[bytes]] = {
    "discover, request": [dhcp("a", DISCOVER), dhcp("a", REQUEST, options=SELECT_A)],
    "discover with broadcast flag": [dhcp("a", DISCOVER, flags=0x8000)],
    "discover without parameter list": [dhcp("a", DISCOVER, wanted=None)],
    "discover with parameter list reversed": [dhcp("a", DISCOVER, wanted=LINUX[::-1])],
    "discover with 249 and 33": [dhcp("a", DISCOVER, wanted=bytes([1, 249, 33, 3, 58, 59, 51]))],
    "discover of the second subnet": [dhcp("b", DISCOVER), dhcp("b", REQUEST, options={50: ip("10.0.1.6"),
                                                                                       54: ip("10.0.1.2")})],
    "discover of two addresses": [dhcp("two", DISCOVER)],
    "discover with options of the port": [dhcp("opts", DISCOVER, wanted=LINUX + bytes([66, 67, 150]))],
    "discover with options of the port, no list": [dhcp("opts", DISCOVER, wanted=bytes([1, 3]))],
    "more options than there is room": [dhcp("long", DISCOVER, wanted=ALL)],
    "more options than there is room, no list": [dhcp("long", DISCOVER, wanted=None)],
    "many options in a large packet": [dhcp("long", DISCOVER, wanted=ALL, options={57: struct.pack("!H", 1400)})],
    "few of many options": [dhcp("long", DISCOVER, wanted=bytes([1, 3]))],
    "client id of the port": [dhcp("named", DISCOVER, options={61: b"blue"})],
    "client id of the port, after a zero": [dhcp("named", DISCOVER, options={61: b"\0blue"})],
    "client id of the port from another MAC": [dhcp("unknown", DISCOVER, options={61: b"blue"})],
    "MAC of a port with client id": [dhcp("named", DISCOVER)],
    "discover of an unknown client": [dhcp("unknown", DISCOVER)],
    "discover with host name": [dhcp("a", DISCOVER, options={12: b"myvm"})],
    "request with host name": [dhcp("a", REQUEST, options={**SELECT_A, 12: b"myvm"})],
    "discover with client id": [dhcp("a", DISCOVER, options={61: b"\1" + mac(PORTS["a"])})],
    "discover with FQDN": [dhcp("a", DISCOVER, options={81: b"\1\0\0myvm"})],
    "discover with FQDN in wire format": [dhcp("a", DISCOVER, options={81: b"\5\0\0\4myvm"})],
    "discover that wants an address": [dhcp("a", DISCOVER, options={50: ip("10.0.0.77")})],
    "discover that wants a lease time": [dhcp("a", DISCOVER, options={51: struct.pack("!I", 3600)})],
    "discover that wants too short a lease": [dhcp("a", DISCOVER, options={51: struct.pack("!I", 10)})],
    "discover with maximal size": [dhcp("a", DISCOVER, options={57: struct.pack("!H", 1400)})],
    "discover with rapid commit": [dhcp("a", DISCOVER, options={80: b""})],
    "discover with zero-terminated name": [dhcp("a", DISCOVER, options={12: b"myvm\0"})],
    "discover with relay": [dhcp("a", DISCOVER, giaddr="10.0.0.1", options={82: b"\1\4abcd"})],
    "request of another server": [dhcp("a", REQUEST, options={50: ip("10.0.0.5"), 54: ip("10.0.0.3")})],
    "request of another address": [dhcp("a", REQUEST, options={50: ip("10.0.0.77"), 54: ip("10.0.0.2")})],
    "request of another's address": [dhcp("a", REQUEST, options={50: ip("10.0.0.7"), 54: ip("10.0.0.2")})],
    "request of a foreign address": [dhcp("a", REQUEST, options={50: ip("172.16.0.1"), 54: ip("10.0.0.2")})],
    "request of an unknown client": [dhcp("unknown", REQUEST, options={50: ip("10.0.0.99"), 54: ip("10.0.0.2")})],
    "select again": [dhcp("a", DISCOVER), dhcp("a", REQUEST, options=SELECT_A)],
    "init-reboot": [dhcp("a", REQUEST, options={50: ip("10.0.0.5")})],
    "init-reboot, wrong address": [dhcp("a", REQUEST, options={50: ip("10.0.0.6")})],
    "init-reboot, wrong network": [dhcp("a", REQUEST, options={50: ip("192.168.7.7")})],
    "init-reboot, unknown client": [dhcp("unknown", REQUEST, options={50: ip("10.0.0.99")})],
    "renew": [dhcp("a", REQUEST, src="10.0.0.5", dst="10.0.0.2", ciaddr="10.0.0.5", to=SERVER_MAC)],
    "renew, wrong address": [dhcp("a", REQUEST, src="10.0.0.5", dst="10.0.0.2", ciaddr="10.0.0.6", to=SERVER_MAC)],
    "renew, unknown client": [dhcp("unknown", REQUEST, src="10.0.0.99", dst="10.0.0.2", ciaddr="10.0.0.99",
                                   to=SERVER_MAC)],
    "rebind": [dhcp("a", REQUEST, src="10.0.0.5", ciaddr="10.0.0.5")],
    "rebind, wrong address": [dhcp("a", REQUEST, src="10.0.0.6", ciaddr="10.0.0.6")],
    "rebind, unknown client": [dhcp("unknown", REQUEST, src="10.0.0.99", ciaddr="10.0.0.99")],
    "inform": [dhcp("a", INFORM, src="10.0.0.5", ciaddr="10.0.0.5")],
    "inform of the second subnet": [dhcp("b", INFORM, src="10.0.1.6", ciaddr="10.0.1.6")],
    "inform without address": [dhcp("a", INFORM)],
    "inform of an unknown client": [dhcp("unknown", INFORM, src="10.0.0.99", ciaddr="10.0.0.99")],
    "release, then renew": [
        dhcp("a", RELEASE, src="10.0.0.5", dst="10.0.0.2", ciaddr="10.0.0.5", to=SERVER_MAC,
             options={54: ip("10.0.0.2")}),
        dhcp("a", REQUEST, src="10.0.0.5", dst="10.0.0.2", ciaddr="10.0.0.5", to=SERVER_MAC),
    ],
    "rebind after release": [dhcp("a", REQUEST, src="10.0.0.5", ciaddr="10.0.0.5")],
    "init-reboot after release": [dhcp("a", REQUEST, options={50: ip("10.0.0.5")})],
    "back after release": [dhcp("a", DISCOVER), dhcp("a", REQUEST, options=SELECT_A)],
    "release of another server": [dhcp("a", RELEASE, src="10.0.0.5", dst="10.0.0.2", ciaddr="10.0.0.5", to=SERVER_MAC,
                                       options={54: ip("10.0.0.3")}),
                                  dhcp("a", REQUEST, options={50: ip("10.0.0.5")})],
    "decline, then discover": [dhcp("a", DECLINE, options=SELECT_A), dhcp("a", DISCOVER)],
    "decline, then request": [dhcp("a", REQUEST, options=SELECT_A)],
    "decline of the second subnet": [dhcp("b", DECLINE, options={50: ip("10.0.1.6"), 54: ip("10.0.1.2")}),
                                     dhcp("b", DISCOVER)],
    "request after decline": [dhcp("b", REQUEST, options={50: ip("10.0.1.6"), 54: ip("10.0.1.2")})],
    "init-reboot after decline": [dhcp("b", REQUEST, options={50: ip("10.0.1.6")})],
    "decline of another's address": [dhcp("opts", DECLINE, options={50: ip("10.0.0.77"), 54: ip("10.0.1.2")}),
                                     dhcp("opts", DISCOVER, wanted=bytes([1]))],
    "discover of iPXE": [dhcp("opts", DISCOVER, options={175: b"\1\1\1"}, wanted=bytes([1, 66, 67]))],
    "discover from port 1068": [dhcp("a", DISCOVER, sport=1068)],
    "renew from port 1068": [dhcp("a", REQUEST, src="10.0.0.5", dst="10.0.0.2", ciaddr="10.0.0.5", to=SERVER_MAC,
                                  sport=1068)],
    "inform for another address": [dhcp("a", INFORM, src="10.0.0.5", ciaddr="10.0.0.7")],
    "bootp": [dhcp("a", None)],
    "offer of a client": [dhcp("a", 2)],
    "solicit": [dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na())],
    "solicit, request": [dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na()),
                         dhcp6("six", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::9"))],
    "solicit without options": [dhcp6("six", SOLICIT, ia_na())],
    "solicit with rapid commit": [dhcp6("six", SOLICIT, ELAPSED, ORO, option6(14), ia_na())],
    "solicit of an unknown client": [dhcp6("unknown", SOLICIT, ELAPSED, ORO, ia_na())],
    "solicit with FQDN": [dhcp6("six", SOLICIT, ELAPSED, ORO, option6(39, b"\1\4myvm"), ia_na())],
    "solicit of a client with IPv4 only": [dhcp6("a", SOLICIT, ELAPSED, ORO, ia_na())],
    "solicit without IA": [dhcp6("six", SOLICIT, ELAPSED, ORO)],
    "solicit with two IAs": [dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na(), ia_na(iaid=2))],
    "solicit with a hint": [dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na("fd00:1::77"))],
    "solicit with a foreign hint": [dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na("fd00:9::77"))],
    "solicit of temporary addresses": [dhcp6("six", SOLICIT, ELAPSED, ORO, option6(4, b"\0\0\0\1"))],
    "solicit of a client with two addresses": [dhcp6("six2", SOLICIT, ELAPSED, ORO, ia_na()),
                                               dhcp6("six2", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::b"))],
    "request of the other of two addresses": [dhcp6("six2", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::a"))],
    "solicit of a client with both families": [dhcp6("dual", SOLICIT, ELAPSED, ORO, ia_na())],
    "discover of a client with both families": [dhcp("dual", DISCOVER)],
    "information-request of a client with both families": [dhcp6("dual", INFORMATION, ELAPSED, ORO)],
    "information-request without list": [dhcp6("six", INFORMATION, ELAPSED)],
    "request without addresses": [dhcp6("dual", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na())],
    "request with times": [dhcp6("six", REQUEST6, SERVER_DUID, ELAPSED, ORO,
                                 option6(3, struct.pack("!III", 0x3E000009, 0, 0)
                                         + option6(5, bytes.fromhex("fd000001") + bytes(11) + b"\x09"
                                                   + struct.pack("!II", 1000, 60000))))],
    "request of another server, v6": [dhcp6("six", REQUEST6, option6(2, b"\0\3\0\1\2\3\4\5\6\7"), ELAPSED, ORO,
                                            ia_na("fd00:1::9"))],
    "request of a foreign address, v6": [dhcp6("six", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:9::9"))],
    "request of a free address, v6": [dhcp6("six", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::77"))],
    "request of an unknown client, v6": [dhcp6("unknown", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::99"))],
    "confirm": [dhcp6("six", CONFIRM, ELAPSED, ia_na("fd00:1::9"))],
    "confirm, wrong network": [dhcp6("six", CONFIRM, ELAPSED, ia_na("fd00:9::9"))],
    "request again, v6": [dhcp6("six", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::9"))],
    "request of another IA": [dhcp6("six", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::9", iaid=5))],
    "solicit of another IA": [dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na(iaid=5))],
    "renew, v6": [dhcp6("six", RENEW, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::9"))],
    "renew with foreign address, v6": [dhcp6("six", RENEW, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::9", "fd00:9::1"))],
    "rebind of a foreign address, v6": [dhcp6("six", REBIND, ELAPSED, ORO, ia_na("fd00:9::1"))],
    "renew of no lease, v6": [dhcp6("six", RENEW, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::a", iaid=7))],
    "rebind, v6": [dhcp6("six", REBIND, ELAPSED, ORO, ia_na("fd00:1::9"))],
    "rebind of no lease, v6": [dhcp6("six", REBIND, ELAPSED, ORO, ia_na("fd00:1::a", iaid=7))],
    "information-request": [dhcp6("six", INFORMATION, ELAPSED, ORO)],
    "information-request of an unknown client": [dhcp6("unknown", INFORMATION, ELAPSED, ORO)],
    "information-request with server": [dhcp6("six", INFORMATION, SERVER_DUID, ELAPSED, ORO)],
    "release, v6": [dhcp6("six", RELEASE6, SERVER_DUID, ELAPSED, ia_na("fd00:1::9"))],
    "release of no lease, v6": [dhcp6("six", RELEASE6, SERVER_DUID, ELAPSED, ia_na("fd00:1::9"))],
    "decline of a foreign address, v6": [dhcp6("six", DECLINE6, SERVER_DUID, ELAPSED, ia_na("fd00:9::9"))],
    "back after release, v6": [dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na()),
                               dhcp6("six", REQUEST6, SERVER_DUID, ELAPSED, ORO, ia_na("fd00:1::9"))],
    "decline, v6": [dhcp6("six", DECLINE6, SERVER_DUID, ELAPSED, ia_na("fd00:1::9")),
                    dhcp6("six", SOLICIT, ELAPSED, ORO, ia_na())],
}  # fmt: skip


def tap_device(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x0002 | 0x1000))  # TUNSETIFF, tap without header
    return fd


def answers(fd: int, wait_s: float) -> list[bytes]:
    """What the namespace sends until it has been silent for `wait_s`; its neighbour discovery is left out."""
    found = []
    while select.select([fd], [], [], wait_s)[0]:
        frame = os.read(fd, 65536)
        # UDP only: the kernel's own neighbour discovery, multicast reports and ARP are not dnsmasq's.
        if (frame[12:14] == b"\x08\x00" and frame[23] == 17) or (frame[12:14] == b"\x86\xdd" and frame[20] == 17):
            found.append(frame)
        elif frame[12:14] == b"\x08\x06" or frame[54:55] == b"\x87":
            answer_neighbour(fd, frame)
    return found


def answer_neighbour(fd: int, frame: bytes) -> None:
    """Tells the namespace's kernel the MAC address it asks for, so that unicast replies leave."""
    if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1":
        asked = frame[38:42]
        own = {ip("10.0.0.5"): "a", ip("10.0.1.6"): "b", ip("10.0.0.6"): "a", ip("10.0.0.99"): "unknown"}.get(asked)
        if own:
            m = mac(PORTS[own])
            os.write(fd, frame[6:12] + m + bytes.fromhex("08060001080006040002") + m + asked + frame[22:32])
    elif frame[12:14] == b"\x86\xdd":
        target = frame[62:78]
        for name in PORTS:
            if target == link_local(name):
                m = mac(PORTS[name])
                body = bytes.fromhex("8800000060000000") + target + b"\2\1" + m
                pseudo = target + frame[22:38] + struct.pack("!II", len(body), 58)
                total = dpkt.in_cksum(pseudo + body)
                body = body[:2] + struct.pack("!H", total) + body[4:]
                head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + target + frame[22:38]
                os.write(fd, frame[6:12] + m + b"\x86\xdd" + head + body)


STATELESS_CASES: dict[str, list[bytes]] = {
    "stateless: information-request": [dhcp6("a", INFORMATION, ELAPSED, ORO)],
    "stateless: information-request without list": [dhcp6("a", INFORMATION, ELAPSED)],
    "stateless: information-request of an unknown client": [dhcp6("unknown", INFORMATION, ELAPSED, ORO)],
    "stateless: information-request with options of the port": [
        dhcp6("opts", INFORMATION, ELAPSED, option6(6, struct.pack("!5H", 23, 24, 31, 59, 39)))],
    "stateless: information-request without options of the port": [dhcp6("opts", INFORMATION, ELAPSED, ORO[:-4])],
    "stateless: solicit": [dhcp6("a", SOLICIT, ELAPSED, ORO, ia_na())],
    "stateless: rebind": [dhcp6("a", REBIND, ELAPSED, ORO, ia_na("fd00:2::5"))],
    "stateless: discover": [dhcp("a", DISCOVER)],
    "stateless: discover of a client with options": [dhcp("opts", DISCOVER)],
    "stateless: discover without list": [dhcp("opts", DISCOVER, wanted=None)],
}  # fmt: skip


def main() -> None:
    fd = tap_device("tap0")
    for line in [f"link set tap0 address {SERVER_MAC}", "link set lo up", "link set tap0 up"]:
        subprocess.run(["ip", *line.split()], check=True)
    kept = ask(fd, CASES, ADDRESSES, {"host": HOSTS, "opts": OPTS, "addn_hosts": ADDN_HOSTS}, LEASES, tuple(RANGES))
    files = {"host": STATELESS_HOSTS, "opts": STATELESS_OPTS, "addn_hosts": ""}
    kept |= ask(fd, STATELESS_CASES, STATELESS_ADDRESSES, files, STATELESS_LEASES, ("subnet-a", "subnet-less"))
    version = subprocess.run(["dnsmasq", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    (HERE / "answers.json").write_text(json.dumps({"version": version, "cases": kept}, indent=1) + "\n")


def ask(
    fd: int, cases: dict[str, list[bytes]], addresses: list[str], files: dict[str, str], leases: str,
    subnets: tuple[str, ...],
) -> dict[str, list[dict[str, object]]]:  # fmt: skip
    """What a dnsmasq with these files answers."""
    for line in [f"addr add {a} dev tap0 {'nodad' if ':' in a else ''}" for a in addresses]:
        subprocess.run(["ip", *line.split()], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text)
        duid = (bytes.fromhex("00010001") + bytes(4) + mac(SERVER_MAC)).hex(":")
        (folder / "leases").write_text(leases + f"duid {duid}\n")
        server = subprocess.Popen(command(folder, subnets))
        try:
            time.sleep(3)  # the link-local address has to pass its duplicate address detection
            answers(fd, 0.5)
            kept = {}
            for case, frames in cases.items():
                steps = []
                for frame in frames:
                    os.write(fd, frame)
                    steps.append({"send": frame.hex(), "receive": [f.hex() for f in answers(fd, 1.5)]})
                kept[case] = steps
        finally:
            server.terminate()
            server.wait()
            for address in addresses:
                subprocess.run(["ip", "addr", "del", address, "dev", "tap0"], check=True)
        print((folder / "log").read_text())
    return kept


if __name__ == "__main__":
    main()
