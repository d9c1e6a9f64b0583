"""The flow cache: which program does a frame's key run?

What it is
----------
Translation walks the flow tables for one key and reports two things: the program, and the mask of every bit of
the key that it looked at. The pair (masked key, mask) is a *megaflow*: every key that is equal under the mask gets
the same program, so it need not be translated again.

How it works
------------
Megaflows with the same mask share a *subtable*: a hash table over the words of the key that the mask touches.
Megaflows never overlap in a way that matters (translation is a function of the key), so the first subtable that
hits is right, and priorities play no part. A look-up costs one probe for each subtable in the worst case.

In front of the subtables stands the *signature cache*: a hash over the union of all masks leads to a set of four, and
there to the megaflow that this very key used last, which is verified by one masked compare. It is as large as the
demand, not 8192 entries for every bridge: it grows with the megaflows (never fewer than twice as many), and when many
keys push others out, for one megaflow may have many keys.

A bridge whose flows look at nothing (the default NORMAL) has one megaflow with an empty mask. Then there is
nothing to look up and `catch_all` answers at once.

Price
-----
A new mask changes the union, so the signatures are forgotten; masks are few and come early. When `max_megaflows`
is reached the whole cache is emptied: it is a cache, and what is in use comes back with the next frames.

Thread-safety: none; one thread at a time, as all of the datapath.
"""
from libc.stdint cimport uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from vswitch.tables.arena cimport arena_clear, arena_take
from vswitch.tables.flow_mask cimport FLOW_KEY_WORDS, flow_mask_set, flow_word_depth

cdef enum:
    CACHE_LINE = 64
    BUCKETS_GROW = 4                # times: each flow is moved a third of a time then, with 2 it is once
    MIN_SIGNATURE_SETS = 16
    MAX_SIGNATURE_SETS = 1 << 18    # that displaced keys alone make it grow to: 16 MB


cdef flow_cache* flow_cache_new(uint32_t max_megaflows) except NULL:
    cdef flow_cache* cache = <flow_cache*>calloc(1, sizeof(flow_cache))
    if cache == NULL:
        raise MemoryError
    cache.max_megaflows = max_megaflows
    cache.union_mask = <uint64_t*>calloc(FLOW_KEY_WORDS, sizeof(uint64_t))
    cache.union_words = <uint32_t*>calloc(FLOW_KEY_WORDS, sizeof(uint32_t))
    cache.union_masks = <uint64_t*>calloc(FLOW_KEY_WORDS, sizeof(uint64_t))
    if cache.union_mask == NULL or cache.union_words == NULL or cache.union_masks == NULL:
        flow_cache_free(cache)
        raise MemoryError
    return cache


cdef void flow_cache_free(flow_cache* cache) noexcept nogil:
    if cache != NULL:
        flow_cache_clear(cache)
        free(cache.union_mask)
        free(cache.union_words)
        free(cache.union_masks)
        free(cache)


cdef void flow_cache_clear(flow_cache* cache) noexcept nogil:
    """Forgets every megaflow. The programs are the caller's."""
    cdef uint32_t i
    for i in range(cache.n_subtables):
        subtable_free(cache.subtables[i])
    free(cache.subtables)
    free(cache.signatures_memory)
    arena_clear(&cache.megaflows)
    cache.catch_all = NULL
    cache.subtables = NULL
    cache.signatures = NULL
    cache.signatures_memory = NULL
    cache.n_subtables = cache.n_megaflows = cache.n_union_words = cache.signature_mask = cache.n_displaced = 0
    cache.depth = -1
    cache.n_changes += 1
    cache.n_removals += 1
    memset(cache.union_mask, 0, FLOW_KEY_WORDS * sizeof(uint64_t))


