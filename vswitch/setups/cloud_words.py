"""The words of a ``cloud.yaml``: what Neutron's API and ``openstack ... show`` call things, as ours.

Each kind of object has its words with their types (as JSON Schema), other spellings of some, and the words that the
API only shows: those are taken, so that output can be pasted, and have no effect.

Source: Networking API v2.0 (docs.openstack.org/api-ref/network/v2); columns of python-openstackclient 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from vswitch.setups.durations import DURATION

Schema = Mapping[str, Any]

TEXT: Schema = {"type": ["string", "null"], "description": "a text"}
NAME: Schema = {"type": ["string", "integer", "null"], "description": "a name or an id"}
NUMBER: Schema = {"type": ["integer", "null"], "description": "a whole number"}
FLAG: Schema = {"type": ["boolean", "null"], "description": "true or false"}
UP: Schema = {"enum": [True, False, "UP", "DOWN", None], "description": "true (UP) or false (DOWN)"}
EXTERNAL: Schema = {"enum": [True, False, "External", "Internal", None], "description": "true (External) or false"}


def one_of(*words: str) -> Schema:
    """One of some words, or nothing."""
    return {"enum": [*words, None], "description": " or ".join(words)}


def list_of(item: Schema, description: str) -> Schema:
    """A list. Of an object of the API it may be a text, which is read before this is asked (cloud_texts.py)."""
    return {"type": ["array", "null"], "items": item, "description": description}


def mapping(description: str, properties: Mapping[str, Any], *, required: list[str] | None = None) -> Schema:
    """An object of exactly these words."""
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "required": required or [],
        "properties": dict(properties),
    }


class Kind(NamedTuple):
    """A kind of objects: `words` with their types, `spellings` that stand for one of them, words that are only `shown`.

    `singular` is for messages.
    """

    singular: str
    words: Mapping[str, Schema]
    spellings: Mapping[str, str] = {}
    shown: tuple[str, ...] = ()

    def schema(self) -> Schema:
        """Of one object; null where a name says all."""
        properties: dict[str, Any] = dict(self.words)
        properties |= {other: self.words[word] for other, word in self.spellings.items()}
        properties |= {word: {"readOnly": True} for word in (*SHOWN_OF_ALL, *self.shown)}
        return {**mapping(f"the attributes of a {self.singular}", properties), "type": ["object", "null"]}


SHOWN_OF_ALL = ("created_at", "updated_at", "revision_number", "tags", "description", "location", "tenant_id", "status")

ROUTE = mapping("destination: a CIDR; nexthop: an address", {"destination": TEXT, "nexthop": TEXT})
POOL = mapping("start and end: the first and the last address", {"start": TEXT, "end": TEXT})
FIXED_IP: Schema = {
    "oneOf": [
        {"type": "string"},
        mapping("ip_address and subnet_id", {"ip_address": TEXT, "subnet_id": NAME, "subnet": NAME}),
    ],
    "description": "an address, or {ip_address: ..., subnet_id: ...}",
}
INTERFACE: Schema = {
    "oneOf": [
        {"type": ["string", "integer"]},
        mapping(
            "subnet_id, ip_address and port_id",
            {"subnet_id": NAME, "subnet": NAME, "ip_address": TEXT, "port_id": NAME, "port": NAME},
        ),
    ],
    "description": "a subnet, or {subnet_id: ..., ip_address: ..., port_id: ...}",
}
ADDRESS_PAIR: Schema = {
    "oneOf": [
        {"type": "string"},
        mapping("ip_address and mac_address", {"ip_address": TEXT, "mac_address": TEXT}, required=["ip_address"]),
    ],
    "description": "an address or CIDR, or {ip_address: ..., mac_address: ...}",
}
DHCP_OPTION = mapping(
    "opt_name, opt_value and ip_version",
    {
        "opt_name": NAME,
        "opt_value": NAME,
        "ip_version": {"enum": [4, 6, None], "description": "4 or 6"},
    },
    required=["opt_name", "opt_value"],
)
GATEWAY_INFO = mapping(
    "network_id, enable_snat and external_fixed_ips",
    {
        "network_id": NAME,
        "network": NAME,
        "enable_snat": FLAG,
        "external_fixed_ips": list_of(FIXED_IP, "a list of {ip_address: ..., subnet_id: ...}"),
        "qos_policy_id": {"readOnly": True},
    },
)
RULE = {
    **Kind(
        "rule",
        {
            "direction": one_of("ingress", "egress"),
            "ethertype": one_of("IPv4", "IPv6"),
            "protocol": {"type": ["string", "integer", "null"], "description": "a protocol's name or number"},
            "port_range_min": NUMBER,
            "port_range_max": NUMBER,
            "remote_ip_prefix": TEXT,
            "remote_group_id": NAME,
        },
        {"ether_type": "ethertype", "remote_group": "remote_group_id"},
        (
            "id", "normalized_cidr", "project_id", "remote_address_group_id", "security_group_id",
            "standard_attr_id", "belongs_to_default_sg", "name",
        ),
    ).schema(),
    "type": "object",
    "required": ["direction"],
}  # fmt: skip
QOS_RULE = {
    **Kind(
        "rule",
        {
            "type": one_of("bandwidth_limit", "packet_rate_limit", "dscp_marking"),
            "direction": one_of("ingress", "egress"),
            "max_kbps": NUMBER,
            "max_burst_kbps": NUMBER,
            "max_kpps": NUMBER,
            "max_burst_kpps": NUMBER,
            "dscp_mark": NUMBER,
        },
        {},
        ("id", "qos_policy_id", "project_id", "name"),
    ).schema(),
    "type": "object",
    "required": ["type"],
}
SUB_PORT = mapping(
    "port_id and segmentation_id",
    {"port_id": NAME, "port": NAME, "segmentation_id": NUMBER, "segmentation_type": one_of("vlan")},
    required=["segmentation_id"],
)

NETWORK_TYPES = ("vlan", "flat", "vxlan", "gre", "geneve", "local")

KINDS: Mapping[str, Kind] = {
    "networks": Kind(
        "network",
        {
            "id": NAME,
            "name": NAME,
            "provider:network_type": one_of(*NETWORK_TYPES),
            "provider:physical_network": NAME,
            "provider:segmentation_id": NUMBER,
            "mtu": NUMBER,
            "subnets": list_of(NAME, "a list of subnets: CIDRs, or names and ids of what stands under subnets"),
            "port_security_enabled": FLAG,
            "admin_state_up": UP,
            "router:external": EXTERNAL,
            "qos_policy_id": NAME,
            "project_id": NAME,
            "segments": {"enum": [None, "", []], "description": "multi-segment networks are not supported"},
        },
        {
            "is_admin_state_up": "admin_state_up",
            "is_router_external": "router:external",
            "is_port_security_enabled": "port_security_enabled",
            "provider_network_type": "provider:network_type",
            "provider_physical_network": "provider:physical_network",
            "provider_segmentation_id": "provider:segmentation_id",
            "qos_policy": "qos_policy_id",
            "subnet_ids": "subnets",
        },
        (
            "availability_zone_hints", "availability_zones", "dns_domain", "ipv4_address_scope", "ipv6_address_scope",
            "is_default", "is_vlan_qinq", "is_vlan_transparent", "vlan_qinq", "vlan_transparent", "l2_adjacency",
            "shared", "is_shared",
        ),
    ),
    "subnets": Kind(
        "subnet",
        {
            "id": NAME,
            "name": NAME,
            "network_id": NAME,
            "cidr": TEXT,
            "ip_version": {"enum": [4, 6, None], "description": "4 or 6"},
            "gateway_ip": TEXT,
            "enable_dhcp": FLAG,
            "allocation_pools": list_of(
                {"oneOf": [{"type": "string"}, POOL], "description": "{start: ..., end: ...}"},
                "a list of {start: ..., end: ...}",
            ),
            "dns_nameservers": list_of(TEXT, "a list of addresses"),
            "host_routes": list_of(ROUTE, "a list of {destination: ..., nexthop: ...}"),
            "ipv6_ra_mode": one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless"),
            "ipv6_address_mode": one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless"),
            "project_id": NAME,
        },
        {"network": "network_id", "is_dhcp_enabled": "enable_dhcp"},
        (
            "dns_publish_fixed_ip", "router:external", "segment_id", "service_types", "subnetpool_id",
            "subnet_pool_id", "use_default_subnet_pool", "prefix_length",
        ),
    ),
    "routers": Kind(
        "router",
        {
            "id": NAME,
            "name": NAME,
            "admin_state_up": UP,
            "distributed": FLAG,
            "ha": FLAG,
            "external_gateway_info": {
                **GATEWAY_INFO,
                "type": ["object", "null"],
                "description": "{network_id: ..., enable_snat: ..., external_fixed_ips: [...]}",
            },
            "interfaces": list_of(INTERFACE, "a list of subnets"),
            "routes": list_of(ROUTE, "a list of {destination: ..., nexthop: ...}"),
            "hosts": list_of(NAME, "a list of hosts with an L3 agent, the first has the router (or is the master)"),
            "project_id": NAME,
        },
        {
            "is_admin_state_up": "admin_state_up",
            "is_distributed": "distributed",
            "is_ha": "ha",
            "interfaces_info": "interfaces",
        },
        (
            "availability_zone_hints", "availability_zones", "enable_default_route_bfd", "enable_default_route_ecmp",
            "enable_ndp_proxy", "evpn_vni", "external_gateways", "flavor_id",
        ),
    ),
    "ports": Kind(
        "port",
        {
            "id": NAME,
            "name": NAME,
            "network_id": NAME,
            "mac_address": TEXT,
            "fixed_ips": list_of(FIXED_IP, "a list of addresses, or of {ip_address: ..., subnet_id: ...}"),
            "binding:host_id": NAME,
            "device_owner": TEXT,
            "device_id": NAME,
            "admin_state_up": UP,
            "port_security_enabled": FLAG,
            "security_group_ids": list_of(NAME, "a list of security groups"),
            "allowed_address_pairs": list_of(ADDRESS_PAIR, "a list of {ip_address: ..., mac_address: ...}"),
            "qos_policy_id": NAME,
            "project_id": NAME,
            "extra_dhcp_opts": list_of(DHCP_OPTION, "a list of {opt_name: ..., opt_value: ..., ip_version: ...}"),
            "plug_at": DURATION,
            "unplug_at": DURATION,
        },
        {
            "network": "network_id",
            "host": "binding:host_id",
            "binding_host_id": "binding:host_id",
            "is_admin_state_up": "admin_state_up",
            "is_port_security_enabled": "port_security_enabled",
            "security_groups": "security_group_ids",
            "qos_policy": "qos_policy_id",
        },
        (
            "binding:profile", "binding_profile", "binding:vif_details", "binding_vif_details", "binding:vif_type",
            "binding_vif_type", "binding:vnic_type", "binding_vnic_type", "data_plane_status", "device_profile",
            "dns_assignment", "dns_domain", "dns_name", "hardware_offload_type", "hints",
            "ip_allocation", "numa_affinity_policy", "propagate_uplink_status", "qos_network_policy_id",
            "resource_request", "trunk_details", "trusted",
        ),
    ),
    "floating_ips": Kind(
        "floating IP",
        {
            "id": NAME,
            "name": NAME,
            "floating_network_id": NAME,
            "floating_ip_address": TEXT,
            "port_id": NAME,
            "fixed_ip_address": TEXT,
            "router_id": NAME,
            "project_id": NAME,
            "port_forwardings": {"enum": [None, "", []], "description": "port forwarding is not supported"},
        },
        {"floating_network": "floating_network_id", "network": "floating_network_id", "port": "port_id",
         "router": "router_id"},
        ("dns_domain", "dns_name", "port_details", "qos_policy_id", "subnet_id"),
    ),
    "security_groups": Kind(
        "security group",
        {
            "id": NAME,
            "name": NAME,
            "stateful": FLAG,
            "rules": list_of(RULE, "a list of rules"),
            "project_id": NAME,
        },
        {"security_group_rules": "rules"},
        ("shared", "is_shared", "is_default"),
    ),
    "qos_policies": Kind(
        "QoS policy",
        {"id": NAME, "name": NAME, "rules": list_of(QOS_RULE, "a list of rules"), "project_id": NAME},
        {},
        ("shared", "is_shared", "is_default"),
    ),
    "trunks": Kind(
        "trunk",
        {
            "id": NAME,
            "name": NAME,
            "port_id": NAME,
            "sub_ports": list_of(SUB_PORT, "a list of {port_id: ..., segmentation_id: ...}"),
            "admin_state_up": UP,
            "project_id": NAME,
        },
        {"port": "port_id", "is_admin_state_up": "admin_state_up"},
    ),
}  # fmt: skip

NESTED_SPELLINGS: Mapping[str, str] = {
    "subnet": "subnet_id",
    "port": "port_id",
    "network": "network_id",
    "remote_group": "remote_group_id",
    "ether_type": "ethertype",
}
"""Other spellings in mappings inside of objects."""
