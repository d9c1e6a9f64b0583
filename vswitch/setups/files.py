"""Files of set-ups: as text, and those that stand beside one."""

from __future__ import annotations

import os

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vswitch.setups.yaml_text import Path, YamlText


def read_text(path: str) -> str:
    """The text of a file.

    Raises
    ------
    ConfigError
        It cannot be read, or is no UTF-8.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"cannot read: {problem}", path=path) from error


def find_capture(text: YamlText, path: Path, capture: str) -> str:
    """The path of a capture that the value at `path` names, seen from the document's folder."""
    found = os.path.join(os.path.dirname(text.path), capture)
    if not os.path.exists(found):
        raise text.error(f"there is no file {capture}", path, hint="a path beside this file")
    return found
