"""What the tools answer, in few words. Pure.

What members wrote is quoted line by line (`quoted`), or stands in one line (`in_line`): nothing in it passes for more
than it is. A name of a member or a room needs neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gateway.protocol.decision_nouns import Decision
from gateway.protocol.events import MemberView, Message
from gateway.protocol.results import Inbox, MessageDetail
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import clock, in_line
from gateway.protocol.text.printable_text import quoted as each_line_quoted
from gateway.protocol.types import Activity, Delivery, MemberKind, Option, Presence, Room

LONGEST = 6000
LONGEST_NAME = 300
MOST_ATTACHED = 8
NOTHING = "No new messages."
NOT_YET = {"queued", "held", "typed", "verified", "unverified", "submitted"}


def quoted(text: str, longest: int = LONGEST) -> str:
    cut = text if len(text) <= longest else f"{text[:longest]}\n… {len(text) - longest} more characters; peer_history"
    return each_line_quoted(cut)


def moment(stamp: str) -> str:
    return clock(stamp, "%H:%M", "?")


def said(message: Message, members: Mapping[str, MemberView]) -> str:
    """`#812 alice (human) to you and codex, 12:03, answers #801:` and the text, quoted."""
    sender = members.get(message.from_)
    kind = f" ({sender.kind})" if sender else ""
    to = f" to {', '.join(message.recipients)}" if message.recipients else " to everyone"
    room = f" in {message.room}" if message.room != "general" else ""
    answers = f", answers #{message.reply_to}" if message.reply_to else ""
    head = f"#{message.seq} {message.from_}{kind}{to}{room}, {moment(message.timestamp)}{answers}:"
    return "\n".join([head, quoted(message.content), *attached_words(message)])


def attached_words(message: Message) -> Iterator[str]:
    """The lines of a file and whatever else came with it."""
    found = attachments_of(message)
    for one in found[:MOST_ATTACHED]:
        size = f", {one.size}, {len(one.text)} characters:\n{quoted(one.text)}" if one.text else ""
        yield f"with {one.name}{size}"
    if len(found) > MOST_ATTACHED:
        yield f"with {len(found) - MOST_ATTACHED} more"


def messages(found: Sequence[Message], members: Mapping[str, MemberView], *, more: bool = False) -> str:
    shown = [said(one, members) for one in found]
    return "\n\n".join([*shown, "There is more: peer_read again."] if more else shown) or NOTHING


def answer_of(inbox: Inbox, members: Mapping[str, MemberView], nothing: str) -> str:
    """What a wait brought; why nothing, if nothing."""
    if inbox.circle:
        others = ", ".join(inbox.circle[1:])
        return f"{others} and you wait for each other. Nobody speaks first unless you do: say something to {others}."
    if inbox.undelivered:
        why = "; ".join(f"{one.member}: {one.rung} ({in_line(one.reason)})" for one in inbox.undelivered)
        return f"It reached nobody, so no answer will come. {why}"
    return messages(inbox.messages, members, more=inbox.more) if inbox.messages else nothing


def peers(members: Iterable[MemberView], me: str) -> str:
    """One line each: name, role, what it does."""
    lines = [_peer(one, me) for one in members if one.presence is not Presence.OFFLINE]
    return "\n".join(lines) or "Nobody is here."


def _peer(one: MemberView, me: str) -> str:
    words = [str(one.kind)]
    if one.role:
        words.append(in_line(one.role))
    if one.kind is MemberKind.AGENT and one.activity is not Activity.UNKNOWN:
        words.append(str(one.activity))
    words += [str(one.presence)] * (one.presence is not Presence.ONLINE)
    words += [f"{one.queued} waiting"] * bool(one.queued)
    words += ["you"] * (one.name == me)
    return f"{one.name}: {', '.join(words)}"


def standing(detail: MessageDetail) -> str:
    """Where one's message stands with each who should get it."""
    found = [f"{one.member} {_rung(one)}" for one in detail.deliveries]
    return "; ".join(found) or "nobody has an inbox for it"


def _rung(one: Delivery) -> str:
    reason = f" because {in_line(one.reason)}" if one.rung == "held" and one.reason else ""
    return f"{one.rung}{reason}"


def rooms(found: Iterable[Room]) -> str:
    lines = [f"{one.name}: {', '.join(one.members)}{f' – {in_line(one.topic)}' if one.topic else ''}" for one in found]
    return "\n".join(lines) or "There are no rooms."


def decision_result(decision: Decision) -> str:
    """How it ended, and what each of them said, quoted."""
    lines = [f"{in_line(decision.id)}: {in_line(decision.result)}"]
    for one in {one.by: one for one in decision.answers}.values():
        lines += [f"{one.by}:", quoted("\n".join(part for part in (one.choice or str(one.kind), one.reason) if part))]
    return "\n".join(lines)


def open_decisions(found: Iterable[Decision]) -> str:
    return "\n".join(_open_decision(one) for one in found) or "Nothing is to be decided."


def _open_decision(one: Decision) -> str:
    keys = "; ".join(_option(each) for each in one.options)
    who = "the people" if one.people else ", ".join(one.voters)
    head = f"{in_line(one.id)} by {one.by}, {in_line(one.rule)} of {who}, {one.state}"
    return "\n".join([f"{head}: {keys}" if keys else head, quoted(one.question)])


def _option(one: Option) -> str:
    return in_line(one.key if one.key == one.text else f"{one.key}) {one.text}")
