"""UUIDs of rows: numbers of 128 bits, printed in groups of hexadecimal digits (RFC 9562, section 4).

The standard library's module finds out about its platform when it is loaded, because it can make UUIDs of machines.
That takes longer than to run a short script of OVS commands; and rows here get their UUIDs from a counter.
"""

from __future__ import annotations

_VERSION_MASK, _VERSION_4 = 0xF000 << 64, 0x4000 << 64  # RFC 9562, section 4.2
_VARIANT_MASK, _VARIANT = 0xC000 << 48, 0x8000 << 48  # section 4.1


class UUID:
    """The name of a row; `number` orders them.

    >>> UUID(0x12345678_9abc_4def_8000_000000000001)
    UUID('12345678-9abc-4def-8000-000000000001')
    """

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number

    @classmethod
    def parse(cls, text: str) -> UUID | None:
        """The UUID that `text` spells in full, in any case; None if it does not.

        >>> str(UUID.parse("12345678-9ABC-4def-8000-000000000001"))
        '12345678-9abc-4def-8000-000000000001'
        """
        digits = text.replace("-", "")
        if len(text) != 36 or len(digits) != 32 or not digits.isascii() or not digits.isalnum():
            return None
        if any(text[i] != "-" for i in (8, 13, 18, 23)):
            return None
        try:
            return cls(int(digits, 16))
        except ValueError:
            return None

    @classmethod
    def random_like(cls, number: int) -> UUID:
        """`number` with the bits set that tell a random UUID (version 4)."""
        return cls(number & ~(_VERSION_MASK | _VARIANT_MASK) | _VERSION_4 | _VARIANT)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UUID) and self.number == other.number

    def __lt__(self, other: UUID) -> bool:
        return self.number < other.number

    def __hash__(self) -> int:
        return hash(self.number)

    def __int__(self) -> int:
        return self.number

    def __str__(self) -> str:
        digits = f"{self.number:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def __repr__(self) -> str:
        return f"UUID('{self}')"
