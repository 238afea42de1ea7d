"""Makes recordings of the real CLIs for tests/recordings: python -P -m tests.real_clis.record FOLDER [NAME...]"""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sidecar.agents import REGISTRY
from tests.fakes.models.script import Kind, Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import (
    AIDER,
    CLAUDE,
    CLAUDE_197,
    CLINE,
    CODEX,
    COPILOT,
    GEMINI,
    OPENCODE,
    PI,
    QWEN,
    VIBE,
    Cli,
    claude_with_subscription,
    pi_that_keeps_little,
)
from tests.real_clis.releases import PROVEN_VARIABLE
from tests.real_clis.unprepared import (
    Change,
    instructions,
    newer_codex,
    newer_opencode,
    no_codex_config,
    no_key,
    onboarding,
    without,
)
from tests.real_clis.usage_limits import (
    claude_limit,
    codex_limit,
    copilot_limit,
    gemini_limit,
    opencode_go_limit,
    qwen_limit,
    vibe_limit,
)
from tests.real_clis.watched import Scenario, Watched, unprepared, watched
from tests.sidecar.quotes import EVERYTHING, wide

LIMITS: dict[str, Callable[[int], Reply]] = {
    **{"claude": claude_limit, "codex": codex_limit, "gemini": gemini_limit},
    **{"opencode": opencode_go_limit, "qwen": qwen_limit, "pi": qwen_limit, "cline": qwen_limit, "vibe": vibe_limit},
    "copilot": copilot_limit,
}
LIMIT_TRIES = {"qwen": 4, "copilot": 6, "cline": 6}  # requests until it gives up
NOUNS = ("parser", "record", "writer", "sheet", "driver", "report", "kernel", "ledger", "quote")
PROSE = " ".join(f"The {NOUNS[n % 9]} joins {NOUNS[n * n % 7]} number {n}." for n in range(30))


def fenced(text: str) -> str:
    return f"It showed this:\n\n```\n{text}\n```\n\nand, without a fence:\n\n{text}\n\nThat is all of it."


async def quotes(eyes: Watched) -> None:
    """An answer that quotes every screen, then a tool that prints them and an answer after it."""
    text = wide(EVERYTHING, eyes.size[0])
    (eyes.agent.place.work / "quotes.txt").write_text(text)
    await eyes.turn("[alice #1] what does it show?", Reply(fenced(text), seconds=2), look=1.5)
    call = eyes.cli.calling("touch made; cat quotes.txt; sleep 1.5")
    await eyes.turn("[bob #2] print it", Reply("Let me print it.", tool=call), Reply(fenced(text), seconds=1), look=1.5)


async def silence(eyes: Watched) -> None:
    """A model that says nothing for long, before its first word and in mid-answer, and a quiet tool."""
    long = 25.0 if eyes.cli is not GEMINI else 4.0
    await eyes.turn("[alice #1] think long", Reply("Done.", silence=long))
    call = eyes.cli.calling(f"touch made; sleep {long / 3:.0f}")
    await eyes.turn("[bob #2] quiet tool", Reply("A moment.", tool=call), Reply("There.", silence=1.0), look=1.5)
    await asyncio.sleep(5)


async def resizes(eyes: Watched) -> None:
    """Resizes while idle, while it answers, and while it asks."""
    sizes = [(80, 24), (60, 20), (140, 40), (100, 30)]
    for size in sizes:
        await resize(eyes, size)
    eyes.agent.model.script(Reply(PROSE, seconds=4))
    await eyes.submit("[alice #1] explain it")
    for size in sizes:
        await resize(eyes, size)
    await eyes.answered(1)
    await eyes.settles()
    eyes.agent.model.script(Reply("Let me.", tool=eyes.cli.tool), *[Reply("Made.")][: eyes.cli.continues])
    await eyes.submit("[bob #2] make it")
    await eyes.answered(2)
    await eyes.agent.terminal.shows(eyes.cli.dialog, 30)
    eyes.line.drawn.append([eyes.line.true[-1][0], eyes.now()])
    for size in sizes[1:]:
        await resize(eyes, size)
    await eyes.approve(0.3)
    await eyes.answered(3) if eyes.cli.continues else await eyes.ends_with_tool(0.3)
    await eyes.settles()
    await asyncio.sleep(1)


