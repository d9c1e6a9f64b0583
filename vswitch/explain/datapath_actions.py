"""Open vSwitch's datapath actions as text, from two states of a flow key (format_odp_actions() of lib/odp-util.c)."""

from __future__ import annotations

import re

from vswitch.openflow.match import Match
from vswitch.openflow.text import Names
from vswitch.openflow.tlv_map import TlvMap
from vswitch.switch.ip_addresses import IPV4_MAPPED
from vswitch.tables.flow_key import MEMBER_OFFSETS

Words = dict[int, int]
_BITS = {
    "metadata": 64, "in_port": 32, "actset_output": 32, "pkt_mark": 32, "dp_hash": 32, "dl_dst": 48,
    "dl_src": 48, "dl_type": 16, "nw_src": 32, "nw_dst": 32, "ipv6_label": 32, "nw_frag": 8, "nw_tos": 8,
    "nw_ttl": 8, "nw_proto": 8, "tcp_flags": 16, "tp_src": 16, "tp_dst": 16, "arp_sha": 48, "arp_tha": 48,
    "igmp_group_ip4": 32, "tun_flags": 16, "tun_tos": 8, "tun_ttl": 8, "tun_id": 64, "tun_src": 32, "tun_dst": 32,
}  # fmt: skip
IPV4, IPV6, ARP, RARP, MPLS, MPLS_MCAST = 0x0800, 0x86DD, 0x0806, 0x8035, 0x8847, 0x8848
TCP, UDP, ICMP, ICMPV6, SCTP = 6, 17, 1, 58, 132
ND_TYPES = (135, 136)  # neighbour solicitation, advertisement
_TRANSPORT = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}
_PRESENT = 0x1000
_WIDE = ("ipv6_src", "ipv6_dst", "nd_target")
TUN_KEY = 8  # tun_flags: there is a key
_KEPT = ("pkt_mark", "skb_priority")


def word(name: str) -> tuple[int, int, int]:
    """Word, shift and bits of a member of the flow key; ``vlan_tci`` is the outer tag's."""
    if name == "vlan_tci":
        offset, bits = MEMBER_OFFSETS["vlans"] + 2, 16
    elif name.startswith("mpls_lse"):
        offset, bits = MEMBER_OFFSETS["mpls_lse"] + 4 * int(name[8:]), 32
    else:
        offset, bits = MEMBER_OFFSETS[name], _BITS[name]
    return offset // 8, offset % 8 * 8, bits


def words(name: str) -> list[tuple[int, int, int]]:
    """As `word`, also for a member of 128 bits, which has two."""
    if name in _WIDE:
        at = MEMBER_OFFSETS[name] // 8
        return [(at, 0, 64), (at + 1, 0, 64)]
    return [word(name)]


def get(key: Words, name: str) -> int:
    """A member's value."""
    at, shift, bits = word(name)
    return key.get(at, 0) >> shift & (1 << bits) - 1


def put(key: Words, name: str, value: int) -> None:
    """Gives a member a value."""
    at, shift, bits = word(name)
    key[at] = key.get(at, 0) & ~((1 << bits) - 1 << shift) | value << shift


def _wide(key: Words, name: str) -> int:
    at = MEMBER_OFFSETS[name] // 8
    return key.get(at, 0) << 64 | key.get(at + 1, 0)


def put_wide(key: Words, name: str, value: int) -> None:
    """Gives a member of 128 bits a value."""
    at = MEMBER_OFFSETS[name] // 8
    key[at], key[at + 1] = value >> 64, value & (1 << 64) - 1


def copy_wide(key: Words, name: str, to: Words, to_name: str) -> None:
    """Gives a member of 128 bits the value of another."""
    put_wide(to, to_name, _wide(key, name))


def address(key: Words, ipv4: str, ipv6: str) -> int:
    """The address in one of two members, as a number of 128 bits: IPv4 mapped, 0 for none."""
    return IPV4_MAPPED | get(key, ipv4) if get(key, ipv4) else _wide(key, ipv6)


