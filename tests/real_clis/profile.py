"""What a release shows and tells: which rules match its screen, how its dialog reads, which fields its hooks have. Two
releases are compared by it: python -P -m tests.real_clis.profile NAME FILE (NAME is what the tests run, or
GROUPCHAT_PROVE=NAME@VERSION)"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.evidence.turn_evidence import TurnFactKind
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import ALL, Cli
from tests.real_clis.observed_cli import ObservedCli, observed_cli
from tests.real_clis.record import PROSE, escape
from tests.real_clis.watched import Watched, watched

DEPTH = 2
MOST_ROWS = 3  # of the dialog's question and options


class Profile(msgspec.Struct, frozen=True):
    """`hooks`: the fields of each event. `facts`: what hooks and transcript told of turns. `rules`: those that matched.
    `banner`: whether its screen named its own version. `reached`: other hosts that it asked for."""

    hooks: dict[str, tuple[str, ...]]
    facts: tuple[str, ...]
    rules: tuple[str, ...]
    dialog: tuple[str, ...]
    banner: bool
    reached: tuple[str, ...]


def fields_of(event: Mapping[str, object], depth: int = DEPTH) -> Iterator[str]:
    for name, value in event.items():
        yield name
        if depth > 1 and isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in fields_of(value, depth - 1))


def hooks_of(events: Iterable[Mapping[str, object]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for event in events:
        found.setdefault(str(event.get("hook_event_name")), set()).update(fields_of(event))
    return {name: tuple(sorted(fields)) for name, fields in sorted(found.items())}


def differences(before: Profile, now: Profile) -> list[str]:
    """In words; nothing if both releases show and tell the same."""
    pairs = [(f"hook {name}", fields, now.hooks.get(name, ())) for name, fields in before.hooks.items()]
    pairs += [(f"hook {name}", (), fields) for name, fields in now.hooks.items() if name not in before.hooks]
    pairs += [(name, getattr(before, name), getattr(now, name)) for name in ("facts", "rules", "dialog", "reached")]
    changes = [line for name, old, new in pairs for line in _changes(name, old, new)]
    return changes + ([f"banner: {before.banner} before, {now.banner} now"] if before.banner != now.banner else [])


def _changes(name: str, old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    if gone := [one for one in old if one not in new]:
        yield f"{name}: no longer {'; '.join(gone)}"
    if added := [one for one in new if one not in old]:
        yield f"{name}: new {'; '.join(added)}"


# Taken from a real CLI


class Seen:
    """Listens to every look at the screen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rules: set[str] = set()
        self.dialog: tuple[str, ...] = ()

    def add(self, moment: AgentSnapshot) -> None:
        self.rules |= {f"{one.says}: {one.rule}" for one in moment.reading.arguments}
        dialog = moment.reading.dialog
        if dialog is not None and (dialog.question or dialog.options):
            shown = (dialog.question, *dialog.options)[: MOST_ROWS + 1]
            self.dialog = tuple(one.replace(str(self.folder), "FOLDER") for one in shown)


async def look_at_screens(cli: Cli, folder: Path) -> tuple[Seen, Watched]:
    """Each kind of turn, a failure, an interruption, a resize."""
    seen = Seen(folder)
    async with watched(cli, folder) as eyes:
        eyes.listener = seen.add
        await eyes.turn("[alice #1] short", Reply("Short."))
        await eyes.turn("[alice #2] long", Reply(PROSE, seconds=2))
        await eyes.turn("[alice #3] tool", Reply("Let me.", tool=cli.tool), Reply("Made."))
        eyes.agent.terminal.resize(80, 24)
        await eyes.turn("[alice #4] silent", Reply("Done.", silence=2))
        eyes.agent.model.script(Reply(PROSE, seconds=30))
        await eyes.submit("[alice #5] cut")
        await asyncio.sleep(2)
        await escape(eyes)
        return seen, eyes


async def hear_hooks(one: ObservedCli) -> None:
    """A turn with a tool that asks, one that is interrupted, one that fails."""
    one.model.script(Reply("Let me.", tool=one.cli.tool), *[Reply("It is made.")][: one.cli.continues])
    await one.say("[alice -> you #1] Make it.")
    await one.terminal.shows(one.cli.dialog, 60)
    await asyncio.sleep(1)
    one.terminal.write("\r")
    await retry_until(lambda: one.made, 60, describe=one.describe)
    await one.answers()
    await one.terminal.shows(one.cli.ready, 60)
    goes_on = asyncio.Event()
    one.model.script(Reply("CUT-HERE\n\ntwo three four five six", until=goes_on))
    await one.say("[alice -> you #2] Talk.")
    await one.terminal.shows("CUT-HERE", 60)
    one.terminal.write(one.agent.interrupt.key)
    await one.tells(TurnFactKind.INTERRUPTED, "transcript", seconds=60)
    goes_on.set()
    await asyncio.sleep(2)
    one.model.default = Reply(status=400)
    await one.say("[alice -> you #3] Fail.")
    await retry_until(lambda: any(fact.kind is TurnFactKind.FAILED for fact in one.facts), 90, describe=one.describe)
    await asyncio.sleep(2)


async def profile_of(cli: Cli) -> Profile:
    with tempfile.TemporaryDirectory(prefix="gc-profile-", dir="/var/tmp") as top:
        folders = [Path(top, name) for name in ("screens", "hooks")]
        for folder in folders:
            folder.mkdir()
        seen, eyes = await look_at_screens(cli, folders[0])
        async with observed_cli(cli.name, folders[1]) as one:
            await hear_hooks(one)
    return Profile(
        hooks=hooks_of(one.events),
        facts=tuple(sorted({f"{fact.kind} by {fact.source}" for fact in one.facts})),
        rules=tuple(sorted(seen.rules)),
        dialog=seen.dialog,
        banner=eyes.observer.version == cli.version,
        reached=tuple(sorted(set(eyes.agent.outside.hosts))),
    )


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(msgspec.json.format(msgspec.json.encode(asyncio.run(profile_of(ALL[sys.argv[1]])))))
