"""Files of set-ups as text."""

from __future__ import annotations

from vswitch.errors import ConfigError


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
