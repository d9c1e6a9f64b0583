"""Actions that send: output in its forms, controller, enqueue and queues. Plain output and group: frequent.pyx."""

from __future__ import annotations

from vswitch.errors import FlowSyntaxError
from vswitch.openflow.actions.base import OF10, Action, Parse, pack
from vswitch.openflow.actions.check import Check, refuse
from vswitch.openflow.actions.frequent import CONTROLLER, IN_PORT, Group, Output
from vswitch.openflow.actions.subfield import Subfield, parse_subfield
from vswitch.openflow.text import PORT_MAX, Names, fail, key_values, u16, u32

LOCAL = 0xFFFE
_ALL = 0xFFFF
_NO_METER = 0xFFFFFFFF
_MIN_FRAME = 14
# ofputil_packet_in_reason; what ovs-ofctl reads and prints
REASONS = ("no_match", "action", "invalid_ttl", "action_set", "group", "packet_out")
_ACTION = 1


class OutputReg(Action):
    """``output:FIELD[]``."""

    __slots__ = ("source",)
    name = "output_reg"
    source: Subfield

    def format(self, names: Names) -> str:
        return f"output:{self.source}"

    def sent(self, version: int) -> tuple[Action, ...]:
        source = self.source.sent()
        return (self,) if source is self.source else (OutputReg(source),)

    def check(self, check: Check) -> Action:
        self.source.check_source(check)
        return self

    def encode(self) -> bytes:
        return pack(2, self.source.field.prereq, _ALL, self.source.piece())


class OutputTrunc(Action):
    """``output(port=PORT,max_len=N)``."""

    __slots__ = ("max_len", "port")
    name = "output_trunc"
    port: int
    max_len: int

    def format(self, names: Names) -> str:
        return f"output(port={names.port(self.port)},max_len={self.max_len})"

    def check(self, check: Check) -> Action:
        check.output(self.port)
        return self

    def encode(self) -> bytes:
        return pack(3, self.port, self.max_len)


class Controller(Action):
    """``controller(...)`` with more than a length."""

    __slots__ = ("controller_id", "max_len", "meter_id", "pause", "reason", "userdata")
    name = "controller"
    max_len: int
    reason: int
    controller_id: int
    pause: bool
    meter_id: int
    userdata: bytes

    def format(self, names: Names) -> str:
        plain = self.reason == _ACTION and not self.controller_id and not self.userdata and not self.pause
        if plain and self.meter_id == _NO_METER:
            return f"CONTROLLER:{self.max_len}"
        words = []
        if self.reason != _ACTION:
            words.append(f"reason={REASONS[self.reason]}")
        if self.max_len != _ALL:
            words.append(f"max_len={self.max_len}")
        if self.controller_id:
            words.append(f"id={self.controller_id}")
        if self.userdata:
            words.append(f"userdata={self.userdata.hex('.')}")
        if self.pause:
            words.append("pause")
        if self.meter_id != _NO_METER:
            words.append(f"meter_id={self.meter_id}")
        return f"controller({','.join(words)})"

    def encode(self) -> bytes:
        meter = 0xFFFFFFFFFFFFFFFF if self.meter_id == _NO_METER else self.meter_id
        words = (self.max_len, self.reason, int(self.pause), meter, len(self.userdata))
        return pack(4, self.controller_id, *words, tail=self.userdata)


class Enqueue(Action):
    """``enqueue:PORT:QUEUE``."""

    __slots__ = ("port", "queue")
    name = "enqueue"
    port: int
    queue: int

    def format(self, names: Names) -> str:
        return f"enqueue:{names.port(self.port)}:{self.queue}"

    def sent(self, version: int) -> tuple[Action, ...]:
        if version == OF10:
            return (self,)
        return (SetQueue(self.queue), Output(_ALL, self.port), PopQueue())

    def check(self, check: Check) -> Action:
        if self.port >= check.max_port and self.port not in (IN_PORT, LOCAL):
            refuse("OFPBAC_BAD_OUT_PORT")
        return self

    def encode(self) -> bytes:
        return pack(5, self.port, self.queue)


