"""Teams that come back: everything is killed in a real tmux, and `up` brings each agent back to its conversation."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controller.team.workspace_record import StartedProcess, read_workspace_record, write_workspace_record
from controller.workspace.child_processes import process_start_time
from gateway.client.discovery.running_gateway import SUPERVISOR_FILE
from gateway.files.private_files import write_private
from sidecar.supervision.run_record import RUN_FILE, RunRecord
from tests.end_to_end.desk_session import DEMO, Session, a_session
from tests.end_to_end.killed_teams import kill_everything

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
NAMES = ("ada", "ben")
PROMPT = "Remember the word BLUE-4711."


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    async with a_session(tmp_path) as one:
        yield one


def write_team(session: Session, command: str = DEMO, prompt: str = "") -> None:
    (session.folder / "shop").mkdir(exist_ok=True)
    told = f'prompt = "{prompt}"\n' if prompt else ""
    entries = (f'[[agents]]\nname = "{name}"\ncommand = {json.dumps(command)}\n' for name in NAMES)
    both = "".join(f'{entry}agent = "demo"\nproject = "shop"\n{told}' for entry in entries)
    (session.folder / "team.toml").write_text(both)


def up(session: Session, *options: str) -> Any:
    done = session.groupchat("up", "--yes", "--detach", "--json", "--port", "0", *options)
    assert done.code == 0, done
    return done.json


def preview(session: Session, *options: str) -> dict[str, dict[str, Any]]:
    done = session.groupchat("up", "--dry-run", "--json", "--port", "0", *options)
    assert done.code == 0, done
    return {one["name"]: one for one in done.json["agents"]}


def projects_of(session: Session, name: str) -> list[dict[str, Any]]:
    path = session.state / "sidecars" / name / "conversation.json"
    return list(json.loads(path.read_text())["projects"]) if path.exists() else []


def kept(session: Session, name: str) -> str:
    (one,) = projects_of(session, name)
    return str(one["kept"]["session"]) if "kept" in one else ""


def history(session: Session, name: str) -> list[dict[str, str]]:
    path = session.state / "sidecars" / name / "conversations.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def system_lines(session: Session) -> list[str]:
    return [one["content"] for one in session.messages() if one["kind"] == "system"]


def returns(session: Session) -> list[str]:
    return [one for one in system_lines(session) if "back in" in one or "come back" in one]


async def is_answered(session: Session, name: str, text: str) -> None:
    session.groupchat("send", f"@{name} {text}")
    await session.until(lambda: any(text in one for one in session.said_by(name)), name)
    await is_kept(session, name)


async def is_kept(session: Session, name: str) -> None:
    """Its sidecar keeps the id of its conversation after it has sent the answer."""
    await session.until(lambda: {bool(one.get("kept")) for one in projects_of(session, name)} == {True}, name)


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(one): (one.stat().st_mtime_ns, one.stat().st_ino) for one in folder.rglob("*")}


async def test_after_everything_was_killed_each_comes_back_to_its_conversation(session: Session) -> None:
    write_team(session, prompt=PROMPT)
    assert up(session)["conversations"] == dict.fromkeys(NAMES, "new")
    await session.until(lambda: all(any(PROMPT in one for one in session.said_by(name)) for name in NAMES))
    for name in NAMES:
        await is_kept(session, name)
    before = {name: kept(session, name) for name in NAMES}
    for _ in range(2):
        assert await kill_everything(session) >= 9  # tmux, gateway and supervisor, and three for each agent
        files = files_of(session.folder)
        foreseen = preview(session)
        assert files_of(session.folder) == files, "a dry run changes nothing"
        assert {name: one["conversation"]["session"] for name, one in foreseen.items()} == before
        assert {one["does"] for one in foreseen.values()} == {"starts"}
        assert up(session)["conversations"] == dict.fromkeys(NAMES, "resumed")
        assert {name: kept(session, name) for name in NAMES} == before
    for name in NAMES:
        assert "BLUE-4711" in session.text(name), "what was said before is on its screen"
        await is_answered(session, name, "And now?")
        assert sum(PROMPT in one for one in session.said_by(name)) == 1, "its prompt is sent once for a conversation"
    lines = returns(session)
    assert len(lines) == 4
    assert all(f"{name} is back in its conversation of " in "\n".join(lines) for name in NAMES)
    await session.shows("ada is back in its conversation of")


async def test_a_new_conversation_takes_the_place_of_the_kept_one_only_when_it_works(session: Session) -> None:
    write_team(session)
    up(session)
    for name in NAMES:
        await is_answered(session, name, "yesterday")
    before = {name: kept(session, name) for name in NAMES}
    session.groupchat("down")
    assert {one["conversation"]["start"] for one in preview(session, "--fresh").values()} == {"new"}
    assert up(session, "--fresh")["conversations"] == dict.fromkeys(NAMES, "new")
    assert "yesterday" not in session.text("ada")
    assert {name: kept(session, name) for name in NAMES} == before
    await is_answered(session, "ada", "today")
    await session.until(lambda: kept(session, "ada") != before["ada"])
    (line,) = history(session, "ada")
    assert (line["session"], line["project"]) == (before["ada"], str(session.folder / "shop"))
    await kill_everything(session)
    assert up(session)["conversations"] == dict.fromkeys(NAMES, "resumed")
    assert "today" in session.text("ada")
    assert "yesterday" in session.text("ben"), "nothing was said in its new conversation"
    assert session.groupchat("restart", "ben").code == 0
    assert "yesterday" in session.text("ben")
    assert session.groupchat("restart", "ben", "--fresh").code == 0
    assert "yesterday" not in session.text("ben")
    assert session.groupchat("rm", "ben").code == 0
    added = session.groupchat("add", "ben", "--agent", "demo", "--project", "shop", "--", *DEMO.split())
    assert added.code == 0, added
    assert "yesterday" in session.text("ben"), "who leaves and is added again comes back, too"


async def test_a_conversation_that_is_gone_is_told_to_the_person_and_the_room(session: Session) -> None:
    write_team(session)
    up(session)
    await is_answered(session, "ada", "yesterday")
    gone = kept(session, "ada")
    session.groupchat("down")
    transcript = session.state / "sidecars" / "ada" / f"demo-{gone}.jsonl"
    transcript.rename(session.folder / "elsewhere")
    assert preview(session)["ada"]["conversation"]["is_missing"]
    done = session.groupchat("up", "--yes", "--detach", "--port", "0")
    assert "ada is idle, in a new conversation: it could not come back to its earlier one" in done.err, done
    (line,) = [one for one in returns(session) if "ada" in one]
    assert line.startswith("ada could not come back to its conversation of ")
    assert "no earlier conversation was found" in line
    assert line.endswith(f"begins a new one. The id of the earlier one is {gone}.")
    assert kept(session, "ada") == gone
    # whoever has moved it away for a while gets it back
    await kill_everything(session)
    (session.folder / "elsewhere").rename(transcript)
    assert up(session)["conversations"]["ada"] == "resumed"
    session.groupchat("down")
    transcript.unlink()
    assert up(session)["conversations"]["ada"] == "lost"
    await is_answered(session, "ada", "today")
    await session.until(lambda: kept(session, "ada") != gone)
    (told,) = history(session, "ada")
    assert told["session"] == gone
    assert "no earlier conversation was found" in told["why"]


ENDS_ON_RESUME = """#!/bin/sh
for word in "$@"; do [ "$word" = --resume ] && { echo "I resume nothing."; exit 0; }; done
exec %s -P -m sidecar.demo_agent "$@"
"""


async def test_a_program_that_ends_at_once_instead_of_resuming_begins_anew(session: Session) -> None:
    """Even if it says that all is well."""
    script = session.folder / "agent"
    script.write_text(ENDS_ON_RESUME % sys.executable)
    write_team(session, command=f"sh {script}")
    up(session)
    await is_answered(session, "ada", "yesterday")
    gone = kept(session, "ada")
    await kill_everything(session)
    assert up(session)["conversations"]["ada"] == "lost"
    assert any("(I resume nothing)" in one and gone in one for one in returns(session))
    await is_answered(session, "ada", "today")


async def test_after_a_reboot_no_number_of_a_dead_process_is_believed(session: Session) -> None:
    """Another process has the number of each one of ours now; it must neither be waited for nor be killed."""
    write_team(session)
    up(session)
    await is_answered(session, "ada", "yesterday")
    await kill_everything(session)
    with subprocess.Popen(["sleep", "600"]) as innocent:
        try:
            stale = StartedProcess(innocent.pid, "1")
            record = read_workspace_record(session.state)
            assert record is not None and record.gateway is not None
            write_workspace_record(session.state, msgspec.structs.replace(record, gateway=stale))
            write_private(session.state / SUPERVISOR_FILE, json.dumps({"pid": innocent.pid, "started": "1"}))
            gateway = json.loads((session.state / "gateway.json").read_text())
            write_private(session.state / "gateway.json", json.dumps({**gateway, "pid": innocent.pid}))
            for name in NAMES:
                folder = session.state / "sidecars" / name
                (folder / "lock").write_text(str(innocent.pid))
                run = RunRecord("a-mark", "another-boot", innocent.pid, process_start_time(innocent.pid), ("x",))
                write_private(folder / RUN_FILE, run.as_text())
            (session.state / "starting.lock").write_text("ada")
            assert up(session)["conversations"] == {"ada": "resumed", "ben": "new"}
            assert session.groupchat("down").code == 0
            assert innocent.poll() is None
        finally:
            innocent.kill()


async def test_a_project_that_was_moved_is_recognised(session: Session) -> None:
    write_team(session)
    up(session)
    await is_answered(session, "ada", "yesterday")
    before = kept(session, "ada")
    session.groupchat("down")
    (session.folder / "shop").rename(session.folder / "store")
    text = (session.folder / "team.toml").read_text()
    (session.folder / "team.toml").write_text(text.replace('project = "shop"', 'project = "store"'))
    foreseen = preview(session)["ada"]["conversation"]
    assert (foreseen["session"], foreseen["moved_from"]) == (before, str(session.folder / "shop"))
    assert up(session)["conversations"]["ada"] == "resumed"
    assert kept(session, "ada") == before
    # another folder is another project: the conversation of this one is neither used nor lost
    session.groupchat("down")
    write_team(session)
    assert up(session)["conversations"]["ada"] == "new"
    await is_answered(session, "ada", "elsewhere")
    session.groupchat("down")
    (session.folder / "team.toml").write_text(text.replace('project = "shop"', 'project = "store"'))
    assert up(session)["conversations"]["ada"] == "resumed"
    assert "yesterday" in session.text("ada")
    assert history(session, "ada") == []


SLOW_START = """#!/bin/sh
echo "begins $(date +%%s.%%N)" >> %s
sleep 1.5
echo "goes on $(date +%%s.%%N)" >> %s
exec %s -P -m sidecar.demo_agent "$@"
"""


async def test_they_start_one_after_another(session: Session) -> None:
    script, log = session.folder / "agent", session.folder / "starts"
    script.write_text(SLOW_START % (log, log, sys.executable))
    write_team(session, command=f"sh {script}")
    began = time.monotonic()
    done = session.groupchat("up", "--yes", "--detach", "--port", "0")
    print(f"{time.monotonic() - began:.1f} s for two that take 1.5 s and more")
    assert done.code == 0, done
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["begins", "goes", "begins", "goes"]
    assert "(1 of 2)" in done.err and "(2 of 2)" in done.err


def stages_kept(session: Session) -> set[str]:
    (one,) = projects_of(session, "ada")
    return {"kept", "candidate"} & set(one)


async def test_a_second_sidecar_for_an_agent_changes_nothing(session: Session) -> None:
    write_team(session)
    up(session)
    await is_answered(session, "ada", "yesterday")
    before = kept(session, "ada")
    join = (sys.executable, "-P", "-m", "sidecar.cli", "join", "ada", "--fresh", "--agent", "demo")
    words = (*join, "--", *DEMO.split())
    env = {**session.environment, "GROUPCHAT_STATE": str(session.state)}
    second = subprocess.run(
        words, cwd=session.folder / "shop", env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode != 0
    assert "ada" in second.stderr
    assert kept(session, "ada") == before
    assert stages_kept(session) == {"kept"}, "it has made no candidate"
    await is_answered(session, "ada", "still here")
