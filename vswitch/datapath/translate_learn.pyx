"""learn: the flow that a frame teaches, built once and given to the program.

Follows learn_execute(). Learning itself is an operation: it happens for every frame, when the program runs. So what a
frame teaches is out of its own sight.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport malloc
from libc.string cimport memcpy, memset

from vswitch.datapath.flow_learn cimport flow_table_can_learn, learned_flow
from vswitch.datapath.flow_table cimport flow_ref
from vswitch.datapath.ofpact cimport (
    OFPACT_FIN_TIMEOUT, OFPACT_OUTPUT, OFPACT_SET, ofpact, ofpact_payload,
)
from vswitch.datapath.program cimport OP_LEARN, op
from vswitch.datapath.translate_fields cimport (
    low_bits, piece_n_bits, piece_read, piece_shift, piece_unwildcard, piece_word, pieces_load,
)
from vswitch.datapath.translation cimport (
    EVENT_LEARN, EVENT_LEARN_LIMIT, byte_list, byte_list_add, byte_list_free, record, trace,
    translation, translation_add_op, translation_consult,
)
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.flow_mask cimport FLOW_KEY_WORDS

cdef enum:
    LEARN_SEND_FLOW_REM = 1
    LEARN_DELETE_LEARNED = 2
    LEARN_WRITE_RESULT = 4
    SPEC_MATCH = 0
    SPEC_LOAD = 1
    SPEC_OUTPUT = 2
    SPECS_AT = 10                   # words before the specs
    OFPP_MAX = 0xFF00


cdef struct lesson:                 # the flow as it is put together
    flow_key values
    flow_key masks
    byte_list actions


cdef void learn(translation* t, const ofpact* a) noexcept nogil:
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef const uint64_t* spec = payload + SPECS_AT
    cdef lesson made
    cdef learned_flow* learned
    cdef uint64_t i, value, mask
    memset(&made, 0, sizeof(made))
    if payload[5] or payload[6]:
        add_fin_timeout(&made, payload[5], payload[6])
    for i in range(payload[9]):
        if spec[0] >> 8 & 1:
            piece_unwildcard(t, spec[1])
            value = piece_read(t, spec[1])
        else:
            value = spec[1]
        if spec[0] & 0xFF == SPEC_MATCH:
            mask = low_bits(piece_n_bits(spec[2])) << piece_shift(spec[2])
            (<uint64_t*>&made.masks)[piece_word(spec[2])] |= mask
            (<uint64_t*>&made.values)[piece_word(spec[2])] &= ~mask
            (<uint64_t*>&made.values)[piece_word(spec[2])] |= value << piece_shift(spec[2]) & mask
            spec += 4
        elif spec[0] & 0xFF == SPEC_LOAD:
            add_load(&made, spec[2], value, <uint32_t>spec[4])
            spec += 5
        else:
            add_output(&made, value)
            spec += 4
    learned = finish(t, a, &made)
    byte_list_free(&made.actions)
    if learned == NULL:
        t.out_of_memory = True
        return
    if t.events != NULL:
        tell(t, learned)
    if a.arg & LEARN_WRITE_RESULT:
        translation_consult(t, learned.table)
        value = 1 if flow_table_can_learn(t.tables, learned) else 0
        if value == 0:
            trace(t, EVENT_LEARN_LIMIT, 0)
        pieces_load(t, payload + 8, 1, value)
    translation_add_op(t, op(code=OP_LEARN, n=0, argument=0, value=<uint64_t>learned, mask=0))


cdef void add_fin_timeout(lesson* made, uint64_t idle_s, uint64_t hard_s) noexcept nogil:
    cdef uint64_t words[3]
    cdef ofpact head = ofpact(code=OFPACT_FIN_TIMEOUT, len=24, arg=0)
    memcpy(words, &head, 8)
    words[1] = idle_s
    words[2] = hard_s
    byte_list_add(&made.actions, words, sizeof(words))


cdef void add_load(lesson* made, uint64_t piece, uint64_t value, uint32_t arg) noexcept nogil:
    cdef uint64_t words[5]
    cdef ofpact head = ofpact(code=OFPACT_SET, len=40, arg=arg)
    memcpy(words, &head, 8)
    words[1] = 1
    words[2] = piece_word(piece)
    words[3] = low_bits(piece_n_bits(piece)) << piece_shift(piece)
    words[4] = value << piece_shift(piece) & words[3]
    byte_list_add(&made.actions, words, sizeof(words))


cdef void add_output(lesson* made, uint64_t port) noexcept nogil:
    """Only to ports that a learned flow may send to."""
    cdef uint64_t words[2]
    cdef ofpact head
    if port > 0xFFFF:
        return
    if port < OFPP_MAX or port == 0xFFF8 or port == 0xFFFB or port == 0xFFFC or port == 0xFFFE:
        head = ofpact(code=OFPACT_OUTPUT, len=16, arg=<uint32_t>port)
        memcpy(words, &head, 8)
        words[1] = 0
        byte_list_add(&made.actions, words, sizeof(words))


cdef learned_flow* finish(translation* t, const ofpact* a, const lesson* made) noexcept nogil:
    """Everything in one block of memory, the arrays behind the struct; NULL without memory."""
    cdef const uint64_t* payload = ofpact_payload(a)
    cdef const uint64_t* masks = <const uint64_t*>&made.masks
    cdef uint32_t i
    cdef uint32_t n = 0
    cdef learned_flow* learned
    for i in range(FLOW_KEY_WORDS):
        n += masks[i] != 0
    learned = <learned_flow*>malloc(sizeof(learned_flow) + n * (2 * sizeof(uint64_t) + sizeof(uint16_t)) + made.actions.n + 8)
    if learned == NULL:
        return NULL
    memset(learned, 0, sizeof(learned_flow))
    learned.idle_timeout_s = <uint16_t>payload[0]
    learned.hard_timeout_s = <uint16_t>payload[1]
    learned.priority = <uint16_t>payload[2]
    learned.cookie = payload[3]
    learned.table = <unsigned char>payload[4]
    learned.fin_idle_timeout_s = <uint16_t>payload[5]
    learned.fin_hard_timeout_s = <uint16_t>payload[6]
    learned.limit = <uint32_t>payload[7]
    learned.flags = 1 if a.arg & LEARN_SEND_FLOW_REM else 0
    learned.delete_learned = a.arg & LEARN_DELETE_LEARNED != 0
    learned.bridge = t.bridge.number
    learned.learner = t.rule
    if t.rule != NULL:
        flow_ref(t.rule)
    learned.values = <uint64_t*>(learned + 1)
    learned.masks = learned.values + n
    learned.actions = <ofpact*>(learned.masks + n)
    learned.words = <uint16_t*>(<char*>learned.actions + made.actions.n)
    learned.n_words = n
    learned.n_actions_bytes = made.actions.n
    if made.actions.n:
        memcpy(learned.actions, made.actions.data, made.actions.n)
    n = 0
    for i in range(FLOW_KEY_WORDS):
        if masks[i]:
            learned.words[n] = <uint16_t>i
            learned.values[n] = (<const uint64_t*>&made.values)[i]
            learned.masks[n] = masks[i]
            n += 1
    return learned


cdef void tell(translation* t, const learned_flow* l) noexcept nogil:
    """For a trace: numbers, then (word, value, mask) triples, then the actions."""
    cdef byte_list text
    cdef uint64_t words[8]
    cdef uint32_t i
    memset(&text, 0, sizeof(text))
    words[0] = l.table
    words[1] = l.priority
    words[2] = l.cookie
    words[3] = l.idle_timeout_s
    words[4] = l.hard_timeout_s
    words[5] = l.flags
    words[6] = l.n_words
    words[7] = l.n_actions_bytes
    byte_list_add(&text, words, sizeof(words))
    for i in range(l.n_words):
        words[0] = l.words[i]
        words[1] = l.values[i]
        words[2] = l.masks[i]
        byte_list_add(&text, words, 24)
    byte_list_add(&text, l.actions, l.n_actions_bytes)
    record(t, EVENT_LEARN, 0, text.data, text.n)
    byte_list_free(&text)
