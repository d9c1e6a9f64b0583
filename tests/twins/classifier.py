"""The obvious classifier: all rules in a list, every one held against the key."""

from __future__ import annotations

from dataclasses import dataclass

Words = tuple[int, ...]


@dataclass(frozen=True)
class Rule:
    key: Words  # under the mask
    mask: Words
    priority: int

    def matches(self, key: Words) -> bool:
        return all((word ^ own) & mask == 0 for word, own, mask in zip(key, self.key, self.mask, strict=True))


class Classifier:
    def __init__(self) -> None:
        self.rules: dict[int, Rule] = {}

    def has(self, rule: Rule) -> bool:
        return rule in self.rules.values()

    def best(self, key: Words) -> set[int]:
        """Numbers of the rules with the highest priority among those that match; empty if none does."""
        found = {number: rule for number, rule in self.rules.items() if rule.matches(key)}
        top = max((rule.priority for rule in found.values()), default=0)
        return {number for number, rule in found.items() if rule.priority == top}
