"""Several captures as one stream of frames, ordered by time; ties by the order of the inputs."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.capture.record cimport capture_cursor, frame, record

cdef struct merge_lane:             # one capture
    capture_cursor* cursor
    record head                     # its next record
    uint32_t input
    bint is_plain                   # a pcap whose records are Ethernet frames: nothing to look up per record
    bint is_unknown                 # the head is of an interface whose input nobody asked for yet

cdef struct merge_key:              # a node of the tree: of the heads below it, the one that is next
    uint64_t time_ns                # MERGE_NO_HEAD if there is none
    uint32_t lane

cdef class MergedCaptures:
    cdef readonly list readers      # of CaptureReader, in the order of the inputs
    cdef list resolvers             # per lane: callable(interface name, interface index) -> input number, or None
    cdef list owned                 # readers that close() closes
    cdef merge_lane* lanes
    cdef merge_key* tree            # node k stands over 2 k and 2 k + 1; the leaves are the lanes, tree[1] is the winner
    cdef uint32_t n_leaves          # n_lanes, up to the next power of two
    cdef uint32_t n_lanes
    cdef bint is_started
    cdef bint is_waiting            # the winner's lane has no head until service() found one
    cdef uint8_t* scratch           # frames made of cooked and raw records since the last service()
    cdef size_t scratch_len
    cdef size_t scratch_used
    cdef size_t scratch_needed      # more than there is left: service() empties it
    cdef frame* batch               # for Python's iteration
    cdef int batch_n
    cdef int batch_next
    # Fills up to `n_max` frames in time order. Returns how many (> 0), FRAMES_END or FRAMES_SERVICE.
    # Pointers of frames handed out earlier stay valid until service() is called, so the caller works off
    # its batch first.
    cdef int read(self, frame* frames, int n_max) noexcept nogil
    # Maps or reads the next windows, resolves new pcapng interfaces; raises CaptureError.
    cdef int service(self) except -1
    cdef uint64_t n_bytes_read(self) noexcept nogil     # file bytes consumed so far, for a progress bar
