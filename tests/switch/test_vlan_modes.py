"""VLAN modes of ports: what may enter, and with which tags it leaves. Every row is what Open vSwitch 3.1 did.

A row is: port where a broadcast frame enters, its tags, and what left (the notation of `tests.switch.frames`).
"""

import pytest

from tests.switch.frames import frame, seen
from vswitch.switch.node import SwitchNode

PORTS: dict[str, dict[str, object]] = {
    "a": {"tag": 10},
    "b": {"tag": 20},
    "t": {},
    "l": {"trunks": [10, 20]},
    "n": {"tag": 10, "vlan_mode": "native-tagged"},
    "u": {"tag": 10, "vlan_mode": "native-untagged"},
    "v": {"tag": 10, "vlan_mode": "native-untagged", "trunks": [20]},
    "q": {"tag": 30, "vlan_mode": "dot1q-tunnel"},
    "c": {"tag": 30, "vlan_mode": "dot1q-tunnel", "cvlans": [10]},
    "d": {"tag": 30, "vlan_mode": "dot1q-tunnel", "other_config": {"qinq-ethtype": "802.1q"}},
}

PRIORITY_PORTS: dict[str, dict[str, object]] = {
    "n": {"tag": 10},
    "i": {"tag": 10, "other_config": {"priority-tags": "if-nonzero"}},
    "w": {"tag": 10, "other_config": {"priority-tags": "always"}},
    "t": {},
    "j": {"other_config": {"priority-tags": "if-nonzero"}},
    "z": {"other_config": {"priority-tags": "always"}},
    "y": {"tag": 10, "vlan_mode": "native-untagged", "other_config": {"priority-tags": "always"}},
}


def switch(vlan_limit: int, ports: dict[str, dict[str, object]], names: str) -> SwitchNode:
    node = SwitchNode()
    with node.db.transaction() as transaction:
        transaction.update(node.db.root, other_config={"vlan-limit": str(vlan_limit)})
    bridge = node.add_bridge("br0")
    for name in names:
        bridge.add_port(name, **ports[name])  # type: ignore[arg-type]
    return node


@pytest.mark.parametrize(
    ("in_port", "tags", "out"),
    [
("a", None, "l:10 n:10 t:10 u:- v:-"),
        ("a", "0/3", "l:10/3 n:10/3 t:10/3 u:- v:-"),
        ("a", "10", ""),
        ("a", "20", ""),
        ("a", "20/5", ""),
        ("a", "30", ""),
        ("a", "10+20", ""),
        ("a", "88a8.10", ""),
        ("b", None, "l:20 n:20 t:20 u:20 v:20"),
        ("b", "0/3", "l:20/3 n:20/3 t:20/3 u:20/3 v:20/3"),
        ("b", "10", ""),
        ("b", "20", ""),
        ("b", "20/5", ""),
        ("b", "30", ""),
        ("b", "10+20", ""),
        ("b", "88a8.10", ""),
        ("t", None, ""),
        ("t", "0/3", ""),
        ("t", "10", "a:- l:10 n:10 u:- v:-"),
        ("t", "20", "b:- l:20 n:20 u:20 v:20"),
        ("t", "20/5", "b:- l:20/5 n:20/5 u:20/5 v:20/5"),
        ("t", "30", "n:30 u:30"),
        ("t", "10+20", "a:20 l:10+20 n:10+20 u:20 v:20"),
        ("t", "88a8.10", "a:- l:88a8.10 n:88a8.10 u:- v:-"),
        ("l", None, ""),
        ("l", "0/3", ""),
        ("l", "10", "a:- n:10 t:10 u:- v:-"),
        ("l", "20", "b:- n:20 t:20 u:20 v:20"),
        ("l", "20/5", "b:- n:20/5 t:20/5 u:20/5 v:20/5"),
        ("l", "30", ""),
        ("l", "10+20", "a:20 n:10+20 t:10+20 u:20 v:20"),
        ("l", "88a8.10", "a:- n:88a8.10 t:88a8.10 u:- v:-"),
        ("n", None, "a:- l:10 t:10 u:- v:-"),
        ("n", "0/3", "a:- l:10/3 t:10/3 u:- v:-"),
        ("n", "10", "a:- l:10 t:10 u:- v:-"),
        ("n", "20", "b:- l:20 t:20 u:20 v:20"),
        ("n", "20/5", "b:- l:20/5 t:20/5 u:20/5 v:20/5"),
        ("n", "30", "t:30 u:30"),
        ("n", "10+20", "a:20 l:10+20 t:10+20 u:20 v:20"),
        ("n", "88a8.10", "a:- l:88a8.10 t:88a8.10 u:- v:-"),
        ("u", None, "a:- l:10 n:10 t:10 v:-"),
        ("u", "0/3", "a:- l:10/3 n:10/3 t:10/3 v:-"),
        ("u", "10", "a:- l:10 n:10 t:10 v:-"),
        ("u", "20", "b:- l:20 n:20 t:20 v:20"),
        ("u", "20/5", "b:- l:20/5 n:20/5 t:20/5 v:20/5"),
        ("u", "30", "n:30 t:30"),
        ("u", "10+20", "a:20 l:10+20 n:10+20 t:10+20 v:20"),
        ("u", "88a8.10", "a:- l:88a8.10 n:88a8.10 t:88a8.10 v:-"),
        ("v", None, "a:- l:10 n:10 t:10 u:-"),
        ("v", "0/3", "a:- l:10/3 n:10/3 t:10/3 u:-"),
        ("v", "10", "a:- l:10 n:10 t:10 u:-"),
        ("v", "20", "b:- l:20 n:20 t:20 u:20"),
        ("v", "20/5", "b:- l:20/5 n:20/5 t:20/5 u:20/5"),
        ("v", "30", ""),
        ("v", "10+20", "a:20 l:10+20 n:10+20 t:10+20 u:20"),
        ("v", "88a8.10", "a:- l:88a8.10 n:88a8.10 t:88a8.10 u:-"),
    ],
)
def test_access_trunk_and_native_ports(in_port: str, tags: str | None, out: str) -> None:
    assert seen(switch(1, PORTS, "abtlnuv").send(in_port, frame("a>*", tags))) == out


