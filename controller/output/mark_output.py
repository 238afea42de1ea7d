"""Prints what members put on messages: reactions and pins, and which message was replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from controller.output.command_output import message_lines
from gateway.console.console_output import print_json, print_lines
from gateway.protocol.events import Message, PinEvent, ReactionEvent
from gateway.protocol.results import MessageList, PinList, Reaction, ReactionList
from gateway.protocol.text.printable_text import printable_line

MAX_NAMED = 8


def reactions_text(reactions: Iterable[Reaction]) -> str:
    """`👍 bob, ada · done cleo`: each sign, and who put it there. Printable on one line."""
    return " · ".join(printable_line(f"{one.sign} {names_text(one.members)}") for one in reactions)


def names_text(names: Sequence[str]) -> str:
    more = [f"{len(names) - MAX_NAMED} more"] if len(names) > MAX_NAMED else []
    return ", ".join([*names[:MAX_NAMED], *more])


def mark_text(event: ReactionEvent | PinEvent) -> str:
    """What happened to a message."""
    if isinstance(event, ReactionEvent):
        did = f"takes {event.sign} off" if event.removed else f"puts {event.sign} on"
    else:
        did = "unpins" if event.removed else "pins"
    return f"{event.by} {did} #{event.message}"


def replaced_by(messages: Iterable[Message]) -> dict[int, int]:
    """Which of the messages took the place of which other one."""
    return {one.replaces: one.seq for one in messages if one.replaces is not None}


def print_messages(found: MessageList, marks: ReactionList, as_json: bool, rest: str) -> None:
    """Messages with their reactions, oldest first. `rest` says how to read those that follow."""
    if as_json:
        print_json({**msgspec.structs.asdict(found), "reactions": marks.messages})
        return
    given = {one.message: one.reactions for one in marks.messages}
    newer = replaced_by(found.messages)
    for message in sorted(found.messages, key=lambda one: one.seq):
        print_lines(*message_lines(message), *_mark_lines(message.seq, given, newer))
    if found.more:
        print_lines(rest, dim=True, err=True)


def _mark_lines(number: int, given: Mapping[int, tuple[Reaction, ...]], newer: Mapping[int, int]) -> list[str]:
    lines = [f"    replaced by #{newer[number]}"] if number in newer else []
    return lines + ([f"    {reactions_text(given[number])}"] if number in given else [])


def print_pins(found: PinList, room: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    for one in found.pins:
        print_lines(*message_lines(one.message), f"    pinned by {one.by}")
    if not found.pins:
        print_lines(f"Nothing is pinned in {room}.")
