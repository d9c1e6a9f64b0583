"""Options of Geneve, between the wire and the flow key.

Follows tun_metadata_from_geneve_udpif() and tun_metadata_to_geneve_header() of lib/tun-metadata.c: an option that the map does
not know is skipped on the way in, unless it is critical; on the way out the options come in the order of their fields.
"""
from libc.stdint cimport uint16_t
from libc.string cimport memset

from vswitch.wire.byteorder cimport load_be32, store_be16, store_be32
from vswitch.wire.geneve cimport (
    GENEVE_OPT_CLASS, GENEVE_OPT_DATA, GENEVE_OPT_LENGTH, GENEVE_OPT_LEN_MIN, GENEVE_OPT_TYPE, geneve_opt_class,
    geneve_opt_len, geneve_opt_type,
)

cdef enum:
    CRITICAL = 0x80                 # bit of an option's type
    MAX_OPTIONS = 64


cdef inline uint32_t block_shift(uint8_t block) noexcept nogil:
    """Where a block lies in its word: the first of two is the upper half."""
    return 0 if block & 1 else 32


cdef bint tlv_parse(const tlv_map* map, const uint8_t* options, uint32_t n_bytes, flow_key* key) noexcept nogil:
    cdef const tlv_option* option
    cdef uint32_t n, i
    cdef uint8_t block
    cdef int index
    while n_bytes:
        if n_bytes < GENEVE_OPT_LEN_MIN:
            return False
        n = <uint32_t>geneve_opt_len(options)
        if n > n_bytes:
            return False
        index = find(map, <uint32_t>geneve_opt_class(options) << 8 | geneve_opt_type(options))
        if index < 0:
            if geneve_opt_type(options) & CRITICAL:
                return False
        else:
            option = &map.options[index]
            if n != GENEVE_OPT_LEN_MIN + 4 * <uint32_t>option.n_blocks:
                return False
            for i in range(option.n_blocks):
                block = option.blocks[i]
                key.tun_metadata[block >> 1] &= ~(<uint64_t>0xFFFFFFFF << block_shift(block))
                key.tun_metadata[block >> 1] |= (
                    <uint64_t>load_be32(options + GENEVE_OPT_DATA + 4 * i) << block_shift(block))
            key.tun_metadata_present |= <uint64_t>1 << index
        options += n
        n_bytes -= n
    return True


cdef int find(const tlv_map* map, uint32_t key) noexcept nogil:
    """The number of the field that holds an option, or -1."""
    cdef int i
    if map != NULL:
        for i in range(MAX_OPTIONS):
            if map.options[i].is_mapped and map.options[i].key == key:
                return i
    return -1


cdef uint32_t tlv_write(const tlv_map* map, const flow_key* key, uint8_t* to, bint* is_critical) noexcept nogil:
    cdef const tlv_option* option
    cdef uint32_t n = 0, i, j
    is_critical[0] = False
    if map == NULL:
        return 0
    for i in range(MAX_OPTIONS):
        option = &map.options[i]
        if not key.tun_metadata_present >> i & 1 or not option.is_mapped:
            continue
        if n + GENEVE_OPT_LEN_MIN + 4 * <uint32_t>option.n_blocks > TLV_MAX_OPTIONS_LEN:
            break                   # Open vSwitch ends itself here
        memset(to + n, 0, GENEVE_OPT_LEN_MIN)
        store_be16(to + n + GENEVE_OPT_CLASS, <uint16_t>(option.key >> 8))
        to[n + GENEVE_OPT_TYPE] = <uint8_t>option.key
        to[n + GENEVE_OPT_LENGTH] = option.n_blocks
        is_critical[0] |= option.key & CRITICAL != 0
        n += GENEVE_OPT_LEN_MIN
        for j in range(option.n_blocks):
            store_be32(to + n, <uint32_t>(key.tun_metadata[option.blocks[j] >> 1] >> block_shift(option.blocks[j])))
            n += 4
    return n
