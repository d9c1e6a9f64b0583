"""Random clouds are built: no command is refused, and times go up. What comes of them tests/check_agent.py compares."""

from __future__ import annotations

import json

import pytest

from tests import check_agent
from tests.real_agent.random_models import RandomModel
from tests.shared import need_module

need_module("yaml")
need_module("jsonschema")


@pytest.mark.parametrize("seed", range(12))
def test_all_commands_are_taken(seed, tmp_path):
    model = RandomModel(seed).make(lives=True)
    (tmp_path / "model.json").write_text(json.dumps(model))
    (tmp_path / "index.json").write_text(json.dumps({"bridges": {bridge: {} for bridge in model["nics"]}}))
    start, end = check_agent.build_ours(tmp_path, model)
    bridge = model["agent_config_overrides"]["OVS"].get("integration_bridge", "br-int")
    assert check_agent.flows(start, bridge) != []
    alive = {about[0] for what, about in model["steps"] if what == "plug"}
    alive -= {about[0] for what, about in model["steps"] if what == "unplug"}
    devices = {port["ifname"] for port in model["ports"] if port["name"] in alive}
    assert devices <= set(end.run(f"ovs-vsctl list-ports {bridge}").split())
