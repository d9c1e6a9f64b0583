"""Which members of a match need what: what is left of it when the protocol of a field is not matched.

OVS drops those fields without an error (ofputil_normalize_match()).
"""

from __future__ import annotations

from vswitch.openflow.places import mask_of, place, union, wide

ETH_TYPE_IPV4, ETH_TYPE_ARP, ETH_TYPE_RARP, ETH_TYPE_IPV6 = 0x0800, 0x0806, 0x8035, 0x86DD
ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST = 0x8847, 0x8848
ICMP, TCP, UDP, SCTP, ICMP6 = 1, 6, 17, 132, 58
ND_SOLICIT, ND_ADVERT = 135, 136

_NW_ADDRESSES = mask_of(place("nw_src", 32), place("nw_dst", 32))
_TP = mask_of(place("tp_src", 16), place("tp_dst", 16))
_NW_PROTO = mask_of(place("nw_proto", 8))
_IP = mask_of(place("nw_tos", 8), place("nw_ttl", 8))
_SHA, _THA = mask_of(place("arp_sha", 64)), mask_of(place("arp_tha", 64))
_IPV6 = mask_of(*wide("ipv6_src"), *wide("ipv6_dst"), place("ipv6_label", 32))
_ND_TARGET = mask_of(*wide("nd_target"))
_MPLS = mask_of(place("mpls_lse", 64), place("mpls_lse", 64, 8))
_CONDITIONAL = union(_NW_ADDRESSES, _TP, _NW_PROTO, _IP, _SHA, _THA, _IPV6, _ND_TARGET, _MPLS)


def refused_bits(dl_type: int, nw_proto: int, tp_src: int) -> dict[int, int]:
    """The bits of conditional members that a frame of this kind has not, by word of the flow key."""
    allowed = _allowed(dl_type, nw_proto, tp_src)
    found = {word: bits & ~allowed.get(word, 0) for word, bits in _CONDITIONAL.items()}
    return {word: bits for word, bits in found.items() if bits}


def _allowed(dl_type: int, nw_proto: int, tp_src: int) -> dict[int, int]:
    may: list[dict[int, int]] = []
    if dl_type == ETH_TYPE_IPV4:
        may = [_NW_PROTO, _IP, _NW_ADDRESSES]
        if nw_proto in (ICMP, TCP, UDP, SCTP):
            may.append(_TP)
    elif dl_type == ETH_TYPE_IPV6:
        may = [_NW_PROTO, _IP, _IPV6]
        if nw_proto in (TCP, UDP, SCTP, ICMP6):
            may.append(_TP)
        if nw_proto == ICMP6 and tp_src == ND_SOLICIT:
            may += [_ND_TARGET, _SHA]
        if nw_proto == ICMP6 and tp_src == ND_ADVERT:
            may += [_ND_TARGET, _THA]
    elif dl_type in (ETH_TYPE_ARP, ETH_TYPE_RARP):
        may = [_NW_PROTO, _NW_ADDRESSES, _SHA, _THA]
    elif dl_type in (ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST):
        may = [_MPLS]
    return union(*may)
