"""A browser as the gateway sees it: a key of its own, our page's origin, and the socket of a device."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.client import Client, Endpoint
from gateway.protocol.browser_frames import PAIR_PATH
from gateway.protocol.requests.member_requests import BeginPairing
from gateway.protocol.results import PairingBegun
from gateway.protocol.types.core_types import DeviceScope

PATIENCE_S = 60.0


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


async def begin_pairing(person: Endpoint, scope: DeviceScope = DeviceScope.MEMBER, name: str = "") -> PairingBegun:
    async with Client(person) as client:
        return await client.request(BeginPairing(scope=scope, name=name), PairingBegun)


@dataclass
class Browser:
    """One browser at the page of this address. `paired` is what the gateway has answered to its code. `trusted` is the
    SHA-256 of the certificate that its person has accepted."""

    url: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    paired: dict[str, Any] = field(default_factory=dict)
    trusted: bytes = b""

    @property
    def tls(self) -> aiohttp.Fingerprint | bool:
        return aiohttp.Fingerprint(self.trusted) if self.trusted else True

    @property
    def public_key(self) -> str:
        return base64url(self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    async def pair(
        self, code: str, name: str = "", replaces: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Exchange a code for a device; the status and body of the answer."""
        wish: dict[str, Any] = {"code": code, "public_key": self.public_key, "name": name}
        body = json.dumps(wish if replaces is None else {**wish, "replaces": replaces})
        sent = {"Origin": self.url, "Content-Type": "application/json", **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + PAIR_PATH, data=body, headers=sent, ssl=self.tls) as response,
        ):
            answer = await response.json()
            if response.status == 200:
                self.paired = answer
            return response.status, answer

    def sign(self, nonce: str, **others: str) -> str:
        """The signature for a challenge, or with `others` the one for another house, device or origin."""
        parts = {"house": self.paired["house"], "device": self.paired["device"], "origin": self.url, **others}
        text = "\n".join(("llm-groupchat device v1", parts["house"], parts["device"], parts["origin"], nonce))
        return self._signature(text)

    def yields_to(self, after: Browser, **others: str) -> dict[str, str]:
        """What ends this device in place of the one that this browser becomes."""
        parts = {"house": self.paired["house"], "origin": self.url, "public_key": after.public_key, **others}
        device = self.paired["device"]
        text = "\n".join(
            ("llm-groupchat replaced device v1", parts["house"], device, parts["origin"], parts["public_key"])
        )
        return {"device": device, "signature": self._signature(text)}

    def _signature(self, text: str) -> str:
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(SHA256())))
        return base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))

    @asynccontextmanager
    async def socket(self, **headers: str) -> AsyncIterator[DeviceSocket]:
        """The socket of this device, after its challenge and before any proof."""
        address = f"{self.url}/v1/ws?device={self.paired['device']}".replace("http", "ws", 1)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(address, headers={"Origin": self.url, **headers}, ssl=self.tls) as socket,
        ):
            challenge = await socket.receive_json(timeout=PATIENCE_S)
            yield DeviceSocket(socket, challenge)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[DeviceSocket]:
        """The socket of this device after its welcome."""
        async with self.socket() as socket:
            assert "ok" in await socket.ask({"op": "prove", "signature": self.sign(socket.nonce)})
            socket.welcome = (await socket.ask({"op": "hello"}))["ok"]
            yield socket


@asynccontextmanager
async def link_socket(url: str, link: str) -> AsyncIterator[DeviceSocket]:
    """The socket of whoever opens this link, after its challenge and before any proof."""
    address = f"{url}/v1/ws?link={link}".replace("http", "ws", 1)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(address, headers={"Origin": url}) as socket,
    ):
        yield DeviceSocket(socket, await socket.receive_json(timeout=PATIENCE_S))


@dataclass
class DeviceSocket:
    wire: aiohttp.ClientWebSocketResponse
    challenge: dict[str, Any]
    welcome: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def nonce(self) -> str:
        return str(self.challenge["nonce"])

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to this request; events in between are kept for `until`."""
        number = secrets.randbelow(1 << 30) + 1
        await self.wire.send_json({**request, "n": number})
        while True:
            frame = await self.wire.receive_json(timeout=PATIENCE_S)
            if frame.get("re") == number:
                return dict(frame)
            self.events.append(frame)

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this kind."""
        while True:
            frame = self.events.pop(0) if self.events else await self.wire.receive_json(timeout=PATIENCE_S)
            if frame.get("ev") == kind:
                return dict(frame)

    async def refusal_of(self, request: dict[str, Any]) -> str:
        """The code of the error with which this request is refused."""
        return str((await self.ask(request))["error"]["code"])

    async def ends(self) -> None:
        """Wait until the gateway has closed the socket."""
        while not self.wire.closed:
            await self.wire.receive(timeout=PATIENCE_S)
