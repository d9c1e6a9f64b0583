"""Actions that give a field a value: set_field, load, and the mod_* of OpenFlow 1.0.

set_field and load are one action that remembers how it came in. What it becomes on the wire depends on the version:
before 1.2 there is no set_field, from 1.5 on no load, and between them set_field has no mask (encode_SET_FIELD()).

Flows by the thousands differ in just these actions. So a field is a `SetPlan`, the row of the table of fields as C
values, and a plain value is read as in a match (match.pyx); what is not plain, values.py reads.
"""
cimport cython
from libc.stdint cimport uint32_t, uint64_t

from vswitch.openflow.actions.base cimport Action, CompiledAction, Parse, code_buffer, code_put, hexadecimal, hexadecimal_64
from vswitch.openflow.actions.check cimport Check
from vswitch.openflow.field_plan cimport ALL_64, FieldPlan, ones, plan_of, run
from vswitch.openflow.scan cimport ascii_text, scan_ipv4, scan_mac, scan_number, wide

from vswitch.openflow import fields
from vswitch.openflow.actions.check import refuse
from vswitch.openflow.actions.subfield import Subfield, flags_of, parse_subfield, set_flags_of
from vswitch.openflow.text import Names, fail, u8, u16
from vswitch.openflow.tlv_map import fitted, mapped
from vswitch.openflow.values import format_value, is_valid, parse_integer, parse_mac, parse_value, valid_bits
from vswitch.wire.addresses import ipv4_text, mac_text

SET, LOAD, LOAD2 = range(3)     # how a SetField came in; LOAD2 is load's form for experimenters' fields

cdef enum:
    C_SET = 0
    C_LOAD = 1
    C_LOAD2 = 2
    VLAN_PRESENT = 0x1000
    C_OF10 = 1
    C_OF12 = 3
    C_OF15 = 6
    ETH_IP = 0x0800
    FRAG_LATER = 2
    OFPACT_SET = 16             # datapath/ofpact.pxd, as what follows
    IS_SET_FIELD = 1 << 18
    PREREQ_IPV4 = 4
    PREREQ_IP_ANY = 6
    PREREQ_L4 = 18


# What OpenFlow 1.0 and 1.1 have actions of their own for.
cdef frozenset LEGACY = frozenset((
    "vlan_tci", "vlan_vid", "vlan_pcp", "eth_src", "eth_dst", "ip_src", "ip_dst", "nw_tos", "ip_dscp", "nw_ecn", "tcp_src",
    "udp_src", "tcp_dst", "udp_dst",
))


@cython.final
@cython.no_gc
cdef class SetPlan(FieldPlan):
    def __init__(self, field):
        FieldPlan.__init__(self, field)
        bits = valid_bits(field)
        self.prereq = field.prereq
        self.n_bits = field.n_bits
        self.is_writable = field.writable
        self.is_experimenter = field.is_experimenter
        self.is_vlan_vid = field.name == "vlan_vid"
        self.is_vlan_tci = field.name == "vlan_tci"
        self.is_checked_slowly = bits is None
        self.allowed = ALL_64 if bits is None else bits & 0xFFFFFFFFFFFFFFFF
        self.load_flags = flags_of(field)
        self.set_flags = set_flags_of(field) | IS_SET_FIELD
        self.all_ones = field.all_ones
        self.whole_name = f"{field.header_name}[]"
        self.has_legacy = field.name in LEGACY

    cdef bint allows(self, object value) except -1:
        """May a frame hold the value?"""
        if self.n_bytes > 8 or self.is_checked_slowly:
            return is_valid(self.field, value)
        return not <uint64_t>value & ~self.allowed


cdef dict PLANS = {}                    # name or alias of a field → SetPlan, see plan_of()


cdef SetPlan set_plan(str name):
    """The plan of a field that there is."""
    cdef SetPlan plan = plan_of(PLANS, name, SetPlan)
    if plan is None:
        raise KeyError(name)
    return plan


cdef SetField new_set(SetPlan plan, bint has_vlan, object mask, int raw, object value):
    cdef SetField action = SetField.__new__(SetField)
    action.plan = plan
    action.has_vlan = has_vlan
    action.mask = mask
    action.raw = raw
    action.value = value
    return action


