"""Compute hosts of OpenStack, as their Neutron agents set them up: the scripts of the scenarios with several hosts.

A host has the bridge `br-int` for its machines, each in the *local* VLAN of its network, and what networks need:

* `br-eth1` with the card `eth1` for VLAN networks, joined to `br-int` by the patch pair `int-br-eth1`, `phy-br-eth1`,
* `br-tun` for tunnelled networks, joined by `patch-tun`, `patch-int`, with a tunnel of each type to each other host;
  and below it `br-phy`, which is none of Neutron's: the host's address on the network that carries the tunnels, and the
  card `eth0`.

Flows and options are those of the agent of Neutron 29 without port security, l2population and ARP responder; the test
tests/test_compute_hosts.py holds them against what a real one installed. Only options:local_ip is left out: Open
vSwitch would want a route of the system's to that address, which dummy devices do not have. Local VLANs are given in
the order in which a host's machines first need them. Neighbours are typed in, so nobody asks with ARP.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from ipaddress import ip_address

TABLES = {"gre": 3, "vxlan": 4, "geneve": 6}  # of br-tun: from a tunnel of that type
LEARN = (
    "learn(table=20,hard_timeout=300,priority=1,NXM_OF_VLAN_TCI[0..11],NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],"
    "load:0->NXM_OF_VLAN_TCI[],load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[],output:OXM_OF_IN_PORT[]),output:{patch}"
)


@dataclass(frozen=True)
class Network:
    """A network and how it is carried: `segment` is a VLAN, a VNI or a GRE key."""

    type: str  # vlan, vxlan, gre or geneve
    segment: int


@dataclass(frozen=True)
class ComputeHost:
    """A host: its number, and the network of each machine in the order in which they came."""

    number: int
    machines: dict[str, Network]

    @property
    def name(self) -> str:
        return f"host{self.number}"

    @property
    def mac(self) -> str:
        """Of br-phy."""
        return f"02:00:00:00:10:{self.number:02x}"

    def local_vlans(self) -> dict[Network, int]:
        """The VLANs that networks have on this host alone."""
        return {network: vlan for vlan, network in enumerate(dict.fromkeys(self.machines.values()), 1)}


@dataclass(frozen=True)
class Cloud:
    """Hosts whose tunnels run over one IP network."""

    hosts: list[ComputeHost]
    prefix: str = "192.0.2."  # a host's address is this and its number
    length: int = 24

    def address(self, host: ComputeHost) -> str:
        return f"{self.prefix}{host.number}"

    def types(self) -> list[str]:
        """The types of networks, VLAN first, then in the order of the tables of br-tun."""
        used = {network.type for host in self.hosts for network in host.machines.values()}
        return [type for type in ("vlan", *TABLES) if type in used]

    def script(self, host: ComputeHost) -> str:
        """What sets `host` up."""
        lines = [*_title(self, host), *_br_int(self, host)]
        if "vlan" in self.types():
            lines += _br_eth1(host)
        if self.types() != ["vlan"]:
            lines += [*_br_phy(self, host), *_br_tun(self, host)]
        return "\n".join(lines) + "\n"

    def scripts(self) -> dict[str, str]:
        """File name -> content, of all hosts."""
        return {f"{host.name}.ovs": self.script(host) for host in self.hosts}


def tunnel_name(type: str, address: str) -> str:
    """How the agent names the tunnel to an address: within the 15 characters that Linux gives a device."""
    if ip_address(address).version == 4:
        return f"{type}-{int(ip_address(address)):08x}"
    digest = b32encode(sha1(address.encode()).digest()).decode().lower()
    return f"{type}-{digest}"[:15]


def _title(cloud: Cloud, host: ComputeHost) -> Iterator[str]:
    yield f"# {host.name}: a compute host of OpenStack, set up as its Neutron agent does it, without port security."
    for network, vlan in host.local_vlans().items():
        machines = [machine for machine, own in host.machines.items() if own == network]
        yield f"# {network.type} {network.segment} is local VLAN {vlan} here: {', '.join(machines)}."
    yield "# Made by pcaps/make.py."


def _br_int(cloud: Cloud, host: ComputeHost) -> Iterator[str]:
    vlans = host.local_vlans()
    yield "ovs-vsctl add-br br-int -- set-fail-mode br-int secure"
    ofport = 1
    if "vlan" in cloud.types():
        yield _patch("br-int", "int-br-eth1", "phy-br-eth1", ofport)
        ofport += 1
    if cloud.types() != ["vlan"]:
        yield _patch("br-int", "patch-tun", "patch-int", ofport)
        ofport += 1
    for number, (machine, network) in enumerate(host.machines.items(), ofport):
        interface = f"set Interface {machine} ofport_request={number}"
        yield f"ovs-vsctl add-port br-int {machine} tag={vlans[network]} -- {interface}"
    yield ""
    yield "# br-int: from a VLAN network (port 1) the VLAN on the wire becomes the local one; all else is NORMAL's."
    yield _flow("br-int", "table=0,priority=65535,dl_vlan=4095,actions=drop")
    if "vlan" in cloud.types():
        for network, vlan in vlans.items():
            if network.type == "vlan":
                match = f"table=0,priority=3,in_port=1,dl_vlan={network.segment}"
                yield _flow("br-int", f"{match},actions={_vlan(vlan)},goto_table:58")
        yield _flow("br-int", "table=0,priority=2,in_port=1,actions=drop")
    for table, target in ((0, 58), (30, 58), (31, 58), (58, 59), (59, 60)):
        yield _flow("br-int", f"table={table},priority=0,actions=goto_table:{target}")
    for table in (23, 24):
        yield _flow("br-int", f"table={table},priority=0,actions=drop")
    yield _flow("br-int", "table=60,priority=1,actions=NORMAL")
    yield _flow("br-int", "table=62,priority=3,actions=NORMAL")


def _br_eth1(host: ComputeHost) -> Iterator[str]:
    yield ""
    yield "# br-eth1, from br-int (port 2): the local VLAN becomes the one on the wire. What has none stays here."
    yield "ovs-vsctl add-br br-eth1 -- set-fail-mode br-eth1 secure"
    yield "ovs-vsctl add-port br-eth1 eth1 -- set Interface eth1 ofport_request=1"
    yield _patch("br-eth1", "phy-br-eth1", "int-br-eth1", 2)
    for network, vlan in host.local_vlans().items():
        if network.type == "vlan":
            match = f"table=0,priority=4,in_port=2,dl_vlan={vlan}"
            yield _flow("br-eth1", f"{match},actions={_vlan(network.segment)},NORMAL")
    yield _flow("br-eth1", "table=0,priority=2,in_port=2,actions=drop")
    yield _flow("br-eth1", "table=0,priority=0,actions=NORMAL")


def _br_phy(cloud: Cloud, host: ComputeHost) -> Iterator[str]:
    own = cloud.address(host)
    version = ip_address(own).version
    network = f"{cloud.prefix}{'0' if version == 4 else ''}/{cloud.length}"
    yield ""
    yield "# br-phy: the network below the tunnels."
    yield f'ovs-vsctl add-br br-phy -- set Bridge br-phy other_config:hwaddr="{host.mac}"'
    yield "ovs-vsctl add-port br-phy eth0 -- set Interface eth0 ofport_request=1"
    yield f"ovs-appctl netdev-dummy/ip{version}addr br-phy {own}/{cloud.length}"
    yield f"ovs-appctl ovs/route/add {network} br-phy"
    for peer in cloud.hosts:
        if peer != host:
            yield f"ovs-appctl tnl/neigh/set br-phy {cloud.address(peer)} {peer.mac}"


def _br_tun(cloud: Cloud, host: ComputeHost) -> Iterator[str]:
    types = [type for type in cloud.types() if type != "vlan"]
    peers = [peer for peer in cloud.hosts if peer != host]
    tunnels = [(type, peer) for type in types for peer in peers]
    patch = 1
    yield ""
    yield "# br-tun: a tunnel of each type to each other host."
    yield "ovs-vsctl add-br br-tun -- set-fail-mode br-tun secure"
    yield _patch("br-tun", "patch-int", "patch-tun", patch)
    for ofport, (type, peer) in enumerate(tunnels, 2):
        name = tunnel_name(type, cloud.address(peer))
        yield (
            f"ovs-vsctl add-port br-tun {name} -- set Interface {name} type={type} "
            f"options:remote_ip={_quoted(cloud.address(peer))} options:in_key=flow options:out_key=flow "
            f"options:df_default=true options:egress_pkt_mark=0 ofport_request={ofport}"
        )
    yield "# What comes from br-int goes to table 2, what comes from a tunnel to the table of its type."
    yield _flow("br-tun", f"table=0,priority=1,in_port={patch},actions=goto_table:2")
    for ofport, (type, _) in enumerate(tunnels, 2):
        yield _flow("br-tun", f"table=0,priority=1,in_port={ofport},actions=goto_table:{TABLES[type]}")
    yield _flow("br-tun", "table=0,priority=0,actions=drop")
    yield "# To one machine (20) or to all (22)."
    for bits, table in (("00", 20), ("01", 22)):
        yield _flow(
            "br-tun",
            f"table=2,priority=0,dl_dst={bits}:00:00:00:00:00/01:00:00:00:00:00,actions=goto_table:{table}",
        )
    yield "# From a tunnel: GRE (3), VXLAN (4), Geneve (6); the key says the network."
    for type, table in TABLES.items():
        for network, vlan in host.local_vlans().items():
            if network.type == type:
                actions = f"push_vlan:0x8100,{_vlan(vlan)},goto_table:10"
                yield _flow("br-tun", f"table={table},priority=1,tun_id={network.segment:#x},actions={actions}")
        yield _flow("br-tun", f"table={table},priority=0,actions=drop")
    yield "# Where a machine is becomes a flow in table 20."
    for match in ("2,arp,arp_tha=ff:ff:ff:ff:ff:ff", "2,icmp6,icmp_type=134", "2,icmp6,icmp_type=136", "1"):
        yield _flow("br-tun", f"table=10,priority={match},actions={LEARN.format(patch=patch)}")
    yield _flow("br-tun", "table=20,priority=0,actions=goto_table:22")
    yield "# To all hosts, in the network's tunnels."
    for network, vlan in host.local_vlans().items():
        outputs = [f"output:{ofport}" for ofport, (type, _) in enumerate(tunnels, 2) if type == network.type]
        if outputs:
            actions = f"pop_vlan,set_field:{network.segment:#x}->tun_id,{','.join(outputs)}"
            yield _flow("br-tun", f"table=22,priority=1,dl_vlan={vlan},actions={actions}")
    yield _flow("br-tun", "table=22,priority=0,actions=drop")


def _patch(bridge: str, name: str, peer: str, ofport: int) -> str:
    interface = f"set Interface {name} type=patch options:peer={peer} ofport_request={ofport}"
    return f"ovs-vsctl add-port {bridge} {name} -- {interface}"


def _flow(bridge: str, flow: str) -> str:
    return f'ovs-ofctl -O OpenFlow13 add-flow {bridge} "{flow}"'


def _vlan(vlan: int) -> str:
    return f"set_field:{0x1000 | vlan}->vlan_vid"


def _quoted(address: str) -> str:
    r"""For ovs-vsctl, which would take a colon for the end of a key."""
    return f'\\"{address}\\"' if ":" in address else address
