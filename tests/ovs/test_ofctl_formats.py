"""``ovs-ofctl --flow-format``: what a flow becomes on its way in one format or the other."""

from __future__ import annotations

import pytest

import vswitch
from vswitch.errors import CommandError


@pytest.mark.parametrize(
    ("options", "dumped"),
    [
        ("", "vlan_tci=0x0000"),  # OpenFlow 1.0 has no VID without a tag
        ("-F nxm", "vlan_tci=0x0005/0x1fff"),
        ("-O OpenFlow13", "vlan_tci=0x0005/0x1fff"),
    ],
)
def test_the_format_decides_what_arrives(options: str, dumped: str) -> None:
    node = vswitch.Node()
    node.run("ovs-vsctl add-br br0")
    node.run("ovs-ofctl del-flows br0")
    node.run(f"ovs-ofctl {options} add-flow br0 vlan_vid=5,actions=drop")
    assert f" {dumped} actions=drop" in node.run("ovs-ofctl dump-flows br0")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("-F foo", "foo: unknown flow protocol"),
        ("-F OXM", "None of the enabled OpenFlow versions (OpenFlow10) supports any"),
    ],
)
def test_refusals(options: str, problem: str) -> None:
    with pytest.raises(CommandError) as caught:
        vswitch.Node().run(f"ovs-ofctl {options} parse-flow ip,actions=drop")
    assert problem in caught.value.problem


def test_what_is_dropped_is_said() -> None:
    node = vswitch.Node()
    node.run("ovs-vsctl add-br br0")
    said = node.run("ovs-ofctl add-flow br0 nw_src=1.2.3.4,actions=drop").splitlines()
    assert [line.split("|", 2)[2] for line in said] == [
        "ofp_match|INFO|normalization changed ofp_match, details:",
        "ofp_match|INFO| pre: nw_src=1.2.3.4",
        "ofp_match|INFO|post: ",
    ]
