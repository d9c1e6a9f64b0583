"""pcapng (draft-ietf-opsawg-pcapng): blocks, of which some are records and some say what the others mean.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------------------------------------------------------+
    |                          block type                           |
    +---------------------------------------------------------------+
    |                      block total length                       |
    +---------------------------------------------------------------+
    /                body, padded to a multiple of 4                /
    +---------------------------------------------------------------+
    |                      block total length                       |
    +---------------------------------------------------------------+

What: `pcapng_next()` walks over blocks to the next record: enhanced packet (4.3), simple packet (4.4), or the obsolete
packet block (appendix A). Section headers (4.1) and interface descriptions (4.2) are left to `pcapng_read_block()`,
which may allocate and runs with the GIL; all other blocks, and all options of records, are skipped by their length.

Each section has its own byte order and numbers its interfaces from 0; the cursor numbers them through. A section's
declared length is ignored, as Wireshark does it: the blocks say where they end. Some writers forget the padding in the
block's length, so it is rounded up.

Times are ticks of the interface's if_tsresol since the epoch, to which if_tsoffset is added. Ticks of a microsecond or
nanosecond, with no or a small offset, are one multiplication; everything else goes through 128 bits. What is before the
epoch, or beyond the year 2554 (64 bits of nanoseconds), saturates. A simple packet has no time; it takes that of the
record before it, so that it keeps its place.
"""
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy, memset

from vswitch.capture.byteorder cimport load_u16, load_u32
from vswitch.capture.ethernet cimport ethernet_encapsulation_of
from vswitch.capture.record cimport (
    INPUT_UNKNOWN, PROBLEM_BLOCK_LENGTH, PROBLEM_BYTE_ORDER, PROBLEM_CAPLEN, PROBLEM_CAPTURED, PROBLEM_INTERFACE,
    PROBLEM_TRAILER, RECORD_OK, RECORD_SERVICE, TIME_NS_MAX, WAIT_BAD, WAIT_BLOCK, WAIT_WINDOW, capture_interface,
    cursor_problem,
)

from vswitch.capture.interface import Interface
from vswitch.capture.link_types import max_caplen
from vswitch.errors import UnsupportedCaptureError

cdef extern from *:
    """
    typedef unsigned __int128 vswitch_uint128;
    typedef __int128 vswitch_int128;
    """
    ctypedef unsigned long long uint128_t "vswitch_uint128"
    ctypedef long long int128_t "vswitch_int128"

cdef enum:
    BLOCK_MIN_LEN = 12
    BLOCK_MAX_LEN = 134348832       # bytes: the largest record there is and 128 KiB of options, as in Wireshark
    SECTION_MIN_LEN = 28
    SECTION_MAGIC = 8               # byte offsets in the block
    SECTION_MAJOR = 12
    SECTION_MINOR = 14
    INTERFACE_MIN_LEN = 20
    INTERFACE_LINK_TYPE = 8
    INTERFACE_SNAPLEN = 12
    INTERFACE_OPTIONS = 16
    RECORD_INTERFACE = 8            # enhanced packet: 32 bits, obsolete packet: 16 bits
    RECORD_TICKS = 12
    RECORD_CAPLEN = 20
    RECORD_WIRE_LEN = 24
    RECORD_DATA = 28
    RECORD_MIN_LEN = 32
    SIMPLE_WIRE_LEN = 8
    SIMPLE_DATA = 12
    SIMPLE_MIN_LEN = 16
    OPTION_END = 0
    OPTION_NAME = 2
    OPTION_TSRESOL = 9
    OPTION_FCSLEN = 13
    OPTION_TSOFFSET = 14
    NS_PER_S = 1000000000


