"""Reactions, pins, threads and replaced messages on the command line, against a real gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("marks") / "state").running() as running:
        yield running


@pytest.fixture
def groupchat(process: GatewayProcess) -> Groupchat:
    return Groupchat(process.state, quick=True)


def sent(groupchat: Groupchat, *words: str) -> str:
    return str(groupchat("send", "--json", *words).json["seq"])


def test_a_reaction_is_shown_below_its_message(groupchat: Groupchat) -> None:
    number = sent(groupchat, "shall we?")
    assert groupchat("react", number, "👍").out == f"👍 is on #{number}.\n"
    assert groupchat("react", number, "done", "--json").json["seq"] > int(number)
    assert "    👍 alice · done alice\n" in groupchat("history", "-n", "1").out
    (given,) = groupchat("history", "-n", "1", "--json").json["reactions"]
    assert given["reactions"] == [{"sign": "👍", "members": ["alice"]}, {"sign": "done", "members": ["alice"]}]
    groupchat("react", number, "👍", "--remove")
    assert "    done alice\n" in groupchat("history", "-n", "1").out
    assert "one emoji, or one word" in groupchat("react", number, "two words").err


def test_pinned_messages_are_listed_until_they_are_unpinned(groupchat: Groupchat) -> None:
    number = sent(groupchat, "the plan")
    assert groupchat("pins").out == "Nothing is pinned in general.\n"
    assert groupchat("pin", number).out == f"#{number} is pinned.\n"
    assert f"#{number} alice: the plan\n    pinned by alice\n" in groupchat("pins").out
    assert [one["message"]["seq"] for one in groupchat("pins", "general", "--json").json["pins"]] == [int(number)]
    assert groupchat("unpin", number).out == f"#{number} is no longer pinned.\n"
    assert groupchat("pins", "--json").json["pins"] == []


def test_a_thread_is_its_first_message_and_all_answers(groupchat: Groupchat) -> None:
    first = sent(groupchat, "which disk?")
    answer = sent(groupchat, "--reply-to", first, "the second")
    sent(groupchat, "another matter")
    last = sent(groupchat, "--reply-to", answer, "thanks")
    groupchat("react", answer, "ok")
    assert [one["seq"] for one in groupchat("thread", last, "--json").json["messages"]] == [
        int(one) for one in (first, answer, last)
    ]
    shown = groupchat("thread", last).out.splitlines()
    assert [line.split(": ")[-1] for line in shown] == ["which disk?", "the second", "    ok alice", "thanks"]


def test_resend_takes_the_place_of_a_message_that_nobody_has_seen(groupchat: Groupchat) -> None:
    groupchat("token", "create", "ada", "--json")
    old = sent(groupchat, "@ada look at a.py")
    new = str(groupchat("resend", old, "look", "at b.py", "--json").json["seq"])
    shown = groupchat("history", "-n", "2").out
    assert f"look at a.py\n    replaced by #{new}\n" in shown
    assert f"#{new} alice -> ada (instead of #{old}): look at b.py\n" in shown
    assert "no new text" in groupchat("resend", new, " ").err
    assert "cannot be replaced" in groupchat("resend", old, "x").err
    assert groupchat("resend", "999999", "x").code == 1


def test_listen_tells_reactions_and_pins(groupchat: Groupchat) -> None:
    number = sent(groupchat, "listen to this")
    groupchat("react", number, "ok")
    groupchat("react", number, "ok", "--remove")
    groupchat("pin", number)
    groupchat("unpin", number)
    last = sent(groupchat, "over")
    told = groupchat("listen", "--since", str(int(number) - 1), "--count", "2").out
    assert [line[11:] for line in told.splitlines()[1:-1]] == [
        f"alice puts ok on #{number}",
        f"alice takes ok off #{number}",
        f"alice pins #{number}",
        f"alice unpins #{number}",
    ]
    assert f"#{last} alice: over" in told
