"""Times as people write them."""

from __future__ import annotations


def duration_text(time_ns: int) -> str:
    """A time with its unit, as a topology.yaml has it.

    >>> duration_text(1500), duration_text(2_000_000_000)
    ('1.5us', '2s')
    """
    unit, ns = next(
        ((unit, ns) for unit, ns in (("s", 10**9), ("ms", 10**6), ("us", 1000)) if time_ns >= ns), ("ns", 1)
    )
    whole, rest = divmod(time_ns, ns)
    fraction = f"{rest:0{len(str(ns)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}{'.' if fraction else ''}{fraction}{unit}"
