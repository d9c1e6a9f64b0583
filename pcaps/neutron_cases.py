"""The six classic cases of traffic in a Neutron cloud, for VLAN, GRE and VXLAN networks: clouds, captures and READMEs.

    python pcaps/neutron_cases.py            write pcaps/neutron/<type>/<case>/
    python pcaps/neutron_cases.py --check    compare with the committed files; exit status 1 if one differs

A case is a small `cloud.yaml`, what one machine sends (the others answer by themselves), and a README that walks the
way of its frames. What the walk says is read off the traces of the very cloud, so it cannot be wrong without a test
that fails; what should come out is written down by hand in tests/test_neutron_cases.py.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dpkt

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from make import Event, Host, captures, run  # noqa: E402

import vswitch  # noqa: E402
from vswitch.explain.path import path_text  # noqa: E402
from vswitch.neutron.overlays import comparison, measure  # noqa: E402

TYPES = ("vlan", "gre", "vxlan")
FIRST_SEGMENT = {"vlan": 101, "gre": 2001, "vxlan": 1001}
TITLES = {"vlan": "VLAN", "gre": "GRE", "vxlan": "VXLAN"}
KEYS = {"vlan": "VLAN", "gre": "GRE key", "vxlan": "VNI"}


@dataclass(frozen=True)
class Machine:
    """A VM; `is_emulated`: it answers by itself, and what it sends is in no capture."""

    name: str
    network: str
    host: str
    address: str
    is_emulated: bool = True

    @property
    def mac(self) -> str:
        """Chosen by name, so that captures are readable."""
        return f"fa:16:3e:00:{['blue', 'green', 'red', 'public'].index(self.network):02x}:{self.address.split('.')[3]}"


VM1 = Machine("vm1", "blue", "compute1", "10.0.1.11", is_emulated=False)


@dataclass(frozen=True)
class Case:
    """One of the six. `networks` in order of their segments; `sent` is what vm1's capture holds."""

    name: str
    title: str
    text: str
    machines: tuple[Machine, ...]
    has_router: bool = False
    has_outside: bool = False
    has_dhcp: bool = False
    floating_ip: str = ""
    walks: tuple[tuple[str, str, int], ...] = field(default=())
    """What is shown in the README: a heading, the port where the frame comes in, and its number there."""


FORBIDDEN = "The ping that must not pass"
STRANGER = "A stranger on another tenant's network, with an address of the same subnet, hears nothing of all this"

CASES = (
    Case(
        "same-host-same-subnet", "same host, same subnet",
        "Both machines are on br-int in the same local VLAN. Frames between them never leave it; only broadcasts do.",
        (VM1, Machine("vm2", "blue", "compute1", "10.0.1.12"), Machine("stranger", "red", "compute1", "10.0.1.12")),
        walks=(("The ARP request of vm1", "vm1", 1), ("The ping", "vm1", 2), (FORBIDDEN, "vm1", 4)),
    ),
    Case(
        "different-hosts-same-subnet", "different hosts, same subnet",
        "The network leaves compute1 with its segment and is another local VLAN on compute2, where a stranger's "
        "network was there first.",
        (VM1, Machine("stranger", "red", "compute2", "10.0.1.12"), Machine("vm2", "blue", "compute2", "10.0.1.12")),
        walks=(("The ARP request of vm1", "vm1", 1), ("The ping", "vm1", 2), (FORBIDDEN, "vm1", 4)),
    ),
    Case(
        "same-host-different-subnets", "same host, different subnets",
        "Two networks and a router between them. The router lives on network1, so frames go there and back, although "
        "both machines are on one host.",
        (VM1, Machine("vm2", "green", "compute1", "10.0.2.12"), Machine("stranger", "red", "compute1", "10.0.2.12")),
        has_router=True,
        walks=(("The ping to the gateway", "vm1", 2), ("The ping", "vm1", 3), (FORBIDDEN, "vm1", 5)),
    ),
    Case(
        "different-hosts-different-subnets", "different hosts, different subnets",
        "As before, and the second machine is on another host: compute1, network1, compute2.",
        (VM1, Machine("stranger", "red", "compute2", "10.0.2.12"), Machine("vm2", "green", "compute2", "10.0.2.12")),
        has_router=True,
        walks=(("The ping to the gateway", "vm1", 2), ("The ping", "vm1", 3), (FORBIDDEN, "vm1", 5)),
    ),
    Case(
        "to-the-outside", "a machine and the outside",
        "vm1 has no address that is known outside: the router gives it its own (SNAT). vm2 has a floating IP, which "
        "the router exchanges for the machine's address in both directions.",
        (VM1, Machine("vm2", "blue", "compute1", "10.0.1.12"), Machine("stranger", "red", "compute1", "10.0.1.12"),
         Machine("web", "public", "outside", "203.0.113.10")),
        has_router=True, has_outside=True, floating_ip="203.0.113.100",
        walks=(("The ping to the outside, by SNAT", "vm1", 2), ("The ping to vm2's floating IP", "vm1", 3),
               (FORBIDDEN, "vm1", 4)),
    ),
    Case(
        "dhcp", "a machine asks for an address",
        "The DHCP agent's dnsmasq is on network1, behind a port of the network like any machine.",
        (VM1, Machine("stranger", "red", "compute1", "10.0.1.12", is_emulated=False)),
        has_dhcp=True,
        walks=(("DHCPDISCOVER of vm1", "vm1", 1), ("DHCPREQUEST of vm1", "vm1", 2)),
    ),
)  # fmt: skip


