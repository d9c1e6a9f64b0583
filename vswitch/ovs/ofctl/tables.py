"""Tables as OpenFlow shows and changes them: dump-tables, dump-table-features, dump-table-desc, mod-table."""

from __future__ import annotations

from vswitch.errors import OpenFlowError
from vswitch.light_typing import NamedTuple
from vswitch.openflow.text import Names, number, quoted
from vswitch.ovs.ofctl.session import VERSIONS, Session
from vswitch.ovs.ofctl.table_features import tables_text
from vswitch.ovs.outcome import Outcome, Refusal, SwitchRefusal, log_line
from vswitch.switch.protocols import BridgeLike
from vswitch.switch.table_settings import MISS_CONTINUE, MISS_CONTROLLER, MISS_DROP, N_TABLES

TABLE_ALL = 255
_MISSES = {"controller": MISS_CONTROLLER, "continue": MISS_CONTINUE, "drop": MISS_DROP}
_MISS_VERSIONS, _EVENT_VERSIONS, _NAME_VERSIONS = {2, 3}, {5, 6}, {4, 5, 6}
_N_NAME_TRANSACTIONS = 2  # what asking for the names of tables takes before anything is said


def dump_tables(session: Session) -> str:
    """Statistics of the tables; in old versions with what they can do."""
    bridge = session.open()
    text = tables_text(
        bridge.table_states(), session.version, with_statistics=True, with_names=session.version <= 3
    )
    return session.header("OFPST_TABLE reply", 2, space="") + text


def dump_table_features(session: Session) -> str:
    """What the tables can do."""
    bridge = session.open()
    if session.version < 4:
        raise Refusal("dump-table-features needs OpenFlow 1.3 or later ('-O OpenFlow13')", word="dump-table-features")
    text = tables_text(bridge.table_states(), session.version, with_statistics=False)
    return text.removeprefix("\n") + "\n"


def dump_table_desc(session: Session) -> str:
    """Eviction and vacancy events of the tables."""
    bridge = session.open()
    if session.version < 5:
        raise Refusal("dump-table-desc needs OpenFlow 1.4 or later ('-O OpenFlow14')", word="dump-table-desc")
    states = bridge.table_states()
    names = Names({}, {state.number: state.name for state in states if state.name} if session.names else {})
    out = session.header("OFPST_TABLE_DESC reply", 2, space="")
    for state in states:
        out += f"\n  table {names.table(state.number)}:\n"
        out += f"   eviction={'on' if state.evicts else 'off'} eviction_flags=OTHER|IMPORTANCE|LIFETIME\n   vacancy="
        if state.vacancy is None:
            out += "off\n"
        else:
            down, up = state.vacancy
            out += f"on vacancy_down={down}% vacancy_up={up}% vacancy={state.vacancy_percent}%\n"
    return out


class TableMod(NamedTuple):
    """A change of a table; what is None stays."""

    table: int
    versions: set[int]
    miss: int | None = None
    evicts: bool | None = None
    sets_vacancy: bool = False
    vacancy: tuple[int, int] | None = None
    name: str | None = None


def mod_table(session: Session) -> str | Outcome:
    """Change what a table does with a miss, or when it is full, or its name."""
    name, table_word, setting = session.arguments
    found = session.node.bridge(name)
    names = {}
    if session.accepts_names and found is not None:
        names = {state.name: state.number for state in found.table_states() if state.name}
    mod = _parse(session, _table(session, table_word, names), setting)
    if not session.allowed & mod.versions:
        known = ", ".join(word for word, version in VERSIONS.items() if version in mod.versions)
        raise Refusal(f"table_mod '{setting}' requires one of the OpenFlow versions {known}", word=setting)
    allowed, session.allowed = session.allowed, session.allowed & mod.versions
    bridge = session.open()
    if mod.name is not None:
        return _rename(session, bridge, mod.table, mod.name)
    if mod.table == N_TABLES:
        raise _not_for_ovs_table(session, mod, asks_first=bool(allowed & _EVENT_VERSIONS))
    for table in range(N_TABLES) if mod.table == TABLE_ALL else (mod.table,):
        if mod.miss is not None:
            bridge.tables.set_miss(table, mod.miss)
        if mod.evicts is not None:
            bridge.tables.set_evicting(table, mod.evicts)
        if mod.sets_vacancy:
            bridge.tables.set_vacancy(table, mod.vacancy)
    return ""


