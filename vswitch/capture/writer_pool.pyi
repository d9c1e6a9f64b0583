from typing import Self

from typing_extensions import disjoint_base

@disjoint_base
class WriterPool:
    def __new__(cls, *, background: bool = True) -> Self: ...
