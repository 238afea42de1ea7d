"""Select mode: F7 chooses a message with the arrows, and one key does something with it.

What a key does is decided in `controller/view/stream/message_selection.py`. While the mode lasts, no key reaches the
composer: a letter that means nothing here is answered with those that do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from prompt_toolkit.document import Document
from prompt_toolkit.layout import Window
from prompt_toolkit.layout.controls import FormattedTextControl

from controller.chat.full_screen.screen_interface import ScreenForParts
from controller.requests.replacement_request import line_of_message
from controller.view.state.draft_target import DraftTarget, TargetKind
from controller.view.stream import message_selection
from controller.view.stream.copied_text import printable_text_of
from controller.view.stream.message_selection import MessageFacts, SelectAction
from controller.view.text.text_rows import fit_to_width
from controller.wording.proof_text import has_no_text
from gateway.protocol.events import Message

if TYPE_CHECKING:
    from controller.view.state.stream_entries import EntryKey

MAX_QUOTED_LINES = 40


class SelectMode:
    """`encoding` is what the terminal is limited to, or empty."""

    def __init__(self, screen: ScreenForParts, encoding: str) -> None:
        self._screen, self._encoding = screen, encoding
        self._picking = False
        self._followed = False
        # It has the focus while the mode lasts, so that no editing key reaches the composer.
        self.window = Window(FormattedTextControl(focusable=True), height=0)

    @property
    def chosen(self) -> EntryKey | None:
        return self._screen.rows.chosen

    @property
    def active(self) -> bool:
        return self.chosen is not None

    # entering and leaving

    def toggle(self) -> None:
        if self.active:
            self.leave()
            return
        screen, state = self._screen, self._screen.chat.state
        near = screen.last_jump if screen.last_jump in screen.visible_keys() else screen.lowest_visible_key()
        key = message_selection.chosen_at_first(state.stream.keys, state.stream.entries, near)
        if key is None:
            screen.say("There is no message to select yet.")
            return
        screen.overlay = None
        screen.rows.focus.leave()
        self._followed = screen.port.is_following
        screen.hold_view()
        self._choose(key)
        screen.app.layout.focus(self.window)

    def leave(self) -> None:
        if not self.active:
            return
        screen = self._screen
        screen.rows.chosen, self._picking = None, False
        screen.app.layout.focus(screen.buffer)
        if self._followed and screen.chat.state.stream.at_tail and self._newest_is_visible():
            screen.port.follow()

    def back(self) -> None:
        """Escape: first out of the choice of a sign, then out of the mode."""
        if self._picking:
            self._picking = False
        else:
            self.leave()

    def _newest_is_visible(self) -> bool:
        keys = self._screen.chat.state.stream.keys
        return bool(keys) and keys[-1] in self._screen.visible_keys()

    # choosing

    def step(self, by: int) -> None:
        """The next message above (-1) or below (1)."""
        state = self._screen.chat.state
        if self.chosen is not None:
            self._picking = False
            self._choose(message_selection.step(state.stream.keys, state.stream.entries, self.chosen, by))

    def page(self, up: bool) -> None:
        screen, state = self._screen, self._screen.chat.state
        screen.page(up)
        visible = screen.visible_keys()
        if visible and self.chosen is not None:
            key = message_selection.chosen_at_first(
                state.stream.keys, state.stream.entries, visible[0] if up else visible[-1]
            )
            self._choose(key or self.chosen)

    def end(self, first: bool) -> None:
        """The first or the last of the loaded messages."""
        stream = self._screen.chat.state.stream
        near = stream.keys[0] if first and stream.keys else None
        key = message_selection.chosen_at_first(stream.keys, stream.entries, near)
        if key is not None:
            self._choose(key)

    def _choose(self, key: EntryKey) -> None:
        self._screen.rows.chosen = key
        self._screen.reveal(key)

    # what stands below

    def footer(self, width: int) -> str:
        message = self._message()
        if message is None:
            return ""
        if self._picking:
            given = self._screen.chat.state.marks.own_signs(message.seq, self._screen.chat.state.me)
            return fit_to_width(message_selection.signs_line(given, self._signs()), width)
        return message_selection.footer_line(self._facts(message), width)

    def _message(self) -> Message | None:
        return None if self.chosen is None else self._screen.chat.state.stream.message(self.chosen[0])

    def _facts(self, message: Message) -> MessageFacts:
        return message_selection.facts_of(self._screen.chat.state, message)

    # keys

    def press(self, key: str) -> None:
        self._screen.hint = ""
        message = self._message()
        if message is None:
            self.leave()
        elif self._picking:
            self._pick(key, message)
        else:
            action = message_selection.action_of(key, self._facts(message))
            if isinstance(action, SelectAction):
                self._carry_out(action, message)
            else:
                self._screen.say(action, "class:warning")

    def paste(self, text: str) -> None:
        """A paste is for the composer."""
        self.leave()
        self._screen.buffer.insert_text(text.replace("\r\n", "\n").replace("\r", "\n"))

    def _signs(self) -> Sequence[str]:
        """Words only, for a terminal that cannot show an emoji."""
        return message_selection.ASCII_SIGNS if self._encoding else message_selection.OFFERED_SIGNS

    def _pick(self, key: str, message: Message) -> None:
        signs = self._signs()
        if key.isdecimal() and 0 < int(key) <= len(signs):
            self._picking = False
            self._submit(f"/react {message.seq} {signs[int(key) - 1]}")
        elif key == "w":
            self._write(f"/react {message.seq} ")
        else:
            self._screen.say(f"1 to {len(signs)} pick a sign, w writes your own, Esc leaves it.", "class:warning")

    def _carry_out(self, action: SelectAction, message: Message) -> None:
        lines = message_selection.command_lines(action, self._facts(message))
        if action is SelectAction.REACT:
            self._picking = True
        elif action is SelectAction.QUOTE:
            self._quote(message)
        elif action is SelectAction.REPLY:
            self._aim(TargetKind.REPLY, message)
        elif action is SelectAction.RESEND and self._write(line_of_message(message)):
            self._aim(TargetKind.REPLACE, message)
        for line in lines:
            self._submit(line)

    def _aim(self, kind: TargetKind, message: Message) -> None:
        self.leave()
        self._screen.chat.state.target = DraftTarget(kind, message)

    def _quote(self, message: Message) -> None:
        if has_no_text(message):
            self._screen.say(f"#{message.seq} has no text to quote.", "class:warning")
            return
        buffer = self._screen.buffer
        lines = printable_text_of(message.content).strip("\n").split("\n")
        kept = [*lines[:MAX_QUOTED_LINES], *(["…"] if len(lines) > MAX_QUOTED_LINES else [])]
        self._aim(TargetKind.REPLY, message)
        buffer.document = Document(message_selection.quoted("\n".join(kept), buffer.text))

    def _write(self, text: str) -> bool:
        """Begin a line in the composer, unless something is written there."""
        if self._screen.buffer.text:
            self._screen.say("Send or clear your text first; it is still in the line below.", "class:warning")
            return False
        self.leave()
        self._screen.buffer.insert_text(text)
        return True

    def _submit(self, line: str) -> None:
        """Carry out a command. Nothing of it goes into the composer, also if it is refused."""
        self._screen.start(self._screen.show_answer(self._screen.chat.submit(line)))
