"""What claims mean: only what the map names gives a name, a kind, a role or a scope; and which files are refused."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from gateway.access.claim_mapping import IssuerSettings, member_of_claims, parse_identity_settings
from gateway.access.provider_token_record import ProviderIdentity, ProviderMember, ProviderToken
from gateway.protocol.errors import BadRequest, Unauthorized
from gateway.protocol.types.core_types import MemberKind, Scope
from tests.support.issuer import ISSUER, settings_text

TOKEN = ProviderToken("id", ProviderIdentity(ISSUER, "u-1"), "", 1.0)
KEYS = 'keys = "keys.json"'
FULL = f"""
[[issuer]]
issuer = "{ISSUER}"
audience = ["groupchat", "chat"]
keys = "keys.json"
algorithms = ["RS256", "PS256"]
[issuer.name]
claim = ["profile", "nick"]
[issuer.kind]
claim = "type"
values = {{ person = "human", bot = "agent" }}
[issuer.role]
claim = "job"
values = {{ dev = "coder" }}
[issuer.scopes]
claim = ["realm_access", "roles"]
values = {{ boss = ["admin", "observer"], signer = ["approver"] }}
"""


def settings(text: str = FULL) -> IssuerSettings:
    return parse_identity_settings(tomllib.loads(text), "issuers.toml").issuer[0]


def mapped(text: str = FULL, **claims: Any) -> ProviderMember:
    return member_of_claims(settings(text), TOKEN, claims)


def test_claims_are_mapped_value_by_value() -> None:
    found = mapped(
        profile={"nick": "Ann"}, type="person", job="dev", realm_access={"roles": ["signer", "boss", "other", 7]}
    )
    assert (found.name, found.kind, found.role) == ("ann", MemberKind.HUMAN, "coder")
    assert set(found.scopes) == {Scope.ADMIN, Scope.OBSERVER, Scope.APPROVER}


@pytest.mark.parametrize(
    "roles", [None, [], "admin", ["admin"], {"boss": True}, [["boss"]], 1, True, ["Boss", "boss "]]
)
def test_scopes_come_from_mapped_values_alone(roles: object) -> None:
    found = mapped(
        profile={"nick": "ann"}, type="person", realm_access={"roles": roles}, scopes=["admin"], scope="admin"
    )
    assert found.scopes == ()


def test_without_a_map_of_scopes_there_are_none() -> None:
    text = FULL[: FULL.index("[issuer.scopes]")]
    assert mapped(text, profile={"nick": "ann"}, type="person", realm_access={"roles": ["boss"]}).scopes == ()


@pytest.mark.parametrize(
    "claims",
    [
        {"type": "person"},
        {"profile": "ann", "type": "person"},
        {"profile": {"nick": ""}, "type": "person"},
        {"profile": {"nick": ["ann", "ben"]}, "type": "person"},
        {"profile": {"nick": 7}, "type": "person"},
        {"profile": {"nick": "ann@example.org"}, "type": "person"},
        {"profile": {"nick": "all"}, "type": "person"},
        {"profile": {"nick": "system"}, "type": "person"},
        {"profile": {"nick": "аnn"}, "type": "person"},  # the first letter is Cyrillic
        {"profile": {"nick": "x" * 65}, "type": "person"},
        {"profile": {"nick": "ann"}},
        {"profile": {"nick": "ann"}, "type": "system"},
        {"profile": {"nick": "ann"}, "type": "human"},
        {"profile": {"nick": "ann"}, "type": ["person", "bot"]},
    ],
)
def test_claims_without_a_name_or_kind_are_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthorized):
        mapped(**claims)


def test_names_can_be_given_one_by_one() -> None:
    text = settings_text(KEYS).replace(
        'claim = "preferred_username"', 'claim = "email"\nvalues = { "ann@example.org" = "ann" }'
    )
    assert mapped(text, email="ann@example.org").name == "ann"
    with pytest.raises(Unauthorized):
        mapped(text, email="ann")


GOOD = settings_text(KEYS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "issuer = []",
        GOOD + GOOD,
        settings_text(""),
        settings_text(KEYS + '\njwks_url = "https://id.example.org/keys"'),
        settings_text(KEYS, algorithm="none"),
        settings_text(KEYS, algorithm="HS256"),
        GOOD.replace('["EdDSA"]', '["EdDSA", "RS256"]'),
        GOOD.replace('["EdDSA"]', '["RS256", "HS256"]'),
        GOOD.replace('["EdDSA"]', "[]"),
        GOOD.replace("leeway = 0", "leeway = 301"),
        GOOD.replace("leeway = 0", "leeway = -1"),
        GOOD.replace("leeway = 0", "max_lifetime = 1e9"),
        GOOD.replace("leeway = 0", "refresh = 1"),
        GOOD.replace("leeway = 0", "verify = false"),
        GOOD.replace('always = "human"', 'always = "system"'),
        GOOD.replace('always = "human"', ""),
        GOOD.replace('always = "human"', 'always = "human"\nclaim = "type"'),
        GOOD.replace('["admin"]', '["root"]'),
        GOOD.replace('audience = "groupchat"', "audience = []"),
        GOOD.replace('audience = "groupchat"', ""),
        GOOD.replace('claim = "preferred_username"', ""),
        GOOD.replace('claim = "preferred_username"', "claim = []"),
        GOOD.replace('claim = "preferred_username"', 'claim = [""]'),
    ],
)
def test_files_that_are_refused(text: str) -> None:
    with pytest.raises(BadRequest) as refused:
        settings(text)
    assert "issuers.toml" in refused.value.message


def names(value: str, kind: str = "human") -> str:
    given = f'claim = "email"\nvalues = {{ "ann@example.org" = "ann", "ben@example.org" = {value!r} }}'
    return GOOD.replace('claim = "preferred_username"', given).replace('"human"', f'"{kind}"')


def roles(value: str) -> str:
    return FULL.replace('"coder"', repr(value))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (names("ben smith"), "`name` gives a wrong value for 'ben@example.org': 'ben smith' is not a valid name"),
        (names(""), "`name` gives a wrong value for 'ben@example.org': '' is not a valid name"),
        (names("All"), "`name` gives a wrong value for 'ben@example.org': The name 'all' is reserved"),
        (names("system"), "The name 'system' is reserved"),
        (names("team", "agent"), "'team' is the name of the team's own token"),
        (names("x" * 65), "is not a valid name"),
        (roles("lead coder"), "`role` gives a wrong value for 'dev': 'lead coder' is not a valid name"),
        (roles(""), "`role` gives a wrong value for 'dev': '' is not a valid name"),
        (roles("all"), "`role` gives a wrong value for 'dev': The name 'all' is reserved"),
    ],
)
def test_a_map_to_what_cannot_be_a_name_or_a_role_is_refused_at_the_start(text: str, said: str) -> None:
    with pytest.raises(BadRequest) as refused:
        settings(text)
    assert said in refused.value.message
    assert "issuers.toml: issuer 'https://id.example.org/team': " in refused.value.message


@pytest.mark.parametrize("text", [names("@Ben"), names("team"), names("ben-2", "agent"), roles("Coder"), roles("qa.2")])
def test_a_map_to_names_and_roles_in_any_spelling_is_taken(text: str) -> None:
    assert settings(text).issuer == ISSUER
