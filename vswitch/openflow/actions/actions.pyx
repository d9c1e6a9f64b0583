"""Lists of actions: from text, in OpenFlow's order, against a match, on the wire, compiled.

Flows of a table may share their actions or differ in all of them. Actions that have an argument of their own in each
flow (`READINGS`) are read anew, which costs no more than to look them up; the others, and whole texts, are kept. A
text that names ports or tables is not kept, because names change.
"""
cimport cython
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memchr

from vswitch.openflow.actions.base cimport (
    C_APPLY, C_METER, Action, Parse, code_buffer, code_bytes, code_end, code_start,
)
from vswitch.openflow.actions.check cimport Check
from vswitch.openflow.actions.frequent cimport Conjunction, Output, Resubmit, new_conjunction, new_output, new_resubmit
from vswitch.openflow.actions.move cimport Move
from vswitch.openflow.actions.set_field cimport Mod, SetField, parse_set_field
from vswitch.openflow.actions.vlan cimport SetVlan, StripVlan
from vswitch.openflow.match cimport Match
from vswitch.openflow.scan cimport ascii_text, scan_number, words_of

from vswitch.errors import FlowSyntaxError, OpenFlowError, nearest
from vswitch.openflow import protocols
from vswitch.openflow.actions import (
    base, conntrack, control, encap, fields, hashing, learn, misc, move, mpls, output, set_field, vlan,
)
from vswitch.openflow.actions.frequent import Group
from vswitch.openflow.text import NUMERIC, RESERVED_PORTS, Numbers, fail

cdef enum:
    MAX_DEPTH = 100         # MAX_OFPACT_PARSE_DEPTH
    MAX_KEPT = 1 << 13
    C_OF11 = 2
    C_OF15 = 6
    IN_PORT = 0xFFF8
    HERE = 255              # the table that the frame is in
    C_ANY = (1 << 9) - 1    # protocols.ANY

CT_FIELDS = ("ct_mark", "ct_label")
NOTHING = frozenset()
# Stand anywhere among others, and speak of no group or meter.
SIMPLE = frozenset((Output, Resubmit, SetField, Mod, Move, SetVlan, StripVlan))
OF_VERSION = protocols.OF_VERSION

cdef enum reading:
    KEPT                    # read once for all flows that have it
    ANEW
    PLAIN_OUTPUT            # in C if it is plain, else anew
    PLAIN_RESUBMIT
    PLAIN_CONJUNCTION
    PLAIN_SET_FIELD


@cython.final
@cython.no_gc
cdef class Reader:
    """How actions of a name are read."""
    cdef object parser      # what stands behind the name, and a Parse → action
    cdef reading how

    def __init__(self, parser, reading how):
        self.parser = parser
        self.how = how


# clone, ct and write_actions have other actions in them, whose names of ports would have to be looked for.
cdef dict READINGS = {
    **dict.fromkeys((*set_field.PARSERS, *vlan.PARSERS, "group", "goto_table", "clone", "ct", "write_actions"), ANEW),
    "output": PLAIN_OUTPUT, "resubmit": PLAIN_RESUBMIT, "conjunction": PLAIN_CONJUNCTION, "set_field": PLAIN_SET_FIELD,
}
cdef dict READERS = {
    name: Reader(parser, READINGS.get(name, KEPT))
    for module in (output, set_field, move, fields, vlan, mpls, control, learn, hashing, conntrack, encap, misc)
    for name, parser in module.PARSERS.items()
}
cdef Reader METER = READERS["meter"]


