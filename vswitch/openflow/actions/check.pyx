"""Do actions fit their flow's match? What OVS asks in ofpacts_check().

Some actions change what later ones may rely on: after push_vlan there is a tag, after pop_mpls an Ethertype. A
`Check` holds the few fields of the match that matter and follows those changes.
"""
cimport cython

from vswitch.openflow.field_plan cimport member, run
from vswitch.openflow.match cimport Match

from vswitch.errors import OpenFlowError
from vswitch.openflow import protocols

# ofpact_prereq (datapath/ofpact.pxd)
(
    PREREQ_NONE, PREREQ_ETHERNET, PREREQ_ARP, PREREQ_VLAN_VID, PREREQ_IPV4, PREREQ_IPV6, PREREQ_IP_ANY, PREREQ_NSH,
    PREREQ_TCP, PREREQ_UDP, PREREQ_SCTP, PREREQ_ICMPV4, PREREQ_ICMPV6, PREREQ_ND, PREREQ_ND_SOLICIT,
    PREREQ_ND_ADVERT, PREREQ_MPLS, PREREQ_CT, PREREQ_L4,
) = range(19)

ETH_IP, ETH_ARP, ETH_RARP, ETH_IPV6, ETH_NSH = 0x0800, 0x0806, 0x8035, 0x86DD, 0x894F
ETH_MPLS = (0x8847, 0x8848)
TCP, UDP, SCTP, ICMP, ICMP6 = 6, 17, 132, 1, 58
VLAN_PRESENT = 0x1000
FRAG_LATER = 2
PT_ETH, PT_NSH, PT_UNKNOWN = 0, 0x1894F, 0xFFFFFFFF
METER_MAX = 0xFFFF0000

cdef enum:
    C_NONE = 0
    C_ETHERNET = 1
    C_VLAN_VID = 3
    C_TCP = 8
    C_SCTP = 10
    C_ND = 13
    C_ND_SOLICIT = 14
    C_ND_ADVERT = 15
    C_CT = 17
    C_VLAN_PRESENT = 0x1000
    C_FRAG_LATER = 2
    DL_TYPE_NONE = 0x05FF
    CT_TRACKED = 0x20
    CT_INVALID = 0x10
    CT_ANY_VALID = 0x01 | 0x02 | 0x04 | 0x08 | 0x40 | 0x80
    IN_PORT = 0xFFF8                # reserved ports that can be sent to: IN_PORT ...
    LOCAL = 0xFFFE                  # ... to LOCAL

cdef struct need:
    int first, second               # Ethertypes; -1 stands for none
    int proto                       # 0: any

# By prerequisite; those that are no matter of Ethertypes are looked at before.
cdef need[19] NEEDS = [
    need(-1, -1, 0), need(-1, -1, 0), need(0x0806, 0x8035, 0), need(-1, -1, 0), need(0x0800, -1, 0), need(0x86DD, -1, 0),
    need(0x0800, 0x86DD, 0), need(0x894F, -1, 0), need(0x0800, 0x86DD, 6), need(0x0800, 0x86DD, 17),
    need(0x0800, 0x86DD, 132), need(0x0800, -1, 1), need(0x86DD, -1, 58), need(0x86DD, -1, 58), need(0x86DD, -1, 58),
    need(0x86DD, -1, 58), need(0x8847, 0x8848, 0), need(-1, -1, 0), need(-1, -1, 0),
]

cdef int ANY = protocols.ANY
cdef int OF10_ANY = protocols.OF10_ANY
cdef run DL_TYPE = member("dl_type", 16)
cdef run NW_PROTO = member("nw_proto", 8)
cdef run NW_FRAG = member("nw_frag", 8)
cdef run PACKET_TYPE = member("packet_type", 32)
cdef run CT_STATE = member("ct_state", 8)
cdef run TP_SRC = member("tp_src", 16)
cdef run TP_DST = member("tp_dst", 16)
cdef run OUTER_TCI = member("vlans", 16, 2)     # behind a tag's TPID comes its TCI
cdef run INNER_TCI = member("vlans", 16, 6)


def refuse(code):
    """Raise an error of OpenFlow."""
    raise OpenFlowError(code)


