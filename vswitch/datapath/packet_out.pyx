"""Packet-out: follows ofproto-dpif's packet_xlate().

No port counts the frame as received. One that is said to come from no port (OFPP_CONTROLLER, OFPP_NONE) enters NORMAL
as over a trunk of its own, and nothing is learned from it (OVS ofpp_none_bundle).
"""
from libc.string cimport memset

from vswitch.datapath.bridge cimport VLAN_MODE_TRUNK, bridge_find_port, bundle, port
from vswitch.datapath.execution cimport execution_begin
from vswitch.datapath.execute cimport execute
from vswitch.datapath.program cimport program, program_list_bury, program_list_sweep
from vswitch.datapath.receive cimport passes_rules, program_alone
from vswitch.datapath.translate cimport translate_args
from vswitch.datapath.translation cimport ACTSET_UNSET
from vswitch.datapath.vlan cimport tags_from_key
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract
from vswitch.tables.mac_table cimport BUNDLE_NONE

cdef enum:
    OFPP_CONTROLLER = 0xFFFD
    OFPP_NONE = 0xFFFF

cdef bundle none_bundle
cdef port none_port                             # in_port of what comes from no port
none_bundle.number = BUNDLE_NONE
none_bundle.vlan_mode = VLAN_MODE_TRUNK
none_port.bundle = &none_bundle
cdef port missing_port                          # all zero: a number that no port has


cdef void frame_packet_out(execution* ex, bridge* br, uint32_t in_port, const frame* f,
                           const frozen_state* actions) noexcept nogil:
    cdef port* p = bridge_find_port(br, in_port)
    cdef translate_args args
    cdef program* run
    program_list_sweep(ex.programs)
    if p == NULL:
        p = &none_port if in_port == OFPP_CONTROLLER or in_port == OFPP_NONE else &missing_port
    execution_begin(ex, p, br, f.data, f.caplen, f.len, f.time_ns)
    flow_extract(f.data, f.caplen, ex.vlan_limit, FLOW_DEPTH_L4, &ex.key, &ex.layout)
    ex.key_depth = FLOW_DEPTH_L4
    ex.key.in_port = in_port
    ex.key.actset_output = ACTSET_UNSET
    ex.has_metadata = True
    ex.tags = ex.base_tags = ex.committed_tags = tags_from_key(ex.key.vlans)
    memset(&args, 0, sizeof(args))
    args.frozen = actions
    run = program_alone(ex, &args)
    if run == NULL:
        return
    if passes_rules(ex, p):
        execute(ex, run)
    program_list_bury(ex.programs, run)
