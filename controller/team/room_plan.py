"""Which agents the team file puts into which rooms, and what changes when it is edited while the team runs. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from controller.team.team import AgentSpec, RoomSpec
from gateway.protocol.types.core_types import DEFAULT_ROOM


@dataclass(frozen=True)
class RoomPlan:
    """What to do, in this order. `topics`: rooms with their new topic; `take_in` and `put_out`: rooms with an agent.
    Every agent is in the default room without a plan."""

    create: tuple[RoomSpec, ...] = ()
    topics: tuple[tuple[str, str], ...] = ()
    take_in: tuple[tuple[str, str], ...] = ()
    put_out: tuple[tuple[str, str], ...] = ()

    @property
    def rooms(self) -> frozenset[str]:
        """All rooms that it changes."""
        changed = (room for room, _ in (*self.topics, *self.take_in, *self.put_out))
        return frozenset([*(one.name for one in self.create), *changed])

    def within(self, rooms: Collection[str]) -> RoomPlan:
        """Without the changes of other rooms."""
        topics, take_in, put_out = (
            tuple(one for one in each if one[0] in rooms) for each in (self.topics, self.take_in, self.put_out)
        )
        return replace(self, topics=topics, take_in=take_in, put_out=put_out)


def plan_rooms(rooms: Sequence[RoomSpec], agents: Sequence[AgentSpec]) -> RoomPlan:
    """For a team that starts: rooms and memberships that are there already do no harm."""
    return RoomPlan(create=tuple(rooms), take_in=_memberships(rooms, agents))


def plan_room_changes(
    rooms: Sequence[RoomSpec],
    agents: Sequence[AgentSpec],
    earlier_rooms: Sequence[RoomSpec],
    earlier_agents: Sequence[AgentSpec],
) -> RoomPlan:
    """For a team that runs, only what the file says differently now: what people changed in the chat stays."""
    topics = {one.name: one.topic for one in earlier_rooms}
    then, now = _memberships(earlier_rooms, earlier_agents), _memberships(rooms, agents)
    running, listed = {one.name for one in earlier_agents}, {one.name for one in agents}
    kept_rooms = {one.name for one in rooms}
    return RoomPlan(
        create=tuple(one for one in rooms if one.name not in topics),
        topics=tuple((one.name, one.topic) for one in rooms if topics.get(one.name, one.topic) != one.topic),
        take_in=tuple(one for one in now if one not in then and one[1] in running),
        put_out=tuple(one for one in then if one not in now and one[0] in kept_rooms and one[1] in listed),
    )


def _memberships(rooms: Sequence[RoomSpec], agents: Sequence[AgentSpec]) -> tuple[tuple[str, str], ...]:
    """Rooms with an agent, from the lists of the rooms and of the agents. A listed member that the team does not have,
    because other agents were started, is left out."""
    names = [one.name for one in agents]
    by_room = ((room.name, name) for room in rooms for name in room.members if name in names)
    by_agent = ((room, agent.name) for agent in agents for room in agent.rooms)
    return tuple(one for one in dict.fromkeys((*by_room, *by_agent)) if one[0] != DEFAULT_ROOM)
