"""Members with tokens, made in a state folder before its gateway starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gateway.access.rate_limit import Rate
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import TokenMade
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.config import Config
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.startup_tokens import system_actor


def config(state: Path, store: str = "") -> Config:
    return Config(state=state, port=0, operator="operator", rate=Rate(0, 0), store=store)


async def enroll(state: Path, names: Sequence[str], kind: MemberKind, store: str = "") -> list[str]:
    """Their tokens, in the same order."""
    async with open_hub(config(state, store)) as hub:
        wishes = (CreateToken(name=name, kind=kind) for name in names)
        made = [await run_operation(hub, system_actor(), wish) for wish in wishes]
    return [one.token for one in made if isinstance(one, TokenMade)]
