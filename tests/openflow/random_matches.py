"""Random matches as text: every field, with the protocol that it needs, exact, with a prefix and with any mask."""

from __future__ import annotations

import random

from vswitch.openflow.fields import FIELDS, Field

# What a field needs of the frame, as words that may stand in front of it.
NEEDS = {
    "arp": ("arp", "rarp"), "vlan": ("dl_vlan=7", "vlan_tci=0x1000/0x1000"), "ipv4": ("ip",), "ipv6": ("ipv6",),
    "ip": ("ip", "ipv6"), "nsh": ("dl_type=0x894f",), "tcp": ("tcp", "tcp6"), "udp": ("udp", "udp6"),
    "sctp": ("sctp", "sctp6"), "icmp": ("icmp",), "icmp6": ("icmp6",),
    "nd": ("icmp6,icmp_type=135,icmp_code=0", "icmp6,icmp_type=136,icmp_code=0"),
    "nd_ns": ("icmp6,icmp_type=135,icmp_code=0",), "nd_na": ("icmp6,icmp_type=136,icmp_code=0",),
    "mpls": ("mpls", "mplsm"), "ct": ("ct_state=+trk+est,ip", "ct_state=+trk+est,ipv6"), "eth": ("",), "-": ("",),
}  # fmt: skip
PREREQS = ("-", "eth", "arp", "vlan", "ipv4", "ipv6", "ip", "nsh", "tcp", "udp", "sctp", "icmp", "icmp6", "nd", "nd_ns",
           "nd_na", "mpls", "ct")  # fmt: skip
# No connection can carry these, or only one that has a map of options; packet_type is for frames without Ethernet.
NEVER = {"tun_ttl", "tun_tos", "skb_priority", "packet_type", "recirc_id", "dp_hash", "tun_erspan_ver",
         "tun_erspan_idx", "tun_erspan_dir", "tun_erspan_hwid"}  # fmt: skip
FRAGS = ("no", "first", "later", "yes", "not_later")
NAMED_FLAGS = {
    "ct_state": ("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"),
    "tcp_flags": ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns"),
    "tun_flags": ("oam",),
}


def random_match(rng: random.Random, field: Field) -> str:
    """A match on the field, and now and then on registers and the like beside it."""
    words = [rng.choice(NEEDS[PREREQS[field.prereq]])]
    if field.name in ("ct_nw_src", "ct_nw_dst", "ct_tp_src", "ct_tp_dst"):
        words = ["ct_state=+trk+est,ip,ct_nw_proto=6"]
    elif field.name.startswith("ct_ipv6"):
        words = ["ct_state=+trk+est,ipv6,ct_nw_proto=6"]
    names = [name for name in (field.name, field.alias) if name]
    words.append(f"{rng.choice(names)}={random_value(rng, field)}")
    if rng.random() < 0.3:
        words.append(f"reg{rng.randrange(16)}={rng.getrandbits(32):#x}/{rng.getrandbits(32):#x}")
    if rng.random() < 0.2:
        words.append(f"in_port={rng.choice(('1', '65279', 'LOCAL', 'controller', '7'))}")
    if rng.random() < 0.2 and field.name not in ("eth_src", "eth_dst", "vlan_tci"):
        words.append(rng.choice(("dl_src=00:01:02:03:04:05", "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00")))
    return ",".join(word for word in words if word)


def random_value(rng: random.Random, field: Field) -> str:
    bits = {"tun_erspan_dir": 1, "arp_op": 8}.get(field.name, field.n_bits)
    value = rng.choice((rng.getrandbits(bits), rng.getrandbits(min(bits, 4)), (1 << bits) - 1, 0))
    if field.kind == "frag":
        return rng.choice(FRAGS)
    if field.kind in NAMED_FLAGS:
        return random_flags(rng, NAMED_FLAGS[field.kind], field.n_bits)
    if field.kind in ("port", "port_oxm"):
        return rng.choice(("1", "2", "65279", "LOCAL", "local", "NONE", "4294967294", "65534"))
    if field.name == "nw_tos":
        value &= 0xFC
    if field.name == "nsh_ttl":
        value &= 63
    if field.name == "nsh_mdtype":
        value = 1
    if field.name == "eth_type":
        value = rng.choice((0x0800, 0x0806, 0x8035, 0x86DD, 0x8847, 0x8848, 0x88CC, 0x05FF, 0x1234))
    how = rng.random()
    if not field.maskable or how < 0.4:
        return written(field, value)
    width = 13 if field.name == "vlan_vid" else bits
    if how < 0.7:  # a prefix
        n = rng.randrange(1, width + 1)
        mask = (1 << n) - 1 << width - n
        if field.kind in ("ipv4", "ipv6") and rng.random() < 0.5:
            return f"{written(field, value)}/{n}"
    else:
        mask = rng.getrandbits(width) or 1
    if field.kind == "dec":
        return f"{value & mask:#x}/{mask:#x}"
    return f"{written(field, value & mask)}/{written(field, mask, is_mask=True)}"


def random_flags(rng: random.Random, names: tuple[str, ...], n_bits: int) -> str:
    chosen = rng.sample(names, rng.randrange(1, len(names) + 1))
    return rng.choice((
        "".join(rng.choice("+-") + name for name in chosen),
        "|".join(chosen),
        f"{1 << names.index(chosen[0]):#x}",
        "0x1/0x1",
    ))  # fmt: skip


def written(field: Field, number: int, *, is_mask: bool = False) -> str:
    if field.kind == "mac":
        return ":".join(f"{number >> shift & 0xFF:02x}" for shift in range(40, -8, -8))
    if field.kind == "ipv4":
        return ".".join(str(number >> shift & 0xFF) for shift in range(24, -8, -8))
    if field.kind == "ipv6":
        text = ":".join(f"{number >> shift & 0xFFFF:x}" for shift in range(112, -16, -16))
        return text if text[0] in "abcdef" or not is_mask else f"f{text[text.index(':') :]}"
    return f"{number:#x}" if field.kind == "hex" else str(number)


def random_matches(seed: int, per_field: int) -> list[str]:
    rng = random.Random(seed)
    wanted = [field for field in FIELDS if field.name not in NEVER and field.n_bits <= 128]
    return [random_match(rng, field) for field in wanted for _ in range(per_field)]
