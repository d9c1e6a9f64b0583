"""OVS scripts: their words, what is refused and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ovs.fake_node import FakeNode
from vswitch.errors import CommandError, ConfigError
from vswitch.ovs.script import run_command, run_script, run_script_file
from vswitch.ovs.shell_words import parse_script


@pytest.mark.parametrize(("text", "words"), [
    ("a b", [["a", "b"]]),
    ("a\tb  c \n\n d", [["a", "b", "c"], ["d"]]),
    ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
    ("a 'b'\"c\"d", [["a", "bcd"]]),
    ("a '' \"\"", [["a", "", ""]]),
    ("a \\\n b", [["a", "b"]]),
    ("a b\\\nc", [["a", "bc"]]),
    ("# all\na #b\na#b '#c'", [["a"], ["a#b", "#c"]]),
    ("a '\\n' \"\\n\\\"\\\\\\$\"", [["a", "\\n", '\\n"\\$']]),
    ("set p 'options={a=\"b c\"}' [1] {x}", [["set", "p", 'options={a="b c"}', "[1]", "{x}"]]),
    ("a '{1,2}' \"$\" 5$ $", [["a", "{1,2}", "$", "5$", "$"]]),
    ("a\r\nb\r\n", [["a"], ["b"]]),
    ("", []),
    ("a 'two\nlines'", [["a", "two\nlines"]]),
])
def test_words(text, words):
    assert [[word.text for word in line.words] for line in parse_script(text)] == words


@pytest.mark.parametrize(("text", "stdin"), [
    ("x - <<EOF\none\n  two\nEOF\ny", "one\n  two\n"),
    ("x - <<'E F'\n$one `two`\nE F\n", "$one `two`\n"),
    ("x - <<-EOF\n\tone\n\tEOF\n", "one\n"),
    ("x <<EOF -\none \\\ntwo\nEOF", "one two\n"),
    ("echo 'a b' c | x -", "a b c\n"),
    ("cat <<EOF | x -\none\nEOF", "one\n"),
])
def test_standard_input(text, stdin):
    line = parse_script(text)[0]
    assert [word.text for word in line.words] == ["x", "-"][: len(line.words)]
    assert line.stdin == stdin


@pytest.mark.parametrize(("text", "line", "column", "hint"), [
    ("a\nb; c", 2, 2, "one command a line"),
    ("a && b", 1, 3, "one command a line"),
    ("a > b", 1, 3, "not redirected"),
    ("a $(b)", 1, 3, "single quotes"),
    ("a \"x $b\"", 1, 6, "single quotes"),
    ("a `b`", 1, 3, "substituted"),
    ("a {1,2}", 1, 3, "quotes"),
    ("\n a 'b", 2, 4, ""),
    ("a <<EOF\nb", 1, 1, ""),
    ("a <<EOF\nb $c\nEOF", 2, 3, "<<'EOF'"),
    ("a < b", 1, 3, "here-document"),
    ("sed x | a", 1, 1, "echo"),
    ("for i in 1 2", 1, 1, "data"),
    ("X=1", 1, 1, "data"),
    ("a |", 1, 1, ""),
    ("a (b)", 1, 3, "quotes"),
])
def test_what_needs_a_shell_is_refused_with_its_place(text, line, column, hint):
    with pytest.raises(ConfigError) as caught:
        parse_script(text, "s.ovs")
    assert (caught.value.path, caught.value.line, caught.value.column) == ("s.ovs", line, column)
    assert hint in caught.value.hint


@given(st.lists(st.text(alphabet="a0.= \t-", max_size=8), max_size=4).map("".join).map(lambda line: f"{line}\n"))
def test_plain_lines_are_read_as_any_other(text):
    """A line with nothing special is taken whole; a carriage return is special, and means nothing."""
    text = f"{text}# done\n{text}"
    try:
        words = parse_script(text.replace("\n", " \r\n"))
    except ConfigError:  # a=b sets a variable
        with pytest.raises(ConfigError):
            parse_script(text)
    else:
        assert parse_script(text) == words


@given(st.lists(st.sampled_from(["a", " E", "", "E ", "-", "x\\\\", "\t"])), st.booleans())
def test_documents_are_read_as_line_by_line(lines, has_newline):
    """A backslash pair means that lines are looked at one by one; it stays as it is."""
    document = "".join(f"{line}\n" for line in lines)
    text = f"b -\ncmd <<{{}}\n{document}{{}}E" + "\nlast c\n" * has_newline
    whole = parse_script(text.format("E", ""))
    careful = parse_script(text.format("E", "\\\\\n"))
    assert whole[1].stdin == document
    assert careful[1].stdin == document + "\\\\\n"
    assert [word._replace(line=word.line + 1) for line in whole[2:] for word in line.words] == [
        word for line in careful[2:] for word in line.words
    ]
    assert parse_script(text.format("'E'", ""))[1].stdin == document


@given(st.text(alphabet="ab '\"\\\n#|<$`;&>(){},-EOF=", max_size=40))
def test_any_text_is_words_or_an_error(text):
    try:
        parse_script(text, "x")
    except ConfigError as error:
        place = (error.line, error.column)
    else:
        place = (1, 1)
    assert min(place) >= 1


@given(st.lists(st.text(min_size=0, max_size=10).filter(lambda word: "\0" not in word), min_size=1, max_size=5))
def test_quoted_words_come_back(words):
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    assert [word.text for word in parse_script(quoted)[0].words] == words


def test_a_script_runs():
    node = FakeNode()
    out = run_script(node, """
        # two ports
        ovs-vsctl add-br br0 \\
            -- add-port br0 p1 tag=5
        sudo /usr/bin/ovs-vsctl add-port br0 p2
        ovs-ofctl del-flows br0
        echo 'priority=5,actions=drop' | ovs-ofctl add-flows br0 -
        ovs-ofctl add-flows br0 - <<EOF
        # nothing
        actions=NORMAL
