"""Publishes presence: at most a few times a second, and nothing while nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from gateway.model.state import AWAY_AFTER_S, GatewayState
from gateway.protocol import codec
from gateway.protocol.events import MemberView, PresenceChanged
from gateway.push.event_broadcaster import Broadcaster

log = structlog.get_logger("gateway.push.presence")

PUBLISH_INTERVAL_S = 0.25


class PresenceBroadcaster:
    """`in_turn` writes to streams in order with the events."""

    def __init__(
        self,
        state: GatewayState,
        broadcaster: Broadcaster,
        clock: Callable[[], float],
        in_turn: Callable[[Callable[[], None]], None],
    ) -> None:
        self._state = state
        self._broadcaster = broadcaster
        self._clock = clock
        self._in_turn = in_turn
        self._changed: set[str] = set()
        self.watchers: list[Callable[[MemberView], None]] = []
        self.alive_watchers: list[Callable[[str], None]] = []  # called with each member that makes a request

    def note_change(self, *names: str) -> None:
        """These members changed; the next tick publishes it."""
        if names and not self.is_waiting:
            asyncio.get_running_loop().call_later(PUBLISH_INTERVAL_S, self._tell)
        self._changed.update(names)

    @property
    def is_waiting(self) -> bool:
        """Whether changes wait for the next tick."""
        return bool(self._changed)

    def tell_first(self, name: str) -> None:
        """Publish pending changes to this member's own streams first, because its next answer shows them."""
        if self.is_waiting and self._broadcaster.connections_of(name):
            snapshots = [codec.encode(PresenceChanged(view)) for view in self._views(self._changed)]
            self._in_turn(lambda: self._broadcaster.tell_one(name, snapshots))

    def mark_alive(self, name: str) -> None:
        """A member without a stream made a request, so it is present."""
        live, now = self._state.live[name], self._clock()
        was_away = not live.is_connected and now - live.heard >= AWAY_AFTER_S
        live.heard = now
        for watch in self.alive_watchers:
            watch(name)
        if was_away:
            self.note_change(name)

    def _tell(self) -> None:
        names, self._changed = self._changed, set()
        views = self._views(names)
        self._in_turn(lambda: self._say(views))

    def _views(self, names: Iterable[str]) -> Sequence[MemberView]:
        now = self._clock()
        known = (self._state.members[name] for name in names if name in self._state.members)
        return [self._state.view(record.member, now) for record in known]

    def _say(self, views: Sequence[MemberView]) -> None:
        for view in views:
            for tell in (self._push, *self.watchers):
                _call_safely(tell, view)

    def _push(self, view: MemberView) -> None:
        self._broadcaster.tell(codec.encode(PresenceChanged(view)))


def _call_safely(tell: Callable[[MemberView], None], view: MemberView) -> None:
    """A failing watcher does not stop the others."""
    try:
        tell(view)
    except Exception:
        log.exception("! could not push a member's presence", member=view.name)
