"""The dialogs of the real CLIs as objects in the room: allowed, denied, changed, answered by a person first."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.protocol.errors import Conflict, NotFound
from gateway.protocol.types.core_types import Ask, AskAbout, AskState
from sidecar.approvals.approval_rules import PERSON_TYPES_S
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply, ToolCall
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, NEWEST, Place
from tests.real_clis.kept import Kept, kept
from tests.support.asking import Scene, asking

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
each_cli = pytest.mark.parametrize("of_module", NEWEST, indirect=True)
# whose options have no keys of their own, so none is read
NO_KEYS = ("opencode", "pi", "aider")
read_dialogs = pytest.mark.parametrize("of_module", [name for name in NEWEST if name not in NO_KEYS], indirect=True)
# whose options have digits
NO_DIGITS = (*NO_KEYS, "cline")
with_digits = pytest.mark.parametrize("of_module", [name for name in NEWEST if name not in NO_DIGITS], indirect=True)
# whose questions are those of its user's extensions, which the room can only refuse
told_a_yes = pytest.mark.parametrize("of_module", [name for name in NEWEST if name != "pi"], indirect=True)
with_digits_in_pickers = pytest.mark.parametrize(
    "of_module", [name for name in NEWEST if name not in (*NO_DIGITS, "vibe")], indirect=True
)
# whose hook, or plugin, decides
DECIDING = [name for name in ("claude", "opencode") if name in NEWEST]  # aider's takes no words
deciding = pytest.mark.parametrize("of_module", DECIDING, indirect=True)


@dataclass(frozen=True, slots=True)
class One:
    name: str
    scene: Scene
    model: Model
    work: Path

    @property
    def made(self) -> bool:
        return (self.work / "made").exists()

    async def asks(self, number: int = 1) -> Ask:
        """Its model calls the tool that it asks its person about."""
        further = [Reply("Well then."), Reply("And so.")] if CLIS[self.name].continues else []
        self.model.script(Reply("Let me.", tool=CLIS[self.name].tool), *further)
        await self.scene.say("Make it.")
        return await self.scene.ask(number, drawn=self.name not in NO_KEYS)

    async def begin(self) -> None:
        await self.scene.idle()
        await retry_until(lambda: not self.scene.open, describe=self.scene.describe)
        self.scene.forget()
        self.model.forget()
        (self.work / "made").unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def started(name: str, folder: Path, *options: str) -> AsyncIterator[One]:
    cli = CLIS[name]
    if cli.missing:
        pytest.skip(cli.missing)
    for part in ("home", "work"):
        (folder / part).mkdir(exist_ok=True)
    async with Model(cli.dialect()) as model, outside() as world:
        launch = cli.launch(Place(folder / "home", folder / "work", model.url), cli.program)
        async with asking(folder, name, (*launch.argv, *options), {**launch.env, **world.env}) as scene:
            yield One(name, scene, model, folder / "work")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kept[One]]:
    name: str = request.param
    async with kept(partial(started, name), One.begin, lambda: tmp_path_factory.mktemp(name)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def one(of_module: Kept[One]) -> AsyncIterator[One]:
    async with of_module.lent() as found:
        yield found


@pytest.mark.parametrize("of_module", [name for name in ("pi",) if name in NEWEST], indirect=True)
async def test_a_yes_to_an_extension_of_its_user_is_given_at_its_terminal(one: One) -> None:
    ask = await one.asks()
    assert ("touch made" in ask.detail, ask.allow, ask.deny) == (True, "", "esc")
    with pytest.raises(Conflict, match="answer in the agent's terminal"):
        await one.scene.answer("allow", ask.digest)
    one.scene.pane.write("\r")
    assert (await one.scene.ask(1, AskState.CLOSED)).reason == "answered at the terminal"
    await retry_until(lambda: one.made, describe=one.scene.describe)


@told_a_yes
async def test_what_is_allowed_runs(one: One) -> None:
    ask = await one.asks()
    assert "touch made" in ask.detail
    assert ask.allow and ask.deny
    assert ask.readable or one.name != "opencode", "all that its card offers, yes and no, is known without the screen"
    assert not one.made
    await one.scene.answer("allow", ask.digest)
    ended = await one.scene.ask(1, AskState.ANSWERED)
    assert (ended.by, ended.answer) == ("alice", "allow")
    await retry_until(lambda: one.made, describe=one.scene.describe)


@each_cli
async def test_what_is_denied_does_not_run(one: One) -> None:
    ask = await one.asks()
    await one.scene.answer("deny", ask.digest)
    await one.scene.ask(1, AskState.ANSWERED)
    await one.scene.idle()
    assert not one.made


LONG = (
    "rm -rf ./build && make all && ./deploy --prod --with-a-long-option=" + "x" * 60 + " && echo one two three four "
    "five six seven eight nine ten eleven twelve && touch made"
)
ANSWERED_WHILE_DRAWN = (200, 60)  # at once after the change of its pane, while the agent draws the dialog anew
CUTTING = ("qwen", "cline")  # the one cuts the options that name every program, the other the call
ANSWER_WORDS = ("Yes", "Yes,", "No", "No,", "Allow", "Approve", "Always", "Deny")
SIZES = ((60, 20), (40, 12), ANSWERED_WHILE_DRAWN)
# which draw for their old size if a key comes just after the change, and leave that on the screen
DRAWS_LATE = ("cline",)


@read_dialogs
async def test_a_card_is_whole_at_every_size_and_stays_the_same_when_its_pane_changes(one: One) -> None:
    scene = one.scene
    sizes = [size for size in SIZES if size != ANSWERED_WHILE_DRAWN or one.name not in DRAWS_LATE]
    for number, size in enumerate(sizes, 1):
        one.model.script(Reply("Let me.", tool=CLIS[one.name].calling(LONG)))
        scene.pane.resize(*size)
        await scene.idle()
        message = await scene.say("Make it.")
        told = await scene.ask(number, drawn=size == ANSWERED_WHILE_DRAWN)
        assert (told.detail, told.about, told.left_out) == (LONG, AskAbout.COMMAND, 0)
        scene.pane.resize(100, 30)
        if size != ANSWERED_WHILE_DRAWN:
            ask = await scene.ask(number, whole=one.name not in CUTTING)
            assert (ask.digest, ask.detail) == (told.digest, LONG)
            assert all(option.text.split()[0] in ANSWER_WORDS for option in ask.options)
        await scene.answer("deny", told.digest)
        assert (await scene.ask(number, AskState.ANSWERED)).by == "alice"
        await scene.idle()
        await retry_until(partial(ended_well, scene, message), describe=scene.describe)
    assert len({ask.number for ask in scene.seen}) == len(sizes)
    assert not one.made


def ended_well(scene: Scene, message: int) -> bool:
    """A No is no failure of the agent: it goes on and answers, or its turn was refused by whoever said so."""
    last = scene.rungs.get(message, [("", "")])[-1]
    return last[0] == "answered" or last == ("failed", "refused by alice")


@deciding
async def test_the_words_of_a_refusal_reach_the_model(one: One) -> None:
    ask = await one.asks()
    assert ask.words
    await one.scene.answer("deny", ask.digest, words="Use the test database.")
    assert (await one.scene.ask(1, AskState.ANSWERED)).said == "Use the test database."
    await retry_until(lambda: "Use the test database." in str(one.model.seen[-1].body), describe=one.scene.describe)
    await one.scene.idle()
    assert not one.made


@with_digits
async def test_an_option_is_chosen_by_its_own_key(one: One) -> None:
    ask = await one.asks()
    await one.scene.answer("1", ask.digest)
    assert (await one.scene.ask(1, AskState.ANSWERED)).answer == "1"
    await retry_until(lambda: one.made, describe=one.scene.describe)


@each_cli
async def test_a_person_at_the_terminal_wins(one: One) -> None:
    ask = await one.asks()
    if one.name == "vibe":
        await asyncio.sleep(1)  # a dialog that has just been drawn takes no key
    one.scene.pane.write("n\r" if one.name == "aider" else "\x1b")
    if ask.allow:
        with contextlib.suppress(NotFound):
            await one.scene.answer("allow", ask.digest)
    ended = await one.scene.ask(1, AskState.CLOSED)
    assert (ended.by, ended.reason) == ("", "answered at the terminal")
    await one.scene.idle()
    assert not one.made


@each_cli
async def test_an_answer_to_an_earlier_dialog_is_refused(one: One) -> None:
    ask = await one.asks()
    with pytest.raises(Conflict, match="now asks another question"):
        await one.scene.answer("allow", "0" * 16)
    assert (await one.scene.ask(drawn=one.name not in NO_KEYS)).state is AskState.OPEN
    assert not one.made
    await one.scene.answer("deny", ask.digest)
    assert (await one.scene.ask(1, AskState.ANSWERED)).answer == "deny"


@deciding
async def test_its_own_hook_decides_and_no_key_is_pressed(one: One) -> None:
    ask = await one.asks()
    assert (ask.allow, ask.deny, ask.tool) == ("hook", "hook", CLIS[one.name].tool.name)
    await one.scene.answer("deny", ask.digest)
    await one.scene.ask(1, AskState.ANSWERED)
    await retry_until(lambda: "alice" in str(one.model.seen[-1].body), describe=one.scene.describe)
    await one.scene.idle()
    assert not one.made


async def open_picker(scene: Scene) -> None:
    """As a person does: on a busy machine a command can be lost, and is then typed again."""
    for _ in range(5):
        for key in "/theme" if scene.name == "copilot" else "/model":  # whose models are those of an account
            scene.pane.write(key)
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        scene.pane.write("\r")
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: scene.seen, 15)
            return


@with_digits_in_pickers
async def test_a_picker_has_no_plain_yes_and_is_closed_by_its_own_escape(one: One) -> None:
    scene = one.scene
    await asyncio.sleep(2.0)  # gemini takes "/model" for a prompt until its commands are loaded
    await open_picker(scene)
    ask = await scene.ask()
    assert (ask.allow, ask.deny) == ("", "esc")
    assert len(ask.options) >= (1 if one.name == "qwen" else 2)  # it has one model here
    with pytest.raises(Conflict, match="no option that clearly means 'allow'"):
        await scene.answer("allow")
    await asyncio.sleep(PERSON_TYPES_S)  # the keys that opened it count as a person's
    await scene.answer("deny", ask.digest)
    assert (await scene.ask(1, AskState.ANSWERED)).reason == "Escape was pressed"
    await scene.idle()


@pytest.mark.parametrize("name", [name for name in ("aider",) if name in NEWEST])
@pytest.mark.parametrize("answer", ["allow", "deny"])
async def test_a_file_that_a_message_names_is_added_only_if_somebody_says_so(
    name: str, answer: str, tmp_path: Path
) -> None:
    """Aider asks after the text was submitted. Another message waits meanwhile, and answers nothing."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "parse.py").write_text("ONLY-IN-A-FILE\n")
    for command in (("init", "-q"), ("add", "parse.py")):
        subprocess.run(("git", *command), cwd=tmp_path / "work", check=True)
    async with started(name, tmp_path, "--git", "--map-tokens", "0") as one:
        await one.scene.say("look into parse.py, please")
        ask = await one.scene.ask(drawn=False)
        assert (ask.detail, ask.about, ask.allow, ask.deny) == ("parse.py", AskAbout.PATH, "hook", "hook")
        second = await one.scene.say("yes")
        await retry_until(lambda: ("held", "asking") in one.scene.rungs.get(second, []), describe=one.scene.describe)
        assert one.model.prompts == []
        await one.scene.answer(answer, ask.digest)
        await one.scene.ask(1, AskState.ANSWERED)
        await retry_until(lambda: len(one.model.prompts) == 2, describe=one.scene.describe)
        assert ("ONLY-IN-A-FILE" in str(one.model.turns[-1].body)) is (answer == "allow")
        assert [prompt.partition("] ")[2] for prompt in one.model.prompts] == ["look into parse.py, please", "yes"]


