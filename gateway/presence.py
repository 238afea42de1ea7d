"""Telling others how a member is doing: at most a few times a second, and nothing while nothing changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.house import House
from gateway.protocol import codec
from gateway.protocol.events import MemberView, PresenceChanged
from gateway.switchboard import Switchboard

log = structlog.get_logger("gateway.presence")

EVERY = 0.25


class Presence:
    def __init__(self, house: House, switchboard: Switchboard, clock: Callable[[], float]) -> None:
        self._house = house
        self._switchboard = switchboard
        self._clock = clock
        self._changed: set[str] = set()
        self.watchers: list[Callable[[MemberView], None]] = []

    def touch(self, name: str) -> None:
        """This member changed; it is told at the next tick."""
        if not self._changed:
            asyncio.get_running_loop().call_later(EVERY, self._tell)
        self._changed.add(name)

    def _tell(self) -> None:
        names, self._changed = self._changed, set()
        for name in names:
            record = self._house.members.get(name)
            if record is not None:
                view = self._house.view(record.member, self._clock())
                for tell in (self._push, *self.watchers):
                    _safely(tell, view)

    def _push(self, view: MemberView) -> None:
        self._switchboard.tell(codec.encode(PresenceChanged(view)))


def _safely(tell: Callable[[MemberView], None], view: MemberView) -> None:
    """One that fails keeps nobody else from being told."""
    try:
        tell(view)
    except Exception:
        log.exception("! a member's presence could not be told", member=view.name)
