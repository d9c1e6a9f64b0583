"""The meters of a bridge: what meter-mods make of them (OVS ofproto.c, handle_meter_mod())."""

from __future__ import annotations

from vswitch.errors import OpenFlowError
from vswitch.light_typing import TYPE_CHECKING, NamedTuple
from vswitch.openflow.meters import ADD, DELETE, DROP, METER_MAX, Meter

if TYPE_CHECKING:
    from collections.abc import Callable

    from vswitch.datapath.datapath import Datapath

MAX_BANDS = 8  # dpif-netdev's
ALL_METERS, CONTROLLER, SLOWPATH = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


class MeterStats(NamedTuple):
    """Counters of a meter and of each of its bands."""

    meter_id: int
    n_flows: int
    n_packets: int
    n_bytes: int
    duration_ns: int
    bands: list[tuple[int, int]]


class MeterTable:
    """Meters by number. `delete_flows` deletes those that use a meter, `n_flows` counts them."""

    def __init__(
        self, datapath: Datapath, bridge_number: int, *, delete_flows: Callable[[int], None],
        n_flows: Callable[[int], int],
    ) -> None:
        self._datapath = datapath
        self._bridge_number = bridge_number
        self._delete_flows = delete_flows
        self._n_flows = n_flows
        self._meters: dict[int, Meter] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._meters

    def all(self) -> list[Meter]:
        """The meters by rising number."""
        return [self._meters[number] for number in sorted(self._meters)]

    def modify(self, meter: Meter) -> None:
        """Carry out a meter-mod.

        Raises
        ------
        OpenFlowError
            With OpenFlow's code; the meters are as they were.
        """
        number = meter.meter_id
        if meter.command == DELETE:
            for each in [*self._meters] if number == ALL_METERS else [number]:
                if self._meters.pop(each, None) is not None:
                    self._delete_flows(each)
                    self._datapath.remove_meter(self._bridge_number, each)
            return
        meter.check()
        if number > METER_MAX and number not in (SLOWPATH, CONTROLLER):
            raise OpenFlowError("OFPMMFC_INVALID_METER")
        if len(meter.bands) > MAX_BANDS:
            raise OpenFlowError("OFPMMFC_OUT_OF_BANDS", hint=f"a meter has at most {MAX_BANDS} bands")
        if meter.command == ADD and number in self._meters:
            raise OpenFlowError("OFPMMFC_METER_EXISTS", hint=f"mod-meter changes meter {number}")
        if meter.command != ADD and number not in self._meters:
            raise OpenFlowError("OFPMMFC_UNKNOWN_METER", hint=f"add-meter makes meter {number}")
        if any(band.type != DROP for band in meter.bands):
            raise OpenFlowError("OFPMMFC_BAD_BAND", hint="the userspace datapath has no bands but those of type=drop")
        self._datapath.set_meter(self._bridge_number, number, meter.flags, meter.encode_bands())
        self._meters[number] = meter

    def statistics(self) -> list[MeterStats]:
        """The counters of all meters, by rising number."""
        return [
            MeterStats(
                number, self._n_flows(number), n_packets, n_bytes, age_ns, [(band[4], band[5]) for band in bands]
            )
            for number, _, bands, n_packets, n_bytes, age_ns in self._datapath.meters(self._bridge_number)
        ]  # fmt: skip