@pytest.mark.parametrize("name", [name for name in ("cline",) if name in NEWEST])
async def test_what_it_asks_after_several_refusals_is_another_question(name: str, tmp_path: Path) -> None:
    """Its answers have no keys, so the room can only stop it."""
    async with started(name, tmp_path, "--retries", "2") as one:
        scene = one.scene
        for number in (1, 2):
            ask = await one.asks(number)
            await scene.answer("deny", ask.digest)
            assert (await scene.ask(number, AskState.ANSWERED)).answer == "deny"
            await retry_until(lambda: len(one.model.turns) == 2, describe=scene.describe)
            one.model.forget()
        how = await scene.ask(3, drawn=False)
        assert (how.options, how.allow, how.deny) == ((), "", "esc")
        assert how.question.endswith("How should Cline continue?") and "Stop this run" in how.detail
        with pytest.raises(Conflict, match="no option that clearly means 'allow'"):
            await scene.answer("allow", how.digest)
        waits = await scene.say("And now?")
        assert await scene.reaches(waits, "held") == "asking"
        one.model.script(Reply("Here I am."))
        await scene.answer("deny", how.digest)
        assert (await scene.ask(3, AskState.ANSWERED)).reason == "Escape was pressed"
        await scene.reaches(waits, "answered")
        assert not one.made


@pytest.mark.parametrize("of_module", [name for name in ("opencode",) if name in NEWEST], indirect=True)
async def test_the_rooms_tools_raise_no_question(one: One) -> None:
    """Its plugin allows them before anybody is asked."""
    one.model.script(Reply("Who is here?", tool=ToolCall("groupchat_room_list", {})), Reply("ANSWER-4714"))
    number = await one.scene.say("Who is here?")
    await retry_until(
        lambda: [rung for rung, _ in one.scene.rungs.get(number, ())][-1:] == ["answered"],
        60,
        describe=one.scene.describe,
    )
    assert not one.scene.seen
    assert "general" in str(one.model.turns[-1].body["messages"][-1])
