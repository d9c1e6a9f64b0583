#!/usr/bin/env python3
"""Take captures with tunnels apart, and compare with what tshark sees inside: check_tunnels.py [--cases DIR] FILE...

Each destination of outer packets becomes the address of an underlay bridge of its own, and one VXLAN, one GRE and one
Geneve port with `remote_ip=flow key=flow` wait for what is inside, with a map for all options of Geneve. A frame must
be delivered if tshark finds an Ethernet frame behind outer headers with right checksums, byte for byte to the end of
the record, and no other may be. One line is printed per file:

    vxlan.pcap: same, 10 frames: 10 delivered
    erspan-type-i-1.pcap: same, 2 frames: 2 TUNNEL_NO_PORT

The exit status is 1 if a file is different. With --cases, each file is also written as a case for the oracle.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import vswitch

Json = dict[str, Any]

OUTPUT = "inside"
TUNNELS = ("vxlan", "gre", "geneve")
TEB = "0x6558"  # the Ethertype of Ethernet in GRE
BAD_CHECKSUM = "0"
FIELDS = ("eth.dst", "ip.dst", "ipv6.dst", "ip.checksum.status", "udp.checksum.status", "gre.proto", "geneve.option")
# Where tshark's layers begin if the next one is what a tunnel carries.
UNDERLAY = ("eth", "ip"), ("eth", "ipv6")
CARRIERS = ("udp", "vxlan"), ("udp", "geneve"), ("gre",)


class Packet(NamedTuple):
    """A frame of a capture, and what tshark says of it."""

    frame: bytes
    destination: tuple[str, str] | None  # MAC and address, if it is for somebody
    inner: bytes | None  # the Ethernet frame in a tunnel
    options: frozenset[str]  # of Geneve, as add-tlv-map takes them


# ------------------------------------------------------------------------------------------------- what tshark sees


def packets(path: Path) -> list[Packet]:
    """The frames of a capture of Ethernet."""
    command = ["tshark", "-n", "-r", str(path), "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-T"]
    done = subprocess.run([*command, "json", "-x"], capture_output=True, check=True)
    layers = [dict(dict(record)["_source"])["layers"] for record in json.loads(done.stdout, object_pairs_hook=list)]
    columns = [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run([*command, "fields", *columns], capture_output=True, check=True)
    rows = [dict(zip(FIELDS, row.split("\t"), strict=True)) for row in done.stdout.decode().splitlines()]
    return [packet(*pair) for pair in zip(layers, rows, strict=True)]


def packet(layers: list[tuple[str, Any]], fields: dict[str, str]) -> Packet:
    """What counts of a frame: `layers` say where headers begin, `fields` what is in them (commas between headers)."""
    places = [(name.removesuffix("_raw"), value) for name, value in layers if name.endswith("_raw")]
    frame = bytes.fromhex(places[0][1][0])
    names = [name for name, _ in places[1:] if name != "vlan"]
    starts = [value[1] for name, value in places[1:] if name != "vlan"]
    options = frozenset(map(tlv, filter(None, fields["geneve.option"].split(","))))
    if tuple(names[:2]) not in UNDERLAY:
        return Packet(frame, None, None, options)
    destination = tuple(fields[field].split(",")[0] for field in ("eth.dst", f"{names[1]}.dst"))
    for carrier in CARRIERS:
        at = 2 + len(carrier)
        if tuple(names[2:at]) == carrier and names[at : at + 1] == ["eth"] and is_for_ovs(fields):
            return Packet(frame, destination, frame[starts[at] :], options)
    return Packet(frame, destination, None, options)


def is_for_ovs(fields: dict[str, str]) -> bool:
    """Ethernet in GRE, not in ERSPAN, and outer checksums that are right."""
    outer = [fields[f"{layer}.checksum.status"].split(",")[0] for layer in ("ip", "udp")]
    return fields["gre.proto"] in ("", TEB) and BAD_CHECKSUM not in outer


def tlv(option: str) -> str:
    """An option, from its bytes."""
    data = bytes.fromhex(option.replace(":", ""))
    return f"{{class={data[0] << 8 | data[1]:#x},type={data[2]:#x},len={len(data) - 4}}}"


# --------------------------------------------------------------------------------------------------------- our side


def destinations_of(frames: list[Packet]) -> list[tuple[str, ...]]:
    return sorted({packet.destination for packet in frames if packet.destination})


def setup(frames: list[Packet]) -> list[str]:
    """A node with an underlay bridge for each destination, and its ports `in0`, `in1`, ..."""
    options = sorted(frozenset().union(*(packet.options for packet in frames)))
    ports = "".join(
        f" -- add-port over {kind}0 -- set Interface {kind}0 type={kind} options:remote_ip=flow options:key=flow"
        for kind in TUNNELS
    )
    lines = [
        f"ovs-vsctl add-br over -- set Bridge over datapath_type=dummy fail_mode=secure{ports}"
        f" -- add-port over {OUTPUT} -- set Interface {OUTPUT} type=dummy ofport_request=9",
        "ovs-ofctl add-flow over actions=9",
        *(f"ovs-ofctl add-tlv-map over '{option}->tun_metadata{i}'" for i, option in enumerate(options)),
    ]
    for i, (mac, address) in enumerate(destinations_of(frames)):
        ip, length = ("ip6", 128) if ":" in address else ("ip4", 32)
        lines += [
            f"ovs-vsctl add-br u{i} -- set Bridge u{i} datapath_type=dummy other-config:hwaddr=\\\"{mac}\\\""
            f" -- add-port u{i} in{i} -- set Interface in{i} type=dummy",
            f"ovs-appctl netdev-dummy/{ip}addr u{i} {address}/{length}",
            f"ovs-appctl ovs/route/add {address}/{length} u{i}",
        ]
    return lines


def case(name: str, frames: list[Packet]) -> Json:
    """A case for the oracle."""
    destinations = destinations_of(frames)
    trace = [
        {"t": i / 100, "port": f"in{destinations.index(packet.destination)}", "pkt": packet.frame.hex()}
        for i, packet in enumerate(frames)
        if packet.destination
    ]
    return {"id": name, "setup": setup(frames), "trace": trace, "options": {}}


def check(path: Path) -> tuple[Counter[str], list[str]]:
    """What became of the frames of a file, and what differs, a line each."""
    frames = packets(path)
    destinations = destinations_of(frames)
    node = vswitch.Node()
    for line in setup(frames):
        node.run(line)
    fates: Counter[str] = Counter()
    differences = []
    for number, (frame, destination, inner, _) in enumerate(frames, 1):
        if destination is None:
            fates["for nobody"] += 1
            continue
        sent = node.send(f"in{destinations.index(destination)}", frame, time=number / 100)
        got = [bytes(data) for port, data in sent if port == OUTPUT]
        fates["delivered" if got else node.last_drop.reason if node.last_drop else "no tunnel"] += 1
        if got != ([] if inner is None else [inner]):
            wanted = inner.hex() if inner else "nothing"
            differences.append(f"frame {number}: expected {wanted:.80}, got {' '.join(data.hex() for data in got):.80}")
    return fates, differences


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--cases", type=Path, metavar="DIR", help="folder for cases")
    options = parser.parse_args(arguments)
    n_different = 0
    for path in options.files:
        fates, differences = check(path)
        n_different += bool(differences)
        words = ", ".join(f"{number} {fate}" for fate, number in sorted(fates.items()))
        print(f"{path.name}: {'DIFFERENT' if differences else 'same'}, {fates.total()} frames: {words}")
        for difference in differences[:5]:
            print(f"  {difference}")
        if options.cases:
            options.cases.mkdir(parents=True, exist_ok=True)
            (options.cases / f"{path.stem}.json").write_text(json.dumps(case(path.stem, packets(path)), indent=1))
    print(f"{len(options.files)} files, {n_different} different")
    return int(n_different > 0)


if __name__ == "__main__":
    sys.exit(main())
