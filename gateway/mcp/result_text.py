"""Renders the answers of the tools briefly. Pure.

Text of members is quoted line by line (`quote_text`) or put into one line (`printable_line`), so that it cannot pass
for anything else. Names of members and rooms need neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gateway.protocol.events import MemberView, Message
from gateway.protocol.results import Inbox, MessageDetail, PassageMessage, Recalled
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import local_time_text, printable_line, quote_lines, readable_content
from gateway.protocol.types.agent_conditions import condition_text
from gateway.protocol.types.agent_work import place_text, tool_text
from gateway.protocol.types.core_types import Activity, Delivery, MemberKind, Option, Presence, Room
from gateway.protocol.types.decision_types import Decision

MAX_TEXT_CHARS = 6000
MAX_NAME_CHARS = 300
MAX_LISTED_ATTACHMENTS = 8
NO_MESSAGES_TEXT = "No new messages."


def quote_text(text: str) -> str:
    cut = (
        text
        if len(text) <= MAX_TEXT_CHARS
        else f"{text[:MAX_TEXT_CHARS]}\n… {len(text) - MAX_TEXT_CHARS} more characters; peer_history"
    )
    return quote_lines(cut)


def short_time(stamp: str) -> str:
    return local_time_text(stamp, "%H:%M", "?")


def message_text(message: Message, members: Mapping[str, MemberView]) -> str:
    """`#812 alice (human) to you and codex, 12:03, answers #801:` and the text, quoted."""
    sender = members.get(message.from_)
    kind = f" ({sender.kind})" if sender else ""
    to = f" to {', '.join(message.recipients)}" if message.recipients else " to everyone"
    room = f" in {message.room}" if message.room != "general" else ""
    answers = f", answers #{message.reply_to}" if message.reply_to else ""
    head = f"#{message.seq} {message.from_}{kind}{to}{room}, {short_time(message.timestamp)}{answers}:"
    return "\n".join([head, quote_text(readable_content(message)), *attachment_lines(message)])


def attachment_lines(message: Message) -> Iterator[str]:
    """The attachments of a message: file lines and other parts."""
    found = attachments_of(message)
    for one in found[:MAX_LISTED_ATTACHMENTS]:
        size = f", {one.size}, {len(one.text)} characters:\n{quote_text(one.text)}" if one.text else ""
        yield f"with {one.name}{size}"
    if len(found) > MAX_LISTED_ATTACHMENTS:
        yield f"with {len(found) - MAX_LISTED_ATTACHMENTS} more"


def messages_text(found: Sequence[Message], members: Mapping[str, MemberView], *, more: bool = False) -> str:
    shown = [message_text(one, members) for one in found]
    return "\n\n".join([*shown, "There are more. Call peer_read again."] if more else shown) or NO_MESSAGES_TEXT


def passages_text(recalled: Recalled, members: Mapping[str, MemberView]) -> str:
    """Passages, best first, their messages quoted with number, author and time."""
    shown = ["\n".join(_recalled_text(one, members) for one in passage.messages) for passage in recalled.passages]
    if recalled.left_out:
        shown.append(f"{recalled.left_out} more passages did not fit; ask with a larger budget or more precisely.")
    return "\n\n".join(shown) or "Nothing that was said here answers this. Try other words, or room_search."


def _recalled_text(one: PassageMessage, members: Mapping[str, MemberView]) -> str:
    sender = members.get(one.from_)
    kind = f" ({sender.kind})" if sender else ""
    room = f" in {one.room}" if one.room != "general" else ""
    answers = f", answers #{one.reply_to}" if one.reply_to else ""
    again = f", said again as {', '.join(f'#{number}' for number in one.repeats)}" if one.repeats else ""
    when = local_time_text(one.timestamp, "%Y-%m-%d %H:%M", "?")
    return f"#{one.seq} {one.from_}{kind}{room}, {when}{answers}{again}:\n{quote_text(one.text)}"


def inbox_text(inbox: Inbox, members: Mapping[str, MemberView], nothing: str) -> str:
    """The messages that a wait brought, or the reason why there are none."""
    if inbox.circle:
        others = ", ".join(inbox.circle[1:])
        return f"{others} and you wait for each other, so no message will come. Send a message to {others}."
    if inbox.undelivered:
        why = "; ".join(f"{one.member}: {one.rung} ({printable_line(one.reason)})" for one in inbox.undelivered)
        return f"The message reached nobody, so no answer will come. {why}"
    return messages_text(inbox.messages, members, more=inbox.more) if inbox.messages else nothing


def peers_text(members: Iterable[MemberView], me: str) -> str:
    """One line each: name, role, what it does."""
    lines = [_peer_line(one, me) for one in members if one.presence is not Presence.OFFLINE]
    return "\n".join(lines) or "Nobody is here."


def _peer_line(one: MemberView, me: str) -> str:
    words = [str(one.kind)]
    if one.role:
        words.append(printable_line(one.role))
    if one.kind is MemberKind.AGENT and one.activity is not Activity.UNKNOWN:
        words.append(str(one.activity))
    words += [condition_text(one.condition)] if one.condition else []
    words += [printable_line(at) for at in (tool_text(one.work), place_text(one.work)) if at]
    words += [str(one.presence)] * (one.presence is not Presence.ONLINE)
    words += [f"{one.queued} waiting"] * bool(one.queued)
    words += ["you"] * (one.name == me)
    return f"{one.name}: {', '.join(words)}"


def delivery_text(detail: MessageDetail) -> str:
    """The delivery state of a message for each recipient."""
    found = [f"{one.member} {_delivery_line(one)}" for one in detail.deliveries]
    return "; ".join(found) or "nobody has an inbox for it"


def _delivery_line(one: Delivery) -> str:
    reason = f" because {printable_line(one.reason)}" if one.rung == "held" and one.reason else ""
    return f"{one.rung}{reason}"


def rooms_text(found: Iterable[Room]) -> str:
    lines = [
        f"{one.name}: {', '.join(one.members)}{f' – {printable_line(one.topic)}' if one.topic else ''}" for one in found
    ]
    return "\n".join(lines) or "There are no rooms."


def decision_result_text(decision: Decision) -> str:
    """How the decision ended, and each vote, quoted."""
    lines = [f"{printable_line(decision.id)}: {printable_line(decision.result)}"]
    for one in {one.by: one for one in decision.answers}.values():
        lines += [
            f"{one.by}:",
            quote_text("\n".join(part for part in (one.choice or str(one.kind), one.reason) if part)),
        ]
    return "\n".join(lines)


def open_decisions_text(found: Iterable[Decision]) -> str:
    return "\n".join(_open_decision_line(one) for one in found) or "No open decisions."


def _open_decision_line(one: Decision) -> str:
    keys = "; ".join(_option_text(each) for each in one.options)
    who = "the people" if one.people else ", ".join(one.voters)
    head = f"{printable_line(one.id)} by {one.by}, {printable_line(one.rule)} of {who}, {one.state}"
    return "\n".join([f"{head}: {keys}" if keys else head, quote_text(one.question)])


def _option_text(one: Option) -> str:
    return printable_line(one.key if one.key == one.text else f"{one.key}) {one.text}")
