"""Our extension for Pi, run by node as Pi runs it: events in, and what the sidecar hears and Pi is told out.

`tests/real_clis` runs it inside the real program."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext
from sidecar.evidence_sources.hook_server import answering, reserved

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")]
Event = Mapping[str, Any]
FEED = """
import { pathToFileURL } from "node:url"
const { default: extension } = await import(pathToFileURL(process.argv[2]))
const handlers = {}, servers = [], notices = [], results = [], sent = []
let composer = ""
extension({
  on: (name, handler) => (handlers[name] = handler),
  registerMcpServer: (name, server) => servers.push([name, server]),
  sendUserMessage: (text) => sent.push(text),
})
const ctx = {
  cwd: "/work",
  sessionManager: { getSessionId: () => "main" },
  ui: {
    notify: (text) => notices.push(text),
    getEditorText: () => composer,
    setEditorText: (text) => (composer = text),
  },
}
for (const { type, ...event } of JSON.parse(process.argv[3])) {
  if (event.composer) composer = event.composer
  const result = await handlers[type](event, ctx)
  if (result) results.push(result)
}
console.log(JSON.stringify({ servers, notices, results, sent, composer }))
"""


def typed(text: str, busy: bool = False, source: str = "interactive") -> Event:
    return {"type": "input", "text": text, "source": source, **({"streamingBehavior": "steer"} if busy else {})}


def begins(role: str, text: str = "", stop: str = "stop") -> Event:
    return {"type": "message_start", "message": {"role": role, "content": text, "stopReason": stop}}


def ends(text: str, stop: str = "stop", error: str = "") -> Event:
    usage = {"input": 100, "output": 20, "cacheRead": 50, "cacheWrite": 3}
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}]
    message = {"role": "assistant", "content": content, "stopReason": stop, "usage": usage, "errorMessage": error}
    return {"type": "message_end", "message": message}


def said(text: str) -> list[Event]:
    return [begins("assistant"), ends(text)]


def failed(error: str) -> list[Event]:
    return [begins("assistant", stop="error"), ends("", "error", error)]


BEGUN: Event = {"type": "agent_start"}
SETTLED: Event = {"type": "agent_settled", "aborted": False}
ABORTED: Event = {"type": "agent_settled", "aborted": True}


async def fed(
    folder: Path, events: Sequence[Event], replies: Mapping[str, Event] | None = None
) -> tuple[list[Event], dict[str, Any], list[Event]]:
    """What the sidecar heard, what Pi was told, and the lines of the file."""
    heard: list[Event] = []

    async def handle(event: Event) -> Event:
        heard.append(event)
        return (replies or {}).get(str(event["hook_event_name"]), {})

    async with reserved() as address:
        place = LaunchContext(folder, folder, address.url, "s", {}, tools="http://t", key="k3y")
        launch = REGISTRY["pi"].launching.launch(("pi",), place)
        for path, text in launch.files.items():
            path.with_suffix(".mjs" if path.suffix == ".js" else path.suffix).write_text(text)
        (folder / "feed.mjs").write_text(FEED)
        with answering(address, handle):
            words = (str(folder / "feed.mjs"), str(folder / "pi-extension.mjs"), json.dumps(events))
            node = await asyncio.create_subprocess_exec("node", *words, stdout=asyncio.subprocess.PIPE)
            out, _ = await node.communicate()
    assert launch.transcript is not None
    lines = launch.transcript.read_text().splitlines() if launch.transcript.exists() else []
    return heard, json.loads(out), [json.loads(line) for line in lines]


def named(events: Sequence[Event], *but: str) -> list[tuple[str, str | None]]:
    """Events with their texts, without prompts."""
    return [
        (one["hook_event_name"], one.get("text"))
        for one in events
        if one["hook_event_name"] not in ("prompt", "tokens", *but)
    ]


READ = begins("user", "go")
TURNS: dict[str, tuple[list[Event], list[tuple[str, str | None]]]] = {
    "an answer": ([typed("go"), BEGUN, READ, *said("Grün."), SETTLED], [("model", None), ("answer", "Grün.")]),
    "after a tool": (
        [typed("go"), BEGUN, READ, *said("Let me."), *said("Made."), SETTLED],
        [("model", None), ("model", None), ("answer", "Made.")],
    ),
    "interrupted": ([typed("go"), BEGUN, READ, *said("I"), ABORTED], [("model", None), ("interrupted", "")]),
    "failed": ([typed("go"), BEGUN, READ, *failed("400 no"), SETTLED], [("failed", "400 no")]),
    "repeated": (
        [typed("go"), BEGUN, READ, *failed("429"), BEGUN, *said("Fine."), SETTLED],
        [("refused", "429"), ("model", None), ("answer", "Fine.")],
    ),
    "without a word": ([typed("go"), BEGUN, READ, *said(""), SETTLED], [("model", None), ("interrupted", "")]),
    "of another extension": ([typed("go", source="extension"), BEGUN, READ, *said("x"), SETTLED], []),
    "left by its person": (
        [typed("go"), BEGUN, READ, {"type": "session_shutdown", "reason": "new"}],
        [("interrupted", "")],
    ),
}


@pytest.mark.parametrize(("events", "told"), TURNS.values(), ids=TURNS)
async def test_a_turn_is_told(events: list[Event], told: list[tuple[str, str | None]], tmp_path: Path) -> None:
    heard, _, lines = await fed(tmp_path, events)
    assert named(heard, "idle") == named(lines) == told
    assert [one["hook_event_name"] for one in heard if one["hook_event_name"] == "idle"] == ["idle"] * any(
        one["type"] == "agent_settled" for one in events
    )
    prompts = {one["turn"] for one in heard if one["hook_event_name"] == "prompt"}
    assert {one["turn"] for one in heard if one.get("turn")} == prompts
    assert {one["session_id"] for one in heard} == {"main"}


async def test_what_waited_inside_is_answered_by_the_turn_that_reads_it(tmp_path: Path) -> None:
    steered = [typed("two", busy=True), *said("Let me."), begins("user", "two"), *said("Both."), SETTLED]
    heard, _, lines = await fed(tmp_path, [typed("one"), BEGUN, begins("user", "one"), *steered])
    _, second = [one["turn"] for one in heard if one["hook_event_name"] == "prompt"]
    assert [(one["turn"], one["text"]) for one in heard if one["hook_event_name"] == "answer"] == [(second, "Both.")]
    assert [one["tokens"] for one in lines if one["hook_event_name"] == "tokens"] == [123, 123]


async def test_a_message_that_waited_when_the_turn_was_interrupted_is_the_next_prompt(tmp_path: Path) -> None:
    """Pi puts it back into its composer, with what a person has typed: that stays there."""
    ours, own = "[ada -> pi #7] go", "half a thought"
    cut: Event = {"type": "agent_settled", "aborted": True, "composer": f"{ours}\n\n{own}"}
    steered = [
        typed(ours, busy=True),
        typed("mine", busy=True),
        cut,
        BEGUN,
        begins("user", ours),
        *said("Done."),
        SETTLED,
    ]
    heard, told, _ = await fed(tmp_path, [typed("one"), BEGUN, begins("user", "one"), *steered])
    assert (told["sent"], told["composer"]) == ([ours], own)
    first, second, _ = [one["turn"] for one in heard if one["hook_event_name"] == "prompt"]
    ends_of = {
        one["turn"]: one["hook_event_name"] for one in heard if one["hook_event_name"] in ("interrupted", "answer")
    }
    assert ends_of == {first: "interrupted", second: "answer"}


async def test_a_refused_prompt_does_not_reach_the_model_and_is_not_written_down(tmp_path: Path) -> None:
    heard, told, lines = await fed(tmp_path, [typed("go")], {"prompt": {"refuse": "#7 is here already"}})
    assert [(one["hook_event_name"], one["text"]) for one in heard] == [("prompt", "go")]
    assert (told["notices"], told["results"], lines) == (["#7 is here already"], [{"action": "handled"}], [])


async def test_tools_and_questions_are_told(tmp_path: Path) -> None:
    call = {"toolCallId": "c", "toolName": "write", "args": {"path": "a.py", "content": "long"}}
    good: list[Event] = [
        {"type": "tool_execution_start", **call},
        {"type": "tool_execution_end", **call, "isError": False},
    ]
    bad: list[Event] = [
        {"type": "tool_execution_start", **call},
        {"type": "tool_execution_end", **call, "isError": True},
    ]
    asks: Event = {"type": "ui_prompt_start", "kind": "select", "title": "Run it?"}
    heard, _, _ = await fed(tmp_path, [*good, *bad, asks])
    names = [one["hook_event_name"] for one in heard]
    assert sorted(names) == ["question", "tool", "tool", "tool.ended"]
    assert {(one["tool_name"], one["tool_input"]["path"], one["cwd"]) for one in heard if "tool_name" in one} == {
        ("write", "a.py", "/work")
    }


async def test_the_rooms_tools_are_a_server_of_the_run(tmp_path: Path) -> None:
    _, told, _ = await fed(tmp_path, [])
    ((name, server),) = told["servers"]
    assert (name, server["url"], server["exposure"]) == ("groupchat", "http://t", "direct")
