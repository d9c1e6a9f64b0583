"""The datapath's picture of bridges and ports: what the configuration became, as C structs.

A `bundle` is a row of OVSDB's Port table (one interface, or several with a bond), a `port` is an OpenFlow port
(a row of Interface). Names follow ofproto-dpif. The structs are owned by `Datapath` (datapath.pyx) and change
only between frames.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from vswitch.capture.writer cimport capture_writer
from vswitch.datapath.flow_cache cimport flow_cache
from vswitch.datapath.flow_table cimport openflow_tables
from vswitch.datapath.tunnel cimport tunnel
from vswitch.datapath.wires cimport wire_end
from vswitch.tables.mac_table cimport mac_table
from vswitch.tables.mcast_table cimport mcast_table

cdef enum:
    MAX_MIRRORS = 32                # of a bridge (OVS MAX_MIRRORS)
    OFPP_LOCAL = 0xFFFE             # OpenFlow number of the bridge's own port
    N_VLANS = 4096
    BOND_BUCKETS = 256              # of a balancing bond's hash (OVS BOND_MASK + 1)

cdef enum vlan_mode:                # Port:vlan_mode
    VLAN_MODE_ACCESS = 0
    VLAN_MODE_TRUNK = 1
    VLAN_MODE_NATIVE_TAGGED = 2
    VLAN_MODE_NATIVE_UNTAGGED = 3
    VLAN_MODE_DOT1Q_TUNNEL = 4

cdef enum priority_tags:            # Port:other_config:priority-tags
    PRIORITY_TAGS_NEVER = 0
    PRIORITY_TAGS_IF_NONZERO = 1
    PRIORITY_TAGS_ALWAYS = 2

cdef enum bond_mode:                # Port:bond_mode
    BOND_ACTIVE_BACKUP = 0
    BOND_BALANCE_SLB = 1
    BOND_BALANCE_TCP = 2

cdef enum port_config:              # OpenFlow's OFPPC_ bits, as `ovs-ofctl mod-port` sets them
    PORT_DOWN = 1 << 0              # no link: a bond looks elsewhere; otherwise frames pass all the same
    PORT_NO_STP = 1 << 1
    PORT_NO_RECV = 1 << 2
    PORT_NO_RECV_STP = 1 << 3
    PORT_NO_FLOOD = 1 << 4
    PORT_NO_FWD = 1 << 5
    PORT_NO_PACKET_IN = 1 << 6

cdef struct device_address:
    uint64_t address[2]             # most significant word first, IPv4 as ::ffff:a.b.c.d
    uint64_t mask[2]                # of an IPv4 address ::ffff:m.m.m.m, as OVS has it

cdef struct port:
    bridge* bridge
    bundle* bundle                  # NULL: not configured yet
    port* peer                      # the other end of a patch port; NULL for any other kind
    port* next_member               # next port of the same bundle; NULL for the last
    bond_member* member             # its part in the bundle's bond; NULL if it has none
    capture_writer* writer          # where frames that leave here go; NULL: nobody listens
    uint32_t interface              # number of the pcapng interface in `writer`
    uint32_t number                 # in Datapath: what the ledger and Python call it
    uint32_t mtu                    # mtu_request; 0: frames of any size pass
    uint32_t config                 # port_config bits
    uint16_t ofp_port               # OpenFlow number
    bint is_patch                   # even without a peer
    tunnel* tunnel                  # NULL: no tunnel port
    port* next_tunnel               # in tunnel_set.buckets
    wire_end* wire                  # that leads to other nodes; NULL: none, or no replay of several nodes runs
    capture_writer* tap_in          # gets what comes in here; NULL: nothing does
    capture_writer* tap_out         # gets what leaves here, also into a tunnel or a patch port; may be the same
    bint is_plain                   # no rule of its own: a frame sent here just leaves (port_update_plain())
    bint just_leaves                # ... or it may have a wire, or an MTU
    bint is_open                    # ... and no rule on what comes in here
    void* express                   # express_table* of what comes in here; NULL: there are no shortcuts
    uint64_t mac                    # of the device; 0: unknown
    device_address* addresses       # of the device, in the order in which they were set
    uint32_t n_addresses
    bint is_listening               # tunnels listen on these addresses (OVS: it is in tnl-ports.c's addr_list)
    uint64_t rx_packets
    uint64_t rx_bytes
    uint64_t tx_packets
    uint64_t tx_bytes
    uint64_t tx_dropped             # over the MTU

cdef struct bundle:
    bridge* bridge
    port* members                   # first port; NULL: partially configured, drops what it is given
    bond* bond                      # NULL unless there are several members
    uint32_t number                 # in bridge.bundles: what the MAC table remembers
    uint16_t vlan                   # Port:tag
    uint16_t qinq_ethtype           # TPID that a dot1q-tunnel pushes
    uint8_t vlan_mode
    uint8_t priority_tags
    bint is_protected
    bint floodable                  # no member is no-flood
    uint64_t* trunks                # 4096 bits; NULL: all VLANs
    uint64_t* cvlans                # 4096 bits; NULL: all VLANs
    uint32_t mirror_src             # mirrors that select what enters here (bit i: bridge.mirrors[i])
    uint32_t mirror_dst             # mirrors that select what leaves here
    uint32_t mirror_out             # mirrors that send here: the bundle is theirs alone

cdef struct bond_member:
    port* port
    bond_member* next               # in order of configuration
    bint enabled                    # may be chosen for frames
    bint is_primary                 # the one to prefer
    uint64_t delay_expires_ms       # clock when `enabled` turns; BOND_NEVER
    uint64_t turn                   # of the enabled members, the one with the smallest takes the next free bucket
    uint64_t tx_bytes               # sum of its buckets, while a bond is rebalanced

cdef struct bond_bucket:
    bond_member* member             # NULL: none yet
    uint64_t tx_bytes               # sent lately; halved at every rebalancing

cdef struct bond:
    uint8_t mode                    # bond_mode
    bond_member* members
    bond_member* active             # the one that active-backup sends on; NULL: none is enabled
    uint64_t last_turn
    uint64_t updelay_ms
    uint64_t downdelay_ms
    uint64_t rebalance_interval_ms  # 0: never
    uint64_t next_rebalance_ms      # clock
    uint32_t hash_basis
    bint all_members_active         # balance-slb takes multicast on every member
    bint announces                  # addresses behind other ports are to be announced on the bond
    bint changed                    # since bond_run() last saw it (OVS bond_revalidate)
    bond_bucket buckets[256]        # BOND_BUCKETS

cdef struct mirror:
    bint is_used
    uint64_t* vlans                 # select_vlan; NULL: all
    bundle* out                     # output_port, or NULL
    uint16_t out_vlan               # output_vlan, if `out` is NULL
    uint16_t snaplen                # 0: whole frames
    uint32_t duplicates             # mirrors with the same destination, this one included
    uint64_t n_packets
    uint64_t n_bytes

cdef struct bridge:
    bundle** bundles                # by number; NULL where one was deleted
    uint32_t n_bundles              # numbers given out
    bundle** flood_order            # the bundles that exist, in order of creation
    uint32_t n_flood
    mac_table* macs
    mcast_table* mcast              # NULL unless mcast_snooping_enable
    openflow_tables* flows
    flow_cache* cache
    mirror mirrors[32]              # MAX_MIRRORS
    bint has_mirrors
    bint forward_bpdu               # other_config:forward-bpdu
    port** port_pages[256]          # ports by OpenFlow number: its high byte, then its low one (bridge_find_port())
    port** all_order                # the ports in the order of OFPP_ALL; NULL: to be worked out (bridge_all_ports())
    uint32_t n_all
    uint32_t number                 # in Datapath

cdef inline bint vlan_bitmap_has(const uint64_t* bitmap, uint64_t vid) noexcept nogil:
    """True if `bitmap` (NULL: all VLANs) holds `vid`."""
    return bitmap == NULL or (bitmap[vid >> 6] >> (vid & 63)) & 1

cdef inline port* bridge_find_port(const bridge* br, uint32_t ofp_port) noexcept nogil:
    """The port with an OpenFlow number, or NULL."""
    if ofp_port > 0xFFFF or br.port_pages[ofp_port >> 8] == NULL:
        return NULL
    return br.port_pages[ofp_port >> 8][ofp_port & 0xFF]

cdef int bridge_add_port(bridge* br, port* p) except -1
cdef void bridge_remove_port(bridge* br, const port* p) noexcept nogil
cdef bint bridge_all_ports(bridge* br) noexcept nogil
cdef bridge* bridge_new(uint32_t number) except NULL
cdef void bridge_free(bridge* br) noexcept nogil
cdef bundle* bridge_add_bundle(bridge* br) except NULL
cdef void bridge_remove_bundle(bridge* br, bundle* b) noexcept nogil
cdef void bridge_set_mirror(bridge* br, int index, uint64_t* vlans, bundle* out, uint16_t out_vlan,
                            uint16_t snaplen) noexcept nogil
cdef void bridge_clear_mirror(bridge* br, int index) noexcept nogil
cdef bint bundle_set_vlans(bundle* b, vlan_mode mode, uint16_t vlan, uint64_t* trunks, uint64_t* cvlans,
                           uint16_t qinq_ethtype, priority_tags priority) noexcept nogil
cdef void bundle_forget(bundle* b) noexcept nogil
cdef void bundle_add_member(bundle* b, port* p) noexcept nogil
cdef void bundle_remove_member(bundle* b, port* p) noexcept nogil
cdef void bundle_update_floodable(bundle* b) noexcept nogil
cdef void port_update_plain(port* p) noexcept nogil
