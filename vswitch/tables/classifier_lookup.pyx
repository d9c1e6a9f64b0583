"""One key through the subtables, and which bits of it the answer depends on (OVS lib/classifier.c).

A look-up asks the subtables in falling order of their highest priority and stops when none that is left can win. Whoever
wants to remember the answer also needs the *wildcards*: which bits of the key it depends on. The fewer they are, the
more keys share one memory (a megaflow). Four things keep them few.

* **Stages.** A subtable's words fall into stages: metadata, link layer, network, transport. Each stage but the last has a
  set of hashes of what its rules have up to there. A key whose hash is not in it misses early, and the fields of later
  stages stay out of the wildcards: ports are not in the megaflows of frames that were decided by addresses.
* **Prefix tries.** For a few fields (by default the IPv4 addresses) all rules' prefixes are in a trie each. A subtable is
  skipped if none of its prefix length matches; then only the bits that the trie looked at are added, and only if they
  are fewer than those of the subtable's mask. Each trie is asked once for a look-up, when it is first needed.
* **Ports.** Transport ports have a trie in each subtable, used after a miss in the last stage. The other fields of that
  stage are added whole, as OVS does since its fix for tcp_flags ("missing masks on a final stage with ports trie").
* **One match alone.** If all rules of a subtable have the same match, the first word that differs is enough.

Two orders
----------
There is more than one right answer to "which bits?". `as_ovs` gives Open vSwitch's, bit for bit: each stage's set is
asked before the next stage is hashed, and a trie is asked where its field's stage begins. Of staged look-up OVS says
that it "does not reduce lookup time, and it may increase it", and that is so.

Otherwise the quick order is taken. A trie whose answer is known comes first: it excludes most subtables of an access
list by a test of one bit, before anything is hashed. Then the subtable is looked up as a whole, for a key that hits
there hits in each stage; stages are asked only to find out why it missed. These wildcards are rarely wider than those
of OVS and often narrower.

Conjunctive matches
-------------------
A rule with `conjunction(id, k/n)` actions matches nothing by itself. All such rules that match a key and whose priority
is above that of the best ordinary rule are collected; if, for one id, all n clauses are there, the look-up is made
again with `conj_id` set to that id, and its answer is the answer.

Thread-safety: look-ups only read, but for the caller's key.
"""
from libc.stdint cimport INT32_MIN, int32_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from vswitch.tables.classifier cimport cls_place, cls_trie
from vswitch.tables.cls_layout cimport (
    CLS_IF_ANY, add_prefix, cls_field, cls_layout, field_value, has_prefix, ports_mask, ports_of, prefix_mask)
from vswitch.tables.hash_counts cimport hash_counts_has
from vswitch.tables.prefix_trie cimport trie_length_matches, trie_lookup
from vswitch.tables.subtable cimport (
    CLS_MAX_STAGES, CLS_MAX_TRIES, cls_conjunction, cls_subtable, hash_words, subtable_find, subtable_hash)

cdef enum:
    MAX_SOFT = 64                   # conjunctive rules of one key looked at without asking for memory
    MAX_MATCHES = 16                # conjunctions, likewise

cdef struct trie_answer:            # of one look-up
    bint is_known                   # it is asked on demand
    bint is_added                   # its bits are in the wildcards
    uint32_t n_bits
    uint64_t lengths[2]             # all, until it is known


cdef cls_rule* classifier_lookup(const classifier* cls, uint64_t* key, uint64_t* wc, bint as_ovs) noexcept nogil:
    if cls.n_conjunctive:
        return lookup_conjunctive(cls, key, wc, as_ovs)
    return lookup_hard(cls, key, wc, as_ovs)


cdef inline cls_rule* lookup_hard(const classifier* cls, const uint64_t* key, uint64_t* wc, bint as_ovs) noexcept nogil:
    """The best rule; where a conjunctive one is the best of its match, the match is passed over."""
    cdef trie_answer answers[CLS_MAX_TRIES]
    cdef cls_rule* best = NULL
    cdef cls_rule* rule
    cdef int32_t priority = INT32_MIN
    cdef uint32_t i
    forget(answers)
    for i in range(cls.n_subtables):
        if cls.places[i].max_priority <= priority:
            break
        if cls.places[i].has_tries and not as_ovs and is_excluded(cls, &cls.places[i], answers, wc):
            continue
        rule = find(cls, cls.places[i].subtable, key, answers, wc, as_ovs)
        if rule != NULL and rule.priority > priority and rule.n_conjunctions == 0:
            best = rule
            priority = rule.priority
    return best


