"""Select mode: which message is chosen, what a key does with it, and why not. Pure."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from controller.view.state.chat_state import ChatState
from controller.view.state.stream_entries import EntryKey, StreamEntry
from controller.view.text.text_rows import clean_line_for_screen, fit_to_width, width_of
from gateway.protocol.events import Message
from gateway.protocol.text.receipt_text import is_failure
from gateway.protocol.types.core_types import Rung

OFFERED_SIGNS = ("👍", "👀", "done", "thanks", "no")
ASCII_SIGNS = ("+1", "eyes", "done", "thanks", "no")
WAITING_RUNGS = frozenset((Rung.QUEUED, Rung.HELD))
FOOTER_GAP = "  "
BRIEF_NAMES = ("thread", "copy", "quote", "react", "pin", "unpin")  # named by their key alone where there is no room


class SelectAction(Enum):
    REPLY = "reply"
    THREAD = "thread"
    COPY = "copy"
    QUOTE = "quote"
    REACT = "react"
    PIN = "pin"
    RESEND = "resend"
    CANCEL = "cancel"
    RETRY = "retry"


SELECT_KEYS: Mapping[str, SelectAction] = {
    "r": SelectAction.REPLY,
    "t": SelectAction.THREAD,
    "y": SelectAction.COPY,
    "q": SelectAction.QUOTE,
    "+": SelectAction.REACT,
    "p": SelectAction.PIN,
    "e": SelectAction.RESEND,
    "c": SelectAction.CANCEL,
    "R": SelectAction.RETRY,
}
OWN_ONLY = frozenset((SelectAction.RESEND, SelectAction.CANCEL, SelectAction.RETRY))


@dataclass(frozen=True)
class MessageFacts:
    """What the keys depend on. The delivery steps are known of one's own messages only: `waiting` are the members that
    have not begun to read it, `begun` those that have, `failed` those that will not."""

    number: int
    sender: str
    mine: bool = False
    private: bool = False
    pinned: bool = False
    waiting: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def facts_of(state: ChatState, message: Message) -> MessageFacts:
    steps = sorted(state.ladders.get(message.seq, {}).items())
    failed = tuple(name for name, step in steps if is_failure(step) or step.rung is Rung.CANCELLED)
    waiting = tuple(name for name, step in steps if step.rung in WAITING_RUNGS and name not in failed)
    return MessageFacts(
        number=message.seq,
        sender=message.from_,
        mine=message.from_ == state.me,
        private=bool(message.recipients),
        pinned=message.seq in state.marks.pinned,
        waiting=waiting,
        begun=tuple(name for name, _ in steps if name not in (*waiting, *failed)),
        failed=failed,
    )


def action_of(key: str, facts: MessageFacts) -> SelectAction | str:
    """What the key does with this message, or a sentence that says why it does nothing."""
    action = SELECT_KEYS.get(key)
    if action is None:
        name = repr(key) if len(key) == 1 and clean_line_for_screen(key) == key else "That key"
        return f"{name} does nothing here: {footer_text(facts)}"
    if action in OWN_ONLY and not facts.mine:
        return f"#{facts.number} is {facts.sender}'s: you {action.value} only your own messages."
    return _refusal(action, facts) or action


def _refusal(action: SelectAction, facts: MessageFacts) -> str:
    number = facts.number
    match action:
        case SelectAction.PIN if facts.private:
            return f"#{number} is a direct message; only what everyone reads can be pinned."
        case SelectAction.RESEND if facts.begun:
            return f"{_names(facts.begun)} began to read #{number}. Send a new message that corrects it."
        case SelectAction.RESEND | SelectAction.CANCEL if not facts.waiting:
            return f"No delivery of #{number} waits, so there is nothing to take back."
        case SelectAction.RETRY if not facts.failed:
            return f"No delivery of #{number} has failed, so there is nothing to retry."
    return ""


def _names(names: Sequence[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def command_lines(action: SelectAction, facts: MessageFacts) -> tuple[str, ...]:
    """The commands that do the same, for actions that need no further text."""
    number = facts.number
    match action:
        case SelectAction.PIN:
            return (f"/{'unpin' if facts.pinned else 'pin'} {number}",)
        case SelectAction.RETRY:
            return tuple(f"/retry {number} {name}" for name in facts.failed)
        case SelectAction.THREAD | SelectAction.COPY | SelectAction.CANCEL:
            return (f"/{action.value} {number}",)
    return ()


def footer_text(facts: MessageFacts) -> str:
    """The keys that do something with this message."""
    return FOOTER_GAP.join([*(f"{key} {name}" for key, name in _working_keys(facts)), "Esc leaves"])


def _working_keys(facts: MessageFacts) -> list[tuple[str, str]]:
    return [
        (key, "unpin" if action is SelectAction.PIN and facts.pinned else action.value)
        for key, action in SELECT_KEYS.items()
        if (action not in OWN_ONLY or facts.mine) and not _refusal(action, facts)
    ]


def footer_line(facts: MessageFacts, width: int) -> str:
    """The footer with the chosen message's number. In a narrow one, only some keys are named; all are listed."""
    keys = _working_keys(facts)
    short = [f"{key} {name}" for key, name in keys]
    brief = [key if name in BRIEF_NAMES else f"{key} {name}" for key, name in keys]
    forms = (
        f" #{facts.number}{FOOTER_GAP}{footer_text(facts)}",
        f" #{facts.number} {' '.join(short)} Esc",
        f" #{facts.number} {' '.join(brief)} Esc",
    )
    fitting = next((one for one in forms if width_of(one) <= width), None)
    return fitting or fit_to_width(forms[-1].removesuffix(" Esc"), width - 4) + " Esc"


def signs_line(given: Sequence[str], signs: Sequence[str] = OFFERED_SIGNS) -> str:
    """The five signs that a digit picks. One that this person has put there is taken off."""
    offers = (f"{at} {'take off ' if one in given else ''}{one}" for at, one in enumerate(signs, 1))
    return f" {FOOTER_GAP.join(offers)}{FOOTER_GAP}w own{FOOTER_GAP}Esc"


# choosing


def chosen_at_first(
    keys: Sequence[EntryKey], entries: Mapping[EntryKey, StreamEntry], near: EntryKey | None
) -> EntryKey | None:
    """The message at this place, or the next one above it; without a place, the newest."""
    end = len(keys) if near is None else bisect.bisect_right(keys, near)
    above = (key for key in reversed(keys[:end]) if isinstance(entries[key], Message))
    return next(above, None) or next((key for key in keys if isinstance(entries[key], Message)), None)


def step(keys: Sequence[EntryKey], entries: Mapping[EntryKey, StreamEntry], chosen: EntryKey, by: int) -> EntryKey:
    """The next message above (-1) or below (1); at an end, the same one."""
    place = bisect.bisect_left(keys, chosen) + by
    while 0 <= place < len(keys):
        if isinstance(entries[keys[place]], Message):
            return keys[place]
        place += by
    return chosen


def quoted(content: str, draft: str) -> str:
    """The message as a quote before what is already written."""
    lines = content.strip("\n").split("\n")
    return "".join(f"> {line}\n" for line in lines) + draft