async def resize(eyes: Watched, size: tuple[int, int]) -> None:
    eyes.agent.terminal.resize(*size)
    await asyncio.sleep(0.8)


async def errors(eyes: Watched) -> None:
    """The label `error` from the last failure on: the composer is back."""
    status = 401 if eyes.cli is CODEX else 400
    tries = {"claude": 6, "codex": 6}.get(eyes.cli.name, 1)
    eyes.agent.model.script(*[Reply(status=status)] * tries)
    await eyes.submit("[alice #1] fail")
    await retry_until(lambda: len(eyes.agent.model.turns) >= tries and eyes.agent.model.turns[-1].finished_at, 60)
    eyes.answer("error", eyes.line.at(eyes.agent.model.turns[-1].finished_at or 0))
    await eyes.settles("error")
    await asyncio.sleep(2)
    await eyes.turn("[bob #2] go on", Reply("Here I am."))


def compacts(tokens: int) -> Scenario:
    """A conversation that is nearly full, and then shortened."""

    async def run(eyes: Watched) -> None:
        await eyes.turn("[alice #1] hello", Reply("Hello.", tokens=tokens))
        asked = len(eyes.agent.model.turns)
        eyes.agent.model.script(Reply("A summary.", silence=5))
        await press(eyes, "+".join("/compact"))
        await asyncio.sleep(0.6)
        eyes.agent.terminal.write("\r")
        eyes.true("busy")
        await eyes.answered(asked + 1)
        await eyes.settles()
        await asyncio.sleep(3)

    return run


def compacts_aside(tokens: int, command: str) -> Scenario:
    """The same, where the summary is asked for by a request beside the turns."""

    async def run(eyes: Watched) -> None:
        model = eyes.agent.model
        await eyes.turn("[alice #1] hello", Reply("Hello.", tokens=tokens))
        await asyncio.sleep(1)
        model.aside_silence, before = 5.0, len(model.seen)
        await press(eyes, "+".join(command))
        await asyncio.sleep(1)
        eyes.agent.terminal.write("\r")
        eyes.true("busy")
        await retry_until(
            lambda: any(one.finished_at for one in model.seen[before:] if one.asked.kind is Kind.SIDE), 60
        )
        eyes.answer("idle", eyes.line.at(max(one.finished_at or 0 for one in model.seen)))
        model.aside_silence = 0.0
        await eyes.settles()
        await asyncio.sleep(3)

    return run


async def waits_for_limit(eyes: Watched) -> None:
    """It repeats a refused request by itself when the limit has ended, and works until then. A person ends the wait."""
    model = eyes.agent.model
    await eyes.turn("[alice #1] hello", Reply("Hello."))
    model.script(LIMITS[eyes.cli.agent](int(time.time()) + 3 * 3600))
    await eyes.submit("[alice #2] and now?")
    await asyncio.sleep(6)
    eyes.true("error")  # the refused turn is over, without an answer
    eyes.agent.terminal.write(REGISTRY[eyes.cli.agent].interrupt.key)
    await eyes.settles("error")
    await asyncio.sleep(2)
    await eyes.turn("[bob #3] go on", Reply(PROSE, seconds=2))


def limits(state: str) -> Scenario:
    """The vendor refuses a turn because a usage limit is reached, and answers the next one. `state` is what the CLI
    shows then: an error, a free composer alone, or a dialog."""

    async def run(eyes: Watched) -> None:
        tries = LIMIT_TRIES.get(eyes.cli.agent, 1)
        eyes.agent.model.script(*[LIMITS[eyes.cli.agent](int(time.time()) + 3 * 3600)] * tries)
        await eyes.submit("[alice #1] hello")
        await retry_until(lambda: len(eyes.agent.model.turns) >= tries and eyes.agent.model.turns[-1].finished_at, 120)
        eyes.answer(state, eyes.line.at(eyes.agent.model.turns[-1].finished_at or 0))
        await eyes.settles("asking" if state == "approval" else state)
        await asyncio.sleep(3)
        if state != "approval":
            await eyes.turn("[bob #2] go on", Reply(PROSE, seconds=2))

    return run


