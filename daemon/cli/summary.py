"""A cycle's report → the lines a person reads."""

from __future__ import annotations

from typing import Any

import click

from config.reasons import counted, figure, show_text
from daemon.cli.output import album_name, because, seconds
from workflow.report import OUTCOMES, CycleReport

MARKS = {
    "staged": ("✓", "green"),
    "waiting": ("…", "yellow"),
    "needs_review": ("?", "yellow"),
    "duplicate": ("=", "cyan"),
    "quarantined": ("!", "red"),
    "conflict": ("!", "red"),
    "failed": ("✗", "red"),
}


def print_report(report: CycleReport) -> None:
    """Print each album with its outcome and the reasons for it, then one line of counts."""
    data = report.to_json()
    if report.dry_run and data["albums"]:
        click.echo("A dry run moves nothing; this is what a cycle would make of each album now:")
    for album in data["albums"]:
        _print_album(album)
    for entry in data["ignored"]:
        click.echo(click.style("- ignored     ", dim=True) + f" {show_text(entry['path'])}: {entry['reason']}")
    if report.error is not None:
        why = because(report.error.message, report.error.path)
        click.echo(click.style(f"{report.status}: ", fg="red") + why, err=True)
        return
    counts = ", ".join(f"{n} {figure(name, n)}" for name in OUTCOMES if (n := report.counts[name]))
    what = "would be: " if report.dry_run else ""
    click.echo(f"{what}{counts or 'nothing to do'} in {seconds(report.duration_ms)} (run {report.run_id})")


def _print_album(album: dict[str, Any]) -> None:
    mark, colour = MARKS[album["outcome"]]
    year = f" ({album['year']})" if album["year"] else ""
    name = album_name(album["album_artist"], album["album"]) + year
    tracks = counted(len(album["tracks"]), "track")
    discs = f", {album['discs']} discs" if album["discs"] > 1 else ""
    click.echo(click.style(f"{mark} {album['outcome']:<12}", fg=colour) + f" {name}: {tracks}{discs}")
    if album["staging_path"] and album["outcome"] == "staged":
        click.echo(f"      → {show_text(album['staging_path'])}")
    for reason in album["reasons"]:
        click.echo(f"      {because(reason['message'], reason['path'])}")
