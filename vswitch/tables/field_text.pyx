"""One field of a match as text.

Thread-safety: no state.
"""
from libc.stdint cimport uint32_t, uint64_t

from vswitch.wire.text_buffer cimport (
    text_buffer, text_put, text_put_decimal, text_put_hex, text_put_ipv4, text_put_ipv6, text_put_mac, text_put_str,
)

cdef extern from "<stdint.h>":
    const uint64_t UINT64_MAX
    const uint32_t UINT32_MAX

cdef const char* RESERVED_PORTS[9]          # OFPP_ values of OpenFlow 1.0 from 0xFFF7 on, which flow keys hold
RESERVED_PORTS[:] = [b"UNSET", b"IN_PORT", b"TABLE", b"NORMAL", b"FLOOD", b"ALL", b"CONTROLLER", b"LOCAL", b"ANY"]
cdef enum:
    FIRST_RESERVED_PORT = 0xFFF7
    LAST_RESERVED_PORT = 0xFFFF

cdef enum:
    MAC_BITS = 48


cdef int put_name(text_buffer* text, const char* name) except -1:
    if text.n:
        text_put(text, b",")
    return text_put(text, name)


cdef int put_whole(text_buffer* text, const char* name, uint64_t value, uint64_t mask, number_format form) except -1:
    if mask:
        put_name(text, name)
        put_number(text, value, form)
    return 0


cdef int put_field(text_buffer* text, const char* name, uint64_t value, uint64_t mask, uint64_t full,
                   number_format exact, number_format masked) except -1:
    if mask:
        put_name(text, name)
        put_masked(text, value, mask, full, exact, masked)
    return 0


cdef int put_masked(text_buffer* text, uint64_t value, uint64_t mask, uint64_t full, number_format exact,
                    number_format masked) except -1:
    put_number(text, value, exact if mask == full else masked)
    if mask != full:
        text_put(text, b"/")
        put_number(text, mask, masked)
    return 0


cdef int put_mac(text_buffer* text, const char* name, uint64_t mac, uint64_t mask) except -1:
    if mask:
        put_name(text, name)
        text_put_mac(text, mac)
        if mask != (<uint64_t>1 << MAC_BITS) - 1:
            text_put(text, b"/")
            text_put_mac(text, mask)
    return 0


cdef int put_ipv4(text_buffer* text, const char* name, uint32_t address, uint32_t mask) except -1:
    if mask:
        put_name(text, name)
        text_put_ipv4(text, address)
        if mask != UINT32_MAX:
            text_put(text, b"/")
            if is_prefix(mask):
                text_put_decimal(text, n_ones(mask))
            else:
                text_put_ipv4(text, mask)
    return 0


cdef int put_ipv6(text_buffer* text, const char* name, const uint64_t* address, const uint64_t* mask) except -1:
    if mask[0] or mask[1]:
        put_name(text, name)
        text_put_ipv6(text, address[0], address[1])
        if mask[0] & mask[1] != UINT64_MAX:
            text_put(text, b"/")
            if is_prefix_128(mask):
                text_put_decimal(text, n_ones(mask[0]) + n_ones(mask[1]))
            else:
                text_put_ipv6(text, mask[0], mask[1])
    return 0


cdef bint is_prefix(uint32_t mask) noexcept nogil:
    """Do only zeros follow the leading ones?"""
    cdef uint32_t inverse = ~mask
    return inverse & (inverse + 1) == 0


cdef bint is_prefix_128(const uint64_t* mask) noexcept nogil:
    cdef uint64_t inverse = ~mask[0] if mask[1] == 0 else ~mask[1]
    return inverse & (inverse + 1) == 0 and (mask[1] == 0 or mask[0] == UINT64_MAX)


cdef uint32_t n_ones(uint64_t mask) noexcept nogil:
    cdef uint32_t n = 0
    while mask:
        mask &= mask - 1
        n += 1
    return n


cdef int put_port(text_buffer* text, const char* name, uint32_t port, object port_name) except -1:
    put_name(text, name)
    if FIRST_RESERVED_PORT <= port <= LAST_RESERVED_PORT:
        return text_put(text, RESERVED_PORTS[port - FIRST_RESERVED_PORT])
    if port_name is None:
        return text_put_decimal(text, port)
    return text_put_str(text, port_name(port))


cdef int put_flags(text_buffer* text, uint32_t flags, uint32_t mask, const char** names, int n_flags) except -1:
    cdef bint is_whole = mask == (1 << n_flags) - 1, is_first = True
    cdef int i
    if not mask:
        return text_put(text, b"0/0")
    for i in range(n_flags):
        if is_whole:
            if flags >> i & 1:
                if not is_first:
                    text_put(text, b"|")
                is_first = False
                text_put(text, names[i])
        elif mask >> i & 1:
            if flags >> i & 1:
                text_put(text, b"+")
            else:
                text_put(text, b"-")
            text_put(text, names[i])
    if is_whole and is_first:
        text_put(text, b"0")
    return 0


cdef int put_number(text_buffer* text, uint64_t value, number_format form) except -1:
    if form == DECIMAL or (form == HEX and value == 0):
        return text_put_decimal(text, value)
    if form != HEX_BARE:
        text_put(text, b"0x")
    return text_put_hex(text, value, 2 if form == HEX_2 else 4 if form == HEX_4 else 5 if form == HEX_5 else
                        8 if form == HEX_8 else 1)


cdef int put_hex_128(text_buffer* text, const uint64_t* number) except -1:
    if not number[0]:
        return put_number(text, number[1], HEX)
    put_number(text, number[0], HEX)
    return text_put_hex(text, number[1], 16)