@cython.final
@cython.no_gc
cdef class SetField(CompiledAction):
    """``set_field:VALUE[/MASK]->FIELD`` (raw SET) and ``load:VALUE->FIELD[..]`` (raw LOAD)."""

    __slots__ = ("field", "has_vlan", "mask", "raw", "value")
    name = "set_field"
    in_set = True

    def __init__(self, field, bint has_vlan, mask, int raw, value):
        self.plan = set_plan(field.name)
        self.has_vlan = has_vlan
        self.mask = mask
        self.raw = raw
        self.value = value

    def __eq__(self, other):
        cdef SetField that
        if type(other) is not SetField:
            return False
        that = other
        return (self.plan is that.plan and self.has_vlan == that.has_vlan and self.raw == that.raw
                and self.value == that.value and self.mask == that.mask)

    def __hash__(self):
        return hash((self.plan.name, self.value, self.mask))

    @property
    def field(self):
        """The row of the table of fields."""
        return self.plan.field

    cpdef str format(self, names):
        cdef uint64_t whole
        if self.raw == C_LOAD:
            whole = ones(self.plan.n_bits)
            if self.plan.n_bits <= 64 and self.run_of_bits() == whole:
                return f"load:{hexadecimal_64(<uint64_t>self.value & whole)}->{self.plan.whole_name}"
            return ",".join([f"load:{hexadecimal(value)}->{part}" for part, value in self.segments()])
        return f"set_field:{format_value(self.plan.field, self.value, self.mask, names)}->{self.plan.name}"

    cpdef list segments(self):
        """Runs of set bits, of at most 64 (next_load_segment())."""
        cdef list found = []
        cdef object start = 0, n_bits = self.plan.n_bits, one = 1, low, width, rest     # of any width
        while start < n_bits and self.mask >> start & ((one << n_bits - start) - 1):
            rest = self.mask >> start
            low = start + (rest & -rest).bit_length() - 1
            rest = ~(self.mask >> low)
            width = min((rest & -rest).bit_length() - 1, 64, n_bits - low)
            found.append((Subfield(self.plan.field, low, width), self.value >> low & ((one << width) - 1)))
            start = low + width
        return found

    cdef uint64_t run_of_bits(self) except? 0:
        """The bits of a field of at most 64 that are set, if one load says it, which is nearly always; else 0."""
        cdef uint64_t mask = self.mask
        mask &= ones(self.plan.n_bits)
        return 0 if (mask | mask - 1) & ((mask | mask - 1) + 1) else mask

    cpdef tuple sent(self, int version):
        if not self.plan.is_writable:
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        if version >= C_OF15:
            return self.as_set()
        if self.raw != C_SET:
            return self.as_loads()
        if version < C_OF12:
            return self.as_legacy(version) if self.plan.has_legacy else self.as_loads()
        return self.as_set() if self.mask == self.plan.all_ones else self.as_loads()

    cdef tuple as_set(self):
        if self.plan.name == "in_port_oxm":
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        if self.plan.is_vlan_vid and not self.mask & self.value & VLAN_PRESENT:
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        if not self.plan.allows(self.value):
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        self.refuse_stray_bits()
        if self.raw == C_SET and not self.has_vlan:
            return (self,)
        return (new_set(self.plan, False, self.mask, C_SET, self.value),)

    cdef int refuse_stray_bits(self) except -1:
        cdef bint has_any
        if self.plan.n_bytes <= 8:
            has_any = <uint64_t>self.value & ~<uint64_t>self.mask != 0
        else:
            has_any = self.value & ~self.mask
        if has_any:
            refuse("OFPBMC_BAD_WILDCARDS")
        return 0

    cdef tuple as_loads(self):
        cdef uint64_t mask
        if self.raw == C_LOAD2 or self.plan.is_experimenter or self.plan.n_bits > 128:
            self.refuse_stray_bits()
            return (new_set(self.plan, False, self.mask, C_LOAD2, self.value),)
        if self.plan.n_bits <= 64:
            mask = self.run_of_bits()
            if mask and self.raw == C_LOAD:
                return (new_set(self.plan, False, self.mask, C_LOAD, self.value),) if self.has_vlan else (self,)
            if mask:
                return (new_set(self.plan, False, mask, C_LOAD, <uint64_t>self.value & mask),)
        elif self.raw == C_LOAD and len(self.segments()) == 1:
            return (new_set(self.plan, False, self.mask, C_LOAD, self.value),) if self.has_vlan else (self,)
        return tuple([make_load(part, value) for part, value in self.segments()])

    cdef tuple as_legacy(self, int version):
        cdef str name = self.plan.name
        value = self.value
        if name in ("vlan_tci", "vlan_vid", "vlan_pcp"):
            from vswitch.openflow.actions.vlan import vlan_as_legacy  # it imports this file

            return vlan_as_legacy(name, value, version, self.has_vlan)
        if name in ("eth_src", "eth_dst", "ip_src", "ip_dst", "nw_tos"):
            return (new_mod(MODS_OF_FIELD[name], value, 0),)
        if name == "ip_dscp":
            return (new_mod("mod_nw_tos", value << 2, 0),)
        if name == "nw_ecn":
            return new_mod("mod_nw_ecn", value, 0).sent(version)
        return (new_mod(f"mod_tp_{name[4:]}", value, 0),)

    cpdef Action check(self, Check check):
        cdef SetPlan plan = self.plan
        cdef bint has_vlan
        if not check.holds(plan.prereq, False) or (plan.is_vlan_vid and not check.has_tag()):
            refuse("OFPBAC_MATCH_INCONSISTENT")
        if not plan.is_vlan_tci:
            return self
        has_vlan = check.has_tag()
        check.outer_tci = self.value
        return self if has_vlan == self.has_vlan else new_set(plan, has_vlan, self.mask, self.raw, self.value)

    cdef int compile(self, code_buffer* code) except -1:
        return write_set(code, self.plan, self.mask, self.value,
                         self.plan.load_flags if self.raw == C_LOAD else self.plan.set_flags)


