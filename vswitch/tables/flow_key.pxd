"""The flow key: every field of a frame that a flow can match, in one flat struct.

One member a field, in host order unless its name ends `_be`, grouped and ordered as in OVS's
`struct flow` (metadata, link layer, network, transport), so that a pipeline which looks no deeper than one
group leaves the groups behind it unread. Extraction follows OVS's `miniflow_extract` field by field, on short,
odd and hostile frames too: a header that does not fit leaves its fields and all deeper ones zero.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

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
    FLOW_DEPTH_L4 = 2               # ... transport and neighbour discovery: everything

cdef struct vlan_tag:
    uint16_t tpid                   # 0x8100, 0x88a8 or 0x9100; 0 without a tag
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

cdef struct frame_layout:           # where extraction found the headers, in bytes from the frame's start
    uint16_t l2_5_ofs               # MPLS label stack; 0xffff if there is none
    uint16_t l3_ofs                 # network header; 0xffff if not reached
    uint16_t l4_ofs                 # transport header; 0xffff if not reached
    uint16_t l2_pad                 # bytes behind the end of the IP packet
    uint16_t n_vlans                # tags stripped into the key

cdef bint flow_extract(const uint8_t* frame, size_t n_bytes, int vlan_limit, flow_depth depth,
                       flow_key* key, frame_layout* layout) noexcept nogil
