"""encap, decap: headers in front of the frame, and what kind of packet it thereby is."""
from vswitch.datapath.ofpact cimport ofpact
from vswitch.datapath.translation cimport translation

cdef void encap(translation* t, const ofpact* a) noexcept nogil
cdef void decap(translation* t, const ofpact* a) noexcept nogil
