"""A device in Python, seen from the network: the GIL is taken when a frame is for it or its time has come.

What it raises ends the replay and is raised there; only `Dropped` is a word about the frame. Whatever else it is doing wrong
(a port that it has not, something that is no frame) is raised, too.

Thread-safety: as its device's. With the GIL held it may be in any thread that replays.
"""
from libc.stdint cimport uint32_t

from vswitch.capture.record cimport frame
from vswitch.datapath.device cimport NEVER, CompiledDevice, device
from vswitch.datapath.fate cimport DROP_UNKNOWN_TRUNCATED, FATE_CONSUMED, N_FATES

from vswitch.datapath.fate import FATES, FIRST_DROP
from vswitch.devices.device import Dropped

_CODES = {name: code for code, (name, _) in FATES.items()}


cdef uint32_t python_receive(device* d, uint32_t port, const frame* f) noexcept nogil:
    if f.caplen < f.len:
        return DROP_UNKNOWN_TRUNCATED
    with gil:
        return (<PythonDevice>d.state)._receive_frame(port, f)


cdef void python_wake(device* d) noexcept nogil:
    with gil:
        (<PythonDevice>d.state)._wake()


cdef class PythonDevice(CompiledDevice):
    """Stands between the network and a `Device`.

    Parameters
    ----------
    name, ports
        Those of the device.
    device : Device
    """

    cdef readonly object device

    def __init__(self, str name, object ports, object device):
        self.device = device
        self.c.receive = python_receive
        self.c.wake = python_wake
        self._ask()

    def refresh(self):
        """Asks the device when it wants to be woken: outside of a call of it, somebody may have given it something to do."""
        self._ask()

    cdef uint32_t _receive_frame(self, uint32_t port, const frame* f) noexcept:
        try:
            self._send_all(self.device.receive(self.ports[port], <bytes>f.data[:f.caplen], self.c.now_ns))
            self._ask()
        except Dropped as dropped:
            return self._dropped(dropped.reason)
        except BaseException as error:
            self._fail(error)
        return FATE_CONSUMED

    cdef void _wake(self) noexcept:
        try:
            self._send_all(self.device.wake(self.c.now_ns))
            self._ask()
        except BaseException as error:
            self._fail(error)

    cdef int _ask(self) except -1:
        """When it wants to be woken."""
        next_ns = self.device.next_wake_ns
        self.c.next_wake_ns = NEVER if next_ns is None else next_ns
        return 0

    cdef uint32_t _dropped(self, object reason) noexcept:
        try:
            self._ask()
            if _CODES.get(reason, 0) >= FIRST_DROP:
                return _CODES[reason]
            raise ValueError(f"device {self.name} drops a frame for {reason!r}, which is no reason in vswitch.FATES")
        except BaseException as error:
            self._fail(error)
        return FATE_CONSUMED