cdef int pcapng_next(capture_cursor* cursor, record* r) noexcept nogil:
    cdef const uint8_t* block
    cdef size_t available
    cdef bint swapped
    cdef uint32_t kind, length, value
    cdef size_t padded
    while True:
        block = cursor.pos
        available = cursor.end - block
        if available < BLOCK_MIN_LEN:
            return pcapng_wait(cursor, BLOCK_MIN_LEN)
        swapped = cursor.is_swapped
        kind = load_u32(block, swapped)
        if kind == PCAPNG_SECTION:
            # Its length is in its own byte order, which may be new.
            value = load_u32(block + SECTION_MAGIC, False)
            if value != PCAPNG_BYTE_ORDER_MAGIC and load_u32(block + SECTION_MAGIC, True) != PCAPNG_BYTE_ORDER_MAGIC:
                return pcapng_bad(cursor, PROBLEM_BYTE_ORDER, value)
            swapped = value != PCAPNG_BYTE_ORDER_MAGIC
        length = load_u32(block + 4, swapped)
        if length < BLOCK_MIN_LEN or length > BLOCK_MAX_LEN:
            return pcapng_bad(cursor, PROBLEM_BLOCK_LENGTH, length)
        padded = (<size_t>length + 3) & ~<size_t>3
        if available < padded:
            return pcapng_wait(cursor, padded)
        value = load_u32(block + padded - 4, swapped)
        if value != length:
            return pcapng_bad(cursor, PROBLEM_TRAILER, value)
        if kind == PCAPNG_ENHANCED_PACKET or kind == PCAPNG_PACKET:
            if length < RECORD_MIN_LEN:
                return pcapng_bad(cursor, PROBLEM_BLOCK_LENGTH, length)
            return pcapng_packet(cursor, r, kind == PCAPNG_PACKET, padded)
        if kind == PCAPNG_SIMPLE_PACKET:
            if length < SIMPLE_MIN_LEN:
                return pcapng_bad(cursor, PROBLEM_BLOCK_LENGTH, length)
            return pcapng_simple_packet(cursor, r, padded)
        if kind == PCAPNG_SECTION or kind == PCAPNG_INTERFACE:
            if length < (SECTION_MIN_LEN if kind == PCAPNG_SECTION else INTERFACE_MIN_LEN):
                return pcapng_bad(cursor, PROBLEM_BLOCK_LENGTH, length)
            cursor.wait = WAIT_BLOCK
            return RECORD_SERVICE
        cursor.pos = block + padded


cdef inline int pcapng_wait(capture_cursor* cursor, size_t n_needed) noexcept nogil:
    cursor.wait = WAIT_WINDOW
    cursor.n_needed = n_needed
    return RECORD_SERVICE


cdef int pcapng_bad(capture_cursor* cursor, cursor_problem problem, uint32_t value) noexcept nogil:
    cursor.wait = WAIT_BAD
    cursor.problem = problem
    cursor.problem_value = value
    return RECORD_SERVICE


cdef inline int pcapng_packet(capture_cursor* cursor, record* r, bint is_obsolete, size_t padded) noexcept nogil:
    cdef const uint8_t* block = cursor.pos
    cdef bint swapped = cursor.is_swapped
    cdef capture_interface* interface
    cdef uint32_t number
    cdef uint64_t ticks
    if is_obsolete:
        number = load_u16(block + RECORD_INTERFACE, swapped)    # behind it, 16 bits of drop count
    else:
        number = load_u32(block + RECORD_INTERFACE, swapped)
    if number >= cursor.n_interfaces - cursor.section_start:
        return pcapng_bad(cursor, PROBLEM_INTERFACE, number)
    r.interface = cursor.section_start + number
    interface = &cursor.interfaces[r.interface]
    r.caplen = load_u32(block + RECORD_CAPLEN, swapped)
    r.len = load_u32(block + RECORD_WIRE_LEN, swapped)
    if r.caplen > padded - RECORD_MIN_LEN:
        return pcapng_bad(cursor, PROBLEM_CAPTURED, r.caplen)
    if r.caplen > interface.max_caplen:
        return pcapng_bad(cursor, PROBLEM_CAPLEN, r.caplen)
    r.data = block + RECORD_DATA
    ticks = (<uint64_t>load_u32(block + RECORD_TICKS, swapped) << 32) | load_u32(block + RECORD_TICKS + 4, swapped)
    if ticks <= interface.ticks_max:
        r.time_ns = ticks * interface.ns_per_tick + interface.offset_ns
    else:
        r.time_ns = pcapng_time_ns(interface, ticks)
    cursor.time_ns = r.time_ns
    cursor.pos = block + padded
    return RECORD_OK


