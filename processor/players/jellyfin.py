"""Jellyfin and Emby: told of a folder, which their monitor looks at after a delay; found by path; refreshed by id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from pydantic import Field, RootModel

from processor.players.paths import is_same, within
from processor.players.player import (
    LONGEST,
    Health,
    Line,
    Player,
    PlayerKind,
    Sight,
    Step,
    Told,
    Wanted,
    believed,
)

LIMIT: Final = 500  # albums of one title, artists of one name


class _Info(Told):
    version: str = Field(alias="Version")
    product: str = Field("Jellyfin", alias="ProductName")


class _Root(Told):
    kind: str | None = Field(None, alias="CollectionType")
    locations: tuple[str, ...] = Field((), alias="Locations")


class _Roots(RootModel[tuple[_Root, ...]]):
    pass


class _Task(Told):
    key: str | None = Field(None, alias="Key")
    state: str | None = Field(None, alias="State")


class _Tasks(RootModel[tuple[_Task, ...]]):
    pass


class _Item(Told):
    id: str = Field(alias="Id")
    name: str | None = Field(None, alias="Name")
    path: str | None = Field(None, alias="Path")
    ids: Mapping[str, str | None] = Field({}, alias="ProviderIds")


class _Items(Told):
    items: tuple[_Item, ...] = Field(alias="Items")


class Jellyfin(PlayerKind):
    """Jellyfin, or Emby, by their common API."""

    name = "jellyfin"
    title = "Jellyfin"
    example = "http://nas:8096"
    hint = "Dashboard, API Keys."
    patience: ClassVar[float] = 180  # its monitor waits 60 s by default before it looks

    def headers(self, player: Player) -> Mapping[str, str]:
        """Return the key as both take it."""
        return {"Authorization": f'MediaBrowser Token="{player.secret or ""}"', "X-Emby-Token": player.secret or ""}

    def check(self, line: Line) -> Health:
        """Return its version; a wrong key is refused here."""
        found = believed(line, _Info, line.get("/System/Info"))
        return Health(f"{found.product} {found.version}"[:LONGEST])

    def roots(self, line: Line) -> Sequence[str]:
        """Return the folders of its music libraries."""
        found = believed(line, _Roots, line.get("/Library/VirtualFolders")).root
        return [path for root in found if root.kind in (None, "", "music", "mixed") for path in root.locations]

    def ladder(self, line: Line, *, is_new: bool) -> Sequence[Step]:
        """From a folder it goes up by itself, to what it knows."""
        return ("folder", "all")

    def scanning(self, line: Line) -> bool:
        """Whether its library scan runs."""
        tasks = believed(line, _Tasks, line.get("/ScheduledTasks")).root
        return any(task.key == "RefreshLibrary" and task.state == "Running" for task in tasks)

    def tell(self, line: Line, folder: str | None) -> None:
        """Report a folder as changed, or start a scan of everything."""
        if folder is None:
            line.post("/Library/Refresh", accept="any")
        else:
            updates = [{"Path": folder, "UpdateType": "Modified"}]
            line.post("/Library/Media/Updated", {"Updates": updates}, accept="any")

    def find(self, line: Line, wanted: Wanted) -> Sight | None:
        """Return the album in the folder; where its path says nothing, the one of the MusicBrainz id."""
        items = (item for title in wanted.titles for item in self._items(line, "MusicAlbum", title))
        found = next((item for item in items if _is(item, wanted)), None)
        return Sight(found.id, None, found.name) if found else None

    def refresh(self, line: Line, wanted: Wanted, sight: Sight, *, is_new: bool) -> None:
        """Let it read NFO and pictures again: of an album it had before, and of the artist whose folder is above."""
        folder = wanted.artist_folder
        artists = [] if folder is None or not wanted.artists else self._items(
            line, "MusicArtist", wanted.artists[0].name
        )  # fmt: skip
        own = [item.id for item in artists if item.path and folder and is_same(item.path, folder)]
        for one in [*own, *([] if is_new else [sight.id])]:
            line.post(
                f"/Items/{one}/Refresh?metadataRefreshMode=FullRefresh&imageRefreshMode=FullRefresh"
                "&replaceAllMetadata=true&replaceAllImages=false",
                accept="any",
            )

    def _items(self, line: Line, kind: str, name: str) -> Sequence[_Item]:
        asked = {"recursive": "true", "includeItemTypes": kind, "searchTerm": name, "fields": "Path,ProviderIds",
                 "limit": LIMIT}  # fmt: skip
        return believed(line, _Items, line.get("/Items", asked)).items


def _is(item: _Item, wanted: Wanted) -> bool:
    if item.path and wanted.folder is not None:
        return within(item.path, wanted.folder)
    release = wanted.album.release_id
    return release is not None and release in item.ids.values() and wanted.is_called(item.name)


PLAYER = Jellyfin()
