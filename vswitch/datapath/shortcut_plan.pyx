"""Plans the shortcut of a frame that has just gone the long way: what receive.pyx, execute.pyx, normal.pyx, output.pyx and
the tunnels would do to the next one, as far as that is plain.

Nothing is changed here, and nothing decided that is not decided there: at whatever needs more than what stands here, the
plan is given up, and frames of the kind go on going the long way. Each rule that may make a difference is either checked
for not being there, or its outcome is a step.
"""
from libc.stdint cimport uint16_t
from libc.string cimport memcpy, memset

from vswitch.datapath.bridge cimport PORT_NO_FWD, bridge, bundle
from vswitch.datapath.encapsulate cimport encapsulate
from vswitch.datapath.execution cimport MAX_DEPTH, MAX_RESUBMITS, METADATA_BYTES, TUNNEL_BYTES
from vswitch.datapath.flow_cache cimport flow_cache_lookup
from vswitch.datapath.flow_learn cimport learned_flow
from vswitch.datapath.shortcut cimport (
    ANY_TUN_ID, END_HEADER, END_SAME, END_TAG, END_UDP, SHORTCUT_ANY_LEN, SHORTCUT_HEADER, SHORTCUT_STEPS, STEP_ADDRESS,
    STEP_LEARN, STEP_PATCH, STEP_PROGRAM, STEP_TABLE, STEP_TUNNEL,
)
from vswitch.datapath.program cimport (
    OP_COMMIT, OP_KEY, OP_LEARN, OP_NORMAL, OP_OUTPUT, OP_TAGS, op, program,
)
from vswitch.datapath.reserved_mac cimport mac_is_reserved
from vswitch.datapath.tunnel cimport TUNNEL_GENEVE, TUNNEL_GRE, TUNNEL_OFF, TUNNEL_VXLAN, tunnel
from vswitch.datapath.tunnel_header cimport tunnel_header_pop
from vswitch.datapath.tunnels cimport (
    endpoint, mapped_ipv4, tunnel_set, tunnel_set_version, tunnels_endpoint, tunnels_find,
)
from vswitch.datapath.vlan cimport (
    bundle_admits_vid, bundle_carries, tag_stack, tags_from_input, tags_inner, tags_outer, tags_put, tags_to_key, tags_vid,
)
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract, frame_layout
from vswitch.tables.flow_mask cimport FLOW_KEY_WORDS
from vswitch.tables.key_words cimport word_at
from vswitch.tables.mac_table cimport (
    BUNDLE_NONE, MAC_MULTICAST, MAC_SLOT_EMPTY, mac_slot, mac_table_key, mac_table_may_learn, mac_table_probe,
)
from vswitch.tables.neighbors cimport neighbors_find
from vswitch.wire.dot1q cimport DOT1Q_LEN, TPID_CTAG, dot1q_is_tpid
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, eth_type
from vswitch.wire.ipv4 cimport IP_ECN_MASK, ipv4_checksum, ipv4_set_checksum
from vswitch.wire.udp cimport udp_checksum

cdef enum:
    UDP_OFS = 34                    # behind Ethernet and a plain IPv4 header
    FIXED_KEY_CLASSES = 6           # of tunnel_set.n_of_class: those that look at the key

cdef struct plan:
    tunnel_set* tunnels
    int vlan_limit
    shortcut* j
    flow_key key                    # as the bridge sees it
    flow_key* mask                  # of the frame's own key, what was looked at
    bridge* bridge
    port* in_port
    tag_stack tags
    uint32_t depth
    uint32_t n_resubmits
    bint has_tunnel_fields          # `key` has those that the frame came with
    bint is_outer                   # behind a tunnel's beginning: the key is the header's, which all frames have
    const uint8_t* data
    uint32_t n_bytes
    const frame_layout* layout

cdef enum verdict:
    GIVEN_UP = 0
    GOES_ON = 1                     # in the next bridge
    ARRIVED = 2


