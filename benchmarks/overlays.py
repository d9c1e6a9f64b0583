"""A compute host's overlay to measure with, and the frames that go through it: T1 to T4, from a seed.

    python -m benchmarks.overlays DIR [--work T1,T2,T3,T4] [--frames N]

Each becomes a scenario folder `DIR/<work>-<frames>/`: `setup.ovs`, and a capture for each port that sends.

    T1  VXLAN, encapsulating: from four VMs over br-int, br-tun and the tunnel to the underlay's port `ethu`
    T2  VXLAN, decapsulating: the way back
    T3  GRE with keys, encapsulating
    T4  GRE with keys, decapsulating

The tables of br-int and br-tun are those of neutron-openvswitch-agent with l2population and port security: 1000 remote
MACs behind eight hosts, half of them in either of two networks. Addresses of VMs, remote MACs and next hops are known
beforehand, as on a host that has run for a while. Inner frames are UDP over IPv4 and have 64 bytes; there are 20,000
five-tuples, which come round as those of `pipelines.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.command_line import make_scenarios
from benchmarks.udp_frames import (
    FRAME_LEN,
    MAC_BASE,
    UDP,
    Column,
    Frames,
    Tuples,
    frames_of,
    ip_text,
    mac_text,
    numbers,
    put,
    put_ethernet,
    put_ipv4,
    put_udp,
    write_captures,
)
from benchmarks.workloads import PAYLOAD_BYTE

N_NETWORKS = 2  # local VLANs 1 and 2
N_VMS = 4
N_REMOTE = 1000
N_HOSTS = 8
N_TUPLES = 20_000
FIRST_REMOTE = 0x100  # their numbers as stations; the VMs are 0 to 3
FIRST_HOST = 0x10000  # ... of the underlay; the first is this host itself
UNDERLAY = 0xC0A83200  # 192.168.50.0/24; this host is .1
VXLAN_PORT = 4789
GRE = 47
VXLAN_FLAGS = 0x08000000
GRE_KEY_TEB = 0x20006558  # a key is present; what is inside is Ethernet
GRE_FIRST_TUN, VXLAN_FIRST_TUN = 2001, 1001

# As the agent writes it (NXM_NX_TUN_ID of a frame that came from the tunnel, the tag it got in table 3 or 4).
LEARN = (
    "learn(table=20,hard_timeout=300,priority=1,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
    "load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],output:OXM_OF_IN_PORT[])"
)


@dataclass(frozen=True)
class Overlay:
    """A workload: its kind of tunnel, and which way the frames go."""

    kind: str
    is_received: bool

    def tun_id(self, network: int) -> int:
        return (GRE_FIRST_TUN if self.kind == "gre" else VXLAN_FIRST_TUN) + network


OVERLAYS = {
    "T1": Overlay("vxlan", is_received=False),
    "T2": Overlay("vxlan", is_received=True),
    "T3": Overlay("gre", is_received=False),
    "T4": Overlay("gre", is_received=True),
}
N_FRAMES = 2_000_000
VM_PORTS = [f"tap{vm}" for vm in range(N_VMS)]
FIRST_VM_OFPORT, FIRST_TUNNEL_OFPORT = 2, 2


def network_of(station: int) -> int:
    """Of a VM or a remote MAC, each counted from 0."""
    return station % N_NETWORKS


def host_of(remote: int) -> int:
    """Which remote host it is on, 0 to 7."""
    return remote // N_NETWORKS % N_HOSTS


# ---- set-up ----


def setup_script(overlay: Overlay) -> str:
    """Bridges, ports, addresses and flows of the host."""
    lines = [
        "ovs-vsctl add-br br-int -- set-fail-mode br-int secure",
        "ovs-vsctl add-br br-tun -- set-fail-mode br-tun secure",
        f"ovs-vsctl add-br br-under -- set Bridge br-under other_config:hwaddr={_quoted(mac_text(FIRST_HOST))}",
        "ovs-vsctl add-port br-int patch-tun"
        " -- set Interface patch-tun type=patch options:peer=patch-int ofport_request=1",
        "ovs-vsctl add-port br-tun patch-int"
        " -- set Interface patch-int type=patch options:peer=patch-tun ofport_request=1",
        *(_add_tunnel(overlay, host) for host in range(N_HOSTS)),
        "ovs-vsctl add-port br-under ethu -- set Interface ethu ofport_request=1",
        *(
            f"ovs-vsctl add-port br-int {name} tag={network_of(vm) + 1}"
            f" -- set Interface {name} ofport_request={FIRST_VM_OFPORT + vm}"
            for vm, name in enumerate(VM_PORTS)
        ),
        "ip link set br-under up",
        f"ip addr add {ip_text(UNDERLAY + 1)}/24 dev br-under",
    ]
    for host in range(N_HOSTS):
        mac = mac_text(FIRST_HOST + 1 + host)
        lines += [
            f"ovs-appctl tnl/neigh/set br-under {_vtep(host)} {mac}",
            f"ovs-appctl fdb/add br-under ethu 0 {mac}",
        ]
    lines += [f"ovs-appctl fdb/add br-int {VM_PORTS[vm]} {network_of(vm) + 1} {mac_text(vm)}" for vm in range(N_VMS)]
    for bridge, flows in (("br-int", _br_int()), ("br-tun", _br_tun(overlay))):
        lines += [f"ovs-ofctl -O OpenFlow13 add-flows {bridge} - <<EOF", *flows, "EOF"]
    # Last, for they are many: until then frames for them are flooded.
    lines += [
        f"ovs-appctl fdb/add br-int patch-tun {network_of(i) + 1} {mac_text(FIRST_REMOTE + i)}" for i in range(N_REMOTE)
    ]
    return "\n".join(lines) + "\n"


def _add_tunnel(overlay: Overlay, host: int) -> str:
    name = f"{overlay.kind}-{UNDERLAY + 2 + host:08x}"
    return (
        f"ovs-vsctl add-port br-tun {name} -- set Interface {name} type={overlay.kind}"
        f" options:df_default=true options:egress_pkt_mark=0 options:in_key=flow options:out_key=flow"
        f" options:local_ip={ip_text(UNDERLAY + 1)} options:remote_ip={_vtep(host)}"
        f" ofport_request={FIRST_TUNNEL_OFPORT + host}"
    )


def _br_int() -> Iterator[str]:
    yield "table=0,priority=65535,dl_vlan=4095,actions=drop"
    for vm in range(N_VMS):
        port = FIRST_VM_OFPORT + vm
        yield f"table=0,priority=10,arp,in_port={port},actions=goto_table:24"
        yield f"table=0,priority=10,icmp6,in_port={port},icmp_type=136,actions=goto_table:24"
        yield f"table=0,priority=9,in_port={port},actions=goto_table:25"
        yield f"table=24,priority=2,arp,in_port={port},arp_spa={_vm_ip(vm)},actions=goto_table:25"
        target = f"fe80::ff:fe00:{vm:x}"
        yield f"table=24,priority=2,icmp6,in_port={port},icmp_type=136,nd_target={target},actions=goto_table:58"
        yield f"table=25,priority=2,in_port={port},dl_src={mac_text(vm)},actions=goto_table:30"
    yield "table=0,priority=0,actions=goto_table:58"
    yield "table=23,priority=0,actions=drop"
    yield "table=24,priority=0,actions=drop"
    yield "table=30,priority=0,actions=goto_table:58"
    yield "table=31,priority=0,actions=goto_table:58"
    yield "table=58,priority=0,actions=goto_table:59"
    yield "table=59,priority=0,actions=goto_table:60"
    yield "table=60,priority=1,actions=NORMAL"
    yield "table=62,priority=3,actions=NORMAL"


def _br_tun(overlay: Overlay) -> Iterator[str]:
    tunnels = range(FIRST_TUNNEL_OFPORT, FIRST_TUNNEL_OFPORT + N_HOSTS)
    to_lv = 3 if overlay.kind == "gre" else 4
    yield "table=0,priority=1,in_port=1,actions=goto_table:2"
    for port in tunnels:
        yield f"table=0,priority=1,in_port={port},actions=goto_table:{to_lv}"
    yield "table=0,priority=0,actions=drop"
    yield "table=2,priority=1,arp,dl_dst=ff:ff:ff:ff:ff:ff,actions=goto_table:21"
    yield "table=2,priority=0,dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,actions=goto_table:20"
    yield "table=2,priority=0,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=goto_table:22"
    for table in (3, 4, 6, 22):
        yield f"table={table},priority=0,actions=drop"
    for table in (20, 21):
        yield f"table={table},priority=0,actions=goto_table:22"
    for match in ("2,arp,arp_tha=ff:ff:ff:ff:ff:ff", "2,icmp6,icmp_type=134", "2,icmp6,icmp_type=136", "1"):
        yield f"table=10,priority={match},actions={LEARN},output:1"
    for network in range(N_NETWORKS):
        vlan, tun_id = network + 1, overlay.tun_id(network)
        yield (
            f"table={to_lv},priority=1,tun_id={tun_id},"
            f"actions=push_vlan:0x8100,set_field:{4096 + vlan}->vlan_vid,goto_table:10"
        )
        outputs = ",".join(f"output:{port}" for port in tunnels)
        yield f"table=22,priority=1,dl_vlan={vlan},actions=pop_vlan,set_field:{tun_id}->tun_id,{outputs}"
    for i in range(N_REMOTE):
        vlan, mac, ip = network_of(i) + 1, mac_text(FIRST_REMOTE + i), ip_text(_remote_ip(i))
        yield (
            f"table=20,priority=2,dl_vlan={vlan},dl_dst={mac},actions=pop_vlan,"
            f"set_field:{overlay.tun_id(network_of(i))}->tun_id,output:{FIRST_TUNNEL_OFPORT + host_of(i)}"
        )
        yield (
            f"table=21,priority=1,arp,dl_vlan={vlan},arp_tpa={ip},actions=set_field:2->arp_op,"
            f"move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],move:NXM_OF_ARP_SPA[]->NXM_OF_ARP_TPA[],set_field:{mac}->arp_sha,"
            f"set_field:{ip}->arp_spa,move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:{mac}->eth_src,IN_PORT"
        )


def _vtep(host: int) -> str:
    return ip_text(UNDERLAY + 2 + host)


def _vm_ip(vm: int) -> str:
    return ip_text(0x0A000000 | network_of(vm) + 2 << 16 | 11 + vm)


def _remote_ip(i: int) -> int:
    return 0x0A000000 | network_of(i) + 2 << 16 | 0x100 + i


def _quoted(text: str) -> str:
    return f'\'"{text}"\''


# ---- frames ----


def inner_tuples() -> Tuples:
    """What the VMs send: each of them to every remote MAC of its network, ten flows in turn."""
    i = numbers(N_TUPLES)
    remote = i % N_REMOTE
    vm = remote % N_NETWORKS + N_NETWORKS * (i // N_REMOTE % (N_VMS // N_NETWORKS))
    net = 0x0A000000 | (remote % N_NETWORKS + 2) << 16
    return Tuples(
        port=vm,
        dl_src=MAC_BASE + vm,
        dl_dst=MAC_BASE + FIRST_REMOTE + remote,
        nw_src=net | 11 + vm,
        nw_dst=net | 0x100 + remote,
        tp_src=1024 + i,
        tp_dst=0 * i + 80,
    )


def frames_from_vms() -> tuple[Column, Frames]:
    """Which VM sends each, and the frames."""
    tuples = inner_tuples()
    return tuples.port, frames_of(tuples)


def frames_from_hosts(overlay: Overlay) -> tuple[Column, Frames]:
    """The answers, as they come to `ethu`."""
    t = inner_tuples()
    inner = frames_of(Tuples(t.port, t.dl_dst, t.dl_src, t.nw_dst, t.nw_src, t.tp_dst, t.tp_src))
    remote = numbers(N_TUPLES) % N_REMOTE
    host = remote // N_NETWORKS % N_HOSTS
    tun_id = overlay.tun_id(0) + remote % N_NETWORKS
    is_gre = overlay.kind == "gre"
    header_len = 14 + 20 + (8 if is_gre else 8 + 8)
    frames = np.full((N_TUPLES, header_len + FRAME_LEN), PAYLOAD_BYTE, np.uint8)
    put_ethernet(frames, MAC_BASE + FIRST_HOST, MAC_BASE + FIRST_HOST + 1 + host)
    put_ipv4(frames, 14, header_len - 14 + FRAME_LEN, GRE if is_gre else UDP, UNDERLAY + 2 + host, UNDERLAY + 1)
    if is_gre:
        put(frames, 34, GRE_KEY_TEB, 4)
        put(frames, 38, tun_id, 4)
    else:
        # Any source port that tells inner flows apart (RFC 7348 section 5).
        put_udp(frames, 34, header_len - 34 + FRAME_LEN, 49152 + t.tp_src * 40503 % 16384, VXLAN_PORT)
        put(frames, 42, VXLAN_FLAGS, 4)
        put(frames, 46, tun_id << 8, 4)
    frames[:, header_len:] = inner
    return 0 * remote, frames


# ---- writing ----


def make(name: str, root: Path, *, n_frames: int | None = None) -> Path:
    """Make overlay `name` below `root`, or find it there; returns its scenario folder."""
    overlay = OVERLAYS[name]
    n_frames = n_frames or N_FRAMES
    folder = root / f"{name}-{n_frames}"
    done = folder / "setup.ovs"  # written last: a folder that has it is complete
    if not done.exists():
        port, frames = frames_from_hosts(overlay) if overlay.is_received else frames_from_vms()
        write_captures(folder / "in", ["ethu"] if overlay.is_received else VM_PORTS, port, frames, n_frames)
        done.write_text(setup_script(overlay))
    return folder


if __name__ == "__main__":
    make_scenarios("overlays", "overlays", OVERLAYS, make)
