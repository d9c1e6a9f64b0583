"""Several nodes and wires, the obvious way: a heap of what is to come, and `Node.send` for each frame."""

from __future__ import annotations

import heapq
from typing import NamedTuple

from vswitch import Node
from vswitch.switch.topology import Wire

NS_PER_S = 1_000_000_000


class Row(NamedTuple):
    """A frame that arrived somewhere."""

    time_ns: int
    in_port: str
    data: bytes
    outputs: tuple[str, ...]
    cause: int


def replay(
    nodes: dict[str, Node], wires: list[Wire], frames: list[tuple[int, str, str, bytes]], hop_limit: int
) -> tuple[list[Row], dict[str, list[tuple[int, bytes]]]]:
    """Rows in order, and what left at each port. `frames` are (time, node, port, bytes), no two at one time."""
    far = {end: (wire, [other for other in wire.ends if other != end]) for wire in wires for end in wire.ends}
    to_come = [(time_ns, 0, node, port, data, 0, 0) for time_ns, node, port, data in frames]
    start_ns = frames[0][0] // 1_000_000 * 1_000_000
    rows: list[Row] = []
    left: dict[str, list[tuple[int, bytes]]] = {}
    sequence = 0
    while to_come:
        time_ns, _, node, port, data, n_hops, cause = heapq.heappop(to_come)
        outputs = []
        if n_hops <= hop_limit:
            nodes[node].datapath.advance(time_ns - start_ns)
            outputs = nodes[node].send(port, data)
        names = tuple(f"{node}/{name}" for name, _ in outputs)
        rows.append(Row(time_ns, f"{node}/{port}", data, names, cause))
        for name, copy in outputs:
            left.setdefault(f"{node}/{name}", []).append((time_ns, copy))
            wire, ends = far.get((node, name), (None, []))
            for far_node, far_port in ends:
                sequence += 1
                arrival_ns = time_ns + wire.latency_ns
                heapq.heappush(to_come, (arrival_ns, sequence, far_node, far_port, copy, n_hops + 1, len(rows)))
    return rows, left
