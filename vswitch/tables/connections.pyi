from typing import NamedTuple, Self

from typing_extensions import disjoint_base

class Tuple(NamedTuple):
    src: int
    dst: int
    proto: int
    src_port: int = 0
    dst_port: int = 0
    zone: int = 0

@disjoint_base
class ConnectionTable:
    def __new__(cls, max_connections: int = 262144) -> Self: ...
    def packet(
        self, value: Tuple, now_ns: int, *, tcp_flags: int = 0, n_bytes: int = 0, answer: Tuple | None = None
    ) -> str: ...
    def rows(self, now_ns: int) -> list[dict[str, object]]: ...
    def flush(self) -> None: ...
    @property
    def n_evicted(self) -> int: ...
    def __len__(self) -> int: ...
