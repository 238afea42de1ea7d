"""A test issuer: an identity provider with keys of its own, and its key set on loopback, which may also hang or lie."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://id.example.org/team"
AUDIENCE = "groupchat"
ALGORITHM_OF = {"rsa": "RS256", "ec": "ES256", "ed25519": "EdDSA"}
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def private_key(family: str, number: int = 1, bits: int = 2048) -> Any:
    """A key of this family; the same one for each test of a process."""
    return _private_key(family, number, bits)


@cache
def _private_key(family: str, number: int, bits: int) -> Any:
    match family:
        case "rsa":
            return rsa.generate_private_key(65537, bits)
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case _:
            return ed25519.Ed25519PrivateKey.generate()


def public_jwk(family: str, kid: str | None = "k1", number: int = 1, bits: int = 2048, **fields: Any) -> dict[str, Any]:
    key = private_key(family, number, bits).public_key()
    algorithm = {"rsa": RSAAlgorithm, "ec": ECAlgorithm}.get(family, OKPAlgorithm)
    found: dict[str, Any] = algorithm.to_jwk(key, as_dict=True)  # type: ignore[attr-defined]
    found.pop("key_ops", None)
    return {**found, **({} if kid is None else {"kid": kid}), **fields}


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def sign(
    claims: dict[str, Any], family: str = "ed25519", kid: str | None = "k1", number: int = 1, **header: Any
) -> str:
    headers = {**({} if kid is None else {"kid": kid}), **header}
    return jwt.encode(claims, private_key(family, number), ALGORITHM_OF[family], headers)


def claims(now: float, subject: str = "u-1", **changes: Any) -> dict[str, Any]:
    """The claims of a good token; a change to None takes one away."""
    good = {
        "iss": ISSUER,
        "sub": subject,
        "aud": AUDIENCE,
        "iat": int(now),
        "exp": now + 600,
        "jti": f"jti-of-{subject}",
        "preferred_username": "ann",
        "groups": [],
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def settings_text(source: str, issuer: str = ISSUER, algorithm: str = "EdDSA", more: str = "") -> str:
    """A `[[issuer]]` of the file. `source` is its line with `jwks_url` or `keys`."""
    return f"""
[[issuer]]
issuer = "{issuer}"
audience = "{AUDIENCE}"
algorithms = ["{algorithm}"]
leeway = 0
{source}
{more}

[issuer.name]
claim = "preferred_username"

[issuer.kind]
always = "human"

[issuer.scopes]
claim = "groups"
values = {{ admins = ["admin"], approvers = ["approver"] }}
"""


@dataclass
class KeyServer:
    """Serves the key set; a test may change the document, or the whole answer."""

    url: str
    document: bytes
    requests: list[str] = field(default_factory=list)
    answer: Answer | None = None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request.path)
        if self.answer is not None:
            return await self.answer(request)
        return web.Response(body=self.document, content_type="application/json")


@asynccontextmanager
async def key_server(document: bytes) -> AsyncIterator[KeyServer]:
    server = KeyServer("", document)
    app = web.Application()
    app.router.add_get("/{path:.*}", server.serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/keys"
    try:
        yield server
    finally:
        await runner.cleanup()


async def hang(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits so long")


def write_settings(folder: Path, *texts: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "issuers.toml"
    path.write_text("".join(texts))
    return path
