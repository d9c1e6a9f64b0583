"""Open vSwitch's portable hash, for what its answers depend on: the buckets of a bond.

MurmurHash3 for 32 bits (public domain), as lib/hash.h uses it. OVS built for SSE 4.2 or for ARM with CRC hashes
otherwise; distributions build for the baseline, so this is what their `ovs-appctl bond/hash` gives on x86-64.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t


cdef inline uint32_t swap32(uint32_t x) noexcept nogil:
    """What OVS on a little-endian machine has in a word that it leaves in network order."""
    return x >> 24 | (x >> 8 & 0xFF00) | (x << 8 & 0xFF0000) | x << 24


cdef inline uint32_t ovs_hash_add(uint32_t hash, uint32_t data) noexcept nogil:
    """Mixes one word in."""
    data *= <uint32_t>0xCC9E2D51
    data = data << 15 | data >> 17
    data *= <uint32_t>0x1B873593
    hash ^= data
    hash = hash << 13 | hash >> 19
    return hash * 5 + <uint32_t>0xE6546B64


cdef inline uint32_t ovs_hash_finish(uint32_t hash, uint32_t n_bytes) noexcept nogil:
    """Every bit of the hash comes to depend on every other."""
    hash ^= n_bytes
    hash ^= hash >> 16
    hash *= <uint32_t>0x85EBCA6B
    hash ^= hash >> 13
    hash *= <uint32_t>0xC2B2AE35
    return hash ^ hash >> 16


cdef inline uint32_t ovs_hash_mac(uint64_t mac, uint16_t vlan, uint32_t basis) noexcept nogil:
    """Of an address in a VLAN (OVS hash_mac())."""
    cdef uint64_t key = <uint64_t>vlan << 48 | mac
    return ovs_hash_finish(ovs_hash_add(ovs_hash_add(basis, <uint32_t>key), <uint32_t>(key >> 32)), 8)
