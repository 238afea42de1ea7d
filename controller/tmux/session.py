"""The tmux session that holds a team. The only module that knows libtmux.

It touches no session but its own, and kills nothing that it did not start. Only what tmux 3.2 can do is used, each call
has a deadline, and a tmux that hangs holds up nothing but that call.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from controller.commands.state_text import BorderText
from controller.team.team import DEFAULT_SESSION, LayoutSpec
from controller.tmux.pane_layout import tmux_layout
from gateway.client import write_private
from gateway.protocol.errors import Conflict, NotFound, TimedOut, Unavailable

if TYPE_CHECKING:
    import libtmux

T = TypeVar("T")

TMUX_TIMEOUT_S = 5.0
OLDEST_TMUX = (3, 2)
DETACHED_SIZE = (200, 50)
MAX_LAST_LINES = 3
ESCAPE_TIME_OF_OLD_TMUX_MS, ESCAPE_TIME_MS = "500", "10"
OWN_VARIABLE_PREFIXES = ("CSP_", "GROUPCHAT_")
BACK_HINT = "#{prefix} z shows all panes again, #{prefix} ; goes back to the chat"


@dataclass(frozen=True)
class PanePlan:
    """A pane: its owner, the text of its border, and the script that it runs."""

    name: str
    title: str
    script: Path


@dataclass(frozen=True)
class SessionSetup:
    """How a session starts: its size, the environment of its panes, its own options."""

    size: tuple[int, int] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PaneView:
    """A pane as it is now."""

    name: str
    id: str
    pid: int
    dead: bool
    status: str
    ready: bool


def without_own_variables(env: Mapping[str, str]) -> dict[str, str]:
    """The environment without our variables, for a program that passes its environment on."""
    return {name: value for name, value in env.items() if not name.startswith(OWN_VARIABLE_PREFIXES)}


def escape_format(text: str) -> str:
    """Text that tmux shows as it is: `#` begins a format there."""
    return text.replace("#", "##")


async def call_with_timeout(call: Callable[[], T], seconds: float, what: str) -> T:
    """The result of a blocking call, or an error after `seconds`; then its thread is abandoned."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if answer.done():
            return
        answer.set_exception(error) if error is not None else answer.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except BaseException as caught:
            error = caught
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name=what).start()
    try:
        return await asyncio.wait_for(answer, seconds)
    except TimeoutError:
        raise TimedOut(f"tmux did not answer within {seconds:g} s ({what}). Is its server stopped?") from None


BEGUN_WITH_OPTION = "@groupchat_begun_with"


