"""A frame within a frame: what a tunnel encapsulates or takes out, and what asks for a neighbour.

All of the state of the frame that waits is put aside in one piece, but for what is about the whole journey: outputs,
the first drop, memory. Each level has room of its own for an edited frame, which is kept for the next time.
"""
from libc.stdlib cimport free, malloc
from libc.string cimport memset

from vswitch.datapath.execution cimport METADATA_BYTES, TUNNEL_BYTES, drop
from vswitch.datapath.fate cimport DROP_RECURSION_TOO_DEEP
from vswitch.datapath.vlan cimport tags_from_key
from vswitch.tables.flow_key cimport FLOW_DEPTH_L2, flow_extract_l2


cdef execution* nested_begin(execution* ex) noexcept nogil:
    cdef execution* saved
    if ex.n_nested >= MAX_NESTED:
        drop(ex, DROP_RECURSION_TOO_DEEP)
        return NULL
    saved = <execution*>malloc(sizeof(execution))
    if saved == NULL:
        ex.out_of_memory = True
        return NULL
    saved[0] = ex[0]
    ex.n_nested += 1
    ex.scratch = ex.scratches[ex.n_nested]
    ex.scratch_size = ex.scratch_sizes[ex.n_nested]
    return saved


cdef void nested_end(execution* ex, execution* saved) noexcept nogil:
    ex.scratches[ex.n_nested] = ex.scratch
    ex.scratch_sizes[ex.n_nested] = ex.scratch_size
    saved.n_outputs = ex.n_outputs
    saved.reason = ex.reason
    saved.reason_bridge = ex.reason_bridge
    saved.reason_site = ex.reason_site
    saved.out_of_memory = ex.out_of_memory
    ex[0] = saved[0]
    free(saved)


cdef bint nested_frame(execution* ex, port* in_port, const uint8_t* data, uint32_t caplen, uint32_t n_bytes) noexcept nogil:
    """False if it is no Ethernet frame."""
    ex.data = data
    ex.caplen = caplen
    ex.len = ex.counted_len = n_bytes
    ex.bridge = in_port.bridge
    ex.in_port = in_port
    ex.n_popped = 0
    ex.op = NULL
    ex.mute_end = NULL
    ex.dirty = ex.touched = ex.nd_edits = 0
    ex.is_scratch = ex.has_base = ex.has_new_edits = ex.is_pushed = ex.is_misparsed = False
    ex.mirror_snaplen = 0
    ex.is_cut = False
    memset(&ex.key, 0, METADATA_BYTES)
    memset(&ex.key.ct_nw_src, 0, TUNNEL_BYTES)
    ex.has_metadata = False
    if flow_extract_l2(data, caplen, ex.vlan_limit, &ex.key) < 0:
        return False
    ex.key_depth = FLOW_DEPTH_L2
    ex.key.in_port = in_port.ofp_port
    ex.tags = ex.base_tags = ex.committed_tags = tags_from_key(ex.key.vlans)
    return True
