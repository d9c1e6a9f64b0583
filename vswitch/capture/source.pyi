from typing_extensions import disjoint_base

GZIP_MAGIC: bytes
ZSTD_MAGIC: bytes
ZSTD_SKIPPABLE_MAGIC: bytes

@disjoint_base
class ByteSource:
    @property
    def path(self) -> str: ...
    @property
    def n_bytes_total(self) -> int | None: ...

@disjoint_base
class FileWindow(ByteSource):
    def __new__(cls, fd: int, path: str) -> FileWindow: ...

@disjoint_base
class MappedFile(ByteSource):
    def __new__(cls, fd: int, path: str) -> MappedFile: ...

@disjoint_base
class MemoryImage(ByteSource): ...

@disjoint_base
class Stream(ByteSource): ...
