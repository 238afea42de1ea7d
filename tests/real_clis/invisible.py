"""Measures what each real CLI does with invisible characters: `python -m tests.real_clis.invisible [NAME...]`.

Each is pasted at the start of a line. The composer's content is what verifies a delivery; the model server gets what
the agent reads. The results are data: `tests.real_clis.invisible_page` makes a page from them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import unicodedata
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.protocol.text.invisible_characters import BLANKS, IGNORABLE
from sidecar.messages.envelope import is_same_text
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.gateway.protocol.text.test_invisible_characters import WRITTEN
from tests.real_clis.homes import ALL, Cli
from tests.real_clis.watched import Watched, watched

CLIS = {name: cli for name, cli in ALL.items() if name == cli.agent}
AT_ONCE, A_LIFE = 4000, 40000  # lines of one long paste, and of all pastes of one run of a CLI
AT_ONCE_BY_CLI = {"copilot": 1500}  # a paste of more than 20 kB becomes a file
SIZE = (120, 40)
DATA = Path(__file__).with_name("invisible_characters")
PATIENCE = 4.0
_LINE = re.compile(r"([^\n\[]*)\[([0-9A-F]{4,6})\]")

# One or more of every class, each tested alone in the composer.
SINGLE: tuple[int, ...] = (
    *(code for first, last in IGNORABLE if last < 0xE0000 for code in range(first, last + 1)),
    *(0xE0000, 0xE0001, 0xE0002, 0xE0020, 0xE0041, 0xE007E, 0xE007F, 0xE0080, 0xE0100, 0xE01EF, 0xE01F0, 0xE0FFF),
    *map(ord, BLANKS),
    *(0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000),  # spaces
    *(0x0085, 0x2028, 0x2029),  # ends of lines
    *(0x0600, 0x06DD, 0x070F, 0x08E2, 0xFFF9, 0xFFFA, 0xFFFB, 0xFFFC, 0x110BD, 0x13430, 0x1343F),  # formats that show
    *(0x0300, 0x0301, 0x0903, 0x0BBE, 0x20DD, 0x20E3, 0x3099, 0x302E, 0x1D165, 0x1E000),  # marks
    *(0xFDD0, 0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF),  # noncharacters
    *(0xE000, 0xE0B0, 0xF8FF, 0xF0000, 0x10FFFD),  # private use
    *(0x0378, 0x2FE0, 0x1FAFF, 0x3FFFD, 0xE1000),  # unassigned
    *(0x1F3F4, 0x1F1E6, 0x1F3FB, 0xFF3B, 0x301A, 0x27E6, 0x2045, 0x005C),  # seen, to compare with
)


def every() -> Iterator[int]:
    """All of the planes that hold marks and formats; of the others, which hold ideographs or nothing, a sample."""
    for code in range(0x20, 0x110000):
        plane = code >> 16
        whole = plane in (0, 1, 14) and not (0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xD7A4 or code >= 0xE2000)
        private = 0xE000 <= code < 0xF900
        if 0xD800 <= code < 0xE000 or unicodedata.category(chr(code)) == "Cc" or chr(code) == "[":
            continue
        if (whole and not private) or code % 0x100 == 0 or code & 0xFFFE == 0xFFFE:
            yield code


def line(code: int) -> str:
    return f"{chr(code)}[{code:04X}]"


def read(text: str) -> dict[int, str]:
    """The text before each mark."""
    return {int(match[2], 16): match[1] for match in _LINE.finditer(text)}


def kind_of(code: int, before: str) -> str:
    return "kept" if before == chr(code) else before.encode("unicode_escape").decode() or "dropped"


class Trial:
    def __init__(self, eyes: Watched) -> None:
        self._eyes, self._model = eyes, eyes.agent.model

    @property
    def _composer(self) -> str:
        return self._eyes.eyes.look().reading.text

    async def alone(self, code: int) -> dict[str, Any]:
        """In a prompt of two lines, which every composer shows unchanged. A busy machine may lose an Enter, so a second
        question counts only if it is repeatable."""
        first = await self._alone(code)
        return first if first["enters"] == 1 else await self._alone(code)

    async def _alone(self, code: int) -> dict[str, Any]:
        text = f"x\n{line(code)}"
        shown, enters, sent = await self._said(text, f"[{code:04X}]")
        before = read(sent).get(code)
        return {
            "composer": kind_of(code, shown.removeprefix("x").strip(" \n").partition("[")[0]),
            "verified": is_same_text(shown, text),
            "model": "nothing arrived" if before is None else kind_of(code, before),
            "enters": enters,
        }

    async def in_use(self, text: str) -> dict[str, Any]:
        """Where a script or an emoji needs it."""
        shown, enters, sent = await self._said(f"x\n{text} END", "END")
        arrived = sent.removeprefix("x\n").removesuffix(" END")
        model = "kept" if arrived == text else f"arrives as {arrived.encode('unicode_escape').decode()}"
        return {"verified": is_same_text(shown, f"x\n{text} END"), "model": model, "enters": enters}

    async def _said(self, text: str, until: str) -> tuple[str, int, str]:
        """The composer's content, the number of Enter keys, and the text that the model got."""
        asked = len(self._model.turns)
        self._eyes.terminal.paste(text)
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: until in self._composer, 3)
        shown = self._composer
        enters = await self._submit(asked)
        sent = "\n".join(self._model.turns[-1].asked.texts) if len(self._model.turns) > asked else ""
        await self._rest()
        return shown, enters, sent

    async def _submit(self, asked: int) -> int:
        await asyncio.sleep(0.2)
        for times in range(1, 4):
            self._eyes.terminal.write("\r")
            with contextlib.suppress(AssertionError):
                await retry_until(lambda: len(self._model.turns) > asked, PATIENCE)
                return times
        return 0

    async def _rest(self) -> None:
        await retry_until(lambda: not self._model.turns or self._model.turns[-1].finished_at, 60)
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self._eyes.sees == "idle" and not self._composer, 5)

    async def many(self, codes: list[int]) -> dict[int, str]:
        """In one long paste: what reached the model instead of each changed character. A busy machine may lose a whole
        paste, which is then sent once more."""
        got = await self._many(codes) or await self._many(codes)
        kinds = {code: kind_of(code, got[code]) if code in got else "nothing arrived" for code in codes}
        return {code: kind for code, kind in kinds.items() if kind != "kept"}

    async def _many(self, codes: list[int]) -> dict[int, str]:
        """The text that arrived before each mark."""
        asked = len(self._model.turns)
        self._eyes.terminal.paste("x\n" + "\n".join(map(line, codes)))
        await asyncio.sleep(2)
        await self._submit(asked)
        got = read("\n".join(self._model.turns[-1].asked.texts)) if len(self._model.turns) > asked else {}
        await self._rest()
        return got


