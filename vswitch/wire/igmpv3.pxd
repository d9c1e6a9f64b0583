"""IGMPv3 membership report and its group records (RFC 3376 §4.2), and the message types of all IGMP versions.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---------------+---------------+-------------------------------+
    |  Type = 0x22  |   Reserved    |           Checksum            |
    +---------------+---------------+-------------------------------+
    |           Reserved            |       Number of records       |
    +===============+===============+===============================+
    |  Record type  | Aux data len  |       Number of sources       |
    +---------------+---------------+-------------------------------+
    |                         Group address                         |
    +---------------------------------------------------------------+
    |                 Source addresses, 4 bytes each                |
    +---------------------------------------------------------------+
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from vswitch.wire.byteorder cimport load_be16, load_be32

cdef enum:
    IGMP_QUERY = 0x11           # RFC 1112, and in all later versions
    IGMPV1_REPORT = 0x12
    IGMPV2_REPORT = 0x16
    IGMPV2_LEAVE = 0x17
    IGMPV3_REPORT = 0x22

cdef enum:
    IGMPV3_N_RECORDS = 6        # byte offset from the start of the report
    IGMPV3_LEN = 8

cdef enum:
    IGMPV3_RECORD_TYPE = 0      # byte offsets from the start of a record
    IGMPV3_RECORD_AUX_LEN = 1   # in units of 4 bytes
    IGMPV3_RECORD_N_SOURCES = 2
    IGMPV3_RECORD_GROUP = 4
    IGMPV3_RECORD_LEN = 8
    IGMPV3_SOURCE_LEN = 4

cdef enum:
    MODE_IS_INCLUDE = 1         # record types, of MLDv2 too
    CHANGE_TO_INCLUDE = 3
    BLOCK_OLD_SOURCES = 6       # the last one that is defined


cdef inline bint igmpv3_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a report's header. Its accessor relies on it."""
    return n_bytes >= IGMPV3_LEN


cdef inline uint16_t igmpv3_n_records(const uint8_t* report) noexcept nogil:
    return load_be16(report + IGMPV3_N_RECORDS)


cdef inline bint igmpv3_record_fits(size_t n_bytes) noexcept nogil:
    """True if `n_bytes` hold a record up to its sources. The accessors below rely on it."""
    return n_bytes >= IGMPV3_RECORD_LEN


cdef inline uint8_t igmpv3_record_type(const uint8_t* record) noexcept nogil:
    return record[IGMPV3_RECORD_TYPE]


cdef inline uint8_t igmpv3_record_aux_len(const uint8_t* record) noexcept nogil:
    return record[IGMPV3_RECORD_AUX_LEN]


cdef inline uint16_t igmpv3_record_n_sources(const uint8_t* record) noexcept nogil:
    return load_be16(record + IGMPV3_RECORD_N_SOURCES)


cdef inline uint32_t igmpv3_record_group(const uint8_t* record) noexcept nogil:
    return load_be32(record + IGMPV3_RECORD_GROUP)
