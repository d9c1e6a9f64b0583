"""The tunnel ports of a datapath: what their options say, as the structs that frames meet.

Thread-safety: as the datapath's.
"""
from libc.stdint cimport uint16_t, uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

from vswitch.datapath.bridge cimport port
from vswitch.datapath.flow_table cimport ports_note_change
from vswitch.datapath.tunnel cimport TUNNEL_GENEVE, TUNNEL_GRE, TUNNEL_OFF, TUNNEL_VXLAN, tunnel
from vswitch.datapath.tlv_map cimport tlv_map, tlv_option
from vswitch.datapath.tunnels cimport tunnel_set, tunnel_set_build, tunnel_set_free
from vswitch.wire.address_words cimport words_of_address

KINDS = {"vxlan": TUNNEL_VXLAN, "gre": TUNNEL_GRE, "geneve": TUNNEL_GENEVE}
"""The types of tunnels whose frames are understood."""


cdef class TunnelPorts(Groups):
    """Bridges with flows and groups, and the tunnels at their ports, by number."""

    def __dealloc__(self):
        cdef uint32_t i
        tunnel_set_free(&self.tunnel_ports)
        for i in range(self.tunnel_ports.n_tlv_maps):
            free(self.tunnel_ports.tlv_maps[i])
        free(self.tunnel_ports.tlv_maps)

    def set_tlv_map(self, uint32_t bridge, list options):
        """Which Geneve options the fields of a bridge are.

        Parameters
        ----------
        options : list
            ``(number of the field, class, type, blocks)``; the blocks are `bytes`, each where in the flow key's 256 bytes
            four bytes of the option lie, in units of four.
        """
        cdef tunnel_set* set = &self.tunnel_ports
        cdef tlv_map** grown
        cdef tlv_map* map
        cdef tlv_option* option
        self._bridge(bridge)
        self._change()
        if bridge >= set.n_tlv_maps:
            grown = <tlv_map**>realloc(set.tlv_maps, (bridge + 1) * sizeof(tlv_map*))
            if grown == NULL:
                raise MemoryError
            memset(grown + set.n_tlv_maps, 0, (bridge + 1 - set.n_tlv_maps) * sizeof(tlv_map*))
            set.tlv_maps = grown
            set.n_tlv_maps = bridge + 1
        map = NULL
        if options:
            map = <tlv_map*>calloc(1, sizeof(tlv_map))
            if map == NULL:
                raise MemoryError
        for number, option_class, option_type, blocks in options:
            option = &map.options[<uint32_t>number & 0x3F]
            option.is_mapped = True
            option.key = <uint32_t>option_class << 8 | <uint32_t>option_type
            option.n_blocks = <uint8_t>len(blocks)
            memcpy(option.blocks, <const unsigned char*>blocks, len(blocks))
        free(set.tlv_maps[bridge])
        set.tlv_maps[bridge] = map

    def remove_bridge(self, uint32_t number):
        """Removes a bridge with its bundles; its ports must be gone."""
        Groups.remove_bridge(self, number)
        if number < self.tunnel_ports.n_tlv_maps:
            free(self.tunnel_ports.tlv_maps[number])
            self.tunnel_ports.tlv_maps[number] = NULL

    def set_tunnel(self, uint32_t number, object config, *, bint runs=True):
        """A port is a tunnel with this configuration (`switch.tunnel_config`).

        One that does not run carries nothing, for another matches the same packets.

        Raises
        ------
        ValueError
            The type is none of `KINDS`.
        """
        cdef port* p = self._port(number)
        cdef tunnel* t
        self._change()
        if config.type not in KINDS:
            raise ValueError(f"{config.type} tunnels are not supported")
        t = <tunnel*>calloc(1, sizeof(tunnel))
        if t == NULL:
            raise MemoryError
        try:
            fill(t, config)
        except BaseException:
            free(t)
            raise
        if not runs:
            t.kind = TUNNEL_OFF
        free(p.tunnel)
        p.tunnel = t
        ports_note_change(p.bridge.flows)   # its mark is translated

    cdef void _derive(self) noexcept:
        cdef bint was_derived = self.is_derived
        Groups._derive(self)
        if not was_derived:
            self.tunnel_ports.routes = self.routes
            self.tunnel_ports.neighbors = self.neighbors
            self.tunnel_ports.all_ports = self.ports
            self.tunnel_ports.n_all_ports = self.n_ports
            if not tunnel_set_build(&self.tunnel_ports):
                self.is_derived = False     # without memory: the next frame tries again


cdef int fill(tunnel* t, object config) except -1:
    t.kind = <uint8_t>KINDS[config.type]
    t.dst_port = <uint16_t>config.dst_port if t.kind != TUNNEL_GRE else 0
    t.local_is_flow = put_address(config.local, t.local)
    t.remote_is_flow = put_address(config.remote, t.remote)
    t.in_key_is_flow = config.in_key == "flow"
    t.out_key_is_flow = config.out_key == "flow"
    t.has_out_key = config.out_key is not None
    t.in_key = 0 if t.in_key_is_flow or config.in_key is None else <uint64_t>config.in_key
    t.out_key = 0 if t.out_key_is_flow or config.out_key is None else <uint64_t>config.out_key
    t.tos = <uint8_t>config.tos
    t.ttl = <uint8_t>config.ttl
    t.inherits_tos = config.tos_inherit
    t.inherits_ttl = config.ttl_inherit
    t.dont_fragment = config.dont_fragment
    t.csum = config.csum
    t.has_seq = config.seq
    t.has_gpe = config.gpe
    t.sets_mark = config.egress_pkt_mark is not None
    t.mark = <uint32_t>(config.egress_pkt_mark or 0)
    return 0


cdef bint put_address(object address, uint64_t* words) except -1:
    """True for an address that the flow gives."""
    words[0] = words[1] = 0
    if address == "flow":
        return True
    if address is not None:
        words_of_address(address, words)
    return False
