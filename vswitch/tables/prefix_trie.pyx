"""Prefixes of a field, as a path-compressed binary trie (OVS lib/classifier.c, "A longest-prefix match tree").

What it is for
--------------
A classifier asks which prefix lengths of an address have any rule for this frame. A subtable whose length is not
among them cannot match and is skipped, and the bits that the trie looked at are enough to say so: often far fewer than
the subtable's mask.

How it works
------------
Each node carries up to 32 bits of prefix and the number of rules whose prefix ends there. A walk compares a node's
bits with the value's; the first bit that differs ends it, and that bit is the last one the answer depends on. A walk
that falls off the trie between two edges depends on one bit more than it matched, for the other edge was excluded.
Splitting and merging of nodes follow OVS, so that masks come out as there, bit for bit.

Thread-safety: none for changes; look-ups only read.
"""
from libc.stdlib cimport free, malloc

cdef extern from *:
    int clz64 "__builtin_clzll" (unsigned long long word) noexcept nogil

cdef enum:
    NODE_BITS = 32                  # TRIE_PREFIX_BITS
    MAX_DEPTH = 129                 # nodes on a way: each but the root has a bit at least

cdef struct trie_node:
    uint32_t prefix                 # from the most significant bit
    uint32_t n_bits                 # zero only at a root that branches at once
    uint32_t n_rules                # prefixes that end here
    trie_node* edges[2]             # by the next bit


cdef inline uint32_t bits_at(const uint32_t* value, uint32_t ofs, uint32_t n) noexcept nogil:
    """At least `n` bits of `value` from bit `ofs` on, up to 32; what follows them is arbitrary."""
    cdef uint32_t skipped = ofs & 31
    cdef uint32_t bits = value[ofs >> 5] << skipped
    if n > 32 - skipped:
        bits |= value[(ofs >> 5) + 1] >> (32 - skipped)
    return bits


cdef inline uint32_t bit_at(const uint32_t* value, uint32_t ofs) noexcept nogil:
    return value[ofs >> 5] >> (31 - (ofs & 31)) & 1


cdef inline uint32_t equal_bits(uint32_t prefix, uint32_t n, const uint32_t* value, uint32_t ofs) noexcept nogil:
    """How many of the first `n` bits of `prefix` are those of `value` from bit `ofs` on."""
    cdef uint64_t differs = prefix ^ bits_at(value, ofs, n)
    return clz64(differs << 32 | <uint64_t>1 << (63 - n))


cdef uint32_t trie_lookup(const trie_node* root, const uint32_t* value, uint32_t n_bits, uint64_t* lengths) noexcept nogil:
    cdef const trie_node* node = root
    cdef const trie_node* above = NULL
    cdef uint32_t n = 0, n_equal
    while node != NULL:
        n_equal = equal_bits(node.prefix, node.n_bits, value, n)
        n += n_equal
        if n_equal < node.n_bits:
            return n + 1            # with the bit that differs
        if node.n_rules:
            lengths[(n - 1) >> 6] |= <uint64_t>1 << ((n - 1) & 63)
        if n >= n_bits:
            return n_bits
        above = node
        node = node.edges[bit_at(value, n)]
    return n if above == NULL or is_leaf(above) else n + 1


cdef inline bint is_leaf(const trie_node* node) noexcept nogil:
    return node.edges[0] == NULL and node.edges[1] == NULL


cdef trie_node* branch_new(const uint32_t* prefix, uint32_t ofs, uint32_t n_bits, uint32_t n_rules) noexcept nogil:
    """A chain of nodes for bits `ofs` to `ofs + n_bits` of `prefix`; NULL without memory."""
    cdef uint32_t n = n_bits if n_bits < NODE_BITS else <uint32_t>NODE_BITS
    cdef trie_node* node = <trie_node*>malloc(sizeof(trie_node))
    cdef trie_node* below
    if node == NULL:
        return NULL
    node.prefix = bits_at(prefix, ofs, n) & (<uint32_t>0xFFFFFFFF << (32 - n)) if n else 0
    node.n_bits = n
    node.edges[0] = node.edges[1] = NULL
    node.n_rules = n_rules if n == n_bits else 0
    if n < n_bits:
        below = branch_new(prefix, ofs + n, n_bits - n, n_rules)
        if below == NULL:
            free(node)
            return NULL
        node.edges[below.prefix >> 31] = below
    return node


cdef bint trie_insert(trie_node** root, const uint32_t* prefix, uint32_t n_bits) noexcept nogil:
    cdef trie_node** edge = root
    cdef trie_node* node
    cdef trie_node* parent
    cdef trie_node* branch
    cdef uint32_t ofs = 0, n_equal
    while edge[0] != NULL:
        node = edge[0]
        n_equal = equal_bits(node.prefix, min_bits(node.n_bits, n_bits - ofs), prefix, ofs)
        ofs += n_equal
        if n_equal < node.n_bits:
            parent = branch_new(prefix, ofs - n_equal, n_equal, ofs == n_bits)
            branch = branch_new(prefix, ofs, n_bits - ofs, 1) if ofs < n_bits else NULL
            if parent == NULL or (branch == NULL and ofs < n_bits):
                free(parent)
                trie_free(branch)
                return False
            parent.edges[node.prefix >> (31 - n_equal) & 1] = node
            if branch != NULL:
                parent.edges[branch.prefix >> 31] = branch
            node.prefix <<= n_equal
            node.n_bits -= n_equal
            edge[0] = parent
            return True
        if ofs == n_bits:
            node.n_rules += 1
            return True
        edge = &node.edges[bit_at(prefix, ofs)]
    edge[0] = branch_new(prefix, ofs, n_bits - ofs, 1)
    return edge[0] != NULL


cdef inline uint32_t min_bits(uint32_t a, uint32_t b) noexcept nogil:
    return a if a < b else b


cdef void trie_remove(trie_node** root, const uint32_t* prefix, uint32_t n_bits) noexcept nogil:
    cdef trie_node** edges[MAX_DEPTH]
    cdef trie_node* node
    cdef uint32_t ofs = 0
    cdef int depth = 0
    edges[0] = root
    while True:
        node = edges[depth][0]
        ofs += node.n_bits
        if ofs == n_bits:
            break
        depth += 1
        edges[depth] = &node.edges[bit_at(prefix, ofs)]
    node.n_rules -= 1
    while depth >= 0 and prune(edges[depth]):
        depth -= 1


cdef bint prune(trie_node** edge) noexcept nogil:
    """Takes a node away that neither ends a prefix nor branches; True if nothing came into its place."""
    cdef trie_node* node = edge[0]
    cdef trie_node* below
    if node.n_rules or (node.edges[0] != NULL and node.edges[1] != NULL):
        return False
    below = node.edges[0] if node.edges[0] != NULL else node.edges[1]
    if below != NULL:
        if node.n_bits + below.n_bits > NODE_BITS:
            return False
        below.prefix = node.prefix | below.prefix >> node.n_bits
        below.n_bits += node.n_bits
    edge[0] = below
    free(node)
    return below == NULL


cdef void trie_free(trie_node* root) noexcept nogil:
    if root != NULL:
        trie_free(root.edges[0])
        trie_free(root.edges[1])
        free(root)
