"""Screens drawn for tests, as the agents draw them."""

from gateway.protocol.types import Activity, Composer
from sidecar.activity.activity import Verdict
from sidecar.activity.observer import Moment
from sidecar.screen.emulator import Picture
from sidecar.screen.evidence import Source
from sidecar.screen.rules import Dialog, Reading

COLUMNS = 60
RULE = "─" * COLUMNS


def picture(*rows: str, columns: int = COLUMNS, height: int = 20) -> Picture:
    """The rows at the bottom of a screen."""
    return Picture(("",) * (height - len(rows)) + rows, columns, bracketed_paste=True)


def boxed(*above: str, text: str = "", mark: str = "❯", footer: str = "  ? for shortcuts") -> Picture:
    first, *more = text.split("\n")
    rows = (RULE, f"{mark} {first}", *(f"  {line}" for line in more), RULE)
    return picture(*above, *rows, footer)


def moment(
    activity: Activity = Activity.IDLE,
    composer: Composer = Composer.EMPTY,
    text: str = "",
    dialog: Dialog | None = None,
    sources: tuple[Source, ...] = (),
) -> Moment:
    verdict = Verdict(activity, composer, dialog=dialog, sources=frozenset(sources))
    return Moment(verdict, Reading(composer=composer, text=text), picture())
