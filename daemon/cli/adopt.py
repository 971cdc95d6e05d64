"""`greenroom adopt`: a library that is there → what Greenroom would call, write and add in it; nothing is changed."""

from __future__ import annotations

import os
from itertools import chain

import click

from config.reasons import counted, show_path, show_text
from daemon.bootstrap import application
from daemon.cli.output import json_option, print_json
from daemon.cli.usage import usage
from daemon.progress import bars
from daemon.signals import stop_on_signals
from processor.adoption import Album
from workflow.operations.adopting import WORDS, adopt, plain_album

SHOWN = 3  # names of one album, on a terminal; --json has all
MOST = 20  # albums that need a person, of which a summary says more


@click.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, resolve_path=True))
@click.option("--verbose", is_flag=True, help="Show every album that differs, and in what.")
@json_option
def command(path: str, verbose: bool, as_json: bool) -> None:
    """Index the library at PATH, and show where it differs from what publishing would make of it.

    Its tags are read, its files are put together to albums, and each album is compared with the templates
    phase.publish.folder and phase.publish.file, with the NFO its tags would give, and with the names under which the
    players of phase.publish.profile look for pictures; tags that tracks lack are counted, and albums that are staged
    or published already are named. Nothing at PATH is changed, no lock is taken, no item is made. Providers are not
    asked: years, ids and texts that only they know show when an album goes through staging.

    It says how many albums differ in what, and which need a person: those in doubt, those that are staged or published
    from elsewhere, and those whose NFO cannot be read. --verbose shows every album, --json all of each.

    The index is a scan DB in the data folder: the next time only what changed is read again.

    \b
    Examples:
      greenroom adopt /srv/music
      greenroom adopt /srv/music --verbose | less
      greenroom adopt /srv/music --json | jq '.albums[] | select(.renamed != [])'
    """
    stop = stop_on_signals()
    with usage(), application() as app, bars() as progress:
        found = adopt(app.database, app.boot.data_dir, os.fsencode(path), stop, progress)
    if as_json:
        albums = [plain_album(album) for album in found.albums]
        print_json({"scan_db": str(found.scan_db), "counts": found.counts, "albums": albums})
        return
    told = [lines for album in found.albums if (lines := _lines(album) if verbose else _for_a_person(album))]
    for line in chain.from_iterable(told if verbose else told[:MOST]):
        click.echo(line)
    if not verbose and len(told) > MOST:
        click.echo(f"… and {counted(len(told) - MOST, 'more album')} that need a person; --verbose shows all")
    counts = found.counts
    click.echo(f"{counted(counts['albums'], 'album')}, {counts['as_wanted']} of them as Greenroom would make them")
    if differing := [f"{count} {WORDS[name]}" for name, count in counts.items() if name in WORDS]:
        click.echo(", ".join(differing))


def _lines(album: Album) -> list[str]:
    """Return what differs, a line each; nothing of an album where nothing does."""
    name = show_path(album.folder) or "."
    found = [] if album.folder == album.wanted else [f"  folder: {show_path(album.wanted)}"]
    found += [f"  file: {show_path(one.path)} → {show_path(one.wanted)}" for one in album.renamed[:SHOWN]]
    found += [f"  … and {len(album.renamed) - SHOWN} more files"] if len(album.renamed) > SHOWN else []
    found += [] if album.nfo == "same" else [f"  album.nfo: {album.nfo} {', '.join(album.fields)}".rstrip()]
    found += [f"  no {show_path(name)}" for name in album.pictures]
    found += [f"  no {show_path(name)} in the artist's folder" for name in album.beside]
    found += [f"  {one.tracks} without the tag {one.tag}" for one in album.lacking]
    found += _doubts(album)
    return [name, *found] if found else []


def _for_a_person(album: Album) -> list[str]:
    """Return what only a person can settle, a line each; nothing of an album where nothing is."""
    found = ["  album.nfo: unreadable"] if album.nfo == "unreadable" else []
    found += _doubts(album)
    return [show_path(album.folder) or ".", *found] if found else []


def _doubts(album: Album) -> list[str]:
    found = [f"  in doubt: {show_text(one.message)}" for one in album.reasons[:SHOWN]]
    if album.twin is not None and not album.twin.is_here:
        found.insert(0, f"  the same as item {album.twin.item_id}, which is {album.twin.status}")
    return found
