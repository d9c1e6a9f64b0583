"""A router, as a Linux namespace with forwarding switched on is one.

What
====
A device with an interface behind each of its ports. Frames that come in for an interface's MAC, or for many, are ARP, IPv4 or
IPv6; anything else is not for it. Configuration is plain data (router_config.py); what it becomes are the structs of
router_state.pxd, which the other files of this folder work on:

    router.pyx ─┬─ arp.pyx, nd.pyx ───────── neighbors.pyx     who has which MAC, and what waits for the answer
                ├─ vrrp.pyx                          which of several routers is the one that routes
                ├─ router_advertisements.py          radvd, in Python: solicitations are rare
                ├─ ipv4.pyx ─┬─ reassembly.pyx       fragments, of what is translated or for the router itself
                │            ├─ nat.pyx ──── tables/connections, nat_rewrite.pyx
                │            └─ ipv4_forward.pyx ── ipv4_output.pyx, icmp.pyx
                └─ ipv6.pyx ── icmp6.pyx
                             routing.pyx ─── tables/routes     where to

How it works
============
The struct is one, and belongs to the class at the end of this file, which fills it in and has no algorithm of its own. A
change of the configuration makes routes, rules and addresses anew; neighbours and connections stay.

Thread-safety: as any device's.
"""
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from vswitch.capture.record cimport frame
from vswitch.datapath.device cimport NEVER, device
from vswitch.datapath.fate cimport DROP_ETH_TRUNCATED, DROP_NOT_FOR_DEVICE, DROP_UNKNOWN_TRUNCATED, FATE_CONSUMED
from vswitch.devices.arp cimport arp_announce, arp_receive, arp_solicit
from vswitch.devices.icmp cimport icmp_mourn
from vswitch.devices.icmp6 cimport icmp6_mourn
from vswitch.devices.ipv4 cimport ipv4_receive
from vswitch.devices.ipv6 cimport ipv6_receive
from vswitch.devices.nat cimport nat_foresee
from vswitch.devices.nd cimport nd_announce, nd_solicit
from vswitch.devices.neighbors cimport neighbor_get, neighbor_set_permanent, neighbors_close, neighbors_open, neighbors_run
from vswitch.devices.reassembly cimport reassembly_close, reassembly_open
from vswitch.devices.router_notes cimport note
from vswitch.devices.router_state cimport (
    LOCAL_TABLE, MAIN_TABLE, NEIGHBOR_FAILED, NEIGHBOR_NONE, NEIGHBOR_PERMANENT, NEIGHBOR_REACHABLE, NO_INTERFACE, VRRP_MASTER, ROUTE_CACHE_LEN, destination, interface, interface_address,
    neighbor_entry, policy_rule, waiting_packet,
)
from vswitch.devices.vrrp cimport vrrp_begin, vrrp_link, vrrp_run
from vswitch.tables.connections cimport (
    CONNECTIONS_MAX, connection, connection_rows, connections_add, connections_free, connections_new, connections_next,
)
from vswitch.tables.routes cimport route, route_mask, routes_add, routes_free, routes_new
from vswitch.wire.address_words cimport address_of_words, is_mapped_ipv4, words_of_address
from vswitch.wire.byteorder cimport load_be16
from vswitch.wire.ethernet cimport (
    ETH_LEN, ETH_TYPE, ETH_TYPE_ARP, ETH_TYPE_IPV4, ETH_TYPE_IPV6, eth_dst, eth_fits, mac_is_multicast,
)
from vswitch.wire.icmp6 cimport ICMP6_LEN, ICMP6_ROUTER_SOLICIT, icmp6_type
from vswitch.wire.ipv4 cimport IP_PROTO_ICMP6
from vswitch.wire.ipv6 cimport IPV6_LEN, ipv6_next_header

from copy import deepcopy

from vswitch.devices import router_config as configs
from vswitch.devices.device import Dropped
from vswitch.devices.router_words import sentences
from vswitch.errors import ConfigError

cdef uint64_t SECOND_NS = 1000000000

cdef enum:
    SCRATCH_LEN = 65536 + 128


