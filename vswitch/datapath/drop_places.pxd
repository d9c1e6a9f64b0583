"""Where frames were dropped: bridge, table and flow, with the reason and how many frames.

A program's operation that may drop says where it comes from, its *site*: the flow whose action it is, or the table where
nothing matched. Nothing is noted while a frame runs; of one that was dropped, the site becomes a *place* at the end, of
which there are few. A place holds a reference to its flow, so that it can be named after it is gone.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from vswitch.datapath.flow_table cimport flow

cdef enum:
    SITE_BITS = 48                  # of a site: no address in user space has more
    MAX_DROP_PLACES = 65536         # what is dropped at more of them is counted without a place
    SITE_NONE = 0                   # else a flow*, or (no address is so small) a table's number + 1

cdef struct drop_place:
    uint64_t site
    uint32_t bridge                 # number
    uint16_t reason                 # fate.pxd
    uint64_t n_frames

cdef struct drop_places:
    drop_place* places
    uint32_t* slots                 # hash table of indices + 1 into `places`, at least twice as many
    uint32_t n
    uint32_t n_allocated
    uint32_t last                   # index of the one that was counted last

# Counts a frame; returns the number of the place, from 1, or 0 if it is not kept.
cdef uint32_t drop_places_count(drop_places* d, uint32_t reason, uint32_t bridge, uint64_t site) noexcept nogil
cdef void drop_places_free(drop_places* d) noexcept nogil

cdef inline flow* site_flow(uint64_t site) noexcept nogil:
    """The flow, or NULL for a site that is a table, or none."""
    return <flow*>site if site > 256 else NULL
