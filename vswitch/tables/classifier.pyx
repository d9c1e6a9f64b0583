"""Tuple-space search: subtables by mask, hash tables by masked key, priorities.

What it is
----------
Rules with the same mask share a *subtable*: a hash table over the masked words. A look-up asks the subtables in falling
order of their highest priority and stops when none that is left can win. Every subtable that was asked adds its mask to
the wildcards, for the answer depends on what was looked at.

Conjunctive matches
-------------------
A rule with `conjunction(id, k/n)` actions matches nothing by itself. All such rules that match a key and whose priority
is above that of the best ordinary rule are collected; if, for one id, all n clauses are there, the look-up is made
again with `conj_id` set to that id, and must end at a rule of the same priority (OVS lib/classifier.c).

Thread-safety: none for changes; look-ups only read.
"""
from libc.stdint cimport INT32_MIN
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

cdef enum:
    MAX_SOFT = 64                   # conjunctive rules of one key looked at without asking for memory
    MIN_BUCKETS = 4

cdef struct cls_subtable:
    uint16_t n_words
    uint16_t* words
    uint64_t* masks
    int32_t max_priority
    uint32_t n_max                  # rules of that priority
    uint32_t n_rules
    uint32_t bucket_mask
    cls_rule** buckets

cdef struct classifier:
    cls_subtable** subtables        # by falling max_priority
    uint32_t n_subtables
    uint32_t n_allocated
    uint32_t n_rules
    uint32_t n_conjunctive
    uint64_t serial


cdef classifier* classifier_new() except NULL:
    cdef classifier* cls = <classifier*>calloc(1, sizeof(classifier))
    if cls == NULL:
        raise MemoryError
    return cls


cdef void classifier_free(classifier* cls) noexcept nogil:
    cdef uint32_t i
    if cls == NULL:
        return
    for i in range(cls.n_subtables):
        subtable_free(cls.subtables[i])
    free(cls.subtables)
    free(cls)


cdef void subtable_free(cls_subtable* s) noexcept nogil:
    if s != NULL:
        free(s.words)
        free(s.masks)
        free(s.buckets)
        free(s)


cdef inline uint64_t mix(uint64_t hash, uint64_t word) noexcept nogil:
    hash = ((hash << 5) | (hash >> 59)) ^ word
    return hash * <uint64_t>0x9E3779B97F4A7C15


cdef inline uint64_t hash_values(const uint64_t* values, uint32_t n) noexcept nogil:
    cdef uint64_t hash = n
    cdef uint32_t i
    for i in range(n):
        hash = mix(hash, values[i])
    return hash ^ (hash >> 32)


cdef cls_subtable* find_subtable(const classifier* cls, const uint16_t* words, const uint64_t* masks,
                                 uint32_t n_words) noexcept nogil:
    cdef uint32_t i
    cdef cls_subtable* s
    for i in range(cls.n_subtables):
        s = cls.subtables[i]
        if (s.n_words == n_words and memcmp(s.words, words, n_words * sizeof(uint16_t)) == 0
                and memcmp(s.masks, masks, n_words * sizeof(uint64_t)) == 0):
            return s
    return NULL


cdef cls_subtable* add_subtable(classifier* cls, const cls_rule* rule) noexcept nogil:
    cdef cls_subtable** grown
    cdef cls_subtable* s
    cdef uint32_t n = rule.n_words
    if cls.n_subtables == cls.n_allocated:
        grown = <cls_subtable**>realloc(cls.subtables, (cls.n_allocated * 2 + 4) * sizeof(cls_subtable*))
        if grown == NULL:
            return NULL
        cls.subtables = grown
        cls.n_allocated = cls.n_allocated * 2 + 4
    s = <cls_subtable*>calloc(1, sizeof(cls_subtable))
    if s == NULL:
        return NULL
    s.words = <uint16_t*>malloc((n + 1) * sizeof(uint16_t))
    s.masks = <uint64_t*>malloc((n + 1) * sizeof(uint64_t))
    s.buckets = <cls_rule**>calloc(MIN_BUCKETS, sizeof(cls_rule*))
    if s.words == NULL or s.masks == NULL or s.buckets == NULL:
        subtable_free(s)
        return NULL
    memcpy(s.words, rule.words, n * sizeof(uint16_t))
    memcpy(s.masks, rule.masks, n * sizeof(uint64_t))
    s.n_words = <uint16_t>n
    s.bucket_mask = MIN_BUCKETS - 1
    s.max_priority = INT32_MIN
    cls.subtables[cls.n_subtables] = s
    cls.n_subtables += 1
    return s


