"""Actions and instructions of a flow, compiled: what `translate` walks and the flow language (openflow/) writes.

A list of actions is one buffer of actions of variable length, each a header and a payload of whole 64-bit words
in host order. `openflow/` turns `actions=...` into such bytes once, when a flow is added; nothing here is text, and
no table of fields is needed to run it: a field is where it lies in the flow key.

*Pieces.* A field (or a part of one) is a list of pieces, least significant first, each a run of bits within one 64-bit
word of the flow key: (word, shift, n_bits). Most fields are one piece; an IPv6 address, ct_label or xxreg is several.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t

cdef enum ofpact_code:
    # Output. `arg` is an OpenFlow port number of 16 bits (OFPP_IN_PORT 0xfff8, TABLE 0xfff9, NORMAL 0xfffa,
    # FLOOD 0xfffb, ALL 0xfffc, CONTROLLER 0xfffd, LOCAL 0xfffe, NONE 0xffff).
    OFPACT_OUTPUT = 1               # [max_len: for CONTROLLER]
    OFPACT_OUTPUT_REG = 2           # [max_len, piece]: port number from a field
    OFPACT_OUTPUT_TRUNC = 3         # [max_len]
    OFPACT_CONTROLLER = 4           # arg: controller id; [max_len, reason, pause, provider meter or -1, n userdata bytes, userdata...]
    OFPACT_ENQUEUE = 5              # [queue]; arg: port
    OFPACT_SET_QUEUE = 6            # arg: queue
    OFPACT_POP_QUEUE = 7
    OFPACT_BUNDLE = 8               # arg: 0 active_backup, 1 hrw; [hash fields, basis, n dst pieces (0: output), n members, pieces..., members...]
    OFPACT_GROUP = 9                # arg: group id
    # Header and metadata edits
    OFPACT_SET = 16                 # arg: ofpact_prereq | OFPACT_SETS_* ; [n, (word, mask, value) * n]: set_field, load, mod_*, set_tunnel
    OFPACT_MOVE = 17                # arg: prereq of source | prereq of destination << 8 | OFPACT_SETS_*; [n, (src word << 32 | dst word, src shift << 32 | dst shift << 16 | n_bits) * n]
    OFPACT_STACK_PUSH = 18          # arg: prereq; [n_bits of the whole, n pieces, pieces...]
    OFPACT_STACK_POP = 19           # arg: prereq | OFPACT_SETS_*; the same
    OFPACT_PUSH_VLAN = 20           # arg: TPID
    OFPACT_POP_VLAN = 21
    OFPACT_SET_VLAN_VID = 22        # arg: VID; [push_vlan_if_needed]  (mod_vlan_vid)
    OFPACT_SET_VLAN_PCP = 23        # arg: PCP; [push_vlan_if_needed]
    OFPACT_PUSH_MPLS = 24           # arg: Ethertype
    OFPACT_POP_MPLS = 25            # arg: Ethertype
    OFPACT_SET_MPLS_LABEL = 26      # arg
    OFPACT_SET_MPLS_TC = 27         # arg
    OFPACT_SET_MPLS_TTL = 28        # arg
    OFPACT_DEC_MPLS_TTL = 29
    OFPACT_DEC_TTL = 30             # [n ids, ids...]
    OFPACT_DEC_NSH_TTL = 31
    OFPACT_ENCAP = 32               # arg: packet type; [n bytes of properties, properties...]
    OFPACT_DECAP = 33               # arg: new packet type (0xffff ns 0xfffe: next)
    OFPACT_DELETE_FIELD = 34        # arg: index of the tun_metadata option
    # Control
    OFPACT_RESUBMIT = 48            # arg: in_port (0xfff8: as it is); [table (255: the current one), with_ct]
    OFPACT_GOTO_TABLE = 49          # arg: table
    OFPACT_WRITE_ACTIONS = 50       # payload: nested actions
    OFPACT_CLEAR_ACTIONS = 51
    OFPACT_WRITE_METADATA = 52      # [value, mask]
    OFPACT_METER = 53               # arg: meter id
    OFPACT_CLONE = 54               # payload: nested actions
    OFPACT_EXIT = 55
    OFPACT_LEARN = 56               # see below
    OFPACT_FIN_TIMEOUT = 57         # [fin_idle_timeout, fin_hard_timeout], seconds
    OFPACT_MULTIPATH = 58           # [hash fields, basis, algorithm, max_link, arg, n pieces, pieces...]
    OFPACT_CONJUNCTION = 59         # arg: conj_id; [clause (from 0), n_clauses]
    OFPACT_SAMPLE = 60              # [probability, collector_set_id, obs_domain_id, obs_point_id, sampling_port, direction]
    OFPACT_CHECK_PKT_LARGER = 61    # arg: packet length; [piece]
    OFPACT_NOTE = 62                # payload is of no consequence
    OFPACT_CT = 63                  # arg: flags (1 commit, 2 force); [zone src piece or 0, zone, recirc table (255: none), alg, n bytes nested, nested...]
    OFPACT_CT_CLEAR = 64
    OFPACT_NAT = 65                 # in CT only
    OFPACT_UNROLL_XLATE = 66        # never written by openflow/

cdef enum ofpact_prereq:            # what must hold of the frame for an edit to happen (OVS mf_are_prereqs_ok)
    PREREQ_NONE = 0
    PREREQ_ETHERNET = 1
    PREREQ_ARP = 2                  # ARP or RARP
    PREREQ_VLAN_VID = 3             # a tag is there
    PREREQ_IPV4 = 4
    PREREQ_IPV6 = 5
    PREREQ_IP_ANY = 6
    PREREQ_NSH = 7
    PREREQ_TCP = 8
    PREREQ_UDP = 9
    PREREQ_SCTP = 10
    PREREQ_ICMPV4 = 11
    PREREQ_ICMPV6 = 12
    PREREQ_ND = 13
    PREREQ_ND_SOLICIT = 14
    PREREQ_ND_ADVERT = 15
    PREREQ_MPLS = 16
    PREREQ_CT = 17
    PREREQ_L4 = 18                  # mod_tp_*: TCP, UDP or SCTP over IP, and not a later fragment

cdef enum:
    OFPACT_SETS_VLAN = 1 << 16      # bits of `arg`: writes vlans[0].tci, so its TPID follows (flow_fix_vlan_tpid())
    OFPACT_SETS_IN_PORT = 1 << 17
    OFPACT_IS_SET_FIELD = 1 << 18   # set_field: skipped if the frame lacks the field; load: skipped likewise (OVS does the same)
    OFPACT_OPTION_SHIFT = 19        # bits 19 to 24: number of the tun_metadata option that it writes ...
    OFPACT_SETS_OPTION = 1 << 25    # ... if this is set: the option is there from then on
    PIECE_SHIFT = 8                 # a piece as one word: word << 16 | shift << 8 | n_bits

# OFPACT_LEARN: arg: flags (1 send_flow_rem, 2 delete_learned, 4 write_result)
#   [idle_timeout, hard_timeout, priority, cookie, table, fin_idle_timeout, fin_hard_timeout, limit,
#    result_dst piece or 0, n_specs, specs...]
# A spec, all of whose runs are of at most 64 bits (openflow/ cuts wider ones):
#   [kind (0 match, 1 load, 2 output) | src is a field << 8 | n_bits << 16, src: piece or value, dst: piece (0 for output),
#    prereqs: unused].   For kind 1 openflow/ also gives, in a fifth word, `OFPACT_SETS_* | prereq` of the field.

cdef struct ofpact:
    uint16_t code
    uint16_t len                    # bytes with this header; a multiple of 8
    uint32_t arg

cdef inline const uint64_t* ofpact_payload(const ofpact* a) noexcept nogil:
    return <const uint64_t*>(a + 1)

cdef inline uint32_t ofpact_n_words(const ofpact* a) noexcept nogil:
    """Words of payload."""
    return (a.len >> 3) - 1

cdef inline const ofpact* ofpact_next(const ofpact* a) noexcept nogil:
    return <const ofpact*>(<const char*>a + a.len)