cdef int write_set(code_buffer* code, SetPlan plan, object mask, object value, unsigned int flags) except -1:
    """OFPACT_SET: for every word that is written, its index, mask and value."""
    cdef uint64_t low_mask, low_value, bits, width
    cdef uint64_t* payload
    cdef const run* r = &plan.runs[0]
    cdef list words
    cdef object one = 1         # of any width
    cdef uint32_t i
    if plan.n_runs == 1 and plan.n_bytes <= 8:
        low_mask, low_value = mask, value
        # What a VLAN's "there is a tag" needs is a bit more than the field has.
        width = 13 if plan.is_vlan_vid and low_mask & VLAN_PRESENT else r.n_bits
        bits = low_mask if width == 64 else low_mask & ((<uint64_t>1 << width) - 1)
        if plan.name == "nw_tos":
            bits &= 0xFC
        if bits:
            payload = code_put(code, OFPACT_SET, flags, 4)
            payload[0], payload[1], payload[2], payload[3] = 1, r.word, bits << r.shift, (low_value & bits) << r.shift
        else:
            code_put(code, OFPACT_SET, flags, 1)
        return 0
    field = plan.field
    if plan.is_option:
        field = mapped(field)
        value, mask = fitted(field, value, mask)
    words = []
    position = 0
    for word, shift, n_bits in field.pieces:
        part = mask >> position & ((one << n_bits) - 1)
        if part:
            words += (word, part << shift, (value >> position & part) << shift)
        position += n_bits
    payload = code_put(code, OFPACT_SET, flags, len(words) + 1)
    payload[0] = len(words) // 3
    for i in range(<uint32_t>len(words)):
        payload[i + 1] = words[i]
    return 0


def make_load(destination, value):
    """``load``."""
    return new_set(set_plan(destination.field.name), False, ((1 << destination.n_bits) - 1) << destination.low, C_LOAD,
                   value << destination.low)


def set_field(str name, value):
    """``set_field`` of a whole field."""
    cdef SetPlan plan = set_plan(name)
    return new_set(plan, False, plan.all_ones, C_SET, value)


# mod_*: name → field that set_field has for it
MODS = {
    "mod_dl_src": "eth_src", "mod_dl_dst": "eth_dst", "mod_nw_src": "ip_src", "mod_nw_dst": "ip_dst",
    "mod_nw_tos": "nw_tos", "mod_nw_ecn": "nw_ecn", "mod_nw_ttl": "nw_ttl", "mod_tp_src": "tcp_src",
    "mod_tp_dst": "tcp_dst",
}
MODS_OF_FIELD = {field: name for name, field in MODS.items()}
L4_NAMES = {6: "tcp", 17: "udp", 132: "sctp"}


