"""What a switch of OVS 3.1 says that its tables can do, and how ovs-ofctl prints it (lib/ofp-table.c).

Tables that do not differ from the one before are not printed in full: "(same matching)", "ditto". In OpenFlow 1.0 to
1.2 the statistics of tables carry their features; from 1.3 on these are a message of their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from vswitch.light_typing import NamedTuple
from vswitch.switch.table_settings import MISS_CONTINUE, MISS_CONTROLLER, MISS_DROP, N_TABLES, TableState

MAX_ENTRIES = 1_000_000
_MISS_NAMES = {MISS_CONTROLLER: "controller", MISS_CONTINUE: "continue", MISS_DROP: "drop"}

ACTIONS_11 = (
    "output group set_vlan_vid set_vlan_pcp strip_vlan push_vlan mod_dl_src mod_dl_dst mod_nw_src mod_nw_dst "
    "mod_nw_tos mod_nw_ecn mod_nw_ttl mod_tp_src mod_tp_dst dec_ttl set_mpls_label set_mpls_tc set_mpls_ttl "
    "dec_mpls_ttl push_mpls pop_mpls set_queue"
)
ACTIONS_12 = (
    "output group set_field strip_vlan push_vlan mod_nw_ttl dec_ttl set_mpls_ttl dec_mpls_ttl push_mpls pop_mpls "
    "set_queue"
)
_SET_12 = (
    "metadata in_port_oxm eth_{src,dst} vlan_{vid,pcp} mpls_{label,tc} ip_{src,dst} ipv6_{src,dst,label} ip_dscp "
    "nw_ecn arp_{op,spa,tpa,sha,tha} tcp_{src,dst} udp_{src,dst} sctp_{src,dst} icmp_{type,code} icmpv6_{type,code} "
    "nd_{target,sll,tll}"
)
_SET_13 = (
    "tun_{id,src,dst,ipv6_{src,dst},flags,gbp_{id,flags},erspan_{idx,ver,dir,hwid},metadata0...metadata63} metadata "
    "in_{port,port_oxm} pkt_mark ct_{mark,label} reg0...reg15 xreg0...xreg7 xxreg0...xxreg3 eth_{src,dst} "
    "vlan_{tci,vid,pcp} mpls_{label,tc,ttl} ip_{src,dst} ipv6_{src,dst,label} nw_tos ip_dscp nw_{ecn,ttl} "
    "arp_{op,spa,tpa,sha,tha} tcp_{src,dst} udp_{src,dst} sctp_{src,dst} icmp_{type,code} icmpv6_{type,code} "
    "nd_{target,sll,tll,reserved,options_type} nsh_{flags,spi,si,c1...c4,ttl}"
)
_EXACT = "exact match or wildcard: "
_MATCHING_10 = (
    _EXACT + "in_port eth_{src,dst,type} vlan_{vid,pcp} ip_{src,dst} nw_{proto,tos} tcp_{src,dst}",
)  # fmt: skip
_MATCHING_11 = (
    _EXACT + "metadata in_port eth_{src,dst,type} vlan_{vid,pcp} mpls_{label,tc} ip_{src,dst} nw_{proto,tos} "
    "tcp_{src,dst}",
)
_MATCHING_12 = (
    _EXACT + "metadata in_port_oxm eth_{src,dst,type} vlan_{vid,pcp} mpls_{label,tc} ip_{src,dst} ipv6_{src,dst,label} "
    "nw_proto ip_dscp nw_ecn arp_{op,spa,tpa,sha,tha} tcp_{src,dst} udp_{src,dst} sctp_{src,dst} icmp_{type,code} "
    "icmpv6_{type,code} nd_{target,sll,tll}",
)
_MATCHING_13 = (
    "arbitrary mask: dp_hash tun_{id,src,dst,ipv6_{src,dst},flags,gbp_{id,flags},erspan_{idx,ver,dir,hwid},"
    "gtpu_{flags,msgtype},metadata0...metadata63} metadata pkt_mark "
    "ct_{state,mark,label,nw_{src,dst},ipv6_{src,dst},tp_{src,dst}} reg0...reg15 xreg0...xreg7 xxreg0...xxreg3 "
    "eth_{src,dst} vlan_{tci,vid} ip_{src,dst} ipv6_{src,dst,label} ip_frag arp_{spa,tpa,sha,tha} tcp_{src,dst,flags} "
    "udp_{src,dst} sctp_{src,dst} nd_{target,sll,tll} nsh_{flags,c1...c4}",
    _EXACT + "recirc_id packet_type conj_id in_{port,port_oxm} actset_output ct_{zone,nw_proto} eth_type vlan_pcp "
    "mpls_{label,tc,bos,ttl} nw_{proto,tos} ip_dscp nw_{ecn,ttl} arp_op icmp_{type,code} icmpv6_{type,code} "
    "nd_{reserved,options_type} nsh_{mdtype,np,spi,si,ttl}",
)  # fmt: skip
_INSTRUCTIONS = "apply_actions clear_actions write_actions write_metadata"


class Features(NamedTuple):
    """What a table can do, as lines of text; `next_tables` are those that goto_table may name."""

    has_metadata: bool = False
    miss: str = ""
    events: str = ""  # of eviction and vacancy
    max_entries: int = 0
    next_tables: tuple[int, int] | None = None
    instructions: str = ""
    actions: str = ""
    set_fields: str = ""
    matching: tuple[str, ...] = ()

    @property
    def instruction_features(self) -> tuple[str, str, str]:
        """What two tables must have in common to have the same instructions: where they lead follows from the place."""
        return self.instructions, self.actions, self.set_fields

    def equals(self, other: Features) -> bool:
        return self._replace(next_tables=None) == other._replace(next_tables=None)


def table_features(state: TableState, version: int, *, in_statistics: bool) -> Features:
    """What OVS says of a table in a version of OpenFlow (1 is 1.0)."""
    if in_statistics and version > 3:
        return Features()
    max_entries = min(state.max_flows, MAX_ENTRIES)
    if version == 1:
        return Features(max_entries=max_entries, matching=_MATCHING_10)
    is_last = state.number == N_TABLES - 1
    return Features(
        has_metadata=version >= 3,
        miss=_MISS_NAMES.get(state.miss, "controller") if version <= 3 else "",
        events="    eviction: not supported\n    vacancy events: not supported\n" if version >= 5 else "",
        max_entries=max_entries,
        next_tables=None if version <= 3 or is_last else (state.number + 1, N_TABLES - 1),
        instructions=("meter " if version in (4, 5) else "") + _INSTRUCTIONS + ("" if is_last else " goto_table"),
        actions=ACTIONS_11 if version == 2 else ACTIONS_12,
        set_fields="" if version == 2 else _SET_12 if version == 3 else _SET_13,
        matching=_MATCHING_11 if version == 2 else _MATCHING_12 if version == 3 else _MATCHING_13,
    )


def tables_text(
    states: Iterable[TableState], version: int, *, with_statistics: bool, with_names: bool = True, command: str = "",
) -> str:
    """Tables one after the other (ofputil_table_features_format()); `command` stands in front of a request's."""
    out = f"\n  command: {command}" if command else ""
    previous: tuple[Features, tuple[int, int, int]] | None = None
    dittos: list[int] = []
    for state in states:
        features = table_features(state, version, in_statistics=with_statistics)
        statistics = (state.n_flows, state.n_matched + state.n_missed, state.n_matched)
        same_statistics = not with_statistics or (previous is not None and statistics == previous[1])
        same_features = previous is not None and features.equals(previous[0])
        name = state.name if with_names else ""
        if same_statistics and same_features and not name:
            dittos.append(state.number)
        else:
            out += _dittos_text(dittos)
            dittos = []
            out += f"\n  table {state.number}" + (f' ("{name}")' if name else "") + ":"
            if same_statistics and same_features:
                out += " ditto"
            else:
                out += "\n"
                if with_statistics:
                    out += "    active={}, lookup={}, matched={}\n".format(*statistics)
                if not same_features:
                    out += _features_text(features, previous[0] if previous else None)
                elif features != Features():
                    out += "    (same features)\n"
        previous = features, statistics
    return out + _dittos_text(dittos)


