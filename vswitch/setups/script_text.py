"""Lines of an OVS script that stand inside of a YAML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from vswitch.errors import ConfigError
from vswitch.ovs.node import Node
from vswitch.ovs.script import check_command, run_script
from vswitch.setups.yaml_text import Path, YamlText
from vswitch.switch.topology import TimelineCommand


def texts_at(value: str | list[str], path: Path) -> Iterator[tuple[Path, str]]:
    """A text, or those of a list, with their places."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield (*path, i), item
    else:
        yield path, value


def read_commands(
    text: YamlText, run: str | list[str], path: Path, at_ns: int, node: str,
    check: Callable[[str], object] = check_command,
) -> Iterator[TimelineCommand]:  # fmt: skip
    """What stands at `path` under ``run``, as commands of a timeline; `check` refuses those that are wrong."""
    for at, line in texts_at(run, path):
        try:
            check(line)
        except ConfigError as error:
            raise text.error(error.problem, at, hint=error.hint) from error
        place = text.place(at)
        yield TimelineCommand(at_ns, node, line, f"{text.path}:{place.line}:{place.column}")


def run_text(text: YamlText, node: Node, lines: str, path: Path) -> None:
    """Run lines that stand in the topology's file, so that errors have their place there."""
    literal = text.literal_place(path)
    line, column = literal or text.place(path)
    # Empty lines and indentation bring the script's own places in line with the file's. A here-document ends with an
    # unindented word, so there the columns are those in the block.
    indent = " " * (column - 1) if literal is not None and "<<" not in lines else ""
    moved = "\n" * (line - 1) + "".join(f"{indent}{part}" for part in lines.splitlines(keepends=True))
    try:
        run_script(node, moved, path=text.path)
    except ConfigError as error:
        if literal is None and error.where:  # folded and quoted lines: only where they begin is known
            error.line, error.column = text.place(path)
            error.where = f"{text.path}:{error.line}:{error.column}"
        raise
