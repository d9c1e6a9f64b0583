"""A router's neighbours.

What
====
Who has which MAC at an interface, and the packets that wait until somebody says so. The states and times are those of Linux
(net/core/neighbour.c), which uses RFC 4861's for ARP, too.

How it works
============
*Unknown.* The first packet for an address makes an entry that is INCOMPLETE; it is asked for by broadcast (or to the
solicited-node group) now and twice more, a second apart. Packets wait meanwhile, as many as 212,992 bytes of Linux's buffers
hold, and beyond that the oldest goes. When nobody has answered a second after the last question the entry is FAILED, and each
packet that waited is given up with an ICMP error. The next packet begins anew.

*Known.* An answer makes it REACHABLE for 30 seconds. (Linux draws that time at random between 15 and 45; a replay does not.)
After that it is STALE: still used, but 5 seconds after the first use (DELAY) it is asked three times, a second apart, by
unicast (PROBE). Who is heard of without having been asked is STALE at once.

*A second MAC* for a known address counts only a second after the first (locktime), unless the sender insists.

*The table* is an array of entries, found by hash chains; an index stays what it is for good, so whoever knows the index needs
no look-up. Entries are never taken away: they are as many as there are addresses behind the router that were spoken with,
at most 65,536. A timer that is set earlier than all others is noted; the rest is found by a scan when that time has come.

Thread-safety: as the router's.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcpy, memset

from vswitch.datapath.device cimport NEVER, device_send
from vswitch.datapath.fate cimport DROP_NO_NEIGHBOR, FATE_CONSUMED
from vswitch.devices.router_notes cimport NOTE_RELEASED, NOTE_WAITS, take_note
from vswitch.devices.router_state cimport (
    NEIGHBOR_DELAY, NEIGHBOR_FAILED, NEIGHBOR_INCOMPLETE, NEIGHBOR_NONE, NEIGHBOR_PERMANENT, NEIGHBOR_PROBE,
    NEIGHBOR_REACHABLE, NEIGHBOR_STALE, waiting_packet,
)
from vswitch.tables.hash cimport hash_pair
from vswitch.wire.address_words cimport is_mapped_ipv4
from vswitch.wire.ethernet cimport ETH_LEN, eth_set_dst, eth_store

cdef enum:
    N_BUCKETS_MIN = 64
    NEIGHBORS_MAX = 65536
    QUEUE_LEN_BYTES = 212992        # Linux: unres_qlen_bytes
    BUFFER_BYTES = 768              # what a short packet takes of that
    LONG_PACKET = 448               # from here on a buffer is a multiple of a page's half

cdef uint64_t SECOND_NS = 1000000000
cdef uint64_t REACHABLE_NS = 30 * SECOND_NS         # Linux: base_reachable_time
cdef uint64_t DELAY_NS = 5 * SECOND_NS              # delay_first_probe_time
cdef uint64_t RETRANS_NS = SECOND_NS                # retrans_time
cdef uint64_t LOCKTIME_NS = SECOND_NS


cdef int neighbors_open(router* r) except -1:
    memset(&r.neighbors, 0, sizeof(r.neighbors))
    r.neighbors.buckets = <uint32_t*>calloc(N_BUCKETS_MIN, sizeof(uint32_t))
    if r.neighbors.buckets == NULL:
        raise MemoryError
    r.neighbors.bucket_mask = N_BUCKETS_MIN - 1
    r.neighbors.next_timer_ns = NEVER
    return 0


cdef void neighbors_close(router* r) noexcept nogil:
    cdef uint32_t i
    for i in range(r.neighbors.n):
        while r.neighbors.entries[i].first != NULL:
            free(take_oldest(&r.neighbors.entries[i]))
    free(r.neighbors.entries)
    free(r.neighbors.buckets)


cdef inline uint32_t* bucket_of(const router* r, uint32_t interface, const uint64_t* address) noexcept nogil:
    return &r.neighbors.buckets[hash_pair(address[0] ^ interface, address[1]) & r.neighbors.bucket_mask]


cdef neighbor_entry* neighbor_find(router* r, uint32_t interface, const uint64_t* address) noexcept nogil:
    cdef uint32_t at = bucket_of(r, interface, address)[0]
    cdef neighbor_entry* n
    while at:
        n = &r.neighbors.entries[at - 1]
        if n.address[1] == address[1] and n.address[0] == address[0] and n.interface == interface:
            return n
        at = n.next
    return NULL


cdef neighbor_entry* neighbor_get(router* r, uint32_t interface, const uint64_t* address) noexcept nogil:
    cdef neighbor_entry* n = neighbor_find(r, interface, address)
    cdef neighbor_entry* grown
    cdef uint32_t* bucket
    if n != NULL:
        return n
    if r.neighbors.n >= NEIGHBORS_MAX or (r.neighbors.n > r.neighbors.bucket_mask and not grow_buckets(r)):
        return NULL
    if r.neighbors.n == r.neighbors.n_allocated:
        grown = <neighbor_entry*>realloc(r.neighbors.entries, (2 * r.neighbors.n + 16) * sizeof(neighbor_entry))
        if grown == NULL:
            return NULL
        r.neighbors.entries = grown
        r.neighbors.n_allocated = 2 * r.neighbors.n + 16
    n = &r.neighbors.entries[r.neighbors.n]
    memset(n, 0, sizeof(neighbor_entry))
    n.address[0] = address[0]
    n.address[1] = address[1]
    n.interface = interface
    n.timer_ns = NEVER
    bucket = bucket_of(r, interface, address)
    n.next = bucket[0]
    r.neighbors.n += 1
    bucket[0] = r.neighbors.n
    return n


cdef bint grow_buckets(router* r) noexcept nogil:
    cdef uint32_t n = 2 * (r.neighbors.bucket_mask + 1)
    cdef uint32_t* grown = <uint32_t*>calloc(n, sizeof(uint32_t))
    cdef uint32_t* bucket
    cdef uint32_t i
    if grown == NULL:
        return False
    free(r.neighbors.buckets)
    r.neighbors.buckets = grown
    r.neighbors.bucket_mask = n - 1
    for i in range(r.neighbors.n):
        bucket = bucket_of(r, r.neighbors.entries[i].interface, r.neighbors.entries[i].address)
        r.neighbors.entries[i].next = bucket[0]
        bucket[0] = i + 1
    return True


# Sending.

cdef uint8_t* neighbor_send(router* r, destination* to, uint16_t ethertype, uint32_t caplen, uint32_t n_bytes,
                            uint32_t* reason) noexcept nogil:
    cdef neighbor_entry* n = NULL
    cdef uint8_t* room
    if to.neighbor < r.neighbors.n:
        n = &r.neighbors.entries[to.neighbor]
        if n.address[1] != to.next_hop[1] or n.address[0] != to.next_hop[0] or n.interface != to.interface:
            n = NULL
    if n == NULL:
        n = neighbor_get(r, to.interface, to.next_hop)
        if n == NULL:
            reason[0] = DROP_NO_NEIGHBOR
            return NULL
        to.neighbor = <uint32_t>(n - r.neighbors.entries)
    if n.state < NEIGHBOR_REACHABLE or n.state == NEIGHBOR_FAILED:
        return wait(r, n, ethertype, caplen, n_bytes, reason)
    if n.state == NEIGHBOR_REACHABLE and r.device.now_ns - n.confirmed_ns >= REACHABLE_NS:
        n.state = NEIGHBOR_STALE
    if n.state == NEIGHBOR_STALE:
        n.state = NEIGHBOR_DELAY
        set_timer(r, n, r.device.now_ns + DELAY_NS)
    room = device_send(r.device, to.interface, ETH_LEN + caplen, ETH_LEN + n_bytes)
    if room == NULL:
        reason[0] = FATE_CONSUMED
        return NULL
    eth_store(room, n.mac, r.interfaces[to.interface].mac, ethertype)
    return room + ETH_LEN


cdef uint8_t* wait(router* r, neighbor_entry* n, uint16_t ethertype, uint32_t caplen, uint32_t n_bytes,
                   uint32_t* reason) noexcept nogil:
    """Room for a packet that waits for its neighbour, who is asked for if that is not under way."""
    cdef waiting_packet* w = <waiting_packet*>malloc(sizeof(waiting_packet) + ETH_LEN + caplen)
    if w == NULL:
        r.device.has_failed = True
        reason[0] = DROP_NO_NEIGHBOR
        return NULL
    if n.state != NEIGHBOR_INCOMPLETE:
        n.state = NEIGHBOR_INCOMPLETE
        n.n_probes = 1
        set_timer(r, n, r.device.now_ns + RETRANS_NS)
        r.solicit(r, n, False)
    take_note(r.notes, NOTE_WAITS, n.interface, n.address, NULL, 0)
    w.next = NULL
    w.cause = r.device.queue.cause
    w.n_hops = r.device.queue.n_hops
    w.caplen = ETH_LEN + caplen
    w.len = ETH_LEN + n_bytes
    while n.first != NULL and n.n_waiting_bytes + buffer_bytes(w.len) > QUEUE_LEN_BYTES:
        free(take_oldest(n))
    if n.first == NULL:
        n.first = w
    else:
        n.last.next = w
    n.last = w
    n.n_waiting_bytes += buffer_bytes(w.len)
    eth_store(<uint8_t*>w + sizeof(waiting_packet), 0, r.interfaces[n.interface].mac, ethertype)
    return <uint8_t*>w + sizeof(waiting_packet) + ETH_LEN


cdef inline uint32_t buffer_bytes(uint32_t n_bytes) noexcept nogil:
    """What Linux counts for a packet (skb.truesize)."""
    return BUFFER_BYTES if n_bytes <= LONG_PACKET else (n_bytes // 2048 + 1) * 2048 + 256


cdef inline waiting_packet* take_oldest(neighbor_entry* n) noexcept nogil:
    """The packet that has waited for the longest, which is the caller's from now on; NULL: none waits."""
    cdef waiting_packet* w = n.first
    if w != NULL:
        n.first = w.next
        n.n_waiting_bytes -= buffer_bytes(w.len)
    return w


