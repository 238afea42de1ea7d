"""The extension in aider, wrapped around classes that are like aider's: what it tells of a turn, and what it leaves as
it was."""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sidecar.agents import aider_extension
from sidecar.agents.aider_extension import IO_MODULE, CoderFinder, step_aside, wrap

Event = dict[str, Any]


@dataclass
class FakeSidecar:
    """The server of its hooks. `refuses` is its answer to a prompt, `reply` to a question."""

    refuses: str = ""
    reply: str = ""
    address: str = ""
    events: list[Event] = field(default_factory=list)

    def answer(self, event: Event) -> Event:
        self.events.append(event)
        if event["hook_event_name"] == "prompt" and self.refuses:
            refused, self.refuses = self.refuses, ""
            return {"refuse": refused}
        return {"reply": self.reply} if event["hook_event_name"] == "question" else {}

    @property
    def kinds(self) -> list[str]:
        return [one["hook_event_name"] for one in self.events]

    def texts(self, kind: str) -> list[str]:
        return [one["text"] for one in self.events if one["hook_event_name"] == kind]


class FakeIO:
    """Its terminal: `lines` is what its person submits. A question waits until somebody ends it."""

    yes = None
    root = "/work"

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.never_prompts: set[object] = set()
        self.warnings: list[str] = []
        self.answered = threading.Event()
        self.result = ""
        app = SimpleNamespace(loop=self, is_running=True, future=self, exit=self._exit)
        self.prompt_session = SimpleNamespace(app=app, default_buffer=SimpleNamespace(text=""))

    def call_soon_threadsafe(self, call: Any, *given: Any) -> None:
        call(*given)

    def done(self) -> bool:
        return self.answered.is_set()

    def _exit(self, result: str) -> None:
        self.result = result
        self.answered.set()

    def get_input(self, root: str) -> str:
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)

    def confirm_ask(self, question: str, default: str = "y", subject: str | None = None, **_: Any) -> bool:
        assert self.answered.wait(60)
        return self.result == "y"

    def write_text(self, filename: str, content: str) -> None:
        pass

    def tool_warning(self, text: str) -> None:
        self.warnings.append(text)


class FakeCoder:
    """`answers` is what its model says, or how its request fails."""

    message_tokens_sent, message_tokens_received = 100, 20

    def __init__(self, io: Any, answers: list[Any]) -> None:
        self.io, self.answers, self.partial_response_content = io, answers, ""

    def send_message(self, inp: str) -> Iterator[str]:
        with contextlib.suppress(ValueError):
            yield from self.send([])
        self.show_usage_report()

    def send(self, messages: list[str]) -> Iterator[str]:
        answer = self.answers.pop(0)
        self.partial_response_content = ""
        if isinstance(answer, BaseException):
            raise answer
        yield from self.show_send_output_stream([answer])

    def show_send_output(self, completion: str) -> None:
        self.partial_response_content = completion

    def show_send_output_stream(self, completion: Iterable[str]) -> Iterator[str]:
        for piece in completion:
            self.partial_response_content += piece
            yield piece

    def keyboard_interrupt(self) -> None:
        pass

    def show_usage_report(self) -> None:
        pass

    def run(self) -> None:
        with contextlib.suppress(EOFError):
            while True:
                try:
                    list(self.send_message(self.io.get_input("/work")))
                except KeyboardInterrupt:
                    self.keyboard_interrupt()


def fake_aider() -> tuple[SimpleNamespace, SimpleNamespace]:
    """Its modules, with classes of their own, which may be changed."""
    return (
        SimpleNamespace(Coder=type("Coder", (FakeCoder,), {})),
        SimpleNamespace(InputOutput=type("InputOutput", (FakeIO,), {})),
    )


@pytest.fixture
def sidecar() -> Iterator[FakeSidecar]:
    found = FakeSidecar()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps(found.answer(event)).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found.address = f"http://127.0.0.1:{server.server_port}/secret"
        yield found
        server.shutdown()


@dataclass
class FakeAider:
    coder: Any
    file: Path

    def run(self) -> None:
        self.coder.run()

    @property
    def lines(self) -> list[Event]:
        return [json.loads(one) for one in self.file.read_text().splitlines()]


