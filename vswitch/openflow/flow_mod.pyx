"""Flow-mods as ovs-ofctl reads them (OVS lib/ofp-flow.c, parse_ofp_str()).

A flow is one pass over its keys and values: a dict tells the keywords, and what is none is a field of the match. The
actions are read and held against the match then, so that a flow-mod is either all right or an error that names what
ovs-ofctl would name.
"""
cimport cython
from libc.stdint cimport uint64_t

from vswitch.openflow.field_plan cimport member, run
from vswitch.openflow.match cimport Match, known_names
from vswitch.openflow.scan cimport ascii_text, move_to_word, scan_number, words_of

from vswitch.errors import FlowSyntaxError, OpenFlowError, nearest
from vswitch.openflow import protocols
from vswitch.openflow.actions.actions import parse_actions
from vswitch.openflow.text import NUMERIC, Numbers, fail, u16, u64
from vswitch.openflow.values import parse_integer

ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = range(5)
QUERY = -1              # what selects flows in a dump
ANY_COMMAND = -2        # the command stands in front of the flow
COMMANDS = {
    "add": ADD, "delete": DELETE, "delete_strict": DELETE_STRICT, "modify": MODIFY, "modify_strict": MODIFY_STRICT,
}
DEFAULT_PRIORITY = 32768
TABLE_ALL = 0xFF
PORT_ANY, GROUP_ANY = 0xFFFF, 0xFFFFFFFF
KEEP_COOKIE = 0xFFFFFFFFFFFFFFFF
FLAGS = {"send_flow_rem": 1, "no_packet_counts": 2, "no_byte_counts": 4, "check_overlap": 8, "reset_counts": 16}

cdef enum command:
    C_ADD = 0
    C_MODIFY = 1
    C_MODIFY_STRICT = 2
    C_DELETE = 3
    C_DELETE_STRICT = 4
    C_QUERY = -1

cdef enum keyword:
    KEY_STATISTIC = 1       # what dump-flows prints of a flow that exists; a flow that is read does not take it
    KEY_TABLE
    KEY_PRIORITY
    KEY_IDLE_TIMEOUT
    KEY_HARD_TIMEOUT
    KEY_IMPORTANCE
    KEY_OUT_PORT
    KEY_OUT_GROUP
    KEY_COOKIE
    KEY_FLAG

cdef enum:
    C_TABLE_ALL = 0xFF
    C_DEFAULT_PRIORITY = 32768
    ETH_TYPE_IPV6 = 0x86DD

cdef dict KEYWORDS = {
    "table": KEY_TABLE, "priority": KEY_PRIORITY, "idle_timeout": KEY_IDLE_TIMEOUT, "hard_timeout": KEY_HARD_TIMEOUT,
    "importance": KEY_IMPORTANCE, "out_port": KEY_OUT_PORT, "out_group": KEY_OUT_GROUP, "cookie": KEY_COOKIE,
    **dict.fromkeys(FLAGS, KEY_FLAG),
    **dict.fromkeys(("duration", "n_packets", "n_bytes", "idle_age", "hard_age", "no_readonly_table",
                     "allow_hidden_fields"), KEY_STATISTIC),
}
cdef dict FLAG_FORMATS = {"reset_counts": protocols.OF12_UP, "no_packet_counts": protocols.OF13_UP,
                          "no_byte_counts": protocols.OF13_UP}
cdef int ANY = protocols.ANY
cdef int TID = protocols.TID
cdef int NXM_OXM_ANY = protocols.NXM_OXM_ANY
cdef uint64_t C_KEEP_COOKIE = KEEP_COOKIE
cdef run DL_TYPE = member("dl_type", 16)
# Fields that only NXM and OXM can match in IPv6.
cdef run NW_PROTO = member("nw_proto", 8)
cdef run NW_TOS = member("nw_tos", 8)
cdef run TP_SRC = member("tp_src", 16)
cdef run TP_DST = member("tp_dst", 16)
NO_NAMES = Numbers()


@cython.final
@cython.no_gc
cdef class FlowMod:
    """A flow-mod, or what selects flows."""

    def __init__(self, int command):
        self.command = command
        self.table = C_TABLE_ALL
        self.priority = C_DEFAULT_PRIORITY
        self.match = Match()
        self.new_cookie = C_KEEP_COOKIE if command == C_MODIFY or command == C_MODIFY_STRICT else 0
        self.out_port, self.out_group = PORT_ANY, GROUP_ANY
        self.protocols = ANY


