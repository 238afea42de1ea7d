"""A vendor changes its program under a running session: other hooks, another transcript folder, another screen. No
message is lost or typed twice, nothing is typed into what is not understood, and somebody can be told why."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.agent_control.silence_diagnosis import WhyFacts, why_silent
from gateway.protocol.events import MemberView
from gateway.protocol.requests.agent_requests import SetCondition
from gateway.protocol.results import Why
from gateway.protocol.types.agent_conditions import Condition
from gateway.protocol.types.core_types import MemberKind, Presence
from gateway.protocol.types.silence_causes import SilenceCause
from sidecar.activity.explanation import explanation_lines
from sidecar.explain_socket import ask_sidecar_for
from tests.end_to_end.test_rules_file_agent import MARKS, TRANSCRIPT, rules
from tests.fakes.retry import retry_until
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.sidecar_terminal import DEMO, SidecarTerminal, sidecar_in_terminal

HOOKS = 'environment = {{ REPL_HOOK = "{{hook}}", REPL_HOOK_FORM = "{form}" }}\n[hooks]\nstyle = "claude"\n'
KEPT, ELSEWHERE = "{private}/talk.jsonl", "{private}/moved.jsonl"


async def explained(folder: Path, name: str) -> str:
    async for answer in ask_sidecar_for(folder / "private", name, "explain"):
        return "\n".join(explanation_lines(answer))
    raise AssertionError("no answer")


def why(pane: SidecarTerminal, number: int, condition: Condition | None = None) -> Why:
    """What the gateway answers to `why`, from what this sidecar has told it."""
    room, told = pane.room, pane.room.activities[-1]
    member = MemberView(
        room.me,
        MemberKind.AGENT,
        presence=Presence.ONLINE,
        activity=told.activity,
        composer=told.composer,
        note=told.note,
        condition=condition,
    )
    return why_silent(WhyFacts(member, last=room.deliveries[number]))


@asynccontextmanager
async def repl(folder: Path, form: str, *, writes: str) -> AsyncIterator[SidecarTerminal]:
    """A program whose hooks have this form and whose transcript is written there."""
    rules(folder, HOOKS.format(form=form) + MARKS + TRANSCRIPT, words=writes)
    async with sidecar_in_terminal(folder, (), MemoryRoom("mine"), "mine") as pane:
        await pane.is_("idle")
        yield pane


@pytest.mark.parametrize("form", ["renamed", "fields", "nested"])
async def test_hooks_in_another_form_are_no_loss_while_there_is_a_transcript(form: str, tmp_path: Path) -> None:
    async with repl(tmp_path, form, writes=KEPT) as pane:
        first, second = pane.room.say("one"), pane.room.say("two")
        await pane.reaches(second, "answered")
        assert pane.room.replies == {
            number: f"heard: [alice -> mine #{number}] {text}" for number, text in ((first, "one"), (second, "two"))
        }
        assert pane.room.reasons(first).count("transcript") >= 1


async def test_a_transcript_in_another_folder_is_no_loss_while_there_are_hooks(tmp_path: Path) -> None:
    async with repl(tmp_path, "", writes=ELSEWHERE) as pane:
        first, second = pane.room.say("one"), pane.room.say("two")
        await pane.reaches(second, "answered")
        assert pane.room.replies == {
            number: f"heard: [alice -> mine #{number}] {text}" for number, text in ((first, "one"), (second, "two"))
        }


async def test_where_both_have_changed_it_is_said_what_is_missing(tmp_path: Path) -> None:
    """The next message waits until the first is proven or has failed; that takes a minute, so it is not waited for."""
    async with repl(tmp_path, "renamed", writes=ELSEWHERE) as pane:
        first = pane.room.say("one")
        await pane.shows("heard: [alice -> mine #1] one")
        second = pane.room.say("two")
        await retry_until(lambda: "turn" in pane.room.reasons(second), describe=pane.describe)
        words = await explained(tmp_path, "mine")
        assert "Hooks: 2 have come, the last one turn.stop " in words
        assert "they told of a prompt never." in words
        assert "talk.jsonl, which is not there; it told of a turn never." in words
        assert why(pane, first).last == "#1 submitted"
        assert "two" not in pane.text


LOGIN = """
[[conditions]]
name = "it wants a login"
region = "last_row"
kind = "login"
regex = '^(?P<text>Sign in to go on)'
"""


def condition(pane: SidecarTerminal) -> Condition | None:
    """The one that its sidecar has told last."""
    told = [one.condition for one in pane.room.asked if isinstance(one, SetCondition)]
    return told[-1] if told else None


async def test_a_login_in_the_middle_of_a_session_is_named_and_nothing_is_typed_into_it(tmp_path: Path) -> None:
    marks = MARKS.replace("'\\[y/n\\] $'", "'Code: $'")
    assert marks != MARKS
    rules(tmp_path, marks + TRANSCRIPT + LOGIN, words=KEPT)
    async with sidecar_in_terminal(tmp_path, (), MemoryRoom("mine"), "mine") as pane:
        await pane.is_("idle")
        first = pane.room.say("sign in")
        await pane.is_("asking")
        second = pane.room.say("two")
        await retry_until(lambda: "held" in pane.room.rungs(second), describe=pane.describe)
        await retry_until(lambda: condition(pane) is not None, describe=pane.describe)
        told = condition(pane)
        assert told is not None and (str(told.kind), told.text) == ("login", "Sign in to go on")
        assert why(pane, second, told).cause is SilenceCause.LOGIN
        assert pane.text.rstrip().endswith("Code:")
        pane.type("4711\r")
        await pane.reaches(second, "answered")
        assert pane.room.replies == {first: "signed in with 4711", second: f"heard: [alice -> mine #{second}] two"}


NEW_SCREEN = f"""
import os, sys, tty
tty.setraw(0)
os.write(1, b"\\x1b[2J\\x1b[H\\x1b[?2004h Agent 9.0   what shall we do today?\\r\\n\\r\\n  |  \\r\\n")
with open("read", "ab", buffering=0) as file:
    while b"q" not in (data := os.read(0, 4096)):
        file.write(data)
