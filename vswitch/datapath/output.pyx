"""A frame leaves a bridge at a port: VLAN tags, patch ports, mirrors, counters, the port's capture.

Follows compose_output_action() and patch_port_output() of ofproto-dpif-xlate. Edits are lazy: tags live in the
flow key until here, and a frame whose tags did not change is copied straight from the capture.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from vswitch.capture.writer cimport capture_writer_reserve
from vswitch.datapath.bridge cimport PORT_NO_FWD, bridge, bundle, port
from vswitch.datapath.execution cimport (
    OUTPUT_ACTION_BYTES, POP_VLAN_ACTION_BYTES, PUSH_VLAN_ACTION_BYTES, SNAPLEN_MAX, TRUNCATE_ACTION_BYTES, drop,
    execution,
)
from vswitch.datapath.fate cimport (
    DROP_MTU_EXCEEDED, DROP_PATCH_WITHOUT_PEER, DROP_PORT_NOT_FORWARDING, DROP_PORTS_PROTECTED,
)
from vswitch.datapath.ledger cimport ledger_add_output
from vswitch.datapath.vlan cimport tag_stack, tags_to_output
from vswitch.tables.flow_key cimport VLAN_PRESENT, flow_key, vlan_tag
from vswitch.wire.byteorder cimport load_be16, store_be16
from vswitch.wire.dot1q cimport DOT1Q_LEN, TPID_CTAG
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE


cdef void output_to_bundle(execution* ex, bundle* b, tag_stack tags) noexcept nogil:
    """Sends the frame, which is in the bridge with `tags`, as bundle `b` wants it (OVS output_normal())."""
    cdef vlan_tag saved[2]
    if b.members == NULL:
        return
    saved[0] = ex.key.vlans[0]
    saved[1] = ex.key.vlans[1]
    tags_to_output(b, tags, ex.key.vlans)
    output_to_port(ex, b.members)
    ex.key.vlans[0] = saved[0]
    ex.key.vlans[1] = saved[1]


cdef void output_to_port(execution* ex, port* out) noexcept nogil:
    """Sends the frame, tagged as the key says, to `out`: into the next bridge, or out of the switch."""
    if out.config & PORT_NO_FWD:
        drop(ex, DROP_PORT_NOT_FORWARDING)
        return
    if ex.mirror_snaplen and out.is_patch:
        return                      # OVS cannot cut what it hands to another bridge, and sends nothing
    if ex.in_port.bundle != NULL and out.bundle != NULL and ex.in_port.bundle.is_protected and out.bundle.is_protected:
        drop(ex, DROP_PORTS_PROTECTED)
        return
    if out.peer != NULL:
        patch_output(ex, out)
        return
    if out.is_patch:
        drop(ex, DROP_PATCH_WITHOUT_PEER)
    else:
        count_actions(ex)
        emit(ex, out)
    if ex.bridge.has_mirrors and out.bundle != NULL and out.bundle.mirror_dst:
        ex.mirror(ex, out.bundle, out.bundle.mirror_dst)


cdef void patch_output(execution* ex, port* out) noexcept nogil:
    """The same frame enters the bridge at the other end of a patch port, here and now."""
    cdef bridge* saved_bridge = ex.bridge
    cdef port* saved_in_port = ex.in_port
    cdef uint32_t saved_ofp_port = ex.key.in_port
    cdef uint32_t saved_mirrors = ex.mirrors
    cdef port* peer = out.peer
    # OVS accounts the frame as it was received, whatever tags it has by now.
    out.tx_packets += 1
    out.tx_bytes += ex.len
    peer.rx_packets += 1
    peer.rx_bytes += ex.len
    if peer.bridge != ex.bridge:
        ex.mirrors = 0
    ex.bridge = peer.bridge
    ex.in_port = peer
    ex.key.in_port = peer.ofp_port
    ex.receive(ex)
    if peer.bridge != saved_bridge:
        ex.mirrors = saved_mirrors
    ex.bridge = saved_bridge
    ex.in_port = saved_in_port
    ex.key.in_port = saved_ofp_port


cdef inline bint same_tag(const vlan_tag* a, const vlan_tag* b) noexcept nogil:
    return a.tpid == b.tpid and a.tci == b.tci


cdef inline int tag_count(const vlan_tag* vlans) noexcept nogil:
    if not vlans[0].tci & VLAN_PRESENT:
        return 0
    return 2 if vlans[1].tci & VLAN_PRESENT else 1


cdef inline void tag_difference(const vlan_tag* old, const vlan_tag* new, int* n_pop, int* n_push) noexcept nogil:
    """How many tags must go from `old`, and how many of `new` must come, innermost tags being kept if equal."""
    cdef int n_old = tag_count(old), n_new = tag_count(new)
    while n_old and n_new and same_tag(&old[n_old - 1], &new[n_new - 1]):
        n_old -= 1
        n_new -= 1
    n_pop[0] = n_old
    n_push[0] = n_new


cdef inline void count_actions(execution* ex) noexcept nogil:
    """Adds what OVS would encode for this output, which its limit of resubmits looks at."""
    if not (same_tag(&ex.key.vlans[0], &ex.committed_vlans[0]) and same_tag(&ex.key.vlans[1], &ex.committed_vlans[1])):
        commit_vlans(ex)
    ex.actions_bytes += OUTPUT_ACTION_BYTES
    if 0 < ex.mirror_snaplen < SNAPLEN_MAX:
        ex.actions_bytes += TRUNCATE_ACTION_BYTES


cdef void commit_vlans(execution* ex) noexcept nogil:
    """Tags are popped and pushed for this output. One that was popped comes back without its DEI bit later."""
    cdef int n_pop, n_push, n_base, n_kept
    tag_difference(ex.committed_vlans, ex.key.vlans, &n_pop, &n_push)
    ex.actions_bytes += n_pop * POP_VLAN_ACTION_BYTES + n_push * PUSH_VLAN_ACTION_BYTES
    n_base = tag_count(ex.base_vlans)
    n_kept = tag_count(ex.committed_vlans) - n_pop
    ex.n_popped = max(ex.n_popped, n_base - n_kept)
    ex.committed_vlans[0] = ex.key.vlans[0]
    ex.committed_vlans[1] = ex.key.vlans[1]


cdef inline void emit(execution* ex, port* out) noexcept nogil:
    """The frame leaves the switch: counters, the port's capture, the ledger."""
    cdef int n_pop = 0, n_push = 0, i
    cdef uint32_t n_bytes = ex.len
    cdef uint32_t caplen = ex.caplen
    cdef uint32_t skip, head
    cdef uint8_t* to
    cdef uint8_t tagged[20]         # addresses and at most two tags
    if ex.n_popped or not (
            same_tag(&ex.key.vlans[0], &ex.base_vlans[0]) and same_tag(&ex.key.vlans[1], &ex.base_vlans[1])):
        tag_difference(ex.base_vlans, ex.key.vlans, &n_pop, &n_push)
        if n_pop < ex.n_popped:
            n_push += ex.n_popped - n_pop
            n_pop = ex.n_popped
        n_bytes += (n_push - n_pop) * DOT1Q_LEN
        caplen += (n_push - n_pop) * DOT1Q_LEN
    if ex.mirror_snaplen and n_bytes > ex.mirror_snaplen:
        n_bytes = ex.mirror_snaplen
        caplen = min(caplen, n_bytes)
    if out.mtu and n_bytes > out.mtu + ETH_LEN + (
            DOT1Q_LEN if (ex.key.vlans[0].tpid if n_push else outer_type(ex, n_pop)) == TPID_CTAG else 0):
        out.tx_dropped += 1
        drop(ex, DROP_MTU_EXCEEDED)
        return
    out.tx_packets += 1
    out.tx_bytes += n_bytes
    if ex.mirroring == 0:
        ex.n_outputs += 1
    if ex.ledger != NULL:
        ledger_add_output(ex.ledger, out.number, n_bytes, ex.mirroring != 0)
    if out.writer != NULL:
        to = capture_writer_reserve(out.writer, out.interface, ex.time_ns, caplen, n_bytes)
    elif ex.collect != NULL:
        to = capture_writer_reserve(ex.collect, out.number, ex.time_ns, caplen, n_bytes)
    else:
        return
    if to == NULL:
        return
    if n_pop == 0 and n_push == 0:
        memcpy(to, ex.data, caplen)
        return
    memcpy(tagged, ex.data, ETH_TYPE)
    head = ETH_TYPE
    for i in range(n_push):
        store_be16(tagged + head, ex.key.vlans[i].tpid)
        store_be16(tagged + head + 2, ex.key.vlans[i].tci & <uint16_t>~VLAN_PRESENT)
        head += DOT1Q_LEN
    head = min(head, caplen)
    skip = ETH_TYPE + n_pop * DOT1Q_LEN
    memcpy(to, tagged, head)
    memcpy(to + head, ex.data + skip, caplen - head)


cdef inline uint16_t outer_type(const execution* ex, int n_pop) noexcept nogil:
    """What stands behind the addresses once `n_pop` tags are gone."""
    return load_be16(ex.data + ETH_TYPE + n_pop * DOT1Q_LEN)