# ---- the cloud ----


def cloud_text(case: Case, kind: str) -> str:
    """A case's `cloud.yaml`."""
    names = list(dict.fromkeys(machine.network for machine in case.machines if machine.network != "public"))
    names.sort(key=["blue", "green", "red"].index)
    lines = [f"# {TITLES[kind]} networks: {case.title}. Made by pcaps/neutron_cases.py.", "networks:"]
    for number, name in enumerate(names):
        words = [f"provider:network_type: {kind}"]
        words += ["provider:physical_network: physnet1"] if kind == "vlan" else []
        words.append(f"provider:segmentation_id: {FIRST_SEGMENT[kind] + number}")
        lines.append(f"  {name}: {{{', '.join(words)}}}")
    if case.has_outside:
        lines.append(
            "  public: {provider:network_type: flat, provider:physical_network: external, router:external: true}"
        )
    lines.append("subnets:")
    for name in names:
        other = next(machine.address for machine in case.machines if machine.network == name).rpartition(".")[0]
        no_dhcp = "" if case.has_dhcp and name == "blue" else ", enable_dhcp: false"
        lines.append(f"  {name}-subnet: {{network: {name}, cidr: {other}.0/24{no_dhcp}}}")
    if case.has_outside:
        lines.append(
            "  public-subnet: {network: public, cidr: 203.0.113.0/24, gateway_ip: 203.0.113.10, enable_dhcp: false}"
        )
    if case.has_router:
        inside = [name for name in names if name != "red"]
        words = [f"interfaces: [{', '.join(f'{name}-subnet' for name in inside)}]"]
        if case.has_outside:
            words.append("external_gateway_info: {network: public, external_fixed_ips: [203.0.113.2]}")
        lines += ["routers:", f"  router1: {{{', '.join(words)}}}"]
    lines.append("ports:")
    for machine in case.machines:
        lines.append(
            f"  {machine.name}: {{network: {machine.network}, host: {machine.host}, "
            f"mac_address: '{machine.mac}', fixed_ips: [{machine.address}]}}"
        )
    if case.floating_ip:
        lines += ["floating_ips:", f"  {case.floating_ip}: {{network: public, port: vm2}}"]
    lines += ["hosts:", *(f"  {name}: {{{', '.join(words)}}}" for name, words in hosts(case, kind).items())]
    emulated = [machine.name for machine in case.machines if machine.is_emulated]
    lines += [f"devices: [{', '.join(emulated)}]"] if emulated else []
    return "\n".join(lines) + "\n"


