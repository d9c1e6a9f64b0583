"""What the command language needs of a node: the smallest face that the switch layer must show.

The configuration goes through the database alone (`NodeLike.db`): `ovs-vsctl` writes there and calls `reconfigure`.
`ovs-appctl` and `ovs-ofctl` ask the running bridges, which is what the rest of this file describes. Anything with these
members will do; the tests use a fake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vswitch.light_typing import TYPE_CHECKING, NamedTuple, Protocol
from vswitch.ovsdb.database import Database

if TYPE_CHECKING:
    from vswitch.openflow.actions.actions import Actions
    from vswitch.openflow.flow import FlowMod, FlowStats
    from vswitch.openflow.match import Match
    from vswitch.openflow.text import Names, Numbers
    from vswitch.openflow.tlv_map import TlvMap
    from vswitch.switch.group_table import GroupTable
    from vswitch.switch.meter_table import MeterTable
    from vswitch.switch.table_settings import TableSettings, TableState
    from vswitch.switch.underlay import Underlay

OFPP_LOCAL = 65534  # OpenFlow 1.0's number of a bridge's own port

# What ovs-ofctl mod-port can set on a port, in the order in which OpenFlow 1.0 prints it.
PORT_CONFIG = ("down", "no-stp", "no-receive", "no-receive-stp", "no-flood", "no-forward", "no-packet-in")


class FdbEntry(NamedTuple):
    """One learned or static address."""

    ofport: int  # of a bond: that of its first member
    vlan: int
    mac: int
    age_s: int | None  # None: a static entry


class MdbEntry(NamedTuple):
    """One multicast group (or router's port, when `group` is empty) that snooping found."""

    ofport: int
    vlan: int
    group: str
    age_s: int


class BondMember(NamedTuple):
    """An interface of a bond, as ``bond/show`` tells of it."""

    name: str
    hwaddr: int
    is_enabled: bool
    has_link: bool
    delay_ms: int | None  # until `is_enabled` turns; None: it stays
    load: Mapping[int, int]  # bucket → bytes sent lately


class PortLike(Protocol):
    """A port of a bridge, as OpenFlow sees it."""

    @property
    def name(self) -> str: ...

    @property
    def ofport(self) -> int: ...

    @property
    def hwaddr(self) -> int:
        """The MAC address as a number."""

    @property
    def config(self) -> frozenset[str] | set[str]:
        """Those of `PORT_CONFIG` that are set."""

    @property
    def state(self) -> frozenset[str] | set[str]:
        """Those of ``link-down`` and ``blocked`` that hold."""

    @property
    def counters(self) -> Mapping[str, int]:
        """rx_packets, tx_packets, rx_bytes, tx_bytes, rx_dropped, tx_dropped, ...; what is absent is unknown."""


class BridgeLike(Protocol):
    """A bridge that runs."""

    @property
    def name(self) -> str: ...

    @property
    def datapath_id(self) -> int:
        """The 64-bit number whose hexadecimal form OpenFlow calls dpid."""

    def ports(self) -> Sequence[PortLike]: ...

    def port_named(self, name: str) -> PortLike | None: ...

    def port_mod(self, port: str, flag: str, value: bool) -> None:
        """Set or clear one of the names of `PortLike.config`."""

    def fdb_entry(self, vlan: int, mac: int) -> FdbEntry | None:
        """The entry of an address, or None."""

    def fdb(self) -> Sequence[FdbEntry]:
        """The forwarding database, in the order in which `fdb/show` prints it."""

    def fdb_flush(self) -> None: ...

    def fdb_add(self, port: str, vlan: int, mac: int) -> None: ...

    def fdb_del(self, vlan: int, mac: int) -> bool:
        """Remove a static entry; False if there was none."""

    def fdb_statistics(self) -> Mapping[str, int]:
        """current, static, maximum, learned, expired, evicted, moved."""

    def fdb_clear_statistics(self) -> None: ...

    def mdb(self) -> Sequence[MdbEntry]: ...

    def mdb_flush(self) -> None: ...

    def flow_mod(self, mod: FlowMod, version: int = 6) -> None:
        """Carry out a flow-mod that came in a version of OpenFlow; raises OpenFlowError."""

    def flow_stats(self, query: FlowMod | None = None) -> Sequence[FlowStats]:
        """The flows that a query selects, in the order in which they were added."""

    def check_references(self, actions: Actions) -> None:
        """Raise OpenFlowError unless the groups and meters that actions speak of exist."""

    def packet_out(self, in_port: int, frame: bytes, actions: Actions, metadata: Mapping[int, int]) -> None:
        """Run actions on a frame, as if it had come in at a port."""

    def numbers(self) -> Numbers:
        """What names of ports mean in flows."""

    def names(self) -> Names:
        """How flows name ports."""

    tlv_map: TlvMap | None

    def placed_loosely(self, match: Match) -> Match:
        """A match with the words of the flow key that its options have; those that have none are left out."""

    def change_tlv_map(self, tlv_map: TlvMap) -> None:
        """Let the options of tunnels be others; raises OpenFlowError."""

    @property
    def groups(self) -> GroupTable: ...

    @property
    def meters(self) -> MeterTable: ...

    @property
    def frag_handling(self) -> int:
        """What look-ups make of IP fragments, as OpenFlow numbers it; can be set."""

    @frag_handling.setter
    def frag_handling(self, mode: int) -> None: ...

    @property
    def tables(self) -> TableSettings: ...

    def table_states(self) -> Sequence[TableState]:
        """The tables, by number."""

    def begin_bundle(self) -> None: ...

    def commit_bundle(self) -> None: ...

    def rollback_bundle(self) -> None: ...


class BondSettingsLike(Protocol):
    """What is configured of a bond."""

    @property
    def hash_basis(self) -> int: ...

    @property
    def lacp_fallback_ab(self) -> bool: ...

    @property
    def lb_output(self) -> bool: ...

    @property
    def primary(self) -> str | None: ...

    @property
    def updelay_ms(self) -> int: ...

    @property
    def downdelay_ms(self) -> int: ...

    @property
    def all_members_active(self) -> bool: ...


class BondLike(Protocol):
    """A bond that runs."""

    @property
    def name(self) -> str: ...

    @property
    def mode(self) -> str:
        """``active-backup``, ``balance-slb`` or ``balance-tcp``."""

    @property
    def recirc_id(self) -> int: ...

    @property
    def settings(self) -> BondSettingsLike: ...

    @property
    def active(self) -> str | None:
        """Name of the active member."""

    @property
    def next_rebalance_ms(self) -> int | None:
        """How long until load is moved between the members; None if it never is."""

    def members(self) -> Sequence[BondMember]: ...

    def set_active(self, member: str) -> bool:
        """Make a member the active one; False if it is already."""

    def enable(self, member: str, enable: bool) -> None: ...

    def migrate(self, bucket: int, member: str) -> None: ...


class NodeLike(Protocol):
    """A node: the database and what runs."""

    @property
    def db(self) -> Database: ...

    def reconfigure(self) -> None:
        """Make the datapath equal to the database; write `ofport`, `error` and other state back into its rows."""

    def note_statistics(self) -> None:
        """Write the counters of ports into the rows of Interface."""

    def bridges(self) -> Sequence[BridgeLike]: ...

    def bridge(self, name: str) -> BridgeLike | None: ...

    def bonds(self) -> Sequence[BondLike]: ...

    @property
    def underlay(self) -> Underlay:
        """The network below the tunnels."""

    def settle(self) -> None:
        """Called after each command: let what runs by itself react to it."""

    @property
    def time_s(self) -> float: ...

    def warp(self, ms: int) -> None:
        """Move the clock forward."""
