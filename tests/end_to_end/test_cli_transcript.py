"""`groupchat transcript` as a person uses it: a room, a thread, a session, into Markdown and HTML."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess


@pytest.fixture(scope="module")
def groupchat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Groupchat]:
    process = GatewayProcess(tmp_path_factory.mktemp("transcript") / "state")
    with process.running():
        groupchat = Groupchat(process.state, quick=True)
        groupchat("token", "create", "ada")
        yield groupchat


def test_a_room_a_thread_and_a_session_are_written(groupchat: Groupchat, tmp_path: Path) -> None:
    groupchat("session", "open", "release", "--goal", "ship <1.0>")
    root = groupchat("send", "which <b>database</b>?", "--json").json["seq"]
    groupchat("send", "SQLite", "--reply-to", str(root))
    groupchat("send", "@ada", "for you alone")
    for number in range(3):
        groupchat("send", f"more {number}")
    page, notes = tmp_path / "room.html", tmp_path / "thread.md"

    done = groupchat("transcript", "general", "-o", str(page))
    assert done.out == f"6 messages are written to {page}.\n", done.err
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert "which &lt;b&gt;database&lt;/b&gt;?" in page.read_text()
    assert "for you alone" in page.read_text()

    done = groupchat("transcript", "--thread", str(root), "-o", str(notes), "--json")
    assert done.json == {"file": str(notes), "messages": 2}
    assert f"# Thread of message \\#{root}" in notes.read_text()
    assert f", answers \\#{root}" in notes.read_text()

    shown = groupchat("transcript", "--public", "--since", "1h")
    assert "for you alone" not in shown.out and "more 2" in shown.out
    assert groupchat("transcript", "--since", "2100-01-01", "--json").json["messages"] == []
    session = tmp_path / "release.html"
    assert groupchat("transcript", "--session", "release", "-o", str(session)).code == 0
    assert '<h1 dir="auto">Session release</h1>' in session.read_text()
    assert "ship &lt;1.0&gt;" in session.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "room.txt"], "name a file that ends in .md or .html"),
        (["-o", "{folder}/there.md"], "exists already; name a new file"),
        (["-o", "{folder}/no/such/folder/a.md"], "cannot be written: No such file or directory"),
        (["--since", "yesterday"], "'yesterday' is no time. Examples: 30m, 2h"),
        (["nowhere"], "nowhere"),
        (["--thread", "999999"], "999999"),
        (["--session", "none"], "none"),
    ],
)
def test_what_cannot_be_written_is_said_in_a_sentence(
    groupchat: Groupchat, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "there.md").write_text("mine")
    done = groupchat("transcript", *(one.format(folder=tmp_path) for one in words))
    assert (done.code, done.out) == (1, ""), done
    assert said in done.err and "Traceback" not in done.err
    assert (tmp_path / "there.md").read_text() == "mine"
