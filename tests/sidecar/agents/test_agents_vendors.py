"""What the adapters of Codex and Gemini return, and how an agent's own files become evidence."""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.protocol.types.core_types import MAX_CONTENT_BYTES
from sidecar.agents import REGISTRY, agent_for
from sidecar.agents.adapter.adapter import Adapter, LaunchContext, LaunchPlan, RunningAgent, Transcript
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.evidence_sources.status_file import StatusFile
from tests.sidecar.capabilities import status_of, transcript_of

CODEX, GEMINI, CLAUDE = REGISTRY["codex"], REGISTRY["gemini"], REGISTRY["claude"]
SESSION = "0f3b9c1e-1111-4222-8333-444455556666"
ROLLOUT = f"rollout-2026-11-21T08-10-05-{SESSION}.jsonl"


def place(home: Path = Path("/home/a")) -> LaunchContext:
    return LaunchContext(Path("/home/a/shop"), Path("/private"), "http://127.0.0.1:1/x", SESSION, {"HOME": str(home)})


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["codex"], "codex"),
        (["/usr/bin/gemini", "-m", "x"], "gemini"),
        (["opencode"], "opencode"),
        (["qwen"], "qwen"),
        (["copilot"], "copilot"),
        (["pi"], "pi"),
        (["cline"], "cline"),
        (["/home/a/.local/bin/vibe"], "vibe"),
    ],
)
def test_the_adapter_follows_the_command(command: Sequence[str], name: str) -> None:
    assert agent_for(command).name == name


@pytest.mark.parametrize(
    ("given", "started"),
    [
        ("codex", "codex --no-daemon"),
        ("codex -m gpt-5 -a never", "codex --no-daemon -m gpt-5 -a never"),
        ("codex resume --last", "codex --no-daemon resume --last"),
        ("codex --no-daemon", "codex --no-daemon"),
        ("codex --remote unix:///x", "codex --remote unix:///x"),
        ("codex exec hello", "codex exec hello"),
        ("codex -c a=b mcp list", "codex -c a=b mcp list"),
        ("codex --version", "codex --version"),
    ],
)
def test_codex_starts_without_the_shared_daemon(given: str, started: str) -> None:
    assert CODEX.launching.launch(given.split(), place()) == LaunchPlan(tuple(started.split()))


def test_codex_keeps_its_tmux_but_its_commands_get_none(tmp_path: Path) -> None:
    inside = replace(place(tmp_path), env={"TMUX": "/t/default,1,0", "TMUX_PANE": "%1"})
    launch = CODEX.launching.launch(["codex", "-m", "gpt-5"], inside)
    assert launch.env["TMUX"] == "/t/default,1,0"
    assert launch.command[2:4] == ("-c", 'shell_environment_policy.set.TMUX=""')
    assert launch.command[4:6] == ("-c", 'shell_environment_policy.set.TMUX_PANE=""')


@pytest.mark.parametrize("name", [name for name in REGISTRY if name != "codex"])
def test_no_other_agent_is_given_the_tmux_of_the_person(name: str, tmp_path: Path) -> None:
    inside = replace(place(tmp_path), env={"TMUX": "/t/default,1,0", "TMUX_PANE": "%1", "CSP_AUTH_TOKEN": "secret"})
    launch = REGISTRY[name].launching.launch([name], inside)
    assert not [word for word in launch.env if word.startswith(("TMUX", "CSP_"))]


def test_codex_goes_on_with_the_rollout_it_resumes(tmp_path: Path) -> None:
    rollout = tmp_path / ".codex/sessions/2026/11/21" / ROLLOUT
    rollout.parent.mkdir(parents=True)
    rollout.touch()
    assert CODEX.launching.launch(["codex", "resume", SESSION], place(tmp_path)).transcript == rollout


def test_codex_transcript_is_the_one_its_process_has_open(tmp_path: Path) -> None:
    rollout = tmp_path / ROLLOUT
    began = time.mktime((2026, 11, 21, 8, 10, 5, 0, 0, -1))
    with rollout.open("w"):
        if not Path("/proc/self/fd").is_dir():
            pytest.skip("this system does not show what a process has open")
        mine = RunningAgent(place(tmp_path), os.getpgrp(), began)
        assert transcript_of(CODEX).find(mine) == Transcript(rollout, fresh=True)
        later = RunningAgent(place(tmp_path), os.getpgrp(), began + 3600)
        assert transcript_of(CODEX).find(later) == Transcript(rollout, fresh=False)
    assert transcript_of(CODEX).find(mine) is None


