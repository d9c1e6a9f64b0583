"""The commands of what manages a node: controllers, fail mode, managers, SSL, auto-attach, init and emer-reset."""

from __future__ import annotations

from vswitch.ovs.outcome import Refusal, Unsupported, atoi
from vswitch.ovs.vsctl.command import ANY_NUMBER, Command, Context
from vswitch.ovsdb.rows import Row

_CONNECTIONS = ("tcp:", "unix:", "ssl:", "ptcp:", "punix:", "pssl:")


def _init(context: Context) -> None:
    """Our database is never without its first row."""


def _get_controller(context: Context) -> None:
    bridge = context.view.find_bridge(context.argv[1]).real_row
    targets = sorted(row.text("target") for row in bridge.rows("controller"))
    context.output = "".join(f"{target}\n" for target in targets)


def _del_controller(context: Context) -> None:
    bridge = context.view.find_real_bridge(context.argv[1])
    _replace_targets(context, bridge, "controller", "Controller", [])


def _set_controller(context: Context) -> None:
    bridge = context.view.find_real_bridge(context.argv[1])
    _replace_targets(context, bridge, "controller", "Controller", context.argv[2:])


def _get_manager(context: Context) -> None:
    targets = sorted({row.text("target") for row in context.db.root.rows("manager_options")})
    context.output = "".join(f"{target}\n" for target in targets)


def _del_manager(context: Context) -> None:
    _replace_targets(context, context.db.root, "manager_options", "Manager", [])


def _set_manager(context: Context) -> None:
    _replace_targets(context, context.db.root, "manager_options", "Manager", context.argv[1:])


def _replace_targets(context: Context, owner: Row, column: str, table: str, targets: list[str]) -> None:
    """Put one row of `table` for each target in the place of those that a column refers to."""
    probe = context.options.get("--inactivity-probe")
    for old in owner.rows(column):
        context.transaction.delete(old)
    rows = []
    for target in targets:
        if not target.startswith(_CONNECTIONS):
            context.warn(f'target type "{target}" is possibly erroneous')
        row = context.transaction.insert(table, target=target)
        if probe is not None:
            context.transaction.update(row, inactivity_probe=atoi(probe))
        rows.append(row)
    context.transaction.update(owner, **{column: tuple(row.uuid for row in rows)})


def _get_fail_mode(context: Context) -> None:
    mode = context.view.find_bridge(context.argv[1]).real_row.text("fail_mode")
    context.output = f"{mode}\n" if mode else ""


def _del_fail_mode(context: Context) -> None:
    context.transaction.update(context.view.find_real_bridge(context.argv[1]), fail_mode=None)


def _set_fail_mode(context: Context) -> None:
    bridge = context.view.find_real_bridge(context.argv[1])
    mode = context.argv[2]
    if mode not in ("standalone", "secure"):
        raise Refusal('fail-mode must be "standalone" or "secure"', word=mode, known=("standalone", "secure"))
    context.transaction.update(bridge, fail_mode=mode)


def _get_ssl(context: Context) -> None:
    ssl = context.db.root.row("ssl")
    if ssl is not None:
        context.output = (
            f"Private key: {ssl['private_key']}\nCertificate: {ssl['certificate']}\n"
            f"CA Certificate: {ssl['ca_cert']}\nBootstrap: {'true' if ssl['bootstrap_ca_cert'] else 'false'}\n"
        )


def _del_ssl(context: Context) -> None:
    ssl = context.db.root.row("ssl")
    if ssl is not None:
        context.transaction.delete(ssl)
        context.transaction.update(context.db.root, ssl=None)


def _set_ssl(context: Context) -> None:
    _del_ssl(context)
    _, private_key, certificate, ca_cert = context.argv
    ssl = context.transaction.insert(
        "SSL", private_key=private_key, certificate=certificate, ca_cert=ca_cert,
        bootstrap_ca_cert=context.has("--bootstrap"),
    )
    context.transaction.update(context.db.root, ssl=ssl.uuid)


def _auto_attach(context: Context) -> tuple[Row, int, int]:
    """The bridge, I-SID and VLAN of the arguments."""
    for word in context.argv[2:]:
        if not word.lstrip().lstrip("+-")[:1].isdecimal():
            raise Refusal(f"Invalid argument {word}", word=word)
    return context.view.find_bridge(context.argv[1]).real_row, atoi(context.argv[2]), atoi(context.argv[3])


