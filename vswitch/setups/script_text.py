"""Lines of an OVS script that stand inside of a YAML file."""

from __future__ import annotations

from vswitch.errors import ConfigError
from vswitch.ovs.node import Node
from vswitch.ovs.script import run_script
from vswitch.setups.yaml_text import Path, YamlText


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
