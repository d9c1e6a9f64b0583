"""Stories: what an operator types and sends, and what leaves, as text that a test plays and compares with itself.

    ovs-vsctl add-br br0                    a command; what it prints follows as lines that begin with "="
    ovs-vsctl add-port br0 p1 tag=10
    p1 a>*                | p2:10           a frame from host a, broadcast, at p1; it left at p2 with tag 10
    p1 a>b 10+20 size=900 | p2:-#60 p3:-*2  tags, frame length; 60 bytes left at p2, two copies at p3
    +300                                    300 seconds pass
    fdb br0               | a.10:1@300      addresses: host, VLAN, OpenFlow port, age (or "static"), oldest first

`play` does all this on a switch of ours and returns the text with what really happened. A bridge's own port is left out
of the outputs unless the story has the line "show LOCAL". What the stories expect is what Open vSwitch 3.1 answered:
`as_case` makes a case for the oracle of each, and tests/oracle asks it again.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

from tests.check_corpus import clean
from tests.oracle.odd_frames import checksum
from tests.switch.frames import frame, mac, tag, tags_of
from vswitch import Node
from vswitch.errors import CommandError

Send = Callable[[str, bytes, float], dict[str, list[bytes]]]
Run = Callable[[str, float], str]


def lines_of(story: str) -> list[str]:
    """The lines of a story, without those that say what commands print."""
    lines = textwrap.dedent(story).strip("\n").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("=")]


def play(story: str) -> str:
    """The story as it happens on a switch of ours."""
    node = Node()

    def send(port: str, data: bytes, time_s: float) -> dict[str, list[bytes]]:
        out: dict[str, list[bytes]] = {}
        for name, copy in node.send(port, data, time=time_s):
            out.setdefault(name, []).append(bytes(copy))
        return out

    def run(line: str, time_s: float) -> str:
        node.warp(round((time_s - node.time_s) * 1000))
        try:
            return clean(node.run(line))
        except CommandError as error:
            return clean(error.output or error.problem)

    return tell(story, send, run)


def tell(story: str, send: Send, run: Run) -> str:
    """The story with what `send` and `run` answer."""
    told = []
    time_s = 0.0
    lines = lines_of(story)
    for line in lines:
        head = line.split("|")[0].rstrip()
        if line.startswith("ovs-"):
            told += [line, *(f"= {text}".rstrip() for text in run(line, time_s).strip("\n").splitlines())]
        elif line.startswith("+"):
            time_s += float(line[1:])
            told.append(line)
        elif line.startswith("fdb "):
            told.append(f"{head} | {fdb_text(run(f'ovs-appctl fdb/show {head.split()[1]}', time_s))}".rstrip())
        elif line == "show LOCAL":
            told.append(line)
        else:
            port, data = parse_frame(head)
            seen = outputs_text(send(port, data, time_s), data, with_local="show LOCAL" in lines)
            told.append(f"{head} | {seen}".rstrip())
    return "\n".join(re.sub(r" +", " ", line) for line in told)


def expected(story: str) -> str:
    """The story as it is written, in the form that `play` returns."""
    lines = textwrap.dedent(story).strip("\n").splitlines()
    return "\n".join(re.sub(r" +", " ", line).rstrip() for line in lines if line.strip())


def as_case(story: str) -> dict[str, Any]:
    """The story as a case for the oracle: every line is an event."""
    trace: list[dict[str, Any]] = []
    time_s = 0.0
    for line in lines_of(story):
        if line.startswith("+"):
            time_s += float(line[1:])
        elif line.startswith("ovs-"):
            trace.append({"t": time_s, "cmd": line})
        elif line.startswith("fdb "):
            trace.append({"t": time_s, "cmd": f"ovs-appctl fdb/show {line.split()[1]}"})
        elif line != "show LOCAL":
            port, data = parse_frame(line.split("|")[0])
            trace.append({"t": time_s, "port": port, "pkt": data.hex()})
    return {"id": "story", "setup": [], "trace": trace, "options": {}}


def retell(story: str, events: list[dict[str, Any]]) -> str:
    """The story with the oracle's answers to the events of `as_case`."""
    answers: Iterator[dict[str, Any]] = iter(events)

    def send(port: str, data: bytes, time_s: float) -> dict[str, list[bytes]]:
        return {name: [bytes.fromhex(copy) for copy in copies] for name, copies in next(answers).get("out", {}).items()}

    return tell(story, send, lambda line, time_s: next(answers).get("output", ""))


