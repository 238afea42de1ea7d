"""The dialogs of the real CLIs as objects in the room: allowed, denied, changed, answered by a person first."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.protocol.errors import Conflict, NotFound
from gateway.protocol.nouns import AskState
from sidecar.approvals import PERSON
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, Place
from tests.support.asking import Scene, asking

pytestmark = pytest.mark.slow
NAMES = ("claude", "codex", "gemini")


@contextlib.asynccontextmanager
async def scene_of(name: str, folder: Path) -> AsyncIterator[tuple[Scene, Model]]:
    cli = CLIS[name]
    if cli.missing:
        pytest.skip(cli.missing)
    for part in ("home", "work"):
        (folder / part).mkdir()
    async with Model(cli.dialect()) as model, outside() as world:
        place = Place(folder / "home", folder / "work", model.url)
        launch = cli.launch(place, cli.program)
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
        await asyncio.sleep(PERSON)  # the keys that opened it count as a person's
        await scene.answer("deny", ask.digest)
        assert (await scene.ask(1, AskState.ANSWERED)).reason == "Escape was pressed"
        await scene.idle()
