"""Transactions, references and constraints of the configuration database."""

from __future__ import annotations

import random

import pytest

from vswitch.errors import ConfigError
from vswitch.ovsdb.database import Database
from vswitch.ovsdb.rows import DatabaseError, uuid_of_serial
from vswitch.ovsdb.transaction import english_list
from vswitch.ovsdb.uuid import UUID


@pytest.fixture
def db() -> Database:
    return Database()


def add_bridge(db: Database, name: str = "br0", ports: tuple[str, ...] = ("br0",)):
    with db.transaction() as transaction:
        rows = []
        for port in ports:
            interface = transaction.insert("Interface", name=port)
            rows.append(transaction.insert("Port", name=port, interfaces=interface.uuid))
        bridge = transaction.insert("Bridge", name=name, ports=[row.uuid for row in rows])
        transaction.add(db.root, "bridges", bridge)
    return bridge


def picture(db: Database):
    """All that the database holds, down to its bookkeeping."""
    rows = {
        table: [(row.uuid, {name: row[name] for name in row.schema.columns}) for row in db.rows(table)]
        for table in ("Open_vSwitch", "Bridge", "Port", "Interface", "Mirror", "QoS", "Queue")
    }
    strong = dict(db._strong)
    weak = {uuid: {(row.uuid, column) for row, column in cells} for uuid, cells in db._weak.items() if cells}
    index = {key: {row.uuid for row in rows} for key, rows in db._index.items()}
    return rows, strong, weak, index


def test_a_new_database_has_its_root_and_version_0(db):
    assert [row["next_cfg"] for row in db.rows("Open_vSwitch")] == [0]
    assert db.version == 0


def test_values_have_python_types(db):
    bridge = add_bridge(db)
    port = db.named("Port", "br0")
    with db.transaction() as transaction:
        transaction.update(port, tag=5, trunks=[7, 3, 3], other_config={"b": "2", "a": "1"})
    assert (port["tag"], port["trunks"], port["other_config"]) == (5, (3, 7), {"a": "1", "b": "2"})
    assert list(port["other_config"]) == ["a", "b"]
    assert port["vlan_mode"] is None
    assert bridge["stp_enable"] is False
    assert bridge["ports"] == (port.uuid,)
    assert bridge.rows("ports") == [port]
    assert port["_uuid"] == port.uuid


def test_version_counts_commits_that_change_something(db):
    bridge = add_bridge(db)
    assert (db.version, bridge.version) == (1, 1)
    with db.transaction() as transaction:
        transaction.update(bridge, fail_mode=None)
    assert db.version == 1
    with db.transaction() as transaction:
        transaction.insert("Mirror", name="nobody refers to me")
    assert db.version == 1
    with db.transaction() as transaction:
        transaction.update(bridge, fail_mode="secure")
    assert (db.version, bridge.version) == (2, 2)


def test_state_is_written_without_a_version(db):
    add_bridge(db)
    interface = db.named("Interface", "br0")
    db.set_state(interface, ofport=7, statistics={"rx_packets": 3})
    assert (interface["ofport"], interface["statistics"], db.version) == (7, {"rx_packets": 3}, 1)
    with pytest.raises(ConfigError, match="not state"):
        db.set_state(db.root, bridges=())


def test_an_exception_puts_everything_back(db):
    add_bridge(db, ports=("br0", "p1"))
    before = picture(db)
    with pytest.raises(RuntimeError, match="stop"), db.transaction() as transaction:  # noqa: PT012
        bridge = db.named("Bridge", "br0")
        transaction.update(bridge, ports=(), fail_mode="secure")
        transaction.delete(db.named("Port", "br0"))
        transaction.delete(bridge)
        transaction.insert("QoS", type="x")
        raise RuntimeError("stop")
    assert picture(db) == before


def test_rows_without_references_are_collected(db):
    bridge = add_bridge(db, ports=("br0", "p1"))
    with db.transaction() as transaction:
        transaction.remove(db.root, "bridges", bridge)
    assert [list(db.rows(table)) for table in ("Bridge", "Port", "Interface")] == [[], [], []]
    assert not bridge.exists
    assert bridge.name == "br0"


def test_deleting_a_row_that_is_referred_to_does_nothing(db):
    add_bridge(db)
    before = picture(db)
    with db.transaction() as transaction:
        transaction.delete(db.named("Interface", "br0"))
        transaction.delete(db.named("Port", "br0"))
        assert db.named("Port", "br0") is None
    assert picture(db) == before


def test_weak_references_go_with_their_rows(db):
    bridge = add_bridge(db, ports=("br0", "p1"))
    port = db.named("Port", "p1")
    with db.transaction() as transaction:
        both = [row.uuid for row in bridge.rows("ports")]
        mirror = transaction.insert("Mirror", output_port=port.uuid, select_src_port=both)
        transaction.add(bridge, "mirrors", mirror)
    with db.transaction() as transaction:
        transaction.remove(bridge, "ports", port)
    assert mirror["output_port"] is None
    assert mirror.rows("select_src_port") == [db.named("Port", "br0")]