cdef int pcapng_simple_packet(capture_cursor* cursor, record* r, size_t padded) noexcept nogil:
    cdef const uint8_t* block = cursor.pos
    cdef capture_interface* interface
    if cursor.n_interfaces == cursor.section_start:
        return pcapng_bad(cursor, PROBLEM_INTERFACE, 0)
    r.interface = cursor.section_start
    interface = &cursor.interfaces[r.interface]
    r.len = load_u32(block + SIMPLE_WIRE_LEN, cursor.is_swapped)
    r.caplen = min(r.len, interface.snaplen) if interface.snaplen else r.len
    if r.caplen > padded - SIMPLE_MIN_LEN:
        return pcapng_bad(cursor, PROBLEM_CAPTURED, r.caplen)
    if r.caplen > interface.max_caplen:
        return pcapng_bad(cursor, PROBLEM_CAPLEN, r.caplen)
    r.data = block + SIMPLE_DATA
    r.time_ns = cursor.time_ns
    cursor.pos = block + padded
    return RECORD_OK


cdef uint64_t pcapng_time_ns(const capture_interface* interface, uint64_t ticks) noexcept nogil:
    """Ticks of any resolution, with any offset, as saturated nanoseconds."""
    cdef uint64_t seconds = 0
    cdef uint64_t rest = ticks
    cdef int128_t total
    if interface.tick_shift:
        if interface.tick_shift < 64:
            seconds = ticks >> interface.tick_shift
            rest = ticks & ((<uint64_t>1 << interface.tick_shift) - 1)
            rest = <uint64_t>((<uint128_t>rest * NS_PER_S) >> interface.tick_shift)
        else:
            rest = <uint64_t>((<uint128_t>rest * NS_PER_S) >> interface.tick_shift)
    elif interface.ticks_per_s:
        seconds = ticks // interface.ticks_per_s
        rest = <uint64_t>(<uint128_t>(ticks % interface.ticks_per_s) * NS_PER_S // interface.ticks_per_s)
    else:
        rest = 0        # 64 bits of such ticks are less than a second; of 10 ** -20 s, not even 0.2 s
    total = (<int128_t>seconds + interface.offset_s) * NS_PER_S + rest
    if total < 0:
        return 0
    if total > <int128_t>TIME_NS_MAX:
        return TIME_NS_MAX
    return <uint64_t>total


cdef object pcapng_read_block(capture_cursor* cursor, str path, uint64_t offset):
    cdef const uint8_t* block = cursor.pos
    cdef uint32_t length
    if load_u32(block, False) != PCAPNG_SECTION:
        length = load_u32(block + 4, cursor.is_swapped)
        interface = pcapng_read_interface(cursor, length)
        cursor.pos = block + ((<size_t>length + 3) & ~<size_t>3)
        return interface
    cursor.is_swapped = load_u32(block + SECTION_MAGIC, False) != PCAPNG_BYTE_ORDER_MAGIC
    length = load_u32(block + 4, cursor.is_swapped)
    major = load_u16(block + SECTION_MAJOR, cursor.is_swapped)
    minor = load_u16(block + SECTION_MINOR, cursor.is_swapped)
    # 1.2 is what an early writer put there; it means 1.0 (4.1).
    if major != 1 or minor not in (0, 2):
        raise UnsupportedCaptureError(
            f"is a pcapng of version {major}.{minor}", path=path, offset=offset + SECTION_MAJOR, magic=bytes(block[:4]),
            hint="version 1.0 can be read",
        )
    cursor.section_start = cursor.n_interfaces
    cursor.pos = block + ((<size_t>length + 3) & ~<size_t>3)
    return None


cdef object pcapng_read_interface(capture_cursor* cursor, uint32_t length):
    """An interface description; options that make no sense are skipped, as Wireshark skips them."""
    cdef const uint8_t* block = cursor.pos
    cdef const uint8_t* end = block + length - 4
    cdef const uint8_t* option = block + INTERFACE_OPTIONS
    cdef bint swapped = cursor.is_swapped
    cdef capture_interface* interface
    cdef uint32_t code, n_value, high, low
    cdef uint32_t tsresol = 6
    cdef uint32_t fcs_len = 0
    cdef int64_t offset_s = 0
    name = ""
    while end - option >= 4:
        code = load_u16(option, swapped)
        n_value = load_u16(option + 2, swapped)
        option += 4
        if code == OPTION_END or <size_t>(end - option) < n_value:
            break
        if code == OPTION_NAME:
            # Some writers count the terminating zero.
            name = option[:n_value].rstrip(b"\0").decode(errors="replace")
        elif code == OPTION_TSRESOL and n_value == 1:
            tsresol = option[0]
        elif code == OPTION_FCSLEN and n_value == 1:
            # Specified in bits, but its own example, and writers that copied it, count bytes.
            fcs_len = option[0] // 8 if option[0] >= 8 else option[0]
        elif code == OPTION_TSOFFSET and n_value == 8:
            high = load_u32(option, swapped)
            low = load_u32(option + 4, swapped)
            if is_little_endian() != swapped:
                high, low = low, high
            offset_s = <int64_t>((<uint64_t>high << 32) | low)
        if <size_t>(end - option) < ((n_value + 3) & ~<uint32_t>3):
            break
        option += (n_value + 3) & ~<uint32_t>3
    interface = pcapng_add_interface(cursor)
    interface.link_type = load_u16(block + INTERFACE_LINK_TYPE, swapped)
    interface.snaplen = load_u32(block + INTERFACE_SNAPLEN, swapped)
    interface.max_caplen = max_caplen(interface.link_type)
    interface.fcs_len = fcs_len
    interface.input = INPUT_UNKNOWN
    interface.encapsulation = ethernet_encapsulation_of(interface.link_type)
    ticks_per_second = (2 if tsresol & 0x80 else 10) ** (tsresol & 0x7F)
    pcapng_set_clock(interface, tsresol, ticks_per_second, offset_s)
    return Interface(name=name, link_type=interface.link_type, snaplen=interface.snaplen,
                     ticks_per_second=ticks_per_second, offset_s=offset_s, fcs_len=fcs_len)


cdef bint is_little_endian() noexcept nogil:
    cdef uint16_t one = 1
    cdef uint8_t first
    memcpy(&first, &one, 1)
    return first == 1


cdef capture_interface* pcapng_add_interface(capture_cursor* cursor) except NULL:
    cdef size_t n_room = 1
    cdef capture_interface* interfaces = cursor.interfaces
    # Room grows in powers of two, so it is used up where the count is one.
    if cursor.n_interfaces & (cursor.n_interfaces - 1) == 0:
        n_room = max(2 * cursor.n_interfaces, 1)
        interfaces = <capture_interface*>realloc(interfaces, n_room * sizeof(capture_interface))
        if interfaces == NULL:
            raise MemoryError
        cursor.interfaces = interfaces
    cursor.n_interfaces += 1
    memset(&interfaces[cursor.n_interfaces - 1], 0, sizeof(capture_interface))
    return &interfaces[cursor.n_interfaces - 1]


cdef int pcapng_set_clock(capture_interface* interface, uint32_t tsresol, object ticks_per_second,
                          int64_t offset_s) except -1:
    interface.offset_s = offset_s
    if tsresol & 0x80 and tsresol & 0x7F:
        interface.tick_shift = tsresol & 0x7F
    else:
        interface.ticks_per_s = ticks_per_second if ticks_per_second < 1 << 64 else 0
    if not tsresol & 0x80 and tsresol <= 9 and 0 <= offset_s <= 1 << 33:
        interface.ns_per_tick = NS_PER_S // ticks_per_second
        interface.offset_ns = offset_s * NS_PER_S
        interface.ticks_max = (<uint64_t>TIME_NS_MAX - interface.offset_ns) // interface.ns_per_tick
    return 0
