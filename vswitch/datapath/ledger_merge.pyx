"""Ledgers of networks that ran side by side become one, in the order in which one thread would have written it.

What: each ledger has the frames of nodes that no wire joins with those of the others. Their order within a ledger stays.
Between ledgers the earlier frame is first; of equal times one that came over a wire, as arrivals have their turn before
captures; of captures' frames the one of the earlier input, as in the merge of captures, and of arrivals that of the ledger
whose last capture's frame was of the earlier input. So the order in which nodes are named does not matter. A capture may go
back in time: a ledger's frames count as no earlier than those before them, so that each ledger is in order by itself.

How it works: the heads of all ledgers stand in a heap. A row is read, numbered anew and written; its outputs, and those of no
frame that stand before them, come with it. How far a frame is behind its cause changes, as rows of others come between: where
each row went is kept in a mapped file, 8 bytes a row, so memory stays bounded.

Thread-safety: one thread; the ledgers must be flushed.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from posix.unistd cimport pread

from vswitch.datapath.ledger cimport (
    LEDGER_CHUNK_ROWS, LEDGER_OWN, NO_CAUSE, Ledger, fate_row, ledger_add_fate, ledger_flush_outputs, ledger_n_outputs,
    output_row,
)

import mmap
import tempfile

from vswitch.capture.output_file import write_error

cdef enum:
    CHUNK_ROWS = 4096               # rows of each kind of each ledger that are in memory


cdef struct row_window:             # rows of a ledger's file, read in chunks
    int fd
    size_t size                     # of a row
    uint64_t n                      # in the file
    uint64_t next                   # the row that is wanted
    char* chunk                     # CHUNK_ROWS at most ...
    uint64_t first                  # ... from this one ...
    uint64_t n_read                 # ... so many

cdef struct ledger_head:            # a ledger that is read
    uint64_t time_ns                # of its next row, or of the latest before
    bint is_capture                 # of equal times, rows from wires are first ...
    uint64_t rank                   # ... then that of the earlier input; of a row from a wire, the last one before it
    uint64_t* places                # where its rows went
    row_window fates
    row_window outputs


cdef bint window_open(row_window* w, int fd, size_t size, uint64_t n) noexcept nogil:
    """False without memory. The chunk is the caller's to free."""
    w.fd = fd
    w.size = size
    w.n = n
    w.chunk = <char*>calloc(CHUNK_ROWS, size)
    return w.chunk != NULL


cdef const void* window_row(row_window* w) noexcept nogil:
    """The row that is wanted, or NULL after an error."""
    cdef size_t done = 0
    cdef ssize_t got
    if w.next >= w.first + w.n_read:
        w.first = w.next
        w.n_read = min(<uint64_t>CHUNK_ROWS, w.n - w.next)
        while done < w.n_read * w.size:
            got = pread(w.fd, w.chunk + done, w.n_read * w.size - done, w.first * w.size + done)
            if got <= 0:
                return NULL
            done += got
    return w.chunk + (w.next - w.first) * w.size


cdef inline bint comes_before(const ledger_head* heads, uint32_t a, uint32_t b) noexcept nogil:
    if heads[a].time_ns != heads[b].time_ns:
        return heads[a].time_ns < heads[b].time_ns
    if heads[a].is_capture != heads[b].is_capture:
        return heads[b].is_capture
    return heads[a].rank < heads[b].rank if heads[a].rank != heads[b].rank else a < b


cdef void sift(uint32_t* heap, uint32_t n, uint32_t at, const ledger_head* heads) noexcept nogil:
    """Lets the ledger at a place of the heap sink to where it belongs."""
    cdef uint32_t moving = heap[at]
    cdef uint32_t below
    while 2 * at + 1 < n:
        below = 2 * at + 1
        if below + 1 < n and comes_before(heads, heap[below + 1], heap[below]):
            below += 1
        if not comes_before(heads, heap[below], moving):
            break
        heap[at] = heap[below]
        at = below
    heap[at] = moving


