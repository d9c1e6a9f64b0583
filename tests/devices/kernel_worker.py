"""A Linux namespace as a router: run below ``unshare -rn``, it takes a JSON story on stdin and says what came out.

Each interface is one end of a veth pair, whose other end is a raw socket. In: ``{"setup": [command...], "interfaces":
[name...], "steps": [[interface, hex] or ["", milliseconds]...]}``; out: for each step a list of [interface, hex].
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
import time

QUIET_S = 0.04  # nothing for so long: nothing more comes
ETH_P_ALL = 3
PACKET_OUTGOING = 4


def main() -> None:
    story = json.load(sys.stdin)
    for command, text in story["setup"]:
        done = subprocess.run(command.split(), input=text.encode(), capture_output=True, check=False)
        if done.returncode:
            sys.exit(f"{command}: {done.stderr.decode()}")
    sockets = {}
    for name in story["interfaces"]:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        sock.bind((f"{name}-o", 0))
        sockets[name] = sock
    receive(sockets)
    heard = []
    for name, what in story["steps"]:
        if name:
            sockets[name].send(bytes.fromhex(what))
            heard.append(receive(sockets))
        else:
            heard.append(receive(sockets, what / 1000))
    json.dump(heard, sys.stdout)


def receive(sockets: dict[str, socket.socket], at_least_s: float = 0.0) -> list[tuple[str, str]]:
    """What comes until it is quiet."""
    heard = []
    names = {sock.fileno(): name for name, sock in sockets.items()}
    end = time.monotonic() + at_least_s
    while True:
        ready, _, _ = select.select(list(sockets.values()), [], [], max(QUIET_S, end - time.monotonic()))
        if not ready:
            return heard
        for sock in ready:
            data, (_, _, kind, _, _) = sock.recvfrom(65536)
            if kind != PACKET_OUTGOING:
                heard.append((names[sock.fileno()], data.hex()))


if __name__ == "__main__":
    main()
