"""Random flow pipelines with every action that Open vSwitch's userspace datapath knows: make_case(seed, number).

Two bridges joined by two patch pairs, the first with six numbered ports, one no-flood at times. Groups of all types with
weights, watched ports and groups; meters; learn with all its options; the stack, clone, conjunctions, fin_timeout,
multipath, bundle, MPLS, action sets, check_pkt_larger, timeouts; flow-, group- and meter-mods and ports going down
between frames. What OVS itself does not determine is avoided: flows that overlap at the same priority, the order in which
a flood's copies leave different ports. No frame comes back from the second bridge: storms are of the other generators.
"""

# ruff: noqa: E501 (flows)

from __future__ import annotations

import random
import struct
from typing import Any

N_TABLES = 5
N_PORTS = 6
N_FRAMES = 50
HOSTS = [bytes([2, 0, 0, 0, 0, i]) for i in range(1, 6)]
PORTS = [80, 53, 1000, 2000]
# What a flow matches, and what that says of the frame: which edits have their prerequisites.
MATCHES = (
    ("", ""), ("", ""), ("ip", "ip"), ("ip", "ip"), ("tcp", "tcp"), ("udp", "udp"), ("sctp", "sctp"), ("arp", "arp"), ("rarp", "arp"),
    ("icmp", "icmp"), ("ipv6", "ipv6"), ("tcp6", "tcp6"), ("udp6", "udp6"), ("icmp6", "icmp6"), ("mpls", "mpls"),
    ("dl_vlan=10", ""), ("vlan_tci=0x1000/0x1000", ""), ("vlan_tci=0x0000/0x1fff", ""), ("dl_vlan_pcp=3", ""),
    ("tcp,tcp_flags=+syn", "tcp"), ("tcp,tcp_flags=+fin", "tcp"), ("ip,nw_ttl=1", "ip"), ("ip,nw_ecn=1", "ip"),
    ("ip,nw_src=10.0.0.2/31", "ip"), ("tcp,tp_dst=80", "tcp"), ("udp,tp_src=0x400/0xfc00", "udp"), ("ip,ip_frag=yes", "ip"),
    ("ip,ip_frag=later", "ip"), ("ipv6,ip_frag=first", "ipv6"), ("ip,nw_proto=47", "ip"), ("reg0=0x1/0x1", ""), ("reg1=2", ""),
    ("xreg1=0x5/0xf", ""), ("xxreg0=0x1/0x3", ""), ("metadata=0x1/0x3", ""), ("pkt_mark=3", ""), ("dl_type=0x1234", ""),
    ("dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", ""), ("dl_src=02:00:00:00:00:01", ""), ("tun_id=5", ""),
    ("ipv6,ipv6_src=2001:db8::1", "ipv6"), ("ipv6,ipv6_label=7", "ipv6"), ("icmp6,icmpv6_type=135,icmpv6_code=0", "nd"),
    ("icmp6,icmpv6_type=135,icmpv6_code=0,nd_target=2001:db8::9", "nd"), ("arp,arp_op=1", "arp"), ("icmp,icmp_type=8", "icmp"),
    ("mpls,mpls_label=20", "mpls"), ("mpls,mpls_bos=1", "mpls"), ("actset_output=2", ""), ("in_port=3", ""),
)  # fmt: skip
ANY = (
    "load:1->NXM_NX_REG0[0]", "set_field:2->reg1", "set_field:0x5/0xf->xreg1", "set_field:0x3->xxreg0",
    "move:NXM_NX_REG1[0..3]->NXM_NX_REG0[4..7]", "move:NXM_OF_ETH_SRC[0..15]->NXM_NX_REG4[16..31]",
    "move:NXM_OF_IN_PORT[]->NXM_NX_REG5[0..15]", "set_field:3->pkt_mark", "set_field:0x10/0xf0->pkt_mark",
    "push:NXM_NX_REG1[],pop:NXM_NX_REG2[]", "push:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[]",
    "push:NXM_NX_REG0[0..5],push:NXM_OF_ETH_DST[0..15],pop:NXM_NX_REG4[3..8],pop:NXM_NX_REG4[9..24]", "pop:NXM_NX_REG6[]",
    "mod_dl_src:02:00:00:00:00:77", "mod_dl_dst:02:00:00:00:00:03", "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
    "set_field:02:00:00:00:00:10/00:00:00:00:00:f0->eth_dst", "strip_vlan", "mod_vlan_vid:20", "mod_vlan_pcp:3",
    "load:0x1005->NXM_OF_VLAN_TCI[]", "set_field:0->vlan_tci", "note:01.02.03", "exit", "set_queue:1", "pop_queue", "set_tunnel:5",
    "sample(probability=65535)", "sample(probability=9,collector_set_id=3,sampling_port=2)",
    "load:2->OXM_OF_METADATA[]", "fin_timeout(idle_timeout=2)", "fin_timeout(idle_timeout=3,hard_timeout=9)",
    "check_pkt_larger(80)->NXM_NX_REG0[3]", "check_pkt_larger(64)->NXM_NX_REG1[0]",
)  # fmt: skip
IP = ("mod_nw_src:192.168.0.1", "mod_nw_dst:192.168.0.2", "mod_nw_tos:32", "mod_nw_ecn:2", "mod_nw_ttl:9", "dec_ttl",
      "dec_ttl(1,2)", "set_field:10.9.0.0/255.255.0.0->ip_src", "push:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[]",
      "move:NXM_OF_IP_SRC[0..15]->NXM_OF_IP_DST[16..31]", "load:0x3->NXM_NX_IP_ECN[]")  # fmt: skip
