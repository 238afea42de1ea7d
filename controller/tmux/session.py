"""The tmux session that holds a team. The only module that knows libtmux.

It touches no session but its own, and kills nothing that it did not start. Only what tmux 3.2 can do is used, each call
has a deadline, and a tmux that hangs holds up nothing but that call.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.team.team import CHAT_PANE, DEFAULT_SESSION, LayoutSpec
from controller.tmux.border_formats import (
    SESSION_OPTIONS,
    WINDOW_OPTIONS,
    border_options,
    escape_format,
    window_option_words,
)
from controller.tmux.call_with_timeout import call_with_timeout
from controller.tmux.pane_layout import Placement, place_agents
from controller.tmux.panes import PanePlan, PaneView, SessionSetup, chat_pane_of, parse_pane
from controller.wording.member_state_text import BorderText
from gateway.files.private_files import write_private
from gateway.protocol.errors import Conflict, NotFound, TimedOut, Unavailable

if TYPE_CHECKING:
    import libtmux


TMUX_TIMEOUT_S = 5.0
OLDEST_TMUX = (3, 2)
DETACHED_SIZE = (200, 50)
MAX_LAST_LINES = 3
ESCAPE_TIME_OF_OLD_TMUX_MS, ESCAPE_TIME_MS = "500", "10"
SERVER_WAS_ENDING = "server exited unexpectedly"
OWN_VARIABLE_PREFIXES = ("CSP_", "GROUPCHAT_")
BACK_HINT = "#{prefix} z shows all panes again, #{prefix} ; goes back to the chat"
WINDOW_BACK_HINT = "#{prefix} l goes back to the chat, #{prefix} n to the next agent"
ARRANGED_OPTION = "@groupchat_arranged"  # the size of the window for which the panes were arranged


def without_own_variables(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without our variables, for a program that passes its environment on."""
    return {name: value for name, value in env.items() if not name.startswith(OWN_VARIABLE_PREFIXES)}


BEGUN_WITH_OPTION = "@groupchat_begun_with"


def socket_path(env: Mapping[str, str], name: str | None, uid: int) -> str:
    """The path of the socket that tmux would choose: the named one, else that of the server that this terminal is in,
    else the default one. A command outside this terminal finds the same server by the path."""
    if name and "/" in name:
        return name
    if not name and (inside := env.get("TMUX", "").partition(",")[0]):
        return inside
    folders = (one for one in (env.get("TMUX_TMPDIR"), "/tmp") if one and os.path.isdir(one))
    return f"{os.path.realpath(next(folders, '/tmp'))}/tmux-{uid}/{name or 'default'}"


def _tmux_command(socket: str | None) -> list[str]:
    """The program that talks to the server of this name or path; without one, tmux chooses."""
    return ["tmux"] if not socket else ["tmux", "-S" if "/" in socket else "-L", socket]


