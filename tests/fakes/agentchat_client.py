"""A client of AgentChat 0.3, written only from its conformance text: one WebSocket, JSON frames with a `type`. It must
use none of our code. Only `prove` goes beyond 0.3: it answers the challenge that our gateway offers.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.asyncio.client import ClientConnection, connect

from tests.fakes.json_frames import Frame, JsonFrames


class Identity:
    """A key pair, as `identity.json` holds one."""

    def __init__(self, private: Ed25519PrivateKey | None = None) -> None:
        self._private = private or Ed25519PrivateKey.generate()
        public = self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.pubkey = public.decode()

    @property
    def id(self) -> str:
        return "@" + hashlib.sha256(self.pubkey.encode()).hexdigest()[:8]

    def sign(self, text: str) -> str:
        return base64.b64encode(self._private.sign(text.encode())).decode()


def as_javascript(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Agent(JsonFrames):
    def __init__(self, socket: ClientConnection, identity: Identity | None = None) -> None:
        super().__init__(socket)
        self.identity = identity
        self.id = ""

    async def say(self, kind: str, **fields: Any) -> None:
        await self.frame({"type": kind, **fields})

    async def ask(self, answer: str, kind: str, **fields: Any) -> Frame:
        return await self.answer_to({"type": kind, **fields}, answer)

    async def refused(self, kind: str, **fields: Any) -> tuple[str, str]:
        error = await self.ask("ERROR", kind, **fields)
        return error["code"], error["message"]

    async def settle(self) -> None:
        """When this returns, everything sent before has been processed."""
        await self.ask("PONG", "PING")

    # the protocol

    async def identify(self, name: str) -> Frame:
        pubkey = self.identity.pubkey if self.identity else None
        welcome = await self.ask("WELCOME", "IDENTIFY", name=name, pubkey=pubkey)
        self.id = str(welcome["agent_id"])
        return welcome

    async def prove(self, challenge: Frame) -> Frame:
        """Beyond 0.3: answer the challenge of a welcome or of a refusal."""
        assert self.identity is not None
        sig = self.identity.sign(f"PROVE|{challenge['agent_id']}|{challenge['challenge']}")
        answer = await self.ask("PROVEN", "PROVE", sig=sig)
        self.id = str(answer["agent_id"])
        return answer

    async def join(self, channel: str) -> Frame:
        return await self.ask("JOINED", "JOIN", channel=channel)

    async def send(self, to: str, content: str, **more: Any) -> None:
        """Signed if this client has a key, as in 0.3."""
        if self.identity is not None and "sig" not in more:
            ts = time.time_ns() // 1_000_000
            text = as_javascript({"to": to, "content": content, "ts": ts})
            more = {"ts": ts, "sig": self.identity.sign(text), **more}
        await self.say("MSG", to=to, content=content, **more)

    async def channels(self) -> dict[str, int]:
        answer = await self.ask("CHANNELS", "LIST_CHANNELS")
        return {one["name"]: one["agents"] for one in answer["list"]}

    async def agents(self, channel: str) -> list[str]:
        return list((await self.ask("AGENTS", "LIST_AGENTS", channel=channel))["list"])

    async def message(self, content: str) -> Frame:
        """The message with this content; waits until it arrives."""
        found: list[Frame] = await self.until(lambda: [one for one in self.of("MSG") if one["content"] == content])
        return found[0]

    def contents(self) -> list[str]:
        return [one["content"] for one in self.of("MSG")]


def verifies(message: Frame, identity: Identity) -> bool:
    """The check of a signed message by a receiver that knows the sender's key."""
    fields = as_javascript({name: message[name] for name in ("to", "content", "ts")})
    return identity.sign(fields) == str(message["sig"])  # an Ed25519 signature of the same text is always the same


@asynccontextmanager
async def socket_at(
    url: str, identity: Identity | None = None, path: str = "/", **options: Any
) -> AsyncIterator[Agent]:
    async with connect(url + path, **options) as socket:
        agent = Agent(socket, identity)
        async with agent.reading():
            yield agent


@asynccontextmanager
async def agent_at(
    url: str, name: str, *channels: str, identity: Identity | None = None, path: str = "/", **options: Any
) -> AsyncIterator[Agent]:
    async with socket_at(url, identity, path, **options) as agent:
        await agent.identify(name)
        for channel in channels:
            await agent.join(channel)
        yield agent
