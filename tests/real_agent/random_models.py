"""Random clouds in the layout of the golden data's model.json: options, networks and ports of all kinds."""

from __future__ import annotations

import uuid
from random import Random
from typing import Any

Json = dict[str, Any]
BRIDGES = {"physnet1": "br-eth1", "physnet2": "br-verylongname", "public": "br-ex"}
TUNNELS = ("vxlan", "gre", "geneve")
PROTOCOLS = (None, "tcp", "tcp", "udp", "icmp", "sctp", "112", "47", "vrrp")
PREFIXES = {
    "IPv4": ("10.0.0.0/8", "192.0.2.1/32", "0.0.0.0/0", "10.1.2.3/24"),
    "IPv6": ("2001:db8::/32", "::/0", "2001:db8::1/128"),
}
OWN_MAC, FAR_MAC, PAIR_MAC = "fa:16:3e:00:{:02x}:{:02x}", "fa:16:3e:ff:{:02x}:{:02x}", "fa:16:3e:aa:{:02x}:{:02x}"
HOST_DVR_MAC = "fa:16:3f:00:00:{:02x}"
KINDS = {
    "network:router_gateway": "qg-", "network:router_interface": "qr-", "network:router_centralized_snat": "sg-",
    "network:router_interface_distributed": "qr-",
}  # fmt: skip


