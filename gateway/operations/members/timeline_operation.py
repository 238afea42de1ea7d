"""What an agent has done and what has happened to it, as far as the actor may see it."""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.agent_control.terminal_watch_rules import agent_in_reach
from gateway.protocol import codec
from gateway.protocol.events import AskEvent, Control, Durable, MemberEvent, Message, Receipt, RoomEvent
from gateway.protocol.requests.agent_requests import Timeline
from gateway.protocol.results import ActivityView, AgentTimeline
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.push.event_broadcaster import make_visibility_filter
from gateway.runtime.hub import Hub
from gateway.store import StoredEvent


async def answer_timeline(hub: Hub, actor: Actor, request: Timeline) -> AgentTimeline:
    name = agent_in_reach(hub.state, actor, request.member)
    visible = make_visibility_filter(actor.name, hub.state, observer=actor.may(Permission.READ_DIRECT))
    in_json = codec.encode(name)

    def wanted(record: StoredEvent) -> bool:
        return visible(record) and in_json in record.event and concerns_agent(codec.decode_durable(record.event), name)

    found, until = await hub.store.read_back(request.before, request.limit, wanted)
    events = tuple(msgspec.Raw(record.event) for record in found)
    return AgentTimeline(events, until, bool(until), () if request.before is not None else _activities(hub, name))


def concerns_agent(event: Durable, name: str) -> bool:
    """Whether the event is about what this agent did, or what happened to it."""
    match event:
        case Message():
            return name == event.from_ or name in event.recipients or name in event.deliveries
        case Receipt() | RoomEvent():
            return name == event.member
        case AskEvent():
            return name == event.ask.member
        case MemberEvent():
            return name == event.member.name
        case Control():
            return name in event.to
    return False


def _activities(hub: Hub, name: str) -> tuple[ActivityView, ...]:
    live = hub.state.live.get(name)
    known = reversed(live.activities) if live is not None else ()
    return tuple(ActivityView(one.activity, iso_from_seconds(one.at), one.note) for one in known)
