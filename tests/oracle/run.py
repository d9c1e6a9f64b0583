#!/usr/bin/env python3
"""Hold random cases against a real Open vSwitch: run.py SEED COUNT [--kind K] [--first N] [--twice] [--keep DIR].

Kinds: `normal` (gen_normal.py: NORMAL and what surrounds it), `flows` (gen_flows.py: pipelines with every action),
`tunnels` (gen_tunnels.py: tunnels, and broken frames for them), `answers` (gen_answers.py: devices that answer ARP),
`oracle` (the oracle's own gen_cases.py, without tunnels).

Case by case: the generator makes it, the oracle answers (about a second), our switch answers, and what differs is
printed: frames of each event, fdb with ages, flows' and ports' counters, numbers, texts and refusals of commands.
With --twice the oracle is asked two times first; where OVS itself wavers the case is skipped. Different cases are kept
as JSON in DIR with OVS's answer, ready for check_corpus.py.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests import check_corpus
from tests.oracle import gen_answers, gen_flows, gen_normal, gen_tunnels
from tests.shared import SHARED


def load_oracle() -> Any:
    """The module that runs a real Open vSwitch."""
    sys.path.insert(0, str(SHARED / "oracle"))
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    import oracle

    return oracle


def ask(oracle: Any, case: dict[str, Any]) -> dict[str, Any]:
    """OVS's answer to a case."""
    options = dict(oracle.OPTIONS) | case.get("options", {})
    with tempfile.TemporaryDirectory(prefix="ovs-", dir=os.environ.get("ORACLE_TMP")) as directory:
        answer: dict[str, Any] = oracle.run_case(dict(case, options=options), directory)
    return answer


def oracle_case(seed: int, number: int) -> dict[str, Any]:
    """A case of the oracle's own generator."""
    load_oracle()
    import gen_cases

    with tempfile.TemporaryDirectory() as directory:
        gen_cases.make(directory, f"{seed}/{number}", 60, False, False, False)
        case = check_corpus.load_case(Path(directory))
    return case | {"id": f"oracle-{seed}-{number}", "title": "of the oracle's generator"}


KINDS: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "normal": gen_normal.make_case,
    "flows": gen_flows.make_case,
    "tunnels": gen_tunnels.make_case,
    "answers": gen_answers.make_case,
    "oracle": oracle_case,
}


def check(
    seed: int, numbers: range, *, kind: str = "normal", twice: bool = False
) -> Iterator[tuple[dict[str, Any], str, list[str]]]:
    """Each case with its verdict ("same", "DIFFERENT", "unsupported: ...", "unstable") and the differences."""
    oracle = load_oracle()
    for number in numbers:
        case = KINDS[kind](seed, number)
        try:
            case["expected"] = ask(oracle, case)
        except oracle.OracleError as error:
            yield case, "refused by the oracle", [str(error)]
            continue
        except OSError as error:  # some pipelines end ovs-vswitchd 3.1.0: an assertion fails
            yield case, "Open vSwitch died", [str(error)]
            continue
        if twice and ask(oracle, case) != case["expected"]:
            yield case, "unstable", []
            continue
        if kind == "answers":  # what devices say by themselves may be late, and taken for what the next frame caused
            case["expected"].setdefault("late", {})
            case["expected"].pop("tx_total", None)  # counted before
        yield (case, *check_corpus.check_case(case))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--kind", choices=list(KINDS), default="normal", help="what to make (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--twice", action="store_true", help="ask the oracle two times; skip where it wavers")
    parser.add_argument("--keep", type=Path, help="folder for the cases that differ")
    options = parser.parse_args()
    totals: dict[str, int] = {}
    for case, verdict, differences in check(
        options.seed,
        range(options.first, options.first + options.count),
        kind=options.kind,
        twice=options.twice,
    ):
        word = verdict.split(":")[0]
        totals[word] = totals.get(word, 0) + 1
        if word == "same":
            continue
        print(f"{case['id']} ({case['title']}): {verdict}", flush=True)
        for difference in differences[: check_corpus.MAX_SHOWN]:
            print(f"  {difference}")
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{case['id']}.json").write_text(json.dumps(case, indent=1))
    print(", ".join(f"{number} {verdict}" for verdict, number in totals.items()))
    return int("DIFFERENT" in totals)


if __name__ == "__main__":
    sys.exit(main())
