"""Which tool an agent uses, on which files, and when these count as written: as the real hooks tell it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.tool_call_effects import MAX_PATHS
from sidecar.evidence.turn_evidence import ToolUse
from tests.sidecar.capabilities import hooks_of, transcript_of

PATCH = "*** Begin Patch\n*** Update File: a.py\n@@\n-x\n+y\n*** Add File: b/c.py\n+z\n*** End Patch\n"
MOVED = "*** Begin Patch\n*** Update File: a.py\n*** Move to: b.py\n*** Delete File: c.py\n*** End Patch"


def event(hook: str, tool: object, given: object = None, **more: object) -> Mapping[str, object]:
    return {"hook_event_name": hook, "tool_name": tool, "tool_input": given, "cwd": "/p", **more}


def use(tool: str, *paths: str, ended: bool = False, written: bool = False) -> ToolUse:
    return ToolUse(tool, paths, ended, written, "/p")


@pytest.mark.parametrize(
    ("agent", "given", "found"),
    [
        ("claude", event("PreToolUse", "Edit", {"file_path": "/p/a.py", "old_string": "x"}), use("Edit", "/p/a.py")),
        (
            "claude",
            event("PostToolUse", "Write", {"file_path": "/p/a.py"}, tool_response={}),
            use("Write", "/p/a.py", ended=True, written=True),
        ),
        ("claude", event("PreToolUse", "Read", {"file_path": "/p/a.py"}), use("Read", "/p/a.py")),
        ("claude", event("PostToolUse", "Read", {"file_path": "/p/a.py"}), use("Read", "/p/a.py", ended=True)),
        ("claude", event("PreToolUse", "Bash", {"command": f"echo '{PATCH}'"}), use("Bash")),
        ("claude", event("PreToolUse", "mcp__groupchat__peer_list", {}), use("mcp__groupchat__peer_list")),
        (
            "claude",
            event("PostToolUse", "NotebookEdit", {"notebook_path": "n.ipynb"}),
            use("NotebookEdit", "n.ipynb", ended=True, written=True),
        ),
        ("claude", event("PermissionRequest", "Edit", {"file_path": "/p/a.py"}), None),
        ("claude", event("Stop", None), None),
        ("codex", event("PreToolUse", "Bash", {"command": "ls"}), use("Bash")),
        (
            "codex",
            event("PreToolUse", "Bash", {"command": f"apply_patch <<'EOF'\n{PATCH}EOF"}),
            use("Bash", "a.py", "b/c.py", written=True),
        ),
        ("codex", event("PreToolUse", "apply_patch", {"command": PATCH}), use("apply_patch", "a.py", "b/c.py")),
        (
            "codex",
            event("PostToolUse", "apply_patch", {"command": MOVED}),
            use("apply_patch", "a.py", "b.py", "c.py", ended=True, written=True),
        ),
        ("gemini", event("BeforeTool", "read_file", {"file_path": "a.py"}), use("read_file", "a.py")),
        (
            "gemini",
            event("AfterTool", "write_file", {"file_path": "/p/a.py"}),
            use("write_file", "/p/a.py", ended=True, written=True),
        ),
        ("gemini", event("BeforeAgent", None, prompt="hi"), None),
        ("qwen", event("PreToolUse", "read_file", {"absolute_path": "/p/a.py"}), use("read_file", "/p/a.py")),
        (
            "qwen",
            event("PostToolUse", "edit", {"file_path": "/p/a.py"}),
            use("edit", "/p/a.py", ended=True, written=True),
        ),
        ("opencode", event("tool", "read", {"filePath": "/p/a.py", "patchText": ""}), use("read", "/p/a.py")),
        (
            "opencode",
            event("tool.ended", "apply_patch", {"filePath": "", "patchText": PATCH}),
            use("apply_patch", "a.py", "b/c.py", ended=True, written=True),
        ),
    ],
)
def test_each_vendors_hook_is_read(agent: str, given: Mapping[str, object], found: ToolUse | None) -> None:
    assert hooks_of(REGISTRY[agent]).tool(given) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (event("PreToolUse", 7, {}), None),
        (event("PreToolUse", "Edit", "no fields"), use("Edit")),
        (event("PreToolUse", "Edit", {"file_path": 7}), use("Edit")),
        (event("PreToolUse", "Edit", {"file_path": "x" * 5000}), use("Edit")),
        (event("PostToolUse", "Edit", {}), use("Edit", ended=True)),
        ({**event("PreToolUse", "Edit", {"file_path": "a"}), "cwd": 7}, ToolUse("Edit", ("a",))),
        (event("PreToolUse", "x" * 900, {}), use("x" * 200)),
    ],
)
def test_what_is_no_text_or_too_long_is_left_out(given: Mapping[str, object], found: ToolUse | None) -> None:
    assert hooks_of(REGISTRY["claude"]).tool(given) == found


def test_a_patch_of_many_files_is_bounded() -> None:
    patch = "*** Begin Patch\n" + "".join(f"*** Add File: {n}\n" for n in range(500))
    found = hooks_of(REGISTRY["codex"]).tool(event("PostToolUse", "apply_patch", {"command": patch}))
    assert found is not None and len(found.paths) == MAX_PATHS


def test_the_demo_agents_transcript_tells_its_edits() -> None:
    read = transcript_of(REGISTRY["demo"]).tool
    assert read({"type": "edit", "text": "a.py"}) == ToolUse("Edit", ("a.py",), written=True)
    assert (read({"type": "edit"}), read({"type": "user", "text": "edit a.py"})) == (None, None)
