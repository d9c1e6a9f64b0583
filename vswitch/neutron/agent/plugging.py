"""How ports come to br-int: a VM's by nova (os-vif), a router's or DHCP server's by the L3 and DHCP agents.

Nothing passes before the agent has wired a port, as it is on the dead VLAN; a port of the L3 and DHCP agents is made a
trunk of that VLAN besides, so that not even frames without a tag get to it (ovs_lib.py, _set_port_dead()).
"""

from __future__ import annotations

from vswitch.neutron.agent.commands import setting
from vswitch.neutron.agent.names import device_name
from vswitch.neutron.agent.switch import Bridge, Switch, Vif
from vswitch.neutron.agent.tables import DEAD_VLAN
from vswitch.neutron.cloud import NETWORK_OWNED, Port


def is_internal(port: Port) -> bool:
    """True for a port that an agent plugs, not nova."""
    return port.device_owner.startswith(NETWORK_OWNED)


def plug(switch: Switch, port: Port) -> Vif:
    """Add the device of a port to br-int."""
    name = device_name(port)
    if is_internal(port):
        ofport = add_device(switch, switch.br_int, name, port, "type=internal")
        switch.commands.rows(f"set Port {name} tag={DEAD_VLAN} vlan_mode=trunk trunks={DEAD_VLAN}")
        vif = Vif(port, name, ofport, tag=DEAD_VLAN, is_trunk_mode=True)
    else:
        ofport = add_device(switch, switch.br_int, name, port)
        vif = Vif(port, name, ofport)
        if switch.options.isolate_vif:
            switch.commands.rows(f"set Port {name} tag={DEAD_VLAN}")
            vif.tag = DEAD_VLAN
    switch.vifs[port.id] = vif
    return vif


def add_device(switch: Switch, bridge: Bridge, name: str, port: Port, *settings: str) -> int:
    """Add the device of a port to a bridge; returns its number."""
    ids = {"attached-mac": port.mac_address, "iface-id": port.id, "iface-status": "active"}
    if port.device_id and not is_internal(port):
        ids["vm-uuid"] = port.device_id
    words = (setting(f"external_ids:{key}", value) for key, value in ids.items())
    return switch.add_port(bridge, name, *settings, *words)


def unplug(switch: Switch, vif: Vif) -> None:
    """Delete the device of a port; what the agent has made for it remains until it looks."""
    switch.commands.rows(f"--if-exists del-port {switch.br_int.name} {vif.name}")
    switch.br_int.forget(vif.name)
    del switch.vifs[vif.port.id]
