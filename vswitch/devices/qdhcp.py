"""The DHCP agent's namespace of a network (qdhcp-…): its port, with dnsmasq behind it.

`DhcpNamespace` is a device with one port. It answers DHCP and DHCPv6 (dhcp_server.py, dhcp6_server.py), ARP, neighbour
discovery and pings of its addresses. DNS, which dnsmasq does too, is not answered: queries are counted. Nor is there a
metadata service behind 169.254.169.254, though routes to it are handed out as the agent does.

Several agents on one network are several of these devices with a port each; all of them answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from vswitch.devices import dhcp6_options as o6
from vswitch.devices import dhcp_options as o4
from vswitch.devices import packets as p
from vswitch.devices.device_log import DeviceLog
from vswitch.devices.dhcp6_server import Dhcp6Server
from vswitch.devices.dhcp_agent import DhcpNetwork, DhcpOptions, DhcpPort, after_command, dnsmasq_config
from vswitch.devices.dhcp_server import Dhcp4Server
from vswitch.devices.ip_stack import IpStack, Route
from vswitch.errors import ConfigError

DNS_PORT = 53
TOS = 0xC0  # of what dnsmasq sends


class DhcpNamespace:
    """A DHCP agent's port with dnsmasq behind it; a `Device`.

    Parameters
    ----------
    name : str
        Of the device.
    network : DhcpNetwork
        The network with all its subnets and ports.
    port_id : str
        Which of the network's ports is this agent's.
    options : DhcpOptions
        Of dhcp_agent.ini.
    port : str
        Name of the device's port.

    Attributes
    ----------
    network : DhcpNetwork
        As it is now.
    config : DnsmasqConfig
        The files and the command line that the agent would have written.
    log : DeviceLog
        What happened, in the words of dnsmasq's log.
    counters : Counter
        Frames that came to nothing, by reason.

    Raises
    ------
    ConfigError
        There is no such port, or an address or option is wrong.
    """

    def __init__(
        self, name: str, network: DhcpNetwork, port_id: str, options: DhcpOptions | None = None, *, port: str = "eth0"
    ) -> None:  # fmt: skip
        own = next((candidate for candidate in network.ports if candidate.id == port_id), None)
        if own is None:
            raise ConfigError(f"network {network.id} has no port {port_id}", key=port_id)
        known = {subnet.id for subnet in network.subnets}
        for subnet_id, _ in own.fixed_ips:
            if subnet_id not in known:
                raise ConfigError(f"network {network.id} has no subnet {subnet_id}", key=subnet_id)
        self.name, self.ports = name, (port,)
        self.network, self._own, self._options = network, own, options
        self.config = dnsmasq_config(network, own, options)
        self.log = DeviceLog()
        mac = p.mac_of(own.mac_address)
        self._stack = _namespace_stack(network, own, mac)
        self.counters = self._stack.counters
        addresses = [p.ip_of(address) for _, address in own.fixed_ips]
        self._server4 = Dhcp4Server(self.config, addresses, self.log.add)
        self._server6 = Dhcp6Server(self.config, addresses, mac, self.log.add)
        self._stack.groups.add(o6.ALL_SERVERS)
        self._stack.raw_udp_ports |= {o4.SERVER_PORT, o6.SERVER_PORT}
        self._stack.udp_services = {
            o4.SERVER_PORT: self._serve4, o6.SERVER_PORT: self._serve6, DNS_PORT: self._refuse_dns,
        }  # fmt: skip

    def run(self, command: str) -> None:
        """A command of a timeline, as `dhcp_agent.after_command` takes it.

        The agent writes its files anew, releases what a port has no longer, and dnsmasq reads them
        (`reload_allocations`).

        Raises
        ------
        ConfigError
        """
        network = after_command(self.network, command)
        own = next(port for port in network.ports if port.id == self._own.id)
        if own != self._own:
            raise ConfigError("the server's own addresses do not change", key=command)
        self.network = network
        self.config = dnsmasq_config(network, own, self._options)
        self._server4.reload(self.config)
        self._server6.reload(self.config)

    def receive(self, port: str, frame: bytes, now_ns: int) -> Sequence[tuple[str, bytes]]:
        """A frame arrives; see `Device`."""
        return [(self.ports[0], out) for out in self._stack.receive(frame, now_ns)]

    def wake(self, now_ns: int) -> Sequence[tuple[str, bytes]]:
        """Neighbours are asked again; see `Device`."""
        return [(self.ports[0], out) for out in self._stack.run_timers(now_ns)]

    @property
    def next_wake_ns(self) -> int | None:
        return self._stack.timers.next_ns

    def _serve4(self, packet: p.Packet, datagram: p.Udp, now_ns: int) -> None:
        if packet.is_ipv6 or not (self._stack.is_own(packet.dst) or self._stack.is_local_broadcast(packet.dst)):
            raise p.Malformed("not for this IP address", "NOT_FOR_DEVICE")
        is_unicast = packet.dst != p.BROADCAST_IPV4
        reply = self._server4.answer(datagram.payload, packet.src, datagram.src, now_ns, is_unicast=is_unicast)
        if reply is None:
            self.counters["DHCP messages without an answer"] += 1
            return
        if reply.mac is not None:
            # dnsmasq puts the address of a client that has none yet into the kernel's table.
            self._stack.neighbours.heard(reply.dst, reply.mac, creates=True)
        src = next((a for a in self._stack.addresses if len(a) == 4), p.ANY_IPV4)
        if reply.dst != p.BROADCAST_IPV4:
            src = self._stack.source_for(reply.dst) or src
        self._stack.send_udp(src, reply.dst, o4.SERVER_PORT, reply.port, reply.message, now_ns, tos=TOS)

    def _serve6(self, packet: p.Packet, datagram: p.Udp, now_ns: int) -> None:
        is_multicast = packet.dst == o6.ALL_SERVERS
        if not packet.is_ipv6 or not (is_multicast or self._stack.is_own(packet.dst)):
            raise p.Malformed("not for this IP address", "NOT_FOR_DEVICE")
        reply = self._server6.answer(datagram.payload, packet.eth_src, now_ns, is_unicast=not is_multicast)
        src = self._stack.source_for(packet.src)
        if reply is None or src is None:
            self.counters["DHCP messages without an answer"] += 1
            return
        self._stack.send_udp(src, packet.src, o6.SERVER_PORT, o6.CLIENT_PORT, reply, now_ns, tos=TOS)

    def _refuse_dns(self, packet: p.Packet, datagram: p.Udp, now_ns: int) -> None:
        raise p.Malformed("DNS is not answered")


def _namespace_stack(network: DhcpNetwork, own: DhcpPort, mac: bytes) -> IpStack:
    """Addresses and default routes as the agent sets them (`_set_default_route`)."""
    subnets = {subnet.id: subnet for subnet in network.subnets}
    stack = IpStack(mac, mtu=network.mtu or 1500)
    for subnet_id, address in own.fixed_ips:
        stack.add_address(p.ip_of(address), subnets[subnet_id].prefix.prefixlen)
    stack.add_address(p.link_local_of(mac), 64)
    for version, any_address in ((4, p.ANY_IPV4), (6, p.ANY_IPV6)):
        gateway = next((s.gateway_ip for s in network.subnets
                        if s.ip_version == version and s.enable_dhcp and s.gateway_ip), None)  # fmt: skip
        if gateway is not None:
            stack.routes.append(Route(any_address, 0, p.ip_of(gateway)))
    return stack


__all__ = ["DhcpNamespace"]
