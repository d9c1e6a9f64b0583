from collections.abc import Sequence
from typing import Self

from typing_extensions import disjoint_base

from vswitch.datapath.device import CompiledDevice
from vswitch.devices.router_config import RouterConfig
from vswitch.errors import ConfigError as ConfigError

@disjoint_base
class Router(CompiledDevice):
    def __new__(cls, name: str, ports: Sequence[str], config: RouterConfig) -> Self: ...
    def __init__(self, name: str, ports: Sequence[str], config: RouterConfig) -> None: ...
    @property
    def config(self) -> RouterConfig: ...
    def configure(self, config: RouterConfig) -> None: ...
    def neighbors(self) -> list[tuple[str, int, int, str]]: ...
