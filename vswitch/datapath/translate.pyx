"""Translation: walks a bridge's flow tables for one key and leaves a program.

What the walk looked at is reported as a mask, so that the program can serve every key that agrees there; the flows it
hit stay with the program, so that counters can be pushed to them and a frame can be explained without a second walk.
Follows xlate_actions() of ofproto-dpif-xlate, with two differences that change no answer: NORMAL is not decided here
(see normal.pyx), and a patch port does not lead the walk into the next bridge. The frame enters that bridge when
the program runs, and finds a program there.

*Masks.* `wc` is what OVS unwildcards, rule for rule, because `ofproto/trace` shows it. OVS always looks at in_port, the
Ethertype, the fragment bits and more; a program often does not, and then serves more frames. So those bits are in
`need` where a decision did look at them, and the cache's mask is both together.

*Limits.* Depth and number of look-ups are counted from what was spent before the walk. A walk that runs into a limit drops
the frame; `program.error` has the reason.

Thread-safety: none needed; a walk reads the tables of one datapath and writes nothing but what it returns.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from vswitch.datapath.bridge cimport PORT_NO_PACKET_IN, bridge, bridge_find_port, port
from vswitch.datapath.fate cimport DROP_FLOW_ACTION, DROP_FRAGMENT, DROP_TABLE_MISS, DROP_TUNNEL_CONGESTION
from vswitch.datapath.flow_table cimport (
    N_TABLES, TABLE_PORTS, flow, flow_ref, group_ref, meter, meter_ref, tables_lookup,
)
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.program cimport (
    OP_DROP, OP_IF_LARGER, OP_IN_PORT, OP_KEY, OP_LEARN, OP_LIMIT, OP_METER, OP_NORMAL, OP_OUTPUT, OP_SKIP, OP_TAGS, op, program,
    program_new,
)
from vswitch.datapath.translate_actions cimport actions_are_reversible, walk_actions, walk_to_end
from vswitch.datapath.translate_freeze cimport close_limits, resources_left, thaw
from vswitch.datapath.translate_output cimport packet_in
from vswitch.datapath.translation cimport (
    ACTSET_UNSET, CONSULTED_WORDS, NO_METER, EVENT_FRAGMENTS, EVENT_MISS, EVENT_MISS_PACKET_IN, EVENT_NO_ACTIONS, EVENT_TABLE,
    REASON_NO_MATCH, flow_is_ip, frozen_state, record, trace, translation, translation_add_flow, translation_add_lookup,
    translation_add_op, translation_begin, translation_consult, translation_end, translation_note_drop,
)
from vswitch.datapath.tunnel cimport TUNNEL_CSUM, TUNNEL_DONT_FRAGMENT, TUNNEL_KEY
from vswitch.tables.bits cimport first_bit, without_first_bit
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, FRAG_ANY, FRAG_LATER, VLAN_PRESENT, flow_key, flow_key_copy
from vswitch.tables.flow_mask cimport FLOW_KEY_WORDS, flow_mask_set
from vswitch.wire.ethernet cimport ETH_TYPE_IPV4, ETH_TYPE_IPV6, ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST
from vswitch.wire.ipv4 cimport IP_ECN_CE, IP_ECN_MASK, IP_PROTO_ICMP, IP_PROTO_ICMP6

cdef enum:
    FRAGMENTS_NORMAL = 0            # ports of fragments read as zero in look-ups (OFPUTIL_FRAG_*)
    FRAGMENTS_DROP = 1
    TABLE_MISS_DEFAULT = 0          # what ends a walk that hits nothing (OFPUTIL_TABLE_MISS_*)
    TABLE_MISS_CONTROLLER = 1
    TABLE_MISS_CONTINUE = 2
    TABLE_MISS_MASK = 3
    CT_ORIGINAL_PROTO_NONE = 0
    MAX_MASKS = 16                  # narrow ones in a bridge's cache

cdef enum lookup_result:
    LOOKUP_HIT
    LOOKUP_MISS
    LOOKUP_MISS_PACKET_IN
    LOOKUP_FRAGMENT


cdef program* translate(const bridge* br, const flow_key* key, const translate_args* args, flow_mask* mask) noexcept nogil:
    cdef translation t
    cdef program* p
    flow_key_copy(&t.flow, key)
    translation_begin(&t)
    t.bridge = br
    t.entry = key
    t.tables = br.flows
    t.walk = walk_actions
    t.look_up = look_up
    t.outer_depth = args.depth
    t.outer_resubmits = args.n_resubmits
    t.events = args.events
    t.is_resumed = args.frozen != NULL
    if not t.is_resumed:
        t.flow.actset_output = ACTSET_UNSET
    flow_key_copy(&t.run, &t.flow)

    walk(&t, args.frozen)
    close_limits(&t, 0)
    p = make_program(&t)
    if p != NULL:
        p.is_irreversible = t.is_irreversible
    if mask != NULL:
        make_mask(&t, mask)
    if t.events != NULL:
        make_ovs_mask(&t, key, &t.events.wc)
        t.events.flow = t.flow
    translation_end(&t)
    return p


cdef void walk(translation* t, const frozen_state* frozen) noexcept nogil:
    """From the first look-up, or from where the walk was frozen, to the end of the action set."""
    cdef lookup_result found
    if frozen != NULL:
        thaw(t, frozen)
        if frozen.n_actions_bytes or frozen.is_packet_out:
            walk_to_end(t, <const ofpact*>frozen.data, frozen.n_actions_bytes, True)
            return
    found = find_flow(t, t.flow.in_port, True, True)
    begin_list(t, found)
    if t.flow.tun_dst or t.flow.tun_ipv6_dst[0] or t.flow.tun_ipv6_dst[1]:
        # A table was looked up already: that is OVS's order.
        if not take_congestion_over(t):
            t.error = DROP_TUNNEL_CONGESTION
            translation_note_drop(t, DROP_TUNNEL_CONGESTION)
            t.trace_depth -= 1
            return
    if found == LOOKUP_HIT:
        t.is_irreversible = not actions_are_reversible(t.rule.actions, t.rule.n_actions_bytes)
        walk_to_end(t, t.rule.actions, t.rule.n_actions_bytes, True)
    else:
        miss(t, found)
    t.trace_depth -= 1


cdef bint take_congestion_over(translation* t) noexcept nogil:
    """The mark of congestion on the outer header of a tunnel goes to the packet; False if that cannot carry it (OVS
    tnl_process_ecn(), RFC 6040 section 4.2). What this leads to is not cached (receive_congested())."""
    if t.flow.tun_tos & IP_ECN_MASK != IP_ECN_CE or not flow_is_ip(t):
        return True
    t.wc.nw_tos |= IP_ECN_MASK
    if t.flow.nw_tos & IP_ECN_MASK == 0:
        return False
    t.flow.nw_tos |= IP_ECN_CE
    return True


cdef lookup_result find_flow(translation* t, uint32_t in_port, bint may_packet_in, bint honor_miss) noexcept nogil:
    """Looks `t.flow`, come in at `in_port`, up in `t.table` and those behind it that a miss continues in.

    Leaves the flow in `t.rule`, the table in `t.table` (OVS rule_dpif_lookup_from_table()).
    """
    cdef uint16_t old_tp_src = t.flow.tp_src
    cdef uint16_t old_tp_dst = t.flow.tp_dst
    cdef uint32_t old_in_port = t.flow.in_port
    cdef uint32_t miss_config = TABLE_MISS_CONTINUE
    cdef lookup_result result = LOOKUP_MISS
    t.rule = NULL
    if t.tables.frag_handling == FRAGMENTS_DROP:
        t.need.nw_frag |= FRAG_ANY | FRAG_LATER
        if t.flow.nw_frag & FRAG_ANY:
            return LOOKUP_FRAGMENT
    if t.flow.nw_frag & FRAG_ANY and t.tables.frag_handling == FRAGMENTS_NORMAL:
        t.flow.tp_src = t.flow.tp_dst = 0
    t.flow.in_port = in_port
    while t.table < N_TABLES:
        if t.flow.packet_type:
            t.rule = find_for_packet(t)
        else:
            t.rule = tables_lookup(t.tables, t.table, &t.flow, &t.wc, t.events != NULL)
        translation_add_lookup(t, t.table, t.rule != NULL)
        if t.rule != NULL:
            result = LOOKUP_HIT
            break
        if not honor_miss:
            break
        miss_config = t.tables.tables[t.table].config & TABLE_MISS_MASK
        if miss_config != TABLE_MISS_CONTINUE or t.table == N_TABLES - 2:
            break
        t.table += 1
    t.flow.tp_src = old_tp_src
    t.flow.tp_dst = old_tp_dst
    t.flow.in_port = old_in_port
    if t.wc.tp_src or t.wc.tp_dst:
        t.need.nw_frag |= FRAG_ANY | FRAG_LATER
    if result == LOOKUP_MISS and may_packet_in and (
            miss_config == TABLE_MISS_CONTINUE or miss_config == TABLE_MISS_CONTROLLER) and wants_packet_in(t):
        result = LOOKUP_MISS_PACKET_IN
    return result


cdef flow* find_for_packet(translation* t) noexcept nogil:
    """The look-up for what is no Ethernet frame, which decap() leaves; so rare that it may look at flow by flow.

    A match on any header means Ethernet unless it says otherwise (OVS match_add_ethernet_prereq()).
    """
    cdef const uint64_t* key = <const uint64_t*>&t.flow
    cdef flow_key* start = NULL
    cdef uint32_t first = <uint32_t>(<size_t>&start.dl_dst // 8)
    cdef uint32_t end = <uint32_t>(<size_t>&start.ct_nw_src // 8)
    cdef uint32_t packet_type = <uint32_t>(<size_t>&start.packet_type // 8)
    cdef uint64_t packet_type_bits = <uint64_t>0xFFFFFFFF << (<size_t>&start.packet_type % 8) * 8
    cdef flow* best = NULL
    cdef flow* f
    cdef uint32_t i, j, word
    cdef bint matches, has_header, has_type
    memset(&t.need.dl_dst, 0xFF, <size_t>(<char*>&start.ct_nw_src - <char*>&start.dl_dst))
    for i in range(t.tables.n_flows):
        f = t.tables.flows[i]
        if f.table != t.table or (best != NULL and best.rule.priority >= f.rule.priority):
            continue
        matches = True
        has_header = has_type = False
        for j in range(f.rule.n_words):
            word = f.rule.words[j]
            matches = matches and (key[word] ^ f.rule.values[j]) & f.rule.masks[j] == 0
            has_header = has_header or first <= word < end
            has_type = has_type or (word == packet_type and f.rule.masks[j] & packet_type_bits)
        if matches and (has_type or not has_header):
            best = f
    return best


cdef bint wants_packet_in(translation* t) noexcept nogil:
    cdef port* p
    t.need.in_port = 0xFFFFFFFF
    translation_consult(t, TABLE_PORTS)
    p = bridge_find_port(t.bridge, t.flow.in_port)
    return p != NULL and not p.config & PORT_NO_PACKET_IN


cdef void look_up(translation* t, uint32_t in_port, uint8_t table, bint may_packet_in, bint honor_miss, bint with_ct,
                  bint is_last) noexcept nogil:
    """resubmit, goto_table: does the actions of the flow found in `table` (OVS xlate_table_action())."""
    cdef uint8_t old_table = t.table
    cdef uint64_t old_cookie = t.cookie
    cdef flow* old_rule = t.rule
    cdef uint64_t old_site = t.site
    cdef lookup_result found
    cdef bint deepens = table <= old_table
    if t.was_mpls:
        t.exit = t.freezing = True
        return
    if not resources_left(t):
        return
    if with_ct and not swap_tuple(t):
        return
    t.table = table
    found = find_flow(t, in_port, may_packet_in, honor_miss)
    if with_ct:
        swap_tuple(t)
    t.n_resubmits += 1
    t.depth += deepens
    if t.depth > t.max_depth:
        t.max_depth = t.depth
    begin_list(t, found)
    if found == LOOKUP_HIT:
        walk_actions(t, t.rule.actions, t.rule.n_actions_bytes, is_last, False)
    else:
        miss(t, found)
    t.trace_depth -= 1
    t.depth -= deepens
    t.rule = old_rule
    t.site = old_site
    t.cookie = old_cookie
    t.table = old_table


cdef void begin_list(translation* t, lookup_result found) noexcept nogil:
    """Counts and reports what a look-up found."""
    t.site = <uint64_t>t.rule if t.rule != NULL else t.table + <uint64_t>1
    if found == LOOKUP_HIT:
        t.cookie = t.rule.cookie
        translation_add_flow(t, t.rule)
    if t.events != NULL:
        record(t, EVENT_TABLE if found == LOOKUP_HIT else EVENT_MISS if found == LOOKUP_MISS
               else EVENT_FRAGMENTS if found == LOOKUP_FRAGMENT else EVENT_MISS_PACKET_IN, 0, NULL, 0)
    t.trace_depth += 1


cdef void miss(translation* t, lookup_result found) noexcept nogil:
    """What OVS's hidden flows for misses do."""
    t.cookie = 0
    if found == LOOKUP_MISS_PACKET_IN:
        packet_in(t, 0xFFFF, REASON_NO_MATCH, 0, NO_METER, NULL, 0, False)
    else:
        trace(t, EVENT_NO_ACTIONS, 0)
    translation_note_drop(t, DROP_FRAGMENT if found == LOOKUP_FRAGMENT else DROP_TABLE_MISS)


