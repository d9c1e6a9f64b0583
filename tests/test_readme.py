"""What README says is so: its examples run, its tables are those of the code."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from tests.cli.command import vswitch
from vswitch import FATES
from vswitch.ovs.appctl import _COMMANDS as APPCTL
from vswitch.ovs.ofctl import _COMMANDS as OFCTL
from vswitch.ovsdb.schema import TABLES

README = Path(__file__).resolve().parent.parent / "README.md"
SPEED = re.compile(r"\d+\.\d+ s, [\d,]+ frames/s")


def table(header: str) -> list[list[str]]:
    """The cells of the table under this first line."""
    lines = README.read_text().split(f"{header}\n", 1)[1].splitlines()[1:]
    rows = lines[: next(i for i, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_python_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(README.parent)
    results = doctest.testfile(str(README), module_relative=False)
    assert results.attempted > 5
    assert results.failed == 0


def test_transcripts(tmp_path: Path) -> None:
    transcripts = re.findall(r"```console\n\$ vswitch ([^\n]*)\n(.*?)```", README.read_text(), re.DOTALL)
    assert transcripts
    for command, printed in transcripts:
        words = [str(tmp_path / "out") if word == "out" else word for word in command.split()]
        done = vswitch(*words)
        assert done.returncode == 0, done.stderr
        assert SPEED.sub("", done.stdout) == SPEED.sub("", printed)


def test_fates() -> None:
    assert table("| fate | meaning |") == [[f"`{name}`", meaning] for name, meaning in FATES.values()]


def test_columns_exist() -> None:
    for name, columns in table("| table | columns |"):
        plain = columns.split("`other_config`: ")[0].replace("all", "")
        plain = re.sub(r"\([^)]*\)", "", plain)
        known = set(TABLES[name].columns) | {"peer"}
        assert set(re.findall(r"`([^`]*)`", plain)) <= known


def test_commands_exist() -> None:
    text = " ".join(README.read_text().split("**`ovs-appctl`**", 1)[1].split("**Captures**")[0].split())
    appctl, ofctl = text.split("**`ovs-ofctl`**")
    for name in APPCTL:
        family = name.split("/")[0]
        assert f"`{name}`" in appctl or f"`{family}/…`" in appctl
    for name in OFCTL:
        assert f"`{name}`" in ofctl or f"`{name} -`" in ofctl


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/decisions.md", "CONTRIBUTING.md"])
def test_files_exist(page: str) -> None:
    path = README.parent / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / target).exists(), target
