"""pcapng blocks (draft-ietf-opsawg-pcapng); see pcapng.pyx."""
from libc.stdint cimport uint64_t
from vswitch.capture.record cimport capture_cursor, record

cdef enum:
    PCAPNG_SECTION = 0x0A0D0D0A     # block types
    PCAPNG_INTERFACE = 1
    PCAPNG_PACKET = 2               # obsolete
    PCAPNG_SIMPLE_PACKET = 3
    PCAPNG_ENHANCED_PACKET = 6
    PCAPNG_BYTE_ORDER_MAGIC = 0x1A2B3C4D

# Reads the next record and moves behind it: RECORD_OK, or RECORD_SERVICE with the cursor at a block boundary.
cdef int pcapng_next(capture_cursor* cursor, record* r) noexcept nogil
# The section header or interface description that the cursor waits at (WAIT_BLOCK); its bytes are in the window.
# Moves behind it; `offset` is the block's, for errors. Returns what describes the new interface, None for a section.
cdef object pcapng_read_block(capture_cursor* cursor, str path, uint64_t offset)
