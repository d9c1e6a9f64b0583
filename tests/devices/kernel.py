"""The judge of the router: the same configuration and the same frames for a Linux namespace."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from tests.shared import absent, need_program
from vswitch.devices.router_config import RouterConfig
from vswitch.wire.checksum import internet_checksum

WORKER = Path(__file__).with_name("kernel_worker.py")
SYSCTLS = [
    "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.conf.all.arp_ignore=1", "net.ipv4.conf.all.arp_announce=2",
    "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0",
    "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.default.send_redirects=0",
    "net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_msgs_per_sec=100000", "net.ipv6.icmp.ratelimit=0",
    "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.default.router_solicitations=0",
    "net.ipv6.conf.default.mldv2_unsolicited_report_interval=0",
]  # fmt: skip


@lru_cache
def need_kernel() -> None:
    """Skips where no namespace can be made."""
    need_program("ip")
    need_program("nft")
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-c", "ip link add name va type veth peer name vb && nft add table ip t"],
        capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        absent(f"no network namespace with veth and nftables can be made: {done.stderr.decode().strip()}",
               is_optional=True)  # fmt: skip


def setup(config: RouterConfig) -> list[tuple[str, str]]:
    """(command, its standard input), ... that make a namespace the router."""
    commands = [(f"sysctl -qw {setting}", "") for setting in SYSCTLS]
    for at in config.interfaces:
        commands += [
            (f"ip link add name {at.name} address {at.mac} mtu {at.mtu} type veth peer name {at.name}-o mtu 9000", ""),
            (f"sysctl -qw net.ipv6.conf.{at.name}-o.disable_ipv6=1", ""),
            (f"ip link set {at.name}-o arp off up", ""),
            *((f"ip addr add {text} dev {at.name} {'nodad' if ':' in text else ''}", "") for text in at.addresses),
            (f"ip link set {at.name} up", ""),
            (f"sysctl -qw net.ipv4.conf.{at.name}.proxy_arp={int(at.proxy_arp)}", ""),
            (f"sysctl -qw net.ipv4.neigh.{at.name}.proxy_delay=0", ""),
        ]
    # An address that is on the way must be there first.
    for route in sorted(config.routes, key=lambda route: bool(route.via)):
        via = f"via {route.via}" if route.via else ""
        dev = f"dev {route.interface}" if route.interface else ""
        commands.append((f"ip route add {route.to} {via} {dev} table {route.table}", ""))
    for rule in config.rules:
        where = f"from {rule.from_ or 'all'} {'to ' + rule.to if rule.to else ''}"
        iif = f"iif {rule.interface}" if rule.interface else ""
        commands.append((f"ip rule add priority {rule.priority} {where} {iif} lookup {rule.table}", ""))
    for neighbor in config.neighbors:
        commands.append((f"ip neigh add {neighbor.address} lladdr {neighbor.mac} dev {neighbor.interface}", ""))
    if config.nat is not None:
        commands.append(("nft -f -", nat_rules(config)))
    return commands


def nat_rules(config: RouterConfig) -> str:
    """What neutron-l3-agent's chains come to, in nftables."""
    nat = config.nat
    assert nat is not None
    where = f'iifname "{nat.gateway}" ' if nat.is_distributed else ""
    dnat = "\n".join(f"{where}ip daddr {a} dnat to {b}" for a, b in nat.floating_ips.items())
    snat = "\n".join(f"ip saddr {b} snat to {a}" for a, b in nat.floating_ips.items())
    outside = f'oifname "{nat.gateway}" snat to {nat.source}' if nat.source else ""
    hairpin = f"meta mark & 0xffff != 0x2 ct status & dnat == dnat snat to {nat.source}" if nat.source else ""
    return f"""
table ip nat {{
  chain marking {{
    type filter hook prerouting priority -150
    iifname "{nat.gateway}" meta mark set 0x2
  }}
  chain pre {{
    type nat hook prerouting priority -100
    {dnat}
  }}
  chain post {{
    type nat hook postrouting priority 100
    iifname != "{nat.gateway}" oifname != "{nat.gateway}" ct status & dnat == 0 accept
    {snat}
    {outside}
    {hairpin}
  }}
}}
"""


def hear(
    config: RouterConfig, steps: list[tuple[str, bytes | int]], settings: tuple[str, ...] = ()
) -> list[list[tuple[str, bytes]]]:  # fmt: skip
    """What Linux sends after each step; a step is a frame at an interface, or ("", milliseconds) to wait.

    `settings` are more lines of sysctl.
    """
    need_kernel()
    story = {
        "setup": [*setup(config), *((f"sysctl -qw {setting}", "") for setting in settings)],
        "interfaces": [at.name for at in config.interfaces],
        "steps": [(name, what.hex() if isinstance(what, bytes) else what) for name, what in steps],
    }
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, str(WORKER)], input=json.dumps(story), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [[(name, bytes.fromhex(data)) for name, data in heard] for heard in json.loads(done.stdout)]


def without_ident(frame: bytes) -> bytes:
    """A frame whose IPv4 identification, which a Linux host draws, is 0, if it comes from the router itself."""
    if frame[12:14] != b"\x08\x00" or frame[22] != 64:
        return frame
    head = frame[14 : 14 + 4 * (frame[14] & 15)]
    head = head[:4] + b"\0\0" + head[6:10] + b"\0\0" + head[12:]
    head = head[:10] + internet_checksum(head).to_bytes(2, "big") + head[12:]
    return frame[:14] + head + frame[14 + len(head) :]
