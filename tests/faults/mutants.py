"""Our own source without one of its safeguards → the part of the suite that must go red, or it is worth nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.mutant import Mutant, asking, on_sqlite, power, tests
from tests.faults.safeguards import SAFEGUARDS

ROOT = Path(__file__).parents[2]
COPIED = ("config", "scanner", "processor", "workflow", "daemon", "tests", "pyproject.toml")
RED = 1  # pytest's exit status when tests failed, and ours for complaints; others mean that nothing was tried
TIMEOUT = 600.0  # seconds; a mutant that hangs the proof was noticed too, though not as it should be


CHANGES = "tests/faults/test_changes_strace.py"
PUBLISH = "tests/faults/test_publish_kill.py"
PUBLISH_KILLED = tests(f"{PUBLISH}::test_killed_before_any_step_everything_converges")
UNDO_TROUBLE = tests("tests/integration/test_undo_trouble.py")
DURABLE = tests("tests/faults/test_transfer_durable.py::test_everything_is_synced_before_each_commit")
RECOVERY = "tests/integration/test_transfer_recovery.py"
MUTANTS = (
    Mutant(
        "a clone that has its name already is made again, as another file",
        "processor/transfers/building.py",
        "if found.st_nlink > 1 and is_same(",
        "if False and is_same(",
        tests("tests/faults/test_changes_kill.py::test_killed_before_any_step_everything_converges", "-k", "clone"),
    ),
    Mutant(
        "an album on its way to the trash is adopted as one that no row lists",
        "processor/fsck/ownership.py",
        "if move.before and move.src_root == move.dst_root",
        "if move.before and move.src_root == b''",
        tests("tests/scenarios/test_fsck_moves.py", "-k", "nobodys_to_adopt"),
    ),
    Mutant(
        "an album that is listed still goes to the trash",
        "processor/moves/discard.py",
        "        repository.unlist(connection, item.key, item.path)\n",
        "",
        tests("tests/faults/test_trash_kill.py"),
    ),
    Mutant(
        "a linked file is not synced",
        "processor/transfers/materialise.py",
        "            os.fdatasync(fd)  # the change time",
        "            # the change time",
        power("ext4, link", "power cut, sources not synced"),
    ),
    Mutant(
        "a copied file is not synced",
        "processor/transfers/materialise.py",
        "                os.fsync(copy)\n",
        "",
        DURABLE,  # posix_fadvise already brings most of it to the disk, so power cuts do not show it
    ),
    Mutant(
        "a copied file is not synced, on a disk that is set aside when its power goes",
        "processor/transfers/materialise.py",
        "                os.fsync(copy)\n",
        "",
        power("btrfs → btrfs, copy", "power cut", 9),
    ),
    Mutant(
        "the folders of an album are not synced",
        "processor/transfers/steps.py",
        '    sync_each(tree, [within(folder, sub) for sub in subs], guard, "fsync folder")\n',
        "",
        DURABLE,
    ),
    Mutant(
        "the folders above an album are not synced",
        "processor/transfers/steps.py",
        '        sync_each(tree, paths, guard, "fsync above", missing_ok=missing_ok)\n',
        "        pass\n",
        power("ext4 → xfs, copy", "power cut"),
    ),
    Mutant(
        "the folders a cycle emptied are not synced",
        "processor/staging/batch.py",
        "self._unsynced(albums, self._between.inbound, emptied, missing_ok=True)",
        "[None] * len(albums)",
        power("xfs → ext4, copy", "power cut"),
    ),
    Mutant(
        "SQLite does not wait for the disk",
        "config/sqlite_file.py",
        "synchronous=FULL",
        "synchronous=NORMAL",
        power("ext4, link, database cut too", "power cut"),
    ),
    Mutant(
        "recovery trusts what can be read to be on the disk",
        "processor/moves/album.py",
        "        sync_folders(transfer, tree, transfer.target, run.guard)\n"
        "    sync_above(transfer.dst_root, above_target(transfer), run.guard)\n",
        "",
        tests("tests/faults/test_transfer_durable.py::test_recovery_takes_nothing_it_finds_for_durable"),
    ),
    Mutant(
        "recovery trusts a copy without reading it",
        "processor/transfers/comparing.py",
        "file.digest is None or not rehash or",
        "True or",
        tests(RECOVERY),
    ),
    Mutant(
        "recovery publishes an album that is not whole",
        "processor/moves/album.py",
        "                if not is_whole(tree, path, file, rehash=rehash):",
        "                if False:",
        tests(RECOVERY),
    ),
    Mutant(
        "undoing does not look whether the source is there",
        "processor/transfers/rolling_back.py",
        "    return destination.stat(hidden) is None or is_same_inode(there, file.identity) or is_planned(there, file)",
        "    return True",
        tests(RECOVERY),
    ),
    Mutant(
        "hidden folders without a row are swept unseen",
        "processor/transfers/orphans.py",
        "files is not None and all(_is_spare(source, destination, folder, file) for file in files)",
        "files is not None",
        tests(RECOVERY),
    ),
    Mutant(
        "a folder nobody knows is swept though what stays is in memory only",
        "processor/transfers/orphans.py",
        "            _sync(source, [file.source for file in files])\n",
        "",
        tests("tests/faults/test_transfer_durable.py", "-k", "put_back"),
    ),
    Mutant(
        "a source is removed though it changed",
        "processor/transfers/clearing.py",
        "    if not is_planned(found, file):\n",
        "    if False:\n",
        tests("tests/integration/test_transfer.py", RECOVERY),
    ),
    Mutant(
        "a copy that has the source's old inode number is believed to be a link of it",
        "processor/transfers/building.py",
        "(there is None or not is_planned(there, file) or samestat(found, there))",
        "True",
        tests("tests/integration/test_transfer_recovery.py", "-k", "taken_for_the_source"),
    ),
    Mutant(
        "a source is removed though the album's file is another",
        "processor/transfers/clearing.py",
        "    if not is_like(there, file):\n",
        "    if False:\n",
        tests("tests/integration/test_transfer.py", RECOVERY),
    ),
    Mutant(
        "a file the disk could not sync is linked",
        "processor/transfers/materialise.py",
        "                if error is not None:\n                    raise error\n",
        "",
        tests("tests/faults/test_transfer_strace.py", "-k", "could_not_sync"),
    ),
    Mutant(
        "a large copy goes on to its end while we are to stop",
        "processor/filesystem/copying.py",
        "            leave.check_stop()\n            hasher.update(view[:count])\n            if direct",
        "            hasher.update(view[:count])\n            if direct",
        tests("tests/integration/test_transfer.py", "-k", "in_the_middle"),
    ),
    Mutant(
        "a large file is read to its end while we are to stop",
        "processor/filesystem/copying.py",
        "            leave.check_stop()\n            hasher.update(view[:count])\n    return",
        "            hasher.update(view[:count])\n    return",
        tests("tests/faults/test_stopping.py"),
    ),
    Mutant(
        "who is to stop while albums are compared fails for that album alone",
        "processor/planning/planner.py",
        "        except Stopped:\n            raise\n",
        "",
        tests("tests/faults/test_stopping.py", "-k", "merge"),
    ),
    Mutant(
        "who is to stop while fsck looks at a move is told that it cannot be seen",
        "processor/fsck/unsettled.py",
        "    except Stopped:\n        raise\n",
        "",
        on_sqlite("who_is_to_stop", "tests/scenarios/test_fsck_moves.py"),
    ),
    Mutant(
        "who is to stop while fsck looks at an undo is told that it cannot be seen",
        "processor/fsck/undos.py",
        "    except Stopped:\n        raise\n",
        "",
        on_sqlite("who_is_to_stop", "tests/scenarios/test_fsck_moves.py"),
    ),
    Mutant(
        "who is to stop reads a large file that a list of checksums names to its end",
        "scanner/scan.py",
        "with asking(until), _few_collections()",
        "with _few_collections()",
        tests("tests/integration/test_scan.py", "-k", "stops_in_the_middle"),
    ),
    Mutant(
        "who is to stop while an album is staged again leaves a person a question",
        "processor/taking_back.py",
        "    if isinstance(run.trouble, Stopped):",
        "    if False:",
        tests("tests/faults/test_stopping.py", "-k", "published"),
    ),
    Mutant(
        "a copy is read back from memory",
        "processor/filesystem/copying.py",
        "    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)\n    return digest(file)\n",
        "    return digest(file)\n",
        tests("tests/integration/test_copying.py"),
    ),
    Mutant(
        "a file that changed since the scan is linked",
        "processor/transfers/materialise.py",
        "    if not is_planned(found, file) or (not linked and storable_time(found.st_ctime_ns)"
        " != file.identity.ctime_ns):\n",
        "    if False:\n",
        tests("tests/integration/test_transfer.py"),
    ),
    Mutant(
        "room that was reserved passes for music",
        "scanner/writers.py",
        "        return _is_reserved(descriptor, size)\n",
        "        return False\n",
        tests("tests/unit/test_readiness.py"),
    ),
    Mutant(
        "what the system has yet to write passes for room that was only reserved",
        "scanner/writers.py",
        " and _has_unwritten(descriptor, size, _WRITE_FIRST)",
        "",
        tests("tests/unit/test_readiness.py"),
    ),
    Mutant(
        "nobody looks for writers once the scan is over",
        "processor/transfers/building.py",
        "look=partial(refuse_unready, source)",
        "look=None",
        tests("tests/integration/test_transfer.py", "-k", "opened_for_writing"),
    ),
    Mutant(
        "a rename may replace what is there",
        "processor/filesystem/syscalls.py",
        "RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2 ",
        "RENAME_NOREPLACE, RENAME_EXCHANGE = 0, 2 ",
        tests("tests/unit/test_files.py", "tests/integration/test_transfer.py"),
    ),
    Mutant(
        "a new file may replace what is there",
        "processor/filesystem/files.py",
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE",
        "os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FILE",
        tests("tests/unit/test_files.py"),
    ),
    Mutant(
        "the journal takes writes of a holder who lost the root",
        "processor/transfers/journal.py",
        "TransferRow.fence == fence, ",
        "",
        tests("tests/integration/test_transfer_journal.py"),
    ),
    Mutant(
        "the journal forgets who put an album into the trash that is still there",
        "processor/transfers/journal.py",
        "query.where(kind | went | restored, ",
        "query.where(",
        tests("tests/integration/test_trash.py"),
    ),
    Mutant(
        "the journal forgets that a move was taken back before it forgets the move",
        "processor/transfers/journal.py",
        "or_(holds & undo.c.released_at.is_(None), first)",
        "holds & undo.c.released_at.is_(None)",
        tests("tests/integration/test_transfer_journal.py", "-k", "forgets"),
    ),
    Mutant(
        "the lease is never asked",
        "config/lease.py",
        "if boottime() - self._renewed > self._lease.deadline:",
        "if False:",
        tests("tests/integration/test_locks.py"),
    ),
    Mutant(
        "a copy is not read back",
        "processor/transfers/materialise.py",
        "            _verify(destination, target, digest)\n",
        "            pass\n",
        tests("tests/faults/test_transfer_strace.py", "-k", "never_reached or goes_on_losing"),
    ),
    Mutant(
        "copies that went away with their folder's old name are not missed",
        "processor/staging/batch.py",
        "        switched = self._each(switched, lambda album: await_copies(album.transfer, self._guard))\n",
        "",
        tests("tests/faults/test_made_up_disks.py"),
    ),
    Mutant(
        "a track that joins may replace what is there",
        "processor/moves/merge.py",
        "                tree.link(hidden, tree, final)\n",
        "                tree.unlink(final, missing_ok=True)\n                tree.link(hidden, tree, final)\n",
        tests(f"{CHANGES}::test_a_file_that_was_taken_meanwhile_is_never_overwritten"),
    ),
    Mutant(
        "two albums change places in three renames",
        "processor/moves/replace.py",
        "            tree.exchange(hidden_folder(found), found.target)\n",
        "            tree.rename_noreplace(found.target, b'.old')\n"
        "            tree.rename_noreplace(hidden_folder(found), found.target)\n"
        "            tree.rename_noreplace(b'.old', hidden_folder(found))\n",
        tests(f"{CHANGES}::test_the_two_albums_change_places_in_one_call"),
    ),
    Mutant(
        "an exchange is not synced",
        "processor/moves/replace.py",
        "    sync_above(found.dst_root, above_target(found), run.guard)\n",
        "",
        power("ext4 → xfs, copy", "power cut", 3, "replace"),
    ),
    Mutant(
        "an undo takes the album away before it is unlisted",
        "processor/moves/undo.py",
        "    check_given_back(undo, run.guard)\n",
        "    check_given_back(undo, run.guard)\n    hide(run, undo, undo.target)\n",
        tests("tests/faults/test_undo_kill.py::test_killed_before_any_step_everything_converges"),
    ),
    Mutant(
        "an undo does not sync what it gives back",
        "processor/transfers/giving_back.py",
        '        sync_each(inbound, folders(file.source for file in undo.files), guard, "fsync back")\n',
        "        pass\n",
        tests(
            "tests/faults/test_undo_durable.py::test_everything_is_synced_before_the_item_is_unlisted_and_before_it_is_done"
        ),
    ),
    Mutant(
        "an undo does not compare what it gave back",
        "processor/transfers/giving_back.py",
        "                if not is_same(staging, within(undo.target, file.target), inbound, file.source):\n",
        "                if False:\n",
        UNDO_TROUBLE,
    ),
    Mutant(
        "an undo removes from staging what is not in inbound",
        "processor/moves/undo.py",
        "                if staging.stat(within(folder, path)) is None or is_same(",
        "                if True or is_same(",
        UNDO_TROUBLE,
    ),
    Mutant(
        "a request goes to an address nobody looked at",
        "processor/client/connection.py",
        "            if why is not None:\n",
        "            if False:\n",
        asking("forbidden or machine or redirect_leads or another_may_not"),
    ),
    Mutant(
        "a name is resolved anew for the connection",
        "processor/client/connection.py",
        "socket.create_connection((address, port)",
        "socket.create_connection((to.host, port)",
        asking("changes_its_mind"),
    ),
    Mutant(
        "credentials follow a redirect",
        "processor/client/call.py",
        "**(call.headers if with_credentials else {})",
        "**call.headers",
        asking("credentials"),
    ),
    Mutant(
        "who led away gets the credentials back",
        "processor/client/exchange.py",
        "at_home = at_home and origin_of(url) == home",
        "at_home = origin_of(url) == home",
        asking("credentials"),
    ),
    Mutant(
        "a request may last as long as bytes drip",
        "processor/client/connection.py",
        "        self._timer.start()\n",
        "",
        asking("lasts_for_ever"),
    ),
    Mutant(
        "an answer may unpack to any size",
        "processor/client/body.py",
        "            if came > limit:\n                raise _too_large(limit)\n            yield out\n",
        "            yield out\n",
        asking("wrong_with"),
    ),
    Mutant(
        "an open circuit lets everybody through",
        "processor/client/circuit.py",
        "    if seconds := _left(circuit.until, now):\n        return Admission(circuit, False, seconds)\n",
        "    if _left(circuit.until, now):\n        return Admission(circuit, True)\n",
        tests("tests/unit/test_client_rules.py", "-k", "five_minutes or probe"),
    ),
    Mutant(
        "the turn is handed on before the service has answered",
        "processor/client/exchange.py",
        "                sending.enter_context(turn())\n",
        "                sending.enter_context(turn())\n                sending.close()\n",
        asking("share_the_pace"),
    ),
    Mutant(
        "who died with the turn keeps it",
        "processor/client/turns.py",
        "free = or_(TurnRow.next_ms <= now, ",
        "free = or_(TurnRow.holder.is_(None), ",
        asking("who_dies"),
    ),
    Mutant(
        "what several want at once is asked as often",
        "processor/client/client.py",
        'with self._turn(self._database, f"answer {key}", self._wait, longest=ALONE * service.total):',
        "with nullcontext():",
        asking("asked_once"),
    ),
    Mutant(
        "a remembered answer holds the key it was asked with",
        "processor/client/call.py",
        "mask.text(self.url), self.accept",
        "self.url, self.accept",
        tests("tests/unit/test_client_rules.py"),
    ),
    Mutant(
        "names that joined an album are not synced",
        "processor/moves/merge.py",
        "    sync_folders(transfer, tree, transfer.target, guard)\n\n\ndef _sign",
        "\n\ndef _sign",
        tests("tests/faults/test_changes_durable.py"),
    ),
    Mutant(
        "fsck goes on with any undo that is not listed",
        "processor/fsck/undos.py",
        'return "published" if given else None',
        'return "published"',
        tests("tests/scenarios/test_fsck_moves.py"),
    ),
    Mutant(
        "a clock that jumps empties the trash",
        "processor/transfers/trash.py",
        "min(passed[id], LONGEST)",
        "passed[id]",
        tests("tests/integration/test_trash.py"),
    ),
    Mutant(
        "an album is published before its NFO and pictures are there",
        "processor/moves/publish.py",
        "        add(tree, hidden, transfer.target, inside(transfer), run.blobs, run.guard)\n",
        "        pass\n",
        PUBLISH_KILLED,
    ),
    Mutant(
        "staging is emptied before the rows say where the album is",
        "processor/moves/publish.py",
        "    return run.published(written(run, found, beside(found)))\n",
        "    clear_staging(run, found)\n    return run.published(written(run, found, beside(found)))\n",
        PUBLISH_KILLED,
    ),
    Mutant(
        "a refresh that is taken up again writes into whatever is there by now",
        "processor/moves/refresh.py",
        '        check_published(tree, transfer.target, transfer.item["home"])  # it may have been moved',
        "        pass  #",
        tests("tests/faults/test_publish_meddling.py", "-k", "moved_away_before"),
    ),
    Mutant(
        "music that changes while other music is compared is published",
        "processor/publication/drafting.py",
        "            laying.check_bytes(staging, item)  # which takes minutes",
        "            laying.check_bytes(staging, item)\n"
        "            files = laying.transfer_files(staging, item, laid.places)  # which takes minutes",
        tests("tests/scenarios/test_publish.py", "-k", "written_to_while"),
    ),
    Mutant(
        "the folder of an artist that somebody took away is made anew",
        "processor/verify.py",
        "            if not _is_there(tree, parent(subject.path)):",
        "            if False:",
        tests("tests/scenarios/test_verify.py", "-k", "took_away"),
    ),
    Mutant(
        "a refresh trusts the ledger and does not look what is there",
        "processor/publication/writing.py",
        "            elif tree.stat(one.path) is not None and (there is None or there != one.over):\n",
        "            elif False:\n",
        tests(f"{PUBLISH}::test_what_somebody_writes_while_a_refresh_is_under_way_stays"),
    ),
    Mutant(
        "what an exchange took out of its place is not looked at",
        "processor/publication/writing.py",
        "    if sha256_at(tree, fresh) == there:\n        return True\n",
        "    return True\n",
        tests(f"{PUBLISH}::test_what_somebody_writes_while_a_refresh_is_under_way_stays"),
    ),
    Mutant(
        "what an interrupted exchange left is removed unseen",
        "processor/publication/writing.py",
        "        tree.exchange(place, one.path)\n",
        "        pass\n",
        tests(f"{PUBLISH}::test_what_an_exchange_took_out_without_looking_goes_back_after_a_crash"),
    ),
    Mutant(
        "what is taken out of a library is not compared with staging",
        "processor/moves/unpublish.py",
        "    check_given_back(undo, run.guard)\n",
        "",
        tests(f"{PUBLISH}::test_what_somebody_writes_while_an_album_is_taken_out_stays"),
    ),
    Mutant(
        "a broken-off publication keeps its item publishing",
        "processor/publication/ledger.py",
        "if item_id not in open_items]",
        "if False]",
        tests(f"{PUBLISH}::test_what_was_broken_off_before_anything_was_to_be_seen_is_approved_again"),
    ),
    Mutant(
        "a picture is decoded however many pixels it says it has",
        "processor/artwork/look.py",
        "if max(width, height) > MOST_SIDE or width * height > most:",
        "if False:",
        on_sqlite("usable_picture", "tests/integration/test_picture_pool.py"),
    ),
    Mutant(
        "any format is opened that Pillow knows",
        "processor/artwork/look.py",
        "formats=FORMATS",
        "formats=None",
        on_sqlite("usable_picture", "tests/integration/test_picture_pool.py"),
    ),
    Mutant(
        "a hash that may be wrong is not made anew",
        "processor/artwork/phash.py",
        "> DOUBTFUL:",
        "> -1:",
        on_sqlite("within_two_bits", "tests/integration/test_picture_pool.py"),
    ),
    Mutant(
        "a cut-off progressive picture is taken for a whole one",
        "processor/artwork/phash.py",
        " or data.rfind(_EOI, at) < 0",
        "",
        on_sqlite("usable_picture", "tests/integration/test_picture_pool.py"),
    ),
    Mutant(
        "a file of the cache is believed by its name",
        "processor/artwork/blobs.py",
        "if hashlib.sha256(data).hexdigest() != blob.sha256:",
        "if False:",
        on_sqlite("damaged or held or goes", "tests/integration/test_blobs.py"),
    ),
    Mutant(
        "a blob has its name before its bytes are durable",
        "processor/artwork/blobs.py",
        "                os.fsync(fd)\n",
        "",
        on_sqlite("durable", "tests/integration/test_blobs.py"),
    ),
    Mutant(
        "a blob has a row before its name is durable",
        "processor/artwork/blobs.py",
        "            tree.sync(above)\n",
        "",
        on_sqlite("durable", "tests/integration/test_blobs.py"),
    ),
    Mutant(
        "a blob that somebody holds is garbage",
        "processor/artwork/blobs.py",
        "free = BlobRow.released_at < before, ~exists().where(BlobHoldRow.sha256 == BlobRow.sha256)",
        "free = (BlobRow.stored_at < before,)",
        on_sqlite("goes or wanted_again", "tests/integration/test_blobs.py"),
    ),
    Mutant(
        "a published blob is not spared",
        "processor/artwork/blobs.py",
        "if blob.sha256 not in spared]",
        "]",
        on_sqlite("spared", "tests/integration/test_blobs.py"),
    ),
    Mutant(
        "a better picture takes the place of the user's own",
        "processor/artwork/selecting.py",
        "return _OWN if one.provider in LOCAL else _OTHERS",
        "return _OTHERS",
        tests("tests/unit/test_picture_choice.py"),
    ),
    Mutant(
        "what a person decides while pictures are selected is overwritten",
        "processor/artwork/pictures.py",
        "        if _state(found) != _state(one.candidate for one in judged):\n            return None\n",
        "",
        on_sqlite("while_a_pass", "tests/integration/test_artwork.py"),
    ),
    Mutant(
        "a picture that ends processes is looked at for ever",
        "processor/artwork/desk.py",
        "found.strikes >= STRIKES and found",
        "found.strikes >= 99 and found",
        on_sqlite("strikes", "tests/integration/test_artwork.py"),
    ),
    Mutant(
        "Kodi is asked while it scans, which stops that scan",
        "processor/players/telling.py",
        "    _rest(line, kind, world)\n    kind.tell(",
        "    kind.tell(",
        on_sqlite("while_it_scans", "tests/integration/test_players.py"),
    ),
    Mutant(
        "Kodi looks at an album again that has another id than its tags, and makes two of it",
        "processor/players/telling.py",
        "            kind.prepare(line, case.wanted)\n",
        "            pass\n",
        on_sqlite("by_the_id_of_its_tags", "tests/integration/test_players.py"),
    ),
    Mutant(
        "what was wanted while a player was told is forgotten",
        "processor/players/debts.py",
        "delete(DebtRow).where(DebtRow.id == debt.id, DebtRow.wanted_at == debt.wanted_at)",
        "delete(DebtRow).where(DebtRow.id == debt.id)",
        on_sqlite("wanted_while", "tests/integration/test_players_told.py"),
    ),
    Mutant(
        "a password goes to another address than the one it was entered for",
        "daemon/actions/players.py",
        'if player.url.strip().rstrip("/") != before.url:',
        "if False:",
        on_sqlite("on_the_page", "tests/integration/test_players_told.py"),
    ),
    Mutant(
        "a folder above the libraries is scanned",
        "processor/players/telling.py",
        "parent = os.path.dirname(folder) if debt.owed.folder else root",
        "parent = os.path.dirname(os.path.dirname(folder))",
        on_sqlite("parent", "tests/integration/test_players.py"),
    ),
    Mutant(
        "a process that stands still in a transaction keeps its rows from all others",
        "config/database.py",
        '                event.listen(self.engine, "connect", _end_what_stands_still)\n',
        "                pass\n",
        tests("tests/faults/test_standing_still.py", "-k", "given_time"),
    ),
    Mutant(
        "a -wal or -shm that is another's by now is written to",
        "config/sqlite_sides.py",
        "    if found == opened:\n",
        "    if True:\n",
        tests("tests/integration/test_migrations.py", "-k", "no_commit_is_lost"),
    ),
    Mutant(
        "who ends removes a -wal with commits that are not in their index",
        "config/database.py",
        '                sqlite_sides.check_last(self.url.database or "", self._file)\n',
        "                pass\n",
        tests("tests/integration/test_migrations.py", "-k", "takes_no_commit"),
    ),
    Mutant(
        "a -wal with commits that are not in our index is removed",
        "config/sqlite_sides.py",
        '        _leave_alone(file, info["file"])\n',
        "        pass\n",
        tests("tests/integration/test_migrations.py", "-k", "no_commit_is_lost"),
    ),
    Mutant(
        "a full disk under the database is an I/O error like any other",
        "config/driver_errors.py",
        "{_told_by_its_disk(url, why)}",
        "",
        tests("tests/faults/test_cycle_full_disk.py", "-k", "named_by"),
    ),
    Mutant(
        "a copy of a library beside it is taken for the library",
        "config/root_folders.py",
        " or found.mark == mark",
        "",
        on_sqlite("copy_beside", "tests/scenarios/test_moved_roots.py"),
    ),
    *SAFEGUARDS,
)


def run(mutants: tuple[Mutant, ...] = MUTANTS) -> Iterator[tuple[Mutant, str]]:
    """Try every mutant; yield each with what came of it: "killed", or what is wrong with it."""
    greens: dict[tuple[str, ...], bool] = {}
    with tempfile.TemporaryDirectory(prefix="greenroom-mutants-") as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, copy / name)
        for mutant in mutants:
            if mutant.proof not in greens:
                greens[mutant.proof] = prove(copy, mutant.proof) == 0
            yield mutant, outcome(copy, mutant) if greens[mutant.proof] else "the proof is red without it"


def outcome(copy: Path, mutant: Mutant) -> str:
    """Put one mutant into the copy of the source, ask its proof, and take it out again."""
    path = copy / mutant.file
    whole = path.read_text()
    if whole.count(mutant.old) != 1:
        return f"its text is {whole.count(mutant.old)} times in {mutant.file}: bring it up to date"
    path.write_text(whole.replace(mutant.old, mutant.new))
    try:
        status = prove(copy, mutant.proof)
    except subprocess.TimeoutExpired:
        status = RED
    finally:
        path.write_text(whole)
    return {RED: "killed", 0: "SURVIVED"}.get(status, f"the proof could not be tried (exit {status})")


def prove(copy: Path, proof: tuple[str, ...]) -> int:
    """Run a proof in the copy of the source; return its exit status."""
    environ = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", *proof]
    return subprocess.run(
        command,
        check=False,
        cwd=copy,
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT,
    ).returncode
