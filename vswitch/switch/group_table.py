"""The groups of a bridge: what group-mods make of them (OVS ofproto.c, ofproto_group_mod_start())."""

from __future__ import annotations

from contextlib import nullcontext

from vswitch.errors import OpenFlowError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.openflow.groups import (
    ADD,
    ADD_OR_MODIFY,
    BUCKET_ALL,
    BUCKET_FIRST,
    BUCKET_LAST,
    DELETE,
    GROUP_ALL,
    GROUP_MAX,
    INSERT_BUCKET,
    REMOVE_BUCKET,
    Bucket,
    Group,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from vswitch.datapath.datapath import Datapath


class GroupStats(NamedTuple):
    """Counters of a group and of each of its buckets."""

    group_id: int
    n_references: int
    n_packets: int
    n_bytes: int
    duration_ns: int
    buckets: tuple[tuple[int, int], ...]


class GroupTable:
    """Groups by number. `n_references` counts the flows that send to a group; buckets are compiled in `compiling()`."""

    def __init__(
        self, datapath: Datapath, bridge_number: int, n_references: Callable[[int], int],
        compiling: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._compiling = compiling
        self._datapath = datapath
        self._bridge_number = bridge_number
        self._n_references = n_references
        self._groups: dict[int, Group] = {}
        self._compiled: dict[int, list[tuple[int, int, int, int, bytes]]] = {}

    def __contains__(self, group_id: int) -> bool:
        return group_id in self._groups

    def all(self) -> list[Group]:
        """The groups by rising number."""
        return [self._groups[group_id] for group_id in sorted(self._groups)]

    def modify(self, mod: Group, version: int = 6) -> None:
        """Carry out a group-mod that came in a version of OpenFlow (as on the wire; 6 is 1.5).

        Raises
        ------
        OpenFlowError
            With OpenFlow's code; the groups are as they were.
        """
        group = mod.stored(version)
        if mod.command == DELETE:
            for group_id in [*self._groups] if group.group_id == GROUP_ALL else [group.group_id]:
                self._remove(group_id)
            return
        if group.group_id > GROUP_MAX:
            raise OpenFlowError("OFPGMFC_INVALID_GROUP")
        old = self._groups.get(group.group_id)
        if mod.command == ADD and old is not None:
            raise OpenFlowError("OFPGMFC_GROUP_EXISTS", hint=f"mod-group changes group {group.group_id}")
        if old is None and mod.command not in (ADD, ADD_OR_MODIFY):
            raise OpenFlowError("OFPGMFC_UNKNOWN_GROUP", hint=f"add-group makes group {group.group_id}")
        if old is not None and mod.command == INSERT_BUCKET:
            # OVS makes the table of dp_hash from the message's buckets, before it puts the others beside them.
            position, buckets = _inserted(old.buckets, group.buckets, mod.command_bucket_id)
            group = old._replace(buckets=buckets, hashed=(position, len(group.buckets)))
        elif old is not None and mod.command == REMOVE_BUCKET:
            group = old._replace(buckets=_removed(old.buckets, mod.command_bucket_id), hashed=(0, 0))
        self._put(group)

    def _put(self, group: Group) -> None:
        with self._compiling():
            buckets = self._compiled[group.group_id] = group.encode_buckets()
        self._datapath.set_group(
            self._bridge_number, group.group_id, group.type, buckets, selection=group.selection,
            selection_param=group.selection_param, fields=group.encode_fields(),
            hashed=group.hashed,
        )  # fmt: skip
        self._groups[group.group_id] = group

    def compile_again(self) -> None:
        """Options of tunnels lie elsewhere now; groups that speak of none stay as they are."""
        for group in self._groups.values():
            with self._compiling():
                buckets = group.encode_buckets()
            if buckets != self._compiled[group.group_id]:
                self._put(group)

    def _remove(self, group_id: int) -> None:
        if self._groups.pop(group_id, None) is not None:
            self._datapath.remove_group(self._bridge_number, group_id)

    def save(self) -> dict[int, Group]:
        """What `restore` takes."""
        return dict(self._groups)

    def restore(self, saved: dict[int, Group]) -> None:
        """Make the groups what they were; those that changed in between count from 0 again."""
        for group_id in [group_id for group_id in self._groups if group_id not in saved]:
            self._remove(group_id)
        for group_id, group in saved.items():
            if self._groups.get(group_id) is not group:
                self._put(group)

    def statistics(self) -> list[GroupStats]:
        """The counters of all groups, by rising number."""
        return [
            GroupStats(
                group_id, self._n_references(group_id), n_packets, n_bytes, age_ns,
                tuple((bucket[5], bucket[6]) for bucket in buckets),
            )
            for group_id, _, _, _, _, buckets, n_packets, n_bytes, age_ns in self._datapath.groups(self._bridge_number)
        ]  # fmt: skip


def _inserted(old: tuple[Bucket, ...], new: tuple[Bucket, ...], where: int) -> tuple[int, tuple[Bucket, ...]]:
    """Where the new buckets are, and all of them."""
    numbers = [bucket.bucket_id for bucket in old]
    if where == BUCKET_FIRST:
        position = 0
    elif where == BUCKET_LAST:
        position = len(old)
    elif where in numbers:
        position = numbers.index(where) + 1
    else:
        raise OpenFlowError("OFPGMFC_UNKNOWN_BUCKET", hint=f"the group has no bucket {where}")
    buckets = old[:position] + new + old[position:]
    if len({bucket.bucket_id for bucket in buckets}) != len(buckets):
        raise OpenFlowError("OFPGMFC_BUCKET_EXISTS", hint="give the new bucket a bucket_id of its own")
    return position, buckets


def _removed(old: tuple[Bucket, ...], which: int) -> tuple[Bucket, ...]:
    if which == BUCKET_ALL:
        return ()
    if which == BUCKET_FIRST:
        return old[1:]
    if which == BUCKET_LAST:
        return old[:-1]
    if which not in [bucket.bucket_id for bucket in old]:
        raise OpenFlowError("OFPGMFC_UNKNOWN_BUCKET", hint=f"the group has no bucket {which}")
    return tuple(bucket for bucket in old if bucket.bucket_id != which)
