"""Which capture enters where: the captures of a replay as one stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from vswitch.capture.merge import MergedCaptures
from vswitch.errors import CaptureError, ConfigError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TypeVar

    from vswitch.capture.writer_pool import WriterPool
    from vswitch.switch.port import Port

    Place = TypeVar("Place")

STANDARD_STREAM = "-"


class Input(NamedTuple):
    """A capture and the port where its frames arrive; an empty `port` means that its interfaces name their ports."""

    port: str
    path: str


def as_inputs(captures: Mapping[str, object] | Iterable[Input]) -> list[Input]:
    """A replay's captures as a list, in order: for frames of the same time the earlier input comes first."""
    if isinstance(captures, Mapping):
        return [Input(port, str(path)) for port, path in captures.items()]
    return list(captures)


def check_streams(inputs: list[Input]) -> None:
    """Refuse two captures from standard input."""
    if [path for _, path in inputs].count(STANDARD_STREAM) > 1:
        raise ConfigError("standard input can be only one of the captures", key=STANDARD_STREAM)


def merge_inputs(
    inputs: list[Input],
    find: Callable[[str], tuple[Place, Port | None]],
    places: list[Place],
    pool: WriterPool,
    usage: str,
    n_captures: int = 0,
) -> MergedCaptures:
    """The captures as one stream.

    `find` gives the port of a name (None: it comes later), and what the replay knows it by: `places` gets that for each
    input of the stream, also of those that a capture names only later. `usage` says how a capture's port is given;
    `n_captures` how many there are in all, if others are read beside these.
    """
    taken = set(places)

    def entrance(name: str) -> int:
        return enter(name, *find(name))

    def enter(name: str, place: Place, port: Port | None) -> int:
        if port is not None and not port.has_cable:
            raise ConfigError(port.why_no_cable, key=name)
        places.append(place)
        taken.add(place)
        return len(places) - 1

    def only_entrance(name: str) -> int:
        # Two captures of one port are most often a slip, and their order for frames of one time a guess.
        place, port = find(name)
        if place in taken:
            hint = "merge its captures first: mergecap -w BOTH A B"
            raise ConfigError(f"port {name} is given twice", key=name, hint=hint)
        return enter(name, place, port)

    def by_interface(path: str) -> Callable[[str, int], int]:
        def resolve(name: str, index: int) -> int:
            try:
                return entrance(name)
            except ConfigError as error:
                problem = f"is named {name!r}, and no port is" if name else "has no name"
                raise CaptureError(
                    f"interface {index} {problem}",
                    path=path,
                    hint=error.hint or f"give the port: --in {usage}",
                ) from error

        return resolve

    return MergedCaptures(
        [(path, only_entrance(port) if port else by_interface(path)) for port, path in inputs],
        pool=pool, n_captures=n_captures,
    )
