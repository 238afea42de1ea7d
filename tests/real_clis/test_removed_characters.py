"""Claude takes invisible characters out of a prompt at its first Enter, submits nothing, and says "Removed 2 invisible
characters · review and press Enter to send" (2.1.197 does not ask). No message may be stranded there, neither
ours nor the one of a person."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio

from gateway.protocol.text.invisible_characters import strip_ignorable
from sidecar.prompt_typing.proof_rules import OverdueAction
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import ALL, Cli, among
from tests.real_clis.kept import Kept, kept
from tests.real_clis.running import CliInSidecar, in_a_sidecar

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
of_each = pytest.mark.parametrize(
    "of_module", [ALL[name] for name in among("claude")], ids=lambda cli: cli.name, indirect=True
)
ASKED_ABOUT = ("\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069")
REMOVED = "invisible character"
TWO_REMOVED = "first\n\u202eand \u2066second"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kept[CliInSidecar]]:
    cli: Cli = request.param
    begin, folder = CliInSidecar.begin, partial(tmp_path_factory.mktemp, cli.name)
    async with kept(partial(in_a_sidecar, cli), begin, folder) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def one(of_module: Kept[CliInSidecar]) -> AsyncIterator[CliInSidecar]:
    async with of_module.lent() as found:
        yield found


def _directed() -> list[str]:
    """Each mark of direction where a text may need it: at the ends and between texts of two directions."""
    sides = ("שלום", "مرحبا", "abc", "12", "!")
    texts = (f"{left}{mark}{right}" for mark in ASKED_ABOUT for left, right in itertools.permutations(sides, 2))
    return [text for text in texts if strip_ignorable(text) == text]


@of_each
async def test_no_text_that_we_type_makes_claude_ask(one: CliInSidecar) -> None:
    """Of these characters we keep those that a text needs."""
    kept_marks = _directed()
    assert len(kept_marks) > 10
    lines = [" ".join(kept_marks), *kept_marks]
    for text in ("\n".join(lines), *(f"{mark}see {mark}\n{mark}" for mark in ASKED_ABOUT)):
        number = one.pane.room.say(text)
        await one.pane.reaches(number, "answered")
        assert REMOVED not in one.pane.text
    assert len(one.model.prompts) == 1 + len(ASKED_ABOUT)


@of_each
async def test_a_message_that_claude_asks_about_is_submitted_by_the_second_enter(
    one: CliInSidecar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if a release of Claude took out more than we do: here we take out nothing. On a machine so busy that Claude
    takes seconds for an Enter, the message may be told as failed although a later Enter submits it."""
    monkeypatch.setattr("sidecar.messages.envelope.strip_ignorable", str)
    one.model.script(Reply("Both."), Reply("And this."))
    number = one.pane.room.say(TWO_REMOVED)
    await one.pane.shows(f"2 {REMOVED}s")
    await retry_until(lambda: len(one.model.prompts) == 1, 60, describe=one.pane.describe)
    await retry_until(lambda: {"answered", "failed"} & set(one.pane.room.rungs(number)), 60, describe=one.pane.describe)
    if "failed" in one.pane.room.rungs(number):
        assert OverdueAction.LOST in one.pane.room.reasons(number)
    else:
        assert one.pane.room.replies[number] == "Both."
    after = one.pane.room.say("hello")
    await one.pane.reaches(after, "answered")
    assert len(one.model.prompts) == 2
    assert one.model.prompts[0].endswith("first\nand second")
    assert one.pane.room.replies[after] == "And this."


def composer_of(screen: str) -> str:
    """What stands between the last two rules."""
    return (["", "", *screen.split("─" * 20 + "\n")])[-2]


@of_each
async def test_a_draft_that_claude_asks_about_survives_a_message(one: CliInSidecar) -> None:
    """Its person has pressed Enter once, and reviews. Claude may ask again about what was put back."""
    pane, model = one.pane, one.model
    pane.type(f"\x1b[200~{TWO_REMOVED}\x1b[201~")
    await retry_until(lambda: "second" in composer_of(pane.text), 60, describe=pane.describe)
    pane.type("\r")
    await pane.shows(f"2 {REMOVED}s")
    number = pane.room.say("hello")
    await pane.reaches(number, "answered")
    await retry_until(lambda: "and second" in composer_of(pane.text), 60, describe=pane.describe)
    assert [prompt.endswith("hello") for prompt in model.prompts] == [True]
    pane.type("\r")
    await retry_until(lambda: len(model.prompts) == 2 or REMOVED in pane.text, 60, describe=pane.describe)
    if len(model.prompts) == 1:
        pane.type("\r")
        await retry_until(lambda: len(model.prompts) == 2, 60, describe=pane.describe)
    assert model.prompts[1:] == ["first\nand second"]