async def interrupts(eyes: Watched) -> None:
    """Escape while it thinks, while it answers, and in a dialog."""
    for text, reply in (("think", Reply("x", silence=60)), ("answer", Reply(PROSE, seconds=30))):
        eyes.agent.model.script(reply)
        await eyes.submit(f"[alice #1] {text}")
        await asyncio.sleep(2.5)
        await escape(eyes)
    eyes.agent.model.script(Reply("Let me.", tool=eyes.cli.tool))
    asked = len(eyes.agent.model.turns)
    await eyes.submit("[alice #2] make it")
    await eyes.answered(asked + 1)
    begun = eyes.line.true[-1][0]
    await eyes.agent.terminal.shows(eyes.cli.dialog, 30)
    eyes.line.drawn.append([begun, eyes.now()])
    await asyncio.sleep(1.5)
    await escape(eyes)


async def escape(eyes: Watched) -> None:
    late = eyes.cli.tells_when_over or eyes.cli.prints
    eyes.answer("idle", eyes.now()) if late else eyes.true("idle")
    eyes.agent.terminal.write(REGISTRY[eyes.cli.agent].interrupt.key)
    await eyes.settles()
    await asyncio.sleep(1)
    for _ in range(2):
        eyes.agent.terminal.write("\x15")
        await asyncio.sleep(0.2)


def modals(*pairs: tuple[str, str]) -> Scenario:
    async def run(eyes: Watched) -> None:
        for command, shows in pairs:
            await eyes.modal(command, shows)
        await eyes.turn("[alice #1] hello", Reply("Hello."))

    return run


def places(*ways: tuple[str, str, str, str]) -> Scenario:
    """Where a person may be besides the composer: the keys that open it, what it shows, what is true there (idle: text
    stands in the composer, though it is no prompt), and the keys that leave it."""

    async def run(eyes: Watched) -> None:
        for number in (1, 2):
            await eyes.turn(f"[alice #{number}] hello", Reply("Hello."))
        for keys, shows, state, leave in ways:
            await press(eyes, keys)
            begun = eyes.now()
            if state != "idle":
                eyes.true(state)
            await eyes.agent.terminal.shows(shows, 20)
            if state == "approval":
                eyes.line.drawn.append([begun, eyes.now()])
            await asyncio.sleep(1.5)
            if state != "idle":
                eyes.true("idle")
            await press(eyes, leave)
            await eyes.settles()
            await asyncio.sleep(3)

    return run


async def low_drafts(eyes: Watched) -> None:
    """On the first screen of a low pane: what stands in the composer makes it higher than there is room."""
    for length in (40, 100, 145):
        eyes.agent.terminal.paste(f"[alice -> opencode #9] {PROSE}"[:length])
        await asyncio.sleep(2)
        for _ in range(4):
            eyes.agent.terminal.write(ERASE)
            await asyncio.sleep(0.3)
    await eyes.turn(f"[alice -> opencode #1] {PROSE}"[:100], Reply("Hello."))


async def press(eyes: Watched, keys: str) -> None:
    """One key after the other, the last one at once."""
    *first, last = keys.split("+")
    for key in first:
        eyes.agent.terminal.write(key)
        await asyncio.sleep(0.3)
    eyes.agent.terminal.write(last)


