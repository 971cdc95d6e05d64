"""An approved item → its album in a library, with pictures and NFO as players want them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field, ValidationInfo, field_validator

from config.errors import NeedsReview
from config.sections import IS_NEW
from processor.publication.access import Access, mode_of, owner_of
from processor.publication.intent import Mode
from processor.publication.names import Naming, checked_file, checked_folder
from processor.publication.pictures import Profile
from processor.publication.routing import rules
from workflow import history
from workflow.engine.context import Context
from workflow.engine.failure import RootAway
from workflow.engine.job import Payload
from workflow.phase import Decision, Phase, PhaseSettings

if TYPE_CHECKING:
    from processor.publication.given import Options

DECIDED = ("approved", "publishing")  # statuses that say that somebody wanted it
BY_ITSELF = ("chain", "reconciler", "recovery")  # the actors of decisions no person made
# What reads a setting, and raises ValueError with what is wrong with it.
_READ_BY: Final[Mapping[str, Callable[[str], object]]] = {
    "folder": checked_folder,
    "file": checked_file,
    "library": rules,
    "file_mode": lambda mode: mode_of(mode, 0o600),  # ours to read and write
    "folder_mode": lambda mode: mode_of(mode, 0o700),
}


class PublishSettings(PhaseSettings):
    """What is published, how, and under which names."""

    at_once: int = Field(1, ge=1, le=64, description="Jobs of this phase at once in one process; a lock lets one work.")
    auto_publish: bool = Field(
        False, description="In mode auto: publish what a rule approved, too, and not only what a person did."
    )
    transfer: Mode = Field(
        "move", description="How music gets into the library; after a move it is not in staging any more."
    )
    library: str = Field(
        "", max_length=4096,
        description="Which library an album goes to, where there are several: rules such as "
        "`genre Classical -> /srv/classical; compilation -> /srv/various; * -> /srv/music`, the first that fits.",
    )  # fmt: skip
    refresh_after_seconds: int = Field(
        60, ge=0, le=86_400, json_schema_extra={"unit": "s"},
        description="In mode auto: bring what is published up to date, so long after the last change of what is known.",
    )  # fmt: skip
    folder: str = Field(
        "{album_artist}/{album}[ ({year})]", description="The album's folder in the library; [ ] only if all is known."
    )
    file: str = Field("[CD {disc}/][{track:02} - ]{title}", description="A track's name in it, without extension.")
    profile: Profile = Field(
        "all", description="Whose names pictures get; all: every player's, as hard links of one file."
    )
    assets: bool = Field(True, description="Publish the selected pictures.")
    wait_for_assets: bool = Field(
        False, description="Publish nothing while a selected picture cannot be had, instead of adding it later."
    )
    nfo: bool = Field(True, description="Write album.nfo and artist.nfo, and lyrics that no file of the album has.")
    file_mode: str = Field(
        "", max_length=4,
        description="Rights of published files in octal, such as 664, for players that run as others; empty: music "
        "keeps those it came with, and what Greenroom makes has 644. Of linked files every name has them.",
    )  # fmt: skip
    folder_mode: str = Field(
        "", max_length=4, description="Rights of the folders made for them, such as 775; empty: by the umask."
    )
    owner: str = Field(
        "", max_length=100,
        description="Whose they become: `user`, `user:group` or `:group`; only root gives files away, others may name "
        "a group of theirs.",
    )  # fmt: skip
    library_reserve_mib: int = Field(
        1024, ge=0, le=1 << 24, description="Free space always left on a library's filesystem.",
        json_schema_extra={"unit": "MiB"},
    )  # fmt: skip

    @field_validator(*_READ_BY)
    @classmethod
    def _can_be_read(cls, value: str, info: ValidationInfo) -> str:
        _READ_BY[str(info.field_name)](value)
        return value

    @field_validator("owner")
    @classmethod
    def _owner_is_known(cls, value: str, info: ValidationInfo) -> str:
        if (info.context or {}).get(IS_NEW):  # who was set on another host may be known there only
            owner_of(value)
        return value

    @property
    def renewed_after(self) -> dt.timedelta:
        """How long nothing may have changed."""
        return dt.timedelta(seconds=self.refresh_after_seconds)

    def options(self) -> Options:
        """Return what publishing is given. Raises Misconfigured for an owner this host does not know."""
        from processor.publication.given import Options

        naming, reserve = Naming.of(self.folder, self.file), self.library_reserve_mib << 20
        return Options(
            naming,
            self.transfer,
            self.profile,
            rules(self.library),
            self.assets,
            self.wait_for_assets,
            self.nfo,
            reserve,
            self.access(),
        )

    def access(self) -> Access:
        """Return the rights and owner of what is published, as numbers. Raises Misconfigured as `options` does."""
        return Access(mode_of(self.file_mode, 0o600), mode_of(self.folder_mode, 0o700), *owner_of(self.owner))


class PublishPayload(Payload):
    """How it is asked for."""

    rename: bool = False  # give what is published the names it would get now


class Publish(Phase):
    """Publishes; what a rule approved waits for a person unless settings say otherwise."""

    name = "publish"
    after = "tag"
    reached = "published"
    renews = True
    description = "Put approved albums into their library, with pictures and NFO."
    settings = PublishSettings
    payload = PublishPayload
    roots = ("staging", "library")

    def run(
        self, context: Context, item: Mapping[str, Any], payload: PublishPayload, settings: PublishSettings
    ) -> Decision:
        """Publish. Raises what publishing does, and RootAway where the album's library is not on this host."""
        # Not wanted where only settings are read.
        from processor.publication.given import PUBLISHABLE
        from workflow.operations import publishing
        from workflow.succession import require_roots

        if not context.job.manual and not settings.auto_publish and _nobody_wanted(context, item):
            return Decision(None, "a rule approved it, and phase.publish.auto_publish is off: a person publishes it")
        if not context.job.manual and item["status"] not in PUBLISHABLE:  # as after it was taken out of its library
            return Decision(None, f"it is {item['status']}; only what was approved is published")

        given = publishing.prepare(context.database, context.data_dir, settings.options())
        require_roots(publishing.roots(given, item["id"]), RootAway)
        job = context.job
        outcome = publishing.publish_item(
            given, item["id"], context, actor=job.actor, job_id=job.id, rename=payload.rename
        )
        if outcome.outcome == "failed":
            raise outcome.trouble or NeedsReview("the album could not be published")
        return Decision("published", outcome.outcome, committed=True)


def _nobody_wanted(context: Context, item: Mapping[str, Any]) -> bool:
    """Whether a rule approved this revision of an item, and no person approved or published it."""
    with context.database.read() as connection:
        happened = history.of_item(connection, item["id"])
    ours = (one for one in happened if one["status"] in DECIDED and one["revision"] == item["revision"])
    decided = [one["actor"] for one in ours if history.is_step(one)]
    return bool(decided) and all(actor in BY_ITSELF for actor in decided)


PHASE = Publish()
