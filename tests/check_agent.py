#!/usr/bin/env python3
"""Random clouds through Neutron's own agent and through ours: check_agent.py PYTHON SEED COUNT [--lives].

PYTHON is an interpreter that has Neutron 29 (``python -m venv DIR && DIR/bin/pip install neutron==29.0.0``). The real
agent runs there with a switch that only remembers (tests/real_agent/); what it has sent is done to a node of ours, and
compared with a node that our agent has built of the same cloud, at the start and in the end: flows of all bridges, tags
and other_config of ports, tunnels, meters, policing. With ``--lives``, ports come, change and go after the beginning.
A line is printed for each seed that differs, and the totals; the exit status is 1 if one does. Where the real agent has
failed itself, there is nothing to compare with.

Not compared is what the real agent asks its switch for: flows of MACs (table 25) that a pair does not have any more.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import vswitch
from tests import golden_agent
from tests.real_agent.random_models import RandomModel
from vswitch.errors import VSwitchError
from vswitch.neutron.agent.agent import L2Agent
from vswitch.neutron.agent.loop import Loop
from vswitch.neutron.agent.server import Server
from vswitch.neutron.cloud import AddressPair, Cloud, Host, PortChange
from vswitch.neutron.underlay import Underlay

Json = dict[str, Any]
MAX_SHOWN = 6
STEP_NS = 10_000_000_000  # between two steps; several polls
NEVER_NS = 10**18

MESSAGE = re.compile(r"OFPT_(FLOW|METER)_MOD \(OF1\.\d\) \(xid=\S+\):\s*(ADD|DEL_STRICT|DEL|MOD)\s*(.*)", re.DOTALL)
METER = re.compile(r"meter=(\d+) (.*?) bands=\s*type=drop (rate=\d+)(?: (burst_size=\d+))?")
WITHOUT = re.compile(r"cookie[:=][^, ]+,?|(?:hard|idle)_timeout=0,?")
COMMANDS = {"ADD": "add", "DEL": "delete", "DEL_STRICT": "delete_strict", "add-flows": "add", "del-flows": "delete"}


def replay_real(done: list[Any], bridges: Json) -> vswitch.Node:
    """A node to which is done what the real agent did."""
    node = vswitch.Node()
    for bridge, ports in bridges.items():
        node.run(f"ovs-vsctl add-br {bridge} -- set-fail-mode {bridge} secure")
        for name, row in ports.items():
            node.run(f"ovs-vsctl add-port {bridge} {name} -- set Interface {name} ofport_request={row['ofport']}")
    lines: dict[str, list[str]] = {}
    meters: dict[str, str] = {}
    gone: dict[str, str] = {}
    texts = iter(printed([bytes.fromhex(item[2]) for item in done if item[1] == "message"]))
    for bridge, kind, *words in done:
        if kind == "message":
            read_message(bridge, next(texts), lines, meters, gone)
        elif kind == "ofctl" and words[0] != "dump-flows":
            lines.setdefault(bridge, []).extend(of_file(*words))
    for meter, (bridge, text) in ((meter, text.split(" ", 1)) for meter, text in meters.items()):
        node.run(f"ovs-ofctl -O OpenFlow13 add-meter {bridge} meter={meter},{text}")
    for bridge, commands in lines.items():
        node.run(f"ovs-ofctl -O OpenFlow14 --bundle add-flows {bridge} -", "\n".join(commands) + "\n")
    for meter, bridge in gone.items():
        node.run(f"ovs-ofctl -O OpenFlow13 del-meter {bridge} meter={meter}")
    return node


def printed(messages: list[bytes]) -> list[str]:
    """OpenFlow messages as ovs-ofctl prints them."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(messages))
        file.flush()
        text = subprocess.run(["ovs-ofctl", "ofp-parse", file.name], capture_output=True, text=True, check=True).stdout
    texts = re.split(r"\n(?=OFPT_)", text.strip())
    if len(texts) != len(messages):
        raise ValueError(f"{len(messages)} messages are printed as {len(texts)}")
    return texts


