"""Plays one day with the real claude, codex and gemini, and keeps the screens at four sizes:
`docs/pictures/make-day`, or `python -P -m tests.support.draw_day FOLDER [COLUMNSxLINES...]`.

The models are servers on loopback, whose answers are in this file. Everything else is real: the programs, their
terminals, the session that `groupchat up` makes, and a person's keys. What a scene shows is checked before it is kept.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.end_to_end.desk_session import program_of
from tests.fakes.models.script import Reply
from tests.real_clis.homes import CLIS
from tests.real_clis.three import THREE, Three, three_in_a_session
from tests.support.draw import Camera

SMALL = ("60x20", "80x24")  # the chat by itself, in terminals of its own beside the session of the first size
SIZES = ("120x40", "200x60")  # the first one is drawn as well
DRAWN = SIZES[0]
SETTLE_INTERVAL_S, SETTLE_LOOKS = 0.4, 15
VOTES = {"claude": "VOTE: A", "codex": "VOTE: B", "gemini": "VOTE: A"}
SURVIVED = "Once: the tests are green."


@dataclass(frozen=True)
class Scene:
    """`play` ends when the screen shows what the title says."""

    name: str
    title: str
    play: Callable[[Three], Awaitable[None]]
    room: str = ""  # the chat goes there in this scene


def script(three: Three, **answers: tuple[str, ...]) -> None:
    for name, texts in answers.items():
        three.models[name].script(*(Reply(text) for text in texts))


async def at_rest(three: Three) -> None:
    await three.session.until(lambda: {three.session.doing()[name] for name in THREE} == {"idle"})


def in_room(three: Three, room: str) -> set[str]:
    found = three.session.read(f"/v1/messages?room={room}&limit=1000")["messages"]
    return {one["content"] for one in found}


def waiting(three: Three, name: str) -> int:
    return sum(one.get("queued", 0) for one in three.session.read("/v1/members")["agents"] if one["name"] == name)


async def morning(three: Three) -> None:
    script(
        three,
        claude=("Good morning. The build is red since yesterday.",),
        codex=("Good morning. I can look at the parser.",),
        gemini=("Good morning. I read the grammar.",),
    )
    three.session.say("@all Good morning. Who does what?")
    await three.session.until(lambda: all(three.said_by(name) for name in THREE))
    await at_rest(three)


async def handover(three: Three) -> None:
    script(
        three,
        claude=("`parse('')` raises `IndexError`.\n@codex can you put the guard in?",),
        codex=("It is in: an empty list of tokens gives `[]`.",),
    )
    script(three, claude=("Thanks.",))
    three.session.say("@claude why is the build red?")
    await three.session.until(lambda: any("It is in" in text for text in three.said_by("codex")))
    await at_rest(three)


async def second_room(three: Three) -> None:
    """The two that were invited see what is said there; the answers stay there, and gemini hears nothing."""
    session = three.session
    script(three, claude=("One column, says claude.",), codex=("Two, says codex.",))
    assert session.groupchat("rooms", "--create", "design", "--topic", "how the page looks").code == 0
    for name in ("claude", "codex"):
        assert session.groupchat("rooms", "invite", "design", name).code == 0
    session.say("/room design")
    await session.shows("#design")
    session.say("@all one column or two?")
    await session.until(lambda: {"One column, says claude.", "Two, says codex."} <= in_room(three, "design"))
    await at_rest(three)
    assert not any("one column or two" in prompt for prompt in three.models["gemini"].prompts)


async def vote(three: Three) -> None:
    """An answer that a model had left from the scene before would be a vote of the wrong speaker."""
    script(
        three,
        claude=("Use SQLite\nIt is here.", "Files lose writes.", VOTES["claude"]),
        codex=("Use files\nThey are simple.", "True, they do.", VOTES["codex"]),
        gemini=("Use Redis\nIt is fast.", "It is one more process.", VOTES["gemini"]),
    )
    three.session.say("/room general")
    await three.session.shows("#general")
    three.session.say("/mode consensus where to keep the log")
    await three.session.until(lambda: any(one["content"] == "CONSENSUS complete." for one in three.messages()))
    assert {name: three.said_by(name)[-1] for name in THREE} == VOTES
    await at_rest(three)


async def approval(three: Three) -> None:
    model = three.models["claude"]
    model.script(Reply("I write the file.", tool=CLIS["claude"].tool), Reply("It is written."))
    three.session.say("@claude write the release notes")
    await three.session.until(lambda: three.session.doing()["claude"] == "asking")
    await three.session.until(lambda: three.session.groupchat("asks", "--json").json["asks"])


async def approved(three: Three) -> None:
    three.session.press("F2")
    await three.session.shows("its key")
    three.session.type("1")
    await three.session.until(lambda: "It is written." in three.said_by("claude"))
    await at_rest(three)


async def stop(three: Three) -> None:
    three.models["gemini"].script(Reply("I read every page of it, one after the other.", seconds=90))
    three.session.say("@gemini read the whole internet")
    await three.session.until(lambda: three.session.doing()["gemini"] == "busy")
    await three.session.until(lambda: three.models["gemini"].prompts)
    three.session.say("/stop gemini")
    await three.session.shows("gemini interrupted by alice")
    await three.session.until(lambda: three.session.doing()["gemini"] == "idle")


async def crash(three: Three) -> None:
    """codex works for a person at its own terminal, so the message waits when all that carries it is killed."""
    session, model = three.session, three.models["codex"]
    model.script(Reply("One test after the other.", silence=120), Reply(SURVIVED))
    session.type("run the tests", "codex")
    await session.shows("run the tests", name="codex")
    session.press("Enter", name="codex")
    await session.until(lambda: session.doing()["codex"] == "busy")
    await session.until(lambda: any("run the tests" in prompt for prompt in model.prompts))
    session.say("@codex are they green?")
    await session.until(lambda: waiting(three, "codex"))
    for pid in (session.gateway_pid(), program_of(session.pids()["codex"], "sidecar.cli")):
        os.kill(pid, signal.SIGKILL)
    await session.until(lambda: SURVIVED in three.said_by("codex"))
    await at_rest(three)
    assert three.said_by("codex").count(SURVIVED) == 1
    assert sum("are they green?" in prompt for prompt in model.prompts) == 1


DAY = (
    Scene("1-morning", "A message to all, and three answers", morning),
    Scene("2-handover", "claude addresses codex, which answers", handover),
    Scene("3-second-room", "In a second room: the two that were invited answer there", second_room, "design"),
    Scene("4-vote", "A consensus: proposals, answers, votes and the result", vote, "general"),
    Scene("5-approval", "claude asks for permission", approval),
    Scene("6-approved", "One key has answered, and claude goes on", approved),
    Scene("7-stop", "/stop has interrupted gemini", stop),
    Scene("8-crash", "After kill -9 of the gateway and of codex with its sidecar: delivered once", crash),
)


async def settled(camera: Camera) -> None:
    """What is seen has been drawn to its end, or moves by itself."""
    looks: list[str] = []
    for _ in range(SETTLE_LOOKS):
        await asyncio.sleep(SETTLE_INTERVAL_S)
        looks.append(camera.text())
        if len(looks) > 2 and len(set(looks[-3:])) == 1:
            return


async def keep(camera: Camera, scene: Scene, folder: Path) -> None:
    """As text; at the first size as a picture too, with the small chats beside it."""
    await settled(camera)
    size = f"{camera.columns}x{camera.lines}"
    screens = {size: camera.plain_rows()}
    if size == DRAWN:
        screens |= {small: camera.plain_rows(small) for small in SMALL}
    for name, rows in screens.items():
        text = "\n".join(row.rstrip() for row in rows)
        (folder / f"{scene.name}-{name}.txt").write_text(text + "\n", encoding="utf-8")
    if size == DRAWN:
        camera.take(scene.name, scene.title, folder)


def page(scenes: tuple[Scene, ...]) -> str:
    lines = [
        "# A day with claude, codex and gemini",
        "",
        "The real programs in one session, each with a model server of ours. `docs/pictures/make-day` plays the day",
        "again and writes this folder; `tests/support/draw_day.py` is its script.",
    ]
    for scene in scenes:
        others = ", ".join(f"[{size}]({scene.name}-{size}.txt)" for size in (*SMALL, *SIZES))
        lines += ["", f"## {scene.title}", "", f"![{scene.title}]({scene.name}.svg)", "", f"As text: {others}."]
    return "\n".join(lines) + "\n"


async def play(folder: Path, size: str, scenes: tuple[Scene, ...] = DAY) -> None:
    columns, lines = map(int, size.split("x"))
    with tempfile.TemporaryDirectory(prefix="gc-") as home:
        async with three_in_a_session(Path(home)) as three:
            with (three.session.folder / "team.toml").open("a") as team:
                team.write('\n[layout]\nagents = "panes"\n')  # the pictures show the agents beside the chat
            up = three.session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
            assert up.code == 0, up
            async with Camera(three.session, columns, lines).looking() as camera:
                await at_rest(three)
                for small in SMALL if size == DRAWN else ():
                    camera.own_chat(small)
                for scene in scenes:
                    await scene.play(three)
                    for small in SMALL if size == DRAWN and scene.room else ():
                        camera.say_in(small, f"/room {scene.room}")
                    await keep(camera, scene, folder)
                    sys.stdout.write(f"{size} {scene.name}: {scene.title}\n")
                    sys.stdout.flush()


async def main(folder: Path, sizes: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for size in sizes or SIZES:
        await play(folder, size)
    (folder / "README.md").write_text(page(DAY), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
