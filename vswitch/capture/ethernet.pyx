"""Ethernet frames from Linux cooked and raw IP records.

What: a port carries Ethernet, but `tcpdump -i any` and tunnels of layer 3 write captures without Ethernet headers. Such
a record gets a header made of what it does tell, as Open vSwitch's tools do it (`ovs_pcap_read()`): the destination MAC
is zero, for cooked captures do not hold it; source and Ethertype are those of the cooked header.

    LINUX_SLL (16 bytes)             LINUX_SLL2 (20 bytes)
     0  packet type                   0  protocol
     2  ARPHRD_ type                  2  reserved
     4  length of the address         4  interface index
     6  address, 8 bytes              8  ARPHRD_ type
    14  protocol                     10  packet type, 1 byte
                                     11  length of the address, 1 byte
                                     12  address, 8 bytes

An address that is not six bytes long (a tunnel's, for one) is no MAC: the source is zero then. A raw packet has zero
MACs and the Ethertype of its version. A record shorter than its cooked header becomes a frame of no bytes, which the
switch counts as cut.
"""
from libc.string cimport memcpy, memset

cdef enum:
    SLL_LLA_LEN = 4
    SLL_LLA = 6
    SLL_PROTOCOL = 14
    SLL_LEN = 16
    SLL2_PROTOCOL = 0
    SLL2_LLA_LEN = 11
    SLL2_LLA = 12
    SLL2_LEN = 20
    MAC_LEN = 6
    ETHERNET_LEN = 14


cdef ethernet_encapsulation ethernet_encapsulation_of(uint32_t link_type) noexcept nogil:
    if link_type == 1:
        return ENCAPSULATION_ETHERNET
    if link_type == 113:
        return ENCAPSULATION_SLL
    if link_type == 276:
        return ENCAPSULATION_SLL2
    # 12 and 14 are the values that DLT_RAW has on the BSDs; some programs put them into files.
    if link_type == 101 or link_type == 12 or link_type == 14:
        return ENCAPSULATION_RAW
    if link_type == 228:
        return ENCAPSULATION_IPV4
    if link_type == 229:
        return ENCAPSULATION_IPV6
    return ENCAPSULATION_NONE


cdef void ethernet_from_record(const record* r, uint32_t encapsulation, uint8_t* room, frame* f) noexcept nogil:
    cdef uint32_t n_header = 0
    cdef const uint8_t* data = r.data
    cdef uint32_t wire_len = max(r.len, r.caplen)
    f.data = room
    f.time_ns = r.time_ns
    memset(room, 0, ETHERNET_LEN)
    if encapsulation == ENCAPSULATION_SLL:
        n_header = SLL_LEN
    elif encapsulation == ENCAPSULATION_SLL2:
        n_header = SLL2_LEN
    if r.caplen < n_header:
        f.caplen = 0
        f.len = ETHERNET_LEN + (wire_len - n_header if wire_len > n_header else 0)
        return
    if encapsulation == ENCAPSULATION_SLL:
        if data[SLL_LLA_LEN] == 0 and data[SLL_LLA_LEN + 1] == MAC_LEN:
            memcpy(room + MAC_LEN, data + SLL_LLA, MAC_LEN)
        memcpy(room + 2 * MAC_LEN, data + SLL_PROTOCOL, 2)
    elif encapsulation == ENCAPSULATION_SLL2:
        if data[SLL2_LLA_LEN] == MAC_LEN:
            memcpy(room + MAC_LEN, data + SLL2_LLA, MAC_LEN)
        memcpy(room + 2 * MAC_LEN, data + SLL2_PROTOCOL, 2)
    elif encapsulation == ENCAPSULATION_IPV6 or (
            encapsulation == ENCAPSULATION_RAW and r.caplen > 0 and data[0] >> 4 == 6):
        room[2 * MAC_LEN] = 0x86
        room[2 * MAC_LEN + 1] = 0xDD
    else:
        room[2 * MAC_LEN] = 0x08
    memcpy(room + ETHERNET_LEN, data + n_header, r.caplen - n_header)
    f.caplen = ETHERNET_LEN + r.caplen - n_header
    # Saturates: a hostile header may claim 2 ** 32 - 1 bytes.
    wire_len -= n_header
    f.len = ETHERNET_LEN + wire_len if wire_len <= <uint32_t>0xFFFFFFFF - ETHERNET_LEN else <uint32_t>0xFFFFFFFF