SEARCH, ESCAPE, ERASE, BACK, LEFT = "\x12", "\x1b", "\x15", "\x7f", "\x1b[D"
CLAUDE_PLACES = places(
    ("!+ls", "ls", "idle", f"{ERASE}+{BACK}"),
    ("/mod", "/model", "idle", ERASE),
    ("@", "@", "idle", BACK),
    (SEARCH, "earch prompts", "approval", ESCAPE),
)
CODEX_PLACES = places(
    ("!+ls", "ls", "idle", f"{ERASE}+{ESCAPE}"),
    ("/mod", "/model", "idle", ERASE),
    (SEARCH, "reverse-i-search", "approval", ESCAPE),
    (LEFT, "Agent command center", "approval", ESCAPE),
    ("/resume+\r", "Type to search", "approval", ESCAPE),
    ("/theme+\r", "esc back", "approval", ESCAPE),
)
GEMINI_PLACES = places(
    ("!+ls", "ls", "idle", f"{ERASE}+{ESCAPE}"),
    ("/mod", "/model", "idle", ERASE),
    (SEARCH, "(r:)", "approval", ESCAPE),
    ("/resume+\r", "Navigate:", "approval", "q"),
    (f"{ESCAPE}+{ESCAPE}", "Rewind", "approval", ESCAPE),
)
SUBSCRIBED = replace(CLAUDE, launch=claude_with_subscription)
CODEX_LOGIN = (("Sign in with ChatGPT", "3"), ("Sign in another way", "1"), ("Paste or type", ""))
GEMINI_TRUST = (("Do you trust", "3"),)
GEMINI_LOGIN = (("How would you like", "2"), ("Enter Gemini API Key", ""))
RECORDINGS: dict[str, tuple[Cli, tuple[int, int], Scenario, bool]] = {
    "claude-329-quotes-100x30": (CLAUDE, (100, 30), quotes, False),
    "claude-329-quotes-60x20": (CLAUDE, (60, 20), quotes, True),
    "claude-329-quotes-200x50": (CLAUDE, (200, 50), quotes, False),
    "claude-329-silence": (CLAUDE, (90, 28), silence, False),
    "claude-329-silence-7501": (CLAUDE, (70, 24), silence, True),
    "claude-329-errors": (CLAUDE, (120, 35), errors, True),
    "claude-329-limits": (SUBSCRIBED, (100, 30), limits("error"), True),
    "claude-329-limits-60x20": (SUBSCRIBED, (60, 20), limits("idle"), False),
    "claude-329-compacts": (CLAUDE, (100, 30), compacts(960_000), True),
    "codex-compacts": (CODEX, (80, 24), compacts(262_000), True),
    "codex-limits": (CODEX, (80, 24), limits("error"), True),
    "gemini-limits": (GEMINI, (80, 24), limits("approval"), True),
    "claude-329-interrupts": (CLAUDE, (60, 20), interrupts, False),
    "claude-329-modals-60x20": (CLAUDE, (60, 20), modals(("/model", "Esc to"), ("/config", "Esc to")), False),
    "claude-197-quotes": (CLAUDE_197, (80, 24), quotes, False),
    "claude-197-resizes": (CLAUDE_197, (100, 30), resizes, False),
    "claude-197-interrupts": (CLAUDE_197, (60, 20), interrupts, False),
    "codex-quotes-100x30": (CODEX, (100, 30), quotes, True),
    "codex-quotes-60x20": (CODEX, (60, 20), quotes, True),
    "codex-quotes-200x50": (CODEX, (200, 50), quotes, True),
    "codex-silence": (CODEX, (90, 28), silence, True),
    "codex-interrupts": (CODEX, (60, 20), interrupts, True),
    "codex-modals": (CODEX, (60, 20), modals(("/model", "esc"), ("/permissions", "esc")), True),
    "gemini-quotes-100x30": (GEMINI, (100, 30), quotes, True),
    "gemini-quotes-60x20": (GEMINI, (60, 20), quotes, True),
    "gemini-silence": (GEMINI, (60, 20), silence, True),
    "gemini-resizes": (GEMINI, (80, 24), resizes, True),
    "gemini-errors": (GEMINI, (120, 35), errors, True),
    "gemini-interrupts": (GEMINI, (80, 24), interrupts, True),
    "claude-329-places": (CLAUDE, (100, 30), CLAUDE_PLACES, True),
    "claude-197-places": (CLAUDE_197, (90, 28), CLAUDE_PLACES, False),
    "codex-places": (CODEX, (100, 30), CODEX_PLACES, True),
    "gemini-places": (GEMINI, (90, 28), GEMINI_PLACES, True),
    "gemini-modals": (GEMINI, (80, 24), modals(("/theme", "Select Theme"), ("/model", "Select Model")), True),
    "opencode-quotes-100x30": (OPENCODE, (100, 30), quotes, True),
    "opencode-quotes-60x20": (OPENCODE, (60, 20), quotes, True),
    "opencode-silence": (OPENCODE, (90, 28), silence, True),
    "opencode-resizes": (OPENCODE, (100, 30), resizes, True),
    "opencode-errors": (OPENCODE, (120, 35), errors, True),
    "opencode-interrupts": (OPENCODE, (80, 24), interrupts, True),
    "opencode-low-100x12": (OPENCODE, (100, 12), low_drafts, True),
    "opencode-modals": (OPENCODE, (80, 24), modals(("/models", "Select model"), ("/sessions", "Sessions")), True),
}
RECORDINGS |= {
    "opencode-limits": (OPENCODE, (100, 30), waits_for_limit, True),
    "opencode-limits-60x20": (OPENCODE, (60, 20), waits_for_limit, True),
    "opencode-compacts": (OPENCODE, (100, 30), compacts_aside(186_000, "/compact"), True),
    "qwen-compacts": (QWEN, (100, 30), compacts_aside(88_000, "/compress"), True),
    "qwen-limits": (QWEN, (80, 24), limits("error"), True),
    "qwen-quotes-100x30": (QWEN, (100, 30), quotes, True),
    "qwen-quotes-60x20": (QWEN, (60, 20), quotes, True),
    "qwen-silence": (QWEN, (80, 24), silence, True),
    "qwen-resizes": (QWEN, (100, 30), resizes, True),
    "qwen-errors": (QWEN, (80, 24), errors, True),
    "qwen-interrupts": (QWEN, (60, 20), interrupts, True),
    "qwen-modals": (QWEN, (80, 24), modals(("/model", "Select Model"), ("/settings", "Settings")), True),
}
RECORDINGS |= {
    "copilot-quotes-100x30": (COPILOT, (100, 30), quotes, True),
    "copilot-quotes-60x20": (COPILOT, (60, 20), quotes, True),
    "copilot-silence": (COPILOT, (80, 24), silence, True),
    "copilot-resizes": (COPILOT, (100, 30), resizes, True),
    "copilot-errors": (COPILOT, (80, 24), errors, True),
    "copilot-interrupts": (COPILOT, (80, 24), interrupts, True),
    "copilot-modals": (COPILOT, (80, 24), modals(("/theme", "Color Mode"), ("/settings", "[User]")), True),
    "copilot-limits": (COPILOT, (80, 24), limits("error"), True),
    "copilot-compacts": (COPILOT, (100, 30), compacts(100_000), True),
}
PI_PLACES = places(
    ("!+ls", "ls", "idle", f"{ERASE}+{BACK}"),
    ("/mod", "model", "idle", ERASE),
    ("/tree+\r", "Session Tree", "approval", ESCAPE),
    ("/resume+\r", "Resume Session", "approval", ESCAPE),
    ("/login+\r", "authentication method", "approval", ESCAPE),
)
RECORDINGS |= {
    "pi-quotes-100x30": (PI, (100, 30), quotes, True),
    "pi-quotes-60x20": (PI, (60, 20), quotes, True),
    "pi-silence": (PI, (80, 24), silence, True),
    "pi-resizes": (PI, (100, 30), resizes, True),
    "pi-errors": (PI, (80, 24), errors, True),
    "pi-interrupts": (PI, (60, 20), interrupts, True),
    "pi-modals": (PI, (80, 24), modals(("/model", "Only showing"), ("/settings", "Type to search")), True),
    "pi-places": (PI, (100, 30), PI_PLACES, True),
    "pi-limits": (PI, (80, 24), limits("error"), True),
    "pi-compacts": (
        replace(PI, launch=pi_that_keeps_little),
        (100, 30),
        compacts_aside(176_000, "/compact"),
        True,
    ),
}
RECORDINGS |= {
    "vibe-quotes-100x30": (VIBE, (100, 30), quotes, True),
    "vibe-quotes-60x20": (VIBE, (60, 20), quotes, True),
    "vibe-silence": (VIBE, (80, 24), silence, True),
    "vibe-resizes": (VIBE, (100, 30), resizes, True),
    "vibe-errors": (VIBE, (80, 24), errors, True),
    "vibe-interrupts": (VIBE, (80, 24), interrupts, True),
    "vibe-limits": (VIBE, (80, 24), limits("error"), True),
    "vibe-modals": (VIBE, (80, 24), modals(("/model", "Select Model"), ("/theme", "Esc cancel")), True),
}
RECORDINGS |= {
    "cline-quotes-100x30": (CLINE, (100, 30), quotes, True),
    "cline-quotes-60x20": (CLINE, (60, 20), quotes, True),
    "cline-silence": (CLINE, (80, 24), silence, True),
    "cline-resizes": (CLINE, (100, 30), resizes, True),
    "cline-errors": (CLINE, (80, 24), errors, True),
    "cline-interrupts": (CLINE, (80, 24), interrupts, True),
    "cline-limits": (CLINE, (80, 24), limits("error"), True),
    "cline-limits-60x20": (CLINE, (60, 20), limits("error"), True),
}
RECORDINGS |= {
    "aider-quotes-100x30": (AIDER, (100, 30), quotes, True),
    "aider-quotes-60x20": (AIDER, (60, 20), quotes, True),
    "aider-silence": (AIDER, (80, 24), silence, True),
    "aider-resizes": (AIDER, (100, 30), resizes, True),
    "aider-errors": (AIDER, (80, 24), errors, True),
    "aider-interrupts": (AIDER, (80, 24), interrupts, True),
}
Step = tuple[str, str]
SETTINGS, COPILOT_STATE = ".gemini/settings.json", ".copilot/config.json"
# At their first start: what is missing, and for each screen what it shows and the keys that answer it.
FIRST: dict[str, tuple[Cli, tuple[int, int], Change, tuple[Step, ...]]] = {
    "claude-329-first-100x30": (CLAUDE, (100, 30), onboarding, (("text style", "\r"), ("Security notes", "\r"))),
    "claude-329-first-60x20": (CLAUDE, (60, 20), onboarding, (("text style", "\r"), ("Security notes", "\r"))),
    "codex-login-100x30": (CODEX, (100, 30), no_codex_config, CODEX_LOGIN),
    "codex-login-60x20": (CODEX, (60, 20), no_codex_config, CODEX_LOGIN),
    "codex-update": (CODEX, (90, 28), newer_codex, (("Update available", "\x1b"),)),
    "gemini-trust-100x30": (GEMINI, (100, 30), without(SETTINGS, "security", "folderTrust"), GEMINI_TRUST),
    "gemini-trust-60x20": (GEMINI, (60, 20), without(SETTINGS, "security", "folderTrust"), GEMINI_TRUST),
    "gemini-login-100x30": (GEMINI, (100, 30), without(SETTINGS, "security", "auth"), GEMINI_LOGIN),
    "gemini-login-60x20": (GEMINI, (60, 20), without(SETTINGS, "security", "auth"), GEMINI_LOGIN),
    "gemini-key-60x20": (GEMINI, (60, 20), no_key, (("Enter Gemini API Key", ""),)),
    "copilot-trust-80x24": (COPILOT, (80, 24), without(COPILOT_STATE, "trustedFolders"), (("Do you trust", "1"),)),
    "vibe-trust-80x24": (VIBE, (80, 24), instructions, (("rust", "\r"),)),
    "vibe-trust-60x20": (VIBE, (60, 20), instructions, (("rust", "\r"),)),
    "copilot-trust-60x20": (COPILOT, (60, 20), without(COPILOT_STATE, "trustedFolders"), (("Do you trust", "1"),)),
}
# What it offers by itself after its start: what it shows, until Escape.
OFFERED: dict[str, tuple[Cli, tuple[int, int], Change, str]] = {
    "opencode-update": (OPENCODE, (100, 30), newer_opencode, "Update Available"),
}
NOTES = [
    "made by tests/real_clis/record.py",
    "labels: busy = the Enter that was taken, idle = last byte of the last answer (or Escape), approval = last byte of "
    "the answer with the tool call (or the Enter that opens a picker), busy again = the key that approves",
    "starting -> idle = the composer was drawn (screen-derived)",
]


