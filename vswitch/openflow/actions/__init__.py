"""Actions and instructions: everything that ovs-ofctl accepts after ``actions=``.

``parse_actions(text)`` gives an immutable `Actions`. ``.check(match)`` raises what ovs-ofctl would, and
``.stored(version, match)`` is what a switch keeps of them when they come in a version of OpenFlow (1 is 1.0).
``.sent(version).format(names)`` is what dump-flows prints, ``.encode()`` what the datapath runs. `decode_actions` reads
what a learned flow holds.
"""

from vswitch.openflow.actions.actions import Actions, parse_actions
from vswitch.openflow.actions.decode import decode_actions

__all__ = ["Actions", "decode_actions", "parse_actions"]