@cython.final
@cython.no_gc
cdef class Check:
    """What is known of a frame before the next action; `match` is what its flow matches, None for everything."""

    def __init__(self, Match match, *, int table=255, int n_tables=255, int max_port=0xFF00):
        self.protocols = ANY
        self.table = table
        self.n_tables = n_tables
        self.max_port = max_port
        if match is None:
            return
        self.dl_type = <int>match.value_of(&DL_TYPE)
        self.nw_proto = <int>match.value_of(&NW_PROTO)
        self.nw_frag = <int>match.value_of(&NW_FRAG)
        self.packet_type = <unsigned int>match.value_of(&PACKET_TYPE)
        self.ct_state = <unsigned int>match.value_of(&CT_STATE)
        self.ct_state_mask = <unsigned int>match.mask_of(&CT_STATE)
        self.tp_src = <int>match.value_of(&TP_SRC)
        self.tp_dst = <int>match.value_of(&TP_DST)
        self.outer_tci = <int>match.value_of(&OUTER_TCI)
        self.inner_tci = <int>match.value_of(&INNER_TCI)

    @property
    def tci(self):
        """The tags, outermost first."""
        return [self.outer_tci, self.inner_tci]

    @tci.setter
    def tci(self, tags):
        self.outer_tci, self.inner_tci = tags

    def save(self):
        """What nested actions may change and their end restores."""
        return self.packet_type, self.dl_type, self.nw_proto, self.tci

    def restore(self, saved):
        """Make it as it was."""
        self.packet_type, self.dl_type, self.nw_proto, self.tci = saved

    cdef int ethertype_(self) noexcept:
        if self.packet_type == 0:
            return self.dl_type
        return self.packet_type & 0xFFFF if self.packet_type >> 16 == 1 else DL_TYPE_NONE

    @property
    def ethertype(self):
        """Of the frame, or what its packet type says."""
        return self.ethertype_()

    @property
    def is_ip(self):
        """True for IPv4 and IPv6."""
        return self.ethertype_() in (0x0800, 0x86DD)

    @property
    def is_mpls(self):
        """True if a label comes next."""
        return self.ethertype_() in (0x8847, 0x8848)

    cdef bint has_tag(self) noexcept:
        return self.outer_tci & C_VLAN_PRESENT != 0

    @property
    def has_vlan(self):
        """True if there is a tag."""
        return self.has_tag()

    cpdef int inconsistent(self, bint condition) except -1:
        """Before OpenFlow 1.1 an action that does not fit is kept and does nothing; later it is refused."""
        if condition:
            self.protocols &= OF10_ANY
        return 0

    cpdef int output(self, int port) except -1:
        """Can a frame be sent to the port?"""
        if port >= self.max_port and not IN_PORT <= port <= LOCAL:
            refuse("OFPBAC_BAD_OUT_PORT")
        return 0

    cpdef bint is_ct_valid(self) except -1:
        """Is the connection's state known to be one that has a tuple?"""
        return (self.ct_state & CT_ANY_VALID != 0
                or (self.ct_state & CT_TRACKED and self.ct_state_mask & CT_INVALID and not self.ct_state & CT_INVALID))

    cpdef bint holds(self, int prereq, bint ct_by_match=True) except -1:
        """Is what a field needs there? (mf_are_prereqs_ok())"""
        cdef int ethertype
        if prereq <= C_ETHERNET:
            return prereq == C_NONE or self.packet_type == 0
        if prereq == C_VLAN_VID:
            return self.packet_type == 0 and self.has_tag()
        if prereq == C_CT:
            return self.is_ct_valid() if ct_by_match else self.ct_state & 0x0B != 0
        ethertype = self.ethertype_()
        if ethertype != NEEDS[prereq].first and ethertype != NEEDS[prereq].second:
            return False
        if NEEDS[prereq].proto and self.nw_proto != NEEDS[prereq].proto:
            return False
        if C_TCP <= prereq <= C_SCTP:
            return not self.nw_frag & C_FRAG_LATER
        if prereq == C_ND:
            return self.tp_dst == 0 and (self.tp_src == 135 or self.tp_src == 136)
        if prereq == C_ND_SOLICIT:
            return self.tp_dst == 0 and self.tp_src == 135
        return prereq != C_ND_ADVERT or (self.tp_dst == 0 and self.tp_src == 136)
