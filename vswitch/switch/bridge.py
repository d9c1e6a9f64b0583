"""A bridge that runs: its ports, its forwarding database, its flows."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovsdb.rows import Row
from vswitch.switch.bond import Bond
from vswitch.switch.port import PORT_CONFIG_BITS, Port
from vswitch.switch.protocols import FdbEntry, FlowEntry, MdbEntry

if TYPE_CHECKING:
    from vswitch.switch.node import SwitchNode

OFPP_LOCAL = 65534
NORMAL_ACTION = struct.pack("=HHIQ", 1, 16, 0xFFFA, 0)  # compiled: ofpact.pxd, OFPACT_OUTPUT
RESET_COUNTS = 1 << 4  # flow_table.pxd: FLOW_RESET_COUNTS
DEFAULT_FLOW = FlowEntry(match="", actions="NORMAL", table=0, priority=0)


class Bridge:
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
        self.bonds: dict[str, Bond] = {}  # by name of their Port row
        self.mirrors: dict[object, int] = {}  # UUID of a Mirror row → index in the datapath
        self.mirror_outputs: dict[object, int | None] = {}  # the same → bundle that copies go to, None for a VLAN
        self.applied: dict[str, tuple[int, ...]] = {}  # name of a Port row → what of it the datapath was told
        self.last_ofport = 0  # automatic numbers go on from here
        self.used_ofports: dict[int, int] = {}  # number → clock (ns) when its port went away
        self.fail_mode = ""
        self._flows: dict[int, FlowEntry] = {}

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

    def ports(self) -> list[Port]:
        """All ports, the bridge's own included, by OpenFlow number."""
        return sorted(self.ports_by_name.values(), key=lambda port: port.ofport)

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
        """The ports of each bundle, by the datapath's number for it."""
        return {
            self.bundles[row.name]: [
                self.ports_by_name[interface.name]
                for interface in row.rows("interfaces")
                if interface.name in self.ports_by_name
            ]
            for row in self.row.rows("ports")
            if row.name in self.bundles
        }

    # Forwarding database.

    def fdb(self) -> list[FdbEntry]:
        """Learned and static addresses, least recently used first, as ``fdb/show`` prints them."""
        ports = self.bundle_ports()
        return [
            FdbEntry(ports[bundle][0].ofport, vlan, mac, age)
            for bundle, vlan, mac, age in self._datapath.fdb(self.number)
        ]

    def fdb_flush(self) -> None:
        """Forget all learned addresses; static entries stay."""
        self._datapath.fdb_flush(self.number)

    def fdb_add(self, port: str, vlan: int, mac: int) -> None:
        """Add a static entry for a 48-bit address."""
        found = self.ports_by_name.get(port)
        if found is None:
            raise ConfigError(f"no port named {port} in bridge {self.name}", key=port)
        for number, members in self.bundle_ports().items():
            if any(member is found for member in members):
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

    def flows(self) -> list[FlowEntry]:
        """The flows with their counters, in the order in which they were added."""
        return [
            self._flows[number]._replace(n_packets=n_packets, n_bytes=n_bytes, duration_s=age_ns / 1e9)
            for number, *_, n_packets, n_bytes, age_ns, _, _ in self._datapath.flows(self.number)
        ]

    def add_flow(self, flow: FlowEntry) -> None:
        """Add or replace a flow that matches everything; its actions are ``NORMAL`` or ``drop``."""
        actions = NORMAL_ACTION if flow.actions == "NORMAL" else b""
        _, added, removed = self._datapath.flow_mod(
            self.number, 0, table=flow.table, priority=flow.priority, new_cookie=flow.cookie,
            flags=RESET_COUNTS if "reset_counts" in flow.flags else 0, actions=actions,
        )
        for number in removed:
            del self._flows[number]
        for number in added:
            self._flows[number] = flow

    def del_flows(self) -> None:
        """Remove every flow, the default one too."""
        self._datapath.flow_mod(self.number, 3, table=255)
        self._flows.clear()

    def set_fail_mode(self, fail_mode: str) -> None:
        """Change of Bridge:fail_mode: flushes the flows; a standalone bridge then gets the default NORMAL flow."""
        if fail_mode == self.fail_mode:
            return
        self.fail_mode = fail_mode
        self.del_flows()
        if fail_mode == "standalone":
            self.add_flow(DEFAULT_FLOW)

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
