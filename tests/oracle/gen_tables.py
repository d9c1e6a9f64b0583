"""Random flow tables that are hard on masks: make_tables(seed, number) → commands and flows to trace.

One bridge with four ports. Few values, many masks: subtables overlap, priorities tie, prefixes nest, stages end early.
Some flows are removed and added again, which moves subtables in the order of the search. What is traced is drawn from
what the flows match, so that look-ups get far.
"""

from __future__ import annotations

import random

N_TABLES = 3
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.1.1", "10.1.0.1", "10.128.0.1", "192.168.0.1", "0.0.0.1")
ADDRESSES_6 = ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "2001:db8:8000::1", "fe80::1", "::1")
MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01")
PORTS = (80, 81, 443, 1024, 1025, 32768)
KINDS = ("tcp", "tcp", "udp", "icmp", "ip", "arp", "tcp6", "udp6", "icmp6", "ipv6", "dl_type=0x1234", "sctp")
IPV4 = ("tcp", "udp", "icmp", "ip", "sctp")
IPV6 = ("tcp6", "udp6", "icmp6", "ipv6")
PREFIXES = ("nw_src", "ip_dst", "ipv6_src", "ipv6_dst", "tun_id", "tun_src", "dl_src")  # the last one cannot
WITH_PORTS = ("tcp", "udp", "tcp6", "udp6", "sctp")


