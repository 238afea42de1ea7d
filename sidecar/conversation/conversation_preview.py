"""Says how an agent's conversation would begin, if it were started now. Nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from sidecar.agents.adapter.adapter import Adapter, LaunchContext
from sidecar.conversation.conversation_file import iso_time
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.start_choice import WantedStart

UNKNOWN_SESSION = "00000000-0000-0000-0000-000000000000"  # to ask whether a command can resume at all


class ForeseenConversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`start`: `resumed`, `new`, or `lost`; `never`: this kind of agent cannot come back; `command`: its own command
    chooses its conversation. `is_missing`: its vendor does not have it on disk where it looks. `moved_from`: where the
    project was."""

    start: str
    session: str = ""
    since: str = ""
    used: str = ""
    is_missing: bool = False
    moved_from: str = ""


def can_come_back(agent: Adapter, command: Sequence[str]) -> bool:
    """Whether this command can be changed so that it resumes a conversation."""
    return agent.launching.resumed(command, UNKNOWN_SESSION) is not None


def foresee_conversation(
    agent: Adapter, command: Sequence[str], place: LaunchContext, *, fresh: bool
) -> ForeseenConversation:
    if not can_come_back(agent, command):
        plainly = can_come_back(agent, agent.launching.command or tuple(command[:1]))
        return ForeseenConversation("command" if plainly else "never")
    keeper = ConversationKeeper(agent, place)
    start = keeper.choose(WantedStart(fresh=fresh))
    one = start.conversation
    if one is None:
        return ForeseenConversation(str(start.start))
    is_missing = keeper.is_written(one.session) is False
    return ForeseenConversation(
        str(start.start), one.session, iso_time(one.since), iso_time(one.used), is_missing, keeper.moved_from
    )
