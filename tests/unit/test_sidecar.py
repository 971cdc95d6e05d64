from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Rejected
from processor.filesystem.files import Tree
from processor.transfers import sidecar
from processor.transfers.transfer import Transfer, TransferFile, file_to_json
from scanner.identity import Identity

numbers = st.integers(0, 2**64 - 1)
paths = st.binary(min_size=1, max_size=30)
files = st.builds(
    TransferFile,
    source=paths,
    target=paths,
    role=st.sampled_from(["audio", "cue"]),
    identity=st.builds(Identity, numbers, numbers, numbers, numbers, numbers),
    digest=st.none() | st.just("blake3:00"),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


FILE = TransferFile("Ærø/1.mp3".encode(), b"caf\xe9.mp3", "audio", Identity(1, 2, 3, 4, 5))


def transfer(members: tuple[TransferFile, ...] = (), item: dict[str, Any] | None = None) -> Transfer:
    return Transfer("t-1", "album", "planned", b"/in", b"/out", b"A/A\xff", members, item or {}, 1, "boot")


@given(st.lists(files, max_size=3).map(tuple), st.dictionaries(st.text(max_size=5), anything, max_size=3))
def test_what_is_written_is_read_back(members: tuple[TransferFile, ...], item: dict[str, Any]) -> None:
    written = sidecar.of(transfer(members, item))
    data = sidecar.encode(written)
    assert sidecar.decode(data) == written
    assert sidecar.encode(sidecar.decode(data)) == data


@given(files)
def test_the_journal_and_the_sidecar_say_of_a_file_the_same_in_the_same_words(file: TransferFile) -> None:
    same = json.dumps(file_to_json(file), ensure_ascii=False, sort_keys=True)
    assert sidecar.file_line(file) == same


def test_people_can_read_it() -> None:
    text = sidecar.encode(sidecar.of(transfer((FILE,), {"album": "Ærø ☃"}))).decode()
    assert '"source": "Ærø/1.mp3"' in text
    assert '"album": "Ærø ☃"' in text
    assert json.loads(text)["files"][0]["target"] == {"base64": "Y2Fm6S5tcDM="}
    assert text.endswith("}\n")


def test_a_number_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(Rejected, match="cannot be written as JSON"):
        sidecar.encode(sidecar.of(transfer((), {"gain": float("nan")})))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"greenroom_sidecar": 2}',
        b'{"greenroom_sidecar": 1, "transfer": "x"}',
        b"[" * 100_000,
        sidecar.encode(sidecar.of(transfer((FILE,)))).replace(b"[1,", b"[1e999,"),
        sidecar.encode(sidecar.of(transfer((FILE,)))).replace(b'"audio"', b'{"is": "audio"}'),
        sidecar.encode(sidecar.of(transfer((FILE,)))).replace(b'"digest": null', b'"digest": 7'),
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected, match="not a sidecar"):
        sidecar.decode(data)


def test_a_folder_is_ours_only_by_the_transfer_it_names(tmp_path: Path) -> None:
    with Tree(os.fsencode(tmp_path)) as tree:
        for name in (b"ours", b"theirs", b"none", b"odd"):
            tree.make(name)
        sidecar.write(tree, b"ours", transfer())
        (tmp_path / "odd" / "album.greenroom.json").write_bytes(b"{}")
        (tmp_path / "file").write_bytes(b"")
        (tmp_path / "link").symlink_to("ours")
        os.mkdir(tmp_path / "theirs" / "album.greenroom.json")
        owners = {
            name: sidecar.is_of(tree, name, "t-1") for name in (b"ours", b"theirs", b"none", b"odd", b"file", b"link")
        }
        assert owners == {
            b"ours": True,
            b"theirs": False,
            b"none": False,
            b"odd": False,
            b"file": False,
            b"link": False,
        }
        assert sidecar.is_of(tree, b"ours", "t-2") is False
