"""Multicast snooping: IGMP and MLD in, output bundles out.

What a frame teaches
====================
* IGMPv1 and v2 reports, MLDv1 reports: the bundle joins the group. Leave and done: it leaves.
* IGMPv3 and MLDv2 reports: each record joins its group, or leaves it if it is "include" without sources. Sources are
  not otherwise looked at: a bundle that wants a group from one source gets it from all.
* Queries from a real address (not 0.0.0.0 or ::): there is a multicast router behind the bundle.

The length and the checksum of the whole message must be right, and flood ports teach nothing.

Where a frame goes
==================
    reports, leaves                    routers, report ports
    queries, other IGMP                flood
    224.0.0.x, ff02::1                 flood (RFC 4541 §2.1.2; of IPv6, OVS floods this one address only)
    a group that is known              its members, flood ports, routers
    any other group                    flood; or if flood_unregistered is off: routers, flood ports

never to the bundle that it came from, and to routers of the same VLAN only.

Three oddities are OVS's, and kept because the reference is what OVS does: an IGMPv3 record of an unknown type
is not stepped over, so all further records of the report are lost; the length of a record's auxiliary data is taken for
bytes, though the RFCs count words of 4; records may reach into the padding behind the IP packet. One is not:
an MLDv1 message too short for its group is ignored here.

OVS prunes the table in its main loop, before the next frame arrives; so `mcast_snooping_update` ends with a run.
"""
from vswitch.tables.flow_key cimport LAYOUT_NONE
from vswitch.tables.mcast_table cimport (
    mcast_group, mcast_ports, mcast_ports_have, mcast_table_add_router, mcast_table_find,
    mcast_table_join, mcast_table_leave, mcast_table_run)
from vswitch.wire.address_words cimport map_ipv4
from vswitch.wire.checksum cimport checksum_add, checksum_finish
from vswitch.wire.igmp cimport igmp_fits
from vswitch.wire.igmpv3 cimport (
    BLOCK_OLD_SOURCES, CHANGE_TO_INCLUDE, IGMP_QUERY, IGMPV1_REPORT, IGMPV2_LEAVE, IGMPV2_REPORT, IGMPV3_LEN,
    IGMPV3_RECORD_LEN, IGMPV3_REPORT, IGMPV3_SOURCE_LEN, MODE_IS_INCLUDE, igmpv3_fits, igmpv3_n_records,
    igmpv3_record_aux_len, igmpv3_record_fits, igmpv3_record_group, igmpv3_record_n_sources, igmpv3_record_type)
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP6, IP_PROTO_IGMP
from vswitch.wire.ipv6 cimport IPV6_LEN, IPV6_SRC
from vswitch.wire.mld cimport (
    MLD_LEN, MLD_QUERY, MLD_RECORD_LEN, MLD_SOURCE_LEN, MLDV1_DONE, MLDV1_REPORT, MLDV2_REPORT, mld_fits,
    mld_n_records, mld_record_aux_len, mld_record_fits, mld_record_group, mld_record_n_sources, mld_record_type,
    mldv1_fits, mldv1_group)

cdef enum:
    IPV6_ADDRESSES_LEN = 32         # source and destination, which lie side by side

cdef struct mcast_output:           # the caller's array
    uint32_t* bundles
    uint32_t n                      # bundles found so far, more than fit perhaps
    uint32_t n_max
    uint32_t in_bundle

# --- learning

cdef void mcast_snooping_update(mcast_table* table, const flow_key* key, uint16_t vlan, uint32_t bundle,
                                const uint8_t* frame, size_t n_bytes, const frame_layout* layout) noexcept nogil:
    cdef size_t l4_ofs = layout.l4_ofs
    cdef const uint8_t* message = frame + l4_ofs
    cdef size_t n_message               # without the padding
    if l4_ofs == LAYOUT_NONE or l4_ofs + layout.l2_pad > n_bytes or mcast_ports_have(&table.flood_ports, bundle):
        return
    n_message = n_bytes - layout.l2_pad - l4_ofs
    n_bytes -= l4_ofs
    if key.dl_type == ETH_TYPE_IPV4 and is_igmp(key):
        if not igmp_fits(n_bytes) or checksum_finish(checksum_add(0, message, n_message)) != 0:
            return
        update_from_igmp(table, key, vlan, bundle, message, n_bytes)
    elif is_mld(key):
        if not mld_fits(n_bytes) or <size_t>layout.l3_ofs + IPV6_LEN > l4_ofs:
            return
        if checksum_mld(frame + layout.l3_ofs, message, n_message) != 0:
            return
        update_from_mld(table, key, vlan, bundle, message, n_bytes)
    else:
        return
    mcast_table_run(table, table.now_s)

