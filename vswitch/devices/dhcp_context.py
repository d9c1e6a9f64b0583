"""What dnsmasq calls a context: a range on whose subnet the server has an address. Both servers know subnets by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vswitch.devices.dhcp_agent import AddressRange, HostEntry
from vswitch.devices.packets import in_prefix
from vswitch.devices.timers import SECOND_NS

DECLINE_BACKOFF_NS = 600 * SECOND_NS  # for so long an address that was declined is not given; dnsmasq's DECLINE_BACKOFF


@dataclass(frozen=True)
class Context:
    """A range on whose subnet the server has an address, `local`."""

    range: AddressRange
    local: bytes

    def has(self, address: bytes) -> bool:
        return in_prefix(address, self.range.network, self.range.length)


def contexts_of(ranges: Sequence[AddressRange], addresses: Iterable[bytes]) -> list[Context]:
    """A context for each range with an address of the server, which is the first one there; in order of addresses."""
    found: dict[AddressRange, Context] = {}
    for address in addresses:
        own = next((r for r in ranges if in_prefix(address, r.network, r.length)), None)
        if own is not None:
            found.setdefault(own, Context(own, address))
    return list(found.values())


def hosts_in(contexts: Sequence[Context], hosts: Iterable[HostEntry]) -> list[HostEntry]:
    """Lines of the hosts file that have an address in a context, or none at all."""
    return [
        host for host in hosts
        if not host.addresses or any(context.has(a) for context in contexts for a in host.addresses)
    ]  # fmt: skip


__all__ = ["DECLINE_BACKOFF_NS", "Context", "contexts_of", "hosts_in"]
