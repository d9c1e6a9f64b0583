"""``move``: a run of a field's bits goes to another.

An ARP responder has three of them in each of its flows, by the thousands, and they are always the same ones: parsing keeps
the objects (actions.pyx), so a move keeps what can be known of it without a flow, its text and its compiled form.
"""
cimport cython

from vswitch.openflow.actions.base cimport Action
from vswitch.openflow.actions.check cimport Check

from vswitch.openflow.actions.base import pack
from vswitch.openflow.actions.check import refuse
from vswitch.openflow.actions.subfield import flags_of, parse_subfield, scan_subfield
from vswitch.openflow.text import fail

cdef enum:
    OFPACT_MOVE = 17            # datapath/ofpact.pxd


@cython.final
@cython.no_gc
cdef class Move(Action):
    """``move:SOURCE->DESTINATION``."""

    __slots__ = ("destination", "source")
    name = "move"
    in_set = True

    def __init__(self, destination, source):
        self.destination = destination
        self.source = source
        self.source_prereq = source.field.prereq
        self.destination_prereq = destination.field.prereq
        self.is_writable = destination.field.writable
        self.has_option = source.is_option or destination.is_option
        self.text = f"move:{source}->{destination}"

    cpdef str format(self, names):
        return self.text

    cpdef tuple sent(self, int version):
        if not self.is_writable:
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        return (self,)

    cpdef Action check(self, Check check):
        if not (check.holds(self.source_prereq) and check.holds(self.destination_prereq)):
            refuse("OFPBAC_MATCH_INCONSISTENT")
        if not self.is_writable:
            refuse("OFPBAC_BAD_SET_ARGUMENT")
        return self

    cpdef bytes encode(self):
        if self.has_option:
            return move_code(self.source, self.destination)     # where options are depends on the map in use
        if self.code is None:
            self.code = move_code(self.source, self.destination)
        return self.code


cdef bytes move_code(source, destination):
    cdef list words = []
    for (word, shift, n_bits), (to_word, to_shift, _) in paired(source.pieces(), destination.pieces()):
        words += [word << 32 | to_word, shift << 32 | to_shift << 16 | n_bits]
    flags = flags_of(destination.field)
    arg = source.field.prereq | (flags & 0xFF) << 8
    return pack(OFPACT_MOVE, arg | flags & ~0xFF, len(words) // 2, *words)


def paired(list sources, list destinations):
    """Two lists of pieces, both cut where either is."""
    cdef list pairs = []
    sources, destinations = list(sources), list(destinations)
    while sources and destinations:
        (a, a_shift, a_n), (b, b_shift, b_n) = sources.pop(0), destinations.pop(0)
        n = min(a_n, b_n)
        pairs.append(((a, a_shift, n), (b, b_shift, n)))
        if a_n > n:
            sources.insert(0, (a, a_shift + n, a_n - n))
        if b_n > n:
            destinations.insert(0, (b, b_shift + n, b_n - n))
    return pairs


def parse_move(str text):
    """What follows ``move:``; learn() has the same."""
    source, end = scan_subfield(text)
    if text[end:end + 2] != "->":
        fail(f"{text}: missing `->' following source")
    destination = parse_subfield(text[end + 2:])
    if source.n_bits != destination.n_bits:
        widths = f"source field is {source.n_bits} bits wide but destination is {destination.n_bits} bits wide"
        fail(f"{text}: {widths}")
    return Move(destination, source)


PARSERS = {"move": lambda text, parse: parse_move(text)}
