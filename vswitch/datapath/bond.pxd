"""Bonds: which member of a bundle frames leave on, and on which they may come in. See bond.pyx for the rules.

The structs are in bridge.pxd. Times are milliseconds of the clock, which starts at 0 with the set-up.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.datapath.bridge cimport BOND_ACTIVE_BACKUP, bond, bond_member, port

cdef extern from "<stdint.h>":
    const uint64_t BOND_NEVER "UINT64_MAX"

cdef enum bond_verdict:
    BOND_ACCEPT
    BOND_DROP
    BOND_DROP_IF_MOVED              # drop if the source was learned at another bundle

cdef struct bond_settings:
    uint8_t mode                    # bond_mode
    uint64_t updelay_ms
    uint64_t downdelay_ms
    uint64_t rebalance_interval_ms  # 0: never
    uint32_t hash_basis
    bint all_members_active

# Set-up.
cdef bond* bond_new() except NULL
cdef void bond_free(bond* b) noexcept nogil
cdef void bond_configure(bond* b, const bond_settings* settings, bint clears_buckets, uint64_t now_ms) noexcept nogil
cdef int bond_register(bond* b, port* p, bint is_primary) except -1
cdef void bond_unregister(bond* b, port* p) noexcept nogil

# The operator's commands.
cdef void bond_enable_member(bond* b, bond_member* m, bint enable) noexcept nogil
cdef void bond_set_active(bond* b, bond_member* m) noexcept nogil

# After every change, and when the clock reaches bond_next_event_ms().
cdef void bond_run(bond* b, uint64_t now_ms) noexcept nogil
cdef bint bond_should_announce(bond* b) noexcept nogil
cdef uint64_t bond_next_event_ms(const bond* b) noexcept nogil

# Per frame.
cdef bond_member* bond_choose(bond* b, uint64_t mac, uint16_t vlan) noexcept nogil
cdef bond_member* bond_would_choose(const bond* b, uint64_t mac, uint16_t vlan) noexcept nogil
cdef void bond_account(bond* b, uint64_t mac, uint16_t vlan, uint32_t n_bytes) noexcept nogil
cdef bond_verdict bond_admits(const bond* b, const port* in_port, uint64_t dl_dst) noexcept nogil

cdef inline bint bond_is_balanced(const bond* b) noexcept nogil:
    """True if frames are counted by bucket, and buckets moved from busy members to idle ones."""
    return b.mode != BOND_ACTIVE_BACKUP and b.rebalance_interval_ms != 0
