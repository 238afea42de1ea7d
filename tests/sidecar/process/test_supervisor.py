"""What the supervisor does after each end of a sidecar, as tables."""

import signal

import pytest

from sidecar.process.supervisor import (
    AFRESH,
    EXIT_FAILED,
    MAX_PAUSE_S,
    RESUME,
    RestartPauses,
    SidecarExit,
    crash_signal_of,
    decide_next_run,
)

KILLED = 128 + signal.SIGKILL
HUNG_UP = 128 + signal.SIGHUP


@pytest.mark.parametrize(
    ("policy", "end", "again", "status", "go_on"),
    [
        ("crash", SidecarExit("ended 0", 0), False, 0, ""),
        ("crash", SidecarExit("ended 7", 7), False, 7, ""),
        ("crash", SidecarExit(f"ended {HUNG_UP}", HUNG_UP), False, HUNG_UP, ""),
        ("crash", SidecarExit(f"died {KILLED}", KILLED), True, KILLED, RESUME),
        ("crash", SidecarExit("died 1", 1), True, 1, RESUME),
        ("never", SidecarExit(f"died {KILLED}", KILLED), False, KILLED, ""),
        ("always", SidecarExit("ended 0", 0), True, 0, RESUME),
        ("crash", SidecarExit("", -signal.SIGKILL), True, KILLED, RESUME),
        ("crash", SidecarExit("", -signal.SIGTERM), True, 128 + signal.SIGTERM, RESUME),
        ("crash", SidecarExit("", 1), True, EXIT_FAILED, RESUME),
        ("crash", SidecarExit("", 0), True, EXIT_FAILED, RESUME),
        ("never", SidecarExit("", -signal.SIGKILL), False, KILLED, ""),
        ("always", SidecarExit("refused", 1), False, 1, ""),
        ("crash", SidecarExit("refused", -signal.SIGTERM), False, 1, ""),
        ("crash", SidecarExit("afresh", 1), True, 1, AFRESH),
        ("never", SidecarExit("ordered", HUNG_UP), True, 0, RESUME),
    ],
)
def test_what_follows(policy: str, end: SidecarExit, again: bool, status: int, go_on: str) -> None:
    following = decide_next_run(policy, end, "claude")
    assert (following.again, following.status) == (again, status)
    assert following.go_on == go_on or not again


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (SidecarExit("", -signal.SIGKILL), "the sidecar of claude died (SIGKILL)"),
        (SidecarExit("", 70), "the sidecar of claude failed; sidecar.log says why"),
        (SidecarExit(f"died {KILLED}", KILLED), "claude died (SIGKILL)"),
        (SidecarExit("died 1", 1), "claude died (status 1)"),
        (SidecarExit("afresh", 1), "claude could not take up its earlier conversation; a new one begins"),
    ],
)
def test_it_says_who_died_and_how(end: SidecarExit, why: str) -> None:
    assert decide_next_run("crash", end, "claude").why == why


@pytest.mark.parametrize(
    ("status", "crash"),
    [
        (0, 0),
        (1, 0),
        (128 + signal.SIGINT, 0),
        (128 + signal.SIGTERM, 0),
        (255, 0),
        (128 + signal.SIGSEGV, signal.SIGSEGV),
        (KILLED, signal.SIGKILL),
    ],
)
def test_an_agent_that_was_asked_to_end_has_not_crashed(status: int, crash: int) -> None:
    assert crash_signal_of(status) == crash


def test_pauses_double_up_to_a_cap_and_are_short_again_after_a_minute_of_health() -> None:
    pauses = RestartPauses()
    assert [round(pauses.after(1), 1) for _ in range(10)] == [
        0.2,
        0.4,
        0.8,
        1.6,
        3.2,
        6.4,
        12.8,
        25.6,
        MAX_PAUSE_S,
        MAX_PAUSE_S,
    ]
    assert [pauses.after(61), pauses.after(1)] == [0.2, 0.4]