cdef bint flow_cache_insert(flow_cache* cache, const flow_key* key, const flow_mask* mask,
                            program* action, bint is_program=True) noexcept nogil:
    """Adds the megaflow of `key` under `mask`. False if memory ran out (the cache is then as before, or empty)."""
    cdef cache_subtable* subtable
    cdef megaflow* flow
    cdef uint32_t i
    if cache.n_megaflows >= cache.max_megaflows:
        flow_cache_clear(cache)
    subtable = subtable_for(cache, mask)
    if subtable == NULL:
        return False
    if subtable.n_megaflows > subtable.bucket_mask and not subtable_grow(subtable):
        return False
    flow = subtable.unused
    if flow != NULL:
        subtable.unused = flow.next
    else:
        flow = <megaflow*>arena_take(&cache.megaflows, sizeof(megaflow) + subtable.n_words * sizeof(uint64_t))
        if flow == NULL:
            return False
        flow.subtable = subtable
    for i in range(subtable.n_words):
        flow.values[i] = (<const uint64_t*>key)[subtable.words[i]] & subtable.masks[i]
    flow.hash = subtable_hash(subtable, <const uint64_t*>key, subtable.words)
    flow.action = action
    put_in_bucket(subtable, flow)
    subtable.n_megaflows += 1
    cache.n_megaflows += 1
    cache.catch_all = action if cache.n_subtables == 1 and subtable.n_words == 0 else NULL
    cache.n_changes += 1
    if cache.n_megaflows * 2 > (cache.signature_mask + 1) * SIGNATURE_WAYS or cache.signatures == NULL:
        signatures_grow(cache)
    if is_program:
        action.megaflow = flow
    return True


cdef void flow_cache_remove(flow_cache* cache, program* action) noexcept nogil:
    """Takes the megaflow of a program out. Its memory stays, for signatures may still point to it: they see that it has
    no program, or another key."""
    cdef megaflow* flow = <megaflow*>action.megaflow
    cdef cache_subtable* subtable
    cdef megaflow** at
    if flow == NULL:
        return
    subtable = flow.subtable
    at = &subtable.buckets[flow.hash & subtable.bucket_mask]
    while at[0] != flow:
        at = &at[0].next
    at[0] = flow.next
    flow.action = NULL
    flow.next = subtable.unused
    subtable.unused = flow
    subtable.n_megaflows -= 1
    cache.n_megaflows -= 1
    cache.catch_all = NULL
    cache.n_changes += 1
    cache.n_removals += 1
    action.megaflow = NULL


cdef program* flow_cache_find(flow_cache* cache, const flow_key* key, uint64_t hash) noexcept nogil:
    """flow_cache_lookup() for a cache with more than the catch-all; `hash` is flow_cache_hash() of the key."""
    cdef const uint64_t* words = <const uint64_t*>key
    cdef uint32_t i
    cdef signature_set* set = NULL
    cdef cache_subtable* subtable
    cdef megaflow* flow
    if cache.signatures != NULL:
        set = &cache.signatures[hash & cache.signature_mask]
        flow = signature_find(set, hash)
        if flow != NULL and flow.action != NULL and megaflow_matches(flow.subtable, flow, words):
            return flow.action
    for i in range(cache.n_subtables):
        flow = subtable_lookup(cache.subtables[i], words)
        if flow != NULL:
            if set != NULL:
                signature_keep(cache, set, hash, flow)
            if i > 0:
                # Those that hit come forward. Any order is right.
                subtable = cache.subtables[i]
                cache.subtables[i] = cache.subtables[i - 1]
                cache.subtables[i - 1] = subtable
            return flow.action
    return NULL


cdef inline void signature_keep(flow_cache* cache, signature_set* set, uint64_t hash, megaflow* flow) noexcept nogil:
    """The next look-up of the key finds `flow` at once; another key's place is taken if there is no free one."""
    cdef uint32_t i
    cdef uint32_t at = SIGNATURE_WAYS
    cdef uint32_t tag = signature_tag(hash)
    for i in range(SIGNATURE_WAYS):
        if set.flows[i] == NULL or set.tags[i] == tag:
            at = i
            break
    if at == SIGNATURE_WAYS:
        at = cache.n_displaced % SIGNATURE_WAYS
        cache.n_displaced += 1
    set.tags[at] = tag
    set.flows[at] = flow
    if cache.n_displaced > cache.signature_mask and cache.signature_mask + 1 < MAX_SIGNATURE_SETS:
        signatures_grow(cache)


# Subtables.

