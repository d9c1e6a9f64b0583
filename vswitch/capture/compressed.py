"""Compressed captures as plain reads: gzip (RFC 1952) and zstd (RFC 8878), of any number of members or frames.

Each reader is a function ``read(n)`` that gives up to `n` decompressed bytes and nothing at the end, whatever the
ratio: a few bytes that stand for gigabytes are handed out in pieces. A file that ends inside a member gives all that
was whole, then the end, so that a cut file reads as a cut capture; `tshark` does the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Any, cast

from vswitch.errors import CaptureError, UnsupportedCaptureError

Read = Callable[[int], bytes]

INPUT_LEN = 256 * 1024  # compressed bytes read at a time


class Prefixed:
    """`read` with some bytes put back in front of it."""

    def __init__(self, start: bytes, read: Read) -> None:
        self._start = start
        self._read = read

    def read(self, n_bytes: int) -> bytes:
        if self._start:
            piece, self._start = self._start[:n_bytes], self._start[n_bytes:]
            return piece
        return self._read(n_bytes)


def gzip_reader(read: Read, path: str) -> Read:
    import zlib

    state: dict[str, Any] = {"member": zlib.decompressobj(wbits=31), "rest": b"", "n_out": 0, "n_members": 0}

    def read_some(n_bytes: int) -> bytes:
        while True:
            member = state["member"]
            if member.eof:
                # Zeros may pad the last member (RFC 1952 is silent, gzip(1) accepts them); the rest is no gzip.
                rest = member.unused_data.lstrip(b"\0") or read(INPUT_LEN).lstrip(b"\0")
                if not rest:
                    return b""
                state["n_members"] += 1
                state["member"] = member = zlib.decompressobj(wbits=31)
                state["rest"] = rest
            rest = state["rest"] or read(INPUT_LEN)
            if not rest and not member.unconsumed_tail:
                # What is left inside the decompressor: some output is held back while there is room for more.
                return bytes(member.flush()) if not member.eof else b""
            try:
                piece = bytes(member.decompress(rest, n_bytes))
            except zlib.error as error:
                problem = str(error).partition(": ")[2] or str(error)
                raise CaptureError(f"gzip data is damaged: {problem}", path=path, offset=state["n_out"]) from error
            state["rest"] = member.unconsumed_tail
            if piece:
                state["n_out"] += len(piece)
                return piece

    return read_some


def zstd_reader(read: Read, path: str) -> Read:
    try:
        import zstandard
    except ImportError as error:
        raise UnsupportedCaptureError(
            "is compressed with zstd", path=path, magic=b"\x28\xb5\x2f\xfd", hint="pip install zstandard",
        ) from error

    # Window sizes up to 2 GiB exist (zstd --ultra --long=31); 128 MiB is what zstd(1) itself accepts unasked.
    stream = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
        cast("IO[bytes]", Prefixed(b"", read)), read_size=INPUT_LEN, read_across_frames=True
    )
    n_out = 0

    def read_some(n_bytes: int) -> bytes:
        nonlocal n_out
        try:
            piece: bytes = stream.read1(n_bytes) if hasattr(stream, "read1") else stream.read(n_bytes)
        except zstandard.ZstdError as error:
            raise CaptureError(f"zstd data is damaged: {error}", path=path, offset=n_out) from error
        n_out += len(piece)
        return piece

    return read_some
