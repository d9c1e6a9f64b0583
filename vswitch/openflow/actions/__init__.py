"""Actions and instructions: everything that ovs-ofctl accepts after ``actions=``.

``parse_actions(text)`` gives an immutable `Actions`; ``.sent(version)`` is what a switch stores of it when it comes in
that version of OpenFlow (1 is 1.0), ``.check(match_words)`` raises what OVS would, ``.format(version)`` is what
dump-flows prints, ``.encode()`` what the datapath runs. `decode_actions` reads what a learned flow holds.
"""

from vswitch.openflow.actions.actions import Actions, parse_actions
from vswitch.openflow.actions.decode import decode_actions

__all__ = ["Actions", "decode_actions", "parse_actions"]
