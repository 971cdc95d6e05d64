"""Plain values → what a person or a script reads on stdout."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from config.machine import open_streams
from config.reasons import called, isolated, path_text, show_text, show_time

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts instead of text.")


def plain(value: Any) -> Any:
    """Turn times and paths into text; json.dumps calls it for what it does not know."""
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, bytes):
        return path_text(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")


_DEEPEST: Final = len("\n    ")  # the margin from which on all goes in one line
WIDEST: Final = 60  # places a column of a list has; what is longer pushes on what follows in its own row alone
_line: Final = json.JSONEncoder(default=plain, ensure_ascii=False).encode


def print_json(value: Any) -> None:
    """Print one JSON document, in UTF-8 whatever the locale says (RFC 8259); half a surrogate pair as its escape.

    Piece by piece: the whole text of a report on a hundred thousand tracks would take hundreds of megabytes. So an
    iterator is asked for one entry of its list at a time.
    """
    out = sys.stdout.buffer
    with full_disk_told("greenroom"):  # here, for who asks the iterator takes any disk for one of Greenroom's
        for piece in _pieces(value):
            out.write(piece.encode("utf-8", "backslashreplace"))
        out.write(b"\n")
        out.flush()


@contextlib.contextmanager
def full_disk_told(program: str) -> Iterator[None]:
    """End a program whose answer cannot be written, as a disk is full, with a sentence and 1; its work is done."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO) or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be written
        what = "the answer could not be written; whatever it tells of stays as it is"
        click.echo(f"{program}: {what}: {os.strerror(error.errno)}", err=True)
        sys.exit(1)


def print_done(text: str, values: dict[str, Any], as_json: bool) -> None:
    """Say what was done: to a person on stderr, or to a script as JSON."""
    if as_json:
        print_json(values)
    else:
        click.echo(text, err=True)


def _pieces(value: Any, margin: str = "\n") -> Iterator[str]:
    """Yield JSON with a line for each value of an object and each entry of a list; what is deeper goes in one line.

    Writing a line is json's C; its Python, which would indent everything, takes twenty times as long.
    """
    inner = margin + "  "
    if value and isinstance(value, dict) and len(margin) < _DEEPEST:
        for n, (name, entry) in enumerate(value.items()):
            yield f"{',' if n else '{'}{inner}{_line(str(name))}: "
            yield from _pieces(entry, inner)
        yield margin + "}"
    elif isinstance(value, list | tuple | Iterator) and len(margin) < _DEEPEST:
        before = "["
        for entry in value:
            yield f"{before}{inner}{_line(entry)}"
            before = ","
        yield f"{margin}]" if before == "," else "[]"
    else:
        yield _line(value)


def bear_any_text() -> None:
    """Let text that the encoding of stdout or stderr lacks become backslash escapes, instead of an error."""
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_table(rows: Iterable[Sequence[Any]], header: Sequence[str], none: str = "There are none.") -> None:
    """Print rows under a header in columns, or what to say of `none`; a terminal gets it dressed, a pipe gets it plain.

    In a pipe each row is one line, however long, so that grep finds whole rows. A terminal too narrow for the words
    of all columns gets each row by itself: an id in two pieces cannot be copied.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    cells = [[cell(value) for value in row] for row in rows]
    if not cells:
        click.echo(none)
        return
    console = Console()
    if not console.is_terminal:
        lines = [header, *cells]
        widths = [min(WIDEST, max(map(cell_len, column))) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = (text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True))
            click.echo("  ".join(padded).rstrip())
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title, column in zip(header, zip(*cells, strict=True), strict=True):
        table.add_column(title, overflow="fold", no_wrap=not any(" " in cell for cell in column))
    for *before, last in cells:  # which nothing follows: mostly a path, that people copy
        table.add_row(*map(Text, (*map(isolated, before), last)))
    if Measurement.get(console, console.options.update(width=10_000), table).minimum > console.width:
        _print_cards(console, header, cells)
    else:
        console.print(table)


def _print_cards(console: Console, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print each row by itself: what it is called, and below that what its other columns say, each with its title."""
    from rich.padding import Padding
    from rich.text import Text

    for first, *others in rows:
        console.print(Text(first, "bold"), soft_wrap=True)
        named = zip(header[1:], others, strict=True)
        fields = [Text.assemble((f"{title}: ", "dim"), value) for title, value in named if value]
        for line in _filled(fields, console.width - len("  ")):
            console.print(Padding(line, (0, 0, 0, 2), expand=False))


def _filled(fields: Iterable[Text], width: int) -> Iterator[Text]:
    """Put fields into lines of so many cells, none in two lines that fits into one."""
    line: Text | None = None
    for field in fields:
        if line is None:
            line = field
        elif line.cell_len + len("  ") + field.cell_len <= width:
            line.append("  ").append_text(field)
        else:
            yield line
            line = field
    if line is not None:
        yield line


def print_rows(rows: Sequence[dict[str, Any]], as_json: bool, header: Sequence[str], none: str) -> None:
    """Print rows for scripts as they are, or for people as `print_table` does: all their values, in their order."""
    if as_json:
        print_json(rows)
    else:
        print_table([tuple(row.values()) for row in rows], header, none)


def cell(value: Any) -> str:
    """Return a value as a person reads it, in one line, without anything a terminal would obey."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return _line(value)
    if isinstance(value, tuple):
        return " ".join(map(cell, value))
    if isinstance(value, dt.datetime):
        return show_time(value)
    return show_text(path_text(value) if isinstance(value, bytes) else str(value))


def because(message: str, path: bytes | str | None) -> str:
    """Return a reason in one line, with the path it is about if there is one."""
    shown = path_text(path) if isinstance(path, bytes) else path
    return show_text(message) + (f"  [{show_text(shown)}]" if shown else "")


def album_name(artist: str | None, album: str | None) -> str:
    """Return what people call an album, in one line; on a terminal neither part turns what is beside it around."""
    mark = isolated if sys.stdout.isatty() else str
    return called(artist and mark(show_text(artist)), album and mark(show_text(album)))


def seconds(ms: int | None) -> str:
    """Show a duration: 0.4 s, 12 s, 3 min 20 s."""
    if ms is None:
        return ""
    whole = ms / 1000
    if whole < 60:
        return f"{whole:.1f} s"
    return f"{int(whole // 60)} min {int(whole % 60)} s"
