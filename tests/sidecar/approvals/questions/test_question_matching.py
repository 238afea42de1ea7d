"""A hook's report and the screen are combined only if they are certainly about the same question."""

import asyncio
from dataclasses import replace

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.questions.dialog_parser import DialogOption, Question
from sidecar.approvals.questions.pending_hook_questions import (
    DIALOG_REMAINS_S,
    GONE_AFTER_S,
    LATE_HOOK_S,
    UNDRAWN_GONE_AFTER_S,
    HookDecision,
    PendingHookQuestions,
)
from sidecar.approvals.questions.question_matching import HookCandidate, match_question

YES_NO = (DialogOption("1", "Yes"), DialogOption("2", "No"))


def screen(detail: str, **fields: object) -> Question:
    shape = {"digest": f"screen of {detail}", "question": "Go on?", "choices": YES_NO, "allow": "1", "deny": "2"}
    return Question(**{**shape, "detail": detail, **fields})  # type: ignore[arg-type]


def told(name: str, detail: str, *, decides: bool = True, drawn: str = "", about: str = "command") -> HookCandidate:
    asked = HookQuestion("Bash", detail, decides, AskAbout(about), "Run this command?", words=decides, texts=(detail,))
    return HookCandidate(name, asked, waits=decides, drawn=drawn)


TOUCH, REMOVE = told("t" * 16, "touch made"), told("r" * 16, "rm -rf everything-that-is-here")
LONG = told("l" * 16, "make all && make a-very-long-target-name && make another-very-long-name && make it")
CUT = {"whole": False, "complete": False, "choices": (), "allow": "", "deny": ""}


def test_the_dialog_lends_its_options_and_the_hook_its_words_and_identity() -> None:
    found = match_question(screen("Bash command\ntouch made"), [TOUCH], asks=True, untouched=True)
    question = found.question
    assert question is not None and found.told == TOUCH
    assert (question.digest, question.detail, question.choices, question.question) == (
        TOUCH.name,
        "touch made",
        YES_NO,
        "Go on?",
    )
    assert question.hook and question.words and question.readable


@pytest.mark.parametrize("shown", [None, screen("what is left of it", **CUT)])
def test_a_hook_that_decides_asks_also_where_nothing_can_be_read(shown: Question | None) -> None:
    question = match_question(shown, [TOUCH], asks=False, untouched=False).question
    assert question is not None
    assert (question.digest, question.question, question.detail) == (TOUCH.name, "Run this command?", "touch made")
    assert question.hook and not question.readable and question.choices == ()


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("shown", [None, screen("touch made", choices=(), complete=False, allow="", deny="")])
def test_a_hook_that_knows_all_answers_needs_no_options_of_the_screen(shown: Question | None, waits: bool) -> None:
    mine = replace(TOUCH, asked=replace(TOUCH.asked, complete=True), waits=waits)
    question = match_question(shown, [mine], asks=True, untouched=True).question
    assert question is not None
    assert (question.hook, question.readable, question.choices) == (waits, waits, ())


def test_of_several_waiting_questions_the_one_on_the_screen_matches() -> None:
    for mine in (TOUCH, REMOVE):
        found = match_question(screen(f"Bash\n{mine.asked.detail}"), [TOUCH, REMOVE], asks=True, untouched=True)
        assert found.told == mine


def test_of_several_of_which_none_can_be_read_the_first_that_decides_is_asked_about() -> None:
    found = match_question(screen("rest", **CUT), [TOUCH, REMOVE], asks=True, untouched=True)
    assert found.told == TOUCH and found.question is not None
    assert found.question.choices == (), "the keys on the screen may be the other one's"


def test_of_several_that_only_tell_none_is_taken_for_the_dialog() -> None:
    several = [told("a" * 16, "touch made", decides=False), told("b" * 16, "rm x", decides=False)]
    for shown in (None, screen("rest", **CUT), screen("rest", whole=False)):
        question = match_question(shown, several, asks=True, untouched=True).question
        assert question is None or (question.key("allow"), question.key("deny")) == (b"", b"")


def test_a_dialog_that_shows_both_is_neither_s_where_a_key_would_answer_it() -> None:
    several = [told("a" * 16, "ls", decides=False), told("b" * 16, "rm -rf /x", decides=False)]
    found = match_question(screen("$ ls\nReason: rm -rf /x"), several, asks=True, untouched=True)
    assert found.told is None and found.question == screen("$ ls\nReason: rm -rf /x")


