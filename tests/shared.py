"""Where the captures and the oracle are that come with the project but not in its repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("VSWITCH_SHARED", CHECKOUT.parent / "shared"))


def need_shared(*parts: str) -> Path:
    """The path of something in `shared`; skips the test if it is not there."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{'/'.join(parts)} is not in {SHARED} (VSWITCH_SHARED says where else to look)")
    return path


def need_program(name: str) -> str:
    """The path of a program; skips the test if it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
