from collections.abc import Callable
from typing import final

from vswitch.openflow.actions.base import Action, CompiledAction, Parse

STRIP_VLAN: StripVlan
POP_VLAN: StripVlan
PARSERS: dict[str, Callable[[str, Parse], Action]]

@final
class SetVlan(CompiledAction):
    @property
    def what(self) -> str: ...
    @property
    def value(self) -> int: ...
    @property
    def pushes(self) -> bool: ...
    @property
    def has_vlan(self) -> bool: ...
    def __init__(self, has_vlan: bool, pushes: bool, value: int, what: str) -> None: ...

@final
class StripVlan(CompiledAction):
    @property
    def is_pop(self) -> bool: ...
    def __init__(self, is_pop: bool) -> None: ...

@final
class PushVlan(CompiledAction):
    @property
    def tpid(self) -> int: ...
    def __init__(self, tpid: int) -> None: ...

def vlan_as_legacy(name: str, value: int, version: int, has_vlan: bool) -> tuple[Action, ...]: ...
