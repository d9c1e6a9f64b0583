"""What this package needs of `typing` at run time, without `typing`.

Loading `typing` takes longer than all of the datapath does, and a replay of a small scenario is mostly loading. A type
checker sees the real names. At run time a `NamedTuple` is what `collections.namedtuple` makes, with the methods of
its class, and a `Protocol` is a plain class: nothing here asks ``isinstance`` of one.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple, Protocol
else:
    from collections import namedtuple

    class _NamedTupleMaker(type):
        """Turns a class body with annotations into a named tuple, as the metaclass of `typing.NamedTuple` does."""

        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            fields = namespace.get("__annotations__", {})
            defaults = [namespace[field] for field in fields if field in namespace]
            made = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            for key, value in namespace.items():
                if key not in fields and key not in ("__module__", "__qualname__"):
                    setattr(made, key, value)
            made.__qualname__ = namespace["__qualname__"]
            return made

    class NamedTuple(metaclass=_NamedTupleMaker):
        """Base of classes that are tuples with names."""

    class Protocol:
        """Base of classes that only describe others."""


__all__ = ["TYPE_CHECKING", "NamedTuple", "Protocol"]
