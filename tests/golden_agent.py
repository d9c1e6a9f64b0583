"""The agent of ours against the real one: the cloud of a golden folder, built, and what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import yaml

import vswitch
from vswitch.neutron.agent.agent import L2Agent, commands_of
from vswitch.neutron.agent.server import Server
from vswitch.neutron.agent.switch import Vif
from vswitch.neutron.cloud import Cloud, Host
from vswitch.neutron.underlay import Underlay
from vswitch.setups.cloud_file import parse_cloud

Json = dict[str, Any]
# The underlay that stood below the agent's bridges, as the README of the golden data describes it.
UNDERLAY = "br-under"
UPLINK = "ethu"
VTEP_MACS = "52:54:00:50:00:{:02x}"  # by the last byte of the address

# Columns whose values are the agent's doing. Of maps, keys that come from elsewhere are left out.
COLUMNS = {
    "Bridge": ("datapath_type", "fail_mode", "mcast_snooping_enable", "other_config", "protocols"),
    "Port": ("other_config", "tag", "trunks", "vlan_mode"),
    "Interface": ("external_ids", "ingress_policing_burst", "ingress_policing_rate", "ofport", "options", "type"),
}
ELSEWHERE = {"vm-uuid", "hwaddr"}
LAST_VLAN = 4095
METER_KEY = re.compile(r"^(?:bps|pps)_")
METER = re.compile(r"\bmeter[:=](\d+)")

# ------------------------------------------------------------------------------------------------- the cloud as text


def cloud_of(folder: Path) -> tuple[Cloud, Host]:
    """The cloud of a folder, read from a cloud.yaml, and the host whose agent was watched."""
    cloud = parse_cloud(cloud_yaml(folder), str(folder / "cloud.yaml")).cloud
    return cloud, cloud.hosts[0]


def cloud_yaml(folder: Path) -> str:
    """`model.json` of a folder in the words of a cloud.yaml."""
    model = json.loads((folder / "model.json").read_text())
    document = {
        "networks": {item["name"]: _network(item) for item in model["networks"]},
        "subnets": {item["name"]: _subnet(item) for item in model["subnets"]} | _far_subnets(model),
        "security_groups": {item["name"]: _group(item) for item in model["security_groups"]},
        "qos_policies": {item["name"]: _policy(item) for item in model["qos_policies"]},
        "ports": _ports(model),
        "trunks": {item["name"]: _trunk(item) for item in model["trunks"]},
        "hosts": {model["host"]: _own_host(folder, model)} | _other_hosts(model),
    }
    return yaml.safe_dump(document, sort_keys=False)


def _network(item: Json) -> Json:
    network = {
        "id": item["id"], "provider:network_type": item["type"], "provider:physical_network": item["physnet"],
        "provider:segmentation_id": item["seg"], "mtu": item["mtu"], "qos_policy_id": item["qos"],
        "router:external": False,
    }  # fmt: skip
    return {word: value for word, value in network.items() if value is not None}


def _subnet(item: Json) -> Json:
    return {
        "id": item["id"], "network_id": item["net"], "cidr": item["cidr"], "gateway_ip": item["gateway_ip"],
        "enable_dhcp": False,
    }  # fmt: skip


def _far_subnets(model: Json) -> dict[str, Json]:
    """Subnets for addresses that l2population has told of, and that no subnet of the network holds."""
    cidrs: dict[str, list[IPv4Network | IPv6Network]] = {}
    for item in model["subnets"]:
        cidrs.setdefault(item["net"], []).append(ip_network(item["cidr"]))
    found: dict[str, Json] = {}
    for (network, _), (_, addresses) in _far_stations(model).items():
        for address in map(ip_address, addresses):
            if not any(address in cidr for cidr in cidrs.setdefault(network, [])):
                cidrs[network].append(ip_network(address))
                found[f"{network}-{address}"] = {
                    "network_id": network, "cidr": str(cidrs[network][-1]), "gateway_ip": None, "enable_dhcp": False,
                }  # fmt: skip
    return found


def _group(item: Json) -> Json:
    spellings = {"min": "port_range_min", "max": "port_range_max", "prefix": "remote_ip_prefix",
                 "remote_group": "remote_group_id"}  # fmt: skip
    rules = [{spellings.get(word, word): value for word, value in rule.items()} for rule in item["rules"]]
    return {"id": item["id"], "stateful": item["stateful"], "rules": rules}


def _policy(item: Json) -> Json:
    types = {"bw": "bandwidth_limit", "pps": "packet_rate_limit", "dscp": "dscp_marking"}
    return {"id": item["id"], "rules": [{**rule, "type": types[rule["type"]]} for rule in item["rules"]]}


def _port(item: Json, model: Json) -> Json:
    if not item["port_security"]:
        item = {**item, "sgs": [], "aaps": []}  # neutron-server takes none without port security
    port = {
        "id": item["id"], "network_id": item["net"], "mac_address": item["mac"], "device_owner": item["owner"],
        "fixed_ips": [{"subnet_id": subnet, "ip_address": address} for subnet, address in item["ips"]],
        "admin_state_up": item["admin_up"], "port_security_enabled": item["port_security"],
        "security_group_ids": item["sgs"],
        "allowed_address_pairs": [{"mac_address": mac, "ip_address": address} for mac, address in item["aaps"]],
        "qos_policy_id": item["qos"],
    }  # fmt: skip
    if not item["owner"].startswith("network:"):
        port["device_id"] = item["vm"]
    in_trunks = {name for trunk in model["trunks"] for name in trunk["subports"]}
    # Where a port elsewhere is the model does not say, unless l2population has told.
    if not item["remote"] and item["plug"] and item["name"] not in in_trunks:
        port["binding:host_id"] = model["host"]
    return port


def _trunk(item: Json) -> Json:
    subs = [{"port_id": name, "segmentation_id": vlan} for name, vlan in item["subports"].items()]
    return {"id": item["id"], "port_id": item["parent"], "sub_ports": subs}


def _ports(model: Json) -> dict[str, Json]:
    """Ports in the order in which they were plugged; after them those elsewhere, as l2population has told of them."""
    by_mac = {(item["net"], item["mac"]): item for item in model["ports"]}
    far = _far_stations(model)
    here = [item for item in model["ports"] if (item["net"], item["mac"]) not in far]
    ports = {item["name"]: _port(item, model) for item in here}
    for (network, mac), (vtep, addresses) in far.items():
        item = by_mac.get((network, mac))
        port = _port(item, model) if item else {
            "network_id": network, "mac_address": mac, "security_group_ids": [],
            "fixed_ips": [{"ip_address": address} for address in addresses],
        }  # fmt: skip
        ports[item["name"] if item else f"{network}-{mac}"] = {**port, "binding:host_id": f"vtep-{vtep}"}
    for network, by_address in model["l2pop_remote_fdb"].items():
        for vtep, stations in by_address.items():
            if not stations:  # frames to all go there, as to a host with a router's port only
                ports[f"{network}-{vtep}"] = {
                    "network_id": network, "binding:host_id": f"vtep-{vtep}", "fixed_ips": [], "security_group_ids": [],
                }  # fmt: skip
    return ports


def _far_stations(model: Json) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """What l2population has told: network and MAC, with the address of the host and those of the port."""
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for network, by_address in model["l2pop_remote_fdb"].items():
        for vtep, stations in by_address.items():
            for mac, address in stations:
                found.setdefault((network, mac), (vtep, []))[1].append(address)
    return found


def _own_host(folder: Path, model: Json) -> Json:
    host: Json = {"isolate_vif": False}  # the stand-in for nova plugged without a tag
    for options in model["agent_config_overrides"].values():
        host.update(options)
    if model["local_ip"]:
        host |= {"local_ip": model["local_ip"], "vtep_mac_address": vtep_mac(model["local_ip"])}
    bridges = json.loads((folder / "index.json").read_text())["bridges"]
    mappings = dict(word.split(":") for word in str(host.get("bridge_mappings", "")).split(",") if word)
    host["nics"] = {
        name: {"bridge": bridge, "physical_network": network}
        for network, bridge in mappings.items()
        for name in bridges.get(bridge, {})
        if name != bridge and not name.startswith("phy-")
    }
    if model["local_ip"]:
        ports = [name for name in bridges.get(UNDERLAY, {}) if name != UNDERLAY] or [UPLINK]
        host["nics"] |= {name: {"bridge": UNDERLAY, "physical_network": None} for name in ports}
    macs = {item["host"]: item["mac_address"] for item in model["dvr_macs"]}
    if model["host"] in macs:
        host["dvr_mac_address"] = macs[model["host"]]
    return host


def _other_hosts(model: Json) -> dict[str, Json]:
    """Hosts that the model knows by an address or a MAC of distributed routing."""
    hosts: dict[str, Json] = {}
    told = [(kind, address) for kind, addresses in model["remote_vteps"].items() for address in addresses]
    types = {item["name"]: item["type"] for item in model["networks"]}
    told += [(types[name], address) for name, by_address in model["l2pop_remote_fdb"].items() for address in by_address]
    for kind, address in told:
        host = hosts.setdefault(
            f"vtep-{address}", {"local_ip": address, "tunnel_types": [], "vtep_mac_address": vtep_mac(address)}
        )
        if kind not in host["tunnel_types"]:
            host["tunnel_types"].append(kind)
    macs = [item["mac_address"] for item in model["dvr_macs"] if item["host"] != model["host"]]
    for number, mac in enumerate(macs):
        name = list(hosts)[number] if number < len(hosts) else f"dvr-{number}"
        hosts.setdefault(name, {"tunnel_types": []})["dvr_mac_address"] = mac
    return hosts


def vtep_mac(address: str) -> str:
    return VTEP_MACS.format(ip_address(address).packed[-1])


# ----------------------------------------------------------------------------------------------------- comparing


class _Agent(L2Agent):
    """An agent that takes the ports of one poll in the order that the real one took; that is the order of a set."""

    local_vlans: Json

    def treat(self, vifs: Iterable[Vif]) -> None:
        super().treat(sorted(vifs, key=self._turn))

    def _turn(self, vif: Vif) -> int:
        vlan = str(self.local_vlans.get(vif.port.network.name, ""))
        return int(vlan) if vlan.isdigit() else LAST_VLAN


def start(folder: Path, node: vswitch.Node) -> tuple[L2Agent, list[str]]:
    """Start our agent on a node, as neutron/build.py does; returns it and what differs from the real one's bridges."""
    cloud, host = cloud_of(folder)
    agent = _Agent(Server(cloud), host)
    agent.local_vlans = json.loads((folder / "index.json").read_text()).get("local_vlans", {})
    run(node, agent.start())
    for line in Underlay(cloud).commands(host):
        node.run(line)
    return agent, [f"at start, {line}" for line in compare_flows(folder / "initial", node)]


