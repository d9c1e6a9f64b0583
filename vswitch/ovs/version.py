"""The version of Open vSwitch whose behaviour is ours."""

OVS_VERSION = "3.1.0"
