"""Multicast snooping: frames against OVS's own test cases, any bytes, and everything against the obvious twin."""

from __future__ import annotations

import struct
from collections.abc import Callable
from ipaddress import ip_address

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.twins.mcast_table import McastTable as Twin
from vswitch.errors import ConfigError
from vswitch.tables.mdb import McastTable

QUERY, REPORT_V1, REPORT_V2, LEAVE, REPORT_V3, DVMRP = 0x11, 0x12, 0x16, 0x17, 0x22, 0x13
MLD_QUERY, MLD_REPORT, MLD_DONE, MLD2_REPORT = 130, 131, 132, 143
IS_INCLUDE, IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW, BLOCK = range(1, 7)


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{len(data) // 2}H", data[: len(data) // 2 * 2])) + (data[-1] << 8) * (len(data) % 2)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def address(text: str) -> bytes:
    return ip_address(text).packed


def number(text: str) -> int:
    """A group as the table knows it."""
    ip = ip_address(text)
    return int(ip) if ip.version == 6 else 0xFFFF << 32 | int(ip)


def ipv4(dst: str, proto: int, payload: bytes, src: str = "10.0.0.1", padding: bytes = b"") -> bytes:
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 1, proto, 0) + address(src) + address(dst)
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    mac = b"\x01\x00\x5e" + (int(ip_address(dst)) & 0x7FFFFF).to_bytes(3, "big")
    return mac + b"\x02\0\0\0\0\x01\x08\x00" + header + payload + padding


def igmp(kind: int, group: str, src: str = "10.0.0.1", delta: int = 0) -> bytes:
    message = struct.pack(">BBH4s", kind, 0, 0, address(group))
    message = message[:2] + struct.pack(">H", checksum(message) ^ delta) + message[4:]
    return ipv4("239.1.1.1", 2, message, src)


def record(kind: int, group: str, sources: tuple[str, ...] = (), aux: bytes = b"") -> bytes:
    return struct.pack(">BBH", kind, len(aux), len(sources)) + address(group) + b"".join(map(address, sources)) + aux


def igmpv3(*records: bytes, n: int | None = None, delta: int = 0, padding: bytes = b"") -> bytes:
    message = struct.pack(">BBHHH", REPORT_V3, 0, 0, 0, len(records) if n is None else n) + b"".join(records)
    message = message[:2] + struct.pack(">H", checksum(message) ^ delta) + message[4:]
    return ipv4("224.0.0.22", 2, message, padding=padding)


def ipv6(dst: str, proto: int, payload: bytes, src: str = "fe80::1", options: bool = False) -> bytes:
    hop_by_hop = struct.pack(">BBBBHBB", proto, 0, 5, 2, 0, 1, 0) if options else b""
    header = struct.pack(">IHBB", 6 << 28, len(hop_by_hop) + len(payload), 0 if options else proto, 1)
    mac = b"\x33\x33" + address(dst)[12:]
    return mac + b"\x02\0\0\0\0\x01\x86\xdd" + header + address(src) + address(dst) + hop_by_hop + payload


def mld(kind: int, *parts: bytes, n: int = 0, src: str = "fe80::1", delta: int = 0, options: bool = True) -> bytes:
    message = struct.pack(">BBHHH", kind, 0, 0, 0, n) + b"".join(parts)
    pseudo = address(src) + address("ff02::16") + struct.pack(">II", len(message), 58)
    message = message[:2] + struct.pack(">H", checksum(pseudo + message) ^ delta) + message[4:]
    return ipv6("ff02::16", 58, message, src, options)


def shown(table: McastTable) -> list[str]:
    """As ``mdb/show`` prints it."""
    lines = []
    for group, vlan, bundle, age_s in table.dump():
        name = "querier"
        if group is not None:
            mapped = ip_address(group.to_bytes(16, "big"))
            name = str(mapped.ipv4_mapped or mapped)
        lines.append(f"{bundle} {vlan} {name} {age_s}")
    return lines


