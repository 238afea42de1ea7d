"""The receipts of one message: one row, whatever the number of its recipients."""

from __future__ import annotations

import pytest

from controller.view.stream.receipt_rows import receipt_rows
from controller.view.text.text_rows import width_of
from gateway.protocol.types.core_types import Rung, Step

ANSWERED, QUEUED, BUSY = Step(Rung.ANSWERED), Step(Rung.QUEUED), Step(Rung.HELD, reason="busy")
PAUSED, SEEN, LOST = Step(Rung.HELD, reason="paused"), Step(Rung.SEEN), Step(Rung.FAILED, reason="turn lost")
TWELVE = ("ada", "ben", "cleo", "dan", "eva", "fay", "gus", "hal", "ivy", "jon", "kim", "leo")


def summary(steps: dict[str, Step], width: int = 80) -> str:
    (row,) = receipt_rows(steps, 2, width)
    return "".join(text for _, text in row).strip()


def of_twelve(**others: Step) -> dict[str, Step]:
    return {**dict.fromkeys(TWELVE, ANSWERED), **others}


@pytest.mark.parametrize(
    ("steps", "width", "words"),
    [
        ({"ada": BUSY}, 80, "· ada held because busy"),
        ({"ada": ANSWERED, "ben": SEEN}, 80, "✓ ada answered  · ben seen by the model"),
        ({"ada": ANSWERED, "ben": SEEN}, 36, "✓ ada answered · ben seen by the …"),
        (of_twelve(), 80, "✓ 12 answered"),
        (of_twelve(gus=BUSY), 80, "✓ 11 answered · gus held: busy"),
        (of_twelve(gus=BUSY, leo=PAUSED), 80, "✓ 10 answered · gus held: busy · leo held: paused"),
        (of_twelve(gus=BUSY, leo=BUSY), 80, "✓ 10 answered · gus, leo held: busy"),
        (of_twelve(gus=BUSY, leo=BUSY, ada=BUSY), 80, "✓ 9 answered · 3 held: busy"),
        (of_twelve(gus=LOST), 80, "✓ 11 answered · ✗ gus failed: turn lost"),
        (of_twelve(gus=BUSY, leo=LOST), 46, "✓ 10 answered · ✗ leo failed: turn lost · g…"),
        (dict.fromkeys(TWELVE, QUEUED), 80, "· 12 queued"),
        ({**dict.fromkeys(TWELVE, QUEUED), "ada": BUSY}, 80, "· ada held: busy · 11 queued"),
    ],
)
def test_what_is_said_of_many(steps: dict[str, Step], width: int, words: str) -> None:
    assert summary(steps, width) == words


@pytest.mark.parametrize("width", [12, 20, 40, 60, 80, 200])
@pytest.mark.parametrize("many", [1, 2, 3, 4, 12])
def test_it_is_always_one_row_that_fits(width: int, many: int) -> None:
    steps = (BUSY, LOST, SEEN, ANSWERED)
    row = summary({name: steps[at % 4] for at, name in enumerate(TWELVE[:many])}, width)
    assert width_of(row) <= width


def test_it_is_quiet_once_all_have_answered() -> None:
    def styles(steps: dict[str, Step]) -> set[str]:
        return {style for row in receipt_rows(steps, 2, 80) for style, text in row if text.strip()}

    assert styles(of_twelve()) == {"class:dim"}
    assert styles({"ada": ANSWERED}) == {"class:dim"}
    assert styles(of_twelve(gus=BUSY)) == {"class:good", "class:dim"}
    assert styles(of_twelve(gus=LOST)) == {"class:good", "class:bad"}


def test_one_hint_for_all_that_have_put_it_off() -> None:
    postponed = Step(Rung.SUBMITTED, reason="queued, it is at work")

    def hints(*names: str) -> list[str]:
        return [
            "".join(text for _, text in row).strip() for row in receipt_rows(dict.fromkeys(names, postponed), 2, 90)
        ][1:]

    assert hints("ada") == ["/stop ada ends what it works on"]
    assert hints("ada", "ben") == ["/stop ends what they work on: ada, ben"]
