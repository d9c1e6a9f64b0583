"""UDP source ports of frames that tunnels are to carry, for a burst at a time."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from vswitch.wire.ethernet cimport ETH_LEN
from vswitch.wire.ipv4 cimport IPV4_DST, IPV4_LEN, IPV4_PROTO, IPV4_SRC

cdef enum:
    SOURCE_PORTS_STEP = 8           # frames that are taken together

cdef struct plain_tuples:           # of plain frames (express_key.pxd), by their place in the burst; bytes as in the frame
    uint32_t nw_src[32]             # BURST
    uint32_t nw_dst[32]
    uint32_t ports[32]
    uint32_t nw_proto[32]

# The ports of the first `n` tuples, as tunnel_source_port(plain_hash()) gives them; those of tuples that are not filled mean
# nothing. Both have room up to the next SOURCE_PORTS_STEP.
cdef void source_ports(const plain_tuples* tuples, int n, uint16_t* ports) noexcept nogil


cdef inline void put_plain_tuple(plain_tuples* tuples, int i, const uint8_t* frame) noexcept nogil:
    cdef const uint8_t* ip = frame + ETH_LEN
    memcpy(&tuples.nw_src[i], ip + IPV4_SRC, 4)
    memcpy(&tuples.nw_dst[i], ip + IPV4_DST, 4)
    memcpy(&tuples.ports[i], ip + IPV4_LEN, 4)
    tuples.nw_proto[i] = ip[IPV4_PROTO]
