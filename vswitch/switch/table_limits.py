"""How many flows a table takes (the database's Flow_Table rows), and which goes when another one comes.

Which one that is, the datapath says (flow_eviction.pyx); here is what the database says.
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vswitch.ovsdb.rows import Row

UNLIMITED = 0xFFFFFFFF


class TableLimit(NamedTuple):
    """A Flow_Table row, as far as it limits."""

    max_flows: int
    evicts: bool
    groups: tuple[str, ...]

    def pieces(self) -> tuple[int, ...]:
        """The bits of matches by which flows are grouped, as the datapath wants them."""
        from vswitch.errors import FlowSyntaxError
        from vswitch.openflow.actions.subfield import parse_subfield, piece_word

        found: list[int] = []
        for text in self.groups:
            try:
                found += map(piece_word, parse_subfield(text).pieces())
            except FlowSyntaxError:
                continue  # as OVS, which only logs it
        return tuple(found)


def table_limits(bridge: Row) -> dict[int, TableLimit]:
    """The limited tables of a Bridge row, by number."""
    limits = {}
    for number, row in flow_tables(bridge).items():
        limit = row["flow_limit"]
        if isinstance(limit, int) and limit < UNLIMITED:
            groups = tuple(str(group) for group in row.datum("groups"))
            limits[number] = TableLimit(limit, row["overflow_policy"] == "evict", groups)
    return limits


def flow_tables(bridge: Row) -> dict[int, Row]:
    """The Flow_Table rows of a Bridge row, by the number of the table."""
    tables = bridge.datum("flow_tables")
    if not isinstance(tables, dict) or not tables:
        return {}
    rows = {row.uuid: row for row in bridge.rows("flow_tables")}
    return {int(str(number)): rows[uuid] for number, uuid in tables.items() if uuid in rows}  # type: ignore[index]
