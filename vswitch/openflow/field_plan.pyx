"""Values of fields in C: what is plain is read here, what is not by values.py, and both mean the same.

*Plain* is a number, an address, a prefix length or a mask as dumps and agents write them (scan.pxd). Flags come in few
combinations, so values.py reads each of these once. Everything else (octal numbers, signs, names of ports, errors)
is refused here without a word, and found out there.
"""
cimport cython
from libc.string cimport memchr

from vswitch.openflow.scan cimport ascii_text, scan_ipv4, scan_ipv6, scan_mac, scan_number

from vswitch.openflow import fields, protocols
from vswitch.tables import flow_key

cdef enum:
    MAX_KEPT = 4096

cdef int ANY = protocols.ANY

KINDS = {"dec": KIND_INTEGER, "hex": KIND_INTEGER, "mac": KIND_MAC, "ipv4": KIND_IPV4, "ipv6": KIND_IPV6,
         "port": KIND_PORT, "port_oxm": KIND_PORT, "ct_state": KIND_FLAGS, "tcp_flags": KIND_FLAGS,
         "tun_flags": KIND_FLAGS}
SPECIALS = {"dl_vlan": WRITES_DL_VLAN, "vlan_vid": WRITES_VLAN_VID, "dl_vlan_pcp": WRITES_VLAN_PCP,
            "vlan_pcp": WRITES_VLAN_PCP, "nw_tos": WRITES_NW_TOS, "ipv6_label": WRITES_IPV6_LABEL,
            "in_port": WRITES_IN_PORT,
            **dict.fromkeys(("tun_erspan_ver", "tun_erspan_dir", "tun_erspan_hwid", "tun_gtpu_flags",
                             "tun_gtpu_msgtype"), WRITES_ONES),
            **dict.fromkeys(("icmp_type", "icmp_code", "icmpv6_type", "icmpv6_code", "nd_options_type"), WRITES_BYTE)}


