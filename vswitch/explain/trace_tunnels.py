"""Tunnels in a trace: what a frame gets in front of it, and where a tunnel ends.

`push` follows tnl_port_send() of ofproto/tunnel.c and native_tunnel_output() of ofproto-dpif-xlate: the outer headers
come from the port or the flow, the way from the routes, the neighbour's MAC from what is known; then the outer
headers, as a key, walk through the bridge underneath, where Open vSwitch does not show what is looked at.
`listening_tunnel` is terminate_native_tunnel(): is what leaves at a device for a tunnel that ends here? What is inside
is then followed by whoever follows frames further than ``ofproto/trace`` does (journey.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from vswitch.datapath.tunnel_walk import options_written, outer_source_port
from vswitch.explain import datapath_actions as dp
from vswitch.explain.explanation import TraceNode
from vswitch.switch.ip_addresses import IPV4_MAPPED, ip_text, is_ipv4
from vswitch.tables.flow_key import MEMBER_OFFSETS

if TYPE_CHECKING:
    from vswitch.explain.datapath_actions import Words
    from vswitch.explain.trace_program import Run
    from vswitch.switch.bridge import Bridge
    from vswitch.switch.node import SwitchNode
    from vswitch.switch.port import Port
    from vswitch.switch.tunnel_config import TunnelConfig
    from vswitch.switch.tunnel_port_map import ListeningPort

UDP, GRE = 17, 47
OAM, DONT_FRAGMENT, CSUM, KEY = 1, 2, 4, 8  # tun_flags
ECN, ECN_CE, ECN_ECT_0, DSCP = 0x03, 0x03, 0x02, 0xFC
_VPORT_TYPES = {"gre": 3, "vxlan": 4, "geneve": 5}  # enum ovs_vport_type
_VPORT_TYPE_IP6GRE = 109
_ETH_LEN, _UDP_LEN, _VXLAN_LEN, _GENEVE_LEN, _GRE_LEN = 14, 8, 8, 8, 4
_TRANSPARENT_ETHERNET = 0x6558
_ARP_REPLY, _NEIGHBOR_ADVERT = 2, 136
_SOLICITED_NODE = 0xFF02 << 112 | 0x1FF000000  # RFC 4291 section 2.7.1
_TUNNEL_FIELDS = ("tun_src", "tun_dst", "tun_id", "tun_tos", "tun_ttl", "tun_flags")


class Payload(NamedTuple):
    """What is in a frame besides the fields of its key: its bytes as they came, or what a tunnel was put around."""

    data: bytes = b""
    inside: Inside | None = None


class Inside(NamedTuple):
    """A frame in a tunnel."""

    kind: str  # vxlan, gre or geneve
    words: Words  # of its key
    payload: Payload
    tun_id: int
    tun_flags: int  # as the far end will read them
    options: bytes  # of Geneve
    source_port: int  # of UDP; 0 for gre
    header_len: int  # bytes of the headers in front of it, without tags


class Departure(NamedTuple):
    """A copy that leaves at a device, or goes into the tunnel that ends there."""

    port: Port
    words: Words
    payload: Payload
    listener: ListeningPort | None


def push(run: Run, port: Port, max_len: int, nodes: list[TraceNode], is_last: bool) -> bool:
    """The frame leaves at a tunnel port; False if Open vSwitch does not even try."""
    tracer, key = run.tracer, run.key
    node = port.bridge.node
    tunnel = node.tunnels.of_port(port.number)
    if tunnel is None:
        nodes.append(TraceNode("warning", "Tunneling decided against output"))
        return False
    config = tunnel.config
    outer = _Outer(config, key)
    _see(run, config)
    if config.egress_pkt_mark is not None:
        dp.put(key, "pkt_mark", outer.mark)
        tracer.note_left(key, ("pkt_mark",))
    if outer.dst == tracer.own_destination:
        nodes.append(TraceNode("warning", "Not tunneling to our own address"))
        tracer.note_left(outer.tunnel_fields(), _TUNNEL_FIELDS)
        return False
    nodes.append(TraceNode("detail", "output to native tunnel"))
    run.commit()
    way = _find_way(node, outer, nodes)
    if way is None:
        return True
    options, is_critical = b"", False
    if config.type == "geneve":
        options, is_critical = options_written(node.datapath, port.bridge.number, key)
    listener = tunnel.config.dp_name if tracer.texts.named else str(tunnel.dp_port)
    header_len, header = _header_text(config, outer, way, options, is_critical)
    action = f"tnl_push(tnl_port({listener}),{header},out_port({tracer.port_text(way.device)}))"
    if max_len:
        # The outer frame comes in anew, so that it is counted as it is; ofproto/trace ends here.
        tracer.dp += [f"trunc({max_len})", f"{action},recirc(0)" if is_last else f"clone({action},recirc(0))"]
    payload = tracer.payload
    if max_len and payload.data:
        payload = payload._replace(data=payload.data[:max_len])
    inside = Inside(
        config.type, dp.packet_fields(key), payload, outer.tun_id, outer.received_flags, options,
        outer_source_port(tracer.first) if config.type != "gre" else 0, header_len,
    )
    if max_len:
        _underneath(run, way, outer.key(config, way, key), inside, [], False)  # seen by who follows it further
        return True
    actions = _underneath(run, way, outer.key(config, way, key), inside, nodes, is_last)
    if actions and is_last:
        tracer.dp += [action, *actions]
    elif actions:
        tracer.dp.append(f"clone({dp.joined([action, *actions])})")
    return True


class _Outer:
    """The outer headers, but for what the way there decides."""

    def __init__(self, config: TunnelConfig, key: Words) -> None:
        is_ip = dp.get(key, "dl_type") in (dp.IPV4, dp.IPV6)
        inner_tos = dp.get(key, "nw_tos")
        self.dst = _address(config.remote, key, "tun_dst", "tun_ipv6_dst")
        self.src = _address(config.local, key, "tun_src", "tun_ipv6_src")
        self.tun_id = dp.get(key, "tun_id") if config.out_key == "flow" else int(config.out_key or 0)
        self.ttl = dp.get(key, "nw_ttl") if config.ttl_inherit and is_ip else config.ttl
        self.tos = inner_tos & DSCP if config.tos_inherit and is_ip else config.tos
        if is_ip:
            self.tos |= ECN_ECT_0 if inner_tos & ECN == ECN_CE else inner_tos & ECN
        self.flags = dp.get(key, "tun_flags") & OAM
        self.flags |= (config.dont_fragment and DONT_FRAGMENT) | (config.csum and CSUM)
        self.flags |= KEY if config.out_key is not None else 0
        self.mark = config.egress_pkt_mark if config.egress_pkt_mark is not None else dp.get(key, "pkt_mark")
        self.is_ipv4 = is_ipv4(self.dst)
        self.proto = GRE if config.type == "gre" else UDP
        has_key = config.type != "gre" or config.out_key is not None
        has_csum = bool(self.flags & CSUM) or (self.proto == UDP and not self.is_ipv4)
        self.received_flags = self.flags & OAM if config.type == "geneve" else 0
        self.received_flags |= (KEY if has_key else 0) | (CSUM if has_csum else 0)
        self.has_csum = has_csum

    def tunnel_fields(self) -> Words:
        """As a key has them."""
        key: Words = {}
        for name, address in (("src", self.src), ("dst", self.dst)):
            if is_ipv4(address):
                dp.put(key, f"tun_{name}", address & 0xFFFFFFFF)
            else:
                dp.put_wide(key, f"tun_ipv6_{name}", address)
        for name, value in (("tun_id", self.tun_id), ("tun_tos", self.tos), ("tun_ttl", self.ttl)):
            dp.put(key, name, value)
        dp.put(key, "tun_flags", self.flags)
        return key

    def key(self, config: TunnelConfig, way: _Way, inner: Words) -> Words:
        """As the bridge underneath sees it (propagate_tunnel_data_to_flow()): the source port is not known yet."""
        key = dp.packet_fields(inner)
        dp.put(key, "dl_dst", way.dst_mac)
        dp.put(key, "dl_src", way.device.hwaddr)
        dp.put(key, "dl_type", dp.IPV4 if self.is_ipv4 else dp.IPV6)
        dp.set_tags(key, 0)
        for name in ("nw_src", "nw_dst"):
            dp.put(key, name, 0)
        for name in ("ipv6_src", "ipv6_dst"):
            dp.put_wide(key, name, 0)
        if self.is_ipv4:
            dp.put(key, "nw_src", way.src & 0xFFFFFFFF)
            dp.put(key, "nw_dst", self.dst & 0xFFFFFFFF)
        else:
            dp.put_wide(key, "ipv6_src", way.src)
            dp.put_wide(key, "ipv6_dst", self.dst)
        dp.put(key, "nw_frag", 0)
        dp.put(key, "nw_tos", self.tos)
        dp.put(key, "nw_ttl", self.ttl)
        dp.put(key, "nw_proto", self.proto)
        dp.put(key, "tp_src", 0)
        dp.put(key, "tp_dst", config.dst_port)
        dp.put(key, "pkt_mark", self.mark)
        dp.put(key, "in_port", way.device.ofport)
        return key


class _Way(NamedTuple):
    device: Port
    src: int
    dst_mac: int


def _address(configured: int | str | None, key: Words, ipv4: str, ipv6: str) -> int:
    return dp.address(key, ipv4, ipv6) if configured == "flow" else int(configured or 0)


def _see(run: Run, config: TunnelConfig) -> None:
    """What tnl_port_send() looks at."""
    if dp.get(run.key, "dl_type") in (dp.IPV4, dp.IPV6):
        if config.ttl_inherit:
            run.see("nw_ttl")
        run.see("nw_tos", ECN | (DSCP if config.tos_inherit else 0))
    if config.egress_pkt_mark is not None:
        run.see("pkt_mark")


def _find_way(node: SwitchNode, outer: _Outer, nodes: list[TraceNode]) -> _Way | None:
    """Route and neighbour; None, with the reason noted, if there is no way."""
    source = outer.src if is_ipv4(outer.src) else 0
    found = node.datapath.route_lookup(outer.dst, mark=outer.mark, source=source)
    device = next((port for port in node.ports() if found is not None and port.name == found[2]), None)
    if found is None or device is None:
        nodes.append(TraceNode("warning", "native tunnel routing failed"))
        return None
    source, gateway, _ = found
    next_hop = gateway if gateway not in (0, IPV4_MAPPED) else outer.dst
    to = ip_text(next_hop)
    nodes.append(TraceNode("detail", f"tunneling to {to} via {device.name}"))
    known = {(bridge, address): mac for address, mac, bridge in node.underlay.neighbors()}
    mac = known.get((device.bridge.name, next_hop))
    if mac is None:
        asked = "ARP" if is_ipv4(next_hop) else "ND"
        where = f"on bridge {device.bridge.name}, sending {asked} request"
        nodes.append(TraceNode("detail", f"neighbor cache miss for {to} {where}"))
        return None
    own = f"{_mac(device.hwaddr)} {ip_text(source)}"
    nodes.append(TraceNode("detail", f"tunneling from {own} to {_mac(mac)} {to}"))
    return _Way(device, source, mac)


def _underneath(
    run: Run, way: _Way, key: Words, inside: Inside, nodes: list[TraceNode], is_last: bool
) -> list[str]:
    """The outer frame goes on in the device's bridge, without teaching anybody; returns what the datapath would do."""
    tracer = run.tracer
    saved = tracer.dp, tracer.base, tracer.has_frame, tracer.payload
    tracer.dp, tracer.base, tracer.has_frame, tracer.payload = [], dict(key), False, Payload(b"", inside)
    tracer.go_on(way.device, key, nodes, is_last, run.bridge)
    actions = tracer.dp
    tracer.dp, tracer.base, tracer.has_frame, tracer.payload = saved
    return actions