def compare_wired(folder: Path, node: vswitch.Node) -> list[str]:
    """What differs when all ports are wired, a line each."""
    return [*compare_flows(folder, node), *compare_meters(folder, node), *compare_rows(folder, node)]


def run(node: vswitch.Node, steps: Any) -> None:
    for command in commands_of(steps):
        node.run(command.line, command.stdin)


def compare_flows(folder: Path, node: vswitch.Node) -> Iterator[str]:
    """Flow tables of every bridge."""
    for path in sorted(folder.glob("*.flows.txt")):
        bridge = path.name.removesuffix(".flows.txt")
        yield from compare_dump(path, node, bridge)


def compare_dump(path: Path, node: vswitch.Node, bridge: str, table: str = "") -> Iterator[str]:
    """A dump of flows against those of a node's bridge; `table` as ``table=20``, or all."""
    want = [in_order(line) for line in path.read_text().splitlines()]
    dump = node.run(f"ovs-ofctl -O OpenFlow13 --no-stats --no-names dump-flows {bridge} {table}")
    got = [in_order(line) for line in dump.splitlines()]
    yield from (f"{bridge}: no flow {flow}" for flow in _missing(want, got))
    yield from (f"{bridge}: has flow {flow}" for flow in _missing(got, want))


def compare_meters(folder: Path, node: vswitch.Node) -> Iterator[str]:
    """Meters, whose numbers are random, by what they do."""
    for path in sorted(folder.glob("*.groups-meters.txt")):
        bridge = path.name.removesuffix(".groups-meters.txt")
        want = sorted(meters(path.read_text()))
        got = sorted(meters(node.run(f"ovs-ofctl -O OpenFlow13 dump-meters {bridge}")))
        if want != got:
            yield f"{bridge}: meters are {got}, not {want}"


