"""Waits until agents are ready: by their events in the room, or panes that ended instead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from controller.team.team import AgentSpec
from controller.tmux.panes import PaneView
from controller.workspace.team_location import PrintLine, TeamLocation
from gateway.client import Client
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import MemberView, PresenceChanged, Welcome
from gateway.protocol.requests.agent_requests import Share
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted, Done
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import Activity, Presence

CHECK_INTERVAL_S = 0.1
STATUS_TIMEOUT_S = 3.0
NOT_READY_ACTIVITIES = (Activity.UNKNOWN, Activity.STARTING, Activity.GONE)


@dataclass
class BegunAgents:
    """`problems`: what failed, per agent. `conversations`: how the conversation of each one began, if it told."""

    problems: dict[str, str] = field(default_factory=dict)
    conversations: dict[str, str] = field(default_factory=dict)

    def note(self, ready: MemberView) -> None:
        if ready.conversation is not None:
            self.conversations[ready.name] = str(ready.conversation)


async def wait_and_prompt_agents(
    client: Client, site: TeamLocation, agents: Sequence[AgentSpec], within: float, tell: PrintLine
) -> BegunAgents:
    """Wait until each agent is ready, then send it the prompt of its team file. In a conversation to which it came
    back, it has that prompt already."""
    begun = await wait_until_ready(client, site, [one.name for one in agents], within, tell)
    for agent in agents:
        if agent.name not in begun.problems:
            if agent.share:
                await client.request(Share(member=agent.name, policy=agent.share), Done)
            if agent.prompt and begun.conversations.get(agent.name) != ConversationStart.RESUMED:
                await client.request(Send(content=agent.prompt, to=(f"@{agent.name}",)), Accepted)
    return begun


async def wait_until_ready(
    client: Client, site: TeamLocation, names: Iterable[str], within: float, tell: PrintLine
) -> BegunAgents:
    """Events arrive by themselves. The panes are checked for ended programs only now and then, not after each of the
    many events of a backlog. Agents start one after another, so each one that is ready gives the next one time."""
    waiting = set(names)
    count = len(waiting)
    closed: dict[str, float] = {}
    begun = BegunAgents()
    deadline = time.monotonic() + within
    found = list(client.welcome.members)
    events = client.events().__aiter__()
    upcoming: asyncio.Task[object] | None = None
    while True:
        for one in [one for one in found if one.name in waiting and _is_ready(one)]:
            waiting.discard(one.name)
            deadline = time.monotonic() + within
            begun.note(one)
            tell(ready_text(one, count - len(waiting), count))
        if waiting:
            begun.problems |= await _ended_panes(site, waiting, closed)
            waiting -= set(begun.problems)
        if not waiting or time.monotonic() > deadline:
            break
        found, look_again = [], time.monotonic() + CHECK_INTERVAL_S
        while not found and (left := look_again - time.monotonic()) > 0:
            upcoming = upcoming or spawn(_next(events), "next event")
            await asyncio.wait([upcoming], timeout=left)
            if upcoming.done():
                found, upcoming = _members_in_event(upcoming.result()), None
    if upcoming is not None:
        upcoming.cancel()
    begun.problems |= {name: f"it was not ready within {within:g} s" for name in waiting}
    return begun


async def _ended_panes(site: TeamLocation, waiting: Collection[str], closed: dict[str, float]) -> dict[str, str]:
    """tmux may notice the closed terminal before it knows how the program ended: `closed` says until when to wait."""
    dead = [one for one in await site.workspace.panes() if one.dead and one.name in waiting]
    known = [one for one in dead if one.status or time.monotonic() > closed.setdefault(one.name, _next_check_delay())]
    return {one.name: await _pane_end_text(one, site) for one in known}


_CONVERSATION_TEXTS = {
    ConversationStart.RESUMED: ", back in its conversation",
    ConversationStart.LOST: ", in a new conversation: it could not come back to its earlier one",
}


def start_order_text(names: Sequence[str], *, fresh: bool) -> str:
    """What the person waits for now."""
    order = f"{names[0]} starts" if len(names) == 1 else f"{', '.join(names)} start one after another"
    return f"{order}, in {'a new conversation' if len(names) == 1 else 'new conversations'}" if fresh else order


def ready_text(one: MemberView, number: int, count: int) -> str:
    """One step of the progress."""
    how = _CONVERSATION_TEXTS.get(one.conversation, "") if one.conversation is not None else ""
    return f"{one.name} is {one.activity}{how}" + (f" ({number} of {count})" if count > 1 else "")


def _next_check_delay() -> float:
    return time.monotonic() + STATUS_TIMEOUT_S


async def _next(events: AsyncIterator[object]) -> object:
    """An error is returned as a value: the waiting code handles it, and the task itself does not fail."""
    try:
        return await anext(events)
    except GroupChatError as error:
        return error


def _members_in_event(event: object) -> list[MemberView]:
    match event:
        case PresenceChanged(member=member):
            return [member]
        case Welcome(members=members):
            return list(members)
        case GroupChatError():
            raise event
    return []


def _is_ready(member: MemberView) -> bool:
    return member.presence is Presence.ONLINE and member.activity not in NOT_READY_ACTIVITIES


async def _pane_end_text(pane: PaneView, site: TeamLocation) -> str:
    words = await site.workspace.last_words(pane.id)
    how = f" (exit {pane.status})" if pane.status else ""
    return f"it ended at once{how}: {words}" if words else f"it ended at once{how}"
