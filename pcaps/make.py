"""Make the captures of the shipped scenarios, and the scripts of compute hosts: the same bytes every time.

    python pcaps/make.py            write every <scenario>/in/<port>.pcap (or in/<node>/<port>.pcap), hosts' scripts
    python pcaps/make.py --check    compare with the committed files; exit status 1 if one differs

A scenario is a timeline: who sends what at which second. The hosts' frames are what a network card hands over,
with valid checksums and padded to 60 bytes (64 with the FCS, which captures do not hold); a VLAN tag comes on top.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dpkt

sys.path.insert(0, str(Path(__file__).resolve().parent))
from compute_hosts import Cloud, ComputeHost, Network

HERE = Path(__file__).resolve().parent
EPOCH_S = 1_700_000_000  # 2023-11-14 22:13:20 UTC; a whole second, because MAC ageing counts whole seconds
SNAPLEN = 262_144  # tcpdump's default
FRAME_LEN_MIN = 60  # IEEE 802.3-2018, 3.2.7, without the FCS
CTAG, STAG = 0x8100, 0x88A8
BROADCAST = "ff:ff:ff:ff:ff:ff"

Event = tuple[float, str, bytes]  # seconds since the first frame, in_port ("node/port" with several nodes), frame


@dataclass(frozen=True)
class Host:
    """A station with one address of each kind."""

    mac: str
    ip: str

    def arp_request(self, target: Host) -> bytes:
        """Ask everyone who has `target`'s IP address; asking for one's own is a gratuitous ARP."""
        return self._arp(dpkt.arp.ARP_OP_REQUEST, BROADCAST, "00:00:00:00:00:00", target.ip)

    def arp_reply(self, target: Host) -> bytes:
        """Tell `target` alone."""
        return self._arp(dpkt.arp.ARP_OP_REPLY, target.mac, target.mac, target.ip)

    def ping(self, target: Host, seq: int, *, reply: bool = False) -> bytes:
        """An echo request, or the reply to one, with the 56 bytes of data that ping(8) sends."""
        echo = dpkt.icmp.ICMP.Echo(id=0x1D0E, seq=seq, data=bytes(range(56)))
        kind = dpkt.icmp.ICMP_ECHOREPLY if reply else dpkt.icmp.ICMP_ECHO
        return self._ip(target.mac, target.ip, dpkt.ip.IP_PROTO_ICMP, dpkt.icmp.ICMP(type=kind, data=echo))

    def udp(self, target: Host, text: str) -> bytes:
        """A datagram that says `text`, so that it is recognised in a hex dump."""
        return self._udp(target.mac, target.ip, text)

    def multicast(self, text: str) -> bytes:
        """A datagram to the group 239.1.1.1 (RFC 1112 §6.4 gives the MAC)."""
        return self._udp("01:00:5e:01:01:01", "239.1.1.1", text)

    def lldp(self) -> bytes:
        """A neighbour advertisement: chassis ID, port ID and time to live (IEEE 802.1AB-2016, 8.5)."""
        tlvs = bytes.fromhex("0207 04") + _bytes(self.mac) + bytes.fromhex("0403 05 7034 0602 0078 0000")
        return self._frame("01:80:c2:00:00:0e", 0x88CC, tlvs)

    def bpdu(self) -> bytes:
        """A spanning tree configuration BPDU of a bridge that thinks it is the root (IEEE 802.1D-2004, 9.3.1)."""
        bridge_id = b"\x80\x00" + _bytes(self.mac)
        config = b"\0\0\0\0\0" + bridge_id + bytes(4) + bridge_id + bytes.fromhex("8001 0000 1400 0200 0f00")
        llc = b"\x42\x42\x03" + config
        return self._frame("01:80:c2:00:00:00", len(llc), llc)

    def _arp(self, op: int, dst: str, tha: str, tpa: str) -> bytes:
        arp = dpkt.arp.ARP(op=op, sha=_bytes(self.mac), spa=_ip(self.ip), tha=_bytes(tha), tpa=_ip(tpa))
        return self._frame(dst, dpkt.ethernet.ETH_TYPE_ARP, bytes(arp))

    def _udp(self, dst: str, dst_ip: str, text: str) -> bytes:
        udp = dpkt.udp.UDP(sport=49152, dport=40000, data=text.encode())
        udp.ulen = len(udp)
        return self._ip(dst, dst_ip, dpkt.ip.IP_PROTO_UDP, udp)

    def _ip(self, dst: str, dst_ip: str, proto: int, payload: dpkt.Packet) -> bytes:
        # dpkt fills in the checksums of IPv4, UDP and ICMP when the headers become bytes.
        ip = dpkt.ip.IP(src=_ip(self.ip), dst=_ip(dst_ip), p=proto, ttl=64, id=1, df=1, data=payload)
        ip.len = len(ip)
        return self._frame(dst, dpkt.ethernet.ETH_TYPE_IP, bytes(ip))

    def _frame(self, dst: str, dl_type: int, payload: bytes) -> bytes:
        frame = _bytes(dst) + _bytes(self.mac) + dl_type.to_bytes(2, "big") + payload
        return frame.ljust(FRAME_LEN_MIN, b"\0")


def host(number: int) -> Host:
    """Host 7 is 02:00:00:00:00:07 and 10.0.0.7."""
    return Host(f"02:00:00:00:00:{number:02x}", f"10.0.0.{number}")


def tag(frame: bytes, vid: int, *, pcp: int = 0, tpid: int = CTAG) -> bytes:
    """Put an 802.1Q tag in front of what stands behind the addresses."""
    return frame[:12] + tpid.to_bytes(2, "big") + (pcp << 13 | vid).to_bytes(2, "big") + frame[12:]


def _bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def _ip(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


# ---- the scenarios ----


def learning_switch() -> Iterator[Event]:
    h1, h2, h3, h4, h5, h6 = map(host, range(1, 7))
    h9 = host(9)  # shares p1 with h1, as behind a hub
    yield 0.000, "p1", h1.udp(h2, "h1 to h2: nobody knows h2")
    yield 0.010, "p2", h2.udp(h1, "h2 to h1: h1 is known")
    yield 0.020, "p1", h1.udp(h2, "h1 to h2: now both are")
    yield 1.000, "p3", h3.arp_request(h1)
    yield 1.010, "p1", h1.arp_reply(h3)
    yield 2.000, "p4", h4.lldp()
    yield 2.010, "p5", h5.bpdu()
    yield 3.000, "p6", h6.multicast("h6 to a group")
    yield 4.000, "p1", h9.udp(h3, "h9 lives on p1 too")
    yield 4.010, "p1", h1.udp(h9, "h1 to h9: the hub did it")
    yield 10.000, "p8", h2.arp_request(h2)
    yield 10.010, "p1", h1.udp(h2, "h1 to h2: it moved to p8")
    yield 200.000, "p1", h1.udp(h2, "h1 to h2: refreshes h1")
    yield 309.990, "p1", h1.udp(h2, "h1 to h2: last moment")
    yield 310.000, "p1", h1.udp(h2, "h1 to h2: h2 aged out")


def arp_ping() -> Iterator[Event]:
    h1, h2 = host(1), host(2)
    yield 0.000, "p1", h1.arp_request(h2)
    yield 0.010, "p2", h2.arp_reply(h1)
    for seq in (1, 2, 3):
        yield seq - 1 + 0.020, "p1", h1.ping(h2, seq)
        yield seq - 1 + 0.030, "p2", h2.ping(h1, seq, reply=True)


def vlan_two_bridges() -> Iterator[Event]:
    vm1, srv, sw1, fw10 = host(1), host(2), host(3), host(4)  # VLAN 10
    vm2, sw2, fw20 = host(21), host(22), host(4)  # VLAN 20; the firewall has one MAC in both
    yield 0.00, "vm1", vm1.arp_request(srv)
    yield 0.01, "srv", srv.arp_reply(vm1)
    yield 0.02, "vm1", vm1.ping(srv, 1)
    yield 0.03, "srv", srv.ping(vm1, 1, reply=True)
    yield 1.00, "vm2", vm2.arp_request(sw2)
    yield 1.01, "sw2", sw2.arp_reply(vm2)
    yield 1.02, "vm2", vm2.ping(sw2, 1)
    yield 1.03, "sw2", tag(sw2.ping(vm2, 1, reply=True), 20)
    yield 2.00, "sw1", sw1.arp_request(vm1)
    yield 2.01, "vm1", vm1.arp_reply(sw1)
    yield 2.02, "sw1", tag(sw1.ping(vm1, 2), 10)
    yield 3.00, "fw", tag(fw10.arp_request(fw10), 10)
    yield 3.01, "fw", tag(fw20.arp_request(fw20), 20)
    yield 3.02, "vm1", vm1.udp(fw10, "to the firewall in VLAN 10")
    yield 4.00, "vm1", tag(vm1.udp(srv, "access ports take no tag"), 10)
    yield 4.01, "fw", fw10.udp(vm1, "untagged is not in trunks")
    yield 4.02, "fw", tag(fw10.udp(vm1, "VLAN 30 is not in trunks"), 30)
    yield 4.03, "eth1", tag(host(99).arp_request(vm1), 30)


def compute_host() -> Iterator[Event]:
    vm1, vm2, vm3, vm4, far = host(1), host(2), host(3), host(4), host(9)  # `far` is a station in each network
    yield 0.00, "vm1", vm1.arp_request(far)
    yield 0.01, "eth1", tag(far.arp_reply(vm1), 101)
    for seq in (1, 2):
        yield 0.02 * seq, "vm1", vm1.ping(far, seq)
        yield 0.02 * seq + 0.01, "eth1", tag(far.ping(vm1, seq, reply=True), 101)
    yield 1.00, "vm1", vm1.arp_request(vm2)
    yield 1.01, "vm2", vm2.arp_reply(vm1)
    yield 1.02, "vm1", vm1.ping(vm2, 1)
    yield 1.03, "vm2", vm2.ping(vm1, 1, reply=True)
    yield 2.00, "vm3", vm3.arp_request(far)
    yield 2.01, "eth1", tag(far.arp_reply(vm3), 102)
    yield 2.02, "vm3", vm3.ping(far, 1)
    yield 2.03, "eth1", tag(far.ping(vm3, 1, reply=True), 102)
    yield 3.00, "eth1", tag(far.arp_request(vm2), 101)
    yield 3.01, "vm2", vm2.arp_reply(far)
    yield 3.02, "eth1", tag(far.arp_request(vm4), 102)
    yield 3.03, "vm4", vm4.arp_reply(far)
    yield 4.00, "eth1", tag(far.arp_request(vm1), 103)
    yield 4.01, "eth1", far.arp_request(vm1)
    yield 4.02, "eth1", tag(far.arp_request(vm1), 1)
    yield 4.03, "vm1", tag(vm1.arp_request(far), 101)
    yield 5.00, "vm1", vm1.udp(vm3, "vm1 to vm3: not in this network")


def qinq() -> Iterator[Event]:
    a1, a2, b1, far = host(1), host(2), host(1), host(3)  # A's and B's first hosts have the same addresses
    yield 0.00, "a1", tag(a1.arp_request(a2), 10)
    yield 0.01, "a2", tag(a2.arp_reply(a1), 10)
    yield 0.02, "a1", tag(a1.ping(a2, 1), 10)
    yield 0.03, "a2", tag(a2.ping(a1, 1, reply=True), 10)
    yield 1.00, "b1", tag(b1.arp_request(far), 10)
    yield 1.01, "core", tag(tag(far.arp_reply(b1), 10), 200)
    yield 1.02, "b1", tag(b1.ping(far, 1), 10)
    yield 1.03, "core", tag(tag(far.ping(b1, 1, reply=True), 10), 200, tpid=STAG)
    yield 2.00, "core", tag(tag(far.arp_request(a1), 20), 100, tpid=STAG)
    yield 2.01, "a1", tag(a1.arp_reply(far), 20, pcp=3)
    yield 3.00, "a1", tag(a1.arp_request(a1), 30)
    yield 3.01, "a1", a1.arp_request(a1)
    yield 3.02, "a2", a2.arp_request(a2)
    yield 4.00, "core", tag(tag(far.arp_request(a1), 30), 100, tpid=STAG)
    yield 4.01, "core", tag(tag(far.arp_request(a1), 10), 300, tpid=STAG)


def priority_tagged() -> Iterator[Event]:
    phone, gateway = host(1), host(2)
    yield 0.00, "phone", phone.arp_request(gateway)
    yield 0.01, "phone", tag(phone.arp_request(gateway), 0, pcp=5)
    yield 0.02, "phone", tag(phone.arp_request(gateway), 0)
    yield 0.03, "phone", tag(phone.arp_request(gateway), 10, pcp=5)
    yield 1.00, "trunk", tag(gateway.arp_request(phone), 10, pcp=5)
    yield 1.01, "trunk", tag(gateway.arp_request(phone), 10)
    yield 1.02, "trunk", tag(gateway.arp_request(phone), 0, pcp=5)
    yield 2.00, "always", tag(host(3).udp(phone, "a call"), 0, pcp=5)


def two_hosts() -> Iterator[Event]:
    """vm1 and vm3 are in one network, vm2 and vm4 in another."""
    vm1, vm2, vm3, vm4 = (host(number) for number in range(1, 5))
    yield from talk("host1/vm1", vm1, "host2/vm3", vm3, 0, n_pings=2)
    yield from talk("host2/vm4", vm4, "host1/vm2", vm2, 1)
    yield 2.00, "host1/vm1", vm1.udp(vm4, "vm1 to vm4: not in this network")


def talk(port: str, a: Host, far_port: str, b: Host, start_s: float, *, n_pings: int = 1) -> Iterator[Event]:
    """`a` asks who has the address of `b`, and pings it."""
    yield start_s, port, a.arp_request(b)
    yield start_s + 0.01, far_port, b.arp_reply(a)
    for seq in range(1, n_pings + 1):
        yield start_s + 0.02 * seq, port, a.ping(b, seq)
        yield start_s + 0.02 * seq + 0.01, far_port, b.ping(a, seq, reply=True)


def two_hosts_vlan_trunk() -> Iterator[Event]:
    vm1, vm3 = host(1), host(3)
    yield from two_hosts()
    yield 3.00, "host1/vm1", tag(vm1.arp_request(vm3), 101)
    yield 4.00, "host2/vm3", vm3.multicast("to all of network 101")


def two_hosts_tunnel() -> Iterator[Event]:
    vm1, vm3 = host(1), host(3)
    yield from two_hosts()
    yield 3.00, "host1/vm1", vm1.udp(vm3, "one flow")
    yield 3.01, "host2/vm3", vm3.udp(vm1, "and back")
    yield 4.00, "host2/vm3", vm3.multicast("to all of the network")


def three_hosts_tunnel() -> Iterator[Event]:
    """vm1, vm3 and vm5 are in one network, vm2, vm4 and vm6 in another; two on each host."""
    vm1, vm2, vm3, vm4, vm5, vm6 = (host(number) for number in range(1, 7))
    yield from talk("host1/vm1", vm1, "host2/vm3", vm3, 0)
    yield from talk("host3/vm5", vm5, "host1/vm1", vm1, 1)
    yield 2.00, "host2/vm3", vm3.ping(vm5, 1)
    yield 2.01, "host3/vm5", vm5.ping(vm3, 1, reply=True)
    yield from talk("host3/vm6", vm6, "host2/vm4", vm4, 3)
    yield 4.00, "host1/vm2", vm2.udp(vm3, "vm2 to vm3: not in this network")
    yield 5.00, "host2/vm3", vm3.multicast("to all of the network")
    yield 310.00, "host1/vm1", vm1.udp(vm3, "vm1 to vm3: forgotten after 300 s")


def mixed_networks() -> Iterator[Event]:
    """Networks of VLAN (1, 4, 7), VXLAN (2, 5), GRE (6, 8) and Geneve (3, 9); three machines on each host."""
    vm1, vm2, vm3, vm4, vm5, vm6, vm7, vm8, vm9 = (host(number) for number in range(1, 10))
    yield from talk("host1/vm1", vm1, "host2/vm4", vm4, 0)
    yield from talk("host1/vm2", vm2, "host2/vm5", vm5, 1)
    yield from talk("host2/vm6", vm6, "host3/vm8", vm8, 2)
    yield from talk("host3/vm9", vm9, "host1/vm3", vm3, 3)
    yield 4.00, "host1/vm1", vm1.udp(vm5, "vm1 to vm5: not in this network")
    yield 5.00, "host3/vm7", vm7.multicast("to all of the VLAN")


SCENARIOS: dict[str, Callable[[], Iterator[Event]]] = {
    "arp-ping": arp_ping,
    "compute-host": compute_host,
    "learning-switch": learning_switch,
    "mixed-networks": mixed_networks,
    "priority-tagged": priority_tagged,
    "qinq": qinq,
    "three-hosts-gre": three_hosts_tunnel,
    "three-hosts-vxlan": three_hosts_tunnel,
    "two-hosts-gre": two_hosts_tunnel,
    "two-hosts-vlan-trunk": two_hosts_vlan_trunk,
    "two-hosts-vxlan": two_hosts_tunnel,
    "two-hosts-vxlan-ipv6": two_hosts_tunnel,
    "vlan-two-bridges": vlan_two_bridges,
}


def two_networks(type: str, segment: int, n_hosts: int, **underlay: str | int) -> Cloud:
    """Two networks of a type, a machine of each on every host; odd numbers are in the first.

    Every second host has them in the other order, so that local VLANs differ.
    """
    networks = Network(type, segment), Network(type, segment + 1)
    hosts = []
    for number in range(1, n_hosts + 1):
        machines = {f"vm{2 * number - 1 + i}": network for i, network in enumerate(networks)}
        hosts.append(ComputeHost(number, machines if number % 2 else dict(reversed(machines.items()))))
    return Cloud(hosts, **underlay)


def mixed_cloud() -> Cloud:
    vlan, vxlan, gre, geneve = (
        Network("vlan", 101), Network("vxlan", 1001), Network("gre", 2001), Network("geneve", 3001)
    )  # fmt: skip
    return Cloud([
        ComputeHost(1, {"vm1": vlan, "vm2": vxlan, "vm3": geneve}),
        ComputeHost(2, {"vm5": vxlan, "vm6": gre, "vm4": vlan}),
        ComputeHost(3, {"vm8": gre, "vm9": geneve, "vm7": vlan}),
    ])  # fmt: skip


CLOUDS: dict[str, Cloud] = {
    "mixed-networks": mixed_cloud(),
    "three-hosts-gre": two_networks("gre", 2001, 3),
    "three-hosts-vxlan": two_networks("vxlan", 1001, 3),
    "two-hosts-gre": two_networks("gre", 2001, 2),
    "two-hosts-vlan-trunk": two_networks("vlan", 101, 2),
    "two-hosts-vxlan": two_networks("vxlan", 1001, 2),
    "two-hosts-vxlan-ipv6": two_networks("vxlan", 1001, 2, prefix="2001:db8::", length=64),
}
"""The scenarios whose hosts have scripts of compute_hosts.py."""


def captures(events: Iterable[Event]) -> dict[str, bytes]:
    """The capture file of every port that sends something."""
    files: dict[str, io.BytesIO] = {}
    writers: dict[str, dpkt.pcap.Writer] = {}
    for time_s, port, frame in events:
        if port not in writers:
            files[port] = io.BytesIO()
            writers[port] = dpkt.pcap.Writer(files[port], snaplen=SNAPLEN)
        writers[port].writepkt(frame, ts=EPOCH_S + time_s)
    return {port: file.getvalue() for port, file in files.items()}


def files(scenario: str) -> dict[Path, bytes]:
    """Every file of a scenario that is made here."""
    folder = HERE / scenario
    made = {folder / "in" / f"{port}.pcap": content for port, content in captures(SCENARIOS[scenario]()).items()}
    if scenario in CLOUDS:
        made |= {folder / name: text.encode() for name, text in CLOUDS[scenario].scripts().items()}
    return made


def run(description: str, wanted: Mapping[Path, bytes], folders: Iterable[Path]) -> int:
    """Make files, or with ``--check`` compare them; what else is in `folders` goes. Returns the exit status."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="only compare with the committed files")
    check = parser.parse_args().check
    stale = {path for folder in folders for path in folder.rglob("*") if path.is_file()} - set(wanted)
    changed = {path for path in wanted if not path.exists() or path.read_bytes() != wanted[path]}
    for path in sorted(stale | changed):
        print(f"{path.relative_to(HERE)}: {'differs' if check else 'made'}")
    if check:
        return 1 if stale or changed else 0
    for path in stale:
        path.unlink()
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wanted[path])
    return 0


def main() -> int:
    wanted = {path: content for scenario in SCENARIOS for path, content in files(scenario).items()}
    return run("make the captures of the shipped scenarios", wanted, [HERE / name / "in" for name in SCENARIOS])


if __name__ == "__main__":
    sys.exit(main())
