"""A frame enters: the first bridge at a port, every other one over a patch port."""
from libc.stdint cimport uint8_t, uint16_t, uint64_t
from vswitch.capture.record cimport frame
from vswitch.datapath.bridge cimport port
from vswitch.datapath.execution cimport execution
from vswitch.tables.hash cimport prefetch
from vswitch.tables.flow_key cimport frame_layout
from vswitch.tables.mac_table cimport mac_table_prefetch
from vswitch.wire.dot1q cimport DOT1Q_LEN, dot1q_is_tpid, dot1q_vid
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE, eth_dst, eth_src, eth_type

cdef enum:
    LOOK_AHEAD_MAX = 64             # frames at a time
    HEADER_BYTES = 168              # of a flow key: dl_dst to nsh_context, what extraction fills

cdef struct frame_ahead:            # what was found out of a frame before its turn came
    uint8_t headers[168]            # HEADER_BYTES
    frame_layout layout
    bint fits                       # it has an Ethernet header
    uint64_t hash                   # flow_cache_hash() in its first bridge ...
    uint64_t epoch                  # ... of this flow_cache.epoch

# `ahead` is what frames_look_ahead() found, or NULL.
cdef void frame_receive(execution* ex, port* in_port, const frame* f, const frame_ahead* ahead) noexcept nogil
cdef void frames_look_ahead(execution* ex, port** in_ports, const frame* frames, int n,
                            frame_ahead* ahead) noexcept nogil
cdef void bridge_receive(execution* ex) noexcept nogil
cdef void frame_resume(execution* ex, const void* frozen) noexcept nogil


cdef inline void frame_prefetch_data(const frame* f) noexcept nogil:
    """Brings the frame's first two cache lines near: the reader has only looked at what stands before them."""
    prefetch(f.data)
    prefetch(f.data + 63)


cdef inline void frame_prefetch(const port* in_port, const frame* f) noexcept nogil:
    """Brings near what frame_receive() will need: the frame's head, and both addresses' slots in the MAC table.

    The VLAN is a guess (the tag's, else the port's); a wrong one costs nothing but the prefetch.
    """
    cdef uint16_t vid
    if f.caplen < ETH_LEN + DOT1Q_LEN or in_port.bundle == NULL:
        return
    vid = dot1q_vid(f.data + ETH_TYPE) if dot1q_is_tpid(eth_type(f.data)) else in_port.bundle.vlan
    mac_table_prefetch(in_port.bridge.macs, eth_src(f.data), vid)
    mac_table_prefetch(in_port.bridge.macs, eth_dst(f.data), vid)
