"""Whether a vendor has a conversation on disk, and what its start must be told so that it finds it again."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext
from sidecar.agents.adapter.session_files import has_line_with
from sidecar.agents.gemini_hooks import DEFAULTS_VARIABLE, can_others_write

ID, OTHER = "7fd9eeea-d69e-4513-8ddc-9eeaed82c061", "6cb8b1ec-9920-4cf7-95d9-a1a4db45ca70"
CLAUDE_USER, CLAUDE_META = '{"type":"user","message":{}}\n', '{"type":"file-history-snapshot"}\n'
GEMINI_META, GEMINI_USER = f'{{"sessionId":"{ID}","kind":"main"}}\n', '{"id":"1","type":"user","content":[]}\n'
COPILOT_START, COPILOT_USER = '{"type":"session.start","data":{}}\n', '{"type":"user.message","data":{}}\n'
ROLLOUT = f"home/.codex/sessions/2026/11/30/rollout-2026-11-30T12-24-42-{ID}.jsonl"


@pytest.mark.parametrize(
    ("agent", "files", "expected"),
    [
        ("claude", {f"home/.claude/projects/-work/{ID}.jsonl": CLAUDE_META + CLAUDE_USER}, True),
        ("claude", {f"home/.claude/projects/-moved/{ID}.jsonl": CLAUDE_USER}, True),
        ("claude", {f"home/.claude/projects/-work/{ID}.jsonl": CLAUDE_META}, False),
        ("claude", {f"home/.claude/projects/-work/{OTHER}.jsonl": CLAUDE_USER}, False),
        ("claude", {f"home/.claude/archive/-work/{ID}.jsonl": CLAUDE_USER}, False),
        ("claude", {}, False),
        ("codex", {ROLLOUT: "{}\n"}, True),
        ("codex", {ROLLOUT.replace(ID, OTHER): "{}\n"}, False),
        ("codex", {ROLLOUT.replace("sessions", "old-sessions"): "{}\n"}, False),
        (
            "gemini",
            {
                "home/.gemini/tmp/w/.project_root": "{project}",
                f"home/.gemini/tmp/w/chats/session-2026-11-30T12-25-{ID[:8]}.jsonl": GEMINI_META + GEMINI_USER,
            },
            True,
        ),
        (
            "gemini",
            {
                "home/.gemini/tmp/w/.project_root": "{project}",
                f"home/.gemini/tmp/w/chats/session-2026-11-30T12-25-{ID[:8]}.jsonl": GEMINI_META,
            },
            False,
        ),
        (
            "gemini",
            {
                "home/.gemini/tmp/w/.project_root": "/another/project",
                f"home/.gemini/tmp/w/chats/session-2026-11-30T12-25-{ID[:8]}.jsonl": GEMINI_META + GEMINI_USER,
            },
            False,
        ),
        ("demo", {f"private/demo-{ID}.jsonl": '{"type": "user", "text": "x"}\n'}, True),
        ("demo", {f"private/demo-{ID}.jsonl": ""}, False),
        ("opencode", {}, None),
        ("copilot", {f"home/.copilot/session-state/{ID}/events.jsonl": COPILOT_START + COPILOT_USER}, True),
        ("copilot", {f"home/.copilot/session-state/{ID}/events.jsonl": COPILOT_START}, False),
        ("copilot", {f"home/.copilot/session-state/{OTHER}/events.jsonl": COPILOT_USER}, False),
        ("copilot", {}, False),
        ("pi", {f"home/.pi/agent/sessions/--work--/2026-11-30T17-26-53-202Z_{ID}.jsonl": "{}"}, True),
        ("pi", {}, None),
        ("vibe", {f"home/.vibe/logs/session/unified/{ID}/CURRENT": "{}"}, True),
        ("vibe", {f"home/.vibe/logs/session/unified/{ID}/meta.json": "{}"}, False),
        ("generic", {}, None),
    ],
)
def test_a_conversation_with_a_turn_is_found(
    agent: str, files: dict[str, str], expected: bool | None, tmp_path: Path
) -> None:
    place = LaunchContext(tmp_path / "work", tmp_path / "private", "", "", {"HOME": str(tmp_path / "home")})
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{project}", str(place.project)))
    assert REGISTRY[agent].launching.is_written(ID, place) is expected


@pytest.mark.parametrize("before", [0, (1 << 20) - 7, 1 << 20, (1 << 20) + 3])
def test_a_mark_is_found_wherever_it_stands(before: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * before + b'"type":"user"' + b"x" * 5)
    assert has_line_with(path, "nothing like it", '"type":"user"')
    assert not has_line_with(path, "nothing like it")


@pytest.mark.parametrize(
    ("command", "folder"),
    [
        (("codex", "resume", ID), ["-C", "{project}"]),
        (("codex", "-C", "/elsewhere", "resume", ID), ["-C", "/elsewhere"]),
        (("codex", "--cd=/elsewhere", "resume", ID), []),
        (("codex", "resume", "--last"), []),
        (("codex",), []),
    ],
)
def test_a_resumed_codex_does_not_ask_in_which_folder_to_go_on(
    command: tuple[str, ...], folder: list[str], tmp_path: Path
) -> None:
    place = LaunchContext(tmp_path, tmp_path, "", ID, {"HOME": str(tmp_path)})
    words = REGISTRY["codex"].launching.launch(command, place).command
    found = [word for pair in itertools.pairwise(words) if pair[0] == "-C" for word in pair]
    assert found == [one.replace("{project}", str(tmp_path)) for one in folder]


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        (None, {"general": {"sessionRetention": {"enabled": False}}}),
        (
            {"ui": {"hideTips": True}, "general": {"vimMode": True}},
            {"ui": {"hideTips": True}, "general": {"vimMode": True, "sessionRetention": {"enabled": False}}},
        ),
        (
            {"general": {"sessionRetention": {"enabled": True, "maxAge": "7d"}}},
            {"general": {"sessionRetention": {"enabled": True, "maxAge": "7d"}}},
        ),
    ],
)
def test_gemini_deletes_no_session_unless_somebody_wants_it(
    system: dict[str, object] | None, expected: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.agents.gemini_hooks.can_others_write", lambda _: False)  # they can, in /tmp
    defaults = tmp_path / "system.json"
    env = {"HOME": str(tmp_path)}
    if system is not None:
        defaults.write_text(json.dumps(system))
        env[DEFAULTS_VARIABLE] = str(defaults)
    place = LaunchContext(tmp_path, tmp_path, "http://hooks", ID, env)
    plan = REGISTRY["gemini"].launching.launch(("gemini",), place)
    written = plan.files[Path(plan.env[DEFAULTS_VARIABLE])]
    assert json.loads(written) == expected


def test_defaults_that_gemini_cannot_read_are_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "system.json").write_text("{")
    env = {"HOME": str(tmp_path), DEFAULTS_VARIABLE: str(tmp_path / "system.json")}
    plan = REGISTRY["gemini"].launching.launch(("gemini",), LaunchContext(tmp_path, tmp_path, "", ID, env))
    assert DEFAULTS_VARIABLE not in plan.env


@pytest.mark.parametrize(("mode", "expected"), [(0o700, False), (0o755, False), (0o775, True), (0o1777, True)])
def test_gemini_gets_no_defaults_of_which_it_would_warn(mode: int, expected: bool, tmp_path: Path) -> None:
    shared, inner = tmp_path / "shared", tmp_path / "shared" / "inner"
    inner.mkdir(parents=True, mode=0o700)
    shared.chmod(mode)
    assert can_others_write(inner) == (expected or can_others_write(tmp_path))
