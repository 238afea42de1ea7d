"""What a person's keys tell of a scene."""

from __future__ import annotations

import pytest

from sidecar.recording_kit.scenes import (
    MARK_LATENESS_S,
    MARK_SEQUENCES,
    SCENES,
    PressedKeys,
    Scene,
    ToldBy,
    instructions,
    split_marks,
    truth_of_scene,
)

NAMED = {scene.name: scene for scene in SCENES}
MARK = MARK_SEQUENCES[0].decode()


def pressed(*keys: tuple[float, str]) -> list[PressedKeys]:
    return [PressedKeys(at, data.encode()) for at, data in keys]


@pytest.mark.parametrize(
    ("name", "keys", "states"),
    [
        ("start", [(2, MARK), (13, "/quit\r")], ["0 starting", "2 idle", "20 exited"]),
        (
            "turn",
            [(2, MARK), (3, "Say"), (4, "\r"), (4.5, "\r"), (9, MARK), (11, "\x04")],
            ["0 starting", "2 idle", "4 busy", "9 idle", "20 exited"],
        ),
        (
            "turn",
            [(2, MARK), (4, "\x1b[13u"), (9, "\x1b[93;5u"), (11, "\x04")],
            ["0 starting", "2 idle", "4 busy", "9 idle", "20 exited"],
        ),
        (
            "allowed",
            [(2, MARK), (4, "\r"), (6, MARK), (7, "\x1b[A"), (8, "\r"), (10, MARK), (12, "/quit"), (13, "\r")],
            ["0 starting", "2 idle", "4 busy", "6 approval", "8 busy", "10 idle", "20 exited"],
        ),
        (
            "interrupted",
            [(2, MARK), (4, "\r"), (6, "\x1b"), (7, MARK)],
            ["0 starting", "2 idle", "4 busy", "7 idle", "20 exited"],
        ),
        ("turn", [(2, MARK), (3, "no Enter"), (9, MARK)], None),
        ("turn", [(2, MARK), (4, "\r")], None),
        ("start", [(2, MARK), (3, MARK)], None),
        ("allowed", [(2, MARK), (4, "\r"), (6, MARK), (10, MARK)], None),
        ("start", [], None),
    ],
)
def test_the_keys_tell_what_was_true(name: str, keys: list[tuple[float, str]], states: list[str] | None) -> None:
    truth = truth_of_scene(NAMED[name], pressed(*keys), 20.0)
    assert (None if truth is None else [f"{at:g} {state}" for at, state in truth.states]) == states


def test_the_moments_before_a_mark_are_unsure_but_nothing_before_the_last_change_is() -> None:
    truth = truth_of_scene(NAMED["turn"], pressed((5, MARK), (7, "\r"), (9, MARK)), 20.0)
    assert truth is not None
    assert truth.unsure == ((5 - MARK_LATENESS_S, 5), (7, 9))


@pytest.mark.parametrize("mark", MARK_SEQUENCES)
def test_a_mark_is_found_among_other_keys(mark: bytes) -> None:
    assert split_marks(b"a" + mark + mark + b"\x1b[A") == [b"a", mark, mark, b"\x1b[A"]
    assert split_marks(b"\x1b[93;2u") == [b"\x1b[93;2u"]


@pytest.mark.parametrize("scene", SCENES)
def test_each_scene_begins_and_ends_where_the_program_rests(scene: Scene) -> None:
    changes = [step for step in scene.steps if step.state]
    assert (changes[0].state, changes[-1].state) == ("idle", "idle")
    assert changes[0].told_by is changes[-1].told_by is ToldBy.MARK
    lines = list(instructions(scene, "1 of 8"))
    assert len(lines) > len(scene.steps)
    assert max(map(len, lines)) < 80