cdef bint shortcut_plan(execution* ex, port* in_port, const flow_key* key, bint is_inner, const uint8_t* data,
                       uint32_t n_bytes, shortcut* j, flow_key* mask) noexcept nogil:
    cdef plan p
    cdef verdict v = GOES_ON
    cdef frame_layout layout
    p.tunnels = ex.tunnels
    p.vlan_limit = ex.vlan_limit
    p.j = j
    p.key = key[0]
    p.mask = mask
    p.bridge = in_port.bridge
    p.in_port = in_port
    p.tags = 0
    p.depth = p.n_resubmits = 0
    p.has_tunnel_fields = is_inner
    p.is_outer = False
    p.data = data
    p.n_bytes = n_bytes
    flow_extract(data, n_bytes, ex.vlan_limit, FLOW_DEPTH_L4, &p.key, &layout)
    p.layout = &layout
    j.n_steps = 0
    j.n_added = j.pops = 0
    j.end = END_SAME
    j.max_len = SHORTCUT_ANY_LEN
    j.tag = 0
    j.neighbor = NULL
    memset(mask, 0, sizeof(flow_key))
    mask.in_port = 0xFFFFFFFF
    mask.dl_dst = mask.dl_src = <uint64_t>-1
    mask.dl_type = 0xFFFF
    if (p.key.vlans[0].tci or p.key.dl_dst & MAC_MULTICAST or p.key.dl_type == ETH_TYPE_ARP or not in_port.is_open
            or dot1q_is_tpid(p.key.dl_type)):
        return False
    while v == GOES_ON:
        v = plan_bridge(&p)
    return v == ARRIVED


cdef bint add_step(shortcut* j, shortcut_step kind, void* subject) noexcept nogil:
    """False if there is no room."""
    if j.n_steps == SHORTCUT_STEPS:
        return False
    j.kinds[j.n_steps] = <uint8_t>kind
    j.steps[j.n_steps] = subject
    j.n_steps += 1
    return True


cdef verdict plan_bridge(plan* p) noexcept nogil:
    """Through one bridge, to where its program sends the frame."""
    cdef bridge* br = p.bridge
    cdef program* q
    cdef const op* o
    cdef uint32_t i
    if br.has_mirrors or not note_mask(p):
        return GIVEN_UP
    q = flow_cache_lookup(br.cache, &p.key)
    if q == NULL or q.checked_version != br.flows.version or q.error or q.n_timed or q.is_irreversible:
        return GIVEN_UP
    p.depth += 1 + q.max_depth
    p.n_resubmits += 1 + q.n_resubmits
    if p.depth >= MAX_DEPTH or p.n_resubmits >= MAX_RESUBMITS:
        return GIVEN_UP
    if p.j.n_steps == 0:
        p.j.program = q.number
    if not add_step(p.j, STEP_PROGRAM, q):
        return GIVEN_UP
    for i in range(q.n_ops):
        o = &q.ops[i]
        if o.code == OP_TAGS:
            p.tags = o.value
        elif o.code == OP_KEY:
            if not set_key(p, o):
                return GIVEN_UP
        elif o.code == OP_LEARN:
            if not plan_learn(p, <learned_flow*>o.value):
                return GIVEN_UP
        elif o.code == OP_OUTPUT or o.code == OP_NORMAL:
            if o.argument or not ends_with(q, i):
                return GIVEN_UP
            return plan_normal(p) if o.code == OP_NORMAL else plan_output(p, <port*>o.value)
        elif o.code != OP_COMMIT:
            return GIVEN_UP
    return GIVEN_UP


cdef bint ends_with(const program* q, uint32_t at) noexcept nogil:
    """True if nothing that others could see comes behind this operation."""
    cdef uint32_t i
    for i in range(at + 1, q.n_ops):
        if q.ops[i].code != OP_KEY and q.ops[i].code != OP_TAGS and q.ops[i].code != OP_COMMIT:
            return False
    return True


cdef bint note_mask(plan* p) noexcept nogil:
    """The bridge's megaflows look at the frame. False if they look at what is another thing in each frame's header."""
    cdef const uint64_t* looked_at = p.bridge.cache.union_mask
    cdef uint64_t* mask = <uint64_t*>p.mask
    cdef const flow_key* at = NULL
    cdef uint32_t i
    if p.is_outer:
        return not (<const flow_key*>looked_at).tp_src
    for i in range(word_at(&at.dl_dst), FLOW_KEY_WORDS if p.has_tunnel_fields else word_at(&at.ct_nw_src)):
        mask[i] |= looked_at[i]
    mask[word_at(&at.vlans)] = 0                 # none has tags
    return True


cdef bint set_key(plan* p, const op* o) noexcept nogil:
    """An edit that stays within the bridge, or is the tunnel's business: no header, no mark."""
    cdef uint64_t* word = <uint64_t*>&p.key + o.argument
    if o.n or (<uint64_t*>&p.key.dl_dst <= word < <uint64_t*>&p.key.ct_nw_src) or word == <uint64_t*>&p.key.skb_priority:
        return False
    word[0] = word[0] & ~o.mask | o.value
    return True


cdef bint plan_learn(plan* p, const learned_flow* l) noexcept nogil:
    """The flow that is learned is there: learning it again but sets its time."""
    if l.limit or l.last == NULL or l.last.is_removed:
        return False
    return add_step(p.j, STEP_LEARN, &l.last.modified_ns)


