"""The dialogs of the real CLIs as objects in the room: allowed, denied, changed, answered by a person first."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from gateway.protocol.errors import Conflict, NotFound
from gateway.protocol.types import AskAbout, AskState
from sidecar.approvals.approval_rules import PERSON_TYPES_S
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, Place
from tests.support.asking import Scene, asking

pytestmark = pytest.mark.slow
NAMES = ("claude", "codex", "gemini")


@contextlib.asynccontextmanager
async def scene_of(name: str, folder: Path, *, scripted: bool = True) -> AsyncIterator[tuple[Scene, Model]]:
    cli = CLIS[name]
    if cli.missing:
        pytest.skip(cli.missing)
    for part in ("home", "work"):
        (folder / part).mkdir()
    async with Model(cli.dialect()) as model, outside() as world:
        place = Place(folder / "home", folder / "work", model.url)
        launch = cli.launch(place, cli.program)
        if scripted:
            model.script(Reply("Let me.", tool=cli.tool), Reply("Well then."), Reply("And so."))
        async with asking(folder, name, launch.argv, {**launch.env, **world.env}) as scene:
            yield scene, model


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_allowed_runs(tmp_path: Path, name: str) -> None:
    async with scene_of(name, tmp_path) as (scene, _):
        await scene.say("Make it.")
        ask = await scene.ask()
        assert "touch made" in ask.detail
        assert ask.allow and ask.deny
        assert not (tmp_path / "work" / "made").exists()
        await scene.answer("allow", ask.digest)
        ended = await scene.ask(1, AskState.ANSWERED)
        assert (ended.by, ended.answer) == ("alice", "allow")
        await retry_until((tmp_path / "work" / "made").exists, describe=scene.describe)


@pytest.mark.parametrize("name", NAMES)
async def test_what_is_denied_does_not_run(tmp_path: Path, name: str) -> None:
    async with scene_of(name, tmp_path) as (scene, _):
        await scene.say("Make it.")
        ask = await scene.ask()
        await scene.answer("deny", ask.digest)
        await scene.ask(1, AskState.ANSWERED)
        await scene.idle()
        assert not (tmp_path / "work" / "made").exists()


LONG = (
    "rm -rf ./build && make all && ./deploy --prod --with-a-long-option=" + "x" * 60 + " && echo one two three four "
    "five six seven eight nine ten eleven twelve && touch made"
)
SIZES = ((60, 20), (40, 12), (200, 60))


def long_call(name: str) -> ToolCall:
    tool = CLIS[name].tool
    return ToolCall(tool.name, {**tool.arguments, "cmd" if name == "codex" else "command": LONG})


@pytest.mark.parametrize("name", NAMES)
async def test_a_card_is_whole_at_every_size_and_stays_the_same_when_its_pane_changes(
    tmp_path: Path, name: str
) -> None:
    async with scene_of(name, tmp_path, scripted=False) as (scene, model):
        for number, size in enumerate(SIZES, 1):
            model.script(Reply("Let me.", tool=long_call(name)))
            scene.pane.resize(*size)
            await scene.idle()
            message = await scene.say("Make it.")
            # Gemini's footer of a wider pane stays beneath a dialog that is drawn only after the change
            told = await scene.ask(number, drawn=name == "gemini" and size[0] > 100)
            assert (told.detail, told.about, told.left_out) == (LONG, AskAbout.COMMAND, 0)
            scene.pane.resize(100, 30)
            ask = await scene.ask(number)
            assert (ask.digest, ask.detail) == (told.digest, LONG)
            assert ask.readable and all(
                one.text.split()[0] in ("Yes", "Yes,", "No", "No,", "Allow") for one in ask.options
            )
            await say_no(scene, number)
            await scene.idle()
            await retry_until(partial(ended_well, scene, message), describe=scene.describe)
        assert len({one.number for one in scene.seen}) == len(SIZES)
        assert not (tmp_path / "work" / "made").exists()


async def say_no(scene: Scene, number: int) -> None:
    """Again, where the dialog was just being drawn for another width: then nothing was pressed."""

    def heard() -> bool:
        return scene.seen[-1].state is not AskState.ANSWERING

    for _ in range(5):
        ask = await scene.ask(number)
        await scene.answer("deny", ask.digest)
        await retry_until(lambda: scene.seen[-1].state is AskState.ANSWERING, describe=scene.describe)
        await retry_until(heard, describe=scene.describe)
        if scene.seen[-1].state is not AskState.OPEN:
            break
    assert (scene.seen[-1].state, scene.seen[-1].by) == (AskState.ANSWERED, "alice")


def ended_well(scene: Scene, message: int) -> bool:
    """A No is no failure of the agent: it goes on and answers, or its turn was refused by whoever said so."""
    last = scene.rungs.get(message, [("", "")])[-1]
    return last[0] == "answered" or last == ("failed", "refused by alice")


async def test_the_words_of_a_refusal_reach_the_model(tmp_path: Path) -> None:
    async with scene_of("claude", tmp_path) as (scene, model):
        await scene.say("Make it.")
        ask = await scene.ask()
        assert ask.words
        await scene.answer("deny", ask.digest, words="Use the test database.")
        assert (await scene.ask(1, AskState.ANSWERED)).said == "Use the test database."
        await retry_until(lambda: "Use the test database." in str(model.seen[-1].body), describe=scene.describe)
        await scene.idle()
        assert not (tmp_path / "work" / "made").exists()


@pytest.mark.parametrize("name", NAMES)
async def test_an_option_is_chosen_by_its_own_key(tmp_path: Path, name: str) -> None:
    async with scene_of(name, tmp_path) as (scene, _):
        await scene.say("Make it.")
        ask = await scene.ask()
        await scene.answer("1", ask.digest)
        assert (await scene.ask(1, AskState.ANSWERED)).answer == "1"
        await retry_until((tmp_path / "work" / "made").exists, describe=scene.describe)


@pytest.mark.parametrize("name", NAMES)
async def test_a_person_at_the_terminal_wins(tmp_path: Path, name: str) -> None:
    async with scene_of(name, tmp_path) as (scene, _):
        await scene.say("Make it.")
        ask = await scene.ask()
        scene.pane.write("\x1b")
        with contextlib.suppress(NotFound):
            await scene.answer("allow", ask.digest)
        ended = await scene.ask(1, AskState.CLOSED)
        assert (ended.by, ended.reason) == ("", "answered at the terminal")
        await scene.idle()
        assert not (tmp_path / "work" / "made").exists()


@pytest.mark.parametrize("name", NAMES)
async def test_an_answer_to_an_earlier_dialog_is_refused(tmp_path: Path, name: str) -> None:
    async with scene_of(name, tmp_path) as (scene, _):
        await scene.say("Make it.")
        await scene.ask()
        with pytest.raises(Conflict, match="asks something else by now"):
            await scene.answer("allow", "0" * 16)
        assert (await scene.ask()).state is AskState.OPEN
        assert not (tmp_path / "work" / "made").exists()


async def test_claudes_own_hook_decides_and_no_key_is_pressed(tmp_path: Path) -> None:
    async with scene_of("claude", tmp_path) as (scene, model):
        await scene.say("Make it.")
        ask = await scene.ask()
        assert (ask.allow, ask.deny, ask.tool) == ("hook", "hook", "Bash")
        await scene.answer("deny", ask.digest)
        await scene.ask(1, AskState.ANSWERED)
        await retry_until(lambda: "alice" in str(model.seen[-1].body), describe=scene.describe)
        await scene.idle()
        assert not (tmp_path / "work" / "made").exists()


@pytest.mark.parametrize("name", NAMES)
async def test_a_picker_has_no_plain_yes_and_is_closed_by_its_own_escape(tmp_path: Path, name: str) -> None:
    async with scene_of(name, tmp_path) as (scene, _):
        await asyncio.sleep(2.0)  # gemini takes "/model" for a prompt until its commands are loaded
        for key in "/model":
            scene.pane.write(key)
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        scene.pane.write("\r")
        ask = await scene.ask()
        assert (ask.allow, ask.deny) == ("", "esc")
        assert len(ask.options) > 1
        with pytest.raises(Conflict, match="no option that plainly means 'allow'"):
            await scene.answer("allow")
        await asyncio.sleep(PERSON_TYPES_S)  # the keys that opened it count as a person's
        await scene.answer("deny", ask.digest)
        assert (await scene.ask(1, AskState.ANSWERED)).reason == "Escape was pressed"
        await scene.idle()
