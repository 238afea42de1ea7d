"""Draws what is seen on the phone in the scenes of `tests/real_clis/pocket.py`: `docs/pictures/make-phone`, or
`python -P -m tests.support.draw_phone FOLDER`.

The phone is emulated; the agents, their terminals and the gateway are real, and the models are servers of ours.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Literal

from tests.real_clis.pocket import SCENES, in_the_pocket

SCHEMES: tuple[Literal["dark", "light"], ...] = ("dark", "light")  # the scene goes on in the last one


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gc-") as home:
        async with in_the_pocket(Path(home)) as pocket:
            page = pocket.phone.page

            async def look(name: str) -> None:
                for scheme in SCHEMES:
                    await page.emulate_media(color_scheme=scheme)
                    await page.screenshot(
                        path=folder / f"phone-{name}-{scheme}.png", animations="disabled", caret="hide", scale="css"
                    )
                sys.stdout.write(f"phone-{name}\n")
                sys.stdout.flush()

            for scene in SCENES:
                await scene(pocket, look)
                await pocket.begin()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
