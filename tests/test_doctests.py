"""The examples in the docstrings of Python modules run."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = ["vswitch.explain.picture", "vswitch.ovs.node", "vswitch.switch.output_folder", "vswitch.switch.result"]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(request.config.rootpath)
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0
    assert results.failed == 0
