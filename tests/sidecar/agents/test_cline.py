"""What the adapter of Cline returns: its launch, the files of its session, what its messages mean, and what it makes of
a text."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan, RunningAgent, Transcript
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, ToolUse, TurnFact, TurnFactKind
from sidecar.evidence_sources.status_file import StatusFile
from sidecar.evidence_sources.transcript import TranscriptTail
from tests.sidecar.capabilities import approvals_of, status_of, transcript_of

CLINE = REGISTRY["cline"]
SESSION = "1796059551472_7bdvl"
Json = Mapping[str, Any]


def place(home: str = "/home/a", **env: str) -> LaunchContext:
    return LaunchContext(
        Path("/home/a/shop"), Path("/private"), "http://127.0.0.1:1/x", "unused", {"HOME": home, **env}
    )


def launched(command: str, where: LaunchContext | None = None) -> LaunchPlan:
    return CLINE.launching.launch(command.split(), where or place())


def alone(data: str) -> dict[str, str]:
    return {"CLINE_SANDBOX": "1", "CLINE_SANDBOX_DATA_DIR": data}


@pytest.mark.parametrize(
    ("command", "env", "added"),
    [
        ("cline --auto-approve false", {}, alone("/home/a/.cline/data")),
        ("cline -i fix", {}, alone("/home/a/.cline/data")),
        ("cline --config /c", {}, alone("/c/data")),
        ("cline", {"CLINE_DIR": "/d"}, alone("/d/data")),
        ("cline", {"CLINE_DATA_DIR": "/e"}, alone("/e")),
        ("cline", alone("/s"), alone("/s")),
        ("cline --data-dir /f", {}, {}),
    ],
)
def test_it_runs_in_its_own_process_on_its_users_data(command: str, env: dict[str, str], added: dict[str, str]) -> None:
    assert launched(command, place(**env)) == LaunchPlan(tuple(command.split()), added)


@pytest.mark.parametrize(
    "command", ["cline fix", "cline --json fix", "cline auth cline", "cline --version", "cline --acp"]
)
def test_what_is_no_chat_is_left_alone(command: str) -> None:
    assert launched(command) == LaunchPlan(tuple(command.split()))


def test_a_session_that_the_command_names_is_followed() -> None:
    launch = launched(f"cline --id {SESSION}")
    assert launch.session == SESSION
    assert launch.transcript == Path(f"/home/a/.cline/data/sessions/{SESSION}/{SESSION}.messages.json")


@pytest.mark.parametrize(
    ("given", "resumed"),
    [
        ("cline", f"cline --id {SESSION}"),
        ("cline -m x --auto-approve false -i fix", f"cline --id {SESSION} -m x --auto-approve false -i"),
        ("cline --id another", None),
        ("cline --worktree", None),
        ("cline fix", None),
    ],
)
def test_a_conversation_is_resumed_without_what_was_given_once(given: str, resumed: str | None) -> None:
    assert CLINE.launching.resumed(given.split(), SESSION) == (tuple(resumed.split()) if resumed else None)


def test_who_must_log_in_is_told_so(tmp_path: Path) -> None:
    def wants(command: str = "cline", **env: str) -> list[str]:
        return list(CLINE.launching.wants_first(command.split(), place(str(tmp_path), **env)))

    assert wants() == ["asks to log in"]
    assert wants("cline -k key") == wants(CLINE_API_KEY="key") == []
    settings = tmp_path / ".cline/data/settings/providers.json"
    settings.parent.mkdir(parents=True)
    settings.write_text("{}")
    assert wants() == []


# The files of its sessions


def begin_session(home: Path, begun: float, pid: int, status: str = "running") -> Path:
    folder = home / f".cline/data/sessions/{int(begun * 1000)}_abcde"
    folder.mkdir(parents=True)
    (folder / f"{folder.name}.json").write_text(json.dumps({"pid": pid, "status": status}, indent=2))
    return folder


def running(home: Path, command: str = "cline") -> RunningAgent:
    where = place(str(home))
    where = replace(where, known=CLINE.launching.prepare(command.split(), where))
    return RunningAgent(where, os.getpgid(0), time.time())


def test_the_newest_session_of_this_run_is_found(tmp_path: Path) -> None:
    child = running(tmp_path)
    find = transcript_of(CLINE).find
    assert find(child) is None
    begin_session(tmp_path, child.started - 60, os.getpid())
    begin_session(tmp_path, child.started + 3, 1)
    assert find(child) is None, "one is of an earlier run, the other of another process"
    mine = begin_session(tmp_path, child.started + 1, os.getpid())
    assert find(child) == Transcript(mine / f"{mine.name}.messages.json", fresh=True)
    another = begin_session(tmp_path, child.started + 2, os.getpid())
    assert find(child) == Transcript(another / f"{another.name}.messages.json", fresh=True)


def test_a_resumed_session_is_followed_until_another_one_begins(tmp_path: Path) -> None:
    old = begin_session(tmp_path, 1_796_059_551.0, 1)
    child = running(tmp_path, f"cline --id {old.name}")
    find = transcript_of(CLINE).find
    assert find(child) == Transcript(old / f"{old.name}.messages.json", fresh=False)
    new = begin_session(tmp_path, child.started + 1, os.getpid())
    assert find(child) == Transcript(new / f"{new.name}.messages.json", fresh=True)
    assert transcript_of(CLINE).session(new / f"{new.name}.messages.json") == new.name


def test_its_state_is_that_of_its_newest_session(tmp_path: Path) -> None:
    child = running(tmp_path)
    status = StatusFile(CLINE, child)
    assert status.read_if_changed(1.0) is None
    for second, value in ((1, "running"), (2, "idle")):
        folder = begin_session(tmp_path, child.started + second, os.getpid(), value)
        os.utime(folder / f"{folder.name}.json", (child.started + second, child.started + second))
        assert status.has_changed()
        found = status.read_if_changed(1.0)
        assert found and (found.source, found.value) == (EvidenceSource.STATUS, value)
        assert not status.has_changed()
    assert status_of(CLINE).read('{"status": "pen') == status_of(CLINE).read("[]") == ""


def test_what_has_an_answer_can_be_resumed(tmp_path: Path) -> None:
    folder = begin_session(tmp_path, 1.0, 1)
    written = CLINE.launching.is_written
    assert written(folder.name, place(str(tmp_path))) is False
    (folder / f"{folder.name}.messages.json").write_text(document(prompt("p", "hi"), said("a", "Hello.")))
    assert written(folder.name, place(str(tmp_path))) is True


# What was said


def document(*messages: Json) -> str:
    return json.dumps({"version": 1, "messages": messages}, indent=2)


def message(name: str, role: str, *parts: Json, **more: object) -> Json:
    return {"id": name, "role": role, "content": list(parts), **more}


def prompt(name: str, text: str) -> Json:
    return message(name, "user", {"type": "text", "text": f'<user_input mode="act">{text}</user_input>'})


def said(name: str, text: str, *calls: Json, **more: object) -> Json:
    return message(name, "assistant", {"type": "text", "text": text}, *calls, **more)


EDIT = {"type": "tool_use", "id": "c", "name": "editor", "input": {"path": "/a.txt", "new_text": "x\n"}}
DONE = message("r", "user", {"type": "tool_result", "tool_use_id": "c", "name": "editor", "content": "{}"})
ERROR = message(
    "e", "assistant", {"type": "text", "text": "400 no"}, metadata={"displayOnly": True, "displayRole": "error"}
)
ADDED = message("s", "user", {"type": "text", "text": "a summary"}, metadata={"displayRole": "system"})


def told(kind: TurnFactKind, text: str = "") -> TurnFact:
    return TurnFact(kind, text, source=EvidenceSource.TRANSCRIPT)


def test_each_message_is_told_once_however_often_the_document_is_written(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    tail = TranscriptTail(CLINE, path)
    assert tail.new() == []
    steps: list[tuple[tuple[Json, ...], list[TurnFact]]] = [
        (
            (prompt("p", "hi\n<b>"), said("a", "Let me.", EDIT)),
            [told(TurnFactKind.PROMPT, "hi\n<b>"), told(TurnFactKind.MODEL, "Let me.")],
        ),
        ((DONE, said("b", "Done.")), [told(TurnFactKind.ANSWER, "Done.")]),
        ((prompt("q", "and?"), ERROR), [told(TurnFactKind.PROMPT, "and?"), told(TurnFactKind.FAILED, "400 no")]),
        ((ADDED, prompt("i", "cut")), [told(TurnFactKind.PROMPT, "cut"), told(TurnFactKind.INTERRUPTED)]),
        (
            (prompt("n", "next"), said("z", "Yes.")),
            [told(TurnFactKind.PROMPT, "next"), told(TurnFactKind.ANSWER, "Yes.")],
        ),
    ]
    messages: tuple[Json, ...] = ()
    for more, facts in steps:
        whole = document(*(messages := (*messages, *more)))
        path.write_text(whole[: len(whole) // 2])
        assert tail.new() == [], "it is only half written"
        path.write_text(whole)
        assert tail.new() == facts
        assert tail.new() == []
    assert tail.uses() == [ToolUse("editor", ("/a.txt",)), ToolUse("editor", ("/a.txt",), ended=True, written=True)]
    assert [one.tool for one in tail.questions()] == ["editor"]


def test_what_was_said_before_is_past(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    earlier = (prompt("p", "hi"), said("a", "Hello.", metrics={"inputTokens": 5}))
    path.write_text(document(*earlier))
    tail = TranscriptTail(CLINE, None)
    tail.follow(path)
    path.write_text(document(*earlier, prompt("q", "and?"), said("b", "Yes.", metrics={"inputTokens": 7})))
    assert [fact.text for fact in tail.new()] == ["and?", "Yes."]
    assert tail.spent() == 7


def test_tokens_are_counted_without_those_of_the_cache() -> None:
    metrics = {"inputTokens": 100, "outputTokens": 20, "cacheReadTokens": 30, "cacheWriteTokens": 0}
    assert transcript_of(CLINE).cost({"id": "a", "cost": metrics}) == TokenCost("a", 90)
    assert transcript_of(CLINE).cost({"id": "a", "cost": None}) is None


@pytest.mark.parametrize(
    ("tool", "given", "detail", "about"),
    [
        ("run_commands", {"commands": ["touch a", "ls"]}, "touch a\nls", AskAbout.COMMAND),
        ("editor", {"path": "/a", "new_text": "x\n"}, "--- /a\n+++ /a\n@@ the whole file @@\n+x", AskAbout.DIFF),
        ("editor", {"path": "/a", "old_text": "x", "new_text": "y"}, "--- /a\n+++ /a\n@@ @@\n-x\n+y", AskAbout.DIFF),
        ("fetch_web_content", {"requests": ["u"]}, 'requests: ["u"]', AskAbout.TEXT),
    ],
)
def test_a_question_is_told_whole_but_asked_only_when_it_is_drawn(
    tool: str, given: Json, detail: str, about: AskAbout
) -> None:
    asked = approvals_of(CLINE).asked({"id": "c begins", "tool": tool, "given": given})
    assert asked
    assert (asked.detail, asked.about, asked.tentative, asked.decides) == (detail, about, True, False)
    assert approvals_of(CLINE).asked({"id": "c ends", "tool": tool, "given": given, "ended": True}) is None


# Texts


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("see @/etc/hosts and @~/x", "see \\@\\/etc/hosts and \\@\\~/x"),
        ('@./a (@../b) @"/c d"', '\\@\\./a (@\\../b) \\@\\"/c d"'),
        ("mail a@/b, a@example.com", "mail a@\\/b, a@example.com"),
        ("@parse.py \u3000@parse.py\n\ufeff@parse.py", "\\@parse.py \u3000\\@parse.py\n\ufeff\\@parse.py"),
        ("ask @bob, or @bob.", "ask @bob, or @bob."),
        ("alone @ and @", "alone @ and @"),
    ],
)
def test_no_file_is_read_because_a_text_names_it(text: str, typed: str) -> None:
    assert CLINE.text.guard(text, lambda word: word == "bob") == typed


@pytest.mark.parametrize(
    ("text", "typed"),
    [("see /exit", "see /exit "), ("ask @bob", "ask @bob "), ("@a\nb", "@a\nb "), ("a/b", "a/b"), ("@a b", "@a b")],
)
def test_enter_submits_whatever_a_text_ends_with(text: str, typed: str) -> None:
    assert CLINE.text.finish(text) == typed