@cython.final
@cython.no_gc
cdef class Actions:
    """Immutable; equal to another of the same actions. `protocols`: the formats of flows that can say them."""

    def __init__(self, tuple actions, int formats=C_ANY):
        self.actions = actions
        self.protocols = formats

    def __iter__(self):
        return iter(self.actions)

    def __len__(self):
        return len(self.actions)

    def __eq__(self, other):
        return isinstance(other, Actions) and self.actions == (<Actions>other).actions

    def __hash__(self):
        return hash(self.actions)

    def __repr__(self):
        return f"<Actions {self.format()}>"

    cpdef str format(self, names=NUMERIC):
        """As ovs-ofctl prints them; ``sent(version)`` first for what a version of OpenFlow can say of them."""
        cdef Action action
        return ",".join([action.format(names) for action in self.actions]) or "drop"

    @property
    def is_empty(self):
        """True for drop."""
        return not self.actions

    cpdef Actions sent(self, int version):
        """What is left at the other end after they were sent in a version of OpenFlow.

        Raises
        ------
        OpenFlowError
            The other end would refuse them.
        """
        cdef Action action
        cdef tuple arrived
        cdef list sent = []
        cdef bint is_same = True
        if self.sent_ is not None and self.sent_version == version:
            return self.sent_
        for action in self.actions:
            arrived = action.sent(version)
            if len(arrived) == 1 and arrived[0] is action:
                sent.append(action)
                continue
            is_same = False
            sent.extend(arrived)
        if not is_same:
            is_same = tuple(sent) == self.actions
        if misordered(self.actions if is_same else sent, version) is not None:
            raise OpenFlowError("OFPBAC_UNSUPPORTED_ORDER")
        if is_same:
            return self
        self.sent_version = version
        self.sent_ = Actions(tuple(sent))
        return self.sent_

    def stored(self, int version, Match match, int table=255, *, int n_tables=255, int max_port=0xFF00,
               bint is_checked=False):
        """What a switch stores of a flow that reaches it in a version of OpenFlow.

        `is_checked`: this list came out of `check` with the same match.

        Raises
        ------
        OpenFlowError
            The switch refuses them.
        """
        cdef Actions sent = self.sent(version), stored
        cdef Check check
        cdef int formats = OF_VERSION[version]
        if sent is self and is_checked and not formats & ~self.protocols:
            return self         # nothing became of it that was not looked at already
        check = Check(match, table=table, n_tables=n_tables, max_port=max_port)
        stored = sent.checked(check)
        if formats & ~check.protocols:
            raise OpenFlowError("OFPBAC_MATCH_INCONSISTENT")
        return stored

    def check(self, Match match, int table=255, *, int n_tables=255, int max_port=0xFF00):
        """Do they fit a match (None: one on everything)? The result knows what the match taught it.

        Its `protocols` are the formats of flows in which match and actions fit; none left is an error.

        Raises
        ------
        OpenFlowError
            The code that a switch would answer with.
        """
        cdef Check check = Check(match, table=table, n_tables=n_tables, max_port=max_port)
        cdef Actions checked = self.checked(check)
        cdef int formats = self.protocols & check.protocols
        if not formats:
            raise OpenFlowError("OFPBAC_MATCH_INCONSISTENT")
        return checked if formats == checked.protocols else Actions(checked.actions, formats)

    cpdef Actions checked(self, Check check):
        """Check them one after the other; `check` then is what holds after the last one."""
        cdef Action action, after
        cdef list actions = None
        cdef Py_ssize_t i = 0
        for action in self.actions:
            after = action.check(check)
            if after is not action:
                if actions is None:
                    actions = list(self.actions)
                actions[i] = after
            i += 1
        return self if actions is None else Actions(tuple(actions), self.protocols)

    def n_references(self, str kind, number):
        """How often they speak of a group or meter, as OVS counts it: a group that is named twice counts twice."""
        cdef int n = 0
        for action in self.actions:
            if isinstance(action, Group):
                n += (kind, number) == ("group", action.group)
            elif isinstance(action, control.Meter):
                n += (kind, number) == ("meter", action.meter)
            elif isinstance(nested := getattr(action, "actions", None), Actions):
                n += nested.n_references(kind, number)
        return n

    def references(self):
        """The groups and meters that they speak of, in nested actions too: ``("group", 7)``."""
        cdef set found = None
        for action in self.actions:
            if type(action) in SIMPLE:
                continue
            if isinstance(action, Group):
                more = {("group", action.group)}
            elif isinstance(action, control.Meter):
                more = {("meter", action.meter)}
            elif isinstance(nested := getattr(action, "actions", None), Actions):
                more = nested.references()
            else:
                continue
            found = set(more) if found is None else found | more
        return NOTHING if found is None else frozenset(found)

    cpdef bytes encode(self):
        """Compiled (vswitch/datapath/ofpact.pxd)."""
        cdef code_buffer code
        cdef Action action
        code_start(&code)
        try:
            for action in self.actions:
                action.compile(&code)
            return code_bytes(&code)
        finally:
            code_end(&code)


