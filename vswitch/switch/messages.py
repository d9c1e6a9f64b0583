"""What a switch would tell its controllers: frames that flows send there, and flows that went.

There is no controller; the messages wait for Python. Their texts are those of ``ovs-ofctl monitor``, behind the name
and number of the message.
"""

from __future__ import annotations

from vswitch.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from vswitch.datapath.datapath import Datapath
    from vswitch.openflow.match import Match
    from vswitch.switch.bridge import Bridge

_REASONS = ("no_match", "action", "invalid_ttl", "action_set", "group", "packet_out", "no_match", "no_match")  # OFPR_*
_REMOVED_REASONS = ("idle", "hard", "delete", "group_delete", "meter_delete", "eviction")  # OFPRR_*
_NO_COOKIE = 0xFFFFFFFFFFFFFFFF
_WHOLE_FRAME = 0xFFFF
# What is told of the frame's way: fields of the flow key, if they are not zero (flow_get_metadata()).
_METADATA = (
    "tun_id", "tun_flags", "tun_src", "tun_dst", "tun_ipv6_src", "tun_ipv6_dst", "tun_gbp_id", "tun_gbp_flags",
    "tun_erspan_ver", "tun_erspan_idx", "tun_erspan_dir", "tun_erspan_hwid", "metadata",
    *(f"reg{i}" for i in range(16)), "pkt_mark", "ct_zone", "ct_mark", "ct_label",
)  # fmt: skip


class PacketIn(NamedTuple):
    """A frame that a flow sent to the controller.

    Attributes
    ----------
    bridge : str
    in_port : int
        OpenFlow number of the port where the frame came in.
    reason : str
        ``"no_match"``, ``"action"``, ``"invalid_ttl"``, ``"action_set"``, ``"group"`` or ``"packet_out"``.
    table : int
    cookie : int
        Of the flow; all ones if there was none.
    metadata : Match
        in_port, and the registers, metadata, tunnel's fields and marks that were not zero.
    total_len : int
        Bytes of the frame.
    data : bytes
        The frame as it was then: all of it, as OVS, which keeps no buffers, sends it; less if the capture cut it.
    max_len : int or None
        What the action asks for: that many bytes would do.
    controller_id : int
        For which controller; 0 unless ``controller(id=…)`` says so.
    userdata : bytes
        Of ``controller(userdata=…)``.
    """

    bridge: str
    in_port: int
    reason: str
    table: int
    cookie: int
    metadata: Match
    total_len: int
    data: bytes
    controller_id: int
    userdata: bytes
    max_len: int | None

    @property
    def text(self) -> str:
        """As ``ovs-ofctl monitor`` prints it, without the line that decodes the frame."""
        out = f"table_id={self.table} " if self.table else ""
        if self.cookie != _NO_COOKIE:
            out += f"cookie={self.cookie:#x} "
        out += f"total_len={self.total_len} {self.metadata.format()} (via {self.reason}) data_len={len(self.data)}"
        out += " (unbuffered)"
        if self.total_len != len(self.data):
            out += " (***total_len != data_len***)"
        out += "\n"
        if self.userdata:
            out += f" userdata={self.userdata.hex('.')}\n"
        return out


class FlowRemoved(NamedTuple):
    """A flow with ``send_flow_rem`` that went; `reason` is ``"idle"``, ``"hard"``, ``"delete"``, ``"group_delete"``,
    ``"meter_delete"`` or ``"eviction"``."""

    bridge: str
    reason: str
    table: int
    priority: int
    match: Match
    cookie: int
    duration_ns: int
    idle_timeout: int
    hard_timeout: int
    n_packets: int
    n_bytes: int

    @property
    def text(self) -> str:
        """As ``ovs-ofctl monitor`` prints it."""
        from vswitch.openflow.flow import DEFAULT_PRIORITY, duration_text

        match = self.match.format()
        if self.priority != DEFAULT_PRIORITY:
            match = f"priority={self.priority},{match}" if match else f"priority={self.priority}"
        out = f"{match} reason={self.reason} table_id={self.table}"
        if self.cookie:
            out += f" cookie:{self.cookie:#x}"
        out += f" duration{duration_text(self.duration_ns)} idle{self.idle_timeout}"
        if self.hard_timeout:
            out += f" hard{self.hard_timeout}"
        return f"{out} pkts{self.n_packets} bytes{self.n_bytes}\n"


def take_packet_ins(datapath: Datapath, bridges: dict[int, Bridge]) -> list[PacketIn]:
    """The frames that were sent to the controllers of `bridges` (by number) since the last call, in order."""
    taken = []
    for row in datapath.take_packet_ins():
        number, in_port, controller, reason, table, _, cookie, userdata, total_len, data, max_len, words = row
        if number in bridges:
            taken.append(PacketIn(
                bridges[number].name, in_port, _REASONS[reason], table, cookie, _metadata(bridges[number], words),
                total_len, data, controller, userdata, None if max_len == _WHOLE_FRAME else max_len,
            ))  # fmt: skip
    return taken


def _metadata(bridge: Bridge, words: dict[int, int]) -> Match:
    from vswitch.openflow.fields import BY_NAME
    from vswitch.openflow.match import Match

    masks: dict[int, int] = {}
    for name in (*_METADATA, "in_port_oxm"):
        bits = {word: (1 << n_bits) - 1 << shift for word, shift, n_bits in BY_NAME[name].pieces}
        if name == "in_port_oxm" or any(words.get(word, 0) & mask for word, mask in bits.items()):
            masks |= {word: masks.get(word, 0) | mask for word, mask in bits.items()}
    match = Match({word: (words.get(word, 0) & mask, mask) for word, mask in masks.items()})
    if bridge.tlv_map is not None:
        match.options.update(bridge.tlv_map.read(words))
    return match


def take_flow_removed(datapath: Datapath, bridge: Bridge) -> list[FlowRemoved]:
    """The flows of a bridge that went since the last call and had ``send_flow_rem``, in order."""
    from vswitch.openflow.match import Match

    taken = []
    for row, reason, duration_ns in datapath.take_flow_removed(bridge.number):
        _, table, priority, match, cookie, idle, hard, _, _, _, n_packets, n_bytes, *_ = row
        taken.append(FlowRemoved(
            bridge.name, _REMOVED_REASONS[reason], table, priority, bridge.named(Match.decode(match)), cookie,
            duration_ns, idle, hard, n_packets, n_bytes,
        ))  # fmt: skip
    return taken
