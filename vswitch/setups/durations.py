"""Times as set-ups write them: a number and its unit."""

from __future__ import annotations

from decimal import Decimal

from vswitch.errors import ConfigError
from vswitch.setups.yaml_text import Path, YamlText

MAX_LATENCY_NS = 1000 * 10**9  # times hop_limit it must fit into 64 bits beside a time stamp
MAX_AT_NS = 10**18
DURATION = {
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(ns|us|ms|s)$",
    "description": "a time with its unit, such as 2.5s, 10ms, 10us or 200ns",
}
"""As JSON Schema: what `duration_ns` takes."""
UNITS_NS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


def duration_ns(text: str) -> int:
    """Nanoseconds of a time with its unit; what is finer is cut off.

    >>> duration_ns("2.5s"), duration_ns("10us")
    (2500000000, 10000)
    """
    unit = next(unit for unit in UNITS_NS if text.endswith(unit) and text.removesuffix(unit)[-1:].isdigit())
    return int(Decimal(text.removesuffix(unit)) * UNITS_NS[unit])


def bounded_ns(value: str, most_ns: int = MAX_AT_NS, *, key: str = "") -> int:
    """Nanoseconds of a time, at most `most_ns`; a ConfigError's key is `key`."""
    ns = duration_ns(value)
    if ns > most_ns:
        raise ConfigError(f"{value} is too long", key=key, hint=f"at most {most_ns // 10**9}s")
    return ns


def read_duration(text: YamlText, path: Path, value: str, most_ns: int = MAX_AT_NS) -> int:
    """The time that stands at `path`, at most `most_ns`."""
    try:
        return bounded_ns(value, most_ns)
    except ConfigError as error:
        raise text.error(error.problem, path, hint=error.hint) from None