def tags(key: Words) -> int:
    """The tags as TPID << 16 | PCP << 13 | VID, the outer one in the low half, as vlan.pxd has them."""
    at = key.get(MEMBER_OFFSETS["vlans"] // 8, 0)
    out = 0
    for i in range(2):
        tpid, tci = at >> 32 * i & 0xFFFF, at >> 32 * i + 16 & 0xFFFF
        if not tci & _PRESENT:
            break
        out |= (tpid << 16 | tci & ~_PRESENT) << 32 * i
    return out


def set_tags(key: Words, stack: int) -> None:
    """The reverse of `tags`."""
    at = 0
    for i in range(2):
        tag = stack >> 32 * i & 0xFFFFFFFF
        if tag:
            at |= (tag >> 16 | (tag & 0xFFFF | _PRESENT) << 16) << 32 * i
    key[MEMBER_OFFSETS["vlans"] // 8] = at


def packet_fields(key: Words) -> Words:
    """What of a key is in the frame."""
    first, last = MEMBER_OFFSETS["dl_dst"] // 8, MEMBER_OFFSETS["ct_nw_src"] // 8
    return {at: value for at, value in key.items() if first <= at < last}


def behind_patch(key: Words, ofport: int) -> Words:
    """The key with which a frame enters the next bridge."""
    out = packet_fields(key)
    at, shift, bits = word("pkt_mark")
    out[at] = key.get(at, 0) & ((1 << bits) - 1) << shift
    at, shift, _ = word("in_port")
    out[at] = ofport << shift
    return out


def flow_text(key: Words, names: Names, options: TlvMap) -> str:
    """A whole key as flow_format() prints it: every field that the frame has, and metadata that is not zero."""
    seen: Words = {}

    def see(*members: str) -> None:
        for name in members:
            at, shift, bits = word(name)
            seen[at] = seen.get(at, 0) | (1 << bits) - 1 << shift

    def see_wide(*members: str) -> None:
        for name in members:
            at = MEMBER_OFFSETS[name] // 8
            seen[at] = seen[at + 1] = (1 << 64) - 1

    see("dl_dst", "dl_src", "dl_type", "vlan_tci")
    if get(key, "vlan_tci"):
        seen[MEMBER_OFFSETS["vlans"] // 8] |= 0xFFFF << 48  # the second tag's, too
    if get(key, "in_port"):
        see("in_port")
    for at in range(MEMBER_OFFSETS["dl_dst"] // 8):
        for half in (0, 32):
            offset = 8 * at + half // 8
            if offset in (MEMBER_OFFSETS["actset_output"], MEMBER_OFFSETS["in_port"], MEMBER_OFFSETS["packet_type"]):
                continue
            if key.get(at, 0) >> half & 0xFFFFFFFF:
                seen[at] = seen.get(at, 0) | 0xFFFFFFFF << half
    if key.get(0, 0):
        seen[0] = (1 << 64) - 1
    is_tunnelled = bool(address(key, "tun_dst", "tun_ipv6_dst"))
    if is_tunnelled:
        for at in range(MEMBER_OFFSETS["tun_flags"] // 8, MEMBER_OFFSETS["tun_metadata_present"] // 8):
            seen[at] = (1 << 64) - 1
        if not get(key, "tun_flags") & TUN_KEY:
            del seen[MEMBER_OFFSETS["tun_id"] // 8]
    elif get(key, "tun_id"):
        see("tun_id")
    kind, proto = get(key, "dl_type"), get(key, "nw_proto")
    if kind in (IPV4, IPV6):
        see("nw_tos", "nw_ttl", "nw_frag", "nw_proto")
        if kind == IPV4:
            see("nw_src", "nw_dst")
        else:
            see_wide("ipv6_src", "ipv6_dst")
            see("ipv6_label")
            if proto == ICMPV6 and get(key, "tp_src") in ND_TYPES and get(key, "tp_dst") == 0:
                see("arp_sha", "arp_tha")
                see_wide("nd_target")
        if get(key, "nw_frag") & 2:
            proto = 0  # later fragments have no transport header
        if proto in _TRANSPORT or proto in (ICMP, ICMPV6):
            see("tp_src", "tp_dst")
        if proto == TCP:
            see("tcp_flags")
    elif kind in (ARP, RARP):
        see("nw_src", "nw_dst", "nw_proto", "arp_sha", "arp_tha")
    elif kind in (MPLS, MPLS_MCAST):
        see(*(f"mpls_lse{i}" for i in range(max(1, len(_labels(key))))))
    match = Match({at: (key.get(at, 0) & bits, bits) for at, bits in seen.items()})
    if is_tunnelled:
        match.options.update(options.read(key))
    return match.format(names)


def differences(old: Words, new: Words) -> list[str]:
    """What makes a frame with the key `old` one with the key `new`, in commit_odp_actions()'s order."""
    out = []
    if (get(old, "dl_src"), get(old, "dl_dst")) != (get(new, "dl_src"), get(new, "dl_dst")):
        out.append(_set("eth", new, old, [("src", "dl_src"), ("dst", "dl_dst")]))
    was_mpls, is_mpls = (get(key, "dl_type") in (MPLS, MPLS_MCAST) for key in (old, new))
    if was_mpls and not is_mpls:
        out += _mpls(old, new)
    if get(old, "nw_proto") and get(new, "nw_proto"):
        out += _network(old, new)
    if not (was_mpls and not is_mpls):
        out += _mpls(old, new)
    out += _vlans(tags(old), tags(new))
    if get(old, "pkt_mark") != get(new, "pkt_mark"):
        out.append(f"set(skb_mark({get(new, 'pkt_mark'):#x}))")
    return out


def _network(old: Words, new: Words) -> list[str]:
    out = []
    kind, proto = get(old, "dl_type"), get(new, "nw_proto")
    fields: list[tuple[str, str]] = []
    if kind == IPV4:
        name, fields = "ipv4", [("src", "nw_src"), ("dst", "nw_dst"), ("tos", "nw_tos"), ("ttl", "nw_ttl")]
    elif kind == IPV6:
        name = "ipv6"
        fields = [
            ("src", "ipv6_src"),
            ("dst", "ipv6_dst"),
            ("label", "ipv6_label"),
            ("tclass", "nw_tos"),
            ("hlimit", "nw_ttl"),
        ]
    elif kind == ARP:
        name = "arp"
        fields = [("sip", "nw_src"), ("tip", "nw_dst"), ("op", "nw_proto"), ("sha", "arp_sha"), ("tha", "arp_tha")]
    if fields and any(_value(old, member) != _value(new, member) for _, member in fields):
        out.append(_set(name, new, old, fields))
    if kind in (IPV4, IPV6):
        ports = [("src", "tp_src"), ("dst", "tp_dst")]
        name = _TRANSPORT.get(proto, "")
        if proto in (ICMP, ICMPV6):
            name, ports = "icmp" if proto == ICMP else "icmpv6", [("type", "tp_src"), ("code", "tp_dst")]
        if name and any(get(old, member) != get(new, member) for _, member in ports):
            out.append(_set(name, new, old, ports))
    return out


def _value(key: Words, member: str) -> int:
    return _wide(key, member) if member in _WIDE else get(key, member)


def _set(name: str, new: Words, old: Words, fields: list[tuple[str, str]]) -> str:
    parts = []
    for label, member in fields:
        value = _value(new, member)
        if value != _value(old, member):
            parts.append(f"{label}={_number(member, value)}")
    return f"set({name}({','.join(parts)}))"


def _number(member: str, value: int) -> str:
    if member.startswith("dl_") or member.endswith("ha"):
        return value.to_bytes(6).hex(":")
    if member in ("nw_src", "nw_dst"):
        return ".".join(map(str, value.to_bytes(4)))
    if member.startswith("ipv6_s") or member.startswith("ipv6_d"):
        from ipaddress import IPv6Address

        return str(IPv6Address(value))
    return f"{value:#x}" if member in ("nw_tos", "ipv6_label") else str(value)


def _mpls(old: Words, new: Words) -> list[str]:
    a, b = _labels(old), _labels(new)
    common = 0
    while common < min(len(a), len(b)) and a[-1 - common] == b[-1 - common]:
        common += 1
    out = []
    kind = get(new, "dl_type")
    while len(a) > common:
        if len(a) - 1 == common and len(b) > common:
            lse = b[len(b) - len(a)]
            out.append(f"set(mpls({_lse(lse)}))")
            a[0] = lse
            common += 1
        else:
            to = MPLS if kind not in (MPLS, MPLS_MCAST) and len(a) > 1 else kind
            out.append(f"pop_mpls(eth_type={to:#x})")
            del a[0]
    for lse in reversed(b[: len(b) - len(a)]):
        out.append(f"push_mpls({_lse(lse)},eth_type={kind:#x})")
    return out


def _labels(key: Words) -> list[int]:
    if get(key, "dl_type") not in (MPLS, MPLS_MCAST):
        return []
    out = []
    for i in range(3):
        out.append(get(key, f"mpls_lse{i}"))
        if out[-1] & 0x100:
            break
    return out


def _lse(lse: int) -> str:
    return f"label={lse >> 12},tc={lse >> 9 & 7},ttl={lse & 0xFF},bos={lse >> 8 & 1}"


def _vlans(old: int, new: int) -> list[str]:
    a = [tag for tag in (old & 0xFFFFFFFF, old >> 32) if tag]
    b = [tag for tag in (new & 0xFFFFFFFF, new >> 32) if tag]
    while a and b and a[-1] == b[-1]:
        del a[-1], b[-1]
    out = ["pop_vlan"] * len(a)
    for tag in reversed(b):
        tpid = "" if tag >> 16 == 0x8100 else f"tpid={tag >> 16:#06x},"
        out.append(f"push_vlan({tpid}vid={tag & 0xFFF},pcp={tag >> 13 & 7})")
    return out


def hexadecimal(number: int) -> str:
    """As C's %#x."""
    return f"{number:#x}" if number else "0"


def joined(actions: list[str]) -> str:
    return ",".join(actions) or "drop"


def without_last_clone(actions: list[str]) -> list[str]:
    """A copy is not needed where nothing follows (xlate_optimize_odp_actions())."""
    if actions and actions[-1].startswith("clone("):
        return [*actions[:-1], actions[-1].removeprefix("clone(").removesuffix(")")]
    return actions


def forget_absent(mask: Words, key: Words) -> None:
    """Takes out of a megaflow's mask what the frame did not have when it came (xlate_wc_finish())."""
    at = MEMBER_OFFSETS["vlans"] // 8
    for i in range(2):
        if not key.get(at, 0) >> 32 * i & 0xFFFF:
            mask[at] = mask.get(at, 0) & ~(0xFFFFFFFF << 32 * i)
    if get(key, "dl_type") not in (MPLS, MPLS_MCAST):
        for i in range(3):
            put(mask, f"mpls_lse{i}", 0)
    if not address(key, "tun_dst", "tun_ipv6_dst"):
        for at in [at for at in mask if at >= MEMBER_OFFSETS["tun_flags"] // 8]:
            del mask[at]


def with_masks(text: str, megaflow: Words) -> str:
    """The actions with the mask of a type of service of which only a part is written."""
    mask = get(megaflow, "nw_tos")
    if mask in (0, 0xFF):
        return text
    pattern = r"(set\(ipv[46]\((?:[^()]*,)?(?:tos|tclass))=(0x[0-9a-f]+)"
    return re.sub(pattern, lambda m: f"{m[1]}={int(m[2], 16) & mask:#x}/{mask:#x}", text)