def _header_text(config: TunnelConfig, outer: _Outer, way: _Way, options: bytes, is_critical: bool) -> tuple[int, str]:
    """Length, and what format_odp_tnl_push_header() of lib/odp-util.c prints."""
    frag = 0x4000 if outer.flags & DONT_FRAGMENT else 0
    n_bytes = _ETH_LEN + (20 if outer.is_ipv4 else 40)
    eth = f"eth(dst={_mac(way.dst_mac)},src={_mac(way.device.hwaddr)}"
    if outer.is_ipv4:
        ip = f"dl_type=0x0800),ipv4(src={ip_text(way.src)},dst={ip_text(outer.dst)},proto={outer.proto}"
        ip += f",tos={dp.hexadecimal(outer.tos)},ttl={outer.ttl},frag=0x{frag:x})"
    else:
        ip = f"dl_type=0x86dd),ipv6(src={ip_text(way.src)},dst={ip_text(outer.dst)},label=0,proto={outer.proto}"
        ip += f",tclass=0x{outer.tos:x},hlimit={outer.ttl})"
    if config.type == "gre":
        n_gre, gre = _gre_text(config, outer)
        kind = _VPORT_TYPES["gre"] if outer.is_ipv4 else _VPORT_TYPE_IP6GRE
        n_bytes += n_gre
        return n_bytes, f"header(size={n_bytes},type={kind},{eth},{ip},{gre})"
    udp = f"udp(src=0,dst={config.dst_port},csum=0x{0xFFFF if outer.has_csum else 0:x})"
    vni = outer.tun_id & 0xFFFFFF
    if config.type == "vxlan":
        n_bytes += _UDP_LEN + _VXLAN_LEN
        tunnel = f"vxlan(flags=0x{0xC000003 if config.gpe else 0x8000000:x},vni=0x{vni:x})"
    else:
        n_bytes += _UDP_LEN + _GENEVE_LEN + len(options)
        flags = ("oam," if outer.flags & OAM else "") + ("crit," if is_critical else "")
        tunnel = f"geneve({flags}vni=0x{vni:x}{f',options({_options_text(options)})' if options else ''})"
    return n_bytes, f"header(size={n_bytes},type={_VPORT_TYPES[config.type]},{eth},{ip},{udp},{tunnel})"


