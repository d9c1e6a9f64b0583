"""Multicast listener discovery over ICMPv6: MLDv1 (RFC 2710 §3), MLDv2 reports and their records (RFC 3810 §5.2).

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------+---------------+-------------------------------+
    |     Type      |     Code      |           Checksum            |
    +---------------+---------------+-------------------------------+
    |  Max response delay, or 0     |  0, or number of records (v2) |
    +===============+===============+===============================+
    |                  MLDv1: group (16 bytes)                      |
    +===============+===============+===============================+
    |  Record type  | Aux data len  |       Number of sources       |
    +---------------+---------------+-------------------------------+
    |                       Group (16 bytes)                        |
    +---------------------------------------------------------------+
    |                Source addresses, 16 bytes each                |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint64_t
from vswitch.wire.byteorder cimport load_be16, load_be64

cdef enum:
    MLD_QUERY = 130
    MLDV1_REPORT = 131
    MLDV1_DONE = 132
    MLDV2_REPORT = 143

cdef enum:
    MLD_N_RECORDS = 6           # byte offsets from the start of the ICMPv6 header
    MLD_GROUP = 8               # MLDv1
    MLD_LEN = 8                 # up to the group or the records
    MLDV1_LEN = 24

cdef enum:
    MLD_RECORD_TYPE = 0         # byte offsets from the start of a record; types as in IGMPv3
    MLD_RECORD_AUX_LEN = 1      # in units of 4 bytes
    MLD_RECORD_N_SOURCES = 2
    MLD_RECORD_GROUP = 4
    MLD_RECORD_LEN = 20
    MLD_SOURCE_LEN = 16


cdef inline bint mld_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold the common header."""
    return n_bytes >= MLD_LEN


cdef inline bint mldv1_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold an MLDv1 message."""
    return n_bytes >= MLDV1_LEN


cdef inline uint16_t mld_n_records(const uint8_t* mld) noexcept nogil:
    return load_be16(mld + MLD_N_RECORDS)


cdef inline void mldv1_group(const uint8_t* mld, uint64_t* address) noexcept nogil:
    """The group, as two words, most significant first."""
    address[0] = load_be64(mld + MLD_GROUP)
    address[1] = load_be64(mld + MLD_GROUP + 8)


cdef inline bint mld_record_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a record up to its sources. The accessors below rely on it."""
    return n_bytes >= MLD_RECORD_LEN


cdef inline uint8_t mld_record_type(const uint8_t* record) noexcept nogil:
    return record[MLD_RECORD_TYPE]


cdef inline uint8_t mld_record_aux_len(const uint8_t* record) noexcept nogil:
    return record[MLD_RECORD_AUX_LEN]


cdef inline uint16_t mld_record_n_sources(const uint8_t* record) noexcept nogil:
    return load_be16(record + MLD_RECORD_N_SOURCES)


cdef inline void mld_record_group(const uint8_t* record, uint64_t* address) noexcept nogil:
    """The group, as two words, most significant first."""
    address[0] = load_be64(record + MLD_RECORD_GROUP)
    address[1] = load_be64(record + MLD_RECORD_GROUP + 8)