cdef inline void forget(trie_answer* answers) noexcept nogil:
    cdef uint32_t i
    for i in range(CLS_MAX_TRIES):
        answers[i].is_known = answers[i].is_added = False
        answers[i].lengths[0] = answers[i].lengths[1] = <uint64_t>-1


cdef inline cls_rule* find(const classifier* cls, const cls_subtable* s, const uint64_t* key, trie_answer* answers,
                           uint64_t* wc, bint as_ovs) noexcept nogil:
    """The best rule of `s` for `key`; adds to the wildcards, if there are any, what says so."""
    cdef cls_rule* rule
    if as_ovs:
        return find_as_ovs(cls, s, key, answers, wc)
    if s.only != NULL:
        return compare_only(s, key, wc)
    if s.n_indices and wc != NULL:
        return find_in_stages(cls, s, key, answers, wc)
    rule = subtable_find(s, key, subtable_hash(s, key), wc)
    if rule == NULL and wc != NULL:
        explain_miss(cls, s, key, NULL, answers, wc)
    return rule


# ---- In OVS's order ----

cdef cls_rule* find_as_ovs(const classifier* cls, const cls_subtable* s, const uint64_t* key, trie_answer* answers,
                           uint64_t* wc) noexcept nogil:
    """OVS find_match_wc()."""
    cdef uint64_t hash = 0
    cdef uint32_t stage, begin = 0
    cdef cls_rule* rule
    for stage in range(s.n_indices + 1):
        if tries_exclude(cls, s, stage, key, answers, wc):
            add_mask(s, begin, wc)
            return NULL
        hash = hash_words(s, key, begin, s.ends[stage], hash)
        begin = s.ends[stage]
        if stage < s.n_indices and not hash_counts_has(&s.indices[stage], hash):
            add_mask(s, begin, wc)
            return NULL
    rule = subtable_find(s, key, hash, wc)
    if rule == NULL:
        add_last(cls, s, key, wc)
    return rule


cdef bint tries_exclude(const classifier* cls, const cls_subtable* s, uint32_t stage, const uint64_t* key,
                        trie_answer* answers, uint64_t* wc) noexcept nogil:
    """True if a field of this stage has no prefix of the length of the subtable's mask (OVS check_tries())."""
    cdef uint32_t i
    for i in range(cls.n_tries):
        if s.trie_lengths[i] and s.trie_stages[i] == stage:
            if not answers[i].is_known:
                ask_trie(&cls.tries[i], key, &answers[i], wc)
            if trie_excludes(&cls.tries[i].field, &answers[i], s.trie_lengths[i], wc):
                return True
    return False


cdef inline bint trie_excludes(const cls_field* field, trie_answer* answer, uint32_t length, uint64_t* wc) noexcept nogil:
    """True if no prefix of that length matches, and the bits that say so are no more than a subtable's own."""
    if trie_length_matches(answer.lengths, length):
        return False
    if not answer.is_added:
        if answer.n_bits <= length:
            add_prefix(field, answer.n_bits, wc)
            answer.is_added = True
        else:
            answer.is_added = has_prefix(field, answer.n_bits, wc)     # more, but free of charge
    return answer.is_added


# ---- In the quick order ----

cdef inline bint is_excluded(const classifier* cls, const cls_place* place, trie_answer* answers, uint64_t* wc) noexcept nogil:
    """True if a trie that was asked before excludes all rules."""
    cdef uint32_t i
    for i in range(cls.n_tries):
        if place.trie_lengths[i] and trie_excludes(&cls.tries[i].field, &answers[i], place.trie_lengths[i], wc):
            return True
    return False


cdef inline cls_rule* compare_only(const cls_subtable* s, const uint64_t* key, uint64_t* wc) noexcept nogil:
    """find() where all rules have the same match."""
    cdef uint32_t i
    for i in range(s.n_words):
        if (key[s.words[i]] & s.masks[i]) != s.only.values[s.order[i]]:
            if wc != NULL:
                wc[s.words[i]] |= s.masks[i]
            return NULL
    if wc != NULL:
        add_mask(s, s.n_words, wc)
    return s.only


