"""The hold of a room, after a guard has tripped: the held messages, and what a person has lifted. Pure values."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from gateway.protocol.types.loop_limits import Guard, LoopHoldView, Trip

MAX_HELD_MESSAGES = 500
STORED_AS = "brake"  # the kind of a hold in the store


class HeldMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message that is held back: it did not wake the members in `names`."""

    message: int
    sender: str
    names: tuple[str, ...]
    deadline: float | None = None

    def without(self, names: Collection[str]) -> HeldMessage:
        return msgspec.structs.replace(self, names=tuple(one for one in self.names if one not in names))

    def only(self, names: Collection[str]) -> HeldMessage:
        return msgspec.structs.replace(self, names=tuple(one for one in self.names if one in names))


class LoopHold(msgspec.Struct, frozen=True, omit_defaults=True):
    """`lifted`: messages up to this number no longer count, for all members of the room; `lifted_for`: the same for
    single members. `beyond`: how many held messages exceed the bound and are not kept."""

    room: str
    trips: tuple[Trip, ...] = ()
    held: tuple[HeldMessage, ...] = msgspec.field(default=(), name="asleep")
    beyond: int = 0
    lifted: int = 0
    lifted_for: dict[str, int] = {}

    def is_active(self, guard: Guard, key: str) -> bool:
        return any(one.guard is guard and one.key == key for one in self.trips)

    def lifted_until(self, name: str) -> int:
        return max(self.lifted, self.lifted_for.get(name, 0))

    def or_none(self) -> LoopHold | None:
        """None if there is nothing to remember."""
        return self if self.trips or self.held or self.lifted or self.lifted_for else None

    def with_trip(self, trips: tuple[Trip, ...], held: HeldMessage) -> LoopHold:
        full = len(self.held) >= MAX_HELD_MESSAGES
        return msgspec.structs.replace(
            self,
            trips=(*self.trips, *trips),
            held=self.held if full else (*self.held, held),
            beyond=self.beyond + full,
        )

    def after_person_spoke(self, names: Collection[str]) -> LoopHold:
        """The hold after a person wrote to these members: their trips end, and their held messages are dropped."""
        trips = tuple(one for one in self.trips if not set(one.names) & set(names))
        held = tuple(left for one in self.held if (left := one.without(names)).names) if trips else ()
        return msgspec.structs.replace(self, trips=trips, held=held, beyond=self.beyond if trips else 0)

    def without_message(self, number: int, names: Collection[str]) -> LoopHold:
        """The hold after a message was taken back from these members."""
        changed = (one.without(names) if one.message == number else one for one in self.held)
        return msgspec.structs.replace(self, held=tuple(one for one in changed if one.names))

    def lift(self, seq: int, name: str | None) -> tuple[LoopHold, tuple[HeldMessage, ...]]:
        """The hold after a person lifts it, for all or for one member; and the held messages to deliver now."""
        if name is None:
            return LoopHold(self.room, lifted=seq), self.held
        woken = tuple(mine for one in self.held if (mine := one.only((name,))).names)
        left = tuple(other for one in self.held if (other := one.without((name,))).names)
        trips = tuple(one for one in self.trips if name not in one.names)
        marks = {**self.lifted_for, name: seq}
        return msgspec.structs.replace(self, trips=trips, held=left, lifted_for=marks), woken

    def view(self) -> LoopHoldView:
        return LoopHoldView(self.room, self.trips, len(self.held) + self.beyond)


def pair_key(one: str, other: str) -> str:
    return " ".join(sorted((one, other)))
