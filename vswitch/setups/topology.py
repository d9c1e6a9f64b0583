"""The public `Topology`: what a set-up describes, to be replayed and to be explained."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.topology import SwitchTopology

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vswitch.explain.journey import Journey
    from vswitch.neutron.agent.commands import Step
    from vswitch.neutron.cloud import Cloud


class Topology(SwitchTopology):
    """Nodes, wires and captures, as `vswitch.load` makes them of a set-up.

    Attributes
    ----------
    path : str
        Where it was loaded from.
    nodes : dict of str to Node
        By name.
    inputs : list of Input
        The captures that came with the set-up (a scenario folder's ``in/``).
    wires : list of Wire
    timeline : list of TimelineCommand
        In the order in which they were written down.
    cloud : Cloud or None
        What it was made of, if that was a cloud.
    agent_log : sequence of Step
        What the agents of a cloud do, with times; ``str()`` of a step is a line to read.
    hop_limit : int
        A frame is dropped (``WIRE_LOOP``) where it and the frames that caused it have been on more wires than that.
    devices : dict of str to Device
        What stands behind ports, by name: objects as `vswitch.devices.device.Device` describes them.
    device_plugs : list of DevicePlug
        Which port of a device stands behind which port of a node.
    device_links : list of DeviceLink
        Which ports of devices are cabled to each other.
    aliases : dict of str to (str, str)
        Other names of ports, such as a machine's: node and name there.
    duration_ns : int
        How long a replay goes on at least, after its start. Without it time ends with the last frame of a capture or
        the last command, and devices that act by themselves do nothing after it.

    Examples
    --------
    >>> from vswitch import Node
    >>> from vswitch.switch.topology import Wire
    >>> left, right = Node(), Node()
    >>> for node in (left, right):
    ...     bridge = node.add_bridge("br0")
    ...     ports = bridge.add_port("vm", tag=10), bridge.add_port("eth", trunks=[10, 20])
    >>> wire = Wire((("left", "eth"), ("right", "eth")), latency_ns=2000)
    >>> topology = Topology("", {"left": left, "right": right}, wires=[wire])
    >>> journey = topology.explain("left/vm", "arp,dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff")
    >>> [(step.node, step.port, step.time_ns) for step in journey.steps]
    [('left', 'vm', 0), ('right', 'eth', 2000)]
    >>> [output.port for output in journey.outputs]
    ['left/br0', 'right/vm', 'right/br0']
    """

    cloud: Cloud | None = None
    agent_log: Sequence[Step] = ()

    def labels(self) -> dict[str, str]:
        """What people call ports of machines: by ``"node/port"``, the names that a cloud gives them."""
        names = {port.name for port in self.cloud.ports} if self.cloud is not None else set()
        return {"/".join(place): name for name, place in self.aliases.items() if name in names}

    def explain(self, port: str, frame: bytes | str, *, names: bool = True) -> Journey:
        """What would become of a frame that arrives at `port` now, over all nodes, and why.

        Wires and tunnels are followed to the last port; nothing is sent, learned or counted. The timeline is left out.

        Parameters
        ----------
        port : str
            As for `find_port`.
        frame : bytes or str
            A whole Ethernet frame, or a flow expression such as ``"tcp,nw_dst=10.0.0.1,tp_dst=80"``.
        names : bool
            Ports by name and not by number.

        Returns
        -------
        Journey
            ``str()`` of it has a trace in the words of ``ofproto/trace`` for each step; it has the steps as objects.

        Raises
        ------
        ConfigError
            There is no such port.
        FlowSyntaxError
            The expression is wrong.
        """
        from vswitch.explain.journey import follow
        from vswitch.explain.trace import start_at

        node, found = self.find_port(port)
        return follow(self, node, found.bridge, found.ofport, start_at(found, frame), names=names)

    def explain_flow(self, node: str, bridge: str, flow: str, *, names: bool = True) -> Journey:
        """The same for what ``ofproto/trace`` takes: `flow` says where it comes in, as ``in_port=vm1,tcp``.

        Raises
        ------
        ConfigError
            There is no such bridge.
        FlowSyntaxError
            The expression is wrong.
        """
        from vswitch.explain.journey import follow
        from vswitch.explain.trace import parse_start

        found, start, in_port = parse_start(self.nodes[node], bridge, flow)
        return follow(self, node, found, in_port, start, names=names)
