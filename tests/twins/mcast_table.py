"""The obvious multicast table: ordered dictionaries, after OVS's lib/mcast-snooping.c and xlate_normal().

It takes messages, not frames: (kind, records, source), where a record is (group, joins).
"""

from __future__ import annotations

from collections import OrderedDict

ROUTER_TIME_S = 180

Outputs = list[int] | str


class McastTable:
    def __init__(self, ageing_time_s: int = 300, max_groups: int = 2048, flood_unregistered: bool = True) -> None:
        self.groups: OrderedDict[tuple[int, int], OrderedDict[int, int]] = OrderedDict()  # (VLAN, group)
        self.routers: OrderedDict[tuple[int, int], int] = OrderedDict()  # (VLAN, bundle)
        self.flood_ports: list[int] = []
        self.report_ports: list[int] = []
        self.idle_time = min(max(ageing_time_s, 15), 3600)
        self.size = min(max(max_groups, 10), 1_000_000)
        self.flood_unregistered = flood_unregistered
        self.now_s = 0

    @property
    def ageing_time_s(self) -> int:
        return self.idle_time

    @ageing_time_s.setter
    def ageing_time_s(self, value: int) -> None:
        value = min(max(value, 15), 3600)
        for members in self.groups.values():
            for bundle in members:
                members[bundle] += value - self.idle_time
        self.idle_time = value

    @property
    def max_groups(self) -> int:
        return self.size

    @max_groups.setter
    def max_groups(self, value: int) -> None:
        self.size = min(max(value, 10), 1_000_000)

    def __len__(self) -> int:
        return len(self.groups)

    def join(self, group: int, vlan: int, bundle: int) -> None:
        if (vlan, bundle) in self.routers or bundle in self.flood_ports:
            return
        if (vlan, group) not in self.groups:
            if len(self.groups) >= self.size:
                self.groups.popitem(last=False)
            self.groups[vlan, group] = OrderedDict()
        members = self.groups[vlan, group]
        members[bundle] = self.now_s + self.idle_time
        members.move_to_end(bundle)
        self.groups.move_to_end((vlan, group))

    def leave(self, group: int, vlan: int, bundle: int) -> None:
        if bundle not in self.report_ports and (vlan, group) in self.groups:
            self.groups[vlan, group].pop(bundle, None)

    def add_router(self, vlan: int, bundle: int) -> None:
        if bundle not in self.flood_ports:
            self.routers[vlan, bundle] = self.now_s + ROUTER_TIME_S
            self.routers.move_to_end((vlan, bundle))

    def run(self, now_s: int) -> None:
        self.now_s = max(self.now_s, now_s)
        while self.groups:
            key, members = next(iter(self.groups.items()))
            if len(self.groups) > self.size:
                del self.groups[key]
                continue
            n_expired = 0
            while members and next(iter(members.values())) <= self.now_s:
                members.popitem(last=False)
                n_expired += 1
            if not members:
                del self.groups[key]
            elif not n_expired:
                break
        while self.routers and next(iter(self.routers.values())) <= self.now_s:
            self.routers.popitem(last=False)

    def flush(self) -> None:
        self.groups.clear()
        self.routers.clear()

    def flush_bundle(self, bundle: int) -> None:
        for key, members in list(self.groups.items()):
            if members.pop(bundle, None) is not None and not members:
                del self.groups[key]
        for key in [key for key in self.routers if key[1] == bundle]:
            del self.routers[key]

    @staticmethod
    def set_port(ports: list[int], bundle: int, present: bool) -> None:
        if present and bundle not in ports:
            ports.append(bundle)
        elif not present and bundle in ports:
            ports.remove(bundle)

    def set_flood_port(self, bundle: int, is_flood_port: bool) -> None:
        self.set_port(self.flood_ports, bundle, is_flood_port)

    def set_report_port(self, bundle: int, is_report_port: bool) -> None:
        self.set_port(self.report_ports, bundle, is_report_port)

    def routers_of(self, vlan: int) -> list[int]:
        return [bundle for router_vlan, bundle in self.routers if router_vlan == vlan]

    def message(
        self, kind: str, records: list[tuple[int, bool]], has_source: bool, valid: bool, vlan: int, in_bundle: int
    ) -> Outputs:
        """An IGMP or MLD message: "report" (leaves too), "query" or "other"."""
        if valid and in_bundle not in self.flood_ports:
            if kind == "query" and has_source:
                self.add_router(vlan, in_bundle)
            if kind == "report":
                for group, joins in records:
                    (self.join if joins else self.leave)(group, vlan, in_bundle)
            self.run(self.now_s)
        if kind != "report":
            return "flood"
        return [bundle for bundle in self.routers_of(vlan) + self.report_ports if bundle != in_bundle]

    def data(self, group: int, is_local: bool, vlan: int, in_bundle: int) -> Outputs:
        """Any other IP frame to a multicast address."""
        if is_local:
            return "flood"
        members = self.groups.get((vlan, group))
        if members is None and self.flood_unregistered:
            return "flood"
        outputs = list(members or ()) + self.flood_ports + self.routers_of(vlan)
        if members is None:
            outputs = self.routers_of(vlan) + self.flood_ports
        return [bundle for bundle in outputs if bundle != in_bundle]

    def dump(self) -> list[tuple[int | None, int, int, int]]:
        entries: list[tuple[int | None, int, int, int]] = [
            (group, vlan, bundle, self.idle_time - (expires - self.now_s))
            for (vlan, group), members in self.groups.items()
            for bundle, expires in members.items()
        ]
        for (vlan, bundle), expires in self.routers.items():
            entries.append((None, vlan, bundle, ROUTER_TIME_S - (expires - self.now_s)))
        return entries
