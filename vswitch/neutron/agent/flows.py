"""Flows as text: what an agent adds to and deletes from one bridge, in order, as `ovs-ofctl` reads it.

Adding a flow twice leaves the second one, so only that is kept; a large host installs some flows as often as it has
neighbours. A deletion stands between what came before and what comes after.
"""

from __future__ import annotations

from collections.abc import Iterable

DROP = "drop"
NORMAL = "NORMAL"
UNTAGGED = "vlan_tci=0x0000/0x1fff"
UNICAST = "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00"
MULTICAST = "dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"


def vlan_action(vlan: int) -> str:
    """The action that makes `vlan` the VLAN of a frame that has a tag."""
    return f"set_field:{0x1000 | vlan}->vlan_vid"


class FlowBatch:
    """Changes of one bridge's flows.

    >>> batch = FlowBatch()
    >>> batch.add(0, 2, "in_port=1", "drop")
    >>> batch.lines()
    ['table=0,priority=2,in_port=1 actions=drop']
    >>> batch.delete("in_port=1")
    >>> batch.lines()
    ['add table=0,priority=2,in_port=1 actions=drop', 'delete in_port=1']
    """

    def __init__(self) -> None:
        self._adds: dict[str, str] = {}
        self._before: list[str] = []  # what stands before the last deletion, with that

    def __bool__(self) -> bool:
        return bool(self._adds or self._before)

    def add(self, table: int, priority: int, match: str, actions: str, *, reset_counts: bool = False) -> None:
        """Add a flow; `reset_counts`: as a flow that came by OpenFlow 1.0, which always does that."""
        head = f"table={table},priority={priority}"
        if reset_counts:
            head += ",reset_counts"
        self._adds[f"{head},{match}" if match else head] = actions

    def goto(self, table: int, priority: int, match: str, target: int) -> None:
        """Add a flow that goes on in table `target`."""
        self.add(table, priority, match, f"goto_table:{target}")

    def delete(self, match: str) -> None:
        """Delete all flows that are within `match`, which may name a table."""
        self._flush()
        self._before.append(f"delete {match}")

    def delete_strict(self, table: int, priority: int, match: str) -> None:
        """Delete one flow."""
        self._flush()
        self._before.append(f"delete_strict table={table},priority={priority},{match}")

    def has_deletions(self) -> bool:
        """True if `lines` have a command in front."""
        return bool(self._before)

    def lines(self) -> list[str]:
        """The lines of a file for ``add-flows``."""
        adds = [f"{head} actions={actions}" for head, actions in self._adds.items()]
        return [*self._before, *_as_commands(adds)] if self._before else adds

    def _flush(self) -> None:
        self._before += _as_commands(f"{head} actions={actions}" for head, actions in self._adds.items())
        self._adds = {}


def _as_commands(flows: Iterable[str]) -> list[str]:
    return [f"add {flow}" for flow in flows]