@contextlib.asynccontextmanager
async def trial(cli: Cli) -> AsyncIterator[Trial]:
    async with watched(cli, size=SIZE) as eyes:
        await eyes.settles()
        await asyncio.sleep(2)
        if cli.warms_up:
            await eyes.turn("Good morning.", Reply())
        yield Trial(eyes)


async def measure(cli: Cli) -> dict[str, Any]:
    async with trial(cli) as one:
        alone = {f"{code:04X}": await one.alone(code) for code in SINGLE}
        in_use = {name: await one.in_use(text) for name, text in WRITTEN.items()}
    changed: dict[int, str] = {}
    codes, at_once = list(every()), AT_ONCE_BY_CLI.get(cli.name, AT_ONCE)
    for begin in range(0, len(codes), A_LIFE):
        async with trial(cli) as one:
            for start in range(begin, min(begin + A_LIFE, len(codes)), at_once):
                changed |= await one.many(codes[start : min(start + at_once, begin + A_LIFE)])
    kinds = {
        kind: spans([code for code, one in changed.items() if one == kind]) for kind in sorted({*changed.values()})
    }
    long = {"tried": len(codes), "changed": kinds}
    return {"cli": cli.name, "version": cli.version, "alone": alone, "in use": in_use, "in a long paste": long}


def spans(codes: list[int]) -> str:
    """`00AD 034F 115F..1160`."""
    known = set(codes)
    firsts = [code for code in codes if code - 1 not in known]
    lasts = [code for code in codes if code + 1 not in known]
    pairs = zip(sorted(firsts), sorted(lasts), strict=True)
    return " ".join(f"{first:04X}" if first == last else f"{first:04X}..{last:04X}" for first, last in pairs)


def text_of(found: Mapping[str, Any]) -> str:
    """JSON with a line for each character."""
    parts = [f"{json.dumps(key)}: {_rows(value)}" for key, value in found.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rows(value: object) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{\n" + ",\n".join(f" {json.dumps(key)}: {json.dumps(one)}" for key, one in value.items()) + "\n}"


async def main(names: list[str]) -> None:
    for name in names or CLIS:
        (DATA / f"{name}.json").write_text(text_of(await measure(CLIS[name])))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
