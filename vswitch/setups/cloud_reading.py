"""What the readers of a ``cloud.yaml`` share: the cloud as far as it is read, names, and where all stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from vswitch.errors import ConfigError, known
from vswitch.neutron.addresses import make_id
from vswitch.neutron.cloud import Cloud, Host, Network, Subnet
from vswitch.neutron.wishes import Wishes
from vswitch.setups.cloud_values import Entry, entries
from vswitch.setups.cloud_words import KINDS
from vswitch.setups.yaml_text import Path, YamlText

Named = TypeVar("Named")


class Reading:
    """A file that is being read.

    Attributes
    ----------
    text : YamlText
    document : dict
        What it says.
    cloud : Cloud
        What has been read of it.
    wishes : Wishes
        What the server shall choose.
    options : dict of Host to dict of str to Path
        Where the options of a host stand.
    """

    def __init__(self, text: YamlText) -> None:
        self.text = text
        self.document: Mapping[str, Any] = text.value or {}
        self.cloud = Cloud()
        self.wishes = Wishes()
        self.options: dict[Host, dict[str, Path]] = {}
        self._by_name: dict[str, dict[str, list[Any]]] = {}
        self._entries: dict[object, Entry] = {}
        self._made_ids: set[str] = set()
        self._subnets: dict[Network, list[Subnet]] | None = None

    def objects(self, kind: str) -> list[tuple[str, str, Entry]]:
        """Id, name and entry of each object under the word `kind`."""
        found = []
        for key, entry in entries(self.text, kind, KINDS[kind].spellings):
            object_id, name = entry.name("id"), entry.name("name") or entry.name("floating_ip_address")
            if key is not None and key not in (object_id, name) and object_id is not None and name is not None:
                hint = "the key is the name or the id"
                raise entry.error(f"{key} is named {name} inside", "name", hint=hint)
            shown = name or (key if key != object_id else None) or ""
            if not (object_id or shown or key):
                hint = "name: ..., or a mapping by name"
                raise entry.error(f"a {KINDS[kind].singular} without name and id", hint=hint)
            found.append((object_id or make_id(kind, shown), shown, entry))
        return found

    def add(self, kind: str, thing: object, entry: Entry, *names: str) -> None:
        """Say that `thing` stands at `entry` and is called by `names`, the first of which is its id."""
        self.place(thing, entry)
        by_name = self._by_name.setdefault(kind, {})
        if not entry.has("id") and names:
            self._made_ids.add(names[0])
        for name in dict.fromkeys(name for name in names if name):
            by_name.setdefault(name, []).append(thing)

    def place(self, thing: object, entry: Entry) -> None:
        """Say where `thing` stands."""
        self._entries[thing] = entry

    def entry_of(self, thing: object) -> Entry | None:
        """Where it stands; None if it was made here."""
        return self._entries.get(thing)

    def names(self, kind: str) -> Mapping[str, object]:
        """What can be named."""
        return self._by_name.get(kind, {})

    def find(self, kind: str, name: object, path: Path, *, at_key: bool = False) -> Any:
        """The object of that name or id.

        Raises
        ------
        ConfigError
            There is none, or several.
        """
        found = self._by_name.get(kind, {}).get(str(name), [])
        if len(found) == 1:
            return found[0]
        singular = KINDS[kind].singular if kind in KINDS else kind.removesuffix("s")
        if found:
            hint = f"{len(found)} are named so; give the id"
            raise self.text.error(f"which {singular} {name}?", path, hint=hint, at_key=at_key)
        hint = known(str(name), [name for name in self._by_name.get(kind, {}) if name not in self._made_ids])
        raise self.text.error(f"there is no {singular} {name}", path, hint=hint, at_key=at_key)

    def subnets_of(self, network: Network) -> list[Subnet]:
        """The subnets of a network; all have been read by now."""
        if self._subnets is None:
            self._subnets = self.cloud.subnets_by_network()
        return self._subnets.get(network, [])

    def find_word(self, kind: str, entry: Entry, word: str) -> Any:
        """The object that a word of an entry names; None if it is not given."""
        return self.find(kind, entry.words[word], entry.path_of(word)) if entry.has(word) else None

    def error_of(self, thing: object, problem: str, word: str = "", *, hint: str = "") -> ConfigError:
        """The error of something that was read, or of the file."""
        entry = self.entry_of(thing)
        if entry is None:
            return self.text.error(problem, (), hint=hint)
        return entry.error(problem, word, hint=hint)
