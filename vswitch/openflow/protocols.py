"""The formats of flows that OpenFlow knew over the years (OVS's `enum ofputil_protocol`), as bits of a set.

Each match, action and option can be said in some of them; what is left when all of a flow is counted together is
what a connection must speak to carry it.
"""

from __future__ import annotations

OF10_STD, OF10_STD_TID, OF10_NXM, OF10_NXM_TID, OF11_STD, OF12_OXM, OF13_OXM, OF14_OXM, OF15_OXM = (
    1 << bit for bit in range(9)
)
OF15_UP = OF15_OXM
OF14_UP = OF14_OXM | OF15_UP
OF13_UP = OF13_OXM | OF14_UP
OF12_UP = ANY_OXM = OF12_OXM | OF13_UP
OF11_UP = OF11_STD | OF12_UP
OF10_STD_ANY = OF10_STD | OF10_STD_TID
OF10_NXM_ANY = OF10_NXM | OF10_NXM_TID
OF10_ANY = OF10_STD_ANY | OF10_NXM_ANY
NXM_OF11_UP = OF10_NXM_ANY | OF11_UP
NXM_OXM_ANY = OF10_NXM_ANY | ANY_OXM
TID = OF10_STD_TID | OF10_NXM_TID | OF11_UP
ANY = (1 << 9) - 1

_SETS = ((ANY, "any"), (OF10_STD_ANY, "OpenFlow10"), (OF10_NXM_ANY, "NXM"), (ANY_OXM, "OXM"))
_NAMES = (
    "OpenFlow10-table_id", "OpenFlow10+table_id", "NXM-table_id", "NXM+table_id", "OpenFlow11", "OXM-OpenFlow12",
    "OXM-OpenFlow13", "OXM-OpenFlow14", "OXM-OpenFlow15",
)
# The formats that a connection of each version of OpenFlow (1 is 1.0) can be switched to.
OF_VERSION = {1: OF10_ANY, 2: OF11_STD, 3: OF12_OXM, 4: OF13_OXM, 5: OF14_OXM, 6: OF15_OXM}


def protocols_text(protocols: int) -> str:
    """A set of formats as ovs-ofctl names it.

    >>> protocols_text(OF10_ANY | OF13_UP)
    'OpenFlow10,NXM,OXM-OpenFlow13,OXM-OpenFlow14,OXM-OpenFlow15'
    """
    words = []
    while protocols:
        bits, word = next(
            ((bits, word) for bits, word in _SETS if protocols & bits == bits),
            (protocols & -protocols, _NAMES[(protocols & -protocols).bit_length() - 1]),
        )
        words.append(word)
        protocols &= ~bits
    return ",".join(words) or "none"


def protocols_named(name: str) -> int:
    """The formats that a name means (as after ``--flow-format``); 0 if it is not known."""
    names = {known.lower(): bits for bits, known in _SETS} | {known.lower(): 1 << i for i, known in enumerate(_NAMES)}
    return names.get(name.lower(), 0)


def lowest_version(protocols: int) -> int:
    """The lowest version of OpenFlow (1 is 1.0) that can speak one of the formats; 0 if none does."""
    return next((version for version, bits in OF_VERSION.items() if protocols & bits), 0)
