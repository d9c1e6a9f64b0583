"""Actions on MPLS label stacks, and the TTLs that routers count down."""

from __future__ import annotations

from vswitch.openflow.actions.base import OF12, OF13, Action, Parse, pack
from vswitch.openflow.actions.check import ETH_MPLS, ETH_NSH, PT_ETH, PT_NSH, Check, refuse
from vswitch.openflow.text import Names, atoi, fail, u8, u16, u32


class SetMpls(Action):
    """``set_mpls_label``, ``set_mpls_tc``, ``set_mpls_ttl``."""

    __slots__ = ("value", "what")
    in_set = True
    what: str
    value: int

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"set_mpls_{self.what}"

    def format(self, names: Names) -> str:
        return f"set_mpls_{self.what}({self.value})"

    def sent(self, version: int) -> tuple[Action, ...]:
        from vswitch.openflow.actions.set_field import set_field

        if version < OF12 or self.what == "ttl":
            return (self,)
        return (set_field(f"mpls_{self.what}", self.value),)

    def check(self, check: Check) -> Action:
        check.inconsistent(not check.is_mpls)
        return self

    def encode(self) -> bytes:
        return pack({"label": 26, "tc": 27, "ttl": 28}[self.what], self.value)


class PushMpls(Action):
    """``push_mpls:ETHERTYPE``."""

    __slots__ = ("ethertype",)
    name = "push_mpls"
    in_set = True
    ethertype: int

    def format(self, names: Names) -> str:
        return f"push_mpls:0x{self.ethertype:04x}"

    def sent(self, version: int) -> tuple[Action, ...]:
        if self.ethertype not in ETH_MPLS:
            refuse("OFPBAC_BAD_ARGUMENT")
        return (self,)

    def check(self, check: Check) -> Action:
        check.inconsistent(check.packet_type != PT_ETH)
        check.dl_type = self.ethertype
        check.nw_proto = 0
        return self

    def encode(self) -> bytes:
        return pack(24, self.ethertype)


class PopMpls(Action):
    """``pop_mpls:ETHERTYPE``."""

    __slots__ = ("ethertype",)
    name = "pop_mpls"
    in_set = True
    ethertype: int

    def format(self, names: Names) -> str:
        return f"pop_mpls:0x{self.ethertype:04x}"

    def check(self, check: Check) -> Action:
        check.inconsistent(check.packet_type != PT_ETH or not check.is_mpls)
        check.dl_type = self.ethertype
        return self

    def encode(self) -> bytes:
        return pack(25, self.ethertype)


class DecMplsTtl(Action):
    """``dec_mpls_ttl``."""

    __slots__ = ()
    name = "dec_mpls_ttl"
    in_set = True

    def check(self, check: Check) -> Action:
        check.inconsistent(not check.is_mpls)
        return self

    def encode(self) -> bytes:
        return pack(29)


class DecTtl(Action):
    """``dec_ttl`` and ``dec_ttl(ID,...)``: which controllers hear of a TTL that ran out."""

    __slots__ = ("has_ids", "ids")
    name = "dec_ttl"
    in_set = True
    ids: tuple[int, ...]
    has_ids: bool

    def format(self, names: Names) -> str:
        return f"dec_ttl({','.join(map(str, self.ids))})" if self.has_ids else "dec_ttl"

    def check(self, check: Check) -> Action:
        check.inconsistent(not check.is_ip)
        return self

    def encode(self) -> bytes:
        return pack(30, 0, len(self.ids), *self.ids)


class DecNshTtl(Action):
    """``dec_nsh_ttl``."""

    __slots__ = ()
    name = "dec_nsh_ttl"
    in_set = True

    def sent(self, version: int) -> tuple[Action, ...]:
        return (self,) if version >= OF13 else refuse("OFPBAC_BAD_VENDOR_TYPE")

    def check(self, check: Check) -> Action:
        check.inconsistent(check.packet_type != PT_NSH and check.dl_type != ETH_NSH)
        return self

    def encode(self) -> bytes:
        return pack(31)


def _parse_label(text: str, parse: Parse) -> Action:
    if not text:
        fail("set_mpls_label: expected label.")
    value = u32(text)
    return fail(f"{text}: not a valid MPLS label") if value > 0xFFFFF else SetMpls(value, "label")


def _parse_tc(text: str, parse: Parse) -> Action:
    if not text:
        fail("set_mpls_tc: expected tc.")
    value = u8(text, "MPLS TC")
    return fail(f"{text}: not a valid MPLS TC") if value > 7 else SetMpls(value, "tc")


def _parse_ttl(text: str, parse: Parse) -> Action:
    if not text:
        fail("set_mpls_ttl: expected ttl.")
    return SetMpls(u8(text, "MPLS TTL"), "ttl")


def _parse_dec_ttl(text: str, parse: Parse) -> Action:
    if not text:
        return DecTtl(False, (0,))
    ids = tuple(atoi(word, 16) for word in text.replace(" ", ",").split(",") if word)
    if not ids:
        fail("dec_ttl_cnt_ids: expected at least one controller id.")
    return DecTtl(True, ids)


PARSERS = {
    "set_mpls_label": _parse_label,
    "set_mpls_tc": _parse_tc,
    "set_mpls_ttl": _parse_ttl,
    "push_mpls": lambda text, parse: PushMpls(u16(text, "push_mpls")),
    "pop_mpls": lambda text, parse: PopMpls(u16(text, "pop_mpls")),
    "dec_mpls_ttl": lambda text, parse: DecMplsTtl(),
    "dec_ttl": _parse_dec_ttl,
    "dec_nsh_ttl": lambda text, parse: DecNshTtl(),
}
