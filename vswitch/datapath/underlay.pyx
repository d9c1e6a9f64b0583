"""The network below the tunnels, as the operator describes it: addresses of devices, routes, neighbours.

`Underlay` owns the tables of tables/routes and tables/neighbors and gives their entries names: OVS keeps both by the names of
devices, whether these exist or not, so a name that no bridge or port has (any more) has a number here, too.

Thread-safety: as the datapath's.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from vswitch.datapath.bridge cimport device_address, port
from vswitch.datapath.device_source cimport device_source
from vswitch.datapath.fabric cimport NS_PER_MS, Fabric
from vswitch.tables.neighbors cimport (
    NEIGHBOR_AGING_MAX_S, neighbors_delete, neighbors_flush, neighbors_flush_bridge, neighbors_free, neighbors_new,
    neighbors_rename, neighbors_run, neighbors_set, neighbors_set_aging,
)
from vswitch.tables.routes cimport (
    ROUTE_LOCAL, ROUTE_MAX_PLEN, ROUTE_NO_DEVICE, ROUTE_USER, route, routes_add, routes_del, routes_find, routes_flush_cached,
    routes_free, routes_lookup, routes_new, routes_order, routes_set_device,
)
from vswitch.wire.address_words cimport address_of_words, words_of_address

cdef enum:
    NAMES_FROM = 1 << 31            # neighbours of a name that is no bridge


cdef class Underlay(Fabric):
    """Bridges and their ports, and the network below, by number. Addresses are integers of 128 bits, IPv4 mapped."""

    def __cinit__(self):
        self.routes = routes_new()
        self.neighbors = neighbors_new()
        self.name_numbers = {}
        self.names = []
        self.bridge_numbers = {}
        self.port_numbers = {}

    def __dealloc__(self):
        routes_free(self.routes)
        neighbors_free(self.neighbors)

    # Names and devices.

    def name_bridge(self, uint32_t number, str name):
        """Neighbours that were set under this name are the bridge's."""
        cdef uint32_t as_name = self._neighbor_bridge(name)
        self._bridge(number)
        self._change()
        if as_name != number:
            neighbors_rename(self.neighbors, as_name, number)
        self.bridge_numbers[name] = number

    def name_port(self, uint32_t number, str name):
        """Routes by a device of this name lead to the port."""
        self._port(number)
        self._change()
        self.port_numbers[name] = number
        routes_set_device(self.routes, self._name(name), number)

    def remove_bridge(self, uint32_t number):
        """Removes a bridge with its bundles; its ports must be gone."""
        Fabric.remove_bridge(self, number)
        neighbors_flush_bridge(self.neighbors, number)
        for name in [name for name, n in self.bridge_numbers.items() if n == number]:
            del self.bridge_numbers[name]

    def remove_port(self, uint32_t number):
        """Removes a port; one that was its peer has none any more, and the neighbours of its name are forgotten."""
        Fabric.remove_port(self, number)
        for name in [name for name, n in self.port_numbers.items() if n == number]:
            del self.port_numbers[name]
            routes_set_device(self.routes, self._name(name), ROUTE_NO_DEVICE)
            neighbors_flush_bridge(self.neighbors, self._neighbor_bridge(name))

    def set_port_mac(self, uint32_t number, uint64_t mac):
        """The device's address, of 48 bits."""
        cdef port* p = self._port(number)
        if p.mac != mac:
            self._change()
            p.mac = mac

    def set_port_addresses(self, uint32_t number, list addresses):
        """The device's IP addresses: tuples of address and mask. Routes that exist keep the source that they have."""
        cdef port* p = self._port(number)
        cdef device_address* new = <device_address*>calloc(len(addresses) + 1, sizeof(device_address))
        cdef uint32_t n = 0
        if new == NULL:
            raise MemoryError
        try:
            self._change()
            for address, mask in addresses:
                words_of_address(address, new[n].address)
                words_of_address(mask, new[n].mask)
                n += 1
        except BaseException:
            free(new)
            raise
        free(p.addresses)
        p.addresses = new
        p.n_addresses = n
        # Whatever was worked out from the addresses is to be worked out again, as after a change of a route.
        self.routes.version += 1

    def port_addresses(self, uint32_t number):
        """[(address, mask), ...] as they were set."""
        cdef port* p = self._port(number)
        cdef uint32_t i
        return [(address_of_words(p.addresses[i].address), address_of_words(p.addresses[i].mask)) for i in range(p.n_addresses)]

    def set_listening(self, uint32_t number, bint is_listening):
        """Whether tunnels listen on the device's addresses; which routes make them is the caller's to know."""
        cdef port* p = self._port(number)
        if p.is_listening != is_listening:
            self._change()
            p.is_listening = is_listening
            self.routes.version += 1

    # Routes.

    def route_add(self, dst, int plen, str device, *, gateway=0, uint32_t mark=0, bint is_local=False,
                  bint is_cached=False):
        """Adds a route, or replaces it; False if the device has no address that could be its source.

        Parameters
        ----------
        plen : int
            Prefix length of 0 to 128; an IPv4 network's is 96 more than people write.
        device : str
            Name of a port.
        gateway : int
            Address of the next hop, or 0.
        is_local, is_cached
            What it leads to is the node's own address; it comes from the system and not from the operator.
        """
        cdef route r
        cdef const port* p
        cdef uint64_t asked[2]
        self._change()
        if not 0 <= plen <= ROUTE_MAX_PLEN:
            raise ValueError(f"a prefix has 0 to {ROUTE_MAX_PLEN} bits, not {plen}")
        if device not in self.port_numbers:
            return False
        words_of_address(dst, asked)
        words_of_address(gateway, r.gateway)
        r.dst[0] = asked[0]
        r.dst[1] = asked[1]
        r.mark = mark
        r.plen = <uint8_t>plen
        r.priority = <uint8_t>(plen + (ROUTE_LOCAL if is_local else 0 if is_cached else ROUTE_USER))
        r.is_local = is_local
        r.is_cached = is_cached
        r.name = self._name(device)
        r.device = self.port_numbers[device]
        p = self._port(r.device)
        # Asked for the destination as it was given, host bits and all (OVS ovs_router_insert__()).
        if not device_source(p, asked, r.source) and not (
                gateway and device_source(p, r.gateway, r.source)):
            return False
        if not routes_add(self.routes, &r):
            raise MemoryError
        return True

    def route_del(self, dst, int plen, uint32_t mark=0):
        """Deletes a route of the operator's; False if there is none."""
        cdef uint64_t words[2]
        self._change()
        words_of_address(dst, words)
        if not 0 <= plen <= ROUTE_MAX_PLEN:
            return False
        return bool(routes_del(self.routes, mark, words, <uint8_t>plen, <uint8_t>(plen + ROUTE_USER)))

    def route_flush_cached(self):
        """Forgets the system's routes, before they are told anew."""
        self._change()
        routes_flush_cached(self.routes)

    def route_lookup(self, dst, *, uint32_t mark=0, source=0):
        """(source, gateway or 0, device's name) of the best route, or None."""
        cdef uint64_t to[2]
        cdef uint64_t from_[2]
        cdef uint64_t gateway[2]
        cdef uint32_t device
        words_of_address(dst, to)
        words_of_address(source, from_)
        if not routes_lookup(self.routes, mark, to, from_, gateway, &device):
            return None
        return address_of_words(from_), address_of_words(gateway), self.names[routes_find(self.routes, mark, to).name]

    def route_table(self):
        """The routes in the order of ovs/route/show.

        Returns
        -------
        list of tuple
            destination, prefix length, mark, device's name, gateway or 0, source, is_local, is_cached.
        """
        cdef uint32_t i
        cdef route* r
        cdef uint32_t* order = routes_order(self.routes)
        if order == NULL:
            raise MemoryError
        rows = []
        try:
            for i in range(self.routes.n):
                r = &self.routes.routes[order[i]]
                rows.append((address_of_words(r.dst), r.plen, r.mark, self.names[r.name], address_of_words(r.gateway),
                             address_of_words(r.source), bool(r.is_local), bool(r.is_cached)))
        finally:
            free(order)
        return rows

    # Neighbours.

    def neighbor_set(self, str bridge, address, uint64_t mac):
        """The MAC of an IP address, as if it had been heard now; `bridge` need not exist."""
        cdef uint64_t words[2]
        self._change()
        words_of_address(address, words)
        if not neighbors_set(self.neighbors, self._neighbor_bridge(bridge), words, mac, self.now_ns // NS_PER_MS):
            raise MemoryError

    def neighbor_del(self, str bridge, address):
        """Forgets a neighbour; False if there is none."""
        cdef uint64_t words[2]
        self._change()
        words_of_address(address, words)
        return bool(neighbors_delete(self.neighbors, self._neighbor_bridge(bridge), words))

    def neighbor_flush(self, bridge=None):
        """Forgets the neighbours of a bridge, or all."""
        self._change()
        if bridge is None:
            neighbors_flush(self.neighbors)
        else:
            neighbors_flush_bridge(self.neighbors, self._neighbor_bridge(bridge))

    def neighbor_table(self):
        """[(address, MAC, bridge's name), ...] of those whose time is not up."""
        cdef uint32_t i
        neighbors_run(self.neighbors, self.now_ns // NS_PER_MS)
        return [(address_of_words(self.neighbors.slots[i].address), self.neighbors.slots[i].mac,
                 self._bridge_name(self.neighbors.slots[i].bridge))
                for i in range(self.neighbors.n_slots) if self.neighbors.slots[i].is_used]

    @property
    def neighbor_aging_s(self):
        """How long a neighbour is remembered that is not heard of, 1 to 3600 s."""
        return self.neighbors.aging_ms // 1000

    @neighbor_aging_s.setter
    def neighbor_aging_s(self, uint64_t aging_s):
        self._change()
        if not 0 < aging_s <= NEIGHBOR_AGING_MAX_S:
            raise ValueError(f"neighbours stay for 1 to {NEIGHBOR_AGING_MAX_S} s, not {aging_s}")
        neighbors_run(self.neighbors, self.now_ns // NS_PER_MS)
        neighbors_set_aging(self.neighbors, aging_s * 1000, self.now_ns // NS_PER_MS)

    # Helpers.

    cdef uint32_t _name(self, str name) except? 0xFFFFFFFF:
        """The number of a name, which it keeps."""
        if name not in self.name_numbers:
            self.name_numbers[name] = len(self.names)
            self.names.append(name)
        return self.name_numbers[name]

    cdef uint32_t _neighbor_bridge(self, str name) except? 0xFFFFFFFF:
        if name in self.bridge_numbers:
            return self.bridge_numbers[name]
        return NAMES_FROM + self._name(name)

    cdef str _bridge_name(self, uint32_t bridge):
        if bridge >= NAMES_FROM:
            return self.names[bridge - NAMES_FROM]
        return next((name for name, number in self.bridge_numbers.items() if number == bridge), "")
