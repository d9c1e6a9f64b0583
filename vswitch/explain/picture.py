"""Bridges as a picture: boxes of ports, joined by patch links; of several nodes a frame around each, and the wires.

`dot_text` and `topology_dot` say it in Graphviz's language, and `svg_text` lets Graphviz's program ``dot`` draw it.
Colours are few and fixed, so that a page can give them other values in the dark.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from vswitch.errors import VSwitchError
from vswitch.explain.times import duration_text
from vswitch.light_typing import TYPE_CHECKING
from vswitch.switch.port_vlans import PortVlans, port_vlans

if TYPE_CHECKING:
    from vswitch.ovsdb.rows import Row
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.topology import SwitchTopology, Wire

ROWS_PER_COLUMN = 24  # a bridge of many ports grows to the side, not into a ribbon

INK, FAINT, LINE = "#1f2933", "#6b7785", "#9aa5b1"
TITLE, PAPER, OWN, PATCH, MIRROR = "#d6e4f5", "#ffffff", "#f2f4f6", "#e3f1e1", "#fbeed3"


def dot_text(node: SwitchNode) -> str:
    """The bridges of `node` as a graph for Graphviz's ``dot``.

    >>> from vswitch import Node
    >>> node = Node()
    >>> port = node.add_bridge("br0").add_port("p1", tag=10)
    >>> "VLAN 10" in dot_text(node)
    True
    """
    return _graph(f"  {line}" for line in _node_lines(node, ""))


def topology_dot(topology: SwitchTopology) -> str:
    """All nodes as one graph, each with a frame around it, the wires between them, and what stands behind ports.

    >>> from vswitch import load
    >>> topology_dot(load("pcaps/two-hosts-vxlan")).splitlines()[-2]
    '  "host1/br-phy":p5_ -- "host2/br-phy":p5_'
    """
    lines = []
    for i, (name, node) in enumerate(topology.nodes.items()):
        lines += [f"  subgraph cluster{i} {{", f"    label={_quoted(name)}"]
        lines += [f"    {line}" for line in _node_lines(node, f"{name}/")]
        lines.append("  }")
    for i, wire in enumerate(topology.wires):
        lines += [f"  {line}" for line in _wire_lines(topology, f"segment {i + 1}", wire)]
    lines += [f"  {line}" for line in _device_lines(topology)]
    return _graph(lines)


def _device_lines(topology: SwitchTopology) -> Iterable[str]:
    """A device is an ellipse with an edge to each port that it stands behind, named as the device's own port, and one
    to each device that it is linked to, with the names of both ports.
    """
    for name in topology.devices:
        box = _quoted(f"device {name}")
        yield f'{box} [label={_quoted(name)}, shape=ellipse, style=filled, fillcolor="{PAPER}", color="{LINE}"]'
        for plug in topology.device_plugs:
            port = topology.port_at(*plug.at) if plug.device == name else None
            if port is not None:  # else a command adds it later
                label = f" [label={_quoted(plug.port)}]" if plug.port != port.name else ""
                yield f"{_box_name(port.bridge, f'{plug.at[0]}/')}:p{port.number}_ -- {box}{label}"
    for link in topology.device_links:
        near, far = (_quoted(f"device {device}") for device, _ in link.ends)
        tail, head = (_quoted(port) for _, port in link.ends)
        yield f"{near} -- {far} [taillabel={tail}, headlabel={head}]"


def _graph(lines: Iterable[str]) -> str:
    head = [
        "graph switch {",
        f'  graph [rankdir=LR, nodesep=0.35, ranksep=0.9, pad=0.15, bgcolor=transparent, fontname="{FONT}"',
        f'    color="{LINE}", fontcolor="{INK}", style=rounded]',
        f'  node [shape=plain, fontname="{FONT}", fontsize=11, fontcolor="{INK}"]',
        f'  edge [color="{FAINT}", penwidth=1.6, fontname="{FONT}", fontsize=9, fontcolor="{FAINT}"]',
    ]
    return "\n".join([*head, *lines, "}"]) + "\n"


def _node_lines(node: SwitchNode, prefix: str) -> list[str]:
    """The bridges of a node and what joins them; `prefix` stands before their names."""
    bridges = node.bridges()
    lines = []
    for bridge in bridges:
        lines.append(f"{_box_name(bridge, prefix)} [tooltip={_quoted(bridge.name)}, label=<{_box(bridge)}>]")
    return [*lines, *_patch_links(bridges, prefix), *_tunnel_links(node, prefix)]


def _box_name(bridge: Bridge, prefix: str) -> str:
    return _quoted(prefix + bridge.name)


def _wire_lines(topology: SwitchTopology, name: str, wire: Wire) -> list[str]:
    """A cable is an edge; a segment a dot with an edge to each of its ports."""
    ends = [f"{_box_name(port.bridge, f'{node}/')}:p{port.number}_" for node, port in topology.plugs(wire)]
    latency = f" [label={_quoted(duration_text(wire.latency_ns))}]" if wire.latency_ns else ""
    if len(wire.ends) == 2:
        return [f"{' -- '.join(ends)}{latency}"] if len(ends) == 2 else []
    middle = _quoted(name)
    return [f'{middle} [shape=point, width=0.12, color="{FAINT}", tooltip={middle}]'] + [
        f"{end} -- {middle}{latency if i == 0 else ''}" for i, end in enumerate(ends)
    ]


FONT = "Helvetica,Arial,sans-serif"


def svg_text(dot: str) -> str:
    """Let ``dot`` draw a graph.

    Raises
    ------
    VSwitchError
        Graphviz is not installed, or refuses.
    """
    import subprocess

    try:
        done = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=False)
    except FileNotFoundError:
        raise VSwitchError(
            "drawing needs Graphviz, and there is no program dot",
            hint="install the package graphviz, or take the graph itself: vswitch show SETUP --dot",
        ) from None
    if done.returncode:
        raise VSwitchError(f"dot cannot draw: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def vlan_words(vlans: PortVlans) -> str:
    """A port's VLAN settings in few words.

    >>> vlan_words(PortVlans("access", 10, None, None, 0x88A8, "never"))
    'VLAN 10'
    >>> vlan_words(PortVlans("native-untagged", 10, frozenset([10, 20, 21, 22]), None, 0x88A8, "if-nonzero"))
    'trunk 10, 20-22 · native 10 untagged · priority tags if nonzero'
    >>> vlan_words(PortVlans("dot1q-tunnel", 100, None, frozenset([10, 20]), 0x8100, "never"))
    'tunnel in S-VLAN 100 · C-VLANs 10, 20 · TPID 0x8100'
    """
    if vlans.vlan_mode == "access":
        words = [f"VLAN {vlans.tag}"]
    elif vlans.vlan_mode == "dot1q-tunnel":
        words = [f"tunnel in S-VLAN {vlans.tag}"]
        if vlans.cvlans is not None:
            words.append(f"C-VLANs {ranges(vlans.cvlans)}")
        if vlans.qinq_ethtype == 0x8100:
            words.append("TPID 0x8100")
    else:
        words = [f"trunk {'of all VLANs' if vlans.trunks is None else ranges(vlans.trunks)}"]
        if vlans.vlan_mode.startswith("native-"):
            words.append(f"native {vlans.tag} {vlans.vlan_mode.removeprefix('native-')}")
    if vlans.priority_tags != "never":
        words.append(f"priority tags {vlans.priority_tags.replace('-', ' ')}")
    return " · ".join(words)


def ranges(numbers: Iterable[int]) -> str:
    """Numbers with runs written short.

    >>> ranges([10, 20, 21, 22, 30, 31])
    '10, 20-22, 30, 31'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


