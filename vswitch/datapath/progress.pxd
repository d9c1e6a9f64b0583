"""When a run says how far it is: at once, and then a few times a second, however often it stops for other reasons."""
from libc.stdint cimport uint64_t

from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

cdef enum:
    PROGRESS_INTERVAL_NS = 100000000
    PROGRESS_FIRST = 0              # what a run begins with


cdef inline bint progress_is_due(uint64_t* next_ns) noexcept nogil:
    """True if it is time; the next time is then noted in `next_ns`."""
    cdef timespec now
    cdef uint64_t now_ns
    clock_gettime(CLOCK_MONOTONIC, &now)
    now_ns = <uint64_t>now.tv_sec * 1000000000 + <uint64_t>now.tv_nsec
    if now_ns < next_ns[0]:
        return False
    next_ns[0] = now_ns + PROGRESS_INTERVAL_NS
    return True
