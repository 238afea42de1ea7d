"""Builds the text of one prompt. The text is built once per prompt, because every look compares it with the screen.
Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.protocol.events import Message
from sidecar.delivery.message_progress import DeliveryConfig
from sidecar.messages import envelope
from sidecar.messages.attachment_text import QUOTE_BAR, attachments_as_typed
from sidecar.messages.backlog_digest import digest_text, needs_digest
from sidecar.messages.quiet_notices import QuietNotices, notice_line
from sidecar.messages.sealed_turns import is_sealed

MAX_KEPT_PROMPTS = 8
BACKSLASH_HINT_TEXT = "(In the quoted lines, the backslash before each \\@ is added.)"


@dataclass(frozen=True)
class PromptText:
    """`files` are the files that the text names, `notices` the quiet notices below its messages."""

    text: str
    files: Mapping[Path, str]
    notices: tuple[str, ...] = ()


class PromptTexts:
    """The texts of one store: within a store, a number always stands for the same message. Notices are the gateway's
    word, so they are not typed below messages whose writers are proven."""

    def __init__(self, me: DeliveryConfig, notices: QuietNotices) -> None:
        self._me, self._notices = me, notices
        self._made: dict[tuple[tuple[int, ...], bool, bool], PromptText] = {}

    def of(self, messages: Sequence[Message], *, bracketed: bool, digests: bool) -> PromptText:
        key = tuple(one.seq for one in messages), bracketed, digests
        if key not in self._made:
            if len(self._made) >= MAX_KEPT_PROMPTS:
                self._made.clear()
            self._made[key] = self._make(messages, bracketed, digests)
        return self._made[key]

    def _make(self, messages: Sequence[Message], bracketed: bool, digests: bool) -> PromptText:
        me, is_digest = self._me, digests and needs_digest(messages)
        limit = {"most": 0} if is_digest else {}
        under = {
            one.seq: attachments_as_typed(one, me.attached.folder, **limit)
            for one in messages
            if one.parts or one.context
        }
        words = {number: one.text for number, one in under.items() if one.text}
        if is_digest:
            text = digest_text(messages, me.name, me.envelope, words)
        else:
            text = "\n\n".join(
                envelope.add_under_envelope(self._enveloped(one), words.get(one.seq, "")) for one in messages
            )
        files = {path: content for one in under.values() for path, content in one.files.items()}
        notices = () if me.envelope == envelope.BARE or any(map(is_sealed, messages)) else self._notices.waiting
        text = text if bracketed else envelope.envelopes_in_one_line(text)
        lines = [notice_line(me.name, one) for one in notices]
        text = ("\n\n" if bracketed else " ").join([text, *lines])
        return PromptText(self._finished(text), files, notices)

    def mark_submitted(self, text: str) -> None:
        """The agent has got the notices of this text."""
        for made in self._made.values():
            if made.text == text:
                self._notices.told(made.notices)

    def _enveloped(self, message: Message) -> str:
        return envelope.envelope_message(message, self._me.name, message.content, self._me.envelope)

    def _finished(self, text: str) -> str:
        agent = self._me.agent
        guarded = agent.text.guard(text, self._me.is_name)
        if guarded != text and _numbers_of_quoted(guarded) != _numbers_of_quoted(text):
            guarded += f"\n{BACKSLASH_HINT_TEXT}"
        return agent.text.finish(guarded)


def _numbers_of_quoted(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.startswith(QUOTE_BAR)]
