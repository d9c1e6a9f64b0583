"""Outputs: one operation each for the port that a number means now.

Follows xlate_output_action() and its kin. Only what the flow decides is decided here; what the port does to the frame
(no-forward, protection, VLAN mode, patch) is settled when the operation runs. An output by number to the port
where the frame came in is skipped; OFPP_IN_PORT is how to say it.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy

from vswitch.datapath.bridge cimport PORT_DOWN, PORT_NO_FLOOD, PORT_NO_FWD, bridge, bridge_all_ports, bridge_find_port, port as port_t
from vswitch.datapath.drop_places cimport SITE_BITS
from vswitch.datapath.execution cimport OUTPUT_ACTION_BYTES, USERSPACE_ACTION_BYTES
from vswitch.datapath.fate cimport DROP_FLOW_ACTION, DROP_OUTPUT_IS_INPUT, DROP_OUTPUT_PORT_MISSING, DROP_PACKET_TYPE
from vswitch.datapath.flow_table cimport TABLE_PORTS, flow
from vswitch.datapath.ofpact cimport ofpact, ofpact_payload
from vswitch.datapath.program cimport OP_CONTROLLER, OP_NORMAL, OP_OUTPUT, op
from vswitch.datapath.translate_commit cimport translation_commit, translation_commit_frame
from vswitch.datapath.translate_fields cimport mark_option, piece_read, piece_unwildcard, pieces_load
from vswitch.datapath.translate_hash cimport flow_hash, hash_2words, hash_unwildcard
from vswitch.datapath.packet_in cimport packet_in_spec
from vswitch.datapath.tunnel cimport TUNNEL_OFF
from vswitch.datapath.translation cimport (
    EVENT_NO_PORT, EVENT_OUTPUT_IN_PORT, EVENT_OUTPUT_REG, EVENT_OUTPUT_REG_RANGE, EVENT_TRUNC_PATCH,
    EVENT_TRUNC_UNSUPPORTED, NO_FLOW, NO_METER, REASON_ACTION, REASON_ACTION_SET, REASON_EXPLICIT_MISS,
    REASON_GROUP, REASON_PACKET_OUT, trace, translation, translation_add_op, translation_consult,
    translation_note_drop,
)

cdef enum:
    OFPP_IN_PORT = 0xFFF8
    OFPP_TABLE = 0xFFF9
    OFPP_NORMAL = 0xFFFA
    OFPP_FLOOD = 0xFFFB
    OFPP_ALL = 0xFFFC
    OFPP_CONTROLLER = 0xFFFD
    OFPP_NONE = 0xFFFF
    BUNDLE_HRW = 1


cdef void output(translation* t, uint32_t port, uint16_t max_len, bint may_packet_in, bint in_bucket) noexcept nogil:
    """`max_len` is for the controller."""
    if port < OFPP_IN_PORT or port == 0xFFFE:
        t.need.in_port = 0xFFFFFFFF
        if port != t.flow.in_port:
            output_to(t, port, 0)
        else:
            trace(t, EVENT_OUTPUT_IN_PORT, 0)
            translation_note_drop(t, DROP_OUTPUT_IS_INPUT)
    elif port == OFPP_NORMAL and t.flow.packet_type:
        translation_note_drop(t, DROP_PACKET_TYPE)
    elif port == OFPP_NORMAL:
        translation_commit_frame(t)
        translation_add_op(t, op(code=OP_NORMAL, n=<uint16_t>t.depth, argument=0, value=0, mask=site_and_resubmits(t)))
        t.n_outputs += 1
    elif port == OFPP_IN_PORT:
        t.need.in_port = 0xFFFFFFFF
        output_to(t, t.flow.in_port, 0)
    elif port == OFPP_TABLE:
        t.look_up(t, t.flow.in_port, 0, may_packet_in, True, False, False)
    elif port == OFPP_FLOOD or port == OFPP_ALL:
        flood(t, port == OFPP_ALL)
    elif port == OFPP_CONTROLLER:
        packet_in(t, max_len, REASON_PACKET_OUT if t.is_packet_out else REASON_GROUP if in_bucket else REASON_ACTION_SET if t.in_action_set else REASON_ACTION,
                  0, NO_METER, NULL, 0, False)


cdef inline uint64_t site_and_resubmits(const translation* t) noexcept nogil:
    return t.site | <uint64_t>t.n_resubmits << SITE_BITS


cdef void output_to(translation* t, uint32_t ofp_port, uint32_t max_len) noexcept nogil:
    cdef port_t* p = bridge_find_port(t.bridge, ofp_port)
    translation_consult(t, TABLE_PORTS)
    if p == NULL:
        trace(t, EVENT_NO_PORT, ofp_port)
        translation_note_drop(t, DROP_OUTPUT_PORT_MISSING)
        return
    if t.flow.packet_type:
        translation_note_drop(t, DROP_PACKET_TYPE)      # no port of ours takes anything but Ethernet
        return
    if p.tunnel != NULL and p.tunnel.sets_mark:
        set_mark(t, p)
    translation_commit_frame(t)
    translation_add_op(t, op(code=OP_OUTPUT, n=<uint16_t>t.depth, argument=max_len, value=<uint64_t>p,
                             mask=site_and_resubmits(t)))
    if not p.is_patch and not p.config & PORT_NO_FWD and (p.bundle == NULL or not p.bundle.is_protected):
        t.actions_bytes += OUTPUT_ACTION_BYTES
    t.n_outputs += 1


cdef void set_mark(translation* t, const port_t* p) noexcept nogil:
    """A tunnel marks what it sends (egress_pkt_mark), and Open vSwitch does not take the mark off what comes after."""
    cdef const port_t* in_port = bridge_find_port(t.bridge, t.flow.in_port)
    if p.config & PORT_NO_FWD or p.tunnel.kind == TUNNEL_OFF:
        return
    if (p.bundle != NULL and p.bundle.is_protected and in_port != NULL and in_port.bundle != NULL
            and in_port.bundle.is_protected):
        return
    t.need.pkt_mark = t.wc.pkt_mark = 0xFFFFFFFF
    t.flow.pkt_mark = p.tunnel.mark


cdef void flood(translation* t, bint all) noexcept nogil:
    """To every port but the one where the frame came in, and without ALL but those that are no-flood."""
    cdef uint32_t i
    cdef port_t* p
    t.need.in_port = 0xFFFFFFFF
    translation_consult(t, TABLE_PORTS)
    if not bridge_all_ports(<bridge*>t.bridge):
        t.out_of_memory = True
        return
    for i in range(t.bridge.n_all):
        p = t.bridge.all_order[i]
        if p.ofp_port != t.flow.in_port and (all or not p.config & PORT_NO_FLOOD):
            output_to(t, p.ofp_port, 0)


cdef void output_truncated(translation* t, uint32_t port, uint32_t max_len) noexcept nogil:
    """output(port=..,max_len=..): not to special ports, nor over patch ports, whose frames stay whole."""
    cdef port_t* p
    translation_consult(t, TABLE_PORTS)
    if port >= OFPP_TABLE and port != 0xFFFE:
        trace(t, EVENT_TRUNC_UNSUPPORTED, port)
        translation_note_drop(t, DROP_FLOW_ACTION)
        return
    t.need.in_port = 0xFFFFFFFF
    if port == t.flow.in_port:
        trace(t, EVENT_OUTPUT_IN_PORT, 0)
        translation_note_drop(t, DROP_OUTPUT_IS_INPUT)
        return
    p = bridge_find_port(t.bridge, port)
    if p == NULL or p.is_patch:
        trace(t, EVENT_TRUNC_PATCH, port)
        translation_note_drop(t, DROP_OUTPUT_PORT_MISSING)
        return
    output_to(t, port, max_len)


cdef void output_reg(translation* t, const ofpact* a, bint in_bucket) noexcept nogil:
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint64_t port = piece_read(t, payload[1])
    piece_unwildcard(t, payload[1])
    if port > 0xFFFF:
        trace(t, EVENT_OUTPUT_REG_RANGE, port)
        translation_note_drop(t, DROP_OUTPUT_PORT_MISSING)
        return
    trace(t, EVENT_OUTPUT_REG, port)
    output(t, <uint32_t>port, <uint16_t>payload[0], False, in_bucket)


cdef void enqueue(translation* t, const ofpact* a, bint in_bucket) noexcept nogil:
    """Queues are not modelled: the frame leaves as by output, but for special ports."""
    t.wc.skb_priority = 0xFFFFFFFF
    if a.arg == OFPP_IN_PORT:
        output_to(t, t.flow.in_port, 0)
    else:
        output(t, a.arg, 0, False, in_bucket)


cdef bint port_is_alive(translation* t, uint32_t ofp_port) noexcept nogil:
    """True if a port could send (OVS's may_enable)."""
    cdef port_t* p = bridge_find_port(t.bridge, ofp_port)
    translation_consult(t, TABLE_PORTS)
    return p != NULL and not p.config & PORT_DOWN


cdef bint member_is_alive(translation* t, uint32_t ofp_port) noexcept nogil:
    if ofp_port == OFPP_CONTROLLER:
        return False
    if ofp_port >= OFPP_IN_PORT and ofp_port != 0xFFFE:
        return True
    return port_is_alive(t, ofp_port)


cdef void bundle_action(translation* t, const ofpact* a, bint in_bucket) noexcept nogil:
    """bundle, bundle_load: the first live member, or that of the highest random weight."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint32_t n_pieces = <uint32_t>payload[2]
    cdef uint32_t n_members = <uint32_t>payload[3]
    cdef const uint64_t* members = payload + 4 + n_pieces
    cdef uint32_t algorithm = a.arg & 0xFF
    cdef uint32_t hash = 0
    cdef uint32_t weight, i
    cdef uint32_t best_weight = 0
    cdef uint32_t chosen = OFPP_NONE
    cdef bint found = False
    if algorithm == BUNDLE_HRW:
        if n_members > 1:
            hash_unwildcard(t, <uint32_t>payload[0])
        hash = flow_hash(&t.flow, <uint32_t>payload[0], <uint16_t>payload[1])
    for i in range(n_members):
        if not member_is_alive(t, <uint32_t>members[i]):
            continue
        if algorithm != BUNDLE_HRW:
            chosen = <uint32_t>members[i]
            break
        weight = hash_2words(i, hash)
        if not found or weight > best_weight:
            best_weight = weight
            chosen = <uint32_t>members[i]
            found = True
    if n_pieces:
        pieces_load(t, payload + 4, n_pieces, chosen)
        mark_option(t, a.arg)
    else:
        output(t, chosen, 0, False, in_bucket)


cdef void packet_in(translation* t, uint16_t max_len, uint8_t reason, uint16_t controller, uint32_t meter,
                    const uint8_t* userdata, uint32_t n_userdata, bint pause) noexcept nogil:
    cdef packet_in_spec* spec
    translation_commit(t)
    if reason == REASON_ACTION and is_table_miss(t.rule):
        reason = REASON_EXPLICIT_MISS
    spec = <packet_in_spec*>malloc(sizeof(packet_in_spec) + n_userdata)
    if spec == NULL:
        t.out_of_memory = True
        return
    spec.controller = controller
    spec.max_len = max_len
    spec.reason = reason
    spec.table = t.table
    spec.pause = pause
    spec.flow = t.rule.number if t.rule != NULL else NO_FLOW
    spec.meter = meter
    spec.cookie = t.cookie
    spec.n_userdata = n_userdata
    if n_userdata:
        memcpy(spec.userdata, userdata, n_userdata)
    translation_add_op(t, op(code=OP_CONTROLLER, n=0, argument=0, value=<uint64_t>spec, mask=0))
    t.actions_bytes += USERSPACE_ACTION_BYTES
    t.n_outputs += 1


cdef inline bint is_table_miss(const flow* f) noexcept nogil:
    return f != NULL and f.rule.priority == 0 and f.rule.n_words == 0
