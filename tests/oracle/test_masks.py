"""Megaflows of random flow tables against a real Open vSwitch; a slice of what `masks.py` does without end.

python tests/oracle/masks.py 1 100
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.oracle.gen_tables import make_tables
from tests.oracle.masks import check
from tests.ovs.private_ovs import PrivateOvs
from tests.shared import need_ovs

SEED = 2026
N_CASES = 6
N_TRACES = 12


@pytest.fixture(scope="module")
def ovs() -> Iterator[PrivateOvs]:
    need_ovs()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        yield real


def test_tables_are_always_the_same() -> None:
    assert make_tables(1, 7) == make_tables(1, 7)
    assert make_tables(1, 7) != make_tables(1, 8)


@pytest.mark.parametrize("number", range(N_CASES))
def test_traces_equal_open_vswitch(ovs: PrivateOvs, number: int) -> None:
    assert list(check(ovs, SEED, number, N_TRACES)) == []
