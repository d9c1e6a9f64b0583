"""Groups, meters and the settings of tables, as the layers above see them."""
from vswitch.datapath.flows cimport Flows

cdef class Groups(Flows):
    pass
