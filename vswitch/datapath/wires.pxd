"""Frames on wires between nodes: kept from when they leave a port to when they arrive at the far end."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct wire_end:               # where a wire is plugged in
    uint32_t number                 # in Network
    uint32_t wire

cdef struct frame_chunk:            # a piece of memory that holds frames, oldest first
    frame_chunk* next_free
    uint8_t* data
    size_t size
    size_t used
    uint32_t n_frames               # in it that are still on their way

cdef struct wire_frame:             # a frame on a wire; its bytes follow
    wire_frame* next                # that left after it, until both are on their wires
    frame_chunk* chunk
    uint64_t time_ns                # when it left
    uint64_t cause                  # row in the ledger of the frame that caused it, or LEDGER_OWN
    uint32_t end                    # number of the wire_end where it left
    uint32_t caplen
    uint32_t len
    uint32_t n_arrivals             # of it that are still to come
    uint32_t n_hops                 # wires that it has been on, this one included

cdef struct wire_arrival:           # a node of the heap
    uint64_t time_ns
    uint64_t sequence               # of equal times, the smaller one is first
    wire_frame* frame
    uint32_t end                    # number of the wire_end where it arrives

cdef struct wire_queue:
    wire_frame* left                # frames that have left a port and are on no wire yet, in order ...
    wire_frame* last_left
    wire_arrival* heap              # ... and those that are
    size_t n_arrivals
    size_t heap_size
    uint64_t sequence
    frame_chunk* chunk              # where the next frame is put
    frame_chunk* free_chunks
    uint64_t cause                  # of what leaves now
    uint32_t n_hops                 # of the frame that is switched now; 0: it came from a capture
    bint out_of_memory

cdef uint8_t* wire_queue_leave(wire_queue* queue, uint32_t end, uint64_t time_ns, uint32_t caplen,
                               uint32_t n_bytes) noexcept nogil
cdef void wire_queue_arrive_at(wire_queue* queue, wire_frame* f, uint64_t time_ns, uint32_t end) noexcept nogil
cdef wire_arrival wire_queue_pop(wire_queue* queue) noexcept nogil
cdef void wire_queue_release(wire_queue* queue, wire_frame* f) noexcept nogil
cdef void wire_queue_free(wire_queue* queue) noexcept nogil

cdef inline const uint8_t* wire_frame_data(const wire_frame* f) noexcept nogil:
    return <const uint8_t*>f + sizeof(wire_frame)
