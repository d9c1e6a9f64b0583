"""The obvious MAC table: dictionaries in order of use, and OVS's heap of bundles in plain Python.

It follows lib/mac-learning.c statement by statement and knows nothing of stamps, slots or lazy heaps.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

INT_MAX = 2**31 - 1  # expiry time of a static entry
GRAT_ARP_LOCK_S = 5

Key = tuple[int, int]  # VLAN, MAC


class MaxHeap:
    """OVS's lib/heap.c; items[0] is not used."""

    def __init__(self) -> None:
        self.items: list[int] = [-1]
        self.priority: dict[int, int] = {}

    def insert(self, item: int) -> None:
        self.items.append(item)
        self.priority[item] = 1
        self.float_up(len(self.items) - 1)

    def change(self, item: int, delta: int) -> None:
        self.priority[item] += delta
        self.float_up_or_down(self.items.index(item))

    def remove(self, item: int) -> None:
        i = self.items.index(item)
        last = self.items.pop()
        del self.priority[item]
        if i < len(self.items):
            self.items[i] = last
            self.float_up_or_down(i)

    def largest(self) -> int:
        return self.items[1]

    def swap(self, i: int, j: int) -> None:
        self.items[i], self.items[j] = self.items[j], self.items[i]

    def at(self, i: int) -> int:
        return self.priority[self.items[i]]

    def float_up(self, i: int) -> bool:
        moved = False
        while i > 1 and self.at(i // 2) < self.at(i):
            self.swap(i, i // 2)
            i //= 2
            moved = True
        return moved

    def float_up_or_down(self, i: int) -> None:
        if self.float_up(i):
            return
        while 2 * i < len(self.items):
            child = 2 * i
            largest = child if self.at(child) > self.at(i) else i
            if child + 1 < len(self.items) and self.at(child + 1) > self.at(largest):
                largest = child + 1
            if largest == i:
                return
            self.swap(i, largest)
            i = largest


@dataclass
class Entry:
    expires: int = 0
    lock: int = -1
    bundle: int | None = None


class MacTable:
    """The same methods as `vswitch.tables.fdb.MacTable`."""

    def __init__(self, ageing_time_s: int = 300, max_entries: int = 8192) -> None:
        self.lru: OrderedDict[Key, Entry] = OrderedDict()
        self.bundle_lrus: dict[int, OrderedDict[Key, Entry]] = {}
        self.usage = MaxHeap()
        self.flood_vlans: set[int] = set()
        self.idle_time = self.clamp(ageing_time_s, 15, 3600)
        self.size = self.clamp(max_entries, 10, 1_000_000)
        self.now_s = 0
        self.n_static = 0
        self.clear_statistics()

    @staticmethod
    def clamp(value: int, low: int, high: int) -> int:
        return min(max(value, low), high)

    def clear_statistics(self) -> None:
        self.n_learned = self.n_expired = self.n_evicted = self.n_moved = 0

    def statistics(self) -> dict[str, int]:
        return {
            "n_entries": len(self.lru), "max_entries": self.size, "n_static": self.n_static,
            "n_learned": self.n_learned, "n_expired": self.n_expired, "n_evicted": self.n_evicted,
            "n_moved": self.n_moved, "n_refused": 0,
        }

    @property
    def ageing_time_s(self) -> int:
        return self.idle_time

    @ageing_time_s.setter
    def ageing_time_s(self, value: int) -> None:
        value = self.clamp(value, 15, 3600)
        for entry in self.lru.values():
            entry.expires += value - self.idle_time
        self.idle_time = value

    @property
    def max_entries(self) -> int:
        return self.size

    @max_entries.setter
    def max_entries(self, value: int) -> None:
        self.size = self.clamp(value, 10, 1_000_000)

    def may_learn(self, mac: int, vlan: int) -> bool:
        return vlan not in self.flood_vlans and not mac >> 40 & 1

    def find(self, mac: int, vlan: int) -> Entry | None:
        return self.lru.get((vlan, mac)) if self.may_learn(mac, vlan) else None

    def lookup(self, mac: int, vlan: int) -> int | None:
        entry = self.find(mac, vlan)
        return entry.bundle if entry else None

    def is_grat_arp_locked(self, mac: int, vlan: int) -> bool:
        entry = self.find(mac, vlan)
        return entry is not None and self.now_s < entry.lock

    def set_bundle(self, key: Key, entry: Entry, bundle: int | None) -> None:
        if entry.bundle == bundle:
            return
        if entry.bundle is not None:
            del self.bundle_lrus[entry.bundle][key]
            if self.bundle_lrus[entry.bundle]:
                self.usage.change(entry.bundle, -1)
            else:
                del self.bundle_lrus[entry.bundle]
                self.usage.remove(entry.bundle)
        if bundle is not None:
            if bundle in self.bundle_lrus:
                self.usage.change(bundle, +1)
            else:
                self.bundle_lrus[bundle] = OrderedDict()
                self.usage.insert(bundle)
            self.bundle_lrus[bundle][key] = entry
        entry.bundle = bundle

    def remove(self, key: Key) -> None:
        self.set_bundle(key, self.lru[key], None)
        del self.lru[key]

    def insert(self, key: Key, *, is_static: bool) -> Entry:
        entry = self.lru.get(key)
        if entry is None:
            if len(self.lru) >= self.size:
                self.n_evicted += 1
                self.remove(next(iter(self.bundle_lrus[self.usage.largest()])))
            entry = self.lru[key] = Entry()
            self.n_learned += not is_static
        self.lru.move_to_end(key)
        if entry.bundle is not None:
            self.bundle_lrus[entry.bundle].move_to_end(key)
        if is_static:
            self.n_static += entry.expires != INT_MAX
            entry.expires = INT_MAX
        else:
            entry.expires = self.now_s + self.idle_time
        return entry

    def needs_update(self, mac: int, vlan: int, bundle: int, is_gratuitous_arp: bool, is_bond: bool) -> bool:
        if not self.may_learn(mac, vlan):
            return False
        entry = self.find(mac, vlan)
        if entry is None:
            return True
        if entry.expires == INT_MAX:
            return False
        if self.idle_time - (entry.expires - self.now_s) > 0:
            return True
        if is_gratuitous_arp:
            if not is_bond:
                return True
            if self.now_s < entry.lock:
                return False
        return entry.bundle != bundle

    def learn(
        self, mac: int, vlan: int, bundle: int, *, is_gratuitous_arp: bool = False, is_bond: bool = False
    ) -> None:
        if not self.needs_update(mac, vlan, bundle, is_gratuitous_arp, is_bond):
            return
        entry = self.insert((vlan, mac), is_static=False)
        if is_gratuitous_arp:
            if not is_bond:
                entry.lock = self.now_s + GRAT_ARP_LOCK_S
            elif self.now_s < entry.lock:
                return
        if entry.bundle != bundle:
            self.n_moved += entry.bundle is not None
            self.set_bundle((vlan, mac), entry, bundle)

    def add_static(self, mac: int, vlan: int, bundle: int) -> None:
        self.set_bundle((vlan, mac), self.insert((vlan, mac), is_static=True), bundle)

    def del_static(self, mac: int, vlan: int) -> bool:
        entry = self.find(mac, vlan)
        if entry is None or entry.expires != INT_MAX:
            return False
        self.remove((vlan, mac))
        self.n_static -= 1
        return True

    def expire(self, mac: int, vlan: int) -> bool:
        if self.find(mac, vlan) is None:
            return False
        self.remove((vlan, mac))
        return True

    def least_recently_used(self) -> Key | None:
        return next((key for key, entry in self.lru.items() if entry.expires != INT_MAX), None)

    def run(self, now_s: int) -> None:
        self.now_s = max(self.now_s, now_s)
        while (key := self.least_recently_used()) is not None:
            if len(self.lru) <= self.size and self.now_s < self.lru[key].expires:
                return
            self.n_expired += 1
            self.remove(key)

    def flush(self) -> None:
        while (key := self.least_recently_used()) is not None:
            self.remove(key)

    def flush_bundle(self, bundle: int) -> None:
        for key in [key for key, entry in self.lru.items() if entry.bundle == bundle]:
            self.remove(key)

    def set_flood_vlans(self, vlans: Iterable[int]) -> bool:
        old, self.flood_vlans = self.flood_vlans, set(vlans)
        if old == self.flood_vlans:
            return False
        self.flush()
        return True

    def age_s(self, entry: Entry) -> int | None:
        return None if entry.expires == INT_MAX else self.idle_time - (entry.expires - self.now_s)

    def dump(self) -> list[tuple[int, int, int | None, int | None]]:
        return [(mac, vlan, entry.bundle, self.age_s(entry)) for (vlan, mac), entry in self.lru.items()]
