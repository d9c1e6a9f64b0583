"""The agent of ours against the real one: the cloud of a golden folder, built, and what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import vswitch
from vswitch.neutron.agent.agent import L2Agent, commands_of
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import (
    AddressPair,
    Cloud,
    FixedIp,
    Host,
    Network,
    Nic,
    Port,
    QosPolicy,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubPort,
    Trunk,
)

Json = dict[str, Any]
UNDERLAY = "br-under"  # none of Neutron's: it stood below the tunnels

# Columns whose values are the agent's doing. Of maps, keys that come from elsewhere are left out.
COLUMNS = {
    "Bridge": ("datapath_type", "fail_mode", "mcast_snooping_enable", "other_config", "protocols"),
    "Port": ("other_config", "tag", "trunks", "vlan_mode"),
    "Interface": ("external_ids", "ingress_policing_burst", "ingress_policing_rate", "ofport", "options", "type"),
}
ELSEWHERE = {"vm-uuid", "hwaddr"}
METER_KEY = re.compile(r"^(?:bps|pps)_")
METER = re.compile(r"\bmeter[:=](\d+)")


def cloud_of(folder: Path) -> tuple[Cloud, Host]:
    """The cloud that `model.json` of a folder describes, and the host whose agent was watched."""
    model = json.loads((folder / "model.json").read_text())
    cloud = Cloud()
    policies = {item["name"]: _policy(item) for item in model["qos_policies"]}
    cloud.qos_policies += policies.values()
    for item in model["networks"]:
        policy = policies.get(item["qos"])
        network = Network(item["id"], item["name"], item["type"], item["physnet"], item["seg"], item["mtu"])
        network.qos_policy = policy
        cloud.networks.append(network)
    networks = {network.name: network for network in cloud.networks}
    for item in model["subnets"]:
        gateway = ip_address(item["gateway_ip"]) if item["gateway_ip"] else None
        cidr = ip_network(item["cidr"])
        cloud.subnets.append(Subnet(item["id"], item["name"], networks[item["net"]], cidr, gateway))
    groups = {item["name"]: SecurityGroup(item["id"], item["name"], [], item["stateful"])
              for item in model["security_groups"]}  # fmt: skip
    for item in model["security_groups"]:
        groups[item["name"]].rules += [_rule(rule, groups) for rule in item["rules"]]
    cloud.security_groups += groups.values()
    host = _own_host(folder, model)
    cloud.hosts.append(host)
    _add_ports(cloud, model, host, groups, policies)
    _add_others(cloud, model, host)
    return cloud, host


def _own_host(folder: Path, model: Json) -> Host:
    config: Json = {"isolate_vif": False}  # the stand-in for nova plugged without a tag
    for options in model["agent_config_overrides"].values():
        config.update(options)
    if model["local_ip"]:
        config["local_ip"] = model["local_ip"]
    nics = []
    ports = json.loads((folder / "index.json").read_text())["bridges"]
    mappings = dict(word.split(":") for word in str(config.get("bridge_mappings", "")).split(",") if word)
    for physical_network, bridge in mappings.items():
        for name in ports.get(bridge, {}):
            if not name.startswith(("phy-", bridge)):
                nics.append(Nic(name, bridge, physical_network))
    macs = {item["host"]: item["mac_address"] for item in model["dvr_macs"]}
    return Host(model["host"], config, nics, macs.get(model["host"]))


def _add_ports(cloud: Cloud, model: Json, host: Host, groups: Json, policies: Json) -> None:
    networks = {network.name: network for network in cloud.networks}
    subnets = {subnet.name: subnet for subnet in cloud.subnets}
    elsewhere = Host("elsewhere")
    in_trunks = {name for trunk in model["trunks"] for name in trunk["subports"]}
    ports: dict[str, Port] = {}
    for item in model["ports"]:
        port = Port(item["id"], networks[item["net"]], item["mac"], item["name"])
        port.fixed_ips += [FixedIp(subnets[name], ip_address(address)) for name, address in item["ips"]]
        port.device_owner, port.device_id = item["owner"], item["vm"]
        port.admin_state_up, port.port_security_enabled = item["admin_up"], item["port_security"]
        port.security_groups += [groups[name] for name in item["sgs"]]
        port.allowed_address_pairs += [
            AddressPair(ip_network(address, strict=False), mac) for mac, address in item["aaps"]
        ]
        port.qos_policy = policies.get(item["qos"])
        if item["remote"]:
            port.host = elsewhere
        elif item["plug"] and item["name"] not in in_trunks:
            port.host = host
        ports[item["name"]] = port
        cloud.ports.append(port)
    if any(port.host is elsewhere for port in ports.values()):
        cloud.hosts.append(elsewhere)
    for item in model["trunks"]:
        subs = [SubPort(ports[name], vlan) for name, vlan in item["subports"].items()]
        cloud.trunks.append(Trunk(item["id"], item["name"], ports[item["parent"]], subs))


def _add_others(cloud: Cloud, model: Json, host: Host) -> None:
    """Hosts that the model knows by an address, a MAC of distributed routing, or what l2population said of them."""
    others: dict[str, Host] = {}

    def other(address: str, network_type: str) -> Host:
        found = others.get(address)
        if found is None:
            found = others[address] = Host(f"vtep-{address}", {"local_ip": address, "tunnel_types": []})
            cloud.hosts.append(found)
        types: list[str] = found.config["tunnel_types"]  # type: ignore[assignment]
        if network_type not in types:
            types.append(network_type)
        return found

    for network_type, addresses in model["remote_vteps"].items():
        for address in addresses:
            other(address, network_type)
    networks = {network.name: network for network in cloud.networks}
    for name, by_address in model["l2pop_remote_fdb"].items():
        network = networks[name]
        for address, stations in by_address.items():
            there = other(address, network.network_type)
            for mac, station in stations:
                port = Port(f"remote-{mac}-{station}", network, mac, f"remote-{station}", host=there)
                subnet = next((subnet for subnet in cloud.subnets if subnet.network is network
                               and ip_address(station) in subnet.cidr), None)  # fmt: skip
                port.fixed_ips.append(FixedIp(subnet or cloud.subnets[0], ip_address(station)))
                cloud.ports.append(port)
    macs = [item["mac_address"] for item in model["dvr_macs"] if item["host"] != host.name]
    for number, mac in enumerate(macs):
        if number < len(others):
            list(others.values())[number].dvr_mac_address = mac
        else:
            cloud.hosts.append(Host(f"dvr-{number}", dvr_mac_address=mac))


def _policy(item: Json) -> QosPolicy:
    policy = QosPolicy(item["id"], item["name"])
    for rule in item["rules"]:
        if rule["type"] == "dscp":
            policy.dscp_mark = rule["dscp_mark"]
        elif rule["type"] == "bw":
            limit = (rule["max_kbps"], rule["max_burst_kbps"])
            setattr(policy, f"{rule['direction']}_kbps", limit)
        else:
            limit = (rule["max_kpps"], rule["max_burst_kpps"])
            setattr(policy, f"{rule['direction']}_kpps", limit)
    return policy


def _rule(item: Json, groups: dict[str, SecurityGroup]) -> SecurityGroupRule:
    prefix = ip_network(item["prefix"], strict=False) if item.get("prefix") else None
    group = groups[item["remote_group"]] if item.get("remote_group") else None
    return SecurityGroupRule(
        item["direction"], item["ethertype"], item.get("protocol"), item.get("min"), item.get("max"), prefix, group
    )


# ----------------------------------------------------------------------------------------------------- comparing


def start(folder: Path, node: vswitch.Node) -> tuple[L2Agent, list[str]]:
    """Start our agent on a node; returns it and what differs from the real one's bridges, a line each."""
    cloud, host = cloud_of(folder)
    agent = L2Agent(Server(cloud), host)
    run(node, agent.start())
    return agent, [f"at start, {line}" for line in compare_flows(folder / "initial", node)]


