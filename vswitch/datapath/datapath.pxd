"""The datapath as one object: what a replay of several of them needs of each."""
from libc.stdint cimport int64_t, uint32_t, uint64_t
from vswitch.capture.merge cimport MergedCaptures
from vswitch.capture.record cimport frame
from vswitch.capture.writer cimport FrameCollector, capture_writer
from vswitch.datapath.bridge cimport port
from vswitch.datapath.burst cimport frame_ahead
from vswitch.datapath.device_answers cimport device_answers
from vswitch.datapath.drop_places cimport drop_places
from vswitch.datapath.execution cimport execution
from vswitch.datapath.express cimport express_list, express_table
from vswitch.datapath.express_burst cimport express_burst
from vswitch.datapath.shortcut cimport shortcut_table
from vswitch.datapath.shortcut_burst cimport shortcut_ahead
from vswitch.datapath.fate cimport N_FATES
from vswitch.datapath.packet_in cimport packet_in_queue
from vswitch.datapath.program cimport program
from vswitch.datapath.tunnel_ports cimport TunnelPorts

cdef class Datapath(TunnelPorts):
    cdef execution ex
    cdef FrameCollector collector               # takes the copies for receive()
    cdef device_answers answers                 # frames from devices that come in after this one
    cdef packet_in_queue packet_ins             # frames for the controller
    cdef FrameCollector packet_in_frames        # their bytes
    cdef FrameCollector own                     # takes what the switch itself sends outside of a replay
    cdef uint64_t counts[N_FATES]
    cdef drop_places places                     # where frames were dropped
    cdef readonly uint32_t last_drop            # number of the place of the frame that came in last; 0: it was not dropped
    cdef uint64_t next_event_ns                 # when the clock must not pass unnoticed: the first of these two and next_expiry_ns
    cdef uint64_t next_second_ns                # the next whole second: addresses age
    cdef uint64_t next_bond_ns                  # a bond has something to do
    cdef uint64_t offset_ns                     # in a replay of several nodes: time stamps minus the clock; otherwise 0
    cdef bint in_network                        # ... which is under way, though commands may come between its frames
    cdef shortcut_table** shortcuts               # by number of the bridge; NULL: none begin there
    cdef express_table** express                # likewise
    cdef express_list to_count                  # express entries with frames that are not counted yet
    cdef uint64_t token                         # if token_is_known
    cdef bint token_is_known
    cdef uint64_t n_aims                        # times that they all went, and what they are found by changed
    cdef uint32_t n_shortcuts                    # bridges for which there is a place in both
    cdef bint has_shortcuts                      # somewhere they begin
    cdef public bint keeps_shortcuts             # False: every frame goes the long way
    cdef readonly uint64_t n_short              # frames that took a shortcut ...
    cdef readonly uint64_t n_express            # ... by an express entry
    cdef uint64_t n_preparations                # changes of the configuration that frames may have met
    cdef int _prepare(self) except -1
    cdef int _check_writers(self) except -1
    cdef int _run(self, MergedCaptures captures, port** table, uint64_t* offset_ns, bint* started) noexcept nogil
    cdef void _switch_burst(self, const frame* frames, int n, port** table, uint64_t* offset_ns,
                            bint* started, const frame* after, int n_after) noexcept nogil
    cdef int _plan_shortcuts(self) except -1
    cdef void _switch_single(self, const frame* frames, int n, port** table, uint64_t offset_ns, const frame* after,
                             int n_after) noexcept nogil
    cdef void _switch_chained(self, const frame* frames, int n, port** table, uint64_t offset_ns, const frame* after,
                              int n_after) noexcept nogil
    cdef uint64_t _known_token(self) noexcept nogil
    cdef uint64_t _token(self) noexcept nogil
    cdef void _switch_arrival(self, port* in_port, const frame* f, frame_ahead* ahead, uint64_t offset_ns) noexcept nogil
    cdef void _count(self) noexcept nogil
    cdef int _take_express(self, const frame* frames, int first, int n, port** table, uint64_t offset_ns, int64_t* latest_ns,
                           const express_burst* express) noexcept nogil
    cdef void _take_shortcut(self, port* in_port, const frame* f, const shortcut_ahead* ahead) noexcept nogil
    cdef uint64_t _switch_and_note(self, port* in_port, const frame* f, program* p, uint64_t token) noexcept nogil
    cdef void _aim_express(self) noexcept nogil
    cdef bint _tunnels_may_end(self) noexcept nogil
    cdef void _switch(self, port* in_port, const frame* f, program* p) noexcept nogil
    cdef void _take_answers(self) noexcept nogil
    cdef void _refuse(self, port* in_port, const frame* f, uint32_t fate) noexcept nogil
    cdef void _record_fate(self, const port* in_port, const frame* f, uint32_t fate, uint32_t place,
                           uint64_t first_output) noexcept nogil
    cdef port** _input_table(self, port** table, list inputs) except NULL
    cdef void _advance(self, uint64_t clock_ns, uint64_t time_ns) noexcept nogil
    cdef void _run_bonds(self, uint64_t time_ns) noexcept nogil
    cdef capture_writer* _collector_of_own(self) noexcept nogil
    cdef void _plan(self) noexcept nogil
    cdef int _check_memory(self) except -1
    cdef void _age(self, uint64_t second) noexcept nogil
