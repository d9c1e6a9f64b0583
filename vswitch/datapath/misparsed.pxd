"""Frames with more tags than are looked at, once they have been to the controller: what Open vSwitch 3.1 does to them."""
from vswitch.datapath.execution cimport execution
from vswitch.datapath.vlan cimport tags_inner

# The frame was at the controller: from here on Open vSwitch takes its second tag for what IP begins with.
cdef void misparse(execution* ex) noexcept nogil
# Edits of ARP and IP of such a frame become bytes: what `key` has since `base`. To be called where OVS commits them.
cdef void commit_misparsed(execution* ex) noexcept nogil


cdef inline bint may_misparse(const execution* ex) noexcept nogil:
    return ex.vlan_limit == 1 and tags_inner(ex.tags) != 0 and not ex.is_ghost
