"""tmux is asked with a deadline, and shows text as it is."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import stat
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.team.team import LayoutSpec
from controller.tmux.call_with_timeout import call_with_timeout
from controller.tmux.panes import PanePlan, SessionSetup
from controller.tmux.session import Workspace, socket_path
from controller.wording.member_state_text import BorderText
from controller.workspace.launcher import warn_of_tokens
from gateway.protocol.errors import Conflict, NotFound, TimedOut, Unavailable
from tests.fakes.retry import retry_until
from tests.support.other_user import NOBODY, needs_root

pytestmark = pytest.mark.processes


async def test_a_call_that_hangs_holds_up_nothing() -> None:
    ending = threading.Event()
    begun = time.monotonic()
    with pytest.raises(TimedOut, match="did not answer"):
        await call_with_timeout(ending.wait, 0.1, "hang")
    assert time.monotonic() - begun < 25
    ending.set()


async def test_what_a_call_answers_or_raises() -> None:
    assert await call_with_timeout(lambda: 7, 5, "answer") == 7
    with pytest.raises(ZeroDivisionError):
        await call_with_timeout(lambda: 1 // 0, 5, "fail")


async def test_a_tmux_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tmux"
    number = tmp_path / "pid"
    program.write_text(f"#!/bin/sh\necho $$ >{number}\nexec sleep 30\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    try:
        with pytest.raises(TimedOut, match="tmux did not answer"):
            await Workspace(socket="gc-hangs", patience=3).exists()
    finally:
        os.kill(int(await retry_until(lambda: number.exists() and number.read_text().strip())), signal.SIGKILL)


@pytest.mark.parametrize(
    ("env", "name", "path"),
    [
        ({}, None, "/tmp/tmux-7/default"),
        ({}, "other", "/tmp/tmux-7/other"),
        ({"TMUX": "/run/x/foreign,12,0"}, None, "/run/x/foreign"),
        ({"TMUX": "/run/x/foreign,12,0"}, "other", "/tmp/tmux-7/other"),
        ({"TMUX": ",12,0"}, None, "/tmp/tmux-7/default"),
        ({"TMUX_TMPDIR": "/usr"}, None, "/usr/tmux-7/default"),
        ({"TMUX_TMPDIR": "/not/there"}, None, "/tmp/tmux-7/default"),
        ({"TMUX": "/run/x/foreign,12,0"}, "/by/path", "/by/path"),
    ],
)
def test_the_socket_is_chosen_as_tmux_does(env: dict[str, str], name: str | None, path: str) -> None:
    assert socket_path(env, name, 7) == path


needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture
async def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    sockets = tmp_path / "s"
    sockets.mkdir(mode=0o700)
    monkeypatch.setenv("TMUX_TMPDIR", str(sockets))
    monkeypatch.delenv("TMUX", raising=False)
    one = Workspace()
    yield one
    await one.kill()


def plan(folder: Path, name: str, text: str = "sleep 60", title: str = "") -> PanePlan:
    script = folder / f"{name} it's.sh"
    script.write_text(text)
    return PanePlan(name, title or name, script)


@needs_tmux
async def test_text_is_shown_as_it_is(workspace: Workspace, tmp_path: Path) -> None:
    await workspace.build(
        plan(tmp_path, "chat", title="a #{pane_id} #[fg=red]b #(date)"), SessionSetup((80, 24)), tmp_path
    )
    await workspace.show_borders({"chat": BorderText("a #{pane_id} #[fg=red]b #(date)", "#5 ##x #{host}")})
    shown = await workspace._tmux("display-message", "-p", "-t", "=llm-groupchat:", "#{T:pane-border-format}")
    assert "a ##{pane_id} ##[fg=red]b ##(date)" in shown[0]
    assert "##5 ####x ##{host}" in shown[0]


@needs_tmux
@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, "codex (reviewer) idle · 2 waiting · 6 hops left"),
        (54, "codex (reviewer) idle · 2 waiting · 6 hops left"),
        (50, "codex (reviewer) idle · 2 waiting"),
        (39, "codex (reviewer) idle · 2 waiting"),
        (30, "codex (reviewer) idle"),
    ],
)
async def test_a_narrow_border_leaves_out_whole_words(
    columns: int, shown: str, workspace: Workspace, tmp_path: Path
) -> None:
    await workspace.build(plan(tmp_path, "chat"), SessionSetup((columns, 24)), tmp_path)
    await workspace.show_borders({"chat": BorderText("codex (reviewer)", "idle · 2 waiting · 6 hops left")})
    found = await workspace._tmux("display-message", "-p", "-t", "=llm-groupchat:", "#{E:pane-border-format}")
    assert re.sub(r"#\[[^]]*\]", "", found[0]).strip() == shown
    assert len(shown) + 5 <= columns, "tmux draws a line on both sides"


@needs_tmux
async def test_the_environment_goes_by_a_file_that_is_gone(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "out"
    await workspace.build(
        plan(tmp_path, "chat"), SessionSetup(None, {"KEY": "a 'quoted' $value; kill-server #"}), tmp_path
    )
    await workspace.add([plan(tmp_path, "ada", f'printf %s "$KEY" > {out}; sleep 60')], LayoutSpec())
    await retry_until(lambda: out.exists() and out.read_text() == "a 'quoted' $value; kill-server #")
    assert not (tmp_path / "tmux.conf").exists()


@needs_tmux
async def test_options_of_the_session_touch_no_other(workspace: Workspace, tmp_path: Path) -> None:
    await workspace.build(plan(tmp_path, "chat"), SessionSetup(options={"mouse": "on"}), tmp_path)
    await workspace._tmux("new-session", "-d", "-s", "mine", "sleep 60")
    options = ("show-options", "-v", "-A", "-t")
    assert await workspace._tmux(*options, "=llm-groupchat:", "mouse") == ["on"]
    assert await workspace._tmux(*options, "=mine:", "mouse") == ["off"]
    assert "leaves, agents go on" not in str(await workspace._tmux(*options, "=mine:", "status-right"))
    await workspace._tmux("kill-session", "-t", "=mine")


@needs_tmux
async def test_a_pane_is_shown_as_large_as_the_window_whichever_was_before(
    workspace: Workspace, tmp_path: Path
) -> None:
    await workspace.build(plan(tmp_path, "chat"), SessionSetup((200, 60)), tmp_path)
    await workspace.add([plan(tmp_path, "ada"), plan(tmp_path, "ben")], LayoutSpec())
    assert await workspace.zoom_chat() is True
    for name in ("ada", "ben", "ben"):
        await workspace.show_pane(name)
        shown = await workspace._tmux(
            "display-message", "-p", "-t", "=llm-groupchat:", "#{pane_id} #{window_zoomed_flag}"
        )
        assert shown == [f"{(await workspace.pane(name)).id} 1"]


@needs_tmux
async def test_agents_get_windows_in_a_small_session_and_panes_in_a_large_one(
    workspace: Workspace, tmp_path: Path
) -> None:
    await workspace.build(plan(tmp_path, "chat"), SessionSetup((80, 24)), tmp_path)
    await workspace.add([plan(tmp_path, "ada"), plan(tmp_path, "ben")], LayoutSpec())
    assert [one.name for one in await workspace.panes()] == ["chat", "ada", "ben"]
    assert len({one.window for one in await workspace.panes()}) == 3
    pids = [one.pid for one in await workspace.panes()]
    assert await workspace.zoom_chat() is None

    await resize(workspace, "200", "60")
    await workspace.arrange_after_resize(LayoutSpec())
    assert len({one.window for one in await workspace.panes()}) == 1
    await workspace.add([plan(tmp_path, "cleo")], LayoutSpec())
    assert await workspace.zoom_chat() is True
    await resize(workspace, "80", "24")
    await workspace.arrange_after_resize(LayoutSpec())
    assert (await workspace.pane("chat")).zoomed, "a pane that fills the window stays"
    assert await workspace.zoom_chat() is False
    await workspace.arrange_after_resize(LayoutSpec())
    panes = await workspace.panes()
    assert [one.name for one in panes] == ["chat", "ada", "ben", "cleo"]
    assert len({one.window for one in panes}) == 4
    assert [one.pid for one in panes][:3] == pids, "a moved pane keeps its program"
    await workspace.remove("ben", LayoutSpec())
    assert [one.name for one in await workspace.panes()] == ["chat", "ada", "cleo"]


async def resize(workspace: Workspace, columns: str, lines: str) -> None:
    await workspace._tmux("resize-window", "-t", "=llm-groupchat:chat", "-x", columns, "-y", lines)


@needs_tmux
async def test_what_a_person_did_to_the_panes_stays_while_the_window_does(workspace: Workspace, tmp_path: Path) -> None:
    await workspace.build(plan(tmp_path, "chat"), SessionSetup((200, 61)), tmp_path)
    await workspace.add([plan(tmp_path, "ada")], LayoutSpec())
    chat = await workspace.pane("chat")
    await workspace._tmux("resize-pane", "-t", chat.id, "-y", "10")
    await workspace.arrange_after_resize(LayoutSpec())
    assert await workspace._tmux("display-message", "-p", "-t", chat.id, "#{pane_height}") == ["10"]


@needs_tmux
async def test_focus_events_are_set_only_on_a_server_of_our_own(workspace: Workspace, tmp_path: Path) -> None:
    await workspace.build(plan(tmp_path, "chat"), SessionSetup(), tmp_path)
    assert await workspace._tmux("show-options", "-s", "focus-events") == ["focus-events on"]
    await workspace._tmux("set-option", "-s", "focus-events", "off", ";", "new-session", "-d", "-s", "mine", "sleep 60")
    await workspace.kill()
    await workspace.build(plan(tmp_path, "chat"), SessionSetup(), tmp_path)
    assert await workspace._tmux("show-options", "-s", "focus-events") == ["focus-events off"]
    await workspace._tmux("kill-session", "-t", "=mine")


@needs_tmux
async def test_panes_end_and_begin_anew_in_their_place(workspace: Workspace, tmp_path: Path) -> None:
    await workspace.build(plan(tmp_path, "chat"), SessionSetup(), tmp_path)
    with pytest.raises(Conflict):
        await workspace.build(plan(tmp_path, "chat"), SessionSetup(), tmp_path)
    await workspace.add([plan(tmp_path, "ada", "exit 3"), plan(tmp_path, "ben")], LayoutSpec())
    while not (ada := await workspace.pane("ada")).status:  # tmux sees the end a moment before it knows how
        await asyncio.sleep(0.01)
    assert (ada.dead, ada.status) == (True, "3")
    plan(tmp_path, "ada")
    await workspace.respawn("ada")
    again = await workspace.pane("ada")
    assert (again.id, again.dead) == (ada.id, False)
    await workspace.remove("ada", LayoutSpec())
    assert [one.name for one in await workspace.panes()] == ["chat", "ben"]
    with pytest.raises(NotFound, match="there are chat, ben"):
        await workspace.pane("ada")


@needs_tmux
@pytest.mark.parametrize("name", [None, "another"])
async def test_a_session_is_found_by_the_path_of_its_socket(workspace: Workspace, tmp_path: Path, name: str) -> None:
    """Also from inside another server."""
    one = Workspace("llm-groupchat-x", name)
    await one.build(plan(tmp_path, "chat"), SessionSetup(), tmp_path)
    path = await one.place()
    assert path == socket_path(os.environ, name, os.geteuid())
    found = Workspace("llm-groupchat-x", path)
    assert (await found.born(), await found.begun_sessions()) == (
        await one.born(),
        {"llm-groupchat-x": tmp_path.parent},
    )
    assert (await found.attach_command({}))[:5] == ["env", "-u", "TMUX", "tmux", "-S"]
    assert (await found.attach_command({"TMUX": f"{path},1,0"}))[3] == "switch-client"
    await found.kill()
    assert not await one.exists()


@needs_root
async def test_a_socket_in_somebody_elses_folder_is_not_used(tmp_path: Path) -> None:
    os.chown(tmp_path, NOBODY, NOBODY)
    with pytest.raises(Unavailable, match="belongs to somebody else"):
        await Workspace(socket=f"{tmp_path}/default").born()
    assert not await Workspace(socket=f"{tmp_path}/default").exists()


@needs_tmux
async def test_whose_a_session_of_the_same_name_is(workspace: Workspace, tmp_path: Path) -> None:
    await workspace.build(plan(tmp_path / "..", "chat"), SessionSetup(), tmp_path)
    with pytest.raises(Conflict, match=r"a team of the same name with the folder .*groupchat down --state"):
        await workspace.build(plan(tmp_path, "chat"), SessionSetup(), tmp_path)
    await workspace.kill()
    await Workspace()._begin("new-session", "-d", "-s", workspace.session, "sleep 60")
    with pytest.raises(Conflict, match=r"no team.s\. Rename it"):
        await workspace.build(plan(tmp_path, "chat"), SessionSetup(), tmp_path)


@needs_tmux
async def test_what_tmux_refuses_is_a_sentence(workspace: Workspace) -> None:
    with pytest.raises(Unavailable, match="tmux display-message"):
        await workspace.born()


def lines_of(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@needs_tmux
async def test_no_token_is_in_the_environment_of_tmux(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSP_AUTH_TOKEN", "secret-7")
    monkeypatch.setenv("GROUPCHAT_MCP_KEY", "secret-8")
    await workspace.build(plan(tmp_path, "chat"), SessionSetup(None, {"GROUPCHAT_STATE": "/s"}), tmp_path)
    assert "secret" not in "\n".join(await workspace._tmux("show-environment", "-g"))
    assert await workspace.inherited() == []
    await opened_by_a_person(workspace, tmp_path)


@needs_tmux
async def test_a_server_that_knew_the_token_gives_it_to_no_pane_of_ours(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CSP_AUTH_TOKEN", "secret-7")
    await workspace._tmux("new-session", "-d", "-s", "of-the-person", "sleep 60")
    try:
        await workspace.build(plan(tmp_path, "chat"), SessionSetup(None, {"GROUPCHAT_STATE": "/s"}), tmp_path)
        assert await workspace.inherited() == ["CSP_AUTH_TOKEN"]
        told: list[str] = []
        await warn_of_tokens(workspace, told.append)
        assert "`tmux set-environment -gu CSP_AUTH_TOKEN` takes it out" in told[0]
        await opened_by_a_person(workspace, tmp_path)
    finally:
        await workspace._tmux("kill-session", "-t", "=of-the-person")


async def opened_by_a_person(workspace: Workspace, folder: Path) -> None:
    out = folder / "found"
    await workspace._tmux(
        "new-window", "-d", "-t", "=llm-groupchat:", f"env > {out}.part; mv {out}.part {out}; sleep 60"
    )
    await retry_until(out.exists)
    assert "GROUPCHAT_STATE=/s" in lines_of(out)
    assert "secret" not in out.read_text()


@needs_tmux
@pytest.mark.parametrize(("before", "found"), [(500, "10"), (30, "30"), (0, "0")])
async def test_escape_is_quick_on_a_server_of_our_own_where_nobody_chose_a_time(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: int, found: str
) -> None:
    """500 ms is what tmux before 3.5 begins with; the later ones begin with 10."""
    (tmp_path / ".tmux.conf").write_text(f"set -s escape-time {before}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    await workspace.build(plan(tmp_path, "chat"), SessionSetup((80, 24)), tmp_path)
    assert await workspace._tmux("show-options", "-sv", "escape-time") == [found]


@needs_tmux
async def test_a_server_of_somebody_else_keeps_its_time(workspace: Workspace, tmp_path: Path) -> None:
    await workspace._tmux("new-session", "-d", "-s", "mine", "sleep 60", ";", "set-option", "-s", "escape-time", "500")
    await workspace.build(plan(tmp_path, "chat"), SessionSetup((80, 24)), tmp_path)
    assert await workspace._tmux("show-options", "-sv", "escape-time") == ["500"]
    await workspace._tmux("kill-session", "-t", "=mine")
