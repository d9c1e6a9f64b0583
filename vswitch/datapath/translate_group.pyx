"""The group action: all, indirect, select, fast failover.

Follows xlate_group_action__(). Every bucket works on a copy of the frame, so the key is as before when it is done. A
select group that hashes in OVS's datapath (dp_hash) makes OVS run the frame through it once more. Here the same
hash is taken of the key at once, which chooses the same bucket, and stays in the key as it does there; unless the
walk has done something by then that another look at the frame would show (`must_look_again()`).
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.datapath.action_set cimport action_set_to_list
from vswitch.datapath.bridge cimport bridge_find_port, port
from vswitch.datapath.fate cimport (
    DROP_GROUP_MISSING, DROP_GROUP_NO_LIVE_BUCKET, DROP_TOO_MANY_MPLS_LABELS,
)
from vswitch.datapath.flow_table cimport (
    GROUP_ALL, GROUP_INDIRECT, GROUP_SELECT, TABLE_GROUPS, group, group_bucket, group_field, group_find,
)
from vswitch.datapath.group cimport HASH_ALG_L4, HASH_ALG_SYM_L4
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.program cimport (
    OP_IF_LARGER, OP_LEARN, OP_METER, OP_MPLS, OP_POP_ETH, OP_POP_HEADER, OP_PUSH_HEADER,
)
from vswitch.datapath.translate_fields cimport piece_n_bits, piece_read, piece_shift, piece_word, prereq_holds
from vswitch.datapath.translate_freeze cimport close_limits, finish_freezing, resources_left
from vswitch.datapath.translate_hash cimport (
    HASH_SYMMETRIC_L3L4, HASH_SYMMETRIC_L4, flow_hash, flow_hash_5tuple, hash_2words, hash_bytes, hash_uint64, hash_unwildcard,
    hash_unwildcard_5tuple,
)
from vswitch.datapath.translate_output cimport port_is_alive
from vswitch.datapath.translation cimport (
    ALL_BUCKETS, EVENT_BUCKET, EVENT_BUCKET_DEAD, EVENT_BUCKET_SCORE, EVENT_NO_BUCKET, EVENT_NO_GROUP, EVENT_USING_BUCKET,
    byte_list, byte_list_free, record, trace, translation, translation_add_bucket, translation_consult,
    translation_note_drop,
)
from vswitch.tables.flow_key cimport VLAN_PRESENT, flow_key
from vswitch.wire.ethernet cimport ETH_TYPE_IPV6
from vswitch.wire.ipv4 cimport IP_PROTO_TCP, IP_PROTO_UDP

cdef enum:
    SELECT_HASH = 2
    MAX_LIVENESS_RECURSION = 128
    OFPP_CONTROLLER = 0xFFFD
    OFPP_ANY = 0xFFFF


cdef bint group_action(translation* t, uint32_t group_id, bint is_last) noexcept nogil:
    """False if there is no such group, which ends the list of actions."""
    cdef group* g
    cdef group_bucket* bucket
    cdef uint32_t i
    if not resources_left(t):
        return True
    translation_consult(t, TABLE_GROUPS)
    g = group_find(t.tables, group_id)
    if g == NULL:
        trace(t, EVENT_NO_GROUP, group_id)
        translation_note_drop(t, DROP_GROUP_MISSING)
        return False
    if g.type == GROUP_ALL or g.type == GROUP_INDIRECT:
        for i in range(g.n_buckets):
            run_bucket(t, &g.buckets[i], is_last and i == g.n_buckets - 1)
        translation_add_bucket(t, g, ALL_BUCKETS)
        return True
    bucket = select_bucket(t, g) if g.type == GROUP_SELECT else first_live_bucket(t, g, 0)
    if bucket == NULL:
        if not t.freezing:
            trace(t, EVENT_NO_BUCKET, 0)
            translation_note_drop(t, DROP_GROUP_NO_LIVE_BUCKET)
        return True
    trace(t, EVENT_USING_BUCKET, bucket.id)
    run_bucket(t, bucket, is_last)
    translation_add_bucket(t, g, <uint32_t>(bucket - g.buckets))
    return True


cdef void run_bucket(translation* t, const group_bucket* bucket, bint is_last) noexcept nogil:
    cdef flow_key old_flow = t.flow
    cdef bint old_was_mpls = t.was_mpls
    cdef bint old_is_cloned = t.is_cloned
    cdef uint32_t first_op = t.n_ops
    cdef byte_list actions
    memset(&actions, 0, sizeof(actions))
    trace(t, EVENT_BUCKET, bucket.id)
    if not action_set_to_list(bucket.actions, bucket.n_actions_bytes, &actions):
        t.out_of_memory = True
    t.is_cloned = False
    t.depth += 1
    t.trace_depth += 1
    if t.depth > t.max_depth:
        t.max_depth = t.depth
    t.walk(t, <const ofpact*>actions.data, actions.n, is_last, True)
    t.depth -= 1
    byte_list_free(&actions)
    if t.freezing:
        finish_freezing(t)
    close_limits(t, first_op)
    t.flow = old_flow
    t.was_mpls = old_was_mpls
    t.is_cloned = old_is_cloned
    # That a bucket ends the walk, or cannot be done, concerns its copy of the frame alone.
    t.exit = False
    if t.error == DROP_TOO_MANY_MPLS_LABELS:
        t.error = 0
    t.trace_depth -= 1


cdef bint bucket_is_alive(translation* t, const group* g, const group_bucket* bucket, int depth) noexcept nogil:
    """True without anything to watch, or if one of both watched things is alive."""
    cdef group* watched
    if depth >= MAX_LIVENESS_RECURSION:
        return False
    if g.type == GROUP_SELECT and bucket.weight == 0:
        return False
    if bucket.watch_port >= OFPP_ANY and bucket.watch_group == <uint32_t>-1:
        return True
    if bucket.watch_port < OFPP_ANY and (bucket.watch_port == OFPP_CONTROLLER or port_is_alive(t, bucket.watch_port)):
        return True
    if bucket.watch_group == <uint32_t>-1:
        return False
    watched = group_find(t.tables, bucket.watch_group)
    return watched != NULL and first_live_bucket(t, watched, depth + 1) != NULL


cdef group_bucket* first_live_bucket(translation* t, const group* g, int depth) noexcept nogil:
    cdef uint32_t i
    for i in range(g.n_buckets):
        if bucket_is_alive(t, g, &g.buckets[i], depth):
            return &g.buckets[i]
        report_dead(t, &g.buckets[i])
    return NULL


cdef void report_dead(translation* t, const group_bucket* bucket) noexcept nogil:
    cdef uint32_t watched[2]
    if t.events != NULL:
        watched[0] = bucket.watch_port
        watched[1] = bucket.watch_group
        record(t, EVENT_BUCKET_DEAD, bucket.id, watched, sizeof(watched))


cdef group_bucket* select_bucket(translation* t, const group* g) noexcept nogil:
    cdef uint32_t i
    cdef group_bucket* bucket
    if t.was_mpls:
        t.exit = t.freezing = True
        return NULL
    if g.selection == SELECT_HASH and g.n_fields:
        return best_live_bucket(t, g, hash_of_fields(t, g))
    if g.hash_map == NULL:
        hash_unwildcard(t, HASH_SYMMETRIC_L4)
        return best_live_bucket(t, g, flow_hash(&t.flow, HASH_SYMMETRIC_L4, 0))
    if t.flow.dp_hash == 0:
        if must_look_again(t) or g.hash_alg == HASH_ALG_L4 and hashes_extension(t):
            t.exit = t.freezing = True
            t.freeze_hash = 1 + g.hash_alg
            t.freeze_hash_basis = g.hash_basis
            return NULL
        if g.hash_alg == HASH_ALG_SYM_L4:
            unwildcard_quietly(t)
            t.flow.dp_hash = flow_hash(&t.flow, HASH_SYMMETRIC_L3L4, g.hash_basis)
        else:
            hash_unwildcard_5tuple(t)
            # The hash that OVS took of the frame when it was received, whatever was edited since.
            t.flow.dp_hash = hash_2words(flow_hash_5tuple(t.entry, 0), g.hash_basis)
    if t.entry.dp_hash:
        t.wc.dp_hash |= g.hash_mask
    for i in range(g.hash_mask + 1):
        bucket = &g.buckets[g.hash_map[(t.flow.dp_hash + i) & g.hash_mask]]
        if bucket_is_alive(t, g, bucket, 0):
            return bucket
    return NULL


cdef bint hashes_extension(translation* t) noexcept nogil:
    """True if the hash may be of a header that the key has not (frame_rss())."""
    t.need.dl_type = 0xFFFF
    t.need.nw_proto = 0xFF
    return t.entry.dl_type == ETH_TYPE_IPV6 and (t.entry.nw_proto == IP_PROTO_TCP or t.entry.nw_proto == IP_PROTO_UDP)


cdef bint must_look_again(const translation* t) noexcept nogil:
    """True if OVS would find another length to count, flows that the frame has taught, or no frame any more."""
    cdef const port* in_port = bridge_find_port(t.bridge, t.entry.in_port)
    cdef uint32_t i
    cdef uint32_t code
    if in_port != NULL and in_port.is_patch and not t.is_resumed:
        return True                 # what happened in other bridges is not known here
    if t.is_cloned:
        return True                 # what follows the clone is not done then, in OVS: freezing ends the walk
    for i in range(2):
        if (t.flow.vlans[i].tci ^ t.entry.vlans[i].tci) & VLAN_PRESENT:
            return True
    for i in range(4):
        if t.flow.mpls_lse[i] != t.entry.mpls_lse[i]:
            return True
    if t.flow.dl_type != t.entry.dl_type:
        return True
    for i in range(t.n_ops):
        code = t.ops[i].code
        if (code == OP_LEARN or code == OP_METER or code == OP_MPLS or code == OP_IF_LARGER or code == OP_PUSH_HEADER
                or code == OP_POP_HEADER or code == OP_POP_ETH):
            return True
    return False


cdef void unwildcard_quietly(translation* t) noexcept nogil:
    """The fields of the symmetric hash, in the mask that the program needs but not in OVS's."""
    cdef flow_key wc = t.wc
    cdef uint64_t* need = <uint64_t*>&t.need
    cdef uint64_t* more = <uint64_t*>&t.wc
    cdef uint32_t i
    hash_unwildcard(t, HASH_SYMMETRIC_L3L4)
    for i in range(sizeof(flow_key) // 8):
        need[i] |= more[i]
    t.wc = wc


cdef group_bucket* best_live_bucket(translation* t, const group* g, uint32_t basis) noexcept nogil:
    """The highest random weight among the live ones (OVS group_best_live_bucket())."""
    cdef group_bucket* best = NULL
    cdef uint32_t best_score = 0
    cdef uint32_t score, i
    for i in range(g.n_buckets):
        if not bucket_is_alive(t, g, &g.buckets[i], 0):
            report_dead(t, &g.buckets[i])
            continue
        score = (hash_2words(g.buckets[i].id, basis) & 0xFFFF) * g.buckets[i].weight
        if score >= best_score:
            best = &g.buckets[i]
            best_score = score
        report_score(t, g.buckets[i].id, score)
    return best


cdef void report_score(translation* t, uint32_t bucket, uint32_t score) noexcept nogil:
    cdef uint32_t told[2]
    if t.events != NULL:
        told[0] = bucket
        told[1] = score
        record(t, EVENT_BUCKET_SCORE, 0, told, sizeof(told))


cdef uint32_t hash_of_fields(translation* t, const group* g) noexcept nogil:
    """selection_method=hash: the group's fields, as far as the frame has them."""
    cdef uint32_t basis = hash_uint64(g.selection_param)
    cdef uint8_t raw[128]
    cdef const group_field* field
    cdef uint64_t value
    cdef uint32_t i, j, at, bit
    for i in range(g.n_fields):
        field = &g.fields[i]
        if not prereq_holds(t, field.prereq):
            continue
        memset(raw, 0, sizeof(raw))
        at = 0
        for j in range(field.n_pieces):
            value = piece_read(t, field.pieces[j]) & field.masks[j]
            (<uint64_t*>&t.wc)[piece_word(field.pieces[j])] |= field.masks[j] << piece_shift(field.pieces[j])
            for bit in range(piece_n_bits(field.pieces[j])):
                if value >> bit & 1 and at < 8 * field.n_bytes:
                    raw[field.n_bytes - 1 - (at >> 3)] |= <uint8_t>(1 << (at & 7))
                at += 1
        basis = hash_bytes(raw, field.n_bytes, basis)
    return basis
