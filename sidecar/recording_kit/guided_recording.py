"""Plays the scenes with a person: says what to do, records the program, and writes down what was true beside it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.protocol.text.printable_text import printable_line
from sidecar.errors import BadRecording
from sidecar.recording_kit.scenes import (
    MARK_KEY_NAME,
    NOTE,
    SCENES,
    PressedKeys,
    Scene,
    SceneTruth,
    instructions,
    split_marks,
    truth_of_scene,
)
from sidecar.terminal.asciicast import open_new_recording
from sidecar.terminal.person_at_terminal import HumanTerminal
from sidecar.terminal.record_session import RecordedSession

VERSION_TIMEOUT_S = 20
MAX_VERSION_CHARS = 100
SKIP, END = "s", "q"


@dataclass(frozen=True)
class KitDesk:
    """Where the person is: their terminal, what tells them something, and what reads their next line (None: no more
    comes)."""

    terminal: Callable[[], AbstractContextManager[HumanTerminal]]
    tell: Callable[[str], None]
    ask: Callable[[str], str | None]


@dataclass(frozen=True)
class RecordingKit:
    """`name`: the agent that is recorded, part of the names of the files in `folder`."""

    name: str
    command: Sequence[str]
    folder: Path
    env: Mapping[str, str]


@dataclass
class _KeyWatch:
    """Notes each key of the person. A mark does not reach the program."""

    begun: float = field(default_factory=time.monotonic)
    pressed: list[PressedKeys] = field(default_factory=list)

    def take(self, data: bytes) -> bytes:
        parts = [PressedKeys(self.now, part) for part in split_marks(data)]
        self.pressed += parts
        return b"".join(one.data for one in parts if not one.is_mark)

    @property
    def now(self) -> float:
        return time.monotonic() - self.begun


def play_kit(kit: RecordingKit, desk: KitDesk, scenes: Sequence[Scene] = SCENES) -> list[Path]:
    """All recordings of the kit that are there in the end. A scene that was recorded before is not played again."""
    try:
        kit.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise BadRecording(f"{kit.folder} cannot be made: {error.strerror}.") from error
    version = version_of(kit.command, kit.env)
    for line in _introduction(kit, len(scenes)):
        desk.tell(line)
    for number, scene in enumerate(scenes, 1):
        path = _path_of(kit, scene)
        if path.exists():
            desk.tell(f"Scene {number} of {len(scenes)} is recorded already: {path.name}")
        elif not _play_until_told(kit, desk, scene, version, f"{number} of {len(scenes)}"):
            break
    return [path for scene in scenes if (path := _path_of(kit, scene)).exists()]


def _introduction(kit: RecordingKit, count: int) -> tuple[str, ...]:
    return (
        f"{count} short scenes with {printable_line(' '.join(kit.command))}, about ten minutes.",
        "Before each one you read what to do; then the program has the whole terminal.",
        f"With {MARK_KEY_NAME} you mark a moment; the program does not get that key.",
        "All that it prints and you type is recorded: use a folder and words that may be seen.",
    )


def _play_until_told(kit: RecordingKit, desk: KitDesk, scene: Scene, version: str, place: str) -> bool:
    """Play the scene until its truth is known, or the person skips it. False: the person wants to end."""
    while True:
        desk.tell("")
        for line in instructions(scene, place):
            desk.tell(line)
        answer = desk.ask("Enter starts it, s skips it, q ends: ")
        if answer is None or answer.strip().lower() == END:
            return False
        if answer.strip().lower() == SKIP:
            return True
        if _record_scene(kit, desk, scene, version):
            return True
        desk.tell(
            f"What was true could not be told: this scene has {scene.marks} moments to mark with {MARK_KEY_NAME}, in "
            "the order above. Nothing was kept; play it again."
        )


def _record_scene(kit: RecordingKit, desk: KitDesk, scene: Scene, version: str) -> bool:
    path, keys = _path_of(kit, scene), _KeyWatch()
    with open_new_recording(path) as file, desk.terminal() as human:
        size = human.size or (80, 24)

        async def run() -> None:
            await RecordedSession(kit.command, kit.env, human, file, keys.take).run()

        try:
            asyncio.run(run())
        except BaseException:
            path.unlink()
            raise
        end = keys.now
    truth = truth_of_scene(scene, keys.pressed, end)
    if truth is None:
        path.unlink()
        return False
    about = {"cli": kit.name, "version": version, "scenario": scene.name, "columns": size[0], "rows": size[1]}
    with open_new_recording(path.with_suffix(".json")) as file:
        json.dump({**about, **_truth_as_json(truth, end)}, file, indent=1)
    return True


def _truth_as_json(truth: SceneTruth, end: float) -> dict[str, object]:
    return {"end": round(end, 3), "states": truth.states, "unsure": truth.unsure, "notes": [NOTE]}


def _path_of(kit: RecordingKit, scene: Scene) -> Path:
    return kit.folder / f"{kit.name}-{scene.name}.cast"


def version_of(command: Sequence[str], env: Mapping[str, str]) -> str:
    """What the program says of its version; empty if it says nothing."""
    try:
        done = subprocess.run(
            [command[0], "--version"],
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode(errors="replace").split("\n") if done.returncode == 0 else [""]
    return printable_line(lines[0])[:MAX_VERSION_CHARS].strip()
