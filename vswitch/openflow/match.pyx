"""Matches: text in, words of the flow key, text out.

What: every name of a field only says where to write, so ``udp_dst=53`` and ``tp_dst=53`` are the same, and printing
(tables/flow_format.pyx) is canonical: it reads the words, not what was typed.

How: a name leads to a `FieldPlan` (field_plan.pxd). A plain value becomes words without an object in between; any other
goes through values.py, which knows all that ovs-ofctl accepts and what is wrong with the rest. What a frame must be to
have a field is worked out once for a kind of frame (normal_match.py) and then is one compare a word.

Thread-safety: a match that nobody changes can be read by all.
"""
cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memmove, memset

from vswitch.openflow.field_plan cimport (
    ALL_64, KIND_FLAGS, WRITES_BYTE, WRITES_DL_VLAN, WRITES_IN_PORT, WRITES_IPV6_LABEL, WRITES_ITSELF, WRITES_NW_TOS,
    WRITES_VLAN_PCP, WRITES_VLAN_VID, FieldPlan, bits_at, formats_of, formats_of_any, member, ones, plan_of, run,
    wide_of,
)
from vswitch.openflow.scan cimport move_to_word, wide, words_of
from vswitch.tables.flow_format cimport flow_format_match
from vswitch.tables.flow_key cimport flow_key

from vswitch.errors import FlowSyntaxError, nearest
from vswitch.openflow import fields, normal_match, protocols, sent_match
from vswitch.openflow.text import NUMERIC, Numbers, fail
from vswitch.openflow.values import parse_value

cdef enum:
    KEY_WORDS = sizeof(flow_key) // 8
    FIRST_WORDS = 5                     # most matches have no more
    TCI_PRESENT = 0x1000
    TCI_PCP = 0xE000
    C_ICMP = 1
    C_ICMP6 = 58
    MAX_KEPT = 4096

cdef int ANY = protocols.ANY
cdef int OF10_STD_ANY = protocols.OF10_STD_ANY


# Words that stand for an Ethertype (-1: for none), and an IP protocol.
PROTOCOLS = {
    "ip": (0x0800, -1), "ipv4": (0x0800, -1), "ip4": (0x0800, -1), "arp": (0x0806, -1), "rarp": (0x8035, -1),
    "icmp": (0x0800, 1), "tcp": (0x0800, 6), "udp": (0x0800, 17), "sctp": (0x0800, 132), "ipv6": (0x86DD, -1),
    "ip6": (0x86DD, -1), "icmp6": (0x86DD, 58), "tcp6": (0x86DD, 6), "udp6": (0x86DD, 17), "sctp6": (0x86DD, 132),
    "mpls": (0x8847, -1), "mplsm": (0x8848, -1), "eth": (-1, -1),
}
NO_PORTS = Numbers()
cdef dict PLANS = {}                    # name or alias of a field → FieldPlan, see plan_of()


cdef run DL_TYPE = member("dl_type", 16)
cdef run NW_PROTO = member("nw_proto", 8)
cdef run TP_SRC = member("tp_src", 16)
cdef run PACKET_TYPE = member("packet_type", 32)
cdef run TCI = member("vlans", 16, 2)
cdef run NW_TOS = member("nw_tos", 8)
cdef run IPV6_LABEL = member("ipv6_label", 32)


@cython.final
cdef class Bits:
    """Bits of any words of the flow key."""
    cdef uint64_t[KEY_WORDS] bits

    def __init__(self, dict masks):
        memset(self.bits, 0, sizeof(self.bits))
        for word, mask in masks.items():
            self.bits[<int>word] = mask


cdef dict REFUSED = {}                  # kind of frame → Bits that it has not
cdef Bits DELICATE_BITS = Bits(sent_match.DELICATE)