cdef bint grow(cls_subtable* s) noexcept nogil:
    cdef uint32_t n = (s.bucket_mask + 1) * 2
    cdef uint32_t i
    cdef cls_rule* rule
    cdef cls_rule* after
    cdef cls_rule** buckets = <cls_rule**>calloc(n, sizeof(cls_rule*))
    if buckets == NULL:
        return False
    for i in range(s.bucket_mask + 1):
        rule = s.buckets[i]
        while rule != NULL:
            after = rule.next
            bucket_insert(&buckets[rule.hash & (n - 1)], rule)
            rule = after
    free(s.buckets)
    s.buckets = buckets
    s.bucket_mask = n - 1
    return True


cdef void bucket_insert(cls_rule** at, cls_rule* rule) noexcept nogil:
    """Into a chain by falling priority: the first that is equal is the best."""
    while at[0] != NULL and at[0].priority >= rule.priority:
        at = &at[0].next
    rule.next = at[0]
    at[0] = rule


cdef void sort_subtable(classifier* cls, cls_subtable* s) noexcept nogil:
    """Puts `s`, whose highest priority changed, where it belongs."""
    cdef uint32_t i = 0
    while cls.subtables[i] != s:
        i += 1
    while i > 0 and cls.subtables[i - 1].max_priority < s.max_priority:
        cls.subtables[i] = cls.subtables[i - 1]
        i -= 1
    while i + 1 < cls.n_subtables and cls.subtables[i + 1].max_priority > s.max_priority:
        cls.subtables[i] = cls.subtables[i + 1]
        i += 1
    cls.subtables[i] = s


cdef bint classifier_insert(classifier* cls, cls_rule* rule) noexcept nogil:
    cdef cls_subtable* s = find_subtable(cls, rule.words, rule.masks, rule.n_words)
    if s == NULL:
        s = add_subtable(cls, rule)
        if s == NULL:
            return False
    if s.n_rules > s.bucket_mask:
        grow(s)                     # without memory the chains get longer
    rule.hash = hash_values(rule.values, rule.n_words)
    rule.subtable = s
    rule.serial = cls.serial
    cls.serial += 1
    bucket_insert(&s.buckets[rule.hash & s.bucket_mask], rule)
    s.n_rules += 1
    cls.n_rules += 1
    cls.n_conjunctive += rule.n_conjunctions != 0
    if rule.priority > s.max_priority:
        s.max_priority = rule.priority
        s.n_max = 1
        sort_subtable(cls, s)
    elif rule.priority == s.max_priority:
        s.n_max += 1
    return True


cdef void classifier_remove(classifier* cls, cls_rule* rule) noexcept nogil:
    cdef cls_subtable* s = rule.subtable
    cdef cls_rule** at = &s.buckets[rule.hash & s.bucket_mask]
    cdef uint32_t i
    while at[0] != rule:
        at = &at[0].next
    at[0] = rule.next
    rule.next = NULL
    s.n_rules -= 1
    cls.n_rules -= 1
    cls.n_conjunctive -= rule.n_conjunctions != 0
    if s.n_rules == 0:
        i = 0
        while cls.subtables[i] != s:
            i += 1
        while i + 1 < cls.n_subtables:
            cls.subtables[i] = cls.subtables[i + 1]
            i += 1
        cls.n_subtables -= 1
        subtable_free(s)
    elif rule.priority == s.max_priority:
        s.n_max -= 1
        if s.n_max == 0:
            find_max(s)
            sort_subtable(cls, s)


