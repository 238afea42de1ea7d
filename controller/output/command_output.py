"""How the commands answer: for people as lines and tables, for programs as JSON. What is said is one line for each of
its arguments; what members wrote is never split here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from controller.commands.continue_text import health_pairs
from controller.view.approvals_view import AskView, commands, line_of, warnings, who_may
from gateway.client.console.console_output import complain, say, show_json, show_table
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import (
    MemberView,
    Message,
)
from gateway.protocol.results import AskList, Health, MemberList, MessageList, RoomList, Story
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import clock
from gateway.protocol.types import Ask, AskState

if TYPE_CHECKING:
    from controller.requests.send_and_wait import Sent
    from controller.workspace.team_status import TeamStatus

MOST_ATTACHED = 8


def line(message: Message) -> str:
    """One message as one paragraph."""
    target = "" if not message.recipients else f" -> {', '.join(message.recipients)}"
    target += " (out of turn)" if message.aside else ""
    return f"{clock(message.timestamp)} #{message.seq} {message.from_}{target}: {message.content}"


def paragraph(message: Message) -> list[str]:
    """A message, and below it what came with it: what it is and how long, not the text."""
    return [line(message), *(f"    with {one}" for one in folded(message))]


def folded(message: Message) -> list[str]:
    found = [one.summary for one in attachments_of(message)]
    more = [f"{len(found) - MOST_ATTACHED} more"] if len(found) > MOST_ATTACHED else []
    return [*found[:MOST_ATTACHED], *more]


def sent(done: Sent, team: str, as_json: bool) -> None:
    """`team` is the one that it went to; empty for a gateway that was named."""
    if as_json:
        show_json({"seq": done.seq, "deliveries": done.deliveries, "reply": done.reply, "team": team})
    elif done.reply is not None:
        say(*paragraph(done.reply))
    else:
        waiting = ", ".join(f"{one.member} ({one.rung})" for one in done.deliveries)
        say(f"#{done.seq} is in the room" + (f", on its way to {waiting}." if waiting else "."))


def pressed(keys: str, names: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        show_json({"keys": keys, "members": names})
    else:
        say(f"{keys} goes to {', '.join(names) or 'nobody: no agent is here'}.")


def text(words: str) -> None:
    say(words)


def pairs(found: Sequence[tuple[str, str]]) -> None:
    show_table(found, boxed=False)


def complaint(error: GroupChatError) -> None:
    complain(error.message)


def members(found: MemberList, asked: AskList, as_json: bool) -> None:
    asks_of = {one.member: one for one in asked.asks}
    if as_json:
        show_json(
            {
                "agents": [
                    {
                        "name": one.name,
                        "kind": one.kind,
                        "role": one.role,
                        "presence": one.presence,
                        "activity": one.activity,
                        "queued": one.queued,
                        "composer": one.composer,
                        "paused": one.paused,
                        "ask": asks_of.get(one.name),
                    }
                    for one in found.agents
                ]
            }
        )
        return
    columns = ("name", "kind", "role", "presence", "activity", "waiting")
    show_table((_member_row(one) for one in found.agents), columns=columns)
    if asked.asks:
        asks(asked, as_json)


def _member_row(one: MemberView) -> tuple[str, ...]:
    activity = f"{one.activity}{' (paused)' if one.paused else ''}"
    return one.name, one.kind, one.role or "", one.presence, activity, str(one.queued or "")


def rooms(found: RoomList, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    rows = (
        (one.name, one.topic, ", ".join(one.members), "by invitation" if one.invite_only else "") for one in found.rooms
    )
    show_table(rows, columns=("room", "topic", "members", ""))


def messages(found: MessageList, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for message in sorted(found.messages, key=lambda one: one.seq):
        say(*paragraph(message))
    if found.more:
        say("There is more; --before and --limit reach it.", dim=True, err=True)


def story(found: Story, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    say(*paragraph(found.message))
    steps = [(step.at, one.member, step) for one in found.receipts for step in one.steps]
    for member in found.message.deliveries:
        say(f"  {member}", f"    {clock(found.message.timestamp)} queued")
        for at, name, step in steps:
            if name == member:
                say(f"    {clock(at)} {step.rung}{f': {step.reason}' if step.reason else ''}")


def status(health: Health, team: TeamStatus, as_json: bool) -> None:
    if as_json:
        show_json({**msgspec.to_builtins(health), **team.as_dict()})
        return
    show_table(health_pairs(health))
    if team.session is not None:
        rows = ((one.name, f"{one.pane}{f' (exit {one.exit})' if one.exit else ''}", one.doing) for one in team.team)
        show_table(rows, columns=("name", "pane", "doing"), title=f"session {team.session}")


def ask_rows(ask: Ask) -> list[str]:
    """All of the dialog, indented, and only such ways to answer as would be taken."""
    view = AskView.of(ask)
    rows = [*([ask.tool] if ask.tool else []), *view.body, ask.question]
    rows += [f"  {one.key}. {one.text}" for one in ask.options]
    rows += [f"  ! {one}" for one in warnings(view)]
    ways = ", ".join(commands(view, "groupchat ")) if ask.approvers else ""
    rows.append(f"  -> {ways or f'answer it in the terminal of {ask.member}'}  [{ask.digest}]; {who_may(view, '')}")
    return [f"      {row}" for row in rows]


def asks(found: AskList, as_json: bool, nothing: str = "No open questions.") -> None:
    if as_json:
        show_json(found)
        return
    for ask in sorted(found.asks, key=lambda one: one.number):
        if ask.state.is_end:
            say(f"{clock(ask.opened)} {line_of(AskView.of(ask))}")
        else:
            say(f"{clock(ask.opened)} {ask.member} asks ({ask.state})", *ask_rows(ask))
    if not found.asks:
        say(nothing)


def answered(ask: Ask, as_json: bool) -> None:
    if as_json:
        show_json(ask)
    elif ask.state is AskState.OPEN:
        say(f"{ask.member}'s question is still open{f': {ask.reason}' if ask.reason else ''}.")
    else:
        say(f"{line_of(AskView.of(ask))}.")
