"""The real neutron-openvswitch-agent as a judge of ours, on random clouds (tests/check_agent.py)."""
