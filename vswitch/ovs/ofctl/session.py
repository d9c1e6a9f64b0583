"""One run of ovs-ofctl: its options, the bridge it speaks to, and in which version of OpenFlow."""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovs.outcome import Refusal, log_line
from vswitch.ovs.port_numbers import port_label, reserved_port
from vswitch.switch.protocols import BridgeLike, NodeLike, PortLike

if TYPE_CHECKING:
    from vswitch.openflow.flow import FlowMod

VERSIONS = {f"OpenFlow1{minor}": minor + 1 for minor in range(6)}  # names and their numbers on the wire
RUN_DIRECTORY = "/var/run/openvswitch"  # what OVS's packages use
N_NORMALIZED_MAX = 5


class Session:
    """What the command line said."""

    def __init__(self, node: NodeLike, stdin: str) -> None:
        self.node = node
        self.stdin = stdin
        self.arguments: list[str] = []
        self.allowed = {1}
        self.names = False  # print names of ports instead of numbers
        self.accepts_names = True  # --no-names: ports by number only
        self.stats = True
        self.sort = ""
        self.strict = False
        self.bundle = False
        self.may_create = False
        self.read_only = False
        self.warnings = ""
        self.n_normalized = 0
        self.formats = 0  # --flow-format; 0: any
        self.version = 1
        self.n_exchanges = 0  # each takes a transaction id; the first belongs to the connection's hello

    def open(self) -> BridgeLike:
        """The bridge of the first argument; settles the version."""
        name = self.arguments[0]
        bridge = self.node.bridge(name)
        if bridge is None:
            known = [bridge.name for bridge in self.node.bridges()]
            raise Refusal(f"{name} is not a bridge or a socket", word=name, known=known)
        row = self.node.db.named("Bridge", name)
        protocols = row.datum("protocols") if row is not None else ()
        theirs = {VERSIONS[str(protocol)] for protocol in protocols} or set(VERSIONS.values())
        common = theirs & self.allowed
        if not common:
            self.warnings += log_line(
                1, "vconn", "WARN",
                f"unix:{RUN_DIRECTORY}/{name}.mgmt: version negotiation failed (we support {_versions(self.allowed)}, "
                f"peer supports {_versions(theirs)})",
            )
            raise Refusal(f"{name}: failed to connect to socket (Protocol error)", word=name)
        self.version = max(common)
        return bridge

    def note_normalized(self, mod: FlowMod) -> None:
        """Say what of a match was dropped; like OVS, no more than five times."""
        if mod.unnormalized is None or self.n_normalized == N_NORMALIZED_MAX:
            return
        self.n_normalized += 1
        for message in (
            "normalization changed ofp_match, details:", f" pre: {mod.unnormalized.format()}",
            f"post: {mod.match.format()}",
        ):  # fmt: skip
            self.warnings += log_line(self.warnings.count("\n") + 1, "ofp_match", "INFO", message)

    def set_formats(self, text: str) -> None:
        """Allow the formats of flows that ``--flow-format`` names, no others."""
        from vswitch.openflow.protocols import protocols_named

        self.formats = 0
        for word in text.split(","):
            found = protocols_named(word)
            if word and not found:
                raise Refusal(f"{word}: unknown flow protocol", word=word)
            self.formats |= found
        if not self.formats:
            raise Refusal(f"{text}: no flow protocol specified", word=text)

    def settle_formats(self) -> None:
        """Take away the versions that have none of the formats."""
        from vswitch.openflow.protocols import OF_VERSION, protocols_text

        if not self.formats:
            return
        if not self.allowed_protocols():
            names = ", ".join(name for name, number in VERSIONS.items() if number in self.allowed)
            raise Refusal(
                f"None of the enabled OpenFlow versions ({names}) supports any of the enabled flow formats "
                f"({protocols_text(self.formats)}).  (Use -O to enable additional OpenFlow versions or -F to enable "
                "additional flow formats.)"
            )
        self.allowed = {version for version in self.allowed if OF_VERSION[version] & self.formats}

    def allowed_protocols(self) -> int:
        """The formats of flows that the allowed versions of OpenFlow have."""
        from vswitch.openflow.protocols import OF_VERSION

        allowed = 0
        for version in self.allowed:
            allowed |= OF_VERSION[version]
        return allowed & self.formats if self.formats else allowed

    def negotiate(self, bridge: BridgeLike, usable: int) -> None:
        """Settle on a version that can say flows of the formats `usable` (open_vconn_for_flow_mod())."""
        from vswitch.openflow.protocols import OF_VERSION, protocols_text

        allowed = self.allowed_protocols()
        if not usable & allowed:
            raise Refusal(
                f"none of the usable flow formats ({protocols_text(usable)}) is among the allowed flow formats "
                f"({protocols_text(allowed)})"
            )
        if not OF_VERSION[self.version] & usable:
            raise Refusal(f"switch does not support any of the usable flow formats ({protocols_text(usable)})")

    def header(self, message: str, xid: int, *, space: str = " ") -> str:
        """How the print of a message begins."""
        version = f" (OF1.{self.version - 1})" if self.version > 1 else ""
        return f"{message}{version} (xid={xid:#x}):{space}"

    def port_text(self, port: PortLike) -> str:
        """A port as it is printed: its number, or with ``--names`` its name."""
        return port.name if self.names and port_label(port.ofport) != "LOCAL" else port_label(port.ofport)


def ordered_ports(bridge: BridgeLike) -> list[PortLike]:
    """The ports by number, the bridge's own last."""
    return sorted(bridge.ports(), key=lambda port: port.ofport)


def find_port(bridge: BridgeLike, word: str, *, by_name: bool = True) -> tuple[int | None, bool]:
    """The port number that `word` means, None if none, and whether it had to be looked up by name."""
    if word.isdecimal():
        return int(word), False
    reserved = reserved_port(word)
    if reserved is not None:
        return reserved, False
    if not by_name:
        return None, False
    return next((port.ofport for port in bridge.ports() if port.name == word), None), True


def _versions(numbers: set[int]) -> str:
    """A set of versions as OVS prints it."""
    ordered = [f"0x{number:02x}" for number in sorted(numbers)]
    if len(ordered) == 1:
        return f"version {ordered[0]}"
    if max(numbers) - min(numbers) + 1 == len(numbers) and len(numbers) > 2:
        return f"versions {ordered[0]} to {ordered[-1]}"
    return f"versions {', '.join(ordered[:-1])} and {ordered[-1]}"
