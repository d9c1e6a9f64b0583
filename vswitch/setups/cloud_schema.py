"""What a ``cloud.yaml`` may hold, as JSON Schema. A ``description`` is for the hints of errors."""

from __future__ import annotations

from typing import Any

from vswitch.setups.cloud_words import KINDS, NAME, TEXT, Kind, Schema, mapping
from vswitch.setups.durations import DURATION
from vswitch.setups.schema_words import CAPTURE, HOP_LIMIT, N_PINGS, PORT_NUMBER

NIC: Schema = {
    "oneOf": [
        {"type": ["string", "null"]},
        mapping(
            "bridge, physical_network, mac_address and trunks",
            {
                "bridge": TEXT,
                "physical_network": NAME,
                "mac_address": TEXT,
                "trunks": {
                    "type": ["array", "string", "integer", "null"],
                    "items": {"type": ["integer", "string"]},
                    "description": "a list of VIDs, or of ranges such as 100-199",
                },
            },
        ),
    ],
    "description": "the name of a physical network (none: the network of tunnels), or bridge, physical_network, "
    "mac_address and trunks",
}

HOST: Schema = {
    "type": ["object", "null"],
    "description": "nics, l3_agent, dhcp_agent, dvr_mac_address, run, and options of the agents such as local_ip",
    # Options of the agents are checked by name where they are read.
    "properties": {
        "nics": {
            "type": "object",
            "description": "a mapping of a NIC's name to the name of its physical network, or to its settings",
            "additionalProperties": NIC,
        },
        "l3_agent": {
            "enum": [True, False, "legacy", "dvr", "dvr_snat", "dvr_no_external"],
            "description": "true, false, or its agent_mode: legacy, dvr, dvr_snat or dvr_no_external",
        },
        "dhcp_agent": {"type": "boolean", "description": "true or false"},
        "starts_at": DURATION,
        "dvr_mac_address": TEXT,
        "vtep_mac_address": TEXT,
        "run": {
            "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            "description": "lines of an OVS script, run when the agents have done their work",
        },
    },
}
HOST_WORDS = tuple(HOST["properties"])

WIRE: Schema = {
    "oneOf": [
        {"type": "array", "items": {"type": "string"}, "description": "a list of NICs, each HOST/NIC"},
        mapping(
            "nics: a list of HOST/NIC; latency: a time; switch: true or false",
            {
                "nics": {"type": "array", "items": {"type": "string"}, "description": "a list of NICs, each HOST/NIC"},
                "latency": DURATION,
                "switch": {"type": "boolean", "description": "true: a learning switch; false: all hear all"},
            },
        ),
    ],
    "description": "a list of NICs (HOST/NIC), or nics, latency and switch",
}

PING: Schema = mapping(
    "to: an address; at: a time, or none: as soon as it can; count",
    {"to": TEXT, "at": DURATION, "count": N_PINGS},
    required=["to"],
)
SERVICES: Schema = {"type": "array", "items": PORT_NUMBER, "description": "a list of ports, 1 to 65535"}
MACHINE: Schema = {
    **mapping(
        "dhcp, ipv6, ping, tcp and udp",
        {
            "dhcp": {"type": "boolean", "description": "true: it asks for its address"},
            "ipv6": {"type": "boolean", "description": "true: it makes its IPv6 addresses from advertisements"},
            "ping": {"type": "array", "items": PING, "description": "a list of {to: ..., at: ..., count: ...}"},
            "tcp": SERVICES,
            "udp": SERVICES,
        },
    ),
    "type": ["object", "null"],
}

PORT_CHANGES = (
    "admin_state_up", "port_security_enabled", "security_group_ids", "allowed_address_pairs", "qos_policy_id",
    "fixed_ips",
)  # fmt: skip
EVENT: Schema = {
    **mapping(
        "at: a time; and plug, unplug or set: a port, failover: a router, or host and run: a line of an OVS script",
        {
            "at": DURATION,
            "plug": NAME,
            "unplug": NAME,
            "set": NAME,
            **{word: KINDS["ports"].words[word] for word in PORT_CHANGES},
            **{
                other: KINDS["ports"].words[word]
                for other, word in KINDS["ports"].spellings.items()
                if word in PORT_CHANGES
            },
            "failover": NAME,
            "host": NAME,
            "run": {
                "oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
                "description": "a line of an OVS script, or a list of them",
            },
        },
        required=["at"],
    ),
}


def _objects(kind: Kind) -> Schema:
    item = kind.schema()
    return {
        "oneOf": [
            {"type": "array", "items": {**item, "type": "object"}},
            {"type": ["object", "null"], "additionalProperties": item},
        ],
        "description": f"a mapping of names to {kind.singular}s, or a list of them",
    }


SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "vswitch cloud",
    "type": "object",
    "description": "a mapping with networks, subnets, routers, ports and hosts",
    "required": ["hosts"],
    "additionalProperties": False,
    "properties": {
        **{name: _objects(kind) for name, kind in KINDS.items()},
        "hosts": {
            "type": "object",
            "minProperties": 1,
            "description": "a mapping of a host's name to its NICs, agents and their options",
            "additionalProperties": HOST,
        },
        "agents": {"type": ["object", "null"], "description": "options of the agents of all hosts, by name"},
        "server": {"type": ["object", "null"], "description": "options of neutron.conf and ml2_conf.ini, by name"},
        "wires": {
            "type": ["object", "null"],
            "description": "a mapping of a physical network's name to its NICs",
            "additionalProperties": WIRE,
        },
        "devices": {
            "oneOf": [
                {"type": "array", "items": NAME},
                {"type": ["object", "null"], "additionalProperties": MACHINE},
            ],
            "description": "a list of ports with emulated machines behind them, or a mapping to their settings",
        },
        "in": {
            "type": ["object", "null"],
            "description": "a mapping of a port (a VM's or HOST/PORT) to the path of a capture",
            "additionalProperties": CAPTURE,
        },
        "timeline": {
            "type": ["array", "null"],
            "description": "a list of events, each with at: a time",
            "items": EVENT,
        },
        "duration": DURATION,
        "hop_limit": HOP_LIMIT,
    },
}
