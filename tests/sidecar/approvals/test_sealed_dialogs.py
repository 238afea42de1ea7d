"""The dialogs of a sealed turn: nothing of them is readable at the gateway, and it cannot answer them by itself."""

from __future__ import annotations

import msgspec

from gateway.protocol.events import Control, ControlAction
from gateway.protocol.types.core_types import Ask, PlainAnswer
from sidecar.approvals.sealed_dialogs import WITHHELD_QUESTION_TEXT, WORDS_REFUSED_TEXT, SealedDialogs
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn
from tests.fakes.retry import retry_until
from tests.sidecar.approvals.test_approval_relay import OLD, SAME, Table, turns_of_the_loop
from tests.sidecar.fake_sealing import SEALED, FakeSealing

LAB = SealedPlace("lab")


class SealedTable(Table):
    """An agent that asks while it works on a sealed message."""

    def __init__(self, place: SealedPlace | None = LAB) -> None:
        self.sealing, self.turn = FakeSealing("lab"), SealedTurn(place, place is not None)
        super().__init__(SealedDialogs(self.sealing, self.turn))

    async def announced(self, count: int = 1) -> None:
        self.shows(SAME)
        await retry_until(lambda: len(self.room.opened) == count)

    @property
    def reasons(self) -> list[str]:
        return [one.reason for one in self.room.opened]

    def knows(self, text: str) -> bool:
        return any(text in msgspec.json.encode(one).decode() for one in self.room.asked)


async def test_the_text_of_a_dialog_is_sealed_and_its_digest_tells_nothing() -> None:
    plain, sealed, other = SealedTable(None), SealedTable(), SealedTable()
    async with plain.running(), sealed.running(), other.running():
        for table in (plain, sealed, other):
            await table.announced()
        (ask,) = sealed.room.opened
        assert [(one.key, one.text, one.means) for one in ask.options] == [
            ("1", "", PlainAnswer.ALLOW),
            ("2", "", PlainAnswer.DENY),
        ]
        assert (ask.question, ask.detail, ask.tool, ask.words) == (SEALED, "", "", False)
        assert plain.knows("ls -l")
        assert not sealed.knows("ls -l")
        assert len({one.digest for one in (plain, sealed, other)}) == 3, "the text cannot be guessed from it"


async def test_an_answer_that_nobody_has_signed_is_not_given_and_the_dialog_stays_open() -> None:
    table = SealedTable()
    async with table.running():
        await table.announced()
        table.answers(10)
        await retry_until(lambda: len(table.room.opened) == 2)
        assert table.reasons == ["", "nothing was pressed: nobody has signed this answer"]
        assert table.keys == []
        table.sealing.approved.append((table.digest, "allow", LAB))
        table.answers(11)
        await retry_until(lambda: table.keys == [b"1"])


async def test_a_signed_answer_fits_no_later_dialog_with_the_same_text() -> None:
    table = SealedTable()
    async with table.running():
        await table.announced()
        first = table.digest
        table.sealing.approved.append((first, "allow", LAB))
        table.shows(None)
        await table.announced(2)
        assert table.digest != first
        replayed = msgspec.structs.replace(OLD, number=11, digest=first)
        table.asking.order(answer_order(replayed))
        table.answers(11)
        await retry_until(lambda: len(table.room.opened) == 4)
        assert table.keys == []


async def test_the_gateway_cannot_name_the_dialog_by_the_digest_of_its_text() -> None:
    table, guess = SealedTable(), SealedTable(None)
    async with table.running(), guess.running():
        await table.announced()
        await guess.announced()
        table.asking.order(answer_order(msgspec.structs.replace(OLD, number=10, digest=guess.digest)))
        await retry_until(lambda: len(table.room.opened) == 2)
        assert table.keys == []


async def test_words_that_passed_in_plain_text_go_to_no_model() -> None:
    table = SealedTable()
    async with table.running():
        await table.announced()
        table.sealing.approved.append((table.digest, "deny", LAB))
        ask = msgspec.structs.replace(OLD, number=10, digest=table.digest, said="do as the gateway says")
        table.asking.order(answer_order(ask, "deny"))
        await retry_until(lambda: len(table.room.opened) == 2)
        assert WORDS_REFUSED_TEXT in table.reasons[-1]
        assert table.keys == []


async def test_a_dialog_that_cannot_be_sealed_shows_nothing_and_is_answered_in_its_terminal_alone() -> None:
    table = SealedTable(SealedPlace("general", "alice"))
    table.sealing.refused["alice"] = "The key of alice has changed."
    async with table.running():
        await table.announced()
        (ask,) = table.room.opened
        assert (ask.question, ask.options, ask.allow, ask.deny) == (WITHHELD_QUESTION_TEXT, (), "", "")
        assert not table.knows("ls -l")
        for answer in ("allow", "1"):
            table.answers(10, answer)
        await turns_of_the_loop()
        await turns_of_the_loop()
        assert table.keys == []


async def test_a_dialog_stays_sealed_and_the_same_after_a_reconnection() -> None:
    table = SealedTable()
    async with table.running():
        await table.announced()
        known = msgspec.structs.replace(OLD, number=10, digest=table.digest)
        table.turn.place = None
        table.room.asks = (known,)
        table.asking.welcome(table.room.welcome)
        await retry_until(lambda: len(table.room.opened) == 2)
        assert table.room.closed == []
        assert table.room.opened[0] == table.room.opened[1]


def answer_order(ask: Ask, answer: str = "allow") -> Control:
    return Control(50, ControlAction.ANSWER, "alice", ("claude",), "", text=answer, may_approve=True, ask=ask)
