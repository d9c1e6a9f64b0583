"""From the database to the datapath: makes what runs equal to what is configured.

Follows bridge_reconfigure() of ovs-vswitchd's bridge.c: first everything that is no longer wanted goes, then what
is missing comes, then every Port, Mirror and Bridge takes its settings. It is called after each transaction and
compares by name, so what did not change keeps its counters and what it learned.
"""

from __future__ import annotations

from vswitch.errors import ConfigError
from vswitch.light_typing import TYPE_CHECKING
from vswitch.ovsdb.rows import Row
from vswitch.switch.bridge import OFPP_LOCAL, Bridge
from vswitch.switch.port import Port
from vswitch.switch.port_vlans import PRIORITY_TAGS, VLAN_MODES, port_vlans
from vswitch.switch.table_limits import table_limits, table_prefixes
from vswitch.switch.tunnels import TUNNEL_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vswitch.switch.node import SwitchNode
    from vswitch.switch.tunnel_config import TunnelConfig

    WantedPorts = list[tuple[Row, list[Row]]]  # Port rows with their Interface rows

PLAIN_TYPES = frozenset({"", "system", "internal", "tap", "dummy", "dummy-internal"})
SUPPORTED_TYPES = PLAIN_TYPES | {"patch", *TUNNEL_TYPES}
MAX_MIRRORS = 32
MAX_REQUESTED_OFPORT = 0xFEFF
AUTOMATIC_OFPORTS = 32768  # automatic numbers stay below
TUNNEL_HWADDR = 0x020000000000  # of a tunnel's device, plus the port's number; in OVS it is random
OFPORT_REUSE_NS = 3600 * 10**9  # a number rests for an hour after its port went away
DEFAULT_AGEING_TIME_S = 300
DEFAULT_MAC_TABLE_SIZE = 8192
DEFAULT_MCAST_TABLE_SIZE = 2048


def check_supported(rows: Iterable[Row]) -> None:
    """Refuse what no bridge of ours can do yet: a database's veto, asked before anything is committed.

    Raises
    ------
    ConfigError
        Names the row and what is not supported.
    """
    for row in rows:
        table = row.schema.name
        if table == "Interface" and row.text("type") not in SUPPORTED_TYPES:
            raise ConfigError(
                f"Interface {row.name}: type={row.text('type')} is not supported yet",
                key="type",
                hint="supported are no type, system, internal, tap, dummy, patch, vxlan, gre, ip6gre and geneve",
            )
        if table == "Port" and row.text("lacp") in ("active", "passive"):
            raise ConfigError(
                f"Port {row.name}: lacp={row.text('lacp')} is not supported yet",
                key="lacp",
                hint="a bond without LACP is: active-backup or balance-slb",
            )
        for column in ("stp_enable", "rstp_enable") if table == "Bridge" else ():
            if row[column]:
                raise ConfigError(f"Bridge {row.name}: {column}=true is not supported yet", key=column)


def reconfigure(node: SwitchNode) -> None:
    """Apply the database of `node` to its datapath, and write state back into the rows."""
    wanted = {row.name: row for row in node.db.root.rows("bridges")}
    ports = {name: [(port, port.rows("interfaces")) for port in row.rows("ports")] for name, row in wanted.items()}
    _delete_unwanted(node, wanted, ports)
    node.datapath.set_vlan_limit(_int(node.db.root.map("other_config").get("vlan-limit"), 1))
    for name, row in wanted.items():
        if name not in node.bridges_by_name:
            node.bridges_by_name[name] = Bridge(node, row, node.datapath.add_bridge())
            node.datapath.name_bridge(node.bridges_by_name[name].number, name)
    n_ports = node.datapath.n_ports
    for bridge in node.bridges_by_name.values():
        _add_ports(node, bridge, ports[bridge.name])
    _connect_patch_ports(node)
    _configure_tunnels(node)
    if node.datapath.n_ports != n_ports:
        node.port_map.note_changes()
    for bridge in node.bridges_by_name.values():
        bridge.note_ports()
        _configure_hwaddr(node, bridge)
        _configure_ports(node, bridge, ports[bridge.name])
        _configure_mirrors(node, bridge)
        _configure_bridge(node, bridge)
        _configure_mcast_snooping(node, bridge)
        bridge.set_limits(table_limits(bridge.row))
        bridge.set_prefixes(table_prefixes(bridge.row))
        bridge.set_fail_mode("secure" if bridge.row.text("fail_mode") == "secure" else "standalone")


