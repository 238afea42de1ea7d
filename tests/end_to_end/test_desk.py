"""The whole session in a real tmux: start, messages, crashes, attach, detach, end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from controller.workspace.child_processes import is_alive
from gateway.client.discovery.running_gateway import has_live_gateway
from tests.end_to_end.desk_session import (
    DEMO,
    Session,
    a_session,
    children_of,
    kill_program_of,
    program_of,
    run_command,
)
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.support.commands import Groupchat, Outcome

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
AGENTS = ("ada", "ben", "cleo")


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    async with a_session(tmp_path) as one:
        yield one


async def test_a_team_is_talked_to_asks_and_changes(session: Session) -> None:
    up = session.up()
    assert (up["session"], up["agents"], up["problems"]) == ("llm-groupchat", list(AGENTS), {})
    assert list(session.panes()) == ["chat", *AGENTS]
    await session.shows("● ada coder", "● ben reviewer", "● cleo tester")
    await three_agents_are_talked_to(session)
    await a_question_is_answered_in_the_chat(session)
    await logs_and_status(session)
    await agents_come_and_go_while_it_runs(session)


async def three_agents_are_talked_to(session: Session) -> None:
    session.say("@ada say good morning")
    await session.shows("→ ada", "✓ ada answered", "↳ 🔒 ada (coder)")
    assert session.said_by("ada") == ["good morning"]
    assert "ben" not in session.text("ben").replace("(reviewer)", "")

    session.say("@all say here")
    await session.shows("✓ ada answered  ✓ ben answered  ✓ cleo answered")
    for name in AGENTS:
        assert session.said_by(name)[-1] == "here"
        assert "-> " in session.text(name) and "say here" in session.text(name)

    session.say("/pause ben")
    await session.shows("Paused: ben", "paused")
    session.say("@ben say later")
    await session.shows("· ben held because paused")
    await session.until(lambda: session.border("ben").strip().endswith("paused · 1 waiting"))  # in 66 columns
    session.tmux("resize-window", "-t", f"={session.name}:", "-x", "300", "-y", "50")
    ghost = "paused · 1 waiting · [CSP queued 1 msg(s) waiting for idle] paused"
    await session.until(lambda: ghost in session.border("ben"))
    assert session.said_by("ben") == ["here"]
    session.say("/resume ben")
    await session.until(lambda: session.said_by("ben") == ["here", "later"])

    session.say("@cleo slow 60")
    await session.until(lambda: "busy" in session.border("cleo"))
    session.say("@cleo say patience")
    await session.shows("· cleo held because busy")
    session.say("@cleo !^C")
    await session.shows("Interrupted", name="cleo")
    await session.until(lambda: session.said_by("cleo")[-1] == "patience")


async def a_question_is_answered_in_the_chat(session: Session) -> None:
    session.say("@ada ask")
    await session.shows("ada asks: Do you want to run this?", "ada asks: F2")
    await session.until(lambda: "asking" in session.border("ada"))
    session.press("F2")
    await session.shows("press its key")
    session.type("1")
    await session.shows("answered: Yes")
    await session.until(lambda: "Asked: Yes" in session.text("ada"))


async def agents_come_and_go_while_it_runs(session: Session) -> None:
    added = session.groupchat("add", "dora", "--role", "poet", "--json", "--", *DEMO.split())
    assert (added.code, added.json) == (0, {"agents": ["dora"], "problems": {}})
    assert list(session.panes()) == ["chat", *AGENTS, "dora"]
    session.say("@role:poet say a verse")
    await session.until(lambda: session.said_by("dora") == ["a verse"])

    assert session.groupchat("role", "dora", "critic").code == 0
    await session.until(lambda: "dora (critic)" in session.border("dora"))
    session.say("@role:critic say it again")
    await session.until(lambda: session.said_by("dora")[1:] == ["it again"])

    before = session.pids()
    assert session.groupchat("restart", "dora").code == 0
    assert session.pids()["dora"] != before["dora"]
    session.say("@dora say another")
    await session.until(lambda: session.said_by("dora") == ["a verse", "it again", "another"])
    assert {name: pid for name, pid in session.pids().items() if name != "dora"} == {
        name: pid for name, pid in before.items() if name != "dora"
    }

    assert session.groupchat("rm", "dora").code == 0
    assert list(session.panes()) == ["chat", *AGENTS]
    assert session.said_by("dora") == ["a verse", "it again", "another"]
    gone = session.groupchat("rm", "dora", "--json")
    assert gone.error["code"] == "not_found"

    wrong = session.groupchat("add", "broken", "--json", "--", "/does/not/exist")
    assert wrong.code == 1
    assert re.search(r"ended at once \(exit \d+\): .*/does/not/exist", wrong.json["problems"]["broken"])


async def logs_and_status(session: Session) -> None:
    assert "listening" in session.groupchat("logs").out
    assert '"activity"' in session.groupchat("logs", "ada", "--json").out
    assert re.search(r"^[\d:]{8} info += activity=", session.groupchat("logs", "ada").out, re.M)
    await session.until(lambda: {session.doing()[name] for name in AGENTS} == {"idle"})
    found = session.groupchat("status", "--json").json
    assert (found["status"], found["session"]) == ("ok", "llm-groupchat")
    assert [(one["name"], one["pane"]) for one in found["team"]] == [(name, "running") for name in ("chat", *AGENTS)]
    assert {one["doing"] for one in found["team"][1:]} <= {"idle", "done"}  # done: nobody has seen its answer
    assert session.groupchat("send", "@ada", "!^C", "--json").json == {"keys": "^C", "members": ["ada"]}
    nobody = session.groupchat("logs", "zoe", "--json")
    assert nobody.code == 1
    assert "there are gateway, ada, ben, cleo" in nobody.error["message"]


async def test_what_dies_comes_back_and_who_leaves_is_gone(session: Session) -> None:
    session.up()
    await session.shows("● ada coder")
    await a_gateway_that_dies_is_shown_and_comes_back(session)
    await what_dies_is_shown_and_comes_back(session)
    await an_agent_that_leaves_is_shown_as_ended(session)


async def a_gateway_that_dies_is_shown_and_comes_back(session: Session) -> None:
    supervisor, gateway = session.supervisor_pid(), session.gateway_pid()
    os.kill(supervisor, signal.SIGSTOP)
    session.kill_gateway()
    await session.shows("Reconnecting...")
    session.say("@ada say still here")
    await session.shows("1 unsent")
    os.kill(supervisor, signal.SIGCONT)
    await session.shows("nothing was missed", "✓ ada answered")
    assert session.said_by("ada") == ["still here"]
    assert session.text().count("The gateway was away") == 1
    assert session.text().count("The gateway ended unexpectedly (SIGKILL)") == 1
    again = session.gateway_pid()
    assert again != gateway and session.supervisor_pid() == supervisor
    assert session.groupchat("restart", "gateway").code == 0
    assert session.gateway_pid() != again and not is_alive(supervisor) and not is_alive(again)


async def what_dies_is_shown_and_comes_back(session: Session) -> None:
    killed = kill_program_of(session.pids()["ben"], "sidecar.demo_agent")
    await session.until(lambda: program_of(session.pids()["ben"], "sidecar.demo_agent") not in (0, killed))
    assert session.groupchat("send", "@ben", "say back").code == 0
    await session.until(lambda: session.said_by("ben") == ["back"])

    worker = children_of(session.pids()["cleo"])[0]
    os.kill(worker, signal.SIGKILL)
    await session.until(lambda: children_of(session.pids()["cleo"])[:1] not in ([], [worker]))
    assert session.groupchat("send", "@cleo", "say back too").code == 0
    await session.until(lambda: session.said_by("cleo") == ["back too"])

    for pid in [*children_of(session.pids()["ada"]), session.pids()["ada"]]:
        with suppress(ProcessLookupError):  # the death of its parent has ended it
            os.kill(pid, signal.SIGKILL)
    await session.until(lambda: "ended" in session.border("ada"))
    assert session.groupchat("up", "--detach", "--json").json["problems"] == {}
    assert session.groupchat("send", "@ada", "say and me").code == 0
    await session.until(lambda: session.said_by("ada")[-1:] == ["and me"])


async def an_agent_that_leaves_is_shown_as_ended(session: Session) -> None:
    session.type("/exit", name="ben")
    session.press("Enter", name="ben")
    await session.until(lambda: session.border("ben").strip().endswith("ended"))
    await session.shows("ben left")
    session.say("@ben hello")
    await session.shows("Nobody here is called 'ben'")


async def test_somebody_enters_and_leaves(session: Session) -> None:
    session.up()
    await the_session_as_a_person_sees_it(session)
    await leaving_stops_nothing(session)
    await inside_tmux_the_client_is_switched(session)


def entered(session: Session) -> AbstractAsyncContextManager[Terminal]:
    """A client is attached to the session in a terminal of 120 columns."""
    command = [sys.executable, "-P", "-m", "controller.cli.main", "attach"]
    return terminal(command, session.environment, cwd=session.folder, columns=200, lines=50)


async def the_session_as_a_person_sees_it(session: Session) -> None:
    async with entered(session) as person:
        await person.shows("● ada coder")
        for words in ("ada (coder) idle", "ben (reviewer) idle", "cleo (tester) idle"):
            await person.shows(words)
        top = next(row for row in person.rows if "ada (coder) idle" in row)
        assert "ben (reviewer) idle" in top and "cleo (tester) idle" in top
        await session.until(lambda: are_even(session))
        person.write("@be")
        await person.shows("@ben")
        person.write("\t\r")
        person.write("say #1 and 日本語")
        person.write("\r")
        await person.shows("✓ ben answered")
        assert session.said_by("ben") == ["#1 and 日本語"]
        person.resize(40, 30)
        await person.shows("● ada")
        await agents_have_windows_where_panes_would_be_small(session, person)
        person.resize(200, 50)
        await person.shows("● ada coder")
        await person.shows("ada (coder) idle")
        await session.until(lambda: len(set(session.panes("#{window_id}").values())) == 1)
        await the_chat_is_made_large_and_small(session, person)


def are_even(session: Session) -> bool:
    widths = [int(one) for name, one in session.panes("#{pane_width}").items() if name != "chat"]
    return max(widths) - min(widths) <= 1


async def agents_have_windows_where_panes_would_be_small(session: Session, person: Terminal) -> None:
    windows = ["chat", *AGENTS]
    await session.until(lambda: list(session.panes("#{window_name}").values()) == windows)
    person.resize(120, 40)
    await person.shows("1:ada")
    await person.shows("2:ben")
    await person.shows("3:cleo")
    await person.shows("C-b n is the next agent")
    assert int(session.panes("#{pane_height}")["chat"]) - 3 >= 20
    person.write("/terminal ben\r")
    await person.shows("ben (reviewer) idle")
    await person.shows("C-b l goes back to the chat")
    await retry_until(lambda: "alice >" not in person.screen, describe=person.describe)
    person.write("\x02l")
    await person.shows("alice >")
    person.write("/large\r")
    await person.shows("The chat has this window to itself")


async def the_chat_is_made_large_and_small(session: Session, person: Terminal) -> None:
    person.write("\x1b[15~")  # F5
    await session.until(lambda: session.panes("#{window_zoomed_flag}")["chat"] == "1")
    await person.shows("F5 shows the agents again")
    person.write("\x1b[15~")
    await person.shows("ada (coder) idle")
    await person.shows("F5 makes the chat large")
    person.write("@ben\x1b[15~")
    await session.until(lambda: session.panes("#{window_zoomed_flag}#{pane_active}")["ben"] == "11")
    await retry_until(lambda: "alice >" not in person.screen, describe=person.describe)
    person.write("\x02z")  # shows all panes
    await person.shows("alice > @ben")
    person.write("\x02;")  # goes back to the chat
    await session.until(lambda: session.panes("#{pane_active}")["chat"] == "1")
    person.write("\x03")
    await person.shows("Cleared")


async def leaving_stops_nothing(session: Session) -> None:
    before = session.pids()
    async with entered(session) as person:
        await person.shows("● ada coder")
        person.write("\x02d")
        assert await person.ends() == 0
    assert session.pids() == before
    assert session.tmux("list-clients") == ""

    async with terminal(["tmux", "attach"], session.environment, columns=100, lines=30) as other:
        await other.shows("● ada")
        other.write("\x04")  # Ctrl-D in the chat detaches the client
        assert await other.ends() == 0
        assert session.pids() == before

    async with terminal(["tmux", "attach"], session.environment, columns=100, lines=30) as other:
        await other.shows("● ada")
        os.kill(other.process.pid, signal.SIGKILL)
        await other.ends()
    session.say("@ada say alive")
    await session.until(lambda: session.said_by("ada")[-1:] == ["alive"])
    assert session.pids() == before


async def inside_tmux_the_client_is_switched(session: Session) -> None:
    session.tmux("new-session", "-d", "-s", "mine", "-x", "120", "-y", "36")
    async with terminal(["tmux", "attach", "-t", "mine"], session.environment, columns=120, lines=36) as person:
        await person.shows("[mine]")
        attach = f"GROUPCHAT_STATE={session.state} {sys.executable} -P -m controller.cli.main attach"
        person.write(f"cd {Path.cwd()}; {attach}\r")
        await person.shows("● ada coder")
        assert session.tmux("list-clients", "-F", "#{client_session}").strip() == "llm-groupchat"
        person.write("\x04")  # leaves only our session
        await person.shows("[mine]")
        await session.until(lambda: session.tmux("list-clients", "-F", "#{client_session}").strip() == "mine")


async def test_two_teams_at_once_and_down_ends_exactly_what_up_started(session: Session) -> None:
    session.tmux("new-session", "-d", "-s", "mine", "sleep 600")
    session.up()
    await another_team_runs_beside_it_and_ends(session)
    down_ends_exactly_what_up_started(session)


async def another_team_runs_beside_it_and_ends(session: Session) -> None:
    night = session.folder / "night.toml"
    agents = "".join(f'[[agents]]\nname = "{name}"\ncommand = "{DEMO}"\n' for name in ("ada", "owl"))
    night.write_text(f'name = "night"\n[[rooms]]\nname = "moon"\ntopic = "Dark"\n{agents}prompt = "say I am awake"\n')
    env = {name: value for name, value in session.environment.items() if name != "GROUPCHAT_STATE"}
    state = session.folder / "night-state"

    def groupchat(*arguments: str) -> Outcome:
        return run_command([*arguments, "--state", str(state)], env, session.folder)

    up = groupchat("up", "--detach", "--json", "--team", str(night))
    assert up.code == 0, up.err
    assert up.json["session"] == "llm-groupchat-night"
    assert set(session.tmux("list-sessions", "-F", "#{session_name}").split()) == {
        "llm-groupchat",
        "llm-groupchat-night",
        "mine",
    }
    answer = groupchat("send", "@owl", "say hoo", "--wait-reply", "--json")
    assert answer.code == 0, answer.err
    assert "hoo" in answer.json["reply"]["content"]
    assert "I am awake" in groupchat("history").out
    assert "Dark" in groupchat("rooms").out
    assert session.said_by("owl") == []
    assert groupchat("down", "--json").json["ended"] == ["session", "ada", "owl", "gateway"]
    assert session.panes()


def down_ends_exactly_what_up_started(session: Session) -> None:
    ours = [session.gateway_pid(), session.supervisor_pid(), *session.pids().values()]
    ours += [child for pid in session.pids().values() for child in children_of(pid)]
    done = session.groupchat("down", "--json")
    assert done.json["ended"] == ["session", *AGENTS, "gateway"]
    assert not [pid for pid in ours if is_alive(pid)]
    assert session.tmux("list-sessions", "-F", "#{session_name}").split() == ["mine"]
    again = session.groupchat("down")
    assert (again.code, again.out) == (0, "Stopped: nothing was running.\n")


async def test_the_first_word_reaches_every_pane(session: Session) -> None:
    """Sent as soon as the chat accepts it, while the agents' programs are still starting."""
    with starting(session) as up:
        await session.until(lambda: "alice >" in session.text())
        session.say("@all say at once")
        assert up.wait(120) == 0
    await session.shows("✓ ada answered  ✓ ben answered  ✓ cleo answered")
    assert [session.said_by(name) for name in AGENTS] == [["at once"]] * 3