GROUPS4 = ["239.1.1.1", "239.1.1.2", "224.0.0.9", "232.5.5.5", *(f"239.2.0.{i}" for i in range(12))]
GROUPS6 = ["ff0e::1", "ff02::1:ff00:1", "ff02::1"]
vlans = st.sampled_from([0, 0, 10])
bundles = st.integers(0, 4)
deltas = st.sampled_from([0, 0, 0, 0x0100])


class McastTableMachine(RuleBasedStateMachine):
    @initialize(
        ageing_time_s=st.sampled_from([15, 20]), max_groups=st.sampled_from([10, 10, 100]), flood=st.booleans()
    )
    def create(self, ageing_time_s: int, max_groups: int, flood: bool) -> None:
        self.tables = (McastTable(ageing_time_s, max_groups, flood), Twin(ageing_time_s, max_groups, flood))

    def both(self, call: Callable[..., object]) -> None:
        table, twin = (call(table) for table in self.tables)
        assert table == twin

    @rule(
        kind=st.sampled_from([REPORT_V1, REPORT_V2, REPORT_V2, LEAVE, QUERY, DVMRP]), group=st.sampled_from(GROUPS4),
        src=st.sampled_from(["10.0.0.1", "0.0.0.0"]), delta=deltas, vlan=vlans, bundle=bundles,
    )
    def igmp(self, kind: int, group: str, src: str, delta: int, vlan: int, bundle: int) -> None:
        word = {QUERY: "query", DVMRP: "other"}.get(kind, "report")
        outputs = self.tables[0].frame(igmp(kind, group, src, delta), vlan, bundle)
        records = [(number(group), kind != LEAVE)]
        assert outputs == self.tables[1].message(word, records, src != "0.0.0.0", not delta, vlan, bundle)

    @rule(
        records=st.lists(
            st.tuples(st.integers(1, 6), st.sampled_from(GROUPS4), st.sampled_from([(), (), ("1.2.3.4", "5.6.7.8")])),
            max_size=6,
        ),
        delta=deltas, vlan=vlans, bundle=bundles,
    )
    def igmpv3(self, records: list[tuple[int, str, tuple[str, ...]]], delta: int, vlan: int, bundle: int) -> None:
        outputs = self.tables[0].frame(igmpv3(*(record(*r) for r in records), delta=delta), vlan, bundle)
        known = [(number(group), bool(sources) or kind not in (1, 3)) for kind, group, sources in records]
        assert outputs == self.tables[1].message("report", known, True, not delta, vlan, bundle)

    @rule(
        kind=st.sampled_from([MLD_REPORT, MLD_REPORT, MLD_DONE, MLD_QUERY]), group=st.sampled_from(GROUPS6),
        src=st.sampled_from(["fe80::1", "::"]), delta=deltas, vlan=vlans, bundle=bundles,
    )
    def mld(self, kind: int, group: str, src: str, delta: int, vlan: int, bundle: int) -> None:
        word = "query" if kind == MLD_QUERY else "report"
        outputs = self.tables[0].frame(mld(kind, address(group), src=src, delta=delta), vlan, bundle)
        records = [(number(group), kind == MLD_REPORT)]
        assert outputs == self.tables[1].message(word, records, src != "::", not delta, vlan, bundle)

    @rule(
        records=st.lists(
            st.tuples(st.integers(0, 7), st.sampled_from(GROUPS6), st.sampled_from([(), (), ("2001:db8::1",)])),
            max_size=4,
        ),
        vlan=vlans, bundle=bundles,
    )
    def mldv2(self, records: list[tuple[int, str, tuple[str, ...]]], vlan: int, bundle: int) -> None:
        frame = mld(MLD2_REPORT, *(record(*r) for r in records), n=len(records))
        known = [(number(g), bool(sources) or kind not in (1, 3)) for kind, g, sources in records if 1 <= kind <= 6]
        expected = self.tables[1].message("report", known, True, True, vlan, bundle)
        assert self.tables[0].frame(frame, vlan, bundle) == expected

    @rule(group=st.sampled_from(GROUPS4 + GROUPS6), vlan=vlans, bundle=bundles)
    def data(self, group: str, vlan: int, bundle: int) -> None:
        frame = (ipv6 if ":" in group else ipv4)(group, 17, bytes(8))
        is_local = group.startswith("224.0.0.") or group == "ff02::1"
        expected = self.tables[1].data(number(group), is_local, vlan, bundle)
        assert self.tables[0].frame(frame, vlan, bundle) == expected

    @rule(group=st.sampled_from(GROUPS4), vlan=vlans, bundle=bundles)
    def leave_without_a_run(self, group: str, vlan: int, bundle: int) -> None:
        self.both(lambda table: table.leave(number(group), vlan, bundle))

    @rule(seconds=st.sampled_from([0, 1, 3, 14, 15, 20, 180]))
    def run(self, seconds: int) -> None:
        self.both(lambda table: table.run(table.now_s + seconds))

    @rule(bundle=bundles, present=st.booleans())
    def set_flood_port(self, bundle: int, present: bool) -> None:
        self.both(lambda table: table.set_flood_port(bundle, present))

    @rule(bundle=bundles, present=st.booleans())
    def set_report_port(self, bundle: int, present: bool) -> None:
        self.both(lambda table: table.set_report_port(bundle, present))

    @rule(bundle=bundles)
    def flush_bundle(self, bundle: int) -> None:
        self.both(lambda table: table.flush_bundle(bundle))

    @rule()
    def flush(self) -> None:
        self.both(lambda table: table.flush())

    @rule(value=st.sampled_from([0, 15, 20, 9999]))
    def set_ageing_time(self, value: int) -> None:
        self.both(lambda table: setattr(table, "ageing_time_s", value))

    @rule(value=st.sampled_from([0, 10, 9999999]))
    def set_max_groups(self, value: int) -> None:
        self.both(lambda table: setattr(table, "max_groups", value))

    @rule(value=st.booleans())
    def set_flood_unregistered(self, value: bool) -> None:
        self.both(lambda table: setattr(table, "flood_unregistered", value))

    @invariant()
    def equal(self) -> None:
        if hasattr(self, "tables"):
            self.both(lambda table: table.dump())
            self.both(lambda table: (len(table), table.ageing_time_s, table.max_groups, table.flood_unregistered))


McastTableMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
TestMcastTableAgainstTwin = McastTableMachine.TestCase


# Frames of OVS's tests/mcast-snooping.at; all enter bundle 2.
@pytest.mark.parametrize(
    ("frame", "vlan", "line"),
    [
        (
            "01005e0000015c8a38552552810006bd080046c000240000000001027f00ac111901e0000001940400001164ec1e00000000"
            "027d000000000000000000000000",
            1725, "2 1725 querier 0",
        ),
        (
            "01005e0000015c8a38552552810006bd080046c000240000000001027f00ac111901e0000001940400001164ec1000000000"
            "027d000000000000000000000000",
            1725, None,  # wrong checksum
        ),
        (
            "3333ff0e4c67000c290e4c6786dd600000000020000100000000000000000000000000000000ff0200000000000000000001"
            "ff0e4c673a000502000001008300e7b800000000ff0200000000000000000001ff0e4c67",
            0, "2 0 ff02::1:ff0e:4c67 0",
        ),
        (
            "3333ff0e4c67000c290e4c6786dd600000000020000100000000000000000000000000000000ff0200000000000000000001"
            "ff0e4c673a000502000001008300e7b000000000ff0200000000000000000001ff0e4c67",
            0, None,  # wrong checksum
        ),
        (
            "01005E010101000C29A027A18100000108004500001C000100004002CBAEAC10221EE001010112140CE9E0010101",
            1, "2 1 224.1.1.1 0",
        ),
    ],
)
def test_frames_of_ovs(frame: str, vlan: int, line: str | None) -> None:
    table = McastTable()
    table.frame(bytes.fromhex(frame), vlan, 2)
    assert shown(table) == ([line] if line else [])


