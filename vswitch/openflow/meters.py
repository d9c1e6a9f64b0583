"""Meters: ``meter=1,kbps,band=type=drop,rate=1000`` in, what dump-meters prints out (lib/ofp-meter.c)."""

from __future__ import annotations

from vswitch.errors import OpenFlowError
from vswitch.light_typing import NamedTuple
from vswitch.openflow.text import fail, u8, u32

ADD, MODIFY, DELETE, SHOW = "add", "modify", "delete", "show"
METER_MAX = 0xFFFF0000
_NAMED = {"all": 0xFFFFFFFF, "controller": 0xFFFFFFFE, "slowpath": 0xFFFFFFFD}
_NAMES = {number: name for name, number in _NAMED.items()}
KBPS, PKTPS, BURST, STATS = 1, 2, 4, 8
_FLAGS = {"kbps": KBPS, "pktps": PKTPS, "burst": BURST, "stats": STATS}
DROP, DSCP_REMARK = 1, 2
_BAND_TYPES = {"drop": DROP, "dscp_remark": DSCP_REMARK}
_BAND_NAMES = {number: name for name, number in _BAND_TYPES.items()}
_DELIMITERS = ", \t\r\n"


class Band(NamedTuple):
    """From a rate on (kbit/s or packets/s), what becomes of frames."""

    type: int
    rate: int = 0
    burst_size: int = 0
    prec_level: int = 0


class Meter(NamedTuple):
    """A meter, or a command about one."""

    command: str
    meter_id: int
    flags: int = 0
    bands: tuple[Band, ...] = ()

    def format(self) -> str:
        """As dump-meters prints its configuration, with the line feed at the end."""
        flags = "".join(f"{name} " for name, bit in _FLAGS.items() if self.flags & bit)
        text = f"meter={meter_name(self.meter_id)} {flags}bands="
        for band in self.bands:
            text += f"\ntype={_BAND_NAMES[band.type]} rate={band.rate}"
            if self.flags & BURST:
                text += f" burst_size={band.burst_size}"
            if band.type == DSCP_REMARK:
                text += f" prec_level={band.prec_level}"
        return f"{text}\n"

    def check(self) -> None:
        """Raise what a switch answers when the message is wrong in itself."""
        if self.flags & KBPS and self.flags & PKTPS:
            raise OpenFlowError("OFPMMFC_BAD_FLAGS")

    def encode_bands(self) -> list[tuple[int, int, int, int]]:
        """The bands as `Datapath.set_meter` takes them."""
        return [(band.type, band.rate, band.burst_size, band.prec_level) for band in self.bands]


def meter_name(meter_id: int) -> str:
    """A meter's number, or its name if it is one of OpenFlow's own."""
    return str(meter_id) if meter_id <= METER_MAX else _NAMES.get(meter_id, "unknown")


def format_stats(
    meter_id: int, *, flow_count: int, packets: int, n_bytes: int, duration: str, bands: list[tuple[int, int]],
) -> str:
    """A meter's counters as meter-stats prints them; `bands` has packets and bytes of each."""
    text = (
        f"meter:{meter_name(meter_id)} flow_count:{flow_count} packet_in_count:{packets} "
        f"byte_in_count:{n_bytes} duration:{duration} bands:\n"
    )
    for i, (band_packets, band_bytes) in enumerate(bands):
        text += f"{i}: packet_count:{band_packets} byte_count:{band_bytes}\n"
    return text


class _Words:
    """Cuts words off a text as C's strtok() does."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def next(self, delimiters: str) -> str | None:
        self.rest = self.rest.lstrip(delimiters)
        if not self.rest:
            return None
        end = next((i for i, letter in enumerate(self.rest) if letter in delimiters), len(self.rest))
        word, self.rest = self.rest[:end], self.rest[end + 1 :]
        return word

    def value(self, name: str) -> str:
        value = self.next(_DELIMITERS)
        return fail(f"field {name} missing value") if value is None else value


def parse_meter(text: str, command: str = ADD) -> Meter:
    """A line of add-meter and its kin; to delete or show a meter there are only its number.

    Raises
    ------
    FlowSyntaxError
        With ovs-ofctl's words.
    """
    configures = command in (ADD, MODIFY)
    band_text = ""
    if configures:
        text, found, band_text = text.partition("band")
        _, equals, band_text = band_text.partition("=")
        if not found or not equals:
            fail("must specify bands")
    meter_id = flags = 0
    words = _Words(text)
    while (name := words.next("=" + _DELIMITERS)) is not None:
        if configures and name in _FLAGS:
            flags |= _FLAGS[name]
            continue
        value = words.value(name)
        if name != "meter":
            fail(f"unknown keyword {name}")
        meter_id = _NAMED[value] if value in _NAMED else u32(value)
        if value not in _NAMED and not 0 < meter_id <= METER_MAX:
            fail(f"invalid value for {name}")
    if not meter_id:
        fail("must specify 'meter'")
    if not configures:
        return Meter(command, meter_id)
    if not flags:
        fail("meter must specify either 'kbps' or 'pktps'")
    bands = _read_bands(band_text)
    for band in bands:
        _check_band(band, flags)
    return Meter(command, meter_id, flags, tuple(bands))


def _read_bands(text: str) -> list[Band]:
    bands: list[Band] = []
    words = _Words(text)
    while (name := words.next("=" + _DELIMITERS)) is not None:
        value = words.value(name)
        if name == "type":
            kind = _BAND_TYPES[value] if value in _BAND_TYPES else fail(f"field {name} unknown value {value}")
            bands.append(Band(kind))
        elif not bands:
            fail("band must start with the 'type' keyword")
        elif name == "rate":
            bands[-1] = bands[-1]._replace(rate=u32(value))
        elif name == "burst_size":
            bands[-1] = bands[-1]._replace(burst_size=u32(value))
        elif name == "prec_level":
            bands[-1] = bands[-1]._replace(prec_level=u8(value, name))
        else:
            fail(f"unknown keyword {name}")
    return bands or fail("meter must have bands")


def _check_band(band: Band, flags: int) -> None:
    if band.type == DSCP_REMARK and not band.prec_level:
        fail("'dscp_remark' band must have 'prec_level'")
    if band.type != DSCP_REMARK and band.prec_level:
        fail("Only 'dscp_remark' band may have 'prec_level'")
    if not band.rate:
        fail("band must have 'rate'")
    if flags & BURST and not band.burst_size:
        fail("band must have 'burst_size' when 'burst' flag is set")
    if not flags & BURST and band.burst_size:
        fail("band may have 'burst_size' only when 'burst' flag is set")