def _dittos_text(numbers: list[int]) -> str:
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"\n  table {numbers[0]}: ditto\n"
    return f"\n  tables {numbers[0]}...{numbers[-1]}: ditto\n"


def _features_text(features: Features, previous: Features | None) -> str:
    out = ""
    if features.has_metadata:
        out += "    metadata: match=0xffffffffffffffff write=0xffffffffffffffff\n"
    if features.miss:
        out += f"    config={features.miss}\n"
    out += features.events
    if features.max_entries:
        out += f"    max_entries={features.max_entries}\n"
    if features.instructions:
        if previous is not None and features.instruction_features == previous.instruction_features:
            out += "    (same instructions)\n"
        else:
            out += "    instructions (table miss and others):\n" + _instructions_text(features, previous)
    if features.matching:
        if previous is not None and features.matching == previous.matching:
            out += "    (same matching)\n"
        else:
            out += "    matching:\n" + "".join(f"      {line}\n" for line in features.matching)
    return out


def _instructions_text(features: Features, previous: Features | None) -> str:
    out = ""
    if features.next_tables is not None:
        first, last = features.next_tables
        out += f"      next tables: {first}" + (f"-{last}" if last > first else "") + "\n"
    if previous is not None and features.instructions == previous.instructions:
        out += "      (same instructions)\n"
    else:
        out += f"      instructions: {features.instructions}\n"
    same_actions = previous is not None and features.instruction_features[1:] == previous.instruction_features[1:]
    if same_actions and features.set_fields:
        return out + "      (same actions)\n"
    out += f"      Write-Actions and Apply-Actions features:\n        actions: {features.actions}\n"
    if features.set_fields:
        out += f"        supported on Set-Field: {features.set_fields}\n"
    return out