IP6 = ("set_field:fc00::9->ipv6_src", "set_field:7->ipv6_label", "set_field:5->nw_ttl", "dec_ttl", "mod_nw_tos:8",
       "set_field:::1/::ff->ipv6_dst", "move:NXM_NX_IPV6_SRC[0..31]->NXM_NX_IPV6_DST[96..127]", "set_field:1->nw_ecn")  # fmt: skip
L4 = ("mod_tp_src:1234", "mod_tp_dst:53", "mod_tp_dst:0")
MPLS = ("dec_mpls_ttl", "set_mpls_ttl(7)", "set_mpls_label(77)", "set_mpls_tc(5)", "pop_mpls:0x0800", "pop_mpls:0x8847",
        "pop_mpls:0x86dd", "push_mpls:0x8847", "push_mpls:0x8848", "move:OXM_OF_MPLS_LABEL[]->NXM_NX_REG2[0..19]")  # fmt: skip
EDITS: dict[str, tuple[str, ...]] = {
    "ip": IP, "icmp": (*IP, "set_field:0->icmp_type", "set_field:3->icmp_code"),
    "tcp": (*IP, *L4, "move:NXM_OF_TCP_SRC[]->NXM_OF_TCP_DST[]"), "udp": (*IP, *L4), "sctp": (*IP, "mod_tp_src:7", "mod_tp_dst:8"),
    "ipv6": IP6, "tcp6": (*IP6, *L4), "udp6": (*IP6, *L4), "icmp6": (*IP6, "set_field:128->icmpv6_type"),
    "nd": (*IP6, "set_field:2001:db8::77->nd_target", "set_field:02:00:00:00:00:88->nd_sll"),
    "arp": ("load:2->NXM_OF_ARP_OP[]", "load:0x0a000009->NXM_OF_ARP_SPA[]", "move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[]",
            "set_field:02:00:00:00:00:88->arp_sha", "set_field:10.0.0.77->arp_tpa"),
    "mpls": MPLS,
}  # fmt: skip
HASHES = ("eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3")
LINKS = ("modulo_n", "hash_threshold", "hrw", "iter_hash")


