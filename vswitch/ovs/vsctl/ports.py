"""The commands of ports, bonds and interfaces: add-port, del-port, add-bond, list-ports, iface-to-br and their kin."""

from __future__ import annotations

from vswitch.ovs.outcome import Refusal
from vswitch.ovs.vsctl.command import ANY_NUMBER, Command, Context
from vswitch.ovs.vsctl.records import set_column
from vswitch.ovs.vsctl.view import PortView
from vswitch.ovsdb.schema import TABLES


def _add_port(context: Context) -> None:
    _, bridge, name, *settings = context.argv
    _add(context, bridge, name, [name], settings)


def _add_bond(context: Context) -> None:
    _, bridge, name, *rest = context.argv
    n_interfaces = next((i for i, word in enumerate(rest) if "=" in word), len(rest))
    if n_interfaces < 2:
        raise Refusal(f"add-bond requires at least 2 interfaces, but only {n_interfaces} were specified")
    _add(context, bridge, name, rest[:n_interfaces], rest[n_interfaces:])


def _add(context: Context, bridge_name: str, name: str, interfaces: list[str], settings: list[str]) -> None:
    """Make a port with its interfaces, and apply ``COLUMN[:KEY]=VALUE`` to it."""
    if not name:
        raise Refusal("port name must not be empty string")
    if not all(interfaces):
        raise Refusal("interface name must not be empty string")
    view = context.view
    if context.has("--may-exist"):
        existing = view.port(name)
        if existing is not None:
            _check_existing(context, existing, bridge_name, interfaces)
            return
    view.check_conflicts(name, f"cannot create a port named {name}")
    for interface in interfaces:
        view.check_conflicts(interface, f"cannot create an interface named {interface}")
    bridge = view.find_bridge(bridge_name)

    transaction = context.transaction
    rows = [transaction.insert("Interface", name=interface) for interface in interfaces]
    port = transaction.insert(
        "Port", name=name, interfaces=[row.uuid for row in rows], bond_fake_iface=context.has("--fake-iface")
    )
    if bridge.parent is not None:
        transaction.update(port, tag=bridge.vlan)
    for setting in settings:
        set_column(context, TABLES["Port"], port, setting)
    transaction.add(bridge.real_row, "ports", port)
    context.new_interfaces += rows
    if context.kept_view() is view:
        view.add_port(bridge.real, port)


def _check_existing(context: Context, port: PortView, bridge_name: str, interfaces: list[str]) -> None:
    """Refuse ``--may-exist`` if the port is there but another one."""
    command = " ".join(map(_escape, [*context.options, *context.argv]))
    if port.bridge.name != bridge_name:
        raise Refusal(f'"{command}" but {port.row.name} is actually attached to bridge {port.bridge.name}')
    have = sorted(row.name for row in port.row.rows("interfaces"))
    if sorted(interfaces) != have:
        raise Refusal(f'"{command}" but {port.row.name} actually has interface(s) {", ".join(have)}')


def _escape(word: str) -> str:
    """A word as OVS quotes it when it repeats a command."""
    if any(char in word for char in " \t\r\n\v\\'\""):
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return word


def _add_bond_iface(context: Context) -> None:
    view = context.view
    port = view.find_port(context.argv[1])
    name = context.argv[2]
    if context.has("--may-exist"):
        existing = view.interface(name)
        if existing is not None:
            if existing[1] is port:
                return
            command = " ".join(map(_escape, [*context.options, *context.argv]))
            raise Refusal(f'"{command}" but {name} is actually attached to port {existing[1].row.name}')
    view.check_conflicts(name, f"cannot create an interface named {name}")
    interface = context.transaction.insert("Interface", name=name)
    context.transaction.add(port.row, "interfaces", interface)
    context.new_interfaces.append(interface)
    context.forget_view()


def _del_bond_iface(context: Context) -> None:
    view = context.view
    name = context.argv[-1]
    if context.has("--if-exists") and view.interface(name) is None:
        return
    interface, port = view.find_interface(name)
    if len(context.argv) > 2 and view.find_port(context.argv[1]) is not port:
        raise Refusal(f"port {context.argv[1]} does not have an interface {name}")
    if len(port.row.datum("interfaces")) < 2:
        raise Refusal(f"cannot delete last interface from port {port.row.name}")
    context.transaction.remove(port.row, "interfaces", interface)
    context.transaction.delete(interface)
    context.forget_view()


def _del_port(context: Context) -> None:
    view = context.view
    name = context.argv[-1]
    must_exist = not context.has("--if-exists")
    if name in view.bridges:
        if must_exist:
            raise Refusal(
                f"cannot delete port {name} because it is the local port for bridge {name} "
                "(deleting this port requires deleting the entire bridge)"
            )
        return
    port = view.port(name)
    if port is None and context.has("--with-iface"):
        interface = view.interface(name)
        port = interface[1] if interface is not None else None
        if port is None and must_exist:
            raise Refusal(f"no port or interface named {name}", word=name, known={**view.ports, **view.interfaces})
    if port is None:
        if must_exist:
            view.find_port(name)
        return
    if len(context.argv) == 3:
        bridge = view.find_bridge(context.argv[1])
        if port.bridge is not bridge:
            problem = f"bridge {bridge.name} does not have a port {name}"
            if port.bridge.parent is bridge:
                problem += f" (although its child bridge {port.bridge.name} does)"
            raise Refusal(problem, word=name)
    delete_port(context, port)
    context.forget_view()


def delete_port(context: Context, port: PortView) -> None:
    """Delete a port and its interfaces."""
    context.transaction.remove(port.bridge.real_row, "ports", port.row)
    for interface in port.row.rows("interfaces"):
        context.transaction.delete(interface)
    context.transaction.delete(port.row)


def _list_ports(context: Context) -> None:
    bridge = context.view.find_bridge(context.argv[1])
    names = sorted(port.row.name for port in bridge.ports)
    context.output = "".join(f"{name}\n" for name in names if name != bridge.name)


def _list_ifaces(context: Context) -> None:
    bridge = context.view.find_bridge(context.argv[1])
    names = sorted(interface.name for port in bridge.ports for interface in port.row.rows("interfaces"))
    context.output = "".join(f"{name}\n" for name in names if name != bridge.name)


def _port_to_br(context: Context) -> None:
    context.output = f"{context.view.find_port(context.argv[1]).bridge.name}\n"


def _iface_to_br(context: Context) -> None:
    context.output = f"{context.view.find_interface(context.argv[1])[1].bridge.name}\n"


COMMANDS = (
    Command("list-ports", 1, 1, _list_ports),
    Command("add-port", 2, ANY_NUMBER, _add_port, ("--may-exist",)),
    Command("del-port", 1, 2, _del_port, ("--if-exists", "--with-iface")),
    Command("port-to-br", 1, 1, _port_to_br),
    Command("add-bond", 4, ANY_NUMBER, _add_bond, ("--may-exist", "--fake-iface")),
    Command("add-bond-iface", 2, 2, _add_bond_iface, ("--may-exist",)),
    Command("del-bond-iface", 1, 2, _del_bond_iface, ("--if-exists",)),
    Command("list-ifaces", 1, 1, _list_ifaces),
    Command("iface-to-br", 1, 1, _iface_to_br),
)