cdef inline bint megaflow_matches(const cache_subtable* subtable, const megaflow* flow,
                                  const uint64_t* key) noexcept nogil:
    cdef uint64_t difference = 0
    cdef uint32_t i
    for i in range(subtable.n_words):
        difference |= (key[subtable.words[i]] & subtable.masks[i]) ^ flow.values[i]
    return difference == 0


cdef inline uint32_t bloom_bit(uint64_t hash) noexcept nogil:
    return <uint32_t>1 << (hash >> 59)


cdef inline bint new_buckets(cache_subtable* subtable, uint32_t n) noexcept nogil:
    """Empty buckets, `n` of them; False if memory ran out. The old ones are the caller's."""
    cdef megaflow** buckets = <megaflow**>calloc(n, sizeof(megaflow*) + sizeof(uint32_t))
    if buckets == NULL:
        return False
    subtable.buckets = buckets
    subtable.blooms = <uint32_t*>(buckets + n)
    subtable.bucket_mask = n - 1
    return True


cdef inline void put_in_bucket(cache_subtable* subtable, megaflow* flow) noexcept nogil:
    cdef uint64_t i = flow.hash & subtable.bucket_mask
    flow.next = subtable.buckets[i]
    subtable.buckets[i] = flow
    subtable.blooms[i] |= bloom_bit(flow.hash)      # stays when it is removed: that costs a look, no more


cdef megaflow* subtable_lookup(const cache_subtable* subtable, const uint64_t* key) noexcept nogil:
    cdef uint64_t hash = subtable_hash(subtable, key, subtable.words)
    cdef megaflow* flow
    if not subtable.blooms[hash & subtable.bucket_mask] & bloom_bit(hash):
        return NULL
    flow = subtable.buckets[hash & subtable.bucket_mask]
    while flow != NULL and not (flow.hash == hash and megaflow_matches(subtable, flow, key)):
        flow = flow.next
    return flow


cdef inline bint subtable_has_mask(const cache_subtable* subtable, const uint32_t* words, const uint64_t* masks,
                                   uint32_t n_words) noexcept nogil:
    return (subtable.n_words == n_words and memcmp(subtable.words, words, n_words * sizeof(uint32_t)) == 0
            and memcmp(subtable.masks, masks, n_words * sizeof(uint64_t)) == 0)


cdef cache_subtable* subtable_for(flow_cache* cache, const flow_mask* mask) noexcept nogil:
    """The subtable of `mask`, made if there is none yet; NULL if memory ran out."""
    cdef const uint32_t* words = &mask.words[0]
    cdef const uint64_t* masks = &mask.masks[0]
    cdef uint32_t n = mask.n
    cdef uint32_t i
    cdef cache_subtable* subtable
    cdef cache_subtable** subtables
    for i in range(cache.n_subtables):
        if subtable_has_mask(cache.subtables[i], words, masks, n):
            return cache.subtables[i]
    subtable = <cache_subtable*>calloc(1, sizeof(cache_subtable) + n * (sizeof(uint64_t) + 2 * sizeof(uint32_t)))
    subtables = <cache_subtable**>malloc((cache.n_subtables + 1) * sizeof(cache_subtable*))
    if subtable == NULL or subtables == NULL or not new_buckets(subtable, 1):
        subtable_free(subtable)
        free(subtables)
        return NULL
    subtable.masks = <uint64_t*>(subtable + 1)
    subtable.words = <uint32_t*>(subtable.masks + n)
    subtable.positions = subtable.words + n
    memcpy(subtable.words, words, n * sizeof(uint32_t))
    memcpy(subtable.masks, masks, n * sizeof(uint64_t))
    subtable.n_words = n
    for i in range(n):
        cache.union_mask[words[i]] |= masks[i]
    for i in range(cache.n_subtables):
        subtables[i] = cache.subtables[i]
    subtables[cache.n_subtables] = subtable
    free(cache.subtables)
    cache.subtables = subtables
    cache.n_subtables += 1
    update_union(cache)
    if cache.signatures != NULL:
        memset(cache.signatures, 0, (cache.signature_mask + 1) * sizeof(signature_set))
    return subtable


