"""The words of OVS scripts: what a shell would make of a line, as far as that is data.

Quotes, backslashes, comments, continued lines and here-documents mean what they mean to ``sh`` (POSIX.1-2017, Shell
Command Language, 2.2, 2.3 and 2.7.4). What would run, substitute or redirect something is refused with its place.
Two things are kept that need no shell: ``echo WORDS | COMMAND`` and ``cat <<EOF | COMMAND`` give COMMAND its input.
"""

from __future__ import annotations

import re

from vswitch.errors import ConfigError
from vswitch.light_typing import NamedTuple


class Word(NamedTuple):
    """A word after quotes are gone, and where it stands; `quoted` if any of it was in quotes."""

    text: str
    line: int
    column: int
    quoted: bool = False


class ScriptLine:
    """One command: the `texts` of its words, and what it reads from standard input.

    Where the words stand is for messages. Of a line of plain words, as most lines of large scripts are, that is worked
    out when somebody asks.
    """

    __slots__ = ("_line", "_plain", "_words", "stdin", "texts")

    def __init__(self, words: list[Word] | None, stdin: str = "", *, plain: str = "", line: int = 0) -> None:
        """Without `words`, it is a whole line `plain` in which all characters mean themselves."""
        self.texts = plain.split() if words is None else [word.text for word in words]
        self.stdin = stdin
        self._words = words
        self._plain = plain
        self._line = line

    @property
    def words(self) -> list[Word]:
        """The words with their places."""
        if self._words is None:
            found = _PLAIN.finditer(self._plain)
            self._words = [Word(word.group(), self._line, word.start() + 1) for word in found]
        return self._words

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ScriptLine):
            return NotImplemented
        return (self.words, self.stdin) == (other.words, other.stdin)

    def __repr__(self) -> str:
        return f"<ScriptLine {self.texts}>"


_REFUSED = {
    ";": "one command a line",
    "&": "one command a line, run to its end",
    ">": "outputs are not redirected",
    "`": "commands are not substituted",
    "(": "put quotes around it",
    ")": "put quotes around it",
}
_KEYWORDS = frozenset(("for", "while", "until", "if", "case", "function", "do", "done", "then", "fi", "{", "}", "!"))
_PLAIN = re.compile(r"[A-Za-z0-9_.,:=/+@%-]+")
_PLAIN_LINE = re.compile(r"[A-Za-z0-9_.,:=/+@% \t-]+\n")
_SPECIAL = ("$", "`", "\\")  # in a here-document
_BRACES = r"\{[^{}]*(?:,|\.\.)[^{}]*\}"


class _HereDocument(NamedTuple):
    delimiter: str
    strip_tabs: bool
    expands: bool
    command: list[list[Word]]  # the pipeline that it belongs to


class _Reader:
    """Walks through the text, keeping line and column."""

    def __init__(self, text: str, path: str) -> None:
        self.text = text
        self.path = path
        self.position = 0
        self.line = 1
        self.column = 1

    def peek(self, n: int = 1) -> str:
        return self.text[self.position : self.position + n]

    def take(self, n: int = 1) -> str:
        taken = self.peek(n)
        newline = taken.rfind("\n")
        if newline < 0:
            self.column += len(taken)
        else:
            self.line += taken.count("\n")
            self.column = len(taken) - newline
        self.position += n
        return taken

    def take_plain(self) -> str:
        """All characters from here on that mean nothing but themselves, wherever they stand."""
        plain = _PLAIN.match(self.text, self.position)
        return self.take(plain.end() - self.position) if plain else ""

    def take_plain_line(self) -> ScriptLine | None:
        """A line that has nothing but plain words, from its start; None if it is not like that."""
        plain = _PLAIN_LINE.match(self.text, self.position)
        if plain is None:
            return None
        line = ScriptLine(None, plain=plain.group(), line=self.line)
        if not line.texts or _is_refused(line.texts[0]):
            return None
        self.position = plain.end()
        self.line += 1
        return line

    def take_document(self, delimiter: str) -> str | None:
        """All lines before one that is `delimiter`, and that one too; None if there is none."""
        if "\n" in delimiter or self.text[self.position - 1 : self.position] != "\n":
            return None
        end = self.text.find(f"\n{delimiter}\n", self.position - 1)
        if end < 0:
            return None  # or it is the end of the text; then lines are looked at one by one
        document = self.text[self.position : end + 1]
        self.line += document.count("\n") + 1
        self.position = end + len(delimiter) + 2
        return document

    def error(self, problem: str, hint: str = "", *, line: int = 0, column: int = 0) -> ConfigError:
        return ConfigError(
            problem, path=self.path, line=line or self.line, column=column or self.column, hint=hint
        )


def parse_script(text: str, path: str = "") -> list[ScriptLine]:
    """Split a script into commands.

    Raises
    ------
    ConfigError
        Something that only a shell could do, or a quote or here-document without an end.
    """
    reader = _Reader(text, path)
    lines: list[ScriptLine] = []
    while reader.position < len(reader.text):
        plain = reader.take_plain_line()
        if plain is not None:
            lines.append(plain)
            continue
        pipeline, documents = _read_pipeline(reader)
        stdin = "".join(_read_document(reader, document) for document in documents)
        if any(pipeline):
            lines.append(_join_pipeline(reader, pipeline, stdin))
    return lines


