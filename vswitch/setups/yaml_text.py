"""YAML with places: plain Python values, and for each of them the line and column where it stands.

YAML 1.1 is read by PyYAML, a schema checks the values. What is wrong is a ConfigError at its place, with the nearest
known word and with what is allowed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from vswitch.errors import ConfigError, nearest

if TYPE_CHECKING:
    import yaml
    from jsonschema import ValidationError

Path = tuple[str | int, ...]
"""Keys and indices that lead from the document to a value."""
INSTALL_HINT = "pip install 'vswitch[topology]'"
# 52:54:00:50:00:01 is a MAC, though YAML 1.1 takes it for a number to the base of 60.
BASE_60 = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class Place(NamedTuple):
    """Where something begins, from 1."""

    line: int
    column: int


class YamlText:
    """A document: `value` is what it says, `place(path)` where.

    Raises
    ------
    ConfigError
        The text is no YAML, a key is given twice, or PyYAML is not installed.
    """

    def __init__(self, text: str, path: str) -> None:
        try:
            import yaml
        except ImportError as error:
            raise ConfigError("reading YAML needs PyYAML", path=path, hint=INSTALL_HINT) from error
        self.path = path
        self.lines = text.split("\n")
        self._nodes: dict[Path, yaml.Node] = {}
        self._keys: dict[Path, Place] = {}
        loader, root = _compose_fast(text)
        try:
            if loader is None:
                loader = yaml.SafeLoader(text)
                root = loader.get_single_node()
            self.value = self._read(loader, root, ()) if root is not None else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = Place(mark.line + 1, mark.column + 1) if mark is not None else Place(0, 0)
            raise self._error(error.problem or "no YAML", where) from error
        except yaml.reader.ReaderError as error:
            before = text[: error.position]
            where = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
            raise self._error(f"no YAML: the character {text[error.position]!a}", where) from error
        except yaml.YAMLError as error:
            raise ConfigError(f"no YAML: {error}", path=path) from error
        except RecursionError as error:
            raise ConfigError("nested too deeply", path=path) from error
        except ValueError as error:
            raise ConfigError(f"no YAML: {error}", path=path) from error
        finally:
            if loader is not None:
                loader.dispose()

    def place(self, path: Path) -> Place:
        """Where the value at `path` begins; of its nearest parent, if there is none."""
        while path and path not in self._nodes:
            path = path[:-1]
        node = self._nodes.get(path)
        return Place(node.start_mark.line + 1, node.start_mark.column + 1) if node is not None else Place(1, 1)

    def key_place(self, path: Path) -> Place:
        """Where the key of the value at `path` begins."""
        return self._keys.get(path) or self.place(path)

    def error(self, problem: str, path: Path, *, hint: str = "", at_key: bool = False) -> ConfigError:
        """The error of the value at `path`."""
        return self._error(problem, self.key_place(path) if at_key else self.place(path), hint)

    def literal_place(self, path: Path) -> Place | None:
        """Where a text begins that stands in the file as it is: a literal block (``|``), or one line without quotes.

        None if the value is written in another way.
        """
        node = self._nodes.get(path)
        style = getattr(node, "style", '"') or ""  # of a plain one: None, and "" by libyaml
        if node is None or style not in ("", "|"):
            return None
        if not style:
            is_one_line = node.start_mark.line == node.end_mark.line
            return self.place(path) if is_one_line else None
        first = node.start_mark.line + 1
        while first < len(self.lines) and not self.lines[first].strip():
            first += 1
        line = self.lines[first] if first < len(self.lines) else ""
        return Place(node.start_mark.line + 2, len(line) - len(line.lstrip(" ")) + 1)

    def _error(self, problem: str, place: Place, hint: str = "") -> ConfigError:
        return ConfigError(problem, path=self.path, line=place.line, column=place.column, hint=hint)

    def _read(self, loader: yaml.SafeLoader, node: yaml.Node, path: Path) -> Any:
        import yaml

        self._nodes[path] = node
        if isinstance(node, yaml.MappingNode):
            value: dict[str, Any] = {}
            for key_node, value_node in node.value:
                place = Place(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                if not isinstance(key_node, yaml.ScalarNode):
                    raise self._error("a key is a word", place)
                key = str(key_node.value)
                if key in value:
                    raise self._error(f"{key} is given twice", place)
                self._keys[(*path, key)] = place
                value[key] = self._read(loader, value_node, (*path, key))
            return value
        if isinstance(node, yaml.SequenceNode):
            return [self._read(loader, item, (*path, i)) for i, item in enumerate(node.value)]
        if ":" in node.value and node.tag in BASE_60:
            return node.value
        return loader.construct_object(node, deep=True)


def _compose_fast(text: str) -> tuple[Any, Any]:
    """What libyaml makes of the text, ten times as fast: a loader and the root.

    None: there is no libyaml, or it refuses the text, which is then read again for the message.
    """
    import yaml

    if not hasattr(yaml, "CSafeLoader"):
        return None, None
    loader = yaml.CSafeLoader(text)
    try:
        return loader, loader.get_single_node()
    except (yaml.YAMLError, RecursionError, ValueError):
        loader.dispose()
        return None, None


def check(text: YamlText, schema: Mapping[str, Any]) -> None:
    """Raise a ConfigError for the first thing in the document that `schema` (JSON Schema 2020-12) does not allow.

    ``description`` of a schema says what is allowed.
    """
    try:
        import jsonschema
    except ImportError as error:
        raise ConfigError("checking YAML needs jsonschema", path=text.path, hint=INSTALL_HINT) from error
    if text.value is None:
        raise text.error("there is nothing in it", (), hint=schema.get("description", ""))
    errors = list(_leaves(jsonschema.Draft202012Validator(schema).iter_errors(text.value)))
    # Where a word is unknown, the one that is missing may have been meant.
    misspelt = [error.absolute_path for error in errors if error.validator == "additionalProperties"]
    errors = [error for error in errors if error.validator != "required" or error.absolute_path not in misspelt]
    if errors:
        raise min((_as_config_error(text, error) for error in errors), key=lambda error: (error.line, error.column))


def _leaves(errors: Iterator[ValidationError]) -> Iterator[ValidationError]:
    """Of a choice between schemas (``oneOf``) the complaints of the one that was meant: it has the value's type."""
    for error in errors:
        meant = [cause for cause in error.context or () if cause.validator != "type" or cause.relative_path]
        if meant:
            yield from _leaves(iter(meant))
        else:
            yield error