os.execv({sys.executable!r}, {[*DEMO, "--resume"]!r})
"""


def prompts(folder: Path) -> list[str]:
    (transcript,) = (folder / "private").glob("demo-*.jsonl")
    lines = map(json.loads, transcript.read_text().splitlines())
    return [one["text"] for one in lines if one["type"] == "user"]


async def test_after_an_update_in_the_middle_of_a_session_mail_waits_until_its_screen_is_understood(
    tmp_path: Path,
) -> None:
    """The process replaces itself by a release that no rule knows, and later by one that looks as before."""
    (tmp_path / "new.py").write_text(NEW_SCREEN)
    command = ("sh", "-c", f"{' '.join(DEMO)}; exec {sys.executable} new.py")
    async with sidecar_in_terminal(tmp_path, command, agent="demo") as pane:
        await pane.is_("idle")
        first = pane.room.say("one")
        await pane.reaches(first, "answered")
        pane.type("/exit\r")
        await pane.shows("what shall we do today?")
        second = pane.room.say("two")
        await retry_until(lambda: "unknown" in pane.room.reasons(second), describe=pane.describe)
        await retry_until(lambda: "no rule matches it" in why(pane, second).evidence, describe=pane.describe)
        assert why(pane, second).cause is SilenceCause.UNKNOWN_SCREEN
        assert "it told of a turn" in await explained(tmp_path, "claude")
        assert (tmp_path / "read").read_bytes() == b""
        pane.type("q")
        await pane.reaches(second, "answered")
        assert prompts(tmp_path) == ["[alice -> claude #1] one", f"[alice -> claude #{second}] two"]
