"""The view of bridges that is kept from line to line must be what the database says."""

from __future__ import annotations

import gc
import shlex
import weakref

from tests.ovs.fake_node import FakeNode
from tests.ovs.vsctl_lines import SCENARIOS
from vswitch.ovs import vsctl
from vswitch.ovs.vsctl.view import View


def picture(view: View):
    bridges = {
        name: (bridge.row, bridge.vlan, bridge.parent and bridge.parent.name, sorted(bridge.children),
               sorted(port.row.name for port in bridge.ports))
        for name, bridge in view.bridges.items()
    }
    ports = {name: (port.row, port.bridge.name) for name, port in view.ports.items()}
    interfaces = {name: (row, port.row) for name, (row, port) in view.interfaces.items()}
    return bridges, ports, interfaces


def test_the_view_is_true_after_each_line():
    n_kept = 0
    for lines in SCENARIOS.values():
        node = FakeNode()
        for line in lines.strip().splitlines():
            vsctl.run(node, shlex.split(line))
            kept = node.db.memo
            if kept is not None and kept.version == node.db.version:
                n_kept += 1
                assert picture(kept.view) == picture(View(node.db.root)), line
    assert n_kept > 50


def test_the_view_does_not_keep_its_database():
    node = FakeNode()
    for line in ("add-br br0", "add-port br0 p1", "list-ports br0"):
        vsctl.run(node, line.split())
    assert node.db.memo is not None
    database = weakref.ref(node.db)
    del node
    gc.collect()
    assert database() is None
