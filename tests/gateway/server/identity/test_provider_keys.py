"""The keys of an issuer over real HTTP: looked at again with a limit; servers that hang or lie hold nobody up."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from gateway.access.provider_tokens import KeySet
from gateway.protocol.errors import BadRequest, Unavailable
from gateway.server.identity import provider_keys
from gateway.server.identity.identity_file import check_key_address, read_identity_file, read_revoked
from gateway.server.identity.provider_keys import FETCH_PAUSE_S, MAX_KEY_AGE_S, MAX_KEY_SET_BYTES, ProviderKeys
from tests.support.certificates import self_signed
from tests.support.issuer import ISSUER, KeyServer, hang, key_server, key_set, public_jwk, settings_text, write_settings

REFRESH_S = 900.0
ONE = key_set(public_jwk("ed25519"))
TWO = key_set(public_jwk("ed25519"), public_jwk("ed25519", kid="k2", number=2))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def keys_at(source: str | Path, clock: Clock | None = None) -> ProviderKeys:
    return ProviderKeys(ISSUER, source, frozenset({"EdDSA"}), REFRESH_S, clock or Clock())


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    async with key_server(ONE) as running:
        yield running


async def test_keys_are_fetched_once_for_many_at_once(server: KeyServer) -> None:
    keys = keys_at(server.url)
    found = await asyncio.gather(*(keys.find("k1") for _ in range(50)))
    assert len(server.requests) == 1
    assert all(one is found[0] for one in found)


async def test_an_unknown_kid_is_looked_for_once_in_a_while(server: KeyServer) -> None:
    clock = Clock()
    keys = keys_at(server.url, clock)
    await keys.find("k1")
    for number in range(100):
        assert (await keys.find(f"unknown-{number}")).find(f"unknown-{number}") is None
    assert len(server.requests) == 1
    server.document = TWO
    clock.now += FETCH_PAUSE_S
    assert (await keys.find("k2")).find("k2") is not None
    assert len(server.requests) == 2


async def test_old_keys_are_looked_at_again_while_they_still_serve(server: KeyServer) -> None:
    clock = Clock()
    keys = keys_at(server.url, clock)
    await keys.find("k1")
    server.document = key_set(public_jwk("ed25519", kid="k2", number=2))
    clock.now += REFRESH_S + 1
    assert (await keys.find("k1")).find("k1") is not None
    async with asyncio.timeout(60):
        while keys.fetches < 2 or keys._fetching is not None:
            await asyncio.sleep(0.01)
    assert (await keys.find("k2")).find("k1") is None


async def redirect(request: web.Request) -> web.StreamResponse:
    raise web.HTTPFound(str(request.url.with_path("/elsewhere")))


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(4 * MAX_KEY_SET_BYTES // 1024):
        await answer.write(b" " * 1024)
    await answer.write(ONE)
    return answer


async def drip(request: web.Request) -> web.StreamResponse:
    """A byte now and then, for ever: no single read takes long."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b" ")
        await asyncio.sleep(0.01)


async def packed(request: web.Request) -> web.StreamResponse:
    bomb = gzip.compress(b" " * 10_000_000 + ONE)
    return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})


async def broken_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    raise ConnectionResetError


async def failing(request: web.Request) -> web.StreamResponse:
    return web.Response(status=500, body=ONE)


async def page(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<html>log in first</html>", content_type="text/html")


async def private(request: web.Request) -> web.StreamResponse:
    return web.Response(body=json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}]}))


async def nested(request: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"keys":' + b"[" * 50_000)


LIES: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = [
    *(hang, redirect, endless, drip, packed, broken_off, failing, page, private, nested)
]


@pytest.mark.parametrize("lie", LIES)
async def test_a_server_that_hangs_or_lies_gives_no_keys(
    lie: Callable[[web.Request], Awaitable[web.StreamResponse]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves the former ones in force, for a day."""
    async with key_server(ONE) as server:
        clock = Clock()
        keys, without = keys_at(server.url, clock), keys_at(server.url, clock)
        await keys.find("k1")
        server.answer = lie
        monkeypatch.setattr(provider_keys, "FETCH_TIMEOUT_S", 0.2)
        clock.now += FETCH_PAUSE_S
        async with asyncio.timeout(60):
            assert (await keys.find("unknown")).find("k1") is not None
            with pytest.raises(Unavailable):
                await without.find("k1")
            clock.now += MAX_KEY_AGE_S + 1
            with pytest.raises(Unavailable):
                await keys.find("k1")
        assert "/elsewhere" not in server.requests


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    made = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.cert, made.key)
    app = web.Application()
    app.router.add_get("/keys", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        with pytest.raises(Unavailable):
            await keys_at(f"https://127.0.0.1:{runner.addresses[0][1]}/keys").find("k1")
    finally:
        await runner.cleanup()


async def test_a_fetch_ends_with_the_gateway(server: KeyServer) -> None:
    server.answer = hang
    keys = keys_at(server.url)
    waiting = asyncio.ensure_future(keys.find("k1"))  # noqa: TID251
    async with asyncio.timeout(60):
        while not server.requests:
            await asyncio.sleep(0.01)
        await keys.stop()
        with pytest.raises(Unavailable):
            await waiting


async def test_keys_from_a_file(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    keys = keys_at(path, clock)
    with pytest.raises(Unavailable):
        await keys.find("k1")
    path.write_bytes(ONE)
    clock.now += FETCH_PAUSE_S
    assert isinstance(await keys.find("k1"), KeySet)


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.org/keys",
        "http://127.0.0.1.example.org/keys",
        "http://localhost@id.example.org/keys",
        "https://user:secret@id.example.org/keys",
        "http://169.254.169.254/keys",
        "file:///etc/passwd",
        "ftp://127.0.0.1/keys",
        "//127.0.0.1/keys",
        "https://",
        "https://[::1/keys",
        "https://id.example.org:port/keys",
        "keys",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        check_key_address(url, "issuers.toml")


@pytest.mark.parametrize("url", ["https://id.example.org/keys", "http://127.0.0.1:1/keys", "http://localhost/k"])
def test_addresses_that_are_accepted(url: str) -> None:
    check_key_address(url, "issuers.toml")


@pytest.mark.parametrize("content", [b"\xff", b"[[issuer", b"[[issuer]]\nissuer = 7", b" " * 300_000])
def test_a_settings_file_that_is_refused_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "issuers.toml"
    for missing in (True, False):
        if not missing:
            path.write_bytes(content)
        with pytest.raises(BadRequest) as refused:
            read_identity_file(path)
        assert str(path) in refused.value.message


def test_the_address_in_a_settings_file_is_checked(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        read_identity_file(write_settings(tmp_path, settings_text('jwks_url = "http://id.example.org/keys"')))


def test_a_list_of_revoked_tokens(tmp_path: Path) -> None:
    path = tmp_path / "revoked.txt"
    path.write_text("# stolen\n one \n\ntwo\n")
    assert read_revoked(path) == {"one", "two"}
