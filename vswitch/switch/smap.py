"""Values of OVSDB's string maps (``other_config`` and the like) as Open vSwitch's smap functions read them."""

from __future__ import annotations

import re
from collections.abc import Mapping

_INT = r"[ \t\n\v\f\r]*[+-]?[0-9]+"


def smap_int(values: Mapping[str, str], key: str, default: int) -> int:
    """A decimal number of 32 bits; `default` if there is none or it is anything else."""
    text = values.get(key, "")
    value = int(text) if re.fullmatch(_INT, text) else default
    return value if -(1 << 31) <= value < 1 << 31 else default


def smap_bool(values: Mapping[str, str], key: str) -> bool:
    """True for ``true`` in any case; all else is false."""
    return values.get(key, "").lower() == "true"
