"""Rules in subtables by their masks, and the order in which subtables are asked.

Rules with the same mask share a subtable (subtable.pyx). A look-up (classifier_lookup.pyx, classifier_block.pyx) asks the
subtables in falling order of their highest priority. Their order matters for the wildcards of a look-up, since those
behind the winner are never asked. It is that of OVS's pvector: a stable sort after each change; a subtable that goes
leaves its place to the last one before that sort.

The first rule of a match also goes into the tries of the classifier's fields, into the trie of its subtable's ports and
into the sets of its stages; the last one takes them out again.

Thread-safety: none.
"""
from libc.stdint cimport INT32_MIN, uint8_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcmp, memcpy, memset

from vswitch.tables.cls_layout cimport field_value, ports_of, prefix_mask
from vswitch.tables.hash cimport hash_mix, hash_pair
from vswitch.tables.hash_counts cimport hash_counts_add, hash_counts_remove
from vswitch.tables.prefix_trie cimport TRIE_VALUE_WORDS, trie_free, trie_insert, trie_remove
from vswitch.tables.subtable cimport (
    BUCKET_SLOTS, CLS_MAX_STAGES, rotate, subtable_add, subtable_clear_slot, subtable_free, subtable_hash_values,
    subtable_new, subtable_reserve, subtable_slot)


cdef classifier* classifier_new(const cls_layout* layout) noexcept nogil:
    cdef classifier* cls = <classifier*>calloc(1, sizeof(classifier))
    if cls != NULL:
        cls.layout = layout
    return cls


cdef void classifier_free(classifier* cls) noexcept nogil:
    cdef uint32_t i
    if cls == NULL:
        return
    for i in range(cls.n_subtables):
        subtable_free(cls.places[i].subtable)
    for i in range(cls.n_tries):
        trie_free(cls.tries[i].root)
    free(cls.places)
    free(cls)


cdef bint classifier_insert(classifier* cls, cls_rule* rule) noexcept nogil:
    cdef uint32_t mask_hash = hash_mask(rule.words, rule.masks, rule.n_words)
    cdef cls_subtable* s = find_subtable(cls, rule.words, rule.masks, rule.n_words, mask_hash)
    cdef cls_rule** slot
    cdef cls_rule** at
    cdef bint is_new = s == NULL
    if is_new:
        s = add_subtable(cls, rule, mask_hash)
        if s == NULL:
            return False
    rule.hash = subtable_hash_values(s, rule.values, NULL)
    rule.subtable = s
    rule.next = NULL
    slot = subtable_slot(s, rule.values, rule.hash)
    if slot == NULL:
        if not add_match(cls, s, rule):
            if is_new:
                drop_subtable(cls, s)
            return False
    else:
        at = slot
        while at[0] != NULL and at[0].priority > rule.priority:
            at = &at[0].next
        rule.next = at[0]
        at[0] = rule
        if s.n_matches == 1:
            s.only = slot[0]
    s.n_rules += 1
    cls.n_rules += 1
    cls.n_conjunctive += rule.n_conjunctions != 0
    if rule.priority == s.max_priority:
        s.n_max += 1
    elif rule.priority > s.max_priority:
        s.max_priority = rule.priority
        s.n_max = 1
        place_subtable(cls, s)
    return True


cdef bint add_match(classifier* cls, cls_subtable* s, cls_rule* rule) noexcept nogil:
    """Puts the first rule of a match into the table, the tries and the stages' sets; False without memory."""
    cdef uint64_t hashes[CLS_MAX_STAGES]
    cdef uint32_t value[5]
    cdef uint32_t n_tries = 0, n_stages = 0
    cdef bint have_ports = True
    if not subtable_reserve(s):
        return False
    if s.ports_length:
        rule_ports(cls, s, rule, value)
        have_ports = trie_insert(&s.ports, value, s.ports_length)
    while have_ports and n_tries < cls.n_tries:
        if s.trie_lengths[n_tries]:
            rule_field(s, rule, &cls.tries[n_tries].field, value)
            if not trie_insert(&cls.tries[n_tries].root, value, s.trie_lengths[n_tries]):
                break
        n_tries += 1
    if n_tries == cls.n_tries:
        subtable_hash_values(s, rule.values, hashes)
        while n_stages < s.n_indices and hash_counts_add(&s.indices[n_stages], hashes[n_stages]):
            n_stages += 1
    if have_ports and n_tries == cls.n_tries and n_stages == s.n_indices:
        subtable_add(s, rule)
        return True
    take_back(cls, s, rule, have_ports, n_tries, n_stages)
    return False


