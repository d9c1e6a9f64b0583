"""docs/cloud.md tells the truth: its clouds load, and it names every word."""

from __future__ import annotations

import re

import pytest

from tests.shared import CHECKOUT, need_module
from vswitch.setups.cloud_file import parse_cloud
from vswitch.setups.cloud_ranges import OPTIONS
from vswitch.setups.cloud_schema import HOST_WORDS, SCHEMA
from vswitch.setups.cloud_words import KINDS

need_module("yaml")
need_module("jsonschema")

TEXT = (CHECKOUT / "docs" / "cloud.md").read_text()
CLOUDS = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", CLOUDS)
def test_clouds_load(text):
    assert parse_cloud(text).cloud.hosts


def test_every_word_is_named():
    words = {word for kind in KINDS.values() for word in kind.words} - {"segments", "port_forwardings", "id", "name"}
    words |= set(SCHEMA["properties"]) | set(HOST_WORDS) | set(OPTIONS)
    assert {word for word in words if not re.search(rf"[`{{ (]{word}[`:,}} )]", TEXT)} == set()
