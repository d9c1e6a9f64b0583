"""Actions against ``ovs-ofctl parse-flow``: what is accepted, the formats, the print, the words of a refusal."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow.actions import parse_actions
from vswitch.openflow.match import parse_match
from vswitch.openflow.protocols import OF_VERSION, protocols_text

CASES = (Path(__file__).parent / "actions.txt").read_text().splitlines()
# One version of OpenFlow (1 is 1.0) and one match each; together they reach every form that an action has.
WAYS = [(1, ""), (2, "udp,dl_vlan=5"), (4, "tcp"), (5, "mpls"), (6, "ipv6")]

pytestmark = pytest.mark.skipif(shutil.which("ovs-ofctl") is None, reason="ovs-ofctl is not installed")


def ours(version: int, match: str, text: str) -> str:
    """What parse-flow says, as this package has it."""
    parsed = parse_match(match)
    said = ""
    try:
        actions = parse_actions(text)
        try:
            actions = actions.check(parsed)
        except OpenFlowError as error:
            return f"ovs-ofctl: actions are invalid with specified match ({error.code})"
        said = f"usable protocols: {protocols_text(actions.protocols)}\n"
        if not actions.protocols & OF_VERSION[version]:
            return f"{said}ovs-ofctl: no usable protocol"
        return said + actions.stored(version, parsed).format()
    except FlowSyntaxError as error:
        return f"ovs-ofctl: {error.problem}"
    except OpenFlowError as error:
        return f"{said}{error.code}"


def real(version: int, match: str, text: str) -> str:
    flow = f"{match},actions={text}"
    done = subprocess.run(
        ["ovs-ofctl", "-O", f"OpenFlow1{version - 1}", "parse-flow", flow], capture_output=True, text=True, check=False,
    )
    lines = done.stdout.splitlines()
    said = f"{lines[0]}\n" if lines else ""
    refusal = [line for line in done.stderr.splitlines() if line.startswith("ovs-ofctl:")]
    if refusal:
        return said + refusal[0]
    if "***decode error" in done.stdout:
        return said + done.stdout.split("decode error: ")[1].split("***")[0]
    return said + lines[-1].split("actions=", 1)[1]


@pytest.mark.parametrize(("version", "match"), WAYS)
def test_actions_are_those_of_ovs_ofctl(version: int, match: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda text: real(version, match, text), CASES))
    wrong = {text: (ours(version, match, text), answer) for text, answer in zip(CASES, answers, strict=True)}
    assert {text: pair for text, pair in wrong.items() if pair[0] != pair[1]} == {}