cdef void take_back(classifier* cls, cls_subtable* s, cls_rule* rule, bint have_ports, uint32_t n_tries,
                    uint32_t n_stages) noexcept nogil:
    """Takes a match out of the ports' trie, the first tries and the first stages' sets."""
    cdef uint64_t hashes[CLS_MAX_STAGES]
    cdef uint32_t value[5]
    cdef uint32_t i
    if have_ports and s.ports_length:
        rule_ports(cls, s, rule, value)
        trie_remove(&s.ports, value, s.ports_length)
    for i in range(n_tries):
        if s.trie_lengths[i]:
            rule_field(s, rule, &cls.tries[i].field, value)
            trie_remove(&cls.tries[i].root, value, s.trie_lengths[i])
    subtable_hash_values(s, rule.values, hashes)
    for i in range(n_stages):
        hash_counts_remove(&s.indices[i], hashes[i])


cdef uint64_t rule_word(const cls_rule* rule, uint32_t word) noexcept nogil:
    """The rule's value of a word of the key; 0 if it does not look at it."""
    cdef uint32_t i
    for i in range(rule.n_words):
        if rule.words[i] == word:
            return rule.values[i]
    return 0


cdef void rule_field(const cls_subtable* s, const cls_rule* rule, const cls_field* field, uint32_t* value) noexcept nogil:
    cdef cls_field at_start = field[0]
    cdef uint64_t words[2]
    words[0] = rule_word(rule, field.word)
    words[1] = rule_word(rule, field.word + 1) if field.n_bits == 128 else 0
    at_start.word = 0
    field_value(&at_start, words, value)


cdef void rule_ports(const classifier* cls, const cls_subtable* s, const cls_rule* rule, uint32_t* value) noexcept nogil:
    cdef cls_layout at_start = cls.layout[0]
    cdef uint64_t word = rule_word(rule, cls.layout.ports_word)
    at_start.ports_word = 0
    memset(value, 0, TRIE_VALUE_WORDS * sizeof(uint32_t))
    value[0] = ports_of(&at_start, &word)


cdef void classifier_remove(classifier* cls, cls_rule* rule) noexcept nogil:
    cdef cls_subtable* s = rule.subtable
    cdef cls_rule** slot = subtable_slot(s, rule.values, rule.hash)
    cdef cls_rule** at = slot
    s.n_rules -= 1
    cls.n_rules -= 1
    cls.n_conjunctive -= rule.n_conjunctions != 0
    if slot[0] == rule and rule.next == NULL:
        take_back(cls, s, rule, True, cls.n_tries, s.n_indices)
        subtable_clear_slot(s, slot)
    else:
        while at[0] != rule:
            at = &at[0].next
        at[0] = rule.next
        rule.next = NULL
        if s.n_matches == 1:
            s.only = slot[0]
    if s.n_rules == 0:
        drop_subtable(cls, s)
    elif rule.priority == s.max_priority:
        s.n_max -= 1
        if s.n_max == 0:
            find_max(s)
            place_subtable(cls, s)


cdef void find_max(cls_subtable* s) noexcept nogil:
    cdef uint32_t i
    s.max_priority = INT32_MIN
    for i in range((s.bucket_mask + 1) * BUCKET_SLOTS):
        if s.slots[i] != NULL:
            if s.slots[i].priority > s.max_priority:
                s.max_priority = s.slots[i].priority
                s.n_max = 0
            s.n_max += s.slots[i].priority == s.max_priority


# ---- Subtables and their order ----

cdef inline uint32_t hash_mask(const uint16_t* words, const uint64_t* masks, uint32_t n_words) noexcept nogil:
    cdef uint64_t hash = 0
    cdef uint32_t i
    for i in range(n_words):
        hash = rotate(hash) ^ hash_pair(words[i], masks[i])
    return <uint32_t>hash_mix(hash)


