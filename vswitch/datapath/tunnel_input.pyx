"""A frame for a tunnel that ends here: what is inside comes in at the tunnel's port.

Follows terminate_native_tunnel() of ofproto-dpif-xlate, the TUNNEL_POP action of dpif-netdev and tnl_port_receive(). Where
a frame is about to leave at a port with an IP address, OVS asks whether it is for a tunnel. If so the headers go, and the
frame inside is received anew: with limits of its own, but no deeper than six times. If not, it may teach a neighbour.
"""
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from vswitch.datapath.decapsulate cimport POP_NOT_ETHERNET, POP_TRUNCATED, decapsulate
from vswitch.datapath.execution cimport drop, execution_deepen
from vswitch.datapath.fate cimport (
    DROP_ETH_TRUNCATED, DROP_TUNNEL_INVALID, DROP_TUNNEL_NO_PORT, DROP_TUNNEL_NESTED, DROP_TUNNEL_OPTIONS,
    DROP_UNKNOWN_TRUNCATED,
)
from vswitch.datapath.nested_frame cimport MAX_RECIRC_DEPTH, nested_begin, nested_end, nested_frame
from vswitch.datapath.tap cimport tap_frame
from vswitch.datapath.tlv_map cimport tlv_parse
from vswitch.datapath.tunnel cimport TUNNEL_GENEVE
from vswitch.datapath.tunnels cimport (
    endpoint, ip_address, mapped_ipv4, tunnel_destination, tunnel_set, tunnel_set_tlv_map, tunnels_endpoint, tunnels_find,
)
from vswitch.datapath.vlan cimport tags_to_key
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_key, vlan_tag
from vswitch.tables.neighbors cimport neighbors_set, neighbors_snoop
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_ARP, ETH_TYPE_IPV4
from vswitch.wire.geneve cimport GENEVE_LEN
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP6
from vswitch.wire.udp cimport UDP_LEN

cdef enum:
    NS_PER_MS = 1000000


cdef bint tunnel_input(execution* ex, const port* out) noexcept nogil:
    cdef tunnel_set* set = ex.tunnels
    cdef const endpoint* e
    cdef uint64_t source[2]
    cdef vlan_tag vlans[2]
    execution_deepen(ex, FLOW_DEPTH_L4)
    # As the frame is now: with the tags that it would leave with.
    memcpy(vlans, ex.key.vlans, sizeof(vlans))
    tags_to_key(ex.tags, ex.key.vlans)
    e = tunnels_endpoint(set, &ex.key)
    memcpy(ex.key.vlans, vlans, sizeof(vlans))
    if e == NULL:
        if teaches_neighbor(ex):
            neighbors_snoop(set.neighbors, &ex.key, ex.bridge.number, ex.clock_ns // NS_PER_MS)
        return False
    ip_address(ex.key.dl_type == ETH_TYPE_IPV4, ex.key.nw_src, ex.key.ipv6_src, source)
    neighbors_set(set.neighbors, ex.bridge.number, source, ex.key.dl_src, ex.clock_ns // NS_PER_MS)
    if not ex.is_ghost:
        if out.tap_out != NULL:
            tap_frame(ex, out.tap_out)
        receive_inner(ex, e)
    return True


cdef void receive_inner(execution* ex, const endpoint* e) noexcept nogil:
    cdef flow_key key
    cdef port* in_port
    cdef execution* saved
    cdef int ofs
    if ex.recirc_depth >= MAX_RECIRC_DEPTH:
        drop(ex, DROP_TUNNEL_NESTED)
        return
    ofs = decapsulate(ex.data, ex.caplen, ex.len, &ex.layout, e, &key)
    if ofs < 0:
        drop(ex, DROP_UNKNOWN_TRUNCATED if ofs == POP_TRUNCATED else DROP_TUNNEL_NO_PORT if ofs == POP_NOT_ETHERNET
             else DROP_TUNNEL_INVALID)
        return
    if ex.len - ofs < ETH_LEN or ex.caplen < <uint32_t>ofs + ETH_LEN:
        drop(ex, DROP_ETH_TRUNCATED if ex.caplen == ex.len else DROP_UNKNOWN_TRUNCATED)
        return
    in_port = tunnels_find(ex.tunnels, &key, e)
    if in_port == NULL:
        drop(ex, DROP_TUNNEL_NO_PORT)
        return
    if e.kind == TUNNEL_GENEVE and not parse_options(ex, in_port, <uint32_t>ofs, &key):
        drop(ex, DROP_TUNNEL_OPTIONS)
        return
    saved = nested_begin(ex)
    if saved == NULL:
        return
    nested_frame(ex, in_port, saved.data + ofs, saved.caplen - ofs, saved.len - ofs)
    memcpy(&ex.key.tun_flags, &key.tun_flags, <size_t>(<char*>(&key + 1) - <char*>&key.tun_flags))
    ex.has_metadata = True
    ex.received = ex.data
    ex.received_caplen = ex.caplen
    ex.has_rss = False
    tunnel_destination(&key, ex.tunnel_dst)
    ex.depth = ex.n_resubmits = ex.own_resubmits = ex.actions_bytes = ex.mirrors = 0
    ex.recirc_depth += 1
    in_port.rx_packets += 1
    in_port.rx_bytes += ex.len
    ex.receive_anew(ex)
    nested_end(ex, saved)


cdef bint parse_options(execution* ex, const port* in_port, uint32_t end, flow_key* key) noexcept nogil:
    """Options, which end where the frame inside begins, mean what the map of the port's bridge says."""
    cdef uint32_t start = ex.layout.l4_ofs + UDP_LEN + GENEVE_LEN
    return tlv_parse(tunnel_set_tlv_map(ex.tunnels, in_port.bridge.number), ex.data + start, end - start, key)


cdef bint teaches_neighbor(execution* ex) noexcept nogil:
    """For one of the bridge's own addresses, or a gratuitous ARP (OVS check_neighbor_reply(), is_garp())."""
    cdef const flow_key* key = &ex.key
    cdef uint64_t address[2]
    if key.dl_type == ETH_TYPE_ARP:
        mapped_ipv4(key.nw_dst, address)
        return key.nw_src == key.nw_dst or is_address_of(ex, address, False)
    return key.nw_proto == IP_PROTO_ICMP6 and is_address_of(ex, key.ipv6_dst, True)


cdef bint is_address_of(const execution* ex, const uint64_t* address, bint is_nd) noexcept nogil:
    """True if a device of the bridge has it; for neighbour discovery its solicited-node group will do."""
    cdef const tunnel_set* set = ex.tunnels
    cdef uint32_t i, j
    cdef const uint64_t* own
    for i in range(set.n_devices):
        if set.devices[i].bridge != ex.bridge:
            continue
        for j in range(set.devices[i].n_addresses):
            own = set.devices[i].addresses[j].address
            if own[0] == address[0] and own[1] == address[1]:
                return True
            if is_nd and address[0] >> 48 == 0xFF02 and address[1] >> 24 & 0xFFFF == 0x01FF and (
                    (own[1] ^ address[1]) & 0xFFFFFF == 0):
                return True
    return False
