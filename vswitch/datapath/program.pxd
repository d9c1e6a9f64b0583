"""What translation leaves behind: a short list of operations, and the flows that led to it."""
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from vswitch.datapath.flow_table cimport flow

cdef enum op_code:
    OP_NORMAL = 0                   # learn, look up, send or flood; decided when it runs, not when it is translated
    OP_DROP = 1                     # `argument` is the reason (fate.pxd)

cdef struct op:
    uint16_t code
    uint16_t argument

cdef struct program:
    uint32_t number                 # in Datapath.programs: what a row of the ledger names
    uint32_t bridge                 # number of the bridge it was translated for
    uint64_t tables_version         # of the bridge's flow table when it was translated
    uint32_t n_ops
    uint32_t n_flows
    op* ops
    flow** flows                    # hit on the way, in order
    uint64_t n_packets              # not pushed to the flows yet
    uint64_t n_bytes

cdef struct program_list:           # every program of a datapath, by number
    program** programs
    uint32_t n_programs
    uint32_t n_allocated

cdef program* program_new(uint32_t n_ops, uint32_t n_flows) noexcept nogil
cdef void program_free(program* p) noexcept nogil
cdef void program_push_stats(program* p) noexcept nogil
cdef bint program_list_add(program_list* list, program* p) noexcept nogil
cdef void program_list_retire(program_list* list, uint32_t bridge) noexcept nogil
cdef void program_list_free(program_list* list) noexcept nogil
