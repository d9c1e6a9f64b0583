"""The one table of fields: names, widths, where they lie in the flow key, what they need, how they are written.

A row is a field of OVS's meta-flow.h. Its place is a member of the flow key (`tables/flow_key.pxd`), from which bit and
how many; members are in host order. Fields of 128 bits are two words of the key, the more significant first. What the
table has to say in letters: ``m`` maskable, ``w`` writable. Versions: the formats of flows that
can match an exact value, a CIDR mask, any mask: ``1`` OpenFlow 1.0, ``2`` OpenFlow 1.1; NXM and OXM follow from the
names.
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.openflow import protocols
from vswitch.tables.flow_key import MEMBER_OFFSETS

if TYPE_CHECKING:
    from vswitch.openflow.text import Names, Numbers

# What a field needs of the frame: numbers of ofpact_prereq (datapath/ofpact.pxd).
_PREREQS = (
    "-", "eth", "arp", "vlan", "ipv4", "ipv6", "ip", "nsh", "tcp", "udp", "sctp", "icmp", "icmp6", "nd", "nd_ns",
    "nd_na", "mpls", "ct",
)  # fmt: skip

# name, alias, member of the key, lowest bit, bits, how it is written, prerequisite, letters, NXM, OXM,
# versions for an exact value / a CIDR mask / any mask
_TABLE = """
dp_hash - dp_hash 0 32 hex - m NXM_NX_DP_HASH NXOXM_ET_DP_HASH -/-/-
recirc_id - recirc_id 0 32 dec - - NXM_NX_RECIRC_ID - -/-/-
packet_type - packet_type 0 32 packet_type - - - OXM_OF_PACKET_TYPE -/-/-
conj_id - conj_id 0 32 dec - - NXM_NX_CONJ_ID - -/-/-
tun_id tunnel_id tun_id 0 64 hex - mw NXM_NX_TUN_ID OXM_OF_TUNNEL_ID -/-/-
tun_src - tun_src 0 32 ipv4 - mw NXM_NX_TUN_IPV4_SRC - -/-/-
tun_dst - tun_dst 0 32 ipv4 - mw NXM_NX_TUN_IPV4_DST - -/-/-
tun_ipv6_src - tun_ipv6_src 0 128 ipv6 - mw NXM_NX_TUN_IPV6_SRC - -/-/-
tun_ipv6_dst - tun_ipv6_dst 0 128 ipv6 - mw NXM_NX_TUN_IPV6_DST - -/-/-
tun_flags - tun_flags 0 1 tun_flags - mw NXM_NX_TUN_FLAGS - -/-/-
tun_ttl - tun_ttl 0 8 dec - - - - -/-/-
tun_tos - tun_tos 0 8 dec - - - - -/-/-
tun_gbp_id - gbp_id 0 16 dec - mw NXM_NX_TUN_GBP_ID - -/-/-
tun_gbp_flags - gbp_flags 0 8 hex - mw NXM_NX_TUN_GBP_FLAGS - -/-/-
tun_erspan_idx - erspan_idx 0 20 hex - mw - NXOXM_ET_ERSPAN_IDX -/-/-
tun_erspan_ver - erspan_ver 0 4 dec - mw - NXOXM_ET_ERSPAN_VER -/-/-
tun_erspan_dir - erspan_dir 0 1 dec - mw - NXOXM_ET_ERSPAN_DIR -/-/-
tun_erspan_hwid - erspan_hwid 0 6 hex - mw - NXOXM_ET_ERSPAN_HWID -/-/-
tun_gtpu_flags - gtpu_flags 0 8 hex - m - NXOXM_ET_GTPU_FLAGS -/-/-
tun_gtpu_msgtype - gtpu_msgtype 0 8 dec - m - NXOXM_ET_GTPU_MSGTYPE -/-/-
tun_metadata<64> - tun_metadata 0 992 hex - mw NXM_NX_TUN_METADATA<N> - -/-/-
metadata - metadata 0 64 hex - mw - OXM_OF_METADATA 2/2/2
in_port - in_port 0 16 port - w NXM_OF_IN_PORT - 12/-/-
in_port_oxm - in_port 0 32 port_oxm - w - OXM_OF_IN_PORT 2/-/-
actset_output - actset_output 0 32 port_oxm - - - OXM_OF_ACTSET_OUTPUT -/-/-
skb_priority - skb_priority 0 32 hex - - - - -/-/-
pkt_mark - pkt_mark 0 32 hex - mw NXM_NX_PKT_MARK - -/-/-
ct_state - ct_state 0 32 ct_state - m NXM_NX_CT_STATE - -/-/-
ct_zone - ct_zone 0 16 hex - - NXM_NX_CT_ZONE - -/-/-
ct_mark - ct_mark 0 32 hex - mw NXM_NX_CT_MARK - -/-/-
ct_label - ct_label 0 128 hex - mw NXM_NX_CT_LABEL - -/-/-
ct_nw_proto - ct_nw_proto 0 8 dec ct - NXM_NX_CT_NW_PROTO - -/-/-
ct_nw_src - ct_nw_src 0 32 ipv4 ct m NXM_NX_CT_NW_SRC - -/-/-
ct_nw_dst - ct_nw_dst 0 32 ipv4 ct m NXM_NX_CT_NW_DST - -/-/-
ct_ipv6_src - ct_ipv6_src 0 128 ipv6 ct m NXM_NX_CT_IPV6_SRC - -/-/-
ct_ipv6_dst - ct_ipv6_dst 0 128 ipv6 ct m NXM_NX_CT_IPV6_DST - -/-/-
ct_tp_src - ct_tp_src 0 16 dec ct m NXM_NX_CT_TP_SRC - -/-/-
ct_tp_dst - ct_tp_dst 0 16 dec ct m NXM_NX_CT_TP_DST - -/-/-
reg<16> - regs 0 32 hex - mw NXM_NX_REG<N> - -/-/-
xreg<8> - regs 0 64 hex - mw - OXM_OF_PKT_REG<N> -/-/-
xxreg<4> - regs 0 128 hex - mw NXM_NX_XXREG<N> - -/-/-
eth_src dl_src dl_src 0 48 mac eth mw NXM_OF_ETH_SRC OXM_OF_ETH_SRC 12/2/2
eth_dst dl_dst dl_dst 0 48 mac eth mw NXM_OF_ETH_DST OXM_OF_ETH_DST 12/2/2
eth_type dl_type dl_type 0 16 hex eth - NXM_OF_ETH_TYPE OXM_OF_ETH_TYPE 12/-/-
vlan_tci - vlans 16 16 hex eth mw NXM_OF_VLAN_TCI - 12/-/-
dl_vlan - vlans 16 12 dec eth w - - 12/-/-
vlan_vid - vlans 16 12 dec eth mw - OXM_OF_VLAN_VID 12/-/-
dl_vlan_pcp - vlans 29 3 dec eth w - - 12/-/-
vlan_pcp - vlans 29 3 dec vlan w - OXM_OF_VLAN_PCP 12/-/-
mpls_label - mpls_lse 12 20 dec mpls w - OXM_OF_MPLS_LABEL 2/-/-
mpls_tc - mpls_lse 9 3 dec mpls w - OXM_OF_MPLS_TC 2/-/-
mpls_bos - mpls_lse 8 1 dec mpls - - OXM_OF_MPLS_BOS -/-/-
mpls_ttl - mpls_lse 0 8 dec mpls w NXM_NX_MPLS_TTL - -/-/-
ip_src nw_src nw_src 0 32 ipv4 ipv4 mw NXM_OF_IP_SRC OXM_OF_IPV4_SRC 12/12/2
ip_dst nw_dst nw_dst 0 32 ipv4 ipv4 mw NXM_OF_IP_DST OXM_OF_IPV4_DST 12/12/2
ipv6_src - ipv6_src 0 128 ipv6 ipv6 mw NXM_NX_IPV6_SRC OXM_OF_IPV6_SRC -/-/-
ipv6_dst - ipv6_dst 0 128 ipv6 ipv6 mw NXM_NX_IPV6_DST OXM_OF_IPV6_DST -/-/-
ipv6_label - ipv6_label 0 20 hex ipv6 mw NXM_NX_IPV6_LABEL OXM_OF_IPV6_FLABEL -/-/-
nw_proto ip_proto nw_proto 0 8 dec ip - NXM_OF_IP_PROTO OXM_OF_IP_PROTO 12/-/-
nw_tos - nw_tos 0 8 dec ip w NXM_OF_IP_TOS - 12/-/-
ip_dscp - nw_tos 2 6 dec ip w - OXM_OF_IP_DSCP 12/-/-
nw_ecn ip_ecn nw_tos 0 2 dec ip w NXM_NX_IP_ECN OXM_OF_IP_ECN 2/-/-
nw_ttl - nw_ttl 0 8 dec ip w NXM_NX_IP_TTL - -/-/-
ip_frag nw_frag nw_frag 0 2 frag ip m NXM_NX_IP_FRAG - -/-/-
arp_op - nw_proto 0 16 dec arp w NXM_OF_ARP_OP OXM_OF_ARP_OP 12/-/-
arp_spa - nw_src 0 32 ipv4 arp mw NXM_OF_ARP_SPA OXM_OF_ARP_SPA 12/12/2
arp_tpa - nw_dst 0 32 ipv4 arp mw NXM_OF_ARP_TPA OXM_OF_ARP_TPA 12/12/2
arp_sha - arp_sha 0 48 mac arp mw NXM_NX_ARP_SHA OXM_OF_ARP_SHA -/-/-
arp_tha - arp_tha 0 48 mac arp mw NXM_NX_ARP_THA OXM_OF_ARP_THA -/-/-
tcp_src tp_src tp_src 0 16 dec tcp mw NXM_OF_TCP_SRC OXM_OF_TCP_SRC 12/-/-
tcp_dst tp_dst tp_dst 0 16 dec tcp mw NXM_OF_TCP_DST OXM_OF_TCP_DST 12/-/-
tcp_flags - tcp_flags 0 12 tcp_flags tcp m NXM_NX_TCP_FLAGS OXM_OF_TCP_FLAGS -/-/-
udp_src - tp_src 0 16 dec udp mw NXM_OF_UDP_SRC OXM_OF_UDP_SRC 12/-/-
udp_dst - tp_dst 0 16 dec udp mw NXM_OF_UDP_DST OXM_OF_UDP_DST 12/-/-
sctp_src - tp_src 0 16 dec sctp mw - OXM_OF_SCTP_SRC 2/-/-
sctp_dst - tp_dst 0 16 dec sctp mw - OXM_OF_SCTP_DST 2/-/-
icmp_type - tp_src 0 8 dec icmp w NXM_OF_ICMP_TYPE OXM_OF_ICMPV4_TYPE 12/-/-
icmp_code - tp_dst 0 8 dec icmp w NXM_OF_ICMP_CODE OXM_OF_ICMPV4_CODE 12/-/-
icmpv6_type - tp_src 0 8 dec icmp6 w NXM_NX_ICMPV6_TYPE OXM_OF_ICMPV6_TYPE -/-/-
icmpv6_code - tp_dst 0 8 dec icmp6 w NXM_NX_ICMPV6_CODE OXM_OF_ICMPV6_CODE -/-/-
nd_target - nd_target 0 128 ipv6 nd mw NXM_NX_ND_TARGET OXM_OF_IPV6_ND_TARGET -/-/-
nd_sll - arp_sha 0 48 mac nd_ns mw NXM_NX_ND_SLL OXM_OF_IPV6_ND_SLL -/-/-
nd_tll - arp_tha 0 48 mac nd_na mw NXM_NX_ND_TLL OXM_OF_IPV6_ND_TLL -/-/-
nd_reserved - igmp_group_ip4 0 32 dec nd w - ERICOXM_OF_ICMPV6_ND_RESERVED -/-/-
nd_options_type - tcp_flags 0 8 dec nd w - ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE -/-/-
nsh_flags - nsh_flags 0 8 dec nsh mw - NXOXM_NSH_FLAGS -/-/-
nsh_mdtype - nsh_mdtype 0 8 dec nsh - - NXOXM_NSH_MDTYPE -/-/-
nsh_np - nsh_np 0 8 dec nsh - - NXOXM_NSH_NP -/-/-
nsh_spi nsp nsh_path_hdr 8 24 hex nsh w - NXOXM_NSH_SPI -/-/-
nsh_si nsi nsh_path_hdr 0 8 dec nsh w - NXOXM_NSH_SI -/-/-
nsh_c<1-4> nshc<1-4> nsh_context 0 32 hex nsh mw - NXOXM_NSH_C<N> -/-/-
nsh_ttl - nsh_ttl 0 8 dec nsh w - NXOXM_NSH_TTL -/-/-
"""

Piece = tuple[int, int, int]  # (word of the flow key, lowest bit, bits)


class Field:
    """One row of the table.

    `name` is what OVS prints in set_field, `header_name` what it prints in load and move; `pieces` says where the
    field lies in the flow key, least significant first; `n_bytes` is its size on the wire.
    """

    __slots__ = (
        "alias", "header_name", "index", "is_experimenter", "kind", "maskable", "n_bits", "n_bytes", "name", "nxm",
        "oxm", "pieces", "prereq", "protocols_bitwise", "protocols_cidr", "protocols_exact", "writable",
    )  # fmt: skip

    def __init__(self, index: int, words: list[str], pieces: tuple[Piece, ...]) -> None:
        name, alias, _, _, n_bits, kind, prereq, letters, nxm, oxm, versions = words
        self.index = index
        self.name = name
        self.alias = "" if alias == "-" else alias
        self.kind = kind
        self.prereq = _PREREQS.index(prereq)
        self.maskable = "m" in letters
        self.writable = "w" in letters
        self.nxm = "" if nxm == "-" else nxm
        self.oxm = "" if oxm == "-" else oxm
        self.header_name = self.nxm or self.oxm or name
        # Headers of experimenters' fields do not fit where the older actions have 32 bits for one.
        self.is_experimenter = not self.nxm and (not self.oxm or self.oxm.startswith(("NXOXM", "ERICOXM")))
        self.n_bits = int(n_bits)
        self.n_bytes = _wire_bytes(self.n_bits, kind)
        self.pieces = pieces
        in_oxm = bool(self.nxm or self.oxm) or name in ("dl_vlan", "dl_vlan_pcp")
        exact, cidr, bitwise = versions.split("/")
        self.protocols_exact = _formats(exact, in_oxm)
        self.protocols_cidr = _formats(cidr, in_oxm and self.maskable)
        self.protocols_bitwise = _formats(bitwise, in_oxm and self.maskable)

    @property
    def all_ones(self) -> int:
        """The mask of all its bytes, as OVS has it: of more bits than the field if it does not fill its bytes."""
        return (1 << 8 * self.n_bytes) - 1

    def parse(self, text: str, numbers: Numbers) -> tuple[int, int]:
        """Value and mask, from what ovs-ofctl accepts."""
        from vswitch.openflow.values import parse_value

        return parse_value(self, text, numbers)

    def format(self, value: int, mask: int, names: Names) -> str:
        """The text that ovs-ofctl prints."""
        from vswitch.openflow.values import format_value

        return format_value(self, value, mask, names)

    def __repr__(self) -> str:
        return f"<Field {self.name}>"


def _wire_bytes(n_bits: int, kind: str) -> int:
    if kind == "mac":
        return 6
    return 124 if n_bits == 992 else next(n for n in (1, 2, 4, 8, 16) if n_bits <= 8 * n)


def _formats(versions: str, in_oxm: bool) -> int:
    """The formats of flows that a field can be said in: those of the versions in its row, such as ``12`` or ``-``."""
    found = protocols.NXM_OXM_ANY if in_oxm else 0
    if "1" in versions:
        found |= protocols.OF10_ANY
    if "2" in versions:
        found |= protocols.OF11_STD
    return found


def _pieces(name: str, member: str, low_bit: int, n_bits: int, number: int) -> tuple[Piece, ...]:
    offset = MEMBER_OFFSETS[member]
    if member == "regs" and n_bits > 32:
        # The first register of an xreg is its more significant half.
        first = number * n_bits // 32
        registers = range(first + n_bits // 32 - 1, first - 1, -1)
        return tuple(((offset + 4 * i) // 8, (offset + 4 * i) % 8 * 8, 32) for i in registers)
    if n_bits == 128:
        return ((offset // 8 + 1, 0, 64), (offset // 8, 0, 64))
    if n_bits > 128:
        return ()
    if member in ("regs", "nsh_context"):
        offset += 4 * number
    # Some fields are wider on the wire than in the key: ct_state, arp_op.
    width = {"ct_state": 8, "arp_op": 8}.get(name, n_bits)
    return ((offset // 8, offset % 8 * 8 + low_bit, width),)


def _read_table() -> tuple[list[Field], dict[str, Field], dict[str, Field]]:
    fields: list[Field] = []
    by_name: dict[str, Field] = {}
    by_header: dict[str, Field] = {}
    for line in _TABLE.split("\n"):
        words = line.split()
        if not words:
            continue
        name, count = words[0], range(1)
        first = 0
        if "<" in name:
            counted = name[name.index("<") + 1 : -1]
            first = 1 if "-" in counted else 0
            count = range(int(counted[2:] if first else counted))
        for i in count:
            own = words
            if "<" in name:
                own = [word if "<" not in word else f"{word[: word.index('<')]}{i + first}" for word in words]
            field = Field(len(fields), own, _pieces(own[0], own[2], int(own[3]), int(own[4]), i))
            fields.append(field)
            by_name[field.name] = field
            if field.alias:
                by_name[field.alias] = field
            for header in (field.nxm, field.oxm):
                if header:
                    by_header[header] = field
    return fields, by_name, by_header


# All fields in OVS's order; by the names that stand in matches; and by the names of their headers.
FIELDS, BY_NAME, BY_HEADER = _read_table()
BY_HEADER["ONFOXM_ET_ACTSET_OUTPUT"] = BY_NAME["actset_output"]
BY_HEADER["ONFOXM_ET_TCP_FLAGS"] = BY_NAME["tcp_flags"]


def find_field(name: str) -> Field | None:
    """By any name; headers' names come first (mf_parse_field())."""
    return BY_HEADER.get(name) or BY_NAME.get(name)
