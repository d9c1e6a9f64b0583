"""JSON Schema of the values that a ``topology.yaml`` and a ``cloud.yaml`` may both hold."""

from __future__ import annotations

HOP_LIMIT = {
    "type": "integer",
    "minimum": 1,
    "maximum": 65534,
    "description": "wires that a frame and what it causes may be on, 1 to 65534 (default 255)",
}
CAPTURE = {"type": "string", "minLength": 1, "description": "the path of a capture"}
PORT_NUMBER = {"type": "integer", "minimum": 1, "maximum": 65535, "description": "a port, 1 to 65535"}
N_PINGS = {"type": "integer", "minimum": 1, "maximum": 65535, "description": "1 to 65535"}
"""The sequence number of an echo request has 16 bits."""
