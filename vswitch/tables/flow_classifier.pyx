"""Where a classifier finds in a flow key what it treats specially.

The stages are those of `struct flow` (OVS flow.h, FLOW_SEGMENT_*): metadata and tunnel, link layer, network layer,
transport and NSH. Our key has the tunnel and the original direction of connections last, so the stages are not rising
there; the classifier does not mind.

A flow table has tries for nw_dst and nw_src, in this order, unless told otherwise (OVS ofproto.c, default_prefix_fields).

Thread-safety: set once, when the module is loaded.
"""
from libc.stdint cimport uint8_t, uint16_t, uint64_t

from vswitch.tables.classifier cimport classifier_new, classifier_set_tries
from vswitch.tables.cls_layout cimport cls_field, cls_layout
from vswitch.tables.flow_key cimport flow_key
from vswitch.wire.ethernet cimport ETH_TYPE_IPV4

cdef enum:
    WORDS = sizeof(flow_key) // 8
    STAGE_METADATA = 0
    STAGE_L2 = 1
    STAGE_L3 = 2
    STAGE_L4 = 3

cdef uint8_t stages[WORDS]
cdef cls_layout layout
cdef cls_field default_tries[2]


cdef uint16_t word_of(const flow_key* key, const void* member) noexcept:
    return <uint16_t>((<const char*>member - <const char*>key) // 8)


cdef uint8_t shift_of(const flow_key* key, const void* member) noexcept:
    """Bits below the member in its word; the machine is little-endian."""
    return <uint8_t>((<const char*>member - <const char*>key) % 8 * 8)


cdef cls_field ipv4_field(const flow_key* key, const void* member) noexcept:
    return cls_field(
        word=word_of(key, member), shift=shift_of(key, member), n_bits=32, if_word=word_of(key, &key.dl_type),
        if_mask=<uint64_t>0xFFFF << shift_of(key, &key.dl_type),
        if_value=<uint64_t>ETH_TYPE_IPV4 << shift_of(key, &key.dl_type))


cdef void set_stages(const flow_key* key) noexcept:
    cdef uint16_t i
    for i in range(WORDS):
        if i < word_of(key, &key.dl_dst) or i >= word_of(key, &key.tun_flags):
            stages[i] = STAGE_METADATA
        elif i < word_of(key, &key.nw_src):
            stages[i] = STAGE_L2
        elif i < word_of(key, &key.nd_target):
            stages[i] = STAGE_L3
        elif i < word_of(key, &key.ct_nw_src) or i >= word_of(key, &key.ct_tp_src):
            stages[i] = STAGE_L4
        else:
            stages[i] = STAGE_L3


cdef void set_up() noexcept:
    cdef flow_key key
    set_stages(&key)
    layout.n_words = WORDS
    layout.stages = &stages[0]
    layout.ports_word = word_of(&key, &key.tp_src)
    layout.ports_src_shift = shift_of(&key, &key.tp_src)
    layout.ports_dst_shift = shift_of(&key, &key.tp_dst)
    layout.conj_word = word_of(&key, &key.conj_id)
    layout.conj_shift = shift_of(&key, &key.conj_id)
    default_tries[0] = ipv4_field(&key, &key.nw_dst)
    default_tries[1] = ipv4_field(&key, &key.nw_src)


set_up()


cdef classifier* flow_classifier_new() noexcept nogil:
    cdef classifier* cls = classifier_new(&layout)
    if cls != NULL:
        classifier_set_tries(cls, default_tries, 2)
    return cls


cdef void flow_classifier_set_prefixes(classifier* cls, const cls_field* fields, uint32_t n) noexcept nogil:
    if fields == NULL:
        classifier_set_tries(cls, default_tries, 2)
    else:
        classifier_set_tries(cls, fields, n)
