"""Ranges of segments as ml2_conf.ini writes them: ``physnet1:100:199``, ``1:1000``; and lists of VIDs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vswitch.errors import known
from vswitch.neutron.cloud import Server
from vswitch.neutron.segments import MAX_SEGMENT
from vswitch.setups.yaml_text import Path, YamlText

SECTIONS = ("DEFAULT", "ml2", "ml2_type_vlan", "ml2_type_vxlan", "ml2_type_gre", "ml2_type_geneve")
RANGES = {
    ("ml2_type_vxlan", "vni_ranges"): ("vni_ranges", "vxlan"),
    ("ml2_type_geneve", "vni_ranges"): ("geneve_vni_ranges", "geneve"),
    ("ml2_type_gre", "tunnel_id_ranges"): ("tunnel_id_ranges", "gre"),
}
NUMBERS = ("global_physnet_mtu", "path_mtu", "max_l3_agents_per_router", "dhcp_agents_per_network")
FLAGS = ("router_distributed", "l3_ha")
OPTIONS = (*NUMBERS, *FLAGS, "network_vlan_ranges", "vni_ranges", "tunnel_id_ranges")


def read_server(text: YamlText) -> Server:
    """What stands under ``server``: options of neutron.conf and ml2_conf.ini, with or without their sections.

    Raises
    ------
    ConfigError
        An option is unknown, or its value wrong.
    """
    server = Server()
    for section, option, path, value in _options(text, (text.value or {}).get("server") or {}, ("server",)):
        if option not in OPTIONS:
            hint = known(option, [*OPTIONS, *SECTIONS])
            raise text.error(f"unknown option {option}", path, hint=hint, at_key=True)
        if option in NUMBERS:
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise text.error(f"{value!r} is no number", path, hint=f"{option} is a whole number from 0")
            setattr(server, option, value)
        elif option in FLAGS:
            if not isinstance(value, bool):
                raise text.error(f"{value!r} is neither true nor false", path)
            setattr(server, option, value)
        elif option == "network_vlan_ranges":
            for at, physical, ranges in _vlan_ranges(text, value, path):
                server.network_vlan_ranges.setdefault(physical, []).extend(ranges or [])
                if not ranges and server.network_vlan_ranges[physical]:
                    raise text.error(f"{physical} has ranges and none", at)
        else:
            for (where, name), (attribute, kind) in RANGES.items():
                if name == option and section in ("", where):
                    setattr(server, attribute, [_range(text, at, item, kind) for at, item in _items(value, path)])
    return server


def _options(text: YamlText, value: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str, Path, Any]]:
    """Section (may be empty), option, place and value."""
    for key, item in value.items():
        if key in SECTIONS:
            if not isinstance(item, dict):
                raise text.error(f"{key} is a section", (*path, key), hint="a mapping of options")
            for option, inner in item.items():
                yield key, option, (*path, key, option), inner
        else:
            yield "", key, (*path, key), item


def _items(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield (*path, i), str(item)
    else:
        for item in str(value).split(","):
            if item.strip():
                yield path, item.strip()


def _vlan_ranges(text: YamlText, value: Any, path: Path) -> Iterator[tuple[Path, str, list[tuple[int, int]]]]:
    for at, item in _items(value, path):
        physical, colon, numbers = item.partition(":")
        yield at, physical, [_range(text, at, numbers, "vlan")] if colon else []


def _range(text: YamlText, path: Path, item: str, kind: str) -> tuple[int, int]:
    first, _, last = item.partition(":")
    most = MAX_SEGMENT[kind]
    if not (first.isdigit() and last.isdigit()):
        raise text.error(f"{item!r} is no range", path, hint="FIRST:LAST, for VLANs PHYSICAL_NETWORK:FIRST:LAST")
    low, high = int(first), int(last)
    if not 1 <= low <= high <= most:
        raise text.error(f"{item} is no range of segments of {kind}", path, hint=f"FIRST <= LAST, from 1 to {most}")
    return low, high


def read_vids(text: YamlText, value: Any, path: Path) -> list[int]:
    """VIDs of a list with numbers and ranges such as ``100-199``."""
    vids: list[int] = []
    for at, item in _items(value if value is not None else [], path):
        first, dash, last = item.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            raise text.error(f"{item!r} is no VID", at, hint="a VID, or a range such as 100-199")
        low, high = int(first), int(last) if dash else int(first)
        if not 1 <= low <= high <= MAX_SEGMENT["vlan"]:
            raise text.error(f"{item} is no VID", at, hint="VIDs are 1 to 4094")
        vids += range(low, high + 1)
    return list(dict.fromkeys(vids))
