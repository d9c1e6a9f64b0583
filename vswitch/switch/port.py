"""An OpenFlow port of a bridge: a row of OVSDB's Interface table that runs."""

from __future__ import annotations

from collections.abc import Mapping

from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovsdb.rows import Row
from vswitch.switch.tunnels import TUNNEL_TYPES

if TYPE_CHECKING:
    from vswitch.datapath.datapath import Datapath
    from vswitch.switch.bridge import Bridge

PORT_CONFIG_BITS = {
    "down": 1 << 0,
    "no-stp": 1 << 1,
    "no-receive": 1 << 2,
    "no-receive-stp": 1 << 3,
    "no-flood": 1 << 4,
    "no-forward": 1 << 5,
    "no-packet-in": 1 << 6,
}
"""Names of OpenFlow's OFPPC_ flags and their bits (the order of bridge.pxd's `port_config`)."""

DEFAULT_MTU = 1500  # of a device; MIN_MTU and MAX_MTU are what OVS's dummy devices take
MIN_MTU = 68
MAX_MTU = 65535


class Port:
    """A port. Its configuration lives in the database (`row` is the Interface row); this is what runs.

    Attributes
    ----------
    name : str
        Name of the interface, such as ``"vnet0"``.
    ofport : int
        OpenFlow number; 65534 is the bridge's own port.
    number : int
        What the datapath and the columns of a replay call it; unique in the node and never used again.
    mtu : int
        Frames with more payload are dropped; 0: frames of any size pass, for Interface:mtu_request was never set.
    dp_port : int or None
        Number in the datapath, as traces show it; None of a patch port, and of a tunnel, which shares one with others.
    is_patch : bool
        True if it leads to another bridge and not out of the switch.
    is_tunnel : bool
        True if what is sent there goes on in other packets.
    """

    def __init__(self, datapath: Datapath, bridge: Bridge, row: Row, ofport: int, number: int) -> None:
        self._datapath = datapath
        self.bridge = bridge
        self.row = row
        self.name = row.name
        self.ofport = ofport
        self.number = number
        self.type = row.text("type")
        self.is_patch = self.type == "patch"
        self.is_tunnel = self.type in TUNNEL_TYPES
        self.hwaddr = 0
        self.dp_port: int | None = None
        self.published_hwaddr = -1  # what Interface:mac_in_use says
        self.link_down = False
        self.config: set[str] = set()
        self.mtu = 0

    @property
    def has_cable(self) -> bool:
        """True if frames enter and leave the switch here."""
        return not (self.is_patch or self.is_tunnel)

    @property
    def why_no_cable(self) -> str:
        """What to tell somebody who wants to send frames into a port without a cable."""
        if self.is_patch:
            return f"{self.name} is a patch port; frames reach it from its peer"
        return f"{self.name} is a tunnel; frames reach it in packets that enter the network below"

    @property
    def state(self) -> set[str]:
        """OpenFlow's OFPPS_ flags that are set: link-down."""
        return {"link-down"} if self.link_down else set()

    @property
    def counters(self) -> Mapping[str, int]:
        """Frames and bytes in both directions since the port exists: what OVS's devices count, too."""
        rx_packets, rx_bytes, tx_packets, tx_bytes, _ = self._datapath.port_counters(self.number)
        return {
            "rx_packets": rx_packets,
            "rx_bytes": rx_bytes,
            "tx_packets": tx_packets,
            "tx_bytes": tx_bytes,
        }

    @property
    def n_over_mtu(self) -> int:
        """Frames that did not leave because they were larger than `mtu`."""
        return self._datapath.port_counters(self.number)[4]

    def apply(self) -> None:
        """Tell the datapath the MTU and the flags."""
        mtu = self.row["mtu_request"]
        if isinstance(mtu, int):
            # The device refuses a request out of range; one that is taken back changes nothing.
            self.mtu = mtu if MIN_MTU <= mtu <= MAX_MTU else self.mtu or DEFAULT_MTU
        bits = sum(PORT_CONFIG_BITS[name] for name in self.config)
        self._datapath.set_port(self.number, mtu=self.mtu, config=bits)

    def __repr__(self) -> str:
        return f"<Port {self.bridge.name}/{self.name} ofport {self.ofport}>"
