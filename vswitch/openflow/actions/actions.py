"""Lists of actions: from text, in OpenFlow's order, against a match, on the wire, compiled.

Flows of a table share few different texts, so whole texts are kept, and single actions too: a table of a hundred
thousand flows is mostly look-ups in two dicts. A text that names ports or tables is not kept, because names change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from vswitch.errors import OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.actions import base, conntrack, control, encap, fields, hashing, learn, misc, mpls, output, vlan
from vswitch.openflow.actions.base import APPLY, INSTRUCTION_NAMES, METER, OF11, OF15, Action, Parse, Words
from vswitch.openflow.actions.check import Check
from vswitch.openflow.text import NUMERIC, Names, Numbers, fail, key_values

_MAX_DEPTH = 100  # MAX_OFPACT_PARSE_DEPTH
_MAX_KEPT = 1 << 17
_CT_FIELDS = ("ct_mark", "ct_label")

_Parser = Callable[[str, Parse], Action]
_PARSERS: dict[str, _Parser] = {
    name: parser
    for module in (output, fields, vlan, mpls, control, learn, hashing, conntrack, encap, misc)
    for name, parser in module.PARSERS.items()
}


class Actions:
    """Immutable; equal to another of the same actions. `protocols`: the formats of flows that can say them."""

    __slots__ = ("_encoded", "_in_formats", "_references", "_sent", "_text", "actions", "protocols")

    def __init__(self, actions: tuple[Action, ...], formats: int = protocols.ANY) -> None:
        self.actions = actions
        self.protocols = formats
        self._encoded: bytes | None = None
        self._in_formats: dict[int, Actions] = {}
        self._references: frozenset[tuple[str, int]] | None = None
        self._sent: dict[int, Actions] = {}
        self._text: str | None = None

    def __iter__(self) -> Iterator[Action]:
        return iter(self.actions)

    def __len__(self) -> int:
        return len(self.actions)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Actions) and self.actions == other.actions

    def __hash__(self) -> int:
        return hash(self.actions)

    def __repr__(self) -> str:
        return f"<Actions {self.format()}>"

    def format(self, names: Names = NUMERIC) -> str:
        """As ovs-ofctl prints them; ``sent(version)`` first for what a version of OpenFlow can say of them."""
        if names is not NUMERIC:
            return self._format(names)
        if self._text is None:
            self._text = self._format(names)
        return self._text

    def _format(self, names: Names) -> str:
        return ",".join([action.format(names) for action in self.actions]) or "drop"

    @property
    def is_empty(self) -> bool:
        """True for drop."""
        return not self.actions

    def sent(self, version: int) -> Actions:
        """What is left at the other end after they were sent in a version of OpenFlow.

        Raises
        ------
        OpenFlowError
            The other end would refuse them.
        """
        found = self._sent.get(version)
        if found is None:
            sent = tuple(arrived for action in self.actions for arrived in action.sent(version))
            if _misordered(sent, version) is not None:
                raise OpenFlowError("OFPBAC_UNSUPPORTED_ORDER")
            found = self if sent == self.actions else Actions(sent)
            self._sent[version] = found
        return found

    def stored(
        self, version: int, words: Words, table: int = 255, *, n_tables: int = 255, max_port: int = 0xFF00,
        is_checked: bool = False,
    ) -> Actions:
        """What a switch stores of a flow that reaches it in a version of OpenFlow.

        `is_checked`: this list came out of `check` with the same match.

        Raises
        ------
        OpenFlowError
            The switch refuses them.
        """
        sent = self.sent(version)
        if sent is self and is_checked and not protocols.OF_VERSION[version] & ~self.protocols:
            return self  # nothing became of it that was not looked at already
        check = Check(words, table=table, n_tables=n_tables, max_port=max_port)
        stored = sent.checked(check)
        if protocols.OF_VERSION[version] & ~check.protocols:
            raise OpenFlowError("OFPBAC_MATCH_INCONSISTENT")
        return stored

    def check(self, words: Words, table: int = 255, *, n_tables: int = 255, max_port: int = 0xFF00) -> Actions:
        """Do they fit a match, given by its words of the flow key? The result knows what the match taught it.

        Its `protocols` are the formats of flows in which match and actions fit; none left is an error.

        Raises
        ------
        OpenFlowError
            The code that a switch would answer with.
        """
        check = Check(words, table=table, n_tables=n_tables, max_port=max_port)
        checked = self.checked(check)
        formats = self.protocols & check.protocols
        if not formats:
            raise OpenFlowError("OFPBAC_MATCH_INCONSISTENT")
        if formats == checked.protocols:
            return checked
        # Flows of a table share actions and what their matches leave: what is known of those is kept with them.
        found = checked._in_formats.get(formats)
        if found is None:
            found = checked._in_formats[formats] = Actions(checked.actions, formats)
        return found

    def checked(self, check: Check) -> Actions:
        """Check them one after the other; `check` then is what holds after the last one."""
        actions = tuple([action.check(check) for action in self.actions])
        if all(a is b for a, b in zip(actions, self.actions, strict=True)):
            return self
        return Actions(actions, self.protocols)

    def n_references(self, kind: str, number: int) -> int:
        """How often they speak of a group or meter, as OVS counts it: a group that is named twice counts twice."""
        n = 0
        for action in self.actions:
            if isinstance(action, output.Group):
                n += (kind, number) == ("group", action.group)
            elif isinstance(action, control.Meter):
                n += (kind, number) == ("meter", action.meter)
            elif isinstance(nested := getattr(action, "actions", None), Actions):
                n += nested.n_references(kind, number)
        return n

    def references(self) -> frozenset[tuple[str, int]]:
        """The groups and meters that they speak of, in nested actions too: ``("group", 7)``."""
        if self._references is None:
            found: set[tuple[str, int]] = set()
            for action in self.actions:
                if isinstance(action, output.Group):
                    found.add(("group", action.group))
                elif isinstance(action, control.Meter):
                    found.add(("meter", action.meter))
                else:
                    nested = getattr(action, "actions", None)
                    if isinstance(nested, Actions):
                        found |= nested.references()
            self._references = frozenset(found)
        return self._references

    def encode(self) -> bytes:
        """Compiled (vswitch/datapath/ofpact.pxd)."""
        if self._encoded is None:
            self._encoded = b"".join([action.encode() for action in self.actions])
        return self._encoded


_TEXTS: dict[tuple[str, bool], Actions] = {}
_SINGLE: dict[tuple[str, str], tuple[Action, int]] = {}


def parse_actions(text: str, numbers: Numbers | None = None, *, instructions: bool = True) -> Actions:
    """What stands after ``actions=``; in a bucket there are no `instructions`.

    Raises
    ------
    FlowSyntaxError
        With ovs-ofctl's words.
    """
    key = (text, instructions)
    found = _TEXTS.get(key)
    if found is not None:
        return found
    numbers = numbers or Numbers()
    used, numbers.used = numbers.used, False
    parse = Parse(numbers)
    actions = Actions(tuple(_parse(text, parse, instructions, "")), parse.protocols)
    depends, numbers.used = numbers.used, numbers.used or used
    if not depends:
        if len(_TEXTS) >= _MAX_KEPT:
            _TEXTS.clear()
        _TEXTS[key] = actions
    return actions


def parse_nested(text: str, parse: Parse, outer: str) -> Actions:
    """The actions within clone(...), write_actions(...) or ct(exec(...))."""
    if parse.depth >= _MAX_DEPTH:
        fail("Action nested too deeply")
    parse.depth += 1
    actions = tuple(_parse(text, parse, False, outer))
    parse.depth -= 1
    return Actions(actions)


def _parse(text: str, parse: Parse, instructions: bool, outer: str) -> list[Action]:
    actions: list[Action] = []
    drop = False
    for key, value in key_values(text):
        kept = _SINGLE.get((key, value))
        if kept is not None:
            actions.append(kept[0])
            parse.protocols &= kept[1]
            if kept[0].instruction == METER and not instructions:
                parse.protocols &= protocols.OF15_UP
            continue
        word = key.lower()
        parser = _PARSERS.get(word)
        if parser is not None:
            actions.append(_parse_one(parser, word, key, value, parse))
            if word == "meter" and not instructions:
                parse.protocols &= protocols.OF15_UP
        elif word == "drop":
            drop = True
        elif word == "apply_actions":
            fail("apply_actions is the default instruction")
        else:
            port = parse.numbers.port(key)
            actions.append(fail(f"unknown action {key}") if port is None else output.Output(0, port))
    if drop and actions:
        fail('"drop" must not be accompanied by any other action or instruction')
    _verify(actions, instructions, outer)
    return actions


def _parse_one(parser: _Parser, word: str, key: str, value: str, parse: Parse) -> Action:
    if word in ("clone", "ct", "write_actions"):
        return parser(value, parse)
    before = parse.protocols
    used, parse.numbers.used = parse.numbers.used, False
    parse.protocols = protocols.ANY
    action = parser(value, parse)
    if not parse.numbers.used:
        if len(_SINGLE) >= _MAX_KEPT:
            _SINGLE.clear()
        _SINGLE[key, value] = (action, parse.protocols)
    parse.numbers.used |= used
    parse.protocols &= before
    return action


def _verify(actions: list[Action], instructions: bool, outer: str) -> None:
    """Do they stand in an order that OpenFlow 1.1 can say, and where they may (ofpacts_verify())?"""
    for action in actions:
        if action.name == "conjunction":
            other = next((other.name for other in actions if other.name not in ("conjunction", "note")), None)
            if other is not None:
                fail(
                    '"conjunction" actions may be used along with "note" but not any other kind of action '
                    f'(such as the "{other}" action used here)'
                )
            return
        _verify_nested(action, outer)
        if not instructions and action.instruction not in (APPLY, METER):
            fail(f"{INSTRUCTION_NAMES[action.instruction]} instruction not allowed here")
    problem = _misordered(actions, OF11)
    if problem is not None:
        fail(f"{problem}, for OpenFlow 1.1+ compatibility")


def _misordered(actions: Sequence[Action], version: int) -> str | None:
    """What is wrong with the order of instructions, if something is."""
    last = METER
    for i, action in enumerate(actions):
        this = APPLY if version >= OF15 and action.instruction == METER else action.instruction
        if i and (this < last if last == APPLY else this <= last):
            if this == last:
                return f"duplicate {INSTRUCTION_NAMES[this]} instruction not allowed"
            order = f"{INSTRUCTION_NAMES[this]} must appear before {INSTRUCTION_NAMES[last]}"
            return f"invalid instruction ordering: {order}"
        last = this
    return None


def _verify_nested(action: Action, outer: str) -> None:
    field = None
    if isinstance(action, fields.SetField):
        field = action.field.name
    elif isinstance(action, fields.Move):
        field = action.destination.field.name
    if field in _CT_FIELDS and outer != "ct":
        fail("cannot set CT fields outside of ct action")
    if action.name == "nat":
        if outer != "ct":
            fail('Cannot have NAT action outside of "ct" action')
        return
    if outer == "ct":
        if field is None:
            fail(f"ct action doesn't support nested action {action.name}")
        if field not in _CT_FIELDS:
            fail(f"ct action doesn't support nested modification of {field}")
    if outer and action.name == "meter":
        fail(f"{outer} action doesn't support nested action meter")


__all__ = ["OF15", "Actions", "base", "parse_actions", "parse_nested"]