# --------------------------------------------------------------------------------------------------- the notation


def parse_frame(text: str) -> tuple[str, bytes]:
    """``"p1 a>b 10+20 size=900"`` as a port and a frame."""
    port, hosts, *rest = text.split()
    options = dict(word.split("=") for word in rest if "=" in word)
    tags = next((word for word in rest if "=" not in word and word != "-"), None)
    if "hex" in options:
        source, _, destination = hosts.partition(">")
        tagged = b"" if tags is None else b"".join(tag(word) for word in tags.split("+"))
        return port, mac(destination) + mac(source) + tagged + bytes.fromhex(options["hex"])
    for name, builder in (("arp", arp), ("igmp", igmp), ("group", group)):
        if name in options:
            payload = builder(hosts, options[name])
            return port, frame(hosts, tags, ethertype=payload[0], size=14) + payload[1]
    return port, frame(hosts, tags, size=int(options.get("size", "60")))


def arp(hosts: str, what: str) -> tuple[int, bytes]:
    """``arp=1:own`` is a request for the sender's own address, ``arp=2:other`` a reply to somebody else's."""
    opcode, _, target = what.partition(":")
    sender = bytes([10, 0, 0, 1])
    body = bytes.fromhex("000108000604") + int(opcode).to_bytes(2, "big") + mac(hosts[0]) + sender
    return 0x0806, body + bytes(6) + (sender if target == "own" else bytes([10, 0, 0, 2])) + bytes(18)


def igmp(hosts: str, what: str) -> tuple[int, bytes]:
    """``igmp=16:239.1.1.1`` is a message of type 0x16; a third part ``:bad`` spoils its checksum."""
    kind, address, *spoiled = what.split(":")
    body = bytes([int(kind, 16), 0, 0, 0]) + octets(address)
    total = checksum(body) ^ bool(spoiled)
    return ipv4(2, address, body[:2] + total.to_bytes(2, "big") + body[4:])


def group(hosts: str, address: str) -> tuple[int, bytes]:
    """``group=239.1.1.1`` is a UDP datagram to that group."""
    return ipv4(17, address, bytes.fromhex("03e8 07d0 000c 0000") + b"data")


def ipv4(proto: int, destination: str, payload: bytes) -> tuple[int, bytes]:
    header = bytes.fromhex("4500") + (20 + len(payload)).to_bytes(2, "big") + bytes(4) + bytes([1, proto, 0, 0])
    header += bytes([10, 0, 0, 1]) + octets(destination)
    header = header[:10] + checksum(header).to_bytes(2, "big") + header[12:]
    return 0x0800, (header + payload).ljust(46, b"\0")


def octets(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


def outputs_text(outputs: dict[str, list[bytes]], sent: bytes, *, with_local: bool) -> str:
    """What left, sorted by port."""
    counts: dict[str, int] = {}
    n_payload = len(sent) - 4 * len(tag_list(sent))
    for port, copies in outputs.items():
        if not port.startswith("br") or with_local:
            for data in copies:
                size = "" if len(data) - 4 * len(tag_list(data)) == n_payload else f"#{len(data)}"
                text = f"{port}:{tags_of(data)}{size}"
                counts[text] = counts.get(text, 0) + 1
    return " ".join(text + (f"*{n}" if n > 1 else "") for text, n in sorted(counts.items()))


def tag_list(data: bytes) -> list[str]:
    text = tags_of(data)
    return [] if text == "-" else text.split("+")


def fdb_text(shown: str) -> str:
    """What fdb/show printed, an address a word."""
    words = [line.split() for line in shown.splitlines()]
    rows = [row for row in words if len(row) == 4 and row[0] != "port"]
    return " ".join(f"{host_name(address)}.{vlan}:{port}@{age}" for port, vlan, address, age in rows)


def host_name(address: str) -> str:
    octet = bytes.fromhex(address.replace(":", ""))
    return chr(octet[5]) if octet[:5] == bytes([2, 0, 0, 0, 0]) and chr(octet[5]).isalpha() else octet.hex()
