"""A bridge that runs: its ports, its forwarding database, its flows."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from vswitch.errors import ConfigError, OpenFlowError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovsdb.rows import Row
from vswitch.switch.bridge_flows import BridgeFlows
from vswitch.switch.port import PORT_CONFIG_BITS, Port
from vswitch.switch.protocols import FdbEntry, MdbEntry
from vswitch.switch.table_limits import TableLimit
from vswitch.switch.table_settings import TableSettings
from vswitch.switch.texts import duration_text

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from vswitch.datapath.flows import _FlowRow
    from vswitch.openflow.actions.actions import Actions
    from vswitch.openflow.flow import FlowMod, FlowStats
    from vswitch.openflow.text import Names, Numbers
    from vswitch.switch.bond import Bond
    from vswitch.switch.node import SwitchNode

OFPP_LOCAL = 65534
NORMAL_ACTION = struct.pack("=HHIQ", 1, 16, 0xFFFA, 0)  # compiled: ofpact.pxd, OFPACT_OUTPUT
OPENFLOW_11 = 2
KEEP_COOKIE = 0xFFFFFFFFFFFFFFFF
OPENFLOW_14 = 5  # as on the wire; the first that says how important a flow is
RESET_COUNTS = 1 << 4  # flow_table.pxd: FLOW_RESET_COUNTS


class Bridge(BridgeFlows):
    """A bridge of a node. Made by `Node.add_bridge` or an ``ovs-vsctl add-br``, never by hand.

    Attributes
    ----------
    name : str
        Name of the bridge, such as ``"br-int"``.
    number : int
        What the datapath and the columns of a replay call it.
    """

    def __init__(self, node: SwitchNode, row: Row, number: int) -> None:
        self.node = node
        self._datapath = node.datapath
        self.row = row
        self.name = row.name
        self.number = number
        self.hwaddr = 0
        self.ports_by_name: dict[str, Port] = {}
        self.bundles: dict[str, int] = {}  # name of a Port row → number in the datapath
        self._bundle_ports: dict[int, list[Port]] | None = None  # what bundle_ports() found out
        self.bonds: dict[str, Bond] = {}  # by name of their Port row
        self.mirrors: dict[object, int] = {}  # UUID of a Mirror row → index in the datapath
        self.mirror_outputs: dict[object, int | None] = {}  # the same → bundle that copies go to, None for a VLAN
        self.applied: dict[str, tuple[int, ...]] = {}  # name of a Port row → what of it the datapath was told
        self.last_ofport = 0  # automatic numbers go on from here
        self.used_ofports: dict[int, int] = {}  # number → clock (ns) when its port went away
        self.fail_mode = ""
        self.limits: dict[int, TableLimit] = {}  # by the number of their table
        self.prefixes: dict[int, list[tuple[int, int, int, int]]] = {}  # likewise, see table_prefixes()
        self.tables = TableSettings(self._datapath, number, row)
        self._actions: dict[int, Actions] = {}  # number of a flow → as they were given; a learned flow has none here
        self._kept: dict[int, Actions] = {}  # before a bundle

    # Configuration by Python calls: each one is a transaction, just as a command would make it.

    def add_port(
        self,
        name: str,
        *,
        tag: int | None = None,
        trunks: Iterable[int] = (),
        vlan_mode: str | None = None,
        cvlans: Iterable[int] = (),
        type: str = "",
        peer: str | None = None,
        ofport: int | None = None,
        mtu: int | None = None,
        protected: bool = False,
        other_config: Mapping[str, str] | None = None,
    ) -> Port:
        """Add a port with one interface.

        Parameters
        ----------
        name : str
            Name of the port and its interface, unique in the node.
        tag : int or None
            VLAN (0 to 4095) of an access or native port.
        trunks, cvlans : iterable of int
            VLANs that a trunk, or the customer's side of a dot1q-tunnel, carries; empty for all.
        vlan_mode : str or None
            ``"access"``, ``"trunk"``, ``"native-tagged"``, ``"native-untagged"`` or ``"dot1q-tunnel"``; by default
            access with a `tag`, else trunk.
        type : str
            Interface type: ``""``, ``"internal"`` or ``"patch"``.
        peer : str or None
            Name of the other end of a patch port; makes it one.
        ofport : int or None
            Requested OpenFlow number, 1 to 65279.
        mtu : int or None
            ``mtu_request`` in bytes; larger frames are dropped.
        protected : bool
            Protected ports do not talk to each other.
        other_config : mapping or None
            Port:other_config, such as ``{"priority-tags": "always"}``.

        Raises
        ------
        ConfigError
            The name is taken, or a value is out of range.
        """
        if self.node.db.named("Port", name) is not None:
            raise ConfigError(f"there is a port named {name} already", key="name")
        with self.node.db.transaction() as transaction:
            interface = transaction.insert(
                "Interface",
                name=name,
                type="patch" if peer is not None else type,
                options={} if peer is None else {"peer": peer},
                ofport_request=ofport,
                mtu_request=mtu,
            )
            port = transaction.insert(
                "Port",
                name=name,
                interfaces=interface.uuid,
                tag=tag,
                trunks=tuple(trunks),
                vlan_mode=vlan_mode,
                cvlans=tuple(cvlans),
                protected=protected,
                other_config=dict(other_config or {}),
            )
            transaction.add(self.row, "ports", port)
        self.node.reconfigure()
        return self.ports_by_name[name]

    def del_port(self, name: str) -> None:
        """Remove a port with its interfaces, as ``ovs-vsctl del-port`` does."""
        row = next((row for row in self.row.rows("ports") if row.name == name), None)
        if row is None:
            raise ConfigError(f"no port named {name} in bridge {self.name}", key="name")
        with self.node.db.transaction() as transaction:
            transaction.remove(self.row, "ports", row)
        self.node.reconfigure()

    # Ports.

    @property
    def datapath_type(self) -> str:
        """Bridge:datapath_type."""
        return self.row.text("datapath_type") or "system"

    def ports(self) -> list[Port]:
        """All ports, the bridge's own included, by OpenFlow number."""
        return sorted(self.ports_by_name.values(), key=lambda port: port.ofport)

    def port_named(self, name: str) -> Port | None:
        """The port of that name."""
        return self.ports_by_name.get(name)

    def port_mod(self, port: str, flag: str, value: bool) -> None:
        """Set or clear a flag of `Port.config`, as ``ovs-ofctl mod-port`` does."""
        if flag not in PORT_CONFIG_BITS:
            raise ConfigError(f"no port flag {flag}", key=flag, hint=f"one of {', '.join(PORT_CONFIG_BITS)}")
        found = self.ports_by_name.get(port)
        if found is None:
            raise ConfigError(f"no port named {port} in bridge {self.name}", key=port)
        if value:
            found.config.add(flag)
        else:
            found.config.discard(flag)
        found.apply()

    def bundle_ports(self) -> dict[int, list[Port]]:
        """The ports of each bundle, by the datapath's number for it; do not change it."""
        if self._bundle_ports is None:
            self._bundle_ports = {
                self.bundles[row.name]: [
                    self.ports_by_name[interface.name]
                    for interface in row.rows("interfaces")
                    if interface.name in self.ports_by_name
                ]
                for row in self.row.rows("ports")
                if row.name in self.bundles
            }
        return self._bundle_ports

    def note_ports(self) -> None:
        """Ports or bundles may have changed."""
        self._bundle_ports = None

    # Forwarding database.

    def fdb(self) -> list[FdbEntry]:
        """Learned and static addresses, least recently used first, as ``fdb/show`` prints them."""
        ports = self.bundle_ports()
        return [
            FdbEntry(ports[bundle][0].ofport, vlan, mac, age)
            for bundle, vlan, mac, age in self._datapath.fdb(self.number)
        ]

    def fdb_entry(self, vlan: int, mac: int) -> FdbEntry | None:
        """The entry of a 48-bit address, or None."""
        found = self._datapath.fdb_entry(self.number, vlan, mac)
        return FdbEntry(self.bundle_ports()[found[0]][0].ofport, vlan, mac, found[1]) if found is not None else None

    def fdb_flush(self) -> None:
        """Forget all learned addresses; static entries stay."""
        self._datapath.fdb_flush(self.number)

    def fdb_add(self, port: str, vlan: int, mac: int) -> None:
        """Add a static entry for a 48-bit address."""
        found = self.ports_by_name.get(port)
        if found is None:
            raise ConfigError(f"no port named {port} in bridge {self.name}", key=port)
        for number, members in self.bundle_ports().items():
            if found in members:
                self._datapath.fdb_add(self.number, number, vlan, mac)
                return
        raise ConfigError(f"port {port} of bridge {self.name} is not configured", key=port)

    def fdb_del(self, vlan: int, mac: int) -> bool:
        """Delete a static entry; False if there is none."""
        return self._datapath.fdb_del(self.number, vlan, mac)

    def fdb_statistics(self) -> Mapping[str, int]:
        """What ``fdb/stats-show`` prints: current, static, maximum, learned, expired, evicted, moved."""
        counts = self._datapath.fdb_statistics(self.number)
        return {
            "current": counts["entries"],
            "static": counts["static"],
            "maximum": counts["max_entries"],
            "learned": counts["learned"],
            "expired": counts["expired"],
            "evicted": counts["evicted"],
            "moved": counts["moved"],
        }

    def fdb_clear_statistics(self) -> None:
        """Set the counters of `fdb_statistics` to 0."""
        self._datapath.fdb_clear_statistics(self.number)

    def mdb(self) -> Sequence[MdbEntry]:
        """Multicast groups and routers that snooping found, as ``mdb/show`` lists them."""
        ports = self.bundle_ports()
        return [
            MdbEntry(ports[bundle][0].ofport, vlan, _group_text(group), age_s)
            for group, vlan, bundle, age_s in self._datapath.mdb(self.number)
        ]

    def mdb_flush(self) -> None:
        """Forget them."""
        self._datapath.mdb_flush(self.number)

    # Flows.

    def flow_mod(self, mod: FlowMod, version: int = 6) -> None:
        """Carry out a flow-mod that came in a version of OpenFlow (as on the wire; 6 is 1.5).

        Raises
        ------
        OpenFlowError
            With OpenFlow's code; the tables are as they were.
        """
        actions, code = None, b""
        match = self.placed(mod.match.sent(version, mod.protocols))
        if mod.actions is not None:
            actions = mod.actions.stored(version, mod.match, table=mod.table, is_checked=True)
            actions = self.fitted(actions)
            code = self.compiled(actions)
            self.check_references(actions)
        flags = mod.flags
        if version < 4 and mod.command == 0:
            flags |= RESET_COUNTS  # before OpenFlow 1.3, replacing a flow starts its counters anew
        new_cookie = mod.new_cookie
        if mod.command in (1, 2) and (version > OPENFLOW_11 or (version == OPENFLOW_11 and mod.cookie_mask)):
            new_cookie = KEEP_COOKIE  # a modify says none, and so adds no flow
        status, added, removed = self._datapath.flow_mod(
            self.number, mod.command, table=mod.table, priority=mod.priority, match=match.encode(),
            cookie=mod.cookie, cookie_mask=mod.cookie_mask, new_cookie=new_cookie,
            # NXM's flow-mods always set the cookie of what they modify, to 0 if none is given.
            modify_cookie=mod.modify_cookie or version == 1,
            idle_timeout=mod.idle_timeout, hard_timeout=mod.hard_timeout,
            importance=mod.importance if version >= OPENFLOW_14 else 0, flags=flags,
            actions=code, out_port=mod.out_port, out_group=mod.out_group,
        )  # fmt: skip
        for number in removed:
            self._actions.pop(number, None)
        if actions is not None:
            for number in added:
                self._actions[number] = actions
        if status:
            hint = ""
            if status == "OFPFMFC_TABLE_FULL":
                table = 0 if mod.table == 255 else mod.table  # OFPTT_ALL
                hint = f"Flow_Table limits table {table} to {self.limits[table].max_flows} flows"
            raise OpenFlowError(status, hint=hint)

    def flow_stats(self, query: FlowMod | None = None) -> list[FlowStats]:
        """The flows that a query selects (all by default) with their counters, in the order of their coming."""
        if query is None:
            rows = self._datapath.flows(self.number)
        else:
            rows = self._datapath.flows(
                self.number, table=query.table, match=self.placed(query.match).encode(), cookie=query.cookie,
                cookie_mask=query.cookie_mask, out_port=query.out_port, out_group=query.out_group,
            )  # fmt: skip
        return self._stats_of(rows)

    def _stats_of(self, rows: Sequence[_FlowRow]) -> list[FlowStats]:
        from vswitch.openflow.actions.decode import decode_actions
        from vswitch.openflow.flow import FlowStats
        from vswitch.openflow.match import Match

        return [
            FlowStats(
                row[0], row[1], row[2], self.named(Match.decode(row[3])),
                self._actions.get(row[0]) or decode_actions(row[9], self.tlv_map), *row[4:9], *row[10:],
            )
            for row in rows
        ]  # fmt: skip

    def flow_text_of(self, row: _FlowRow) -> str:
        """A flow of the datapath as ``ovs-ofctl -O OpenFlow15 --no-stats dump-flows`` prints it."""
        if _is_default(row):
            return "priority=0 actions=NORMAL"
        from vswitch.openflow.flow import flow_text

        return flow_text(self._stats_of([row])[0], version=6, stats=False)

    def packet_out(self, in_port: int, frame: Buffer, actions: Actions, metadata: Mapping[int, int]) -> None:
        """Send a frame as a controller does: it runs `actions`, which were checked. `Node.take_outputs` has what left.

        Parameters
        ----------
        in_port : int
            OpenFlow number of the port where it is said to have come in.
        metadata : mapping
            Index → word of the flow key, for what is not in the frame.
        """
        with self.compiling_loosely():
            code = actions.encode()
        self._datapath.packet_out(
            self.number, in_port, memoryview(frame).cast("B"), code, metadata=dict(metadata)
        )

    def numbers(self) -> Numbers:
        """What names of ports mean in flows."""
        from vswitch.openflow.text import Numbers

        tables = {name: number for number, name in self.tables.names().items()}
        return Numbers({port.name: port.ofport for port in self.ports_by_name.values()}, tables)

    def names(self) -> Names:
        """How flows name ports."""
        from vswitch.openflow.text import Names

        return Names({port.ofport: port.name for port in self.ports_by_name.values()}, self.tables.names())

    def flows_text(self) -> str:
        """The flows as ``ovs-ofctl dump-flows`` prints them, a line each."""
        rows = self._datapath.flows(self.number)
        if len(rows) == 1 and _is_default(rows[0]):
            # The default flow, without loading the language of flows for it.
            _, _, _, _, _, _, _, _, _, _, n_packets, n_bytes, age_ns, _, _ = rows[0]
            duration = duration_text(age_ns / 1e9)
            counters = f"n_packets={n_packets}, n_bytes={n_bytes}"
            return f" cookie=0x0, duration={duration}, table=0, {counters}, priority=0 actions=NORMAL\n"
        from vswitch.openflow.flow import flow_text

        return "".join(f" {flow_text(flow, flags=False)}\n" for flow in self.flow_stats())

    def begin_bundle(self) -> None:
        """From here on, changes of the flows can be taken back."""
        self._datapath.begin_bundle(self.number)
        self._kept = dict(self._actions)

    def commit_bundle(self) -> None:
        """Keep what was changed since `begin_bundle`."""
        self._datapath.commit_bundle(self.number)
        self._kept = {}

    def rollback_bundle(self) -> None:
        """Make the flows as they were at `begin_bundle`, counters and ages too."""
        self._datapath.rollback_bundle(self.number)
        self._actions, self._kept = self._kept, {}

    def set_fail_mode(self, fail_mode: str) -> None:
        """Change of Bridge:fail_mode: flushes the flows; a standalone bridge then gets the default NORMAL flow."""
        if fail_mode == self.fail_mode:
            return
        self.fail_mode = fail_mode
        self._datapath.flow_mod(self.number, 3, table=255)
        self._actions.clear()
        if fail_mode == "standalone":
            self._datapath.flow_mod(self.number, 0, table=0, priority=0, actions=NORMAL_ACTION)

    @property
    def datapath_id(self) -> int:
        """The 64-bit number that OpenFlow identifies the bridge by."""
        text = self.row.map("other_config").get("datapath-id", "")
        try:
            return int(text, 16) if text else self.hwaddr
        except ValueError:
            return self.hwaddr

    def __repr__(self) -> str:
        return f"<Bridge {self.name}: {len(self.ports_by_name)} ports>"


def _group_text(group: int | None) -> str:
    """A multicast group's address; empty for a router."""
    if group is None:
        return ""
    from ipaddress import IPv6Address  # multicast snooping alone needs it

    address = IPv6Address(group)
    return str(address.ipv4_mapped or address)


def _is_default(row: _FlowRow) -> bool:
    """True for the flow that a bridge starts with: to print it, the language of flows need not be loaded."""
    return row[1:5] == (0, 0, b"", 0) and row[9] == NORMAL_ACTION
