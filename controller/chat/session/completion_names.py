"""The names that the chat completes: members, rooms, roles, messages, decisions. Pure."""

from __future__ import annotations

from controller.chat_commands.command_table import CompletionNames
from controller.view.state.chat_state import ChatState
from controller.wording.decision_text import shorten_text_to_line
from controller.wording.member_state_text import state_text
from gateway.protocol.events import MemberView
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.types.core_types import MemberKind, Presence

MAX_OFFERED_MESSAGES = 20


def completion_names(state: ChatState) -> CompletionNames:
    members = state.members.values()
    return CompletionNames(
        {one.name: _member_hint(one) for one in sorted(members, key=_sort_key) if one.name != state.me},
        tuple(state.rooms),
        tuple(sorted({one.role for one in members if one.role})),
        state.own_numbers()[-20:],
        {
            one.decision.id: shorten_text_to_line(one.decision.question, 60)
            for one in state.decisions.values()
            if one.open
        },
        {
            one.seq: shorten_text_to_line(f"{one.from_}: {readable_content(one)}", 60)
            for one in state.stream.newest_messages(MAX_OFFERED_MESSAGES)
        },
    )


def _member_hint(member: MemberView) -> str:
    words = state_text(member) if member.kind is MemberKind.AGENT else str(member.presence)
    return f"{member.role}, {words}" if member.role else words


def _sort_key(member: MemberView) -> tuple[bool, bool, str]:
    return (member.presence is not Presence.ONLINE, member.kind is not MemberKind.AGENT, member.name)
