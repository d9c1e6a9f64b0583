"""encap and decap (OVS xlate_generic_encap_action() and xlate_generic_decap_action()).

`packet_type` of the key says what the frame begins with. In the bytes there always is an Ethernet header: of a packet that
is none of Ethernet's it is a dummy with the Ethertype and without addresses, which encap(ethernet) makes real. So
only NSH and MPLS headers move bytes, when the operation runs (encap.pyx), and edits behind it are edits like all others.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy, memset

from vswitch.datapath.encap cimport new_header
from vswitch.datapath.fate cimport DROP_PACKET_TYPE, DROP_TOO_MANY_MPLS_LABELS
from vswitch.datapath.ofpact cimport ofpact_payload
from vswitch.datapath.program cimport OP_COMMIT, OP_POP_ETH, OP_POP_HEADER, OP_PUSH_HEADER, op
from vswitch.datapath.translate_commit cimport translation_commit
from vswitch.datapath.translate_tags cimport first_mpls_entry
from vswitch.datapath.translation cimport (
    EVENT_ERROR, trace, translation_add_op, translation_note_drop,
)
from vswitch.tables.flow_key cimport FLOW_MAX_MPLS_LABELS, VLAN_PRESENT
from vswitch.wire.byteorder cimport store_be32
from vswitch.wire.ethernet cimport ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST, ETH_TYPE_NSH
from vswitch.wire.mpls cimport MPLS_BOS, MPLS_LEN
from vswitch.wire.nsh cimport NSH_LEN, NSH_LEN_MD1, NSH_MD_TYPE1, NSH_MD_TYPE2

cdef enum:
    PACKET_TYPE_ETH = 0
    PACKET_TYPE_IPV4 = 0x10800
    PACKET_TYPE_IPV6 = 0x186DD
    PACKET_TYPE_NSH = 0x1894F
    NSH_NEXT_IPV4 = 1
    NSH_NEXT_IPV6 = 2
    NSH_NEXT_ETHERNET = 3
    NSH_NEXT_NSH = 4
    NSH_TTL = 63
    NSH_PATH = 255                  # path 0, index 255
    NSH_CONTEXT_MAX = 248           # bytes of TLVs (NSH_CTX_HDRS_MAX_LEN)
    PROPERTY_MD_TYPE = 1
    PROPERTY_TLV = 2
    ETH_TYPE_TEB = 0x6558           # what a label stack that holds Ethernet is said to have behind it


cdef void encap(translation* t, const ofpact* a) noexcept nogil:
    translation_commit(t)
    if a.arg == PACKET_TYPE_ETH:
        if t.flow.packet_type >> 16 != 1:
            unsupported_packet(t)
            return
        t.flow.dl_type = <uint8_t>(t.flow.packet_type >> 8) << 8 | <uint8_t>t.flow.packet_type
        t.flow.packet_type = PACKET_TYPE_ETH
        t.flow.dl_src = t.flow.dl_dst = 0
    elif a.arg == PACKET_TYPE_NSH:
        push_nsh(t, a)
    else:
        push_mpls_header(t, a.arg)


cdef void unsupported_packet(translation* t) noexcept nogil:
    trace(t, EVENT_ERROR, DROP_PACKET_TYPE)
    translation_note_drop(t, DROP_PACKET_TYPE)
    t.error = DROP_PACKET_TYPE


cdef uint8_t next_protocol(const translation* t) noexcept nogil:
    """NSH's number for what the frame is now; 0 for none."""
    if t.flow.packet_type == PACKET_TYPE_ETH:
        return NSH_NEXT_ETHERNET
    if t.flow.packet_type == PACKET_TYPE_IPV4:
        return NSH_NEXT_IPV4
    if t.flow.packet_type == PACKET_TYPE_IPV6:
        return NSH_NEXT_IPV6
    return NSH_NEXT_NSH if t.flow.packet_type == PACKET_TYPE_NSH else 0


cdef void add_header(translation* t, new_header* h) noexcept nogil:
    """The operation; behind it the key holds nothing but the new header, which the caller writes there."""
    if h == NULL:
        t.out_of_memory = True
        return
    h.is_ethernet = t.flow.packet_type == PACKET_TYPE_ETH
    translation_add_op(t, op(code=OP_COMMIT, n=0, argument=0, value=0, mask=0))
    translation_add_op(t, op(code=OP_PUSH_HEADER, n=0, argument=0, value=<uint64_t>h, mask=0))
    memset(&t.flow.dl_dst, 0, <size_t>(<char*>&t.flow.ct_nw_src - <char*>&t.flow.dl_dst))
    t.flow.packet_type = h.packet_type


