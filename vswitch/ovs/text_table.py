"""Tables of database values as ``ovs-vsctl list`` and ``find`` print them: list, table, csv, html or JSON."""

from __future__ import annotations

import re

from vswitch.ovs.outcome import Refusal
from vswitch.ovsdb.types import Atom, ColumnType, Datum
from vswitch.ovsdb.uuid import UUID
from vswitch.ovsdb.values import format_bare, format_datum, quote

FORMATS = ("table", "list", "html", "csv", "json")
CELL_FORMATS = ("string", "bare", "json")

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # compiled when it is used, as all patterns here
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


class Style:
    """How to print: what ``--format``, ``--data``, ``--no-headings``, ``--pretty`` and ``--bare`` set."""

    def __init__(self) -> None:
        self.format = "list"
        self.cell_format = "string"
        self.headings = True
        self.pretty = False
        self.max_column_width = 0

    def set_option(self, name: str, argument: str) -> None:
        """Apply one of the command-line options."""
        if name == "format":
            if argument not in FORMATS:
                raise Refusal(f'unknown output format "{argument}"', word=argument, known=FORMATS)
            self.format = argument
        elif name == "data":
            if argument not in CELL_FORMATS:
                raise Refusal(f'unknown data format "{argument}"', word=argument, known=CELL_FORMATS)
            self.cell_format = argument
        elif name == "no-headings":
            self.headings = False
        elif name == "pretty":
            self.pretty = True
        elif name == "bare":
            self.format, self.cell_format, self.headings = "list", "bare", False
        elif name == "max-column-width":
            digits = re.match(r"\s*[+-]?\d+", argument)
            self.max_column_width = int(digits.group()) if digits else 0


class TextTable:
    """Headings with the types of their columns, and rows of data."""

    def __init__(self, headings: list[tuple[str, ColumnType]]) -> None:
        self.headings = [name for name, _ in headings]
        self.types = [column_type for _, column_type in headings]
        self.rows: list[list[Datum]] = []

    def format(self, style: Style) -> str:
        """The table's text, without the blank line that separates it from an earlier one."""
        if style.format == "json":
            return self._json(style)
        cells = [[self._cell(datum, i, style) for i, datum in enumerate(row)] for row in self.rows]
        return {"list": self._list, "table": self._table, "csv": self._csv, "html": self._html}[style.format](
            cells, style
        )

    def _cell(self, datum: Datum, column: int, style: Style) -> str:
        if style.cell_format == "json":
            return to_json(json_datum(datum))
        if style.cell_format == "bare":
            return format_bare(datum)
        return format_datum(datum, self.types[column])

    def _list(self, cells: list[list[str]], style: Style) -> str:
        paragraphs = []
        for row in cells:
            lines = [
                f"{heading:<20}: {text}\n" if style.headings else f"{text}\n"
                for heading, text in zip(self.headings, row, strict=True)
            ]
            paragraphs.append("".join(lines))
        return "\n".join(paragraphs)

    def _table(self, cells: list[list[str]], style: Style) -> str:
        widths = []
        for x, heading in enumerate(self.headings):
            width = max((n_bytes(row[x]) for row in cells), default=0)
            if style.max_column_width > 0:
                width = min(width, style.max_column_width)
            widths.append(max(width, len(heading)) if style.headings else width)
        lines = []
        if style.headings:
            lines += [self.headings, ["-" * width for width in widths]]
        lines += cells
        text = ""
        for line in lines:
            padded = (pad(cell, width) for cell, width in zip(line, widths, strict=True))
            text += " ".join(padded).rstrip(" ") + "\n"
        return text

    def _csv(self, cells: list[list[str]], style: Style) -> str:
        lines = [self.headings, *cells] if style.headings else cells
        return "".join(",".join(map(_csv_cell, line)) + "\n" for line in lines)

    def _html(self, cells: list[list[str]], style: Style) -> str:
        text = "<table border=1>\n"
        if style.headings:
            text += "  <tr>\n" + "".join(_html_cell("th", heading) for heading in self.headings) + "  </tr>\n"
        for row in cells:
            text += "  <tr>\n"
            for heading, cell in zip(self.headings, row, strict=True):
                if heading == "_uuid":
                    escaped = cell.translate(_HTML)
                    text += f'    <td><a name="{escaped}">{cell[:8].translate(_HTML)}</a></td>\n'
                else:
                    text += _html_cell("td", cell)
            text += "  </tr>\n"
        return text + "</table>\n"

    def _json(self, style: Style) -> str:
        data = [[json_datum(datum) for datum in row] for row in self.rows]
        return to_json({"data": data, "headings": self.headings}, pretty=style.pretty) + "\n"


def json_datum(datum: Datum) -> object:
    """A datum in the JSON form of RFC 7047, section 5.1."""
    if isinstance(datum, dict):
        return ["map", [[_json_atom(key), _json_atom(value)] for key, value in datum.items()]]
    if len(datum) == 1:
        return _json_atom(datum[0])
    return ["set", [_json_atom(atom) for atom in datum]]


def _json_atom(atom: Atom) -> object:
    return ["uuid", str(atom)] if isinstance(atom, UUID) else atom


def to_json(value: object, *, pretty: bool = False, depth: int = 0) -> str:
    """JSON as OVS writes it: no spaces, or one element a line with closing brackets on the last."""
    indent = "\n" + "  " * (depth + 1) if pretty else ""
    if isinstance(value, dict):
        colon = ": " if pretty else ":"
        members = (
            quote(key) + colon + to_json(member, pretty=pretty, depth=depth + 1)
            for key, member in sorted(value.items())
        )
        return "{" + indent + f",{indent}".join(members) + "}"
    if isinstance(value, list):
        elements = (to_json(element, pretty=pretty, depth=depth + 1) for element in value)
        return "[" + (indent if value else "") + f",{indent}".join(elements) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return quote(value) if isinstance(value, str) else str(value)


def n_bytes(text: str) -> int:
    """The width that OVS reckons with: bytes of UTF-8, not characters."""
    return len(text.encode(errors="surrogateescape"))


def pad(text: str, width: int) -> str:
    """`text` cut or filled with spaces to `width` bytes."""
    if n_bytes(text) > width:
        return text.encode(errors="surrogateescape")[:width].decode(errors="replace")
    return text + " " * (width - n_bytes(text))


def _csv_cell(text: str) -> str:
    if any(char in text for char in '\n",'):
        return '"' + text.replace('"', '""') + '"'
    return text


def _html_cell(element: str, text: str) -> str:
    out = ""
    position = 0
    for match in re.finditer(_UUID, text):
        uuid = match.group()
        out += text[position : match.start()].translate(_HTML) + f'<a href="#{uuid}">{uuid[:8]}</a>'
        position = match.end()
    return f"    <{element}>{out}{text[position:].translate(_HTML)}</{element}>\n"
