"""The ``devices:`` of a topology.yaml: what is read, and where errors are."""

from __future__ import annotations

import pytest

from tests.devices.packets import UDP, eth, ip, udp
from tests.switch.test_topology import capture, sent
from vswitch import load
from vswitch.errors import ConfigError
from vswitch.switch.inputs import Input

TEXT = """\
nodes:
  net:
    setup: |
      ovs-vsctl add-br br-int
      ovs-vsctl add-port br-int vm1 tag=1
      ovs-vsctl add-port br-int vm2 tag=2
      ovs-vsctl add-port br-int qr-1 tag=1
      ovs-vsctl add-port br-int qr-2 tag=2
      ovs-vsctl add-port br-int pp -- set Interface pp type=patch options:peer=x
devices:
  r1:
    type: router
    interfaces:
      qr-1: {mac: "fa:16:3e:00:00:01", addresses: [10.0.1.1/24], port: net/qr-1, mtu: 1400}
      qr-2: {mac: "fa:16:3e:00:00:02", addresses: [10.0.2.1/24], port: net/br-int/qr-2}
    routes:
      - {to: 0.0.0.0/0, via: 10.0.2.254, table: 16}
    rules:
      - {priority: 5, from: 10.0.9.0/24, table: 16}
    neighbors:
      - {interface: qr-2, address: 10.0.2.5, mac: "fa:16:3e:00:00:05"}
    nat: {gateway: qr-2, source: 10.0.2.1, floating_ips: {10.0.2.9: 10.0.1.9}}
    announces: true
duration: 5s
"""


def read(tmp_path, text: str = TEXT):
    (tmp_path / "topology.yaml").write_text(text)
    return load(str(tmp_path))


def test_a_router_of_a_file_routes(tmp_path):
    topology = read(tmp_path, TEXT.replace("    nat: {gateway", "    # nat: {gateway"))
    packet = ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 1, 2))
    frame = eth("fa:16:3e:00:00:01", "fa:16:3e:00:00:0a", packet)
    result = topology.replay([Input("net/vm1", capture(tmp_path / "vm1.pcap", [(1, frame)]))], tmp_path / "out")
    older = ip("10.0.1.5", "10.0.2.5", UDP, udp("10.0.1.5", "10.0.2.5", 1, 2), ttl=63)
    routed = eth("fa:16:3e:00:00:05", "fa:16:3e:00:00:02", older)
    announced, got = [data for _, data in sent(tmp_path / "out" / "net" / "vm2.pcap")]
    assert got == routed
    assert announced[:14].hex() == "ffffffffffff" + "fa163e000002" + "0806"
    assert result.frame(4).in_port == "r1/qr-1"
    assert topology.duration_ns == 5 * 10**9
    config = topology.devices["r1"].config
    assert (config.interfaces[0].mtu, config.rules[0].from_, config.routes[0].table) == (1400, "10.0.9.0/24", 16)


TIMELINE = """\
timeline:
  - {at: 2s, node: r1, run: ip link set qr-2 down}
  - {at: 2.5s, node: net, run: ovs-vsctl show}
"""


def test_a_timeline_has_commands_of_devices(tmp_path):
    topology = read(tmp_path, TEXT + TIMELINE)
    result = topology.replay()
    assert [at.is_up for at in topology.devices["r1"].config.interfaces] == [True, False]
    assert result.devices["r1"].frames_out == 3  # announced; the floating IP, too
    with pytest.raises(ConfigError, match="no interface named qr-9") as caught:
        read(tmp_path, TEXT + TIMELINE.replace("qr-2 down", "qr-9 down"))
    assert caught.value.line == 26
    with pytest.raises(ConfigError, match="no node named r2"):
        read(tmp_path, TEXT + TIMELINE.replace("node: r1", "node: r2"))


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("type: router", "type: rooter", 12, "rooter"),
        ("type: router", "kind: router", 12, "kind"),
        ("  r1:", "  net:", 11, "a node already"),
        ('"fa:16:3e:00:00:02"', '"fa:16:3e:00:00"', 15, "no MAC"),
        ("10.0.2.1/24", "10.0.2.1", 15, "prefix length"),
        ("10.0.2.1/24", "10.0.1.1/24", 15, "on qr-1 already"),
        ("mtu: 1400", "mtu: 14", 14, "14"),
        ("mtu: 1400", "mtuu: 1400", 14, "mtuu"),
        ("net/br-int/qr-2", "net/qr-3", 15, "has no port qr-3"),
        ("net/br-int/qr-2", "nod/qr-2", 15, "no node named nod"),
        ("net/br-int/qr-2", "net/qr-1", 15, "r1/qr-1 already"),
        ("net/br-int/qr-2", "net/pp", 15, "no device can stand behind"),
        ("to: 0.0.0.0/0", "to: 0.0.0.0/33", 17, "no prefix"),
        ("via: 10.0.2.254", "via: 10.9.2.254", 17, "in no subnet"),
        ("via: 10.0.2.254, ", "", 17, "lead"),
        ("table: 16}\n    neighbors", "table: 255}\n    neighbors", 19, "a table 255"),
        ("interface: qr-2, address", "interface: qr-9, address", 21, "no interface named qr-9"),
        ("gateway: qr-2", "gateway: qg", 22, "no interface named qg"),
        ("10.0.2.9: 10.0.1.9", "10.0.2.9: fe80::1", 22, "is not IPv4"),
        ("announces: true", "announces: 1", 23, "1"),
        ("duration: 5s", "duration: 5", 24, "5"),
    ],
)
def test_what_is_wrong_has_a_place(tmp_path, old, new, line, problem):
    assert old in TEXT
    with pytest.raises(ConfigError, match=problem) as caught:
        read(tmp_path, TEXT.replace(old, new))
    assert caught.value.line == line
