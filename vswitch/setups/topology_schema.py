"""What a ``topology.yaml`` may hold, as JSON Schema. A ``description`` is for the hints of errors."""

from __future__ import annotations

from typing import Any

from vswitch.setups.device_kind import PORT
from vswitch.setups.device_kinds import devices_schema
from vswitch.setups.durations import DURATION
from vswitch.setups.schema_words import CAPTURE, HOP_LIMIT

LINES = {"type": "array", "minItems": 1, "items": {"type": "string", "description": "a line of an OVS script"}}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "vswitch topology",
    "type": "object",
    "description": "a mapping with nodes and, if wanted, wires, devices, in, timeline, duration and hop_limit",
    "required": ["nodes"],
    "additionalProperties": False,
    "properties": {
        "nodes": {
            "type": "object",
            "minProperties": 1,
            "description": "a mapping of a node's name to its setup",
            "additionalProperties": {
                "type": "object",
                "required": ["setup"],
                "additionalProperties": False,
                "description": "setup: the path of an OVS script, or its lines",
                "properties": {
                    "setup": {
                        "oneOf": [{"type": "string", "minLength": 1}, LINES],
                        "description": "the path of an OVS script, or its lines: a block (|) or a list",
                    }
                },
            },
        },
        "wires": {
            "type": "array",
            "description": "a list of wires",
            "items": {
                "description": "two ports, such as [host1/eth1, host2/eth1], or segment: and latency:",
                "oneOf": [
                    {
                        "type": "array",
                        "minItems": 2,
                        "maxItems": 2,
                        "items": PORT,
                        "description": "two ports; more of them share a segment: {segment: [...]}",
                    },
                    {
                        "type": "object",
                        "required": ["segment"],
                        "additionalProperties": False,
                        "description": "segment: two or more ports; latency: a time",
                        "properties": {
                            "segment": {
                                "type": "array",
                                "minItems": 2,
                                "items": PORT,
                                "description": "two or more ports",
                            },
                            "latency": DURATION,
                        },
                    },
                ],
            },
        },
        "devices": devices_schema(),
        "duration": {**DURATION, "description": "how long a replay goes on at least, such as 30s"},
        "in": {
            "type": "object",
            "description": "a mapping of a port (NODE/PORT) to the path of a capture",
            "additionalProperties": CAPTURE,
        },
        "timeline": {
            "type": "array",
            "description": "a list of commands: {at: 2.5s, node: host1, run: ovs-ofctl ...}",
            "items": {
                "type": "object",
                "required": ["at", "node", "run"],
                "additionalProperties": False,
                "description": "at: a time since the first frame; node: a name; run: a line of an OVS script",
                "properties": {
                    "at": DURATION,
                    "node": {"type": "string", "description": "the name of a node"},
                    "run": {
                        "oneOf": [{"type": "string", "minLength": 1}, LINES],
                        "description": "a line of an OVS script, or a list of them",
                    },
                },
            },
        },
        "hop_limit": HOP_LIMIT,
    },
}
