"""Pictures of an album by page: looked at in limited processes, shown small, chosen, rejected, given by a person."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image

from daemon.bootstrap import Application
from processor.metadata.artists import artist_named, link_artists
from tests.integration.test_web_acts import stage
from tests.web import NAME, Browser

pytestmark = pytest.mark.sqlite


def picture(colour: str, side: int = 600, format: str = "JPEG") -> bytes:
    data = io.BytesIO()
    made = Image.new("RGB", (side, side), colour)
    made.paste(Image.linear_gradient("L").resize((side // 2, side // 2)), (side // 4, 0))
    made.save(data, format)
    return data.getvalue()


@pytest.fixture
def pages(browser: Browser, tmp_path: Path) -> str:
    """The address of the pictures of an album with a cover in its folder, which was looked at."""
    (tmp_path / "inbound" / "Harbour").mkdir()
    (tmp_path / "inbound" / "Harbour" / "cover.jpg").write_bytes(picture("steelblue"))
    item = stage(browser, tmp_path, "Harbour", tracks=1)["Harbour"]
    address = f"/review/{item}/pictures"
    assert "None is on offer yet." in browser.client.get(address).text
    browser.client.post(f"{address}/look", data={"csrf": browser.csrf()})
    return address


def send(browser: Browser, path: str, **form: str) -> str:
    return browser.client.post(path, data={"csrf": browser.csrf(), **form}).text


def test_the_albums_own_cover_is_selected_and_shown_small(browser: Browser, pages: str) -> None:
    page = browser.client.get(pages).text
    assert "selected" in page
    assert "600 × 600 jpeg" in page
    assert "resolution" in page
    (preview,) = re.findall(r'src="(/previews/[0-9a-f]{64}\.jpg)"', page)
    answer = browser.client.get(preview)
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as small:
        assert max(small.size) <= 400
    assert preview in browser.client.get(pages.removesuffix("/pictures")).text
    for nowhere in ("/previews/../greenroom.db.jpg", f"/previews/{'0' * 64}.jpg", "/previews/x.jpg"):
        assert browser.client.get(nowhere).status_code == 404


def test_a_picture_is_rejected_and_left_to_the_rule_again(browser: Browser, pages: str) -> None:
    (number,) = re.findall(r'name="rejected" value="(\d+)"', browser.client.get(pages).text)
    page = send(browser, f"{pages}/decide", rejected=number)
    assert f"rejected by {NAME}" in page
    assert 'class="picked"' not in page
    assert 'class="picked"' in send(browser, f"{pages}/decide", rule=number)
    assert "Press one button" in send(browser, f"{pages}/decide")
    assert "no picture 999" in send(browser, f"{pages}/decide", chosen="999")


def test_a_picture_that_a_person_gives_is_the_first_of_its_type(browser: Browser, pages: str) -> None:
    form = {"csrf": browser.csrf(), "type": "front"}
    given = {"file": ("x.png", picture("darkred", 700, "PNG"), "text/html")}
    page = browser.client.post(pages, data=form, files=given).text
    picked = re.findall(r'<li class="picked">.*?</li>', page, re.DOTALL)
    assert "700 × 700 png" in picked[0]
    assert "chosen by eva" in picked[0]


def test_a_picture_that_is_too_small_for_its_type_says_so(browser: Browser, pages: str) -> None:
    form, given = {"csrf": browser.csrf(), "type": "fanart"}, {"file": ("x.png", picture("darkred", 300, "PNG"))}
    page = browser.client.post(pages, data=form, files=given).text
    assert "are wanted" not in page, "what a person chose never is too small"
    (number,) = re.findall(r'name="rule" value="(\d+)"', page)
    said = re.search(r"It has 300 × 300 pixels; \d+ a side are wanted\.", send(browser, f"{pages}/decide", rule=number))
    assert said
    listed = browser.client.get(f"/api/v1/items/{pages.split('/')[2]}/pictures").json()["pictures"]
    assert [(one["code"], one["message"]) for one in listed if one["type"] == "fanart"] == [("too_small", said[0])]


def test_a_picture_of_the_artist_is_given_and_shown_beside_the_albums(
    app: Application, browser: Browser, pages: str
) -> None:
    item = int(pages.split("/")[2])
    with app.database.begin() as connection:
        link_artists(connection, item, [artist_named(connection, "Nora <b> Vale", None)])
    assert 'value="thumb Nora &lt;b&gt; Vale"' in browser.client.get(pages).text
    form = {"csrf": browser.csrf(), "type": "thumb Nora <b> Vale"}
    given = {"file": ("x.png", picture("darkred", 700, "PNG"), "image/png")}
    page = browser.client.post(pages, data=form, files=given).text
    assert re.search(r"Thumb of Nora &lt;b&gt; Vale</h2>.*700 × 700 png", page, re.DOTALL)
    assert "is not by Eva" in browser.client.post(pages, data=form | {"type": "thumb Eva"}, files=given).text


@pytest.mark.parametrize(
    ("type", "data"),
    [("front", b"<script>alert(1)</script>"), ("front", b"<svg/>"), ("front", b""), ("poster", picture("red"))],
)
def test_what_is_no_picture_is_refused(browser: Browser, pages: str, type: str, data: bytes) -> None:
    form = {"csrf": browser.csrf(), "type": type}
    answer = browser.client.post(pages, data=form, files={"file": ("x.jpg", data, "image/jpeg")})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text


def test_only_a_picture_may_be_large(browser: Browser, pages: str) -> None:
    large = {"file": ("x.jpg", b"x" * (2 << 20), "image/jpeg")}
    assert browser.client.post(pages, data={"csrf": browser.csrf(), "type": "front"}, files=large).status_code == 422
    assert browser.client.post("/review/1/note", data={"csrf": "x", "text": "x" * (2 << 20)}).status_code == 413


def test_the_api_lists_decides_gives_and_sends_pictures_that_are_nothing_else(browser: Browser, pages: str) -> None:
    address = f"/api/v1/items/{pages.split('/')[2]}/pictures"
    (own,) = browser.client.get(address).json()["pictures"]
    assert (own["rank"], own["provider"], own["width"], own["decision"]) == (1, "folder", 600, None)
    assert sum(own["parts"].values()) == pytest.approx(own["score"])
    sent = browser.client.get(own["image"])
    assert (sent.headers["content-type"], sent.content) == ("image/jpeg", picture("steelblue"))
    assert sent.headers["content-disposition"].startswith("attachment")
    assert sent.headers["x-content-type-options"] == "nosniff"
    assert browser.client.get(own["preview"]).headers["content-type"] == "image/jpeg"
    file = {"file": ("<b>.html", picture("darkred", 700, "PNG"), "text/html")}
    given = browser.client.post(address, data={"type": "front"}, files=file).json()
    assert [(one["width"], one["chosen_by"]) for one in given["selected"]] == [(700, NAME), (600, None)]
    one = f"{address}/{given['selected'][0]['candidate']}"
    assert browser.client.get(f"{one}/image").headers["content-type"] == "image/png"
    rejected = browser.client.post(one, json={"decision": "rejected"}).json()
    assert [found["candidate"] for found in rejected["selected"]] == [own["number"]]
    assert browser.client.post(one, json={"decision": None}).status_code == 200
    assert browser.client.post(f"{address}/look").json()["changed"] is False
    assert browser.client.post(f"{address}/999", json={"decision": "chosen"}).status_code == 404
    assert browser.client.get(f"{address}/999/image").status_code == 404
    assert browser.client.get("/api/v1/items/999/pictures").status_code == 404
    for wrong in ({"decision": "mine"}, {}):
        assert browser.client.post(one, json=wrong).status_code == 422
