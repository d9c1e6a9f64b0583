"""Fields of the key: prerequisites, writes, copies, the stack.

Follows mf_are_prereqs_ok(), mf_mask_field_masked(), mf_subfield_copy() and nxm_execute_stack_*() of OVS. A field is a list of
pieces (ofpact.pxd), so none of this knows a field's name. A write unwildcards what it overwrites: a frame in which
those bits differ would need another operation.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t

from vswitch.datapath.ofpact cimport (
    OFPACT_IS_SET_FIELD, OFPACT_OPTION_SHIFT, OFPACT_SETS_OPTION, OFPACT_SETS_VLAN, PREREQ_ARP, PREREQ_CT,
    PREREQ_ETHERNET, PREREQ_ICMPV4, PREREQ_ICMPV6, PREREQ_IPV4, PREREQ_IPV6, PREREQ_IP_ANY, PREREQ_L4, PREREQ_MPLS,
    PREREQ_ND_ADVERT, PREREQ_ND_SOLICIT, PREREQ_NONE, PREREQ_NSH, PREREQ_TCP, PREREQ_UDP, PREREQ_VLAN_VID, ofpact,
    ofpact_payload,
)
from vswitch.datapath.translation cimport (
    EVENT_FIELD, EVENT_STACK_UNDERFLOW, EVENT_UNMET, byte_list_add, flow_is_ip, flow_is_mpls, record, trace,
    translation,
)
from vswitch.tables.flow_key cimport FRAG_ANY, FRAG_LATER, VLAN_PRESENT, flow_key
from vswitch.wire.dot1q cimport TPID_CTAG
from vswitch.wire.ethernet cimport ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_NSH, ETH_TYPE_RARP
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_SCTP, IP_PROTO_TCP, IP_PROTO_UDP

cdef enum:
    CT_NEW_TO_REPLY = 0x0F          # new, established, related, reply
    CT_INVALID = 0x10
    CT_TRACKED = 0x20
    CT_NAT = 0xC0
    ND_SOLICIT = 135
    ND_ADVERT = 136
    PREREQ_MASK = 0xFF
    MAX_PIECES = 64


cdef bint prereq_holds(translation* t, uint32_t prereq) noexcept nogil:
    """True if the frame has the field, as it is now (OVS mf_are_prereqs_ok())."""
    if prereq == PREREQ_NONE or prereq == PREREQ_ETHERNET:
        return True
    if prereq == PREREQ_VLAN_VID:
        t.wc.vlans[0].tci |= VLAN_PRESENT
        return t.flow.vlans[0].tci & VLAN_PRESENT != 0
    if prereq == PREREQ_CT:
        t.wc.ct_state |= CT_NEW_TO_REPLY | CT_NAT | CT_INVALID | CT_TRACKED
        return (t.flow.ct_state & (CT_NEW_TO_REPLY | CT_NAT) != 0
                or (t.flow.ct_state & (CT_TRACKED | CT_INVALID)) == CT_TRACKED)
    t.need.dl_type = 0xFFFF
    if prereq == PREREQ_ARP:
        return t.flow.dl_type == ETH_TYPE_ARP or t.flow.dl_type == ETH_TYPE_RARP
    if prereq == PREREQ_IPV4:
        return t.flow.dl_type == ETH_TYPE_IPV4
    if prereq == PREREQ_IPV6:
        return t.flow.dl_type == ETH_TYPE_IPV6
    if prereq == PREREQ_MPLS:
        return flow_is_mpls(t)
    if prereq == PREREQ_NSH:
        return t.flow.dl_type == ETH_TYPE_NSH
    if prereq == PREREQ_IP_ANY:
        return flow_is_ip(t)
    return transport_holds(t, prereq)


cdef bint transport_holds(translation* t, uint32_t prereq) noexcept nogil:
    if prereq == PREREQ_ICMPV4:
        if t.flow.dl_type != ETH_TYPE_IPV4:
            return False
        t.wc.nw_proto = 0xFF
        return t.flow.nw_proto == IP_PROTO_ICMP
    if prereq >= PREREQ_ICMPV6 and prereq <= PREREQ_ND_ADVERT:
        if t.flow.dl_type != ETH_TYPE_IPV6:
            return False
        t.wc.nw_proto = 0xFF
        if t.flow.nw_proto != IP_PROTO_ICMP6 or prereq == PREREQ_ICMPV6:
            return t.flow.nw_proto == IP_PROTO_ICMP6
        t.wc.tp_dst = 0xFFFF
        if t.flow.tp_dst != 0:
            return False
        t.wc.tp_src = 0xFFFF
        return ((t.flow.tp_src == ND_SOLICIT and prereq != PREREQ_ND_ADVERT)
                or (t.flow.tp_src == ND_ADVERT and prereq != PREREQ_ND_SOLICIT))
    # TCP, UDP, SCTP, or any of them
    if not flow_is_ip(t):
        return False
    t.need.nw_frag |= FRAG_ANY | FRAG_LATER
    if prereq == PREREQ_L4:
        if t.flow.nw_frag & FRAG_LATER:
            return False
        t.wc.nw_proto = 0xFF
        return True
    t.wc.nw_proto = 0xFF
    if t.flow.nw_proto != (IP_PROTO_TCP if prereq == PREREQ_TCP else IP_PROTO_UDP if prereq == PREREQ_UDP
                           else IP_PROTO_SCTP):
        return False
    return not t.flow.nw_frag & FRAG_LATER


cdef inline void fix_tpid(translation* t, uint32_t arg) noexcept nogil:
    """A tag that was written into an untagged frame gets the usual TPID (OVS flow_fix_vlan_tpid())."""
    if arg & OFPACT_SETS_VLAN and t.flow.vlans[0].tpid == 0 and t.flow.vlans[0].tci != 0:
        t.flow.vlans[0].tpid = TPID_CTAG


cdef void mark_option(translation* t, uint32_t arg) noexcept nogil:
    cdef uint64_t bit = <uint64_t>1 << (arg >> OFPACT_OPTION_SHIFT & 0x3F)
    if arg & OFPACT_SETS_OPTION:
        t.flow.tun_metadata_present |= bit
        t.wc.tun_metadata_present |= bit


cdef void delete_option(translation* t, uint32_t option) noexcept nogil:
    """Its bytes stay, as in OVS (tun_metadata_delete())."""
    cdef uint64_t bit = <uint64_t>1 << (option & 0x3F)
    t.need.tun_metadata_present |= bit
    t.flow.tun_metadata_present &= ~bit


cdef inline void depend_on_protocol(translation* t, uint64_t word) noexcept nogil:
    """A write to a network header unwildcards the protocol (OVS mf_set_mask_l3_prereqs(), since CVE-2023-1668)."""
    cdef flow_key* key = NULL
    if word < <size_t>&key.nw_src // 8 or word > <size_t>&key.arp_tha // 8:
        return
    t.need.dl_type = 0xFFFF
    if t.flow.dl_type == ETH_TYPE_ARP or (word < <size_t>&key.nd_target // 8 and flow_is_ip(t)):
        t.wc.nw_proto = 0xFF


cdef void set_fields(translation* t, const ofpact* a) noexcept nogil:
    """set_field, load, mod_*: nothing happens if the frame lacks the field."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint64_t* flow = <uint64_t*>&t.flow
    cdef uint64_t* wc = <uint64_t*>&t.wc
    cdef uint64_t i
    if not prereq_holds(t, a.arg & PREREQ_MASK):
        if t.events != NULL and a.arg & OFPACT_IS_SET_FIELD:
            record(t, EVENT_UNMET, 0, payload + 1, 16)      # word and mask
        return
    for i in range(payload[0]):
        depend_on_protocol(t, payload[1 + 3 * i])
        wc[payload[1 + 3 * i]] |= payload[2 + 3 * i]
        flow[payload[1 + 3 * i]] = flow[payload[1 + 3 * i]] & ~payload[2 + 3 * i] | payload[3 + 3 * i] & payload[2 + 3 * i]
    fix_tpid(t, a.arg)
    mark_option(t, a.arg)


