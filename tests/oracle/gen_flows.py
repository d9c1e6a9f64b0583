"""Random flow pipelines with the actions that the oracle's own generator does not reach: make_case(seed, number).

One bridge with six numbered ports and one behind a patch pair. Groups of all types whose choice is fixed, meters,
learn with its options, the stack, clone, conjunctions, fin_timeout, multipath, bundle, MPLS, action sets,
check_pkt_larger, timeouts, and flow-mods between frames. What OVS itself does not determine is avoided, as there.
"""

from __future__ import annotations

import random
import struct
from typing import Any

N_TABLES = 4
N_PORTS = 6
N_FRAMES = 40
HOSTS = [bytes([2, 0, 0, 0, 0, i]) for i in range(1, 6)]
PORTS = [80, 53, 1000, 2000]
MATCHES = (
    "", "", "ip", "tcp", "udp", "arp", "icmp", "ipv6", "tcp6", "udp6", "mpls", "dl_vlan=10", "vlan_tci=0x1000/0x1000",
    "vlan_tci=0x0000/0x1fff", "tcp,tcp_flags=+syn", "tcp,tcp_flags=+fin", "ip,nw_ttl=1", "ip,nw_ecn=1",
    "ip,nw_src=10.0.0.2/31", "tcp,tp_dst=80", "udp,tp_src=0x400/0xfc00", "ip,nw_proto=47", "reg0=0x1/0x1", "reg1=2",
    "xreg1=0x5/0xf", "metadata=0x1/0x3", "pkt_mark=3", "dl_type=0x1234", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00",
    "ipv6,ipv6_src=2001:db8::1", "icmp6", "arp,arp_op=1", "mpls,mpls_label=20", "mpls,mpls_bos=1",
)  # fmt: skip
ANY = (
    "load:1->NXM_NX_REG0[0]", "set_field:2->reg1", "set_field:0x5/0xf->xreg1",
    "move:NXM_NX_REG1[0..3]->NXM_NX_REG0[4..7]",
    "set_field:3->pkt_mark", "push:NXM_NX_REG1[],pop:NXM_NX_REG2[]", "push:NXM_OF_ETH_SRC[],pop:NXM_OF_ETH_DST[]",
    "mod_dl_src:02:00:00:00:00:77", "set_field:02:00:00:00:00:10/00:00:00:00:00:f0->eth_dst", "strip_vlan",
    "mod_vlan_vid:20", "mod_vlan_pcp:3", "note:01.02.03", "exit", "set_queue:1", "pop_queue", "NORMAL", "FLOOD", "ALL",
    "IN_PORT", "LOCAL", "enqueue:2:7", "CONTROLLER:60", "multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG2[])",
    "fin_timeout(idle_timeout=2)", "fin_timeout(idle_timeout=3,hard_timeout=9)", "sample(probability=65535)",
    "check_pkt_larger(80)->NXM_NX_REG0[3]",
)  # fmt: skip
IP = ("mod_nw_src:192.168.0.1", "mod_nw_dst:192.168.0.2", "mod_nw_tos:32", "mod_nw_ecn:2", "mod_nw_ttl:9", "dec_ttl",
      "dec_ttl(1,2)", "set_field:10.9.0.0/255.255.0.0->ip_src", "push:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[]")  # fmt: skip