# What is no longer wanted.


def _delete_unwanted(node: SwitchNode, wanted: dict[str, Row], wanted_ports: dict[str, WantedPorts]) -> None:
    for bridge in list(node.bridges_by_name.values()):
        row = wanted.get(bridge.name)
        if row is not bridge.row:
            for number in bridge.bundles.values():
                node.datapath.remove_bundle(bridge.number, number)
            bridge.bonds.clear()
            for name in list(bridge.ports_by_name):
                _delete_port(node, bridge, name)
            node.datapath.remove_bridge(bridge.number)
            del node.bridges_by_name[bridge.name]
            continue
        ports = {port.name: interfaces for port, interfaces in wanted_ports[bridge.name]}
        for name in [name for name in bridge.bundles if name not in ports]:
            _delete_bundle(node, bridge, name)
        interfaces = {row.name: row for rows in ports.values() for row in rows}
        for name, port in list(bridge.ports_by_name.items()):
            if interfaces.get(name) is not port.row or port.row.text("type") != port.type or (
                set_up_error(node, port.row, port.number)
            ):
                _delete_port(node, bridge, name)
        _free_requested_ofports(node, bridge)
        for name, rows in ports.items():
            if name in bridge.bundles and not any(row.name in bridge.ports_by_name for row in rows):
                # Its only interface went for another number or type: what comes back is a new port to OVS.
                _delete_bundle(node, bridge, name)


def _free_requested_ofports(node: SwitchNode, bridge: Bridge) -> None:
    """A port that requests another number goes, and comes back with it; so does one that sits there unasked."""
    numbers = {port.ofport: port for port in bridge.ports_by_name.values()}
    for port in list(bridge.ports_by_name.values()):
        requested = _requested_ofport(port.row)
        if port.name not in bridge.ports_by_name or port.ofport == OFPP_LOCAL or requested in (None, port.ofport):
            continue
        victim = numbers.get(requested) if requested is not None else None
        if victim is not None and _requested_ofport(victim.row) == requested:
            continue
        _delete_port(node, bridge, port.name)
        if victim is not None and victim.name in bridge.ports_by_name:
            _delete_port(node, bridge, victim.name)


def _delete_bundle(node: SwitchNode, bridge: Bridge, name: str) -> None:
    """The mirrors that send there go too; those that are still wanted come back, each with the first free number."""
    number = bridge.bundles.pop(name)
    bridge.bonds.pop(name, None)
    bridge.applied.pop(name, None)
    node.datapath.remove_bundle(bridge.number, number)
    for uuid in [uuid for uuid, out in bridge.mirror_outputs.items() if out == number]:
        del bridge.mirrors[uuid], bridge.mirror_outputs[uuid]


def _delete_port(node: SwitchNode, bridge: Bridge, name: str) -> None:
    port = bridge.ports_by_name.pop(name)
    bridge.used_ofports[port.ofport] = node.datapath.now_ns
    node.underlay.forget(port)
    node.tunnels.remove(port.number)
    if port.dp_port is not None:
        node.dp_ports.release(name)
    node.datapath.remove_port(port.number)
    node.ports_by_number.pop(port.number)


# What is missing.


