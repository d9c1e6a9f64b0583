"""NORMAL on a bridge that snoops multicast (Bridge:mcast_snooping_enable).

What is learned from IGMP and MLD, and which bundles a group's frames go to, is in tables/mcast_snooping; here the
answer becomes outputs. A group's frame leaves at a port whatever VLANs the port carries, as in OVS.
"""
from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc

from vswitch.datapath.bridge cimport bundle
from vswitch.datapath.execution cimport drop, execution
from vswitch.datapath.fate cimport DROP_NO_MULTICAST_RECEIVER, FATE_CONSUMED
from vswitch.datapath.output cimport output_to_bundle
from vswitch.datapath.vlan cimport tag_stack, tags_vid
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract, flow_key, frame_layout
from vswitch.tables.mcast_snooping cimport (
    MCAST_FLOOD, mcast_snooping_applies, mcast_snooping_outputs, mcast_snooping_update,
)
from vswitch.tables.mac_table cimport BUNDLE_NONE
from vswitch.wire.mld cimport MLD_QUERY, MLDV1_DONE, MLDV1_REPORT, MLDV2_REPORT
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP6, IP_PROTO_IGMP

cdef enum:
    N_BUNDLES = 64                  # room for a group's outputs without asking for memory


cdef bint multicast(execution* ex, bundle* in_bundle, tag_stack tags) noexcept nogil:
    """Sends the frame where its group is wanted. False if it is not for the mdb, or must be flooded."""
    cdef flow_key key
    cdef frame_layout layout
    cdef uint32_t few[N_BUNDLES]
    cdef uint32_t* bundles = few
    cdef uint32_t n, i
    if not mcast_snooping_applies(&ex.key):
        return False
    flow_extract(ex.data, ex.caplen, ex.vlan_limit, FLOW_DEPTH_L4, &key, &layout)
    if in_bundle.number != BUNDLE_NONE:         # else a controller sent it
        mcast_snooping_update(ex.bridge.mcast, &key, tags_vid(tags), in_bundle.number, ex.data, ex.caplen,
                              &layout)
    n = mcast_snooping_outputs(ex.bridge.mcast, &key, tags_vid(tags), in_bundle.number, bundles, N_BUNDLES)
    if n == MCAST_FLOOD:
        return False
    if n > N_BUNDLES:
        bundles = <uint32_t*>malloc(n * sizeof(uint32_t))
        if bundles == NULL:
            ex.out_of_memory = True
            return True
        mcast_snooping_outputs(ex.bridge.mcast, &key, tags_vid(tags), in_bundle.number, bundles, n)
    for i in range(n):
        output_to_bundle(ex, ex.bridge.bundles[bundles[i]], tags)
    if bundles != few:
        free(bundles)
    if ex.n_outputs == 0:
        drop(ex, FATE_CONSUMED if is_membership(&key) else DROP_NO_MULTICAST_RECEIVER)
    return True


cdef inline bint is_membership(const flow_key* key) noexcept nogil:
    """True for IGMP and MLD: what the switch itself reads."""
    if key.nw_proto == IP_PROTO_IGMP:
        return True
    return key.nw_proto == IP_PROTO_ICMP6 and (
        key.tp_src == MLD_QUERY or key.tp_src == MLDV1_REPORT or key.tp_src == MLDV1_DONE or key.tp_src == MLDV2_REPORT)