# The box of a bridge: its name, its ports, its mirrors. Graphviz takes a table in its own subset of HTML.


def _box(bridge: Bridge) -> str:
    cells = [cell for row in bridge.row.rows("ports") for cell in _port_cells(bridge, row)]
    n_columns = -(-len(cells) // ROWS_PER_COLUMN) or 1
    n_rows = -(-len(cells) // n_columns)
    span = f'COLSPAN="{n_columns * 2}"'
    facts = " · ".join(_bridge_facts(bridge))
    below = f'<BR/><FONT POINT-SIZE="9" COLOR="{FAINT}">{_text(facts)}</FONT>' if facts else ""
    body = [f'<TR><TD {span} BGCOLOR="{TITLE}" CELLPADDING="6"><B>{_text(bridge.name)}</B>{below}</TD></TR>']
    for row in range(n_rows):
        line = cells[row::n_rows]
        line += ["<TD></TD><TD></TD>"] * (n_columns - len(line))
        body.append(f"<TR>{''.join(line)}</TR>")
    body += [
        f'<TR><TD {span} BGCOLOR="{MIRROR}" ALIGN="LEFT"><FONT POINT-SIZE="9">{_text(words)}</FONT></TD></TR>'
        for words in map(_mirror_words, bridge.row.rows("mirrors"))
    ]
    return (
        f'<TABLE BORDER="1" COLOR="{LINE}" BGCOLOR="{PAPER}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="4">'
        f'{"".join(body)}</TABLE>'
    )


def _port_cells(bridge: Bridge, row: Row) -> list[str]:
    """Name and settings of a Port's interfaces, two cells each."""
    names = [interface.name for interface in row.rows("interfaces")]
    members = [bridge.ports_by_name[name] for name in names if name in bridge.ports_by_name]
    words = vlan_words(port_vlans(row))
    if row["protected"]:
        words += " · protected"
    cells = []
    for port in members:
        own = port.name == bridge.name
        colour = PATCH if port.is_patch else OWN if own else PAPER
        facts = [] if own and words == "trunk of all VLANs" else [words]
        if port.is_tunnel:
            facts = [f"{port.type} to {port.row.map('options').get('remote_ip', '')}"]
        if own:
            facts.insert(0, "the bridge's own port")
        if len(members) > 1:
            facts.insert(0, f"bond {row.name}")
        facts += sorted(port.config)
        if port.mtu:
            facts.append(f"MTU {port.mtu}")
        name = f"p{port.number}"
        cells.append(
            f'<TD ALIGN="LEFT" BGCOLOR="{colour}" PORT="{name}">{_text(port.name)}</TD>'
            f'<TD ALIGN="RIGHT" BGCOLOR="{colour}" PORT="{name}_"><FONT POINT-SIZE="9" COLOR="{FAINT}">'
            f"{_text(' · '.join(facts))}</FONT></TD>"
        )
    return cells


def _bridge_facts(bridge: Bridge) -> list[str]:
    facts = []
    if bridge.fail_mode == "secure":
        facts.append("fail mode secure")
    if bridge.row["mcast_snooping_enable"]:
        facts.append("multicast snooping")
    flood = [vid for vid in bridge.row.datum("flood_vlans") if isinstance(vid, int)]
    if flood:
        facts.append(f"floods VLANs {ranges(flood)}")
    return facts


def _mirror_words(row: Row) -> str:
    sources = [port.name for port in row.rows("select_src_port")]
    destinations = [port.name for port in row.rows("select_dst_port")]
    what = []
    if row["select_all"]:
        what.append("all")
    if sources:
        what.append(f"from {', '.join(sources)}")
    if destinations:
        what.append(f"to {', '.join(destinations)}")
    vlans = [vid for vid in row.datum("select_vlan") if isinstance(vid, int)]
    if vlans:
        what.append(f"VLANs {ranges(vlans)}")
    output = row.row("output_port")
    out_vlan = row["output_vlan"]
    where = output.name if output is not None else f"VLAN {out_vlan}" if out_vlan is not None else "nowhere"
    return f"mirror {row.name}: {', '.join(what) or 'nothing'} → {where}"


def _tunnel_links(node: SwitchNode, prefix: str) -> list[str]:
    """A dashed edge from each tunnel to the port whose packets carry its frames."""
    devices = {port.name: port for port in node.ports() if port.has_cable}
    links = []
    for tunnel in node.tunnels.all():
        remote, mark = tunnel.config.remote, tunnel.config.egress_pkt_mark or 0
        way = node.underlay.lookup(remote, mark) if isinstance(remote, int) else None
        device = devices.get(way[2]) if way is not None else None
        if device is not None:
            here = f"{_box_name(tunnel.port.bridge, prefix)}:p{tunnel.port.number}_"
            links.append(f"{here} -- {_box_name(device.bridge, prefix)}:p{device.number} [style=dashed]")
    return sorted(links)


def _patch_links(bridges: Iterable[Bridge], prefix: str) -> list[str]:
    """An edge for each pair of patch ports that name each other; a dotted stump for one whose peer is missing."""
    patches = {port.name: port for bridge in bridges for port in bridge.ports() if port.is_patch}
    links = []
    for port in patches.values():
        peer = patches.get(port.row.map("options").get("peer", ""))
        here = f"{_box_name(port.bridge, prefix)}:p{port.number}_"
        if peer is None or peer.row.map("options").get("peer") != port.name:
            stump = _quoted(f"{prefix}{port.name} has no peer")
            links.append(f'{stump} [label=<<FONT COLOR="{FAINT}" POINT-SIZE="9">no peer</FONT>>]')
            links.append(f"{here} -- {stump} [style=dotted]")
        elif port.number < peer.number:
            links.append(f"{here} -- {_box_name(peer.bridge, prefix)}:p{peer.number}")
    return links


def _text(text: str) -> str:
    # Graphviz's parser of tables takes no control characters, and reads a backslash as an escape.
    printable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return escape(printable).replace("\\", "&#92;")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
