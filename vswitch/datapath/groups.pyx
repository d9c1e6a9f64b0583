"""Groups, meters and the settings of tables: numbers and bytes in, tuples out, like the flows (flows.pyx).

A bucket is a tuple (id, weight, watch_port, watch_group, actions): 0xFFFF or more for no port to watch, 0xFFFFFFFF for no group,
and compiled actions, which are an action set. A band is a tuple (type, rate, burst_size, prec_level).
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, malloc
from libc.string cimport memcpy

from vswitch.datapath.bridge cimport bridge
from vswitch.datapath.flow_removed cimport REMOVED_GROUP_DELETE
from vswitch.datapath.flow_table cimport (
    N_TABLES, group, group_bucket, group_field, group_find, group_unref, meter, meter_band, meter_find, meter_unref,
    openflow_tables, tables_note_change,
)
from vswitch.datapath.flows cimport check_actions
from vswitch.datapath.group cimport group_choose_hash, groups_put, groups_remove, meters_put, meters_remove
from vswitch.datapath.ofpact cimport ofpact

cdef enum:
    MAX_FIELD_PIECES = 16
    FLOW_DELETE = 3
    ANY_TABLE = 255
    TABLE_MISS_MASK = 3


cdef int fill_buckets(group* g, list buckets) except -1:
    cdef group_bucket* b
    cdef bytes actions
    g.buckets = <group_bucket*>calloc(len(buckets) + 1, sizeof(group_bucket))
    if g.buckets == NULL:
        raise MemoryError
    for number, weight, watch_port, watch_group, actions in buckets:
        check_actions(actions)
        b = &g.buckets[g.n_buckets]
        b.id = number
        b.weight = weight
        b.watch_port = watch_port
        b.watch_group = watch_group
        b.n_actions_bytes = <uint32_t>len(actions)
        b.actions = <ofpact*>malloc(len(actions) + 1)
        if b.actions == NULL:
            raise MemoryError
        memcpy(b.actions, <const char*>actions, len(actions))
        g.n_buckets += 1
    return 0


cdef void keep_counters(group* g, const group* old, uint32_t first, uint32_t n) noexcept nogil:
    """All buckets but `n` from `first` on are those of `old`."""
    cdef uint32_t i, j
    for i in range(g.n_buckets):
        for j in range(old.n_buckets):
            if old.buckets[j].id == g.buckets[i].id and not first <= i < first + n:
                g.buckets[i].n_packets = old.buckets[j].n_packets
                g.buckets[i].n_bytes = old.buckets[j].n_bytes


cdef int fill_fields(group* g, list fields) except -1:
    cdef group_field* f
    g.fields = <group_field*>calloc(len(fields) + 1, sizeof(group_field))
    if g.fields == NULL:
        raise MemoryError
    for prereq, n_bytes, pieces in fields:
        if len(pieces) > MAX_FIELD_PIECES or n_bytes > 8 * MAX_FIELD_PIECES:
            raise ValueError(f"a field to hash has at most {MAX_FIELD_PIECES} pieces, not {len(pieces)}")
        f = &g.fields[g.n_fields]
        f.prereq = prereq
        f.n_bytes = n_bytes
        for piece, mask in pieces:
            f.pieces[f.n_pieces] = piece
            f.masks[f.n_pieces] = mask
            f.n_pieces += 1
        g.n_fields += 1
    return 0


cdef tuple bucket_tuple(const group_bucket* b):
    return (b.id, b.weight, b.watch_port, b.watch_group, (<const char*>b.actions)[:b.n_actions_bytes], b.n_packets, b.n_bytes)


cdef tuple group_tuple(const group* g, uint64_t now_ns):
    return (g.id, g.type, g.selection, g.selection_param,
            [(g.fields[i].prereq, g.fields[i].n_bytes,
              [(g.fields[i].pieces[j], g.fields[i].masks[j]) for j in range(g.fields[i].n_pieces)])
             for i in range(g.n_fields)],
            [bucket_tuple(&g.buckets[i]) for i in range(g.n_buckets)], g.n_packets, g.n_bytes, now_ns - g.created_ns)


cdef tuple meter_tuple(const meter* m, uint64_t now_ns):
    return (m.id, m.flags,
            [(m.bands[i].type, m.bands[i].rate, m.bands[i].burst_size, m.bands[i].prec_level, m.bands[i].n_packets,
              m.bands[i].n_bytes) for i in range(m.n_bands)], m.n_packets, m.n_bytes, now_ns - m.created_ns)


cdef class Groups(Flows):
    """Bridges, ports, bonds, flows, groups and meters, by number."""

    def set_group(self, uint32_t bridge_number, uint32_t number, int type, list buckets, *, int selection=0,
                  uint64_t selection_param=0, list fields=None, tuple hashed=None):
        """Adds a group, or replaces the one with that number; its counters begin anew, its age does not.

        Parameters
        ----------
        type : int
            0 all, 1 select, 2 indirect, 3 fast failover.
        buckets : list of tuple
            (id, weight, watch_port, watch_group, actions), in order.
        selection : int
            0 none given, 1 dp_hash, 2 hash.
        fields : list of tuple
            (prereq, n_bytes, [(piece, mask), ...]) of ``hash``, by rising field id of OVS.
        hashed : tuple
            The first bucket that ``dp_hash`` may lead to, and their number; all if not given. The others are old ones, and
            their counters go on.
        """
        cdef bridge* br = self._bridge(bridge_number)
        cdef group* old = group_find(br.flows, number)
        cdef group* g
        self._change()
        self._push_stats()
        g = <group*>calloc(1, sizeof(group))
        if g == NULL:
            raise MemoryError
        g.refs = 1
        g.id = number
        g.type = <uint8_t>type
        g.selection = <uint8_t>selection
        g.selection_param = selection_param
        g.created_ns = old.created_ns if old != NULL else self.now_ns
        try:
            fill_buckets(g, buckets)
            fill_fields(g, fields or [])
            first, n = hashed or (0, len(buckets))
            if first + n > len(buckets):
                raise ValueError(f"buckets {first} to {first + n - 1} of {len(buckets)}")
            if hashed is not None and old != NULL:
                keep_counters(g, old, first, n)
            group_choose_hash(g, first, n)
            if not groups_put(br.flows, g):
                raise MemoryError
        except BaseException:
            group_unref(g)
            raise

    def remove_group(self, uint32_t bridge_number, uint32_t number):
        """Deletes a group with the flows that send to it; True if it was there."""
        cdef bridge* br = self._bridge(bridge_number)
        self._change()
        self._push_stats()
        if group_find(br.flows, number) == NULL:
            return False
        self.flow_mod(bridge_number, FLOW_DELETE, table=ANY_TABLE, out_group=number,
                      delete_reason=REMOVED_GROUP_DELETE)
        return bool(groups_remove(br.flows, number))

    def groups(self, uint32_t bridge_number):
        """The groups of a bridge by rising number.

        Returns
        -------
        list of tuple
            number, type, selection, selection_param, fields, buckets (each with its frames and bytes), frames, bytes, age in ns.
        """
        cdef bridge* br = self._bridge(bridge_number)
        self._push_stats()
        return [group_tuple(br.flows.groups[i], self.now_ns) for i in range(br.flows.n_groups)]

    def set_meter(self, uint32_t bridge_number, uint32_t number, uint16_t flags, list bands):
        """Adds a meter, or replaces the one with that number. `bands` are tuples (type, rate, burst_size, prec_level).

        `flags` are OpenFlow's: 1 kbps, 2 pktps, 4 burst, 8 stats. Buckets are full at first.
        """
        cdef bridge* br = self._bridge(bridge_number)
        cdef meter* old = meter_find(br.flows, number)
        cdef meter* m
        cdef meter_band* band
        self._change()
        m = <meter*>calloc(1, sizeof(meter))
        if m == NULL:
            raise MemoryError
        m.refs = 1
        m.id = number
        m.flags = flags
        m.used_ms = self.now_ns // 1000000
        m.created_ns = old.created_ns if old != NULL else self.now_ns
        try:
            m.bands = <meter_band*>calloc(len(bands) + 1, sizeof(meter_band))
            if m.bands == NULL:
                raise MemoryError
            for type, rate, burst_size, prec_level in bands:
                band = &m.bands[m.n_bands]
                band.type = type
                band.rate = rate
                # As dpif-netdev: without a burst the bucket holds what comes in one second.
                band.burst_size = burst_size or rate
                band.prec_level = prec_level
                band.bucket = <uint64_t>band.burst_size * 1000
                m.n_bands += 1
            if not meters_put(br.flows, m):
                raise MemoryError
        except BaseException:
            meter_unref(m)
            raise

    def remove_meter(self, uint32_t bridge_number, uint32_t number):
        """Deletes a meter; True if it was there. The flows that use it are the caller's to delete."""
        cdef bridge* br = self._bridge(bridge_number)
        self._change()
        return bool(meters_remove(br.flows, number))

    def meters(self, uint32_t bridge_number):
        """The meters of a bridge by rising number: number, flags, bands (with frames and bytes), frames, bytes, age in ns."""
        cdef bridge* br = self._bridge(bridge_number)
        return [meter_tuple(br.flows.meters[i], self.now_ns) for i in range(br.flows.n_meters)]

    def set_frag_handling(self, uint32_t bridge_number, int mode):
        """What look-ups make of IP fragments: 0 normal (ports read as zero), 1 drop, 3 nx-match."""
        cdef openflow_tables* tables = self._bridge(bridge_number).flows
        cdef int i
        self._change()
        if tables.frag_handling != mode:
            tables.frag_handling = <uint8_t>mode
            for i in range(N_TABLES):
                tables_note_change(tables, <uint8_t>i)

    def frag_handling(self, uint32_t bridge_number):
        """What set_frag_handling() set."""
        return self._bridge(bridge_number).flows.frag_handling

    def table_counters(self, uint32_t bridge_number, uint8_t table):
        """(flows, look-ups that hit one, look-ups that did not, how a miss ends: see set_table_miss()) of a table."""
        cdef openflow_tables* tables = self._bridge(bridge_number).flows
        if table >= N_TABLES:
            raise ValueError(f"there is no table {table}")
        self._push_stats()
        return (tables.tables[table].n_flows, tables.tables[table].n_matched, tables.tables[table].n_missed,
                tables.tables[table].config & TABLE_MISS_MASK)

    def set_table_miss(self, uint32_t bridge_number, uint8_t table, int miss):
        """What ends a walk that hits nothing in `table`: 0 default, 1 controller, 2 continue, 3 drop."""
        cdef openflow_tables* tables = self._bridge(bridge_number).flows
        self._change()
        if table >= N_TABLES:
            raise ValueError(f"there is no table {table}")
        tables.tables[table].config = (tables.tables[table].config & ~<uint32_t>TABLE_MISS_MASK) | (miss & TABLE_MISS_MASK)
        tables_note_change(tables, table)
