"""Commands of `gen_normal` that make, change and remove mirrors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.oracle.odd_frames import VIDS

if TYPE_CHECKING:
    from tests.oracle.gen_normal import Case


def add_mirror(case: Case) -> None:
    bridge = case.bridge()
    name = case.name("m")
    words = [f"-- --id=@m create Mirror name={name}"]
    gets: list[str] = []

    def ref(port: str) -> str:
        gets.append(f"-- --id=@{port} get Port {port}")
        return f"@{port}"

    draw = case.rng.random()
    if draw < 0.4:
        words.append("select_all=true")
    if draw > 0.3:
        for column in case.rng.choice([["src"], ["dst"], ["src", "dst"]]):
            ports = {case.port(bridge) for _ in range(case.rng.randint(1, 2))}
            words.append(f"select_{column}_port={','.join(ref(port) for port in sorted(ports))}")
    if case.maybe(0.3):
        words.append(f"select_vlan={case.vids()}")
    if case.maybe(0.3):
        words.append(f"snaplen={case.rng.choice([14, 15, 18, 40, 60, 64, 1000, 65535])}")
    out = case.rng.random()
    if out < 0.6:
        words.append(f"output_port={ref(case.port(bridge))}")
    if out > 0.55:
        words.append(f"output_vlan={case.rng.choice([*VIDS, 99])}")
    bridge.mirrors.append(name)
    case.run(" ".join(["ovs-vsctl", *dict.fromkeys(gets), *words, f"-- add Bridge {bridge.name} mirrors @m"]))


def change_mirror(case: Case) -> None:
    bridge = case.bridge()
    if not bridge.mirrors:
        return add_mirror(case)
    name = case.rng.choice(bridge.mirrors)
    port = case.port(bridge)
    get = f"ovs-vsctl -- --id=@p get Port {port} --"
    case.run(case.rng.choice([
        f"{get} set Mirror {name} output_port=@p output_vlan=[]",
        f"ovs-vsctl set Mirror {name} output_port=[] output_vlan={case.rng.choice(VIDS)}",
        f"ovs-vsctl set Mirror {name} select_all={case.rng.choice(['true', 'false'])}",
        f"{get} set Mirror {name} select_src_port=@p",
        f"{get} set Mirror {name} select_dst_port=@p",
        f"ovs-vsctl set Mirror {name} select_vlan={case.rng.choice(['[]', case.vids()])}",
        f"ovs-vsctl set Mirror {name} snaplen={case.rng.choice(['[]', '14', '40', '100'])}",
        f"ovs-vsctl clear Mirror {name} output_port output_vlan",
    ]))  # fmt: skip


def del_mirror(case: Case) -> None:
    bridge = case.bridge()
    if not bridge.mirrors:
        return add_mirror(case)
    if case.maybe(0.3):
        bridge.mirrors.clear()
        case.run(f"ovs-vsctl clear Bridge {bridge.name} mirrors")
    else:
        name = bridge.mirrors.pop(case.rng.randrange(len(bridge.mirrors)))
        case.run(f"ovs-vsctl -- --id=@m get Mirror {name} -- remove Bridge {bridge.name} mirrors @m")
