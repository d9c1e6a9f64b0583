from typing import IO, Self

from typing_extensions import disjoint_base

@disjoint_base
class Ledger:
    directory: str
    fates_file: IO[bytes]
    outputs_file: IO[bytes]
    def __new__(cls, directory: str | None = ...) -> Self: ...
    def flush(self) -> None: ...
    @property
    def n_fates(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...