def _add_aa_mapping(context: Context) -> None:
    bridge, isid, vlan = _auto_attach(context)
    row = bridge.row("auto_attach")
    if row is None:
        row = context.transaction.insert("AutoAttach")
        context.transaction.update(bridge, auto_attach=row.uuid)
    mappings = row.datum("mappings")
    assert isinstance(mappings, dict)
    # OVS adds a second pair of an I-SID that is there, and a map that is sorted keeps the lesser.
    lesser = min(vlan, int(mappings.get(isid, vlan)))
    context.transaction.update(row, mappings={**mappings, isid: lesser})


def _del_aa_mapping(context: Context) -> None:
    bridge, isid, vlan = _auto_attach(context)
    row = bridge.row("auto_attach")
    if row is None:
        return
    mappings = row.datum("mappings")
    assert isinstance(mappings, dict)
    if mappings.get(isid) == vlan:
        # OVS keeps only the pairs that differ in both I-SID and VLAN.
        kept = {key: value for key, value in mappings.items() if key != isid and value != vlan}
        context.transaction.update(row, mappings=kept)


def _get_aa_mapping(context: Context) -> None:
    row = context.view.find_bridge(context.argv[1]).real_row.row("auto_attach")
    if row is not None:
        mappings = row.datum("mappings")
        assert isinstance(mappings, dict)
        context.output = "".join(f"{isid} {vlan}\n" for isid, vlan in mappings.items())


def _emer_reset(context: Context) -> None:
    transaction = context.transaction
    transaction.update(context.db.root, manager_options=(), ssl=None)
    for bridge in context.db.rows("Bridge"):
        hwaddr = bridge.map("other_config").get("hwaddr")
        transaction.update(
            bridge, controller=(), fail_mode=None, mirrors=(), netflow=None, sflow=None, ipfix=None, flood_vlans=(),
            other_config={"hwaddr": hwaddr} if hwaddr is not None else {},
        )
    for port in context.db.rows("Port"):
        transaction.update(port, other_config={})
    for interface in context.db.rows("Interface"):
        transaction.update(interface, ingress_policing_rate=0, ingress_policing_burst=0)
    for table in (
        "Mirror", "Controller", "Manager", "NetFlow", "SSL", "sFlow", "IPFIX", "Flow_Sample_Collector_Set",
    ):
        for row in list(context.db.rows(table)):
            transaction.delete(row)
    context.forget_view()


def _not_kept(context: Context) -> None:
    raise Unsupported(f"ovs-vsctl {context.argv[0]} is not supported yet")


COMMANDS = (
    Command("init", 0, 0, _init),
    Command("get-controller", 1, 1, _get_controller),
    Command("del-controller", 1, 1, _del_controller),
    Command("set-controller", 1, ANY_NUMBER, _set_controller, ("--inactivity-probe=",)),
    Command("get-fail-mode", 1, 1, _get_fail_mode),
    Command("del-fail-mode", 1, 1, _del_fail_mode),
    Command("set-fail-mode", 2, 2, _set_fail_mode),
    Command("get-manager", 0, 0, _get_manager),
    Command("del-manager", 0, 0, _del_manager),
    Command("set-manager", 1, ANY_NUMBER, _set_manager, ("--inactivity-probe=",)),
    Command("get-ssl", 0, 0, _get_ssl),
    Command("del-ssl", 0, 0, _del_ssl),
    Command("set-ssl", 3, 3, _set_ssl, ("--bootstrap",)),
    Command("add-aa-mapping", 3, 3, _add_aa_mapping),
    Command("del-aa-mapping", 3, 3, _del_aa_mapping),
    Command("get-aa-mapping", 1, 1, _get_aa_mapping),
    Command("emer-reset", 0, 0, _emer_reset),
    Command("add-zone-tp", 3, ANY_NUMBER, _not_kept, ("--may-exist",)),
    Command("del-zone-tp", 2, 2, _not_kept, ("--if-exists",)),
    Command("list-zone-tp", 1, 1, _not_kept),
    Command("list-dp-cap", 1, 1, _not_kept),
)
