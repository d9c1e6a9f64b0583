"""What ``openstack ... show -f yaml`` prints, pasted into a ``cloud.yaml``."""

from __future__ import annotations

import textwrap
from ipaddress import ip_address, ip_network

import pytest

from tests.shared import need_module
from vswitch.errors import ConfigError
from vswitch.setups.cloud_file import parse_cloud

need_module("yaml")
need_module("jsonschema")

NETWORK = """\
admin_state_up: true
availability_zone_hints: []
availability_zones:
- nova
created_at: '2025-10-07T09:12:44Z'
description: ''
dns_domain: null
id: 5b2f4a3e-1c60-4e3c-9a52-0f0a1f5f8a11
ipv4_address_scope: null
ipv6_address_scope: null
is_default: null
is_vlan_qinq: null
is_vlan_transparent: null
mtu: 1450
name: private
port_security_enabled: true
project_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
provider:network_type: vxlan
provider:physical_network: null
provider:segmentation_id: 1103
qos_policy_id: null
revision_number: 2
router:external: false
segments: null
shared: false
status: ACTIVE
subnets:
- 8c9d2e55-6a51-4b0c-8a7e-53d0f3c9b222
tags: []
updated_at: '2025-10-07T09:12:51Z'
"""
PUBLIC = """\
admin_state_up: true
id: 77aa2c1b-0a1d-4f4e-9d53-31b2c3d4e555
mtu: 1500
name: public
port_security_enabled: true
provider:network_type: flat
provider:physical_network: external
provider:segmentation_id: null
router:external: true
status: ACTIVE
subnets:
- 9d1e3f66-7b62-4c1d-9b8f-64e1a4dac333
tags: []
"""
SUBNET = """\
allocation_pools:
- end: 10.0.0.254
  start: 10.0.0.2
cidr: 10.0.0.0/24
created_at: '2025-10-07T09:12:51Z'
description: ''
dns_nameservers:
- 192.0.2.53
dns_publish_fixed_ip: null
enable_dhcp: true
gateway_ip: 10.0.0.1
host_routes:
- destination: 10.9.0.0/16
  nexthop: 10.0.0.9
id: 8c9d2e55-6a51-4b0c-8a7e-53d0f3c9b222
ip_version: 4
ipv6_address_mode: null
ipv6_ra_mode: null
name: private-v4
network_id: 5b2f4a3e-1c60-4e3c-9a52-0f0a1f5f8a11
project_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
revision_number: 0
router:external: false
segment_id: null
service_types: []
subnetpool_id: null
tags: []
updated_at: '2025-10-07T09:12:51Z'
"""
PUBLIC_SUBNET = """\
allocation_pools:
- end: 203.0.113.99
  start: 203.0.113.50
cidr: 203.0.113.0/24
dns_nameservers: []
enable_dhcp: false
gateway_ip: 203.0.113.1
host_routes: []
id: 9d1e3f66-7b62-4c1d-9b8f-64e1a4dac333
ip_version: 4
name: public-v4
network_id: 77aa2c1b-0a1d-4f4e-9d53-31b2c3d4e555
"""
PORT = """\
admin_state_up: true
allowed_address_pairs:
- ip_address: 10.0.0.200
  mac_address: fa:16:3e:8b:11:22
binding_host_id: compute1
binding_profile: {}
binding_vif_details:
  bound_drivers:
    '0': openvswitch
  bridge_name: br-int
  connectivity: l2
  datapath_type: system
  ovs_hybrid_plug: false
  port_filter: true
binding_vif_type: ovs
binding_vnic_type: normal
created_at: '2025-10-07T09:20:01Z'
data_plane_status: null
description: ''
device_id: 0d7a9c1e-3f52-4a8b-b1c6-9f2e4d5c6777
device_owner: compute:nova
device_profile: null
dns_assignment:
- fqdn: host-10-0-0-17.openstacklocal.
  hostname: host-10-0-0-17
  ip_address: 10.0.0.17
dns_domain: ''
dns_name: ''
extra_dhcp_opts:
- ip_version: 4
  opt_name: mtu
  opt_value: '1400'
fixed_ips:
- ip_address: 10.0.0.17
  subnet_id: 8c9d2e55-6a51-4b0c-8a7e-53d0f3c9b222
hardware_offload_type: null
hints: ''
id: c1a2b3d4-5e6f-4071-8293-a4b5c6d7e888
ip_allocation: null
mac_address: fa:16:3e:8b:11:22
name: vm1-port
network_id: 5b2f4a3e-1c60-4e3c-9a52-0f0a1f5f8a11
numa_affinity_policy: null
port_security_enabled: true
project_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
propagate_uplink_status: null
qos_network_policy_id: null
qos_policy_id: null
resource_request: null
revision_number: 4
security_group_ids:
- 1f2e3d4c-5b6a-4788-9697-a5b4c3d2e999
status: ACTIVE
tags: []
trunk_details: null
trusted: null
updated_at: '2025-10-07T09:20:09Z'
"""
GROUP = """\
created_at: '2025-10-07T09:00:00Z'
description: Default security group
id: 1f2e3d4c-5b6a-4788-9697-a5b4c3d2e999
is_shared: false
name: default
project_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
revision_number: 1
rules:
- belongs_to_default_sg: true
  created_at: '2025-10-07T09:00:00Z'
  direction: egress
  ethertype: IPv4
  id: 2a3b4c5d-0001-4000-8000-000000000001
  normalized_cidr: null
  port_range_max: null
  port_range_min: null
  project_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
  protocol: null
  remote_address_group_id: null
  remote_group_id: null
  remote_ip_prefix: null
  revision_number: 0
  security_group_id: 1f2e3d4c-5b6a-4788-9697-a5b4c3d2e999
  standard_attr_id: 17
  tenant_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
  updated_at: '2025-10-07T09:00:00Z'
- direction: ingress
  ethertype: IPv4
  id: 2a3b4c5d-0001-4000-8000-000000000002
  port_range_max: 22
  port_range_min: 22
  protocol: tcp
  remote_group_id: 1f2e3d4c-5b6a-4788-9697-a5b4c3d2e999
stateful: true
tags: []
updated_at: '2025-10-07T09:00:00Z'
"""
ROUTER = """\
admin_state_up: true
availability_zone_hints: []
availability_zones:
- nova
created_at: '2025-10-07T09:13:30Z'
description: ''
distributed: false
enable_ndp_proxy: null
external_gateway_info:
  enable_snat: true
  external_fixed_ips:
  - ip_address: 203.0.113.57
    subnet_id: 9d1e3f66-7b62-4c1d-9b8f-64e1a4dac333
  network_id: 77aa2c1b-0a1d-4f4e-9d53-31b2c3d4e555
flavor_id: null
ha: false
id: 4d5e6f70-8192-4a3b-9c4d-5e6f708192aa
interfaces_info:
- ip_address: 10.0.0.1
  port_id: 6e7f8091-a2b3-4c4d-8e5f-60718293a4bb
  subnet_id: 8c9d2e55-6a51-4b0c-8a7e-53d0f3c9b222
name: router1
project_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
revision_number: 5
routes:
- destination: 10.50.0.0/16
  nexthop: 10.0.0.50
status: ACTIVE
tags: []
updated_at: '2025-10-07T09:14:02Z'
"""
FLOATING = """\
created_at: '2025-10-07T09:30:00Z'
description: ''
dns_domain: null
dns_name: null
fixed_ip_address: 10.0.0.17
floating_ip_address: 203.0.113.77
floating_network_id: 77aa2c1b-0a1d-4f4e-9d53-31b2c3d4e555
id: 7f8091a2-b3c4-4d5e-9f60-718293a4b5cc
name: 203.0.113.77
port_details: {admin_state_up: true, device_owner: 'compute:nova', name: vm1-port}
port_id: c1a2b3d4-5e6f-4071-8293-a4b5c6d7e888
project_id: 3a0c7f7e9d0b4c2f8d3f0a5b1e2c4d6f
qos_policy_id: null
revision_number: 1
router_id: 4d5e6f70-8192-4a3b-9c4d-5e6f708192aa
status: ACTIVE
subnet_id: null
tags: []
updated_at: '2025-10-07T09:30:07Z'
"""
HOSTS = """\
hosts:
  compute1: {local_ip: 192.0.2.1}
  network1: {local_ip: 192.0.2.2, l3_agent: true}
"""


