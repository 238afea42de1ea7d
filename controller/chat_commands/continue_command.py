"""`continue` in the chat and the shell: its target, and what it did as text. Pure."""

from __future__ import annotations

from collections.abc import Collection

from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.results import Continued
from gateway.protocol.types.core_types import bare_name


def continue_request(word: str | None, rooms: Collection[str] = ()) -> Continue:
    """`#lab`, or a room's name, is the room; another word is an agent."""
    if not word:
        return Continue()
    bare = bare_name(word)
    if word.startswith("#") or (bare in rooms and not word.startswith("@")):
        return Continue(room=bare.removeprefix("#"))
    return Continue(member=bare)


def continued_text(done: Continued) -> str:
    if not done.rooms:
        return "Nothing is held by a loop guard."
    woken = ", ".join(f"{one.member} (#{one.message})" for one in done.woken)
    return f"The loop guard is lifted in {', '.join(done.rooms)}." + (
        f" Delivered to: {woken}." if woken else " No messages were held."
    )
