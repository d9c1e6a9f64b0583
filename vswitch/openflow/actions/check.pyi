from typing import NoReturn, final

from vswitch.openflow.match import Match

PREREQ_NONE: int
PREREQ_ETHERNET: int
PREREQ_ARP: int
PREREQ_VLAN_VID: int
PREREQ_IPV4: int
PREREQ_IPV6: int
PREREQ_IP_ANY: int
PREREQ_NSH: int
PREREQ_TCP: int
PREREQ_UDP: int
PREREQ_SCTP: int
PREREQ_ICMPV4: int
PREREQ_ICMPV6: int
PREREQ_ND: int
PREREQ_ND_SOLICIT: int
PREREQ_ND_ADVERT: int
PREREQ_MPLS: int
PREREQ_CT: int
PREREQ_L4: int
ETH_IP: int
ETH_ARP: int
ETH_RARP: int
ETH_IPV6: int
ETH_NSH: int
ETH_MPLS: tuple[int, int]
TCP: int
UDP: int
SCTP: int
ICMP: int
ICMP6: int
VLAN_PRESENT: int
FRAG_LATER: int
PT_ETH: int
PT_NSH: int
PT_UNKNOWN: int
METER_MAX: int

def refuse(code: str) -> NoReturn: ...

@final
class Check:
    protocols: int
    table: int
    n_tables: int
    max_port: int
    dl_type: int
    nw_proto: int
    nw_frag: int
    packet_type: int
    ct_state: int
    ct_state_mask: int
    tp_src: int
    tp_dst: int
    outer_tci: int
    inner_tci: int
    tci: list[int]
    def __init__(
        self, match: Match | None, *, table: int = 255, n_tables: int = 255, max_port: int = ...
    ) -> None: ...
    def save(self) -> tuple[int, int, int, list[int]]: ...
    def restore(self, saved: tuple[int, int, int, list[int]]) -> None: ...
    @property
    def ethertype(self) -> int: ...
    @property
    def is_ip(self) -> bool: ...
    @property
    def is_mpls(self) -> bool: ...
    @property
    def has_vlan(self) -> bool: ...
    def inconsistent(self, condition: bool) -> int: ...
    def output(self, port: int) -> int: ...
    def is_ct_valid(self) -> bool: ...
    def holds(self, prereq: int, ct_by_match: bool = ...) -> bool: ...
