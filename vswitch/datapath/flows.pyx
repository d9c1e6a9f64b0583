"""Flows from above: flow-mods come in as numbers and bytes, dumps go out as tuples.

Matches are packed as words of the flow key: (index, value, mask) of 64 bits each, by rising index. Actions are compiled
(ofpact.pxd). Texts, and what a flow-mod must be checked for before it comes here, are of the layers above.

Programs count frames; their counters are pushed to the flows before anybody looks at these or changes them.
"""
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.flow_expiry cimport flow_expire, flow_expiry_note
from vswitch.datapath.flow_mod cimport (
    FLOW_MOD_BAD_TABLE, FLOW_MOD_NO_MEMORY, FLOW_MOD_OK, FLOW_MOD_OVERLAP, FLOW_MOD_READ_ONLY, FLOW_MOD_TABLE_FULL,
    flow_mod, flow_mod_apply, flow_mod_collect, flow_mod_evict_excess, flow_mod_meets_used_flow, flow_mod_rollback, flow_mod_status, undo_log_free,
)
from vswitch.datapath.flow_removed cimport flow_removed_cut
from vswitch.datapath.flow_table cimport (
    FLOW_RESET_COUNTS, N_TABLES, flow, flow_table, flow_unref, openflow_tables, table_limit, undo_log,
)
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.program cimport program_list_push
from vswitch.tables.cls_layout cimport cls_field
from vswitch.tables.flow_classifier cimport flow_classifier_set_prefixes
from vswitch.tables.flow_key cimport flow_key
from vswitch.tables.subtable cimport CLS_MAX_TRIES

cdef extern from "<stdint.h>":
    const uint64_t NEVER "UINT64_MAX"

cdef enum:
    MAX_WORDS = sizeof(flow_key) // 8

STATUS = {
    FLOW_MOD_OK: "",
    FLOW_MOD_OVERLAP: "OFPFMFC_OVERLAP",
    FLOW_MOD_BAD_TABLE: "OFPBRC_BAD_TABLE_ID",
    FLOW_MOD_READ_ONLY: "OFPBRC_EPERM",
    FLOW_MOD_TABLE_FULL: "OFPFMFC_TABLE_FULL",
}

cdef struct packed_match:
    uint32_t n
    uint16_t words[84]                          # MAX_WORDS
    uint64_t values[84]
    uint64_t masks[84]


