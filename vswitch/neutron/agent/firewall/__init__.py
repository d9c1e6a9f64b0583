"""The openvswitch firewall: security groups as flows with conntrack (neutron/agent/linux/openvswitch_firewall/)."""
