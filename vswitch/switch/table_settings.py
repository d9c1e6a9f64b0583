"""What OpenFlow sets of a table (ovs-ofctl mod-table), beside what the database says of it (table_limits.py)."""

from __future__ import annotations

from vswitch.errors import OpenFlowError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.switch.table_limits import UNLIMITED, TableLimit, flow_tables

if TYPE_CHECKING:
    from vswitch.datapath.datapath import Datapath
    from vswitch.ovsdb.rows import Row

N_TABLES = 254  # the last one is OVS's own
MISS_DEFAULT, MISS_CONTROLLER, MISS_CONTINUE, MISS_DROP = range(4)
MAX_NAME_BYTES = 31
_NO_LIMIT = TableLimit(UNLIMITED, False, ())


class TableState(NamedTuple):
    """A table as OpenFlow describes it; `vacancy` is the thresholds (down, up) in percent, if events are asked for."""

    number: int
    name: str
    n_flows: int
    n_matched: int  # look-ups
    n_missed: int
    miss: int  # what ends a walk that finds nothing: MISS_*
    max_flows: int
    evicts: bool  # because OpenFlow says so; the database can, too
    vacancy: tuple[int, int] | None

    @property
    def vacancy_percent(self) -> int:
        """How much of the table is free."""
        if not self.max_flows:
            return 100
        return int(max(0, self.max_flows - self.n_flows) * 100 / self.max_flows)


class TableSettings:
    """The tables of a bridge.

    Parameters
    ----------
    row : Row
        The bridge's, whose Flow_Table rows may limit and name tables.
    """

    def __init__(self, datapath: Datapath, number: int, row: Row) -> None:
        self._datapath = datapath
        self._bridge = number
        self._row = row
        self._names: dict[int, str] = {}
        self.evicting: set[int] = set()
        self._vacancies: dict[int, tuple[int, int]] = {}

    def state(self, limits: dict[int, TableLimit]) -> list[TableState]:
        """Every table that flows can be in, by number."""
        names = self.names()
        found = []
        for number in range(N_TABLES):
            n_flows, n_matched, n_missed, miss = self._datapath.table_counters(self._bridge, number)
            found.append(TableState(
                number, names.get(number, ""), n_flows, n_matched, n_missed, miss,
                limits.get(number, _NO_LIMIT).max_flows, number in self.evicting, self._vacancies.get(number),
            ))  # fmt: skip
        return found

    def names(self) -> dict[int, str]:
        """Number → name, for those that have one. A name in the database takes the place of OpenFlow's."""
        rows = flow_tables(self._row)
        configured = {number: row.text("name") for number, row in rows.items() if row.text("name")}
        self._names = {number: name for number, name in self._names.items() if number not in configured}
        return self._names | configured

    def rename(self, number: int, name: str) -> None:
        """Give a table a name, or (with an empty one) take it away.

        Raises
        ------
        OpenFlowError
            The database names the table otherwise (oftable_may_set_name()).
        """
        name = name.encode()[:MAX_NAME_BYTES].decode(errors="ignore")
        row = flow_tables(self._row).get(number)
        if row is not None and row.text("name"):
            if row.text("name") != name:
                raise OpenFlowError("OFPTFFC_EPERM", hint=f"the database names table {number}")
        elif name:
            self._names[number] = name
        else:
            self._names.pop(number, None)

    def set_miss(self, number: int, miss: int) -> None:
        """What ends a walk that finds nothing in a table: MISS_*."""
        self._datapath.set_table_miss(self._bridge, number, miss)

    def set_evicting(self, number: int, evicts: bool) -> None:
        """Whether a flow may go when a full table gets another one."""
        if evicts:
            self.evicting.add(number)
        else:
            self.evicting.discard(number)
        self._datapath.set_table_evicting(self._bridge, number, evicts)

    def set_vacancy(self, number: int, thresholds: tuple[int, int] | None) -> None:
        """When a controller wants to be told how full a table is. Kept and shown; there is no controller."""
        if thresholds is None:
            self._vacancies.pop(number, None)
        else:
            self._vacancies[number] = thresholds