cdef dict TEXTS = {}        # (text, are instructions allowed) → Actions
cdef dict SINGLE = {}       # (key, value) → an action, and the formats that can say it


def parse_actions(str text, numbers=None, *, bint instructions=True):
    """What stands after ``actions=``; in a bucket there are no `instructions`.

    Raises
    ------
    FlowSyntaxError
        With ovs-ofctl's words.
    """
    cdef tuple key = (text, instructions)
    cdef Actions found = TEXTS.get(key)
    cdef Parse parse
    if found is not None:
        return found
    if numbers is None:
        numbers = Numbers()
    used, numbers.used = numbers.used, False
    parse = Parse(numbers)
    actions = read_list(text, parse, instructions, "")
    found = Actions(tuple(actions), parse.protocols)
    if not numbers.used:
        if len(TEXTS) >= MAX_KEPT:
            TEXTS.clear()
        TEXTS[key] = found
    numbers.used = numbers.used or used
    return found


def parse_nested(str text, Parse parse, str outer):
    """The actions within clone(...), write_actions(...) or ct(exec(...))."""
    if parse.depth >= MAX_DEPTH:
        fail("Action nested too deeply")
    parse.depth += 1
    actions = tuple(read_list(text, parse, False, outer))
    parse.depth -= 1
    return Actions(actions)


