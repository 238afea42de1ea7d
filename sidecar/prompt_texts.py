"""What goes in as one prompt, as text. Made once for each: it is compared with the screen at every look. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.protocol.events import Message
from sidecar import wording
from sidecar.digest import digest, is_due
from sidecar.ledger import Me

KEPT = 8


class PromptTexts:
    """Of one house: there a number stands for one message, always."""

    def __init__(self, me: Me) -> None:
        self._me = me
        self._made: dict[tuple[tuple[int, ...], bool, bool], str] = {}

    def of(self, messages: Sequence[Message], *, bracketed: bool, digests: bool) -> str:
        key = tuple(one.seq for one in messages), bracketed, digests
        if key not in self._made:
            if len(self._made) >= KEPT:
                self._made.clear()
            self._made[key] = self._text(messages, bracketed, digests)
        return self._made[key]

    def _text(self, messages: Sequence[Message], bracketed: bool, digests: bool) -> str:
        if digests and is_due(messages):
            text = digest(messages, self._me.name, self._me.envelope)
        else:
            text = "\n\n".join(map(self._enveloped, messages))
        if not bracketed:
            text = wording.one_line(text)
        agent = self._me.agent
        return agent.finish(agent.guard(text, self._me.is_name))

    def _enveloped(self, message: Message) -> str:
        me = self._me
        return wording.envelope(message.from_, me.name, message.seq, message.content, me.envelope)