def parse_flow_mod(str text, int command, numbers=None):
    """Read one flow as ovs-ofctl does.

    Parameters
    ----------
    text : str
        Such as ``"table=1,tcp,tp_dst=80,actions=output:2"``.
    command : int
        What is done with it; `ANY_COMMAND` if the text says so itself, as ``delete,tcp``.
    numbers : Numbers, optional
        Names of ports and tables.

    Raises
    ------
    FlowSyntaxError
        With OVS's words.
    OpenFlowError
        The actions do not fit the match.
    """
    cdef FlowMod mod
    cdef Match match
    cdef str head = text, action_text = ""
    cdef bint has_actions
    cdef dict before
    if numbers is None:
        numbers = NO_NAMES
    if command == ANY_COMMAND:
        command, head = command_in_front(text)
    mod = FlowMod(command)
    match = mod.match
    has_actions = C_ADD <= command <= C_MODIFY_STRICT
    if has_actions:
        head, action, rest = head.partition("action")
        _, equals, action_text = rest.partition("=")
        if not action or not equals:
            fail("must specify an action")
    try:
        read_head(mod, head, numbers)
        if has_actions:
            parsed = parse_actions(action_text, numbers)
    except FlowSyntaxError as error:
        # It knows its place in the part that was being read.
        error.move(text, text.index(head) if error.text is head else len(text) - len(action_text))
        raise
    mod.protocols &= match.protocols
    if (command == C_MODIFY or command == C_MODIFY_STRICT) and not mod.cookie_mask and mod.new_cookie == C_KEEP_COOKIE:
        mod.new_cookie = 0
    if is_ipv6_beyond_openflow11(match):
        mod.protocols &= NXM_OXM_ANY
    if has_actions:
        actions = parsed.check(match, mod.table)
        mod.actions = actions
        mod.protocols &= <int>actions.protocols
        if not mod.protocols:
            raise OpenFlowError("OFPBAC_MATCH_INCONSISTENT")
    if match.n_words:
        before = match.normalize()
        if before and command != C_QUERY:
            mod.unnormalized = Match(before)
    return mod


cdef object STATISTIC = KEYWORDS["duration"]


cdef int read_head(FlowMod mod, str text, numbers) except -1:
    """What stands before the actions: keywords, and fields of the match."""
    cdef list words = words_of(text)
    cdef Py_ssize_t i = 0, n = len(words)
    try:
        while i < n:
            read_word(mod, <str>words[i], <str>words[i + 1], numbers)
            i += 2
    except FlowSyntaxError as error:
        move_to_word(error, text, i)
        raise
    return 0


cdef int read_word(FlowMod mod, str name, str value, numbers) except -1:
    cdef object code = KEYWORDS.get(name)
    if code is not None and (code is STATISTIC or takes(mod.command, code)):
        if code is STATISTIC:
            return 0
        if not value and code != KEY_FLAG:
            fail(f"field {name} missing value")
        return read_keyword(mod, code, name, value, numbers)
    if not mod.match.add(name, value, numbers):
        if "[" in name:
            return add_subfield(mod.match, name, value)
        if not value:
            fail(f"field {name} missing value", nearest(name, (*KEYWORDS, *known_names())))
        fail(f"unknown keyword {name}", nearest(name, (*KEYWORDS, *known_names())))
    return 0


cdef tuple command_in_front(str text):
    text = text.lstrip(" \t\r\n")
    word = text.replace("\t", ",").replace(" ", ",").split(",", 1)[0]
    for name, command in COMMANDS.items():
        if word and name.startswith(word):
            return command, text[len(word):]
    return ADD, text


cdef bint takes(int command, int code) noexcept:
    """Does a command take a keyword? If not, it is looked up as a field, and is none."""
    if code == KEY_TABLE or code == KEY_COOKIE:
        return True
    if code == KEY_PRIORITY:
        return C_ADD <= command <= C_MODIFY_STRICT or command == C_DELETE_STRICT
    if code == KEY_OUT_PORT or code == KEY_OUT_GROUP:
        return command == C_QUERY or command == C_DELETE or command == C_DELETE_STRICT
    if code == KEY_IMPORTANCE:
        return command == C_ADD
    return C_ADD <= command <= C_MODIFY_STRICT


