"""Requests about members and their tokens."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gateway.protocol.requests.request import (
    MAX_DURATION_S,
    KeyText,
    KeyVersion,
    Limit,
    Request,
    Seq,
    ShortText,
)
from gateway.protocol.types.core_types import (
    DeviceName,
    DeviceScope,
    MemberKind,
    Scope,
)

MAX_LINK_DURATION_S = 30 * 86400.0


class Members(Request, frozen=True, tag="members"):
    """List the members of one room, or of all rooms that you can see. `all` includes members who have left."""

    room: str | None = None
    all: bool = False
    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 1000


class SetRole(Request, frozen=True, tag="role"):
    """Set a member's role, such as coder. An empty role removes it. The role holds until the member names another
    one."""

    member: str
    role: Annotated[str, Meta(max_length=64)]


class Register(Request, frozen=True, tag="register"):
    """Create a member with its own token. Anyone with the team token may create an agent or a tool."""

    name: str
    kind: MemberKind = MemberKind.AGENT
    role: str | None = None
    project: ShortText | None = None


class RemoveMember(Request, frozen=True, tag="member.remove"):
    """Remove a member permanently. Its tokens are revoked, it leaves all rooms, and its open deliveries are cancelled.
    Its messages stay, and its name cannot be used again."""

    member: str


class WhoAmI(Request, frozen=True, tag="whoami"):
    """Get the member that this token belongs to."""


class CreateToken(Request, frozen=True, tag="token.create"):
    """Create a member with a token, or another token for a member. A `read_only` token can change nothing, whatever
    rights its member has."""

    name: str
    kind: MemberKind = MemberKind.AGENT
    role: str | None = None
    scopes: Annotated[tuple[Scope, ...], Meta(max_length=16)] = ()
    expires_in: Annotated[float, Meta(gt=0, le=MAX_DURATION_S)] | None = None
    read_only: bool = False


class CreateHands(Request, frozen=True, tag="token.hands"):
    """Create another token of yours for your agent's tools. It can send and read what you can, but cannot report on
    your terminal. It replaces the previous one."""


class Tokens(Request, frozen=True, tag="tokens"):
    """List all tokens by name, without their secrets; with `own`, your devices and links, which needs no special right.
    `after` is name, time and id of the last one of the previous page, separated by blanks."""

    own: bool = False
    after: Annotated[str, Meta(max_length=200)] = ""
    limit: Limit = 1000


class RevokeToken(Request, frozen=True, tag="token.revoke"):
    """Revoke all tokens of a member, or one token by its id. Every member may revoke a device or a link of its own."""

    name: str


class BeginPairing(Request, frozen=True, tag="pair.begin"):
    """Create a code with which a browser becomes a device of yours. It holds for two minutes, once. A device never has
    more rights than the token that asks, and neither the scope observer nor admin."""

    scope: DeviceScope = DeviceScope.MEMBER
    name: DeviceName = ""


class CreateLink(Request, frozen=True, tag="link.create"):
    """Create a read-only link to a room that you are in, or to one thread in it (`thread`: any message of it). Whoever
    has the link reads along until it ends or is revoked, and sees nothing else."""

    room: str
    expires_in: Annotated[float, Meta(gt=0, le=MAX_LINK_DURATION_S)]
    thread: Seq | None = None


class RotateToken(Request, frozen=True, tag="token.rotate"):
    """Create a new token for a member; the old one stays valid for `grace` seconds."""

    name: str
    grace: Annotated[float, Meta(ge=0, le=MAX_DURATION_S)] = 3600


class PublishKey(Request, frozen=True, tag="key.publish"):
    """Publish the record of your keys (`groupchat-key-1 ...`). `version` is the one in the record: your last one + 1;
    otherwise the error is `conflict`. The same record again changes nothing."""

    record: KeyText
    version: KeyVersion


class RevokeKey(Request, frozen=True, tag="key.revoke"):
    """Publish that your keys of a version (default: the newest) are used no more (`groupchat-revocation-1 ...`)."""

    statement: KeyText
    version: KeyVersion | None = None


class KeyRecords(Request, frozen=True, tag="key.records"):
    """List what members have published of their keys, by name (default: all members). The gateway does not vouch for
    any of it. `after` is the last name of the previous page."""

    names: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=1000)] = ()
    after: Annotated[str, Meta(max_length=64)] = ""
    limit: Limit = 1000
