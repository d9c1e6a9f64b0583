"""``ovs-vsctl show``: an overview of the database as a tree."""

from __future__ import annotations

from vswitch.ovs.vsctl.command import Command, Context
from vswitch.ovsdb.rows import Row
from vswitch.ovsdb.values import format_datum

# For each table: the column that names its rows, and the columns shown below the name. Rows of another of these tables
# are shown as branches.
_SHOWN = {
    "Open_vSwitch": ("", ("manager_options", "bridges", "ovs_version")),
    "Bridge": ("name", ("controller", "fail_mode", "datapath_type", "ports")),
    "Port": ("name", ("tag", "trunks", "interfaces")),
    "Interface": ("name", ("type", "options", "error", "bfd_status")),
    "Controller": ("target", ("is_connected",)),
    "Manager": ("target", ("is_connected",)),
}


def _show(context: Context) -> None:
    context.output = "".join(_tree(row, 0) for row in context.db.rows("Open_vSwitch"))


def _tree(row: Row, level: int) -> str:
    name_column, columns = _SHOWN[row.schema.name]
    title = f"{row.schema.name} {_format(row, name_column)}" if name_column else str(row.uuid)
    text = " " * (level * 4) + title + "\n"
    for column in columns:
        column_type = row.schema.columns[column].type
        if column_type.key.ref_table:
            text += "".join(_tree(child, level + 1) for child in row.rows(column))
        elif row.datum(column) != column_type.default():
            text += " " * ((level + 1) * 4) + f"{column}: {_format(row, column)}\n"
    return text


def _format(row: Row, column: str) -> str:
    return format_datum(row.datum(column), row.schema.columns[column].type)


COMMANDS = (Command("show", 0, 0, _show),)
