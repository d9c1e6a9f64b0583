"""Trunks: a VM with VLANs has a bridge of its own, with a patch pair to br-int for itself and for each subport.

Sources: nova's os-vif (the bridge and the VM's device), services/trunk/drivers/openvswitch/agent/.
"""

from __future__ import annotations

import json

from vswitch.neutron.agent import plugging
from vswitch.neutron.agent.commands import setting
from vswitch.neutron.agent.names import device_name, trunk_bridge, trunk_patch
from vswitch.neutron.agent.switch import Switch, Vif
from vswitch.neutron.cloud import Port, Trunk

PARENT, SUB = "t", "s"


def plug(switch: Switch, trunk: Trunk, parent: Port) -> str:
    """nova's part: a bridge with the VM's device; returns its name."""
    bridge = switch.bridge(trunk_bridge(trunk.id))
    switch.commands.rows(f"add-br {bridge.name}", f"set Bridge {bridge.name} datapath_type=system")
    plugging.add_device(switch, bridge, device_name(parent), parent)
    return bridge.name


def wire(switch: Switch, trunk: Trunk, parent: Port) -> list[Vif]:
    """The agent's part: patch pairs to br-int, which then are ports as others are."""
    bridge = trunk_bridge(trunk.id)
    vifs = [_add_pair(switch, bridge, PARENT, parent, 0)]
    vifs += [_add_pair(switch, bridge, SUB, sub.port, sub.segmentation_id) for sub in trunk.sub_ports]
    # The VM's device keeps what is of its trunk, for the day when it is gone.
    ids = {
        "bridge_name": bridge, "trunk_id": trunk.id,
        "subport_ids": json.dumps([sub.port.id for sub in trunk.sub_ports]),
    }  # fmt: skip
    words = " ".join(setting(f"external_ids:{key}", value) for key, value in ids.items())
    switch.commands.rows(f"set Interface {device_name(parent)} {words}")
    return vifs


def unplug(switch: Switch, trunk: Trunk) -> str:
    """nova deletes the bridge of a trunk, with the VM's device; returns its name."""
    name = trunk_bridge(trunk.id)
    switch.commands.rows(f"--if-exists del-br {name}")
    switch.bridges.pop(name, None)
    return name


def unwire(switch: Switch, trunk: Trunk, parent: Port) -> list[Vif]:
    """The agent deletes what was on br-int; returns what is gone."""
    gone = []
    for port in (parent, *(sub.port for sub in trunk.sub_ports)):
        vif = switch.vifs.get(port.id)
        if vif is not None:
            plugging.unplug(switch, vif)
            gone.append(vif)
    return gone


def _add_pair(switch: Switch, bridge_name: str, kind: str, port: Port, tag: int) -> Vif:
    inner, outer = trunk_patch(kind, "i", port.id), trunk_patch(kind, "t", port.id)
    bridge = switch.bridge(bridge_name)
    ids = [setting("external_ids:attached-mac", port.mac_address), setting("external_ids:iface-id", port.id)]
    ofport = switch.add_port(switch.br_int, inner, "type=patch", f"options:peer={outer}", *ids)
    switch.add_port(bridge, outer, "type=patch", f"options:peer={inner}", *ids)
    switch.commands.rows(f"set Port {outer} vlan_mode=access tag={tag}")
    vif = Vif(port, inner, ofport)
    switch.vifs[port.id] = vif
    return vif
