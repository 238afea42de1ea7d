"""The person at the agent's own terminal: types drafts, continues typing, answers a dialog with one key."""

from __future__ import annotations

import asyncio
import contextlib
from random import Random

from benchmarks.delivery_stage import CANARY, Stage
from tests.fakes.retry import retry_until

TAKES_KEYS = 0.6
BACK = 6.0


class Person:
    def __init__(self, stage: Stage, chance: Random) -> None:
        self._stage, self._chance = stage, chance

    @property
    def composer(self) -> str | None:
        return self._stage.player.composer(self._stage.pane.rows)

    async def types(self, text: str, seconds: float) -> None:
        """Type key by key, with uneven pauses."""
        for character in text:
            self._stage.pane.write(character)
            await asyncio.sleep(self._chance.uniform(0.4, 1.6) * seconds / len(text))

    async def sees(self, draft: str, seconds: float = BACK) -> bool:
        """Whether the composer holds exactly this text, now or soon; of several rows only the first is checked."""
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self.composer == draft.partition("\n")[0], seconds)
            return True
        return False

    async def clears(self) -> None:
        for _ in range(4):
            self._stage.pane.write(self._stage.player.clears)
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: self._stage.is_idle, 2)
                return

    async def submits(self, draft: str, seconds: float = 10) -> bool:
        """The person submits the draft: whether the model got exactly that text, once."""
        before = self._stage.oracle.look().by_hand.count(draft)
        self._stage.pane.write(self._stage.player.submits)
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self._stage.oracle.look().by_hand.count(draft) == before + 1, seconds)
            await retry_until(lambda: self._stage.is_idle, seconds)
            return True
        return False

    async def gives_up(self) -> None:
        """Clear the screen: deny an open question, discard typed text."""
        if self._stage.runs and self.is_asked:
            self._stage.pane.write(self._stage.player.no)
        elif self._stage.runs:
            await self.clears()

    # Dialogs

    @property
    def is_asked(self) -> bool:
        return self._stage.player.asks(self._stage.pane.rows)

    @property
    def ran(self) -> bool:
        """Whether the tool in question has run; for the demo agent its transcript shows it."""
        return (self._stage.work / f"{CANARY}-tool").exists()

    async def is_shown_a_dialog(self, seconds: float = 30) -> None:
        await retry_until(lambda: self.is_asked, seconds, describe=self._stage.describe)

    async def answers(self, key: str) -> None:
        """Press one key; repeat it only while a new dialog does not accept keys yet."""
        for _ in range(4):
            if not self.is_asked:
                return
            self._stage.pane.write(key)
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: not self.is_asked, 1.5)
                return
        raise AssertionError(f"the dialog takes no key\n{self._stage.describe()}")

    def removes_the_canary(self) -> None:
        (self._stage.work / f"{CANARY}-tool").unlink(missing_ok=True)
