"""The way of one frame over the nodes of a topology: a trace at each of them, joined by wires and tunnels.

``ofproto/trace`` ends where a frame leaves its switch. Here each copy that leaves at a port with a wire comes in at
the other ports of the wire, its latency later, and is explained there; at a port with a device behind it a copy of the
device takes it, says what it does, and what it sends goes on. What is for a tunnel comes out of it and is
explained at the tunnel's port. Copies of one time go in the order in which they left, as in a replay; nothing is
learned meanwhile. So a loop repeats itself, and is given up at the first repetition. Else the hop limit ends a copy's
way, as in a replay.

What is on a wire is a key, not bytes: outer headers stand in it as Open vSwitch's translation has them, the frame
inside is kept beside it (`Payload`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from vswitch.datapath.tunnel_walk import decapsulated, options_read, receiving_tunnel
from vswitch.explain import datapath_actions as dp
from vswitch.explain.explanation import Explanation
from vswitch.explain.frame_length import over_mtu
from vswitch.explain.frame_of_key import frame_of_key
from vswitch.explain.times import duration_text
from vswitch.explain.trace import traced
from vswitch.explain.trace_events import EventTexts
from vswitch.explain.trace_tunnels import Departure, Payload
from vswitch.explain.traced_devices import TracedDevices
from vswitch.explain.tracer import Traced, Tracer

if TYPE_CHECKING:
    from vswitch.explain.datapath_actions import Words
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.topology import DevicePlug, SwitchTopology

MAX_STEPS = 10_000
MAX_RECIRC_DEPTH = 6  # tunnels that a frame comes out of within one node
_RULE = "=" * 79


@dataclass
class Step:
    """What happened where a frame came in.

    Attributes
    ----------
    node, port : str
        Where it came in; a tunnel's port if it came out of one.
    came_from : str
        ``"node/port"`` at the near end of the wire, or where the tunnel ends; ``""`` of the first step.
    is_wire : bool
        It came over a wire, and not out of a tunnel.
    time_ns : int
        How long after the frame came in at the first step.
    n_wires : int
        On how many it has been.
    cause : int or None
        The index of the step that it left.
    explanation : Explanation or None
        None: it was dropped as it came in, for `reason`.
    did : list of str
        What a device did with it, if it came in at one: `node` is then the device's name. `explanation` is None there.
    reason : str
        Why its way ends here, or that of a copy; the name of a fate, and what that means here. ``""`` if it goes on.
    """

    node: str
    port: str
    came_from: str
    is_wire: bool
    time_ns: int
    n_wires: int
    cause: int | None
    explanation: Explanation | None = None
    reason: str = ""
    did: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        where = f"{self.node}/{self.port}"
        if self.came_from:
            how = "over a wire from" if self.is_wire else "out of a tunnel to"
            where += f": {how} {self.came_from}"
        if self.time_ns:
            where += f", after {duration_text(self.time_ns)}"
        text = f"{_RULE}\n{where}\n{_RULE}\n"
        if self.explanation is not None:
            text += str(self.explanation)
        text += "".join(f"{line}\n" for line in self.did)
        return text + (f" >>>> {self.reason} <<<<\n" if self.reason else "")


class Output(NamedTuple):
    """A copy that leaves the topology."""

    port: str  # "node/port"
    time_ns: int
    is_local: bool = False  # it is a bridge's own port, the one to its host


@dataclass
class Journey:
    """What becomes of a frame and why, over all nodes; ``str()`` has a trace for each step.

    Attributes
    ----------
    steps : list of Step
        In order of time.
    outputs : list of Output
        Ports without a wire where copies leave, in order.
    is_alone : bool
        There is but one node, and no wire: with one step, ``str()`` is what ``ofproto/trace`` prints.
    is_cut : bool
        There would have been more than `MAX_STEPS` steps.
    """

    steps: list[Step] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    is_alone: bool = False
    is_cut: bool = False

    def __str__(self) -> str:
        if self.is_alone and len(self.steps) == 1 and self.steps[0].explanation and not self.steps[0].reason:
            return str(self.steps[0].explanation)
        outputs = [
            output.port + (f" (after {duration_text(output.time_ns)})" if output.time_ns else "")
            for output in self.outputs
        ]
        text = "\n".join(map(str, self.steps))
        text += f"\n >>>> over {MAX_STEPS} steps: the rest is left out <<<<\n" if self.is_cut else ""
        return f"{text}\nOutputs: {', '.join(outputs) or 'none'}\n"


def follow(
    topology: SwitchTopology, node: str, bridge: Bridge, in_port: int, start: Traced, *, names: bool = True
) -> Journey:
    """Follow a frame from an OpenFlow port of a bridge, over wires and tunnels, to where its copies end."""
    name = next((port.name for port in bridge.ports() if port.ofport == in_port), str(in_port))
    return _Follower(topology, names).follow(_Arrival(node, bridge, in_port, name, start))


class _Arrival(NamedTuple):
    """A frame that comes in."""

    node: str
    bridge: Bridge
    in_port: int
    port: str
    frame: Traced
    came_from: str = ""
    is_wire: bool = False
    time_ns: int = 0
    n_wires: int = 0
    cause: int | None = None  # index of a step
    n_tunnels: int = 0  # that it has come out of within this node
    before: frozenset[object] = frozenset()  # where, and as what, its causes have come in


class _DeviceArrival(NamedTuple):
    """A frame that arrives at a device; ``b""`` if its bytes are not known."""

    device: str
    port: str
    frame: bytes
    came_from: str
    time_ns: int
    n_wires: int
    cause: int | None
    before: frozenset[object]


class _Follower:
    def __init__(self, topology: SwitchTopology, names: bool) -> None:
        self.topology = topology
        self.texts = EventTexts(names)
        self.journey = Journey(is_alone=len(topology.nodes) == 1 and not topology.wires and not topology.device_plugs)
        self.arrivals: list[tuple[int, int, _Arrival | _DeviceArrival]] = []
        self.n_left = 0
        self.settled: set[str] = set()
        self.wires = {
            (node, port.number): wire for wire in topology.wires for node, port in topology.plugs(wire)
        }
        self.devices = TracedDevices(topology)

    def follow(self, first: _Arrival) -> Journey:
        self.explain(first)
        while self.arrivals:
            if len(self.journey.steps) >= MAX_STEPS:
                self.journey.is_cut = True
                break
            at = heappop(self.arrivals)[2]
            if isinstance(at, _DeviceArrival):
                self.explain_device(at)
            else:
                self.explain(at)
        return self.journey

    def explain(self, at: _Arrival) -> None:
        """One step, and those out of tunnels that end there."""
        step = Step(at.node, at.port, at.came_from, at.is_wire, at.time_ns, at.n_wires, at.cause)
        number = len(self.journey.steps)
        self.journey.steps.append(step)
        sight = (at.node, at.bridge.number, at.in_port, _sight(at.frame.words, at.frame.payload))
        step.reason = self.why_lost(at.n_wires)
        if step.reason:
            return
        if at.n_tunnels > MAX_RECIRC_DEPTH:
            step.reason = f"TUNNEL_NESTED: over {MAX_RECIRC_DEPTH} tunnels within each other"
        elif sight in at.before:
            limit = self.topology.hop_limit
            step.reason = f"a loop: it came in like this before; a replay ends it after {limit} wires (WIRE_LOOP)"
        if step.reason:
            return
        if at.node not in self.settled:
            self.settled.add(at.node)
            at.bridge.node.settle()
        tracer = Tracer(at.bridge, self.texts.named, self.texts)
        step.explanation = tracer.explain(at.frame, at.in_port)
        here = at._replace(cause=number, before=at.before | {sight})
        for departure in tracer.departures:
            if departure.listener is not None:
                self.decapsulate(here, departure, step)
            elif reason := over_mtu(departure):
                step.reason = reason
            else:
                self.leave(here, departure)

    def leave(self, at: _Arrival, departure: Departure) -> None:
        """A copy leaves the node at a port: over its wire, or for good."""
        wire = self.wires.get((at.node, departure.port.number))
        near = f"{at.node}/{departure.port.name}"
        plug = self.devices.behind(at.node, departure.port)
        if plug is not None:
            self.arrive_at_device(at, departure, plug)
            return
        if wire is None:
            is_local = departure.port.name == departure.port.bridge.name
            self.journey.outputs.append(Output(near, at.time_ns, is_local))
            return
        words = dp.packet_fields(departure.words)
        inside = departure.payload.inside
        if inside is not None and inside.source_port and not dp.get(words, "tp_src"):
            dp.put(words, "tp_src", inside.source_port)
        frame = Traced(words, has_frame=at.frame.has_frame, payload=departure.payload)
        for node, port in self.topology.plugs(wire):
            if (node, port.number) == (at.node, departure.port.number):
                continue
            arrival = at._replace(
                node=node, bridge=port.bridge, in_port=port.ofport, port=port.name, frame=frame, came_from=near,
                is_wire=True, time_ns=at.time_ns + wire.latency_ns, n_wires=at.n_wires + 1, n_tunnels=0,
            )  # fmt: skip
            self.put(arrival)

    def put(self, arrival: _Arrival | _DeviceArrival) -> None:
        """It arrives in its time, after what left before it."""
        heappush(self.arrivals, (arrival.time_ns, self.n_left, arrival))
        self.n_left += 1

    def why_lost(self, n_wires: int) -> str:
        """Why a frame that was on so many wires does not go on; "" if it does."""
        limit = self.topology.hop_limit
        return f"WIRE_LOOP: on more than {limit} wires (hop_limit)" if n_wires > limit else ""

    def arrive_at_device(self, at: _Arrival, departure: Departure, plug: DevicePlug) -> None:
        """A copy leaves the node where a device stands."""
        data = b""
        if departure.payload.inside is None:
            data = frame_of_key(dp.packet_fields(departure.words), departure.payload.data)
        near = f"{at.node}/{departure.port.name}"
        time_ns = at.time_ns + plug.latency_ns
        self.put(_DeviceArrival(plug.device, plug.port, data, near, time_ns, at.n_wires + 1, at.cause, at.before))

    def explain_device(self, at: _DeviceArrival) -> None:
        """What a device does with a frame, and where it sends what."""
        step = Step(at.device, at.port, at.came_from, True, at.time_ns, at.n_wires, at.cause)
        number = len(self.journey.steps)
        self.journey.steps.append(step)
        sight = (at.device, at.port, at.frame)
        step.reason = self.why_lost(at.n_wires)
        if step.reason:
            return
        if not at.frame:
            step.reason = "what is in the tunnel is not known as bytes"
        elif sight in at.before:
            step.reason = "a loop: it came in like this before"
        if step.reason:
            return
        sent, step.did, step.reason = self.devices.receive(at.device, at.port, at.frame, at.time_ns)
        for name, frame in sent:
            before, near = at.before | {sight}, f"{at.device}/{name}"
            link = self.devices.link(at.device, name)
            if link is not None:
                device, far, latency_ns = link
                self.put(
                    _DeviceArrival(device, far, frame, near, at.time_ns + latency_ns, at.n_wires + 1, number, before)
                )
                continue
            plug = self.devices.plug(at.device, name)
            port = self.topology.port_at(*plug.at) if plug is not None else None
            if plug is None or port is None:
                continue
            self.put(_Arrival(
                plug.at[0], port.bridge, port.ofport, port.name, traced(frame, None),
                near, is_wire=True, time_ns=at.time_ns + plug.latency_ns, n_wires=at.n_wires + 1,
                cause=number, before=before,
            ))  # fmt: skip

    def decapsulate(self, at: _Arrival, departure: Departure, step: Step) -> None:
        """What is inside comes in at the tunnel's port."""
        listener = departure.listener
        assert listener is not None
        node = departure.port.bridge.node
        found = _inner(node, departure)
        if isinstance(found, str):
            step.reason = found
            return
        frame, options = found
        number = receiving_tunnel(node.datapath, frame.words, listener.type, listener.tp_port)
        if number is None:
            step.reason = "TUNNEL_NO_PORT: no tunnel port for its key and addresses"
            return
        port = node.ports_by_number[number]
        if listener.type == "geneve":
            words = options_read(node.datapath, port.bridge.number, options)
            if words is None:
                step.reason = "TUNNEL_OPTIONS: an option of Geneve that the bridge's map refuses"
                return
            frame = frame._replace(words=frame.words | words)
        frame = frame._replace(has_frame=at.frame.has_frame)
        self.explain(at._replace(
            bridge=port.bridge, in_port=port.ofport, port=port.name, frame=frame,
            came_from=f"{at.node}/{departure.port.name}", is_wire=False, n_tunnels=at.n_tunnels + 1,
        ))  # fmt: skip