def meters(text: str) -> list[str]:
    return re.findall(r"meter=\d+ (.*bands=\n(?:type=.*\n)+)", text)


def compare_rows(folder: Path, node: vswitch.Node) -> Iterator[str]:
    """Rows of bridges, ports and interfaces."""
    for table, columns in COLUMNS.items():
        want = {row["name"]: row for row in json.loads((folder / f"{table}.json").read_text())}
        listing = node.run(f"ovs-vsctl --format=json --columns=name,{','.join(columns)} list {table}")
        rows = json.loads(listing)
        got = {row[0]: dict(zip(rows["headings"], row, strict=True)) for row in rows["data"]}
        under = {UNDERLAY, *json.loads((folder / "index.json").read_text())["bridges"].get(UNDERLAY, {})}
        for name in sorted((want.keys() | got.keys()) - under):
            if name not in got or name not in want:
                yield f"{table} {name} is {'missing' if name in want else 'too much'}"
                continue
            for column in columns:
                wanted, ours = _plain(want[name][column]), _plain(got[name][column])
                if wanted != ours:
                    yield f"{table} {name}: {column} is {ours}, not {wanted}"


def _plain(value: Any) -> Any:
    """An OVSDB value without its marks; meter numbers are random."""
    if isinstance(value, list) and value[0] == "map":
        return {
            key: "meter" if METER_KEY.match(key) else item for key, item in sorted(value[1]) if key not in ELSEWHERE
        }
    if isinstance(value, list) and value[0] == "set":
        return sorted(value[1])
    return [value] if value != "" else []


def in_order(flow: str) -> str:
    """A flow without its cookie and with its settings in order: the golden data has the priority first."""
    head, actions = flow.strip().split(" actions=")
    words = [word for word in re.split(r"[,\s]+", head) if not word.startswith("cookie=")]
    if not any(word.startswith("table=") for word in words):
        words.append("table=0")
    return f"{','.join(sorted(words))} actions={METER.sub('meter', actions)}"


def _missing(flows: list[str], others: list[str]) -> list[str]:
    known = set(others)
    return [flow for flow in flows if flow not in known]
