"""The same command lines in our ovs-vsctl and in the real one: equal status, equal text, equal database after them."""

from __future__ import annotations

import json
import shlex
import tempfile
from pathlib import Path

import pytest

from tests.ovs.private_ovs import PrivateOvs, normalize
from tests.ovs.vsctl_lines import SCENARIOS
from tests.shared import need_ovs
from vswitch.ovs import vsctl
from vswitch.ovsdb.database import Database
from vswitch.ovsdb.schema import TABLES


@pytest.fixture(scope="module", autouse=True)
def open_vswitch() -> None:
    need_ovs()


class DatabaseOnly:
    """A node without a switch, as an ovsdb-server without ovs-vswitchd."""

    def __init__(self) -> None:
        self.db = Database()

    def reconfigure(self) -> None:
        pass

    def note_statistics(self) -> None:
        pass

    def run(self, line: str) -> tuple[int, str]:
        outcome = vsctl.run(self, shlex.split(line)[1:])
        return outcome.status, outcome.text


def content(run) -> dict[str, list[str]]:
    """Every table's rows, without what UUIDs they have."""
    tables = {}
    for table in TABLES:
        status, out = run(f"ovs-vsctl --no-wait --format=json list {table}")
        assert status == 0, out
        tables[table] = sorted(normalize(json.dumps(row)) for row in json.loads(out)["data"])
    return tables


@pytest.mark.parametrize("title", SCENARIOS)
def test_same_as_ovs_vsctl(title: str) -> None:
    node = DatabaseOnly()
    with tempfile.TemporaryDirectory(prefix="ovs-") as directory, \
            PrivateOvs(Path(directory), switch=False) as real:
        for line in SCENARIOS[title].strip().splitlines():
            command = f"ovs-vsctl --no-wait {line.strip()}"
            status, text = real.run(command)
            our_status, our_text = node.run(command)
            expected, got = normalize(text), normalize(our_text)
            if got != expected and any(word in line for word in ("list ", "find ", "show")):
                # The real tool lists rows by the hash of their random UUIDs.
                expected, got = ("\n".join(sorted(t.splitlines())) for t in (expected, got))
            assert (our_status, got) == (status, expected), command
        assert content(node.run) == content(real.run)