IP6 = ("set_field:fc00::9->ipv6_src", "set_field:7->ipv6_label", "set_field:5->nw_ttl", "dec_ttl")
L4 = ("mod_tp_src:1234", "mod_tp_dst:53")


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
            "ovs-ofctl add-flow br1 'in_port=20,actions=load:1->NXM_NX_REG0[],output:1'",
            "ovs-ofctl add-flow br1 'in_port=1,actions=mod_dl_src:02:00:00:00:00:66,output:20'",
        ]

    def maybe(self, probability: float) -> bool:
        return self.rng.random() < probability

    def port(self) -> int:
        return self.rng.choice([1, 2, 3, 4, 5, 6, 20])

    # -------------------------------------------------------------------------------------------------- groups

    def groups(self) -> None:
        def line(text: str) -> None:
            self.setup.append(f"ovs-ofctl -O OpenFlow13 add-group br0 '{text}'")

        line(f"group_id=1,type=all,bucket=output:{self.port()},bucket=set_field:02:00:00:00:00:55->eth_dst,output:1")
        line(f"group_id=2,type=indirect,bucket=push_vlan:0x8100,set_field:4106->vlan_vid,output:{self.port()}")
        line(f"group_id=3,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:{self.port()}")
        line("group_id=4,type=select,bucket=output:4")
        line("group_id=5,type=all,bucket=group:1,bucket=output:5")
        self.setup.append(
            "ovs-ofctl -O OpenFlow13 add-meter br0 'meter=1,pktps,burst,band=type=drop,rate=1,burst_size=5'"
        )

    # -------------------------------------------------------------------------------------------------- actions

    def learn(self) -> str:
        rng = self.rng
        parts = [f"table={N_TABLES - 1}", f"priority={rng.randint(2000, 60000)}"]
        parts += rng.sample(
            ["idle_timeout=4", "hard_timeout=7", "fin_idle_timeout=2", "cookie=0x5", "send_flow_rem", "delete_learned"],
            rng.randint(0, 3),
        )
        if self.maybe(0.2):
            parts.append("limit=3")
        parts += rng.choice([["NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]"], ["NXM_OF_ETH_SRC[]"], ["NXM_OF_VLAN_TCI[0..11]"],
                             ["in_port=1", "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]"]])  # fmt: skip
        parts += rng.choice([["output:NXM_OF_IN_PORT[]"], ["load:NXM_OF_IN_PORT[]->NXM_NX_REG3[0..15]"],
                             ["load:3->NXM_NX_REG0[]", "output:NXM_OF_IN_PORT[]"]])  # fmt: skip
        return f"learn({','.join(parts)})"

    def action(self, table: int, match: str, depth: int = 0) -> str:
        rng = self.rng
        kind = rng.random()
        protocol = match.split(",")[0]
        if kind < 0.25:
            choices = list(ANY)
            if protocol in ("ip", "tcp", "udp", "icmp"):
                choices += IP * 3
            if protocol in ("ipv6", "tcp6", "udp6", "icmp6"):
                choices += IP6 * 5
            if protocol in ("tcp", "udp", "tcp6", "udp6"):
                choices += L4 * 5
            return rng.choice(choices)
        if kind < 0.5:
            return rng.choice([f"output:{self.port()}"] * 4 + [f"output(port={self.port()},max_len=50)",
                              "load:2->NXM_NX_REG2[0..15],output:NXM_NX_REG2[0..15]",
                              "bundle(eth_src,0,active_backup,ofport,members:3,4)",
                              "bundle_load(eth_src,0,active_backup,ofport,NXM_NX_REG2[0..15],members:3,4)",
                              ])  # fmt: skip
        if kind < 0.72:
            to = rng.randint(table + 1, N_TABLES - 1) if table < N_TABLES - 1 else table
            # Into the same table: the loop ends at OVS's limit of depth.
            if table == to or self.maybe(0.02):
                return f"output:{self.port()}"
            return rng.choice([f"resubmit(,{to})"] * 3 + [f"resubmit({self.port()},{to})"])
        if kind < 0.8 and depth < 2:
            return f"clone({','.join(self.action(table, match, depth + 1) for _ in range(rng.randint(1, 3)))})"
        if kind < 0.87:
            return self.learn()
        if kind < 0.93:
            return f"group:{rng.randint(1, 5)}"
        if kind < 0.96:
            return rng.choice(
                ["push_mpls:0x8847,set_field:20->mpls_label", "push_vlan:0x8100,set_field:4116->vlan_vid"]
            )
        return f"output:{self.port()}"

    def flow(self, table: int) -> str:
        rng = self.rng
        match = rng.choice(MATCHES)
        actions = [self.action(table, match) for _ in range(rng.randint(1, 4))]
        if any(action.startswith(("push_mpls", "push_vlan")) for action in actions):
            actions = [action for action in actions if "vlan" not in action or action.startswith("push_vlan")]
            if protocol_edits := [a for a in actions if a in (*IP, *IP6, *L4)]:
                actions = [action for action in actions if action not in protocol_edits]
        if table == 0 and self.maybe(0.1):
            actions.insert(0, "meter:1")
        if self.maybe(0.15) and table < N_TABLES - 1:
            actions += [f"write_actions(set_field:02:00:00:00:00:44->eth_src,output:{self.port()})"]
            actions += [f"write_metadata:0x1/0x3,goto_table:{table + 1}"]
        settings = rng.choice([""] * 5 + ["idle_timeout=3,", "hard_timeout=6,", "cookie=0x7,"])
        if self.maybe(0.3):
            match = f"in_port={self.port()}" + (f",{match}" if match else "")
        comma = "," if match else ""
        return f"table={table},priority={{priority}},{settings}{match}{comma}actions={','.join(actions)}"

    def flows(self) -> None:
        for table in range(N_TABLES):
            priorities = self.rng.sample(range(10, 1000), self.rng.randint(3, 8))
            for priority in priorities:
                text = self.flow(table).format(priority=priority)
                self.setup.append(f"ovs-ofctl -O {self.version(text)} add-flow br0 '{text}'")
            last = self.rng.choice(["NORMAL", "drop", "output:6"])
            self.setup.append(f"ovs-ofctl add-flow br0 'table={table},priority=0,actions={last}'")
        if self.maybe(0.3):
            head = "ovs-ofctl add-flow br0 'table=1,priority=1500"
            for dimension, match in enumerate(("nw_src=10.0.0.1", "tp_dst=80"), start=1):
                self.setup.append(f"{head},tcp,{match},actions=conjunction(9,{dimension}/2)'")
            self.setup.append(f"{head},conj_id=9,ip,actions=mod_nw_ttl:77,output:6'")

    @staticmethod
    def version(flow: str) -> str:
        needs_13 = ("group:", "push_vlan", "write_actions", "meter:", "goto_table")
        return "OpenFlow13" if any(word in flow for word in needs_13) else "OpenFlow10"

    # --------------------------------------------------------------------------------------------------- frames

    def frame(self) -> bytes:
        rng = self.rng
        head = rng.choice([*HOSTS, b"\xff" * 6, b"\x01\0\x5e\0\0\x09"]) + rng.choice(HOSTS)
        for vid in rng.choice([[], [], [10], [20], [10, 20]]):
            head += struct.pack("!HH", 0x8100, vid)
        data = bytes(rng.choice([0, 10, 60]))
        kind = rng.randrange(8)
        ports = struct.pack("!HH", rng.choice(PORTS), rng.choice(PORTS))
        tcp = ports + bytes(8) + bytes([0x50, rng.choice([2, 16, 17, 4])]) + bytes(6) + data
        udp = ports + struct.pack("!HH", 8 + len(data), rng.choice([0, 0xBEEF])) + data
        if kind < 4:
            protocol, body = rng.choice(
                [(6, tcp), (6, tcp), (17, udp), (1, b"\x08\0\xf7\xff\0\0\0\0" + data), (47, data)]
            )
            ip = struct.pack(
                "!BBHHHBBH", 0x45, rng.choice([0, 1, 32]), 20 + len(body), 1, 0, rng.choice([1, 2, 64]), protocol, 0
            )
            return head + b"\x08\0" + ip + bytes([10, 0, 0, rng.randint(1, 4), 10, 0, 0, rng.randint(1, 4)]) + body
        if kind < 6:
            protocol, body = rng.choice([(6, tcp), (17, udp), (58, b"\x80\0\0\0\0\0\0\0" + data)])
            address = bytes.fromhex("20010db8" + "00" * 11)
            ip = struct.pack("!IHBB", 0x60000000, len(body), protocol, rng.choice([1, 64]))
            return head + b"\x86\xdd" + ip + address + bytes([rng.randint(1, 3)]) + address + bytes([9]) + body
        if kind == 6:
            arp = bytes.fromhex("0001080006040001") + HOSTS[0] + bytes([10, 0, 0, 1]) + bytes(6) + bytes([10, 0, 0, 2])
            return head + b"\x08\x06" + arp
        return head + rng.choice([b"\x12\x34", b"\x88\x47\x00\x01\x41\x40"]) + bytes(46)

    def trace(self) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        time_s = 0.0
        for _ in range(N_FRAMES):
            time_s += self.rng.choice([0] * 8 + [0.05, 0.5, 1, 3, 6])
            if self.maybe(0.08):
                table = self.rng.randrange(N_TABLES)
                command = self.rng.choice(
                    [
                        f"ovs-ofctl del-flows br0 table={table},tcp",
                        f"ovs-ofctl mod-flows br0 'table={table},udp,actions=output:{self.port()}'",
                        "ovs-ofctl del-flows br0 cookie=0x7/-1",
                        f"ovs-ofctl add-flow br0 'table={table},priority=1200,ip,actions=output:{self.port()}'",
                        f"ovs-ofctl --strict del-flows br0 'table={table},priority=1200,ip'",
                        "ovs-ofctl -O OpenFlow13 mod-group br0 group_id=4,type=select,bucket=output:2",
                    ]
                )
                events.append({"t": round(time_s, 3), "cmd": command})
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
