"""Overlays compared: what the same captures become on the wires below GRE, VXLAN and Geneve tunnels.

Everything is measured: the set-ups are replayed with a tap at each cable below tunnels, and what passed is taken apart.
Nothing is computed from what a header should be.

What routers between the hosts can tell apart decides over how many equal paths (ECMP, RFC 2992) and links of a bond
traffic spreads: they hash addresses, the protocol and, of TCP and UDP, ports. VXLAN and Geneve put a hash of the inner
flow into the outer source port for that (RFC 7348 section 5, RFC 8926 section 3.3); in GRE there is but the key
(RFC 2890), which most do not look at, and so all frames between two hosts are one flow to them.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from vswitch.capture import CaptureReader
from vswitch.errors import ConfigError
from vswitch.explain.columns import columns
from vswitch.neutron.node_facts import DEFAULT_MTU, cables_below, read_facts
from vswitch.neutron.segments import MAX_SEGMENT
from vswitch.wire.frame import Frame
from vswitch.wire.headers import Geneve, Gre

if TYPE_CHECKING:
    from vswitch.ovs.node import Node
    from vswitch.switch.topology import SwitchTopology

FlowId = tuple[str, str, int, int, int]
"""Addresses, protocol and ports (0 where there are none)."""
DEFAULT_PATHS = 4


@dataclass
class Overlay:
    """What was on the wires below one set-up's tunnels.

    Attributes
    ----------
    frames : int
        Encapsulated frames.
    inner_bytes, outer_bytes : int
        Of the frames inside, and of those on the wire, without preamble and check sequence.
    added : Counter of int
        How many frames got so many bytes more.
    inner_flows, outer_flows : Counter of FlowId
        Frames by flow, inside and as routers see them.
    keys : Counter of int
        Frames by VNI or GRE key.
    types : Counter of str
        Frames by kind of tunnel.
    mtu : int
        The smallest MTU of the cables below.
    """

    frames: int = 0
    inner_bytes: int = 0
    outer_bytes: int = 0
    added: Counter[int] = field(default_factory=Counter)
    inner_flows: Counter[FlowId] = field(default_factory=Counter)
    outer_flows: Counter[FlowId] = field(default_factory=Counter)
    keys: Counter[int] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    mtu: int = DEFAULT_MTU

    def note(self, data: bytes) -> None:
        """Count a frame of a wire, if it carries one."""
        outer = Frame(data)
        tunnel, inner = outer.tunnel, outer.inner
        if tunnel is None or inner is None:
            return
        self.frames += 1
        self.inner_bytes += len(inner)
        self.outer_bytes += len(data)
        self.added[len(data) - len(inner)] += 1
        self.inner_flows[flow_id(inner)] += 1
        self.outer_flows[flow_id(outer)] += 1
        kind = "gre" if isinstance(tunnel, Gre) else "geneve" if isinstance(tunnel, Geneve) else "vxlan"
        self.types[kind] += 1
        key = tunnel.key if isinstance(tunnel, Gre) else tunnel.vni
        if key is not None:
            self.keys[key] += 1

    @property
    def mtu_left(self) -> int:
        """The largest packet of a machine that fits into one packet of the network below."""
        return self.mtu - max(self.added, default=0)

    def busiest(self, n_paths: int) -> float:
        """The part of all frames on the busiest of `n_paths` equal paths, by CRC-32 over the outer flow."""
        load: Counter[int] = Counter()
        for flow, n in self.outer_flows.items():
            load[zlib.crc32(repr(flow).encode()) % n_paths] += n
        return max(load.values(), default=0) / max(1, self.frames)


def entropy(flows: Mapping[FlowId, int]) -> float:
    """Bits that tell one frame's flow, on average (Shannon): 0 if all frames are of one flow.

    >>> entropy(Counter({("a", "b", 17, 1, 2): 2, ("a", "b", 17, 3, 2): 2}))
    1.0
    """
    total = sum(flows.values())
    return -sum(n / total * math.log2(n / total) for n in flows.values()) + 0.0


def flow_id(frame: Frame) -> FlowId:
    """What routers hash; of a frame without IP its addresses and EtherType."""
    ip, ports = frame.ip, frame.tcp or frame.udp or frame.sctp
    if ip is None:
        return frame.src, frame.dst, frame.ethertype, 0, 0
    proto = ip.proto
    return (ip.src, ip.dst, proto, *((ports.src, ports.dst) if ports is not None else (0, 0)))


def measure(topology: SwitchTopology) -> Overlay:
    """Replay a set-up's captures and look at the cables below its tunnels.

    Raises
    ------
    ConfigError
        It has no captures, or no tunnel with a cable below.
    """
    overlay = Overlay()
    points = _cables(topology, overlay)
    if not points:
        raise ConfigError("no tunnels with a cable below them", path=topology.path)
    taps = {str(i): f"{node}/{port}:out" for i, (node, port) in enumerate(points)}
    with TemporaryDirectory(prefix="vswitch-") as folder:
        topology.replay(out=f"{folder}/out", taps=taps)
        for name in taps:
            with CaptureReader(f"{folder}/out/taps/{name}.pcap") as reader:
                for record in reader:
                    overlay.note(bytes(record.data))
    return overlay


def _cables(topology: SwitchTopology, overlay: Overlay) -> list[tuple[str, str]]:
    """Ends of wires at bridges below tunnels; the smallest MTU goes to `overlay`."""
    nodes: dict[str, Node] = topology.nodes  # type: ignore[assignment]
    plugs = [plug for wire in topology.wires for plug in topology.plugs(wire)]
    found = [
        (name, port) for name, node in nodes.items() for port in cables_below(read_facts(name, node), plugs)
    ]
    overlay.mtu = min((port.mtu or DEFAULT_MTU for _, port in found), default=DEFAULT_MTU)
    return [(name, f"{port.bridge.name}/{port.name}") for name, port in found]


def comparison(overlays: Mapping[str, Overlay], n_paths: int = DEFAULT_PATHS) -> str:
    """The overlays side by side, as text."""
    rows: list[list[str]] = [["", *overlays]]

    def row(title: str, cells: Iterable[object]) -> None:
        rows.append([title, *map(str, cells)])

    all_of = overlays.values()
    row("tunnels", (" ".join(sorted(o.types)) or "-" for o in all_of))
    row("frames", (o.frames for o in all_of))
    row("bytes inside", (o.inner_bytes for o in all_of))
    row("bytes on the wire", (o.outer_bytes for o in all_of))
    row("  more than inside", (_percent(o.outer_bytes - o.inner_bytes, o.inner_bytes) for o in all_of))
    row("bytes added to a frame", (" ".join(map(str, sorted(o.added))) or "-" for o in all_of))
    row("MTU left", (f"{o.mtu_left} of {o.mtu}" for o in all_of))
    row("keys", (_keys(o) for o in all_of))
    row("flows inside", (len(o.inner_flows) for o in all_of))
    row("  as routers see them", (len(o.outer_flows) for o in all_of))
    row("entropy inside", (f"{entropy(o.inner_flows):.2f} bits" for o in all_of))
    row("  as routers see it", (f"{entropy(o.outer_flows):.2f} bits" for o in all_of))
    row(f"on the busiest of {n_paths} paths", (f"{o.busiest(n_paths):.0%}" for o in all_of))
    return columns(rows)


def _percent(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _keys(overlay: Overlay) -> str:
    bits = {MAX_SEGMENT[kind].bit_length() for kind in overlay.types}
    width = f"{max(bits)} bits" if bits else "-"
    return f"{len(overlay.keys)} ({width})"