TITLE_NOTES = [
    NOTES[0],
    "labels: busy = the Enter that was taken (or that opens a picker), busy again = the key that approves, idle after "
    "Escape = the key; after the model's last byte the CLI's own title tells, and a picker when it is drawn",
    NOTES[2],
]
PROGRESS_NOTES = [
    NOTES[0],
    "labels: busy = the Enter that was taken, busy again = the key that approves; after the last byte, and after "
    "Escape, the CLI's own progress (OSC 9;4) tells; a dialog or picker when it is drawn, and when it has left",
    NOTES[2],
]
LATE_NOTES = [
    NOTES[0],
    "labels: busy = the Enter that was taken, idle = last byte of the last answer (or Escape), approval = the dialog "
    "is drawn, a second after the call (or the Enter that opens a picker), busy again = the key that approves",
    NOTES[2],
]
PASTE_NOTES = [
    NOTES[0],
    "labels: busy = the Enter that was taken, busy again = the key that approves; after the last byte, bracketed paste "
    "tells, which is on while the CLI reads a line; a question and the prompt after a tool when they are drawn",
    NOTES[2],
]
STATUS_NOTES = [NOTES[0], PROGRESS_NOTES[1].replace("progress (OSC 9;4)", "status file"), NOTES[2]]
OFFERED_NOTES = [
    NOTES[0],
    "labels: idle = the composer is drawn, approval = the offer is drawn, idle again = the key that closes it",
]
FIRST_NOTES = [
    "made by tests/real_clis/record.py",
    "labels: approval = a first question is drawn, starting = the key that answers it, idle = the composer is drawn",
]
NOTES_BY_SIGN = {
    **{"progress": PROGRESS_NOTES, "status": STATUS_NOTES, "prints": PASTE_NOTES, "titles": TITLE_NOTES},
    "draws_late": LATE_NOTES,
}


