"""What a following gateway and the deciding one say to each other, over one WebSocket from the follower. Pure.

Each message is a list of frames in MessagePack. A request is in it as its JSON, as clients send it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import msgspec

from gateway.access.permissions import Actor
from gateway.access.provider_token_record import ProviderMember
from gateway.cluster.live_members import LiveFacts
from gateway.protocol.errors import ErrorBody

MAX_LINK_MESSAGE_BYTES = 64 * 1024 * 1024
LINK_PATH = "/v1/gateways"


class AskOperation(msgspec.Struct, frozen=True, array_like=True, tag="op"):
    """A member asks this of the follower. Who it is stands in no request: the follower has proven it, and says so.
    `is_report`: it is a sidecar's report of its agent."""

    n: int
    actor: Actor
    request: bytes
    is_report: bool = False


class AskGreeting(msgspec.Struct, frozen=True, array_like=True, tag="hello"):
    """A member says hello at the follower."""

    n: int
    actor: Actor
    request: bytes


class AskAdmission(msgspec.Struct, frozen=True, array_like=True, tag="admit"):
    """A member makes its first request at the follower."""

    n: int
    actor: Actor


class AskIdentity(msgspec.Struct, frozen=True, array_like=True, tag="identity"):
    """The follower has checked a token of an identity provider, and asks for its member."""

    n: int
    proven: ProviderMember


class AskPairing(msgspec.Struct, frozen=True, array_like=True, tag="pair"):
    """A browser exchanges a code at the follower."""

    n: int
    request: bytes
    origin: str


class Connections(msgspec.Struct, frozen=True, array_like=True, tag="connections"):
    """How many connections these members have at the follower now."""

    counts: dict[str, int]


class Alive(msgspec.Struct, frozen=True, array_like=True, tag="alive"):
    """These members have made a request at the follower."""

    names: list[str]


class WatchedTerminal(msgspec.Struct, frozen=True, array_like=True, tag="watched"):
    """Whether the terminal of this agent is watched: to the decider, at this follower; to a follower, anywhere else."""

    name: str
    on: bool


class NeedWhole(msgspec.Struct, frozen=True, array_like=True, tag="whole"):
    """The follower needs a whole picture of this agent's terminal."""

    name: str


class Picture(msgspec.Struct, frozen=True, array_like=True, tag="picture"):
    """What the sidecar of this agent shows of its terminal, for the follower's watchers."""

    name: str
    request: bytes


class Unfinished(msgspec.Struct, frozen=True, array_like=True, tag="partial"):
    """What a member has said so far of an unfinished message, for the follower's members who will read it."""

    event: bytes


class Answered(msgspec.Struct, frozen=True, array_like=True, tag="answer"):
    """`seq`: the follower has to be there before it passes this on."""

    n: int
    seq: int
    result: bytes


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="error"):
    n: int
    seq: int
    error: ErrorBody


class Live(msgspec.Struct, frozen=True, array_like=True, tag="live"):
    """What the decider knows of these members that is in no log: whether they are connected, and what they do."""

    members: dict[str, LiveFacts]


Ask: TypeAlias = AskOperation | AskGreeting | AskAdmission | AskIdentity | AskPairing
ToDecider: TypeAlias = Ask | Connections | Alive | WatchedTerminal | NeedWhole
ToFollower: TypeAlias = Answered | Refused | Live | WatchedTerminal | Picture | Unfinished

_encoder = msgspec.msgpack.Encoder()
_to_decider = msgspec.msgpack.Decoder(list[ToDecider])
_to_follower = msgspec.msgpack.Decoder(list[ToFollower])


def encode_frames(frames: Iterable[ToDecider | ToFollower]) -> bytes:
    return _encoder.encode(list(frames))


def decode_for_decider(message: bytes) -> list[ToDecider]:
    return _to_decider.decode(message)


def decode_for_follower(message: bytes) -> list[ToFollower]:
    return _to_follower.decode(message)
