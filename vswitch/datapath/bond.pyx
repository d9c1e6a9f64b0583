"""Bonds: several ports that act as one (Port with several interfaces).

What OVS calls a bond is a bundle that chooses a member for every frame that leaves, and refuses frames that come in
where they should not. This follows ofproto/bond.c.

* *active-backup*: one member is active. All frames leave there, and only there may they come in.
* *balance-slb*: the source address and VLAN of a frame select one of 256 buckets, and a bucket belongs to a member.
  The switch at the other end knows nothing of the bond and floods back to us what we send it; so multicast is taken
  on the active member alone, and a frame whose source was learned at another bundle is a reflection, unless it is a
  gratuitous ARP: then the station has moved.
* *balance-tcp* works with LACP only. Without it OVS carries no frame at all, and neither do we.

A member is *enabled* while its link is up, after `updelay` and until `downdelay` is over. If all are disabled and one
waits for its updelay, it need not wait any longer. When the active member changes, or any member is disabled, the
bond announces all addresses that are behind other ports (bond_announce.pyx), so that the switches beyond the bond
learn the new way.

Where OVS takes "any" member (its tables are ordered by memory addresses) ours is the first in order of
configuration; and free buckets go to the enabled members in turn, as in OVS, the longest enabled one first.

Members are few and are searched in a list. Per frame there is no search: a port knows its member.
"""
from libc.stdlib cimport calloc, free
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.datapath.bridge cimport (
    BOND_ACTIVE_BACKUP, BOND_BALANCE_SLB, BOND_BALANCE_TCP, BOND_BUCKETS, PORT_DOWN, bond, bond_bucket, bond_member,
    port,
)
from vswitch.tables.mac_table cimport MAC_MULTICAST
from vswitch.tables.ovs_hash cimport ovs_hash_mac


# Set-up.


cdef bond* bond_new() except NULL:
    """A bond without members."""
    cdef bond* b = <bond*>calloc(1, sizeof(bond))
    if b == NULL:
        raise MemoryError
    return b


cdef void bond_free(bond* b) noexcept nogil:
    """Frees a bond. The caller sees to it that no port points to its members."""
    cdef bond_member* m
    if b == NULL:
        return
    while b.members != NULL:
        m = b.members
        b.members = m.next
        free(m)
    free(b)


cdef void bond_configure(bond* b, const bond_settings* settings, bint clears_buckets, uint64_t now_ms) noexcept nogil:
    """Takes over settings; `clears_buckets` if one of those that OVS voids its flows for differs.

    Members are registered afterwards (OVS bond_reconfigure()).
    """
    cdef bint is_new = b.members == NULL
    b.mode = settings.mode
    b.updelay_ms = settings.updelay_ms
    b.downdelay_ms = settings.downdelay_ms
    b.rebalance_interval_ms = settings.rebalance_interval_ms
    b.hash_basis = settings.hash_basis
    b.all_members_active = settings.all_members_active and b.mode == BOND_BALANCE_SLB
    if is_new or clears_buckets or b.changed or b.mode == BOND_ACTIVE_BACKUP:
        memset(b.buckets, 0, sizeof(b.buckets))
        b.next_rebalance_ms = now_ms + b.rebalance_interval_ms
    b.changed = False


cdef int bond_register(bond* b, port* p, bint is_primary) except -1:
    """Makes `p` a member, behind the others, if it is none yet; one whose link is up is enabled at once."""
    cdef bond_member** at = &b.members
    cdef bond_member* m = p.member
    if m == NULL:
        m = <bond_member*>calloc(1, sizeof(bond_member))
        if m == NULL:
            raise MemoryError
        m.port = p
        while at[0] != NULL:
            at = &at[0].next
        at[0] = m
        p.member = m
        b.changed = True
        bond_enable_member(b, m, link_is_up(p))
    m.is_primary = is_primary
    return 0


cdef void bond_unregister(bond* b, port* p) noexcept nogil:
    """`p` is no member any more."""
    cdef bond_member** at = &b.members
    cdef bond_member* m = p.member
    cdef uint32_t i
    if m == NULL:
        return
    b.changed = True
    bond_enable_member(b, m, False)
    for i in range(<uint32_t>BOND_BUCKETS):
        if b.buckets[i].member == m:
            b.buckets[i].member = NULL
    while at[0] != m:
        at = &at[0].next
    at[0] = m.next
    p.member = NULL
    if b.active == m:
        b.active = NULL
        choose_active(b)
        b.announces = True
    free(m)


cdef void bond_enable_member(bond* b, bond_member* m, bint enable) noexcept nogil:
    """Whatever the link: bond_run() turns a member back, after its delay, if the link disagrees."""
    m.delay_expires_ms = BOND_NEVER
    if enable == m.enabled:
        return
    m.enabled = enable
    b.changed = True
    if enable:
        b.last_turn += 1
        m.turn = b.last_turn
    else:
        b.announces = True


cdef void bond_set_active(bond* b, bond_member* m) noexcept nogil:
    """Makes an enabled member the active one, until something else decides otherwise."""
    b.active = m
    b.changed = True
    b.announces = True


# In the course of time.


cdef void bond_run(bond* b, uint64_t now_ms) noexcept nogil:
    """Enables and disables members as their links and delays say, and sees to it that one is active."""
    cdef bond_member* primary = NULL
    cdef bond_member* m = b.members
    while m != NULL:
        update_link(b, m, now_ms)
        if m.is_primary and m.enabled and b.mode == BOND_ACTIVE_BACKUP:
            primary = m
        m = m.next
    if b.active == NULL or not b.active.enabled or (primary != NULL and b.active != primary):
        choose_active(b)
    b.changed = False


