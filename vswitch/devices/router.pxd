"""The router as a device."""
from libc.stdint cimport uint32_t
from vswitch.capture.record cimport frame
from vswitch.datapath.device cimport CompiledDevice
from vswitch.devices.router_notes cimport note_list
from vswitch.devices.router_state cimport router

cdef class Router(CompiledDevice):
    cdef router r
    cdef readonly object config
    cdef readonly object advertiser             # RouterAdvertisements or None
    cdef object advertised                      # what it was made of
    cdef note_list notes
    cdef int _free(self) except -1
    cdef int _set_interfaces(self, object config) except -1
    cdef int _set_routes(self, object config) except -1
    cdef int _set_rules(self, object config) except -1
    cdef int _set_neighbors(self, object config) except -1
    cdef int _set_advertiser(self, object config) except -1
    cdef int _plan(self) except -1
    cdef uint32_t _solicited(self, uint32_t port, const frame* f) noexcept
    cdef void _advertise(self) noexcept
    cdef int _set_vrrp(self, object vrrp) except -1
    cdef int _set_nat(self, object nat) except -1
    cdef int _add_route(self, object to, object plen, uint32_t interface, object gateway, object source,
                        uint32_t table) except -1