class Generator:
    """What one case is drawn from."""

    def __init__(self, seed: int, number: int) -> None:
        self.rng = random.Random(f"flows/{seed}/{number}")
        self.setup = [
            "ovs-vsctl add-br br0 -- set-fail-mode br0 secure",
            "ovs-vsctl add-br br1 -- set-fail-mode br1 secure",
            *(
                f"ovs-vsctl add-port br0 p{n} -- set Interface p{n} type=dummy ofport_request={n}"
                for n in range(1, N_PORTS + 1)
            ),
            "ovs-vsctl add-port br1 q1 -- set Interface q1 type=dummy ofport_request=1",
            "ovs-vsctl add-port br0 x0 -- set Interface x0 type=patch options:peer=x1 ofport_request=20",
            "ovs-vsctl add-port br1 x1 -- set Interface x1 type=patch options:peer=x0 ofport_request=20",
            "ovs-vsctl add-port br0 y0 -- set Interface y0 type=patch options:peer=y1 ofport_request=21",
            "ovs-vsctl add-port br1 y1 -- set Interface y1 type=patch options:peer=y0 ofport_request=21",
            "ovs-ofctl -O OpenFlow13 add-meter br1 'meter=1,kbps,burst,band=type=drop,rate=1,burst_size=4'",
        ]
        if self.maybe(0.2):
            self.setup.append(f"ovs-ofctl set-frags br0 {self.rng.choice(['drop', 'nx-match'])}")
        if self.maybe(0.3):
            self.setup.append(f"ovs-ofctl mod-port br0 p{self.rng.randint(1, N_PORTS)} no-flood")

    def maybe(self, probability: float) -> bool:
        return self.rng.random() < probability

    def port(self) -> int:
        return self.rng.choice([1, 2, 3, 4, 5, 6, 20, 20, 21])

    # -------------------------------------------------------------------------------------------------- groups

    def bucket(self) -> str:
        edits = self.rng.choice(["", "", "set_field:02:00:00:00:00:55->eth_dst,", "push_vlan:0x8100,set_field:4106->vlan_vid,",
                                 "mod_dl_src:02:00:00:00:00:56,", "load:1->NXM_NX_REG0[0],"])  # fmt: skip
        last = self.rng.choice([f"output:{self.port()}"] * 4 + [f"resubmit(,{N_TABLES - 1})", "in_port", "controller"])
        return edits + last

    def group(self, number: int) -> str:
        """A group; those of higher numbers may lead into those of lower ones."""
        rng = self.rng
        buckets = [self.bucket() for _ in range(rng.randint(1, 4))]
        if number > 1 and self.maybe(0.3):
            buckets[0] = f"group:{rng.randint(1, number - 1)}"
        kind = rng.choice(["all", "indirect", "ff", "select", "select", "select"])
        text = f"group_id={number},type={kind}"
        if kind == "indirect":
            return f"{text},bucket={buckets[0]}"
        if kind == "ff":
            watched = [f"watch_port:{rng.randint(1, 7)}" for _ in buckets]
            if number > 1 and self.maybe(0.3):
                watched[0] = f"watch_group:{rng.randint(1, number - 1)}"
            return text + "".join(f",bucket={watch},{bucket}" for watch, bucket in zip(watched, buckets, strict=True))
        if kind == "select":
            method = rng.choice(["", "", "selection_method=hash", "selection_method=hash,fields(ip_src,eth_dst)",
                                 "selection_method=hash,selection_method_param=7,fields=eth_src", "selection_method=dp_hash",
                                 "selection_method=dp_hash,selection_method_param=1"])  # fmt: skip
            text += f",{method}" if method else ""
            return text + "".join(f",bucket=weight:{rng.choice([0, 1, 1, 3, 10])},{bucket}" for bucket in buckets)
        return text + "".join(f",bucket={bucket}" for bucket in buckets)

    def groups(self) -> None:
        for number in range(1, 6):
            self.setup.append(f"ovs-ofctl -O OpenFlow15 add-group br0 '{self.group(number)}'")
        for number, bands in enumerate(
            ("pktps,burst,band=type=drop,rate=1,burst_size=5", "kbps,band=type=drop,rate=2"), start=1
        ):
            self.setup.append(f"ovs-ofctl -O OpenFlow13 add-meter br0 'meter={number},{bands}'")

    # -------------------------------------------------------------------------------------------------- actions

    def learn(self, protocol: str) -> str:
        rng = self.rng
        parts = [f"table={rng.randint(N_TABLES - 2, N_TABLES - 1)}", f"priority={rng.randint(2000, 60000)}"]
        parts += rng.sample(
            ["idle_timeout=4", "hard_timeout=7", "fin_idle_timeout=2", "fin_hard_timeout=3", f"cookie=0x{rng.randint(5, 6)}",
             "send_flow_rem", "delete_learned", "limit=3", "result_dst=NXM_NX_REG1[4]"], rng.randint(0, 4),
        )  # fmt: skip
        matches = [["NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]"], ["NXM_OF_ETH_SRC[]"], ["NXM_OF_VLAN_TCI[0..11]"],
                   ["in_port=1", "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]"], ["NXM_OF_IN_PORT[]"], ["NXM_NX_REG1[0..3]=NXM_NX_REG0[0..3]"],
                   ["eth_type=0x800", "NXM_OF_ETH_SRC[0..15]=NXM_OF_ETH_DST[0..15]"]]  # fmt: skip
        if protocol in ("ip", "tcp", "udp", "icmp"):
            matches.append(["eth_type=0x800", "NXM_OF_IP_DST[]=NXM_OF_IP_SRC[]", "ip_proto=6"])
        if protocol in ("tcp", "udp"):
            number = 6 if protocol == "tcp" else 17
            name = protocol.upper()
            matches.append(["eth_type=0x800", f"nw_proto={number}", f"NXM_OF_{name}_DST[]=NXM_OF_{name}_SRC[]"])
        parts += rng.choice(matches)
        parts += rng.choice([["output:NXM_OF_IN_PORT[]"], ["load:NXM_OF_IN_PORT[]->NXM_NX_REG3[0..15]"],
                             ["load:3->NXM_NX_REG0[]", "output:NXM_OF_IN_PORT[]"], [],
                             ["load:NXM_OF_ETH_SRC[0..15]->NXM_OF_ETH_DST[0..15]", "output:NXM_NX_REG3[0..15]"],
                             ["load:0x1005->NXM_OF_VLAN_TCI[]", "output:NXM_OF_IN_PORT[]"]])  # fmt: skip
        return f"learn({','.join(parts)})"

    def output(self) -> str:
        rng = self.rng
        fields, basis = rng.choice(HASHES), rng.choice([0, 50])
        members = ",".join(str(port) for port in rng.sample([1, 2, 3, 4, 5, 9], rng.randint(1, 4)))
        algorithm = rng.choice(["active_backup", "hrw", "hrw"])
        return rng.choice(
            [f"output:{self.port()}"] * 10
            + [f"output(port={self.port()},max_len={rng.choice([20, 50, 70])})", "NORMAL", "NORMAL", "FLOOD", "ALL", "IN_PORT",
               "LOCAL", f"enqueue:{self.port()}:7", "output:99", "CONTROLLER:60", "controller(max_len=30,id=4,reason=action)",
               "controller(userdata=01.02.03)", "load:2->NXM_NX_REG2[0..15],output:NXM_NX_REG2[0..15]", "output:NXM_NX_REG5[]",
               f"bundle({fields},{basis},{algorithm},ofport,members:{members})",
               f"bundle_load({fields},{basis},{algorithm},ofport,NXM_NX_REG2[0..15],members:{members}),output:NXM_NX_REG2[0..15]",
               f"multipath({fields},{basis},{rng.choice(LINKS)},{rng.choice([1, 3, 6])},0,NXM_NX_REG2[0..15]),"
               "output:NXM_NX_REG2[0..15]"]
        )  # fmt: skip

    def action(self, table: int, protocol: str, depth: int = 0) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.3:
            return rng.choice([*ANY, *EDITS.get(protocol, ()) * 4])
        if kind < 0.55:
            return self.output()
        if kind < 0.74:
            # Into the same table or back: the loop ends at OVS's limits.
            to = rng.randint(table + 1, N_TABLES - 1) if table < N_TABLES - 1 else table
            if table == to or self.maybe(0.01):
                return f"output:{self.port()}" if not self.maybe(0.02) else f"resubmit(,{rng.randint(0, table)})"
            return rng.choice([f"resubmit(,{to})"] * 3 + [f"resubmit({self.port()},{to})"])
        if kind < 0.82 and depth < 2:
            return f"clone({','.join(self.action(table, protocol, depth + 1) for _ in range(rng.randint(1, 3)))})"
        if kind < 0.9:
            return self.learn(protocol)
        if kind < 0.95:
            return f"group:{rng.randint(1, 5)}"
        return rng.choice(["push_mpls:0x8847,set_field:20->mpls_label", "push_vlan:0x8100,set_field:4116->vlan_vid",
                           "push_vlan:0x88a8,set_field:4126->vlan_vid", "push_vlan:0x8100"])  # fmt: skip

    def instructions(self, table: int) -> list[str]:
        """What stands behind the actions: the action set, metadata, the next table."""
        rng = self.rng
        written = rng.sample(
            ["set_field:02:00:00:00:00:44->eth_src", f"output:{self.port()}", f"group:{rng.randint(1, 5)}", "strip_vlan",
             "push_vlan:0x8100", "dec_ttl", "set_field:9->reg1", "set_queue:3"], rng.randint(1, 4),
        )  # fmt: skip
        found = [f"write_actions({','.join(written)})"]
        if self.maybe(0.15):
            found.insert(0, "clear_actions")
        if self.maybe(0.6):
            found.append(f"write_metadata:0x{rng.randint(0, 3)}/0x3")
        if table < N_TABLES - 1 and self.maybe(0.9):
            found.append(f"goto_table:{rng.randint(table + 1, N_TABLES - 1)}")
        return found

    def flow(self, table: int) -> str:
        rng = self.rng
        match, protocol = rng.choice(MATCHES)
        actions = [self.action(table, protocol) for _ in range(rng.randint(1, 4))]
        text = ",".join(actions)
        if "push_mpls" in text or "pop_mpls" in text or "push_vlan" in text:
            # What comes behind may have lost its prerequisites, or found a tag that OpenFlow 1.3 does not expect.
            edits = {*(edit for edits in EDITS.values() for edit in edits)} - {*MPLS}
            actions = [a for a in actions if a not in edits and ("vlan" not in a.lower() or a.startswith("push_vlan"))]
        if self.maybe(0.1):
            actions.insert(0, f"meter:{rng.randint(1, 2)}")
        if self.maybe(0.15):
            actions += self.instructions(table)
        settings = rng.choice([""] * 6 + ["idle_timeout=3,", "hard_timeout=6,", "cookie=0x7,", "importance=3,", "send_flow_rem,"])
        if self.maybe(0.3) and "in_port" not in match:
            match = f"in_port={self.port()}" + (f",{match}" if match else "")
        comma = "," if match else ""
        return f"table={table},priority={{priority}},{settings}{match}{comma}actions={','.join(actions)}"

    def flows(self) -> None:
        for table in range(N_TABLES):
            priorities = self.rng.sample(range(10, 1000), self.rng.randint(3, 9))
            for priority in priorities:
                text = self.flow(table).format(priority=priority)
                self.setup.append(f"ovs-ofctl -O {self.version(text)} add-flow br0 '{text}'")
            last = self.rng.choice(["NORMAL", "drop", "output:6", "output:20"])
            self.setup.append(f"ovs-ofctl add-flow br0 'table={table},priority=0,actions={last}'")
        if self.maybe(0.4):
            self.conjunction()
        self.setup += [
            "ovs-ofctl add-flow br1 'in_port=20,actions=load:1->NXM_NX_REG0[],output:1'",
            "ovs-ofctl -O OpenFlow13 add-flow br1 "
            f"'in_port=21,actions={self.rng.choice(['meter:1,', ''])}push_vlan:0x8100,set_field:4106->vlan_vid,output:1'",
            "ovs-ofctl add-flow br1 'in_port=1,actions=mod_dl_src:02:00:00:00:00:66,output:20,mod_vlan_vid:10,output:21'",
        ]

    def conjunction(self) -> None:
        head = f"ovs-ofctl add-flow br0 'table={self.rng.randint(0, 2)},priority=1500"
        for match, clauses in (("nw_src=10.0.0.1", "9,1/2"), ("nw_src=10.0.0.2/31", "9,1/2"), ("tp_dst=80", "9,2/2"),
                               ("tp_src=80", "8,1/2"), ("nw_dst=10.0.0.1", "8,2/2")):  # fmt: skip
            both = "" if not self.maybe(0.3) else ",conjunction(8,2/2)"
            self.setup.append(f"{head},tcp,{match},actions=conjunction({clauses}){both if clauses[0] == '9' else ''}'")
        self.setup.append(f"{head},conj_id=9,ip,actions=mod_nw_ttl:77,output:6'")
        self.setup.append(f"{head},conj_id=8,ip,actions=resubmit(,{N_TABLES - 1})'")

    @staticmethod
    def version(flow: str) -> str:
        needs_13 = ("group:", "push_vlan", "write_actions", "meter:", "goto_table", "clear_actions", "write_metadata")
        return "OpenFlow14" if "importance" in flow else "OpenFlow13" if any(word in flow for word in needs_13) else "OpenFlow10"

    # --------------------------------------------------------------------------------------------------- frames

    def frame(self) -> bytes:
        rng = self.rng
        head = rng.choice([*HOSTS, b"\xff" * 6, b"\x01\0\x5e\0\0\x09"]) + rng.choice(HOSTS)
        for tpid, vid in rng.choice([[], [], [(0x8100, 10)], [(0x8100, 20)], [(0x8100, 10), (0x8100, 20)], [(0x88A8, 10)],
                                     [(0x8100, 0x6000)], [(0x88A8, 30), (0x8100, 10)]]):  # fmt: skip
            head += struct.pack("!HH", tpid, vid)
        data = bytes(rng.choice([0, 10, 60]))
        kind = rng.randrange(9)
        ports = struct.pack("!HH", rng.choice(PORTS), rng.choice(PORTS))
        tcp = ports + bytes(8) + bytes([0x50, rng.choice([2, 16, 17, 4])]) + bytes(6) + data
        udp = ports + struct.pack("!HH", 8 + len(data), rng.choice([0, 0xBEEF])) + data
        if kind < 4:
            icmp = bytes([rng.choice([8, 0, 3]), 0]) + b"\xf7\xff\0\0\0\0" + data
            protocol, body = rng.choice(
                [(6, tcp), (6, tcp), (17, udp), (1, icmp), (47, data), (132, ports + bytes(8) + data)]
            )
            fragment = rng.choice([0] * 12 + [0x2000, 0x0003, 0x2003, 0x4000])
            ip = struct.pack(
                "!BBHHHBBH", 0x45, rng.choice([0, 1, 32]), 20 + len(body), 1, fragment, rng.choice([1, 2, 64]), protocol, 0
            )
            return head + b"\x08\0" + ip + bytes([10, 0, 0, rng.randint(1, 4), 10, 0, 0, rng.randint(1, 4)]) + body
        if kind < 6:
            address = bytes.fromhex("20010db8" + "00" * 11)
            nd = b"\x87\0\0\0\0\0\0\0" + address + bytes([9]) + b"\x01\x01" + HOSTS[0]
            protocol, body = rng.choice([(6, tcp), (17, udp), (58, b"\x80\0\0\0\0\0\0\0" + data), (58, nd)])
            if self.maybe(0.1):
                protocol, body = 0, bytes([protocol, 0]) + b"\x01\x04\0\0\0\0" + body
            elif self.maybe(0.1):
                protocol, body = 44, bytes([protocol, 0]) + rng.choice([b"\0\x01", b"\0\x09"]) + b"\0\0\0\x01" + body
            ip = struct.pack("!IHBB", 0x60000000 | rng.choice([0, 7]), len(body), protocol, rng.choice([1, 64]))
            return head + b"\x86\xdd" + ip + address + bytes([rng.randint(1, 3)]) + address + bytes([9]) + body
        if kind == 6:
            arp = bytes.fromhex("000108000604") + bytes([0, rng.randint(1, 2)]) + HOSTS[0] + bytes([10, 0, 0, 1]) + bytes(6)
            return head + rng.choice([b"\x08\x06", b"\x08\x06", b"\x80\x35"]) + arp + bytes([10, 0, 0, 2])
        if kind == 7:
            # Label stacks over IPv4: 20 with TTL 64, or 1
            inner = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + udp
            labels = rng.choice([b"\0\x01\x41\x40", b"\0\x01\x41\x01", b"\0\x01\x40\x40\0\x02\x01\x05",
                                 b"\0\x01\x40\x40\0\x02\0\x05\0\x03\x01\x07"])  # fmt: skip
            return head + b"\x88\x47" + labels + inner
        return head + rng.choice([b"\x12\x34", b"\x88\xb5"]) + bytes(46)

    def command(self) -> str:
        rng = self.rng
        table = rng.randrange(N_TABLES)
        port = rng.randint(1, N_PORTS)
        return rng.choice(
            [
                f"ovs-ofctl del-flows br0 table={table},tcp",
                f"ovs-ofctl del-flows br0 table={table},out_port={port}",
                f"ovs-ofctl mod-flows br0 'table={table},udp,actions=output:{self.port()}'",
                f"ovs-ofctl -O OpenFlow13 mod-flows br0 'table={table},udp,actions=output:{self.port()},{self.learn('udp')}'",
                "ovs-ofctl del-flows br0 cookie=0x7/-1",
                "ovs-ofctl del-flows br0 cookie=0x5/0x5",
                f"ovs-ofctl add-flow br0 'table={table},priority=1200,ip,actions=output:{self.port()}'",
                f"ovs-ofctl add-flow br0 'table={table},priority=1300,actions={self.learn('')},resubmit(,{N_TABLES - 1})'",
                f"ovs-ofctl --strict del-flows br0 'table={table},priority=1200,ip'",
                f"ovs-ofctl --strict del-flows br0 'table={table},priority=1300'",
                f"ovs-ofctl -O OpenFlow15 mod-group br0 '{self.group(rng.randint(1, 5))}'",
                f"ovs-ofctl -O OpenFlow15 insert-buckets br0 'group_id=1,command_bucket_id=last,bucket=bucket_id:{rng.randint(50, 60)},"
                f"output:{port}'",
                f"ovs-ofctl -O OpenFlow13 del-groups br0 group_id={rng.randint(1, 5)}",
                "ovs-ofctl -O OpenFlow13 mod-meter br0 meter=1,pktps,burst,band=type=drop,rate=2,burst_size=1",
                f"ovs-ofctl mod-port br0 p{port} {rng.choice(['down', 'up', 'no-flood', 'flood', 'no-forward', 'forward'])}",
                f"ovs-ofctl mod-port br0 p{port} {rng.choice(['no-receive', 'receive'])}",
            ]
        )

    def trace(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        time_s = 0.0
        for _ in range(N_FRAMES):
            time_s += self.rng.choice([0] * 8 + [0.05, 0.5, 1, 3, 6])
            if self.maybe(0.1):
                events.append({"t": round(time_s, 3), "cmd": self.command()})
            port = self.rng.choice([*(f"p{n}" for n in range(1, N_PORTS + 1)), "q1"])
            events.append({"t": round(time_s, 3), "port": port, "pkt": self.frame().hex()})
        return events


def make_case(seed: int, number: int) -> dict[str, Any]:
    """Case `number` of `seed`; always the same."""
    generator = Generator(seed, number)
    generator.groups()
    generator.flows()
    return {
        "id": f"flows-{seed}-{number}", "title": "random pipeline", "setup": generator.setup,
        "trace": generator.trace(), "options": {},
    }  # fmt: skip