def test_another_dialog_that_can_be_read_is_not_hidden_by_a_hook_that_waits() -> None:
    shown = screen("Do you trust this folder?")
    assert match_question(shown, [TOUCH], asks=True, untouched=True).question == shown


@pytest.mark.parametrize("part", ["make another-very-long-name && make it", "12 make a-very-long-target-name && make"])
def test_a_part_of_a_long_command_is_known(part: str) -> None:
    found = match_question(screen(part, whole=False), [TOUCH, LONG], asks=True, untouched=True)
    assert found.told == LONG and found.question is not None and found.question.choices == YES_NO


def test_a_change_is_known_by_the_name_of_its_file() -> None:
    change = told("c" * 16, "--- /w/parse.py\n+++ /w/parse.py\n@@ @@\n-a\n+b", about="diff")
    shown = screen("31 line", question="Do you want to make this edit to parse.py?", whole=False)
    assert match_question(shown, [change, TOUCH], asks=True, untouched=True).told == change


ONLY = told("o" * 16, "touch made", decides=False)


@pytest.mark.parametrize(
    ("shown", "untouched", "mine"),
    [
        (screen("[… 13 lines]", whole=False), True, True),
        (screen("[… 13 lines]", whole=False), False, False),
        (screen("Another question", whole=True), True, False),
        (screen("[… 13 lines]", whole=False, allow=""), True, False),
    ],
)
def test_a_reporting_question_matches_the_dialog_if_nothing_contradicts(
    shown: Question, untouched: bool, mine: bool
) -> None:
    found = match_question(shown, [ONLY], asks=True, untouched=untouched)
    assert (found.told == ONLY and found.question is not None and found.question.key("allow") == b"1") is mine


def test_a_dialog_that_came_with_the_only_one_is_its_own_though_it_shows_nothing_of_it() -> None:
    """A small Gemini leaves the command out, without a sign."""
    shown = screen("? Shell Make a file\nAllow execution of [Shell]?")
    fresh = replace(ONLY, fresh=True)
    question = match_question(shown, [fresh], asks=True, untouched=True).question
    assert question is not None and (question.detail, question.once) == ("touch made", True)
    assert question.question == "? Shell Make a file Allow execution of [Shell]? Go on?", (
        "all of the dialog's words, too"
    )
    for several, untouched in (
        ([fresh], False),
        ([fresh, told("x" * 16, "rm x", decides=False)], True),
        ([ONLY], True),
    ):
        assert match_question(shown, several, asks=True, untouched=untouched).question == shown


async def test_a_dialog_that_was_open_before_is_not_fresh() -> None:
    table = Table()
    table.now = 10.0
    table.heard.add(ONLY.asked)
    assert [table.heard.candidates(at)[0].fresh for at in (5.0, 9.9, 10.5, 13.0)] == [False, True, True, False]


def test_a_reporting_question_is_announced_while_the_agent_asks() -> None:
    asks = match_question(None, [ONLY], asks=True, untouched=True).question
    assert asks is not None and (asks.detail, asks.allow, asks.deny) == ("touch made", "", "")
    assert match_question(None, [ONLY], asks=False, untouched=True).question is None


def test_the_rest_of_a_dialog_is_not_a_new_question() -> None:
    shown = screen("touch made")
    over = HookCandidate(TOUCH.name, TOUCH.asked, waits=False, drawn=shown.digest)
    question = match_question(shown, [over], asks=True, untouched=True).question
    assert question is not None and question.digest == TOUCH.name and not question.hook


PREFIX = "cd /home/someone/projects/a-long-name-of-a-folder/with-more-below-it && "
WIPE, STATUS = told("w" * 16, f"{PREFIX}rm -rf ~"), told("s" * 16, f"{PREFIX}git status --short --branch")
LISTED, SAME_END = told("i" * 16, "ls"), "\n".join(f"print('line {at} of the false text')" for at in range(20))
BENIGN, HARMFUL = (told(name * 16, f"{first}\n{SAME_END}") for name, first in (("b", "echo hi"), ("h", "rm -rf ~")))


