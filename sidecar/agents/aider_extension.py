"""Tells llm-groupchat's sidecar of each turn of this aider. This is a copy for one run, in a folder that `PYTHONPATH`
names, so Python loads it before aider.

Aider has no hooks and no plugins. So a few of its methods are wrapped once their module is loaded; what they do stays
the same. If a release has other methods, nothing is wrapped, and aider runs as if this file were not there. What is
told goes to the sidecar's hook address and into a file, which is still there if the sidecar was killed.

It runs in aider's own Python, so it imports nothing of ours and nothing that must be installed.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import queue
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PATIENCE_S = 15.0  # then aider continues without an answer
LAST_WORDS_S = 2.0
DRAWN_INTERVAL_S = 0.02
MAX_FILE_BYTES = 8 << 20
CODER_MODULE, IO_MODULE = "aider.coders.base_coder", "aider.io"
CODER_METHODS = (
    *("send_message", "send", "show_send_output", "show_send_output_stream"),
    *("keyboard_interrupt", "show_usage_report"),
)
IO_METHODS = ("get_input", "confirm_ask", "write_text")

Event = dict[str, Any]


class Channel:
    """To the sidecar: one event after the other, in the order in which they happened."""

    def __init__(self, address: str, file: Path) -> None:
        self._address, self._file = urllib.parse.urlsplit(address), file
        self._waiting: queue.Queue[tuple[Event, queue.Queue[Event]]] = queue.Queue()
        with contextlib.suppress(OSError):
            if file.stat().st_size > MAX_FILE_BYTES:
                file.rename(f"{file}.old")
        threading.Thread(target=self._send_all, daemon=True).start()

    def _send_all(self) -> None:
        while True:
            event, answer = self._waiting.get()
            answer.put(self._post(self._connect(PATIENCE_S), event) if event else {})

    def _connect(self, patience_s: float | None) -> http.client.HTTPConnection:
        """Of our own: the address has a secret, and the usual ways might send it to a proxy."""
        address = self._address
        return http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=patience_s)

    def _post(self, connection: http.client.HTTPConnection, event: Event) -> Event:
        try:
            connection.request("POST", self._address.path, json.dumps(event).encode())
            answer = json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException):
            return {}
        finally:
            connection.close()
        return answer if isinstance(answer, dict) else {}

    def tell(self, event: Event) -> queue.Queue[Event]:
        """Nothing is waited for, unless the answer is."""
        answer: queue.Queue[Event] = queue.Queue()
        self._waiting.put((event, answer))
        return answer

    def ask(self, event: Event, patience_s: float = PATIENCE_S) -> Event:
        try:
            return self.tell(event).get(timeout=patience_s)
        except queue.Empty:
            return {}

    def write(self, event: Event) -> None:
        line = json.dumps({**event, "id": uuid.uuid4().hex}) + "\n"
        with contextlib.suppress(OSError):
            opened = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(opened, line.encode())
            finally:
                os.close(opened)

    def wait_until_told(self, patience_s: float = PATIENCE_S) -> None:
        self.ask({}, patience_s)

    def connect_for(self, event: Event) -> OpenQuestion:
        """A connection of its own, because the answer may take long."""
        return OpenQuestion(self, self._connect(None), event)

    def ask_on(self, connection: http.client.HTTPConnection, event: Event) -> Event:
        self.wait_until_told()
        return self._post(connection, event)


class OpenQuestion:
    """Waits for the room's answer beside the terminal. The first answer counts."""

    def __init__(self, channel: Channel, connection: http.client.HTTPConnection, event: Event) -> None:
        self._channel, self._connection, self._event, self._is_open = channel, connection, event, True

    def wait(self, app: Any, buffer: Any) -> None:
        threading.Thread(target=self._wait, args=(app, buffer), daemon=True).start()

    def _wait(self, app: Any, buffer: Any) -> None:
        reply = self._channel.ask_on(self._connection, self._event).get("reply")
        while reply in ("y", "n") and self._is_open:
            with contextlib.suppress(RuntimeError):  # its loop ends just now
                if app.is_running and (loop := app.loop) is not None:
                    loop.call_soon_threadsafe(self._answer, app, buffer, reply)
                    return
            time.sleep(DRAWN_INTERVAL_S)  # an answer may come before the question is drawn

    def _answer(self, app: Any, buffer: Any, reply: str) -> None:
        """In the thread of the terminal, so the dialog is still the same if it is open."""
        if self._is_open and app.is_running and not app.future.done():
            buffer.text = reply  # what its person sees
            app.exit(result=reply)

    def close(self) -> None:
        self._is_open = False
        with contextlib.suppress(OSError, AttributeError):
            self._connection.sock.shutdown(2)


