"""Flows taken apart as far as Neutron's bridges need it: fields of a match by name, actions one by one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

VID_BITS = 0xFFF

_SET_FIELD = re.compile(r"(?:set_field|load):([^,]+)->([^,]+)")
_NAMES = {"NXM_NX_TUN_ID[]": "tun_id", "NXM_OF_VLAN_TCI[]": "vlan_tci", "OXM_OF_VLAN_VID[]": "vlan_vid"}


class FlowWords(NamedTuple):
    """A flow: `match` has what stands there by name ("" for a word like ``arp``), `actions` one text each.

    >>> flow = flow_words("table=22, priority=1,dl_vlan=1 actions=pop_vlan,set_field:0x3e9->tun_id,output:2,output:3")
    >>> flow.table, flow.match, flow.tun_id, flow.outputs
    (22, {'priority': '1', 'dl_vlan': '1'}, 1001, [2, 3])
    """

    table: int
    match: dict[str, str]
    actions: list[str]
    text: str

    def number(self, field: str) -> int | None:
        """An exact number of the match."""
        text = self.match.get(field, "")
        return int(text, 0) if re.fullmatch("0x[0-9a-fA-F]+|[0-9]+", text) else None

    @property
    def vlan(self) -> int | None:
        """The VID that it matches: ``dl_vlan``, or ``vlan_tci`` as `learn` writes it."""
        if "dl_vlan" in self.match:
            return self.number("dl_vlan")
        value, slash, mask = self.match.get("vlan_tci", "").partition("/")
        return int(value, 0) & VID_BITS if slash and int(mask, 0) & VID_BITS == VID_BITS else None

    @property
    def set_vlan(self) -> int | None:
        """The VID that it gives frames."""
        for action in self.actions:
            if action.startswith("mod_vlan_vid:"):
                return int(action.partition(":")[2], 0)
        number = self._set("vlan_vid")
        return None if number is None else number & VID_BITS

    @property
    def tun_id(self) -> int | None:
        """The key that it gives frames."""
        for action in self.actions:
            if action.startswith("set_tunnel"):
                return int(action.partition(":")[2], 0)
        return self._set("tun_id")

    @property
    def outputs(self) -> list[int]:
        """OpenFlow ports that it names."""
        found = (re.fullmatch("(?:output:)?([0-9]+)", action) for action in self.actions)
        return [int(match[1]) for match in found if match]

    @property
    def strips_vlan(self) -> bool:
        """A tag goes."""
        return "strip_vlan" in self.actions or "pop_vlan" in self.actions

    @property
    def is_drop(self) -> bool:
        """Frames end here."""
        return self.actions == ["drop"]

    @property
    def is_learned(self) -> bool:
        """A `learn` action of br-tun made it, and not an agent: it times out."""
        return "hard_timeout" in self.match

    def _set(self, field: str) -> int | None:
        for action in self.actions:
            match = _SET_FIELD.fullmatch(action)
            if match and _NAMES.get(match[2], match[2]) == field:
                return int(match[1], 0)
        return None


def flow_words(text: str) -> FlowWords:
    """Take a flow as ``ovs-ofctl --no-stats dump-flows`` prints it apart."""
    head, _, actions = text.strip().partition("actions=")
    match: dict[str, str] = {}
    for word in re.split("[, ]+", head.strip()):
        name, _, value = word.partition("=")
        if name:
            match[name] = value
    table = int(match.pop("table", "0"))
    return FlowWords(table, match, list(_split(actions)), text.strip())


def _split(actions: str) -> Iterator[str]:
    depth, start = 0, 0
    for i, character in enumerate(actions):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            yield actions[start:i]
            start = i + 1
    if actions:
        yield actions[start:]