cdef cls_rule* find_in_stages(const classifier* cls, const cls_subtable* s, const uint64_t* key, trie_answer* answers,
                              uint64_t* wc) noexcept nogil:
    cdef uint64_t hashes[CLS_MAX_STAGES]
    cdef uint64_t hash = 0
    cdef uint32_t stage, begin = 0
    cdef cls_rule* rule
    for stage in range(s.n_indices + 1):
        hash = hashes[stage] = hash_words(s, key, begin, s.ends[stage], hash)
        begin = s.ends[stage]
    rule = subtable_find(s, key, hash, wc)
    if rule == NULL:
        explain_miss(cls, s, key, hashes, answers, wc)
    return rule


cdef void explain_miss(const classifier* cls, const cls_subtable* s, const uint64_t* key, const uint64_t* hashes,
                       trie_answer* answers, uint64_t* wc) noexcept nogil:
    """Adds what says that `key`, which has these hashes up to each stage but the last, misses."""
    cdef uint32_t stage
    for stage in range(s.n_indices + 1):
        if s.has_tries and tries_exclude(cls, s, stage, key, answers, wc):
            return
        if stage < s.n_indices and not hash_counts_has(&s.indices[stage], hashes[stage]):
            add_mask(s, s.ends[stage], wc)
            return
    add_last(cls, s, key, wc)


# ---- What a look-up depends on ----

cdef inline void add_mask(const cls_subtable* s, uint32_t n, uint64_t* wc) noexcept nogil:
    """The mask of the first `n` words, in the order of their stages."""
    cdef uint32_t i
    for i in range(n):
        wc[s.words[i]] |= s.masks[i]


cdef void ask_trie(const cls_trie* trie, const uint64_t* key, trie_answer* answer, uint64_t* wc) noexcept nogil:
    cdef const cls_field* field = &trie.field
    cdef uint32_t value[5]
    cdef uint64_t condition = key[field.if_word] & field.if_mask
    answer.is_known = True
    wc[field.if_word] |= field.if_mask
    if field.if_mask and (condition == 0 if field.if_value == CLS_IF_ANY else condition != field.if_value):
        answer.lengths[0] = answer.lengths[1] = <uint64_t>-1       # the word holds another field
        return
    answer.lengths[0] = answer.lengths[1] = 0
    field_value(field, key, value)
    answer.n_bits = trie_lookup(trie.root, value, field.n_bits, answer.lengths)


cdef inline void add_last(const classifier* cls, const cls_subtable* s, const uint64_t* key, uint64_t* wc) noexcept nogil:
    """After a miss in the last stage."""
    if s.ports_length:
        add_ports(cls, s, key, wc)
    else:
        add_mask(s, s.n_words, wc)


cdef void add_ports(const classifier* cls, const cls_subtable* s, const uint64_t* key, uint64_t* wc) noexcept nogil:
    """After a miss in the last stage: the subtable's mask, but of its ports only the bits that exclude all rules."""
    cdef const cls_layout* layout = cls.layout
    cdef uint64_t lengths[2]
    cdef uint32_t value[5]
    cdef uint64_t ports_word = wc[layout.ports_word]
    cdef uint32_t bits
    memset(value, 0, sizeof(value))
    value[0] = ports_of(layout, key) & s.ports_mask
    bits = s.ports_mask & <uint32_t>(prefix_mask(trie_lookup(s.ports, value, 32, lengths)) >> 32)
    add_mask(s, s.n_words, wc)
    wc[layout.ports_word] = (wc[layout.ports_word] & ~ports_mask(layout, 0xFFFFFFFF)) | ports_word | ports_mask(layout, bits)


# ---- Conjunctive matches ----

cdef struct conjunctive_match:
    uint32_t id
    uint64_t clauses                # found, and those that there are not


cdef cls_rule* lookup_conjunctive(const classifier* cls, uint64_t* key, uint64_t* wc, bint as_ovs) noexcept nogil:
    cdef trie_answer answers[CLS_MAX_TRIES]
    cdef cls_rule* hard = NULL
    cdef cls_rule* rule
    cdef cls_rule* few[MAX_SOFT]
    cdef cls_rule** soft = few
    cdef cls_rule** grown
    cdef uint32_t n_soft = 0, n_allocated = MAX_SOFT, i
    forget(answers)
    for i in range(cls.n_subtables):
        if hard != NULL and cls.places[i].max_priority <= hard.priority:
            break
        if cls.places[i].has_tries and not as_ovs and is_excluded(cls, &cls.places[i], answers, wc):
            continue
        rule = find(cls, cls.places[i].subtable, key, answers, wc, as_ovs)
        if rule == NULL or (hard != NULL and rule.priority <= hard.priority):
            continue
        if rule.n_conjunctions == 0:
            hard = rule
            continue
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
    rule = resolve(cls, key, wc, as_ovs, hard, soft, n_soft)
    if soft != few:
        free(soft)
    return rule