class Workspace:
    """`socket` is a name as for `tmux -L`, a path as for `tmux -S`, or nothing: then tmux chooses as it always does."""

    def __init__(
        self, session: str = DEFAULT_SESSION, socket: str | None = None, patience: float = TMUX_TIMEOUT_S
    ) -> None:
        self.session = session
        self.socket = socket
        self._patience = patience
        self._known: libtmux.Server | None = None

    @property
    def _target(self) -> str:
        return f"={self.session}"

    def _server(self) -> libtmux.Server:
        """Created at its first use, in the thread of that call, so that a start does not wait for it."""
        if self._known is None:
            import libtmux  # noqa: PLC0415

            path = self.socket if self.socket and "/" in self.socket else None
            name = self.socket if path is None else None
            self._known = libtmux.Server(socket_name=name or None, socket_path=path)
        return self._known

    def _check_socket(self) -> None:
        """Check the folder's owner: tmux does so only if it chose the folder itself."""
        if self.socket and "/" in self.socket:
            with contextlib.suppress(FileNotFoundError):
                if os.stat(os.path.dirname(self.socket)).st_uid not in (os.geteuid(), 0):
                    raise Unavailable(f"{os.path.dirname(self.socket)} belongs to somebody else.")

    async def _tmux(self, *words: str) -> list[str]:
        """One call of tmux; several commands are separated by a word `;`."""
        self._check_socket()
        try:
            done = await call_with_timeout(lambda: self._server().cmd(*words), self._patience, words[0])
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "libtmux":
                raise
            raise Unavailable(f"tmux cannot be run: {error}.") from error
        if done.returncode:
            raise Unavailable(f"tmux {words[0]}: {' '.join(done.stderr) or f'exit {done.returncode}'}")
        return list(done.stdout)

    async def exists(self) -> bool:
        try:
            await self._tmux("has-session", "-t", self._target)
        except TimedOut:
            raise
        except Unavailable:
            return False
        return True

    async def place(self) -> str:
        """The path of the socket of the server that has the session."""
        return "".join(await self._tmux("display-message", "-p", "-t", f"{self._target}:", "#{socket_path}"))

    async def born(self) -> str:
        """Distinguishes this session from a later one of the same name."""
        (line,) = await self._tmux(
            "display-message", "-p", "-t", f"{self._target}:", "#{pid} #{session_id} #{session_created}"
        )
        return line

    async def begun_with(self) -> str:
        """The chat's script if `build` created this session; otherwise empty."""
        return "".join(await self._tmux("show-options", "-qv", "-t", f"{self._target}:", BEGUN_WITH_OPTION))

    async def _owner_of_session(self) -> str:
        """The owner of the session that has our session's name."""
        script = await self.begun_with()
        if not script:
            return ", and it is no team's. Rename it, or give this team another name in team.toml."
        state = Path(script).parent.parent
        return (
            f": a team of the same name with the folder {state}. `groupchat attach --state {state}` enters it, "
            f"`groupchat down --state {state}` ends it; another name in team.toml keeps both."
        )

    async def begun_sessions(self) -> dict[str, Path]:
        """The sessions of this server that an `up` started, with the state folder of each."""
        lines = await self._tmux("list-sessions", "-F", f"#{{session_name}}\t#{{{BEGUN_WITH_OPTION}}}")
        found = [line.partition("\t") for line in lines]
        return {name: Path(script).parent.parent for name, _, script in found if script}

    # creating

    async def build(self, chat: PanePlan, outfit: SessionSetup, folder: Path) -> None:
        """Create a session with only the chat. The environment is passed in a private file, because other users can
        read tmux's arguments."""
        if await self.exists():
            raise Conflict(f"The session {self.session} is there already{await self._owner_of_session()}")
        width, height = outfit.size or DETACHED_SIZE
        height -= bool(outfit.size)  # the status line takes a row of the terminal
        new = ("new-session", "-d", "-P", "-F", "#{pane_id}", "-s", self.session, "-n", "chat")
        size = ("-x", str(width), "-y", str(height))
        whose = (";", "set-option", "-t", f"{self._target}:", BEGUN_WITH_OPTION, str(chat.script))
        pane = await self._begin(*new, *size, f"exec sh {_quote_path(chat.script)}", *whose)
        settings = folder / "tmux.conf"
        write_private(
            settings, "".join([*self._settings(outfit), *self._remove_own_variables(outfit, await self.inherited())])
        )
        try:
            await self._tmux("source-file", str(settings), ";", *self._named(pane, chat))
        finally:
            settings.unlink()
        await self._set_server_options()

    async def _set_server_options(self) -> None:
        """Set options of the whole server if this session is the server's only one: `escape-time` to the default of
        tmux 3.5, if it still has the old one, and `focus-events`, which agents ask for."""
        found = await self._tmux("list-sessions", "-F", "#{escape-time} #{focus-events}")
        if len(found) > 1:
            return
        escape_time, focus_events = found[0].split()
        if escape_time == ESCAPE_TIME_OF_OLD_TMUX_MS:
            await self._tmux("set-option", "-s", "escape-time", ESCAPE_TIME_MS)
        if focus_events != "1":
            await self._tmux("set-option", "-s", "focus-events", "on")

    async def _begin(self, *words: str) -> str:
        """The first command of a session. It starts a server if none runs. The server passes its environment to every
        pane of every session, so that environment must hold none of our variables."""
        command = [shutil.which("tmux") or "tmux", *_tmux_command(self.socket)[1:], *words]

        def begin() -> subprocess.CompletedProcess[str]:
            env = without_own_variables(os.environ)
            return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

        try:
            done = await call_with_timeout(begin, self._patience, words[0])
            if SERVER_WAS_ENDING in done.stderr:  # its last session ended just before; now a server can start
                done = await call_with_timeout(begin, self._patience, words[0])
        except OSError as error:
            raise Unavailable(f"tmux cannot be run: {error}.") from error
        if done.returncode:
            raise Unavailable(f"tmux {words[0]}: {done.stderr.strip() or f'exit {done.returncode}'}")
        return done.stdout.strip()

    async def inherited(self) -> list[str]:
        """Our variables in the environment of a server that somebody started with them; it passes them to every
        pane."""
        lines = await self._tmux("show-environment", "-g")
        return [name for line in lines if (name := line.partition("=")[0]).startswith(OWN_VARIABLE_PREFIXES)]

    def _remove_own_variables(self, outfit: SessionSetup, names: Sequence[str]) -> list[str]:
        """Remove them from the panes of this session, not from the server, which others use too."""
        session = _quote_word(self._target)
        gone = [name for name in names if name not in outfit.environment and name.isidentifier()]
        return [f"set-environment -r -t {session} {name}\n" for name in gone]

    def _settings(self, outfit: SessionSetup) -> list[str]:
        session, window = _quote_word(self._target), _quote_word(f"{self._target}:")
        options = {**SESSION_OPTIONS, **outfit.options}
        return [
            *(
                f"set-environment -t {session} {name} {_quote_word(value)}\n"
                for name, value in outfit.environment.items()
            ),
            *(f"set-option -w -t {window} {name} {_quote_word(value)}\n" for name, value in WINDOW_OPTIONS.items()),
            *(f"set-option -t {window} {name} {_quote_word(value)}\n" for name, value in options.items()),
        ]

    @staticmethod
    def _named(pane: str, plan: PanePlan) -> tuple[str, ...]:
        names = {"@groupchat_name": plan.name, "@groupchat_title": escape_format(plan.title)}
        words: list[str] = []
        for option, value in names.items():
            words += [";"] * bool(words) + ["set-option", "-p", "-t", pane, option, value]
        return tuple(words)

    async def add(self, plans: Sequence[PanePlan], spec: LayoutSpec) -> None:
        """Create a pane or a window for each agent, and lay out all panes."""
        panes = await self.panes()
        chat = chat_pane_of(panes)
        width, height = await self._window_size(chat)
        windows = place_agents(len(panes) - 1 + len(plans), width, height, spec).windows
        last = [one for one in panes if one.window == chat.window][-1].id
        for plan in plans:
            if windows:
                await self._add_window(plan)
            else:
                last = await self._add_pane(plan, last)
        await self.arrange(spec)

    async def _add_pane(self, plan: PanePlan, after: str) -> str:
        split = ("split-window", "-d", "-v", "-P", "-F", "#{pane_id}", "-t", after)
        (pane,) = await self._tmux(*split, f"exec sh {_quote_path(plan.script)}")
        await self._tmux(*self._named(pane, plan), ";", "select-layout", "-t", pane, "tiled")
        return pane

    async def _add_window(self, plan: PanePlan) -> None:
        """The options are set by the same call, before a program that fails at once can close its window."""
        at = await self._free_window()
        new = ("new-window", "-d", "-P", "-F", "#{pane_id}", "-n", plan.name, "-t", at)
        (pane,) = await self._tmux(*new, f"exec sh {_quote_path(plan.script)}", *window_option_words(at))
        await self._tmux(*self._named(pane, plan))

    async def _free_window(self) -> str:
        numbers = await self._tmux("list-windows", "-t", self._target, "-F", "#{window_index}")
        return f"{self._target}:{max(map(int, numbers)) + 1}"

    async def _window_size(self, chat: PaneView) -> tuple[int, int]:
        (size,) = await self._tmux("display-message", "-p", "-t", chat.id, "#{window_width} #{window_height}")
        width, height = map(int, size.split())
        return width, height

    async def arrange(self, spec: LayoutSpec) -> None:
        """Lay out the chat in the first row and the agents evenly below, or each agent in a window of its own."""
        panes = await self.panes()
        chat = chat_pane_of(panes)
        width, height = await self._window_size(chat)
        agents = [one for one in panes if one.name != CHAT_PANE]
        wanted = place_agents(len(agents), width, height, spec)
        await self._move_agents(chat, agents, wanted)
        layout = ("select-layout", "-t", chat.id, wanted.layout)
        size = ("set-option", "-t", f"{self._target}:", ARRANGED_OPTION, f"{width}x{height}")
        await self._tmux(*layout, ";", *size)

    async def _move_agents(self, chat: PaneView, agents: Sequence[PaneView], wanted: Placement) -> None:
        last = chat.id
        for one in agents:
            inside = one.window == chat.window
            if wanted.windows and inside:
                at = await self._free_window()
                out = ("break-pane", "-d", "-n", one.name, "-s", one.id, "-t", at)
                await self._tmux(*out, *window_option_words(at))
            elif not wanted.windows and not inside:
                into = ("join-pane", "-d", "-v", "-s", one.id, "-t", last)
                await self._tmux(*into, ";", "select-layout", "-t", chat.id, "tiled")
            last = one.id

    async def arrange_after_resize(self, spec: LayoutSpec) -> None:
        """Lay out the panes for another size of the window. What a person did to the panes at one size stays, and so
        does a pane that fills the window."""
        before = "".join(await self._tmux("show-options", "-qv", "-t", f"{self._target}:", ARRANGED_OPTION))
        chat = chat_pane_of(await self.panes())
        if before and not chat.zoomed and before != "{}x{}".format(*await self._window_size(chat)):
            await self.arrange(spec)

    async def panes(self) -> list[PaneView]:
        """The panes of the chat and the agents, in order, without panes that the person created."""
        lines = await self._tmux("list-panes", "-s", "-t", self._target, "-F", "\t".join(_PANE_FORMAT))
        found = [one for line in lines if (one := parse_pane(line)).name]
        if any(one.dead and not one.status for one in found):
            # tmux 3.3 can miss the end of a program, and so its exit status, until another child of tmux ends.
            await self._tmux("run-shell", "-b", "true")
        return found

    async def pane(self, name: str) -> PaneView:
        panes = {one.name: one for one in await self.panes()}
        if name not in panes:
            raise NotFound(f"There is no pane of {name!r} in {self.session}; there are {', '.join(panes)}.")
        return panes[name]

    async def last_words(self, pane: str) -> str:
        """The last line that a pane showed before its program ended."""
        lines = [line.strip() for line in await self._tmux("capture-pane", "-p", "-J", "-S", "-20", "-t", pane)]
        return " ".join([line for line in lines if line and not line.startswith("Pane is dead")][-MAX_LAST_LINES:])

    async def respawn(self, name: str) -> None:
        """Run the pane's script again in the same pane."""
        pane = await self.pane(name)
        await self._tmux(
            "set-option", "-p", "-t", pane.id, "-u", "@groupchat_state", ";", "respawn-pane", "-k", "-t", pane.id
        )

    async def remove(self, name: str, spec: LayoutSpec) -> None:
        pane = await self.pane(name)
        await self._tmux("kill-pane", "-t", pane.id)
        await self.arrange(spec)

    async def kill(self) -> None:
        if await self.exists():
            await self._tmux("kill-session", "-t", self._target)

    # showing

    async def show_borders(self, borders: Mapping[str, BorderText]) -> None:
        """Show each agent's name and state in the border of its pane."""
        words: list[str] = []
        for pane in await self.panes():
            if border := borders.get(pane.name):
                for option, text in border_options(border).items():
                    words += [*([";"] * bool(words)), "set-option", "-p", "-t", pane.id, option, escape_format(text)]
        if words:
            await self._tmux(*words)

    async def mark_ready(self, pane: str) -> None:
        await self._tmux("set-option", "-p", "-t", pane, "@groupchat_ready", "1")

    async def show_pane(self, name: str) -> None:
        """Show one pane as large as the window, and tell the attached person how to return."""
        pane = await self.pane(name)
        if pane.window != (await self.pane(CHAT_PANE)).window:
            await self._tmux("select-window", "-t", pane.id, ";", "select-pane", "-t", pane.id)
            await self._tmux("display-message", "-t", pane.id, "-d", "8000", WINDOW_BACK_HINT)
            return
        await self._tmux("select-pane", "-t", pane.id)
        if not (await self.pane(name)).zoomed:  # tmux shows all panes again when another one is selected
            await self._tmux("resize-pane", "-Z", "-t", pane.id)
        await self._tmux("display-message", "-t", pane.id, "-d", "8000", BACK_HINT)

    async def zoom_chat(self) -> bool | None:
        """Make the chat as large as its window, or show the agents' panes again. Whether it is large now; nothing, if
        it has the window to itself."""
        panes = await self.panes()
        chat = chat_pane_of(panes)
        if not any(one.window == chat.window for one in panes if one.id != chat.id):
            return None
        await self._tmux("resize-pane", "-Z", "-t", chat.id)
        return not chat.zoomed

    # attaching and detaching

    async def attach_command(self, env: Mapping[str, str]) -> list[str]:
        """Switch the client if it is inside the same tmux; otherwise attach it."""
        program = _tmux_command(self.socket)
        inside = env.get("TMUX", "").partition(",")[0]
        if inside and os.path.realpath(inside) == os.path.realpath(await self.place()):
            return [*program, "switch-client", "-t", self._target]
        return ["env", "-u", "TMUX", *program, "attach-session", "-t", self._target]

    async def detach(self) -> None:
        """Take the person's client out of the session: back to the session it came from, else out of tmux. Of several
        clients it is the one that was used last."""
        found = await self._tmux("list-clients", "-t", self._target, "-F", _CLIENT_FORMAT)
        if not found:
            return
        _, client, before, *_ = [*max(found, key=lambda line: int(line.partition("\t")[0])).split("\t"), ""]
        if before and before != self.session:
            await self._tmux("switch-client", "-c", client, "-t", f"={before}")
        else:
            await self._tmux("detach-client", "-t", client)


_PANE_FORMAT = (
    "#{pane_id}",
    "#{@groupchat_name}",
    "#{pane_pid}",
    "#{pane_dead}",
    "#{pane_dead_status}",
    "#{@groupchat_ready}",
    "#{window_id}",
    "#{window_zoomed_flag}",
)

_CLIENT_FORMAT = "#{client_activity}\t#{client_name}\t#{client_last_session}"


def _quote_path(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _quote_word(text: str) -> str:
    """Quote a word for a tmux configuration file. Within single quotes only the quote itself is special."""
    return "'" + text.replace("'", "'\\''") + "'"


def is_new_enough(version: str) -> bool:
    """`3.3a`, `next-3.5` and `master` are; `2.9` is not."""
    match = re.search(r"(?<!\d)(\d{1,9})\.(\d{1,9})", version)
    return match is None or (int(match[1]), int(match[2])) >= OLDEST_TMUX
