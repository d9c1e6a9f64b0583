"""What became of a frame: one code for each, from a fixed list."""

cdef enum fate:
    FATE_DELIVERED = 0              # a copy left on at least one port (mirror copies do not count)
    FATE_CONSUMED = 1               # taken by the switch or a device behind it
    # Every code from here on is the reason of a drop; `fate.pyx` has their names and what they mean.
    DROP_ETH_TRUNCATED = 2
    DROP_UNKNOWN_TRUNCATED = 3
    DROP_PORT_NOT_RECEIVING = 4
    DROP_PORT_UNCONFIGURED = 5
    DROP_MIRROR_OUTPUT_PORT = 6
    DROP_VLAN_PARTIAL_TAG = 7
    DROP_VLAN_NOT_ALLOWED = 8
    DROP_RESERVED_MAC = 9
    DROP_LEARNED_PORT_IS_INPUT = 10
    DROP_LEARNED_PORT_IS_MIRROR = 11
    DROP_NO_FLOOD_PORT = 12
    DROP_PORTS_PROTECTED = 13
    DROP_PORT_NOT_FORWARDING = 14
    DROP_MTU_EXCEEDED = 15
    DROP_TABLE_MISS = 16
    DROP_FLOW_ACTION = 17
    DROP_RECURSION_TOO_DEEP = 18
    DROP_TOO_MANY_RESUBMITS = 19
    DROP_TOO_MANY_ACTIONS = 20
    DROP_BOND_NOT_ADMISSIBLE = 21
    DROP_NO_MULTICAST_RECEIVER = 22
    DROP_PATCH_WITHOUT_PEER = 23
    DROP_BOND_WITHOUT_MEMBER = 24
    DROP_OUTPUT_IS_INPUT = 25
    DROP_OUTPUT_PORT_MISSING = 26
    DROP_GROUP_MISSING = 27
    DROP_GROUP_NO_LIVE_BUCKET = 28
    DROP_TTL_EXPIRED = 29
    DROP_FRAGMENT = 30
    DROP_TOO_MANY_MPLS_LABELS = 31
    DROP_STACK_TOO_DEEP = 32
    DROP_ACTION_UNSUPPORTED = 33
    DROP_METER = 34
    N_FATES = 35
