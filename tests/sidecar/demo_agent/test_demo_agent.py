"""The demo agent's pure core, as tables: keys, box, turns, stories, screens."""

from pathlib import Path
from typing import Any

import pytest

from sidecar.demo_agent.agent import DemoAgent, DemoEvent, Quirk, StateChanged
from sidecar.demo_agent.composer import InputBox
from sidecar.demo_agent.keys import Input, Key, KeyParser, PastedInput, TypedInput
from sidecar.demo_agent.paint import Painter
from sidecar.demo_agent.script import read_script
from sidecar.demo_agent.turn_plans import AskStep, FailStep, PlanStep, ScriptedTurn, StreamStep, WorkStep, plan_turn
from sidecar.demo_agent.view import draw

# Keys


@pytest.mark.parametrize(
    ("data", "inputs"),
    [
        (b"hi\r", [TypedInput("hi"), Key.ENTER]),
        ("grüße 🙂".encode(), [TypedInput("grüße 🙂")]),
        (b"\x1b[200~a\nb\x1b[201~\r", [PastedInput("a\nb"), Key.ENTER]),
        (b"\x1b[200~a\x1b[31mb\x1b[201~", [PastedInput("a\x1b[31mb")]),
        (b"\x1b[A\x1bOB\x7f\x15\x13\x03", [Key.UP, Key.DOWN, Key.BACKSPACE, Key.CTRL_U, Key.CTRL_S, Key.CTRL_C]),
        (b"\x1b[?62;22c\x1b]11;rgb:0/0/0\x1b\\x", [TypedInput("x")]),
        (b"\x1b\x1b", [Key.ESCAPE, Key.ESCAPE]),
    ],
)
def test_keys_come_out_the_same_however_the_bytes_are_cut(data: bytes, inputs: list[Input]) -> None:
    whole, bytewise = KeyParser(), KeyParser()
    assert whole.feed(data) + whole.flush() == inputs
    pieces = [one for byte in data for one in bytewise.feed(bytes([byte]))] + bytewise.flush()
    assert _joined(pieces) == inputs


def _joined(inputs: list[Input]) -> list[Input]:
    joined: list[Input] = []
    for one in inputs:
        if isinstance(one, TypedInput) and joined and isinstance(joined[-1], TypedInput):
            joined[-1] = TypedInput(joined[-1].text + one.text)
        else:
            joined.append(one)
    return joined


def test_a_lone_escape_waits_for_silence_but_half_a_paste_does_not() -> None:
    keys = KeyParser()
    assert keys.feed(b"\x1b") == []
    assert keys.waiting
    assert keys.flush() == [Key.ESCAPE]
    assert keys.feed(b"\x1b[200~half") == []
    assert not keys.waiting


# The box


@pytest.mark.parametrize(
    ("pasted", "shown", "text"),
    [
        ("one\ntwo", "one\ntwo", "one\ntwo"),
        ("a\r\nb\rc", "a\nb\nc", "a\nb\nc"),
        ("bell\x07 esc\x1b[31m", "bell esc[31m", "bell esc[31m"),
        ("x" * 1000, "x" * 1000, "x" * 1000),
        ("x" * 1001, "[Pasted text #1]", "x" * 1001),
        ("n\n" * 3 + "n", "n\n" * 3 + "n", "n\n" * 3 + "n"),
        ("n\n" * 12 + "n", "[Pasted text #1 +12 lines]", "n\n" * 12 + "n"),
    ],
)
def test_how_a_paste_is_shown_and_what_it_contains(pasted: str, shown: str, text: str) -> None:
    composer = InputBox()
    composer.paste(pasted)
    assert (composer.shown, composer.text) == (shown, text)


def test_ctrl_u_clears_one_line_at_a_time() -> None:
    composer = InputBox()
    composer.type("one\ntwo")
    composer.clear_line()
    assert composer.shown == "one\n"
    composer.clear_line()
    assert composer.empty


