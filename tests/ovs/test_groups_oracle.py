"""Groups and meters against the real ovs-ofctl: equal status and text, line by line."""

from __future__ import annotations

import re
import shlex
import tempfile
from pathlib import Path

import pytest

import vswitch
from tests.ovs.group_lines import LIMITED, LINES
from tests.ovs.private_ovs import PrivateOvs, normalize, run_ours
from tests.shared import need_ovs

SET_UP = (
    "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy",
    "ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1",
)


@pytest.fixture(scope="module", autouse=True)
def open_vswitch() -> None:
    need_ovs()


def clean(text: str) -> str:
    """Text without times and transaction ids; groups and meters come out in the order of a hash there."""
    text = re.sub(r" ?\(xid=0x[0-9a-f]+\)", "", re.sub(r"duration[=:][0-9.]+s", "", normalize(text)))
    return "\n".join(sorted(text.splitlines()))


@pytest.mark.parametrize("lines", [LINES, LIMITED])
def test_same_as_the_real_tool(lines: str) -> None:
    node = vswitch.Node()
    different = []
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for line in SET_UP:
            assert real.run(line)[0] == 0
            node.run(line)
        for words in lines.strip().splitlines():
            line = shlex.join((words if words.startswith("ovs-vsctl") else f"ovs-ofctl {words}").split())
            status, text = real.run(line)
            our_status, our_text = run_ours(node.run, line)
            if "decode error" in text:
                # What the switch cannot even read, the tool shows as bytes. The error's name counts.
                text, our_text = text.split("\n")[0], our_text.split("\n")[0]
            if (our_status, clean(our_text)) != (status, clean(text)):
                different.append(f"$ {line}\n--- real: {status}\n{text}\n--- ours: {our_status}\n{our_text}")
    assert not different, "\n".join(different)
