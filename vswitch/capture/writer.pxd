"""Buffered capture files, filled by the datapath without the GIL."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct capture_writer          # private to writer.pyx, apart from the inline fast path's members

# Begins a record of `caplen` bytes (`len` on the wire) at `time_ns` and returns where the caller must put its bytes
# at once; NULL after a write error (the error is raised when the writer is flushed or closed).
# `interface` is a pcapng interface number, ignored by pcap.
cdef uint8_t* capture_writer_reserve(capture_writer* writer, uint32_t interface, uint64_t time_ns,
                                     uint32_t caplen, uint32_t len) noexcept nogil