cdef void release(router* r, neighbor_entry* n) noexcept nogil:
    """What has waited leaves; the frame that caused each is what it was."""
    cdef uint64_t cause = r.device.queue.cause
    cdef uint32_t n_hops = r.device.queue.n_hops
    cdef uint64_t n_released = 0
    cdef waiting_packet* w
    cdef uint8_t* to
    while n.first != NULL:
        w = take_oldest(n)
        r.device.queue.cause = w.cause
        r.device.queue.n_hops = w.n_hops
        to = device_send(r.device, n.interface, w.caplen, w.len)
        if to != NULL:
            memcpy(to, <uint8_t*>w + sizeof(waiting_packet), w.caplen)
            eth_set_dst(to, n.mac)
        free(w)
        n_released += 1
    r.device.queue.cause = cause
    r.device.queue.n_hops = n_hops
    if n_released:
        take_note(r.notes, NOTE_RELEASED, n.interface, n.address, NULL, n_released)


# Hearing.

cdef void neighbor_update(router* r, uint32_t interface, const uint64_t* address, uint64_t mac, bint is_solicited,
                          bint makes, bint is_override) noexcept nogil:
    cdef neighbor_entry* n = neighbor_get(r, interface, address) if makes else neighbor_find(r, interface, address)
    cdef uint64_t now_ns = r.device.now_ns
    if n == NULL or n.state == NEIGHBOR_PERMANENT:
        return
    if n.state in (NEIGHBOR_NONE, NEIGHBOR_INCOMPLETE, NEIGHBOR_FAILED):
        n.mac = mac
        n.updated_ns = now_ns
        n.state = NEIGHBOR_STALE
    elif n.mac != mac:
        if not is_override and (not is_mapped_ipv4(address) or now_ns - n.updated_ns < LOCKTIME_NS):
            if n.state == NEIGHBOR_REACHABLE and not is_mapped_ipv4(address):
                n.state = NEIGHBOR_STALE        # somebody contradicts (RFC 4861 section 7.2.5)
            return
        n.mac = mac
        n.updated_ns = now_ns
        n.state = NEIGHBOR_STALE
        n.timer_ns = NEVER
    elif not is_solicited:
        return                      # nothing new
    if is_solicited:
        n.state = NEIGHBOR_REACHABLE
        n.confirmed_ns = now_ns
    n.timer_ns = NEVER
    if n.first != NULL:
        release(r, n)
        if n.state == NEIGHBOR_STALE:
            n.state = NEIGHBOR_DELAY
            set_timer(r, n, now_ns + DELAY_NS)