cdef list read_list(str text, Parse parse, bint instructions, str outer):
    cdef list words = words_of(text), starts, actions = []
    cdef bint drop = False
    cdef Py_ssize_t i = 0, n = len(words)
    cdef Action action
    try:
        while i < n:
            action = read_action(<str>words[i], <str>words[i + 1], parse, instructions)
            if action is None:
                drop = True
            else:
                actions.append(action)
            i += 2
    except FlowSyntaxError as error:
        starts = []
        words_of(text, starts)
        start = starts[i // 2]
        inner = text.find(error.text, start) if error.text else -1     # within clone(...), say
        if inner < 0:
            error.column = 1
        error.move(text, max(start, inner))
        raise
    if drop and actions:
        fail('"drop" must not be accompanied by any other action or instruction')
    verify(actions, instructions, outer)
    return actions


cdef Action read_action(str key, str value, Parse parse, bint instructions):
    """One action; None for drop."""
    cdef Reader reader = READERS.get(key)
    cdef Action action
    if reader is None:
        reader = READERS.get(key.lower())
        if reader is None:
            return read_word(key, parse)
    action = read_plain(reader.how, value, parse)
    if action is None:
        action = read_kept(reader.parser, key, value, parse) if reader.how == KEPT else reader.parser(value, parse)
    if reader is METER and not instructions:
        parse.protocols &= <int>protocols.OF15_UP
    return action


cdef Action read_word(str key, Parse parse):
    """A port, or drop."""
    cdef str word = key.lower()
    if word == "drop":
        return None
    if word == "apply_actions":
        fail("apply_actions is the default instruction")
    port = parse.numbers.port(key)
    if port is None:
        fail(f"unknown action {key}", nearest(key, (*READERS, "drop", *RESERVED_PORTS.values(), *parse.numbers.ports)))
    return new_output(port, 0)


cdef Action read_plain(reading how, str value, Parse parse):
    """``output:5``, ``resubmit(,5)``; None if it is anything else."""
    cdef Py_ssize_t n
    cdef uint64_t number
    cdef const char* s
    if how == PLAIN_SET_FIELD:
        return parse_set_field(value, parse)
    if how == PLAIN_OUTPUT:
        s = ascii_text(value, &n)
        if s != NULL and 0 < n <= 5 and scan_number(s, n, &number) and (n == 1 or s[1] != c'x') and number < 0xFFF0:
            return new_output(<int>number, 0)
    elif how == PLAIN_RESUBMIT:
        s = ascii_text(value, &n)
        if s != NULL and 1 < n <= 4 and s[0] == c',' and scan_number(s + 1, n - 1, &number) and (
                n < 3 or s[2] != c'x') and number < HERE:
            return new_resubmit(IN_PORT, <int>number, False)
    elif how == PLAIN_CONJUNCTION:
        return read_plain_conjunction(value)
    return None


cdef Action read_plain_conjunction(str text):
    """``ID,CLAUSE/N`` in plain numbers that may be."""
    cdef Py_ssize_t n
    cdef uint64_t conj_id, clause, n_clauses
    cdef const char* s = ascii_text(text, &n)
    cdef const char* comma
    cdef const char* slash
    if s == NULL:
        return None
    comma = <const char*>memchr(s, c',', n)
    slash = <const char*>memchr(s, c'/', n)
    if comma == NULL or slash == NULL or slash < comma or slash - comma > 3 or s + n - slash > 3:
        return None
    if not (scan_number(s, comma - s, &conj_id) and scan_number(comma + 1, slash - comma - 1, &clause)
            and scan_number(slash + 1, s + n - slash - 1, &n_clauses)):
        return None
    if conj_id > 0xFFFFFFFF or not 1 <= clause <= n_clauses or not 2 <= n_clauses <= 64:
        return None
    return new_conjunction(<int>clause - 1, <uint32_t>conj_id, <int>n_clauses)


cdef Action read_kept(object parser, str key, str value, Parse parse):
    """An action of a kind that has few arguments in all."""
    cdef tuple kept
    kept = SINGLE.get((key, value))
    if kept is not None:
        parse.protocols &= <int>kept[1]
        return kept[0]
    before = parse.protocols
    used, parse.numbers.used = parse.numbers.used, False
    parse.protocols = C_ANY
    action = parser(value, parse)
    if not parse.numbers.used:
        if len(SINGLE) >= MAX_KEPT:
            SINGLE.clear()
        SINGLE[key, value] = (action, parse.protocols)
    parse.numbers.used |= used
    parse.protocols &= before
    return action


cdef int verify(list actions, bint instructions, str outer) except -1:
    """Do they stand in an order that OpenFlow 1.1 can say, and where they may (ofpacts_verify())?"""
    cdef Action action
    for action in actions:
        if type(action) in SIMPLE and not outer:
            if field_set_by(action) in CT_FIELDS:
                verify_nested(action, outer)
            continue
        if type(action) is Conjunction:
            other = next((other.name for other in actions if other.name not in ("conjunction", "note")), None)
            if other is not None:
                fail(
                    '"conjunction" actions may be used along with "note" but not any other kind of action '
                    f'(such as the "{other}" action used here)'
                )
            return 0
        verify_nested(action, outer)
        if not instructions and action.instruction not in (C_APPLY, C_METER):
            fail(f"{base.INSTRUCTION_NAMES[action.instruction]} instruction not allowed here")
    problem = misordered(actions, C_OF11)
    if problem is not None:
        fail(f"{problem}, for OpenFlow 1.1+ compatibility")
    return 0


cdef str misordered(object actions, int version):
    """What is wrong with the order of instructions, if something is."""
    cdef int last = C_METER, this
    cdef bint is_first = True
    cdef Action action
    for action in actions:
        this = C_APPLY if type(action) in SIMPLE else action.instruction
        if this == C_METER and version >= C_OF15:
            this = C_APPLY
        if not is_first and (this < last if last == C_APPLY else this <= last):
            if this == last:
                return f"duplicate {base.INSTRUCTION_NAMES[this]} instruction not allowed"
            order = f"{base.INSTRUCTION_NAMES[this]} must appear before {base.INSTRUCTION_NAMES[last]}"
            return f"invalid instruction ordering: {order}"
        last = this
        is_first = False
    return None


cdef int verify_nested(Action action, str outer) except -1:
    cdef str field = field_set_by(action)
    if field in CT_FIELDS and outer != "ct":
        fail("cannot set CT fields outside of ct action")
    if action.name == "nat":
        if outer != "ct":
            fail('Cannot have NAT action outside of "ct" action')
        return 0
    if outer == "ct":
        if field is None:
            fail(f"ct action doesn't support nested action {action.name}")
        if field not in CT_FIELDS:
            fail(f"ct action doesn't support nested modification of {field}")
    if outer and action.name == "meter":
        fail(f"{outer} action doesn't support nested action meter")
    return 0


cdef str field_set_by(Action action):
    """The name of the field that set_field, load and move write; None for other actions."""
    if type(action) is SetField:
        return (<SetField>action).plan.name
    return (<Move>action).destination.field.name if type(action) is Move else None