def add_underlay(node: vswitch.Node, folder: Path) -> bool:
    """Add what stood below the tunnels; False if nothing did."""
    ports = json.loads((folder / "index.json").read_text())["bridges"].get(UNDERLAY)
    if not ports:
        return False
    node.run(f"ovs-vsctl add-br {UNDERLAY}")
    for name, number in ports.items():
        if name != UNDERLAY:
            node.run(f"ovs-vsctl add-port {UNDERLAY} {name} -- set Interface {name} ofport_request={number}")
    return True


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
        want = [_in_order(line) for line in path.read_text().splitlines()]
        dump = node.run(f"ovs-ofctl -O OpenFlow13 --no-stats --no-names dump-flows {bridge}")
        got = [_in_order(line) for line in dump.splitlines()]
        yield from (f"{bridge}: no flow {flow}" for flow in _missing(want, got))
        yield from (f"{bridge}: has flow {flow}" for flow in _missing(got, want))


def compare_meters(folder: Path, node: vswitch.Node) -> Iterator[str]:
    """Meters, whose numbers are random, by what they do."""
    for path in sorted(folder.glob("*.groups-meters.txt")):
        bridge = path.name.removesuffix(".groups-meters.txt")
        want = sorted(_meters(path.read_text()))
        got = sorted(_meters(node.run(f"ovs-ofctl -O OpenFlow13 dump-meters {bridge}")))
        if want != got:
            yield f"{bridge}: meters are {got}, not {want}"


def _meters(text: str) -> list[str]:
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


def _in_order(flow: str) -> str:
    head, actions = flow.strip().split(" actions=")
    words = [word for word in re.split(r"[,\s]+", head) if not word.startswith("cookie=")]
    if not any(word.startswith("table=") for word in words):
        words.append("table=0")
    return f"{','.join(sorted(words))} actions={METER.sub('meter', actions)}"


def _missing(flows: list[str], others: list[str]) -> list[str]:
    known = set(others)
    return [flow for flow in flows if flow not in known]
