"""A tunnel port: what its options became, and the match that leads received frames to it (OVS ofproto/tunnel.c).

Addresses are two words, the most significant first, IPv4 as ::ffff:a.b.c.d; (0, 0) is none.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.tables.neighbors cimport neighbor

cdef enum tunnel_kind:
    TUNNEL_OFF = 0                  # another port matches the same packets: this one carries nothing
    TUNNEL_VXLAN = 1
    TUNNEL_GRE = 2
    TUNNEL_GENEVE = 3

cdef enum tunnel_flag:              # of flow_key.tun_flags (OVS FLOW_TNL_F_*)
    TUNNEL_OAM = 1
    TUNNEL_DONT_FRAGMENT = 2
    TUNNEL_CSUM = 4
    TUNNEL_KEY = 8

cdef enum:
    MAX_TUNNEL_HEADER = 384         # Ethernet, IPv6, UDP, Geneve and 252 bytes of options
    SRC_PORT_MIN = 32768            # tnl/egress_port_range
    SRC_PORT_MAX = 61000

cdef struct tunnel:
    uint8_t kind
    uint16_t dst_port               # UDP; 0 for GRE
    uint64_t local[2]
    uint64_t remote[2]
    uint8_t local_is_flow
    uint8_t remote_is_flow
    uint8_t in_key_is_flow
    uint8_t out_key_is_flow
    uint8_t has_out_key
    uint64_t in_key
    uint64_t out_key
    uint8_t tos
    uint8_t ttl
    uint8_t inherits_tos
    uint8_t inherits_ttl
    uint8_t dont_fragment
    uint8_t csum
    uint8_t has_seq
    uint8_t has_gpe
    uint8_t sets_mark
    uint32_t mark                   # egress_pkt_mark
    uint32_t seq                    # of the next GRE header
    # The header that was built last, and what it was built of
    uint32_t header_len             # 0: none yet
    uint64_t header_version         # tunnel_set.version
    uint64_t header_remote[2]
    uint64_t header_local[2]
    uint64_t header_expires_ns      # by then its neighbour must be looked up again
    uint32_t header_mark
    uint8_t header_tos
    uint8_t header_ttl
    uint16_t header_flags
    uint32_t header_device          # number of the port that it leaves by
    neighbor* header_neighbor       # whose MAC it has
    uint8_t header[384]             # MAX_TUNNEL_HEADER

cdef inline uint32_t tunnel_source_port(uint32_t hash) noexcept nogil:
    """The UDP port that a frame whose five-tuple has this hash is sent from (OVS netdev_tnl_get_src_port())."""
    cdef uint32_t n_ports = SRC_PORT_MAX - SRC_PORT_MIN
    # hash * n_ports >> 32 in two steps, none of which is longer than 32 bits: vectors have no room for more (source_ports.pyx).
    return ((hash >> 16) * n_ports + ((hash & 0xFFFF) * n_ports >> 16) >> 16) + SRC_PORT_MIN
