"""Frames with more tags than are looked at, once they have been to the controller: what Open vSwitch 3.1 does to them."""
from libc.stdint cimport uint32_t
from vswitch.datapath.execution cimport execution
from vswitch.datapath.vlan cimport tags_inner

# The frame was at the controller: from here on Open vSwitch takes its second tag for what IP begins with.
cdef void misparse(execution* ex) noexcept nogil
# commit_edits() of such a frame, as far as ARP and IP are concerned. `dirty`: edit_group bits.
cdef void commit_misparsed(execution* ex, uint32_t dirty) noexcept nogil


cdef inline bint may_misparse(const execution* ex) noexcept nogil:
    return ex.vlan_limit == 1 and tags_inner(ex.tags) != 0 and not ex.is_ghost