cdef int read_keyword(FlowMod mod, int code, str name, str value, numbers) except -1:
    if code == KEY_TABLE:
        mod.table = read_table(value, numbers)
        if mod.table != C_TABLE_ALL:
            mod.protocols &= TID
    elif code == KEY_PRIORITY:
        mod.priority = read_u16(value, name)
    elif code == KEY_COOKIE:
        read_cookie(mod, value)
    elif code == KEY_IDLE_TIMEOUT:
        mod.idle_timeout = read_u16(value, name)
    elif code == KEY_HARD_TIMEOUT:
        mod.hard_timeout = read_u16(value, name)
    elif code == KEY_IMPORTANCE:
        mod.importance = read_u16(value, name)
    elif code == KEY_FLAG:
        mod.flags |= <int>FLAGS[name]
        mod.protocols &= <int>FLAG_FORMATS.get(name, ANY)
    elif code == KEY_OUT_PORT:
        port = numbers.port(value)
        if port is None:
            fail(f"{value} is not a valid OpenFlow port")
        mod.out_port = port
    else:
        mod.protocols &= <int>protocols.OF11_UP
        if value.lower() in ("any", "all"):
            mod.out_group = GROUP_ANY
            return 0
        if not value.isdecimal() or int(value) > 0xFFFFFF00:
            fail(f"{value} is not a valid OpenFlow group")
        mod.out_group = int(value)
    return 0


cdef int read_table(str text, numbers) except -1:
    cdef Py_ssize_t n
    cdef uint64_t number
    cdef const char* s = ascii_text(text, &n)
    if s != NULL and (n < 3 or s[1] != c'x') and scan_number(s, n, &number) and number <= C_TABLE_ALL:
        return <int>number
    table = numbers.table(text)
    return fail(f'unknown table "{text}"') if table is None else table


cdef int read_u16(str text, str name) except -1:
    cdef Py_ssize_t n
    cdef uint64_t value
    cdef const char* s = ascii_text(text, &n)
    if s != NULL and scan_number(s, n, &value) and value <= 0xFFFF:
        return <int>value
    return u16(text, name)


cdef int read_cookie(FlowMod mod, str value) except -1:
    cdef Py_ssize_t n
    cdef const char* s = ascii_text(value, &n)
    cdef uint64_t plain
    if "/" in value:
        if mod.command == C_ADD:
            fail("flow additions cannot use a cookie mask")
        cookie, _, mask = value.partition("/")
        mod.cookie, mod.cookie_mask = u64(cookie), u64(mask)
        if mod.cookie_mask:
            mod.protocols &= <int>protocols.NXM_OF11_UP
        return 0
    if not C_ADD <= mod.command <= C_MODIFY_STRICT:
        fail(f"cannot set cookie (to match on a cookie, specify a mask, e.g. cookie={value}/-1)")
    mod.new_cookie = plain if s != NULL and scan_number(s, n, &plain) else u64(value)
    mod.modify_cookie = True
    return 0


cdef bint is_ipv6_beyond_openflow11(Match match) noexcept:
    """True if IPv6 comes with fields that only NXM and OXM can match there."""
    return match.value_of(&DL_TYPE) == ETH_TYPE_IPV6 and (
        match.mask_of(&NW_PROTO) | match.mask_of(&NW_TOS) | match.mask_of(&TP_SRC) | match.mask_of(&TP_DST)) != 0


cdef int add_subfield(Match match, str name, str value) except -1:
    """``field[0..7]=value`` (OVS parse_subfield())."""
    from vswitch.openflow.actions.subfield import parse_subfield

    part = parse_subfield(name)
    found = parse_integer(value, part.field.n_bytes)
    if isinstance(found, str) or found[1] != len(value):
        fail(f"{name}: cannot parse integer value: {value}")
    if found[0] >> part.n_bits:
        shown = part.field.format(found[0], part.field.all_ones, NUMERIC)
        fail(f"{name}: value {shown} does not fit into {part.n_bits} bits")
    match.add_bits(part.field, part.low, part.n_bits, found[0])
    return 0
