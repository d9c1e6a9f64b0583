"""UDP source ports of frames that tunnels are to carry, for a burst at a time.

VXLAN's source port is a hash of the five-tuple inside, one after the other fifty instructions that wait for each other. Here
the same steps are taken for eight frames at a time, one in each lane of a vector; the compiler makes the vectors. Wheels are
built for the baseline, which has no 32-bit multiplication for them; so there are two builds of the one loop, and which of them
runs is chosen when the module is loaded (GCC manual, "target_clones").
"""
from vswitch.datapath.shortcut_key cimport plain_tuple_hash
from vswitch.datapath.tunnel cimport tunnel_source_port

cdef extern from *:
    """
    /* Needs a loader that resolves indirect functions, which musl's does not. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define VSWITCH_CLONED_VOID __attribute__((target_clones("avx2", "default"))) void
    #else
    #define VSWITCH_CLONED_VOID void
    #endif
    """
    ctypedef void cloned_void "VSWITCH_CLONED_VOID"


cdef cloned_void hash_all(const uint32_t* nw_src, const uint32_t* nw_dst, const uint32_t* nw_proto, const uint32_t* tp,
                          size_t n, uint16_t* ports) noexcept nogil:
    cdef uint32_t step[SOURCE_PORTS_STEP]       # as long as what they are made of, so that vectors are full
    cdef size_t first, i
    for first from 0 <= first < n by SOURCE_PORTS_STEP:
        for i in range(SOURCE_PORTS_STEP):
            step[i] = tunnel_source_port(
                plain_tuple_hash(nw_src[first + i], nw_dst[first + i], nw_proto[first + i], tp[first + i]))
        for i in range(SOURCE_PORTS_STEP):
            ports[first + i] = <uint16_t>step[i]


cdef void source_ports(const plain_tuples* tuples, int n, uint16_t* ports) noexcept nogil:
    hash_all(tuples.nw_src, tuples.nw_dst, tuples.nw_proto, tuples.ports, <size_t>n, ports)
