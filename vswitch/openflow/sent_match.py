"""What arrives of a match that is sent to a switch: a format of flows can say less than the words of a match.

ovs-ofctl reads anything; what the chosen format has no place for is lost on the way (OVS nx_put_raw(),
ofputil_match_to_ofp10_match()), and a switch refuses a field whose prerequisites stand nowhere (nx_pull_raw()).
"""

from __future__ import annotations

from vswitch.errors import OpenFlowError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.openflow.normal_match import (
    ETH_TYPE_IPV4,
    ETH_TYPE_IPV6,
    ICMP,
    ICMP6,
    ND_ADVERT,
    ND_SOLICIT,
    SCTP,
    TCP,
    UDP,
)  # fmt: skip
from vswitch.openflow.places import mask_of, place, wide

if TYPE_CHECKING:
    from typing import NoReturn

    from vswitch.openflow.match import Match

ETH_TYPE_NSH = 0x894F
FRAG_LATER = 2
DSCP = 0xFC
VLAN_PRESENT, VLAN_PCP, VLAN_VID_PRESENT = 0x1000, 0xE000, 0x1FFF
CT_NEW, CT_EST, CT_REL, CT_REPLY, CT_INVALID, CT_TRACKED, CT_SNAT, CT_DNAT = (1 << bit for bit in range(8))

_TCI, _TYPE, _PROTO, _FRAG = place("vlans", 16, 2), place("dl_type", 16), place("nw_proto", 8), place("nw_frag", 8)
_LABEL, _TOS = place("ipv6_label", 32), place("nw_tos", 8)
_TP_SRC, _TP_DST, _TCP_FLAGS = place("tp_src", 16), place("tp_dst", 16), place("tcp_flags", 16)
_RESERVED = place("igmp_group_ip4", 32)
_NSH_TTL, _NSH_MDTYPE = place("nsh_ttl", 8), place("nsh_mdtype", 8)
_NSH = mask_of(place("nsh_flags", 32), place("nsh_path_hdr", 32), *(place("nsh_context", 32, 4 * i) for i in range(4)))
_CT_STATE, _CT_PROTO = place("ct_state", 8), place("ct_nw_proto", 8)
_CT_PORTS = (place("ct_tp_src", 16), place("ct_tp_dst", 16))
_CT_TUPLE = mask_of(
    _CT_PROTO, *_CT_PORTS, place("ct_nw_src", 32), place("ct_nw_dst", 32), *wide("ct_ipv6_src"), *wide("ct_ipv6_dst"),
)  # fmt: skip
_ND = mask_of(*wide("nd_target"), place("arp_sha", 64), place("arp_tha", 64))
# What may be lost on the way or refused, beside the ports of ICMP and a tag. Most matches have none of these.
DELICATE = mask_of(place("nw_tos", 2), _FRAG, _LABEL, _TCP_FLAGS, _RESERVED) | _NSH | _CT_TUPLE


def sent_match(match: Match, version: int, is_plain: bool) -> Match:
    """What a switch takes from a flow that is sent in a version of OpenFlow (1 is 1.0).

    Parameters
    ----------
    match : Match
        As it was read; it is not changed.
    is_plain : bool
        It is sent in OpenFlow 1.0's or 1.1's own match, not as fields of NXM or OXM.

    Raises
    ------
    OpenFlowError
        The switch answers with this error.
    """
    sent = match.copy()
    if sent.get(_TCI)[1]:
        _send_tag(sent, version, is_plain)
    if is_plain:
        if version == 2:
            _send_openflow11(sent)
    else:
        _send_network(sent)
        _send_connection(sent)
        _send_nsh(sent)
    return sent


def _refuse(code: str) -> NoReturn:
    raise OpenFlowError(code)


