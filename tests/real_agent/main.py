"""Run the real agent on models: main.py FOLDER..., each with a model.json; what it did becomes FOLDER/done.json.

Runs where Neutron 29 is installed (``pip install neutron==29.0.0``), as a program of its own: the agent has much that
is global. A model may have ``steps``, each ``["plug", [NAME]]``, ``["unplug", [NAME]]`` or ``["set", {NAME: {...}}]``;
a poll follows each.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
import warnings
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fake_server import Server  # noqa: E402
from fake_switch import SWITCH, IntegrationBridge, PhysicalBridge, TunnelBridge  # noqa: E402
from neutron.agent import firewall as firewall_base  # noqa: E402
from neutron.agent.common import ovs_lib  # noqa: E402
from neutron.agent.l2.extensions import qos as qos_extension  # noqa: E402
from neutron.agent.linux import ip_conntrack  # noqa: E402
from neutron.agent.linux.openvswitch_firewall import firewall, iptables  # noqa: E402
from neutron.conf import common as common_conf  # noqa: E402
from neutron.conf.agent import common as agent_conf  # noqa: E402
from neutron.conf.agent import ovs_conf, securitygroups_rpc  # noqa: E402
from neutron.conf.plugins.ml2 import config as ml2_conf  # noqa: E402
from neutron.conf.plugins.ml2.drivers import ovs_conf as driver_conf  # noqa: E402
from neutron.plugins.ml2.drivers.l2pop import rpc as l2pop_rpc  # noqa: E402
from neutron.plugins.ml2.drivers.openvswitch.agent import ovs_agent_extension_api as extension_api  # noqa: E402
from neutron.plugins.ml2.drivers.openvswitch.agent import ovs_neutron_agent  # noqa: E402
from neutron.plugins.ml2.drivers.openvswitch.agent.extension_drivers import qos_driver  # noqa: E402
from neutron_lib import constants  # noqa: E402
from oslo_config import cfg  # noqa: E402

Json = dict[str, Any]


def configure(model: Json) -> list[str]:
    """Tell oslo.config the options of a model; returns the extensions."""
    conf = cfg.CONF
    common_conf.register_core_common_config_opts()
    driver_conf.register_ovs_agent_opts()
    agent_conf.register_agent_state_opts_helper(conf)
    securitygroups_rpc.register_securitygroups_opts(conf)
    ovs_conf.register_ovs_agent_opts(conf)
    agent_conf.register_root_helper(conf)
    ml2_conf.register_ml2_plugin_opts()
    extensions: list[str] = []
    for section, options in model["agent_config_overrides"].items():
        for name, value in options.items():
            if name == "extensions":
                extensions = value.split(",")
            else:
                conf.set_override(name, conf[section]._group._opts[name]["opt"].type(value), group=section)
    if model["local_ip"]:
        conf.set_override("local_ip", model["local_ip"], group="OVS")
    conf.set_override("host", model["host"])
    conf.set_override("report_interval", 0, group="AGENT")
    for word in conf.OVS.bridge_mappings:
        bridge = word.split(":")[1]
        SWITCH.bridges[bridge] = {}
        for nic in model["nics"].get(bridge, []):
            SWITCH.add_port(bridge, nic)
    return extensions


class Extensions:
    """The manager of extensions, with QoS or without."""

    def __init__(self, names: list[str], server: Server) -> None:
        self._names, self._server = names, server
        self._qos: Any = None

    def names(self) -> list[str]:
        return self._names

    def initialize(self, _: Any, __: Any, api: Any) -> None:
        if "qos" in self._names:
            self._qos = qos_extension.QosAgentExtension()
            self._qos.resource_rpc = self._server
            self._qos.policy_map = qos_extension.PortPolicyMap()
            self._qos.qos_driver = qos_driver.QosOVSAgentDriver()
            self._qos.qos_driver.consume_api(api)
            self._qos.qos_driver.initialize()

    def handle_port(self, context: Any, details: Json) -> None:
        if self._qos:
            self._qos.handle_port(context, details)

    def delete_port(self, context: Any, details: Json) -> None:
        if self._qos:
            self._qos.delete_port(context, details)


def make_agent(server: Server, extensions: list[str]) -> Any:
    """The agent, with the fakes around it."""

    def setup_rpc(agent: Any) -> None:
        agent.plugin_rpc = agent.sg_plugin_rpc = agent.dvr_plugin_rpc = server
        agent.state_rpc, agent.context, agent.connection = mock.Mock(), mock.Mock(), mock.Mock()

    def api(br_int: Any, _: Any, phys_brs: Json, *__: Any, **___: Any) -> Any:
        return SimpleNamespace(request_int_br=lambda: br_int, request_phy_brs=lambda: iter(phys_brs.values()))

    def driver(name: str) -> Any:
        return firewall.OVSFirewallDriver if name == "openvswitch" else firewall_base.NoopFirewallDriver

    agent_class = ovs_neutron_agent.OVSNeutronAgent
    base = SimpleNamespace(get_bridges=lambda: list(SWITCH.bridges), capabilities={})
    with ExitStack() as patches:
        for owner, name, replacement in (
            (agent_class, "setup_rpc", setup_rpc),
            (agent_class, "setup_ancillary_bridges", lambda *_: []),
            (agent_class, "_check_agent_configurations", lambda _: None),
            (ovs_lib, "BaseOVS", lambda *_: base),
            (iptables, "Helper", mock.Mock()),
            (ip_conntrack, "OvsIpConntrackManager", mock.Mock()),
            (extension_api, "OVSAgentExtensionAPI", api),
            (firewall_base, "load_firewall_driver_class", driver),
        ):
            patches.enter_context(mock.patch.object(owner, name, replacement))
        classes = {"br_int": IntegrationBridge, "br_tun": TunnelBridge, "br_phys": PhysicalBridge}
        agent = agent_class(classes, Extensions(extensions, server), cfg.CONF)
    agent.ovs_restarted, agent.iter_num = False, 1
    if agent.enable_tunneling:
        agent.tunnel_sync()
    return agent


def far_stations(server: Server) -> Json:
    """What l2population tells."""
    entries = {}
    for name, by_address in server.model["l2pop_remote_fdb"].items():
        network = server.networks[name]
        ports = {
            address: [constants.FLOODING_ENTRY, *(l2pop_rpc.PortInfo(*station) for station in stations)]
            for address, stations in by_address.items()
        }
        entries[network["id"]] = {"network_type": network["type"], "segment_id": network["seg"], "ports": ports}
    return entries


def live(agent: Any, server: Server, steps: list[Any]) -> None:
    """Do the steps, with a poll after each."""
    ids: set[str] = set()
    for what, about in steps:
        concerned = {server.ports[name]["id"] for name in about}
        info: dict[str, set[str]] = {"added": set(), "updated": set(), "removed": set()}
        if what == "plug":
            for name in about:
                port = server.ports[name]
                tag = 4095 if port["owner"].startswith("network:") else None
                SWITCH.add_port(agent.int_br.br_name, port["ifname"], vif_id=port["id"], mac=port["mac"])
                agent.int_br.ports[port["ifname"]]["tag"] = tag
            info["added"] = concerned
        elif what == "unplug":
            for name in about:
                ofport = agent.int_br.ports.pop(server.ports[name]["ifname"])["ofport"]
                if agent.prevent_arp_spoofing:
                    agent.int_br.delete_arp_spoofing_protection(port=ofport)
                agent.int_br.uninstall_flows(in_port=ofport)
            info["removed"] = concerned
        else:
            change(agent, server, about)
            info["updated"] = concerned
        ids = (ids | info["added"]) - info["removed"]
        agent.process_network_ports({**info, "current": set(ids)}, False)
        if agent.l2_pop:
            agent.fdb_add(None, far_stations(server))


def change(agent: Any, server: Server, about: Json) -> None:
    groups: set[str] = set()
    for name, new in about.items():
        before = list(server.ports[name]["sgs"])
        server.ports[name].update(new)
        if {"sgs", "aaps"} & new.keys():
            groups |= {server.groups[group]["id"] for group in (*before, *server.ports[name]["sgs"])}
    if groups and not agent.prevent_arp_spoofing:
        agent.sg_agent.security_groups_member_updated(groups)


def run(folder: Path) -> None:
    model = json.loads((folder / "model.json").read_text())
    extensions = configure(model)
    server = Server(model)
    agent = make_agent(server, extensions)
    n_start = len(SWITCH.done)
    plugged = [port["name"] for port in model["ports"] if port["plug"] and not port["remote"]]
    live(agent, server, model.get("steps") or [["plug", [name]] for name in plugged])
    result = {"done": SWITCH.done, "n_start": n_start, "bridges": SWITCH.bridges}
    (folder / "done.json").write_text(json.dumps(result))


def main() -> None:
    logging.disable(logging.CRITICAL)
    for folder in map(Path, sys.argv[1:]):
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        try:
            run(folder)
        except Exception:
            (folder / "error.txt").write_text(traceback.format_exc())
        os._exit(0)


if __name__ == "__main__":
    main()
