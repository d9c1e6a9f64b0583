"""A frame leaves a bridge at a port: VLAN tags, patch ports, mirrors, counters, the port's capture.

Follows compose_output_action() and patch_port_output() of ofproto-dpif-xlate. Edits are lazy: tags live in the
flow key until here, and a frame whose tags did not change is copied straight from the capture.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from vswitch.capture.writer cimport capture_writer_reserve
from vswitch.datapath.bond cimport bond_account, bond_choose
from vswitch.datapath.bridge cimport PORT_NO_FWD, bond_member, bridge, bundle, port
from vswitch.datapath.commit cimport commit
from vswitch.datapath.device_answers cimport ANSWER_LOOKS_AT, device_answers_offer
from vswitch.datapath.execution cimport (
    N_BROKEN, OUTPUT_ACTION_BYTES, SNAPLEN_MAX, TRUNCATE_ACTION_BYTES, USERSPACE_ACTION_BYTES, drop, execution,
)
from vswitch.datapath.fate cimport (
    DROP_BOND_WITHOUT_MEMBER, DROP_ETH_TRUNCATED, DROP_MTU_EXCEEDED, DROP_PATCH_WITHOUT_PEER, DROP_PORT_NOT_FORWARDING, DROP_PORTS_PROTECTED,
)
from vswitch.datapath.frame_bytes cimport frame_bytes, frame_shape, frame_shape_of
from vswitch.datapath.ledger cimport ledger_add_output
from vswitch.datapath.odp_size cimport odp_size_commit
from vswitch.datapath.tap cimport tap_frame
from vswitch.datapath.tunnel_input cimport tunnel_input
from vswitch.datapath.tunnel_output cimport tunnel_output
from vswitch.datapath.vlan cimport (
    tag_stack, tags_from_key, tags_inner, tags_outer, tags_put, tags_seen, tags_to_key, tags_vid,
)
from vswitch.datapath.wires cimport wire_queue_leave
from vswitch.tables.flow_key cimport VLAN_PRESENT, vlan_tag
from vswitch.wire.byteorder cimport load_be16
from vswitch.wire.dot1q cimport DOT1Q_LEN, TPID_CTAG
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE, ETH_TYPE_IPV4, ETH_TYPE_IPV6


cdef void output_to_bundle(execution* ex, bundle* b, tag_stack tags) noexcept nogil:
    """Sends the frame, which is in the bridge with `tags`, as bundle `b` wants it (OVS output_normal())."""
    cdef tag_stack saved = ex.tags
    cdef tag_stack put
    cdef port* out = b.members
    if out == NULL:
        return
    put = tags_put(b, tags, saved)
    ex.tags = tags_seen(put)
    if b.bond != NULL:
        out = bond_output_port(ex, b)
    if out != NULL and out.is_patch:
        output_to_patch(ex, out, saved, put)
    elif out != NULL:
        output_to_port(ex, out)
    ex.tags = saved


cdef void output_to_patch(execution* ex, port* out, tag_stack now, tag_stack put) noexcept nogil:
    """As output_to_port(), with the key that OVS's next bridge sees of the frame, which carries `now`.

    Of a tag that vanished the TPID stays, and what stood behind it: should the next bridge put a VID there, both are back.
    """
    cdef vlan_tag saved[2]
    saved[0] = ex.key.vlans[0]
    saved[1] = ex.key.vlans[1]
    if tags_from_key(ex.key.vlans) != now:
        tags_to_key(now, ex.key.vlans)
    if tags_outer(put):
        tags_to_key(put, ex.key.vlans)
    else:
        ex.key.vlans[0].tci = 0
        if ex.key.vlans[0].tpid == TPID_CTAG:
            ex.key.vlans[0].tpid = 0        # what a tag gets that had none
        ex.key.vlans[1].tpid = <uint16_t>(tags_inner(put) >> 16)
        ex.key.vlans[1].tci = <uint16_t>tags_inner(put) | VLAN_PRESENT if tags_inner(put) else 0
    output_to_port(ex, out)
    ex.key.vlans[0] = saved[0]
    ex.key.vlans[1] = saved[1]


cdef port* bond_output_port(execution* ex, bundle* b) noexcept nogil:
    """The member of a bond on which the frame, with the tags that it has now, leaves; NULL if there is none."""
    cdef uint16_t vid = <uint16_t>tags_vid(ex.tags)
    cdef bond_member* m = bond_choose(b.bond, ex.key.dl_src, vid)
    if m == NULL:
        drop(ex, DROP_BOND_WITHOUT_MEMBER)
        return NULL
    bond_account(b.bond, ex.key.dl_src, vid, ex.counted_len)
    return m.port


cdef void output_to_port(execution* ex, port* out) noexcept nogil:
    """Sends the frame, with the tags that it has now, to `out`: into the next bridge, or out of the switch."""
    cdef uint64_t n_sent
    if out.is_plain:
        commit(ex)      # a flood comes from other bridges, which edit, back to this one
        count_actions(ex)
        emit(ex, out)
    elif passes_rules(ex, out):
        count_actions(ex)
        n_sent = out.tx_packets
        if (out.wire != NULL and ex.wires != NULL) or out.tap_out != NULL:
            emit_watched(ex, out)
        else:
            emit(ex, out)
        if out.n_addresses and out.tx_packets != n_sent:
            offer_to_device(ex, out)
        mirror_output(ex, out)


cdef void offer_to_device(execution* ex, port* out) noexcept nogil:
    """The frame has left at a port with addresses, where it may be answered."""
    cdef frame_shape shape
    cdef uint8_t data[ANSWER_LOOKS_AT]
    cdef uint32_t n_bytes
    if ex.key.dl_type == ETH_TYPE_IPV4 or ex.key.dl_type == ETH_TYPE_IPV6:
        return                      # nearly all
    frame_shape_of(ex, &shape)
    n_bytes = min(shape.caplen, <uint32_t>ANSWER_LOOKS_AT)
    if ex.mirror_snaplen:
        n_bytes = min(n_bytes, ex.mirror_snaplen)
    frame_bytes(ex, &shape, data, n_bytes)
    if not device_answers_offer(ex.answers, out, data, n_bytes, ex.vlan_limit, ex.time_ns):
        ex.out_of_memory = True


cdef void mirror_output(execution* ex, port* out) noexcept nogil:
    """What left at `out` is copied to the mirrors that want it."""
    if ex.bridge.has_mirrors and out.bundle != NULL and out.bundle.mirror_dst:
        ex.mirror(ex, out.bundle, out.bundle.mirror_dst)


cdef bint passes_rules(execution* ex, port* out) noexcept nogil:
    """True if the frame leaves the switch at `out`. Otherwise it goes on elsewhere, in another bridge or a tunnel, or ends."""
    if out.config & PORT_NO_FWD:
        drop(ex, DROP_PORT_NOT_FORWARDING)
        return False
    if ex.mirror_snaplen and out.is_patch:
        return False                # OVS cannot cut what it hands to another bridge, and sends nothing
    if ex.in_port.bundle != NULL and out.bundle != NULL and ex.in_port.bundle.is_protected and out.bundle.is_protected:
        drop(ex, DROP_PORTS_PROTECTED)
        return False
    if out.tunnel != NULL:
        commit(ex)
        tunnel_output(ex, out)
        mirror_output(ex, out)
        return False
    if not out.is_patch:
        commit(ex)
        if out.n_addresses == 0 or not tunnel_input(ex, out):
            return True
        mirror_output(ex, out)
        return False
    if out.peer != NULL:
        patch_output(ex, out)
    else:
        drop(ex, DROP_PATCH_WITHOUT_PEER)
        mirror_output(ex, out)      # OVS mirrors what nobody got
    return False


cdef void patch_output(execution* ex, port* out) noexcept nogil:
    """The same frame enters the bridge at the other end of a patch port, here and now."""
    cdef bridge* saved_bridge = ex.bridge
    cdef port* saved_in_port = ex.in_port
    cdef uint32_t saved_ofp_port = ex.key.in_port
    cdef uint32_t saved_mirrors = ex.mirrors
    cdef vlan_tag saved_vlans[2]
    cdef port* peer = out.peer
    if out.tap_out != NULL:
        tap_frame(ex, out.tap_out)
    if peer.tap_in != NULL:
        tap_frame(ex, peer.tap_in)
    if peer.bridge != ex.bridge:
        ex.mirrors = 0
    ex.bridge = peer.bridge
    ex.in_port = peer
    ex.key.in_port = peer.ofp_port
    saved_vlans[0] = ex.key.vlans[0]
    saved_vlans[1] = ex.key.vlans[1]
    if tags_from_key(ex.key.vlans) != ex.tags:
        tags_to_key(ex.tags, ex.key.vlans)
    ex.receive(ex)
    # OVS accounts the frame as it was received, whatever tags it has by now, and when it has been there.
    out.tx_packets += 1
    out.tx_bytes += ex.counted_len
    peer.rx_packets += 1
    peer.rx_bytes += ex.counted_len
    ex.key.vlans[0] = saved_vlans[0]
    ex.key.vlans[1] = saved_vlans[1]
    if peer.bridge != saved_bridge:
        ex.mirrors = saved_mirrors
    ex.bridge = saved_bridge
    ex.in_port = saved_in_port
    ex.key.in_port = saved_ofp_port


cdef inline void count_actions(execution* ex) noexcept nogil:
    """Adds what OVS would encode for this output, which its limit of resubmits looks at."""
    odp_size_commit(ex)
    ex.actions_bytes += OUTPUT_ACTION_BYTES
    if 0 < ex.mirror_snaplen < SNAPLEN_MAX:
        ex.actions_bytes += TRUNCATE_ACTION_BYTES


cdef void output_to_controller(execution* ex, port* controller) noexcept nogil:
    """Writes the frame as it is now for `controller`, which is no port of the switch."""
    odp_size_commit(ex)
    ex.actions_bytes += USERSPACE_ACTION_BYTES
    emit(ex, controller)


cdef inline void emit(execution* ex, port* out) noexcept nogil:
    """The frame leaves the switch. One whose tags did not change is copied as it is."""
    cdef uint8_t* to
    if ex.is_ghost:
        return
    if ex.tags != ex.base_tags or ex.n_popped:
        emit_tagged(ex, out)
        return
    to = account(ex, out, load_be16(ex.data + ETH_TYPE), ex.caplen, ex.len)
    if to != NULL:
        memcpy(to, ex.data, ex.caplen if not ex.mirror_snaplen else min(ex.caplen, ex.mirror_snaplen))


cdef void emit_tagged(execution* ex, port* out) noexcept nogil:
    """The frame leaves with other tags than it came with."""
    cdef frame_shape shape
    cdef uint8_t* to
    frame_shape_of(ex, &shape)
    to = account(ex, out, shape.outer_type, shape.caplen, shape.len)
    if to != NULL:
        frame_bytes(ex, &shape, to, shape.caplen if not ex.mirror_snaplen else min(shape.caplen, ex.mirror_snaplen))


cdef void emit_watched(execution* ex, port* out) noexcept nogil:
    """The frame leaves at a port with a wire or a tap, each of which gets a copy beside the port's capture."""
    cdef frame_shape shape
    cdef uint8_t* to
    if ex.is_ghost:
        return
    frame_shape_of(ex, &shape)
    if not admit(ex, out, shape.outer_type, &shape.caplen, &shape.len):
        return
    to = place(ex, out, shape.caplen, shape.len)
    if to != NULL:
        frame_bytes(ex, &shape, to, shape.caplen)
    if out.tap_out != NULL:
        to = capture_writer_reserve(out.tap_out, 0, ex.time_ns, shape.caplen, shape.len)
        if to != NULL:
            frame_bytes(ex, &shape, to, shape.caplen)
    if out.wire != NULL and ex.wires != NULL:
        to = wire_queue_leave(ex.wires, out.wire.number, ex.time_ns, shape.caplen, shape.len)
        if to != NULL:
            frame_bytes(ex, &shape, to, shape.caplen)


