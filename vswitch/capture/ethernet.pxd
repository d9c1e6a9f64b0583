"""How a record of another link type becomes an Ethernet frame; see ethernet.pyx."""
from libc.stdint cimport uint8_t, uint32_t
from vswitch.capture.record cimport frame, record

cdef enum ethernet_encapsulation:
    ENCAPSULATION_ETHERNET          # is one
    ENCAPSULATION_SLL               # Linux cooked
    ENCAPSULATION_SLL2              # Linux cooked, version 2
    ENCAPSULATION_RAW               # an IP packet, its first nibble says which
    ENCAPSULATION_IPV4
    ENCAPSULATION_IPV6
    ENCAPSULATION_NONE              # cannot be one

cdef enum:
    ETHERNET_GROWTH = 14            # bytes by which a frame may be longer than its record

cdef ethernet_encapsulation ethernet_encapsulation_of(uint32_t link_type) noexcept nogil
# Writes the frame of `r` to `room`, which holds caplen + ETHERNET_GROWTH bytes, and points `f` at it.
cdef void ethernet_from_record(const record* r, uint32_t encapsulation, uint8_t* room, frame* f) noexcept nogil