def socket_path(env: Mapping[str, str], name: str | None, uid: int) -> str:
    """Which socket tmux uses, as it chooses itself: the one that is named, else that of the server which this terminal
    is in, else the usual one. A command from elsewhere finds the same server by it."""
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
        """Made at its first use, in the thread of that call: a start has better things to wait for."""
        if self._known is None:
            import libtmux  # noqa: PLC0415

            path = self.socket if self.socket and "/" in self.socket else None
            name = self.socket if path is None else None
            self._known = libtmux.Server(socket_name=name or None, socket_path=path)
        return self._known

    def _check_socket(self) -> None:
        """tmux itself looks whose folder it is only where it has chosen the folder."""
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
        """What tells this session from a later one of the same name."""
        (line,) = await self._tmux(
            "display-message", "-p", "-t", f"{self._target}:", "#{pid} #{session_id} #{session_created}"
        )
        return line

    async def begun_with(self) -> str:
        """The script of the chat for which `build` made this session; empty for a session of somebody else."""
        return "".join(await self._tmux("show-options", "-qv", "-t", f"{self._target}:", BEGUN_WITH_OPTION))

    async def _owner_of_session(self) -> str:
        """The owner of a session that has the name of ours."""
        script = await self.begun_with()
        if not script:
            return ", and it is no team's. Rename it, or give this team another name in team.toml."
        state = Path(script).parent.parent
        return (
            f": a team of the same name with the folder {state}. `groupchat attach --state {state}` enters it, "
            f"`groupchat down --state {state}` ends it; another name in team.toml keeps both."
        )

    async def begun_sessions(self) -> dict[str, Path]:
        """The sessions of this server that some `up` has begun, and the state folder of each."""
        lines = await self._tmux("list-sessions", "-F", f"#{{session_name}}\t#{{{BEGUN_WITH_OPTION}}}")
        found = [line.partition("\t") for line in lines]
        return {name: Path(script).parent.parent for name, _, script in found if script}

    # creating

    async def build(self, chat: PanePlan, outfit: SessionSetup, folder: Path) -> None:
        """A session with the chat alone. The environment goes by a private file: what tmux is told can be read."""
        if await self.exists():
            raise Conflict(f"The session {self.session} is there already{await self._owner_of_session()}")
        width, height = outfit.size or DETACHED_SIZE
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
        await self._shorten_escape()

    async def _shorten_escape(self) -> None:
        """An option of the whole server: set only where this session is the first on it, and where nobody has chosen a
        time. tmux 3.5 begins with the short one."""
        if await self._tmux("list-sessions", "-F", "#{escape-time}") == [ESCAPE_TIME_OF_OLD_TMUX_MS]:
            await self._tmux("set-option", "-s", "escape-time", ESCAPE_TIME_MS)

    async def _begin(self, *words: str) -> str:
        """The first command of a session. If no server runs it starts one, and that server gives what it found in its
        environment to each pane of each session: nothing of ours may be in it."""
        command = [shutil.which("tmux") or "tmux", *_tmux_command(self.socket)[1:], *words]

        def begin() -> subprocess.CompletedProcess[str]:
            env = without_own_variables(os.environ)
            return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

        try:
            done = await call_with_timeout(begin, self._patience, words[0])
        except OSError as error:
            raise Unavailable(f"tmux cannot be run: {error}.") from error
        if done.returncode:
            raise Unavailable(f"tmux {words[0]}: {done.stderr.strip() or f'exit {done.returncode}'}")
        return done.stdout.strip()

    async def inherited(self) -> list[str]:
        """What a server that somebody started with our variables in its environment gives to every pane."""
        lines = await self._tmux("show-environment", "-g")
        return [name for line in lines if (name := line.partition("=")[0]).startswith(OWN_VARIABLE_PREFIXES)]

    def _remove_own_variables(self, outfit: SessionSetup, names: Sequence[str]) -> list[str]:
        """Not from the server, which is not ours alone: from the panes of this session."""
        session = _quote_word(self._target)
        gone = [name for name in names if name not in outfit.environment and name.isidentifier()]
        return [f"set-environment -r -t {session} {name}\n" for name in gone]

    def _settings(self, outfit: SessionSetup) -> list[str]:
        session, window = _quote_word(self._target), _quote_word(f"{self._target}:")
        options = {**_SESSION_OPTIONS, **outfit.options}
        return [
            *(
                f"set-environment -t {session} {name} {_quote_word(value)}\n"
                for name, value in outfit.environment.items()
            ),
            *(f"set-option -w -t {window} {name} {_quote_word(value)}\n" for name, value in _OPTIONS.items()),
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
        """Panes for agents, and everything in its place."""
        last = (await self.panes())[-1].id
        for plan in plans:
            split = ("split-window", "-d", "-v", "-P", "-F", "#{pane_id}", "-t", last)
            (last,) = await self._tmux(*split, f"exec sh {_quote_path(plan.script)}")
            await self._tmux(*self._named(last, plan), ";", "select-layout", "-t", f"{self._target}:", "tiled")
        await self.arrange(spec)

    async def arrange(self, spec: LayoutSpec) -> None:
        """The chat first and alone in its row, the agents evenly below."""
        (size,) = await self._tmux(
            "display-message", "-p", "-t", f"{self._target}:", "#{window_width} #{window_height}"
        )
        width, height = map(int, size.split())
        panes = await self.panes()
        wanted = tmux_layout(len(panes) - 1, width, height, spec.chat, spec.columns)
        await self._tmux("select-layout", "-t", f"{self._target}:", wanted)

    async def panes(self) -> list[PaneView]:
        """The chat's and the agents', in their order; panes that the person made are none of ours."""
        lines = await self._tmux("list-panes", "-s", "-t", self._target, "-F", "\t".join(_PANE_FORMAT))
        found = [one for line in lines if (one := _parse_pane(line)).name]
        if any(one.dead and not one.status for one in found):
            # tmux 3.3 can miss the end of a program until another child of its ends, and so not know the exit status.
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
        """Who each agent is and what it is doing, in the border of its pane."""
        words: list[str] = []
        for pane in await self.panes():
            if border := borders.get(pane.name):
                for option, text in (("@groupchat_title", border.title), ("@groupchat_state", border.words)):
                    words += [*([";"] * bool(words)), "set-option", "-p", "-t", pane.id, option, escape_format(text)]
        if words:
            await self._tmux(*words)

    async def mark_ready(self, pane: str) -> None:
        await self._tmux("set-option", "-p", "-t", pane, "@groupchat_ready", "1")

    async def show_pane(self, name: str) -> None:
        """One pane as large as the window, and how to come back, for whoever looks at the session."""
        pane = await self.pane(name)
        zoomed = "#{window_zoomed_flag}"
        await self._tmux("select-pane", "-t", pane.id)
        await self._tmux("if-shell", "-F", "-t", pane.id, zoomed, "", f"resize-pane -Z -t {pane.id}")
        await self._tmux("display-message", "-t", pane.id, "-d", "8000", BACK_HINT)

    # attaching and detaching

    async def attach_command(self, env: Mapping[str, str]) -> list[str]:
        """From inside the same tmux the client is switched; from elsewhere it is attached."""
        program = _tmux_command(self.socket)
        inside = env.get("TMUX", "").partition(",")[0]
        if inside and os.path.realpath(inside) == os.path.realpath(await self.place()):
            return [*program, "switch-client", "-t", self._target]
        return ["env", "-u", "TMUX", *program, "attach-session", "-t", self._target]

    async def detach(self) -> None:
        """The client that is looking at the session, as its prefix and d would."""
        await self._tmux("detach-client")


_PANE_FORMAT = (
    "#{pane_id}",
    "#{@groupchat_name}",
    "#{pane_pid}",
    "#{pane_dead}",
    "#{pane_dead_status}",
    "#{@groupchat_ready}",
)

# What waits and why, where something waits; else what the agent does; and how it ended.
_ALIVE_FORMAT = "#{?@groupchat_ghost,#{@groupchat_ghost},#{@groupchat_state}}"
_STATE_FORMAT = f"#{{?pane_dead,ended#{{?pane_dead_status, (exit #{{pane_dead_status}}),}},{_ALIVE_FORMAT}}}"
_OPTIONS = {
    "pane-border-status": "top",
    "pane-border-format": f" #{{?pane_active,#[bold],}}#{{@groupchat_title}}#[nobold] {_STATE_FORMAT} ",
    "remain-on-exit": "on",
    "automatic-rename": "off",
    "allow-rename": "off",
}
_NARROW = "#{e|<:#{client_width},80}"
_LEAVES = " #{prefix} d leaves"
_SESSION_OPTIONS = {
    "status-right": f"#{{?{_NARROW},{_LEAVES} ,{_LEAVES}#, agents go on; #{{prefix}} arrow moves }}",
    "status-right-length": "60",
    "status-left-length": "40",  # of ten letters, no team's name is left
}


def _parse_pane(line: str) -> PaneView:
    pane, name, pid, dead, status, ready = (line.split("\t") + [""] * 6)[:6]
    return PaneView(name, pane, int(pid or 0), dead == "1", status, ready == "1")


def _quote_path(path: Path) -> str:
    return "'" + str(path).replace("'", "'\\''") + "'"


def _quote_word(text: str) -> str:
    """A word of a tmux configuration file; in single quotes only they themselves mean anything."""
    return "'" + text.replace("'", "'\\''") + "'"


def is_new_enough(version: str) -> bool:
    """`3.3a`, `next-3.5` and `master` are; `2.9` is not."""
    match = re.search(r"(?<!\d)(\d{1,9})\.(\d{1,9})", version)
    return match is None or (int(match[1]), int(match[2])) >= OLDEST_TMUX
