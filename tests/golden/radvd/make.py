"""Asks a real radvd, configured as Neutron's L3 agent configures it, and keeps its answers in `answers.json`.

    unshare -n python tests/golden/radvd/make.py [RADVD]        as root, with radvd installed

The namespace has one tap device in place of the router's port. For each case radvd is started with the text of
neutron/agent/linux/ra.py's template; a host solicits from its address, then without one. Kept are the first
advertisement that radvd sends by itself, what the solicitations bring, and after which times the next ones came by
themselves in the case `intervals`, after solicitations, and in the case `initial`, without any.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dpkt

HERE = Path(__file__).resolve().parent
ROUTER_MAC, HOST_MAC = "fa:16:3e:00:00:01", "fa:16:3e:00:00:05"
HEAD = """interface tap0
{
   AdvSendAdvert on;
   MinRtrAdvInterval 30;
   MaxRtrAdvInterval 100;
"""
TAIL = """
   route fe80::a9fe:a9fe/128 {
   };
};
"""
CASES = {
    "slaac": """
   AdvLinkMTU 1450;
   RDNSS  2001:db8::53  2001:db8::54  {};
   prefix fd00:3::/64
   {
        AdvOnLink on;
        AdvAutonomous on;
   };
""",
    "stateless": """
   AdvLinkMTU 1500;
   AdvOtherConfigFlag on;
   prefix fd00:2::/64
   {
        AdvOnLink on;
        AdvAutonomous on;
   };
""",
    "stateful": """
   AdvLinkMTU 8950;
   AdvManagedFlag on;
   prefix fd00:1::/64
   {
        AdvOnLink on;
        AdvAutonomous off;
   };
""",
    "all of them, without MTU": """
   AdvOtherConfigFlag on;
   AdvManagedFlag on;
   RDNSS  2001:db8::53  {};
   prefix fd00:3::/64
   {
        AdvOnLink on;
        AdvAutonomous on;
   };
   prefix fd00:2::/64
   {
        AdvOnLink on;
        AdvAutonomous on;
   };
   prefix fd00:1::/64
   {
        AdvOnLink on;
        AdvAutonomous off;
   };
""",
}


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def link_local(text: str) -> bytes:
    m = mac(text)
    return bytes.fromhex("fe80") + bytes(6) + bytes((m[0] ^ 2,)) + m[1:3] + b"\xff\xfe" + m[3:]


def solicitation(src: bytes, options: bytes) -> bytes:
    dst = bytes.fromhex("ff020000000000000000000000000002")
    body = bytes((133, 0, 0, 0)) + bytes(4) + options
    total = dpkt.in_cksum(src + dst + struct.pack("!II", len(body), 58) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + src + dst
    return mac("33:33:00:00:00:02") + mac(HOST_MAC) + b"\x86\xdd" + head + body


def tap_device(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x0002 | 0x1000))  # TUNSETIFF, tap without header
    return fd


def advertisements(fd: int, wait_s: float) -> list[tuple[float, bytes]]:
    found = []
    until = time.monotonic() + wait_s
    while (left := until - time.monotonic()) > 0 and select.select([fd], [], [], left)[0]:
        frame = os.read(fd, 65536)
        if frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 134:
            found.append((time.monotonic(), frame))
        elif frame[12:14] == b"\x86\xdd" and frame[54] == 135 and frame[62:78] == link_local(HOST_MAC):
            answer(fd, frame)
    return found


def answer(fd: int, frame: bytes) -> None:
    src, dst = link_local(HOST_MAC), frame[22:38]
    body = bytes.fromhex("8800000060000000") + src + b"\2\1" + mac(HOST_MAC)
    total = dpkt.in_cksum(src + dst + struct.pack("!II", len(body), 58) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    head = struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + src + dst
    os.write(fd, frame[6:12] + mac(HOST_MAC) + b"\x86\xdd" + head + body)


def main() -> None:
    radvd = sys.argv[1] if len(sys.argv) > 1 else "radvd"
    fd = tap_device("tap0")
    Path("/proc/sys/net/ipv6/conf/tap0/forwarding").write_text("1")
    for line in [f"link set tap0 address {ROUTER_MAC}", "link set tap0 mtu 9000", "link set lo up",
                 "link set tap0 up"]:  # fmt: skip
        subprocess.run(["ip", *line.split()], check=True)
    advertisements(fd, 3)
    kept = {}
    for case, text in CASES.items():
        with tempfile.TemporaryDirectory() as name:
            config = Path(name, "radvd.conf")
            config.write_text(HEAD + text + TAIL)
            begun = time.monotonic()
            server = subprocess.Popen(
                [radvd, "-C", str(config), "-p", f"{name}/pid", "-m", "stderr", "-n"], stderr=subprocess.DEVNULL
            )  # fmt: skip
            try:
                first = advertisements(fd, 5)
                source_mac = b"\1\1" + mac(HOST_MAC)
                os.write(fd, solicitation(link_local(HOST_MAC), source_mac))
                unicast = advertisements(fd, 4)
                os.write(fd, solicitation(bytes(16), b""))
                multicast = advertisements(fd, 4)
                kept[case] = {name: [frame.hex() for _, frame in found] for name, found in
                              (("first", first), ("to an address", unicast), ("to all", multicast))}  # fmt: skip
                print(case, [round(at - begun, 2) for at, _ in first + unicast + multicast])
                if case == "stateless":
                    # Without a solicitation: the first ones come within 16 s each.
                    server.terminate()
                    server.wait()
                    advertisements(fd, 1)  # the last one says that the router goes
                    begun = time.monotonic()
                    server = subprocess.Popen(
                        [radvd, "-C", str(config), "-p", f"{name}/pid", "-m", "stderr", "-n"],
                        stderr=subprocess.DEVNULL,
                    )
                    kept["initial"] = [round(at - begun, 1) for at, _ in advertisements(fd, 135)]
                    print(kept["initial"])
                if case == "slaac":
                    later = advertisements(fd, 220)
                    kept["intervals"] = [round(at - begun, 1) for at, _ in first + unicast + multicast + later]
                    print(kept["intervals"])
            finally:
                server.terminate()
                server.wait()
                advertisements(fd, 1)
    told = subprocess.run([radvd, "--version"], capture_output=True, text=True)
    version = (told.stdout + told.stderr).splitlines()[0]
    (HERE / "answers.json").write_text(json.dumps({"version": version, "cases": kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