@pytest.mark.parametrize(
    ("shown", "several"),
    [
        (screen(f"Bash command\n{PREFIX}", whole=False), [WIPE, STATUS]),
        (screen(f"Bash command\nrm -rf ~\n{STATUS.asked.detail}"), [told("w" * 16, "rm -rf ~"), STATUS]),
        (screen(f"{SAME_END}\nls", whole=False), [HARMFUL, LISTED]),
        (screen(SAME_END, whole=False), [BENIGN, HARMFUL]),
        (screen(SAME_END, whole=False), [replace(BENIGN, drawn=f"screen of {SAME_END}"), HARMFUL]),
        (screen(SAME_END, whole=False), [replace(BENIGN, waits=False, drawn=f"screen of {SAME_END}"), HARMFUL]),
    ],
)
def test_a_dialog_that_may_be_any_of_several_takes_no_key(shown: Question, several: list[HookCandidate]) -> None:
    """Else the key that was meant for the one that is told answers the one that stands there."""
    found = match_question(shown, several, asks=True, untouched=False)
    assert found.question is not None and found.told is not None and found.told.waits
    assert found.question.hook and found.question.detail == found.told.asked.detail
    assert [found.question.key(one) for one in ("1", "2", "allow", "deny")] == [b""] * 4


def test_the_one_whose_words_are_all_there_is_meant() -> None:
    for mine in (WIPE, STATUS):
        found = match_question(screen(f"Bash command\n{mine.asked.detail}"), [WIPE, STATUS], asks=True, untouched=False)
        assert found.told == mine and found.question is not None and found.question.key("1") == b"1"


def test_few_letters_inside_of_another_word_are_no_sign() -> None:
    shown = screen("Allow false tools?")
    assert match_question(shown, [LISTED], asks=True, untouched=True).question == shown


def test_a_decided_dialog_that_looks_like_the_next_one_does_not_hide_it() -> None:
    shown = screen("Do what was a…")
    over = HookCandidate(TOUCH.name, TOUCH.asked, waits=False, drawn=shown.digest)
    found = match_question(shown, [over, REMOVE], asks=True, untouched=True)
    assert found.told == REMOVE and found.question is not None and found.question.choices == ()


def test_the_only_one_that_was_told_is_that_of_a_dialog_whose_rows_are_cut() -> None:
    shown = screen("? Shell Do what was a…", question="Allow execution of [Shell]?")
    found = match_question(shown, [ONLY], asks=True, untouched=True)
    assert found.told == ONLY and found.question is not None
    assert (found.question.detail, found.question.once) == ("touch made", True)


def test_a_change_is_known_by_its_file_wherever_the_dialog_names_it() -> None:
    change = told("c" * 16, "/w/file-0033.txt\n--- a\n+++ b\n@@ @@\n-two\n+zwei", decides=False, about="diff")
    shown = screen("? Edit file-0033.txt: two => zwei\n1 one\n2 - two...", question="Apply this change?")
    assert match_question(shown, [change], asks=True, untouched=False).told == change


def test_what_a_hook_adds_to_the_command_is_part_of_the_question() -> None:
    asked = replace(TOUCH.asked, question="Run this command? (without_sandbox: true; Touch it)")
    found = match_question(screen("touch made"), [replace(TOUCH, asked=asked)], asks=True, untouched=True).question
    assert found is not None and found.question == "Go on? (without_sandbox: true; Touch it)"


def test_what_an_agent_may_decide_by_itself_is_asked_only_with_its_own_dialog() -> None:
    mine = replace(ONLY, asked=replace(ONLY.asked, tentative=True), fresh=True)
    own, other = screen(ONLY.asked.detail), screen("Allow path access\n/etc/hostname")
    assert match_question(own, [mine], asks=True, untouched=True).told == mine
    found = match_question(other, [mine], asks=True, untouched=True)
    assert (found.told, found.question) == (None, other)
    assert match_question(None, [mine], asks=False, untouched=True).question is None
    assert match_question(None, [mine], asks=True, untouched=True).told == mine, "the agent says that it asks"


# In time


class Table:
    def __init__(self) -> None:
        self.now = 0.0
        self.heard = PendingHookQuestions(lambda: self.now)

    def names(self, at: float, *, asks: bool) -> list[str]:
        self.now = at
        self.heard.observe(asks=asks)
        return [one.name for one in self.heard.candidates()]


async def test_the_same_command_asked_again_is_another_question() -> None:
    heard = PendingHookQuestions(lambda: 0.0)
    assert not heard.is_expecting()
    assert heard.add(TOUCH.asked).name != heard.add(TOUCH.asked).name


