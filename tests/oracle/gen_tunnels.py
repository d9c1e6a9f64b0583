#!/usr/bin/env python3
"""Random cases for tunnels and what comes into them: gen_tunnels.py SEED [NUMBER] prints one as JSON.

An underlay bridge with two addresses, and an overlay bridge with tunnels of all kinds and options: fixed and flow's
addresses and keys, checksums, sequence numbers, TOS and TTL of all sorts, other UDP ports, extensions; remote ends that
answer, that nobody knows, and without a route. Frames come from the network, one in three of them broken in one of the
ways of `tunnel_frames`, from machines above, as odd as those of `odd_frames`, and as ARP. Some cases have tunnels in
tunnels, up to ten of them.

Left out is what only Open vSwitch's dummies do, or what it leaves to chance: a device of its own bridge that answers ARP
requests, the order of a flood's copies that all leave at the underlay's port, and VXLAN-GBP, whose ports go down with the
next change of anything.
"""

# ruff: noqa: E501 (flows)

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.oracle.odd_frames import BROADCAST, HOSTS, Frames
from tests.oracle.tunnel_frames import GENEVE, GPE, VXLAN, TunnelFrames, ethernet

N_FRAMES = 60
MAC = bytes.fromhex("aa55aa550000")
ADDRESSES = ["1.1.2.88", "2001:cafe::88"]
REMOTES = {
    "1.1.2.92": bytes.fromhex("f8bc124434b6"), "1.1.2.93": bytes.fromhex("f8bc124434b7"),
    "2001:cafe::92": bytes.fromhex("f8bc124434b8"), "2001:cafe::93": bytes.fromhex("f8bc124434b9"),
}  # fmt: skip
LOST = ["1.1.2.99", "2001:cafe::99", "9.9.9.9", "2009::9"]  # nobody's MAC, no route
KEYS = [0, 5, 6, 123, 0xFFFFFF]
TLV_MAPS = ("{class=0xffff,type=0,len=4}->tun_metadata0", "{class=0xffff,type=1,len=8}->tun_metadata1",
            "{class=0xffff,type=0x80,len=4}->tun_metadata2")  # fmt: skip