def is_of_release(name: str, cli: Cli) -> bool:
    """A recording may have the last number of its release in its name: another release belongs under another name."""
    number = name.split("-")[1]
    return not number.isdigit() or cli.version.endswith(f".{number}")


async def first(name: str, folder: Path) -> None:
    cli, size, change, steps = FIRST[name]
    async with unprepared(cli, size, change) as eyes:
        for shows, keys in steps:
            await eyes.terminal.shows(shows, 60)
            eyes.true("approval")
            await asyncio.sleep(2)
            if keys:
                eyes.true("starting")
                eyes.terminal.write(keys)
        if keys:
            await eyes.terminal.shows(cli.ready, 60)
            eyes.true("idle")
            await asyncio.sleep(3)
        eyes.save(folder / f"{name}.cast", FIRST_NOTES)
        print(name, [state for _, state in eyes.line.true], eyes.line.seen)


async def offered(name: str, folder: Path) -> None:
    cli, size, change, shows = OFFERED[name]
    async with unprepared(cli, size, change) as eyes:
        await eyes.terminal.shows(cli.ready, 120)
        eyes.true("idle")
        await eyes.terminal.shows(shows, 60)
        eyes.true("approval")
        await asyncio.sleep(2)
        eyes.true("idle")
        eyes.terminal.write(ESCAPE)
        await eyes.settles()
        await asyncio.sleep(3)
        eyes.save(folder / f"{name}.cast", OFFERED_NOTES)
        print(name, [state for _, state in eyes.line.true], eyes.line.seen)


async def main(folder: Path, names: list[str]) -> None:
    for name in names or [*RECORDINGS, *FIRST, *OFFERED]:
        cli = (FIRST.get(name) or OFFERED.get(name) or RECORDINGS[name])[0]
        if not is_of_release(name, cli):
            print(f"{name}: not made, {cli.name} is {cli.version} here ({PROVEN_VARIABLE} chooses)", file=sys.stderr)
            continue
        if name in FIRST or name in OFFERED:
            await (first if name in FIRST else offered)(name, folder)
            continue
        _, size, scenario, probed = RECORDINGS[name]
        async with watched(cli, size=size, probed=probed) as eyes:
            try:
                await scenario(eyes)
            except AssertionError as error:
                print(f"{name}: {error}", file=sys.stderr)
                continue
            notes = next((notes for label, notes in NOTES_BY_SIGN.items() if getattr(cli, label)), NOTES)
            eyes.save(folder / f"{name}.cast", notes)
            print(name, (folder / f"{name}.cast").stat().st_size // 1000, "kB")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
