"""Local VLANs: what a network is called within a host (vlanmanager.py)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vswitch.neutron.cloud import Network

FIRST, LAST = 1, 4094


@dataclass(eq=False)
class LocalVlan:
    """A network on this host; `segment` is what it had when it was set up, `tunnels` are ports that it floods to."""

    network: Network
    vlan: int
    segment: int | None
    vifs: set[str] = field(default_factory=set)
    """Ids of its ports."""
    tunnels: set[int] = field(default_factory=set)


class LocalVlans:
    """Which network has which VLAN.

    The agent takes VLANs with ``set.pop()``, and so does this: upwards from 1. What is given back waits until the last
    one has had its turn.
    """

    def __init__(self) -> None:
        self._free = set(range(FIRST, LAST + 1))
        self._by_network: dict[str, LocalVlan] = {}

    def __iter__(self) -> Iterator[LocalVlan]:
        return iter(self._by_network.values())

    def get(self, network: Network) -> LocalVlan | None:
        """That of `network`; None if it has none here."""
        return self._by_network.get(network.id)

    def assign(self, network: Network) -> LocalVlan | None:
        """A VLAN for a network that has none; None if all are taken."""
        if not self._free:
            return None
        local = LocalVlan(network, self._free.pop(), network.segmentation_id)
        self._by_network[network.id] = local
        return local

    def release(self, local: LocalVlan) -> None:
        """Give a VLAN back."""
        del self._by_network[local.network.id]
        self._free.add(local.vlan)
