"""The obvious routing table: a list of routes, all of them looked at every time."""

from __future__ import annotations

from dataclasses import dataclass, field

ALL = (1 << 128) - 1
V4 = 0xFFFF << 32


def mask_of(plen: int) -> int:
    return ALL & ~(ALL >> plen)


def is_v4(address: int) -> bool:
    return address >> 32 == 0xFFFF


@dataclass
class Route:
    dst: int
    plen: int
    mark: int
    priority: int
    device: str
    gateway: int
    source: int
    is_local: bool
    is_cached: bool


@dataclass
class RouteTwin:
    addresses: dict[str, list[tuple[int, int]]]
    routes: list[Route] = field(default_factory=list)

    def source_of(self, dst: int, device: str) -> int | None:
        fitting = [
            (address_mask.bit_count(), -i, address)
            for i, (address, address_mask) in enumerate(self.addresses[device])
            if dst & address_mask == address & address_mask and (is_v4(address) or not is_v4(dst))
        ]
        return max(fitting)[2] if fitting else None

    def add(
        self, dst: int, plen: int, device: str, gateway: int, mark: int, is_local: bool, is_cached: bool
    ) -> bool:
        source = self.source_of(dst, device)
        if source is None and gateway:
            source = self.source_of(gateway, device)
        if source is None:
            return False
        priority = plen + (64 if is_local else 0 if is_cached else 32)
        new = Route(dst & mask_of(plen), plen, mark, priority, device, gateway, source, is_local, is_cached)
        for i, old in enumerate(self.routes):
            if key(old) == key(new):
                self.routes[i] = new
                return True
        self.routes.append(new)
        return True

    def delete(self, dst: int, plen: int, mark: int) -> bool:
        gone = [r for r in self.routes if key(r) == (dst & mask_of(plen), plen, mark, plen + 32)]
        self.routes = [r for r in self.routes if r not in gone]
        return bool(gone)

    def flush_cached(self) -> None:
        self.routes = [r for r in self.routes if not r.is_cached]

    def best(self, dst: int, mark: int) -> Route | None:
        found = [r for r in self.routes if r.mark == mark and dst & mask_of(r.plen) == r.dst]
        return max(found, key=lambda r: (r.priority, r.plen), default=None)

    def lookup(self, dst: int, mark: int, source: int) -> tuple[int, int, str] | None:
        if source:
            own = self.best(source, mark)
            if own is None or not own.is_local:
                return None
        found = self.best(dst, mark)
        return (source or found.source, found.gateway, found.device) if found else None

    def dump(self) -> list[tuple[int, int, int, str, int, int, bool, bool]]:
        highest: dict[int, int] = {}
        for r in self.routes:
            highest[r.plen] = max(r.priority, highest.get(r.plen, 0))
        ordered = sorted(enumerate(self.routes), key=lambda pair: (-highest[pair[1].plen], pair[0]))
        return [
            (r.dst, r.plen, r.mark, r.device, r.gateway, r.source, r.is_local, r.is_cached) for _, r in ordered
        ]


def key(r: Route) -> tuple[int, int, int, int]:
    return r.dst, r.plen, r.mark, r.priority