def _add_ports(node: SwitchNode, bridge: Bridge, ports: WantedPorts) -> None:
    """Ports with a requested number first, so that automatic ones keep out of their way."""
    missing = []
    for _, interfaces in ports:
        for interface in interfaces:
            error = set_up_error(node, interface)
            if error:
                node.db.set_state(interface, ofport=-1, error=error, mac_in_use=None)
            elif interface.name not in bridge.ports_by_name:
                missing.append(interface)
    requested = [row for row in missing if _requested_ofport(row) is not None or row.name == bridge.name]
    for row in requested + [row for row in missing if row not in requested]:
        ofport = _choose_ofport(node, bridge, row)
        config = tunnel_config(row)
        if config is not None and node.tunnels.would_conflict(config):
            error = f"could not add network device {row.name} to ofproto (File exists)"
            node.db.set_state(row, ofport=-1, error=error, mac_in_use=None)
            continue
        number = node.datapath.add_port(bridge.number, ofport, row.text("type") == "patch")
        node.datapath.name_port(number, row.name)
        port = Port(node.datapath, bridge, row, ofport, number)
        if config is not None:
            port.hwaddr = TUNNEL_HWADDR + number
            node.tunnels.add(port, config)
            node.datapath.set_tunnel(number, config)
        else:
            port.hwaddr = node.next_hwaddr()
            port.dp_port = node.dp_ports.take(row.name, bridge.datapath_type) if not port.is_patch else None
        bridge.ports_by_name[row.name] = port
        bridge.used_ofports.pop(ofport, None)
        node.ports_by_number[number] = port
        node.db.set_state(row, ofport=ofport, error=None)


def set_up_error(node: SwitchNode, row: Row, number: int | None = None) -> str:
    """Why the device of an Interface cannot be; empty if it can. `number` is that of its port if it runs."""
    if row.text("type") in TUNNEL_TYPES:
        from vswitch.switch.tunnel_config import BadTunnel

        try:
            config = tunnel_config(row)
        except BadTunnel as bad:
            return str(bad)
        if config is not None and node.tunnels.conflicts_gbp(number, config):
            return f"{row.name}: VXLAN-GBP, and non-VXLAN-GBP tunnels can't be configured on the same dst_port"
        return ""
    if row.text("type") != "patch":
        return ""
    # OVS set_patch_config()
    options = row.map("options")
    if "peer" not in options:
        return f"{row.name}: patch type requires valid 'peer' argument"
    if len(options) > 1:
        return f"{row.name}: patch type takes only a 'peer' argument"
    return f"{row.name}: patch peer must not be self" if options["peer"] == row.name else ""


def tunnel_config(row: Row) -> TunnelConfig | None:
    """The configuration of a tunnel's Interface, or None; raises BadTunnel."""
    if row.text("type") not in TUNNEL_TYPES:
        return None
    from vswitch.switch.tunnel_config import parse_tunnel_config  # most nodes have none

    return parse_tunnel_config(row.name, row.text("type"), row.map("options"))[0]


def _requested_ofport(row: Row) -> int | None:
    value = row["ofport_request"]
    return value if isinstance(value, int) and 0 < value <= MAX_REQUESTED_OFPORT else None


def _choose_ofport(node: SwitchNode, bridge: Bridge, row: Row) -> int:
    """The requested number if it is free, else the next one (OVS alloc_ofp_port())."""
    if row.name == bridge.name:
        return OFPP_LOCAL
    taken = {port.ofport for port in bridge.ports_by_name.values()}
    requested = _requested_ofport(row)
    if requested is not None and requested not in taken:
        return requested
    kept = row["ofport"]  # of a port that comes back with another type (OVS iface_pick_ofport())
    if isinstance(kept, int) and 0 < kept <= MAX_REQUESTED_OFPORT and kept not in taken:
        return kept
    now_ns = node.datapath.now_ns
    resting: list[tuple[int, int]] = []
    for _ in range(AUTOMATIC_OFPORTS):
        bridge.last_ofport = bridge.last_ofport % (AUTOMATIC_OFPORTS - 1) + 1
        candidate = bridge.last_ofport
        if candidate in taken:
            continue
        since = bridge.used_ofports.get(candidate)
        if since is None or since < now_ns - OFPORT_REUSE_NS:
            return candidate
        resting.append((since, candidate))
    if not resting:
        raise ConfigError(f"bridge {bridge.name} has no OpenFlow port number left for {row.name}", key="ofport_request")
    return min(resting)[1]


def _connect_patch_ports(node: SwitchNode) -> None:
    """A patch port works when both ends name each other (ofproto_port_set_peer())."""
    patches = {port.name: port for port in node.ports_by_number.values() if port.is_patch}
    for port in patches.values():
        peer = patches.get(port.row.map("options").get("peer", ""))
        mutual = peer is not None and peer.row.map("options").get("peer") == port.name
        node.datapath.set_peer(port.number, peer.number if peer is not None and mutual else None)
        problem = f"No usable peer '{port.row.map('options')['peer']}' exists in 'system' datapath."
        node.db.set_state(port.row, error=None if mutual else problem)


