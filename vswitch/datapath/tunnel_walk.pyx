"""What tunnels would do with a frame, as Python sees it: for explanations and tests. Nothing is sent, learned or counted.

A frame is given by the words of its flow key, as for `walk`, or by its bytes where headers must come off.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from vswitch.datapath.bridge cimport port
from vswitch.datapath.decapsulate cimport decapsulate
from vswitch.datapath.tlv_map cimport TLV_MAX_OPTIONS_LEN, tlv_parse, tlv_write
from vswitch.datapath.translate_hash cimport flow_hash_5tuple
from vswitch.datapath.tunnel cimport TUNNEL_GENEVE, tunnel_source_port
from vswitch.datapath.tunnel_ports cimport TunnelPorts
from vswitch.datapath.tunnel_ports import KINDS
from vswitch.datapath.tunnels cimport endpoint, tunnel_set_tlv_map, tunnels_find
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract, flow_key, flow_key_add_words, flow_key_words, frame_layout
from vswitch.wire.geneve cimport GENEVE_LEN
from vswitch.wire.udp cimport UDP_LEN


def outer_source_port(dict words):
    """The UDP port that VXLAN and Geneve send a frame from: it follows from the frame's addresses and ports."""
    cdef flow_key key
    memset(&key, 0, sizeof(key))
    flow_key_add_words(&key, words)
    return tunnel_source_port(flow_hash_5tuple(&key, 0))


def decapsulated(TunnelPorts datapath, bytes frame, str kind, uint16_t dst_port):
    """Where in an outer frame the frame inside begins, and the tunnel's fields of its key.

    Parameters
    ----------
    kind : str
        Of `KINDS`.
    dst_port : int
        The UDP port that tunnels of that kind listen on; 0 for gre.

    Returns
    -------
    (int, dict, bytes) or None
        Offset, words, and the options of a Geneve header; None: Open vSwitch drops it, or it carries no Ethernet frame.
    """
    cdef flow_key outer, key
    cdef frame_layout layout
    cdef endpoint e = endpoint(kind=<uint8_t>KINDS[kind], dst_port=dst_port)
    cdef int ofs
    cdef uint32_t start
    memset(&outer, 0, sizeof(outer))
    memset(&key, 0, sizeof(key))
    flow_extract(frame, len(frame), datapath.vlan_limit, FLOW_DEPTH_L4, &outer, &layout)
    ofs = decapsulate(frame, <uint32_t>len(frame), <uint32_t>len(frame), &layout, &e, &key)
    if ofs < 0:
        return None
    start = layout.l4_ofs + UDP_LEN + GENEVE_LEN if e.kind == TUNNEL_GENEVE else <uint32_t>ofs
    return ofs, flow_key_words(&key), frame[start:ofs]


def receiving_tunnel(TunnelPorts datapath, dict words, str kind, uint16_t dst_port):
    """Number of the tunnel port that a frame with this key, the tunnel's fields included, has come in at; or None."""
    cdef flow_key key
    cdef endpoint e = endpoint(kind=<uint8_t>KINDS[kind], dst_port=dst_port)
    cdef port* found
    memset(&key, 0, sizeof(key))
    flow_key_add_words(&key, words)
    datapath._derive()
    found = tunnels_find(&datapath.tunnel_ports, &key, &e)
    return None if found == NULL else found.number


def options_read(TunnelPorts datapath, uint32_t bridge_number, bytes options):
    """The words that options of a Geneve header become by the bridge's map; None if it takes them for wrong."""
    cdef flow_key key
    memset(&key, 0, sizeof(key))
    if not tlv_parse(tunnel_set_tlv_map(&datapath.tunnel_ports, bridge_number), options, <uint32_t>len(options), &key):
        return None
    return flow_key_words(&key)


def options_written(TunnelPorts datapath, uint32_t bridge_number, dict words):
    """The options that a frame with this key gets by the bridge's map, and whether one of them is critical."""
    cdef flow_key key
    cdef uint8_t to[TLV_MAX_OPTIONS_LEN]
    cdef bint is_critical = False
    cdef uint32_t n = 0
    memset(&key, 0, sizeof(key))
    flow_key_add_words(&key, words)
    if key.tun_metadata_present:
        n = tlv_write(tunnel_set_tlv_map(&datapath.tunnel_ports, bridge_number), &key, to, &is_critical)
    return to[:n], bool(is_critical)
