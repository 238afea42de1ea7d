"""Which member a token of an identity provider stands for: found by issuer and subject, never by a name that exists."""

from __future__ import annotations

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.access.provider_token_record import ProviderIdentity, ProviderMember, ProviderToken
from gateway.model.rule_outcome import StateChange
from gateway.operations.access.provider_members import (
    MAX_TOKENS_PER_IDENTITY,
    admit_provider_member,
    identify_provider_member,
)
from gateway.protocol.errors import BadRequest, NameTaken, NotFound, Unauthorized
from gateway.protocol.requests.member_requests import CreateToken, Register, RemoveMember, RevokeToken, RotateToken
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.rooms import member_tokens, members, removal
from gateway.rooms.members import leave_without_token
from gateway.runtime.departed_member_deliveries import departed_names
from tests.support.world import ADMIN, NOON, World, entropy

ISSUER, OTHER = "https://one.example.org", "https://two.example.org"


def proven(
    name: str = "ann",
    *,
    issuer: str = ISSUER,
    subject: str = "u-1",
    jti: str = "1",
    kind: MemberKind = MemberKind.HUMAN,
    scopes: tuple[Scope, ...] = (),
    ends: float = NOON + 600,
) -> ProviderMember:
    token = ProviderToken(f"{issuer} {subject} {jti}", ProviderIdentity(issuer, subject), jti, ends)
    return ProviderMember(token, name, kind, None, scopes)


def come(world: World, one: ProviderMember, kept: tuple[str, ...] = ()) -> Actor:
    world.commit(*admit_provider_member(world.state, one, kept, world.rule_context).events)
    actor = identify_provider_member(world.state, one, world.rule_context.now)
    assert actor is not None
    return actor


def test_the_first_token_makes_the_member_and_the_next_finds_it() -> None:
    world = World()
    assert identify_provider_member(world.state, proven(), NOON) is None
    first = come(world, proven(scopes=(Scope.APPROVER,)))
    assert (first.name, first.kind, first.scopes) == ("ann", MemberKind.HUMAN, frozenset({Scope.APPROVER}))
    second = come(world, proven(jti="2"))
    assert (second.name, second.scopes) == ("ann", frozenset())
    assert second.token != first.token
    assert "ann" in world.state.in_room["general"]


def test_the_same_token_changes_nothing_twice() -> None:
    world = World()
    come(world, proven())
    assert not admit_provider_member(world.state, proven(), (), world.rule_context).events


def test_a_name_is_read_once() -> None:
    world = World()
    world.person("bob")
    come(world, proven())
    assert come(world, proven("bob", jti="2")).name == "ann"


@pytest.mark.parametrize("name", ["bob", "claude", "human", "team", "guest", "kept", "gone"])
def test_a_name_that_exists_is_refused(name: str) -> None:
    world = World()
    world.person("bob")
    world.member("claude", by_team=True)
    guest = world.member("guest")
    record = msgspec.structs.replace(world.state.members[guest.name], dialect="agentchat")
    world.state.put(StateChange("member", guest.name, record))
    gone = msgspec.structs.replace(world.state.members["bob"].member, name="gone", hidden=True)
    world.state.put(
        StateChange("member", "gone", msgspec.structs.replace(world.state.members["bob"], member=gone, removed=True))
    )
    with pytest.raises(NameTaken):
        come(world, proven(name), kept=("kept",))


@pytest.mark.parametrize("other", [proven(issuer=OTHER), proven(subject="u-2")])
def test_another_issuer_or_subject_never_gets_the_member(other: ProviderMember) -> None:
    world = World()
    come(world, proven())
    with pytest.raises(NameTaken):
        come(world, other)
    assert come(world, msgspec.structs.replace(other, name="ben")).name == "ben"


def test_a_record_of_another_identity_is_never_used() -> None:
    world = World()
    come(world, proven())
    token = msgspec.structs.replace(proven().token, identity=ProviderIdentity(OTHER, "u-1"))
    with pytest.raises(Unauthorized):
        identify_provider_member(world.state, msgspec.structs.replace(proven(), token=token), NOON)


def test_a_token_that_has_ended_is_refused() -> None:
    world = World()
    come(world, proven())
    with pytest.raises(Unauthorized):
        identify_provider_member(world.state, proven(), NOON + 600)
    with pytest.raises(Unauthorized):
        admit_provider_member(world.state, proven(jti="2", ends=NOON), (), world.rule_context)


