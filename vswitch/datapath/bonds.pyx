"""Bonds between frames: their settings, the operator's commands, and what `bond/show` shows.

`Bonds` adds them to the wiring; the rules are in bond.pyx. What is changed here takes effect when the datapath next
lets its bonds run: before the next frame, or at `Datapath.settle()`.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from vswitch.datapath.bond cimport (
    BOND_ACCEPT, BOND_DROP_IF_MOVED, BOND_NEVER, bond_admits, bond_configure, bond_enable_member, bond_free,
    bond_is_balanced, bond_new, bond_register, bond_set_active, bond_settings, bond_verdict, bond_would_choose,
)
from vswitch.datapath.bridge cimport (
    BOND_BUCKETS, PORT_DOWN, bond, bond_member, bundle, port,
)
from vswitch.datapath.fabric cimport NS_PER_MS
from vswitch.datapath.underlay cimport Underlay
from vswitch.tables.ovs_hash cimport ovs_hash_mac


def bond_hash(uint64_t mac, uint16_t vlan, uint32_t basis):
    """The bucket (0 to 255) of an address in a VLAN."""
    return ovs_hash_mac(mac, vlan, basis) % BOND_BUCKETS


cdef class Bonds(Underlay):
    """Bridges, their ports and their bonds, by number."""

    def set_bond(self, uint32_t bridge_number, uint32_t number, *, int mode, uint64_t updelay_ms, uint64_t downdelay_ms,
                 uint64_t rebalance_interval_ms, uint32_t hash_basis, bint all_members_active, primary,
                 bint clears_buckets):
        """Makes a bundle a bond of its ports, or changes it.

        `mode` is 0 for active-backup, 1 for balance-slb, 2 for balance-tcp; `primary` a port number or None.
        """
        cdef bundle* b = self._bundle(bridge_number, number)
        cdef bond_settings settings
        cdef port* p
        self._change()
        settings.mode = <uint8_t>mode
        settings.updelay_ms = updelay_ms
        settings.downdelay_ms = downdelay_ms
        settings.rebalance_interval_ms = rebalance_interval_ms
        settings.hash_basis = hash_basis
        settings.all_members_active = all_members_active
        if b.bond == NULL:
            b.bond = bond_new()
        bond_configure(b.bond, &settings, clears_buckets, self.now_ns // NS_PER_MS)
        p = b.members
        while p != NULL:
            bond_register(b.bond, p, primary is not None and p.number == <uint32_t>primary)
            p = p.next_member
        self.bonds_due = True

    def clear_bond(self, uint32_t bridge_number, uint32_t number):
        """A bundle is no bond any more."""
        cdef bundle* b = self._bundle(bridge_number, number)
        cdef port* p = b.members
        self._change()
        while p != NULL:
            p.member = NULL
            p = p.next_member
        bond_free(b.bond)
        b.bond = NULL

    def bond_active(self, uint32_t bridge_number, uint32_t number):
        """Port number of the active member, or None."""
        cdef bond* b = self._bond(bridge_number, number)
        return None if b.active == NULL else b.active.port.number

    def bond_choice(self, uint32_t bridge_number, uint32_t number, uint64_t mac, uint16_t vlan):
        """Port number of the member that a frame from `mac` would leave on, with its outermost tag's VID; or None."""
        cdef const bond_member* m = bond_would_choose(self._bond(bridge_number, number), mac, vlan)
        return None if m == NULL else m.port.number

    def bond_admits(self, uint32_t bridge_number, uint32_t number, uint32_t in_port, uint64_t dl_dst):
        """May a frame to `dl_dst` come in at a member? None: unless its source was learned elsewhere."""
        cdef bond_verdict verdict = bond_admits(self._bond(bridge_number, number), self._port(in_port), dl_dst)
        return None if verdict == BOND_DROP_IF_MOVED else verdict == BOND_ACCEPT

    def bond_next_rebalance_ms(self, uint32_t bridge_number, uint32_t number):
        """How long until load is moved between the members; None if it never is."""
        cdef bond* b = self._bond(bridge_number, number)
        if not bond_is_balanced(b):
            return None
        return <object>b.next_rebalance_ms - self.now_ns // NS_PER_MS

    def bond_members(self, uint32_t bridge_number, uint32_t number):
        """[(port number, is enabled, has link, ms until `is enabled` turns or None, {bucket: bytes}), ...].

        The buckets are those of the member that carried something lately.
        """
        cdef bond* b = self._bond(bridge_number, number)
        cdef bond_member* m = b.members
        cdef uint32_t i
        members = []
        while m != NULL:
            members.append((
                m.port.number, bool(m.enabled), bool(m.port.is_patch or not m.port.config & PORT_DOWN),
                None if m.delay_expires_ms == BOND_NEVER else <object>m.delay_expires_ms - self.now_ns // NS_PER_MS,
                {i: b.buckets[i].tx_bytes for i in range(<uint32_t>BOND_BUCKETS)
                 if b.buckets[i].member == m and b.buckets[i].tx_bytes},
            ))
            m = m.next
        return members

    def bond_set_active(self, uint32_t bridge_number, uint32_t number, uint32_t port_number):
        """Makes an enabled member the active one; False if it is already."""
        cdef bond_member* m = self._member(bridge_number, number, port_number)
        self._change()
        if m.port.bundle.bond.active == m:
            return False
        bond_set_active(m.port.bundle.bond, m)
        self.bonds_due = True
        return True

    def bond_enable(self, uint32_t bridge_number, uint32_t number, uint32_t port_number, bint enable):
        """Enables or disables a member, until its link says otherwise."""
        cdef bond_member* m = self._member(bridge_number, number, port_number)
        self._change()
        bond_enable_member(m.port.bundle.bond, m, enable)
        self.bonds_due = True

    def bond_migrate(self, uint32_t bridge_number, uint32_t number, uint32_t bucket, uint32_t port_number):
        """Gives a bucket to a member."""
        cdef bond_member* m = self._member(bridge_number, number, port_number)
        self._change()
        m.port.bundle.bond.buckets[bucket % BOND_BUCKETS].member = m
        m.port.bundle.bond.changed = True
        self.bonds_due = True

    cdef bond* _bond(self, uint32_t bridge_number, uint32_t number) except NULL:
        cdef bundle* b = self._bundle(bridge_number, number)
        if b.bond == NULL:
            raise KeyError(f"bundle {number} in bridge {bridge_number} is no bond")
        return b.bond

    cdef bond_member* _member(self, uint32_t bridge_number, uint32_t number, uint32_t port_number) except NULL:
        cdef bond* b = self._bond(bridge_number, number)
        cdef port* p = self._port(port_number)
        if p.member == NULL or p.bundle.bond != b:
            raise KeyError(f"port {port_number} is no member of bundle {number} in bridge {bridge_number}")
        return p.member