def hosts(case: Case, kind: str) -> dict[str, list[str]]:
    """The options of each host."""
    found: dict[str, list[str]] = {}
    names = dict.fromkeys(machine.host for machine in case.machines if machine.host != "outside")
    if case.has_router or case.has_dhcp:
        names["network1"] = None
    for number, name in enumerate(sorted(names), 1):
        mappings, nics, words = {}, {}, []
        if kind == "vlan":
            mappings["physnet1"], nics["eth1"] = "br-eth1", "physnet1"
        else:
            words.append(f"local_ip: 192.0.2.{number}")
            words.append(f"tunnel_types: [{kind}]")
        if name == "network1":
            words += ["l3_agent: true"] if case.has_router else []
            words += ["dhcp_agent: true"] if case.has_dhcp else []
            if case.has_outside:
                mappings["external"], nics["eth2"] = "br-ex", "external"
        found[name] = [*words, *_mappings(mappings, nics)]
    if case.has_outside:
        found["outside"] = _mappings({"external": "br-ex"}, {"eth2": "external"})
    return found


def _mappings(mappings: dict[str, str], nics: dict[str, str]) -> list[str]:
    words = [f"bridge_mappings: {{{', '.join(f'{name}: {bridge}' for name, bridge in mappings.items())}}}"]
    words += [f"nics: {{{', '.join(f'{nic}: {name}' for nic, name in nics.items())}}}"]
    return words if mappings else []


# ---- what machines send ----


def events(case: Case, cloud: vswitch.neutron.cloud.Cloud) -> Iterator[Event]:
    """Frames of the captures."""
    vm1 = Host(VM1.mac, VM1.address)
    found = {machine.name: Host(machine.mac, machine.address) for machine in case.machines}
    stranger = found["stranger"]
    if case.has_dhcp:
        yield from dhcp_events(found)
        return
    if not case.has_router:
        vm2 = found["vm2"]
        yield 0.00, "vm1", vm1.arp_request(vm2)
        yield 0.01, "vm1", vm1.ping(vm2, 1)
        yield 1.00, "vm1", vm1.ping(vm2, 2)
        yield 2.00, "vm1", vm1.ping(stranger, 1)
        return
    gateway = next(
        Host(port.mac_address, "10.0.1.1") for port in cloud.ports
        if port.network.name == "blue" and str(port.fixed_ips[0].ip_address) == "10.0.1.1"
    )  # fmt: skip
    yield 0.00, "vm1", vm1.arp_request(gateway)
    if case.has_outside:
        yield 0.01, "vm1", vm1.ping(Host(gateway.mac, found["web"].ip), 1)
        yield 1.00, "vm1", vm1.ping(Host(gateway.mac, case.floating_ip), 1)
        yield 2.00, "vm1", vm1.ping(stranger, 1)
        return
    yield 0.01, "vm1", vm1.ping(gateway, 1)
    yield 1.00, "vm1", vm1.ping(Host(gateway.mac, found["vm2"].ip), 1)
    yield 2.00, "vm1", vm1.ping(Host(gateway.mac, found["vm2"].ip), 2)
    yield 3.00, "vm1", vm1.ping(stranger, 1)


def dhcp_events(machines: dict[str, Host]) -> Iterator[Event]:
    """vm1 gets an address; the stranger, whose subnet has no DHCP, does not."""
    vm1, stranger = machines["vm1"], machines["stranger"]
    yield 0.0, "vm1", dhcp_frame(vm1, dpkt.dhcp.DHCPDISCOVER)
    yield 1.0, "vm1", dhcp_frame(vm1, dpkt.dhcp.DHCPREQUEST, server="10.0.1.2")
    yield 2.0, "stranger", dhcp_frame(stranger, dpkt.dhcp.DHCPDISCOVER)


def dhcp_frame(machine: Host, message: int, server: str = "") -> bytes:
    """A client's broadcast (RFC 2131 section 4.1)."""
    opts = [(dpkt.dhcp.DHCP_OPT_MSGTYPE, bytes([message]))]
    if server:
        opts.append((50, bytes(map(int, machine.ip.split(".")))))
        opts.append((54, bytes(map(int, server.split(".")))))
    opts.append((55, bytes([1, 3, 6, 26, 121])))
    mac = bytes.fromhex(machine.mac.replace(":", ""))
    dhcp = dpkt.dhcp.DHCP(chaddr=mac, xid=0x1D0E, opts=opts)
    udp = dpkt.udp.UDP(sport=68, dport=67, data=bytes(dhcp))
    udp.ulen = len(udp)
    ip = dpkt.ip.IP(src=bytes(4), dst=b"\xff" * 4, p=dpkt.ip.IP_PROTO_UDP, ttl=64, id=1, data=udp)
    ip.len = len(ip)
    return bytes(dpkt.ethernet.Ethernet(dst=b"\xff" * 6, src=mac, type=dpkt.ethernet.ETH_TYPE_IP, data=ip))


