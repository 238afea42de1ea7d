"""claude, codex and gemini at the desk, and their person away with a phone: what is done there, step by step.

The phone is emulated: its size, touch and pixels in a desktop's Chromium. It is paired by a real code; agents,
terminals and gateway are real, and the models are servers on loopback. `test_phone.py` tries the scenes, and
`docs/pictures/make-phone` plays the same ones and keeps what is seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from gateway.client.discovery.running_gateway import read_running
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS
from tests.real_clis.three import Three, three_at_work
from tests.support.chromium import CHROMIUM, PHONE, WITHOUT, chromium
from tests.support.web_visits import Visit, visiting

Look = Callable[[str], Awaitable[None]]  # what is on the phone now has this name
CHAPTERS = tuple(f"Chapter-{number} is read." for number in range(1, 5))
LAST_WORD = "Finis."
DESK_SIZE = ("-x", "210", "-y", "80")
PLAIN_YES = re.compile(r"^Yes(?:, proceed \(y\))?(?: – press again to confirm)?$")  # not one of the yeses for always


async def nobody_looks(_: str) -> None:
    """For those who want no pictures."""


@dataclass(frozen=True)
class Address:
    """The gateway of the session, for those who visit its page."""

    url: str
    state: Path


@dataclass
class Pocket:
    three: Three
    phone: Visit

    @property
    def made(self) -> Path:
        """What the agents ask to make."""
        return self.three.session.folder / "work" / "made"

    async def begin(self) -> None:
        await self.three.begin()
        self.made.unlink(missing_ok=True)
        await self.phone.enters("general")

    # what fingers do

    async def turns_to(self, page: str) -> Locator:
        """By the bar below."""
        await self.phone.page.get_by_role("navigation", name="Pages").get_by_role("link", name=page).tap()
        shown = self.phone.page.get_by_role("main")
        await expect(shown.get_by_role("heading", name=page, level=1)).to_be_visible()
        return shown

    async def writes(self, text: str) -> Locator:
        """In the room; the row of the message that came of it."""
        await self.phone.composer.fill(text)
        await self.phone.page.get_by_role("button", name="Send", exact=True).tap()
        await expect(self.phone.composer).to_have_value("")
        row = self.own_row(text.partition(" ")[2])
        await expect(row).to_be_in_viewport()
        await self.phone.page.get_by_role("heading", level=1).tap()  # whoever writes no more has the bar back
        return row

    def own_row(self, text: str) -> Locator:
        """Not the answer to it, which quotes it."""
        return self.phone.page.locator("li.message.own", has_text=text)

    async def is_asked_by(self, name: str, text: str) -> Locator:
        """The person writes, and the agent's model wants to do what its person must allow. The card of the question."""
        model = self.three.models[name]
        model.script(Reply("Let me.", tool=CLIS[name].tool), Reply(f"{name} goes on."), Reply("And on."))
        await self.writes(text)
        await self.turns_to("Questions")
        card = self.phone.question_of(name)
        await expect(card).to_contain_text("touch made")
        await expect(card.get_by_role("button", name=PLAIN_YES)).to_be_visible()
        await expect(card.get_by_text("could not be read whole")).to_have_count(0)  # its whole dialog is drawn
        return card

    async def ends(self, text: str, how: str = "was answered") -> None:
        """What the page says in the end about the message that the person wrote."""
        await self.phone.enters("general")
        mark = self.own_row(text).locator(".mark")
        await expect(mark).to_have_attribute("aria-label", re.compile(rf"^\w+: (?:{how})"))

    async def reaches(self, name: str, words: str) -> None:
        """The model has been sent these words."""
        await retry_until(lambda: words in sent_to(self.three.models[name]), 60, describe=lambda: self.screen(name))

    def screen(self, name: str) -> str:
        return self.three.session.text(name)


def sent_to(model: Model) -> str:
    return "\n".join(str(one.body) for one in model.seen)


@contextlib.asynccontextmanager
async def in_the_pocket(folder: Path) -> AsyncIterator[Pocket]:
    if CHROMIUM is None:
        pytest.skip(WITHOUT)
    async with three_at_work(folder) as three, chromium() as browser:
        await enlarge(three)
        running = read_running(three.session.state)
        assert running is not None
        address = Address(running.url, three.session.state)
        async with visiting(browser, address, "approver", name="phone", **PHONE) as phone:
            pocket = Pocket(three, phone)
            await pocket.begin()
            yield pocket


async def enlarge(three: Three) -> None:
    """The desk's screen is so large that each agent's dialog is drawn whole."""
    session = three.session
    session.tmux("resize-window", "-t", f"={session.name}:", *DESK_SIZE)
    await session.until(lambda: int(session.panes("#{window_height}")["claude"]) == int(DESK_SIZE[-1]))
    await three.begin()


# the scenes


async def allows_claude(pocket: Pocket, look: Look = nobody_looks) -> None:
    """One tap changes nothing; a finger that stays lets the command run, and the message is answered."""
    phone, session = pocket.phone, pocket.three.session
    card = await pocket.is_asked_by("claude", "@claude Make the file.")
    yes = card.get_by_role("button", name=PLAIN_YES)
    await yes.tap()
    await expect(yes).to_contain_text("press again to confirm")
    await look("question")
    assert not pocket.made.exists() and session.doing()["claude"] == "asking"
    await phone.holds(yes)
    await retry_until(pocket.made.exists, describe=lambda: pocket.screen("claude"))
    lately = phone.page.get_by_role("region", name="Answered lately")
    await expect(lately.get_by_role("listitem").first).to_contain_text("You answered “Yes” in the room.")
    await session.until(lambda: "claude goes on." in pocket.three.said_by("claude"))
    await pocket.ends("Make the file.")


