"""Keys as a person presses them: what is written and sent does not depend on how fast one key follows another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prompt_toolkit.application.current import set_app
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from controller.chat.full_screen.chat_screen import ChatScreen
from controller.chat.full_screen.keys import KEYS, key_help, key_name
from controller.chat.session.chat_session import Chat
from controller.chat.session.pane_interface import NoPaneControl, PaneControl
from controller.view.approvals.question_view import QuestionView
from controller.view.state.chat_state import ChatState
from controller.view.stream.list_overlay import ListOverlay
from gateway.client import Client
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Option, Room
from tests.controller import streams
from tests.controller.streams import agent, said
from tests.support.examples import examples

ROOT = Path(__file__).parents[4]
ESC, ENTER = "\x1b", "\r"
AT_ONCE_S = 0.05
PLAIN, SHORT, LONG = 0.0, 0.01, 0.5


class SaidChat(Chat):
    """Without a gateway: what would be sent."""

    said: list[str]

    async def submit(self, text: str) -> None:
        self.said.append(text)

    def check(self, text: str) -> str:
        return ""


async def _no_pane_control() -> PaneControl:
    return NoPaneControl()


@dataclass
class Typist:
    screen: ChatScreen
    keys: PipeInput
    chat: SaidChat = field(repr=False)

    async def press(self, data: str) -> None:
        """Arrives at once, as one write of the terminal."""
        self.keys.send_text(data)
        app = self.screen.app
        app.key_processor.feed_multiple(app.input.read_keys())
        app.key_processor.process_keys()
        await self.settled()

    async def pause(self) -> None:
        """Long enough to know that an Escape stands alone."""
        app = self.screen.app
        app.key_processor.feed_multiple(app.input.flush_keys())
        app.key_processor.process_keys()
        await self.settled()

    async def type(self, *pieces: str) -> None:
        for piece in pieces:
            await self.press(piece)
            await self.pause()

    async def settled(self) -> None:
        for _ in range(4):
            await asyncio.sleep(0)

    @property
    def line(self) -> str:
        return self.screen.buffer.text


@contextmanager
def typist() -> Iterator[Typist]:
    with create_pipe_input() as keys:
        made = partial(SaidChat, cast(Client, None), ChatState("alice"), _no_pane_control)
        screen = ChatScreen(made, input=keys, output=DummyOutput())
        chat = cast(SaidChat, screen.chat)
        chat.said = []
        chat.state.members["claude"] = agent("claude")
        with set_app(screen.app):
            yield Typist(screen, keys, chat)


# What a person expects


@dataclass(frozen=True)
class Press:
    key: str
    gap: float


def writes(presses: Sequence[Press], escape_time: float) -> list[tuple[str, float]]:
    """What reaches the chat, with the time before it: tmux hands an Escape on with what follows it soon enough."""
    found: list[tuple[str, float]] = []
    for press in presses:
        if found and found[-1][0][-1] == ESC and press.gap < escape_time:
            found[-1] = (found[-1][0] + press.key, found[-1][1])
        else:
            found.append((press.key, press.gap))
    return found


def expected(presses: Sequence[Press], escape_time: float) -> tuple[list[str], str]:
    """Escape is nothing to the text, whatever follows. Only the Enter that comes at once behind it is Alt-Enter."""
    said, line, before = [], "", ""
    for press in presses:
        if press.key != ENTER:
            line += press.key.replace(ESC, "")
        elif line.strip():
            if before == ESC and press.gap < max(AT_ONCE_S, escape_time):
                line += "\n"
            else:
                said.append(line)
                line = ""
        before = press.key
    return said, line


def slowed(presses: Sequence[Press]) -> list[Press]:
    """Escape, `[` and a letter at once are a key of the terminal, to anybody."""
    found: list[Press] = []
    for press in presses:
        key_of_the_terminal = len(found) > 1 and found[-2].key == ESC and found[-1].key in "[O"
        found.append(Press(press.key, max(press.gap, LONG) if key_of_the_terminal else press.gap))
    return found


gaps = st.one_of(st.just(0.0), st.floats(0, 1))
letters = st.one_of(
    st.sampled_from(
        "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789/#\\*-_.<>[]@!? \N{GREEK SMALL LETTER MU}日本🦀\xa0\u0301"
    ),
    st.characters(exclude_categories=("Cc", "Cs")),
)
interleavings = st.lists(
    st.builds(Press, st.one_of(st.just(ESC), st.just(ESC), st.just(ENTER), letters), gaps), max_size=30
).map(slowed)


def quick(*keys: str) -> list[Press]:
    return [Press(key, 0.02) for key in keys]


@settings(deadline=None, max_examples=examples(60))
@given(interleavings, st.sampled_from((PLAIN, SHORT, LONG)))
@example(quick(ESC, *"/pause cleo", ENTER), LONG)
@example(quick(ESC, *"because", ENTER, ESC, *"# users", ENTER), LONG)
@example([*quick("a", ESC, ESC), Press(ENTER, 1)], LONG)
@example(quick(ESC, ENTER, *"mention", ENTER), LONG)
def test_what_is_sent_is_what_was_typed(presses: list[Press], escape_time: float) -> None:
    async def play() -> tuple[list[str], str]:
        with typist() as one:
            for data, gap in writes(presses, escape_time):
                if gap >= AT_ONCE_S:
                    await one.pause()
                await one.press(data)
            await one.pause()
            return one.chat.said, one.line

    assert asyncio.run(play()) == expected(presses, escape_time)


# Single keys


def test_no_alt_key_is_one_that_text_begins_or_ends_with() -> None:
    behind = {one.keys[1] for one in KEYS if one.keys[0] == "escape" and len(one.keys) > 1}
    assert behind - set("123456789m") == {"enter", "up", "down", "left", "right"}


ROOMS = {name: Room(name, members=("alice",)) for name in ("general", "design")}


@pytest.mark.parametrize(
    ("before", "said", "line"),
    [
        ((), ["/room 2"], ""),
        (("a",), [], "a2"),
        (("\x1b[5~",), [], "2"),
        (("F2",), [], "2"),
        (("list",), [], "2"),
        (("here",), [], "2"),
    ],
    ids=["empty line", "text", "scrolled up", "chosen card", "list", "no such room"],
)
async def test_alt_and_a_digit_show_a_room_where_escape_closes_nothing(
    before: tuple[str, ...], said: list[str], line: str
) -> None:
    """Otherwise the digit is text: an Escape before it had something to close."""
    with typist() as one:
        state = one.chat.state
        state.rooms = dict(ROOMS)
        for number in range(1, 40):
            state.take(streams.said(number), 0)
        one.screen.stream(80, 10)
        match before:
            case ("F2",):
                state.ask(OPEN)
                await one.type(F2)
            case ("list",):
                one.screen.overlay = ListOverlay("Help", [])
            case ("here",):
                state.rooms.pop("design")
            case _:
                await one.type(*before)
        await one.type(f"{ESC}2")
        assert (one.chat.said, one.line) == (said, line)


async def test_alt_and_the_digit_of_the_shown_room_is_text() -> None:
    with typist() as one:
        one.chat.state.rooms = dict(ROOMS)
        await one.type(f"{ESC}1", " of 2")
        assert one.line == "1 of 2"


WITHOUT_A_MEANING = (("<any>",), ("c-o",))


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (("enter",), "Enter"),
        (("escape",), "Esc"),
        (("escape", "enter"), "Alt-Enter"),
        (("escape", "left"), "Alt-Left"),
        (("c-j",), "Ctrl-J"),
        (("c-home",), "Ctrl-Home"),
        (("s-tab",), "Shift-Tab"),
        (("pageup",), "PgUp"),
        (("f6",), "F6"),
    ],
)
def test_a_key_is_named_as_on_the_keyboard(keys: tuple[str, ...], name: str) -> None:
    assert key_name(keys) == name


def test_the_help_and_the_guide_name_every_key() -> None:
    guide = (ROOT / "docs" / "guides" / "chat.md").read_text()
    told = {name for names, _ in key_help() for name in names.split(", ")}
    for keys in {one.keys for one in KEYS} - set(WITHOUT_A_MEANING):
        assert key_name(keys) in told
        assert key_name(keys) in guide


def test_keys_with_one_meaning_share_a_line_of_the_help() -> None:
    lines = dict(key_help())
    assert lines["Ctrl-J, Alt-Enter"] == "a new line"
    assert lines["PgUp, PgDn, Alt-Up, Alt-Down"] == "scroll the history"


@pytest.mark.parametrize("pasted", ["b", "/x", "日本", "tab\there", "two\nlines"])
async def test_a_paste_right_behind_an_escape_is_whole(pasted: str) -> None:
    with typist() as one:
        await one.type(f"{ESC}{ESC}[200~{pasted}{ESC}[201~")
        assert one.line == pasted


async def test_escape_changes_nothing_that_is_written() -> None:
    with typist() as one:
        await one.type("/pau", "\t", "\t", ESC, ESC, ESC)
        assert one.line == "/pause"


async def test_tab_never_takes_back() -> None:
    with typist() as one:
        await one.type("/pau")
        for _ in range(4):
            await one.type("\t")
            assert one.line == "/pause"
        await one.type(f"{ESC}[Z", f"{ESC}[Z")
        assert one.line == "/pause"


async def test_tab_goes_round_through_all_that_is_offered() -> None:
    with typist() as one:
        await one.type("/re", "\t")
        seen = []
        for _ in range(12):
            await one.type("\t")
            seen.append(one.line)
        offered = sorted(set(seen))
        assert "/re" not in offered
        assert len(offered) > 2
        await one.type(f"{ESC}[Z")
        assert one.line in offered


@pytest.mark.parametrize("undo", ["\x19", "\x1f"])
async def test_what_ctrl_c_cleared_comes_back(undo: str) -> None:
    with typist() as one:
        await one.type("half a thought", "\x03")
        assert one.line == ""
        assert "Ctrl-Y" in one.screen.hint
        await one.type(undo)
        assert one.line == "half a thought"


@pytest.mark.parametrize("key", ["\x0f", "\x1a", f"{ESC}[1;6A", f"{ESC}[1;7q", "\x9b", f"{ESC}[15;5~"])
async def test_a_key_without_a_meaning_leaves_no_trace(key: str) -> None:
    with typist() as one:
        one.screen.suspend = lambda: None  # type: ignore[method-assign]
        await one.type("draft", key, "!")
        assert one.line == "draft!"


async def test_alt_and_arrows_move_by_words() -> None:
    with typist() as one:
        await one.type("one two", f"{ESC}[1;3D", f"{ESC}[1;3D", "A", f"{ESC}[1;3C", "B")
        assert one.line == "Aone Btwo"


async def test_escape_and_backspace_take_one_letter() -> None:
    with typist() as one:
        await one.type("one two", f"{ESC}\x7f")
        assert one.line == "one tw"


async def test_ctrl_z_in_a_session_says_why_not() -> None:
    with typist() as one:
        one.chat.pane_control = cast(PaneControl, object())
        await one.type("draft", "\x1a")
        assert one.line == "draft"
        assert one.screen.hint == "There is no shell behind this chat; Ctrl-D leaves it."


async def test_a_letter_leaves_the_stream_as_it_is_painted() -> None:
    with typist() as one:
        before = one.screen.stream(80, 10)
        one.screen.app.after_render.fire()
        one.chat.state.take(said(1, "something new"), 0)
        await one.type("a")
        assert one.screen.stream(80, 10) is before
        await one.type(f"{ESC}[5~")
        assert "something new" in str(one.screen.stream(80, 10))


async def test_a_letter_hides_nothing_that_another_key_has_moved() -> None:
    """Both came at once, before anything was painted."""
    with typist() as one:
        one.screen.stream(80, 10)
        one.screen.app.after_render.fire()
        one.chat.state.take(said(1, "something new"), 0)
        await one.press(f"{ESC}[5~a")
        assert "something new" in str(one.screen.stream(80, 10))


async def test_a_sent_line_is_a_reason_to_look_at_the_stream() -> None:
    with typist() as one:
        await one.type("a")
        one.screen.stream(80, 10)
        one.screen.app.after_render.fire()
        one.chat.state.take(said(1, "something new"), 0)
        await one.type(ENTER)
        assert "something new" in str(one.screen.stream(80, 10))


F1, F2 = f"{ESC}OP", f"{ESC}OQ"
OPEN = QuestionView(5, "claude", "May I?", (Option("1", "Yes"), Option("2", "No")), allow="1", deny="2")


@pytest.mark.parametrize("before", ["chosen", "gone", "missed", "under a list"])
@pytest.mark.parametrize("text", ["yes", "1 of 2", "no"])
async def test_no_key_behind_escape_is_for_a_card(before: str, text: str) -> None:
    with typist() as one:
        state = one.chat.state
        if before != "missed":
            state.ask(OPEN)
        await one.type(F2)
        if before == "gone":
            state.ask(replace(OPEN, outcome="answered"))
            one.chat.callbacks.changed()
        if before == "under a list":
            one.screen.overlay = ListOverlay("Help", [])
        await one.type(f"{ESC}{text[0]}", *text[1:])
        assert one.line == text


# Alt-M

MENTION, OTHER = said(1, "@all hello @alice"), said(2, "nothing for anybody")


@pytest.mark.parametrize(
    ("messages", "before", "line"),
    [
        ((), "", "m"),
        ((OTHER,), "", "m"),
        ((MENTION, OTHER), "", ""),
        ((MENTION, OTHER), "a", "am"),
        ((MENTION, OTHER), F1, "m"),
        ((MENTION, OTHER), f"{ESC}[18~", "m"),
    ],
)
async def test_alt_m_is_a_mention_only_where_escape_would_close_nothing(
    messages: tuple[Message, ...], before: str, line: str
) -> None:
    with typist() as one:
        for message in messages:
            one.chat.state.take(message, 0)
        if before == F1:
            one.screen.overlay = ListOverlay("Help", [])
        elif before:
            await one.type(before)
        await one.type(f"{ESC}m")
        assert one.line == line


@pytest.mark.parametrize(("keys", "name"), [(("c-x", "c-e"), "Ctrl-X Ctrl-E"), (("escape", "m"), "Alt-M")])
def test_two_keys_are_named_one_after_the_other(keys: tuple[str, ...], name: str) -> None:
    assert key_name(keys) == name
