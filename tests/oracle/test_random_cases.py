"""A bounded slice of what `run.py` does without end: random NORMAL cases, and the stories, held against a real OVS.

The full run, some 300 cases in five minutes; any seed will do:

    python tests/oracle/run.py 1 300 --keep /tmp/different

Without Open vSwitch or the oracle these tests are skipped; in CI (environment CI=true) that is a failure.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

import pytest

from tests.oracle import run
from tests.oracle.gen_normal import make_case
from tests.shared import need_oracle
from tests.switch.story import as_case, expected, retell

SEED = 2026
N_CASES = 15
# Of the pipelines: some of each generator. `run.py --kind` makes any number of them.
TAKEN = {
    ("flows", 1): (2, 4, 6, 7, 8, 9, 10, 11),
    # Select groups behind a patch port, push_mpls and learn; insert-buckets; fin_timeout by neighbour discovery.
    ("flows", 51): (10, 20, 23, 57, 82),
    # A select group behind more tags than vlan-limit, in a clone, and of packets with extension headers.
    ("flows", 52): (41, 94, 112),
    ("oracle", 1): (1, 3, 4, 5),
    ("tunnels", 1): (1, 2, 5, 6, 7),
    ("answers", 1): (1, 2, 3, 4),
}
SAME = [(*generator, number) for generator, numbers in TAKEN.items() for number in numbers]
# One of each module; all of them with VSWITCH_ALL_STORIES=1, which takes half a minute.
MODULES = ("normal", "mirrors", "patch_ports", "port_flags", "multicast", "reconfigure", "limits", "learning")


@pytest.fixture(scope="module")
def oracle() -> Any:
    """The oracle's module, or the reason why there is none."""
    need_oracle()
    return run.load_oracle()


def test_a_case_is_always_the_same() -> None:
    assert make_case(1, 7) == make_case(1, 7)
    assert make_case(1, 7) != make_case(1, 8)


@pytest.mark.parametrize("number", range(N_CASES))
def test_random_case_equals_open_vswitch(oracle: Any, number: int) -> None:
    ((_, verdict, differences),) = run.check(SEED, range(number, number + 1))
    assert (verdict, differences) == ("same", [])


@pytest.mark.parametrize(("kind", "seed", "number"), SAME)
def test_random_pipeline_equals_open_vswitch(oracle: Any, kind: str, seed: int, number: int) -> None:
    ((_, verdict, differences),) = run.check(seed, range(number, number + 1), kind=kind)
    assert (verdict, differences) == ("same", [])


@pytest.mark.parametrize("module", MODULES)
def test_stories_are_those_of_open_vswitch(oracle: Any, module: str) -> None:
    stories = importlib.import_module(f"tests.switch.test_{module}").STORIES
    for name in list(stories)[: None if os.environ.get("VSWITCH_ALL_STORIES") else 1]:
        events = run.ask(oracle, as_case(stories[name]))["events"]
        assert retell(stories[name], events) == expected(stories[name]), name
