"""Our plugin for OpenCode, run by node as OpenCode runs it: events in, and what the sidecar hears and answers out.

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
const { LlmGroupchat } = await import(pathToFileURL(process.argv[2]))
const replies = [], refused = []
const client = {
  session: { get: async ({ path }) => ({ data: { parentID: path.id === "child" ? "main" : undefined } }) },
  _client: { post: async ({ url, body }) => (replies.push([url, body]), { response: { ok: true } }) },
}
const hooks = await LlmGroupchat({ client })
const rest = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))
for (const { prompt, pause, replied, ...event } of JSON.parse(process.argv[3])) {
  if (pause) await rest(pause)
  else if (replied) for (let looks = 0; looks < 6000 && !replies.length; looks++) await rest(10)
  else if (!prompt) await hooks.event({ event })
  else {
    const [session, id, text] = prompt
    const parts = [{ type: "text", text }, { type: "text", text: "from a program", synthetic: true }]
    const said = hooks["chat.message"]({ sessionID: session }, { message: { id }, parts })
    await said.catch((error) => refused.push(error.message))
  }
}
const output = { env: {} }
await hooks["shell.env"]({}, output)
console.log(JSON.stringify({ replies, refused, env: output.env }))
"""


def prompt(number: int, session: str = "main") -> Event:
    return {"prompt": [session, f"msg_{number}", f"[ada -> you #{number}] go"]}


def part(kind: str, message: str, **more: object) -> Event:
    told = {"type": kind, "id": f"{kind}-{message}", "messageID": message, "sessionID": "main", **more}
    return {"type": "message.part.updated", "properties": {"part": told}}


def assistant(message: str, parent: str, finish: str = "", session: str = "main") -> Event:
    time = {"completed": 1} if finish else {}
    info = {
        "id": message,
        "role": "assistant",
        "parentID": parent,
        "sessionID": session,
        "time": time,
        "finish": finish,
    }
    return {"type": "message.updated", "properties": {"info": info}}


def happened(kind: str, session: str = "main", **more: object) -> Event:
    return {"type": f"session.{kind}", "properties": {"sessionID": session, **more}}


def answer(message: str, parent: str, text: str, finish: str = "stop") -> list[Event]:
    begins = [assistant(message, parent), part("step-start", message), part("text", message, text=text)]
    return [
        *begins,
        part("step-finish", message, tokens={"input": 100, "output": 42}),
        assistant(message, parent, finish),
    ]


def asked(name: str = "bash", *patterns: str) -> Event:
    request = {
        "id": "per_1",
        "sessionID": "main",
        "permission": name,
        "patterns": patterns,
        "metadata": {"command": "x"},
    }
    return {"type": "permission.asked", "properties": request}


IDLE = happened("idle")
ABORTED = happened("error", error={"name": "MessageAbortedError", "data": {}})
FAILED = happened("error", error={"name": "APIError", "data": {"message": "scripted 400"}})


async def fed(
    folder: Path, events: Sequence[Event], replies: Mapping[str, Event] | None = None
) -> tuple[list[tuple[object, ...]], dict[str, Any], list[Event]]:
    """What the sidecar heard as (event, turn, text), what OpenCode was told, and the lines of the file."""
    heard: list[tuple[object, ...]] = []

    async def handle(event: Event) -> Event:
        heard.append((event["hook_event_name"], event.get("turn"), event.get("text")))
        return (replies or {}).get(str(event["hook_event_name"]), {})

    async with reserved() as address:
        place = LaunchContext(
            folder, folder, address.url, "s", {"OPENCODE_CONFIG_CONTENT": '{"a":1}'}, tools="http://t"
        )
        launch = REGISTRY["opencode"].launching.launch(("opencode",), place)
        ((path, text),) = launch.files.items()
        path.with_suffix(".mjs").write_text(text)
        (folder / "feed.mjs").write_text(FEED)
        with answering(address, handle):
            words = (str(folder / "feed.mjs"), str(path.with_suffix(".mjs")), json.dumps(events))
            node = await asyncio.create_subprocess_exec("node", *words, stdout=asyncio.subprocess.PIPE)
            out, _ = await node.communicate()
    assert launch.transcript is not None
    lines = launch.transcript.read_text().splitlines() if launch.transcript.exists() else []
    return heard, json.loads(out), [json.loads(line) for line in lines]