cdef int unpack_match(bytes packed, packed_match* m) except -1:
    cdef const uint64_t* from_ = <const uint64_t*><const char*>packed
    cdef uint32_t i
    m.n = <uint32_t>(len(packed) // 24)
    if m.n > MAX_WORDS:
        raise ValueError(f"a match has at most {MAX_WORDS} words, not {m.n}")
    for i in range(m.n):
        if from_[i * 3] >= MAX_WORDS or (i and from_[i * 3] <= m.words[i - 1]):
            raise ValueError(f"word {from_[i * 3]} of a match is out of range or out of order")
        m.words[i] = <uint16_t>from_[i * 3]
        m.values[i] = from_[i * 3 + 1] & from_[i * 3 + 2]
        m.masks[i] = from_[i * 3 + 2]
    return 0


cdef int check_actions(bytes actions) except -1:
    """ValueError unless they are a list of whole actions."""
    cdef const char* at = <const char*>actions
    cdef const char* end = at + len(actions)
    while at != end:
        if end - at < <Py_ssize_t>sizeof(ofpact) or (<const ofpact*>at).len < sizeof(ofpact) or (
                (<const ofpact*>at).len & 7) or (<const ofpact*>at).len > end - at:
            raise ValueError("compiled actions are cut")
        at += (<const ofpact*>at).len
    return 0


cdef bytes pack_match(const flow* f):
    """The reverse of `unpack_match`."""
    cdef bytes packed = PyBytes_FromStringAndSize(NULL, f.rule.n_words * 24)
    cdef uint64_t* to = <uint64_t*>PyBytes_AS_STRING(packed)
    cdef uint32_t i
    for i in range(f.rule.n_words):
        to[i * 3] = f.rule.words[i]
        to[i * 3 + 1] = f.rule.values[i]
        to[i * 3 + 2] = f.rule.masks[i]
    return packed


cdef tuple flow_tuple(const flow* f, uint64_t now_ns):
    return (f.number, f.table, f.rule.priority, pack_match(f), f.cookie, f.idle_timeout_s, f.hard_timeout_s, f.importance,
            f.flags, (<const char*>f.actions)[:f.n_actions_bytes], f.n_packets, f.n_bytes, now_ns - f.created_ns,
            now_ns - f.used_ns, now_ns - f.modified_ns)


cdef class Flows(Bonds):
    """Bridges, ports, bonds and flows, by number."""

    def __cinit__(self):
        self.next_expiry_ns = NEVER
        self.removed = {}

    def flow_mod(self, uint32_t bridge_number, int command, *, uint8_t table, int32_t priority=0, bytes match=b"",
                 uint64_t cookie=0, uint64_t cookie_mask=0, uint64_t new_cookie=0, bint modify_cookie=False,
                 uint16_t idle_timeout=0, uint16_t hard_timeout=0, uint16_t importance=0, uint16_t flags=0,
                 bytes actions=b"", uint16_t out_port=0xFFFF, uint32_t out_group=0xFFFFFFFF, uint8_t delete_reason=2):
        """Adds (0), modifies (1, strictly 2) or deletes (3, strictly 4) flows.

        Parameters
        ----------
        table : int
            0 to 254, or 255 for all of them.
        match : bytes
            ``(n, 3) uint64``: index of a word of the flow key, value and mask, by rising index.
        cookie, cookie_mask
            Which flows a modify or delete concerns.
        new_cookie : int
            Of what is added, and with `modify_cookie` of what is modified; all ones leave it.
        flags : int
            OFPUTIL_FF_*: 1 send_flow_rem, 8 check_overlap, 16 reset_counts, ...
        actions : bytes
            Compiled (ofpact.pxd).
        delete_reason : int
            OFPRR_*: what a message about a flow that is deleted says: 2 delete, 3 group_delete, 4 meter_delete, 5 eviction.

        Returns
        -------
        (str, list of int, list of int)
            OpenFlow's name of the error or ``""``; numbers of the flows that were added or modified, and of those gone.
        """
        cdef bridge* br = self._bridge(bridge_number)
        cdef packed_match m
        cdef flow_mod fm
        cdef flow_list added = flow_list(flows=NULL, n=0, n_allocated=0)
        cdef flow_list removed = flow_list(flows=NULL, n=0, n_allocated=0)
        cdef flow_mod_status status
        cdef uint32_t i
        self._change()
        unpack_match(match, &m)
        check_actions(actions)
        fm = flow_mod_of(command, table, priority, &m, cookie, cookie_mask, out_port, out_group)
        fm.new_cookie = new_cookie
        fm.modify_cookie = modify_cookie
        fm.idle_timeout_s = idle_timeout
        fm.hard_timeout_s = hard_timeout
        fm.importance = importance
        fm.flags = flags
        fm.delete_reason = delete_reason
        fm.actions = <const ofpact*><const char*>actions
        fm.n_actions_bytes = <uint32_t>len(actions)
        if flags & FLOW_RESET_COUNTS and flow_mod_meets_used_flow(br.flows, &fm):
            self._push_stats()      # before the counters start anew; elsewhere the new flow is heir
        status = flow_mod_apply(br.flows, &fm, self.now_ns, &added, &removed)
        try:
            if status == FLOW_MOD_NO_MEMORY:
                raise MemoryError
            for i in range(added.n):
                flow_expiry_note(br.flows, added.flows[i])
            self._update_expiry()
            return (STATUS[status], [added.flows[i].number for i in range(added.n)],
                    [removed.flows[i].number for i in range(removed.n)])
        finally:
            for i in range(removed.n):
                flow_unref(removed.flows[i])
            free(added.flows)
            free(removed.flows)

    def flows(self, uint32_t bridge_number, *, uint8_t table=255, bytes match=b"", uint64_t cookie=0,
              uint64_t cookie_mask=0, uint16_t out_port=0xFFFF, uint32_t out_group=0xFFFFFFFF, bint strict=False,
              int32_t priority=0):
        """The flows that a (loose) match covers, all by default, in the order in which they were added.

        Returns
        -------
        list of tuple
            number, table, priority, match, cookie, idle timeout (s), hard timeout (s), importance, flags, actions,
            frames, bytes, and ages in ns: since it was added, used, modified.
        """
        cdef bridge* br = self._bridge(bridge_number)
        cdef packed_match m
        cdef flow_mod fm
        cdef flow_list found = flow_list(flows=NULL, n=0, n_allocated=0)
        cdef uint32_t i
        unpack_match(match, &m)
        fm = flow_mod_of(3, table, priority, &m, cookie, cookie_mask, out_port, out_group)
        self._push_stats()
        try:
            if not flow_mod_collect(br.flows, &fm, strict, &found):
                raise MemoryError
            return sorted([flow_tuple(found.flows[i], self.now_ns) for i in range(found.n)])
        finally:
            free(found.flows)

    def set_table_limit(self, uint32_t bridge_number, uint8_t table, object max_flows, *, bint evicts=False, tuple pieces=()):
        """Limits how many flows a table takes; what it has too many of goes, as far as it may.

        Parameters
        ----------
        max_flows : int or None
            None: as many as come.
        evicts : bool
            Whether another flow makes one go that times out. Otherwise it is refused.
        pieces : tuple of int
            The bits of matches that make groups, of the largest of which a flow goes: word << 16 | shift << 8 | bits.

        Returns
        -------
        list of int
            Numbers of the flows that went.
        """
        cdef bridge* br = self._bridge(bridge_number)
        cdef flow_list removed = flow_list(flows=NULL, n=0, n_allocated=0)
        cdef table_limit* limit = NULL
        cdef uint32_t i
        if table >= N_TABLES:
            raise ValueError(f"there is no table {table}")
        self._change()
        if max_flows is not None:
            limit = <table_limit*>calloc(1, sizeof(table_limit) + len(pieces) * sizeof(uint64_t))
            if limit == NULL:
                raise MemoryError
            limit.max_flows = max_flows
            limit.evicts = evicts
            limit.n_pieces = <uint32_t>len(pieces)
            for i in range(limit.n_pieces):
                limit.pieces[i] = pieces[i]
        free(br.flows.tables[table].limit)
        br.flows.tables[table].limit = limit
        try:
            if not flow_mod_evict_excess(br.flows, table, self.now_ns, &removed):
                raise MemoryError
            return [removed.flows[i].number for i in range(removed.n)]
        finally:
            for i in range(removed.n):
                flow_unref(removed.flows[i])
            free(removed.flows)

    def set_table_evicting(self, uint32_t bridge_number, uint8_t table, bint evicts):
        """Whether a flow goes when a limited table gets another one, although the limit does not say so."""
        if table >= N_TABLES:
            raise ValueError(f"there is no table {table}")
        self._bridge(bridge_number).flows.tables[table].evicts = evicts

    def set_table_prefixes(self, uint32_t bridge_number, uint8_t table, object fields):
        """Which fields of a table have tries of prefixes: look-ups then depend on fewer bits of them.

        Parameters
        ----------
        fields : list of tuple or None
            Up to three of (word of the flow key, shift in it, bits, Ethertype that the frame must have or 0); None: OVS's
            default, ``nw_dst`` and ``nw_src``.
        """
        cdef flow_table* t
        cdef cls_field* prefixes = NULL
        cdef flow_key key
        cdef uint32_t dl_type_at = <uint32_t>(<char*>&key.dl_type - <char*>&key)
        if table >= N_TABLES or fields is not None and len(fields) > CLS_MAX_TRIES:
            raise ValueError(f"table {table} with {fields} as prefixes")
        t = &self._bridge(bridge_number).flows.tables[table]
        if fields is not None:
            prefixes = <cls_field*>calloc(CLS_MAX_TRIES, sizeof(cls_field))
            if prefixes == NULL:
                raise MemoryError
            for i, (word, shift, n_bits, dl_type) in enumerate(fields):
                prefixes[i] = cls_field(
                    word=word, shift=shift, n_bits=n_bits, if_word=<uint16_t>(dl_type_at // 8),
                    if_mask=<uint64_t>(0xFFFF if dl_type else 0) << dl_type_at % 8 * 8,
                    if_value=<uint64_t>dl_type << dl_type_at % 8 * 8)
        free(t.prefixes)
        t.prefixes = prefixes
        t.n_prefixes = <uint32_t>(0 if fields is None else len(fields))
        if t.cls != NULL:
            flow_classifier_set_prefixes(t.cls, t.prefixes, t.n_prefixes)

    def n_flows(self, uint32_t bridge_number):
        """How many flows a bridge has."""
        return self._bridge(bridge_number).flows.n_flows

    def take_flow_removed(self, uint32_t bridge_number):
        """Takes the messages about flows that went and had send_flow_rem.

        Returns
        -------
        list of (tuple, int, int)
            The flow as `flows()` gives it, the reason (OFPRR_*), and how long it lived, in ns.
        """
        cdef openflow_tables* tables = self._bridge(bridge_number).flows
        cdef uint32_t i
        if tables.removed == NULL:
            return []
        self._push_stats()
        taken = [(flow_tuple(tables.removed.entries[i].f, self.now_ns), tables.removed.entries[i].reason,
                  tables.removed.entries[i].duration_ns) for i in range(tables.removed.n)]
        flow_removed_cut(tables, 0)
        return taken

    # All or nothing.

    def begin_bundle(self, uint32_t bridge_number):
        """From here on changes of the flows of a bridge can be taken back."""
        cdef bridge* br = self._bridge(bridge_number)
        self._change()
        self._push_stats()
        undo_log_free(br.flows)
        br.flows.log = <undo_log*>calloc(1, sizeof(undo_log))
        if br.flows.log == NULL:
            raise MemoryError
        br.flows.log.n_removed = br.flows.removed.n if br.flows.removed != NULL else 0

    def commit_bundle(self, uint32_t bridge_number):
        """What was changed since begin_bundle() stays."""
        undo_log_free(self._bridge(bridge_number).flows)

    def rollback_bundle(self, uint32_t bridge_number):
        """The flows are again as they were at begin_bundle(), counters, numbers and ages too."""
        cdef bridge* br = self._bridge(bridge_number)
        if br.flows.log != NULL:
            flow_removed_cut(br.flows, br.flows.log.n_removed)
            flow_mod_rollback(br.flows)

    # Time.

    cdef void _push_stats(self) noexcept:
        """Flows and groups get what their programs counted."""
        if self.pushed_at != self.n_frames + 1:
            program_list_push(&self.programs)
            self.pushed_at = self.n_frames + 1

    cdef void _update_expiry(self) noexcept nogil:
        """Works out when flows must be looked at for the next time."""
        cdef uint32_t i
        self.next_expiry_ns = NEVER
        for i in range(self.n_bridges):
            if self.bridges[i] != NULL:
                self.next_expiry_ns = min(self.next_expiry_ns, self.bridges[i].flows.next_expiry_ns)

    cdef void _expire_flows(self) noexcept nogil:
        """The clock has reached the time of some flow."""
        cdef uint32_t i
        for i in range(self.n_bridges):
            if self.bridges[i] != NULL and self.bridges[i].flows.next_expiry_ns <= self.now_ns:
                flow_expire(self.bridges[i].flows, self.now_ns, NULL)
        self._update_expiry()


cdef flow_mod flow_mod_of(int command, uint8_t table, int32_t priority, const packed_match* m, uint64_t cookie,
                          uint64_t cookie_mask, uint16_t out_port, uint32_t out_group) noexcept:
    cdef flow_mod fm
    memset(&fm, 0, sizeof(flow_mod))
    fm.command = <uint8_t>command
    fm.table = table
    fm.priority = priority
    fm.n_words = m.n
    fm.words = &m.words[0]          # not `m.words`: Cython would copy the array
    fm.values = &m.values[0]
    fm.masks = &m.masks[0]
    fm.cookie = cookie
    fm.cookie_mask = cookie_mask
    fm.out_port = out_port
    fm.out_group = out_group
    return fm
