"""Options of an Interface of a tunnel's type → what the tunnel does, with OVS's words for what is wrong.

Follows set_tunnel_config() and get_tunnel_config() of lib/netdev-vport.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from vswitch.light_typing import NamedTuple
from vswitch.switch.hash_map import hash_bytes, map_order
from vswitch.switch.ip_addresses import ip_text, is_ipv4, parse_ip
from vswitch.switch.tunnels import TUNNEL_TYPES

DEFAULT_PORTS = {"vxlan": 4789, "geneve": 6081}
DEFAULT_TTL = 64
_L3_TYPES = ("gre",)  # carry packets without an Ethernet header, too; so does VXLAN with the GPE extension
_IPSEC_KEYS = ("remote_cert", "remote_name", "psk")  # OVS leaves them to ovs-monitor-ipsec


class TunnelConfig(NamedTuple):
    """What is configured of a tunnel."""

    type: str  # vxlan, gre or geneve
    remote: int | str | None  # an address of 128 bits, or "flow": each frame says; never None here
    local: int | str | None  # None: any on reception, the route's source when sending
    in_key: int | str | None  # "flow", or None: not configured, which matches key 0
    out_key: int | str | None
    dst_port: int  # of UDP; 0 for gre
    tos: int  # the DSCP bits of the outer header, in their place
    ttl: int
    tos_inherit: bool
    ttl_inherit: bool
    dont_fragment: bool
    csum: bool
    seq: bool
    exts: frozenset[str]  # of "gbp" and "gpe"
    packet_type: str  # legacy_l2, legacy_l3 or ptap
    egress_pkt_mark: int | None

    @property
    def match(self) -> tuple[object, ...]:
        """What a received packet is compared with: two tunnels of a kind cannot share it (struct tnl_match)."""
        key = self.in_key if self.in_key != "flow" else 0
        is_flow = (self.in_key == "flow", self.local == "flow", self.remote == "flow")
        return (self.dp_name, key or 0, _number(self.local), _number(self.remote), *is_flow, self.packet_type)

    @property
    def gpe(self) -> bool:
        """True if VXLAN's header says what it carries."""
        return "gpe" in self.exts

    @property
    def dp_name(self) -> str:
        """Name of the datapath's port that all tunnels of this kind share."""
        return "gre_sys" if self.type == "gre" else f"{self.type[:5]}_sys_{self.dst_port}"


class BadTunnel(Exception):
    """No tunnel can be made of the options; ``str()`` is Interface:error."""


def parse_tunnel_config(name: str, interface_type: str, options: Mapping[str, str]) -> tuple[TunnelConfig, list[str]]:
    """The configuration, and warnings for what is ignored in it.

    Raises
    ------
    BadTunnel
        OVS would not make the device either.
    """
    config, problems = _parsed(name, interface_type, tuple(options.items()))
    return config, list(problems)


@lru_cache(maxsize=4096)  # each transaction asks for all tunnels
def _parsed(name: str, interface_type: str, options: tuple[tuple[str, str], ...]) -> tuple[TunnelConfig, list[str]]:
    return _Parser(name, TUNNEL_TYPES[interface_type]).parse(dict(options))


