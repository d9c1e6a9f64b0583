"""Folders are layers: imports point down (docs/architecture.md). Everything may use what belongs to no folder."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "vswitch"
BELOW = {
    "wire": set(),
    "capture": set(),
    "tables": {"wire"},
    "datapath": {"wire", "tables", "capture"},
    "devices": {"wire", "tables", "capture", "datapath"},
    "ovsdb": set(),
    "openflow": {"tables", "wire"},
    "switch": {"devices", "openflow", "ovsdb", "datapath", "capture", "wire"},
    "explain": {"switch", "devices", "wire", "openflow", "ovsdb", "datapath", "capture", "tables"},
    "ovs": {"explain", "switch", "openflow", "ovsdb", "datapath"},
    "neutron": {"ovs", "devices", "explain", "switch", "openflow", "ovsdb", "capture", "wire"},
    "setups": {"neutron", "ovs", "devices", "explain", "switch"},
    "cli": {"setups", "neutron", "explain", "ovs", "switch", "capture"},
}
COMMON = {"errors", "light_typing"}
CYTHON_IMPORT = re.compile(r"^\s*(?:from\s+vswitch(?:\.(\w+))?[\w.]*\s+c?import|c?import\s+vswitch(?:\.(\w+))?)\b")


def imported(path: Path) -> set[str]:
    """What a file takes from the package: its folders and top-level modules, or "" for the package itself."""
    text = path.read_text()
    if path.suffix in (".pyx", ".pxd"):
        found = (CYTHON_IMPORT.match(line) for line in text.splitlines())
        return {match[1] or match[2] or "" for match in found if match}
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            modules = [node.module or ""]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        names |= {[*module.split("."), ""][1] for module in modules if module.split(".")[0] == "vswitch"}
    return names


def modules(folder: str) -> list[Path]:
    return [path for path in (PACKAGE / folder).rglob("*") if path.suffix in (".py", ".pyi", ".pyx", ".pxd")]


def test_every_folder_is_a_layer() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(BELOW)


@pytest.mark.parametrize("folder", BELOW)
def test_imports_point_down(folder: str) -> None:
    allowed = BELOW[folder] | COMMON | {folder, ""}  # the package itself: its version
    wrong = {str(path.relative_to(PACKAGE)): imported(path) - allowed for path in modules(folder)}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_no_two_layers_are_above_each_other() -> None:
    above: set[str] = set()
    for folder in reversed(BELOW):
        assert not BELOW[folder] & above, folder
        above.add(folder)


def test_python_layers_are_python() -> None:
    """What operators speak of never sees a pointer."""
    for folder in ("ovsdb", "switch", "ovs", "explain", "neutron", "setups", "cli"):
        assert not [path for path in modules(folder) if path.suffix in (".pyx", ".pxd")]


def test_common_modules_need_no_layer() -> None:
    for name in COMMON:
        assert imported(PACKAGE / f"{name}.py") == set()
