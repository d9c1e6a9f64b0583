"""The commands of bridges: add-br, del-br, list-br, br-exists, br-to-vlan, br-to-parent, br-*-external-id."""

from __future__ import annotations

from vswitch.ovs.outcome import Refusal, atoi
from vswitch.ovs.vsctl.command import Command, Context
from vswitch.ovs.vsctl.ports import delete_port
from vswitch.ovs.vsctl.view import BridgeView
from vswitch.ovsdb.rows import Row


def _add_br(context: Context) -> None:
    name = context.argv[1]
    if not name:
        raise Refusal("bridge name must not be empty string")
    if len(context.argv) == 3:
        raise Refusal(f"'{context.argv[0]}' command takes exactly 1 or 3 arguments", word=context.argv[2])
    parent_name = context.argv[2] if len(context.argv) == 4 else ""
    vlan = atoi(context.argv[3]) if parent_name else 0
    if not 0 <= vlan <= 4095:
        raise Refusal(f"{context.argv[0]}: vlan must be between 0 and 4095", word=context.argv[3])

    view = context.view
    if context.has("--may-exist") and name in view.bridges:
        _check_existing(view.bridges[name], parent_name, vlan)
        return
    view.check_conflicts(name, f"cannot create a bridge named {name}")
    transaction = context.transaction
    if not parent_name:
        interface = transaction.insert("Interface", name=name, type="internal")
        port = transaction.insert("Port", name=name, interfaces=interface.uuid)
        bridge = transaction.insert("Bridge", name=name, ports=port.uuid)
        transaction.add(context.db.root, "bridges", bridge)
    else:
        parent = _parent_for(context, parent_name, vlan)
        interface = transaction.insert("Interface", name=name, type="internal")
        port = transaction.insert("Port", name=name, interfaces=interface.uuid, fake_bridge=True, tag=vlan)
        transaction.add(parent, "ports", port)
    context.new_interfaces.append(interface)
    context.forget_view()


def _check_existing(bridge: BridgeView, parent_name: str, vlan: int) -> None:
    """Refuse ``--may-exist add-br`` if the bridge is there but another one."""
    name = bridge.name
    if not parent_name:
        if bridge.parent is not None:
            raise Refusal(f'"--may-exist add-br {name}" but {name} is a VLAN bridge for VLAN {bridge.vlan}')
        return
    problem = f'"--may-exist add-br {name} {parent_name} {vlan}" but {name}'
    if bridge.parent is None:
        raise Refusal(f"{problem} is not a VLAN bridge")
    if bridge.parent.name != parent_name:
        raise Refusal(f"{problem} has the wrong parent {bridge.parent.name}")
    if bridge.vlan != vlan:
        raise Refusal(f"{problem} is a VLAN bridge for the wrong VLAN {bridge.vlan}")


def _parent_for(context: Context, parent_name: str, vlan: int) -> Row:
    """The row of the bridge in which a fake bridge can be made."""
    parent = context.view.bridges.get(parent_name)
    if parent is None:
        raise Refusal(f"parent bridge {parent_name} does not exist", word=parent_name, known=context.view.bridges)
    if parent.row is None:
        raise Refusal("cannot create bridge with fake bridge as parent", word=parent_name)
    if vlan in parent.children:
        child = parent.children[vlan].name
        raise Refusal(f"bridge {parent_name} already has a child VLAN bridge {child} on VLAN {vlan}")
    return parent.row


def _del_br(context: Context) -> None:
    name = context.argv[1]
    if context.has("--if-exists") and name not in context.view.bridges:
        return
    _delete_bridge(context, context.view.find_bridge(name))
    context.forget_view()


def _delete_bridge(context: Context, bridge: BridgeView) -> None:
    for child in bridge.children.values():
        _delete_bridge(context, child)
    for port in bridge.ports:
        delete_port(context, port)
    if bridge.row is not None:
        for collector in list(context.db.rows("Flow_Sample_Collector_Set")):
            if collector["bridge"] == bridge.row.uuid:
                context.transaction.delete(collector)
        context.transaction.remove(context.db.root, "bridges", bridge.row)
        context.transaction.delete(bridge.row)


def _list_br(context: Context) -> None:
    both = not context.has("--real") and not context.has("--fake")
    for name, bridge in sorted(context.view.bridges.items()):
        if both or context.has("--fake" if bridge.parent else "--real"):
            context.output += f"{name}\n"


def _br_exists(context: Context) -> None:
    if context.argv[1] not in context.view.bridges:
        raise Refusal("", status=2, word=context.argv[1], known=context.view.bridges)


def _br_to_vlan(context: Context) -> None:
    context.output = f"{context.view.find_bridge(context.argv[1]).vlan}\n"


def _br_to_parent(context: Context) -> None:
    context.output = f"{context.view.find_bridge(context.argv[1]).real.name}\n"


def _external_ids(context: Context) -> tuple[Row, str]:
    """The row that keeps a bridge's external ids, and what begins their keys there."""
    bridge = context.view.find_bridge(context.argv[1])
    if bridge.row is not None:
        return bridge.row, ""
    return context.view.ports[bridge.name].row, "fake-bridge-"


def _br_set_external_id(context: Context) -> None:
    row, prefix = _external_ids(context)
    ids = row.map("external_ids")
    key = prefix + context.argv[2]
    ids.pop(key, None)
    if len(context.argv) > 3:
        ids[key] = context.argv[3]
    context.transaction.update(row, external_ids=ids)


def _br_get_external_id(context: Context) -> None:
    row, prefix = _external_ids(context)
    ids = row.map("external_ids")
    if len(context.argv) > 2:
        key = prefix + context.argv[2]
        context.output = f"{ids[key]}\n" if key in ids else ""
        return
    for key, value in sorted(ids.items()):
        if key.startswith(prefix):
            context.output += f"{key.removeprefix(prefix)}={value}\n"


COMMANDS = (
    Command("add-br", 1, 3, _add_br, ("--may-exist",)),
    Command("del-br", 1, 1, _del_br, ("--if-exists",)),
    Command("list-br", 0, 0, _list_br, ("--real", "--fake")),
    Command("br-exists", 1, 1, _br_exists),
    Command("br-to-vlan", 1, 1, _br_to_vlan),
    Command("br-to-parent", 1, 1, _br_to_parent),
    Command("br-set-external-id", 2, 3, _br_set_external_id),
    Command("br-get-external-id", 1, 2, _br_get_external_id),
)
