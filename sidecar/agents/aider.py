"""Aider. An extension of ours, loaded by its Python for the run, reports each turn and its questions.

None of the user's files is written, and no option is added to the command. What its screen means, such as when it is
idle, is in `rules/aider.toml`; `activity/activity_verdict.py` judges from it and the other signals what the agent is
doing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.resources import files

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents.adapter.adapter import (
    Adapter,
    DraftStash,
    HookApprovals,
    HookQuestion,
    Hooks,
    InterruptMethod,
    LaunchContext,
    LaunchMethod,
    LaunchPlan,
    SubmitMethod,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.own_plugin_events import cost_of_line, fact_of_event, fact_of_line, refusal_answer
from sidecar.agents.adapter.tool_call_effects import tool_hook_reader
from sidecar.agents.adapter.vendor_arguments import options_in

_NON_CHAT_OPTIONS = (
    *("-m", "--message", "--msg", "-f", "--message-file", "--gui", "--browser", "--apply", "--apply-clipboard-edits"),
    *("--commit", "--lint", "--test", "--exit", "--show-prompts", "--show-repo-map", "--list-models", "--models"),
    *("--just-check-update", "--install-main-branch", "--upgrade", "--update", "--shell-completions", "-h", "--help"),
    "--version",
)
_BEGIN_TEXT = "import aider_extension\n\naider_extension.begin()\n"
_CTRL_C, _CTRL_Y, _CTRL_W = b"\x03", b"\x19", b"\x17"
_TO_END, _SELECT_TO_BEGIN = b"\x1b[1;5F", b"\x1b[1;6H"
_EXIT_AFTER_SECOND_KEY_S = 2.5  # two of its keys within 2 s end aider
_WRITING_TOOLS = ("edit",)
_ONLY_IN_TERMINAL = "all, skip all, don't ask again: in its terminal"


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "aider"


def _is_chat(command: Sequence[str]) -> bool:
    return not options_in(command).intersection(_NON_CHAT_OPTIONS)


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    """The extension takes itself out of the environment, so an aider that is started in its shell gets none of it."""
    given = tuple(command)
    if not _is_chat(given):
        return LaunchPlan(given)
    folder, turns = place.private / "aider", place.private / "aider-turns.jsonl"
    paths = filter(None, (str(folder), place.env.get("PYTHONPATH", "")))
    return LaunchPlan(
        given,
        env={"PYTHONPATH": os.pathsep.join(paths)},
        files={
            folder / "sitecustomize.py": _BEGIN_TEXT,
            folder / "aider_extension.py": (files("sidecar.agents") / "aider_extension.py").read_text(encoding="utf-8"),
            folder / "run.json": json.dumps({"hooks": place.hooks, "file": str(turns)}),
        },
        transcript=turns,
    )


# Its questions


def _parse_question(event: Mapping[str, object]) -> HookQuestion | None:
    """The dialog is on the screen while the extension waits, and the first answer counts."""
    if event.get("hook_event_name") != "question":
        return None
    question, subject = str(event.get("question") or ""), str(event.get("subject") or "")
    return HookQuestion(
        tool=question.rstrip("?"),
        detail=subject or question,
        decides=True,
        about=_about(question, subject),
        question=f"{question} ({_ONLY_IN_TERMINAL})",
        complete=True,
        texts=(question, subject),
        turn=str(event.get("turn") or ""),
    )


def _about(question: str, subject: str) -> AskAbout:
    if "shell command" in question:
        return AskAbout.COMMAND
    return AskAbout.PATH if subject and "file" in question else AskAbout.TEXT


def _decision_answer(allow: bool, by: str, words: str) -> Mapping[str, object]:
    return {"reply": "y" if allow else "n"}


ADAPTER = Adapter(
    name="aider",
    rules=load_built_in_rules("aider"),
    launching=LaunchMethod(_is_for, launch=_plan_launch),
    submit=SubmitMethod(pause=0.05, begins_within=4.0),
    stash=DraftStash(_TO_END + _SELECT_TO_BEGIN + _CTRL_W, back=_CTRL_Y, undo=_CTRL_Y, rows=1000),
    interrupt=InterruptMethod(_CTRL_C, interval_s=_EXIT_AFTER_SECOND_KEY_S),
    hooks=Hooks(
        fact_of_event,
        refusal_answer,
        ends_within=5.0,
        tool=tool_hook_reader("tool", "tool.ended", _WRITING_TOOLS),
    ),
    approvals=HookApprovals(_parse_question, _decision_answer),
    transcript=TranscriptFormat(fact_of_line, cost_of_line),
)
