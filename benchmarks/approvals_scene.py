"""One scene: a message makes the agent ask, once or twice; the person in the room reads the card and answers, while
somebody may resize the pane or answer at the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from benchmarks.approvals_questions import About, Ground, Question, done, prepare
from benchmarks.approvals_sizes import SIZES
from benchmarks.approvals_truth import Asks, Call
from benchmarks.approvals_verdict import Answer
from benchmarks.delivery_cast import QUICK, Manner
from benchmarks.delivery_stage import OVER, Stage
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.approval_requests import AnswerAsk
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Ask, AskState
from tests.fakes.retry import retry_until

CALLED_WITHIN = 15.0
SEEN_WITHIN = 10.0
OFFERED_WITHIN = 3.0
TAKEN_WITHIN = 10.0
DONE_WITHIN = 10.0
LOW = 10
BEGINS_WITHIN = 3.0
KEYS_ARE_FORGOTTEN = 1.2  # a person who has just pressed a key is not interrupted
LASTING = re.compile(r"don.t ask again|for this session")
PLAIN, TWO, RESIZED, AT_TERMINAL, BOTH = "plain", "two in a row", "resized", "answered at the terminal", "both at once"
OPEN = (AskState.OPEN, AskState.ANSWERING)


@dataclass
class Asked:
    """One question and its observations. `called` and the times of the cards are in wall time; `card` is the card at
    the time of the answer; `terminal`: whether a person at the terminal allowed it, if one pressed a key."""

    question: Question
    situation: str
    answer: Answer
    called: float = 0.0
    cards: list[tuple[Ask, float]] = field(default_factory=list)
    card: Ask | None = None
    by_room: bool = False
    refused: str = ""
    terminal: bool | None = None
    ended: Ask | None = None
    token: str = ""
    said: str = ""
    notes: list[str] = field(default_factory=list)


class Scene:
    def __init__(self, stage: Stage, oracle: Asks, ground: Ground, chance: Random) -> None:
        self._stage, self._oracle, self._ground, self._chance = stage, oracle, ground, chance
        self._word, self._sent, self._sent_at = "", 0, 0.0
        self.numbers: list[int] = []

    async def play(self, asked: Sequence[Asked]) -> None:
        left = list(asked)
        for one in asked:
            prepare(self._ground, one.question)
        while left:
            before = len(self._oracle.calls)
            self._word = f"w{self._chance.getrandbits(20):05x}"
            self._oracle.plan(self._word, [one.question for one in left])
            await self._send()
            while left and await self._comes(before):
                await self._one(left.pop(0), self._oracle.calls[before])
                before += 1
            self._sent += 1
            if self._sent > len(asked) + 1:
                raise AssertionError(f"the model never asked\n{self._stage.describe()}")
        await self.ends()

    async def _send(self) -> None:
        """The prompt is one word, because the composer of a low pane has little room. In the lowest pane a message with
        its envelope does not fit, so a person types it. The demo agent gets its instructions in the prompt."""
        self._sent_at = asyncio.get_running_loop().time()
        if self._stage.player.cli is not None and self._stage.size[1] <= LOW:
            await self._stage.pane.submit(self._word)
            return
        manner = Manner(tool=True, seconds=0.1) if self._stage.player.cli is None else QUICK
        number, _ = await self._stage.send(self._word, manner)
        self.numbers.append(number)

    @property
    def _is_over(self) -> bool:
        """The turn has ended."""
        if self.numbers:
            return self._stage.room.of(self.numbers[-1]).rung in OVER
        return self._stage.is_idle and asyncio.get_running_loop().time() > self._sent_at + BEGINS_WITHIN

    async def _comes(self, before: int) -> bool:
        """The next call, unless the turn ends: a refusal may end it."""
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self._was_called(before) or self._is_over, CALLED_WITHIN)
        return self._was_called(before)

    def _was_called(self, before: int) -> bool:
        calls = self._oracle.calls
        return len(calls) > before and calls[before].at is not None

    async def _one(self, asked: Asked, call: Call) -> None:
        assert call.at is not None
        asked.called = call.at
        seen = {ask.number for ask, _ in self._stage.room.asks if ask.state not in OPEN}
        if asked.situation == AT_TERMINAL:
            await self._person_first(asked, seen)
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self._cards(asked, seen), SEEN_WITHIN)
        asked.cards = self._cards(asked, seen)
        if asked.terminal is None:
            await self._read(asked, seen)
            await self._answered(asked, seen)
        await self._over(asked)

    def _cards(self, asked: Asked, before: set[int]) -> list[tuple[Ask, float]]:
        """The open requests in order of their reports; one that was open before the call belongs to an earlier
        question."""
        return [
            (ask, heard)
            for ask, heard in self._stage.room.asks
            if ask.number not in before and ask.state is AskState.OPEN and heard > asked.called - 1.0
        ]

    async def _read(self, asked: Asked, before: set[int]) -> None:
        """Wait as long as a person reads the card."""
        await asyncio.sleep(self._chance.uniform(0.4, 1.4))
        if asked.situation == RESIZED:
            columns, lines = self._stage.size
            other = self._chance.choice([one for one in SIZES if one.pane != (columns, lines)])
            asked.notes.append(f"resized to {other.pane_name}")
            self._stage.resize(*other.pane)
            await asyncio.sleep(self._chance.uniform(0.1, 2.0))
        asked.cards = self._cards(asked, before)
        asked.card = asked.cards[-1][0] if asked.cards else None

    # Answers

    async def _answered(self, asked: Asked, before: set[int]) -> None:
        for _ in range(3):
            given = await self._offered(asked, before)
            if asked.card is None or not given:
                break
            if asked.situation == BOTH:
                await asyncio.gather(self._give(asked, asked.card, given), self._person(asked))
                return
            if await self._give(asked, asked.card, given):
                return
            await asyncio.sleep(KEYS_ARE_FORGOTTEN)
        asked.by_room = False
        await self._person(asked)

    async def _offered(self, asked: Asked, before: set[int]) -> str:
        """More of the dialog may become known soon; wait for the wanted key."""

        def looks() -> str:
            asked.cards = self._cards(asked, before)
            asked.card = asked.cards[-1][0] if asked.cards else None
            return self._given(asked)

        with contextlib.suppress(AssertionError):
            await retry_until(looks, OFFERED_WITHIN)
        return looks()

    def _given(self, asked: Asked) -> str:
        """The request for an answer; None if the card does not offer it."""
        card = asked.card
        if card is None:
            return ""
        if asked.answer is Answer.FIRST and card.options:
            return card.options[0].key
        if asked.answer is Answer.ALWAYS:
            found = [one.key for one in card.options if LASTING.search(one.text)]
            if len(found) == 1:
                return found[0]
            asked.answer = Answer.YES
        if asked.answer.allows:
            return "allow" if card.allow else ""
        return "deny" if card.deny else ""

    async def _give(self, asked: Asked, card: Ask, given: str) -> bool:
        """Whether it was accepted: the dialog is gone and the room names this answer as the reason."""
        words = ""
        if asked.answer is Answer.WORDS and given == "deny" and card.words:
            asked.token = f"w{self._chance.getrandbits(40):010x}"
            words = asked.said = f"Use the test database, {asked.token}, and say “grüße” twice."
            self._oracle.listen_for(asked.token)
        asked.by_room, told = True, len(self._stage.room.asks)
        request = AnswerAsk(member=self._stage.name, answer=given, digest=card.digest, words=words)
        try:
            await self._stage.person.request(request, Done)
        except GroupChatError as error:
            asked.refused, asked.by_room = error.message, False
            asked.notes.append(f"refused: {error.message}")
            return False

        def news() -> list[Ask]:
            mine = [ask for ask, _ in self._stage.room.asks[told:] if ask.number == card.number]
            return [ask for ask in mine if ask.state is not AskState.ANSWERING]

        with contextlib.suppress(AssertionError):
            await retry_until(news, TAKEN_WITHIN)
        last = news()[-1] if news() else None
        if last is None and self._is_decided(asked, asked.answer.allows):
            asked.notes.append("the end of the question was not told")
        elif last is None or last.state is not AskState.ANSWERED:
            asked.by_room, asked.refused = False, f"{last.state}: {last.reason}" if last else "no news"
            asked.notes.append(f"not taken: {asked.refused}")
        asked.ended = last
        return asked.by_room

    async def _person_first(self, asked: Asked, before: set[int]) -> None:
        """The person answers at the terminal when the card appears; the room does not answer."""
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self._cards(asked, before), SEEN_WITHIN)
        await asyncio.sleep(self._chance.uniform(0.2, 1.0))
        await self._person(asked)

    async def _person(self, asked: Asked) -> None:
        """At the terminal the person gives the room's answer by a key; in a race, the opposite answer. A new dialog may
        not accept keys yet."""
        player = self._stage.player
        asked.terminal = allows = asked.answer.allows != (asked.situation == BOTH)
        for _ in range(3):
            self._stage.pane.write(player.yes if allows else player.no)
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: self._is_decided(asked, allows), 2.5)
                return

    def _is_decided(self, asked: Asked, allows: bool) -> bool:
        return bool(self.results(asked)) or self._is_over or (allows and self.done(asked) > 0)

    async def _over(self, asked: Asked) -> None:
        """Wait until an allowed call was carried out, or a refusal has reached the model or ended the turn."""
        allowed = asked.answer.allows if asked.by_room else bool(asked.terminal)
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self._is_decided(asked, allowed), DONE_WITHIN)
        if asked.token:
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: self._oracle.said(asked.token), DONE_WITHIN)

    async def lasts(self, asked: Asked) -> bool:
        """When the model repeats the call, it runs without a question if that was chosen, and not otherwise."""
        before, calls, seen = self.done(asked), len(self._oracle.calls), len(self._stage.room.asks)
        self._oracle.plan(self._word, [asked.question])
        await self._send()
        await self._comes(calls)

        def asks() -> bool:
            return any(ask.state is AskState.OPEN for ask, _ in self._stage.room.asks[seen:])

        with contextlib.suppress(AssertionError):
            await retry_until(lambda: asks() or self.done(asked) > before, SEEN_WITHIN)
        ran = self.done(asked) > before
        if not ran:
            await asyncio.sleep(0.5)
            self._stage.pane.write(self._stage.player.no)
        await self.ends()
        return ran == (asked.answer is Answer.ALWAYS)

    def results(self, asked: Asked) -> list[str]:
        return next((one.results for one in self._oracle.calls if one.question is asked.question), [])

    def done(self, asked: Asked) -> int:
        """The number of executions; for a fetch only its result shows one, because it names the host."""
        if asked.question.about in (About.FETCH, About.DEMO):
            return sum(asked.question.result in result for result in self.results(asked))
        return done(self._ground, asked.question)

    def reached(self, asked: Asked) -> bool | None:
        """Whether the words of a refusal reached the model, as they were said."""
        return asked.said in self._oracle.said(asked.token) if asked.token else None

    async def ends(self) -> None:
        stage = self._stage
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: all(stage.room.of(one).rung in OVER for one in self.numbers), 20)
            await retry_until(lambda: stage.is_idle, 10)
