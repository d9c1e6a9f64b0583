"""What tests need that is not in the repository: captures and the oracle, Open vSwitch, other programs.

A test whose need is not met is skipped with the reason. In CI (environment CI=true) it fails: there everything is
installed, and a truth that nobody asked is no truth.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("VSWITCH_SHARED", CHECKOUT.parent / "shared"))
OVS_SCHEMA = Path(os.environ.get("OVS_SCHEMA", "/usr/share/openvswitch/vswitch.ovsschema"))
OVS_PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl", "ovs-appctl")
# CI does without these.
OPTIONAL_PROGRAMS = {"chromium"}

# Where distributions put the daemons; an ordinary user's path leaves it out.
os.environ["PATH"] += os.pathsep + "/usr/sbin"


def load_script(path: str) -> ModuleType:
    """A script of the checkout, such as ``pcaps/make.py``, as a module; its main part does not run."""
    spec = importlib.util.spec_from_file_location(path.removesuffix(".py").replace("/", "_"), CHECKOUT / path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def absent(reason: str, *, is_optional: bool = False) -> NoReturn:
    """Ends a test that something is missing for."""
    if os.environ.get("CI") == "true" and not is_optional:
        pytest.fail(reason)
    pytest.skip(reason)


def need_shared(*parts: str) -> Path:
    """The path of something in `shared`."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        absent(f"{'/'.join(parts)} is not in {SHARED} (VSWITCH_SHARED says where else to look)")
    return path


def need_program(name: str) -> str:
    """The path of a program."""
    path = shutil.which(name)
    if path is None:
        absent(f"{name} is not installed", is_optional=name in OPTIONAL_PROGRAMS)
    return path


def need_module(name: str) -> ModuleType:
    """A module that only some users install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        absent(str(error))


def need_ovs() -> None:
    """A real Open vSwitch, to be run with private daemons."""
    missing = [program for program in OVS_PROGRAMS if not shutil.which(program)]
    if not OVS_SCHEMA.exists():
        missing.append(str(OVS_SCHEMA))
    if missing:
        absent(f"Open vSwitch is not installed (no {', '.join(missing)})")


def need_oracle() -> Path:
    """The folder of the oracle, and the Open vSwitch that it asks."""
    need_ovs()
    return need_shared("oracle", "oracle.py").parent