async def test_down_leaves_a_gateway_that_it_did_not_start(session: Session) -> None:
    serve = [sys.executable, "-P", "-m", "controller.cli.main", "serve", "--json", "--port", "0"]
    with subprocess.Popen(serve, env=session.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as gateway:
        try:
            assert gateway.stdout is not None and gateway.stdout.readline()
            session.up()
            assert session.groupchat("down", "--json").json["ended"] == ["session", *AGENTS]
            assert gateway.poll() is None
        finally:
            gateway.terminate()


# two commands at once, and one that is killed


@contextmanager
def starting(session: Session) -> Iterator[subprocess.Popen[bytes]]:
    command = [*Groupchat(session.state).command("up"), "--demo", "--detach", "--port", "0"]
    with subprocess.Popen(
        command,
        env=session.environment,
        cwd=session.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as up:
        yield up


async def nothing_runs(session: Session) -> None:
    assert session.tmux("list-sessions") == ""
    await retry_until(lambda: not has_live_gateway(session.state))
    again = session.groupchat("down", "--json")
    assert again.json["ended"] == []


async def test_down_ends_what_a_killed_start_has_left(session: Session) -> None:
    with starting(session) as up:
        await retry_until(lambda: has_live_gateway(session.state) and bool(session.tmux("list-sessions")))
        up.kill()
    ended = session.groupchat("down", "--json").json["ended"]
    assert (ended[0], ended[-1]) == ("session", "gateway")
    await nothing_runs(session)


async def test_a_start_after_a_killed_one_has_everybody(session: Session) -> None:
    with starting(session) as up:
        await retry_until(lambda: "ada" in session.panes())
        up.kill()
    session.up()
    assert list(session.panes()) == ["chat", *AGENTS]
    assert session.groupchat("down", "--json").json["ended"] == ["session", *AGENTS, "gateway"]
    await nothing_runs(session)


async def test_down_during_a_start_ends_all_of_it(session: Session) -> None:
    with starting(session) as up:
        await retry_until(lambda: has_live_gateway(session.state))
        assert session.groupchat("down", "--json").json["ended"] == ["session", *AGENTS, "gateway"]
        up.wait(60)
    await nothing_runs(session)


# errors that stop a start


async def test_without_tmux_it_says_what_does_the_same(session: Session) -> None:
    session.env["PATH"] = str(Path(sys.executable).parent)
    done = session.groupchat("up", "--demo", "--detach", "--json", "--port", "0")
    assert done.code == 1
    assert "groupchat chat" in done.error["message"] and "groupchat join" in done.error["message"]
    assert not (session.state / "gateway.json").exists()


async def test_a_taken_port(session: Session, unused_tcp_port: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", str(unused_tcp_port), "--bind", "127.0.0.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as other:
        try:
            assert other.stdout is not None and other.stdout.readline()
            done = session.groupchat("up", "--demo", "--detach", "--json", "--port", str(unused_tcp_port))
            assert done.code == 1
            assert f"port {unused_tcp_port} is taken" in done.error["message"]
        finally:
            other.kill()


async def test_a_foreign_session_of_the_same_name_is_left_alone(session: Session) -> None:
    session.tmux("new-session", "-d", "-s", "llm-groupchat", "sleep 600")
    done = session.groupchat("up", "--demo", "--detach", "--json", "--port", "0")
    assert done.error["code"] == "conflict"
    assert session.tmux("list-sessions", "-F", "#{session_name}").split() == ["llm-groupchat"]
    session.groupchat("down")
    assert session.tmux("list-sessions", "-F", "#{session_name}").split() == ["llm-groupchat"]


async def test_a_start_that_fails_ends_no_gateway_that_ran_before(session: Session) -> None:
    session.up()
    supervisor, gateway = session.supervisor_pid(), session.gateway_pid()
    session.tmux("kill-session", "-t", "=llm-groupchat", ";", "new-session", "-d", "-s", "llm-groupchat", "sleep 600")
    failed = session.groupchat("up", "--demo", "--detach", "--json")
    assert failed.error["code"] == "conflict"
    assert (session.supervisor_pid(), session.gateway_pid()) == (supervisor, gateway)
    assert is_alive(supervisor) and is_alive(gateway)
    assert session.groupchat("down", "--json").json["ended"] == ["gateway"]
    assert session.tmux("list-sessions", "-F", "#{session_name}").split() == ["llm-groupchat"]


async def test_a_team_file_with_a_mistake(session: Session) -> None:
    (session.folder / "team.toml").write_text('[[agents]]\nname = "ada"\ncomand = "x"\n')
    done = session.groupchat("up", "--detach", "--json")
    assert done.code == 1
    assert "team.toml, line 3" in done.error["message"]
