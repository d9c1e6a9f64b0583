"""The table of places. Most frames that are dropped are dropped where the one before was, so that is looked at first."""
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from vswitch.datapath.flow_table cimport flow_ref, flow_unref


cdef uint32_t drop_places_count(drop_places* d, uint32_t reason, uint32_t bridge, uint64_t site) noexcept nogil:
    cdef uint32_t at = d.last
    if at >= d.n or not is_place(&d.places[at], reason, bridge, site):
        at = find(d, reason, bridge, site)
        if at == MAX_DROP_PLACES:
            return 0
        d.last = at
    d.places[at].n_frames += 1
    return at + 1


cdef inline bint is_place(const drop_place* p, uint32_t reason, uint32_t bridge, uint64_t site) noexcept nogil:
    return p.site == site and p.bridge == bridge and p.reason == reason


cdef inline uint32_t slot_of(const drop_places* d, uint32_t reason, uint32_t bridge, uint64_t site) noexcept nogil:
    """Where a look-up begins."""
    return <uint32_t>(((site >> 4) ^ <uint64_t>bridge << 40 ^ <uint64_t>reason << 56) * <uint64_t>0x9E3779B97F4A7C15
                      >> 32) & (2 * d.n_allocated - 1)


cdef uint32_t find(drop_places* d, uint32_t reason, uint32_t bridge, uint64_t site) noexcept nogil:
    """Index of the place, which may be new; MAX_DROP_PLACES if there is no room."""
    cdef uint32_t slot
    if d.n == d.n_allocated and d.n < MAX_DROP_PLACES:
        grow(d)
    if d.n_allocated == 0:
        return MAX_DROP_PLACES
    slot = slot_of(d, reason, bridge, site)
    while d.slots[slot]:
        if is_place(&d.places[d.slots[slot] - 1], reason, bridge, site):
            return d.slots[slot] - 1
        slot = (slot + 1) & (2 * d.n_allocated - 1)
    if d.n == d.n_allocated:
        return MAX_DROP_PLACES
    d.places[d.n] = drop_place(site=site, bridge=bridge, reason=<uint16_t>reason, n_frames=0)
    if site_flow(site) != NULL:
        flow_ref(site_flow(site))
    d.n += 1
    d.slots[slot] = d.n
    return d.n - 1


cdef void grow(drop_places* d) noexcept nogil:
    """Room for twice as many; without memory it stays as it is."""
    cdef uint32_t n = 2 * d.n_allocated if d.n_allocated else 16
    cdef uint32_t* slots = <uint32_t*>calloc(2 * n, sizeof(uint32_t))
    cdef drop_place* places
    cdef uint32_t i, slot
    if slots == NULL:
        return
    places = <drop_place*>realloc(d.places, n * sizeof(drop_place))
    if places == NULL:
        free(slots)
        return
    free(d.slots)
    d.places = places
    d.slots = slots
    d.n_allocated = n
    for i in range(d.n):
        slot = slot_of(d, places[i].reason, places[i].bridge, places[i].site)
        while slots[slot]:
            slot = (slot + 1) & (2 * n - 1)
        slots[slot] = i + 1


cdef void drop_places_free(drop_places* d) noexcept nogil:
    cdef uint32_t i
    for i in range(d.n):
        if site_flow(d.places[i].site) != NULL:
            flow_unref(site_flow(d.places[i].site))
    free(d.places)
    free(d.slots)
    memset(d, 0, sizeof(drop_places))
