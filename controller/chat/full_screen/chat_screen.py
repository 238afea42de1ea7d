"""The chat on a screen: a prompt-toolkit application that paints the output of the pure modules.

Keys are painted at once, events at most twenty times a second; see `repaint_throttle`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style

from controller.chat.actions.action_interface import ActionResult
from controller.chat.full_screen.appearance import ChatLook
from controller.chat.full_screen.card_keys import CardKeys
from controller.chat.full_screen.composer_buffer import ChatCompleter, open_history
from controller.chat.full_screen.keys import make_bindings
from controller.chat.full_screen.layout import STYLES, ChatPainter
from controller.chat.full_screen.repaint_throttle import REPAINT_EVERY_S, RepaintBudget
from controller.chat.full_screen.select_mode import SelectMode
from controller.chat.session.chat_session import Chat, ChatCallbacks, error_text
from controller.chat.session.pane_interface import NoPaneControl
from controller.chat.terminal.clipboard import copy_text
from controller.chat.terminal.editor import edit_text, editor_command
from controller.chat.terminal.notifications import send_notification
from controller.chat_commands.command_table import may_complete
from controller.team.team import ChatSpec
from controller.view.approvals.question_view import QuestionView
from controller.view.state.stream_entries import Alert, EntryKey
from controller.view.stream.chat_rows import StreamRows
from controller.view.stream.empty_room import first_run_rows
from controller.view.stream.list_overlay import ListOverlay
from controller.view.stream.viewport import Viewport
from controller.view.text.row_types import Row
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError


class ChatScreen:
    """One chat on one terminal. It makes the chat, which tells it what to show."""

    chat: Chat
    buffer: Buffer
    rows: StreamRows
    select: SelectMode
    cards: CardKeys

    def __init__(  # noqa: PLR0913 - what one screen is made of
        self,
        open_chat: Callable[[ChatCallbacks], Chat],
        spec: ChatSpec | None = None,
        *,
        look: ChatLook | None = None,
        history: Path | None = None,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self.chat = open_chat(
            ChatCallbacks(self._changed, self.jump, self._ring, self.leave, self.copy_text, self._to_mention)
        )
        self.spec = spec or ChatSpec()
        self.chat.state.rings_for_all = self.spec.bell == "all"
        self.look = look or ChatLook()
        self.bindings = self.look.bindings
        self.rows = StreamRows(self.chat.state)
        self.port: Viewport[EntryKey, Row] = Viewport()
        self.overlay: ListOverlay | None = None
        self.owners: list[EntryKey | None] = []  # whose the rows of the stream are, from the top
        self.height = 1
        self.select = SelectMode(self, self.look.encoding)
        self.cards = CardKeys(self, self.select)
        self.last_jump: EntryKey | None = None
        self.warned_text = ""
        self._given, self._answered = 0, 0  # the last command, and the newest one whose answer is known
        self._written = False
        self.hint, self.hint_style = "", "class:dim"
        self.mouse = self.spec.mouse
        self._mention: tuple[object, int] | None = None
        self._keys, self._first_key = 0, -1
        self._budget = RepaintBudget()
        self._moved, self._moved_before = True, True  # whether the stream may have changed now, and before this key
        self._shown: tuple[object, list[Row]] = (None, [])
        self._begun = 0.0
        self._dirty = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.buffer = self._composer(history)
        self.app = self._application(input, output)
        self._size = self.app.output.get_size()

    def _composer(self, history: Path | None) -> Buffer:
        """The input buffer."""
        return Buffer(
            multiline=True,
            history=open_history(history, self.chat.is_private),
            completer=ChatCompleter(self.chat),
            complete_while_typing=Condition(lambda: may_complete(self.buffer.document.text_before_cursor)),
            on_text_changed=lambda _: self._typed(),
        )

    def _application(self, input: Input | None, output: Output | None) -> Application[None]:
        app: Application[None] = Application(
            layout=ChatPainter(self).layout(),
            key_bindings=make_bindings(self),
            style=Style.from_dict({**STYLES, **self.look.rules}),
            color_depth=self.look.depth,
            full_screen=True,
            mouse_support=Condition(lambda: self.mouse),
            input=input,
            output=output,
            before_render=lambda _: self._before_painting(),
            after_render=lambda _: self._after_painting(),
            max_render_postpone_time=None,
        )
        app.key_processor.before_key_press += lambda _: self._key()
        app.ttimeoutlen = 0.05
        app.timeoutlen = 0.2
        return app

    # running

    async def run(self) -> None:
        """Until the person leaves, or the terminal does."""
        async with asyncio.TaskGroup() as group:
            working = [
                group.create_task(self._repaint(), name="repaint"),
                group.create_task(self._show_errors(self.chat.run()), name="room"),
                group.create_task(self._watch(), name="gateway"),
            ]
            try:
                with _exit_on_signals(self.leave):
                    await self.app.run_async(handle_sigint=False)
            finally:
                self.chat.remember()
                for task in [*working, *self._tasks]:
                    task.cancel()

    def type_ahead(self, typed: str) -> None:
        """What the person typed before the chat was on the screen."""
        keys: list[KeyPress] = []
        Vt100Parser(keys.append).feed(typed)
        store_typeahead(self.app.input, keys)

    async def _watch(self) -> None:
        """Watch the connection; the listener reports its final error."""
        with contextlib.suppress(GroupChatError):
            await self.chat.watch_gateway()

    async def _repaint(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            self._moved = True
            self.app.invalidate()
            await asyncio.sleep(REPAINT_EVERY_S)
            await asyncio.sleep(self._budget.pause(time.monotonic()))

    def touch(self) -> None:
        self._dirty.set()

    def _changed(self) -> None:
        self.cards.check_focus()
        self.touch()

    def _before_painting(self) -> None:
        self._begun = time.monotonic()
        self._repaint_if_resized()

    def _after_painting(self) -> None:
        if self._moved:
            self._moved = False
            now = time.monotonic()
            self._budget.spend(now - self._begun, now)

    def _repaint_if_resized(self) -> None:
        """Repaint after a resize: the toolkit erases from its idea of the cursor, which a shrunken
        terminal has moved."""
        size = self.app.output.get_size()
        if size != self._size:
            self._size = size
            self.chat.pane_control.window_resized()
            self.app.renderer.erase(leave_alternate_screen=False)
            self.app.output.erase_screen()
            self.app.output.cursor_goto(0, 0)

    def leave(self) -> None:
        if self.app.is_running and self.app.future is not None and not self.app.future.done():
            self.app.exit()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Start background work that ends with the chat at the latest."""
        task = spawn(self._show_errors(work), "action")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # it may not have begun when the chat ends

    async def _show_errors(self, work: Awaitable[object]) -> None:
        """Show the error if the work fails."""
        try:
            await work
        except Exception as error:
            self.say(error_text(error), "class:bad")

    def say(self, words: str, style: str = "class:dim") -> None:
        """Show text above the input until the next key."""
        self.hint, self.hint_style = words, style
        self.touch()

    # input

    def enter(self) -> None:
        text = self.buffer.text
        if self.overlay is not None and not text.strip():
            self._follow_overlay()
        elif text.strip():
            self._consider(text)

    def _consider(self, text: str) -> None:
        try:
            warning = "" if text == self.warned_text else self.chat.check(text)
        except Exception as error:
            self.say(error_text(error), "class:bad")
            return
        if warning:
            self.say(warning, "class:warning")
            self.warned_text = text
            return
        self.warned_text = ""
        self.buffer.append_to_history()
        self.buffer.reset()
        self.start(self.carry_out(text))

    async def carry_out(self, text: str) -> None:
        if self.chat.confirmation is not None:  # the list that asked for it
            self.overlay = None
        room = self.chat.state.room
        try:
            outcome = await self.show_answer(self.chat.submit(text))
        except Exception:
            if not self.buffer.text and self.chat.state.room == room:  # in another room it would be said there
                self.buffer.text = text
                self.buffer.cursor_position = len(text)
                self.chat.take_back(text)
            raise
        if outcome is None and not text.startswith("/"):
            self.port.follow()

    async def show_answer(self, working: Awaitable[ActionResult]) -> ActionResult:
        """Show what a command answers, unless a newer command has answered or failed meanwhile."""
        self._given += 1
        number = self._given
        try:
            answer = await working
        except Exception:
            self._answered = max(self._answered, number)
            raise
        if answer and number > self._answered:
            self._answered = number
            self._show(answer)
        self.touch()
        return answer

    def _show(self, answer: ListOverlay | str) -> None:
        if isinstance(answer, ListOverlay):
            self.select.leave()
            self.overlay, self.hint = answer, ""
        else:
            self.say(answer)

    def choose_item(self, item: int) -> None:
        """An item of the list; the chosen one leads to its message."""
        if self.overlay is None:
            return
        if self.overlay.chosen == item:
            self._follow_overlay()
        else:
            self.overlay.chosen = item
            self.paint_now()

    def _follow_overlay(self) -> None:
        overlay, self.overlay = self.overlay, None
        if overlay is not None and overlay.seq is not None:
            self.rows.marks = replace(overlay.marks, target=overlay.seq) if overlay.marks else None
            self.start(self.chat.go_to(overlay.seq))

    def _key(self) -> None:
        self._budget.key(time.monotonic())
        self._keys += 1
        self._moved, self._moved_before = True, self._moved

    def _typed(self) -> None:
        """Note a change of the text, which moves nothing above the input."""
        self.hint = ""
        if self.buffer.text:
            self._moved = self._moved_before
        if self.buffer.text and not self._written:
            self.chat.begin_line()
        self._written = bool(self.buffer.text)

    def back(self) -> None:
        """Escape: close what is open, else return to the newest message. Later keys go to no card."""
        if self.select.active:
            self.select.back()
            self.hint = ""
            return
        chosen = self.rows.selected is not None
        self.chat.confirmation = None
        self.rows.focus.leave()
        self.rows.marks = self.last_jump = None
        if self.overlay is not None:
            self.overlay = None
        elif self.chat.state.target is not None:
            self.chat.state.target = None
        elif chosen:
            pass
        elif not self.chat.state.stream.at_tail:
            self.start(self.chat.jump_to_newest())
        else:
            self.port.follow()
        self.hint = ""

    def begin_two_keys(self) -> None:
        self._first_key = self._keys

    def is_second_key(self) -> bool:
        """Whether the key before this one began a pair."""
        return self._first_key == self._keys - 1

    def edit(self) -> None:
        """Edit the draft in the person's editor."""
        self.start(self._edit())

    async def _edit(self) -> None:
        text = await edit_text(self.buffer.text, editor_command(os.environ))
        self.buffer.document = Document(text, len(text))

    def can_alt_m(self) -> bool:
        """Whether Alt and M mean a mention. After an Escape that closes something, the letter is text; but after a
        mention, they go on to the one before."""
        at_rest = self._is_at_newest() or self._is_at_mention()
        return self._nothing_to_close() and at_rest and self._has_mention()

    def _has_mention(self) -> bool:
        return self.chat.state.mention_before(self.chat.state.last_seq + 1) is not None

    def _is_at_mention(self) -> bool:
        newest = self.chat.state.mention_before(self.chat.state.last_seq + 1)
        return self._mention is not None and self._mention[0] == (self.port.anchor, self.port.below, newest)

    def suspend(self) -> None:
        """Suspend to the shell; `fg` returns. A session's pane has no shell."""
        if isinstance(self.chat.pane_control, NoPaneControl):
            self.app.suspend_to_background()
        else:
            self.say("There is no shell behind this chat; Ctrl-D leaves it.")

    def can_switch_room(self, number: int) -> bool:
        """Whether Alt and this digit mean that room: nothing is written, and Escape would close nothing. Otherwise they
        are an Escape, and the digit as text."""
        room = self.chat.state.room_at(number)
        return self._nothing_to_close() and self._is_at_newest() and room not in (None, self.chat.state.room)

    def _nothing_to_close(self) -> bool:
        """Whether nothing is written, open or chosen."""
        open_ = self.overlay, self.rows.selected, self.rows.chosen, self.chat.state.target
        return not self.buffer.text and not self.cards.takes_keys and all(one is None for one in open_)

    def _is_at_newest(self) -> bool:
        return self.port.is_following and self.chat.state.stream.at_tail

    # scrolling

    def scroll(self, by: int) -> None:
        if self.overlay is not None:
            self.overlay.move(-by if not self.overlay.leads else -by // max(1, abs(by)))
            return
        state = self.chat.state
        if self.port.is_following and by > 0 and state.mark is None and state.stream.newest() is not None:
            state.mark = state.stream.newest()
        self.port.scroll(by, state.stream.keys, self.rows, self.height)
        if by < 0 and self.port.is_following and not state.stream.at_tail:
            self._pin_view()
            self.start(self.chat.load_newer())

    def _pin_view(self) -> None:
        """Pin the view when the loaded window ends before the newest message."""
        state = self.chat.state
        if not state.stream.at_tail and state.stream.keys:
            self.port.anchor = self.port.anchor or state.stream.keys[-1]

    def visible_keys(self) -> list[EntryKey]:
        """The entries in sight, from the top."""
        return self.port.visible_rows(self.chat.state.stream.keys, self.rows, self.height).owners

    def lowest_visible_key(self) -> EntryKey | None:
        return next(reversed(self.visible_keys()), None)

    def hold_view(self) -> None:
        """Keep the view where it is, also when messages arrive."""
        if self.port.is_following and self.chat.state.stream.keys:
            self.port.anchor = self.chat.state.stream.keys[-1]

    def reveal(self, key: EntryKey) -> None:
        """Scroll no further than this entry needs to be seen."""
        keys = self.chat.state.stream.keys
        rows = len(self.rows(keys.index(key)))
        for _ in range(2):
            visible = self.visible_keys()
            if visible.count(key) >= min(rows, self.height):
                return
            self.scroll(rows if visible and key <= visible[0] else -rows)
        if key not in self.visible_keys():
            self.jump(key)

    def page(self, up: bool) -> None:
        """A page of a list follows the one before; the stream keeps a row of it."""
        step = max(1, self.height - (1 if self.overlay is not None else 2))
        self.scroll(step if up else -step)

    def jump(self, key: EntryKey | None) -> None:
        if key is None:
            self.last_jump = None
            self.port.follow()
        else:
            self.last_jump = key
            self.port.jump(key, self.chat.state.stream.keys, self.rows, self.height)
            self._pin_view()
        self.paint_now()

    def paint_now(self) -> None:
        """Paint what the person asked for at once: it does not wait for the share of events."""
        self._moved = True
        self.app.invalidate()

    def mention(self) -> None:
        """The newest message that names this person; pressed again, the next older one."""
        self.start(self._to_mention())

    async def copy_text(self, text: str) -> bool:
        return await copy_text(text, self.app.output)

    async def _to_mention(self) -> None:
        state, port = self.chat.state, self.port
        newest = state.mention_before(state.last_seq + 1)
        if self._is_at_mention() and self._mention is not None:
            above = self._mention[1]
        else:
            above = (port.anchor[0] if port.anchor else state.last_seq) + 1
        key = await self.chat.jump_to_mention(above)
        if key is None:
            self.say("No earlier message here names you.")
        else:
            self._mention = ((port.anchor, port.below, newest), key[0])

    def fold(self) -> None:
        state = self.chat.state
        seen = self.port.visible_rows(state.stream.keys, self.rows, self.height)
        if self.rows.unfolded & set(seen.owners):
            self.rows.unfolded -= set(seen.owners)
            return
        self.rows.unfolded |= set(seen.owners)
        for key in seen.owners:
            if (
                isinstance(state.stream.entries[key], QuestionView)
                and len(self.rows(state.stream.keys.index(key))) > self.height
            ):
                self.jump(key)
                return

    def toggle_fold(self, key: EntryKey) -> None:
        self.rows.unfolded ^= {key}
        self.paint_now()

    def make_large(self) -> None:
        """The agent whose name alone is on the line, or else the chat."""
        self._command_about_name("large")

    def explain_silence(self) -> None:
        """Of the agent whose name alone is on the line, or else of all."""
        self._command_about_name("why")

    def _command_about_name(self, word: str) -> None:
        name = _ONLY_A_NAME.fullmatch(self.buffer.text)
        self.start(self.carry_out(f"/{word} {name[1]}" if name else f"/{word}"))

    def _ring(self, ring: Alert) -> None:
        if self.spec.bell == "off":
            return
        with contextlib.suppress(OSError):
            self.app.output.bell()
        if self.spec.notify:
            self.start(send_notification(self.spec.notify, ring.who, ring.text))

    # painting

    @property
    def lists(self) -> bool:
        """Whether Up and Down move in a list or in a chosen card."""
        return (self.overlay is not None or self.rows.selected is not None) and not self.buffer.text

    def stream(self, width: int, height: int) -> list[Row]:
        """The middle rows; cached if only the input line has changed."""
        place = (width, height, id(self.overlay), self.rows.selected, self.port.anchor, self.port.below)
        if self._moved or self._shown[0] != place:
            self._shown = (place, self._stream(width, height))
        return self._shown[1]

    def _stream(self, width: int, height: int) -> list[Row]:
        self.height, self.rows.width, self.rows.height = height, width, height
        if self.overlay is not None:
            self.owners = []
            return self.overlay.rows(width, height)
        state = self.chat.state
        seen = self.port.visible_rows(state.stream.keys, self.rows, height)
        if self.port.is_following:
            state.mark_read()
            self.chat.read_reporter.note_shown()
        if seen.at_top and state.stream.more_before and state.stream.keys:
            self.start(self.chat.load_older())
        self.owners = [*([None] * (height - len(seen.rows))), *seen.owners]
        return self._hints(width, height - len(seen.rows)) + seen.rows

    def _hints(self, width: int, height: int) -> list[Row]:
        """The rows above the entries: empty, or, while nothing has been said, what one can do first."""
        state = self.chat.state
        nothing_said = self.chat.opened and state.stream.newest() is None and not state.stream.more_before
        shown = nothing_said and not state.open_cards()
        hints = first_run_rows(state.room, state.agents_here(), state.agents(), width) if shown else []
        hints = hints if len(hints) <= height else []
        return hints + [()] * (height - len(hints))


_ONLY_A_NAME = re.compile(r"\s*@([\w.-]+)\s*")


@contextlib.contextmanager
def _exit_on_signals(leave: Any) -> Any:
    """Leave on SIGHUP and SIGTERM too, so that the terminal is restored."""
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGHUP)
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        for number in numbers:
            loop.add_signal_handler(number, leave)
    try:
        yield
    finally:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            for number in numbers:
                loop.remove_signal_handler(number)
