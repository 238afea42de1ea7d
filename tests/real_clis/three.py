"""claude, gemini and codex, real ones, in one tmux session as a new user starts it, each with a loopback model."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.desk_session import Session, a_session
from tests.fakes.models.model import Model
from tests.fakes.outside import outside
from tests.real_clis.homes import CLIS, Launch, Place

THREE = {"claude": "coder", "codex": "reviewer", "gemini": "researcher"}


@dataclass(frozen=True)
class Three:
    session: Session
    models: dict[str, Model]


@contextlib.asynccontextmanager
async def three_in_a_session(folder: Path) -> AsyncIterator[Three]:
    for name in THREE:
        if CLIS[name].missing:
            pytest.skip(CLIS[name].missing)
    async with contextlib.AsyncExitStack() as stack:
        world = await stack.enter_async_context(outside())
        models = {name: await stack.enter_async_context(Model(CLIS[name].dialect())) for name in THREE}
        entries = [_entry(folder, name, models[name].url, dict(world.env)) for name in THREE]
        (folder / "team.toml").write_text("\n".join(entries))
        session = await stack.enter_async_context(a_session(folder))
        yield Three(session, models)


def _entry(folder: Path, name: str, model: str, outer: dict[str, str]) -> str:
    home, work = folder / f"{name}-home", folder / "work"
    home.mkdir()
    work.mkdir(exist_ok=True)
    launch: Launch = CLIS[name].launch(Place(home, work, model), CLIS[name].program)
    env = {key: value for key, value in {**launch.env, **outer}.items() if key not in ("TERM", "PATH")}
    pairs = ", ".join(f"{key} = {json.dumps(value)}" for key, value in env.items())
    return (
        f'[[agents]]\nname = "{name}"\nrole = "{THREE[name]}"\nagent = "{name}"\nproject = "{work}"\n'
        f"command = {json.dumps(list(launch.argv))}\nenv = {{ {pairs} }}\n"
    )