class Turns:
    """What belongs to one prompt: from the text that its person submits until the next prompt is shown."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._turn, self._text, self._failure = "", "", ""
        self._interrupted = self._heard = False
        atexit.register(self._leave)

    def _leave(self) -> None:
        if self._turn:
            self._interrupted = True
            self._end()
        self._channel.wait_until_told(LAST_WORDS_S)

    def _tell(self, kind: str, *, kept: bool = True, **more: object) -> None:
        event = {"hook_event_name": kind, **more}
        if kept:
            self._channel.write(event)
        self._channel.tell(event)

    def submit(self, text: str) -> str:
        """Why the text is refused, or nothing."""
        if not text.strip():
            return ""
        if text[0] in "/!":
            self._tell("command", kept=False)
            return ""
        told = {"hook_event_name": "prompt", "turn": uuid.uuid4().hex, "text": text}
        if refused := str(self._channel.ask(told).get("refuse") or ""):
            return refused
        self._channel.write(told)
        self._begin(told["turn"])
        return ""

    def _begin(self, turn: str) -> None:
        self._turn, self._text, self._failure = turn, "", ""
        self._interrupted = self._heard = False

    def send(self, text: str) -> None:
        """A command of its person may be a prompt, too."""
        if not self._turn:
            self._begin(uuid.uuid4().hex)
            self._tell("prompt", turn=self._turn, text=text)

    def request(self) -> None:
        if self._failure:
            self._tell("refused", text=self._failure)
        self._failure = ""

    def hear(self) -> None:
        """The model says something."""
        if not self._heard:
            self._heard = True
            self._tell("model", turn=self._turn)

    def answer(self, text: str) -> None:
        self._text = text or self._text

    def fail(self, error: str) -> None:
        self._failure = error or "its request failed"

    def interrupt(self) -> None:
        self._interrupted = True

    def rest(self) -> None:
        """A prompt is shown: what was going on is over."""
        if self._turn:
            self._end()
        self._tell("idle", kept=False)

    def _end(self) -> None:
        turn, self._turn = self._turn, ""
        if self._interrupted or not (self._text or self._failure):
            self._tell("interrupted", turn=turn)
        elif self._failure:
            self._tell("failed", turn=turn, text=self._failure)
        else:
            self._tell("answer", turn=turn, text=self._text)

    def spend(self, tokens: int) -> None:
        if tokens > 0:
            self._channel.write({"hook_event_name": "tokens", "call": uuid.uuid4().hex, "tokens": tokens})

    def use(self, kind: str, tool: str, path: str, folder: str) -> None:
        self._channel.tell({"hook_event_name": kind, "tool_name": tool, "tool_input": {"path": path}, "cwd": folder})

    @contextlib.contextmanager
    def asking(self, io: Any, question: str, subject: str) -> Iterator[None]:
        asked = self._channel.connect_for(
            {"hook_event_name": "question", "turn": self._turn, "question": question, "subject": subject}
        )
        asked.wait(io.prompt_session.app, io.prompt_session.default_buffer)
        try:
            yield
        finally:
            asked.close()
            self._tell("goes on", kept=False)


# What is wrapped


def wrap_io(io: Any, turns: Turns) -> None:
    get_input, confirm_ask, write_text = (getattr(io, name) for name in IO_METHODS)

    def new_get_input(self: Any, *given: Any, **named: Any) -> Any:
        while True:
            turns.rest()
            text = get_input(self, *given, **named)
            refused = turns.submit(text or "")
            if not refused:
                return text
            self.tool_warning(refused)

    def new_confirm_ask(
        self: Any, question: str, default: str = "y", subject: Any = None, *given: Any, **named: Any
    ) -> Any:
        group = named.get("group", given[1] if len(given) > 1 else None)
        decided = self.yes is not None or (group and group.show_group and group.preference)
        if decided or (question, subject) in self.never_prompts or not self.prompt_session:
            return confirm_ask(self, question, default, subject, *given, **named)
        with turns.asking(self, question, str(subject or "")):
            return confirm_ask(self, question, default, subject, *given, **named)

    def new_write_text(self: Any, filename: Any, *given: Any, **named: Any) -> Any:
        result = write_text(self, filename, *given, **named)
        turns.use("tool.ended", "edit", str(filename), str(self.root))
        return result

    io.get_input, io.confirm_ask, io.write_text = new_get_input, new_confirm_ask, new_write_text


def wrap_messages(coder: Any, turns: Turns) -> None:
    send_message, send = coder.send_message, coder.send

    def new_send_message(self: Any, inp: str, *given: Any, **named: Any) -> Any:
        turns.send(inp)
        yield from send_message(self, inp, *given, **named)
        turns.answer(self.partial_response_content or "")

    def new_send(self: Any, *given: Any, **named: Any) -> Any:
        turns.request()
        try:
            yield from send(self, *given, **named)
        except Exception as error:
            if type(error).__name__ != "FinishReasonLength":  # it is asked to go on
                turns.fail(str(error))
            raise

    coder.send_message, coder.send = new_send_message, new_send


def wrap_answers(coder: Any, turns: Turns) -> None:
    show, show_stream = coder.show_send_output, coder.show_send_output_stream

    def new_show(self: Any, completion: Any) -> Any:
        turns.hear()
        return show(self, completion)

    def new_show_stream(self: Any, completion: Any) -> Any:
        def pieces() -> Iterator[Any]:
            for piece in completion:
                turns.hear()
                yield piece

        yield from show_stream(self, pieces())

    coder.show_send_output, coder.show_send_output_stream = new_show, new_show_stream


def wrap_ends(coder: Any, turns: Turns) -> None:
    keyboard_interrupt, show_usage_report = coder.keyboard_interrupt, coder.show_usage_report

    def new_keyboard_interrupt(self: Any) -> Any:
        turns.interrupt()
        return keyboard_interrupt(self)

    def new_show_usage_report(self: Any) -> Any:
        turns.spend((self.message_tokens_sent or 0) + (self.message_tokens_received or 0))
        return show_usage_report(self)

    coder.keyboard_interrupt, coder.show_usage_report = new_keyboard_interrupt, new_show_usage_report


def wrap(module: Any, run: Event) -> None:
    io = getattr(sys.modules.get(IO_MODULE), "InputOutput", None)
    coder = getattr(module, "Coder", None)
    if not all(hasattr(io, name) for name in IO_METHODS) or not all(hasattr(coder, name) for name in CODER_METHODS):
        return
    turns = Turns(Channel(run["hooks"], Path(run["file"])))
    wrap_io(io, turns)
    wrap_messages(coder, turns)
    wrap_answers(coder, turns)
    wrap_ends(coder, turns)


# How it gets there


class WrappingLoader(importlib.abc.Loader):
    def __init__(self, own: Any, run: Event) -> None:
        self._own, self._run = own, run

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        return self._own.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self._own.exec_module(module)
        wrap(module, self._run)


class CoderFinder(importlib.abc.MetaPathFinder):
    def __init__(self, run: Event) -> None:
        self._run = run

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == CODER_MODULE else None
        if spec is not None and spec.loader is not None:
            spec.loader = WrappingLoader(spec.loader, self._run)
        return spec


def step_aside() -> None:
    """Commands of its model get the person's own `PYTHONPATH`, and a `sitecustomize` of the person's own is loaded."""
    rest = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one and Path(one) != FOLDER]
    if rest:
        os.environ["PYTHONPATH"] = os.pathsep.join(rest)
    else:
        os.environ.pop("PYTHONPATH", None)
    sys.path[:] = [one for one in sys.path if Path(one) != FOLDER]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def begin() -> None:
    """Called by the `sitecustomize` of this folder."""
    sys.meta_path.insert(0, CoderFinder(json.loads((FOLDER / "run.json").read_text(encoding="utf-8"))))
    step_aside()
