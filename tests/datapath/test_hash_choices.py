"""Where hashes send a frame: multipath, bundle and select groups choose what Open vSwitch 3.1 chose.

``tests/golden/ovs-hashes.json`` has 39 frames of all kinds and, for each case below, the port that OVS sent each to.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.datapath import actions as a
from tests.datapath import test_translate
from tests.datapath.test_translate import Switch

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "ovs-hashes.json").read_text())
FRAMES = [bytes.fromhex(frame) for frame in GOLDEN["frames"]]
FIELDS = ["eth_src", "symmetric_l4", "symmetric_l3l4", "symmetric_l3l4+udp", "nw_src", "nw_dst", "symmetric_l3"]
ALGORITHMS = ["modulo_n", "hash_threshold", "hrw", "iter_hash"]
SELECT, NONE, DP_HASH, HASH = 1, 0, 1, 2
MAC = (1 << 48) - 1


def multipath(fields: int, algorithm: int) -> list[tuple[Any, ...]]:
    arg = 5 if ALGORITHMS[algorithm] == "iter_hash" else 0
    to = a.multipath(fields, 40 + fields, algorithm, 4, arg, a.piece("reg0", 0, 8))
    return [(0, 1, {}, to, a.resubmit(1)), *((1, 1, {"reg0": k}, a.output(k + 2)) for k in range(4))]


CASES: dict[str, tuple[list[tuple[Any, ...]], dict[str, Any]]] = {}
"""Name → flows, and keywords of set_group()."""

for i, name in enumerate(FIELDS):
    for j, algorithm in enumerate(ALGORITHMS):
        CASES[f"multipath {name} {algorithm}"] = (multipath(i, j), {})
    CASES[f"bundle {name}"] = ([(0, 1, {}, a.bundle(1, i, 60 + i, [2, 3, 4, 5]))], {})

GROUP = [(0, 1, {}, a.action(9, 1))]
for weights in ([1, 1, 1, 1], [10, 1, 5, 2], [0, 3, 1, 1], [1000, 1, 1, 1]):  # the last is too uneven for a hash map
    CASES[f"group {weights}"] = (GROUP, {"weights": weights})
    CASES[f"group dp_hash {weights}"] = (GROUP, {"weights": weights, "selection": DP_HASH, "selection_param": 77})
    symmetric = {"selection": DP_HASH, "selection_param": (1 << 32) + 5}
    CASES[f"group dp_hash sym {weights}"] = (GROUP, {"weights": weights, **symmetric})

CASES["group hash"] = (GROUP, {"weights": [1, 2, 3, 4], "selection": HASH, "selection_param": 9, "fields": [
    (0, 6, [(a.piece("dl_dst"), MAC)]),
    (a.IPV4, 4, [(a.piece("nw_dst"), 0xFFFFFFFF)]),
    (a.TCP, 2, [(a.piece("tp_dst"), 0xFFFF)]),
]})  # fmt: skip
CASES["group hash masked"] = (GROUP, {"weights": [1, 2, 3, 4], "selection": HASH, "fields": [
    (a.IPV4, 4, [(a.piece("nw_src"), 0xFFFFFFFC)]),
    (a.UDP, 2, [(a.piece("tp_src"), 0xFF0)]),
]})  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_choices(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_translate, "PORTS", (1, 2, 3, 4, 5))
    flows, group = CASES[name]
    switch = Switch(flows)
    if group:
        group = dict(group)
        buckets = [(k, weight, 0xFFFF, 0xFFFFFFFF, a.output(k + 2)) for k, weight in enumerate(group.pop("weights"))]
        switch.datapath.set_group(switch.bridge, 1, SELECT, buckets, **group)
    assert "".join(switch.sends(frame) for frame in FRAMES) == GOLDEN["choices"][name]
