"""Flow keys and matches as text, in the words and the order of OVS (`match_format`).

A match is two mappings of the names that `FlowKey.fields()` has: the values, and the mask that says which of their
bits count. A field whose mask is zero is not printed; one that is masked in part is printed as ``value/mask``.
An extracted flow is printed as a match on all that its kind of frame has (`mask_for_packet`).
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.wire.addresses import ipv4_text, ipv6_text, mac_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Fields = Mapping[str, Any]  # field name → int, or tuple for regs, vlans, mpls_lse, nsh_context

ETH_TYPE_IPV4 = 0x0800
ETH_TYPE_ARP = 0x0806
ETH_TYPE_RARP = 0x8035
ETH_TYPE_IPV6 = 0x86DD
ETH_TYPE_MPLS = 0x8847
ETH_TYPE_MPLS_MCAST = 0x8848
ETH_TYPE_NSH = 0x894F
IP_PROTO_ICMP = 1
IP_PROTO_IGMP = 2
IP_PROTO_TCP = 6
IP_PROTO_UDP = 17
IP_PROTO_ICMP6 = 58
IP_PROTO_SCTP = 132

ALL_8, ALL_16, ALL_32, ALL_48, ALL_64, ALL_128 = ((1 << n) - 1 for n in (8, 16, 32, 48, 64, 128))
VLAN_PRESENT, VLAN_VID, VLAN_PCP = 0x1000, 0x0FFF, 0xE000
FRAG_ANY, FRAG_LATER = 1, 2
ND_TYPES = (135, 136)
NSH_MD_TYPE1 = 1
IPV6_LABEL = 0xFFFFF
MPLS_LABEL, MPLS_TC, MPLS_BOS, MPLS_TTL = 0xFFFFF000, 0xE00, 0x100, 0xFF

RESERVED_PORTS = {  # OFPP_ values of OpenFlow 1.0, which flow keys hold
    0xFFF7: "UNSET", 0xFFF8: "IN_PORT", 0xFFF9: "TABLE", 0xFFFA: "NORMAL", 0xFFFB: "FLOOD", 0xFFFC: "ALL",
    0xFFFD: "CONTROLLER", 0xFFFE: "LOCAL", 0xFFFF: "ANY",
}  # fmt: skip
TUN_FLAGS = {1: "oam", 2: "df", 4: "csum", 8: "key"}
TUN_FLAGS_MASK = 0xF
CT_STATES = {1: "new", 2: "est", 4: "rel", 8: "rpl", 16: "inv", 32: "trk", 64: "snat", 128: "dnat"}
TCP_FLAGS = {
    1: "fin", 2: "syn", 4: "rst", 8: "psh", 16: "ack", 32: "urg", 64: "ece", 128: "cwr", 256: "ns",
    512: "[200]", 1024: "[400]", 2048: "[800]",
}  # fmt: skip
PROTO_WORDS = {  # the word that stands for dl_type and nw_proto together
    ETH_TYPE_IPV4: {IP_PROTO_ICMP: "icmp", IP_PROTO_TCP: "tcp", IP_PROTO_UDP: "udp", IP_PROTO_SCTP: "sctp"},
    ETH_TYPE_IPV6: {IP_PROTO_ICMP6: "icmp6", IP_PROTO_TCP: "tcp6", IP_PROTO_UDP: "udp6", IP_PROTO_SCTP: "sctp6"},
}
TYPE_WORDS = {
    ETH_TYPE_IPV4: "ip", ETH_TYPE_IPV6: "ipv6", ETH_TYPE_ARP: "arp", ETH_TYPE_RARP: "rarp", ETH_TYPE_MPLS: "mpls",
    ETH_TYPE_MPLS_MCAST: "mplsm",
}  # fmt: skip


def format_flow(key: Any, port_name: Callable[[int], str] | None = None) -> str:
    """The text that OVS prints for an extracted flow (`flow_format`), as in ``ovs-ofctl parse-pcap``.

    Parameters
    ----------
    key : FlowKey
        What was extracted.
    port_name : callable, optional
        Turns a port number into a name; reserved ports have theirs anyway.
    """
    fields = key.fields()
    return format_match(fields, mask_for_packet(fields), port_name)


def mask_for_packet(flow: Fields) -> dict[str, Any]:
    """All bits of the fields that a frame of this kind has; of the metadata, those that are not zero."""
    mask: dict[str, Any] = {name: ALL_32 for name in METADATA_32 if flow[name]}
    mask.update({name: full for name, full in METADATA_OTHER.items() if flow[name]})
    mask["regs"] = tuple(ALL_32 if value else 0 for value in flow["regs"])
    mask.update(dl_dst=ALL_48, dl_src=ALL_48, dl_type=ALL_16, vlans=mask_for_vlans(flow))
    dl_type = flow["dl_type"]
    if dl_type == ETH_TYPE_IPV4:
        mask.update(nw_src=ALL_32, nw_dst=ALL_32)
    elif dl_type == ETH_TYPE_IPV6:
        mask.update(ipv6_src=ALL_128, ipv6_dst=ALL_128, ipv6_label=ALL_32)
        if flow["nw_proto"] == IP_PROTO_ICMP6 and flow["tp_src"] in ND_TYPES and flow["tp_dst"] == 0:
            mask.update(arp_sha=ALL_48, arp_tha=ALL_48, nd_target=ALL_128)
    elif dl_type in (ETH_TYPE_ARP, ETH_TYPE_RARP):
        return mask | {"nw_src": ALL_32, "nw_dst": ALL_32, "nw_proto": ALL_8, "arp_sha": ALL_48, "arp_tha": ALL_48}
    elif dl_type in (ETH_TYPE_MPLS, ETH_TYPE_MPLS_MCAST):
        return mask | {"mpls_lse": mask_for_mpls(flow)}
    elif dl_type == ETH_TYPE_NSH:
        mask.update(nsh_flags=ALL_8, nsh_ttl=ALL_8, nsh_mdtype=ALL_8, nsh_np=ALL_8, nsh_path_hdr=ALL_32)
        mask["nsh_context"] = (ALL_32,) * 4
    else:
        return mask

    mask.update(nw_frag=FRAG_ANY | FRAG_LATER, nw_tos=ALL_8, nw_ttl=ALL_8, nw_proto=ALL_8)
    if not flow["nw_frag"] & FRAG_LATER and flow["nw_proto"] in TRANSPORTS:
        mask.update(tp_src=ALL_16, tp_dst=ALL_16)
        if flow["nw_proto"] == IP_PROTO_TCP:
            mask["tcp_flags"] = ALL_16
        elif flow["nw_proto"] == IP_PROTO_IGMP:
            mask["igmp_group_ip4"] = ALL_32
    return mask


METADATA_32 = ("skb_priority", "pkt_mark", "dp_hash", "in_port", "recirc_id", "ct_mark")
METADATA_OTHER = {"metadata": ALL_64, "ct_state": ALL_8, "ct_zone": ALL_16, "ct_label": ALL_128}
TRANSPORTS = (IP_PROTO_ICMP, IP_PROTO_ICMP6, IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_SCTP, IP_PROTO_IGMP)


def mask_for_vlans(flow: Fields) -> tuple[tuple[int, int], ...]:
    """Tags that are there, and the first that is not: ``vlan_tci=0x0000`` says so."""
    masks, shown = [], True
    for _tpid, tci in flow["vlans"]:
        masks.append((ALL_16, ALL_16) if shown else (0, 0))
        shown = shown and tci != 0
    return tuple(masks)


def mask_for_mpls(flow: Fields) -> tuple[int, ...]:
    """Label stack entries down to the bottom of the stack."""
    masks, shown = [], True
    for lse in flow["mpls_lse"]:
        masks.append(ALL_32 if shown else 0)
        shown = shown and not lse & MPLS_BOS
    return tuple(masks)


def format_match(flow: Fields, mask: Fields, port_name: Callable[[int], str] | None = None) -> str:
    """The text of a match, without priority and actions; empty for a match on everything.

    Parameters
    ----------
    flow, mask : mapping
        Values and masks by field name; a field that `mask` lacks is not matched on. `flow` needs the fields that
        `mask` has, and `dl_type` and `nw_proto` where they decide about names.
    port_name : callable, optional
        Turns a port number into a name.
    """
    parts = Parts(flow, mask)
    dl_type = flow.get("dl_type", 0)
    nw_proto = flow.get("nw_proto", 0)
    # Most matches have a field or two, and large dumps are printed, so groups of rare fields are asked for at once.
    if not METADATA.isdisjoint(mask):
        format_metadata(parts, port_name)
    packet_type = flow.get("packet_type", 0)
    if packet_type and parts.has("packet_type"):
        parts.add(f"packet_type=({packet_type >> 16},{packet_type & 0xFFFF:#x})")
        if packet_type >> 16 == 1:
            dl_type = packet_type & 0xFFFF
    type_shown = proto_shown = False
    if parts.has("dl_type") and dl_type in TYPE_WORDS:
        type_shown = True
        words = PROTO_WORDS.get(dl_type, {})
        proto_shown = parts.has("nw_proto") and nw_proto in words
        parts.add(words[nw_proto] if proto_shown else TYPE_WORDS[dl_type])
    if "regs" in mask:
        for i, (value, bits) in enumerate(zip(flow["regs"], mask["regs"], strict=True)):
            parts.number(f"reg{i}", value, bits, ALL_32, "#x")
    if not TUNNEL.isdisjoint(mask) or "tun_options" in flow:
        format_tunnel(parts)
    parts.field("metadata", ALL_64, "#x")
    if parts.has("in_port"):
        parts.add(f"in_port={format_port(flow['in_port'], port_name)}")
    if "vlans" in mask:
        format_vlans(parts)
    parts.mac("dl_src", "dl_src")
    parts.mac("dl_dst", "dl_dst")
    if parts.has("dl_type") and not type_shown:
        parts.add(f"dl_type=0x{dl_type:04x}")
    if not NETWORK.isdisjoint(mask):
        format_network(parts, dl_type, nw_proto, proto_shown)
    if "mpls_lse" in mask:
        format_mpls(parts)
    if "nw_frag" in mask:
        format_frag(parts)
    if not TRANSPORT.isdisjoint(mask):
        format_transport(parts, dl_type, nw_proto)
    return ",".join(parts.texts)


METADATA = frozenset((
    "pkt_mark", "recirc_id", "dp_hash", "conj_id", "skb_priority", "actset_output", "ct_state", "ct_zone", "ct_mark",
    "ct_label", "ct_nw_src", "ct_nw_dst", "ct_ipv6_src", "ct_ipv6_dst", "ct_nw_proto", "ct_tp_src", "ct_tp_dst",
))  # fmt: skip
TUNNEL = frozenset((
    "tun_id", "tun_src", "tun_dst", "tun_ipv6_src", "tun_ipv6_dst", "gbp_id", "gbp_flags", "tun_tos", "tun_ttl",
    "erspan_ver", "erspan_idx", "erspan_dir", "erspan_hwid", "gtpu_flags", "gtpu_msgtype", "tun_flags",
))  # fmt: skip
NETWORK = frozenset((
    "ipv6_src", "ipv6_dst", "ipv6_label", "nsh_flags", "nsh_ttl", "nsh_mdtype", "nsh_np", "nsh_path_hdr", "nsh_context",
    "nw_src", "nw_dst", "nw_proto", "arp_sha", "arp_tha", "nw_tos", "nw_ttl",
))  # fmt: skip
TRANSPORT = frozenset(("tp_src", "tp_dst", "nd_target", "arp_sha", "arp_tha", "igmp_group_ip4", "tcp_flags"))


class Parts:
    """The texts of a match, collected one field at a time."""

    def __init__(self, flow: Fields, mask: Fields) -> None:
        self.flow = flow
        self.mask = mask
        self.texts: list[str] = []

    def has(self, field: str) -> bool:
        """True if any bit of `field` is matched on."""
        return bool(self.mask.get(field))

    def add(self, text: str) -> None:
        self.texts.append(text)

    def number(self, name: str, value: int, mask: int, full: int, exact: str, masked: str = "#x") -> None:
        """``name=value`` in the format `exact`, or ``name=value/mask``, both in the format `masked`."""
        if mask == full:
            self.add(f"{name}={c_format(value, exact)}")
        elif mask:
            self.add(f"{name}={c_format(value, masked)}/{c_format(mask, masked)}")

    def field(self, field: str, full: int, exact: str, masked: str = "#x", *, name: str = "") -> None:
        if self.has(field):
            self.number(name or field, self.flow[field], self.mask[field], full, exact, masked)

    def mac(self, field: str, name: str) -> None:
        if self.has(field):
            self.add(f"{name}={format_mac(self.flow[field], self.mask[field])}")

    def ipv4(self, field: str, name: str) -> None:
        if self.has(field):
            self.add(f"{name}={format_ipv4(self.flow[field], self.mask[field])}")

    def ipv6(self, field: str) -> None:
        if self.has(field):
            self.add(f"{field}={format_ipv6(self.flow[field], self.mask[field])}")


def format_metadata(parts: Parts, port_name: Callable[[int], str] | None) -> None:
    parts.field("pkt_mark", ALL_32, "#x")
    parts.field("recirc_id", ALL_32, "#x")
    parts.field("dp_hash", ALL_32, "#x")
    if parts.has("conj_id"):
        parts.add(f"conj_id={parts.flow['conj_id']}")
    if parts.has("skb_priority"):
        parts.add(f"skb_priority={c_format(parts.flow['skb_priority'], '#x')}")
    if parts.has("actset_output"):
        parts.add(f"actset_output={format_port(parts.flow['actset_output'], port_name)}")
    if parts.has("ct_state"):
        parts.add("ct_state=" + format_flags(parts.flow["ct_state"], parts.mask["ct_state"], ALL_8, CT_STATES))
    parts.field("ct_zone", ALL_16, "d")
    parts.field("ct_mark", ALL_32, "#x")
    parts.field("ct_label", ALL_128, "#x")
    for end in ("src", "dst"):
        parts.ipv4(f"ct_nw_{end}", f"ct_nw_{end}")
        parts.ipv6(f"ct_ipv6_{end}")
    if parts.has("ct_nw_proto"):
        parts.add(f"ct_nw_proto={parts.flow['ct_nw_proto']}")
        parts.field("ct_tp_src", ALL_16, "d", "0=x")
        parts.field("ct_tp_dst", ALL_16, "d", "0=x")


ERSPAN_VERSIONS = {"erspan_idx": 1, "erspan_dir": 2, "erspan_hwid": 2}  # the only version that has the field


def format_tunnel(parts: Parts) -> None:
    parts.field("tun_id", ALL_64, "#x")
    parts.ipv4("tun_src", "tun_src")
    parts.ipv4("tun_dst", "tun_dst")
    parts.ipv6("tun_ipv6_src")
    parts.ipv6("tun_ipv6_dst")
    parts.field("gbp_id", ALL_16, "d", "0=x", name="tun_gbp_id")
    version = parts.flow.get("erspan_ver", 0)
    for field, name, spec in (
        ("gbp_flags", "tun_gbp_flags", "#x"), ("tun_tos", "tun_tos", "x"), ("tun_ttl", "tun_ttl", "d"),
        ("erspan_ver", "tun_erspan_ver", "d"), ("erspan_idx", "tun_erspan_idx", "#x"),
        ("erspan_dir", "tun_erspan_dir", "d"), ("erspan_hwid", "tun_erspan_hwid", "#x"),
        ("gtpu_flags", "gtpu_flags", "#x"), ("gtpu_msgtype", "gtpu_msgtype", "d"),
    ):  # fmt: skip
        if parts.has(field) and ERSPAN_VERSIONS.get(field, version) == version:
            parts.add(f"{name}={c_format(parts.flow[field], spec)}")
    if parts.mask.get("tun_flags", 0) & TUN_FLAGS_MASK:
        flags, mask = (fields["tun_flags"] & TUN_FLAGS_MASK for fields in (parts.flow, parts.mask))
        parts.add("tun_flags=" + format_flags(flags, mask, TUN_FLAGS_MASK, TUN_FLAGS))
    parts.texts += parts.flow.get("tun_options", ())


def format_vlans(parts: Parts) -> None:
    for i, ((_, tci), (_, mask)) in enumerate(
        zip(parts.flow.get("vlans", ()), parts.mask.get("vlans", ()), strict=False)
    ):
        if not mask:
            break
        suffix = str(i) if i else ""
        vid, pcp = mask & VLAN_VID, mask & VLAN_PCP
        whole = vid in (0, VLAN_VID) and pcp in (0, VLAN_PCP) and (vid or pcp)
        if mask & VLAN_PRESENT and tci & VLAN_PRESENT and whole:
            if vid:
                parts.add(f"dl_vlan{suffix}={tci & VLAN_VID}")
            if pcp:
                parts.add(f"dl_vlan_pcp{suffix}={tci >> 13}")
        else:
            parts.number(f"vlan_tci{suffix}", tci, mask, ALL_16, "#06x", "#06x")


def format_network(parts: Parts, dl_type: int, nw_proto: int, proto_shown: bool) -> None:
    is_arp = dl_type in (ETH_TYPE_ARP, ETH_TYPE_RARP)
    if dl_type == ETH_TYPE_IPV6:
        parts.ipv6("ipv6_src")
        parts.ipv6("ipv6_dst")
        parts.field("ipv6_label", ALL_32, "#07x", "#07x")
    elif dl_type == ETH_TYPE_NSH:
        format_nsh(parts)
    else:
        parts.ipv4("nw_src", "arp_spa" if is_arp else "nw_src")
        parts.ipv4("nw_dst", "arp_tpa" if is_arp else "nw_dst")
    if parts.has("nw_proto") and not proto_shown:
        parts.add(f"{'arp_op' if is_arp else 'nw_proto'}={nw_proto}")
    if is_arp:
        parts.mac("arp_sha", "arp_sha")
        parts.mac("arp_tha", "arp_tha")
    tos, tos_mask = parts.flow.get("nw_tos", 0), parts.mask.get("nw_tos", 0)
    if tos_mask & 0xFC:
        parts.add(f"nw_tos={tos & 0xFC}")
    if tos_mask & 0x03:
        parts.add(f"nw_ecn={tos & 0x03}")
    if parts.has("nw_ttl"):
        parts.add(f"nw_ttl={parts.flow['nw_ttl']}")


def format_nsh(parts: Parts) -> None:
    for field in ("nsh_flags", "nsh_ttl", "nsh_mdtype", "nsh_np"):
        parts.field(field, ALL_8, "d", "#04x")
    path, path_mask = parts.flow.get("nsh_path_hdr", 0), parts.mask.get("nsh_path_hdr", 0)
    parts.number("nsh_spi", path >> 8, path_mask >> 8, 0xFFFFFF, "0=x", "0=x")
    parts.number("nsh_si", path & 0xFF, path_mask & 0xFF, ALL_8, "d", "#04x")
    has_context = parts.has("nsh_context") and parts.mask.get("nsh_mdtype") == ALL_8
    if has_context and parts.flow["nsh_mdtype"] == NSH_MD_TYPE1:
        for i, (value, mask) in enumerate(zip(parts.flow["nsh_context"], parts.mask["nsh_context"], strict=True)):
            parts.number(f"nsh_c{i + 1}", value, mask, ALL_32, "0=x", "0=x")


def format_mpls(parts: Parts) -> None:
    stack = list(zip(parts.flow.get("mpls_lse", ()), parts.mask.get("mpls_lse", ()), strict=False))
    for i, (lse, mask) in enumerate(stack):
        if i:
            parts.number(f"mpls_lse{i}", lse, mask, ALL_32, "d", "0=08x")
            continue
        if mask & MPLS_LABEL:
            parts.add(f"mpls_label={lse >> 12}")
        if mask & MPLS_TC:
            parts.add(f"mpls_tc={lse >> 9 & 7}")
        if mask & MPLS_TTL:
            parts.add(f"mpls_ttl={lse & 0xFF}")
        if mask & MPLS_BOS:
            parts.add(f"mpls_bos={lse >> 8 & 1}")


def format_frag(parts: Parts) -> None:
    frag, mask = parts.flow.get("nw_frag", 0), parts.mask.get("nw_frag", 0) & (FRAG_ANY | FRAG_LATER)
    words = {
        FRAG_ANY | FRAG_LATER: ("no", "first", "<error>", "later"),
        FRAG_ANY: ("no", "yes", "no", "yes"),
        FRAG_LATER: ("not_later", "not_later", "later", "later"),
    }
    if mask:
        parts.add(f"nw_frag={words[mask][frag & 3]}")


def format_transport(parts: Parts, dl_type: int, nw_proto: int) -> None:
    is_icmp6 = dl_type == ETH_TYPE_IPV6 and nw_proto == IP_PROTO_ICMP6
    is_icmp = is_icmp6 or (dl_type == ETH_TYPE_IPV4 and nw_proto == IP_PROTO_ICMP)
    parts.field("tp_src", ALL_16, "d", "0=x", name="icmp_type" if is_icmp else "tp_src")
    parts.field("tp_dst", ALL_16, "d", "0=x", name="icmp_code" if is_icmp else "tp_dst")
    if is_icmp6:
        parts.ipv6("nd_target")
        parts.mac("arp_sha", "nd_sll")
        parts.mac("arp_tha", "nd_tll")
        parts.field("igmp_group_ip4", ALL_32, "d", "0=08x", name="nd_reserved")
        parts.field("tcp_flags", ALL_16, "d", "0=x", name="nd_options_type")
    if dl_type in (ETH_TYPE_IPV4, ETH_TYPE_IPV6) and nw_proto == IP_PROTO_TCP and parts.has("tcp_flags"):
        mask = parts.mask["tcp_flags"] & 0xFFF
        parts.add("tcp_flags=" + format_flags(parts.flow["tcp_flags"], mask, 0xFFF, TCP_FLAGS))


def c_format(value: int, spec: str) -> str:
    """A number as C's printf writes it: `#x` leaves the prefix of zero out, as "0=x" does not."""
    if spec == "#x":
        return f"{value:#x}" if value else "0"
    if spec.startswith("0="):
        return f"0x{value:{spec[2:]}}"
    return format(value, spec)