cdef void update_union(flow_cache* cache) noexcept nogil:
    """After a change of `union_mask`: its words, how deep frames must be parsed, where subtables find their words."""
    cdef cache_subtable* subtable
    cdef uint32_t i, j
    cache.n_union_words = 0
    cache.depth = -1
    for i in range(FLOW_KEY_WORDS):
        if cache.union_mask[i]:
            cache.union_words[cache.n_union_words] = i
            cache.union_masks[cache.n_union_words] = cache.union_mask[i]
            cache.n_union_words += 1
            cache.depth = max(cache.depth, flow_word_depth(i))
    for i in range(cache.n_subtables):
        subtable = cache.subtables[i]
        for j in range(subtable.n_words):
            while cache.union_words[subtable.positions[j]] != subtable.words[j]:
                subtable.positions[j] += 1      # the union only grows


cdef bint subtable_grow(cache_subtable* subtable) noexcept nogil:
    cdef uint32_t n = subtable.bucket_mask + 1
    cdef uint32_t i
    cdef megaflow* flow
    cdef megaflow* next
    cdef megaflow** old = subtable.buckets
    if not new_buckets(subtable, n * BUCKETS_GROW):
        return False
    for i in range(n):
        flow = old[i]
        while flow != NULL:
            next = flow.next
            put_in_bucket(subtable, flow)
            flow = next
    free(old)
    return True


cdef void subtable_free(cache_subtable* subtable) noexcept nogil:
    """The megaflows are the arena's."""
    if subtable != NULL:
        free(subtable.buckets)
        free(subtable)


cdef void signatures_grow(flow_cache* cache) noexcept nogil:
    """Doubles the signature cache. It may stay as it is: it is only a shortcut."""
    cdef uint32_t n = max(MIN_SIGNATURE_SETS, (cache.signature_mask + 1) * 2)
    # Not aligned by the library: what calloc() gives the system has cleared already.
    cdef char* memory = <char*>calloc(n + 1, sizeof(signature_set))
    cache.n_displaced = 0
    if memory != NULL:
        free(cache.signatures_memory)
        cache.signatures_memory = memory
        cache.signatures = <signature_set*>(memory + (-<size_t>memory & (CACHE_LINE - 1)))
        cache.signature_mask = n - 1


cdef class FlowCache:
    """A flow cache over keys given as bytes, for tests and for looking at how it behaves.

    Thread-safety: one thread at a time.
    """

    cdef flow_cache* cache
    cdef list actions               # program i's action object; programs are only compared as addresses

    def __cinit__(self, uint32_t max_megaflows=65536):
        self.cache = flow_cache_new(max_megaflows)
        self.actions = []

    def __dealloc__(self):
        flow_cache_free(self.cache)

    def insert(self, const uint8_t[::1] key, const uint8_t[::1] mask, object action):
        """Adds the megaflow of `key` under `mask` (both ``FLOW_KEY_BYTES`` bytes) with any object as its action."""
        cdef flow_mask words
        check_size(key)
        check_size(mask)
        flow_mask_set(&words, <const uint64_t*>&mask[0], <const uint64_t*>&mask[0])
        self.actions.append(action)
        if not flow_cache_insert(self.cache, <const flow_key*>&key[0], &words, <program*><size_t>len(self.actions), False):
            raise MemoryError

    def lookup(self, const uint8_t[::1] key):
        """The action of the megaflow that `key` belongs to, or None."""
        check_size(key)
        cdef size_t n = <size_t>flow_cache_lookup(self.cache, <const flow_key*>&key[0])
        return self.actions[n - 1] if n else None

    def clear(self):
        """Forgets every megaflow."""
        flow_cache_clear(self.cache)
        self.actions.clear()

    @property
    def n_subtables(self):
        """Number of different masks."""
        return self.cache.n_subtables

    def __len__(self):
        return self.cache.n_megaflows


cdef int check_size(const uint8_t[::1] key) except -1:
    if key.shape[0] != sizeof(flow_key):
        raise ValueError(f"a flow key has {sizeof(flow_key)} bytes, not {key.shape[0]}")
    return 0


FLOW_KEY_BYTES = sizeof(flow_key)