def read_message(
    bridge: str, text: str, lines: dict[str, list[str]], meters: dict[str, str], gone: dict[str, str]
) -> None:
    found = MESSAGE.match(text)
    if found is None:
        raise ValueError(f"what is {text}?")
    kind, command, rest = found.groups()
    if kind == "METER":
        meter = METER.search(rest)
        if command == "DEL":
            gone[re.search(r"meter=(\d+)", rest)[1]] = bridge  # type: ignore[index]
        elif meter:
            bands = ",".join(word for word in ("bands=type=drop", meter[3], meter[4]) if word)
            meters[meter[1]] = f"{bridge} {meter[2].strip().replace(' ', ',')},{bands}"
        return
    head, _, actions = rest.partition("actions=")
    head = re.sub(r"(?:out_port|out_group|buf|flags):\S+", "", WITHOUT.sub("", head))
    words = [word for word in re.split(r"[,\s]+", head) if word]
    table = next((word.removeprefix("table:") for word in words if word.startswith("table:")), "0")
    words = [word for word in words if not word.startswith("table:")]
    if command == "DEL":
        words = [word for word in words if not word.startswith("priority=")]
    if table != "255":
        words.insert(0, f"table={table}")
    line = f"{COMMANDS[command]} {','.join(words)}"
    if command == "ADD":
        line += f" actions={WITHOUT.sub('', actions.strip()).replace('learn(,', 'learn(')}"
    lines.setdefault(bridge, []).append(line)


def of_file(command: str, is_bundle: bool, text: str) -> Iterator[str]:
    """Lines for ovs-ofctl; what goes by OpenFlow 1.0 resets counters."""
    for line in text.splitlines():
        first, _, rest = line.partition(" ")
        name = first if first in COMMANDS.values() else COMMANDS[command]
        flow = WITHOUT.sub("", rest if first in COMMANDS.values() else line).rstrip(",").replace(",actions", " actions")
        yield f"{name} {'' if is_bundle or name != 'add' else 'reset_counts,'}{flow}"


# ------------------------------------------------------------------------------------------------------------- ours


def add_steps(cloud: Cloud, host: Host, model: Json) -> None:
    """Give the cloud the times of a model's steps."""
    ports = {port.name: port for port in cloud.ports}
    groups = {group.name: group for group in cloud.security_groups}
    policies = {policy.name: policy for policy in cloud.qos_policies}
    for port in ports.values():
        if port.host is host and port.name in model["late"]:
            port.plug_at_ns = NEVER_NS
    at_ns = 0
    for what, about in model["steps"]:
        if what == "plug" and about[0] not in model["late"]:
            continue
        at_ns += STEP_NS
        for name in about:
            if what == "plug":
                ports[name].plug_at_ns = at_ns
            elif what == "unplug":
                ports[name].unplug_at_ns = at_ns
            else:
                new: Json = {}
                for word, value in about[name].items():
                    if word == "admin_up":
                        new["admin_state_up"] = value
                    elif word == "sgs":
                        new["security_groups"] = [groups[group] for group in value]
                    elif word == "aaps":
                        new["allowed_address_pairs"] = [AddressPair(ip_network(ip), mac) for mac, ip in value]
                    else:
                        new["qos_policy"] = policies.get(value)
                cloud.changes.append(PortChange(at_ns, ports[name], new))


def build_ours(folder: Path, model: Json) -> tuple[vswitch.Node, vswitch.Node]:
    """Nodes as our agent leaves them: at the start, and in the end."""
    cloud, host = golden_agent.cloud_of(folder)
    if "steps" in model:
        add_steps(cloud, host, model)
    start, end = vswitch.Node(), vswitch.Node()
    golden_agent.run(start, L2Agent(Server(cloud), host).start())
    agent = L2Agent(Server(cloud), host)
    golden_agent.run(end, agent.start())
    for line in Underlay(cloud).commands(host):
        end.run(line)
    golden_agent.run(end, agent.wire_first_ports())
    golden_agent.run(end, [step for step in Loop(agent).steps() if step.time_ns < NEVER_NS])
    return start, end


# -------------------------------------------------------------------------------------------------------- comparing


