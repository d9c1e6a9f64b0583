"""The queue of frames on wires: an arena for their bytes, a heap for their order.

What: a frame that leaves at a port with a wire is copied, for its bytes may be in a window of a capture that is read on
before it arrives. It arrives at `time + latency`; of frames that arrive at the same time the one that was put on its wire
first is first. So the order depends on nothing but the frames, and every replay has the same.

How it works: frames are put into chunks one behind the other. A chunk that has no frame left is used again, as a whole;
most frames arrive right after they left, so that one chunk serves for all. A frame on a shared segment is kept once, however
many ports it arrives at. The price is that a chunk stays as long as its slowest frame: with a latency, memory grows with what
is on the wires at one time, and nothing else.

Without memory a frame is lost and `out_of_memory` tells; the replay then ends with MemoryError.

Thread-safety: none; a queue belongs to one replay.
"""
from libc.stdlib cimport free, malloc, realloc

cdef enum:
    CHUNK_LEN = 1 << 18             # bytes; a larger frame gets a chunk of its own
    ALIGNMENT = 16


cdef uint8_t* wire_queue_leave(wire_queue* queue, uint32_t end, uint64_t time_ns, uint32_t caplen,
                               uint32_t n_bytes) noexcept nogil:
    """A frame leaves at `end`; returns where its bytes go, or NULL."""
    cdef size_t size = (sizeof(wire_frame) + caplen + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT
    cdef frame_chunk* chunk = queue.chunk
    cdef wire_frame* f
    if chunk == NULL or chunk.size - chunk.used < size:
        chunk = next_chunk(queue, size)
        if chunk == NULL:
            queue.out_of_memory = True
            return NULL
    f = <wire_frame*>(chunk.data + chunk.used)
    chunk.used += size
    chunk.n_frames += 1
    f.next = NULL
    f.chunk = chunk
    f.time_ns = time_ns
    f.cause = queue.cause
    f.end = end
    f.caplen = caplen
    f.len = n_bytes
    f.n_arrivals = 0
    f.n_hops = queue.n_hops + 1
    if queue.left == NULL:
        queue.left = f
    else:
        queue.last_left.next = f
    queue.last_left = f
    return <uint8_t*>f + sizeof(wire_frame)


cdef frame_chunk* next_chunk(wire_queue* queue, size_t size) noexcept nogil:
    """A chunk with room for `size` bytes becomes the one that is filled."""
    cdef frame_chunk* chunk = queue.chunk
    if chunk != NULL and chunk.n_frames == 0:   # otherwise the release of its last frame frees it
        chunk_free(queue, chunk)
    queue.chunk = NULL
    chunk = queue.free_chunks
    if chunk != NULL and size <= CHUNK_LEN:
        queue.free_chunks = chunk.next_free
    else:
        chunk = <frame_chunk*>malloc(sizeof(frame_chunk))
        if chunk == NULL:
            return NULL
        chunk.size = max(size, <size_t>CHUNK_LEN)
        chunk.data = <uint8_t*>malloc(chunk.size)
        if chunk.data == NULL:
            free(chunk)
            return NULL
    chunk.used = 0
    chunk.n_frames = 0
    queue.chunk = chunk
    return chunk


cdef void chunk_free(wire_queue* queue, frame_chunk* chunk) noexcept nogil:
    if chunk.size > CHUNK_LEN:
        free(chunk.data)
        free(chunk)
    else:
        chunk.next_free = queue.free_chunks
        queue.free_chunks = chunk


cdef void wire_queue_arrive_at(wire_queue* queue, wire_frame* f, uint64_t time_ns, uint32_t end) noexcept nogil:
    """Frame `f` will arrive at `end`."""
    cdef wire_arrival* heap = queue.heap
    cdef wire_arrival a
    cdef size_t i, above
    if queue.n_arrivals == queue.heap_size:
        heap = <wire_arrival*>realloc(queue.heap, (2 * queue.heap_size + 64) * sizeof(wire_arrival))
        if heap == NULL:
            queue.out_of_memory = True
            return
        queue.heap = heap
        queue.heap_size = 2 * queue.heap_size + 64
    a = wire_arrival(time_ns=time_ns, sequence=queue.sequence, frame=f, end=end)
    queue.sequence += 1
    f.n_arrivals += 1
    i = queue.n_arrivals
    queue.n_arrivals += 1
    while i:
        above = (i - 1) // 2
        if not is_before(&a, &heap[above]):
            break
        heap[i] = heap[above]
        i = above
    heap[i] = a


cdef wire_arrival wire_queue_pop(wire_queue* queue) noexcept nogil:
    """Takes the next arrival; there must be one. Its frame is the caller's to release."""
    cdef wire_arrival* heap = queue.heap
    cdef wire_arrival first = heap[0]
    cdef wire_arrival a
    cdef size_t i = 0
    cdef size_t below
    queue.n_arrivals -= 1
    a = heap[queue.n_arrivals]
    while True:
        below = 2 * i + 1
        if below >= queue.n_arrivals:
            break
        if below + 1 < queue.n_arrivals and is_before(&heap[below + 1], &heap[below]):
            below += 1
        if not is_before(&heap[below], &a):
            break
        heap[i] = heap[below]
        i = below
    heap[i] = a
    return first


cdef inline bint is_before(const wire_arrival* a, const wire_arrival* b) noexcept nogil:
    return a.time_ns < b.time_ns or (a.time_ns == b.time_ns and a.sequence < b.sequence)


cdef void wire_queue_release(wire_queue* queue, wire_frame* f) noexcept nogil:
    """One arrival of `f` has happened, or it has none."""
    cdef frame_chunk* chunk = f.chunk
    if f.n_arrivals:
        f.n_arrivals -= 1
    if f.n_arrivals:
        return
    chunk.n_frames -= 1
    if chunk.n_frames == 0:
        if chunk == queue.chunk:
            chunk.used = 0
        else:
            chunk_free(queue, chunk)


cdef void wire_queue_free(wire_queue* queue) noexcept nogil:
    """Frees everything; what is on a wire is lost."""
    cdef frame_chunk* chunk
    cdef wire_frame* f = queue.left
    while f != NULL:
        queue.left = f.next
        f.n_arrivals = 0
        wire_queue_release(queue, f)
        f = queue.left
    while queue.n_arrivals:
        wire_queue_release(queue, wire_queue_pop(queue).frame)
    if queue.chunk != NULL:
        chunk_free(queue, queue.chunk)
        queue.chunk = NULL
    while queue.free_chunks != NULL:
        chunk = queue.free_chunks
        queue.free_chunks = chunk.next_free
        free(chunk.data)
        free(chunk)
    free(queue.heap)
    queue.heap = NULL
    queue.heap_size = 0
