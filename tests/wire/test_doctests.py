"""The examples in the docstrings of compiled modules run; pytest does not find those by itself."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["vswitch.tables.flow_key", "vswitch.wire.addresses", "vswitch.wire.checksum", "vswitch.wire.frame"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
