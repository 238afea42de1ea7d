"""Draws the cards of real claude, codex and gemini: `python -P -m tests.support.draw_cards FOLDER [COLUMNSxROWS...]`.

Each agent asks to run a long command; its card is drawn as it comes, chosen and unfolded, and is answered: claude is
refused with words, the others are allowed.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS
from tests.real_clis.three import THREE, Three, three_in_a_session
from tests.support.draw import Camera

SIZES = ("60x20", "80x24", "120x40", "200x60")
COMMAND = (
    "rm -rf ./build && mkdir -p made && make all --with-a-long-option=/some/where/else && "
    "./deploy --prod --region=eu-west-1 --tags=one,two,three && echo done"
)
WORDS = "use the test database"


def call_of(name: str) -> ToolCall:
    tool = CLIS[name].tool
    field = "cmd" if "cmd" in tool.arguments else "command"
    return replace(tool, arguments={**tool.arguments, field: COMMAND})


async def one_card(three: Three, camera: Camera, folder: Path, name: str) -> None:
    session, model = three.session, three.models[name]
    size = f"{camera.columns}x{camera.lines}"

    def draw(scene: str, title: str) -> None:
        camera.take(f"card-{name}-{size}-{scene}", f"{name}, {size}: {title}", folder)

    model.script(Reply("Let me.", tool=call_of(name)), Reply("Well then."), Reply("And so."))
    session.say(f"@{name} build it")
    await session.shows(f"{name} asks:")
    await session.shows("rm -rf")
    with contextlib.suppress(AssertionError):  # in a very small pane the card may offer no key
        await retry_until(lambda: any(one in session.text() for one in ("F2 to answer", "F2 F3")), 60)
    draw("1-open", "a question")
    session.press("F2")
    await session.shows("its key answers")
    draw("2-chosen", "chosen")
    session.press("F3")
    await asyncio.sleep(0.5)
    draw("3-unfolded", "unfolded")
    await _answer(three, name)
    await retry_until(lambda: not session.groupchat("asks", "--json").json["asks"], 60, describe=session.text)
    await asyncio.sleep(2)
    draw("4-answered", "answered")


async def _answer(three: Three, name: str) -> None:
    session, model = three.session, three.models[name]
    if name != "claude":
        (ask,) = session.groupchat("asks", "--json").json["asks"]
        keys = [one["key"] for one in ask.get("options", ())] or ["y"] * ("allow" in ask)
        session.type(keys[0]) if keys else session.press("1", name=name)  # else in the pane
        return
    session.type("w")
    await session.shows("/deny claude because")
    session.say(WORDS)
    await retry_until(lambda: any(WORDS in str(one.body) for one in model.seen), 60, describe=session.text)


async def draw(folder: Path, size: str) -> None:
    columns, lines = map(int, size.split("x"))
    with tempfile.TemporaryDirectory(prefix="gc-") as home:
        async with three_in_a_session(Path(home)) as three:
            assert three.session.groupchat("up", "--yes", "--detach", "--json", "--port", "0").code == 0
            async with Camera(three.session, columns, lines).looking() as camera:
                for name in THREE:
                    await one_card(three, camera, folder, name)


async def main(folder: Path, sizes: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for size in sizes or SIZES:
        await draw(folder, size)
        sys.stdout.write(f"{folder}/card-*-{size}-*.svg\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
