from collections.abc import Callable, Mapping
from typing import Any

from vswitch.tables.flow_key import FlowKey

ALL_8: int
ALL_16: int
ALL_32: int
ALL_48: int
ALL_64: int
ALL_128: int

def format_flow(key: FlowKey, port_name: Callable[[int], str] | None = None) -> str: ...
def format_match(
    flow: Mapping[str, Any], mask: Mapping[str, Any], port_name: Callable[[int], str] | None = None
) -> str: ...
