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


_PREFIX_FIELDS = {  # those that OVS can make tries of, and the Ethertype that they need
    "tun_id": 0, "tun_src": 0, "tun_dst": 0, "tun_ipv6_src": 0, "tun_ipv6_dst": 0,
    "nw_src": 0x0800, "nw_dst": 0x0800, "ipv6_src": 0x86DD, "ipv6_dst": 0x86DD,
}  # fmt: skip
_MAX_PREFIX_FIELDS = 3


def table_prefixes(bridge: Row) -> dict[int, list[tuple[int, int, int, int]]]:
    """The fields with tries of prefixes, by table, where a Bridge row says which: word, shift, bits, Ethertype.

    What is no such field is passed over, as OVS does (bridge_configure_tables()).
    """
    found: dict[int, list[tuple[int, int, int, int]]] = {}
    for number, row in flow_tables(bridge).items():
        names = [str(name) for name in row.datum("prefixes")]
        if "none" in names:
            found[number] = []
        elif names:
            fields = list(dict.fromkeys(filter(None, map(_prefix_field, names))))
            if fields:
                found[number] = fields[:_MAX_PREFIX_FIELDS]
    return found


def _prefix_field(name: str) -> tuple[int, int, int, int] | None:
    from vswitch.openflow.fields import BY_NAME

    field = BY_NAME.get(name)
    if field is None:
        return None
    dl_type = next((_PREFIX_FIELDS[known] for known in (field.name, field.alias) if known in _PREFIX_FIELDS), None)
    if dl_type is None:
        return None
    word, shift, _ = min(field.pieces)
    return word, shift, field.n_bits, dl_type


def flow_tables(bridge: Row) -> dict[int, Row]:
    """The Flow_Table rows of a Bridge row, by the number of the table."""
    tables = bridge.datum("flow_tables")
    if not isinstance(tables, dict) or not tables:
        return {}
    rows = {row.uuid: row for row in bridge.rows("flow_tables")}
    return {int(str(number)): rows[uuid] for number, uuid in tables.items() if uuid in rows}  # type: ignore[index]
