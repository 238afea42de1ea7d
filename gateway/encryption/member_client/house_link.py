"""What every part of a session with one log needs: the member's machine, its memory of this log, and the ways to the
gateway and to the person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.encryption.key_storage.member_memory import MemberMemory
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.encryption.member_client.member_machine import MemberMachine
from gateway.protocol.requests.request import Request

AskGateway = Callable[[Request, type[Any]], Awaitable[Any]]
TellPerson = Callable[[SealingNotice], None]


@dataclass(frozen=True)
class HouseLink:
    """`house` is the id of the gateway's log; `ask` sends a request as it is."""

    machine: MemberMachine
    memory: MemberMemory = field(repr=False)
    house: str
    ask: AskGateway
    tell: TellPerson
