"""VLAN tags, MPLS labels, TTLs.

Follows flow_push_vlan_uninit(), flow_push_mpls() and their kin of lib/flow.c, and compose_dec_ttl(). There are two
slots for tags and three for labels. A push that finds no slot loses the innermost tag, but a label stack that is too
deep drops the frame.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.datapath.fate cimport DROP_TOO_MANY_MPLS_LABELS, DROP_TTL_EXPIRED
from vswitch.datapath.ofpact cimport ofpact, ofpact_n_words, ofpact_payload
from vswitch.datapath.program cimport OP_COMMIT, op
from vswitch.datapath.translate_commit cimport translation_commit_frame
from vswitch.datapath.translate_output cimport packet_in
from vswitch.datapath.translation cimport (
    EVENT_ERROR, EVENT_MPLS_TTL, EVENT_NSH_TTL, EVENT_TTL, NO_METER, REASON_INVALID_TTL, flow_is_ip, flow_is_mpls,
    trace, translation, translation_add_op, translation_note_drop,
)
from vswitch.tables.flow_key cimport FLOW_MAX_MPLS_LABELS, VLAN_PRESENT
from vswitch.wire.dot1q cimport TCI_PCP_MASK, TCI_VID_MASK, TPID_CTAG
from vswitch.wire.ethernet cimport ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST, ETH_TYPE_NSH
from vswitch.wire.ipv4 cimport IP_DSCP_MASK
from vswitch.wire.mpls cimport MPLS_BOS

cdef enum:
    MPLS_TTL_MASK = 0xFF
    MPLS_TTL_DEFAULT = 64
    LABEL_IPV4_EXPLICIT_NULL = 0
    LABEL_IPV6_EXPLICIT_NULL = 2
    WHOLE_FRAME = 0xFFFF


cdef inline void depend_on_tags(translation* t) noexcept nogil:
    """Operations write all tags at once, so every bit of them counts."""
    t.need.vlans[0].tpid = t.need.vlans[0].tci = t.need.vlans[1].tpid = t.need.vlans[1].tci = 0xFFFF


cdef void push_vlan(translation* t, uint32_t tpid) noexcept nogil:
    cdef int i
    depend_on_tags(t)
    for i in range(2):
        if not t.flow.vlans[i].tci & VLAN_PRESENT:
            break
        t.wc.vlans[i].tpid = t.wc.vlans[i].tci = 0xFFFF
    t.flow.vlans[1] = t.flow.vlans[0]
    t.flow.vlans[0].tpid = <uint16_t>tpid
    t.flow.vlans[0].tci = VLAN_PRESENT


cdef void pop_vlan(translation* t) noexcept nogil:
    depend_on_tags(t)
    if not t.flow.vlans[0].tci & VLAN_PRESENT:
        return
    if t.flow.vlans[1].tci & VLAN_PRESENT:
        t.wc.vlans[1].tpid = t.wc.vlans[1].tci = 0xFFFF
        t.flow.vlans[0] = t.flow.vlans[1]
        t.flow.vlans[1].tpid = t.flow.vlans[1].tci = 0
    else:
        t.flow.vlans[0].tpid = t.flow.vlans[0].tci = 0


cdef void set_vlan(translation* t, const ofpact* a, uint16_t mask, uint16_t value) noexcept nogil:
    depend_on_tags(t)
    t.wc.vlans[0].tci |= mask | VLAN_PRESENT
    if t.flow.vlans[0].tci & VLAN_PRESENT or (ofpact_n_words(a) and ofpact_payload(a)[0]):
        if t.flow.vlans[0].tpid == 0:
            t.flow.vlans[0].tpid = TPID_CTAG
        t.flow.vlans[0].tci = t.flow.vlans[0].tci & ~mask | value | VLAN_PRESENT


cdef void set_vlan_vid(translation* t, const ofpact* a) noexcept nogil:
    set_vlan(t, a, TCI_VID_MASK, <uint16_t>(a.arg & TCI_VID_MASK))


cdef void set_vlan_pcp(translation* t, const ofpact* a) noexcept nogil:
    set_vlan(t, a, TCI_PCP_MASK, <uint16_t>((a.arg & 7) << 13))


cdef int count_labels(translation* t) noexcept nogil:
    """Labels in the key; a stack without a bottom counts as far as it is not zero (OVS flow_count_mpls_labels())."""
    cdef int i
    cdef int n = 0
    if not flow_is_mpls(t):
        return 0
    for i in range(FLOW_MAX_MPLS_LABELS):
        t.wc.mpls_lse[i] |= MPLS_BOS
        if t.flow.mpls_lse[i] & MPLS_BOS:
            return i + 1
        if t.flow.mpls_lse[i]:
            n += 1
    return n


cdef void too_many_labels(translation* t) noexcept nogil:
    trace(t, EVENT_ERROR, DROP_TOO_MANY_MPLS_LABELS)
    translation_note_drop(t, DROP_TOO_MANY_MPLS_LABELS)
    t.error = DROP_TOO_MANY_MPLS_LABELS


cdef void push_mpls(translation* t, uint32_t eth_type) noexcept nogil:
    """The first label takes TTL and traffic class from an IP header, which then is out of sight."""
    cdef int n = count_labels(t)
    cdef int i
    if n >= FLOW_MAX_MPLS_LABELS:
        too_many_labels(t)
        return
    t.need.mpls_lse[0] = t.need.mpls_lse[1] = t.need.mpls_lse[2] = 0xFFFFFFFF
    if n:
        for i in range(n):
            t.wc.mpls_lse[i] = 0xFFFFFFFF
        for i in range(n, 0, -1):
            t.flow.mpls_lse[i] = t.flow.mpls_lse[i - 1]
        t.flow.mpls_lse[0] = t.flow.mpls_lse[1] & ~<uint32_t>MPLS_BOS
    else:
        translation_commit_frame(t)
        translation_add_op(t, op(code=OP_COMMIT, n=0, argument=0, value=0, mask=0))
        t.flow.mpls_lse[0] = first_mpls_entry(t)
        hide_network_layer(t)
        t.flow.dp_hash = 0
    t.flow.dl_type = <uint16_t>eth_type


cdef uint32_t first_mpls_entry(translation* t) noexcept nogil:
    """The entry for a packet without labels (OVS flow_push_mpls())."""
    cdef uint32_t label = LABEL_IPV4_EXPLICIT_NULL
    cdef uint32_t tc = 0
    cdef uint32_t ttl = MPLS_TTL_DEFAULT
    if t.flow.dl_type == ETH_TYPE_IPV6:
        label = LABEL_IPV6_EXPLICIT_NULL
    if flow_is_ip(t):
        tc = (t.flow.nw_tos & IP_DSCP_MASK) >> 2
        t.wc.nw_tos |= IP_DSCP_MASK
        t.wc.nw_ttl = 0xFF
        if t.flow.nw_ttl:
            ttl = t.flow.nw_ttl
    # OVS takes all six bits of the DSCP for a traffic class and cuts them to three.
    return label << 12 | (tc & 7) << 9 | MPLS_BOS | ttl


cdef void hide_network_layer(translation* t) noexcept nogil:
    """What stands behind the labels reads as zero; every bit that thereby changes counts."""
    memset(&t.flow.nw_src, 0, <size_t>(<char*>&t.flow.ct_nw_src - <char*>&t.flow.nw_src))


cdef void pop_mpls(translation* t, uint32_t eth_type) noexcept nogil:
    cdef int n = count_labels(t)
    cdef int i
    if n == 0:
        return
    if n == FLOW_MAX_MPLS_LABELS and not t.flow.mpls_lse[n - 1] & MPLS_BOS:
        too_many_labels(t)
        return
    t.need.mpls_lse[0] = t.need.mpls_lse[1] = t.need.mpls_lse[2] = 0xFFFFFFFF
    for i in range(1, n):
        t.wc.mpls_lse[i] = 0xFFFFFFFF
        t.flow.mpls_lse[i - 1] = t.flow.mpls_lse[i]
    t.flow.mpls_lse[n - 1] = 0
    t.flow.dl_type = <uint16_t>eth_type
    if eth_type != ETH_TYPE_MPLS and eth_type != ETH_TYPE_MPLS_MCAST:
        t.was_mpls = True


cdef void set_mpls(translation* t, uint32_t shift, uint32_t mask, uint32_t value) noexcept nogil:
    """Label, traffic class or TTL of the outermost entry."""
    if flow_is_mpls(t):
        t.wc.mpls_lse[0] |= mask << shift
        t.flow.mpls_lse[0] = t.flow.mpls_lse[0] & ~(mask << shift) | (value & mask) << shift


cdef bint dec_mpls_ttl(translation* t) noexcept nogil:
    """True if the list of actions ends here."""
    cdef uint32_t ttl
    if flow_is_mpls(t):
        ttl = t.flow.mpls_lse[0] & MPLS_TTL_MASK
        t.wc.mpls_lse[0] |= MPLS_TTL_MASK
        if ttl > 1:
            t.flow.mpls_lse[0] -= 1
            return False
        packet_in(t, WHOLE_FRAME, REASON_INVALID_TTL, 0, NO_METER, NULL, 0, False)
    trace(t, EVENT_MPLS_TTL, 0)
    translation_note_drop(t, DROP_TTL_EXPIRED)
    return True


cdef bint dec_ttl(translation* t, const ofpact* a) noexcept nogil:
    """True if the list of actions ends here."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint32_t i
    t.wc.nw_ttl = t.wc.nw_proto = 0xFF
    if not flow_is_ip(t):
        return False
    if t.flow.nw_ttl > 1:
        t.flow.nw_ttl -= 1
        return False
    if ofpact_n_words(a):
        for i in range(<uint32_t>payload[0]):
            packet_in(t, WHOLE_FRAME, REASON_INVALID_TTL, <uint16_t>payload[1 + i], NO_METER, NULL, 0, False)
    trace(t, EVENT_TTL, 4 if t.flow.dl_type == ETH_TYPE_IPV4 else 6)
    translation_note_drop(t, DROP_TTL_EXPIRED)
    return True


cdef bint dec_nsh_ttl(translation* t) noexcept nogil:
    """True if the list of actions ends here."""
    t.need.dl_type = 0xFFFF
    if t.flow.dl_type == ETH_TYPE_NSH:
        t.wc.nsh_ttl = 0xFF
        if t.flow.nsh_ttl > 1:
            t.flow.nsh_ttl -= 1
            return False
        packet_in(t, WHOLE_FRAME, REASON_INVALID_TTL, 0, NO_METER, NULL, 0, False)
    trace(t, EVENT_NSH_TTL, 0)
    translation_note_drop(t, DROP_TTL_EXPIRED)
    return True
