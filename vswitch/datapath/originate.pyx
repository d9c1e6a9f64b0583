"""Frames that the switch itself makes leave at a port as an OpenFlow output would send them.

No port received them and no flow counts them. Like OVS we account for them as if the bridge's own port had sent them
(ofproto_dpif_send_packet()). A patch port carries them into the next bridge, where they are frames like any other.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t

from vswitch.datapath.bridge cimport OFPP_LOCAL, bridge, port
from vswitch.datapath.execution cimport execution, execution_begin
from vswitch.datapath.output cimport output_to_port
from vswitch.datapath.vlan cimport tags_from_key
from vswitch.tables.flow_key cimport FLOW_DEPTH_L2, flow_extract_l2

cdef enum:
    OFPP_NONE = 0xFFFF              # in_port of what came from nowhere

cdef port nowhere                   # all zero: belongs to no bundle, so no rule of an input port applies


cdef void frame_originate(execution* ex, port* out, const uint8_t* data, uint32_t n_bytes,
                          uint64_t time_ns) noexcept nogil:
    """Sends `data`, a frame as it stands, at `out`."""
    cdef port* local = local_port(out.bridge)
    if local != NULL:
        local.rx_packets += 1
        local.rx_bytes += n_bytes
    execution_begin(ex, &nowhere, out.bridge, data, n_bytes, n_bytes, time_ns)
    if flow_extract_l2(data, n_bytes, ex.vlan_limit, &ex.key) < 0:
        return
    ex.key_depth = FLOW_DEPTH_L2
    ex.key.in_port = OFPP_NONE
    ex.tags = ex.base_tags = ex.committed_tags = tags_from_key(ex.key.vlans)
    if ex.ledger != NULL:
        ex.ledger.is_own = True
    output_to_port(ex, out)
    if ex.ledger != NULL:
        ex.ledger.is_own = False


cdef port* local_port(const bridge* br) noexcept nogil:
    """The bridge's own port, or NULL."""
    cdef uint32_t i
    cdef port* p
    for i in range(br.n_flood):
        p = br.flood_order[i].members
        while p != NULL:
            if p.ofp_port == OFPP_LOCAL:
                return p
            p = p.next_member
    return NULL