cdef cls_subtable* find_subtable(const classifier* cls, const uint16_t* words, const uint64_t* masks, uint32_t n_words,
                                 uint32_t mask_hash) noexcept nogil:
    cdef uint32_t i, j
    cdef cls_subtable* s
    for i in range(cls.n_subtables):
        if cls.places[i].mask_hash != mask_hash:
            continue
        s = cls.places[i].subtable
        if s.n_words == n_words:
            j = 0
            while j < n_words and s.words[j] == words[s.order[j]] and s.masks[j] == masks[s.order[j]]:
                j += 1
            if j == n_words:
                return s
    return NULL


cdef cls_subtable* add_subtable(classifier* cls, const cls_rule* rule, uint32_t mask_hash) noexcept nogil:
    """A subtable for the rule's mask, in the last place; NULL without memory."""
    cdef cls_place* grown
    cdef cls_subtable* s
    cdef uint32_t i
    if cls.n_subtables == cls.n_allocated:
        grown = <cls_place*>realloc(cls.places, (cls.n_allocated * 2 + 4) * sizeof(cls_place))
        if grown == NULL:
            return NULL
        cls.places = grown
        cls.n_allocated = cls.n_allocated * 2 + 4
    s = subtable_new(rule.words, rule.masks, rule.n_words, cls.layout.stages)
    if s == NULL:
        return NULL
    for i in range(cls.n_tries):
        plan_trie(s, i, &cls.tries[i].field)
    plan_ports(s, cls.layout)
    cls.places[cls.n_subtables].subtable = s
    cls.places[cls.n_subtables].max_priority = INT32_MIN
    cls.places[cls.n_subtables].mask_hash = mask_hash
    note_tries(&cls.places[cls.n_subtables])
    cls.n_subtables += 1
    return s


cdef void note_tries(cls_place* place) noexcept nogil:
    place.has_tries = place.subtable.has_tries
    memcpy(place.trie_lengths, place.subtable.trie_lengths, sizeof(place.trie_lengths))


cdef void plan_trie(cls_subtable* s, uint32_t trie, const cls_field* field) noexcept nogil:
    """Finds the length of the mask's prefix in a field, and the stage of the field."""
    cdef uint64_t high = 0, low = 0, rest
    cdef uint32_t i, n, stage = 0
    for i in range(s.n_words):
        if s.words[i] == field.word:
            high = s.masks[i]
            while i >= s.ends[stage]:
                stage += 1
        elif s.words[i] == field.word + 1 and field.n_bits == 128:
            low = s.masks[i]
    if field.n_bits == 32:
        high = high >> field.shift << 32
    n = n_leading(high)
    rest = high & ~prefix_mask(n) | low
    if n == 64:
        n += n_leading(low)
        rest = low & ~prefix_mask(n - 64)
    if rest:
        n = 0                       # not a prefix
    s.trie_lengths[trie] = <uint8_t>n
    s.trie_stages[trie] = <uint8_t>stage
    s.has_tries = s.has_tries or n != 0


cdef inline uint32_t n_leading(uint64_t word) noexcept nogil:
    """How many bits are set before the first that is not."""
    cdef uint32_t n = 0
    while n < 64 and word >> (63 - n) & 1:
        n += 1
    return n


cdef void plan_ports(cls_subtable* s, const cls_layout* layout) noexcept nogil:
    cdef cls_layout at_start = layout[0]
    cdef uint32_t i
    at_start.ports_word = 0
    for i in range(s.n_words):
        if s.words[i] == layout.ports_word:
            s.ports_mask = ports_of(&at_start, &s.masks[i])
    s.ports_length = 0
    while s.ports_length < 32 and <uint32_t>(s.ports_mask << s.ports_length):
        s.ports_length += 1


cdef void place_subtable(classifier* cls, cls_subtable* s) noexcept nogil:
    """Moves `s`, whose highest priority changed, to where a stable sort brings it."""
    cdef uint32_t i = 0
    cdef cls_place place
    while cls.places[i].subtable != s:
        i += 1
    cls.places[i].max_priority = s.max_priority
    sort_place(cls, i)


