"""Writes down what changed in the key since the last operation that looked (OVS xlate_commit_actions()).

One operation a changed word of the key, one for the VLAN tags. What the operations assume of the frame (every bit that
they change, all of the tags) goes into the mask.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t

from vswitch.datapath.bridge cimport bridge_find_port
from vswitch.datapath.flow_table cimport TABLE_PORTS
from vswitch.datapath.program cimport (
    EDIT_ARP, EDIT_ETH, EDIT_ICMP, EDIT_IPV4, EDIT_IPV6, EDIT_L4, EDIT_MPLS, EDIT_ND, EDIT_NSH, OP_IN_PORT, OP_KEY,
    OP_MPLS, OP_TAGS, op,
)
from vswitch.datapath.translation cimport translation, translation_add_op, translation_consult
from vswitch.datapath.vlan cimport tags_from_key
from vswitch.tables.flow_key cimport VLAN_PRESENT, flow_key, vlan_tag
from vswitch.tables.flow_mask cimport FLOW_KEY_WORDS
from vswitch.tables.key_words cimport word_at
from vswitch.wire.ethernet cimport ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_RARP
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP, IP_PROTO_ICMP6

cdef enum:
    CHUNK = 12                      # words of the key, of which there are seven times as many


cdef void translation_commit(translation* t) noexcept nogil:
    """Everything, registers too: for what may resume the walk, or show the key."""
    commit_words(t, 0)


cdef void translation_commit_frame(translation* t) noexcept nogil:
    """What can be seen of a frame that leaves or enters another bridge: registers cannot, and cost no operation."""
    cdef flow_key* key = NULL
    commit_words(t, word_at(&key.skb_priority))


cdef void commit_words(translation* t, uint32_t first) noexcept nogil:
    """Writes down the words from `first` on that changed."""
    cdef const uint64_t* flow = <const uint64_t*>&t.flow
    cdef const uint64_t* run = <const uint64_t*>&t.run
    cdef uint64_t any_changed
    cdef uint32_t i
    cdef uint32_t chunk = 0
    cdef uint32_t edits = 0
    while chunk < FLOW_KEY_WORDS:
        # Few words change, so many are looked at together.
        any_changed = 0
        for i in range(CHUNK):
            any_changed |= flow[chunk + i] ^ run[chunk + i]
        if any_changed:
            for i in range(max(chunk, first), chunk + CHUNK):
                if flow[i] != run[i] and i != vlan_word():
                    edits |= commit_word(t, i)
        chunk += CHUNK
    if edits & EDIT_ICMP:
        # OVS sets type and code together.
        t.wc.tp_src |= 0xFF
        t.wc.tp_dst |= 0xFF
    if edits & EDIT_MPLS:
        translation_add_op(t, op(code=OP_MPLS, n=EDIT_MPLS, argument=0, value=0, mask=0))
    if flow[vlan_word()] != run[vlan_word()]:
        commit_tags(t)


cdef uint32_t commit_word(translation* t, uint32_t i) noexcept nogil:
    """Writes down what changed in word `i`; returns the headers that it concerns."""
    cdef uint64_t* flow = <uint64_t*>&t.flow
    cdef uint64_t* run = <uint64_t*>&t.run
    cdef uint64_t* need = <uint64_t*>&t.need
    cdef uint64_t changed = flow[i] ^ run[i]
    cdef uint32_t groups
    if i == in_port_word() and not t.freezing:
        changed &= in_port_bits()       # what a group hashed concerns a frozen walk at most
    if changed == 0:
        return 0
    groups = word_groups(t, i, changed)
    need[i] |= changed
    translation_add_op(t, op(code=OP_KEY, n=<uint16_t>groups, argument=i, value=flow[i] & changed, mask=changed))
    if i == in_port_word() and t.flow.in_port != t.run.in_port:
        translation_consult(t, TABLE_PORTS)
        t.need.in_port = 0xFFFFFFFF
        translation_add_op(t, op(code=OP_IN_PORT, n=0, argument=t.flow.in_port,
                                 value=<uint64_t>bridge_find_port(t.bridge, t.flow.in_port), mask=0))
    run[i] ^= changed
    return groups


cdef void commit_tags(translation* t) noexcept nogil:
    cdef int n_old = count_tags(&t.run)
    cdef int n_new = count_tags(&t.flow)
    cdef uint64_t* flow = <uint64_t*>&t.flow
    cdef uint64_t* run = <uint64_t*>&t.run
    cdef uint64_t* need = <uint64_t*>&t.need
    while n_old and n_new and same_tag(&t.run.vlans[n_old - 1], &t.flow.vlans[n_new - 1]):
        n_old -= 1
        n_new -= 1
    while n_old:
        n_old -= 1
        t.wc.vlans[n_old].tpid = t.wc.vlans[n_old].tci = 0xFFFF
    need[vlan_word()] = <uint64_t>-1
    if tags_from_key(t.flow.vlans) != tags_from_key(t.run.vlans):
        translation_add_op(t, op(code=OP_TAGS, n=0, argument=0, value=tags_from_key(t.flow.vlans), mask=0))
    run[vlan_word()] = flow[vlan_word()]


cdef inline int count_tags(const flow_key* key) noexcept nogil:
    if not key.vlans[0].tci & VLAN_PRESENT:
        return 0
    return 2 if key.vlans[1].tci & VLAN_PRESENT else 1


cdef inline bint same_tag(const vlan_tag* a, const vlan_tag* b) noexcept nogil:
    return a.tpid == b.tpid and a.tci == b.tci


cdef inline uint32_t vlan_word() noexcept nogil:
    cdef flow_key* key = NULL
    return word_at(&key.vlans[0])


cdef inline uint32_t in_port_word() noexcept nogil:
    cdef flow_key* key = NULL
    return word_at(&key.in_port)


cdef inline uint64_t in_port_bits() noexcept nogil:
    cdef flow_key* key = NULL
    return <uint64_t>0xFFFFFFFF << (<char*>&key.in_port - <char*>(<uint64_t*>key + in_port_word())) * 8


cdef uint32_t word_groups(const translation* t, uint32_t word, uint64_t changed) noexcept nogil:
    """Which headers of the frame the bits `changed` of word `word` of the key stand for (EDIT_*); 0 for metadata."""
    cdef flow_key* key = NULL
    cdef uint16_t type = t.flow.dl_type
    if word < word_at(&key.dl_dst) or word >= word_at(&key.ct_nw_src):
        return 0
    if word < word_at(&key.dl_type):
        return EDIT_ETH
    if word < word_at(&key.nw_src):
        return EDIT_MPLS
    if word >= word_at(&key.nsh_flags):
        return EDIT_NSH
    if type == ETH_TYPE_ARP or type == ETH_TYPE_RARP:
        return EDIT_ARP
    if word < word_at(&key.nd_target):
        return EDIT_IPV4 if type == ETH_TYPE_IPV4 else EDIT_IPV6 if type == ETH_TYPE_IPV6 else 0
    if type != ETH_TYPE_IPV4 and type != ETH_TYPE_IPV6:
        return 0
    if word < word_at(&key.tcp_flags):
        return EDIT_ND
    if t.flow.nw_proto == IP_PROTO_ICMP or t.flow.nw_proto == IP_PROTO_ICMP6:
        if word > word_at(&key.tcp_flags):
            return EDIT_ND
        # The type of ND's option stands where TCP has its flags, before type and code.
        return (EDIT_ICMP if changed >> 16 else 0) | (
            EDIT_ND if <uint16_t>changed and t.flow.nw_proto == IP_PROTO_ICMP6 else 0)
    return EDIT_L4
