"""Films the moving picture of the README from a real run: `docs/pictures/make`, or
`python -P -m tests.support.draw_film [FILE]`.

The demo team in the session that `groupchat up` makes, and a person in front of it, who types. What the captions claim
is checked in the room's log before the picture is written.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from tests.end_to_end.desk_session import Session, a_session, program_of
from tests.fakes.retry import retry_until
from tests.support.draw import PICTURES, Camera
from tests.support.film import Frame, film_svg
from tests.support.film_camera import Film

TEAM = ("ada", "ben", "cleo")
AWAY, BUSY = "○", "◆"  # as the roster of the chat shows them
COLUMNS, LINES = 120, 34
KEY_INTERVAL_S = 0.035
TITLE = "A message is typed, seen and answered; one key answers a permission; kill -9 loses nothing"
SURVIVED = "I was killed, and I answer once."


async def type_line(one: Session, text: str, name: str = "chat") -> None:
    for character in text:
        one.type(character, name)
        await asyncio.sleep(KEY_INTERVAL_S)
    await asyncio.sleep(0.3)
    one.press("Enter", name=name)


async def a_message(one: Session, film: Film) -> None:
    film.caption = "@ada: typed into her terminal when she is idle, then seen, then answered"
    film.hold(1.2)
    await type_line(one, "@ada say The parser takes empty input now.")
    await one.shows("✓ ada answered")
    film.hold(2.0)


async def a_permission(one: Session, film: Film) -> None:
    film.caption = "An agent asks for permission: the card is in the chat, and one key answers it"
    await type_line(one, "@ben ask say It is deployed to staging.")
    await one.shows("ben asks")
    await one.shows("F2")
    film.hold(1.8)
    one.press("F2")
    await one.shows("press its key")
    film.hold(1.6, still=True)
    one.press("1")
    await one.shows("✓ ben answered")
    film.hold(1.8)


async def a_kill(one: Session, film: Film) -> None:
    """cleo works for a person at her own terminal, so the message waits when everything that carries it is killed."""
    film.caption = "cleo is busy in her own terminal, so a message for her waits"
    await type_line(one, "slow 30", "cleo")
    await retry_until(lambda: one.doing()["cleo"] == "busy", 60)
    await type_line(one, f"@cleo say {SURVIVED}")
    await one.shows("held")
    film.hold(1.6)
    gateway, sidecar = one.gateway_pid(), program_of(one.pids()["cleo"], "sidecar.cli")
    assert sidecar, one.pids()
    film.caption = f"kill -9 {gateway} {sidecar}: the gateway, and cleo with her sidecar"
    for pid in (gateway, sidecar):
        os.kill(pid, signal.SIGKILL)
    film.hold(1.6)
    await one.until(lambda: SURVIVED in one.said_by("cleo"))
    await one.shows("✓ cleo answered")
    await one.until(lambda: {one.doing().get(name) for name in TEAM} == {"idle"})
    await one.until(lambda: not {AWAY, BUSY} & set(one.text()))
    assert one.said_by("cleo").count(SURVIVED) == 1
    film.caption = "All are back by themselves: delivered once, answered once"
    film.hold(3.5)


async def film(scenes: tuple[str, ...] = ("a_message", "a_permission", "a_kill")) -> list[Frame]:
    played = {scene.__name__: scene for scene in (a_message, a_permission, a_kill)}
    with tempfile.TemporaryDirectory(prefix="gc-") as folder:
        async with a_session(Path(folder)) as one:
            (one.folder / "team.toml").write_text('[layout]\nagents = "panes"\n')  # the film shows the agents, too
            one.up()
            async with Camera(one, COLUMNS, LINES).looking() as camera:
                await one.until(lambda: {one.doing().get(name) for name in TEAM} == {"idle"})
                await camera.shows("● ada")
                rolls = Film(camera)
                with rolls.rolling():
                    for scene in scenes:
                        await played[scene](one, rolls)
                return rolls.cut()


def main(file: Path) -> None:
    file.write_text(film_svg(asyncio.run(film()), COLUMNS, TITLE), encoding="utf-8")
    sys.stdout.write(f"{file}: {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURES / "film.svg")