async def test_a_reporting_question_is_forgotten_when_the_agent_stops_asking() -> None:
    table = Table()
    table.heard.add(ONLY.asked)
    assert table.names(1.0, asks=False) and table.heard.is_expecting(), "the dialog is drawn a little later"
    assert table.names(1.2, asks=True)
    assert table.names(1.9, asks=False), "on a busy machine much later than the agent says that it asks"
    table.heard.mark_drawn(table.names(1.9, asks=True)[0], "dialog")
    assert not table.heard.is_expecting()
    assert table.names(60.0, asks=True), "a person may take long"
    assert table.names(60.0 + GONE_AFTER_S / 2, asks=False)
    assert table.names(61.0, asks=False) == []


async def test_a_dialog_is_not_expected_of_what_an_agent_may_decide_by_itself() -> None:
    table = Table()
    table.heard.add(replace(ONLY.asked, tentative=True))
    assert table.names(0.1, asks=False) and not table.heard.is_expecting()
    table.heard.add(ONLY.asked)
    assert table.heard.is_expecting()


async def test_of_those_that_only_tell_the_next_one_ends_the_first() -> None:
    table = Table()
    first, second = table.heard.add(ONLY.asked), table.heard.add(ONLY.asked)
    table.heard.mark_drawn(first.name, "one")
    table.heard.mark_drawn(second.name, "two")
    assert table.names(1.0, asks=True) == [second.name]


async def test_a_decided_question_ends_though_the_agent_asks_on_and_prints_nothing() -> None:
    """The same command is asked again at once: until the first one has ended, its options belong to neither."""
    table = Table()
    first, second = table.heard.add(TOUCH.asked), table.heard.add(TOUCH.asked)
    table.heard.mark_drawn(first.name, "dialog")
    assert table.names(1.0, asks=True) == [first.name, second.name]
    assert table.heard.look_again() is None
    table.heard.mark_ended(first)
    again = table.heard.look_again()
    assert again is not None
    assert table.names(1.0 + again, asks=True) == [second.name]
    assert table.heard.look_again() is None


WHOLE = Question("dialog", "Allow execution?", detail="touch made", loose="dialog")
PART = replace(WHOLE, whole=False)


@pytest.mark.parametrize(
    ("asked", "dialog", "hook_at", "ended_at", "late"),
    [
        (ONLY.asked, WHOLE, 1.5, 1.0, True),  # it was answered before its hook came
        (ONLY.asked, PART, 1.5, 1.0, True),
        (ONLY.asked, WHOLE, 1.5, None, True),  # the room was already asked in these words
        (ONLY.asked, PART, 1.5, None, False),  # the hook knows the words that the dialog hides
        (ONLY.asked, WHOLE, 0.2, None, False),  # it comes with its dialog
        (ONLY.asked, WHOLE, 1.0 + LATE_HOOK_S, 1.0, False),
        (TOUCH.asked, WHOLE, 1.5, 1.0, False),  # a hook that waits for a decision is always answered
        (replace(ONLY.asked, detail="rm -rf another"), WHOLE, 1.5, 1.0, False),
    ],
)
async def test_a_hook_that_comes_after_its_dialog_was_read_asks_nothing(
    asked: HookQuestion, dialog: Question, hook_at: float, ended_at: float | None, late: bool
) -> None:
    table = Table()
    table.names(0.0, asks=True)
    table.heard.note_unreported(dialog)
    table.names(hook_at if ended_at is None else ended_at, asks=True)
    table.heard.note_unreported(dialog)
    table.names(hook_at, asks=ended_at is None)
    assert table.heard.drop_late(asked) is late
    assert not table.heard.drop_late(asked), "one dialog has one hook"


@pytest.mark.parametrize(
    ("asked", "pressed", "since_key", "over"),
    [
        (ONLY.asked, True, float("inf"), True),
        (ONLY.asked, False, 0.1, True),  # a person at the terminal
        (ONLY.asked, False, float("inf"), False),  # perhaps it is only drawn anew
        (TOUCH.asked, True, 0.1, False),  # its hook waits
    ],
)
async def test_an_answered_question_does_not_come_back_when_its_dialog_has_left(
    asked: HookQuestion, pressed: bool, since_key: float, over: bool
) -> None:
    """Some agents show a moment longer in their title that they wait for an answer."""
    table = Table()
    heard = table.heard.add(asked)
    table.heard.mark_drawn(heard.name, "dialog")
    if pressed:
        table.heard.mark_answered(heard.name)
    table.names(1.0, asks=True)
    table.names(1.2, asks=False)
    table.heard.mark_withdrawn(heard.name, since_key)
    assert table.names(1.3, asks=True) == ([] if over else [heard.name])