def _gre_text(config: TunnelConfig, outer: _Outer) -> tuple[int, str]:
    """Length and text of a GRE header; key, checksum and number come when it is pushed."""
    n_bytes, flags, text = _GRE_LEN, 0, ""
    if outer.flags & CSUM:
        n_bytes, flags, text = n_bytes + 4, flags | 0x8000, text + ",csum=0x0"
    if config.out_key is not None:
        n_bytes, flags, text = n_bytes + 4, flags | 0x2000, text + f",key=0x{outer.tun_id & 0xFFFFFFFF:x}"
    if config.seq:
        n_bytes, flags, text = n_bytes + 4, flags | 0x1000, text + ",seq=0x0"
    return n_bytes, f"gre((flags=0x{flags:x},proto=0x{_TRANSPARENT_ETHERNET:x}){text})"


def _options_text(options: bytes) -> str:
    text = ""
    while options:
        n_bytes = 4 * (options[3] & 0x1F)
        text += f"{{class={int.from_bytes(options[:2]):#x},type={options[2]:#x},len={n_bytes}"
        text += f",{dp.hexadecimal(int.from_bytes(options[4 : 4 + n_bytes]))}}}" if n_bytes else "}"
        options = options[4 + n_bytes :]
    return text


def _mac(mac: int) -> str:
    return mac.to_bytes(6).hex(":")


