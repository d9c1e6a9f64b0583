"""What is wrong with a flow, where, and what was meant: line, column, the nearest known word."""

from __future__ import annotations

from pathlib import Path

import pytest

from vswitch import Node
from vswitch.errors import CommandError, FlowSyntaxError
from vswitch.openflow.match import parse_match

CASES = [
    # the flow, with ^ where the error is; what ovs-ofctl says; the hint
    ("table=0,priority=5,^nw_scr=1.2.3.4,actions=drop", "unknown keyword nw_scr", 'did you mean "nw_src"?'),
    ("tcp,  ^nw_src=10.0.0.0/33 actions=drop", "between 0 and 32, inclusive", ""),
    ("tcp,^priority=65536,actions=drop", 'invalid priority "65536"', ""),
    ("^cookie=1/2,actions=drop", "flow additions cannot use a cookie mask", ""),
    ("ip,^reg0[0..3]=16,actions=drop", "does not fit into 4 bits", ""),
    ("ip,^tcpp,actions=drop", "field tcpp missing value", 'did you mean "tcp"?'),
    ("tcp,actions=output:1,^nromal", "unknown action nromal", 'did you mean "NORMAL"?'),
    ("tcp, actions=output:1, ^set_field:5->reg99,1", "reg99 is not a valid OXM field name", ""),
    ("tcp,actions=output:1,clone(output:2,^nosuch())", "unknown action nosuch", ""),
    ("tcp,actions=clone(output:2,clone(1,^load:x->reg0)),2", "cannot parse integer value", ""),
    ("^tcp", "must specify an action", ""),
]


@pytest.mark.parametrize(("marked", "problem", "hint"), CASES)
def test_place_and_hint(marked: str, problem: str, hint: str) -> None:
    flow = marked.replace("^", "")
    bridge = Node().add_bridge("br0", fail_mode="secure")
    with pytest.raises(FlowSyntaxError) as found:
        bridge.add_flows(["actions=drop", "# a comment", flow])
    error = found.value
    assert problem in error.problem
    assert (error.text, error.line, error.column) == (flow, 3, marked.index("^") + 1)
    assert error.where == f"3:{error.column}"
    assert error.hint == hint
    assert bridge.flows() == []


def test_place_in_a_match() -> None:
    with pytest.raises(FlowSyntaxError) as found:
        parse_match("tcp,nw_src=1.2.3.4,nw_dest=1.2.3.5")
    assert (found.value.column, found.value.hint) == (20, 'did you mean "nw_dst"?')


def test_place_in_a_script() -> None:
    node = Node()
    node.add_bridge("br0", fail_mode="secure")
    with pytest.raises(CommandError) as found:
        node.run("ovs-ofctl add-flow br0 tcp,nw_scr=1.2.3.4,actions=drop")
    assert found.value.column == len("ovs-ofctl add-flow br0 tcp,") + 1
    assert found.value.hint == 'did you mean "nw_src"?'


def test_place_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "flows").write_text("actions=drop\n\n tcp,nw_scr=1.2.3.4,actions=drop\n")
    node = Node()
    node.add_bridge("br0", fail_mode="secure")
    with pytest.raises(CommandError) as found:
        node.run(f"ovs-ofctl add-flows br0 {tmp_path}/flows")
    assert found.value.output == f"ovs-ofctl: {tmp_path}/flows:3: unknown keyword nw_scr\n"
    assert found.value.hint == 'column 6 of that line; did you mean "nw_src"?'