def _table(session: Session, word: str, names: dict[str, int]) -> int:
    if word.lower() == "all":
        return TABLE_ALL
    if word.isdecimal():
        value = int(word)
        if value <= TABLE_ALL:
            return value
        session.warnings += log_line(
            1, "ofp_table", "WARN", f"table {value} is outside the supported range 0 through {TABLE_ALL}"
        )
    elif word in names or word in {quoted(name) for name in names}:
        return next(table for name, table in names.items() if word in (name, quoted(name)))
    raise Refusal(f'unknown table "{word}"', word=word, known=names)


def _parse(session: Session, table: int, setting: str) -> TableMod:
    """What a setting asks for (parse_ofp_table_mod())."""
    if setting in _MISSES:
        mod = TableMod(table, _MISS_VERSIONS, miss=_MISSES[setting])
    elif setting in ("evict", "noevict"):
        mod = TableMod(table, _EVENT_VERSIONS, evicts=setting == "evict")
    elif "vacancy".startswith(setting.partition(":")[0]):
        mod = TableMod(table, _EVENT_VERSIONS, sets_vacancy=True, vacancy=_thresholds(setting))
    elif setting == "novacancy":
        mod = TableMod(table, _EVENT_VERSIONS, sets_vacancy=True)
    elif table != TABLE_ALL and setting.startswith("name:"):
        mod = TableMod(table, _NAME_VERSIONS, name=setting.removeprefix("name:"))
    else:
        known = (*_MISSES, "evict", "noevict", "vacancy:", "novacancy", "name:")
        raise Refusal(f"invalid table_mod setting {setting}", word=setting, known=known)
    if table == N_TABLES and mod.miss == MISS_CONTINUE:
        raise Refusal("last table's flow miss handling can not be continue", word=setting)
    return mod


def _thresholds(setting: str) -> tuple[int, int]:
    # As strtok() takes them: what is empty does not count.
    words = [word for word in setting.lstrip(":").partition(":")[2].split(",") if word]
    values = []
    for i, which in enumerate(("down", "up")):
        if len(words) <= i:
            raise Refusal(f"Vacancy {which} value missing", word=setting)
        value = number(words[i])
        if value is None or not 0 <= value <= 100:
            raise Refusal(f'Invalid vacancy {which} value "{words[i]}"', word=setting)
        values.append(value)
    if values[0] > values[1]:
        raise Refusal(
            "Invalid vacancy range, vacancy up should be greater than vacancy down (OFPBPC_BAD_VALUE)", word=setting
        )
    return values[0], values[1]


def _rename(session: Session, bridge: BridgeLike, table: int, name: str) -> str | Outcome:
    states = bridge.table_states()
    if table >= N_TABLES:
        raise Refusal(f"switch does not have table {table}")
    try:
        bridge.tables.rename(table, name)
    except OpenFlowError as error:
        xid = 3 + (_N_NAME_TRANSACTIONS if session.accepts_names else 0)
        request = tables_text(
            [states[table]._replace(name=name)], session.version, with_statistics=False,
            command="modify" if session.version >= 6 else "",
        )  # fmt: skip
        if session.version >= 6:
            request = request.partition("    instructions")[0]  # a modification needs no properties
        raise SwitchRefusal(
            session.header("OFPT_ERROR", xid) + f"{error.code}\n"
            + session.header("OFPST_TABLE_FEATURES request", xid, space="") + request
        ) from None
    return ""


def _not_for_ovs_table(session: Session, mod: TableMod, *, asks_first: bool) -> SwitchRefusal:
    """Table 254 is OVS's own. The tool asks for its settings, and finds nothing to go with what it wants to change."""
    xid = 2 + (_N_NAME_TRANSACTIONS if session.accepts_names else 0) + asks_first
    words = f"table_id={mod.table}"
    if mod.miss is not None:
        words += f", flow_miss_config={next(word for word, miss in _MISSES.items() if miss == mod.miss)}"
    if mod.evicts is not None:
        words += f", eviction={'on' if mod.evicts else 'off'}, vacancy=off"
    if mod.sets_vacancy:
        words += ", vacancy=off" if mod.vacancy is None else ", vacancy=on vacancy:{},{}".format(*mod.vacancy)
    return SwitchRefusal(
        session.header("OFPT_ERROR", xid) + "OFPTMFC_EPERM\n" + session.header("OFPT_TABLE_MOD", xid) + words + "\n"
    )
