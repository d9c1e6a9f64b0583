"""Pictures and pages: what they must show, and that no name can break them."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from tests.cli.command import CHECKOUT, make_setup
from tests.shared import need_module, need_program
from vswitch import ConfigError, Node, Topology, VSwitchError, load
from vswitch.cli.main import main
from vswitch.explain import picture
from vswitch.explain.picture import dot_text, svg_text, topology_dot
from vswitch.explain.report import ReportFile
from vswitch.switch.topology import Wire

ODD_NAMES = ["<b>x&y", 'a"b', "back\\slash", "tab\there", "</svg><script>alert(1)</script>", "{{7*7}}", "grüße", "--"]


@pytest.fixture
def odd_node():
    node = Node()
    br0 = node.add_bridge('br"0<&>')
    for name in ODD_NAMES:
        br0.add_port(name, tag=10)
    node.add_bridge("br1", fail_mode="secure").add_port("lonely", peer="nobody")
    return node


def svg_words(svg: str) -> set[str]:
    return {"".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")}


def test_picture_shows_bridges_ports_vlans_and_patches():
    need_program("dot")
    words = svg_words(svg_text(dot_text(load(CHECKOUT / "pcaps" / "vlan-two-bridges").node)))
    assert {"br-int", "br-eth1", "int-br-eth1", "vm1", "VLAN 10", "trunk 10, 20 · native 20 tagged"} <= words
    dot = dot_text(load(CHECKOUT / "pcaps" / "vlan-two-bridges").node)
    assert len(re.findall(r'"br-int":p\d+_ -- "br-eth1":p\d+', dot)) == 1


def test_picture_of_several_nodes():
    topology = load(CHECKOUT / "pcaps" / "mixed-networks")
    dot = topology_dot(topology)
    bridges = [f"{name}/{bridge.name}" for name, node in topology.nodes.items() for bridge in node.bridges()]
    assert sorted(re.findall(r'^    "([^"]*)" \[tooltip=', dot, re.MULTILINE)) == sorted(bridges)
    edges = [line.strip() for line in dot.splitlines() if " -- " in line]
    # Two patch pairs and six tunnels on each host; two segments with three ports each, which are joined at a dot.
    assert len([edge for edge in edges if "dashed" in edge]) == 3 * 6
    assert len([edge for edge in edges if "segment" in edge]) == 2 * 3
    assert len(edges) == 3 * (2 + 6) + 2 * 3
    need_program("dot")
    words = svg_words(svg_text(dot))
    assert {"host1", "host2", "host3", "vm9", "vxlan to 192.0.2.3", "geneve to 192.0.2.1"} <= words


def test_picture_of_wires(odd_node):
    other = Node()
    other.add_bridge("br0").add_port("far")
    ends = (("a", 'br"0<&>/a"b'), ("b", "far"))
    topology = Topology("", {"a": odd_node, "b": other}, wires=[Wire(ends, 1500)])
    dot = topology_dot(topology)
    assert len(re.findall(r'^  "a/br.*":p\d+_ -- "b/br0":p\d+_ \[label="1.5us"\]$', dot, re.MULTILINE)) == 1
    need_program("dot")
    assert {"1.5us", "a", "b", "far"} <= svg_words(svg_text(dot))
    other.bridge("br0").del_port("far")
    assert " -- \"b/" not in topology_dot(topology)


def test_show_of_several_nodes(capsys):
    setup = str(CHECKOUT / "pcaps" / "three-hosts-gre")
    assert main(["show", setup]) == 0
    shown = capsys.readouterr().out
    assert re.findall("^# (.*)$", shown, re.MULTILINE) == [
        "host1", "host2", "host3", "fabric", "wire: [host1/br-phy/eth0, fabric/br0/p1]",
        "wire: [host2/br-phy/eth0, fabric/br0/p2]", "wire: [host3/br-phy/eth0, fabric/br0/p3]",
    ]  # fmt: skip
    assert main(["show", setup, "--dot"]) == 0
    assert capsys.readouterr().out == topology_dot(load(setup))
    assert main(["show", setup, "fabric", "--dot"]) == 0
    assert capsys.readouterr().out == dot_text(load(setup).nodes["fabric"])


def test_picture_of_odd_names(odd_node):
    need_program("dot")
    words = svg_words(svg_text(dot_text(odd_node)))
    assert {name.replace("\t", "\N{REPLACEMENT CHARACTER}") for name in ODD_NAMES} <= words
    assert {'br"0<&>', "no peer", "fail mode secure"} <= words


def test_picture_of_many_ports():
    need_program("dot")
    node = Node()
    br0 = node.add_bridge("br0")
    for i in range(100):
        br0.add_port(f"p{i}", trunks=range(1, 4095, 2) if i == 50 else ())
    svg = svg_text(dot_text(node))
    assert {f"p{i}" for i in range(100)} <= svg_words(svg)


def test_without_graphviz(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VSwitchError) as caught:
        svg_text("graph {}")
    assert "graphviz" in caught.value.hint
    setup = str(CHECKOUT / "pcaps" / "arp-ping")
    assert main(["show", setup, "--svg"]) == 2
    assert capsys.readouterr().err.startswith("vswitch: drawing needs Graphviz")
    assert main(["show", setup, "--dot"]) == 0
    assert capsys.readouterr().out.startswith("graph ")
    need_module("jinja2")
    assert main(["replay", setup, "--report", str(tmp_path / "report.html")]) == 0
    assert "<svg" not in (tmp_path / "report.html").read_text()


def test_graph_that_dot_refuses():
    need_program("dot")
    with pytest.raises(VSwitchError) as caught:
        svg_text("no graph")
    assert "dot cannot draw" in caught.value.problem


class Page(HTMLParser):
    """The tags, attributes and visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data + "|"


