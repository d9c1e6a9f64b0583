"""Conjunction ids: what joins "the other side is in that group" with "the rest of the rule holds".

A group's rule for another group has ids of its own, eight for each direction and ethertype: two (an established
connection, a new one) for each of four priorities. Source: openvswitch_firewall/firewall.py (ConjIdMap,
ConjIPFlowManager).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.neutron.agent.firewall.rules import BASE_PRIORITY, EGRESS, table_of
from vswitch.neutron.agent.flows import FlowBatch
from vswitch.neutron.agent.server import Member
from vswitch.neutron.cloud import SecurityGroup

BLOCK = 8
STATES = ("+est-rel-rpl", "+new-est")
"""Of a connection that is let through: established, or new. The id of the second is one more."""

Key = tuple[str, str, str, bool]
"""Group, remote group, direction, is IPv6."""


@dataclass(eq=False)
class Conjunctions:
    """Ids of a host, and the addresses of remote groups as flows of each local VLAN."""

    last_id: int = BLOCK
    ids: dict[Key, int] = field(default_factory=dict)
    in_use: dict[int, dict[tuple[str, bool], dict[str, dict[int, None]]]] = field(default_factory=dict)
    """VLAN -> direction and is IPv6 -> remote group -> ids."""
    installed: dict[int, dict[tuple[str, bool], dict[Member, list[int]]]] = field(default_factory=dict)
    """VLAN -> direction and is IPv6 -> what flows there are: member -> ids."""
    free: list[int] = field(default_factory=list)
    _sources: dict[tuple[int, tuple[str, bool]], list[tuple[list[int], list[Member]]]] = field(default_factory=dict)
    """VLAN and key -> what `installed` was made of: for each remote group its ids and members."""

    def add(self, vlan: int, group: SecurityGroup, remote: SecurityGroup, key: tuple[str, bool], offset: int) -> int:
        """The id of a rule: of its groups, direction, ethertype and priority (`offset` 0..3)."""
        whole = (group.id, remote.id, *key)
        base = self.ids.get(whole)
        if base is None:
            if self.free:
                base = self.free.pop(0)
            else:
                self.last_id += BLOCK
                base = self.last_id
            self.ids[whole] = base
        number = base + 2 * offset
        self.in_use.setdefault(vlan, {}).setdefault(key, {}).setdefault(remote.id, {})[number] = None
        return number

    def forget_group(self, group_id: str) -> set[int]:
        """A group is no longer used here: free its ids. Returns the VLANs whose flows have to be made anew."""
        gone: dict[str, set[int]] = {}
        for whole in [key for key in self.ids if group_id in key[:2]]:
            base = self.ids.pop(whole)
            self.free.append(base)
            gone.setdefault(whole[1], set()).update(range(base, base + BLOCK))
        touched = set()
        for vlan, by_key in self.in_use.items():
            for by_remote in by_key.values():
                for remote, numbers in gone.items():
                    kept = {n: None for n in by_remote.get(remote, {}) if n not in numbers}
                    if remote in by_remote and len(kept) != len(by_remote[remote]):
                        touched.add(vlan)
                        if kept:
                            by_remote[remote] = kept
                        else:
                            del by_remote[remote]
        return touched

    def install(self, flows: FlowBatch, vlan: int, members: dict[str, dict[str, list[Member]]]) -> None:
        """Make the flows of a VLAN those of `members`: by remote group, by ethertype."""
        for key, by_remote in self.in_use.get(vlan, {}).items():
            ethertype = "IPv6" if key[1] else "IPv4"
            source = [(list(ids), members.get(remote, {}).get(ethertype, [])) for remote, ids in by_remote.items()]
            if self._sources.get((vlan, key)) == source:
                continue  # as with each further port of the same groups; members are many
            self._sources[vlan, key] = source
            wanted: dict[Member, list[int]] = {}
            for ids, of_remote in source:
                for member in of_remote:
                    wanted.setdefault(member, []).extend(ids)
            before = self.installed.setdefault(vlan, {}).get(key, {})
            removed = {member for member in before if member not in wanted}
            for member in sorted(removed):
                for head in _deletions(vlan, key, member):
                    flows.delete(head)
            gone = {_normal(address) for address, _ in removed}
            by_address: dict[str, set[int]] = {}
            for (address, _), numbers in wanted.items():
                by_address.setdefault(_normal(address), set()).update(numbers)
            now: dict[Member, list[int]] = {}
            for member in wanted:
                address = _normal(member[0])
                now[member] = sorted(by_address[address])
                if before.get(member) != now[member] or address in gone:
                    for priority, match, actions in _member_flows(vlan, key, member, now[member]):
                        flows.add(table_of(key[0]), priority, match, actions)
            self.installed[vlan][key] = now


def _normal(address: str) -> str:
    """A host's address without its prefix length."""
    host, _, length = address.partition("/")
    return host if length == ("128" if ":" in host else "32") else address


def _match(vlan: int, key: tuple[str, bool], member: Member) -> str:
    address, mac = member
    side = "dst" if key[0] == EGRESS else "src"
    words = ["ipv6" if key[1] else "ip", f"reg6={vlan}"]
    if address.endswith("/0"):
        words.append(f"dl_src={mac}")
    else:
        words.append(f"{'ipv6' if key[1] else 'nw'}_{side}={address}")
    return ",".join(words)


def _member_flows(vlan: int, key: tuple[str, bool], member: Member, ids: list[int]) -> list[tuple[int, str, str]]:
    match = _match(vlan, key, member)
    found = []
    for offset in range(4):
        numbers = [number for number in ids if number % BLOCK // 2 == offset]
        if numbers:
            for place, state in enumerate(STATES):
                actions = ",".join(f"conjunction({number + place},1/2)" for number in numbers)
                found.append((BASE_PRIORITY + offset, f"{match},ct_state={state}", actions))
    return found


def _deletions(vlan: int, key: tuple[str, bool], member: Member) -> list[str]:
    match = _match(vlan, key, member)
    return [f"table={table_of(key[0])},{match},ct_state={state}" for state in STATES]