async def test_a_dialog_that_a_hook_reported_makes_no_later_hook_late() -> None:
    table = Table()
    table.heard.note_unreported(Question("dialog", "Allow execution?", detail="touch made", loose="dialog"))
    table.heard.mark_drawn(table.heard.add(ONLY.asked).name, "dialog")
    assert not table.heard.drop_late(ONLY.asked)


@pytest.mark.parametrize("decides", [True, False])
async def test_a_question_is_over_when_the_agent_went_on_and_the_next_one_comes(decides: bool) -> None:
    """Also where nothing of its dialog could be read, and the next one comes before it was missed."""
    table = Table()
    first = table.heard.add(HookQuestion("Bash", "touch made", decides, turn="t"))
    assert table.names(0.3, asks=True) == [first.name]
    assert table.names(0.5, asks=False) == [first.name]
    second = table.heard.add(HookQuestion("Bash", "rm x", decides, turn="t"))
    assert table.names(0.7, asks=True) == [second.name]
    assert first.decision.result() is None


async def test_several_at_once_stand_together_and_another_turn_ends_them() -> None:
    table = Table()
    both = [table.heard.add(HookQuestion("Bash", text, decides=True, turn="t")) for text in ("touch a", "touch b")]
    assert table.names(0.3, asks=True) == [one.name for one in both]
    third = table.heard.add(HookQuestion("Bash", "touch c", decides=True, turn="u"))
    assert table.names(0.4, asks=True) == [third.name]


@pytest.mark.parametrize(("pressed", "since_key"), [(True, float("inf")), (False, 0.1)])
async def test_a_reporting_question_is_over_after_a_key_when_the_next_one_comes(
    pressed: bool, since_key: float
) -> None:
    """The dialogs of both may look the same."""
    table = Table()
    first = table.heard.add(ONLY.asked)
    table.heard.mark_drawn(first.name, "dialog")
    if pressed:
        table.heard.mark_answered(first.name)
    assert table.names(0.5, asks=True) == [first.name]
    second = table.heard.add(ONLY.asked, since_key)
    assert table.names(0.6, asks=True) == [second.name]


async def test_a_deciding_question_lasts_until_its_hook_ends_and_its_dialog_disappears() -> None:
    table = Table()
    heard = table.heard.add(TOUCH.asked)
    assert table.names(1000.0, asks=True) == [heard.name]
    assert table.heard.waiting(heard.name) is heard
    heard.decision.set_result(HookDecision(True, "alice"))
    assert table.heard.waiting(heard.name) is None
    assert table.names(1001.0, asks=True) == [], "nothing of it was on the screen"
    table.heard.mark_drawn(heard.name, "dialog")
    table.heard.mark_ended(heard)
    assert table.names(1001.0 + DIALOG_REMAINS_S / 2, asks=True) == [heard.name]
    assert table.names(1001.0 + 2 * DIALOG_REMAINS_S, asks=True) == []


@pytest.mark.parametrize(("drawn", "patience"), [("dialog", GONE_AFTER_S), ("", UNDRAWN_GONE_AFTER_S)])
async def test_a_hook_that_waits_for_ever_is_let_go_when_its_agent_asks_no_more(drawn: str, patience: float) -> None:
    """Claude hangs up on a hook when a person says no at the terminal, but not when the person says yes."""
    table = Table()
    heard = table.heard.add(TOUCH.asked)
    table.heard.mark_drawn(heard.name, drawn)
    assert table.names(50.0, asks=True) == [heard.name]
    assert table.names(50.0 + patience / 2, asks=False) == [heard.name]
    assert table.names(50.1 + patience, asks=False) == []
    assert heard.decision.result() is None


async def test_a_key_counts_if_it_was_pressed_after_the_announcement() -> None:
    table = Table()
    assert not table.heard.untouched(100.0)
    table.now = 10.0
    table.heard.add(ONLY.asked)
    table.now = 12.0
    assert table.heard.untouched(5.0) and not table.heard.untouched(1.0)
    await asyncio.sleep(0)


def test_a_dialog_that_leaves_joiners_out_is_about_the_same() -> None:
    asked = told("A" * 16, "./do '👩‍👩‍👧‍👦 and 🏳️‍🌈'", decides=True)
    shown = screen("./do '👩👩👧👦 and 🏳🌈'\nDo you want to proceed?")
    found = match_question(shown, [asked], asks=True, untouched=True)
    assert found.told == asked and found.question is not None and found.question.detail == asked.asked.detail
