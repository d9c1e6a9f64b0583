"""Flows as ovs-ofctl prints them from statistics (OVS lib/ofp-flow.c, ofputil_flow_stats_format()).

Dumps have thousands of flows, so a line is written into a buffer; match and actions print themselves (match.pyx,
actions/), and names of ports and tables come from Python.
"""
cimport cython
from libc.stdint cimport uint32_t, uint64_t

from vswitch.openflow.actions.actions cimport Actions
from vswitch.openflow.match cimport Match
from vswitch.wire.text_buffer cimport (
    text_buffer, text_end, text_put, text_put_decimal, text_put_hex, text_put_str, text_start, text_str,
)

from vswitch.openflow import flow_mod, protocols
from vswitch.openflow.text import NUMERIC

cdef enum:
    NS_PER_S = 1000000000
    NS_PER_MS = 1000000

cdef int C_DEFAULT_PRIORITY = flow_mod.DEFAULT_PRIORITY
cdef int NXM_OXM_ANY = protocols.NXM_OXM_ANY
# In the order in which they are printed.
cdef tuple FLAG_NAMES = ("send_flow_rem", "check_overlap", "reset_counts", "no_packet_counts", "no_byte_counts")


@cython.final
@cython.no_gc
cdef class FlowStats:
    """A flow with what is known of it."""

    def __init__(self, uint32_t number, int table, int priority, Match match not None, Actions actions not None,
                 uint64_t cookie=0, int idle_timeout=0, int hard_timeout=0, int importance=0, int flags=0,
                 uint64_t n_packets=0, uint64_t n_bytes=0, uint64_t duration_ns=0, uint64_t idle_ns=0,
                 uint64_t hard_ns=0):
        self.number = number
        self.table = table
        self.priority = priority
        self.match = match
        self.actions = actions
        self.cookie = cookie
        self.idle_timeout = idle_timeout
        self.hard_timeout = hard_timeout
        self.importance = importance
        self.flags = flags
        self.n_packets = n_packets
        self.n_bytes = n_bytes
        self.duration_ns = duration_ns
        self.idle_ns = idle_ns
        self.hard_ns = hard_ns

    def __repr__(self):
        return f"<FlowStats {flow_text(self)}>"


def flags_text(int flags):
    """The flags as a dump prints them, each with a space behind it."""
    return "".join([f"{name} " for name in FLAG_NAMES if flags & <int>flow_mod.FLAGS[name]])


def duration_text(uint64_t ns):
    """As OVS prints durations: seconds, without decimals or with milliseconds."""
    cdef text_buffer out
    text_start(&out)
    try:
        put_duration(&out, ns)
        return text_str(&out)
    finally:
        text_end(&out)


def flow_text(FlowStats flow not None, *, int version=1, names=NUMERIC, bint stats=True, bint ages=False,
              bint flags=True, bint importance=True):
    """A flow as ``ovs-ofctl dump-flows`` prints it.

    Parameters
    ----------
    version : int
        Of OpenFlow as on the wire (1 is 1.0): actions read differently in each.
    names : Names
        Prints ports and tables.
    stats : bool
        Print counters and durations (not with ``--no-stats``).
    ages : bool
        Print idle_age and hard_age, which only some formats carry.
    """
    cdef text_buffer out
    cdef str match = flow.match.sent(version, NXM_OXM_ANY).format(names)
    text_start(&out)
    try:
        put_identity(&out, flow, names, stats)
        put_setting(&out, b"idle_timeout=", flow.idle_timeout)
        put_setting(&out, b"hard_timeout=", flow.hard_timeout)
        if flags and flow.flags:
            text_put_str(&out, flags_text(flow.flags))
        if importance:
            put_setting(&out, b"importance=", flow.importance)
        if stats and ages:
            put_ages(&out, flow)
        if flow.priority != C_DEFAULT_PRIORITY:
            text_put(&out, b"priority=")
            text_put_decimal(&out, <uint64_t>flow.priority)
            if match:
                text_put(&out, b",")
            else:
                text_put(&out, b" ")
        if match:
            text_put_str(&out, match)
            text_put(&out, b" ")
        text_put(&out, b"actions=")
        text_put_str(&out, flow.actions.sent(version).format(names))
        return text_str(&out)
    finally:
        text_end(&out)


cdef int put_identity(text_buffer* out, FlowStats flow, object names, bint stats) except -1:
    """Cookie and table, and what has been counted."""
    if stats or flow.cookie:
        text_put(out, b"cookie=0x")
        text_put_hex(out, flow.cookie, 1)
        text_put(out, b", ")
    if stats:
        text_put(out, b"duration=")
        put_duration(out, flow.duration_ns)
        text_put(out, b", ")
    if stats or flow.table or names.tables.get(flow.table) is not None:
        text_put(out, b"table=")
        if names.tables:
            text_put_str(out, names.table(flow.table))
        else:
            text_put_decimal(out, <uint64_t>flow.table)
        text_put(out, b", ")
    if stats:
        text_put(out, b"n_packets=")
        text_put_decimal(out, flow.n_packets)
        text_put(out, b", n_bytes=")
        text_put_decimal(out, flow.n_bytes)
        text_put(out, b", ")
    return 0


cdef int put_setting(text_buffer* out, const char* name, int value) except -1:
    if value:
        text_put(out, name)
        text_put_decimal(out, <uint64_t>value)
        text_put(out, b", ")
    return 0


cdef int put_ages(text_buffer* out, FlowStats flow) except -1:
    text_put(out, b"idle_age=")
    text_put_decimal(out, flow.idle_ns // NS_PER_S)
    text_put(out, b", ")
    if flow.hard_ns // NS_PER_S != flow.duration_ns // NS_PER_S:
        text_put(out, b"hard_age=")
        text_put_decimal(out, flow.hard_ns // NS_PER_S)
        text_put(out, b", ")
    return 0


cdef int put_duration(text_buffer* out, uint64_t ns) except -1:
    cdef uint64_t ms = ns // NS_PER_MS
    text_put_decimal(out, ms // 1000)
    if ms % 1000:
        text_put(out, b".")
        text_put_decimal(out, ms // 100 % 10)
        text_put_decimal(out, ms // 10 % 10)
        text_put_decimal(out, ms % 10)
    return text_put(out, b"s")
