"""`continue` in the chat and the shell: its target, and the text of its result. Pure."""

from __future__ import annotations

from collections.abc import Collection

from gateway.protocol.loop_limits import BrakeView, Limits
from gateway.protocol.requests import Continue
from gateway.protocol.results import Continued, Health
from gateway.protocol.types import bare_name


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


def health_rows(health: Health) -> list[tuple[str, str]]:
    """The gateway's state, a line for each field."""
    values = {name: getattr(health, name) for name in health.__struct_fields__}
    values |= {"limits": limits_text(health.limits), "brakes": holds_text(health.brakes) or "none"}
    labels = {"brakes": "loop guards"}
    return [(labels.get(name, name.replace("_", " ")), str(value)) for name, value in values.items()]


def limits_text(limits: Limits) -> str:
    numbers = ((name.removeprefix("max_"), getattr(limits, name)) for name in limits.__struct_fields__)
    return ", ".join(f"{name} {number or 'no limit'}" for name, number in numbers)


def holds_text(guards: Collection[BrakeView]) -> str:
    """The active loop guards, and how to lift them."""
    words = []
    for one in guards:
        trips = ", ".join(f"{trip.guard} of {' and '.join(trip.names)}" for trip in one.trips)
        words.append(f"{one.room}: {trips or 'lifted in part'}; {one.asleep} waiting")
    return " | ".join(words) + (" (groupchat continue)" if words else "")