cdef uint16_t checksum_mld(const uint8_t* ip, const uint8_t* message, size_t n_message) noexcept nogil:
    # From the frame's own addresses: an action before NORMAL may have changed those of the key.
    cdef uint64_t total = checksum_add(0, ip + IPV6_SRC, IPV6_ADDRESSES_LEN)
    return checksum_finish(checksum_add(total + IP_PROTO_ICMP6 + <uint16_t>n_message, message, n_message))

cdef void update_from_igmp(mcast_table* table, const flow_key* key, uint16_t vlan, uint32_t bundle,
                           const uint8_t* message, size_t n_bytes) noexcept nogil:
    cdef uint64_t address[2]
    map_ipv4(key.igmp_group_ip4, address)
    if key.tp_src == IGMPV1_REPORT or key.tp_src == IGMPV2_REPORT:
        mcast_table_join(table, address, vlan, bundle)
    elif key.tp_src == IGMPV2_LEAVE:
        mcast_table_leave(table, address, vlan, bundle)
    elif key.tp_src == IGMP_QUERY:
        if key.nw_src != 0:
            mcast_table_add_router(table, vlan, bundle)
    elif key.tp_src == IGMPV3_REPORT:
        update_from_igmpv3_report(table, vlan, bundle, message, n_bytes)

cdef void update_from_igmpv3_report(mcast_table* table, uint16_t vlan, uint32_t bundle,
                                    const uint8_t* message, size_t n_bytes) noexcept nogil:
    cdef uint64_t address[2]
    cdef const uint8_t* record
    cdef size_t ofs = IGMPV3_LEN
    if not igmpv3_fits(n_bytes):
        return
    for _ in range(igmpv3_n_records(message)):
        if ofs > n_bytes or not igmpv3_record_fits(n_bytes - ofs):
            return
        record = message + ofs
        if not is_known(igmpv3_record_type(record)):
            return                  # it would be looked at again and again
        map_ipv4(igmpv3_record_group(record), address)
        apply_record(table, address, vlan, bundle, igmpv3_record_type(record), igmpv3_record_n_sources(record))
        ofs += (IGMPV3_RECORD_LEN + IGMPV3_SOURCE_LEN * <size_t>igmpv3_record_n_sources(record)
                + igmpv3_record_aux_len(record))

cdef void update_from_mld(mcast_table* table, const flow_key* key, uint16_t vlan, uint32_t bundle,
                          const uint8_t* message, size_t n_bytes) noexcept nogil:
    cdef uint64_t address[2]
    if key.tp_src == MLD_QUERY:
        if key.ipv6_src[0] | key.ipv6_src[1]:
            mcast_table_add_router(table, vlan, bundle)
    elif key.tp_src == MLDV2_REPORT:
        update_from_mldv2_report(table, vlan, bundle, message, n_bytes)
    elif mldv1_fits(n_bytes):
        mldv1_group(message, address)
        if key.tp_src == MLDV1_REPORT:
            mcast_table_join(table, address, vlan, bundle)
        else:
            mcast_table_leave(table, address, vlan, bundle)

cdef void update_from_mldv2_report(mcast_table* table, uint16_t vlan, uint32_t bundle,
                                   const uint8_t* message, size_t n_bytes) noexcept nogil:
    cdef uint64_t address[2]
    cdef const uint8_t* record
    cdef size_t ofs = MLD_LEN
    for _ in range(mld_n_records(message)):
        if ofs > n_bytes or not mld_record_fits(n_bytes - ofs):
            return
        record = message + ofs
        if is_known(mld_record_type(record)):
            mld_record_group(record, address)
            apply_record(table, address, vlan, bundle, mld_record_type(record), mld_record_n_sources(record))
        ofs += MLD_RECORD_LEN + MLD_SOURCE_LEN * <size_t>mld_record_n_sources(record) + mld_record_aux_len(record)

