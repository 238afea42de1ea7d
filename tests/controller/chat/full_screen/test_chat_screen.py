"""The chat as a person uses it: keys in, the screen out, a real gateway behind."""

from __future__ import annotations

import asyncio
import inspect
import time
from pathlib import Path

import pytest

from controller.chat.full_screen.appearance import ChatLook
from controller.chat.full_screen.key_settings import rebind
from controller.chat.session.pane_interface import NoPaneControl
from controller.team.team import ChatSpec
from controller.view.text.text_rows import width_of
from gateway.client import Client
from gateway.client.discovery.running_gateway import GIVEN_UP_FILE, read_supervisor_failure
from gateway.files.private_files import write_private
from gateway.protocol.events import Control, Message
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.approval_requests import CloseAsk, OpenAsk
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Activity, AskState, Composer, MemberKind, Option, Rung, Step
from tests.controller import streams
from tests.controller.chat_driver import drive_chat
from tests.controller.room_members import agent, said
from tests.support.gateways import Gateway, GatewayProcess

F6 = "\x1b[17~"


class WithPanes(NoPaneControl):
    remedy = "try /restart gateway"


class SlowPanes(NoPaneControl):
    """`/large` answers when it may."""

    def __init__(self) -> None:
        self.may_answer, self.has_answered = asyncio.Event(), False

    async def make_large(self) -> str:
        await self.may_answer.wait()
        self.has_answered = True
        return "The chat is large."


