"""Express entries of a burst of frames: found for all of them at a time, then taken one after the other."""
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.express cimport express, express_list, express_table
from vswitch.datapath.express_key cimport express_key
from vswitch.datapath.shortcut cimport shortcut_table
from vswitch.datapath.shortcut_burst cimport shortcut_ahead
from vswitch.datapath.source_ports cimport plain_tuples

cdef struct express_burst:
    express_key keys[32]            # BURST
    express* entries[32]            # NULL: the frame has none
    plain_tuples tuples             # of frames that a tunnel with UDP is to carry ...
    uint16_t src_ports[32]          # ... and what they are sent from

# Finds the entries of `n` frames that hold in the state `token`; returns how many have none. `may_end`: nobody in the tables
# of neighbours is due, so that tunnels may end. The frames that come `after` them are brought near, as in burst_look_up().
cdef int express_look_up(port** in_ports, const frame* frames, int n, uint64_t token, bint may_end,
                         express_burst* burst, const frame* after, int n_after) noexcept nogil
# Brings near what express_look_up() and express_run() want to know of frames that come in at many nodes, so that each of them is
# looked up alone.
cdef void express_bring_near(port** in_ports, const frame* frames, int n) noexcept nogil
# Takes frames from `first` on, up to `n` or the first one that has no entry, is older than one before it (`latest_ns`, which
# moves on), or is not before `limit_ns`; returns where it stopped. All by the clock: time stamps minus `offset_ns`.
cdef int express_run(execution* ex, const frame* frames, int first, int n, uint64_t offset_ns, int64_t* latest_ns,
                     int64_t limit_ns, const express_burst* burst, express_list* pending) noexcept nogil
# A frame with this key has taken its shortcuts, which hold in the state `token`: the next one may have an entry.
cdef void express_enter(const express_key* key, port* in_port, const frame* f, const shortcut_ahead* ahead, uint64_t token,
                        express_list* pending) noexcept nogil
# The entries of a bridge are found by what its shortcuts look at, and those behind tunnels; there are `n` bridges.
cdef void express_aim(express_table* table, const shortcut_table* own, shortcut_table** tables, uint32_t n) noexcept nogil


cdef inline int without_entry(const express_burst* burst, const frame* frames, int n, frame* others,
                              int* places) noexcept nogil:
    """Copies the frames without an entry to `others`, and where in the burst they are to `places`; how many they are."""
    cdef int n_others = 0
    cdef int i
    for i in range(n):
        if burst.entries[i] == NULL:
            others[n_others] = frames[i]
            places[n_others] = i
            n_others += 1
    return n_others
