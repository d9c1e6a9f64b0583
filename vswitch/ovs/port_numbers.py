"""How OpenFlow's tools write and read port numbers."""

from __future__ import annotations

# OpenFlow 1.0's reserved ports: numbers that are no port's own, and their names.
RESERVED_PORTS = {
    0xFFF7: "UNSET", 0xFFF8: "IN_PORT", 0xFFF9: "TABLE", 0xFFFA: "NORMAL", 0xFFFB: "FLOOD", 0xFFFC: "ALL",
    0xFFFD: "CONTROLLER", 0xFFFE: "LOCAL", 0xFFFF: "ANY",
}


def port_label(ofport: int) -> str:
    """A port number as it is printed: ``7`` or ``LOCAL``."""
    return RESERVED_PORTS.get(ofport, str(ofport))


def reserved_port(word: str) -> int | None:
    """The number of a reserved port's name, in any case."""
    return next((number for number, name in RESERVED_PORTS.items() if name == word.upper()), None)
