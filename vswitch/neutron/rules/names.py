"""Names that become devices or words of commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

from vswitch.neutron.agent.names import device_name
from vswitch.neutron.cloud import Host, Nic, Port
from vswitch.neutron.rules.problem import Facts, Problem, name_of

DEVICE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,14}")  # Linux allows more, people use this
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]*")
DEVICE_HINT = "a device has 1 to 15 of A-Z a-z 0-9 _ . : @ + -"
WORD_HINT = "of A-Z a-z 0-9 _ . : @ + -"


def devices(facts: Facts) -> Iterator[Problem]:
    """Bridges and NICs have names that devices can have, and each name is there once on a host."""
    for host, options in facts.options.items():
        taken: dict[str, str] = {}
        bridges = {"integration_bridge": options.integration_bridge}
        if options.enable_tunneling:
            bridges["tunnel_bridge"] = options.tunnel_bridge
        for key, name in bridges.items():
            yield from _check(host, key, name)
            if taken.setdefault(name, key) != key:
                yield Problem(host, key, f"{name} is {taken[name]} already")
        of_nics = {nic.bridge for nic in host.nics}  # a mapping that nobody gave follows those
        for name in options.bridge_mappings.values():
            if name not in of_nics:
                yield from _check(host, "bridge_mappings", name)
            taken.setdefault(name, "a bridge")
        for nic in host.nics:
            yield from _check(nic, "", nic.name, host)
            yield from _check(nic, "bridge", nic.bridge, host)
            taken.setdefault(nic.bridge, "a bridge")
        for nic in host.nics:
            if nic.name in taken:
                yield Problem(nic, "", f"NIC {nic.name} has the name of a bridge", other=host)


def ports(facts: Facts) -> Iterator[Problem]:
    """The device of a port has the beginning of its id: on a host no two ports may share that."""
    for host in facts.cloud.hosts:
        taken: dict[str, Port] = {}
        for port in facts.ports_of[host]:
            name = device_name(port)
            other = taken.setdefault(name, port)
            if other is not port:
                problem = f"ports {name_of(other)} and {name_of(port)} of host {host.name} would both be device {name}"
                yield Problem(port, "id", problem, "ids that differ in their first 11 characters", other=other)


def _check(about: Host | Nic, key: str, name: str, other: Host | None = None) -> Iterator[Problem]:
    if not DEVICE.fullmatch(name):
        yield Problem(about, key, f"{name!r} cannot be the name of a device", DEVICE_HINT, other=other)


def words(facts: Facts) -> Iterator[Problem]:
    """Ids and names of physical networks are words: they stand in rows of the database."""
    cloud = facts.cloud
    for network in cloud.networks:
        if not WORD.fullmatch(network.id):
            yield Problem(network, "id", f"{network.id!r} cannot be an id", WORD_HINT)
        if network.physical_network is not None and not WORD.fullmatch(network.physical_network):
            problem = f"{network.physical_network!r} cannot be the name of a physical network"
            yield Problem(network, "provider:physical_network", problem, WORD_HINT)
    for port in cloud.ports:
        if not WORD.fullmatch(port.id):
            yield Problem(port, "id", f"{port.id!r} cannot be an id", WORD_HINT)
        if port.device_id and not WORD.fullmatch(port.device_id):
            yield Problem(port, "device_id", f"{port.device_id!r} cannot be an id", WORD_HINT)
    for trunk in cloud.trunks:
        if not WORD.fullmatch(trunk.id):
            yield Problem(trunk, "id", f"{trunk.id!r} cannot be an id", WORD_HINT)
    for host, options in facts.options.items():
        for physical in options.bridge_mappings:
            if not WORD.fullmatch(physical):
                problem = f"{physical!r} cannot be the name of a physical network"
                yield Problem(host, "bridge_mappings", problem, WORD_HINT)
