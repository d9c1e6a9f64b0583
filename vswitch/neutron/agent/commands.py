"""Commands of an OVS script, collected: one transaction for rows of the database, one batch of flows a bridge.

What belongs to one moment is one group: rows first (a flow names a port that has to be there), then meters, then flows.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from vswitch.neutron.agent.flows import FlowBatch

_PLAIN = re.compile(r"[A-Za-z0-9_.+-]+")
_HERE = "END"


class Command(NamedTuple):
    """A line of an OVS script and what it reads from standard input."""

    line: str
    stdin: str = ""


class Step(NamedTuple):
    """Something that happens on a host at `time_ns`: `text` is a line for the log, `commands` what is done.

    ``str()`` is the log's line.
    """

    time_ns: int
    host: str
    text: str
    commands: tuple[Command, ...] = ()

    def __str__(self) -> str:
        return f"{self.time_ns / 1e9:.3f} {self.host} {self.text}"


def quoted(value: object) -> str:
    r"""A value as ovs-vsctl reads it within single quotes of a shell: in double quotes unless it is a plain word.

    >>> quoted("fa:16:3e:00:00:01"), quoted("compute-1"), quoted('["a"]')
    ('"fa:16:3e:00:00:01"', 'compute-1', '"[\\"a\\"]"')
    """
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def setting(column: str, value: object) -> str:
    """``COLUMN[:KEY]=VALUE`` as a word of a script."""
    word = f"{column}={quoted(value)}"
    return word if '"' not in word else f"'{word}'"


class Commands:
    """Collects what an agent does until `take`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was collected."""
        self._rows: list[str] = []
        self._after: list[Command] = []
        self._flows: dict[str, FlowBatch] = {}
        self._last: list[Command] = []

    def rows(self, *clauses: str) -> None:
        """Clauses of one ``ovs-vsctl``, such as ``set Port tap1 tag=1``."""
        self._rows += clauses

    def run(self, line: str) -> None:
        """A command between rows and flows."""
        self._after.append(Command(line))

    def run_last(self, line: str) -> None:
        """A command after the flows."""
        self._last.append(Command(line))

    def flows(self, bridge: str) -> FlowBatch:
        """The batch of a bridge."""
        batch = self._flows.get(bridge)
        if batch is None:
            batch = self._flows[bridge] = FlowBatch()
        return batch

    def take(self) -> tuple[Command, ...]:
        """What was collected, in order; begins anew."""
        commands = []
        if self._rows:
            commands.append(Command(_vsctl(self._rows)))
        commands += self._after
        for bridge, batch in self._flows.items():
            if batch:
                tool = "-O OpenFlow14 --bundle" if batch.has_deletions() else "-O OpenFlow13"
                commands.append(Command(f"ovs-ofctl {tool} add-flows {bridge} -", "\n".join(batch.lines()) + "\n"))
        commands += self._last
        self.clear()
        return tuple(commands)


def _vsctl(clauses: list[str]) -> str:
    if len(clauses) == 1:
        return f"ovs-vsctl {clauses[0]}"
    return "ovs-vsctl \\\n  -- " + " \\\n  -- ".join(clauses)


def script(commands: tuple[Command, ...] | list[Command]) -> str:
    """Commands as the text of a script; what a command reads is its here-document.

    >>> print(script([Command("ovs-ofctl add-flows br0 -", "actions=drop\\n")]), end="")
    ovs-ofctl add-flows br0 - <<'END'
    actions=drop
    END
    """
    parts = []
    for command in commands:
        here = f" <<'{_HERE}'\n{command.stdin}{_HERE}" if command.stdin else ""
        parts.append(f"{command.line}{here}\n")
    return "".join(parts)