# Turns

ANSWER = StreamStep("x", 0.3)
THOUGHT = WorkStep(0.3, chatty=False)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("hello", [StreamStep("You said: hello", 0.3)]),
        ("y" * 300, [StreamStep("You said: " + "y" * 200, 0.3)]),
        ("say x", [ANSWER]),
        ("[alice -> claude #812] say x", [ANSWER]),
        ("say @bob hi\nask", [StreamStep("@bob hi\nask", 0.3)]),
        ("slow 3 say x", [WorkStep(3.0, chatty=True), ANSWER]),
        ("please be silent 0.5 say x", [WorkStep(0.5, chatty=False), ANSWER]),
        ("stream 5 say x", [StreamStep("x", 5.0)]),
        ("ask say x", [THOUGHT, AskStep(), ANSWER]),
        ("slow 1 ask silent 2 say x", [WorkStep(1.0, True), AskStep(), WorkStep(2.0, False), ANSWER]),
        ("error", [THOUGHT, FailStep()]),
        ("slow 1 error say x", [WorkStep(1.0, True), FailStep()]),
        ("number 7 ask", [THOUGHT, AskStep(), StreamStep("You said: number 7 ask", 0.3)]),
        ("can you ask bob", [StreamStep("You said: can you ask bob", 0.3)]),
        ("what error is that", [StreamStep("You said: what error is that", 0.3)]),
        ("slow 3rd gear", [StreamStep("You said: slow 3rd gear", 0.3)]),
    ],
)
def test_keywords_in_a_message_change_the_turn(text: str, steps: list[PlanStep]) -> None:
    assert list(plan_turn(text)) == steps


def test_a_script_decides_before_the_keywords() -> None:
    script = [ScriptedTurn("build", "slow 2 ask", "built"), ScriptedTurn("", answer="else")]
    assert plan_turn("please build", script) == (WorkStep(2.0, True), AskStep(), StreamStep("built", 0.3))
    assert plan_turn("slow 9", script) == (StreamStep("else", 0.3),)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.toml", '[[turn]]\nmatch = "a"\nmanner = "slow 1"\nanswer = "b"\n'),
        ("s.jsonl", '{"match": "a", "manner": "slow 1", "answer": "b"}\n\n'),
    ],
)
def test_script_files(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert read_script(tmp_path / name) == (ScriptedTurn("a", "slow 1", "b"),)


@pytest.mark.parametrize("line", ['{"match": 3}', '{"mach": "a"}', '{"match": "("}', "{"])
def test_a_bad_script_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "s.jsonl").write_text(line)
    with pytest.raises(ValueError, match=r"."):
        read_script(tmp_path / "s.jsonl")


# The agent


def run(agent: DemoAgent, *moments: tuple[float, Input | None]) -> list[DemoEvent]:
    """Facts of a whole story: at each moment a key, or only the passing of time."""
    facts = agent.begin(0.0)
    for at, pressed in moments:
        facts += agent.advance(at) if pressed is None else agent.handle(pressed, at)
    return facts


def told(facts: list[DemoEvent]) -> list[str]:
    return [
        fact.state.value if isinstance(fact, StateChanged) else f"{fact.type}({fact.text or fact.answer or ''})"
        for fact in facts
    ]


def pasted(text: str, at: float = 1.0, enter_after: float = 0.15) -> list[tuple[float, Input | None]]:
    return [(at, PastedInput(text)), (at + enter_after, Key.ENTER)]


