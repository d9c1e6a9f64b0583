"""Options of openvswitch_agent.ini: names, sections, types and defaults (neutron/conf/plugins/ml2/drivers/ovs_conf.py).

Those of dhcp_agent.ini and l3_agent.ini that change what is seen on a network are here, too (section DEFAULT).

Names are unique over the sections, so a host's configuration is one mapping. An option that steers what is no part of
a switch (how the agent reaches its server, for one) is known and has no effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Address, IPv6Address, ip_address

from vswitch.errors import ConfigError, nearest
from vswitch.neutron.cloud import TUNNEL_TYPES, Option

FIREWALL_DRIVERS = ("noop", "openvswitch")


@dataclass(frozen=True)
class AgentOptions:
    """The options of one agent; `options_of` makes them of a host's configuration."""

    integration_bridge: str = "br-int"
    tunnel_bridge: str = "br-tun"
    int_peer_patch_port: str = "patch-tun"
    tun_peer_patch_port: str = "patch-int"
    local_ip: IPv4Address | IPv6Address | None = None
    bridge_mappings: dict[str, str] = field(default_factory=dict)
    datapath_type: str = "system"
    bridge_mac_table_size: int = 50000
    igmp_snooping_enable: bool = False
    igmp_flood: bool = False
    igmp_flood_reports: bool = True
    igmp_flood_unregistered: bool = False
    qos_meter_bandwidth: bool = False
    trunk_enabled: bool = True
    of_listen_address: str = "127.0.0.1"
    of_listen_port: int = 6633
    of_inactivity_probe: int = 10

    tunnel_types: list[str] = field(default_factory=list)
    vxlan_udp_port: int = 4789
    l2_population: bool = False
    arp_responder: bool = False
    enable_distributed_routing: bool = False
    explicitly_egress_direct: bool = False
    drop_flows_on_start: bool = False
    dont_fragment: bool = True
    tunnel_csum: bool = False
    dscp: int | None = None
    dscp_inherit: bool = False
    polling_interval: int = 2
    extensions: list[str] = field(default_factory=list)

    firewall_driver: str = "noop"
    enable_security_group: bool = True
    permitted_ethertypes: list[str] = field(default_factory=list)

    dhcp_lease_duration: int = 86400
    """Seconds; -1: for ever. These and the following ones are in dhcp_agent.ini and l3_agent.ini."""
    dhcp_renewal_time: int = 0
    dhcp_rebinding_time: int = 0
    dhcp_broadcast_reply: bool = False
    dns_domain: str = "openstacklocal"
    enable_isolated_metadata: bool = False
    force_metadata: bool = False
    min_rtr_adv_interval: int = 30
    max_rtr_adv_interval: int = 100

    isolate_vif: bool = True
    """nova plugs a VM's port on the dead VLAN. os-vif itself has False; who runs this agent is told to say True."""

    @property
    def enable_tunneling(self) -> bool:
        """True if there is a tunnel bridge."""
        return bool(self.tunnel_types)

    @property
    def answers_arp(self) -> bool:
        """True if br-tun has an ARP responder: with l2population, and where tunnels meet DVR whatever was said."""
        by_option = self.arp_responder and self.l2_population
        return by_option or (self.enable_distributed_routing and self.enable_tunneling)

    @property
    def has_openflow_firewall(self) -> bool:
        """True if security groups are flows."""
        return self.firewall_driver == "openvswitch"

    @property
    def filters_ports(self) -> bool:
        """True if the firewall does anything to ports."""
        return self.firewall_driver != "noop" and self.enable_security_group

    @property
    def polling_interval_ns(self) -> int:
        """`polling_interval` in nanoseconds."""
        return self.polling_interval * 1_000_000_000


