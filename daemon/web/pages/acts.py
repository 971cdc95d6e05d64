"""Albums that go back, are split, merged or grouped anew → a look at what would happen, the act, what came of it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Form, HTTPException, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from daemon.actions import discarding, regrouping, wishes
from daemon.actions.acts import Act
from daemon.web.access import By
from daemon.web.deciding import Marked, seen_of
from daemon.web.installation import App
from daemon.web.render import page
from daemon.web.routing import page_router
from workflow.operations.deciding import Seen

router = page_router()
Text = Annotated[str, Form(max_length=1000)]
MOST: Final = 200  # albums shown at once


@router.post("/review/{item_id}/inbound")
def take_home(app: App, item_id: int, actor: By) -> Response:
    """Look at what taking an album back to inbound would do."""
    return _to(regrouping.take_home(app, item_id, actor=actor.name, sure=False))


@router.post("/runs/{run_id}/undo")
def take_back(app: App, run_id: str, actor: By) -> Response:
    """Look at what taking back all that a run moved would do."""
    return _to(regrouping.take_back(app, run_id, actor=actor.name, sure=False))


@router.post("/review/{item_id}/rules")
def leave_to_rules(app: App, item_id: int, actor: By) -> Response:
    """Look at what letting Greenroom group an album again would do."""
    return _to(regrouping.leave_to_rules(app, item_id, actor=actor.name, sure=False))


@router.post("/review/{item_id}/split")
def split(
    app: App,
    item_id: int,
    seen: Text,
    actor: By,
    artist: Text = "",
    album: Text = "",
    part: Annotated[list[str] | None, Form(max_length=10_000)] = None,
) -> Response:
    """Look at what making the marked tracks another album would do."""
    known = seen_of(seen)
    return _to(regrouping.split(app, item_id, part or [], artist, album, actor=actor.name, sure=False, seen=known))


@router.post("/review/merge")
def merge(app: App, marked: Annotated[Marked, Depends()], actor: By) -> Response:
    """Look at what making the marked albums one would do; the one staged first gives its name."""
    seen = _seen(app, marked)
    return _to(regrouping.merge(app, sorted(seen), actor=actor.name, sure=False, seen=seen))


@router.post("/review/trash")
def throw_away(
    app: App,
    marked: Annotated[Marked, Depends()],
    actor: By,
    why: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Look at what putting the marked albums into the trash would do."""
    seen = _seen(app, marked)
    if not seen:
        raise HTTPException(422, "No album is marked.")
    return _to(discarding.throw_away(app, list(seen), actor=actor.name, sure=False, why=why.strip(), seen=seen))


@router.post("/trash/{transfer_id}/restore")
def bring_back(app: App, transfer_id: str, actor: By) -> Response:
    """Look at what restoring an album from the trash would do."""
    return _to(discarding.bring_back(app, transfer_id, actor=actor.name, sure=False))


@router.get("/acts/{act_id}")
def show(request: Request, app: App, act_id: str) -> Response:
    """Show how far an act is, or what came of it."""
    act = wishes.found(app, act_id)
    stage = next((stage for stage in app.ongoing.stages() if stage.run_id == act_id), None)
    code, days = 409 if act.report and act.report.exit_code else 200, app.staging_settings()[0].trash_days
    comes = Markup(act.told.done if act.sure else act.told.would).format(days=days, run=act.run_id)  # noqa: S704 - of ours
    return page(request, "act.html", act=act, stage=stage, comes=comes, most=MOST, code=code)


@router.post("/acts/{act_id}")
def go_on(app: App, act_id: str, actor: By) -> Response:
    """Do what was looked at."""
    return _to(wishes.go_on(app, act_id, actor=actor.name))


def _seen(app: App, marked: Marked) -> dict[int, Seen]:
    with app.database.read() as connection:
        return marked.seen(connection)[0]


def _to(act: Act) -> Response:
    return RedirectResponse(f"/acts/{act.id}", 303)