def compare(folder: Path) -> Iterator[str]:
    """What differs, a line each."""
    model = json.loads((folder / "model.json").read_text())
    real = json.loads((folder / "done.json").read_text())
    start, end = build_ours(folder, model)
    for place, node, done in (("start, ", start, real["done"][: real["n_start"]]), ("", end, real["done"])):
        theirs = replay_real(done, real["bridges"])
        for bridge in real["bridges"]:
            want, got = flows(theirs, bridge), flows(node, bridge)
            yield from (f"{place}{bridge}: no flow {flow}" for flow in want if flow not in got)
            yield from (f"{place}{bridge}: has flow {flow}" for flow in got if flow not in want)
            if meters_of(theirs, bridge) != meters_of(node, bridge):
                yield f"{place}{bridge}: meters are {meters_of(node, bridge)}, not {meters_of(theirs, bridge)}"
    for ports in real["bridges"].values():
        for name, row in ports.items():
            yield from compare_port(end, name, row)
    policed = {item[2]: item[3:] for item in real["done"] if item[1] == "police"}
    for name, limits in policed.items():
        if any(name in ports for ports in real["bridges"].values()):
            text = end.run(f"ovs-vsctl get Interface {name} ingress_policing_rate ingress_policing_burst")
            if text.split() != [str(limit) for limit in limits]:
                yield f"{name}: policing is {text.split()}, not {limits}"


def flows(node: vswitch.Node, bridge: str) -> list[str]:
    dump = node.run(f"ovs-ofctl -O OpenFlow13 --no-stats --no-names dump-flows {bridge}")
    ordered = sorted(map(golden_agent.in_order, dump.splitlines()))
    return [flow for flow in ordered if not ("table=25" in flow and ",dl_src=fa:16:3e:aa" in "," + flow)]


def meters_of(node: vswitch.Node, bridge: str) -> list[str]:
    return sorted(golden_agent.meters(node.run(f"ovs-ofctl -O OpenFlow13 dump-meters {bridge}")))


def compare_port(node: vswitch.Node, name: str, row: Json) -> Iterator[str]:
    listing = node.run("ovs-vsctl --format=json --columns=name,tag,other_config list Port")
    ours = next((columns for columns in json.loads(listing)["data"] if columns[0] == name), None)
    if ours is None:
        yield f"no port {name}"
        return
    tag = None if ours[1] == ["set", []] else ours[1]
    config = {key: "" if golden_agent.METER_KEY.match(key) else value for key, value in ours[2][1]
              if not key.startswith("mcast")}  # fmt: skip
    wanted = {key: "" if golden_agent.METER_KEY.match(key) else value for key, value in row["other_config"].items()}
    if (tag, config) != (row["tag"], wanted):
        yield f"port {name}: {tag} {config}, not {row['tag']} {wanted}"
    number = node.run(f"ovs-vsctl get Interface {name} ofport").strip()
    if number != str(row["ofport"]):
        yield f"port {name}: number {number}, not {row['ofport']}"
    if row.get("tunnel"):
        listing = node.run(f"ovs-vsctl --format=json --columns=type,options list Interface {name}")
        kind, options = json.loads(listing)["data"][0]
        if (kind, dict(options[1])) != (row["tunnel"]["type"], row["tunnel"]["options"]):
            yield f"tunnel {name}: {kind} {dict(options[1])}, not {row['tunnel']}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", metavar="PYTHON")
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--lives", action="store_true", help="ports come, change and go after the beginning")
    options = parser.parse_args(arguments)
    n_different = n_failed = n_without = 0
    with tempfile.TemporaryDirectory() as place:
        folders = []
        for seed in range(options.seed, options.seed + options.count):
            folders.append(Path(place) / str(seed))
            folders[-1].mkdir()
            model = RandomModel(seed).make(lives=options.lives)
            (folders[-1] / "model.json").write_text(json.dumps(model))
            bridges = {bridge: dict.fromkeys(names, 1) for bridge, names in model["nics"].items()}
            (folders[-1] / "index.json").write_text(json.dumps({"bridges": bridges}))
        program = Path(__file__).resolve().parent / "real_agent" / "main.py"
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": ""}
        subprocess.run([options.python, program, *folders], env=environment, stderr=subprocess.DEVNULL, check=True)
        for folder in folders:
            if (folder / "error.txt").exists():
                n_without += 1
                print(f"{folder.name}: the real agent: {(folder / 'error.txt').read_text().splitlines()[-1]}")
                continue
            try:
                differences = list(compare(folder))
            except VSwitchError as error:
                n_failed += 1
                print(f"{folder.name}: {error}")
                continue
            n_different += bool(differences)
            if differences:
                print(f"{folder.name}: DIFFERENT")
            for difference in differences[:MAX_SHOWN]:
                print(f"  {difference}")
    n_same = options.count - n_different - n_failed - n_without
    print(f"{n_same} same, {n_different} DIFFERENT, {n_failed} not built, {n_without} without an answer")
    return int(n_different + n_failed > 0)


if __name__ == "__main__":
    sys.exit(main())
