"""The tables of an OVS node: what can be configured, and what each column may hold.

These are the tables and columns of the Open_vSwitch schema 8.3.1, which Open vSwitch 3.1 ships (described in
ovs-vswitchd.conf.db(5)). One line is one column; `one`, `opt`, `many` and `pairs` say how many atoms it holds.
A column in `fixed` is set when its row is created and never again.
"""

from __future__ import annotations

from vswitch.ovsdb.types import INT64_MAX, UNLIMITED, BaseType, ColumnSchema, ColumnType, TableSchema

SCHEMA_VERSION = "8.3.1"
UINT32_MAX = 0xFFFFFFFF

_STRING = BaseType("string")
_INTEGER = BaseType("integer")
_BOOLEAN = BaseType("boolean")


def _integer(minimum: int, maximum: int = INT64_MAX) -> BaseType:
    return BaseType("integer", minimum, maximum)


def _choice(*names: str) -> BaseType:
    return BaseType("string", choices=tuple(sorted(names)))


def _ref(table: str) -> BaseType:
    return BaseType("uuid", ref_table=table)


def _weak_ref(table: str) -> BaseType:
    return BaseType("uuid", ref_table=table, ref_weak=True)


def _one(base: BaseType) -> ColumnType:
    return ColumnType(base)


def _opt(base: BaseType) -> ColumnType:
    return ColumnType(base, None, 0, 1)


def _many(base: BaseType, n_min: int = 0, n_max: int = UNLIMITED) -> ColumnType:
    return ColumnType(base, None, n_min, n_max)


def _pairs(key: BaseType, value: BaseType) -> ColumnType:
    return ColumnType(key, value, 0, UNLIMITED)


_STRINGS = _pairs(_STRING, _STRING)
_COUNTERS = _pairs(_STRING, _INTEGER)
_VLAN = _integer(0, 4095)
_VLANS = _many(_VLAN, n_max=4096)
_UINT32 = _integer(0, UINT32_MAX)
_UP_DOWN = _choice("up", "down")
_CT_TIMEOUT = _choice(
    "tcp_syn_sent", "tcp_syn_recv", "tcp_established", "tcp_fin_wait", "tcp_close_wait", "tcp_last_ack",
    "tcp_time_wait", "tcp_close", "tcp_syn_sent2", "tcp_retransmit", "tcp_unack", "udp_first", "udp_single",
    "udp_multiple", "icmp_first", "icmp_reply",
)


def _table(
    table: str, /, *, is_root: bool = False, max_rows: int = UNLIMITED, unique: tuple[str, ...] = (),
    fixed: str = "", **columns: ColumnType,
) -> TableSchema:
    return TableSchema(
        table,
        {name: ColumnSchema(name, columns[name], name != fixed) for name in sorted(columns)},
        is_root,
        max_rows,
        (unique,) if unique else (),
    )


