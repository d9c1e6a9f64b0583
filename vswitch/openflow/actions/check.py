"""Do actions fit their flow's match? What OVS asks in ofpacts_check().

Some actions change what later ones may rely on: after push_vlan there is a tag, after pop_mpls an Ethertype. A
`Check` holds the few fields of the match that matter and follows those changes.
"""

from __future__ import annotations

from typing import NoReturn

from vswitch.errors import OpenFlowError
from vswitch.openflow import protocols
from vswitch.openflow.actions.base import Words
from vswitch.openflow.text import PORT_MAX
from vswitch.tables.flow_key import MEMBER_OFFSETS

(
    PREREQ_NONE, PREREQ_ETHERNET, PREREQ_ARP, PREREQ_VLAN_VID, PREREQ_IPV4, PREREQ_IPV6, PREREQ_IP_ANY, PREREQ_NSH,
    PREREQ_TCP, PREREQ_UDP, PREREQ_SCTP, PREREQ_ICMPV4, PREREQ_ICMPV6, PREREQ_ND, PREREQ_ND_SOLICIT,
    PREREQ_ND_ADVERT, PREREQ_MPLS, PREREQ_CT, PREREQ_L4,
) = range(19)  # fmt: skip

ETH_IP, ETH_ARP, ETH_RARP, ETH_IPV6, ETH_NSH = 0x0800, 0x0806, 0x8035, 0x86DD, 0x894F
ETH_MPLS = (0x8847, 0x8848)
TCP, UDP, SCTP, ICMP, ICMP6 = 6, 17, 132, 1, 58
VLAN_PRESENT = 0x1000
FRAG_LATER = 2
PT_ETH, PT_NSH, PT_UNKNOWN = 0, 0x1894F, 0xFFFFFFFF
_DL_TYPE_NONE = 0x05FF
_CT_TRACKED, _CT_INVALID, _CT_ANY_VALID = 0x20, 0x10, 0x01 | 0x02 | 0x04 | 0x08 | 0x40 | 0x80
_RESERVED_OUTPUTS = range(0xFFF8, 0xFFFF)  # IN_PORT to LOCAL
_TAG = 1 << 16  # behind a tag's TPID comes its TCI
METER_MAX = 0xFFFF0000


def refuse(code: str) -> NoReturn:
    """Raise an error of OpenFlow."""
    raise OpenFlowError(code)


def _place(member: str, bits: int, extra: int = 0) -> tuple[int, int, int]:
    offset = MEMBER_OFFSETS[member] + extra
    return offset // 8, offset % 8 * 8, (1 << bits) - 1


_PLACES = {
    "dl_type": (*_place("dl_type", 16), 0),
    "nw_proto": (*_place("nw_proto", 8), 0),
    "nw_frag": (*_place("nw_frag", 8), 0),
    "packet_type": (*_place("packet_type", 32), 0),
    "ct_state": (*_place("ct_state", 8), 0),
    "ct_state_mask": (*_place("ct_state", 8), 1),
    "tp_src": (*_place("tp_src", 16), 0),
    "tp_dst": (*_place("tp_dst", 16), 0),
    "outer_tci": (*_place("vlans", 16, 2), 0),
    "inner_tci": (*_place("vlans", 16, 6), 0),
}  # place in the flow key, and 0 for the value or 1 for the mask


