"""Matches against ``ovs-ofctl parse-flow``: the formats, what arrives at a switch, the words of a refusal."""

from __future__ import annotations

import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.openflow.random_matches import random_matches
from vswitch.errors import FlowSyntaxError, OpenFlowError
from vswitch.openflow.flow import ADD, parse_flow_mod
from vswitch.openflow.protocols import ANY_OXM, NXM_OXM_ANY, OF10_NXM_ANY, OF_VERSION, protocols_text

CASES = (Path(__file__).parent / "matches.txt").read_text().splitlines()
REFUSED = "ovs-ofctl: actions are invalid with specified match"

pytestmark = pytest.mark.skipif(shutil.which("ovs-ofctl") is None, reason="ovs-ofctl is not installed")


def ours(version: int, text: str) -> str:
    """What parse-flow says, as this package has it."""
    try:
        mod = parse_flow_mod(f"{text},actions=drop", ADD)
    except FlowSyntaxError as error:
        return f"ovs-ofctl: {error.problem}"
    except OpenFlowError as error:
        return f"{REFUSED} ({error.code})"
    said = f"usable protocols: {protocols_text(mod.protocols)}\n"
    if not mod.protocols & OF_VERSION[version]:
        return f"{said}ovs-ofctl: no usable protocol"
    if mod.match.options:  # ovs-ofctl makes a map of options up to print them; no switch has one
        return said + mod.match.format()
    try:
        return said + mod.match.sent(version, mod.protocols).format()
    except OpenFlowError as error:
        return said + error.code


def real(version: int, text: str) -> str:
    done = subprocess.run(
        ["ovs-ofctl", "-O", f"OpenFlow1{version - 1}", "parse-flow", f"{text},actions=drop"], capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    said = f"{lines[0]}\n" if lines else ""
    refusal = [line for line in done.stderr.splitlines() if line.startswith("ovs-ofctl:")]
    return said + (refusal[0] if refusal else printed(next(line for line in lines if "_FLOW_MOD" in line)))


def printed(line: str) -> str:
    if "decode error" in line:
        return line.split("decode error: ")[1].split("***")[0]
    return re.sub(r"^.*? ADD (?:table:255 )?", "", line).replace("actions=drop", "").strip()


@pytest.mark.parametrize("version", [1, 2, 4, 6])
def test_matches(version: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        expected = list(pool.map(lambda text: real(version, text), CASES))
    found = [ours(version, text) for text in CASES]
    assert dict(zip(CASES, found, strict=True)) == dict(zip(CASES, expected, strict=True))


@pytest.mark.parametrize(
    ("options", "version", "formats"),
    [
        (["-F", "nxm"], 1, OF10_NXM_ANY),
        (["-O", "OpenFlow13"], 4, ANY_OXM),
        (["-O", "OpenFlow15"], 6, ANY_OXM),
    ],
)
def test_random_matches(options: list[str], version: int, formats: int, tmp_path: Path) -> None:
    texts = random_matches(seed=20 + version, per_field=8)
    file = tmp_path / "flows.txt"
    file.write_text("".join(f"{text},actions=drop\n" for text in texts))
    done = subprocess.run(
        ["ovs-ofctl", *options, "parse-flows", str(file)], capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = [printed(line) for line in done.stdout.splitlines() if "FLOW_MOD" in line]
    found = []
    for text in texts:
        mod = parse_flow_mod(f"{text},actions=drop", ADD)
        assert mod.protocols & NXM_OXM_ANY == NXM_OXM_ANY, text
        try:
            found.append(mod.match.sent(version, formats).format())
        except OpenFlowError as error:
            found.append(error.code)
    assert list(zip(texts, found, strict=True)) == list(zip(texts, expected, strict=True))
