"""Interface:statistics, as `ovs-vsctl get` shows them: what a device has counted."""

from __future__ import annotations

from vswitch import Node

FRAME = b"\xff" * 6 + bytes.fromhex("0200000000011234") + bytes(46)


def test_counters_of_all_kinds_of_ports() -> None:
    node = Node()
    node.run("ovs-vsctl add-br br0 -- add-port br0 p1 -- add-port br0 p2 -- set Interface p2 mtu_request=70"
             " -- add-br br1 -- add-port br0 x -- set Interface x type=patch options:peer=y"
             " -- add-port br1 y -- set Interface y type=patch options:peer=x -- add-port br1 q")  # fmt: skip
    node.send("p1", FRAME, time=1.0)
    node.send("q", FRAME + bytes(40), time=1.0)  # too large for p2
    assert [node.run(f"ovs-vsctl get Interface {name} statistics").strip() for name in ("p1", "p2", "x", "y")] == [
        "{rx_bytes=60, rx_packets=1, tx_bytes=100, tx_packets=1}",
        "{rx_bytes=0, rx_packets=0, tx_bytes=60, tx_packets=1}",
        "{rx_bytes=100, rx_packets=1, tx_bytes=60, tx_packets=1}",
        "{rx_bytes=60, rx_packets=1, tx_bytes=100, tx_packets=1}",
    ]
    assert node.run("ovs-vsctl get interf q statistics:rx_packets") == "1\n"
    found = node.run("ovs-vsctl --bare --columns=name find Interface statistics:rx_bytes=100")
    assert set(found.split()) == {"x", "q"}
