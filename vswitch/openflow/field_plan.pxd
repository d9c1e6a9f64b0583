"""The rows of the table of fields as C values: how a field is written, where it lies in the flow key.

Where a dict and Python's integers would do for one flow, a hundred thousand flows ask a few of them millions of times.
"""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.openflow.scan cimport wide

cdef extern from "<stdint.h>":
    const uint64_t ALL_64 "UINT64_MAX"

cdef struct run:                        # bits of a field within one word of the flow key
    uint32_t word
    uint32_t shift
    uint32_t n_bits

cdef enum value_kind:                   # how a value is written
    KIND_OTHER = 0                      # as values.py reads it
    KIND_INTEGER = 1
    KIND_MAC = 2
    KIND_IPV4 = 3
    KIND_IPV6 = 4
    KIND_PORT = 5
    KIND_FLAGS = 6

cdef enum match_special:                # what a field writes in a match (OVS mf_set()), if not its own bits
    WRITES_ITSELF = 0
    WRITES_DL_VLAN = 1
    WRITES_VLAN_VID = 2
    WRITES_VLAN_PCP = 3
    WRITES_NW_TOS = 4
    WRITES_IPV6_LABEL = 5
    WRITES_ONES = 6                     # only bits that are set are matched on: OVS takes the value for the mask
    WRITES_BYTE = 7                     # a byte in a member of 16 bits, and all of these count
    WRITES_IN_PORT = 8                  # 16 bits in a member of 32

cdef class FieldPlan:
    """What reading a field takes, as C values."""
    cdef readonly object field          # of the table in fields.py
    cdef readonly str name
    cdef value_kind kind
    cdef match_special special
    cdef bint is_maskable
    cdef bint is_option                 # of a tunnel
    cdef int n_bytes                    # on the wire
    cdef int exact, cidr, bitwise       # formats of flows that can match it so
    cdef wide ones                      # the mask of all its bytes, of at most 128 bits
    cdef int n_runs                     # 0 for a field of more than 128 bits
    cdef run[4] runs                    # least significant first

    cdef bint read_plain(self, str text, wide* value, wide* mask) except -1     # False: values.py must read it
    cdef bint read_flags(self, str text, wide* value, wide* mask) except -1
    cdef int keep_flags(self, str text, tuple read) except -1

# The plan of a field by its name or an alias, None if it is no field's. It is kept in `plans`, and made by `maker` when it is
# first asked for: there are many fields, and flows have few.
cdef FieldPlan plan_of(dict plans, str name, type maker)
cdef run member(str name, uint32_t n_bits, uint32_t offset=*)   # of the flow key, `offset` bytes behind its start
cdef wide wide_of(object number)
cdef int formats_of(FieldPlan plan, wide mask) noexcept
cdef int formats_of_any(FieldPlan plan, object mask) except -1

cdef inline uint64_t ones(uint32_t n_bits) noexcept nogil:
    return ALL_64 if n_bits >= 64 else (<uint64_t>1 << n_bits) - 1


cdef inline uint64_t bits_at(wide number, uint32_t low, uint32_t n_bits) noexcept nogil:
    """A run of at most 64 bits from bit `low` up."""
    cdef uint64_t found
    if low >= 64:
        found = number.high >> (low - 64)
    else:
        found = number.low >> low
        if low:
            found |= number.high << (64 - low)
    return found & ones(n_bits)
