"""What modules of one agent share: the host's bridges, its ports and the commands that are being collected."""

from __future__ import annotations

from dataclasses import dataclass, field

from vswitch.neutron.agent.commands import Commands
from vswitch.neutron.agent.flows import FlowBatch
from vswitch.neutron.agent.local_vlans import LocalVlan, LocalVlans
from vswitch.neutron.agent.names import patch_name
from vswitch.neutron.agent.options import AgentOptions
from vswitch.neutron.cloud import Network, Port


@dataclass(eq=False)
class Bridge:
    """A bridge of the host and the numbers of its ports, which count up as Open vSwitch gives them."""

    name: str
    last_port: int = 0
    ports: dict[str, int] = field(default_factory=dict)

    def number(self, name: str) -> int:
        """The number of a port, a new one if it has none."""
        port = self.ports.get(name)
        if port is None:
            self.last_port += 1
            port = self.ports[name] = self.last_port
        return port

    def forget(self, name: str) -> None:
        """A port is deleted; its number is not given again."""
        self.ports.pop(name, None)


@dataclass(eq=False)
class Vif:
    """A port as it is on br-int: its device there, with its number and what the agent has made of it."""

    port: Port
    name: str
    ofport: int
    tag: int | None = None
    """Port.tag in the database."""
    local: LocalVlan | None = None
    """What it was wired to last (Port.other_config)."""
    is_trunk_mode: bool = False
    """It was plugged so that nothing passes: vlan_mode and trunks are to be cleared."""
    is_dropped: bool = False
    """There is a flow that drops all it sends."""
    is_up: bool = False
    """neutron-server knows that it is wired."""
    spoof_macs: set[str] = field(default_factory=set)
    """MACs that it may use, as flows (port_security.py)."""

    @property
    def called(self) -> str:
        """What the log calls it: its device, and its name or the VM's."""
        name = self.port.name or self.port.device_id
        return f"{self.name} ({name})" if name else self.name


@dataclass(eq=False)
class Switch:
    """The switch of a host, as its agent has it in mind."""

    host: str
    options: AgentOptions
    commands: Commands = field(default_factory=Commands)
    bridges: dict[str, Bridge] = field(default_factory=dict)
    vifs: dict[str, Vif] = field(default_factory=dict)
    """By id of the port."""
    local_vlans: LocalVlans = field(default_factory=LocalVlans)
    int_ports: dict[str, int] = field(default_factory=dict)
    """Port of br-int that leads to a physical network, by its name."""
    phys_ports: dict[str, int] = field(default_factory=dict)
    """Port of the physical bridge that leads to br-int, by physical network."""
    patch_tun: int = 0
    """Port of br-int that leads to br-tun."""
    patch_int: int = 0
    """Port of br-tun that leads to br-int."""
    dvr_mac: str | None = None
    """None: no distributed routing here."""

    def bridge(self, name: str) -> Bridge:
        """A bridge that is there or comes to be."""
        found = self.bridges.get(name)
        if found is None:
            found = self.bridges[name] = Bridge(name)
        return found

    @property
    def br_int(self) -> Bridge:
        """The integration bridge."""
        return self.bridge(self.options.integration_bridge)

    @property
    def br_tun(self) -> Bridge:
        """The tunnel bridge."""
        return self.bridge(self.options.tunnel_bridge)

    def add_port(self, bridge: Bridge, name: str, *settings: str) -> int:
        """Add a port to a bridge, its interface with `settings`; returns its number."""
        ofport = bridge.number(name)
        words = " ".join((f"ofport_request={ofport}", *settings))
        self.commands.rows(f"add-port {bridge.name} {name}", f"set Interface {name} {words}")
        return ofport

    @property
    def int_flows(self) -> FlowBatch:
        """Flows of br-int."""
        return self.commands.flows(self.options.integration_bridge)

    @property
    def tun_flows(self) -> FlowBatch:
        """Flows of br-tun."""
        return self.commands.flows(self.options.tunnel_bridge)

    def phys_flows(self, physical_network: str) -> FlowBatch:
        """Flows of a physical bridge."""
        return self.commands.flows(self.options.bridge_mappings[physical_network])

    def overlay_flows(self, network: Network) -> FlowBatch:
        """Flows of the bridge that leads out of the host for a network: br-tun or a physical one."""
        return self.phys_flows(str(network.physical_network)) if network.is_physical else self.tun_flows

    def way_out(self, network: Network) -> int | None:
        """Port of br-int that leads out of the host for a network; None where only NORMAL knows."""
        if network.is_tunnelled:
            return self.patch_tun if self.options.enable_tunneling else None
        if network.network_type == "vlan":
            return self.int_ports.get(str(network.physical_network))
        return None

    def patch_names(self, bridge: str) -> tuple[str, str]:
        """The patch pair between br-int and a physical bridge: the end in br-int first."""
        return patch_name(bridge, "int-"), patch_name(bridge, "phy-")
