"""Draws the pictures of the page, in a real Chromium at a real gateway: `python -P -m tests.support.draw_web [NAME]`.

The phone is emulated: its size, touch and pixels.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
from playwright.async_api import Browser, expect

from gateway.client import Client
from gateway.protocol.requests.agent_requests import SetActivity, SetWork
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.protocol.results import Done
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.core_types import Activity, AskAbout, MemberKind, Option
from tests.support.chromium import PHONE, chromium
from tests.support.gateways import GatewayProcess
from tests.support.web_visits import Visit, member_of, visiting

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
WEB_SIZES: dict[str, dict[str, Any]] = {"desktop": {"viewport": {"width": 1200, "height": 760}}, "phone": PHONE}
SCHEMES = ("light", "dark")
ROOM = "search"
DIFF = """--- a/store/search.py
+++ b/store/search.py
@@ -41,7 +41,7 @@
 def find(words, limit=50):
-    rows = query(words)
+    rows = query(words, limit=limit)
     return [row.message for row in rows]
"""

Scene = Callable[[Visit], Awaitable[None]]


def at(place: str) -> Scene:
    async def go(visit: Visit) -> None:
        await visit.goes_to(place)

    return go


async def question(visit: Visit) -> None:
    """One question, at the moment before the second press."""
    await visit.goes_to("questions")
    yes = visit.question_of("codex").get_by_role("button", name="Yes", exact=True)
    await yes.click()
    await expect(visit.question_of("codex").get_by_text("press again")).to_be_visible()


# A picture is one line here.
SCENES: dict[str, Scene] = {
    "room": at(f"room/{ROOM}"),
    "question": question,
    "fleet": at("fleet"),
    "settings": at("settings"),
}


@asynccontextmanager
async def furnished(folder: Path) -> AsyncIterator[GatewayProcess]:
    """A room in which three agents and two people work."""
    async with AsyncExitStack() as stack:
        gateway = stack.enter_context(GatewayProcess(folder / "state").running())

        async def there(name: str, kind: MemberKind = MemberKind.AGENT, **more: Any) -> Client:
            endpoint = await member_of(gateway, name, kind, **more)
            return await stack.enter_async_context(Client(endpoint, Hello(inbox=kind is MemberKind.AGENT)))

        claude, codex = await there("claude", role="coder"), await there("codex", role="coder")
        gemini, bob = await there("gemini", role="reviewer"), await there("bob", MemberKind.HUMAN)
        alice = await stack.enter_async_context(Client(gateway.operator, Hello()))
        await alice.request(CreateRoom(ROOM, topic="version 2.4, on Friday"), object)
        for member in (claude, gemini, bob):
            await member.request(Join(ROOM), object)
        asked = await alice.send("Search is slow with a million messages. Who finds out why?", to="@all", room=ROOM)
        await claude.send(FOUND, reply_to=asked.seq)
        await bob.send("Nice. Codex adds the limit; @gemini please review it.", to="@all", room=ROOM)
        reviewed = await gemini.send("I will. Is there a test that fails without it?", room=ROOM)
        await alice.send("Not yet. Write one first, please.", reply_to=reviewed.seq)
        await bob.send("I am away until three; alice decides.", to="@alice", room=ROOM)
        await claude.request(SetActivity(activity=Activity.IDLE), Done)
        await gemini.request(SetActivity(activity=Activity.BUSY, note="reads store/search.py"), Done)
        await codex.request(SetActivity(activity=Activity.ASKING), Done)
        edits = Work("store", "faster-search", "Edit", "store/search.py", turn_tokens=18_300, day_tokens=412_000)
        reads = Work("store", "main", "read_file", "store/search.py", turn_tokens=9_100, day_tokens=86_500)
        measured = Work("store", "main", turn_tokens=42_700, day_tokens=655_000)
        for agent, work in ((codex, edits), (gemini, reads), (claude, measured)):
            await agent.request(SetWork(work), Done)
        options = (Option("1", "Yes"), Option("2", "Yes, and don't ask again for this file"), Option("3", "No"))
        words = {"tool": "Edit", "detail": DIFF, "about": AskAbout.DIFF}
        question = "Do you want to make this edit to search.py?"
        ask = OpenAsk("5f1e0c2a97b3d846", question, options, allow="1", deny="3", words=True)
        await codex.request(msgspec.structs.replace(ask, **words), Done)
        yield gateway


FOUND = """I have measured it. The query reads **every** row before it cuts the list:

```python
rows = query(words)        # 1 000 000 rows
return rows[:limit]
```

| what | before | with the limit |
|---|---|---|
| 50 newest | 840 ms | 3 ms |
| a rare word | 910 ms | 4 ms |
"""


async def drawn(browser: Browser, gateway: GatewayProcess, name: str, size: str, scheme: str) -> Path:
    """The picture of one scene."""
    path = PICTURES / f"web-{name}-{size}-{scheme}.png"
    options = {**WEB_SIZES[size], "color_scheme": scheme, "device_scale_factor": 1}
    async with visiting(browser, gateway, "approver", name=size, **options) as visit:
        await SCENES[name](visit)
        await visit.page.evaluate("document.fonts.ready")
        await visit.page.screenshot(path=path, animations="disabled", caret="hide")
    return path


async def draw(names: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="groupchat-pictures-") as folder:
        async with chromium() as browser, furnished(Path(folder)) as gateway:
            for name, size, scheme in product(names, WEB_SIZES, SCHEMES):
                path = await drawn(browser, gateway, name, size, scheme)
                print(f"{path.name}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    asyncio.run(draw(sys.argv[1:] or list(SCENES)))