cdef void find_max(cls_subtable* s) noexcept nogil:
    cdef uint32_t i
    cdef cls_rule* rule
    s.max_priority = INT32_MIN
    for i in range(s.bucket_mask + 1):
        rule = s.buckets[i]
        while rule != NULL:
            if rule.priority > s.max_priority:
                s.max_priority = rule.priority
                s.n_max = 0
            s.n_max += rule.priority == s.max_priority
            rule = rule.next


cdef cls_rule* subtable_lookup(const cls_subtable* s, const uint64_t* key) noexcept nogil:
    """The first rule of the chain that matches: that of highest priority."""
    cdef uint64_t hash = s.n_words
    cdef uint32_t i
    cdef cls_rule* rule
    for i in range(s.n_words):
        hash = mix(hash, key[s.words[i]] & s.masks[i])
    hash ^= hash >> 32
    rule = s.buckets[hash & s.bucket_mask]
    while rule != NULL:
        if rule.hash == hash and rule_matches(s, rule, key):
            return rule
        rule = rule.next
    return NULL


cdef inline bint rule_matches(const cls_subtable* s, const cls_rule* rule, const uint64_t* key) noexcept nogil:
    cdef uint32_t i
    for i in range(s.n_words):
        if (key[s.words[i]] & s.masks[i]) != rule.values[i]:
            return False
    return True


cdef inline void add_mask(const cls_subtable* s, flow_key* wc) noexcept nogil:
    cdef uint32_t i
    if wc != NULL:
        for i in range(s.n_words):
            (<uint64_t*>wc)[s.words[i]] |= s.masks[i]


cdef cls_rule* classifier_lookup(const classifier* cls, const flow_key* key, flow_key* wc) noexcept nogil:
    cdef cls_rule* best = NULL
    cdef cls_rule* rule
    cdef cls_subtable* s
    cdef uint32_t i
    if cls.n_conjunctive:
        return lookup_conjunctive(cls, key, wc)
    for i in range(cls.n_subtables):
        s = cls.subtables[i]
        if best != NULL and s.max_priority <= best.priority:
            break
        add_mask(s, wc)
        rule = subtable_lookup(s, <const uint64_t*>key)
        if rule != NULL and (best == NULL or rule.priority > best.priority):
            best = rule
    return best


cdef cls_rule* lookup_hard(const classifier* cls, const flow_key* key, flow_key* wc) noexcept nogil:
    """The best rule that is no conjunctive one."""
    cdef cls_rule* best = NULL
    cdef cls_rule* rule
    cdef cls_subtable* s
    cdef uint32_t i
    for i in range(cls.n_subtables):
        s = cls.subtables[i]
        if best != NULL and s.max_priority <= best.priority:
            break
        add_mask(s, wc)
        rule = subtable_lookup(s, <const uint64_t*>key)
        while rule != NULL:
            if rule.n_conjunctions == 0 and rule_matches(s, rule, <const uint64_t*>key):
                if best == NULL or rule.priority > best.priority:
                    best = rule
                break
            rule = rule.next
    return best


