"""One frame on its way through the bridges: the state that programs work on."""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from vswitch.capture.writer cimport capture_writer
from vswitch.datapath.bridge cimport bridge, bundle, port
from vswitch.datapath.device_answers cimport device_answers
from vswitch.datapath.drop_places cimport SITE_BITS
from vswitch.datapath.fate cimport FATE_DELIVERED
from vswitch.datapath.ledger cimport ledger_rows
from vswitch.datapath.packet_in cimport packet_in_queue
from vswitch.datapath.tunnels cimport tunnel_set
from vswitch.datapath.program cimport op, program, program_list
from vswitch.datapath.vlan cimport tag_stack
from vswitch.datapath.wires cimport wire_queue
from vswitch.tables.flow_key cimport FLOW_DEPTH_L4, flow_extract, flow_key, frame_layout, vlan_tag

cdef enum:
    MAX_DEPTH = 64                  # nested look-ups (OVS MAX_DEPTH)
    MAX_RESUBMITS = 64 * 64         # look-ups in all (OVS MAX_RESUBMITS)
    MAX_ACTIONS_BYTES = 65535       # datapath actions that OVS encodes before it stops resubmitting
    N_BROKEN = 4                    # ports of a frame whose sending failed that are noted
    METADATA_BYTES = 128            # of a flow key: all that stands before dl_dst
    TUNNEL_BYTES = 376              # ... and all from ct_nw_src on
    SNAPLEN_MAX = 65535             # Mirror:snaplen that cuts nothing, and yet keeps copies from patch ports
    # What OVS's datapath actions take in Netlink attributes, for that limit
    OUTPUT_ACTION_BYTES = 8
    TRUNCATE_ACTION_BYTES = 8
    PUSH_VLAN_ACTION_BYTES = 8
    POP_VLAN_ACTION_BYTES = 4
    USERSPACE_ACTION_BYTES = 64     # for the controller: two headers, port id, struct user_action_cookie
    METER_ACTION_BYTES = 8
    RECIRC_ACTION_BYTES = 8
    NESTED_ACTION_BYTES = 4         # a header with actions behind it
    CHECK_LEN_ACTION_BYTES = 12     # of check_pkt_len, without its two lists

cdef struct execution
ctypedef void (*bridge_receiver)(execution* ex) noexcept nogil
ctypedef void (*frame_receiver)(execution* ex) noexcept nogil
ctypedef void (*frame_resumer)(execution* ex, const void* frozen) noexcept nogil
ctypedef void (*frame_mirror)(execution* ex, bundle* b, uint32_t candidates) noexcept nogil

