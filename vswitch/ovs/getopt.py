"""Command-line options by the rules of GNU getopt_long, with its messages.

Long names may be abbreviated while they stay unique, an argument is joined by ``=`` or is the next word, short options
may be bundled. Parsing stops behind ``--``, and in some
tools at the first word that is no option.
"""

from __future__ import annotations

from vswitch.light_typing import NamedTuple
from vswitch.ovs.outcome import Refusal

NO_ARGUMENT, REQUIRED, OPTIONAL = range(3)


class Option(NamedTuple):
    """A long option, and the letter of its short form."""

    name: str
    argument: int = NO_ARGUMENT
    letter: str = ""


def getopt(
    words: list[str], options: list[Option], *, permute: bool = False
) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Split `words` into (option name, argument) pairs and the words that remain.

    Options after the first other word are looked for only if `permute` (getopt does unless told ``+``).
    """
    if words and not words[0].startswith("-") and not permute:
        return [], words[:]
    by_letter = {option.letter: option for option in options if option.letter}
    found: list[tuple[str, str | None]] = []
    others: list[str] = []
    i = 0
    while i < len(words):
        word = words[i]
        if word == "--":
            return found, others + words[i + 1 :]
        if word.startswith("--"):
            option, argument = _long(word, options)
            i += 1
            if option.argument == REQUIRED and argument is None:
                if i == len(words):
                    raise Refusal(f"option '--{option.name}' requires an argument", word=word)
                argument = words[i]
                i += 1
            found.append((option.name, argument))
        elif word.startswith("-") and word != "-":
            i += 1
            letters = word[1:]
            while letters:
                letter, letters = letters[0], letters[1:]
                if letter not in by_letter:
                    raise Refusal(f"invalid option -- '{letter}'", word=word)
                option = by_letter[letter]
                argument = None
                if option.argument != NO_ARGUMENT and letters:
                    argument, letters = letters, ""
                elif option.argument == REQUIRED:
                    if i == len(words):
                        raise Refusal(f"option requires an argument -- '{letter}'", word=word)
                    argument = words[i]
                    i += 1
                found.append((option.name, argument))
        elif permute:
            others.append(word)
            i += 1
        else:
            break
    return found, others + words[i:]


def _long(word: str, options: list[Option]) -> tuple[Option, str | None]:
    name, equals, argument = word[2:].partition("=")
    matches = [option for option in options if option.name == name]
    if not matches:
        matches = [option for option in options if option.name.startswith(name)]
    if not matches:
        raise Refusal(f"unrecognized option '--{name}'", word=word, known=[f"--{o.name}" for o in options])
    if len(matches) > 1:
        possible = "".join(f" '--{option.name}'" for option in matches)
        raise Refusal(f"option '{word}' is ambiguous; possibilities:{possible}", word=word)
    option = matches[0]
    if equals and option.argument == NO_ARGUMENT:
        raise Refusal(f"option '--{option.name}' doesn't allow an argument", word=word)
    return option, argument if equals else None
