"""`continue` and what stands: whom it is for, and in which words it is told."""

from __future__ import annotations

import pytest

from controller.chat_commands.continue_command import continue_request, continued_text
from controller.team.team import parse_team
from controller.team.toml_reader import TeamError
from controller.wording.status_text import StatusContext, holds_text, status_rows
from controller.workspace.gateway_process import limit_options
from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.results import Continued, Health
from gateway.protocol.types.core_types import Delivery
from gateway.protocol.types.loop_limits import Guard, Limits, LoopHoldView, Trip

TRIP = Trip(Guard.HOPS, "812", ("claude", "codex"), "2026-11-21T11:24:50.000Z", (812, 813))


@pytest.mark.parametrize(
    ("word", "request_"),
    [
        (None, Continue()),
        ("claude", Continue(member="claude")),
        ("@Claude", Continue(member="claude")),
        ("#Lab", Continue(room="lab")),
        ("lab", Continue(room="lab")),
        ("@lab", Continue(member="lab")),
    ],
)
def test_whom_it_is_for(word: str | None, request_: Continue) -> None:
    assert continue_request(word, ("general", "lab")) == request_


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Continued(()), "Nothing is held by a loop guard."),
        (Continued(("general",)), "The loop guard is lifted in general. No messages were held."),
        (
            Continued(("general", "lab"), (Delivery(834, "codex"), Delivery(835, "claude"))),
            "The loop guard is lifted in general, lab. Delivered to: codex (#834), claude (#835).",
        ),
    ],
)
def test_what_came_of_it(done: Continued, words: str) -> None:
    assert continued_text(done) == words


def test_what_stands_and_what_is_allowed_is_shown() -> None:
    holds = (LoopHoldView("general", (TRIP,), 2), LoopHoldView("lab", (), 1))
    assert holds_text(holds) == (
        "general: hops of claude and codex; 2 waiting | lab: lifted in part; 1 waiting (groupchat continue)"
    )
    health = Health("ok", "1", 1.0, 1, 1, 1, 1, 1, 1, "sqlite", limits=Limits(max_hops=0))
    shown = dict(status_rows(health, StatusContext()))
    assert (shown["limits"], shown["loop guards"]) == (
        "hops no limit, pair 10, wakes 60, repeats 3, tokens no limit",
        "none",
    )


def test_a_team_sets_limits_and_the_gateway_is_started_with_what_is_not_as_ever() -> None:
    team = parse_team("[limits]\nmax_hops = 20\nmax_wakes = 0\n")
    assert team.gateway.limits == Limits(max_hops=20, max_wakes=0)
    assert limit_options(team.gateway.limits) == ["--max-hops=20", "--max-wakes=0"]
    assert limit_options(parse_team("").gateway.limits) == []
    with pytest.raises(TeamError, match="max_hops"):
        parse_team("[limits]\nmax_hops = -1\n")
