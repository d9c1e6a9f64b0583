"""A node: a database of what is configured, a datapath of what runs, and a clock that frames move.

Here is what Python calls need. The command language is a layer above: `vswitch.Node` adds ``run()`` to this class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vswitch.datapath.datapath import Datapath
from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovsdb.database import Database
from vswitch.switch.bridge import Bridge
from vswitch.switch.datapath_ports import DatapathPorts
from vswitch.switch.drop_places import DropPlace, DropPlaces
from vswitch.switch.port import Port
from vswitch.switch.reconfigure import check_supported, reconfigure
from vswitch.switch.tunnel_port_map import TunnelPortMap
from vswitch.switch.tunnels import Tunnels
from vswitch.switch.underlay import Underlay

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from vswitch.switch.bond import Bond
    from vswitch.switch.messages import FlowRemoved, PacketIn

NS_PER_S = 1_000_000_000
FIRST_HWADDR = 0xAA55AA550000  # devices without an address of their own count from here, as OVS's dummies do


class SwitchNode:
    """Bridges, ports and their state, with a clock that starts at 0.

    Thread-safety: one thread owns a node; nodes do not share anything.
    """

    def __init__(self) -> None:
        self.db = Database()
        self.db.veto = check_supported
        self.datapath = Datapath()
        self.bridges_by_name: dict[str, Bridge] = {}
        self.ports_by_number: dict[int, Port] = {}
        self.dp_ports = DatapathPorts()
        self.port_map = TunnelPortMap(self.datapath)
        self.tunnels = Tunnels(self.dp_ports, self.port_map)
        self.underlay = Underlay(self)
        self._last_hwaddr = FIRST_HWADDR
        self._last_recirc_id = 0
        self._applied_version = self.db.version
        self.drop_places = DropPlaces(self)

    # Configuration.

    def add_bridge(
        self, name: str, *, fail_mode: str | None = None, other_config: Mapping[str, str] | None = None,
        flood_vlans: Iterable[int] = (),
    ) -> Bridge:
        """Add a bridge with its own port of the same name, as ``ovs-vsctl add-br`` does.

        Parameters
        ----------
        name : str
            Name of the bridge, unique in the node.
        fail_mode : str or None
            ``"standalone"`` (the default: one flow, NORMAL) or ``"secure"`` (no flow).
        other_config : mapping or None
            Bridge:other_config, such as ``{"mac-aging-time": "60"}``.
        flood_vlans : iterable of int
            VLANs (0 to 4095) in which nothing is learned.

        Raises
        ------
        ConfigError
            The name is taken, or a value is out of range.
        """
        if self.db.named("Bridge", name) is not None or self.db.named("Port", name) is not None:
            raise ConfigError(f"there is a bridge or port named {name} already", key="name")
        with self.db.transaction() as transaction:
            interface = transaction.insert("Interface", name=name, type="internal")
            port = transaction.insert("Port", name=name, interfaces=interface.uuid)
            bridge = transaction.insert(
                "Bridge", name=name, ports=port.uuid, fail_mode=fail_mode, other_config=dict(other_config or {}),
                flood_vlans=tuple(flood_vlans),
            )
            transaction.add(self.db.root, "bridges", bridge)
        self.reconfigure()
        return self.bridges_by_name[name]

    def del_bridge(self, name: str) -> None:
        """Remove a bridge with its ports."""
        row = self.db.named("Bridge", name)
        if row is None:
            raise ConfigError(f"no bridge named {name}", key="name", hint=_nearest(name, self.bridges_by_name))
        with self.db.transaction() as transaction:
            transaction.remove(self.db.root, "bridges", row)
        self.reconfigure()

    def reconfigure(self) -> None:
        """Make what runs equal to the database. Called after each transaction; costs nothing if nothing changed."""
        if self._applied_version != self.db.version:
            reconfigure(self)
            self._applied_version = self.db.version

    def note_statistics(self) -> None:
        """Write what ports have counted into the database, where Open vSwitch has it every five seconds."""
        for bridge in self.bridges():
            for port in bridge.ports():
                self.db.set_state(port.row, statistics=port.counters)

    def next_hwaddr(self) -> int:
        """A locally administered address for a device that has none; the same ones in the same order every time."""
        self._last_hwaddr += 1
        return self._last_hwaddr

    def next_recirc_id(self) -> int:
        """What OVS would recirculate a balancing bond's frames with; shown, and of no other use here."""
        self._last_recirc_id += 1
        return self._last_recirc_id

    # What runs.

    def bridges(self) -> list[Bridge]:
        """All bridges, in the order in which they were made."""
        return list(self.bridges_by_name.values())

    def bridge(self, name: str) -> Bridge | None:
        """The bridge of that name."""
        return self.bridges_by_name.get(name)

    def bonds(self) -> list[Bond]:
        """The bonds of all bridges, in the order in which they were made, as they are after all changes so far."""
        self.settle()
        return [bond for bridge in self.bridges_by_name.values() for bond in bridge.bonds.values()]

    def ports(self) -> list[Port]:
        """All ports of all bridges."""
        return list(self.ports_by_number.values())

    def port(self, name: str) -> Port:
        """A port by ``"port"`` or ``"bridge/port"``.

        Raises
        ------
        ConfigError
            There is none, with the nearest name as hint.
        """
        bridge_name, slash, port_name = name.rpartition("/")
        for port in self.ports_by_number.values():
            if port.name == port_name and (not slash or port.bridge.name == bridge_name):
                return port
        raise ConfigError(
            f"no port named {name}", key=name, hint=_nearest(port_name, [port.name for port in self.ports()])
        )

    def settle(self) -> None:
        """Let bonds react to what was configured and commanded; the next frame or command would make them, too."""
        self.datapath.settle()
        for bridge in self.bridges_by_name.values():
            for bond in bridge.bonds.values():
                bond.publish()

    # Time and frames.

    @property
    def time_s(self) -> float:
        """Seconds since the set-up."""
        return self.datapath.now_ns / NS_PER_S

    def warp(self, ms: int) -> None:
        """Move the clock on by some milliseconds, as ``ovs-appctl time/warp`` does."""
        self.datapath.advance(self.datapath.now_ns + ms * 1_000_000)

    def send(self, port: str, frame: Buffer, time: float | None = None) -> list[tuple[str, bytes]]:
        """Let one frame arrive at a port now.

        Parameters
        ----------
        port : str
            ``"port"`` or ``"bridge/port"``.
        frame : buffer
            The frame from its destination address on, without FCS.
        time : float or None
            Seconds since the set-up; the clock never goes back. None leaves it where it is.

        Returns
        -------
        list of (str, bytes)
            Port name and frame for every copy that left, in the order in which they left.

        Raises
        ------
        ConfigError
            No such port, or `time` lies in the past.
        """
        in_port = self.port(port)
        if not in_port.has_cable:
            raise ConfigError(in_port.why_no_cable, key=port)
        clock_ns = self.datapath.now_ns if time is None else round(time * NS_PER_S)
        if clock_ns < self.datapath.now_ns:
            raise ConfigError(
                f"time {time} lies before the node's clock, {self.time_s:.9f}", key="time",
                hint="time only moves forward",
            )
        outputs = self.datapath.receive(in_port.number, memoryview(frame).cast("B"), clock_ns, clock_ns)
        self.drop_places.note()
        return [(self.ports_by_number[number].name, data) for number, data in outputs]

    @property
    def last_drop(self) -> DropPlace | None:
        """Why and where the frame that `send` took last was dropped; None if it was not.

        >>> from vswitch import Node
        >>> node = Node()
        >>> br0 = node.add_bridge("br0", fail_mode="secure")
        >>> p1 = br0.add_port("p1")
        >>> br0.add_flow("priority=7,ip,actions=drop")
        >>> node.send("p1", bytes(12) + bytes.fromhex("0800") + bytes(46)), node.last_drop.flow
        ([], 'priority=7,ip actions=drop')
        >>> node.send("p1", bytes(12) + bytes.fromhex("0806") + bytes(46)), node.last_drop.reason, node.last_drop.table
        ([], 'TABLE_MISS', 0)
        """
        return self.drop_places.last()

    def take_packet_ins(self) -> list[PacketIn]:
        """Take the frames that flows sent to the controller since the last call, in order; at most 65,536 are kept.

        >>> from vswitch import Node
        >>> node = Node()
        >>> br0 = node.add_bridge("br0")
        >>> p1 = br0.add_port("p1")
        >>> br0.add_flow("cookie=7,arp,actions=load:5->reg1,controller(max_len=20)")
        >>> node.send("p1", bytes(12) + bytes.fromhex("0806") + bytes(46))
        []
        >>> [packet_in] = node.take_packet_ins()
        >>> packet_in.reason, packet_in.cookie, packet_in.total_len, packet_in.max_len, packet_in.metadata.format()
        ('action', 7, 60, 20, 'reg1=0x5,in_port=1')
        """
        from vswitch.switch.messages import take_packet_ins

        return take_packet_ins(self.datapath, {bridge.number: bridge for bridge in self.bridges()})

    def take_flow_removed(self) -> list[FlowRemoved]:
        """Take the messages about flows that went and had ``send_flow_rem``, since the last call, bridge by bridge.

        >>> from vswitch import Node
        >>> node = Node()
        >>> br0 = node.add_bridge("br0")
        >>> br0.add_flow("send_flow_rem,idle_timeout=5,arp,actions=drop")
        >>> node.warp(6000)
        >>> node.take_flow_removed()[0].text
        'arp reason=idle table_id=0 duration6s idle5 pkts0 bytes0\\n'
        """
        from vswitch.switch.messages import take_flow_removed

        return [message for bridge in self.bridges() for message in take_flow_removed(self.datapath, bridge)]

    def take_outputs(self) -> list[tuple[str, bytes]]:
        """Take the frames that no frame caused: what bonds announce after a failover.

        They come with a command (`run`), with a change made by a call, or when the clock passes a delay (`send`,
        `warp`). In a replay they go to the ports' captures instead.

        Returns
        -------
        list of (str, bytes)
            Port name and frame for all that left since the last call, in the order in which they left.
        """
        self.settle()
        return [
            (self.ports_by_number[number].name, data)
            for number, data in self.datapath.take_own()
            if number in self.ports_by_number
        ]

    def __repr__(self) -> str:
        return f"<Node: bridges {', '.join(self.bridges_by_name) or 'none'}>"


def _nearest(name: str, names: Iterable[str]) -> str:
    """A hint that names the nearest of `names`, or some of them."""
    from difflib import get_close_matches  # only a mistake needs it

    known = sorted(names)
    close = get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"there are {', '.join(known[:8])}" + (", ..." if len(known) > 8 else "") if known else ""
