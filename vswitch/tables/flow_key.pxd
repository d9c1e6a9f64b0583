"""The flow key: every field of a frame that a flow can match, in one flat struct.

One member a field, in host order unless its name ends `_be`, grouped and ordered as in OVS's
`struct flow` (metadata, link layer, network, transport), so that a pipeline which looks no deeper than one
group leaves the groups behind it unread. Extraction follows OVS's `miniflow_extract` field by field, on short,
odd and hostile frames too: a header that does not fit leaves its fields and all deeper ones zero.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from vswitch.tables.blocks cimport copy_block
from vswitch.tables.key_words cimport word_of_halves, word_of_quarters
from vswitch.wire.byteorder cimport load_be16, load_be64
from vswitch.wire.dot1q cimport DOT1Q_LEN, DOT1Q_TCI, TPID_CTAG, TPID_STAG
from vswitch.wire.ethernet cimport (
    ETH_LEN, ETH_SRC, ETH_TYPE, ETH_TYPE_MIN, LLC_SNAP_LEN, llc_is_snap_ethernet, llc_snap_fits, snap_type)

cdef extern from *:
    bint unlikely(bint condition) noexcept nogil        # every C file that Cython writes defines it

cdef enum:
    FLOW_MAX_VLANS = 2              # tags that a key holds (FLOW_MAX_VLAN_HEADERS)
    FLOW_MAX_MPLS_LABELS = 3        # label stack entries that a key holds
    FLOW_N_REGS = 16
    VLAN_PRESENT = 0x1000           # bit of vlan_tag.tci that says "there is a tag" (in OVS: VLAN_CFI)
    DL_TYPE_NONE = 0x05FF           # 802.3 frame without a SNAP Ethertype (OFP_DL_TYPE_NOT_ETH_TYPE)
    FRAG_ANY = 1                    # nw_frag: a fragment
    FRAG_LATER = 2                  # nw_frag: not the first one

cdef enum flow_depth:               # how deep flow_extract() parses
    FLOW_DEPTH_L2 = 0               # Ethernet and VLAN tags
    FLOW_DEPTH_L3 = 1               # ... MPLS, ARP, IPv4, IPv6 headers
    FLOW_DEPTH_L4 = 2               # ... transport, neighbour discovery, ARP's MACs, NSH: everything

cdef struct vlan_tag:
    uint16_t tpid                   # 0x8100 or 0x88a8; 0 without a tag
    uint16_t tci                    # PCP (3 bits), VLAN_PRESENT, VID (12); the frame's DEI is not kept

cdef struct flow_key:
    # Metadata; set by the datapath, left alone by extraction
    uint64_t metadata
    uint32_t regs[16]               # FLOW_N_REGS
    uint32_t skb_priority
    uint32_t pkt_mark
    uint32_t dp_hash
    uint32_t in_port                # OpenFlow port number
    uint32_t recirc_id
    uint8_t ct_state
    uint8_t ct_nw_proto
    uint16_t ct_zone
    uint32_t ct_mark
    uint32_t packet_type
    uint64_t ct_label[2]
    uint32_t conj_id
    uint32_t actset_output
    # Link layer
    uint64_t dl_dst                 # 48 bits; first byte on the wire is the most significant
    uint64_t dl_src
    uint16_t dl_type                # Ethertype behind the tags that vlan_limit allows, or DL_TYPE_NONE
    uint16_t pad1[3]
    vlan_tag vlans[2]               # FLOW_MAX_VLANS, outermost first
    uint32_t mpls_lse[4]            # FLOW_MAX_MPLS_LABELS and padding, outermost first
    # Network layer
    uint32_t nw_src                 # IPv4 source or ARP SPA
    uint32_t nw_dst                 # IPv4 destination or ARP TPA
    uint64_t ipv6_src[2]            # most significant word first
    uint64_t ipv6_dst[2]
    uint32_t ipv6_label
    uint8_t nw_frag                 # FRAG_ANY | FRAG_LATER
    uint8_t nw_tos
    uint8_t nw_ttl
    uint8_t nw_proto                # IP protocol, or low 8 bits of the ARP opcode
    # Transport layer
    uint64_t nd_target[2]
    uint64_t arp_sha                # ARP SHA or ND source link-layer address
    uint64_t arp_tha
    uint16_t tcp_flags              # 12 bits; with ND: type of the link-layer address option
    uint16_t tp_src                 # port, or ICMP type
    uint16_t tp_dst                 # port, or ICMP code
    uint16_t pad2
    uint32_t igmp_group_ip4         # IGMP group, or ND reserved word
    uint32_t pad3
    # Network service header; behind all other headers, because hardly a pipeline looks at it
    uint8_t nsh_flags
    uint8_t nsh_ttl
    uint8_t nsh_mdtype
    uint8_t nsh_np                  # next protocol
    uint32_t nsh_path_hdr           # service path identifier (24 bits) and service index (8)
    uint32_t nsh_context[4]         # MD type 1 only
    # Original direction of a tracked connection; set by the datapath, as the tunnel's fields below
    uint32_t ct_nw_src
    uint32_t ct_nw_dst
    uint64_t ct_ipv6_src[2]
    uint64_t ct_ipv6_dst[2]
    uint16_t ct_tp_src
    uint16_t ct_tp_dst
    uint32_t pad4
    # Tunnel; begins a word, because OVS looks at it first and at the ports above last
    uint16_t tun_flags
    uint8_t tun_tos
    uint8_t tun_ttl
    uint32_t erspan_idx
    uint64_t tun_id
    uint32_t tun_src
    uint32_t tun_dst
    uint64_t tun_ipv6_src[2]
    uint64_t tun_ipv6_dst[2]
    uint16_t gbp_id
    uint8_t gbp_flags
    uint8_t erspan_ver
    uint8_t erspan_dir
    uint8_t erspan_hwid
    uint8_t gtpu_flags
    uint8_t gtpu_msgtype
    uint64_t tun_metadata_present   # bit i: option i is there
    uint64_t tun_metadata[32]       # 256 bytes, each option where its TLV map puts it

cdef struct frame_layout:           # where extraction found the headers, in bytes from the frame's start
    uint16_t l2_5_ofs               # MPLS label stack; LAYOUT_NONE if there is none
    uint16_t l3_ofs                 # network header; LAYOUT_NONE if not reached
    uint16_t l4_ofs                 # transport header; LAYOUT_NONE if not reached
    uint16_t l2_pad                 # bytes behind the end of the IP packet
    uint16_t n_vlans                # tags stripped into the key

cdef enum:
    LAYOUT_NONE = 0xFFFF            # also for an offset that 16 bits cannot hold

# Fills `key` down to `depth` and `layout`. Metadata, and the groups of fields below `depth`, stay as they were.
# False if the frame is shorter than an Ethernet header; its fields are then zero.
# `vlan_limit` is how many tags are stripped, 0 to FLOW_MAX_VLANS; OVS's other_config:vlan-limit=0 means 2 here.
cdef bint flow_extract(const uint8_t* frame, size_t n_bytes, int vlan_limit, flow_depth depth,
                       flow_key* key, frame_layout* layout) noexcept nogil


# As Python has keys: index of a word → word, for those that are not zero. The second adds the bits of such words, and raises
# ValueError for an index that is none.
cdef dict flow_key_words(const flow_key* key)
cdef int flow_key_add_words(flow_key* key, dict words) except -1

# The reverse of FlowKey.fields(): a mapping of some of its names; all other members become zero.
cdef int flow_key_of_fields(flow_key* key, object fields) except -1


cdef inline int flow_extract_l2(const uint8_t* frame, size_t n_bytes, int vlan_limit, flow_key* key) noexcept nogil:
    """Fills dl_dst, dl_src, vlans and dl_type; returns the offset of what follows, or -1 below 14 bytes.

    The hottest function of a switch that only learns and forwards, so the untagged frame goes straight through:
    14 bytes are two overlapping words, and the second holds the source address and the Ethertype together.
    """
    cdef uint64_t src_and_type
    cdef uint16_t type
    if unlikely(n_bytes < ETH_LEN):
        flow_key_clear_l2(key)
        return -1
    src_and_type = load_be64(frame + ETH_SRC)
    type = <uint16_t>src_and_type
    key.dl_dst = load_be64(frame) >> 16
    key.dl_src = src_and_type >> 16
    (<uint64_t*>&key.dl_type)[0] = word_of_quarters(type, 0, 0, 0)
    key.vlans[0].tpid = key.vlans[0].tci = 0
    key.vlans[1].tpid = key.vlans[1].tci = 0
    if unlikely(type == TPID_CTAG or type == TPID_STAG or type < ETH_TYPE_MIN):
        return flow_extract_tags(frame, n_bytes, vlan_limit, type, key)
    return ETH_LEN


cdef inline int flow_extract_tags(const uint8_t* frame, size_t n_bytes, int vlan_limit, uint16_t type,
                                  flow_key* key) noexcept nogil:
    """The rest of flow_extract_l2() for a frame that is tagged or has a length; `type` is at ETH_TYPE."""
    cdef size_t ofs = ETH_TYPE
    cdef int n = 0
    # A tag counts only if an Ethertype follows it; otherwise its TPID stays the Ethertype.
    while n < vlan_limit and (type == TPID_CTAG or type == TPID_STAG) and n_bytes >= ofs + DOT1Q_LEN + 2:
        key.vlans[n].tpid = type
        key.vlans[n].tci = load_be16(frame + ofs + DOT1Q_TCI) | VLAN_PRESENT
        ofs += DOT1Q_LEN
        type = load_be16(frame + ofs)
        n += 1
    ofs += 2
    if unlikely(type < ETH_TYPE_MIN):
        type = DL_TYPE_NONE
        if llc_snap_fits(n_bytes - ofs) and llc_is_snap_ethernet(frame + ofs):
            # OVS steps over the SNAP header even if what it holds is no Ethertype.
            if snap_type(frame + ofs) >= ETH_TYPE_MIN:
                type = snap_type(frame + ofs)
            ofs += LLC_SNAP_LEN
    key.dl_type = type
    return <int>ofs


cdef inline void flow_key_copy(flow_key* to, const flow_key* key) noexcept nogil:
    copy_block(to, key, sizeof(flow_key))


cdef inline void flow_key_set_in_port(flow_key* key, uint32_t ofp_port) noexcept nogil:
    """Also clears dp_hash, the other half of the word."""
    (<uint64_t*>&key.dp_hash)[0] = word_of_halves(0, ofp_port)


cdef inline void flow_key_clear_l2(flow_key* key) noexcept nogil:
    """Zeroes dl_dst to vlans."""
    memset(&key.dl_dst, 0, <size_t>(<char*>&key.mpls_lse - <char*>&key.dl_dst))


cdef inline void flow_key_clear_l3(flow_key* key) noexcept nogil:
    """Zeroes mpls_lse to nw_proto."""
    memset(&key.mpls_lse, 0, <size_t>(<char*>&key.nd_target - <char*>&key.mpls_lse))


cdef inline void flow_key_clear_l4(flow_key* key) noexcept nogil:
    """Zeroes nd_target to nsh_context."""
    memset(&key.nd_target, 0, <size_t>(<char*>&key.ct_nw_src - <char*>&key.nd_target))


cdef class FlowKey:
    cdef flow_key key
    cdef frame_layout found