def test_report_tells_the_totals(tmp_path):
    need_module("jinja2")
    path = tmp_path / "report.html"
    assert main(["replay", str(CHECKOUT / "pcaps" / "vlan-two-bridges"), "--report", str(path)]) == 0
    page = Page(path.read_text())
    words = re.sub(r"\s+", " ", page.text)
    assert "18 in = 15 delivered + 0 consumed + 3 dropped" in words
    assert "VLAN_NOT_ALLOWED" in words
    assert "the input port does not carry the frame's VLAN" in words
    assert "02:00:00:00:00:01" in words
    assert "2023-11-14 22:13:24.010000000" in words
    assert ("svg" in page.tags) == (shutil.which("dot") is not None)


def test_report_of_several_nodes(tmp_path):
    need_module("jinja2")
    path = tmp_path / "report.html"
    assert main(["replay", str(CHECKOUT / "pcaps" / "three-hosts-gre"), "--report", str(path)]) == 0
    page = Page(path.read_text())
    words = re.sub(r"[\s|]+", "|", page.text)
    # In, from wires, delivered, consumed, dropped, out.
    assert "|host1|12|6|12|0|0|21|" in words
    assert "|fabric|23|23|23|0|0|31|" in words
    assert page.tags.count("svg") == (1 if shutil.which("dot") is not None else 0)
    assert "fabric/br0" in words


def test_report_loads_nothing_from_elsewhere(tmp_path):
    need_module("jinja2")
    path = tmp_path / "report.html"
    assert main(["replay", str(CHECKOUT / "pcaps" / "vlan-two-bridges"), "--report", str(path)]) == 0
    page = Page(path.read_text())
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    # xmlns names a language and is never loaded.
    foreign = [(name, value) for name, value in page.attributes if "://" in (value or "") and "xmlns" not in name]
    assert foreign == []
    assert "url(" not in path.read_text()
    assert "@import" not in path.read_text()


def test_report_of_odd_names(tmp_path):
    need_module("jinja2")
    quoted = ["'<b>x&y'", "'</svg><script>alert(1)</script>'", "'{{7*7}}'"]
    script = "ovs-vsctl add-br br0\novs-vsctl add-port br0 p1\n"
    setup = make_setup(tmp_path, script + "".join(f"ovs-vsctl add-port br0 {name} tag=3\n" for name in quoted))
    path = tmp_path / "report.html"
    assert main(["replay", str(setup), "--report", str(path)]) == 0
    page = Page(path.read_text())
    assert "script" not in page.tags
    for name in quoted:
        assert f"|{name.strip(chr(39))}|" in page.text
    assert "49" not in re.findall(r"\|(\d+)\|", page.text)


def test_report_without_jinja(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(ConfigError) as caught:
        ReportFile(str(tmp_path / "report.html"))
    assert "pip install jinja2" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_report_in_a_browser(tmp_path):
    browser = need_program("chromium")
    need_module("jinja2")
    path = tmp_path / "report.html"
    assert main(["replay", str(CHECKOUT / "pcaps" / "qinq"), "--report", str(path)]) == 0
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
         f"--screenshot={tmp_path / 'page.png'}", path.as_uri()], capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    if not (tmp_path / "page.png").exists():
        pytest.skip(f"chromium does not run here: {done.stderr[-200:]!r}")
    assert b"Content Security Policy" not in done.stderr
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_colours_of_the_picture_have_a_dark_twin():
    template = (CHECKOUT / "vswitch" / "explain" / "report.html.jinja").read_text()
    for name in ("INK", "FAINT", "PAPER", "OWN", "TITLE", "PATCH", "MIRROR"):
        assert f'svg [fill="{getattr(picture, name)}"]' in template, name
    assert f'svg [stroke="{picture.LINE}"]' in template
