"""A look into an Ethernet frame, without a copy, for Python code.

A `Frame` knows a buffer and nothing else: each property reads the headers that lead to it anew, with the accessors
that the datapath uses, and gives numbers, text or a record of `vswitch.wire.headers`. Nothing is cached, so a frame
over a changing buffer (a `bytearray`) always tells what is there now, and a million frames cost no more than their
properties that somebody asks for.

What is not there is `None` or an empty tuple; what is announced but does not fit its frame raises `FrameError` with
the layer, the offset, and the bytes that are needed and available. The datapath does not use this class: there a bad
frame is data.

Thread-safety: a frame has no state of its own; who changes its buffer meanwhile sees old and new bytes mixed.
"""
from libc.stdint cimport uint8_t, uint16_t, uint32_t

from vswitch.errors import FrameError
from vswitch.wire import headers
from vswitch.wire.addresses import ipv4_text, mac_text
from vswitch.wire.arp cimport *
from vswitch.wire.byteorder cimport load_be16
from vswitch.wire.dot1q cimport *
from vswitch.wire.ethernet cimport *
from vswitch.wire.geneve cimport *
from vswitch.wire.gre cimport *
from vswitch.wire.icmp cimport *
from vswitch.wire.icmp6 cimport *
from vswitch.wire.igmp cimport *
from vswitch.wire.ipv4 cimport *
from vswitch.wire.ipv6 cimport *
from vswitch.wire.mpls cimport *
from vswitch.wire.octets cimport Octets
from vswitch.wire.sctp cimport *
from vswitch.wire.tcp cimport *
from vswitch.wire.udp cimport *
from vswitch.wire.vxlan cimport *

cdef enum:
    NO_ETHERTYPE = 0x05FF               # as in a flow key: an 802.3 frame without SNAP