def _read_pipeline(reader: _Reader) -> tuple[list[list[Word]], list[_HereDocument]]:
    """The commands of one line, between its ``|``, and the here-documents that follow it."""
    pipeline: list[list[Word]] = [[]]
    documents: list[_HereDocument] = []
    while (char := reader.peek()) not in ("", "\n"):
        if char in " \t\r":
            reader.take()
        elif reader.peek(2) == "\\\n":
            reader.take(2)
        elif char == "#":
            while reader.peek() not in ("", "\n"):
                reader.take()
        elif reader.peek(2) in ("||", "&&"):
            raise reader.error(f'"{reader.peek(2)}" is not supported', _REFUSED[";"])
        elif char == "|":
            reader.take()
            pipeline.append([])
        elif reader.peek(2) == "<<" and reader.peek(3) != "<<<":
            documents.append(_read_redirection(reader, pipeline))
        elif char == "<":
            raise reader.error('"<" is not supported', "give the text as a here-document: <<EOF")
        else:
            pipeline[-1].append(_read_word(reader))
    reader.take()
    return pipeline, documents


def _read_redirection(reader: _Reader, pipeline: list[list[Word]]) -> _HereDocument:
    reader.take(2)
    strip_tabs = reader.peek() == "-"
    if strip_tabs:
        reader.take()
    while reader.peek() in (" ", "\t"):
        reader.take()
    word = _read_word(reader)
    if not word.text:
        raise reader.error("a here-document needs a word that ends it")
    return _HereDocument(word.text, strip_tabs, not word.quoted, pipeline)


def _read_document(reader: _Reader, document: _HereDocument) -> str:
    first_line = reader.line - 1
    before = reader.position, reader.line
    whole = None if document.strip_tabs else reader.take_document(document.delimiter)
    if whole is not None and not (document.expands and any(char in whole for char in _SPECIAL)):
        return whole
    reader.position, reader.line = before
    out: list[str] = []
    while reader.position < len(reader.text):
        start_line = reader.line
        end = reader.text.find("\n", reader.position)
        raw = reader.text[reader.position : end if end >= 0 else len(reader.text)]
        reader.take(len(raw) + 1)
        line = raw.lstrip("\t") if document.strip_tabs else raw
        if line == document.delimiter:
            return "".join(out)
        if document.expands:
            found = re.search(r"\$[A-Za-z_({0-9?#@*!-]|`", line)
            if found:
                hint = f"quote the word that ends the document, <<'{document.delimiter}', to mean it literally"
                raise reader.error("nothing is substituted", hint, line=start_line, column=found.start() + 1)
            if line.endswith("\\") and not line.endswith("\\\\"):
                out.append(line[:-1])
                continue
        out.append(line + "\n")
    raise reader.error(f'the here-document has no end: no line is "{document.delimiter}"', line=first_line, column=1)


def _read_word(reader: _Reader) -> Word:
    line, column = reader.line, reader.column
    out: list[str] = []
    bare: list[str] = []  # what stands outside of quotes, the rest as dots
    quoted = False
    while (char := reader.peek()) not in ("", " ", "\t", "\n", "\r", "|", "<"):
        if char == "'" or char == '"':
            quoted = True
            text = _read_quoted(reader, char)
            out.append(text)
            bare.append("." * len(text))
        elif char == "\\":
            reader.take()
            escaped = reader.take()
            if escaped == "\n":
                continue
            quoted = True
            out.append(escaped)
            bare.append(".")
        elif char == "$" and re.match(r"\$[A-Za-z_({0-9?#@*!'\"-]", reader.peek(2)):
            raise reader.error("nothing is substituted", "put it in single quotes to mean it literally")
        elif char in _REFUSED:
            raise reader.error(f'"{char}" is not supported', _REFUSED[char])
        else:
            out.append(reader.take_plain() or reader.take())
            bare.append(out[-1])
    if "{" in bare and re.search(_BRACES, "".join(bare)):
        raise reader.error("a shell would expand these braces", "put quotes around them", line=line, column=column)
    return Word("".join(out), line, column, quoted)


def _read_quoted(reader: _Reader, quote: str) -> str:
    line, column = reader.line, reader.column
    reader.take()
    out: list[str] = []
    while (char := reader.peek()) != quote:
        if not char:
            raise reader.error(f"the quote {quote} is never closed", line=line, column=column)
        if quote == '"' and char == "\\" and reader.peek(2)[1:] in ('"', "\\", "$", "`", "\n"):
            reader.take()
            escaped = reader.take()
            out.append("" if escaped == "\n" else escaped)
            continue
        if quote == '"' and (char == "`" or re.match(r"\$[A-Za-z_({0-9?#@*!-]", reader.peek(2))):
            raise reader.error("nothing is substituted", "use single quotes to mean it literally")
        out.append(reader.take_plain() or reader.take())
    reader.take()
    return "".join(out)


def _is_refused(text: str) -> bool:
    """Is the first word of a command a shell's own, or an assignment?"""
    name, equals, _ = text.partition("=")
    return text in _KEYWORDS or (bool(equals) and name.isascii() and name.isidentifier())


def _join_pipeline(reader: _Reader, pipeline: list[list[Word]], stdin: str) -> ScriptLine:
    """The one command of a pipeline that is ours, with what comes to it through the pipe."""
    for words in pipeline:
        if not words:
            raise reader.error('a command is missing beside "|"', line=reader.line - 1, column=1)
        word = words[0]
        if not word.quoted and _is_refused(word.text):
            hint = "a script is data: write out the commands that it stands for"
            raise reader.error(f'"{word.text}" is not supported', hint, line=word.line, column=word.column)
    *sources, command = pipeline
    for words in sources:
        name = words[0].text
        arguments = [word.text for word in words[1:]]
        if name == "echo" and not (arguments and arguments[0].startswith("-")):
            stdin = " ".join(arguments) + "\n"
        elif name != "cat" or arguments not in ([], ["-"]):
            word = words[0]
            problem = f'"{name}" before "|" is not supported'
            raise reader.error(problem, "use echo or a here-document", line=word.line, column=word.column)
    return ScriptLine(command, stdin)