# ---- the README ----


def readme(case: Case, kind: str, topology: vswitch.Topology, sent: dict[str, list[bytes]]) -> str:
    """What the case shows, and the way of its frames."""
    folder = f"pcaps/neutron/{kind}/{case.name}"
    walks, labels = [], topology.labels()
    for heading, port, number in case.walks:
        host = host_of(case, port)
        frame = sent[port][number - 1]
        tap = next(found.name for found in topology.nodes[host].ports() if _is_of(topology, found, port))
        text = path_text(topology.explain(f"{host}/{tap}", frame), labels)
        walks.append(f"### {heading}\n\n```\n{text}```\n")
    number = {"blue": 0, "green": 1, "red": 1 + any(machine.network == "green" for machine in case.machines)}
    networks = "\n".join(
        f"| {name} | {KEYS[kind]} {FIRST_SEGMENT[kind] + at} | "
        + ", ".join(f"`{m.name}` {m.address} on {m.host}" for m in case.machines if m.network == name) + " |"
        for name, at in number.items() if any(machine.network == name for machine in case.machines)
    )  # fmt: skip
    return f"""# {TITLES[kind]}: {case.title}

{case.text}

{picture(case, kind)}
| network | segment | machines |
| --- | --- | --- |
{networks}

    vswitch replay {folder} --out out
    vswitch neutron show {folder}
    vswitch trace {folder} --path --in vm1={folder}/in/compute1/vm1.pcap --frame {case.walks[-2][2]} --after-replay
    vswitch neutron check {folder}

{STRANGER}.

## The way

Each line is a bridge: with which tag or key a frame comes in there, and the tables that it goes through. Addresses are
known by now, as after the replay.

{chr(10).join(walks)}"""


def host_of(case: Case, name: str) -> str:
    """Where a machine is."""
    return next(machine.host for machine in case.machines if machine.name == name)


def _is_of(topology: vswitch.Topology, port: object, name: str) -> bool:
    ids = {known.id: known.name for known in topology.cloud.ports}
    return ids.get(port.row.map("external_ids").get("iface-id", "")) == name


def picture(case: Case, kind: str) -> str:
    """The hosts and what joins them."""
    wire = "eth1 ─ br-eth1 ─ br-int" if kind == "vlan" else "eth0 ─ br-phy ═ br-tun ─ br-int"
    lines = []
    for host in hosts(case, kind):
        names = [machine.name for machine in case.machines if machine.host == host]
        if host == "network1":
            names = ["qrouter-router1"] if case.has_router else ["qdhcp-blue"]
        if host == "outside":
            lines.append(f"outside    ┴ eth2 ─ br-ex ─ br-int ─ {', '.join(names)}")
        else:
            lines.append(f"{host:<10} ┼ {wire} ─ {', '.join(names)}")
    return "```\n" + "\n".join(lines) + "\n```\n"


# ---- files ----


def files(case: Case, kind: str) -> dict[Path, bytes]:
    """Every file of a case, by its path below pcaps/neutron."""
    made: dict[Path, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "cloud.yaml").write_text(cloud_text(case, kind))
        cloud = vswitch.load(folder / "cloud.yaml").cloud
        sent = captures(events(case, cloud))
        for port, content in sent.items():
            path = folder / "in" / host_of(case, port) / f"{port}.pcap"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        topology = vswitch.load(folder)
        topology.replay(ledger=False)
        frames = {port: [data for _, data in dpkt.pcap.Reader(io.BytesIO(content))] for port, content in sent.items()}
        (folder / "README.md").write_text(readme(case, kind, topology, frames))
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                made[Path(kind, case.name) / path.relative_to(folder)] = path.read_bytes()
    return made


# ---- GRE against VXLAN ----

