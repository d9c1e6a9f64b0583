"""The names and meanings of the fates in `fate.pxd`, for people and for tools."""

FATES = {
    FATE_DELIVERED: ("DELIVERED", "a copy left on at least one port"),
    FATE_CONSUMED: ("CONSUMED", "taken by the switch itself or by a device behind a port"),
    DROP_ETH_TRUNCATED: ("ETH_TRUNCATED", "shorter than an Ethernet header"),
    DROP_UNKNOWN_TRUNCATED: ("UNKNOWN_TRUNCATED", "the capture cut the frame before the bytes that decide"),
    DROP_PORT_NOT_RECEIVING: ("PORT_NOT_RECEIVING", "the port is configured no-receive"),
    DROP_PORT_UNCONFIGURED: ("PORT_UNCONFIGURED", "the input port belongs to no configured Port"),
    DROP_MIRROR_OUTPUT_PORT: ("MIRROR_OUTPUT_PORT", "received on a port reserved for mirroring"),
    DROP_VLAN_PARTIAL_TAG: ("VLAN_PARTIAL_TAG", "the frame ends inside its VLAN tag"),
    DROP_VLAN_NOT_ALLOWED: ("VLAN_NOT_ALLOWED", "the input port does not carry the frame's VLAN"),
    DROP_RESERVED_MAC: ("RESERVED_MAC", "link-local destination that a bridge keeps (other_config:forward-bpdu)"),
    DROP_LEARNED_PORT_IS_INPUT: ("LEARNED_PORT_IS_INPUT", "the destination was learned on the input port"),
    DROP_LEARNED_PORT_IS_MIRROR: ("LEARNED_PORT_IS_MIRROR", "the destination was learned on a mirror's output port"),
    DROP_NO_FLOOD_PORT: ("NO_FLOOD_PORT", "flooded, but no other port carries the VLAN"),
    DROP_PORTS_PROTECTED: ("PORTS_PROTECTED", "input and output port are both protected"),
    DROP_PORT_NOT_FORWARDING: ("PORT_NOT_FORWARDING", "the output port is configured no-forward"),
    DROP_MTU_EXCEEDED: ("MTU_EXCEEDED", "larger than the output port's mtu_request"),
    DROP_TABLE_MISS: ("TABLE_MISS", "no flow matches"),
    DROP_FLOW_ACTION: ("FLOW_ACTION", "a flow without output actions"),
    DROP_RECURSION_TOO_DEEP: ("RECURSION_TOO_DEEP", "over 64 nested resubmits or patch ports"),
    DROP_TOO_MANY_RESUBMITS: ("TOO_MANY_RESUBMITS", "over 4096 resubmits or patch ports"),
    DROP_TOO_MANY_ACTIONS: ("TOO_MANY_ACTIONS", "over 64 kB of datapath actions"),
    DROP_BOND_NOT_ADMISSIBLE: ("BOND_NOT_ADMISSIBLE", "the bond does not accept frames on this member"),
    DROP_NO_MULTICAST_RECEIVER: ("NO_MULTICAST_RECEIVER", "multicast snooping knows no port that wants the frame"),
    DROP_PATCH_WITHOUT_PEER: ("PATCH_WITHOUT_PEER", "sent to a patch port whose options:peer leads nowhere"),
    DROP_BOND_WITHOUT_MEMBER: ("BOND_WITHOUT_MEMBER", "sent to a bond that has no member to send on"),
}
"""Code → (name, meaning); codes from ``FIRST_DROP`` on are drop reasons."""

FIRST_DROP = DROP_ETH_TRUNCATED