def _inner(node: SwitchNode, departure: Departure) -> tuple[Traced, bytes] | str:
    """The frame inside with the tunnel's fields in its key, and the options of Geneve; or why there is none."""
    listener, outer, payload = departure.listener, departure.words, departure.payload
    assert listener is not None
    if payload.inside is not None:
        inside = payload.inside
        if inside.kind != listener.type:
            return f"TUNNEL_INVALID: {inside.kind}, where {listener.type} is listened for"
        words = dict(inside.words)
        dp.put(words, "tun_id", inside.tun_id)
        dp.put(words, "tun_flags", inside.tun_flags)
        frame, options = Traced(words, payload=inside.payload), inside.options
    elif payload.data:
        found = decapsulated(node.datapath, payload.data, listener.type, listener.tp_port)
        if found is None:
            return "TUNNEL_INVALID: the headers or what is inside are none of Ethernet in a tunnel"
        offset, words, options = found
        inner = payload.data[offset:]
        frame = Traced(words, inner, payload=Payload(inner))
    else:
        return "the frame inside is not known: say a frame in hexadecimal, or a flow at the tunnel's port"
    # As the outer headers are now: they may have been edited on the way.
    if dp.get(outer, "dl_type") == dp.IPV4:
        dp.put(words, "tun_src", dp.get(outer, "nw_src"))
        dp.put(words, "tun_dst", dp.get(outer, "nw_dst"))
    else:
        dp.copy_wide(outer, "ipv6_src", words, "tun_ipv6_src")
        dp.copy_wide(outer, "ipv6_dst", words, "tun_ipv6_dst")
    dp.put(words, "tun_tos", dp.get(outer, "nw_tos"))
    dp.put(words, "tun_ttl", dp.get(outer, "nw_ttl"))
    return frame, options


def _sight(words: Words, payload: Payload) -> object:
    """What makes two frames the same."""
    inside = payload.inside
    inner = None if inside is None else (inside.tun_id, inside.options, _sight(inside.words, inside.payload))
    return frozenset(item for item in words.items() if item[1]), payload.data, inner
