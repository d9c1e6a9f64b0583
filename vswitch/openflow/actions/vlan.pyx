"""Actions on VLAN tags. OpenFlow 1.0's mod_vlan_* add a tag where there is none; set_vlan_* of 1.1 do not."""
cimport cython

from vswitch.openflow.actions.base cimport Action, CompiledAction, Parse, code_buffer, code_put
from vswitch.openflow.actions.check cimport Check

from vswitch.openflow import protocols
from vswitch.openflow.actions.check import refuse
from vswitch.openflow.text import fail, u8, u16

cdef enum:
    TPID_CTAG = 0x8100
    TPID_STAG = 0x88A8
    VLAN_PRESENT = 0x1000
    C_OF10 = 1
    C_OF11 = 2
    OFPACT_PUSH_VLAN = 20       # datapath/ofpact.pxd
    OFPACT_POP_VLAN = 21
    OFPACT_SET_VLAN_VID = 22
    OFPACT_SET_VLAN_PCP = 23


@cython.final
@cython.no_gc
cdef class SetVlan(CompiledAction):
    """``mod_vlan_vid``, ``mod_vlan_pcp``, ``set_vlan_vid``, ``set_vlan_pcp``."""

    __slots__ = ("has_vlan", "pushes", "value", "what")
    in_set = True

    def __init__(self, bint has_vlan, bint pushes, int value, str what):
        self.has_vlan = has_vlan
        self.pushes = pushes
        self.value = value
        self.what = what

    @property
    def name(self):
        return f"set_vlan_{self.what}"

    cpdef str format(self, names):
        return f"{'mod' if self.pushes else 'set'}_vlan_{self.what}:{self.value}"

    cpdef tuple sent(self, int version):
        from vswitch.openflow.actions.set_field import set_field

        if version == C_OF10:
            return (self,) if self.pushes and not self.has_vlan else (new_set_vlan(False, True, self.value, self.what),)
        pushed = (PushVlan(TPID_CTAG),) if self.pushes and not self.has_vlan else ()
        if version == C_OF11:
            return (*pushed, new_set_vlan(False, False, self.value, self.what))
        value = self.value | VLAN_PRESENT if self.what == "vid" else self.value
        return (*pushed, set_field(f"vlan_{self.what}", value))

    cpdef Action check(self, Check check):
        cdef bint has_vlan = check.has_tag()
        check.inconsistent(not has_vlan and not self.pushes)
        check.outer_tci |= VLAN_PRESENT
        return self if has_vlan == self.has_vlan else new_set_vlan(has_vlan, self.pushes, self.value, self.what)

    cdef int compile(self, code_buffer* code) except -1:
        code_put(code, OFPACT_SET_VLAN_VID if self.what == "vid" else OFPACT_SET_VLAN_PCP, self.value, 1)[0] = self.pushes
        return 0


cdef SetVlan new_set_vlan(bint has_vlan, bint pushes, int value, str what):
    cdef SetVlan action = SetVlan.__new__(SetVlan)
    action.has_vlan = has_vlan
    action.pushes = pushes
    action.value = value
    action.what = what
    return action


@cython.final
@cython.no_gc
cdef class StripVlan(CompiledAction):
    """``strip_vlan`` (OpenFlow 1.0) and ``pop_vlan``."""

    __slots__ = ("is_pop",)
    name = "strip_vlan"
    in_set = True

    def __init__(self, bint is_pop):
        self.is_pop = is_pop

    cpdef str format(self, names):
        return "pop_vlan" if self.is_pop else "strip_vlan"

    cpdef tuple sent(self, int version):
        return (STRIP_VLAN if version == C_OF10 else POP_VLAN,)

    cpdef Action check(self, Check check):
        check.inconsistent(not check.has_tag())
        check.outer_tci, check.inner_tci = check.inner_tci, 0
        return self

    cdef int compile(self, code_buffer* code) except -1:
        code_put(code, OFPACT_POP_VLAN, 0, 0)
        return 0


STRIP_VLAN, POP_VLAN = StripVlan(False), StripVlan(True)


@cython.final
@cython.no_gc
cdef class PushVlan(CompiledAction):
    """``push_vlan:TPID``."""

    __slots__ = ("tpid",)
    name = "push_vlan"
    in_set = True

    def __init__(self, int tpid):
        self.tpid = tpid

    cpdef str format(self, names):
        return f"push_vlan:{self.tpid:#x}"

    cpdef tuple sent(self, int version):
        return () if version == C_OF10 else (self,)

    cpdef Action check(self, Check check):
        if check.inner_tci & VLAN_PRESENT:
            refuse("OFPBAC_BAD_TAG")
        check.outer_tci, check.inner_tci = VLAN_PRESENT, check.outer_tci
        return self

    cdef int compile(self, code_buffer* code) except -1:
        code_put(code, OFPACT_PUSH_VLAN, self.tpid, 0)
        return 0


def vlan_as_legacy(str name, value, int version, bint has_vlan):
    """What set_field of a VLAN field is before OpenFlow 1.2."""
    cdef bint pushes = version == C_OF10
    if name == "vlan_pcp":
        return (new_set_vlan(False, pushes, value, "pcp"),)
    if name == "vlan_vid":
        return (new_set_vlan(False, pushes, value & 0xFFF, "vid"),)
    if not value & VLAN_PRESENT:
        return (STRIP_VLAN if version == C_OF10 else POP_VLAN,)
    pushed = (PushVlan(TPID_CTAG),) if version > C_OF10 and not has_vlan else ()
    return (*pushed, new_set_vlan(False, pushes, value & 0xFFF, "vid"), new_set_vlan(False, pushes, value >> 13, "pcp"))


def _parse_vid(str text, bint pushes):
    value = u16(text, "VLAN VID")
    return fail(f"{text}: not a valid VLAN VID") if value > 0xFFF else new_set_vlan(False, pushes, value, "vid")


def _parse_pcp(str text, bint pushes):
    value = u8(text, "VLAN PCP")
    return fail(f"{text}: not a valid VLAN PCP") if value > 7 else new_set_vlan(False, pushes, value, "pcp")


def _parse_push(str text, Parse parse):
    parse.protocols &= <int>protocols.OF11_UP
    tpid = u16(text, "ethertype")
    return PushVlan(tpid) if tpid == TPID_CTAG or tpid == TPID_STAG else fail(f"{text}: not a valid VLAN ethertype")


PARSERS = {
    "mod_vlan_vid": lambda text, parse: _parse_vid(text, True),
    "mod_vlan_pcp": lambda text, parse: _parse_pcp(text, True),
    "set_vlan_vid": lambda text, parse: _parse_vid(text, False),
    "set_vlan_pcp": lambda text, parse: _parse_pcp(text, False),
    "strip_vlan": lambda text, parse: STRIP_VLAN,
    "pop_vlan": lambda text, parse: POP_VLAN,
    "push_vlan": _parse_push,
}
