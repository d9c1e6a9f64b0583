"""ovs-ofctl's other commands against the real one: status and text are equal, byte for byte, line by line."""

from __future__ import annotations

import difflib
import re
import shlex
import tempfile
import time
from pathlib import Path

import pytest

import vswitch
from tests.ovs.ofctl_lines import SCRIPTS, SET_UP
from tests.ovs.private_ovs import PrivateOvs, normalize, run_ours
from tests.shared import need_ovs


@pytest.fixture(scope="module", autouse=True)
def open_vswitch() -> None:
    need_ovs()


def clean(text: str) -> str:
    """Text without times; flows and ports come out in the order of a hash there."""
    text = re.sub(r"duration[=:][0-9.]+s", "duration=<time>", normalize(text))
    lines = text.splitlines(keepends=True)
    if re.match(r"(NXST|OFPST)_(FLOW|QUEUE) reply", text) or any(" actions=" in line for line in lines[:1]):
        return "".join(sorted(lines))
    return text


def send(real: PrivateOvs, node: vswitch.Node, port: str, frame: str) -> None:
    """Send a frame through both; its counters arrive in the tables before it is over."""
    assert real.run(f"ovs-appctl netdev-dummy/receive {port} {frame}")[0] == 0
    time.sleep(0.05)
    assert real.run("ovs-appctl revalidator/purge")[0] == 0
    node.send(port, bytes.fromhex(frame))


@pytest.mark.parametrize("name", SCRIPTS)
def test_same_as_the_real_tool(name: str) -> None:
    """A line that begins with ``# `` says why the next one is compared by its first line only; ``frame`` sends one."""
    node = vswitch.Node()
    different = []
    first_line_only = False
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, PrivateOvs(Path(directory), switch=True) as real:
        for words in (SET_UP + SCRIPTS[name]).strip().splitlines():
            if words.startswith("#"):
                first_line_only = True
                continue
            if words.startswith("frame "):
                send(real, node, *words.split()[1:])
                continue
            line = words if words.startswith("ovs-") else f"ovs-ofctl {words}"
            line = shlex.join(shlex.split(line))
            (status, text), (our_status, our_text) = real.run(line), run_ours(node.run, line)
            text, our_text = clean(text), clean(our_text)
            if first_line_only:
                text, our_text = (re.sub("xid=0x[0-9a-f]+", "", each.split("\n")[0]) for each in (text, our_text))
            if (our_status, our_text) != (status, text):
                both = difflib.unified_diff(text.splitlines(), our_text.splitlines(), "real", "ours", n=1, lineterm="")
                different.append("\n".join([f"$ {line}", f"status {status}, ours {our_status}", *both]))
            first_line_only = False
    assert not different, "\n".join(different)