@pytest.mark.parametrize(("break_it", "details"), [
    (lambda t, db: t.insert("Port", name="p", interfaces=UUID(5)), "references nonexistent row"),
    (lambda t, db: t.insert("Open_vSwitch"), "table to contain 2 rows"),
    (lambda t, db: t.add(db.root, "bridges", t.insert("Bridge", name="br0")), 'for index on column "name"'),
    (lambda t, db: t.update(db.named("Port", "br0"), tag=4096), "4096 is not in the valid range 0 to 4095"),
    (lambda t, db: t.update(db.named("Port", "br0"), vlan_mode="x"), "x is not one of the allowed values"),
    (lambda t, db: [t.insert("Queue", uuid=UUID(5)) for _ in range(2)], "duplicate"),
])
def test_what_is_refused_leaves_nothing_behind(db, break_it, details):
    add_bridge(db)
    before = picture(db)
    with pytest.raises(DatabaseError, match=details), db.transaction() as transaction:  # noqa: PT012
        transaction.update(db.named("Bridge", "br0"), fail_mode="secure")
        break_it(transaction, db)
    assert picture(db) == before
    with db.transaction():
        pass  # the next one can start


def test_a_queue_in_use_cannot_be_deleted(db):
    with db.transaction() as transaction:
        queue = transaction.insert("Queue")
        transaction.insert("QoS", type="x", queues={0: queue.uuid})
    with pytest.raises(DatabaseError, match=r"cannot delete Queue row .* because of 1 remaining"), \
            db.transaction() as transaction:
        transaction.delete(queue)
    assert queue.exists


def test_uuids_increase_and_repeat():
    uuids = [uuid_of_serial(i) for i in range(1, 1000)]
    assert uuids == sorted(set(uuids))
    assert Database().root.uuid == Database().root.uuid


def test_bookkeeping_equals_that_of_a_database_built_anew():
    """Random transactions, kept or given up: reference counts and indexes stay what the rows say."""
    rng = random.Random(1)
    db = Database()
    for step in range(300):
        transaction = db.transaction()
        before = picture(db)
        for _ in range(rng.randrange(1, 5)):
            _random_change(rng, db, transaction, step)
        if rng.random() < 0.3:
            transaction.rollback()
            assert picture(db) == before
        else:
            try:
                transaction.commit()
            except DatabaseError as error:  # a port that was made and deleted again
                assert error.tag == "referential integrity violation"  # noqa: PT017
                assert picture(db) == before
        strong: dict[UUID, int] = {}
        for table in ("Open_vSwitch", "Bridge", "Port"):
            for row in db.rows(table):
                for column in {"bridges", "ports", "mirrors", "interfaces"} & row.schema.columns.keys():
                    for uuid in row.datum(column):
                        strong[uuid] = strong.get(uuid, 0) + 1
        assert strong == db._strong
        rows = {row.uuid for table in ("Bridge", "Port", "Interface", "Mirror") for row in db.rows(table)}
        assert rows == set(strong)
        assert all(uuid in rows for mirror in db.rows("Mirror") for uuid in mirror.datum("select_src_port"))
    assert len(list(db.rows("Port"))) > 3


def _random_change(rng, db, transaction, step):
    bridges, ports = list(db.rows("Bridge")), list(db.rows("Port"))
    kind = rng.randrange(6)
    if kind == 0 and len(bridges) < 5:
        transaction.add(db.root, "bridges", transaction.insert("Bridge", name=f"br{step}-{rng.random()}"))
    elif kind in (1, 2) and bridges:
        interface = transaction.insert("Interface", name=f"i{step}-{rng.random()}")
        port = transaction.insert("Port", name=interface.name, interfaces=interface.uuid)
        transaction.add(rng.choice(bridges), "ports", port)
    elif kind == 3 and ports:
        transaction.delete(rng.choice(ports))
    elif kind == 4 and bridges and ports:
        mirror = transaction.insert("Mirror", select_src_port=[rng.choice(ports).uuid])
        transaction.add(rng.choice(bridges), "mirrors", mirror)
    elif kind == 5 and bridges and rng.random() < 0.5:
        bridge = rng.choice(bridges)
        for port in bridge.rows("ports")[:2]:
            transaction.remove(bridge, "ports", port)
            transaction.delete(port)


@pytest.mark.parametrize(("words", "text"), [("", ""), ("a", "a"), ("ab", "a and b"), ("abc", "a, b, and c")])
def test_english_list(words, text):
    assert english_list(list(words)) == text
