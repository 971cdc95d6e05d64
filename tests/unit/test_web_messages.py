"""Messages on pages: what people may type stands out, and nothing in a message is markup."""

from __future__ import annotations

import pytest

from daemon.web.render import message, sentence


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("approve it with `greenroom review approve 7`", "approve it with <code>greenroom review approve 7</code>"),
        ("`a` or `b`", "<code>a</code> or <code>b</code>"),
        ("an album called ` is one", "an album called ` is one"),
        ("`<b>` & <script>", "<code>&lt;b&gt;</code> &amp; &lt;script&gt;"),
        ("a bell \x07", r"a bell \x07"),
        (None, ""),
    ],
)
def test_what_is_to_be_typed_stands_out_and_all_else_is_text(said: str | None, shown: str) -> None:
    assert message(said) == shown


def test_an_error_is_told_as_a_sentence() -> None:
    assert sentence("not here; see `greenroom doctor`") == "Not here; see <code>greenroom doctor</code>"
    assert sentence("it is <gone>") == "It is &lt;gone&gt;."
