"""What people type to lead a mode."""

from __future__ import annotations

import pytest

from controller.chat_commands import mode_commands
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.types.core_types import FloorView

WISHES = [
    (
        '"tabs or spaces" --rounds 3 --agents claude,@codex',
        {"topic": "tabs or spaces", "rounds": 3, "agents": ("claude", "codex")},
    ),
    ("don't we need tabs?", {"topic": "don't we need tabs?"}),
    ("tabs --rounds=2 or spaces", {"topic": "tabs or spaces", "rounds": 2}),
    ("“tabs” --turns 9 --replace", {"topic": "tabs", "turns": 9, "replace": True}),
    (
        "x --cast judge=claude --cast critic=@codex,worker=gemini",
        {"topic": "x", "cast": {"judge": "claude", "critic": "codex", "worker": "gemini"}},
    ),
    ("", {"topic": ""}),
    ("x --rounds -3", {"topic": "x", "rounds": -3}),
]


@pytest.mark.parametrize(("rest", "fields"), WISHES)
def test_wishes(rest: str, fields: dict[str, object]) -> None:
    assert mode_commands.parse_mode_command("debate", rest, "lab") == SetMode(mode="debate", room="lab", **fields)  # type: ignore[arg-type]


NOT_UNDERSTOOD = [
    ('"tabs', "A quotation mark is missing"),
    ("x --round 3", "Did you mean --rounds?"),
    ("x --rounds many", "--rounds needs a whole number, not 'many'"),
    ("x --agents", "--agents needs a value"),
    ("x --agents --rounds 3", "--agents needs a value"),
    ("x --cast claude", "is not a ROLE=NAME pair"),
]


@pytest.mark.parametrize(("rest", "words"), NOT_UNDERSTOOD)
def test_what_is_not_understood(rest: str, words: str) -> None:
    with pytest.raises(BadRequest) as caught:
        mode_commands.parse_mode_command("debate", rest, "lab")
    assert words in caught.value.message


@pytest.mark.parametrize(("text", "seconds"), [(None, 120), ("300", 300), ("5m", 300), ("90s", 90), ("1.5h", 5400)])
def test_times(text: str | None, seconds: float) -> None:
    assert mode_commands.parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "x", "-5", "0", "nan", "9999999", "m"])
def test_what_is_no_time(text: str) -> None:
    if text:
        with pytest.raises(BadRequest):
            mode_commands.parse_seconds(text)


def test_how_a_mode_is_told() -> None:
    floor = FloorView(
        "debate", "tabs", "responses", 2, 3, ("ann",), {}, "ann", "2027-01-15T08:00:00.000Z", True, 4, 1000
    )
    assert mode_commands.mode_label(floor) == "debate, responses, round 2 of 3"
    assert mode_commands.mode_status_line(floor).startswith("debate, responses, round 2 of 3: ann has the turn since ")
    assert mode_commands.mode_status_line(floor).endswith(", late")
    assert mode_commands.mode_status_line(FloorView("freeform")) == mode_commands.mode_status_line(None) == ""
    assert mode_commands.mode_rows(FloorView("freeform")) == [("mode", "freeform: everybody speaks freely")]
    pilot = FloorView("autopilot", phase="lead", round=1, rounds=100, speaker="ann", turns=3, budget=20)
    assert mode_commands.mode_label(pilot) == "autopilot, lead, turn 3 of 20"