@cython.final
@cython.no_gc
cdef class Mod(CompiledAction):
    """``mod_dl_src`` and its kin; `nw_proto` is what the flow matches (or 0), for mod_tp_*."""

    __slots__ = ("kind", "value", "nw_proto")
    in_set = True

    def __init__(self, str kind, value, int nw_proto):
        self.kind = kind
        self.value = value
        self.nw_proto = nw_proto

    @property
    def name(self):
        return self.kind

    cpdef str format(self, names):
        if self.kind.startswith("mod_dl"):
            return f"{self.kind}:{mac_text(self.value)}"
        if self.kind in ("mod_nw_src", "mod_nw_dst"):
            return f"{self.kind}:{ipv4_text(self.value)}"
        return f"{self.kind}:{self.value}"

    cpdef tuple sent(self, int version):
        cdef str field = MODS[self.kind]
        if self.kind == "mod_nw_ttl" or (self.kind == "mod_nw_ecn" and version < C_OF12):
            if version > C_OF10:
                return (self,)
            row = fields.BY_NAME[field]
            return (make_load(Subfield(row, 0, row.n_bits), self.value),)
        if version < C_OF12:
            return (self,) if self.nw_proto == 0 else (new_mod(self.kind, self.value, 0),)
        if self.kind == "mod_nw_tos":
            return (set_field("ip_dscp", self.value >> 2),)
        if self.kind.startswith("mod_tp"):
            if self.nw_proto not in L4_NAMES:
                return (self,)
            field = f"{L4_NAMES[self.nw_proto]}_{self.kind[7:]}"
        return (set_field(field, self.value),)

    cpdef Action check(self, Check check):
        if self.kind.startswith("mod_dl"):
            return self
        if self.kind in ("mod_nw_src", "mod_nw_dst"):
            check.inconsistent(check.ethertype_() != ETH_IP)
        elif not self.kind.startswith("mod_tp"):
            check.inconsistent(not check.is_ip)
        else:
            check.inconsistent(not check.is_ip or check.nw_frag & FRAG_LATER != 0 or check.nw_proto not in L4_NAMES)
            return new_mod(self.kind, self.value, check.nw_proto)
        return self

    cdef int compile(self, code_buffer* code) except -1:
        cdef SetPlan plan = set_plan(MODS[self.kind])
        if self.kind.startswith("mod_tp"):
            prereq = PREREQ_L4
        elif self.kind in ("mod_nw_tos", "mod_nw_ecn", "mod_nw_ttl"):
            prereq = PREREQ_IP_ANY
        else:
            prereq = PREREQ_IPV4 if self.kind.startswith("mod_nw") else 0
        return write_set(code, plan, plan.all_ones, self.value, prereq)


cdef Mod new_mod(str kind, object value, int nw_proto):
    cdef Mod action = Mod.__new__(Mod)
    action.kind = kind
    action.value = value
    action.nw_proto = nw_proto
    return action


# Reading.

@cython.final
@cython.no_gc
cdef class LoadPlan:
    """Where a load writes."""
    cdef SetPlan plan
    cdef int low
    cdef int n_bits
    cdef object mask


cdef dict LOAD_PLANS = {}       # what stands behind the arrow → LoadPlan


cdef LoadPlan load_plan(str name):
    cdef LoadPlan found = LOAD_PLANS.get(name)
    if found is None:
        part = parse_subfield(name)
        found = LoadPlan()
        found.plan = set_plan(part.field.name)
        found.low, found.n_bits = part.low, part.n_bits
        found.mask = ((1 << part.n_bits) - 1) << part.low
        if len(LOAD_PLANS) >= 4096:
            LOAD_PLANS.clear()
        LOAD_PLANS[name] = found
    return found


cpdef tuple split_arrow(str text):
    """What stands before and after ``->``."""
    cdef Py_ssize_t at = text.find("->")
    if at < 0:
        fail(f"{text}: missing `->'")
    if at + 2 == len(text):
        fail(f"{text}: missing field name following `->'")
    return text[:at], text[at + 2:]


