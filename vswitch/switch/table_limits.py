"""How many flows a table takes (the database's Flow_Table rows), and which goes when another one comes.

As OVS's eviction (ofproto.c, choose_rule_to_evict()): only flows that time out can go. They are grouped by the bits of
their matches that ``groups`` names; of the largest group goes the flow of the lowest importance, and among equals the
one that would expire first. Learned flows are not counted against the limit before the next flow-mod.
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vswitch.openflow.flow import FlowStats
    from vswitch.ovsdb.rows import Row

NS_PER_S = 1_000_000_000
UNLIMITED = 0xFFFFFFFF


class TableLimit(NamedTuple):
    """A Flow_Table row, as far as it limits."""

    max_flows: int
    evicts: bool
    groups: tuple[str, ...]


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


def victim(limit: TableLimit, flows: list[FlowStats]) -> FlowStats | None:
    """The flow of a full table that goes; None if none may."""
    if not limit.evicts:
        return None
    groups: dict[object, list[FlowStats]] = {}
    for flow in flows:
        if flow.idle_timeout or flow.hard_timeout:
            groups.setdefault(_group(limit, flow), []).append(flow)
    if not groups:
        return None
    largest = max(groups.values(), key=len)
    return min(largest, key=lambda flow: (flow.importance, _expires_in_ns(flow)))


def _expires_in_ns(flow: FlowStats) -> int:
    left = []
    if flow.hard_timeout:
        left.append(flow.hard_timeout * NS_PER_S - flow.hard_ns)
    if flow.idle_timeout:
        left.append(flow.idle_timeout * NS_PER_S - flow.idle_ns)
    return min(left)


def _group(limit: TableLimit, flow: FlowStats) -> object:
    """The values of the bits that make the groups."""
    from vswitch.errors import FlowSyntaxError
    from vswitch.openflow.actions.subfield import parse_subfield

    values = []
    for text in limit.groups:
        try:
            pieces = parse_subfield(text).pieces()
        except FlowSyntaxError:
            continue  # as OVS, which only logs it
        for word, shift, n_bits in pieces:
            values.append(flow.match.words.get(word, (0, 0))[0] >> shift & (1 << n_bits) - 1)
    return tuple(values)
