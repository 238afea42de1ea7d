"""What the claims of an identity provider's token mean here: name, kind, role and scopes, by an explicit map. Pure.

The tables of `serve --jwt FILE.toml` are declared here. What a map does not name gives nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.access.provider_token_record import ProviderMember, ProviderToken
from gateway.access.provider_tokens import FAMILY_OF, AcceptedIssuer
from gateway.protocol.errors import BadRequest, GroupChatError, Unauthorized
from gateway.protocol.types.core_types import MemberKind, Scope, canonical_agent_name, canonical_member_name

MAX_ISSUERS = 20
DEFAULT_LEEWAY_S, MAX_LEEWAY_S = 30.0, 300.0
DEFAULT_LIFETIME_S, MAX_LIFETIME_S = 24 * 3600.0, 30 * 24 * 3600.0
DEFAULT_REFRESH_S, MIN_REFRESH_S, MAX_REFRESH_S = 900.0, 60.0, 24 * 3600.0
MAX_NAMED_CHARS = 80

Text = Annotated[str, Meta(min_length=1, max_length=1000)]
ClaimPath = Text | Annotated[tuple[Text, ...], Meta(min_length=1)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file."""


class NameMap(_Table, frozen=True):
    """The claim that has the name of a new member. With `values`, only those names are given."""

    claim: ClaimPath
    values: dict[str, str] = {}


class KindMap(_Table, frozen=True):
    claim: ClaimPath = ""
    values: dict[str, MemberKind] = {}
    always: MemberKind | None = None


class RoleMap(_Table, frozen=True):
    claim: ClaimPath
    values: dict[str, str]


class ScopeMap(_Table, frozen=True):
    claim: ClaimPath
    values: dict[str, tuple[Scope, ...]]


class IssuerSettings(_Table, frozen=True):
    """One `[[issuer]]`. Keys come from `jwks_url` or from the file `keys`."""

    issuer: Text
    audience: Text | tuple[Text, ...]
    algorithms: Annotated[tuple[str, ...], Meta(min_length=1)]
    name: NameMap
    kind: KindMap
    role: RoleMap | None = None
    scopes: ScopeMap | None = None
    jwks_url: str = ""
    keys: str = ""
    revoked: str = ""
    leeway: Annotated[float, Meta(ge=0, le=MAX_LEEWAY_S)] = DEFAULT_LEEWAY_S
    max_lifetime: Annotated[float, Meta(gt=0, le=MAX_LIFETIME_S)] = DEFAULT_LIFETIME_S
    refresh: Annotated[float, Meta(ge=MIN_REFRESH_S, le=MAX_REFRESH_S)] = DEFAULT_REFRESH_S

    def accepted(self) -> AcceptedIssuer:
        audiences = (self.audience,) if isinstance(self.audience, str) else self.audience
        return AcceptedIssuer(
            self.issuer, frozenset(audiences), frozenset(self.algorithms), self.leeway, self.max_lifetime
        )


class IdentitySettings(_Table, frozen=True):
    issuer: Annotated[tuple[IssuerSettings, ...], Meta(min_length=1, max_length=MAX_ISSUERS)]


def parse_identity_settings(value: object, place: str) -> IdentitySettings:
    """The settings in a parsed TOML file; `place` names it in errors."""
    try:
        settings = msgspec.convert(value, IdentitySettings)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{place}: {error}. See docs/guides/identity.md.") from None
    names = [one.issuer for one in settings.issuer]
    if len(set(names)) < len(names):
        raise BadRequest(f"{place}: an issuer is there twice.")
    for one in settings.issuer:
        _check_issuer(one, f"{place}: issuer {one.issuer!r}")
    return settings


