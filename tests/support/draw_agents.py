"""Draws each CLI that we know in the session of a person, where it answers a message, and a day with five of them:
`docs/pictures/make-agents`, or `python -P -m tests.support.draw_agents FOLDER [NAME...]`.

The programs, their terminals and the session that `groupchat up` makes are real; the models are servers on loopback.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.five import UP, command, day, five_at_work
from tests.real_clis.packages import install
from tests.real_clis.releases import PACKAGES, parse_release
from tests.real_clis.three import Three, three_in_a_session
from tests.support.draw import Camera
from tests.support.draw_day import settled

SIZE = (100, 44)
LAYOUT = "\n[layout]\nchat = 40\n"  # percent: the agent below the chat has room for what it shows
SIZE_OF_FIVE = (120, 40)
FIVE = "five"
OF_FIVE = ("opencode", "copilot")  # of these five, the ones that are not pinned in package.json
QUESTION = "What does the parser do with an empty input?"
ANSWER = "It returns an empty list. The test for it is in `test_parser.py`."
PATIENCE_S = 120.0  # opencode loads its providers at its first prompt


def prepare(names: list[str]) -> None:
    """Installs what `bin/run-tests` does not, as `bin/prove-clis` does."""
    needed = {*names} - {FIVE} | {*(OF_FIVE if FIVE in names else ())}
    for name in sorted(needed):
        if not PACKAGES[name].default_run:
            install(parse_release(name))


async def draw_agent(name: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="gc-") as home:
        async with three_in_a_session(Path(home), {name: "coder"}) as one:
            with (one.session.folder / "team.toml").open("a") as team:
                team.write(LAYOUT)
            up = await command(one, *UP)
            assert up.code == 0, up
            async with Camera(one.session, *SIZE).looking() as camera:
                await answer(one, name)
                await settled(camera)
                release = parse_release(name)
                camera.take(name, f"{release.name} {release.version} answers a message in its own terminal", folder)


async def answer(one: Three, name: str) -> None:
    one.models[name].script(Reply(ANSWER))
    one.session.say(f"@{name} {QUESTION}")
    await retry_until(lambda: f"✓ {name} answered" in one.session.text(), PATIENCE_S, describe=one.session.text)
    assert one.said_by(name) == [ANSWER]


async def draw_five(folder: Path) -> None:
    """The session is entered for each picture, because everything is killed between two of them."""
    with tempfile.TemporaryDirectory(prefix="gc-") as home:
        async with five_at_work(Path(home)) as five:

            async def look(name: str, title: str) -> None:
                async with Camera(five.session, *SIZE_OF_FIVE).looking() as camera:
                    await camera.shows("#general")
                    await settled(camera)
                    camera.take(f"{FIVE}-{name}", title, folder)

            await day(five, look)


async def main(folder: Path, names: list[str]) -> None:
    chosen = names or [*PACKAGES, FIVE]
    prepare(chosen)
    folder.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        await (draw_five(folder) if name == FIVE else draw_agent(name, folder))
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