def item(text: str) -> str:
    """Output as the item of a list."""
    return "- " + textwrap.indent(text, "  ")[2:]


def document(**outputs: list[str]) -> str:
    return "".join(f"{kind}:\n{''.join(map(item, texts))}" for kind, texts in outputs.items()) + HOSTS


def test_output_can_be_pasted_as_it_is():
    found = parse_cloud(document(
        networks=[NETWORK, PUBLIC], subnets=[SUBNET, PUBLIC_SUBNET], ports=[PORT], security_groups=[GROUP],
        routers=[ROUTER], floating_ips=[FLOATING],
    ))  # fmt: skip
    cloud = found.cloud
    private, public = cloud.networks
    assert (private.id[:8], private.segmentation_id, private.mtu) == ("5b2f4a3e", 1103, 1450)
    assert (public.external, public.physical_network, public.segmentation_id) == (True, "external", None)
    subnet = cloud.subnets[0]
    assert subnet.host_routes == [(ip_network("10.9.0.0/16"), ip_address("10.0.0.9"))]
    assert subnet.dns_nameservers == [ip_address("192.0.2.53")]
    assert subnet.allocation_pools == [(ip_address("10.0.0.2"), ip_address("10.0.0.254"))]
    port = next(port for port in cloud.ports if port.name == "vm1-port")
    assert port.host is cloud.hosts[0]
    assert [str(fixed.ip_address) for fixed in port.fixed_ips] == ["10.0.0.17"]
    assert [str(pair.ip_address) for pair in port.allowed_address_pairs] == ["10.0.0.200/32"]
    assert port.extra_dhcp_opts == [("mtu", "1400", 4)]
    assert port.security_groups == cloud.security_groups
    assert [rule.protocol for rule in cloud.security_groups[0].rules] == [None, "tcp"]
    router = cloud.routers[0]
    assert router.hosts == [cloud.hosts[1]]
    assert router.routes == [(ip_network("10.50.0.0/16"), ip_address("10.0.0.50"))]
    assert str(router.gateway.fixed_ips[0].ip_address) == "203.0.113.57"
    assert [floating.port for floating in router.floating_ips] == [port]
    interface = next(port for port in cloud.ports if port.device_owner == "network:router_interface")
    assert (interface.id[:8], str(interface.fixed_ips[0].ip_address)) == ("6e7f8091", "10.0.0.1")


