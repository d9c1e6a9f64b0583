"""Compiled actions and matches by hand, as ofpact.pxd lays them out: for tests below the flow language."""

from __future__ import annotations

import struct

from vswitch.tables.flow_key import MEMBER_OFFSETS

IN_PORT, TABLE, NORMAL, FLOOD, ALL, CONTROLLER, LOCAL, NONE = range(0xFFF8, 0x10000)
ARP, VLAN, IPV4, IPV6, IP_ANY, TCP, UDP, MPLS, L4 = 2, 3, 4, 5, 6, 8, 9, 16, 18
SETS_VLAN, SETS_IN_PORT = 1 << 16, 1 << 17
WIDTHS = {
    "metadata": 64, "in_port": 32, "dl_dst": 48, "dl_src": 48, "dl_type": 16, "nw_src": 32, "nw_dst": 32, "nw_frag": 8,
    "nw_tos": 8, "nw_ttl": 8, "nw_proto": 8, "tp_src": 16, "tp_dst": 16, "pkt_mark": 32, "tun_id": 64, "arp_sha": 48,
    "actset_output": 32,
}  # fmt: skip


def piece(field: str, low: int = 0, n_bits: int | None = None) -> int:
    """word << 16 | shift << 8 | n_bits of a field or a part of it; regN and vlan_tci are known too."""
    if field.startswith("reg"):
        offset, width = MEMBER_OFFSETS["regs"] + 4 * int(field[3:]), 32
    elif field == "vlan_tci":
        offset, width = MEMBER_OFFSETS["vlans"] + 2, 16
    else:
        offset, width = MEMBER_OFFSETS[field], WIDTHS[field]
    return offset // 8 << 16 | (offset % 8 * 8 + low) << 8 | (n_bits or width)


def split(p: int) -> tuple[int, int, int]:
    return p >> 16, p >> 8 & 0xFF, p & 0xFF


def match(**fields: int | tuple[int, int]) -> bytes:
    """Fields as `name=value` or `name=(value, mask)`."""
    words: dict[int, list[int]] = {}
    for name, value in fields.items():
        word, shift, n_bits = split(piece(name))
        mask = (1 << n_bits) - 1
        if isinstance(value, tuple):
            value, mask = value
        entry = words.setdefault(word, [0, 0])
        entry[0] |= value << shift
        entry[1] |= mask << shift
    return b"".join(struct.pack("<QQQ", word, *words[word]) for word in sorted(words))


def action(code: int, arg: int = 0, *words: int, nested: bytes = b"") -> bytes:
    payload = b"".join(struct.pack("<Q", w & (1 << 64) - 1) for w in words) + nested
    return struct.pack("<HHI", code, 8 + len(payload), arg) + payload


def output(port: int, max_len: int = 0) -> bytes:
    return action(1, port, max_len)


def output_reg(field: str, low: int = 0, n_bits: int | None = None) -> bytes:
    return action(2, 0, 0, piece(field, low, n_bits))


def set_field(field: str, value: int, prereq: int = 0, low: int = 0, n_bits: int | None = None) -> bytes:
    word, shift, n = split(piece(field, low, n_bits))
    return action(16, prereq, 1, word, (1 << n) - 1 << shift, value << shift)


def move(src: int, dst: int, src_prereq: int = 0, dst_prereq: int = 0) -> bytes:
    (a, a_shift, n), (b, b_shift, _) = split(src), split(dst)
    return action(17, src_prereq | dst_prereq << 8, 1, a << 32 | b, a_shift << 32 | b_shift << 16 | n)


def push(p: int) -> bytes:
    return action(18, 0, p & 0xFF, 1, p)


def pop(p: int) -> bytes:
    return action(19, 0, p & 0xFF, 1, p)


def push_vlan(tpid: int = 0x8100) -> bytes:
    return action(20, tpid)


def pop_vlan() -> bytes:
    return action(21)


def set_vlan_vid(vid: int, pushes: bool = False) -> bytes:
    return action(22, vid, pushes)


def set_vlan_pcp(pcp: int, pushes: bool = False) -> bytes:
    return action(23, pcp, pushes)


def push_mpls(eth_type: int = 0x8847) -> bytes:
    return action(24, eth_type)


def pop_mpls(eth_type: int = 0x0800) -> bytes:
    return action(25, eth_type)


def dec_ttl(*controllers: int) -> bytes:
    return action(30, 0, len(controllers), *controllers)


def resubmit(table: int = 255, port: int = IN_PORT) -> bytes:
    return action(48, port, table, 0)


def goto_table(table: int) -> bytes:
    return action(49, table)


def write_actions(*nested: bytes) -> bytes:
    return action(50, nested=b"".join(nested))


def clear_actions() -> bytes:
    return action(51)


def write_metadata(value: int, mask: int = (1 << 64) - 1) -> bytes:
    return action(52, 0, value, mask)


def clone(*nested: bytes) -> bytes:
    return action(54, nested=b"".join(nested))


def exit_() -> bytes:
    return action(55)


def multipath(fields: int, basis: int, algorithm: int, n_links: int, arg: int, dst: int) -> bytes:
    return action(58, 0, fields, basis, algorithm, n_links - 1, arg, 1, dst)


def bundle(algorithm: int, fields: int, basis: int, members: list[int], dst: int | None = None) -> bytes:
    pieces = [] if dst is None else [dst]
    return action(8, algorithm, fields, basis, len(pieces), len(members), *pieces, *members)


def check_pkt_larger(length: int, dst: int) -> bytes:
    return action(61, length, dst)


def learn(
    table: int, specs: list[tuple[int, ...]], *, priority: int = 32768, flags: int = 0, idle: int = 0, hard: int = 0,
    fin_idle: int = 0, fin_hard: int = 0, limit: int = 0, result: int = 0,
) -> bytes:  # fmt: skip
    head = (idle, hard, priority, 0, table, fin_idle, fin_hard, limit, result, len(specs))
    return action(56, flags, *head, *(word for spec in specs for word in spec))