cdef class _Merge:
    """The memory of a merge."""
    cdef ledger_head* heads
    cdef uint32_t* heap
    cdef uint32_t n
    cdef uint64_t** ranks           # by node and port
    cdef uint32_t* n_ranks
    cdef uint32_t n_nodes
    cdef list files

    def __cinit__(self, ledgers, ranks):
        cdef uint32_t i, j
        cdef Ledger ledger
        cdef unsigned char[::1] view
        self.files = []
        self.n = <uint32_t>len(ledgers)
        self.n_nodes = <uint32_t>len(ranks)
        self.heads = <ledger_head*>calloc(self.n + 1, sizeof(ledger_head))
        self.heap = <uint32_t*>calloc(self.n + 1, sizeof(uint32_t))
        self.ranks = <uint64_t**>calloc(self.n_nodes + 1, sizeof(uint64_t*))
        self.n_ranks = <uint32_t*>calloc(self.n_nodes + 1, sizeof(uint32_t))
        if self.heads == NULL or self.heap == NULL or self.ranks == NULL or self.n_ranks == NULL:
            raise MemoryError
        for i in range(self.n_nodes):
            self.n_ranks[i] = <uint32_t>len(ranks[i])
            self.ranks[i] = <uint64_t*>calloc(self.n_ranks[i] + 1, sizeof(uint64_t))
            if self.ranks[i] == NULL:
                raise MemoryError
            for j in range(self.n_ranks[i]):
                self.ranks[i][j] = ranks[i][j]
        for i in range(self.n):
            ledger = ledgers[i]
            if (not window_open(&self.heads[i].fates, ledger.rows.fates_fd, sizeof(fate_row), ledger.n_fates)
                    or not window_open(&self.heads[i].outputs, ledger.rows.outputs_fd, sizeof(output_row), ledger.n_outputs)):
                raise MemoryError
            if self.heads[i].fates.n:
                file = tempfile.TemporaryFile(dir=ledger.directory)
                file.truncate(self.heads[i].fates.n * sizeof(uint64_t))
                mapped = mmap.mmap(file.fileno(), self.heads[i].fates.n * sizeof(uint64_t))
                view = mapped
                self.heads[i].places = <uint64_t*>&view[0]
                self.files.append((file, mapped, view))

    def __dealloc__(self):
        cdef uint32_t i
        for i in range(self.n):
            if self.heads != NULL:
                free(self.heads[i].fates.chunk)
                free(self.heads[i].outputs.chunk)
        for i in range(self.n_nodes):
            if self.ranks != NULL:
                free(self.ranks[i])
        free(self.heads)
        free(self.heap)
        free(self.ranks)
        free(self.n_ranks)

    cdef bint look(self, ledger_head* head) noexcept nogil:
        """Finds out when a ledger's next row has its turn; False after an error."""
        cdef const fate_row* row = <const fate_row*>window_row(&head.fates)
        if row == NULL:
            return False
        head.time_ns = max(head.time_ns, row.time_ns)
        head.is_capture = row.origin.n_hops == 0
        if head.is_capture and row.origin.node < self.n_nodes and row.port < self.n_ranks[row.origin.node]:
            head.rank = self.ranks[row.origin.node][row.port]
        return True

    cdef bint copy_outputs(self, ledger_head* head, uint64_t end, Ledger merged) noexcept nogil:
        """The outputs before `end`."""
        cdef const output_row* output
        cdef output_row* to
        while head.outputs.next < end:
            output = <const output_row*>window_row(&head.outputs)
            if output == NULL:
                return False
            if merged.rows.n_outputs == LEDGER_CHUNK_ROWS:
                ledger_flush_outputs(&merged.rows)
            to = &merged.rows.outputs[merged.rows.n_outputs]
            to[0] = output[0]
            if output.frame != LEDGER_OWN:
                to.frame = merged.rows.fates_written + merged.rows.n_fates
            merged.rows.n_outputs += 1
            head.outputs.next += 1
        return True

    cdef bint copy(self, ledger_head* head, Ledger merged) noexcept nogil:
        """The next row of a ledger, and its outputs."""
        cdef const fate_row* row = <const fate_row*>window_row(&head.fates)
        cdef fate_row* to
        cdef uint64_t place = merged.rows.fates_written + merged.rows.n_fates
        cdef uint64_t first, behind
        if not self.copy_outputs(head, row.first_output, merged):      # of no frame
            return False
        first = ledger_n_outputs(&merged.rows)
        if not self.copy_outputs(head, row.first_output + row.n_outputs, merged):
            return False
        to = ledger_add_fate(&merged.rows)
        to[0] = row[0]
        to.first_output = first
        if 0 < row.origin.n_behind < NO_CAUSE:
            behind = place - head.places[head.fates.next - row.origin.n_behind]
            to.origin.n_behind = <uint32_t>min(behind, <uint64_t>NO_CAUSE)
        head.places[head.fates.next] = place
        head.fates.next += 1
        return True

    cdef bint run(self, Ledger merged) noexcept nogil:
        cdef uint32_t n = 0, i
        cdef ledger_head* head
        for i in range(self.n):
            if self.heads[i].fates.n:
                if not self.look(&self.heads[i]):
                    return False
                self.heap[n] = i
                n += 1
        for i in range(n // 2, 0, -1):
            sift(self.heap, n, i - 1, self.heads)
        while n:
            head = &self.heads[self.heap[0]]
            if not self.copy(head, merged):
                return False
            if head.fates.next == head.fates.n:
                n -= 1
                self.heap[0] = self.heap[n]
            elif not self.look(head):
                return False
            if n:
                sift(self.heap, n, 0, self.heads)
        for i in range(self.n):     # what nodes sent of their own behind their last frame
            if not self.copy_outputs(&self.heads[i], self.heads[i].outputs.n, merged):
                return False
        return True


def merge_ledgers(ledgers, ranks, Ledger merged):
    """Appends the rows of ledgers to `merged`, which is empty.

    Parameters
    ----------
    ledgers : sequence of Ledger
        Flushed; their nodes have different numbers.
    ranks : sequence of sequence of int
        By node and port: the place of the port's capture among the inputs.

    Raises
    ------
    CaptureError
        A row cannot be read or written.
    """
    cdef _Merge merge = _Merge(ledgers, ranks)
    cdef bint is_read
    with nogil:
        is_read = merge.run(merged)
    merged.flush()
    if not is_read:
        raise write_error(5, f"{merged.directory}: unnamed file of the ledger")
