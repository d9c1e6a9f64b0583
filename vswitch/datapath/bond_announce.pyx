"""Learning packets: a bond whose members changed announces every address that is behind another port.

The switches beyond the bond still send to the old member. A broadcast from each address, sent on the member that
frames from it will leave on, teaches them. As in OVS (bundle_send_learning_packets()) it is a RARP request, which
disturbs nobody, in the VLAN of the address, tagged even on an access port; the least recently used address goes first.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from vswitch.datapath.bond cimport bond_choose
from vswitch.datapath.bridge cimport bond_member, bundle
from vswitch.datapath.execution cimport execution
from vswitch.datapath.originate cimport frame_originate
from vswitch.tables.mac_table cimport MAC_MASK, mac_entry, mac_table_dump
from vswitch.wire.arp cimport ARP_LEN, RARP_OP_REQUEST, arp_store
from vswitch.wire.byteorder cimport store_be16, store_mac
from vswitch.wire.dot1q cimport DOT1Q_LEN, TPID_CTAG
from vswitch.wire.ethernet cimport ETH_DST, ETH_LEN, ETH_SRC, ETH_TYPE, ETH_TYPE_RARP


cdef void bond_announce(execution* ex, bundle* b, uint64_t time_ns) noexcept nogil:
    """Sends a learning packet for each address that was learned elsewhere in the bridge."""
    cdef uint8_t frame[46]          # ETH_LEN + DOT1Q_LEN + ARP_LEN
    cdef uint32_t n = b.bridge.macs.n_entries, i, n_bytes
    cdef mac_entry* entries = <mac_entry*>malloc((n + 1) * sizeof(mac_entry))
    cdef bond_member* m
    if entries == NULL:
        ex.out_of_memory = True
        return
    # A copy: what is sent over a patch port may come back and be learned.
    n = mac_table_dump(b.bridge.macs, entries, n)
    for i in range(n):
        if entries[i].bundle == b.number:
            continue
        m = bond_choose(b.bond, entries[i].mac, entries[i].vlan)
        if m != NULL:
            n_bytes = compose_rarp(frame, entries[i].mac, entries[i].vlan)
            frame_originate(ex, m.port, frame, n_bytes, time_ns)
    free(entries)


cdef inline uint32_t compose_rarp(uint8_t* frame, uint64_t mac, uint16_t vlan) noexcept nogil:
    """Writes "who am I?" from `mac`, tagged unless `vlan` is 0; returns its length."""
    cdef uint32_t at = ETH_TYPE
    store_mac(frame + ETH_DST, MAC_MASK)
    store_mac(frame + ETH_SRC, mac)
    if vlan:
        store_be16(frame + at, TPID_CTAG)
        store_be16(frame + at + 2, vlan)
        at += DOT1Q_LEN
    store_be16(frame + at, ETH_TYPE_RARP)
    at += ETH_LEN - ETH_TYPE
    arp_store(frame + at, RARP_OP_REQUEST, mac, 0, mac, 0)
    return at + ARP_LEN