@pytest.fixture
def started(sidecar: FakeSidecar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(lines: list[str], *answers: Any) -> FakeAider:
        module, io_module = fake_aider()
        monkeypatch.setitem(sys.modules, IO_MODULE, io_module)
        file = tmp_path / "turns.jsonl"
        wrap(module, {"hooks": sidecar.address, "file": str(file)})
        return FakeAider(module.Coder(io_module.InputOutput(lines), list(answers)), file)

    return start


def test_a_turn_is_told_in_its_order_and_kept_in_the_file(started: Any, sidecar: FakeSidecar) -> None:
    aider = started(["[alice -> you #7] Hello."], "Good day.")
    aider.run()
    assert_told(sidecar, ["idle", "prompt", "model", "answer", "idle"])
    assert sidecar.texts("prompt") == ["[alice -> you #7] Hello."]
    assert sidecar.texts("answer") == ["Good day."]
    assert [one["hook_event_name"] for one in aider.lines] == ["prompt", "model", "tokens", "answer"]
    assert [one["tokens"] for one in aider.lines if "tokens" in one] == [120]
    assert aider.file.stat().st_mode & 0o777 == 0o600


def assert_told(sidecar: FakeSidecar, kinds: list[str]) -> None:
    deadline = threading.Event()
    for _ in range(600):
        if len(sidecar.kinds) >= len(kinds):
            break
        deadline.wait(0.1)
    assert sidecar.kinds == kinds


def test_a_refused_prompt_never_reaches_the_model_and_its_person_sees_why(started: Any, sidecar: FakeSidecar) -> None:
    sidecar.refuses = "#7 is here already"
    aider = started(["[alice -> you #7] Hello."])
    aider.run()
    assert aider.coder.io.warnings == ["#7 is here already"]
    assert_told(sidecar, ["idle", "prompt", "idle"])
    assert not aider.file.exists()


def test_a_turn_that_fails_or_is_interrupted_is_told(started: Any, sidecar: FakeSidecar) -> None:
    aider = started(["one", "two"], ValueError("no credit"), KeyboardInterrupt())
    aider.run()
    assert_told(sidecar, ["idle", "prompt", "failed", "idle", "prompt", "interrupted", "idle"])
    assert sidecar.texts("failed") == ["no credit"]


def test_a_command_of_its_person_is_no_prompt_unless_the_model_gets_it(started: Any, sidecar: FakeSidecar) -> None:
    aider = started(["/ask Why?"], "Because.")
    aider.run()
    assert_told(sidecar, ["idle", "command", "prompt", "model", "answer", "idle"])


def test_a_question_is_ended_by_the_answer_of_the_room(started: Any, sidecar: FakeSidecar) -> None:
    sidecar.reply = "y"
    aider = started([])
    assert aider.coder.io.confirm_ask("Run shell command?", subject="ls") is True
    assert aider.coder.io.prompt_session.default_buffer.text == "y"
    (asked,) = [one for one in sidecar.events if one["hook_event_name"] == "question"]
    assert (asked["question"], asked["subject"]) == ("Run shell command?", "ls")
    assert_told(sidecar, ["question", "goes on"])


def test_a_question_that_is_not_asked_is_not_told(started: Any, sidecar: FakeSidecar) -> None:
    """Its person has said yes to all."""
    aider = started([])
    io = aider.coder.io
    io.answered.set()
    for settle in (lambda: setattr(io, "yes", True), lambda: io.never_prompts.add(("Really?", None))):
        settle()
        io.confirm_ask("Really?")
        io.yes = None
    assert_told(sidecar, [])


def test_a_release_with_other_methods_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    module, io_module = fake_aider()
    module.Coder = type("Coder", (), {"send_message": FakeCoder.send_message})
    monkeypatch.setitem(sys.modules, IO_MODULE, io_module)
    wrap(module, {})
    assert module.Coder.send_message is FakeCoder.send_message


def test_what_it_starts_finds_no_trace_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.own_customization = True\n")
    ours = str(Path(aider_extension.__file__).parent)
    monkeypatch.setattr(sys, "path", [ours, str(tmp_path)])
    monkeypatch.setenv("PYTHONPATH", f"{ours}:{tmp_path}")
    monkeypatch.setattr(sys, "own_customization", False, raising=False)
    step_aside()
    assert sys.path == [str(tmp_path)]
    assert sys.own_customization  # type: ignore[attr-defined]
    assert os.environ["PYTHONPATH"] == str(tmp_path)


def test_only_the_module_of_its_coder_is_looked_for() -> None:
    assert CoderFinder({}).find_spec("aider.coders.ask_coder", None) is None