class Case:
    """A case while it grows."""

    def __init__(self, seed: int, number: int) -> None:
        self.rng = random.Random(f"tunnels/{seed}/{number}")
        self.odd = Frames(self.rng)
        self.outer = TunnelFrames(self.rng, MAC, ADDRESSES, REMOTES, KEYS)
        self.setup: list[str] = []
        self.trace: list[dict[str, Any]] = []
        self.n_tunnels = 0
        self.n_nested = self.rng.choice([0, 0, 0, 1, 3, 5, 6, 10])
        self.underlay()
        self.overlay()
        self.nested()
        time = 0.0
        for _ in range(N_FRAMES):
            time = round(time + self.rng.choice([0, 0, 0, 0.01, 1, 20]), 2)
            self.trace.append({"t": time, **self.event()})
        self.case = {
            "id": f"tunnels-{seed}-{number}", "area": "tunnel", "title": f"{self.n_tunnels} tunnels, {self.n_nested} nested",
            "setup": self.setup, "trace": self.trace, "options": {},
        }  # fmt: skip

    def maybe(self, probability: float) -> bool:
        return self.rng.random() < probability

    def run(self, line: str) -> None:
        self.setup.append(line)

    def flow(self, text: str) -> None:
        self.run(f"ovs-ofctl add-flow br1 '{text}'")

    def bridge(self, name: str, ports: list[str], *, hwaddr: bytes | None = None) -> None:
        words = f"ovs-vsctl add-br {name} -- set Bridge {name} datapath_type=dummy"
        if hwaddr:
            words += f' other-config:hwaddr=\\"{hwaddr.hex(":")}\\"'
        for number, port in enumerate(ports, 1):
            words += f" -- add-port {name} {port} -- set Interface {port} type=dummy ofport_request={number}"
        self.run(words)

    # ------------------------------------------------------------------------------------------------------- set-up

    def underlay(self) -> None:
        self.bridge("br0", ["up"], hwaddr=MAC)
        if self.maybe(0.2):
            self.run(f"ovs-vsctl set Interface up mtu_request={self.rng.choice([100, 150, 600])}")
        self.run("ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24")
        self.run("ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/24")
        self.run("ovs-appctl ovs/route/add 1.1.2.92/24 br0")
        self.run("ovs-appctl ovs/route/add 2001:cafe::92/64 br0")
        for address, mac in REMOTES.items():
            if self.maybe(0.8):
                self.run(f"ovs-appctl tnl/neigh/set br0 {address} {mac.hex(':')}")

    def overlay(self) -> None:
        self.bridge("br1", ["p1", "p2"])
        self.run("ovs-vsctl set-fail-mode br1 secure")
        for tlv in TLV_MAPS:
            if self.maybe(0.5):
                self.run(f"ovs-ofctl add-tlv-map br1 '{tlv}'")
        for _ in range(self.rng.randint(2, 5)):
            self.tunnel()
        for i in range(2, self.n_tunnels + 1):  # the order of a flood is OVS's own, and all leave at one port
            self.run(f"ovs-ofctl mod-port br1 t{10 + i} no-flood")
        self.flows()

    def tunnel(self) -> None:
        self.n_tunnels += 1
        number = 10 + self.n_tunnels
        kind = self.rng.choice(["vxlan", "gre", "geneve"])
        remote = self.rng.choice([*REMOTES, *REMOTES, "flow", "flow", "flow", *LOST])
        options = {"remote_ip": remote}
        for name in self.rng.choice([["key"], ["key"], ["in_key", "out_key"], ["in_key"], []]):
            options[name] = self.rng.choice(["flow", "flow", *map(str, KEYS)])
        for name, probability, values in (
            ("tos", 0.3, ["inherit", "0", "32", "255"]), ("ttl", 0.3, ["inherit", "1", "255"]), ("df_default", 0.3, ["false", "true"]),
            ("csum", 0.3, ["true", "false"]), ("egress_pkt_mark", 0.1, ["0", "7"]),
        ):  # fmt: skip
            if self.maybe(probability):
                options[name] = self.rng.choice(values)
        if kind == "gre" and self.maybe(0.3):
            options["seq"] = "true"
        if kind != "gre" and self.maybe(0.3):
            options["dst_port"] = self.rng.choice([str(VXLAN), str(GPE), str(GENEVE), "5000"])
        if kind == "vxlan" and self.maybe(0.3):
            options["exts"] = "gpe"
        words = " ".join(f"options:{name}={value}" for name, value in options.items())
        port = f"t{number}"
        self.run(f"ovs-vsctl add-port br1 {port} -- set Interface {port} type={kind} ofport_request={number} {words}")

    def flows(self) -> None:
        """What comes out of a tunnel goes to a machine, marked with what the headers said; and back by various ways."""
        kept = ",".join(f"move:NXM_NX_TUN_{name}[]->NXM_NX_REG{i}[]" for i, name in enumerate(["IPV4_SRC", "IPV4_DST"]))
        self.flow("priority=1,actions=p2")
        for i in range(1, self.n_tunnels + 1):
            actions = self.rng.choice(["p1", "p1", "p2", "p1,IN_PORT", kept + ",p1", "NORMAL", "resubmit(,1)", "move:NXM_NX_TUN_ID[0..15]"
                                       "->NXM_OF_ETH_DST[0..15],p1"])  # fmt: skip
            self.flow(f"in_port={10 + i},actions={actions}")
        for match in ("tun_id=5", "tun_src=1.1.2.92", "tun_ipv6_src=2001:cafe::92", "tun_flags=+csum", "tun_flags=+df", "tun_tos=40",
                      "tun_ttl=64", "tun_metadata0=0x61626364", "tun_flags=-key", "tun_gbp_id=7"):  # fmt: skip
            if self.maybe(0.4):
                self.flow(f"table=1,priority={self.rng.randint(10, 99)},{match},actions=p2")
        self.flow("table=1,priority=1,actions=p1")
        for port in ("p1", "p2"):
            for dl_dst in HOSTS[:3]:
                actions = [*self.rng.sample(EDITS, self.rng.choice([0, 0, 1, 2])), "set_field:5->tun_id" if self.maybe(0.5) else ""]
                if self.maybe(0.5):
                    version, address = self.rng.choice([("", a) if ":" not in a else ("ipv6_", a) for a in [*REMOTES, *LOST]])
                    actions.append(f"set_field:{address}->tun_{version}dst")
                out = 10 + self.rng.randint(1, self.n_tunnels)
                words = ",".join(filter(None, [*actions, str(out), str(out) if self.maybe(0.1) else ""]))
                self.flow(f"priority=9,in_port={port},dl_dst={dl_dst.hex(':')},actions={words or 'drop'}")
            self.flow(f"priority=5,in_port={port},actions={self.rng.choice(['NORMAL', 'FLOOD', 'p1,p2,11'])}")

    def nested(self) -> None:
        """Each bridge's tunnel ends at the one below: n0 sends into a tunnel on br1's address, and so on."""
        for i in range(self.n_nested):
            remote = "1.1.2.92" if i == 0 else f"10.{i - 1}.7.2"
            mac = bytes([0xAA, 0x55, 0xAA, 0x55, 1, i])
            self.bridge(f"n{i}", [f"v{i}"], hwaddr=mac)
            self.run(f"ovs-appctl netdev-dummy/ip4addr n{i} 10.{i}.7.1/24")
            self.run(f"ovs-appctl ovs/route/add 10.{i}.7.1/24 n{i}")
            self.run(f"ovs-appctl tnl/neigh/set n{i} 10.{i}.7.2 02:00:00:00:0a:{i:02x}")
            self.run(
                f"ovs-vsctl add-port n{i} n{i}t -- set Interface n{i}t type={self.rng.choice(['vxlan', 'geneve', 'gre'])}"
                f" ofport_request=2 options:remote_ip={remote} options:key={700 + i}"
            )

    # ------------------------------------------------------------------------------------------------------- events

    def event(self) -> dict[str, Any]:
        draw = self.rng.random()
        if draw < 0.5:
            return {"port": "up", "pkt": self.outer.frame(self.inner()).hex()}
        if draw < 0.58:
            return {"port": "up", "pkt": self.neighbor().hex()}
        if draw < 0.62:
            return {"port": "up", "pkt": self.odd.frame().hex()}
        if self.n_nested and draw < 0.8:
            i = self.rng.randrange(self.n_nested)
            return {"port": f"v{i}", "pkt": self.inner().hex()}
        return {"port": self.rng.choice(["p1", "p2"]), "pkt": self.inner().hex()}

    def inner(self) -> bytes:
        """Mostly an ordinary packet between machines."""
        if self.maybe(0.3):
            return self.odd.frame()
        source = self.rng.choice(HOSTS[:3])
        payload = self.rng.choice([b"x" * 18, b"x" * 600, b""])
        if self.maybe(0.6):
            kind, packet = self.outer.ipv4("10.0.0.1", "10.0.0.2", 99, payload)
        else:
            kind, packet = self.outer.ipv6("2001:db8::1", "2001:db8::2", 99, payload)
        return ethernet(self.rng.choice([*HOSTS[:3], BROADCAST]), source, kind, packet)

    def neighbor(self) -> bytes:
        """An ARP reply or request, mostly for us."""
        remote = self.rng.choice(["1.1.2.92", "1.1.2.93", "1.1.2.99"])
        mac = REMOTES.get(remote, bytes.fromhex("f8bc124434ff"))
        target = self.rng.choice(["1.1.2.88", "1.1.2.88", remote, "1.1.2.77"])
        opcode = 2 if target == "1.1.2.88" else self.rng.choice([1, 2])
        addresses = [bytes(map(int, text.split("."))) for text in (remote, target)]
        body = bytes.fromhex("000108000604") + bytes([0, opcode]) + mac + addresses[0] + MAC + addresses[1]
        return ethernet(self.rng.choice([MAC, BROADCAST]), mac, 0x0806, body + bytes(18))


EDITS = ("mod_dl_src:02:00:00:00:00:77", "mod_vlan_vid:7", "dec_ttl", "set_field:9->nw_ttl", "set_field:3->nw_ecn",
         "set_field:1.2.3.4->ip_dst", "set_field:9->tun_flags", "set_field:1.1.2.88->tun_src", "set_field:7->pkt_mark",
         "set_field:0x61626364->tun_metadata0", "set_field:7->tun_gbp_id", "set_field:40->tun_tos", "set_field:9->tun_ttl")  # fmt: skip


def make_case(seed: int, number: int) -> dict[str, Any]:
    """Case `number` of `seed`, without an answer."""
    return Case(seed, number).case


if __name__ == "__main__":
    print(json.dumps(make_case(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0), indent=1))