cdef bint swap_tuple(translation* t) noexcept nogil:
    """Exchanges the addresses with those of the connection's original direction; False for a frame without any."""
    t.need.dl_type = 0xFFFF
    t.need.ct_nw_proto = 0xFF
    if t.flow.ct_nw_proto == CT_ORIGINAL_PROTO_NONE:
        return False
    if t.flow.dl_type != ETH_TYPE_IPV4 and t.flow.dl_type != ETH_TYPE_IPV6:
        return False
    swap_key(&t.flow, t.flow.dl_type == ETH_TYPE_IPV4)
    swap_key(&t.wc, t.flow.dl_type == ETH_TYPE_IPV4)
    return True


cdef void swap_key(flow_key* k, bint is_ipv4) noexcept nogil:
    cdef int i
    k.nw_proto, k.ct_nw_proto = k.ct_nw_proto, k.nw_proto
    k.tp_src, k.ct_tp_src = k.ct_tp_src, k.tp_src
    k.tp_dst, k.ct_tp_dst = k.ct_tp_dst, k.tp_dst
    if is_ipv4:
        k.nw_src, k.ct_nw_src = k.ct_nw_src, k.nw_src
        k.nw_dst, k.ct_nw_dst = k.ct_nw_dst, k.nw_dst
        return
    for i in range(2):
        k.ipv6_src[i], k.ct_ipv6_src[i] = k.ct_ipv6_src[i], k.ipv6_src[i]
        k.ipv6_dst[i], k.ct_ipv6_dst[i] = k.ct_ipv6_dst[i], k.ipv6_dst[i]


