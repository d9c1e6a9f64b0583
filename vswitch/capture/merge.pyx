"""The merge: several captures as one stream of Ethernet frames in the order of time.

What: the captures of a switch's ports were written side by side; a replay must feed their frames in the order in which
they happened. `MergedCaptures` always hands out the earliest of the captures' next frames; of equal times, that of the
capture given first. Inside one capture the order of the file is kept, whatever its time stamps say: only heads are
compared.

How it works: each capture is a lane, whose next record is its head. A tournament (Knuth, TAOCP vol. 3, 5.4.1) keeps
the heads in order: its leaves are the lanes, each inner node holds the winner of the two below, the root the next frame.
When the winner's lane has a new head, only the log2(n) nodes between its leaf and the root are played again. Which lane
wins is as random as traffic is, and a mispredicted branch costs more than the rest of the work on a small frame. So a
game has none: the comparison's mask picks the winner. The lanes stand from left to right, so of equal times the left one
wins, and no lane is compared. (A tree of losers has no left and right, so its keys need the lane as a second word:
18.0 ns a frame with eight captures in memory, against 16.9. Parsing ahead in each lane, to shorten the chain from a
record to the next winner, was measured and cost more than it gave.) What remains is waiting for memory: each record
says where the next one is, so its lane is prefetched some records ahead (pcap.pxd); of many lanes, those that may be next.

A lane that needs its next window, or whose head is of an interface that was not met before, stops the merge: nothing
can be said about the order until its head is known. `read()` then gives what it has, and the next call asks for
service().

Records that are no Ethernet frames are rebuilt (ethernet.pyx) in scratch memory, which service() empties;
so frames handed out keep their bytes just as long as those that point into a window. A checksum that the capture
declares at the end of its frames (FCS) is cut off: a port carries frames without.

Thread-safety: one thread at a time; service() needs the GIL, read() does not.
"""
from libc.stdlib cimport calloc, free, malloc
from vswitch.capture.ethernet cimport (
    ENCAPSULATION_ETHERNET, ENCAPSULATION_NONE, ETHERNET_GROWTH, ethernet_from_record,
)
from vswitch.capture.pcap cimport PCAP_CAPLEN, pcap_next, prefetch
from vswitch.capture.reader cimport CaptureReader, capture_next
from vswitch.capture.record cimport (
    FRAMES_END, FRAMES_SERVICE, INPUT_UNKNOWN, RECORD_OK, WAIT_END, capture_interface,
)

from vswitch.capture.source cimport ByteSource
from vswitch.capture.writer_pool cimport WriterPool

from vswitch.capture.link_types import link_type_name
from vswitch.errors import UnsupportedCaptureError

cdef enum:
    MERGE_SCRATCH_LEN = 1048576     # bytes of rebuilt frames between two services
    WINDOWS_LEN = 8388608           # bytes of all captures' windows, as far as WINDOW_MIN_LEN allows
    WINDOW_MIN_LEN = 16384
    WINDOWS_NEAR_LEN = 524288       # bytes of windows that wait for the switch at a time; few captures have longer ones
    WINDOW_AHEAD_LEN = 65536        # bytes of a window that are worth waking the I/O thread for
    MERGE_BATCH = 64                # frames read ahead by Python's iteration
    MERGE_FORESEEN = 64             # lanes among which most of the next winners are sought, a power of two

cdef extern from *:
    """
    #define MERGE_NO_HEAD 0xFFFFFFFFFFFFFFFEu
    """
    const uint64_t MERGE_NO_HEAD        # above all times that are told apart, those before the year 2554


