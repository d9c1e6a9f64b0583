"""Changes of a counted set of hashes; the struct, its rules and the look-up are in hash_counts.pxd."""
from libc.stdlib cimport calloc, free

cdef enum:
    MIN_SLOTS = 4


cdef uint32_t find_slot(const hash_counts* set, uint64_t hash) noexcept nogil:
    """Where the hash is, or the free slot where it belongs."""
    cdef uint32_t i = <uint32_t>hash & set.mask
    while set.hashes[i] and set.hashes[i] != hash:
        i = (i + 1) & set.mask
    return i


cdef bint grow(hash_counts* set) noexcept nogil:
    cdef hash_counts new
    cdef uint32_t n_slots = (set.mask + 1) * 2 if set.hashes != NULL else <uint32_t>MIN_SLOTS
    cdef uint32_t i, to
    new.hashes = <uint64_t*>calloc(n_slots, sizeof(uint64_t))
    new.counts = <uint32_t*>calloc(n_slots, sizeof(uint32_t))
    if new.hashes == NULL or new.counts == NULL:
        hash_counts_free(&new)
        return False
    new.mask = n_slots - 1
    new.n = set.n
    if set.hashes != NULL:
        for i in range(set.mask + 1):
            if set.hashes[i]:
                to = find_slot(&new, set.hashes[i])
                new.hashes[to] = set.hashes[i]
                new.counts[to] = set.counts[i]
    hash_counts_free(set)
    set[0] = new
    return True


cdef bint hash_counts_add(hash_counts* set, uint64_t hash) noexcept nogil:
    cdef uint32_t i
    if (set.hashes == NULL or set.n * 2 > set.mask) and not grow(set):
        return False
    hash = hash if hash else 1
    i = find_slot(set, hash)
    if set.hashes[i] == 0:
        set.hashes[i] = hash
        set.n += 1
    set.counts[i] += 1
    return True


cdef void hash_counts_remove(hash_counts* set, uint64_t hash) noexcept nogil:
    cdef uint32_t i = find_slot(set, hash if hash else 1)
    cdef uint32_t j, home
    set.counts[i] -= 1
    if set.counts[i]:
        return
    set.n -= 1
    # What was pushed on by the slot that becomes free moves up, so that no search ends too early.
    j = i
    while True:
        j = (j + 1) & set.mask
        if set.hashes[j] == 0:
            break
        home = <uint32_t>set.hashes[j] & set.mask
        if ((j - home) & set.mask) >= ((j - i) & set.mask):
            set.hashes[i] = set.hashes[j]
            set.counts[i] = set.counts[j]
            i = j
    set.hashes[i] = 0
    set.counts[i] = 0


cdef void hash_counts_free(hash_counts* set) noexcept nogil:
    free(set.hashes)
    free(set.counts)
    set.hashes = NULL
    set.counts = NULL