cdef void neighbor_set_permanent(router* r, uint32_t interface, const uint64_t* address, uint64_t mac) noexcept nogil:
    cdef neighbor_entry* n = neighbor_get(r, interface, address)
    if n == NULL:
        r.device.has_failed = True
        return
    n.mac = mac
    n.state = NEIGHBOR_PERMANENT
    n.timer_ns = NEVER


# Time.

cdef inline void set_timer(router* r, neighbor_entry* n, uint64_t at_ns) noexcept nogil:
    n.timer_ns = at_ns
    r.neighbors.next_timer_ns = min(r.neighbors.next_timer_ns, at_ns)


cdef void neighbors_run(router* r) noexcept nogil:
    cdef uint32_t i
    if r.device.now_ns < r.neighbors.next_timer_ns:
        return
    r.neighbors.next_timer_ns = NEVER
    for i in range(r.neighbors.n):
        if r.neighbors.entries[i].timer_ns <= r.device.now_ns:
            expire(r, i)
        r.neighbors.next_timer_ns = min(r.neighbors.next_timer_ns, r.neighbors.entries[i].timer_ns)


cdef void expire(router* r, uint32_t index) noexcept nogil:
    """Its timer is due."""
    cdef neighbor_entry* n = &r.neighbors.entries[index]
    cdef waiting_packet* w
    n.timer_ns = NEVER
    if n.state == NEIGHBOR_DELAY:
        n.state = NEIGHBOR_PROBE
        n.n_probes = 0
    if n.state != NEIGHBOR_INCOMPLETE and n.state != NEIGHBOR_PROBE:
        return
    if n.n_probes < NEIGHBOR_PROBES:
        n.n_probes += 1
        n.timer_ns = r.device.now_ns + RETRANS_NS
        r.solicit(r, n, n.state == NEIGHBOR_PROBE)
        return
    n.state = NEIGHBOR_FAILED
    w = take_oldest(n)
    while w != NULL:
        r.device.queue.cause = w.cause
        r.device.queue.n_hops = w.n_hops
        r.mourn(r, r.neighbors.entries[index].interface, w)
        free(w)
        # The error may have been for a new neighbour, for whom the entries have moved.
        w = take_oldest(&r.neighbors.entries[index])