cdef inline bint is_known(uint8_t record_type) noexcept nogil:
    return MODE_IS_INCLUDE <= record_type <= BLOCK_OLD_SOURCES

cdef void apply_record(mcast_table* table, const uint64_t* address, uint16_t vlan, uint32_t bundle,
                       uint8_t record_type, uint16_t n_sources) noexcept nogil:
    if n_sources == 0 and (record_type == MODE_IS_INCLUDE or record_type == CHANGE_TO_INCLUDE):
        mcast_table_leave(table, address, vlan, bundle)
    else:
        mcast_table_join(table, address, vlan, bundle)

# --- forwarding

cdef uint32_t mcast_snooping_outputs(const mcast_table* table, const flow_key* key, uint16_t vlan, uint32_t in_bundle,
                                     uint32_t* bundles, uint32_t n) noexcept nogil:
    cdef mcast_output out
    cdef const mcast_group* group
    cdef uint64_t address[2]
    cdef uint32_t i
    out.bundles = bundles
    out.n = 0
    out.n_max = n
    out.in_bundle = in_bundle
    if is_igmp(key) or is_mld(key):
        if not is_report(key):
            return MCAST_FLOOD
        add_routers(&out, table, vlan)
        add_ports(&out, &table.report_ports)
        return out.n
    if is_local(key):
        return MCAST_FLOOD
    if key.dl_type == ETH_TYPE_IPV4:
        map_ipv4(key.nw_dst, address)
        group = mcast_table_find(table, address, vlan)
    else:
        group = mcast_table_find(table, key.ipv6_dst, vlan)
    if group != NULL:
        for i in range(group.n_members):
            add(&out, group.members[i].bundle)
        add_ports(&out, &table.flood_ports)
        add_routers(&out, table, vlan)
    elif table.flood_unregistered:
        return MCAST_FLOOD
    else:
        add_routers(&out, table, vlan)
        add_ports(&out, &table.flood_ports)
    return out.n

cdef inline bint is_igmp(const flow_key* key) noexcept nogil:
    return key.dl_type == ETH_TYPE_IPV4 and key.nw_proto == IP_PROTO_IGMP

cdef inline bint is_mld(const flow_key* key) noexcept nogil:
    return (key.dl_type == ETH_TYPE_IPV6 and key.nw_proto == IP_PROTO_ICMP6
            and (MLD_QUERY <= key.tp_src <= MLDV1_DONE or key.tp_src == MLDV2_REPORT))

cdef inline bint is_report(const flow_key* key) noexcept nogil:
    """True if an IGMP or MLD message is a report, leave or done."""
    if key.dl_type == ETH_TYPE_IPV6:
        return key.tp_src != MLD_QUERY
    return (key.tp_src == IGMPV1_REPORT or key.tp_src == IGMPV2_REPORT or key.tp_src == IGMPV2_LEAVE
            or key.tp_src == IGMPV3_REPORT)

cdef inline bint is_local(const flow_key* key) noexcept nogil:
    if key.dl_type == ETH_TYPE_IPV4:
        return key.nw_dst >> 8 == 0xE00000
    return key.ipv6_dst[0] == <uint64_t>0xFF02 << 48 and key.ipv6_dst[1] == 1

cdef inline void add(mcast_output* out, uint32_t bundle) noexcept nogil:
    if bundle == out.in_bundle:
        return
    if out.n < out.n_max:
        out.bundles[out.n] = bundle
    out.n += 1

cdef void add_ports(mcast_output* out, const mcast_ports* ports) noexcept nogil:
    cdef uint32_t i
    for i in range(ports.n):
        add(out, ports.bundles[i])

cdef void add_routers(mcast_output* out, const mcast_table* table, uint16_t vlan) noexcept nogil:
    cdef uint32_t i
    for i in range(table.n_routers):
        if table.routers[i].vlan == vlan:
            add(out, table.routers[i].bundle)
