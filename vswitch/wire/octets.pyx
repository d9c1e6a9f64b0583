"""What `Frame` stands on: a buffer, kept alive and never copied, with the checks that come before each look into it."""

from vswitch.errors import FrameError
from vswitch.wire.addresses import ipv6_text


cdef class Octets:
    """Bytes of any buffer, with checked access for the classes derived from this one.

    Notes
    -----
    Thread-safety: reading is safe from any number of threads as long as nobody writes the buffer.
    """

    def __init__(self, buffer):
        self.buffer = buffer
        self.octets = memoryview(buffer).cast("B")
        self.n_bytes = self.octets.shape[0]
        self.data = &self.octets[0] if self.n_bytes else NULL

    def __bytes__(self):
        return self.copy(0, self.n_bytes)

    def __len__(self):
        return self.n_bytes

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return bytes(self) == bytes(other)

    __hash__ = None                     # the buffer may change

    cdef int need(self, str layer, Py_ssize_t ofs, Py_ssize_t n) except -1:
        if self.n_bytes - ofs < n:
            raise FrameError(f"{layer} header needs {n} bytes, {self.n_bytes - ofs} are left", layer=layer, offset=ofs,
                             needed=n, available=self.n_bytes - ofs)
        return 0

    cdef Py_ssize_t need_whole(self, str layer, Py_ssize_t ofs, Py_ssize_t least, Py_ssize_t n) except -1:
        if n < least:
            raise FrameError(f"{layer} header says it has {n} bytes, it needs {least}", layer=layer, offset=ofs,
                             needed=least, available=n)
        self.need(layer, ofs, n)
        return n

    cdef bytes copy(self, Py_ssize_t start, Py_ssize_t end):
        return (<const char*>self.data)[start:end] if end > start else b""

    cdef str ipv6_address(self, Py_ssize_t ofs):
        return ipv6_text(int.from_bytes(self.copy(ofs, ofs + 16), "big"))