@cython.final
@cython.no_gc
cdef class Match:
    """Values and masks of some words of the flow key."""

    def __cinit__(self):
        self.protocols = ANY

    def __init__(self, words=None):
        if words is not None:
            for word, (value, mask) in words.items():
                self.replace(word, ALL_64, value, mask)

    def __dealloc__(self):
        free(self.words_)

    # Writing.

    cpdef bint add(self, str name, str value, numbers) except -1:
        """Take in one ``name=value`` (or a protocol's word); False if the name is no field's.

        Raises
        ------
        FlowSyntaxError
            The value is wrong; with OVS's words.
        """
        cdef FieldPlan plan = plan_of(PLANS, name, FieldPlan)      # unlike actions, matches know no names of headers
        cdef wide number, mask
        if plan is None:
            return self.add_protocol(name)
        if plan.read_plain(value, &number, &mask):
            self.protocols &= formats_of(plan, mask)
            self.write_value(plan, number, mask)
            return True
        read = parse_value(plan.field, value or "0/0", numbers)
        if plan.kind == KIND_FLAGS:
            plan.keep_flags(value, read)
        self.add_read(plan, value, read[0], read[1])
        return True

    cdef int add_read(self, FieldPlan plan, str text, object value, object mask) except -1:
        """Take in a value of any width."""
        self.protocols &= formats_of_any(plan, mask)
        if plan.n_runs:
            self.write_value(plan, wide_of(value), wide_of(mask))
            return 0
        at = 0
        for word, shift, n_bits in plan.field.pieces:
            bits = (1 << n_bits) - 1
            part = mask >> at & bits
            self.replace(word, bits << shift, (value >> at & part) << shift, part << shift)
            at += n_bits
        if not at and plan.is_option and text is not None:
            self.add_option(int(plan.name.removeprefix("tun_metadata")), text, value, mask)
        return 0

    cdef bint add_protocol(self, str name) except -1:
        cdef tuple found = PROTOCOLS.get(name)
        if found is None:
            return False
        if found[0] >= 0:
            self.put_run(DL_TYPE, <uint64_t>found[0], 0xFFFF)
        if found[1] >= 0:
            self.put_run(NW_PROTO, <uint64_t>found[1], 0xFF)
        return True

    cdef int add_option(self, int option, str text, object value, object mask) except -1:
        from vswitch.openflow.tlv_map import N_BYTES, width_of

        cdef dict options = self.options
        if option in options:
            fail(f"field tun_metadata{option} set multiple times")
        width = width_of(value, mask)
        used = width + sum([n_bytes for _, _, n_bytes in options.values()])
        if used > N_BYTES:
            fail(f"field tun_metadata{option} exceeds maximum size for tunnel metadata (used {used}, max {N_BYTES})")
        options[option] = (value & mask, mask, width)

    def add_bits(self, field, low, n_bits, number):
        """Match on some bits of a field beside those that it is matched on already (OVS parse_subfield())."""
        value = mask = at = 0
        for word, shift, width in field.pieces:
            old = self.get((word, shift, (1 << width) - 1))
            value |= old[0] << at
            mask |= old[1] << at
            at += width
        bits = (1 << n_bits) - 1 << low
        value = value & ~bits | number << low
        mask |= bits
        if not field.maskable and mask != field.all_ones:
            self.protocols = 0
            return
        self.add_read(plan_of(PLANS, field.name, FieldPlan), None, value, mask)

    cdef int write_value(self, FieldPlan plan, wide value, wide mask) except -1:
        """What setting a field in a match writes (OVS mf_set()); `mask` has as many bits as the field's bytes."""
        cdef const run* r = &plan.runs[0]
        cdef bint is_any = not (mask.low | mask.high)
        cdef uint32_t at = 0
        cdef int i
        cdef uint64_t bits, part
        if plan.special == WRITES_BYTE:
            return self.put_run(run(word=r.word, shift=r.shift, n_bits=16), value.low & 0xFF, 0 if is_any else 0xFFFF)
        if plan.special == WRITES_IN_PORT:
            return self.put_run(run(word=r.word, shift=r.shift, n_bits=32), value.low, 0 if is_any else 0xFFFFFFFF)
        if plan.special != WRITES_ITSELF and not is_any:
            return self.write_special(plan, value.low, mask.low)
        for i in range(plan.n_runs):
            r = &plan.runs[i]
            bits = ones(r.n_bits)
            part = bits_at(mask, at, r.n_bits)
            self.replace(r.word, bits << r.shift, (bits_at(value, at, r.n_bits) & part) << r.shift, part << r.shift)
            at += r.n_bits
        return 0

    cdef int write_special(self, FieldPlan plan, uint64_t value, uint64_t mask) except -1:
        if plan.special == WRITES_DL_VLAN:
            if value == 0xFFFF:         # OpenFlow 1.0's "no tag"
                return self.put_run(TCI, 0, 0xFFFF)
            return self.put_tci(value & 0xFFF | TCI_PRESENT, 0x1FFF, 0x1FFF)
        if plan.special == WRITES_VLAN_VID:
            return self.put_tci(value & 0x1FFF, mask & 0x1FFF, 0x1FFF)
        if plan.special == WRITES_VLAN_PCP:
            return self.put_tci((value & 7) << 13 | TCI_PRESENT, 0xF000, 0xF000)
        if plan.special == WRITES_NW_TOS:
            return self.replace(NW_TOS.word, <uint64_t>0xFC << NW_TOS.shift, (value & 0xFC) << NW_TOS.shift,
                                <uint64_t>0xFC << NW_TOS.shift)
        if plan.special == WRITES_IPV6_LABEL:
            # How OVS says "all of it".
            return self.put_run(IPV6_LABEL, value, 0xFFFFFFFF if mask & 0xFFFFF == 0xFFFFF else mask)
        return self.put_run(run(word=plan.runs[0].word, shift=plan.runs[0].shift, n_bits=8), value & mask, value & mask)

    cdef int put_tci(self, uint64_t value, uint64_t mask, uint64_t bits) except -1:
        return self.replace(TCI.word, bits << TCI.shift, (value & mask) << TCI.shift, mask << TCI.shift)

    cdef int put_run(self, run r, uint64_t value, uint64_t mask) except -1:
        cdef uint64_t bits = ones(r.n_bits)
        mask &= bits
        return self.replace(r.word, bits << r.shift, (value & mask) << r.shift, mask << r.shift)

    cdef int replace(self, uint64_t word, uint64_t bits, uint64_t value, uint64_t mask) except -1:
        """Give some bits of a word another value and mask; the value has no bits beside its mask."""
        cdef uint32_t i = 0
        cdef match_word* at
        while i < self.n_words and self.words_[i].word < word:
            i += 1
        at = self.words_ + i
        if i < self.n_words and at.word == word:
            at.value = at.value & ~bits | value
            at.mask = at.mask & ~bits | mask
            if not at.mask:
                self.n_words -= 1
                memmove(at, at + 1, (self.n_words - i) * sizeof(match_word))
            return 0
        if not mask:
            return 0
        if word >= KEY_WORDS:
            raise ValueError(f"the flow key has no word {word}")
        if self.n_words == self.n_allocated:
            self.grow()
            at = self.words_ + i
        memmove(at + 1, at, (self.n_words - i) * sizeof(match_word))
        at[0] = match_word(word=word, value=value, mask=mask)
        self.n_words += 1
        return 0

    cdef int grow(self) except -1:
        cdef uint32_t n = self.n_allocated * 2 or FIRST_WORDS
        cdef match_word* grown = <match_word*>realloc(self.words_, n * sizeof(match_word))
        if grown == NULL:
            raise MemoryError
        self.words_ = grown
        self.n_allocated = n

    # Reading.

    cdef match_word* find(self, uint64_t word) noexcept nogil:
        """The entry of a word, or NULL."""
        cdef uint32_t i
        for i in range(self.n_words):
            if self.words_[i].word == word:
                return self.words_ + i
        return NULL

    cdef uint64_t value_of(self, const run* member) noexcept nogil:
        cdef const match_word* found = self.find(member.word)
        return 0 if found == NULL else found.value >> member.shift & ones(member.n_bits)

    cdef uint64_t mask_of(self, const run* member) noexcept nogil:
        cdef const match_word* found = self.find(member.word)
        return 0 if found == NULL else found.mask >> member.shift & ones(member.n_bits)

    @property
    def words(self):
        """Word of the flow key → (value, mask); a copy."""
        cdef uint32_t i
        return {self.words_[i].word: (self.words_[i].value, self.words_[i].mask) for i in range(self.n_words)}

    @property
    def options(self):
        """tun_metadata option → value, mask, bytes on the wire, until a map gives them words (tlv_map.py).

        Without a mask the option only has to be there; without a value (None) it must not be.
        """
        if self.options_ is None:
            self.options_ = {}
        return self.options_

    def get(self, member):
        """Value and mask of a place (places.py)."""
        cdef uint64_t shift = member[1], bits = member[2]
        cdef const match_word* found = self.find(member[0])
        if found == NULL:
            return 0, 0
        return found.value >> shift & bits, found.mask >> shift & bits

    def put(self, member, uint64_t value, uint64_t mask):
        """Match on a place, or with a mask of 0 no longer."""
        cdef uint64_t shift = member[1], bits = member[2]
        self.replace(member[0], bits << shift, (value & mask & bits) << shift, (mask & bits) << shift)

    def drop(self, uint64_t word):
        """Match on no bit of a word."""
        self.replace(word, ALL_64, 0, 0)

    def looks_at(self, dict bits):
        """True if any of these bits (of words) is matched on."""
        cdef uint32_t i
        for i in range(self.n_words):
            if self.words_[i].mask & <uint64_t>bits.get(self.words_[i].word, 0):
                return True
        return False

    cdef uint64_t ethertype(self) noexcept nogil:
        cdef uint64_t packet_type = self.value_of(&PACKET_TYPE)
        return packet_type & 0xFFFF if packet_type >> 16 == 1 else self.value_of(&DL_TYPE)

    def dl_type(self):
        """The Ethertype, which may stand in the packet's type."""
        return self.ethertype()

    cpdef dict normalize(self):
        """Drop what needs a protocol that is not matched (normal_match.py).

        Returns all words as they were; none if nothing was dropped.
        """
        cdef uint64_t proto = self.value_of(&NW_PROTO), dl_type = self.ethertype(), tp_src = 0, kind
        cdef uint32_t i = 0
        cdef Bits refused
        cdef dict before = {}
        if proto == C_ICMP6:
            tp_src = self.value_of(&TP_SRC)
        kind = dl_type << 24 | proto << 16 | tp_src
        refused = REFUSED.get(kind)
        if refused is None:
            if len(REFUSED) >= MAX_KEPT:
                REFUSED.clear()
            refused = REFUSED[kind] = Bits(normal_match.refused_bits(dl_type, proto, tp_src))
        for i in range(self.n_words):
            if self.words_[i].mask & refused.bits[self.words_[i].word]:
                before = self.words
                break
        for word in before:
            self.replace(word, refused.bits[<uint64_t>word], 0, 0)
        return before

    cpdef Match sent(self, int version, formats=None):
        """What a switch takes of it from a flow-mod of a version (1 is 1.0): see `sent_match`."""
        cdef int usable = self.protocols if formats is None else formats
        cdef bint is_plain = version == 2 or (version == 1 and usable & OF10_STD_ANY)
        if self.arrives_whole(version, is_plain):
            return self
        return sent_match.sent_match(self, version, is_plain)

    cdef bint arrives_whole(self, int version, bint is_plain) except -1:
        """True if the message of every version has a place for all that is matched; which is what most matches are."""
        cdef uint64_t proto = self.value_of(&NW_PROTO), value, mask
        cdef uint32_t i
        cdef Bits delicate = DELICATE_BITS
        if self.options_ or proto == C_ICMP or proto == C_ICMP6:
            return False
        for i in range(self.n_words):
            if self.words_[i].mask & delicate.bits[self.words_[i].word]:
                return False
        value, mask = self.value_of(&TCI), self.mask_of(&TCI)
        if is_plain:
            return not mask & TCI_PRESENT or value & TCI_PRESENT
        return version < 3 or not mask & TCI_PCP

    cpdef bytes encode(self):
        """As `Datapath.flow_mod` takes it: ``(n, 3) uint64``, word, value and mask by rising word."""
        return PyBytes_FromStringAndSize(<const char*>self.words_, self.n_words * sizeof(match_word))

    @staticmethod
    def decode(bytes data):
        """The reverse of `encode`."""
        cdef Match match = Match()
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data) // sizeof(match_word)
        match.take(<const match_word*>PyBytes_AS_STRING(data), <uint32_t>n)
        return match

    def copy(self):
        """The same, to be changed."""
        cdef Match match = Match()
        match.take(self.words_, self.n_words)
        match.protocols = self.protocols
        if self.options_:
            match.options_ = dict(self.options_)
        return match

    cdef int take(self, const match_word* words, uint32_t n) except -1:
        self.words_ = <match_word*>malloc((n + 1) * sizeof(match_word))
        if self.words_ == NULL:
            raise MemoryError
        memcpy(self.words_, words, n * sizeof(match_word))
        self.n_words = n
        self.n_allocated = n + 1

    cpdef str format(self, names=NUMERIC):
        """As OVS prints it, without the priority; empty for a match on everything."""
        cdef flow_key values, masks
        cdef uint32_t i
        memset(&values, 0, sizeof(flow_key))
        memset(&masks, 0, sizeof(flow_key))
        for i in range(self.n_words):
            (<uint64_t*>&values)[self.words_[i].word] = self.words_[i].value
            (<uint64_t*>&masks)[self.words_[i].word] = self.words_[i].mask
        return flow_format_match(&values, &masks, names.port if names.ports else None, self.option_texts())

    cdef list option_texts(self):
        """The options of tunnels, which have no place in the flow key, by number."""
        if not self.options_:
            return None
        return [option_text(option, self.options_[option]) for option in sorted(self.options_)]

    def __eq__(self, other):
        cdef Match match
        if not isinstance(other, Match):
            return NotImplemented
        match = other
        return (self.n_words == match.n_words
                and memcmp(self.words_, match.words_, self.n_words * sizeof(match_word)) == 0
                and (self.options_ or {}) == (match.options_ or {}))

    def __hash__(self):
        return hash(self.encode())

    def __repr__(self):
        return f"<Match {self.format() or 'everything'}>"


cdef str option_text(option, tuple read):
    value, mask, n_bytes = read
    text = f"tun_metadata{option}"
    if value is None:
        return f"{text}=NP"
    if mask:
        text += f"={value:#x}" if value else "=0"
        if ~mask & (1 << 8 * n_bytes) - 1:
            text += f"/{mask:#x}"
    return text


cdef list known_names():
    return [*fields.BY_NAME, *PROTOCOLS]


def parse_match(str text, numbers=None):
    """A match alone, such as ``"tcp,nw_dst=10.0.0.0/8"``, normalised.

    Raises
    ------
    FlowSyntaxError
        With OVS's words.
    """
    cdef Match match = Match()
    cdef list words = words_of(text)
    cdef Py_ssize_t i = 0, n = len(words)
    try:
        while i < n:
            if not match.add(words[i], words[i + 1], numbers or NO_PORTS):
                fail(f"unknown keyword {words[i]}", nearest(words[i], known_names()))
            i += 2
    except FlowSyntaxError as error:
        move_to_word(error, text, i)
        raise
    match.normalize()
    return match
