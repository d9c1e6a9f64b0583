"""What Open vSwitch counts of frames that it drops, and how our fates are named for the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

# Coverage counters of lib/dpif-netdev.c and lib/odp-execute.c. Each frame is translated, for the oracle keeps no
# megaflows: a tunnel's key that no port wants, or a packet that is no frame, is an error of the "upcall".
COUNTERS = {
    "datapath_drop_tunnel_pop_error": ("TUNNEL_INVALID",),
    "datapath_drop_upcall_error": ("TUNNEL_NO_PORT",),
    "drop_action_invalid_tunnel_metadata": ("TUNNEL_OPTIONS",),
    "drop_action_congestion": ("TUNNEL_CONGESTION",),
    "datapath_drop_recirc_error": ("TUNNEL_NESTED",),
}


def with_readings(case: dict[str, Any]) -> dict[str, Any]:
    """The case, and after its last event what OVS has counted."""
    time = max((event["t"] for event in case["trace"]), default=0)
    readings = [{"t": time, "cmd": f"ovs-appctl coverage/read-counter {name}"} for name in COUNTERS]
    return case | {"trace": [*case["trace"], *readings]}


def take_readings(expected: dict[str, Any]) -> dict[str, int]:
    """What OVS counted; the readings are no events of the answer any more."""
    events = expected["events"]
    readings = [int(event["output"]) for event in events[-len(COUNTERS) :]]
    del events[-len(COUNTERS) :]
    return dict(zip(COUNTERS, readings, strict=True))


def counted(fates: Iterable[str]) -> dict[str, int]:
    """What OVS would have counted of frames with these fates."""
    totals = Counter(fates)
    return {name: sum(totals[fate] for fate in names) for name, names in COUNTERS.items()}