cpdef Action parse_set_field(str text, Parse parse):
    """What follows ``set_field:``."""
    cdef str value_text, name
    cdef wide number, mask
    cdef SetPlan plan
    value_text, name = split_arrow(text)
    plan = plan_of(PLANS, name, SetPlan)
    if plan is None:
        fail(f"{name} is not a valid OXM field name")
    if not plan.is_writable:
        fail(f"{name} is read-only")
    if plan.n_bytes <= 8 and not plan.is_checked_slowly and plan.read_plain(value_text, &number, &mask):
        parse.protocols &= plan.exact
        if number.low & ~plan.allowed:
            fail(f"{value_text} is not a valid value for field {name}")
        return new_set(plan, False, plan.all_ones if mask.low == plan.ones.low else mask.low, C_SET, number.low)
    value, mask_value = parse_value(plan.field, value_text, parse.numbers)
    if not plan.allows(value):
        fail(f"{value_text} is not a valid value for field {name}")
    parse.protocols &= plan.exact
    return new_set(plan, False, mask_value, C_SET, value)


def parse_load(str text, Parse parse):
    """What follows ``load:``."""
    cdef str value_text, name
    cdef LoadPlan destination
    cdef Py_ssize_t n
    cdef const char* s
    cdef uint64_t value
    value_text, name = split_arrow(text)
    destination = load_plan(name)
    s = ascii_text(value_text, &n)
    if s != NULL and scan_number(s, n, &value) and (destination.n_bits >= 64 or not value >> destination.n_bits):
        return new_set(destination.plan, False, destination.mask, C_LOAD,
                       value if destination.low == 0 else (<object>value) << destination.low)
    field = destination.plan.field
    found = parse_integer(value_text, field.n_bytes)
    if isinstance(found, str):
        fail(f"{text}: cannot parse integer value")
    if found[0] >> destination.n_bits:
        shown = format_value(field, found[0], field.all_ones, Names())
        fail(f"{text}: value {shown} does not fit into {destination.n_bits} bits")
    return new_set(destination.plan, False, destination.mask, C_LOAD, found[0] << destination.low)


def _parse_mac(str kind, str text):
    cdef Py_ssize_t n
    cdef uint64_t mac
    cdef const char* s = ascii_text(text, &n)
    if s != NULL and scan_mac(s, n, &mac):
        return new_mod(kind, mac, 0)
    value = parse_mac(text)
    return fail(f"invalid mac address {text}") if value is None else new_mod(kind, value, 0)


def _parse_ipv4(str kind, str text):
    cdef Py_ssize_t n
    cdef uint64_t address
    cdef const char* s = ascii_text(text, &n)
    if s != NULL and scan_ipv4(s, n, &address) and ipv4_text(address) == text:
        return new_mod(kind, address, 0)
    fail(f"{text}: could not convert to IP address")


def _parse_tos(str text):
    value = u8(text, "TOS")
    return fail(f"{text}: not a valid TOS") if value & 3 else new_mod("mod_nw_tos", value, 0)


def _parse_ecn(str text):
    value = u8(text, "ECN")
    return fail(f"{text}: not a valid ECN") if value & ~3 else new_mod("mod_nw_ecn", value, 0)


PARSERS = {
    "set_field": parse_set_field,
    "load": parse_load,
    "mod_dl_src": lambda text, parse: _parse_mac("mod_dl_src", text),
    "mod_dl_dst": lambda text, parse: _parse_mac("mod_dl_dst", text),
    "mod_nw_src": lambda text, parse: _parse_ipv4("mod_nw_src", text),
    "mod_nw_dst": lambda text, parse: _parse_ipv4("mod_nw_dst", text),
    "mod_nw_tos": lambda text, parse: _parse_tos(text),
    "mod_nw_ecn": lambda text, parse: _parse_ecn(text),
    "mod_nw_ttl": lambda text, parse: new_mod("mod_nw_ttl", u8(text, "TTL"), 0),
    "set_nw_ttl": lambda text, parse: new_mod("mod_nw_ttl", u8(text, "TTL"), 0),
    "mod_tp_src": lambda text, parse: new_mod("mod_tp_src", u16(text, "source port"), 0),
    "mod_tp_dst": lambda text, parse: new_mod("mod_tp_dst", u16(text, "destination port"), 0),
}
