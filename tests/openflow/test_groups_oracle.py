"""Groups against ``ovs-ofctl parse-group``, and what meters are made of."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow.groups import parse_group
from vswitch.openflow.meters import parse_meter
from vswitch.openflow.protocols import OF_VERSION, protocols_text

CASES = (Path(__file__).parent / "groups.txt").read_text().splitlines()


def ours(version: int, text: str) -> str:
    """What parse-group says, as this package has it."""
    said = ""
    try:
        group = parse_group(text)
        said = f"usable protocols: {protocols_text(group.protocols)}\n"
        if not group.protocols & OF_VERSION[version]:
            return f"{said}ovs-ofctl: no usable protocol"
        stored = group.stored(version)
        stored.encode_fields()
        return said + stored.format_command(version)
    except FlowSyntaxError as error:
        return f"ovs-ofctl: {error.problem}"
    except OpenFlowError as error:
        return f"{said}{error.code}"


def real(version: int, text: str) -> str:
    command = ["ovs-ofctl", "-O", f"OpenFlow1{version - 1}", "parse-group", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    said = f"{lines[0]}\n" if lines else ""
    refusal = [line for line in done.stderr.splitlines() if line.startswith("ovs-ofctl:")]
    if refusal:
        return said + refusal[0]
    if "***decode error" in done.stdout:
        return said + done.stdout.split("decode error: ")[1].split("***")[0]
    return said + lines[-1].strip()


@pytest.mark.skipif(shutil.which("ovs-ofctl") is None, reason="ovs-ofctl is not installed")
@pytest.mark.parametrize("version", [1, 2, 4, 6])
def test_groups_are_those_of_ovs_ofctl(version: int) -> None:
    pairs = {text: (ours(version, text), real(version, text)) for text in CASES}
    assert {text: pair for text, pair in pairs.items() if pair[0] != pair[1]} == {}


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("meter=1,kbps,band=type=drop,rate=1000", "meter=1 kbps bands=\ntype=drop rate=1000\n"),
        (
            "meter=7,pktps,burst,stats,bands=type=drop,rate=5,burst_size=9,type=dscp_remark,rate=3,burst_size=2,prec_level=1",
            "meter=7 pktps burst stats bands=\ntype=drop rate=5 burst_size=9\n"
            "type=dscp_remark rate=3 burst_size=2 prec_level=1\n",
        ),
        ("meter=controller kbps band=type=drop rate=1", "meter=controller kbps bands=\ntype=drop rate=1\n"),
        ("meter=1,band=type=drop,rate=1", "meter must specify either 'kbps' or 'pktps'"),
        ("meter=1,kbps", "must specify bands"),
        ("meter=0,kbps,band=type=drop,rate=1", "invalid value for meter"),
        ("kbps,band=type=drop,rate=1", "must specify 'meter'"),
        ("meter=1,kbps,band=type=drop", "band must have 'rate'"),
        ("meter=1,kbps,band=rate=1", "band must start with the 'type' keyword"),
        ("meter=1,kbps,band=type=foo,rate=1", "field type unknown value foo"),
        ("meter=1,kbps,band=type=dscp_remark,rate=1", "'dscp_remark' band must have 'prec_level'"),
        ("meter=1,kbps,band=type=drop,rate=1,burst_size=2", "band may have 'burst_size' only when 'burst' flag is set"),
        ("meter=1,kbps,burst,band=type=drop,rate=1", "band must have 'burst_size' when 'burst' flag is set"),
        ("meter=1,kbps,foo=2,band=type=drop,rate=1", "unknown keyword foo"),
        ("meter=1,kbps,band=", "meter must have bands"),
    ],
)
def test_meters(text: str, printed: str) -> None:
    if printed.endswith("\n"):
        assert parse_meter(text).format() == printed
        return
    with pytest.raises(FlowSyntaxError) as error:
        parse_meter(text)
    assert error.value.problem == printed
