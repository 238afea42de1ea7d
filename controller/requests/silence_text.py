"""Why an agent is silent, as rows for people. The gateway decides it."""

from __future__ import annotations

from gateway.protocol.results import Why
from gateway.protocol.text.printable_text import local_time_text


def why_rows(why: Why) -> list[tuple[str, str]]:
    """The name and text of each row that has something to tell."""
    found = (
        ("state", why.state),
        ("evidence", why.evidence),
        ("since", local_time_text(why.since) if why.since else ""),
        ("waits", why.waits),
        ("last receipt", why.last),
        ("folder", why.folder),
        ("what helps", why.helps),
    )
    return [(name, text) for name, text in found if text]
