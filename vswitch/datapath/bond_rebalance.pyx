"""Moving load between the members of a balancing bond (OVS bond_rebalance()).

Every `rebalance_interval_ms` the busiest member gives buckets to the idlest one, heaviest bucket first, as long as
that brings both clearly nearer to the mean: a difference below 3 % or 100,000 bytes is left alone, and so is a bucket
whose move would gain less than a tenth of what is missing. Then all counts are halved, so that the past fades.

A bucket moves once per rebalancing. The members are kept sorted by load; where loads are equal the order is that of
configuration, and buckets of equal load go by number (in OVS both are arbitrary).
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from vswitch.datapath.bond cimport bond_is_balanced
from vswitch.datapath.bridge cimport BOND_BUCKETS, bond, bond_bucket, bond_member

cdef enum:
    OVERLOAD_MIN = 100000           # bytes; about 1 Mbit/s over the default interval

cdef struct balance:
    bond* bond
    uint32_t order[256]             # the buckets that carried something, heaviest first
    uint32_t n_buckets
    uint8_t moved[256]              # by bucket
    bond_member** members           # the enabled ones, busiest first
    uint32_t n_members


cdef void bond_rebalance(bond* b, uint64_t now_ms) noexcept nogil:
    """Evens out the members' load if it is time to."""
    cdef balance state
    cdef uint32_t chosen[256]
    cdef uint32_t i, n, n_members = 0
    cdef bond_member* busiest
    cdef bond_member* idlest
    cdef bond_member* m = b.members
    if not bond_is_balanced(b) or now_ms < b.next_rebalance_ms:
        return
    b.next_rebalance_ms = now_ms + b.rebalance_interval_ms
    while m != NULL:
        n_members += 1
        m = m.next
    state.members = <bond_member**>malloc((n_members + 1) * sizeof(bond_member*))
    if state.members == NULL:
        return                      # without memory the load stays where it is
    weigh(&state, b)
    while state.n_members > 1:
        busiest = state.members[0]
        idlest = state.members[state.n_members - 1]
        if (busiest.tx_bytes - idlest.tx_bytes < idlest.tx_bytes >> 5
                or busiest.tx_bytes - idlest.tx_bytes < OVERLOAD_MIN):
            break
        n = choose_buckets(&state, busiest, idlest.tx_bytes, chosen)
        if n == 0:
            remove_member(&state, busiest)
        for i in range(n):
            move_bucket(&state, chosen[i], idlest)
    free(state.members)
    for i in range(<uint32_t>BOND_BUCKETS):
        b.buckets[i].tx_bytes //= 2


cdef void weigh(balance* state, bond* b) noexcept nogil:
    """Sorts buckets and members by load."""
    cdef uint32_t i, j
    cdef bond_member* m = b.members
    state.bond = b
    state.n_buckets = state.n_members = 0
    memset(state.moved, 0, sizeof(state.moved))
    while m != NULL:
        m.tx_bytes = 0
        m = m.next
    for i in range(<uint32_t>BOND_BUCKETS):
        if b.buckets[i].member == NULL or b.buckets[i].tx_bytes == 0:
            continue
        b.buckets[i].member.tx_bytes += b.buckets[i].tx_bytes
        j = state.n_buckets
        while j and b.buckets[state.order[j - 1]].tx_bytes < b.buckets[i].tx_bytes:
            state.order[j] = state.order[j - 1]
            j -= 1
        state.order[j] = i
        state.n_buckets += 1
    m = b.members
    while m != NULL:
        if m.enabled:
            insert_member(state, m)
        m = m.next


cdef uint32_t choose_buckets(const balance* state, const bond_member* busiest, uint64_t idlest_bytes,
                             uint32_t* chosen) noexcept nogil:
    """Which buckets of the busiest member to move to a member with `idlest_bytes` of load; returns how many."""
    cdef uint64_t missing = (busiest.tx_bytes + idlest_bytes) // 2 - idlest_bytes
    cdef uint64_t worthwhile = missing // 10
    cdef uint64_t moving = 0, n_bytes = 0, low
    cdef uint32_t i, last = 0, n_own = 0, n = 0
    cdef const bond_bucket* bucket
    cdef bint is_enough = False
    for i in range(state.n_buckets):
        bucket = &state.bond.buckets[state.order[i]]
        if bucket.member != busiest or state.moved[state.order[i]]:
            continue
        n_own += 1
        last = state.order[i]
        n_bytes = bucket.tx_bytes
        if is_enough:
            continue
        if moving + n_bytes <= missing:
            chosen[n] = last
            n += 1
            moving += n_bytes
        is_enough = missing - moving < worthwhile
    if n_own < 2:
        return 0                    # all of its load is one bucket's: elsewhere it would be no better off
    if n == 0:
        chosen[0] = last            # all are too heavy; the lightest is the nearest
        n = 1
        moving = n_bytes
    low = min(busiest.tx_bytes - moving, idlest_bytes + moving)
    return n if low > idlest_bytes and low - idlest_bytes >= worthwhile else 0


cdef void move_bucket(balance* state, uint32_t number, bond_member* to) noexcept nogil:
    cdef bond_bucket* bucket = &state.bond.buckets[number]
    cdef bond_member* busiest = bucket.member
    busiest.tx_bytes -= bucket.tx_bytes
    to.tx_bytes += bucket.tx_bytes
    bucket.member = to
    state.moved[number] = True
    remove_member(state, busiest)
    insert_member(state, busiest)
    remove_member(state, to)
    insert_member(state, to)


cdef void insert_member(balance* state, bond_member* m) noexcept nogil:
    """Before the first member that carries less."""
    cdef uint32_t i = 0, j
    while i < state.n_members and m.tx_bytes <= state.members[i].tx_bytes:
        i += 1
    for j in range(state.n_members, i, -1):
        state.members[j] = state.members[j - 1]
    state.members[i] = m
    state.n_members += 1


cdef void remove_member(balance* state, const bond_member* m) noexcept nogil:
    cdef uint32_t i, n = 0
    for i in range(state.n_members):
        if state.members[i] != m:
            state.members[n] = state.members[i]
            n += 1
    state.n_members = n