COMPARISON = "gre-against-vxlan"
COMPARED = "gre,vxlan,geneve"
SIZES = (46, 512, 1400)  # bytes of packets inside: short ones, middling ones, almost full ones
FLOWS = 64


def many_flows() -> Iterator[Event]:
    """UDP of vm1 to vm2, each flow with a packet of each size."""
    macs = [bytes.fromhex(f"fa163e0000{last}") for last in ("11", "12")]
    for number in range(FLOWS * len(SIZES)):
        udp = dpkt.udp.UDP(sport=32768 + number % FLOWS, dport=40000, data=bytes(SIZES[number // FLOWS] - 28))
        udp.ulen = len(udp)
        ip = dpkt.ip.IP(src=bytes([10, 0, 1, 11]), dst=bytes([10, 0, 1, 12]), p=17, ttl=64, id=number, data=udp)
        ip.len = len(ip)
        frame = dpkt.ethernet.Ethernet(src=macs[0], dst=macs[1], type=dpkt.ethernet.ETH_TYPE_IP, data=ip)
        yield number / 1000, "vm1", bytes(frame)


def comparison_files() -> dict[Path, bytes]:
    """One cloud, one capture with many flows, and what each kind of tunnel makes of it."""
    cloud = """\
# Two machines on two hosts, to be replayed with each kind of tunnel. Made by pcaps/neutron_cases.py.
networks: {blue: {provider:network_type: vxlan, provider:segmentation_id: 1001}}
subnets: {blue-subnet: {network: blue, cidr: 10.0.1.0/24, enable_dhcp: false}}
ports:
  vm1: {network: blue, host: compute1, mac_address: 'fa:16:3e:00:00:11', fixed_ips: [10.0.1.11]}
  vm2: {network: blue, host: compute2, mac_address: 'fa:16:3e:00:00:12', fixed_ips: [10.0.1.12]}
hosts: {compute1: {local_ip: 192.0.2.1}, compute2: {local_ip: 192.0.2.2}}
"""
    sent = captures(many_flows())
    made = {Path("cloud.yaml"): cloud.encode(), Path("in/compute1/vm1.pcap"): sent["vm1"]}
    with tempfile.TemporaryDirectory() as name:
        for path, content in made.items():
            (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(name) / path).write_bytes(content)
        kinds = COMPARED.split(",")
        table = comparison({kind: measure(vswitch.load(name, tunnel_type=kind)) for kind in kinds})
    made[Path("README.md")] = comparison_readme(table).encode()
    return {Path(COMPARISON) / path: content for path, content in made.items()}


def comparison_readme(table: str) -> str:
    sizes = f"{', '.join(map(str, SIZES[:-1]))} and {SIZES[-1]}"
    return f"""# GRE against VXLAN (and Geneve)

One capture, {FLOWS} UDP flows of `vm1` to `vm2` on another host with packets of {sizes} bytes, goes through
the same cloud with each kind of tunnel. All figures are measured: `compare` replays, listens at the cables below the
tunnels and takes apart what passes.

    vswitch neutron compare pcaps/neutron/{COMPARISON} --types {COMPARED}

```
{table}```

* **Bytes on the wire.** Ethernet inside, the tunnel's header, IP and Ethernet outside: GRE with a key adds
  14 + 8 + 20, VXLAN and Geneve 14 + 8 + 8 + 20. It is more of short frames than of long ones.
* **MTU left** is what machines may send so that nothing is cut on a network of 1500 bytes. Neutron tells them by DHCP.
* **Keys.** VXLAN's VNI and Geneve's have 24 bits, GRE's key has 32.
* **Flows as routers see them.** All frames of a direction are one flow in GRE: the same two addresses, protocol 47, no
  ports. VXLAN and Geneve have a hash of the inner flow as UDP source port, so that equal paths (ECMP) and links of a
  bond share the load.
* **The busiest of 4 paths** carries everything of GRE's, and about a quarter of the others'.
"""


def main() -> int:
    made = {path: content for kind in TYPES for case in CASES for path, content in files(case, kind).items()}
    made |= comparison_files()
    root = HERE / "neutron"
    return run("make the scenarios of the six cases", {root / path: content for path, content in made.items()}, [root])


if __name__ == "__main__":
    sys.exit(main())
