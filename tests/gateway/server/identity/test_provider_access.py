"""Members who come to a real gateway with tokens of an identity provider, over REST, WebSocket and event streams."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.access.provider_tokens import read_form
from gateway.cluster.asked_requests import start_asked
from gateway.cluster.link_frames import AskIdentity, decode_for_decider, encode_frames
from gateway.operations.access.provider_members import identify_provider_member
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import BadRequest, GroupChatError, NameTaken, RateLimited, Unauthorized
from gateway.protocol.requests.member_requests import CreateToken, RemoveMember, RevokeToken
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.server.identity.provider_access import ProviderAccess
from gateway.server.identity.trial_issuer import create_trial_token, ensure_trial_issuer
from gateway.server.state_folder.startup_tokens import system_actor
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.issuer import (
    ISSUER,
    KeyServer,
    claims,
    key_server,
    key_set,
    public_jwk,
    settings_text,
    sign,
    write_settings,
)

OTHER_ISSUER = "https://id.example.org/other"


@dataclass
class World:
    gateway: Gateway
    keys: KeyServer
    folder: Path
    session: aiohttp.ClientSession

    async def ask(self, token: str, **request: Any) -> dict[str, Any]:
        """The answer to a request over REST, with its status."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(self.gateway.url + "/v1/op", headers=headers, json=request) as answer:
            return {"status": answer.status, **await answer.json()}

    async def status(self, token: str, op: str = "members") -> int:
        return int((await self.ask(token, op=op))["status"])

    def access(self) -> ProviderAccess:
        access = self.gateway.hub.providers
        assert isinstance(access, ProviderAccess)
        return access


@asynccontextmanager
async def world_of(folder: Path) -> AsyncIterator[World]:
    async with key_server(key_set(public_jwk("ed25519"), public_jwk("ed25519", kid="other", number=2))) as keys:
        source = f'jwks_url = "{keys.url}"\nrevoked = "revoked.txt"'
        (folder / "revoked.txt").write_text("")
        settings = write_settings(
            folder, settings_text(source), settings_text(f'jwks_url = "{keys.url}"', issuer=OTHER_ISSUER)
        )
        async with (
            gateway_in_process(folder / "state", jwt=settings) as gateway,
            aiohttp.ClientSession() as session,
        ):
            yield World(gateway, keys, folder, session)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with world_of(tmp_path) as running:
        yield running


def token(subject: str = "u-1", **changes: Any) -> str:
    return sign(claims(time.time(), subject, **changes))


async def test_a_member_comes_says_something_and_is_found_again(world: World) -> None:
    first = await world.ask(token(), op="send", content="hello")
    assert first["status"] == 200
    assert await world.status(token(jti="2", preferred_username="renamed")) == 200
    record = world.gateway.hub.state.members["ann"]
    assert (record.member.kind, record.identity is not None) == (MemberKind.HUMAN, True)
    assert "renamed" not in world.gateway.hub.state.members
    assert len(world.keys.requests) == 1


async def test_the_identity_survives_a_restart(tmp_path: Path) -> None:
    kept = token()
    async with world_of(tmp_path) as world:
        assert await world.status(kept) == 200
    async with world_of(tmp_path) as world:
        before = world.gateway.hub.committed_seq
        assert await world.status(kept) == 200
        assert world.gateway.hub.committed_seq == before, "its record was found in the log"


async def test_static_tokens_stay(world: World) -> None:
    bob = await world.gateway.member("bob", MemberKind.HUMAN)
    assert await world.status(bob.token) == 200


BAD_TOKENS: dict[str, Callable[[], str]] = {  # made when they are tried: their times are relative to that
    "expired": lambda: token(exp=time.time() - 5),
    "not yet valid": lambda: token(nbf=time.time() + 500),
    "other audience": lambda: token(aud="another"),
    "unknown issuer": lambda: token(iss="https://unknown.example.org"),
    "other key": lambda: sign(claims(time.time()), number=3),
    "unknown key": lambda: sign(claims(time.time()), kid="unknown"),
    "other signature": lambda: token()[:-8] + "AAAAAAAA",
    "no JSON": lambda: "ey.ey.ey",
    "no signature": lambda: "eyJh.e30.",
}


