"""The timeline of a ``cloud.yaml``: what users, operators and failures do to the cloud, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vswitch.neutron.cloud import Failover, FixedIp, Port, PortChange
from vswitch.setups.cloud_ports import read_address_pairs, read_fixed_ips
from vswitch.setups.cloud_reading import Reading
from vswitch.setups.cloud_schema import PORT_CHANGES
from vswitch.setups.cloud_values import Entry
from vswitch.setups.cloud_words import KINDS
from vswitch.setups.script_text import read_commands
from vswitch.switch.topology import TimelineCommand

SPELLINGS = {**KINDS["ports"].spellings, "host": "host"}
WHAT = ("plug", "unplug", "set", "failover", "run")


def read_timeline(reading: Reading) -> list[TimelineCommand]:
    """``timeline``: changes become the cloud's; returns the commands.

    Raises
    ------
    ConfigError
        An event is wrong; carries its place.
    """
    commands: list[TimelineCommand] = []
    for i, item in enumerate(reading.document.get("timeline") or []):
        entry = Entry(reading.text, ("timeline", i), item, SPELLINGS)
        at_ns = entry.duration_ns("at") or 0
        what = [word for word in WHAT if entry.has(word)]
        if len(what) != 1:
            problem = "an event does one thing" if what else "an event does nothing"
            raise entry.error(problem, what[1] if what else "", hint=f"one of {', '.join(WHAT)}", at_key=True)
        _check_words(entry, what[0])
        if what[0] == "run":
            commands += _commands(reading, entry, at_ns)
        elif what[0] == "failover":
            _read_failover(reading, entry, at_ns)
        else:
            port = reading.find("ports", entry.words[what[0]], entry.path_of(what[0]))
            if what[0] == "set":
                change = PortChange(at_ns, port, dict(_new(reading, entry, port)))
                reading.cloud.changes.append(change)
                reading.place(change, entry)
            else:
                _read_plug(entry, port, what[0], at_ns)
    reading.cloud.changes.sort(key=lambda change: change.at_ns)
    return commands


def _check_words(entry: Entry, what: str) -> None:
    """Words that say nothing beside `what`."""
    allowed = {"at", what} | {"set": set(PORT_CHANGES), "run": {"host"}, "failover": {"host"}}.get(what, set())
    for word in entry.words:
        if word not in allowed and entry.has(word):
            raise entry.error(f"{word} means nothing beside {what}", word, at_key=True)


def _read_plug(entry: Entry, port: Port, what: str, at_ns: int) -> None:
    if what == "plug":
        if port.plug_at_ns:
            raise entry.error("it has a plug_at already", what)
        port.plug_at_ns = at_ns
    else:
        if port.unplug_at_ns is not None:
            raise entry.error("it is unplugged already", what)
        port.unplug_at_ns = at_ns
    if port.unplug_at_ns is not None and port.unplug_at_ns <= port.plug_at_ns:
        raise entry.error("it is unplugged before it is plugged", what)


def _new(reading: Reading, entry: Entry, port: Port) -> Iterator[tuple[str, Any]]:
    """Attributes of `Port` with new values."""
    words = [word for word in PORT_CHANGES if word in entry.words]
    if not words:
        raise entry.error("nothing is set", hint=f"one of {', '.join(PORT_CHANGES)}")
    for word in words:
        if word == "security_group_ids":
            found = [reading.find("security_groups", item, path) for path, item in entry.items(word)]
            yield "security_groups", found
        elif word == "allowed_address_pairs":
            yield word, list(read_address_pairs(entry))
        elif word == "fixed_ips":
            yield word, list(_new_addresses(reading, entry, port))
        elif word == "qos_policy_id":
            yield "qos_policy", reading.find_word("qos_policies", entry, word)
        else:
            yield word, entry.flag(word, getattr(port, word))


def _new_addresses(reading: Reading, entry: Entry, port: Port) -> Iterator[FixedIp]:
    """``fixed_ips``, each with its address; one that the port has already stays the same object."""
    known = {(fixed.subnet, fixed.ip_address): fixed for fixed in port.fixed_ips}
    for subnet, address in read_fixed_ips(reading, entry, "fixed_ips", port.network):
        if address is None:
            raise entry.error("a change of fixed_ips names addresses", "fixed_ips", hint="ip_address")
        yield known.get((subnet, address)) or FixedIp(subnet, address)


def _read_failover(reading: Reading, entry: Entry, at_ns: int) -> None:
    router = reading.find("routers", entry.words["failover"], entry.path_of("failover"))
    if not router.ha:
        raise entry.error(f"router {router.name} is not highly available", "failover", hint="ha: true at the router")
    host = reading.find_word("hosts", entry, "host")
    if host is None:
        raise entry.error("host is missing", hint="the new master")
    if host not in router.hosts:
        hint = f"it is on {', '.join(host.name for host in router.hosts)}"
        raise entry.error(f"router {router.name} is not on host {host.name}", "host", hint=hint)
    reading.cloud.changes.append(Failover(at_ns, router, host))


def _commands(reading: Reading, entry: Entry, at_ns: int) -> Iterator[TimelineCommand]:
    host = reading.find_word("hosts", entry, "host")
    if host is None:
        raise entry.error("host is missing", hint="where the line runs")
    return read_commands(reading.text, entry.words["run"], entry.path_of("run"), at_ns, host.name)