@pytest.mark.parametrize(
    ("payload", "fact"),
    [
        (
            {"type": "item_completed", "turn_id": "t", "item": {"type": "UserMessage", "content": [{"text": "hi"}]}},
            TurnFact(TurnFactKind.PROMPT, "hi", "t", EvidenceSource.TRANSCRIPT),
        ),
        (
            {"type": "item_completed", "turn_id": "t", "item": {"type": "AgentMessage", "content": [{"text": "yo"}]}},
            TurnFact(TurnFactKind.MODEL, "yo", "t", EvidenceSource.TRANSCRIPT),
        ),
        (
            {"type": "task_complete", "turn_id": "t", "last_agent_message": "yo"},
            TurnFact(TurnFactKind.ANSWER, "yo", "t", EvidenceSource.TRANSCRIPT),
        ),
        (
            {"type": "turn_aborted", "turn_id": "t"},
            TurnFact(TurnFactKind.INTERRUPTED, "", "t", EvidenceSource.TRANSCRIPT),
        ),
        ({"type": "item_completed", "item": {"type": "Reasoning"}}, None),
        ({"type": "token_count"}, None),
    ],
)
def test_codex_rollout(payload: dict[str, object], fact: TurnFact | None) -> None:
    assert transcript_of(CODEX).line({"type": "event_msg", "payload": payload}) == fact
    assert transcript_of(CODEX).line({"type": "response_item", "payload": payload}) is None


@pytest.mark.parametrize(
    ("given", "started"),
    [
        ("gemini", f"gemini --session-id {SESSION}"),
        ("gemini -m flash", f"gemini --session-id {SESSION} -m flash"),
        ("gemini --resume latest", "gemini --resume latest"),
        ("gemini -p hi", "gemini -p hi"),
        ("gemini mcp list", "gemini mcp list"),
    ],
)
def test_gemini_gets_a_session_that_we_know(given: str, started: str) -> None:
    assert GEMINI.launching.launch(given.split(), place()).command == tuple(started.split())


def test_gemini_transcript_is_found_by_its_session_and_only_if_it_began_with_this_run(tmp_path: Path) -> None:
    began = 1795724883.306
    child = RunningAgent(place(tmp_path), 1, began - 1.5)
    assert transcript_of(GEMINI).find(child) is None
    chat = tmp_path / ".gemini/tmp/shop/chats" / f"session-2026-11-26T20-28-{SESSION[:8]}.jsonl"
    chat.parent.mkdir(parents=True)
    chat.touch()
    assert transcript_of(GEMINI).find(child) is None
    chat.write_text(f'{{"sessionId":"{SESSION}","startTime":"2026-11-26T20:28:03.306Z","kind":"main"}}\n')
    assert transcript_of(GEMINI).find(child) == Transcript(chat, fresh=True)
    assert transcript_of(GEMINI).find(RunningAgent(place(tmp_path), 1, began + 1.5)) is None


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        (
            {"type": "user", "content": [{"text": "hi"}]},
            TurnFact(TurnFactKind.PROMPT, "hi", source=EvidenceSource.TRANSCRIPT),
        ),
        ({"type": "gemini", "content": "yo"}, TurnFact(TurnFactKind.MODEL, "yo", source=EvidenceSource.TRANSCRIPT)),
        (
            {"type": "error", "content": "[API Error"},
            TurnFact(TurnFactKind.FAILED, "[API Error", source=EvidenceSource.TRANSCRIPT),
        ),
        (
            {"type": "info", "content": "Request cancelled."},
            TurnFact(TurnFactKind.INTERRUPTED, source=EvidenceSource.TRANSCRIPT),
        ),
        ({"type": "info", "content": "Update available"}, None),
        ({"$set": {}}, None),
    ],
)
def test_gemini_session(entry: dict[str, object], fact: TurnFact | None) -> None:
    assert transcript_of(GEMINI).line(entry) == fact


def test_a_backslash_at_the_end_of_a_message_to_gemini_is_shielded() -> None:
    assert (GEMINI.text.finish("a\\"), GEMINI.text.finish("a")) == ("a\\ ", "a")


# What Gemini 0.61.0 reads, and what it leaves: each was pasted into it with such a file in its folder. Where the @
# stands does not matter, only what follows it; a part of a name is enough. With a backslash none of them is read.
GEMINI_READS = (
    *("see @parse.py now", "git@parse.py", "1@claude", "(@parse.py)", "é@parse.py", "日@parse.py", "-@parse.py"),
    *("_@parse.py", ".@parse.py", "=@parse.py", "/@parse.py", ",@parse.py", "\u3000@parse.py", "—@parse.py"),
    *("*@parse.py*", "😀@parse.py", "{@parse.py}", "[@parse.py]", "line\n@parse.py\nnow", "| @parse.py", "@parse"),
    *("@sub", "@./parse.py", "a mail to a@example.com", "@/etc/passwd", "@../parse.py", "at the end @parse.py"),
    *("\\ @parse.py", "\u200d@parse.py", "@@parse.py", "@\\parse.py", '@"parse.py"', "@\u00a0parse.py", "@.hidden"),
    *("x@.hidden now", "@~/a", "@parse.py#L1"),
)
GEMINI_LEAVES = (
    *("alone @ and @, at", "@.\nnow", "so @. Then", "@", "@)", "@[x]", "@{x}", "@!", "escaped \\@parse.py"),
    "＠parse.py",
)


