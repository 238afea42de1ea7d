"""What a speaker is told when it gets the turn. Pure.

What others said stands behind a bar on every line, so that nothing in it can pass for our own words.
"""

from __future__ import annotations

from gateway.protocol.text.printable_text import in_line
from gateway.turns.engine import Floor, Line, news_for
from gateway.turns.mode import filled

LONGEST_NEWS = 24_000
BAR = "| "


def first_line(speaker: str) -> str:
    """As the simple interface has always said it."""
    return f"@{speaker} - Your turn."


def prompt(floor: Floor) -> str:
    parts = (first_line(floor.speaker), _where(floor), _news(floor), _task(floor), _how(floor))
    return "\n\n".join(one for one in parts if one)


def _where(floor: Floor) -> str:
    phases = len(floor.mode.phases)
    phase = f", phase {floor.now_in.name} ({floor.phase + 1} of {phases})" if phases > 1 else ""
    rounds = f", round {floor.round} of {floor.rounds}" if 1 < floor.rounds < 100 else ""
    roles = [role for role, name in floor.cast.items() if name == floor.speaker]
    role = f" You are the {' and the '.join(roles)}." if roles else ""
    topic = f"\nTopic:\n{_barred(floor.topic)}" if floor.topic else ""
    return f"Mode {floor.name}{phase}{rounds}; speakers: {', '.join(floor.order)}.{role}{topic}"


def _news(floor: Floor) -> str:
    lines: list[str] = []
    size = 0
    for line in reversed(news_for(floor, floor.speaker)):
        told = _told(line)
        size += len(told)
        if size > LONGEST_NEWS and lines:
            lines.append("[what was said before that stands in the room's history]")
            break
        lines.append(told)
    return "\n".join(["What was said since you last spoke:", *reversed(lines)]) if lines else ""


def _told(line: Line) -> str:
    mark = ", out of turn" if line.aside else ""
    return f"#{line.seq} {line.from_}{mark}:\n{_barred(line.text)}"


def _barred(text: str) -> str:
    return "\n".join(BAR + one for one in text.strip().splitlines()) or BAR.rstrip()


def _task(floor: Floor) -> str:
    options = "\n".join(f"{one.key}{f' ({one.by})' if one.by else ''}: {one.text}" for one in floor.options)
    places = {
        "topic": in_line(floor.topic),
        "speaker": floor.speaker,
        "round": str(floor.round),
        "rounds": str(floor.rounds),
        "options": _barred(options),
        "members": ", ".join(one for one in floor.order if one != floor.speaker),
        "left": str(floor.left + 1),
    }
    return filled(floor.now_in.tell.strip(), places)


def _how(floor: Floor) -> str:
    return "Your final answer is your turn; everybody in the room reads it."