class _See(Protocol):
    def __call__(self, name: str, bits: int | None = None) -> None: ...


def listening_tunnel(port: Port, key: Words, see: _See) -> ListeningPort | None:
    """The datapath's port of the tunnels that end where the frame of `key` is about to leave; None: it leaves."""
    node = port.bridge.node
    if not node.datapath.port_addresses(port.number):
        return None
    kind, proto = dp.get(key, "dl_type"), dp.get(key, "nw_proto")
    address = _destination(key)
    for version, has_ports, entries in node.port_map.subtables():
        # A classifier's look-up in stages: where the first ones find nothing, the later ones are not looked at.
        see("dl_dst")
        see("dl_type")
        see("vlan_tci")
        wanted = dp.IPV4 if version == 4 else dp.IPV6
        mac = dp.get(key, "dl_dst")
        if kind != wanted or dp.get(key, "vlan_tci") or not any(entry[0] == mac for entry in entries):
            continue
        see("nw_dst" if version == 4 else "ipv6_dst")
        see("nw_proto")
        see("nw_frag")
        if dp.get(key, "nw_frag") or not any(entry[:3] == (mac, address, proto) for entry in entries):
            continue
        tp_dst = dp.get(key, "tp_dst") if has_ports else 0
        found = entries.get((mac, address, proto, tp_dst))
        if has_ports:
            see("tp_dst", 0xFFFF if found is not None else _differing(tp_dst, [entry[3] for entry in entries]))
        if found is not None:
            return found
    _snoop(node, port.bridge, key, see)
    return None


def _differing(port: int, others: list[int]) -> int:
    """The first bits of a port that show that it is none of the others (the classifier's trie of ports)."""
    n_equal = max(16 - (port ^ other).bit_length() for other in others)
    return 0xFFFF0000 >> min(n_equal + 1, 16) & 0xFFFF


def _snoop(node: SwitchNode, bridge: Bridge, key: Words, see: _See) -> None:
    """What is looked at to learn a neighbour (check_neighbor_reply(), is_garp(), lib/tnl-neigh-cache.c)."""
    own = {address for port in bridge.ports() for address, _ in node.datapath.port_addresses(port.number)}
    if dp.get(key, "dl_type") == dp.ARP:
        see("nw_src")
        see("nw_dst")
        is_reply = dp.get(key, "nw_proto") == _ARP_REPLY
        if dp.get(key, "nw_src") != dp.get(key, "nw_dst"):
            if IPV4_MAPPED | dp.get(key, "nw_dst") not in own:
                return
            see("nw_proto")
            if not is_reply:
                return
        see("arp_sha")
    elif dp.get(key, "dl_type") == dp.IPV6 and dp.get(key, "nw_proto") == dp.ICMPV6:
        address = _destination(key)
        solicited = {_SOLICITED_NODE | known & 0xFFFFFF for known in own if not is_ipv4(known)}
        if address not in own | solicited:
            return
        see("tp_dst", 0xFF)
        if dp.get(key, "tp_dst"):
            return
        see("tp_src", 0xFF)
        if dp.get(key, "tp_src") != _NEIGHBOR_ADVERT:
            return
        see("arp_tha")
        if dp.get(key, "arp_tha"):
            for name in ("ipv6_src", "ipv6_dst", "nd_target"):
                see(name)


def _destination(key: Words) -> int:
    if dp.get(key, "dl_type") == dp.IPV4:
        return IPV4_MAPPED | dp.get(key, "nw_dst")
    at = MEMBER_OFFSETS["ipv6_dst"] // 8
    return key.get(at, 0) << 64 | key.get(at + 1, 0)