cdef inline uint8_t* account(execution* ex, port* out, uint16_t outer_type, uint32_t caplen,
                             uint32_t n_bytes) noexcept nogil:
    """Counts a copy of `n_bytes` that leaves at `out`; returns where its bytes go, cut as the mirror at work wants.

    NULL if the port does not send it, or nobody listens. `outer_type` is what stands behind the addresses.
    """
    return place(ex, out, caplen, n_bytes) if admit(ex, out, outer_type, &caplen, &n_bytes) else NULL


cdef inline bint admit(execution* ex, port* out, uint16_t outer_type, uint32_t* caplen, uint32_t* wire_len) noexcept nogil:
    """Counts a copy that leaves at `out`, and cuts it as the mirror at work wants; False if the port does not send it."""
    cdef uint32_t n_bytes = wire_len[0]
    if ex.mirror_snaplen:
        n_bytes = min(n_bytes, ex.mirror_snaplen)
        wire_len[0] = n_bytes
        caplen[0] = min(caplen[0], n_bytes)
        if n_bytes < ETH_LEN:       # cut, and then a tag was taken off
            fail(ex, out, DROP_ETH_TRUNCATED)
            return False
    if out.mtu and n_bytes > out.mtu + ETH_LEN + (DOT1Q_LEN if outer_type == TPID_CTAG else 0):
        out.tx_dropped += 1
        fail(ex, out, DROP_MTU_EXCEEDED)
        return False
    if ex.n_broken and is_broken(ex, out):
        return False
    out.tx_packets += 1
    out.tx_bytes += n_bytes
    if ex.mirroring == 0:
        ex.n_outputs += 1
    if ex.ledger != NULL:
        ledger_add_output(ex.ledger, out.number, n_bytes, ex.mirroring != 0)
    return True


cdef inline uint8_t* place(execution* ex, port* out, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """Where the bytes of a copy go that leaves at `out`; NULL if nobody listens."""
    if out.writer != NULL:
        return capture_writer_reserve(out.writer, out.interface, ex.time_ns, caplen, n_bytes)
    if ex.collect != NULL:
        return capture_writer_reserve(ex.collect, out.number, ex.time_ns, caplen, n_bytes)
    return NULL


cdef void fail(execution* ex, port* out, uint32_t reason) noexcept nogil:
    """The device refuses a copy. OVS sends a frame's copies for a port in one burst, and gives the rest of it up then."""
    drop(ex, reason)
    if ex.n_broken < N_BROKEN:
        ex.broken[ex.n_broken] = out
        ex.n_broken += 1


cdef bint is_broken(const execution* ex, const port* out) noexcept nogil:
    cdef uint32_t i
    for i in range(ex.n_broken):
        if ex.broken[i] == out:
            return True
    return False