cdef cls_rule* lookup_conjunctive(const classifier* cls, const flow_key* key, flow_key* wc) noexcept nogil:
    cdef cls_rule* hard = NULL
    cdef cls_rule* rule
    cdef cls_rule* few[MAX_SOFT]
    cdef cls_rule** soft = few
    cdef cls_rule** grown
    cdef uint32_t n_soft = 0, n_allocated = MAX_SOFT, i
    cdef cls_subtable* s
    for i in range(cls.n_subtables):
        s = cls.subtables[i]
        if hard != NULL and s.max_priority <= hard.priority:
            break
        add_mask(s, wc)
        rule = subtable_lookup(s, <const uint64_t*>key)
        while rule != NULL and (hard == NULL or rule.priority > hard.priority):
            if rule_matches(s, rule, <const uint64_t*>key):
                if rule.n_conjunctions == 0:
                    hard = rule
                    break
                if n_soft == n_allocated:
                    grown = <cls_rule**>malloc(n_allocated * 2 * sizeof(cls_rule*))
                    if grown == NULL:
                        break
                    memcpy(grown, soft, n_soft * sizeof(cls_rule*))
                    if soft != few:
                        free(soft)
                    soft = grown
                    n_allocated *= 2
                soft[n_soft] = rule
                n_soft += 1
            rule = rule.next
    rule = resolve(cls, key, wc, hard, soft, n_soft)
    if soft != few:
        free(soft)
    return rule


cdef cls_rule* resolve(const classifier* cls, const flow_key* key, flow_key* wc, cls_rule* hard, cls_rule** soft,
                       uint32_t n_soft) noexcept nogil:
    """Tries the conjunctive rules, highest priority first, until a conjunction is complete or an ordinary rule wins."""
    cdef int32_t priority, limit
    cdef uint32_t i, j, n
    cdef cls_rule* rule
    cdef flow_key again
    cdef bint found = True
    limit = 0x7FFFFFFF
    while True:
        priority = INT32_MIN
        for i in range(n_soft):
            if soft[i].priority > priority and soft[i].priority < limit:
                priority = soft[i].priority
        if priority == INT32_MIN or (hard != NULL and priority <= hard.priority):
            return hard
        for i in range(n_soft):
            if soft[i].priority != priority:
                continue
            for j in range(soft[i].n_conjunctions):
                if not is_complete(soft, n_soft, priority, &soft[i].conjunctions[j]):
                    continue
                memcpy(&again, key, sizeof(flow_key))
                again.conj_id = soft[i].conjunctions[j].id
                rule = lookup_hard(cls, &again, wc)
                if rule != NULL and rule.priority == priority:
                    if wc != NULL:
                        wc.conj_id = 0      # not of the frame: the walk itself set it
                    return rule
        limit = priority


cdef bint is_complete(cls_rule** soft, uint32_t n_soft, int32_t priority, const cls_conjunction* c) noexcept nogil:
    """True if every clause of conjunction `c` is among the rules of that priority."""
    cdef uint64_t clauses = 0
    cdef uint32_t i, j
    for i in range(n_soft):
        if soft[i].priority == priority:
            for j in range(soft[i].n_conjunctions):
                if soft[i].conjunctions[j].id == c.id and soft[i].conjunctions[j].n_clauses == c.n_clauses:
                    clauses |= <uint64_t>1 << soft[i].conjunctions[j].clause
    return clauses == ((<uint64_t>1 << c.n_clauses) - 1 if c.n_clauses < 64 else <uint64_t>0xFFFFFFFFFFFFFFFF)


cdef cls_rule* classifier_find(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                               uint32_t n_words, int32_t priority) noexcept nogil:
    cdef cls_subtable* s = find_subtable(cls, words, masks, n_words)
    cdef cls_rule* rule
    cdef uint64_t hash
    if s == NULL:
        return NULL
    hash = hash_values(values, n_words)
    rule = s.buckets[hash & s.bucket_mask]
    while rule != NULL:
        if rule.hash == hash and rule.priority == priority and memcmp(
                rule.values, values, n_words * sizeof(uint64_t)) == 0:
            return rule
        rule = rule.next
    return NULL


cdef bint classifier_overlaps(const classifier* cls, const uint16_t* words, const uint64_t* values, const uint64_t* masks,
                              uint32_t n_words, int32_t priority) noexcept nogil:
    cdef uint32_t i, b
    cdef cls_rule* rule
    for i in range(cls.n_subtables):
        for b in range(cls.subtables[i].bucket_mask + 1):
            rule = cls.subtables[i].buckets[b]
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
