"""The table of permissions. `docs/rights.md` shows it to people, and a test compares the two.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from gateway.protocol.errors import Forbidden
from gateway.protocol.types import MemberKind, Scope


class Action(StrEnum):
    SEND = "send"
    URGENT = "urgent"
    KEYS = "keys"
    KEYS_INTO_DIALOG = "keys into a dialog"
    STOP = "stop"
    PAUSE = "pause"
    CONTINUE = "continue"
    MODE = "lead a mode"
    SHARE = "share"
    SHARE_OWN = "share own output"
    ROLE = "give a role"
    ROLE_OWN = "take a role"
    ASK = "show own dialogs"
    APPROVE = "approve"
    RESTART = "restart"
    RETRY = "retry"
    READ_DIRECT = "read others' direct messages"
    REGISTER = "register a member"
    ADMINISTER = "administer"


class Holder(StrEnum):
    """A column of the table: a kind of member, a scope, or the team token."""

    HUMAN = "human"
    AGENT = "agent"
    TOOL = "tool"
    SYSTEM = "system"
    HANDS = "agent's tools"
    TEAM = "team token"
    OBSERVER = "observer"
    APPROVER = "approver"
    ADMIN = "admin"
    READ_ONLY = "read-only"


H = Holder

ALLOWED_HOLDERS: dict[Action, frozenset[Holder]] = {
    Action.SEND: frozenset({H.HUMAN, H.AGENT, H.TOOL, H.TEAM, H.SYSTEM, H.HANDS}),
    Action.URGENT: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Action.KEYS: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Action.KEYS_INTO_DIALOG: frozenset({H.APPROVER}),
    Action.STOP: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Action.PAUSE: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Action.CONTINUE: frozenset({H.HUMAN, H.ADMIN}),
    Action.MODE: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Action.SHARE: frozenset({H.HUMAN, H.ADMIN}),
    Action.SHARE_OWN: frozenset({H.HUMAN, H.AGENT, H.TOOL}),
    Action.ROLE: frozenset({H.HUMAN, H.ADMIN}),
    Action.ROLE_OWN: frozenset({H.HUMAN, H.AGENT, H.TOOL, H.HANDS}),
    Action.ASK: frozenset({H.AGENT}),
    Action.APPROVE: frozenset({H.APPROVER}),
    Action.RESTART: frozenset({H.ADMIN}),
    Action.RETRY: frozenset({H.HUMAN, H.ADMIN}),
    Action.READ_DIRECT: frozenset({H.OBSERVER, H.TEAM}),
    Action.REGISTER: frozenset({H.TEAM, H.ADMIN}),
    Action.ADMINISTER: frozenset({H.ADMIN}),
}


@cache
def holders_of(kind: MemberKind, scopes: frozenset[Scope], team: bool) -> frozenset[Holder]:
    base = Holder.TEAM if team else Holder(str(kind))
    return frozenset({base, *(Holder(str(scope)) for scope in scopes)})


@dataclass(frozen=True)
class Actor:
    """The requester, as its token says and never as a request claims."""

    name: str
    kind: MemberKind
    scopes: frozenset[Scope] = frozenset()
    team: bool = False
    token: str = field(default="", compare=False)  # the id of that token
    hands: bool = False  # the token is for the tools of the member's agent, which do not know its terminal
    read_only: bool = False  # a token that changes nothing, whatever its member may

    def holders(self) -> frozenset[Holder]:
        if self.read_only:
            return frozenset({Holder.READ_ONLY, *(H.OBSERVER for scope in self.scopes if scope is Scope.OBSERVER)})
        if self.hands:
            return frozenset({Holder.HANDS})
        return holders_of(self.kind, self.scopes, self.team)

    def may(self, action: Action) -> bool:
        return not ALLOWED_HOLDERS[action].isdisjoint(self.holders())

    def require_write(self, what: str) -> None:
        if self.read_only:
            raise Forbidden(f"This token of {self.name} is read-only: {what}. See docs/rights.md.")

    def require(self, action: Action) -> None:
        if not self.may(action):
            self.require_write(f"it cannot {action}")
            holders = " or ".join(sorted(ALLOWED_HOLDERS[action]))
            raise Forbidden(f"{self.name} may not do this ({action}): it takes {holders}. See docs/rights.md.")
