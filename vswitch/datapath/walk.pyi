from typing import Any

from vswitch.datapath.flows import Flows

OP_NAMES: dict[int, str]

def walk(
    datapath: Flows,
    bridge_number: int,
    frame: bytes,
    in_port: int,
    metadata: dict[int, int] | None = None,
    *,
    depth: int = 0,
    n_resubmits: int = 0,
) -> dict[str, Any]: ...
