"""Select mode as a person uses it: F7, arrows and one key, with a real gateway behind."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from controller.chat.full_screen.appearance import ChatLook
from gateway.client import Client
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Rung, Step
from tests.controller.chat_driver import ChatDriver, drive_chat
from tests.controller.room_members import newest
from tests.support.gateways import Gateway

F7, UP, DOWN, ESC, PAGE_UP, HOME, END = "\x1b[18~", "\x1b[A", "\x1b[B", "\x1b", "\x1b[5~", "\x1b[H", "\x1b[F"
CTRL_UP = "\x1b[1;5A"


async def say(client: Client, *texts: str) -> list[int]:
    return [(await client.send(one)).seq for one in texts]


async def chosen(one: ChatDriver, number: int) -> None:
    await one.until(lambda: one.screen.rows.chosen == (number, 0))


@pytest.mark.parametrize("enter", [F7, CTRL_UP])
@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 60)])
async def test_the_arrows_choose_and_r_replies(
    gateway: Gateway, bob: Client, size: tuple[int, int], enter: str
) -> None:
    first, second = await say(bob, "which disk?", "another matter")
    async with drive_chat(gateway.operator, columns=size[0], lines=size[1]) as one:
        await one.shows("another matter")
        one.type(enter)
        await chosen(one, second)
        await one.shows(f"#{second}", "r reply", "Esc")
        one.type(UP)
        await chosen(one, first)
        one.type("r")
        await one.shows(f"reply to #{first} bob: which disk?")
        one.enter("the big one")
        await one.until(one.chat.state.own_numbers)
        assert (await newest(bob)).reply_to == first
        await one.hides("Esc drops it")


async def test_escape_drops_the_reply_and_keeps_the_text(gateway: Gateway, bob: Client) -> None:
    await say(bob, "which disk?")
    async with drive_chat(gateway.operator) as one:
        await one.shows("which disk?")
        one.type(f"draft{F7}")
        await one.shows("r reply")
        one.type("r")
        await one.shows("reply to #")
        one.type(ESC)
        await one.hides("reply to #")
        assert one.screen.buffer.text == "draft"
        one.type("\r")
        await one.until(one.chat.state.own_numbers)
        assert (await newest(bob)).reply_to is None


async def test_no_other_key_does_harm(gateway: Gateway, bob: Client) -> None:
    await say(bob, "hello")
    async with drive_chat(gateway.operator) as one:
        await one.shows("bob #")
        one.type(f"my draft{F7}")
        await one.shows("r reply")
        for key in ("x", "\x17", "\x7f", "\x15", "\t", "\r", "\n", "\x03", "1", "n", "/", "\x18\x05"):
            one.type(key)
            await one.shows("does nothing here: r reply")
            one.type(UP)
            assert one.screen.buffer.text == "my draft"
        one.type(ESC)
        await one.until(lambda: not one.screen.select.active)
        one.type("!")
        await one.until(lambda: one.screen.buffer.text == "my draft!")


async def test_a_paste_is_for_the_composer(gateway: Gateway, bob: Client) -> None:
    await say(bob, "hello")
    async with drive_chat(gateway.operator) as one:
        await one.shows("bob #")
        one.type(f"{F7}\x1b[200~p e c\x1b[201~")
        await one.until(lambda: one.screen.buffer.text == "p e c")
        assert not one.screen.select.active


async def test_a_sign_is_picked_and_taken_off(gateway: Gateway, bob: Client) -> None:
    (number,) = await say(bob, "shall we?")
    async with drive_chat(gateway.operator) as one:
        await one.shows("shall we?")
        one.type(f"{F7}+")
        await one.shows("3 done", "w own")
        one.type("z")
        await one.shows("1 to 5 pick a sign")
        one.type("3")
        await one.shows("done alice")
        one.type("+")
        await one.shows("3 take off done")
        one.type("3")
        await one.hides("done alice")
        one.type("+w")
        await one.shows(f"alice > /react {number}")


async def test_pin_quote_copy_and_thread(gateway: Gateway, bob: Client) -> None:
    (number,) = await say(bob, "one\ntwo")
    async with drive_chat(gateway.operator) as one:
        await one.shows("two")
        one.type(f"{F7}p")
        await one.shows("pinned", f"#{number} is pinned")
        one.type(UP + "y")
        await one.shows(f"Copied #{number}: 7 characters.")
        one.type("t")
        await one.shows(f"Thread of #{number}: 1")
        one.type(f"{ESC}{F7}q")
        await one.shows("> one", "> two", f"reply to #{number}")
        one.enter("yes")
        await one.until(one.chat.state.own_numbers)
        assert (await newest(bob)).content == "> one\n> two\nyes"


async def test_a_message_that_waits_is_sent_anew(gateway: Gateway) -> None:
    ada = await gateway.member("ada")
    async with Client(ada, Hello(inbox=True)) as agent, drive_chat(gateway.operator) as one:
        await one.shows("ada")
        one.enter("@ada look at a.py")
        await one.shows("ada queued")
        number = one.chat.state.own_numbers()[-1]
        one.type(f"{F7}e")
        await one.shows(f"instead of #{number}", "@ada look at a.py")
        one.type("\x7f\x7f\x7f\x7fb.py\r")
        await one.shows("look at b.py", f"(instead of #{number})", "replaced by #")
        again = one.chat.state.own_numbers()[-1]
        one.type(f"{F7}c")
        await one.shows(f"#{again} is cancelled", "cancelled")
        one.type("e")
        await one.shows("No delivery of")
        one.type("R")
        await one.shows(f"#{again} goes to ada again")
        one.type(ESC)
        await agent.request(Report(message=again, steps=(Step(Rung.TYPED), Step(Rung.SUBMITTED))), Done)
        await one.shows("submitted")
        one.type(f"{F7}e")
        await one.shows("ada began to read")


async def test_a_message_to_one_in_front_of_all_stays_one(gateway: Gateway) -> None:
    async with Client(await gateway.member("ada"), Hello(inbox=True)), drive_chat(gateway.operator) as one:
        await one.shows("ada")
        one.enter("/to ada look at a.py")
        await one.shows("ada queued")
        one.type(f"{F7}e")
        await one.shows("instead of #", "alice > look at a.py")
        one.type("!\r")
        await one.shows("a.py!", "replaced by #")
        async with Client(gateway.operator) as reader:
            assert (await newest(reader)).wakes == ("ada",)


@pytest.mark.parametrize(("encoding", "sign"), [("", "👍"), ("ascii", "+1")])
async def test_only_signs_that_the_screen_can_show_are_offered(
    gateway: Gateway, bob: Client, encoding: str, sign: str
) -> None:
    await say(bob, "shall we?")
    async with drive_chat(gateway.operator, look=ChatLook(encoding=encoding)) as one:
        await one.shows("shall we?")
        one.type(f"{F7}+")
        await one.shows(f"1 {sign}")
        one.type("1")
        await one.shows(f"{sign} alice")


async def test_a_number_is_completed_with_who_said_what(gateway: Gateway, bob: Client) -> None:
    (number,) = await say(bob, "which disk?")
    async with drive_chat(gateway.operator) as one:
        await one.shows("which disk?")
        one.type("/reply ")
        await one.shows(f" {number} ", "bob: which disk?")


async def test_paging_home_and_end(gateway: Gateway, bob: Client) -> None:
    numbers = await say(bob, *(f"line {at}" for at in range(40)))
    async with drive_chat(gateway.operator) as one:
        await one.shows("line 39")
        one.type(F7 + HOME)
        await chosen(one, numbers[0])
        await one.shows("line 0")
        one.type(END)
        await chosen(one, numbers[-1])
        await one.shows("line 39")
        one.type(PAGE_UP)
        await one.until(lambda: one.screen.rows.chosen is not None and one.screen.rows.chosen[0] < numbers[-15])
        one.type(DOWN)
        await one.until(lambda: one.screen.rows.chosen in one.screen.visible_keys())


async def test_the_view_stays_where_it_is_while_messages_arrive(gateway: Gateway, bob: Client) -> None:
    numbers = await say(bob, *(f"line {at}" for at in range(40)))
    async with drive_chat(gateway.operator) as one:
        await one.shows("line 39")
        one.type(F7 + UP)
        await chosen(one, numbers[-2])
        await say(bob, *(f"new {at}" for at in range(30)))
        await one.until(lambda: one.chat.state.last_seq >= numbers[-1] + 30)
        await one.shows("line 38")
        one.type(ESC + ESC)
        await one.shows("new 29")


async def test_the_message_that_was_gone_to_is_chosen_first(gateway: Gateway, bob: Client) -> None:
    numbers = await say(bob, *(f"line {at}" for at in range(9)))
    async with drive_chat(gateway.operator) as one:
        await one.shows("line 8")
        one.enter(f"/history {numbers[3]}")
        await one.shows("Esc returns to the newest.")
        one.type(F7)
        await chosen(one, numbers[3])
        one.type(ESC)
        await one.until(lambda: not one.screen.select.active)
        one.type(ESC)
        await one.until(lambda: one.screen.last_jump is None)
        one.type(F7)
        await chosen(one, numbers[-1])


async def test_without_messages_f7_says_so(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        one.type(F7)
        await one.shows("There is no message to select yet.")


# the editor, and the search through what one wrote


def editor(tmp_path: Path, script: str) -> str:
    file = tmp_path / "edit.py"
    file.write_text(f"import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{script}\n")
    return shlex.join([sys.executable, str(file)])


async def test_the_draft_is_edited_in_ones_own_editor(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", editor(tmp_path, "file.write_text(file.read_text() + ' and more\\nlines\\n')"))
    async with drive_chat(gateway.operator) as one:
        one.type("draft\x18\x05")
        await one.until(lambda: one.screen.buffer.text == "draft and more\nlines")
        await one.shows("draft and more")
        monkeypatch.setenv("EDITOR", editor(tmp_path, "sys.exit(3)"))
        one.type("\x18\x05")
        await one.shows("ended with code 3; your text is as it was.")
        monkeypatch.setenv("EDITOR", "/no/such/editor")
        one.type("\x18\x05")
        await one.shows("/no/such/editor cannot be started")
        monkeypatch.delenv("EDITOR")
        one.type("\x18\x05")
        await one.shows("Neither $VISUAL nor $EDITOR is set")
        assert one.screen.buffer.text == "draft and more\nlines"


async def test_ctrl_e_alone_is_the_end_of_the_line(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        one.type("draft\x01\x18a\x05!")
        await one.until(lambda: one.screen.buffer.text == "adraft!")


async def test_ctrl_r_finds_what_one_wrote(gateway: Gateway) -> None:
    async with drive_chat(gateway.operator) as one:
        for text in ("deploy to alpha", "something else", "deploy to beta"):
            one.enter(text)
            await one.shows(f"  {text}")
        await one.until(lambda: len(one.chat.state.own_numbers()) == 3)
        one.type("\x12depl")
        await one.shows("in what you wrote: depl", "alice > deploy to beta")
        one.type("\x12")
        await one.shows("alice > deploy to alpha")
        one.type("\r")
        await one.hides("in what you wrote")
        assert one.screen.buffer.text == "deploy to alpha"
        assert len(one.chat.state.own_numbers()) == 3, "Enter takes the line over; it does not send it"