def test_output_can_stand_under_a_name():
    output = NETWORK.replace("8c9d2e55-6a51-4b0c-8a7e-53d0f3c9b222", "s")
    text = f"networks:\n  private:\n{textwrap.indent(output, '    ')}"
    text += "subnets: {s: {network: private, cidr: 10.0.0.0/24}}\n"
    assert parse_cloud(text + HOSTS).cloud.networks[0].name == "private"


def test_older_clients_print_texts():
    """JSON and Python's words in strings, UP and External, empty texts for nothing."""
    found = parse_cloud(textwrap.dedent("""\
        networks:
        - {id: n, name: n1, admin_state_up: UP, "router:external": Internal, "provider:physical_network": '',
           "provider:network_type": vxlan, subnets: s, qos_policy_id: None}
        - {id: x, name: x1, admin_state_up: UP, "router:external": External, "provider:network_type": flat,
           "provider:physical_network": external, subnets: t}
        subnets:
        - {id: s, name: s1, network_id: n, cidr: 10.0.0.0/24, allocation_pools: 10.0.0.10-10.0.0.20, host_routes: ''}
        - {id: t, name: t1, network_id: x, cidr: 203.0.113.0/24, gateway_ip: null}
        ports:
        - {id: p, name: p1, network_id: n, fixed_ips: "ip_address='10.0.0.7', subnet_id='s'", admin_state_up: DOWN}
        routers:
        - name: r1
          external_gateway_info: '{"network_id": "x", "enable_snat": false, "external_fixed_ips":
            [{"ip_address": "203.0.113.9", "subnet_id": "t"}]}'
          interfaces_info: '[{"port_id": "q", "ip_address": "10.0.0.1", "subnet_id": "s"}]'
          routes: ''
        """) + HOSTS)  # fmt: skip
    cloud = found.cloud
    assert [network.admin_state_up for network in cloud.networks] == [True, True]
    assert [network.external for network in cloud.networks] == [False, True]
    assert cloud.subnets[0].allocation_pools == [(ip_address("10.0.0.10"), ip_address("10.0.0.20"))]
    assert cloud.subnets[1].gateway_ip is None
    port = next(port for port in cloud.ports if port.name == "p1")
    assert str(port.fixed_ips[0].ip_address) == "10.0.0.7"
    assert not port.admin_state_up
    router = cloud.routers[0]
    assert not router.enable_snat
    assert str(router.gateway.fixed_ips[0].ip_address) == "203.0.113.9"
    assert [p.id for p in cloud.ports if p.device_owner == "network:router_interface"] == ["q"]