def test_a_day_on_a_bridge_that_does_not_flood() -> None:
    """The oracle's case mcast-noflood, p1 to p4 as bundles 1 to 4."""
    table = McastTable(flood_unregistered=False)
    one, two, ospf = (ipv4(group, 17, bytes(8)) for group in ("239.1.1.1", "239.1.1.2", "224.0.0.5"))
    assert table.frame(one, 0, 4) == []
    assert table.frame(igmp(REPORT_V2, "239.1.1.1"), 0, 1) == []
    assert table.frame(one, 0, 4) == [1]
    assert table.frame(two, 0, 4) == []
    assert table.frame(ospf, 0, 4) == "flood"
    table.run(1)
    assert table.frame(igmp(QUERY, "0.0.0.0"), 0, 2) == "flood"
    assert table.frame(one, 0, 4) == [1, 2]
    assert table.frame(two, 0, 4) == [2]
    assert table.frame(igmp(REPORT_V2, "239.1.1.1"), 0, 3) == [2]
    assert table.frame(one, 0, 4) == [1, 3, 2]
    table.run(2)
    assert table.frame(igmp(LEAVE, "239.1.1.1"), 0, 1) == [2]
    assert table.frame(one, 0, 4) == [3, 2]
    assert shown(table) == ["3 0 239.1.1.1 1", "2 0 querier 1"]
    table.run(310)
    assert table.frame(one, 0, 4) == []


def test_a_router_that_was_a_member_gets_frames_twice() -> None:
    table = McastTable()
    table.frame(igmp(REPORT_V2, "239.1.1.1"), 0, 1)
    table.frame(igmp(QUERY, "0.0.0.0"), 0, 1)
    assert table.frame(ipv4("239.1.1.1", 17, bytes(8)), 0, 4) == [1, 1]


def test_a_group_left_by_all_is_not_flooded_while_an_older_group_lives() -> None:
    table = McastTable()
    table.frame(igmp(REPORT_V2, "239.1.1.1"), 0, 1)
    table.frame(igmp(REPORT_V2, "239.1.1.2"), 0, 1)
    table.frame(igmp(LEAVE, "239.1.1.2"), 0, 1)
    assert table.frame(ipv4("239.1.1.2", 17, bytes(8)), 0, 4) == []
    assert shown(table) == ["1 0 239.1.1.1 0"]
    table.frame(igmp(LEAVE, "239.1.1.1"), 0, 1)
    assert table.frame(ipv4("239.1.1.2", 17, bytes(8)), 0, 4) == "flood"
    assert len(table) == 0


def test_flushing_a_bundle_leaves_groups_that_were_empty_before() -> None:
    table = McastTable()
    table.join(number("239.1.1.1"), 0, 1)
    table.join(number("239.1.1.2"), 0, 2)
    table.leave(number("239.1.1.1"), 0, 1)
    table.flush_bundle(2)
    assert len(table) == 1
    table.run(0)
    assert len(table) == 0


@pytest.mark.parametrize(
    ("frame", "groups"),
    [
        (igmpv3(record(TO_EXCLUDE, "239.1.1.1")), ["239.1.1.1"]),
        (igmpv3(record(IS_INCLUDE, "239.1.1.1")), []),  # a leave
        (igmpv3(record(IS_INCLUDE, "239.1.1.1", ("10.0.0.5",))), ["239.1.1.1"]),
        (igmpv3(record(BLOCK, "239.1.1.1")), ["239.1.1.1"]),
        (igmpv3(record(ALLOW, "239.1.1.1", ("10.0.0.5",)), record(ALLOW, "239.1.1.2")), ["239.1.1.1", "239.1.1.2"]),
        (igmpv3(record(7, "239.1.1.1"), record(TO_EXCLUDE, "239.1.1.2")), []),  # an unknown type ends the report
        (igmpv3(record(0, "239.1.1.1"), record(TO_EXCLUDE, "239.1.1.2")), []),
        (igmpv3(record(ALLOW, "239.1.1.1", (), b"aux"), record(ALLOW, "239.1.1.2")), ["239.1.1.1", "239.1.1.2"]),
        (igmpv3(record(ALLOW, "239.1.1.1"), n=2), ["239.1.1.1"]),  # one record is missing
        (igmpv3(record(ALLOW, "239.1.1.1"), record(ALLOW, "239.1.1.2"), n=1), ["239.1.1.1"]),
        (igmpv3(record(ALLOW, "239.1.1.1"), n=2, padding=record(ALLOW, "239.1.1.2")), ["239.1.1.1", "239.1.1.2"]),
        (igmpv3(record(ALLOW, "239.1.1.1"), delta=1), []),
        (mld(MLD2_REPORT, record(7, "ff0e::1"), record(TO_EXCLUDE, "ff0e::2"), n=2), ["ff0e::2"]),
        (mld(MLD2_REPORT, record(TO_EXCLUDE, "ff0e::2"), n=65535, options=False), ["ff0e::2"]),
        (mld(MLD_REPORT, address("ff0e::2")[:12]), []),  # too short for a group
        (ipv4("239.1.1.1", 2, bytes([REPORT_V2, 0, 0])), []),
    ],
)
def test_reports(frame: bytes, groups: list[str]) -> None:
    table = McastTable()
    table.frame(frame, 10, 1)
    assert shown(table) == [f"1 10 {group} 0" for group in groups]


