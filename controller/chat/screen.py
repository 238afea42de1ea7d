"""The chat on a screen: a prompt-toolkit application that paints the output of the pure modules.

Keys are painted at once, events at most twenty times a second; see `repaint_budget`.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

from controller.chat.chat import Chat, NoPaneControl, error_text
from controller.chat.keys import make_bindings
from controller.chat.layout import STYLE, ChatPainter
from controller.chat.repaint_budget import REPAINT_EVERY_S, RepaintBudget
from controller.chat.subprocesses import send_notification
from controller.commands.command_table import complete, may_complete
from controller.commands.decision_text import DecisionCard
from controller.team.team import ChatSpec
from controller.view.approval_focus import KeyMeaning
from controller.view.approvals_view import AskView
from controller.view.chat_rows import StreamRows
from controller.view.chat_state import Alert, EntryKey
from controller.view.list_overlay import ListOverlay
from controller.view.text_rows import Row
from controller.view.viewport import Viewport
from gateway.client.process.tasks import spawn
from gateway.protocol.errors import GroupChatError


class ChatScreen:
    """One chat on one terminal."""

    chat: Chat
    buffer: Buffer
    rows: StreamRows

    def __init__(
        self,
        chat: Chat,
        spec: ChatSpec | None = None,
        *,
        history: Path | None = None,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self.chat, self.spec = chat, spec or ChatSpec()
        self.rows = StreamRows(chat.state)
        self.port: Viewport[EntryKey, Row] = Viewport()
        self.overlay: ListOverlay | None = None
        self.height = 1
        self.warned_text = ""
        self._written = False
        self._card: int | None = None  # the card that was shown last
        self.hint, self.hint_style = "", "class:dim"
        self.mouse = self.spec.mouse
        self._mention: tuple[object, int] | None = None
        self._budget = RepaintBudget()
        self._moved, self._moved_before = True, True  # whether the stream may have changed now, and before this key
        self._shown: tuple[object, list[Row]] = (None, [])
        self._begun = 0.0
        self._dirty = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.buffer = self._composer(history)
        self.app = self._application(input, output)
        self._size = self.app.output.get_size()
        chat.changed, chat.ring, chat.left, chat.jumped = self._changed, self._ring, self.leave, self.jump

    def _composer(self, history: Path | None) -> Buffer:
        """The input buffer."""
        return Buffer(
            multiline=True,
            history=_open_history(history),
            completer=_Completer(self.chat),
            complete_while_typing=Condition(lambda: may_complete(self.buffer.document.text_before_cursor)),
            on_text_changed=lambda _: self._typed(),
        )

    def _application(self, input: Input | None, output: Output | None) -> Application[None]:
        app: Application[None] = Application(
            layout=ChatPainter(self).layout(),
            key_bindings=make_bindings(self),
            style=STYLE,
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
        self._check_focus()
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
            self.app.renderer.erase(leave_alternate_screen=False)
            self.app.output.erase_screen()
            self.app.output.cursor_goto(0, 0)

    def leave(self) -> None:
        if self.app.is_running and self.app.future is not None and not self.app.future.done():
            self.app.exit()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start background work that ends with the chat at the latest."""
        task = spawn(self._show_errors(work), "action")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _show_errors(self, work: Coroutine[Any, Any, None]) -> None:
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
        try:
            outcome = await self.chat.submit(text)
        except Exception:
            if not self.buffer.text:
                self.buffer.text = text
                self.buffer.cursor_position = len(text)
                self.chat.take_back(text)
            raise
        if isinstance(outcome, ListOverlay):
            self.overlay, self.hint = outcome, ""
        elif outcome:
            self.say(outcome)
        elif not text.startswith("/"):
            self.port.follow()
        self.touch()

    def _follow_overlay(self) -> None:
        overlay, self.overlay = self.overlay, None
        if overlay is not None and overlay.seq is not None:
            self.start(self.chat.go_to(overlay.seq))

    def _key(self) -> None:
        self._budget.key(time.monotonic())
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
        chosen = self.rows.selected is not None
        self.rows.focus.leave()
        if self.overlay is not None:
            self.overlay = None
        elif chosen:
            pass
        elif not self.chat.state.at_tail:
            self.start(self.chat.jump_to_newest())
        else:
            self.port.follow()
        self.hint = ""

    def suspend(self) -> None:
        """Suspend to the shell; `fg` returns. A session's pane has no shell."""
        if isinstance(self.chat.pane_control, NoPaneControl):
            self.app.suspend_to_background()
        else:
            self.say("There is no shell behind this chat; Ctrl-D leaves it.")

    # scrolling

    def scroll(self, by: int) -> None:
        if self.overlay is not None:
            self.overlay.move(-by if not self.overlay.leads else -by // max(1, abs(by)))
            return
        state = self.chat.state
        if self.port.is_following and by > 0 and state.mark is None and state.newest() is not None:
            state.mark = state.newest()
        self.port.scroll(by, state.keys, self.rows, self.height)
        if by < 0 and self.port.is_following and not state.at_tail:
            self._pin_view()
            self.start(self.chat.load_newer())

    def _pin_view(self) -> None:
        """Pin the view when the loaded window ends before the newest message."""
        state = self.chat.state
        if not state.at_tail and state.keys:
            self.port.anchor = self.port.anchor or state.keys[-1]

    def page(self, up: bool) -> None:
        step = max(1, self.height - 2)
        self.scroll(step if up else -step)

    def jump(self, key: EntryKey | None) -> None:
        if key is None:
            self.port.follow()
        else:
            self.port.jump(key, self.chat.state.keys, self.rows, self.height)
            self._pin_view()

    def mention(self) -> None:
        """The newest message that names this person; pressed again, the next older one."""
        self.start(self._to_mention())

    async def _to_mention(self) -> None:
        state, port = self.chat.state, self.port
        newest = state.mention_before(state.last_seq + 1)
        if self._mention is not None and self._mention[0] == (port.anchor, port.below, newest):
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
        seen = self.port.visible_rows(state.keys, self.rows, self.height)
        if self.rows.unfolded & set(seen.owners):
            self.rows.unfolded -= set(seen.owners)
            return
        self.rows.unfolded |= set(seen.owners)
        for key in seen.owners:
            if isinstance(state.entries[key], AskView) and len(self.rows(state.keys.index(key))) > self.height:
                self.jump(key)
                return

    # cards

    def choose_ask(self) -> None:
        asks = self.chat.state.open_cards()
        if not asks:
            self.rows.focus.no_card_to_choose(self.chat.clock())
            self.say("Nobody asks anything.")
            return
        numbers = [one.number for one in asks]
        place = numbers.index(self.rows.selected) + 1 if self.rows.selected in numbers else 0
        card = asks[place % len(numbers)]
        self.overlay = None
        self.rows.focus.choose(card.number, self._keys_of(card))
        self._begin_answer(card)
        self._card = card.number
        self._show_card(card.number)

    def show_ways_to_answer(self, cards: list[AskView | DecisionCard]) -> str:
        """F2, unless none of them takes a key from this person."""
        return "F2" if any(isinstance(one, DecisionCard) or self._keys_of(one) for one in cards) else "in its terminal"

    def _keys_of(self, card: AskView | DecisionCard) -> frozenset[str]:
        if isinstance(card, DecisionCard):
            return frozenset(one.key for one in card.choices)
        return card.keys(self.chat.state.me, panes=self.chat.state.panes)

    def _show_card(self, number: int) -> None:
        self.jump((number, 0)) if (number, 0) in self.chat.state.entries else self.port.follow()

    def _begin_answer(self, card: AskView | DecisionCard) -> None:
        """Start an answer in words on the input line."""
        if isinstance(card, DecisionCard) and not card.choices:
            self._begin_line(f"/vote {card.decision.id} ")

    def _begin_line(self, text: str) -> None:
        if self.buffer.text:
            self.say(f"Send or clear what is written first; then {text.strip()} ...")
        else:
            self.buffer.insert_text(text)

    @property
    def is_for_card(self) -> bool:
        """Whether a typed key may be for a card."""
        return self.rows.focus.is_for_card(self.chat.clock())

    def press(self, key: str) -> bool:
        """Whether the key was for a card: it answers the chosen one, or is dropped because that card is gone."""
        self._check_focus()
        card = self.chat.state.card(self.rows.selected)
        fate = self.rows.focus.meaning_of_key(key, self.chat.clock())
        if fate is KeyMeaning.ANSWER and card is not None:
            self._answer(card, key)
        elif fate is KeyMeaning.DROPPED:
            self.say(_dropped_key_text(card, key), "class:warning")
        else:
            self.rows.focus.leave()
        return fate is not KeyMeaning.TEXT

    def _answer(self, card: AskView | DecisionCard, key: str) -> None:
        if isinstance(card, AskView) and card.opens_refusal_line(key):
            self.rows.focus.leave()
            self._begin_line(f"/deny {card.member} because ")
        elif isinstance(card, AskView) and card.opens(key):
            self.start(self._show_pane(card.member))
        elif (answer := card.answer_for(key)) is not None:
            self.rows.focus.mark_answered(key, self.chat.clock())
            self._leave_card(card.number)

            async def go() -> None:
                self.say(await self.chat.answer_card(card, answer))

            self.start(go())

    def _leave_card(self, number: int) -> None:
        """Leave a card, and follow the newest message again."""
        self.rows.unfolded.discard((number, 0))
        if self.chat.state.at_tail:
            self.port.follow()

    async def _show_pane(self, name: str) -> None:
        if said := await self.chat.show_pane(name):
            self.say(said)

    def _check_focus(self) -> None:
        """Report a chosen card that is no longer open, and drop keys meant for it for a moment."""
        number, anchor = self.rows.selected, self.port.anchor
        if anchor is not None and anchor == (self._card, 0) and self.chat.state.card(self._card) is None:
            self._leave_card(anchor[0])
        card = self.chat.state.card(number)
        if number is None or card is not None:
            if card is not None:
                self.rows.focus.choose(card.number, self._keys_of(card))  # its details may have arrived since
            return
        self.rows.focus.card_is_gone(self.chat.clock())
        self._leave_card(number)
        ask = self.chat.state.asks.get(number)
        self.say(
            f"{ask.member}'s question is gone: {ask.outcome}." if ask else "That question is gone.", "class:warning"
        )

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
            return self.overlay.rows(width, height)
        state = self.chat.state
        seen = self.port.visible_rows(state.keys, self.rows, height)
        if seen.at_top and state.more_before and state.keys:
            self.start(self.chat.load_older())
        return [()] * (height - len(seen.rows)) + seen.rows


def _dropped_key_text(card: AskView | DecisionCard | None, key: str) -> str:
    if card is None:
        return f"{key!r} was not written: the question that it was for is gone."
    return f"{card.member}'s question takes no {key!r}; Esc leaves it."


class _Completer(Completer):
    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for one in complete(document.text_before_cursor, self._chat.known()):
            yield Completion(one.text, one.start, display_meta=one.about)


def _open_history(path: Path | None) -> History:
    """The input history, in a file that only its owner may read."""
    if path is None:
        return InMemoryHistory()
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    return FileHistory(str(path))


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
