"""What a switch of ours cannot do is refused as a whole: nothing of the command stays, and the node goes on."""

import pytest

from vswitch import ConfigError, Node

REFUSED = {
    "ovs-vsctl set Bridge br0 stp_enable=true": "stp_enable",
    "ovs-vsctl set Bridge br0 rstp_enable=true": "rstp_enable",
    "ovs-vsctl add-port br0 vx -- set Interface vx type=lisp options:remote_ip=192.0.2.1": "type",
    "ovs-vsctl add-bond br0 bond0 e1 e2 lacp=active": "lacp",
}


@pytest.mark.parametrize("command", REFUSED)
def test_nothing_stays(command: str) -> None:
    node = Node()
    node.run("ovs-vsctl add-br br0 -- add-port br0 p1")
    before = node.run("ovs-vsctl show") + node.run("ovs-vsctl list Bridge")
    with pytest.raises(ConfigError, match="not supported yet") as caught:
        node.run(command)
    assert caught.value.key == REFUSED[command]
    assert node.run("ovs-vsctl show") + node.run("ovs-vsctl list Bridge") == before
    node.run("ovs-vsctl add-port br0 p2")
    broadcast = b"\xff" * 6 + bytes.fromhex("020000000001 0806") + bytes(46)
    assert [port for port, _ in node.send("p1", broadcast)] == ["br0", "p2"]


def test_what_is_gone_at_the_end_of_a_command_is_no_matter() -> None:
    node = Node()
    node.run("ovs-vsctl add-br br0 -- set Bridge br0 stp_enable=true -- set Bridge br0 stp_enable=false")
    node.run("ovs-vsctl add-port br0 vx -- set Interface vx type=lisp -- del-port vx")
    assert node.run("ovs-vsctl list-ports br0") == ""