cdef verdict plan_normal(plan* p) noexcept nogil:
    """NORMAL, from a port of one interface to the one that has the destination."""
    cdef bridge* br = p.bridge
    cdef bundle* in_bundle = p.in_port.bundle
    cdef bundle* out
    cdef tag_stack tags, put
    cdef mac_slot* slot
    cdef uint16_t vid
    if (br.mcast != NULL or in_bundle == NULL or in_bundle.bond != NULL or in_bundle.mirror_out
            or in_bundle.number == BUNDLE_NONE or not bundle_admits_vid(in_bundle, tags_vid(p.tags))):
        return GIVEN_UP
    tags = tags_from_input(in_bundle, p.tags)
    vid = <uint16_t>tags_vid(tags)
    if p.key.dl_dst & MAC_MULTICAST or (mac_is_reserved(p.key.dl_dst) and not br.forward_bpdu):
        return GIVEN_UP
    if not mac_table_may_learn(br.macs, p.key.dl_src, vid) or not mac_table_may_learn(br.macs, p.key.dl_dst, vid):
        return GIVEN_UP
    slot = mac_table_probe(br.macs, mac_table_key(p.key.dl_src, vid))
    if (slot.key == MAC_SLOT_EMPTY or slot.bundle != in_bundle.number or not add_step(p.j, STEP_ADDRESS, slot)
            or not add_step(p.j, STEP_TABLE, br.macs)):
        # A static entry elsewhere would stay, and nothing be learned: seldom enough.
        return GIVEN_UP
    slot = mac_table_probe(br.macs, mac_table_key(p.key.dl_dst, vid))
    out = br.bundles[slot.bundle] if slot.bundle != BUNDLE_NONE else only_flooded(p, tags)
    if out == NULL or out == in_bundle or out.mirror_out or out.bond != NULL or out.members == NULL:
        return GIVEN_UP
    put = tags_put(out, tags, p.tags)
    if tags_inner(put) or tags_inner(p.tags):
        return GIVEN_UP
    p.tags = put
    return plan_output(p, out.members)


cdef bundle* only_flooded(const plan* p, tag_stack tags) noexcept nogil:
    """The one bundle that a flood reaches; NULL if it is none, or several."""
    cdef bundle* found = NULL
    cdef bundle* out
    cdef uint32_t i
    for i in range(p.bridge.n_flood):
        out = p.bridge.flood_order[i]
        if out != p.in_port.bundle and bundle_carries(out, tags) and out.floodable and not out.mirror_out:
            if found != NULL:
                return NULL
            found = out
    return found


cdef verdict plan_output(plan* p, port* out) noexcept nogil:
    """To a port: over a patch, into a tunnel, out of one, or away."""
    if tags_inner(p.tags) or (tags_outer(p.tags) and tags_outer(p.tags) >> 16 != TPID_CTAG):
        return GIVEN_UP
    if (out.config & PORT_NO_FWD or out.tap_out != NULL or (out.mtu and not out.just_leaves)
            or (p.in_port.bundle != NULL and out.bundle != NULL and p.in_port.bundle.is_protected and out.bundle.is_protected)):
        return GIVEN_UP
    if out.tunnel != NULL:
        return plan_push(p, out)
    if out.is_patch:
        return plan_patch(p, out)
    if out.n_addresses:
        return plan_pop(p, out)
    if not out.just_leaves or (p.tags and p.is_outer):
        return GIVEN_UP
    p.j.out = out
    p.j.tag = tags_outer(p.tags)
    if p.j.tag:
        p.j.end = END_TAG
        p.j.n_added = DOT1Q_LEN
    if out.mtu:
        return plan_mtu(p.j, out.mtu + ETH_LEN)
    return ARRIVED


cdef verdict plan_mtu(shortcut* j, uint32_t mtu) noexcept nogil:
    """The port sends frames of `mtu` bytes, with their Ethernet header and without a tag."""
    cdef uint32_t n_header = j.n_added if j.end >= END_HEADER else 0
    if mtu < n_header:
        return GIVEN_UP
    j.max_len = <uint16_t>min(mtu - n_header, <uint32_t>SHORTCUT_ANY_LEN)
    return ARRIVED


cdef verdict plan_patch(plan* p, port* out) noexcept nogil:
    cdef port* peer = out.peer
    if peer == NULL or peer.config or peer.tap_in != NULL or not add_step(p.j, STEP_PATCH, out):
        return GIVEN_UP
    enter(p, peer)
    return GOES_ON


