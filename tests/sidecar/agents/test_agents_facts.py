"""Facts from hooks and transcripts of the real CLIs. The lines are theirs, shortened."""

from collections.abc import Mapping

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from tests.sidecar.capabilities import approvals_of, hooks_of, transcript_of

Event = Mapping[str, object]
CLAUDE, CODEX, GEMINI = (REGISTRY[name] for name in ("claude", "codex", "gemini"))
ROLLOUT = EvidenceSource.TRANSCRIPT


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (
            {"hook_event_name": "UserPromptSubmit", "turn_id": "t", "model": "gpt-5", "prompt": "[a -> codex #1] hi"},
            TurnFact(TurnFactKind.PROMPT, "[a -> codex #1] hi", "t"),
        ),
        (
            {"hook_event_name": "Stop", "turn_id": "t", "stop_hook_active": False, "last_assistant_message": "ACK"},
            TurnFact(TurnFactKind.ANSWER, "ACK", "t"),
        ),
        (
            {"hook_event_name": "Interrupt", "turn_id": "t", "permission_mode": "default"},
            TurnFact(TurnFactKind.INTERRUPTED, "", "t"),
        ),
        ({"hook_event_name": "PermissionRequest", "turn_id": "t", "tool_name": "Bash"}, None),
    ],
)
def test_codex_hooks(event: Event, fact: TurnFact | None) -> None:
    assert hooks_of(CODEX).fact(event) == fact


@pytest.mark.parametrize(
    ("payload", "fact"),
    [
        (
            {
                "type": "task_complete",
                "turn_id": "t",
                "last_agent_message": None,
                "error": {"message": "unexpected 401"},
            },
            TurnFact(TurnFactKind.FAILED, "unexpected 401", "t", ROLLOUT),
        ),
        (
            {"type": "task_complete", "turn_id": "t", "last_agent_message": None},
            TurnFact(TurnFactKind.FAILED, "", "t", ROLLOUT),
        ),
        (
            {"type": "turn_aborted", "turn_id": "t", "reason": "interrupted"},
            TurnFact(TurnFactKind.INTERRUPTED, "", "t", ROLLOUT),
        ),
    ],
)
def test_codex_reports_errors_in_its_rollout(payload: Event, fact: TurnFact) -> None:
    assert transcript_of(CODEX).line({"type": "event_msg", "ordinal": 9, "payload": payload}) == fact


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (
            {"hook_event_name": "BeforeAgent", "prompt": "[a -> gemini #1] hi"},
            TurnFact(TurnFactKind.PROMPT, "[a -> gemini #1] hi"),
        ),
        (
            {"hook_event_name": "AfterAgent", "prompt": "hi", "prompt_response": "Let me see  me  see \nMade. "},
            TurnFact(TurnFactKind.ENDED),
        ),
        ({"hook_event_name": "Notification", "notification_type": "ToolPermission"}, None),
    ],
)
def test_gemini_hooks(event: Event, fact: TurnFact | None) -> None:
    assert hooks_of(GEMINI).fact(event) == fact


@pytest.mark.parametrize(
    ("told", "words", "answer"),
    [
        ("ein 🏳️\u200d🌈 da  🏳️\u200d🌈  da ", "ein 🏳️🌈 da", "ein 🏳️\u200d🌈 da"),
        ("Let me see  me  see \nMa\u200bde. ", "Made.", "Ma\u200bde."),
        ("a\ufeffb", "ab", "a\ufeffb"),
        ("[no response text]", "Other.", ""),
        ("", "x", ""),
    ],
)
def test_geminis_answer_is_made_whole_from_both_its_sources(told: str, words: str, answer: str) -> None:
    answered = hooks_of(GEMINI).answer
    assert (
        answered is not None and answered({"hook_event_name": "AfterAgent", "prompt_response": told}, words) == answer
    )


def test_a_tool_result_is_not_a_prompt_to_gemini() -> None:
    answer = {"functionResponse": {"name": "run_shell_command", "response": {"output": "[a -> gemini #1] x"}}}
    assert transcript_of(GEMINI).line({"id": "7", "type": "user", "content": [answer]}) is None


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        (
            {"type": "user", "promptId": "p", "promptSource": "typed", "message": {"content": "hi"}},
            TurnFact(TurnFactKind.PROMPT, "hi", "p", ROLLOUT),
        ),
        (
            {"type": "user", "promptId": "p", "promptSource": "queued", "message": {"content": "hi"}},
            TurnFact(TurnFactKind.PROMPT, "hi", "", ROLLOUT),
        ),
        (
            {
                "type": "attachment",
                "attachment": {"type": "queued_command", "prompt": "steer\nü", "commandMode": "prompt"},
            },
            TurnFact(TurnFactKind.PROMPT, "steer\nü", "", ROLLOUT),
        ),
        (
            {"type": "user", "promptId": "p", "message": {"content": [{"text": "[Request interrupted by user]"}]}},
            TurnFact(TurnFactKind.INTERRUPTED, "", "", ROLLOUT),
        ),
        (
            {"type": "assistant", "isApiErrorMessage": True, "message": {"content": [{"text": "API Error: 400"}]}},
            TurnFact(TurnFactKind.FAILED, "API Error: 400", "", ROLLOUT),
        ),
    ],
)
def test_claude_names_the_turn_of_a_prompt_unless_it_was_queued(entry: Event, fact: TurnFact) -> None:
    assert transcript_of(CLAUDE).line(entry) == fact


