"""The slow and obvious twin of flow key extraction: one function a layer, slices and int.from_bytes.

Written from the RFCs and OVS's rules for what does not fit; `extract(frame, vlan_limit)` gives the fields that are
not zero, by name.
"""

from __future__ import annotations

from typing import Any

VLAN_PRESENT = 0x1000
FRAG_ANY, FRAG_LATER = 1, 2
EXTENSIONS = {0, 43, 44, 51, 60}


def number(data: bytes, start: int, n: int) -> int:
    return int.from_bytes(data[start : start + n], "big")


def extract(frame: bytes, vlan_limit: int) -> dict[str, Any]:
    key: dict[str, Any] = {}
    if len(frame) >= 14:
        key["dl_dst"], key["dl_src"] = number(frame, 0, 6), number(frame, 6, 6)
        rest = ethertype(frame[12:], vlan_limit, key)
        layer3 = {0x0800: ipv4, 0x86DD: ipv6, 0x0806: arp, 0x8035: arp, 0x8847: mpls, 0x8848: mpls, 0x894F: nsh}
        layer3.get(key["dl_type"], lambda *_: None)(rest, key)
    return {name: value for name, value in key.items() if value}


def ethertype(data: bytes, vlan_limit: int, key: dict[str, Any]) -> bytes:
    """Takes tags and the type away; returns what follows."""
    vlans = []
    while len(vlans) < vlan_limit and number(data, 0, 2) in (0x8100, 0x88A8) and len(data) >= 6:
        vlans.append((number(data, 0, 2), number(data, 2, 2) | VLAN_PRESENT))
        data = data[4:]
    if vlans:
        key["vlans"] = tuple([*vlans, (0, 0)][:2])
    key["dl_type"], data = number(data, 0, 2), data[2:]
    if key["dl_type"] < 0x600:
        key["dl_type"] = 0x05FF
        if len(data) >= 8 and data[:6] == bytes.fromhex("aaaa03000000"):
            if number(data, 6, 2) >= 0x600:
                key["dl_type"] = number(data, 6, 2)
            data = data[8:]
    return data


def mpls(data: bytes, key: dict[str, Any]) -> None:
    stack = []
    while len(data) >= 4 and not (stack and stack[-1] & 0x100):
        stack.append(number(data, 0, 4))
        data = data[4:]
    if stack and any(stack[:3]):
        key["mpls_lse"] = tuple([*stack, 0, 0][:3])


def arp(data: bytes, key: dict[str, Any]) -> None:
    if len(data) < 28 or data[:6] != bytes.fromhex("000108000604"):
        return
    key["nw_src"], key["nw_dst"] = number(data, 14, 4), number(data, 24, 4)
    key["arp_sha"], key["arp_tha"] = number(data, 8, 6), number(data, 18, 6)
    if number(data, 6, 2) <= 255:
        key["nw_proto"] = number(data, 6, 2)


def nsh(data: bytes, key: dict[str, Any]) -> None:
    if len(data) < 8:
        return
    length, md_type = (data[1] & 0x3F) * 4, data[2]
    if data[0] >> 6 != 0 or length > len(data) or (md_type == 1 and length != 24) or (md_type == 2 and length < 8):
        return
    key["nsh_flags"], key["nsh_ttl"] = data[0] >> 4 & 3, number(data, 0, 2) >> 6 & 0x3F
    key["nsh_mdtype"], key["nsh_np"], key["nsh_path_hdr"] = md_type, data[3], number(data, 4, 4)
    if md_type == 1 and any(data[8:24]):
        key["nsh_context"] = tuple(number(data, 8 + 4 * i, 4) for i in range(4))


def ipv4(data: bytes, key: dict[str, Any]) -> None:
    if len(data) < 20:
        return
    header_len, total_len = (data[0] & 15) * 4, number(data, 2, 2)
    if not 20 <= header_len <= total_len <= len(data) or len(data) - total_len > 0xFFFF:
        return
    key["nw_src"], key["nw_dst"] = number(data, 12, 4), number(data, 16, 4)
    key["nw_tos"], key["nw_ttl"], key["nw_proto"] = data[1], data[8], data[9]
    more, offset = number(data, 6, 2) & 0x2000, number(data, 6, 2) & 0x1FFF
    key["nw_frag"] = FRAG_ANY | FRAG_LATER if offset else FRAG_ANY if more else 0
    if not offset:
        transport(data[header_len:total_len], key)


def ipv6(data: bytes, key: dict[str, Any]) -> None:
    if len(data) < 40 or number(data, 4, 2) > len(data) - 40 or len(data) - 40 - number(data, 4, 2) > 0xFFFF:
        return
    key["ipv6_src"], key["ipv6_dst"] = number(data, 8, 16), number(data, 24, 16)
    proto, frag, rest = data[6], 0, data[40 : 40 + number(data, 4, 2)]
    while proto in EXTENSIONS and not frag & FRAG_LATER:
        if len(rest) < 8:
            return
        length = {44: 8, 51: (rest[1] + 2) * 4}.get(proto, (rest[1] + 1) * 8)
        if length > len(rest):
            return
        if proto == 44 and number(rest, 2, 2):
            frag = FRAG_ANY | FRAG_LATER if number(rest, 2, 2) & 0xFFF8 else FRAG_ANY
        proto = 44 if frag & FRAG_LATER else rest[0]
        rest = rest[length:]
    key["ipv6_label"], key["nw_tos"] = number(data, 0, 4) & 0xFFFFF, number(data, 0, 4) >> 20 & 0xFF
    key["nw_ttl"], key["nw_proto"], key["nw_frag"] = data[7], proto, frag
    if not frag & FRAG_LATER:
        transport(rest, key)


def transport(data: bytes, key: dict[str, Any]) -> None:
    proto = key["nw_proto"]
    if proto == 6:
        if len(data) >= 20 and 20 <= (data[12] >> 4) * 4 <= len(data):
            key["tp_src"], key["tp_dst"] = number(data, 0, 2), number(data, 2, 2)
            key["tcp_flags"] = number(data, 12, 2) & 0xFFF
    elif (proto == 17 and len(data) >= 8) or (proto == 132 and len(data) >= 12):
        key["tp_src"], key["tp_dst"] = number(data, 0, 2), number(data, 2, 2)
    elif proto in (1, 2, 58) and len(data) >= 8:
        key["tp_src"], key["tp_dst"] = data[0], data[1]
        if proto == 2:
            key["igmp_group_ip4"] = number(data, 4, 4)
        elif proto == 58 and data[0] in (135, 136) and data[1] == 0:
            neighbour_discovery(data, key)


def neighbour_discovery(data: bytes, key: dict[str, Any]) -> None:
    key["igmp_group_ip4"] = number(data, 4, 4)
    if len(data) < 24:
        return
    key["nd_target"], key["arp_sha"], key["arp_tha"], key["tcp_flags"] = number(data, 8, 16), 0, 0, 0
    rest = data[24:]
    while len(rest) >= 8 and 0 < rest[1] * 8 <= len(rest):
        field = {1: "arp_sha", 2: "arp_tha"}.get(rest[0])
        if field and rest[1] == 1:
            if key[field]:
                key["nd_target"] = key["arp_sha"] = key["arp_tha"] = 0
                return
            key[field] = number(rest, 2, 6)
            key["tcp_flags"] = key["tcp_flags"] or rest[0]
        rest = rest[rest[1] * 8 :]
