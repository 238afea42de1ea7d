"""Screens drawn for tests, as the agents draw them."""

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.activity.activity_verdict import Verdict
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import Dialog, ScreenReading

COLUMNS = 60
RULE = "─" * COLUMNS


def picture(*rows: str, columns: int = COLUMNS, height: int = 20) -> ScreenSnapshot:
    """The rows at the bottom of a screen."""
    return ScreenSnapshot(("",) * (height - len(rows)) + rows, columns, bracketed_paste=True)


def boxed(*above: str, text: str = "", mark: str = "❯", footer: str = "  ? for shortcuts") -> ScreenSnapshot:
    first, *more = text.split("\n")
    rows = (RULE, f"{mark} {first}", *(f"  {line}" for line in more), RULE)
    return picture(*above, *rows, footer)


def moment(
    activity: Activity = Activity.IDLE,
    composer: Composer = Composer.EMPTY,
    text: str = "",
    dialog: Dialog | None = None,
    sources: tuple[EvidenceSource, ...] = (),
) -> AgentSnapshot:
    verdict = Verdict(activity, composer, dialog=dialog, sources=frozenset(sources))
    return AgentSnapshot(verdict, ScreenReading(composer=composer, text=text), picture())
