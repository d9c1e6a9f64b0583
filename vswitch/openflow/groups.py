"""Groups: ``group_id=1,type=all,bucket=output:1`` in, what dump-groups prints out (lib/ofp-group.c)."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.errors import OpenFlowError
from vswitch.light_typing import NamedTuple
from vswitch.openflow import protocols
from vswitch.openflow.actions import Actions, parse_actions
from vswitch.openflow.actions.subfield import piece_word
from vswitch.openflow.fields import BY_NAME, Field
from vswitch.openflow.text import NUMERIC, PORT_MAX, Names, Numbers, fail, key_values, u16, u32, u64
from vswitch.openflow.values import format_value, parse_exact

ALL, SELECT, INDIRECT, FAST_FAILOVER = range(4)
TYPE_NAMES = ("all", "select", "indirect", "ff")
_TYPES = {"all": ALL, "select": SELECT, "indirect": INDIRECT, "ff": FAST_FAILOVER, "fast_failover": FAST_FAILOVER}
ADD, MODIFY, DELETE, ADD_OR_MODIFY, INSERT_BUCKET, REMOVE_BUCKET = (
    "add", "modify", "delete", "add_or_mod", "insert_bucket", "remove_bucket",
)  # fmt: skip
GROUP_MAX, GROUP_ALL, GROUP_ANY = 0xFFFFFF00, 0xFFFFFFFC, 0xFFFFFFFF
BUCKET_MAX, BUCKET_FIRST, BUCKET_LAST, BUCKET_ALL = 0xFFFFFF00, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF
_BUCKET_NAMES = {"first": BUCKET_FIRST, "last": BUCKET_LAST, "all": BUCKET_ALL}
_BUCKET_TEXTS = {number: name for name, number in _BUCKET_NAMES.items()}
NO_PORT, NO_GROUP = 0xFFFF, 0xFFFFFFFF
_CONTROLLER = 0xFFFD
_MAX_METHOD = 16
_METHODS = ("", "dp_hash", "hash")
_IN_10_AND_15 = protocols.OF10_ANY | protocols.OF15_UP  # elsewhere buckets have no ids and groups no properties
_WITH_IDS = (1, 6)


class Bucket(NamedTuple):
    """What a frame may get; watch_port 0xFFFF and watch_group 0xFFFFFFFF watch nothing."""

    actions: Actions
    bucket_id: int = BUCKET_ALL  # that is: to be chosen
    weight: int = 0
    watch_port: int = NO_PORT
    watch_group: int = NO_GROUP

    @property
    def has_liveness(self) -> bool:
        return self.watch_port != NO_PORT or self.watch_group != NO_GROUP


class Group(NamedTuple):
    """A group, or a command about one; `protocols` are the formats that ovs-ofctl may say it in."""

    command: str
    group_id: int
    type: int = ALL
    buckets: tuple[Bucket, ...] = ()
    selection_method: str = ""
    selection_param: int = 0
    fields: tuple[tuple[Field, int], ...] = ()
    command_bucket_id: int = BUCKET_ALL
    protocols: int = protocols.ANY
    hashed: tuple[int, int] | None = None  # first of the buckets that dp_hash leads to, and their number; None: all

    def format(self, version: int, names: Names = NUMERIC) -> str:
        """A line of dump-groups in a version of OpenFlow (1 is 1.0), without its leading space."""
        return self._format(version, names, with_type=True)

    def format_command(self, version: int, names: Names = NUMERIC) -> str:
        """The command as a message prints it."""
        words = {ADD: "ADD", MODIFY: "MOD", DELETE: "DEL", ADD_OR_MODIFY: "ADD_OR_MOD"}
        if self.command in words:
            return f"{words[self.command]} {self._format(version, names, with_type=True)}"
        bucket = _bucket_id_text("command_bucket_id:", self.command_bucket_id, version)
        return f"{self.command.upper()} {bucket}{self._format(version, names, with_type=False)}"

    def _format(self, version: int, names: Names, *, with_type: bool) -> str:
        text = f"group_id={self.group_id}"
        if with_type:
            text += f",type={TYPE_NAMES[self.type]}"
        if self.selection_method and version in _WITH_IDS:
            text += f",selection_method={self.selection_method}"
            if self.selection_param:
                text += f",selection_method_param={self.selection_param}"
            fields = ",".join(
                field.name if mask == field.all_ones else f"{field.name}={format_value(field, mask)}"
                for field, mask in self.fields
            )
            if fields:
                text += f",fields={fields}" if len(self.fields) == 1 else f",fields({fields})"
        return text + "".join(f",bucket={self._bucket(bucket, version, names)}" for bucket in self.buckets)

    def _bucket(self, bucket: Bucket, version: int, names: Names) -> str:
        text = _bucket_id_text("bucket_id:", bucket.bucket_id, version)
        if bucket.weight != (self.type == SELECT):
            text += f"weight:{bucket.weight},"
        if bucket.watch_port != NO_PORT:
            text += f"watch_port:{names.port(bucket.watch_port)},"
        if bucket.watch_group != NO_GROUP:
            text += f"watch_group:{bucket.watch_group},"
        return f"{text}actions={bucket.actions.sent(version).format(names)}"

    def stored(self, version: int) -> Group:
        """What a switch makes of it when it comes in a version of OpenFlow.

        Raises
        ------
        OpenFlowError
            The switch refuses it.
        """
        has_ids = version in _WITH_IDS
        ids = list(_given_ids(self.buckets)) if has_ids else list(range(len(self.buckets)))
        if len(set(ids)) != len(ids):
            raise OpenFlowError("OFPGMFC_BAD_BUCKET")
        buckets = tuple(
            bucket._replace(bucket_id=bucket_id, actions=bucket.actions.sent(version))
            for bucket, bucket_id in zip(self.buckets, ids, strict=True)
        )
        group = self._replace(buckets=buckets)
        if not has_ids:
            group = group._replace(selection_method="", selection_param=0, fields=())
        if group.selection_method and (group.type != SELECT or group.selection_method not in _METHODS):
            raise OpenFlowError("OFPBPC_BAD_VALUE")
        group._check()
        return group

    def _check(self) -> None:
        """As ofputil_check_group_mod()."""
        if self.type == INDIRECT and self.command != DELETE and len(self.buckets) != 1:
            raise OpenFlowError("OFPGMFC_INVALID_GROUP")
        if self.command == REMOVE_BUCKET and self.buckets:
            raise OpenFlowError("OFPGMFC_BAD_BUCKET")
        for bucket in self.buckets:
            if bucket.weight and self.type != SELECT and self.command != INSERT_BUCKET:
                raise OpenFlowError("OFPGMFC_INVALID_GROUP")
            if self.type in (ALL, INDIRECT) and bucket.has_liveness:
                raise OpenFlowError("OFPGMFC_WATCH_UNSUPPORTED")
            if self.type == FAST_FAILOVER and not bucket.has_liveness:
                raise OpenFlowError("OFPGMFC_INVALID_GROUP")

    @property
    def selection(self) -> int:
        """Number of the selection method: 0 none given, 1 dp_hash, 2 hash."""
        return _METHODS.index(self.selection_method)

    def encode_buckets(self) -> list[tuple[int, int, int, int, bytes]]:
        """The buckets as `Datapath.set_group` takes them."""
        return [
            (bucket.bucket_id, bucket.weight, bucket.watch_port, bucket.watch_group, bucket.actions.encode())
            for bucket in self.buckets
        ]

    def encode_fields(self) -> list[tuple[int, int, list[tuple[int, int]]]]:
        """The fields to hash as `Datapath.set_group` takes them: prerequisite, bytes, pieces with their masks."""
        found = []
        for field, mask in self.fields:
            pieces, position = [], 0
            for word, shift, n_bits in field.pieces:
                pieces.append((piece_word((word, shift, n_bits)), mask >> position & ((1 << n_bits) - 1)))
                position += n_bits
            found.append((field.prereq, field.n_bytes, pieces))
        return found


def _bucket_id_text(label: str, bucket_id: int, version: int) -> str:
    return f"{label}{_BUCKET_TEXTS.get(bucket_id, bucket_id)}," if version in _WITH_IDS else ""


def _given_ids(buckets: tuple[Bucket, ...]) -> Iterator[int]:
    """Their ids; the first without one, and those after it, get the lowest that no later bucket has."""
    taken: set[int] | None = None
    free = 0
    for i, bucket in enumerate(buckets):
        if bucket.bucket_id <= BUCKET_MAX:
            yield bucket.bucket_id
            continue
        if taken is None:
            taken = {later.bucket_id for later in buckets[i + 1 :] if later.bucket_id <= BUCKET_MAX}
        while free in taken:
            free += 1
        taken.add(free)
        yield free


def parse_group(text: str, command: str | None = ADD, numbers: Numbers | None = None) -> Group:
    """A line of add-group and its kin; with `command` None the line may begin with the command, else it adds.

    Raises
    ------
    FlowSyntaxError
        With ovs-ofctl's words.
    """
    return _Reader(text, command, numbers or Numbers()).read()


def _command_of(text: str) -> tuple[str, str]:
    """The command that a line begins with, which may be cut short, and the rest of the line."""
    text = text.lstrip(" \t\r\n")
    end = next((i for i, letter in enumerate(text) if letter in ", \t\r\n"), len(text))
    for command in (ADD, DELETE, MODIFY, ADD_OR_MODIFY, INSERT_BUCKET, REMOVE_BUCKET):
        if command.startswith(text[:end]):
            return command, text[end:]
    return ADD, text


class _Reader:
    """Reads one line."""

    def __init__(self, text: str, command: str | None, numbers: Numbers) -> None:
        if command is None:
            command, text = _command_of(text)
        self.text = text
        self.command = command
        self.numbers = numbers
        self.protocols = protocols.ANY
        self.has_type = command in (ADD, MODIFY, ADD_OR_MODIFY)
        self.group_id = GROUP_ANY
        self.type: int | None = None
        self.bucket_id: int | None = None
        self.method = ""
        self.param = 0
        self.fields: dict[Field, int] = {}

    def read(self) -> Group:
        if self.command in (INSERT_BUCKET, REMOVE_BUCKET):
            self.protocols &= _IN_10_AND_15
        if self.command == DELETE and not self.text:
            return Group(DELETE, GROUP_ALL)
        head, bucket_word, rest = self.text.partition("bucket=")
        if bucket_word and self.command in (DELETE, REMOVE_BUCKET):
            fail("bucket is not needed")
        for name, value in key_values(head):
            self._read_word(name, value)
        self._check_words()
        group_type = ALL if self.type is None else self.type
        buckets = tuple(self._read_bucket(text, group_type) for text in rest.split("bucket=")) if bucket_word else ()
        if group_type == INDIRECT and len(buckets) > 1:
            fail("Indirect groups can have at most one bucket.")
        fields = tuple(sorted(self.fields.items(), key=lambda item: item[0].index))
        bucket_id = BUCKET_ALL if self.bucket_id is None else self.bucket_id
        return Group(
            self.command, self.group_id, group_type, buckets, self.method, self.param, fields, bucket_id,
            self.protocols,
        )  # fmt: skip

    def _read_word(self, name: str, value: str) -> None:
        if name == "command_bucket_id":
            self._read_command_bucket(value)
        elif name == "group_id":
            self.group_id = GROUP_ALL if value == "all" else u32(value)
            if self.group_id > GROUP_MAX and self.group_id != GROUP_ALL:
                fail(f"invalid group id {self.group_id}")
        elif name == "type":
            self._need_type("type is not needed")
            self.type = _TYPES[value] if value in _TYPES else fail(f"invalid group type {value}")
        elif name == "selection_method":
            self._need_type("selection method is not needed")
            if len(value) >= _MAX_METHOD:
                fail(f"selection method is longer than {_MAX_METHOD - 1} bytes long")
            self.method = value
            self.protocols &= _IN_10_AND_15
        elif name == "selection_method_param":
            self._need_type("selection method param is not needed")
            self.param = u64(value)
            self.protocols &= _IN_10_AND_15
        elif name == "fields":
            self._need_type("fields are not needed")
            self._read_fields(value)
            self.protocols &= _IN_10_AND_15
        else:
            fail(f"unknown keyword {name}")

    def _need_type(self, problem: str) -> None:
        if not self.has_type:
            fail(problem)

    def _read_command_bucket(self, value: str) -> None:
        if self.command not in (INSERT_BUCKET, REMOVE_BUCKET):
            fail("command bucket id is not needed")
        bucket_id = _BUCKET_NAMES[value] if value in _BUCKET_NAMES else u32(value)
        if bucket_id > BUCKET_MAX and bucket_id not in _BUCKET_TEXTS:
            fail(f"invalid command bucket id {bucket_id}")
        if bucket_id == BUCKET_ALL and self.command != REMOVE_BUCKET:
            fail("command_bucket_id=all is not permitted")
        self.bucket_id = bucket_id

    def _read_fields(self, text: str) -> None:
        for name, value in key_values(text):
            field = BY_NAME.get(name)
            if field is None:
                fail(f": unknown field {name}")
            if field in self.fields:
                fail(f"{name}: duplicate field")
            mask = parse_exact(field, value, self.numbers) if value else field.all_ones
            if not mask:
                fail(": values are wildcards here and must not be all-zeros")
            if not field.maskable and mask != field.all_ones:
                fail(f"{value}: invalid mask for field {field.name}")
            self.fields[field] = mask
            if mask == field.all_ones:
                self.protocols &= field.protocols_exact
            elif field.protocols_bitwise == field.protocols_cidr:
                self.protocols &= field.protocols_cidr
            else:
                hosts = ~mask & field.all_ones
                self.protocols &= field.protocols_bitwise if hosts & (hosts + 1) else field.protocols_cidr

    def _check_words(self) -> None:
        if self.group_id == GROUP_ANY:
            fail("must specify a group_id")
        if self.has_type and self.type is None:
            fail("must specify a type")
        if self.method != "hash" and self.fields:
            fail('fields may only be specified with "selection_method=hash"')
        if not self.method and self.param:
            fail('selection_method_param is only allowed with "selection_method"')
        if self.command == INSERT_BUCKET and self.bucket_id is None:
            fail("must specify a command bucket id")

    def _read_bucket(self, text: str, group_type: int) -> Bucket:
        weight, bucket_id, watch_port, watch_group = int(group_type == SELECT), BUCKET_ALL, NO_PORT, NO_GROUP
        actions = ""
        for key, value in key_values(text):
            word = key.lower()
            if word == "weight":
                weight = u16(value, "weight")
            elif word == "watch_port":
                watch_port = self._watched_port(value)
            elif word == "watch_group":
                watch_group = u32(value)
                if watch_group > GROUP_MAX:
                    fail(f"invalid watch_group id {watch_group}")
            elif word == "bucket_id":
                bucket_id = u32(value)
                if bucket_id > BUCKET_MAX:
                    fail(f"invalid bucket_id id {bucket_id}")
            elif word in ("action", "actions"):
                actions += f"{value},"
            else:
                actions += f"{key}({value}),"
        if not actions:
            fail("bucket must specify actions")
        bucket = Bucket(Actions(()), bucket_id, weight, watch_port, watch_group)
        if group_type == FAST_FAILOVER and not bucket.has_liveness:
            fail("fast failover bucket requires watch_port or watch_group")
        parsed = parse_actions(actions.removesuffix(","), self.numbers, instructions=False)
        # As OVS does: what was known of the formats before is forgotten.
        self.protocols = parsed.protocols
        if self.command != INSERT_BUCKET and group_type != SELECT and weight:
            fail("Only select groups can have bucket weights.")
        return bucket._replace(actions=parsed)

    def _watched_port(self, value: str) -> int:
        port = self.numbers.port(value)
        if port is None or (port >= PORT_MAX and port not in (NO_PORT, _CONTROLLER)):
            fail(f"{value}: invalid watch_port")
        return port