cdef cls_rule* resolve(const classifier* cls, uint64_t* key, uint64_t* wc, bint as_ovs, cls_rule* hard,
                       cls_rule** soft, uint32_t n_soft) noexcept nogil:
    """Tries the conjunctive rules, highest priority first, until a conjunction is complete or an ordinary rule wins."""
    cdef conjunctive_match few[MAX_MATCHES]
    cdef conjunctive_match* matches = few
    cdef uint32_t i, n, n_top, n_conjunctions, id
    cdef uint32_t n_matches
    cdef int32_t priority
    cdef cls_rule* rule
    while True:
        n = 0
        while n < n_soft:
            if soft[n] == NULL or (hard != NULL and soft[n].priority <= hard.priority):
                n_soft -= 1
                soft[n] = soft[n_soft]
            else:
                n += 1
        if n_soft == 0:
            return hard
        priority = INT32_MIN
        n_top = n_conjunctions = 0
        for i in range(n_soft):
            if soft[i].priority > priority:
                priority = soft[i].priority
                n_top = n_conjunctions = 0
            if soft[i].priority == priority:
                n_top += 1
                n_conjunctions += soft[i].n_conjunctions
        if n_conjunctions > MAX_MATCHES:
            matches = <conjunctive_match*>malloc(n_conjunctions * sizeof(conjunctive_match))
            if matches == NULL:
                return hard
        n_matches = 0
        rule = NULL
        for i in range(n_soft):
            if soft[i].priority == priority and is_complete(soft[i], n_top, matches, &n_matches, &id):
                rule = lookup_as(cls, key, id, wc, as_ovs)
                if rule != NULL:
                    break
        if matches != few:
            free(matches)
            matches = few
        if rule != NULL:
            return rule
        # The next lower priority of the same matches may be conjunctive or not.
        for i in range(n_soft):
            if soft[i].priority == priority:
                soft[i] = soft[i].next
                if soft[i] != NULL and soft[i].n_conjunctions == 0:
                    if hard == NULL or soft[i].priority > hard.priority:
                        hard = soft[i]
                    soft[i] = NULL


cdef bint is_complete(const cls_rule* rule, uint32_t n_rules, conjunctive_match* matches, uint32_t* n_matches,
                      uint32_t* id) noexcept nogil:
    """Notes the rule's clauses; True, and the `id`, if one of its conjunctions has all of them now.

    No conjunction with more clauses than there are rules can be complete.
    """
    cdef const cls_conjunction* c
    cdef conjunctive_match* m
    cdef uint32_t i, j
    for i in range(rule.n_conjunctions):
        c = &rule.conjunctions[i]
        if c.n_clauses > n_rules:
            continue
        j = 0
        while j < n_matches[0] and matches[j].id != c.id:
            j += 1
        m = &matches[j]
        if j == n_matches[0]:
            n_matches[0] += 1
            m.id = c.id
            m.clauses = <uint64_t>-1 << (c.n_clauses & 63)
        m.clauses |= <uint64_t>1 << c.clause
        if m.clauses == <uint64_t>-1:
            id[0] = c.id
            return True
    return False


cdef cls_rule* lookup_as(const classifier* cls, uint64_t* key, uint32_t id, uint64_t* wc, bint as_ovs) noexcept nogil:
    """What the conjunction `id` leads to."""
    cdef uint16_t word = cls.layout.conj_word
    cdef uint64_t mask = <uint64_t>0xFFFFFFFF << cls.layout.conj_shift
    cdef uint64_t saved = key[word]
    cdef cls_rule* rule
    key[word] = (saved & ~mask) | <uint64_t>id << cls.layout.conj_shift
    rule = lookup_hard(cls, key, wc, as_ovs)
    key[word] = saved
    if wc != NULL:
        wc[word] &= ~mask           # not of the frame: this look-up itself set it
    return rule
