"""The public `Node`: a switch node that understands the commands people know."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.script import run_command
from vswitch.switch.node import SwitchNode

if TYPE_CHECKING:
    from vswitch.explain.trace import Explanation


class Node(SwitchNode):
    """One empty OVS node: bridges and ports are added by calls or by commands.

    >>> node = Node()
    >>> br0 = node.add_bridge("br0")
    >>> p1, p2 = br0.add_port("p1", tag=10), br0.add_port("p2")
    >>> node.run("ovs-vsctl get Port p1 tag")
    '10\\n'
    >>> broadcast = bytes.fromhex("ffffffffffff0200000000010806") + bytes(46)
    >>> [(port, len(frame)) for port, frame in node.send("p1", broadcast)]
    [('br0', 64), ('p2', 64)]

    Thread-safety: one thread owns a node; nodes do not share anything.
    """

    def run(self, command: str, stdin: str = "") -> str:
        """Run a line of an OVS script and return what it prints.

        Parameters
        ----------
        command : str
            Such as ``"ovs-vsctl add-br br0"`` or ``"ovs-appctl fdb/show br0"``. Never given to a shell.
        stdin : str
            What the command reads from standard input.

        Raises
        ------
        CommandError
            The command was refused; ``output`` and ``status`` are what OVS's own tool gives.
        ConfigError
            The line cannot be understood.
        """
        return run_command(self, command, stdin)

    def explain(self, port: str, frame: bytes | str, *, names: bool = True) -> Explanation:
        """What would become of a frame that arrives at `port` now, and why; nothing is sent, learned or counted.

        Parameters
        ----------
        port : str
            ``"port"`` or ``"bridge/port"``.
        frame : bytes or str
            A whole Ethernet frame, or a flow expression such as ``"tcp,nw_dst=10.0.0.1,tp_dst=80"``.
        names : bool
            Ports by name and not by number.

        Returns
        -------
        Explanation
            ``str()`` of it is what ``ovs-appctl ofproto/trace`` prints; it has the trace as a tree, too.

        Raises
        ------
        ConfigError
            There is no such port.
        FlowSyntaxError
            The expression is wrong.
        """
        from vswitch.explain.trace import explain_frame

        found = self.port(port)
        self.settle()
        return explain_frame(found, frame, names=names)
