"""What an empty room shows: what one can do first, and which of its agents are still starting. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from controller.view.text.row_types import Row
from controller.view.text.text_rows import fit_to_width
from gateway.protocol.events import MemberView
from gateway.protocol.types.core_types import Activity, Presence

HINT_COLUMNS = 16


def first_run_rows(room: str, here: Sequence[MemberView], known: Sequence[MemberView], width: int) -> list[Row]:
    """`here` are the agents of this room. Where there are none yet, one of the `known` can be invited."""
    hints = (
        _first_hint(here, known),
        ("hello", "talk to everyone in the room"),
        ("/help or F1", "all commands and keys"),
        ("F2", "answer what an agent asks"),
        ("Ctrl-D", "leave; agents keep running"),
    )
    found: list[Row] = [(("bold", fit_to_width(f"  #{room} is empty. What you can do:", width)),)]
    for key, text in hints:
        left = f"  {key.ljust(HINT_COLUMNS)} "
        found.append((("bold", fit_to_width(left, width)), ("", fit_to_width(text, max(0, width - len(left))))))
    return [*found, (), (("class:dim", fit_to_width(f"  {agents_text(here)}", width)),)]


def _first_hint(here: Sequence[MemberView], known: Sequence[MemberView]) -> tuple[str, str]:
    if known and not here:
        name = known[0].name
        return f"/invite {name}", f"bring {name} into this room"
    name = here[0].name if here else "claude"
    return f"@{name} hello", f"talk to {name} alone"


def agents_text(agents: Sequence[MemberView]) -> str:
    """Who is still starting, or that all are ready."""
    if not agents:
        return "No agent is here yet."
    starting = [one.name for one in agents if _is_starting(one)]
    if starting:
        return f"Still starting: {', '.join(starting)}."
    asking = [one.name for one in agents if one.activity is Activity.ASKING]
    if asking:
        return f"{', '.join(asking)} {'asks' if len(asking) == 1 else 'ask'}: F2 answers."
    return f"Ready: {', '.join(one.name for one in agents)}."


def _is_starting(member: MemberView) -> bool:
    return member.activity is Activity.STARTING or member.presence is not Presence.ONLINE