async def denies_claude_with_words(pocket: Pocket, look: Look = nobody_looks) -> None:
    card = await pocket.is_asked_by("claude", "@claude Fill the tables.")
    await card.get_by_role("textbox").fill("Use the test database.")
    await look("words")
    await card.get_by_role("button", name="No").tap()
    await expect(card).to_have_count(0)
    await pocket.reaches("claude", "Use the test database.")
    assert not pocket.made.exists()
    await pocket.ends("Fill the tables.")


async def denies_codex_and_tells_it_why(pocket: Pocket, look: Look = nobody_looks) -> None:
    """codex takes no words with a No, so its card offers none; they go as a message."""
    card = await pocket.is_asked_by("codex", "@codex Clean up the tables.")
    await expect(card.get_by_role("textbox")).to_have_count(0)
    await look("codex")
    await card.get_by_role("button", name="No").tap()
    await expect(card).to_have_count(0)
    await pocket.three.session.until(lambda: pocket.three.session.doing()["codex"] == "idle", "codex")
    assert not pocket.made.exists()
    await pocket.ends("Clean up the tables.", r"failed \(refused by alice\)|was answered")  # it may go on
    pocket.three.models["codex"].script(Reply("Then the test database."))
    await pocket.writes("@codex Use the copy of the tables.")
    await pocket.reaches("codex", "Use the copy of the tables.")
    await pocket.ends("Use the copy of the tables.")


async def watches_gemini(pocket: Pocket, look: Look = nobody_looks) -> None:
    """Its terminal changes on the phone while it works, and has the size that it had."""
    phone, session = pocket.phone, pocket.three.session
    sizes = session.panes("#{pane_width}x#{pane_height}")
    go_on = asyncio.Event()
    pocket.three.models["gemini"].script(Reply(" ".join((*CHAPTERS, LAST_WORD)), seconds=2.0, until=go_on))
    await pocket.writes("@gemini Read the book.")
    fleet = await pocket.turns_to("Fleet")
    await fleet.get_by_role("link", name="gemini").tap()
    agent = phone.page.get_by_role("main", name="Agent gemini")
    terminal = agent.get_by_role("group", name="What the terminal of gemini shows")
    await expect(terminal).to_contain_text(CHAPTERS[-1])
    await expect(agent.locator(".agent-head .state-word")).to_have_text("Working")
    at_work = terminal.locator(".grid-row", has_text="esc to cancel")
    before = await at_work.inner_text()
    await expect(at_work).not_to_have_text(before)
    await expect(terminal).not_to_contain_text(LAST_WORD)
    await terminal.scroll_into_view_if_needed()
    await look("terminal")
    go_on.set()
    await expect(terminal).to_contain_text(LAST_WORD)
    await expect(agent.locator(".agent-head .state-word")).to_have_text("Idle")
    assert session.panes("#{pane_width}x#{pane_height}") == sizes
    await pocket.ends("Read the book.")


async def follows_a_debate(pocket: Pocket, look: Look = nobody_looks) -> None:
    """It was begun at the desk. The phone sees whose turn it is, sees it change, and ends it."""
    phone, session, models = pocket.phone, pocket.three.session, pocket.three.models
    claude, codex = asyncio.Event(), asyncio.Event()
    models["claude"].script(Reply("Tabs: everyone chooses their width.", until=claude))
    models["codex"].script(Reply("Spaces: they align everywhere.", until=codex))
    begun = session.groupchat("mode", "set", "debate", "tabs or spaces?", "--rounds", "2", "--agents", "claude,codex")
    assert begun.code == 0, begun
    speaker = (await pocket.turns_to("Modes")).get_by_role("article", name="debate in general").locator(".speaks")
    await expect(speaker).to_contain_text("claude")
    await session.until(lambda: models["claude"].prompts, "claude")
    await look("modes")
    await phone.page.get_by_role("link", name="#general").tap()
    turn = phone.page.locator(".floor-line")
    await expect(turn).to_contain_text("claude has the turn")
    claude.set()
    await expect(turn).to_contain_text("codex has the turn")
    await expect(phone.stream).to_contain_text("Tabs: everyone chooses their width.")
    await session.until(lambda: models["codex"].prompts, "codex")
    await look("debate")
    await turn.get_by_role("link", name="Modes").tap()
    await expect(speaker).to_contain_text("codex")
    await phone.holds(phone.page.get_by_role("button", name="End the mode"))
    await expect(phone.page.get_by_text("Everyone speaks freely in all rooms.")).to_be_visible()
    assert session.read("/v1/rooms/general/mode")["floor"]["mode"] == "freeform"
    codex.set()
    await session.until(lambda: session.doing()["codex"] == "idle", "codex")


SCENES = (allows_claude, denies_claude_with_words, denies_codex_and_tells_it_why, watches_gemini, follows_a_debate)
