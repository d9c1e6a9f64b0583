from typing_extensions import disjoint_base

from vswitch.datapath.flows import Flows

Field = tuple[int, int, list[tuple[int, int]]]
BucketStats = tuple[int, int, int, int, bytes, int, int]
GroupTuple = tuple[int, int, int, int, list[Field], list[BucketStats], int, int, int]
MeterTuple = tuple[int, int, list[tuple[int, int, int, int, int, int]], int, int, int]

@disjoint_base
class Groups(Flows):
    def set_group(
        self,
        bridge_number: int,
        number: int,
        type: int,
        buckets: list[tuple[int, int, int, int, bytes]],
        *,
        selection: int = 0,
        selection_param: int = 0,
        fields: list[Field] | None = None,
    ) -> None: ...
    def remove_group(self, bridge_number: int, number: int) -> bool: ...
    def groups(self, bridge_number: int) -> list[GroupTuple]: ...
    def set_meter(
        self, bridge_number: int, number: int, flags: int, bands: list[tuple[int, int, int, int]]
    ) -> None: ...
    def remove_meter(self, bridge_number: int, number: int) -> bool: ...
    def meters(self, bridge_number: int) -> list[MeterTuple]: ...
    def set_frag_handling(self, bridge_number: int, mode: int) -> None: ...
    def frag_handling(self, bridge_number: int) -> int: ...
    def set_table_miss(self, bridge_number: int, table: int, miss: int) -> None: ...
