"""What neutron-server answers the agent, from a model in the layout of the golden data.

Runs where Neutron is installed; how rules become what the agent is told is Neutron's own code.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any
from unittest import mock

import netaddr
from neutron.common import utils
from neutron.db import securitygroups_rpc_base
from neutron.objects.qos import rule as qos_rule

Json = dict[str, Any]
QOS_TYPES = {"bw": "bandwidth_limit", "dscp": "dscp_marking", "pps": "packet_rate_limit"}


class Server(securitygroups_rpc_base.SecurityGroupInfoAPIMixin):
    """The RPC of plugin, security groups and distributed routing in one."""

    def __init__(self, model: Json) -> None:
        self.model = model
        self.remote_resource_cache = mock.Mock()
        self.networks = {item["name"]: item for item in model["networks"]}
        self.subnets = {item["name"]: item for item in model["subnets"]}
        self.ports = {item["name"]: item for item in model["ports"]}
        self.by_id = {item["id"]: item for item in model["ports"]}
        self.groups = {item["name"]: item for item in model["security_groups"]}
        self.group_by_id = {item["id"]: item for item in model["security_groups"]}
        self.policies = {item["name"]: item for item in model["qos_policies"]}

    # Ports

    def get_devices_details_list_and_failed_devices(self, _: Any, devices: Any, *__: Any, **___: Any) -> Json:
        return {"devices": [self._details(self.by_id[device]) for device in devices], "failed_devices": []}

    def _details(self, port: Json) -> Json:
        network = self.networks[port["net"]]
        return {
            "device": port["id"], "port_id": port["id"], "network_id": network["id"], "network_type": network["type"],
            "physical_network": network["physnet"], "segmentation_id": network["seg"],
            "admin_state_up": port["admin_up"], "mac_address": port["mac"], "device_owner": port["owner"],
            "fixed_ips": [{"subnet_id": self.subnets[name]["id"], "ip_address": ip} for name, ip in port["ips"]],
            "port_security_enabled": port["port_security"], "allowed_address_pairs": _pairs(port), "hints": {},
            "qos_policy_id": self.policies[port["qos"]]["id"] if port["qos"] else None,
            "qos_network_policy_id": self.policies[network["qos"]]["id"] if network["qos"] else None,
        }  # fmt: skip

    def update_device_list(self, *_: Any, **__: Any) -> Json:
        return {"failed_devices_up": [], "failed_devices_down": []}

    def update_device_down(self, *_: Any, **__: Any) -> Json:
        return {}

    def get_ports(self, _: Any, filters: Json) -> list[Json]:
        return [{"allowed_address_pairs": _pairs(self.by_id[port_id])} for port_id in filters["id"]]

    def tunnel_sync(self, _: Any, __: Any, tunnel_type: str, ___: Any) -> Json:
        return {"tunnels": [{"ip_address": ip} for ip in self.model["remote_vteps"].get(tunnel_type, [])]}

    # Distributed routing

    def get_dvr_mac_address_by_host(self, _: Any, host: str) -> Json:
        return next(item for item in self.model["dvr_macs"] if item["host"] == host)

    def get_dvr_mac_address_list(self, _: Any) -> list[Json]:
        return list(self.model["dvr_macs"])

    def get_subnet_for_dvr(self, _: Any, subnet_id: str, fixed_ips: list[Json] | None = None) -> Json:
        subnet = next(item for item in self.model["subnets"] if item["id"] == subnet_id)
        address = fixed_ips[0]["ip_address"] if fixed_ips else subnet["gateway_ip"]
        for port in self.model["ports"]:
            if [subnet["name"], address] in port["ips"]:
                return {**subnet, "gateway_mac": port["mac"]}
        return {}

    def get_ports_on_host_by_subnet(self, _: Any, __: Any, subnet_id: str) -> list[Json]:
        name = next(item["name"] for item in self.model["subnets"] if item["id"] == subnet_id)
        return [
            {"id": port["id"], "device_owner": port["owner"], "mac_address": port["mac"]}
            for port in self.model["ports"]
            if not port["remote"] and utils.is_dvr_serviced(port["owner"]) and name in [ip[0] for ip in port["ips"]]
        ]

    # Security groups

    def register_legacy_sg_notification_callbacks(self, _: Any) -> None:
        pass

    def security_group_info_for_devices(self, context: Any, devices: Any) -> Json:
        found = {}
        for port in map(self.by_id.get, devices):
            if port is None or port["owner"].startswith("network:"):
                continue
            ids = [self.groups[name]["id"] for name in port["sgs"]]
            found[port["id"]] = {
                "id": port["id"], "device": port["id"], "mac_address": port["mac"], "device_owner": port["owner"],
                "security_groups": ids, "security_group_ids": ids, "security_group_rules": [],
                "security_group_source_groups": [], "security_group_remote_address_groups": [],
                "fixed_ips": [ip for _, ip in port["ips"]], "port_security_enabled": port["port_security"],
                "allowed_address_pairs": _pairs(port),
            }  # fmt: skip
        return self.security_group_info_for_ports(context, found)

    def _select_rules_for_ports(self, _: Any, ports: Json) -> list[tuple[str, Json]]:
        return [
            (port_id, self._rule(group, rule))
            for port_id, port in ports.items()
            for group in (self.group_by_id[group_id] for group_id in port["security_groups"])
            for rule in group["rules"]
        ]

    def _rule(self, group: Json, rule: Json) -> Json:
        prefix, remote = rule.get("prefix"), rule.get("remote_group")
        return {
            "security_group_id": group["id"], "direction": rule["direction"], "ethertype": rule["ethertype"],
            "protocol": rule.get("protocol"), "port_range_min": rule.get("min"), "port_range_max": rule.get("max"),
            "remote_ip_prefix": prefix, "normalized_cidr": str(netaddr.IPNetwork(prefix).cidr) if prefix else None,
            "remote_group_id": self.groups[remote]["id"] if remote else None, "remote_address_group_id": None,
        }  # fmt: skip

    def _select_sg_ids_for_ports(self, _: Any, ports: Json) -> list[tuple[str]]:
        return [(group_id,) for port in ports.values() for group_id in port["security_groups"]]

    def _get_sgs_stateful_flag(self, _: Any, group_ids: Any) -> Json:
        return {group_id: self.group_by_id[group_id]["stateful"] for group_id in group_ids}

    def _select_ips_for_remote_group(self, _: Any, group_ids: Any) -> dict[str, set[tuple[str, str]]]:
        found: dict[str, set[tuple[str, str]]] = {group_id: set() for group_id in group_ids}
        for port in self.model["ports"]:
            members = {(ip, port["mac"]) for _, ip in port["ips"]} | {(ip, mac) for mac, ip in port["aaps"]}
            for name in port["sgs"]:
                found.get(self.groups[name]["id"], set()).update(members)
        return found

    def _select_ips_for_remote_address_group(self, *_: Any) -> Json:
        return {}

    # QoS

    def pull(self, _: Any, __: str, policy_id: str) -> Any:
        policy = next(item for item in self.model["qos_policies"] if item["id"] == policy_id)
        rules = []
        for item in policy["rules"]:
            rule = SimpleNamespace(
                **{**item, "rule_type": QOS_TYPES[item["type"]]}, qos_policy_id=policy_id, id="a rule"
            )
            rule.should_apply_to_port = functools.partial(qos_rule.QosRule.should_apply_to_port, rule)
            rules.append(rule)
        return SimpleNamespace(id=policy_id, rules=rules)


def _pairs(port: Json) -> list[Json]:
    return [{"mac_address": mac, "ip_address": ip} for mac, ip in port["aaps"]]