class _Parser:
    def __init__(self, name: str, type: str) -> None:
        self.name = name
        self.type = type
        self.problems: list[str] = []
        self.fields: dict[str, object] = {
            "remote": None, "local": None, "dst_port": DEFAULT_PORTS.get(type, 0), "tos": 0, "ttl": 0,
            "tos_inherit": False, "ttl_inherit": False, "dont_fragment": True, "csum": False, "seq": False,
            "exts": frozenset(), "egress_pkt_mark": None,
        }  # fmt: skip

    def parse(self, options: Mapping[str, str]) -> tuple[TunnelConfig, list[str]]:
        for key in _smap_order(options):
            self._option(key, options[key])
        layers = 2 if self.type in _L3_TYPES or "gpe" in self.fields["exts"] else 1  # type: ignore[operator]
        self.fields["packet_type"] = self._packet_type(options.get("packet_type"), layers)
        remote, local = self.fields["remote"], self.fields["local"]
        if remote in (None, 0):
            self._fail(f"{self.type} type requires valid 'remote_ip' argument")
        if local == "flow" and remote != "flow":
            self._fail(f"{self.type} type requires 'remote_ip=flow' with 'local_ip=flow'")
        if isinstance(remote, int) and isinstance(local, int) and is_ipv4(remote) != is_ipv4(local):
            self._fail("'remote_ip' and 'local_ip' has to be of the same address family")
        if local == 0:
            self.fields["local"] = None
        self.fields["ttl"] = self.fields["ttl"] or DEFAULT_TTL
        self.fields["in_key"] = _key(options, "in_key")
        self.fields["out_key"] = _key(options, "out_key")
        return TunnelConfig(type=self.type, **self.fields), self.problems  # type: ignore[arg-type]

    def _warn(self, problem: str) -> None:
        self.problems.append(f"{self.name}: {problem}")

    def _fail(self, problem: str) -> None:
        self._warn(problem)
        raise BadTunnel("\n".join(self.problems))

    def _option(self, key: str, value: str) -> None:
        fields = self.fields
        if key in ("remote_ip", "local_ip"):
            self._address(key, value)
        elif key == "tos":
            fields["tos_inherit"] = fields["tos_inherit"] or value == "inherit"
            tos = strtol(value) if value != "inherit" else 0
            if tos is None or tos & ~0xFC:
                self._warn(f"invalid TOS {value}")
            elif value != "inherit":
                fields["tos"] = tos
        elif key == "ttl":
            if value == "inherit":
                fields["ttl_inherit"] = True
            else:
                fields["ttl"] = _atoi(value) & 0xFF
        elif key == "dst_port" and self.type in DEFAULT_PORTS:
            fields["dst_port"] = _atoi(value) & 0xFFFF
        elif key == "csum":
            fields["csum"] = value == "true"
        elif key == "seq" and self.type == "gre":
            fields["seq"] = value == "true"
        elif key == "df_default":
            fields["dont_fragment"] = value != "false"
        elif key == "exts" and self.type == "vxlan":
            known = [ext for ext in value.split(",") if ext]
            fields["exts"] = frozenset(known) & {"gbp", "gpe"}
            for ext in known:
                if ext not in ("gbp", "gpe"):
                    self._warn(f"unknown extension '{ext}'")
        elif key == "egress_pkt_mark":
            fields["egress_pkt_mark"] = _strtoul(value, 10) & 0xFFFFFFFF
        elif key.startswith("erspan_") and key in _ERSPAN:
            self._erspan(key, value)
        elif key not in ("key", "in_key", "out_key", "packet_type", "payload_type", *_IPSEC_KEYS):
            self._warn(f"unknown {self.type} argument '{key}'")

    def _address(self, key: str, value: str) -> None:
        field = key.removesuffix("_ip")
        if value == "flow":
            self.fields[field] = "flow"
            return
        address = parse_ip(value)
        if address is None:
            self._warn(f"bad {self.type} '{key}'")
            return
        is_multicast = address >> 28 & 0xF == 0xE if is_ipv4(address) else address >> 120 == 0xFF
        if key == "remote_ip" and is_multicast:
            self._fail(f"multicast remote_ip={value} not allowed")
        self.fields[field] = address

    def _packet_type(self, value: str | None, layers: int) -> str:
        full_type = self.type
        if self.type == "vxlan":
            full_type = "VXLAN-GPE" if layers == 2 else "VXLAN (without GPE)"
        if value == "legacy_l3" and layers == 1:
            self._fail(f"legacy_l3 configured on {full_type} tunnel that cannot carry L3 traffic")
        if value not in (None, "legacy_l2", "legacy_l3", "ptap"):
            self._fail(f"unknown packet_type '{value}'")
        return value or "legacy_l2"

    def _erspan(self, key: str, value: str) -> None:
        """Of no use to our types, yet a bad one is refused."""
        what, base, low, high = _ERSPAN[key]
        if value != "flow" and not low <= _strtoul(value, base) <= high:
            self._fail(f"invalid erspan {what}: {value}")