class RandomModel:
    """A model of a seed; `make` returns it, with steps after the beginning if `lives`."""

    def __init__(self, seed: int) -> None:
        self.chance, self.seed = Random(seed), seed
        chance = self.chance
        self.dvr = chance.random() < 0.4
        self.types = chance.sample(TUNNELS, chance.randint(1, 3)) if self.dvr or chance.random() < 0.6 else []
        self.l2pop = bool(self.types) and (self.dvr or self.maybe())
        self.physical = chance.sample(sorted(BRIDGES), chance.randint(0 if self.types else 1, 3))
        self.firewall = self.maybe()
        self.qos = self.maybe(0.4)
        self.is_ipv6 = self.maybe(0.2)
        self.n_addresses = self.n_ids = 0

    def maybe(self, share: float = 0.5) -> bool:
        return self.chance.random() < share

    def make(self, *, lives: bool) -> Json:
        networks = self._networks()
        subnets = self._subnets(networks)
        groups = self._groups()
        policies = self._policies() if self.qos else []
        names = [item["name"] for item in policies]
        for network in networks:
            network["qos"] = self.chance.choice([*names, None]) if names and self.maybe(0.4) else None
        ports = self._ports(networks, subnets, [group["name"] for group in groups], names)
        model: Json = {
            "agent_config_overrides": self._options(), "host": "compute1", "networks": networks, "subnets": subnets,
            "security_groups": groups, "qos_policies": policies, "ports": ports, "trunks": [],
            "local_ip": self._vtep(1) if self.types else None, "remote_vteps": {}, "l2pop_remote_fdb": {},
            "dvr_macs": [], "nics": {BRIDGES[name]: [f"nic-{name}"] for name in self.physical},
        }  # fmt: skip
        if self.types and not self.l2pop:
            model["remote_vteps"] = {
                kind: [self._vtep(i) for i in range(2, 2 + self.chance.randint(1, 3))] for kind in self.types
            }
        if self.l2pop:
            model["l2pop_remote_fdb"] = self._far(networks, subnets)
        if self.dvr:
            hosts = ["compute1", *(f"c{i}" for i in range(2, 2 + self.chance.randint(0, 3)))]
            model["dvr_macs"] = [
                {"host": host, "mac_address": HOST_DVR_MAC.format(i)} for i, host in enumerate(hosts, 1)
            ]
        if lives:
            model["steps"], model["late"] = self._steps(ports, [group["name"] for group in groups], names)
        return model

    def _id(self) -> str:
        self.n_ids += 1
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self.seed}.{self.n_ids}"))

    def _vtep(self, number: int) -> str:
        return f"fd00::{number}" if self.is_ipv6 else f"192.0.2.{number}"

    def _options(self) -> Json:
        options: Json = {"OVS": {}, "AGENT": {}, "SECURITYGROUP": {}}
        if self.physical:
            options["OVS"]["bridge_mappings"] = ",".join(f"{name}:{BRIDGES[name]}" for name in self.physical)
        if self.types:
            options["AGENT"]["tunnel_types"] = ",".join(self.types)
        if self.l2pop:
            options["AGENT"] |= {"l2_population": "true", "arp_responder": str(self.maybe()).lower()}
        if self.dvr:
            options["AGENT"]["enable_distributed_routing"] = "true"
        if self.firewall:
            options["SECURITYGROUP"]["firewall_driver"] = "openvswitch"
        if self.qos:
            options["AGENT"]["extensions"] = "qos"
        for section, name, value, share in (
            ("OVS", "qos_meter_bandwidth", "true", 0.5 if self.qos else 0),
            ("SECURITYGROUP", "permitted_ethertypes", "0x4008,0x8864", 0.2),
            ("SECURITYGROUP", "enable_security_group", "false", 0.1),
            ("AGENT", "explicitly_egress_direct", "true", 0.4),
            ("AGENT", "drop_flows_on_start", "true", 0.2),
            ("AGENT", "tunnel_csum", "true", 0.2),
            ("AGENT", "dont_fragment", "false", 0.2),
            ("AGENT", "vxlan_udp_port", "8472", 0.2),
            ("AGENT", "dscp", "8", 0.2),
            ("AGENT", "dscp_inherit", "true", 0.1),
            ("OVS", "integration_bridge", "br-x", 0.1),
            ("OVS", "int_peer_patch_port", "out", 0.1),
        ):
            if self.maybe(share):
                options[section][name] = value
        return options

    def _networks(self) -> list[Json]:
        kinds = [(kind, name) for name in self.physical for kind in ("vlan", "vlan", "flat")]
        kinds += [(kind, None) for kind in self.types for _ in range(3)] + [("local", None)]
        networks: list[Json] = []
        for number in range(self.chance.randint(1, 4)):
            kind, physical = self.chance.choice(kinds)
            if kind == "flat" and any((item["type"], item["physnet"]) == (kind, physical) for item in networks):
                continue
            segment = None if kind in ("flat", "local") else 100 + number
            networks.append({"id": self._id(), "name": f"net{number}", "type": kind, "physnet": physical,
                             "seg": segment, "mtu": 1500})  # fmt: skip
        return networks

    def _subnets(self, networks: list[Json]) -> list[Json]:
        subnets = []
        for i, network in enumerate(networks):
            for j in range(self.chance.randint(1, 2)):
                cidr = f"10.{i}.{j}.0/24" if self.maybe(0.65) else f"2001:db8:{i}{j}::/64"
                gateway = (cidr[:-4] + "1") if "." in cidr else (cidr[:-3] + "1")
                subnets.append({"id": self._id(), "name": f"sub{i}{j}", "net": network["name"], "cidr": cidr,
                                "gateway_ip": gateway if self.maybe(0.9) else None,
                                "ip_version": 4 if "." in cidr else 6, "gateway_mac": None})  # fmt: skip
        return subnets

    def _address(self, subnet: Json) -> str:
        self.n_addresses += 1
        number = 10 + self.n_addresses
        return subnet["cidr"][:-4] + str(number) if subnet["ip_version"] == 4 else f"{subnet['cidr'][:-3]}{number:x}"

    def _groups(self) -> list[Json]:
        names = [f"group{i}" for i in range(self.chance.randint(1, 3))]
        return [{"id": self._id(), "name": name, "stateful": True,
                 "rules": [self._rule(names) for _ in range(self.chance.randint(0, 7))]} for name in names]  # fmt: skip

    def _rule(self, groups: list[str]) -> Json:
        chance = self.chance
        ethertype = chance.choice(["IPv4", "IPv4", "IPv6"])
        rule: Json = {"direction": chance.choice(["ingress", "ingress", "egress"]), "ethertype": ethertype}
        protocol = chance.choice(PROTOCOLS)
        if protocol == "icmp" and ethertype == "IPv6":
            protocol = chance.choice(["icmp", "icmpv6", "ipv6-icmp"])
        if protocol:
            rule["protocol"] = protocol
        if protocol in ("tcp", "udp", "sctp") and self.maybe(0.7):
            low = chance.choice([1, 22, 80, 8000, chance.randint(1, 65535)])
            rule |= {"min": low, "max": chance.choice([low, min(65535, low + chance.randint(0, 3000)), 65535])}
        elif protocol and "icmp" in protocol and self.maybe(0.6):
            rule["min"] = chance.choice([0, 3, 8, 128])
            if self.maybe():
                rule["max"] = chance.choice([0, 1, 4])
        other = chance.random()
        if other < 0.35:
            rule["remote_group"] = chance.choice(groups)
        elif other < 0.65:
            rule["prefix"] = chance.choice(PREFIXES[ethertype])
        return rule

    def _policies(self) -> list[Json]:
        policies = []
        for name in ("gold", "silver"):
            rules: list[Json] = []
            for direction in ("egress", "ingress"):
                rate, burst = self.chance.randint(1, 9), self.chance.choice([0, 1])
                if self.maybe():
                    rules.append({"type": "bw", "direction": direction, "max_kbps": rate * 1000,
                                  "max_burst_kbps": burst * 500})  # fmt: skip
                if self.maybe():
                    rules.append({"type": "pps", "direction": direction, "max_kpps": rate, "max_burst_kpps": burst})
            if self.maybe():
                rules.append({"type": "dscp", "dscp_mark": self.chance.choice([8, 26, 46])})
            policies.append({"id": self._id(), "name": name, "rules": rules})
        return policies

    def _ports(self, networks: list[Json], subnets: list[Json], groups: list[str], policies: list[str]) -> list[Json]:
        ports: list[Json] = []
        routed: set[str] = set()

        def add(network: Json, owner: str, addresses: list[list[str]], **words: Any) -> None:
            number = len(ports) + 1
            port_id, name = self._id(), f"{owner.split(':')[1][:4]}{number}"
            ports.append({
                "id": port_id, "name": name, "net": network["name"], "owner": owner, "ips": addresses, "vm": name,
                "mac": OWN_MAC.format(self.seed % 256, number), "kind": KINDS.get(owner, "tap"), "plug": True,
                "ifname": (KINDS.get(owner, "tap") + port_id)[:14], "remote": False, "admin_up": True, "aaps": [],
                "port_security": True, "qos": None, "sgs": [], **words,
            })  # fmt: skip

        for _ in range(self.chance.randint(1, 6)):
            network = self.chance.choice(networks)
            own = [subnet for subnet in subnets if subnet["net"] == network["name"]]
            some = self.chance.sample(own, self.chance.randint(1, len(own)))
            addresses = [[subnet["name"], self._address(subnet)] for subnet in some]
            kind = self.chance.random()
            if kind < 0.6:
                secure = self.maybe(0.85)
                add(network, "compute:nova", addresses, admin_up=self.maybe(0.92), port_security=secure,
                    sgs=self.chance.sample(groups, self.chance.randint(0, len(groups))) if secure else [],
                    aaps=self._pairs(OWN_MAC.format(self.seed % 256, len(ports) + 1)) if secure else [],
                    qos=self.chance.choice([*policies, None, None]))  # fmt: skip
            elif kind < 0.7:
                add(network, "network:dhcp", addresses)
            elif kind < 0.8 or not self.dvr:
                owner = self.chance.choice(["network:router_gateway", "network:router_interface"])
                add(network, owner, addresses[:1])
            elif some[0]["gateway_ip"] and some[0]["name"] not in routed:
                routed.add(some[0]["name"])
                add(network, "network:router_interface_distributed", [[some[0]["name"], some[0]["gateway_ip"]]])
                if self.maybe():
                    add(network, "network:router_centralized_snat", addresses[:1])
        if self.firewall and self.maybe(0.4):
            network = self.chance.choice(networks)
            subnet = next(subnet for subnet in subnets if subnet["net"] == network["name"])
            add(network, "compute:nova", [[subnet["name"], self._address(subnet)]], remote=True, plug=False,
                sgs=[self.chance.choice(groups)])  # fmt: skip
        self.chance.shuffle(ports)
        return ports

    def _pairs(self, mac: str) -> list[list[str]]:
        """Address pairs; of MACs that are not the port's own no two ports have the same."""
        found: dict[str, list[str]] = {}
        for _ in range(self.chance.choice([0, 0, 1, 3])):
            self.n_addresses += 1
            prefix = self.chance.choice(
                ["10.0.0.{}", "10.9.{}.0/24", "2001:db8::{}", "10.1.0.{}/32"] + ["0.0.0.0/0", "::/0"] * self.maybe(0.2)
            ).format(100 + self.n_addresses)
            other = PAIR_MAC.format(self.seed % 256, self.n_addresses)
            found[prefix] = [mac if self.maybe() else other, prefix]
        return list(found.values())

    def _far(self, networks: list[Json], subnets: list[Json]) -> Json:
        found: Json = {}
        for network in networks:
            if network["type"] in self.types and self.maybe(0.8):
                subnet = next(subnet for subnet in subnets if subnet["net"] == network["name"])
                hosts = self.chance.sample((2, 3, 4), self.chance.randint(1, 3))
                found[network["name"]] = {
                    self._vtep(host): [
                        [FAR_MAC.format(host, i), self._address(subnet)] for i in range(self.chance.randint(1, 2))
                    ]
                    for host in hosts
                }
        return found

    def _steps(self, ports: list[Json], groups: list[str], policies: list[str]) -> tuple[list[Any], list[str]]:
        """What happens after the beginning, and the ports that come then only."""
        chance = self.chance
        here = [port for port in ports if port["plug"] and not port["remote"]]
        late = chance.sample(here, chance.randint(0, len(here) // 2))
        alive = [port for port in here if port not in late]
        steps: list[Any] = [["plug", [port["name"]]] for port in alive]
        waiting = list(late)
        for _ in range(chance.randint(2, 8)):
            kind = chance.random()
            if waiting and kind < 0.4:
                alive.append(waiting.pop())
                steps.append(["plug", [alive[-1]["name"]]])
            elif alive and kind < 0.6:
                steps.append(["unplug", [alive.pop(chance.randrange(len(alive)))["name"]]])
            elif alive:
                port = chance.choice(alive)
                new = self._change(port, groups, policies)
                if new:
                    steps.append(["set", {port["name"]: new}])
        return steps, [port["name"] for port in late]

    def _change(self, port: Json, groups: list[str], policies: list[str]) -> Json:
        what = self.chance.choice(["admin_up", "sgs", "aaps", "qos"])
        if what == "admin_up" or port["owner"].startswith("network:"):
            return {"admin_up": self.maybe()}
        if what == "sgs" and port["port_security"]:
            return {"sgs": self.chance.sample(groups, self.chance.randint(0, len(groups)))}
        if what == "aaps" and port["port_security"]:
            return {"aaps": self._pairs(port["mac"])}
        return {"qos": self.chance.choice([*policies, None])} if policies else {}
