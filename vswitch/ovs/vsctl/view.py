"""The bridges, ports and interfaces by name, as ovs-vsctl's own commands see them.

A *fake bridge* is a port with `fake_bridge` set and a tag: to these commands it is a bridge whose ports are those of
its parent that have the same tag. Nothing else knows of it.
"""

from __future__ import annotations

from vswitch.ovs.outcome import Refusal
from vswitch.ovsdb.rows import Row

# The columns that the view is drawn from.
VIEW_COLUMNS = frozenset((
    ("Open_vSwitch", "bridges"), ("Bridge", "name"), ("Bridge", "ports"), ("Port", "name"), ("Port", "interfaces"),
    ("Port", "tag"), ("Port", "fake_bridge"), ("Interface", "name"),
))


class BridgeView:
    """A bridge, real or fake; `ports` leaves out those that belong to its fake bridges."""

    def __init__(self, name: str, row: Row | None, parent: BridgeView | None = None, vlan: int = 0) -> None:
        self.name = name
        self.row = row  # None for a fake bridge
        self.parent = parent
        self.vlan = vlan
        self.ports: list[PortView] = []
        self.children: dict[int, BridgeView] = {}

    @property
    def real(self) -> BridgeView:
        """The bridge itself, or the parent of a fake one."""
        return self.parent or self

    @property
    def real_row(self) -> Row:
        """The row in the table Bridge that holds its ports."""
        row = self.real.row
        assert row is not None
        return row


class PortView:
    """A port and the bridge it is shown under."""

    def __init__(self, row: Row, bridge: BridgeView) -> None:
        self.row = row
        self.bridge = bridge


class View:
    """A picture of the database; it must be drawn anew when the database has changed.

    Drawing it takes time in proportion to the number of ports, so it is kept from line to line, and a new port added.
    """

    def __init__(self, root: Row) -> None:
        self.bridges: dict[str, BridgeView] = {}
        self.ports: dict[str, PortView] = {}
        self.interfaces: dict[str, tuple[Row, PortView]] = {}
        rows = root.rows("bridges")
        for row in rows:
            bridge = self.bridges.setdefault(row.name, BridgeView(row.name, row))
            for port in row.rows("ports"):
                tag = _fake_tag(port)
                if tag is not None and port.name not in self.bridges:
                    child = BridgeView(port.name, None, bridge, tag)
                    bridge.children.setdefault(tag, child)
                    self.bridges[port.name] = child
        for row in rows:
            bridge = self.bridges[row.name]
            for port in row.rows("ports"):
                self.add_port(bridge, port)

    def add_port(self, bridge: BridgeView, row: Row) -> None:
        """Show a port of the real bridge `bridge`."""
        tag = row["tag"]
        if isinstance(tag, int):
            bridge = bridge.children.get(tag, bridge)
        port = PortView(row, bridge)
        bridge.ports.append(port)
        self.ports[row.name] = port
        for interface in row.rows("interfaces"):
            self.interfaces.setdefault(interface.name, (interface, port))

    def shows(self, row: Row, column: str) -> bool:
        """True if the view may depend on a cell; a port or interface that is just being made does not count yet."""
        if row.schema.name == "Port":
            port = self.ports.get(row.name)
            if port is None or port.row is not row:
                return False
            # A tag says under which bridge a port is shown, where there are fake ones.
            has_fakes = any(bridge.children for bridge in self.bridges.values())
            return column != "tag" or has_fakes or _fake_tag(row) is not None
        if row.schema.name == "Interface":
            interface = self.interfaces.get(row.name)
            return interface is not None and interface[0] is row
        return True

    def find_bridge(self, name: str) -> BridgeView:
        if name not in self.bridges:
            raise Refusal(f"no bridge named {name}", word=name, known=self.bridges)
        return self.bridges[name]

    def find_real_bridge(self, name: str) -> Row:
        bridge = self.find_bridge(name)
        if bridge.row is None:
            raise Refusal(f"{name} is a fake bridge", word=name)
        return bridge.row

    def port(self, name: str) -> PortView | None:
        """The port, unless it is the bridge's own."""
        port = self.ports.get(name)
        return port if port is not None and port.bridge.name != name else None

    def find_port(self, name: str) -> PortView:
        port = self.port(name)
        if port is None:
            raise Refusal(f"no port named {name}", word=name, known=self.ports)
        return port

    def interface(self, name: str) -> tuple[Row, PortView] | None:
        """The interface and its port, unless it is the bridge's own."""
        found = self.interfaces.get(name)
        return found if found is not None and found[1].bridge.name != name else None

    def find_interface(self, name: str) -> tuple[Row, PortView]:
        found = self.interface(name)
        if found is None:
            raise Refusal(f"no interface named {name}", word=name, known=self.interfaces)
        return found

    def check_conflicts(self, name: str, problem: str) -> None:
        """Refuse a name that is taken."""
        if name in self.bridges:
            raise Refusal(f"{problem} because a bridge named {name} already exists", word=name)
        if name in self.ports:
            bridge = self.ports[name].bridge.name
            raise Refusal(f"{problem} because a port named {name} already exists on bridge {bridge}", word=name)
        if name in self.interfaces:
            bridge = self.interfaces[name][1].bridge.name
            raise Refusal(f"{problem} because an interface named {name} already exists on bridge {bridge}", word=name)


def _fake_tag(port: Row) -> int | None:
    tag = port["tag"]
    return tag if port["fake_bridge"] and isinstance(tag, int) else None
