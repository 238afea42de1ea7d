"""A session as a Markdown document. Pure.

What members wrote stands in fences longer than any in it, or in one line with every mark of Markdown escaped: nothing
in it can end a block, begin a heading, or pass for another's words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from gateway.protocol.decision_nouns import Decision, option_words
from gateway.protocol.events import Message
from gateway.protocol.results import ContextDocument, SessionDetail
from gateway.protocol.session_nouns import Session
from gateway.protocol.text.attachments import attachments_of

_MARKUP = re.compile(r"([\\`*_{}\[\]()#!|<>~&@]|:(?=//)|(?<=[Ww]{3})\.)")
_INVISIBLE = re.compile(r"[^\S\n]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_BACKTICK_RUN = re.compile(r"`+")


def session_document(detail: SessionDetail, contexts: Sequence[ContextDocument], messages: Sequence[Message]) -> str:
    parts = [
        *_head_lines(detail.session),
        *_decision_lines(detail.decisions),
        *_context_lines(contexts),
        *_message_lines(messages),
    ]
    return "\n".join(parts).rstrip() + "\n"


def escape_inline(text: str) -> str:
    """One line in which nothing is markup."""
    return _MARKUP.sub(r"\\\1", " ".join(_INVISIBLE.sub(" ", text).split()))


def fence_text(text: str, kind: str = "text") -> list[str]:
    longest = max((len(one) for one in _BACKTICK_RUN.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{kind}", *(_INVISIBLE.sub(" ", line) for line in re.split(r"\r\n|[\r\n]", text)), fence, ""]


def _head_lines(one: Session) -> Iterator[str]:
    yield from (f"# Session {escape_inline(one.name)}", "")
    if one.goal:
        yield from ("Goal:", "", *fence_text(one.goal))
    rows = [
        ("Room", one.room),
        ("Status", str(one.status)),
        ("Opened", f"{one.at} by {one.by}"),
        ("Participants", ", ".join(one.participants) or "everybody in the room"),
        ("Deadline", one.deadline + (" (passed)" if one.overdue else "") if one.deadline else ""),
        ("Completed", one.closed),
    ]
    yield from (f"- {name}: {escape_inline(value)}" for name, value in rows if value)
    yield ""
    if one.closing:
        yield from ("## Summary", "", *fence_text(one.closing))


def _decision_lines(found: Iterable[Decision]) -> Iterator[str]:
    title = ["## Decisions", ""]
    for one in found:
        yield from title
        title = []
        yield from (f"### {escape_inline(one.id)}: {escape_inline(one.result or str(one.state))}", "")
        yield from fence_text(one.question)
        yield from (f"- option {escape_inline(option_words(one, option.key))}" for option in one.options)
        for given in one.answers:
            what = option_words(one, given.choice) if given.choice else str(given.kind)
            why = f", because {escape_inline(given.reason)}" if given.reason else ""
            yield f"- {escape_inline(given.by)} ({escape_inline(given.at)}): {escape_inline(what)}{why}"
        yield ""


def _context_lines(found: Iterable[ContextDocument]) -> Iterator[str]:
    title = ["## Shared contexts", ""]
    for one in found:
        yield from title
        title = []
        yield from (f"### {escape_inline(one.name)}, version {one.version} by {escape_inline(one.by)}", "")
        yield from fence_text(json.dumps(one.document, indent=2, ensure_ascii=False), "json")


def _message_lines(found: Iterable[Message]) -> Iterator[str]:
    title = ["## Messages", ""]
    for one in found:
        yield from title
        title = []
        to = f" to {', '.join(one.recipients)}" if one.recipients else ""
        answers = f", answers #{one.reply_to}" if one.reply_to is not None else ""
        yield from (f"### {escape_inline(f'#{one.seq} {one.from_}{to}, {one.timestamp}{answers}')}", "")
        yield from fence_text(one.content)
        for attached in attachments_of(one):
            yield from (f"With {escape_inline(attached.name)}:", "", *fence_text(attached.text))