@pytest.mark.parametrize(
    ("traps", "moments", "facts"),
    [
        pytest.param("", [*pasted("say x"), (2, None)], "user(say x) busy assistant(x) idle", id="a turn"),
        pytest.param(
            "", [*pasted("ask say x"), (2, Key.ENTER), (3, None)],
            "user(ask say x) busy asking dialog(Yes) busy assistant(x) idle", id="enter approves",
        ),
        pytest.param(
            "", [*pasted("ask say x"), (2, PastedInput("1")), (2, TypedInput("y")), (3, None)],
            "user(ask say x) busy asking", id="a dialog drops pastes and letters",
        ),
        pytest.param(
            "", [*pasted("ask"), (2, TypedInput("2"))],
            "user(ask) busy asking dialog(No) interrupted() idle", id="digits choose",
        ),
        pytest.param(
            "", [*pasted("ask"), (2, Key.DOWN), (2, Key.ENTER)],
            "user(ask) busy asking dialog(No) interrupted() idle", id="arrows choose",
        ),
        pytest.param("", [*pasted("error"), (2, None)], "user(error) busy error() error", id="an API error"),
        pytest.param(
            "", [*pasted("error"), *pasted("say x", 2), (3, None)],
            "user(error) busy error() error user(say x) busy assistant(x) idle", id="alive after an error",
        ),
        pytest.param(
            "", [*pasted("slow 9"), (3, Key.ESCAPE), (20, None)],
            "user(slow 9) busy interrupted() idle", id="escape interrupts",
        ),
        pytest.param("", [*pasted("!rm x"), (2, None)], "command(!rm x)", id="a shell command"),
        pytest.param("", [*pasted(" /new x"), (2, None)], "command(/new x)", id="a slash command"),
        pytest.param("", pasted("/help"), "", id="help"),
        pytest.param("", pasted("/exit"), "exited", id="leaving"),
        pytest.param("", [(1, Key.CTRL_C), (2, Key.CTRL_C)], "exited", id="ctrl-c twice"),
        pytest.param("", [(1, Key.CTRL_C), (4, Key.CTRL_C)], "", id="ctrl-c twice, too slowly"),
        pytest.param(
            "", [*pasted("slow 1 say x"), *pasted("say y", 1.5), (9, None)],
            "user(slow 1 say x) busy assistant(x) idle", id="typed while busy stays in the box",
        ),
        pytest.param(
            "queue", [*pasted("slow 1 say x"), *pasted("say y", 1.5), (3, None), (9, None)],
            "user(slow 1 say x) busy assistant(x) idle user(say y) busy assistant(y) idle", id="queue",
        ),
        pytest.param(
            "steer", [*pasted("slow 1 say x"), *pasted("say y", 1.5), (9, None)],
            "user(slow 1 say x) busy user(say y) busy assistant(y) idle", id="steer",
        ),
        pytest.param("early-enter", pasted("say x", enter_after=0.04), "", id="enter too early"),
        pytest.param("early-enter", pasted("say x", enter_after=0.06), "user(say x) busy", id="enter late enough"),
        pytest.param("swallow-enter", pasted("say x"), "", id="enter swallowed"),
        pytest.param(
            "swallow-enter", [*pasted("say x"), (2, Key.ENTER)], "user(say x) busy", id="second enter counts"
        ),
        pytest.param("slow-echo", pasted("say x", enter_after=0.2), "", id="enter before the echo"),
        pytest.param("slow-echo", pasted("say x", enter_after=0.4), "user(say x) busy", id="enter after the echo"),
        pytest.param("dialog-race", pasted("say x"), "asking dialog(Yes) idle", id="enter into a fresh dialog"),
        pytest.param(
            "dialog-race", [*pasted("say x", enter_after=0.05), (1.06, None)],
            "user(say x) busy asking", id="the dialog wins even a turn that has begun",
        ),
        pytest.param(
            "slow-start", [*pasted("lost", 0.5), (1.6, None), *pasted("say x", 2)],
            "idle user(say x) busy", id="what is typed too early is lost",
        ),
    ],
)  # fmt: skip
def test_stories(traps: str, moments: list[tuple[float, Input | None]], facts: str) -> None:
    agent = DemoAgent(frozenset(Quirk(name) for name in traps.split(",") if name))
    started = "starting " if "slow-start" in traps else "starting idle "
    assert " ".join(told(run(agent, *moments))) == (started + facts).strip()