def _check_issuer(one: IssuerSettings, place: str) -> None:
    unknown = [name for name in one.algorithms if name not in FAMILY_OF]
    if unknown:
        raise BadRequest(f"{place}: the algorithm {unknown[0]!r} is not one of {', '.join(FAMILY_OF)}.")
    if len({FAMILY_OF[name] for name in one.algorithms}) > 1:
        raise BadRequest(f"{place}: the algorithms are of several families. Choose one family.")
    if bool(one.jwks_url) == bool(one.keys):
        raise BadRequest(f"{place}: give either `jwks_url` or `keys`.")
    if not one.audience:
        raise BadRequest(f"{place}: `audience` is empty.")
    if (one.kind.always is None) != bool(one.kind.claim and one.kind.values) or (
        one.kind.always is not None and (one.kind.claim or one.kind.values)
    ):
        raise BadRequest(f"{place}: `kind` needs either `always`, or `claim` with `values`.")
    if MemberKind.SYSTEM in (one.kind.always, *one.kind.values.values()):
        raise BadRequest(f"{place}: a member cannot be of the kind 'system'.")
    named = canonical_agent_name if one.kind.always is MemberKind.AGENT else canonical_member_name
    _check_values(one.name.values, named, f"{place}: `name`")
    _check_values(one.role.values if one.role else {}, canonical_member_name, f"{place}: `role`")


def _check_values(values: Mapping[str, str], canonical: Callable[[str], str], place: str) -> None:
    """Refuse at the start what would keep out whoever comes with such a claim."""
    for claimed, given in values.items():
        try:
            canonical(given)
        except GroupChatError as error:
            raise BadRequest(
                f"{place} gives a wrong value for {claimed[:MAX_NAMED_CHARS]!r}: {error.message}"
            ) from None


def member_of_claims(settings: IssuerSettings, token: ProviderToken, claims: Mapping[str, Any]) -> ProviderMember:
    """Whom the claims of a checked token stand for."""
    kind = _kind_of(settings.kind, claims)
    return ProviderMember(
        token,
        _name_of(settings.name, kind, claims),
        kind,
        _role_of(settings.role, claims),
        _scopes_of(settings.scopes, claims),
    )


def _texts_at(claims: Mapping[str, Any], path: str | tuple[str, ...]) -> tuple[str, ...]:
    """The text of a claim, or the texts of its list. Anything else is none."""
    value: Any = claims
    for key in (path,) if isinstance(path, str) else path:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _name_of(table: NameMap, kind: MemberKind, claims: Mapping[str, Any]) -> str:
    texts = _texts_at(claims, table.claim)
    wanted = texts[0] if len(texts) == 1 else ""
    if table.values:
        wanted = table.values.get(wanted, "")
    if not wanted:
        raise Unauthorized("This token has no name that is known here. The administrator maps names in --jwt FILE.")
    try:
        return canonical_agent_name(wanted) if kind is MemberKind.AGENT else canonical_member_name(wanted)
    except GroupChatError:
        raise Unauthorized(
            f"The name {wanted[:MAX_NAMED_CHARS]!r} in this token cannot be a name here. The administrator maps it in "
            "--jwt FILE."
        ) from None


def _kind_of(table: KindMap, claims: Mapping[str, Any]) -> MemberKind:
    if table.always is not None:
        return table.always
    found = {table.values[one] for one in _texts_at(claims, table.claim) if one in table.values}
    if len(found) != 1:
        raise Unauthorized("This token does not say which kind of member it is for. See --jwt FILE.")
    return found.pop()


def _role_of(table: RoleMap | None, claims: Mapping[str, Any]) -> str | None:
    found = (
        [] if table is None else [table.values[one] for one in _texts_at(claims, table.claim) if one in table.values]
    )
    return canonical_member_name(found[0]) if found else None


def _scopes_of(table: ScopeMap | None, claims: Mapping[str, Any]) -> tuple[Scope, ...]:
    if table is None:
        return ()
    return _in_order(one for text in _texts_at(claims, table.claim) for one in table.values.get(text, ()))


def _in_order(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    found = set(scopes)
    return tuple(one for one in Scope if one in found)
