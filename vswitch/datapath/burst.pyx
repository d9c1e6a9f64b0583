"""A burst of frames: all are parsed and looked up a step at a time, then each takes its way.

Memory is slow and a look-up needs it three times, each place known only from the one before: the signature, the megaflow, the
program. Taken frame by frame that is three waits a frame. Taken step by step, the places of all frames are on their way
at the same time.

Nothing is decided here: what a frame teaches may change what the next one meets. A program that was found counts only as
long as its cache has not changed (`ahead_program`). And frames are parsed no deeper than the megaflows look.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.datapath.flow_cache cimport (
    flow_cache, flow_cache_prefetch, flow_hash_add, flow_hash_finish, megaflow, megaflow_has, signature_find, signature_set,
)
from vswitch.datapath.flow_learn cimport learned_flow
from vswitch.datapath.program cimport OP_LEARN
from vswitch.tables.flow_key cimport (
    FLOW_DEPTH_L2, FLOW_DEPTH_L4, flow_extract, flow_extract_l2, flow_key, flow_key_set_in_port, frame_layout,
)
from vswitch.tables.hash cimport prefetch
from vswitch.tables.mac_table cimport mac_table_prefetch
from vswitch.wire.dot1q cimport DOT1Q_LEN, dot1q_is_tpid, dot1q_vid
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE, eth_dst, eth_src, eth_type

cdef enum:
    WORDS_IN_FIRST_LINE = 4         # of a megaflow's values
    MAX_UNION_WORDS = 12            # of the key that megaflows look at; with more, frames are looked up one by one

cdef struct masked_key:             # the words of a frame's key that the megaflows of its bridge look at
    frame_ahead* ahead
    const flow_cache* cache
    signature_set* set
    uint64_t hash
    uint64_t words[12]              # MAX_UNION_WORDS


cdef void burst_prefetch(const frame* frames, int n) noexcept nogil:
    cdef int i
    for i in range(n):
        frame_prefetch(&frames[i])


cdef void burst_look_up(execution* ex, port** in_ports, const frame* frames, int n, frame_ahead* ahead, const frame* after,
                        int n_after) noexcept nogil:
    cdef masked_key masked[BURST]
    cdef int n_masked = mask_keys(ex, in_ports, frames, n, ahead, masked, after, n_after)
    if n_after > n:
        burst_prefetch(after + n, n_after - n)
    if n_masked:
        find_programs(masked, n_masked)
    prefetch_for_programs(in_ports, frames, n, ahead)


cdef inline int mask_keys(execution* ex, port** in_ports, const frame* frames, int n, frame_ahead* ahead,
                          masked_key* masked, const frame* after, int n_after) noexcept nogil:
    """The words of each key that matter in its cache, and where their signature must be. How many frames have any.

    Frames of one burst mostly enter the same bridge, so what is to know of its cache is fetched when it changes. With each of
    them one of the next burst is sent for: all at once they would have to wait for each other.
    """
    cdef flow_key key
    cdef frame_layout layout
    cdef const uint64_t* words = <const uint64_t*>&key
    cdef masked_key* m = masked
    cdef const flow_cache* cache = NULL
    cdef program* catch_all = NULL
    cdef uint64_t n_changes = 0
    cdef bint is_looked_up = False
    cdef int depth = -1
    cdef uint32_t n_words = 0
    cdef const port* in_port
    cdef uint64_t hash, word
    cdef uint32_t j
    cdef int i
    memset(&key, 0, sizeof(key))
    for i in range(n):
        if i < n_after:
            frame_prefetch(&after[i])
        in_port = in_ports[frames[i].input]
        if in_port.bridge.cache != cache:
            cache = in_port.bridge.cache
            catch_all = cache.catch_all
            n_changes = cache.n_changes
            depth = cache.depth
            n_words = cache.n_union_words
            is_looked_up = catch_all == NULL and cache.signatures != NULL and n_words <= MAX_UNION_WORDS
        ahead[i].program = catch_all
        ahead[i].n_changes = n_changes
        if not is_looked_up or frames[i].caplen < ETH_LEN:
            continue
        flow_key_set_in_port(&key, in_port.ofp_port)
        if depth == FLOW_DEPTH_L2:
            flow_extract_l2(frames[i].data, frames[i].caplen, ex.vlan_limit, &key)
        elif depth > FLOW_DEPTH_L2:
            flow_extract(frames[i].data, frames[i].caplen, ex.vlan_limit, FLOW_DEPTH_L4, &key, &layout)
        hash = 0
        for j in range(n_words):
            word = words[cache.union_words[j]] & cache.union_masks[j]
            m.words[j] = word
            hash = flow_hash_add(hash, word)
        m.hash = hash = flow_hash_finish(hash)
        m.set = &cache.signatures[hash & cache.signature_mask]
        prefetch(m.set)
        m.ahead = &ahead[i]
        m.cache = cache
        m += 1
    return <int>(m - masked)


cdef inline void find_programs(masked_key* masked, int n) noexcept nogil:
    """From signatures to megaflows, and from there to programs."""
    cdef megaflow* flows[BURST]
    cdef program* p
    cdef int i
    for i in range(n):
        flows[i] = signature_find(masked[i].set, masked[i].hash)
        if flows[i] == NULL:
            flow_cache_prefetch(masked[i].cache, masked[i].words)
        else:
            prefetch(flows[i])
            if masked[i].cache.n_union_words > WORDS_IN_FIRST_LINE:
                prefetch(<char*>flows[i] + 64)
    for i in range(n):
        if flows[i] != NULL and megaflow_has(flows[i], masked[i].words):
            p = flows[i].action
            masked[i].ahead.program = p
            prefetch(p)


cdef inline void prefetch_for_programs(port** in_ports, const frame* frames, int n,
                                       const frame_ahead* ahead) noexcept nogil:
    """Brings near what NORMAL and learn() will need."""
    cdef const program* p
    cdef bint is_learning = False
    cdef int i
    for i in range(n):
        p = ahead[i].program
        if p == NULL or p.forward != NULL:
            continue
        prefetch(p.ops)
        if p.has_normal:
            prefetch_addresses(in_ports[frames[i].input], &frames[i])
        if p.n_ops and p.ops[0].code == OP_LEARN:
            is_learning = True
            prefetch(&(<const learned_flow*>p.ops[0].value).last)
    if is_learning:
        for i in range(n):
            p = ahead[i].program
            if p != NULL and p.n_ops and p.ops[0].code == OP_LEARN:
                prefetch_learned(<const learned_flow*>p.ops[0].value)


cdef inline void prefetch_addresses(const port* in_port, const frame* f) noexcept nogil:
    """Brings near both addresses' slots in the MAC table. The VLAN is a guess; a wrong one costs but the prefetch."""
    cdef uint16_t vid
    if f.caplen >= ETH_LEN + DOT1Q_LEN and in_port.bundle != NULL:
        vid = dot1q_vid(f.data + ETH_TYPE) if dot1q_is_tpid(eth_type(f.data)) else in_port.bundle.vlan
        mac_table_prefetch(in_port.bridge.macs, eth_src(f.data), vid)
        mac_table_prefetch(in_port.bridge.macs, eth_dst(f.data), vid)


cdef inline void prefetch_learned(const learned_flow* learned) noexcept nogil:
    """Brings near the flow that a program has learned, and will refresh."""
    if learned.last != NULL:
        prefetch(&learned.last.is_removed)
        prefetch(&learned.last.modified_ns)
