"""The Python face of the MAC table; the algorithm and its essay are in `mac_table.pyx`."""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from collections import namedtuple

from vswitch.errors import ConfigError
from vswitch.tables.mac_table cimport (
    AGEING_TIME_S, BUNDLE_NONE, MAC_BUNDLES_MAX, MAC_MASK, MAC_TABLE_SIZE, mac_entry, mac_table_add_static,
    mac_table_clear_statistics, mac_table_del_static, mac_table_dump, mac_table_expire, mac_table_flush,
    mac_table_flush_bundle, mac_table_free, mac_table_is_grat_arp_locked, mac_table_learn, mac_table_lookup,
    mac_table_new, mac_table_prefetch, mac_table_run, mac_table_set_ageing_time, mac_table_set_flood_vlans,
    mac_table_set_max_entries)

cdef enum:
    PREFETCH_DISTANCE = 8           # frames; covers a memory latency of 100 ns

MacEntry = namedtuple("MacEntry", "mac vlan bundle age_s")

cdef class MacTable:
    """The forwarding database of one bridge, with the behaviour of OVS's.

    MACs are integers of 48 bits, first byte on the wire most significant. Bundles are numbers below
    `MAC_BUNDLES_MAX` (1,048,576) that the caller gives to its ports and bonds. VLANs are 0 to 4095.

    Parameters
    ----------
    ageing_time_s : int
        Seconds after which a silent address is forgotten; brought into 15 to 3600 as OVS does.
    max_entries : int
        Size of the table; brought into 10 to 1,000,000 as OVS does.

    Raises
    ------
    ConfigError
        From any method, for a MAC, VLAN or bundle out of range; `key` names the argument.

    Notes
    -----
    IEEE 802.1Q-2018, 8.8. Time moves by `run` alone, so an equal sequence of calls gives equal answers.
    Thread-safety: one thread at a time.

    Examples
    --------
    >>> table = MacTable(ageing_time_s=60)
    >>> table.learn(0x020000000001, 10, bundle=3)
    >>> table.lookup(0x020000000001, 10)
    3
    >>> table.run(now_s=60)
    >>> table.lookup(0x020000000001, 10) is None
    True
    """
    def __cinit__(self, unsigned int ageing_time_s=AGEING_TIME_S, unsigned int max_entries=MAC_TABLE_SIZE):
        self.table = mac_table_new()
        mac_table_set_ageing_time(self.table, ageing_time_s)
        mac_table_set_max_entries(self.table, max_entries)

    def __dealloc__(self):
        mac_table_free(self.table)

    def __len__(self):
        return self.table.n_entries

    @property
    def now_s(self):
        """Second of the last `run`."""
        return self.table.now_s

    @property
    def ageing_time_s(self):
        """Seconds after which a silent address is forgotten. A change takes effect with the next `run`."""
        return self.table.ageing_time_s

    @ageing_time_s.setter
    def ageing_time_s(self, unsigned int ageing_time_s):
        mac_table_set_ageing_time(self.table, ageing_time_s)

    @property
    def max_entries(self):
        """Size of the table. What is too much goes with the next `run`, least recently used first."""
        return self.table.max_entries

    @max_entries.setter
    def max_entries(self, unsigned int max_entries):
        mac_table_set_max_entries(self.table, max_entries)

    def learn(self, mac, vlan, bundle, *, bint is_gratuitous_arp=False, bint is_bond=False):
        """Note that `mac` sent a frame in `vlan`, received on `bundle`; multicast sources are ignored."""
        mac_table_learn(self.table, checked_mac(mac), checked_vlan(vlan), checked_bundle(bundle),
                        is_gratuitous_arp, is_bond)

    def lookup(self, mac, vlan):
        """Return the bundle behind `mac` in `vlan`, or None if a frame to it would be flooded."""
        cdef uint32_t bundle = mac_table_lookup(self.table, checked_mac(mac), checked_vlan(vlan))
        return None if bundle == BUNDLE_NONE else bundle

    def learn_and_look_up(self, const uint64_t[::1] src not None, const uint64_t[::1] dst not None,
                          const uint16_t[::1] vlan not None, const uint32_t[::1] in_bundle not None,
                          uint32_t[::1] out_bundle not None):
        """Do what NORMAL does for n frames in turn: learn the source, then look the destination up.

        Parameters
        ----------
        src, dst : (n,) uint64
            MACs; only the lower 48 bits are used.
        vlan : (n,) uint16
        in_bundle : (n,) uint32
        out_bundle : (n,) uint32
            Filled with the destination's bundle, or 0xFFFFFFFF for one that is not known.
        """
        cdef Py_ssize_t i, n = src.shape[0]
        cdef Py_ssize_t ahead
        cdef const uint64_t* srcs
        cdef const uint64_t* dsts
        cdef const uint16_t* vlans
        cdef const uint32_t* in_bundles
        cdef uint32_t* out_bundles
        if dst.shape[0] != n or vlan.shape[0] != n or in_bundle.shape[0] != n or out_bundle.shape[0] != n:
            raise ConfigError("the columns differ in length", key="src")
        if n == 0:
            return
        # Pointers, because a checked index would take the GIL in the debug build; the lengths were just compared.
        srcs, dsts, vlans, in_bundles, out_bundles = &src[0], &dst[0], &vlan[0], &in_bundle[0], &out_bundle[0]
        with nogil:
            for i in range(n):
                ahead = i + PREFETCH_DISTANCE
                if ahead < n:
                    mac_table_prefetch(self.table, srcs[ahead] & MAC_MASK, vlans[ahead])
                    mac_table_prefetch(self.table, dsts[ahead] & MAC_MASK, vlans[ahead])
                mac_table_learn(self.table, srcs[i] & MAC_MASK, vlans[i], in_bundles[i], False, False)
                out_bundles[i] = mac_table_lookup(self.table, dsts[i] & MAC_MASK, vlans[i])

    def run(self, unsigned int now_s):
        """Move the clock on to second `now_s` (never back) and forget what is due or too much."""
        mac_table_run(self.table, now_s)

    def add_static(self, mac, vlan, bundle):
        """Add an entry that neither ages nor moves, or make an entry that; ``ovs-appctl fdb/add``.

        Raises
        ------
        MemoryError
            There is no memory for one more entry; the table is unchanged.
        """
        if not mac_table_add_static(self.table, checked_mac(mac), checked_vlan(vlan), checked_bundle(bundle)):
            raise MemoryError("no memory for one more MAC table entry")

    def del_static(self, mac, vlan):
        """Delete a static entry and return True, or return False if there is none; ``ovs-appctl fdb/del``."""
        return mac_table_del_static(self.table, checked_mac(mac), checked_vlan(vlan))

    def expire(self, mac, vlan):
        """Delete an entry of any kind and return True, or return False if there is none."""
        return mac_table_expire(self.table, checked_mac(mac), checked_vlan(vlan))

    def flush(self):
        """Delete all entries that are not static; ``ovs-appctl fdb/flush``."""
        mac_table_flush(self.table)

    def flush_bundle(self, bundle):
        """Delete all entries of `bundle`, static ones too, as when its port goes."""
        mac_table_flush_bundle(self.table, checked_bundle(bundle))

    def is_grat_arp_locked(self, mac, vlan):
        """Return True while gratuitous ARP from a bond must not move the entry."""
        return mac_table_is_grat_arp_locked(self.table, checked_mac(mac), checked_vlan(vlan))

    def set_flood_vlans(self, vlans):
        """Neither learn nor find in `vlans`. A change of the set flushes the table; returns True if it changed."""
        cdef uint64_t flood_vlans[64]
        cdef unsigned int vlan
        memset(flood_vlans, 0, sizeof(flood_vlans))
        for value in vlans:
            vlan = checked_vlan(value)
            flood_vlans[vlan >> 6] |= <uint64_t>1 << (vlan & 63)
        if not mac_table_set_flood_vlans(self.table, flood_vlans):
            return False
        mac_table_flush(self.table)
        return True

    def statistics(self):
        """Return the counters of ``ovs-appctl fdb/stats-show``, and `n_refused`: not learned for want of memory."""
        return {
            "n_entries": self.table.n_entries, "max_entries": self.table.max_entries,
            "n_static": self.table.n_static, "n_learned": self.table.n_learned,
            "n_expired": self.table.n_expired, "n_evicted": self.table.n_evicted,
            "n_moved": self.table.n_moved, "n_refused": self.table.n_refused,
        }

    def clear_statistics(self):
        """Set the counters of events to zero; ``ovs-appctl fdb/stats-clear``."""
        mac_table_clear_statistics(self.table)

    def dump(self):
        """Return all entries in the order of ``ovs-appctl fdb/show``: least recently used first.

        Returns
        -------
        list of MacEntry
            `age_s` is None for a static entry.
        """
        cdef uint32_t n = self.table.n_entries
        cdef mac_entry* entries = <mac_entry*>malloc(max(n, <uint32_t>1) * sizeof(mac_entry))
        cdef uint32_t i
        try:
            if entries == NULL or mac_table_dump(self.table, entries, n) != n:
                raise MemoryError("no memory to list the MAC table")
            return [MacEntry(entries[i].mac, entries[i].vlan, entries[i].bundle,
                             None if entries[i].age_s == -1 else entries[i].age_s) for i in range(n)]
        finally:
            free(entries)

cdef uint64_t checked_mac(mac) except? 0xFFFFFFFFFFFFFFFF:
    if not 0 <= mac < 1 << 48:
        raise ConfigError(f"{mac} is not a MAC address of 48 bits", key="mac")
    return mac

cdef uint16_t checked_vlan(vlan) except? 0xFFFF:
    if not 0 <= vlan <= 4095:
        raise ConfigError(f"{vlan} is not a VLAN", key="vlan", hint="VLANs are 0 to 4095")
    return vlan

cdef uint32_t checked_bundle(bundle) except? 0xFFFFFFFF:
    if not 0 <= bundle < <uint32_t>MAC_BUNDLES_MAX:
        raise ConfigError(f"{bundle} is not a bundle number", key="bundle", hint="bundles are 0 to 1,048,575")
    return bundle
