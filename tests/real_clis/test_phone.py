"""Away from the desk, on an emulated phone (390x844, touch; no real device): a person answers the questions of real
agents, looks into a terminal and follows a debate in a real Chromium that was paired as an approver."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.real_clis import pocket as scenes
from tests.real_clis.kept import Kept, kept
from tests.real_clis.pocket import Pocket, in_the_pocket

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kept[Pocket]]:
    async with kept(in_the_pocket, Pocket.begin, lambda: tmp_path_factory.mktemp("phone")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def pocket(of_module: Kept[Pocket]) -> AsyncIterator[Pocket]:
    async with of_module.lent() as found:
        yield found


async def test_a_question_of_claude_is_allowed_by_a_finger_that_stays(pocket: Pocket) -> None:
    await scenes.allows_claude(pocket)


async def test_a_refusal_takes_its_words_to_the_model_of_claude(pocket: Pocket) -> None:
    await scenes.denies_claude_with_words(pocket)


async def test_codex_is_refused_and_told_why(pocket: Pocket) -> None:
    await scenes.denies_codex_and_tells_it_why(pocket)


async def test_the_terminal_of_gemini_is_watched_while_it_works(pocket: Pocket) -> None:
    await scenes.watches_gemini(pocket)


async def test_a_debate_is_followed_and_ended(pocket: Pocket) -> None:
    await scenes.follows_a_debate(pocket)
