"""A life, a number → one thing that happens to it: what people ask for, what disks do, who comes in between."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Mapping

from tests.faults.cycles import CARRY
from tests.faults.life import ASKED, CYCLE, DROPS, ROOTS, SETTINGS, Life, contents, pick
from tests.faults.life_promises import changes_nothing, cycle, differences, must_be_silent
from tests.faults.traced import MUTATING

NAMES = sorted(DROPS)
# What a broken disk no longer does: not `write`, which would be of what is printed. Of albums, and of databases, too.
FAILS = tuple(name for name in MUTATING if name not in ("write", "openat", "ioctl", "flock"))
OF_ALBUMS = tuple(name for name in FAILS if name not in ("pwrite64", "fsync", "fdatasync", "ftruncate", "fallocate"))

# What moves albums, if there is something to move: between other steps are only commits, where nobody else may write.
MOVING = (
    "cycle --json", "publish {item}", "publish {item} --rename", "publish {published} --undo", "undo {transfer} --json",
    "undo {run} --json", "review trash {item} --json", "review regroup {item} --json", "trash restore {trashed}",
)  # fmt: skip
BACK = (
    ("publish {item}", "publish {item} --undo"),
    ("tag", "undo {move}"),
    ("review trash {item}", "trash restore {move}"),
)
TWICE = (
    "publish {item}", "publish {item} --rename", "publish {published} --rename", "publish --approved", "tag",
    "verify --all --json", "gc --json", "fsck --adopt --json", "recover --json", "process --json",
)  # fmt: skip
DRY = (
    "cycle --dry-run", "publish {item} --dry-run", "publish {published} --rename --dry-run",
    "undo {transfer} --dry-run", "review trash {item} --dry-run", "review regroup {item} --dry-run",
    "trash restore {trashed} --dry-run", "trash empty --older-than 0 --dry-run", "fsck", "status",
)  # fmt: skip


def much(life: Life, n: int) -> list[str]:
    """Return a command that has much to do, having seen to that; or any."""
    what = pick(("cycle", "publish", "tag", "undo", "any", "any"), n)
    if what == "cycle":
        drop(life, n // 6, None)
        return CYCLE
    if what == "publish":
        life.do(*life.words("review approve {item}", n // 6))
    asked = {"publish": "publish {item}", "tag": "tag", "undo": "undo {transfer} --json"}
    return life.words(asked.get(what) or pick(ASKED, n // 6), n // 6)


def drop(life: Life, n: int, step: int | None) -> None:
    """Drop an album, now and then in a folder that others share."""
    below = "More/" if n // len(NAMES) % 5 == 0 else ""
    life.drop({below + place: data for place, data in contents(pick(NAMES, n)).items()})


def run_a_cycle(life: Life, n: int, step: int | None) -> None:
    """Run a cycle, now and then two; another one at once changes nothing then, whatever the first had to settle."""
    if cycle(life, step) and not life.away and n % 3 == 0 and cycle(life):
        changes_nothing(life)


def ask(life: Life, n: int, step: int | None) -> None:
    """Ask something of an album."""
    life.do(*life.words(pick(ASKED, n), n // len(ASKED)), step=step)


def ask_on(life: Life, n: int, step: int | None) -> None:
    """Ask something of an album, which is killed; ask something else of it before anything is settled."""
    life.do(*life.words(pick(ASKED, n), n // 7), step=step or 1 + n % 20)
    life.do(*life.words(pick(ASKED, n // 100), n // 7))


def ask_two_at_once(life: Life, n: int, step: int | None) -> None:
    """Ask something of an album, and something else between two steps of that; there is something to do for it."""
    drop(life, n, None)
    life.do(*life.words("review approve {item}", n // 7))
    step = step or pick((1, 2, 3, 5, 8, 12), n)
    life.meanwhile(life.words(pick(MOVING, n), n // 7), step, life.words(pick(ASKED, n // 100), n // 7))


def publish(life: Life, n: int, step: int | None) -> None:
    """Approve an album, and publish it; who is interrupted does it again."""
    for at in dict.fromkeys((step, None)):
        life.do(*life.words("review approve {item}", n))
        life.do(*life.words("publish {item}", n), step=at)


def change_a_setting(life: Life, n: int, step: int | None) -> None:
    """Change how albums are staged or published."""
    key, value = pick(SETTINGS, n)
    life.do("settings", "set", key, value.format_map(life.places) if key.endswith("library") else value)


def empty_the_trash(life: Life, n: int, step: int | None) -> None:
    """Empty the trash."""
    life.empty_the_trash(step)


def meddle(life: Life, n: int, step: int | None) -> None:
    """Do something to a file by hand, or to its folder."""
    role, how = pick(ROOTS, n), pick(("edit", "remove", "rename", "add", "copy"), n // 4)
    if (path := pick(sorted(life.visible(role)), n // 20)) is None:
        return
    thing = path if n % 3 or path.parent == life.home(role) else path.parent
    # What is added to a library is theirs; all else there, and in staging, is ours to look after.
    life.is_meddled_with |= role != "inbound" and how != "copy" and (how, role[:7]) != ("add", "library")
    with life.by_hand():
        if how == "edit":
            life.put(path, path.read_bytes() + b"%d" % n)
        elif how == "remove":
            shutil.rmtree(thing) if thing.is_dir() else thing.unlink()
        elif how == "rename":
            thing.rename(thing.with_name(f"{thing.stem} {n}{thing.suffix}"))
        elif how == "add":
            life.put(path.with_name(f"mine {n}.txt"), b"mine %d" % n)
        else:
            life.put(life.home("inbound") / f"Back {n}" / path.name, path.read_bytes())


def mount(life: Life, n: int, step: int | None) -> None:
    """Take a root away, or bring back what is away."""
    if life.away:
        life.mount()
    else:
        life.unmount(pick(ROOTS, n), leaves_a_folder=n % 3 > 0)


def move_a_root(life: Life, n: int, step: int | None) -> None:
    """Move a root, on its disk or to the other one, and say so."""
    if not life.away:
        life.move(pick(ROOTS, n), pick((life.folder, life.disk), n // 4))
        life.backup.unlink(missing_ok=True)


def swap_two_roots(life: Life, n: int, step: int | None) -> None:
    """Mount two roots where the other one belongs, ask for something, and for a cycle; and mount them rightly."""
    if life.away:
        return
    one, other = life.places[pick(ROOTS, n)], life.places[pick(ROOTS, n + 1 + n // 4 % 3)]
    with life.swapped(one, other):
        life.do(*life.words(pick(ASKED, n // 12), n // 7), step=step)
        life.do(*CYCLE)


def register_anew(life: Life, n: int, step: int | None) -> None:
    """Remove a library nobody needs any more, and add it again."""
    place = life.places[pick(ROOTS[2:], n)]
    if not life.away:
        life.do("libraries", "remove", place, step=step)
        life.do(*pick((CYCLE, ("publish", "--approved")), n // 2))
        life.do("libraries", "add", "library", place)


def fill_a_disk(life: Life, n: int, step: int | None) -> None:
    """Ask something while the other disk has only so much room left."""
    words = much(life, n // 6)
    with life.full(pick((0, 4096, 8192, 16384, 32768, 65536), n)):
        life.do(*words, step=step)


def fail_a_call(life: Life, n: int, step: int | None) -> None:
    """Ask something, and let a call of one kind fail, or of all that change albums; once, or from then on."""
    names = pick(((pick(FAILS, n // 4),), (pick(OF_ALBUMS, n // 4),), OF_ALBUMS), n)
    error, when = (
        pick(("ENOSPC", "EIO", "EROFS"), n // 7),
        f"{1 + n // 60 % pick((4, 16), n)}{pick(('', '+'), n // 11)}",
    )
    life.fail(much(life, n // 13), f"{','.join(names)}:error={error}:when={when}")


def take_back(life: Life, n: int, step: int | None) -> None:
    """Do something and take it back: all that people see is as it was before, but what is said of artists."""
    if life.away or life.is_meddled_with or not cycle(life):
        return
    there, back = pick(BACK, n)
    life.do(*life.words("review approve {item}", n // 6))
    words, before, known = life.words(there, n // 6), life.visible(), [move.id for move in life.moves()]
    if words == CYCLE or life.do(*words).status:
        return
    new = [move for move in life.moves() if move.id not in known and move.state == "done"]
    if not {move.kind for move in new} <= {"publish", "retag", "discard"}:
        return  # what changed a publication is not taken back alone
    for move in new:
        ended = life.do(*back.format(move=move.id, item=words[-1]).split())
        assert ended.status == 0, ended
    now = life.visible()
    changed = {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}
    assert {path for path in changed if path.name != "artist.nfo"} == set(), (words, changed)


def ask_again(life: Life, n: int, step: int | None) -> None:
    """Ask the same twice, of which the first may be killed or have something to settle: the third changes nothing."""
    words = life.words(pick(TWICE, n), n // 7)
    life.do(*words, step=step)
    if not life.away and life.do(*words).status == 0:
        before = life.look()
        life.do(*words)
        must_be_silent(differences(before, life.look()))


def run_dry(life: Life, n: int, step: int | None) -> None:
    """Ask what would happen: nothing does."""
    before = life.look()
    for asked in DRY:
        if (words := life.words(asked, n)) != CYCLE:
            life.do(*words)
    must_be_silent(differences(before, life.look()))


def let_days_pass(life: Life, n: int, step: int | None) -> None:
    """Let every time in the database be so much longer ago. What only the trash had may go then."""
    life.let_pass(dt.timedelta(days=pick((2, 40, 500), n)))


def carry_jobs(life: Life, n: int, step: int | None) -> None:
    """Let a worker carry what jobs there are."""
    life.do(*CARRY, step=step)


def set_back(life: Life, n: int, step: int | None) -> None:
    """Make a backup, or set the database back to it."""
    if not life.backup.exists():
        life.do("export", life.backup)
    else:
        life.set_back()


# How often each happens; what makes rows and disks differ is left out of most lives.
RULES: Mapping[Callable[[Life, int, int | None], None], int] = {
    drop: 6, run_a_cycle: 8, ask: 8, ask_on: 6, ask_two_at_once: 5, publish: 8, change_a_setting: 4,
    empty_the_trash: 1, mount: 2, move_a_root: 2, swap_two_roots: 1, register_anew: 1, fill_a_disk: 3, fail_a_call: 6,
    take_back: 2, ask_again: 3, run_dry: 1, let_days_pass: 1, carry_jobs: 1, meddle: 3, set_back: 2,
}  # fmt: skip
HARSH = (meddle, set_back)
NAMED = {rule.__name__: rule for rule in RULES}
