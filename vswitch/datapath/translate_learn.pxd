"""The learn action."""
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport translation

cdef void learn(translation* t, const ofpact* a) noexcept nogil