cdef program* make_program(translation* t) noexcept nogil:
    """What the walk left, in one block of memory; NULL without memory."""
    cdef program* p
    cdef uint16_t n_consulted = 0
    cdef uint32_t i
    cdef uint64_t bits
    if t.n_outputs == 0 or t.error:
        if not t.error and not t.drop_reason:
            # No list was empty: the last flow that was hit is where the frame's way ends.
            if t.n_flows:
                t.site = <uint64_t>t.flows[t.n_flows - 1]
            translation_note_drop(t, DROP_FLOW_ACTION)
        translation_add_op(t, op(code=OP_DROP, n=0, argument=t.error if t.error else t.drop_reason, value=0,
                                 mask=t.drop_site))
    for i in range(CONSULTED_WORDS):
        bits = t.consulted[i]
        while bits:
            n_consulted += 1
            bits = without_first_bit(bits)
    p = NULL if t.out_of_memory else program_new(t.tables, t.n_ops, t.n_flows, t.n_buckets, t.n_lookups, n_consulted)
    if p == NULL:
        return NULL
    p.bridge = t.bridge.number
    memcpy(p.ops, t.ops, t.n_ops * sizeof(op))
    memcpy(p.lookups, t.lookups, t.n_lookups * sizeof(uint16_t))
    for i in range(t.n_flows):
        p.flows[i] = t.flows[i]
        flow_ref(t.flows[i])
    for i in range(t.n_buckets):
        p.buckets[i] = t.buckets[i]
        group_ref(t.buckets[i].owner)
    n_consulted = 0
    for i in range(CONSULTED_WORDS):
        bits = t.consulted[i]
        while bits:
            p.lookups[p.n_lookups + n_consulted] = <uint16_t>(i * 64 + first_bit(bits))
            n_consulted += 1
            bits = without_first_bit(bits)
    p.checked_version = t.tables.version
    p.max_depth = <uint16_t>t.max_depth
    p.n_resubmits = <uint16_t>t.n_resubmits
    p.error = <uint16_t>t.error
    for i in range(p.n_flows):
        p.n_timed += p.flows[i].idle_timeout_s != 0
    for i in range(p.n_ops):
        p.edits_key |= p.ops[i].code == OP_KEY
        p.has_normal |= p.ops[i].code == OP_NORMAL
        if needs_whole_key(p.ops[i].code):
            p.key_depth = FLOW_DEPTH_L4
        if p.ops[i].code == OP_METER:
            meter_ref(<meter*>p.ops[i].value)
    if p.n_ops == 1 and p.ops[0].code == OP_OUTPUT and not p.ops[0].argument and not p.error and not p.n_timed:
        p.forward = <void*>p.ops[0].value
    return p