class Tables:
    """What one case is drawn from."""

    def __init__(self, seed: int, number: int) -> None:
        self.rng = random.Random(f"tables/{seed}/{number}")
        self.prefix_rng = random.Random(f"prefixes/{seed}/{number}")
        self.flows: list[tuple[int, int, str]] = []  # table, priority, match
        self.commands = ["ovs-vsctl add-br br0 -- set-fail-mode br0 secure"]
        for n in range(1, 5):
            self.commands.append(f"ovs-vsctl add-port br0 p{n} -- set Interface p{n} type=dummy ofport_request={n}")
        rng = self.rng
        # A case keeps to a few kinds and a few fields: a look-up should meet many subtables that concern it.
        self.kinds = rng.sample(KINDS, rng.randint(1, 4))
        self.fields = rng.sample(("in_port", "dl_src", "dl_dst", "vlan", "reg", "metadata"), rng.randint(0, 3))
        self.priorities = rng.choice((2, 5, 50))

    def match(self, *, exact: bool) -> str:
        """A match of a flow; with `exact`, what a frame has."""
        rng = self.rng
        kind = rng.choice(self.kinds)
        parts = [kind] if exact or rng.random() < 0.85 else []
        fields = {*self.fields, "in_port"} if exact else self.fields
        parts += [self.layer2(field, exact=exact) for field in sorted(fields) if exact or rng.random() < 0.5]
        if parts and parts[0] == kind:
            parts += self.network(kind, exact=exact)
            parts += self.transport(kind, exact=exact)
        return ",".join(part for part in parts if part)

    def layer2(self, field: str, *, exact: bool) -> str:
        rng = self.rng
        if field == "in_port":
            return f"in_port={rng.randint(1, 3)}"
        if field in ("dl_src", "dl_dst"):
            mask = "" if exact or field == "dl_src" or rng.random() < 0.7 else "/01:00:00:00:00:00"
            return f"{field}={rng.choice(MACS[:2] if field == 'dl_src' else MACS)}{mask}"
        if field == "vlan":
            if exact:
                return rng.choice(("", "dl_vlan=10", "dl_vlan=11"))
            return rng.choice(("dl_vlan=10", "dl_vlan=11", "vlan_tci=0x1000/0x1000", "vlan_tci=0/0x1fff"))
        if exact:
            return ""
        return rng.choice(("reg0=1", "reg0=0/0x3") if field == "reg" else ("metadata=0x1/0x1", "metadata=0"))

    def network(self, kind: str, *, exact: bool) -> list[str]:
        rng = self.rng
        parts = []
        if kind in IPV4 or kind == "arp":
            names = ("arp_spa", "arp_tpa") if kind == "arp" else ("nw_src", "nw_dst")
            for name in names:
                if exact:
                    parts.append(f"{name}={rng.choice(ADDRESSES)}")
                elif rng.random() < 0.7:
                    mask = rng.choice((8, 9, 16, 24, 30, 31, 32, 32, "255.0.255.0", "0.0.0.255"))
                    parts.append(f"{name}={rng.choice(ADDRESSES)}/{mask}")
        elif kind in IPV6:
            for name in ("ipv6_src", "ipv6_dst"):
                if exact:
                    parts.append(f"{name}={rng.choice(ADDRESSES_6)}")
                elif rng.random() < 0.6:
                    parts.append(f"{name}={rng.choice(ADDRESSES_6)}/{rng.choice((16, 33, 48, 64, 65, 127, 128))}")
        if kind in (*IPV4, *IPV6) and not exact and rng.random() < 0.2:
            parts.append(rng.choice(("nw_ttl=64", "nw_tos=0", "nw_ecn=1", "nw_frag=no")))
        return parts

    def transport(self, kind: str, *, exact: bool) -> list[str]:
        rng = self.rng
        parts = []
        if kind in WITH_PORTS:
            for name in ("tp_src", "tp_dst"):
                if exact:
                    # ofproto/trace does not take "tp_src" for SCTP.
                    parts.append(f"{kind.rstrip('6')}_{name[3:]}={rng.choice(PORTS)}")
                elif rng.random() < 0.5:
                    mask = rng.choice(("", "", "", "/0xfff0", "/0x8000", "/0xff00", "/0x0001"))
                    parts.append(f"{name}={rng.choice(PORTS)}{mask}")
            if kind in ("tcp", "tcp6") and rng.random() < 0.3:
                parts.append(rng.choice(("tcp_flags=ack", "tcp_flags=syn")) if exact else "tcp_flags=+syn")
        elif kind in ("icmp", "icmp6") and rng.random() < 0.5:
            parts.append(f"{'icmp' if kind == 'icmp' else 'icmpv6'}_type={rng.choice((8, 0, 128))}")
        return parts

    def add_flow(self, table: int, priority: int, match: str, actions: str = "") -> None:
        if not actions:
            actions = self.rng.choice(("drop", f"output:{self.rng.randint(1, 4)}"))
            if table < N_TABLES - 1 and self.rng.random() < 0.7:
                actions = f"load:{self.rng.randint(0, 2)}->NXM_NX_REG0[],resubmit(,{table + 1})"
        head = f"table={table},priority={priority}"
        self.commands.append(f"ovs-ofctl add-flow br0 '{head}{',' * bool(match)}{match},actions={actions}'")

    def make(self, n_traces: int) -> tuple[list[str], list[str]]:
        rng = self.rng
        for _ in range(rng.choice((6, 20, 60))):
            table, priority, match = rng.randrange(N_TABLES), rng.randint(1, self.priorities), self.match(exact=False)
            self.flows.append((table, priority, match))
            self.add_flow(table, priority, match)
        for _ in range(rng.choice((0, 0, 3, 10))):
            table, priority, match = rng.choice(self.flows)
            head = f"table={table},priority={priority}"
            self.commands.append(f"ovs-ofctl --strict del-flows br0 '{head}{',' * bool(match)}{match}'")
            if rng.random() < 0.7:
                self.add_flow(table, rng.randint(1, self.priorities), match)
        if rng.random() < 0.3:
            self.conjunctions()
        self.prefixes()
        return self.commands, [self.match(exact=True) for _ in range(n_traces)]

    def prefixes(self) -> None:
        """Other fields with tries, for some tables; drawn apart, before the flows or after some of them."""
        rng = self.prefix_rng
        for table in range(N_TABLES):
            if rng.random() < 0.3:
                names = rng.choice((["none"], ["nonsense", "tp_src"], rng.sample(PREFIXES, rng.randint(1, 3))))
                line = (
                    f"ovs-vsctl -- --id=@t create Flow_Table prefixes={','.join(names)}"
                    f" -- set bridge br0 flow_tables:{table}=@t"
                )
                self.commands.insert(rng.randint(5, len(self.commands)), line)

    def conjunctions(self) -> None:
        """Two or three dimensions; some with gaps, so that they are never complete."""
        rng = self.rng
        priority = rng.randint(1, self.priorities)
        for id in (7, 8):
            n = rng.choice((2, 2, 3))
            for clause in range(n):
                for _ in range(rng.randint(0 if id == 8 else 1, 3)):
                    self.add_flow(0, priority, self.match(exact=False), f"conjunction({id},{clause + 1}/{n})")
            self.add_flow(0, rng.choice((priority, priority, 1)), f"conj_id={id}", "resubmit(,1)")


def make_tables(seed: int, number: int, n_traces: int = 20) -> tuple[list[str], list[str]]:
    """Commands that set a bridge `br0` up, and flows to trace on it."""
    return Tables(seed, number).make(n_traces)