EOF
        ovs-vsctl list-ports br0
    """)
    assert out == "p1\np2\n"
    flows = [(flow.priority, flow.actions.format()) for flow in node.bridge("br0").entries]
    assert flows == [(5, "drop"), (32768, "NORMAL")]


@pytest.mark.parametrize(("line", "column", "problem", "hint"), [
    ("ovs-vsctl set port p1 tog=5", 23, 'ovs-vsctl: Port does not contain a column whose name matches "tog"', '"tag"'),
    ("ovs-vsctl add-prot br0 p1", 11, "ovs-vsctl: unknown command 'add-prot'; use --help for help", '"add-port"'),
    ("ovs-vsctl set prt p1 tag=5", 15, 'ovs-vsctl: unknown table "prt"', '"Port"'),
    ("ovs-vsctl del-port p2", 20, "ovs-vsctl: no port named p2", '"p1"'),
    ("ovs-vsctl --may-exits add-br br0", 11, "ovs-vsctl: unrecognized option '--may-exits'", '"--may-exist"'),
    ("ovs-vsctl -- --if-exits del-br br0", 14, "ovs-vsctl: 'del-br' command has no '--if-exits' option", "--if-exists"),
    ("ovs-ofctl dump-flow br0", 11, "ovs-ofctl: unknown command 'dump-flow'; use --help for help", '"dump-flows"'),
    ("ovs-ofctl dump-flows br1", 22, "ovs-ofctl: br1 is not a bridge or a socket", '"br0"'),
    ("ovs-appctl fdb/shwo br0", 12,
     '"fdb/shwo" is not a valid command (use "list-commands" to see a list of valid commands)', '"fdb/show"'),
    ("ovs-appctl fdb/show br1", 1, "no such bridge", ""),
    ("ovs-vsct add-br br0", 1, 'unknown command "ovs-vsct"', '"ovs-vsctl"'),
    ("ip link show p1", 1, "ip link show is not supported yet", ""),
    ("tc qdisc show", 1, "tc is not supported yet", ""),
    ("ovs-ofctl add-flow br0 'ip,actions=nosuch'", 24, "ovs-ofctl: unknown action nosuch", ""),
    ("ovs-ofctl snoop br0", 1, "ovs-ofctl snoop is not supported yet", ""),
    ("ovs-ofctl add-group br0 'x'", 25, "ovs-ofctl: unknown keyword x", ""),
    ("ovs-appctl dpctl/show", 1, "ovs-appctl dpctl/show is not supported yet", ""),
    ("ovs-vsctl list-zone-tp x", 1, "ovs-vsctl list-zone-tp is not supported yet", ""),
])
def test_refused_commands_say_where_and_what_was_meant(line, column, problem, hint):
    node = FakeNode()
    run_command(node, "ovs-vsctl add-br br0 -- add-port br0 p1")
    with pytest.raises(CommandError) as caught:
        run_script(node, f"\n{line}\novs-vsctl del-br br0", "set-up.ovs")
    error = caught.value
    assert (error.path, error.line, error.column, error.problem) == ("set-up.ovs", 2, column, problem)
    assert hint in error.hint
    assert error.status > 0
    assert run_command(node, "ovs-vsctl list-br") == "br0\n"


def test_a_refused_command_has_its_output_and_status():
    node = FakeNode()
    with pytest.raises(CommandError) as caught:
        run_command(node, "ovs-vsctl br-exists br0")
    assert (caught.value.status, caught.value.output) == (2, "")
    with pytest.raises(CommandError) as caught:
        run_command(node, "ovs-vsctl add-br br0 -- del-br br1")
    assert (caught.value.status, caught.value.output) == (1, "ovs-vsctl: no bridge named br1\n")
    assert run_command(node, "ovs-vsctl list-br") == ""
    assert node.n_reconfigured == 0


def test_one_command_at_a_time():
    with pytest.raises(ConfigError, match="one command"):
        run_command(FakeNode(), "ovs-vsctl list-br\novs-vsctl list-br")
    assert run_command(FakeNode(), "  # nothing") == ""


def test_files(tmp_path):
    path = tmp_path / "a.ovs"
    path.write_text("ovs-vsctl add-br br0\novs-vsctl list-br\n")
    assert run_script_file(FakeNode(), path) == "br0\n"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        run_script_file(FakeNode(), path)
    with pytest.raises(ConfigError, match="No such file"):
        run_script_file(FakeNode(), tmp_path / "nothing")


def test_the_switch_is_told_after_each_change_only():
    node = FakeNode()
    for line, n_reconfigured in (
        ("add-br br0", 1), ("list-br", 1), ("--may-exist add-br br0", 1), ("set bridge br0 fail_mode=secure", 2),
        ("set bridge br0 fail_mode=secure", 2), ("--dry-run add-br br1", 2), ("--no-wait add-br br1", 3),
    ):
        run_command(node, f"ovs-vsctl {line}")
        assert node.n_reconfigured == n_reconfigured, line
    assert run_command(node, "ovs-vsctl get open . next_cfg cur_cfg") == "2\n2\n"
