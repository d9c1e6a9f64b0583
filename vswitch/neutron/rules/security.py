"""Allowed address pairs and security groups of ports."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.rules.problem import Facts, Problem, name_of

MAX_PAIRS = 10  # neutron.conf max_allowed_address_pair


def address_pairs(facts: Facts) -> Iterator[Problem]:
    """Pairs need port security, and each is there once (db/allowedaddresspairs_db.py)."""
    for port in facts.cloud.ports:
        pairs = port.allowed_address_pairs
        if pairs and not port.port_security_enabled:
            problem = f"port {name_of(port)} has address pairs and no port security"
            yield Problem(port, "allowed_address_pairs", problem, "without port security every address is allowed")
        if len(pairs) > MAX_PAIRS:
            yield Problem(port, "allowed_address_pairs", f"{len(pairs)} pairs", f"at most {MAX_PAIRS}")
        seen = set()
        for pair in pairs:
            key = pair.mac_address or port.mac_address, pair.ip_address
            if key in seen:
                yield Problem(port, "allowed_address_pairs", f"{pair.ip_address} is given twice")
            seen.add(key)
            own = [fixed.ip_address for fixed in port.fixed_ips]
            if key[0] == port.mac_address and pair.ip_address.num_addresses == 1 and pair.ip_address[0] in own:
                problem = f"{pair.ip_address} is the port's own address"
                yield Problem(port, "allowed_address_pairs", problem, is_warning=True)


def groups(facts: Facts) -> Iterator[Problem]:
    """Security groups need port security."""
    for port in facts.cloud.ports:
        if port.security_groups and not port.port_security_enabled:
            problem = f"port {name_of(port)} has security groups and no port security"
            yield Problem(port, "security_group_ids", problem, "security_group_ids: []")
