"""The NORMAL action: what a bridge does that is a learning switch with VLANs.

Follows xlate_normal() of ofproto-dpif-xlate, rule by rule, with one difference that changes no answer: it runs for
every frame against the MAC table as it is now. OVS decides once, bakes the decision into a megaflow and throws
that away whenever an address moves; here learning invalidates nothing.
"""
from libc.stdint cimport uint32_t, uint64_t

from vswitch.datapath.bond cimport BOND_DROP_IF_MOVED, BOND_ACCEPT, bond_admits, bond_verdict
from vswitch.datapath.bridge cimport bundle
from vswitch.datapath.execution cimport drop, execution, execution_deepen
from vswitch.datapath.fate cimport (
    DROP_BOND_NOT_ADMISSIBLE, DROP_LEARNED_PORT_IS_INPUT, DROP_LEARNED_PORT_IS_MIRROR, DROP_MIRROR_OUTPUT_PORT,
    DROP_NO_FLOOD_PORT, DROP_PORT_UNCONFIGURED, DROP_RESERVED_MAC, DROP_UNKNOWN_TRUNCATED, DROP_VLAN_NOT_ALLOWED,
    DROP_VLAN_PARTIAL_TAG,
)
from vswitch.datapath.multicast cimport multicast
from vswitch.datapath.output cimport output_to_bundle
from vswitch.datapath.reserved_mac cimport mac_is_reserved
from vswitch.datapath.vlan cimport bundle_admits_vid, bundle_carries, tag_stack, tags_from_input, tags_vid
from vswitch.tables.flow_key cimport FLOW_DEPTH_L3
from vswitch.tables.mac_table cimport BUNDLE_NONE, mac_table_is_grat_arp_locked, mac_table_learn, mac_table_lookup
from vswitch.wire.arp cimport ARP_OP_REPLY, ARP_OP_REQUEST
from vswitch.wire.dot1q cimport dot1q_is_tpid
from vswitch.wire.ethernet cimport ETH_TYPE_ARP, mac_is_broadcast


cdef void normal(execution* ex) noexcept nogil:
    """Learns the source, then sends the frame to where the destination is, or floods it."""
    cdef bundle* in_bundle = ex.in_port.bundle
    cdef bundle* out
    cdef tag_stack tags
    cdef uint32_t number
    cdef uint64_t vid
    if in_bundle == NULL:
        drop(ex, DROP_PORT_UNCONFIGURED)
        return
    if dot1q_is_tpid(ex.key.dl_type) and not ex.tags:
        drop(ex, DROP_UNKNOWN_TRUNCATED if ex.caplen < ex.len else DROP_VLAN_PARTIAL_TAG)
        return
    if in_bundle.mirror_out:
        drop(ex, DROP_MIRROR_OUTPUT_PORT)
        return
    if not bundle_admits_vid(in_bundle, tags_vid(ex.tags)):
        drop(ex, DROP_VLAN_NOT_ALLOWED)
        return
    tags = tags_from_input(in_bundle, ex.tags)
    vid = tags_vid(tags)
    if mac_is_reserved(ex.key.dl_dst) and not ex.bridge.forward_bpdu:
        drop(ex, DROP_RESERVED_MAC)
        return
    if in_bundle.bond != NULL and not may_enter_bond(ex, in_bundle, vid):
        drop(ex, DROP_BOND_NOT_ADMISSIBLE)
        return

    if in_bundle.number != BUNDLE_NONE:         # else a controller sent it
        mac_table_learn(ex.bridge.macs, ex.key.dl_src, vid, in_bundle.number, is_gratuitous_arp(ex),
                        in_bundle.bond != NULL)
    if ex.bridge.mcast != NULL and multicast(ex, in_bundle, tags):
        return
    number = mac_table_lookup(ex.bridge.macs, ex.key.dl_dst, vid)
    if number == BUNDLE_NONE:
        flood(ex, in_bundle, tags)
        return
    out = ex.bridge.bundles[number]
    if out.mirror_out:
        drop(ex, DROP_LEARNED_PORT_IS_MIRROR)
    elif out == in_bundle:
        drop(ex, DROP_LEARNED_PORT_IS_INPUT)
    else:
        output_to_bundle(ex, out, tags)


cdef void flood(execution* ex, const bundle* in_bundle, tag_stack tags) noexcept nogil:
    """Sends the frame to every other bundle that carries its VLAN."""
    cdef uint32_t i
    cdef bundle* out
    for i in range(ex.bridge.n_flood):
        out = ex.bridge.flood_order[i]
        if out != in_bundle and bundle_carries(out, tags) and out.floodable and not out.mirror_out:
            output_to_bundle(ex, out, tags)
    if ex.n_outputs == 0:
        drop(ex, DROP_NO_FLOOD_PORT)


cdef bint may_enter_bond(execution* ex, const bundle* in_bundle, uint64_t vid) noexcept nogil:
    """False on the wrong member of a bond, and for what seems to be a reflection of a frame that we sent there."""
    cdef bond_verdict verdict = bond_admits(in_bundle.bond, ex.in_port, ex.key.dl_dst)
    cdef uint32_t number
    if verdict != BOND_DROP_IF_MOVED:
        return verdict == BOND_ACCEPT
    number = mac_table_lookup(ex.bridge.macs, ex.key.dl_src, vid)
    if number == BUNDLE_NONE or number == in_bundle.number:
        return True
    return is_gratuitous_arp(ex) and not mac_table_is_grat_arp_locked(ex.bridge.macs, ex.key.dl_src, vid)


cdef inline bint is_gratuitous_arp(execution* ex) noexcept nogil:
    """True for a broadcast ARP reply, and for a request whose sender asks for itself."""
    if ex.key.dl_type != ETH_TYPE_ARP or not mac_is_broadcast(ex.key.dl_dst):
        return False
    execution_deepen(ex, FLOW_DEPTH_L3)     # a pipeline that looks no deeper than L2 leaves it unread
    if ex.key.nw_proto == ARP_OP_REPLY:
        return True
    return ex.key.nw_proto == ARP_OP_REQUEST and ex.key.nw_src == ex.key.nw_dst
