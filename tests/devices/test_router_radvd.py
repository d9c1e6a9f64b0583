"""A router that advertises itself: hosts on two networks make addresses and reach each other."""

from __future__ import annotations

import copy
from pathlib import Path

from tests.shared import need_program
from tests.switch.test_topology import switch
from tests.test_tshark import complaints
from vswitch.devices.host import Host
from vswitch.devices.router import Router
from vswitch.devices.router_advertisements import RaSubnet
from vswitch.devices.router_config import RouterConfig, RouterInterface, RouterRadvd
from vswitch.setups.topology import Topology
from vswitch.switch.topology import DevicePlug

SECOND_NS = 1_000_000_000
INTERFACES = [
    RouterInterface("qr-1", "fa:16:3e:00:00:01", ("fd00:1::1/64",), 1450),
    RouterInterface("qr-2", "fa:16:3e:00:00:02", ("fd00:2::1/64",)),
]
RADVD = RouterRadvd({"qr-1": [RaSubnet("fd00:1::/64", "slaac")], "qr-2": [RaSubnet("fd00:2::/64", "slaac")]})


def topology(config: RouterConfig, **settings: int) -> tuple[Topology, Host, Host, Router]:
    one = Host("vm1", "fa:16:3e:00:00:05", ipv6=True, **settings)
    two = Host("vm2", "fa:16:3e:00:00:06", ipv6=True, **settings)
    router = Router("r", ("qr-1", "qr-2"), config)
    nodes = {"n": switch("vm1 tag=1", "vm2 tag=2", "q1 tag=1", "q2 tag=2")}
    plugs = [
        DevicePlug("vm1", "eth0", ("n", "vm1")), DevicePlug("vm2", "eth0", ("n", "vm2")),
        DevicePlug("r", "qr-1", ("n", "q1")), DevicePlug("r", "qr-2", ("n", "q2")),
    ]  # fmt: skip
    built = Topology("", nodes, devices=[one, two, router], device_plugs=plugs, duration_ns=10 * SECOND_NS)
    return built, one, two, router


def test_hosts_make_addresses_and_reach_each_other(tmp_path: Path) -> None:
    built, one, two, router = topology(RouterConfig(INTERFACES, radvd=RADVD), start_ns=SECOND_NS)
    ping = one.ping("fd00:2::f816:3eff:fe00:6", count=2, at_ns=5 * SECOND_NS)
    result = built.replay(out=tmp_path / "out", format="pcapng")
    assert one.addresses == ["fe80::f816:3eff:fe00:5/64", "fd00:1::f816:3eff:fe00:5/128"]
    assert two.addresses == ["fe80::f816:3eff:fe00:6/64", "fd00:2::f816:3eff:fe00:6/128"]
    assert [(reply.seq, reply.ttl) for reply in ping.replies] == [(1, 63), (2, 63)]
    assert one.stack.mtu == 1450
    assert router.advertiser is not None
    assert [str(line) for line in router.advertiser.log] == [
        "0.000000 router advertisement at qr-1 to all", "0.000000 router advertisement at qr-2 to all",
        "2.000000 router advertisement at qr-1 to fe80::f816:3eff:fe00:5",
        "2.000000 router advertisement at qr-2 to fe80::f816:3eff:fe00:6",
    ]  # fmt: skip
    assert result.frames_in == result.delivered + result.consumed + sum(result.dropped.values())
    need_program("tshark")
    for path in (tmp_path / "out").rglob("ports.pcapng"):
        n, errors = complaints(path)
        assert (n > 20, errors) == (True, [])


def test_interfaces_that_are_down_advertise_nothing_until_they_are_up() -> None:
    down = RouterConfig([at._replace(is_up=False) for at in INTERFACES], radvd=RADVD)
    built, one, _, router = topology(down)
    built.replay()
    assert router.advertiser is None
    assert one.addresses == ["fe80::f816:3eff:fe00:5/64"]
    router.configure(RouterConfig(INTERFACES, radvd=RADVD))
    built.replay()
    assert "fd00:1::f816:3eff:fe00:5/128" in one.addresses
    advertiser = router.advertiser
    router.configure(RouterConfig(INTERFACES, radvd=RADVD, announces=True))
    assert router.advertiser is advertiser
    router.configure(RouterConfig(INTERFACES))
    assert router.advertiser is None


def test_a_copy_advertises_by_itself() -> None:
    built, _, _, router = topology(RouterConfig(INTERFACES, radvd=RADVD))
    built.replay()
    assert router.advertiser is not None
    other = copy.deepcopy(router)
    assert other.advertiser is not router.advertiser
    assert str(other.advertiser.log) == str(router.advertiser.log)


def test_a_router_without_radvd_answers_no_solicitation() -> None:
    built, one, _, router = topology(RouterConfig(INTERFACES))
    built.replay()
    assert router.advertiser is None
    assert str(one.log).count("router solicitation") == 3
