"""A frame leaves at a tunnel port: it is encapsulated, and goes on in the bridge underneath.

Follows tnl_port_send() of ofproto/tunnel.c and native_tunnel_output() of ofproto-dpif-xlate: the tunnel's addresses from
the port or the flow, the way there from the routes, the neighbour's MAC; then the outer frame enters the bridge of the
device that the route names as if it came from that device. Whose MAC nobody knows is asked for, and the frame is lost.

Headers are kept with the port (`tunnel.header`): most ports send everything the same way.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.datapath.encapsulate cimport encapsulate, encapsulation_build, encapsulation_has_options, outer_headers
from vswitch.datapath.execution cimport drop, execution_deepen
from vswitch.datapath.device_source cimport device_source
from vswitch.datapath.fate cimport (
    DROP_TUNNEL_NESTED, DROP_TUNNEL_NO_NEIGHBOR, DROP_TUNNEL_NO_PORT, DROP_TUNNEL_NO_REMOTE, DROP_TUNNEL_NO_ROUTE,
    DROP_TUNNEL_TO_ITSELF,
)
from vswitch.datapath.frame_bytes cimport frame_bytes, frame_shape, frame_shape_of
from vswitch.datapath.nested_frame cimport MAX_RECIRC_DEPTH, nested_begin, nested_end, nested_frame
from vswitch.datapath.odp_size cimport odp_size_commit
from vswitch.datapath.scratch cimport scratch_reserve
from vswitch.datapath.tap cimport tap_frame
from vswitch.datapath.translate_hash cimport frame_rss
from vswitch.datapath.tlv_map cimport tlv_write
from vswitch.datapath.tunnel cimport (
    TUNNEL_CSUM, TUNNEL_DONT_FRAGMENT, TUNNEL_GENEVE, TUNNEL_KEY, TUNNEL_OAM, TUNNEL_OFF, tunnel, tunnel_source_port,
)
from vswitch.datapath.tunnels cimport (
    tunnel_destination, tunnel_set, tunnel_set_tlv_map, tunnel_set_version, tunnel_source,
)
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract, flow_key, frame_layout
from vswitch.tables.neighbors cimport neighbors_find, neighbors_lookup
from vswitch.tables.routes cimport routes_lookup
from vswitch.wire.address_words cimport is_mapped_ipv4
from vswitch.wire.arp cimport ARP_LEN, ARP_OP_REQUEST, arp_store
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, eth_store
from vswitch.wire.icmp6 cimport ICMP6_NEIGHBOR_SOLICIT, ND_OPT_SOURCE_LINKADDR
from vswitch.wire.ipv4 cimport IP_DSCP_MASK, IP_ECN_CE, IP_ECN_MASK
from vswitch.wire.nd_packet cimport ND_PACKET_LEN, ipv6_group_mac, nd_packet_store, nd_solicited_node

cdef enum:
    ECN_ECT_0 = 0x02
    NS_PER_MS = 1000000

cdef extern from "<stdint.h>":
    const uint64_t BROADCAST "UINT64_C(0xFFFFFFFFFFFF)"


cdef void tunnel_output(execution* ex, port* out) noexcept nogil:
    cdef tunnel* t = out.tunnel
    cdef outer_headers outer
    cdef uint8_t options[252]       # TLV_MAX_OPTIONS_LEN
    cdef bint is_critical
    cdef uint64_t tun_id
    cdef uint32_t mark = ex.key.pkt_mark
    if t.kind == TUNNEL_OFF:
        drop(ex, DROP_TUNNEL_NO_PORT)
        return
    execution_deepen(ex, FLOW_DEPTH_L4)
    memset(&outer, 0, sizeof(outer))
    describe(ex, t, &outer, &tun_id)
    if outer.dst[0] == ex.tunnel_dst[0] and outer.dst[1] == ex.tunnel_dst[1]:
        # Of a frame that came out of no tunnel that is the address of a flow that gives none.
        drop(ex, DROP_TUNNEL_TO_ITSELF if outer.dst[0] | outer.dst[1] else DROP_TUNNEL_NO_REMOTE)
        return
    if t.kind == TUNNEL_GENEVE and ex.key.tun_metadata_present:
        outer.n_options = tlv_write(
            tunnel_set_tlv_map(ex.tunnels, out.bridge.number), &ex.key, options, &is_critical)
        outer.is_critical = is_critical
        outer.options = options
    odp_size_commit(ex)             # also if there is no way
    out.tx_packets += 1
    out.tx_bytes += ex.counted_len
    if out.tap_out != NULL:
        tap_frame(ex, out.tap_out)
    if t.sets_mark:
        mark = t.mark
    if not header_is_good(ex, t, &outer, mark) and not find_way(ex, t, &outer, mark):
        return
    send(ex, out, t, tun_id, mark)


cdef void describe(execution* ex, tunnel* t, outer_headers* outer, uint64_t* tun_id) noexcept nogil:
    """The outer headers, but for what the way there decides (OVS tnl_port_send())."""
    cdef const flow_key* key = &ex.key
    cdef bint is_ip = key.dl_type == ETH_TYPE_IPV4 or key.dl_type == ETH_TYPE_IPV6
    if t.local_is_flow:
        tunnel_source(key, outer.src)
    else:
        outer.src[0] = t.local[0]
        outer.src[1] = t.local[1]
    if t.remote_is_flow:
        tunnel_destination(key, outer.dst)
    else:
        outer.dst[0] = t.remote[0]
        outer.dst[1] = t.remote[1]
    tun_id[0] = key.tun_id if t.out_key_is_flow else t.out_key
    outer.ttl = key.nw_ttl if t.inherits_ttl and is_ip else t.ttl
    outer.tos = key.nw_tos & IP_DSCP_MASK if t.inherits_tos and is_ip else t.tos
    if is_ip:
        ex.seen_tos |= IP_ECN_MASK | (IP_DSCP_MASK if t.inherits_tos else 0)
        outer.tos |= ECN_ECT_0 if key.nw_tos & IP_ECN_MASK == IP_ECN_CE else key.nw_tos & IP_ECN_MASK
    outer.flags = (key.tun_flags & TUNNEL_OAM | (TUNNEL_DONT_FRAGMENT if t.dont_fragment else 0)
                   | (TUNNEL_CSUM if t.csum else 0) | (TUNNEL_KEY if t.has_out_key else 0))


cdef inline bint header_is_good(const execution* ex, const tunnel* t, const outer_headers* outer, uint32_t mark) noexcept nogil:
    """True if the header that was built last is that of this frame, too."""
    return (t.header_len != 0 and t.header_version == tunnel_set_version(ex.tunnels) and ex.clock_ns < t.header_expires_ns
            and t.header_tos == outer.tos and t.header_ttl == outer.ttl and t.header_flags == outer.flags
            and t.header_mark == mark
            and t.header_remote[0] == outer.dst[0] and t.header_remote[1] == outer.dst[1]
            and t.header_local[0] == outer.src[0] and t.header_local[1] == outer.src[1]
            and (t.kind != TUNNEL_GENEVE or encapsulation_has_options(t, outer)))


cdef bint find_way(execution* ex, tunnel* t, outer_headers* outer, uint32_t mark) noexcept nogil:
    """Looks up route and neighbour and builds the header; False, with the reason noted, if there is no way."""
    cdef tunnel_set* set = ex.tunnels
    cdef uint64_t gateway[2]
    cdef uint64_t next_hop[2]
    cdef uint32_t device
    cdef port* dev
    t.header_len = 0
    t.header_remote[0] = outer.dst[0]
    t.header_remote[1] = outer.dst[1]
    t.header_local[0] = outer.src[0]
    t.header_local[1] = outer.src[1]
    if not is_mapped_ipv4(outer.src):
        outer.src[0] = outer.src[1] = 0         # OVS takes an IPv6 source from the route
    gateway[0] = gateway[1] = 0
    if (not routes_lookup(set.routes, mark, outer.dst, outer.src, gateway, &device)
            or device >= set.n_all_ports or set.all_ports[device] == NULL):
        drop(ex, DROP_TUNNEL_NO_ROUTE)
        return False
    dev = set.all_ports[device]
    if gateway[0] or (gateway[1] and gateway[1] != <uint64_t>0xFFFF00000000):
        next_hop[0] = gateway[0]
        next_hop[1] = gateway[1]
    else:
        next_hop[0] = outer.dst[0]
        next_hop[1] = outer.dst[1]
    outer.src_mac = dev.mac
    if not neighbors_lookup(set.neighbors, dev.bridge.number, next_hop, ex.clock_ns // NS_PER_MS, &outer.dst_mac):
        drop(ex, DROP_TUNNEL_NO_NEIGHBOR)
        ask(ex, dev, outer.src, next_hop)
        return False
    encapsulation_build(t, outer)
    t.header_version = tunnel_set_version(set)
    t.header_expires_ns = (ex.clock_ns // NS_PER_MS + 1) * NS_PER_MS    # a look-up keeps the neighbour alive
    t.header_tos = outer.tos
    t.header_ttl = outer.ttl
    t.header_flags = outer.flags
    t.header_mark = mark
    t.header_device = device
    t.header_neighbor = neighbors_find(set.neighbors, dev.bridge.number, next_hop)
    return True


cdef void send(execution* ex, port* out, tunnel* t, uint64_t tun_id, uint32_t mark) noexcept nogil:
    """Puts the frame, as it is now, behind the header, and takes it into the bridge underneath.

    One that is cut on the way comes in there anew (OVS recirculates it, so that counters are right), with new limits.
    """
    cdef port* dev = ex.tunnels.all_ports[t.header_device]
    cdef frame_shape shape
    cdef uint32_t skb_priority = ex.key.skb_priority
    cdef uint16_t src_port = source_port(ex)
    cdef uint32_t seq = t.seq
    cdef uint8_t* bytes
    cdef execution* saved
    if ex.is_cut and ex.recirc_depth >= MAX_RECIRC_DEPTH:
        drop(ex, DROP_TUNNEL_NESTED)
        return
    saved = nested_begin(ex)
    if saved == NULL:
        return
    frame_shape_of(saved, &shape)
    if saved.is_cut:
        shape.len = min(shape.len, saved.mirror_snaplen)
        shape.caplen = min(shape.caplen, shape.len)
    if not scratch_reserve(ex, t.header_len + shape.caplen):
        nested_end(ex, saved)
        return
    bytes = ex.scratch
    frame_bytes(saved, &shape, bytes + t.header_len, shape.caplen)
    encapsulate(t, bytes, shape.caplen, shape.len, tun_id, src_port)
    if ex.is_ghost:
        t.seq = seq                     # OVS translates it, and pushes no header
    nested_frame(ex, dev, bytes, t.header_len + shape.caplen, t.header_len + shape.len)
    ex.is_scratch = True
    if dev.tap_in != NULL and not saved.is_cut:     # what comes in anew passes the port's rules
        tap_frame(ex, dev.tap_in)
    if saved.is_cut:
        ex.depth = ex.n_resubmits = ex.own_resubmits = ex.actions_bytes = ex.mirrors = 0
        ex.tunnel_dst[0] = ex.tunnel_dst[1] = 0
        ex.recirc_depth += 1
        if not ex.is_ghost:
            ex.receive_anew(ex)
    else:
        ex.counted_len = t.header_len + saved.counted_len
        ex.is_pushed = True
        ex.mirror_snaplen = saved.mirror_snaplen
        ex.key.pkt_mark = mark
        ex.key.skb_priority = skb_priority
        if dev.bridge != saved.bridge:
            ex.mirrors = 0
        ex.receive(ex)
        # OVS counts it again, as what leaves the bridge underneath: when it has been there, and what is counted in a
        # tunnel has grown by the headers of all tunnels below.
        out.tx_packets += 1
        out.tx_bytes += ex.counted_len
        if saved.is_pushed:
            saved.counted_len = ex.counted_len
    nested_end(ex, saved)


cdef uint16_t source_port(execution* ex) noexcept nogil:
    """From the hash of the five-tuple of the frame as it came in (OVS netdev_tnl_get_src_port())."""
    cdef flow_key key
    cdef frame_layout layout
    if not ex.has_rss:
        ex.has_rss = True
        if ex.touched | ex.dirty:
            memset(&key, 0, sizeof(key))
            flow_extract(ex.received, ex.received_caplen, ex.vlan_limit, FLOW_DEPTH_L4, &key, &layout)
            ex.rss = frame_rss(&key, ex.received, ex.received_caplen, &layout)
        else:
            ex.rss = frame_rss(&ex.key, ex.data, ex.caplen, &ex.layout)
    return tunnel_source_port(ex.rss)


cdef void ask(execution* ex, port* dev, const uint64_t* source, const uint64_t* address) noexcept nogil:
    """Sends an ARP request or a neighbour solicitation from `dev` into its bridge (OVS tnl_send_arp_request())."""
    cdef uint8_t bytes[128]
    cdef uint64_t src[2]
    cdef uint32_t n
    cdef execution* saved
    src[0] = source[0]
    src[1] = source[1]
    device_source(dev, address, src)
    if is_mapped_ipv4(address):
        eth_store(bytes, BROADCAST, dev.mac, ETH_TYPE_ARP)
        arp_store(bytes + ETH_LEN, ARP_OP_REQUEST, dev.mac, <uint32_t>src[1] if is_mapped_ipv4(src) else 0, 0,
                  <uint32_t>address[1])
        n = ETH_LEN + ARP_LEN
    else:
        n = solicit(bytes, dev.mac, src, address)
    saved = nested_begin(ex)
    if saved != NULL:
        nested_frame(ex, dev, bytes, n, n)
        ex.is_ghost = False             # OVS asks while it translates
        if dev.bridge != saved.bridge:
            ex.mirrors = 0
        ex.receive(ex)
        nested_end(ex, saved)


cdef uint32_t solicit(uint8_t* to, uint64_t mac, const uint64_t* src, const uint64_t* target) noexcept nogil:
    """A neighbour solicitation (RFC 4861 section 4.3) with the sender's MAC; returns its length (OVS compose_nd_ns())."""
    cdef uint64_t group[2]
    nd_solicited_node(target, group)
    eth_store(to, ipv6_group_mac(group), mac, ETH_TYPE_IPV6)
    nd_packet_store(to + ETH_LEN, src, group, ICMP6_NEIGHBOR_SOLICIT, 0, target, ND_OPT_SOURCE_LINKADDR, mac)
    return ETH_LEN + ND_PACKET_LEN