class Check:
    """The fields of a match that actions depend on, as they are before the next action.

    Most actions depend on few of them, so each is read from the match when it is first asked for.
    """

    dl_type: int
    nw_proto: int
    nw_frag: int
    packet_type: int
    ct_state: int
    ct_state_mask: int
    tp_src: int
    tp_dst: int
    outer_tci: int
    inner_tci: int

    def __init__(self, words: Words, *, table: int = 255, n_tables: int = 255, max_port: int = PORT_MAX) -> None:
        self.words = words
        self.protocols = protocols.ANY
        self.table = table
        self.n_tables = n_tables
        self.max_port = max_port

    def __getattr__(self, name: str) -> int:
        word, shift, mask, part = _PLACES[name]
        pair = self.words.get(word)
        value = pair[part] >> shift & mask if pair is not None else 0
        setattr(self, name, value)
        return value

    @property
    def tci(self) -> list[int]:
        """The tags, outermost first."""
        return [self.outer_tci, self.inner_tci]

    @tci.setter
    def tci(self, tags: list[int]) -> None:
        self.outer_tci, self.inner_tci = tags

    def save(self) -> tuple[int, int, int, list[int]]:
        """What nested actions may change and their end restores."""
        return self.packet_type, self.dl_type, self.nw_proto, self.tci

    def restore(self, saved: tuple[int, int, int, list[int]]) -> None:
        self.packet_type, self.dl_type, self.nw_proto, self.tci = saved

    @property
    def ethertype(self) -> int:
        if self.packet_type == PT_ETH:
            return self.dl_type
        return self.packet_type & 0xFFFF if self.packet_type >> 16 == 1 else _DL_TYPE_NONE

    @property
    def is_ip(self) -> bool:
        return self.ethertype in (ETH_IP, ETH_IPV6)

    @property
    def is_mpls(self) -> bool:
        return self.ethertype in ETH_MPLS

    @property
    def has_vlan(self) -> bool:
        return bool(self.outer_tci & VLAN_PRESENT)

    def inconsistent(self, condition: bool) -> None:
        """Before OpenFlow 1.1 an action that does not fit is kept and does nothing; later it is refused."""
        if condition:
            self.protocols &= protocols.OF10_ANY

    def output(self, port: int) -> None:
        """Can a frame be sent to the port?"""
        if port not in _RESERVED_OUTPUTS and port >= self.max_port:
            refuse("OFPBAC_BAD_OUT_PORT")

    def is_ct_valid(self) -> bool:
        return bool(
            self.ct_state & _CT_ANY_VALID
            or (self.ct_state & _CT_TRACKED and self.ct_state_mask & _CT_INVALID and not self.ct_state & _CT_INVALID)
        )

    def holds(self, prereq: int, *, ct_by_match: bool = True) -> bool:
        """Is what a field needs there? (mf_are_prereqs_ok())"""
        if prereq <= PREREQ_ETHERNET:
            return prereq == PREREQ_NONE or self.packet_type == PT_ETH
        if prereq == PREREQ_VLAN_VID:
            return self.packet_type == PT_ETH and self.has_vlan
        if prereq == PREREQ_CT:
            return self.is_ct_valid() if ct_by_match else bool(self.ct_state & 0x0B)
        ethertypes, proto = _NEEDS[prereq]
        if self.ethertype not in ethertypes or (proto and self.nw_proto != proto):
            return False
        if prereq in (PREREQ_TCP, PREREQ_UDP, PREREQ_SCTP):
            return not self.nw_frag & FRAG_LATER
        if prereq == PREREQ_ND:
            return self.tp_dst == 0 and self.tp_src in (135, 136)
        return self.tp_dst == 0 and self.tp_src == _ND_TYPES[prereq] if prereq in _ND_TYPES else True


_IP = (ETH_IP, ETH_IPV6)
_NEEDS: dict[int, tuple[tuple[int, ...], int]] = {
    PREREQ_ARP: ((ETH_ARP, ETH_RARP), 0),
    PREREQ_IPV4: ((ETH_IP,), 0),
    PREREQ_IPV6: ((ETH_IPV6,), 0),
    PREREQ_IP_ANY: (_IP, 0),
    PREREQ_NSH: ((ETH_NSH,), 0),
    PREREQ_TCP: (_IP, TCP),
    PREREQ_UDP: (_IP, UDP),
    PREREQ_SCTP: (_IP, SCTP),
    PREREQ_ICMPV4: ((ETH_IP,), ICMP),
    PREREQ_ICMPV6: ((ETH_IPV6,), ICMP6),
    PREREQ_ND: ((ETH_IPV6,), ICMP6),
    PREREQ_ND_SOLICIT: ((ETH_IPV6,), ICMP6),
    PREREQ_ND_ADVERT: ((ETH_IPV6,), ICMP6),
    PREREQ_MPLS: (ETH_MPLS, 0),
}
_ND_TYPES = {PREREQ_ND_SOLICIT: 135, PREREQ_ND_ADVERT: 136}
