"""claude, gemini and codex, or others, real ones, in one tmux session as a new user starts it, each with a loopback
model."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.desk_session import Session, a_session
from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.real_clis.homes import ALL, CLIS, Launch, Place

THREE = {"claude": "coder", "codex": "reviewer", "gemini": "researcher"}


@dataclass
class Three:
    """`models` are named as their agents. `since`: what was said up to there belongs to earlier tests."""

    session: Session
    models: dict[str, Model]
    since: int = 0

    def messages(self) -> list[dict[str, Any]]:
        return [one for one in self.session.messages() if one["seq"] > self.since]

    def said_by(self, name: str) -> list[str]:
        return [one["content"] for one in self.messages() if one["from"] == name]

    async def begin(self) -> None:
        """They are at rest, in no mode, and nothing was asked of their models besides."""
        await self.session.until(lambda: {self.session.doing()[name] for name in self.models} == {"idle"})
        assert self.session.read("/v1/rooms/general/mode")["floor"]["mode"] == "freeform"
        assert [one for model in self.models.values() for one in model.strangers] == []
        self.since = max((one["seq"] for one in self.session.messages()), default=0)
        for model in self.models.values():
            model.forget()


@contextlib.asynccontextmanager
async def three_at_work(folder: Path) -> AsyncIterator[Three]:
    async with three_in_a_session(folder) as three:
        up = three.session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
        assert up.code == 0, up
        assert (up.json["agents"], up.json["problems"]) == (list(THREE), {})
        await three.begin()
        yield three


@contextlib.asynccontextmanager
async def three_in_a_session(
    folder: Path, roles: Mapping[str, str] = THREE, more: Mapping[str, str] | None = None
) -> AsyncIterator[Three]:
    """`more`: further lines of an agent in the team file."""
    for name in roles:
        if missing := {**ALL, **CLIS}[name].missing:
            pytest.skip(missing)
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(outside())
        models = {name: await stack.enter_async_context(Model(ALL[name].dialect())) for name in roles}
        entries = [
            _entry(folder, name, role, models[name].url, dict(world.env)) + (more or {}).get(name, "")
            for name, role in roles.items()
        ]
        (folder / "team.toml").write_text("\n".join(entries))
        session = await stack.enter_async_context(a_session(folder))
        yield Three(session, models)


def _entry(folder: Path, name: str, role: str, model: str, outer: dict[str, str]) -> str:
    home, work = folder / f"{name}-home", folder / "work"
    home.mkdir()
    work.mkdir(exist_ok=True)
    launch: Launch = ALL[name].launch(Place(home, work, model), ALL[name].program)
    env = {key: value for key, value in {**launch.env, **outer}.items() if key not in ("TERM", "PATH")}
    pairs = ", ".join(f"{key} = {json.dumps(value)}" for key, value in env.items())
    return (
        f'[[agents]]\nname = "{name}"\nrole = "{role}"\nagent = "{name}"\nproject = "{work}"\n'
        f"command = {json.dumps(list(launch.argv))}\nenv = {{ {pairs} }}\n"
    )
