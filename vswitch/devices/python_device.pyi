from collections.abc import Sequence
from typing import Self

from typing_extensions import disjoint_base

from vswitch.datapath.device import CompiledDevice
from vswitch.datapath.fate import FATES as FATES
from vswitch.datapath.fate import FIRST_DROP as FIRST_DROP
from vswitch.devices.device import Device
from vswitch.devices.device import Dropped as Dropped

@disjoint_base
class PythonDevice(CompiledDevice):
    def __new__(cls, name: str, ports: Sequence[str], device: Device) -> Self: ...
    def __init__(self, name: str, ports: Sequence[str], device: Device) -> None: ...
    @property
    def device(self) -> Device: ...
