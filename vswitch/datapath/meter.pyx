"""Meters, as dp_netdev_run_meter() of OVS's userspace datapath: drop bands only.

A band's bucket holds thousandths of packets, or bits; it fills with `rate` of them each millisecond up to
`burst_size` thousands, and starts full. A frame that a bucket cannot pay is dropped by the band of the highest
rate among those that could not; the others have been paid all the same.
"""

cdef enum:
    METER_PKTPS = 2                 # OFPMF13_PKTPS
    NS_PER_MS = 1000000


cdef bint meter_admits(meter* m, uint64_t now_ns, uint32_t n_bytes) noexcept nogil:
    """Counts a frame of `n_bytes`; False if a band drops it."""
    cdef uint64_t now_ms = now_ns // NS_PER_MS
    cdef uint64_t delta_ms = now_ms - m.used_ms if now_ms > m.used_ms else 0
    cdef uint64_t volume = 1000 if m.flags & METER_PKTPS else n_bytes * <uint64_t>8
    cdef uint64_t full
    cdef uint32_t i, rate = 0
    cdef int hit = -1
    m.used_ms = now_ms
    m.n_packets += 1
    m.n_bytes += n_bytes
    for i in range(m.n_bands):
        # After `full` milliseconds any bucket is full; no more, lest the product wrap.
        full = <uint64_t>m.bands[i].burst_size * 1000
        m.bands[i].bucket = min(m.bands[i].bucket + min(delta_ms, full) * m.bands[i].rate, full)
        if m.bands[i].bucket >= volume:
            m.bands[i].bucket -= volume
            continue
        if m.flags & METER_PKTPS:
            m.bands[i].bucket %= 1000
        if m.bands[i].rate > rate:
            rate = m.bands[i].rate
            hit = <int>i
    if hit < 0:
        return True
    m.bands[hit].n_packets += 1
    m.bands[hit].n_bytes += n_bytes
    return False
