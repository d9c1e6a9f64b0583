"""Options may stand before, between and behind the other arguments."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.cli.command import CHECKOUT
from vswitch.cli.main import VERBS, main

PCAPS = CHECKOUT / "pcaps"
HOSTS = str(PCAPS / "two-hosts-vxlan")
FLOW = "br-int in_port=2,ip"


def output(capfd, *arguments: str) -> str:
    assert main(arguments) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    return printed.out


@pytest.mark.parametrize("order", [
    order
    for order in permutations([HOSTS, "--node host1", "--no-names", FLOW])
    if order.index(HOSTS) < order.index(FLOW)
])
def test_trace_takes_them_in_any_order(capfd, order):
    words = " ".join(order).split()
    wanted = output(capfd, "trace", HOSTS, "br-int", "in_port=2,ip", "--node", "host1", "--no-names")
    assert "host2/eth0: over a wire" in wanted
    assert output(capfd, "trace", *words) == wanted


def test_trace_between_bridge_and_flow(capfd):
    wanted = output(capfd, "trace", HOSTS, "br-int", "in_port=vm1,ip", "--node", "host1")
    assert output(capfd, "trace", HOSTS, "br-int", "--node", "host1", "in_port=vm1,ip") == wanted


def test_several_set_ups_around_an_option(capfd):
    assert "2 paths" in output(capfd, "neutron", "compare", HOSTS, "--paths", "2", str(PCAPS / "two-hosts-gre"))


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_the_arguments(capfd, verb):
    text = output(capfd, verb, "--help")
    assert text.startswith(f"usage: vswitch {verb} [-h]")
    assert "positional arguments:" in text


def test_too_many_arguments(capfd):
    assert main(["replay", str(PCAPS / "arp-ping"), "--format", "pcap", "more"]) == 2
    assert "unrecognized arguments: more" in capfd.readouterr().err
