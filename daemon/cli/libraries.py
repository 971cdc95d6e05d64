"""`greenroom libraries`: root folders → checked, marked and listed."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict

import click

from config.libraries import list_libraries, music_libraries
from config.mounts import mount_of
from config.reasons import show_path
from daemon.actions import libraries
from daemon.bootstrap import application
from daemon.cli.folder import FOLDER
from daemon.cli.group import Group
from daemon.cli.output import json_option, print_json, print_rows
from daemon.cli.person import person
from daemon.cli.usage import usage
from daemon.doctor.removed import examine_removed
from processor.publication import explaining
from processor.transfers.materialise import expected_way


@click.group(cls=Group)
def command() -> None:
    """Show, add and remove the folders Greenroom works on.

    \b
    Roles: inbound  where people drop albums
           staging  where whole albums wait
           library  where published albums live

    Each root gets a small file, .greenroom-root, that proves on every run that the right disk is mounted. When much of
    what was in a root has vanished all the same, it is suspended: no cycle works there until you looked and resumed it.

    \b
    Examples:
      greenroom libraries add inbound /srv/inbound
      greenroom libraries add staging /srv/staging
      greenroom libraries
    """


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the folders, and what is wrong with each."""
    with application() as app, app.database.read() as connection:
        found = list_libraries(connection)
    states = [trouble or "ok" for trouble in libraries.troubles(found)]
    rows = [
        {"role": library.role, "kind": library.kind, "path": library.path, "state": state}
        for library, state in zip(found, states, strict=True)
    ]
    none = "There are none yet: `greenroom libraries add inbound PATH`"
    print_rows(rows, as_json, ("role", "kind", "path", "state"), none)


@command.command("add")
@click.argument("role", type=click.Choice(["inbound", "staging", "library"]))
@click.argument("path", type=FOLDER)
@click.option(
    "--kind", type=click.Choice(["music", "movie"]), default="music", show_default=True, help="What it holds."
)
def add(role: str, path: bytes, kind: str) -> None:
    """Add the folder PATH in a ROLE. It must exist, be writable, and lie outside the other libraries.

    A library whose folder was moved is known by its .greenroom-root file, and goes on at its new PATH.
    """
    with application() as app, usage():
        library = libraries.add(app, role, path, kind=kind, actor=person())
        with app.database.read() as connection:
            others = [other for other in list_libraries(connection) if other.id != library.id]
    click.echo(f"{library.called} for {kind}: {show_path(library.path)}", err=True)
    mount = mount_of(library.path)
    for weakness in mount.weaknesses if mount else ():
        click.echo(f"note: {weakness}", err=True)
    for other in others:
        with suppress(OSError):  # its disk is not there, which `libraries` tells
            if {role, other.role} == {"inbound", "staging"} and expected_way(library.path, other.path) == "copy":
                click.echo(
                    "inbound and staging are on different filesystems: albums will be copied and verified", err=True
                )


@command.command("remove")
@click.argument("path", type=FOLDER)
def remove(path: bytes) -> None:
    """Forget the library at PATH. No file is touched."""
    with application() as app, usage():
        library = libraries.remove(app, path, actor=person())
        left = list(examine_removed(app))
    click.echo(f"forgot the {library.called} {show_path(library.path)}; its files stay", err=True)
    for finding in left:
        click.echo(f"note: {finding.message}", err=True)


@command.command("resume")
@click.argument("path", type=FOLDER)
def resume(path: bytes) -> None:
    """Let cycles work on the suspended library at PATH again. What is missing there then counts as gone for good."""
    with application() as app, usage():
        library, gone = libraries.resume(app, path, actor=person())
    shown = f"the {library.called} {show_path(library.path)}"
    click.echo(f"resumed {shown}" if library.suspended else f"{shown} was not suspended", err=True)
    if gone:
        click.echo(f"{gone} staged albums are gone from there; their items now say `missing`", err=True)


@command.command("explain")
@json_option
def explain(as_json: bool) -> None:
    """Say of every file in the libraries of published albums whose it is.

    Told are files that Greenroom put there and are gone, hidden ones it left behind, and those of others, which it
    never touches. Ends with 1 if anything is missing or left behind; `greenroom verify` mends what it can, and the next
    publication tidies what was broken off.
    """
    with application() as app, usage():
        with app.database.read() as connection:
            found = music_libraries(connection, "library")
        told = {library.path: explaining.explain(app.database, library) for library in found}
    if as_json:
        print_json([{"path": path, **asdict(one)} for path, one in told.items()])
    for path, one in told.items() if not as_json else ():
        others = f"{len(one.others)} of others" if one.others else "nothing of others"
        click.echo(f"{show_path(path)}: {one.ours} files of Greenroom's, {one.trashed} in the trash, {others}")
        for mark, paths in (("missing", one.missing), ("left behind", one.left), ("of others", one.others)):
            for name in paths:
                click.echo(f"  {mark:<12} {show_path(name)}")
    if any(one.missing or one.left for one in told.values()):
        sys.exit(1)
