"""The sizes of an agent's pane in a session of three agents, laid out like the launcher. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.team.team import AgentPlaces, LayoutSpec
from controller.tmux.pane_layout import place_agents

AGENTS = 3
CHAT_PERCENT = 45  # panes are the smallest screens an agent may get
STATUS_ROWS = 1
SESSIONS = ((60, 20), (80, 24), (100, 30), (120, 40), (200, 60))
WIDE = (200, 150)


@dataclass(frozen=True)
class Size:
    """`pane` is the narrowest agent's in a session of this size."""

    session: tuple[int, int]
    pane: tuple[int, int]

    @property
    def name(self) -> str:
        return "{}x{}".format(*self.session)

    @property
    def pane_name(self) -> str:
        return "{}x{}".format(*self.pane)


def size_of(session: tuple[int, int]) -> Size:
    width, height = session
    spec = LayoutSpec(chat=CHAT_PERCENT, agents=AgentPlaces.PANES)
    cells = re.findall(r"(\d+)x(\d+),\d+,\d+,\d+", place_agents(AGENTS, width, height - STATUS_ROWS, spec).layout)
    columns, lines = min((int(wide), int(high)) for wide, high in cells[1:])
    return Size(session, (columns, lines))


SIZES = tuple(map(size_of, SESSIONS))
