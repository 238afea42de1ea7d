"""A question of an agent as the chat shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """What can be chosen: the key that says so, and its words."""

    key: str
    text: str


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
