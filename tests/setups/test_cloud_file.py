"""``cloud.yaml``: what is wrong in it, with its place, and what it becomes."""

from __future__ import annotations

import textwrap
from ipaddress import ip_address, ip_network

import pytest

from tests.shared import need_module
from vswitch.errors import ConfigError
from vswitch.neutron.cloud import AddressPair, Failover, PortChange
from vswitch.setups.cloud_file import parse_cloud

need_module("yaml")
need_module("jsonschema")

HOSTS = "hosts: {c1: {local_ip: 192.0.2.1}, c2: {local_ip: 192.0.2.2}}\n"
ROUTER_HOST = "hosts: {c1: {local_ip: 192.0.2.1, l3_agent: true, dhcp_agent: true}}\n"
NET = "networks: {a: {subnets: [10.0.0.0/24]}, b: {subnets: [10.0.1.0/24]}}\n"
VM = "ports: {v: {network: a, host: c1}}\n"


@pytest.mark.parametrize(
    ("text", "place", "problem", "hint"),
    [
        # Words.
        ("", "1:1", "there is nothing in it", "a mapping with networks"),
        ("networks: {}\n", "1:1", "hosts is missing", "a mapping with networks"),
        (HOSTS + "network: {}\n", "2:1", "unknown word network", 'did you mean "networks"?'),
        (HOSTS + "networks: {a: {subnetz: []}}\n", "2:16", "unknown word subnetz", 'did you mean "subnets"?'),
        (HOSTS + "networks: {a: {created: x}}\n", "2:16", "unknown word created", "known here: admin_state_up, id"),
        (HOSTS + "networks: [7]\n", "2:12", "7 cannot stand here", "the attributes of a network"),
        (HOSTS + "networks: {a: {mtu: big}}\n", "2:21", "'big' cannot stand here", "a whole number"),
        (HOSTS + "networks: {a: {provider:network_type: vxlam}}\n", "2:39", "'vxlam' cannot", "vlan or flat or vxlan"),
        (HOSTS + "networks: {a: {segments: [x]}}\n", "2:26", "a list cannot stand here", "not supported"),
        (HOSTS + "networks: [{mtu: 1400}]\n", "2:12", "a network without name and id", "name: ..."),
        (HOSTS + "networks: {a: {id: x, name: b}}\n", "2:29", "a is named b inside", "the name or the id"),
        (HOSTS + NET + "ports: {v: {network: a, network_id: b}}\n", "3:25", "network_id is the same as network", ""),
        # Names.
        (HOSTS + NET + "ports: {v: {network: aa}}\n", "3:22", "there is no network aa", 'did you mean "a"?'),
        (HOSTS + NET + "ports: {v: {host: c1}}\n", "3:9", "network_id is missing", "the name of a network"),
        (HOSTS + NET + "ports: {v: {network: a, host: c3}}\n", "3:31", "there is no host c3", "there are c1, c2"),
        (HOSTS + NET + "ports: {v: {network: a, security_groups: [x]}}\n", "3:43", "no security group x", "none"),
        (HOSTS + NET + "ports: {v: {network: a, qos_policy: x}}\n", "3:37", "there is no QoS policy x", ""),
        (HOSTS + "networks: [{name: a, id: x}, {name: a, id: y}]\nsubnets: [{name: s, network: a, cidr: 10.0.0.0/8}]\n",
         "3:30", "which network a?", "2 are named so; give the id"),
        (HOSTS + NET + "subnets: {s: {cidr: 10.0.0.0/8}}\n", "3:11", "network_id is missing", ""),
        (HOSTS + NET + "subnets: {s: {network: a}}\n", "3:11", "cidr is missing", "such as"),
        (HOSTS + "networks: {a: {subnets: [x]}}\n", "2:26", "there is no subnet x", ""),
        (HOSTS + NET + "trunks: {t: {}}\n", "3:10", "port_id is missing", "the parent"),
        # Texts.
        (HOSTS + "networks: {a: {subnets: [10.0.0.1/24]}}\n", "2:26", "'10.0.0.1/24' is no CIDR", "mean 10.0.0.0/24?"),
        (HOSTS + NET + "ports: {v: {network: a, fixed_ips: [10.0.0]}}\n", "3:37", "'10.0.0' is no IP address", "such"),
        (HOSTS + NET + "ports: {v: {network: a, fixed_ips: [10.0.0.x]}}\n", "3:37", "no IP address", "such as"),
        (HOSTS + NET + "ports: {v: {network: a, mac_address: 'fa:16'}}\n", "3:38", "'fa:16' is no MAC", "fa:16:3e:"),
        (HOSTS + NET + "ports: {v: {network: a, mac_address: 01:00:00:00:00:01}}\n", "3:38", "is a multicast", "even"),
        (HOSTS + NET + "ports: {v: {network: a, plug_at: 5}}\n", "3:34", "5 cannot stand here", "a time with its unit"),
        (HOSTS + NET + "ports: {v: {network: a, plug_at: 5s, unplug_at: 4s}}\n", "3:49", "unplugged before", ""),
        # Segments.
        (HOSTS + "networks:\n  a: {provider:network_type: vlan, provider:physical_network: p, "
         "provider:segmentation_id: 4095}\n", "3:92", "4095 is no VID", "1 to 4094"),
        (HOSTS + "networks: {a: {provider:segmentation_id: 16777216}}\n", "2:42", "16777216 is no VNI", "24 bits"),
        (HOSTS + "networks: {a: {provider:network_type: geneve, provider:segmentation_id: 16777216}}\n",
         "2:73", "16777216 is no VNI", "24 bits"),
        (HOSTS + "networks: {a: {provider:network_type: gre, provider:segmentation_id: 4294967296}}\n",
         "2:70", "4294967296 is no GRE key", "32 bits"),
        (HOSTS + "networks: {a: {provider:segmentation_id: 7}, b: {provider:segmentation_id: 7}}\n",
         "2:76", "VNI 7 is that of network a", "of its own"),
        (HOSTS + "networks: {a: {provider:network_type: vlan}}\n", "2:39", "vlan network without a physical", "the na"),
        (HOSTS + "networks: {a: {provider:physical_network: p}}\n", "2:43", "a vxlan network has no physical", ""),
        (HOSTS + "networks: {a: {provider:network_type: local, provider:segmentation_id: 4}}\n",
         "2:72", "a local network has no segmentation id", ""),
        (HOSTS + "networks:\n  a: {router:external: true}\n  b: {router:external: true}\n",
         "4:3", "external has a flat network already: a", ""),
        (HOSTS + "server: {vni_ranges: '1:100'}\nnetworks: {a: {provider:segmentation_id: 101}}\n",
         "3:42", "VNI 101 is out of range", "vni_ranges: 1:100"),
        (HOSTS + "server: {ml2_type_geneve: {vni_ranges: ['1:9', '20:29']}}\n"
         "networks: {a: {provider:network_type: geneve, provider:segmentation_id: 10}}\n",
         "3:73", "VNI 10 is out of range", "vni_ranges: 1:9, 20:29"),
        (HOSTS + "server: {network_vlan_ranges: 'p:100:199'}\nnetworks:\n"
         "  a: {provider:network_type: vlan, provider:physical_network: p, provider:segmentation_id: 99}\n",
         "4:92", "VID 99 is out of range", "network_vlan_ranges of p: 100:199"),
        (HOSTS + "server: {tunnel_id_ranges: '1:2'}\nnetworks: {a: {provider:network_type: gre}, "
         "b: {provider:network_type: gre}, c: {provider:network_type: gre}}\n", "3:78", "no segment is left", ""),
        (HOSTS + "server: {vni_range: '1:2'}\n", "2:10", "unknown option vni_range", 'did you mean "vni_ranges"?'),
        (HOSTS + "server: {vni_ranges: '5:2'}\n", "2:22", "5:2 is no range of segments of vxlan", "1 to 16777215"),
        (HOSTS + "server: {network_vlan_ranges: 'p:1:5000'}\n", "2:31", "1:5000 is no range", "1 to 4094"),
        (HOSTS + "server: {vni_ranges: 5}\n", "2:22", "'5' is no range", "FIRST:LAST"),
        (HOSTS + "server: {path_mtu: no}\n", "2:20", "False is no number", ""),
        # Addresses.
        (HOSTS + NET + "ports: {v: {network: a, fixed_ips: [10.0.1.1]}}\n", "3:37", "no subnet of network a holds", ""),
        (HOSTS + NET + "ports: {v: {network: a, fixed_ips: [{ip_address: 10.0.1.1, subnet: a}]}}\n",
         "3:36", "10.0.1.1 is not in 10.0.0.0/24", ""),
        (HOSTS + NET + "ports: {v: {network: a, fixed_ips: [{subnet: b}]}}\n", "3:46", "subnet b-10.0.1.0/24 is o", ""),
        (HOSTS + NET + "ports:\n  v: {network: a, fixed_ips: [10.0.0.7]}\n  w: {network: a, fixed_ips: [10.0.0.7]}\n",
         "5:30", "10.0.0.7 is that of port v", "each port has its own"),
        (HOSTS + NET + "ports: {v: {network: a, fixed_ips: [10.0.0.255]}}\n", "3:36", "is the network or broadcas", ""),
        (HOSTS + NET + "ports:\n  v: {network: a, mac_address: 52:54:00:50:00:01}\n"
         "  w: {network: a, mac_address: 52-54-00-50-00-01}\n", "5:32", "52:54:00:50:00:01 is that of port v", ""),
        (HOSTS + "networks: {a: {}}\nsubnets:\n  s: {network: a, cidr: 10.0.0.0/24, gateway_ip: 10.0.0.0}\n",
         "4:50", "gateway 10.0.0.0 is the network", ""),
        (HOSTS + "networks: {a: {}}\nsubnets:\n  s: {network: a, cidr: 10.0.0.0/24, allocation_pools: "
         "[{start: 10.0.0.9, end: 10.0.1.9}]}\n", "4:56", "pool 10.0.0.9 to 10.0.1.9 is not in", ""),
        (HOSTS + "networks: {a: {}}\nsubnets:\n  s: {network: a, cidr: 10.0.0.0/24, allocation_pools: "
         "[10.0.0.9-10.0.0.3]}\n", "4:57", "is no pool", "start comes before end"),
        (HOSTS + "networks: {a: {subnets: [10.0.0.0/8, 10.0.0.0/24]}}\n", "2:38", "overlaps 10.0.0.0/8", "lie apart"),
        (HOSTS + "networks: {a: {subnets: [10.0.0.0/30]}}\nports: {v: {network: a}, w: {network: a}}\n",
         "3:26", "no address is left in subnet", ""),
        (HOSTS + "networks: {a: {}}\nsubnets: {s: {network: a, cidr: 10.0.0.0/24, ip_version: 6}}\n",
         "3:58", "10.0.0.0/24 is not of IPv6", ""),
        (HOSTS + "networks: {a: {}}\nsubnets: {s: {network: a, cidr: 10.0.0.0/24, ipv6_ra_mode: slaac}}\n",
         "3:60", "10.0.0.0/24 is not of IPv6", ""),
        # Security.
        (HOSTS + NET + "ports:\n  v: {network: a, port_security_enabled: false, security_groups: [default]}\n",
         "4:66", "has security groups and no port security", "[]"),
        (HOSTS + NET + "ports:\n  v: {network: a, port_security_enabled: false, allowed_address_pairs: [10.0.0.9]}\n",
         "4:72", "has address pairs and no port security", ""),
        (HOSTS + NET + "ports: {v: {network: a, allowed_address_pairs: [10.0.0.9, 10.0.0.9/32]}}\n",
         "3:48", "10.0.0.9/32 is given twice", ""),
        (HOSTS + "security_groups: {g: {rules: [{direction: ingress, port_range_min: 5}]}}\n",
         "2:68", "ports without a protocol", "tcp"),
        (HOSTS + "security_groups: {g: {rules: [{direction: in}]}}\n", "2:43", "'in' cannot", "ingress or egress"),
        (HOSTS + "security_groups: {g: {rules: [{direction: ingress, protocol: tcp, port_range_min: 70000}]}}\n",
         "2:83", "70000 is not in 0..65535", ""),
        (HOSTS + "security_groups: {g: {rules: [{direction: ingress, remote_group: h}]}}\n", "2:66", "no security", ""),
        (HOSTS + "qos_policies: {q: {rules: [{type: dscp_marking, dscp_mark: 3}]}}\n", "2:60", "3 is no DSCP", "0, 8,"),
        (HOSTS + "qos_policies: {q: {rules: [{type: bandwidth_limit}]}}\n", "2:28", "max_kbps is missing", ""),
        # Trunks.
        (HOSTS + NET + "ports: {v: {network: a}, w: {network: b}, x: {network: b}}\ntrunks:\n  t:\n    port: v\n"
         "    sub_ports:\n      - {port: w, segmentation_id: 5}\n      - {port: x, segmentation_id: 5}\n",
         "9:36", "VID 5 is that of subport w", ""),
        (HOSTS + NET + "ports: {v: {network: a}}\ntrunks: {t: {port: v, sub_ports: [{port: v, segmentation_id: 5}]}}\n",
         "4:42", "port v is the trunk's parent", ""),
        (HOSTS + NET + "ports: {v: {network: a}, w: {network: b}}\ntrunks: {t: {port: v, sub_ports: "
         "[{port: w, segmentation_id: 0}]}}\n", "4:62", "0 is no VID", "1 to 4094"),
        # Routers.
        (HOSTS + NET + "routers: {r: {interfaces: [a]}}\n", "3:11", "no host has an L3 agent", "l3_agent: true"),
        (ROUTER_HOST + "networks: {a: {subnets: [10.0.0.0/24]}, b: {subnets: [10.0.0.0/16]}}\n"
         "routers: {r: {interfaces: [a, {subnet: b, ip_address: 10.0.0.9}]}}\n", "3:27", "overlaps", "tells its subne"),
        (ROUTER_HOST + NET + "routers: {r: {interfaces: [c]}}\n", "3:28", "there is no subnet c", ""),
        (ROUTER_HOST + NET + "routers: {r: {external_gateway_info: {network: a}}}\n", "3:48", "network a is not e", ""),
        (ROUTER_HOST + NET + "routers: {r: {interfaces: [a], routes: [{destination: 10.9.0.0/16, nexthop: 10.8.0.1}]}}",
         "3:40", "next hop 10.8.0.1 of 10.9.0.0/16 is on no subnet", ""),
        (ROUTER_HOST + NET + "routers: {r: {interfaces: [a]}, q: {interfaces: [a]}}\n",
         "3:50", "10.0.0.1, the gateway of subnet a-10.0.0.0/24, is in use", "ip_address"),
        (ROUTER_HOST + NET + "routers: {r: {hosts: [c2]}}\n", "3:23", "there is no host c2", ""),
        (HOSTS + NET + "routers: {r: {hosts: [c2]}}\n", "3:23", "host c2 has no L3 agent", ""),
        (ROUTER_HOST + NET + VM + "floating_ips: {203.0.113.9: {port: v}}\n", "4:16", "there is no external netwo", ""),
        (ROUTER_HOST
         + "networks: {a: {subnets: [10.0.0.0/24]}, x: {router:external: true, subnets: [203.0.113.0/24]}}\n" + VM
         + "floating_ips: {203.0.113.9: {port: v}}\n", "4:36", "no router leads from subnet a-10.0.0.0/24", ""),
        (HOSTS + "networks: {x: {router:external: true, subnets: [203.0.113.0/24]}}\nfloating_ips: [203.0.114.9]\n",
         "3:16", "'203.0.114.9' cannot stand here", ""),
        (HOSTS + "networks: {x: {router:external: true, subnets: [203.0.113.0/24]}}\nfloating_ips: {203.0.114.9: }\n",
         "3:16", "203.0.114.9 is in no subnet of network x", ""),
        # Hosts.
        ("hosts: {}\n", "1:8", "too few: 0", "a mapping of a host's name"),
        ("hosts: {a/b: }\n", "1:9", "a host cannot be named 'a/b'", "without a slash"),
        ("hosts: {c1: {local_ipp: 1.1.1.1}}\n", "1:14", "unknown option local_ipp", 'did you mean "local_ip"?'),
        ("hosts: {c1: {OVS: {polling_interval: 2}}}\n", "1:20", "unknown option polling_interval", "there are integ"),
        ("hosts: {c1: {local_ip: 192.0.2.300}}\n", "1:24", "local_ip: \"192.0.2.300\" is no IP address", ""),
        ("agents: {polling_interval: 0}\nhosts: {c1: }\n", "1:28", "polling_interval: 0 is not in 1..", ""),
        ("hosts: {c1: {bridge_mappings: 'p:b,p:c'}}\n", "1:31", "\"p\" is mapped twice", ""),
        ("hosts: {c1: {bridge_mappings: 'p:b,q:b'}}\n", "1:31", "\"b\" is used twice", ""),
        ("agents: {OVS: {bridge_mappings: {p: br-int}}}\nhosts: {c1: }\n", "1:33", "p is mapped to br-int", ""),
        ("server: {network_vlan_ranges: physnet1}\nhosts: {c1: {bridge_mappings: {physnet2: br-x}}}\n",
         "2:31", "there is no physical network physnet2", 'did you mean "physnet1"?'),
        ("networks: {a: {}}\nhosts: {c1: }\n" + VM, "2:9", "host c1 has tunnels (vxlan) and no local_ip", ""),
        ("networks: {a: {}}\nhosts: {c1: {local_ip: 1.1.1.1, tunnel_types: [gre]}}\n" + VM,
         "2:47", "tunnel_types of host c1 have no vxlan, which port v needs", "it has gre"),
        ("networks: {a: {}}\nhosts: {c1: {local_ip: 1.1.1.1}, c2: {local_ip: 1.1.1.1}}\n",
         "2:49", "1.1.1.1 is that of host c1", ""),
        ("networks: {a: {}}\nhosts: {c1: {local_ip: 1.1.1.1}, c2: {local_ip: '2001:db8::1'}}\n",
         "2:49", "2001:db8::1 is of IPv6", "of one version"),
        ("networks: {a: {router:external: true}}\nhosts: {c1: {bridge_mappings: {extern: br-x}}}\n" + VM,
         "2:31", "there is no physical network extern", 'did you mean "external"?'),
        ("hosts: {c1: {nics: {eth1: {physical_network: p, bridge: br-p, trunks: [0]}}}}\n", "1:72", "0 is no", "4094"),
        ("hosts: {c1: {bridge_mappings: 'p:b', nics: {eth1: q}}}\n", "1:51", "bridge_mappings have no q", ""),
        ("networks: {a: {provider:network_type: flat, provider:physical_network: p}}\n"
         "hosts: {c1: {bridge_mappings: 'p:b', nics: {eth1: {physical_network: p, bridge: c}}}}\n",
         "2:81", "NIC eth1 is on c, and p is mapped to b", ""),
        ("hosts: {c1: {l3_agent: dvr}}\n", "1:24", "an L3 agent in mode dvr needs", ""),
        # Names of devices.
        ("hosts: {c1: {integration_bridge: 'br int'}}\n", "1:34", "'br int' cannot be the name of a device", "1 to 15"),
        ("hosts: {c1: {nics: {eth1: {physical_network: p, bridge: 'b&'}}}}\n", "1:57", "'b&' cannot be the name", ""),
        ("hosts: {c1: {nics: {eth1: \"'\"}}}\n", "1:9", "cannot be the name of a physical network", ""),
        ("hosts: {c1: {bridge_mappings: {p: eth1}, nics: {eth1: p}}}\n", "1:49", "has the name of a bridge", ""),
        (HOSTS + "networks: {a: {id: 'x y'}}\n", "2:20", "'x y' cannot be an id", ""),
        (HOSTS + NET + "ports: {v: {id: machine-number-1, network: a, host: c1},\n"
         "  w: {id: machine-number-2, network: a, host: c1}}\n",
         "4:11", "ports v and w of host c1 would both be device tapmachine-num", "first 11 characters"),
        # Wires.
        ("hosts: {c1: {nics: {eth1: p}}}\nwires: {w: [c1/eth2]}\n", "2:13", "host c1 has no NIC eth2", '"eth1"?'),
        ("hosts: {c1: {nics: {eth1: p}}}\nwires: {w: [c1]}\n", "2:13", "c1 names no NIC", "HOST/NIC"),
        ("hosts: {c1: {nics: {eth1: p}}}\nwires: {w: [c1/eth1], x: [c1/eth1]}\n", "2:27", "on a wire already", "2:13"),
        ("hosts: {c1: {nics: {eth1: p}}}\nwires: {c1: [c1/eth1]}\n", "2:9", "a wire cannot be named 'c1'", "host's"),
        ("hosts: {c1: {nics: {eth1: {physical_network: p, trunks: [5]}}}}\n"
         "wires: {w: {nics: [c1/eth1], switch: false}}\n", "2:38", "a NIC on it has trunks", ""),
        # Timeline.
        (HOSTS + "timeline: [{plug: v}]\n", "2:12", "at is missing", ""),
        (HOSTS + "timeline: [{at: 1s}]\n", "2:12", "an event does nothing", "one of plug, unplug"),
        (HOSTS + "timeline: [{at: 1s, plug: v, run: x}]\n", "2:30", "an event does one thing", ""),
        (HOSTS + "timeline: [{at: 1s, plug: v}]\n", "2:27", "there is no port v", ""),
        (HOSTS + NET + VM + "timeline: [{at: 1s, plug: v, host: c1}]\n", "4:30", "host means nothing beside plug", ""),
        (HOSTS + NET + VM + "timeline: [{at: 1s, set: v}]\n", "4:12", "nothing is set", "admin_state_up"),
        (HOSTS + NET + VM + "timeline: [{at: 1s, set: v, fixed_ips: [10.0.1.9]}]\n",
         "4:41", "no subnet of network a", ""),
        (HOSTS + NET + VM + "timeline: [{at: 1s, set: v, fixed_ips: [{subnet_id: a}]}]\n",
         "4:40", "names addresses", ""),
        (HOSTS + NET + VM + "timeline: [{at: 1s, set: v, fixed_ips: [10.0.0.255]}]\n", "4:40", "broadcast address", ""),
        (HOSTS + NET
         + "ports: {v: {network: a}, w: {network: a}}\ntimeline: [{at: 1s, set: v, fixed_ips: [10.0.0.3]}]\n",
         "4:40", "10.0.0.3 is that of port w", ""),
        (HOSTS + NET
         + "ports: {v: {network: a, device_owner: 'network:x'}}\ntimeline: [{at: 1s, set: v, fixed_ips: []}]\n",
         "4:40", "port v belongs to network:x", "only those of machines"),
        (HOSTS + "timeline: [{at: 1s, host: c1, run: ovs-vsctk show}]\n", "2:36", "unknown command", '"ovs-vsctl"'),
        (HOSTS + "timeline: [{at: 1s, run: ovs-vsctl show}]\n", "2:12", "host is missing", ""),
        (ROUTER_HOST + NET + "routers: {r: {interfaces: [a]}}\ntimeline: [{at: 1s, failover: r, host: c1}]\n",
         "4:31", "router r is not highly available", "ha: true"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_place(text, place, problem, hint):
    with pytest.raises(ConfigError) as caught:
        parse_cloud(text)
    assert problem in caught.value.problem
    assert hint in caught.value.hint
    assert caught.value.where == f"cloud.yaml:{place}"


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        (HOSTS + "networks: {a: {mtu: 1500}}\n", "2:21", "an MTU of 1500 leaves no room for vxlan in 1500 bytes"),
        (HOSTS + "networks: {a: {mtu: 1451}}\n", "2:21", "an MTU of 1451 leaves no room"),
        (HOSTS + "networks: {a: {provider:network_type: gre, mtu: 1459}}\n", "2:49", "an MTU of 1459 leaves no room f"),
        (HOSTS + "server: {path_mtu: 1400}\nnetworks: {a: {mtu: 1351}}\n", "3:21", "no room for vxlan in 1400 bytes"),
        (HOSTS + "server: {path_mtu: 9000}\nnetworks: {a: {mtu: 1451}}\n", "3:21", "no room for vxlan in 1500 bytes"),
        ("hosts: {c1: {bridge_mappings: {p: br-p}}}\n", "1:31", "there is no physical network p"),
        (HOSTS + "networks: {a: {}}\nsubnets: {s: {network: a, cidr: 10.0.0.0/24, gateway_ip: 10.1.0.1}}\n",
         "3:58", "gateway 10.1.0.1 is not in 10.0.0.0/24"),
    ],
)  # fmt: skip
def test_what_looks_wrong_is_a_warning(text, place, problem):
    found = parse_cloud(text)
    assert [warning.where for warning in found.warnings] == [f"cloud.yaml:{place}"]
    assert problem in found.warnings[0].problem


@pytest.mark.parametrize("mtu", [1450, 1400])
def test_an_mtu_with_room_is_no_warning(mtu):
    assert parse_cloud(HOSTS + f"networks: {{a: {{mtu: {mtu}}}}}\n").warnings == []


LISTS = """\
networks:
  - name: blue
    provider:network_type: vxlan
    provider:segmentation_id: 7
  - {name: red, provider:network_type: vlan, provider:physical_network: p, provider:segmentation_id: 9}
subnets:
  - {name: blue4, network_id: blue, cidr: 10.0.0.0/24}
  - {name: red4, network_id: red, cidr: 10.0.1.0/24}
routers:
  - {name: r1, interfaces: [blue4, red4]}
ports:
  - {name: vm1, network_id: blue, "binding:host_id": c1}
  - {name: vm2, network_id: red, "binding:host_id": c2}
security_groups:
  - {name: web, rules: [{direction: ingress, protocol: tcp, port_range_min: 80, port_range_max: 80}]}
hosts:
  c1: {local_ip: 192.0.2.1, l3_agent: true, dhcp_agent: true}
  c2: {local_ip: 192.0.2.2}
"""
MAPPINGS = """\
networks:
  blue: {provider:network_type: vxlan, provider:segmentation_id: 7}
  red: {provider:network_type: vlan, provider:physical_network: p, provider:segmentation_id: 9}
subnets:
  blue4: {network: blue, cidr: 10.0.0.0/24}
  red4: {network: red, cidr: 10.0.1.0/24}
routers:
  r1: {interfaces: [blue4, red4]}
ports:
  vm1: {network: blue, host: c1}
  vm2: {network: red, host: c2}
security_groups:
  web: {rules: [{direction: ingress, protocol: tcp, port_range_min: 80, port_range_max: 80}]}
hosts:
  c1: {local_ip: 192.0.2.1, l3_agent: true, dhcp_agent: true}
  c2: {local_ip: 192.0.2.2}
"""


def shown(text: str) -> list[str]:
    """A cloud as text, all of it."""
    cloud = parse_cloud(text).cloud
    lines = [f"{n.id} {n.name} {n.network_type} {n.physical_network}" for n in cloud.networks]
    lines += [f"{n.id} {n.segmentation_id} {n.mtu} {n.external}" for n in cloud.networks]
    lines += [f"{s.id} {s.name} {s.network.name} {s.cidr} {s.gateway_ip} {s.allocation_pools}" for s in cloud.subnets]
    for p in cloud.ports:
        host = p.host.name if p.host else None
        fixed_ips = [(fixed.subnet.name, str(fixed.ip_address)) for fixed in p.fixed_ips]
        groups = [group.name for group in p.security_groups]
        lines.append(f"{p.id} {p.name} {p.mac_address} {host} {p.device_owner} {p.device_id} {fixed_ips} {groups}")
    lines += [f"{r.id} {r.name} {[host.name for host in r.hosts]}" for r in cloud.routers]
    lines += [f"{g.id} {g.name} {g.rules}" for g in cloud.security_groups if g.name != "default"]
    lines += [f"{h.name} {h.config} {h.nics}" for h in cloud.hosts]
    return lines


def test_lists_and_mappings_say_the_same():
    assert shown(LISTS) == shown(MAPPINGS)


def test_what_the_server_adds():
    """The ports of DHCP server and router stand first, with the first addresses."""
    cloud = parse_cloud(MAPPINGS).cloud
    assert [(p.device_owner, p.name, p.host.name, p.mac_address[-2:], str(p.fixed_ips[0].ip_address))
            for p in cloud.ports] == [
        ("network:dhcp", "", "c1", "01", "10.0.0.2"),
        ("network:dhcp", "", "c1", "02", "10.0.1.2"),
        ("network:router_interface", "", "c1", "03", "10.0.0.1"),
        ("network:router_interface", "", "c1", "04", "10.0.1.1"),
        ("compute:nova", "vm1", "c1", "05", "10.0.0.3"),
        ("compute:nova", "vm2", "c2", "06", "10.0.1.3"),
    ]  # fmt: skip
    vm1 = cloud.ports[4]
    assert [(group.name, len(group.rules)) for group in vm1.security_groups] == [("default", 4)]
    assert not any(port.port_security_enabled for port in cloud.ports[:4])
    assert [network.mtu for network in cloud.networks] == [1450, 1500]
    c1, c2 = cloud.hosts
    assert c1.config["tunnel_types"] == ["vxlan"]
    assert c2.config["bridge_mappings"] == {"p": "br-p"}
    assert [(nic.name, nic.bridge, nic.physical_network) for nic in c1.nics] == [
        ("eth0", "br-phy", None), ("eth1", "br-p", "p")
    ]  # fmt: skip
    assert [(wire.name, len(wire.nics), wire.is_switched) for wire in cloud.wires] == [
        ("data", 2, False), ("p", 2, False)
    ]  # fmt: skip


def test_an_agent_reads_options_with_and_without_sections():
    text = "agents: {AGENT: {l2_population: true}, arp_responder: true}\nhosts:\n  c1: {OVS: {local_ip: 1.2.3.4}}\n"
    assert parse_cloud(text).cloud.hosts[0].config == {
        "l2_population": True, "arp_responder": True, "local_ip": "1.2.3.4", "tunnel_types": []
    }  # fmt: skip


def test_a_distributed_router_is_where_its_machines_are():
    cloud = parse_cloud(textwrap.dedent("""\
        agents: {enable_distributed_routing: true, l2_population: true}
        networks:
          a: {subnets: [10.0.0.0/24]}
          b: {subnets: [10.0.1.0/24]}
          x: {router:external: true, subnets: [203.0.113.0/24]}
        routers:
          r: {distributed: true, interfaces: [a, b], external_gateway_info: {network: x}}
        ports:
          v: {network: a, host: c1}
          w: {network: b, host: c2}
        floating_ips: {203.0.113.50: {port: v}}
        hosts:
          c1: {local_ip: 192.0.2.1}
          c2: {local_ip: 192.0.2.2}
          c3: {local_ip: 192.0.2.3}
          n1: {local_ip: 192.0.2.4, l3_agent: true}
        """)).cloud  # fmt: skip
    router = cloud.routers[0]
    assert [host.name for host in router.hosts] == ["c1", "c2", "n1"]
    assert router.snat_host is cloud.hosts[3]
    assert [host.agent_mode for host in cloud.hosts] == ["dvr", "dvr", "dvr", "dvr_snat"]
    assert [host.dvr_mac_address for host in cloud.hosts] == [f"fa:16:3f:00:00:0{i}" for i in (1, 2, 3, 4)]
    assert [(p.device_owner, p.host.name if p.host else None) for p in cloud.ports] == [
        ("network:router_gateway", "n1"),
        ("network:router_interface_distributed", None),
        ("network:router_interface_distributed", None),
        ("network:router_centralized_snat", "n1"),
        ("network:router_centralized_snat", "n1"),
        ("compute:nova", "c1"),
        ("compute:nova", "c2"),
        ("network:floatingip_agent_gateway", "c1"),
    ]  # fmt: skip
    assert [port.device_owner for port in cloud.ports_by_host()[cloud.hosts[1]]] == [
        "network:router_interface_distributed", "network:router_interface_distributed", "compute:nova"
    ]  # fmt: skip
    assert cloud.ports_by_host()[cloud.hosts[2]] == []


def test_a_distributed_router_is_where_a_subport_is():
    cloud = parse_cloud(textwrap.dedent("""\
        agents: {enable_distributed_routing: true, l2_population: true}
        networks: {a: {subnets: [10.0.0.0/24]}, b: {subnets: [10.0.1.0/24]}}
        routers: {r: {distributed: true, interfaces: [b]}}
        ports: {v: {network: a, host: c2}, w: {network: b}}
        trunks: {t: {port: v, sub_ports: [{port: w, segmentation_id: 5}]}}
        hosts: {c1: {local_ip: 192.0.2.1}, c2: {local_ip: 192.0.2.2}}
        """)).cloud  # fmt: skip
    assert [host.name for host in cloud.routers[0].hosts] == ["c2"]


def test_an_ha_router_is_on_several_hosts():
    found = parse_cloud(textwrap.dedent("""\
        networks: {a: {subnets: [10.0.0.0/24]}}
        routers: {r: {ha: true, interfaces: [a]}}
        hosts:
          n1: {local_ip: 192.0.2.1, l3_agent: true}
          n2: {local_ip: 192.0.2.2, l3_agent: true}
        timeline:
          - {at: 10s, failover: r, host: n2}
        """))  # fmt: skip
    router = found.cloud.routers[0]
    assert [host.name for host in router.hosts] == ["n1", "n2"]
    ha_ports = [port for port in found.cloud.ports if port.device_owner == "network:router_ha_interface"]
    assert [(port.host.name, str(port.fixed_ips[0].ip_address)) for port in ha_ports] == [
        ("n1", "169.254.192.1"), ("n2", "169.254.192.2")
    ]  # fmt: skip
    assert [port.device_owner for port in found.cloud.ports_by_host()[router.hosts[1]]] == [
        "network:ha_router_replicated_interface", "network:router_ha_interface"
    ]  # fmt: skip
    change = found.cloud.changes[0]
    assert isinstance(change, Failover)
    assert (change.at_ns, change.router, change.host) == (10 * 10**9, router, router.hosts[1])


def test_the_timeline_changes_ports():
    found = parse_cloud(HOSTS + NET + VM + textwrap.dedent("""\
        timeline:
          - {at: 5s, unplug: v}
          - {at: 3s, set: v, allowed_address_pairs: [10.0.0.99]}
          - {at: 2s, plug: v}
          - {at: 4s, host: c1, run: [ovs-vsctl show, ovs-ofctl del-flows br-int]}
        """))  # fmt: skip
    port = found.cloud.ports[0]
    assert (port.plug_at_ns, port.unplug_at_ns) == (2 * 10**9, 5 * 10**9)
    (change,) = found.cloud.changes
    assert isinstance(change, PortChange)
    assert (change.at_ns, change.port, list(change.new)) == (3 * 10**9, port, ["allowed_address_pairs"])
    (pair,) = change.new["allowed_address_pairs"]
    assert isinstance(pair, AddressPair)
    assert pair.ip_address == ip_network("10.0.0.99/32")
    assert [(command.node, command.command) for command in found.commands] == [
        ("c1", "ovs-vsctl show"), ("c1", "ovs-ofctl del-flows br-int")
    ]  # fmt: skip


def test_slaac_and_subnets_of_both_versions():
    cloud = parse_cloud(HOSTS + textwrap.dedent("""\
        networks: {a: {}}
        subnets:
          v4: {network: a, cidr: 10.0.0.0/24}
          other4: {network: a, cidr: 10.0.1.0/24}
          v6: {network: a, cidr: 2001:db8::/64, ipv6_address_mode: slaac, ipv6_ra_mode: slaac}
        ports: {v: {network: a, mac_address: "fa:16:3e:00:00:07"}}
        """)).cloud  # fmt: skip
    assert [fixed.ip_address for fixed in cloud.ports[0].fixed_ips] == [
        ip_address("10.0.0.2"), ip_address("2001:db8::f816:3eff:fe00:7")
    ]  # fmt: skip
