"""The package as a whole: its public names and its version."""

from __future__ import annotations

import tomllib

import pytest

import vswitch
from tests.shared import CHECKOUT


@pytest.mark.parametrize("name", vswitch.__all__)
def test_public_name_loads(name):
    assert getattr(vswitch, name) is not None


def test_version_is_that_of_the_package():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert project["version"] == vswitch.__version__
