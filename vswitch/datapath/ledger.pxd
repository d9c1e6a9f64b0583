"""The ledger: one row for every frame that came in, one for every copy that left.

Rows are collected here without the GIL and streamed to a file in chunks, so memory does not grow with the capture.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.capture.record cimport frame

cdef extern from "<stdint.h>":
    const uint64_t LEDGER_OWN "UINT64_MAX"      # `frame` of what the switch itself sent
    const uint32_t NO_CAUSE "UINT32_MAX"        # `n_behind` of what stands further up than it can say

cdef enum:
    LEDGER_CHUNK_ROWS = 8192        # rows of each kind that are kept in memory

cdef struct row_origin:             # where a frame comes from; 8 bytes
    uint32_t n_behind               # how many rows further up the frame is that caused it; 0: none, or NO_CAUSE
    uint16_t node                   # number of the node; 0 where there is one
    uint16_t n_hops                 # wires that it came over; 0: it was in a capture

cdef struct fate_row:               # 48 bytes; `FATE_DTYPE` in columns.py says the same
    uint64_t time_ns
    uint64_t first_output           # index of its first row among the outputs
    uint32_t n_outputs              # rows there, mirror copies included
    uint32_t port                   # where it came in
    uint32_t program                # what the first bridge ran
    uint32_t len                    # bytes on the wire
    uint16_t bridge                 # that dropped it
    uint8_t fate
    uint8_t pad
    uint32_t place                  # number of where it was dropped (drop_places.pxd); 0: nowhere that is kept
    row_origin origin

cdef struct output_row:             # 24 bytes; `OUTPUT_DTYPE` in columns.py
    uint64_t frame                  # index of its row among the fates, or LEDGER_OWN
    uint32_t port                   # where it left
    uint32_t len
    uint8_t is_mirror
    uint8_t pad
    uint16_t node                   # where it left
    uint8_t pad2[4]

cdef struct ledger_rows:
    fate_row* fates
    output_row* outputs
    uint32_t n_fates                # in memory
    uint32_t n_outputs
    uint64_t fates_written          # in the files
    uint64_t outputs_written
    int fates_fd
    int outputs_fd
    row_origin origin               # of the frame that is switched now; all zero where there is one node
    bint is_own                     # outputs added now are the switch's own: of no frame that came in
    int error                       # errno of the first write that failed; rows after it are lost

cdef void ledger_flush_outputs(ledger_rows* rows) noexcept nogil
cdef void ledger_flush_fates(ledger_rows* rows) noexcept nogil

cdef inline uint64_t ledger_n_outputs(const ledger_rows* rows) noexcept nogil:
    return rows.outputs_written + rows.n_outputs

cdef inline void ledger_add_output(ledger_rows* rows, uint32_t port, uint32_t n_bytes, bint is_mirror) noexcept nogil:
    """A copy of the frame whose fate is the next to be added, or a frame of the switch's own, left at `port`."""
    if rows.n_outputs == LEDGER_CHUNK_ROWS:
        ledger_flush_outputs(rows)
    rows.outputs[rows.n_outputs] = output_row(
        frame=LEDGER_OWN if rows.is_own else rows.fates_written + rows.n_fates, port=port, len=n_bytes, is_mirror=is_mirror, pad=0,
        node=rows.origin.node, pad2=[0, 0, 0, 0])
    rows.n_outputs += 1

cdef inline fate_row* ledger_add_fate(ledger_rows* rows) noexcept nogil:
    """The next row, for the caller to fill."""
    if rows.n_fates == LEDGER_CHUNK_ROWS:
        ledger_flush_fates(rows)
    rows.n_fates += 1
    return &rows.fates[rows.n_fates - 1]

cdef inline void ledger_record_fate(ledger_rows* rows, const frame* f, uint32_t port, uint32_t fate, uint32_t place,
                                    uint16_t bridge, uint32_t program, uint64_t first_output) noexcept nogil:
    """What became of the frame that came in at `port`, whose outputs are those from `first_output` on."""
    cdef fate_row* row = ledger_add_fate(rows)
    row.time_ns = f.time_ns
    row.first_output = first_output
    row.n_outputs = <uint32_t>(ledger_n_outputs(rows) - first_output)
    row.port = port
    row.program = program
    row.len = f.len
    row.bridge = bridge
    row.fate = <uint8_t>fate
    row.pad = 0
    row.place = place
    row.origin = rows.origin

cdef class Ledger:
    cdef ledger_rows rows
    cdef readonly str directory
    cdef readonly object fates_file
    cdef readonly object outputs_file