_ERSPAN = {
    "erspan_idx": ("index", 16, 0, 0xFFFFF), "erspan_ver": ("version", 10, 1, 2),
    "erspan_dir": ("direction", 10, 0, 1), "erspan_hwid": ("hardware ID", 16, 0, 0x3F),
}  # fmt: skip


def tunnel_options(config: TunnelConfig) -> dict[str, str]:
    """The options that make this configuration, without defaults (OVS get_tunnel_config()), by name."""
    options: dict[str, str] = {}
    for key, address in (("remote_ip", config.remote), ("local_ip", config.local)):
        if address is not None:
            options[key] = address if isinstance(address, str) else ip_text(address)
    if config.in_key == config.out_key and config.in_key is not None:
        options["key"] = str(config.in_key)
    else:
        keys = (("in_key", config.in_key), ("out_key", config.out_key))
        options |= {key: str(value) for key, value in keys if value is not None}
    if config.ttl_inherit or config.ttl != DEFAULT_TTL:
        options["ttl"] = "inherit" if config.ttl_inherit else str(config.ttl)
    if config.tos_inherit or config.tos:
        options["tos"] = "inherit" if config.tos_inherit else hex(config.tos)
    if config.dst_port and config.dst_port != DEFAULT_PORTS.get(config.type):
        options["dst_port"] = str(config.dst_port)
    if config.csum:
        options["csum"] = "true"
    if config.seq:
        options["seq"] = "true"
    if config.packet_type != "legacy_l2":
        options["packet_type"] = config.packet_type
    if not config.dont_fragment:
        options["df_default"] = "false"
    if config.egress_pkt_mark is not None:
        options["egress_pkt_mark"] = str(config.egress_pkt_mark)
    return dict(sorted(options.items()))


def strtol(text: str) -> int | None:
    """A whole number in C's notation (0x10, 017, 15); None if there is more or less."""
    match = re.fullmatch(r"\s*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)", text, re.ASCII)
    value = _c_number(match[2]) if match else None
    return None if match is None or value is None else -value if match[1] == "-" else value


def _c_number(digits: str) -> int | None:
    try:
        return int(digits, 16 if digits[:2].lower() == "0x" else 8 if digits.startswith("0") else 10)
    except ValueError:
        return None


def _key(options: Mapping[str, str], name: str) -> int | str | None:
    text = options.get(name, options.get("key"))
    return text if text in (None, "flow") else _strtoul(text, 0)


def _strtoul(text: str, base: int) -> int:
    """C's strtoull(): what number `text` begins with, of 64 bits; 0 if it begins with none."""
    digits = {0: "0[xX][0-9a-fA-F]+|0[0-7]*|[0-9]+", 10: "[0-9]+", 16: "(?:0[xX])?[0-9a-fA-F]+"}[base]
    match = re.match(rf"\s*([+-]?)({digits})", text, re.ASCII)
    if match is None:
        return 0
    value = min((_c_number(match[2]) or 0) if base == 0 else int(match[2], base), 0xFFFFFFFFFFFFFFFF)
    return -value & 0xFFFFFFFFFFFFFFFF if match[1] == "-" else value


def _atoi(text: str) -> int:
    match = re.match(r"\s*([+-]?[0-9]+)", text, re.ASCII)
    return int(match[1]) if match else 0


def _smap_order(options: Mapping[str, str]) -> Iterable[str]:
    """The order in which OVS goes through a map of the database: warnings come in it."""
    keys = sorted(options)
    return [keys[i] for i in map_order([hash_bytes(key.encode()) for key in keys])]


def _number(address: int | str | None) -> int:
    return address if isinstance(address, int) else 0
