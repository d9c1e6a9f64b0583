"""Commands whose modules are loaded when the first of them is used: a script that has none of them starts sooner."""

from __future__ import annotations

from collections.abc import Callable

from vswitch.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def late(module: str, name: str) -> Callable[..., Any]:
    """The function `name` of a module, which is loaded when the function is first called."""

    def call(*arguments: object) -> object:
        from importlib import import_module

        return getattr(import_module(module), name)(*arguments)

    return call
