"""A switch that only remembers: what the agent does to its bridges becomes a list; what it asks is answered from it.

Runs where Neutron is installed. Flows go out as OpenFlow messages or as lines for ovs-ofctl, as the agent has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neutron.agent.common import ovs_lib
from neutron.plugins.ml2.drivers.openvswitch.agent.openflow.native import br_int, br_phys, br_tun
from os_ken.ofproto import ofproto_protocol, ofproto_v1_3, ofproto_v1_3_parser

Row = dict[str, Any]
MAX_METER = 10**6


class Datapath(ofproto_protocol.ProtocolDesc):
    """What messages are written for."""

    id = 1

    def __init__(self) -> None:
        super().__init__(version=4)


DATAPATH = Datapath()


class Switch:
    """Rows of ports by bridge, and all that was done, in order."""

    def __init__(self) -> None:
        self.bridges: dict[str, dict[str, Row]] = {}
        self.last_ports: dict[str, int] = {}
        self.done: list[list[Any]] = []

    def add_port(self, bridge: str, name: str, **words: Any) -> int:
        self.last_ports[bridge] = self.last_ports.get(bridge, 0) + 1
        self.bridges.setdefault(bridge, {})[name] = {
            "ofport": self.last_ports[bridge], "tag": None, "other_config": {}, **words,
        }  # fmt: skip
        return self.last_ports[bridge]

    def row(self, name: str) -> Row | None:
        return next((ports[name] for ports in self.bridges.values() if name in ports), None)


SWITCH = Switch()


class Change:
    """A change of the database that is made when it is executed."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.execute = lambda **_: make()


class Transaction:
    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, change: Change) -> None:
        change.execute()


class Database:
    """Of OVSDB the calls that matter for ports; others do nothing."""

    def transaction(self, **_: Any) -> Transaction:
        return Transaction()

    def db_set(self, table: str, name: str, *columns: tuple[str, Any]) -> Change:
        return Change(lambda: (SWITCH.row(name) or {}).update(columns) if table == "Port" else None)

    def db_clear(self, table: str, name: str, column: str) -> Change:
        return self.db_set(table, name, (column, None))

    def __getattr__(self, _: str) -> Callable[..., Change]:
        return lambda *_, **__: Change(lambda: None)


class FakeBridge:
    """Stands before a class of Neutron's bridges."""

    is_hw_offload_enabled = False
    reserved_cookies = frozenset((1, 2))
    default_cookie = 1
    _default_cookie = 1
    _flows_per_port = False
    _highest_protocol_needed = "OpenFlow10"

    def __init__(self, br_name: str, **_: Any) -> None:
        self.br_name = br_name
        self.ports = SWITCH.bridges.setdefault(br_name, {})
        self.ovsdb = Database()
        self.initial_protocols: set[str] = set()

    # Flows

    def _get_dp(self) -> tuple[Any, Any, Any]:
        return DATAPATH, ofproto_v1_3, ofproto_v1_3_parser

    def _send_msg(self, message: Any, **_: Any) -> None:
        message.datapath = DATAPATH
        message.set_xid(1)
        message.serialize()
        SWITCH.done.append([self.br_name, "message", bytes(message.buf).hex()])

    def run_ofctl(self, cmd: str, args: list[str], process_input: str | None = None) -> str:
        SWITCH.done.append([self.br_name, "ofctl", cmd, "--bundle" in args, process_input])
        return ""

    def dump_flows(self, table_id: int | None = None) -> list[Any]:
        return []

    def dump_flows_for_table(self, table: int) -> str:
        return ""

    def request_cookie(self) -> int:
        return 2

    def list_meter_features(self) -> list[Row]:
        return [{"max_meter": MAX_METER, "band_types": 1, "capabilities": 1, "max_bands": 8, "max_color": 0}]

    # Ports

    def add_port(self, name: str, *attributes: tuple[str, Any]) -> int:
        return SWITCH.add_port(self.br_name, name, tunnel=dict(attributes))

    def add_patch_port(self, name: str, _: str) -> int:
        return SWITCH.add_port(self.br_name, name)

    def delete_port(self, name: str) -> None:
        self.ports.pop(name, None)

    def port_exists(self, name: str) -> bool:
        return name in self.ports

    def get_port_ofport(self, name: str) -> int:
        return int(self.ports[name]["ofport"]) if name in self.ports else ovs_lib.INVALID_OFPORT

    def get_vif_port_by_id(self, port_id: str) -> Any:
        for name, row in self.ports.items():
            if row.get("vif_id") == port_id:
                return ovs_lib.VifPort(name, row["ofport"], port_id, row["mac"], self)
        return None

    def get_vifs_by_ids(self, port_ids: list[str]) -> Row:
        return {port_id: self.get_vif_port_by_id(port_id) for port_id in port_ids}

    def get_vif_ports(self, *_: Any) -> list[Any]:
        return []

    def get_ports_attributes(self, _: str, ports: list[str], **__: Any) -> list[Row]:
        return [{"name": name, "tag": self.ports[name]["tag"] or []} for name in ports if name in self.ports]

    def get_bridges(self) -> list[str]:
        return list(SWITCH.bridges)

    # Rows

    def set_db_attribute(self, table: str, name: str, column: str, value: Any, **_: Any) -> None:
        if table == "Port":
            self.ports[name][column] = value

    def db_get_val(self, table: str, name: str, column: str, **_: Any) -> Any:
        if table != "Port":
            return {}
        value = self.ports[name].get(column) if name in self.ports else None
        return dict(value) if isinstance(value, dict) else value if value is not None else []

    def get_value_from_other_config(self, name: str, key: str, value_type: Any = str) -> Any:
        value = self.ports[name]["other_config"].get(key)
        return None if value is None else value_type(value)

    def set_value_to_other_config(self, name: str, key: str, value: Any) -> None:
        self.ports[name]["other_config"][key] = str(value)

    def remove_value_from_other_config(self, name: str, key: str) -> None:
        self.ports.get(name, {"other_config": {}})["other_config"].pop(key, None)

    def create_egress_bw_limit_for_port(self, name: str, rate: int, burst: int) -> None:
        SWITCH.done.append([self.br_name, "police", name, rate, burst])

    def delete_egress_bw_limit_for_port(self, name: str) -> None:
        self.create_egress_bw_limit_for_port(name, 0, 0)

    def _nothing(self, *_: Any, **__: Any) -> None:
        """For what leaves no trace in tables or ports."""

    create = set_secure_mode = setup_controllers = set_igmp_snooping_state = set_igmp_snooping_flood = _nothing
    add_protocols = clear_db_attribute = unset_cookie = clear_bandwidth_qos = _nothing
    update_ingress_bw_limit_for_port = delete_ingress_bw_limit_for_port = _nothing

    def get_datapath_id(self) -> str:
        return "1"


class IntegrationBridge(FakeBridge, br_int.OVSIntegrationBridge):
    pass


class TunnelBridge(FakeBridge, br_tun.OVSTunnelBridge):
    pass


class PhysicalBridge(FakeBridge, br_phys.OVSPhysicalBridge):
    pass
