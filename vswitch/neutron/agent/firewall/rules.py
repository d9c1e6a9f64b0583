"""Rules of security groups as the firewall takes them: protocols by number, ports as masks, priorities.

Sources: openvswitch_firewall/rules.py, neutron/common/utils.py (port_rule_masking), db/securitygroups_rpc_base.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from vswitch.neutron.agent import tables
from vswitch.neutron.cloud import Cidr, SecurityGroup

INGRESS, EGRESS = "ingress", "egress"
ICMP, TCP, UDP, ICMPV6, SCTP = 1, 6, 17, 58, 132
WITH_PORTS = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}
PROTOCOLS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "igmp": 2, "ip": 0, "ipip": 4,
    "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136,
    "vrrp": 112,
}  # fmt: skip
BASE_PRIORITY = 70


@dataclass(frozen=True)
class Rule:
    """A rule; `prefix` is of the other side."""

    direction: str
    is_ipv6: bool
    protocol: int | None = None
    port_min: int | None = None
    port_max: int | None = None
    prefix: Cidr | None = None
    remote_group: SecurityGroup | None = None

    @property
    def priority(self) -> int:
        """Of flows for it: higher for more words, lower where a group is the other side."""
        offset = 0 if self.remote_group is not None else 4
        if self.protocol is None:
            return BASE_PRIORITY + offset
        if self.protocol in (ICMP, ICMPV6):
            if self.port_min is None:
                return BASE_PRIORITY + offset + 1
            if self.port_max is None:
                return BASE_PRIORITY + offset + 2
        return BASE_PRIORITY + offset + 3


def table_of(direction: str) -> int:
    """The table where flows for rules of a direction are."""
    return tables.RULES_INGRESS if direction == INGRESS else tables.RULES_EGRESS


def rules_of(group: SecurityGroup) -> list[Rule]:
    """The rules of a group in their order, none twice in the same words (the agent compares those)."""
    found: dict[object, Rule] = {}
    for rule in group.rules:
        is_ipv6 = rule.ethertype == "IPv6"
        made = Rule(
            rule.direction, is_ipv6, _protocol(rule.protocol, is_ipv6), rule.port_range_min, rule.port_range_max,
            rule.remote_ip_prefix, rule.remote_group,
        )  # fmt: skip
        found[made, rule.protocol] = made
    return list(found.values())


def _protocol(protocol: str | None, is_ipv6: bool) -> int | None:
    if protocol is None or str(protocol).lower() == "any":
        return None
    name = str(protocol).lower()
    if name.isdigit():
        return int(name)
    if is_ipv6 and name == "icmp":
        return ICMPV6
    return PROTOCOLS[name]


def matches(rule: Rule) -> list[str]:
    """What a rule matches besides its port: ethertype, protocol, prefix and ports, a match for each mask."""
    words = ["ipv6" if rule.is_ipv6 else "ip"]
    if rule.prefix is not None and rule.prefix.prefixlen:
        side = "dst" if rule.direction == EGRESS else "src"
        words.append(f"{'ipv6' if rule.prefix.version == 6 else 'nw'}_{side}={rule.prefix}")
    if rule.protocol is not None:
        words.append(f"nw_proto={rule.protocol}")
    head = ",".join(words)
    if rule.protocol in (ICMP, ICMPV6):
        if rule.port_min is None:
            return [head]
        code = f",icmp_code={rule.port_max}" if rule.port_max is not None else ""
        return [f"{head},icmp_type={rule.port_min}{code}"]
    name = WITH_PORTS.get(rule.protocol or 0)
    if name is None or not rule.port_min or not rule.port_max:
        return [head]
    return [f"{head},{name}_dst={mask}" for mask in port_masks(rule.port_min, rule.port_max)]


def port_masks(first: int, last: int) -> list[str]:
    """The fewest values with masks that are the ports from `first` to `last`.

    >>> port_masks(8000, 8010)
    ['0x1f40/0xfff8', '0x1f48/0xfffe', '0x1f4a']
    """
    masks = []
    while first <= last:
        size = first & -first or 0x10000
        while first + size - 1 > last:
            size >>= 1
        mask = f"/{0xFFFF & ~(size - 1):#06x}" if size > 1 else ""
        masks.append(f"{first:#06x}{mask}")
        first += size
    return masks


def merge(rules: list[tuple[Rule, int]]) -> Iterator[tuple[Rule, list[int]]]:
    """Rules that differ in ports only, each with the conjunction it is part of -> rules that do not overlap."""
    if len(rules) == 1:
        rule, conjunction = rules[0]
        yield rule, [conjunction]
    elif rules[0][0].protocol in WITH_PORTS:
        yield from _merge_ports(rules)
    else:
        merged: dict[tuple[int | None, int | None], list[int]] = {}
        for rule, conjunction in rules:
            merged.setdefault((rule.port_min, rule.port_max), []).append(conjunction)
        for (low, high), conjunctions in merged.items():
            yield replace(rules[0][0], port_min=low, port_max=high), conjunctions


def _merge_ports(rules: list[tuple[Rule, int]]) -> list[tuple[Rule, list[int]]]:
    """Walk upwards over where ranges begin and end; between two such ports the set of rules is the same."""
    edges = []
    for rule, conjunction in rules:
        edges.append((rule.port_min if rule.port_min is not None else 1, 0, conjunction))
        edges.append((rule.port_max if rule.port_max is not None else 65535, 1, conjunction))
    edges.sort(key=lambda edge: edge[:2])
    merged: list[tuple[Rule, list[int]]] = []
    active: dict[int, int] = {}
    low = 0
    for port, is_end, conjunction in edges:
        if not is_end:
            if conjunction in active:
                active[conjunction] += 1
                continue
            if active and low != port:
                merged.append((replace(rules[0][0], port_min=low, port_max=port - 1), list(active)))
            low = port
            active[conjunction] = 1
        elif active[conjunction] > 1:
            active[conjunction] -= 1
        else:
            if low <= port:
                merged.append((replace(rules[0][0], port_min=low, port_max=port), list(active)))
                low = port + 1
            del active[conjunction]
    if len(merged) == 1 and (merged[0][0].port_min, merged[0][0].port_max) == (1, 65535):
        return [(replace(merged[0][0], port_min=None, port_max=None), merged[0][1])]
    return merged
