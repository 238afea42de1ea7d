"""Who watches which agent's terminal, and brings each picture to them. Pictures are in memory only, and only while
somebody watches: the agent's sidecar hears of the first watcher and of the last one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from gateway.protocol import codec
from gateway.protocol.errors import Conflict
from gateway.protocol.events import TerminalState, TerminalWatched
from gateway.protocol.requests.agent_requests import ShowTerminal
from gateway.protocol.results import Shown, Watching
from gateway.protocol.types.terminal_types import WatchState
from gateway.push.event_broadcaster import Broadcaster, Connection
from gateway.push.terminal_picture import FRAME_INTERVAL_S, ScreenPicture, WatcherDebt, WatcherPace

MAX_WATCHED_PER_CONNECTION = 20
NOT_WATCHED = Shown(watched=False)
MayWatch = Callable[[], str]  # empty, or why not any more


class OtherGateways(Protocol):
    """The gateways of the same log."""

    def watching_changed(self, name: str) -> None:
        """The first watcher of this agent here has come, or the last one has gone."""
        ...

    def pass_picture_on(self, name: str, shown: ShowTerminal) -> Shown:
        """To the watchers at other gateways."""
        ...


@dataclass
class _Watcher:
    connection: Connection
    why_not: MayWatch
    debt: WatcherDebt = field(default_factory=WatcherDebt)
    pace: WatcherPace = field(default_factory=WatcherPace)


@dataclass
class _WatchedTerminal:
    name: str
    picture: ScreenPicture = field(default_factory=ScreenPicture)
    watchers: dict[Connection, _Watcher] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None


class TerminalWatchers:
    """`why_no_picture` says why none can be seen of an agent now; empty if its sidecar is connected.

    Where several gateways share a log, `elsewhere` names the agents that are watched at another one."""

    def __init__(self, broadcaster: Broadcaster, why_no_picture: Callable[[str], str]) -> None:
        self._broadcaster, self._why_no_picture = broadcaster, why_no_picture
        self._of: dict[str, _WatchedTerminal] = {}
        self._numbers = count(1)
        self.elsewhere: set[str] = set()
        self._others: OtherGateways | None = None

    def share_with(self, others: OtherGateways) -> None:
        """From now on sidecars and watchers may be at other gateways, too."""
        self._others = others

    @property
    def any_watched(self) -> bool:
        return bool(self._of)

    def is_watched(self, name: str) -> bool:
        return name in self._of or name in self.elsewhere

    def watched_here(self) -> Collection[str]:
        return self._of.keys()

    def watch(self, connection: Connection, name: str, why_not: MayWatch) -> Watching:
        """Begin to watch, or begin again with a whole picture."""
        watched = [one.name for one in self._of.values() if connection in one.watchers]
        if name not in watched and len(watched) >= MAX_WATCHED_PER_CONNECTION:
            raise Conflict(f"This connection watches {len(watched)} terminals, which is the maximum. Unwatch one.")
        terminal = self._of.get(name)
        if terminal is None:
            terminal = self._of[name] = _WatchedTerminal(name)
            self._note_watched(name)
        terminal.watchers[connection] = watcher = _Watcher(connection, why_not)
        if terminal.picture.is_shown:
            watcher.debt.due = True
            asyncio.get_running_loop().call_soon(self._pump, terminal)  # after the answer
            return Watching(name, WatchState.LIVE)
        return Watching(name, WatchState.WAITING, self._waiting_text(name))

    def unwatch(self, connection: Connection, name: str) -> None:
        if (terminal := self._of.get(name)) is not None:
            self._leave(terminal, connection)

    def forget(self, connection: Connection) -> None:
        """The connection has ended."""
        for terminal in list(self._of.values()):
            self._leave(terminal, connection)

    def _leave(self, terminal: _WatchedTerminal, connection: Connection) -> None:
        if terminal.watchers.pop(connection, None) is not None and not terminal.watchers:
            del self._of[terminal.name]
            if terminal.timer is not None:
                terminal.timer.cancel()
            self._note_watched(terminal.name)

    def show(self, name: str, shown: ShowTerminal) -> Shown:
        """What the sidecar of this agent shows."""
        here = self.show_here(name, shown)
        if self._others is None:
            return here
        there = self._others.pass_picture_on(name, shown)
        return Shown(watched=here.watched or there.watched, whole=here.whole or there.whole)

    def show_here(self, name: str, shown: ShowTerminal) -> Shown:
        terminal = self._of.get(name)
        if terminal is None:
            return NOT_WATCHED
        change = terminal.picture.apply(shown)
        if change is None:
            return Shown(watched=True, whole=True)
        for watcher in terminal.watchers.values():
            watcher.debt.add(change)
        self._pump(terminal)
        return Shown(watched=True)

    def confirm(self, connection: Connection, pong: bytes) -> None:
        """The watcher has answered a ping."""
        for terminal in self._of.values():
            watcher = terminal.watchers.get(connection)
            if watcher is not None and watcher.pace.confirm(pong):
                return self._pump(terminal)

    def sidecar_came_or_left(self, name: str) -> None:
        """The last picture is not what the terminal shows now, if nobody shows it any more."""
        terminal = self._of.get(name)
        if terminal is None or not (why := self._why_no_picture(name)):
            return
        terminal.picture = ScreenPicture()
        for watcher in terminal.watchers.values():
            watcher.debt = WatcherDebt()
        _say(terminal.watchers, TerminalState(name, WatchState.WAITING, why))

    def end_without_right(self) -> None:
        """Rooms or members have changed: whoever may not watch any more is told so."""
        for terminal in list(self._of.values()):
            for watcher in list(terminal.watchers.values()):
                if why := watcher.why_not():
                    _say((watcher.connection,), TerminalState(terminal.name, WatchState.ENDED, why))
                    self._leave(terminal, watcher.connection)

    def _waiting_text(self, name: str) -> str:
        return self._why_no_picture(name) or (
            f"The first picture of {name}'s terminal is on its way. If none comes, its sidecar is too old to show it."
        )

    def _note_watched(self, name: str) -> None:
        """The first watcher here has come, or the last one has gone."""
        if self._others is None:
            self.tell_sidecar(name)
        else:
            self._others.watching_changed(name)

    def tell_sidecar(self, name: str) -> None:
        _say(self._broadcaster.connections_of(name), TerminalWatched(self.is_watched(name)))

    # sending

    def _pump(self, terminal: _WatchedTerminal) -> None:
        """Send each watcher what it may get now, and come back when the next one may get something."""
        if not terminal.picture.is_shown:
            return
        now = asyncio.get_running_loop().time()
        frames: dict[frozenset[int] | None, bytes] = {}
        later = [
            at for one in terminal.watchers.values() if (at := self._serve(terminal, one, now, frames)) is not None
        ]
        if terminal.timer is not None:
            terminal.timer.cancel()
        terminal.timer = asyncio.get_running_loop().call_at(min(later), self._pump, terminal) if later else None

    def _serve(
        self,
        terminal: _WatchedTerminal,
        watcher: _Watcher,
        now: float,
        frames: dict[frozenset[int] | None, bytes],
    ) -> float | None:
        """Send a watcher its picture, or return when to try again."""
        connection, wrap, ping = watcher.connection, watcher.connection.snapshots, watcher.connection.ping
        if not watcher.debt.due or connection.is_gone or wrap is None or ping is None:
            return None
        if not connection.live:
            return now + FRAME_INTERVAL_S
        if watcher.pace.next_at() > now:
            return watcher.pace.next_at()
        rows = watcher.debt.pay()
        if rows not in frames:
            frames[rows] = wrap(codec.encode(terminal.picture.event(terminal.name, rows)))
        mark = b"t%d" % next(self._numbers)
        watcher.pace.sent(now, mark)
        connection.say(frames[rows] + ping(mark))
        return None


def _say(connections: Iterable[Connection], event: TerminalState | TerminalWatched) -> None:
    payload = codec.encode(event)
    for connection in connections:
        if connection.snapshots is not None:
            connection.answer(connection.snapshots(payload))
