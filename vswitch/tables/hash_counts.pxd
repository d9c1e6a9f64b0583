"""A set of hashes in which each is counted: "does any rule have this one?" in one probe, mostly.

For the stages of a classifier's look-up (OVS lib/ccmap). Open addressing, at most half full, linear probing; a zero hash
reads as 1, because zero marks a free slot. Thread-safety: none for changes; a look-up only reads.
"""
from libc.stdint cimport uint32_t, uint64_t

cdef struct hash_counts:            # all zero: empty
    uint64_t* hashes                # 0: free
    uint32_t* counts
    uint32_t mask                   # slots - 1
    uint32_t n                      # different hashes

cdef bint hash_counts_add(hash_counts* set, uint64_t hash) noexcept nogil       # False: no memory, nothing changed
cdef void hash_counts_remove(hash_counts* set, uint64_t hash) noexcept nogil    # it must be there
cdef void hash_counts_free(hash_counts* set) noexcept nogil

cdef inline bint hash_counts_has(const hash_counts* set, uint64_t hash) noexcept nogil:
    """True if the hash is in the set, which must not be empty."""
    cdef uint32_t i
    hash = hash if hash else 1
    i = <uint32_t>hash & set.mask
    while set.hashes[i]:
        if set.hashes[i] == hash:
            return True
        i = (i + 1) & set.mask
    return False
