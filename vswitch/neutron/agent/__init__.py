"""What neutron-openvswitch-agent builds on a host: bridges, ports and flows, as steps of OVS commands."""
