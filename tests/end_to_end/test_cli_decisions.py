"""`groupchat propose`, `vote`, `decisions`, `decide` and `session` as a person and a script use them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    process = GatewayProcess(tmp_path_factory.mktemp("decisions") / "state")
    with process.running():
        yield process


@pytest.fixture
def groupchat(process: GatewayProcess) -> Groupchat:
    return Groupchat(process.state, quick=True)


@pytest.fixture(scope="module")
def ada(process: GatewayProcess) -> Groupchat:
    """An agent's own commands."""
    made = Groupchat(process.state, quick=True)("token", "create", "ada", "--json").json
    return Groupchat(process.state, quick=True).with_env(CSP_AUTH_TOKEN=made["token"], CSP_GATEWAY_URL=process.url)


def test_a_vote_from_question_to_result(groupchat: Groupchat, ada: Groupchat) -> None:
    before = groupchat("decisions", "--all", "--json").json["decisions"]
    asked = groupchat(
        "propose", "Which database?", "-o", "Postgres", "-o", "SQLite with WAL", "--voter", "ada", "--voter", "alice"
    )
    assert asked.err == "" and asked.code == 0
    head, question, *options, waits = asked.out.splitlines()
    key = head.split()[0]
    assert head == f"{key} of alice: majority of ada, alice, pending"
    assert (question, options) == ("  Which database?", ["  A) Postgres", "  B) SQLite with WAL"])
    assert waits == "  waits for ada, alice"
    wrong = groupchat("vote", key, "C")
    assert (wrong.code, "Its options are: A, B." in wrong.err) == (1, True)
    groupchat("vote", key, "B", "--because", "one file")
    voted = ada("vote", key, "sqlite with wal", "--json").json
    assert (voted["state"], voted["outcome"]) == ("decided", "B")
    assert groupchat("decisions").out == "No open decisions.\n"
    assert groupchat("decisions", key).out.splitlines()[-3:] == [
        "  - alice: B (SQLite with WAL), because one file",
        "  - ada: B (SQLite with WAL)",
        "  Decided: B (SQLite with WAL) by 2 of 2 (majority).",
    ]
    every = groupchat("decisions", "--all", "--json").json["decisions"]
    assert [one["id"] for one in every if one not in before] == [key]


def test_a_proposal_to_one(groupchat: Groupchat, ada: Groupchat) -> None:
    key = groupchat("propose", "Review it by noon", "--to", "@ada", "--json").json["id"]
    assert "Accepted by ada." in ada("vote", key, "accept").out
    assert "Disputed by alice." in groupchat("vote", key, "dispute", "--because", "never done").out


def test_its_author_ends_it(groupchat: Groupchat, ada: Groupchat) -> None:
    key = groupchat("propose", "Go on?", "--voter", "ada", "--voter", "alice", "--weight", "ada=2", "--json").json["id"]
    assert "is not a weight. Write NAME=N" in groupchat("propose", "x", "--weight", "ada").err
    groupchat("vote", key, "no")
    assert "Decided: no by 1 of 3 (majority); ada did not vote." in groupchat("decide", key).out
    other = groupchat("propose", "Go on?", "--voter", "ada", "--json").json["id"]
    assert "Cancelled by alice." in groupchat("decide", other, "--cancel").out


def test_a_session_and_its_document(groupchat: Groupchat, ada: Groupchat, tmp_path: Path) -> None:
    opened = groupchat("session", "open", "storage", "--goal", "choose\n# one", "--with", "ada", "--deadline", "3600")
    assert opened.out.startswith("storage (active) in general, with ada, until ") and opened.out.endswith(
        ": choose # one\n"
    )
    forged = "I say:\n```\n# Session forged\n````\n<script>alert(1)</script>"
    ada("send", forged)
    key = groupchat("propose", "Which?\n# no heading", "--voter", "ada", "-o", "a", "-o", "b", "--json").json["id"]
    ada("vote", key, "a", "--because", "*bold* [x](http://x) <b>")
    groupchat("context", "push", "storage", "-", given='{"engine": "sqlite"}')
    assert groupchat("session", "pause", "storage").out.startswith("storage (paused)")
    groupchat("send", "not part of it")
    groupchat("session", "resume", "storage")
    assert [one["name"] for one in groupchat("session", "list", "--json").json["sessions"]] == ["storage"]
    groupchat("session", "close", "storage", "--summary", "SQLite.")
    assert groupchat("session", "list").out == "There is no session.\n"
    shown = groupchat("session", "show", "storage").out
    assert (
        f"  {key}: Which? # no heading Decided: a by 1 of 1 (majority)." in shown
        and "storage of #general, version 1" in shown
    )
    assert "3 messages; the last:" in groupchat("session", "summary", "storage").out
    assert len(groupchat("session", "summary", "storage", "--json").json["messages"]) == 3
    file = tmp_path / "storage.md"
    assert "(3 messages)" in groupchat("session", "summary", "storage", "--markdown", str(file)).out
    text = file.read_text()
    assert groupchat("session", "summary", "storage", "--markdown", "-").out == text
    assert "exists already" in groupchat("session", "summary", "storage", "--markdown", str(file)).err
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Summary",
        "## Decisions",
        "## Shared contexts",
        "## Messages",
    ]
    assert "not part of it" not in text
    assert '  "engine": "sqlite"' in text and "`````text\nI say:" in text
    assert "because \\*bold\\* \\[x\\]\\(http\\://x\\) \\<b\\>" in text


def test_what_goes_wrong_is_a_sentence(groupchat: Groupchat) -> None:
    for found, words in (
        (groupchat("propose", "x", "--rule", "most"), "Unknown rule"),
        (groupchat("propose", "x", "--to", "nobody"), "Nobody here is called"),
        (groupchat("vote", "d-1", "yes"), "There is no decision 'd-1'"),
        (groupchat("decide", "d-1"), "There is no decision"),
        (groupchat("session", "close", "nothing"), "There is no session 'nothing'"),
        (groupchat("session", "open", "a b"), "is not a valid name"),
    ):
        assert (found.code, words in found.err) == (1, True), found.err