def test_a_stashed_draft_comes_back_after_the_submit() -> None:
    agent = DemoAgent()
    run(agent, (1, TypedInput("half a th")), (2, Key.CTRL_S), *pasted("say x", 3))
    assert agent.composer.shown == "half a th"


def test_facts_have_the_time_at_which_they_were_due() -> None:
    agent = DemoAgent()
    run(agent, *pasted("slow 2 say x"), (1.2, None))
    assert agent.wake_at(1.2) == pytest.approx(1.28)
    facts = agent.advance(9.0)
    assert told(facts) == ["assistant(x)", "idle"]
    assert [fact.at for fact in facts] == pytest.approx([3.45, 3.45])
    assert agent.wake_at(9.0) is None


# The screen


def shown(agent: DemoAgent, now: float, columns: int = 30, lines: int = 12) -> list[str]:
    return list(draw(agent, columns, lines, now).rows)


def test_the_screen_at_rest() -> None:
    agent = DemoAgent()
    run(agent, (1, TypedInput("two\nrows")))
    assert shown(agent, 1)[-5:] == ["─" * 30, "› two", "  rows", "─" * 30, "? for help"]
    view = draw(agent, 30, 12, 1)
    assert (view.title, view.cursor, view.accepts_pastes) == ("✳ demo", (9, 6), True)


def test_the_screen_at_work() -> None:
    agent = DemoAgent()
    run(agent, *pasted("silent 9"))
    assert shown(agent, 4.2)[-4:] == ["─" * 30, "› ", "─" * 30, "esc to interrupt"]
    assert any(row.endswith(" Working (3s)") for row in shown(agent, 4.2))
    assert [draw(agent, 30, 12, 1.15 + n * 0.96 + 0.01).title for n in range(3)] == ["⠂ demo", "⠐ demo", "⠂ demo"]
    assert draw(agent, 30, 12, 2).cursor is None


def test_the_dialog_takes_the_place_of_the_box() -> None:
    agent = DemoAgent()
    run(agent, *pasted("ask"), (2, None))
    assert shown(agent, 2)[-6:] == [
        "─" * 30, "Do you want to run this?", "› 1. Yes", "  2. No", "─" * 30, "Esc to cancel",
    ]  # fmt: skip
    assert draw(agent, 30, 12, 2).title == "✳ demo"


@pytest.mark.parametrize("size", [(4, 6), (30, 6), (200, 50), (7, 40)])
@pytest.mark.parametrize("message", ["say 字字字字 " + "long " * 99, "ask", "silent 9"])
def test_every_size_holds_every_screen(size: tuple[int, int], message: str) -> None:
    agent = DemoAgent()
    run(agent, (0.5, TypedInput("wide 字 " * 20)), (0.6, Key.CTRL_S), *pasted(message), (5, None))
    assert len(shown(agent, 5, *size)) == size[1]


def test_only_changed_rows_are_painted() -> None:
    agent, painter = DemoAgent(), Painter()
    run(agent)
    assert "demo agent" in painter.paint(draw(agent, 80, 12, 1))
    assert painter.paint(draw(agent, 80, 12, 2)) == ""
    agent.handle(TypedInput("x"), 3)
    assert "demo agent" not in painter.paint(draw(agent, 80, 12, 3))
    painter.forget()
    assert "demo agent" in painter.paint(draw(agent, 80, 12, 3))


def test_only_shown_text_is_wrapped_and_only_once() -> None:
    """A catch-up is long, and the spinner turns many times while it is worked on."""
    wrapped: list[int] = []

    class Counted(str):
        __slots__ = ()

        def replace(self, *args: Any) -> str:
            wrapped.append(len(self))
            return super().replace(*args)

    agent = DemoAgent(history=[Counted(f"{number} " + "a long message " * 200) for number in range(30)])
    for frame in range(3):
        draw(agent, 80, 24, frame / 10)
    assert len(wrapped) == 1
