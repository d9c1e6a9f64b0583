"""Shortcuts of a burst of frames: found for all of them at a time, then taken one by one."""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.datapath.fabric cimport NS_PER_MS
from vswitch.datapath.shortcut cimport shortcut, shortcut_table

cdef struct shortcut_ahead:          # what was found out of a frame before its turn came
    shortcut* outer                  # NULL: it goes the long way
    shortcut* inner                  # of what is in the tunnel that ends; NULL if none does
    const shortcut_table* table      # of `outer`, and its n_forgotten then
    uint64_t n_forgotten
    const shortcut_table* inner_table
    uint64_t n_inner_forgotten
    uint32_t inner_ofs              # where in the frame that begins
    uint16_t src_port               # for a tunnel's UDP header

# Finds the shortcuts of `n` frames that hold in the state `token`; returns how many have none. `tables` by number of the bridge,
# NULL where there are none.
cdef int shortcuts_look_up(execution* ex, shortcut_table** tables, port** in_ports, const frame* frames, int n, uint64_t token,
                           shortcut_ahead* ahead) noexcept nogil
# Takes a frame where shortcut_holds() was true.
cdef void shortcut_take(execution* ex, port* in_port, const frame* f, const shortcut_ahead* ahead) noexcept nogil
# A frame has gone the long way, has left once, and the datapath's state was `token` before and after that. True if shortcuts of
# its kind are found in another way from now on, and others may have been forgotten.
cdef bint shortcut_note(execution* ex, shortcut_table** tables, port* in_port, const frame* f, uint64_t token) noexcept nogil


cdef inline bint shortcut_holds(const execution* ex, const shortcut_ahead* ahead, const frame* f, uint64_t token) noexcept nogil:
    """True if what was found for a frame still is so, in the state `token`."""
    cdef const shortcut* j = ahead.outer
    cdef uint64_t now_ms
    if ahead.table.n_forgotten != ahead.n_forgotten or j.token != token or f.len > j.max_len:
        return False
    if j.neighbor == NULL:
        return True
    now_ms = ex.clock_ns // NS_PER_MS
    if j.pops == 0:
        return j.neighbor.expires_ms > now_ms
    if (ahead.inner_table.n_forgotten != ahead.n_inner_forgotten or ahead.inner.token != token
            or f.len - ahead.inner_ofs > ahead.inner.max_len):
        return False
    # Who is due must be forgotten first (neighbors_set()).
    return (now_ms < ex.tunnels.neighbors.next_expiry_ms
            and (ahead.inner.neighbor == NULL or ahead.inner.neighbor.expires_ms > now_ms))