cdef class MergedCaptures:
    """Frames of several captures, in time order.

    Parameters
    ----------
    inputs : iterable of (capture, input)
        `capture` is a `CaptureReader`, or whatever opens one: a path, ``"-"``, a binary file, an image in memory.
        `input` is the number that its frames carry, or for the interfaces of a pcapng a callable ``(name, index) ->
        number``, which is called when the first record of an interface is met (a pcap has one interface, ``""``). What
        it raises ends the reading.
    mapped : bool
        Map regular files as a whole instead of reading them in windows (for benchmarks).
    pool : WriterPool, optional
        Its I/O thread reads large files ahead; without, each window is read when it is wanted.
    n_captures : int
        Captures that share the memory for windows, if other merges read some at the same time.

    Raises
    ------
    CaptureError
        A capture cannot be opened; while reading, it holds garbage; UnsupportedCaptureError for a link type that has no
        way to Ethernet.

    Notes
    -----
    Iterating gives ``(input, time_ns, len, data)`` tuples.

    Thread-safety: one thread at a time.
    """

    def __cinit__(self):
        self.readers = []
        self.resolvers = []
        self.owned = []

    def __init__(self, inputs, *, mapped=False, WriterPool pool=None, uint32_t n_captures=0):
        cdef CaptureReader reader
        if self.lanes != NULL:
            raise TypeError("a merge is set up once")
        numbers = []
        try:
            for capture, number in inputs:
                if not isinstance(capture, CaptureReader):
                    capture = CaptureReader(capture, mapped=mapped)
                    self.owned.append(capture)
                reader = capture
                if reader.is_lent:
                    raise ValueError(f"{reader.path}: the capture is being read by a merge already")
                reader.is_lent = True
                self.readers.append(reader)
                self.resolvers.append(number if callable(number) else None)
                numbers.append(0 if callable(number) else number)
            self.n_lanes = len(self.readers)
            self.lanes = <merge_lane*>calloc(self.n_lanes + 1, sizeof(merge_lane))
            self.n_leaves = 1
            while self.n_leaves < self.n_lanes:
                self.n_leaves *= 2
            self.tree = <merge_key*>calloc(2 * <size_t>self.n_leaves, sizeof(merge_key))
            if self.lanes == NULL or self.tree == NULL:
                raise MemoryError
            for i in range(self.n_lanes):
                reader = self.readers[i]
                merge_size_window(reader.source, max(self.n_lanes, n_captures), pool)
                self.lanes[i].cursor = &reader.cursor
                self.lanes[i].input = numbers[i]
                if not reader.cursor.is_pcapng:
                    merge_resolve(self, i, 0)
                    self.lanes[i].is_plain = (reader.cursor.interfaces[0].encapsulation == ENCAPSULATION_ETHERNET
                                              and reader.cursor.interfaces[0].fcs_len == 0)
        except BaseException:
            self.close()
            raise

    def __dealloc__(self):
        free(self.lanes)
        free(self.tree)
        free(self.scratch)
        free(self.batch)

    def close(self):
        """Close the captures that were opened here."""
        cdef CaptureReader reader
        self.batch_n = self.batch_next = 0
        self.n_lanes = 0
        self.is_waiting = False
        self.is_started = True
        if self.tree != NULL:
            self.tree[1].time_ns = MERGE_NO_HEAD
        for reader in self.readers:
            reader.is_lent = False
            reader.source.read_ahead(None)
        for reader in self.owned:
            reader.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @property
    def bytes_total(self):
        """Bytes of all captures; None if one is a pipe or compressed."""
        sizes = [reader.n_bytes_total for reader in self.readers]
        return None if None in sizes else sum(sizes)

    @property
    def bytes_read(self):
        """Bytes of all captures read so far."""
        return self.n_bytes_read()

    @property
    def truncated(self):
        """A `TruncatedCaptureError` for each capture that ended inside a record."""
        return [reader.truncated for reader in self.readers if reader.truncated is not None]

    @property
    def resolution(self):
        """``"ns"`` if any interface met so far is finer than microseconds, else ``"us"``."""
        return "ns" if any(reader.resolution == "ns" for reader in self.readers) else "us"

    def __iter__(self):
        return self

    def __next__(self):
        cdef frame* f
        if self.batch == NULL:
            self.batch = <frame*>malloc(MERGE_BATCH * sizeof(frame))
            if self.batch == NULL:
                raise MemoryError
        while self.batch_next == self.batch_n:
            self.batch_next = 0
            self.batch_n = self.read(self.batch, MERGE_BATCH)
            if self.batch_n == FRAMES_SERVICE:
                self.batch_n = 0
                self.service()
            elif self.batch_n == FRAMES_END:
                raise StopIteration
        f = &self.batch[self.batch_next]
        self.batch_next += 1
        return f.input, f.time_ns, f.len, f.data[:f.caplen]

    cdef int read(self, frame* frames, int n_max) noexcept nogil:
        cdef merge_lane* lane
        cdef merge_key winner
        cdef uint32_t number
        cdef int n = 0
        if self.is_waiting or not self.is_started:
            return FRAMES_SERVICE
        winner = self.tree[1]
        if self.n_leaves >= MERGE_FORESEEN:
            merge_foresee(self)
        while n < n_max:
            if winner.time_ns == MERGE_NO_HEAD:
                break
            number = <uint32_t>winner.lane
            lane = &self.lanes[number]
            if lane.is_plain:
                frames[n].data = lane.head.data
                frames[n].caplen = lane.head.caplen
                frames[n].len = max(lane.head.len, lane.head.caplen)
                frames[n].time_ns = lane.head.time_ns
                frames[n].input = lane.input
            elif not merge_convert(self, lane, &frames[n]):
                self.is_waiting = True
                break
            n += 1
            if not merge_next(lane):
                self.is_waiting = True
                break
            winner = merge_replay(self.tree, self.n_leaves, merge_key_of(lane.head.time_ns, number))
        if n:
            return n
        return FRAMES_SERVICE if self.is_waiting else FRAMES_END

    cdef int service(self) except -1:
        cdef uint32_t lane
        cdef merge_key key
        self.scratch_used = 0
        if self.scratch_needed:
            if self.scratch_needed > self.scratch_len:
                free(self.scratch)
                self.scratch_len = max(self.scratch_needed, <size_t>MERGE_SCRATCH_LEN)
                self.scratch = <uint8_t*>malloc(self.scratch_len)
                if self.scratch == NULL:
                    self.scratch_len = 0
                    raise MemoryError
            # The winner's head is still there; it only had no room.
            self.scratch_needed = 0
            self.is_waiting = False
        elif self.is_waiting:
            lane = <uint32_t>self.tree[1].lane
            key = merge_find_head(self, lane)
            merge_replay(self.tree, self.n_leaves, key)
            self.is_waiting = False
        elif not self.is_started:
            merge_start(self)
            self.is_started = True
        return 0

    cdef uint64_t n_bytes_read(self) noexcept nogil:
        cdef uint64_t n = 0
        cdef uint32_t i
        for i in range(self.n_lanes):
            n += self.lanes[i].cursor.window_offset - <uint64_t>(self.lanes[i].cursor.end - self.lanes[i].cursor.pos)
        return n