_CALL = {"hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": {"command": "touch made"}}
_CHOICES = [{"question": "Red?", "options": [{"label": "Yes", "description": "as now"}, {"label": "No"}]}]
_QUESTION = {**_CALL, "tool_name": "AskUserQuestion", "tool_input": {"questions": _CHOICES}}
_HUNK = "@@ -1 +1 @@\n--- a\tA\n+++ b\tB\n"  # changed lines that look like the head
_DIFF = f"--- a.py\tCurrent\n+++ a.py\tProposed\n{_HUNK}"
_EDIT = {"type": "edit", "title": "Confirm Edit", "fileName": "a.py", "filePath": "/w/a.py", "fileDiff": _DIFF}
_SHELL = {"type": "exec", "title": "Confirm Shell Command", "command": "date", "rootCommand": "date"}
_RUN, _CHANGE, _TEXT = (AskAbout.COMMAND, AskAbout.DIFF, AskAbout.TEXT)


def _plain(asked: HookQuestion | None) -> tuple[object, ...] | None:
    if asked is None:
        return None
    return asked.tool, asked.detail, asked.about, asked.question, asked.decides, asked.words


@pytest.mark.parametrize(
    ("name", "event", "asked"),
    [
        ("claude", _CALL, ("Bash", "touch made", _RUN, "Run this command?", True, True)),
        (
            "claude",
            _QUESTION,
            ("AskUserQuestion", "Red?\n- Yes: as now\n- No", _TEXT, "Red?", False, False),
        ),
        ("claude", {"hook_event_name": "Stop"}, None),
        ("codex", _CALL, ("Bash", "touch made", _RUN, "Run this command?", False, False)),
        (
            "codex",
            {**_CALL, "tool_input": {"a": "ü", "b": 1}},
            ("Bash", "a: ü\nb: 1", _TEXT, "Use Bash?", False, False),
        ),
        (
            "gemini",
            {"notification_type": "ToolPermission", "details": _SHELL},
            ("Confirm Shell Command", "date", _RUN, "Run this command?", False, False),
        ),
        (
            "gemini",
            {"notification_type": "ToolPermission", "details": _EDIT},
            ("Confirm Edit", f"/w/a.py\n--- a.py\n+++ a.py\n{_HUNK}", _CHANGE, "Change /w/a.py?", False, False),
        ),
        ("gemini", {"notification_type": "Other", "details": {}}, None),
        ("demo", _CALL, None),
    ],
)
def test_what_a_hook_reports_about_a_question(name: str, event: Event, asked: tuple[object, ...] | None) -> None:
    approvals = REGISTRY[name].approvals
    assert _plain(approvals.asked(event) if approvals else None) == asked


def test_only_claude_takes_a_decision_by_its_hook() -> None:
    decision = {"behavior": "deny", "message": "alice denied this in the group chat."}
    output = {"hookEventName": "PermissionRequest", "decision": decision}
    decide = approvals_of(CLAUDE).decide
    assert decide is not None
    assert decide(False, "alice", "") == {"hookSpecificOutput": output}
    assert decide(True, "alice", "") == {"hookSpecificOutput": {**output, "decision": {"behavior": "allow"}}}
    assert approvals_of(CODEX).decide is approvals_of(GEMINI).decide is None


def test_a_denial_carries_its_words_to_claude() -> None:
    decide = approvals_of(CLAUDE).decide
    assert decide is not None
    said = decide(False, "alice", "Use the test database.")
    message = "alice denied this in the group chat, with these words:\nUse the test database."
    assert said["hookSpecificOutput"]["decision"] == {"behavior": "deny", "message": message}  # type: ignore[index]


@pytest.mark.parametrize(("name", "word"), [("claude", "block"), ("codex", "block"), ("gemini", "deny")])
def test_a_prompt_is_refused_in_the_vendors_words(name: str, word: str) -> None:
    assert hooks_of(REGISTRY[name]).refuse("twice") == {"decision": word, "reason": "twice"}


@pytest.mark.parametrize(
    ("given", "resumed"),
    [
        ("claude", "claude --resume S"),
        ("claude --model opus --verbose fix", "claude --resume S --model opus --verbose"),
        ("claude --allowedTools Bash Edit -- fix", "claude --resume S --allowedTools Bash Edit"),
        ("claude --continue", None),
        ("claude --resume=x", None),
        ("claude --worktree", None),
        ("claude -p hi", None),
        ("codex", "codex resume S"),
        ("codex -a never --search fix", "codex -a never --search resume S"),
        ("codex -c a=b --model=x", "codex -c a=b --model=x resume S"),
        ("codex resume --last", None),
        ("codex exec x", None),
        ("codex --remote unix:///x", None),
        ("gemini -y fix it", "gemini --resume S -y"),
        ("gemini -m flash", "gemini --resume S -m flash"),
        ("gemini --session-id x", None),
        ("gemini -i fix", None),
        ("demo_agent", "demo_agent --resume"),
    ],
)
def test_a_session_is_gone_on_with_but_its_first_prompt_is_not_given_again(given: str, resumed: str | None) -> None:
    command = given.split()
    found = REGISTRY[command[0].removesuffix("_agent")].launching.resumed(command, "S")
    assert found == (tuple(resumed.split()) if resumed else None)
