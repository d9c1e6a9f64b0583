"""The cloud that benchmarks make (benchmarks/clouds.py): it loads, and its frames arrive."""

from __future__ import annotations

import pytest

from benchmarks.clouds import Layout, measure, write
from tests.shared import need_module


@pytest.mark.parametrize("l2_population", [True, False])
def test_frames_arrive(tmp_path, l2_population):
    need_module("yaml")
    need_module("jsonschema")
    layout = Layout(3, 12, 2)
    write(tmp_path, layout, 2000, l2_population=l2_population)
    found = measure(tmp_path)
    # In the second replay all addresses are known: three hops a frame, over the switch.
    assert (found["n_frames"], found["n_hops"], found["n_dropped"]) == (2000, 6000, 0)


def test_the_seed_decides():
    assert Layout(3, 12, 2).talks == Layout(3, 12, 2).talks
