"""What a tunnel adds to a packet, as ML2's type drivers count it (type_vxlan.py and others, get_mtu())."""

from __future__ import annotations

ETHERNET = 14
IPV4, IPV6 = 20, 40
UDP = 8
VXLAN = 8
GENEVE = 8  # without options: with UDP and Ethernet the 30 of ml2_conf.ini's max_header_size
GRE = 4
GRE_KEY = 4


def overhead(network_type: str, *, is_ipv6: bool = False) -> int:
    """Bytes between the MTU of a network and the length of the outer packet.

    >>> overhead("vxlan"), overhead("gre"), overhead("geneve", is_ipv6=True)
    (50, 42, 70)
    """
    header = {"vxlan": UDP + VXLAN, "geneve": UDP + GENEVE, "gre": GRE + GRE_KEY}[network_type]
    return (IPV6 if is_ipv6 else IPV4) + header + ETHERNET
