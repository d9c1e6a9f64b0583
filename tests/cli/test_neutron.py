"""``vswitch neutron``: what is printed, and the exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vswitch.cli.main import main

PCAPS = Path(__file__).resolve().parent.parent.parent / "pcaps"
TWO_HOSTS = str(PCAPS / "two-hosts-vxlan")


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A host with a port on the dead VLAN."""
    script = tmp_path / "setup.ovs"
    script.write_text("ovs-vsctl add-br br-int -- add-port br-int vm1 tag=4095 -- add-port br-int vm2 tag=1\n")
    return str(script)


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["neutron", "show", TWO_HOSTS, "host2"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["host2"]
    assert ["1", "-", "vxlan", "1002", "br-tun", "vm4"] in lines
    assert ["2", "-", "vxlan", "1001", "br-tun", "vm3"] in lines
    assert ["vxlan-c0000201", "vxlan", "-", "192.0.2.1", "1", "2"] in lines


def test_flows_are_grouped_and_load_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["neutron", "flows", TWO_HOSTS, "host1", "br-tun"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("# host1 br-tun\n# table 0 LOCAL_SWITCHING\n")
    assert '# table 22 FLOOD_TO_TUN\ntable=22, priority=1,dl_vlan=1 actions=pop_vlan,set_field:0x3e9->tun_id,' in text
    (tmp_path / "flows.txt").write_text(text)
    script = tmp_path / "setup.ovs"
    script.write_text("ovs-vsctl add-br br-tun -- add-port br-tun patch-int -- add-port br-tun vxlan-c0000202\n"
                      f"ovs-ofctl -O OpenFlow13 add-flows br-tun {tmp_path / 'flows.txt'}\n")  # fmt: skip
    assert main(["flows", "--no-stats", "--names", "-O", "OpenFlow13", str(script), "br-tun"]) == 0
    loaded = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert loaded == [line for line in text.splitlines() if not line.startswith("#")]


def test_check_says_with_its_status_whether_there_is_a_fault(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    assert main(["neutron", "check", TWO_HOSTS]) == 0
    assert capsys.readouterr().out == "no fault found on 2 hosts\n"
    assert main(["neutron", "check", broken]) == 1
    out = capsys.readouterr().out
    assert out.startswith("dead-vlan: setup/br-int/vm1: vm1 is on the dead VLAN 4095")
    assert out.endswith("\n1 fault\n")


def test_check_as_json(capsys: pytest.CaptureFixture[str], broken: str) -> None:
    assert main(["neutron", "check", "--json", broken]) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["fault"] == "dead-vlan"
    assert finding["frame"]["port"] == "setup/vm1"
    assert bytes.fromhex(finding["frame"]["hex"])[12:14] == b"\x08\x06"


@pytest.mark.parametrize(("words", "problem", "hint"), [
    (["show", TWO_HOSTS, "hots1"], "no host named hots1", "did you mean"),
    (["flows", TWO_HOSTS, "host1", "br-tnu"], "no bridge named br-tnu on host1", "br-tun"),
    (["check", str(PCAPS / "learning-switch")], "there is no br-int", "br-int"),
])  # fmt: skip
def test_what_is_not_there(
    capsys: pytest.CaptureFixture[str], words: list[str], problem: str, hint: str
) -> None:
    assert main(["neutron", *words]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert hint in error


def test_compare(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["neutron", "compare", str(PCAPS / "two-hosts-gre"), TWO_HOSTS, "--paths", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["two-hosts-gre", "two-hosts-vxlan"]
    assert "MTU left                   1458 of 1500   1450 of 1500" in lines
    assert lines[-1].startswith("on the busiest of 2 paths")
    assert main(["neutron", "compare", TWO_HOSTS, "--paths", "0"]) == 2
    assert "0 is no number of paths" in capsys.readouterr().err