@pytest.mark.parametrize(
    ("output", "place", "problem"),
    [
        (NETWORK.replace("mtu: 1450", "mtuu: 1450"), "15:3", "unknown word mtuu"),
        (NETWORK.replace("segments: null", "segments: [{x: 1}]"), "25:13", "a list cannot stand here"),
    ],
)
def test_what_is_unknown_is_refused(output, place, problem):
    with pytest.raises(ConfigError) as caught:
        parse_cloud(document(networks=[output], subnets=[SUBNET]))
    assert problem in caught.value.problem
    assert caught.value.where == f"cloud.yaml:{place}"


def test_a_port_of_a_router_may_be_pasted_too():
    port = PORT.replace("compute:nova", "network:router_interface").replace("10.0.0.17", "10.0.0.1")
    port = port.replace("0d7a9c1e-3f52-4a8b-b1c6-9f2e4d5c6777", "4d5e6f70-8192-4a3b-9c4d-5e6f708192aa")
    port = port.replace("c1a2b3d4-5e6f-4071-8293-a4b5c6d7e888", "6e7f8091-a2b3-4c4d-8e5f-60718293a4bb")
    port = port.replace("compute1", "network1")
    port = port.replace("- 1f2e3d4c-5b6a-4788-9697-a5b4c3d2e999", "[]").replace("port_security_enabled: true", "x: 0")
    port = port.replace("x: 0", "port_security_enabled: false")
    port = port.replace("security_group_ids:\n[]", "security_group_ids: []")
    pairs = port.index("allowed_address_pairs"), port.index("binding_host_id")
    port = port[: pairs[0]] + "allowed_address_pairs: []\n" + port[pairs[1] :]
    cloud = parse_cloud(document(
        networks=[NETWORK, PUBLIC], subnets=[SUBNET, PUBLIC_SUBNET], ports=[port], routers=[ROUTER]
    )).cloud  # fmt: skip
    interfaces = [port for port in cloud.ports if port.device_owner == "network:router_interface"]
    assert [(port.name, port.host.name) for port in interfaces] == [("vm1-port", "network1")]
