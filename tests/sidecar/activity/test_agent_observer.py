"""What a verdict depends on besides the rules: the order and the age of evidence. All in virtual time."""

import pytest

from gateway.protocol.types.core_types import Activity as A
from gateway.protocol.types.core_types import Composer
from sidecar.activity.agent_observer import SETTLE_PAUSE_S, AgentObserver
from sidecar.agents import REGISTRY
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource

COLUMNS, ROWS = 60, 12
RULE = "─" * COLUMNS
BOX = f"\x1b[2J\x1b[H\x1b]0;✳ x\x07{RULE}\r\n❯ \r\n{RULE}\r\n  ? for shortcuts"
DIALOG = f"\x1b[2J\x1b[H{RULE}\r\n Do you want to proceed?\r\n ❯ 1. Yes\r\n   2. No\r\n\r\n Esc to cancel"
QUERY = "\x1b[c"


def claude() -> AgentObserver:
    return AgentObserver(REGISTRY["claude"], COLUMNS, ROWS)


def seen(watch: AgentObserver, now: float) -> A:
    """What is seen at `now`, with all the looks that are due before."""
    moment = watch.look(min(watch.last_output + SETTLE_PAUSE_S, now))
    while (again := moment.verdict.look_again) is not None and again <= now:
        moment = watch.look(again)
    return watch.look(now).verdict.activity


def ready() -> AgentObserver:
    watch = claude()
    watch.output(BOX.encode(), 0.0)
    assert seen(watch, 1.0) is A.IDLE
    return watch


def test_a_prompt_drawn_before_the_terminal_has_answered_is_not_ready() -> None:
    watch = claude()
    watch.output((BOX + QUERY).encode(), 0.0)
    assert seen(watch, 0.5) is A.STARTING
    assert seen(watch, 0.7) is A.IDLE


def test_the_terminals_answer_ends_the_start() -> None:
    watch = claude()
    watch.output((BOX + QUERY).encode(), 0.0)
    watch.keys(b"\x1b[?62;22c", 0.01)
    assert seen(watch, 0.1) is A.IDLE


def test_a_dialog_while_starting_is_seen_at_once() -> None:
    watch = claude()
    watch.output((DIALOG + QUERY).encode(), 0.0)
    assert seen(watch, 0.1) is A.ASKING


def test_enter_in_a_full_composer_is_work_before_anything_shows_it() -> None:
    watch = ready()
    watch.output(b"\x1b[2;3Hhello", 1.0)
    watch.keys(b"\r", 1.1)
    assert seen(watch, 1.2) is A.BUSY
    watch.output(b"\x1b[2;3Hhello", 1.3)
    assert seen(watch, 2.6) is A.IDLE


@pytest.mark.parametrize(("key", "then"), [(b"\r", A.BUSY), (b"1", A.BUSY), (b"\x1b", A.IDLE), (b"\x1b[B", A.IDLE)])
def test_an_answered_dialog_is_work_until_something_else_is_known(key: bytes, then: A) -> None:
    watch = ready()
    watch.output(DIALOG.encode(), 2.0)
    assert seen(watch, 3.0) is A.ASKING
    watch.keys(key, 3.0)
    watch.output(BOX.encode(), 3.05)
    assert seen(watch, 3.15) is then


def test_an_answered_dialog_that_stays_is_asked_again() -> None:
    watch = ready()
    watch.output(DIALOG.encode(), 2.0)
    assert seen(watch, 3.0) is A.ASKING
    watch.keys(b"1", 3.0)
    assert (seen(watch, 3.1), seen(watch, 3.4)) == (A.BUSY, A.ASKING)
    assert watch.look(3.1).verdict.composer is Composer.HIDDEN


def test_an_answer_to_a_first_question_is_still_the_start() -> None:
    watch = claude()
    watch.output(DIALOG.encode(), 0.0)
    assert seen(watch, 1.0) is A.ASKING
    watch.keys(b"\r", 1.0)
    assert seen(watch, 1.1) is A.STARTING


def test_a_command_of_the_agents_own_begins_no_turn() -> None:
    watch = ready()
    watch.output(b"\x1b[2;3H/status", 1.0)
    watch.keys(b"\r", 1.1)
    assert seen(watch, 1.2) is A.IDLE


def test_without_keys_text_that_leaves_the_composer_was_submitted() -> None:
    watch = ready()
    watch.output(b"\x1b[2;3Hhello", 1.0)
    assert seen(watch, 1.5) is A.IDLE
    watch.output(BOX.encode(), 2.0)
    assert (seen(watch, 2.1), seen(watch, 2.6)) == (A.BUSY, A.IDLE)


def test_a_draft_may_disappear_if_keys_are_reported() -> None:
    watch = ready()
    watch.keys(b"hello", 1.0)
    watch.output(b"\x1b[2;3Hhello", 1.0)
    assert seen(watch, 1.5) is A.IDLE
    watch.output(BOX.encode(), 2.0)
    assert seen(watch, 2.1) is A.IDLE


def test_half_a_synchronized_update_is_not_looked_at() -> None:
    watch = ready()
    watch.output(b"\x1b[?2026h\x1b[2J", 2.0)
    assert watch.look(2.02).verdict.composer is Composer.EMPTY
    watch.output(BOX.encode() + b"\x1b[?2026l", 2.03)
    assert watch.look(2.05).verdict.activity is A.IDLE


def test_a_synchronized_update_that_never_ends_is_looked_at() -> None:
    watch = ready()
    watch.output(b"\x1b[?2026h\x1b[2J", 2.0)
    watch.look(2.02)
    assert watch.look(3.0).verdict.composer is Composer.HIDDEN