cdef void move_field(translation* t, const ofpact* a) noexcept nogil:
    """Everything is read before anything is written: source and destination may overlap."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint64_t values[64]        # MAX_PIECES
    cdef uint64_t* flow = <uint64_t*>&t.flow
    cdef uint64_t* wc = <uint64_t*>&t.wc
    cdef uint64_t mask
    cdef uint32_t i, shift, src_shift, src, dst
    cdef uint32_t n = <uint32_t>min(payload[0], <uint64_t>MAX_PIECES)
    if not prereq_holds(t, a.arg >> 8 & PREREQ_MASK) or not prereq_holds(t, a.arg & PREREQ_MASK):
        return
    for i in range(n):
        mask = low_bits(<uint16_t>payload[2 + 2 * i])
        src = <uint32_t>(payload[1 + 2 * i] >> 32)
        src_shift = <uint32_t>(payload[2 + 2 * i] >> 32)
        values[i] = flow[src] >> src_shift & mask
        wc[src] |= mask << src_shift
    for i in range(n):
        shift = <uint16_t>(payload[2 + 2 * i] >> 16)
        mask = low_bits(<uint16_t>payload[2 + 2 * i]) << shift
        dst = <uint32_t>payload[1 + 2 * i]
        flow[dst] = flow[dst] & ~mask | values[i] << shift
        wc[dst] |= mask
        trace_piece(t, <uint64_t>dst << 16 | shift << 8 | <uint16_t>payload[2 + 2 * i])
    fix_tpid(t, a.arg)
    mark_option(t, a.arg)


cdef void trace_piece(translation* t, uint64_t piece) noexcept nogil:
    cdef uint64_t told[2]
    if t.events != NULL:
        told[0] = piece
        told[1] = piece_read(t, piece)
        record(t, EVENT_FIELD, 0, told, sizeof(told))


cdef uint64_t piece_read(translation* t, uint64_t piece) noexcept nogil:
    """The bits of a piece, right-aligned."""
    return (<uint64_t*>&t.flow)[piece_word(piece)] >> piece_shift(piece) & low_bits(piece_n_bits(piece))


cdef void piece_unwildcard(translation* t, uint64_t piece) noexcept nogil:
    (<uint64_t*>&t.wc)[piece_word(piece)] |= low_bits(piece_n_bits(piece)) << piece_shift(piece)


cdef inline void piece_write(translation* t, uint64_t piece, uint64_t value) noexcept nogil:
    cdef uint64_t mask = low_bits(piece_n_bits(piece)) << piece_shift(piece)
    cdef uint64_t* flow = <uint64_t*>&t.flow
    flow[piece_word(piece)] = flow[piece_word(piece)] & ~mask | value << piece_shift(piece) & mask
    piece_unwildcard(t, piece)


cdef void pieces_load(translation* t, const uint64_t* pieces, uint32_t n, uint64_t value) noexcept nogil:
    """Writes a number into a field (OVS nxm_reg_load())."""
    cdef uint32_t i
    for i in range(n):
        piece_write(t, pieces[i], value)
        trace_piece(t, pieces[i])
        value = 0 if piece_n_bits(pieces[i]) >= 64 else value >> piece_n_bits(pieces[i])


cdef void stack_push(translation* t, const ofpact* a) noexcept nogil:
    """A value lies on the stack as its pieces packed into words, then its length in bits."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint32_t n_words = <uint32_t>((payload[0] + 63) // 64)
    cdef uint64_t words[17]         # 1024 bits and the length
    cdef uint64_t value
    cdef uint32_t i, n_bits
    cdef uint32_t at = 0
    if n_words > 16:
        return
    for i in range(17):
        words[i] = 0
    for i in range(<uint32_t>payload[1]):
        value = piece_read(t, payload[2 + i])
        piece_unwildcard(t, payload[2 + i])
        n_bits = piece_n_bits(payload[2 + i])
        words[at >> 6] |= value << (at & 63)
        if (at & 63) + n_bits > 64:
            words[(at >> 6) + 1] |= value >> (64 - (at & 63))
        at += n_bits
    words[n_words] = payload[0]
    if not byte_list_add(&t.stack, words, 8 * (n_words + 1)):
        t.out_of_memory = True
    t.stack_size += <uint32_t>((payload[0] + 7) // 8) + 1


cdef void stack_pop(translation* t, const ofpact* a) noexcept nogil:
    """A longer value is cut, a shorter one extended with zeros."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef uint64_t words[17]
    cdef uint64_t value
    cdef uint64_t* top
    cdef uint32_t i, n_bits, n_words
    cdef uint32_t at = 0
    if t.stack.n == 0:
        trace(t, EVENT_STACK_UNDERFLOW, 0)
        return
    top = <uint64_t*>(t.stack.data + t.stack.n) - 1
    n_words = <uint32_t>((top[0] + 63) // 64)
    t.stack_size -= <uint32_t>((top[0] + 7) // 8) + 1
    t.stack.n -= 8 * (n_words + 1)
    for i in range(17):
        words[i] = (top - n_words)[i] if i < n_words else 0
    for i in range(<uint32_t>payload[1]):
        n_bits = piece_n_bits(payload[2 + i])
        if at >= 1024:
            break
        value = words[at >> 6] >> (at & 63)
        if (at & 63) + n_bits > 64:
            value |= words[(at >> 6) + 1] << (64 - (at & 63))
        piece_write(t, payload[2 + i], value)
        trace_piece(t, payload[2 + i])
        at += n_bits
    fix_tpid(t, a.arg)
    mark_option(t, a.arg)
