"""Routers: subnets that can be told apart, next hops that can be reached."""

from __future__ import annotations

from collections.abc import Iterator

from vswitch.neutron.cloud import OWNER_DVR_SNAT, OWNER_HA_PORT, ROUTER_OWNERS
from vswitch.neutron.rules.problem import Facts, Problem
from vswitch.neutron.server import DVR_MODES


def subnets(facts: Facts) -> Iterator[Problem]:
    """The subnets of a router lie apart (l3_db.py _check_for_dup_router_subnets()); its agents can have it."""
    owners = {*ROUTER_OWNERS} - {OWNER_DVR_SNAT, OWNER_HA_PORT}
    for router in facts.cloud.routers:
        ports = [port for port in facts.ports_of_device.get(router.id, []) if port.device_owner in owners]
        connected = [fixed.subnet for port in ports for fixed in port.fixed_ips]
        for i, subnet in enumerate(connected):
            for other in connected[:i]:
                same_version = subnet.cidr.version == other.cidr.version
                if subnet is other:
                    problem = f"router {router.name} is on subnet {subnet.name} twice"
                elif same_version and subnet.cidr.overlaps(other.cidr):
                    problem = f"{subnet.cidr} of subnet {subnet.name} overlaps {other.cidr} of {other.name}"
                else:
                    continue
                hint = "a router tells its subnets apart by their addresses"
                yield Problem(router, "interfaces", problem, hint, other=other)
        if router.distributed:
            for host in router.hosts:
                if host.agent_mode not in DVR_MODES:
                    problem = f"host {host.name} has an L3 agent in mode {host.agent_mode}"
                    hint = "a distributed router needs enable_distributed_routing: true"
                    yield Problem(router, "distributed", problem, hint, other=host)


def routes(facts: Facts) -> Iterator[Problem]:
    """The next hop of an extra route is on a connected subnet (extraroute_db.py)."""
    for router in facts.cloud.routers:
        ports = facts.ports_of_device.get(router.id, [])
        connected = [fixed.subnet.cidr for port in ports for fixed in port.fixed_ips]
        for destination, nexthop in router.routes:
            if not any(nexthop in cidr for cidr in connected):
                problem = f"next hop {nexthop} of {destination} is on no subnet of router {router.name}"
                yield Problem(router, "routes", problem)
