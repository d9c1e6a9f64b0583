from typing_extensions import disjoint_base

from vswitch.openflow.fields import Field

KINDS: dict[str, int]
SPECIALS: dict[str, int]

@disjoint_base
class FieldPlan:
    @property
    def field(self) -> Field: ...
    @property
    def name(self) -> str: ...
    def __init__(self, field: Field) -> None: ...