cdef void sort_place(classifier* cls, uint32_t i) noexcept nogil:
    """A stable sort, if all places but `i` are in order."""
    cdef cls_place place = cls.places[i]
    while i > 0 and cls.places[i - 1].max_priority < place.max_priority:
        cls.places[i] = cls.places[i - 1]
        i -= 1
    while i + 1 < cls.n_subtables and cls.places[i + 1].max_priority > place.max_priority:
        cls.places[i] = cls.places[i + 1]
        i += 1
    cls.places[i] = place


cdef void drop_subtable(classifier* cls, cls_subtable* s) noexcept nogil:
    cdef uint32_t i = 0
    while cls.places[i].subtable != s:
        i += 1
    cls.n_subtables -= 1
    if i < cls.n_subtables:
        cls.places[i] = cls.places[cls.n_subtables]
        sort_place(cls, i)
    subtable_free(s)


cdef bint classifier_set_tries(classifier* cls, const cls_field* fields, uint32_t n) noexcept nogil:
    cdef uint32_t i, j, t
    cdef cls_subtable* s
    cdef uint32_t value[5]
    for i in range(cls.n_tries):
        trie_free(cls.tries[i].root)
    cls.n_tries = n
    for i in range(n):
        cls.tries[i].field = fields[i]
        cls.tries[i].root = NULL
    for t in range(cls.n_subtables):
        s = cls.places[t].subtable
        s.has_tries = False
        memset(s.trie_lengths, 0, sizeof(s.trie_lengths))
        for i in range(n):
            plan_trie(s, i, &fields[i])
            for j in range((s.bucket_mask + 1) * BUCKET_SLOTS if s.trie_lengths[i] else 0):
                if s.slots[j] != NULL:
                    rule_field(s, s.slots[j], &fields[i], value)
                    if not trie_insert(&cls.tries[i].root, value, s.trie_lengths[i]):
                        classifier_set_tries(cls, NULL, 0)
                        return False
        note_tries(&cls.places[t])
    return True


# ---- Questions about rules ----

cdef cls_rule* classifier_find(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                               uint32_t n_words, int32_t priority) noexcept nogil:
    cdef cls_subtable* s = find_subtable(cls, words, masks, n_words, hash_mask(words, masks, n_words))
    cdef cls_rule** slot
    cdef cls_rule* rule
    if s == NULL:
        return NULL
    slot = subtable_slot(s, values, subtable_hash_values(s, values, NULL))
    rule = slot[0] if slot != NULL else NULL
    while rule != NULL and rule.priority > priority:
        rule = rule.next
    return rule if rule != NULL and rule.priority == priority else NULL


cdef bint classifier_overlaps(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                              uint32_t n_words, int32_t priority) noexcept nogil:
    cdef uint32_t i, j
    cdef cls_rule* rule
    cdef cls_subtable* s
    for i in range(cls.n_subtables):
        s = cls.places[i].subtable
        for j in range((s.bucket_mask + 1) * BUCKET_SLOTS):
            rule = s.slots[j]
            while rule != NULL:
                if rule.priority == priority and not is_same(rule, words, values, masks, n_words) and may_meet(
                        rule, words, values, masks, n_words):
                    return True
                rule = rule.next
    return False


cdef bint is_same(const cls_rule* rule, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                  uint32_t n_words) noexcept nogil:
    return (rule.n_words == n_words and memcmp(rule.words, words, n_words * sizeof(uint16_t)) == 0
            and memcmp(rule.masks, masks, n_words * sizeof(uint64_t)) == 0
            and memcmp(rule.values, values, n_words * sizeof(uint64_t)) == 0)


cdef bint may_meet(const cls_rule* rule, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                   uint32_t n_words) noexcept nogil:
    """True if some key matches both."""
    cdef uint32_t i = 0, j = 0
    while i < rule.n_words and j < n_words:
        if rule.words[i] < words[j]:
            i += 1
        elif rule.words[i] > words[j]:
            j += 1
        else:
            if (rule.values[i] ^ values[j]) & rule.masks[i] & masks[j]:
                return False
            i += 1
            j += 1
    return True