cdef inline void key_is_run(translation* t) noexcept nogil:
    """The operation has made the frame's key what the walk's is, from the link layer on."""
    memcpy(&t.run.dl_dst, &t.flow.dl_dst, <size_t>(<char*>&t.flow.ct_nw_src - <char*>&t.flow.dl_dst))
    t.run.packet_type = t.flow.packet_type


cdef void push_nsh(translation* t, const ofpact* a) noexcept nogil:
    """A property is: kind, type of a TLV, MD type or class (16 bits), length (32), bytes padded to words."""
    cdef const uint8_t* at = <const uint8_t*>(ofpact_payload(a) + 1)
    cdef const uint8_t* end = at + ofpact_payload(a)[0]
    cdef uint8_t tlvs[NSH_CONTEXT_MAX]
    cdef uint8_t md_type = NSH_MD_TYPE1
    cdef uint8_t next = next_protocol(t)
    cdef uint32_t n_tlvs = 0
    cdef uint32_t n, padded, length
    cdef bint fits = True
    cdef new_header* h
    if next == 0:
        unsupported_packet(t)
        return
    while at < end:
        n = (<const uint32_t*>at)[1]
        if at[0] == PROPERTY_MD_TYPE:
            md_type = at[2]
        elif at[0] == PROPERTY_TLV:
            padded = (n + 3) & ~<uint32_t>3
            fits = fits and n_tlvs + 4 + padded <= NSH_CONTEXT_MAX
            if fits:
                tlvs[n_tlvs] = at[3]
                tlvs[n_tlvs + 1] = at[2]
                tlvs[n_tlvs + 2] = at[1]
                tlvs[n_tlvs + 3] = <uint8_t>n
                memset(tlvs + n_tlvs + 4, 0, padded)
                memcpy(tlvs + n_tlvs + 4, at + 8, n)
                n_tlvs += 4 + padded
        at += 8 + ((n + 7) & ~<uint32_t>7)
    if not fits or md_type != NSH_MD_TYPE2:
        n_tlvs = 0
    length = NSH_LEN_MD1 if md_type == NSH_MD_TYPE1 else NSH_LEN + n_tlvs
    h = <new_header*>malloc(sizeof(new_header) + length)
    if h != NULL:
        h.packet_type = PACKET_TYPE_NSH
        h.n_bytes = length
        memset(h.data, 0, length)
        store_be32(h.data, NSH_TTL << 22 | length // 4 << 16 | md_type << 8 | next)
        store_be32(h.data + 4, NSH_PATH)
        memcpy(h.data + NSH_LEN, tlvs, n_tlvs)
    add_header(t, h)
    t.flow.dl_type = ETH_TYPE_NSH
    t.flow.nsh_ttl = NSH_TTL
    t.flow.nsh_np = next
    t.flow.nsh_mdtype = md_type
    t.flow.nsh_path_hdr = NSH_PATH
    key_is_run(t)


cdef void push_mpls_header(translation* t, uint32_t packet_type) noexcept nogil:
    """The label stands in front of all of the packet; of an MPLS packet, in front of its other labels."""
    cdef uint32_t labels[3]
    cdef uint32_t n = 0, i
    cdef uint32_t entry
    cdef new_header* h
    labels[0] = labels[1] = labels[2] = 0
    if t.flow.packet_type == PACKET_TYPE_ETH or not (
            t.flow.dl_type == ETH_TYPE_MPLS or t.flow.dl_type == ETH_TYPE_MPLS_MCAST):
        # The labels of an Ethernet frame are payload. (OVS forgets them and gives the new label a TTL of 0 and no end of
        # the stack, so that nobody can read what it sends.)
        entry = first_mpls_entry(t)
    else:
        while n < FLOW_MAX_MPLS_LABELS and t.flow.mpls_lse[n]:
            n += 1
            if t.flow.mpls_lse[n - 1] & MPLS_BOS:
                break
        if n >= FLOW_MAX_MPLS_LABELS:
            trace(t, EVENT_ERROR, DROP_TOO_MANY_MPLS_LABELS)
            translation_note_drop(t, DROP_TOO_MANY_MPLS_LABELS)
            t.error = DROP_TOO_MANY_MPLS_LABELS
            return
        for i in range(n):
            labels[i] = t.flow.mpls_lse[i]
            t.wc.mpls_lse[i] = 0xFFFFFFFF
        entry = labels[0] & ~<uint32_t>MPLS_BOS
    h = <new_header*>malloc(sizeof(new_header) + MPLS_LEN)
    if h != NULL:
        h.packet_type = packet_type
        h.n_bytes = MPLS_LEN
        store_be32(h.data, entry)
    add_header(t, h)
    t.flow.dl_type = ETH_TYPE_MPLS if packet_type & 0xFFFF == ETH_TYPE_MPLS else ETH_TYPE_MPLS_MCAST
    t.flow.mpls_lse[0] = entry
    for i in range(n):
        t.flow.mpls_lse[i + 1] = labels[i]
    key_is_run(t)


cdef void decap(translation* t, const ofpact* a) noexcept nogil:
    """Takes the outermost header away. What NSH or the last label hid must be parsed: the walk stops for that."""
    cdef uint32_t n = 0, i
    translation_commit(t)
    if t.flow.packet_type == PACKET_TYPE_ETH:
        t.need.vlans[0].tci |= VLAN_PRESENT
        if t.flow.vlans[0].tci & VLAN_PRESENT:
            unsupported_packet(t)
            return
        t.need.dl_type = 0xFFFF
        t.wc.dl_type = 0xFFFF
        translation_add_op(t, op(code=OP_COMMIT, n=0, argument=0, value=0, mask=0))
        translation_add_op(t, op(code=OP_POP_ETH, n=0, argument=0, value=0, mask=0))
        t.flow.packet_type = <uint32_t>1 << 16 | t.flow.dl_type
        t.flow.dl_src = t.flow.dl_dst = t.run.dl_src = t.run.dl_dst = 0
    elif t.flow.packet_type == PACKET_TYPE_NSH:
        t.wc.nsh_np = 0xFF
        if t.flow.nsh_np < NSH_NEXT_IPV4 or t.flow.nsh_np > NSH_NEXT_NSH:
            unsupported_packet(t)
            return
        pop_header(t, PACKET_TYPE_ETH if t.flow.nsh_np == NSH_NEXT_ETHERNET else PACKET_TYPE_IPV4
                   if t.flow.nsh_np == NSH_NEXT_IPV4 else PACKET_TYPE_IPV6 if t.flow.nsh_np == NSH_NEXT_IPV6
                   else PACKET_TYPE_NSH)
        t.exit = t.freezing = True
    elif t.flow.packet_type >> 16 == 1 and (
            t.flow.dl_type == ETH_TYPE_MPLS or t.flow.dl_type == ETH_TYPE_MPLS_MCAST):
        while n < FLOW_MAX_MPLS_LABELS and t.flow.mpls_lse[n]:
            n += 1
            if t.flow.mpls_lse[n - 1] & MPLS_BOS:
                break
        for i in range(n):
            t.wc.mpls_lse[i] = 0xFFFFFFFF
        if n == FLOW_MAX_MPLS_LABELS and not t.flow.mpls_lse[n - 1] & MPLS_BOS:
            trace(t, EVENT_ERROR, DROP_TOO_MANY_MPLS_LABELS)
            translation_note_drop(t, DROP_TOO_MANY_MPLS_LABELS)
            t.error = DROP_TOO_MANY_MPLS_LABELS
            return
        if n == 0:
            return
        if n == 1:
            pop_header(t, a.arg)
            t.exit = t.freezing = True
            return
        pop_header(t, a.arg if a.arg >> 16 == 1 else t.flow.packet_type)
        for i in range(1, n):
            t.flow.mpls_lse[i - 1] = t.flow.mpls_lse[i]
        t.flow.mpls_lse[n - 1] = 0
        key_is_run(t)
    else:
        unsupported_packet(t)


cdef void pop_header(translation* t, uint32_t packet_type) noexcept nogil:
    translation_add_op(t, op(code=OP_COMMIT, n=0, argument=0, value=0, mask=0))
    translation_add_op(t, op(code=OP_POP_HEADER, n=0, argument=packet_type, value=0, mask=0))
    t.flow.packet_type = t.run.packet_type = packet_type