def format_port(port: int, port_name: Callable[[int], str] | None = None) -> str:
    """Name of a reserved port, else what `port_name` says, else the number."""
    if port in RESERVED_PORTS:
        return RESERVED_PORTS[port]
    return port_name(port) if port_name else str(port)


def format_flags(flags: int, mask: int, full: int, names: Mapping[int, str]) -> str:
    """``syn|ack`` for a match on all flags, ``+syn-ack`` for one on some; 0 if none is set."""
    bits = [1 << n for n in range(full.bit_length())]
    if mask == full:
        known = [names[bit] for bit in bits if flags & bit and bit in names]
        unknown = sum(bit for bit in bits if flags & bit and bit not in names)
        return "|".join([*known, *([f"{unknown:#x}"] if unknown else [])]) or "0"
    if not mask:
        return "0/0"
    return "".join(("+" if flags & bit else "-") + names.get(bit, "[Unknown]") for bit in bits if mask & bit)


def format_mac(mac: int, mask: int = ALL_48) -> str:
    """``00:00:0a:00:00:01``, with ``/mask`` unless the mask is full."""
    return mac_text(mac) if mask == ALL_48 else f"{mac_text(mac)}/{mac_text(mask)}"


def format_ipv4(address: int, mask: int = ALL_32) -> str:
    """``10.0.0.1``, with the prefix length or the mask unless the mask is full."""
    return format_masked(address, mask, 32, ipv4_text)


def format_ipv6(address: int, mask: int = ALL_128) -> str:
    """``fe80::1``, with the prefix length or the mask unless the mask is full."""
    return format_masked(address, mask, 128, ipv6_text)


def format_masked(address: int, mask: int, width: int, text: Callable[[int], str]) -> str:
    length = prefix_length(mask, width)
    if length == width:
        return text(address)
    return f"{text(address)}/{text(mask) if length is None else length}"


def prefix_length(mask: int, width: int) -> int | None:
    """Number of leading ones if only zeros follow them, else None."""
    inverse = mask ^ ((1 << width) - 1)
    return None if inverse & (inverse + 1) else width - inverse.bit_length()