@pytest.mark.parametrize(
    ("in_port", "tags", "out"),
    [
        ("q", None, "d:- t:88a8.30 u:88a8.30"),
        ("q", "0/3", "d:0/3 t:88a8.30+0/3 u:88a8.30+0/3"),
        ("q", "10", "c:10 d:10 t:88a8.30+10 u:88a8.30+10"),
        ("q", "20", "d:20 t:88a8.30+20 u:88a8.30+20"),
        ("q", "10+20", "c:10 d:10 t:88a8.30+10 u:88a8.30+10"),
        ("q", "88a8.30", "d:88a8.30 t:88a8.30+88a8.30 u:88a8.30+88a8.30"),
        ("q", "88a8.30+10", "d:88a8.30 t:88a8.30+88a8.30 u:88a8.30+88a8.30"),
        ("q", "30+10", "d:30 t:88a8.30+30 u:88a8.30+30"),
        ("q", "88a8.30+20/5", "d:88a8.30 t:88a8.30+88a8.30 u:88a8.30+88a8.30"),
        ("q", "88a8.30+10+20", "d:88a8.30+20 t:88a8.30+88a8.30+20 u:88a8.30+88a8.30+20"),
        ("c", None, ""),
        ("c", "0/3", ""),
        ("c", "10", "d:10 q:10 t:88a8.30+10 u:88a8.30+10"),
        ("c", "20", ""),
        ("c", "10+20", "d:10 q:10 t:88a8.30+10 u:88a8.30+10"),
        ("c", "88a8.30", ""),
        ("c", "88a8.30+10", ""),
        ("c", "30+10", ""),
        ("c", "88a8.30+20/5", ""),
        ("c", "88a8.30+10+20", ""),
        ("d", None, "q:- t:30 u:30"),
        ("d", "0/3", "q:0/3 t:30+0/3 u:30+0/3"),
        ("d", "10", "c:10 q:10 t:30+10 u:30+10"),
        ("d", "20", "q:20 t:30+20 u:30+20"),
        ("d", "10+20", "c:10 q:10 t:30+10 u:30+10"),
        ("d", "88a8.30", "q:88a8.30 t:30+88a8.30 u:30+88a8.30"),
        ("d", "88a8.30+10", "q:88a8.30 t:30+88a8.30 u:30+88a8.30"),
        ("d", "30+10", "q:30 t:30+30 u:30+30"),
        ("d", "88a8.30+20/5", "q:88a8.30 t:30+88a8.30 u:30+88a8.30"),
        ("d", "88a8.30+10+20", "q:88a8.30+20 t:30+88a8.30+20 u:30+88a8.30+20"),
        ("t", None, ""),
        ("t", "0/3", ""),
        ("t", "10", "a:- u:-"),
        ("t", "20", "u:20"),
        ("t", "10+20", "u:20"),
        ("t", "88a8.30", "d:- q:- u:88a8.30"),
        ("t", "88a8.30+10", "c:10 d:10 q:10 u:88a8.30+10"),
        ("t", "30+10", "c:10 d:10 q:10 u:30+10"),
        ("t", "88a8.30+20/5", "d:20/5 q:20/5 u:88a8.30+20/5"),
        ("t", "88a8.30+10+20", "c:10+20 d:10+20 q:10+20 u:88a8.30+10+20"),
        ("a", None, "t:10 u:-"),
        ("a", "0/3", "t:10/3 u:-"),
        ("a", "10", ""),
        ("a", "20", ""),
        ("a", "10+20", ""),
        ("a", "88a8.30", ""),
        ("a", "88a8.30+10", ""),
        ("a", "30+10", ""),
        ("a", "88a8.30+20/5", ""),
        ("a", "88a8.30+10+20", ""),
        ("u", None, "a:- t:10"),
        ("u", "0/3", "a:- t:10/3"),
        ("u", "10", "a:- t:10"),
        ("u", "20", "t:20"),
        ("u", "10+20", "t:10+20"),
        ("u", "88a8.30", "d:- q:- t:88a8.30"),
        ("u", "88a8.30+10", "c:10 d:10 q:10 t:88a8.30+10"),
        ("u", "30+10", "c:10 d:10 q:10 t:30+10"),
        ("u", "88a8.30+20/5", "d:20/5 q:20/5 t:88a8.30+20/5"),
        ("u", "88a8.30+10+20", "c:10+20 d:10+20 q:10+20 t:88a8.30+10+20"),
    ],
)
def test_dot1q_tunnels_with_two_visible_tags(in_port: str, tags: str | None, out: str) -> None:
    assert seen(switch(2, PORTS, "qcdtau").send(in_port, frame("a>*", tags))) == out


