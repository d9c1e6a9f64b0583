"""A port with an IPv4 address answers ARP for it, as Open vSwitch's dummy devices do (netdev_dummy_send()).

What: whoever looks for the address of a device gets the device's MAC, with whatever tags the request left the bridge: the
answer has none, for the device knows of none. It is for who sent the frame, not for who stands in the request. Nothing else
is answered, neighbour solicitations for IPv6 neither; a host that does more is a device of its own (vswitch/devices).

How: the answer waits here until the frame that caused it has run to completion, and then comes in at the port as any frame
does (datapath.pyx). It is the switch's own: no capture holds it, and the ledger has its copies but no fate of it. Flows can
make a request of an answer, and two devices talk for ever then; here they stop after ANSWERS_MAX.

Thread-safety: as the datapath's.
"""
from libc.stdlib cimport free, realloc
from libc.string cimport memset

from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract, flow_key, frame_layout
from vswitch.wire.address_words cimport is_mapped_ipv4
from vswitch.wire.arp cimport ARP_OP_REPLY, ARP_OP_REQUEST, arp_store
from vswitch.wire.ethernet cimport ETH_LEN, ETH_TYPE_ARP, eth_store


cdef void device_answers_free(device_answers* answers) noexcept nogil:
    free(answers.entries)


cdef bint device_answers_offer(device_answers* answers, port* out, const uint8_t* data, uint32_t n_bytes, int vlan_limit,
                               uint64_t time_ns) noexcept nogil:
    cdef flow_key key
    cdef frame_layout layout
    cdef device_answer* answer
    cdef uint32_t i
    memset(&key, 0, sizeof(key))
    flow_extract(data, n_bytes, vlan_limit, FLOW_DEPTH_L4, &key, &layout)
    if key.dl_type != ETH_TYPE_ARP or key.nw_proto != ARP_OP_REQUEST or not key.nw_dst:
        return True
    for i in range(out.n_addresses):
        if is_mapped_ipv4(out.addresses[i].address) and <uint32_t>out.addresses[i].address[1] == key.nw_dst:
            break
    else:
        return True
    if answers.n == ANSWERS_MAX:
        return True
    answer = device_answers_add(answers)
    if answer == NULL:
        return False
    answer.port = out
    answer.time_ns = time_ns
    eth_store(answer.data, key.dl_src, out.mac, ETH_TYPE_ARP)
    arp_store(answer.data + ETH_LEN, ARP_OP_REPLY, out.mac, key.nw_dst, key.dl_src, key.nw_src)
    return True


cdef device_answer* device_answers_add(device_answers* answers) noexcept nogil:
    """Room for one more; NULL without memory."""
    cdef device_answer* grown
    if answers.n == answers.n_allocated:
        grown = <device_answer*>realloc(answers.entries, (answers.n + 8) * sizeof(device_answer))
        if grown == NULL:
            return NULL
        answers.entries = grown
        answers.n_allocated = answers.n + 8
    answers.n += 1
    return answers.entries + answers.n - 1