cdef run member(str name, uint32_t n_bits, uint32_t offset=0):
    cdef uint32_t byte = <uint32_t>flow_key.MEMBER_OFFSETS[name] + offset
    return run(word=byte // 8, shift=byte % 8 * 8, n_bits=n_bits)


cdef wide wide_of(object number):
    return wide(high=<uint64_t>(number >> 64 & 0xFFFFFFFFFFFFFFFF), low=<uint64_t>(number & 0xFFFFFFFFFFFFFFFF))


cdef inline bint is_hexadecimal(const char* s, Py_ssize_t n) noexcept nogil:
    return n > 2 and (s[1] | 0x20) == c'x'


@cython.no_gc
cdef class FieldPlan:
    def __init__(self, field):
        cdef int i
        self.field = field
        self.name = field.name
        self.kind = KINDS.get(field.kind, KIND_OTHER)
        self.special = SPECIALS.get(field.name, WRITES_ITSELF)
        self.is_maskable = field.maskable
        self.is_option = field.name.startswith("tun_metadata")
        self.n_bytes = field.n_bytes
        self.exact, self.cidr, self.bitwise = field.protocols_exact, field.protocols_cidr, field.protocols_bitwise
        self.n_runs = 0
        if field.n_bits <= 128:
            self.ones = wide_of(field.all_ones)
            self.n_runs = len(field.pieces)
            for i in range(self.n_runs):
                self.runs[i] = run(word=field.pieces[i][0], shift=field.pieces[i][1], n_bits=field.pieces[i][2])
        else:
            self.kind = KIND_OTHER

    cdef bint read_plain(self, str text, wide* value, wide* mask) except -1:
        """Value and mask of a plain text; False if values.py must read it."""
        cdef Py_ssize_t n, end
        cdef const char* s = ascii_text(text, &n)
        cdef const char* slash
        cdef uint64_t n_bits
        if s == NULL or n == 0:
            return False
        if self.kind == KIND_FLAGS:
            return self.read_flags(text, value, mask)
        slash = <const char*>memchr(s, c'/', n)
        end = n if slash == NULL else slash - s
        value.high = mask.high = 0
        if slash == NULL:
            mask[0] = self.ones
        elif not self.is_maskable:
            return False
        if self.kind == KIND_INTEGER:
            if not scan_number(s, end, &value.low):
                return False
            if slash != NULL and not scan_number(slash + 1, n - end - 1, &mask.low):
                return False
            return self.n_bytes >= 8 or not (value.low | mask.low) >> (8 * self.n_bytes)
        if self.kind == KIND_MAC:
            return scan_mac(s, end, &value.low) and (slash == NULL or scan_mac(slash + 1, n - end - 1, &mask.low))
        if self.kind == KIND_IPV4:
            if not scan_ipv4(s, end, &value.low):
                return False
            if slash == NULL or scan_ipv4(slash + 1, n - end - 1, &mask.low):
                return True
            if n - end > 3 or not scan_number(slash + 1, n - end - 1, &n_bits) or n_bits > 32:
                return False
            mask.low = <uint32_t>(<uint64_t>0xFFFFFFFF << (32 - n_bits))
            return True
        if self.kind == KIND_IPV6:
            if not scan_ipv6(s, end, value):
                return False
            if slash == NULL:
                return True
            if n - end > 4 or is_hexadecimal(slash + 1, n - end - 1) or (
                    not scan_number(slash + 1, n - end - 1, &n_bits)) or n_bits > 128:
                return False
            mask.high = ones(<uint32_t>min(n_bits, 64)) << (64 - min(n_bits, 64)) if n_bits else 0
            mask.low = ones(<uint32_t>(n_bits - 64)) << (128 - n_bits) if n_bits > 64 else 0
            return True
        if self.kind == KIND_PORT:
            return slash == NULL and not is_hexadecimal(s, n) and scan_number(s, n, &value.low) and value.low <= 0xFFFF
        return False

    cdef bint read_flags(self, str text, wide* value, wide* mask) except -1:
        """Flags come in few combinations, which are remembered."""
        cdef tuple found = KEPT_FLAGS.get((self.name, text))
        if found is None:
            return False
        value[0] = wide(high=0, low=found[0])
        mask[0] = wide(high=0, low=found[1])
        return True

    cdef int keep_flags(self, str text, tuple read) except -1:
        if len(KEPT_FLAGS) >= MAX_KEPT:
            KEPT_FLAGS.clear()
        KEPT_FLAGS[self.name, text] = read
        return 0


cdef dict KEPT_FLAGS = {}               # (field, text) → value and mask


cdef FieldPlan plan_of(dict plans, str name, type maker):
    cdef FieldPlan plan = plans.get(name)
    if plan is None:
        field = fields.BY_NAME.get(name)
        if field is None:
            return None
        plan = plans.get(field.name)
        if plan is None:
            plan = plans[field.name] = maker(field)
        plans[name] = plan
    return plan


cdef int formats_of(FieldPlan plan, wide mask) noexcept:
    """The formats of flows that can match a field with a mask (OVS mf_set())."""
    cdef wide inverse
    if not (mask.low | mask.high) and not plan.is_option:
        return ANY
    if mask.low == plan.ones.low and mask.high == plan.ones.high:
        return plan.exact
    inverse = wide(high=mask.high ^ plan.ones.high, low=mask.low ^ plan.ones.low)
    if inverse.low & (inverse.low + 1):
        return plan.bitwise
    if inverse.high and (inverse.low != ALL_64 or inverse.high & (inverse.high + 1)):
        return plan.bitwise
    return plan.cidr


cdef int formats_of_any(FieldPlan plan, object mask) except -1:
    """The same for any width."""
    if mask == 0 and not plan.is_option:
        return ANY
    full = plan.field.all_ones
    if mask == full:
        return plan.exact
    inverse = mask ^ full
    return plan.bitwise if inverse & (inverse + 1) else plan.cidr