def _send_tag(sent: Match, version: int, is_plain: bool) -> None:
    value, mask = sent.get(_TCI)
    if is_plain:
        if mask & VLAN_PRESENT and not value & VLAN_PRESENT:
            sent.put(_TCI, 0, 0xFFFF)
    elif version >= 3 and mask & VLAN_PCP:  # NXM has a field for all of the tag; OXM has a VID and a priority
        if not value & VLAN_VID_PRESENT:
            sent.put(_TCI, value & ~VLAN_PCP, mask & ~VLAN_PCP)
        elif not value & VLAN_PRESENT:
            _refuse("OFPBMC_BAD_PREREQ")
        else:
            sent.put(_TCI, value, mask | VLAN_PCP | VLAN_PRESENT)


def _send_openflow11(sent: Match) -> None:
    """Its match has no ECN, and ICMP's type and code are a byte each."""
    value, mask = sent.get(_TOS)
    sent.put(_TOS, value & DSCP, mask & DSCP)
    is_icmp = (sent.dl_type(), sent.get(_PROTO)[0]) == (ETH_TYPE_IPV4, ICMP)
    if is_icmp and (sent.get(_TP_SRC)[0] | sent.get(_TP_DST)[0]) > 0xFF:
        _refuse("OFPBMC_BAD_FIELD")


def _send_network(sent: Match) -> None:
    dl_type, (proto, proto_mask) = sent.dl_type(), sent.get(_PROTO)
    is_ip = dl_type in (ETH_TYPE_IPV4, ETH_TYPE_IPV6)
    if not proto_mask:
        proto = -1
    if sent.get(_LABEL)[0] >> 20:
        _refuse("OFPBMC_BAD_VALUE")
    frag, frag_mask = sent.get(_FRAG)
    if frag_mask and not is_ip:
        sent.put(_FRAG, 0, 0)
    ports = (_TP_SRC, _TP_DST)
    if is_ip and frag & FRAG_LATER and proto in (TCP, UDP, SCTP):
        looks_at = (*ports, _TCP_FLAGS) if proto == TCP else ports
        if any(sent.get(each)[1] for each in looks_at):
            _refuse("OFPBMC_BAD_PREREQ")
    is_nd = dl_type == ETH_TYPE_IPV6 and proto == ICMP6 and _is_nd(sent)
    if (dl_type, proto) in ((ETH_TYPE_IPV4, ICMP), (ETH_TYPE_IPV6, ICMP6)):
        for each in ports:
            value, mask = sent.get(each)
            if mask:
                sent.put(each, value & 0xFF, 0xFFFF)
    flags, flags_mask = sent.get(_TCP_FLAGS)
    if flags_mask:
        if is_nd:
            sent.put(_TCP_FLAGS, flags & 0xFF, 0xFFFF)
        elif not is_ip or proto != TCP:
            sent.put(_TCP_FLAGS, 0, 0)
    if not is_nd:
        if sent.get(_RESERVED)[1]:
            sent.put(_RESERVED, 0, 0)
        if proto == ICMP6:
            for word in _ND:
                sent.drop(word)


def _is_nd(sent: Match) -> bool:
    return sent.get(_TP_DST)[0] == 0 and sent.get(_TP_SRC)[0] in (ND_SOLICIT, ND_ADVERT)


def _send_connection(sent: Match) -> None:
    if not sent.looks_at(_CT_TUPLE):
        return
    if not sent.get(_CT_PROTO)[0]:
        for each in (_CT_PROTO, *_CT_PORTS):
            sent.put(each, 0, 0)
        if not sent.looks_at(_CT_TUPLE):
            return
    state, mask = sent.get(_CT_STATE)
    is_tracked = state & CT_TRACKED and mask & CT_INVALID and not state & CT_INVALID
    if not state & (CT_NEW | CT_EST | CT_REL | CT_REPLY | CT_SNAT | CT_DNAT) and not is_tracked:
        _refuse("OFPBMC_BAD_PREREQ")


def _send_nsh(sent: Match) -> None:
    if not sent.looks_at(_NSH):
        return
    mdtype, mask = sent.get(_NSH_MDTYPE)
    if sent.get(_NSH_TTL)[0] > 63 or (mask and mdtype not in (1, 2)):
        _refuse("OFPBMC_BAD_VALUE")
    if sent.dl_type() != ETH_TYPE_NSH:
        _refuse("OFPBMC_BAD_PREREQ")