def _configure_tunnels(node: SwitchNode) -> None:
    """Tunnels whose options changed run anew; one that has become like another carries nothing."""
    wanted = {port: config for port in node.ports() if (config := tunnel_config(port.row)) is not None}
    changed = []
    for port, config in wanted.items():
        tunnel = node.tunnels.of_port(port.number)
        if tunnel is None or tunnel.config != config:
            node.tunnels.remove(port.number)
            changed.append(port)
    for port in changed:
        node.datapath.set_tunnel(port.number, wanted[port], runs=node.tunnels.add(port, wanted[port]))


# Settings.


def _configure_hwaddr(node: SwitchNode, bridge: Bridge) -> None:
    """The bridge's address: as configured, or its own (find_local_hw_addr() finds no better one among dummies)."""
    local = bridge.ports_by_name.get(bridge.name)
    text = bridge.row.map("other_config").get("hwaddr", "")
    try:
        address = int(text.replace(":", ""), 16) if len(text) == 17 else 0
    except ValueError:
        address = 0
    if not bridge.hwaddr:
        bridge.hwaddr = local.hwaddr if local is not None else node.next_hwaddr()
    if address and not address >> 40 & 1:
        bridge.hwaddr = address
    if local is not None:
        local.hwaddr = node.underlay.link_addresses.get(bridge.name, bridge.hwaddr)
    for port in bridge.ports_by_name.values():
        if port.published_hwaddr != port.hwaddr:
            port.published_hwaddr = port.hwaddr
            node.datapath.set_port_mac(port.number, port.hwaddr)
            text = f"{port.hwaddr:012x}"
            node.db.set_state(port.row, mac_in_use=":".join(text[i : i + 2] for i in range(0, 12, 2)))
    node.db.set_state(bridge.row, datapath_id=f"{bridge.datapath_id:016x}")


def _configure_ports(node: SwitchNode, bridge: Bridge, ports: WantedPorts) -> None:
    for row, interfaces in ports:
        members = [bridge.ports_by_name[row.name] for row in interfaces if row.name in bridge.ports_by_name]
        if not members:
            continue  # none of its interfaces could be set up
        if row.name not in bridge.bundles:
            bridge.bundles[row.name] = node.datapath.add_bundle(bridge.number)
        state = (row.version, *(interface.version for interface in interfaces), *(port.number for port in members))
        if len(members) == 1 and bridge.applied.get(row.name) == state:
            continue  # nothing changed; a node of a thousand ports is configured by a thousand commands
        bridge.applied[row.name] = state
        vlans = port_vlans(row)
        node.datapath.set_bundle(
            bridge.number,
            bridge.bundles[row.name],
            ports=[port.number for port in members],
            vlan_mode=VLAN_MODES.index(vlans.vlan_mode),
            tag=vlans.tag,
            trunks=vlans.trunks,
            cvlans=vlans.cvlans,
            qinq_ethtype=vlans.qinq_ethtype,
            priority_tags=PRIORITY_TAGS.index(vlans.priority_tags),
            is_protected=bool(row["protected"]),
        )
        for port in members:
            port.apply()
        _configure_bond(bridge, row, members)


def _configure_bond(bridge: Bridge, row: Row, members: list[Port]) -> None:
    if len(members) > 1:
        from vswitch.switch.bond import Bond  # most nodes have none

        if row.name not in bridge.bonds:
            bridge.bonds[row.name] = Bond(bridge, row, bridge.bundles[row.name])
        bridge.bonds[row.name].configure(row, members)
    elif bridge.bonds.pop(row.name, None) is not None:
        bridge.node.datapath.clear_bond(bridge.number, bridge.bundles[row.name])


