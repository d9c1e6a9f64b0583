"""Frames for the controller, kept until Python takes them."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

cdef enum:
    MAX_PACKET_INS = 65536          # kept at a time; more are counted and lost, as by a controller that is busy

cdef struct packet_in_spec:         # what OP_CONTROLLER sends; one block of memory, the program's own
    uint16_t controller
    uint16_t max_len                # what the action says; as in OVS, which has no buffers, the whole frame is sent
    uint8_t reason                  # OFPR_*
    uint8_t table
    bint pause
    uint32_t flow                   # number
    uint32_t meter                  # 0xFFFFFFFF: none
    uint64_t cookie
    uint32_t n_userdata
    uint8_t userdata[1]             # ... n_userdata bytes

cdef struct packet_in:
    uint32_t bridge
    uint32_t in_port                # OpenFlow number
    uint16_t controller
    uint16_t max_len
    uint8_t reason
    uint8_t table
    uint32_t flow
    uint64_t cookie
    uint64_t metadata[16]           # METADATA_WORDS first words of the flow key
    uint64_t tunnel[47]             # ... and those from ct_nw_src on
    uint32_t n_userdata
    uint8_t* userdata

cdef struct packet_in_queue:
    packet_in* entries
    uint32_t n
    uint32_t n_allocated
    uint64_t n_lost

cdef packet_in* packet_in_add(packet_in_queue* q, const packet_in_spec* spec) noexcept nogil
cdef void packet_in_clear(packet_in_queue* q) noexcept nogil
