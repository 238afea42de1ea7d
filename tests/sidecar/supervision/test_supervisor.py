"""What the supervisor does after each end of a sidecar, as tables."""

import signal

import pytest

from sidecar.supervision.exit_report import (
    ConversationChoice,
    ExitKind,
    ExitReport,
    parse_conversation_choice,
    parse_exit_report,
)
from sidecar.supervision.supervisor import (
    EXIT_FAILED,
    MAX_PAUSE_S,
    RestartPauses,
    SidecarExit,
    crash_signal_of,
    decide_next_run,
)

KILLED = 128 + signal.SIGKILL
HUNG_UP = 128 + signal.SIGHUP
NOTHING = ConversationChoice.NONE


@pytest.mark.parametrize(
    ("policy", "end", "again", "status", "conversation"),
    [
        ("crash", SidecarExit(ExitReport(ExitKind.ENDED, 0), 0), False, 0, NOTHING),
        ("crash", SidecarExit(ExitReport(ExitKind.ENDED, 7), 7), False, 7, NOTHING),
        ("crash", SidecarExit(ExitReport(ExitKind.ENDED, HUNG_UP), HUNG_UP), False, HUNG_UP, NOTHING),
        ("crash", SidecarExit(ExitReport(ExitKind.DIED, KILLED), KILLED), True, KILLED, ConversationChoice.RESUME),
        ("crash", SidecarExit(ExitReport(ExitKind.DIED, 1), 1), True, 1, ConversationChoice.RESUME),
        ("never", SidecarExit(ExitReport(ExitKind.DIED, KILLED), KILLED), False, KILLED, NOTHING),
        ("always", SidecarExit(ExitReport(ExitKind.ENDED, 0), 0), True, 0, ConversationChoice.RESUME),
        ("crash", SidecarExit(None, -signal.SIGKILL), True, KILLED, ConversationChoice.RESUME),
        ("crash", SidecarExit(None, -signal.SIGTERM), True, 128 + signal.SIGTERM, ConversationChoice.RESUME),
        ("crash", SidecarExit(None, 1), True, EXIT_FAILED, ConversationChoice.RESUME),
        ("crash", SidecarExit(None, 0), True, EXIT_FAILED, ConversationChoice.RESUME),
        ("never", SidecarExit(None, -signal.SIGKILL), False, KILLED, NOTHING),
        ("always", SidecarExit(ExitReport(ExitKind.REFUSED), 1), False, 1, NOTHING),
        ("crash", SidecarExit(ExitReport(ExitKind.REFUSED), -signal.SIGTERM), False, 1, NOTHING),
        ("crash", SidecarExit(ExitReport(ExitKind.AFRESH), 1), True, 1, ConversationChoice.AFRESH),
        ("never", SidecarExit(ExitReport(ExitKind.ORDERED), HUNG_UP), True, 0, ConversationChoice.RESUME),
    ],
)
def test_what_follows(
    policy: str, end: SidecarExit, again: bool, status: int, conversation: ConversationChoice
) -> None:
    following = decide_next_run(policy, end, "claude")
    assert (following.again, following.status) == (again, status)
    assert following.conversation is conversation or not again


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (SidecarExit(None, -signal.SIGKILL), "the sidecar of claude died (SIGKILL)"),
        (SidecarExit(None, 70), "the sidecar of claude failed; sidecar.log says why"),
        (SidecarExit(ExitReport(ExitKind.DIED, KILLED), KILLED), "claude died (SIGKILL)"),
        (SidecarExit(ExitReport(ExitKind.DIED, 1), 1), "claude died (status 1)"),
        (
            SidecarExit(ExitReport(ExitKind.AFRESH), 1),
            "claude could not resume its earlier conversation and begins a new one",
        ),
    ],
)
def test_it_says_who_died_and_how(end: SidecarExit, why: str) -> None:
    assert decide_next_run("crash", end, "claude").why == why


@pytest.mark.parametrize(
    ("line", "report"),
    [
        ("", None),
        ("ended 7", ExitReport(ExitKind.ENDED, 7)),
        ("died 137", ExitReport(ExitKind.DIED, 137)),
        ("refused", ExitReport(ExitKind.REFUSED)),
        ("afresh", ExitReport(ExitKind.AFRESH)),
        ("ordered", ExitReport(ExitKind.ORDERED)),
        ("ended", ExitReport(ExitKind.UNREADABLE)),
        ("ended well", ExitReport(ExitKind.UNREADABLE)),
        ("endedness 7", ExitReport(ExitKind.UNREADABLE)),
        ("ended 0\nrefused", ExitReport(ExitKind.UNREADABLE)),
        ("so it ended", ExitReport(ExitKind.UNREADABLE)),
    ],
)
def test_a_report_is_a_value(line: str, report: ExitReport | None) -> None:
    assert parse_exit_report(line) == report
    if report is not None and report.kind is not ExitKind.UNREADABLE:
        assert report.line() == line


@pytest.mark.parametrize("choice", ConversationChoice)
def test_the_next_run_reads_what_the_supervisor_wrote(choice: ConversationChoice) -> None:
    assert parse_conversation_choice(choice.value) is choice
    assert parse_conversation_choice("something newer") is ConversationChoice.NONE


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