cdef class Frame(Octets):
    """A view of an Ethernet frame in any buffer: bytes, bytearray, memoryview, mmap.

    Parameters
    ----------
    buffer : buffer of bytes
        The frame from its destination address on, without its FCS. It is kept alive, never copied, never written.

    Examples
    --------
    >>> frame = Frame(bytes.fromhex("020000000002020000000001810000640800"
    ...                             "4500001c000100004011000a0a0000010a000002" "0035003500080000"))
    >>> frame.dst, frame.src, hex(frame.ethertype)
    ('02:00:00:00:00:02', '02:00:00:00:00:01', '0x800')
    >>> frame.vlans
    (Vlan(tpid=33024, pcp=0, dei=False, vid=100),)
    >>> frame.ipv4.dst, frame.udp.dst
    ('10.0.0.2', 53)
    >>> frame.tcp is None
    True
    >>> frame
    Frame(46 bytes, 02:00:00:00:00:01 > 02:00:00:00:00:02, vlan 100, IPv4 10.0.0.1 > 10.0.0.2, UDP 53 > 53)
    >>> Frame(b"too short").dst
    Traceback (most recent call last):
        ...
    vswitch.errors.FrameError: byte 0: ethernet header needs 14 bytes, 9 are left

    Notes
    -----
    Thread-safety: reading is safe from any number of threads as long as nobody writes the buffer.
    """

    # Link layer

    @property
    def dst(self):
        """Destination address, as text."""
        self.need("ethernet", 0, ETH_LEN)
        return mac_text(eth_dst(self.data))

    @property
    def src(self):
        """Source address, as text."""
        self.need("ethernet", 0, ETH_LEN)
        return mac_text(eth_src(self.data))

    @property
    def vlans(self):
        """The 802.1Q and 802.1ad tags, outermost first, however many: a tuple of `Vlan`."""
        cdef Py_ssize_t ofs = ETH_TYPE
        cdef const uint8_t* tag
        cdef list tags = []
        self.need("ethernet", 0, ETH_LEN)
        while dot1q_is_tpid(load_be16(self.data + ofs)):
            self.need("dot1q", ofs, DOT1Q_LEN + 2)
            tag = self.data + ofs
            tags.append(headers.Vlan(dot1q_tpid(tag), dot1q_pcp(tag), dot1q_dei(tag), dot1q_vid(tag)))
            ofs += DOT1Q_LEN
        return tuple(tags)

    @property
    def ethertype(self):
        """The Ethertype behind all tags, or that of the SNAP header; 0x05ff in an 802.3 frame that has none."""
        cdef uint16_t type
        self.walk_l2(&type)
        return type

    @property
    def payload(self):
        """What stands behind the last header that this class knows, up to the packet's end: a read-only memoryview.

        The last one is the tunnel header if there is one, else the transport header, and so on outwards.
        """
        cdef uint16_t type
        cdef Py_ssize_t ofs = self.walk_l2(&type)
        cdef Py_ssize_t end = self.n_bytes
        inner = self.tunnel or self.transport
        if inner is not None:
            ofs = inner.offset + inner.header_len
            end = self.ip.end
        elif self.ip is not None:
            ofs = self.ip.offset + self.ip.header_len
            end = self.ip.end
        elif self.arp is not None:
            ofs += ARP_LEN
        else:
            ofs += MPLS_LEN * len(self.mpls)
        return memoryview(self.octets)[ofs:end].toreadonly()

    # Behind the link layer

    @property
    def mpls(self):
        """The label stack, outermost first, down to its bottom: a tuple of `Mpls`."""
        cdef uint16_t type
        cdef Py_ssize_t ofs = self.walk_l2(&type)
        cdef uint32_t lse = 0
        cdef list stack = []
        while (type == ETH_TYPE_MPLS or type == ETH_TYPE_MPLS_MCAST) and not mpls_bos(lse):
            self.need("mpls", ofs, MPLS_LEN)
            lse = mpls_lse(self.data + ofs)
            stack.append(headers.Mpls(mpls_label(lse), mpls_tc(lse), mpls_bos(lse), mpls_ttl(lse)))
            ofs += MPLS_LEN
        return tuple(stack)

    @property
    def arp(self):
        """The ARP or RARP packet; None without one, or if it is not for Ethernet and IPv4."""
        cdef uint16_t type
        cdef Py_ssize_t ofs = self.walk_l2(&type)
        cdef const uint8_t* arp
        if type != ETH_TYPE_ARP and type != ETH_TYPE_RARP:
            return None
        self.need("arp", ofs, ARP_LEN)
        arp = self.data + ofs
        if not arp_is_ethernet_ipv4(arp):
            return None
        return headers.Arp(ofs, arp_opcode(arp), mac_text(arp_sha(arp)), ipv4_text(arp_spa(arp)),
                           mac_text(arp_tha(arp)), ipv4_text(arp_tpa(arp)))

    @property
    def ipv4(self):
        """The IPv4 header, or None."""
        cdef uint16_t type
        cdef Py_ssize_t ofs = self.walk_l2(&type)
        cdef Py_ssize_t header_len, end
        cdef const uint8_t* ip
        cdef uint16_t frag
        if type != ETH_TYPE_IPV4:
            return None
        self.need("ipv4", ofs, IPV4_LEN)
        ip = self.data + ofs
        header_len = self.need_whole("ipv4", ofs, IPV4_LEN, ipv4_header_len(ip))
        frag = ipv4_frag(ip)
        # A length that is wrong or was left to the network card (0) says nothing about padding.
        end = ofs + ipv4_total_len(ip)
        if end > self.n_bytes or end < ofs + header_len:
            end = self.n_bytes
        return headers.IPv4(
            ofs, header_len, end, ipv4_tos(ip), ipv4_total_len(ip), ipv4_id(ip), bool(frag & IPV4_DF),
            bool(frag & IPV4_MF), (frag & IPV4_FRAG_OFFSET_MASK) * 8, ipv4_ttl(ip), ipv4_proto(ip), ipv4_checksum(ip),
            ipv4_text(ipv4_src(ip)), ipv4_text(ipv4_dst(ip)), self.copy(ofs + IPV4_LEN, ofs + header_len))

    @property
    def ipv6(self):
        """The IPv6 header with its extension headers, or None."""
        cdef uint16_t type
        cdef Py_ssize_t ofs = self.walk_l2(&type)
        cdef Py_ssize_t end, ext_ofs, ext_len
        cdef const uint8_t* ip
        cdef const uint8_t* ext
        cdef uint8_t proto
        cdef uint16_t frag = 0
        cdef list extensions = []
        if type != ETH_TYPE_IPV6:
            return None
        self.need("ipv6", ofs, IPV6_LEN)
        ip = self.data + ofs
        proto = ipv6_next_header(ip)
        end = ofs + IPV6_LEN + ipv6_payload_len(ip)
        if end > self.n_bytes or ipv6_payload_len(ip) == 0:     # cut, or a jumbogram (RFC 2675 §3)
            end = self.n_bytes
        ext_ofs = ofs + IPV6_LEN
        # Behind the header of a later fragment there is the middle of something.
        while ipv6_is_extension(proto) and not frag & IPV6_FRAG_OFFSET_MASK:
            self.need("ipv6-extension", ext_ofs, IPV6_EXT_LEN_MIN)
            ext = self.data + ext_ofs
            if proto == IP_PROTO_FRAGMENT:
                ext_len = IPV6_FRAG_LEN
                frag = ipv6_frag_offlg(ext)
            elif proto == IP_PROTO_AH:
                ext_len = ipv6_ah_len(ext)
            else:
                ext_len = ipv6_ext_len(ext)
            self.need("ipv6-extension", ext_ofs, ext_len)
            extensions.append(headers.IPv6Extension(proto, ext_ofs, ext_len))
            proto = ipv6_ext_next_header(ext)
            ext_ofs += ext_len
        return headers.IPv6(
            ofs, ext_ofs - ofs, max(end, ext_ofs), ipv6_tclass(ip), ipv6_flow_label(ip), ipv6_payload_len(ip),
            ipv6_next_header(ip), ipv6_hop_limit(ip), self.ipv6_address(ofs + IPV6_SRC),
            self.ipv6_address(ofs + IPV6_DST), tuple(extensions), proto, bool(frag & IPV6_FRAG_MF),
            frag & IPV6_FRAG_OFFSET_MASK)

    @property
    def ip(self):
        """`ipv4` or `ipv6`, whichever there is, or None."""
        return self.ipv4 or self.ipv6

    # Transport

    @property
    def tcp(self):
        """The TCP header, or None; None in a later fragment."""
        cdef Py_ssize_t ofs = self.walk_l3(IP_PROTO_TCP)
        cdef Py_ssize_t header_len
        cdef const uint8_t* tcp
        if ofs < 0:
            return None
        self.need("tcp", ofs, TCP_LEN)
        tcp = self.data + ofs
        header_len = self.need_whole("tcp", ofs, TCP_LEN, tcp_header_len(tcp))
        return headers.Tcp(
            ofs, header_len, tcp_src(tcp), tcp_dst(tcp), tcp_seq(tcp), tcp_ack(tcp), tcp_flags(tcp), tcp_window(tcp),
            tcp_checksum(tcp), tcp_urgent(tcp), self.copy(ofs + TCP_LEN, ofs + header_len))

    @property
    def udp(self):
        """The UDP header, or None; None in a later fragment."""
        cdef Py_ssize_t ofs = self.walk_l3(IP_PROTO_UDP)
        cdef const uint8_t* udp
        if ofs < 0:
            return None
        self.need("udp", ofs, UDP_LEN)
        udp = self.data + ofs
        return headers.Udp(ofs, UDP_LEN, udp_src(udp), udp_dst(udp), udp_length(udp), udp_checksum(udp))

    @property
    def sctp(self):
        """The SCTP common header, or None; None in a later fragment."""
        cdef Py_ssize_t ofs = self.walk_l3(IP_PROTO_SCTP)
        cdef const uint8_t* sctp
        if ofs < 0:
            return None
        self.need("sctp", ofs, SCTP_LEN)
        sctp = self.data + ofs
        return headers.Sctp(ofs, SCTP_LEN, sctp_src(sctp), sctp_dst(sctp), sctp_vtag(sctp), sctp_checksum(sctp))

    @property
    def icmp(self):
        """The ICMP header, or None; None in a later fragment."""
        cdef Py_ssize_t ofs = self.walk_l3(IP_PROTO_ICMP)
        cdef const uint8_t* icmp
        if ofs < 0:
            return None
        self.need("icmp", ofs, ICMP_LEN)
        icmp = self.data + ofs
        return headers.Icmp(ofs, ICMP_LEN, icmp_type(icmp), icmp_code(icmp), icmp_checksum(icmp), icmp_id(icmp),
                            icmp_seq(icmp))

    @property
    def igmp(self):
        """The IGMP header, or None; None in a later fragment."""
        cdef Py_ssize_t ofs = self.walk_l3(IP_PROTO_IGMP)
        cdef const uint8_t* igmp
        if ofs < 0:
            return None
        self.need("igmp", ofs, IGMP_LEN)
        igmp = self.data + ofs
        return headers.Igmp(ofs, IGMP_LEN, igmp_type(igmp), igmp_code(igmp), igmp_checksum(igmp),
                            ipv4_text(igmp_group(igmp)))

    @property
    def icmp6(self):
        """The ICMPv6 header, with target and options if it is neighbour discovery, or None."""
        cdef Py_ssize_t ofs = self.walk_l3(IP_PROTO_ICMP6)
        cdef Py_ssize_t option, option_len
        cdef Py_ssize_t header_len = ICMP6_LEN
        cdef const uint8_t* icmp6
        cdef list options = []
        target = None
        if ofs < 0:
            return None
        self.need("icmp6", ofs, ICMP6_LEN)
        icmp6 = self.data + ofs
        if icmp6_is_nd(icmp6):
            self.need("icmp6", ofs, ND_LEN)
            target = self.ipv6_address(ofs + ND_TARGET)
            header_len = ND_LEN
            end = self.ip.end
            while ofs + header_len < end:
                option = ofs + header_len
                self.need("nd-option", option, ND_OPT_LEN_MIN)
                option_len = self.need_whole("nd-option", option, ND_OPT_LEN_MIN, nd_opt_len(self.data + option))
                options.append((nd_opt_type(self.data + option), self.copy(option + ND_OPT_MAC, option + option_len)))
                header_len += option_len
        return headers.Icmp6(ofs, header_len, icmp6_type(icmp6), icmp6_code(icmp6), icmp6_checksum(icmp6),
                             icmp6_data(icmp6), target, tuple(options))

    @property
    def transport(self):
        """`tcp`, `udp`, `sctp`, `icmp`, `igmp` or `icmp6`, whichever there is, or None."""
        return self.tcp or self.udp or self.sctp or self.icmp or self.igmp or self.icmp6

    # Tunnels

    @property
    def gre(self):
        """The GRE header, or None."""
        cdef Py_ssize_t ofs = self.walk_l3(IP_PROTO_GRE)
        cdef Py_ssize_t header_len
        cdef const uint8_t* gre
        cdef uint16_t flags
        if ofs < 0:
            return None
        self.need("gre", ofs, GRE_LEN)
        gre = self.data + ofs
        header_len = self.need_whole("gre", ofs, GRE_LEN, gre_header_len(gre))
        flags = gre_flags(gre)
        return headers.Gre(ofs, header_len, flags & GRE_VERSION_MASK, gre_proto(gre), bool(flags & GRE_C),
                           gre_key(gre) if flags & GRE_K else None, gre_seq(gre) if flags & GRE_S else None)

    @property
    def vxlan(self):
        """The VXLAN header, if the UDP destination port is 4789, or None."""
        cdef Py_ssize_t ofs = self.walk_udp(VXLAN_PORT)
        cdef const uint8_t* vxlan
        if ofs < 0:
            return None
        self.need("vxlan", ofs, VXLAN_LEN)
        vxlan = self.data + ofs
        return headers.Vxlan(ofs, VXLAN_LEN, vxlan_flags(vxlan), bool(vxlan_flags(vxlan) & VXLAN_I), vxlan_vni(vxlan))

    @property
    def geneve(self):
        """The Geneve header with its options, if the UDP destination port is 6081, or None."""
        cdef Py_ssize_t ofs = self.walk_udp(GENEVE_PORT)
        cdef Py_ssize_t header_len, option, option_len
        cdef const uint8_t* geneve
        cdef const uint8_t* opt
        cdef list options = []
        if ofs < 0:
            return None
        self.need("geneve", ofs, GENEVE_LEN)
        geneve = self.data + ofs
        header_len = self.need_whole("geneve", ofs, GENEVE_LEN, geneve_header_len(geneve))
        option = GENEVE_LEN
        while option < header_len:
            opt = geneve + option
            option_len = geneve_opt_len(opt)
            if option_len > header_len - option:
                raise FrameError("geneve option is longer than its header", layer="geneve-option",
                                 offset=ofs + option, needed=option_len, available=header_len - option)
            options.append((geneve_opt_class(opt), geneve_opt_type(opt),
                            self.copy(ofs + option + GENEVE_OPT_DATA, ofs + option + option_len)))
            option += option_len
        return headers.Geneve(ofs, header_len, geneve_version(geneve), geneve_flags(geneve), geneve_proto(geneve),
                              geneve_vni(geneve), tuple(options))

    @property
    def tunnel(self):
        """`gre`, `vxlan` or `geneve`, whichever there is, or None."""
        return self.gre or self.vxlan or self.geneve

    @property
    def inner(self):
        """The frame inside the tunnel, a `Frame` over the same buffer; None without one."""
        tunnel = self.tunnel
        if tunnel is None or getattr(tunnel, "proto", ETH_TYPE_TEB) != ETH_TYPE_TEB:
            return None
        return Frame(self.payload)

    # The frame as a whole

    def __repr__(self):
        parts = [f"{self.n_bytes} bytes"]
        try:
            parts.append(f"{self.src} > {self.dst}")
            parts.extend([f"vlan {tag.vid}" for tag in self.vlans])
            parts.extend([f"mpls {entry.label}" for entry in self.mpls])
            parts.extend(self.words())
        except FrameError as error:
            parts.append(error.problem)
        return f"Frame({', '.join(parts)})"

    cdef list words(self):
        """What __repr__ says about the headers behind the link layer."""
        cdef list words = []
        ip, arp, transport, tunnel = self.ip, self.arp, self.transport, self.tunnel
        if arp is not None:
            words.append(f"ARP {arp.opcode} {arp.spa} > {arp.tpa}")
        elif ip is None:
            words.append(f"0x{self.ethertype:04x}")
        else:
            words.append(f"{type(ip).__name__} {ip.src} > {ip.dst}")
            if transport is None and tunnel is None:
                words.append(f"protocol {ip.proto}")
        if transport is not None:
            pair = f"{transport.src} > {transport.dst}" if hasattr(transport, "dst") else f"type {transport.type}"
            words.append(f"{type(transport).__name__.upper()} {pair}")
        if tunnel is not None:
            words.append(type(tunnel).__name__.upper())
        return words

    # Where headers are

    cdef Py_ssize_t walk_l2(self, uint16_t* type) except -1:
        """Sets `type` to the Ethertype; returns the offset of what it announces."""
        cdef Py_ssize_t ofs = ETH_TYPE
        self.need("ethernet", 0, ETH_LEN)
        type[0] = load_be16(self.data + ofs)
        while dot1q_is_tpid(type[0]):
            self.need("dot1q", ofs, DOT1Q_LEN + 2)
            ofs += DOT1Q_LEN
            type[0] = load_be16(self.data + ofs)
        ofs += 2
        if type[0] < ETH_TYPE_MIN:
            type[0] = NO_ETHERTYPE
            if llc_snap_fits(self.n_bytes - ofs) and llc_is_snap_ethernet(self.data + ofs):
                if snap_type(self.data + ofs) >= ETH_TYPE_MIN:
                    type[0] = snap_type(self.data + ofs)
                ofs += LLC_SNAP_LEN
        return ofs

    cdef Py_ssize_t walk_l3(self, uint8_t proto) except -2:
        """Offset of the header of `proto`, or -1 if the frame has none or it is in another fragment."""
        ip = self.ip
        if ip is None or ip.proto != proto or ip.frag_offset:
            return -1
        return ip.offset + ip.header_len

    cdef Py_ssize_t walk_udp(self, uint16_t port) except -2:
        """Offset behind a UDP header with the destination `port`, or -1."""
        udp = self.udp
        return udp.offset + UDP_LEN if udp is not None and udp.dst == port else -1


cdef inline bint ipv6_is_extension(uint8_t proto) noexcept nogil:
    return (proto == IP_PROTO_HOPOPTS or proto == IP_PROTO_ROUTING or proto == IP_PROTO_DSTOPTS
            or proto == IP_PROTO_AH or proto == IP_PROTO_FRAGMENT)
