"""Rule sets to measure a classifier with, and keys that meet them; from a seed, in the manner of ClassBench.

A key is two words: source address << 32 | destination address, and source port << 32 | destination port << 16 |
protocol.
`acl` has long prefixes, exact destination ports and few protocols; `fw` short source prefixes and port ranges as masks;
`ipc` mixes both, with any field wildcarded. `ovs` is the distribution of OVS's `test-classifier benchmark`: 13 fields
of two values each in nine words. Whatever number of subtables that is told, its make_rule() matches on all fields, so
that all of its rules have one mask.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEED = 2026
Words = NDArray[np.uint64]

# Lengths of prefixes (source, destination), and masks of source and destination port and protocol to draw from.
_SHAPES: dict[str, tuple[list[int], list[int], list[int], list[int], list[int]]] = {
    "acl": ([0, *range(20, 33)], [16, *range(22, 33)], [0], [0, 0xFFFF, 0xFFFF, 0xFFF0], [0xFF]),
    "fw": ([0, *range(4, 25)], [0, *range(8, 33)], [0, 0xFC00, 0xFFFF], [0, 0xFFFF, 0xFF00], [0, 0xFF]),
    "ipc": ([0, *range(8, 33)], [0, *range(8, 33)], [0, 0xFFFF, 0xFFF8], [0, 0xFFFF, 0xFFF8], [0, 0xFF]),
}
# The fields of OVS's benchmark: word, mask, two values. The words: tun_id; metadata; in_port; dl_dst;
# dl_src; dl_type and vlan_tci; addresses; DSCP and protocol; ports.
_OVS_FIELDS = [
    (0, 0xFFFFFFFFFFFFFFFF, (0, 0xFEDCBA9876543210)), (1, 0xFFFFFFFFFFFFFFFF, (0, 0xFEDCBA9876543210)),
    (2, 0xFFFFFFFF, (1, 0xFFFE)), (3, 0xFFFFFFFFFFFF, (0x4A2771AE64C1, 0xFFFFFFFFFFFF)),
    (4, 0xFFFFFFFFFFFF, (0x0002E30F80A4, 0x5E337F5F1E99)), (5, 0xFFFF, (0x0800, 0x0806)),
    (5, 0xFFFF << 16, (101 << 16, 0)), (6, 0xFFFFFFFF, (0xC0A80001, 0xC0A04455)),
    (6, 0xFFFFFFFF << 32, (0xC0A80002 << 32, 0xC0A04455 << 32)), (7, 0xFC, (48, 0)), (7, 0xFF << 8, (6 << 8, 1 << 8)),
    (8, 0xFFFF, (49362, 80)), (8, 0xFFFF << 16, (6667 << 16, 22 << 16)),
]  # fmt: skip
KINDS = ("acl", "fw", "ipc", "ovs")


@dataclass(frozen=True)
class RuleSet:
    """Rules, one a row, no two with the same match and priority; and keys to look up."""

    keys: Words
    masks: Words
    priorities: NDArray[np.int64]
    lookups: Words


def make_rules(kind: str, n_rules: int, n_masks: int, n_lookups: int, n_priorities: int = 0) -> RuleSet:
    """A rule set of one of the `KINDS`.

    Parameters
    ----------
    n_priorities : int
        Different priorities; 0 for one of its own for each rule, as in an access list.
    """
    rng = np.random.default_rng([SEED, KINDS.index(kind), n_rules, n_masks])
    masks = _ovs_mask() if kind == "ovs" else _masks(rng, kind, n_masks)
    rule_masks = masks[rng.integers(0, len(masks), n_rules)]
    values = _ovs_values(rng, n_rules) if kind == "ovs" else _values(rng, n_rules)
    priorities = rng.integers(0, n_priorities, n_rules) if n_priorities else rng.permutation(n_rules)
    rows = np.concatenate([values & rule_masks, rule_masks, priorities[:, None].astype(np.uint64)], axis=1)
    kept = np.sort(np.unique(rows, axis=0, return_index=True)[1])
    keys = (values & rule_masks)[kept]
    if kind == "ovs":
        lookups = _ovs_values(rng, 16384)[rng.integers(0, 16384, n_lookups)]
    else:  # nine in ten are within some rule
        of = rng.integers(0, len(kept), n_lookups)
        free = _values(rng, n_lookups)
        within = rng.random(n_lookups)[:, None] < 0.9
        lookups = np.where(within, keys[of] | free & ~rule_masks[kept][of], free)
    return RuleSet(keys, rule_masks[kept], priorities[kept], lookups)


def _values(rng: np.random.Generator, n: int) -> Words:
    addresses = rng.integers(0, 1 << 24, (n, 2)) | 0x0A000000
    ports = rng.integers(0, 1 << 16, (n, 2))
    protocols = rng.choice([6, 17, 1], n)
    return np.stack(
        [addresses[:, 0] << 32 | addresses[:, 1], ports[:, 0] << 32 | ports[:, 1] << 16 | protocols], axis=1
    ).astype(np.uint64)


def _masks(rng: np.random.Generator, kind: str, n: int) -> Words:
    seen: dict[tuple[int, int], None] = {}
    while len(seen) < n:
        src, dst, tp_src, tp_dst, proto = (int(rng.choice(choices)) for choices in _SHAPES[kind])
        prefixes = [(0xFFFFFFFF << (32 - length)) & 0xFFFFFFFF for length in (src, dst)]
        seen[prefixes[0] << 32 | prefixes[1], tp_src << 32 | tp_dst << 16 | proto] = None
    return np.array(list(seen), np.uint64)


def _ovs_values(rng: np.random.Generator, n: int) -> Words:
    values = np.zeros((n, 9), np.uint64)
    for word, _, choices in _OVS_FIELDS:
        values[:, word] |= np.array(choices, np.uint64)[rng.integers(0, 2, n)]
    return values


def _ovs_mask() -> Words:
    mask = np.zeros((1, 9), np.uint64)
    for word, bits, _ in _OVS_FIELDS:
        mask[0, word] |= np.uint64(bits)
    return mask