cdef inline bint needs_whole_key(uint16_t code) noexcept nogil:
    """False for operations that look at the frame's addresses and tags at most."""
    return not (code == OP_OUTPUT or code == OP_NORMAL or code == OP_TAGS or code == OP_DROP or code == OP_METER
                or code == OP_LEARN or code == OP_LIMIT or code == OP_IF_LARGER or code == OP_SKIP or code == OP_IN_PORT)


cdef void make_mask(translation* t, flow_mask* mask) noexcept nogil:
    """What the cache matches on. What is the same for every frame that enters a bridge is left out."""
    cdef uint64_t* need = <uint64_t*>&t.need
    cdef uint32_t i
    if t.bridge.cache.n_subtables >= MAX_MASKS:
        # Another narrow mask would cost every miss a probe. Any mask that has more bits is right, too.
        for i in range(FLOW_KEY_WORDS):
            need[i] |= t.bridge.cache.union_mask[i]
    leave_out(t, &t.wc)
    leave_out(t, &t.need)
    flow_mask_set(mask, <const uint64_t*>&t.wc, need)


cdef inline void leave_out(const translation* t, flow_key* mask) noexcept nogil:
    """Clears what every frame has when it enters a bridge."""
    if not t.is_resumed:
        clear_pipeline_fields(mask)
    mask.packet_type = mask.recirc_id = 0