TURNS: dict[str, tuple[list[Event], list[tuple[str, str | None, str | None]]]] = {
    "an answer": (
        [prompt(1), *answer("a", "msg_1", "Grün."), IDLE],
        [("model", "msg_1", None), ("answer", "msg_1", "Grün."), ("idle", None, None)],
    ),
    "after a tool": (
        [prompt(1), *answer("a", "msg_1", "Let me.", "tool-calls"), *answer("b", "msg_1", "Made."), IDLE],
        [("model", "msg_1", None)] * 2 + [("answer", "msg_1", "Made."), ("idle", None, None)],
    ),
    "interrupted": ([prompt(1), ABORTED, IDLE], [("interrupted", "msg_1", ""), ("idle", None, None)]),
    "failed": ([prompt(1), FAILED, IDLE], [("failed", "msg_1", "scripted 400"), ("idle", None, None)]),
    "denied without words": (
        [prompt(1), *answer("a", "msg_1", "Let me.", "tool-calls"), IDLE],
        [("model", "msg_1", None), ("interrupted", "msg_1", ""), ("idle", None, None)],
    ),
    "of a subagent": (
        [prompt(1, "child"), assistant("a", "msg_1", "stop", "child"), happened("idle", "child")],
        [],
    ),
}


@pytest.mark.parametrize(("events", "told"), TURNS.values(), ids=TURNS)
async def test_a_turn_is_told(
    events: list[Event], told: list[tuple[str, str | None, str | None]], tmp_path: Path
) -> None:
    heard, _, lines = await fed(tmp_path, events)
    assert [one for one in heard if one[0] != "prompt"] == told
    written = [(one["hook_event_name"], one.get("turn"), one.get("text")) for one in lines]
    assert [one for one in written if one[0] not in ("prompt", "tokens")] == [one for one in told if one[0] != "idle"]


async def test_what_waited_inside_is_answered_by_the_turn_that_reads_it(tmp_path: Path) -> None:
    merged = [*answer("a", "msg_1", "Let me.", "tool-calls"), *answer("b", "msg_2", "Both."), IDLE]
    heard, _, lines = await fed(tmp_path, [prompt(1), prompt(2), *merged])
    assert [one for one in heard if one[0] == "answer"] == [("answer", "msg_2", "Both.")]
    assert [one["tokens"] for one in lines if one["hook_event_name"] == "tokens"] == [142, 142]


async def test_a_refused_prompt_does_not_reach_the_model_and_is_not_written_down(tmp_path: Path) -> None:
    heard, told, lines = await fed(tmp_path, [prompt(7)], {"prompt": {"refuse": "#7 is here already"}})
    assert heard == [("prompt", "msg_7", "[ada -> you #7] go")]
    assert told["refused"] == ["#7 is here already"]
    assert lines == []


async def test_the_rooms_answer_goes_to_the_question(tmp_path: Path) -> None:
    no = {"reply": "reject", "message": "not this way"}
    _, told, _ = await fed(tmp_path, [prompt(1), asked(), {"replied": True}], {"question": no})
    assert told["replies"] == [["/permission/per_1/reply", no]]


async def test_a_question_that_was_answered_at_the_terminal_is_not_answered_again(tmp_path: Path) -> None:
    """The sidecar still thinks about it: the plugin hangs up."""
    replied = {"type": "permission.replied", "properties": {"requestID": "per_1", "reply": "once"}}
    _, told, _ = await fed(tmp_path, [asked(), replied, {"pause": 300}], {"question": {"reply": "reject"}})
    assert told["replies"] == []


@pytest.mark.parametrize(
    ("name", "path", "free"),
    [
        ("groupchat_send", "*", True),
        ("external_directory", "{own}/attached/1.txt", True),
        ("external_directory", "{own}/attached/../secret", False),
        ("external_directory", "/etc/passwd", False),
        ("bash", "groupchat_send", False),
    ],
)
async def test_only_the_rooms_tools_and_attachments_are_allowed_unasked(
    name: str, path: str, free: bool, tmp_path: Path
) -> None:
    heard, told, _ = await fed(tmp_path, [asked(name, path.format(own=tmp_path)), {"pause": 300}])
    assert (told["replies"], heard == []) == ([["/permission/per_1/reply", {"reply": "once"}]] if free else [], free)


async def test_commands_of_the_model_get_the_users_own_settings(tmp_path: Path) -> None:
    _, told, _ = await fed(tmp_path, [])
    assert told["env"] == {"OPENCODE_CONFIG_CONTENT": '{"a":1}'}