_TABLES = (
    _table(
        "Open_vSwitch", is_root=True, max_rows=1,
        datapaths=_pairs(_STRING, _ref("Datapath")),
        bridges=_many(_ref("Bridge")),
        manager_options=_many(_ref("Manager")),
        ssl=_opt(_ref("SSL")),
        other_config=_STRINGS,
        external_ids=_STRINGS,
        next_cfg=_one(_INTEGER),
        cur_cfg=_one(_INTEGER),
        statistics=_STRINGS,
        ovs_version=_opt(_STRING),
        db_version=_opt(_STRING),
        system_type=_opt(_STRING),
        system_version=_opt(_STRING),
        datapath_types=_many(_STRING),
        iface_types=_many(_STRING),
        dpdk_initialized=_one(_BOOLEAN),
        dpdk_version=_opt(_STRING),
    ),
    _table(
        "Bridge", unique=("name",), fixed="name",
        name=_one(_STRING),
        datapath_type=_one(_STRING),
        datapath_version=_one(_STRING),
        datapath_id=_opt(_STRING),
        stp_enable=_one(_BOOLEAN),
        rstp_enable=_one(_BOOLEAN),
        mcast_snooping_enable=_one(_BOOLEAN),
        ports=_many(_ref("Port")),
        mirrors=_many(_ref("Mirror")),
        netflow=_opt(_ref("NetFlow")),
        sflow=_opt(_ref("sFlow")),
        ipfix=_opt(_ref("IPFIX")),
        controller=_many(_ref("Controller")),
        protocols=_many(_choice(*(f"OpenFlow1{minor}" for minor in range(6)))),
        fail_mode=_opt(_choice("standalone", "secure")),
        status=_STRINGS,
        rstp_status=_STRINGS,
        other_config=_STRINGS,
        external_ids=_STRINGS,
        flood_vlans=_VLANS,
        flow_tables=_pairs(_integer(0, 254), _ref("Flow_Table")),
        auto_attach=_opt(_ref("AutoAttach")),
    ),
    _table(
        "Port", unique=("name",), fixed="name",
        name=_one(_STRING),
        interfaces=_many(_ref("Interface"), n_min=1),
        trunks=_VLANS,
        cvlans=_VLANS,
        tag=_opt(_VLAN),
        vlan_mode=_opt(_choice("trunk", "access", "native-tagged", "native-untagged", "dot1q-tunnel")),
        qos=_opt(_ref("QoS")),
        mac=_opt(_STRING),
        bond_mode=_opt(_choice("balance-tcp", "balance-slb", "active-backup")),
        lacp=_opt(_choice("active", "passive", "off")),
        bond_updelay=_one(_INTEGER),
        bond_downdelay=_one(_INTEGER),
        bond_active_slave=_opt(_STRING),
        bond_fake_iface=_one(_BOOLEAN),
        fake_bridge=_one(_BOOLEAN),
        status=_STRINGS,
        rstp_status=_STRINGS,
        rstp_statistics=_COUNTERS,
        statistics=_COUNTERS,
        protected=_one(_BOOLEAN),
        other_config=_STRINGS,
        external_ids=_STRINGS,
    ),
    _table(
        "Interface", unique=("name",), fixed="name",
        name=_one(_STRING),
        type=_one(_STRING),
        options=_STRINGS,
        ingress_policing_rate=_one(_integer(0)),
        ingress_policing_burst=_one(_integer(0)),
        ingress_policing_kpkts_rate=_one(_integer(0)),
        ingress_policing_kpkts_burst=_one(_integer(0)),
        mac_in_use=_opt(_STRING),
        mac=_opt(_STRING),
        ifindex=_opt(_UINT32),
        external_ids=_STRINGS,
        ofport=_opt(_INTEGER),
        ofport_request=_opt(_integer(1, 65279)),
        bfd=_STRINGS,
        bfd_status=_STRINGS,
        cfm_mpid=_opt(_INTEGER),
        cfm_remote_mpids=_many(_INTEGER),
        cfm_flap_count=_opt(_INTEGER),
        cfm_fault=_opt(_BOOLEAN),
        cfm_fault_status=_many(_STRING),
        cfm_remote_opstate=_opt(_UP_DOWN),
        cfm_health=_opt(_integer(0, 100)),
        lacp_current=_opt(_BOOLEAN),
        lldp=_STRINGS,
        other_config=_STRINGS,
        statistics=_COUNTERS,
        status=_STRINGS,
        admin_state=_opt(_UP_DOWN),
        link_state=_opt(_UP_DOWN),
        link_resets=_opt(_INTEGER),
        link_speed=_opt(_INTEGER),
        duplex=_opt(_choice("half", "full")),
        mtu=_opt(_INTEGER),
        mtu_request=_opt(_integer(1)),
        error=_opt(_STRING),
    ),
    _table(
        "Flow_Table",
        name=_opt(_STRING),
        flow_limit=_opt(_integer(0)),
        overflow_policy=_opt(_choice("refuse", "evict")),
        groups=_many(_STRING),
        prefixes=_many(_STRING, n_max=3),
        external_ids=_STRINGS,
    ),
    _table(
        "QoS", is_root=True,
        type=_one(_STRING),
        queues=_pairs(_UINT32, _ref("Queue")),
        other_config=_STRINGS,
        external_ids=_STRINGS,
    ),
    _table("Queue", is_root=True, dscp=_opt(_integer(0, 63)), other_config=_STRINGS, external_ids=_STRINGS),
    _table(
        "Mirror",
        name=_one(_STRING),
        select_all=_one(_BOOLEAN),
        select_src_port=_many(_weak_ref("Port")),
        select_dst_port=_many(_weak_ref("Port")),
        select_vlan=_VLANS,
        output_port=_opt(_weak_ref("Port")),
        output_vlan=_opt(_integer(1, 4095)),
        snaplen=_opt(_integer(14, 65535)),
        statistics=_COUNTERS,
        external_ids=_STRINGS,
    ),
    _table(
        "NetFlow",
        targets=_many(_STRING, n_min=1),
        engine_type=_opt(_integer(0, 255)),
        engine_id=_opt(_integer(0, 255)),
        add_id_to_interface=_one(_BOOLEAN),
        active_timeout=_one(_integer(-1)),
        external_ids=_STRINGS,
    ),
    _table(
        "sFlow",
        targets=_many(_STRING, n_min=1),
        sampling=_opt(_INTEGER),
        polling=_opt(_INTEGER),
        header=_opt(_INTEGER),
        agent=_opt(_STRING),
        external_ids=_STRINGS,
    ),
    _table(
        "IPFIX",
        targets=_many(_STRING),
        sampling=_opt(_integer(1, UINT32_MAX)),
        obs_domain_id=_opt(_UINT32),
        obs_point_id=_opt(_UINT32),
        cache_active_timeout=_opt(_integer(0, 4200)),
        cache_max_flows=_opt(_UINT32),
        other_config=_STRINGS,
        external_ids=_STRINGS,
    ),
    _table(
        "Flow_Sample_Collector_Set", is_root=True, unique=("id", "bridge"),
        id=_one(_UINT32),
        bridge=_one(_ref("Bridge")),
        ipfix=_opt(_ref("IPFIX")),
        external_ids=_STRINGS,
    ),
    _table(
        "Controller",
        type=_opt(_choice("primary", "service")),
        target=_one(_STRING),
        max_backoff=_opt(_integer(1000)),
        inactivity_probe=_opt(_INTEGER),
        connection_mode=_opt(_choice("in-band", "out-of-band")),
        local_ip=_opt(_STRING),
        local_netmask=_opt(_STRING),
        local_gateway=_opt(_STRING),
        enable_async_messages=_opt(_BOOLEAN),
        controller_queue_size=_opt(_integer(1, 512)),
        controller_rate_limit=_opt(_integer(100)),
        controller_burst_limit=_opt(_integer(25)),
        other_config=_STRINGS,
        external_ids=_STRINGS,
        is_connected=_one(_BOOLEAN),
        role=_opt(_choice("other", "master", "slave")),
        status=_STRINGS,
    ),
    _table(
        "Manager", unique=("target",),
        target=_one(_STRING),
        max_backoff=_opt(_integer(1000)),
        inactivity_probe=_opt(_INTEGER),
        connection_mode=_opt(_choice("in-band", "out-of-band")),
        other_config=_STRINGS,
        external_ids=_STRINGS,
        is_connected=_one(_BOOLEAN),
        status=_STRINGS,
    ),
    _table(
        "Datapath",
        datapath_version=_one(_STRING),
        ct_zones=_pairs(_integer(0, 65535), _ref("CT_Zone")),
        capabilities=_STRINGS,
        external_ids=_STRINGS,
    ),
    _table("CT_Zone", timeout_policy=_opt(_ref("CT_Timeout_Policy")), external_ids=_STRINGS),
    _table("CT_Timeout_Policy", timeouts=_pairs(_CT_TIMEOUT, _UINT32), external_ids=_STRINGS),
    _table(
        "SSL", max_rows=1,
        private_key=_one(_STRING),
        certificate=_one(_STRING),
        ca_cert=_one(_STRING),
        bootstrap_ca_cert=_one(_BOOLEAN),
        external_ids=_STRINGS,
    ),
    _table(
        "AutoAttach",
        system_name=_one(_STRING),
        system_description=_one(_STRING),
        mappings=_pairs(_integer(0, 0xFFFFFF), _VLAN),
    ),
)

TABLES: dict[str, TableSchema] = {table.name: table for table in sorted(_TABLES)}
