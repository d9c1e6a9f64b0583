from typing_extensions import disjoint_base

from vswitch.datapath.groups import Groups

KINDS: dict[str, int]

@disjoint_base
class TunnelPorts(Groups):
    def set_tlv_map(self, bridge: int, options: list[tuple[int, int, int, bytes]]) -> None: ...
    def set_tunnel(self, number: int, config: object, *, runs: bool = True) -> None: ...
