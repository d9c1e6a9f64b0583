"""One field of a match as text, in the forms that OVS's ds_put_format() and format_*() give it."""
from libc.stdint cimport uint32_t, uint64_t
from vswitch.wire.text_buffer cimport text_buffer

cdef enum number_format:
    DECIMAL                     # printf's %d
    HEX                         # %#x: zero has no prefix
    HEX_ALWAYS                  # 0x%x
    HEX_BARE                    # %x
    HEX_2                       # 0x%02x
    HEX_4
    HEX_5
    HEX_8

# What follows stands behind what there is, with a comma between.
cdef int put_name(text_buffer* text, const char* name) except -1
# A field whose mask is not shown; nothing if it is zero.
cdef int put_whole(text_buffer* text, const char* name, uint64_t value, uint64_t mask, number_format form) except -1
# A field; nothing if its mask is zero.
cdef int put_field(text_buffer* text, const char* name, uint64_t value, uint64_t mask, uint64_t full,
                   number_format exact, number_format masked) except -1
# ``value`` in the format `exact`, or ``value/mask``, both in the format `masked`.
cdef int put_masked(text_buffer* text, uint64_t value, uint64_t mask, uint64_t full, number_format exact,
                    number_format masked) except -1
cdef int put_mac(text_buffer* text, const char* name, uint64_t mac, uint64_t mask) except -1
# With the prefix length or the mask unless the mask is full.
cdef int put_ipv4(text_buffer* text, const char* name, uint32_t address, uint32_t mask) except -1
cdef int put_ipv6(text_buffer* text, const char* name, const uint64_t* address, const uint64_t* mask) except -1
# Name of a reserved port, else what `port_name` says, else the number.
cdef int put_port(text_buffer* text, const char* name, uint32_t port, object port_name) except -1
# ``syn|ack`` for a match on all flags, ``+syn-ack`` for one on some; 0 if none is set.
cdef int put_flags(text_buffer* text, uint32_t flags, uint32_t mask, const char** names, int n_flags) except -1
# A number as C's printf writes it.
cdef int put_number(text_buffer* text, uint64_t value, number_format form) except -1
cdef int put_hex_128(text_buffer* text, const uint64_t* number) except -1