def nobody(_: str) -> bool:
    return False


@pytest.mark.parametrize("text", GEMINI_READS)
def test_gemini_is_not_made_to_read_a_file_by_a_text_that_names_it(text: str) -> None:
    assert GEMINI.text.guard(text, lambda _: True) == re.sub(r"(?<!\\)@", r"\\@", text)


@pytest.mark.parametrize("text", GEMINI_LEAVES)
def test_what_gemini_takes_for_no_path_stays_as_it_is(text: str) -> None:
    assert GEMINI.text.guard(text, nobody) == text


# Claude 2.1.329 reads only what begins a word, with nothing seen before it, but anywhere on the disk.
CLAUDE_READS = (
    *("see @parse.py now", "@parse.py", "line\n@parse.py", "\u3000@parse.py", "| @parse.py", "@./parse.py"),
    *("\\ @parse.py", "@/etc/passwd", "@~/.ssh/id_rsa", "@sub/in.py", '@"parse.py"', "@parse.py, now", "@parse.py#L1"),
    *("\u200d@parse.py", "x \u200d\u200d@parse.py", "\ufeff@parse.py", "@parse.py.", "@../up.txt", "@sub"),
    "@server:resource",
)
CLAUDE_LEAVES = (
    *("git@parse.py", "1@claude", "(@parse.py)", "`@parse.py`", '"@parse.py"', "\\@parse.py", "é@parse.py"),
    *("—@parse.py", "a@example.com", "@", "alone @ and", "=@parse.py", ",@parse.py"),
)


@pytest.mark.parametrize("text", CLAUDE_READS)
def test_claude_is_not_made_to_read_a_file_by_a_text_that_names_it(text: str) -> None:
    assert CLAUDE.text.guard(text, nobody) == text.replace("@", "\\@")


@pytest.mark.parametrize("text", CLAUDE_LEAVES)
def test_what_claude_takes_for_no_path_stays_as_it_is(text: str) -> None:
    assert CLAUDE.text.guard(text, nobody) == text


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("ask @codex, or (@codex)", "ask @codex, or (@codex)"),
        ("@codex: @parse.py, @codex!", "@codex: \\@parse.py, @codex!"),
        ("@codex/../secret @codex.py", "\\@codex/../secret \\@codex.py"),
    ],
)
def test_a_mention_of_a_member_stays_as_it_is_for_claude(text: str, guarded: str) -> None:
    assert CLAUDE.text.guard(text, lambda word: word == "codex") == guarded


@pytest.mark.parametrize("vendor", [CLAUDE, GEMINI], ids=["claude", "gemini"])
def test_a_text_of_nothing_but_these_signs_is_looked_at_in_no_time(vendor: Adapter) -> None:
    begun = time.perf_counter()
    vendor.text.guard("@" * MAX_CONTENT_BYTES, nobody)
    vendor.text.guard(" @" * (MAX_CONTENT_BYTES // 2), nobody)
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("text", ["see @parse.py", "git@parse.py", "@/etc/passwd now"])
def test_codex_reads_no_file_that_a_text_names(text: str) -> None:
    assert CODEX.text.guard(text, nobody) == text


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{"status":"waiting","waitingFor":"permission prompt"}', "waiting permission prompt"),
        ('{"status":"idle"}', "idle"),
        ('{"status":"id', ""),
        ("[]", ""),
    ],
)
def test_claude_status(text: str, status: str) -> None:
    assert status_of(CLAUDE).read(text) == status


def test_a_status_file_is_read_once_per_change_and_never_from_before_this_run(tmp_path: Path) -> None:
    path = tmp_path / ".claude/sessions/7.json"
    path.parent.mkdir(parents=True)
    status = StatusFile(CLAUDE, RunningAgent(place(tmp_path), 7, 100.0))
    assert status.read_if_changed(1.0) is None
    for when, text, value in [
        (99, '{"status":"busy"}', None),
        (101, '{"status":"idle"}', "idle"),
        (101, '{"status":"idle"}', None),
        (102, '{"sta', None),
        (103, '{"status":"shell"}', "shell"),
    ]:
        path.write_text(text)
        os.utime(path, (when, when))
        news = status.read_if_changed(2.0)
        assert (news and news.value) == value