def _as_config_error(text: YamlText, error: ValidationError) -> ConfigError:
    path = tuple(error.absolute_path)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    allowed = schema.get("description", "")
    instance: Any = error.instance
    if error.validator == "additionalProperties":
        known: Sequence[str] = sorted(schema.get("properties", {}))
        unknown = next(key for key in instance if key not in known)
        near = nearest(unknown, known)
        shown_words = [
            word for word in known if not schema["properties"][word].get("readOnly")
        ]  # taken, but of no effect
        hint = f"{near + '; ' if near else ''}known here: {', '.join(shown_words)}"
        return text.error(f"unknown word {unknown}", (*path, unknown), hint=hint, at_key=True)
    if error.validator == "required":
        missing = next(key for key in schema["required"] if key not in instance)
        return text.error(f"{missing} is missing", path, hint=allowed)
    if error.validator in ("minItems", "maxItems", "minProperties"):
        few = "few" if error.validator != "maxItems" else "many"
        return text.error(f"too {few}: {len(instance)}", path, hint=allowed)
    shown = repr(instance) if not isinstance(instance, (dict, list)) else _kind(instance)
    return text.error(f"{shown} cannot stand here", path, hint=allowed or error.message)


def _kind(value: object) -> str:
    return "a mapping" if isinstance(value, dict) else "a list"
