"""A question of an agent as the chat shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.nouns import Ask, AskState, Option


@dataclass(frozen=True)
class AskView:
    """`number` is the event that opened it; `outcome` says how it ended, and is empty while the question is open."""

    number: int
    member: str
    question: str
    options: tuple[Option, ...] = ()
    tool: str = ""
    detail: str = ""
    digest: str = ""
    allow: str = ""
    deny: str = ""
    opened: str = ""
    outcome: str = ""

    @classmethod
    def of(cls, ask: Ask) -> AskView:
        return cls(
            number=ask.number,
            member=ask.member,
            question=ask.question,
            options=ask.options,
            tool=ask.tool,
            detail=ask.detail,
            digest=ask.digest,
            allow=ask.allow,
            deny=ask.deny,
            opened=ask.opened,
            outcome=_outcome(ask),
        )

    @property
    def open(self) -> bool:
        return not self.outcome

    def answer_for(self, key: str) -> str | None:
        """What a pressed key answers: an option's own key, `y` and `n` where the dialog knows such answers."""
        if any(one.key == key for one in self.options):
            return key
        if key == "y" and self.allow:
            return "allow"
        return "deny" if key == "n" and self.deny else None


_ENDS = {
    AskState.ANSWERING: "an answer is on its way",
    AskState.CLOSED: "no longer asked",
    AskState.STALE: "another question took its place",
    AskState.WITHDRAWN: "nobody is there any more",
}


def _outcome(ask: Ask) -> str:
    """How it ended; nothing while it waits."""
    if ask.state is AskState.OPEN:
        return ""
    if ask.state is AskState.ANSWERED:
        chosen = next((one.text for one in ask.options if one.key == ask.answer), ask.answer)
        return f"{ask.by or 'somebody'} answered: {chosen}"
    return _ENDS[ask.state] + (f" ({ask.reason})" if ask.reason else "")
