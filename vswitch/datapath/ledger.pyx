"""The ledger's files. See ledger.pxd for the rows and columns.py for NumPy's view of them.

Thread-safety: one replay at a time; read the columns after it ended.
"""
from libc.errno cimport EINTR, errno
from libc.stdlib cimport free, malloc
from posix.unistd cimport write

from vswitch.capture.output_file import write_error


cdef int write_all(int fd, const void* data, size_t n_bytes) noexcept nogil:
    """Writes everything; returns 0 or the errno of what went wrong."""
    cdef const char* at = <const char*>data
    cdef ssize_t n
    while n_bytes:
        n = write(fd, at, n_bytes)
        if n < 0:
            if errno == EINTR:
                continue
            return errno
        at += n
        n_bytes -= n
    return 0


cdef void ledger_flush_outputs(ledger_rows* rows) noexcept nogil:
    if rows.error == 0:
        rows.error = write_all(rows.outputs_fd, rows.outputs, rows.n_outputs * sizeof(output_row))
    rows.outputs_written += rows.n_outputs
    rows.n_outputs = 0


cdef void ledger_flush_fates(ledger_rows* rows) noexcept nogil:
    if rows.error == 0:
        rows.error = write_all(rows.fates_fd, rows.fates, rows.n_fates * sizeof(fate_row))
    rows.fates_written += rows.n_fates
    rows.n_fates = 0


cdef class Ledger:
    """Rows of fates and outputs in two unnamed temporary files.

    Parameters
    ----------
    directory : str or None
        Where the files live (they have no name there); None for the system's place for temporary files.
    """

    def __cinit__(self, directory=None):
        import tempfile  # here, because a replay without a ledger starts sooner

        self.rows.fates = <fate_row*>malloc(LEDGER_CHUNK_ROWS * sizeof(fate_row))
        self.rows.outputs = <output_row*>malloc(LEDGER_CHUNK_ROWS * sizeof(output_row))
        if self.rows.fates == NULL or self.rows.outputs == NULL:
            raise MemoryError
        self.directory = directory or tempfile.gettempdir()
        self.fates_file = tempfile.TemporaryFile(dir=self.directory, buffering=0)
        self.outputs_file = tempfile.TemporaryFile(dir=self.directory, buffering=0)
        self.rows.fates_fd = self.fates_file.fileno()
        self.rows.outputs_fd = self.outputs_file.fileno()

    def __dealloc__(self):
        free(self.rows.fates)
        free(self.rows.outputs)

    def flush(self):
        """Writes what is in memory; raises CaptureError if any row could not be written since the start."""
        ledger_flush_fates(&self.rows)
        ledger_flush_outputs(&self.rows)
        if self.rows.error:
            raise write_error(self.rows.error, f"{self.directory}: unnamed file of the ledger")

    @property
    def n_fates(self):
        """Frames that came in."""
        return self.rows.fates_written + self.rows.n_fates

    @property
    def n_outputs(self):
        """Copies that left, mirror copies included."""
        return ledger_n_outputs(&self.rows)
