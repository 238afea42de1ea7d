"""Compares the result of each message with the model's own record. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from benchmarks.delivery_cast import Player
from benchmarks.delivery_stage import Story
from benchmarks.delivery_truth import Heard, Truth
from gateway.protocol.types.core_types import Rung
from sidecar.messages.envelope import clean_text

_ESCAPED = re.compile(r"^([^\w\n\\]*)\\(?=[^\w\s])", re.MULTILINE)  # characters that begin a line like an envelope


class Fate(StrEnum):
    EXACT = "exact"
    FAILED = "failed visibly"
    UNSEEN = "failed unseen"
    UNTOLD = "seen, but its story has no end"
    GARBLED = "garbled"
    DOUBLED = "doubled"
    LOST = "lost"


GOOD = (Fate.EXACT, Fate.FAILED, Fate.UNSEEN)


@dataclass(frozen=True)
class Verdict:
    """`replied`: yes if one exact answer came back, no if it should have, none if none was due."""

    fate: Fate
    seen: int
    replied: bool | None
    why: str = ""

    @property
    def good(self) -> bool:
        return self.fate in GOOD and self.replied is not False


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def judge(player: Player, number: int, content: str, story: Story, truth: Truth) -> Verdict:
    heard = truth.of(number)
    fate, why = _fate(player, number, content, story, heard)
    replied, reason = _replied(story, [told.text for told in truth.answers_to(number)])
    return Verdict(fate, len(heard), replied, "; ".join(one for one in (why, reason) if one))


def _fate(player: Player, number: int, content: str, story: Story, heard: Sequence[Heard]) -> tuple[Fate, str]:
    last = story.steps[-1] if story.steps else None
    stands = f"{last.rung} {last.reason}".strip() if last else "never reported"
    if not heard:
        failed = story.rung in (Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)
        return (Fate.UNSEEN if failed else Fate.LOST), stands
    if len(heard) > 1:
        return Fate.DOUBLED, f"seen {len(heard)} times, {stands}"
    if difference := differs(player, number, content, heard[0].text):
        return Fate.GARBLED, difference
    if story.rung is Rung.FAILED:
        return Fate.FAILED, stands
    return (Fate.EXACT, "") if story.rung is Rung.ANSWERED else (Fate.UNTOLD, stands)


def differs(player: Player, number: int, content: str, text: str) -> str:
    """Where the model's text differs from the sent one, cleaned and trimmed; a harmless suffix of ours is allowed."""
    begins = re.match(rf"\[(\S+) -> {re.escape(player.name)} #{number}\]", text)
    if begins is None:
        return f"no envelope of ours: {text[:80]!r}"
    wanted = clean_text(content).strip()
    finished = player.agent.text.finish(player.agent.text.guard(wanted, lambda _: False))
    body, *may_be = map(_plain, (text[begins.end() :], wanted, finished))
    return "" if body in may_be else _first_difference(body, may_be[0])


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text.strip())


def _first_difference(found: str, wanted: str) -> str:
    if found == wanted:
        return ""
    least = min(len(found), len(wanted))
    at = next((n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), least)
    return f"from character {at}: {found[at : at + 60]!r} instead of {wanted[at : at + 60]!r}"


def _replied(story: Story, answers: Sequence[str]) -> tuple[bool | None, str]:
    came = [reply.content for reply, _ in story.replies]
    if story.rung is not Rung.ANSWERED and not came:
        return None, ""
    if len(came) != 1:
        return False, f"{len(came)} replies"
    if not answers:
        return False, f"a reply that the model never gave: {came[0][:60]!r}"
    missed = [_first_difference(came[0], answer) for answer in answers]
    return (True, "") if "" in missed else (False, f"the reply differs {missed[-1]}")