cdef bint bond_should_announce(bond* b) noexcept nogil:
    """True once after a change that the switches beyond the bond must learn of."""
    cdef bint announces = b.announces and b.active != NULL and b.mode != BOND_BALANCE_TCP
    b.announces = False
    return announces


cdef uint64_t bond_next_event_ms(const bond* b) noexcept nogil:
    """When the clock must call again; BOND_NEVER."""
    cdef uint64_t next = b.next_rebalance_ms if bond_is_balanced(b) else BOND_NEVER
    cdef const bond_member* m = b.members
    while m != NULL:
        next = min(next, m.delay_expires_ms)
        m = m.next
    return next


cdef inline bint link_is_up(const port* p) noexcept nogil:
    """A patch port has no link that could be down."""
    return p.is_patch or not p.config & PORT_DOWN


cdef void update_link(bond* b, bond_member* m, uint64_t now_ms) noexcept nogil:
    """Starts, stops or ends the delay of a member (OVS bond_link_status_update())."""
    cdef bint up = link_is_up(m.port)
    if (up == m.enabled) != (m.delay_expires_ms == BOND_NEVER):
        if up == m.enabled:
            m.delay_expires_ms = BOND_NEVER         # it came back before the delay was over
        else:
            m.delay_expires_ms = now_ms + (b.updelay_ms if up else b.downdelay_ms)
    if now_ms >= m.delay_expires_ms:
        bond_enable_member(b, m, up)


cdef void choose_active(bond* b) noexcept nogil:
    """Makes the best member the active one; it is enabled if it only waited for its updelay."""
    b.active = best_member(b)
    if b.active != NULL:
        if not b.active.enabled:
            bond_enable_member(b, b.active, True)
        b.announces = True


cdef bond_member* best_member(const bond* b) noexcept nogil:
    """The primary one, the one that is active, any enabled one, or else the one whose updelay is over first."""
    cdef bond_member* first = NULL
    cdef bond_member* waiting = NULL
    cdef bond_member* m = b.members
    while m != NULL:
        if m.enabled:
            if m.is_primary:
                return m
            if first == NULL:
                first = m
        elif m.delay_expires_ms != BOND_NEVER and link_is_up(m.port) and (
                waiting == NULL or m.delay_expires_ms < waiting.delay_expires_ms):
            waiting = m
        m = m.next
    if b.active != NULL and b.active.enabled:
        return b.active
    return first if first != NULL else waiting


# Per frame.


cdef bond_member* bond_choose(bond* b, uint64_t mac, uint16_t vlan) noexcept nogil:
    """The member on which a frame from `mac` leaves, `vlan` being that of its outermost tag; NULL to drop it."""
    cdef bond_bucket* bucket
    if b.mode == BOND_ACTIVE_BACKUP:
        return b.active
    if b.mode == BOND_BALANCE_TCP:
        return NULL
    bucket = &b.buckets[ovs_hash_mac(mac, vlan, b.hash_basis) % BOND_BUCKETS]
    if bucket.member == NULL or not bucket.member.enabled:
        bucket.member = next_in_turn(b)
    return bucket.member


cdef bond_member* bond_would_choose(const bond* b, uint64_t mac, uint16_t vlan) noexcept nogil:
    """What bond_choose() would say, without anything being changed."""
    cdef const bond_bucket* bucket
    if b.mode == BOND_ACTIVE_BACKUP:
        return b.active
    if b.mode == BOND_BALANCE_TCP:
        return NULL
    bucket = &b.buckets[ovs_hash_mac(mac, vlan, b.hash_basis) % BOND_BUCKETS]
    return in_turn(b) if bucket.member == NULL or not bucket.member.enabled else bucket.member


cdef bond_member* in_turn(const bond* b) noexcept nogil:
    """The enabled member whose turn it is, or NULL."""
    cdef bond_member* found = NULL
    cdef bond_member* m = b.members
    while m != NULL:
        if m.enabled and (found == NULL or m.turn < found.turn):
            found = m
        m = m.next
    return found


cdef bond_member* next_in_turn(bond* b) noexcept nogil:
    """The same; it goes to the end of the row."""
    cdef bond_member* found = in_turn(b)
    if found != NULL:
        b.last_turn += 1
        found.turn = b.last_turn
    return found


cdef void bond_account(bond* b, uint64_t mac, uint16_t vlan, uint32_t n_bytes) noexcept nogil:
    """Notes what was sent, for rebalancing."""
    if bond_is_balanced(b):
        b.buckets[ovs_hash_mac(mac, vlan, b.hash_basis) % BOND_BUCKETS].tx_bytes += n_bytes


cdef bond_verdict bond_admits(const bond* b, const port* in_port, uint64_t dl_dst) noexcept nogil:
    """Whether a frame to `dl_dst` may come in at a member (OVS bond_check_admissibility())."""
    if b.mode == BOND_BALANCE_TCP:
        return BOND_DROP
    if b.mode == BOND_BALANCE_SLB:
        if dl_dst & MAC_MULTICAST and b.active != in_port.member and not b.all_members_active:
            return BOND_DROP
        return BOND_DROP_IF_MOVED
    return BOND_ACCEPT if b.active == in_port.member else BOND_DROP
