"""A bridge's map of Geneve options: which of them the flow key holds, and where (openflow/tlv_map.py makes it)."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.tables.flow_key cimport flow_key

cdef enum:
    TLV_MAX_OPTIONS_LEN = 252       # bytes of options that a header can say it has

cdef struct tlv_option:
    uint8_t is_mapped
    uint8_t n_blocks                # of four bytes each
    uint8_t[31] blocks              # where in the key's 256 bytes they lie, in units of four
    uint32_t key                    # class (16 bits) and type (8)

cdef struct tlv_map:
    tlv_option[64] options          # by number of the field

# Puts the options of a header into the key. False if one does not fit, is mapped with another length, or is critical and
# not mapped. A map of NULL has no option.
cdef bint tlv_parse(const tlv_map* map, const uint8_t* options, uint32_t n_bytes, flow_key* key) noexcept nogil
# Writes the options that the key has to `to`, of TLV_MAX_OPTIONS_LEN bytes. Returns their length.
cdef uint32_t tlv_write(const tlv_map* map, const flow_key* key, uint8_t* to, bint* is_critical) noexcept nogil