@pytest.mark.rows_share_fixtures
@pytest.mark.parametrize("what", BAD_TOKENS)
async def test_bad_tokens_are_refused_everywhere(world: World, what: str) -> None:
    bad = BAD_TOKENS[what]()
    for path in ("/v1/ping", "/v1/events", "/metrics", "/v1/ws", "/v1/rooms"):
        headers = {"Authorization": f"Bearer {bad}"}
        async with world.session.get(world.gateway.url + path, headers=headers) as answer:
            assert answer.status in (400, 401), (path, answer.status)
    assert await world.status(bad, "ping") in (400, 401)
    assert "ann" not in world.gateway.hub.state.members
    assert len(world.keys.requests) <= 2, "one look for each issuer at most"


async def test_a_token_without_the_option_is_refused(tmp_path: Path) -> None:
    async with (
        gateway_in_process(tmp_path / "state") as gateway,
        aiohttp.ClientSession(gateway.url) as session,
        session.get("/v1/ping", headers={"X-Auth-Token": token()}) as answer,
    ):
        assert answer.status == 401


@pytest.mark.rows_share_fixtures
@pytest.mark.parametrize("name", ["alice", "human", "bob", "taken"])
async def test_no_claim_yields_a_name_that_exists(world: World, name: str) -> None:
    for known in ("bob", "taken"):
        if known not in world.gateway.hub.state.members:
            await world.gateway.member(known)
    answer = await world.ask(token("u-9", jti=name, preferred_username=name, groups=["admins"]), op="ping")
    assert answer["status"] == 409, answer
    assert name in answer["error"]["message"]


async def test_the_same_subject_of_another_issuer_is_somebody_else(world: World) -> None:
    assert await world.status(token()) == 200
    answer = await world.ask(token(iss=OTHER_ISSUER), op="ping")
    assert answer["status"] == 409
    assert await world.status(token(iss=OTHER_ISSUER, preferred_username="ben")) == 200
    found = world.gateway.hub.state.members
    assert (found["ann"].identity, found["ben"].identity) != (None, None)
    assert found["ann"].identity != found["ben"].identity


async def test_scopes_come_from_the_map(world: World) -> None:
    assert await world.status(token(groups=["admins"]), "tokens") == 200
    assert await world.status(token("u-2", preferred_username="ben", groups=["staff", "admin"]), "tokens") == 403