cdef void enter(plan* p, port* in_port) noexcept nogil:
    """What the next bridge sees: the tags of now, and no registers or tunnel fields of another one."""
    p.bridge = in_port.bridge
    p.in_port = in_port
    memset(&p.key, 0, METADATA_BYTES)
    memset(&p.key.ct_nw_src, 0, TUNNEL_BYTES)
    p.has_tunnel_fields = False
    p.key.in_port = in_port.ofp_port
    tags_to_key(p.tags, p.key.vlans)


cdef verdict plan_push(plan* p, port* out) noexcept nogil:
    """A tunnel begins. The frame that has just gone the long way left the header for all frames of its kind."""
    cdef tunnel* t = out.tunnel
    cdef tunnel_set* set = p.tunnels
    cdef shortcut* j = p.j
    cdef uint8_t bytes[512]         # header and the beginning of the frame
    cdef uint32_t n_inner = min(p.n_bytes, <uint32_t>64)
    cdef uint32_t seq = t.seq
    cdef bint is_ip = p.key.dl_type == ETH_TYPE_IPV4 or p.key.dl_type == ETH_TYPE_IPV6
    cdef frame_layout layout
    cdef port* dev
    if (p.is_outer or p.has_tunnel_fields or p.tags or t.kind == TUNNEL_OFF or t.kind == TUNNEL_GENEVE or t.csum or t.has_seq
            or t.local_is_flow or t.remote_is_flow or t.mark):
        return GIVEN_UP
    if (t.header_len == 0 or t.header_len > SHORTCUT_HEADER or t.header_version != tunnel_set_version(set)
            or t.header_neighbor == NULL or eth_type(t.header) != ETH_TYPE_IPV4):
        return GIVEN_UP
    if is_ip:
        p.mask.nw_tos |= <uint8_t>0xFF if t.inherits_tos else <uint8_t>IP_ECN_MASK
        p.mask.nw_ttl |= <uint8_t>0xFF if t.inherits_ttl else <uint8_t>0
    memcpy(bytes + t.header_len, p.data, n_inner)
    encapsulate(t, bytes, n_inner, n_inner, p.key.tun_id if t.out_key_is_flow else t.out_key, 0)
    t.seq = seq
    j.end = END_HEADER if t.kind == TUNNEL_GRE else END_UDP
    if j.end == END_UDP and udp_checksum(bytes + UDP_OFS):
        return GIVEN_UP
    j.n_added = <uint8_t>t.header_len
    j.neighbor = t.header_neighbor
    memcpy(j.header, t.header, t.header_len)
    # The key alone; lengths and what depends on them come with each frame.
    memcpy(j.header + UDP_OFS, bytes + UDP_OFS, t.header_len - UDP_OFS)
    ipv4_set_checksum(j.header + ETH_LEN, <uint16_t>~ipv4_checksum(j.header + ETH_LEN))
    if not add_step(j, STEP_TUNNEL, out):
        return GIVEN_UP
    dev = set.all_ports[t.header_device]
    if dev == NULL or dev.config or dev.tap_in != NULL:
        return GIVEN_UP
    enter(p, dev)
    flow_extract(bytes, t.header_len + n_inner, p.vlan_limit, FLOW_DEPTH_L4, &p.key, &layout)
    p.is_outer = True
    return GOES_ON


cdef verdict plan_pop(plan* p, const port* out) noexcept nogil:
    """A tunnel ends."""
    cdef tunnel_set* set = p.tunnels
    cdef const endpoint* e
    cdef flow_key tun
    cdef uint64_t source[2]
    cdef uint32_t i
    if p.is_outer or p.has_tunnel_fields or p.tags or p.key.dl_type != ETH_TYPE_IPV4:
        return GIVEN_UP
    e = tunnels_endpoint(set, &p.key)
    if e == NULL:
        return GIVEN_UP
    memset(&tun, 0, sizeof(tun))
    if tunnel_header_pop(p.data, p.n_bytes, p.layout, e.kind, &tun) < 0:
        return GIVEN_UP
    p.mask.nw_src = p.mask.nw_dst = 0xFFFFFFFF
    p.mask.nw_frag = p.mask.nw_proto = 0xFF
    p.mask.tp_dst = 0xFFFF
    mapped_ipv4(p.key.nw_src, source)
    p.j.neighbor = neighbors_find(set.neighbors, p.bridge.number, source)
    if p.j.neighbor == NULL or p.j.neighbor.mac != p.key.dl_src:
        return GIVEN_UP
    p.j.pops = e.kind
    p.j.tun_id = ANY_TUN_ID
    for i in range(FIXED_KEY_CLASSES):
        if set.n_of_class[i]:
            p.j.tun_id = tun.tun_id
    p.j.out = tunnels_find(set, &tun, e)
    return ARRIVED if p.j.out != NULL else GIVEN_UP
