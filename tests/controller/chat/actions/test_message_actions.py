"""Commands about a message, as a person types them: reply, thread, react, pin, copy. A real gateway is behind."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from controller.chat.terminal.clipboard import osc52, through_tmux
from gateway.client import Client
from gateway.protocol.requests.mark_requests import React
from gateway.protocol.results import Done
from tests.controller.chat_driver import drive_chat
from tests.controller.room_members import newest
from tests.support.gateways import Gateway


async def test_reactions_stand_below_a_message_and_follow(gateway: Gateway, bob: Client) -> None:
    number = (await bob.send("shall we?")).seq
    await bob.request(React(message=number, sign="👍"), Done)
    async with drive_chat(gateway.operator) as one:
        await one.shows("shall we?", "👍 bob")
        one.enter(f"/react {number} done")
        await one.shows("👍 bob · done alice", f"done is on #{number}")
        await bob.request(React(message=number, sign="👍", remove=True), Done)
        await one.hides("👍 bob")
        one.enter(f"/react {number} done")
        await one.shows(f"done is off #{number}")
        await one.hides("done alice")


async def test_pins(gateway: Gateway, bob: Client) -> None:
    number = (await bob.send("the plan")).seq
    await bob.send("something else")
    async with drive_chat(gateway.operator) as one:
        one.enter("/pins")
        await one.shows("Nothing is pinned in general")
        one.enter(f"/pin {number}")
        await one.shows(f"#{number} is pinned", "      pinned")
        one.enter("/pins")
        await one.shows("Pinned in general", "Enter goes there")
        one.type("\x1b")
        one.enter(f"/unpin {number}")
        await one.shows("no longer pinned")
        await one.until(lambda: "      pinned" not in one.emulated.rows)
    async with drive_chat(gateway.operator) as one:
        one.enter(f"/pin {number}")
        await one.shows("      pinned")


async def test_a_pin_from_before_is_shown(gateway: Gateway, bob: Client) -> None:
    number = (await bob.send("the plan")).seq
    async with drive_chat(gateway.operator) as one:
        one.enter(f"/pin {number}")
        await one.shows("      pinned")
    async with drive_chat(gateway.operator) as one:
        await one.shows("the plan", "      pinned")


async def test_a_reply_names_what_it_answers_and_a_thread_lists_both(gateway: Gateway, bob: Client) -> None:
    number = (await bob.send("which disk?")).seq
    await bob.send("another matter")
    async with drive_chat(gateway.operator) as one:
        one.enter(f"/reply {number} the second")
        await one.shows("the second", f"┌ bob: which disk? (#{number})")
        assert (await newest(bob)).reply_to == number
        one.enter(f"/thread {number}")
        await one.shows(f"Thread of #{number}: 2")
        await one.hides("another matter")


async def test_a_refused_reply_aims_nothing_at_its_message(gateway: Gateway, bob: Client) -> None:
    async with drive_chat(gateway.operator) as one:
        number = (await bob.send("the first")).seq
        await one.shows("the first")
        one.enter(f"/reply {number} @nobody the second")
        await one.shows("Nobody here is called")
        assert one.chat.state.target is None
        await one.hides(f"reply to #{number}")


async def test_a_reply_to_a_direct_message_is_direct(gateway: Gateway, bob: Client) -> None:
    number = (await bob.send("psst", to=("@alice",))).seq
    async with drive_chat(gateway.operator) as one:
        one.enter(f"/reply {number} I see")
        await one.shows("→ bob", "I see")
        await one.until(one.chat.state.own_numbers)
        assert (await newest(bob)).recipients == ("bob",)


async def test_copy_gives_the_terminal_the_text_and_says_how_much(gateway: Gateway, bob: Client) -> None:
    number = (await bob.send("run\n```\nls -l\n```")).seq
    async with drive_chat(gateway.operator) as one:
        await one.shows("ls -l")
        one.enter("/copy")
        await one.shows(f"Copied #{number}: 17 characters.")
        one.enter(f"/copy {number} code")
        await one.shows(f"Copied code block 1 of #{number}: 5 characters.")
        assert f"\x1b]52;c;{base64.b64encode(b'ls -l').decode()}\x07" in one.emulated.written
        one.enter(f"/copy {number} code 7")
        await one.shows("has 1 code block.")


async def test_mentions_walks_back_one_further_each_time(gateway: Gateway, bob: Client) -> None:
    for text in ("@all first for @alice", "second for @alice", "third for @alice"):
        await bob.send(text)
        for filler in range(12):
            await bob.send(f"filler {filler}")
    async with drive_chat(gateway.operator) as one:
        await one.shows("filler 11")
        for text in ("third", "second", "first"):
            one.enter("/mentions")
            await one.shows(f"{text} for @alice" if text != "first" else "first for @alice")
        one.enter("/mentions")
        await one.shows("No earlier message here names you.")


def test_a_sequence_through_tmux_doubles_its_escapes() -> None:
    assert through_tmux(osc52("a")) == "\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\"


@pytest.fixture
def in_a_shell(gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The commands that the chat runs find this gateway; the folder that they and the chat are in."""
    monkeypatch.setenv("CSP_GATEWAY_URL", gateway.operator.url)
    monkeypatch.setenv("CSP_AUTH_TOKEN", gateway.operator.token)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.processes
@pytest.mark.parametrize(
    ("name", "begins"), [("r.md", "# \\#general"), ("r.html", "<!doctype html>"), ("r.jsonl", "{")]
)
async def test_a_room_is_written_to_a_file(
    name: str, begins: str, gateway: Gateway, bob: Client, in_a_shell: Path
) -> None:
    await bob.send("to be kept")
    async with drive_chat(gateway.operator) as one:
        await one.shows("to be kept")
        one.enter(f"/export {name}")
        await one.shows(f"general is written to {name}")
        text = (in_a_shell / name).read_text(encoding="utf-8")
        assert text.lower().startswith(begins) and "to be kept" in text
        one.enter(f"/export {name}")
        await one.shows(f"{name} exists already; name a new file.")