cdef void merge_size_window(ByteSource source, uint32_t n_lanes, WriterPool pool) noexcept:
    cdef size_t window_len = WINDOWS_LEN // n_lanes
    if pool is not None and window_len // 2 >= WINDOW_AHEAD_LEN:
        source.window_len = max(source.window_len, <size_t>(WINDOWS_NEAR_LEN // n_lanes))
        source.window_len = min(window_len // 2, source.window_len)     # there will be two
        source.read_ahead(pool)
    else:
        source.window_len = min(max(window_len, <size_t>WINDOW_MIN_LEN), source.window_len)


cdef inline merge_key merge_key_of(uint64_t time_ns, uint32_t lane) noexcept nogil:
    cdef merge_key key
    key.time_ns = min(time_ns, MERGE_NO_HEAD - 1)
    key.lane = lane
    return key


cdef inline merge_key merge_replay(merge_key* tree, uint32_t n_leaves, merge_key winner) noexcept nogil:
    """Play the games between a lane's leaf and the root again; returns who wins.

    Nodes are loaded and stored word by word: compilers join whole ones into vectors, whose loads must then wait for two
    stores.
    """
    cdef size_t at = n_leaves + winner.lane
    cdef uint64_t time_ns = winner.time_ns
    cdef uint64_t other
    cdef uint32_t lane = winner.lane
    cdef uint64_t stays             # all ones, or 0
    tree[at].time_ns = time_ns
    while at > 1:
        other = tree[at ^ 1].time_ns
        # The left one stays if the times are equal.
        stays = 0 - <uint64_t>(time_ns < other + (~at & 1))
        time_ns = other ^ ((time_ns ^ other) & stays)
        lane = tree[at ^ 1].lane ^ ((lane ^ tree[at ^ 1].lane) & <uint32_t>stays)
        at >>= 1
        tree[at].time_ns = time_ns
        tree[at].lane = lane
    winner.time_ns = time_ns
    winner.lane = lane
    return winner


cdef inline void merge_foresee(MergedCaptures self) noexcept nogil:
    """Of many lanes hardly one is in the cache when it wins, and what pcap_next() brought near is gone by then. Who wins next is
    likely to be the best of a small part of the lanes; what follows these heads is sent for, all at a time."""
    cdef uint32_t i
    for i in range(MERGE_FORESEEN, 2 * MERGE_FORESEEN):
        if self.tree[i].time_ns != MERGE_NO_HEAD:
            prefetch(self.lanes[self.tree[i].lane].cursor.pos + PCAP_CAPLEN)


cdef int merge_start(MergedCaptures self) except -1:
    """Find all heads and play all games, bottom up."""
    cdef uint32_t n = self.n_leaves
    cdef uint32_t i
    for i in range(n):
        self.tree[n + i] = merge_find_head(self, i) if i < self.n_lanes else merge_no_head(i)
    for i in range(n - 1, 0, -1):
        self.tree[i] = self.tree[2 * i + (self.tree[2 * i + 1].time_ns < self.tree[2 * i].time_ns)]
    return 0


cdef inline merge_key merge_no_head(uint32_t lane) noexcept nogil:
    cdef merge_key key
    key.time_ns = MERGE_NO_HEAD
    key.lane = lane
    return key


cdef merge_key merge_find_head(MergedCaptures self, uint32_t lane) except *:
    """Serve a lane until it has a head, and give its key."""
    cdef CaptureReader reader = self.readers[lane]
    cdef merge_lane* l = &self.lanes[lane]
    while not l.is_unknown and not merge_next(l):
        if l.is_unknown:
            break
        reader.service()
        if l.cursor.wait == WAIT_END:
            return merge_no_head(lane)
    if l.is_unknown:
        merge_resolve(self, lane, l.head.interface)
        l.is_unknown = False
    return merge_key_of(l.head.time_ns, lane)


cdef inline bint merge_next(merge_lane* lane) noexcept nogil:
    """Read the lane's next head; False if it needs service first."""
    if lane.is_plain:
        return pcap_next(lane.cursor, &lane.head) == RECORD_OK
    if capture_next(lane.cursor, &lane.head) != RECORD_OK:
        return False
    lane.is_unknown = lane.cursor.interfaces[lane.head.interface].input == INPUT_UNKNOWN
    return not lane.is_unknown


cdef int merge_resolve(MergedCaptures self, uint32_t lane, uint32_t interface) except -1:
    """Ask for the input of an interface that has frames."""
    cdef CaptureReader reader = self.readers[lane]
    cdef capture_interface* i = &reader.cursor.interfaces[interface]
    cdef uint32_t number
    if i.encapsulation == ENCAPSULATION_NONE:
        raise UnsupportedCaptureError(
            f"frames of link type {i.link_type} ({link_type_name(i.link_type)}) cannot enter a port",
            path=reader.path, link_type=i.link_type,
            hint="ports take Ethernet, Linux cooked (SLL, SLL2) and raw IP captures",
        )
    resolver = self.resolvers[lane]
    number = self.lanes[lane].input if resolver is None else resolver(reader.interfaces[interface].name, interface)
    i.input = number
    self.lanes[lane].input = number
    return 0


cdef bint merge_convert(MergedCaptures self, merge_lane* lane, frame* f) noexcept nogil:
    """The frame of the lane's head; False if the scratch memory has no room for it."""
    cdef capture_interface* interface = &lane.cursor.interfaces[lane.head.interface]
    cdef size_t n_needed
    cdef uint32_t payload_len
    if interface.encapsulation == ENCAPSULATION_ETHERNET:
        f.data = lane.head.data
        f.caplen = lane.head.caplen
        f.len = max(lane.head.len, lane.head.caplen)
        f.time_ns = lane.head.time_ns
    else:
        n_needed = <size_t>lane.head.caplen + ETHERNET_GROWTH
        if self.scratch_len - self.scratch_used < n_needed:
            self.scratch_needed = n_needed
            return False
        ethernet_from_record(&lane.head, interface.encapsulation, self.scratch + self.scratch_used, f)
        self.scratch_used += n_needed
    if interface.fcs_len:
        payload_len = f.len - interface.fcs_len if f.len > interface.fcs_len else 0
        f.len = payload_len
        f.caplen = min(f.caplen, payload_len)
    f.input = interface.input
    return True