cdef inline void clear_pipeline_fields(flow_key* mask) noexcept nogil:
    """Metadata and registers (OVS flow_wildcards_clear_non_packet_fields())."""
    mask.metadata = 0
    memset(mask.regs, 0, sizeof(mask.regs))
    mask.conj_id = mask.actset_output = 0


cdef void make_ovs_mask(translation* t, const flow_key* key, flow_key* mask) noexcept nogil:
    """The mask of OVS's megaflow (xlate_wc_init() and xlate_wc_finish())."""
    cdef int i
    mask[0] = t.wc
    mask.in_port = mask.packet_type = mask.recirc_id = 0xFFFFFFFF
    mask.dl_type = 0xFFFF
    if key.dl_type == ETH_TYPE_IPV4 or key.dl_type == ETH_TYPE_IPV6:
        mask.nw_frag |= FRAG_ANY | FRAG_LATER
    if key.tun_dst or key.tun_ipv6_dst[0] or key.tun_ipv6_dst[1]:
        unwildcard_tunnel(key, mask)
    clear_pipeline_fields(mask)
    if (t.flow.dl_type == ETH_TYPE_IPV4 and t.flow.nw_proto == IP_PROTO_ICMP) or (
            t.flow.dl_type == ETH_TYPE_IPV6 and t.flow.nw_proto == IP_PROTO_ICMP6):
        mask.tp_src &= 0xFF
        mask.tp_dst &= 0xFF
    if t.flow.nw_frag & FRAG_LATER:
        mask.tp_src = mask.tp_dst = 0
    if key.dl_type != ETH_TYPE_MPLS and key.dl_type != ETH_TYPE_MPLS_MCAST:
        memset(mask.mpls_lse, 0, sizeof(mask.mpls_lse))
    for i in range(2):
        if mask.vlans[i].tci:
            mask.vlans[i].tci |= VLAN_PRESENT
        if key.vlans[i].tpid == 0:
            mask.vlans[i].tpid = mask.vlans[i].tci = 0
    if not (key.tun_dst or key.tun_ipv6_dst[0] or key.tun_ipv6_dst[1]):
        memset(&mask.tun_flags, 0, <size_t>(<char*>mask + sizeof(flow_key) - <char*>&mask.tun_flags))


cdef void unwildcard_tunnel(const flow_key* key, flow_key* mask) noexcept nogil:
    """A frame from a tunnel always depends on where it came from (OVS tnl_wc_init())."""
    mask.tun_id = <uint64_t>-1
    if key.tun_dst:
        mask.tun_src = mask.tun_dst = 0xFFFFFFFF
    else:
        mask.tun_ipv6_src[0] = mask.tun_ipv6_src[1] = mask.tun_ipv6_dst[0] = mask.tun_ipv6_dst[1] = <uint64_t>-1
    mask.tun_flags |= TUNNEL_DONT_FRAGMENT | TUNNEL_CSUM | TUNNEL_KEY
    mask.tun_tos = 0xFF
    mask.tun_ttl = 0