@asynccontextmanager
async def open_socket(world: World, text: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with world.session.ws_connect(
        world.gateway.url + "/v1/ws", headers={"Authorization": f"Bearer {text}"}
    ) as socket:
        await socket.send_str(json.dumps({"op": "hello", "n": 1, "version": 1}))
        assert "ok" in json.loads((await socket.receive()).data)
        yield socket


async def until_closed(socket: aiohttp.ClientWebSocketResponse) -> float:
    """When the gateway closed this connection."""
    async with asyncio.timeout(60):
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    return time.time()


async def test_an_open_socket_ends_when_its_token_expires(world: World) -> None:
    await world.status(token(jti="before"))  # so the keys are there already
    ends = time.time() + 3
    text = token(exp=ends)
    async with open_socket(world, text) as socket:
        closed = await until_closed(socket)
    assert ends <= closed < ends + 15, "and not at the next look at all connections, which comes every 25 s"
    assert await world.status(text) == 401
    assert not world.gateway.hub.state.members["ann"].member.hidden


async def test_an_event_stream_ends_when_its_token_expires(world: World) -> None:
    await world.status(token(jti="before"))  # so the keys are there already
    headers = {"Authorization": f"Bearer {token(exp=time.time() + 3)}"}
    async with world.session.get(world.gateway.url + "/v1/events", headers=headers) as answer:
        assert answer.status == 200
        async with asyncio.timeout(20):
            while await answer.content.readany():
                pass


@pytest.mark.rows_share_fixtures
@pytest.mark.parametrize("way", ["jti", "file", "member"])
async def test_a_revoked_token_ends_its_socket_and_stays_out(world: World, way: str) -> None:
    text = token(f"u-{way}", preferred_username=f"ann-{way}")
    async with open_socket(world, text) as socket:
        if way == "file":
            (world.folder / "revoked.txt").write_text(f"jti-of-u-{way}\n")
            provider = world.access().providers[ISSUER]
            await provider.look_at_revoked()
            await world.access().revoke_listed()
        else:
            name = f"jti:jti-of-u-{way}" if way == "jti" else f"ann-{way}"
            await run_operation(world.gateway.hub, system_actor(), RevokeToken(name=name))
        await until_closed(socket)
    assert await world.status(text) == 401


async def test_a_token_that_was_never_seen_can_be_revoked_by_the_file(world: World) -> None:
    (world.folder / "revoked.txt").write_text("jti-of-u-1\n")
    await world.access().providers[ISSUER].look_at_revoked()
    assert await world.status(token()) == 401
    assert await world.status(token(jti="fresh")) == 200
    (world.folder / "revoked.txt").unlink()
    await world.access().providers[ISSUER].look_at_revoked()
    assert await world.status(token()) == 401, "a list that is gone holds as it was"


async def test_a_removed_member_does_not_come_back(world: World) -> None:
    assert await world.status(token()) == 200
    await run_operation(world.gateway.hub, system_actor(), RemoveMember(member="ann"))
    for changes in ({}, {"jti": "2"}, {"jti": "3", "preferred_username": "annie"}):
        assert await world.status(token(**changes)) in (401, 409)


async def test_keys_that_were_taken_back_check_nothing(world: World) -> None:
    text = token()
    assert await world.status(text) == 200
    keys = world.access().providers[ISSUER].keys
    world.keys.document = key_set(public_jwk("ed25519", kid="other", number=2))
    keys._tried = float("-inf")
    assert await world.status(sign(claims(time.time(), "u-5", preferred_username="eve"), kid="new", number=3)) == 401
    assert await world.status(text) == 401


async def test_many_first_requests_at_once_make_one_member(world: World) -> None:
    text = token()
    assert set(await asyncio.gather(*(world.status(text) for _ in range(30)))) == {200}
    assert len([one for one in world.gateway.hub.state.tokens.values() if one.provider]) == 1


async def test_new_tokens_without_pause_are_limited(world: World) -> None:
    with pytest.raises(RateLimited):
        for number in range(100):
            await world.access().identify(token(jti=str(number)))
    assert await world.status(token("u-2", preferred_username="ben")) == 200


async def test_a_follower_has_its_member_admitted_by_the_decider(world: World) -> None:
    """As it goes over the link; the decider gives no name away for it either."""
    provider = world.access().providers[ISSUER]
    hub = world.gateway.hub
    proven = await provider.check(read_form(token()), hub.now)
    (ask,) = decode_for_decider(encode_frames([AskIdentity(7, proven)]))
    assert ask == AskIdentity(7, proven)
    assert isinstance(ask, AskIdentity)
    await start_asked(hub, ask)
    actor = identify_provider_member(hub.state, proven, hub.now)
    assert actor is not None
    assert actor.name == "ann"
    foreign = await provider.check(read_form(token("u-2", preferred_username="alice")), hub.now)
    with pytest.raises(NameTaken):
        start_asked(hub, AskIdentity(8, foreign))


async def test_a_start_with_a_bad_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", write_settings(tmp_path, settings_text("", algorithm="none"))):
        with pytest.raises(BadRequest):
            async with gateway_in_process(tmp_path / "state", jwt=path):
                pass


async def test_the_trial_issuer(tmp_path: Path) -> None:
    state = tmp_path / "state"
    settings = ensure_trial_issuer(state)
    assert (settings.parent / "key.pem").stat().st_mode & 0o777 == 0o600
    async with gateway_in_process(state, jwt=settings) as gateway, aiohttp.ClientSession() as session:
        for name, kind, scopes in (("ann", MemberKind.HUMAN, (Scope.ADMIN,)), ("scout", MemberKind.AGENT, ())):
            text = create_trial_token(state, CreateToken(name=name, kind=kind, scopes=scopes), time.time())
            actor = await gateway.hub.providers.identify(text)  # type: ignore[union-attr]
            assert (actor.name, actor.kind, actor.scopes) == (name, kind, frozenset(scopes))
            async with session.get(gateway.url + "/v1/ping", headers={"X-Auth-Token": text}) as answer:
                assert answer.status == 200


async def test_only_errors_of_ours_come_from_any_token(world: World) -> None:
    for text in ("ey..", "ey.é.é", "ey\x00.a.b", "ey" + "." * 2, token() + "=", token().replace(".", "..", 1)):
        with pytest.raises((Unauthorized, GroupChatError)):
            await world.access().identify(text)