@pytest.mark.parametrize("name", ["jti:1", "ann"])
def test_a_revoked_token_stays_revoked(name: str) -> None:
    world = World()
    actor = come(world, proven())
    world.commit(*member_tokens.revoke_token(world.state, ADMIN, RevokeToken(name=name), world.rule_context).events)
    with pytest.raises(Unauthorized):
        identify_provider_member(world.state, proven(), NOON)
    with pytest.raises(Unauthorized):
        admit_provider_member(world.state, proven(scopes=(Scope.ADMIN,)), (), world.rule_context)
    with pytest.raises(Unauthorized):
        member_tokens.check_token_holds(world.state, actor, NOON)
    assert not world.state.members["ann"].member.hidden, "the provider says whether it gets another token"
    assert come(world, proven(jti="2")).name == "ann"
    with pytest.raises(Unauthorized):
        identify_provider_member(world.state, proven(), NOON)


def test_a_number_of_no_token_cannot_be_revoked() -> None:
    world = World()
    come(world, proven())
    for name in ("jti:2", "jti:", "1"):
        with pytest.raises(NotFound):
            member_tokens.revoke_token(world.state, ADMIN, RevokeToken(name=name), world.rule_context)


def test_a_changed_map_of_scopes_holds_at_once() -> None:
    world = World()
    come(world, proven(scopes=(Scope.ADMIN,)))
    assert identify_provider_member(world.state, proven(), NOON) is None
    assert come(world, proven()).scopes == frozenset()


def test_another_kind_is_refused() -> None:
    world = World()
    come(world, proven())
    with pytest.raises(NameTaken):
        come(world, proven(jti="2", kind=MemberKind.AGENT))


def test_a_removed_member_does_not_come_back_under_another_name() -> None:
    world = World()
    come(world, proven())
    world.commit(*removal.remove_member(world.state, ADMIN, RemoveMember(member="ann"), world.rule_context).events)
    for one in (proven(jti="2"), proven("annie", jti="3")):
        with pytest.raises(NameTaken):
            come(world, one)


def test_a_member_stays_when_its_token_has_ended() -> None:
    world = World()
    come(world, proven(kind=MemberKind.AGENT))
    assert departed_names(world.state, NOON + 601) == []
    assert leave_without_token(world.state, "ann", "system", world.rule_context) == ()
    assert world.state.members["ann"].member.inbox


def test_records_that_have_ended_go_and_there_are_not_too_many() -> None:
    world = World()
    for number in range(MAX_TOKENS_PER_IDENTITY + 5):
        come(world, proven(jti=str(number)))
    assert len(world.state.tokens) == MAX_TOKENS_PER_IDENTITY
    world.rule_context.at(NOON + 601)
    come(world, proven(jti="new", ends=NOON + 1200))
    assert [one.provider.jti for one in world.state.tokens.values() if one.provider] == ["new"]


def test_a_static_token_for_the_member_keeps_its_identity() -> None:
    world = World()
    come(world, proven())
    wish = CreateToken(name="ann", kind=MemberKind.HUMAN)
    made = member_tokens.create_token(world.state, ADMIN, wish, world.rule_context, entropy("a"))
    world.commit(*made.events)
    assert come(world, proven(jti="2")).name == "ann"


def test_the_team_token_does_not_get_the_member() -> None:
    world = World()
    come(world, proven(kind=MemberKind.AGENT))
    team = members.team_actor(world.state)
    wish = Register(name="ann", kind=MemberKind.AGENT)
    with pytest.raises(NameTaken):
        members.register_member(world.state, team, wish, world.rule_context, entropy("a"))
    with pytest.raises(NameTaken):
        members.team_actor(world.state, "ann")


def test_its_token_is_no_secret_of_the_gateway() -> None:
    """The id of the record is nothing to come in with, and there is nothing to rotate."""
    world = World()
    actor = come(world, proven())
    for secret in ("", "x"):
        with pytest.raises(Unauthorized):
            member_tokens.identify(world.state, f"gc_{actor.token}_{secret}", NOON)
    with pytest.raises(BadRequest):
        member_tokens.rotate_token(world.state, ADMIN, RotateToken(name="ann"), world.rule_context, entropy("a"))
