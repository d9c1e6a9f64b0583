"""What a capture says about an interface it was taken on."""

from __future__ import annotations

from vswitch.capture.link_types import link_type_name


class Interface:
    """An interface of a capture; a pcap has one without a name.

    Attributes
    ----------
    name : str
        pcapng's if_name, or ``""``.
    link_type : int
        LINKTYPE_ number.
    snaplen : int
        Bytes kept of each frame; 0 if unlimited.
    ticks_per_second : int
        Resolution of the time stamps: 1,000,000 unless if_tsresol says otherwise.
    offset_s : int
        if_tsoffset, seconds to add to each time stamp.
    fcs_len : int
        Bytes of checksum at each frame's end.
    """

    # Written out: importing dataclasses takes longer than all of this package.
    __slots__ = ("fcs_len", "link_type", "name", "offset_s", "snaplen", "ticks_per_second")

    def __init__(
        self, *, name: str, link_type: int, snaplen: int = 0, ticks_per_second: int = 1_000_000, offset_s: int = 0,
        fcs_len: int = 0,
    ) -> None:
        self.name = name
        self.link_type = link_type
        self.snaplen = snaplen
        self.ticks_per_second = ticks_per_second
        self.offset_s = offset_s
        self.fcs_len = fcs_len

    def __repr__(self) -> str:
        return f"Interface(name={self.name!r}, link_type={self.link_type}, ticks_per_second={self.ticks_per_second})"

    @property
    def link_type_name(self) -> str:
        """Such as ``"ETHERNET"``."""
        return link_type_name(self.link_type)

    @property
    def is_finer_than_us(self) -> bool:
        """True if microseconds would lose digits of the time stamps."""
        return 1_000_000 % self.ticks_per_second != 0
