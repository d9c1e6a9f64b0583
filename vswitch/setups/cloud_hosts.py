"""Hosts of a ``cloud.yaml``: their agents' options, their NICs, and the wires between those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vswitch.errors import ConfigError, known
from vswitch.neutron.agent.names import MAX_LENGTH
from vswitch.neutron.agent.options import SECTIONS, WITHOUT_EFFECT, AgentOptions, options_of
from vswitch.neutron.cloud import Host, Nic, PhysicalWire
from vswitch.neutron.underlay import UNDERLAY_BRIDGE
from vswitch.setups.cloud_ranges import read_vids
from vswitch.setups.cloud_reading import Reading
from vswitch.setups.cloud_schema import HOST_WORDS
from vswitch.setups.cloud_values import Entry
from vswitch.setups.durations import MAX_LATENCY_NS, read_duration
from vswitch.setups.yaml_text import Path

DATA = "data"
"""The wire of the network below the tunnels, where none is named."""


def read_hosts(reading: Reading) -> None:
    """``hosts`` and ``agents``."""
    agents = reading.document.get("agents")
    common = {name: (path, value) for name, path, value in _options(reading, agents, ("agents",))}
    for name, value in reading.document["hosts"].items():
        path: Path = ("hosts", name)
        if "/" in name or not name:
            raise reading.text.error(f"a host cannot be named {name!r}", path, hint="without a slash", at_key=True)
        entry = Entry(reading.text, path, {word: (value or {})[word] for word in value or {} if word in HOST_WORDS}, {})
        own = {word: item for word, item in (value or {}).items() if word not in HOST_WORDS}
        options = common | {option: (at, item) for option, at, item in _options(reading, own, path)}
        config = {option: item for option, (_, item) in options.items()}
        told = _told(reading, config, options)
        host = Host(
            name, config, dvr_mac_address=entry.mac("dvr_mac_address"),
            vtep_mac_address=entry.mac("vtep_mac_address"), has_dhcp_agent=entry.flag("dhcp_agent", False),
            starts_at_ns=entry.duration_ns("starts_at") or 0,
        )  # fmt: skip
        host.agent_mode, host.has_l3_agent = _l3_agent(entry, told)
        host.nics = [
            _nic(reading, told, (*path, "nics", nic), nic, item)
            for nic, item in (entry.words.get("nics") or {}).items()
        ]
        reading.cloud.hosts.append(host)
        reading.add("hosts", host, entry, "", name)
        reading.options[host] = {option: at for option, (at, _) in options.items()}


def _options(reading: Reading, value: Mapping[str, Any] | None, path: Path) -> Iterator[tuple[str, Path, Any]]:
    """Option, place and value of a mapping with options and sections of options."""
    every = [option for options in SECTIONS.values() for option in options]
    for key, item in (value or {}).items():
        if key in SECTIONS and isinstance(item, dict | None):
            for option, inner in (item or {}).items():
                if option not in SECTIONS[key] and option not in WITHOUT_EFFECT:
                    hint = known(option, SECTIONS[key])
                    raise reading.text.error(f"unknown option {option}", (*path, key, option), hint=hint, at_key=True)
                yield option, (*path, key, option), inner
        elif key in every or key in WITHOUT_EFFECT:
            yield key, (*path, key), item
        else:
            words = [*(HOST_WORDS if path[0] == "hosts" else ()), *every, *SECTIONS]
            hint = known(key, words)
            raise reading.text.error(f"unknown option {key}", (*path, key), hint=hint, at_key=True)


def _told(reading: Reading, config: Mapping[str, Any], options: Mapping[str, tuple[Path, Any]]) -> AgentOptions:
    try:
        return options_of(config)
    except ConfigError as error:
        path = options[error.key][0] if error.key in options else ("hosts",)
        raise reading.text.error(f"{error.key}: {error.problem}", path, hint=error.hint) from error


def _l3_agent(entry: Entry, options: AgentOptions) -> tuple[str, bool]:
    """Its mode, and whether there is one; with distributed routing there always is."""
    distributed = options.enable_distributed_routing
    value = entry.words.get("l3_agent")
    if value in (None, False):
        return ("dvr", True) if distributed and value is None else ("legacy", False)
    mode = ("dvr_snat" if distributed else "legacy") if value is True else str(value)
    if mode != "legacy" and not distributed:
        raise entry.error(f"an L3 agent in mode {mode} needs enable_distributed_routing: true", "l3_agent")
    return mode, True


def _nic(reading: Reading, options: AgentOptions, path: Path, name: str, value: Any) -> Nic:
    if "/" in name or not 0 < len(name) <= MAX_LENGTH:
        hint = f"without a slash, 1 to {MAX_LENGTH} characters"
        raise reading.text.error(f"a NIC cannot be named {name!r}", path, hint=hint, at_key=True)
    entry = Entry(reading.text, path, value if isinstance(value, dict) else {"physical_network": value}, {})
    physical = entry.name("physical_network")
    bridge = entry.name("bridge")
    if bridge is None:
        mapped = options.bridge_mappings.get(physical) if physical is not None else UNDERLAY_BRIDGE
        if physical is not None and mapped is None and options.bridge_mappings:
            place = entry.path_of("physical_network") if isinstance(value, dict) else path
            hint = known(physical, options.bridge_mappings)
            raise reading.text.error(f"bridge_mappings have no {physical}", place, hint=hint)
        bridge = mapped or default_bridge(str(physical))
    trunks = read_vids(reading.text, entry.words.get("trunks"), entry.path_of("trunks"))
    nic = Nic(name, bridge, physical, entry.mac("mac_address"), trunks)
    reading.place(nic, entry)
    return nic


def default_bridge(physical_network: str) -> str:
    """The bridge of a physical network where ``bridge_mappings`` say nothing."""
    return f"br-{physical_network}"[:MAX_LENGTH]


def complete_hosts(reading: Reading) -> None:
    """Options and NICs of hosts that were told none, once it is known who is where."""
    cloud = reading.cloud
    tunnel_types = list(dict.fromkeys(n.network_type for n in cloud.networks if n.is_tunnelled))
    networks_of = {host: {port.network for port in ports} for host, ports in cloud.ports_by_host().items()}
    for host in cloud.hosts:
        config = dict(host.config)
        networks = [network for network in cloud.networks if network in networks_of[host]]
        if "tunnel_types" not in config:
            needs_tunnels = any(network.is_tunnelled for network in networks)
            if needs_tunnels or config.get("local_ip"):
                config["tunnel_types"] = tunnel_types
        if "bridge_mappings" not in config:
            physical = [nic.physical_network for nic in host.nics if nic.physical_network is not None]
            physical += [str(n.physical_network) for n in networks if n.is_physical]
            bridges = {nic.physical_network: nic.bridge for nic in host.nics}
            mappings = {name: bridges.get(name) or default_bridge(name) for name in dict.fromkeys(physical)}
            if mappings:
                config["bridge_mappings"] = mappings
        host.config = config
        entry = reading.entry_of(host)
        options = options_of(config)
        if options.enable_tunneling and all(nic.physical_network is not None for nic in host.nics):
            names = {nic.name for nic in host.nics}
            name = next(name for name in (f"eth{i}" for i in range(len(names) + 1)) if name not in names)
            host.nics.insert(0, Nic(name, UNDERLAY_BRIDGE))
        if entry is None or "nics" not in entry.words:
            numbered = enumerate(options.bridge_mappings.items(), 1)
            host.nics += [Nic(f"eth{i}", bridge, physical) for i, (physical, bridge) in numbered]


def read_wires(reading: Reading) -> None:
    """``wires``; without them each physical network is one, and so is the network below the tunnels."""
    value = reading.document.get("wires")
    if value is None:
        _make_wires(reading)
        return
    taken: dict[Nic, Path] = {}
    for name, item in value.items():
        path: Path = ("wires", name)
        if "/" in name or not name or name in reading.names("hosts"):
            hint = "without a slash, and no host's name"
            raise reading.text.error(f"a wire cannot be named {name!r}", path, hint=hint, at_key=True)
        wire = PhysicalWire(name)
        settings: Mapping[str, Any] = {"nics": item} if isinstance(item, list) else item
        nics, at = settings.get("nics", []), path if isinstance(item, list) else (*path, "nics")
        for i, end in enumerate(nics):
            host, nic = _find_nic(reading, end, (*at, i))
            if nic in taken:
                place = reading.text.place(taken[nic])
                hint = f"its other wire is at {place.line}:{place.column}"
                raise reading.text.error(f"{end} is on a wire already", (*at, i), hint=hint)
            taken[nic] = (*at, i)
            wire.nics.append((host, nic))
        if "latency" in settings:
            wire.latency_ns = read_duration(reading.text, (*path, "latency"), settings["latency"], MAX_LATENCY_NS)
        has_trunks = any(nic.trunks for _, nic in wire.nics)
        wire.is_switched = settings.get("switch", has_trunks or len(wire.nics) > 2)
        if has_trunks and not wire.is_switched:
            hint = "VLANs are told apart by a switch"
            raise reading.text.error("a NIC on it has trunks", (*path, "switch"), hint=hint)
        reading.cloud.wires.append(wire)


def _find_nic(reading: Reading, end: str, path: Path) -> tuple[Host, Nic]:
    host_name, slash, name = end.partition("/")
    if not slash:
        raise reading.text.error(f"{end} names no NIC", path, hint="a NIC is HOST/NIC")
    host = reading.find("hosts", host_name, path)
    nics = {nic.name: nic for nic in host.nics}
    if name not in nics:
        raise reading.text.error(f"host {host_name} has no NIC {name}", path, hint=known(name, nics))
    return host, nics[name]


def _make_wires(reading: Reading) -> None:
    wires: dict[str | None, PhysicalWire] = {}
    for host in reading.cloud.hosts:
        for nic in host.nics:
            wire = wires.setdefault(nic.physical_network, PhysicalWire(nic.physical_network or DATA))
            wire.nics.append((host, nic))
    for wire in wires.values():
        wire.is_switched = len(wire.nics) > 2 or any(nic.trunks for _, nic in wire.nics)
        while wire.name in reading.names("hosts") or sum(other.name == wire.name for other in wires.values()) > 1:
            wire.name += "-net"
        reading.cloud.wires.append(wire)
