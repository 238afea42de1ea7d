"""Which agents the team file puts into which rooms."""

from __future__ import annotations

import pytest

from controller.team.room_plan import RoomPlan, plan_room_changes, plan_rooms
from controller.team.team import AgentSpec, RoomSpec

DESIGN, OPS = RoomSpec("design", "How it looks"), RoomSpec("ops", members=("ada", "ben"))


def agents(**rooms: tuple[str, ...]) -> list[AgentSpec]:
    return [AgentSpec(name, (name,), rooms=where) for name, where in rooms.items()]


STARTS: list[tuple[list[RoomSpec], list[AgentSpec], tuple[tuple[str, str], ...]]] = [
    # rooms of the file, its agents, who is taken in where
    ([], agents(ada=()), ()),
    ([DESIGN], agents(ada=("design",), ben=()), (("design", "ada"),)),
    ([OPS], agents(ada=(), ben=()), (("ops", "ada"), ("ops", "ben"))),
    ([OPS, DESIGN], agents(ada=("ops", "design")), (("ops", "ada"), ("design", "ada"))),
    ([OPS], agents(ada=(), cleo=()), (("ops", "ada"),)),  # other agents were started than the file names
    ([RoomSpec("general", members=("ada",))], agents(ada=("general",)), ()),  # everyone is there
]


@pytest.mark.parametrize(("rooms", "team", "taken_in"), STARTS)
def test_who_is_taken_in_when_a_team_starts(
    rooms: list[RoomSpec], team: list[AgentSpec], taken_in: tuple[tuple[str, str], ...]
) -> None:
    assert plan_rooms(rooms, team) == RoomPlan(create=tuple(rooms), take_in=taken_in)


THEN = ([DESIGN, OPS], agents(ada=("design",), ben=(), cleo=()))
CHANGES: dict[str, tuple[list[RoomSpec], list[AgentSpec], RoomPlan]] = {
    "nothing": (*THEN, RoomPlan()),
    "a room": (
        [DESIGN, OPS, RoomSpec("lab", members=("cleo",))],
        THEN[1],
        RoomPlan(create=(RoomSpec("lab", members=("cleo",)),), take_in=(("lab", "cleo"),)),
    ),
    "a topic": ([RoomSpec("design", "Colours"), OPS], THEN[1], RoomPlan(topics=(("design", "Colours"),))),
    "an agent comes": (
        [DESIGN, OPS],
        agents(ada=("design",), ben=("design",), cleo=()),
        RoomPlan(take_in=(("design", "ben"),)),
    ),
    "an agent goes": (
        [DESIGN, RoomSpec("ops", members=("ben",))],
        THEN[1],
        RoomPlan(put_out=(("ops", "ada"),)),
    ),
    "it is listed elsewhere now": (
        [RoomSpec("design", "How it looks", members=("ada",)), OPS],
        agents(ada=(), ben=(), cleo=()),
        RoomPlan(),
    ),
    "a room is taken out of the file": ([DESIGN], THEN[1], RoomPlan()),
    "an agent that does not run yet": (
        [DESIGN, OPS],
        [*THEN[1], *agents(dora=("design",))],
        RoomPlan(),
    ),
    "other agents than those of the file": ([DESIGN, OPS], agents(eve=()), RoomPlan()),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_while_the_team_runs(what: str) -> None:
    rooms, team, plan = CHANGES[what]
    assert plan_room_changes(rooms, team, *THEN) == plan


def test_a_plan_within_some_rooms() -> None:
    both = (("design", "ada"), ("ops", "ada"))
    plan = RoomPlan((DESIGN,), both, both, both)
    assert plan.rooms == {"design", "ops"}
    assert plan.within({"ops"}) == RoomPlan((DESIGN,), both[1:], both[1:], both[1:])