cdef uint32_t router_receive(device* d, uint32_t port, const frame* f) noexcept nogil:
    """A frame arrives."""
    cdef router* r = <router*>d.state
    cdef uint32_t type
    cdef uint64_t dst
    if d.now_ns >= r.neighbors.next_timer_ns:
        neighbors_run(r)            # due at this time, and not done yet
    if not eth_fits(f.caplen):
        return DROP_UNKNOWN_TRUNCATED if f.caplen < f.len else DROP_ETH_TRUNCATED
    dst = eth_dst(f.data)
    type = load_be16(f.data + ETH_TYPE)
    if not r.interfaces[port].is_up or (dst != r.interfaces[port].mac and not mac_is_multicast(dst)):
        return DROP_NOT_FOR_DEVICE
    if not is_active(r) and port != r.vrrp.interface:
        return DROP_NOT_FOR_DEVICE
    if type == ETH_TYPE_IPV4:
        if dst != r.interfaces[port].mac and not (r.vrrp.is_on and port == r.vrrp.interface):
            return DROP_NOT_FOR_DEVICE      # sent to many, and routed for none of them
        type = ipv4_receive(r, port, f.data, f.caplen, f.len)
    elif type == ETH_TYPE_IPV6 and r.advertises and is_solicitation(f):
        type = solicited(r, port, f)
    elif type == ETH_TYPE_IPV6:
        type = ipv6_receive(r, port, f.data, f.caplen, f.len)
    elif type == ETH_TYPE_ARP:
        type = arp_receive(r, port, f.data, f.caplen)
    else:
        return DROP_NOT_FOR_DEVICE
    plan(r)
    return type


cdef void router_foresee(device* d, const frame* frames, int n) noexcept nogil:
    nat_foresee(<router*>d.state, frames, n)


cdef void router_wake(device* d) noexcept nogil:
    """Something is due."""
    cdef router* r = <router*>d.state
    if d.now_ns >= r.announce_ns:
        announce(r)
    neighbors_run(r)
    if r.vrrp.is_on:
        vrrp_run(r)
    if d.now_ns >= r.advertise_ns and is_active(r):
        with gil:
            (<Router>r.owner)._advertise()
    plan(r)


cdef inline bint is_active(const router* r) noexcept nogil:
    """It is not one of several of which another one routes."""
    return not r.vrrp.is_on or r.vrrp.state == VRRP_MASTER


cdef inline void plan(router* r) noexcept nogil:
    """When it wants to be woken."""
    r.device.next_wake_ns = min(r.neighbors.next_timer_ns, r.announce_ns)
    if is_active(r):
        r.device.next_wake_ns = min(r.device.next_wake_ns, r.advertise_ns)
    if r.vrrp.is_on:
        r.device.next_wake_ns = min(r.device.next_wake_ns, min(r.vrrp.timer_ns, r.vrrp.announce_ns))


cdef inline bint is_solicitation(const frame* f) noexcept nogil:
    """True for a router solicitation without extension headers, as hosts send it; whole, for Python wants it so."""
    cdef const uint8_t* packet = f.data + ETH_LEN
    return (f.caplen == f.len and f.caplen >= ETH_LEN + IPV6_LEN + ICMP6_LEN
            and ipv6_next_header(packet) == IP_PROTO_ICMP6 and icmp6_type(packet + IPV6_LEN) == ICMP6_ROUTER_SOLICIT)


cdef uint32_t solicited(router* r, uint32_t port, const frame* f) noexcept nogil:
    """Rare, and so Python's."""
    with gil:
        return (<Router>r.owner)._solicited(port, f)


cdef void announce(router* r) noexcept nogil:
    """Says which addresses it has."""
    cdef uint32_t i, j
    cdef const interface* at
    r.announce_ns = NEVER
    for i in range(r.n_interfaces):
        at = &r.interfaces[i]
        for j in range(at.n_addresses if at.is_up else 0):
            if is_mapped_ipv4(at.addresses[j].address):
                arp_announce(r, i, <uint32_t>at.addresses[j].address[1])
            else:
                nd_announce(r, i, at.addresses[j].address)


