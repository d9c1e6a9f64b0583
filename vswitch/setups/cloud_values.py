"""Values of a ``cloud.yaml`` with their places: objects as entries, texts as addresses.

An `Entry` is a mapping of the file whose words are the API's, however they were spelled; each of its readers raises a
ConfigError at the value's place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Any

from vswitch.errors import ConfigError
from vswitch.neutron.cloud import Address, Cidr
from vswitch.setups.cloud_words import NESTED_SPELLINGS
from vswitch.setups.durations import read_duration
from vswitch.setups.yaml_text import Path, YamlText

MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


class Entry:
    """An object of the file: `path` leads to it, `words` are its values by the API's names; null is no value."""

    def __init__(self, text: YamlText, path: Path, value: Mapping[str, Any], spellings: Mapping[str, str]) -> None:
        self.text = text
        self.path = path
        self.words: dict[str, Any] = {}
        self._spelled: dict[str, str] = {}
        for key, item in value.items():
            word = spellings.get(key, key)
            if word in self.words and not _is_none(item) and not _is_none(self.words[word]):
                problem = f"{key} is the same as {self._spelled[word]}, which is given too"
                raise text.error(problem, (*path, key), at_key=True)
            if word not in self.words or not _is_none(item):
                self.words[word] = item
                self._spelled[word] = key

    def has(self, word: str) -> bool:
        """True if it is given, and not null or empty."""
        return not _is_none(self.words.get(word))

    def is_null(self, word: str) -> bool:
        """True if it is given as null: not even a default."""
        return word in self.words and _is_none(self.words[word])

    def path_of(self, word: str) -> Path:
        """Where the value of `word` stands; the object itself if it is not given."""
        return (*self.path, self._spelled[word]) if word in self._spelled else self.path

    def error(self, problem: str, word: str = "", *, hint: str = "", at_key: bool = False) -> ConfigError:
        """The error of the value of `word`, or of the whole object."""
        return self.text.error(problem, self.path_of(word), hint=hint, at_key=at_key or word not in self._spelled)

    def name(self, word: str) -> str | None:
        """A name or an id; None if it is not given."""
        return str(self.words[word]) if self.has(word) else None

    def number(self, word: str) -> int | None:
        """A whole number."""
        value = self.words.get(word)
        return int(value) if self.has(word) and value is not None else None

    def flag(self, word: str, default: bool) -> bool:
        """A truth, or the word that clients print for it."""
        value = self.words.get(word)
        return default if _is_none(value) else value in (True, "UP", "External")

    def duration_ns(self, word: str) -> int | None:
        """A time in nanoseconds."""
        return read_duration(self.text, self.path_of(word), self.words[word]) if self.has(word) else None

    def mac(self, word: str) -> str | None:
        """A MAC of a single machine, in lower case."""
        if not self.has(word):
            return None
        mac = str(self.words[word]).lower().replace("-", ":")
        if not MAC.fullmatch(mac):
            raise self.error(f"{self.words[word]!r} is no MAC address", word, hint="such as fa:16:3e:00:00:01")
        if int(mac[:2], 16) & 1:
            raise self.error(f"{mac} is a multicast address", word, hint="the first byte of a machine's MAC is even")
        return mac

    def address(self, word: str) -> Address | None:
        """An IP address."""
        return self.parse_address(self.words[word], self.path_of(word)) if self.has(word) else None

    def parse_address(self, value: object, path: Path) -> Address:
        """An IP address that stands at `path`."""
        try:
            return ip_address(str(value))
        except ValueError:
            raise self.text.error(f"{value!r} is no IP address", path, hint="such as 10.0.0.1 or 2001:db8::1") from None

    def cidr(self, word: str) -> Cidr | None:
        """A network with its prefix length."""
        return self.parse_cidr(self.words[word], self.path_of(word)) if self.has(word) else None

    def parse_cidr(self, value: object, path: Path, *, may_be_host: bool = False) -> Cidr:
        """A CIDR that stands at `path`; with `may_be_host` an address is one, and bits of the host are cut off."""
        try:
            if "/" not in str(value) and not may_be_host:
                raise ValueError
            return ip_network(str(value), strict=False) if may_be_host else ip_network(str(value))
        except ValueError:
            with_bits = None
            with suppress(ValueError):
                with_bits = ip_network(str(value), strict=False) if "/" in str(value) else None
            hint = f"did you mean {with_bits}?" if with_bits is not None else "such as 10.0.0.0/24 or 2001:db8::/64"
            raise self.text.error(f"{value!r} is no CIDR", path, hint=hint) from None

    def items(self, word: str) -> Iterator[tuple[Path, Any]]:
        """The members of a list with their places."""
        path = self.path_of(word)
        for i, item in enumerate(self.words.get(word) or []):
            yield (*path, i), item

    def mappings(self, word: str) -> Iterator[Entry]:
        """The members of a list of mappings."""
        for path, item in self.items(word):
            yield self.inner(path, item)

    def inner(self, path: Path, value: Mapping[str, Any]) -> Entry:
        """A mapping inside of this one."""
        return Entry(self.text, path, value, NESTED_SPELLINGS)

    def mapping(self, word: str) -> Entry | None:
        """A mapping."""
        return self.inner(self.path_of(word), self.words[word]) if self.has(word) else None


def entries(text: YamlText, kind: str, spellings: Mapping[str, str]) -> Iterator[tuple[str | None, Entry]]:
    """The objects under a word of the document: a mapping by name, or a list of which each may have a name inside."""
    value = (text.value or {}).get(kind) or {}
    if isinstance(value, dict):
        for name, item in value.items():
            yield name, Entry(text, (kind, name), item or {}, spellings)
    else:
        for i, item in enumerate(value):
            yield None, Entry(text, (kind, i), item, spellings)


def _is_none(value: object) -> bool:
    return value is None or value == "" or value == "None"
