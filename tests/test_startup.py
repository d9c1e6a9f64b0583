"""A replay of a small scenario is mostly loading: what must not be loaded for it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from vswitch.light_typing import NamedTuple

ROOT = Path(__file__).parents[1]
SLOW = {
    "bz2", "copy", "dataclasses", "difflib", "inspect", "ipaddress", "lzma", "numpy", "pathlib", "platform", "shutil",
    "socket", "subprocess", "tempfile", "tqdm", "typing", "urllib.parse", "uuid", "weakref",
}
HOSTS = "pcaps/two-hosts-vxlan"
ALWAYS = "import argparse, contextlib, enum, functools, importlib, re, signal"
PROBE = """
import sys
{0}
before = set(sys.modules)
from vswitch.cli.main import main
status = main(sys.argv[1:])
import json
print(json.dumps([status, sorted(set(sys.modules) - before)]), file=sys.stderr)
"""


@pytest.mark.parametrize("arguments", [
    ["--help"],
    ["replay", "pcaps/arp-ping"],
    ["replay", "pcaps/arp-ping", "--out", "{out}"],
    ["show", "pcaps/arp-ping"],
    ["replay", "pcaps/compute-host", "--out", "{out}"],  # flows
    # ... and tunnels
    ["replay", f"{HOSTS}/host1.ovs", "--in", f"vm1={HOSTS}/in/host1/vm1.pcap", "--out", "{out}"],
], ids=lambda arguments: " ".join(arguments))
def test_nothing_slow_is_loaded(arguments, tmp_path):
    words = [word.format(out=tmp_path / "out") for word in arguments]
    done = subprocess.run(
        # Without site-packages' hooks, which load half of the library themselves.
        [sys.executable, "-S", "-c", PROBE.format(ALWAYS), *words],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    status, loaded = json.loads(done.stderr)
    assert status == 0
    assert not SLOW & set(loaded)


class Point(NamedTuple):
    """Where."""

    x: int
    y: int = 7

    @property
    def total(self) -> int:
        return self.x + self.y


def test_light_named_tuple():
    assert Point(1) == (1, 7)
    assert Point(1, y=2)._replace(x=5).total == 7
    assert repr(Point(1)) == "Point(x=1, y=7)"
    assert (Point.__doc__, Point.__module__, Point._fields) == ("Where.", __name__, ("x", "y"))
    assert pickle.loads(pickle.dumps(Point(3))) == Point(3)
    with pytest.raises(TypeError):
        Point()
    with pytest.raises(AttributeError):
        Point(1).x = 2
