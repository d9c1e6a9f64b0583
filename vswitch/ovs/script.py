"""OVS scripts: the commands that people type, one a line, run on a node of ours.

`run_command` runs one line and gives back what it prints; `run_script` runs a file of them. Nothing is skipped: what is
not understood is an error with its place and, where one is near, the word that may have been meant.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache

from vswitch.errors import CommandError, ConfigError, nearest
from vswitch.ovs.outcome import Outcome, Unsupported
from vswitch.ovs.shell_words import ScriptLine, Word, parse_script
from vswitch.switch.protocols import NodeLike

TOOLS = ("ovs-vsctl", "ovs-ofctl", "ovs-appctl", "ip")
# What scripts for OVS call besides, and will be understood one day.
_LATER = ("ovs-dpctl", "ovsdb-client", "ifconfig", "brctl", "bridge", "route", "tc")

SUPPORTED_HINT = "README.md says what is supported"
_REFUSED = "server returned an error"  # how ovs-appctl ends what the daemon has refused
_COMMAND = "command"  # stands for the path in messages about a single line


def run_command(node: NodeLike, command: str, stdin: str = "") -> str:
    """Run one line on `node`; returns what it prints, on standard error and on standard output.

    Parameters
    ----------
    command : str
        A line of an OVS script, such as ``"ovs-vsctl add-br br0"``.
    stdin : str
        What the command reads where it is told ``-``.

    Raises
    ------
    CommandError
        The command is refused; carries `output`, `status` and, for the word at fault, `line` and `column`.
    ConfigError
        The line is no command.
    """
    lines = _parse_command(command)
    return "".join(_run_line(node, ScriptLine(line.words, line.stdin or stdin), _COMMAND) for line in lines)


def check_command(command: str) -> None:
    """Raise what `run_command` would whatever the node is like: the line is no command, or of no tool that is known."""
    for line in _parse_command(command):
        tool = _tool_of(_without_sudo(line.texts))
        if tool not in TOOLS:
            raise _unknown_tool(_words(line)[0], tool, _COMMAND)


def _parse_command(command: str) -> list[ScriptLine]:
    lines = parse_script(command, _COMMAND)
    if len(lines) > 1:
        word = lines[1].words[0]
        raise ConfigError("one command at a time", path=_COMMAND, line=word.line, column=word.column)
    return lines


def run_script(node: NodeLike, text: str, path: str = "") -> str:
    """Run the commands of a script; `path` is for messages. Returns all that they print.

    Raises
    ------
    ConfigError
        A line is no command; nothing has run then.
    CommandError
        A command is refused; those before it have run.
    """
    return "".join(_run_line(node, line, path) for line in parse_script(text, path))


def run_script_file(node: NodeLike, path: str | os.PathLike[str]) -> str:
    """`run_script` of a file."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except UnicodeDecodeError as error:
        hint = f"byte {error.start} is no text"
        raise ConfigError("not a text file in UTF-8", path=os.fspath(path), hint=hint) from None
    except OSError as error:
        raise ConfigError(error.strerror or "cannot be read", path=os.fspath(path)) from None
    return run_script(node, text, os.fspath(path))


def _run_line(node: NodeLike, line: ScriptLine, path: str) -> str:
    texts = _without_sudo(line.texts)
    tool = _tool_of(texts)
    if tool not in TOOLS:
        raise _unknown_tool(_words(line)[0], tool, path)
    try:
        outcome = _runner(tool)(node, texts[1:], line.stdin)
    except Unsupported as unsupported:
        word = _words(line)[0]
        raise CommandError(
            str(unsupported), path=path, line=word.line, column=word.column, hint=SUPPORTED_HINT
        ) from None
    except ConfigError as error:
        # The layers below know what is wrong, but not where it was said.
        if error.where:
            raise
        word, column = _place(_words(line), error.key)
        raise ConfigError(
            error.problem, path=path, line=word.line, column=column, key=error.key, hint=error.hint
        ) from error
    node.settle()
    if outcome.status:
        raise _refusal(outcome, _words(line), path)
    return outcome.text


def _without_sudo(texts: list[str]) -> list[str]:
    """Our switch belongs to whoever runs it."""
    return texts[1:] if texts[0] == "sudo" and len(texts) > 1 else texts


def _tool_of(texts: list[str]) -> str:
    return texts[0].rsplit("/", 1)[-1]


def _words(line: ScriptLine) -> list[Word]:
    """The words of a command, without what `_without_sudo` leaves out."""
    return line.words[len(line.texts) - len(_without_sudo(line.texts)) :]


@cache
def _runner(tool: str) -> Callable[[NodeLike, list[str], str], Outcome]:
    """What runs a tool on a node, with its arguments and standard input.

    A tool is imported when it is first used: a replay that needs one of them starts sooner.
    """
    if tool == "ovs-vsctl":
        from vswitch.ovs import vsctl

        return lambda node, arguments, stdin: vsctl.run(node, arguments)
    if tool == "ovs-ofctl":
        from vswitch.ovs import ofctl

        return ofctl.run
    if tool == "ip":
        from vswitch.ovs import ip

        return lambda node, arguments, stdin: ip.run(node, arguments)
    from vswitch.ovs import appctl

    return lambda node, arguments, stdin: appctl.run(node, arguments)


def _unknown_tool(word: Word, tool: str, path: str) -> CommandError:
    if tool in _LATER:
        problem = f"{tool} is not supported yet"
        return CommandError(problem, path=path, line=word.line, column=word.column, hint=SUPPORTED_HINT)
    hint = nearest(tool, TOOLS) or f"known commands are {', '.join(TOOLS)}"
    return CommandError(
        f'unknown command "{word.text}"', status=127, path=path, line=word.line, column=word.column, hint=hint
    )


def _refusal(outcome: Outcome, words: list[Word], path: str) -> CommandError:
    """The error of a refused command, at the word that is at fault if that is known."""
    place, column = _place(words, outcome.word)
    lines = outcome.text.strip().split("\n")
    if len(lines) > 1 and lines[-1].endswith(_REFUSED):
        lines.pop()  # what the daemon said of the reason stands before it
    problem = lines[-1] or f"{words[0].text}: exit status {outcome.status}"
    error = CommandError(
        problem, output=outcome.text, status=outcome.status, path=path, line=place.line, column=column,
        hint=outcome.hint,
    )
    error.output = outcome.text  # even if the tool prints nothing
    return error


def _place(words: list[Word], text: str) -> tuple[Word, int]:
    """The argument that contains `text`, and the column where; the command itself if none does."""
    for word in words[1:] if text else ():
        offset = word.text.find(text)
        if offset >= 0:
            return word, word.column + (0 if word.quoted else offset)
    return words[0], words[0].column
