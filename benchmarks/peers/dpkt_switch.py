"""The same switching in plain Python over dpkt, as a user would write it in an afternoon.

    python -m benchmarks.peers.dpkt_switch SCENARIO OUT

Reads `SCENARIO/in/p1.pcap` to `p8.pcap` merged by time and writes `OUT/p1.pcap` to `p8.pcap`. A dict remembers
behind which port a station of a VLAN lives; unknown and multicast destinations flood. dpkt parses each frame,
because that is what it is for. Nothing ages and no address is reserved, so it has less to do than a switch.
"""

from __future__ import annotations

import contextlib
import heapq
import sys
from collections.abc import Iterator
from pathlib import Path

import dpkt

Arrival = tuple[float, int, bytes]  # seconds since the epoch, port's number, frame


def switch(scenario: Path, out: Path) -> int:
    """Switch every frame; returns how many there were."""
    with contextlib.ExitStack() as files:
        arrivals, writers = [], []
        for port, path in enumerate(sorted((scenario / "in").glob("*.pcap"))):
            arrivals.append(_arrivals(dpkt.pcap.Reader(files.enter_context(path.open("rb"))), port))
            writers.append(dpkt.pcap.Writer(files.enter_context((out / path.name).open("wb")), snaplen=262_144))
        fdb: dict[tuple[int, bytes], int] = {}
        n_frames = 0
        for time_s, in_port, frame in heapq.merge(*arrivals):
            n_frames += 1
            eth = dpkt.ethernet.Ethernet(frame)
            vid = eth.vlan_tags[0].id if hasattr(eth, "vlan_tags") else 0
            if not eth.src[0] & 1:
                fdb[vid, eth.src] = in_port
            out_port = fdb.get((vid, eth.dst))
            if out_port is None:
                for port, writer in enumerate(writers):
                    if port != in_port:
                        writer.writepkt_time(frame, time_s)
            elif out_port != in_port:
                writers[out_port].writepkt_time(frame, time_s)
    return n_frames


def _arrivals(reader: dpkt.pcap.Reader, port: int) -> Iterator[Arrival]:
    for time_s, frame in reader:
        yield time_s, port, frame


if __name__ == "__main__":
    print(switch(Path(sys.argv[1]), Path(sys.argv[2])))