@pytest.mark.parametrize(
    ("frame", "outputs"),
    [
        (b"\x02" + ipv4("239.1.1.1", 17, bytes(8))[1:], None),  # to a unicast MAC
        (b"\xff" * 6 + ipv4("239.1.1.1", 17, bytes(8))[6:], None),  # broadcast
        (b"\x01\x00\x5e\0\0\1\x02\0\0\0\0\1\x88\xcc" + bytes(46), None),  # not IP
        (b"\x01\x00\x5e", None),
        (b"", None),
        (ipv6("ff02::1", 17, bytes(8)), "flood"),
        (ipv6("ff02::2", 17, bytes(8)), [7]),  # of the link-local groups OVS floods ff02::1 alone
        (ipv4("224.0.0.255", 17, bytes(8)), "flood"),
        (ipv4("224.0.1.0", 17, bytes(8)), [7]),
        (igmp(DVMRP, "0.0.0.0"), "flood"),
    ],
)
def test_outputs(frame: bytes, outputs: list[int] | str | None) -> None:
    table = McastTable(flood_unregistered=False)
    table.set_flood_port(7, True)
    assert table.frame(frame, 0, 1) == outputs


def mutated(frame: bytes, changes: list[tuple[int, int]], length: int) -> bytes:
    data = bytearray(frame)
    for place, value in changes:
        data[place % len(data)] = value
    return bytes(data[:length])


SEEDS = [
    igmp(REPORT_V2, "239.1.1.1"), igmpv3(record(ALLOW, "239.1.1.1"), record(ALLOW, "239.1.1.2"), padding=bytes(9)),
    mld(MLD_REPORT, address("ff0e::1")), mld(MLD2_REPORT, record(ALLOW, "ff0e::1"), n=1, options=False),
]


@given(
    seed=st.sampled_from(SEEDS), length=st.integers(0, 120),
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
)
@example(seed=SEEDS[0], length=42, changes=[])
def test_any_bytes(seed: bytes, length: int, changes: list[tuple[int, int]]) -> None:
    table = McastTable()
    outputs = table.frame(mutated(seed, changes, length), 0, 1)
    assert outputs is None or outputs in ("flood", [])
    assert all(entry.bundle == 1 for entry in table.dump())


@given(st.binary(max_size=200))
def test_any_bytes_behind_a_multicast_address(data: bytes) -> None:
    McastTable().frame(b"\x01\x00\x5e\0\0\x01" + data, 0, 1)


def test_many_groups_and_members() -> None:
    table, twin = McastTable(60, 500), Twin(60, 500)
    for step in range(20_000):
        group, bundle = 0xFFFF_EF000000 + step * 7919 % 700, step * 104729 % 40
        for each in (table, twin):
            each.join(group, step % 2, bundle)
            if step % 100 == 0:
                each.run(step // 100)
    assert table.dump() == twin.dump()
    table.run(500)
    assert len(table) == 0


@pytest.mark.parametrize(
    ("group", "vlan", "bundle", "key"),
    [(-1, 0, 0, "group"), (1 << 128, 0, 0, "group"), (1, 4096, 0, "vlan"), (1, 0, 0xFFFFFFFF, "bundle")],
)
def test_arguments_out_of_range(group: int, vlan: int, bundle: int, key: str) -> None:
    with pytest.raises(ConfigError) as error:
        McastTable().join(group, vlan, bundle)
    assert error.value.key == key
