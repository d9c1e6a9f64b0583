"""Whatever stands in a ``cloud.yaml``: it is refused as a whole, or it can be built."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.setups import test_cloud_pasted as pasted
from tests.shared import CHECKOUT, need_module
from vswitch.errors import ConfigError
from vswitch.neutron.build import build
from vswitch.setups.cloud_file import parse_cloud

yaml = need_module("yaml")
need_module("jsonschema")

VALUES = (
    None, "", 0, -1, 1, 2**70, 4.5, True, False, "x", "vm1", "10.0.0.1", "10.0.0.0/24", "0.0.0.0/0", "::/0", "fe80::1",
    "255.255.255.255", "2001:db8::/64", "fa:16:3e:00:00:01", [], {}, [None], [1], {"a": 1}, "1:2", "a:b", "a b",
    "a/b", "/", "5s", "1ns", "compute1", "blue", ["10.0.0.0/31"], ["10.0.0.0/32"], "None", "{", "[1]", "'",
    '{"network_id": 5}',
    "ip_address='10', subnet_id='x'", "\x00", "é" * 20, "local", "geneve", "gre", "flat", "vlan", "vxlan", "-1",
    "br-int",
)  # fmt: skip
PIECES = ("", ":", "\n", "{", "}", "-", "é", "\t", "&", "*a", "|", "\x07", "!!x ", "'")


def documents() -> list[Any]:
    """The clouds of docs/cloud.md, and one that is all pasted."""
    texts = re.findall(r"^```yaml\n(.*?)^```", (CHECKOUT / "docs" / "cloud.md").read_text(), re.MULTILINE | re.DOTALL)
    texts.append(pasted.document(
        networks=[pasted.NETWORK, pasted.PUBLIC], subnets=[pasted.SUBNET, pasted.PUBLIC_SUBNET], ports=[pasted.PORT],
        security_groups=[pasted.GROUP], routers=[pasted.ROUTER], floating_ips=[pasted.FLOATING],
    ))  # fmt: skip
    return [yaml.safe_load(text) for text in texts]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


def change(document: Any, chance: random.Random) -> None:
    """Another value, none, another key, or twice the same."""
    path = chance.choice(list(paths(document)) or [()])
    if not path:
        return
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    kind = chance.random()
    if kind < 0.6:
        parent[path[-1]] = copy.deepcopy(chance.choice(VALUES))
    elif kind < 0.75:
        del parent[path[-1]]
    elif isinstance(parent, dict):
        parent[str(chance.choice(VALUES))] = parent.pop(path[-1])
    else:
        parent.append(copy.deepcopy(parent[path[-1]]))


def scratch(text: str, chance: random.Random) -> str:
    """Some characters are others, or gone."""
    for _ in range(chance.choice((0, 0, 0, 3))):
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(PIECES) + text[at + chance.randrange(2) :]
    return text


@pytest.mark.parametrize("seed", range(8))
def test_a_changed_cloud_is_refused_or_built(seed):
    chance = random.Random(seed)
    known = documents()
    n_built = 0
    for _ in range(100):
        document = copy.deepcopy(chance.choice(known))
        for _ in range(chance.choice((1, 1, 2, 3))):
            change(document, chance)
        text = scratch(yaml.safe_dump(document, allow_unicode=True), chance)
        with suppress(ConfigError):
            found = parse_cloud(text)
            n_built += 1
            try:
                build(found.cloud)
            except ConfigError as error:
                pytest.fail(f"{error} of\n{text}")
    assert n_built > 3
