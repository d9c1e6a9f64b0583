"""The family ``ovs-appctl bond/...``: what bonds do, and who is active.

Texts are those of ofproto/bond.c. Bonds are listed in the order in which they were made (in OVS it is arbitrary).
"""

from __future__ import annotations

import re

from vswitch.ovs.outcome import Refused, atoi
from vswitch.switch.protocols import BondLike, BondMember, NodeLike

_MAC = re.compile(r"\s*" + ":".join([r"\s*([0-9a-fA-F]{1,2})"] * 6), re.ASCII)


def bond_list(node: NodeLike, arguments: list[str]) -> str:
    text = "bond\ttype\trecircID\tmembers\n"
    for bond in node.bonds():
        names = ", ".join(member.name for member in bond.members())
        text += f"{bond.name}\t{bond.mode}\t{bond.recirc_id}\t{names}\n"
    return text


def bond_show(node: NodeLike, arguments: list[str]) -> str:
    bonds = [_bond(node, arguments[0])] if arguments else node.bonds()
    return "".join(_details(bond) for bond in bonds)


def bond_migrate(node: NodeLike, arguments: list[str]) -> str:
    bond = _bond(node, arguments[0])
    if bond.mode != "balance-slb":
        raise Refused("not an SLB bond")
    if not re.fullmatch("[0-9]*", arguments[1], re.ASCII):
        raise Refused("bad hash")
    member = _member(bond, arguments[2])
    if not member.is_enabled:
        raise Refused("cannot migrate to disabled member")
    bond.migrate(atoi(arguments[1]) % 256, member.name)
    return "migrated"


def bond_set_active_member(node: NodeLike, arguments: list[str]) -> str:
    bond = _bond(node, arguments[0])
    member = _member(bond, arguments[1])
    if not member.is_enabled:
        raise Refused("cannot make disabled member active")
    return "done" if bond.set_active(member.name) else "no change"


def bond_enable_member(node: NodeLike, arguments: list[str]) -> str:
    bond = _bond(node, arguments[0])
    bond.enable(_member(bond, arguments[1]).name, True)
    return "enabled"


def bond_disable_member(node: NodeLike, arguments: list[str]) -> str:
    bond = _bond(node, arguments[0])
    bond.enable(_member(bond, arguments[1]).name, False)
    return "disabled"


def bond_hash(node: NodeLike, arguments: list[str]) -> str:
    from vswitch.datapath.bonds import bond_hash as bucket_of

    vlan, basis = (_unsigned(arguments, i, name) for i, name in ((1, "vlan"), (2, "basis")))
    mac = _MAC.match(arguments[0])
    if mac is None:
        raise Refused("invalid mac")
    return str(bucket_of(int.from_bytes(int(octet, 16) for octet in mac.groups()), vlan & 0xFFFF, basis))


def _unsigned(arguments: list[str], index: int, name: str) -> int:
    if index >= len(arguments):
        return 0
    if not re.match(r"\s*[+-]?[0-9]", arguments[index], re.ASCII):
        raise Refused(f"invalid {name}")
    return atoi(arguments[index]) & 0xFFFFFFFF


def _bond(node: NodeLike, name: str) -> BondLike:
    bond = next((bond for bond in node.bonds() if bond.name == name), None)
    if bond is None:
        raise Refused("no such bond")
    return bond


def _member(bond: BondLike, name: str) -> BondMember:
    member = next((member for member in bond.members() if member.name == name), None)
    if member is None:
        raise Refused("no such member")
    return member


def _details(bond: BondLike) -> str:
    settings = bond.settings
    members = sorted(bond.members(), key=lambda member: member.name.encode())
    is_tcp = bond.mode == "balance-tcp"
    lb_output = is_tcp and settings.lb_output
    primary = settings.primary
    if primary is None:
        primary = "<none>"
    elif primary not in {member.name for member in members}:
        primary += " (no such member)"
    active = next((member for member in members if member.name == bond.active), None)
    mac = (active.hwaddr if active is not None else 0).to_bytes(6).hex(":")
    lines = [
        f"---- {bond.name} ----",
        f"bond_mode: {bond.mode}",
        f"bond may use recirculation: {'yes' if is_tcp else 'no'}, Recirc-ID : {bond.recirc_id if is_tcp else -1}",
        f"bond-hash-basis: {settings.hash_basis}",
        f"lb_output action: {'enabled' if lb_output else 'disabled'}, bond-id: {bond.recirc_id if lb_output else -1}",
        *([f"all members active: {_bool(settings.all_members_active)}"] if bond.mode == "balance-slb" else []),
        f"updelay: {settings.updelay_ms} ms",
        f"downdelay: {settings.downdelay_ms} ms",
        *([] if bond.next_rebalance_ms is None else [f"next rebalance: {bond.next_rebalance_ms} ms"]),
        "lacp_status: off",
        f"lacp_fallback_ab: {_bool(settings.lacp_fallback_ab)}",
        f"active-backup primary: {primary}",
        f"active member mac: {mac}({active.name if active is not None else 'none'})",
    ]
    for member in members:
        lines += ["", f"member {member.name}: {'enabled' if member.is_enabled else 'disabled'}"]
        if member.name == bond.active:
            lines.append("  active member")
        if member.delay_ms is not None:
            lines.append(f"  {'downdelay' if member.is_enabled else 'updelay'} expires in {member.delay_ms} ms")
        lines.append(f"  may_enable: {_bool(member.has_link)}")
        if bond.next_rebalance_ms is not None:
            lines += [f"  hash {bucket}: {n // 1024} kB load" for bucket, n in member.load.items() if n >= 1024]
    return "\n".join([*lines, "", ""])


def _bool(value: bool) -> str:
    return "true" if value else "false"
