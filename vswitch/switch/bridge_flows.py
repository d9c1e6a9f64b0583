"""Flows, groups and meters of a bridge by Python calls, in the words of ovs-ofctl."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext

from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vswitch.datapath.datapath import Datapath
    from vswitch.openflow.actions import Actions
    from vswitch.openflow.flow import FlowMod, FlowStats
    from vswitch.openflow.match import Match
    from vswitch.openflow.text import Numbers
    from vswitch.openflow.tlv_map import TlvMap
    from vswitch.switch.group_table import GroupTable
    from vswitch.switch.meter_table import MeterTable
    from vswitch.switch.table_limits import TableLimit
    from vswitch.switch.table_settings import TableSettings, TableState


METER_DELETE = 4  # OFPRR_*: why a flow goes


def options_of(flow: FlowStats) -> set[int]:
    """The options of tunnels that a flow speaks of, in nested actions too: whatever names one prints its name."""
    named = re.findall("tun_metadata([0-9]+)", flow.actions.format(), re.IGNORECASE)
    return {*flow.match.options, *map(int, named)}


class BridgeFlows:
    """What `Bridge` knows of OpenFlow's tables; flows come in and go out as text.

    >>> from vswitch import Node
    >>> br0 = Node().add_bridge("br0", fail_mode="secure")
    >>> p1 = br0.add_port("p1")
    >>> br0.add_flow("table=0,priority=5,dl_vlan=10,actions=strip_vlan,p1")
    >>> br0.add_group("group_id=7,type=all,bucket=output:1")
    >>> br0.flows()
    ['priority=5,dl_vlan=10 actions=strip_vlan,output:1']
    >>> br0.del_flows("dl_vlan=10")
    >>> br0.flows()
    []
    """

    number: int
    _datapath: Datapath
    _groups: GroupTable | None = None
    _meters: MeterTable | None = None
    limits: dict[int, TableLimit]
    prefixes: dict[int, list[tuple[int, int, int, int]]]
    tables: TableSettings
    _actions: dict[int, Actions]

    tlv_map: TlvMap | None = None  # of Geneve options; most bridges have none

    # What `Bridge` gives.

    def flow_mod(self, mod: FlowMod, version: int = 6) -> None:
        """Carry out a flow-mod."""
        raise NotImplementedError

    def flow_stats(self, query: FlowMod | None = None) -> list[FlowStats]:
        """The flows that a query selects."""
        raise NotImplementedError

    def numbers(self) -> Numbers:
        """What names of ports mean in flows."""
        raise NotImplementedError

    def begin_bundle(self) -> None:
        """From here on, changes of the flows can be taken back."""
        raise NotImplementedError

    def commit_bundle(self) -> None:
        """Keep what was changed since `begin_bundle`."""
        raise NotImplementedError

    def rollback_bundle(self) -> None:
        """Make the flows as they were at `begin_bundle`."""
        raise NotImplementedError

    # Flows.

    def add_flow(self, flow: str) -> None:
        """Add a flow, or replace the one of the same table, match and priority (``ovs-ofctl add-flow``).

        Parameters
        ----------
        flow : str
            Such as ``"table=0,priority=5,dl_vlan=10,actions=NORMAL"``.

        Raises
        ------
        FlowSyntaxError
            It cannot be understood; `text` is the flow, `column` where.
        OpenFlowError
            The switch refuses it; `code` is OpenFlow's name of the error.
        """
        self.add_flows([flow])

    def add_flows(self, flows: Iterable[str] | str) -> None:
        """Add several flows, or the lines of a text; all of them or none. Raises as `add_flow`; `line` says which."""
        from vswitch.openflow.flow import ADD
        from vswitch.switch.collection import without_collection

        with without_collection():
            self._apply(flows.splitlines() if isinstance(flows, str) else flows, ADD)

    def mod_flows(self, flow: str, *, strict: bool = False) -> None:
        """Give the flows that a match covers other actions (``ovs-ofctl mod-flows``). Raises as `add_flow`."""
        from vswitch.openflow.flow import MODIFY, MODIFY_STRICT

        self._apply([flow], MODIFY_STRICT if strict else MODIFY)

    def del_flows(self, flow: str = "", *, strict: bool = False) -> None:
        """Delete the flows that a match covers, all by default (``ovs-ofctl del-flows``). Raises as `add_flow`."""
        from vswitch.openflow.flow import DELETE, DELETE_STRICT, parse_flow_mod

        self.flow_mod(parse_flow_mod(flow, DELETE_STRICT if strict else DELETE, self.numbers()))

    def flows(self, flow: str = "") -> list[str]:
        """The flows that a match covers, as ``ovs-ofctl --no-stats dump-flows`` prints them."""
        from vswitch.openflow.flow import QUERY, flow_text, parse_flow_mod

        query = parse_flow_mod(flow, QUERY, self.numbers()) if flow else None
        return [flow_text(found, version=6, stats=False) for found in self.flow_stats(query)]

    def _apply(self, flows: Iterable[str], command: int) -> None:
        from vswitch.openflow.flow import parse_flow_mod

        numbers = self.numbers()
        mods = []
        for line, text in enumerate(flows, 1):
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            try:
                mods.append((line, parse_flow_mod(text, command, numbers)))
            except FlowSyntaxError as error:
                raise FlowSyntaxError(
                    error.problem, text=text, line=line, column=error.column, hint=error.hint
                ) from None
            except OpenFlowError as error:
                raise OpenFlowError(error.code, error.problem, where=str(line), hint=error.hint) from None
        self.begin_bundle()
        try:
            for line, mod in mods:
                self._refuse_with_line(self.flow_mod, mod, line)
        except BaseException:
            self.rollback_bundle()
            raise
        self.commit_bundle()

    @staticmethod
    def _refuse_with_line(run: Callable[[FlowMod], None], mod: FlowMod, line: int) -> None:
        try:
            run(mod)
        except OpenFlowError as error:
            raise OpenFlowError(error.code, error.problem, where=str(line), hint=error.hint) from None

    # Options of tunnels.

    def change_tlv_map(self, tlv_map: TlvMap) -> None:
        """Let the fields ``tun_metadata0`` to ``tun_metadata63`` be other Geneve options.

        Raises
        ------
        OpenFlowError
            A flow uses an option that would go.
        """
        if self.tlv_map is not None:
            gone = self.tlv_map.options.keys() - tlv_map.options.keys()
            if gone and any(not gone.isdisjoint(options_of(flow)) for flow in self.flow_stats()):
                raise OpenFlowError("NXTTMFC_INVALID_TLV_DEL")
        self.tlv_map = tlv_map
        self._datapath.set_tlv_map(self.number, [
            (index, *option.mapping[:2], bytes(option.blocks)) for index, option in tlv_map.options.items()
        ])  # fmt: skip
        if self._groups is not None:
            self._groups.compile_again()

    def placed(self, match: Match) -> Match:
        """A match with the words of the flow key that its options have; raises OpenFlowError."""
        if not match.options:
            return match
        from vswitch.openflow.tlv_map import TlvMap

        return (self.tlv_map or TlvMap()).placed(match)

    def placed_loosely(self, match: Match) -> Match:
        """The same, without options that are not mapped."""
        known = match.copy()
        for option in match.options.keys() - (self.tlv_map.options.keys() if self.tlv_map is not None else ()):
            del known.options[option]
        return self.placed(known)

    def named(self, match: Match) -> Match:
        """The reverse, for print."""
        return match if self.tlv_map is None else self.tlv_map.named(match)

    def fitted(self, actions: Actions) -> Actions:
        """Actions with values as wide as the options that they set; raises OpenFlowError."""
        if self.tlv_map is None:
            return actions
        from vswitch.openflow.actions.options import fitted_actions

        return fitted_actions(actions, self.tlv_map)

    def compiled(self, actions: Actions) -> bytes:
        """Actions as the datapath takes them; raises OpenFlowError for options that have no place."""
        if self.tlv_map is None:
            return actions.encode()
        with self.compiling():
            return actions.encode()

    def compiling(self) -> AbstractContextManager[None]:
        """Within, compiled actions find options where the bridge has them."""
        if self.tlv_map is None:
            return nullcontext()
        from vswitch.openflow.tlv_map import using

        return using(self.tlv_map)

    def compiling_loosely(self) -> AbstractContextManager[None]:
        """The same for groups and packet-outs, where an option that is not mapped is no error and is nowhere."""
        from vswitch.openflow.tlv_map import LooseMap, using

        return using(LooseMap(self.tlv_map.options if self.tlv_map is not None else None))

    # Groups and meters.

    @property
    def groups(self) -> GroupTable:
        """The groups."""
        if self._groups is None:
            from vswitch.switch.group_table import GroupTable

            self._groups = GroupTable(self._datapath, self.number, self._n_references_to_group, self.compiling_loosely)
        return self._groups

    @property
    def meters(self) -> MeterTable:
        """The meters."""
        if self._meters is None:
            from vswitch.switch.meter_table import MeterTable

            self._meters = MeterTable(
                self._datapath, self.number, delete_flows=self._delete_metered,
                n_flows=lambda number: len(self._using("meter", number)),
            )  # fmt: skip
        return self._meters

    def add_group(self, group: str) -> None:
        """Add a group (``ovs-ofctl -O OpenFlow15 add-group``). Raises FlowSyntaxError or OpenFlowError."""
        from vswitch.openflow.groups import ADD, parse_group

        self.groups.modify(parse_group(group, ADD, self.numbers()))

    def add_meter(self, meter: str) -> None:
        """Add a meter (``ovs-ofctl -O OpenFlow15 add-meter``). Raises FlowSyntaxError or OpenFlowError."""
        from vswitch.openflow.meters import ADD, parse_meter

        self.meters.modify(parse_meter(meter, ADD))

    @property
    def frag_handling(self) -> int:
        """What look-ups make of IP fragments: 0 normal (ports read as 0), 1 drop, 3 nx-match."""
        return self._datapath.frag_handling(self.number)

    @frag_handling.setter
    def frag_handling(self, mode: int) -> None:
        self._datapath.set_frag_handling(self.number, mode)

    def check_references(self, actions: Actions) -> None:
        """Raise unless the groups and meters that actions speak of exist (ofproto_check_ofpacts())."""
        for kind, number in actions.references():
            if kind == "meter" and (self._meters is None or number not in self._meters):
                raise OpenFlowError("OFPMMFC_INVALID_METER", hint=f"there is no meter {number}")
            if kind == "group" and (self._groups is None or number not in self._groups):
                raise OpenFlowError("OFPBAC_BAD_OUT_GROUP", hint=f"there is no group {number}")

    def _using(self, kind: str, number: int) -> list[FlowStats]:
        return [flow for flow in self.flow_stats() if (kind, number) in flow.actions.references()]

    def _n_references_to_group(self, number: int) -> int:
        return sum(flow.actions.n_references("group", number) for flow in self._using("group", number))

    def _delete_metered(self, number: int) -> None:
        for flow in self._using("meter", number):
            self._delete(flow, METER_DELETE)

    def _delete(self, flow: FlowStats, reason: int) -> None:
        """Delete one flow; a message about it says why (OFPRR_*)."""
        from vswitch.openflow.flow import DELETE_STRICT

        _, _, removed = self._datapath.flow_mod(
            self.number, DELETE_STRICT, table=flow.table, priority=flow.priority,
            match=self.placed(flow.match).encode(),
            delete_reason=reason,
        )  # fmt: skip
        for number in removed:
            self._actions.pop(number, None)

    # Limits of tables.

    def set_limits(self, limits: dict[int, TableLimit]) -> None:
        """Change how many flows tables take; what is too much goes, as far as it may."""
        for table in self.limits.keys() | limits.keys():
            limit = limits.get(table)
            if limit == self.limits.get(table):
                continue
            max_flows = None if limit is None else limit.max_flows
            gone = self._datapath.set_table_limit(
                self.number, table, max_flows, evicts=limit is not None and limit.evicts,
                pieces=() if limit is None else limit.pieces(),
            )  # fmt: skip
            for number in gone:
                self._actions.pop(number, None)
        self.limits = limits

    def set_prefixes(self, prefixes: dict[int, list[tuple[int, int, int, int]]]) -> None:
        """Change which fields of tables have tries of prefixes."""
        for table in self.prefixes.keys() | prefixes.keys():
            if prefixes.get(table) != self.prefixes.get(table):
                self._datapath.set_table_prefixes(self.number, table, prefixes.get(table))
        self.prefixes = prefixes

    def table_states(self) -> list[TableState]:
        """The tables, by number, as OpenFlow describes them."""
        return self.tables.state(self.limits)
