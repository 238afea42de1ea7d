"""The table of permissions: who may do what, such as send an urgent message or answer an approval. `docs/rights.md`
shows it to people, and a test compares the two.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from gateway.access.device_credentials import LinkedPlace
from gateway.protocol.errors import Forbidden
from gateway.protocol.types.core_types import MemberKind, Scope


class Permission(StrEnum):
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
    WATCH = "watch a terminal"
    OFFER_TOOLS = "offer tools"
    CALL_TOOLS = "call tools"
    RESTART = "restart"
    RETRY = "retry"
    READ_DIRECT = "read others' direct messages"
    SEE_FIGURES = "see everyone's figures"
    REGISTER = "register a member"
    PAIR = "pair a device"
    LINK = "share a link"
    ADMINISTER = "administer"


class Holder(StrEnum):
    """A column of the table: a kind of member, a scope, or the team token."""

    HUMAN = "human"
    AGENT = "agent"
    TOOL = "tool"
    SYSTEM = "system"
    AGENT_TOOLS = "agent's tools"
    TEAM = "team token"
    OBSERVER = "observer"
    APPROVER = "approver"
    ADMIN = "admin"
    READ_ONLY = "read-only"


H = Holder

ALLOWED_HOLDERS: dict[Permission, frozenset[Holder]] = {
    Permission.SEND: frozenset({H.HUMAN, H.AGENT, H.TOOL, H.TEAM, H.SYSTEM, H.AGENT_TOOLS}),
    Permission.URGENT: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Permission.KEYS: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Permission.KEYS_INTO_DIALOG: frozenset({H.APPROVER}),
    Permission.STOP: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Permission.PAUSE: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Permission.CONTINUE: frozenset({H.HUMAN, H.ADMIN}),
    Permission.MODE: frozenset({H.HUMAN, H.TEAM, H.ADMIN}),
    Permission.SHARE: frozenset({H.HUMAN, H.ADMIN}),
    Permission.SHARE_OWN: frozenset({H.HUMAN, H.AGENT, H.TOOL}),
    Permission.ROLE: frozenset({H.HUMAN, H.ADMIN}),
    Permission.ROLE_OWN: frozenset({H.HUMAN, H.AGENT, H.TOOL, H.AGENT_TOOLS}),
    Permission.ASK: frozenset({H.AGENT}),
    Permission.APPROVE: frozenset({H.APPROVER}),
    Permission.WATCH: frozenset({H.APPROVER}),
    Permission.OFFER_TOOLS: frozenset({H.TOOL}),
    Permission.CALL_TOOLS: frozenset({H.HUMAN, H.AGENT, H.AGENT_TOOLS}),
    Permission.RESTART: frozenset({H.ADMIN}),
    Permission.RETRY: frozenset({H.HUMAN, H.ADMIN}),
    Permission.READ_DIRECT: frozenset({H.OBSERVER, H.TEAM}),
    Permission.SEE_FIGURES: frozenset({H.HUMAN, H.TEAM, H.OBSERVER, H.ADMIN, H.READ_ONLY}),
    Permission.REGISTER: frozenset({H.TEAM, H.ADMIN}),
    Permission.PAIR: frozenset({H.HUMAN, H.ADMIN}),
    Permission.LINK: frozenset({H.HUMAN, H.ADMIN}),
    Permission.ADMINISTER: frozenset({H.ADMIN}),
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
    is_tools_token: bool = False  # the token is for the tools of the member's agent, which do not know its terminal
    read_only: bool = False  # a token that changes nothing, whatever its member may
    device: bool = False  # a browser, which gets no further credentials
    link: LinkedPlace | None = None  # whoever reads by a link: no member at all

    @property
    def counted_as(self) -> str | None:
        """The member whose figures this request counts in. Whoever reads by a link is none, and counts in the total
        alone."""
        return None if self.link is not None else self.name

    def holders(self) -> frozenset[Holder]:
        if self.read_only:
            return frozenset({Holder.READ_ONLY, *(H.OBSERVER for scope in self.scopes if scope is Scope.OBSERVER)})
        if self.is_tools_token:
            return frozenset({Holder.AGENT_TOOLS})
        return holders_of(self.kind, self.scopes, self.team)

    def may(self, permission: Permission) -> bool:
        return not ALLOWED_HOLDERS[permission].isdisjoint(self.holders())

    def require_own_token(self, what: str) -> None:
        if self.device:
            raise Forbidden(f"A browser cannot do this: {what}. Do it with `groupchat` where {self.name} is at home.")

    def require_write(self, what: str) -> None:
        if self.read_only:
            raise Forbidden(f"This token of {self.name} is read-only: {what}. See docs/rights.md.")

    def require(self, permission: Permission) -> None:
        if not self.may(permission):
            self.require_write(f"it cannot {permission}")
            holders = " or ".join(sorted(ALLOWED_HOLDERS[permission]))
            raise Forbidden(
                f"{self.name} has no permission for this ({permission}): it requires {holders}. See docs/rights.md."
            )