async def test_what_is_written_is_said_and_shown(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        one.enter("good morning")
        await one.shows("alice #", "good morning")
        await one.until(lambda: one.emulated.rows[-1] == "alice >")
        assert await said(gateway) == ["good morning"]


async def test_receipts_advance_under_ones_own_message(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await one.shows("● claude coder")
        one.enter("@claude hello")
        await one.shows("→ claude", "· claude queued")
        number = one.chat.state.own_numbers()[-1]
        held = (Step(Rung.HELD, reason="busy"),)
        await claude.request(Report(message=number, steps=held), Done)
        await one.shows("· claude held because busy")
        await claude.request(Report(message=number, steps=(Step(Rung.TYPED), Step(Rung.SUBMITTED))), Done)
        await claude.request(Report(message=number, steps=(Step(Rung.SEEN), Step(Rung.ANSWERED))), Done)
        await one.shows("✓ claude answered")


async def test_the_roster_follows_what_agents_do(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await one.shows("● claude coder", "idle")
        await claude.request(SetActivity(activity=Activity.BUSY, composer=Composer.DRAFT), Done)
        await one.shows("◆ claude coder", "busy · draft")
        one.enter("/pause claude")
        await one.shows("busy · paused · draft", "Paused: claude")


async def test_an_unknown_name_is_refused_and_kept_in_the_input(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator) as one:
        await one.shows("claude")
        one.enter("@cluade hi")
        await one.shows("Nobody here is called 'cluade'. Did you mean @claude", "alice > @cluade hi")
        assert await said(gateway) == []


async def test_an_absent_agent_is_doubted_once(gateway: Gateway) -> None:
    await gateway.member("claude")
    async with drive_chat(gateway.operator) as one:
        await one.shows("away")
        one.enter("@claude later")
        await one.shows("claude is not here", "alice > @claude later")
        assert await said(gateway) == []
        one.type("\r")
        await one.shows("→ claude")
        assert await said(gateway) == ["later"]


@pytest.mark.parametrize(
    ("newer", "meanwhile", "at_the_end"),
    [
        ("/mute", "general is muted", "general is muted"),
        ("/room 7", "so there is no room 7", "You are in 1 room, so"),
        ("hello", "alice #", "The chat is large."),
    ],
)
async def test_a_late_answer_does_not_replace_one_to_a_newer_command(
    gateway: Gateway, newer: str, meanwhile: str, at_the_end: str
) -> None:
    panes = SlowPanes()
    async with drive_chat(gateway.operator, pane_control=panes) as one:
        one.enter("/large")
        one.enter(newer)
        await one.shows(meanwhile)
        panes.may_answer.set()
        await one.until(lambda: panes.has_answered)
        assert one.screen.hint.startswith(at_the_end)


async def test_many_lines_are_one_message(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        one.type("first\x1b\rsecond")
        await one.shows("alice > first", "        second")
        one.type("\r")
        await one.until(one.chat.state.stream.newest)
        assert await said(gateway) == ["first\nsecond"]


async def test_a_paste_is_text_whatever_is_in_it(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        one.type("\x1b[200~one\ntwo\n\x1b[201~")
        await one.shows("alice > one", "two")
        assert await said(gateway) == []
        one.type("\r")
        await one.until(one.chat.state.stream.newest)
        assert await said(gateway) == ["one\ntwo\n"]


async def test_names_and_commands_complete(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator) as one:
        await one.shows("● claude")
        one.type("@cl")
        await one.shows("@claude", "coder, idle")
        one.type("\t\r")
        await one.shows("alice > @claude")
        one.type("hi\r")
        await one.shows("→ claude")
        one.type("/pau")
        await one.shows("/pause", "hold the messages")
        one.type("\x03")
        await one.hides("/pause")


async def test_what_was_written_comes_back_with_up(gateway: Gateway, tmp_path: Path) -> None:
    for text in ("first", "second"):
        async with drive_chat(gateway.operator, folder=tmp_path / "chat") as one:
            one.enter(text)
            await one.shows(f"  {text}")
    async with drive_chat(gateway.operator, folder=tmp_path / "chat") as one:
        one.type("\x1b[A\x1b[A")
        await one.shows("alice > first")
        assert (tmp_path / "chat" / "history").stat().st_mode & 0o077 == 0


async def test_history_is_loaded_page_by_page(gateway: Gateway) -> None:
    async with Client(gateway.operator) as client:
        for number in range(200):
            await client.send(f"line {number}")
    async with drive_chat(gateway.operator, lines=20) as one:
        await one.shows("line 199")
        assert len(one.chat.state.stream.keys) == 60
        await one.pages_until("\x1b[5~", lambda: "line 0 " in one.text)
        await one.shows("older messages")
        one.type("\x1b")
        await one.shows("line 199")


async def test_an_old_message_tells_how_far_it_has_come(gateway: Gateway) -> None:
    async with agent(gateway) as claude, Client(gateway.operator) as client:
        number = (await client.send("the first", to="@claude")).seq
        steps = (Step(Rung.TYPED), Step(Rung.SUBMITTED), Step(Rung.SEEN), Step(Rung.ANSWERED))
        await claude.request(Report(message=number, steps=steps), Done)
        for line in range(80):
            await client.send(f"line {line}")
        async with drive_chat(gateway.operator, lines=20) as one:
            await one.shows("line 79")
            await one.pages_until("\x1b[5~", lambda: "✓ claude answered" in one.text)


async def test_the_beginning_and_a_message_by_its_number(gateway: Gateway) -> None:
    async with Client(gateway.operator) as client:
        numbers = [(await client.send(f"line {number}")).seq for number in range(300)]
    async with drive_chat(gateway.operator, lines=20) as one:
        await one.shows("line 299")
        one.enter("/history")
        await one.shows("line 0")
        one.enter(f"/history {numbers[150]}")
        await one.shows("line 150")
        assert not one.chat.state.stream.at_tail
        seen: set[str] = set()

        def at_the_end() -> bool:
            seen.update(row.split("│")[0].strip() for row in one.emulated.rows)
            return one.chat.state.stream.at_tail and "line 299" in one.text

        await one.pages_until("\x1b\x1b[B", at_the_end)
        assert all(any(row.endswith(f"line {number}") for row in seen) for number in range(155, 300))
        one.type("\x1b")
        await one.shows("line 299")


async def test_search_leads_to_the_message(gateway: Gateway) -> None:
    async with Client(gateway.operator) as client:
        await client.send("the disk of the build machine is full")
        for number in range(100):
            await client.send(f"line {number}")
    async with drive_chat(gateway.operator, lines=20) as one:
        one.enter("/search disk full")
        await one.shows("1 in #general with 'disk full'")
        assert one.emulated.rows[-1] == "alice >"
        one.type("\r")
        await one.hides("1 in #general")
        await one.shows("the disk of the build machine is full", "line 5")
        marks = one.screen.rows.marks
        assert marks is not None
        assert marks.target == one.chat.state.stream.keys[0][0]
        one.type("\x1b")
        await one.until(lambda: one.screen.rows.marks is None)


async def test_recall_leads_to_the_messages_of_a_thread(gateway: Gateway) -> None:
    async with Client(gateway.operator) as client:
        asked = (await client.send("why is the disk of the build machine full?")).seq
        await client.send("old dumps, forty gigabytes", reply_to=asked)
        for number in range(100):
            await client.send(f"line {number}")
    async with drive_chat(gateway.operator, lines=20) as one:
        one.enter("/recall what filled the disk of the build machine?")
        await one.shows("#general: what filled the disk", f"#{asked} alice why is the disk", "old dumps, forty")
        one.type("\x1b[B\r")
        await one.hides("#general: what filled")
        await one.shows("old dumps, forty gigabytes", "line 5")
        one.enter("/recall zeedonk")
        await one.shows("Nothing in general answers that.")


async def test_a_mention_rings_and_can_be_gone_to(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, lines=16) as one:
        await claude.send("@alice please look", to="@all")
        await one.shows("@alice please look")
        assert one.emulated.bells == 1
        for number in range(30):
            await claude.send(f"line {number}")
        await one.shows("line 29")
        await one.hides("please look")
        assert one.emulated.bells == 1
        one.type(F6)
        await one.shows("please look")


async def test_mentions_are_gone_through_from_the_newest_to_the_oldest(gateway: Gateway) -> None:
    async with agent(gateway) as claude:
        for number in range(200):
            await claude.send(f"@alice look {number}" if number in (20, 150, 190) else f"line {number}")
        async with drive_chat(gateway.operator, lines=16) as one:
            await one.shows("line 199")
            for words in ("look 190", "look 150", "look 20"):
                one.type(F6)
                await one.shows(words)
            one.type(F6)
            await one.shows("No earlier message here names you.", "look 20")
            await claude.send("@alice look now")
            for number in range(30):
                await claude.send(f"later {number}")
            one.type("\x1b")
            await one.shows("later 29")
            for words in ("look now", "look 190"):
                one.type(F6)
                await one.shows(words)


async def test_the_help_is_read_page_by_page(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator, lines=16) as one:
        one.type("/help\r")
        await one.shows("Help · 1 of ")
        for page in (2, 3, 4):
            one.type("\x1b[6~")
            await one.shows(f"Help · {page} of ")
        one.type("\x1b[5~")
        await one.shows("Help · 3 of ")


async def test_the_bell_can_ring_for_every_message_of_others(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, spec=ChatSpec(bell="all")) as one:
        await claude.send("for everyone")
        await one.shows("for everyone")
        one.type("and mine\r")
        await one.shows("alice", "and mine")
        await claude.send("the second")
        await one.shows("the second")
        assert one.emulated.bells == 2


async def test_the_bell_can_be_off(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, spec=ChatSpec(bell="off")) as one:
        await claude.send("@alice please look")
        await one.shows("please look")
        assert one.emulated.bells == 0


async def test_rooms(gateway: Gateway) -> None:
    async with Client(gateway.operator) as other, drive_chat(gateway.operator) as one:
        await other.request(CreateRoom(room="design", topic="How it looks"), Done)
        await other.send("mine, from another terminal", room="design")
        async with Client(await gateway.member("bob")) as bob:
            await bob.request(Join(room="design"), Done)
            await bob.send("a colour", room="design")
        await one.shows("1 #general  2 design•1")
        one.enter("/join design")
        await one.shows("#design", "a colour")
        one.enter("and a shape")
        await one.shows("and a shape")
        one.enter("/join general")
        await one.hides("a colour")


async def test_commands_that_answer_with_a_sheet(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator, lines=40) as one:
        await one.shows("● claude")
        for command, words in {
            "/help": "@name text",
            "/agents": "claude (coder)",
            "/who": "agent coder",
            "/rooms": "* general",
            "/status": "last event",
        }.items():
            one.enter(command)
            await one.shows(words, "Esc closes")
            one.type("\x1b")
            await one.hides("Esc closes")


async def test_a_mode_is_led_from_the_chat(gateway: Gateway) -> None:
    async with agent(gateway), agent(gateway, "codex"), drive_chat(gateway.operator) as one:
        await one.shows("● claude", "● codex")
        one.enter("/mode")
        await one.shows("Modes", "salomo", "Esc closes")
        one.type("\x1b")
        await one.hides("Esc closes")
        one.enter("/mode debate tabs --agents claude,codxe")
        await one.shows("Did you mean @codex")
        one.type("\x15")
        one.enter('/mode debate "tabs or spaces" --rounds 3 --agents claude,codex')
        await one.shows("Mode: DEBATE", "@claude - Your turn.", "debate, positions, round 1 of 3: claude has the turn")
        one.enter("/next")
        await one.shows("positions, round 1 of 3: codex has the turn since")
        one.enter("/extend 5m")
        await one.shows("codex has 300 s more.")
        one.enter("/status")
        await one.shows("tabs or spaces", "synthesizer", "last event")
        one.type("\x1b")
        await one.hides("Esc closes")
        one.enter("/end")
        await one.shows("DEBATE ended by alice.")
        one.enter("/puase")
        await one.shows("Try /pause")


async def test_what_is_said_out_of_turn_is_marked(gateway: Gateway) -> None:
    async with agent(gateway) as claude, agent(gateway, "codex"), drive_chat(gateway.operator) as one:
        await one.shows("● claude", "● codex")
        one.enter("/mode round-robin tabs --agents codex")
        await one.shows("@codex - Your turn.")
        await claude.send("But what of spaces?")
        await one.shows("claude (coder) (out of turn)", "But what of spaces?")


async def test_cancel_and_retry(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator) as one:
        await one.shows("● claude")
        one.enter("@claude hello")
        await one.shows("· claude queued")
        number = one.chat.state.own_numbers()[-1]
        one.enter(f"/cancel {number}")
        await one.shows("claude cancelled")
        one.enter(f"/retry {number} claude")
        await one.shows("· claude queued")
        for command in (f"/receipts {number}", "/receipts"):
            one.enter(command)
            await one.shows(f"Delivery of #{number}")
            one.type("\x1b")
            await one.hides(f"Delivery of #{number}")


async def test_forty_columns(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, columns=40, lines=15) as one:
        await claude.send("日本語のテキスト、とても長い。" * 8)
        await one.shows("● claude", "日本語")
        assert all(width_of(row) <= 40 for row in one.emulated.rows)


async def test_a_storm_of_sizes(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await claude.send("**bold** words\n\n```python\nprint(1)\n```\n" * 5)
        for columns in (40, 200, 12, 80, 5, 100, 3, 60):
            for lines in (24, 5, 3, 50, 2):
                one.resize(columns, lines)
        one.resize(100, 24)
        one.enter("still here")
        await one.shows("still here", "print(1)", "│ ● claude coder")
        assert one.emulated.rows[0] == " #general"
        assert [row for row in one.emulated.rows[1:-2] if "│" not in row] == []


async def test_a_gateway_that_restarts_is_one_calm_line(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with drive_chat(process.operator) as one:
            one.enter("before")
            await one.shows("before")
            process.kill()
            await one.shows("Reconnecting...")
            one.enter("meanwhile")
            await one.shows("1 unsent")
            process.start()
            await one.shows("nothing was missed", "meanwhile")
            assert one.text.count("gateway was away") == 1
            await one.hides("Reconnecting")


async def test_a_gateway_that_is_given_up_is_told(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with drive_chat(process.operator, gave_up=lambda: read_supervisor_failure(process.state)) as one:
            process.kill()
            await one.shows("Reconnecting...")
            write_private(process.state / GIVEN_UP_FILE, "The gateway died too often.\n")
            await one.shows("The gateway died too often. `groupchat up` starts it.")


async def test_leaving_gives_the_terminal_back(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        assert one.emulated.mode(1049)
        one.type("\x04")
        await one.until(one.running.done)
        assert not one.emulated.mode(1049)
        assert not one.emulated.mode(2004)
        assert one.emulated.mode(25)


async def test_where_reading_ended_is_remembered(gateway: Gateway, tmp_path: Path) -> None:
    async with agent(gateway) as claude:
        async with drive_chat(gateway.operator, folder=tmp_path) as one:
            await claude.send("seen")
            await one.shows("seen")
        await claude.send("missed")
        async with drive_chat(gateway.operator, folder=tmp_path) as one:
            await one.shows("─ new ─", "missed")
            rows = one.emulated.rows
            seen, new, missed = (next(n for n, row in enumerate(rows) if w in row) for w in ("seen", " new ", "missed"))
            assert seen < new < missed


async def test_ten_thousand_messages(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        for number in range(10_000):
            one.chat.state.take(_message(number), 0)
        one.screen.touch()
        await one.shows("number 9999")
        one.type("\x1b[5~")
        await one.shows("older messages")
        one.chat.state.take(streams.said(20_000, "and one more"), 0)
        one.type("\x1b")
        await one.shows("and one more")


def _message(number: int) -> object:
    return streams.said(number + 100, f"number {number}")


QUESTION = OpenAsk(
    digest="0123456789abcdef",
    question="Do you want to run this?",
    options=(Option("1", "Yes"), Option("2", "No, and say why")),
    allow="1",
    deny="2",
    tool="Bash",
    detail="rm -r build",
)


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        ("\x1bOQ1", "1"),
        ("\x1bOQ2", "2"),
        ("\x1bOQy", "allow"),
        ("/approve claude\r", "allow"),
        ("/deny claude\r", "deny"),
    ],
)
async def test_an_agents_question_is_a_card_that_keys_answer(gateway: Gateway, keys: str, answer: str) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await claude.request(QUESTION, Done)
        await one.shows(
            "claude asks: Do you want to run this?", "rm -r build", " 2  No, and say why", "claude asks: F2"
        )
        assert one.emulated.bells == 1
        one.type(keys)
        async for event in claude.events():
            if isinstance(event, Control) and event.ask is not None:
                assert (event.action, event.ask.answer) == ("answer", answer)
                await claude.request(CloseAsk(ask=event.ask.number, state=AskState.ANSWERED), Done)
                break
        words = "No, and say why" if answer in ("2", "deny") else "Yes"
        await one.shows("claude asked: Do you want to run this? `rm -r build` – alice", f"answered: {words}")
        await one.hides("claude asks: F2")


async def test_a_chosen_question_does_not_swallow_a_message(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await claude.request(QUESTION, Done)
        await one.shows("claude asks: F2")
        one.type("\x1bOQ")
        await one.shows("press its key")
        one.type("\ue0b0hello")  # an icon of a font, which is no character to Python
        await one.shows("alice > \ue0b0hello", "F2 to answer")
        one.type("\x03/asks\r")
        await one.shows("Open questions", "/approve claude 2")


async def test_a_question_from_before_is_there_when_the_chat_opens(gateway: Gateway) -> None:
    async with agent(gateway) as claude:
        await claude.request(QUESTION, Done)
        async with drive_chat(gateway.operator) as one:
            await one.shows("claude asks: Do you want to run this?", "claude asks: F2")


async def test_keys_are_pressed_for_others(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await one.shows("● claude")
        one.enter("@claude !^C")
        await one.shows("^C goes to claude.")
        async for event in claude.events():
            if getattr(event, "action", None) == "keys":
                assert getattr(event, "text", "") == "^C"
                break


@pytest.mark.parametrize(
    "typed", ["/stop\r", "/stop claude\r", "@claude !stop\r", "\x1b[19~"], ids=("command", "name", "mark", "F8")
)
async def test_a_busy_agent_is_stopped(gateway: Gateway, typed: str) -> None:
    """F8, too; what is written meanwhile stays on the line."""
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await claude.request(SetActivity(activity=Activity.BUSY), Done)
        await one.shows("claude coder", "busy")
        one.type(typed)
        await one.shows("Stopping claude. Waiting messages follow; a pause holds them.")
        async for event in claude.events():
            if getattr(event, "action", None) == "keys":
                assert getattr(event, "text", "") == "stop"
                break


async def test_nobody_is_stopped_where_nobody_is_busy(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await claude.request(SetActivity(activity=Activity.ASKING), Done)
        await one.shows("claude", "asking")
        one.enter("/stop")
        await one.shows("No agent is busy. claude asks something: /stop NAME refuses that.")


async def test_a_message_that_interrupts_says_so(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await one.shows("● claude")
        one.enter("@claude !!the other file")
        await one.shows("!!", "the other file")
        async for event in claude.events():
            if isinstance(event, Message):
                assert (event.content, event.urgent, event.interrupt) == ("the other file", True, True)
                break


async def test_a_person_of_another_kind_is_listed_too(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with Client(bob), drive_chat(gateway.operator) as one:
        await one.shows("  bob")


async def test_what_is_sent_is_on_the_screen_while_the_gateway_is_frozen(tmp_path: Path) -> None:
    """At once, in order, and each becomes the message in its place when the gateway goes on."""
    with GatewayProcess(tmp_path / "state").running() as process:
        async with drive_chat(process.operator, pane_control=WithPanes()) as one:
            with process.frozen():
                one.enter("first")
                await one.shows("alice #…  first", "· sending")
                one.enter("second")
                one.enter("third")
                await one.shows("#…  second", "#…  third", "Gateway silent for", "3 unsent · try /restart gateway")
            await one.shows("The gateway did not answer for")
            await one.hides("sending", "#…", "silent")
            rows = [row for row in one.emulated.rows if " alice #" in row]
            assert [row.split()[3] for row in rows] == ["first", "second", "third"]


async def test_what_is_sent_while_the_gateway_is_dead_is_said_when_it_is_back(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path / "state").running() as process:
        async with drive_chat(process.operator, columns=60, lines=20) as one:
            process.kill()
            one.enter("first")
            one.enter("second")
            await one.shows("#…  first", "#…  second", "Reconnecting...", "2 unsent")
            process.start()
            await one.shows("The gateway was away for")
            await one.hides("sending", "#…")
            rows = [row for row in one.emulated.rows if " alice #" in row]
            assert [row.split()[3] for row in rows] == ["first", "second"]


async def test_what_is_refused_comes_back_to_the_composer_or_stays_in_sight(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator) as one:
        await one.chat.client.request(CreateRoom(room="lab"), Done)
        one.enter("/join lab")
        await one.shows("#lab", "This is lab.")
        one.enter("@claude hello")
        await one.shows("claude is not in the room 'lab'", "alice > @claude hello")
        assert not one.chat.state.outbox.waiting
        one.type("\rnext")
        await one.shows("✗ not sent: claude is not in the room 'lab'", "alice > next")
        one.type("\x03")
        await one.until(lambda: one.emulated.rows[-1] == "alice >")
        one.type("\x1b[A")
        await one.shows("alice > @claude hello")
        one.type("\r")
        await one.shows("alice > @claude hello")
        await one.until(lambda: not one.chat.state.outbox.waiting)


async def test_leaving_with_something_unsent_is_asked_once(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path / "state").running() as process:
        async with drive_chat(process.operator) as one:
            process.kill()
            one.enter("hello")
            await one.shows("1 unsent")
            one.type("\x04")
            await one.shows("Leave once more")
            assert not one.running.done()
            one.type("\x04")
            await one.until(one.running.done)
            assert [kept.line for kept in one.chat.state.outbox.unsent] == ["hello"]


async def test_a_terminal_without_unicode_gets_ascii_signs(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator, look=ChatLook(encoding="ascii")) as one:
        await one.shows("o claude coder", "| ")
        one.enter("@claude grüße ✓")
        await one.shows("> claude", "gr?")
        assert all(row.isascii() for row in one.emulated.rows)


async def test_a_chosen_key_does_what_the_action_does(gateway: Gateway) -> None:
    look = ChatLook(bindings=rebind((("help", (("c-t",),)), ("oldest", (("escape", "pageup"),)))))
    async with Client(gateway.operator) as client:
        for number in range(100):
            await client.send(f"line {number}")
    async with drive_chat(gateway.operator, look=look, lines=20) as one:
        await one.shows("line 99")
        one.type("\x1b\x1b[5~")
        await one.shows("line 0 ")
        one.type("\x1bOP")
        one.type("\x14")
        await one.until(lambda: one.screen.overlay is not None)


async def test_without_a_roster_the_messages_have_the_whole_width(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator, look=ChatLook(roster=False)) as one:
        await one.shows("● claude")
        one.enter("x" * 90)
        await one.shows("x" * 90)
        assert "│" not in one.text


async def test_what_the_person_asks_for_does_not_wait_for_the_share_of_events(gateway: Gateway) -> None:
    async with Client(gateway.operator) as other, drive_chat(gateway.operator) as one:
        await other.request(CreateRoom(room="design"), Done)
        await other.send("a colour", room="design")
        one.screen._budget.spend(60, time.monotonic())
        one.enter("/join design")
        await one.shows("a colour")


async def test_work_that_has_not_begun_when_the_chat_ends_leaves_no_warning(gateway: Gateway) -> None:
    work = asyncio.sleep(0)
    async with drive_chat(gateway.operator) as one:
        one.screen.start(work)
        for task in one.screen._tasks:
            task.cancel()
        await one.until(lambda: inspect.getcoroutinestate(work) == inspect.CORO_CLOSED)
