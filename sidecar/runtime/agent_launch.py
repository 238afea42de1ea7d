"""Starts the agent in its terminal. What must be known before it runs is found and written down first."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.files.private_files import write_private
from sidecar.agents import plain_environment
from sidecar.agents.adapter.adapter import LaunchContext, RunningAgent
from sidecar.evidence_sources.last_transcript import note_down
from sidecar.evidence_sources.transcript import TranscriptTail, session_in
from sidecar.run_files.agent_folder import private_tmux_folder
from sidecar.run_files.run_plan import RunPlan
from sidecar.run_files.run_record_writer import RunJournal
from sidecar.terminal.pty import Terminal


@dataclass(frozen=True)
class Conversation:
    """The conversation of one run: its transcript as far as it is known, and the vendor's id for it ("": not known
    yet)."""

    child: RunningAgent
    tail: TranscriptTail
    run_journal: RunJournal
    session: str = ""


@dataclass(frozen=True)
class LaunchedAgent:
    """The agent runs. Its output is kept until somebody reads it."""

    terminal: Terminal
    conversation: Conversation


async def prepared(plan: RunPlan, place: LaunchContext) -> LaunchContext:
    """Facts that take long to find before a launch are found in a thread, so that the loop is not blocked."""
    return replace(place, known=await asyncio.to_thread(plan.agent.launching.prepare, plan.command, place))


def launched(plan: RunPlan, place: LaunchContext, size: tuple[int, int]) -> LaunchedAgent:
    launch, run_journal = plan.agent.launching.launch(plan.command, place), RunJournal(plan.folder)
    for path, text in launch.files.items():
        write_private(path, text)
    tail = _followed(plan, launch.transcript)
    session = launch.session or session_in(plan.agent, launch.transcript)
    own = {"TMUX_TMPDIR": str(private_tmux_folder(plan.folder))}
    env = {**plain_environment(plan.env), **own, **launch.env, **run_journal.environment_mark(launch.command)}
    started = time.time()
    terminal = Terminal(launch.command, env, plan.project, size, inherited=plan.inherited)
    run_journal.record_start(terminal.pid)
    return LaunchedAgent(terminal, Conversation(RunningAgent(place, terminal.pid, started), tail, run_journal, session))


def _followed(plan: RunPlan, transcript: Path | None) -> TranscriptTail:
    """Called before the agent runs, because what its transcript already contains belongs to the past."""
    tail = TranscriptTail(plan.agent, None)
    if transcript is not None:
        tail.follow(transcript)
        note_down(plan.folder, transcript)
    return tail
