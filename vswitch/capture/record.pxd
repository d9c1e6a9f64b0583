"""What captures hand to the datapath, and what the datapath hands back.

`frame` is what the rest of the house sees. `record` and `capture_cursor` are what the readers of this layer share:
a cursor stands somewhere in the bytes of one capture, and `pcap_next()` or `pcapng_next()` move it on by one record.
"""
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

cdef enum:
    FRAMES_END = 0                  # all inputs are read
    FRAMES_SERVICE = -1             # call service() with the GIL, then read again

cdef struct frame:                  # an Ethernet frame on its way in
    const uint8_t* data             # first byte; valid until the next service() call
    uint32_t caplen                 # bytes at `data`
    uint32_t len                    # bytes on the wire (>= caplen)
    uint64_t time_ns                # since the epoch
    uint32_t input                  # number of the input it came from

cdef enum:
    RECORD_OK = 1                   # the record is filled
    RECORD_SERVICE = 0              # the cursor waits for the GIL; its `wait` says what for
    TIME_NS_MAX = 0xFFFFFFFFFFFFFFFE    # later times saturate here, which leaves one value for "no frame"
    INPUT_UNKNOWN = 0xFFFFFFFF      # an interface whose input nobody asked for yet

cdef enum cursor_wait:
    WAIT_WINDOW                     # `n_needed` bytes from `pos` on
    WAIT_BLOCK                      # a pcapng section header or interface description at `pos`
    WAIT_BAD                        # the bytes at `pos` cannot be a record: `problem`
    WAIT_END                        # the capture is read

cdef enum cursor_problem:
    PROBLEM_NONE
    PROBLEM_CAPLEN                  # more captured bytes than any record may have: `problem_value`
    PROBLEM_BLOCK_LENGTH            # a block too short for its type, too long, or not a multiple of 4
    PROBLEM_TRAILER                 # the two lengths of a block differ
    PROBLEM_INTERFACE               # a record of an interface that nothing describes
    PROBLEM_BYTE_ORDER              # a section header without its byte-order magic
    PROBLEM_CAPTURED                # more captured bytes than the block has room for

cdef struct record:                 # a record as the capture holds it, of any link type
    const uint8_t* data             # first byte; valid until the window moves
    uint32_t caplen                 # bytes at `data`
    uint32_t len                    # bytes on the wire, as the file says
    uint64_t time_ns                # since the epoch
    uint32_t interface              # index into the cursor's interfaces

cdef struct capture_interface:
    uint32_t link_type              # LINKTYPE_ number
    uint32_t snaplen                # bytes; 0 for no limit
    uint32_t max_caplen             # bytes; more is garbage
    uint32_t fcs_len                # bytes of checksum at the end of each frame
    uint32_t input                  # where merged frames say they come from, or INPUT_UNKNOWN
    uint32_t encapsulation          # how a record becomes an Ethernet frame (ethernet.pxd)
    uint64_t ns_per_tick            # for the usual clocks: decimal, not finer than 1 ns, no negative offset
    uint64_t ticks_max              # up to here ticks * ns_per_tick + offset_ns is right and does not overflow
    uint64_t offset_ns
    uint64_t ticks_per_s            # decimal resolution; 0 if larger than 64 bits
    uint32_t tick_shift             # binary resolution: 2 ** tick_shift ticks are a second; 0 for decimal
    int64_t offset_s                # if_tsoffset

cdef struct capture_cursor:
    const uint8_t* pos              # next unread byte
    const uint8_t* end              # behind the window's last byte
    uint64_t window_offset          # offset of `end` in the capture
    bint is_swapped                 # the capture (pcapng: this section) is in the other byte order
    bint is_pcapng
    uint32_t ns_per_tick            # pcap: 1000, or 1
    uint32_t header_len             # pcap: bytes of a record's header, 16 but for some old writers
    uint32_t max_caplen             # pcap: bytes; more is garbage
    bint lengths_swapped            # pcap before 2.3 had `len` before `caplen`
    bint lengths_maybe_swapped      # pcap 2.3 had either
    capture_interface* interfaces   # all sections', in order of appearance
    uint32_t n_interfaces
    uint32_t section_start          # index of this section's first interface
    uint64_t time_ns                # of the last record, for those that carry none
    size_t n_needed                 # what WAIT_WINDOW waits for
    cursor_wait wait
    cursor_problem problem
    uint32_t problem_value