@pytest.mark.parametrize(
    ("in_port", "tags", "out"),
    [
        ("n", None, "i:- j:10 t:10 w:- y:- z:10"),
        ("n", "0", "i:- j:10 t:10 w:- y:- z:10"),
        ("n", "0/5", "i:0/5 j:10/5 t:10/5 w:0/5 y:0/5 z:10/5"),
        ("n", "10", ""),
        ("n", "10/5", ""),
        ("n", "20/5", ""),
        ("t", None, "j:- z:-"),
        ("t", "0", "j:- z:0"),
        ("t", "0/5", "j:0/5 z:0/5"),
        ("t", "10", "i:- j:10 n:- w:- y:- z:10"),
        ("t", "10/5", "i:0/5 j:10/5 n:- w:0/5 y:0/5 z:10/5"),
        ("t", "20/5", "j:20/5 y:20/5 z:20/5"),
    ],
)
def test_priority_tags(in_port: str, tags: str | None, out: str) -> None:
    assert seen(switch(1, PRIORITY_PORTS, "niwtjzy").send(in_port, frame("a>*", tags))) == out


def test_a_tag_that_does_not_change_keeps_its_dei_bit() -> None:
    node = switch(1, PORTS, "tl")
    sent = bytearray(frame("a>*", "10/5"))
    sent[14] |= 0x10
    assert dict(node.send("t", bytes(sent)))["l"] == bytes(sent)


@pytest.mark.parametrize("vid", [*range(0, 4096, 61), 1, 4094, 4095])
def test_push_and_pop_give_the_same_bytes_for_every_vid(vid: int) -> None:
    node = SwitchNode()
    bridge = node.add_bridge("br0")
    bridge.add_port("a", tag=vid)
    bridge.add_port("b", tag=vid)
    bridge.add_port("t", trunks=[vid])
    sent = frame("a>*")
    out = dict(node.send("a", sent))
    assert out["b"] == sent
    assert dict(node.send("t", out["t"]))["b"] == sent