cdef struct execution:
    # The frame as it came in
    const uint8_t* data
    uint32_t caplen                 # bytes at `data`
    uint32_t len                    # bytes on the wire
    uint32_t counted_len            # ... when it was received, or parsed again: what counters count
    bint is_pushed                  # it was put in a tunnel: OVS counts all headers that come to it from then on
    uint64_t time_ns                # its time stamp
    tag_stack base_tags             # tags at its front, as far as vlan_limit lets the key see them
    # As the pipeline sees it now
    flow_key key                    # its `vlans` are those that the frame had when it entered `bridge`
    tag_stack tags                  # those it has now
    bridge* bridge
    port* in_port                   # of `bridge`
    # Limits, as OVS counts them
    uint32_t depth
    uint32_t n_resubmits            # up to the program that runs, and of what it has entered meanwhile
    uint32_t own_resubmits          # of the program that runs, up to the operation that runs
    uint32_t actions_bytes
    uint32_t n_popped               # most tags of the frame's own that an output had to take off
    # Mirrors of `bridge` that already have a copy
    uint32_t mirrors
    # What became of it
    uint32_t n_outputs              # copies that left, mirror copies not counted
    uint32_t reason                 # first reason of a drop that was met; FATE_DELIVERED if none
    uint32_t reason_bridge          # number of the bridge that gave it
    uint64_t reason_site            # ... and of what its flows there, see drop_places.pxd
    const op* op                    # the operation that may drop it, now; NULL: none of a program
    int key_depth                   # flow_depth that `key` was extracted to
    # Edits: commit.pyx
    frame_layout layout             # of `data`, if `key` holds more than layer 2
    uint32_t dirty                  # edit_group bits: `key` may differ from the bytes
    uint32_t touched                # ... groups that have been written to the bytes
    uint32_t nd_edits               # nd_edit bits
    bint is_scratch                 # `data` is `scratch`
    bint is_misparsed               # `layout` is a wrong one that Open vSwitch has, too: misparsed.pyx
    uint8_t seen_tos                # bits of TOS that a tunnel's header has looked at: they are set together from then on
    bint has_metadata               # registers and the like were written to `key`
    bint is_ghost                   # OVS translates what comes now, and learns and counts; but nothing is sent
    program* running
    const op* mute_end              # up to here nothing but the key changes, because a limit was met; NULL: none was
    # What OVS has encoded: odp_size.pyx
    bint has_base                   # `base` holds headers: there was an edit
    bint has_new_edits              # `key` may differ from it
    flow_key base                   # as after the last edits that OVS encoded (base_flow); headers and mark only
    tag_stack committed_tags        # tags that OVS's datapath has on the frame after the last output
    uint32_t program                # number of the program that the first bridge ran
    uint32_t mirror_snaplen         # how far the mirror at work, or an output with max_len, cuts copies; 0: not at all
    bint is_cut                     # it is the output: a tunnel gets the frame cut; of a mirror's copy it cuts all together
    uint32_t n_broken               # ports that could not send a copy of this frame ...
    port* broken[4]                 # ... and what else they would get of it is lost with that (N_BROKEN)
    # Tunnels
    tunnel_set* tunnels             # of the datapath
    uint64_t tunnel_dst[2]          # where the tunnel that it came out of ended
    const uint8_t* received         # the frame as it was received, here or out of a tunnel
    uint32_t received_caplen
    uint32_t recirc_depth           # tunnels that it came out of
    uint32_t rss                    # hash of its five-tuple then, if ...
    bint has_rss                    # ... somebody has asked for it
    uint32_t n_nested               # frames that wait for this one
    uint32_t mirroring              # depth of mirror_frame() calls: copies made now are mirror copies
    # Fixed for the run
    int vlan_limit
    bint out_of_memory              # translation failed for want of memory
    bridge_receiver receive         # bridge_receive() of receive.pyx: a patch port enters the next bridge
    frame_receiver receive_anew     # frame_receive_anew() of receive.pyx: what was in a tunnel comes in
    frame_resumer resume            # frame_resume() of receive.pyx: parses the frame again and goes on
    frame_mirror mirror             # mirror_frame() of mirror.pyx: what leaves may be copied, copies leave too
    program_list* programs          # where translation keeps what it makes
    capture_writer* collect         # where copies for ports without a writer go (Node.send()), or NULL
    ledger_rows* ledger             # or NULL
    wire_queue* wires               # where frames go that leave at a port with a wire; NULL: there are none
    uint64_t clock_ns               # time since the set-up
    uint8_t* scratch                # room for an edited frame
    size_t scratch_size
    uint8_t** scratches             # that of each level of nested frames
    size_t* scratch_sizes
    device_answers* answers         # what waits for this frame's end
    packet_in_queue* packet_ins     # or NULL: frames for the controller are only counted
    capture_writer* packet_in_frames        # their bytes, in the same order


cdef inline void execution_begin(execution* ex, port* in_port, bridge* br, const uint8_t* data, uint32_t caplen,
                                 uint32_t n_bytes, uint64_t time_ns) noexcept nogil:
    """A frame begins its way in bridge `br`; the key is the caller's to fill."""
    ex.data = data
    ex.caplen = caplen
    ex.len = ex.counted_len = n_bytes
    ex.time_ns = time_ns
    ex.bridge = br
    ex.in_port = in_port
    ex.depth = ex.n_resubmits = ex.own_resubmits = ex.actions_bytes = 0
    ex.mirrors = 0
    ex.n_outputs = 0
    ex.n_broken = 0
    ex.n_popped = 0
    ex.seen_tos = 0
    ex.reason = FATE_DELIVERED
    ex.op = NULL
    ex.received = data
    ex.received_caplen = caplen
    ex.tunnel_dst[0] = ex.tunnel_dst[1] = 0
    ex.recirc_depth = 0
    ex.has_rss = False
    ex.dirty = ex.touched = ex.nd_edits = 0
    ex.is_scratch = ex.is_ghost = ex.has_base = ex.has_new_edits = ex.is_misparsed = False


cdef inline void execution_deepen(execution* ex, int depth) noexcept nogil:
    """Extracts what `key` lacks down to `depth`. The frame's bytes are still as it came: edits want the whole key."""
    cdef vlan_tag vlans[2]
    if ex.key_depth >= depth:
        return
    vlans[0] = ex.key.vlans[0]
    vlans[1] = ex.key.vlans[1]
    flow_extract(ex.data, ex.caplen, ex.vlan_limit, FLOW_DEPTH_L4, &ex.key, &ex.layout)
    ex.key.vlans[0] = vlans[0]
    ex.key.vlans[1] = vlans[1]
    ex.key_depth = FLOW_DEPTH_L4


cdef inline void drop(execution* ex, uint32_t reason) noexcept nogil:
    """Notes why a copy goes no further. The first reason stands: what comes after it follows from it."""
    if ex.reason == FATE_DELIVERED and not ex.is_ghost:
        ex.reason = reason
        ex.reason_bridge = ex.bridge.number
        ex.reason_site = ex.op.mask & ((<uint64_t>1 << SITE_BITS) - 1) if ex.op != NULL else 0
