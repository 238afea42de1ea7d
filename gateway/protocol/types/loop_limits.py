"""The limits of the loop guard with their defaults, and its trips and holds, as values."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

Limit = Annotated[int, Meta(ge=0, le=1_000_000)]


class Guard(StrEnum):
    """What is limited: a chain of answers, the messages of a pair, wake-ups, repeated text, tokens."""

    HOPS = "hops"
    PAIR = "pair"
    WAKES = "wakes"
    REPEATS = "repeats"
    TOKENS = "tokens"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """0 means no limit. `max_hops`: answers in a chain without a person; `max_pair`: messages a minute that two
    machines send each other by name; `max_wakes`: times an hour that machines may wake an agent; `max_repeats`: times
    that one says nearly the same to the same within ten minutes; `max_tokens`: what an agent may spend in an hour, as
    far as it is told with its answers (`context.tokens`)."""

    max_hops: Limit = 8
    max_pair: Limit = 10
    max_wakes: Limit = 60
    max_repeats: Limit = 3
    max_tokens: Annotated[int, Meta(ge=0, le=10**12)] = 0


class Trip(msgspec.Struct, frozen=True):
    """A guard tripped, because these members reached its limit; the messages of `chain` led there, oldest first."""

    guard: Guard
    key: str
    names: tuple[str, ...]
    at: str
    chain: tuple[int, ...] = ()


class LoopHoldView(msgspec.Struct, frozen=True):
    """The hold of a room until somebody says `continue`: its trips, and how many messages it holds back (`asleep`)."""

    room: str
    trips: tuple[Trip, ...]
    asleep: int
