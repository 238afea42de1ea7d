"""What a sidecar explains about its agent, and who may ask."""

import asyncio
import json
import socket
import struct
from pathlib import Path

import pytest

from sidecar.activity.agent_observer import AgentObserver
from sidecar.activity.explanation import explain_observation, explanation_lines
from sidecar.activity.recording_replay import parse_recording, replay_changes
from sidecar.agents import agent_for
from sidecar.errors import AlreadyRunning, BadRecording, NotRunning
from sidecar.explain_socket import SOCKET_FILE, ExplainReply, ExplainSocket, ask_sidecar_for, is_same_user
from sidecar.run_files.agent_folder import hold_name
from sidecar.terminal.asciicast import save_observation
from tests.fakes.retry import retry_until
from tests.sidecar.sidecar_terminal import sidecar_in_terminal

RULE = "─" * 60
IDLE = f"\x1b[2J\x1b[H\r\n{RULE}\r\n› \r\n{RULE}\r\n? for help\x1b]0;✳ demo\x07".encode()


def look(data: bytes, agent: str = "demo") -> tuple[dict[str, object], str]:
    watch = AgentObserver(agent_for((), agent), 60, 12)
    watch.output(data, 1.0)
    watch.look(1.0)
    moment = watch.look(2.0)
    facts = explain_observation(watch, moment, 2.0)
    return facts, "\n".join(explanation_lines({"name": "anna", **facts}))


def test_each_rule_is_shown_matched_or_not_with_what_it_looked_at() -> None:
    facts, words = look(IDLE)
    rulings = {one["rule"]: one for one in facts["rulings"]}  # type: ignore[attr-defined]
    assert len(rulings) == len(agent_for((), "demo").rules.rules)
    assert rulings["the title rests"]["matched"]
    assert rulings["the title rests"]["value"] == "✳ demo"
    assert not rulings["the title spins"]["matched"]
    assert rulings["the prompt box is free"]["value"] == "›"
    assert "x idle     the title rests  [title] '✳ demo'" in words
    assert "- busy     the title spins" in words


def test_the_verdict_the_signals_and_the_rules_hash_are_reported() -> None:
    facts, words = look(IDLE)
    assert words.startswith("anna is idle; its composer is empty.\n  because ")
    digest = agent_for((), "demo").rules.digest
    assert f"Rules demo {digest} from " in words
    assert facts["signals"] == [{"source": "title", "value": "✳ demo", "age": 1.0}]
    assert facts["version"] == {"seen": None, "known": None}


def test_a_version_never_seen_is_called_new() -> None:
    facts, words = look(b"Claude Code v9.9.9\r\n", "claude")
    assert facts["version"] == {"seen": "9.9.9", "known": False}
    assert "Version 9.9.9, untested" in words


def test_it_is_plain_json() -> None:
    facts, _ = look(IDLE)
    assert json.loads(json.dumps(facts)) == facts


async def first(folder: Path, what: str) -> ExplainReply:
    async for answer in ask_sidecar_for(folder, "claude", what):
        return answer
    raise AssertionError("no answer")


async def test_a_running_sidecar_explains_itself(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        answer = await first(tmp_path / "private", "explain")
        assert answer["name"] == "claude"
        assert answer["verdict"]["activity"] == "idle"
        assert answer["process"]["stopped"] is False
        assert (tmp_path / "private" / SOCKET_FILE).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "private" / SOCKET_FILE).exists()


async def test_a_watcher_gets_each_change(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        seen: list[str] = []

        async def watch() -> None:
            async for answer in ask_sidecar_for(tmp_path / "private", "claude", "watch"):
                seen.append(answer["verdict"]["activity"])
                if seen[-1] == "idle" and "busy" in seen:
                    return

        task = asyncio.get_running_loop().create_task(watch(), name="watch")
        await retry_until(lambda: seen)
        pane.room.say("hello")
        await asyncio.wait_for(task, 60)
        assert seen[0] == "idle"


async def test_a_saved_moment_is_a_recording_that_replays_to_the_same_verdict(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        pane.room.say("ask")
        await pane.is_("asking")
        path = save_observation(tmp_path / "kept", "moment", await first(tmp_path / "private", "save"))
        pane.type("\x1b")
    with path.open(encoding="utf-8") as lines:
        changes = list(replay_changes(parse_recording(lines), agent_for((), "demo")))
    assert changes[-1].activity == "asking"
    assert changes[-1].t < 60
    truth = json.loads(path.with_suffix(".json").read_text())
    assert truth["states"] == [[0.0, "asking"]]
    assert truth["evidence"]["verdict"]["dialog"]["options"]


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.cast").touch()
    answer = {**look(IDLE)[0], "cast": "{}\n"}
    with pytest.raises(BadRecording, match=r"exists already; choose another"):
        save_observation(tmp_path, "a", answer)


async def test_asking_an_unknown_name_lists_who_runs(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    with pytest.raises(NotRunning, match=r"named nobody runs with .+\. None is"):
        async for _ in ask_sidecar_for(tmp_path / "nobody", "nobody", "explain"):
            pass


async def test_nonsense_is_answered_with_a_sentence_and_long_paths_work(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 20) / ("er" * 20)
    folder.mkdir(parents=True)
    async with ExplainSocket(dict, dict, asyncio.Event()).opened(folder):
        assert await first(folder, "dance") == {"error": "A sidecar cannot be asked 'dance'."}


class Stranger(socket.socket):
    def getsockopt(self, *_: object) -> bytes:  # type: ignore[override]
        return struct.pack("3i", 1, 12345, 12345)


def test_another_user_is_not_answered() -> None:
    with Stranger(socket.AF_UNIX) as stranger:
        assert not is_same_user(stranger)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert is_same_user(ours)


async def test_the_second_sidecar_of_a_name_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    async with hold_name(tmp_path, "claude"):
        with pytest.raises(AlreadyRunning, match=r"claude is already running on this machine, as process \d+\. Stop"):
            async with hold_name(tmp_path, "claude", patience=0.1):
                pass
    async with hold_name(tmp_path, "claude", patience=0):
        pass
