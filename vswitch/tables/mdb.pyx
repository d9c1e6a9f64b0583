"""The Python face of multicast snooping; the algorithms are in `mcast_table.pyx` and `mcast_snooping.pyx`."""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from collections import namedtuple

from vswitch.errors import ConfigError
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, FLOW_MAX_VLANS, flow_extract, flow_key, frame_layout
from vswitch.tables.mcast_snooping cimport (
    MCAST_FLOOD, mcast_snooping_applies, mcast_snooping_outputs, mcast_snooping_update)
from vswitch.tables.mcast_table cimport (
    MCAST_AGEING_TIME_S, MCAST_TABLE_SIZE, mcast_entry, mcast_table_add_router, mcast_table_dump,
    mcast_table_flush, mcast_table_flush_bundle, mcast_table_free, mcast_table_join, mcast_table_leave,
    mcast_table_new, mcast_table_run, mcast_table_set_ageing_time, mcast_table_set_flood_port,
    mcast_table_set_max_groups, mcast_table_set_report_port)
from vswitch.wire.address_words cimport address_of_words, words_of_address

McastEntry = namedtuple("McastEntry", "group vlan bundle age_s")

cdef class McastTable:
    """The multicast database of one bridge, with the behaviour of OVS's.

    Groups are IPv6 addresses as integers of 128 bits; IPv4 groups are mapped (``0xFFFF << 32 | ip``). Bundles are
    numbers that the caller gives to its ports and bonds.

    Parameters
    ----------
    ageing_time_s : int
        Seconds after which a member that does not report is forgotten; brought into 15 to 3600 as OVS does.
    max_groups : int
        Size of the table; brought into 10 to 1,000,000 as OVS does.
    flood_unregistered : bool
        Flood groups that nobody asked for; otherwise they go to routers and flood ports alone.

    Raises
    ------
    ConfigError
        From any method, for a group, VLAN or bundle out of range; `key` names the argument.

    Notes
    -----
    RFC 4541; RFC 2236 and 3376 (IGMP), RFC 2710 and 3810 (MLD). Time moves by `run` alone.
    Thread-safety: one thread at a time.

    Examples
    --------
    >>> table = McastTable()
    >>> table.join(0xFFFF_EF010101, vlan=10, bundle=3)
    >>> table.dump()
    [McastEntry(group=281474691563777, vlan=10, bundle=3, age_s=0)]
    """

    def __cinit__(self, unsigned int ageing_time_s=MCAST_AGEING_TIME_S, unsigned int max_groups=MCAST_TABLE_SIZE,
                  bint flood_unregistered=True):
        self.table = mcast_table_new()
        self.table.flood_unregistered = flood_unregistered
        mcast_table_set_ageing_time(self.table, ageing_time_s)
        mcast_table_set_max_groups(self.table, max_groups)

    def __dealloc__(self):
        mcast_table_free(self.table)

    def __len__(self):
        return self.table.n_groups

    @property
    def now_s(self):
        """Second of the last `run`."""
        return self.table.now_s

    @property
    def ageing_time_s(self):
        """Seconds after which a silent member is forgotten. A change takes effect with the next `run`."""
        return self.table.ageing_time_s

    @ageing_time_s.setter
    def ageing_time_s(self, unsigned int ageing_time_s):
        mcast_table_set_ageing_time(self.table, ageing_time_s)

    @property
    def max_groups(self):
        """Size of the table. What is too much goes with the next `run`, oldest first."""
        return self.table.max_groups

    @max_groups.setter
    def max_groups(self, unsigned int max_groups):
        mcast_table_set_max_groups(self.table, max_groups)

    @property
    def flood_unregistered(self):
        """Whether groups that nobody asked for are flooded."""
        return bool(self.table.flood_unregistered)

    @flood_unregistered.setter
    def flood_unregistered(self, bint flood_unregistered):
        self.table.flood_unregistered = flood_unregistered

    @property
    def n_refused(self):
        """Reports and queries that were not learned for want of memory."""
        return self.table.n_refused

    def frame(self, const uint8_t[::1] frame not None, vlan, in_bundle):
        """Do what NORMAL does with an Ethernet frame: learn from it if it is IGMP or MLD, then say where it goes.

        Returns
        -------
        list of int, "flood" or None
            Bundles, in the order of OVS's outputs and with its duplicates; None if the MAC table has to decide.
        """
        cdef flow_key key
        cdef frame_layout layout
        cdef const uint8_t* data = &frame[0] if frame.shape[0] else NULL
        cdef uint16_t vid = checked_vlan(vlan)
        cdef uint32_t bundle = checked_bundle(in_bundle)
        cdef uint32_t n, n_max = 0
        cdef uint32_t* bundles = NULL
        if not flow_extract(data, frame.shape[0], FLOW_MAX_VLANS, FLOW_DEPTH_L4, &key, &layout):
            return None
        if not mcast_snooping_applies(&key):
            return None
        mcast_snooping_update(self.table, &key, vid, bundle, data, frame.shape[0], &layout)
        n = mcast_snooping_outputs(self.table, &key, vid, bundle, NULL, 0)
        if n == MCAST_FLOOD:
            return "flood"
        bundles = <uint32_t*>malloc((n + 1) * sizeof(uint32_t))
        if bundles == NULL:
            raise MemoryError("no memory for the outputs")
        try:
            mcast_snooping_outputs(self.table, &key, vid, bundle, bundles, n)
            return [bundles[i] for i in range(n)]
        finally:
            free(bundles)

    def join(self, group, vlan, bundle):
        """Note a report: `bundle` wants `group` in `vlan`."""
        cdef uint64_t address[2]
        group_words(group, address)
        mcast_table_join(self.table, address, checked_vlan(vlan), checked_bundle(bundle))

    def leave(self, group, vlan, bundle):
        """Note that `bundle` wants `group` in `vlan` no more."""
        cdef uint64_t address[2]
        group_words(group, address)
        mcast_table_leave(self.table, address, checked_vlan(vlan), checked_bundle(bundle))

    def add_router(self, vlan, bundle):
        """Note a query: there is a multicast router behind `bundle`."""
        mcast_table_add_router(self.table, checked_vlan(vlan), checked_bundle(bundle))

    def run(self, unsigned int now_s):
        """Move the clock on to second `now_s` (never back) and forget what is due, empty or too much."""
        mcast_table_run(self.table, now_s)

    def flush(self):
        """Forget all groups and routers; ``ovs-appctl mdb/flush``."""
        mcast_table_flush(self.table)

    def flush_bundle(self, bundle):
        """Forget what was learned on `bundle`, as when its VLANs change. It stays a flood or report port."""
        mcast_table_flush_bundle(self.table, checked_bundle(bundle))

    def set_flood_port(self, bundle, bint is_flood_port):
        """Set a port's ``mcast-snooping-flood``: it gets all multicast."""
        if not mcast_table_set_flood_port(self.table, checked_bundle(bundle), is_flood_port):
            raise MemoryError("no memory for one more flood port")

    def set_report_port(self, bundle, bint is_report_port):
        """Set a port's ``mcast-snooping-flood-reports``: it gets all reports."""
        if not mcast_table_set_report_port(self.table, checked_bundle(bundle), is_report_port):
            raise MemoryError("no memory for one more report port")

    def dump(self):
        """Return the lines of ``ovs-appctl mdb/show`` in its order.

        Returns
        -------
        list of McastEntry
            `group` is None for a router, which the command calls "querier".
        """
        cdef uint32_t i, n = mcast_table_dump(self.table, NULL, 0)
        cdef mcast_entry* entries = <mcast_entry*>malloc((n + 1) * sizeof(mcast_entry))
        if entries == NULL:
            raise MemoryError("no memory to list the multicast table")
        try:
            mcast_table_dump(self.table, entries, n)
            return [
                McastEntry(
                    None if entries[i].is_router else address_of_words(entries[i].address),
                    entries[i].vlan, entries[i].bundle, entries[i].age_s)
                for i in range(n)
            ]
        finally:
            free(entries)

cdef int group_words(group, uint64_t* address) except -1:
    if not 0 <= group < 1 << 128:
        raise ConfigError(f"{group} is not an IPv6 address", key="group")
    return words_of_address(group, address)

cdef uint16_t checked_vlan(vlan) except? 0xFFFF:
    if not 0 <= vlan <= 4095:
        raise ConfigError(f"{vlan} is not a VLAN", key="vlan", hint="VLANs are 0 to 4095")
    return vlan

cdef uint32_t checked_bundle(bundle) except? 0xFFFFFFFF:
    if not 0 <= bundle < 0xFFFFFFFF:
        raise ConfigError(f"{bundle} is not a bundle number", key="bundle")
    return bundle
