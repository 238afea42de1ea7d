"""Says why agents are silent, from what the actor may see of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.access.permissions import Actor
from gateway.agent_control import approvals, delivery_rules, silence_diagnosis
from gateway.model.transient_member_state import LiveMember
from gateway.operations.messages.message_queries import messages_of, viewer_of
from gateway.protocol.errors import NotFound
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import WhySilent
from gateway.protocol.results import WhyList
from gateway.protocol.types.core_types import Delivery, Member, MemberKind, bare_name
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.runtime.hub import Hub
from gateway.store import MessageQuery

RECENT_MESSAGES = 200
MAX_AGENTS = 200
MAX_NAMED = 10


async def answer_why(hub: Hub, actor: Actor, request: WhySilent) -> WhyList:
    agents = _wanted_agents(hub, request.member)
    query = MessageQuery(viewer_of(hub, actor), limit=RECENT_MESSAGES)
    recent = await messages_of(hub, actor, await hub.store.messages(query))
    newest = {name: message for message in reversed(recent) for name in message.deliveries}
    prefix = silence_diagnosis.SHELL_PREFIX if request.shell else silence_diagnosis.CHAT_PREFIX
    told = await _deliveries(hub, actor, newest, agents[:MAX_AGENTS])
    facts = (_facts_about(hub, actor, one, told.get(one.name)) for one in agents[:MAX_AGENTS])
    return WhyList(tuple(silence_diagnosis.why_silent(one, prefix) for one in facts), more=len(agents) > MAX_AGENTS)


def _wanted_agents(hub: Hub, member: str | None) -> list[Member]:
    """The named agent, also one that has left; without a name, all that are here."""
    present = sorted(hub.state.agents())
    if member is None:
        if not present:
            raise NotFound("There are no agents here.")
        return [hub.state.member(name) for name in present]
    name = bare_name(member)
    record = hub.state.members.get(name)
    if record is None or record.removed or record.member.kind is not MemberKind.AGENT:
        raise NotFound(f"No agent is called {name[:80]!r}; there are {_names_text(present)}.")
    return [record.member]


def _names_text(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} others" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}" if names else "none"


async def _deliveries(
    hub: Hub, actor: Actor, newest: Mapping[str, Message], agents: Sequence[Member]
) -> dict[str, Delivery]:
    """The newest delivery of each agent that the actor may follow. Each message is read once."""
    wanted = {one.name for one in agents}
    found: dict[str, Delivery] = {}
    for message in {one.seq: one for name, one in newest.items() if name in wanted}.values():
        for delivery in await hub.store.deliveries(message.seq):
            name = delivery.member
            mine = name in wanted and newest.get(name) is message
            if mine and delivery_rules.may_follow(actor, message, name):
                found[name] = delivery
    return found


def _facts_about(hub: Hub, actor: Actor, agent: Member, last: Delivery | None) -> silence_diagnosis.WhyFacts:
    state, live = hub.state, hub.state.live.get(agent.name) or LiveMember()
    near = approvals.may_see(state, actor, agent.name)
    record = state.asks.get(agent.name)
    return silence_diagnosis.WhyFacts(
        state.view(agent, hub.now),
        record.ask if record is not None and near else None,
        last,
        since=_moment(live.since),
        lost=_moment(live.lost),
        folder=live.folder if near else "",
    )


def _moment(seconds: float) -> str:
    return iso_from_seconds(seconds) if seconds > 0 else ""