cdef void solicit(router* r, const neighbor_entry* n, bint is_unicast) noexcept nogil:
    if is_mapped_ipv4(n.address):
        arp_solicit(r, n, is_unicast)
    else:
        nd_solicit(r, n, is_unicast)


cdef void mourn(router* r, uint32_t number, const waiting_packet* packet) noexcept nogil:
    if load_be16(<const uint8_t*>packet + sizeof(waiting_packet) + ETH_TYPE) == ETH_TYPE_IPV4:
        icmp_mourn(r, number, packet)
    else:
        icmp6_mourn(r, number, packet)


cdef class Router(CompiledDevice):
    """A router behind ports.

    Parameters
    ----------
    name : str
    config : RouterConfig

    Raises
    ------
    ConfigError
        The configuration cannot be; `key` says where.
    """

    def __cinit__(self, str name, object ports, *args, **kwargs):
        self.r.device = &self.c
        self.r.n_interfaces = self.c.n_ports
        self.r.interfaces = <interface*>calloc(self.c.n_ports + 1, sizeof(interface))
        self.r.cache = <destination*>calloc(ROUTE_CACHE_LEN, sizeof(destination))
        self.r.scratch = <uint8_t*>malloc(SCRATCH_LEN)
        if self.r.interfaces == NULL or self.r.cache == NULL or self.r.scratch == NULL:
            raise MemoryError
        neighbors_open(&self.r)
        reassembly_open(&self.r)
        self.r.connections = connections_new(CONNECTIONS_MAX)
        self.r.solicit = solicit
        self.r.mourn = mourn
        self.r.announce_ns = self.r.advertise_ns = NEVER
        self.r.owner = <void*>self
        self.c.state = &self.r
        self.c.receive = router_receive
        self.c.wake = router_wake

    def __init__(self, str name, object ports, object config):
        self.configure(config)
        if config.announces:
            self.r.announce_ns = 0
        if config.vrrp is not None:
            self._set_vrrp(config.vrrp)
        plan(&self.r)

    def __dealloc__(self):
        neighbors_close(&self.r)
        reassembly_close(&self.r)
        connections_free(self.r.connections)
        self._free()
        free(self.r.interfaces)
        free(self.r.cache)
        free(self.r.scratch)

    cdef int _free(self) except -1:
        """What the configuration became."""
        cdef uint32_t i
        for i in range(self.r.n_interfaces):
            free(self.r.interfaces[i].addresses)
            self.r.interfaces[i].addresses = NULL
            self.r.interfaces[i].n_addresses = 0
        routes_free(self.r.routes)
        free(self.r.rules)
        free(self.r.nat.external)
        free(self.r.nat.internal_of)
        free(self.r.nat.internal)
        free(self.r.nat.external_of)
        memset(&self.r.nat, 0, sizeof(self.r.nat))
        self.r.routes = NULL
        self.r.rules = NULL
        self.r.n_rules = 0
        return 0

    # Configuration.

    def connections(self):
        """The connections of its address translation, as `ConnectionTable.rows` gives them."""
        return connection_rows(self.r.connections, self.c.now_ns)

    def configure(self, config):
        """Another configuration from now on, with the same interfaces by name; what was learned stays."""
        configs.check_config(config)
        if tuple([at.name for at in config.interfaces]) != self.ports:
            raise ConfigError(f"router {self.name} has interfaces {', '.join(self.ports)}", key="interfaces",
                              hint="interfaces are fixed")
        self._free()
        self.c.foresee = NULL
        memset(self.r.cache, 0, ROUTE_CACHE_LEN * sizeof(destination))
        self.r.routes = routes_new()
        self._set_interfaces(config)
        self._set_routes(config)
        self._set_rules(config)
        if config.nat is not None:
            self._set_nat(config.nat)
        self._set_neighbors(config)
        self._set_advertiser(config)
        self.config = config

    cdef int _set_interfaces(self, object config) except -1:
        cdef uint32_t i, j
        cdef interface* at
        for i in range(self.r.n_interfaces):
            at = &self.r.interfaces[i]
            given = config.interfaces[i]
            at.mac = configs.mac_number(given.mac, "mac")
            at.mtu = given.mtu
            at.is_up = given.is_up
            at.proxy_arp = given.proxy_arp
            addresses = [configs.interface_address(text, "addresses") for text in configs.all_addresses(config, given)]
            if any([a.version == 6 for a in addresses]) and not any([a.is_link_local for a in addresses if a.version == 6]):
                addresses.append(configs.interface_address(f"{configs.address_text(configs.link_local(at.mac))}/64", "mac"))
            at.addresses = <interface_address*>calloc(len(addresses) + 1, sizeof(interface_address))
            if at.addresses == NULL:
                raise MemoryError
            for j in range(<uint32_t>len(addresses)):
                number, plen = configs.mapped(addresses[j].ip), addresses[j].network.prefixlen
                plen += 96 if addresses[j].version == 4 else 0
                words_of_address(number, at.addresses[j].address)
                at.addresses[j].mask[0] = route_mask(plen, 0)
                at.addresses[j].mask[1] = route_mask(plen, 1)
                if not given.is_up or configs.is_of_one_link(addresses[j]):
                    continue
                self._add_route(number, 128, i, 0, 0, LOCAL_TABLE)
                if plen < 128:
                    self._add_route(number, plen, i, 0, number, MAIN_TABLE)
            at.n_addresses = <uint32_t>len(addresses)
        return 0

    cdef int _set_routes(self, object config) except -1:
        names = list(self.ports)
        for given in config.routes:
            to, plen = configs.mapped_prefix(configs.cidr(given.to, "to"))
            name = given.interface or configs.next_interface(config, given.via)
            if not config.interfaces[names.index(name)].is_up:
                continue
            gateway = configs.mapped(configs.address(given.via, "via")) if given.via else 0
            source = configs.mapped(configs.address(given.source, "source")) if given.source else 0
            self._add_route(to, plen, names.index(name), gateway, source, given.table)
        return 0

    cdef int _add_route(self, object to, object plen, uint32_t number, object gateway, object source,
                        uint32_t table) except -1:
        cdef route given
        memset(&given, 0, sizeof(route))
        words_of_address(to, given.dst)
        words_of_address(gateway, given.gateway)
        words_of_address(source, given.source)
        given.plen = given.priority = plen
        given.device = number
        given.mark = table
        if not routes_add(self.r.routes, &given):
            raise MemoryError
        return 0

    cdef int _set_rules(self, object config) except -1:
        cdef uint32_t i
        cdef policy_rule* rule
        if not config.rules:
            return 0
        main = configs.RouterRule(configs.MAIN_PRIORITY, configs.MAIN_TABLE)
        rules = sorted([*config.rules, main], key=_priority)
        self.r.rules = <policy_rule*>calloc(len(rules), sizeof(policy_rule))
        if self.r.rules == NULL:
            raise MemoryError
        self.r.n_rules = <uint32_t>len(rules)
        for i in range(self.r.n_rules):
            rule = &self.r.rules[i]
            rule.table = rules[i].table
            rule.interface = self.ports.index(rules[i].interface) if rules[i].interface else NO_INTERFACE
            if rules[i].from_:
                number, plen = configs.mapped_prefix(configs.cidr(rules[i].from_, "from"))
                words_of_address(number, rule.src)
                rule.src_mask[0] = route_mask(plen, 0)
                rule.src_mask[1] = route_mask(plen, 1)
            if rules[i].to:
                number, plen = configs.mapped_prefix(configs.cidr(rules[i].to, "to"))
                words_of_address(number, rule.dst)
                rule.dst_mask[0] = route_mask(plen, 0)
                rule.dst_mask[1] = route_mask(plen, 1)
        return 0

    cdef int _set_nat(self, object nat) except -1:
        cdef uint32_t i
        cdef uint32_t n = <uint32_t>len(nat.floating_ips)
        pairs = sorted([(int(configs.address(a, "nat")), int(configs.address(b, "nat"))) for a, b in nat.floating_ips.items()])
        turned = sorted([(b, a) for a, b in pairs])
        self.r.nat.external = <uint32_t*>calloc(n + 1, sizeof(uint32_t))
        self.r.nat.internal_of = <uint32_t*>calloc(n + 1, sizeof(uint32_t))
        self.r.nat.internal = <uint32_t*>calloc(n + 1, sizeof(uint32_t))
        self.r.nat.external_of = <uint32_t*>calloc(n + 1, sizeof(uint32_t))
        if (self.r.nat.external == NULL or self.r.nat.internal_of == NULL or self.r.nat.internal == NULL
                or self.r.nat.external_of == NULL):
            raise MemoryError
        for i in range(n):
            self.r.nat.external[i], self.r.nat.internal_of[i] = pairs[i]
            self.r.nat.internal[i], self.r.nat.external_of[i] = turned[i]
        self.r.nat.n_floating = n
        self.r.nat.gateway = self.ports.index(nat.gateway)
        self.r.nat.source = int(configs.address(nat.source, "nat.source")) if nat.source else 0
        self.r.nat.is_distributed = nat.is_distributed
        self.r.nat.is_on = True
        self.c.foresee = router_foresee
        return 0

    cdef int _set_advertiser(self, object config) except -1:
        """One that goes on if nothing changes for it; interfaces that are down have none."""
        wanted = {}
        if config.radvd is not None:
            from vswitch.devices.router_advertisements import RaInterface

            wanted = {
                at.name: RaInterface(at.mac, tuple(config.radvd.subnets[at.name]), at.mtu)
                for at in config.interfaces if at.is_up and at.name in config.radvd.subnets
            }
        given = (wanted, config.radvd)
        if given == self.advertised:
            return 0
        self.advertised, self.advertiser = given, None
        if wanted:
            from vswitch.devices.router_advertisements import RouterAdvertisements

            self.advertiser = RouterAdvertisements(
                self.name, wanted, min_rtr_adv_interval=config.radvd.min_rtr_adv_interval,
                max_rtr_adv_interval=config.radvd.max_rtr_adv_interval, start_ns=self.c.now_ns,
            )
        self._plan()
        return 0

    cdef int _plan(self) except -1:
        """When the advertiser wants to be woken."""
        next_ns = None if self.advertiser is None else self.advertiser.next_wake_ns
        self.r.advertises = self.advertiser is not None
        self.r.advertise_ns = NEVER if next_ns is None else next_ns
        plan(&self.r)
        return 0

    cdef uint32_t _solicited(self, uint32_t port, const frame* f) noexcept:
        try:
            self._send_all(self.advertiser.receive(self.ports[port], <bytes>f.data[:f.caplen], self.c.now_ns))
            self._plan()
        except Dropped:
            return DROP_NOT_FOR_DEVICE
        except BaseException as error:
            self._fail(error)
        return FATE_CONSUMED

    cdef void _advertise(self) noexcept:
        try:
            self._send_all(self.advertiser.wake(self.c.now_ns))
            self._plan()
        except BaseException as error:
            self._fail(error)

    cdef int _set_vrrp(self, object vrrp) except -1:
        cdef uint32_t i
        self.r.vrrp.interface = self.ports.index(vrrp.interface)
        self.r.vrrp.vrid = vrrp.vrid
        self.r.vrrp.priority = vrrp.priority
        self.r.vrrp.interval_ns = vrrp.interval_s * SECOND_NS
        self.r.vrrp.announce_delay_ns = vrrp.announce_delay_s * SECOND_NS
        self.r.vrrp.address = int(configs.address(vrrp.address, "vrrp.address"))
        for i in range(self.r.interfaces[self.r.vrrp.interface].n_addresses):
            if is_mapped_ipv4(self.r.interfaces[self.r.vrrp.interface].addresses[i].address):
                self.r.vrrp.own_address = <uint32_t>self.r.interfaces[self.r.vrrp.interface].addresses[i].address[1]
                break
        self.r.vrrp.is_on = True
        vrrp_begin(&self.r, vrrp.is_master)
        return 0

    def run(self, str command not None):
        """A command of a timeline, as `router_config.after_command` takes it.

        Raises
        ------
        ConfigError
            It is another one, or there is no such interface.
        """
        self.configure(configs.after_command(self.config, command))
        if self.r.vrrp.is_on:
            vrrp_link(&self.r)
        plan(&self.r)

    @property
    def role(self):
        """``"master"``, ``"backup"`` or ``"fault"``; empty without VRRP."""
        return _ROLES[self.r.vrrp.state] if self.r.vrrp.is_on else ""

    cdef int _set_neighbors(self, object config) except -1:
        """Those that are known for ever; who is so no longer has to be asked for."""
        cdef uint32_t i
        for i in range(self.r.neighbors.n):
            if self.r.neighbors.entries[i].state == NEIGHBOR_PERMANENT:
                self.r.neighbors.entries[i].state = NEIGHBOR_NONE
        for neighbor in config.neighbors:
            self._set_neighbor(neighbor)
        return 0

    def _set_neighbor(self, neighbor):
        cdef uint64_t words[2]
        words_of_address(configs.mapped(configs.address(neighbor.address, "neighbors")), words)
        neighbor_set_permanent(&self.r, self.ports.index(neighbor.interface), words,
                               configs.mac_number(neighbor.mac, "neighbors"))
        self._check()

    # What it would do.

    def explain(self, str port, bytes frame not None, uint64_t now_ns):
        """As `receive_with_fate`, and what it did in sentences: (sent, fate, [sentence, ...])."""
        cdef uint32_t i
        cdef const note* o
        self.notes.n = 0
        self.r.notes = &self.notes
        try:
            sent, fate = self.receive_with_fate(port, frame, now_ns)
        finally:
            self.r.notes = NULL
        notes = []
        for i in range(self.notes.n):
            o = &self.notes.notes[i]
            name = self.ports[o.interface] if o.interface != NO_INTERFACE else ""
            notes.append((o.kind, name, address_of_words(o.a), address_of_words(o.b), o.n))
        return sent, fate, sentences(notes)

    def __deepcopy__(self, memo):
        """A router of the same configuration that knows the same neighbours and connections; nothing waits in it."""
        cdef Router other = Router(self.name, self.ports, self.config)
        cdef uint32_t i
        cdef const neighbor_entry* n
        cdef neighbor_entry* copied
        cdef const connection* c = connections_next(self.r.connections, 0, self.c.now_ns)
        cdef connection* made
        other.c.now_ns = self.c.now_ns
        other.r.vrrp = self.r.vrrp
        other.c.next_wake_ns = other.r.announce_ns = NEVER
        other.advertiser = deepcopy(self.advertiser, memo)
        other._plan()
        for i in range(self.r.neighbors.n):
            n = &self.r.neighbors.entries[i]
            copied = neighbor_get(&other.r, n.interface, n.address)
            if copied == NULL:
                raise MemoryError
            if NEIGHBOR_REACHABLE <= n.state != NEIGHBOR_FAILED:
                copied.state = n.state
                copied.mac = n.mac
                copied.confirmed_ns = n.confirmed_ns
                copied.updated_ns = n.updated_ns
        while c != NULL:
            made = connections_add(other.r.connections, &c.tuples[0], &c.tuples[1], self.c.now_ns)
            if made == NULL:
                raise MemoryError
            made.flags = c.flags
            made.state = c.state
            made.expires_ns = c.expires_ns
            made.created_ns = c.created_ns
            made.mark = c.mark
            c = connections_next(self.r.connections, c.number, self.c.now_ns)
        return other

    # What it knows.

    def neighbors(self):
        """[(interface, address as an integer of 128 bits, MAC, state as `ip neigh` says it), ...], in order of arrival."""
        cdef uint32_t i
        cdef const neighbor_entry* n
        found = []
        for i in range(self.r.neighbors.n):
            n = &self.r.neighbors.entries[i]
            if n.state != NEIGHBOR_NONE:
                found.append((self.ports[n.interface], address_of_words(n.address), n.mac, _STATES[n.state]))
        return found


def _priority(rule):
    return rule.priority


_ROLES = ("backup", "master", "fault")
_STATES = ("NONE", "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE", "FAILED", "PERMANENT")