SECTIONS = {
    "OVS": (
        "integration_bridge", "tunnel_bridge", "int_peer_patch_port", "tun_peer_patch_port", "local_ip",
        "bridge_mappings", "datapath_type", "bridge_mac_table_size", "igmp_snooping_enable", "igmp_flood",
        "igmp_flood_reports", "igmp_flood_unregistered", "qos_meter_bandwidth", "trunk_enabled", "of_listen_address",
        "of_listen_port", "of_inactivity_probe",
    ),
    "AGENT": (
        "tunnel_types", "vxlan_udp_port", "l2_population", "arp_responder", "enable_distributed_routing",
        "explicitly_egress_direct", "drop_flows_on_start", "dont_fragment", "tunnel_csum", "dscp", "dscp_inherit",
        "polling_interval", "extensions",
    ),
    "SECURITYGROUP": (
        "firewall_driver", "enable_security_group", "permitted_ethertypes",
    ),
    "DEFAULT": (
        "dhcp_lease_duration", "dhcp_renewal_time", "dhcp_rebinding_time", "dhcp_broadcast_reply", "dns_domain",
        "enable_isolated_metadata", "force_metadata", "min_rtr_adv_interval", "max_rtr_adv_interval",
    ),
    "os_vif_ovs": (
        "isolate_vif",
    ),
}  # fmt: skip
"""Names of the options that have an effect, by section of the file."""
WITHOUT_EFFECT = frozenset((
    "baremetal_smartnic", "log_agent_heartbeats", "minimize_polling", "ovsdb_monitor_respawn_interval",
    "quitting_rpc_timeout", "report_interval", "root_helper", "root_helper_daemon", "use_helper_for_ns_read",
    "of_connect_timeout", "of_request_timeout", "openflow_processed_per_port", "ovsdb_connection", "ovsdb_debug",
    "ovsdb_timeout", "resource_provider_bandwidths", "resource_provider_default_hypervisor",
    "resource_provider_hypervisors", "resource_provider_inventory_defaults",
    "resource_provider_packet_processing_inventory_defaults", "resource_provider_packet_processing_with_direction",
    "resource_provider_packet_processing_without_direction", "ssl_ca_cert_file", "ssl_cert_file", "ssl_key_file",
    "vhostuser_socket_dir", "enable_ipset",
))  # fmt: skip
"""What the agent knows besides, and this model has no use for."""
RANGES = {
    "dscp": (0, 63), "vxlan_udp_port": (0, 65535), "of_listen_port": (0, 65535), "polling_interval": (1, 2**31 - 1),
    "dhcp_lease_duration": (-1, 2**31 - 1), "min_rtr_adv_interval": (3, 1350), "max_rtr_adv_interval": (4, 1800),
}  # fmt: skip
"""What numbers may be; the others begin with 0."""
_FIELDS = {option.name: option for option in fields(AgentOptions)}
DEFAULTS = AgentOptions()


def options_of(config: Mapping[str, Option]) -> AgentOptions:
    """Options as `config` has them, defaults where it says nothing; texts are read as oslo.config does.

    Raises
    ------
    ConfigError
        An option that the agent does not have, or a value that is none; `key` names it.
    """
    return AgentOptions(**dict(_read(config)))  # type: ignore[arg-type]


def _read(config: Mapping[str, Option]) -> Iterator[tuple[str, object]]:
    for name, value in config.items():
        if name not in _FIELDS:
            if name in WITHOUT_EFFECT:
                continue
            raise ConfigError(f'the agent has no option "{name}"', key=name, hint=nearest(name, _FIELDS))
        yield name, _value(name, value)


def _value(name: str, value: Option | None) -> object:
    kind = str(_FIELDS[name].type)
    if value is None:
        return getattr(DEFAULTS, name)
    if kind == "bool":
        return _boolean(name, value)
    if kind.startswith("int"):
        return _number(name, value)
    if kind.startswith("list"):
        return _chosen_list(name, _words(value))
    if kind.startswith("dict"):
        return _mapping(name, value)
    if kind.startswith("IPv4Address"):
        try:
            return ip_address(str(value))
        except ValueError:
            raise ConfigError(f'"{value}" is no IP address', key=name) from None
    text = str(value)
    if name == "firewall_driver" and text not in FIREWALL_DRIVERS:
        known = ", ".join(FIREWALL_DRIVERS)
        raise ConfigError(f'there is no firewall driver "{text}"', key=name, hint=f"known are {known}")
    return text


def _boolean(name: str, value: Option) -> bool:
    text = str(value).lower()
    if text in ("true", "yes", "on", "1"):
        return True
    if text in ("false", "no", "off", "0"):
        return False
    raise ConfigError(f'"{value}" is neither true nor false', key=name)


def _number(name: str, value: Option) -> int:
    low, high = RANGES.get(name, (0, 2**31 - 1))
    try:
        number = int(str(value))
    except ValueError:
        raise ConfigError(f'"{value}" is no whole number', key=name) from None
    if not low <= number <= high:
        raise ConfigError(f"{number} is not in {low}..{high}", key=name)
    return number


def _words(value: Option) -> list[str]:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return [str(word) for word in value] if isinstance(value, list) else [str(value)]


def _chosen_list(name: str, words: list[str]) -> list[str]:
    if name == "tunnel_types":
        for word in words:
            if word not in TUNNEL_TYPES:
                known = ", ".join(TUNNEL_TYPES)
                raise ConfigError(f'"{word}" is no tunnel type', key=name, hint=f"known are {known}")
    return words


def _mapping(name: str, value: Option) -> dict[str, str]:
    """``a:b,c:d``, a list of such, or a mapping (neutron_lib's helpers.parse_mappings(): values are unique too)."""
    if isinstance(value, dict):
        pairs = [(str(key), str(item)) for key, item in value.items()]
    else:
        pairs = []
        for word in _words(value):
            key, colon, item = word.partition(":")
            if not colon or not key.strip() or not item.strip():
                raise ConfigError(f'"{word}" is not of the form NETWORK:BRIDGE', key=name)
            pairs.append((key.strip(), item.strip()))
    mapping: dict[str, str] = {}
    for key, item in pairs:
        if key in mapping:
            raise ConfigError(f'"{key}" is mapped twice', key=name)
        if item in mapping.values():
            raise ConfigError(f'"{item}" is used twice', key=name)
        mapping[key] = item
    return mapping