def _configure_mirrors(node: SwitchNode, bridge: Bridge) -> None:
    wanted = bridge.row.rows("mirrors")
    for uuid in [uuid for uuid in bridge.mirrors if uuid not in {row.uuid for row in wanted}]:
        _clear_mirror(node, bridge, uuid)
    for row in wanted:
        output = row.row("output_port")
        out_vlan = row["output_vlan"]
        is_usable = output.name in bridge.bundles if output is not None else out_vlan is not None
        if not is_usable:
            # As in OVS, a mirror without a destination on its bridge does nothing.
            if row.uuid in bridge.mirrors:
                _clear_mirror(node, bridge, row.uuid)
            continue
        free = sorted(set(range(MAX_MIRRORS)) - set(bridge.mirrors.values()))
        if row.uuid not in bridge.mirrors:
            if not free:
                raise ConfigError(f"bridge {bridge.name} has more than {MAX_MIRRORS} mirrors", key="mirrors")
            bridge.mirrors[row.uuid] = free[0]
        bridge.mirror_outputs[row.uuid] = bridge.bundles[output.name] if output is not None else None
        every = list(bridge.bundles.values())
        snaplen = row["snaplen"]
        vlans = [vid for vid in row.datum("select_vlan") if isinstance(vid, int)]
        node.datapath.set_mirror(
            bridge.number,
            bridge.mirrors[row.uuid],
            sources=every if row["select_all"] else _bundles(bridge, row, "select_src_port"),
            destinations=every if row["select_all"] else _bundles(bridge, row, "select_dst_port"),
            vlans=vlans or None,
            out=bridge.mirror_outputs[row.uuid],
            out_vlan=out_vlan if isinstance(out_vlan, int) else 0,
            snaplen=snaplen if isinstance(snaplen, int) else 0,
        )


def _clear_mirror(node: SwitchNode, bridge: Bridge, uuid: object) -> None:
    node.datapath.clear_mirror(bridge.number, bridge.mirrors.pop(uuid))
    del bridge.mirror_outputs[uuid]


def _bundles(bridge: Bridge, row: Row, column: str) -> list[int]:
    return [bridge.bundles[port.name] for port in row.rows(column) if port.name in bridge.bundles]


def _configure_bridge(node: SwitchNode, bridge: Bridge) -> None:
    other = bridge.row.map("other_config")
    node.datapath.set_bridge(
        bridge.number,
        forward_bpdu=other.get("forward-bpdu", "").lower() == "true",
        ageing_time_s=_unsigned(other.get("mac-aging-time")) or DEFAULT_AGEING_TIME_S,
        mac_table_size=_unsigned(other.get("mac-table-size")) or DEFAULT_MAC_TABLE_SIZE,
        flood_vlans=[vid for vid in bridge.row.datum("flood_vlans") if isinstance(vid, int)] or None,
    )


def _configure_mcast_snooping(node: SwitchNode, bridge: Bridge) -> None:
    other = bridge.row.map("other_config")
    if not bridge.row["mcast_snooping_enable"]:
        node.datapath.clear_mcast_snooping(bridge.number)
        return
    node.datapath.set_mcast_snooping(
        bridge.number,
        ageing_time_s=_unsigned(other.get("mcast-snooping-aging-time")) or DEFAULT_AGEING_TIME_S,
        table_size=_unsigned(other.get("mcast-snooping-table-size")) or DEFAULT_MCAST_TABLE_SIZE,
        flood_unregistered=other.get("mcast-snooping-disable-flood-unregistered", "").lower() != "true",
    )
    for row in bridge.row.rows("ports"):
        if row.name not in bridge.bundles:
            continue
        port = row.map("other_config")
        node.datapath.set_mcast_port(
            bridge.number,
            bridge.bundles[row.name],
            flood=port.get("mcast-snooping-flood", "").lower() == "true",
            flood_reports=port.get("mcast-snooping-flood-reports", "").lower() == "true",
        )


def _int(text: str | None, default: int) -> int:
    """A number as OVS's smap_get_int() reads it."""
    try:
        return int(text, 0) if text else default
    except ValueError:
        return default


def _unsigned(text: str | None) -> int:
    """The same, as OVS then hands it on: a negative number is a very large one, which the MAC table cuts down."""
    value = _int(text, 0)
    return min(value, 0xFFFFFFFF) if value >= 0 else 0xFFFFFFFF
