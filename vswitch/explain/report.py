"""A replay as one HTML page that needs nothing else: totals, drops, ports, addresses and a picture of the bridges."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from vswitch import __version__
from vswitch.capture.output_file import OutputFile
from vswitch.errors import ConfigError, VSwitchError
from vswitch.explain.picture import dot_text, svg_text, topology_dot, vlan_words
from vswitch.explain.summary import MEANINGS
from vswitch.switch.port_vlans import port_vlans
from vswitch.switch.result import Drop, PortTotals, ReplayResult

if TYPE_CHECKING:
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.topology import SwitchTopology

TEMPLATE = Path(__file__).with_name("report.html.jinja")
MAX_FDB_ENTRIES = 1000  # of a bridge; a page with more serves nobody


class ReportFile:
    """A report, whole or absent: opened before the replay, written after it.

    Raises
    ------
    ConfigError
        The name does not end in ``.html``, or Jinja is not installed.
    CaptureError
        The file cannot be created or written.
    """

    def __init__(self, path: str) -> None:
        if not path.lower().endswith((".html", ".htm")):
            raise ConfigError("a report is a page of HTML", path=path, hint="give it a name that ends in .html")
        try:
            import jinja2  # noqa: F401
        except ImportError as error:
            raise ConfigError("a report needs Jinja2", path=path, hint="pip install jinja2") from error
        self._file = OutputFile(path)

    def write(self, topology: SwitchTopology, result: ReplayResult) -> None:
        """Write the page about a replay that kept a ledger, and give the file its name."""
        self._file.write(report_html(topology, result).encode())
        self._file.commit()

    def __enter__(self) -> ReportFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.abort()


def report_html(topology: SwitchTopology, result: ReplayResult) -> str:
    """The page. The result must have kept a ledger; the topology is as the replay left it."""
    import jinja2
    from markupsafe import Markup

    # Every name is foreign text, so everything is escaped but the picture.
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters.update(count="{:,}".format, mac=_mac, time=_time)
    several = bool(result.nodes)
    bridges = [
        (f"{name}/" if several else "", bridge) for name, node in topology.nodes.items() for bridge in node.bridges()
    ]
    drops = result.drops()
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        title=topology.path,
        version=__version__,
        result=result,
        span=_span(result),
        n_dropped=sum(result.dropped.values()),
        drops=_by_reason(drops),
        meanings=MEANINGS,
        picture=Markup(_picture(topology)),
        bridges=[(f"{prefix}{bridge.name}", _ports(prefix, bridge, result, drops)) for prefix, bridge in bridges],
        databases=[(f"{prefix}{bridge.name}", _addresses(bridge)) for prefix, bridge in bridges],
        max_entries=MAX_FDB_ENTRIES,
    )


class PortLine(NamedTuple):
    """A port in the report's table."""

    name: str
    setting: str
    totals: PortTotals
    n_dropped: int


class AddressLine(NamedTuple):
    """A forwarding database's entry with its port's name; no age means static."""

    mac: int
    vlan: int
    port: str
    age_s: int | None


def _by_reason(drops: list[Drop]) -> list[tuple[str, int, list[Drop]]]:
    """Reason, frames and places, the most frequent first."""
    groups = [(reason, list(places)) for reason, places in groupby(sorted(drops, key=_reason), key=_reason)]
    counted = [(reason, sum(drop.n_frames for drop in places), places) for reason, places in groups]
    return sorted(counted, key=lambda group: (-group[1], group[0]))


def _reason(drop: Drop) -> str:
    return drop.reason


def _ports(prefix: str, bridge: Bridge, result: ReplayResult, drops: list[Drop]) -> list[PortLine]:
    n_dropped: dict[str, int] = {}
    for drop in drops:
        n_dropped[drop.in_port] = n_dropped.get(drop.in_port, 0) + drop.n_frames
    settings = {
        interface.name: vlan_words(port_vlans(row))
        for row in bridge.row.rows("ports")
        for interface in row.rows("interfaces")
    }
    lines = []
    for port in bridge.ports():
        setting = settings.get(port.name, "")
        if port.is_patch:
            setting += f" · patch to {port.row.map('options').get('peer', '')}"
        if port.is_tunnel:
            setting += f" · {port.type} to {port.row.map('options').get('remote_ip', '')}"
        name = prefix + port.name
        lines.append(PortLine(port.name, setting, result.ports[name], n_dropped.get(name, 0)))
    return lines


def _addresses(bridge: Bridge) -> list[AddressLine]:
    names = {port.ofport: port.name for port in bridge.ports()}
    lines = [AddressLine(entry.mac, entry.vlan, names.get(entry.ofport, ""), entry.age_s) for entry in bridge.fdb()]
    return sorted(lines, key=lambda line: (line.vlan, line.mac))


def _picture(topology: SwitchTopology) -> str:
    """The bridges as an SVG element, or nothing where Graphviz is missing."""
    try:
        is_one = len(topology.nodes) == 1 and not topology.devices
        svg = svg_text(dot_text(topology.node) if is_one else topology_dot(topology))
    except VSwitchError:
        return ""
    return svg[svg.index("<svg") :]


def _span(result: ReplayResult) -> str:
    """From when to when the frames are."""
    if not result.frames_in:
        return ""
    first, last = result.fates["time_ns"][0], result.fates["time_ns"][-1]
    return f"frames from {_time(int(first))} to {_time(int(last))} UTC"


def _time(time_ns: int) -> str:
    from datetime import UTC, datetime, timedelta

    try:
        second = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time_ns // 10**9)
    except OverflowError:
        return f"{time_ns // 10**9}.{time_ns % 10**9:09d}"
    return f"{second:%Y-%m-%d %H:%M:%S}.{time_ns % 10**9:09d}"


def _mac(mac: int) -> str:
    return mac.to_bytes(6, "big").hex(":")
