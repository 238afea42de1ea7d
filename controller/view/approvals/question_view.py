"""An agent's question as the chat and the shell show it, with the possible answers. Pure.

Suggested answers come from the same fields by which the gateway accepts or refuses one, so none is offered that it
would refuse.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.text.printable_text import SEALED_TEXT
from gateway.protocol.text.question_text import question_body, question_subject
from gateway.protocol.types.core_types import Ask, AskAbout, AskState, Option

WORDS_KEY = "w"
OPEN_KEY = "o"


@dataclass(frozen=True)
class QuestionView:
    """`number` is the event that opened it; `outcome` says how it ended, and is empty while the question is open.
    `approvers` are those who may answer; None where the gateway does not say."""

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
    about: AskAbout = AskAbout.TEXT
    left_out: int = 0
    readable: bool = True
    words: bool = False
    approvers: tuple[str, ...] | None = None
    reason: str = ""

    @classmethod
    def of(cls, ask: Ask) -> QuestionView:
        """A sealed question that nobody has opened here has no answers: they would be refused."""
        closed = ask.sealed is not None and not ask.question
        return cls(
            number=ask.number,
            member=ask.member,
            question=SEALED_TEXT if closed else ask.question,
            options=() if closed else ask.options,
            tool=ask.tool,
            detail=ask.detail,
            digest=ask.digest,
            allow="" if closed else ask.allow,
            deny="" if closed else ask.deny,
            opened=ask.opened,
            outcome=outcome_text(ask),
            about=ask.about,
            left_out=ask.left_out,
            readable=ask.readable,
            words=ask.words,
            approvers=ask.approvers,
            reason=ask.reason,
        )

    @property
    def open(self) -> bool:
        return not self.outcome

    def may_answer(self, me: str) -> bool:
        return self.approvers is None or me in self.approvers

    def answer_for(self, key: str) -> str | None:
        """The answer of a pressed key: an option's own key, or `y` and `n` if the dialog has such answers."""
        if self._is_option(key):
            return key
        if key == "y" and self.allow:
            return "allow"
        return "deny" if key == "n" and self.deny else None

    def opens_refusal_line(self, key: str) -> bool:
        """Whether this key opens a line for a refusal with words."""
        return key == WORDS_KEY and self.words and bool(self.deny) and not self._is_option(key)

    def opens(self, key: str) -> bool:
        """Whether this key shows the agent's own terminal."""
        return key == OPEN_KEY and not self._is_option(key)

    def _is_option(self, key: str) -> bool:
        return any(one.key == key for one in self.options)

    def keys(self, me: str, *, panes: bool) -> frozenset[str]:
        """All keys that it takes from this person; `panes`: its terminal can be shown from here."""
        may = self.may_answer(me)
        known = [one.key for one in self.options] + ["y", "n", WORDS_KEY]
        answers = {key for key in known if may and (self.answer_for(key) or self.opens_refusal_line(key))}
        return frozenset(answers | ({OPEN_KEY} if panes and not self._is_option(OPEN_KEY) else set()))

    @property
    def body(self) -> list[str]:
        """The lines of what it is about; none where all of it is the question."""
        return question_body(self)

    @property
    def subject(self) -> tuple[str, str]:
        """What was asked, in one line: how it begins, and the thing itself."""
        return question_subject(self)


_OUTCOME_BY_STATE = {
    AskState.ANSWERING: "an answer is on its way",
    AskState.CLOSED: "no longer asked",
    AskState.STALE: "another question took its place",
    AskState.WITHDRAWN: "the agent is gone",
}


def outcome_text(ask: Ask) -> str:
    """How the question ended; empty while it is open."""
    if ask.state is AskState.OPEN:
        return ""
    if ask.state is AskState.ANSWERED and not ask.answer:
        return ask.reason or "answered"
    if ask.state is AskState.ANSWERED:
        because = f", because {' '.join(ask.said.split())}" if ask.said else ""
        return f"{ask.by or 'somebody'} answered: {_chosen_text(ask)}{because}"
    told = ask.reason and ask.state is not AskState.STALE
    return _OUTCOME_BY_STATE[ask.state] + (f" ({ask.reason})" if told else "")


def _chosen_text(ask: Ask) -> str:
    """The chosen option in the dialog's words, however it was given."""
    key = {"allow": ask.allow, "deny": ask.deny}.get(ask.answer, ask.answer)
    plain = {"allow": "Yes", "deny": "No"}.get(ask.answer, ask.answer)
    return next((one.text for one in ask.options if one.key == key), plain)


def ended_line(ask: QuestionView) -> str:
    """One line for an ended question: who asked for what, and who answered how."""
    begins, thing = ask.subject
    return f"{ask.member} {begins}{f'`{thing}`' if ask.body else thing} – {ask.outcome}"


def group_digits(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def warning_lines(ask: QuestionView) -> list[str]:
    """Warnings: text that is not shown here and where it is, and why the question is open again."""
    words = []
    if ask.left_out:
        words.append(f"{group_digits(ask.left_out)} more characters are only in {ask.member}'s terminal.")
    if not ask.readable:
        words.append(f"Not all of this dialog can be read from here; {ask.member}'s terminal shows it.")
    if ask.reason:
        words.append(f"{ask.reason[:1].upper()}{ask.reason[1:]}.")
    return words


def who_may_answer(ask: QuestionView, me: str) -> str:
    """Who may answer; empty if only this person may, or if it is unknown."""
    names = ask.approvers
    if names is None or names == (me,):
        return ""
    if not names:
        return "nobody in the chat has the right to answer it"
    others = [f"{'you' if one == me else one}" for one in sorted(names, key=lambda one: one != me)]
    return f"{others[0] if len(others) == 1 else ', '.join(others[:-1]) + ' or ' + others[-1]} may answer"
