from typing_extensions import disjoint_base

from vswitch.datapath.bonds import Bonds

STATUS: dict[int, str]
_FlowRow = tuple[int, int, int, bytes, int, int, int, int, int, bytes, int, int, int, int, int]

@disjoint_base
class Flows(Bonds):
    @property
    def n_frames(self) -> int: ...
    def flow_mod(
        self,
        bridge_number: int,
        command: int,
        *,
        table: int,
        priority: int = 0,
        match: bytes = b"",
        cookie: int = 0,
        cookie_mask: int = 0,
        new_cookie: int = 0,
        modify_cookie: bool = False,
        idle_timeout: int = 0,
        hard_timeout: int = 0,
        importance: int = 0,
        flags: int = 0,
        actions: bytes = b"",
        out_port: int = 0xFFFF,
        out_group: int = 0xFFFFFFFF,
        delete_reason: int = 2,
    ) -> tuple[str, list[int], list[int]]: ...
    def flows(
        self,
        bridge_number: int,
        *,
        table: int = 255,
        match: bytes = b"",
        cookie: int = 0,
        cookie_mask: int = 0,
        out_port: int = 0xFFFF,
        out_group: int = 0xFFFFFFFF,
        strict: bool = False,
        priority: int = 0,
    ) -> list[_FlowRow]: ...
    def set_table_limit(
        self,
        bridge_number: int,
        table: int,
        max_flows: int | None,
        *,
        evicts: bool = False,
        pieces: tuple[int, ...] = (),
    ) -> list[int]: ...
    def set_table_evicting(self, bridge_number: int, table: int, evicts: bool) -> None: ...
    def set_table_prefixes(
        self, bridge_number: int, table: int, fields: list[tuple[int, int, int, int]] | None
    ) -> None: ...
    def take_flow_removed(self, bridge_number: int) -> list[tuple[_FlowRow, int, int]]: ...
    def n_flows(self, bridge_number: int) -> int: ...
    def begin_bundle(self, bridge_number: int) -> None: ...
    def commit_bundle(self, bridge_number: int) -> None: ...
    def rollback_bundle(self, bridge_number: int) -> None: ...