class SetQueue(Action):
    """``set_queue:QUEUE``."""

    __slots__ = ("queue",)
    name = "set_queue"
    in_set = True
    queue: int

    def format(self, names: Names) -> str:
        return f"set_queue:{self.queue}"

    def encode(self) -> bytes:
        return pack(6, self.queue)


class PopQueue(Action):
    """``pop_queue``."""

    __slots__ = ()
    name = "pop_queue"

    def encode(self) -> bytes:
        return pack(7)


def parse_output(text: str, parse: Parse) -> Action:
    """What follows ``output:``."""
    if "port" in text and "max_len" in text:
        return _parse_trunc(text, parse)
    port = parse.numbers.port(text)
    if port is not None:
        return Output(_ALL if port == CONTROLLER else 0, port)
    try:
        return OutputReg(parse_subfield(text))
    except FlowSyntaxError:
        fail(f"{text}: output to unknown port")


def _parse_trunc(text: str, parse: Parse) -> Action:
    port = max_len = 0
    for key, value in key_values(text):
        if key == "port":
            port = parse.port(value, f"output to unknown truncate port: {value}")
            if port > PORT_MAX and port not in (LOCAL, IN_PORT):
                fail(f"output to unsupported truncate port: {value}")
        elif key == "max_len":
            max_len = u32(value)
            if max_len < _MIN_FRAME:
                fail(f"max_len {max_len} is less than the minimum value {_MIN_FRAME}")
        else:
            fail(f"invalid key '{key}' in output_trunc argument")
    return OutputTrunc(max_len, port)


def parse_controller(text: str, parse: Parse) -> Action:
    """``controller``, ``controller:N`` and ``controller(...)``."""
    reason, max_len, controller_id, meter_id, userdata, pause = _ACTION, _ALL, 0, _NO_METER, None, False
    if text.isdecimal() and text.isascii():
        max_len = u16(text, "max_len")
    else:
        for key, value in key_values(text):
            if key == "reason":
                if value not in REASONS:
                    fail(f'unknown reason "{value}"')
                reason = REASONS.index(value)
            elif key == "max_len":
                max_len = u16(value, "max_len")
            elif key == "id":
                controller_id = u16(value, "id")
            elif key == "userdata":
                userdata = value
            elif key == "pause":
                pause = True
            elif key == "meter_id":
                meter_id = u32(value)
            else:
                fail(f'unknown key "{key}" parsing controller action')
    if reason == _ACTION and not controller_id and userdata is None and not pause and meter_id == _NO_METER:
        return Output(max_len, CONTROLLER)
    data = hex_bytes(userdata or "", "bad hex digit in `controller' action `userdata'")
    return Controller(controller_id, max_len, meter_id, pause, reason, data)


def hex_bytes(text: str, problem: str) -> bytes:
    """Pairs of hexadecimal digits, between which dots and white space may stand (ofpbuf_put_hex())."""
    data = bytearray()
    position = 0
    while True:
        while position < len(text) and text[position] in " .\t\n\v\f\r":
            position += 1
        if position == len(text):
            return bytes(data)
        pair = text[position : position + 2]
        if len(pair) < 2 or not all(digit in "0123456789abcdefABCDEF" for digit in pair):
            fail(problem)
        data.append(int(pair, 16))
        position += 2


def parse_enqueue(text: str, parse: Parse) -> Action:
    """``enqueue:PORT:QUEUE`` and ``enqueue(PORT,QUEUE)``."""
    rest = text.lstrip(":q,")
    end = next((i for i, letter in enumerate(rest) if letter in ":q,"), len(rest))
    port_text, queue_text = rest[:end], rest[end + 1 :]
    if not port_text or not queue_text:
        fail('"enqueue" syntax is "enqueue:PORT:QUEUE" or "enqueue(PORT,QUEUE)"')
    port = parse.port(port_text, f"{port_text}: enqueue to unknown port")
    return Enqueue(port, u32(queue_text))


PARSERS = {
    "output": parse_output,
    "output_reg": parse_output,
    "controller": parse_controller,
    "enqueue": parse_enqueue,
    "set_queue": lambda text, parse: SetQueue(u32(text)),
    "pop_queue": lambda text, parse: PopQueue(),
    "group": lambda text, parse: Group(u32(text)),
}
