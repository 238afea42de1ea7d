"""Prints the answers of commands: lines and tables for people, JSON for programs. Each argument of `print_lines` is one
line; text of members is never split here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from controller.output.time_text import moment_text
from controller.view.approvals.question_view import QuestionView, ended_line, warning_lines, who_may_answer
from controller.wording.decision_text import text_for_people
from controller.wording.member_state_text import DONE_WORD, is_done, vendor_text
from controller.wording.proof_text import note_lines, proof_words
from controller.wording.status_text import StatusContext, status_rows
from gateway.console.console_output import print_json, print_lines, print_table
from gateway.protocol.events import (
    MemberView,
    Message,
)
from gateway.protocol.results import AskList, Health, MemberList, PassageMessage, Recalled, RoomList, Story
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import printable_line
from gateway.protocol.text.question_text import answer_commands
from gateway.protocol.types.agent_conditions import condition_text
from gateway.protocol.types.agent_work import brief_work_text
from gateway.protocol.types.core_types import Ask, AskState, Room

if TYPE_CHECKING:
    from controller.requests.command_requests import SentMessage
    from controller.workspace.team_status import TeamStatus

MAX_LISTED_ATTACHMENTS = 8


def message_line(message: Message) -> str:
    """One message as one paragraph."""
    target = "" if not message.recipients else f" -> {', '.join(message.recipients)}"
    target += " (out of turn)" if message.aside else ""
    target += f" (instead of #{message.replaces})" if message.replaces is not None else ""
    proof = f" [{words}]" if (words := proof_words(message)) else ""
    return f"{moment_text(message.timestamp)} #{message.seq} {message.from_}{target}{proof}: {text_for_people(message)}"


def message_lines(message: Message) -> list[str]:
    """A message, and below it the kind and length of its attachments, and what its readers must know."""
    attached = (f"    with {one}" for one in fold_message(message))
    return [message_line(message), *attached, *(f"    ! {note}" for note in note_lines(message))]


def fold_message(message: Message) -> list[str]:
    found = [one.summary for one in attachments_of(message)]
    more = [f"{len(found) - MAX_LISTED_ATTACHMENTS} more"] if len(found) > MAX_LISTED_ATTACHMENTS else []
    return [*found[:MAX_LISTED_ATTACHMENTS], *more]


def print_recalled(found: Recalled, as_json: bool) -> None:
    """Passages, best first, with an empty line between them."""
    if as_json:
        print_json(found)
        return
    for number, passage in enumerate(found.passages):
        print_lines(*([""] if number else []), *(_recalled_line(one) for one in passage.messages))
    if not found.passages:
        print_lines("Nothing that you can read answers this. Try other words, or `groupchat search`.")
    if notes := recall_notes(found):
        print_lines("", *notes, dim=True, err=True)


def _recalled_line(one: PassageMessage) -> str:
    answers = f" (answers #{one.reply_to})" if one.reply_to is not None else ""
    again = f" (said again: {', '.join(f'#{number}' for number in one.repeats)})" if one.repeats else ""
    return f"{moment_text(one.timestamp)} #{one.seq} {one.room} {one.from_}{answers}{again}: {printable_line(one.text)}"


def recall_notes(found: Recalled) -> list[str]:
    """What the reader should know beside the passages."""
    notes = [f"{found.left_out} more did not fit; ask with a larger --budget."] if found.left_out else []
    vectors = found.vectors
    if vectors is not None and vectors.trouble:
        notes.append(f"Found by words alone: {vectors.trouble}")
    elif vectors is not None and vectors.waiting:
        notes.append(f"The embedding model still has to read {vectors.waiting} of {vectors.waiting + vectors.made}.")
    return notes


def print_sent(done: SentMessage, team: str, as_json: bool) -> None:
    """`team` is the team that it was sent to; empty for a gateway that was named."""
    if as_json:
        print_json({"seq": done.seq, "deliveries": done.deliveries, "reply": done.reply, "team": team})
    elif done.reply is not None:
        print_lines(*message_lines(done.reply))
    else:
        waiting = ", ".join(f"{one.member} ({one.rung})" for one in done.deliveries)
        print_lines(f"#{done.seq} is in the room" + (f", on its way to {waiting}." if waiting else "."))


def print_pressed(keys: str, names: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        print_json({"keys": keys, "members": names})
    else:
        print_lines(f"{keys} is pressed for {', '.join(names)}." if names else "No agent is here.")


def print_pairs(found: Sequence[tuple[str, str]]) -> None:
    print_table(found)


def print_members(found: MemberList, asked: AskList, as_json: bool) -> None:
    asks_of = {one.member: one for one in asked.asks}
    if as_json:
        print_json(
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
                        "project": one.project,
                        "condition": one.condition,
                        "since": one.since,
                        "work": one.work,
                        "done": one.done,
                        "vendor": one.vendor,
                        "ask": asks_of.get(one.name),
                    }
                    for one in found.agents
                ]
            }
        )
        return
    columns = ("name", "kind", "role", "presence", "activity", "waiting", "is at")
    print_table((_member_cells(one) for one in found.agents), columns=columns)
    if asked.asks:
        print_asks(asked, as_json)


def _member_cells(one: MemberView) -> tuple[str, ...]:
    activity = f"{DONE_WORD if is_done(one) else one.activity}{' (paused)' if one.paused else ''}"
    if one.condition is not None:
        activity += f", {condition_text(one.condition)}"
    waiting = str(one.queued or "")
    at = ", ".join(filter(None, (vendor_text(one), brief_work_text(one.work))))
    return one.name, one.kind, one.role or "", one.presence, activity, waiting, at


def print_rooms(found: RoomList, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = ((one.name, _access_text(one), one.topic, ", ".join(one.members)) for one in found.rooms)
    print_table(rows, columns=("room", "access", "topic", "members"))


def _access_text(room: Room) -> str:
    return "sealed" if room.sealed else "by invitation" if room.invite_only else "open"


def print_story(found: Story, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    print_lines(*message_lines(found.message))
    steps = [(step.at, one.member, step) for one in found.receipts for step in one.steps]
    for member in found.message.deliveries:
        print_lines(f"  {member}", f"    {moment_text(found.message.timestamp)} queued")
        for at, name, step in steps:
            if name == member:
                print_lines(f"    {moment_text(at)} {step.rung}{f': {step.reason}' if step.reason else ''}")


def print_status(health: Health, team: TeamStatus, as_json: bool) -> None:
    if as_json:
        print_json({**msgspec.to_builtins(health), **team.as_dict()})
        return
    context = StatusContext(team.name, team.file, team.session or "", team.url, team.state)
    print_pairs(status_rows(health, context))
    if team.session is not None:
        rows = ((one.name, f"{one.pane}{f' (exit {one.exit})' if one.exit else ''}", one.doing) for one in team.team)
        print_table(rows, columns=("name", "pane", "doing"), title=f"session {team.session}")


def ask_detail_lines(ask: Ask) -> list[str]:
    """The whole dialog, indented, and only the answers that would be accepted."""
    view = QuestionView.of(ask)
    rows = [*([ask.tool] if ask.tool else []), *view.body, ask.question]
    rows += [f"  {one.key}. {one.text}" for one in ask.options]
    rows += [f"  ! {one}" for one in warning_lines(view)]
    ways = ", ".join(answer_commands(view, "groupchat ")) if ask.approvers else ""
    rows.append(
        f"  -> {ways or f'answer it in the terminal of {ask.member}'}  [{ask.digest}]; {who_may_answer(view, '')}"
    )
    return [f"      {row}" for row in rows]


def print_asks(found: AskList, as_json: bool, nothing: str = "No open questions.") -> None:
    if as_json:
        print_json(found)
        return
    for ask in sorted(found.asks, key=lambda one: one.number):
        if ask.state.is_end:
            print_lines(f"{moment_text(ask.opened)} {ended_line(QuestionView.of(ask))}")
        else:
            print_lines(f"{moment_text(ask.opened)} {ask.member} asks ({ask.state})", *ask_detail_lines(ask))
    if not found.asks:
        print_lines(nothing)


def print_answered(ask: Ask, as_json: bool) -> None:
    if as_json:
        print_json(ask)
    elif ask.state is AskState.OPEN:
        print_lines(f"{ask.member}'s question is still open{f': {ask.reason}' if ask.reason else ''}.")
    else:
        print_lines(f"{ended_line(QuestionView.of(ask))}.")