def test_half_a_repaint_after_a_long_rest_does_not_end_idle() -> None:
    watch = ready()
    watch.output(b"\x1b[2J", 60.0)
    assert watch.look(60.02).verdict.activity is A.IDLE
    assert seen(watch, 60.5) is A.UNKNOWN


def test_a_hook_is_evidence_and_expires() -> None:
    watch = ready()
    watch.signal(Evidence(EvidenceSource.HOOK, "UserPromptSubmit", 2.0))
    assert seen(watch, 2.1) is A.BUSY
    assert seen(watch, 4.5) is A.IDLE


@pytest.mark.parametrize(
    ("agent", "printed", "says"),
    [
        ("claude", "\x1b]9;Claude needs your permission\x07", A.ASKING),
        ("claude", "\x1b]777;notify;Claude Code;Claude needs your permission\x07", A.ASKING),
        ("codex", "\x1b]9;Approval requested: touch made\x07", A.ASKING),
        ("codex", "\x1b]9;Short.\x07", None),
        ("gemini", "\x1b]777;notify;Gemini CLI needs your attention;Approval required | x\x07", A.ASKING),
        ("gemini", "\x1b]9;Gemini CLI session complete | Run finished\x07", A.IDLE),
        ("gemini", "\x07", None),
    ],
)
def test_notices_are_evidence_for_a_moment(agent: str, printed: str, says: A | None) -> None:
    watch = AgentObserver(REGISTRY[agent], COLUMNS, ROWS)
    watch.output(printed.encode(), 1.0)
    claims = [watch.look(now) and watch.claims.get(EvidenceSource.NOTICE) for now in (1.0, 1.5)]
    assert [one and one.says for one in claims] == [says, says]
    assert says is None or not claims[-1] or not claims[-1].fresh(2.1)


def test_the_bell_is_shown_and_argues_nothing() -> None:
    watch = ready()
    watch.output(b"\x07", 2.0)
    assert seen(watch, 2.1) is A.IDLE
    assert watch.signals[EvidenceSource.BELL].at == 2.0


@pytest.mark.parametrize(("value", "says"), [("waiting permission prompt", A.ASKING), ("idle", A.IDLE)])
def test_the_status_file_is_evidence(value: str, says: A) -> None:
    watch = ready()
    watch.signal(Evidence(EvidenceSource.STATUS, value, 2.0))
    assert seen(watch, 2.1) is says


def test_an_untested_version_is_named_and_settles_longer() -> None:
    watch = claude()
    watch.output(("Claude Code v9.9.9\r\n" + BOX.removeprefix("\x1b[2J\x1b[H")).encode(), 0.0)
    assert seen(watch, 0.25) is A.STARTING
    assert seen(watch, 1.0) is A.IDLE
    assert "version 9.9.9 is untested" in watch.look(1.0).verdict.because[-1]


def test_a_known_version_is_nothing_to_tell() -> None:
    watch = claude()
    watch.output(("Claude Code v2.1.329\r\n" + BOX.removeprefix("\x1b[2J\x1b[H")).encode(), 0.0)
    assert seen(watch, 1.0) is A.IDLE
    assert not any("version" in reason for reason in watch.look(1.0).verdict.because)


SPINNER = f"\x1b[?2026h\x1b[2J\x1b[H✻ Working…\r\n{RULE}\r\n❯ \r\n{RULE}\r\n  esc to interrupt\x1b]0;⠂ x\x07".encode()
FRAME_END = b"\x1b[?2026l"


def working() -> AgentObserver:
    watch = ready()
    watch.output(SPINNER + FRAME_END, 2.0)
    assert seen(watch, 2.5) is A.BUSY
    return watch


def test_a_whole_frame_of_a_working_agent_is_looked_at_in_the_same_wake_up() -> None:
    watch = working()
    assert watch.pause_after_output(SPINNER + FRAME_END, 3.0) == 0.0
    assert watch.pause_after_output(SPINNER + FRAME_END + b"\x1b[?25h\x1b[3;3H", 3.0) == 0.0


def test_if_nobody_waits_not_every_turn_of_a_spinner_is_looked_at() -> None:
    turn, watch = b"\x1b[?2026h\x1b[1;1H\xe2\x9c\xb6\x1b[?2026l", working()
    watch.look(3.0)
    assert watch.pause_after_output(turn, 3.08, awaited=True) == 0.0
    assert watch.pause_after_output(turn, 3.08, awaited=False) == pytest.approx(0.17), "at the latest"
    assert watch.pause_after_output(turn, 3.16, awaited=False) == 0.0, "every second turn"
    assert watch.pause_after_output(turn + b"\x1b]0;\xe2\x9c\xb3 x\x07", 3.08, awaited=False) == 0.0, "its title"
    assert watch.pause_after_output(SPINNER + FRAME_END, 3.08, awaited=False) == 0.0, "more than a spinner"


def test_what_may_be_half_a_frame_or_an_echo_or_a_flood_is_looked_at_later() -> None:
    watch = working()
    assert watch.pause_after_output(SPINNER, 3.0) == SETTLE_PAUSE_S, "the rest of the frame is still to come"
    watch.keys(b"x", 3.0)
    assert watch.pause_after_output(SPINNER + FRAME_END, 3.1) == SETTLE_PAUSE_S, "the echo of the key"
    assert watch.pause_after_output(SPINNER + FRAME_END, 5.0) == 0.0
    watch.look(5.0)
    assert watch.pause_after_output(SPINNER + FRAME_END, 5.01) == SETTLE_PAUSE_S, "one of many"
    assert ready().pause_after_output(SPINNER + FRAME_END, 3.0) == SETTLE_PAUSE_S, "it was idle"
