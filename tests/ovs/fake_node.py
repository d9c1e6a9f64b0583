"""A node that switches nothing: its bridges hold what the commands put there and what a test sets."""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.openflow.actions import parse_actions
from vswitch.openflow.flow import ADD, DELETE, FlowMod, FlowStats
from vswitch.openflow.match import Match
from vswitch.openflow.text import Names, Numbers
from vswitch.ovsdb.database import Database
from vswitch.switch.protocols import OFPP_LOCAL, FdbEntry

FLOW_MEMBERS = (
    "number", "table", "priority", "match", "actions", "cookie", "idle_timeout", "hard_timeout", "importance", "flags",
    "n_packets", "n_bytes", "duration_ns", "idle_ns", "hard_ns",
)  # fmt: skip


def changed_flow(flow: FlowStats, **changes: int) -> FlowStats:
    """The same flow with other counters or ages."""
    return FlowStats(**{name: changes.get(name, getattr(flow, name)) for name in FLOW_MEMBERS})


@dataclass
class FakePort:
    name: str
    ofport: int
    hwaddr: int
    config: set[str] = field(default_factory=set)
    counters: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("rx_packets", "rx_bytes", "tx_packets", "tx_bytes"), 0)
    )

    @property
    def state(self) -> set[str]:
        return {"link-down"} if "down" in self.config else set()


class FakeBridge:
    def __init__(self, name: str, node: FakeNode) -> None:
        self.name = name
        self.node = node
        self.datapath_id = 1
        self.table: list[FdbEntry] = []
        self.by_name: dict[str, FakePort] = {}
        self.entries = [FlowStats(1, 0, 0, Match(), parse_actions("NORMAL"))]
        self.groups: list = []
        self.learned = 0

    def ports(self):
        return list(self.by_name.values())

    def port_named(self, name):
        return self.by_name.get(name)

    def port_mod(self, port: str, flag: str, value: bool) -> None:
        (self.by_name[port].config.add if value else self.by_name[port].config.discard)(flag)

    def fdb(self):
        return self.table

    def fdb_entry(self, vlan, mac):
        return next((entry for entry in self.fdb() if (entry.vlan, entry.mac) == (vlan, mac)), None)

    def fdb_flush(self) -> None:
        self.table = [entry for entry in self.table if entry.age_s is None]

    def fdb_add(self, port: str, vlan: int, mac: int) -> None:
        self.table = [entry for entry in self.table if (entry.vlan, entry.mac) != (vlan, mac)]
        self.table.append(FdbEntry(self.by_name[port].ofport, vlan, mac, None))

    def fdb_del(self, vlan: int, mac: int) -> bool:
        kept = [entry for entry in self.table if (entry.vlan, entry.mac, entry.age_s) != (vlan, mac, None)]
        found = len(kept) < len(self.table)
        self.table = kept
        return found

    def fdb_statistics(self):
        static = sum(entry.age_s is None for entry in self.table)
        return {"current": len(self.table), "static": static, "maximum": 8192, "learned": self.learned, "expired": 0,
                "evicted": 0, "moved": 0}

    def fdb_clear_statistics(self) -> None:
        self.learned = 0

    def mdb(self):
        return self.groups

    def mdb_flush(self) -> None:
        self.groups = []

    def flow_mod(self, mod: FlowMod, version: int = 6) -> None:
        """Only what the tests of the language of scripts need: flows are added, or all of a table go."""
        assert mod.command in (ADD, DELETE)
        if mod.command == DELETE:
            self.entries = [flow for flow in self.entries if mod.table not in (0xFF, flow.table)]
            return
        self.entries.append(
            FlowStats(
                len(self.entries) + 1, 0 if mod.table == 0xFF else mod.table, mod.priority, mod.match,
                mod.actions.sent(version), mod.new_cookie, flags=mod.flags | (16 if version < 4 else 0),
                duration_ns=int(self.node.time_s * 10**9),
            )
        )  # fmt: skip

    def flow_stats(self, query: FlowMod | None = None):
        now_ns = int(self.node.time_s * 10**9)
        return [
            changed_flow(
                flow, duration_ns=now_ns - flow.duration_ns, idle_ns=now_ns - flow.duration_ns,
                hard_ns=now_ns - flow.duration_ns,
            )
            for flow in self.entries
            if query is None or query.table in (0xFF, flow.table)
        ]  # fmt: skip

    def numbers(self) -> Numbers:
        return Numbers({port.name: port.ofport for port in self.ports()})

    def names(self) -> Names:
        return Names({port.ofport: port.name for port in self.ports()})


class FakeNode:
    def __init__(self) -> None:
        self.db = Database()
        self.time_s = 0.0
        self.n_reconfigured = 0
        self.by_name: dict[str, FakeBridge] = {}

    def note_statistics(self) -> None:
        pass

    def reconfigure(self) -> None:
        self.n_reconfigured += 1
        old, self.by_name = self.by_name, {}
        for row in self.db.rows("Bridge"):
            bridge = self.by_name[row.name] = old.get(row.name) or FakeBridge(row.name, self)
            for port in row.rows("ports"):
                for interface in port.rows("interfaces"):
                    self._set_up(bridge, interface)

    def _set_up(self, bridge: FakeBridge, interface) -> None:
        if interface["type"] == "patch" and "peer" not in interface.map("options"):
            error = f"{interface.name}: patch type requires valid 'peer' argument"
            self.db.set_state(interface, ofport=-1, error=error)
        elif interface.name not in bridge.by_name:
            ofport = interface["ofport_request"] or len(bridge.by_name)
            if interface.name == bridge.name:
                ofport = OFPP_LOCAL
            self.db.set_state(interface, ofport=ofport)
            bridge.by_name[interface.name] = FakePort(interface.name, ofport, 0xAA55AA55000E + len(bridge.by_name))

    def bonds(self):
        return []

    def settle(self) -> None:
        pass

    def bridges(self):
        return list(self.by_name.values())

    def bridge(self, name: str):
        return self.by_name.get(name)

    def warp(self, ms: int) -> None:
        self.time_s += ms / 1000
        for bridge in self.bridges():
            bridge.table = [
                entry if entry.age_s is None else entry._replace(age_s=entry.age_s + ms // 1000)
                for entry in bridge.table
            ]


